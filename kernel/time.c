/*
 * Clocks: the time CSR scaled to nanoseconds.
 */
#include "kernel/time.h"

#include "kernel/riscv.h"
#include "kernel/spinlock.h"
#include "kernel/uapi/errno.h"

/* Thirty years before nanoseconds no longer fit in 63 bits: nothing later is set, as on Linux. */
#define REALTIME_MAX ((INT64_MAX / NSEC_PER_SEC - 30UL * 365 * 24 * 3600) * NSEC_PER_SEC)

/*
 * ns = ticks * mult >> 32 with mult = 10^9 * 2^32 / Hz. The 128-bit product keeps it exact to
 * the tick for centuries.
 */
static uint64_t mult;
static uint64_t inverse; /* ticks = ns * inverse >> 56: of mult, and too large if anything */
static uint64_t boot_ticks;
static struct spinlock real_lock = SPINLOCK_INIT("realtime", RANK_TIMER);
static uint64_t real_offset; /* (real_lock) CLOCK_REALTIME minus CLOCK_MONOTONIC */
static bool real_known; /* (real_lock) by an RTC or a person */

void time_init(uint64_t timebase_hz)
{
	mult = (NSEC_PER_SEC << 32) / timebase_hz;
	/* 2^88 / mult, rounded up. */
	inverse = (1UL << 63) / mult;
	for (uint64_t bit = 63, rest = (1UL << 63) % mult; bit < 88; bit++) {
		rest <<= 1;
		inverse = inverse << 1 | (rest >= mult);
		rest -= rest >= mult ? mult : 0;
	}
	inverse++;
	boot_ticks = time_read();
}

uint64_t time_ns(void)
{
	return ((unsigned __int128)(time_read() - boot_ticks) * mult) >> 32;
}

uint64_t time_ns_to_ticks(uint64_t ns)
{
	/* Rounded up: a timer that fires before it is due is set to the same moment for ever. */
	return boot_ticks + (uint64_t)(((unsigned __int128)ns * inverse) >> 56) + 1;
}

uint64_t time_realtime(void)
{
	return time_ns() + __atomic_load_n(&real_offset, __ATOMIC_RELAXED);
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
