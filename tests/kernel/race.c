/*
 * Self tests of timers and locks that are used by several harts at the same moment.
 */
#include "kernel/mutex.h"
#include "kernel/riscv.h"
#include "kernel/selftest.h"
#include "kernel/thread.h"
#include "kernel/time.h"

#define ROUNDS 300
#define SHORT  (20 * NSEC_PER_USEC)

static _Atomic uint32_t fired;

static void fire_again(struct timer *t)
{
	fired++;
	timer_set(t, time_ns() + SHORT);
}

struct rearming {
	struct timer timer;
	_Atomic bool armed, stop, gone;
};

/* Arms the timer on its own hart, time after time; it is cancelled from another one. */
static void arm_repeatedly(void *arg)
{
	struct rearming *r = arg;

	while (!r->stop) {
		if (!r->armed) {
			timer_set(&r->timer, time_ns() + SHORT);
			r->armed = true;
		}
		thread_yield();
	}
	r->gone = true;
}

SELFTEST(cancel_ends_a_timer_that_rearms_itself)
{
	static struct rearming r;
	struct thread *other;

	r = (struct rearming){0};
	timer_init(&r.timer, fire_again, NULL);
	other = kthread_create("rearm", arm_repeatedly, &r);
	selftest_check(other);
	if (!other)
		return;
	thread_start(other);
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t seen;

		while (!r.armed)
			thread_yield();
		for (uint64_t until = time_ns() + i % 7 * SHORT / 3; time_ns() < until;)
			cpu_relax();
		timer_cancel(&r.timer);
		seen = fired;
		for (uint64_t until = time_ns() + 2 * SHORT; time_ns() < until;)
			cpu_relax();
		selftest_check(fired == seen);
		r.armed = false;
	}
	r.stop = true;
	while (!r.gone)
		thread_yield();
	timer_cancel(&r.timer);
}

struct shared {
	struct rwlock lock;
	_Atomic uint32_t readers, writers;
};

static void read_once(void *arg)
{
	struct shared *s = arg;

	rwlock_read(&s->lock);
	s->readers++;
	rwlock_read_unlock(&s->lock);
}

static void write_once(void *arg)
{
	struct shared *s = arg;

	rwlock_write(&s->lock);
	s->writers++;
	rwlock_write_unlock(&s->lock);
}

SELFTEST(downgrade_lets_readers_in_and_keeps_writers_out)
{
	static struct shared s;
	struct thread *reader, *writer;

	s = (struct shared){0};
	rwlock_init(&s.lock, "downgrade", RANK_OBJECT);
	rwlock_write(&s.lock);
	reader = kthread_create("reader", read_once, &s);
	writer = kthread_create("writer", write_once, &s);
	selftest_check(reader && writer);
	if (!reader || !writer)
		return;
	thread_start(reader);
	sleep_ns(NSEC_PER_MSEC);
	selftest_check(!s.readers);
	rwlock_downgrade(&s.lock);
	selftest_check(rwlock_held(&s.lock) && !rwlock_held_write(&s.lock));
	while (!s.readers)
		thread_yield();
	thread_start(writer);
	sleep_ns(NSEC_PER_MSEC);
	selftest_check(!s.writers);
	rwlock_read_unlock(&s.lock);
	while (!s.writers)
		thread_yield();
}
