/* which: where the shell finds commands. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static bool executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool search(const char *name, const char *path, bool all)
{
	char *copy = xstrdup(path), *rest = copy, *dir, *whole;
	bool found = false;

	while ((!found || all) && (dir = strsep(&rest, ":")) != NULL) {
		whole = path_join(*dir ? dir : ".", name);
		if (executable(whole)) {
			puts(whole);
			found = true;
		}
		free(whole);
	}
	free(copy);
	return found;
}

static int which_main(int argc, char **argv)
{
	const char *path = getenv("PATH");
	bool all = false, found;
	int c, status = 0;

	while ((c = getopt(argc, argv, "a")) != -1) {
		if (c != 'a')
			usage(2);
		all = true;
	}
	if (!argv[optind])
		usage(2);
	for (argv += optind; *argv; argv++) {
		if (strchr(*argv, '/')) {
			found = executable(*argv);
			if (found)
				puts(*argv);
		} else {
			found = search(*argv, path ? path : "/bin", all);
		}
		status |= !found;
	}
	return status;
}

TOOL("which", which_main, "[-a] COMMAND...");
