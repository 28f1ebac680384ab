/*
 * What is not followed, linked or opened though its mode allows it (fs/protected.h).
 */
#include "fs/protected.h"

#include "kernel/thread.h"

uint64_t protected_symlinks = 1, protected_hardlinks = 1;
uint64_t protected_fifos, protected_regular;

static bool is_own(const struct inode *inode)
{
	return !current()->cred || current()->cred->fsuid == inode->uid;
}

bool symlink_may_follow(const struct inode *dir, const struct inode *link)
{
	const mode_t both = S_ISVTX | S_IWOTH;

	return !protected_symlinks || (dir->mode & both) != both || dir->uid == link->uid ||
	       is_own(link);
}

/* A file that is no danger under another name: one could write to it anyway. */
static bool is_harmless(struct inode *inode)
{
	const mode_t group_run = S_ISGID | S_IXGRP;

	return S_ISREG(inode->mode) && !(inode->mode & S_ISUID) &&
	       (inode->mode & group_run) != group_run &&
	       !inode_permission(inode, MAY_READ | MAY_WRITE);
}

int hardlink_check(struct inode *inode)
{
	return !protected_hardlinks || is_harmless(inode) || inode_owner_or_capable(inode)
		       ? 0 : -EPERM;
}

/* The switch for files of that kind; of no kind but these two is one. */
static uint64_t switch_of(mode_t mode)
{
	return S_ISREG(mode) ? protected_regular : S_ISFIFO(mode) ? protected_fifos : 1;
}

int sticky_open_check(const struct path *p)
{
	const struct inode *inode = p->dentry->inode, *dir;
	uint64_t level = switch_of(inode->mode);
	mode_t mode;
	uid_t owner;

	if (!level || S_ISDIR(inode->mode))
		return 0;
	spin_lock(&dcache_lock);
	dir = p->dentry->parent->inode;
	mode = dir->mode;
	owner = dir->uid;
	spin_unlock(&dcache_lock);
	if (!(mode & S_ISVTX) || inode->uid == owner || is_own(inode))
		return 0;
	return (mode & S_IWOTH) || (level > 1 && (mode & S_IWGRP)) ? -EACCES : 0;
}
