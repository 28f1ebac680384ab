/*
 * Scheduling classes (sched(7)), between sched.c, which has the run queues, and schedclass.c, which
 * says where in one a thread stands that is not SCHED_OTHER.
 *
 * There is one queue a hart, ordered by virtual run time. Real-time threads stand in it RT_LEAD
 * before all others, the highest priority first, of one priority the longest there: their virtual
 * run time is such a place, and does not pass. So nobody else pays for them.
 */
#pragma once

#include "kernel/thread.h"
#include "kernel/time.h"
#include "kernel/uapi/sched.h"

#define RT_PRIO_MAX 99
#define RT_LEAD	    (1UL << 62)
#define SLICE_NS    (10 * NSEC_PER_MSEC)

/* By which it is scheduled: 1..99, or 0. */
static inline uint32_t class_priority(const struct sched_class *c)
{
	return MAX(c->priority, c->lent);
}

static inline bool thread_is_rt(const struct thread *t)
{
	return class_priority(&t->class) != 0;
}

/* (the lock of its run queue) */
static inline uint32_t thread_state(const struct thread *t)
{
	return __atomic_load_n((const uint32_t *)&t->state, __ATOMIC_RELAXED);
}

/* Set once a thread has been a real-time one. */
extern bool rt_used;

/* A turn of SCHED_RR. (/proc/sys/kernel/sched_rr_timeslice_ms) */
extern uint64_t rr_slice_ms;
#define RR_SLICE_DEFAULT_MS 100
#define RT_PERIOD_US	    1000000
/* Real-time threads of a hart get so much of each period; -1: all. (sched_rt_runtime_us) */
extern uint64_t rt_runtime_us;

/* The place of t, which is to stand in h's queue (locked), by its class. */
uint64_t class_place(struct hart *h, const struct thread *t);
/* That of a real-time thread before all of its priority. */
uint64_t class_place_first(struct hart *h, const struct thread *t);

/* --- sched.c: h's run queue is locked --- */

static inline void runq_insert(struct hart *h, struct thread *t)
{
	struct rb_node **link = &h->runq.node, *parent = NULL;

	while (*link) {
		parent = *link;
		if ((int64_t)(t->vruntime -
			      rb_entry(parent, struct thread, runq_node)->vruntime) < 0)
			link = &parent->left;
		else
			link = &parent->right;
	}
	rb_insert(&h->runq, &t->runq_node, parent, link, NULL);
	t->on_runq = true;
}

static inline void runq_remove(struct hart *h, struct thread *t)
{
	rb_erase(&h->runq, &t->runq_node, NULL);
	t->on_runq = false;
}

/* Where a thread starts at h that is far behind: there is no credit beyond half a slice. */
static inline uint64_t runq_floor(const struct hart *h)
{
	return h->min_vruntime - SLICE_NS / 2;
}

static inline bool may_run(const struct hart *h, const struct thread *t)
{
	return t->affinity >> h->index & 1;
}

static inline bool may_take(const struct hart *h, const struct thread *t)
{
	return !t->on_cpu && may_run(h, t);
}

/* t leaves another hart's queue for h, where it is on none yet. Both locked. */
static inline void take_over(struct hart *h, struct hart *from, struct thread *t)
{
	runq_remove(from, t);
	from->nr_running--;
	h->nr_running++;
	t->vruntime += h->min_vruntime - from->min_vruntime;
	t->hart = h;
	if (unlikely(thread_is_rt(t)))
		t->vruntime = class_place(h, t);
	else if ((int64_t)(t->vruntime - runq_floor(h)) < 0)
		t->vruntime = runq_floor(h);
}

/* Is there a better thread in h's queue than the one it runs? Locked. */
static inline bool runq_has_better(const struct hart *h)
{
	const struct rb_node *n = rb_first(&h->runq);

	return n && (int64_t)(h->current->vruntime -
			      rb_entry(n, struct thread, runq_node)->vruntime) > 0;
}

/* Lock the run queue t belongs to, which may change until it is locked. Interrupts off. */
static inline struct hart *lock_hart_of(struct thread *t)
{
	for (;;) {
		struct hart *h = __atomic_load_n(&t->hart, __ATOMIC_ACQUIRE);

		spin_lock(&h->runq_lock);
		if (likely(h == t->hart))
			return h;
		spin_unlock(&h->runq_lock);
	}
}

/* --- schedclass.c: the same --- */

/* t, which is weighted, ran for so long: its virtual run time, and what h's start from. */
void class_charge(struct hart *h, struct thread *t, uint64_t ran);
/* The tick of h, which runs t, once there have been real-time threads. */
void class_tick(struct hart *h, struct thread *t, uint64_t now);
/*
 * No hart idles: where a real-time thread can run at once, another beside no real-time one, or
 * else its own, which is locked. What the others run can only be seen with their queues locked,
 * which are not waited for.
 */
struct hart *class_choose_hart(const struct thread *t, struct hart *own);
