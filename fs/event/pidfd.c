/*
 * pidfd_open(2): a descriptor that stands for a process, and for no other when its number is
 * given out again. It is ready for reading once the process is a zombie, and hung up once that
 * has been waited for.
 */
#include "fs/event/event.h"
#include "fs/procfs/procfs.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/uapi/pidfd.h"

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct process *p = f->data;

	poll_add(pt, &p->exit_wait, POLLIN | POLLRDNORM | POLLHUP);
	if (process_gone(p))
		return POLLIN | POLLRDNORM | POLLHUP;
	return __atomic_load_n(&p->zombie, __ATOMIC_RELAXED) ? POLLIN | POLLRDNORM : 0;
}

static void pidfd_release(struct file *f)
{
	process_put(f->data);
}

static void pidfd_show(struct file *f, struct proc_text *t)
{
	struct process *p = f->data;
	pid_t pid = process_gone(p) ? -1 : p->pid;

	proc_printf(t, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_fops = {
	.show_info = pidfd_show,
	.poll = pidfd_poll,
	.release = pidfd_release,
};

int pidfd_create(struct process *p, uint32_t flags)
{
	int fd;

	process_get(p);
	fd = file_anonymous_fd("anon_inode:[pidfd]", O_RDWR | O_CLOEXEC | flags, &pidfd_fops, p);
	if (fd < 0)
		process_put(p);
	return fd;
}

/* The process of a pidfd, referenced; NULL of another file. */
static struct process *process_of(struct file *f)
{
	struct process *p = f->ops == &pidfd_fops ? f->data : NULL;

	if (p)
		process_get(p);
	return p;
}

struct process *pidfd_process(int fd, bool *nonblock)
{
	struct file *f = fd_get(fd);
	struct process *p;

	if (!f)
		return err_ptr(-EBADF);
	p = process_of(f);
	if (p && nonblock)
		*nonblock = atomic_load(&f->flags) & O_NONBLOCK;
	file_put(f);
	return p ? p : err_ptr(-EBADF);
}

struct process *pidfd_or_dir_process(int fd)
{
	struct file *f = fd_get(fd);
	struct process *p;

	if (!f)
		return err_ptr(-EBADF);
	p = process_of(f);
	if (!p)
		p = proc_dir_process(f);
	file_put(f);
	return p ? p : err_ptr(-EBADF);
}

SYSCALL2(pidfd_open, pid_t, pid, uint32_t, flags)
{
	struct process *p;
	struct thread *t;
	int fd;

	if ((flags & ~(uint32_t)PIDFD_NONBLOCK) || pid <= 0)
		return -EINVAL;
	p = process_find(pid);
	if (!p) {
		/* The number of a thread that is not its process's first is no process. */
		t = thread_find(pid);
		if (!t)
			return -ESRCH;
		thread_unfind(t);
		return -EINVAL;
	}
	fd = pidfd_create(p, flags);
	process_put(p);
	return fd;
}

/* A descriptor of the other process as one of ours; who may inspect it may do that. */
static int fd_of_process(struct process *p, int fd)
{
	struct file *f;

	if (process_gone(p))
		return -ESRCH;
	f = fd < 0 ? NULL : proc_fd_file(p, (uint32_t)fd);
	/* Asked with the file in hand: it may be of a program that p has begun to run meanwhile. */
	if (!proc_may_inspect(p)) {
		if (f)
			file_put(f);
		return -EPERM;
	}
	if (!f)
		return p->zombie ? -ESRCH : -EBADF;
	return fd_install_or_put(f, true);
}

SYSCALL3(pidfd_getfd, int, pidfd, int, fd, uint32_t, flags)
{
	struct process *p;
	int new;

	if (flags)
		return -EINVAL;
	p = pidfd_process(pidfd, NULL);
	if (is_err(p))
		return ptr_err(p);
	new = fd_of_process(p, fd);
	process_put(p);
	return new;
}
