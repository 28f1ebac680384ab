/*
 * Moving bytes between the kernel and a list of buffers.
 */
#include "kernel/uio.h"

#include "lib/string.h"
#include "mm/usercopy.h"

void uio_init_kernel(struct uio *u, void *buf, size_t n)
{
	*u = (struct uio){
		.niov = 1, .resid = n, .kernel = true, .one = {(uint64_t)(uintptr_t)buf, n}};
	u->iov = &u->one;
}

void uio_init_iov(struct uio *u, const struct iovec64 *iov, uint32_t niov, size_t total)
{
	*u = (struct uio){.iov = iov, .niov = (uint16_t)niov, .resid = total};
}

enum direction { TO, FROM, ZERO };

/* Bytes not cleared, in steps so that a fault does not undo what was possible before it. */
static size_t zero_user(struct uio *u, uint64_t at, size_t n)
{
	static const char zeros[256];

	while (n) {
		size_t step = MIN(n, sizeof(zeros)), left;

		left = u->nofault ? copy_to_user_nofault(at, zeros, step)
				  : copy_to_user_partial(at, zeros, step);
		n -= step - left;
		at += step - left;
		if (left)
			break;
	}
	return n;
}

/* n bytes between one buffer and the kernel; bytes not moved. */
static size_t piece_move(struct uio *u, uint64_t at, void *buf, size_t n, enum direction dir)
{
	void *k = (void *)(uintptr_t)at;

	if (u->kernel) {
		if (dir == TO)
			memcpy(k, buf, n);
		else if (dir == FROM)
			memcpy(buf, k, n);
		else
			memset(k, 0, n);
		return 0;
	}
	if (dir == TO)
		return u->nofault ? copy_to_user_nofault(at, buf, n)
				  : copy_to_user_partial(at, buf, n);
	if (dir == FROM)
		return u->nofault ? copy_from_user_nofault(buf, at, n)
				  : copy_from_user_partial(buf, at, n);
	return zero_user(u, at, n);
}

static size_t uio_move(struct uio *u, void *buf, size_t n, enum direction dir)
{
	size_t moved = 0;

	if (n > u->resid)
		n = u->resid;
	while (moved < n) {
		size_t chunk = u->iov->len - u->done, left;

		if (!chunk) {
			/* resid says that there is a segment behind this one. */
			u->iov++;
			u->niov--;
			u->done = 0;
			continue;
		}
		chunk = MIN(chunk, n - moved);
		left = piece_move(u, u->iov->base + u->done, (char *)buf + moved, chunk, dir);
		chunk -= left;
		moved += chunk;
		u->done += chunk;
		u->resid -= chunk;
		if (left)
			break;
	}
	return moved;
}

/* n bytes that lie in one piece of user memory: the usual case. */
static inline bool is_plain(const struct uio *u, size_t n)
{
	return n - 1 < u->resid && n <= u->iov->len - u->done && !u->kernel;
}

static inline size_t plain_done(struct uio *u, size_t n, size_t left)
{
	if (unlikely(left))
		n -= left;
	u->done += n;
	u->resid -= n;
	return n;
}

size_t uio_copy_to(struct uio *u, const void *buf, size_t n)
{
	if (likely(is_plain(u, n) && !u->nofault))
		return plain_done(u, n, copy_to_user_partial(u->iov->base + u->done, buf, n));
	return uio_move(u, (void *)(uintptr_t)buf, n, TO);
}

static __slow size_t move_from_nofault(struct uio *u, void *buf, size_t n)
{
	bool nofault = u->nofault;

	u->nofault = true;
	n = uio_move(u, buf, n, FROM);
	u->nofault = nofault;
	return n;
}

size_t uio_copy_from_nofault(struct uio *u, void *buf, size_t n)
{
	if (likely(is_plain(u, n)))
		return plain_done(u, n, copy_from_user_nofault(buf, u->iov->base + u->done, n));
	return move_from_nofault(u, buf, n);
}

size_t uio_copy_from(struct uio *u, void *buf, size_t n)
{
	if (u->nofault)
		return uio_copy_from_nofault(u, buf, n);
	if (likely(is_plain(u, n)))
		return plain_done(u, n, copy_from_user_partial(buf, u->iov->base + u->done, n));
	return uio_move(u, buf, n, FROM);
}

size_t uio_zero(struct uio *u, size_t n)
{
	static char none[1]; /* not touched */

	return uio_move(u, none, n, ZERO);
}

int uio_fault_in(struct uio *u, size_t n, bool write)
{
	const struct iovec64 *iov = u->iov;
	uint64_t done = u->done;

	if (u->kernel)
		return 0;
	n = MIN(n, u->resid);
	while (n) {
		size_t chunk = MIN(iov->len - done, n);

		if (chunk && user_fault_in(iov->base + done, chunk, write))
			return -EFAULT;
		n -= chunk;
		iov++;
		done = 0;
	}
	return 0;
}

void uio_revert(struct uio *u, size_t n)
{
	u->resid += n;
	while (n > u->done) {
		n -= u->done;
		u->iov--;
		u->niov++;
		u->done = u->iov->len;
	}
	u->done -= n;
}
