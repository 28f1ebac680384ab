/*
 * Reading and writing past the page cache (O_DIRECT).
 */
#pragma once

#include <stdatomic.h>

#include "fs/vfs.h"

#define DIRECT_ALIGNMENT 512U /* of positions, lengths and addresses */

/* Is f read and written past the cache? Files that live in nothing else are not. */
static inline bool file_is_direct(struct file *f, const struct object *o)
{
	return unlikely(atomic_load_explicit(&f->flags, memory_order_relaxed) & O_DIRECT) &&
	       o->ops->write_pages;
}
/* May u be read or written past the cache at pos? 0, or -EINVAL if it is not aligned. */
int direct_check(const struct uio *u, uint64_t pos);
/* Read u at pos: bytes moved or -errno. Sleeps, with or without the inode's lock. */
ssize64_t direct_read(struct object *o, struct uio *u, uint64_t pos);
/*
 * n bytes at pos are in the cache, which a write that was checked has put there, or n is its error:
 * they go to the device. n, or the error of that. Sleeps, with or without the inode's lock.
 */
ssize64_t direct_written(struct object *o, uint64_t pos, ssize64_t n);
/* What is clean and not in use of pages [first, last] leaves the cache. */
void range_drop(struct object *o, uint64_t first, uint64_t last);
