/*
 * acct(2): a record of each process that ended, at the end of a file.
 */
#pragma once

#include "kernel/types.h"

struct process;
struct thread;

/*
 * Percent of a volume: records begin when so much is free, end when no more is; and seconds after
 * which that is looked at again. (/proc/sys/kernel/acct)
 */
enum { ACCT_RESUME, ACCT_SUSPEND, ACCT_INTERVAL, ACCT_LIMITS };
extern uint64_t acct_limits[ACCT_LIMITS];

void acct_init(void);

/* p's last thread t, the running one, ends; its memory and descriptors are still there. Sleeps. */
void acct_process(struct process *p, struct thread *t);
