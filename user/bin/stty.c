/* stty: shows and sets the terminal's modes. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "user/lib/tool.h"

enum where { IFLAG, OFLAG, CFLAG, LFLAG };

static const struct {
	const char *name;
	enum where where;
	tcflag_t bits;
	tcflag_t mask;		/* 0: bits is a flag; else one value of a field */
	bool sane;		/* on in a sane terminal */
} modes[] = {
	{ "cs5", CFLAG, CS5, CSIZE, false }, { "cs6", CFLAG, CS6, CSIZE, false },
	{ "cs7", CFLAG, CS7, CSIZE, false }, { "cs8", CFLAG, CS8, CSIZE, true },
	{ "parenb", CFLAG, PARENB, 0, false }, { "parodd", CFLAG, PARODD, 0, false },
	{ "hupcl", CFLAG, HUPCL, 0, false }, { "cstopb", CFLAG, CSTOPB, 0, false },
	{ "cread", CFLAG, CREAD, 0, true }, { "clocal", CFLAG, CLOCAL, 0, false },
	{ "crtscts", CFLAG, CRTSCTS, 0, false },
	{ "ignbrk", IFLAG, IGNBRK, 0, false }, { "brkint", IFLAG, BRKINT, 0, true },
	{ "ignpar", IFLAG, IGNPAR, 0, false }, { "parmrk", IFLAG, PARMRK, 0, false },
	{ "inpck", IFLAG, INPCK, 0, false }, { "istrip", IFLAG, ISTRIP, 0, false },
	{ "inlcr", IFLAG, INLCR, 0, false }, { "igncr", IFLAG, IGNCR, 0, false },
	{ "icrnl", IFLAG, ICRNL, 0, true }, { "ixon", IFLAG, IXON, 0, true },
	{ "ixoff", IFLAG, IXOFF, 0, false }, { "iuclc", IFLAG, IUCLC, 0, false },
	{ "ixany", IFLAG, IXANY, 0, false }, { "imaxbel", IFLAG, IMAXBEL, 0, true },
	{ "iutf8", IFLAG, IUTF8, 0, false },
	{ "opost", OFLAG, OPOST, 0, true }, { "olcuc", OFLAG, OLCUC, 0, false },
	{ "ocrnl", OFLAG, OCRNL, 0, false }, { "onlcr", OFLAG, ONLCR, 0, true },
	{ "onocr", OFLAG, ONOCR, 0, false }, { "onlret", OFLAG, ONLRET, 0, false },
	{ "isig", LFLAG, ISIG, 0, true }, { "icanon", LFLAG, ICANON, 0, true },
	{ "iexten", LFLAG, IEXTEN, 0, true }, { "echo", LFLAG, ECHO, 0, true },
	{ "echoe", LFLAG, ECHOE, 0, true }, { "echok", LFLAG, ECHOK, 0, true },
	{ "echonl", LFLAG, ECHONL, 0, false }, { "noflsh", LFLAG, NOFLSH, 0, false },
	{ "tostop", LFLAG, TOSTOP, 0, false }, { "echoctl", LFLAG, ECHOCTL, 0, true },
	{ "echoke", LFLAG, ECHOKE, 0, true },
};

static const struct {
	const char *name;
	int index;
	unsigned char sane;
} chars[] = {
	{ "intr", VINTR, 3 }, { "quit", VQUIT, 28 }, { "erase", VERASE, 127 },
	{ "kill", VKILL, 21 }, { "eof", VEOF, 4 }, { "eol", VEOL, 0 }, { "start", VSTART, 17 },
	{ "stop", VSTOP, 19 }, { "susp", VSUSP, 26 }, { "rprnt", VREPRINT, 18 },
	{ "werase", VWERASE, 23 }, { "lnext", VLNEXT, 22 },
};

#define N_MODES	(sizeof(modes) / sizeof(modes[0]))
#define N_CHARS	(sizeof(chars) / sizeof(chars[0]))

static const struct {
	unsigned number;
	speed_t code;
} speeds[] = {
	{ 0, B0 }, { 300, B300 }, { 1200, B1200 }, { 2400, B2400 }, { 4800, B4800 },
	{ 9600, B9600 }, { 19200, B19200 }, { 38400, B38400 }, { 57600, B57600 },
	{ 115200, B115200 }, { 230400, B230400 }, { 460800, B460800 }, { 921600, B921600 },
	{ 1500000, B1500000 },
};

static struct termios t;

static tcflag_t *field(enum where where)
{
	tcflag_t *const fields[] = { &t.c_iflag, &t.c_oflag, &t.c_cflag, &t.c_lflag };

	return fields[where];
}

static void mode_set(size_t i, bool on)
{
	tcflag_t *f = field(modes[i].where);

	if (modes[i].mask)
		*f = (*f & ~modes[i].mask) | modes[i].bits;
	else
		*f = on ? *f | modes[i].bits : *f & ~modes[i].bits;
}

static bool mode_is_on(size_t i)
{
	tcflag_t f = *field(modes[i].where);

	return modes[i].mask ? (f & modes[i].mask) == modes[i].bits : (f & modes[i].bits) != 0;
}

static void char_print(const char *name, unsigned char c)
{
	if (c == 0)
		printf("%s = <undef>; ", name);
	else if (c == 127)
		printf("%s = ^?; ", name);
	else if (c < 32)
		printf("%s = ^%c; ", name, c + 64);
	else
		printf("%s = %c; ", name, c);
}

static unsigned speed_number(void)
{
	speed_t code = cfgetospeed(&t);
	size_t i;

	for (i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		if (speeds[i].code == code)
			return speeds[i].number;
	}
	return 0;
}

/* Without -a only what is not as in a sane terminal. */
static void modes_print(bool all)
{
	struct winsize size = { 0 };
	const char *gap = "";
	size_t i;

	ioctl(0, TIOCGWINSZ, &size);
	printf("speed %u baud;", speed_number());
	if (all)
		printf(" rows %u; columns %u;", size.ws_row, size.ws_col);
	printf(" line = %u;\n", t.c_line);
	for (i = 0; i < N_CHARS; i++) {
		if (all || t.c_cc[chars[i].index] != chars[i].sane)
			char_print(chars[i].name, t.c_cc[chars[i].index]), gap = "\n";
	}
	if (all)
		printf("min = %u; time = %u;", t.c_cc[VMIN], t.c_cc[VTIME]);
	fputs(gap, stdout);
	for (gap = "", i = 0; i < N_MODES; i++) {
		bool on = mode_is_on(i);

		if (modes[i].mask ? !on || (!all && modes[i].sane) : !all && on == modes[i].sane)
			continue;
		printf("%s%s%s", gap, on ? "" : "-", modes[i].name);
		gap = " ";
	}
	if (*gap)
		putchar('\n');
}

static void set_sane(void)
{
	size_t i;

	for (i = 0; i < N_MODES; i++) {
		if (!modes[i].mask || modes[i].sane)
			mode_set(i, modes[i].sane);
	}
	for (i = 0; i < N_CHARS; i++)
		t.c_cc[chars[i].index] = chars[i].sane;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
}

static void set_raw(bool raw)
{
	if (raw) {
		cfmakeraw(&t);
		t.c_cc[VMIN] = 1;
		t.c_cc[VTIME] = 0;
		return;
	}
	t.c_iflag |= BRKINT | IGNPAR | ICRNL | IXON;
	t.c_oflag |= OPOST;
	t.c_lflag |= ISIG | ICANON;
}

static unsigned char char_parse(const char *s)
{
	if (strcmp(s, "undef") == 0 || strcmp(s, "^-") == 0)
		return 0;
	if (s[0] == '^' && s[1])
		return s[1] == '?' ? 127 : s[1] & 31;
	return (unsigned char)*s;
}

static void window_set(const char *rows, const char *columns)
{
	struct winsize size = { 0 };

	ioctl(0, TIOCGWINSZ, &size);
	if (rows)
		size.ws_row = (unsigned short)number_parse(rows);
	if (columns)
		size.ws_col = (unsigned short)number_parse(columns);
	if (ioctl(0, TIOCSWINSZ, &size) < 0)
		err(1, "window size");
}

/* Words that set several modes; true if it was one. */
static bool set_together(const char *word)
{
	if (strcmp(word, "sane") == 0)
		set_sane();
	else if (strcmp(word, "raw") == 0 || strcmp(word, "-cooked") == 0)
		set_raw(true);
	else if (strcmp(word, "cooked") == 0 || strcmp(word, "-raw") == 0)
		set_raw(false);
	else if (strcmp(word, "cbreak") == 0 || strcmp(word, "-cbreak") == 0)
		t.c_lflag = *word == '-' ? t.c_lflag | ICANON : t.c_lflag & ~(tcflag_t)ICANON;
	else
		return false;
	return true;
}

static bool set_mode(const char *word)
{
	bool on = *word != '-';
	size_t i;

	for (i = 0; i < N_MODES; i++) {
		if (strcmp(modes[i].name, word + !on) == 0 && (on || !modes[i].mask)) {
			mode_set(i, on);
			return true;
		}
	}
	return false;
}

/* Words with a value behind them; true if it was one. */
static bool set_value(const char *word, const char *value)
{
	size_t i;

	if (!value)
		return false;
	for (i = 0; i < N_CHARS; i++) {
		if (strcmp(chars[i].name, word) == 0) {
			t.c_cc[chars[i].index] = char_parse(value);
			return true;
		}
	}
	if (strcmp(word, "min") == 0)
		t.c_cc[VMIN] = (unsigned char)number_parse(value);
	else if (strcmp(word, "time") == 0)
		t.c_cc[VTIME] = (unsigned char)number_parse(value);
	else if (strcmp(word, "rows") == 0)
		window_set(value, NULL);
	else if (strcmp(word, "cols") == 0 || strcmp(word, "columns") == 0)
		window_set(NULL, value);
	else
		return false;
	return true;
}

static bool set_speed(const char *word)
{
	char *end;
	unsigned long n = strtoul(word, &end, 10);
	size_t i;

	for (i = 0; *word && !*end && i < sizeof(speeds) / sizeof(speeds[0]); i++) {
		if (speeds[i].number == n)
			return cfsetspeed(&t, speeds[i].code) == 0;
	}
	return false;
}

/* -g prints all in hexadecimal with colons, and such a text sets all. */
static void saved_print(void)
{
	size_t i;

	printf("%x:%x:%x:%x", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	for (i = 0; i < NCCS; i++)
		printf(":%x", t.c_cc[i]);
	putchar('\n');
}

static bool set_saved(const char *text)
{
	tcflag_t values[4 + NCCS] = { 0 };
	char *end;
	size_t i;

	for (i = 0; i < 4 + NCCS; i++, text = end + 1) {
		values[i] = (tcflag_t)strtoul(text, &end, 16);
		if (end == text || *end != (i + 1 < 4 + NCCS ? ':' : 0))
			return false;
	}
	for (i = 0; i < 4; i++)
		*field((enum where)i) = values[i];
	for (i = 0; i < NCCS; i++)
		t.c_cc[i] = (cc_t)values[4 + i];
	return true;
}

static int stty_main(int argc, char **argv)
{
	struct winsize size;

	(void)argc;
	if (argv[1] && strcmp(argv[1], "size") == 0) {
		if (ioctl(0, TIOCGWINSZ, &size) < 0)
			err(1, "standard input");
		printf("%u %u\n", size.ws_row, size.ws_col);
		return 0;
	}
	if (tcgetattr(0, &t) < 0)
		err(1, "standard input");
	if (!argv[1] || strcmp(argv[1], "-a") == 0) {
		modes_print(argv[1]);
		return 0;
	}
	if (strcmp(argv[1], "-g") == 0) {
		saved_print();
		return 0;
	}
	for (argv++; *argv; argv++) {
		if (set_together(*argv) || set_mode(*argv) || set_speed(*argv) || set_saved(*argv))
			continue;
		if (!set_value(argv[0], argv[1]))
			errx(1, "invalid argument '%s'", *argv);
		argv++;
	}
	if (tcsetattr(0, TCSADRAIN, &t) < 0)
		err(1, "standard input");
	return 0;
}

TOOL("stty", stty_main, "[-a | -g | size | MODE...]");
