/*
 * Rules that removing a name and renaming share.
 */
#pragma once

#include "fs/vfs.h"

/*
 * May the running thread remove the positive d from dir, which is locked? directory: the caller
 * means one (rmdir). 0, -EACCES, -EPERM, -ENOTDIR, -EISDIR, -EBUSY, -EROFS.
 */
int name_may_remove(struct inode *dir, struct dentry *d, bool directory);
