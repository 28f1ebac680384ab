/*
 * Clocks and timers. All times are nanoseconds as uint64_t.
 */
#pragma once

#include "kernel/types.h"
#include "lib/rbtree.h"

#define NSEC_PER_SEC  1000000000UL
#define NSEC_PER_USEC 1000UL
#define NSEC_PER_MSEC 1000000UL

/*
 * Since boot (CLOCK_MONOTONIC). Any context. On boards whose harts have no time CSR a trap into
 * firmware: paths that are often taken pass on what they know, or do with time_coarse().
 */
uint64_t time_ns(void);
/* The same as the hardware counts it, at no other rate (CLOCK_MONOTONIC_RAW). */
uint64_t time_raw_ns(void);
/*
 * From now on time_ns() runs ahead of time_raw_ns() by so many ns << 32 a second, or behind it if
 * that is negative; no more than a tenth. May wait for other harts; no lock held.
 */
void time_set_rate(int64_t ahead);
/*
 * Since 1970 (CLOCK_REALTIME): monotonic time plus an offset set from the RTC or by settimeofday.
 */
uint64_t time_realtime(void);
uint64_t time_realtime_offset(void); /* by which it is ahead of time_ns() */
/* -EINVAL: before time_ns(), or so late that nanoseconds would no longer fit in 30 years. */
int time_set_realtime(uint64_t ns);
/* The same by so much forwards, or backwards when sec is negative. */
int time_step_realtime(int64_t sec, uint32_t nsec);
/*
 * The clock cannot be earlier than ns: said by who mounts a volume that was written then. It counts
 * where nothing better is known: no RTC, and nobody has set the clock. Any context.
 */
void time_not_before(uint64_t ns);
void time_init(uint64_t timebase_hz);
/* The value of the time CSR at which time_ns() has reached ns. */
uint64_t time_ns_to_ticks(uint64_t ns);

/* A hart that runs a thread looks about it at least so often, if it can. */
#define TICK_NS (10 * NSEC_PER_MSEC)

/*
 * A one-shot timer. func runs in interrupt context on the hart that armed it. It may re-arm.
 */
struct timer {
	struct rb_node node;	/* (base lock) */
	uint64_t when;		/* time_ns at which it is due */
	struct timer_base *base; /* NULL when not armed */
	void (*func)(struct timer *t);
	void *data;
};
void timer_init(struct timer *t, void (*func)(struct timer *), void *data);
/* Arm (or re-arm) for time when. */
void timer_set(struct timer *t, uint64_t when);
/* Disarm; returns true if it was armed. On return func is neither running nor will run. */
bool timer_cancel(struct timer *t);
/* This hart's timer interrupt; user: it interrupted user mode. Interrupts off. */
void timer_interrupt(bool user);
void timer_init_hart(void);
/* The clock has another rate: the hardware is set anew. Interrupts off. */
void timer_rearm(void);
/* Make sure this hart's timer fires by then at the latest; it is now. Interrupts off. */
void timer_arm_by(uint64_t when, uint64_t now);

/* Sleep, uninterruptibly, for at least ns: drivers' resets. */
void sleep_ns(uint64_t ns);
/* Spin for ns: before the scheduler runs and in short register waits. */
void delay_ns(uint64_t ns);
