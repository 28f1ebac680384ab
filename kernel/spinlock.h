/*
 * Spin locks, for short sections. Holding one disables preemption. A lock that an interrupt
 * handler also takes must be taken with spin_lock_irq everywhere. Whoever comes first when a lock
 * is released gets it: handing it over in turn would stand still whenever the next in line is a
 * virtual hart that its host is not running.
 * No I/O, no allocation that may wait and no faulting user copy while one is held.
 */
#pragma once

#include "kernel/lockrank.h"
#include "kernel/types.h"

struct spinlock {
	uint32_t locked; /* 1 while held */
#if DEBUG
	uint32_t rank; /* enum lock_rank */
	const char *name;
	const void *holder; /* thread that holds it */
#endif
};

#if DEBUG
#define SPINLOCK_INIT(lock_name, lock_rank)                                                        \
	{                                                                                          \
		.rank = (lock_rank), .name = (lock_name)                                           \
	}
#else
#define SPINLOCK_INIT(lock_name, lock_rank)                                                        \
	{                                                                                          \
	}
#endif

void spin_init(struct spinlock *l, const char *name, enum lock_rank rank);
void spin_lock(struct spinlock *l);
bool spin_trylock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
/* The same with this hart's interrupts off; pass what _lock returned to _unlock. */
uint64_t spin_lock_irq(struct spinlock *l) __must_check;
void spin_unlock_irq(struct spinlock *l, uint64_t was);
/*
 * A lock taken by one thread and released by the next (run queues): _give before the switch,
 * _take after it. Nothing in release kernels.
 */
#if DEBUG
void spin_give(struct spinlock *l);
void spin_take(struct spinlock *l);
#else
static inline void spin_give(struct spinlock *l)
{
	(void)l;
}
static inline void spin_take(struct spinlock *l)
{
	(void)l;
}
#endif
/* For assertions: is it held by the running thread (debug), or by anyone (release)? */
bool spin_held(const struct spinlock *l);

/*
 * Rank checking for locks of other shapes (sleeping locks, bit locks in struct frame).
 * Nothing in release kernels.
 */
#if DEBUG
void lockrank_acquire(const void *lock, enum lock_rank rank, const char *name);
/* For a lock got by trying: it cannot deadlock, so any order is fine. */
void lockrank_acquire_try(const void *lock, enum lock_rank rank, const char *name);
void lockrank_release(const void *lock);
/* Panic if the running thread holds a spin lock: called where a thread may sleep. */
void lockrank_assert_may_sleep(void);
#else
static inline void lockrank_acquire(const void *lock, enum lock_rank rank, const char *name)
{
	(void)lock;
	(void)rank;
	(void)name;
}
static inline void lockrank_acquire_try(const void *lock, enum lock_rank rank, const char *name)
{
	(void)lock;
	(void)rank;
	(void)name;
}
static inline void lockrank_release(const void *lock)
{
	(void)lock;
}
static inline void lockrank_assert_may_sleep(void)
{
}
#endif

/* Preemption of the running thread off and on; nests. spin locks do this themselves. */
void preempt_disable(void);
void preempt_enable(void);
