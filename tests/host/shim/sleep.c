/* A scheduler for one thread, so that the real kernel/wait.c and mutex.c work. */
#include "tests/host/shim/sleep.h"

#include "drivers/block.h"
#include "kernel/clocktimer.h"
#include "kernel/panic.h"
#include "kernel/psi.h"
#include "kernel/signal.h"
#include "kernel/time.h"

static bool host_timer_fire(void);

bool (*host_idle)(void);
uint64_t host_time;
bool host_signal_pending;

/* Where the block layer is not under test, nothing is held back. */
__attribute__((weak)) void block_plug_flush(void)
{
}

void schedule(void)
{
	lockrank_assert_may_sleep();
	assert_always(host_irqs_on);
	while (current()->state == THREAD_SLEEPING) {
		if (!(host_idle && host_idle()) && !host_timer_fire())
			panic("the only thread sleeps for ever");
	}
}

bool thread_wake(struct thread *t)
{
	if (t->state != THREAD_SLEEPING)
		return false;
	t->state = THREAD_RUNNING;
	return true;
}

bool signal_pending(void)
{
	return host_signal_pending;
}

bool signal_fatal_pending(void)
{
	return host_signal_pending;
}

uint64_t time_ns(void)
{
	return host_time += NSEC_PER_USEC;
}

/* A tick is a nanosecond. */
uint64_t time_read(void)
{
	return host_time;
}

uint64_t time_ns_to_ticks(uint64_t ns)
{
	return ns;
}

/* Deadlines: time passes only when the thread sleeps, and then at once. */
static struct timer *armed;

void timer_init(struct timer *t, void (*func)(struct timer *), void *data)
{
	*t = (struct timer){.func = func, .data = data};
}

void timer_set(struct timer *t, uint64_t when)
{
	assert_always(!armed);
	t->when = when;
	armed = t;
}

bool timer_cancel(struct timer *t)
{
	bool was = armed == t;

	armed = NULL;
	return was;
}

static bool host_timer_fire(void)
{
	struct timer *t = armed;

	if (!t)
		return false;
	armed = NULL;
	host_time = MAX(host_time, t->when);
	t->func(t);
	return true;
}

/* Who waits by the wall clock has no test here. */
void wall_alarm_set(struct wall_alarm *a, int clock, uint64_t until, struct waitqueue *wq)
{
	(void)a, (void)clock, (void)until, (void)wq;
	panic("no wall clock");
}

void wall_alarm_cancel(struct wall_alarm *a)
{
	(void)a;
}

/* Nobody asks for how long it slept. */
_Atomic bool psi_pages_went;

void psi_begin(struct psi_stall *s, uint32_t what)
{
	s->what = what;
}

void psi_end(struct psi_stall *s)
{
	assert_always(s->what);
}

bool psi_waits_for_io(void)
{
	return false;
}

void psi_page_went(const struct object *o, uint64_t index)
{
	(void)o;
	(void)index;
}

void psi_page_back(const struct object *o, uint64_t index)
{
	(void)o;
	(void)index;
}
