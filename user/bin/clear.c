/* clear, tty: small things about the terminal. */
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static int clear_main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		usage(1);
	fputs("\033[H\033[2J\033[3J", stdout);
	return 0;
}

static int tty_main(int argc, char **argv)
{
	const char *name = ttyname(0);
	int c;
	bool silent = false;

	while ((c = getopt(argc, argv, "s")) != -1) {
		if (c != 's')
			usage(2);
		silent = true;
	}
	if (!silent)
		puts(name ? name : isatty(0) ? "/dev/console" : "not a tty");
	return !isatty(0);
}

TOOL("clear", clear_main, "");
TOOL("tty", tty_main, "[-s]");
