/*
 * The virtual file system: what files, names, inodes, mounted volumes and file system types are,
 * and the operations that each kind of file system gives. For fs/ only; the rest of the kernel
 * uses fs/file.h.
 *
 * Letters behind fields say what protects them:
 *   d  dcache_lock        i  inode->lock (changed under it; single words are read without)
 *   h  icache_lock        m  mount_mutex and dcache_lock to change, either to read
 *   c  constant once the object is visible      a  atomic      n  notify_lock
 */
#pragma once

#include <stdatomic.h>

#include "fs/file.h"
#include "kernel/mutex.h"
#include "kernel/time.h"
#include "kernel/types.h"
#include "kernel/uapi/fcntl.h"
#include "kernel/uapi/stat.h"
#include "lib/hash.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "mm/object.h"

struct blockdev;
struct dir_context;
struct file_ops;
struct file_run;
struct mount;
struct pipe;
struct statfs64;
struct super_block;

#define NAME_MAX     255
#define PATH_MAX     4096
#define SYMLINKS_MAX 40

/* --- file system types and volumes --- */

struct fstype {
	const char *name;
	bool needs_device;
	/*
	 * Fill sb (bdev set if needs_device) and its root inode in *root, referenced. options are
	 * mount(2)'s data. May make sb read-only. 0 or -errno. May sleep.
	 */
	int (*mount)(struct super_block *sb, const char *options, struct inode **root);
	/*
	 * Of mount(2)'s options one, before there is a volume: 0, -EINVAL. NULL: what a volume is
	 * mounted with is looked at then, as those of Linux's older file systems.
	 */
	int (*check_option)(const char *option);
	unsigned magic;
	bool single; /* there is one volume of it, however often it is mounted */
	struct fstype *next;
};

void fstype_register(struct fstype *t);
struct fstype *fstype_find(const char *name);
struct fstype *fstype_next(struct fstype *prev);

struct super_ops {
	/* Copy the inode to its place in the volume's metadata. 0 or -errno. May sleep. */
	int (*write_inode)(struct inode *inode);
	/* The last reference is gone: if nlink is 0, free what it has on disk. May sleep. */
	void (*evict)(struct inode *inode);
	/* Free the memory of the inode itself; it is in no table any more. */
	void (*free)(struct inode *inode);
	/* Everything of the volume that is not an inode to the device, in order. May sleep. */
	int (*sync)(struct super_block *sb);
	/* Turn read-only (after a sync) or read-write. 0 or -errno. */
	int (*remount)(struct super_block *sb, bool readonly);
	/* A block of metadata (fs/buf.h) cannot be written. Locks may be held. NULL: no matter. */
	void (*write_failed)(struct super_block *sb, int err);
	void (*unmount)(struct super_block *sb); /* after sync; no inode is left */
	const struct handle_ops *handles; /* fs/handle.h; NULL: there are none */
	int (*statfs)(struct super_block *sb, struct statfs64 *out);
	/* Is what the name cache knows still true? (procfs). NULL: always. May sleep. */
	bool (*revalidate)(struct dentry *d);
	/* mount(2)'s data for what is mounted already. 0, -EINVAL; NULL: not looked at. */
	int (*check_options)(struct super_block *sb, const char *options);
	/* Append those in force, each behind a comma. NULL: none. */
	void (*show_options)(struct super_block *sb, char *buf, size_t size);
};

struct super_block {
	const struct super_ops *ops;	/* c */
	struct fstype *type;		/* c */
	struct dentry *root;		/* c; referenced */
	struct blockdev *bdev;		/* c; NULL for file systems in memory */
	dev_t dev;			/* c; st_dev */
	uint32_t block_size;		/* c */
	_Atomic uint32_t readonly;		/* a */
	_Atomic uint32_t mounts;	/* a; of this volume; the last one gone, it goes, too */
	void *data;			/* c; the file system's */
	struct mutex rename_lock;	/* RANK_RENAME: directories move only under it */
	struct list_head inodes;	/* h; all of the volume */
	struct list_head dirty;		/* h; those to write back */
	_Atomic uint32_t writers;	/* a; operations under way that change the volume */
	struct list_head link;		/* d; super_blocks */
	int64_t time_min, time_max;	/* c; what inodes can keep, in ns; both 0: any */
	uint64_t max_size;		/* c; of a file, bytes */
	struct object meta;		/* metadata blocks: fs/buf.c */
	struct hlist_head watches;	/* n; on the volume: fs/notify.h */
	struct journal *journal;	/* while it is written: fs/jbd2; changes with no user */
	_Atomic bool synchronous;	/* a; a write is over when it is on the device */
	bool no_dev_files;
	bool posix_acl;			/* c; there are access lists: fs/acl.h */
	bool forget_names;		/* c; names leave the cache when unused */
};

/* Allocate an empty one with a fresh st_dev; NULL: no memory. */
struct super_block *super_alloc(struct fstype *t);
/* A mount that stands nowhere in the tree, for pipes and memfds: for ever, without a root. */
struct mount *super_internal(const char *name, unsigned magic, const struct super_ops *ops);
/* Write all that is dirty on sb (and its device) and wait. 0 or the first error. May sleep. */
int super_sync(struct super_block *sb);
int super_sync_all(void);
/* The machine stops: free on the disk what has no name but is still open. */
void super_drop_unlinked(struct super_block *sb);
/* Pages in memory of all files of sb. */
uint64_t super_pages(struct super_block *sb);
/* Bracket an operation that changes the volume: 0 or -EROFS. Nests. Does not sleep. */
int super_write_begin(struct super_block *sb);
void super_write_end(struct super_block *sb);

/* --- inodes --- */

enum {
	INODE_NEW = 1,	    /* being read in; others wait */
	INODE_FREEING = 2,  /* being evicted; others wait, then read it again */
	INODE_DIRTY = 4,    /* on sb->dirty */
	INODE_DATASYNC = 8, /* dirty in a way that fdatasync must write (size, blocks) */
	INODE_DEAD = 16,    /* i; directory was removed: nothing may be made in it */
	INODE_EVICTED = 32, /* what it had on the disk is freed already, though it is in use */
	INODE_LINKABLE = 64, /* i; O_TMPFILE: has had no name yet, and may be given one */
	INODE_SWAP = 128, /* i; its blocks are a swap area: they and its names stay as they are */
	INODE_IMMUTABLE = 256, INODE_APPEND = 512, INODE_NOATIME = 1024, /* i; see fs/flags.h */
	INODE_ACL = 2048, INODE_ACL_DEFAULT = 4096, /* i; it has such a list: fs/acl.h */
};

struct inode {
	mode_t mode;			/* i */
	uid_t uid;			/* i */
	gid_t gid;			/* i */
	uint32_t nlink;			/* i */
	const struct inode_ops *ops;	/* c */
	struct super_block *sb;		/* c */
	uint64_t ino;			/* c */
	_Atomic int refs;		/* a; 0 only under h */
	_Atomic uint32_t state;		/* a; INODE_* */
	const struct file_ops *fops;	/* c */
	dev_t rdev;			/* c */
	uint64_t blocks;		/* of 512 bytes, for st_blocks; the file system's lock */
	int64_t atime, mtime, ctime;	/* i; ns since 1970 */
	int64_t btime;			/* c; when it was made; 0: it is not known */
	uint64_t size_other;		/* i; size of anything but a regular file */
	struct mutex lock;		/* RANK_DIR for directories, else RANK_INODE */
	_Atomic int writers;		/* a; open for writing (>0) or being executed (<0) */
	_Atomic int readers;		/* a; a regular file: open for reading alone */
	struct hlist_node hash;		/* h */
	struct list_head sb_link;	/* h */
	struct list_head dirty_link;	/* h */
	struct object object;		/* pages of a regular file; its size is the file's */
	void *data;			/* the file system's */
	struct pipe *pipe;		/* i; of a FIFO that is open */
	struct dentry *alias;		/* d; the one name of a directory */
	struct hlist_head watches;	/* n; fs/notify.h */
	_Atomic(struct file_locks *) locks; /* set once; its own lock */
	struct acl *acl;		/* i, acl_lock; its access list, or err_ptr: fs/acl.c */
};

static inline uint64_t inode_size(const struct inode *inode)
{
	return S_ISREG(inode->mode) ? atomic_load_explicit(&inode->object.size,
							   memory_order_relaxed)
				    : inode->size_other;
}

/* What attributes to change; only fields named by valid. */
enum {
	ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8, ATTR_ATIME = 16,
	ATTR_MTIME = 32, ATTR_CTIME = 64, ATTR_KILL_SETID = 128,
	ATTR_TIMES_SET = 256, /* times that were asked for, and not just "now" for both: */
	ATTR_TOUCH = 512,
};
struct iattr {
	uint32_t valid;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	int64_t atime, mtime, ctime;
};

/* A name to be made, in a directory that is locked. The dentry is negative and stays locked out
 * of other changes by the directory's lock. */
struct inode_ops {
	/* Find d->name in dir: *out is its inode, referenced, or NULL if there is none. */
	int (*lookup)(struct inode *dir, struct dentry *d, struct inode **out);
	/*
	 * Make a regular file, directory, device node, FIFO or socket, by the type bits of mode.
	 * xattrs: what it has of extended attributes; of the list entries may be taken out.
	 */
	int (*mknod)(struct inode *dir, struct dentry *d, mode_t mode, dev_t rdev,
		     struct list_head *xattrs, struct inode **out);
	int (*symlink)(struct inode *dir, struct dentry *d, const char *target,
		       struct inode **out);
	/* Make a regular file without a name, as if in dir; nlink is 0. NULL: EOPNOTSUPP. */
	int (*tmpfile)(struct inode *dir, mode_t mode, struct list_head *xattrs,
		       struct inode **out);
	int (*link)(struct inode *inode, struct inode *dir, struct dentry *d);
	/* Both for files and (empty) directories; the caller checked the kind. */
	int (*unlink)(struct inode *dir, struct dentry *d);
	/*
	 * to_d may be positive: it is replaced, or with RENAME_EXCHANGE swapped. RENAME_WHITEOUT: a
	 * character device 0, 0 stays. The caller checked flags, kinds, directories' ancestors.
	 */
	int (*rename)(struct inode *from, struct dentry *from_d, struct inode *to,
		      struct dentry *to_d, unsigned flags);
	/*
	 * The target of a symbolic link, NUL-terminated, in buf of size bytes: its length, or
	 * -errno. May sleep.
	 */
	ssize64_t (*readlink)(struct inode *inode, char *buf, size_t size);
	/* Jump without a text (/proc/PID/fd/N): fills out with references. NULL: use readlink. */
	int (*follow)(struct inode *inode, struct path *out);
	/* MAY_*, which the mode forbids: is it allowed all the same? NULL: no. Spin locks held. */
	bool (*excused)(const struct inode *inode, int mask);
	/* NULL: inode_setattr_simple. inode->lock held. May sleep. */
	int (*setattr)(struct inode *inode, const struct iattr *attr);
	/*
	 * May write(2) put u->resid > 0 bytes at pos? 0 or -errno; it may cut u->resid.
	 * inode->lock held. NULL: anything.
	 */
	int (*write_limit)(struct inode *inode, struct uio *u, uint64_t pos);
	/*
	 * Where block `at` of a regular file lies on sb->bdev: *block, 0 if it is a hole; and how
	 * many from there on lie one behind the other, or are holes: *run, at most max. 0 or
	 * -errno. inode->lock held. May sleep. NULL: its pages are not on a device.
	 */
	int (*map)(struct inode *inode, uint64_t at, uint64_t max, uint32_t *block, uint64_t *run);
	/* The same for FS_IOC_FIEMAP, of directories too (fs/fiemap.h). NULL: EOPNOTSUPP. */
	int (*fiemap)(struct inode *inode, uint64_t at, uint64_t max, struct file_run *run);
	/*
	 * Bytes [pos, pos + n) lie in one page, which is dirty: has it got all that writing them
	 * needs, so that the object's write_begin and make_writable would do nothing? inode->lock
	 * held. NULL: no.
	 */
	bool (*can_overwrite)(const struct inode *inode, uint64_t pos, size_t n);
	/*
	 * A write ended early: what it has got for bytes behind the end of the file may go.
	 * inode->lock held. NULL: nothing does.
	 */
	void (*write_cut)(struct inode *inode);
	/*
	 * All extended attributes into the empty list (fs/xattr.h); they are those of the list from
	 * now on, of which entries may be taken out and kept; and mode is its mode, all in one
	 * change of the volume, or none. 0, -EUCLEAN, -EOPNOTSUPP, -EPERM, -ENOSPC, -ENOMEM, -EIO.
	 * inode->lock held. May sleep. Both NULL: EOPNOTSUPP.
	 */
	int (*xattrs_load)(struct inode *inode, struct list_head *list);
	int (*xattrs_store)(struct inode *inode, struct list_head *list, mode_t mode);
	/* FS_*_FL as FS_IOC_GETFLAGS has them. Both NULL: there are none. */
	uint32_t (*flags_get)(const struct inode *inode);
	/*
	 * They become these (and inode_flags_apply is called): 0, -EOPNOTSUPP, -EPERM, -ENOSPC,
	 * -EIO. inode->lock held. May sleep.
	 */
	int (*flags_set)(struct inode *inode, uint32_t flags);
	/* Bring fields that stat shows up to date; under dcache_lock. NULL: they are. */
	void (*refresh)(struct inode *inode);
};

/* A zeroed inode's own fields; mode decides the rank of the lock. refs is 1. */
void inode_init(struct inode *inode, struct super_block *sb, uint64_t ino, mode_t mode);
/* Fill uid, gid and times of a new inode in dir as the running thread makes it; *mode gets or
 * loses the set-group-id bit. */
void inode_init_owner(struct inode *inode, const struct inode *dir, mode_t *mode);
/* Into the table of its volume, so that sync and unmount find it. */
void inode_hash(struct inode *inode);
/*
 * The inode ino of sb from the table, referenced; or alloc(sb) is put there, INODE_NEW, and
 * *fresh is true: the caller fills it and calls inode_unlock_new or inode_fail_new. NULL: no
 * memory. May sleep.
 */
struct inode *inode_get_locked(struct super_block *sb, uint64_t ino,
			       struct inode *(*alloc)(struct super_block *sb), bool *fresh);
void inode_unlock_new(struct inode *inode);
void inode_fail_new(struct inode *inode); /* drops it */
struct inode *inode_get(struct inode *inode);
void inode_put(struct inode *inode); /* NULL is fine; the last one evicts: may sleep */
/* Its fields changed: to be written back. datasync: in a way that matters for reading data. */
void inode_dirty_slow(struct inode *inode, uint32_t bits);
static inline void inode_dirty(struct inode *inode, bool datasync)
{
	uint32_t bits = INODE_DIRTY | (datasync ? INODE_DATASYNC : 0);

	/* In order behind the change: who clears the bits first and then looks must see it. */
	if ((atomic_load(&inode->state) & bits) != bits)
		inode_dirty_slow(inode, bits);
}
/* Write data and fields of one inode and wait; with metadata only what fdatasync needs. */
int inode_sync(struct inode *inode, bool datasync);
/* Take all unused names and inodes of sb out; false if some are in use. */
bool super_shrink(struct super_block *sb);
void icache_init(void);
/* The default setattr: copies what valid names (not the size) and marks dirty. */
int inode_setattr_simple(struct inode *inode, const struct iattr *attr);
int64_t inode_now(void); /* the clock for timestamps, ns */
/* mtime and ctime of an inode whose lock is held are now. */
void inode_touch(struct inode *inode);
/* The atime, as relatime says. For how many ns from now on it stays, if no other time changes. */
int64_t inode_accessed(struct mount *mnt, struct inode *inode);
/* May its size become that? 0; -EFBIG, with SIGXFSZ where it is RLIMIT_FSIZE that forbids it. */
int inode_check_size(struct inode *inode, uint64_t size);
/* Writers and executors exclude each other: 0 or -ETXTBSY. */
int inode_write_get(struct inode *inode);
void inode_write_put(struct inode *inode);

enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };
/*
 * May the running thread? 0, -EACCES, -EPERM, -EROFS (never asks the mount), or, of an access list
 * that is damaged, -EINVAL, -EUCLEAN, -EIO. Does not sleep.
 */
int inode_permission(struct inode *inode, int mask);
/* Does the running thread own it, or may it act as if it did (CAP_FOWNER)? */
bool inode_owner_or_capable(const struct inode *inode);
bool cred_in_group(const struct cred *c, gid_t gid);

/* --- names --- */

enum {
	DENTRY_MOUNTED = 1, /* something is mounted here, in some mount */
	DENTRY_REVALIDATE = 2,
	DENTRY_LRU = 4,
	DENTRY_DISCONNECTED = 8, /* root of a volume, or has no name at all */
};

#define DENTRY_INLINE 32

struct dentry {
	struct hlist_node hash;		/* d */
	struct dentry *parent;		/* d; referenced; itself for a root */
	struct inode *inode;		/* d; referenced; NULL: the name is known not to exist */
	uint32_t flags;			/* d; DENTRY_* */
	uint32_t name_len;		/* d */
	uint64_t name_key;		/* d; see name_key() */
	_Atomic int refs;		/* a; 0 <-> 1 only under d */
	const char *name;		/* d; inline_name or kmalloc'ed, NUL-terminated */
	struct super_block *sb;		/* c */
	struct list_head lru;		/* d */
	struct list_head children;	/* d */
	struct list_head sibling;	/* d */
	char inline_name[DENTRY_INLINE];
};

extern struct spinlock dcache_lock; /* RANK_DCACHE */

void dcache_init(void);
/*
 * What a name is looked for by: a hash of it, but of a name up to NAME_WORD bytes the name itself,
 * so that no two of these share one. The name ends, at *end, with a NUL or a slash.
 */
#define NAME_WORD 8
static inline uint64_t name_key(const char *name, const char **end)
{
	const char *stop = name + NAME_WORD;
	uint64_t key = 0, hash = 0;

	for (; *name && *name != '/'; name++) {
		if (unlikely(name == stop)) {
			hash = hash * 127 + key;
			stop += NAME_WORD;
		}
		key = key << 8 | (uint8_t)*name;
	}
	*end = name;
	return key ^ hash;
}

#define DENTRY_HASH_BITS 12
extern struct hlist_head dentry_table[1 << DENTRY_HASH_BITS]; /* d */

static inline struct hlist_head *dentry_bucket(const struct dentry *parent, uint64_t key)
{
	return &dentry_table[hash_u64((uint64_t)(uintptr_t)parent << 24 ^ key, DENTRY_HASH_BITS)];
}

/* The cached child, no reference taken; NULL if not cached. dcache_lock held. */
static inline struct dentry *dentry_find_locked(const struct dentry *parent, const char *name,
						size_t len, uint64_t key)
{
	struct dentry *d;

	hlist_for_each_entry(d, dentry_bucket(parent, key), hash) {
		size_t same = 0;

		if (d->name_key != key || d->parent != parent || d->name_len != len)
			continue;
		/* Not memcmp, which would make who walks a path save its registers. */
		while (same < len && len > NAME_WORD && d->name[same] == name[same])
			same++;
		if (len <= NAME_WORD || same == len)
			return d;
	}
	return NULL;
}
struct dentry *dentry_get(struct dentry *d);
void dentry_put(struct dentry *d); /* NULL is fine; may sleep */
/*
 * The child of parent by that name, referenced, positive or negative; asks the file system if it
 * is not cached. parent's inode is a directory and its lock is held. Behind the name there is a NUL
 * or a slash. err_ptr on failure.
 */
struct dentry *dentry_lookup_locked(struct dentry *parent, const char *name, size_t len);
/* The same, taking the lock if needed. */
struct dentry *dentry_lookup(struct dentry *parent, const char *name, size_t len);
/* A root dentry for a volume; takes over the reference to inode. NULL: no memory (inode put). */
struct dentry *dentry_root(struct super_block *sb, struct inode *inode);
/* A dentry without a place in the tree, for pipes and the like: name as /proc/PID/fd shows it. */
struct dentry *dentry_anonymous(struct super_block *sb, const char *name, struct inode *inode);
/* A dentry below dir that no lookup finds (O_TMPFILE); takes over the reference, or NULL. */
struct dentry *dentry_unnamed(struct dentry *dir, struct inode *inode);
/* A negative dentry becomes positive; takes over the reference. Directory lock held. */
void dentry_fill(struct dentry *d, struct inode *inode);
/* The name is gone: make it negative or forget it. Directory lock held. May sleep. */
void dentry_removed(struct dentry *d);
/* Out of the cache: later lookups ask the file system. */
void dentry_forget(struct dentry *d);
/* After a rename: d takes to's place (to is forgotten), or they swap. Both directories locked. */
void dentry_move(struct dentry *d, struct dentry *to);
void dentry_swap(struct dentry *a, struct dentry *b);
/* Is a an ancestor of d (or d itself)? dcache_lock or rename_lock held. */
bool dentry_is_ancestor(const struct dentry *a, const struct dentry *d);
bool dentry_unlinked(const struct dentry *d);
uint64_t dcache_shrink(struct super_block *sb, uint64_t n); /* sb NULL: any volume */

/* --- mounts (fs/mount.h) --- */

struct mount *mount_get(struct mount *m);
void mount_put(struct mount *m);
/* The mount on dentry d of m, no reference; NULL if none. dcache_lock held. */
struct mount *mount_find_locked(struct mount *m, struct dentry *d);
/* May this mount be written to: 0 or -EROFS; undo with mount_write_end. */
int mount_write_begin(struct mount *m);
void mount_write_end(struct mount *m);

/* --- paths --- */

enum {
	WALK_FOLLOW = 1,    /* a symbolic link in the last place is followed */
	WALK_EMPTY = 2,	    /* an empty path is the start (AT_EMPTY_PATH) */
	WALK_DIRECTORY = 4, /* must be a directory */
	WALK_QUIET = 8,	    /* is no use of the mounts on the way (MNT_EXPIRE) */
};

/* What AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH of a system call mean. */
static inline unsigned walk_flags(int at)
{
	return (at & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW) | (at & AT_EMPTY_PATH ? WALK_EMPTY : 0);
}

const struct path *path_get(const struct path *p);
void path_put(struct path *p);
/*
 * Calls func with the thing at name (kernel memory) from dirfd, under dcache_lock: it must not
 * sleep, and takes the references it wants to keep. 0 or -errno: it was not called. May sleep.
 */
int path_visit(int dirfd, const char *name, unsigned flags,
	       void (*func)(const struct path *at, void *arg), void *arg);
/* The same, with references in *out. */
int path_lookup(int dirfd, const char *name, unsigned flags, struct path *out);

/* Where openat2(2) lets a walk lead. */
struct walk_limits {
	struct path top;  /* referenced; where relative paths begin, and what RESOLVE_BENEATH and
			     RESOLVE_IN_ROOT do not leave */
	uint64_t resolve; /* RESOLVE_* */
};
/* path_lookup from limits->top. The further errors are those of RESOLVE_*. */
int path_lookup_limited(const struct walk_limits *limits, const char *name, unsigned flags,
			struct path *out);

/* The last component of a path and the directory it stands in. */
struct lastname {
	struct path dir;  /* referenced */
	const char *name; /* within the path handed in or buf */
	size_t len;
	bool slash;	  /* the path ended with a slash */
	enum { LAST_NORMAL, LAST_ROOT, LAST_DOT, LAST_DOTDOT } kind;
	char *buf;	  /* owned */
	unsigned links;	  /* symbolic links followed so far */
};
int path_parent(int dirfd, const char *name, struct lastname *out);
/* The same, from a given directory (not consumed), behind so many links; limits may be NULL. */
int path_parent_at(const struct path *dir, const char *name, unsigned links,
		   const struct walk_limits *limits, struct lastname *out);
void lastname_put(struct lastname *l);

/* A path that came from user memory. */
struct pathname {
	char *s;
	char inline_buf[120] __attribute__((aligned(8)));
};
/* 0, -EFAULT, -ENAMETOOLONG, -ENOMEM. */
int pathname_get(struct pathname *p, uaddr_t user);
void pathname_put(struct pathname *p);
/* path_visit and path_lookup for a user address. */
int path_visit_user(int dirfd, uaddr_t name, unsigned flags,
		    void (*func)(const struct path *at, void *arg), void *arg);
int path_lookup_user(int dirfd, uaddr_t name, unsigned flags, struct path *out);
/* Is p top, or below it? dcache_lock held. */
bool path_below_locked(const struct path *p, const struct path *top);
/* Absolute path as the running thread's root sees it, in buf; start of the string or err_ptr
 * (-ENAMETOOLONG). *unreachable: it lies outside of that root; " (deleted)" is added if so. */
char *path_string(const struct path *p, char *buf, size_t size, bool *unreachable, bool mark);
/* s as files of /proc have it: blanks and backslashes as \040 and so on; cut at what buf holds. */
void path_escape(const char *s, char *buf, size_t size);

/* --- making and removing names: shared by the system calls and the kernel's own uses --- */

/* Lock dir, look the name up and make a thing of mode, but for umask, there. 0 or -errno. */
int vfs_mknod(int dirfd, const char *path, mode_t mode, dev_t rdev);
int vfs_symlink(const char *target, int dirfd, const char *path);
int vfs_unlink(int dirfd, const char *path, bool directory);
int vfs_rename(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
/* New name d in dir (locked) for a thing of mode: checks permission; d becomes positive. */
int vfs_create_locked(struct path *dir, struct dentry *d, mode_t mode, dev_t rdev);
/* Checks and calls setattr; takes the inode's lock. */
int vfs_setattr(struct path *p, struct iattr *attr);
int vfs_truncate(struct path *p, uint64_t size);
/* The set-id bits that the running thread takes away by a change. */
mode_t inode_setid_bits(const struct inode *inode);
/* Take the set-id bits away after a write by one who is not root. inode->lock held. */
void inode_drop_setid(struct inode *inode);

/* --- open files --- */

enum {
	FILE_READ = 1,	/* read(2) allowed */
	FILE_WRITE = 2, /* write(2) allowed; counted in inode->writers and the mount's */
	FILE_SEEK = 4,	/* has a position */
	FILE_PATH = 8,	/* O_PATH: only a place */
	FILE_EXEC = 16, /* denies writers */
	FILE_CANREAD = 32, /* kind supports pread at any position */
	FILE_HEARS_CLOSE = 64, /* each descriptor that is closed is told to ops->closed */
	FILE_SILENT = 128, FILE_ASKS = 256, /* fs/notify.h */
	FILE_CREATED = 512, /* by its open */
};

struct file_ops {
	int (*open)(struct inode *inode, struct file *f);
	void (*release)(struct file *f);
	void (*closed)(struct file *f); /* FILE_HEARS_CLOSE: the running thread closes one */
	/* *pos is where, and is moved on; without FILE_SEEK it is ignored. May sleep. */
	ssize64_t (*read)(struct file *f, struct uio *u, uint64_t *pos);
	ssize64_t (*write)(struct file *f, struct uio *u, uint64_t *pos);
	int64_t (*seek)(struct file *f, int64_t offset, int whence); /* NULL: by size */
	int (*readdir)(struct file *f, struct dir_context *ctx);
	long (*ioctl)(struct file *f, uint32_t cmd, uint64_t arg);
	uint32_t (*poll)(struct file *f, struct poll_table *pt); /* NULL: always ready */
	struct async_list *(*async)(struct file *f); /* kernel/async.h; NULL: no O_ASYNC */
	int (*fsync)(struct file *f, bool datasync);		 /* NULL: EINVAL */
	int (*fallocate)(struct file *f, int mode, uint64_t offset, uint64_t len);
	struct object *(*object)(struct file *f); /* what mmap maps; NULL: ENODEV */
	void (*show_info)(struct file *f, struct proc_text *t); /* its own lines of fdinfo/N */
};

struct file {
	_Atomic int refs;		/* a */
	uint32_t kind;			/* c; FILE_* */
	_Atomic uint32_t flags;		/* a; O_* as F_GETFL shows them */
	const struct file_ops *ops;	/* c */
	struct inode *inode;		/* c; path.dentry's */
	struct path path;		/* c */
	uint64_t pos;			/* pos_lock when refs > 1 */
	struct mutex pos_lock;		/* RANK_FILE */
	void *data;			/* the ops' */
	uint64_t readdir_state;		/* pos_lock; the file system's, for readdir */
	_Atomic uint32_t error_seq;	/* a; write-back errors of the object seen so far */
	const struct cred *cred;	/* c; of who opened it */
	_Atomic uint32_t flocked;	/* a; has had flock or OFD locks, a lease, F_NOTIFY */
	uint64_t atime_until;		/* hint only: time_ns() before which atime stays */
	uint64_t ra_end;		/* hint only: where sequential reading will go on */
	uint64_t ra_asked;		/* hint only: up to this page nothing is to be read ahead */
	struct file_owner *owner;	/* its own lock; whom it signals, or NULL */
	struct hlist_head watches;	/* watch_lock in fs/event/epoll.c; those who wait for it */
};

void file_init(void);
/*
 * An open file of the inode at p, without calling ops->open. The references of p become the
 * file's, and p is empty, unless it fails. err_ptr: no memory.
 */
struct file *file_alloc_at(struct path *p, uint32_t flags, uint32_t kind,
			   const struct file_ops *ops);
/* The same with references of its own. */
struct file *file_alloc(const struct path *p, uint32_t flags, uint32_t kind,
			const struct file_ops *ops);
/* Open what p names: permission by flags, ops->open. Referenced or err_ptr. */
struct file *file_open_path(const struct path *p, int flags);
/* The same for who has just made it: whatever its mode says. */
struct file *file_open_made(const struct path *p, int flags);
struct file *file_open_at(int dirfd, const char *path, int flags, mode_t mode);
/* As fd_get, but O_PATH files too (fd_get refuses them). */
struct file *fd_get_any(int fd);
ssize64_t file_read(struct file *f, struct uio *u, uint64_t *pos);
ssize64_t file_write(struct file *f, struct uio *u, uint64_t *pos);
uint32_t file_poll(struct file *f, struct poll_table *pt);
int file_fsync(struct file *f, bool datasync);
/* File operations of regular files whose pages are in inode->object. */
ssize64_t file_read_pages(struct file *f, struct uio *u, uint64_t *pos);
ssize64_t file_write_pages(struct file *f, struct uio *u, uint64_t *pos);
struct object *file_inode_object(struct file *f);
/* lseek where all of the file up to its size is data. The new position or -errno. */
int64_t file_seek_simple(struct file *f, int64_t offset, int whence);
int file_fsync_simple(struct file *f, bool datasync); /* in memory: nothing to do */
/*
 * An open file that no name leads to, of a kind of its own: name as /proc/PID/fd shows it, flags
 * O_*, data for the ops. Referenced or err_ptr; on failure data stays the caller's.
 */
struct file *file_anonymous(const char *name, uint32_t flags, const struct file_ops *ops,
			    void *data);
/*
 * The same, given a descriptor of the running process (O_CLOEXEC in flags): the descriptor, or
 * -errno, and then ops->release has not been called.
 */
int file_anonymous_fd(const char *name, uint32_t flags, const struct file_ops *ops, void *data);
void anonymous_init(void);
/* Undo file_alloc when opening fails: without ops->release and without the counts. */
void file_free(struct file *f);
void file_uncount(struct file *f); /* of a regular file: it is not open any more */
/* Chooses the file_ops for device nodes, FIFOs and sockets by the inode's mode. */
const struct file_ops *special_fops(const struct inode *inode);
extern const struct file_ops chardev_fops, blockdev_fops, fifo_fops;

/* What readdir hands its entries to; emit returns false when the buffer is full. */
struct dir_context {
	uint64_t pos; /* of the entry about to be emitted; afterwards the next one */
	bool (*emit)(struct dir_context *ctx, const char *name, size_t len, uint64_t ino,
		     unsigned type, uint64_t next);
};
/* The entries "." and ".." at positions 0 and 1. false: full. */
bool dir_emit_dots(struct file *f, struct dir_context *ctx);

/* Roots and working directories. */
struct fscontext {
	_Atomic int refs;
	struct path root, cwd;	/* d */
	_Atomic mode_t umask;	/* a */
	struct list_head link;	/* d; of all */
};
/* Who is at from, of which the caller has a reference, is at to instead. dcache_lock held. */
void fscontext_move_locked(const struct path *from, const struct path *to);
/* Where the running thread's paths begin, referenced. */
void fscontext_root(struct path *root);

/* Record locks and flock: drop what an open file or a process (both: owner) holds. */
void locks_release(struct inode *inode, const void *owner);
static inline void locks_fd_closed(struct file *f, const void *process)
{
	if (unlikely(atomic_load_explicit(&f->inode->locks, memory_order_acquire)) && process)
		locks_release(f->inode, process);
}
void locks_inode_freed(struct inode *inode);

void pipe_init(void);
void memdev_init(void);
struct chardev *file_chardev(struct file *f); /* NULL if f is none */
/* f, whose ops are chardev_fops, becomes an open file of dev: 0 or -errno. */
int chardev_file_open(struct file *f, struct chardev *dev);
#define READAHEAD_PAGES 64u /* that shall be on their way before a sequential reader */
void readahead_slow(struct file *f, struct object *o, uint64_t next);
/* n bytes of f are to be read at pos. Where it was left, have what follows read in time, too. */
static inline void readahead_sequential(struct file *f, struct object *o, uint64_t pos, size_t n)
{
	uint64_t next = (pos + n) >> PAGE_SHIFT;

	/* Too little has been asked for, or far too much: then it was for another place. */
	if (pos == f->ra_end && next + 2 * READAHEAD_PAGES - f->ra_asked > READAHEAD_PAGES)
		readahead_slow(f, o, next);
}
void readahead_start(void);
void flusher_start(void);
void flusher_retime(void); /* the settings of write-back (mm/writeback.h) changed */
void flusher_kick(void); /* something became dirty; any context without icache_lock */

/* Is it a swap area? Then nobody writes to it (ETXTBSY), and its names stay (EPERM). */
static inline bool inode_is_swap(const struct inode *inode)
{
	return unlikely(atomic_load_explicit(&inode->state, memory_order_relaxed) & INODE_SWAP);
}

static inline bool inode_has_object(const struct inode *inode)
{
	return S_ISREG(inode->mode);
}
