/*
 * Getting memory back: the queue of page-cache frames, and who is asked when none is free.
 */
#pragma once

#include "kernel/types.h"

/* Try to free n frames from the page cache, and from shrinkers unless nofs. How many went. May
 * sleep. */
uint64_t reclaim_frames(uint64_t n, bool nofs);
/* Drop all that can be made again (drop_caches). */
void reclaim_all(void);

/* oom.c: kill the process that frees most. False: there is none left. */
bool oom_kill(void);
