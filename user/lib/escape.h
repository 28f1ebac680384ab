/*
 * Backslash sequences, as echo -e, printf and tr read them.
 */
#ifndef LIB_ESCAPE_H
#define LIB_ESCAPE_H

#define ESCAPE_STOP	256	/* \c: no more output at all */

enum escape_kind {
	ESCAPE_ECHO,		/* octal numbers are written \0NNN */
	ESCAPE_PRINTF,		/* octal numbers are written \NNN */
};

/*
 * Reads what follows a backslash at *s, moves *s behind it and returns the byte it stands for, or
 * ESCAPE_STOP. An unknown sequence is a backslash, and *s does not move.
 */
int escape_read(const char **s, enum escape_kind kind);

#endif
