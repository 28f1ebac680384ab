/* What Debian's libraries call of a libc that is newer than this machine's. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((weak)) long __isoc23_strtol(const char *s, char **end, int base)
{
	return strtol(s, end, base);
}

__attribute__((weak)) unsigned long __isoc23_strtoul(const char *s, char **end, int base)
{
	return strtoul(s, end, base);
}

__attribute__((weak)) int __isoc23_sscanf(const char *s, const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vsscanf(s, format, args);
	va_end(args);
	return count;
}
