/*
 * Flags of files (ioctl_iflags(2)), as chattr(1) shows and sets them.
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
