/*
 * System V shared memory: the table of segments. Who is attached is told by the areas that map the
 * segment's object: the address spaces report each that comes or goes (object_ops.areas), however
 * that happens: shmat, fork, exit, exec, munmap of a part.
 */
#include "fs/tmpfs/shm.h"

#include <stdatomic.h>

#include "fs/tmpfs/tmpfs.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/commit.h"

#define SLOTS_FIRST 16

struct spinlock shm_lock = SPINLOCK_INIT("shm", RANK_FILES);
static struct mutex making; /* RANK_IPC: one new segment at a time */
static struct shm_segment **slots; /* (s) */
static uint32_t nslots, nsegments; /* (s) */
static uint32_t last_slot, sequence; /* (s) where the last one went */
static uint64_t pages_total;	   /* (s) of all segments, present or not */

uint64_t shm_max = UINT64_MAX - (1UL << 24), shm_all = UINT64_MAX - (1UL << 24);
uint64_t shm_mni = 4096;

static int64_t now(void)
{
	return (int64_t)(time_realtime() / NSEC_PER_SEC);
}

static pid_t own_pid(void)
{
	return current()->process ? current()->process->pid : 0;
}

static uint64_t pages_of(const struct shm_segment *s)
{
	return DIV_ROUND_UP(s->size, PAGE_SIZE);
}

/* --- the life of a segment --- */

static int shm_file_open(struct inode *inode, struct file *f)
{
	struct shm_segment *s = tmpfs_i(inode)->segment;

	spin_lock(&shm_lock);
	f->data = shm_segment_hold_locked(s);
	spin_unlock(&shm_lock);
	return 0;
}

static void shm_file_release(struct file *f)
{
	shm_segment_put(f->data);
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

	spin_lock(&shm_lock);
	s->nattch += (uint64_t)(int64_t)change;
	s->lpid = own_pid();
	if (change > 0)
		s->atime = now();
	else
		s->dtime = now();
	spin_unlock(&shm_lock);
}

static const struct object_ops shm_object_ops = {
	.name = "shm",
	.read_pages = tmpfs_read_pages,
	.areas = shm_areas,
};

struct shm_segment *shm_segment_hold_locked(struct shm_segment *s)
{
	s->refs++;
	return s;
}

void shm_segment_put(struct shm_segment *s)
{
	bool last;

	spin_lock(&shm_lock);
	last = --s->refs == 0;
	if (last) {
		slots[s->id % SHM_SLOTS] = NULL;
		nsegments--;
		pages_total -= pages_of(s);
	}
	spin_unlock(&shm_lock);
	if (!last)
		return;
	path_put(&s->path);
	kfree(s);
}

void shm_segment_remove(struct shm_segment *s)
{
	bool first;

	spin_lock(&shm_lock);
	first = !(s->mode & SHM_DEST);
	s->mode |= SHM_DEST;
	s->key = IPC_PRIVATE;
	spin_unlock(&shm_lock);
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

/* --- the table --- */

struct shm_segment *shm_at_locked(uint32_t slot)
{
	return slot < nslots ? slots[slot] : NULL;
}

struct shm_segment *shm_find_locked(int32_t id)
{
	struct shm_segment *s = id < 0 ? NULL : shm_at_locked((uint32_t)id % SHM_SLOTS);

	return s && s->id == id ? s : NULL;
}

static struct shm_segment *find_key_locked(int32_t key)
{
	for (uint32_t i = 0; i < nslots; i++)
		if (slots[i] && slots[i]->key == key)
			return slots[i];
	return NULL;
}

/* Room for one more in the table; only who has `making` adds. 0, -ENOSPC, -ENOMEM. */
static int slots_reserve(void)
{
	uint32_t n = MAX(2 * nslots, (uint32_t)SLOTS_FIRST);
	struct shm_segment **grown, **old;

	if (nsegments >= shm_mni)
		return -ENOSPC;
	if (nsegments < nslots)
		return 0;
	grown = kzalloc(n * sizeof(struct shm_segment *));
	if (!grown)
		return -ENOMEM;
	spin_lock(&shm_lock);
	old = slots;
	if (nslots)
		memcpy(grown, slots, nslots * sizeof(struct shm_segment *));
	slots = grown;
	nslots = n;
	spin_unlock(&shm_lock);
	kfree(old);
	return 0;
}

/* Into the lowest free slot. A slot that is used again gets another sequence number. */
static void enter(struct shm_segment *s)
{
	uint32_t slot = 0;

	spin_lock(&shm_lock);
	while (slots[slot])
		slot++;
	if (slot <= last_slot && ++sequence > INT32_MAX / SHM_SLOTS)
		sequence = 0;
	last_slot = slot;
	s->id = (int32_t)(sequence * SHM_SLOTS + slot);
	s->path.dentry->inode->ino = (uint64_t)s->id; /* what /proc/PID/maps shows */
	slots[slot] = s;
	nsegments++;
	pages_total += pages_of(s);
	spin_unlock(&shm_lock);
}

/* Give it its file. */
static int file_make(struct shm_segment *s, int flags)
{
	struct inode *inode;
	char name[32];
	int err;

	snprintf(name, sizeof(name), "/SYSV%08x (deleted)", (uint32_t)s->key);
	/* Who may attach is the segment's matter, not that of the file's mode. */
	err = tmpfs_file_new(name, 0777, &s->path);
	if (err)
		return err;
	inode = s->path.dentry->inode;
	inode->object.ops = &shm_object_ops;
	inode->object.size = s->size;
	if (!(flags & SHM_NORESERVE) || overcommit_memory == OVERCOMMIT_NEVER)
		object_promise(&inode->object, pages_of(s));
	inode->fops = &shm_fops;
	tmpfs_i(inode)->segment = s;
	return 0;
}

static int limits_check(size_t size, int flags)
{
	uint64_t pages = size / PAGE_SIZE + (size % PAGE_SIZE != 0);

	if (!size || size > shm_max)
		return -EINVAL;
	if (pages << PAGE_SHIFT < size || pages_total + pages < pages ||
	    pages_total + pages > shm_all)
		return -ENOSPC;
	if ((flags & SHM_HUGETLB) || size > TMPFS_SIZE_MAX)
		return -EINVAL;
	return (flags & SHM_NORESERVE) && overcommit_memory != OVERCOMMIT_NEVER
		       ? 0
		       : commit_allowed(pages);
}

static long segment_new(int32_t key, size_t size, int flags)
{
	const struct cred *c = current()->cred;
	struct shm_segment *s;
	int err = limits_check(size, flags);

	if (!err)
		err = slots_reserve();
	if (err)
		return err;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->refs = 1;
	s->key = key;
	s->uid = s->cuid = c->euid;
	s->gid = s->cgid = c->egid;
	s->mode = (uint32_t)flags & 0777;
	s->size = size;
	s->ctime = now();
	s->cpid = own_pid();
	err = file_make(s, flags);
	if (err) {
		kfree(s);
		return err;
	}
	enter(s);
	return s->id;
}

/* One that is there: may it be had? */
static long existing_locked(const struct shm_segment *s, size_t size, int flags)
{
	if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
		return -EEXIST;
	if (s->size < size)
		return -EINVAL;
	if (shm_permission_locked(s, (uint32_t)flags))
		return -EACCES;
	return s->id;
}

long shm_segment_get(int32_t key, size_t size, int flags)
{
	struct shm_segment *s = NULL;
	long ret = 0;

	mutex_lock(&making);
	if (key != IPC_PRIVATE) {
		spin_lock(&shm_lock);
		s = find_key_locked(key);
		if (s)
			ret = existing_locked(s, size, flags);
		spin_unlock(&shm_lock);
	}
	if (!s && key != IPC_PRIVATE && !(flags & IPC_CREAT))
		ret = -ENOENT;
	else if (!s)
		ret = segment_new(key, size, flags);
	mutex_unlock(&making);
	return ret;
}

/* --- what is known about it --- */

bool shm_owner_locked(const struct shm_segment *s)
{
	uid_t euid = current()->cred->euid;

	return euid == s->uid || euid == s->cuid || cred_capable(CAP_SYS_ADMIN);
}

int shm_permission_locked(const struct shm_segment *s, uint32_t mode)
{
	const struct cred *c = current()->cred;
	uint32_t wanted = (mode >> 6) | (mode >> 3) | mode, granted = s->mode;

	if (c->euid == s->cuid || c->euid == s->uid)
		granted >>= 6;
	else if (cred_in_group(c, s->cgid) || cred_in_group(c, s->gid))
		granted >>= 3;
	return (wanted & ~granted & 7) && !cred_capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

uint64_t shm_resident_locked(const struct shm_segment *s)
{
	return s->path.dentry->inode->object.nr_frames;
}

void shm_stat_locked(const struct shm_segment *s, struct shmid64_ds *out)
{
	memset(out, 0, sizeof(*out));
	out->shm_perm.key = s->key;
	out->shm_perm.uid = s->uid;
	out->shm_perm.gid = s->gid;
	out->shm_perm.cuid = s->cuid;
	out->shm_perm.cgid = s->cgid;
	out->shm_perm.mode = s->mode;
	out->shm_perm.seq = (uint16_t)(s->id / SHM_SLOTS);
	out->shm_segsz = s->size;
	out->shm_atime = s->atime;
	out->shm_dtime = s->dtime;
	out->shm_ctime = s->ctime;
	out->shm_cpid = s->cpid;
	out->shm_lpid = s->lpid;
	out->shm_nattch = s->nattch;
}

uint32_t shm_totals(struct shm_info *out)
{
	uint32_t highest = 0;

	memset(out, 0, sizeof(*out));
	spin_lock(&shm_lock);
	out->used_ids = (int32_t)nsegments;
	out->shm_tot = pages_total;
	for (uint32_t i = 0; i < nslots; i++) {
		if (!slots[i])
			continue;
		out->shm_rss += shm_resident_locked(slots[i]);
		highest = i;
	}
	spin_unlock(&shm_lock);
	return highest;
}

void shm_init(void)
{
	mutex_init(&making, "shmget", RANK_IPC);
}
