/* The terminal for programs that read single keys and paint the screen. */
#ifndef USER_LIB_TERM_H
#define USER_LIB_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

enum term_code {
	TERM_TEXT,		/* one character: bytes and len */
	TERM_CONTROL,		/* a control character: bytes[0] */
	TERM_ALT,		/* escape and the character bytes[0] */
	TERM_UP,
	TERM_DOWN,
	TERM_LEFT,
	TERM_RIGHT,
	TERM_HOME,
	TERM_END,
	TERM_DELETE,
	TERM_PAGE_UP,
	TERM_PAGE_DOWN,
	TERM_WORD_LEFT,
	TERM_WORD_RIGHT,
	TERM_ESCAPE,		/* the key alone */
	TERM_UNKNOWN,		/* a sequence that means nothing to us */
	TERM_SIGNAL,		/* the read was interrupted by a signal */
	TERM_EOF,		/* end of file, hang-up or error */
};

struct term_key {
	enum term_code code;
	char bytes[4];
	int len;
};

/* Value of ctrl and a letter. */
#define TERM_CTRL(letter) ((letter) & 0x1f)

/*
 * Switch to reading single bytes without echo; input typed before is kept. Signals of
 * the terminal (ctrl-C, ctrl-Z) are off when `signals` is false. Returns false if fd is
 * not a terminal. `saved` gets the modes to restore.
 */
bool term_raw(int fd, bool signals, struct termios *saved);
void term_restore(int fd, const struct termios *saved);

/* Read one key; blocks. Never reads further than the key. */
struct term_key term_read(int fd);

/* The size the kernel knows; false if it knows none. */
bool term_size(int fd, int *rows, int *columns);

/*
 * Ask the terminal itself, which must be raw, by moving the cursor to the far corner
 * and reading its report; then tell the kernel. False if no answer comes within half a
 * second. What was typed meanwhile is lost.
 */
bool term_measure(int in, int out, int *rows, int *columns);

/* Write all bytes, whatever it takes. */
void term_write(int fd, const char *bytes, size_t len);

#endif
