/*
 * Loop devices. A request is handed to the device's thread, which reads or writes the file as
 * any program would, through its page cache.
 */
#include "fs/loop.h"

#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/direct.h"
#include "fs/nsfs.h"
#include "fs/socket/uevent.h"
#include "fs/vfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/kmap.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "kernel/thread.h"
#include "kernel/uapi/loop.h"
#include "lib/string.h"
#include "mm/pagecache.h"
#include "mm/usercopy.h"

#define LOOPS_MAX 64U
#define PENDING	  16U

struct loop {
	struct blockdev bdev;
	struct mutex lock;	 /* RANK_LOOP: attaching and letting go */
	struct file *file;	 /* (lock, and backing_lock to change) referenced; NULL: none. The
				  * thread uses it while busy */
	uint64_t offset, limit;	 /* (lock) bytes of the file: where it begins, at most how many */
	uint32_t flags;		 /* (lock) LO_FLAGS_* */
	char name[64];		 /* (lock) as whoever attached it calls the file */
	struct spinlock queue_lock; /* RANK_DRIVER */
	struct request *pending[PENDING]; /* (queue_lock) a ring */
	uint32_t first, used;	 /* (queue_lock) */
	bool busy;		 /* (queue_lock) the thread works at one */
	struct waitqueue work, idle;
};

static struct mutex loops_lock; /* RANK_MOUNT: making them */
static struct loop *loops[LOOPS_MAX];
static _Atomic uint32_t loops_count;
static struct spinlock backing_lock = SPINLOCK_INIT("loop files", RANK_BACKING);

static struct loop *loop_of(const struct blockdev *d)
{
	uint32_t n = MINOR(d->dev);

	return n < atomic_load(&loops_count) && &loops[n]->bdev == d ? loops[n] : NULL;
}

bool is_loop(const struct blockdev *d)
{
	return loop_of(d) != NULL;
}

int loop_facts(const struct blockdev *d, struct loop_facts *facts)
{
	struct loop *l = loop_of(d);
	int err = -ENOENT;

	mutex_lock(&l->lock);
	if (l->file) {
		*facts = (struct loop_facts){l->offset, l->limit, l->flags};
		err = 0;
	}
	mutex_unlock(&l->lock);
	return err;
}

char *loop_file_name(const struct blockdev *d, char *buf, size_t size)
{
	struct loop *l = loop_of(d);
	struct file *file;
	char *s;

	mutex_lock(&l->lock);
	file = l->file ? file_get(l->file) : NULL;
	mutex_unlock(&l->lock);
	if (!file)
		return err_ptr(-ENOENT);
	s = file_path(file, buf, size);
	file_put(file);
	return s;
}

/* --- moving data --- */

static int loop_start(struct blockdev *d, struct request *r)
{
	struct loop *l = container_of(d, struct loop, bdev);
	bool full;
	uint64_t was = spin_lock_irq(&l->queue_lock);

	full = l->used == PENDING;
	if (!full)
		l->pending[(l->first + l->used++) % PENDING] = r;
	spin_unlock_irq(&l->queue_lock, was);
	if (!full)
		wake_all(&l->work);
	return full ? -EBUSY : 0;
}

static struct request *request_take(struct loop *l)
{
	struct request *r = NULL;
	uint64_t was = spin_lock_irq(&l->queue_lock);

	if (l->used) {
		r = l->pending[l->first];
		l->first = (l->first + 1) % PENDING;
		l->used--;
		l->busy = true;
	}
	spin_unlock_irq(&l->queue_lock, was);
	return r;
}

static uint64_t backing_size(struct file *file)
{
	struct inode *inode = file->inode;
	struct blockdev *d = S_ISBLK(inode->mode) ? blockdev_by_dev(inode->rdev) : NULL;

	return d ? d->sectors << SECTOR_SHIFT : inode_size(inode);
}

/* LO_FLAGS_DIRECT_IO: what was moved, n bytes of the file, does not stay in its cache. */
static ssize64_t past_cache(struct loop *l, uint64_t at, ssize64_t n)
{
	struct object *o = file_object(l->file);

	/* What lives in memory has nothing but its cache. */
	return l->flags & LO_FLAGS_DIRECT_IO && o && o->ops->write_pages ? direct_written(o, at, n)
									 : n;
}

static int piece_move(struct loop *l, enum bio_op op, void *data, uint32_t len, uint64_t at)
{
	ssize64_t n;

	if (op == BIO_WRITE) {
		n = past_cache(l, at, file_write_at(l->file, data, len, at));
		return n < 0 ? (int)n : n < len ? -EIO : 0;
	}
	n = past_cache(l, at, file_read_at(l->file, data, len, at));
	if (n < 0)
		return (int)n;
	/* Less than there is: an error on the way, which a read of the rest would tell. */
	if (n < len && at + (uint64_t)n < backing_size(l->file))
		return -EIO;
	/* The file became shorter than it was. */
	memset((char *)data + n, 0, len - (size_t)n);
	return 0;
}

static int request_perform(struct loop *l, struct request *r)
{
	uint64_t at = l->offset + (r->sector << SECTOR_SHIFT);
	struct request_iter it;
	struct bio_vec v;
	int err = 0;

	if (r->op == BIO_FLUSH)
		return file_fsync(l->file, true);
	request_iter_init(&it, r);
	while (!err && request_iter_next(&it, &v)) {
		err = piece_move(l, r->op, phys_to_virt(v.pa), v.len, at);
		at += v.len;
	}
	return err;
}

static void loop_thread(void *arg)
{
	struct loop *l = arg;
	struct request *r;
	uint64_t was;

	/* The flusher waits for us: we must not wait for it. */
	current()->unthrottled = true;
	for (;;) {
		int err;

		(void)wait_event(&l->work, (r = request_take(l)) != NULL, WAIT_UNINTERRUPTIBLE);
		err = request_perform(l, r);
		was = spin_lock_irq(&l->queue_lock);
		l->busy = false;
		spin_unlock_irq(&l->queue_lock, was);
		block_complete(&l->bdev, r, err);
		wake_all(&l->idle);
	}
}

static bool loop_idle(struct loop *l)
{
	uint64_t was = spin_lock_irq(&l->queue_lock);
	bool idle = !l->used && !l->busy;

	spin_unlock_irq(&l->queue_lock, was);
	return idle;
}

/* --- making devices --- */

static const struct blockdev_ops loop_ops = {.start = loop_start};

static int loop_add(void)
{
	uint32_t n = atomic_load(&loops_count);
	struct thread *t;
	struct loop *l;
	int err;

	if (n == LOOPS_MAX)
		return -ENOSPC;
	l = kzalloc(sizeof(*l));
	if (!l)
		return -ENOMEM;
	mutex_init(&l->lock, "loop", RANK_LOOP);
	spin_init(&l->queue_lock, "loop queue", RANK_DRIVER);
	waitqueue_init(&l->work);
	waitqueue_init(&l->idle);
	t = kthread_create("loop", loop_thread, l);
	if (!t) {
		kfree(l);
		return -ENOMEM;
	}
	l->bdev.ops = &loop_ops;
	l->bdev.has_flush = true;
	l->bdev.limits = (struct block_limits){
		.max_vecs = 128, .max_sectors = 1024, .max_vec_bytes = 1u << 20};
	/* The thread never ends; without a device it sleeps for ever, which costs its memory. */
	thread_start(t);
	err = blockdev_register(&l->bdev, "loop");
	if (err)
		return err;
	loops[n] = l;
	atomic_store(&loops_count, n + 1);
	return (int)n;
}

static long control_ioctl(struct chardev_file *f, uint32_t cmd, uint64_t arg)
{
	long ret = -ENOTTY;

	(void)f;
	if (cmd != LOOP_CTL_GET_FREE && cmd != LOOP_CTL_ADD)
		return ret;
	mutex_lock(&loops_lock);
	if (cmd == LOOP_CTL_ADD) {
		uint32_t count = atomic_load(&loops_count);

		/* They are numbered without gaps. */
		ret = arg < count ? -EEXIST : -EINVAL;
		if (arg == count || (int64_t)arg < 0)
			ret = loop_add();
	} else {
		for (uint32_t n = 0; ret < 0 && n < atomic_load(&loops_count); n++) {
			if (!loops[n]->file)
				ret = n;
		}
		if (ret < 0)
			ret = loop_add();
	}
	mutex_unlock(&loops_lock);
	return ret;
}

void loop_init(void)
{
	static const struct chardev_ops ops = {.ioctl = control_ioctl};
	static struct chardev control = {
		.name = "loop-control", .dev = MKDEV(10, 237), .mode = 0660, .ops = &ops};

	mutex_init(&loops_lock, "loops", RANK_MOUNT);
	if (chardev_register(&control))
		pr_warn("loop: number taken\n");
}

/* --- attaching files --- */

static void size_set(struct loop *l)
{
	uint64_t size = backing_size(l->file);

	size -= MIN(size, l->offset);
	if (l->limit)
		size = MIN(size, l->limit);
	l->bdev.sectors = size >> SECTOR_SHIFT;
	atomic_store(&l->bdev.object.size, l->bdev.sectors << SECTOR_SHIFT);
}

#define CONFIGURE_FLAGS                                                                \
	(uint32_t)(LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN |       \
		   LO_FLAGS_DIRECT_IO)

static int info_check(const struct loop_info64 *info)
{
	if (info->lo_encrypt_type || info->lo_encrypt_key_size)
		return -EINVAL;
	return info->lo_offset > INT64_MAX || info->lo_sizelimit > INT64_MAX ? -EOVERFLOW : 0;
}

static int block_size_check(uint32_t size)
{
	return size >= SECTOR_SIZE && size <= PAGE_SIZE && !(size & (size - 1)) ? 0 : -EINVAL;
}

/* The loop device that file is, or is a partition of, or NULL. */
static const struct loop *loop_behind(const struct file *file)
{
	struct inode *inode = file->inode;
	struct blockdev *d = S_ISBLK(inode->mode) ? blockdev_by_dev(inode->rdev) : NULL;

	return d ? loop_of(d->parent ? d->parent : d) : NULL;
}

/*
 * Loop devices stand on one another, never in a circle, where each would wait for the next for
 * ever. -EBADF: file stands on l; -EINVAL: it stands on one that has none. backing_lock held.
 */
static int circle_check_locked(const struct loop *l, const struct file *file)
{
	const struct loop *below;

	for (; file; file = below->file) {
		below = loop_behind(file);
		if (!below)
			return 0;
		if (below == l)
			return -EBADF;
	}
	return -EINVAL;
}

/* l, which has no file, gets this one: 0, or as above. */
static int backing_set(struct loop *l, struct file *file)
{
	int err;

	spin_lock(&backing_lock);
	err = circle_check_locked(l, file);
	if (!err)
		l->file = file;
	spin_unlock(&backing_lock);
	return err;
}

/* The open file fd, which a loop device may be attached to. -EBADF, -EINVAL. */
static struct file *backing_get(int fd)
{
	struct file *file = fd_get(fd);
	mode_t mode;
	int err = 0;

	if (!file)
		return err_ptr(-EBADF);
	mode = file->inode->mode;
	/* A namespace would go with a mount, under mount_mutex, or hold itself. */
	if ((!S_ISREG(mode) && !S_ISBLK(mode)) || nsfs_of_file(file))
		err = -EINVAL;
	else if (!(file->kind & FILE_READ))
		err = -EBADF;
	if (!err)
		return file;
	file_put(file);
	return err_ptr(err);
}

static int loop_attach(struct loop *l, bool writable, const struct loop_config *c)
{
	struct file *file = backing_get((int)c->fd);
	int err;

	if (is_err(file))
		return (int)ptr_err(file);
	err = l->file ? -EBUSY : info_check(&c->info);
	if (!err && ((c->info.lo_flags & ~CONFIGURE_FLAGS) ||
		     (c->block_size && block_size_check(c->block_size))))
		err = -EINVAL;
	if (!err)
		err = backing_set(l, file);
	if (err) {
		file_put(file);
		return err;
	}
	l->offset = c->info.lo_offset;
	l->limit = c->info.lo_sizelimit;
	l->flags = c->info.lo_flags;
	if (!writable || !(file->kind & FILE_WRITE))
		l->flags |= LO_FLAGS_READ_ONLY;
	memcpy(l->name, c->info.lo_file_name, sizeof(l->name));
	l->name[sizeof(l->name) - 1] = '\0';
	l->bdev.readonly = l->flags & LO_FLAGS_READ_ONLY ? BLOCKDEV_RO_DEVICE : 0;
	l->bdev.block_size = c->block_size ? c->block_size : SECTOR_SIZE;
	size_set(l);
	if (l->flags & LO_FLAGS_PARTSCAN)
		(void)partitions_rescan(&l->bdev);
	return 0;
}

/*
 * Everything written, nothing under way, nothing cached: the file goes. The caller puts it once the
 * lock is dropped, since its volume may go with it, and that may be on a loop device too.
 */
static struct file *loop_detach(struct loop *l)
{
	struct file *file = l->file;

	(void)pagecache_sync(&l->bdev.object, 0, UINT32_MAX);
	l->bdev.sectors = 0;
	(void)pagecache_invalidate(&l->bdev.object, 0, UINT32_MAX);
	atomic_store(&l->bdev.object.size, 0);
	(void)wait_event(&l->idle, loop_idle(l), WAIT_UNINTERRUPTIBLE);
	spin_lock(&backing_lock);
	l->file = NULL;
	spin_unlock(&backing_lock);
	l->flags = 0;
	l->bdev.readonly = 0;
	return file;
}

/* Has it `own` users at most, and from now on no partitions? */
static bool loop_is_free(struct loop *l, int own)
{
	return !blockdev_in_use(&l->bdev, own) && !partitions_forget(&l->bdev);
}

bool loop_has_partitions(struct blockdev *d)
{
	const struct loop *l = loop_of(d);

	return !l || (l->flags & LO_FLAGS_PARTSCAN);
}

/* The file, which is no longer behind it, is put, and who cares hears of it; none: nothing is. */
static void file_gone(struct loop *l, struct file *gone, bool none)
{
	file_put(gone);
	uevent_disk_changed(&l->bdev, "");
	if (none)
		uevent_disk_changed(&l->bdev, "DISK_MEDIA_CHANGE=1");
}

void loop_unused(struct blockdev *d)
{
	struct loop *l = loop_of(d->parent ? d->parent : d);
	struct file *gone = NULL;

	if (!l)
		return;
	mutex_lock(&l->lock);
	if (l->file && (l->flags & LO_FLAGS_AUTOCLEAR) && loop_is_free(l, 0))
		gone = loop_detach(l);
	mutex_unlock(&l->lock);
	if (gone)
		file_gone(l, gone, true);
}

/* Now, or if somebody else uses it once it is unused. */
static int loop_clear(struct loop *l, struct file **gone)
{
	if (loop_is_free(l, 1))
		*gone = loop_detach(l);
	else
		l->flags |= LO_FLAGS_AUTOCLEAR;
	return 0;
}

static struct loop_info64 status_of(struct loop *l)
{
	struct loop_info64 info = {
		.lo_inode = l->file->inode->ino,
		.lo_offset = l->offset,
		.lo_sizelimit = l->limit,
		.lo_number = MINOR(l->bdev.dev),
		.lo_flags = l->flags,
	};
	dev_t dev = l->file->inode->sb->dev;

	info.lo_device = (MINOR(dev) & 0xff) | MAJOR(dev) << 8 | (uint64_t)(MINOR(dev) >> 8) << 20;
	memcpy(info.lo_file_name, l->name, sizeof(l->name));
	return info;
}

static int status_get(struct loop *l, uaddr_t arg)
{
	struct loop_info64 info = status_of(l);

	return arg ? copy_to_user(arg, &info, sizeof(info)) : -EINVAL;
}

/* The older structure, in which not all fits. */
static int status_get_old(struct loop *l, uaddr_t arg)
{
	struct loop_info64 info = status_of(l);
	struct loop_info old = {
		.lo_number = (int32_t)info.lo_number,
		.lo_device = (uint32_t)info.lo_device,
		.lo_inode = info.lo_inode,
		.lo_offset = (int32_t)info.lo_offset,
		.lo_flags = (int32_t)info.lo_flags,
	};

	memcpy(old.lo_name, info.lo_file_name, sizeof(old.lo_name));
	if (!arg)
		return -EINVAL;
	if (info.lo_device > UINT32_MAX || info.lo_offset > INT32_MAX || info.lo_sizelimit)
		return -EOVERFLOW;
	return copy_to_user(arg, &old, sizeof(old));
}

static int status_apply(struct loop *l, const struct loop_info64 *asked)
{
	struct loop_info64 info = *asked;
	int err = info_check(&info);
	bool scan;

	if (!err)
		err = pagecache_sync(&l->bdev.object, 0, UINT32_MAX);
	if (err)
		return err;
	(void)pagecache_invalidate(&l->bdev.object, 0, UINT32_MAX);
	l->offset = info.lo_offset;
	l->limit = info.lo_sizelimit;
	/* Partitions once asked for stay. */
	scan = !(l->flags & LO_FLAGS_PARTSCAN) && (info.lo_flags & LO_FLAGS_PARTSCAN);
	l->flags = (l->flags & ~(uint32_t)LO_FLAGS_AUTOCLEAR) |
		   (info.lo_flags & (LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN));
	memcpy(l->name, info.lo_file_name, sizeof(l->name));
	l->name[sizeof(l->name) - 1] = '\0';
	size_set(l);
	if (scan)
		(void)partitions_rescan(&l->bdev);
	return 0;
}

static int status_set(struct loop *l, uaddr_t arg)
{
	struct loop_info64 info;
	int err = copy_from_user(&info, arg, sizeof(info));

	return err ? err : status_apply(l, &info);
}

static int status_set_old(struct loop *l, uaddr_t arg)
{
	struct loop_info64 info = {0};
	struct loop_info old;

	if (copy_from_user(&old, arg, sizeof(old)))
		return -EFAULT;
	info.lo_offset = (uint64_t)(int64_t)old.lo_offset;
	info.lo_flags = (uint32_t)old.lo_flags;
	memcpy(info.lo_file_name, old.lo_name, sizeof(info.lo_file_name));
	return status_apply(l, &info);
}

static int direct_set(struct loop *l, bool on)
{
	if (on && l->offset % SECTOR_SIZE)
		return -EINVAL;
	l->flags = (l->flags & ~(uint32_t)LO_FLAGS_DIRECT_IO) | (on ? LO_FLAGS_DIRECT_IO : 0);
	return 0;
}

/* Between two requests: the file is *file, which becomes what it was; unless there is *err. */
static bool file_switched(struct loop *l, struct file **file, int *err)
{
	struct file *old;
	uint64_t was;
	bool idle;

	spin_lock(&backing_lock);
	*err = circle_check_locked(l, *file);
	was = spin_lock_irq(&l->queue_lock);
	idle = !l->used && !l->busy;
	old = l->file;
	if (idle && !*err) {
		l->file = *file;
		*file = old;
	}
	spin_unlock_irq(&l->queue_lock, was);
	spin_unlock(&backing_lock);
	return idle || *err;
}

/* Another file of the same size for a device that is only read; the old one is *gone. */
static int file_change(struct loop *l, int fd, struct file **gone)
{
	struct file *file;
	int err;

	if (!(l->flags & LO_FLAGS_READ_ONLY))
		return -EINVAL;
	file = backing_get(fd);
	if (is_err(file))
		return (int)ptr_err(file);
	if (backing_size(file) != backing_size(l->file)) {
		file_put(file);
		return -EINVAL;
	}
	(void)wait_event(&l->idle, file_switched(l, &file, &err), WAIT_UNINTERRUPTIBLE);
	if (err) {
		file_put(file);
		return err;
	}
	(void)pagecache_invalidate(&l->bdev.object, 0, UINT32_MAX);
	*gone = file;
	return 0;
}

/* Those that need a file attached, which the caller puts if it is *gone. l->lock held. */
static long attached_ioctl(struct loop *l, uint32_t cmd, uint64_t arg, struct file **gone)
{
	if (!l->file)
		return -ENXIO;
	switch (cmd) {
	case LOOP_CLR_FD:
		return loop_clear(l, gone);
	case LOOP_GET_STATUS:
		return status_get_old(l, arg);
	case LOOP_GET_STATUS64:
		return status_get(l, arg);
	case LOOP_SET_STATUS:
		return atomic_load(&l->bdev.claimed) ? -EBUSY : status_set_old(l, arg);
	case LOOP_SET_STATUS64:
		return atomic_load(&l->bdev.claimed) ? -EBUSY : status_set(l, arg);
	case LOOP_CHANGE_FD:
		return file_change(l, (int)arg, gone);
	case LOOP_SET_DIRECT_IO:
		return direct_set(l, arg);
	case LOOP_SET_CAPACITY:
		size_set(l);
		return 0;
	case LOOP_SET_BLOCK_SIZE:
		if (arg > PAGE_SIZE || block_size_check((uint32_t)arg))
			return -EINVAL;
		l->bdev.block_size = (uint32_t)arg;
		return 0;
	}
	return -EINVAL;
}

long loop_ioctl(struct file *f, struct blockdev *d, uint32_t cmd, uint64_t arg)
{
	struct loop_config config = {.fd = (uint32_t)arg};
	struct loop *l = loop_of(d);
	struct file *gone = NULL;
	bool attach, resized;
	uint64_t sectors;
	long ret;

	if (!l || cmd >> 8 != LOOP_SET_FD >> 8)
		return -ENOTTY;
	if (cmd == LOOP_CONFIGURE && copy_from_user(&config, arg, sizeof(config)))
		return -EFAULT;
	if (cmd != LOOP_GET_STATUS64 && cmd != LOOP_GET_STATUS &&
	    !cred_capable(CAP_SYS_ADMIN) && !(f->kind & FILE_WRITE))
		return -EPERM;
	mutex_lock(&l->lock);
	sectors = l->bdev.sectors;
	attach = cmd == LOOP_SET_FD || cmd == LOOP_CONFIGURE;
	if (attach)
		ret = loop_attach(l, f->kind & FILE_WRITE, &config);
	else
		ret = attached_ioctl(l, cmd, arg, &gone);
	resized = l->bdev.sectors != sectors;
	mutex_unlock(&l->lock);
	if (gone)
		file_gone(l, gone, cmd == LOOP_CLR_FD);
	else if (attach ? !ret : resized)
		uevent_disk_changed(&l->bdev, attach ? "" : "RESIZE=1");
	return ret;
}
