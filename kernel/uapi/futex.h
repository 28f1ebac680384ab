/*
 * futex(2), futex_waitv(2), futex_wait(2), futex_wake(2), futex_requeue(2): numbers of the Linux
 * ABI.
 */
#pragma once

#include "kernel/types.h"

/* The word of a robust lock, or one that lends priority. */
#define FUTEX_WAITERS	 0x80000000U
#define FUTEX_OWNER_DIED 0x40000000U
#define FUTEX_TID_MASK	 0x3fffffffU

#define FUTEX2_SIZE_U32	 2
#define FUTEX2_PRIVATE	 128
#define FUTEX_WAITV_MAX	 128

struct futex_waitv {
	uint64_t val;
	uint64_t uaddr;
	uint32_t flags; /* FUTEX2_* */
	uint32_t __reserved;
};
