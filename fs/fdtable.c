/*
 * Descriptor tables: a process's numbers for open files.
 */
#include <stdatomic.h>

#include "fs/notify.h"
#include "fs/vfs.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "kernel/syscall.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "kernel/mem/slab.h"

#define FDS_FIRST 64	      /* size of the table within struct fdtable */
#define FDS_MAX	  (1u << 20)
#define NOFILE	  7	      /* RLIMIT_NOFILE */

struct fdtable {
	_Atomic int owners;	 /* threads */
	_Atomic int refs;	 /* who looks at it, and one for all owners */
	struct spinlock lock;	 /* RANK_FILES */
	uint32_t size;		 /* (lock) a multiple of 64 */
	uint32_t first_free;	 /* (lock) no lower number is free */
	struct file **files;	 /* (lock) */
	uint64_t *open, *cloexec; /* (lock) bitmaps */
	struct file *files_inline[FDS_FIRST];
	uint64_t open_inline[FDS_FIRST / 64], cloexec_inline[FDS_FIRST / 64];
};

struct fdtable *fdtable_create(void)
{
	struct fdtable *t = kzalloc(sizeof(*t));

	if (!t)
		return NULL;
	t->owners = t->refs = 1;
	t->size = FDS_FIRST;
	t->files = t->files_inline;
	t->open = t->open_inline;
	t->cloexec = t->cloexec_inline;
	spin_init(&t->lock, "files", RANK_FILES);
	return t;
}

struct fdtable *fdtable_get(struct fdtable *t)
{
	atomic_fetch_add(&t->owners, 1);
	return t;
}

struct fdtable *fdtable_hold(struct fdtable *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

/* The running thread closed a descriptor of f, whose reference goes with it. */
static void fd_closed(struct file *f)
{
	if (!(f->kind & FILE_PATH)) {
		locks_fd_closed(f, current()->process);
		dnotify_fd_closed(f, current()->process);
	}
	if (unlikely(f->kind & FILE_HEARS_CLOSE))
		f->ops->closed(f);
	file_put(f);
}

static void arrays_free(struct fdtable *t)
{
	/* One allocation holds all three. */
	if (t->files != t->files_inline)
		kfree(t->files);
}

/* Room for descriptor fd. Called without the lock; others may grow it meanwhile. */
static int fdtable_grow(struct fdtable *t, uint32_t fd)
{
	uint32_t size = (uint32_t)roundup_pow2((uint64_t)fd + 1);
	size_t words = size / 64;
	struct file **files, **old = NULL;
	uint64_t *bits;

	files = kzalloc(size * sizeof(*files) + 2 * words * sizeof(*bits));
	if (!files)
		return -ENOMEM;
	bits = (uint64_t *)(files + size);
	spin_lock(&t->lock);
	if (t->size >= size) {
		spin_unlock(&t->lock);
		kfree(files);
		return 0;
	}
	memcpy(files, t->files, t->size * sizeof(*files));
	memcpy(bits, t->open, t->size / 8);
	memcpy(bits + words, t->cloexec, t->size / 8);
	if (t->files != t->files_inline)
		old = t->files;
	t->files = files;
	t->open = bits;
	t->cloexec = bits + words;
	t->size = size;
	spin_unlock(&t->lock);
	kfree(old);
	return 0;
}

static void fdtable_copy(struct fdtable *to, struct fdtable *from, uint32_t size)
{
	memcpy(to->open, from->open, size / 8);
	memcpy(to->cloexec, from->cloexec, size / 8);
	to->first_free = from->first_free;
	for (size_t fd = bitmap_find_set(to->open, 0, size); fd < size;
	     fd = bitmap_find_set(to->open, fd + 1, size)) {
		/* A number that is reserved has no file yet. */
		if (from->files[fd]) {
			to->files[fd] = file_get(from->files[fd]);
			continue;
		}
		bitmap_clear(to->open, fd);
		to->first_free = MIN(to->first_free, (uint32_t)fd);
	}
}

struct fdtable *fdtable_fork(struct fdtable *t)
{
	struct fdtable *copy = fdtable_create();

	if (!copy)
		return NULL;
	for (;;) {
		uint32_t size;

		spin_lock(&t->lock);
		size = t->size;
		if (size <= copy->size) {
			fdtable_copy(copy, t, size);
			spin_unlock(&t->lock);
			return copy;
		}
		spin_unlock(&t->lock);
		if (fdtable_grow(copy, size - 1)) {
			fdtable_abandon(copy);
			return NULL;
		}
	}
}

void fdtable_release(struct fdtable *t)
{
	if (!t || atomic_fetch_sub(&t->refs, 1) != 1)
		return;
	arrays_free(t);
	kfree(t);
}

/* An owner goes; the last one closes all. */
static void owner_gone(struct fdtable *t, void (*close)(struct file *f))
{
	uint32_t size;

	if (atomic_fetch_sub(&t->owners, 1) != 1)
		return;
	/* Who looks at it finds none any more. */
	spin_lock(&t->lock);
	size = t->size;
	t->size = 0;
	spin_unlock(&t->lock);
	for (size_t fd = bitmap_find_set(t->open, 0, size); fd < size;
	     fd = bitmap_find_set(t->open, fd + 1, size)) {
		struct file *f = t->files[fd];

		if (f)
			close(f);
	}
	fdtable_release(t);
}

void fdtable_put(struct fdtable *t)
{
	owner_gone(t, fd_closed);
}

void fdtable_abandon(struct fdtable *t)
{
	owner_gone(t, file_put);
}

int fdtable_unshare(struct fdtable **t)
{
	struct fdtable *copy, *old;
	uint64_t irq;

	if (atomic_load(&(*t)->owners) == 1)
		return 0;
	copy = fdtable_fork(*t);
	if (!copy)
		return -ENOMEM;
	old = *t;
	irq = spin_lock_irq(&proc_lock); /* /proc looks at it under this lock */
	*t = copy;
	spin_unlock_irq(&proc_lock, irq);
	fdtable_put(old);
	return 0;
}

/* Take fd out of the table: its file, or NULL. */
static struct file *fd_remove(struct fdtable *t, uint32_t fd)
{
	struct file *f = NULL;

	spin_lock(&t->lock);
	if (fd < t->size && t->files[fd]) {
		f = t->files[fd];
		t->files[fd] = NULL;
		bitmap_clear(t->open, fd);
		bitmap_clear(t->cloexec, fd);
		if (fd < t->first_free)
			t->first_free = fd;
	}
	spin_unlock(&t->lock);
	return f;
}

void fdtable_close_on_exec(struct fdtable *t)
{
	for (;;) {
		size_t fd;
		struct file *f;

		spin_lock(&t->lock);
		fd = bitmap_find_set(t->cloexec, 0, t->size);
		spin_unlock(&t->lock);
		if (fd >= t->size)
			return;
		f = fd_remove(t, (uint32_t)fd);
		if (f)
			fd_closed(f);
	}
}

static inline struct file *lookup(int fd)
{
	struct fdtable *t = current()->files;
	struct file *f = NULL;

	if (unlikely(!t))
		return NULL;
	/* Nobody else changes a table that only this thread has. */
	if (likely(atomic_load_explicit(&t->owners, memory_order_acquire) == 1)) {
		if ((uint32_t)fd < t->size)
			f = t->files[fd];
		return f ? file_get(f) : NULL;
	}
	spin_lock(&t->lock);
	if ((uint32_t)fd < t->size && t->files[fd])
		f = file_get(t->files[fd]);
	spin_unlock(&t->lock);
	return f;
}

struct file *fd_get_any(int fd)
{
	return lookup(fd);
}

/* Out of line, so that fd_borrow needs no stack. */
__attribute__((noinline)) struct file *fd_get(int fd)
{
	struct file *f = lookup(fd);

	if (unlikely(f && (f->kind & FILE_PATH))) {
		file_put(f);
		return NULL;
	}
	return f;
}

struct file *fd_borrow(int fd, bool *owned)
{
	const struct fdtable *t = current()->files;
	struct file *f;

	*owned = !t || atomic_load_explicit(&t->owners, memory_order_acquire) != 1;
	if (unlikely(*owned))
		return fd_get(fd);
	f = (uint32_t)fd < t->size ? t->files[fd] : NULL;
	return likely(f && !(f->kind & FILE_PATH)) ? f : NULL;
}

/* Give f the lowest free number from `from` on. ~number: for that one there is no room yet. */
static int fd_take(struct fdtable *t, struct file *f, uint32_t from, uint32_t limit, bool cloexec)
{
	uint32_t fd;

	spin_lock(&t->lock);
	fd = MAX(from, t->first_free);
	if (fd < t->size && bitmap_test(t->open, fd))
		fd = (uint32_t)bitmap_find_zero(t->open, fd, t->size);
	if (unlikely(fd >= t->size || fd >= limit)) {
		spin_unlock(&t->lock);
		return (int)~fd;
	}
	bitmap_set(t->open, fd);
	if (cloexec)
		bitmap_set(t->cloexec, fd);
	if (from <= t->first_free)
		t->first_free = fd + 1;
	t->files[fd] = f;
	spin_unlock(&t->lock);
	return (int)fd;
}

int fd_install(struct file *f, int from, bool cloexec)
{
	struct fdtable *t = current()->files;
	uint32_t limit = (uint32_t)MIN(rlimit_get(NOFILE), (uint64_t)FDS_MAX);
	int fd, err;

	if (from < 0)
		return -EINVAL;
	if ((uint32_t)from >= limit)
		return -EMFILE;
	for (;;) {
		fd = fd_take(t, f, (uint32_t)from, limit, cloexec);
		if (likely(fd >= 0))
			return fd;
		if ((uint32_t)~fd >= limit)
			return -EMFILE;
		err = fdtable_grow(t, (uint32_t)~fd);
		if (err)
			return err;
	}
}

int fd_reserve(void)
{
	return fd_install(NULL, 0, false);
}

void fd_settle(int fd, struct file *f, bool cloexec)
{
	struct fdtable *t = current()->files;

	spin_lock(&t->lock);
	t->files[fd] = f;
	if (f && cloexec)
		bitmap_set(t->cloexec, (uint32_t)fd);
	if (!f) {
		bitmap_clear(t->open, (uint32_t)fd);
		t->first_free = MIN(t->first_free, (uint32_t)fd);
	}
	spin_unlock(&t->lock);
}

int fd_close(int fd)
{
	struct file *f = fd_remove(current()->files, (uint32_t)fd);

	if (!f)
		return -EBADF;
	fd_closed(f);
	return 0;
}

uint32_t fdtable_next(struct fdtable *t, uint32_t fd, struct file **f)
{
	size_t at;

	spin_lock(&t->lock);
	*f = NULL;
	at = fd < t->size ? bitmap_find_set(t->open, fd, t->size) : t->size;
	while (at < t->size && !t->files[at])
		at = bitmap_find_set(t->open, at + 1, t->size);
	if (at < t->size)
		*f = file_get(t->files[at]);
	spin_unlock(&t->lock);
	return (uint32_t)at;
}

struct file *fdtable_file_cloexec(struct fdtable *t, uint32_t fd, bool *cloexec)
{
	struct file *f;

	spin_lock(&t->lock);
	f = fd < t->size ? t->files[fd] : NULL;
	*cloexec = f && bitmap_test(t->cloexec, fd);
	if (f)
		(void)file_get(f);
	spin_unlock(&t->lock);
	return f;
}

struct file *fdtable_file(struct fdtable *t, uint32_t fd)
{
	bool cloexec;

	return fdtable_file_cloexec(t, fd, &cloexec);
}

struct file *thread_file(const struct thread *t, uint32_t fd)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct fdtable *files = t->files ? fdtable_hold(t->files) : NULL;
	struct file *f;

	spin_unlock_irq(&proc_lock, irq);
	if (!files)
		return NULL;
	f = fdtable_file(files, fd);
	fdtable_release(files);
	return f;
}

int fd_cloexec_get(int fd)
{
	struct fdtable *t = current()->files;
	int ret = -EBADF;

	spin_lock(&t->lock);
	if ((uint32_t)fd < t->size && t->files[fd])
		ret = bitmap_test(t->cloexec, (uint32_t)fd);
	spin_unlock(&t->lock);
	return ret;
}

int fd_cloexec_set(int fd, bool on)
{
	struct fdtable *t = current()->files;
	int ret = -EBADF;

	spin_lock(&t->lock);
	if ((uint32_t)fd < t->size && t->files[fd]) {
		if (on)
			bitmap_set(t->cloexec, (uint32_t)fd);
		else
			bitmap_clear(t->cloexec, (uint32_t)fd);
		ret = 0;
	}
	spin_unlock(&t->lock);
	return ret;
}

SYSCALL1(close, int, fd)
{
	return fd_close(fd);
}

SYSCALL1(dup, int, fd)
{
	struct file *f = fd_get_any(fd);

	return f ? fd_install_or_put(f, false) : -EBADF;
}

SYSCALL3(dup3, int, from, int, to, int, flags)
{
	struct fdtable *t = current()->files;
	struct file *f, *old;

	if (flags & ~O_CLOEXEC || from == to)
		return -EINVAL;
	if (to < 0 || (uint64_t)to >= MIN(rlimit_get(NOFILE), (uint64_t)FDS_MAX))
		return -EBADF;
	f = fd_get_any(from);
	if (!f)
		return -EBADF;
	if ((uint32_t)to >= t->size && fdtable_grow(t, (uint32_t)to)) {
		file_put(f);
		return -ENOMEM;
	}
	spin_lock(&t->lock);
	old = t->files[to];
	if (!old && bitmap_test(t->open, (uint32_t)to)) {
		/* It is reserved. */
		spin_unlock(&t->lock);
		file_put(f);
		return -EBUSY;
	}
	t->files[to] = f;
	bitmap_set(t->open, (uint32_t)to);
	if (flags & O_CLOEXEC)
		bitmap_set(t->cloexec, (uint32_t)to);
	else
		bitmap_clear(t->cloexec, (uint32_t)to);
	spin_unlock(&t->lock);
	if (old)
		fd_closed(old);
	return to;
}

SYSCALL3(close_range, uint32_t, first, uint32_t, last, uint32_t, flags)
{
	struct fdtable *t;

	if (flags & ~(uint32_t)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	if ((flags & CLOSE_RANGE_UNSHARE) && fdtable_unshare(&current()->files))
		return -ENOMEM;
	t = current()->files;
	for (uint32_t fd = first; fd <= last;) {
		struct file *f;

		fd = fdtable_next(t, fd, &f);
		if (!f)
			break;
		file_put(f);
		if (fd > last)
			break;
		if (flags & CLOSE_RANGE_CLOEXEC)
			(void)fd_cloexec_set((int)fd, true);
		else
			(void)fd_close((int)fd);
		if (fd++ == UINT32_MAX)
			break;
	}
	return 0;
}
