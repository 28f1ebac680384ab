/*
 * O_DIRECT. User memory is never the target of I/O (a fork must meet no pins), so the pages of the
 * cache serve as bounce buffers: what was cached is written and dropped before a read, and what
 * was moved is on the device and out of the cache when the call returns.
 */
#include <stdatomic.h>

#include "fs/direct.h"
#include "lib/page.h"
#include "lib/radix.h"
#include "mm/pagecache.h"

void range_drop(struct object *o, uint64_t first, uint64_t last)
{
	for (uint64_t index = first; index <= last; index++) {
		bool dropped = false;
		struct frame *f;

		spin_lock(&o->tree_lock);
		f = radix_next(&o->frames, &index, last);
		/* References are taken under this lock: the tree's is the only one. */
		if (f && f->refs == 1 && !f->maps &&
		    !frame_has(f, FRAME_BUSY | FRAME_WRITEBACK | FRAME_DIRTY)) {
			pagecache_remove_locked(o, f);
			dropped = true;
		}
		spin_unlock(&o->tree_lock);
		if (dropped)
			frame_put(f);
		if (!f)
			return;
	}
}

int direct_check(const struct uio *u, uint64_t pos)
{
	uint64_t all = pos;

	for (uint32_t i = 0; i < u->niov && !u->kernel; i++)
		all |= u->iov[i].base | u->iov[i].len;
	return all & (DIRECT_ALIGNMENT - 1) ? -EINVAL : 0;
}

ssize64_t direct_read(struct object *o, struct uio *u, uint64_t pos)
{
	uint64_t first = pos >> PAGE_SHIFT, last = (pos + u->resid - 1) >> PAGE_SHIFT;
	ssize64_t n = direct_check(u, pos);

	if (n || !u->resid)
		return n;
	n = pagecache_sync(o, first, last);
	if (n)
		return n;
	range_drop(o, first, last);
	n = pagecache_read(o, u, pos);
	if (n > 0)
		range_drop(o, first, (pos + (uint64_t)n - 1) >> PAGE_SHIFT);
	return n;
}

ssize64_t direct_written(struct object *o, uint64_t pos, ssize64_t n)
{
	uint64_t last = (pos + (uint64_t)n - 1) >> PAGE_SHIFT;
	int err;

	if (n <= 0)
		return n;
	err = pagecache_sync(o, pos >> PAGE_SHIFT, last);
	range_drop(o, pos >> PAGE_SHIFT, last);
	return err ? err : n;
}
