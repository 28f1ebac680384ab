/* basename, dirname: the two parts of a path. */
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static void base_print(const char *path, const char *suffix, char end)
{
	char *base = path_base(path);
	size_t len = strlen(base), cut = suffix ? strlen(suffix) : 0;

	if (cut && cut < len && strcmp(base + len - cut, suffix) == 0)
		base[len - cut] = 0;
	printf("%s%c", base, end);
	free(base);
}

static int basename_main(int argc, char **argv)
{
	const char *suffix = NULL;
	bool many = false;
	char end = '\n';
	int c;

	while ((c = getopt(argc, argv, "+as:z")) != -1) {
		if (c == 'a')
			many = true;
		else if (c == 's')
			suffix = optarg, many = true;
		else if (c == 'z')
			end = 0;
		else
			usage(1);
	}
	argv += optind;
	argc -= optind;
	if (argc < 1 || (!many && argc > 2))
		usage(1);
	if (!many) {
		base_print(argv[0], argv[1], end);
		return 0;
	}
	for (; *argv; argv++)
		base_print(*argv, suffix, end);
	return 0;
}

static int dirname_main(int argc, char **argv)
{
	char end = '\n';
	int c;

	while ((c = getopt(argc, argv, "z")) != -1) {
		if (c != 'z')
			usage(1);
		end = 0;
	}
	if (!argv[optind])
		usage(1);
	for (argv += optind; *argv; argv++)
		printf("%s%c", dirname(*argv), end);
	return 0;
}

TOOL("basename", basename_main, "NAME [SUFFIX] | -a [-s SUFFIX] NAME...");
TOOL("dirname", dirname_main, "NAME...");
