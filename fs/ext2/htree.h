/*
 * The index of a large directory (dir_index): from the hash of a name to the block that holds it.
 * What is found here is only where to look: the records themselves are as in any directory.
 */
#pragma once

#include "fs/ext2/ext2.h"

enum { EXT2_HASH_LEGACY, EXT2_HASH_HALF_MD4, EXT2_HASH_TEA, EXT2_HASH_UNSIGNED };

#define EXT2_HTREE_LEVELS 3

/* A way down the index. */
struct ext2_htree {
	struct inode *dir;
	uint32_t hash;
	uint32_t depth; /* of steps in use */
	struct {
		uint32_t block; /* of the directory: a node of the index */
		uint32_t at;	/* the entry taken there */
	} step[EXT2_HTREE_LEVELS];
	uint32_t leaf;	/* block of the directory where names of that hash stand */
};

/*
 * The hash of a name, by version (EXT2_HASH_*; plus EXT2_HASH_UNSIGNED where chars were unsigned)
 * and the volume's seed. False: unknown version.
 */
bool ext2_hash(const struct ext2_super *es, unsigned version, const char *name, size_t len,
	       uint32_t *hash);
/*
 * Begin at the first leaf that may hold the name. 0; -ENOENT: the index is not usable, look at all
 * blocks; or another error. The directory's lock is held, as for all here. May sleep.
 */
int ext2_htree_first(struct ext2_htree *h, struct inode *dir, const char *name, size_t len);
/*
 * Is the checksum of a node right, which begins with seed: of the root, a directory's first block,
 * or of another? For block_size bytes.
 */
bool ext2_htree_sum_right(uint32_t seed, const void *block, uint32_t block_size, bool root);
/* The next leaf that may hold it, if names of one hash fill more than one. 0, -ENOENT: none. */
int ext2_htree_next(struct ext2_htree *h);
