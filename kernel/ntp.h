/*
 * By what the clock is corrected: the discipline of adjtimex(2), as Linux's.
 */
#pragma once

#include "kernel/types.h"

struct timex;

/* Before anything is changed: there is a thread that sees to it. 0 or -ENOMEM. May sleep. */
int ntp_start(void);
/*
 * What t asks for, which its fields were checked for; all that there is to tell goes into t. The
 * state of the clock (TIME_OK ...). May sleep.
 */
int ntp_adjust(struct timex *t);
/* CLOCK_REALTIME was set: what it was corrected by is forgotten, its timers are set. May sleep. */
void ntp_clock_was_set(void);
/* By how much CLOCK_TAI is ahead of CLOCK_REALTIME. Any context. */
uint64_t ntp_tai_ns(void);
void ntp_init(void);
