/*
 * Load average: the number of runnable threads, averaged with exponential decay over 1, 5 and 15
 * minutes. Sampled when someone asks, or every 5 s while harts tick; what was missed decays.
 */
#include "kernel/thread.h"
#include "kernel/time.h"

static struct spinlock load_lock = SPINLOCK_INIT("loadavg", RANK_NONE);
static uint64_t load[3], load_sampled; /* (load_lock) */

static void load_sample(uint64_t now)
{
	/* exp(-5s/1min), exp(-5s/5min), exp(-5s/15min), times 65536 */
	static const uint64_t decay[3] = {60298, 64453, 65173};
	uint64_t running = 0;

	for (uint32_t i = 0; i < nharts; i++)
		running += __atomic_load_n(&harts[i].nr_running, __ATOMIC_RELAXED);
	for (int steps = 0; load_sampled + 5 * NSEC_PER_SEC <= now && steps < 1000; steps++) {
		for (int i = 0; i < 3; i++)
			load[i] = (load[i] * decay[i] + running * 65536 * (65536 - decay[i])) >> 16;
		load_sampled += 5 * NSEC_PER_SEC;
	}
}

void loadavg_get(uint64_t out[3])
{
	uint64_t irq = spin_lock_irq(&load_lock);

	load_sample(time_ns());
	for (int i = 0; i < 3; i++)
		out[i] = load[i];
	spin_unlock_irq(&load_lock, irq);
}
