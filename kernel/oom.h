/*
 * Out of memory: who dies.
 */
#pragma once

#include "kernel/types.h"

/* Kill the process that frees most. False: there is none left. No lock held; may sleep. */
bool oom_kill(void);
