/*
 * POSIX message queues as a whole: mq_open(2), mq_unlink(2). A queue is a file of the tmpfs that is
 * mounted nowhere; its name is in no directory but in a list of all queues, where it is told from
 * others by the same rules: as if they lay in one directory that all may write to and that has the
 * sticky bit.
 */
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/mqueue.h"

#include "fs/tmpfs/tmpfs.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/resource.h"
#include "lib/printf.h"
#include "lib/ref.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define STATUS_SIZE 80 /* what Linux says the file's size is */
/* What Linux has beside each message, and for each priority in use: it counts as the user's. */
#define MESSAGE_COST  48
#define PRIORITY_COST 48

static struct mutex naming;	/* RANK_IPC: one call that makes or takes away a name */
static struct spinlock mq_lock = SPINLOCK_INIT("mqueues", RANK_IPC_TABLE);
static struct list_head all = LIST_INIT(all);	/* (mq_lock) struct mqueue */

struct mqueue *mq_of_inode(struct inode *inode)
{
	struct mqueue *q;

	spin_lock(&mq_lock);
	q = inode->data;
	/* O_PATH keeps the file longer than the namespace. */
	if (q && !ref_try_get(&q->ipc->ns.refs))
		q = NULL;
	if (q)
		q->refs++;
	spin_unlock(&mq_lock);
	return q;
}

void mq_put(struct mqueue *q)
{
	bool last;

	spin_lock(&mq_lock);
	last = --q->refs == 0;
	if (last) {
		/* O_PATH may keep the file longer. */
		q->path.dentry->inode->data = NULL;
		list_del(&q->link);
		q->ipc->mq.count--;
	}
	spin_unlock(&mq_lock);
	if (!last)
		return;
	mq_finish(q);
	path_put(&q->path);
	kfree(q);
}

/* --- making one --- */

/* May the running thread have one like this? */
static int limits_check(const struct mq_attr *a)
{
	const struct ipc_namespace *ns = ipc_own();
	bool may = cred_capable(CAP_SYS_RESOURCE);
	int64_t messages = may ? MQ_MSG_HARD_MAX : (int64_t)ns->mq.msg_max;
	int64_t size = may ? (int64_t)MQ_MSGSIZE_HARD_MAX : (int64_t)ns->mq.msgsize_max;

	if (!may && ns->mq.count >= ns->mq.queues_max)
		return -ENOSPC;
	return a->mq_maxmsg <= 0 || a->mq_msgsize <= 0 || a->mq_maxmsg > messages ||
			       a->mq_msgsize > size
		       ? -EINVAL
		       : 0;
}

/* Enter it among all others, if its user may have as much: 0 or -EMFILE. */
static int enter(struct mqueue *q)
{
	uint64_t sum = q->charge;
	struct mqueue *other;
	int err = -EMFILE;

	spin_lock(&mq_lock);
	list_for_each_entry(other, &all, link)
		if (other->uid == q->uid)
			sum += other->charge;
	if (sum <= rlimit_get(RLIMIT_MSGQUEUE)) {
		list_add_tail(&q->link, &all);
		q->ipc->mq.count++;
		err = 0;
	}
	spin_unlock(&mq_lock);
	return err;
}

static const struct inode_ops mq_iops = {.setattr = NULL};

/* Give it its file. */
static int file_make(struct mqueue *q, const char *name, mode_t mode)
{
	char shown[NAME_MAX + 2];
	struct inode *inode;
	int err;

	snprintf(shown, sizeof(shown), "/%s", name);
	err = tmpfs_file_new(shown, mode & 07777, &q->path);
	if (err)
		return err;
	inode = q->path.dentry->inode;
	inode->ops = &mq_iops;
	inode->fops = &mq_fops;
	inode->data = q;
	inode->nlink = 1;
	inode->object.size = STATUS_SIZE;
	return 0;
}

/* A new one, known by its name; err_ptr. naming held. */
static struct mqueue *queue_new(const char *name, mode_t mode, const struct mq_attr *a)
{
	int err = limits_check(a);
	struct mqueue *q;

	if (err)
		return err_ptr(err);
	q = kzalloc(sizeof(*q));
	if (!q)
		return err_ptr(-ENOMEM);
	mq_setup(q, a);
	q->refs = 1;
	q->named = true;
	q->uid = current()->cred->uid;
	q->ipc = ipc_own();
	q->charge = q->max_messages * (q->max_size + MESSAGE_COST) +
		    MIN(q->max_messages, (uint64_t)MQ_PRIO_MAX) * PRIORITY_COST;
	err = file_make(q, name, mode);
	if (!err) {
		err = enter(q);
		if (!err)
			return q;
		path_put(&q->path);
	}
	kfree(q);
	return err_ptr(err);
}

/* --- names --- */

/* What looking for it in a directory would say. */
static int name_check(const char *name)
{
	if (strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
		return -EACCES;
	return strlen(name) > NAME_MAX ? -ENAMETOOLONG : 0;
}

/* naming held, so it stays. */
static struct mqueue *find(const char *name)
{
	struct mqueue *q, *found = NULL;

	spin_lock(&mq_lock);
	list_for_each_entry(q, &all, link) {
		if (q->named && q->ipc == ipc_own() && !strcmp(q->path.dentry->name + 1, name)) {
			found = q;
			break;
		}
	}
	spin_unlock(&mq_lock);
	return found;
}

/* naming held. */
static struct file *open_found(struct mqueue *q, int flags)
{
	if ((flags & O_CREAT) && (flags & O_EXCL))
		return err_ptr(-EEXIST);
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return err_ptr(-EINVAL);
	return file_open_path(&q->path, flags & (O_ACCMODE | O_NONBLOCK));
}

static struct file *queue_open(const char *name, int flags, mode_t mode, const struct mq_attr *a)
{
	struct mqueue *q;
	struct file *f;
	int err = name_check(name);

	if (err)
		return err_ptr(err);
	mutex_lock(&naming);
	q = find(name);
	if (q) {
		f = open_found(q, flags);
	} else if (!(flags & O_CREAT)) {
		f = err_ptr(-ENOENT);
	} else {
		q = queue_new(name, mode & ~atomic_load(&current()->fs->umask), a);
		f = is_err(q) ? err_ptr(ptr_err(q))
			      : file_open_made(&q->path, flags & (O_ACCMODE | O_NONBLOCK));
	}
	mutex_unlock(&naming);
	return f;
}

/* A queue's name, as a path; "" is none. */
static int name_get(struct pathname *name, uaddr_t user)
{
	int err = pathname_get(name, user);

	if (!err && !*name->s) {
		pathname_put(name);
		err = -ENOENT;
	}
	return err;
}

SYSCALL4(mq_open, uaddr_t, uname, int, flags, mode_t, mode, uaddr_t, uattr)
{
	const struct ipc_namespace *ns = ipc_own();
	struct mq_attr attr;
	struct pathname name;
	struct file *f;
	int fd, err;

	attr.mq_maxmsg = (int64_t)MIN(ns->mq.msg_max, ns->mq.msg_default);
	attr.mq_msgsize = (int64_t)MIN(ns->mq.msgsize_max, ns->mq.msgsize_default);
	if (uattr && copy_from_user(&attr, uattr, sizeof(attr)))
		return -EFAULT;
	err = name_get(&name, uname);
	if (err)
		return err;
	fd = fd_reserve();
	if (fd >= 0) {
		f = queue_open(name.s, flags, mode, &attr);
		fd_settle(fd, is_err(f) ? NULL : f, true);
		if (is_err(f))
			fd = (int)ptr_err(f);
	}
	pathname_put(&name);
	return fd;
}

/* naming held. */
static int queue_unlink(const char *name)
{
	struct mqueue *q = find(name);
	struct inode *inode;

	if (!q)
		return -ENOENT;
	inode = q->path.dentry->inode;
	/* The directory would be root's. */
	if (!inode_owner_or_capable(inode) && current()->cred->fsuid != 0)
		return -EPERM;
	spin_lock(&mq_lock);
	q->named = false;
	spin_unlock(&mq_lock);
	inode->nlink = 0;
	inode->ctime = inode_now();
	mq_put(q);
	return 0;
}

SYSCALL1(mq_unlink, uaddr_t, uname)
{
	struct pathname name;
	int err = name_get(&name, uname);

	if (err)
		return err;
	err = name_check(name.s);
	if (!err) {
		mutex_lock(&naming);
		err = queue_unlink(name.s);
		mutex_unlock(&naming);
	}
	pathname_put(&name);
	return err;
}

void mq_limits_setup(struct ipc_namespace *ns)
{
	ns->mq.queues_max = 256;
	ns->mq.msg_max = ns->mq.msg_default = 10;
	ns->mq.msgsize_max = ns->mq.msgsize_default = 8192;
}

/* One that still has its name there, which is the caller's to give up; NULL: none. */
static struct mqueue *name_take(const struct ipc_namespace *ns)
{
	struct mqueue *q, *found = NULL;

	spin_lock(&mq_lock);
	list_for_each_entry(q, &all, link) {
		if (q->named && q->ipc == ns) {
			q->named = false;
			found = q;
			break;
		}
	}
	spin_unlock(&mq_lock);
	return found;
}

void mq_unlink_all(struct ipc_namespace *ns)
{
	struct mqueue *q;

	while ((q = name_take(ns))) {
		q->path.dentry->inode->nlink = 0;
		mq_put(q);
	}
}

void mq_init(void)
{
	mutex_init(&naming, "mqueue names", RANK_IPC);
}
