/* touch: sets the times of files, and makes those that are missing. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/dates.h"
#include "user/lib/tool.h"

static int touch_file(const char *path, const struct timespec *times, bool create, bool as_link)
{
	int flags = as_link ? AT_SYMLINK_NOFOLLOW : 0, fd;

	if (utimensat(AT_FDCWD, path, times, flags) == 0)
		return 0;
	if (errno == ENOENT && !create)
		return 0;
	if (errno == ENOENT && !as_link) {
		fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY, 0666);
		if (fd >= 0 && futimens(fd, times) == 0) {
			close(fd);
			return 0;
		}
		if (fd >= 0)
			close(fd);
	}
	warn("cannot touch '%s'", path);
	return 1;
}

static void times_of(const char *path, struct timespec *times)
{
	struct stat st;

	if (stat(path, &st) < 0)
		err(1, "failed to get attributes of '%s'", path);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
}

static int touch_main(int argc, char **argv)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	bool create = true, as_link = false, access_only = false, change_only = false;
	int c, status = 0;

	while ((c = getopt(argc, argv, "acmhfr:t:d:")) != -1) {
		if (c == 'a')
			access_only = true;
		else if (c == 'm')
			change_only = true;
		else if (c == 'c' || c == 'h')
			create = false, as_link |= c == 'h';
		else if (c == 'r')
			times_of(optarg, times);
		else if (c == 't' && date_parse_digits(optarg, &times[0].tv_sec))
			times[0].tv_nsec = 0, times[1] = times[0];
		else if (c == 'd' && date_parse(optarg, &times[0]))
			times[1] = times[0];
		else if (c == 't' || c == 'd')
			errx(1, "invalid date format '%s'", optarg);
		else if (c != 'f')
			usage(1);
	}
	if (!argv[optind])
		usage(1);
	if (access_only && !change_only)
		times[1].tv_nsec = UTIME_OMIT;
	if (change_only && !access_only)
		times[0].tv_nsec = UTIME_OMIT;
	for (argv += optind; *argv; argv++)
		status |= touch_file(*argv, times, create, as_link);
	return status;
}

TOOL("touch", touch_main, "[-acmh] [-d DATE | -r FILE | -t [[CC]YY]MMDDhhmm[.ss]] FILE...");
