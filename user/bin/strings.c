/* strings: the printable text in files. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

static struct {
	size_t least;
	char radix;		/* o, d, x: show where it stands; 0 */
	bool name;
} st;

static void text_print(const char *path, uint64_t at, const char *text, size_t n)
{
	if (st.name)
		printf("%s: ", path);
	if (st.radix)
		printf(st.radix == 'x' ? "%7llx " : st.radix == 'd' ? "%7llu " : "%7llo ",
		       (unsigned long long)at);
	fwrite(text, 1, n, stdout);
	putchar('\n');
}

static int file_search(const char *path)
{
	FILE *f = input_open(path);
	size_t n = 0, size = 256;
	char *text;
	uint64_t at = 0;
	int c, status;

	if (!f)
		return 1;
	text = xmalloc(size);
	do {
		c = getc(f);
		if (c != EOF && (isprint(c) || c == '\t')) {
			if (n == size)
				text = xrealloc(text, size *= 2);
			text[n++] = (char)c;
		} else {
			if (n >= st.least)
				text_print(path, at - n, text, n);
			n = 0;
		}
		at++;
	} while (c != EOF);
	free(text);
	status = input_failed(f, path);
	input_close(f);
	return status;
}

static int strings_main(int argc, char **argv)
{
	int c, status = 0;

	st.least = 4;
	while ((c = getopt(argc, argv, "n:t:af")) != -1) {
		if (c == 'n')
			st.least = number_parse(optarg);
		else if (c == 't' && strchr("odx", *optarg))
			st.radix = *optarg;
		else if (c == 'f')
			st.name = true;
		else if (c != 'a')
			usage(1);
	}
	if (!st.least)
		errx(1, "invalid minimum string length 0");
	argv += optind;
	do {
		status |= file_search(*argv ? *argv : "-");
	} while (*argv && *++argv);
	return status;
}

TOOL("strings", strings_main, "[-af] [-n LENGTH] [-t odx] [FILE]...");
