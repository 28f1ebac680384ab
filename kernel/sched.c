/*
 * The scheduler: one run queue a hart, ordered by virtual run time (time run, weighted by nice; for
 * real-time threads a place before all others, kernel/sched.h), the smallest first. A run queue's
 * lock is held across context_switch and released by the thread that comes next, so whoever holds
 * it sees each of its threads either running or fully saved.
 *
 * There is no periodic tick on an idle hart. A hart that runs a thread has its timer armed for
 * the end of the slice at the latest; it is not touched at a switch, since arming it costs a call
 * to the firmware: a timer that fires early just looks at the queue and goes on.
 */
#include "kernel/sched.h"

#include "kernel/cpuclock.h"
#include "kernel/panic.h"
#include "kernel/psi.h"
#include "kernel/riscv.h"
#include "kernel/rseq.h"
#include "kernel/rusage.h"
#include "kernel/trap.h"
#include "mm/aspace.h"

#define WAKEUP_GRAN_NS (1 * NSEC_PER_MSEC)

struct thread *context_switch(struct thread *prev, struct thread *next);
void sched_finish_switch(struct thread *prev);

/* Charge the running thread for the time since it was last charged. Run queue locked. */
static void account(struct hart *h, struct thread *t, uint64_t now)
{
	uint64_t ran = now - t->ran_since;

	t->ran_since = now;
	if (t == h->idle) {
		h->idle_time += ran;
		return;
	}
	t->runtime += ran;
	/* Who came meanwhile waited for half of it, as far as is known: waking reads no clock. */
	if (h->nr_running > 1)
		h->waited += ran >> h->alone;
	if (unlikely(t->class.weighted)) {
		class_charge(h, t, ran);
		return;
	}
	t->vruntime += ran;
	if ((int64_t)(t->vruntime - h->min_vruntime) > 0)
		h->min_vruntime = t->vruntime;
}

static inline uint64_t fpu_state_bits(void)
{
	return csr_read(sstatus) & SSTATUS_FS;
}

/* The registers of the FPU, which is off, become t's. Interrupts are off. */
static void fpu_load(struct hart *h, struct thread *t)
{
	csr_set(sstatus, SSTATUS_FS_CLEAN);
	if (h->fpu_owner == t && t->fpu.hart == h->index)
		return;
	fpu_restore(&t->fpu);
	csr_clear(sstatus, SSTATUS_FS);
	csr_set(sstatus, SSTATUS_FS_CLEAN);
	t->fpu.hart = h->index;
	h->fpu_owner = t;
}

/*
 * Save prev's floating-point registers if it changed them. A thread that did so when it last ran
 * has its own at once; the FPU is off for others, until they use it (thread_fpu_on).
 */
static void fpu_switch(struct hart *h, struct thread *prev, struct thread *next)
{
	prev->fpu.busy = fpu_state_bits() == SSTATUS_FS_DIRTY;
	if (prev->fpu.busy) {
		fpu_save(&prev->fpu);
		prev->fpu.hart = h->index;
		h->fpu_owner = prev;
	}
	csr_clear(sstatus, SSTATUS_FS);
	if (next->fpu.busy)
		fpu_load(h, next);
}

void thread_fpu_on(void)
{
	struct thread *t = current();
	uint64_t irq = irq_save();

	t->fpu.used = true;
	fpu_load(t->hart, t);
	irq_restore(irq);
}

void thread_fpu_sync(struct thread *t)
{
	uint64_t irq = irq_save();

	if (t == current() && fpu_state_bits() == SSTATUS_FS_DIRTY) {
		fpu_save(&t->fpu);
		csr_clear(sstatus, SSTATUS_FS);
		csr_set(sstatus, SSTATUS_FS_CLEAN);
		t->fpu.hart = t->hart->index;
		t->hart->fpu_owner = t;
	}
	irq_restore(irq);
}

void thread_fpu_discard(void)
{
	/* Off, so that no switch saves them over what is being written. */
	csr_clear(sstatus, SSTATUS_FS);
	current()->fpu.hart = MAX_HARTS; /* what a hart has of them is old */
}

/* Take a thread that could run here from the hart with the longest queue. Own queue locked. */
static struct thread *steal(struct hart *h)
{
	struct hart *busiest = NULL;
	uint32_t most = 1;
	struct thread *t = NULL;

	for (uint32_t i = 0; i < nharts; i++) {
		uint32_t n = __atomic_load_n(&harts[i].nr_running, __ATOMIC_RELAXED);

		if (&harts[i] != h && n > most) {
			most = n;
			busiest = &harts[i];
		}
	}
	/* Trying cannot deadlock with a hart that is stealing from us. */
	if (!busiest || !spin_trylock(&busiest->runq_lock))
		return NULL;
	for (struct rb_node *n = rb_last(&busiest->runq); n; n = rb_prev(n)) {
		struct thread *c = rb_entry(n, struct thread, runq_node);

		if (may_take(h, c)) {
			take_over(h, busiest, c);
			t = c;
			break;
		}
	}
	spin_unlock(&busiest->runq_lock);
	return t;
}

static struct thread *pick(struct hart *h)
{
	struct rb_node *n = rb_first(&h->runq);
	struct thread *t;

	if (n) {
		t = rb_entry(n, struct thread, runq_node);
		runq_remove(h, t);
		return t;
	}
	t = nharts > 1 ? steal(h) : NULL;
	return t ? t : h->idle;
}

/* Where a thread that wakes up should run: where it ran, or an idle hart if that one is busy. */
static struct hart *choose_hart(struct thread *t)
{
	struct hart *last = t->hart;

	if (last->online && may_run(last, t) && last->current == last->idle)
		return last;
	if (nharts > 1) {
		for (uint32_t i = 0; i < nharts; i++)
			if (harts[i].online && may_run(&harts[i], t) &&
			    harts[i].current == harts[i].idle && !harts[i].nr_running)
				return &harts[i];
		if (unlikely(rt_used))
			last = class_choose_hart(t, last);
	}
	if (may_run(last, t))
		return last;
	for (uint32_t i = 0; i < nharts; i++)
		if (harts[i].online && may_run(&harts[i], t))
			return &harts[i];
	return last;
}

/* Have the hart look at its queue soon. */
static void kick(struct hart *h)
{
	struct thread *running = h->current;

	__atomic_or_fetch(&running->work, WORK_RESCHED, __ATOMIC_RELEASE);
	if (h != current()->hart)
		ipi_send(h, IPI_RESCHED);
}

/* Queue t on h, which is locked. Says whether the thread running there should give way. */
static bool enqueue(struct hart *h, struct thread *t)
{
	uint64_t floor = runq_floor(h);

	if ((int64_t)(t->vruntime - floor) < 0)
		t->vruntime = unlikely(t->class.policy | t->class.lent) ? class_place(h, t) : floor;
	t->hart = h;
	t->moving = false;
	runq_insert(h, t);
	h->nr_running++;
	if (h->current == h->idle)
		return true;
	return (int64_t)(h->current->vruntime - t->vruntime) > (int64_t)WAKEUP_GRAN_NS;
}

/* Interrupts are off; t->hart is locked and t on no queue and no hart. Unlocks. */
static void enqueue_chosen(struct thread *t)
{
	struct hart *from, *to;

	while ((to = choose_hart(t)) != (from = t->hart)) {
		t->moving = true; /* so nobody else puts it anywhere */
		t->vruntime += to->min_vruntime - from->min_vruntime;
		t->hart = to; /* who changes its class meanwhile takes that hart's lock */
		spin_unlock(&from->runq_lock);
		spin_lock(&to->runq_lock);
		if (likely(may_run(to, t)))
			break;
	}
	if (enqueue(to, t))
		kick(to);
	spin_unlock(&to->runq_lock);
}

/* The second half of every switch, on the stack of the thread that comes next. */
void sched_finish_switch(struct thread *prev)
{
	struct hart *h = current()->hart;
	bool dead;

	spin_take(&h->runq_lock);
	prev->on_cpu = false;
	dead = thread_state(prev) == THREAD_DEAD;
	if (unlikely(prev->moving))
		enqueue_chosen(prev);
	else
		spin_unlock(&h->runq_lock);
	irq_enable();
	if (!dead)
		return;
	/* Only now: until it was off the hart, ticks looked at its process. */
	if (prev->process)
		process_put(prev->process);
	thread_put(prev);
}

/* preempted: the thread did not ask to sleep, so its state is not looked at. */
static void switch_away(bool preempted)
{
	struct thread *prev = current(), *next, *me;
	struct hart *h;
	uint64_t now;

	irq_disable();
	h = prev->hart;
	spin_lock(&h->runq_lock);
	now = time_ns();
	account(h, prev, now);
	__atomic_and_fetch(&prev->work, ~(uint32_t)WORK_RESCHED, __ATOMIC_RELAXED);
	if (prev == h->idle) {
		/* never queued */
	} else if (!preempted && thread_state(prev) != THREAD_RUNNING) {
		h->nr_running--;
	} else if (likely(may_run(h, prev))) {
		runq_insert(h, prev);
	} else {
		prev->moving = true; /* where to, sched_finish_switch looks */
		h->nr_running--;
	}
	next = pick(h);
	h->alone = h->nr_running <= 1;
	if (next == prev) {
		spin_unlock(&h->runq_lock);
		irq_enable();
		return;
	}
	if (preempted)
		prev->nivcsw++;
	else
		prev->nvcsw++;
	h->switches++;
	next->ran_since = now;
	next->on_cpu = true;
	h->current = next;
	if (next != h->idle && now + SLICE_NS < h->timer_armed)
		timer_arm_by(now + SLICE_NS, now);
	fpu_switch(h, prev, next);
	if (next->aspace)
		aspace_activate(next->aspace);
	spin_give(&h->runq_lock);
	me = prev;
	prev = context_switch(prev, next);
	rseq_switched(me, h);
	sched_finish_switch(prev);
}

void schedule(void)
{
	lockrank_assert_may_sleep();
	switch_away(false);
}

void thread_yield(void)
{
	struct thread *t = current();
	struct hart *h;
	uint64_t irq = irq_save();
	struct rb_node *last;

	/* Go behind all others that are waiting here; a real-time one behind its equals. */
	h = t->hart;
	spin_lock(&h->runq_lock);
	last = rb_last(&h->runq);
	if (unlikely(thread_is_rt(t))) {
		t->vruntime = class_place(h, t);
	} else if (last) {
		uint64_t ahead = rb_entry(last, struct thread, runq_node)->vruntime - t->vruntime;

		/* But not behind what one of little weight is ahead. */
		if ((int64_t)ahead > 0)
			t->vruntime += MIN(ahead, (uint64_t)SLICE_NS);
	}
	spin_unlock(&h->runq_lock);
	irq_restore(irq);
	if (last)
		switch_away(true);
}

void sched_preempt(void)
{
	struct thread *t = current();

	/*
	 * Once at a time: an interrupt that comes while we switch must not switch again on top of
	 * us, or a storm of them would pile up until the stack is full.
	 */
	while ((t->work & WORK_RESCHED) && !t->preempt_count) {
		t->preempt_count++;
		switch_away(true);
		t->preempt_count--;
	}
}

bool thread_wake(struct thread *t)
{
	uint64_t irq = irq_save();
	struct hart *h = lock_hart_of(t);
	uint32_t state = thread_state(t);

	if (state != THREAD_SLEEPING && state != THREAD_STOPPED) {
		spin_unlock(&h->runq_lock);
		irq_restore(irq);
		return false;
	}
	__atomic_store_n(&t->state, THREAD_RUNNING, __ATOMIC_RELEASE);
	if (t->on_cpu || t->on_runq || t->moving)
		spin_unlock(&h->runq_lock); /* it had not gone to sleep yet */
	else
		enqueue_chosen(t);
	irq_restore(irq);
	return true;
}

void thread_start(struct thread *t)
{
	uint64_t irq = irq_save();
	struct hart *h = lock_hart_of(t); /* it can be found, and its class set, already */

	/* So low, a thread of another class is given its place. */
	t->vruntime = h->min_vruntime - (unlikely(t->class.policy | t->class.lent) ? RT_LEAD : 0);
	t->state = THREAD_RUNNING;
	enqueue_chosen(t);
	irq_restore(irq);
}

/* Take t off the queue of h, which is locked, or have it leave h, if that runs it. Unlocks. */
static void move_away(struct hart *h, struct thread *t)
{
	if (t->on_runq && !t->on_cpu) {
		runq_remove(h, t);
		h->nr_running--;
		enqueue_chosen(t);
		return;
	}
	if (h->current == t)
		kick(h);
	spin_unlock(&h->runq_lock);
}

/* Is t still on a hart that it may not run on? */
static bool leaves(struct thread *t)
{
	uint64_t irq = irq_save();
	struct hart *h = lock_hart_of(t);
	bool still = t->on_cpu && !may_run(h, t);

	spin_unlock(&h->runq_lock);
	irq_restore(irq);
	return still;
}

void sched_set_affinity(struct thread *t, hartmask_t mask)
{
	uint64_t irq = irq_save();
	struct hart *h = lock_hart_of(t);

	t->affinity = mask;
	if (may_run(h, t))
		spin_unlock(&h->runq_lock);
	else
		move_away(h, t);
	irq_restore(irq);
	if (t == current())
		sched_preempt();
	else
		while (leaves(t)) /* the kernel can be preempted: it is not there for long */
			thread_yield();
}

/* A hart with two threads more than this one gives one away. Interrupts off. */
static void balance(struct hart *h)
{
	struct thread *t;

	for (uint32_t i = 0; i < nharts; i++) {
		if (__atomic_load_n(&harts[i].nr_running, __ATOMIC_RELAXED) < h->nr_running + 2)
			continue;
		spin_lock(&h->runq_lock);
		t = steal(h);
		if (t)
			runq_insert(h, t);
		spin_unlock(&h->runq_lock);
		return;
	}
}

void sched_tick(bool user, uint64_t now)
{
	struct thread *t = current();
	struct hart *h = t->hart;

	if (t == h->idle)
		return;
	if (user)
		t->uticks++;
	else
		t->sticks++;
	spin_lock(&h->runq_lock);
	account(h, t, now);
	h->alone = h->nr_running <= 1;
	if (unlikely(rt_used))
		class_tick(h, t, now);
	if (runq_has_better(h))
		__atomic_or_fetch(&t->work, WORK_RESCHED, __ATOMIC_RELAXED);
	spin_unlock(&h->runq_lock);
	if (t->process) {
		rlimit_cpu_check(t);
		rlimit_rt_check(t);
		cpu_timers_check(t);
		cpu_alarms_check(t);
	}
	if (nharts > 1)
		balance(h);
	psi_tick();
}

/* t's class was another one: where it stands now, if it stands or runs here. h locked. */
static void class_changed(struct hart *h, struct thread *t, struct sched_class was, bool here)
{
	uint32_t is = class_priority(&t->class), had = class_priority(&was);

	/* What a thread of little weight was ahead, it is not when it counts as others do. */
	if (!is && (had || (was.weighted && !t->class.weighted)))
		t->vruntime = h->min_vruntime;
	else if (!is)
		return;
	else if (!here) /* it gets its place when it wakes */
		t->vruntime = h->min_vruntime - RT_LEAD;
	else if (is < had)
		t->vruntime = class_place_first(h, t);
	else if (is > had || t->class.policy != was.policy)
		t->vruntime = class_place(h, t);
}

/* t is h's, which is locked. */
static void params_set(struct hart *h, struct thread *t, struct sched_class class, int nice)
{
	struct sched_class was = t->class;
	bool queued = t->on_runq, runs = h->current == t;

	if (runs)
		account(h, t, time_ns());
	if (queued)
		runq_remove(h, t);
	class.weighted = nice || class_priority(&class) || class.policy == SCHED_IDLE;
	t->class = class;
	t->nice = nice;
	/* What is lent does not count. */
	if (class.priority)
		t->timer_slack = 0;
	else if (!t->timer_slack)
		t->timer_slack = t->timer_slack_default;
	if (thread_is_rt(t))
		rt_used = true;
	class_changed(h, t, was, queued || runs);
	if (queued)
		runq_insert(h, t);
	if (h->current != h->idle && runq_has_better(h))
		kick(h);
}

struct sched_params sched_get(struct thread *t)
{
	uint64_t irq = irq_save();
	struct hart *h = lock_hart_of(t);
	struct sched_params is = {.class = t->class, .nice = t->nice};

	spin_unlock(&h->runq_lock);
	irq_restore(irq);
	return is;
}

bool sched_set(struct thread *t, const struct sched_params *was, const struct sched_params *to)
{
	uint64_t irq = irq_save();
	struct hart *h = lock_hart_of(t);
	bool same = t->nice == was->nice && t->class.policy == was->class.policy &&
		    t->class.priority == was->class.priority &&
		    t->class.reset_on_fork == was->class.reset_on_fork;
	struct sched_class class = to->class;

	class.lent = t->class.lent;
	if (same)
		params_set(h, t, class, to->nice);
	spin_unlock(&h->runq_lock);
	irq_restore(irq);
	return same;
}

void sched_set_nice(struct thread *t, int nice)
{
	uint64_t irq = irq_save();
	struct hart *h = lock_hart_of(t);

	params_set(h, t, t->class, nice);
	spin_unlock(&h->runq_lock);
	irq_restore(irq);
}

void sched_lend(struct thread *t, uint8_t priority)
{
	uint64_t irq = irq_save();
	struct hart *h = lock_hart_of(t);
	struct sched_class class = t->class;

	class.lent = priority;
	params_set(h, t, class, t->nice);
	spin_unlock(&h->runq_lock);
	irq_restore(irq);
}

void sched_exit(void)
{
	struct thread *t = current();

	irq_disable();
	if (t->hart->fpu_owner == t)
		t->hart->fpu_owner = NULL;
	csr_clear(sstatus, SSTATUS_FS);
	__atomic_store_n(&t->state, THREAD_DEAD, __ATOMIC_RELEASE);
	switch_away(false);
	panic("a dead thread ran");
}

/* Until mm/ has something better to do. */
__attribute__((weak)) bool idle_work(void)
{
	return false;
}

/* What a hart does when it has nothing to do: its idle thread never leaves this loop. */
void idle_loop(void)
{
	struct thread *t = current();
	struct hart *h = t->hart;

	for (;;) {
		irq_disable();
		if (h->nr_running || (t->work & WORK_RESCHED)) {
			switch_away(true);
			continue;
		}
		irq_enable();
		if (idle_work())
			continue;
		irq_disable();
		/*
		 * wfi returns for an interrupt that is pending even while they are off: none is
		 * lost.
		 */
		if (!h->nr_running && !(t->work & WORK_RESCHED))
			wait_for_interrupt();
		irq_enable();
	}
}

void sched_init_hart(struct hart *h, struct thread *idle)
{
	spin_init(&h->runq_lock, "runq", RANK_RUNQ);
	h->runq = (struct rb_root)RB_ROOT_INIT;
	h->idle = idle;
	h->current = idle;
	idle->hart = h;
	idle->on_cpu = true;
	idle->state = THREAD_RUNNING;
	idle->ran_since = time_ns();
}

uint64_t thread_cpu_time(struct thread *t)
{
	uint64_t ran, irq = irq_save();
	struct hart *h = lock_hart_of(t);

	ran = t->runtime;

	if (t->on_cpu && h->current == t)
		ran += time_ns() - t->ran_since;
	spin_unlock(&h->runq_lock);
	irq_restore(irq);
	return ran;
}

/*
 * Exact run time divided by how often ticks met the thread in user mode and in the kernel. With
 * no tick yet, a thread counts as having been in user mode.
 */
void thread_cpu_times(struct thread *t, uint64_t *user, uint64_t *system)
{
	uint64_t total = thread_cpu_time(t), u = t->uticks, s = t->sticks;

	*system = u + s ? total / (u + s) * s : 0;
	*user = total - *system;
}
