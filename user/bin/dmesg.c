/* dmesg: the kernel's messages. */
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "user/lib/tool.h"

/* Commands of syslog(2). */
enum {
	LOG_READ_ALL = 3, LOG_READ_CLEAR = 4, LOG_CLEAR = 5, LOG_CONSOLE_LEVEL = 8, LOG_SIZE = 10,
};

/* Each line of the log begins with "<level>". */
static void log_print(const char *text, int len, bool raw)
{
	const char *end = text + len, *stop;

	for (; text < end; text = stop) {
		const char *close = NULL;

		stop = memchr(text, '\n', (size_t)(end - text));
		stop = stop ? stop + 1 : end;
		if (!raw && *text == '<')
			close = memchr(text, '>', (size_t)(stop - text));
		if (close)
			text = close + 1;
		fwrite(text, 1, (size_t)(stop - text), stdout);
		if (stop == end && end[-1] != '\n')
			putchar('\n');
	}
}

static int log_control(int command, int value)
{
	if (klogctl(command, NULL, value) < 0)
		err(1, "klogctl");
	return 0;
}

static int dmesg_main(int argc, char **argv)
{
	int c, size, n, command = LOG_READ_ALL;
	bool raw = false;
	char *buf;

	while ((c = getopt(argc, argv, "cCrn:")) != -1) {
		if (c == 'c')
			command = LOG_READ_CLEAR;
		else if (c == 'r')
			raw = true;
		else if (c == 'C')
			return log_control(LOG_CLEAR, 0);
		else if (c == 'n')
			return log_control(LOG_CONSOLE_LEVEL, (int)number_parse(optarg));
		else
			usage(1);
	}
	size = klogctl(LOG_SIZE, NULL, 0);
	if (size < 16384)
		size = 16384;
	buf = xmalloc((size_t)size);
	n = klogctl(command, buf, size);
	if (n < 0)
		err(1, "klogctl");
	log_print(buf, n, raw);
	free(buf);
	return 0;
}

TOOL("dmesg", dmesg_main, "[-Ccr] [-n LEVEL]");
