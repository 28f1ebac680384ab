/* rm, rmdir, unlink: remove files and folders. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

/* Nobody means these. */
static bool forbidden(const char *path)
{
	char *base = path_base(path);
	bool bad = strcmp(base, ".") == 0 || strcmp(base, "..") == 0;
	struct stat root, st;

	free(base);
	if (bad) {
		warnx("refusing to remove '.' or '..' directory: skipping '%s'", path);
		return true;
	}
	if (stat("/", &root) == 0 && lstat(path, &st) == 0 && st.st_ino == root.st_ino &&
	    st.st_dev == root.st_dev) {
		warnx("refusing to remove the root directory: skipping '%s'", path);
		return true;
	}
	return false;
}

static int rm_main(int argc, char **argv)
{
	struct remove_options o = { 0 };
	bool ok = true;
	int c;

	while ((c = getopt(argc, argv, "rRfidv")) != -1) {
		if (c == 'r' || c == 'R')
			o.recursive = true;
		else if (c == 'f')
			o.force = true, o.interactive = false;
		else if (c == 'i')
			o.interactive = true, o.force = false;
		else if (c == 'd')
			o.empty_dirs = true;
		else if (c == 'v')
			o.verbose = true;
		else
			usage(1);
	}
	if (!argv[optind] && !o.force)
		usage(1);
	for (argv += optind; *argv; argv++)
		ok &= !forbidden(*argv) && tree_remove(*argv, &o);
	return !ok;
}

/* The folders above path as well, as long as they become empty. */
static bool parents_remove(const char *path)
{
	char *copy = xstrdup(path);
	bool ok = true;
	char *slash;

	while (ok && (slash = strrchr(copy, '/')) != NULL) {
		while (slash > copy && slash[-1] == '/')
			slash--;
		*slash = 0;
		if (!*copy)
			break;
		if (rmdir(copy) < 0) {
			warn("failed to remove directory '%s'", copy);
			ok = false;
		}
	}
	free(copy);
	return ok;
}

static int rmdir_main(int argc, char **argv)
{
	bool parents = false, ok = true;
	int c;

	while ((c = getopt(argc, argv, "p")) != -1) {
		if (c != 'p')
			usage(1);
		parents = true;
	}
	if (!argv[optind])
		usage(1);
	for (argv += optind; *argv; argv++) {
		if (rmdir(*argv) < 0) {
			warn("failed to remove '%s'", *argv);
			ok = false;
		} else if (parents) {
			ok &= parents_remove(*argv);
		}
	}
	return !ok;
}

static int unlink_main(int argc, char **argv)
{
	if (argc != 2)
		usage(1);
	if (unlink(argv[1]) < 0)
		err(1, "cannot unlink '%s'", argv[1]);
	return 0;
}

TOOL("rm", rm_main, "[-dfiRrv] FILE...");
TOOL("rmdir", rmdir_main, "[-p] DIRECTORY...");
TOOL("unlink", unlink_main, "FILE");
