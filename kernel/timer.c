/*
 * Timers: a tree a hart, the hart's timer armed for the earliest or for the running thread's
 * slice. An idle hart without timers has nothing armed.
 */
#include "kernel/time.h"

#include "kernel/hart.h"
#include "kernel/machine.h"
#include "kernel/panic.h"
#include "kernel/riscv.h"
#include "kernel/sbi.h"
#include "kernel/thread.h"

#define IDLE_NS (100 * NSEC_PER_SEC)

struct timer_base {
	struct spinlock lock;	/* RANK_TIMER, interrupts off */
	struct rb_root timers;	/* (lock) by when */
	struct timer *running;	/* (lock) whose func is being called */
};

static struct timer_base bases[MAX_HARTS];
static bool have_sstc;

/*
 * The hardware is never set further ahead than IDLE_NS: an emulator that skips idle time would
 * otherwise skip to the end of time while a disk is still at work. The interrupt then finds
 * nothing due and sets it again.
 */
static void program(struct hart *h, uint64_t when, uint64_t now)
{
	uint64_t ticks = time_ns_to_ticks(MIN(when, now + IDLE_NS));

	h->timer_armed = when;
	if (have_sstc)
		csr_write(0x14d, ticks); /* stimecmp; writing it clears the interrupt */
	else
		sbi_set_timer(ticks);
}

void timer_init_hart(void)
{
	struct hart *h = this_hart();
	struct timer_base *b = &bases[h->index];

	have_sstc = machine_has(ISA_SSTC);
	spin_init(&b->lock, "timers", RANK_TIMER);
	b->timers = (struct rb_root)RB_ROOT_INIT;
	h->timers = b;
	program(h, UINT64_MAX, time_ns());
	csr_set(sie, SIE_STIE);
}

void timer_init(struct timer *t, void (*func)(struct timer *), void *data)
{
	t->base = NULL;
	t->func = func;
	t->data = data;
	rb_node_init(&t->node);
}

void timer_arm_by(uint64_t when, uint64_t now)
{
	struct hart *h = this_hart();

	if (when < h->timer_armed)
		program(h, when, now);
}

void timer_rearm(void)
{
	struct hart *h = this_hart();

	program(h, h->timer_armed, time_ns());
}

static void insert(struct timer_base *b, struct timer *t)
{
	struct rb_node **link = &b->timers.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = t->when < rb_entry(parent, struct timer, node)->when ? &parent->left
									     : &parent->right;
	}
	rb_insert(&b->timers, &t->node, parent, link, NULL);
	t->base = b;
}

/* Take t off its base, waiting while its function runs on another hart. True: it was armed. */
static bool detach(struct timer *t)
{
	for (;;) {
		struct timer_base *b = __atomic_load_n(&t->base, __ATOMIC_ACQUIRE);
		bool armed = false, busy = false;
		uint64_t irq;

		if (!b)
			return false;
		irq = spin_lock_irq(&b->lock);
		if (t->base == b) {
			busy = b->running == t && b != this_hart()->timers;
			armed = !rb_unlinked(&t->node);
			if (armed)
				rb_erase(&b->timers, &t->node, NULL);
			/*
			 * While its function runs, here or elsewhere, it keeps its base: the
			 * function may be about to arm it again, and who cancels it must see that.
			 */
			if (b->running != t)
				t->base = NULL;
		}
		spin_unlock_irq(&b->lock, irq);
		if (armed)
			return true;
		if (!busy)
			return false;
		cpu_relax();
	}
}

void timer_set(struct timer *t, uint64_t when)
{
	struct timer_base *b;
	uint64_t irq;

	detach(t);
	irq = irq_save();
	b = this_hart()->timers;
	spin_lock(&b->lock);
	t->when = when;
	insert(b, t);
	spin_unlock(&b->lock);
	if (when < this_hart()->timer_armed)
		program(this_hart(), when, time_ns());
	irq_restore(irq);
}

bool timer_cancel(struct timer *t)
{
	return detach(t);
}

void timer_interrupt(bool user)
{
	struct hart *h = this_hart();
	struct timer_base *b = h->timers;
	uint64_t now = time_ns(), next = UINT64_MAX;
	struct rb_node *n;

	if (now < h->timer_armed) {
		/* The clocks differ by a tick, or IDLE_NS has passed. */
		program(h, h->timer_armed, now);
		return;
	}
	spin_lock(&b->lock);
	while ((n = rb_first(&b->timers)) != NULL) {
		struct timer *t = rb_entry(n, struct timer, node);

		if (t->when > now)
			break;
		rb_erase(&b->timers, n, NULL);
		b->running = t;
		spin_unlock(&b->lock);
		t->func(t); /* may free or re-arm t */
		spin_lock(&b->lock);
		/* Whoever waits in detach, or asks later, sees it as not armed. */
		b->running = NULL;
	}
	if (n)
		next = rb_entry(n, struct timer, node)->when;
	spin_unlock(&b->lock);
	if (current() != h->idle)
		next = MIN(next, now + TICK_NS);
	program(h, next, now);
	sched_tick(user, now);
}

static void wake_sleeper(struct timer *t)
{
	thread_wake(t->data);
}

void sleep_ns(uint64_t ns)
{
	uint64_t until = time_ns() + ns;
	struct timer t;

	timer_init(&t, wake_sleeper, current());
	while (time_ns() < until) {
		current()->wait_mode = WAIT_UNINTERRUPTIBLE;
		__atomic_store_n(&current()->state, THREAD_SLEEPING, __ATOMIC_SEQ_CST);
		timer_set(&t, until);
		schedule();
		timer_cancel(&t);
	}
}
