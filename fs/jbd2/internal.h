/*
 * The journal between the files of fs/jbd2.
 */
#pragma once

#include "drivers/block.h"
#include "fs/jbd2/format.h"
#include "fs/jbd2/jbd2.h"
#include "kernel/mutex.h"
#include "lib/list.h"

/* Transaction numbers wrap around. */
static inline bool tid_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

struct transaction {
	uint32_t tid;
	uint32_t updates;	  /* (j) handles open */
	uint32_t reserved;	  /* (j) credits that they have left */
	uint32_t held;		  /* (j) credits kept for fill */
	uint32_t nr_blocks;	  /* (j) */
	bool locked;		  /* (j) no handle may begin */
	bool begun;		  /* (j) something has changed */
	struct list_head blocks;  /* (j) those changed or freed */
};

/* A block of the volume that a transaction has changed, until its place on the disk has it too. */
struct jblock {
	struct hlist_node hash;	   /* (j) by block */
	struct list_head tx_link;  /* (j) in its transaction, or among the spare ones */
	struct list_head cp_link;  /* (j) committed and perhaps not in its place */
	struct transaction *tx;	   /* (j) that changes or commits it; NULL: neither */
	struct frame *frame;	   /* referenced; NULL: freed */
	uint64_t block;
	bool freed;		   /* (j) in tx: a revoke record instead of a copy */
};

#define JBLOCK_HASH_BITS 9

#define LOG_BATCH   64 /* blocks of one request to the log */
#define LOG_SCRATCH 8  /* blocks that are made up: descriptors, escaped copies */

/* Requests to the log being gathered. (commit_lock) */
struct log_writer {
	struct bio_vec vec[LOG_BATCH];
	uint32_t count;		/* blocks in vec */
	uint64_t block;		/* of the volume: where the first goes */
	void *scratch[LOG_SCRATCH];
	uint32_t used;		/* of scratch, by what is in vec */
	int err;		/* the first */
	uint32_t crc;		/* COMPAT_CHECKSUM of the transaction so far */
};

/*
 * Locks: (j) lock, a spin lock under which nothing else is taken; (c) commit_lock, held by who
 * commits or brings blocks to their places.
 */
struct journal {
	struct super_block *sb;
	uint32_t block_size;
	struct jbd2_super *super;	 /* a whole block */
	struct journal_extent *extents;
	uint32_t nr_extents;
	uint32_t first, end;		 /* blocks of the log: [first, end) */
	bool wide, csum, csum3, csum_commit; /* how the features say tags and blocks look */
	uint32_t tag_size;
	uint32_t csum_seed;
	uint32_t sequence;		 /* (j) of the next transaction */

	/* From here on: while it is active. */
	struct list_head link;		 /* (journals_lock) */
	const struct journal_ops *ops;
	struct spinlock lock;
	struct mutex commit_lock;	 /* RANK_JOURNAL */
	struct waitqueue wait;		 /* for anything below to change */
	struct transaction tx[2];
	struct transaction *running, *committing; /* (j) */
	uint32_t committed;		 /* (j) tid */
	uint32_t max_blocks;		 /* of a transaction */
	uint32_t room;			 /* blocks of the log that it may need */
	uint32_t head, tail;		 /* (j to change, c to read) next block; first in use */
	struct hlist_head *hash;	 /* (j) */
	struct list_head spare;		 /* (j) jblocks for who has credits */
	uint32_t nr_spare;		 /* (j) */
	struct list_head checkpoint;	 /* (j) */
	struct log_writer log;		 /* (c) */
	_Atomic uint32_t aborted;
	bool active;
};

/* journal.c */
/* Where block n of the journal lies on the volume, and how many follow it there in *run. */
uint64_t journal_map(const struct journal *j, uint32_t n, uint32_t *run);
/* Block n of the journal from or to a buffer of kmalloc. 0 or -errno. Sleeps. */
int journal_transfer(struct journal *j, enum bio_op op, uint32_t n, void *buf);
/* The superblock says that the log begins at start (0: empty) with sequence; on stable storage. */
int journal_super_write(struct journal *j, uint32_t start, uint32_t sequence);

int journal_set_error(struct journal *j, int err);

/* checksum.c */
uint32_t journal_super_checksum(const struct jbd2_super *s);
/* Descriptor and revoke blocks: is the sum at their end right? Always without the feature. */
bool journal_tail_check(const struct journal *j, const void *block);
void journal_tail_set(const struct journal *j, void *block);
bool journal_commit_check(const struct journal *j, const void *block);
void journal_commit_set(const struct journal *j, void *block);
/* Of a copied block as it stands in the log, for its tag; only 16 bits of it with CSUM_V2. */
uint32_t journal_data_checksum(const struct journal *j, const void *data, uint32_t sequence);
/* CRC-32 with the high bit first over len bytes, as COMPAT_CHECKSUM has it; starts with ~0. */
uint32_t crc32_high_first(uint32_t crc, const void *data, size_t len);

/* revoke.c: which blocks the log says not to write, while it is recovered */
struct revoke_table {
	struct revoke **buckets; /* a power of two */
	uint32_t mask, count;
};
int revoke_init(struct revoke_table *t);
/* Copies of block in transactions up to sequence are void. 0 or -ENOMEM. */
int revoke_add(struct revoke_table *t, uint64_t block, uint32_t sequence);
bool revoke_test(const struct revoke_table *t, uint64_t block, uint32_t sequence);
void revoke_free(struct revoke_table *t);

/* transaction.c */
struct jblock *jblock_find_locked(struct journal *j, uint64_t block);
/* It belongs to nothing any more: (j) out of the table; the frame to put is returned. */
struct frame *jblock_retire_locked(struct journal *j, struct jblock *b);
void jblocks_free(struct journal *j); /* all of them; no user is left */

/* log.c: (c) */
/* Write the copies, revoke records and commit block of a transaction. 0 or -errno. */
int log_write(struct journal *j, struct transaction *tx);

/* checkpoint.c */
/* (c) Bring what is committed to its place, and let the log begin at its head. 0 or -errno. */
int checkpoint_locked(struct journal *j);
/* Blocks of the log that are free. (j) */
uint32_t log_free_locked(const struct journal *j);
void journal_end(struct journal *j); /* what activation allocated */

/* tag.c: descriptor blocks, read and written */
struct tag {
	uint64_t block;
	uint32_t flags, checksum;
};
/*
 * The tag at byte *at of a descriptor block, *at moved behind it (and its UUID); false: the block
 * ends before it.
 */
bool tag_load(const struct journal *j, const void *block, uint32_t *at, struct tag *t);
/* Room for one more tag at *at? Then it is written and *at moved on. */
bool tag_store(const struct journal *j, void *block, uint32_t *at, const struct tag *t);
/* The tag that was stored last, behind which *at is, is the last one of the block. */
void tag_end(const struct journal *j, void *block, uint32_t last);
