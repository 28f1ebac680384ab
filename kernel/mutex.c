/*
 * Sleeping locks.
 */
#include "kernel/mutex.h"

#include "kernel/panic.h"
#include "kernel/thread.h"

void mutex_init(struct mutex *m, const char *name, enum lock_rank rank)
{
	m->owner = NULL;
	waitqueue_init(&m->wait);
#if DEBUG
	m->rank = rank;
	m->name = name;
#else
	(void)name;
	(void)rank;
#endif
}

static inline bool try_take(struct mutex *m)
{
	struct thread *none = NULL;

	return __atomic_compare_exchange_n((struct thread **)&m->owner, &none, current(), false,
					   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static __slow void mutex_wait(struct mutex *m)
{
	current()->hart->lock_sleeps++;
	wait_event(&m->wait, try_take(m), WAIT_UNINTERRUPTIBLE);
}

void mutex_lock(struct mutex *m)
{
	lockrank_assert_may_sleep();
#if DEBUG
	lockrank_acquire(m, m->rank, m->name);
#endif
	if (unlikely(!try_take(m)))
		mutex_wait(m);
}

int mutex_lock_killable(struct mutex *m)
{
	int err;

	lockrank_assert_may_sleep();
	err = try_take(m) ? 0 : wait_event(&m->wait, try_take(m), WAIT_KILLABLE);
	if (err)
		return -EINTR;
#if DEBUG
	lockrank_acquire(m, m->rank, m->name);
#endif
	return 0;
}

bool mutex_trylock(struct mutex *m)
{
	if (!try_take(m))
		return false;
#if DEBUG
	/* A try cannot deadlock, so its order is free; what is taken under it is checked. */
	lockrank_acquire_try(m, m->rank, m->name);
#endif
	return true;
}

void mutex_unlock(struct mutex *m)
{
	assert(m->owner == current());
#if DEBUG
	lockrank_release(m);
#endif
	__atomic_store_n((struct thread **)&m->owner, NULL, __ATOMIC_RELEASE);
	wake_one(&m->wait);
}

bool mutex_held(const struct mutex *m)
{
	return __atomic_load_n((struct thread **)&m->owner, __ATOMIC_RELAXED) == current();
}

void rwlock_init(struct rwlock *l, const char *name, enum lock_rank rank)
{
	l->state = 0;
	l->writers_waiting = 0;
	waitqueue_init(&l->wait);
#if DEBUG
	l->rank = rank;
	l->name = name;
	l->writer = NULL;
#else
	(void)name;
	(void)rank;
#endif
}

/* state counts readers, or is -1 with a writer inside. */
static inline bool try_read(struct rwlock *l)
{
	int32_t s = __atomic_load_n(&l->state, __ATOMIC_RELAXED);

	if (__atomic_load_n(&l->writers_waiting, __ATOMIC_RELAXED))
		return false;
	while (s >= 0)
		if (__atomic_compare_exchange_n(&l->state, &s, s + 1, true, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static inline bool try_write(struct rwlock *l)
{
	int32_t none = 0;

	return __atomic_compare_exchange_n(&l->state, &none, -1, false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void note_write(struct rwlock *l)
{
#if DEBUG
	l->writer = current();
#else
	(void)l;
#endif
}

static __slow void read_wait(struct rwlock *l)
{
	current()->hart->lock_sleeps++;
	wait_event(&l->wait, try_read(l), WAIT_UNINTERRUPTIBLE);
}

static __slow void write_wait(struct rwlock *l)
{
	__atomic_add_fetch(&l->writers_waiting, 1, __ATOMIC_RELAXED);
	current()->hart->lock_sleeps++;
	wait_event(&l->wait, try_write(l), WAIT_UNINTERRUPTIBLE);
	__atomic_sub_fetch(&l->writers_waiting, 1, __ATOMIC_RELAXED);
}

void rwlock_read(struct rwlock *l)
{
	lockrank_assert_may_sleep();
#if DEBUG
	lockrank_acquire(l, l->rank, l->name);
#endif
	if (unlikely(!try_read(l)))
		read_wait(l);
}

bool rwlock_tryread(struct rwlock *l)
{
	if (!try_read(l))
		return false;
#if DEBUG
	lockrank_acquire_try(l, l->rank, l->name);
#endif
	return true;
}

void rwlock_read_unlock(struct rwlock *l)
{
#if DEBUG
	assert(l->state > 0);
	lockrank_release(l);
#endif
	if (__atomic_sub_fetch(&l->state, 1, __ATOMIC_RELEASE) == 0)
		wake_all(&l->wait);
}

void rwlock_write(struct rwlock *l)
{
	lockrank_assert_may_sleep();
#if DEBUG
	lockrank_acquire(l, l->rank, l->name);
#endif
	if (unlikely(!try_write(l)))
		write_wait(l);
	note_write(l);
}

bool rwlock_trywrite(struct rwlock *l)
{
	if (!try_write(l))
		return false;
#if DEBUG
	lockrank_acquire_try(l, l->rank, l->name);
#endif
	note_write(l);
	return true;
}

void rwlock_write_unlock(struct rwlock *l)
{
#if DEBUG
	assert(l->state == -1 && l->writer == current());
	l->writer = NULL;
	lockrank_release(l);
#endif
	__atomic_store_n(&l->state, 0, __ATOMIC_RELEASE);
	wake_all(&l->wait);
}

void rwlock_downgrade(struct rwlock *l)
{
	assert(l->state == -1);
#if DEBUG
	l->writer = NULL;
#endif
	__atomic_store_n(&l->state, 1, __ATOMIC_RELEASE);
	wake_all(&l->wait);
}

bool rwlock_held(const struct rwlock *l)
{
	return __atomic_load_n(&l->state, __ATOMIC_RELAXED) != 0;
}

bool rwlock_held_write(const struct rwlock *l)
{
	return __atomic_load_n(&l->state, __ATOMIC_RELAXED) == -1;
}
