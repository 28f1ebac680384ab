/*
 * Volumes in use, as fs/mount.c and fs/sync.c see them.
 */
#pragma once

#include "fs/vfs.h"

void super_init(void);
/* Inodes in use, of all volumes: /proc/sys/fs/inode-nr. */
uint64_t inode_count(void);
/* Onto and off the list that sync(2) walks. mount_mutex held. */
void super_publish(struct super_block *sb);
void super_retract(struct super_block *sb);
/* Call func for each of them, mount_mutex held meanwhile. The first error. May sleep. */
int super_for_each(int (*func)(struct super_block *sb));
/* No more changes: 0, or -EBUSY while something is open for writing. */
int super_set_readonly(struct super_block *sb);
