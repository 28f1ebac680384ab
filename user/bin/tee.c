/* tee: its input to standard output and to files. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "user/lib/tool.h"

static int tee_main(int argc, char **argv)
{
	int flags = O_WRONLY | O_CREAT | O_TRUNC;
	int c, i, n = 1, status = 0;
	char buf[16384];
	int *fds;
	ssize_t got;

	while ((c = getopt(argc, argv, "ai")) != -1) {
		if (c == 'a')
			flags = O_WRONLY | O_CREAT | O_APPEND;
		else if (c == 'i')
			signal(SIGINT, SIG_IGN);
		else
			usage(1);
	}
	argv += optind;
	fds = xmalloc((size_t)(argc + 1) * sizeof(*fds));
	fds[0] = 1;
	for (i = 0; argv[i]; i++, n++) {
		fds[n] = open(argv[i], flags, 0666);
		if (fds[n] < 0) {
			warn("%s", argv[i]);
			status = 1;
		}
	}
	while ((got = read(0, buf, sizeof(buf))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			err(1, "read error");
		for (i = 0; i < n; i++) {
			if (fds[i] < 0 || write_all(fds[i], buf, (size_t)got))
				continue;
			warn("%s", i ? argv[i - 1] : "standard output");
			fds[i] = -1;
			status = 1;
		}
	}
	return status;
}

TOOL("tee", tee_main, "[-ai] [FILE]...");
