/*
 * ext2 in memory: what its files share.
 *
 * Locks: an inode's lock (and its directory's) comes from the VFS; then a handle (ext2_begin); then
 * ei->map_lock for the block map; then fs->lock for bitmaps, group descriptors and counts.
 */
#pragma once

#include "fs/buf.h"
#include "fs/ext2/disk.h"
#include "fs/vfs.h"

struct ext2_pending {
	uint64_t *map; /* one bit a block; they are free, but not to be used yet */
	uint32_t count;
};

/*
 * Where a file's blocks were allocated last, and those taken ahead for it: block lblk should become
 * pblk (0: anywhere). It is taken, and so are those up to `end`, if lblk < end. window.c
 */
struct ext2_window {
	uint32_t lblk, pblk, end;
	uint32_t *slot;	     /* of lblk: in an index block, or in the inode */
	struct frame *frame; /* referenced, of that block, which a damaged volume may free */
};

/* Where a search for a free block began, and where it ended: nothing between is to be had. */
struct ext2_passed {
	bool valid;
	uint32_t group, from, to;
};

struct ext2_fs {
	struct super_block *sb;
	struct mutex lock;	  /* RANK_SUPER: what is marked (l) */
	struct mutex xattr_lock;  /* RANK_XATTR: contents of blocks of attributes */
	struct buf super;	  /* (l) frame of the superblock */
	struct ext2_super *es;	  /* (l) in it */
	struct buf *gdb;	  /* (l) frames of the group descriptors */
	uint32_t gdb_count, desc_size;
	uint32_t descs;		  /* group descriptors of a block */
	uint32_t groups;
	uint32_t block_size, block_bits;
	uint32_t ptrs, ptr_bits;  /* block numbers in a block, and its logarithm */
	uint32_t inode_size, inodes_per_block;
	uint32_t blocks_per_group, inodes_per_group;
	uint32_t blocks_count, inodes_count, first_data_block, first_ino;
	uint64_t free_blocks, free_inodes; /* (l) sums over the groups */
	uint64_t dirs;		  /* (l) */
	_Atomic uint64_t windowed; /* blocks of windows: not free, nor of a file yet */
	struct buf bitmap;	  /* (l) the block bitmap used last */
	uint32_t bitmap_group;	  /* (l) its group */
	struct journal *journal;  /* NULL: none; sb->journal while it is written */
	struct list_head orphans; /* (l) inodes on the list that the superblock begins */
	struct spinlock list_lock; /* RANK_JLIST: what is marked (i) */
	struct list_head ordered; /* (i) files that got blocks in the running transaction */
	struct list_head logged;  /* (i) inodes that changed in it */
	struct ext2_inode *_Atomic filling; /* (i) the one of them that a commit stores */
	struct waitqueue filled;  /* for it to change */
	uint32_t nr_ordered;	  /* (i) */
	/* Blocks freed by transactions that are not committed: by the lowest bit of its tid. */
	struct ext2_pending *pending[2]; /* (l) one for each group */
	uint64_t nr_pending[2];	  /* (l) */
	struct ext2_passed passed; /* (l) by the last search, since the last commit */
	bool filetype, extents;
	bool noload;		  /* its journal is left alone */
	bool sums;		  /* metadata has checksums, which begin with: */
	uint32_t sum_seed;
	bool dirty_mark;	  /* (l) the volume says on disk that it is in use */
	_Atomic uint32_t failed;	  /* found damaged: read-only from then on */
	_Atomic uint32_t blemished; /* a file of it was found damaged, and no more than that */
};

struct ext2_inode {
	struct inode vfs;
	struct mutex map_lock;	  /* RANK_BLOCKMAP: what is marked (m) */
	uint32_t block[EXT2_NBLOCKS]; /* (m) */
	uint32_t flags;		  /* EXT2_*_FL; inode lock */
	uint32_t file_acl;
	uint32_t generation;
	uint32_t group;		  /* of the inode */
	uint32_t run_lblk, run_pblk, run_len; /* (m) the run of blocks looked up last */
	struct ext2_window window; /* (m) */
	_Atomic uint64_t ready;	  /* 1 + the block made for writing last; changed under (m) */
	uint32_t space_hint;	  /* directories: no free slot in blocks before; inode lock */
	struct list_head orphan_link; /* (l) */
	struct list_head order_link, log_link; /* (i) */
	uint32_t tid, datasync_tid; /* transactions of its last change, of one for fdatasync */
	uint32_t orphan_next;	  /* on the volume's list of orphans: the next one */
	bool inline_xattrs;	  /* some stand behind its fields; inode lock */
	bool fresh;		  /* just made: the old record in the table means nothing */
};

static inline struct ext2_fs *ext2_fs(const struct super_block *sb)
{
	return sb->data;
}
static inline struct ext2_inode *ext2_i(struct inode *inode)
{
	return container_of(inode, struct ext2_inode, vfs);
}

/* geometry.c */
/* Does the superblock make sense on that device? A reason if not, else NULL. */
const char *ext2_super_check(const struct ext2_super *es, const struct blockdev *device);
/* The bits by which a cluster, what a bit of the bitmaps stands for, is larger than a block. */
uint32_t ext2_cluster_bits(const struct ext2_super *es);

/* super.c */
/* Now, as the superblock and deletion times have it. */
static inline uint32_t ext2_seconds_now(void)
{
	return (uint32_t)(inode_now() / (int64_t)NSEC_PER_SEC);
}

void ext2_register(void);
/* The volume is damaged: one message, read-only from now on. Returns -EUCLEAN. */
int ext2_error(struct ext2_fs *fs, const char *fmt, ...) __printf(2, 3);
/*
 * Only a file is damaged, in a way that is no danger to others: one message, and e2fsck is told to
 * look at the volume once nobody uses it. Returns -EUCLEAN.
 */
int ext2_error_file(struct ext2_fs *fs, const char *fmt, ...) __printf(2, 3);
/*
 * err, if not 0, left a change half done, or lost what was: as ext2_error. With a journal nothing
 * of the change reaches the disk. Returns err.
 */
int ext2_unfinished(struct ext2_fs *fs, int err, const char *what);
struct ext2_group *ext2_group(struct ext2_fs *fs, uint32_t group); /* fs->lock, or constants */
/* Around a change of it, in a handle. fs->lock. */
void ext2_group_modify(struct ext2_fs *fs, uint32_t group);
void ext2_group_dirty(struct ext2_fs *fs, uint32_t group);
/* Can it be a block of a file? */
static inline bool ext2_block_valid(const struct ext2_fs *fs, uint32_t block)
{
	return block > fs->first_data_block && block < fs->blocks_count;
}
/* The volume gets a feature, in a handle. */
void ext2_need_large_file(struct ext2_fs *fs);
void ext2_need_ext_attr(struct ext2_fs *fs);
extern const struct super_ops ext2_super_ops;

/* options.c */
/*
 * mount(2)'s data, sb being mounted with the superblock es: 0, or -EINVAL with a message that names
 * the word. *noload: noload or norecovery is among them.
 */
int ext2_options_parse(struct super_block *sb, const struct ext2_super *es, const char *s,
		       bool *noload);
int ext2_option_check(const char *option); /* for struct fstype */
/* As struct super_ops has them. */
int ext2_options_check(struct super_block *sb, const char *options);
void ext2_options_show(struct super_block *sb, char *buf, size_t size);

/*
 * checksum.c: is the sum right, where the volume has sums? 0 or -EBADMSG, reported, as ext2_error.
 */
/* The sums' kind and where they begin; of the superblock itself. False: unknown or wrong. */
bool ext2_sum_setup(struct ext2_fs *fs, const struct ext2_super *es);
int ext2_sum_group(struct ext2_fs *fs, uint32_t group);
int ext2_sum_dinode(struct ext2_fs *fs, const struct ext2_dinode *di, uint32_t ino);
/* A block of the directory, its n-th; asked only where there are sums. */
int ext2_sum_dir_block(struct inode *dir, uint32_t n, const void *block);
/* The node of an extent tree, a whole block. */
int ext2_sum_extents(struct ext2_inode *ei, const struct ext2_extent_header *head);
/* A block of attributes; reported as ext2_error_file. */
int ext2_sum_xattrs(struct ext2_fs *fs, uint64_t block, const struct ext2_xattr_header *h);

/* journal.c */
/* Find and check the journal of a volume that has one: fs->journal. 0 or -errno, reported. */
int ext2_journal_open(struct ext2_fs *fs);
/* What the log holds goes to its places: all that was read of the volume before is stale. */
int ext2_journal_recover(struct ext2_fs *fs);
/* Begin and end to write the journal. 0 or -errno; without a journal nothing to do. */
int ext2_journal_activate(struct ext2_fs *fs);
int ext2_journal_deactivate(struct ext2_fs *fs);
void ext2_pending_free(struct ext2_fs *fs);
/*
 * Bracket one change of the volume, which becomes atomic: see journal_start. Without a journal
 * nothing happens. 0, -EROFS, -ENOMEM.
 */
#define EXT2_CREDITS_NAME  64 /* an operation on names */
#define EXT2_CREDITS_TRIM  64 /* of which this much is needed to stop properly: */
#define EXT2_CREDITS_STOP  32
#define EXT2_CREDITS_BLOCK 24 /* blocks of one page of a file */
#define EXT2_CREDITS_INODE 2
#define EXT2_SPARE (4 * EXT2_CREDITS_NAME) /* blocks that handles which are open may still take */
int ext2_begin(struct ext2_fs *fs, uint32_t credits);
void ext2_end(struct ext2_fs *fs);
/* The change goes on in another handle. 0 or -errno, then none is open. */
int ext2_again(struct ext2_fs *fs);
/* May the change go on, or must it stop and begin anew? */
bool ext2_may_go_on(struct ext2_fs *fs);
/* The inode changed, in a handle: it is written with the transaction; see inode_dirty. */
void ext2_inode_changed(struct inode *inode, bool datasync);
/* The file got a block: its data is written before the transaction is. */
void ext2_inode_ordered(struct ext2_inode *ei);
/* It is on neither list any more, and no commit stores it. Sleeps, if in no handle. */
void ext2_inode_forget(struct ext2_inode *ei);
/* Blocks freed in a handle are not used before its transaction is committed. fs->lock. */
static inline uint64_t ext2_nr_pending(const struct ext2_fs *fs)
{
	return fs->nr_pending[0] + fs->nr_pending[1];
}
void ext2_pending_add(struct ext2_fs *fs, uint32_t group, uint32_t bit, uint32_t count);
/* The first bit of the group at or behind `bit` that is not pending, though it may be in use. */
uint32_t ext2_pending_skip(struct ext2_fs *fs, uint32_t group, uint32_t bit, uint32_t end);
/* The first that is pending, or end. */
uint32_t ext2_pending_next(struct ext2_fs *fs, uint32_t group, uint32_t bit, uint32_t end);
/* Has the volume hardly more than `spare` blocks for those without privileges? */
static inline bool ext2_is_tight(const struct ext2_fs *fs, uint32_t spare)
{
	return fs->free_blocks < fs->es->r_blocks_count + ext2_nr_pending(fs) + spare;
}

/* orphan.c */
/* Free what had no name and finish truncations, as the list on the disk says. Sleeps. */
void ext2_orphans_clean(struct ext2_fs *fs);
/* On and off the list, in a handle; twice is fine. Only with a journal. */
void ext2_orphan_add(struct inode *inode);
void ext2_orphan_del(struct inode *inode);

/* balloc.c */
/*
 * A free block at goal or as near behind it as can be: number in *block. With it come at most
 * *n - 1 that follow it, for a window: *n is then how many there are. 0, -ENOSPC, -EIO.
 */
int ext2_blocks_alloc(struct ext2_fs *fs, uint32_t goal, uint32_t *block, uint32_t *n);
static inline int ext2_block_alloc(struct ext2_fs *fs, uint32_t goal, uint32_t *block)
{
	uint32_t n = 1;

	return ext2_blocks_alloc(fs, goal, block, &n);
}
/* Is the block in use, and for files? 0 or -errno, reported. Takes fs->lock. */
int ext2_block_check(struct ext2_fs *fs, uint32_t block);
/* count blocks from block on become free. 0, or the volume has failed: -EUCLEAN, -EIO. */
int ext2_blocks_free(struct ext2_fs *fs, uint32_t block, uint32_t count);
/* The same for what is left of a window, in the transaction that took it: free at once. */
int ext2_blocks_return(struct ext2_fs *fs, uint32_t block, uint32_t count);

/* ialloc.c */
/* A free inode number for a thing of mode in dir. 0, -ENOSPC, -EIO. */
int ext2_inode_alloc(struct inode *dir, mode_t mode, uint32_t *ino);
int ext2_inode_taken(struct ext2_fs *fs, uint32_t ino); /* 0, -ESTALE: it is free, -EIO */
/* 0, or the volume has failed: -EUCLEAN, -EIO. */
int ext2_inode_free(struct ext2_fs *fs, uint32_t ino, bool directory);

/* extent.c */
/*
 * Where block lblk of a file with an extent tree lies, and how many, at most max, go on so.
 * 0 or -errno, reported. (ei->map_lock)
 */
int ext2_extent_find(struct ext2_inode *ei, uint64_t lblk, uint64_t max, struct file_run *run);
/* All blocks of any file: as inode_ops.fiemap. Takes map_lock. */
int ext2_fiemap(struct inode *inode, uint64_t at, uint64_t max, struct file_run *run);
/* As ext2_map for a file with an extent tree, which is only read. (ei->map_lock) */
int ext2_extent_map(struct ext2_inode *ei, uint64_t lblk, uint64_t max, uint32_t *pblk,
		    uint64_t *run);

/* window.c */
/*
 * How many blocks to take for block lblk of the file, whose slot is empty, as are perhaps others of
 * the `room` slots from there on: 1 and a window. ei->map_lock.
 */
uint32_t ext2_window_want(const struct ext2_inode *ei, uint64_t lblk, const uint32_t *slot,
			  uint32_t room);
/*
 * Block lblk of the file should become pblk: n blocks from there on are taken, in this handle, for
 * the slots from `slot` on, which lie in the frame of an index block (NULL: in the inode).
 * ei->map_lock.
 */
void ext2_window_open(struct ext2_inode *ei, uint64_t lblk, uint32_t pblk, uint32_t n,
		      uint32_t *slot, struct frame *frame);
/* Give what is left back, in a handle of the transaction that took it. ei->map_lock. */
void ext2_window_close(struct ext2_inode *ei);
void ext2_window_forget(struct ext2_inode *ei); /* of an inode that goes, on a failed volume too */
/* Give the file its block lblk, in a handle, if that is the next of its window. Takes map_lock. */
bool ext2_window_take(struct ext2_inode *ei, uint64_t lblk);

/* map.c */
/*
 * Where block lblk of the file is: *pblk (0: a hole) and *run, how many blocks from there on lie
 * one behind the other, at most max. create: a hole gets a block. 0 or -errno. Takes map_lock.
 */
int ext2_map(struct ext2_inode *ei, uint64_t lblk, uint64_t max, bool create, uint32_t *pblk,
	     uint64_t *run);
/*
 * Read the index blocks on the way to block lblk, unless memory is short. map_lock is taken, but
 * not held while they are read: others may go on.
 */
void ext2_map_ahead(struct ext2_inode *ei, uint64_t lblk);
/*
 * Free blocks [first, end), as many as the handle allows: 0, -EAGAIN (begin a new one and go on),
 * or another error. Takes map_lock.
 */
int ext2_map_remove_some(struct ext2_inode *ei, uint64_t first, uint64_t end);
/* Free blocks [first, end), or all from first on, in handles of their own. Takes map_lock. */
int ext2_map_remove(struct ext2_inode *ei, uint64_t first, uint64_t end);
int ext2_map_trim(struct ext2_inode *ei, uint64_t first);
uint64_t ext2_max_size(const struct ext2_fs *fs);

/* inode.c */
struct inode *ext2_iget(struct super_block *sb, uint32_t ino); /* or err_ptr */
/* An inode of the list of orphans, which may have no links. */
struct inode *ext2_iget_orphan(struct super_block *sb, uint32_t ino);
/*
 * Mode, flags and block map of an inode that no name leads to, into a zeroed ei that is in no
 * table, good for ext2_map only; and its size. 0 or -errno.
 */
int ext2_inode_peek(struct super_block *sb, uint32_t ino, struct ext2_inode *ei, uint64_t *size);
struct inode *ext2_inode_new(struct inode *dir, mode_t mode, dev_t rdev); /* or err_ptr */
int ext2_write_inode(struct inode *inode);
/* Copy the inode to its record in the table, now, in a handle. 0 or -errno. */
int ext2_inode_store(struct inode *inode);
/* Mark the record as a deleted inode's and give the number back, in a handle. 0 or -errno. */
int ext2_inode_erase(struct inode *inode);
void ext2_free_inode(struct inode *inode);
/* The inode's record in the table. 0 or -errno; b is the caller's to put. */
int ext2_dinode_get(struct super_block *sb, uint64_t ino, struct buf *b, struct ext2_dinode **di);
/* Does the record have what ends at byte `end`, given how much of it is said to be in use? */
bool ext2_has_extra(const struct ext2_fs *fs, const struct ext2_dinode *di, size_t end);

/* xattr.c */
int ext2_xattrs_load(struct inode *inode, struct list_head *list); /* as in inode_ops */
int ext2_xattrs_store(struct inode *inode, struct list_head *list, mode_t mode);
/* A new inode, in the handle that makes it, gets these. 0, -ENOSPC, -ENOMEM, -EIO. */
int ext2_xattrs_init(struct inode *inode, struct list_head *list);
/* An inode that is being read in: are there access lists? They may be damaged. 0, -ENOMEM. */
int ext2_acls_load(struct inode *inode);
/* Do any stand behind the inode's fields? */
bool ext2_xattrs_inline(struct ext2_fs *fs, struct ext2_dinode *di);
/*
 * The inode's block of them goes, or one reference to it, in a handle; a damaged one, or one that
 * cannot be read, stays as it is, for e2fsck to find. 0 or -errno, reported.
 */
int ext2_xattrs_drop(struct ext2_inode *ei);

/* flags.c: as in inode_ops */
uint32_t ext2_flags_get(const struct inode *inode);
int ext2_flags_set(struct inode *inode, uint32_t flags);

/* truncate.c */
void ext2_evict(struct inode *inode);
int ext2_setattr(struct inode *inode, const struct iattr *attr);
/* inode->lock is held, no handle open. */
int ext2_set_size(struct inode *inode, uint64_t size);

/* dir.c: the directory's lock is held */
/*
 * Block n of the directory, its checksum right. -ENOENT: it has none there, which is damage, since
 * directories have no holes; or -errno.
 */
int ext2_dir_block(struct inode *dir, uint32_t n, struct buf *b);
/* ino of the name in *ino, 0 if it is not there. */
int ext2_dir_find(struct inode *dir, const char *name, size_t len, uint32_t *ino);
int ext2_dir_add(struct inode *dir, const char *name, size_t len, uint32_t ino, mode_t mode);
/*
 * Where the record of a name is, its block held in memory until buf_put(&p->b), so that changing
 * it cannot fail. Adding names leaves it valid, removing others does not. 0, -ENOENT, or another
 * error.
 */
struct ext2_place {
	struct buf b;
	struct ext2_dirent *de;
	struct ext2_dirent *before; /* a record in front of it in the block, or NULL */
};
int ext2_dir_place(struct inode *dir, const char *name, size_t len, struct ext2_place *p);
void ext2_dir_remove(struct inode *dir, struct ext2_place *p);
/* The name gets another inode. */
void ext2_dir_set(struct inode *dir, struct ext2_place *p, uint32_t ino, mode_t mode);
int ext2_dir_make(struct inode *dir, uint32_t parent); /* "." and ".." of a new one */
int ext2_dir_empty(struct inode *dir);		       /* 0 or -ENOTEMPTY */
int ext2_readdir(struct file *f, struct dir_context *ctx);

/* punch.c: as file_ops.fallocate; of its modes a block map knows only to punch holes */
int ext2_fallocate(struct file *f, int mode, uint64_t offset, uint64_t len);

/* namei.c, symlink.c, data.c */
bool ext2_can_overwrite(const struct inode *inode, uint64_t pos, size_t n);
void ext2_write_cut(struct inode *inode); /* as inode_ops.write_cut */
int ext2_file_map(struct inode *inode, uint64_t at, uint64_t max, uint32_t *block, uint64_t *run);
extern const struct inode_ops ext2_dir_iops, ext2_file_iops, ext2_symlink_iops, ext2_special_iops;
extern const struct file_ops ext2_dir_fops, ext2_file_fops;
extern const struct object_ops ext2_object_ops;
ssize64_t ext2_readlink(struct inode *inode, char *buf, size_t size);
int ext2_symlink_write(struct inode *inode, const char *target, size_t len);
