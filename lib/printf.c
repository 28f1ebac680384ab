#include "lib/printf.h"

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"
#include "lib/string.h"

/* The output: len counts what the whole text needs, also beyond size. */
struct out {
	char *buf;
	size_t size; /* of buf, without the byte for the terminator */
	size_t len;
};

/* What stands between % and the conversion. */
struct spec {
	bool left, zero, plus, space, alternate;
	int width;
	int precision; /* -1: none */
	int bytes;     /* of the integer argument */
};

static inline void put(struct out *out, char c)
{
	if (out->len < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void put_run(struct out *out, char c, int n)
{
	for (; n > 0; n--)
		put(out, c);
}

static void put_bytes(struct out *out, const char *s, size_t n)
{
	while (n--)
		put(out, *s++);
}

/* Text padded to the width; the precision has been applied. */
static void put_padded(struct out *out, const struct spec *spec, const char *s, size_t n)
{
	int pad = (size_t)spec->width > n ? spec->width - (int)n : 0;

	if (!spec->left)
		put_run(out, ' ', pad);
	put_bytes(out, s, n);
	if (spec->left)
		put_run(out, ' ', pad);
}

static void put_string(struct out *out, const struct spec *spec, const char *s)
{
	if (!s)
		s = "(null)";
	put_padded(out, spec, s,
		   spec->precision < 0 ? strlen(s) : strnlen(s, (size_t)spec->precision));
}

/* prefix is the sign or 0x; zeros go between it and the digits. */
static void put_number(struct out *out, const struct spec *spec, uint64_t value, unsigned base,
		       const char *prefix, bool upper)
{
	const char *digit = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24]; /* 22 octal digits of 64 bits */
	int n = 0, digits = 1, zeros, pad;

	for (; value; value /= base)
		text[sizeof(text) - (size_t)++n] = digit[value % base];
	if (spec->precision >= 0)
		digits = spec->precision;
	else if (spec->zero && !spec->left)
		digits = MAX(1, spec->width - (int)strlen(prefix));
	zeros = MAX(0, digits - n);
	pad = spec->width - n - zeros - (int)strlen(prefix);
	if (!spec->left)
		put_run(out, ' ', pad);
	put_bytes(out, prefix, strlen(prefix));
	put_run(out, '0', zeros);
	put_bytes(out, text + sizeof(text) - (size_t)n, (size_t)n);
	if (spec->left)
		put_run(out, ' ', pad);
}

static void put_signed(struct out *out, const struct spec *spec, int64_t value)
{
	const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";
	uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

	put_number(out, spec, magnitude, 10, sign, false);
}

/* Cuts an argument, fetched as 64 bits, to the bytes that its length modifier names. */
static uint64_t cut_unsigned(uint64_t value, int bytes)
{
	return bytes >= 8 ? value : value & ((UINT64_C(1) << (8 * bytes)) - 1);
}

static int64_t cut_signed(uint64_t value, int bytes)
{
	int unused = 64 - 8 * bytes;

	return (int64_t)(value << unused) >> unused;
}

static const char *parse_flags(const char *fmt, struct spec *spec)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alternate = true;
			break;
		default:
			return fmt;
		}
	}
}

/* A number in the format; more than four digits are surely a mistake and stop counting. */
static const char *parse_digits(const char *fmt, int *value)
{
	*value = 0;
	for (; *fmt >= '0' && *fmt <= '9'; fmt++) {
		if (*value < 1000)
			*value = *value * 10 + (*fmt - '0');
	}
	return fmt;
}

static const char *parse_length(const char *fmt, struct spec *spec)
{
	spec->bytes = sizeof(int);
	switch (*fmt) {
	case 'h':
		spec->bytes = fmt[1] == 'h' ? 1 : 2;
		return fmt + (fmt[1] == 'h' ? 2 : 1);
	case 'l':
		spec->bytes = 8;
		return fmt + (fmt[1] == 'l' ? 2 : 1);
	case 'z':
	case 'j':
	case 't':
		spec->bytes = 8;
		return fmt + 1;
	default:
		return fmt;
	}
}

/* Width and precision, which may come from the arguments. */
static const char *parse_sizes(const char *fmt, struct spec *spec, va_list *ap)
{
	if (*fmt == '*') {
		spec->width = va_arg(*ap, int);
		fmt++;
	} else {
		fmt = parse_digits(fmt, &spec->width);
	}
	if (spec->width < 0) {
		spec->left = true;
		spec->width = spec->width < -9999 ? 9999 : -spec->width;
	}
	spec->precision = -1;
	if (*fmt != '.')
		return fmt;
	fmt++;
	if (*fmt == '*') {
		spec->precision = va_arg(*ap, int);
		return fmt + 1;
	}
	return parse_digits(fmt, &spec->precision);
}

static uint64_t fetch(const struct spec *spec, va_list *ap)
{
	return spec->bytes == 8 ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned);
}

/* Prints one conversion; false if there is no such one. */
static bool put_conversion(struct out *out, struct spec *spec, char conversion, va_list *ap)
{
	uint64_t value;
	char c;

	switch (conversion) {
	case 'd':
	case 'i':
		put_signed(out, spec, cut_signed(fetch(spec, ap), spec->bytes));
		return true;
	case 'u':
		put_number(out, spec, cut_unsigned(fetch(spec, ap), spec->bytes), 10, "", false);
		return true;
	case 'o':
		put_number(out, spec, cut_unsigned(fetch(spec, ap), spec->bytes), 8, "", false);
		return true;
	case 'x':
	case 'X':
		value = cut_unsigned(fetch(spec, ap), spec->bytes);
		put_number(out, spec, value, 16,
			   !spec->alternate || !value ? "" : conversion == 'X' ? "0X" : "0x",
			   conversion == 'X');
		return true;
	case 'p':
		spec->precision = 16;
		put_number(out, spec, (uint64_t)(uintptr_t)va_arg(*ap, void *), 16, "0x", false);
		return true;
	case 's':
		put_string(out, spec, va_arg(*ap, const char *));
		return true;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_padded(out, spec, &c, 1);
		return true;
	case '%':
		put(out, '%');
		return true;
	default:
		return false;
	}
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out out = {.buf = buf, .size = size ? size - 1 : 0};
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		struct spec spec = {0};
		const char *start = fmt;

		if (*fmt++ != '%') {
			put(&out, *start);
			continue;
		}
		fmt = parse_flags(fmt, &spec);
		fmt = parse_sizes(fmt, &spec, &args);
		fmt = parse_length(fmt, &spec);
		if (*fmt && put_conversion(&out, &spec, *fmt, &args)) {
			fmt++;
			continue;
		}
		put_bytes(&out, start, (size_t)(fmt - start));
	}
	va_end(args);
	if (size)
		buf[out.len < out.size ? out.len : out.size] = '\0';
	return (int)out.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	if ((size_t)len < size)
		return len;
	return size ? (int)size - 1 : 0;
}
