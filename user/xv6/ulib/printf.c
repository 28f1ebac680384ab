/*
 * Formatted output, one write() per call when it fits the buffer, so that lines of several
 * processes do not mix.
 */
#include "user/user.h"

typedef __builtin_va_list va_list;

struct out {
	int fd;
	int used;
	char buf[256];
};

struct spec {
	int width;	/* least number of characters */
	int left;	/* pad on the right */
	int longs;	/* how many l stood before the conversion */
	char pad;
};

static void out_flush(struct out *o)
{
	int done = 0;

	while (done < o->used) {
		int n = write(o->fd, o->buf + done, o->used - done);

		if (n <= 0)
			break;
		done += n;
	}
	o->used = 0;
}

static void out_char(struct out *o, char c)
{
	if (o->used == (int)sizeof(o->buf))
		out_flush(o);
	o->buf[o->used++] = c;
}

static void out_field(struct out *o, const char *s, int len, const struct spec *sp)
{
	int fill = sp->width - len;

	/* A sign stays in front of padding zeros. */
	if (sp->pad == '0' && len > 0 && *s == '-') {
		out_char(o, *s++);
		len--;
	}
	for (; !sp->left && fill > 0; fill--)
		out_char(o, sp->pad);
	while (len-- > 0)
		out_char(o, *s++);
	for (; fill > 0; fill--)
		out_char(o, ' ');
}

static void out_number(struct out *o, uint64 v, uint base, int negative, const struct spec *sp)
{
	char digits[24];
	int i = sizeof(digits);

	do {
		digits[--i] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (negative)
		digits[--i] = '-';
	out_field(o, digits + i, (int)sizeof(digits) - i, sp);
}

static const char *spec_parse(const char *f, struct spec *sp)
{
	*sp = (struct spec){ .pad = ' ' };
	for (; *f == '-' || *f == '0'; f++) {
		if (*f == '-')
			sp->left = 1;
		else
			sp->pad = '0';
	}
	if (sp->left)
		sp->pad = ' ';
	while (*f >= '0' && *f <= '9')
		sp->width = sp->width * 10 + (*f++ - '0');
	while (*f == 'l') {
		sp->longs++;
		f++;
	}
	return f;
}

static void out_signed(struct out *o, long v, const struct spec *sp)
{
	out_number(o, v < 0 ? -(uint64)v : (uint64)v, 10, v < 0, sp);
}

static void vprintf_fd(int fd, const char *f, va_list ap)
{
	struct out o = { .fd = fd };
	struct spec sp;
	const char *s;
	char c;

	for (; *f; f++) {
		if (*f != '%') {
			out_char(&o, *f);
			continue;
		}
		f = spec_parse(f + 1, &sp);
		switch (*f) {
		case 'd':
		case 'i':
			out_signed(&o, sp.longs ? __builtin_va_arg(ap, long) :
				   __builtin_va_arg(ap, int), &sp);
			break;
		case 'u':
		case 'x':
			out_number(&o, sp.longs ? __builtin_va_arg(ap, uint64) :
				   __builtin_va_arg(ap, uint), *f == 'x' ? 16 : 10, 0, &sp);
			break;
		case 'p':
			out_char(&o, '0');
			out_char(&o, 'x');
			out_number(&o, __builtin_va_arg(ap, uint64), 16, 0,
				   &(struct spec){ .width = 16, .pad = '0' });
			break;
		case 's':
			s = __builtin_va_arg(ap, const char *);
			if (!s)
				s = "(null)";
			sp.pad = ' ';
			out_field(&o, s, (int)strlen(s), &sp);
			break;
		case 'c':
			c = (char)__builtin_va_arg(ap, int);
			out_field(&o, &c, 1, &sp);
			break;
		case 0:
			goto done;
		default:	/* '%' itself; anything else is shown as it is */
			if (*f != '%')
				out_char(&o, '%');
			out_char(&o, *f);
		}
	}
done:
	out_flush(&o);
}

void fprintf(int fd, const char *fmt, ...)
{
	va_list ap;

	__builtin_va_start(ap, fmt);
	vprintf_fd(fd, fmt, ap);
	__builtin_va_end(ap);
}

void printf(const char *fmt, ...)
{
	va_list ap;

	__builtin_va_start(ap, fmt);
	vprintf_fd(1, fmt, ap);
	__builtin_va_end(ap);
}
