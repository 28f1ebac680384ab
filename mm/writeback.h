/*
 * Dirty pages on their way to the device: the list of objects that have some, and the flusher. What
 * the page cache asks of files, in fs/writeback.c, as pagecache_sync and pagecache_sync_all are.
 */
#pragma once

#include "kernel/wait.h"
#include "mm/object.h"

struct frame;

/* (tree_lock) f, in o's tree, is dirty: tag, flag, counters, list of dirty objects. */
void writeback_mark_locked(struct object *o, struct frame *f);
/* (tree_lock) f is not dirty any more. */
void writeback_clear_locked(struct object *o, struct frame *f);
/* The object is about to go: off the list. */
void writeback_forget(struct object *o);
/*
 * A writer, holding file-system locks of its own but none that write_pages takes, waits its turn.
 */
void writeback_throttle(void);
/* Have the flusher write now: memory is short. */
void writeback_kick(void);
void writeback_start(void);
/* Those who wait for memory; woken when something was freed, or may be now. */
extern struct waitqueue memory_wait;
/*
 * Percent of memory that may be dirty before the flusher starts, before writers wait; hundredths of
 * a second that a page may stay dirty, and between looks (0: only when told).
 */
extern uint64_t dirty_background_ratio, dirty_ratio, dirty_expire_centisecs;
extern uint64_t dirty_writeback_centisecs;
/* They were changed. */
void writeback_retime(void);
