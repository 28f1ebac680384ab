/*
 * The checksums of metadata_csum: CRC-32C of each structure, begun with what says whose it is, so
 * that a structure that was written to the wrong place is noticed too. Such volumes are only read,
 * so that bitmaps are never looked at. Source: the ext4 documentation of the Linux kernel
 * ("Checksums").
 */
#include "fs/ext2/ext2.h"
#include "fs/ext2/htree.h"
#include "lib/crc.h"

#define GROUP_SUM   offsetof(struct ext2_group, checksum)
#define DINODE_LOW  offsetof(struct ext2_dinode, checksum_low)
#define DINODE_HIGH offsetof(struct ext2_dinode, checksum_high)

/* The volume is damaged, and this is how it was found. */
static int sum_wrong(struct ext2_fs *fs, const char *what, unsigned long n)
{
	(void)ext2_error(fs, "wrong checksum of %s %lu", what, n);
	return -EBADMSG;
}

bool ext2_sum_setup(struct ext2_fs *fs, const struct ext2_super *es)
{
	fs->sums = es->rev_level && (es->feature_ro_compat & EXT2_RO_METADATA_CSUM);
	if (!fs->sums)
		return true;
	fs->sum_seed = es->feature_incompat & EXT2_INCOMPAT_CSUM_SEED ?
			       es->checksum_seed :
			       crc32c(~0u, es->uuid, sizeof(es->uuid));
	return es->checksum_type == EXT2_SUM_CRC32C &&
	       es->checksum == crc32c(~0u, es, offsetof(struct ext2_super, checksum));
}

int ext2_sum_group(struct ext2_fs *fs, uint32_t group)
{
	const struct ext2_group *gd = ext2_group(fs, group);
	uint32_t sum;

	if (!fs->sums)
		return 0;
	sum = crc32c(fs->sum_seed, &group, sizeof(group));
	sum = crc32c_around(sum, gd, fs->desc_size, GROUP_SUM, sizeof(gd->checksum));
	return gd->checksum == (uint16_t)sum ? 0 : sum_wrong(fs, "group", group);
}

/* What the sums of an inode, and of the blocks that are its, begin with. */
static uint32_t inode_seed(const struct ext2_fs *fs, uint32_t ino, uint32_t generation)
{
	uint32_t sum = crc32c(fs->sum_seed, &ino, sizeof(ino));

	return crc32c(sum, &generation, sizeof(generation));
}

static uint32_t seed_of(const struct ext2_inode *ei)
{
	return inode_seed(ext2_fs(ei->vfs.sb), (uint32_t)ei->vfs.ino, ei->generation);
}

int ext2_sum_dinode(struct ext2_fs *fs, const struct ext2_dinode *di, uint32_t ino)
{
	uint32_t sum, there = di->checksum_low, rest = fs->inode_size - EXT2_DINODE_OLD;

	if (!fs->sums)
		return 0;
	sum = inode_seed(fs, ino, di->generation);
	sum = crc32c_around(sum, di, EXT2_DINODE_OLD, DINODE_LOW, sizeof(di->checksum_low));
	if (rest && ext2_has_extra(fs, di, DINODE_HIGH + sizeof(di->checksum_high))) {
		there |= (uint32_t)di->checksum_high << 16;
		sum = crc32c_around(sum, (const char *)di + EXT2_DINODE_OLD, rest,
				    DINODE_HIGH - EXT2_DINODE_OLD, sizeof(di->checksum_high));
	} else {
		sum = crc32c(sum, (const char *)di + EXT2_DINODE_OLD, rest) & 0xffff;
	}
	return there == sum ? 0 : sum_wrong(fs, "inode", ino);
}

/* Blocks of names end in a record that nobody looks at, with the sum in place of a name. */
static bool names_right(const struct ext2_fs *fs, uint32_t seed, const void *block)
{
	const struct ext2_dirent_tail *tail =
		(const void *)((const char *)block + fs->block_size - sizeof(*tail));

	return !tail->inode && tail->rec_len == sizeof(*tail) && !tail->name_len &&
	       tail->file_type == EXT2_FT_SUM &&
	       tail->checksum == crc32c(seed, block, fs->block_size - sizeof(*tail));
}

int ext2_sum_dir_block(struct inode *dir, uint32_t n, const void *block)
{
	struct ext2_fs *fs = ext2_fs(dir->sb);
	const struct ext2_dirent *first = block;
	bool index, right;
	uint32_t seed = seed_of(ext2_i(dir));

	/* A node of the index looks like one unused record; one of names has its tail besides. */
	index = (ext2_i(dir)->flags & EXT2_INDEX_FL) && (!n || first->rec_len == fs->block_size);
	right = index ? ext2_htree_sum_right(seed, block, fs->block_size, !n) :
			names_right(fs, seed, block);
	return right ? 0 : sum_wrong(fs, "a block of directory", (unsigned long)dir->ino);
}

int ext2_sum_extents(struct ext2_inode *ei, const struct ext2_extent_header *head)
{
	struct ext2_fs *fs = ext2_fs(ei->vfs.sb);
	size_t size = sizeof(*head) + head->max * sizeof(struct ext2_extent);

	if (!fs->sums)
		return 0;
	if (size + sizeof(uint32_t) <= fs->block_size &&
	    *(const uint32_t *)((const char *)head + size) == crc32c(seed_of(ei), head, size))
		return 0;
	return sum_wrong(fs, "the extent tree of inode", (unsigned long)ei->vfs.ino);
}

int ext2_sum_xattrs(struct ext2_fs *fs, uint64_t block, const struct ext2_xattr_header *h)
{
	uint32_t sum = crc32c(fs->sum_seed, &block, sizeof(block));

	if (!fs->sums)
		return 0;
	sum = crc32c_around(sum, h, fs->block_size, offsetof(struct ext2_xattr_header, checksum),
			    sizeof(h->checksum));
	if (h->checksum == sum)
		return 0;
	(void)ext2_error_file(fs, "wrong checksum of attributes in block %lu",
			      (unsigned long)block);
	return -EBADMSG;
}
