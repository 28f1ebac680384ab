/*
 * The line discipline's buffers, output and settings. What input does is in ldisc_input.c.
 */
#include "drivers/tty/ldisc_impl.h"

#include "lib/bitmap.h"
#include "lib/string.h"

/* Where IXOFF stops and restarts the other side. */
#define THROTTLE_AT   (LDISC_BUF - 128)
#define UNTHROTTLE_AT (LDISC_BUF / 4)

static const uint8_t default_cc[NCCS] = {
	[VINTR] = 3,	 [VQUIT] = 28,	  [VERASE] = 127, [VKILL] = 21,	   [VEOF] = 4,
	[VMIN] = 1,	 [VSTART] = 17,	  [VSTOP] = 19,	  [VSUSP] = 26,	   [VREPRINT] = 18,
	[VDISCARD] = 15, [VWERASE] = 23,  [VLNEXT] = 22,
};

void ldisc_init(struct ldisc *l)
{
	memset(l, 0, sizeof(*l));
	l->termios = (struct termios2){
		.c_iflag = ICRNL | IXON,
		.c_oflag = OPOST | ONLCR,
		.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.c_ispeed = 115200,
		.c_ospeed = 115200,
	};
	memcpy(l->termios.c_cc, default_cc, sizeof(default_cc));
}

static uint32_t used(const struct ldisc *l)
{
	return l->head - l->tail;
}

uint32_t ldisc_room(const struct ldisc *l)
{
	uint32_t room = used(l) < LDISC_BUF - 1 ? LDISC_BUF - 1 - used(l) : 0;

	/* A line that grows too long loses bytes: else its end could never come in. */
	if (L_FLAG(l, ICANON) && l->canon == l->tail)
		return LDISC_BUF;
	/* A marked byte becomes three. */
	return I_FLAG(l, PARMRK) ? room / 3 : room;
}

bool ldisc_put(struct ldisc *l, uint8_t c, bool end, bool eof)
{
	uint32_t at = l->head % LDISC_BUF;

	/* One place is kept for the end of a line. */
	if (used(l) >= (end ? LDISC_BUF : LDISC_BUF - 1))
		return false;
	l->buf[at] = c;
	bitmap_clear(l->ends, at);
	bitmap_clear(l->eofs, at);
	if (end)
		bitmap_set(l->ends, at);
	if (eof)
		bitmap_set(l->eofs, at);
	l->head++;
	if (end)
		l->canon = l->head;
	if (I_FLAG(l, IXOFF) && !l->throttled && used(l) >= THROTTLE_AT) {
		l->throttled = true;
		l->send = l->termios.c_cc[VSTOP];
	}
	return true;
}

bool ldisc_readable(const struct ldisc *l, uint32_t min)
{
	if (L_FLAG(l, ICANON))
		return l->canon != l->tail;
	return used(l) >= (min ? min : 1);
}

uint32_t ldisc_available(const struct ldisc *l)
{
	uint32_t n = 0;

	if (!L_FLAG(l, ICANON))
		return used(l);
	for (uint32_t i = l->tail; i != l->canon; i++)
		n += !bitmap_test(l->eofs, i % LDISC_BUF);
	return n;
}

static uint32_t read_canonical(struct ldisc *l, uint8_t *out, uint32_t n, bool *ended)
{
	uint32_t got = 0;

	while (l->tail != l->canon && !*ended) {
		uint32_t at = l->tail % LDISC_BUF;
		bool eof = bitmap_test(l->eofs, at);

		/* An end of file right behind the last byte asked for goes with it. */
		if (got == n && !eof)
			break;
		*ended = bitmap_test(l->ends, at);
		if (!eof)
			out[got++] = l->buf[at];
		l->tail++;
	}
	return got;
}

uint32_t ldisc_read(struct ldisc *l, uint8_t *out, uint32_t n, bool *ended)
{
	uint32_t got = 0;

	*ended = false;
	if (L_FLAG(l, ICANON))
		return read_canonical(l, out, n, ended);
	while (got < n && l->tail != l->head)
		out[got++] = l->buf[l->tail++ % LDISC_BUF];
	l->canon = l->tail;
	return got;
}

void ldisc_unthrottle(struct ldisc *l)
{
	if (!l->throttled || used(l) > UNTHROTTLE_AT)
		return;
	l->throttled = false;
	l->send = l->termios.c_cc[VSTART];
}

void ldisc_flush_input(struct ldisc *l)
{
	l->tail = l->canon = l->head;
	l->literal = l->erasing = false;
	ldisc_unthrottle(l);
}

void ldisc_set_termios(struct ldisc *l, const struct termios2 *t)
{
	uint32_t changed = l->termios.c_lflag ^ t->c_lflag;

	l->termios = *t;
	if (changed & ICANON) {
		l->literal = l->erasing = false;
		if (!(t->c_lflag & ICANON)) {
			l->canon = l->tail;
		} else if (used(l)) {
			/* What was typed in raw mode counts as a line. */
			l->canon = l->head;
			bitmap_clear_range(l->ends, 0, LDISC_BUF);
			bitmap_clear_range(l->eofs, 0, LDISC_BUF);
			bitmap_set(l->ends, (l->head - 1) % LDISC_BUF);
		}
	}
	if (!(t->c_iflag & IXON))
		l->stopped = false;
	if (!(t->c_iflag & IXOFF) && l->throttled) {
		l->throttled = false;
		l->send = t->c_cc[VSTART];
	}
}

/* One byte of output becomes up to 8 at out (a tab). Returns how many. */
static uint32_t output_byte(struct ldisc *l, uint8_t c, uint8_t *out)
{
	uint32_t n = 0, flags = l->termios.c_oflag;

	switch (c) {
	case '\n':
		if (flags & (ONLRET | ONLCR))
			l->column = 0;
		if (flags & ONLCR)
			out[n++] = '\r';
		break;
	case '\r':
		if ((flags & ONOCR) && l->column == 0)
			return 0;
		if (flags & OCRNL) {
			c = '\n';
			if (!(flags & ONLRET))
				break;
		}
		l->column = 0;
		break;
	case '\t':
		n = 8 - (l->column & 7);
		l->column += n;
		if ((flags & TABDLY) == XTABS) {
			memset(out, ' ', n);
			return n;
		}
		n = 0;
		break;
	case '\b':
		if (l->column)
			l->column--;
		break;
	default:
		if (ldisc_is_control(c))
			break;
		if ((flags & OLCUC) && c >= 'a' && c <= 'z')
			c = (uint8_t)(c - 'a' + 'A');
		if (!ldisc_is_continuation(l, c))
			l->column++;
	}
	out[n++] = c;
	return n;
}

size_t ldisc_output(struct ldisc *l, const uint8_t *in, size_t n, uint8_t *out, size_t room,
		    size_t *taken)
{
	size_t made = 0, i = 0;

	if (!O_FLAG(l, OPOST)) {
		made = n < room ? n : room;
		memcpy(out, in, made);
		*taken = made;
		return made;
	}
	for (; i < n && room - made >= 8; i++)
		made += output_byte(l, in[i], out + made);
	*taken = i;
	return made;
}

void ldisc_emit(struct ldisc *l, uint8_t c)
{
	uint8_t out[8];
	uint32_t n = 1;

	out[0] = c;
	if (O_FLAG(l, OPOST))
		n = output_byte(l, c, out);
	if (LDISC_ECHO - (l->echo_head - l->echo_tail) < n)
		return; /* nobody takes our output: then nobody sees the echo either */
	for (uint32_t i = 0; i < n; i++)
		l->echo[l->echo_head++ % LDISC_ECHO] = out[i];
}

uint32_t ldisc_echo_take(struct ldisc *l, uint8_t *out, uint32_t n)
{
	uint32_t got = 0;

	while (got < n && ldisc_echo_pending(l))
		out[got++] = l->echo[l->echo_tail++ % LDISC_ECHO];
	return got;
}
