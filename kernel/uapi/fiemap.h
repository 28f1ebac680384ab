/*
 * FS_IOC_FIEMAP, FIBMAP: where files lie on their device (Linux's Documentation/filesystems/
 * fiemap.rst).
 */
#pragma once

#include <stdint.h>

#define FIBMAP	      0x1
#define FIGETBSZ      0x2
#define FS_IOC_FIEMAP 0xc020660b

#define FIEMAP_FLAG_SYNC  0x1
#define FIEMAP_FLAG_XATTR 0x2

#define FIEMAP_EXTENT_LAST	0x1
#define FIEMAP_EXTENT_UNWRITTEN 0x800
#define FIEMAP_EXTENT_MERGED	0x1000

struct fiemap_extent {
	uint64_t fe_logical; /* bytes, as the next two */
	uint64_t fe_physical;
	uint64_t fe_length;
	uint64_t fe_reserved64[2];
	uint32_t fe_flags; /* FIEMAP_EXTENT_* */
	uint32_t fe_reserved[3];
};
_Static_assert(sizeof(struct fiemap_extent) == 56, "Linux struct fiemap_extent");

/* Behind it stand as many struct fiemap_extent as fm_extent_count says. */
struct fiemap {
	uint64_t fm_start;
	uint64_t fm_length;
	uint32_t fm_flags; /* FIEMAP_FLAG_* */
	uint32_t fm_mapped_extents;
	uint32_t fm_extent_count;
	uint32_t fm_reserved;
};
_Static_assert(sizeof(struct fiemap) == 32, "Linux struct fiemap");
