/*
 * Traps: the way from user mode or an interrupt into the kernel and back. entry.S saves
 * registers in a struct trapframe at the top of the kernel stack; trap.c decides.
 */
#pragma once

#include "kernel/types.h"

/*
 * Registers in the order of Linux's user_regs_struct (pc first, then x1..x31), so that signal
 * frames and ptrace copy them as they are. A system call saves s0-s11 here only when it needs
 * them (clone, signals); gp too.
 */
struct trapframe {
	uint64_t pc;
	uint64_t ra, sp, gp, tp, t0, t1, t2, s0, s1;
	uint64_t a0, a1, a2, a3, a4, a5, a6, a7;
	uint64_t s2, s3, s4, s5, s6, s7, s8, s9, s10, s11;
	uint64_t t3, t4, t5, t6;
	uint64_t status;  /* sstatus */
	uint64_t cause;   /* scause */
	uint64_t badaddr; /* stval */
	uint64_t orig_a0; /* first argument of the system call, for restarts */
};

struct thread;
/* The trap frame of a user thread: at the top of its kernel stack. */
struct trapframe *thread_trapframe(struct thread *t);

void trap_user(struct trapframe *tf);	/* from entry.S: all but system calls */
void trap_kernel(struct trapframe *tf);	/* from entry.S: traps taken in the kernel */
void trap_user_work(struct trapframe *tf); /* from entry.S: thread->work is not 0 */
void trap_init_hart(void);

/* interrupts from devices, through the interrupt controller: kernel/irq.c */
typedef void (*irq_handler_t)(void *arg);
struct irq_chip {
	const char *name;
	int (*enable)(uint32_t irq, bool on);
	/* Handle all that is pending for this hart: calls irq_dispatch for each source. */
	void (*handle)(void);
	void (*init_hart)(void);
};
void irq_chip_register(const struct irq_chip *chip);
/*
 * Have handler(arg) called, in interrupt context, when source irq fires; enables it. 0 or -errno.
 */
int irq_register(uint32_t irq, const char *name, irq_handler_t handler, void *arg);
void irq_unregister(uint32_t irq);
void irq_dispatch(uint32_t irq);
void irq_handle(void);	  /* the external interrupt of this hart: ask the controller */
void irq_init_hart(void);
/* Name of what handles a source and how often it fired; NULL: nothing does (/proc/interrupts). */
const char *irq_info(uint32_t irq, uint64_t *count);
