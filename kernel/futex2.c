/*
 * The successors of futex(2): one call for each thing to do, flags with each word, and a wait for
 * any of several words.
 */
#include "kernel/futex.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/uapi/futex.h"
#include "kernel/uapi/time.h"
#include "mm/usercopy.h"

/* Words of 32 bits are all there are, in Linux too. */
static bool flags_valid(uint64_t flags)
{
	return (flags & ~(uint64_t)FUTEX2_PRIVATE) == FUTEX2_SIZE_U32;
}

/* An absolute timeout on one of two clocks. */
static int get_timeout(uaddr_t utime, int clock, struct futex_timeout *t)
{
	if (utime && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return -EINVAL;
	return futex_timeout_get(utime, false, clock == CLOCK_REALTIME, t);
}

/* The element at user, which is one that can be waited for. */
static int get_waitv(struct futex_waitv *v, uaddr_t user)
{
	if (copy_from_user(v, user, sizeof(*v)))
		return -EFAULT;
	if (!flags_valid(v->flags) || v->__reserved || v->val > UINT32_MAX)
		return -EINVAL;
	return 0;
}

/* One wait for n words. */
struct wait_any {
	struct waitqueue wq;
	uint32_t n;
	struct {
		struct futex_waiter w;
		struct futex_waitv v;
	} words[];
};

static bool any_woken(const struct wait_any *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (futex_woken(&a->words[i].w))
			return true;
	return false;
}

static int get_words(struct wait_any *a, uaddr_t user)
{
	int err = 0;

	for (uint32_t i = 0; i < a->n && !err; i++)
		err = get_waitv(&a->words[i].v, user + i * sizeof(struct futex_waitv));
	for (uint32_t i = 0; i < a->n && !err; i++) {
		struct futex_waitv *v = &a->words[i].v;

		a->words[i].w.bitset = FUTEX_BITSET_ANY;
		err = futex_key_of(v->uaddr, v->flags & FUTEX2_PRIVATE, &a->words[i].w.key);
	}
	return err;
}

/* Index of a word that was woken, the last of them, or -errno. */
static long wait_any(struct wait_any *a, struct futex_timeout *t)
{
	uint32_t queued = 0;
	long ret = -1;
	int err = 0;

	for (; queued < a->n && !err; queued++) {
		futex_queue(&a->words[queued].w, &a->wq);
		err = futex_expect(a->words[queued].v.uaddr, (uint32_t)a->words[queued].v.val);
	}
	if (!err) {
		futex_timeout_begin(t, &a->wq);
		err = wait_event_deadline(&a->wq, any_woken(a) || futex_timeout_over(t),
					  WAIT_INTERRUPTIBLE, futex_timeout_deadline(t));
		err = futex_timeout_end(t, err);
	}
	for (uint32_t i = 0; i < queued; i++)
		if (futex_unqueue(&a->words[i].w))
			ret = i;
	return ret >= 0 ? ret : err;
}

SYSCALL5(futex_waitv, uaddr_t, words, uint32_t, n, uint32_t, flags, uaddr_t, utime, int, clock)
{
	struct futex_timeout t;
	struct wait_any *a;
	long ret;

	if (flags || !n || n > FUTEX_WAITV_MAX || !words)
		return -EINVAL;
	ret = get_timeout(utime, clock, &t);
	if (ret)
		return ret;
	a = kzalloc(sizeof(*a) + n * sizeof(a->words[0]));
	if (!a)
		return -ENOMEM;
	waitqueue_init(&a->wq);
	a->n = n;
	ret = get_words(a, words);
	if (!ret)
		ret = wait_any(a, &t);
	kfree(a);
	return ret;
}

SYSCALL4(futex_wake, uaddr_t, addr, uint64_t, mask, int, n, uint32_t, flags)
{
	if (!flags_valid(flags) || mask > UINT32_MAX)
		return -EINVAL;
	/* Less than none is one, as in Linux. */
	return futex_wake(addr, flags & FUTEX2_PRIVATE, n < 0 ? 1 : n, (uint32_t)mask);
}

SYSCALL6(futex_wait, uaddr_t, addr, uint64_t, value, uint64_t, mask, uint32_t, flags, uaddr_t,
	 utime, int, clock)
{
	struct futex_timeout t;
	int err;

	if (!flags_valid(flags) || value > UINT32_MAX || mask > UINT32_MAX)
		return -EINVAL;
	err = get_timeout(utime, clock, &t);
	if (err)
		return err;
	return futex_wait(addr, flags & FUTEX2_PRIVATE, (uint32_t)value, &t, (uint32_t)mask);
}

SYSCALL4(futex_requeue, uaddr_t, user, uint32_t, flags, int, nwake, int, nmove)
{
	struct futex_waitv v[2];
	uint32_t expected;
	int err;

	if (flags || !user)
		return -EINVAL;
	err = get_waitv(&v[0], user);
	if (!err)
		err = get_waitv(&v[1], user + sizeof(v[0]));
	/* Both private or both shared, as with futex(2). */
	if (!err && v[0].flags != v[1].flags)
		err = -EINVAL;
	if (err)
		return err;
	expected = (uint32_t)v[0].val;
	return futex_requeue(v[0].uaddr, v[1].uaddr, v[0].flags & FUTEX2_PRIVATE, nwake, nmove,
			     &expected);
}
