/*
 * What mount(2) asks of a tmpfs, tmpfs(5): words with commas between them.
 */
#include "fs/tmpfs/tmpfs.h"

#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/frame.h"

static unsigned digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* The digits at *s, which moves behind them; base 0: as C writes numbers. False: no such number. */
static bool digits_parse(const char **s, unsigned base, uint64_t *n)
{
	const char *at = *s, *first;

	if (!base) {
		bool hex = at[0] == '0' && (at[1] | 0x20) == 'x';

		base = hex ? 16 : at[0] == '0' ? 8 : 10;
		at += hex ? 2 : 0;
	}
	first = at;
	for (*n = 0; digit_of(*at) < base; at++)
		if (__builtin_mul_overflow(*n, base, n) ||
		    __builtin_add_overflow(*n, digit_of(*at), n))
			return false;
	*s = at;
	return at != first;
}

/* A number that 32 bits hold. */
static bool word_parse(const char **s, unsigned base, uint32_t *word)
{
	uint64_t n;

	if (!digits_parse(s, base, &n) || n > UINT32_MAX)
		return false;
	*word = (uint32_t)n;
	return true;
}

/* A user or group; the last number means none. */
static bool id_parse(const char **s, uint32_t *id)
{
	return word_parse(s, 0, id) && *id != UINT32_MAX;
}

/* A number, in KiB to EiB by its suffix, or percent of memory. */
static bool size_parse(const char **s, uint64_t *n)
{
	static const char units[] = "kmgtpe";
	const char *suffix;
	unsigned shift;

	if (!digits_parse(s, 0, n))
		return false;
	if (**s == '%') {
		if (__builtin_mul_overflow(*n, frames_total << PAGE_SHIFT, n))
			return false;
		*n /= 100;
		++*s;
		return true;
	}
	suffix = **s ? strchr(units, **s | 0x20) : NULL;
	shift = suffix ? (unsigned)(suffix - units + 1) * 10 : 0;
	if (*n > UINT64_MAX >> shift)
		return false;
	*n <<= shift;
	*s += suffix != NULL;
	return true;
}

/* Does the option at *s have this name? Then *s moves to its value. */
static bool option_is(const char **s, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(*s, name, len))
		return false;
	*s += len;
	return true;
}

static bool option_parse(const char **s, struct tmpfs_options *o)
{
	uint64_t bytes;

	if (option_is(s, "size=")) {
		if (!size_parse(s, &bytes))
			return false;
		o->pages = bytes / PAGE_SIZE + (bytes % PAGE_SIZE != 0);
		return true;
	}
	if (option_is(s, "nr_blocks="))
		return size_parse(s, &o->pages);
	if (option_is(s, "mode="))
		return word_parse(s, 8, &o->mode);
	if (option_is(s, "uid="))
		return id_parse(s, &o->uid);
	return option_is(s, "gid=") && id_parse(s, &o->gid);
}

bool tmpfs_options_parse(const char *s, struct tmpfs_options *o)
{
	const struct cred *c = current()->cred;

	*o = (struct tmpfs_options){
		.pages = frames_total / 2,
		.mode = 01777,
		.uid = c ? c->fsuid : 0,
		.gid = c ? c->fsgid : 0,
	};
	while (s && *s) {
		if (*s != ',' && !option_parse(&s, o))
			return false;
		if (*s && *s++ != ',')
			return false;
	}
	o->mode &= 07777;
	return true;
}

int tmpfs_option_check(const char *option)
{
	struct tmpfs_options o;

	return tmpfs_options_parse(option, &o) ? 0 : -EINVAL;
}
