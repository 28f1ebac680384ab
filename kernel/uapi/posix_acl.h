/*
 * POSIX access lists as extended attributes hold them (acl(5)), of the Linux ABI.
 */
#pragma once

#include "kernel/types.h"

#define POSIX_ACL_XATTR_VERSION 2

/* What an entry is about; e_id says of whom for ACL_USER and ACL_GROUP. */
#define ACL_USER_OBJ  0x01
#define ACL_USER      0x02
#define ACL_GROUP_OBJ 0x04
#define ACL_GROUP     0x08
#define ACL_MASK      0x10
#define ACL_OTHER     0x20

#define ACL_READ    0x04
#define ACL_WRITE   0x02
#define ACL_EXECUTE 0x01

#define ACL_UNDEFINED_ID (-1)

struct posix_acl_xattr_entry {
	uint16_t e_tag;
	uint16_t e_perm;
	uint32_t e_id;
};
_Static_assert(sizeof(struct posix_acl_xattr_entry) == 8, "Linux struct posix_acl_xattr_entry");

/* The entries follow. */
struct posix_acl_xattr_header {
	uint32_t a_version;
};
