#pragma once

#include <stdarg.h>
#include <stddef.h>

/*
 * Formats into buf of size bytes; the result is NUL-terminated unless size is 0.  Returns the
 * length that the whole output has, so a result >= size means it was cut (as in ISO C).
 *
 * Conversions: d i u x X o c s p %.  Flags: - 0 + space #.  Width and precision, also as `*`.
 * Lengths: hh h l ll z j t.  %p prints 0x and 16 digits; %s of NULL prints (null).  There is no
 * floating point and no %n.  An unknown conversion is copied to the output as it stands.
 * May be called from any context, with any lock held.
 */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

int snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Like snprintf, but returns the length that really stands in buf (at most size - 1; 0 when size
 * is 0), so that `at += scnprintf(buf + at, size - at, ...)` never runs past the end.
 */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
