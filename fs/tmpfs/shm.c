/*
 * System V shared memory: the table of segments. Who is attached is told by the areas that map the
 * segment's object: the address spaces report each that comes or goes (object_ops.areas), however
 * that happens: shmat, fork, exit, exec, munmap of a part.
 */
#include "fs/tmpfs/shm.h"

#include <stdatomic.h>

#include "fs/tmpfs/tmpfs.h"
#include "kernel/mem/slab.h"
#include "kernel/swap/object.h"
#include "kernel/thread.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/commit.h"

#define SHM_LIMIT (UINT64_MAX - (1UL << 24))

static uint64_t pages_of(const struct shm_segment *s)
{
	return DIV_ROUND_UP(s->size, PAGE_SIZE);
}

/* --- the life of a segment --- */

static int shm_file_open(struct inode *inode, struct file *f)
{
	struct shm_segment *s = tmpfs_i(inode)->segment;

	spin_lock(&s->perm.table->lock);
	f->data = shm_segment_hold_locked(s);
	spin_unlock(&s->perm.table->lock);
	(void)ns_get(&s->perm.table->ns->ns);
	return 0;
}

static void shm_file_release(struct file *f)
{
	struct shm_segment *s = f->data;
	struct ns *ns = &s->perm.table->ns->ns;

	shm_segment_put(s);
	ns_put(ns);
}

static const struct file_ops shm_fops = {
	.open = shm_file_open,
	.release = shm_file_release,
	.fsync = file_fsync_simple,
	.object = file_inode_object,
};

/* An area that maps it came or went: called with the object's lock held. */
static void shm_areas(struct object *o, int change)
{
	struct inode *inode = o->owner;
	struct shm_segment *s = tmpfs_i(inode)->segment;

	spin_lock(&s->perm.table->lock);
	s->nattch += (uint64_t)(int64_t)change;
	s->lpid = ipc_pid();
	if (change > 0)
		s->atime = ipc_now();
	else
		s->dtime = ipc_now();
	spin_unlock(&s->perm.table->lock);
}

static const struct object_ops shm_object_ops = {
	.name = "shm",
	.read_pages = swap_object_read,
	.areas = shm_areas,
};

struct shm_segment *shm_segment_hold_locked(struct shm_segment *s)
{
	s->refs++;
	return s;
}

void shm_segment_put(struct shm_segment *s)
{
	struct ipc_table *t = s->perm.table;
	bool last;

	spin_lock(&t->lock);
	last = --s->refs == 0;
	if (last) {
		ipc_leave_locked(t, &s->perm);
		t->ns->shm.pages -= pages_of(s);
	}
	spin_unlock(&t->lock);
	if (!last)
		return;
	path_put(&s->path);
	kfree(s);
}

void shm_segment_remove(struct shm_segment *s)
{
	struct spinlock *lock = &s->perm.table->lock;
	bool first;

	spin_lock(lock);
	first = !(s->perm.mode & SHM_DEST);
	s->perm.mode |= SHM_DEST;
	s->perm.key = IPC_PRIVATE;
	spin_unlock(lock);
	if (first)
		shm_segment_put(s);
}

struct shm_segment *shm_of_file(struct file *f)
{
	return f && f->ops == &shm_fops ? f->data : NULL;
}

struct file *shm_segment_open(struct shm_segment *s, bool readonly)
{
	return file_open_path(&s->path, readonly ? O_RDONLY : O_RDWR);
}

/* --- making one --- */

/* Its id: from here on others may remove it. */
static int32_t enter(struct shm_segment *s)
{
	struct ipc_table *t = s->perm.table;
	int32_t id;

	spin_lock(&t->lock);
	ipc_enter_locked(t, &s->perm);
	s->path.dentry->inode->ino = (uint64_t)s->perm.id; /* what /proc/PID/maps shows */
	t->ns->shm.pages += pages_of(s);
	id = s->perm.id;
	spin_unlock(&t->lock);
	return id;
}

/* Give it its file. */
static int file_make(struct shm_segment *s, int flags)
{
	struct inode *inode;
	char name[32];
	int err;

	snprintf(name, sizeof(name), "/SYSV%08x (deleted)", (uint32_t)s->perm.key);
	/* Who may attach is the segment's matter, not that of the file's mode. */
	err = tmpfs_file_new(name, 0777, &s->path);
	if (err)
		return err;
	inode = s->path.dentry->inode;
	inode->object.ops = &shm_object_ops;
	inode->object.size = ALIGN_UP(s->size, PAGE_SIZE);
	if (!(flags & SHM_NORESERVE) || overcommit_memory == OVERCOMMIT_NEVER)
		object_promise(&inode->object, pages_of(s));
	inode->fops = &shm_fops;
	tmpfs_i(inode)->segment = s;
	return 0;
}

static int limits_check(const struct ipc_namespace *ns, size_t size, int flags)
{
	uint64_t pages = size / PAGE_SIZE + (size % PAGE_SIZE != 0);

	if (!size || size > ns->shm.max)
		return -EINVAL;
	if (pages << PAGE_SHIFT < size || ns->shm.pages + pages < pages ||
	    ns->shm.pages + pages > ns->shm.all)
		return -ENOSPC;
	if ((flags & SHM_HUGETLB) || size > TMPFS_SIZE_MAX)
		return -EINVAL;
	return (flags & SHM_NORESERVE) && overcommit_memory != OVERCOMMIT_NEVER
		       ? 0
		       : commit_allowed(pages);
}

static long segment_new(struct ipc_table *t, int32_t key, uint64_t size, int flags)
{
	struct shm_segment *s;
	int err = limits_check(t->ns, size, flags);

	if (!err)
		err = ipc_reserve(t);
	if (err)
		return err;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	ipc_perm_init(t, &s->perm, key, flags);
	s->refs = 1;
	s->size = size;
	s->ctime = ipc_now();
	s->cpid = ipc_pid();
	err = file_make(s, flags);
	if (err) {
		kfree(s);
		return err;
	}
	return enter(s);
}

static bool segment_fits(const struct ipc_perm *p, uint64_t size)
{
	return shm_of_perm(p)->size >= size;
}

/* --- what is known about it --- */

uint64_t shm_resident_locked(const struct shm_segment *s)
{
	return s->path.dentry->inode->object.nr_frames;
}

uint64_t shm_swapped_locked(const struct shm_segment *s)
{
	return s->path.dentry->inode->object.nr_out;
}

void shm_stat_locked(const struct shm_segment *s, struct shmid64_ds *out)
{
	memset(out, 0, sizeof(*out));
	ipc_perm_stat_locked(&s->perm, &out->shm_perm);
	out->shm_segsz = s->size;
	out->shm_atime = s->atime;
	out->shm_dtime = s->dtime;
	out->shm_ctime = s->ctime;
	out->shm_cpid = s->cpid;
	out->shm_lpid = s->lpid;
	out->shm_nattch = s->nattch;
}

uint32_t shm_totals(struct ipc_namespace *ns, struct shm_info *out)
{
	struct ipc_table *t = &ns->shm.table;
	struct ipc_perm *p;
	uint32_t highest;

	memset(out, 0, sizeof(*out));
	spin_lock(&t->lock);
	out->used_ids = (int32_t)t->used;
	out->shm_tot = ns->shm.pages;
	highest = ipc_highest_locked(t);
	for (uint32_t i = 0; i <= highest; i++) {
		p = ipc_at_locked(t, i);
		if (!p)
			continue;
		out->shm_rss += shm_resident_locked(shm_of_perm(p));
		out->shm_swp += shm_swapped_locked(shm_of_perm(p));
	}
	spin_unlock(&t->lock);
	return highest;
}

void shm_setup(struct ipc_namespace *ns)
{
	ns->shm.max = ns->shm.all = SHM_LIMIT;
	ns->shm.mni = 4096;
	ns->shm.table.make = segment_new;
	ns->shm.table.fits = segment_fits;
	ipc_table_init(&ns->shm.table, ns, "shm", &ns->shm.mni);
}

/* None is attached any more. */
void shm_remove_all(struct ipc_namespace *ns)
{
	struct ipc_table *t = &ns->shm.table;

	for (uint32_t i = 0; i < t->nslots; i++)
		if (t->slots[i])
			shm_segment_remove(shm_of_perm(t->slots[i]));
}
