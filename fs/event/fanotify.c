/*
 * fanotify(7): a group is a queue of events of what it has marks on, each with a descriptor of the
 * file, or with handles (fanotify_info.c), and of questions: whether a file may be opened, read.
 *
 * All of it is guarded by notify_lock (fs/notify.h), under which events happen. Who asks keeps the
 * question, and waits for it to be answered: by a write of the group, or by its end.
 */
#include "fs/event/fanotify.h"

#include "fs/event/event.h"
#include "fs/open.h"
#include "fs/procfs/procfs.h"
#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/thread.h"
#include "kernel/uapi/ioctl.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define MERGE_MAX 128 /* so many events are looked at for one that the new one can join */

LIST_HEAD(fanotify_groups);
uint64_t fanotify_max_events;
static uint64_t last_number; /* n; of a question */

/* --- events --- */

static void append_locked(struct fan_group *g, struct fan_event *e)
{
	list_add_tail(&e->link, &g->events);
	g->nevents++;
	wake_all(&g->readers);
}

/* Whom the event is said to come from. */
static pid_t actor(const struct fan_group *g)
{
	const struct process *p = current()->process;

	return !p ? 0 : g->flags & FAN_REPORT_TID ? current()->tid : p->pid;
}

/* The group will know that something is lost. */
static void lose_locked(struct fan_group *g)
{
	if (list_empty(&g->overflow.link))
		append_locked(g, &g->overflow);
}

/* Is there room for one more? */
static bool room_locked(struct fan_group *g)
{
	if (g->nevents < fanotify_max_events || (g->flags & FAN_UNLIMITED_QUEUE))
		return true;
	lose_locked(g);
	return false;
}

/* What is kept of one that is no question. */
static size_t event_size(const struct fan_event *e)
{
	return sizeof(*e) + (e->info ? e->info->size : 0);
}

/* May g keep e, too? One with an unlimited queue may keep anything, which counts for no one. */
static bool charge_locked(struct fan_group *g, const struct fan_event *e)
{
	return (g->flags & FAN_UNLIMITED_QUEUE) || notify_charge_locked(g->user, event_size(e));
}

/* e is on no queue any more. */
static void uncharge(struct fan_group *g, const struct fan_event *e)
{
	if (!(g->flags & FAN_UNLIMITED_QUEUE))
		notify_uncharge(g->user, event_size(e));
}

static bool same_file(const struct fan_event *a, const struct fan_event *b)
{
	if (a->info && b->info)
		return a->info->size == b->info->size && !memcmp(a->info, b->info, a->info->size);
	return !a->info && !b->info && a->path.dentry == b->path.dentry &&
	       a->path.mnt == b->path.mnt;
}

/*
 * An event that is queued says that this file was used by this process: it says how else, too. But
 * it must stay clear whether a name was a directory's; a rename has records of its own.
 */
static bool merge_locked(struct fan_group *g, const struct fan_event *new)
{
	struct list_head *at = g->events.prev;

	for (int n = 0; n < MERGE_MAX && at != &g->events; n++, at = at->prev) {
		struct fan_event *e = list_entry(at, struct fan_event, link);

		if (!e->number && e->pid == new->pid && same_file(e, new) &&
		    !((e->mask ^ new->mask) & (FAN_ONDIR | FAN_RENAME))) {
			e->mask |= new->mask;
			return true;
		}
	}
	return false;
}

/* An event of n, or NULL. It has no references yet. */
static struct fan_event *event_new(const struct fan_group *g, const struct fan_news *n,
				   const struct fan_wish *w)
{
	struct fan_event *e = kzalloc(sizeof(*e));

	if (!e)
		return NULL;
	e->mask = w->mask;
	e->pid = actor(g);
	if (!(g->flags & FAN_HANDLES)) {
		e->path = *n->path;
		return e;
	}
	e->info = fanotify_info(g->flags, n, w);
	if (e->info)
		return e;
	kfree(e);
	return NULL;
}

static void queue_locked(struct fan_group *g, const struct fan_news *n)
{
	struct fan_event *e;
	bool merged;

	if (!room_locked(g))
		return;
	e = event_new(g, n, &g->wish);
	if (!e) {
		lose_locked(g);
		return;
	}
	merged = merge_locked(g, e);
	if (merged || !charge_locked(g, e)) {
		kfree(e->info);
		kfree(e);
		if (!merged)
			lose_locked(g);
		return;
	}
	if (e->path.dentry)
		path_get(&e->path);
	e->process = g->flags & FAN_REPORT_PIDFD ? current()->process : NULL;
	if (e->process)
		process_get(e->process);
	append_locked(g, e);
}

/* Of other files nobody is asked, */
static bool is_heard_of(const struct path *p)
{
	mode_t mode = p->dentry->inode->mode;

	return S_ISREG(mode) || S_ISDIR(mode);
}

/* and none hears that would have to open them. */
static bool can_tell(const struct fan_group *g, const struct fan_news *n)
{
	if (!(g->flags & FAN_HANDLES))
		return n->path && is_heard_of(n->path);
	return (g->flags & FAN_REPORT_FID) || n->dir || (n->mask & FAN_ONDIR);
}

void fanotify_hear_locked(const struct fan_news *n)
{
	struct fan_group *g, *next;
	LIST_HEAD(groups);

	if (n->mask & FAN_MODIFY)
		fanotify_modified_locked(n);
	fanotify_wishes_locked(n, &groups);
	list_for_each_entry_safe(g, next, &groups, wishing) {
		list_del(&g->wishing);
		if (g->wish.mask && can_tell(g, n))
			queue_locked(g, n);
	}
}

/* --- questions --- */

bool fanotify_asks(void)
{
	struct fan_group *g;
	bool asks;

	spin_lock(&notify_lock);
	/* Those that can are in front. */
	g = list_first_or_null(&fanotify_groups, struct fan_group, link);
	asks = g && (g->flags & FAN_CLASSES);
	spin_unlock(&notify_lock);
	return asks;
}

/* A question of g, which it can read from now on. NULL: no memory. */
static struct fan_event *ask_locked(struct fan_group *g, const struct path *p, uint32_t mask)
{
	struct fan_event *e = kmalloc(sizeof(*e));

	if (!e)
		return NULL;
	*e = (struct fan_event){.group = g, .path = *p, .mask = mask, .pid = actor(g),
				.process = g->flags & FAN_REPORT_PIDFD ? current()->process : NULL,
				.number = ++last_number, .fd = FAN_NOFD};
	waitqueue_init(&e->answered);
	append_locked(g, e);
	return e;
}

/* The first group behind that order that wants to be asked, or NULL. */
static struct fan_group *group_behind_locked(const struct fan_news *n, uint64_t order)
{
	struct fan_group *g, *next, *first = NULL;
	LIST_HEAD(groups);

	fanotify_wishes_locked(n, &groups);
	list_for_each_entry_safe(g, next, &groups, wishing) {
		list_del(&g->wishing);
		if (g->wish.mask && g->order > order && (!first || g->order < first->order))
			first = g;
	}
	return first;
}

/* That group, which becomes *order, is asked. NULL: there is none; err_ptr(-ENOMEM). */
static struct fan_event *ask_next(const struct path *p, uint32_t mask, uint64_t *order)
{
	struct fan_event *e = NULL;
	struct fan_group *g;
	struct fan_news n;

	spin_lock(&dcache_lock);
	spin_lock(&notify_lock);
	n = notify_place_news(p->dentry, mask);
	n.path = p;
	do {
		g = group_behind_locked(&n, *order);
		*order = g ? g->order : *order;
	} while (g && !room_locked(g));
	if (g)
		e = ask_locked(g, p, g->wish.mask) ?: err_ptr(-ENOMEM);
	spin_unlock(&notify_lock);
	spin_unlock(&dcache_lock);
	return e;
}

/* Nobody waits for the answer any more: a question that was read is the group's to free. */
static bool leave_locked(struct fan_event *e)
{
	if (e->taken) {
		e->left = true;
		return false;
	}
	e->group->nevents--;
	list_del(&e->link);
	return true;
}

/* 0, -EPERM, or -ERESTARTSYS: killed. e is freed, sooner or later. */
static int answer_wait(struct fan_event *e)
{
	int err = wait_event(&e->answered, __atomic_load_n(&e->response, __ATOMIC_RELAXED),
			     WAIT_KILLABLE);
	bool mine = true;

	/* Who answered has let go of it when the lock is free. */
	spin_lock(&notify_lock);
	if (e->response)
		err = e->response == FAN_DENY ? -EPERM : 0;
	else
		mine = leave_locked(e);
	spin_unlock(&notify_lock);
	if (mine)
		kfree(e);
	return err;
}

int fanotify_ask(const struct path *p, uint32_t mask)
{
	struct fan_event *e;
	uint64_t order = 0;
	int err = 0;

	/* The kernel's own threads wait for nobody's answer. */
	if (!current()->process || !is_heard_of(p))
		return 0;
	while (!err && (e = ask_next(p, mask, &order)))
		err = is_err(e) ? (int)ptr_err(e) : answer_wait(e);
	return err;
}

static void answer_locked(struct fan_event *e, uint32_t response)
{
	list_del(&e->link);
	if (e->left) {
		kfree(e);
		return;
	}
	__atomic_store_n(&e->response, response, __ATOMIC_RELAXED);
	wake_all(&e->answered);
}

static struct fan_event *asked_locked(struct fan_group *g, uint64_t number, int fd)
{
	struct fan_event *e;

	list_for_each_entry(e, &g->asked, link) {
		if (number ? e->number == number : e->fd == fd)
			return e;
	}
	return NULL;
}

/* The question with that number, or, if it is 0, that was read as fd: 0, -ENOENT. */
static int answer(struct fan_group *g, uint64_t number, int fd, uint32_t response)
{
	struct fan_event *e;

	spin_lock(&notify_lock);
	e = asked_locked(g, number, fd);
	if (e)
		answer_locked(e, response);
	spin_unlock(&notify_lock);
	return e ? 0 : -ENOENT;
}

/* --- the file --- */

/* What read(2) is about to give: with references of its own. */
struct taken {
	struct path path;
	struct fan_info *info;
	struct process *process;
	uint32_t mask;
	pid_t pid;
	uint64_t number;
};

static void take_locked(struct fan_group *g, struct fan_event *e, struct taken *t)
{
	*t = (struct taken){e->path, e->info, e->process, e->mask, e->pid, e->number};
	list_del(&e->link);
	g->nevents--;
	if (e->number) {
		/* Who asks waits, and is there. */
		path_get(&t->path);
		if (t->process)
			process_get(t->process);
		e->taken = true;
		list_add_tail(&e->link, &g->asked);
	} else if (e != &g->overflow) {
		uncharge(g, e);
		kfree(e);
	}
}

static size_t event_length(const struct fan_group *g, uint32_t mask, const struct fan_info *info)
{
	return sizeof(struct fanotify_event_metadata) + fanotify_info_length(g->flags, mask, info);
}

/* Drop what take_locked gave. */
static void taken_put(struct taken *t)
{
	if (t->path.dentry)
		path_put(&t->path);
	if (t->process)
		process_put(t->process);
	kfree(t->info);
}

/* The oldest event: 1; 0, there is none; -EINVAL, it needs more room. */
static int event_take(struct fan_group *g, size_t room, struct taken *t)
{
	struct fan_event *e;
	int ret = 0;

	spin_lock(&notify_lock);
	e = list_first_or_null(&g->events, struct fan_event, link);
	if (e && room < event_length(g, e->mask, e->info)) {
		ret = -EINVAL;
	} else if (e) {
		take_locked(g, e, t);
		ret = 1;
	}
	spin_unlock(&notify_lock);
	return ret;
}

/* The question is known by that descriptor from now on. */
static void number_fd(struct fan_group *g, uint64_t number, int fd)
{
	struct fan_event *e;

	spin_lock(&notify_lock);
	e = asked_locked(g, number, 0);
	if (e)
		e->fd = fd;
	spin_unlock(&notify_lock);
}

/* Who has no power learns of no other process. */
static pid_t pid_to_tell(const struct fan_group *g, const struct taken *t)
{
	return (g->flags & FAN_UNPRIVILEGED) && t->pid != current()->process->pid ? 0 : t->pid;
}

/* A descriptor of the process that the event comes from. */
static int give_pidfd(pid_t pid, const struct taken *t, struct uio *u)
{
	struct fanotify_event_info_pidfd r = {{FAN_EVENT_INFO_TYPE_PIDFD, 0, sizeof(r)},
					      FAN_NOPIDFD};

	if (pid && t->process && !process_gone(t->process)) {
		r.pidfd = pidfd_create(t->process, NULL, 0);
		if (r.pidfd < 0)
			r.pidfd = FAN_EPIDFD;
	}
	if (uio_copy_to(u, &r, sizeof(r)) == sizeof(r))
		return 0;
	if (r.pidfd >= 0)
		(void)fd_close(r.pidfd);
	return -EFAULT;
}

static int give(struct fan_group *g, const struct taken *t, int fd, struct uio *u)
{
	struct fanotify_event_metadata m = {
		.event_len = (uint32_t)event_length(g, t->mask, t->info),
		.vers = FANOTIFY_METADATA_VERSION, .metadata_len = sizeof(m),
		.mask = t->mask, .fd = fd, .pid = pid_to_tell(g, t)};
	int err;

	if (t->number)
		number_fd(g, t->number, fd);
	if (uio_copy_to(u, &m, sizeof(m)) != sizeof(m))
		return -EFAULT;
	err = fanotify_info_give(g->flags, t->mask, t->info, u);
	return err || !(g->flags & FAN_REPORT_PIDFD) ? err : give_pidfd(m.pid, t, u);
}

/* With a descriptor of its file. */
static int give_open(struct fan_group *g, const struct taken *t, struct uio *u)
{
	struct file *f = file_open_silent(&t->path, (int)g->open_flags);
	int fd, err;

	if (is_err(f))
		return (int)ptr_err(f);
	fd = fd_reserve();
	if (fd < 0) {
		file_put(f);
		return fd;
	}
	err = give(g, t, fd, u);
	fd_settle(fd, err ? NULL : f, g->open_flags & O_CLOEXEC);
	if (err)
		file_put(f);
	return err;
}

static int event_give(struct fan_group *g, struct taken *t, struct uio *u)
{
	int err = t->path.dentry ? give_open(g, t, u) : give(g, t, FAN_NOFD, u);

	/* What nobody hears of is not allowed. */
	if (err && t->number)
		(void)answer(g, t->number, FAN_NOFD, FAN_DENY);
	taken_put(t);
	return err;
}

static ssize64_t fanotify_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct fan_group *g = f->data;
	uint64_t room = u->resid;
	ssize64_t done = 0;
	struct taken t;
	int err;

	(void)pos;
	for (;;) {
		err = event_take(g, u->resid, &t);
		if (err > 0) {
			err = event_give(g, &t, u);
			if (err)
				return done && err != -EFAULT ? done : err;
			done = (ssize64_t)(room - u->resid);
			continue;
		}
		if (done || err)
			return done ? done : err;
		if (u->nowait)
			return -EAGAIN;
		err = wait_event(&g->readers,
				 __atomic_load_n(&g->events.next, __ATOMIC_RELAXED) != &g->events,
				 WAIT_INTERRUPTIBLE);
		if (err)
			return err;
	}
}

static ssize64_t fanotify_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct fan_group *g = f->data;
	struct fanotify_response r;
	int err;

	(void)pos;
	if (u->resid < sizeof(r))
		return -EINVAL;
	if (uio_copy_from(u, &r, sizeof(r)) != sizeof(r))
		return -EFAULT;
	if ((r.response != FAN_ALLOW && r.response != FAN_DENY) || r.fd < 0)
		return -EINVAL;
	err = answer(g, 0, r.fd, r.response);
	return err ? err : (ssize64_t)sizeof(r);
}

static uint32_t fanotify_poll(struct file *f, struct poll_table *pt)
{
	struct fan_group *g = f->data;

	poll_add(pt, &g->readers, POLLIN | POLLRDNORM);
	return __atomic_load_n(&g->nevents, __ATOMIC_RELAXED) ? POLLIN | POLLRDNORM : 0;
}

static long fanotify_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct fan_group *g = f->data;
	uint32_t n = __atomic_load_n(&g->nevents, __ATOMIC_RELAXED);

	if (cmd != FIONREAD)
		return -ENOTTY;
	return put_user_u32(arg, n * (uint32_t)sizeof(struct fanotify_event_metadata));
}

static void fanotify_show(struct file *f, struct proc_text *t)
{
	struct fan_group *g = f->data;

	proc_printf(t, "fanotify flags:%x event-flags:%x\n", g->flags & FAN_INIT_FLAGS,
		    g->open_flags);
	spin_lock(&notify_lock);
	fanotify_show_marks_locked(t, g);
	spin_unlock(&notify_lock);
}

/* Whoever waits for an answer goes on. The rest is *dead. */
static void events_end_locked(struct fan_group *g, struct list_head *dead)
{
	struct fan_event *e, *next;

	list_del(&g->overflow.link);
	list_for_each_entry_safe(e, next, &g->asked, link)
		answer_locked(e, FAN_ALLOW);
	list_for_each_entry_safe(e, next, &g->events, link) {
		if (e->number)
			answer_locked(e, FAN_ALLOW);
		else
			list_move_tail(&e->link, dead);
	}
}

void fanotify_group_free(struct fan_group *g)
{
	notify_user_put(g->user);
	kfree(g);
}

static void fanotify_release(struct file *f)
{
	struct notify_watch *w, *next_w;
	struct fan_event *e, *next;
	struct fan_group *g = f->data;
	LIST_HEAD(events);
	LIST_HEAD(dead);

	spin_lock(&notify_lock);
	list_del(&g->link);
	list_for_each_entry_safe(w, next_w, &g->marks, link)
		fanotify_end_locked(w, &dead);
	events_end_locked(g, &events);
	spin_unlock(&notify_lock);
	notify_free(&dead);
	list_for_each_entry_safe(e, next, &events, link) {
		uncharge(g, e);
		taken_put(&(struct taken){
			.path = e->path, .info = e->info, .process = e->process});
		kfree(e);
	}
	fanotify_group_free(g);
}

const struct file_ops fanotify_fops = {
	.show_info = fanotify_show,
	.read = fanotify_read,
	.write = fanotify_write,
	.poll = fanotify_poll,
	.ioctl = fanotify_ioctl,
	.release = fanotify_release,
};

struct fan_group *fanotify_group(const struct file *f)
{
	return f->ops == &fanotify_fops ? f->data : NULL;
}
