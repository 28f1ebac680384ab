/* wc: lines, words, characters, bytes and the longest line of files. */
#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

enum { LINES, WORDS, CHARS, BYTES, LONGEST, KINDS };

struct counts {
	uint64_t n[KINDS];
};

static int count_file(const char *path, struct counts *c)
{
	FILE *f = input_open(path);
	unsigned char buf[16384];
	uint64_t column = 0;
	bool in_word = false;
	size_t got, i;
	int status;

	if (!f)
		return 1;
	while ((got = fread(buf, 1, sizeof(buf), f)) > 0) {
		c->n[BYTES] += got;
		for (i = 0; i < got; i++) {
			bool space = isspace(buf[i]);

			c->n[WORDS] += in_word && space;
			in_word = !space && (in_word || isprint(buf[i]) || buf[i] >= 128);
			if (buf[i] == '\n' || buf[i] == '\r' || buf[i] == '\f') {
				c->n[LINES] += buf[i] == '\n';
				column = 0;
			} else if (buf[i] == '\t') {
				column = (column | 7) + 1;
			} else {
				column += isprint(buf[i]) != 0;
			}
			if (column > c->n[LONGEST])
				c->n[LONGEST] = column;
		}
		/* fread() would ask a terminal that has said ctrl-D once more. */
		if (feof(f))
			break;
	}
	c->n[WORDS] += in_word;
	c->n[CHARS] = c->n[BYTES];
	status = input_failed(f, path);
	input_close(f);
	return status;
}

/* Columns fit the sum of the files' sizes; of a pipe the size is not known. */
static int column_width(char **paths, int selected)
{
	uint64_t total = 0;
	int least = 1, width = 1;
	struct stat st;
	char **p;

	if (selected == 1 && (!paths[0] || !paths[1]))
		return 1;
	if (!paths[0])
		return 7;
	for (p = paths; *p; p++) {
		if ((strcmp(*p, "-") == 0 ? fstat(0, &st) : stat(*p, &st)) < 0)
			continue;
		if (S_ISREG(st.st_mode))
			total += (uint64_t)st.st_size;
		else
			least = 7;
	}
	for (; total >= 10; total /= 10)
		width++;
	return width > least ? width : least;
}

static void counts_print(const struct counts *c, const bool *show, int width, const char *name)
{
	const char *gap = "";
	int i;

	for (i = 0; i < KINDS; i++) {
		if (!show[i])
			continue;
		printf("%s%*llu", gap, width, (unsigned long long)c->n[i]);
		gap = " ";
	}
	if (name)
		printf(" %s", name);
	putchar('\n');
}

static int wc_main(int argc, char **argv)
{
	static const char letters[] = "lwmcL";
	bool show[KINDS] = { false };
	struct counts total = { { 0 } };
	int c, i, width, selected = 0, status = 0, files = 0;

	while ((c = getopt(argc, argv, "lwmcL")) != -1) {
		if (c == '?')
			usage(1);
		show[strchr(letters, c) - letters] = true;
	}
	for (i = 0; i < KINDS; i++)
		selected += show[i];
	if (selected == 0) {
		show[LINES] = show[WORDS] = show[BYTES] = true;
		selected = 3;
	}
	argv += optind;
	width = column_width(argv, selected);
	do {
		struct counts one = { { 0 } };

		if (count_file(*argv, &one)) {
			status = 1;
			if (!is_directory(*argv ? *argv : "-"))
				continue;
		}
		counts_print(&one, show, width, *argv);
		for (i = 0; i < LONGEST; i++)
			total.n[i] += one.n[i];
		if (one.n[LONGEST] > total.n[LONGEST])
			total.n[LONGEST] = one.n[LONGEST];
	} while (files++, *argv && *++argv);
	if (files > 1)
		counts_print(&total, show, width, "total");
	return status;
}

TOOL("wc", wc_main, "[-clLmw] [FILE]...");
