/*
 * The auxiliary vector: what exec tells a program, and /proc and core files those who look.
 */
#include "kernel/elf.h"
#include "kernel/machine.h"
#include "kernel/remote.h"
#include "kernel/uapi/signal.h"
#include "mm/aspace.h"

/* The extensions of single letters. The machine's do not change. */
static uint64_t hwcap(void)
{
	static const char letters[] = "imafdc";
	static const enum isa_extension bits[] = {ISA_I, ISA_M, ISA_A, ISA_F, ISA_D, ISA_C};
	static _Atomic uint64_t known;
	uint64_t cap = 0;

	if (known)
		return known;
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (machine_has(bits[i]))
			cap |= BIT(letters[i] - 'a');
	known = cap;
	return cap;
}

/* (type, value) pairs, stored one by one: an initializer would clear all of it first. */
static inline uint64_t *pair(uint64_t *at, uint64_t type, uint64_t value)
{
	at[0] = type;
	at[1] = value;
	return at + 2;
}

void exec_auxv(const struct exec_layout *l, struct auxv *out)
{
	uint64_t *at = &out->words[0];

	at = pair(at, AT_HWCAP, hwcap());
	at = pair(at, AT_PAGESZ, PAGE_SIZE);
	at = pair(at, AT_CLKTCK, 100);
	at = pair(at, AT_PHDR, l->phdrs);
	at = pair(at, AT_PHENT, sizeof(struct elf_phdr));
	at = pair(at, AT_PHNUM, l->nr_phdrs);
	at = pair(at, AT_BASE, l->base);
	at = pair(at, AT_FLAGS, 0);
	at = pair(at, AT_ENTRY, l->entry);
	at = pair(at, AT_UID, l->uid);
	at = pair(at, AT_EUID, l->euid);
	at = pair(at, AT_GID, l->gid);
	at = pair(at, AT_EGID, l->egid);
	at = pair(at, AT_SECURE, l->secure);
	at = pair(at, l->tells_vdso ? AT_SYSINFO_EHDR : AT_IGNORE, l->vdso);
	at = pair(at, AT_RANDOM, l->random);
	at = pair(at, AT_EXECFN, l->name);
	at = pair(at, AT_MINSIGSTKSZ, MINSIGSTKSZ);
	at = pair(at, AT_RSEQ_FEATURE_SIZE, RSEQ_FEATURE_SIZE);
	at = pair(at, AT_RSEQ_ALIGN, 32);
	pair(at, AT_NULL, 0);
}
