/*
 * statmount(2), listmount(2): structures and flags of the Linux ABI.
 */
#pragma once

#include "kernel/types.h"

struct mnt_id_req {
	uint32_t size;
	uint32_t spare;
	uint64_t mnt_id;
	uint64_t param;
	uint64_t mnt_ns_id;
};

#define MNT_ID_REQ_SIZE_VER0 24
#define LSMT_ROOT	     UINT64_MAX
#define LISTMOUNT_REVERSE    1u
#define LISTMOUNT_MAX	     1000000u

#define STATMOUNT_SB_BASIC	 0x01u
#define STATMOUNT_MNT_BASIC	 0x02u
#define STATMOUNT_PROPAGATE_FROM 0x04u
#define STATMOUNT_MNT_ROOT	 0x08u
#define STATMOUNT_MNT_POINT	 0x10u
#define STATMOUNT_FS_TYPE	 0x20u
#define STATMOUNT_MNT_NS_ID	 0x40u
#define STATMOUNT_MNT_OPTS	 0x80u

struct statmount {
	uint32_t size;
	uint32_t mnt_opts;
	uint64_t mask;
	uint32_t sb_dev_major, sb_dev_minor;
	uint64_t sb_magic;
	uint32_t sb_flags;
	uint32_t fs_type;
	uint64_t mnt_id, mnt_parent_id;
	uint32_t mnt_id_old, mnt_parent_id_old;
	uint64_t mnt_attr;
	uint64_t mnt_propagation;
	uint64_t mnt_peer_group, mnt_master, propagate_from;
	uint32_t mnt_root, mnt_point;
	uint64_t mnt_ns_id;
	uint64_t spare[49];
};

_Static_assert(sizeof(struct statmount) == 512, "as Linux has it");
