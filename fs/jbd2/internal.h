/*
 * The journal between the files of fs/jbd2.
 */
#pragma once

#include "drivers/block.h"
#include "fs/jbd2/format.h"
#include "fs/jbd2/jbd2.h"
#include "kernel/mutex.h"

/* Transaction numbers wrap around. */
static inline bool tid_after(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

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
	uint32_t sequence;		 /* of the next transaction */
};

/* journal.c */
/* Where block n of the journal lies on the volume, and how many follow it there in *run. */
uint64_t journal_map(const struct journal *j, uint32_t n, uint32_t *run);
/* Block n of the journal from or to a buffer of kmalloc. 0 or -errno. Sleeps. */
int journal_transfer(struct journal *j, enum bio_op op, uint32_t n, void *buf);
/* The superblock says that the log begins at start (0: empty) with sequence; on stable storage. */
int journal_super_write(struct journal *j, uint32_t start, uint32_t sequence);

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
