/* ln: hard and symbolic links. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

struct ln_options {
	bool symbolic, force, no_dereference, verbose;
};

static int link_make(const char *target, const char *path, const struct ln_options *o)
{
	struct stat a, b;
	int r;

	if (o->force && lstat(path, &b) == 0) {
		if (!o->symbolic && lstat(target, &a) == 0 && a.st_ino == b.st_ino &&
		    a.st_dev == b.st_dev) {
			warnx("'%s' and '%s' are the same file", target, path);
			return 1;
		}
		if (unlink(path) < 0) {
			warn("cannot remove '%s'", path);
			return 1;
		}
	}
	r = o->symbolic ? symlink(target, path) : link(target, path);
	if (r < 0) {
		warn("failed to create %s link '%s'%s%s", o->symbolic ? "symbolic" : "hard", path,
		     o->symbolic ? "" : " => ", o->symbolic ? "" : target);
		return 1;
	}
	if (o->verbose)
		printf("'%s' %s '%s'\n", path, o->symbolic ? "->" : "=>", target);
	return 0;
}

static bool is_target_directory(const char *path, const struct ln_options *o)
{
	struct stat st;

	if (o->no_dereference && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return false;
	return is_directory(path);
}

static int ln_main(int argc, char **argv)
{
	struct ln_options o = { 0 };
	int c, status = 0;
	const char *last;

	while ((c = getopt(argc, argv, "sfnvT")) != -1) {
		if (c == 's')
			o.symbolic = true;
		else if (c == 'f')
			o.force = true;
		else if (c == 'n' || c == 'T')
			o.no_dereference = true;
		else if (c == 'v')
			o.verbose = true;
		else
			usage(1);
	}
	argv += optind;
	argc -= optind;
	if (argc < 1)
		usage(1);
	last = argc > 1 ? argv[--argc] : ".";
	if (argc == 1 && !is_target_directory(last, &o))
		return link_make(argv[0], last, &o);
	if (!is_directory(last))
		errx(1, "target '%s' is not a directory", last);
	for (; argc > 0; argc--, argv++) {
		char *path = path_join(last, *argv);

		status |= link_make(*argv, path, &o);
		free(path);
	}
	return status;
}

TOOL("ln", ln_main, "[-fnsTv] TARGET... [LINK | DIRECTORY]");
