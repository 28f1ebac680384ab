/*
 * Shared by ldisc.c and ldisc_input.c.
 */
#pragma once

#include "drivers/tty/ldisc.h"

#define I_FLAG(l, flag) ((l)->termios.c_iflag & (flag))
#define O_FLAG(l, flag) ((l)->termios.c_oflag & (flag))
#define L_FLAG(l, flag) ((l)->termios.c_lflag & (flag))

static inline bool ldisc_is_control(uint8_t c)
{
	return c < 32 || c == 127;
}

/* A byte of a UTF-8 character other than its first. */
static inline bool ldisc_is_continuation(const struct ldisc *l, uint8_t c)
{
	return I_FLAG(l, IUTF8) && (c & 0xc0) == 0x80;
}

/* Store a byte; false when it found no room. end: a line ends with it; eof: it is not data. */
bool ldisc_put(struct ldisc *l, uint8_t c, bool end, bool eof);
/* Echo a byte through output processing. */
void ldisc_emit(struct ldisc *l, uint8_t c);
