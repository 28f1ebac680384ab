/*
 * Clocks: the time CSR scaled to nanoseconds.
 */
#include "kernel/time.h"

#include "kernel/hart.h"
#include "kernel/riscv.h"
#include "kernel/spinlock.h"
#include "kernel/uapi/errno.h"

/* Thirty years before nanoseconds no longer fit in 63 bits: nothing later is set, as on Linux. */
#define REALTIME_MAX ((INT64_MAX / NSEC_PER_SEC - 30UL * 365 * 24 * 3600) * NSEC_PER_SEC)

/*
 * ns = ticks * mult >> 32 with mult = 10^9 * 2^32 / Hz. The 128-bit product keeps it exact to
 * the tick for centuries.
 */
struct rate {
	uint64_t ticks;	  /* from these on ... */
	uint64_t ns;	  /* ... when it was so late */
	uint64_t frac;	  /* and so many 2^-32 ns more */
	uint64_t mult;
	uint64_t inverse; /* ticks = ns * inverse >> 56: of mult, and too large if anything */
};

static struct rate raw; /* of the hardware, from boot on */
/* raw.mult until the clock is first given another rate, then 0: the usual way costs one look. */
static uint64_t boot_mult;
static struct rate adjusted;   /* (real_lock; read between two looks at adjusted_seq) */
static uint32_t adjusted_seq; /* (real_lock) odd while it changes */
static struct spinlock real_lock = SPINLOCK_INIT("realtime", RANK_TIMER);
static uint64_t real_offset; /* (real_lock) CLOCK_REALTIME minus CLOCK_MONOTONIC */
static bool real_known; /* (real_lock) by an RTC or a person */

/* 2^88 / mult, rounded up. */
static uint64_t inverse_of(uint64_t mult)
{
	uint64_t inverse = (1UL << 63) / mult;

	for (uint64_t bit = 63, rest = (1UL << 63) % mult; bit < 88; bit++) {
		rest <<= 1;
		inverse = inverse << 1 | (rest >= mult);
		rest -= rest >= mult ? mult : 0;
	}
	return inverse + 1;
}

void time_init(uint64_t timebase_hz)
{
	raw.mult = (NSEC_PER_SEC << 32) / timebase_hz;
	raw.inverse = inverse_of(raw.mult);
	raw.ticks = time_read();
	boot_mult = raw.mult;
}

static unsigned __int128 scaled(const struct rate *r, uint64_t ticks)
{
	return (unsigned __int128)(ticks - r->ticks) * r->mult + r->frac;
}

/* The rate as it is now, and the value of the time CSR while it was. */
static __slow uint64_t rate_get(struct rate *r)
{
	uint32_t seq;
	uint64_t ticks;

	do {
		while ((seq = __atomic_load_n(&adjusted_seq, __ATOMIC_ACQUIRE)) & 1)
			cpu_relax();
		*r = *(volatile struct rate *)&adjusted;
		ticks = time_read();
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (seq != __atomic_load_n(&adjusted_seq, __ATOMIC_RELAXED));
	return ticks;
}

static __slow uint64_t adjusted_ns(void)
{
	struct rate r;
	uint64_t ticks = rate_get(&r);

	/* Harts may differ by a tick: this one may be behind the one that changed the rate. */
	if (unlikely((int64_t)(ticks - r.ticks) < 0))
		ticks = r.ticks;
	return r.ns + (uint64_t)(scaled(&r, ticks) >> 32);
}

uint64_t time_ns(void)
{
	uint64_t ticks = time_read(), mult;

	/* In this order: who finds the rate of boot read its ticks before there was another. */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	mult = __atomic_load_n(&boot_mult, __ATOMIC_RELAXED);
	if (unlikely(!mult))
		return adjusted_ns();
	return ((unsigned __int128)(ticks - raw.ticks) * mult) >> 32;
}

uint64_t time_raw_ns(void)
{
	return scaled(&raw, time_read()) >> 32;
}

static uint64_t to_ticks(const struct rate *r, uint64_t ns)
{
	/* Rounded up: a timer that fires before it is due is set to the same moment for ever. */
	return r->ticks + (uint64_t)(((unsigned __int128)ns * r->inverse) >> 56) + 1;
}

uint64_t time_ns_to_ticks(uint64_t ns)
{
	struct rate r;

	if (likely(__atomic_load_n(&boot_mult, __ATOMIC_RELAXED)))
		return to_ticks(&raw, ns);
	(void)rate_get(&r);
	return to_ticks(&r, ns > r.ns ? ns - r.ns : 0);
}

/* (real_lock) From now on, without a jump. */
static void set_mult(uint64_t mult, uint64_t inverse)
{
	struct rate r = boot_mult ? raw : adjusted;
	unsigned __int128 since;

	__atomic_store_n(&adjusted_seq, adjusted_seq + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&boot_mult, 0, __ATOMIC_RELAXED);
	io_fence(); /* whose look finds the old rate has read the time before this */
	adjusted.ticks = time_read();
	since = scaled(&r, adjusted.ticks);
	adjusted.ns = r.ns + (uint64_t)(since >> 32);
	adjusted.frac = (uint32_t)since;
	adjusted.mult = mult;
	adjusted.inverse = inverse;
	__atomic_store_n(&adjusted_seq, adjusted_seq + 1, __ATOMIC_RELEASE);
}

static void rearm(void *unused)
{
	(void)unused;
	timer_rearm();
}

void time_set_rate(int64_t ahead)
{
	/* 10^9 = 1953125 * 2^9, so this is the share of it in units of 2^-41. */
	__int128 share = (__int128)raw.mult * (ahead / 1953125);
	uint64_t mult = raw.mult + (int64_t)(share >> 41), inverse = inverse_of(mult), irq;
	bool same;

	irq = spin_lock_irq(&real_lock);
	same = mult == (boot_mult ? raw.mult : adjusted.mult);
	if (!same)
		set_mult(mult, inverse);
	spin_unlock_irq(&real_lock, irq);
	if (same)
		return;
	/* Timers that are armed in ticks would fire late. */
	preempt_disable();
	hart_call(~0UL, rearm, NULL);
	irq = irq_save();
	timer_rearm();
	irq_restore(irq);
	preempt_enable();
}

uint64_t time_realtime_offset(void)
{
	return __atomic_load_n(&real_offset, __ATOMIC_RELAXED);
}

uint64_t time_realtime(void)
{
	return time_ns() + time_realtime_offset();
}

/* (real_lock) The moment of boot must not come to lie before 1970, nor the clock run over soon. */
static int set_realtime(__int128 ns)
{
	uint64_t now = time_ns();

	if (ns < now || ns >= (__int128)REALTIME_MAX)
		return -EINVAL;
	__atomic_store_n(&real_offset, (uint64_t)ns - now, __ATOMIC_RELAXED);
	real_known = true;
	return 0;
}

int time_set_realtime(uint64_t ns)
{
	uint64_t irq = spin_lock_irq(&real_lock);
	int err = set_realtime(ns);

	spin_unlock_irq(&real_lock, irq);
	return err;
}

int time_step_realtime(int64_t sec, uint32_t nsec)
{
	uint64_t irq = spin_lock_irq(&real_lock);
	int err = set_realtime(time_realtime() + (__int128)sec * NSEC_PER_SEC + nsec);

	spin_unlock_irq(&real_lock, irq);
	return err;
}

void time_not_before(uint64_t ns)
{
	uint64_t irq = spin_lock_irq(&real_lock);

	if (!real_known && ns > time_realtime())
		__atomic_store_n(&real_offset, ns - time_ns(), __ATOMIC_RELAXED);
	spin_unlock_irq(&real_lock, irq);
}

void delay_ns(uint64_t ns)
{
	uint64_t end = time_ns() + ns;

	while (time_ns() < end)
		cpu_relax();
}
