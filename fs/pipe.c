/*
 * Pipes and FIFOs (pipe(7)).
 */
#include "fs/pipe.h"

#include <stdatomic.h>

#include "fs/mount.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/ioctl.h"
#include "kernel/uapi/statfs.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define PIPE_ATOMIC	4096u /* PIPE_BUF */

static struct mount *pipe_mount;
static _Atomic uint64_t next_ino = 1;

/* Without pages: NULL when there is no memory, or too much of it in the user's pipes. */
static struct pipe *pipe_alloc_empty(void)
{
	struct pipe *p = kzalloc(sizeof(*p));

	if (!p)
		return NULL;
	p->user = pipe_user_get();
	if (p->user)
		p->npages = pipe_user_first(p->user);
	if (p->npages)
		return p;
	if (p->user)
		pipe_user_put(p->user, 0);
	kfree(p);
	return NULL;
}

static struct pipe *pipe_alloc(void)
{
	struct pipe *p = pipe_alloc_empty();

	if (!p)
		return NULL;
	p->pages = kzalloc(p->npages * sizeof(*p->pages));
	if (!p->pages) {
		pipe_user_put(p->user, p->npages);
		kfree(p);
		return NULL;
	}
	mutex_init(&p->lock, "pipe", RANK_PIPE);
	waitqueue_init(&p->read_wait);
	waitqueue_init(&p->write_wait);
	async_init(&p->async);
	return p;
}

static void pipe_free(struct pipe *p)
{
	for (uint32_t i = 0; i < p->npages; i++)
		kfree(p->pages[i]);
	kfree(p->pages);
	kfree(p->marks);
	pipe_user_put(p->user, p->npages);
	kfree(p);
}

void pipe_readable(struct pipe *p)
{
	wake_all(&p->read_wait);
	async_signal(&p->async, POLL_IN);
}

void pipe_drained(struct pipe *p)
{
	wake_all(&p->write_wait);
	async_signal(&p->async, POLL_OUT);
}

inline size_t pipe_piece(struct pipe *p, uint64_t at, bool *packet)
{
	uint64_t offset = at & (PAGE_SIZE - 1), end = PAGE_SIZE;
	uint32_t mark = unlikely(p->marks) ? *mark_of(p, at) : 0;

	*packet = mark & PIPE_PACKET;
	if (unlikely(mark))
		end = mark & ~PIPE_PACKET;
	return MIN(end - offset, p->head - at);
}

/* The tail has gone on from byte at: does it leave the page with what is used of that? */
static void mark_consume(struct pipe *p, uint64_t at, bool whole)
{
	uint32_t *mark = mark_of(p, at), used = (uint32_t)(p->tail - ALIGN_DOWN(at, PAGE_SIZE));

	if (!*mark || (used < (*mark & ~PIPE_PACKET) && !(whole && (*mark & PIPE_PACKET))))
		return;
	*mark = 0;
	p->tail = ALIGN_UP(p->tail, PAGE_SIZE);
}

inline void pipe_consume(struct pipe *p, size_t n, bool whole)
{
	char **page = page_of(p, p->tail), *first;

	p->tail += n;
	if (unlikely(p->marks))
		mark_consume(p, p->tail - n, whole);
	if (p->head == p->tail) {
		/* Empty: the next byte goes to the page that is at hand. */
		first = p->pages[0];
		p->pages[0] = *page;
		*page = first;
		p->head = p->tail = 0;
	} else if (!(p->tail & (PAGE_SIZE - 1)) &&
		   p->head - p->tail <= (p->npages - 1) * PAGE_SIZE) {
		/* Used up, and the head is not behind us in the same page. */
		kfree(*page);
		*page = NULL;
	}
}

inline size_t pipe_take(struct pipe *p, struct uio *u, bool *fault)
{
	size_t done = 0;
	bool packet;

	while (p->head != p->tail && u->resid) {
		size_t n = MIN(pipe_piece(p, p->tail, &packet), u->resid), moved;

		moved = uio_copy_to(u, *page_of(p, p->tail) + (p->tail & (PAGE_SIZE - 1)), n);
		done += moved;
		if (moved)
			pipe_consume(p, moved, moved == n);
		if (moved < n)
			*fault = true;
		if (unlikely(moved < n || packet))
			break;
	}
	return done;
}

inline size_t pipe_fill(struct pipe *p, struct uio *u, int *err)
{
	size_t done = 0;

	while (u->resid && pipe_room(p)) {
		uint32_t offset = p->head & (PAGE_SIZE - 1);
		size_t n = MIN(PAGE_SIZE - offset, pipe_room(p)), moved;
		char **page = page_of(p, p->head);

		n = MIN(n, u->resid);
		if (!*page)
			*page = kmalloc(PAGE_SIZE);
		if (!*page) {
			*err = -ENOMEM;
			break;
		}
		moved = uio_copy_from(u, *page + offset, n);
		p->head += moved;
		done += moved;
		if (moved < n) {
			*err = -EFAULT;
			break;
		}
	}
	return done;
}

__slow bool pipe_packet_room(const struct pipe *p)
{
	return ALIGN_UP(p->head, PAGE_SIZE) + PAGE_SIZE - p->tail + p->promised <=
	       (uint64_t)p->npages * PAGE_SIZE;
}

/* Does what does not fill a page fit behind what is in the head's, which is no packet? */
static __slow bool append_room(const struct pipe *p, size_t n)
{
	uint32_t offset = p->head & (PAGE_SIZE - 1);

	n &= PAGE_SIZE - 1;
	return n && offset && offset + n <= PAGE_SIZE && pipe_room(p) >= n;
}

/* Then it goes there. */
static size_t pipe_append(struct pipe *p, struct uio *u, int *err)
{
	size_t n = u->resid & (PAGE_SIZE - 1), rest = u->resid - n, done;

	if (!append_room(p, n))
		return 0;
	u->resid = n;
	done = pipe_fill(p, u, err);
	u->resid += rest;
	return done;
}

size_t pipe_fill_packets(struct pipe *p, struct uio *u, int *err)
{
	size_t done = 0;

	if (!p->marks)
		p->marks = kzalloc(p->npages * sizeof(*p->marks));
	while (u->resid && pipe_packet_room(p)) {
		uint64_t at = ALIGN_UP(p->head, PAGE_SIZE);
		size_t n = MIN(PAGE_SIZE, u->resid);
		char **page = page_of(p, at);

		if (!*page)
			*page = kmalloc(PAGE_SIZE);
		if (!*page || !p->marks) {
			*err = -ENOMEM;
			break;
		}
		if (uio_copy_from(u, *page, n) < n) {
			*err = -EFAULT;
			break;
		}
		/* What stands in the page before ends where it does. */
		if (at != p->head)
			*mark_of(p, p->head) = p->head & (PAGE_SIZE - 1);
		*mark_of(p, at) = (uint32_t)n | PIPE_PACKET;
		p->head = at + PAGE_SIZE;
		done += n;
	}
	return done;
}

/* What write(2) makes of u: a part of the stream before it, packets, or both. */
static __slow size_t pipe_write_packets(struct pipe *p, struct uio *u, int *err)
{
	size_t done = pipe_append(p, u, err);

	return *err ? done : done + pipe_fill_packets(p, u, err);
}

inline int pipe_await(struct pipe *p, bool nowait)
{
	while (p->head == p->tail || p->held) {
		int err = p->writers || p->held ? -EAGAIN : 0;

		if (!err || nowait)
			return err;
		mutex_unlock(&p->lock);
		err = wait_event(&p->read_wait, !p->held && (p->head != p->tail || !p->writers),
				 WAIT_INTERRUPTIBLE);
		mutex_lock(&p->lock);
		if (err)
			return err;
	}
	return 1;
}

static ssize64_t pipe_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pipe *p = f->data;
	bool fault = false;
	size_t n = 0;
	int err;

	if (!u->resid)
		return 0;
	mutex_lock(&p->lock);
	err = pipe_await(p, u->nowait);
	if (err <= 0) {
		mutex_unlock(&p->lock);
		return err;
	}
	n = pipe_take(p, u, &fault);
	mutex_unlock(&p->lock);
	if (n)
		pipe_drained(p);
	return n ? (ssize64_t)n : fault ? -EFAULT : 0;
}

/* Is there room for this write of n bytes, u now, all of it if it must be in one piece? */
static inline bool pipe_writable(const struct pipe *p, size_t n, const struct uio *u, bool packets)
{
	if (unlikely(packets))
		return pipe_packet_room(p) || append_room(p, u->resid);
	return pipe_room(p) >= (n <= PIPE_ATOMIC ? n : 1);
}

static ssize64_t pipe_write(struct file *f, struct uio *u, uint64_t *pos)
{
	bool packets = unlikely(atomic_load_explicit(&f->flags, memory_order_relaxed) & O_DIRECT);
	struct pipe *p = f->data;
	size_t total = u->resid, done = 0, n;
	int err = 0;

	if (!total)
		return 0;
	mutex_lock(&p->lock);
	for (;;) {
		if (!p->readers) {
			err = -EPIPE;
			break;
		}
		if (pipe_writable(p, total, u, packets)) {
			n = packets ? pipe_write_packets(p, u, &err) : pipe_fill(p, u, &err);
			done += n;
			if (n)
				pipe_readable(p);
			if (err || !u->resid)
				break;
		}
		if (u->nowait) {
			err = -EAGAIN;
			break;
		}
		mutex_unlock(&p->lock);
		err = wait_event(&p->write_wait,
				 !p->readers || pipe_writable(p, total, u, packets),
				 WAIT_INTERRUPTIBLE);
		if (err)
			return done ? (ssize64_t)done : err;
		mutex_lock(&p->lock);
	}
	mutex_unlock(&p->lock);
	if (err == -EPIPE && !done)
		(void)signal_thread(current(), SIGPIPE, NULL);
	return done ? (ssize64_t)done : err;
}

static uint32_t pipe_poll(struct file *f, struct poll_table *pt)
{
	bool packets = atomic_load_explicit(&f->flags, memory_order_relaxed) & O_DIRECT;
	struct pipe *p = f->data;
	uint32_t mask = 0;

	if (f->kind & FILE_READ)
		poll_add(pt, &p->read_wait, POLLIN | POLLRDNORM | POLLHUP);
	if (f->kind & FILE_WRITE)
		poll_add(pt, &p->write_wait, POLLOUT | POLLWRNORM | POLLERR);
	mutex_lock(&p->lock);
	if (f->kind & FILE_READ) {
		if (p->head != p->tail)
			mask |= POLLIN | POLLRDNORM;
		/* A FIFO that never had a writer is not at its end yet. */
		if (!p->writers && (p->writer_opens || !S_ISFIFO(f->inode->mode)))
			mask |= POLLHUP;
	}
	if (f->kind & FILE_WRITE) {
		if (packets ? pipe_packet_room(p) : pipe_room(p) >= PIPE_ATOMIC)
			mask |= POLLOUT | POLLWRNORM;
		if (!p->readers)
			mask |= POLLERR;
	}
	mutex_unlock(&p->lock);
	return mask;
}

/* Bytes that can be read. Lock held. */
static uint64_t pipe_bytes(struct pipe *p)
{
	uint64_t bytes = 0;
	bool packet;

	if (!p->marks)
		return p->head - p->tail;
	for (uint64_t at = p->tail; at < p->head; at = ALIGN_UP(at + 1, PAGE_SIZE))
		bytes += pipe_piece(p, at, &packet);
	return bytes;
}

static long pipe_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct pipe *p = f->data;
	uint64_t n;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	n = pipe_bytes(p);
	mutex_unlock(&p->lock);
	return put_user_u32(arg, (uint32_t)n);
}

/* One more open file at p; its inode lock (or nobody else knowing p) guards users. */
static void pipe_join(struct pipe *p, uint32_t kind)
{
	mutex_lock(&p->lock);
	p->users++;
	if (kind & FILE_READ) {
		p->readers++;
		p->reader_opens++;
	}
	if (kind & FILE_WRITE) {
		p->writers++;
		p->writer_opens++;
	}
	mutex_unlock(&p->lock);
	wake_all(&p->read_wait);
	wake_all(&p->write_wait);
}

static void pipe_leave(struct inode *inode, struct pipe *p, uint32_t kind)
{
	bool last, alone;

	mutex_lock(&inode->lock);
	mutex_lock(&p->lock);
	if (kind & FILE_READ)
		p->readers--;
	if (kind & FILE_WRITE)
		p->writers--;
	last = !--p->users;
	alone = !p->readers != !p->writers;
	mutex_unlock(&p->lock);
	if (last)
		inode->pipe = NULL;
	/* Before the inode is let go: the other end may be next, and free the pipe. */
	wake_all(&p->read_wait);
	wake_all(&p->write_wait);
	if (alone) {
		async_signal(&p->async, POLL_IN);
		async_signal(&p->async, POLL_OUT);
	}
	mutex_unlock(&inode->lock);
	if (last)
		pipe_free(p);
}

static void pipe_release(struct file *f)
{
	pipe_leave(f->inode, f->data, f->kind);
}

/*
 * fifo(7): opening one end waits for the other, unless it is both or must not wait. others: those
 * at the other end when we came, who may be gone by now; opens: how often it had been opened.
 */
static int fifo_wait(struct file *f, struct pipe *p, uint32_t others, uint32_t opens)
{
	bool nowait = atomic_load(&f->flags) & O_NONBLOCK;

	/* A pipe(2) that is opened once more, through /proc/PID/fd, is there already. */
	if (others || f->inode->sb == pipe_mount->sb)
		return 0;
	if ((f->kind & (FILE_READ | FILE_WRITE)) == (FILE_READ | FILE_WRITE))
		return 0;
	if (nowait)
		return f->kind & FILE_READ ? 0 : -ENXIO;
	if (f->kind & FILE_READ)
		return wait_event(&p->read_wait, p->writer_opens != opens, WAIT_INTERRUPTIBLE);
	return wait_event(&p->write_wait, p->reader_opens != opens, WAIT_INTERRUPTIBLE);
}

static int fifo_open(struct inode *inode, struct file *f)
{
	uint32_t others, opens;
	struct pipe *p;
	int err;

	if (!(f->kind & (FILE_READ | FILE_WRITE)))
		return -EINVAL;
	mutex_lock(&inode->lock);
	if (!inode->pipe)
		inode->pipe = pipe_alloc();
	p = inode->pipe;
	if (p) {
		others = f->kind & FILE_READ ? p->writers : p->readers;
		opens = f->kind & FILE_READ ? p->writer_opens : p->reader_opens;
		pipe_join(p, f->kind);
	}
	mutex_unlock(&inode->lock);
	if (!p)
		return -ENOMEM;
	err = fifo_wait(f, p, others, opens);
	if (err) {
		pipe_leave(inode, p, f->kind);
		return err;
	}
	f->data = p;
	return 0;
}

static struct async_list *pipe_async(struct file *f)
{
	return &((struct pipe *)f->data)->async;
}

const struct file_ops fifo_fops = {
	.open = fifo_open,
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.async = pipe_async,
	.ioctl = pipe_ioctl,
};

static void pipe_inode_free(struct inode *inode)
{
	kfree(inode);
}

static const struct super_ops pipe_super_ops = {.free = pipe_inode_free};

/* The dentry of a new pipe that both ends share. */
static struct dentry *pipe_dentry(void)
{
	uint64_t ino = atomic_fetch_add(&next_ino, 1);
	struct inode *inode = kzalloc(sizeof(*inode));
	struct dentry *d = NULL;
	mode_t mode = S_IFIFO | 0600;
	char name[32];

	if (!inode)
		return NULL;
	inode_init(inode, pipe_mount->sb, ino, mode);
	inode_init_owner(inode, NULL, &mode);
	inode->nlink = 1;
	snprintf(name, sizeof(name), "pipe:[%lu]", (unsigned long)ino);
	inode->pipe = pipe_alloc();
	if (inode->pipe)
		d = dentry_anonymous(pipe_mount->sb, name, inode);
	if (!d) {
		if (inode->pipe)
			pipe_free(inode->pipe);
		kfree(inode);
	}
	return d;
}

static struct file *pipe_end(struct dentry *d, uint32_t flags, uint32_t kind)
{
	struct path p = {.mnt = pipe_mount, .dentry = d};
	struct file *f = file_alloc(&p, flags, kind, &fifo_fops);

	if (!is_err(f)) {
		f->data = d->inode->pipe;
		pipe_join(f->data, kind);
	}
	return f;
}

static int pipe_make(struct file **out, int flags)
{
	struct dentry *d = pipe_dentry();
	int err = 0;

	if (!d)
		return -ENFILE;
	out[0] = pipe_end(d, ((uint32_t)flags & ~(uint32_t)O_DIRECT) | O_RDONLY, FILE_READ);
	if (is_err(out[0])) {
		err = (int)ptr_err(out[0]);
		pipe_free(d->inode->pipe);
		goto out;
	}
	out[1] = pipe_end(d, (uint32_t)flags | O_WRONLY, FILE_WRITE);
	if (is_err(out[1])) {
		err = (int)ptr_err(out[1]);
		file_put(out[0]);
	}
out:
	dentry_put(d);
	return err;
}

SYSCALL2(pipe2, uaddr_t, fds, int, flags)
{
	struct file *f[2] = {NULL, NULL};
	int fd[2], err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT | O_EXCL))
		return -EINVAL;
	/* A pipe of notifications (watch_queue(7)). */
	if (flags & O_EXCL)
		return -ENOPKG;
	err = pipe_make(f, flags & (O_NONBLOCK | O_DIRECT));
	if (err)
		return err;
	fd[0] = fd_install(f[0], 0, flags & O_CLOEXEC);
	if (fd[0] < 0) {
		file_put(f[0]);
		file_put(f[1]);
		return fd[0];
	}
	fd[1] = fd_install(f[1], 0, flags & O_CLOEXEC);
	if (fd[1] < 0) {
		(void)fd_close(fd[0]);
		file_put(f[1]);
		return fd[1];
	}
	if (copy_to_user(fds, fd, sizeof(fd))) {
		(void)fd_close(fd[0]);
		(void)fd_close(fd[1]);
		return -EFAULT;
	}
	return 0;
}

struct pipe *file_pipe(struct file *f)
{
	return f->ops == &fifo_fops ? f->data : NULL;
}

void pipe_init(void)
{
	pipe_mount = super_internal("pipefs", PIPEFS_MAGIC, &pipe_super_ops);
}
