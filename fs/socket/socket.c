/*
 * Sockets as open files, and their life.
 */
#include "fs/socket/socket.h"

#include <stdatomic.h>

#include "fs/mount.h"
#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/uapi/statfs.h"
#include "lib/printf.h"

struct spinlock socket_lock = SPINLOCK_INIT("sockets", RANK_SOCKET);
uint64_t rmem_default = SOCKET_BUFFER, wmem_default = SOCKET_BUFFER;
static struct mount *socket_mount;
static _Atomic uint64_t next_ino = 1;

struct socket *socket_alloc(const struct family *family)
{
	struct socket *s = kzalloc(sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->family = family;
	s->queue_max = UINT32_MAX;
	s->opt.sndbuf = (uint32_t)wmem_default;
	s->opt.rcvbuf = (uint32_t)rmem_default;
	s->opt.least = 1;
	s->opt.peek_at = -1;
	s->creds = (struct ucred){0, ~0U, ~0U};
	list_init(&s->clients);
	list_init(&s->client_link);
	list_init(&s->queue);
	list_init(&s->pending);
	list_init(&s->waiting);
	list_init(&s->pending_link);
	hlist_node_init(&s->name_link);
	list_init(&s->search_link);
	mutex_init(&s->read_lock, "socket read", RANK_SOCKET_READ);
	waitqueue_init(&s->readers);
	waitqueue_init(&s->writers);
	waitqueue_init(&s->room);
	async_init(&s->async);
	spin_lock(&socket_lock);
	list_add(&s->all_link, &all_sockets);
	spin_unlock(&socket_lock);
	return s;
}

struct socket *socket_get(struct socket *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void socket_put(struct socket *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	spin_lock(&socket_lock);
	list_del(&s->all_link);
	spin_unlock(&socket_lock);
	address_put(s->address);
	address_put(s->from);
	address_put(s->chosen);
	address_put(s->remote);
	kfree(s);
}

struct ucred ucred_current(void)
{
	const struct cred *c = current()->cred;

	return (struct ucred){current()->process->pid, c->euid, c->egid};
}

uint64_t socket_deadline(uint64_t timeout)
{
	return timeout ? time_ns() + timeout : UINT64_MAX;
}

static ssize64_t socket_file_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct message m;
	ssize64_t n;

	/* Unlike recv(2), it takes no packet then, and waits for none. */
	if (!u->resid)
		return 0;
	message_init(&m, u, 0, u->nowait);
	n = socket_receive(f->data, &m);
	control_put(&m.control);
	address_put(m.from);
	return n;
}

static ssize64_t socket_file_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct message m;

	message_init(&m, u, 0, u->nowait);
	return socket_send(f->data, &m);
}

/*
 * Is there so much in the queue that who asks is told? Only TCP looks at SO_RCVLOWAT here; with a
 * sender that has no more room there is enough. socket_lock held.
 */
static bool socket_readable(const struct socket *s)
{
	uint64_t n = s->queued;

	if (s->protocol != IPPROTO_TCP)
		return !list_empty(&s->queue);
	n -= socket_urgent_apart(s) && !s->urgent_at;
	return n && (n >= s->opt.least || (s->peer && !socket_has_room(s->peer)));
}

static uint32_t socket_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->data;
	bool stream = socket_connects(s);
	uint32_t mask = 0;

	poll_add(pt, &s->readers, POLLIN | POLLRDNORM | POLLPRI | POLLRDHUP | POLLHUP | POLLERR);
	poll_add(pt, &s->writers, POLLOUT | POLLWRNORM);
	spin_lock(&socket_lock);
	if (s->error)
		mask |= POLLERR;
	if (s->shut_read)
		mask |= POLLRDHUP | POLLIN | POLLRDNORM;
	if ((s->shut_read && s->shut_write) || (stream && (s->state == SOCKET_UNCONNECTED ||
							     s->state == SOCKET_DISCONNECTED)))
		mask |= POLLHUP;
	if (s->urgent == URGENT_UNREAD)
		mask |= POLLPRI;
	if (socket_readable(s) || !list_empty(&s->pending))
		mask |= POLLIN | POLLRDNORM;
	if (s->state != SOCKET_LISTENING && s->state != SOCKET_CONNECTING &&
	    socket_writable(s) && (stream || !s->peer || socket_has_room(s)))
		mask |= POLLOUT | POLLWRNORM;
	else
		s->short_write = true;
	spin_unlock(&socket_lock);
	return mask;
}

static void socket_release(struct file *f)
{
	struct socket *s = f->data;

	socket_close(s);
	socket_put(s);
	garbage_collect();
}

static struct async_list *socket_async(struct file *f)
{
	return &((struct socket *)f->data)->async;
}

static const struct file_ops socket_fops = {
	.read = socket_file_read,
	.write = socket_file_write,
	.poll = socket_poll,
	.async = socket_async,
	.release = socket_release,
	.ioctl = socket_ioctl,
};

struct socket *socket_of(struct file *f)
{
	return f->ops == &socket_fops ? f->data : NULL;
}

static struct dentry *socket_dentry(void)
{
	uint64_t ino = atomic_fetch_add(&next_ino, 1);
	struct inode *inode = kzalloc(sizeof(*inode));
	mode_t mode = S_IFSOCK | 0777;
	struct dentry *d;
	char name[32];

	if (!inode)
		return NULL;
	inode_init(inode, socket_mount->sb, ino, mode);
	inode_init_owner(inode, NULL, &mode);
	inode->nlink = 1;
	snprintf(name, sizeof(name), "socket:[%lu]", (unsigned long)ino);
	d = dentry_anonymous(socket_mount->sb, name, inode);
	if (!d)
		kfree(inode);
	return d;
}

struct file *socket_file(struct socket *s, uint32_t flags)
{
	struct path p = {.mnt = socket_mount, .dentry = socket_dentry()};
	struct file *f;

	if (!p.dentry)
		return err_ptr(-ENOMEM);
	f = file_alloc(&p, O_RDWR | (flags & O_NONBLOCK), FILE_READ | FILE_WRITE, &socket_fops);
	dentry_put(p.dentry);
	if (is_err(f))
		return f;
	f->data = s;
	spin_lock(&socket_lock);
	s->file = f;
	spin_unlock(&socket_lock);
	return f;
}

static void socket_inode_free(struct inode *inode)
{
	kfree(inode);
}

static const struct super_ops socket_super_ops = {.free = socket_inode_free};

void sockets_init(void)
{
	socket_mount = super_internal("sockfs", SOCKFS_MAGIC, &socket_super_ops);
}
