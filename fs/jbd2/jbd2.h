/*
 * A volume's journal: what a file system of fs/ sees of it. Nothing here knows what a block means.
 */
#pragma once

#include "kernel/types.h"

struct buf;
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

/* --- writing --- */

/*
 * What a commit asks of the file system. In sync and fill no handle is open and none begins; both
 * run in whichever thread commits, may sleep and do I/O, but start no handle of their own.
 */
struct journal_ops {
	/*
	 * Write the data of files that got blocks in this transaction. last: nobody changes it any
	 * more; before, it is called once while handles go on, so that they wait less.
	 */
	void (*sync_data)(struct super_block *sb, bool last);
	/* Last changes of blocks, as many as journal_hold was called. 0 or -errno: abort. */
	int (*fill)(struct super_block *sb);
	/* Transaction tid stands in the log: what it freed may be used again. */
	void (*committed)(struct super_block *sb, uint32_t tid);
	/* The journal was given up: the volume is read-only from now on. Any locks may be held. */
	void (*aborted)(struct super_block *sb);
};

#define JOURNAL_CREDITS_MAX 64 /* of one handle */

/*
 * Begin to write: allocates, and says on the disk where the log begins. The log must be empty.
 * 0, -ENOSPC (the journal is too small), -ENOMEM, -EIO. sb->journal is the caller's to set.
 */
int journal_activate(struct journal *j, const struct journal_ops *ops);
/* Commit, bring everything to its place and empty the log. 0 or -errno. No handle is open. */
int journal_deactivate(struct journal *j);

/*
 * Begin a change of the volume that is to be atomic: at most `credits` blocks are changed or freed
 * before journal_stop. May commit, write blocks to their places and wait, so: directory, inode and
 * aspace locks may be held, but no BUSY frame, block map or bitmap lock. Nests, the inner one being
 * part of the outer. 0, -EROFS (given up), -ENOMEM.
 */
int journal_start(struct journal *j, uint32_t credits);
void journal_stop(struct journal *j);
/* Can the running thread's handle change n more blocks, or else not be restarted here? */
bool journal_has(const struct journal *j, uint32_t n);
/* One credit of the running handle is kept for what fill will do. */
void journal_hold(struct journal *j);
/* What was held in this transaction is not needed after all; within a handle. */
void journal_unhold(struct journal *j);
/* The transaction that the running thread's handle belongs to. */
uint32_t journal_tid(const struct journal *j);
/*
 * Block b is about to be changed, within a handle: it joins the transaction. Waits while it is
 * being committed or written to its place. From then on its contents may change until
 * journal_stop.
 */
void journal_modify(struct journal *j, struct buf *b);
/* A block of metadata is freed, within a handle: its old copies in the log are void. */
void journal_forget(struct journal *j, uint64_t block);

/* Commit the running transaction, if any; then tid at the latest is on stable storage. */
int journal_commit(struct journal *j);
/* See that transaction tid is on stable storage; *done: it was already. 0 or -errno. */
int journal_commit_tid(struct journal *j, uint32_t tid, bool *done);
uint32_t journal_committed(const struct journal *j); /* the last one */
/*
 * Give it up: one message (what; NULL: the caller has given it), then everything is -EROFS. Any
 * sleeping locks may be held. Sleeps.
 */
void journal_abort(struct journal *j, int err, const char *what);
bool journal_aborted(const struct journal *j);

/* Once, at boot: when memory is short, the blocks that are in their places are let go. */
void journal_init(void);
