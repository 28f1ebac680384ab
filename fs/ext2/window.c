/*
 * Windows: blocks taken ahead for a file that grows at its end, so that most of its new blocks need
 * no look at bitmaps and index blocks.
 */
#include <stdatomic.h>

#include "fs/ext2/ext2.h"
#include "mm/frame.h"

#define WINDOW_MAX UINT64_C(128)

uint32_t ext2_window_want(const struct ext2_inode *ei, uint64_t lblk, const uint32_t *slot,
			  uint32_t room)
{
	/* Small files stay close together. */
	uint64_t most = MIN(lblk / 2, WINDOW_MAX);
	uint32_t n = 1;

	if (!ei->vfs.sb->journal || !S_ISREG(ei->vfs.mode) || !ei->window.pblk ||
	    ei->window.lblk != lblk)
		return 1;
	while (n < most && n < room && !slot[n])
		n++;
	return n;
}

void ext2_window_open(struct ext2_inode *ei, uint64_t lblk, uint32_t pblk, uint32_t n,
		      uint32_t *slot, struct frame *frame)
{
	ei->window = (struct ext2_window){
		.lblk = (uint32_t)lblk, .pblk = pblk, .end = (uint32_t)lblk + n, .slot = slot};
	if (n && frame)
		ei->window.frame = frame_get(frame);
}

static void holder_put(struct ext2_window *w)
{
	if (w->frame)
		frame_put(w->frame);
	w->frame = NULL;
}

void ext2_window_close(struct ext2_inode *ei)
{
	struct ext2_window *w = &ei->window;

	if (w->lblk < w->end)
		(void)ext2_blocks_return(ext2_fs(ei->vfs.sb), w->pblk, w->end - w->lblk);
	w->end = 0;
	holder_put(w);
}

void ext2_window_forget(struct ext2_inode *ei)
{
	holder_put(&ei->window);
}

static inline void take_locked(struct ext2_inode *ei, struct ext2_window *w)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	uint32_t next = w->lblk + 1;

	*w->slot++ = w->pblk++;
	__atomic_store_n(&w->lblk, next, __ATOMIC_RELAXED);
	if (unlikely(next == w->end))
		holder_put(w);
	ei->vfs.blocks += fs->block_size >> 9;
	atomic_fetch_sub_explicit(&fs->windowed, 1, memory_order_relaxed);
	atomic_store_explicit(&ei->ready, next, memory_order_relaxed);
}

bool ext2_window_take(struct ext2_inode *ei, uint64_t lblk)
{
	struct ext2_window *w = &ei->window;
	bool taken;

	/* Most blocks that are written again are no window's: they need no lock. */
	if (__atomic_load_n(&w->lblk, __ATOMIC_RELAXED) != lblk)
		return false;
	mutex_lock(&ei->map_lock);
	taken = w->lblk == lblk && lblk < w->end;
	if (likely(taken))
		take_locked(ei, w);
	mutex_unlock(&ei->map_lock);
	return taken;
}
