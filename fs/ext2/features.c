/*
 * Feature bits: which ones are understood, and the names of the others.
 */
#include "fs/ext2/features.h"

#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/vfs.h"
#include "kernel/printk.h"
#include "lib/string.h"

/* Understood by who only reads: sums are compared, not made; space is not looked for. */
#define INCOMPAT_READ                                                                              \
	(EXT2_INCOMPAT_EXTENT | EXT2_INCOMPAT_64BIT | EXT2_INCOMPAT_FLEX_BG |                      \
	 EXT2_INCOMPAT_CSUM_SEED)
#define INCOMPAT_KNOWN (EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_RECOVER | INCOMPAT_READ)
#define RO_KNOWN       (EXT2_RO_SPARSE_SUPER | EXT2_RO_LARGE_FILE | EXT2_RO_BTREE_DIR)

static const char *const incompat_names[32] = {
	[0] = "compression", [1] = "filetype", [2] = "needs_recovery", [3] = "journal_dev",
	[4] = "meta_bg", [6] = "extent", [7] = "64bit", [8] = "mmp", [9] = "flex_bg",
	[10] = "ea_inode", [12] = "dirdata", [13] = "metadata_csum_seed", [14] = "large_dir",
	[15] = "inline_data", [16] = "encrypt", [17] = "casefold",
};

static const char *const ro_names[32] = {
	[0] = "sparse_super", [1] = "large_file", [2] = "btree_dir", [3] = "huge_file",
	[4] = "uninit_bg", [5] = "dir_nlink", [6] = "extra_isize", [7] = "has_snapshot",
	[8] = "quota", [9] = "bigalloc", [10] = "metadata_csum", [11] = "replica",
	[12] = "read-only", [13] = "project", [14] = "shared_blocks", [15] = "verity",
	[16] = "orphan_present",
};

static void names_add(uint32_t bits, const char *const *names, char *buf, size_t size)
{
	for (unsigned i = 0; i < 32; i++) {
		if (!(bits >> i & 1))
			continue;
		strlcat(buf, " ", size);
		strlcat(buf, names[i] ? names[i] : "unknown", size);
	}
}

bool ext2_features_writable(const struct ext2_super *es, struct super_block *sb)
{
	char list[300];
	uint32_t ro, read;

	if (!es->rev_level)
		return true;
	ro = es->feature_ro_compat & ~(uint32_t)RO_KNOWN;
	read = es->feature_incompat & INCOMPAT_READ;
	if (ro | read) {
		list[0] = '\0';
		names_add(read, incompat_names, list, sizeof(list));
		names_add(ro, ro_names, list, sizeof(list));
		pr_warn("ext2 %s: read-only because of:%s\n", sb->bdev->name, list);
		return false;
	}
	return true;
}

int ext2_features_check(const struct ext2_super *es, struct super_block *sb)
{
	char list[200];
	uint32_t bad;

	if (!es->rev_level)
		return 0;
	bad = es->feature_incompat & ~(uint32_t)INCOMPAT_KNOWN;
	if (bad) {
		list[0] = '\0';
		names_add(bad, incompat_names, list, sizeof(list));
		pr_err("ext2 %s: features not understood:%s\n", sb->bdev->name, list);
		return -EINVAL;
	}
	if (!atomic_load(&sb->readonly) && !ext2_features_writable(es, sb))
		atomic_store(&sb->readonly, true);
	return 0;
}
