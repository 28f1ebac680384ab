/*
 * A timer on a clock that runs by itself, periodic if it has an interval, which follows
 * CLOCK_REALTIME when that is set: what timerfd, POSIX timers and absolute sleeps stand on.
 */
#pragma once

#include "kernel/time.h"
#include "kernel/wait.h"
#include "lib/list.h"

#define TIMER_PERIOD_MIN (200 * NSEC_PER_USEC)

struct clock_timer {
	struct timer timer;
	/* Due. In interrupt context; once for each setting or clock_timer_forward. */
	void (*fired)(struct clock_timer *ct);
	/* CLOCK_REALTIME was set while this timer is absolute on it. May sleep. NULL: not told. */
	void (*clock_set)(struct clock_timer *ct);
	int clock;		/* CLOCK_* */
	bool wall;		/* expires is a time of CLOCK_REALTIME or CLOCK_TAI */
	bool armed;		/* has not been turned off: fires, or fired and is periodic */
	uint64_t expires;	/* ns of that clock, or of the monotonic one */
	uint64_t interval;	/* ns; 0: once */
	struct list_head wall_link; /* while wall */
};

/* Is it a clock that such timers know: -EINVAL; -EPERM for those that need a privilege. */
int clock_timer_clock(int clock);
void clock_timer_init(struct clock_timer *ct, int clock, void (*fired)(struct clock_timer *));
/*
 * Value in ns from now, or a time of the clock when absolute; 0 turns it off. The caller sees to
 * it that two settings do not meet, and holds no lock that fired takes. May sleep.
 */
void clock_timer_set(struct clock_timer *ct, uint64_t value, uint64_t interval, bool absolute);
/* Off; on return fired is neither running nor will run. May sleep. */
void clock_timer_cancel(struct clock_timer *ct);
/*
 * It fired and is periodic: arm it for the next time that lies at least ahead ns off (for who arms
 * from fired: a hart must get to do something else between two). How many times have been reached
 * or left out, the one it fired for included. From fired, or where settings cannot be meanwhile.
 */
uint64_t clock_timer_forward(struct clock_timer *ct, uint64_t ahead);
/* ns until it fires next, at least 1; 0 when it is off or has fired for good. */
uint64_t clock_timer_left(const struct clock_timer *ct);

/* Wakes who waits at a queue when a clock that may be set meanwhile reaches a time. */
struct wall_alarm {
	struct clock_timer timer;
	struct waitqueue *wq;
	bool over;
};
/* Both may sleep. On return from cancel the queue is not used any more. */
void wall_alarm_set(struct wall_alarm *a, int clock, uint64_t until, struct waitqueue *wq);
void wall_alarm_cancel(struct wall_alarm *a);
static inline bool wall_alarm_over(const struct wall_alarm *a)
{
	return __atomic_load_n(&a->over, __ATOMIC_ACQUIRE);
}

void clock_timers_init(void);
/* CLOCK_REALTIME was set: timers that go by it are armed anew. May sleep. */
void clock_was_set(void);
