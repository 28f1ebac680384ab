/*
 * Spin locks, for short sections. Holding one disables preemption. A lock that an interrupt
 * handler also takes must be taken with spin_lock_irq everywhere. Whoever comes first when a lock
 * is released gets it: handing it over in turn would stand still whenever the next in line is a
 * virtual hart that its host is not running.
 * No I/O, no allocation that may wait and no faulting user copy while one is held.
 */
#pragma once

#include "kernel/asm.h"
#include "kernel/current.h"
#include "kernel/lockrank.h"
#include "kernel/riscv.h"
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
bool spin_trylock(struct spinlock *l);
/* For assertions: is it held by the running thread (debug), or by anyone (release)? */
bool spin_held(const struct spinlock *l);

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

/*
 * What debug kernels note of spin locks: the order, before one is taken; the holder, after it was
 * and before it is released. Nothing in release kernels.
 */
#if DEBUG
void spin_note_wanted(struct spinlock *l);
void spin_note_taken(struct spinlock *l);
void spin_note_released(struct spinlock *l);
#else
static inline void spin_note_wanted(struct spinlock *l)
{
	(void)l;
}
static inline void spin_note_taken(struct spinlock *l)
{
	(void)l;
}
static inline void spin_note_released(struct spinlock *l)
{
	(void)l;
}
#endif

/* thread->preempt_count and thread->work, whose places entry.S knows as well. */
static inline uint32_t *thread_preempt_count(void)
{
	return (uint32_t *)((char *)current() + THREAD_PREEMPT_COUNT);
}
static inline bool thread_resched_wanted(void)
{
	return unlikely(*(volatile uint32_t *)((char *)current() + THREAD_WORK) & WORK_RESCHED_BIT);
}
/* Preemption is on again and somebody wants to run: let it, if interrupts are on. */
void preempt_now(void);

/* Preemption of the running thread off and on; nests. spin locks do this themselves. */
static inline void preempt_disable(void)
{
	++*thread_preempt_count();
	__asm__ volatile("" ::: "memory");
}
static inline void preempt_enable(void)
{
	__asm__ volatile("" ::: "memory");
	if (--*thread_preempt_count() == 0 && thread_resched_wanted())
		preempt_now();
}

void spin_wait(struct spinlock *l); /* until it is taken */
static inline void spin_lock(struct spinlock *l)
{
	preempt_disable();
	spin_note_wanted(l);
	if (unlikely(__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)))
		spin_wait(l);
	spin_note_taken(l);
}
static inline void spin_unlock(struct spinlock *l)
{
	spin_note_released(l);
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
	preempt_enable();
}
/* The same with this hart's interrupts off; pass what _lock returned to _unlock. */
static inline __must_check uint64_t spin_lock_irq(struct spinlock *l)
{
	uint64_t was = irq_save();

	spin_lock(l);
	return was;
}
static inline void spin_unlock_irq(struct spinlock *l, uint64_t was)
{
	spin_note_released(l);
	__atomic_store_n(&l->locked, 0, __ATOMIC_RELEASE);
	--*thread_preempt_count();
	irq_restore(was);
	/* A wake-up under the lock may have asked for another thread. */
	if (thread_resched_wanted() && was && !*thread_preempt_count())
		preempt_now();
}
