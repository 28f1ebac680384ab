/*
 * JBD2's log on the disk. Source: the ext4 documentation of the Linux kernel ("Journal (jbd2)")
 * for names, numbers and layouts. All integers are big-endian, unlike the rest of the volume.
 */
#pragma once

#include <stdint.h>

#include "lib/endian.h"

typedef struct {
	uint32_t raw;
} be32;
typedef struct {
	uint64_t raw;
} be64;

static inline uint32_t be32_get(be32 x)
{
	return bswap32(x.raw);
}
static inline be32 be32_of(uint32_t x)
{
	return (be32){bswap32(x)};
}
static inline be64 be64_of(uint64_t x)
{
	return (be64){bswap64(x)};
}

#define JBD2_MAGIC 0xc03b3998u

enum {
	JBD2_DESCRIPTOR = 1, JBD2_COMMIT = 2, JBD2_SUPER_V1 = 3, JBD2_SUPER_V2 = 4, JBD2_REVOKE = 5,
};

#define JBD2_COMPAT_CHECKSUM 0x1 /* the commit block has a sum of the transaction's blocks */

#define JBD2_INCOMPAT_REVOKE	   0x1
#define JBD2_INCOMPAT_64BIT	   0x2
#define JBD2_INCOMPAT_ASYNC_COMMIT 0x4
#define JBD2_INCOMPAT_CSUM_V2	   0x8
#define JBD2_INCOMPAT_CSUM_V3	   0x10
#define JBD2_INCOMPAT_FAST_COMMIT  0x20

#define JBD2_CRC32C 4 /* of the superblock's checksum_type */
#define JBD2_CRC32  1 /* of the commit block's checksum_type */

/* In front of each block of the log that is not a copy of a block of the volume. */
struct jbd2_header {
	be32 magic;
	be32 type;
	be32 sequence; /* of the transaction */
};

struct jbd2_super {
	struct jbd2_header header;
	be32 block_size;
	be32 maxlen;	  /* blocks of the journal, this one included */
	be32 first;	  /* of the log's blocks */
	be32 sequence;	  /* first transaction expected in the log */
	be32 start;	  /* where it begins; 0: the log is empty */
	be32 error;	  /* why the journal was given up, a positive errno */
	be32 feature_compat; /* from here on version 2 only */
	be32 feature_incompat;
	be32 feature_ro_compat;
	uint8_t uuid[16];
	be32 nr_users;
	be32 dynsuper;
	be32 max_transaction;
	be32 max_trans_data;
	uint8_t checksum_type;
	uint8_t padding2[3];
	be32 num_fc_blocks;
	be32 head;
	be32 padding[40];
	be32 checksum; /* CRC-32C of this structure, this field being 0 */
	uint8_t users[16 * 48];
};
_Static_assert(sizeof(struct jbd2_super) == 1024, "journal superblock");

#define JBD2_TAG_ESCAPED   1 /* the copy's first four bytes, the magic number, were zeroed */
#define JBD2_TAG_SAME_UUID 2 /* no UUID of 16 bytes behind this tag */
#define JBD2_TAG_LAST	   8

/*
 * A descriptor block is a header and tags, one for each copied block behind it. A tag is, with
 * CSUM_V3: block (4), flags (4), high half of block (4; counts with 64BIT), checksum (4). Without:
 * block (4), checksum (2), flags (2), with 64BIT the high half (4), with CSUM_V2 2 more bytes that
 * mean nothing.
 */
#define JBD2_TAG_V3_SIZE 16
#define JBD2_UUID_SIZE	 16

/* A revoke block: the header, how many bytes are used (header included), block numbers. */
struct jbd2_revoke {
	struct jbd2_header header;
	be32 used;
};

/* With CSUM_V2 or _V3 descriptor and revoke blocks end with a checksum of their whole. */
#define JBD2_TAIL_SIZE 4

struct jbd2_commit {
	struct jbd2_header header;
	uint8_t checksum_type, checksum_size;
	uint8_t padding[2];
	be32 checksum[8];
	be64 commit_sec;
	be32 commit_nsec;
};
