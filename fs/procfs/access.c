/*
 * procfs: reaching what belongs to another process, which may end at any moment.
 */
#include <stdatomic.h>

#include "fs/procfs/procfs.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

struct aspace *proc_aspace(struct process *p)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct aspace *as = p->leader ? p->leader->aspace : NULL;

	if (as && !aspace_try_get(as))
		as = NULL;
	spin_unlock_irq(&proc_lock, irq);
	return as;
}

struct fdtable *proc_files(struct process *p)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct fdtable *t = p->leader ? p->leader->files : NULL;

	if (t)
		fdtable_get(t);
	spin_unlock_irq(&proc_lock, irq);
	return t;
}

bool proc_may_inspect(struct process *p)
{
	const struct cred *own = current()->cred;
	bool same = false;
	uint64_t irq;

	if (!p || fs_privileged() || current()->process == p)
		return true;
	irq = spin_lock_irq(&proc_lock);
	if (p->leader && p->leader->cred) {
		const struct cred *c = p->leader->cred;

		same = own->fsuid == c->uid && own->fsuid == c->euid && own->fsuid == c->suid &&
		       own->fsgid == c->gid && own->fsgid == c->egid && own->fsgid == c->sgid;
	}
	spin_unlock_irq(&proc_lock, irq);
	return same && p->dumpable;
}

static struct aspace *aspace_borrow(struct aspace *as)
{
	struct thread *me = current();
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct aspace *own = me->aspace;

	me->aspace = as;
	aspace_activate(as);
	spin_unlock_irq(&proc_lock, irq);
	return own;
}

/*
 * The running thread puts on the other's address space, so that pages come in as if the owner had
 * touched them, and takes it off again.
 */
size_t proc_read_memory(struct aspace *as, uaddr_t at, char *buf, size_t n)
{
	struct aspace *own = aspace_borrow(as);
	size_t left = copy_from_user_partial(buf, at, n);

	(void)aspace_borrow(own);
	return n - left;
}

struct file *proc_fd_file(struct process *p, uint32_t fd)
{
	struct fdtable *t = proc_files(p);
	struct file *f = NULL;

	if (!t)
		return NULL;
	if (fdtable_next(t, fd, &f) != fd && f) {
		file_put(f);
		f = NULL;
	}
	fdtable_put(t);
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
