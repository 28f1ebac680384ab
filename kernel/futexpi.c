/*
 * Locks that lend priority (futex(2), FUTEX_LOCK_PI).
 *
 * Such a lock's word has its owner's tid, and FUTEX_WAITERS when the kernel has to be asked to
 * unlock it. While threads wait for one there is a struct pi_lock, which its owner holds: a waiter
 * is in one lock's queue, a lock in one owner's list, so from a waiter a chain leads to who keeps
 * it from running. Every owner has at least the priority of the most urgent of those who wait for
 * what it holds (sched_lend); only that of SCHED_FIFO and SCHED_RR is lent, as in Linux.
 *
 * pi_guard guards all of it, the words included as far as this file changes them. A word that is
 * not in memory then is brought in without it, and all begins anew (RETRY).
 */
#include "kernel/futex.h"
#include "kernel/mem/slab.h"
#include "kernel/sched.h"
#include "kernel/uapi/futex.h"
#include "lib/hash.h"
#include "mm/usercopy.h"

#define CHAIN_MAX 1024 /* owners that wait for owners */
#define RETRY	  2
#define WAIT_ON	  3 /* the lock is neither one's own nor to be inherited any more */
#define LOCK_BITS 6

struct pi_lock {
	struct list_head link;	  /* in locks[] */
	struct futex_key key;
	struct thread *owner;	  /* NULL: it died, the first waiter takes the lock */
	struct list_head held;	  /* in owner->pi.held */
	struct list_head waiters; /* never empty; the most urgent first, then the longest there */
};

struct pi_waiter {
	struct list_head link;
	struct pi_lock *lock;	/* it waits for; NULL: for none yet, or any more */
	struct futex_key key;	/* of the lock */
	struct thread *thread;
	uint32_t priority;	/* by which it stands in the queue */
	bool granted;		/* the lock is its thread's */
	struct waitqueue wq;
};

static struct spinlock pi_guard = SPINLOCK_INIT("pi", RANK_PI);
static struct list_head locks[1 << LOCK_BITS];
static uint32_t lock_count;

void futex_pi_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(locks); i++)
		list_init(&locks[i]);
}

/* --- locks, those who wait, and what these lend; pi_guard is held --- */

static struct list_head *locks_of(const struct futex_key *k)
{
	return &locks[hash_u64(hash_mix(k->object, k->offset), LOCK_BITS)];
}

static struct pi_lock *lock_find(const struct futex_key *key)
{
	struct pi_lock *l;

	list_for_each_entry(l, locks_of(key), link)
		if (futex_key_equal(&l->key, key))
			return l;
	return NULL;
}

static struct pi_waiter *first_waiter(const struct pi_lock *l)
{
	return list_first_entry(&l->waiters, struct pi_waiter, link);
}

static void lock_set_owner(struct pi_lock *l, struct thread *t)
{
	if (l->owner)
		list_del(&l->held);
	l->owner = t;
	if (t)
		list_add_tail(&l->held, &t->pi.held);
}

/* Where its thread's priority puts it. */
static void waiter_insert(struct pi_lock *l, struct pi_waiter *w)
{
	struct pi_waiter *other;

	w->priority = class_priority(&w->thread->class);
	/* Most often behind all. */
	if (list_empty(&l->waiters) ||
	    list_entry(l->waiters.prev, struct pi_waiter, link)->priority >= w->priority) {
		list_add_tail(&w->link, &l->waiters);
		return;
	}
	list_for_each_entry(other, &l->waiters, link)
		if (other->priority < w->priority)
			break;
	list_add_tail(&w->link, &other->link);
}

static void waiter_adjust(struct pi_waiter *w)
{
	if (w->priority == class_priority(&w->thread->class))
		return;
	list_del(&w->link);
	waiter_insert(w->lock, w);
	/* Who is first now inherits it, and may sleep. */
	if (!w->lock->owner)
		wake_all(&first_waiter(w->lock)->wq);
}

/* t is lent what those have who wait for its locks, and lends it on. NULL: nothing. */
static void lend(struct thread *t)
{
	while (t) {
		struct pi_lock *l;
		uint32_t best = 0;

		list_for_each_entry(l, &t->pi.held, held)
			best = MAX(best, first_waiter(l)->priority);
		if (best == t->class.lent)
			return;
		sched_lend(t, (uint8_t)best);
		if (!t->pi.waits)
			return;
		waiter_adjust(t->pi.waits);
		t = t->pi.waits->lock->owner;
	}
}

static void waiter_join(struct pi_lock *l, struct pi_waiter *w)
{
	w->lock = l;
	w->thread->pi.waits = w;
	waiter_insert(l, w);
	lend(l->owner);
}

/* w waits no more. The lock is gone if it was the last. */
static void waiter_leave(struct pi_waiter *w)
{
	struct pi_lock *l = w->lock;
	struct thread *owner = l->owner;

	list_del(&w->link);
	w->lock = NULL;
	w->thread->pi.waits = NULL;
	if (list_empty(&l->waiters)) {
		lock_set_owner(l, NULL);
		list_del(&l->link);
		lock_count--;
		kfree(l);
	} else if (!owner) {
		wake_all(&first_waiter(l)->wq);
	}
	lend(owner);
}

/* The lock is w's thread's. */
static void waiter_take(struct pi_waiter *w)
{
	struct thread *was = w->lock->owner;

	lock_set_owner(w->lock, w->thread);
	waiter_leave(w);
	lend(was);
	w->granted = true;
}

/* Does t, or the owner of what it waits for, and so on, wait for who? Very long chains: yes. */
static bool waits_for(const struct thread *t, const struct thread *who)
{
	for (int n = 0; t; t = t->pi.waits ? t->pi.waits->lock->owner : NULL)
		if (t == who || n++ == CHAIN_MAX)
			return true;
	return false;
}

void futex_pi_adjust(struct thread *t)
{
	spin_lock(&pi_guard);
	if (t->pi.waits) {
		waiter_adjust(t->pi.waits);
		lend(t->pi.waits->lock->owner);
	}
	spin_unlock(&pi_guard);
}

void futex_pi_leave(struct thread *t)
{
	struct pi_lock *l, *next;

	spin_lock(&pi_guard);
	t->pi.gone = true;
	list_for_each_entry_safe(l, next, &t->pi.held, held) {
		lock_set_owner(l, NULL);
		wake_all(&first_waiter(l)->wq);
	}
	lend(t);
	spin_unlock(&pi_guard);
}

void futex_pi_return(struct thread *t)
{
	spin_lock(&pi_guard);
	t->pi.gone = false;
	spin_unlock(&pi_guard);
}

bool futex_pi_waited(const struct futex_key *key)
{
	bool found;

	if (!__atomic_load_n(&lock_count, __ATOMIC_RELAXED))
		return false;
	spin_lock(&pi_guard);
	found = lock_find(key) != NULL;
	spin_unlock(&pi_guard);
	return found;
}

/* --- the word --- */

static int word_read(uaddr_t word, uint32_t *value)
{
	return copy_from_user_nofault(value, word, sizeof(*value)) ? RETRY : 0;
}

/* 0, or RETRY: it is not what it was, or not in memory. */
static int word_change(uaddr_t word, uint32_t is, uint32_t to)
{
	uint32_t seen;
	int err;

	current()->nofault++;
	err = cmpxchg_user_u32(word, is, to, &seen);
	current()->nofault--;
	return err || seen != is ? RETRY : 0;
}

/* Before the next try. */
static int word_fault_in(uaddr_t word)
{
	return user_fault_in(word, sizeof(uint32_t), true);
}

/* Do the lock that is waited for and its word agree? */
static bool lock_agrees(const struct pi_lock *l, uint32_t value)
{
	uint32_t tid = value & FUTEX_TID_MASK;

	/* Marked by the robust list: the owner is about to leave it, or somebody to take it. */
	if ((value & FUTEX_OWNER_DIED) && !tid)
		return true;
	return l->owner && tid == (uint32_t)l->owner->tid;
}

/* --- taking a lock --- */

/* What has to be found out and allocated before pi_guard is taken. */
struct attempt {
	struct pi_waiter *w;
	uaddr_t word;
	uint32_t tid;	       /* what stood in the word */
	struct thread *owner;  /* NULL: there is none */
	struct pi_lock *spare; /* NULL once it is used */
};

static int attempt_begin(struct attempt *a)
{
	uint32_t value;

	if (get_user_u32(&value, a->word))
		return -EFAULT;
	a->spare = kzalloc(sizeof(*a->spare));
	if (!a->spare)
		return -ENOMEM;
	a->tid = value & FUTEX_TID_MASK;
	a->owner = a->tid ? thread_find((pid_t)a->tid) : NULL;
	return 0;
}

static void attempt_end(struct attempt *a)
{
	if (a->owner)
		thread_unfind(a->owner);
	kfree(a->spare);
}

static struct pi_lock *lock_create(struct attempt *a)
{
	struct pi_lock *l = a->spare;

	a->spare = NULL;
	l->key = a->w->key;
	list_init(&l->waiters);
	lock_set_owner(l, a->owner);
	list_add_tail(&l->link, locks_of(&l->key));
	lock_count++;
	return l;
}

/*
 * 1: the lock is the thread's, and its word has those bits; 0: it waits, or try and it would; or
 * -errno, RETRY. pi_guard is held.
 */
static int attempt(struct attempt *a, bool try, uint32_t bits)
{
	struct pi_waiter *w = a->w;
	struct pi_lock *l = lock_find(&w->key);
	struct thread *owner = l ? l->owner : a->owner;
	uint32_t value, tid;

	if (word_read(a->word, &value))
		return RETRY;
	tid = value & FUTEX_TID_MASK;
	if (tid == (uint32_t)w->thread->tid)
		return -EDEADLK;
	if (l && !lock_agrees(l, value))
		return -EINVAL;
	if (!l && !tid)
		return word_change(a->word, value, (value & FUTEX_OWNER_DIED) |
				   (uint32_t)w->thread->tid | bits) ? RETRY : 1;
	if (!l && tid != a->tid)
		return RETRY;
	if (!(value & FUTEX_WAITERS) && word_change(a->word, value, value | FUTEX_WAITERS))
		return RETRY;
	if (!l && (!owner || owner->pi.gone))
		return -ESRCH;
	if (try)
		return 0;
	if (waits_for(owner, w->thread))
		return -EDEADLK;
	if (!l && !a->spare)
		return RETRY;
	waiter_join(l ? l : lock_create(a), w);
	return 0;
}

static int attempt_run(struct attempt *a, bool try)
{
	int ret;

	do {
		ret = attempt_begin(a);
		if (ret)
			return ret;
		spin_lock(&pi_guard);
		ret = attempt(a, try, 0);
		spin_unlock(&pi_guard);
		attempt_end(a);
		if (ret == RETRY && word_fault_in(a->word))
			return -EFAULT;
	} while (ret == RETRY);
	return ret;
}

/* --- waiting for it --- */

static bool inherits(const struct pi_waiter *w)
{
	return w->lock && !w->lock->owner && first_waiter(w->lock) == w;
}

static bool waiter_ready(struct pi_waiter *w)
{
	bool ready;

	spin_lock(&pi_guard);
	ready = w->granted || inherits(w);
	spin_unlock(&pi_guard);
	return ready;
}

/* Its owner died. 0 or RETRY. */
static int inherit(struct pi_waiter *w, uaddr_t word)
{
	uint32_t value;

	if (word_read(word, &value) ||
	    word_change(word, value, FUTEX_WAITERS | FUTEX_OWNER_DIED | (uint32_t)w->thread->tid))
		return RETRY;
	waiter_take(w);
	return 0;
}

/* The wait ended with err: 0, the lock is the thread's; WAIT_ON; or -errno, it is not. */
static int wait_over(struct pi_waiter *w, uaddr_t word, int err)
{
	bool lost = false;
	int ret;

	for (;;) {
		spin_lock(&pi_guard);
		if (w->granted)
			ret = 0;
		else if (inherits(w) && !lost)
			ret = inherit(w, word);
		else
			ret = lost ? -EFAULT : err ? err : WAIT_ON;
		if (ret < 0)
			waiter_leave(w);
		spin_unlock(&pi_guard);
		if (ret != RETRY)
			return ret;
		lost = word_fault_in(word) != 0;
	}
}

static void waiter_init(struct pi_waiter *w)
{
	*w = (struct pi_waiter){.thread = current()};
	waitqueue_init(&w->wq);
}

static int wait_for_lock(struct pi_waiter *w, struct futex_timeout *t)
{
	int err;

	futex_timeout_begin(t, &w->wq);
	err = wait_event_deadline(&w->wq, waiter_ready(w) || futex_timeout_over(t),
				  WAIT_INTERRUPTIBLE, futex_timeout_deadline(t));
	return futex_timeout_end(t, err);
}

/* As wait_over, but it waits on if it has to. */
static int lock_await(struct pi_waiter *w, uaddr_t word, struct futex_timeout *t, int err)
{
	while ((err = wait_over(w, word, err)) == WAIT_ON)
		err = wait_for_lock(w, t);
	return err;
}

long futex_lock_pi(uaddr_t addr, bool private, struct futex_timeout *t, bool try)
{
	struct pi_waiter w;
	struct attempt a = {.w = &w, .word = addr};
	int ret;

	waiter_init(&w);
	ret = futex_key_of(addr, private, &w.key);
	if (!ret && futex_waited(&w.key))
		ret = -EINVAL;
	if (ret)
		return ret;
	ret = attempt_run(&a, try);
	if (ret)
		return MIN(ret, 0);
	if (try)
		return -EAGAIN;
	ret = lock_await(&w, addr, t, wait_for_lock(&w, t));
	/* The timeout is a time, so it may begin anew after any handler. */
	return ret == -ERESTARTSYS ? -ERESTARTNOINTR : ret;
}

/* The lock of key is its first waiter's. 0, -EPERM, -EINVAL; RETRY. pi_guard is held. */
static int unlock(const struct futex_key *key, uaddr_t word)
{
	struct pi_lock *l = lock_find(key);
	struct pi_waiter *w;
	uint32_t value;

	if (word_read(word, &value))
		return RETRY;
	if ((value & FUTEX_TID_MASK) != (uint32_t)current()->tid)
		return -EPERM;
	if (!l)
		return word_change(word, value, 0);
	if (l->owner != current())
		return -EINVAL;
	w = first_waiter(l);
	if (word_change(word, value, FUTEX_WAITERS | (uint32_t)w->thread->tid))
		return RETRY;
	waiter_take(w);
	wake_all(&w->wq);
	return 0;
}

long futex_unlock_pi(uaddr_t addr, bool private)
{
	struct futex_key key;
	uint32_t value;
	int ret;

	if (get_user_u32(&value, addr))
		return -EFAULT;
	if ((value & FUTEX_TID_MASK) != (uint32_t)current()->tid)
		return -EPERM;
	ret = futex_key_of(addr, private, &key);
	if (!ret && futex_waited(&key))
		ret = -EINVAL;
	if (ret)
		return ret;
	for (;;) {
		spin_lock(&pi_guard);
		ret = unlock(&key, addr);
		spin_unlock(&pi_guard);
		if (ret != RETRY)
			return ret;
		if (word_fault_in(addr))
			return -EFAULT;
	}
}

/* --- waiting for something else first --- */

/* Two words that are different ones. */
static int two_keys(uaddr_t addr, uaddr_t addr2, bool private, struct futex_key *k1,
		    struct futex_key *k2)
{
	int err = futex_key_of(addr, private, k1);

	if (!err)
		err = futex_key_of(addr2, private, k2);
	return !err && futex_key_equal(k1, k2) ? -EINVAL : err;
}

long futex_wait_requeue_pi(uaddr_t addr, uaddr_t addr2, bool private, uint32_t value,
			   struct futex_timeout *t)
{
	struct pi_waiter pw;
	struct futex_waiter w = {.bitset = FUTEX_BITSET_ANY, .pi = &pw};
	int ret;

	waiter_init(&pw);
	ret = two_keys(addr, addr2, private, &w.key, &pw.key);
	if (ret)
		return ret;
	futex_queue(&w, &pw.wq);
	ret = futex_expect(addr, value);
	if (!ret)
		ret = wait_for_lock(&pw, t);
	if (!futex_unqueue(&w))
		return ret == -ERESTARTSYS ? -ERESTARTNOINTR : ret;
	ret = lock_await(&pw, addr2, t, ret);
	/* It does not wait for the first word any more: the caller has to see to itself. */
	return ret == -ERESTARTSYS ? -EAGAIN : ret;
}

struct requeue {
	struct attempt a;
	struct futex_key key; /* of the lock */
	uaddr_t word;	      /* the first, */
	uint32_t expected;    /* and what it is before the first is moved */
	bool moved;
	bool more;	      /* than one may be moved */
};

/* Of futex_give; pi_guard is held. */
static int requeue_one_locked(struct futex_waiter *w, struct requeue *r)
{
	uint32_t value;
	int ret;

	if (!w->pi || !futex_key_equal(&w->pi->key, &r->key))
		return -EINVAL;
	if (!r->moved && word_read(r->word, &value))
		return RETRY;
	if (!r->moved && value != r->expected)
		return -EAGAIN;
	r->a.w = w->pi;
	ret = attempt(&r->a, false, r->more ? FUTEX_WAITERS : 0);
	if (ret != 0 && ret != 1)
		return ret;
	r->moved = true;
	if (ret == 1) {
		w->pi->granted = true;
		wake_all(&w->pi->wq);
	}
	return 0;
}

static int requeue_one(struct futex_waiter *w, void *arg)
{
	int ret;

	spin_lock(&pi_guard);
	ret = requeue_one_locked(w, arg);
	spin_unlock(&pi_guard);
	return ret;
}

long futex_requeue_pi(uaddr_t addr, uaddr_t addr2, bool private, int n, uint32_t expected)
{
	struct requeue r = {.a.word = addr2, .word = addr, .expected = expected, .more = n > 0};
	int left = MIN(n, 0x7ffffffe) + 1, all = left, ret;
	struct futex_key key;

	if (n < 0)
		return -EINVAL;
	ret = two_keys(addr, addr2, private, &key, &r.key);
	if (!ret)
		ret = futex_expect(addr, expected);
	if (ret)
		return ret;
	do {
		ret = attempt_begin(&r.a);
		if (ret)
			return ret;
		ret = futex_give(&key, &left, requeue_one, &r);
		attempt_end(&r.a);
		if (ret == RETRY && (word_fault_in(addr2) || user_fault_in(addr, 4, false)))
			return -EFAULT;
	} while (ret == RETRY);
	return ret ? ret : all - left;
}
