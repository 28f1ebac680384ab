/*
 * The line discipline: what a terminal does to bytes on their way in and out (termios(3)). Pure:
 * no locks, no devices, no processes - its owner (struct tty) serialises the calls and carries out
 * what it asks for. So it is the same for serial lines and pseudo-terminals, and runs in host
 * tests and under a fuzzer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/uapi/termios.h"

#define LDISC_BUF  4096 /* input; a power of two. A line holds one byte less */
#define LDISC_ECHO 1024 /* echo not yet sent; a power of two */

/* What came with a byte from the line. */
enum ldisc_flag { LDISC_NORMAL, LDISC_BREAK, LDISC_PARITY, LDISC_FRAME };

/* A ring by free-running indices: buf[i % LDISC_BUF] for tail <= i < head. */
struct ldisc {
	struct termios2 termios;

	uint8_t buf[LDISC_BUF];
	uint64_t ends[LDISC_BUF / 64]; /* bit: a line ends with this byte (newline, eol, eof) */
	uint64_t eofs[LDISC_BUF / 64]; /* bit: ... and the byte itself is not data */
	uint32_t tail, canon, head;    /* readers take from tail; whole lines end before canon */
	uint32_t column;	       /* of the cursor */
	uint32_t line_column;	       /* where the line being edited began */
	bool literal;		       /* the next byte is taken as it is (VLNEXT) */
	bool erasing;		       /* between the slashes of ECHOPRT */
	bool throttled;		       /* we sent a STOP (IXOFF) */

	uint8_t echo[LDISC_ECHO];      /* on its way out, processed already */
	uint32_t echo_tail, echo_head;

	/* For the owner to carry out, and to clear. */
	bool stopped;	      /* output is held by STOP; START clears it */
	uint32_t signals;     /* 1 << SIGINT, SIGQUIT, SIGTSTP: to the foreground group */
	bool flush_output;    /* a signal character also drops output (no NOFLSH) */
	uint8_t send;	      /* START or STOP for the other side, ahead of all else; 0: none */
};

void ldisc_init(struct ldisc *l);

/* How many bytes can come in now: the owner leaves the rest with the line until there is room. */
uint32_t ldisc_room(const struct ldisc *l);
/* A byte came in. Takes always; one that finds no room is dropped (with a bell, if IMAXBEL). */
void ldisc_input(struct ldisc *l, uint8_t c, enum ldisc_flag flag);

/* Is there what a reader waits for: a line, or `min` bytes (at least 1) in raw mode? */
bool ldisc_readable(const struct ldisc *l, uint32_t min);
/* Bytes a read would give without waiting: FIONREAD. */
uint32_t ldisc_available(const struct ldisc *l);
/*
 * Take up to n bytes. In canonical mode at most to the end of a line; *ended then says that the
 * end was reached (with 0 bytes: end of file).
 */
uint32_t ldisc_read(struct ldisc *l, uint8_t *out, uint32_t n, bool *ended);

/*
 * Process output (OPOST): up to n bytes at in become at most `room` at out. Returns the bytes made,
 * and in *used how many were taken; none when the next would not fit.
 */
size_t ldisc_output(struct ldisc *l, const uint8_t *in, size_t n, uint8_t *out, size_t room,
		    size_t *used);
/* Take up to n bytes of echo to be sent. */
uint32_t ldisc_echo_take(struct ldisc *l, uint8_t *out, uint32_t n);
static inline bool ldisc_echo_pending(const struct ldisc *l)
{
	return l->echo_head != l->echo_tail;
}

/* New settings; a change of ICANON makes what is there readable in the new way. */
void ldisc_set_termios(struct ldisc *l, const struct termios2 *t);
void ldisc_flush_input(struct ldisc *l);
/* Input was taken: a START to the other side if we sent a STOP and there is room again. */
void ldisc_unthrottle(struct ldisc *l);
