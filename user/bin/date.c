/* date: shows the time, or sets it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/dates.h"
#include "user/lib/tool.h"

/* strftime() with %N, the nanoseconds, beside. */
static void date_print(const char *format, const struct timespec *t)
{
	char spec[256], text[1024];
	struct tm tm;
	size_t n = 0;

	for (; *format; format++) {
		if (n + 16 > sizeof(spec))
			errx(1, "format too long");
		if (format[0] == '%' && format[1] == 'N') {
			n += (size_t)sprintf(spec + n, "%09ld", t->tv_nsec);
			format++;
			continue;
		}
		spec[n++] = *format;
		if (*format == '%' && format[1])
			spec[n++] = *++format;
	}
	spec[n] = 0;
	localtime_r(&t->tv_sec, &tm);
	text[0] = 0;
	if (*spec && !strftime(text, sizeof(text), spec, &tm))
		text[0] = 0;
	puts(text);
}

static void file_time(const char *path, struct timespec *t)
{
	struct stat st;

	if (stat(path, &st) < 0)
		err(1, "%s", path);
	*t = st.st_mtim;
}

static int date_main(int argc, char **argv)
{
	const char *format = "%a %b %e %H:%M:%S %Z %Y", *text = NULL;
	struct timespec t;
	bool set = false;
	int c, status = 0;

	clock_gettime(CLOCK_REALTIME, &t);
	while ((c = getopt(argc, argv, "ud:s:r:RI")) != -1) {
		if (c == 'u')
			setenv("TZ", "UTC0", 1);
		else if (c == 'd' || c == 's')
			text = optarg, set |= c == 's';
		else if (c == 'r')
			file_time(optarg, &t);
		else if (c == 'R')
			format = "%a, %d %b %Y %H:%M:%S %z";
		else if (c == 'I')
			format = "%Y-%m-%d";
		else
			usage(1);
	}
	tzset();
	if (text && !date_parse(text, &t))
		errx(1, "invalid date '%s'", text);
	if (set && clock_settime(CLOCK_REALTIME, &t) < 0) {
		warn("cannot set date");
		status = 1;
	}
	if (argv[optind] && argv[optind][0] != '+')
		errx(1, "invalid date '%s'", argv[optind]);
	date_print(argv[optind] ? argv[optind] + 1 : format, &t);
	return status;
}

TOOL("date", date_main, "[-uRI] [-d DATE | -r FILE | -s DATE] [+FORMAT]");
