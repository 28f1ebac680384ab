/*
 * Spin locks, preemption counting and, in debug kernels, the lock order check.
 */
#include "kernel/spinlock.h"

#include "kernel/panic.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"

void preempt_now(void)
{
	if (irq_enabled())
		sched_preempt();
}

#if DEBUG
static void held_push(const void *lock, enum lock_rank rank, const char *name)
{
	struct thread *t = current();
	uint64_t irq = irq_save();

	if (t->nheld == (int)ARRAY_SIZE(t->held))
		panic("%s: too many locks held", name);
	t->held[t->nheld++] = (struct held_lock){lock, name, rank};
	irq_restore(irq);
}

void lockrank_acquire_try(const void *lock, enum lock_rank rank, const char *name)
{
	if (rank != RANK_NONE && !panicking)
		held_push(lock, rank, name);
}

void lockrank_acquire(const void *lock, enum lock_rank rank, const char *name)
{
	struct thread *t = current();

	if (rank == RANK_NONE || panicking)
		return;
	for (int i = t->held_base; i < t->nheld; i++) {
		struct held_lock *h = &t->held[i];

		if (h->lock == lock)
			panic("lock %s taken twice", name);
		if (h->rank > rank || (h->rank == rank && !(RANK_NEST >> rank & 1)))
			panic("lock order: %s (rank %u) wanted while %s (rank %u) is held", name,
			      rank, h->name, h->rank);
	}
	held_push(lock, rank, name);
}

void lockrank_release(const void *lock)
{
	struct thread *t = current();
	uint64_t irq = irq_save();

	for (int i = t->nheld - 1; i >= 0; i--) {
		if (t->held[i].lock != lock)
			continue;
		for (t->nheld--; i < t->nheld; i++)
			t->held[i] = t->held[i + 1];
		break;
	}
	irq_restore(irq);
}

void lockrank_assert_may_sleep(void)
{
	struct thread *t = current();

	if (panicking)
		return;
	for (int i = 0; i < t->nheld; i++)
		if (t->held[i].rank > RANK_SLEEP_LAST)
			panic("sleeping with spin lock %s held", t->held[i].name);
	if (t->preempt_count)
		panic("sleeping with preemption off (%u)", t->preempt_count);
}
#endif

void spin_init(struct spinlock *l, const char *name, enum lock_rank rank)
{
	*l = (struct spinlock)SPINLOCK_INIT(name, rank);
	(void)name;
	(void)rank;
}

#if DEBUG
void spin_give(struct spinlock *l)
{
	lockrank_release(l);
	l->holder = NULL;
}

void spin_take(struct spinlock *l)
{
	lockrank_acquire_try(l, l->rank, l->name);
	l->holder = current();
}

void spin_note_wanted(struct spinlock *l)
{
	lockrank_acquire(l, l->rank, l->name);
}

void spin_note_taken(struct spinlock *l)
{
	l->holder = current();
}

void spin_note_released(struct spinlock *l)
{
	if (l->holder != current() && !panicking)
		panic("lock %s released by another thread", l->name);
	l->holder = NULL;
	lockrank_release(l);
}
#endif

void spin_wait(struct spinlock *l)
{
	do {
		this_hart()->lock_spins++;
		while (__atomic_load_n(&l->locked, __ATOMIC_RELAXED))
			cpu_relax();
	} while (__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE));
}

bool spin_trylock(struct spinlock *l)
{
	preempt_disable();
	if (__atomic_load_n(&l->locked, __ATOMIC_RELAXED) ||
	    __atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE)) {
		preempt_enable();
		return false;
	}
#if DEBUG
	lockrank_acquire_try(l, l->rank, l->name);
#endif
	spin_note_taken(l);
	return true;
}

bool spin_held(const struct spinlock *l)
{
#if DEBUG
	return l->holder == current();
#else
	return __atomic_load_n(&l->locked, __ATOMIC_RELAXED);
#endif
}
