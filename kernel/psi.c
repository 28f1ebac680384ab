/*
 * Pressure stall information. Each hart counts for itself: a stall belongs to the hart on which it
 * began. Nothing is done at a switch of threads for stalls: that all who had anything to do were
 * stalled is seen afterwards, from how long the hart was idle meanwhile and how long those stalled
 * ran on it. Every 2 s, while anything runs, and when somebody reads, the harts' times are added
 * up, each with the weight of the time in which that hart had anything to do.
 *
 * Stalls for memory: direct reclaim and the reclaim thread, reading from swap, and reading a page
 * of a file that reclaim dropped not long ago. For I/O: waits for block requests, for pages that
 * are read or written, and at the limit of dirty pages. Waiting for a processor is counted at
 * switches and ticks, at which the time is known anyway; who was woken in between counts from the
 * middle.
 *
 * Differences from Linux: a stall ends when its thread runs again, not when it is woken; the memory
 * of pages that went is a table by hash, of a quarter as many as there are frames.
 */
#include "kernel/psi.h"

#include "kernel/hart.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "lib/bits.h"
#include "lib/hash.h"
#include "lib/string.h"
#include "mm/frame.h"

#define PERIOD	   (2 * NSEC_PER_SEC)
#define MISSED_MAX 1000 /* periods; after so many an average has come to nothing */
#define AVERAGES   3
#define DEGREES	   2
#define GONE_BITS_MAX 18U

struct psi_hart {
	struct spinlock lock;	   /* RANK_STALLS, interrupts off */
	uint64_t until, idle;	   /* (lock) when it was counted, and the hart's idle time then */
	uint32_t stalled[2];	   /* (lock) stalls under way, by resource */
	struct list_head memory;   /* (lock) of these, those for memory */
	/* (lock) ns since they were collected: */
	uint64_t some[2];	   /* with a stall under way */
	uint64_t idling[2];	   /* of these, the hart was idle */
	uint64_t ran;		   /* threads ran although stalled for memory */
	uint64_t busy;		   /* there was anything to do */
	uint64_t waited;	   /* hart->waited when it was collected */
};

static struct psi_hart psi_harts[MAX_HARTS];

static struct {
	struct spinlock lock;	   /* RANK_PRESSURE, interrupts off */
	uint64_t total[PSI_RESOURCES][DEGREES];	   /* (lock) ns, as all times below */
	uint64_t averaged[PSI_RESOURCES][DEGREES]; /* (lock) the part that is in the averages */
	uint64_t since;		   /* (lock) when that was */
	uint32_t avg[PSI_RESOURCES][DEGREES][AVERAGES]; /* (lock) percent << 16 */
} psi = {.lock = SPINLOCK_INIT("pressure", RANK_PRESSURE)};

static struct timer psi_timer;
_Atomic bool psi_awake = true; /* until psi_init */

/* --- stalls --- */

/* (p->lock) */
static void count(struct psi_hart *p)
{
	uint64_t now = time_ns(), idle = hart_idle_time(&harts[p - psi_harts]);
	/* Clocks of two harts may differ by a tick. */
	uint64_t passed = now > p->until ? now - p->until : 0;
	uint64_t idled = idle > p->idle ? MIN(idle - p->idle, passed) : 0;

	for (unsigned r = 0; r < 2; r++) {
		if (!p->stalled[r])
			continue;
		p->some[r] += passed;
		p->idling[r] += idled;
	}
	p->busy += p->stalled[PSI_IO] || p->stalled[PSI_MEMORY] ? passed : passed - idled;
	p->until = now;
	p->idle = idle;
}

/* (lock of its hart) What its thread has run since counts as stalled. */
static void count_ran(struct psi_stall *s)
{
	uint64_t ran = thread_cpu_time(s->thread);

	s->at->ran += ran - s->ran;
	s->ran = ran;
}

/* (lock of its hart) */
static void stalls_add(struct psi_stall *s, uint32_t n)
{
	for (unsigned r = 0; r < 2; r++)
		if (s->what & BIT(r))
			s->at->stalled[r] += n;
}

void psi_begin(struct psi_stall *s, uint32_t what)
{
	struct thread *t = current();
	uint64_t irq;

	if (t->refaults && (what & BIT(PSI_IO)))
		what |= BIT(PSI_MEMORY);
	s->what = what & ~(uint32_t)t->stalled;
	if (!s->what)
		return;
	t->stalled |= s->what;
	s->thread = t;
	s->at = &psi_harts[this_hart()->index];
	irq = spin_lock_irq(&s->at->lock);
	count(s->at);
	stalls_add(s, 1);
	if (s->what & BIT(PSI_MEMORY)) {
		s->ran = thread_cpu_time(t);
		list_add_tail(&s->link, &s->at->memory);
	}
	spin_unlock_irq(&s->at->lock, irq);
}

void psi_end(struct psi_stall *s)
{
	uint64_t irq;

	if (!s->what)
		return;
	irq = spin_lock_irq(&s->at->lock);
	count(s->at);
	stalls_add(s, (uint32_t)-1);
	if (s->what & BIT(PSI_MEMORY)) {
		count_ran(s);
		list_del(&s->link);
	}
	spin_unlock_irq(&s->at->lock, irq);
	s->thread->stalled &= ~s->what;
	if (s->what & BIT(PSI_IO))
		s->thread->refaults = false;
}

/* --- all harts together --- */

bool psi_waits_for_io(void)
{
	bool waits = false;

	for (uint32_t i = 0; i < nharts; i++)
		waits |= __atomic_load_n(&psi_harts[i].stalled[PSI_IO], __ATOMIC_RELAXED);
	return waits;
}

typedef uint64_t psi_times[PSI_RESOURCES][DEGREES];

/* Take what a hart has counted. How long it had anything to do. */
static uint64_t take(uint32_t index, psi_times times)
{
	struct psi_hart *p = &psi_harts[index];
	uint64_t waited = __atomic_load_n(&harts[index].waited, __ATOMIC_RELAXED), busy;
	uint64_t irq = spin_lock_irq(&p->lock);
	struct psi_stall *s;

	count(p);
	list_for_each_entry(s, &p->memory, link)
		count_ran(s);
	times[PSI_IO][PSI_SOME] = p->some[PSI_IO];
	times[PSI_IO][PSI_FULL] = p->idling[PSI_IO];
	times[PSI_MEMORY][PSI_SOME] = p->some[PSI_MEMORY];
	times[PSI_MEMORY][PSI_FULL] = MIN(p->some[PSI_MEMORY], p->idling[PSI_MEMORY] + p->ran);
	/* Of a processor not all can be in want; Linux shows 0. */
	times[PSI_CPU][PSI_SOME] = waited - p->waited;
	times[PSI_CPU][PSI_FULL] = 0;
	busy = p->busy;
	memset(p->some, 0, sizeof(p->some));
	memset(p->idling, 0, sizeof(p->idling));
	p->ran = p->busy = 0;
	p->waited = waited;
	spin_unlock_irq(&p->lock, irq);
	return busy;
}

/* (psi.lock) True: some hart had anything to do. */
static bool collect(void)
{
	psi_times times, sums = {{0}};
	uint64_t busy = 0;

	for (uint32_t i = 0; i < nharts; i++) {
		/* In us: the products must fit. */
		uint64_t weight = take(i, times) / NSEC_PER_USEC;

		busy += weight;
		for (unsigned r = 0; r < PSI_RESOURCES; r++)
			for (unsigned d = 0; d < DEGREES; d++)
				sums[r][d] += times[r][d] * weight;
	}
	for (unsigned r = 0; busy && r < PSI_RESOURCES; r++)
		for (unsigned d = 0; d < DEGREES; d++)
			psi.total[r][d] += sums[r][d] / busy;
	return busy;
}

/* One average: `missed` periods with nothing, then one of the given share, percent << 16. */
static uint32_t average(uint32_t avg, unsigned which, uint64_t missed, uint64_t share)
{
	/* exp(-2 s / 10 s), exp(-2 s / 60 s), exp(-2 s / 300 s), times 65536 */
	static const uint64_t decay[AVERAGES] = {53656, 63388, 65101};
	uint64_t a = avg;

	while (missed--)
		a = a * decay[which] >> 16;
	return (uint32_t)((a * decay[which] + share * (65536 - decay[which])) >> 16);
}

/* (psi.lock) Bring the averages up to now, if a period or more has passed. */
static void average_all(uint64_t now)
{
	uint64_t periods = (now - psi.since) / PERIOD, length, missed;

	if (!periods)
		return;
	/* Nothing ran in those that nobody looked at. */
	length = now - psi.since - (periods - 1) * PERIOD;
	missed = MIN(periods - 1, (uint64_t)MISSED_MAX);
	for (unsigned r = 0; r < PSI_RESOURCES; r++) {
		for (unsigned d = 0; d < DEGREES; d++) {
			uint64_t n = MIN(psi.total[r][d] - psi.averaged[r][d], length);

			for (unsigned i = 0; i < AVERAGES; i++)
				psi.avg[r][d][i] = average(psi.avg[r][d][i], i, missed,
							   (n * 100 << 16) / length);
			psi.averaged[r][d] = psi.total[r][d];
		}
	}
	psi.since = now;
}

static void period_over(struct timer *t)
{
	uint64_t irq = spin_lock_irq(&psi.lock);
	bool busy = collect();

	average_all(time_ns());
	spin_unlock_irq(&psi.lock, irq);
	if (busy)
		timer_set(t, time_ns() + PERIOD);
	else
		psi_awake = false;
}

void psi_wake(void)
{
	if (!atomic_exchange(&psi_awake, true))
		timer_set(&psi_timer, time_ns() + PERIOD);
}

void psi_read(enum psi_resource r, struct psi_values out[2])
{
	uint64_t irq = spin_lock_irq(&psi.lock);

	collect();
	if (!psi_awake)
		average_all(time_ns());
	for (unsigned d = 0; d < DEGREES; d++) {
		for (unsigned i = 0; i < AVERAGES; i++)
			out[d].avg[i] = (uint32_t)((uint64_t)psi.avg[r][d][i] * 100 >> 16);
		out[d].total = psi.total[r][d] / NSEC_PER_USEC;
	}
	spin_unlock_irq(&psi.lock, irq);
}

/* --- pages of files that went --- */

_Atomic bool psi_pages_went;
static uint32_t *gone; /* by hash: what went last there; 0: nothing, or it is back */
static unsigned gone_bits;

static uint32_t *gone_at(const struct object *o, uint64_t index, uint32_t *tag)
{
	uint64_t hash = hash_mix((uintptr_t)o, index);

	*tag = (uint32_t)hash | 1;
	return &gone[hash_u64(hash, gone_bits)];
}

void psi_page_went(const struct object *o, uint64_t index)
{
	uint32_t tag, *at;

	if (!gone)
		return;
	at = gone_at(o, index, &tag);
	__atomic_store_n(at, tag, __ATOMIC_RELAXED);
	psi_pages_went = true;
}

void psi_page_back(const struct object *o, uint64_t index)
{
	uint32_t tag, *at = gone_at(o, index, &tag);

	if (__atomic_load_n(at, __ATOMIC_RELAXED) != tag)
		return;
	__atomic_store_n(at, 0, __ATOMIC_RELAXED);
	current()->refaults = true;
}

/* --- frames --- */

static struct frame *(*reclaim_wait)(unsigned order, unsigned flags);

/* Who takes a frame and has to reclaim it himself is stalled. */
static struct frame *alloc_stalled(unsigned order, unsigned flags)
{
	struct psi_stall s;
	struct frame *f;

	psi_begin(&s, BIT(PSI_MEMORY));
	f = reclaim_wait(order, flags);
	psi_end(&s);
	return f;
}

void psi_init(void)
{
	for (uint32_t i = 0; i < nharts; i++) {
		spin_init(&psi_harts[i].lock, "stalls", RANK_STALLS);
		list_init(&psi_harts[i].memory);
	}
	timer_init(&psi_timer, period_over, NULL);
	psi_awake = false;
	gone_bits = MIN(ilog2(frames_total) - 2, GONE_BITS_MAX);
	gone = kzalloc(sizeof(*gone) << gone_bits);
	reclaim_wait = frame_alloc_wait_hook;
	frame_alloc_wait_hook = alloc_stalled;
}
