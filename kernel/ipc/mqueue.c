/*
 * POSIX message queues that are open: mq_timedsend(2), mq_timedreceive(2), mq_notify(2),
 * mq_getsetattr(2), and what reading and polling one say. A message goes straight to who waits for
 * one; who takes one out lets in the first who waits for room.
 */
#include "kernel/ipc/mqueue.h"

#include "fs/vfs.h"
#include "kernel/ipc/ipc.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/time.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/reclaim.h"
#include "mm/usercopy.h"

/* (l) its queue's lock; (c) constant */
struct mq_message {
	struct list_head link; /* (l) */
	uint32_t priority;     /* (c) */
	size_t size;	       /* (c) bytes of text */
	char text[];	       /* (c) */
};

/* A sender or a receiver. */
struct mq_waiter {
	struct ipc_waiter wait;
	struct mq_message *msg; /* (l) to be sent; or what was received */
};

static struct mq_message *message_new(size_t size, uint32_t priority)
{
	struct mq_message *m;

	reclaim_ahead();
	m = ipc_alloc(sizeof(*m) + size);
	if (m) {
		list_init(&m->link);
		m->size = size;
		m->priority = priority;
	}
	return m;
}

static void message_free(struct mq_message *m)
{
	ipc_free(m, sizeof(*m) + m->size);
}

void mq_setup(struct mqueue *q, const struct mq_attr *attr)
{
	q->max_messages = (uint64_t)attr->mq_maxmsg;
	q->max_size = (uint64_t)attr->mq_msgsize;
	spin_init(&q->lock, "mqueue", RANK_IPC_TABLE);
	list_init(&q->messages);
	list_init(&q->senders);
	list_init(&q->receivers);
	waitqueue_init(&q->readable);
	waitqueue_init(&q->writable);
}

static struct inode *inode_of(const struct mqueue *q)
{
	return q->path.dentry->inode;
}

/* --- who is told --- */

/* n was taken off its queue; a letter that was not sent says so. */
static void notice_drop(struct mq_notice *n)
{
	netlink_letter_send(&n->letter, NOTIFY_REMOVED);
	if (n->to)
		process_put(n->to);
}

/* n was taken off its queue, because the running thread sent a message. */
static void notice_give(struct mq_notice *n)
{
	struct siginfo info = {.si_signo = n->event.signo, .si_code = SI_MESGQ};
	const struct thread *me = current();

	info.si_pid = me->process->pid;
	info.si_uid = me->cred->uid;
	info.si_value = n->event.value;
	if (n->to && n->event.notify == SIGEV_SIGNAL && info.si_signo && n->execs == n->to->execs)
		(void)signal_process(n->to, info.si_signo, &info);
	netlink_letter_send(&n->letter, NOTIFY_WOKENUP);
	notice_drop(n);
}

/* (l) */
static struct mq_notice notice_take(struct mqueue *q)
{
	struct mq_notice n = q->notice;

	q->notice.to = NULL;
	q->notice.letter.to = NULL;
	return n;
}

/* The running process is not to be told any more. True: it was. */
static bool notice_forget(struct mqueue *q)
{
	struct mq_notice n = {.to = NULL};

	spin_lock(&q->lock);
	if (q->notice.to == current()->process)
		n = notice_take(q);
	spin_unlock(&q->lock);
	notice_drop(&n);
	return n.to != NULL;
}

void mq_finish(struct mqueue *q)
{
	struct mq_message *m, *next;

	list_for_each_entry_safe(m, next, &q->messages, link)
		message_free(m);
	/* A process that ended with its descriptors shared asked, and never took it back. */
	notice_drop(&q->notice);
}

/* --- messages in a queue --- */

/* Behind those that are as urgent. (l) */
static void put(struct mqueue *q, struct mq_message *m)
{
	struct list_head *at = q->messages.prev;

	while (at != &q->messages &&
	       list_entry(at, struct mq_message, link)->priority < m->priority)
		at = at->prev;
	list_add(&m->link, at);
	q->nmessages++;
	q->bytes += m->size;
}

/* (l) */
static struct mq_message *take(struct mqueue *q)
{
	struct mq_message *m = list_first_entry(&q->messages, struct mq_message, link);

	list_del(&m->link);
	q->nmessages--;
	q->bytes -= m->size;
	return m;
}

static struct mq_waiter *first_of(struct list_head *waiters)
{
	return list_first_entry(waiters, struct mq_waiter, wait.link);
}

static void touched(const struct mqueue *q)
{
	struct inode *inode = inode_of(q);

	inode->atime = inode->mtime = inode->ctime = inode_now();
}

/* 0, -EAGAIN or IPC_WAITS; who is to be told in *notice. (l) */
static int send_try(struct mqueue *q, struct mq_waiter *w, bool nowait, struct mq_notice *notice)
{
	struct mq_waiter *receiver;

	if (q->nmessages == q->max_messages) {
		if (nowait)
			return -EAGAIN;
		list_add_tail(&w->wait.link, &q->senders);
		return IPC_WAITS;
	}
	touched(q);
	if (!list_empty(&q->receivers)) {
		receiver = first_of(&q->receivers);
		receiver->msg = w->msg;
		ipc_waiter_done(&receiver->wait, 0);
		return 0;
	}
	put(q, w->msg);
	if (q->nmessages == 1)
		*notice = notice_take(q);
	wake_all(&q->readable);
	return 0;
}

/* 0, -EAGAIN or IPC_WAITS. (l) */
static int receive_try(struct mqueue *q, struct mq_waiter *w, bool nowait,
		       struct mq_notice *notice)
{
	struct mq_waiter *sender;

	if (!q->nmessages) {
		if (nowait)
			return -EAGAIN;
		list_add_tail(&w->wait.link, &q->receivers);
		return IPC_WAITS;
	}
	touched(q);
	w->msg = take(q);
	if (list_empty(&q->senders)) {
		wake_all(&q->writable);
		return 0;
	}
	sender = first_of(&q->senders);
	put(q, sender->msg);
	ipc_waiter_done(&sender->wait, 0);
	return 0;
}

typedef int (*try_fn)(struct mqueue *q, struct mq_waiter *w, bool nowait, struct mq_notice *n);

/* Do it, if need be when it has become possible: 0 or -errno. until: CLOCK_REALTIME. */
static int do_or_wait(struct file *f, try_fn try, struct mq_waiter *w, uint64_t until)
{
	struct mq_notice notice = {.to = NULL};
	struct mqueue *q = f->data;
	int status;

	ipc_waiter_init(&w->wait);
	spin_lock(&q->lock);
	status = w->wait.status = try(q, w, atomic_load(&f->flags) & O_NONBLOCK, &notice);
	spin_unlock(&q->lock);
	if (status == IPC_WAITS)
		status = ipc_wait_wall(&q->lock, &w->wait, until);
	else
		notice_give(&notice);
	return status;
}

/* --- system calls --- */

/* The open queue that fd is, for fd_return; NULL: it is none, or not open for this (FILE_*). */
static struct file *queue_borrow(int fd, uint32_t kind, bool *owned)
{
	struct file *f = fd_borrow(fd, owned);

	if (!f)
		return NULL;
	if (f->ops == &mq_fops && (f->kind & kind) == kind)
		return f;
	fd_return(f, *owned);
	return NULL;
}

/* Until when a call may wait: CLOCK_REALTIME. */
static int until_get(uaddr_t user, uint64_t *until)
{
	struct timespec64 ts;

	*until = UINT64_MAX;
	if (!user)
		return 0;
	if (copy_from_user(&ts, user, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	*until = timespec_ns(&ts);
	return 0;
}

static long send(struct file *f, uaddr_t text, size_t size, uint32_t priority, uint64_t until)
{
	const struct mqueue *q = f->data;
	struct mq_waiter w;
	int ret;

	if (size > q->max_size)
		return -EMSGSIZE;
	w.msg = message_new(size, priority);
	if (!w.msg)
		return -ENOMEM;
	ret = copy_from_user(w.msg->text, text, size) ? -EFAULT
						      : do_or_wait(f, send_try, &w, until);
	/* Sent, it is the queue's or a receiver's, who may have freed it. */
	if (ret)
		message_free(w.msg);
	return ret;
}

SYSCALL5(mq_timedsend, int, fd, uaddr_t, text, size_t, size, uint32_t, priority, uaddr_t, utime)
{
	uint64_t until;
	struct file *f;
	bool owned;
	long ret = until_get(utime, &until);

	if (ret)
		return ret;
	if (priority >= MQ_PRIO_MAX)
		return -EINVAL;
	f = queue_borrow(fd, FILE_WRITE, &owned);
	if (!f)
		return -EBADF;
	ret = send(f, text, size, priority, until);
	fd_return(f, owned);
	return ret;
}

static long receive(struct file *f, uaddr_t text, size_t size, uaddr_t upriority, uint64_t until)
{
	const struct mqueue *q = f->data;
	struct mq_waiter w;
	long ret;

	if (size < q->max_size)
		return -EMSGSIZE;
	ret = do_or_wait(f, receive_try, &w, until);
	if (ret)
		return ret;
	ret = (long)w.msg->size;
	if ((upriority && put_user_u32(upriority, w.msg->priority)) ||
	    copy_to_user(text, w.msg->text, w.msg->size))
		ret = -EFAULT;
	message_free(w.msg);
	return ret;
}

SYSCALL5(mq_timedreceive, int, fd, uaddr_t, text, size_t, size, uaddr_t, upriority, uaddr_t, utime)
{
	uint64_t until;
	struct file *f;
	bool owned;
	long ret = until_get(utime, &until);

	if (ret)
		return ret;
	f = queue_borrow(fd, FILE_READ, &owned);
	if (!f)
		return -EBADF;
	ret = receive(f, text, size, upriority, until);
	fd_return(f, owned);
	return ret;
}

static int event_check(const struct sigevent64 *e)
{
	if (e->notify == SIGEV_NONE || e->notify == SIGEV_THREAD)
		return 0;
	return e->notify == SIGEV_SIGNAL && (uint32_t)e->signo <= NSIG ? 0 : -EINVAL;
}

static int notice_ask(struct mqueue *q, const struct sigevent64 *e, struct netlink_letter *letter)
{
	struct process *me = current()->process;
	int err = -EBUSY;

	spin_lock(&q->lock);
	if (!q->notice.to) {
		process_get(me);
		q->notice = (struct mq_notice){.to = me, .execs = me->execs, .event = *e,
					       .letter = *letter};
		letter->to = NULL;
		err = 0;
	}
	spin_unlock(&q->lock);
	return err;
}

/* mq_notify(3): of SIGEV_THREAD, signo is the socket that hears, and value where the cookie is. */
static int letter_write(struct netlink_letter *letter, const struct sigevent64 *e)
{
	uint8_t cookie[NOTIFY_COOKIE_LEN];

	if (e->notify != SIGEV_THREAD)
		return 0;
	if (copy_from_user(cookie, (uaddr_t)e->value.sival_ptr, sizeof(cookie)))
		return -EFAULT;
	return netlink_letter_write(letter, e->signo, cookie, sizeof(cookie));
}

SYSCALL2(mq_notify, int, fd, uaddr_t, uevent)
{
	struct netlink_letter letter = {.to = NULL};
	struct sigevent64 event;
	struct inode *inode;
	struct file *f;
	bool owned;
	int err = 0;

	if (uevent && copy_from_user(&event, uevent, sizeof(event)))
		return -EFAULT;
	if (uevent && event_check(&event))
		return -EINVAL;
	if (uevent)
		err = letter_write(&letter, &event);
	if (err)
		return err;
	f = queue_borrow(fd, 0, &owned);
	if (!f) {
		netlink_letter_drop(&letter);
		return -EBADF;
	}
	if (uevent)
		err = notice_ask(f->data, &event, &letter);
	netlink_letter_drop(&letter);
	if (uevent ? !err : notice_forget(f->data)) {
		inode = f->inode;
		inode->atime = inode->ctime = inode_now();
	}
	fd_return(f, owned);
	return err;
}

static void attr_get(struct file *f, struct mq_attr *a)
{
	struct mqueue *q = f->data;

	*a = (struct mq_attr){.mq_flags = atomic_load(&f->flags) & O_NONBLOCK,
			      .mq_maxmsg = (int64_t)q->max_messages,
			      .mq_msgsize = (int64_t)q->max_size};
	spin_lock(&q->lock);
	a->mq_curmsgs = (int64_t)q->nmessages;
	spin_unlock(&q->lock);
}

static void nonblock_set(struct file *f, bool on)
{
	if (on)
		atomic_fetch_or(&f->flags, O_NONBLOCK);
	else
		atomic_fetch_and(&f->flags, ~(uint32_t)O_NONBLOCK);
	f->inode->atime = f->inode->ctime = inode_now();
}

SYSCALL3(mq_getsetattr, int, fd, uaddr_t, unew, uaddr_t, uold)
{
	struct mq_attr new, old;
	struct file *f;
	bool owned;

	if (unew && copy_from_user(&new, unew, sizeof(new)))
		return -EFAULT;
	if (unew && (new.mq_flags & ~(int64_t)O_NONBLOCK))
		return -EINVAL;
	f = queue_borrow(fd, 0, &owned);
	if (!f)
		return -EBADF;
	attr_get(f, &old);
	if (unew)
		nonblock_set(f, new.mq_flags & O_NONBLOCK);
	fd_return(f, owned);
	return uold ? copy_to_user(uold, &old, sizeof(old)) : 0;
}

/* --- the open file --- */

static int mq_file_open(struct inode *inode, struct file *f)
{
	f->data = mq_of_inode(inode);
	f->kind |= FILE_HEARS_CLOSE;
	return f->data ? 0 : -ENXIO;
}

static void mq_file_closed(struct file *f)
{
	(void)notice_forget(f->data);
}

static void mq_file_release(struct file *f)
{
	struct mqueue *q = f->data;
	struct ns *ns = &q->ipc->ns;

	mq_put(q);
	ns_put(ns);
}

/* A line that says how it stands: mq_overview(7). */
static ssize64_t mq_file_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct mqueue *q = f->data;
	int notify = 0, signal = 0, pid = 0;
	uint64_t bytes, n;
	char line[96];

	spin_lock(&q->lock);
	bytes = q->bytes;
	if (q->notice.to) {
		notify = q->notice.event.notify;
		signal = notify == SIGEV_SIGNAL ? q->notice.event.signo : 0;
		pid = q->notice.to->pid;
	}
	spin_unlock(&q->lock);
	n = (uint64_t)scnprintf(line, sizeof(line),
				"QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6d\n",
				(unsigned long)bytes, notify, signal, pid);
	if (*pos >= n)
		return 0;
	n = MIN(n - *pos, u->resid);
	if (uio_copy_to(u, line + *pos, n) != n)
		return -EFAULT;
	*pos += n;
	f->inode->atime = f->inode->ctime = inode_now();
	return (ssize64_t)n;
}

static uint32_t mq_file_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *q = f->data;
	uint64_t n;

	poll_add(pt, &q->readable, POLLIN);
	poll_add(pt, &q->writable, POLLOUT);
	n = __atomic_load_n(&q->nmessages, __ATOMIC_RELAXED);
	return (n ? POLLIN | POLLRDNORM : 0) | (n < q->max_messages ? POLLOUT | POLLWRNORM : 0);
}

const struct file_ops mq_fops = {
	.open = mq_file_open,
	.closed = mq_file_closed,
	.release = mq_file_release,
	.read = mq_file_read,
	.poll = mq_file_poll,
};
