#include "kernel/swap/zswap.h"

#include "kernel/printk.h"
#include "kernel/swap/area.h"
#include "kernel/swap/zpool.h"
#include "kernel/wait.h"
#include "lib/lz4.h"
#include "mm/frame.h"
#include "mm/reclaim.h"
#include "mm/stat.h"

#define SMALL (PAGE_SIZE * 3 / 4) /* what is larger is not worth it */

_Atomic bool zswap_enabled;

/* What it takes to compress a page, or to have one back; nobody sleeps who has one. */
static struct zswap_work {
	uint64_t bytes[SMALL / sizeof(uint64_t)];
	struct lz4_table table;
	_Atomic bool taken;
} works[4];
static struct waitqueue works_wait = WAITQUEUE_INIT(works_wait);

static struct zswap_work *work_try(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(works); i++)
		if (!atomic_exchange(&works[i].taken, true))
			return &works[i];
	return NULL;
}

static struct zswap_work *work_get(void)
{
	struct zswap_work *w;

	wait_event(&works_wait, (w = work_try()), WAIT_UNINTERRUPTIBLE);
	return w;
}

static void work_put(struct zswap_work *w)
{
	w->taken = false;
	wake_all(&works_wait);
}

/* False: it has to be written. */
static bool store(uint32_t slot, const struct frame *f)
{
	struct zswap_work *w;
	bool stored;
	size_t n;

	/* What the slot held before is nobody's. */
	zpool_drop(slot);
	if (likely(!zswap_enabled) || zpool_full())
		return false;
	w = work_get();
	n = lz4_compress(frame_data(f), PAGE_SIZE, w->bytes, SMALL, &w->table);
	stored = n && zpool_put(slot, w->bytes, n);
	work_put(w);
	vm_event_add(VM_ZSWPOUT, stored);
	return stored;
}

/* 1, or 0: it is not there; -EIO: what is there makes no page. */
static int load(uint32_t slot, struct frame *f)
{
	struct zswap_work *w;
	size_t n, made;

	if (likely(!zpool_has(swap_area_of(slot), slot_offset(slot))))
		return 0;
	w = work_get();
	n = zpool_get(slot, w->bytes, SMALL);
	made = lz4_decompress(w->bytes, n, frame_data(f), PAGE_SIZE);
	work_put(w);
	if (made != PAGE_SIZE) {
		pr_err("zswap: what is in slot %x is damaged\n", slot);
		return -EIO;
	}
	vm_event(VM_ZSWPIN);
	return 1;
}

static void device_write(uint32_t slot, struct frame **frames, uint32_t n)
{
	struct swap_area *a = swap_area_of(slot);

	if (!n)
		return;
	vm_event_add(VM_PSWPOUT, n);
	a->ops->write(a, slot_offset(slot), frames, n);
}

void swap_write(uint32_t slot, struct frame **frames, uint32_t n)
{
	uint32_t first = 0;

	swap_nr_writing += n;
	for (uint32_t i = 0; i < n; i++) {
		if (!store(slot + i, frames[i]))
			continue;
		device_write(slot + first, frames + first, i - first);
		first = i + 1;
		swap_written(slot + i, &frames[i], 1, 0);
	}
	device_write(slot + first, frames + first, n - first);
}

int swap_read(uint32_t slot, struct frame *f)
{
	struct swap_area *a = swap_area_of(slot);
	int loaded = load(slot, f);

	if (loaded)
		return MIN(loaded, 0);
	vm_event(VM_PSWPIN);
	return a->ops->read(a, slot_offset(slot), f);
}
