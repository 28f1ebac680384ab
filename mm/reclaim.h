/*
 * Getting memory back: the queue of page-cache frames, and who is asked when none is free.
 */
#pragma once

#include "kernel/types.h"

struct frame;

/* A frame enters the page cache, or leaves it. Never sleep; the object's tree lock may be held. */
void reclaim_enqueue(struct frame *f);
void reclaim_dequeue(struct frame *f);
/* Try to free n frames from the page cache, and from shrinkers unless nofs. How many went. May
 * sleep. */
uint64_t reclaim_frames(uint64_t n, bool nofs);
/* Drop all that can be made again (drop_caches). */
void reclaim_all(void);
/* Something was freed, or may be now: whoever waits for memory looks again. */
void reclaim_wake(void);
extern _Atomic uint64_t reclaim_queued; /* frames on the queue */

/* oom.c: kill the process that frees most. False: there is none left. */
bool oom_kill(void);
