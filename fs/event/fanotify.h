/*
 * fanotify(7) as its parts see it: groups, what they hear, marks. All is guarded by notify_lock.
 */
#pragma once

#include "fs/handle.h"
#include "fs/notify.h"
#include "kernel/uapi/fanotify.h"
#include "kernel/wait.h"

/* Of open files, of names, of inodes; the last two are told by handles alone. */
#define FAN_USES                                                                                   \
	(FAN_ACCESS | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_CLOSE_NOWRITE | FAN_OPEN | FAN_OPEN_EXEC)
#define FAN_NAMES                                                                                  \
	(FAN_MOVED_FROM | FAN_MOVED_TO | FAN_CREATE | FAN_DELETE | FAN_RENAME)
#define FAN_INODES	(FAN_ATTRIB | FAN_DELETE_SELF | FAN_MOVE_SELF)
#define FAN_EVENTS	(FAN_USES | FAN_NAMES | FAN_INODES)
#define FAN_PERMISSIONS (FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM)
#define FAN_CLASSES	(FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT)
#define FAN_HANDLES                                                                                \
	(FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID)
#define FAN_INIT_FLAGS /* of fanotify_init(2) */                                                   \
	(FAN_CLOEXEC | FAN_NONBLOCK | FAN_CLASSES | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS |    \
	 FAN_REPORT_TID | FAN_REPORT_PIDFD | FAN_HANDLES)
#define FAN_UNPRIVILEGED 0x80000000 /* in a group's flags: who made it had no power */

/* What marks may be on that hear of something; TO_DIR of FAN_RENAME. */
enum { ON_INODE, ON_TO_DIR, ON_PARENT, ON_MOUNT, ON_VOLUME, PLACES };

/* What a group wants to hear of some news. */
struct fan_wish {
	uint32_t mask;	  /* FAN_*; FAN_ONDIR only in groups that tell by handles; 0: nothing */
	uint32_t ignored; /* what its marks keep from it */
	uint32_t places;  /* bits of which its marks are */
	int32_t fsid[2];  /* of the volume */
};

/* Which file an event is about, by handles. One with head.bytes 0 is not told. */
struct fan_info {
	size_t size;	 /* of all, names included: what is equal is equal byte for byte */
	int32_t fsid[2]; /* as statfs(2) */
	struct handle dir, to_dir, object;
	uint8_t name_len, to_len; /* without the NUL; 0: not told */
	char names[];		  /* each with its NUL, if it is told */
};

/* Letter n: notify_lock. */
struct fan_event {
	struct list_head link;	 /* n; events of its group, or asked */
	struct fan_group *group; /* c; until it is answered */
	struct path path;	 /* c; referenced; empty: it has info, or is FAN_Q_OVERFLOW */
	struct fan_info *info;	 /* c; owned; NULL: it is told by a descriptor */
	uint32_t mask;		 /* n */
	pid_t pid;		 /* c */
	struct process *process; /* c; referenced, but of a question; NULL: is not to be told */
	/* Of a permission event, which is the one's that asks for it: */
	uint64_t number;	 /* c; 0: it is none */
	bool taken;		 /* n; it was read: on asked */
	bool left;		 /* n; who asked has been killed meanwhile */
	int fd;			 /* n; as which the group got it */
	uint32_t response;	 /* n; FAN_ALLOW or FAN_DENY; 0: not answered */
	struct waitqueue answered;
};

struct fan_group {
	struct list_head link;	   /* n; groups */
	struct list_head marks;	   /* n; notify_watch.link */
	struct list_head events;   /* n; oldest first */
	struct list_head asked;	   /* n; permission events that were read */
	uint64_t order;		   /* c; smaller ones are asked before */
	uint32_t nmarks, nevents;  /* n */
	struct list_head wishing;  /* n; groups with marks there, while something is told */
	struct fan_wish wish;	   /* n; of that */
	uint32_t flags;		   /* c; of fanotify_init */
	uint32_t open_flags;	   /* c; of the descriptors in its events */
	struct notify_user *user;  /* c; who made it */
	struct fan_event overflow; /* queued when there is no room for another */
	struct waitqueue readers;
};

/* On an inode, a mount or a volume. */
struct fan_mark {
	struct notify_watch watch; /* its mask says what to report */
	uint32_t ignored;	   /* n; what not to */
	int32_t fsid[2];	   /* c; of the volume it is on, as statfs(2) */
	uint32_t flags;		   /* n; FAN_MARK_IGNORED_SURV_MODIFY, IGNORE, EVICTABLE */
};

/* All groups: order is ascending. */
extern struct list_head fanotify_groups; /* n */
extern const struct file_ops fanotify_fops;
/* g has no marks and no events, and stands in no list any more. */
void fanotify_group_free(struct fan_group *g);
/* The group that is open as f, or NULL. */
struct fan_group *fanotify_group(const struct file *f);
/* The marks of g as lines of fdinfo. notify_lock held. */
void fanotify_show_marks_locked(struct proc_text *t, const struct fan_group *g);

/*
 * Puts all groups with a mark where n happened, each with its wish, on *groups, from which the
 * caller takes them. Looks at the marks there, at no others. notify_lock held.
 */
void fanotify_wishes_locked(const struct fan_news *n, struct list_head *groups);
/* n was a change: what was ignored until then is not any more. notify_lock held. */
void fanotify_modified_locked(const struct fan_news *n);

/* How a group with these flags tells of n, for kfree. NULL: no memory. Sleeps not. */
struct fan_info *fanotify_info(uint32_t flags, const struct fan_news *n, const struct fan_wish *w);
/* The bytes of its records behind the metadata; them to u: 0 or -EFAULT. i may be NULL. */
size_t fanotify_info_length(uint32_t flags, uint32_t mask, const struct fan_info *i);
int fanotify_info_give(uint32_t flags, uint32_t mask, const struct fan_info *i, struct uio *u);
