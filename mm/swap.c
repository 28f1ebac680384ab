#include "mm/swap.h"

#include "kernel/signal.h"
#include "kernel/swap/zswap.h"
#include "mm/aspace.h"
#include "mm/fault.h"
#include "mm/pagecache.h"
#include "mm/pagetable.h"

int swap_in(uint32_t slot, struct frame **held)
{
	struct frame *f = frame_alloc_wait(0, 0);
	int err;

	*held = NULL;
	if (!f)
		return -ENOMEM;
	f->word = FRAME_ANON | FRAME_BUSY | FRAME_ICACHE_STALE;
	f->slot = 0;
	f->pte = NULL;
	if (!swap_publish(slot, f)) {
		frame_put(f);
		return 0;
	}
	err = swap_read(slot, f); /* in use while the frame has it */
	/* Who comes next tries again. */
	if (err)
		swap_detach(f);
	frame_done(f, FRAME_BUSY);
	if (err)
		frame_put(f);
	else
		*held = f;
	return err;
}

/* The first address of [*va, end) whose page is in a slot that `which` wants. */
static bool find_swapped(struct aspace *as, swap_which *which, const struct swap_area *a,
			 uaddr_t *va, uaddr_t end)
{
	bool found = false;
	struct frame *leaf;

	rwlock_read(&as->lock);
	while (!found && (leaf = pt_lock_next(as, va, end))) {
		uaddr_t stop = pt_span_end(*va, end);
		const pte_t *e = pt_entry(leaf, *va);

		if (!pt_count(leaf, PT_COUNT_SWAP))
			*va = stop;
		for (; *va < stop && !found; *va += found ? 0 : PAGE_SIZE, e++)
			found = pte_is_swap(*e) && (!which || which(pte_slot(*e), a));
		pt_unlock(leaf);
	}
	rwlock_read_unlock(&as->lock);
	return found;
}

int swap_in_range(struct aspace *as, swap_which *which, const struct swap_area *a, uaddr_t va,
		  uaddr_t end)
{
	int err = 0, signal, code;

	for (; !err && find_swapped(as, which, a, &va, end); va += PAGE_SIZE) {
		err = vm_fault(as, va, VM_SWAP_ACCESS, &signal, &code);
		if (err == -EFAULT)
			err = signal == SIGBUS ? -EIO : 0; /* or the area is gone */
		if (!err && signal_pending())
			err = -EINTR;
	}
	return err;
}
