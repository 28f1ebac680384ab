/*
 * A file system in memory: tmpfs for /tmp and /dev/shm, and the ground that devfs stands on.
 */
#pragma once

#include "fs/vfs.h"

struct tmpfs {
	struct mutex lock;	    /* RANK_SUPER: entries of all directories */
	uint64_t next_ino;	    /* (lock) */
	uint64_t max_pages;	    /* of data */
	_Atomic uint64_t pages;	    /* in use, as last counted */
	_Atomic uint64_t xattr_bytes; /* of all inodes */
	/* devfs: bring the tree up to date; called before a lookup or listing of the root. */
	void (*update)(struct super_block *sb);
	struct chardev *seen;	    /* devfs: (lock) the last one that has a node */
	_Atomic uint32_t blockdevs; /* devfs: blockdev_changes() as of the last time */
};

/* A name in a directory. Holds a reference to the inode. */
struct tmpfs_entry {
	struct list_head link;
	struct inode *inode;
	uint64_t cookie; /* position in listings; ascending along the list */
	uint32_t len;
	uint32_t hash;
	char name[];
};

struct tmpfs_inode {
	struct inode vfs;
	struct list_head entries; /* of a directory */
	struct inode *dir;	  /* (fs->lock) a directory: that it stands in, while it does */
	uint64_t next_cookie;
	_Atomic uint64_t counted; /* pages that the volume's count has of it */
	struct list_head xattrs;  /* inode lock */
	char *target;		  /* of a symbolic link */
	struct shm_segment *segment; /* whose contents it is: shm.c */
	uint32_t seals;		  /* F_SEAL_* of a file; the inode's lock */
	uint32_t flags;		  /* FS_*_FL of fs/flags.h; the inode's lock */
};

static inline struct tmpfs_inode *tmpfs_i(struct inode *inode)
{
	return container_of(inode, struct tmpfs_inode, vfs);
}
static inline struct tmpfs *tmpfs_of(const struct super_block *sb)
{
	return sb->data;
}

/* What mount(2) may ask for: tmpfs(5). */
struct tmpfs_options {
	uint64_t pages; /* of data; 0: as many as there are */
	mode_t mode;	/* of the root */
	uid_t uid;
	gid_t gid;
};

/*
 * size=, nr_blocks=, mode=, uid=, gid=, in any order and number, commas between them; the rest is
 * as without options: half of memory, 01777, the running thread's. False: it asks for more.
 */
bool tmpfs_options_parse(const char *s, struct tmpfs_options *o);
int tmpfs_option_check(const char *option); /* for struct fstype */

#define TMPFS_SIZE_MAX ((uint64_t)UINT32_MAX << PAGE_SHIFT)

extern const struct super_ops tmpfs_super_ops;
/* Fill in a volume's record, which is all zero. */
void tmpfs_setup(struct tmpfs *fs);
/* A volume with an empty root; mode of the root. fs, all zero and allocated, is sb's on success. */
int tmpfs_fill(struct super_block *sb, struct tmpfs *fs, mode_t mode, struct inode **root);
/* A thing without a name yet, nlink 0; or err_ptr. dir may be NULL. */
struct inode *tmpfs_inode_new(struct super_block *sb, struct inode *dir, mode_t mode, dev_t rdev);
/* tmpfs->lock held: find, add (inode's reference is taken over; nlink as it stands), remove. */
struct tmpfs_entry *tmpfs_find_locked(struct inode *dir, const char *name, size_t len);
int tmpfs_add_locked(struct inode *dir, const char *name, size_t len, struct inode *inode);
void tmpfs_remove_locked(struct tmpfs_entry *e);
/* Count what the inode has gained or lost since it was last counted; now: its pages. */
void tmpfs_pages_count(struct inode *inode, uint64_t now);
/* Extended attributes, as in inode_ops; and all of the inode's go. */
int tmpfs_xattrs_load(struct inode *inode, struct list_head *list);
int tmpfs_xattrs_store(struct inode *inode, struct list_head *list, mode_t mode);
void tmpfs_xattrs_drop(struct inode *inode);
/* As in inode_ops. */
uint32_t tmpfs_flags_get(const struct inode *inode);
int tmpfs_flags_set(struct inode *inode, uint32_t flags);
void tmpfs_register(void);
void devfs_register(void);
void devpts_register(void);
void memfd_init(void);
/*
 * A new empty file without a place in the tree, of the volume that stands nowhere: name is what
 * /proc shows for it. A path with references in *out. 0 or -errno. May sleep.
 */
int tmpfs_file_new(const char *name, mode_t mode, struct path *out);
/* Would the mode change what a seal keeps (F_SEAL_EXEC)? inode->lock held. */
bool tmpfs_mode_sealed(struct inode *inode, mode_t mode);
/* fcntl(2): 0 or -errno, -EINVAL for a file of another kind. May sleep. */
long tmpfs_seals_add(struct file *f, uint32_t seals);
long tmpfs_seals_get(struct file *f);
extern const struct inode_ops tmpfs_dir_iops, tmpfs_file_iops;
extern const struct file_ops tmpfs_file_fops;
