/*
 * Guards of what others may have laid into a directory that all may write to, with the sticky bit
 * (/tmp): /proc/sys/fs/protected_*.
 */
#pragma once

#include "fs/vfs.h"

extern uint64_t protected_symlinks, protected_hardlinks; /* 0, 1 */
extern uint64_t protected_fifos, protected_regular;	 /* 0, 1, 2: also a group's directory */

/* May the running thread follow link, the last component of a path, which lies in dir? */
bool symlink_may_follow(const struct inode *dir, const struct inode *link);
/* May it give inode another name? 0, -EPERM. */
int hardlink_check(struct inode *inode);
/* May it open what was found at p with O_CREAT? 0, -EACCES. Takes dcache_lock. */
int sticky_open_check(const struct path *p);
