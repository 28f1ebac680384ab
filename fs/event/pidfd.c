/*
 * pidfd_open(2): a descriptor that stands for a process, and for no other when its number is
 * given out again. It is ready for reading once the process is a zombie, and hung up once that
 * has been waited for. With PIDFD_THREAD it stands for one thread, and is hung up when that has
 * left its number. That of a process's first thread goes on to who executes a program in its place:
 * so it stands for the process in all but what a signal is sent to.
 */
#include "fs/event/event.h"
#include "fs/procfs/procfs.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/uapi/pidfd.h"

static const struct file_ops pidfd_fops, thread_fops;

/* Not referenced: as long as f, which is a pidfd, is open. */
static struct pidfd_target target_of(struct file *f)
{
	struct thread *t = f->ops == &thread_fops ? f->data : NULL;

	return (struct pidfd_target){.process = t ? t->process : f->data, .thread = t,
				     .flags = atomic_load(&f->flags)};
}

static void target_get(struct pidfd_target *to)
{
	process_get(to->process);
	if (to->thread)
		thread_get(to->thread);
}

void pidfd_put(struct pidfd_target *target)
{
	if (target->thread)
		thread_put(target->thread);
	process_put(target->process);
}

pid_t pidfd_pid(const struct pidfd_target *target)
{
	const struct thread *t = target->thread;
	pid_t pid;

	if (!t)
		return process_gone(target->process) ? -1 : target->process->pid;
	/* One that has become the first left its number, too. */
	pid = __atomic_load_n(&t->tid, __ATOMIC_RELAXED);
	return thread_gone(t) || pid == t->process->pid ? -1 : pid;
}

static uint32_t pidfd_poll(struct file *f, struct poll_table *pt)
{
	struct pidfd_target to = target_of(f);

	poll_add(pt, &to.process->exit_wait, POLLIN | POLLRDNORM | POLLHUP);
	if (pidfd_pid(&to) < 0)
		return POLLIN | POLLRDNORM | POLLHUP;
	return !to.thread && __atomic_load_n(&to.process->zombie, __ATOMIC_RELAXED) ?
		       POLLIN | POLLRDNORM : 0;
}

static void pidfd_release(struct file *f)
{
	struct pidfd_target to = target_of(f);

	pidfd_put(&to);
}

static void pidfd_show(struct file *f, struct proc_text *out)
{
	struct pidfd_target to = target_of(f);
	pid_t pid = pidfd_pid(&to);

	proc_printf(out, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_fops = {
	.show_info = pidfd_show,
	.poll = pidfd_poll,
	.release = pidfd_release,
};

/* The same, but it tells which structure its data is. */
static const struct file_ops thread_fops = {
	.show_info = pidfd_show,
	.poll = pidfd_poll,
	.release = pidfd_release,
};

int pidfd_create(struct process *p, struct thread *t, uint32_t flags)
{
	struct pidfd_target to = {.process = p, .thread = t};
	int fd;

	target_get(&to);
	fd = file_anonymous_fd("anon_inode:[pidfd]", O_RDWR | O_CLOEXEC | flags,
			       t ? &thread_fops : &pidfd_fops, t ? (void *)t : p);
	if (fd < 0)
		pidfd_put(&to);
	return fd;
}

int pidfd_get(int fd, bool dirs, struct pidfd_target *out)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	*out = (struct pidfd_target){0};
	if (f->ops == &pidfd_fops || f->ops == &thread_fops) {
		*out = target_of(f);
		target_get(out);
	} else if (dirs) {
		out->process = proc_dir_process(f);
	}
	file_put(f);
	return out->process ? 0 : -EBADF;
}

struct process *pidfd_process(int fd)
{
	struct pidfd_target to;
	int err = pidfd_get(fd, false, &to);

	if (!err && to.thread) {
		pidfd_put(&to);
		err = -ESRCH;
	}
	return err ? err_ptr(err) : to.process;
}

/* pid is no process's number. */
static int open_thread(pid_t pid, uint32_t flags)
{
	struct thread *t = thread_find(pid);
	int fd = -EINVAL;

	if (!t)
		return -ESRCH;
	/* It may be about to execute a program: then it gives up the number it was found by. */
	if (flags & PIDFD_THREAD)
		fd = pidfd_create(t->process, t, flags);
	thread_unfind(t);
	return fd;
}

SYSCALL2(pidfd_open, pid_t, pid, uint32_t, flags)
{
	struct process *p;
	int fd;

	if ((flags & ~(uint32_t)(PIDFD_NONBLOCK | PIDFD_THREAD)) || pid <= 0)
		return -EINVAL;
	p = process_find(pid);
	if (!p)
		return open_thread(pid, flags);
	fd = pidfd_create(p, NULL, flags);
	process_put(p);
	return fd;
}

/* Of its thread, or the first one of its process. NULL: it has none, or no such file. */
static struct file *file_of(const struct pidfd_target *from, int fd)
{
	if (fd < 0)
		return NULL;
	return from->thread ? thread_file(from->thread, (uint32_t)fd)
			    : proc_fd_file(from->process, (uint32_t)fd);
}

/* A descriptor of the other process as one of ours; who may inspect it may do that. */
static int fd_of_process(const struct pidfd_target *from, int fd)
{
	struct process *p = from->process;
	struct file *f;

	if (pidfd_pid(from) < 0)
		return -ESRCH;
	f = file_of(from, fd);
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
	struct pidfd_target from;
	int new;

	if (flags)
		return -EINVAL;
	new = pidfd_get(pidfd, false, &from);
	if (new)
		return new;
	new = fd_of_process(&from, fd);
	pidfd_put(&from);
	return new;
}
