#include "mm/pagecache.h"

#include "kernel/oom.h"
#include "kernel/panic.h"
#include "kernel/psi.h"
#include "kernel/swap/area.h"
#include "kernel/swap/object.h"
#include "lib/hash.h"
#include "lib/page.h"
#include "lib/string.h"
#include "mm/init.h"
#include "mm/policy.h"
#include "mm/rmap.h"
#include "mm/stat.h"
#include "mm/writeback.h"

#define READAHEAD_MAX 32U /* pages a miss may bring in */
#define REMOVE_BATCH  16

_Atomic uint64_t pagecache_nr_frames, pagecache_nr_file;

#define WAIT_BITS 6
static struct waitqueue frame_waits[1 << WAIT_BITS];

static struct waitqueue *wait_of(const struct frame *f)
{
	return &frame_waits[hash_ptr(f, WAIT_BITS)];
}

/* Tells frame_done that somebody waits, before looking: either we see it done or it sees us. */
static bool still(struct frame *f, uint32_t bits)
{
	return __atomic_or_fetch((uint32_t *)&f->word, FRAME_WAITERS, __ATOMIC_SEQ_CST) & bits;
}

int frame_wait(struct frame *f, uint32_t bits, enum wait_mode mode)
{
	return wait_event_io(wait_of(f), !still(f, bits), mode) ? -EINTR : 0;
}

void frame_done(struct frame *f, uint32_t bits)
{
	if (frame_clear(f, bits | FRAME_WAITERS) & FRAME_WAITERS)
		wake_all(wait_of(f));
}

/* The first use is what brought it in, the second tells. */
static inline void touch(struct frame *f)
{
	if (!frame_has(f, FRAME_REFERENCED))
		frame_set(f, FRAME_REFERENCED);
	else if (frame_has(f, FRAME_FRESH))
		frame_clear(f, FRAME_FRESH);
}

struct frame *pagecache_find(struct object *o, uint64_t index)
{
	struct frame *f;

	spin_lock(&o->tree_lock);
	f = radix_lookup(&o->frames, index);
	if (f)
		frame_get(f);
	spin_unlock(&o->tree_lock);
	return f;
}

uint32_t pagecache_gather(struct object *o, uint64_t first, struct frame **frames, uint32_t n)
{
	uint32_t words = 0;

	spin_lock(&o->tree_lock);
	radix_window(&o->frames, first, n, (void **)frames);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t word;

		if (!frames[i])
			continue;
		word = __atomic_load_n((uint32_t *)&frames[i]->word, __ATOMIC_RELAXED);
		words |= word;
		if (word & FRAME_BUSY)
			frames[i] = NULL;
		else
			frame_get(frames[i]);
	}
	/* BUSY ended before we look at contents. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	spin_unlock(&o->tree_lock);
	return words;
}

/* Enter a new frame, BUSY. The tree takes over the caller's reference. 0, -EEXIST, -ENOMEM. */
static int insert(struct object *o, uint64_t index, struct frame *f)
{
	int err;

	f->object = o;
	f->index = index;
	f->maps = 0;
	f->word = FRAME_OBJECT | FRAME_BUSY | FRAME_ICACHE_STALE;
	spin_lock(&o->tree_lock);
	err = radix_insert(&o->frames, index, f);
	if (!err) {
		o->nr_frames++;
		if (o->ops->write_pages) {
			policy_enter(f, 0);
			oom_page_came(o, index);
		} else {
			swap_object_enter(o, f);
		}
	}
	spin_unlock(&o->tree_lock);
	if (!err) {
		pagecache_nr_frames++;
		pagecache_nr_file += o->ops->write_pages != NULL;
	}
	return err;
}

void pagecache_remove_locked(struct object *o, struct frame *f)
{
	radix_remove(&o->frames, f->index);
	if (frame_has(f, FRAME_DIRTY))
		writeback_clear_locked(o, f);
	if (!o->ops->write_pages)
		swap_object_leave(o, f);
	policy_leave(f);
	o->nr_frames--;
	f->object = NULL;
	pagecache_nr_file -= o->ops->write_pages != NULL;
	pagecache_nr_frames--;
}

/* A BUSY frame of ours leaves again. */
static void drop_busy(struct object *o, struct frame *f)
{
	spin_lock(&o->tree_lock);
	pagecache_remove_locked(o, f);
	spin_unlock(&o->tree_lock);
	frame_done(f, FRAME_BUSY);
	frame_put(f);
}

struct frame *pagecache_add(struct object *o, uint64_t index, unsigned wait, int *err)
{
	struct frame *f = wait ? frame_alloc_wait(0, wait) : frame_alloc(0, 0);

	*err = f ? insert(o, index, f) : -ENOMEM;
	if (*err && f)
		frame_free(f, 0);
	return *err ? NULL : f;
}

/*
 * Read index, and up to n - 1 pages behind it that are missing too. 0 or -errno for the first; what
 * others have put there meanwhile is left alone. wait: as pagecache_add has it.
 */
static int read_in(struct object *o, uint64_t index, uint32_t n, unsigned wait)
{
	struct frame *frames[READAHEAD_MAX];
	uint64_t pages = DIV_ROUND_UP(o->size, PAGE_SIZE);
	uint32_t got;
	int err = 0, first = 0;

	/* What lives in memory only has nothing to read ahead: a page costs when it is touched. */
	n = o->ops->write_pages ? MIN(n, READAHEAD_MAX) : 1;
	for (got = 0; got < n && (!got || index + got < pages); got++) {
		frames[got] = pagecache_add(o, index + got, got ? 0 : wait, &err);
		if (!frames[got])
			break;
	}
	if (!got)
		return err == -EEXIST ? 0 : err;
	vm_event_add(VM_PGPGIN, got * (PAGE_SIZE / KiB));
	err = o->ops->read_pages(o, index, frames, got);
	for (uint32_t i = 0; i < got; i++) {
		int e = err && got > 1 ? o->ops->read_pages(o, index + i, &frames[i], 1) : err;

		if (!e) {
			frame_done(frames[i], FRAME_BUSY);
			continue;
		}
		if (!i)
			first = e;
		drop_busy(o, frames[i]);
	}
	return first;
}

/* How far to read on a miss: as much as is wanted, more if the page before is here already. */
static uint32_t window_of(struct object *o, uint64_t index, uint64_t wanted)
{
	struct frame *f = index ? pagecache_find(o, index - 1) : NULL;

	if (f)
		frame_put(f);
	return f || !index ? READAHEAD_MAX : MIN(wanted, READAHEAD_MAX);
}

/* The page is not there, or f is BUSY, whose reference is dropped: wait until it should be. */
static __slow int bring_in(struct object *o, uint64_t index, uint64_t wanted, struct frame *f)
{
	int err;

	if (f) {
		err = frame_wait(f, FRAME_BUSY, WAIT_KILLABLE);
		frame_put(f);
		return err;
	}
	if (index > OBJECT_INDEX_MAX)
		return -EFBIG;
	return read_in(o, index, wanted ? window_of(o, index, wanted) : 1, FRAME_NOFS);
}

/* The valid frame of index with a reference. wanted: pages from there on; 0: this one alone. */
static inline struct frame *get_page(struct object *o, uint64_t index, uint64_t wanted,
				    int *err)
{
	for (;;) {
		struct frame *f = pagecache_find(o, index);

		if (f && likely(!frame_has(f, FRAME_BUSY))) {
			touch(f);
			return f;
		}
		*err = bring_in(o, index, wanted, f);
		if (*err)
			return NULL;
	}
}

struct frame *pagecache_get(struct object *o, uint64_t index, int *err)
{
	return get_page(o, index, 1, err);
}

void pagecache_readahead(struct object *o, uint64_t index, uint32_t n)
{
	uint64_t end = MIN(index + n, DIV_ROUND_UP(o->size, PAGE_SIZE));

	for (; index < end; index++) {
		struct frame *f = pagecache_find(o, index);

		if (f)
			frame_put(f);
		else if (read_in(o, index, (uint32_t)MIN(end - index, READAHEAD_MAX),
				 FRAME_NOFS | FRAME_TRY))
			return;
	}
}

ssize64_t pagecache_read(struct object *o, struct uio *u, uint64_t pos)
{
	uint64_t done = 0;
	int err = 0;

	while (u->resid) {
		uint64_t size = o->size;
		uint64_t off = pos & (PAGE_SIZE - 1), index = pos >> PAGE_SHIFT;
		size_t n = MIN(PAGE_SIZE - off, u->resid), moved;
		struct frame *f;

		if (pos >= size)
			break;
		f = get_page(o, index, DIV_ROUND_UP(off + u->resid, PAGE_SIZE), &err);
		if (!f)
			break;
		n = MIN(n, size - pos);
		moved = uio_copy_to(u, (char *)frame_data(f) + off, n);
		frame_put(f);
		done += moved;
		pos += moved;
		if (moved < n) {
			err = -EFAULT;
			break;
		}
	}
	return done ? (ssize64_t)done : err;
}

/* Make a cached frame BUSY, so that nobody reads or writes it out half changed. 0 or -EINTR. */
static int make_busy(struct object *o, struct frame *f)
{
	for (;;) {
		bool gone, taken;
		int err;

		spin_lock(&o->tree_lock);
		gone = f->object != o;
		taken = !gone && !frame_has(f, FRAME_BUSY | FRAME_WRITEBACK);
		if (taken)
			frame_set(f, FRAME_BUSY);
		spin_unlock(&o->tree_lock);
		if (gone)
			return -EAGAIN;
		if (taken)
			return 0;
		err = frame_wait(f, FRAME_BUSY | FRAME_WRITEBACK, WAIT_KILLABLE);
		if (err)
			return err;
	}
}

/*
 * The frame to write bytes [off, off + n) of index into: BUSY, with a reference. *fresh: it is new
 * and holds nothing yet, since all that counts will be overwritten.
 */
static struct frame *get_for_write(struct object *o, uint64_t index, uint32_t off, uint32_t n,
				   bool *fresh, int *err)
{
	/* Nothing of the old contents survives: the whole page, or all of it within the size. */
	bool whole = !off && (n == PAGE_SIZE || (index << PAGE_SHIFT) + n >= o->size);
	/* Behind the end there hardly ever is one. */
	bool behind = index << PAGE_SHIFT >= o->size;

	for (;; behind = false) {
		struct frame *f = behind ? NULL : pagecache_find(o, index);

		/* A new page gets its place only once it holds what was written: see write_page. */
		*fresh = !f && whole;
		if (*fresh) {
			f = pagecache_add(o, index, FRAME_NOFS, err);
			if (!f && *err == -EEXIST)
				continue;
			return f ? frame_get(f) : NULL;
		}
		if (!f)
			f = get_page(o, index, 0, err);
		if (!f)
			return NULL;
		*err = object_make_writable(o, index, off, off + n);
		if (!*err)
			*err = make_busy(o, f);
		if (!*err)
			return f;
		frame_put(f);
		if (*err != -EAGAIN)
			return NULL;
	}
}

/* Bytes behind the end in the cached last page may hold what a mapping stored there. */
static void zero_tail(struct object *o, uint64_t size)
{
	uint32_t off = size & (PAGE_SIZE - 1);
	struct frame *f = off ? pagecache_find(o, size >> PAGE_SHIFT) : NULL;

	if (!f)
		return;
	if (!make_busy(o, f)) {
		memset((char *)frame_data(f) + off, 0, PAGE_SIZE - off);
		frame_done(f, FRAME_BUSY);
	}
	frame_put(f);
}

/* One page of a write. Bytes moved, 0 if the user's memory has to be faulted in, or -errno. */
static ssize64_t write_page(struct object *o, struct uio *u, uint64_t pos, uint32_t n)
{
	uint32_t off = pos & (PAGE_SIZE - 1);
	bool fresh;
	int err;
	struct frame *f = get_for_write(o, pos >> PAGE_SHIFT, off, n, &fresh, &err);
	size_t moved;

	if (!f)
		return err;
	moved = uio_copy_from(u, (char *)frame_data(f) + off, n);
	if (fresh) {
		err = moved == n ? object_make_writable(o, pos >> PAGE_SHIFT, 0, n) : 0;
		if (err || moved < n) {
			/* What is not overwritten is not the file's: take it all back. */
			uio_revert(u, moved);
			drop_busy(o, f);
			frame_put(f);
			return err;
		}
		if (n < PAGE_SIZE)
			memset((char *)frame_data(f) + n, 0, PAGE_SIZE - n);
	}
	/* Before it is dirty: what lies beyond is zeroed on its way out. */
	if (pos + moved > o->size)
		o->size = pos + moved;
	/*
	 * Even if nothing was moved: a block that is new holds somebody's old data until written.
	 */
	spin_lock(&o->tree_lock);
	frame_set(f, FRAME_ICACHE_STALE);
	writeback_mark_locked(o, f);
	spin_unlock(&o->tree_lock);
	touch(f);
	frame_done(f, FRAME_BUSY);
	frame_put(f);
	return moved;
}

ssize64_t pagecache_write(struct object *o, struct uio *u, uint64_t pos)
{
	bool nofault = u->nofault;
	ssize64_t err = 0, moved, done = 0;

	if (pos > o->size)
		zero_tail(o, o->size);
	/* The frame is BUSY during the copy, and the source may be a mapping of that very page. */
	u->nofault = true;
	while (u->resid) {
		uint32_t n = MIN(PAGE_SIZE - (pos & (PAGE_SIZE - 1)), u->resid);

		if (o->ops->write_pages)
			writeback_throttle();
		moved = o->ops->write_begin ? o->ops->write_begin(o, pos + n) : 0;
		if (!moved) {
			moved = write_page(o, u, pos, n);
			if (o->ops->write_end)
				o->ops->write_end(o);
		}
		if (moved < 0) {
			err = moved;
			break;
		}
		done += moved;
		pos += moved;
		if (moved < n)
			err = nofault ? -EFAULT : uio_fault_in(u, n - moved, false);
		if (err)
			break;
	}
	u->nofault = nofault;
	return done ? done : err;
}

void pagecache_dirty(struct object *o, struct frame *f)
{
	spin_lock(&o->tree_lock);
	if (f->object == o)
		writeback_mark_locked(o, f);
	spin_unlock(&o->tree_lock);
}

/* The next frame of [*index, last], taken BUSY out of the tree, *index behind it; NULL: no more. */
static struct frame *take_out(struct object *o, uint64_t *index, uint64_t last)
{
	for (;;) {
		uint64_t from = *index;
		bool taken, all;
		struct frame *f;

		spin_lock(&o->tree_lock);
		f = radix_next(&o->frames, index, last);
		/* What is between is in swap, if anywhere. */
		all = swap_object_drop(o, from, f ? *index : last + 1);
		taken = all && f && !frame_has(f, FRAME_BUSY | FRAME_WRITEBACK);
		if (taken) {
			frame_set(f, FRAME_BUSY);
			pagecache_remove_locked(o, f);
			swap_object_drop(o, *index, *index + 1);
			++*index;
		} else if (all && f) {
			frame_get(f);
		}
		spin_unlock(&o->tree_lock);
		if (taken || (all && !f))
			return f;
		if (!all) {
			*index = from;
			continue;
		}
		/* Not killable: a half-done truncate would show old data. */
		frame_wait(f, FRAME_BUSY | FRAME_WRITEBACK, WAIT_UNINTERRUPTIBLE);
		frame_put(f);
	}
}

static void remove_range(struct object *o, uint64_t first, uint64_t last, bool private)
{
	struct frame *frames[REMOVE_BATCH];
	uint64_t index = first;
	uint32_t n;

	do {
		uint64_t from = index;

		for (n = 0; n < REMOVE_BATCH && (frames[n] = take_out(o, &index, last)); n++)
			;
		/* Private copies may be where no frame is: the last time for all that is left. */
		if (o->areas.count)
			rmap_unmap(o, from, n < REMOVE_BATCH ? last : index - 1, private);
		for (uint32_t i = 0; i < n; i++) {
			frame_done(frames[i], FRAME_BUSY);
			frame_put(frames[i]);
		}
	} while (n == REMOVE_BATCH);
}

int pagecache_invalidate(struct object *o, uint64_t first, uint64_t last)
{
	remove_range(o, first, MIN(last, (uint64_t)OBJECT_INDEX_MAX), false);
	return 0;
}

/* Bytes of a page from off on: zero them on the device too, unless they are. 0 or -errno. */
static int truncate_tail(struct object *o, uint64_t size)
{
	uint32_t off = size & (PAGE_SIZE - 1);
	bool zero = true;
	struct frame *f;
	char *page;
	int err;

	if (!off)
		return 0;
	f = get_page(o, size >> PAGE_SHIFT, 0, &err);
	if (!f)
		return err;
	page = frame_data(f);
	for (uint32_t i = off; i < PAGE_SIZE && zero; i++)
		zero = !page[i];
	err = zero ? 0 : object_make_writable(o, size >> PAGE_SHIFT, 0, off);
	if (!zero && !err) {
		zero_tail(o, size);
		pagecache_dirty(o, f);
	}
	frame_put(f);
	return err;
}

int pagecache_truncate(struct object *o, uint64_t size)
{
	uint64_t old = o->size;
	int err;

	if (size >= old) {
		zero_tail(o, old);
		o->size = size;
		return 0;
	}
	err = truncate_tail(o, size);
	if (err)
		return err;
	o->size = size;
	remove_range(o, DIV_ROUND_UP(size, PAGE_SIZE), OBJECT_INDEX_MAX, true);
	/* What a mapping stored between the two steps. */
	zero_tail(o, size);
	return 0;
}

/* A victim stays, unless it was taken out meanwhile. */
static void put_back(struct object *o, struct frame *f)
{
	spin_lock(&o->tree_lock);
	if (f->object == o)
		policy_return(f);
	spin_unlock(&o->tree_lock);
}

/*
 * When only pages of files can go, some of its program stays with what runs. Were that read again
 * and again, something would go all the time, and who takes all memory would never be killed.
 * Above that, and so near to it that few do for all, who reads back what went is watched.
 */
static bool at_most(uint64_t times)
{
	uint64_t keep = MAX(MIN(frames_total / 128, 1024UL), 2UL * READAHEAD_MAX);

	return swap_used == swap_total && pagecache_nr_file <= times * keep;
}

bool pagecache_try_drop(struct object *o, struct frame *f, bool all)
{
	bool dropped = false;

	if ((!all && at_most(1)) || frame_has(f, FRAME_BUSY | FRAME_WRITEBACK | FRAME_DIRTY) ||
	    !rmap_try_unmap(f)) {
		put_back(o, f);
		return false;
	}
	spin_lock(&o->tree_lock);
	/* References are taken under this lock: the tree's and ours stay the only ones. */
	if (f->object == o && f->refs == 2 && !f->maps &&
	    !frame_has(f, FRAME_BUSY | FRAME_WRITEBACK | FRAME_DIRTY)) {
		if (!all)
			oom_page_went(o, f->index, at_most(2));
		pagecache_remove_locked(o, f);
		dropped = true;
	}
	spin_unlock(&o->tree_lock);
	if (dropped)
		frame_put(f);
	else
		put_back(o, f);
	return dropped;
}

void pagecache_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(frame_waits); i++)
		waitqueue_init(&frame_waits[i]);
}
