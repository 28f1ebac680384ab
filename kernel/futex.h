/*
 * futex(2), and what it shares with its successors.
 */
#pragma once

#include "kernel/clocktimer.h"
#include "kernel/wait.h"
#include "lib/list.h"

#define FUTEX_BITSET_ANY 0xffffffffU

struct futex_bucket;

/*
 * Where a futex word is: in private use the address space and the address, else the memory
 * object and the byte in it, so that processes that share the page meet.
 */
struct futex_key {
	uint64_t object, offset;
};

static inline bool futex_key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

struct pi_waiter;

struct futex_waiter {
	struct list_head link;	     /* (bucket lock) */
	struct futex_bucket *bucket; /* (its lock) where it hangs; changes by requeue */
	struct futex_key key;	     /* (bucket lock) */
	uint32_t bitset;
	bool woken;		     /* (bucket lock) taken off by a waker */
	struct waitqueue *wq;	     /* only the waiting thread itself */
	struct pi_waiter *pi;	     /* FUTEX_WAIT_REQUEUE_PI; NULL: it may be woken */
};

void futex_init(void);
/* The key of a word. 0, -EINVAL (not aligned), -EFAULT. May sleep. */
int futex_key_of(uaddr_t addr, bool private, struct futex_key *key);
/* Wait for w's key and bitset with wq, from now on; until it is taken off again. */
void futex_queue(struct futex_waiter *w, struct waitqueue *wq);
/* Off again: had somebody woken it? */
bool futex_unqueue(struct futex_waiter *w);
/* Does anybody wait for this word? */
bool futex_waited(const struct futex_key *key);
/*
 * Take off up to *left who wait for key and whom give takes over; each is counted down. 0, or what
 * else give said. The bucket is locked around give.
 */
int futex_give(const struct futex_key *key, int *left,
	       int (*give)(struct futex_waiter *w, void *arg), void *arg);
static inline bool futex_woken(const struct futex_waiter *w)
{
	return __atomic_load_n(&w->woken, __ATOMIC_ACQUIRE);
}
/* Does the word have the value? 0, -EAGAIN, -EFAULT. May sleep. */
int futex_expect(uaddr_t addr, uint32_t value);

/* Until when somebody waits. */
struct futex_timeout {
	uint64_t ns;		/* of time_ns(), UINT64_MAX for ever; or, wall, of CLOCK_REALTIME */
	bool wall;
	struct wall_alarm alarm; /* of a wait under way, if wall */
};
/* What stands at utime (0: for ever). 0, -EFAULT, -EINVAL. May sleep. */
int futex_timeout_get(uaddr_t utime, bool relative, bool realtime, struct futex_timeout *t);
/* Around a wait at wq that also ends when futex_timeout_over, or at the deadline. May sleep. */
void futex_timeout_begin(struct futex_timeout *t, struct waitqueue *wq);
/* err, or -ETIMEDOUT. */
int futex_timeout_end(struct futex_timeout *t, int err);
static inline uint64_t futex_timeout_deadline(const struct futex_timeout *t)
{
	return t->wall ? UINT64_MAX : t->ns;
}
static inline bool futex_timeout_over(const struct futex_timeout *t)
{
	return t->wall && wall_alarm_over(&t->alarm);
}

/*
 * Sleep while the word has the value, until somebody wakes it for one of bits. 0, -EAGAIN,
 * -ETIMEDOUT, -ERESTARTSYS, -EFAULT, -EINVAL.
 */
int futex_wait(uaddr_t addr, bool private, uint32_t value, struct futex_timeout *t, uint32_t bits);
/* Wake up to n who wait for one of bits: how many, -EINVAL, -EFAULT. May sleep. */
long futex_wake(uaddr_t addr, bool private, int n, uint32_t bits);
/*
 * Wake nwake of those who wait for addr, and have nmove more wait for addr2: how many in all;
 * -EAGAIN if the first word is not as expected (NULL: as it likes), -EINVAL, -EFAULT.
 */
long futex_requeue(uaddr_t addr, uaddr_t addr2, bool private, int nwake, int nmove,
		   const uint32_t *expected);

/* --- futexpi.c: locks that lend priority; the operations as futex(2) says. All may sleep --- */

long futex_lock_pi(uaddr_t addr, bool private, struct futex_timeout *t, bool try);
long futex_unlock_pi(uaddr_t addr, bool private);
long futex_wait_requeue_pi(uaddr_t addr, uaddr_t addr2, bool private, uint32_t value,
			   struct futex_timeout *t);
/* Those who wait for addr have, or wait for, the lock at addr2: one and n more. */
long futex_requeue_pi(uaddr_t addr, uaddr_t addr2, bool private, int n, uint32_t expected);
/* Does anybody wait for such a lock there? */
bool futex_pi_waited(const struct futex_key *key);
/* t, which is running, ends or its program does: what it owns is the next one's. */
void futex_pi_leave(struct thread *t);
/* Its next program may own such locks again. */
void futex_pi_return(struct thread *t);
/* t's priority was set: who it waits for has it too. */
void futex_pi_adjust(struct thread *t);
void futex_pi_init(void);
