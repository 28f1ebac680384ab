/*
 * Volumes in use, as fs/mount.c and fs/sync.c see them.
 */
#pragma once

#include "fs/vfs.h"

void super_init(void);
/* Inodes in use, of all volumes: /proc/sys/fs/inode-nr. */
uint64_t inode_count(void);
/*
 * The volume of type, on bdev if it needs a device: one that is in use already, or read now. One
 * more use, or err_ptr. mount_mutex held.
 */
struct super_block *super_open(struct fstype *type, struct blockdev *bdev, uint32_t flags,
			       const char *options);
/* One more use of what has one. */
void super_get(struct super_block *sb);
/* One less: the last one writes it out and lets go of its device. May sleep. */
void super_put(struct super_block *sb);
/* Call func for each of them, mount_mutex held meanwhile. The first error. May sleep. */
int super_for_each(int (*func)(struct super_block *sb));
/* Wait until volumes whose last use has gone are written out: they are not among those any more. */
void super_wait_ended(void);
/* As statfs(2), but for what the mount says. 0 or -errno. May sleep. */
int super_statfs(struct super_block *sb, struct statfs64 *st);
/* sync(2): everything that is dirty is written. */
void sync_everything(void);
