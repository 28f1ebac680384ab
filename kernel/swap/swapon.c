#include "kernel/swap/swapon.h"

#include "drivers/block.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "kernel/signal.h"
#include "kernel/swap/device.h"
#include "kernel/swap/object.h"
#include "kernel/swap/place.h"
#include "kernel/swap/zback.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/swap.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/pagecache.h"
#include "mm/swap.h"

/* Areas come and go under this lock. */
static struct mutex swaps_lock;

/* --- the header that mkswap writes, in the first page --- */

struct header {
	char boot[1024];
	uint32_t version, last_page, nr_bad;
	uint8_t uuid[16], label[16];
	uint32_t padding[117];
	uint32_t bad[637];
	char unused[2], magic[10];
};
_Static_assert(sizeof(struct header) == PAGE_SIZE, "a page");

static bool header_sound(const struct header *h, const struct swap_place *p)
{
	if (memcmp(h->magic, "SWAPSPACE2", sizeof(h->magic)) || h->version != 1)
		return false;
	/* Which blocks of a file are bad its file system knows. */
	if (!h->last_page || h->last_page >= p->size || h->nr_bad > ARRAY_SIZE(h->bad) ||
	    (h->nr_bad && p->file))
		return false;
	for (uint32_t i = 0; i < h->nr_bad; i++)
		if (!h->bad[i] || h->bad[i] > h->last_page)
			return false;
	return true;
}

/* The area that the header describes at p, which is ours alone from now on; or err_ptr. */
static struct swap_area *area_of_header(const struct header *h, struct swap_place *p)
{
	int err = header_sound(h, p) ? swap_place_take(p) : -EINVAL;
	uint32_t slots = MIN(p->pages, SWAP_AREA_MAX);
	struct swap_area *a;

	if (!err && slots < 2)
		err = -EINVAL;
	if (err)
		return err_ptr(err);
	a = swap_area_create(MIN(h->last_page + 1, slots), h->bad, h->nr_bad);
	if (a && a->usable)
		return a;
	if (a)
		swap_area_free(a);
	return err_ptr(a ? -EINVAL : -ENOMEM);
}

static struct swap_area *area_read(struct swap_place *p)
{
	struct header *h = kmalloc_wait(PAGE_SIZE);
	struct swap_area *a;
	int err;

	if (!h)
		return err_ptr(-ENOMEM);
	err = swap_place_header(p, h);
	a = err ? err_ptr(err) : area_of_header(h, p);
	kfree(h);
	return a;
}

/* Best effort: a device that cannot do it is told once. */
static void discard_all(const struct swap_area *a)
{
	const struct swap_place *p = a->owner;
	struct bio b;

	for (uint32_t at = 1, n = 0; at < a->slots; at += n) {
		n = a->slots - at;
		bio_init(&b, p->bdev, BIO_DISCARD, swap_place_sector(p, at, &n));
		b.sectors = (uint64_t)n * SECTORS_PER_PAGE;
		if (bio_submit_wait(&b)) {
			pr_info("swap: %s does not discard\n", p->bdev->name);
			return;
		}
	}
}

/* --- taking an area out of use --- */

static bool in_area(uint32_t slot, const struct swap_area *a)
{
	return swap_area_of(slot) == a;
}

/* Have all private pages back that are in slots of a. 0 or -errno. */
static int sweep_spaces(const struct swap_area *a)
{
	struct aspace *as = NULL;
	int err = 0;

	while (!err && (as = aspace_next(as)))
		err = swap_in_range(as, in_area, a, 0, USER_TOP);
	aspace_put(as);
	return err;
}

/* Frames that have a slot but are mapped, if at all, without an entry that names it. */
static void sweep_frames(struct swap_area *a)
{
	for (uint32_t at = 1; at < a->slots && a->used; at++) {
		struct frame *f;
		uint32_t users = swap_slot_users(a, at, &f);

		if (!f)
			continue;
		frame_wait(f, FRAME_WRITEBACK, WAIT_UNINTERRUPTIBLE);
		if (!users)
			(void)swap_take_from_slot(f);
		frame_put(f);
	}
}

/* All that is in it comes back. 0, or -ENOMEM, -EIO, -EINTR: it stays. (swaps_lock) */
static int empty(struct swap_area *a)
{
	int err = 0;

	swap_area_close(a, true);
	if (a->used > frames_free() + pagecache_nr_file / 2 + swap_total - swap_used)
		err = -ENOMEM;
	/* Entries may be copied from where was not looked yet to where was. */
	while (!err && a->used) {
		err = sweep_spaces(a);
		if (!err)
			err = swap_objects_bring_back(a);
		if (!err)
			sweep_frames(a);
		zback_wait();
		if (!err && signal_pending())
			err = -EINTR;
	}
	if (err) {
		swap_area_close(a, false);
		swap_objects_requeue();
	}
	return err;
}

/* --- slots that could not be written --- */

static bool in_retired(uint32_t slot, const struct swap_area *unused)
{
	(void)unused;
	return swap_retired(slot);
}

static struct waitqueue kept_wait = WAITQUEUE_INIT(kept_wait);
static _Atomic uint64_t retirements; /* how often there was something to have back */

void swapon_take_back(void)
{
	retirements++;
	wake_all(&kept_wait);
}

/* One page that cannot be had back, since another one came into its place, keeps no others out. */
static void sweep_retired(void)
{
	struct aspace *as = NULL;

	while ((as = aspace_next(as)))
		(void)swap_in_range(as, in_retired, NULL, 0, USER_TOP);
}

/* Give the pages back to those who have them: when they go again they go somewhere else. */
static void take_back(void *unused)
{
	uint64_t seen = 0, left;

	(void)unused;
	for (;;) {
		wait_event(&kept_wait, retirements != seen, WAIT_UNINTERRUPTIBLE);
		/* As long as it helps: a fork may copy entries behind our back. */
		do {
			seen = retirements;
			left = swap_kept;
			sweep_retired();
		} while (swap_kept && swap_kept != left);
	}
}

static int take_back_start(void)
{
	static bool started;
	struct thread *t = started ? NULL : kthread_create("swap", take_back, NULL);

	if (t)
		thread_start(t);
	started |= t != NULL;
	return started ? 0 : -ENOMEM;
}

/* --- the system calls --- */

/* Those that were given none are filled in the order they came, after all that were. */
static int priority_of(int flags)
{
	static int last = -1;

	return flags & SWAP_FLAG_PREFER ? flags & SWAP_FLAG_PRIO_MASK : --last;
}

/* (swaps_lock) */
static int place_on(struct swap_place *p, int flags)
{
	struct swap_area *a;

	if (take_back_start())
		return -ENOMEM;
	a = area_read(p);
	if (is_err(a))
		return ptr_err(a);
	a->ops = &swap_device_ops;
	a->owner = p;
	if (flags & SWAP_FLAG_DISCARD)
		discard_all(a);
	if (!swap_area_add(a, priority_of(flags))) {
		swap_area_free(a);
		return -EPERM;
	}
	swap_objects_requeue();
	pr_info("swap: %u KiB on %s%s, priority %d\n", a->usable * 4,
		p->file ? "a file on " : "", p->bdev->name, a->priority);
	return 0;
}

SYSCALL2(swapon, uaddr_t, name, int, flags)
{
	struct swap_place *p;
	int err;

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK | SWAP_FLAG_DISCARD |
		      SWAP_FLAG_DISCARD_ONCE | SWAP_FLAG_DISCARD_PAGES))
		return -EINVAL;
	p = swap_place_open(name);
	if (is_err(p))
		return ptr_err(p);
	mutex_lock(&swaps_lock);
	err = place_on(p, flags);
	mutex_unlock(&swaps_lock);
	if (err)
		swap_place_close(p);
	return err;
}

/* Take the area at that path out of use. Its place, or err_ptr. (swaps_lock) */
static struct swap_place *area_off(const struct path *at)
{
	struct swap_area *a = swap_area_next(0);
	struct swap_place *p;
	int err;

	while (a && !swap_place_is(a->owner, at))
		a = swap_area_next(a->number + 1);
	err = a ? empty(a) : -EINVAL;
	if (err)
		return err_ptr(err);
	p = a->owner;
	swap_area_remove(a);
	zback_wait();
	swap_area_free(a);
	return p;
}

SYSCALL1(swapoff, uaddr_t, name)
{
	struct swap_place *p;
	struct path at;
	int err;

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup_user(AT_FDCWD, name, WALK_FOLLOW, &at);
	if (err)
		return err;
	mutex_lock(&swaps_lock);
	p = area_off(&at);
	mutex_unlock(&swaps_lock);
	path_put(&at);
	if (is_err(p))
		return ptr_err(p);
	swap_place_close(p);
	return 0;
}

void swapon_init(void)
{
	mutex_init(&swaps_lock, "swap areas", RANK_MOUNT);
}

bool swap_line_next(uint32_t number, struct swap_line *out)
{
	struct swap_area *a;

	mutex_lock(&swaps_lock);
	a = swap_area_next(number);
	if (a) {
		const struct swap_place *p = a->owner;

		swap_place_name(p, out->name, sizeof(out->name));
		out->file = p->file;
		out->size = a->usable;
		out->used = a->used;
		out->priority = a->priority;
		out->number = a->number;
	}
	mutex_unlock(&swaps_lock);
	return a;
}
