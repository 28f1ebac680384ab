/*
 * The end: an invariant of ours is broken. Nothing a user program, a disk image or a device tree
 * does may lead here.
 */
#pragma once

#include "kernel/types.h"

struct trapframe;

/*
 * Print the message, registers, a symbolised backtrace and recent trace events; stop the machine.
 */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
/* The same with the registers of the trap that led to it. */
void panic_trap(const struct trapframe *tf, const char *fmt, ...) __printf(2, 3) __noreturn;
/* True once a panic has begun: consoles then write without locks. */
extern bool panicking;
/* Name of the function at a kernel address and the offset into it; "?" when unknown. */
const char *ksym_lookup(uint64_t addr, uint64_t *offset);

/* Always checked: cheap tests whose failure would corrupt data. */
#define assert_always(c)                                                                           \
	do {                                                                                       \
		if (unlikely(!(c)))                                                                \
			panic("%s:%d: %s", __FILE__, __LINE__, #c);                                \
	} while (0)
#if DEBUG
#define assert(c) assert_always(c)
#else
#define assert(c)                                                                                  \
	do {                                                                                       \
		if (0)                                                                             \
			(void)(c);                                                                 \
	} while (0)
#endif
