/*
 * Flags of files (ioctl_iflags(2)), as chattr(1) shows and sets them; files that share blocks.
 */
#pragma once

#include <stdint.h>

#define FS_IOC_GETFLAGS	   0x80086601
#define FS_IOC_SETFLAGS	   0x40086602
#define FS_IOC_FSGETXATTR  0x801c581f
#define FS_IOC_FSSETXATTR  0x401c5820

#define FS_SYNC_FL	0x8
#define FS_IMMUTABLE_FL 0x10
#define FS_APPEND_FL	0x20
#define FS_NODUMP_FL	0x40
#define FS_NOATIME_FL	0x80

#define FS_XFLAG_IMMUTABLE 0x8
#define FS_XFLAG_APPEND	   0x10
#define FS_XFLAG_SYNC	   0x20
#define FS_XFLAG_NOATIME   0x40
#define FS_XFLAG_NODUMP	   0x80

struct fsxattr {
	uint32_t fsx_xflags;
	uint32_t fsx_extsize;
	uint32_t fsx_nextents;
	uint32_t fsx_projid;
	uint32_t fsx_cowextsize;
	unsigned char fsx_pad[8];
};
_Static_assert(sizeof(struct fsxattr) == 28, "Linux struct fsxattr");

#define FICLONE	      0x40049409
#define FICLONERANGE  0x4020940d
#define FIDEDUPERANGE 0xc0189436

struct file_clone_range {
	int64_t src_fd;
	uint64_t src_offset;
	uint64_t src_length;
	uint64_t dest_offset;
};
_Static_assert(sizeof(struct file_clone_range) == 32, "Linux struct file_clone_range");

struct file_dedupe_range_info {
	int64_t dest_fd;
	uint64_t dest_offset;
	uint64_t bytes_deduped;
	int32_t status;
	uint32_t reserved;
};
_Static_assert(sizeof(struct file_dedupe_range_info) == 32, "Linux file_dedupe_range_info");

struct file_dedupe_range {
	uint64_t src_offset;
	uint64_t src_length;
	uint16_t dest_count;
	uint16_t reserved1;
	uint32_t reserved2;
	struct file_dedupe_range_info info[];
};
_Static_assert(sizeof(struct file_dedupe_range) == 24, "Linux struct file_dedupe_range");
