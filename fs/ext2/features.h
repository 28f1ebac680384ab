/*
 * What a volume's feature bits mean for us.
 */
#pragma once

#include "fs/ext2/disk.h"
#include "kernel/types.h"

struct super_block;

/*
 * 0: can be mounted (sb may have been made read-only, with a message). -EINVAL: it has features
 * that must be understood even to read it; a message names them.
 */
int ext2_features_check(const struct ext2_super *es, struct super_block *sb);
/* May it be written to? */
bool ext2_features_writable(const struct ext2_super *es, struct super_block *sb);
