/*
 * statfs(2): the structure of the Linux riscv64 ABI.
 */
#pragma once

#include <stdint.h>

struct statfs64 {
	int64_t f_type;
	int64_t f_bsize;
	uint64_t f_blocks;
	uint64_t f_bfree;
	uint64_t f_bavail;
	uint64_t f_files;
	uint64_t f_ffree;
	int32_t f_fsid[2];
	int64_t f_namelen;
	int64_t f_frsize;
	int64_t f_flags;
	int64_t f_spare[4];
};
_Static_assert(sizeof(struct statfs64) == 120, "Linux riscv64 struct statfs");

#define EXT2_SUPER_MAGIC  0xef53
#define TMPFS_MAGIC	  0x01021994
#define DEVPTS_SUPER_MAGIC 0x1cd1
#define PROC_SUPER_MAGIC  0x9fa0
#define SYSFS_MAGIC	  0x62656572
#define PIPEFS_MAGIC	  0x50495045
#define ANON_INODE_FS_MAGIC 0x09041934
#define SOCKFS_MAGIC	  0x534f434b
#define NSFS_MAGIC	  0x6e736673
#define DEVFS_MAGIC	  TMPFS_MAGIC

#define ST_RDONLY     1
#define ST_NOSUID     2
#define ST_NODEV      4
#define ST_NOEXEC     8
#define ST_VALID      0x20
#define ST_NOATIME    0x400
#define ST_NODIRATIME 0x800
#define ST_RELATIME   0x1000
#define ST_NOSYMFOLLOW 0x2000
