/*
 * Harts: the processors of the machine, found in the device tree and started through SBI HSM.
 */
#pragma once

#include "kernel/asm.h"
#include "kernel/spinlock.h"
#include "lib/rbtree.h"


struct thread;
struct aspace;
struct timer;

/* A set of harts by index (not by hart id). */
typedef uint64_t hartmask_t;

/* Per-hart state; reached through current()->hart or harts[i]. */
struct hart {
	uint64_t emergency_stack_top; /* for kernel stack overflows; offset 0 known to entry.S */
	uint32_t index;		/* 0..nharts-1; index 0 is the boot hart */
	uint32_t hartid;	/* as firmware numbers it */
	bool online;
	struct thread *current;	/* (own hart) */
	struct thread *idle;
	struct thread *fpu_owner; /* (own hart) whose registers the FPU holds, or NULL */
	struct aspace *aspace;	/* (own hart) space in satp; NULL: the kernel's own */

	struct spinlock runq_lock; /* RANK_RUNQ, interrupts off */
	struct rb_root runq;	/* (runq_lock) runnable threads, not the running one */
	uint64_t min_vruntime;	/* (runq_lock) grows only */
	uint64_t rt_base, rt_next; /* (runq_lock) places of real-time threads: schedclass.c */
	uint64_t rt_since, rt_ran; /* (runq_lock) ns: their period began; they have run in it */
	bool rt_spent;		/* (runq_lock) which is all they may */
	uint32_t nr_running;	/* (runq_lock) the queued ones and the running one, idle excluded */
	uint32_t alone;		/* (runq_lock) 1: when it was last looked at, nobody was queued */
	uint64_t waited;	/* (runq_lock) ns in which somebody was, about */
	bool idling;		/* in wfi or about to be */

	_Atomic uint32_t ipi_pending; /* IPI_* bits */
	struct timer_base *timers;
	uint64_t timer_armed;	/* (own hart, interrupts off) ns; UINT64_MAX: not armed */

	uint64_t irq_count;
	uint64_t idle_time;	/* ns spent idle, for /proc/stat and uptime */
	uint64_t busy_user, busy_system; /* ns */
	uint64_t switches;
	uint64_t lock_spins;	/* (own hart) looks at a spin lock that found it taken */
	uint64_t lock_sleeps;	/* (own hart) waits for a mutex or a rwlock, about */
	void *percpu_mm;	/* frame caches etc.: mm/ owns what it points to */
};

extern struct hart harts[MAX_HARTS];
extern uint32_t nharts;

/* this_hart() is in kernel/thread.h. */

/* Inter-processor interrupts. */
enum { IPI_RESCHED = 1, IPI_CALL = 2, IPI_STOP = 4, IPI_TIMER = 8 };
void ipi_send(struct hart *h, uint32_t what);
/*
 * Run func(arg) on every hart of mask but this one, and wait until all have. func runs in
 * interrupt context. Interrupts must be on, no spin lock held that func's harts may spin on.
 */
void hart_call(hartmask_t mask, void (*func)(void *), void *arg);
void ipi_interrupt(void); /* the software interrupt of this hart */
/* Number the harts of the machine; the boot hart gets index 0. */
void harts_init(uint32_t boot_hartid);
/*
 * Nanoseconds that a hart was idle, the idling that goes on now included: a hart without a tick may
 * not account for itself for a long time. Any context.
 */
uint64_t hart_idle_time(const struct hart *h);
/* What each hart sets up for itself, with its idle thread running. */
void hart_init_this(void);
/* Start all secondary harts (HSM) and wait until they are online. */
void harts_start(void);
/* Index of a hart id, or -1. */
int hart_index(uint32_t hartid);
