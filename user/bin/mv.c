/* mv: renames; onto another file system it copies and removes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

struct mv_options {
	bool interactive, no_clobber, force, verbose;
};

static bool move_far(const char *from, const char *to)
{
	const struct copy_options copy = { .recursive = true, .preserve = true, .links = true };
	const struct remove_options del = { .recursive = true, .force = true };
	struct stat st;

	if (lstat(to, &st) == 0 && !S_ISDIR(st.st_mode) && unlink(to) < 0) {
		warn("cannot remove '%s'", to);
		return false;
	}
	return tree_copy(from, to, &copy) && tree_remove(from, &del);
}

static bool move(const char *from, const char *to, const struct mv_options *o)
{
	struct stat a, b;

	if (lstat(from, &a) < 0) {
		warn("cannot stat '%s'", from);
		return false;
	}
	if (lstat(to, &b) == 0) {
		if (a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_nlink == 1) {
			warnx("'%s' and '%s' are the same file", from, to);
			return false;
		}
		if (S_ISDIR(b.st_mode) && !S_ISDIR(a.st_mode)) {
			warnx("cannot overwrite directory '%s' with non-directory", to);
			return false;
		}
		if (!S_ISDIR(b.st_mode) && S_ISDIR(a.st_mode)) {
			warnx("cannot overwrite non-directory '%s' with directory '%s'", to, from);
			return false;
		}
		if (o->no_clobber)
			return true;
		if (o->interactive && !ask("overwrite '%s'? ", to))
			return true;
		if (!o->force && !o->interactive && isatty(0) && !S_ISLNK(b.st_mode) &&
		    access(to, W_OK) < 0 && !ask("replace '%s', which is write-protected? ", to))
			return true;
	}
	if (rename(from, to) < 0) {
		if (errno == EXDEV)
			return move_far(from, to);
		if (errno == EINVAL)
			warnx("cannot move '%s' to a subdirectory of itself, '%s'", from, to);
		else
			warn("cannot move '%s' to '%s'", from, to);
		return false;
	}
	if (o->verbose)
		printf("renamed '%s' -> '%s'\n", from, to);
	return true;
}

static void set_option(struct mv_options *o, int c)
{
	o->interactive = c == 'i' || (o->interactive && c == 'v');
	o->no_clobber = c == 'n' || (o->no_clobber && c == 'v');
	o->force = c == 'f' || (o->force && c == 'v');
	o->verbose |= c == 'v';
	if (c == '?')
		usage(1);
}

static int mv_main(int argc, char **argv)
{
	struct mv_options o = { 0 };
	const char *folder = NULL, *last;
	bool as_file = false, ok = true;
	int c;

	while ((c = getopt(argc, argv, "finvt:T")) != -1) {
		if (c == 't')
			folder = optarg;
		else if (c == 'T')
			as_file = true;
		else
			set_option(&o, c);
	}
	argv += optind;
	argc -= optind;
	if (argc < 1 + !folder)
		usage(1);
	last = folder ? folder : argv[--argc];
	if (!folder && argc == 1 && (as_file || !is_directory(last)))
		return !move(argv[0], last, &o);
	if (!is_directory(last))
		errx(1, "target '%s' is not a directory", last);
	for (; argc > 0; argc--, argv++) {
		char *to = path_join(last, *argv);

		ok &= move(*argv, to, &o);
		free(to);
	}
	return !ok;
}

TOOL("mv", mv_main, "[-finTv] FROM TO | FROM... DIRECTORY | -t DIRECTORY FROM...");
