/* mktemp: makes a file or folder with a new name. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static int mktemp_main(int argc, char **argv)
{
	bool folder = false, dry = false, quiet = false, in_tmp;
	const char *dir = NULL, *pattern;
	char *path;
	int c, fd;

	while ((c = getopt(argc, argv, "duqp:t")) != -1) {
		if (c == 'd')
			folder = true;
		else if (c == 'u')
			dry = true;
		else if (c == 'q')
			quiet = true;
		else if (c == 'p')
			dir = optarg;
		else if (c == 't')
			dir = "";
		else
			usage(1);
	}
	pattern = argv[optind] ? argv[optind] : "tmp.XXXXXXXXXX";
	in_tmp = dir || !argv[optind];
	if (!dir || !*dir)
		dir = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	if (strlen(pattern) < 3 || strcmp(pattern + strlen(pattern) - 3, "XXX") != 0)
		errx(1, "too few X's in template '%s'", pattern);
	if (strlen(pattern) < 6 || strcmp(pattern + strlen(pattern) - 6, "XXXXXX") != 0) {
		/* mkstemp() wants six; the rest of the name does not matter to anybody. */
		if (asprintf(&path, "%sXXX", pattern) < 0)
			err(1, "malloc");
		pattern = path;
	}
	path = in_tmp ? path_join(dir, pattern) : xstrdup(pattern);
	fd = folder ? (mkdtemp(path) ? 0 : -1) : mkstemp(path);
	if (fd < 0) {
		if (!quiet)
			warn("failed to create %s via template '%s'",
			     folder ? "directory" : "file", path);
		return 1;
	}
	if (dry)
		remove(path);
	puts(path);
	return 0;
}

TOOL("mktemp", mktemp_main, "[-dqtu] [-p DIRECTORY] [TEMPLATE]");
