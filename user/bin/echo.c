/* echo: its arguments, one blank between. */
#include <string.h>

#include "user/lib/escape.h"
#include "user/lib/tool.h"

struct echo_options {
	bool no_newline, escapes;
};

/* An argument of option letters only; anything else is text already. */
static bool option_word(const char *s, struct echo_options *o)
{
	if (s[0] != '-' || !s[1] || s[1 + strspn(s + 1, "neE")])
		return false;
	for (s++; *s; s++) {
		if (*s == 'n')
			o->no_newline = true;
		else
			o->escapes = *s == 'e';
	}
	return true;
}

static int echo_main(int argc, char **argv)
{
	struct echo_options o = { 0 };
	int i = 1;

	while (i < argc && option_word(argv[i], &o))
		i++;
	for (; i < argc; i++) {
		const char *s = argv[i];

		while (*s) {
			int c = (unsigned char)*s++;

			if (c == '\\' && o.escapes)
				c = escape_read(&s, ESCAPE_ECHO);
			if (c == ESCAPE_STOP)
				return 0;
			putchar(c);
		}
		if (i + 1 < argc)
			putchar(' ');
	}
	if (!o.no_newline)
		putchar('\n');
	return 0;
}

TOOL("echo", echo_main, "");
