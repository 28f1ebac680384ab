/*
 * What input bytes do: signals, flow control, editing of the line, echo.
 */
#include "drivers/tty/ldisc_impl.h"

#include "kernel/uapi/signal.h"

static bool is_char(const struct ldisc *l, uint8_t c, int which)
{
	return l->termios.c_cc[which] && c == l->termios.c_cc[which];
}

/* With IEXTEN only. */
static bool is_extended_char(const struct ldisc *l, uint8_t c, int which)
{
	return L_FLAG(l, IEXTEN) && is_char(l, c, which);
}

static void emit_string(struct ldisc *l, const char *s)
{
	while (*s)
		ldisc_emit(l, (uint8_t)*s++);
}

/* As the user sees it: ^C for a control character. */
static void echo_char(struct ldisc *l, uint8_t c)
{
	if (L_FLAG(l, ECHOCTL) && ldisc_is_control(c) && c != '\t') {
		ldisc_emit(l, '^');
		c ^= 0x40;
	}
	ldisc_emit(l, c);
}

static void finish_erasing(struct ldisc *l)
{
	if (l->erasing)
		ldisc_emit(l, '/');
	l->erasing = false;
}

/* Columns from the start of the line being edited, or from its last tab, up to index end. */
static uint32_t columns_before(const struct ldisc *l, uint32_t end)
{
	uint32_t n = 0;

	while (end != l->canon) {
		uint8_t c = l->buf[--end % LDISC_BUF];

		if (c == '\t')
			return n;
		if (ldisc_is_control(c))
			n += L_FLAG(l, ECHOCTL) ? 2 : 0;
		else if (!ldisc_is_continuation(l, c))
			n++;
	}
	return n + l->line_column;
}

/* Remove from the screen what the character c, which stood at l->head, took there. */
static void unecho(struct ldisc *l, uint8_t c)
{
	if (c == '\t') {
		for (uint32_t n = 8 - (columns_before(l, l->head) & 7); n; n--)
			ldisc_emit(l, '\b');
		return;
	}
	if (ldisc_is_control(c)) {
		if (!L_FLAG(l, ECHOCTL))
			return;
		emit_string(l, "\b \b");
	}
	emit_string(l, "\b \b");
}

/* The last character of the line, all bytes of it, is taken off; its first byte is returned. */
static uint8_t take_last(struct ldisc *l)
{
	uint8_t c;

	do {
		c = l->buf[--l->head % LDISC_BUF];
	} while (ldisc_is_continuation(l, c) && l->head != l->canon);
	return c;
}

static void erase_one(struct ldisc *l, uint8_t erased, bool by_erase)
{
	if (!L_FLAG(l, ECHO))
		return;
	if (L_FLAG(l, ECHOPRT)) {
		if (!l->erasing)
			ldisc_emit(l, '\\');
		l->erasing = true;
		echo_char(l, erased);
	} else if (by_erase && !L_FLAG(l, ECHOE)) {
		echo_char(l, l->termios.c_cc[VERASE]);
	} else {
		unecho(l, erased);
	}
}

static bool is_word(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c >= 0x80;
}

static void erase_word(struct ldisc *l)
{
	bool seen = false;

	while (l->head != l->canon) {
		uint32_t before = l->head;
		uint8_t c = take_last(l);

		if (is_word(c)) {
			seen = true;
		} else if (seen) {
			l->head = before;
			break;
		}
		erase_one(l, c, false);
	}
}

static void kill_line(struct ldisc *l)
{
	bool visibly = L_FLAG(l, ECHOK) && L_FLAG(l, ECHOKE) && L_FLAG(l, ECHOE);

	if (L_FLAG(l, ECHO) && visibly) {
		while (l->head != l->canon)
			erase_one(l, take_last(l), false);
		return;
	}
	l->head = l->canon;
	if (!L_FLAG(l, ECHO))
		return;
	finish_erasing(l);
	echo_char(l, l->termios.c_cc[VKILL]);
	if (L_FLAG(l, ECHOK))
		ldisc_emit(l, '\n');
}

static void reprint(struct ldisc *l)
{
	finish_erasing(l);
	echo_char(l, l->termios.c_cc[VREPRINT]);
	ldisc_emit(l, '\n');
	l->line_column = l->column;
	for (uint32_t i = l->canon; i != l->head; i++)
		echo_char(l, l->buf[i % LDISC_BUF]);
}

/* Erase, kill, and the like; true if c was one of them. */
static bool edit_line(struct ldisc *l, uint8_t c)
{
	if (is_char(l, c, VERASE)) {
		if (l->head != l->canon)
			erase_one(l, take_last(l), true);
	} else if (is_char(l, c, VKILL)) {
		kill_line(l);
	} else if (is_extended_char(l, c, VWERASE)) {
		erase_word(l);
	} else if (is_extended_char(l, c, VLNEXT)) {
		l->literal = true;
		if (L_FLAG(l, ECHO)) {
			finish_erasing(l);
			if (L_FLAG(l, ECHOCTL))
				emit_string(l, "^\b");
		}
		return true;
	} else if (is_extended_char(l, c, VREPRINT) && L_FLAG(l, ECHO)) {
		reprint(l);
	} else {
		return false;
	}
	if (l->head == l->canon && L_FLAG(l, ECHO))
		finish_erasing(l);
	return true;
}

static void bell(struct ldisc *l)
{
	if (I_FLAG(l, IMAXBEL))
		ldisc_emit(l, '\a');
}

/* Data: stored, and shown unless it found no room. */
static void store(struct ldisc *l, uint8_t c, bool end, bool literal)
{
	bool first = l->head == l->canon;
	bool doubled = c == 0xff && I_FLAG(l, PARMRK);

	if ((doubled && !ldisc_put(l, c, false, false)) || !ldisc_put(l, c, end, false)) {
		bell(l);
		return;
	}
	if (!L_FLAG(l, ECHO))
		return;
	finish_erasing(l);
	if (first)
		l->line_column = l->column;
	if (c == '\n' && !literal)
		ldisc_emit(l, '\n');
	else
		echo_char(l, c);
}

/* The end of a line in canonical mode; true if c was one. */
static bool end_line(struct ldisc *l, uint8_t c)
{
	if (c == '\n') {
		if (!ldisc_put(l, c, true, false)) {
			bell(l);
		} else if (L_FLAG(l, ECHO) || L_FLAG(l, ECHONL)) {
			finish_erasing(l);
			ldisc_emit(l, '\n');
		}
		return true;
	}
	if (is_char(l, c, VEOF)) {
		ldisc_put(l, 0, true, true);
		return true;
	}
	if (is_char(l, c, VEOL) || is_extended_char(l, c, VEOL2)) {
		store(l, c, true, false);
		return true;
	}
	return false;
}

static void raise(struct ldisc *l, int sig)
{
	l->signals |= 1u << sig;
	if (L_FLAG(l, NOFLSH))
		return;
	l->echo_tail = l->echo_head;
	l->flush_output = true;
	ldisc_flush_input(l);
}

static bool signal_char(struct ldisc *l, uint8_t c)
{
	int sig;

	if (!L_FLAG(l, ISIG))
		return false;
	if (is_char(l, c, VINTR))
		sig = SIGINT;
	else if (is_char(l, c, VQUIT))
		sig = SIGQUIT;
	else if (is_char(l, c, VSUSP))
		sig = SIGTSTP;
	else
		return false;
	raise(l, sig);
	if (I_FLAG(l, IXON))
		l->stopped = false;
	if (L_FLAG(l, ECHO))
		echo_char(l, c);
	return true;
}

static bool flow_char(struct ldisc *l, uint8_t c)
{
	if (!I_FLAG(l, IXON))
		return false;
	if (is_char(l, c, VSTART)) {
		l->stopped = false;
		return true;
	}
	if (is_char(l, c, VSTOP)) {
		l->stopped = true;
		return true;
	}
	return false;
}

/* A break, or a byte that came in damaged: marked, replaced or dropped; never interpreted. */
static void input_damaged(struct ldisc *l, uint8_t c, enum ldisc_flag flag)
{
	if (flag == LDISC_BREAK) {
		if (I_FLAG(l, IGNBRK))
			return;
		if (I_FLAG(l, BRKINT)) {
			raise(l, SIGINT);
			return;
		}
		c = 0;
	} else if (I_FLAG(l, IGNPAR)) {
		return;
	}
	if (I_FLAG(l, PARMRK)) {
		ldisc_put(l, 0xff, false, false);
		ldisc_put(l, 0, false, false);
		ldisc_put(l, c, false, false);
	} else {
		ldisc_put(l, 0, false, false);
	}
}

void ldisc_input(struct ldisc *l, uint8_t c, enum ldisc_flag flag)
{
	bool checked = flag == LDISC_BREAK || I_FLAG(l, INPCK);

	if (flag != LDISC_NORMAL && checked) {
		input_damaged(l, c, flag);
		return;
	}
	if (I_FLAG(l, ISTRIP))
		c &= 0x7f;
	if (I_FLAG(l, IUCLC) && L_FLAG(l, IEXTEN) && c >= 'A' && c <= 'Z')
		c = (uint8_t)(c - 'A' + 'a');
	if (l->literal) {
		l->literal = false;
		store(l, c, false, true);
		return;
	}
	if (flow_char(l, c))
		return;
	if (I_FLAG(l, IXON) && I_FLAG(l, IXANY))
		l->stopped = false;
	if (signal_char(l, c))
		return;
	if (c == '\r') {
		if (I_FLAG(l, IGNCR))
			return;
		if (I_FLAG(l, ICRNL))
			c = '\n';
	} else if (c == '\n' && I_FLAG(l, INLCR)) {
		c = '\r';
	}
	if (L_FLAG(l, ICANON) && (edit_line(l, c) || end_line(l, c)))
		return;
	store(l, c, false, false);
}
