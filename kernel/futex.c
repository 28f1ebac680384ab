/*
 * futex(2): sleeping until a word in user memory is changed. Its successors are in futex2.c, locks
 * that lend priority in futexpi.c.
 *
 * Waiters hang in hash buckets by the word's key. A waiter checks the word's value after it has
 * queued itself, a waker changes the word before it looks into the bucket, so none is missed.
 */
#include "kernel/futex.h"

#include "kernel/panic.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uapi/futex.h"
#include "kernel/uapi/time.h"
#include "lib/hash.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_LOCK_PI 6
#define FUTEX_UNLOCK_PI 7
#define FUTEX_TRYLOCK_PI 8
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_WAIT_REQUEUE_PI 11
#define FUTEX_CMP_REQUEUE_PI 12
#define FUTEX_LOCK_PI2 13
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256

/* How a wait that goes on after a stop was asked for. */
#define WAIT_PRIVATE 1
#define WAIT_WALL 2

#define ROBUST_LIMIT 2048

#define BUCKET_BITS 8
#define BUCKETS     (1 << BUCKET_BITS)

static struct futex_bucket {
	struct spinlock lock; /* RANK_FUTEX, two by address */
	struct list_head waiters;
} buckets[BUCKETS];

void futex_init(void)
{
	for (int i = 0; i < BUCKETS; i++) {
		spin_init(&buckets[i].lock, "futex", RANK_FUTEX);
		list_init(&buckets[i].waiters);
	}
	futex_pi_init();
}

static struct futex_bucket *bucket_of(const struct futex_key *k)
{
	return &buckets[hash_u64(hash_mix(k->object, k->offset), BUCKET_BITS)];
}

/* Where processes meet: the object that is mapped there, if it is shared. May sleep. */
static int shared_key(struct aspace *as, uaddr_t addr, struct futex_key *key)
{
	const struct vma *v;

	rwlock_read(&as->lock);
	v = vma_at(&as->areas, addr);
	if (v && v->object && !vma_private(v)) {
		key->object = (uint64_t)v->object;
		key->offset = (vma_index(v, addr) << PAGE_SHIFT) | (addr & (PAGE_SIZE - 1));
	}
	rwlock_read_unlock(&as->lock);
	return v ? 0 : -EFAULT;
}

int futex_key_of(uaddr_t addr, bool private, struct futex_key *key)
{
	if (addr & 3)
		return -EINVAL;
	if (addr >= USER_TOP)
		return -EFAULT;
	*key = (struct futex_key){(uint64_t)current()->aspace, addr};
	return private ? 0 : shared_key(current()->aspace, addr, key);
}

static void take_off(struct futex_waiter *w)
{
	list_del(&w->link);
	__atomic_store_n(&w->woken, true, __ATOMIC_RELEASE);
	wake_all(w->wq);
}

/*
 * Wake up to n waiters on key whose bitset meets bits: how many; -EINVAL for one who may only be
 * requeued. Bucket locked.
 */
static int wake_locked(struct futex_bucket *b, const struct futex_key *key, int n, uint32_t bits)
{
	struct futex_waiter *w, *next;
	int woken = 0;

	list_for_each_entry_safe(w, next, &b->waiters, link) {
		if (woken >= n)
			break;
		if (!futex_key_equal(&w->key, key))
			continue;
		if (w->pi)
			return -EINVAL;
		if (!(w->bitset & bits))
			continue;
		take_off(w);
		woken++;
	}
	return woken;
}

long futex_wake(uaddr_t addr, bool private, int n, uint32_t bits)
{
	struct futex_bucket *b;
	struct futex_key key;
	int err;

	if (!bits)
		return -EINVAL;
	err = futex_key_of(addr, private, &key);
	if (err)
		return err;
	if (futex_pi_waited(&key))
		return -EINVAL;
	b = bucket_of(&key);
	spin_lock(&b->lock);
	err = wake_locked(b, &key, n, bits);
	spin_unlock(&b->lock);
	return err;
}

/* Lock the bucket a waiter hangs in, which requeue may change meanwhile. */
static struct futex_bucket *lock_waiter(struct futex_waiter *w)
{
	struct futex_bucket *b;

	for (;;) {
		b = __atomic_load_n(&w->bucket, __ATOMIC_ACQUIRE);
		spin_lock(&b->lock);
		if (b == w->bucket)
			return b;
		spin_unlock(&b->lock);
	}
}

void futex_queue(struct futex_waiter *w, struct waitqueue *wq)
{
	struct futex_bucket *b = bucket_of(&w->key);

	w->wq = wq;
	w->bucket = b;
	w->woken = false;
	spin_lock(&b->lock);
	list_add_tail(&w->link, &b->waiters);
	spin_unlock(&b->lock);
}

bool futex_unqueue(struct futex_waiter *w)
{
	struct futex_bucket *b = lock_waiter(w);
	bool woken = w->woken;

	if (!woken)
		list_del(&w->link);
	spin_unlock(&b->lock);
	return woken;
}

bool futex_waited(const struct futex_key *key)
{
	struct futex_bucket *b = bucket_of(key);
	struct futex_waiter *w;
	bool found = false;

	spin_lock(&b->lock);
	list_for_each_entry(w, &b->waiters, link)
		found |= futex_key_equal(&w->key, key);
	spin_unlock(&b->lock);
	return found;
}

int futex_give(const struct futex_key *key, int *left,
	       int (*give)(struct futex_waiter *w, void *arg), void *arg)
{
	struct futex_bucket *b = bucket_of(key);
	struct futex_waiter *w, *next;
	int ret = 0;

	spin_lock(&b->lock);
	list_for_each_entry_safe(w, next, &b->waiters, link) {
		if (!*left || ret)
			break;
		if (!futex_key_equal(&w->key, key))
			continue;
		ret = give(w, arg);
		if (ret)
			break;
		list_del(&w->link);
		__atomic_store_n(&w->woken, true, __ATOMIC_RELEASE);
		--*left;
	}
	spin_unlock(&b->lock);
	return ret;
}

int futex_expect(uaddr_t addr, uint32_t value)
{
	uint32_t now;
	int err = get_user_u32(&now, addr);

	return !err && now != value ? -EAGAIN : err;
}

void futex_timeout_begin(struct futex_timeout *t, struct waitqueue *wq)
{
	if (t->wall)
		wall_alarm_set(&t->alarm, CLOCK_REALTIME, t->ns, wq);
}

int futex_timeout_end(struct futex_timeout *t, int err)
{
	if (!t->wall)
		return err;
	wall_alarm_cancel(&t->alarm);
	return !err && futex_timeout_over(t) ? -ETIMEDOUT : err;
}

int futex_wait(uaddr_t addr, bool private, uint32_t value, struct futex_timeout *t, uint32_t bits)
{
	struct futex_waiter w = {.bitset = bits};
	struct waitqueue wq;
	int err;

	if (!bits)
		return -EINVAL;
	err = futex_key_of(addr, private, &w.key);
	if (err)
		return err;
	waitqueue_init(&wq);
	futex_queue(&w, &wq);
	err = futex_expect(addr, value);
	if (!err) {
		futex_timeout_begin(t, &wq);
		err = wait_event_deadline(&wq, futex_woken(&w) || futex_timeout_over(t),
					  WAIT_INTERRUPTIBLE, futex_timeout_deadline(t));
		err = futex_timeout_end(t, err);
	}
	/* Someone counts on having woken us. */
	return futex_unqueue(&w) ? 0 : err;
}

/* A wait with a timeout goes on to its old end after a stop; a handler ends it (futex(2)). */
static long restart_wait(struct restart_block *r)
{
	struct futex_timeout t = {.ns = r->args[3], .wall = r->args[1] & WAIT_WALL};
	long err = futex_wait(r->args[0], r->args[1] & WAIT_PRIVATE, r->args[2], &t, r->args[4]);

	return err == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : err;
}

static long futex_wait_until(uaddr_t addr, bool private, uint32_t value, struct futex_timeout *t,
			     uint32_t bits)
{
	uint64_t how = (private ? WAIT_PRIVATE : 0) | (t->wall ? WAIT_WALL : 0);
	struct restart_block *r = &current()->restart;

	if (t->ns == UINT64_MAX)
		return futex_wait(addr, private, value, t, bits);
	*r = (struct restart_block){restart_wait, {addr, how, value, t->ns, bits}};
	return restart_wait(r);
}

static void lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	if (a > b) {
		struct futex_bucket *t = a;

		a = b;
		b = t;
	}
	spin_lock(&a->lock);
	if (a != b)
		spin_lock(&b->lock);
}

static void unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

static int move_locked(struct futex_bucket *from, const struct futex_key *k1,
		       struct futex_bucket *to, const struct futex_key *k2, int n)
{
	struct futex_waiter *w, *next;
	int moved = 0;

	list_for_each_entry_safe(w, next, &from->waiters, link) {
		if (moved >= n)
			break;
		if (!futex_key_equal(&w->key, k1))
			continue;
		if (w->pi)
			return -EINVAL;
		/* Within one list it stays where it is: the walk would meet it again. */
		if (from != to)
			list_move_tail(&w->link, &to->waiters);
		w->key = *k2;
		__atomic_store_n(&w->bucket, to, __ATOMIC_RELEASE);
		moved++;
	}
	return moved;
}

long futex_requeue(uaddr_t addr, uaddr_t addr2, bool private, int nwake, int nmove,
		   const uint32_t *expected)
{
	struct futex_key k1, k2;
	struct futex_bucket *from, *to;
	uint32_t now;
	int err, woken, moved = 0;

	if (nwake < 0 || nmove < 0)
		return -EINVAL;
	err = futex_key_of(addr, private, &k1);
	if (!err)
		err = futex_key_of(addr2, private, &k2);
	if (err)
		return err;
	from = bucket_of(&k1);
	to = bucket_of(&k2);
	for (;;) {
		lock_two(from, to);
		if (!expected)
			break;
		if (!copy_from_user_nofault(&now, addr, sizeof(now))) {
			if (now == *expected)
				break;
			unlock_two(from, to);
			return -EAGAIN;
		}
		unlock_two(from, to);
		if (user_fault_in(addr, sizeof(now), false))
			return -EFAULT;
	}
	woken = wake_locked(from, &k1, nwake, FUTEX_BITSET_ANY);
	if (woken >= 0)
		moved = move_locked(from, &k1, to, &k2, nmove);
	unlock_two(from, to);
	return woken < 0 || moved < 0 ? -EINVAL : woken + moved;
}

/* The operation that FUTEX_WAKE_OP applies to the second word. -ENOSYS if there is no such. */
static int apply(uint32_t op, uint32_t old, uint32_t *new)
{
	uint32_t arg = op >> 12 & 0xfff;

	if (op >> 31)
		arg = 1U << (arg & 31);
	switch (op >> 28 & 7) {
	case 0:
		*new = arg;
		return 0;
	case 1:
		*new = old + arg;
		return 0;
	case 2:
		*new = old | arg;
		return 0;
	case 3:
		*new = old & ~arg;
		return 0;
	case 4:
		*new = old ^ arg;
		return 0;
	default:
		return -ENOSYS;
	}
}

static int compare(uint32_t op, int32_t old)
{
	int32_t arg = (int32_t)(op << 20) >> 20;

	switch (op >> 24 & 15) {
	case 0:
		return old == arg;
	case 1:
		return old != arg;
	case 2:
		return old < arg;
	case 3:
		return old <= arg;
	case 4:
		return old > arg;
	case 5:
		return old >= arg;
	default:
		return -ENOSYS;
	}
}

/* futex(2) wakes one even if asked for none. */
static long futex_wake_old(uaddr_t addr, bool private, int n, uint32_t bits)
{
	return futex_wake(addr, private, MAX(n, 1), bits);
}

static long futex_wake_op(uaddr_t addr, uaddr_t addr2, bool private, int n, int n2, uint32_t op)
{
	uint32_t old, seen, new = 0;
	long woken, more;
	int err, hit;

	do {
		err = get_user_u32(&old, addr2);
		if (!err)
			err = apply(op, old, &new);
		if (!err)
			err = cmpxchg_user_u32(addr2, old, new, &seen);
		if (err)
			return err;
	} while (seen != old);
	hit = compare(op, old);
	if (hit < 0)
		return hit;
	woken = futex_wake_old(addr, private, n, FUTEX_BITSET_ANY);
	if (woken < 0 || !hit)
		return woken;
	more = futex_wake_old(addr2, private, n2, FUTEX_BITSET_ANY);
	return more < 0 ? more : woken + more;
}

int futex_timeout_get(uaddr_t utime, bool relative, bool realtime, struct futex_timeout *t)
{
	struct timespec64 ts;

	t->ns = UINT64_MAX;
	t->wall = false;
	if (!utime)
		return 0;
	if (copy_from_user(&ts, utime, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	t->ns = relative ? time_add(time_ns(), timespec_ns(&ts)) : timespec_ns(&ts);
	t->wall = realtime && !relative;
	return 0;
}

SYSCALL6(futex, uaddr_t, addr, int, op, uint32_t, value, uint64_t, arg4, uaddr_t, addr2, uint32_t,
	 value3)
{
	uint32_t cmd = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	bool private = op & FUTEX_PRIVATE_FLAG, realtime = op & FUTEX_CLOCK_REALTIME;
	struct futex_timeout timeout;
	int err;

	if (realtime && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI &&
	    cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT:
		value3 = FUTEX_BITSET_ANY;
		/* fall through */
	case FUTEX_WAIT_BITSET:
		err = futex_timeout_get(arg4, cmd == FUTEX_WAIT, realtime, &timeout);
		return err ? err : futex_wait_until(addr, private, value, &timeout, value3);
	case FUTEX_WAKE:
		return futex_wake_old(addr, private, (int)value, FUTEX_BITSET_ANY);
	case FUTEX_WAKE_BITSET:
		return futex_wake_old(addr, private, (int)value, value3);
	case FUTEX_REQUEUE:
		return futex_requeue(addr, addr2, private, (int)value, (int)arg4, NULL);
	case FUTEX_CMP_REQUEUE:
		return futex_requeue(addr, addr2, private, (int)value, (int)arg4, &value3);
	case FUTEX_WAKE_OP:
		return futex_wake_op(addr, addr2, private, value, (int)arg4, value3);
	case FUTEX_LOCK_PI:
		realtime = true;
		/* fall through */
	case FUTEX_LOCK_PI2:
		err = futex_timeout_get(arg4, false, realtime, &timeout);
		return err ? err : futex_lock_pi(addr, private, &timeout, false);
	case FUTEX_TRYLOCK_PI:
		return futex_lock_pi(addr, private, NULL, true);
	case FUTEX_UNLOCK_PI:
		return futex_unlock_pi(addr, private);
	case FUTEX_WAIT_REQUEUE_PI:
		err = futex_timeout_get(arg4, false, realtime, &timeout);
		return err ? err : futex_wait_requeue_pi(addr, addr2, private, value, &timeout);
	case FUTEX_CMP_REQUEUE_PI:
		if (value != 1)
			return -EINVAL;
		return futex_requeue_pi(addr, addr2, private, (int)arg4, value3);
	default:
		return -ENOSYS;
	}
}

int futex_wake_addr(uaddr_t addr, int count)
{
	/* The waiter (pthread_join) may have used either form. */
	return futex_wake(addr, false, count, FUTEX_BITSET_ANY) +
	       futex_wake(addr, true, count, FUTEX_BITSET_ANY);
}

SYSCALL2(set_robust_list, uaddr_t, head, size_t, size)
{
	if (size != 24)
		return -EINVAL;
	current()->robust_list = head;
	return 0;
}

SYSCALL3(get_robust_list, pid_t, tid, uaddr_t, head, uaddr_t, size)
{
	struct thread *t = thread_find(tid ? tid : current()->tid);
	const struct cred *me = current()->cred, *c;
	uaddr_t list;
	bool ok;

	if (!t)
		return -ESRCH;
	list = t->robust_list;
	c = cred_of(t->process);
	ok = t->process == current()->process || me->euid == c->uid ||
	     cred_has(me, CAP_SYS_PTRACE);
	cred_put(c);
	thread_unfind(t);
	if (!ok)
		return -EPERM;
	if (put_user_u64(size, 24) || put_user_u64(head, list))
		return -EFAULT;
	return 0;
}

/* A lock whose owner died: mark it and wake one that waits for it. */
static void robust_one(struct thread *t, uaddr_t word, bool pending)
{
	uint32_t value, seen, new;

	do {
		if ((word & 3) || get_user_u32(&value, word))
			return;
		if ((value & FUTEX_TID_MASK) != (uint32_t)t->tid) {
			/* It was released just before death, the wake-up perhaps not sent. */
			if (pending && !value)
				futex_wake_addr(word, 1);
			return;
		}
		new = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
		if (cmpxchg_user_u32(word, value, new, &seen))
			return;
	} while (seen != value);
	if (value & FUTEX_WAITERS)
		futex_wake_addr(word, 1);
}

void futex_exit_robust(struct thread *t)
{
	uaddr_t head = t->robust_list, entry, pending;
	uint64_t offset;

	t->robust_list = 0;
	if (!head || get_user_u64(&entry, head) || get_user_u64(&offset, head + 8) ||
	    get_user_u64(&pending, head + 16))
		return;
	/* The list is the program's: it may be a loop or garbage. */
	for (int i = 0; i < ROBUST_LIMIT && (entry & ~1UL) != head; i++) {
		uaddr_t next;
		bool bad = get_user_u64(&next, entry & ~1UL);

		if (entry != pending)
			robust_one(t, (entry & ~1UL) + offset, false);
		if (bad)
			break;
		entry = next;
	}
	if (pending)
		robust_one(t, (pending & ~1UL) + offset, true);
}
