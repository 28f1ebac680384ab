/* cmp: where two files differ. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static int compare(FILE *a, FILE *b, char **names, bool list, bool silent)
{
	uint64_t at = 0, line = 1;
	int ca, cb, status = 0;

	for (;;) {
		ca = getc(a);
		cb = getc(b);
		if (ca == EOF || cb == EOF)
			break;
		at++;
		if (ca != cb) {
			status = 1;
			if (silent)
				return 1;
			if (!list) {
				printf("%s %s differ: byte %llu, line %llu\n", names[0], names[1],
				       (unsigned long long)at, (unsigned long long)line);
				return 1;
			}
			printf("%llu %3o %3o\n", (unsigned long long)at, ca, cb);
		}
		line += ca == '\n';
	}
	if (input_failed(a, names[0]) || input_failed(b, names[1]))
		return 2;
	if (ca == cb)
		return status;
	if (!silent && at)
		fprintf(stderr, "cmp: EOF on %s after byte %llu\n", names[ca == EOF ? 0 : 1],
			(unsigned long long)at);
	else if (!silent)
		fprintf(stderr, "cmp: EOF on %s which is empty\n", names[ca == EOF ? 0 : 1]);
	return 1;
}

static int cmp_main(int argc, char **argv)
{
	bool list = false, silent = false;
	char *names[2];
	FILE *a, *b;
	int c;

	while ((c = getopt(argc, argv, "ls")) != -1) {
		if (c == '?')
			usage(2);
		list |= c == 'l';
		silent |= c == 's';
	}
	argv += optind;
	if (!argv[0] || (argv[1] && argv[2]))
		usage(2);
	names[0] = argv[0];
	names[1] = argv[1] ? argv[1] : "-";
	a = input_open(names[0]);
	b = input_open(names[1]);
	if (!a || !b)
		return 2;
	return compare(a, b, names, list, silent);
}

TOOL("cmp", cmp_main, "[-ls] FILE1 [FILE2]");
