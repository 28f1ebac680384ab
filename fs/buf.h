/*
 * Metadata blocks of a volume: records over page-cache frames, each block in memory once.
 */
#pragma once

#include "kernel/types.h"

struct frame;
struct super_block;

struct buf {
	struct super_block *sb;
	struct frame *frame; /* referenced; NULL: holds nothing */
	uint64_t block;	     /* number on the volume, of sb->block_size bytes */
	void *data;	     /* block_size bytes */
	uint32_t tid;	     /* fs/jbd2: transaction that it is known to have joined */
};

/* Start and end of a volume's use: blocks of them, sb->block_size and sb->bdev set. */
void buf_init(struct super_block *sb, uint64_t blocks);
void buf_destroy(struct super_block *sb); /* what is dirty is lost */
/* Read a block of sb. 0, or -errno with b holding nothing (beyond the end: -EIO). May sleep. */
int buf_read(struct super_block *sb, uint64_t block, struct buf *b);
/* The same if it is in memory, without waiting; else -EAGAIN. */
int buf_peek(struct super_block *sb, uint64_t block, struct buf *b);
/*
 * Have it in memory, unless that is short. It may be freed meanwhile; then a clean frame of it
 * stays, at which nobody looks: who has the block next begins with buf_zero, if it is metadata.
 * May sleep.
 */
void buf_ahead(struct super_block *sb, uint64_t block);
/* The same as buf_read for a block whose old contents do not matter: all zeros, dirty. */
int buf_zero(struct super_block *sb, uint64_t block, struct buf *b);
/*
 * Its contents are about to change, and then buf_dirty is called: on a volume with a journal within
 * a handle, whose transaction it joins. May sleep.
 */
void buf_modify(struct buf *b);
/* Its contents changed: to be written back. */
void buf_dirty(struct buf *b);
/* Write it, or all of the volume, now and wait. 0 or -errno. */
int buf_sync(struct buf *b);
int buf_sync_all(struct super_block *sb);
void buf_put(struct buf *b); /* holding nothing is fine */
/*
 * The block is free again: what is dirty of it must not reach the disk once the block has a new
 * use. No reference to it may be held.
 */
void buf_forget(struct super_block *sb, uint64_t block);
