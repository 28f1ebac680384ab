/*
 * Timers on clocks. Underneath all are on the monotonic clock; those that wait for a time of
 * CLOCK_REALTIME are on a list and are armed again when that clock is set.
 */
#include "kernel/clocktimer.h"

#include "kernel/mutex.h"
#include "kernel/ntp.h"
#include "kernel/thread.h"
#include "kernel/uapi/time.h"

static LIST_HEAD(wall_timers); /* (wall_mutex) */
static struct mutex wall_mutex;

int clock_timer_clock(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		return 0;
	case CLOCK_REALTIME_ALARM:
	case CLOCK_BOOTTIME_ALARM:
		/* This machine never sleeps, so there is nothing to be woken from. */
		return cred_capable(CAP_WAKE_ALARM) ? 0 : -EPERM;
	default:
		return -EINVAL;
	}
}

static void timer_due(struct timer *t)
{
	struct clock_timer *ct = container_of(t, struct clock_timer, timer);

	ct->fired(ct);
}

void clock_timer_init(struct clock_timer *ct, int clock, void (*fired)(struct clock_timer *))
{
	timer_init(&ct->timer, timer_due, NULL);
	ct->clock = clock;
	ct->fired = fired;
	ct->clock_set = NULL;
	ct->wall = ct->armed = false;
	ct->expires = ct->interval = 0;
	list_init(&ct->wall_link);
}

/* What the timer's clock is ahead of the monotonic one. */
static uint64_t ahead(const struct clock_timer *ct)
{
	if (!ct->wall)
		return 0;
	return time_realtime_offset() + (ct->clock == CLOCK_TAI ? ntp_tai_ns() : 0);
}

static uint64_t now_of(const struct clock_timer *ct)
{
	return time_ns() + ahead(ct);
}

static void arm(struct clock_timer *ct)
{
	uint64_t offset = ahead(ct);

	timer_set(&ct->timer, ct->expires > offset ? ct->expires - offset : 0);
}

void clock_timer_cancel(struct clock_timer *ct)
{
	if (ct->wall) {
		mutex_lock(&wall_mutex);
		list_del(&ct->wall_link);
		mutex_unlock(&wall_mutex);
	}
	ct->armed = ct->wall = false;
	timer_cancel(&ct->timer);
}

void clock_timer_set(struct clock_timer *ct, uint64_t value, uint64_t interval, bool absolute)
{
	bool real = ct->clock == CLOCK_REALTIME || ct->clock == CLOCK_TAI ||
		    ct->clock == CLOCK_REALTIME_ALARM;

	clock_timer_cancel(ct);
	ct->interval = interval;
	if (!value)
		return;
	ct->armed = true;
	if (!absolute || !real) {
		ct->expires = absolute ? value : time_add(time_ns(), value);
		arm(ct);
		return;
	}
	ct->expires = value;
	ct->wall = true;
	mutex_lock(&wall_mutex);
	list_add(&ct->wall_link, &wall_timers);
	arm(ct);
	mutex_unlock(&wall_mutex);
}

uint64_t clock_timer_forward(struct clock_timer *ct, uint64_t ahead)
{
	uint64_t now = now_of(ct) + (ct->interval < ahead ? ahead : 0), n = 1;

	if (now > ct->expires)
		n += (now - ct->expires) / ct->interval;
	ct->expires = time_add(ct->expires, n * ct->interval);
	arm(ct);
	return n;
}

uint64_t clock_timer_left(const struct clock_timer *ct)
{
	uint64_t now = now_of(ct);

	if (!ct->armed)
		return 0;
	if (ct->expires > now)
		return ct->expires - now;
	/* Due but not handled yet, or done. */
	return rb_unlinked(&ct->timer.node) ? 0 : 1;
}

void clock_was_set(void)
{
	struct clock_timer *ct;

	mutex_lock(&wall_mutex);
	list_for_each_entry(ct, &wall_timers, wall_link) {
		if (timer_cancel(&ct->timer))
			arm(ct);
		if (ct->clock_set)
			ct->clock_set(ct);
	}
	mutex_unlock(&wall_mutex);
}

static void wall_alarm_fired(struct clock_timer *ct)
{
	struct wall_alarm *a = container_of(ct, struct wall_alarm, timer);

	__atomic_store_n(&a->over, true, __ATOMIC_RELEASE);
	wake_all(a->wq);
}

void wall_alarm_set(struct wall_alarm *a, int clock, uint64_t until, struct waitqueue *wq)
{
	a->over = false;
	a->wq = wq;
	clock_timer_init(&a->timer, clock, wall_alarm_fired);
	clock_timer_set(&a->timer, MAX(until, 1UL), 0, true);
}

void wall_alarm_cancel(struct wall_alarm *a)
{
	clock_timer_cancel(&a->timer);
}

void clock_timers_init(void)
{
	mutex_init(&wall_mutex, "wall timers", RANK_CLOCK);
}
