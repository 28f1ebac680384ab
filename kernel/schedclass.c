/*
 * Scheduling classes (sched(7)): what the time of threads counts that are not SCHED_OTHER with nice
 * 0, and where real-time ones stand in a run queue.
 *
 * Real-time threads of a hart get rt_runtime_us of each RT_PERIOD_US. When that is spent, they
 * stand behind the others until the period is over, so that a loop in one does not take the machine
 * away.
 */
#include "kernel/sched.h"

#define RT_PERIOD_NS   (RT_PERIOD_US * 1000ul)
#define LEVEL_SHIFT    48 /* half as many come and go before one priority reaches the next */
#define SPENT_SHIFT    40 /* so it is behind the others: min_vruntime goes not so far in a period */
#define WEIGHT_IDLE    3

/* The share of nice n: each step is about 10 % of processor time (nice(2)); 1024 for nice 0. */
static const uint32_t nice_weight[40] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
	9537,  7629,  6104,  4883,  3906,  3125,  2500,	 2000,	1600,  1280,
	1024,  819,   655,   524,   419,   336,	  268,	 215,	172,   137,
	110,   88,    70,    56,    45,	   36,	  29,	 23,	18,    15,
};

bool rt_used;
uint64_t rr_slice_ms = RR_SLICE_DEFAULT_MS;
uint64_t rt_runtime_us = 950000;

static bool rt_queued(const struct hart *h)
{
	const struct rb_node *n = rb_first(&h->runq);

	return n && thread_is_rt(rb_entry(n, struct thread, runq_node));
}

/* Behind all of its priority, or before them. */
static uint64_t rt_place(struct hart *h, const struct thread *t, bool first)
{
	uint64_t level;

	if (h->rt_spent && time_ns() - h->rt_since < RT_PERIOD_NS)
		return h->min_vruntime +
		       ((uint64_t)(1 + RT_PRIO_MAX - class_priority(&t->class)) << SPENT_SHIFT);
	/* Places are from one base as long as there is anybody who has one. */
	if ((h->current == t || !thread_is_rt(h->current)) && !rt_queued(h)) {
		h->rt_base = h->min_vruntime - RT_LEAD;
		h->rt_next = 0;
	}
	level = h->rt_base + ((uint64_t)(RT_PRIO_MAX - class_priority(&t->class)) << LEVEL_SHIFT);
	h->rt_next++;
	return first ? level - h->rt_next : level + h->rt_next;
}

uint64_t class_place(struct hart *h, const struct thread *t)
{
	/* For having slept, SCHED_BATCH and SCHED_IDLE get nothing. */
	return thread_is_rt(t) ? rt_place(h, t, false) : h->min_vruntime;
}

uint64_t class_place_first(struct hart *h, const struct thread *t)
{
	return rt_place(h, t, true);
}

/*
 * A thread with virtual run time v ran on h. One of little weight leaps far ahead of others: those
 * that wake start from where these are, or they would wait until all have come there.
 */
static void min_raise(struct hart *h, uint64_t v)
{
	const struct rb_node *n = rb_first(&h->runq);
	const struct thread *first;

	while (n && thread_is_rt(rb_entry(n, struct thread, runq_node)))
		n = rb_next(n);
	if (n) {
		first = rb_entry(n, struct thread, runq_node);
		if ((int64_t)(v - first->vruntime) > 0)
			v = first->vruntime;
	}
	if ((int64_t)(v - h->min_vruntime) > 0)
		h->min_vruntime = v;
}

void class_charge(struct hart *h, struct thread *t, uint64_t ran)
{
	uint32_t weight = nice_weight[t->nice + 20];

	if (!thread_is_rt(t)) {
		if (t->class.policy == SCHED_IDLE)
			weight = WEIGHT_IDLE;
		t->vruntime += ran * 1024 / weight;
		min_raise(h, t->vruntime);
		return;
	}
	t->rr_ran += ran;
	h->rt_ran += ran;
	/* It may sleep longer than the period lasts: who wakes it finds it a place. */
	if (h->rt_spent && thread_state(t) != THREAD_RUNNING)
		t->vruntime = h->min_vruntime - RT_LEAD;
}

/*
 * True: real-time threads have had their share of a period, or have a new one: they all have to
 * find a new place. Locked.
 */
static bool period_tick(struct hart *h, struct thread *t, uint64_t now)
{
	bool was = h->rt_spent;

	if (now - h->rt_since >= RT_PERIOD_NS) {
		h->rt_since = now;
		h->rt_ran = 0;
	}
	h->rt_spent = (int64_t)rt_runtime_us >= 0 && h->rt_ran >= rt_runtime_us * 1000;
	if (h->rt_spent == was && t->class.policy == SCHED_RR &&
	    t->rr_ran >= rr_slice_ms * NSEC_PER_MSEC) {
		t->rr_ran = 0;
		t->vruntime = class_place(h, t);
	}
	return h->rt_spent != was;
}

/* Every real-time thread of h finds a new place. Locked. */
static void rt_place_all(struct hart *h)
{
	struct rb_root queue = h->runq;
	struct rb_node *n;

	h->runq = (struct rb_root)RB_ROOT_INIT;
	if (thread_is_rt(h->current))
		h->current->vruntime = class_place(h, h->current);
	while ((n = rb_first(&queue)) != NULL) {
		struct thread *t = rb_entry(n, struct thread, runq_node);

		rb_erase(&queue, n, NULL);
		if (thread_is_rt(t))
			t->vruntime = class_place(h, t);
		runq_insert(h, t);
	}
}

/* Real-time threads that have to wait elsewhere come here, where none runs. h locked. */
static void rt_pull(struct hart *h)
{
	for (uint32_t i = 0; i < nharts; i++) {
		struct hart *from = &harts[i];
		struct rb_node *n;
		struct thread *t;

		if (from == h || !from->online || !spin_trylock(&from->runq_lock))
			continue;
		n = rb_first(&from->runq);
		t = n ? rb_entry(n, struct thread, runq_node) : NULL;
		if (t && thread_is_rt(t) && thread_is_rt(from->current) && may_take(h, t)) {
			take_over(h, from, t);
			runq_insert(h, t);
		}
		spin_unlock(&from->runq_lock);
	}
}

void class_tick(struct hart *h, struct thread *t, uint64_t now)
{
	if (period_tick(h, t, now))
		rt_place_all(h);
	if (!thread_is_rt(t) && !h->rt_spent)
		rt_pull(h);
}

struct hart *class_choose_hart(const struct thread *t, struct hart *own)
{
	uint32_t least = MAX(class_priority(&t->class), 1U);
	struct hart *best = own;

	if ((t->affinity >> own->index & 1) && class_priority(&own->current->class) < least)
		return own;
	for (uint32_t i = 0; i < nharts; i++) {
		struct hart *h = &harts[i];

		if (h == own || !h->online || !(t->affinity >> i & 1) ||
		    !spin_trylock(&h->runq_lock))
			continue;
		if (class_priority(&h->current->class) < least) {
			least = class_priority(&h->current->class);
			best = h;
		}
		spin_unlock(&h->runq_lock);
	}
	return best;
}

void sched_reset(struct thread *t)
{
	bool reset = t->class.reset_on_fork;

	t->class.lent = 0;
	t->class.reset_on_fork = false;
	if (reset && thread_is_rt(t)) {
		t->class.policy = SCHED_OTHER;
		t->class.priority = 0;
		t->nice = 0;
	}
	if (reset)
		t->nice = MAX(t->nice, 0);
	t->class.weighted = t->nice || thread_is_rt(t) || t->class.policy == SCHED_IDLE;
}
