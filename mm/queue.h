/*
 * The queue of page-cache frames, oldest first.
 */
#pragma once

#include "kernel/wait.h"

struct frame;
struct object;

/* A frame enters the page cache, or leaves it. Never sleep; the object's tree lock may be held. */
void queue_enter(struct frame *f);
void queue_leave(struct frame *f);
/*
 * The oldest frame, moved to the end. *o NULL: its object is going, leave it; else both are
 * referenced. NULL when the queue is empty.
 */
struct frame *queue_next(struct object **o);
extern _Atomic uint64_t queue_length; /* frames */
/* Those who wait for memory; woken when something was freed, or may be now. */
extern struct waitqueue memory_wait;
