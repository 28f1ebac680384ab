/* Scheduling classes of processes, for their tests. */
#pragma once

#include "ut.h"

#include <sched.h>

static inline int set(pid_t pid, int policy, int priority)
{
	struct sched_param p = {.sched_priority = priority};

	return sched_setscheduler(pid, policy, &p);
}
