/*
 * File handles: what stands for a file outside of the kernel, without a name
 * (name_to_handle_at(2)).
 */
#pragma once

#include "fs/vfs.h"

#define HANDLE_WORDS_MAX 3

/* As user space has it (struct file_handle). */
struct handle {
	struct {
		uint32_t bytes;
		int32_t kind;
	} head;
	uint32_t words[HANDLE_WORDS_MAX];
};

struct handle_ops {
	uint32_t words; /* of a handle, at most HANDLE_WORDS_MAX */
	void (*encode)(struct inode *inode, uint32_t *words);
	/*
	 * The inode, referenced; err_ptr(-ESTALE): there is none any more, or it is another one.
	 * The words come from user space. May sleep.
	 */
	struct inode *(*decode)(struct super_block *sb, const uint32_t *words);
	/* Of a directory: the one it stands in, referenced. err_ptr. May sleep. */
	struct inode *(*parent)(struct inode *dir);
};

extern const struct handle_ops ext2_handle_ops, tmpfs_handle_ops;

/*
 * Where a volume has no handles, one for comparing can be made all the same. 0 or -EOPNOTSUPP.
 * Sleeps not.
 */
int handle_encode(struct inode *inode, bool compare, struct handle *h);

/* The inode ino if it is in memory, referenced, or NULL. May sleep. */
struct inode *inode_find(struct super_block *sb, uint64_t ino);
