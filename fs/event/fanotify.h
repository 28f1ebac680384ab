/*
 * fanotify(7) as its parts see it: groups, what they hear, marks. All is guarded by notify_lock.
 */
#pragma once

#include "fs/notify.h"
#include "kernel/uapi/fanotify.h"
#include "kernel/wait.h"

#define FAN_EVENTS                                                                                 \
	(FAN_ACCESS | FAN_MODIFY | FAN_CLOSE_WRITE | FAN_CLOSE_NOWRITE | FAN_OPEN | FAN_OPEN_EXEC)
#define FAN_PERMISSIONS (FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM)
#define FAN_CLASSES	(FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT)

/* Letter n: notify_lock. */
struct fan_event {
	struct list_head link;	 /* n; events of its group, or asked */
	struct fan_group *group; /* c; until it is answered */
	struct path path;	 /* c; referenced; empty: FAN_Q_OVERFLOW */
	uint32_t mask;		 /* n */
	pid_t pid;		 /* c */
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
	uint32_t flags;		   /* c; of fanotify_init */
	uint32_t open_flags;	   /* c; of the descriptors in its events */
	uid_t uid;		   /* c; of who made it */
	struct fan_event overflow; /* queued when there is no room for another */
	struct waitqueue readers;
};

/* On an inode, a mount or a volume. */
struct fan_mark {
	struct notify_watch watch; /* its mask says what to report */
	uint32_t ignored;	   /* n; what not to */
	uint32_t flags;		   /* n; FAN_MARK_IGNORED_SURV_MODIFY, IGNORE, EVICTABLE */
};

/* All groups: order is ascending. */
extern struct list_head fanotify_groups; /* n */
/* The group that is open as f, or NULL. */
struct fan_group *fanotify_group(const struct file *f);
/* The marks of g as lines of fdinfo. notify_lock held. */
void fanotify_show_marks_locked(struct proc_text *t, const struct fan_group *g);

/* Of what is about to happen at p: which of the bits g wants to hear of. notify_lock held. */
uint32_t fanotify_wants_locked(struct fan_group *g, const struct path *p, uint32_t mask);
