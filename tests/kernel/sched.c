/*
 * Self tests of threads, locks, wait queues and timers.
 */
#include "kernel/mutex.h"
#include "kernel/riscv.h"
#include "kernel/selftest.h"
#include "kernel/thread.h"
#include "kernel/time.h"

#define THREADS 16
#define ROUNDS	2000

struct crowd {
	struct spinlock spin;
	struct mutex mutex;
	struct rwlock rw;
	struct waitqueue done;
	uint64_t by_spin, by_mutex, by_rw;
	uint32_t torn;
	_Atomic uint32_t finished;
};

static void finish(struct crowd *c)
{
	c->finished++;
	wake_all(&c->done);
}

static void hammer(void *arg)
{
	struct crowd *c = arg;

	for (int i = 0; i < ROUNDS; i++) {
		spin_lock(&c->spin);
		c->by_spin++;
		spin_unlock(&c->spin);
		mutex_lock(&c->mutex);
		c->by_mutex++;
		mutex_unlock(&c->mutex);
		if (i % 8) {
			rwlock_read(&c->rw);
			uint64_t a = c->by_rw;

			if (i % 32 == 1)
				thread_yield();
			if (a != c->by_rw)
				c->torn++;
			rwlock_read_unlock(&c->rw);
		} else {
			rwlock_write(&c->rw);
			c->by_rw++;
			rwlock_write_unlock(&c->rw);
		}
	}
	finish(c);
}

static void crowd_init(struct crowd *c)
{
	*c = (struct crowd){0};
	spin_init(&c->spin, "test spin", RANK_DRIVER);
	mutex_init(&c->mutex, "test mutex", RANK_TTY);
	rwlock_init(&c->rw, "test rwlock", RANK_ASPACE);
	waitqueue_init(&c->done);
}

SELFTEST(locks_exclude_on_all_harts)
{
	static struct crowd c;
	int started = 0;

	crowd_init(&c);
	for (int i = 0; i < THREADS; i++) {
		struct thread *t = kthread_create("hammer", hammer, &c);

		if (t) {
			thread_start(t);
			started++;
		}
	}
	selftest_check(started == THREADS);
	wait_event(&c.done, c.finished == (uint32_t)started, WAIT_UNINTERRUPTIBLE);
	selftest_check(c.by_spin == (uint64_t)started * ROUNDS);
	selftest_check(c.by_mutex == (uint64_t)started * ROUNDS);
	selftest_check(c.by_rw == (uint64_t)started * (ROUNDS / 8));
	selftest_check(c.torn == 0);
}

/* Two threads that wake each other in turn: a lost wake-up hangs the test. */
struct pingpong {
	struct waitqueue wq;
	_Atomic uint32_t turn;
	struct crowd crowd;
};

static void ping(void *arg)
{
	struct pingpong *p = arg;

	for (int i = 0; i < ROUNDS; i++) {
		wait_event(&p->wq, p->turn % 2 == 1, WAIT_UNINTERRUPTIBLE);
		p->turn++;
		wake_all(&p->wq);
	}
	finish(&p->crowd);
}

SELFTEST(wakeups_are_not_lost)
{
	static struct pingpong p;
	struct thread *t;

	crowd_init(&p.crowd);
	waitqueue_init(&p.wq);
	t = kthread_create("ping", ping, &p);
	selftest_check(t != NULL);
	if (!t)
		return;
	thread_start(t);
	for (int i = 0; i < ROUNDS; i++) {
		wait_event(&p.wq, p.turn % 2 == 0, WAIT_UNINTERRUPTIBLE);
		p.turn++;
		wake_all(&p.wq);
	}
	wait_event(&p.crowd.done, p.crowd.finished == 1, WAIT_UNINTERRUPTIBLE);
	selftest_check(p.turn == 2 * ROUNDS);
}

SELFTEST(timers_fire_in_order_and_not_early)
{
	uint64_t start = time_ns();

	for (int i = 1; i <= 5; i++) {
		uint64_t before = time_ns();

		sleep_ns(i * 200 * NSEC_PER_USEC);
		selftest_check(time_ns() - before >= i * 200 * NSEC_PER_USEC);
	}
	selftest_check(time_ns() - start >= 3 * NSEC_PER_MSEC);
}

static void never(struct timer *t)
{
	*(bool *)t->data = true;
}

SELFTEST(cancelled_timers_do_not_fire)
{
	bool fired = false;
	struct timer t;

	timer_init(&t, never, &fired);
	timer_set(&t, time_ns() + NSEC_PER_SEC);
	selftest_check(timer_cancel(&t));
	selftest_check(!timer_cancel(&t));
	timer_set(&t, time_ns());
	sleep_ns(5 * NSEC_PER_MSEC);
	selftest_check(fired);
	selftest_check(!timer_cancel(&t));
}

SELFTEST(wait_ends_at_its_deadline)
{
	struct waitqueue wq;
	uint64_t until = time_ns() + 2 * NSEC_PER_MSEC;

	waitqueue_init(&wq);
	selftest_check(wait_event_deadline(&wq, false, WAIT_UNINTERRUPTIBLE, until) ==
		       -ETIMEDOUT);
	selftest_check(time_ns() >= until);
}

static void note_hart(void *arg)
{
	__atomic_or_fetch((uint64_t *)arg, 1UL << current()->hart->index, __ATOMIC_SEQ_CST);
}

SELFTEST(calls_reach_every_other_hart)
{
	uint64_t seen = 0, others;

	for (int i = 0; i < 100; i++) {
		seen = 0;
		preempt_disable();
		others = (nharts < 64 ? (1UL << nharts) - 1 : ~0UL) & ~(1UL << this_hart()->index);
		hart_call(~0UL, note_hart, &seen);
		preempt_enable();
		selftest_check(seen == others);
	}
}

static void spin_until_told(void *arg)
{
	struct crowd *c = arg;

	while (!__atomic_load_n(&c->by_spin, __ATOMIC_ACQUIRE))
		cpu_relax();
	finish(c);
}

/* More threads that never sleep than harts: the tick must take turns. */
SELFTEST(busy_threads_are_preempted)
{
	static struct crowd c;
	uint32_t n = nharts + 2;

	crowd_init(&c);
	for (uint32_t i = 0; i < n; i++) {
		struct thread *t = kthread_create("busy", spin_until_told, &c);

		selftest_check(t != NULL);
		if (t)
			thread_start(t);
	}
	sleep_ns(50 * NSEC_PER_MSEC);
	__atomic_store_n(&c.by_spin, 1, __ATOMIC_RELEASE);
	wait_event(&c.done, c.finished == n, WAIT_UNINTERRUPTIBLE);
	selftest_check(c.finished == n);
}
