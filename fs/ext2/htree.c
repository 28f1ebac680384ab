/*
 * Looking up in the index of a directory. Its root hides behind the ".." record of block 0, its
 * other nodes behind an unused record as long as their block, so that who knows nothing of it sees
 * a directory. Source: the ext4 documentation of the Linux kernel ("Hash Tree Directories").
 */
#include "fs/ext2/htree.h"

#include "lib/crc.h"

#define BLOCK_MASK 0x0fffffffU /* of a block number; the rest is reserved */

struct root_info {
	uint32_t reserved;
	uint8_t hash_version;
	uint8_t info_length;
	uint8_t indirect_levels;
	uint8_t flags;
};

struct entry {
	uint32_t hash; /* of the first name below; of entry 0: limit and count, 16 bits each */
	uint32_t block;
};

/* Behind the last place for an entry, with metadata_csum. */
struct tail {
	uint32_t reserved;
	uint32_t checksum;
};

#define ROOT_INFO_AT 24
#define ROOT_AT	     (ROOT_INFO_AT + (uint32_t)sizeof(struct root_info))
#define NODE_AT	     8u

/* A node held in memory: its entries, checked. */
struct node {
	struct buf b;
	struct entry *entries;
	uint32_t count;
};

static int index_block(struct inode *dir, uint32_t n, struct buf *b)
{
	if (n >= dir->size_other >> ext2_fs(dir->sb)->block_bits)
		return -ENOENT;
	return ext2_dir_block(dir, n, b);
}

/* It stands behind the room for entries, of which those in use count. */
bool ext2_htree_sum_right(uint32_t seed, const void *block, uint32_t block_size, bool root)
{
	const char *entries = (const char *)block + (root ? ROOT_AT : NODE_AT);
	uint32_t first = *(const uint32_t *)entries, limit = first & 0xffff, count = first >> 16;
	const struct tail *t = (const void *)(entries + limit * sizeof(struct entry));
	uint32_t sum;

	if (count > limit || (const char *)(t + 1) > (const char *)block + block_size)
		return false;
	sum = crc32c(seed, block, (size_t)(entries - (const char *)block) +
				  count * sizeof(struct entry));
	return t->checksum == crc32c_around(sum, t, sizeof(*t), offsetof(struct tail, checksum),
					    sizeof(t->checksum));
}

/* Entries from byte `at` of a block on. -ENOENT: they make no sense. */
static int node_open(struct inode *dir, uint32_t block, uint32_t at, struct node *n)
{
	uint32_t limit, room = (dir->sb->block_size - at) / (uint32_t)sizeof(struct entry);
	int err = index_block(dir, block, &n->b);

	if (err)
		return err;
	n->entries = (struct entry *)((char *)n->b.data + at);
	limit = n->entries[0].hash & 0xffff;
	n->count = n->entries[0].hash >> 16;
	if (n->count && n->count <= limit && limit <= room)
		return 0;
	buf_put(&n->b);
	return -ENOENT;
}

/* The last entry that begins at or below the hash; entry 0 begins at 0. */
static uint32_t entry_find(const struct node *n, uint32_t hash)
{
	uint32_t low = 0, high = n->count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (n->entries[middle].hash <= hash)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* What the root says of the whole index, and the hash of the name by it. */
static int root_read(struct ext2_htree *h, const char *name, size_t len)
{
	const struct ext2_super *es = ext2_fs(h->dir->sb)->es;
	const struct root_info *info;
	unsigned version;
	struct buf b;
	int err = index_block(h->dir, 0, &b);

	if (err)
		return err;
	info = (const struct root_info *)((char *)b.data + ROOT_INFO_AT);
	version = info->hash_version;
	if (version < EXT2_HASH_UNSIGNED && (es->flags & EXT2_FLAGS_UNSIGNED_HASH))
		version += EXT2_HASH_UNSIGNED;
	h->depth = info->indirect_levels + 1u;
	if (h->depth > EXT2_HTREE_LEVELS || info->info_length != sizeof(*info) || info->flags ||
	    info->reserved || !ext2_hash(es, version, name, len, &h->hash))
		err = -ENOENT;
	buf_put(&b);
	return err;
}

/* From the entry taken at `level` down to a leaf, each time by the hash or at the left edge. */
static int descend(struct ext2_htree *h, uint32_t level, uint32_t block, bool by_hash)
{
	for (; level < h->depth; level++) {
		struct node n;
		int err = node_open(h->dir, block, NODE_AT, &n);

		if (err)
			return err;
		h->step[level].block = block;
		h->step[level].at = by_hash ? entry_find(&n, h->hash) : 0;
		block = n.entries[h->step[level].at].block & BLOCK_MASK;
		buf_put(&n.b);
	}
	h->leaf = block;
	/* Block 0 is the root itself. */
	return block && block < h->dir->size_other >> ext2_fs(h->dir->sb)->block_bits ? 0 : -ENOENT;
}

int ext2_htree_first(struct ext2_htree *h, struct inode *dir, const char *name, size_t len)
{
	uint32_t block;
	struct node n;
	int err;

	h->dir = dir;
	err = root_read(h, name, len);
	if (!err)
		err = node_open(dir, 0, ROOT_AT, &n);
	if (err)
		return err;
	h->step[0].block = 0;
	h->step[0].at = entry_find(&n, h->hash);
	block = n.entries[h->step[0].at].block & BLOCK_MASK;
	buf_put(&n.b);
	return descend(h, 1, block, true);
}

int ext2_htree_next(struct ext2_htree *h)
{
	for (uint32_t level = h->depth; level--;) {
		uint32_t next = h->step[level].at + 1, begins = 0, block = 0;
		struct node n;
		int err = node_open(h->dir, h->step[level].block, level ? NODE_AT : ROOT_AT, &n);

		if (err)
			return err;
		if (next < n.count) {
			begins = n.entries[next].hash;
			block = n.entries[next].block & BLOCK_MASK;
		}
		buf_put(&n.b);
		if (!block)
			continue;
		/* The lowest bit of where a leaf begins says that the one before goes on in it. */
		if ((begins & ~1U) != h->hash)
			return -ENOENT;
		h->step[level].at = next;
		return descend(h, level + 1, block, false);
	}
	return -ENOENT;
}
