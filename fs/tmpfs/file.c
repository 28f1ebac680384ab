/*
 * tmpfs: regular files, and the seals that fcntl(2) puts on them: what may never be done to a file
 * again. A seal is looked at under the inode's lock by all that changes contents or size.
 */
#include <stdatomic.h>

#include "fs/tmpfs/tmpfs.h"
#include "kernel/swap/object.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/areas.h"
#include "mm/pagecache.h"

#define SEALS_WRITE (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)
#define SEALS_ALL                                                                                  \
	(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE |          \
	 F_SEAL_EXEC)

bool tmpfs_mode_sealed(struct inode *inode, mode_t mode)
{
	return (tmpfs_i(inode)->seals & F_SEAL_EXEC) && ((inode->mode ^ mode) & 0111);
}

static int setattr_sealed(struct inode *inode, const struct iattr *attr)
{
	uint32_t seals = tmpfs_i(inode)->seals;

	if ((attr->valid & ATTR_MODE) && tmpfs_mode_sealed(inode, attr->mode))
		return -EPERM;
	if (!(attr->valid & ATTR_SIZE))
		return 0;
	if (attr->size < inode_size(inode) && (seals & F_SEAL_SHRINK))
		return -EPERM;
	return attr->size > inode_size(inode) && (seals & F_SEAL_GROW) ? -EPERM : 0;
}

static int tmpfs_setattr(struct inode *inode, const struct iattr *attr)
{
	int err = setattr_sealed(inode, attr);

	if (!err && (attr->valid & ATTR_SIZE)) {
		/* What fallocate took behind the end goes, too, though it stays where it is. */
		bool same = attr->size == inode_size(inode);

		err = pagecache_truncate(&inode->object, attr->size);
		if (!err && same)
			err = pagecache_invalidate(&inode->object,
						   DIV_ROUND_UP(attr->size, PAGE_SIZE),
						   OBJECT_INDEX_MAX);
		if (!err)
			tmpfs_pages_count(inode, object_pages(&inode->object));
	}
	return err ? err : inode_setattr_simple(inode, attr);
}

/* A write that would grow a file of sealed size does not begin. */
static int tmpfs_write_limit(struct inode *inode, struct uio *u, uint64_t pos)
{
	uint32_t seals = tmpfs_i(inode)->seals;

	if (seals & SEALS_WRITE)
		return -EPERM;
	return (seals & F_SEAL_GROW) && pos + u->resid > inode_size(inode) ? -EPERM : 0;
}

static void tmpfs_refresh(struct inode *inode)
{
	if (inode_has_object(inode))
		inode->blocks = object_pages(&inode->object) * (PAGE_SIZE >> 9);
}

/* Zeros over what there is of [from, to), which lies in one page. (inode->lock) */
static int part_zero(struct inode *inode, uint64_t from, uint64_t to)
{
	struct object *o = &inode->object;
	static const char zeros[PAGE_SIZE];
	struct uio u;
	ssize64_t n;

	if (from >= to || !swap_object_has(o, from >> PAGE_SHIFT))
		return 0;
	uio_init_kernel(&u, (void *)(uintptr_t)zeros, to - from);
	n = pagecache_write(o, &u, from);
	return n < 0 ? (int)n : 0;
}

/* Whole pages leave; the ends of the range, if they lie within the file, become zeros. */
static int hole_punch(struct inode *inode, uint64_t from, uint64_t to)
{
	struct object *o = &inode->object;
	uint64_t first = ALIGN_UP(from, PAGE_SIZE), last = ALIGN_DOWN(to, PAGE_SIZE);
	uint64_t size = o->size, head = MIN(first, to);
	int err;

	if (tmpfs_i(inode)->seals & SEALS_WRITE)
		return -EPERM;
	err = part_zero(inode, from, MIN(head, size));
	if (!err && last >= first)
		err = part_zero(inode, last, MIN(to, size));
	if (!err && last > first)
		err = pagecache_invalidate(o, first >> PAGE_SHIFT, (last >> PAGE_SHIFT) - 1);
	tmpfs_pages_count(inode, object_pages(o));
	inode_drop_setid(inode);
	inode_touch(inode);
	return err;
}

/* How many of pages [first, last] the object does not have. */
static uint64_t pages_missing(struct object *o, uint64_t first, uint64_t last)
{
	uint64_t missing = 0, at = first, next;

	while (at <= last && swap_object_next_hole(o, &at, last)) {
		next = at;
		if (!swap_object_next(o, &next, last))
			next = last + 1;
		missing += next - at;
		at = next;
	}
	return missing;
}

/* The page, which is a hole, exists from now on. (inode->lock) */
static int page_make(struct object *o, uint64_t index)
{
	int err;
	struct frame *f = pagecache_get(o, index, &err);

	if (!f)
		return err;
	err = object_make_writable(o, index, 0, PAGE_SIZE);
	if (!err)
		pagecache_dirty(o, f);
	frame_put(f);
	if (err)
		(void)pagecache_invalidate(o, index, index);
	return err;
}

/* All of pages [first, last] exist from now on; what is new is zeros. (inode->lock) */
static int room_make(struct inode *inode, uint64_t first, uint64_t last)
{
	struct tmpfs *fs = tmpfs_of(inode->sb);
	struct object *o = &inode->object;
	uint64_t at = first, behind = MAX(first, DIV_ROUND_UP(inode_size(inode), PAGE_SIZE));
	int err = 0;

	/* Before anything is taken, as far as can be known: others may be quicker. */
	if (last - first >= fs->max_pages ||
	    atomic_load(&fs->pages) + pages_missing(o, first, last) > fs->max_pages)
		return -ENOSPC;
	for (; !err && at <= last && swap_object_next_hole(o, &at, last); at++)
		err = signal_pending() ? -EINTR : page_make(o, at);
	/* Who breaks off keeps nothing behind the end, where nobody else can have used it. */
	if (err && at > behind)
		(void)pagecache_invalidate(o, behind, at - 1);
	tmpfs_pages_count(inode, object_pages(o));
	return err;
}

static int tmpfs_fallocate(struct file *f, int mode, uint64_t offset, uint64_t n)
{
	struct iattr a = {.valid = ATTR_SIZE | ATTR_MTIME | ATTR_CTIME, .size = offset + n};
	struct inode *inode = f->inode;
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE) || mode == FALLOC_FL_PUNCH_HOLE)
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		mutex_lock(&inode->lock);
		err = hole_punch(inode, offset, offset + n);
		mutex_unlock(&inode->lock);
		return err;
	}
	err = inode_check_size(inode, offset + n);
	if (err)
		return err;
	a.mtime = a.ctime = inode_now();
	mutex_lock(&inode->lock);
	if (offset + n > inode_size(inode) && (tmpfs_i(inode)->seals & F_SEAL_GROW))
		err = -EPERM;
	else
		err = room_make(inode, offset >> PAGE_SHIFT, (offset + n - 1) >> PAGE_SHIFT);
	if (!err && offset + n > inode_size(inode) && !(mode & FALLOC_FL_KEEP_SIZE))
		err = tmpfs_setattr(inode, &a);
	mutex_unlock(&inode->lock);
	return err;
}

/* Pages that are there are data, all others a hole: SEEK_DATA, SEEK_HOLE. */
static int64_t tmpfs_seek(struct file *f, int64_t offset, int whence)
{
	struct object *o = &f->inode->object;
	uint64_t size = inode_size(f->inode), index = (uint64_t)offset >> PAGE_SHIFT, last;
	bool found;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_seek_simple(f, offset, whence);
	if (offset < 0 || (uint64_t)offset >= size)
		return -ENXIO;
	last = (size - 1) >> PAGE_SHIFT;
	found = whence == SEEK_DATA ? swap_object_next(o, &index, last)
				    : swap_object_next_hole(o, &index, last);
	if (!found)
		return whence == SEEK_DATA ? -ENXIO : (int64_t)size;
	return MAX(offset, (int64_t)(index << PAGE_SHIFT));
}

const struct inode_ops tmpfs_file_iops = {
	.setattr = tmpfs_setattr,
	.refresh = tmpfs_refresh,
	.write_limit = tmpfs_write_limit,
	.xattrs_load = tmpfs_xattrs_load,
	.xattrs_store = tmpfs_xattrs_store,
	.flags_get = tmpfs_flags_get,
	.flags_set = tmpfs_flags_set,
};

const struct file_ops tmpfs_file_fops = {
	.read = file_read_pages,
	.write = file_write_pages,
	.seek = tmpfs_seek,
	.fsync = file_fsync_simple,
	.fallocate = tmpfs_fallocate,
	.object = file_inode_object,
};

/* --- seals --- */

/* Is there an area through which the file could still be written to, or one on its way? */
static bool maybe_written(struct object *o)
{
	struct vma *v;
	bool found = o->nr_mapping;

	mutex_lock(&o->lock);
	for (v = object_area_first(o, 0, OBJECT_INDEX_MAX); v && !found;
	     v = object_area_next(v, 0, OBJECT_INDEX_MAX))
		found = (v->flags & (VMA_SHARED | VMA_MAYWRITE)) == (VMA_SHARED | VMA_MAYWRITE);
	mutex_unlock(&o->lock);
	return found;
}

static int seals_add_locked(struct inode *inode, uint32_t seals)
{
	struct tmpfs_inode *ti = tmpfs_i(inode);
	struct object *o = &inode->object;
	bool sealed = o->write_sealed;

	if (ti->seals & F_SEAL_SEAL)
		return -EPERM;
	/* What can be run and never be made not to be may not change either. */
	if ((seals & F_SEAL_EXEC) && (inode->mode & 0111))
		seals |= F_SEAL_SHRINK | F_SEAL_GROW | SEALS_WRITE;
	/* First the seal, then the look: see announce() in mm/mmap.c. */
	if (seals & SEALS_WRITE)
		o->write_sealed = true;
	if ((seals & F_SEAL_WRITE) && !(ti->seals & F_SEAL_WRITE) && maybe_written(o)) {
		o->write_sealed = sealed;
		return -EBUSY;
	}
	ti->seals |= seals;
	return 0;
}

long tmpfs_seals_add(struct file *f, uint32_t seals)
{
	struct inode *inode = f->inode;
	int err;

	if (inode->ops != &tmpfs_file_iops)
		return -EINVAL;
	if (!(f->kind & FILE_WRITE))
		return -EPERM;
	if (seals & ~(uint32_t)SEALS_ALL)
		return -EINVAL;
	mutex_lock(&inode->lock);
	err = seals_add_locked(inode, seals);
	mutex_unlock(&inode->lock);
	return err;
}

long tmpfs_seals_get(struct file *f)
{
	return f->inode->ops == &tmpfs_file_iops ? (long)tmpfs_i(f->inode)->seals : -EINVAL;
}
