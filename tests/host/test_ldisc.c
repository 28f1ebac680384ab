/* The line discipline: what is typed, what is read, what is seen. */
#include "tests/host/test.h"

#include <string.h>

#include "drivers/tty/ldisc.h"

enum { SIGNAL_INT = 2, SIGNAL_QUIT = 3, SIGNAL_TSTP = 20 }; /* the host's header clashes */

static struct ldisc l;
static char seen[8192]; /* what the echo showed since the last look */

static int start(void **state)
{
	(void)state;
	ldisc_init(&l);
	return 0;
}

static void type_bytes(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ldisc_input(&l, (uint8_t)s[i], LDISC_NORMAL);
}

static void type(const char *s)
{
	type_bytes(s, strlen(s));
}

static const char *echo(void)
{
	uint32_t n = ldisc_echo_take(&l, (uint8_t *)seen, sizeof(seen) - 1);

	seen[n] = '\0';
	return seen;
}

static const char *line(void)
{
	static char buf[LDISC_BUF + 1];
	bool ended;

	buf[ldisc_read(&l, (uint8_t *)buf, LDISC_BUF, &ended)] = '\0';
	return buf;
}

static const char *output(const char *s)
{
	static uint8_t out[256];
	size_t used, n = ldisc_output(&l, (const uint8_t *)s, strlen(s), out, 255, &used);

	assert_int_equal(used, strlen(s));
	out[n] = '\0';
	return (const char *)out;
}

static void set_flags(uint32_t i_on, uint32_t l_on, uint32_t l_off)
{
	struct termios2 t = l.termios;

	t.c_iflag |= i_on;
	t.c_lflag = (t.c_lflag & ~l_off) | l_on;
	ldisc_set_termios(&l, &t);
}

static void lines_come_whole(void **state)
{
	(void)state;
	type("ab");
	assert_false(ldisc_readable(&l, 1));
	assert_int_equal(ldisc_available(&l), 0);
	type("c\rde\n");
	assert_true(ldisc_readable(&l, 1));
	assert_int_equal(ldisc_available(&l), 7);
	assert_string_equal(echo(), "abc\r\nde\r\n");
	assert_string_equal(line(), "abc\n");
	assert_string_equal(line(), "de\n");
	assert_false(ldisc_readable(&l, 1));
}

static void a_line_is_read_in_pieces(void **state)
{
	uint8_t buf[8];
	bool ended;

	(void)state;
	type("hello\n");
	assert_int_equal(ldisc_read(&l, buf, 4, &ended), 4);
	assert_false(ended);
	assert_memory_equal(buf, "hell", 4);
	assert_int_equal(ldisc_read(&l, buf, 4, &ended), 2);
	assert_true(ended);
}

static void erase_takes_a_character(void **state)
{
	(void)state;
	type("ab\177\177\177x\n");
	assert_string_equal(echo(), "ab\b \b\b \bx\r\n");
	assert_string_equal(line(), "x\n");
	/* A control character takes two columns; a line cannot be erased beyond its start. */
	type("q\n");
	type("\001\177\n");
	echo();
	assert_string_equal(line(), "q\n");
	assert_string_equal(line(), "\n");
}

static void erase_of_a_control_character_takes_two_columns(void **state)
{
	(void)state;
	type("\001\177");
	assert_string_equal(echo(), "^A\b \b\b \b");
}

static void erase_of_a_tab_goes_back_to_where_it_began(void **state)
{
	(void)state;
	output("$ ");
	type("ab\t");
	assert_string_equal(echo(), "ab\t");
	type("\177");
	assert_string_equal(echo(), "\b\b\b\b");
	type("\t\t\177");
	assert_string_equal(echo(), "\t\t\b\b\b\b\b\b\b\b");
}

static void erase_takes_a_whole_utf8_character(void **state)
{
	(void)state;
	set_flags(IUTF8, 0, 0);
	type("a\xc3\xa9\177\n");
	assert_string_equal(line(), "a\n");
	assert_string_equal(echo(), "a\xc3\xa9\b \b\r\n");
}

static void word_and_line_are_erased(void **state)
{
	(void)state;
	type("one two  \027x\n");
	assert_string_equal(line(), "one x\n");
	echo();
	type("junk\025ok\n");
	assert_string_equal(echo(), "junk\b \b\b \b\b \b\b \bok\r\n");
	assert_string_equal(line(), "ok\n");
	set_flags(0, 0, ECHOKE);
	type("junk\025ok\n");
	assert_string_equal(echo(), "junk^U\r\nok\r\n");
	assert_string_equal(line(), "ok\n");
}

static void next_character_is_taken_literally(void **state)
{
	(void)state;
	type("\026\003\026\n\026\177\n");
	assert_int_equal(l.signals, 0);
	assert_string_equal(line(), "\003\n\177\n");
	assert_string_equal(echo(), "^\b^C^\b^J^\b^?\r\n");
}

static void reprint_shows_the_line_again(void **state)
{
	(void)state;
	type("ab\022");
	assert_string_equal(echo(), "ab^R\r\nab");
}

static void end_of_file_is_no_byte(void **state)
{
	uint8_t buf[8];
	bool ended;

	(void)state;
	type("ab\004");
	assert_int_equal(ldisc_available(&l), 2);
	assert_int_equal(ldisc_read(&l, buf, 8, &ended), 2);
	assert_true(ended);
	assert_false(ldisc_readable(&l, 1));
	type("\004");
	assert_true(ldisc_readable(&l, 1));
	assert_int_equal(ldisc_read(&l, buf, 8, &ended), 0);
	assert_true(ended);
	/* A read of just what was typed takes the mark along: no spurious end afterwards. */
	type("cd\004");
	assert_int_equal(ldisc_read(&l, buf, 2, &ended), 2);
	assert_false(ldisc_readable(&l, 1));
	assert_string_equal(echo(), "abcd");
}

static void signals_are_raised_and_flush(void **state)
{
	(void)state;
	type("abc\003");
	assert_int_equal(l.signals, 1u << SIGNAL_INT);
	assert_true(l.flush_output);
	assert_string_equal(echo(), "^C");
	type("\n");
	assert_string_equal(line(), "\n");
	l.signals = 0;
	set_flags(0, NOFLSH, 0);
	type("abc\032\034\n");
	assert_int_equal(l.signals, 1u << SIGNAL_TSTP | 1u << SIGNAL_QUIT);
	assert_string_equal(line(), "abc\n");
	l.signals = 0;
	set_flags(0, 0, ISIG | IEXTEN);
	type("\003\n");
	assert_int_equal(l.signals, 0);
	assert_string_equal(line(), "\003\n");
}

static void flow_control_stops_and_starts(void **state)
{
	(void)state;
	type("\023");
	assert_true(l.stopped);
	type("a");
	assert_true(l.stopped);
	type("\021");
	assert_false(l.stopped);
	set_flags(IXANY, 0, 0);
	type("\023");
	type("b");
	assert_false(l.stopped);
	type("\n");
	assert_string_equal(line(), "ab\n");
}

static void raw_mode_gives_bytes(void **state)
{
	(void)state;
	set_flags(0, 0, ICANON | ECHO | ISIG);
	type("a\003\177");
	assert_true(ldisc_readable(&l, 3));
	assert_false(ldisc_readable(&l, 4));
	assert_string_equal(line(), "a\003\177");
	assert_string_equal(echo(), "");
}

static void what_was_typed_survives_a_change_of_mode(void **state)
{
	(void)state;
	type("abc");
	set_flags(0, 0, ICANON);
	assert_string_equal(line(), "abc");
	type("de");
	set_flags(0, ICANON, 0);
	assert_true(ldisc_readable(&l, 1));
	assert_string_equal(line(), "de");
}

static void echo_can_be_off_but_for_newline(void **state)
{
	(void)state;
	set_flags(0, ECHONL, ECHO);
	type("secret\n");
	assert_string_equal(echo(), "\r\n");
	assert_string_equal(line(), "secret\n");
}

static void input_is_translated(void **state)
{
	struct termios2 t = l.termios;

	(void)state;
	t.c_iflag = INLCR | IGNCR | ISTRIP | IUCLC;
	t.c_lflag &= ~(uint32_t)(ICANON | ECHO);
	ldisc_set_termios(&l, &t);
	type("A\r\n\xe2");
	assert_string_equal(line(), "a\rb");
}

static void a_long_line_keeps_room_for_its_end(void **state)
{
	char big[LDISC_BUF + 100];

	(void)state;
	memset(big, 'x', sizeof(big));
	set_flags(IMAXBEL, 0, 0);
	for (size_t i = 0; i < sizeof(big); i++) {
		assert_true(ldisc_room(&l) > 0);
		ldisc_input(&l, 'x', LDISC_NORMAL);
		echo();
	}
	assert_string_equal(seen, "\a");
	type("\n");
	assert_true(ldisc_readable(&l, 1));
	assert_int_equal(ldisc_room(&l), 0);
	assert_int_equal(strlen(line()), LDISC_BUF);
	assert_true(ldisc_room(&l) > 0);
}

static void raw_input_is_held_up_when_full(void **state)
{
	uint32_t n = 0;

	(void)state;
	set_flags(IXOFF, 0, ICANON | ECHO);
	while (ldisc_room(&l)) {
		ldisc_input(&l, 'x', LDISC_NORMAL);
		n++;
	}
	assert_int_equal(n, LDISC_BUF - 1);
	assert_int_equal(l.send, 19);
	l.send = 0;
	assert_int_equal(strlen(line()), LDISC_BUF - 1);
	ldisc_unthrottle(&l);
	assert_int_equal(l.send, 17);
}

static void damaged_bytes_are_marked(void **state)
{
	(void)state;
	set_flags(INPCK | PARMRK, 0, ICANON | ECHO);
	ldisc_input(&l, 'p', LDISC_PARITY);
	ldisc_input(&l, 0, LDISC_BREAK);
	ldisc_input(&l, 0xff, LDISC_NORMAL);
	uint8_t buf[16];
	bool ended;

	assert_int_equal(ldisc_read(&l, buf, 16, &ended), 8);
	assert_memory_equal(buf, "\377\0p\377\0\0\377\377", 8);
	set_flags(BRKINT, 0, 0);
	ldisc_input(&l, 0, LDISC_BREAK);
	assert_int_equal(l.signals, 1u << SIGNAL_INT);
}

static void output_is_processed(void **state)
{
	struct termios2 t = l.termios;
	uint8_t out[16];
	size_t used;

	(void)state;
	assert_string_equal(output("a\nb"), "a\r\nb");
	assert_int_equal(l.column, 1);
	t.c_oflag = OPOST | XTABS | OCRNL | OLCUC;
	ldisc_set_termios(&l, &t);
	assert_string_equal(output("\tx\r"), "       X\n");
	t.c_oflag = 0;
	ldisc_set_termios(&l, &t);
	assert_string_equal(output("a\n\t"), "a\n\t");
	/* Never more than fits. */
	t.c_oflag = OPOST | ONLCR;
	ldisc_set_termios(&l, &t);
	assert_int_equal(ldisc_output(&l, (const uint8_t *)"\n\n\n\n\n\n\n\n", 8, out, 11, &used),
			 4);
	assert_int_equal(used, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_come_whole, start),
		cmocka_unit_test_setup(a_line_is_read_in_pieces, start),
		cmocka_unit_test_setup(erase_takes_a_character, start),
		cmocka_unit_test_setup(erase_of_a_control_character_takes_two_columns, start),
		cmocka_unit_test_setup(erase_of_a_tab_goes_back_to_where_it_began, start),
		cmocka_unit_test_setup(erase_takes_a_whole_utf8_character, start),
		cmocka_unit_test_setup(word_and_line_are_erased, start),
		cmocka_unit_test_setup(next_character_is_taken_literally, start),
		cmocka_unit_test_setup(reprint_shows_the_line_again, start),
		cmocka_unit_test_setup(end_of_file_is_no_byte, start),
		cmocka_unit_test_setup(signals_are_raised_and_flush, start),
		cmocka_unit_test_setup(flow_control_stops_and_starts, start),
		cmocka_unit_test_setup(raw_mode_gives_bytes, start),
		cmocka_unit_test_setup(what_was_typed_survives_a_change_of_mode, start),
		cmocka_unit_test_setup(echo_can_be_off_but_for_newline, start),
		cmocka_unit_test_setup(input_is_translated, start),
		cmocka_unit_test_setup(a_long_line_keeps_room_for_its_end, start),
		cmocka_unit_test_setup(raw_input_is_held_up_when_full, start),
		cmocka_unit_test_setup(damaged_bytes_are_marked, start),
		cmocka_unit_test_setup(output_is_processed, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
