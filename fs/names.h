/*
 * Names made and kept hold of; rules that removing a name and renaming share.
 */
#pragma once

#include "fs/vfs.h"

/*
 * May the running thread remove the positive d from dir, which is locked? directory: the caller
 * means one (rmdir). 0, -EACCES, -EPERM, -ENOTDIR, -EISDIR, -EBUSY, -EROFS.
 */
int name_may_remove(struct inode *dir, struct dentry *d, bool directory);

/*
 * vfs_mknod (vfs.h), and *made, unless it is NULL, is what was made, referenced: by its name one
 * might find something else.
 */
int vfs_make(int dirfd, const char *path, mode_t mode, dev_t rdev, struct path *made);
