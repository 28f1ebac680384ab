/* more: text by the screenful, with a look back and a search. */
#include <regex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "user/lib/tool.h"

static struct {
	int tty;
	int rows, cols;
	char **lines;		/* as wide as the screen at most */
	size_t n, size;
	struct termios before;
} pg;

static void terminal_restore(void)
{
	if (pg.tty >= 0)
		tcsetattr(pg.tty, TCSADRAIN, &pg.before);
}

static void on_signal(int number)
{
	terminal_restore();
	signal(number, SIG_DFL);
	raise(number);
}

static bool terminal_setup(void)
{
	struct winsize size = { 0 };
	struct termios t;

	pg.tty = isatty(2) ? 2 : -1;
	if (pg.tty < 0 || !isatty(1) || tcgetattr(pg.tty, &pg.before) < 0)
		return false;
	ioctl(1, TIOCGWINSZ, &size);
	pg.rows = size.ws_row > 2 ? size.ws_row : 24;
	pg.cols = size.ws_col > 1 ? size.ws_col : 80;
	t = pg.before;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	atexit(terminal_restore);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	return tcsetattr(pg.tty, TCSADRAIN, &t) == 0;
}

static void line_add(const char *s, size_t n)
{
	if (pg.n == pg.size)
		pg.lines = xrealloc(pg.lines, (pg.size = pg.size ? 2 * pg.size : 256) *
				    sizeof(*pg.lines));
	pg.lines[pg.n++] = strndup(s, n);
}

/* Cuts long lines and makes tabs and control characters visible in their true width. */
static void text_read(FILE *f)
{
	char *row = xmalloc((size_t)pg.cols + 16);
	size_t used = 0;
	int c;

	while ((c = getc(f)) != EOF) {
		if (c == '\n') {
			line_add(row, used);
			used = 0;
			continue;
		}
		if (c == '\t') {
			do {
				row[used++] = ' ';
			} while (used % 8 && used < (size_t)pg.cols);
		} else if (c == '\b' && used) {	/* overstruck text of manuals */
			used--;
		} else if (c >= 32 && c != 127) {
			row[used++] = (char)c;
		} else if (c != '\r') {
			row[used++] = '^';
			row[used++] = (char)(c ^ 64);
		}
		if (used >= (size_t)pg.cols) {
			line_add(row, used);
			used = 0;
		}
	}
	if (used)
		line_add(row, used);
	free(row);
}

static size_t lines_show(size_t from, size_t count)
{
	for (; count > 0 && from < pg.n; count--, from++)
		puts(pg.lines[from]);
	return from;
}

/* Reads a word after / on the bottom line; the line after the next match, or where we were. */
static size_t search(size_t at)
{
	static char text[128];
	char fresh[128];
	size_t n = 0, i;
	regex_t re;
	char c;

	fputs("\r\033[K/", stdout);
	fflush(stdout);
	while (read(pg.tty, &c, 1) == 1 && c != '\n' && c != '\r') {
		if ((c == 127 || c == '\b') && n > 0) {
			n--;
			fputs("\b \b", stdout);
		} else if (c >= 32 && n + 1 < sizeof(fresh)) {
			fresh[n++] = c;
			putchar(c);
		}
		fflush(stdout);
	}
	fresh[n] = 0;
	if (n)		/* an empty one repeats the last */
		strcpy(text, fresh);
	if (!*text || regcomp(&re, text, REG_NOSUB) != 0)
		return at;
	for (i = at; i < pg.n && regexec(&re, pg.lines[i], 0, NULL, 0) != 0; i++)
		;
	regfree(&re);
	return i < pg.n ? i : at;
}

/* One screen after another, as the keys say; true if the user does not want to see more. */
static bool page(const char *name)
{
	size_t screen = (size_t)pg.rows - 1;
	size_t at = lines_show(0, screen), back, found;
	char key;

	while (at < pg.n) {
		printf("\033[7m%s %zu%%\033[m", name, at * 100 / pg.n);
		fflush(stdout);
		if (read(pg.tty, &key, 1) != 1)
			return true;
		if (key == '/') {
			found = search(at);
			printf("\r\033[K%s", found == at ? "" : "...skipping\n");
			at = found == at ? at : lines_show(found, screen);
			continue;
		}
		fputs("\r\033[K", stdout);
		if (key == 'q' || key == 'Q')
			return true;
		if (key == '\n' || key == '\r' || key == 'j') {
			at = lines_show(at, 1);
		} else if (key == 'd') {
			at = lines_show(at, screen / 2);
		} else if (key == 'b') {
			back = at > 2 * screen ? at - 2 * screen : 0;
			fputs("\033[H\033[J", stdout);
			at = lines_show(back, screen);
		} else if (key == 'G') {
			at = lines_show(pg.n > screen ? pg.n - screen : 0, screen);
		} else if (key == ' ' || key == 'f') {
			at = lines_show(at, screen);
		}
	}
	return false;
}

static int more_main(int argc, char **argv)
{
	bool terminal, quit = false;
	int status = 0, c;
	FILE *f;

	if (getopt(argc, argv, "") != -1)
		usage(1);
	argv += optind;
	if (!*argv && isatty(0))
		usage(1);
	terminal = terminal_setup();
	do {
		f = input_open(*argv);
		if (!f) {
			status = 1;
			continue;
		}
		if (terminal) {
			text_read(f);
			quit = page(*argv ? *argv : "--More--");
			while (pg.n > 0)
				free(pg.lines[--pg.n]);
		} else {
			while ((c = getc(f)) != EOF)
				putchar(c);
		}
		input_close(f);
	} while (!quit && *argv && *++argv);
	return status;
}

TOOL("more", more_main, "[FILE]...");
