/* cat: files one after the other. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

struct cat_options {
	bool number, number_filled, squeeze, ends, tabs, controls;
};

struct line_state {
	unsigned long line;
	int empty_lines;	/* in a row, up to here */
	bool at_start;
};

static void put_visible(int c, const struct cat_options *o)
{
	if (c == '\t' && o->tabs) {
		fputs("^I", stdout);
		return;
	}
	if (!o->controls || c == '\t') {
		putchar(c);
		return;
	}
	if (c >= 128) {
		fputs("M-", stdout);
		c -= 128;
	}
	if (c < 32) {
		putchar('^');
		putchar(c + 64);
	} else if (c == 127) {
		fputs("^?", stdout);
	} else {
		putchar(c);
	}
}

static void put_char(int c, struct line_state *s, const struct cat_options *o)
{
	if (s->at_start) {
		s->empty_lines = c == '\n' ? s->empty_lines + 1 : 0;
		if (o->squeeze && s->empty_lines > 1)
			return;
		if (o->number_filled ? c != '\n' : o->number)
			printf("%6lu\t", ++s->line);
	}
	if (c == '\n' && o->ends)
		putchar('$');
	if (c == '\n')
		putchar('\n');
	else
		put_visible(c, o);
	s->at_start = c == '\n';
}

static int cat_decorated(const char *path, struct line_state *s, const struct cat_options *o)
{
	FILE *f = input_open(path);
	int c, status;

	if (!f)
		return 1;
	while ((c = getc(f)) != EOF)
		put_char(c, s, o);
	status = input_failed(f, path);
	input_close(f);
	return status;
}

/* Without options the bytes pass by stdio. */
static int cat_plain(const char *path)
{
	int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY);
	int r;

	if (fd < 0) {
		warn("%s", path);
		return 1;
	}
	r = fd_copy(fd, 1);
	if (r == -1)
		warn("%s", path);
	if (r == -2)
		err(1, "write error");
	if (fd > 0)
		close(fd);
	return r != 0;
}

static void set_option(struct cat_options *o, int c)
{
	switch (c) {
	case 'n':
		o->number = true;
		break;
	case 'b':
		o->number_filled = true;
		break;
	case 's':
		o->squeeze = true;
		break;
	case 'v':
		o->controls = true;
		break;
	case 'E':
	case 'e':
		o->ends = true;
		o->controls |= c == 'e';
		break;
	case 'T':
	case 't':
		o->tabs = true;
		o->controls |= c == 't';
		break;
	case 'A':
		o->ends = o->tabs = o->controls = true;
		break;
	case 'u':	/* nothing is held back anyway */
		break;
	default:
		usage(1);
	}
}

static int cat_main(int argc, char **argv)
{
	static char *only_stdin[] = { "-", NULL };
	struct cat_options o = { 0 };
	struct line_state s = { .at_start = true };
	bool decorated;
	int c, status = 0;

	while ((c = getopt(argc, argv, "nbsvEeTtAu")) != -1)
		set_option(&o, c);
	decorated = o.number || o.number_filled || o.squeeze || o.ends || o.tabs || o.controls;
	argv = argv[optind] ? argv + optind : only_stdin;
	for (; *argv; argv++)
		status |= decorated ? cat_decorated(*argv, &s, &o) : cat_plain(*argv);
	return status;
}

TOOL("cat", cat_main, "[-AbeEnstTuv] [FILE]...");
