/*
 * Regular expressions, wildcards and command-line options.
 */
#include <fnmatch.h>
#include <getopt.h>
#include <glob.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expressions(void)
{
	static const char *const list[][2] = {
		{ "^[a-z]+[0-9]*$", "abc123" }, { "^[a-z]+[0-9]*$", "123abc" },
		{ "(foo|bar)+baz", "xxfoobarbaz" }, { "a{2,3}b", "aaaab" }, { "\\.c$", "main.c" },
		{ "(", "x" },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		regmatch_t match[2];
		regex_t re;
		int error = regcomp(&re, list[i][0], REG_EXTENDED);

		if (error) {
			printf("%s: error %d\n", list[i][0], error);
			continue;
		}
		if (regexec(&re, list[i][1], 2, match, 0) == 0)
			printf("%s matches %s at %d to %d\n", list[i][0], list[i][1],
			       (int)match[0].rm_so, (int)match[0].rm_eo);
		else
			printf("%s does not match %s\n", list[i][0], list[i][1]);
		regfree(&re);
	}
}

static void wildcards(void)
{
	static const char *const names[] = { "one.c", "two.c", "three.h", ".hidden.c" };
	glob_t found;

	for (size_t i = 0; i < 4; i++) {
		FILE *f = fopen(names[i], "w");

		if (f)
			fclose(f);
	}
	printf("fnmatch %d %d %d\n", fnmatch("*.c", "one.c", 0), fnmatch("*.c", "one.h", 0),
	       fnmatch("[a-c]?*", "bxy", 0));
	if (glob("*.[ch]", 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			printf("glob %s\n", found.gl_pathv[i]);
		globfree(&found);
	}
	printf("glob of nothing: %d\n", glob("*.none", 0, NULL, &found) == GLOB_NOMATCH);
	for (size_t i = 0; i < 4; i++)
		unlink(names[i]);
}

static void options(void)
{
	static char *args[] = { "prog", "-a", "file", "-b", "value", "--long=7", "--flag", "-z",
				"rest", NULL };
	static const struct option longs[] = {
		{ "long", required_argument, NULL, 'l' }, { "flag", no_argument, NULL, 'f' }, { 0 },
	};
	int c;

	opterr = 0;
	while ((c = getopt_long(9, args, "ab:", longs, NULL)) != -1)
		printf("option %c %s\n", c, optarg ? optarg : "-");
	for (int i = optind; i < 9; i++)
		printf("operand %s\n", args[i]);
}

int main(void)
{
	expressions();
	wildcards();
	options();
	return 0;
}
