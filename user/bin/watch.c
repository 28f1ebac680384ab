/* watch: runs a command again and again and shows its output. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/tool.h"

static int watch_main(int argc, char **argv)
{
	double interval = 2;
	char *command = NULL, *longer, date[32];
	bool title = true;
	int c, i;

	while ((c = getopt(argc, argv, "+n:t")) != -1) {
		if (c == 'n')
			interval = duration_parse(optarg);
		else if (c == 't')
			title = false;
		else
			usage(1);
	}
	if (!argv[optind])
		usage(1);
	for (i = optind; argv[i]; i++) {
		if (asprintf(&longer, "%s%s%s", command ? command : "", command ? " " : "",
			     argv[i]) < 0)
			err(1, "malloc");
		free(command);
		command = longer;
	}
	if (interval < 0.1)
		interval = 0.1;
	for (;;) {
		time_t now = time(NULL);
		struct tm tm;

		localtime_r(&now, &tm);
		strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
		fputs("\033[H\033[J", stdout);
		if (title)
			printf("Every %.1fs: %s    %s\n\n", interval, command, date);
		fflush(stdout);
		if (system(command) == -1)
			err(1, "%s", command);
		duration_sleep(interval);
	}
}

TOOL("watch", watch_main, "[-t] [-n SECONDS] COMMAND [ARG]...");
