/* truncate: sets the size of files. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static off_t new_size(char how, uint64_t n, off_t old)
{
	uint64_t size = (uint64_t)old;

	switch (how) {
	case '+':
		return (off_t)(size + n);
	case '-':
		return (off_t)(size > n ? size - n : 0);
	case '<':
		return (off_t)(size < n ? size : n);
	case '>':
		return (off_t)(size > n ? size : n);
	case '/':
		return (off_t)(size / n * n);
	case '%':
		return (off_t)((size + n - 1) / n * n);
	default:
		return (off_t)n;
	}
}

static int truncate_main(int argc, char **argv)
{
	bool create = true, given = false, reference = false;
	struct stat st = { 0 }, ref;
	uint64_t n = 0;
	char how = 0;
	int c, fd, status = 0;

	while ((c = getopt(argc, argv, "cs:r:")) != -1) {
		if (c == 'c') {
			create = false;
		} else if (c == 'r') {
			if (stat(optarg, &ref) < 0)
				err(1, "cannot stat '%s'", optarg);
			reference = true;
		} else if (c == 's') {
			given = true;
			if (*optarg && strchr("+-<>/%", *optarg))
				how = *optarg++;
			n = size_parse(optarg);
		} else {
			usage(1);
		}
	}
	if ((!given && !reference) || !argv[optind])
		usage(1);
	if ((how == '/' || how == '%') && n == 0)
		errx(1, "division by zero");
	if (reference && !given)
		n = (uint64_t)ref.st_size;
	for (argv += optind; *argv; argv++) {
		fd = open(*argv, O_WRONLY | O_NONBLOCK | (create ? O_CREAT : 0), 0666);
		if (fd < 0 && !create && errno == ENOENT)
			continue;
		if (fd < 0 || fstat(fd, &st) < 0 ||
		    ftruncate(fd, new_size(how, n, reference ? ref.st_size : st.st_size)) < 0) {
			warn("cannot truncate '%s'", *argv);
			status = 1;
		}
		if (fd >= 0)
			close(fd);
	}
	return status;
}

TOOL("truncate", truncate_main, "[-c] -s [+-<>/%]SIZE | -r FILE FILE...");
