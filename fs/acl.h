/*
 * POSIX access lists of files (acl(5)). Among an inode's extended attributes there are two, of
 * prefixes that are whole names: who may use it and, of a directory, what is made in it gets.
 * Their values are what ext4 has on its disks. inode->state says that there are such lists, and the
 * first is in memory, too: inode_permission must not sleep.
 */
#pragma once

#include "fs/flags.h"
#include "fs/vfs.h"

/*
 * These are all attributes of an inode that is being read in or made, and of which nobody else
 * knows. 0, -ENOMEM. Of a list that makes no sense all who are asked about it hear -EINVAL.
 */
int acl_learn(struct inode *inode, const struct list_head *xattrs);
/* The same where they cannot be read: there may be any lists, and what is heard of them is err. */
void acl_unreadable(struct inode *inode, int err);
struct acl;
void acl_put(struct acl *a); /* one reference, of an inode that goes; NULL, err_ptr: nothing */

/*
 * setxattr(2) and removexattr(2), value NULL, of XATTR_ACL_ACCESS or XATTR_ACL_DEFAULT: the mode
 * goes along, in one change of the volume. 0; -EINVAL, -EOPNOTSUPP, -EACCES: a default list is for
 * directories, -EPERM, -ENOSPC, -ENOMEM, -EUCLEAN, -EROFS, -EIO. inode->lock held. May sleep.
 */
int acl_set(struct inode *inode, unsigned index, const void *value, size_t size);
/*
 * getxattr(2): the value's size, to user memory if size is not 0; -EOPNOTSUPP, -ENODATA, -ERANGE,
 * -EFAULT, -EINVAL: it makes no sense, -ENOMEM, -EUCLEAN, -EIO. Takes inode->lock. May sleep.
 */
long acl_get(struct inode *inode, unsigned index, uaddr_t value, size_t size);
/*
 * The mode becomes that, and its list with it. 0, what it hears of a damaged list, or the errors of
 * a change: -EPERM, -ENOSPC, -ENOMEM, -EUCLEAN, -EROFS, -EIO. inode->lock held. May sleep.
 */
int acl_chmod(struct inode *inode, mode_t mode);

/*
 * inode_permission(), for who does not own a file with a list and has no power over it: 0, -EACCES,
 * or what acl_learn or acl_unreadable say.
 */
int acl_permission(const struct inode *inode, const struct cred *c, int mask) __slow;

int acl_inherit_default(struct inode *dir, mode_t *mode, struct list_head *xattrs);
/* The running thread's umask, without a default list: */
void acl_umask(mode_t *mode);
/*
 * Who is not in the group that a file gets from its directory may not make it run as that group: no
 * S_ISGID. Asked before umask or list take group execute away, without which the bit stays.
 */
void acl_setgid(const struct inode *dir, mode_t *mode);
/*
 * What is asked to be made in dir with *mode has that mode then, and those attributes, which are
 * the caller's to free, even then: 0, -ENOMEM, -EUCLEAN, -EIO, -EINVAL: dir's list makes no sense.
 * dir->lock held. May sleep.
 */
static inline int acl_inherit(struct inode *dir, mode_t *mode, struct list_head *xattrs)
{
	list_init(xattrs);
	if (unlikely(*mode & S_ISGID))
		acl_setgid(dir, mode);
	if (inode_has(dir, INODE_ACL_DEFAULT))
		return acl_inherit_default(dir, mode, xattrs);
	acl_umask(mode);
	return 0;
}
