/*
 * Line input.
 */
#include "user/user.h"

/* Reads byte by byte: what follows the line must stay for the next reader of descriptor 0. */
char *gets(char *buf, int max)
{
	int i = 0;
	char c;

	while (i + 1 < max && read(0, &c, 1) == 1) {
		buf[i++] = c;
		if (c == '\n' || c == '\r')
			break;
	}
	buf[i] = 0;
	return buf;
}
