/*
 * Backslash sequences.
 */
#include <ctype.h>
#include <string.h>

#include "user/lib/escape.h"

static int octal_read(const char **s, int digits)
{
	int c = 0;

	while (digits-- > 0 && **s >= '0' && **s <= '7')
		c = c * 8 + *(*s)++ - '0';
	return c & 0xff;
}

static int hex_read(const char **s)
{
	int c = 0, digits;

	for (digits = 0; digits < 2 && isxdigit((unsigned char)**s); digits++) {
		char d = *(*s)++;

		c = c * 16 + (d <= '9' ? d - '0' : (d | 32) - 'a' + 10);
	}
	return c;
}

int escape_read(const char **s, enum escape_kind kind)
{
	static const char letters[] = "abefnrtv\\";
	static const char bytes[] = "\a\b\033\f\n\r\t\v\\";
	const char *found;

	if (**s == 0)
		return '\\';
	if (**s == 'c') {
		(*s)++;
		return ESCAPE_STOP;
	}
	if (**s == 'x' && isxdigit((unsigned char)(*s)[1])) {
		(*s)++;
		return hex_read(s);
	}
	if (**s == '0' && kind == ESCAPE_ECHO) {
		(*s)++;
		return octal_read(s, 3);
	}
	if (**s >= '0' && **s <= '7' && kind == ESCAPE_PRINTF)
		return octal_read(s, 3);
	found = strchr(letters, **s);
	if (!found)
		return '\\';
	(*s)++;
	return bytes[found - letters];
}
