#include "term.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "utf8.h"

enum {
	ESCAPE_WAIT = 100,	/* milliseconds within which the rest of a sequence comes */
	REPORT_WAIT = 500,
};

bool term_raw(int fd, bool signals, struct termios *saved)
{
	struct termios raw;

	if (tcgetattr(fd, saved) < 0)
		return false;
	raw = *saved;
	/* ICRNL stays: a line typed ahead for the next program must end with a newline. */
	raw.c_iflag &= ~(INLCR | IGNCR | IXON | ISTRIP);
	raw.c_lflag &= ~(ICANON | ECHO | IEXTEN);
	if (!signals)
		raw.c_lflag &= ~ISIG;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return tcsetattr(fd, TCSADRAIN, &raw) == 0;
}

void term_restore(int fd, const struct termios *saved)
{
	tcsetattr(fd, TCSADRAIN, saved);
}

void term_write(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return;
		bytes += done;
		len -= done;
	}
}

/* One byte, or -1 if none comes within `wait` milliseconds. */
static int byte_soon(int fd, int wait)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	unsigned char byte;

	if (poll(&pollfd, 1, wait) != 1 || read(fd, &byte, 1) != 1)
		return -1;
	return byte;
}

static enum term_code letter_code(int letter, bool modified)
{
	switch (letter) {
	case 'A':
		return TERM_UP;
	case 'B':
		return TERM_DOWN;
	case 'C':
		return modified ? TERM_WORD_RIGHT : TERM_RIGHT;
	case 'D':
		return modified ? TERM_WORD_LEFT : TERM_LEFT;
	case 'H':
		return TERM_HOME;
	case 'F':
		return TERM_END;
	default:
		return TERM_UNKNOWN;
	}
}

static enum term_code number_code(int number)
{
	switch (number) {
	case 1:
	case 7:
		return TERM_HOME;
	case 3:
		return TERM_DELETE;
	case 4:
	case 8:
		return TERM_END;
	case 5:
		return TERM_PAGE_UP;
	case 6:
		return TERM_PAGE_DOWN;
	default:
		return TERM_UNKNOWN;
	}
}

/* ESC [ number ; number letter, after the bracket. */
static enum term_code sequence_read(int fd)
{
	int first = 0;
	bool modified = false;
	int c;

	for (int i = 0; i < 16; i++) {
		c = byte_soon(fd, ESCAPE_WAIT);
		if (c >= '0' && c <= '9' && !modified)
			first = (first * 10 + c - '0') % 1000;
		else if (c == ';')
			modified = true;
		else if (c < 0 || (c >= 0x40 && c < 0x7f))
			return c == '~' ? number_code(first) : letter_code(c, modified);
	}
	return TERM_UNKNOWN;
}

static void escape_read(int fd, struct term_key *key)
{
	int c = byte_soon(fd, ESCAPE_WAIT);

	if (c < 0) {
		key->code = TERM_ESCAPE;
	} else if (c == '[') {
		key->code = sequence_read(fd);
	} else if (c == 'O') {
		key->code = letter_code(byte_soon(fd, ESCAPE_WAIT), false);
	} else {
		key->code = TERM_ALT;
		key->bytes[0] = c;
		key->len = 1;
	}
}

struct term_key term_read(int fd)
{
	struct term_key key = { .code = TERM_TEXT };
	unsigned char byte;
	ssize_t len = read(fd, &byte, 1);
	int more;

	if (len != 1) {
		key.code = len < 0 && errno == EINTR ? TERM_SIGNAL : TERM_EOF;
		return key;
	}
	key.bytes[0] = byte;
	key.len = 1;
	if (byte == '\033') {
		escape_read(fd, &key);
	} else if (byte < 0x20 || byte == 0x7f) {
		key.code = TERM_CONTROL;
	} else {
		more = utf8_length(byte) - 1;
		for (int c; more > 0 && (c = byte_soon(fd, ESCAPE_WAIT)) >= 0; more--)
			key.bytes[key.len++] = c;
	}
	return key;
}

bool term_size(int fd, int *rows, int *columns)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return false;
	*rows = size.ws_row;
	*columns = size.ws_col;
	return true;
}

bool term_measure(int in, int out, int *rows, int *columns)
{
	static const char ask[] = "\0337\033[999;999H\033[6n\0338";
	struct winsize size = { 0 };
	char answer[32];
	size_t len = 0;
	int c;

	term_write(out, ask, sizeof(ask) - 1);
	while (len + 1 < sizeof(answer) && (c = byte_soon(in, REPORT_WAIT)) >= 0) {
		if (c == '\033')
			len = 0;
		answer[len++] = c;
		if (c == 'R')
			break;
	}
	answer[len] = '\0';
	if (sscanf(answer, "\033[%d;%dR", rows, columns) != 2 || *rows < 2 || *columns < 2 ||
	    *rows > 999 || *columns > 999)
		return false;
	/* Everything that runs on this terminal later profits from the answer. */
	size.ws_row = *rows;
	size.ws_col = *columns;
	ioctl(out, TIOCSWINSZ, &size);
	return true;
}
