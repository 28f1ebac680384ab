/*
 * What instruction-set extensions a hart has, as its node in the device tree tells: a list of
 * names, or a string as the unprivileged specification's naming conventions define it.
 */
#include "kernel/isa.h"

#include "kernel/fdt.h"
#include "lib/bits.h"
#include "lib/string.h"

static const char *const extension_name[ISA_COUNT] = {
	[ISA_I] = "i",
	[ISA_M] = "m",
	[ISA_A] = "a",
	[ISA_F] = "f",
	[ISA_D] = "d",
	[ISA_C] = "c",
	[ISA_V] = "v",
	[ISA_SSTC] = "sstc",
	[ISA_SVADE] = "svade",
	[ISA_SVADU] = "svadu",
	[ISA_SVINVAL] = "svinval",
	[ISA_SVNAPOT] = "svnapot",
	[ISA_SVPBMT] = "svpbmt",
	[ISA_ZBA] = "zba",
	[ISA_ZBB] = "zbb",
	[ISA_ZBS] = "zbs",
	[ISA_ZICBOM] = "zicbom",
	[ISA_ZICBOZ] = "zicboz",
	[ISA_ZICNTR] = "zicntr",
	[ISA_ZIHINTPAUSE] = "zihintpause",
	[ISA_ZKR] = "zkr",
};

/* The letter g stands for these (and zicsr and zifencei). */
#define ISA_G (BIT(ISA_I) | BIT(ISA_M) | BIT(ISA_A) | BIT(ISA_F) | BIT(ISA_D))

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether the text is a version such as 2p0, or nothing. */
static bool is_version(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(s[i]) && !(i && lower(s[i]) == 'p'))
			return false;
	}
	return true;
}

/* The mask for the name at s, which has len characters and perhaps ends in a version. */
static uint64_t extension_mask(const char *s, size_t len)
{
	for (unsigned ext = 0; ext < ISA_COUNT; ext++) {
		const char *name = extension_name[ext];
		size_t i = 0;

		while (i < len && name[i] && lower(s[i]) == name[i])
			i++;
		if (!name[i] && is_version(s + i, len - i))
			return BIT(ext);
	}
	return 0;
}

/*
 * The single letters in front, up to an underscore or the first longer name, which begins with z,
 * x or s.  But "su" at the end is how old firmware names the privilege modes.
 */
static const char *letters_parse(const char *s, uint64_t *mask)
{
	for (; *s && *s != '_'; s++) {
		char c = lower(*s);

		if (c == 'z' || c == 'x')
			break;
		if (c == 's' && !(lower(s[1]) == 'u' && (!s[2] || s[2] == '_')))
			break;
		if (c == 'g')
			*mask |= ISA_G;
		else
			*mask |= extension_mask(s, 1);
	}
	return s;
}

static uint64_t isa_parse(const char *s)
{
	uint64_t mask = 0;

	if (lower(s[0]) != 'r' || lower(s[1]) != 'v' || s[2] != '6' || s[3] != '4')
		return 0;
	s = letters_parse(s + 4, &mask);
	while (*s) {
		size_t len = 0;

		if (*s == '_') {
			s++;
			continue;
		}
		while (s[len] && s[len] != '_')
			len++;
		mask |= extension_mask(s, len);
		s += len;
	}
	return mask;
}

uint64_t isa_read(const struct fdt *fdt, int node)
{
	const char *isa;
	uint64_t mask = 0;

	if (fdt_prop_present(fdt, node, "riscv,isa-extensions")) {
		for (unsigned ext = 0; ext < ISA_COUNT; ext++) {
			if (fdt_prop_has_string(fdt, node, "riscv,isa-extensions",
						extension_name[ext]))
				mask |= BIT(ext);
		}
		return mask;
	}
	isa = fdt_prop_string(fdt, node, "riscv,isa", 0);
	return isa ? isa_parse(isa) : 0;
}
