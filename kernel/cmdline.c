#include "kernel/cmdline.h"

#include "kernel/machine.h"
#include "kernel/uapi/errno.h"
#include "lib/string.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/*
 * The last place on the line where the key stands as a word or in front of '=': what follows the
 * key there, or NULL.
 */
static const char *word_find(const char *key)
{
	size_t len = strlen(key);
	const char *found = NULL;
	const char *at = machine.cmdline;

	while (*at) {
		if (strncmp(at, key, len) == 0 &&
		    (!at[len] || is_blank(at[len]) || at[len] == '='))
			found = at + len;
		while (*at && !is_blank(*at))
			at++;
		while (is_blank(*at))
			at++;
	}
	return found;
}

bool cmdline_has(const char *word)
{
	return word_find(word) != NULL;
}

int cmdline_get(const char *key, char *buf, size_t size)
{
	const char *value = word_find(key);
	size_t len = 0;

	if (size)
		buf[0] = '\0';
	if (!value || *value != '=')
		return -ENOENT;
	value++;
	while (value[len] && !is_blank(value[len]))
		len++;
	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(buf, value, len);
	buf[len] = '\0';
	return (int)len;
}

/* The value of a digit, or 16. */
static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

static bool suffix_shift(const char *suffix, unsigned *shift)
{
	*shift = 0;
	if (!*suffix)
		return true;
	if (*suffix == 'K' || *suffix == 'k')
		*shift = 10;
	else if (*suffix == 'M' || *suffix == 'm')
		*shift = 20;
	else if (*suffix == 'G' || *suffix == 'g')
		*shift = 30;
	return *shift && !suffix[1];
}

bool cmdline_number(const char *key, uint64_t *value)
{
	char text[32];
	const char *p = text;
	uint64_t n = 0;
	unsigned base = 10, shift;

	if (cmdline_get(key, text, sizeof(text)) <= 0)
		return false;
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
		base = 16;
		p += 2;
	}
	if (digit_of(*p) >= base)
		return false;
	for (; digit_of(*p) < base; p++) {
		if (__builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, digit_of(*p), &n))
			return false;
	}
	if (!suffix_shift(p, &shift) || n << shift >> shift != n)
		return false;
	*value = n << shift;
	return true;
}
