/*
 * epoll(7). An instance has a watch for each (open file, descriptor) it was given. A watch queues
 * itself, once, on the wait queues that the file's poll operation names; a wake-up puts it on the
 * instance's list of what may be ready, and epoll_wait asks the files on that list only.
 *
 * A watch does not keep its file: when the last reference to a file goes, file_put takes its
 * watches away (epoll_file_released). Until then, whoever holds the instance's lock may call the
 * file's poll operation.
 */
#include <stdatomic.h>

#include "fs/event/epoll.h"
#include "fs/procfs/procfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/event.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define HOW	    (EPOLLEXCLUSIVE | EPOLLWAKEUP | EPOLLONESHOT | EPOLLET)
#define EVENTS_MAX  (INT32_MAX / (int)sizeof(struct epoll_event))

struct spinlock watch_lock = SPINLOCK_INIT("watches", RANK_WATCHES);
struct mutex tree_mutex;

static const struct file_ops epoll_fops;

struct epoll *epoll_of(struct file *f)
{
	return f->ops == &epoll_fops ? f->data : NULL;
}

static void epoll_put(struct epoll *ep)
{
	if (atomic_fetch_sub(&ep->refs, 1) == 1)
		kfree(ep);
}

/* --- from a wake-up to the list of what is ready --- */

static void ready_add(struct watch *watch)
{
	struct epoll *ep = watch->ep;
	uint64_t irq = spin_lock_irq(&ep->ready_lock);

	if (list_empty(&watch->ready))
		list_add_tail(&watch->ready, &ep->ready);
	spin_unlock_irq(&ep->ready_lock, irq);
}

/* Tell who waits for the instance that its list has something. True: somebody slept. */
static bool epoll_tell(struct epoll *ep)
{
	bool somebody = !waitqueue_idle(&ep->sleepers);

	wake_one(&ep->sleepers);
	wake_all(&ep->pollers);
	return somebody;
}

/* Under the lock of the file's wait queue. */
static bool watch_woken(struct waiter *w)
{
	struct watch *watch = w->data;

	/* Disarmed: EPOLLONESHOT, and it has been told. */
	if (!(__atomic_load_n(&watch->event.events, __ATOMIC_RELAXED) & ~HOW))
		return false;
	ready_add(watch);
	return epoll_tell(watch->ep);
}

static void watch_queue(struct poll_table *pt, struct waitqueue *wq)
{
	struct watch *watch = container_of(pt, struct watch, table);
	struct hook *h;

	if (watch->used < HOOKS_FAST) {
		h = &watch->fast[watch->used++];
	} else {
		h = kmalloc(sizeof(*h));
		if (!h) {
			watch->no_memory = true;
			return;
		}
		h->next = watch->more;
		watch->more = h;
	}
	memset(&h->w, 0, sizeof(h->w));
	h->w.func = watch_woken;
	h->w.data = watch;
	h->w.exclusive = watch->event.events & EPOLLEXCLUSIVE;
	waiter_add(wq, &h->w);
}

/* Off all wait queues: no wake-up is under way any more. */
static void watch_unhook(struct watch *watch)
{
	struct hook *h;

	for (uint32_t i = 0; i < watch->used; i++)
		waiter_remove(&watch->fast[i].w);
	watch->used = 0;
	while ((h = watch->more) != NULL) {
		watch->more = h->next;
		waiter_remove(&h->w);
		kfree(h);
	}
}

/* What of its events has come about; ep->lock held. */
static uint32_t watch_ask(struct watch *watch, struct poll_table *pt)
{
	uint32_t events = watch->event.events & ~HOW;

	return events ? file_poll(watch->file, pt) & events : 0;
}

/* Onto the wait queues, and onto the list at once if something has come about already. */
static void watch_begin(struct watch *watch)
{
	watch->table.events = watch->event.events & ~HOW;
	if (watch_ask(watch, &watch->table)) {
		ready_add(watch);
		epoll_tell(watch->ep);
	}
}

static void ready_remove(struct watch *watch)
{
	uint64_t irq = spin_lock_irq(&watch->ep->ready_lock);

	list_del(&watch->ready);
	spin_unlock_irq(&watch->ep->ready_lock, irq);
}

/* ep->lock held. */
static void watch_remove(struct watch *watch)
{
	watch_unhook(watch);
	spin_lock(&watch_lock);
	hlist_del(&watch->file_link);
	spin_unlock(&watch_lock);
	ready_remove(watch);
	rb_erase(&watch->ep->watches, &watch->node, NULL);
	epoll_put(watch->ep);
	kfree(watch);
}

/* The watch of ep on f: watch_lock held. */
static struct watch *watch_of_file(struct file *f, struct epoll *ep)
{
	struct watch *watch;

	hlist_for_each_entry(watch, &f->watches, file_link)
		if (watch->ep == ep)
			return watch;
	return NULL;
}

void epoll_file_released(struct file *f)
{
	struct watch *watch;
	struct epoll *ep;

	for (;;) {
		spin_lock(&watch_lock);
		watch = hlist_entry_or_null_(f->watches.first, struct watch, file_link);
		ep = watch ? watch->ep : NULL;
		if (ep)
			atomic_fetch_add(&ep->refs, 1);
		spin_unlock(&watch_lock);
		if (!ep)
			return;
		mutex_lock(&ep->lock);
		/* Somebody else may have removed it meanwhile, but nobody adds any more. */
		spin_lock(&watch_lock);
		watch = watch_of_file(f, ep);
		spin_unlock(&watch_lock);
		if (watch)
			watch_remove(watch);
		mutex_unlock(&ep->lock);
		epoll_put(ep);
	}
}

/* --- what is ready --- */

/* Where watches go, one after the other. */
struct reaper {
	uaddr_t out;
	int n, max;
};

/* Hand one watch to user space if it is ready. False: the address is bad. */
static bool watch_reap(struct watch *watch, struct reaper *r)
{
	struct epoll_event e = watch->event;

	e.events = watch_ask(watch, NULL);
	if (!e.events)
		return true;
	if (copy_to_user(r->out + (uint64_t)r->n * sizeof(e), &e, sizeof(e))) {
		ready_add(watch);
		return false;
	}
	r->n++;
	if (watch->event.events & EPOLLONESHOT)
		__atomic_store_n(&watch->event.events, watch->event.events & HOW, __ATOMIC_RELAXED);
	else if (!(watch->event.events & EPOLLET))
		ready_add(watch); /* until a scan finds it not to be ready */
	return true;
}

/*
 * Go through the list of what may be ready. r NULL: only look whether something is, and leave it
 * there. Events handed over, or -EFAULT if that failed with the first. ep->lock held.
 */
static int epoll_scan(struct epoll *ep, struct reaper *r)
{
	LIST_HEAD(scan);
	struct watch *watch;
	bool found = false, fault = false;
	uint64_t irq = spin_lock_irq(&ep->ready_lock);

	list_splice(&ep->ready, &scan);
	while (!list_empty(&scan) && !found && !fault && (!r || r->n < r->max)) {
		watch = list_first_entry(&scan, struct watch, ready);
		/* First off the list: a wake-up while it is asked puts it there again. */
		list_del(&watch->ready);
		spin_unlock_irq(&ep->ready_lock, irq);
		if (r)
			fault = !watch_reap(watch, r);
		else if (watch_ask(watch, NULL))
			found = true;
		irq = spin_lock_irq(&ep->ready_lock);
		if (found && list_empty(&watch->ready))
			list_add(&watch->ready, &scan);
	}
	list_splice(&scan, &ep->ready);
	if (r)
		found = !list_empty(&ep->ready);
	spin_unlock_irq(&ep->ready_lock, irq);
	if (!r)
		return found;
	if (found)
		epoll_tell(ep);
	return r->n || !fault ? r->n : -EFAULT;
}

static uint32_t epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->data;
	bool ready;

	poll_add(pt, &ep->pollers, POLLIN | POLLRDNORM);
	mutex_lock(&ep->lock);
	ready = epoll_scan(ep, NULL) > 0;
	mutex_unlock(&ep->lock);
	return ready ? POLLIN | POLLRDNORM : 0;
}

static bool epoll_may_be_ready(struct epoll *ep)
{
	return !list_empty(&ep->ready);
}

static long epoll_sleep(struct epoll *ep, struct reaper *r, uint64_t deadline)
{
	int n, err = 0;

	for (;;) {
		n = 0;
		if (epoll_may_be_ready(ep)) {
			mutex_lock(&ep->lock);
			n = epoll_scan(ep, r);
			mutex_unlock(&ep->lock);
		}
		if (n || !deadline || err == -ETIMEDOUT)
			return n;
		if (err)
			return -EINTR;
		err = wait_event_deadline(&ep->sleepers, epoll_may_be_ready(ep),
					  WAIT_INTERRUPTIBLE, deadline);
	}
}

/* --- the instance as a file --- */

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->data;
	struct rb_node *n;

	mutex_lock(&ep->lock);
	while ((n = rb_first(&ep->watches)) != NULL)
		watch_remove(rb_entry(n, struct watch, node));
	mutex_unlock(&ep->lock);
	epoll_put(ep);
}

static void epoll_show(struct file *f, struct proc_text *t)
{
	struct epoll *ep = f->data;

	mutex_lock(&ep->lock);
	for (struct rb_node *n = rb_first(&ep->watches); n; n = rb_next(n)) {
		const struct watch *w = rb_entry(n, struct watch, node);
		const struct inode *inode = w->file->inode;

		proc_printf(t,
			    "tfd: %8d events: %8x data: %16lx  pos:%ld ino:%lx sdev:%x\n", w->fd,
			    w->event.events, (unsigned long)w->event.data, (long)w->file->pos,
			    (unsigned long)inode->ino, inode->sb->dev);
	}
	mutex_unlock(&ep->lock);
}

static const struct file_ops epoll_fops = {
	.show_info = epoll_show,
	.poll = epoll_poll,
	.release = epoll_release,
};

SYSCALL1(epoll_create1, uint32_t, flags)
{
	struct epoll *ep;
	struct file *f;

	if (flags & ~(uint32_t)EPOLL_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof(*ep));
	if (!ep)
		return -ENOMEM;
	ep->refs = 1;
	mutex_init(&ep->lock, "epoll", RANK_EVENT);
	spin_init(&ep->ready_lock, "epoll ready", RANK_READY);
	list_init(&ep->ready);
	waitqueue_init(&ep->sleepers);
	waitqueue_init(&ep->pollers);
	f = file_anonymous("anon_inode:[eventpoll]", O_RDWR, &epoll_fops, ep);
	if (is_err(f)) {
		kfree(ep);
		return ptr_err(f);
	}
	ep->file = f;
	return fd_install_or_put(f, flags & EPOLL_CLOEXEC);
}

struct file *epoll_target(struct file *f, int fd, uint32_t nth)
{
	struct epoll *ep = epoll_of(f);
	struct file *target = err_ptr(-ENOENT);
	struct watch *watch;

	if (!ep)
		return err_ptr(-EINVAL);
	mutex_lock(&ep->lock);
	for (struct rb_node *n = rb_first(&ep->watches); n; n = rb_next(n)) {
		watch = rb_entry(n, struct watch, node);
		if (watch->fd == fd && nth-- == 0) {
			target = watch->file;
			break;
		}
	}
	mutex_unlock(&ep->lock);
	return target;
}

/* --- epoll_ctl --- */

/* The place of (f, fd) in the tree: its watch, or NULL and where it would go. ep->lock held. */
static struct watch *watch_find(struct epoll *ep, struct file *f, int fd, struct rb_node ***link,
				struct rb_node **parent)
{
	struct rb_node **at = &ep->watches.node;

	*parent = NULL;
	while (*at) {
		struct watch *watch = rb_entry(*at, struct watch, node);

		if (watch->file == f && watch->fd == fd)
			return watch;
		*parent = *at;
		if (f != watch->file ? (uintptr_t)f < (uintptr_t)watch->file : fd < watch->fd)
			at = &(*at)->left;
		else
			at = &(*at)->right;
	}
	*link = at;
	return NULL;
}

/* ep->lock held. */
static int watch_add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *event,
		     struct rb_node *parent, struct rb_node **link)
{
	struct watch *watch = kzalloc(sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	list_init(&watch->ready);
	watch->ep = ep;
	watch->file = f;
	watch->fd = fd;
	watch->event = *event;
	watch->table.add = watch_queue;
	atomic_fetch_add(&ep->refs, 1);
	rb_insert(&ep->watches, &watch->node, parent, link, NULL);
	spin_lock(&watch_lock);
	hlist_add(&watch->file_link, &f->watches);
	spin_unlock(&watch_lock);
	watch_begin(watch);
	if (!watch->no_memory)
		return 0;
	watch_remove(watch);
	return -ENOMEM;
}

/* ep->lock held. */
static int watch_change(struct watch *watch, const struct epoll_event *event)
{
	if ((watch->event.events | event->events) & EPOLLEXCLUSIVE)
		return -EINVAL;
	/* Other events may be told of by other queues. */
	watch_unhook(watch);
	watch->event = *event;
	watch_begin(watch);
	return watch->no_memory ? -ENOMEM : 0;
}

static int epoll_change(struct epoll *ep, int op, struct file *f, int fd,
			const struct epoll_event *event)
{
	struct rb_node **link = NULL, *parent;
	struct watch *watch;
	int err = 0;

	mutex_lock(&ep->lock);
	watch = watch_find(ep, f, fd, &link, &parent);
	if (op == EPOLL_CTL_ADD)
		err = watch ? -EEXIST : watch_add(ep, f, fd, event, parent, link);
	else if (!watch)
		err = -ENOENT;
	else if (op == EPOLL_CTL_MOD)
		err = watch_change(watch, event);
	else
		watch_remove(watch);
	mutex_unlock(&ep->lock);
	return err;
}

/* What EPOLLEXCLUSIVE may be combined with (epoll_ctl(2)). */
static bool exclusive_allowed(int op, uint32_t events, struct file *f)
{
	uint32_t with = POLLIN | POLLOUT | POLLERR | POLLHUP | EPOLLWAKEUP | EPOLLET;

	if (!(events & EPOLLEXCLUSIVE))
		return true;
	return op != EPOLL_CTL_MOD && !epoll_of(f) && !(events & ~(with | EPOLLEXCLUSIVE));
}

static bool file_has_poll(struct file *f)
{
	struct chardev *dev = file_chardev(f);

	return dev ? dev->ops->poll != NULL : f->ops->poll != NULL;
}

static int epoll_ctl_on(struct file *epf, int op, struct file *f, int fd,
			struct epoll_event *event)
{
	struct epoll *ep = epoll_of(epf);
	int err = 0;
	bool nests;

	if (!file_has_poll(f))
		return -EPERM;
	if (!ep || f == epf || op < EPOLL_CTL_ADD || op > EPOLL_CTL_MOD)
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && !exclusive_allowed(op, event->events, f))
		return -EINVAL;
	/* Nothing sleeps that a wake-up could keep awake. */
	event->events = (event->events & ~EPOLLWAKEUP) | POLLERR | POLLHUP;
	nests = op == EPOLL_CTL_ADD && epoll_of(f);
	if (nests) {
		mutex_lock(&tree_mutex);
		err = epoll_may_nest(ep, epoll_of(f));
	}
	if (!err)
		err = epoll_change(ep, op, f, fd, event);
	if (nests)
		mutex_unlock(&tree_mutex);
	return err;
}

SYSCALL4(epoll_ctl, int, epfd, int, op, int, fd, uaddr_t, uevent)
{
	struct epoll_event event = {0};
	struct file *epf, *f;
	long ret = -EBADF;

	if (op != EPOLL_CTL_DEL && copy_from_user(&event, uevent, sizeof(event)))
		return -EFAULT;
	epf = fd_get(epfd);
	if (!epf)
		return -EBADF;
	f = fd_get(fd);
	if (f) {
		ret = epoll_ctl_on(epf, op, f, fd, &event);
		file_put(f);
	}
	file_put(epf);
	return ret;
}

/* --- epoll_wait --- */

static long epoll_wait(int fd, uaddr_t out, int max, uint64_t deadline, uaddr_t mask, size_t size)
{
	struct reaper r = {.out = out, .max = max};
	struct file *f;
	long ret;

	ret = poll_mask_apply(mask, size);
	if (ret)
		return ret;
	f = fd_get(fd);
	if (max <= 0 || max > EVENTS_MAX)
		ret = -EINVAL;
	else if (out > USER_TOP || (uint64_t)max * sizeof(struct epoll_event) > USER_TOP - out)
		ret = -EFAULT;
	else if (!f)
		ret = -EBADF;
	else
		ret = epoll_of(f) ? epoll_sleep(epoll_of(f), &r, deadline) : -EINVAL;
	if (f)
		file_put(f);
	signal_mask_after_wait(ret == -EINTR);
	return ret;
}

SYSCALL6(epoll_pwait, int, fd, uaddr_t, out, int, max, int, timeout, uaddr_t, mask, size_t, size)
{
	uint64_t deadline = UINT64_MAX;

	if (timeout >= 0)
		deadline = timeout ? time_ns() + (uint64_t)timeout * NSEC_PER_MSEC : 0;
	return epoll_wait(fd, out, max, deadline, mask, size);
}

SYSCALL6(epoll_pwait2, int, fd, uaddr_t, out, int, max, uaddr_t, timeout, uaddr_t, mask, size_t,
	 size)
{
	uint64_t deadline;
	int err = poll_deadline_get(timeout, &deadline);

	return err ? err : epoll_wait(fd, out, max, deadline, mask, size);
}

void epoll_init(void)
{
	mutex_init(&tree_mutex, "epoll tree", RANK_EVENT_TREE);
}
