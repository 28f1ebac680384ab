/*
 * Telling of what happens to files: hooks where fs/ makes a change or a use, and the watches that
 * hear of it. While there are none a hook is one look at a counter; while there are none on what it
 * is about, one look at each inode, mount and volume they could be on.
 */
#pragma once

#include "fs/vfs.h"
#include "kernel/spinlock.h"
#include "kernel/uapi/inotify.h"

struct inotify;

/* Letter n: notify_lock. */
struct notify_watch {
	struct hlist_node node;	 /* n; on *on; unhashed: it hears nothing any more */
	struct list_head link;	 /* n; its owner's watches */
	struct list_head all;	 /* n; all there are */
	struct hlist_head *on;	 /* c; watches of an inode, or of fanotify a mount or a volume */
	struct inode *inode;	 /* c; referenced, or NULL */
	void *owner;		 /* c; an inotify instance, */
	bool directory;		 /* c; or an open directory (dnotify.c), */
	bool group;		 /* c; or a group of fanotify(7) */
	const void *process;	 /* n; of a directory: which this process asked about */
	uint32_t mask;		 /* n; IN_*, FAN_* */
	int32_t number;		 /* n; the owner's name for it */
};

/* The same as groups of fanotify(7) hear of it. */
struct fan_news {
	uint32_t mask;		 /* FAN_*, and FAN_ONDIR if it happened to a directory */
	const struct path *path; /* by which it was used, and can be opened; or NULL */
	struct inode *inode;	 /* to which it happened, or to a name of which */
	struct inode *dir;	 /* in which it has a name; NULL: that is not known */
	const char *name;
	struct inode *to_dir; /* of FAN_RENAME: in which it has that name now */
	const char *to_name;
};

extern struct spinlock notify_lock;
extern _Atomic uint32_t notify_watches; /* how many there are */

static inline bool notify_wanted(void)
{
	return unlikely(atomic_load_explicit(&notify_watches, memory_order_relaxed));
}

/* What happened: inotify(7)'s bits, and a cookie where two events are halves of one move. */
struct notify_event {
	uint32_t mask, cookie;
	const char *name; /* in the directory that is watched; NULL: it is the inode itself */
};

/*
 * The hooks. Who calls them has a reference to what they are about. They take dcache_lock and
 * notify_lock; a watch that ends drops its inode, so they may sleep.
 */
/* Something was done to the file at d: its watches, and those of the directory it is in, hear. */
void notify_place_slow(const struct dentry *d, uint32_t mask);
/* The same for the inode alone, whatever its names. */
void notify_inode_slow(struct inode *inode, uint32_t mask);
/* In dir, a name of subject came or went; the caller holds dir's lock. cookie 0: none. */
void notify_name_slow(struct inode *dir, const char *name, struct inode *subject, uint32_t mask,
		      uint32_t cookie);
/* d, which led to inode, is gone: if that was the last name, so is what was watched. */
void notify_gone_slow(struct inode *inode);
/* The volume goes: all watches on it end. The mount goes. */
void notify_unmount_slow(struct super_block *sb);
void notify_unmounted_slow(const struct mount *m);
/* A rename in dirs from and to, from_name to to_name; victim was replaced, or is NULL. */
void notify_move_slow(struct inode *from, const char *from_name, struct inode *to,
		      const char *to_name, struct inode *subject, struct inode *victim);

static inline void notify_place(const struct dentry *d, uint32_t mask)
{
	if (notify_wanted())
		notify_place_slow(d, mask);
}

/* The open file f was used so; unless it is one that nobody hears of. */
void notify_file_slow(const struct file *f, uint32_t mask);

static inline void notify_file(const struct file *f, uint32_t mask)
{
	if (notify_wanted())
		notify_file_slow(f, mask);
}

/*
 * Of open files: FILE_SILENT, nobody hears how it is used; FILE_ASKS, who reads asks before, since
 * when it was opened there was somebody to ask.
 *
 * f is to be opened, with these flags; to be read, or listed. Waits for all groups that want to
 * be asked: 0, -EPERM, -ENOMEM, or -ERESTARTSYS when who asks is killed.
 */
int notify_open_asked(struct file *f, int flags);
int notify_read_asked(struct file *f);
/* It was opened, with these flags. */
void notify_opened_slow(const struct file *f, int flags);

/* n bytes were moved: a read, a write that returned so; n. */
ssize64_t notify_moved_slow(const struct file *f, ssize64_t n, uint32_t mask);

static inline ssize64_t notify_read(const struct file *f, ssize64_t n)
{
	return notify_wanted() ? notify_moved_slow(f, n, IN_ACCESS) : n;
}

static inline ssize64_t notify_written(const struct file *f, ssize64_t n)
{
	return notify_wanted() ? notify_moved_slow(f, n, IN_MODIFY) : n;
}

static inline void notify_inode(struct inode *inode, uint32_t mask)
{
	if (notify_wanted())
		notify_inode_slow(inode, mask);
}

static inline void notify_name(struct inode *dir, const struct dentry *d, struct inode *subject,
			       uint32_t mask)
{
	if (notify_wanted())
		notify_name_slow(dir, d->name, subject, mask, 0);
}

static inline void notify_gone(struct inode *inode)
{
	if (notify_wanted() && !inode->nlink)
		notify_gone_slow(inode);
}

/* For fs/event/inotify.c. notify_lock held for those with _locked. */
/* The watch of owner among those of an inode, mount or volume, or NULL. */
struct notify_watch *notify_find_locked(const void *owner, const struct hlist_head *on);
void notify_add_locked(struct notify_watch *w); /* all else is filled in; takes over the inode */
/* It hears nothing any more; to be freed with all of *dead by notify_free, without locks. */
void notify_drop_locked(struct notify_watch *w, struct list_head *dead);
void notify_free(struct list_head *dead);
/*
 * What inotify instances and groups of fanotify of one user keep in their queues, all together:
 * at most notify_bytes_max bytes, 1/32 of memory, so that many queues are no more than one.
 */
struct notify_user {
	struct list_head link; /* n; users */
	uid_t uid;	       /* c */
	uint32_t queues;       /* n; that refer to it */
	_Atomic uint64_t bytes;
};
extern uint64_t notify_bytes_max; /* c after boot */
/* Of a queue that is made, that goes. NULL: no memory. */
struct notify_user *notify_user_get(uid_t uid);
void notify_user_put(struct notify_user *u);
/* An event of n bytes is about to be queued; false: it may not. notify_lock held. */
bool notify_charge_locked(struct notify_user *u, size_t n);
/* It is queued no more. */
static inline void notify_uncharge(struct notify_user *u, size_t n)
{
	atomic_fetch_sub(&u->bytes, n);
}
/* fs/event/inotify.c: w's owner hears of e, and drops w if it was to hear but once. */
void inotify_event_locked(struct notify_watch *w, const struct notify_event *e,
			  struct list_head *dead);
/* fs/dnotify.c: the owner of a watched directory hears of something there. */
void dnotify_event_locked(struct notify_watch *w, struct list_head *dead);
/* F_NOTIFY with these DN_* on descriptor fd of f: 0 or -errno. */
long dnotify_set(struct file *f, int fd, uint32_t dn);
/* Drop the one that process asked for, or, if NULL, whoever did: f, which has had one, goes. */
void dnotify_release(struct file *f, const void *process);
/* process closed a descriptor of f: though others may have f still, it wants no more signals. */
static inline void dnotify_fd_closed(struct file *f, const void *process)
{
	if (notify_wanted() && atomic_load(&f->flocked) && process)
		dnotify_release(f, process);
}
extern uint64_t dir_notify_enable; /* /proc/sys/fs/dir-notify-enable */
/* fs/event/fanotify.c: groups with marks there hear of it. notify_lock held. */
void fanotify_hear_locked(const struct fan_news *n);
/* What happens at d. dcache_lock held, for as long as it is used. */
struct fan_news notify_place_news(const struct dentry *d, uint32_t mask);
/* Is there a group that could be asked? */
bool fanotify_asks(void);
/* The same of a permission event, without locks; waits for their answers: 0 or as above. */
int fanotify_ask(const struct path *p, uint32_t mask);
/* The inode, mount or volume of w is no more. */
void fanotify_end_locked(struct notify_watch *w, struct list_head *dead);
/* An inotify watch hears that it ends. */
void inotify_end_locked(struct notify_watch *w, struct list_head *dead);
