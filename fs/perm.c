/*
 * Who may do what: permission bits (path_resolution(7), inode(7)), ownership of new files, and
 * the rules for access times.
 */
#include "fs/acl.h"

#include <stdatomic.h>

#include "fs/mount.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"

bool cred_in_group(const struct cred *c, gid_t gid)
{
	uint32_t first = 0, end = c->ngroups;

	if (c->fsgid == gid)
		return true;
	/* They are in order. */
	while (first < end) {
		uint32_t i = first + (end - first) / 2;

		if (c->groups[i] == gid)
			return true;
		if (c->groups[i] < gid)
			first = i + 1;
		else
			end = i;
	}
	return false;
}

bool inode_owner_or_capable(const struct inode *inode)
{
	return cred_capable(CAP_FOWNER) || current()->cred->fsuid == inode->uid;
}

/* Has c the power to do what the bits of the mode may forbid? */
static bool overrides(const struct cred *c, mode_t mode, int mask)
{
	/* Even root executes only what somebody may execute. */
	if (cred_has(c, CAP_DAC_OVERRIDE))
		return !(mask & MAY_EXEC) || S_ISDIR(mode) || (mode & 0111);
	return cred_has(c, CAP_DAC_READ_SEARCH) &&
	       !(mask & (S_ISDIR(mode) ? MAY_WRITE : MAY_WRITE | MAY_EXEC));
}

/* Does it have a list? That is there before a mode that it means, and until after: else, *mode. */
static bool listed(const struct inode *inode, mode_t *mode)
{
	bool before = inode_has(inode, INODE_ACL);

	atomic_thread_fence(memory_order_acquire);
	*mode = inode->mode;
	atomic_thread_fence(memory_order_acquire);
	return before || inode_has(inode, INODE_ACL);
}

int inode_permission(struct inode *inode, int mask)
{
	const struct cred *c = current()->cred;
	mode_t mode = inode->mode;

	if (mask & MAY_WRITE) {
		if (atomic_load(&inode->sb->readonly) &&
		    (S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode)))
			return -EROFS;
		if (inode_has(inode, INODE_IMMUTABLE))
			return -EPERM;
	}
	if (!c || overrides(c, mode, mask))
		return 0;
	if (c->fsuid == inode->uid)
		mode >>= 6;
	else if (unlikely(listed(inode, &mode)))
		return acl_permission(inode, c, mask);
	else if (cred_in_group(c, inode->gid))
		mode >>= 3;
	if (!(mask & ~mode & 7))
		return 0;
	return inode->ops && inode->ops->excused && inode->ops->excused(inode, mask) ? 0 : -EACCES;
}

void inode_init_owner(struct inode *inode, const struct inode *dir, mode_t *mode)
{
	const struct cred *c = current()->cred;

	inode->uid = c ? c->fsuid : 0;
	inode->gid = c ? c->fsgid : 0;
	if (dir && (dir->mode & S_ISGID)) {
		inode->gid = dir->gid;
		if (S_ISDIR(*mode))
			*mode |= S_ISGID;
	}
	inode->mode = *mode;
	inode->atime = inode->mtime = inode->ctime = inode_now();
}

mode_t inode_setid_bits(const struct inode *inode)
{
	mode_t drop = inode->mode & S_ISUID;

	/* Without group execute it once meant mandatory locking: members may keep it. */
	if ((inode->mode & 0010) ||
	    (!cred_capable(CAP_FSETID) && !cred_in_group(current()->cred, inode->gid)))
		drop |= inode->mode & S_ISGID;
	return drop;
}

void inode_drop_setid(struct inode *inode)
{
	mode_t drop;

	if (likely(!(inode->mode & (S_ISUID | S_ISGID))) || cred_capable(CAP_FSETID))
		return;
	/* On a disk the change is about to be refused; in memory, as on Linux, it is not. */
	if (inode_has(inode, INODE_IMMUTABLE) && inode->sb->bdev)
		return;
	drop = inode_setid_bits(inode);
	if (!drop || !S_ISREG(inode->mode))
		return;
	inode->mode &= ~drop;
	inode->ctime = inode_now();
	inode_dirty(inode, false);
}

int64_t inode_accessed(struct mount *mnt, struct inode *inode)
{
	const int64_t day = 24 * 3600 * (int64_t)NSEC_PER_SEC;
	uint32_t flags = atomic_load_explicit(&mnt->flags, memory_order_relaxed);
	int64_t now = inode_now(), atime = inode->atime;

	/* Most often it stays, so this is asked first. */
	if (likely(atime > inode->mtime && atime > inode->ctime && now - atime < day) &&
	    !(flags & MS_STRICTATIME))
		return day - (now - atime);
	if ((flags & (MS_NOATIME | MS_RDONLY)) || atomic_load(&inode->sb->readonly) ||
	    inode_has(inode, INODE_NOATIME))
		return 0;
	if ((flags & MS_NODIRATIME) && S_ISDIR(inode->mode))
		return 0;
	inode->atime = now;
	inode_dirty(inode, false);
	return 0;
}

int inode_setattr_simple(struct inode *inode, const struct iattr *attr)
{
	if (attr->valid & ATTR_MODE)
		inode->mode = (inode->mode & S_IFMT) | (attr->mode & 07777);
	if (attr->valid & ATTR_UID)
		inode->uid = attr->uid;
	if (attr->valid & ATTR_GID)
		inode->gid = attr->gid;
	if (attr->valid & ATTR_ATIME)
		inode->atime = attr->atime;
	if (attr->valid & ATTR_MTIME)
		inode->mtime = attr->mtime;
	if (attr->valid & ATTR_CTIME)
		inode->ctime = attr->ctime;
	inode_dirty(inode, false);
	return 0;
}
