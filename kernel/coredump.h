/*
 * Core files (core(5)): what the memory and the registers of a process were when a signal ended it.
 */
#pragma once

#include "kernel/line.h"
#include "kernel/uapi/signal.h"

/* How core files are named: core(5). (/proc/sys/kernel/core_pattern, core_uses_pid) */
extern const struct line core_pattern;
extern uint64_t core_uses_pid;

/*
 * The running thread, and its process with it, ends by info's signal. If that is one that leaves a
 * core file, and RLIMIT_CORE and PR_SET_DUMPABLE allow it, there is one in its working directory
 * before. May sleep.
 */
void process_die(const struct siginfo *info) __attribute__((noreturn));
/*
 * Before the running thread ends with its process: while another one writes a core file it waits,
 * all of its registers being in its trap frame.
 */
void coredump_join(void);
/* It is about to give up what it has: no core file waits for it. */
void coredump_pass(void);
