/*
 * A page of an object is written when it is a victim, DIRTY and mapped by nobody; when that is done
 * it is clean, and the next victim. What is in object->slots at an index is the slot of the page
 * there, or ZERO; without a frame in the tree it is the page. A slot is given up only with the tree
 * locked, with no frame at its index or one that is valid: so who reads it in, with a BUSY frame
 * there, may use it unlocked.
 */
#include "kernel/swap/object.h"

#include "kernel/mem/slab.h"
#include "kernel/signal.h"
#include "kernel/swap/slot.h"
#include "kernel/swap/zpool.h"
#include "kernel/swap/zswap.h"
#include "lib/page.h"
#include "lib/string.h"
#include "mm/pagecache.h"
#include "mm/policy.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/stat.h"

#define ZERO	   BIT(32) /* no slot, but a page: of zeros */
#define DROP_BATCH 256	   /* slots that are given up without a break */

LIST_HEAD(swap_objects); /* (objects_lock) by dirty_link */
static _Atomic uint64_t nr_zero; /* items that are ZERO */
static struct spinlock objects_lock = SPINLOCK_INIT("swap objects", RANK_QUEUE);

/* --- the map --- */

/* With memory that is kept for those who make some free; kfree takes both. */
static struct radix_node *node_alloc(void)
{
	struct radix_node *n = kmalloc(sizeof(*n));
	struct frame *f = n ? NULL : frame_alloc(0, FRAME_RESERVE);

	return f ? frame_data(f) : n;
}

static void node_free(struct radix_node *n)
{
	kfree(n);
}

const struct radix_ops swap_radix_ops = {.node_alloc = node_alloc, .node_free = node_free};

/* (tree_lock) */
static uint64_t item_at(struct object *o, uint64_t index)
{
	return (uintptr_t)radix_lookup(&o->slots, index);
}

/* (tree_lock) The slot that holds, or held, the page; 0: none. */
static uint32_t slot_at(struct object *o, uint64_t index)
{
	uint64_t item = item_at(o, index);

	return item == ZERO ? 0 : (uint32_t)item;
}

/* (tree_lock) */
static void give_up(struct object *o, uint64_t index)
{
	uint32_t slot = slot_at(o, index);

	nr_zero -= item_at(o, index) == ZERO;
	radix_remove(&o->slots, index);
	if (slot)
		swap_drop(slot);
}

/* (tree_lock) Something is at the index from now on. False: no memory, or no slot is free. */
static bool item_make(struct object *o, uint64_t index, uint64_t item)
{
	return item && !radix_insert(&o->slots, index, (void *)(uintptr_t)item);
}

/* (tree_lock) A slot to write f to; 0: none is free. */
static uint32_t slot_make(struct object *o, const struct frame *f)
{
	uint32_t slot = slot_at(o, f->index);

	if (slot && !swap_retired(slot))
		return slot;
	give_up(o, f->index);
	slot = swap_slot_take(f);
	if (item_make(o, f->index, slot))
		return slot;
	if (slot)
		swap_drop(slot);
	return 0;
}

/* --- pages come and go --- */

/* (tree_lock) Can it be chosen to go? If not it stands in no queue until it can. */
static bool is_candidate(const struct object *o)
{
	return object_swaps(o) && swap_total && !o->pinned;
}

void swap_object_enter(struct object *o, struct frame *f)
{
	uint32_t slot = slot_at(o, f->index);

	if (item_at(o, f->index))
		o->nr_out--;
	else if (object_counts_pages(o))
		commit_add(1);
	if (list_empty(&o->dirty_link) && object_swaps(o) && !o->ending) {
		spin_lock(&objects_lock);
		list_add_tail(&o->dirty_link, &swap_objects);
		spin_unlock(&objects_lock);
	}
	if (is_candidate(o))
		policy_enter(f, slot ? swap_shadow_take(slot) : 0);
}

void swap_object_leave(struct object *o, struct frame *f)
{
	uint32_t slot = slot_at(o, f->index);

	if (item_at(o, f->index))
		o->nr_out++;
	else if (object_counts_pages(o))
		commit_add(-1);
	/* One that reclaim has chosen: truncate finds them queued. */
	if (slot && !frame_has(f, FRAME_QUEUED | FRAME_BUSY))
		swap_shadow_set(slot, policy_shadow(f));
}

void swap_object_dirty(struct object *o, struct frame *f)
{
	if (!frame_has(f, FRAME_DIRTY))
		frame_set(f, FRAME_DIRTY);
	if (unlikely(!radix_empty(&o->slots)) && !frame_has(f, FRAME_WRITEBACK))
		give_up(o, f->index);
}

bool swap_object_drop_some(struct object *o, uint64_t from, uint64_t end)
{
	for (uint32_t n = 0; from < end && radix_next(&o->slots, &from, end - 1); from++) {
		if (n++ == DROP_BATCH)
			return false;
		give_up(o, from);
		o->nr_out--;
		if (object_counts_pages(o))
			commit_add(-1);
	}
	return true;
}

/* While there are, what is only read keeps its slot, and need not be written again. */
static bool slots_plenty(void)
{
	return swap_used < swap_total / 2;
}

int swap_object_read(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot;
		bool anew;
		int err;

		spin_lock(&o->tree_lock);
		slot = slot_at(o, index + i);
		if (!slot)
			swap_object_dirty(o, frames[i]);
		spin_unlock(&o->tree_lock);
		if (!slot) {
			page_zero(frame_data(frames[i]));
			continue;
		}
		anew = zswap_goes_anew(slot, frames[i]);
		err = swap_read(slot, frames[i]);
		if (err)
			return err;
		if (anew || !slots_plenty())
			pagecache_dirty(o, frames[i]);
	}
	return 0;
}

/* --- out --- */

static void put_back(struct object *o, struct frame *f)
{
	spin_lock(&o->tree_lock);
	if (f->object == o && is_candidate(o))
		policy_return(f);
	else
		policy_forget(policy_shadow(f));
	spin_unlock(&o->tree_lock);
}

/* Their items take memory, too: as many as there could be in slots. */
static bool zero_may_go(const struct frame *f)
{
	return nr_zero < swap_total && page_is_zero(frame_data(f));
}

/* (tree_lock) f, which nobody can change: on its way to a slot, or gone. False: no slot. */
static bool start_out(struct object *o, struct frame *f, struct swap_batch *b)
{
	uint64_t size = o->size;
	uint32_t tail = size & (PAGE_SIZE - 1), slot;

	/* What a mapping stored behind the end is not the file's, whatever becomes of its size. */
	if (tail && size >> PAGE_SHIFT == f->index)
		memset((char *)frame_data(f) + tail, 0, PAGE_SIZE - tail);
	if (zero_may_go(f)) {
		give_up(o, f->index);
		if (!item_make(o, f->index, ZERO))
			return false;
		nr_zero++;
		policy_forget(policy_shadow(f));
		pagecache_remove_locked(o, f);
		frame_put(f); /* the tree's; the caller has another */
		vm_event(VM_SWAP_ZERO);
		return true;
	}
	slot = slot_make(o, f);
	if (!slot)
		return false;
	frame_set(f, FRAME_WRITEBACK);
	frame_clear(f, FRAME_DIRTY);
	b->slots[b->n] = slot;
	b->frames[b->n++] = frame_get(f);
	return true;
}

static bool write_out(struct object *o, struct frame *f, struct swap_batch *b)
{
	bool went = false;

	if (frame_has(f, FRAME_BUSY | FRAME_WRITEBACK) ||
	    (swap_used >= swap_total && !zero_may_go(f)) || !rmap_try_unmap(f)) {
		put_back(o, f);
		return false;
	}
	spin_lock(&o->tree_lock);
	/* References are taken under this lock: the tree's and ours stay the only ones. */
	if (f->object == o && f->refs == 2 && !f->maps && !o->pinned &&
	    !frame_has(f, FRAME_BUSY | FRAME_WRITEBACK))
		went = start_out(o, f, b);
	spin_unlock(&o->tree_lock);
	if (!went)
		put_back(o, f);
	if (b->n == ARRAY_SIZE(b->frames))
		evict_some(b);
	return went;
}

bool swap_object_let_go(struct object *o, struct frame *f, struct swap_batch *b)
{
	bool went = false;

	vm_event_add(VM_PGSCAN_ANON, b != NULL);
	if (!b || !is_candidate(o)) {
		put_back(o, f);
	} else if (frame_has(f, FRAME_DIRTY)) {
		return write_out(o, f, b);
	} else {
		went = pagecache_try_drop(o, f, true);
		vm_event_add(VM_PGSTEAL_ANON, went);
	}
	return went;
}

void swap_object_written(struct frame *f, uint32_t slot, int err)
{
	if (err) {
		swap_slot_retire(slot);
		frame_set(f, FRAME_DIRTY);
	}
	/* Still in its object, from which nobody takes it before the write is done. */
	policy_enter_next(f);
	frame_done(f, FRAME_WRITEBACK);
	frame_put(f);
}

void swap_object_page_out(struct object *o, uint64_t index, uint64_t n)
{
	struct swap_batch b = {0};

	for (; n && object_swaps(o) && !signal_fatal_pending(); index++, n--) {
		struct frame *f = pagecache_find(o, index);

		if (!f)
			continue;
		/* The first time shows whether it was used, which does not matter here. */
		for (unsigned i = 0; i < 2; i++) {
			policy_take(f);
			if (swap_object_let_go(o, f, &b))
				break;
		}
		frame_put(f);
	}
	evict_flush(&b);
}

/* --- the objects there are --- */

void swap_object_end(struct object *o)
{
	/* Pages that somebody still brings in do not put it there again. */
	spin_lock(&o->tree_lock);
	o->ending = true;
	spin_lock(&objects_lock);
	list_del(&o->dirty_link);
	spin_unlock(&objects_lock);
	spin_unlock(&o->tree_lock);
}

/* The object behind prev, whose reference is dropped; NULL, or prev has left: the first. */
static struct object *next_object(struct object *prev)
{
	struct object *o = NULL;
	struct list_head *at;

	spin_lock(&objects_lock);
	at = prev && !list_empty(&prev->dirty_link) ? &prev->dirty_link : &swap_objects;
	while ((at = at->next) != &swap_objects) {
		o = list_entry(at, struct object, dirty_link);
		if (object_try_get(o))
			break;
		o = NULL;
	}
	spin_unlock(&objects_lock);
	if (prev)
		object_put(prev);
	return o;
}

void swap_object_requeue(struct object *o)
{
	struct frame *f;
	uint64_t index = 0;

	do {
		uint32_t n = 0;

		spin_lock(&o->tree_lock);
		while (n++ < DROP_BATCH && (f = radix_next(&o->frames, &index, OBJECT_INDEX_MAX))) {
			if (is_candidate(o) && !frame_has(f, FRAME_QUEUED | FRAME_WRITEBACK))
				policy_enter(f, 0);
			index++;
		}
		spin_unlock(&o->tree_lock);
	} while (f);
}

void swap_objects_requeue(void)
{
	struct object *o = NULL;

	while ((o = next_object(o)))
		swap_object_requeue(o);
}

/* The next index that has a slot of a. */
static bool next_in(struct object *o, const struct swap_area *a, uint64_t *index)
{
	bool found = false;

	spin_lock(&o->tree_lock);
	while (!found && radix_next(&o->slots, index, OBJECT_INDEX_MAX)) {
		uint32_t slot = slot_at(o, *index);

		found = slot && swap_area_of(slot) == a;
		*index += !found;
	}
	spin_unlock(&o->tree_lock);
	return found;
}

static int bring_back(struct object *o, const struct swap_area *a)
{
	int err = 0;

	for (uint64_t index = 0; !err && next_in(o, a, &index); index++) {
		struct frame *f = pagecache_get(o, index, &err);

		if (!f)
			break;
		err = frame_wait(f, FRAME_BUSY | FRAME_WRITEBACK, WAIT_KILLABLE);
		pagecache_dirty(o, f);
		frame_put(f);
		if (signal_pending())
			err = -EINTR;
	}
	return err;
}

int swap_objects_bring_back(const struct swap_area *a)
{
	struct object *o = NULL;
	int err = 0;

	while (!err && (o = next_object(o)))
		err = bring_back(o, a);
	if (o)
		object_put(o);
	return err;
}

/* --- what is known about it --- */

bool swap_object_has(struct object *o, uint64_t index)
{
	bool has;

	spin_lock(&o->tree_lock);
	has = radix_lookup(&o->frames, index) || item_at(o, index);
	spin_unlock(&o->tree_lock);
	return has;
}

bool swap_object_next(struct object *o, uint64_t *index, uint64_t last)
{
	uint64_t in_memory = *index;
	bool found, out;

	spin_lock(&o->tree_lock);
	found = radix_next(&o->frames, &in_memory, last) != NULL;
	out = radix_next(&o->slots, index, last) != NULL;
	spin_unlock(&o->tree_lock);
	if (found && (!out || in_memory < *index))
		*index = in_memory;
	return found || out;
}

bool swap_object_next_hole(struct object *o, uint64_t *index, uint64_t last)
{
	bool found;

	spin_lock(&o->tree_lock);
	do
		found = radix_next_hole(&o->frames, index, last) &&
			(!item_at(o, *index) || radix_next_hole(&o->slots, index, last));
	while (found && radix_lookup(&o->frames, *index));
	spin_unlock(&o->tree_lock);
	return found;
}

uint64_t swap_object_out(struct object *o, uint64_t first, uint64_t last)
{
	uint64_t n = 0;
	bool more;

	if (!o->nr_out)
		return 0;
	do {
		spin_lock(&o->tree_lock);
		for (uint32_t i = 0; i < DROP_BATCH; i++) {
			more = radix_next(&o->slots, &first, last);
			if (!more)
				break;
			n += !radix_lookup(&o->frames, first++);
		}
		spin_unlock(&o->tree_lock);
	} while (more && first <= last);
	return n;
}
