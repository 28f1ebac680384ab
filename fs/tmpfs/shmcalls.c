/*
 * shmget(2), shmat(2), shmdt(2), shmctl(2).
 */
#include "fs/tmpfs/shm.h"
#include "fs/tmpfs/tmpfs.h"
#include "kernel/swap/object.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/mman.h"
#include "kernel/uapi/resource.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/mmap.h"
#include "mm/usercopy.h"

SYSCALL3(shmget, int, key, size_t, size, int, flags)
{
	return ipc_get(&ipc_own()->shm.table, key, size, flags);
}

/* --- attach, detach --- */

/* What shmat's address and flags ask for: MAP_* and the address. 0 or -EINVAL. */
static int attach_decode(uaddr_t *addr, int flags, int *map)
{
	*map = MAP_SHARED;
	if (!*addr)
		return flags & SHM_REMAP ? -EINVAL : 0;
	if (*addr & ~PAGE_MASK) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*addr = ALIGN_DOWN(*addr, PAGE_SIZE);
		/* Rounded down to 0: anywhere, which is no place to replace what is there. */
		if (!*addr && (flags & SHM_REMAP))
			return -EINVAL;
	}
	*map |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

/* A new open file of the segment for an attachment, if the thread may have it. */
static struct file *attach_open(int id, uint32_t mode, bool readonly, uint64_t *size)
{
	struct ipc_table *t = &ipc_own()->shm.table;
	struct shm_segment *s = NULL;
	struct ipc_perm *p;
	struct file *f;

	spin_lock(&t->lock);
	p = ipc_allowed_locked(t, id, mode);
	if (!is_err(p)) {
		s = shm_segment_hold_locked(shm_of_perm(p));
		*size = s->size;
	}
	spin_unlock(&t->lock);
	if (!s)
		return err_ptr(ptr_err(p));
	f = shm_segment_open(s, readonly);
	shm_segment_put(s);
	return f;
}

SYSCALL3(shmat, int, id, uaddr_t, addr, int, flags)
{
	uint32_t mode = 0444, prot = PROT_READ;
	uint64_t size = 0;
	struct file *f;
	int map, err;
	long ret;

	err = id < 0 ? -EINVAL : attach_decode(&addr, flags, &map);
	if (err)
		return err;
	if (!(flags & SHM_RDONLY)) {
		mode |= 0222;
		prot |= PROT_WRITE;
	}
	if (flags & SHM_EXEC) {
		mode |= 0111;
		prot |= PROT_EXEC;
	}
	f = attach_open(id, mode, flags & SHM_RDONLY, &size);
	if (is_err(f))
		return ptr_err(f);
	if (addr && !(flags & SHM_REMAP) && addr + size < addr)
		ret = -EINVAL;
	else
		ret = mmap_file(f, addr, size, prot, map);
	file_put(f);
	return ret == -EEXIST ? -EINVAL : ret;
}

/* Does v show the place of a segment that would stand at addr if all of it were attached there? */
static bool attached_at(const struct vma *v, uaddr_t addr)
{
	return shm_of_file(v->file) && v->start - addr == v->index << PAGE_SHIFT;
}

/* Remove what is left of the attachment that began at addr. (a writer) */
static int detach_locked(struct aspace *as, uaddr_t addr, struct vma **dead)
{
	struct vma *v = vma_find(&as->areas, addr), *next;
	uaddr_t end;
	struct file *file;
	int err = 0;

	while (v && !attached_at(v, addr))
		v = v->next;
	if (!v)
		return -EINVAL;
	file = v->file; /* kept by the area, or by *dead */
	end = addr + ALIGN_UP(shm_of_file(file)->size, PAGE_SIZE);
	for (; v && v->end <= end && !err; v = next) {
		next = v->next;
		if (v->file == file && attached_at(v, addr))
			err = aspace_unmap_locked(as, v->start, v->end, dead);
	}
	return err;
}

SYSCALL1(shmdt, uaddr_t, addr)
{
	struct aspace *as = current()->aspace;
	struct vma *dead = NULL;
	int err;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	rwlock_write(&as->lock);
	err = detach_locked(as, addr, &dead);
	rwlock_write_unlock(&as->lock);
	aspace_bury(dead);
	return err;
}

/* --- shmctl --- */

static long info_limits(uaddr_t buf)
{
	struct ipc_namespace *ns = ipc_own();
	struct shminfo64 info = {
		.shmmax = ns->shm.max, .shmmin = 1, .shmmni = ns->shm.mni, .shmseg = ns->shm.mni,
		.shmall = ns->shm.all};
	struct shm_info totals;
	uint32_t highest = shm_totals(ns, &totals);

	return copy_to_user(buf, &info, sizeof(info)) ? -EFAULT : (long)highest;
}

static long info_totals(uaddr_t buf)
{
	struct shm_info totals;
	uint32_t highest = shm_totals(ipc_own(), &totals);

	return copy_to_user(buf, &totals, sizeof(totals)) ? -EFAULT : (long)highest;
}

static long segment_stat(int id, enum ipc_how how, uaddr_t buf)
{
	struct ipc_table *t = &ipc_own()->shm.table;
	struct shmid64_ds ds;
	struct ipc_perm *p;
	long ret = 0;

	spin_lock(&t->lock);
	p = ipc_asked_locked(t, id, how);
	if (is_err(p))
		ret = ptr_err(p);
	else
		shm_stat_locked(shm_of_perm(p), &ds);
	if (!ret && how != IPC_BY_ID)
		ret = p->id;
	spin_unlock(&t->lock);
	if (ret < 0)
		return ret;
	return copy_to_user(buf, &ds, sizeof(ds)) ? -EFAULT : ret;
}

static long segment_set_locked(struct shm_segment *s, const struct shmid64_ds *ds)
{
	int err = ipc_perm_set_locked(&s->perm, &ds->shm_perm);

	if (!err)
		s->ctime = ipc_now();
	return err;
}

/* Its pages stay in memory. It counts against the limit of who has no right to lock more. */
static long segment_lock_locked(struct shm_segment *s, bool lock)
{
	uint64_t limit = rlimit_get(RLIMIT_MEMLOCK);

	if (lock && !cred_capable(CAP_IPC_LOCK) && !limit)
		return -EPERM;
	if (lock && !cred_capable(CAP_IPC_LOCK) && !(s->perm.mode & SHM_LOCKED) && s->size > limit)
		return -ENOMEM;
	s->perm.mode = lock ? s->perm.mode | SHM_LOCKED : s->perm.mode & ~(uint32_t)SHM_LOCKED;
	s->path.dentry->inode->object.pinned = lock;
	return 0;
}

/* The commands that only the owner may give. */
static long segment_change(int id, int cmd, const struct shmid64_ds *ds)
{
	struct ipc_table *t = &ipc_own()->shm.table;
	struct shm_segment *s, *gone = NULL, *changed = NULL;
	struct ipc_perm *p;
	long ret = 0;

	spin_lock(&t->lock);
	p = ipc_owned_locked(t, id);
	s = is_err(p) ? NULL : shm_of_perm(p);
	if (!s)
		ret = ptr_err(p);
	else if (cmd == IPC_SET)
		ret = segment_set_locked(s, ds);
	else if (cmd == IPC_RMID)
		gone = shm_segment_hold_locked(s);
	else
		ret = segment_lock_locked(s, cmd == SHM_LOCK);
	if (s && cmd != IPC_SET && cmd != IPC_RMID && !ret)
		changed = shm_segment_hold_locked(s);
	spin_unlock(&t->lock);
	if (changed) {
		swap_object_requeue(&changed->path.dentry->inode->object);
		shm_segment_put(changed);
	}
	if (gone) {
		shm_segment_remove(gone);
		shm_segment_put(gone);
	}
	return ret;
}

SYSCALL3(shmctl, int, id, int, cmd, uaddr_t, buf)
{
	struct shmid64_ds ds;

	if (cmd < 0 || id < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
		return info_limits(buf);
	case SHM_INFO:
		return info_totals(buf);
	case IPC_STAT:
		return segment_stat(id, IPC_BY_ID, buf);
	case SHM_STAT:
		return segment_stat(id, IPC_BY_SLOT, buf);
	case SHM_STAT_ANY:
		return segment_stat(id, IPC_BY_SLOT_ANY, buf);
	case IPC_SET:
		if (copy_from_user(&ds, buf, sizeof(ds)))
			return -EFAULT;
		return segment_change(id, cmd, &ds);
	case IPC_RMID:
	case SHM_LOCK:
	case SHM_UNLOCK:
		return segment_change(id, cmd, NULL);
	}
	return -EINVAL;
}
