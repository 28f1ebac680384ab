/*
 * acct(2): a record of each process that ended, at the end of a file.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/uapi/acct.h"

struct process;
struct thread;

/*
 * Percent of a volume: records begin when so much is free, end when no more is; and seconds after
 * which that is looked at again. (/proc/sys/kernel/acct)
 */
enum { ACCT_RESUME, ACCT_SUSPEND, ACCT_INTERVAL, ACCT_LIMITS };
extern uint64_t acct_limits[ACCT_LIMITS];

void acct_init(void);

/*
 * p's last thread t, the running one, ends: make its record while it has its memory. False: nobody
 * wants it. Then, when the memory is gone, so that nobody waits for it here: write it. Sleeps.
 */
bool acct_begin(struct acct_v3 *record, struct process *p, struct thread *t);
void acct_end(struct acct_v3 *record, struct process *p, struct thread *t);
