/*
 * Out of memory: who dies. What a process is charged with is what its death would free, and its
 * oom_score_adj in thousandths of memory and swap together, as in Linux (proc_pid_oom_score(5)).
 */
#pragma once

#include "kernel/types.h"

struct process;

#define OOM_SCORE_ADJ_MIN (-1000) /* never killed */
#define OOM_SCORE_ADJ_MAX 1000

/*
 * Kill who is charged with most, unless somebody is dying already. False: nobody can be killed. No
 * lock held that the end of an address space takes; may sleep.
 */
bool oom_kill(void);
/* From 0 to 2000, of which 667 to 1333 are for who has an oom_score_adj of 0; takes proc_lock. */
unsigned oom_score(struct process *p);
