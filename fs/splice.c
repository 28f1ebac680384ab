/*
 * splice(2), tee(2), vmsplice(2): moving bytes between a pipe and something else without a copy in
 * user space. Pages are copied, not handed on: what is in a pipe is nobody else's.
 *
 * Who moves bytes out of a pipe first looks at them, with the other readers kept out (held), and
 * takes only as many as the other side took: what could not be written stays in the pipe. Who moves
 * bytes into a pipe has room for them before they are read: a terminal does not take them back.
 */
#include "fs/pipe.h"

#include <stdatomic.h>

#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/uio.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define CHUNK (16 * KiB)

/* One side: the file, and where in it when that is not its own position. */
struct side {
	struct file *file;
	struct pipe *pipe; /* NULL: another kind of file */
	uaddr_t user;	   /* where the position is kept; 0: the file's own is used */
	uint64_t pos;
};

/*
 * A copy of up to n of the oldest bytes, which stay; then pipe_unhold. 0: there will be none.
 * *packet: it is (of) one, and no more than that.
 */
static ssize64_t pipe_hold(struct pipe *p, char *buf, size_t n, bool nowait, bool *packet)
{
	size_t done = 0, part = 0;
	bool next;
	int ready;

	mutex_lock(&p->lock);
	*packet = false;
	ready = pipe_await(p, nowait);
	if (ready > 0)
		p->held = true;
	for (uint64_t at = p->tail; ready > 0 && at < p->head && done < n && !*packet;
	     at = ALIGN_UP(at + part, PAGE_SIZE)) {
		part = MIN(pipe_piece(p, at, &next), n - done);
		if (next && done)
			break;
		*packet = next;
		memcpy(buf + done, *page_of(p, at) + (at & (PAGE_SIZE - 1)), part);
		done += part;
	}
	mutex_unlock(&p->lock);
	return ready > 0 ? (ssize64_t)done : ready;
}

/* The first n bytes of what was held are taken; others may read again. */
static void pipe_unhold(struct pipe *p, size_t n)
{
	bool packet;

	mutex_lock(&p->lock);
	for (size_t left = n; left;) {
		size_t part = MIN(pipe_piece(p, p->tail, &packet), left);

		pipe_consume(p, part, false);
		left -= part;
	}
	p->held = false;
	mutex_unlock(&p->lock);
	if (n)
		pipe_drained(p);
	wake_all(&p->read_wait);
}

static bool has_room(const struct pipe *p, bool packet)
{
	return packet ? pipe_packet_room(p) : pipe_room(p) != 0;
}

/*
 * Bytes of room, once there are any (packet: for one); -EPIPE with its signal, -EAGAIN,
 * -ERESTARTSYS.
 */
static ssize64_t pipe_await_room(struct pipe *p, bool nowait, bool packet)
{
	int err;

	while (p->readers && !has_room(p, packet)) {
		if (nowait)
			return -EAGAIN;
		err = wait_event(&p->write_wait, !p->readers || has_room(p, packet),
				 WAIT_INTERRUPTIBLE);
		if (err)
			return err;
	}
	if (p->readers)
		return (ssize64_t)pipe_room(p);
	(void)signal_thread(current(), SIGPIPE, NULL);
	return -EPIPE;
}

/* As much of u into the pipe as fits, and at least a byte; packet: as one. Bytes or -errno. */
static ssize64_t pipe_put(struct pipe *p, struct uio *u, bool nowait, bool packet)
{
	ssize64_t n;
	int err = 0;

	do {
		n = pipe_await_room(p, nowait, packet);
		if (n < 0)
			return n;
		mutex_lock(&p->lock);
		n = (ssize64_t)(packet ? pipe_fill_packets(p, u, &err) : pipe_fill(p, u, &err));
		mutex_unlock(&p->lock);
	} while (!n && !err);
	if (n)
		pipe_readable(p);
	return n ? n : err;
}

/* Room for up to n bytes, once there is any, which only pipe_keep fills. As pipe_await_room. */
static ssize64_t pipe_promise(struct pipe *p, size_t n, bool nowait)
{
	ssize64_t room;

	do {
		room = pipe_await_room(p, nowait, false);
		if (room < 0)
			return room;
		mutex_lock(&p->lock);
		room = (ssize64_t)MIN(n, pipe_room(p));
		p->promised += (uint64_t)room;
		mutex_unlock(&p->lock);
	} while (!room);
	return room;
}

/* The promise of room is over; n bytes came for it, or none. Bytes or -errno. */
static ssize64_t pipe_keep(struct pipe *p, size_t room, char *buf, size_t n)
{
	struct uio u;
	int err = 0;

	uio_init_kernel(&u, buf, n);
	mutex_lock(&p->lock);
	p->promised -= room;
	n = pipe_fill(p, &u, &err);
	mutex_unlock(&p->lock);
	if (n)
		pipe_readable(p);
	wake_all(&p->write_wait);
	return n ? (ssize64_t)n : err;
}

/* Out of the pipe in; to is another pipe or a file. */
static ssize64_t splice_from_pipe(struct pipe *in, struct side *to, char *buf, size_t n,
				  bool nowait)
{
	bool packet;
	ssize64_t held = pipe_hold(in, buf, MIN(n, CHUNK), nowait, &packet), put;
	struct uio u;

	if (held <= 0)
		return held;
	uio_init_kernel(&u, buf, (size_t)held);
	if (to->pipe) {
		put = pipe_put(to->pipe, &u, nowait, packet);
	} else {
		u.nowait = atomic_load(&to->file->flags) & O_NONBLOCK;
		put = file_write(to->file, &u, &to->pos);
	}
	pipe_unhold(in, put > 0 ? (size_t)put : 0);
	return put;
}

/* Into the pipe, no more than it has room for: what is read has to go there. */
static ssize64_t splice_to_pipe(struct side *from, struct pipe *out, char *buf, size_t n,
				bool nowait)
{
	ssize64_t room = pipe_promise(out, MIN(n, CHUNK), nowait), got, put;
	uint64_t pos = from->pos;
	struct uio u;

	if (room < 0)
		return room;
	uio_init_kernel(&u, buf, (size_t)room);
	u.nowait = atomic_load(&from->file->flags) & O_NONBLOCK;
	got = file_read(from->file, &u, &pos);
	put = pipe_keep(out, (size_t)room, buf, got > 0 ? (size_t)got : 0);
	if (put > 0)
		from->pos += (uint64_t)put;
	return got <= 0 ? got : put;
}

/* All that can be moved without waiting, once a first piece is. Bytes or -errno. */
static ssize64_t splice_run(struct side *in, struct side *out, size_t n, bool nowait)
{
	char *buf = kmalloc(CHUNK);
	ssize64_t done = 0, moved = 0;

	if (!buf)
		return -ENOMEM;
	while (n && !(done && signal_pending())) {
		moved = in->pipe ? splice_from_pipe(in->pipe, out, buf, n, nowait)
				 : splice_to_pipe(in, out->pipe, buf, n, nowait);
		if (moved <= 0)
			break;
		done += moved;
		n -= (size_t)moved;
		nowait = true;
		/* A terminal or a socket has what it has: it is not asked twice. */
		if (!in->pipe && !(in->file->kind & FILE_SEEK))
			break;
	}
	kfree(buf);
	return done ? done : moved;
}

/* May this kind of file be at the other end of the pipe? */
static bool splice_kind(const struct file *f)
{
	mode_t mode = f->inode->mode;

	return S_ISREG(mode) || S_ISCHR(mode) || S_ISBLK(mode) || S_ISSOCK(mode) || S_ISFIFO(mode);
}

/* 0, -EBADF; -ESPIPE for the position of a pipe; -EINVAL, -EFAULT. */
static int side_init(struct side *s, int fd, uaddr_t user, uint32_t kind)
{
	s->file = fd_get(fd);
	if (!s->file || !(s->file->kind & kind))
		return -EBADF;
	s->pipe = file_pipe(s->file);
	s->user = user;
	s->pos = s->file->pos;
	if (s->pipe)
		return user ? -ESPIPE : 0;
	if (!user)
		return 0;
	if (!(s->file->kind & FILE_SEEK))
		return -EINVAL;
	if (get_user_u64(&s->pos, user))
		return -EFAULT;
	return (int64_t)s->pos < 0 ? -EINVAL : 0;
}

static int side_finish(struct side *s)
{
	if (s->pipe)
		return 0;
	if (s->user)
		return put_user_u64(s->user, s->pos);
	s->file->pos = s->pos;
	return 0;
}

static void side_put(struct side *s)
{
	if (s->file)
		file_put(s->file);
}

static int splice_check(const struct side *in, const struct side *out)
{
	if (!in->pipe && !out->pipe)
		return -EINVAL;
	if (in->pipe == out->pipe || !splice_kind(in->file) || !splice_kind(out->file))
		return -EINVAL;
	return !out->pipe && (atomic_load(&out->file->flags) & O_APPEND) ? -EINVAL : 0;
}

static bool pipe_nowait(const struct side *s)
{
	return s->pipe && (atomic_load(&s->file->flags) & O_NONBLOCK);
}

SYSCALL6(splice, int, in_fd, uaddr_t, in_off, int, out_fd, uaddr_t, out_off, size_t, n, uint32_t,
	 flags)
{
	struct side in = {0}, out = {0};
	ssize64_t ret;

	if (!n)
		return 0;
	if (flags & ~(uint32_t)SPLICE_F_ALL)
		return -EINVAL;
	ret = side_init(&in, in_fd, in_off, FILE_READ);
	if (!ret)
		ret = side_init(&out, out_fd, out_off, FILE_WRITE);
	if (!ret)
		ret = splice_check(&in, &out);
	if (!ret) {
		bool nowait = (flags & SPLICE_F_NONBLOCK) || pipe_nowait(&in) || pipe_nowait(&out);

		ret = splice_run(&in, &out, MIN(n, RW_COUNT_MAX), nowait);
		if (ret > 0 && (side_finish(&in) || side_finish(&out)))
			ret = -EFAULT;
	}
	side_put(&in);
	side_put(&out);
	return ret;
}

/* What is in one pipe into the other as well: as much as fits at once. *packet: it is one. */
static ssize64_t tee_held(struct pipe *in, struct pipe *out, size_t n, bool nowait, bool *packet)
{
	char *buf = kmalloc(n);
	struct uio u;
	ssize64_t ret;

	if (!buf)
		return -ENOMEM;
	ret = pipe_hold(in, buf, n, nowait, packet);
	if (ret > 0) {
		uio_init_kernel(&u, buf, (size_t)ret);
		ret = pipe_put(out, &u, true, *packet);
		pipe_unhold(in, 0);
	}
	kfree(buf);
	return ret;
}

static ssize64_t tee_run(struct pipe *in, struct pipe *out, size_t n, bool nowait)
{
	bool packet = false;
	ssize64_t room, ret;

	/* To wait for room is for who holds nothing. */
	do {
		room = pipe_await_room(out, nowait, packet);
		if (room < 0)
			return room;
		/* A packet, which may come, is not cut: it takes a page. */
		n = MIN(n, MAX((size_t)room, PAGE_SIZE));
		ret = tee_held(in, out, MIN(n, in->npages * PAGE_SIZE), nowait, &packet);
	} while (ret == -EAGAIN && !nowait);
	return ret;
}

SYSCALL4(tee, int, in_fd, int, out_fd, size_t, n, uint32_t, flags)
{
	struct side in = {0}, out = {0};
	ssize64_t ret;

	if (flags & ~(uint32_t)SPLICE_F_ALL)
		return -EINVAL;
	if (!n)
		return 0;
	ret = side_init(&in, in_fd, 0, FILE_READ);
	if (!ret)
		ret = side_init(&out, out_fd, 0, FILE_WRITE);
	if (!ret && (!in.pipe || !out.pipe || in.pipe == out.pipe))
		ret = -EINVAL;
	if (!ret)
		ret = tee_run(in.pipe, out.pipe, n, (flags & SPLICE_F_NONBLOCK) ||
			      pipe_nowait(&in) || pipe_nowait(&out));
	side_put(&in);
	side_put(&out);
	return ret;
}

static ssize64_t vmsplice_run(struct file *f, struct uio *u, bool nowait)
{
	if (f->kind & FILE_WRITE)
		return pipe_put(file_pipe(f), u, nowait, false);
	u->nowait = nowait;
	return file_read(f, u, &f->pos);
}

SYSCALL4(vmsplice, int, fd, uaddr_t, user, uint64_t, count, uint32_t, flags)
{
	struct iovec64 fast[IOV_FAST], *iov = NULL;
	struct file *f;
	struct uio u;
	ssize64_t ret = -EBADF;

	if (flags & ~(uint32_t)SPLICE_F_ALL)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (file_pipe(f)) {
		ret = iov_get(&u, user, count, fast, &iov);
		if (!ret && u.resid)
			ret = vmsplice_run(f, &u, (flags & SPLICE_F_NONBLOCK) ||
					   (atomic_load(&f->flags) & O_NONBLOCK));
		kfree(iov);
	}
	file_put(f);
	return ret;
}
