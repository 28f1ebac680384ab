/*
 * The page cache: a page of a file (or block device) is in memory once, for read, write, mmap
 * and exec alike. Callers hold the inode's lock where the header says so, never an aspace lock.
 */
#pragma once

#include "kernel/uio.h"
#include "mm/frame.h"
#include "mm/object.h"

/*
 * The frame that holds page index, contents valid, with a reference that keeps it (frame_put).
 * Reads it in if needed (one reader, others wait), with read-ahead if sequential. May sleep.
 * NULL with *err: -ENOMEM, -EIO, -EINTR (killed)...  index may lie beyond the end (zeros).
 */
struct frame *pagecache_get(struct object *o, uint64_t index, int *err);

/*
 * read(2): copy from the file at pos into u, up to the object's size. Bytes, 0 at the end, -errno
 * if nothing was moved. May sleep; takes user faults without holding a lock.
 */
ssize64_t pagecache_read(struct object *o, struct uio *u, uint64_t pos);
/*
 * write(2): copy u into the file at pos, dirtying pages and growing object->size as it goes
 * (calls make_writable per page, reads partial pages in). The inode lock is held by the caller.
 * Bytes written (maybe fewer than asked when space or memory runs out), or -errno if none.
 */
ssize64_t pagecache_write(struct object *o, struct uio *u, uint64_t pos);
/*
 * Mark a frame that the caller wrote through frame_data dirty (metadata, block devices).
 */
void pagecache_dirty(struct object *o, struct frame *f);
/*
 * Write dirty pages of [first, last] (page indices) and wait until all are on the device's side.
 * 0 or the first error. May sleep. datasync order and device flush are the file system's matter.
 */
int pagecache_sync(struct object *o, uint64_t first, uint64_t last);
/*
 * Set the size. Shrinking zeroes the tail of the last page, takes pages beyond out of the cache and
 * out of every mapping; growing exposes zeros. Inode lock held by the caller; the file system frees
 * blocks afterwards. May sleep.
 */
int pagecache_truncate(struct object *o, uint64_t size);
/* Drop pages of [first, last] without writing: hole punching, O_DIRECT, revalidation. */
int pagecache_invalidate(struct object *o, uint64_t first, uint64_t last);
/* Start reading [index, index+n) in the background; no error reported. */
void pagecache_readahead(struct object *o, uint64_t index, uint32_t n);

/* Write-back of everything dirty, for sync(2); 0 or the first error. May sleep. */
int pagecache_sync_all(void);
/* Dirty and write-back pages in all; all there are, and those of files on disks: /proc/meminfo. */
extern _Atomic uint64_t pagecache_nr_dirty, pagecache_nr_writeback;
extern _Atomic uint64_t pagecache_nr_frames, pagecache_nr_file;

/* --- for mm/ only --- */

/* A cached frame with a reference, BUSY or not; NULL if there is none. Never sleeps. */
struct frame *pagecache_find(struct object *o, uint64_t index);
/*
 * A new frame in the cache, BUSY and with the tree's reference only: the caller fills it and calls
 * frame_done. NULL with *err: -EEXIST if there is one already, -ENOMEM. wait: flags of
 * frame_alloc_wait; 0: memory is not waited for.
 */
struct frame *pagecache_add(struct object *o, uint64_t index, unsigned wait, int *err);
/*
 * Up to n cached frames, valid (not BUSY), of indices [first, first + n), each with a reference; a
 * slot without one is NULL. Returns all their words together: has any of them this flag?
 */
uint32_t pagecache_gather(struct object *o, uint64_t first, struct frame **frames, uint32_t n);
/* Sleep until none of bits (BUSY, WRITEBACK) is set. 0, or -EINTR if killed and mode allows. */
int frame_wait(struct frame *f, uint32_t bits, enum wait_mode mode);
/* Clear bits and wake who waits for them. */
void frame_done(struct frame *f, uint32_t bits);
/*
 * Take f, a victim of the policy, out of the cache if it is clean and not in use, and not one of
 * the last that programs need (all: even then); else it goes back to the policy. f and its object
 * are referenced by the caller.
 */
bool pagecache_try_drop(struct object *o, struct frame *f, bool all);
/* (tree_lock) Out of the tree: the tree's reference becomes the caller's. */
void pagecache_remove_locked(struct object *o, struct frame *f);
