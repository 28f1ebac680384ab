/*
 * Who is in a slot of a swap area (area.h). One that holds a private page is in use
 * while entries of page tables name it, or a frame does: one that has the same contents, or is
 * about to. A frame and a slot name each other (the swap cache), without counting as a reference;
 * the tie ends when the frame's contents change or the frame is freed.
 */
#pragma once

#include "kernel/swap/area.h"
#include "mm/frame.h"

/*
 * f, ANON, is on its way out: it gets a slot if it has none (DIRTY then, as the slot does not hold
 * it), named by one entry more, which the caller makes; shadow: what the policy wants to know when
 * it comes back. False: none is free, or f's is retired and still named.
 */
bool swap_attach(struct frame *f, uint32_t shadow) __must_check;
/* End the tie of f with its slot. Any context. */
void swap_detach(struct frame *f);
/*
 * May f, mapped once, be written to? Only if no entry names its slot, which it gives up then; with
 * `keep` it gives up none: only if it has none.
 */
bool swap_take_from_slot(struct frame *f);
static inline bool swap_may_write(struct frame *f, bool keep)
{
	/* Looked at after the map count, which falls when an entry has come to name the slot. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (unlikely(f->slot) && (keep || !swap_take_from_slot(f)))
		return false;
	/* Who has come out of the slot mapped f before it gave the name up. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return likely(f->maps == 1);
}
static inline bool swap_take_over(struct frame *f)
{
	return swap_may_write(f, false);
}
/* One more entry names the slot; one less does. Any context. */
void swap_dup(uint32_t slot);
void swap_drop(uint32_t slot);
/*
 * f could not be written to its slot, which is not used again when those who name it have let go:
 * until then it holds f by a reference, taken over from the caller. False: nobody names it. Any
 * context.
 */
bool swap_retire(struct frame *f) __must_check;
bool swap_retired(uint32_t slot); /* one that is in use */
extern _Atomic uint64_t swap_kept; /* frames that retired slots hold */
/* Does one entry name it, and no frame? */
bool swap_exclusive(uint32_t slot);
/* The frame that has it, with a reference, or NULL. */
struct frame *swap_find(uint32_t slot);
/* Make f, new and BUSY, the one that has it. False: there is one, or no entry names it. */
bool swap_publish(uint32_t slot, struct frame *f) __must_check;
/* What swap_attach or swap_shadow_set was told, once. */
uint32_t swap_shadow_take(uint32_t slot);
void swap_shadow_set(uint32_t slot, uint32_t shadow);
/* A guess, of slot `at` of a. */
uint32_t swap_shadow_peek(const struct swap_area *a, uint32_t at);
/*
 * Keep slot `at` of a, which has something in zpool.c (false: it has not, or cannot be written), as
 * one entry more that names it would; then let it go, in any context.
 */
bool swap_slot_hold(struct swap_area *a, uint32_t at) __must_check;
void swap_slot_release(uint32_t slot);
extern _Atomic uint64_t swap_held; /* slots that are kept so */
/*
 * A slot for f, that an object names, as one entry would (swap_drop): object.h. 0: none is free.
 * Then, if it could not be written to: it is not used again. Any context.
 */
uint32_t swap_slot_take(const struct frame *f);
void swap_slot_retire(uint32_t slot);
/* Of slot `at` of a: the entries that name it, and its frame (NULL: none), with a reference. */
uint32_t swap_slot_users(struct swap_area *a, uint32_t at, struct frame **f);
