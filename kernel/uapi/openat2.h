/*
 * openat2(2): numbers and structures of the Linux riscv64 ABI.
 */
#pragma once

#include <stdint.h>

struct open_how {
	uint64_t flags;	  /* O_* */
	uint64_t mode;
	uint64_t resolve; /* RESOLVE_* */
};

#define RESOLVE_NO_XDEV	      0x01 /* stay in one mount */
#define RESOLVE_NO_MAGICLINKS 0x02 /* no links of /proc that jump */
#define RESOLVE_NO_SYMLINKS   0x04 /* no symbolic links at all */
#define RESOLVE_BENEATH	      0x08 /* who leaves dirfd fails */
#define RESOLVE_IN_ROOT	      0x10 /* dirfd is the root */
#define RESOLVE_CACHED	      0x20 /* what the name cache has, or EAGAIN */
