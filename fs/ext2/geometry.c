/*
 * Whether the sizes that a superblock gives are possible.
 */
#include "drivers/block.h"
#include "fs/ext2/ext2.h"

/* Linux's limit: a cluster is no more than 1 GiB. */
#define CLUSTER_BITS_MAX 20

uint32_t ext2_cluster_bits(const struct ext2_super *es)
{
	bool bigalloc = es->rev_level && (es->feature_ro_compat & EXT2_RO_BIGALLOC);

	return bigalloc ? es->log_frag_size - es->log_block_size : 0;
}

/* A group is as many clusters as a block has bits, or fewer. */
static bool clusters_sound(const struct ext2_super *es, uint32_t block_size)
{
	uint32_t bits = ext2_cluster_bits(es);
	uint64_t clusters = bits ? es->frags_per_group : es->blocks_per_group;

	return bits <= CLUSTER_BITS_MAX && clusters && clusters <= 8 * block_size &&
	       clusters << bits == es->blocks_per_group;
}

const char *ext2_super_check(const struct ext2_super *es, const struct blockdev *device)
{
	uint64_t device_bytes = device->sectors << SECTOR_SHIFT;
	uint32_t bs, groups, inode_size, first;

	if (es->magic != EXT2_MAGIC)
		return "no ext2 volume";
	if (es->log_block_size > 2)
		return "block size not 1, 2 or 4 KiB";
	bs = 1024u << es->log_block_size;
	if (bs < device->block_size)
		return "blocks smaller than the device's sectors";
	first = bs == 1024;
	inode_size = es->rev_level ? es->inode_size : 128;
	if (es->rev_level > 1)
		return "unknown revision";
	if (!is_power_of_2(inode_size) || inode_size < 128 || inode_size > bs)
		return "impossible inode size";
	if (es->first_data_block != first || es->blocks_count <= first)
		return "impossible block count";
	if ((uint64_t)es->blocks_count * bs > device_bytes)
		return "larger than its device";
	if (!clusters_sound(es, bs))
		return "impossible blocks per group";
	if (!es->inodes_per_group || es->inodes_per_group > 8 * bs ||
	    es->inodes_per_group % (bs / inode_size))
		return "impossible inodes per group";
	groups = (es->blocks_count - first - 1) / es->blocks_per_group + 1;
	if (es->inodes_count != (uint64_t)groups * es->inodes_per_group)
		return "inode count does not match the groups";
	if (es->rev_level && es->first_ino < EXT2_FIRST_INO_OLD)
		return "impossible first inode";
	if (!(es->rev_level && es->feature_incompat & EXT2_INCOMPAT_64BIT))
		return NULL;
	if (es->blocks_count_high)
		return "more blocks than 32 bits can number";
	if (!is_power_of_2(es->desc_size) || es->desc_size < 64 || es->desc_size > 1024)
		return "impossible size of group descriptors";
	return NULL;
}
