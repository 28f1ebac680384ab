/* mm/policy.c, told no more than the kernel tells it. */
#include "tests/host/shim/kernel.h"

#include <sys/mman.h>

#include "kernel/swap/zswap.h"
#include "mm/policy.h"
#include "tests/host/replace/replace.h"

_Atomic bool zswap_enabled; /* it never is */
_Atomic uint64_t swap_nr_writing;

#define FIRST 1u /* page number of the first frame: 0 ends lists */

static uint8_t *touched;    /* by page: its accessed bit */
static uint32_t *holds;	    /* by frame: the page */

static uint32_t page_of(const struct frame *f)
{
	return holds[frame_pfn(f) - FIRST];
}

bool page_accessed(struct frame *f)
{
	return touched[page_of(f)];
}

bool page_hold(struct frame *f, void **with)
{
	*with = f;
	return true;
}

/* All page tables: in the order of addresses, as tables are walked. */
static void harvest(uint32_t *frame_of_page, uint32_t pages)
{
	struct frame *used[64];
	uint32_t n = 0;

	for (uint32_t p = 0; p < pages; p++) {
		if (!touched[p] || !frame_of_page[p])
			continue;
		touched[p] = 0;
		used[n++] = FRAMES + frame_of_page[p];
		if (n == ARRAY_SIZE(used)) {
			policy_used(used, n);
			n = 0;
		}
	}
	policy_used(used, n);
	policy_epoch();
}

/* The program has ended: what is in memory is free, what went will not come back. */
static void forget(uint32_t *frame_of_page, uint32_t *shadow, uint32_t pages)
{
	for (uint32_t p = 0; p < pages; p++) {
		if (frame_of_page[p])
			policy_leave(FRAMES + frame_of_page[p]);
		else
			policy_forget(shadow[p]);
		frame_of_page[p] = shadow[p] = 0;
		touched[p] = 0;
	}
}

uint64_t replay_ours(const struct trace *t, uint32_t frames)
{
	uint32_t *frame_of_page = zeroed(t->pages, sizeof(uint32_t)), taken = 0;
	uint32_t *shadow = zeroed(t->pages, sizeof(uint32_t));
	uint8_t *known = zeroed(t->pages, 1);
	uint64_t in = 0;
	void *with;

	touched = zeroed(t->pages, 1);
	holds = zeroed(frames, sizeof(uint32_t));
	if (mmap((void *)FRAMES_BASE, (frames + FIRST) * sizeof(struct frame),
		 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		 0) == MAP_FAILED)
		abort();
	for (size_t i = 0; i < t->length; i++) {
		uint32_t p = t->page[i];
		struct frame *f;

		if (i && i == t->end) {
			forget(frame_of_page, shadow, t->pages);
			taken = 0;
		}
		if (!frame_of_page[p]) {
			if (taken < frames) {
				f = FRAMES + FIRST + taken++;
			} else {
				if (policy_due())
					harvest(frame_of_page, t->pages);
				f = policy_victim(&with);
				shadow[page_of(f)] = policy_shadow(f);
				frame_of_page[page_of(f)] = 0;
			}
			holds[frame_pfn(f) - FIRST] = p;
			frame_of_page[p] = frame_pfn(f);
			f->word = FRAME_ANON;
			/* What is new is found by the next harvest. */
			if (known[p])
				policy_enter(f, shadow[p]);
			shadow[p] = 0;
			in += known[p];
			known[p] = 1;
		}
		touched[p] = 1;
	}
	free(frame_of_page);
	free(shadow);
	free(known);
	free(touched);
	free(holds);
	return in;
}
