/*
 * procfs: reaching what belongs to another process, which may end at any moment.
 */
#include <stdatomic.h>

#include "fs/procfs/procfs.h"
#include "kernel/remote.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/aspace.h"

struct fdtable *proc_files(struct process *p)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct fdtable *t = p->leader ? p->leader->files : NULL;

	if (t)
		fdtable_hold(t);
	spin_unlock_irq(&proc_lock, irq);
	return t;
}

pid_t proc_task_next(struct process *p, pid_t tid)
{
	uint64_t irq = spin_lock_irq(&p->siglock);
	struct thread *t;
	pid_t best = 0;

	list_for_each_entry(t, &p->threads, process_link)
		if (t->tid >= tid && (!best || t->tid < best))
			best = t->tid;
	spin_unlock_irq(&p->siglock, irq);
	/* A first thread that has ended stays as long as its process. */
	if (p->pid >= tid && (!best || p->pid < best))
		best = p->pid;
	return best;
}

bool proc_may_inspect(struct process *p)
{
	return !p || process_may_access(p, false);
}

struct aspace *proc_aspace(const struct proc_text *t, struct process *p)
{
	return process_aspace_since(p, t->execs);
}

/* /proc/PID/mem: what a debugger could reach. */
static ssize64_t memory_move(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos,
			     uint32_t how)
{
	struct aspace *as = proc_aspace(t, p);
	ssize64_t moved;

	if (!as)
		return 0;
	moved = remote_move(as, pos, u->resid, u, how | REMOTE_FORCED);
	aspace_put(as);
	return moved;
}

ssize64_t proc_read_mem(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos)
{
	return memory_move(t, p, u, pos, 0);
}

ssize64_t proc_write_mem(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos)
{
	return memory_move(t, p, u, pos, REMOTE_WRITE);
}

struct file *proc_fd_file(struct process *p, uint32_t fd)
{
	struct fdtable *t = proc_files(p);
	struct file *f;

	if (!t)
		return NULL;
	f = fdtable_file(t, fd);
	fdtable_release(t);
	return f;
}

ssize64_t proc_fd_name(struct process *p, uint32_t fd, char *buf, size_t size)
{
	struct file *f = proc_fd_file(p, fd);
	ssize64_t ret;
	char *s;

	if (!f)
		return -ENOENT;
	s = file_path(f, buf, size);
	ret = is_err(s) ? ptr_err(s) : (ssize64_t)strlen(s);
	if (!is_err(s))
		memmove(buf, s, (size_t)ret + 1);
	file_put(f);
	return ret;
}

int proc_fd_follow(struct process *p, uint32_t fd, struct path *out)
{
	struct file *f = proc_fd_file(p, fd);

	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}
