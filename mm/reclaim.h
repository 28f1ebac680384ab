/*
 * Getting memory back: the queue of page-cache frames, and who is asked when none is free.
 */
#pragma once

#include "kernel/types.h"

/* Try to free n frames from the page cache, and from shrinkers unless nofs. How many went. May
 * sleep. */
uint64_t reclaim_frames(uint64_t n, bool nofs);
/*
 * Called with nothing held before a call that takes many frames under locks (fork, exec): while
 * memory is short, reclaim, and wait for dirty pages to be written. Kills nobody; gives up when
 * nothing can be had or the caller is dying. May sleep.
 */
void reclaim_ahead(void);
/* Drop what can be made again (drop_caches): clean unmapped pages; what shrinkers have. */
void reclaim_caches(bool pages, bool objects);
