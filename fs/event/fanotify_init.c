/*
 * fanotify(7): a new group: who may have which, how many, how they stand in line.
 */
#include "fs/event/event.h"
#include "fs/event/fanotify.h"
#include "fs/open.h"
#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "mm/frame.h"

#define EVENT_FD_FLAGS \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_CLOEXEC | O_LARGEFILE | O_NOATIME)

uint64_t fanotify_max_groups = 128, fanotify_max_marks;
static uint64_t last_order; /* n */

/* Behind those that are asked before it, unless its user has too many: -EMFILE. */
static int group_add(struct fan_group *new)
{
	struct list_head *before = &fanotify_groups;
	uint64_t rank, have = 0;
	struct fan_group *g;

	rank = new->flags & FAN_CLASS_PRE_CONTENT ? 1 : new->flags & FAN_CLASS_CONTENT ? 2 : 3;
	spin_lock(&notify_lock);
	new->order = rank << 60 | ++last_order;
	list_for_each_entry(g, &fanotify_groups, link) {
		have += g->user == new->user;
		if (before == &fanotify_groups && g->order > new->order)
			before = &g->link;
	}
	if (have < fanotify_max_groups)
		list_add_tail(&new->link, before);
	spin_unlock(&notify_lock);
	return have < fanotify_max_groups ? 0 : -EMFILE;
}

/* In Linux's order; those without power can have groups that tell by handles, alone. */
static int init_check(uint32_t flags, uint32_t open_flags, bool *privileged)
{
	const uint32_t powers = FAN_CLASSES | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS |
				FAN_REPORT_TID | FAN_REPORT_PIDFD;
	const uint32_t absent = FAN_ENABLE_AUDIT | FAN_REPORT_FD_ERROR; /* for anybody */
	const uint32_t all = FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME;

	*privileged = cred_capable(CAP_SYS_ADMIN);
	if ((!(flags & FAN_HANDLES) || (flags & (powers | absent))) && !*privileged)
		return -EPERM;
	if ((flags & ~(uint32_t)FAN_INIT_FLAGS) || (open_flags & ~(uint32_t)EVENT_FD_FLAGS) ||
	    (open_flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	if ((flags & FAN_REPORT_PIDFD) && (flags & FAN_REPORT_TID))
		return -EINVAL;
	if ((flags & FAN_HANDLES) && (flags & FAN_CLASSES))
		return -EINVAL;
	if ((flags & FAN_REPORT_NAME) && !(flags & FAN_REPORT_DIR_FID))
		return -EINVAL;
	if ((flags & FAN_REPORT_TARGET_FID) && (flags & all) != all)
		return -EINVAL;
	return (flags & FAN_CLASSES) == FAN_CLASSES ? -EINVAL : 0;
}

static struct fan_group *group_new(uint32_t flags, uint32_t open_flags)
{
	struct fan_group *g = kzalloc(sizeof(*g));

	if (!g)
		return NULL;
	list_init(&g->link);
	list_init(&g->wishing);
	list_init(&g->marks);
	list_init(&g->events);
	list_init(&g->asked);
	list_init(&g->overflow.link);
	g->overflow.mask = FAN_Q_OVERFLOW;
	g->flags = flags;
	g->open_flags = open_flags | O_LARGEFILE;
	waitqueue_init(&g->readers);
	g->user = notify_user_get(current()->cred->uid);
	if (g->user)
		return g;
	kfree(g);
	return NULL;
}

SYSCALL2(fanotify_init, uint32_t, flags, uint32_t, open_flags)
{
	uint32_t file_flags = O_RDWR | (flags & FAN_CLOEXEC ? O_CLOEXEC : 0) |
			      (flags & FAN_NONBLOCK ? O_NONBLOCK : 0);
	bool privileged;
	int fd = init_check(flags, open_flags, &privileged);
	struct fan_group *g;

	if (fd)
		return fd;
	g = group_new(flags | (privileged ? 0 : FAN_UNPRIVILEGED), open_flags);
	if (!g)
		return -ENOMEM;
	fd = group_add(g);
	if (!fd)
		fd = file_anonymous_fd("anon_inode:[fanotify]", file_flags, &fanotify_fops, g);
	if (fd < 0) {
		spin_lock(&notify_lock);
		list_del(&g->link);
		spin_unlock(&notify_lock);
		fanotify_group_free(g);
	}
	return fd;
}

void fanotify_limits(void)
{
	/* As inotify's: what is queued keeps names and inodes. */
	fanotify_max_events = MAX(MIN(frames_total / 2, 16384UL), 1024UL);
	fanotify_max_marks = MAX(MIN(frames_total / 4, 65536UL), 1024UL);
}
