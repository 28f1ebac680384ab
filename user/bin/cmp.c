/* cmp: where two files differ. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

/* Digits of the shorter file's size; 1 when that is not known. */
static int offset_width(FILE *a, FILE *b)
{
	struct stat sa, sb;
	off_t size = 0;
	int width = 1;

	if (fstat(fileno(a), &sa) == 0 && fstat(fileno(b), &sb) == 0)
		size = sa.st_size < sb.st_size ? sa.st_size : sb.st_size;
	for (; size >= 10; size /= 10)
		width++;
	return width;
}

static int compare(FILE *a, FILE *b, char **names, bool list, bool silent)
{
	uint64_t at = 0, line = 1;
	int ca, cb, status = 0, width = list ? offset_width(a, b) : 0;

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
				printf("%s %s differ: char %llu, line %llu\n", names[0], names[1],
				       (unsigned long long)at, (unsigned long long)line);
				return 1;
			}
			printf("%*llu %3o %3o\n", width, (unsigned long long)at, ca, cb);
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
