/* env, printenv: the environment, changed or shown. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

extern char **environ;

static int env_main(int argc, char **argv)
{
	const char *folder = NULL;
	char end = '\n', **e;
	int c;

	while ((c = getopt(argc, argv, "+iu:0C:")) != -1) {
		if (c == 'i')
			clearenv();
		else if (c == 'u')
			unsetenv(optarg);
		else if (c == '0')
			end = 0;
		else if (c == 'C')
			folder = optarg;
		else
			usage(125);
	}
	argv += optind;
	if (*argv && strcmp(*argv, "-") == 0) {
		clearenv();
		argv++;
	}
	for (; *argv && strchr(*argv, '='); argv++)
		putenv(*argv);
	if (folder && chdir(folder) < 0)
		err(125, "cannot change directory to '%s'", folder);
	if (*argv) {
		execvp(*argv, argv);
		c = errno == ENOENT ? 127 : 126;
		err(c, "'%s'", *argv);
	}
	for (e = environ; e && *e; e++)
		printf("%s%c", *e, end);
	return 0;
}

static int printenv_main(int argc, char **argv)
{
	int i, status = 0;
	char **e;

	if (argc < 2) {
		for (e = environ; e && *e; e++)
			puts(*e);
	}
	for (i = 1; i < argc; i++) {
		const char *value = getenv(argv[i]);

		if (value)
			puts(value);
		else
			status = 1;
	}
	return status;
}

TOOL("env", env_main, "[-i0] [-C DIR] [-u NAME]... [NAME=VALUE]... [COMMAND [ARG]...]");
TOOL("printenv", printenv_main, "[NAME]...");
