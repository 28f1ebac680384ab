/*
 * A volume's journal: what a file system of fs/ sees of it. Nothing here knows what a block means.
 */
#pragma once

#include "kernel/types.h"

struct journal;
struct super_block;

/* Blocks [block, block + count) of the volume are the next ones of the journal. */
struct journal_extent {
	uint64_t block;
	uint32_t count;
};

/*
 * Open the journal of sb (bdev and block_size set) that lies in n extents, blocks of the volume
 * that the caller has checked; the array is copied. *out is the journal, or NULL on an error:
 * -EUCLEAN damaged, -EINVAL features that are not understood, -EIO, -ENOMEM; each has been
 * reported. Sleeps.
 */
int journal_open(struct super_block *sb, const struct journal_extent *extents, uint32_t n,
		 struct journal **out);
/*
 * Write what committed transactions in the log changed to its places, all below volume_blocks,
 * flush it, and empty the log. 0, -EUCLEAN (damaged: nothing was written), -EIO, -ENOMEM; reported.
 * Nothing of the volume may be cached. Sleeps.
 */
int journal_recover(struct journal *j, uint64_t volume_blocks);
/* Does the log hold anything to recover? */
bool journal_pending(const struct journal *j);
/* The positive errno for which the journal was once given up; 0: none. */
uint32_t journal_error(const struct journal *j);
/* Forget that error, once the volume has been marked. 0 or -EIO. Sleeps. */
int journal_clear_error(struct journal *j);
void journal_close(struct journal *j); /* NULL is fine */
