/*
 * inotify(7): an instance is a queue of events of the watches that were added to it.
 *
 * All of it is guarded by notify_lock (fs/notify.h), under which events happen. What one user can
 * make the kernel keep is limited: so many instances, so many events in each, so many bytes of
 * events and watches in all.
 */
#include "fs/event/event.h"
#include "fs/notify.h"
#include "fs/procfs/procfs.h"
#include "kernel/async.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/ioctl.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/usercopy.h"

#define ACCEPTED                                                                                   \
	(IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED | IN_ONLYDIR | IN_DONT_FOLLOW |   \
	 IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_ONESHOT)
#define KEPT (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT)

/* As read(2) gives it: the name and its filling follow. */
struct queued {
	struct list_head link; /* n */
	struct inotify_event event;
};

struct inotify {
	struct list_head link;	  /* n; instances */
	struct list_head watches; /* n */
	struct list_head events;  /* n; oldest first */
	uint32_t nwatches;	  /* n */
	uint32_t nevents;	  /* n */
	uint32_t bytes;		  /* n; that a read of all events gives */
	int32_t last_number;	  /* n; of a watch */
	struct notify_user *user; /* c; who made it */
	struct queued overflow;	  /* n; queued when there is no room for another */
	struct waitqueue readers;
	struct async_list async;
};

static LIST_HEAD(instances); /* n */

uint64_t inotify_max_instances = 128, inotify_max_events, inotify_max_watches;

/* --- events --- */

static void append_locked(struct inotify *i, struct queued *q)
{
	list_add_tail(&q->link, &i->events);
	i->nevents++;
	i->bytes += sizeof(q->event) + q->event.len;
	wake_all(&i->readers);
	async_signal(&i->async, POLL_IN);
}

static size_t queued_size(const struct queued *q)
{
	return sizeof(*q) + q->event.len;
}

/* It is on no queue any more. */
static void queued_free(struct inotify *i, struct queued *q)
{
	if (q == &i->overflow)
		return;
	notify_uncharge(i->user, queued_size(q));
	kfree(q);
}

/* An event with room for a name of so many bytes. NULL: no memory, or none for this user. */
static struct queued *queued_new_locked(struct inotify *i, size_t len)
{
	struct queued *q = kzalloc(sizeof(*q) + len);

	if (q && notify_charge_locked(i->user, sizeof(*q) + len))
		return q;
	kfree(q);
	return NULL;
}

/* Would e, with a name of that length, say what the last event says? */
static bool repeated_locked(const struct inotify *i, int32_t number, const struct notify_event *e)
{
	const struct queued *last;

	if (list_empty(&i->events) || (e->mask & IN_IGNORED))
		return false;
	last = list_last_entry(&i->events, struct queued, link);
	if (last->event.wd != number || last->event.mask != e->mask)
		return false;
	return e->name ? last->event.len && !strcmp((const char *)(last + 1), e->name)
		       : !last->event.len;
}

static void queue_locked(struct inotify *i, int32_t number, const struct notify_event *e)
{
	size_t len = e->name ? strlen(e->name) + 1 : 0;
	struct queued *q = NULL;

	if (repeated_locked(i, number, e))
		return;
	len = DIV_ROUND_UP(len, sizeof(q->event)) * sizeof(q->event);
	if (i->nevents < inotify_max_events)
		q = queued_new_locked(i, len);
	if (!q) {
		if (list_empty(&i->overflow.link))
			append_locked(i, &i->overflow);
		return;
	}
	q->event = (struct inotify_event){number, e->mask, e->cookie, (uint32_t)len};
	if (e->name)
		strlcpy((char *)(q + 1), e->name, len);
	append_locked(i, q);
}

void inotify_end_locked(struct notify_watch *w, struct list_head *dead)
{
	struct inotify *i = w->owner;

	i->nwatches--;
	queue_locked(i, w->number, &(struct notify_event){.mask = IN_IGNORED});
	notify_drop_locked(w, dead);
}

void inotify_event_locked(struct notify_watch *w, const struct notify_event *e,
			  struct list_head *dead)
{
	queue_locked(w->owner, w->number, e);
	if (w->mask & IN_ONESHOT)
		inotify_end_locked(w, dead);
}

/* --- the file --- */

/* The oldest event, if it fits in so many bytes. NULL: there is none. */
static struct queued *event_take(struct inotify *i, size_t room)
{
	struct queued *q;

	spin_lock(&notify_lock);
	q = list_first_or_null(&i->events, struct queued, link);
	if (q && sizeof(q->event) + q->event.len > room) {
		q = err_ptr(-EINVAL);
	} else if (q) {
		list_del(&q->link);
		i->nevents--;
		i->bytes -= sizeof(q->event) + q->event.len;
	}
	spin_unlock(&notify_lock);
	return q;
}

static ssize64_t event_give(struct inotify *i, struct queued *q, struct uio *u)
{
	size_t n = sizeof(q->event) + q->event.len;
	bool given = uio_copy_to(u, &q->event, n) == n;

	queued_free(i, q);
	return given ? (ssize64_t)n : -EFAULT;
}

static ssize64_t inotify_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inotify *i = f->data;
	ssize64_t done = 0, n;
	struct queued *q;
	int err;

	(void)pos;
	for (;;) {
		q = event_take(i, u->resid);
		if (is_err(q))
			return done ? done : ptr_err(q);
		if (q) {
			n = event_give(i, q, u);
			if (n < 0)
				return n;
			done += n;
			continue;
		}
		if (done)
			return done;
		if (u->nowait)
			return -EAGAIN;
		err = wait_event(&i->readers,
				 __atomic_load_n(&i->events.next, __ATOMIC_RELAXED) != &i->events,
				 WAIT_INTERRUPTIBLE);
		if (err)
			return err;
	}
}

static uint32_t inotify_poll(struct file *f, struct poll_table *pt)
{
	struct inotify *i = f->data;

	poll_add(pt, &i->readers, POLLIN | POLLRDNORM);
	return __atomic_load_n(&i->nevents, __ATOMIC_RELAXED) ? POLLIN | POLLRDNORM : 0;
}

static long inotify_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct inotify *i = f->data;

	if (cmd != FIONREAD)
		return -ENOTTY;
	return put_user_u32(arg, __atomic_load_n(&i->bytes, __ATOMIC_RELAXED));
}

static void instance_free(struct inotify *i)
{
	notify_user_put(i->user);
	kfree(i);
}

static void inotify_release(struct file *f)
{
	struct notify_watch *w, *next_w;
	struct queued *q, *next_q;
	struct inotify *i = f->data;
	LIST_HEAD(dead);

	spin_lock(&notify_lock);
	list_del(&i->link);
	list_for_each_entry_safe(w, next_w, &i->watches, link)
		notify_drop_locked(w, &dead);
	list_del(&i->overflow.link);
	spin_unlock(&notify_lock);
	notify_free(&dead);
	list_for_each_entry_safe(q, next_q, &i->events, link)
		queued_free(i, q);
	instance_free(i);
}

static void inotify_show(struct file *f, struct proc_text *t)
{
	struct inotify *i = f->data;
	struct notify_watch *w;

	spin_lock(&notify_lock);
	list_for_each_entry(w, &i->watches, link)
		proc_printf(t, "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0 \n",
			    (unsigned)w->number, (unsigned long)w->inode->ino, w->inode->sb->dev,
			    w->mask & KEPT);
	spin_unlock(&notify_lock);
}

static struct async_list *inotify_async(struct file *f)
{
	return &((struct inotify *)f->data)->async;
}

static const struct file_ops inotify_fops = {
	.show_info = inotify_show,
	.read = inotify_read,
	.poll = inotify_poll,
	.async = inotify_async,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
};

/* --- the calls --- */

/* A new instance is the user's, unless there are too many: -EMFILE. */
static int instance_add(struct inotify *new)
{
	uint64_t have = 0;
	struct inotify *i;

	spin_lock(&notify_lock);
	list_for_each_entry(i, &instances, link)
		have += i->user == new->user;
	if (have < inotify_max_instances)
		list_add_tail(&new->link, &instances);
	spin_unlock(&notify_lock);
	return have < inotify_max_instances ? 0 : -EMFILE;
}

static struct inotify *instance_new(void)
{
	struct inotify *i = kzalloc(sizeof(*i));

	if (!i)
		return NULL;
	list_init(&i->link);
	list_init(&i->watches);
	list_init(&i->events);
	list_init(&i->overflow.link);
	i->overflow.event = (struct inotify_event){.wd = -1, .mask = IN_Q_OVERFLOW};
	waitqueue_init(&i->readers);
	async_init(&i->async);
	i->user = notify_user_get(current()->cred->uid);
	if (i->user)
		return i;
	kfree(i);
	return NULL;
}

SYSCALL1(inotify_init1, uint32_t, flags)
{
	struct inotify *i;
	int fd;

	if (flags & ~(uint32_t)(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	i = instance_new();
	if (!i)
		return -ENOMEM;
	fd = instance_add(i);
	if (!fd)
		fd = file_anonymous_fd("anon_inode:inotify", O_RDONLY | flags, &inotify_fops, i);
	if (fd < 0) {
		spin_lock(&notify_lock);
		list_del(&i->link);
		spin_unlock(&notify_lock);
		instance_free(i);
	}
	return fd;
}

/* The instance that is open as fd, or NULL and -EBADF, -EINVAL in *err. *f is to be put. */
static struct inotify *instance_get(int fd, struct file **f, int *err)
{
	*f = fd_get(fd);
	*err = !*f ? -EBADF : (*f)->ops != &inotify_fops ? -EINVAL : 0;
	if (!*err)
		return (*f)->data;
	if (*f)
		file_put(*f);
	return NULL;
}

static uint64_t watches_of_locked(const struct notify_user *user)
{
	struct inotify *i;
	uint64_t n = 0;

	list_for_each_entry(i, &instances, link)
		n += i->user == user ? i->nwatches : 0;
	return n;
}

/* The number of i's watch on inode, which is changed, or was *new and is NULL then; or -errno. */
static int32_t watch_set_locked(struct inotify *i, struct inode *inode, uint32_t mask,
				struct notify_watch **new)
{
	struct notify_watch *w = notify_find_locked(i, &inode->watches);
	uint32_t kept = (mask & KEPT) | IN_UNMOUNT;

	if (w && (mask & IN_MASK_CREATE))
		return -EEXIST;
	if (w) {
		w->mask = mask & IN_MASK_ADD ? w->mask | kept : kept;
		return w->number;
	}
	if (watches_of_locked(i->user) >= inotify_max_watches || i->last_number == INT32_MAX)
		return -ENOSPC;
	w = *new;
	*new = NULL;
	*w = (struct notify_watch){
		.on = &inode->watches, .inode = inode_get(inode), .owner = i, .mask = kept,
		.number = ++i->last_number};
	hlist_node_init(&w->node);
	list_add_tail(&w->link, &i->watches);
	i->nwatches++;
	notify_add_locked(w);
	return w->number;
}

static int32_t watch_set(struct inotify *i, struct inode *inode, uint32_t mask)
{
	struct notify_watch *new = kmalloc(sizeof(*new));
	int32_t ret;

	if (!new)
		return -ENOMEM;
	spin_lock(&notify_lock);
	ret = watch_set_locked(i, inode, mask, &new);
	spin_unlock(&notify_lock);
	kfree(new);
	return ret;
}

SYSCALL3(inotify_add_watch, int, fd, uaddr_t, path, uint32_t, mask)
{
	unsigned walk = (mask & IN_DONT_FOLLOW ? 0 : WALK_FOLLOW) |
			(mask & IN_ONLYDIR ? WALK_DIRECTORY : 0);
	struct inotify *i;
	struct file *f;
	struct path p;
	int err;

	if (!mask || (mask & ~ACCEPTED))
		return -EINVAL;
	i = instance_get(fd, &f, &err);
	if (!i)
		return err;
	if ((mask & IN_MASK_ADD) && (mask & IN_MASK_CREATE))
		err = -EINVAL;
	else
		err = path_lookup_user(AT_FDCWD, path, walk, &p);
	if (!err) {
		err = inode_permission(p.dentry->inode, MAY_READ);
		if (!err)
			err = watch_set(i, p.dentry->inode, mask);
		path_put(&p);
	}
	file_put(f);
	return err;
}

static int watch_remove(struct inotify *i, int32_t number)
{
	struct notify_watch *w;
	int err = -EINVAL;
	LIST_HEAD(dead);

	spin_lock(&notify_lock);
	list_for_each_entry(w, &i->watches, link) {
		if (w->number != number)
			continue;
		inotify_end_locked(w, &dead);
		err = 0;
		break;
	}
	spin_unlock(&notify_lock);
	notify_free(&dead);
	return err;
}

SYSCALL2(inotify_rm_watch, int, fd, int, number)
{
	struct inotify *i;
	struct file *f;
	int err;

	i = instance_get(fd, &f, &err);
	if (!i)
		return err;
	err = watch_remove(i, number);
	file_put(f);
	return err;
}

void inotify_init(void)
{
	/* So that one user's full queues take no more than a good part of memory. */
	inotify_max_events = MAX(MIN(frames_total / 64, 16384UL), 256UL);
	notify_bytes_max = frames_total * PAGE_SIZE / 32;
	inotify_max_watches = MAX(MIN(frames_total / 4, 65536UL), 1024UL);
}
