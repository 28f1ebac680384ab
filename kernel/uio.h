/*
 * A transfer between the kernel and a list of buffers, in user memory (readv, writev) or in the
 * kernel's own. The only way file systems and devices move data: they never see user addresses.
 */
#pragma once

#include "kernel/types.h"

struct iovec64 {
	uint64_t base, len;
};

struct uio {
	const struct iovec64 *iov; /* current segment */
	uint16_t niov;		   /* segments left, the current one included */
	bool kernel;		   /* the addresses are kernel memory */
	bool nofault;		   /* user copies do not fault pages in: locks are held */
	bool nowait;		   /* O_NONBLOCK / RWF_NOWAIT */
	/* O_APPEND: the position is the end, found under the inode lock; RWF_NOAPPEND: never */
	enum uio_append { UIO_AS_FILE, UIO_APPEND, UIO_NOAPPEND } append : 8;
	bool dsync;		   /* O_DSYNC, O_SYNC: durable before the call returns */
	bool sync;		   /* O_SYNC: with all of the file's attributes */
	uint64_t done;		   /* bytes into the current segment */
	uint64_t resid;		   /* bytes left in all */
	struct iovec64 one;	   /* storage for the common case */
};

static inline void uio_init_user(struct uio *u, uaddr_t buf, size_t n)
{
	*u = (struct uio){.niov = 1, .resid = n, .one = {buf, n}};
	u->iov = &u->one;
}
void uio_init_kernel(struct uio *u, void *buf, size_t n);
/* iov stays the caller's and must outlive u. */
void uio_init_iov(struct uio *u, const struct iovec64 *iov, uint32_t niov, size_t total);
/*
 * Move up to n bytes between buf and the transfer, advancing it; returns bytes moved: fewer than
 * n only when the transfer is used up or user memory faults (then resid stays above 0).
 * May sleep unless nofault or kernel.
 */
size_t uio_copy_to(struct uio *u, const void *buf, size_t n);   /* kernel -> buffers: read(2) */
size_t uio_copy_from(struct uio *u, void *buf, size_t n);	/* buffers -> kernel: write(2) */
size_t uio_copy_from_nofault(struct uio *u, void *buf, size_t n); /* whatever u->nofault says */
size_t uio_zero(struct uio *u, size_t n);
/*
 * Fault in the next n bytes (for writing, if write) so that a nofault copy can go on. 0, -EFAULT.
 */
int uio_fault_in(struct uio *u, size_t n, bool write);
/* Take back n bytes that were moved last. n must lie within what was moved since init. */
void uio_revert(struct uio *u, size_t n);
