/*
 * Volumes in use, as fs/mount.c and fs/sync.c see them.
 */
#pragma once

#include "fs/vfs.h"

void super_init(void);
/* Onto and off the list that sync(2) walks. */
void super_publish(struct super_block *sb);
void super_retract(struct super_block *sb);
/*
 * The volume behind prev on the list (NULL: the first), kept from unmounting until the next call
 * with it; the walk must go on until NULL.
 */
struct super_block *super_next(struct super_block *prev);
/* No more changes: 0, or -EBUSY while something is open for writing. */
int super_set_readonly(struct super_block *sb);
