/* readlink, realpath: where links and paths lead. */
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "user/lib/tool.h"

enum resolve { LINK_TEXT, ALL_EXIST, LAST_MAY_MISS };

/* dir/name, or name if it is absolute. */
static char *path_from(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", name[0] == '/' ? "" : dir, name) < 0)
		err(1, "malloc");
	return path;
}

/* The absolute path without links; with LAST_MAY_MISS its last component need not exist. */
static char *resolve(const char *path, enum resolve how)
{
	char *real = realpath(path, NULL), *copy, *base, *dir, *next;
	char text[PATH_MAX];
	ssize_t n;

	if (real || how == ALL_EXIST || errno != ENOENT)
		return real;
	n = readlink(path, text, sizeof(text) - 1);
	copy = xstrdup(path);
	base = path_base(path);
	dir = realpath(dirname(copy), NULL);
	if (dir && n > 0) {	/* a link to what does not exist */
		text[n] = 0;
		next = path_from(dir, text);
		real = resolve(next, how);
		free(next);
	} else if (dir && *path) {
		real = path_join(dir, base);
	}
	free(dir);
	free(base);
	free(copy);
	return real;
}

static int readlink_main(int argc, char **argv)
{
	enum resolve how = LINK_TEXT;
	bool newline = true, verbose = false;
	int c, status = 0;

	while ((c = getopt(argc, argv, "fenv")) != -1) {
		if (c == 'f')
			how = LAST_MAY_MISS;
		else if (c == 'e')
			how = ALL_EXIST;
		else if (c == 'n')
			newline = false;
		else if (c == 'v')
			verbose = true;
		else
			usage(1);
	}
	if (!argv[optind])
		usage(1);
	for (argv += optind; *argv; argv++) {
		char text[PATH_MAX], *real = NULL;
		ssize_t n = -1;

		if (how == LINK_TEXT) {
			n = readlink(*argv, text, sizeof(text) - 1);
			if (n >= 0)
				text[n] = 0;
		} else {
			real = resolve(*argv, how);
		}
		if (n < 0 && !real) {
			if (verbose)
				warn("%s", *argv);
			status = 1;
			continue;
		}
		printf("%s%s", real ? real : text, newline ? "\n" : "");
		free(real);
	}
	return status;
}

static int realpath_main(int argc, char **argv)
{
	enum resolve how = LAST_MAY_MISS;
	int c, status = 0;

	while ((c = getopt(argc, argv, "e")) != -1) {
		if (c != 'e')
			usage(1);
		how = ALL_EXIST;
	}
	if (!argv[optind])
		usage(1);
	for (argv += optind; *argv; argv++) {
		char *real = resolve(*argv, how);

		if (real)
			puts(real);
		else
			warn("%s", *argv);
		status |= !real;
		free(real);
	}
	return status;
}

TOOL("readlink", readlink_main, "[-efnv] FILE...");
TOOL("realpath", realpath_main, "[-e] FILE...");
