/* kill: sends a signal to processes. */
#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static int signals_list(char **argv)
{
	int i, status = 0;

	for (i = 1; !*argv && i < NSIG; i++) {
		if (signal_name(i))
			printf("%2d) SIG%s\n", i, signal_name(i));
	}
	for (; *argv; argv++) {
		int number = signal_number(*argv);

		if (isdigit((unsigned char)**argv)) {	/* also an exit status of a shell */
			number = atoi(*argv);
			if (number > 128)
				number -= 128;
			if (signal_name(number)) {
				puts(signal_name(number));
				continue;
			}
		} else if (number >= 0) {
			printf("%d\n", number);
			continue;
		}
		warnx("%s: invalid signal", *argv);
		status = 1;
	}
	return status;
}

static int kill_main(int argc, char **argv)
{
	int number = SIGTERM, status = 0;
	const char *text = NULL;

	argv++;
	argc--;
	if (argc > 0 && (strcmp(*argv, "-l") == 0 || strcmp(*argv, "-L") == 0))
		return signals_list(argv + 1);
	if (argc > 1 && (strcmp(*argv, "-s") == 0 || strcmp(*argv, "-n") == 0)) {
		text = argv[1];
		argv += 2;
	} else if (argc > 1 && argv[0][0] == '-' && strcmp(*argv, "--") != 0) {
		text = *argv++ + 1;
	}
	if (text && (number = signal_number(text)) < 0)
		errx(1, "%s: invalid signal", text);
	if (*argv && strcmp(*argv, "--") == 0)
		argv++;
	if (!*argv)
		usage(1);
	for (; *argv; argv++) {
		char *end;
		long pid = strtol(*argv, &end, 10);

		if (end == *argv || *end) {
			warnx("%s: arguments must be process ids", *argv);
			status = 1;
		} else if (kill((pid_t)pid, number) < 0) {
			warn("(%s)", *argv);
			status = 1;
		}
	}
	return status;
}

TOOL("kill", kill_main, "[-SIGNAL | -s SIGNAL] PID... | -l [SIGNAL]...");
