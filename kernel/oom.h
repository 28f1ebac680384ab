/*
 * Out of memory: who dies. What a process is charged with is what its death would free, and its
 * oom_score_adj in thousandths of memory and swap together, as in Linux (proc_pid_oom_score(5)).
 */
#pragma once

#include <stdatomic.h>

#include "kernel/psi.h"

struct object;
struct process;

#define OOM_SCORE_ADJ_MIN (-1000) /* never killed */
#define OOM_SCORE_ADJ_MAX 1000

/*
 * Kill who is charged with most, unless somebody is dying already. False: nobody can be killed. No
 * lock held that the end of an address space takes; may sleep.
 */
bool oom_kill(void);
/*
 * Though something can always be let go, nobody may get on: when hardly a page of a file is left
 * (scarce), and what goes is what is needed next. Told of each page that went, and of each that
 * comes, this finds out; true once each time. Any context.
 */
void oom_page_went(const struct object *o, uint64_t index, bool scarce);
void oom_page_back(const struct object *o, uint64_t index);
extern _Atomic bool oom_watching; /* pages went */
static inline void oom_page_came(const struct object *o, uint64_t index)
{
	if (unlikely(atomic_load_explicit(&oom_watching, memory_order_relaxed)))
		oom_page_back(o, index);
	psi_page_came(o, index);
}
/* Somebody is killed if that is so. May sleep. */
void oom_end_thrashing(void);
/* From 0 to 2000, of which 667 to 1333 are for who has an oom_score_adj of 0; takes proc_lock. */
unsigned oom_score(struct process *p);
