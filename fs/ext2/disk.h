/*
 * ext2 on the disk. Source: the ext4 documentation of the Linux kernel ("Data structures and
 * algorithms") and ext2_fs.h of e2fsprogs for names and numbers. All little-endian, as is every
 * machine this runs on.
 */
#pragma once

#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "structures are used in place");

#define EXT2_MAGIC	  0xef53
#define EXT2_SUPER_OFFSET 1024
#define EXT2_ROOT_INO	  2
#define EXT2_JOURNAL_INO  8
#define EXT2_FIRST_INO_OLD 11
#define EXT2_NDIR	  12
#define EXT2_NBLOCKS	  15
#define EXT2_LINK_MAX	  32000

#define EXT2_VALID_FS 1
#define EXT2_ERROR_FS 2

#define EXT2_COMPAT_HAS_JOURNAL 0x4
#define EXT2_COMPAT_EXT_ATTR	0x8
#define EXT2_COMPAT_DIR_INDEX	0x20

#define EXT2_INCOMPAT_FILETYPE 0x2
#define EXT2_INCOMPAT_RECOVER  0x4
/* Of ext4, for volumes that are only read. */
#define EXT2_INCOMPAT_EXTENT   0x40
#define EXT2_INCOMPAT_64BIT    0x80
#define EXT2_INCOMPAT_FLEX_BG  0x200
#define EXT2_INCOMPAT_CSUM_SEED 0x2000

#define EXT2_RO_SPARSE_SUPER 0x1
#define EXT2_RO_LARGE_FILE   0x2
#define EXT2_RO_BTREE_DIR    0x4
#define EXT2_RO_HUGE_FILE    0x8
#define EXT2_RO_BIGALLOC	0x200
#define EXT2_RO_METADATA_CSUM 0x400

/* Flags of inodes; those of FLAGS_SETTABLE (fs/flags.h) are the same on the disk. */
#define EXT2_IMMUTABLE_FL 0x10
#define EXT2_INDEX_FL	  0x1000
#define EXT2_HUGE_FILE_FL 0x40000 /* its blocks are counted in blocks, not in 512 bytes */
#define EXT2_EXTENTS_FL	  0x80000 /* the block array is the root of an extent tree */
#define EXT2_INLINE_FL	  0x10000000
#define EXT2_FL_VISIBLE	  0x705bdfff /* to FS_IOC_GETFLAGS */
#define EXT2_FL_CHANGES	  0x604bc0ff /* of them, not those that tell how contents are kept */

struct ext2_super {
	uint32_t inodes_count;
	uint32_t blocks_count;
	uint32_t r_blocks_count;
	uint32_t free_blocks_count;
	uint32_t free_inodes_count;
	uint32_t first_data_block;
	uint32_t log_block_size;
	uint32_t log_frag_size;
	uint32_t blocks_per_group;
	uint32_t frags_per_group;
	uint32_t inodes_per_group;
	uint32_t mtime;
	uint32_t wtime;
	uint16_t mnt_count;
	uint16_t max_mnt_count;
	uint16_t magic;
	uint16_t state;
	uint16_t errors;
	uint16_t minor_rev_level;
	uint32_t lastcheck;
	uint32_t checkinterval;
	uint32_t creator_os;
	uint32_t rev_level;
	uint16_t def_resuid;
	uint16_t def_resgid;
	/* revision 1 */
	uint32_t first_ino;
	uint16_t inode_size;
	uint16_t block_group_nr;
	uint32_t feature_compat;
	uint32_t feature_incompat;
	uint32_t feature_ro_compat;
	uint8_t uuid[16];
	char volume_name[16];
	char last_mounted[64];
	uint32_t algorithm_usage_bitmap;
	uint8_t prealloc_blocks;
	uint8_t prealloc_dir_blocks;
	uint16_t reserved_gdt_blocks;
	uint8_t journal_uuid[16];
	uint32_t journal_inum;
	uint32_t journal_dev;
	uint32_t last_orphan;
	uint32_t hash_seed[4];
	uint8_t def_hash_version;
	uint8_t jnl_backup_type;
	uint16_t desc_size;
	uint32_t default_mount_opts;
	uint32_t first_meta_bg;
	uint32_t mkfs_time;
	uint32_t jnl_blocks[17]; /* the journal's block array and size, should its inode be lost */
	uint32_t blocks_count_high; /* with 64bit */
	uint32_t r_blocks_count_high;
	uint32_t free_blocks_count_high;
	uint16_t min_extra_isize;
	uint16_t want_extra_isize;
	uint32_t flags; /* EXT2_FLAGS_* */
	uint8_t reserved[373 - 356];
	uint8_t checksum_type; /* with metadata_csum: EXT2_SUM_CRC32C */
	uint8_t reserved2[624 - 374];
	uint32_t checksum_seed; /* with metadata_csum_seed, in place of that of the uuid */
	uint8_t reserved3[1020 - 628];
	uint32_t checksum; /* with metadata_csum: CRC-32C of all before it */
};
_Static_assert(sizeof(struct ext2_super) == 1024, "superblock");

#define EXT2_SUM_CRC32C 1

/* Was char unsigned where directories were indexed? */
#define EXT2_FLAGS_UNSIGNED_HASH 2

/* What stands in the first 32 bytes of a descriptor, whatever its size. */
struct ext2_group {
	uint32_t block_bitmap;
	uint32_t inode_bitmap;
	uint32_t inode_table;
	uint16_t free_blocks_count;
	uint16_t free_inodes_count;
	uint16_t used_dirs_count;
	uint16_t flags;
	uint32_t reserved[2];
	uint16_t unused_inodes;
	uint16_t checksum;
};
_Static_assert(sizeof(struct ext2_group) == 32, "group descriptor");

/* What follows with 64bit: the upper halves, 0 on any volume with 32-bit block numbers. */
struct ext2_group_high {
	uint32_t block_bitmap;
	uint32_t inode_bitmap;
	uint32_t inode_table;
};

/* An extent tree's node: this, then max slots of 12 bytes, of which `entries` are in use. */
struct ext2_extent_header {
	uint16_t magic;
	uint16_t entries;
	uint16_t max;
	uint16_t depth; /* 0: its slots are extents, else indices */
	uint32_t generation;
};
#define EXT2_EXTENT_MAGIC      0xf30a
#define EXT2_EXTENT_DEPTH_MAX  5
#define EXT2_EXTENT_LENGTH_MAX 32768 /* more: that much longer than this and never written */

struct ext2_extent {
	uint32_t block; /* the file's first */
	uint16_t length;
	uint16_t start_high;
	uint32_t start;
};

struct ext2_extent_index {
	uint32_t block;
	uint32_t leaf;
	uint16_t leaf_high;
	uint16_t unused;
};
_Static_assert(sizeof(struct ext2_extent) == 12 && sizeof(struct ext2_extent_index) == 12,
	       "slots of an extent tree");

struct ext2_dinode {
	uint16_t mode;
	uint16_t uid;
	uint32_t size;
	uint32_t atime;
	uint32_t ctime;
	uint32_t mtime;
	uint32_t dtime;
	uint16_t gid;
	uint16_t links_count;
	uint32_t blocks; /* of 512 bytes */
	uint32_t flags;
	uint32_t osd1;
	uint32_t block[EXT2_NBLOCKS];
	uint32_t generation;
	uint32_t file_acl; /* block of extended attributes */
	uint32_t size_high; /* of regular files */
	uint32_t faddr;
	uint16_t osd2_blocks_high;
	uint16_t osd2_file_acl_high;
	uint16_t uid_high;
	uint16_t gid_high;
	uint16_t checksum_low;
	uint16_t osd2_reserved;
	/* beyond 128 bytes, where inodes are larger and extra_isize says so */
	uint16_t extra_isize;
	uint16_t checksum_high;
	uint32_t ctime_extra;
	uint32_t mtime_extra;
	uint32_t atime_extra;
	uint32_t crtime;
	uint32_t crtime_extra;
	uint32_t version_high;
	uint32_t projid;
};
_Static_assert(sizeof(struct ext2_dinode) == 160, "inode");

#define EXT2_DINODE_OLD 128u /* the size of an inode without what follows */
#define EXT2_EXTRA_ISIZE 32 /* up to and including projid */

struct ext2_dirent {
	uint32_t inode; /* 0: unused */
	uint16_t rec_len;
	uint8_t name_len;
	uint8_t file_type; /* 0 where the volume has no filetype feature */
	char name[];
};

#define EXT2_DIRENT_SIZE(name_len) (((name_len) + 8u + 3u) & ~3u)

enum {
	EXT2_FT_UNKNOWN, EXT2_FT_REG, EXT2_FT_DIR, EXT2_FT_CHR, EXT2_FT_BLK, EXT2_FT_FIFO,
	EXT2_FT_SOCK, EXT2_FT_LNK, EXT2_FT_MAX,
};

/* With metadata_csum the last record of a block of names: unused, and of this file type. */
struct ext2_dirent_tail {
	uint32_t inode;
	uint16_t rec_len;
	uint8_t name_len;
	uint8_t file_type;
	uint32_t checksum;
};
#define EXT2_FT_SUM 0xde

/* Head of a block of extended attributes, which several inodes may share. */
struct ext2_xattr_header {
	uint32_t magic;
	uint32_t refcount;
	uint32_t blocks;
	uint32_t hash;
	uint32_t checksum; /* with metadata_csum */
	uint32_t reserved[3];
};
#define EXT2_XATTR_MAGIC 0xea020000

/*
 * Entries follow the header, in an inode the magic number alone; values are at offsets from the
 * block's start, in an inode from the first entry.
 */
struct ext2_xattr_entry {
	uint8_t name_len;
	uint8_t name_index; /* XATTR_* */
	uint16_t value_offs;
	uint32_t value_inum;
	uint32_t value_size;
	uint32_t hash;
	char name[];
};
#define EXT2_XATTR_ENTRY_SIZE(name_len) \
	(sizeof(struct ext2_xattr_entry) + (((name_len) + 3u) & ~3u))
