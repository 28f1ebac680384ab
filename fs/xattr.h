/*
 * Extended attributes of an inode (xattr(7)), all of them as a list: what file systems fill in and
 * keep (inode_ops.xattrs_load, xattrs_store).
 */
#pragma once

#include "kernel/types.h"
#include "lib/list.h"

struct xattr {
	struct list_head link;
	uint8_t index;	  /* the name's prefix, as ext2 numbers them: XATTR_* */
	uint8_t name_len; /* without the prefix */
	uint32_t size;
	char name[];	  /* and the value behind it */
};

enum {
	XATTR_USER = 1,
	XATTR_ACL_ACCESS = 2, XATTR_ACL_DEFAULT = 3, /* fs/acl.h */
	XATTR_TRUSTED = 4, XATTR_SECURITY = 6,
};

static inline char *xattr_value(const struct xattr *x)
{
	return (char *)x->name + x->name_len;
}
/* What x takes of memory. */
static inline size_t xattr_bytes(const struct xattr *x)
{
	return sizeof(*x) + x->name_len + x->size;
}

/* One more in the list; its value is for the caller to fill in. NULL: no memory. */
struct xattr *xattr_add(struct list_head *list, unsigned index, const char *name, size_t name_len,
			size_t size);
void xattr_free(struct xattr *x); /* out of its list */
/* The one of that name; NULL: there is none. */
struct xattr *xattrs_find(const struct list_head *list, unsigned index, const char *name,
			  size_t name_len);
struct inode;
/* All that the inode has, for the caller to free, even then: 0 or -errno. Takes inode->lock. */
int xattrs_load(struct inode *inode, struct list_head *list);
void xattrs_free(struct list_head *list);
