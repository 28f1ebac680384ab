/*
 * Open files: their life, and reading and writing on behalf of the kernel itself.
 */
#include "fs/direct.h"
#include "fs/flags.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/owner.h"
#include "fs/vfs.h"

#include <stdatomic.h>

#include "fs/event/event.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"
#include "kernel/uapi/resource.h"
#include "mm/frame.h"
#include "mm/pagecache.h"

static struct kmem_cache *file_cache;

uint32_t file_error_seen(const struct object *o)
{
	uint32_t seq = atomic_load_explicit(&o->error_seq, memory_order_relaxed);

	return seq & OBJECT_ERROR_TOLD ? seq : 0;
}

uint64_t file_max;

uint64_t file_count(void)
{
	struct slab_stats s;

	kmem_cache_stats(file_cache, &s);
	return s.active_objects;
}

void file_max_changed(void)
{
	kmem_cache_limit(file_cache, file_max);
}

bool files_full(void)
{
	return kmem_cache_full(file_cache) && !cred_capable(CAP_SYS_ADMIN);
}

/* There was none at hand: because there are too many, which root may have all the same? */
static __slow struct file *file_alloc_more(void)
{
	struct file *f;

	if (files_full())
		return err_ptr(-ENFILE);
	/* Who is no longer too many by now is not out of memory either. */
	f = cred_capable(CAP_SYS_ADMIN) ? kmem_cache_alloc_past_limit(file_cache)
					: kmem_cache_alloc(file_cache);
	return f ? f : err_ptr(kmem_cache_full(file_cache) ? -ENFILE : -ENOMEM);
}

struct file *file_alloc_at(struct path *p, uint32_t flags, uint32_t kind,
			   const struct file_ops *ops)
{
	struct inode *inode = p->dentry->inode;
	struct file *f = kmem_cache_alloc(file_cache);

	if (unlikely(!f)) {
		f = file_alloc_more();
		if (is_err(f))
			return f;
	}
	/* Field by field: shorter than to clear it all first. */
	atomic_init(&f->refs, 1);
	f->kind = kind;
	atomic_init(&f->flags, flags);
	f->ops = ops;
	f->inode = inode;
	f->path = *p;
	f->pos = 0;
	mutex_init(&f->pos_lock, "file position", RANK_FILE);
	f->data = NULL;
	f->readdir_state = 0;
	atomic_init(&f->error_seq, inode_has_object(inode) ? file_error_seen(&inode->object) : 0);
	f->cred = current()->cred ? cred_get(current()->cred) : NULL;
	atomic_init(&f->flocked, 0);
	f->atime_until = 0;
	f->ra_end = 0;
	f->ra_asked = 0;
	f->owner = NULL;
	hlist_init(&f->watches);
	p->mnt = NULL;
	p->dentry = NULL;
	return f;
}

struct file *file_alloc(const struct path *p, uint32_t flags, uint32_t kind,
			const struct file_ops *ops)
{
	struct path own = *path_get(p);
	struct file *f = file_alloc_at(&own, flags, kind, ops);

	if (is_err(f))
		path_put(&own);
	return f;
}

struct file *file_get(struct file *f)
{
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
	return f;
}

void file_free(struct file *f)
{
	path_put(&f->path);
	if (f->cred)
		cred_put(f->cred);
	kmem_cache_free(file_cache, f);
}

/* inline: every close comes by here. */
inline void file_uncount(struct file *f)
{
	if (unlikely(f->kind & FILE_EXEC))
		atomic_fetch_add(&f->inode->writers, 1);
	if (unlikely(f->kind & FILE_WRITE)) {
		inode_write_put(f->inode);
		mount_write_end(f->path.mnt);
	} else if (f->kind & FILE_READ) {
		atomic_fetch_sub_explicit(&f->inode->readers, 1, memory_order_relaxed);
	}
}

void file_put(struct file *f)
{
	struct inode *inode = f->inode;

	if (atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	if (notify_wanted() && !(f->kind & FILE_PATH))
		notify_file(f, f->kind & FILE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (!hlist_empty(&f->watches))
		epoll_file_released(f);
	if (atomic_load_explicit(&f->flocked, memory_order_relaxed)) {
		locks_release(f->inode, f);
		dnotify_release(f, NULL);
	}
	/* From now on nobody signals for it: ops->release may free what it was watching. */
	if (unlikely(f->owner))
		owner_clear(f);
	if (f->ops && f->ops->release)
		f->ops->release(f);
	if (S_ISREG(inode->mode))
		file_uncount(f);
	file_free(f);
}

ssize64_t file_read(struct file *f, struct uio *u, uint64_t *pos)
{
	int err;

	if (!(f->kind & FILE_READ))
		return -EBADF;
	if (unlikely(!f->ops->read))
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	err = notify_read_asked(f);
	return err ? err : notify_read(f, f->ops->read(f, u, pos));
}

ssize64_t file_write(struct file *f, struct uio *u, uint64_t *pos)
{
	if (!(f->kind & FILE_WRITE))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	return notify_written(f, f->ops->write(f, u, pos));
}

uint32_t file_poll(struct file *f, struct poll_table *pt)
{
	if (!f->ops->poll)
		return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	return f->ops->poll(f, pt);
}

ssize64_t file_read_at(struct file *f, void *buf, size_t n, uint64_t pos)
{
	struct uio u;
	size_t done = 0;

	/* A kind that gives less than asked (a pipe, procfs) is asked again until it ends. */
	while (done < n) {
		ssize64_t got;

		uio_init_kernel(&u, (char *)buf + done, n - done);
		got = file_read(f, &u, &pos);
		if (got < 0)
			return done ? (ssize64_t)done : got;
		if (!got)
			break;
		done += (size_t)got;
	}
	return (ssize64_t)done;
}

ssize64_t file_write_at(struct file *f, const void *buf, size_t n, uint64_t pos)
{
	struct uio u;

	uio_init_kernel(&u, (void *)(uintptr_t)buf, n);
	return file_write(f, &u, &pos);
}

uint64_t file_size(struct file *f)
{
	return inode_size(f->inode);
}

struct object *file_object(struct file *f)
{
	return f->ops && f->ops->object ? f->ops->object(f) : NULL;
}

struct object *file_inode_object(struct file *f)
{
	return &f->inode->object;
}

uint32_t file_map_mode(struct file *f)
{
	const struct chardev *dev = file_chardev(f);
	uint32_t mode = 0;

	if (f->kind & FILE_READ)
		mode |= FILE_MAP_READ;
	if (f->kind & FILE_WRITE)
		mode |= FILE_MAP_WRITE;
	if (atomic_load(&f->path.mnt->flags) & MS_NOEXEC)
		mode |= FILE_MAP_NOEXEC;
	if (inode_is_swap(f->inode))
		mode |= FILE_MAP_SWAP;
	if ((mode & FILE_MAP_WRITE) && inode_has(f->inode, INODE_APPEND))
		mode |= FILE_MAP_GROW;
	if (dev && dev->ops->maps_zeros)
		mode |= FILE_MAP_ZERO;
	return mode;
}

int file_sync_range(struct file *f, uint64_t start, uint64_t end)
{
	/* What finds the data is small: the whole file's is as good as the range's. */
	return f->ops->fsync ? f->ops->fsync(f, true) : 0;
}

void file_exec_creds(struct file *f, struct exec_creds *out)
{
	struct inode *inode = f->inode;
	mode_t mode;

	*out = (struct exec_creds){0};
	if (!(inode->mode & (S_ISUID | S_ISGID)) ||
	    (atomic_load(&f->path.mnt->flags) & MS_NOSUID))
		return;
	/* A new owner comes together with the loss of the bits. */
	mutex_lock(&inode->lock);
	mode = inode->mode;
	out->set_uid = mode & S_ISUID;
	out->set_gid = (mode & (S_ISGID | 0010)) == (S_ISGID | 0010);
	out->uid = inode->uid;
	out->gid = inode->gid;
	mutex_unlock(&inode->lock);
}

bool file_exec_unreadable(struct file *f)
{
	return inode_permission(f->inode, MAY_READ) != 0;
}

/* A read moved f's atime, unless it is known from the last one to stay as it is. */
static inline void file_accessed(struct file *f)
{
	const struct inode *inode = f->inode;
	struct mount *mnt = f->path.mnt;
	int64_t stays;

	if (atomic_load_explicit(&f->flags, memory_order_relaxed) & O_NOATIME)
		return;
	if (likely(time_coarse() < f->atime_until && inode->atime > inode->mtime &&
		   inode->atime > inode->ctime) &&
	    !(atomic_load_explicit(&mnt->flags, memory_order_relaxed) & MS_STRICTATIME))
		return;
	stays = inode_accessed(mnt, f->inode);
	f->atime_until = stays > 0 ? time_coarse() + (uint64_t)stays : 0;
}

/* All of u lies in one cached page that is in use already: bytes moved; 0 if it is not so. */
static inline size_t page_read(struct object *o, struct uio *u, uint64_t pos)
{
	uint64_t size = atomic_load_explicit(&o->size, memory_order_relaxed);
	uint64_t off = pos & (PAGE_SIZE - 1);
	const uint32_t state = FRAME_BUSY | FRAME_FRESH | FRAME_REFERENCED;
	size_t n = u->resid;
	struct frame *f;

	/* Neither size nor position has the highest bit. */
	if (n > PAGE_SIZE - off || (int64_t)n > (int64_t)(size - pos))
		return 0;
	f = pagecache_find(o, pos >> PAGE_SHIFT);
	if (unlikely(!f))
		return 0;
	if (likely((__atomic_load_n(&f->word, __ATOMIC_ACQUIRE) & state) == FRAME_REFERENCED))
		n = uio_copy_to(u, (char *)frame_data(f) + off, u->resid);
	else
		n = 0;
	frame_put(f);
	return n;
}

ssize64_t file_read_pages(struct file *f, struct uio *u, uint64_t *pos)
{
	struct object *o = &f->inode->object;
	ssize64_t n;

	if (unlikely(file_is_direct(f, o))) {
		n = direct_read(o, u, *pos);
	} else {
		readahead_sequential(f, o, *pos, u->resid);
		n = (ssize64_t)page_read(o, u, *pos);
		if (unlikely(n <= 0))
			n = pagecache_read(&f->inode->object, u, *pos);
	}
	if (n > 0)
		f->ra_end = *pos += (uint64_t)n;
	/* Who asked for nothing has seen nothing. */
	if (n > 0 || (!n && u->resid))
		file_accessed(f);
	return n;
}

/* Cut a write at the process's file size limit and at what the volume can hold. */
static int write_limit(struct inode *inode, struct uio *u, uint64_t pos)
{
	uint64_t limit = current()->process ? rlimit_get(RLIMIT_FSIZE) : UINT64_MAX;

	if (pos >= limit) {
		(void)signal_thread(current(), SIGXFSZ, NULL);
		return -EFBIG;
	}
	if (pos >= inode->sb->max_size)
		return -EFBIG;
	limit = MIN(limit, inode->sb->max_size);
	if (u->resid > limit - pos)
		u->resid = limit - pos;
	return inode->ops->write_limit ? inode->ops->write_limit(inode, u, pos) : 0;
}

/*
 * The usual short write, an append to a page that is dirty already: its block is there, and no
 * change of the volume has to begin. A sync that is to write the page waits until it is not BUSY,
 * and so has the bytes too. Bytes moved; 0 if it is not so.
 */
static inline size_t page_overwrite(struct inode *inode, struct uio *u, uint64_t pos)
{
	struct object *o = &inode->object;
	uint64_t off = pos & (PAGE_SIZE - 1);
	const uint32_t state = FRAME_DIRTY | FRAME_BUSY | FRAME_WRITEBACK;
	size_t n = u->resid, moved;
	struct frame *f;

	if (n > PAGE_SIZE - off || pos > atomic_load_explicit(&o->size, memory_order_relaxed) ||
	    !inode->ops->can_overwrite || !inode->ops->can_overwrite(inode, pos, n))
		return 0;
	spin_lock(&o->tree_lock);
	f = radix_lookup(&o->frames, pos >> PAGE_SHIFT);
	if (f && (__atomic_load_n(&f->word, __ATOMIC_RELAXED) & state) == FRAME_DIRTY)
		frame_set(f, FRAME_BUSY | FRAME_ICACHE_STALE | FRAME_REFERENCED);
	else
		f = NULL;
	spin_unlock(&o->tree_lock);
	if (unlikely(!f))
		return 0;
	moved = uio_copy_from_nofault(u, (char *)frame_data(f) + off, n);
	if (pos + moved > atomic_load_explicit(&o->size, memory_order_relaxed))
		atomic_store_explicit(&o->size, pos + moved, memory_order_release);
	frame_done(f, FRAME_BUSY);
	return moved;
}

/* The whole transfer to the cache: bytes moved, or -errno if none. */
static inline ssize64_t pages_write(struct inode *inode, struct uio *u, uint64_t pos)
{
	ssize64_t done = (ssize64_t)page_overwrite(inode, u, pos), n;

	if (likely(done && !u->resid))
		return done;
	n = pagecache_write(&inode->object, u, pos + (uint64_t)done);
	return n < 0 && done ? done : done + n;
}

ssize64_t file_write_pages(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inode *inode = f->inode;
	uint64_t size, at = *pos;
	ssize64_t n;

	if (!u->resid)
		return 0;
	mutex_lock(&inode->lock);
	size = atomic_load_explicit(&inode->object.size, memory_order_relaxed);
	if (u->append == UIO_APPEND)
		at = size;
	n = write_limit(inode, u, at);
	if (!n && file_is_direct(f, &inode->object))
		n = direct_check(u, at);
	if (!n) {
		if (unlikely(inode->mode & (S_ISUID | S_ISGID)))
			inode_drop_setid(inode);
		n = pages_write(inode, u, at);
		if (unlikely(u->resid) && inode->ops->write_cut)
			inode->ops->write_cut(inode);
	}
	if (n > 0) {
		at += (uint64_t)n;
		inode->mtime = inode->ctime = inode_now();
		inode_dirty(inode, at > size);
		*pos = at;
	}
	mutex_unlock(&inode->lock);
	if (n > 0 && file_is_direct(f, &inode->object))
		n = direct_written(&inode->object, at - (uint64_t)n, n);
	if (n > 0 && (u->dsync | atomic_load_explicit(&inode->sb->synchronous,
						      memory_order_relaxed))) {
		int err = file_fsync(f, u->dsync && !u->sync);

		if (err)
			return err;
	}
	return n;
}

int file_fsync(struct file *f, bool datasync)
{
	if (!f->ops->fsync)
		return -EINVAL;
	return f->ops->fsync(f, datasync);
}

int file_check_error(struct file *f, struct object *o)
{
	uint32_t seq = atomic_load(&o->error_seq), told = seq | OBJECT_ERROR_TOLD;

	if (seq == atomic_load(&f->error_seq))
		return 0;
	/* Should it fail, there is one more error, which nobody has been told of. */
	(void)atomic_compare_exchange_strong(&o->error_seq, &seq, told);
	return atomic_exchange(&f->error_seq, told) == told ? 0 : atomic_load(&o->error);
}

int file_fsync_simple(struct file *f, bool datasync)
{
	return 0;
}

void file_init(void)
{
	file_cache = kmem_cache_create("file", sizeof(struct file), 16);
	assert_always(file_cache);
	/* As on Linux: a KiB each, and a tenth of memory. */
	file_max = MAX(frames_total * (PAGE_SIZE / KiB) / 10, 8192UL);
	file_max_changed();
}
