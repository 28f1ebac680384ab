#include "mm/fault.h"

#include "fs/file.h"
#include "kernel/panic.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/uapi/resource.h"
#include "kernel/uapi/signal.h"
#include "kernel/userfault.h"
#include "lib/page.h"
#include "mm/aspace.h"
#include "mm/commit.h"
#include "mm/pagecache.h"
#include "mm/pagetable.h"
#include "mm/policy.h"
#include "mm/stat.h"
#include "mm/swap.h"
#include "mm/thp.h"
#include "mm/tlb.h"
#include "mm/writeback.h"

/*
 * The page fault, top to bottom. vm_fault looks the area up under the aspace lock and hands the
 * fault to the one of four cases it is: an entry that is valid already (permission, copy on
 * write), anonymous memory, an object's page, or a hole. None of them waits: what has to wait is
 * noted in struct fault, all locks are dropped, settle() does the waiting, and all starts again.
 */

#define FAULT_AROUND 16		  /* pages mapped around a file fault, the window is aligned */
#define STACK_GAP    (256UL * PAGE_SIZE) /* kept free between a stack and the area below */
#define VM_RETRY     1

enum fault_need {
	NEED_FRAME,	/* a frame: `zeroed` says of what sort */
	NEED_TABLE,	/* memory for a page table */
	NEED_PAGE,	/* the object's page `index` in the cache */
	NEED_SETTLED,	/* `frame` to be neither BUSY nor WRITEBACK */
	NEED_WRITABLE,	/* the object's page `index` reserved for writing and dirty */
	NEED_STACK,	/* the area above va grown down to it */
	NEED_SWAP,	/* what is in `slot` */
	NEED_USER,	/* what user space has to do about it */
};

struct fault {
	struct aspace *as;
	uaddr_t va;		/* page aligned */
	uint64_t index;		/* in the object, while settling */
	enum vm_access access;
	enum fault_need need;
	struct vma *vma;	/* under the aspace lock only */
	struct object *object;	/* referenced while settling */
	struct file *file;	/* the same */
	struct frame *frame;	/* the same */
	struct frame *spare;	/* a frame that settle() got for us */
	struct frame *held;	/* one that settle() brought in, so that it is there */
	uint32_t slot;
	bool major;
	struct userfault_wait user;
	int *signal, *code;	/* what the program gets if it fails */
};

static int fail(struct fault *f, int signal, int code)
{
	*f->signal = signal;
	*f->code = code;
	return -EFAULT;
}

static int retry(struct fault *f, enum fault_need need)
{
	f->need = need;
	return VM_RETRY;
}

/* Wait for something of the area's object: references keep it alive without the lock. */
static int retry_object(struct fault *f, enum fault_need need)
{
	f->object = object_get(f->vma->object);
	f->file = f->vma->file ? file_get(f->vma->file) : NULL;
	f->index = vma_index(f->vma, f->va);
	return retry(f, need);
}

static inline struct frame *take_frame(struct fault *f, unsigned flags)
{
	struct frame *frame = f->spare;

	if (unlikely(frame)) {
		f->spare = NULL;
		if (flags & FRAME_ZEROED)
			page_zero(frame_data(frame));
	} else {
		frame = frame_alloc(0, flags);
		if (!frame)
			return NULL;
	}
	frame_make_anon(frame);
	/* By readers of the aspace, all of whom write the same. */
	if (unlikely(!(f->vma->flags & VMA_DIRTIED)))
		f->vma->flags |= VMA_DIRTIED;
	return frame;
}

/* The page was taken, but somebody else has filled the entry. */
static void give_back(struct frame *frame)
{
	frame->counts = 1;
	frame_free(frame, 0);
}

/* A fault was for A alone: entries for what may be used soon are better made with A set. */
static bool software_sets_a;

/* --- what user space decides --- */

/* was: the entry as it was when we looked. */
static __slow int fault_user(struct fault *f, struct frame *leaf, pte_t was)
{
	if (!userfault_post(f->vma, f->va, f->access, was != 0, &f->user))
		return fail(f, SIGBUS, BUS_ADRERR);
	/* Who was faster has woken those who waited already. */
	if (__atomic_load_n(pt_entry(leaf, f->va), __ATOMIC_RELAXED) != was)
		userfault_cancel(&f->user);
	return retry(f, NEED_USER);
}

/* --- anonymous memory --- */

static int fault_anon(struct fault *f, struct frame *leaf)
{
	pte_t *e = pt_entry(leaf, f->va);
	struct frame *frame;

	if (!(f->access & VM_WRITE_ACCESS)) {
		leaf_lock(leaf);
		if (!*e)
			*e = pte_user(zero_page_pa, f->vma->prot, false) | PTE_SPECIAL;
		leaf_unlock(leaf);
		vm_event(VM_ZERO_FAULT);
		return 0;
	}
	if (thp_fault(f->vma, f->va, leaf))
		return 0;
	frame = take_frame(f, FRAME_ZEROED);
	if (!frame)
		return retry(f, NEED_FRAME);
	if (f->vma->prot & PROT_EXEC)
		icache_ready(&frame, 1);
	leaf_lock(leaf);
	if (likely(!*e)) {
		pt_set_anon(leaf, e, frame, pte_user(frame_pa(frame), f->vma->prot, true));
		frame = NULL;
	}
	leaf_unlock(leaf);
	if (unlikely(frame))
		give_back(frame);
	vm_event(VM_ANON_FAULT);
	return 0;
}

/* --- copy on write --- */

/*
 * Put a private copy of what the entry shows in its place. src: the frame it shows, or would show,
 * with a reference that is dropped, NULL for zeros; was: the entry as it was when we looked, under
 * the leaf lock in the end.
 */
static int copy_page(struct fault *f, struct frame *leaf, pte_t *e, pte_t was, struct frame *src)
{
	struct frame *frame = take_frame(f, src ? 0 : FRAME_ZEROED);

	if (!frame) {
		if (src)
			frame_put(src);
		return retry(f, NEED_FRAME);
	}
	if (src)
		page_copy(frame_data(frame), frame_data(src));
	if (f->vma->prot & PROT_EXEC)
		icache_ready(&frame, 1);
	pt_lock(leaf);
	if (*e != was ||
	    (src && frame_type(src) == FRAME_OBJECT && src->object != f->vma->object)) {
		pt_unlock(leaf);
		give_back(frame);
		if (src)
			frame_put(src);
		return 0; /* somebody was faster: the access is tried again, and if need be faults
			   */
	}
	if (was) {
		if (src) {
			policy_copied(src);
			pt_leave(leaf, e, src);
		}
		/* Nobody may see the old page once somebody has written to the new one. */
		*e = 0;
		tlb_flush_pinned(f->as, f->va, f->va + PAGE_SIZE);
	}
	pt_set_anon(leaf, e, frame, pte_user(frame_pa(frame), f->vma->prot, true));
	pt_unlock(leaf);
	if (src)
		frame_drop(src, was ? FRAME_MAP_ONE + 1 : 1);
	vm_event(VM_COW);
	return 0;
}

/* A write to a private entry that is valid and read-only. */
static int fault_cow(struct fault *f, struct frame *leaf, pte_t was)
{
	pte_t *e = pt_entry(leaf, f->va);
	struct frame *src;
	bool anon;

	if (unlikely(was & (PTE_SPECIAL | PTE_UFFD_WP))) {
		if ((was & PTE_UFFD_WP) && (f->vma->flags & VMA_UFFD_WP))
			return fault_user(f, leaf, was);
		if (pte_special(was))
			return thp_fault(f->vma, f->va, leaf) ? 0
							      : copy_page(f, leaf, e, was, NULL);
	}
	leaf_lock(leaf);
	if (*e != was) {
		leaf_unlock(leaf);
		return 0;
	}
	src = pte_frame(was);
	anon = frame_type(src) == FRAME_ANON;
	if (anon && src->maps == 1 && swap_take_over(src)) {
		/* Nobody else has it: take it over. */
		src->pte = e;
		*e = pte_user(frame_pa(src), f->vma->prot, true);
		leaf_unlock(leaf);
		tlb_flush_local(f->va);
		vm_event(VM_COW_REUSE);
		return 0;
	}
	frame_get(src);
	leaf_unlock(leaf);
	if (anon)
		frame_hint(src, FRAME_FORK_COPIED);
	return copy_page(f, leaf, e, was, src);
}

/* --- private pages that are swapped out --- */

/*
 * The page is in memory, or being read or written: that frame is mapped, read-only while other
 * entries name the slot, and as long as nobody writes, so that the copy in the slot stays good.
 */
static int fault_swap(struct fault *f, struct frame *leaf, pte_t was)
{
	struct frame *frame = swap_find(pte_slot(was));
	pte_t *e = pt_entry(leaf, f->va);
	bool write = f->access & VM_WRITE_ACCESS;

	if (!frame || frame_has(frame, FRAME_BUSY)) {
		f->slot = pte_slot(was);
		f->held = frame;
		return retry(f, NEED_SWAP);
	}
	if (f->vma->prot & PROT_EXEC)
		icache_ready(&frame, 1);
	pt_lock(leaf);
	if (*e == was && frame->slot == pte_slot(was)) {
		bool enter = !frame->maps && !frame_has(frame, FRAME_QUEUED);

		leaf->entries -= PT_COUNT_SWAP;
		if (!frame->maps)
			frame->pte = e;
		frame_map(frame);
		leaf->entries += PT_COUNT_ANON;
		if (enter)
			policy_enter(frame, swap_shadow_take(pte_slot(was)));
		swap_drop(pte_slot(was));
		write = write && !(was & PTE_UFFD_WP) && frame->maps == 1 && swap_take_over(frame);
		was &= PTE_UFFD_WP;
		__atomic_store_n(e, was | pte_user(frame_pa(frame), f->vma->prot, write),
				 __ATOMIC_RELEASE);
	}
	pt_unlock(leaf);
	frame_put(frame);
	return 0;
}

/* --- pages of objects --- */

/* A write to a shared entry that is valid and read-only, or about to be made. */
static int need_writable(struct fault *f, struct frame *frame)
{
	if (frame_has(frame, FRAME_WRITEBACK)) {
		f->frame = frame_get(frame);
		return retry(f, NEED_SETTLED);
	}
	return retry_object(f, NEED_WRITABLE);
}

static int fault_shared_write(struct fault *f, struct frame *leaf, pte_t was)
{
	pte_t *e = pt_entry(leaf, f->va);
	struct frame *frame;
	int err = 0;

	leaf_lock(leaf);
	frame = *e == was ? pte_frame(was) : NULL;
	if (frame && pt_writable_now(frame))
		*e = pte_user(frame_pa(frame), f->vma->prot, true);
	else if (frame)
		err = need_writable(f, frame);
	leaf_unlock(leaf);
	if (!err)
		tlb_flush_local(f->va);
	return err;
}

/*
 * The aligned window of pages around the fault that lies in the area, its leaf table, the object.
 */
static uint32_t window(const struct fault *f, uaddr_t *start, uint64_t *first)
{
	const struct vma *v = f->vma;
	uint64_t pages = DIV_ROUND_UP(v->object->size, PAGE_SIZE);
	uaddr_t end;

	*start = MAX(ALIGN_DOWN(f->va, FAULT_AROUND * PAGE_SIZE), v->start);
	end = MIN(ALIGN_DOWN(f->va, FAULT_AROUND * PAGE_SIZE) + FAULT_AROUND * PAGE_SIZE, v->end);
	*first = vma_index(v, *start);
	if (pages <= vma_index(v, f->va))
		return ((f->va - *start) >> PAGE_SHIFT) + 1; /* truncated since we looked */
	return MIN((end - *start) >> PAGE_SHIFT, pages - *first);
}

/* Map what the cache has around the fault, read-only unless that page may be written to at once. */
static __attribute__((noinline)) int map_around(struct fault *f, struct frame *leaf)
{
	struct vma *v = f->vma;
	struct frame *frames[FAULT_AROUND];
	uaddr_t start;
	uint64_t first;
	uint32_t n = window(f, &start, &first), here = (f->va - start) >> PAGE_SHIFT;
	uint32_t mapped = 0, left = 0;
	bool write = f->access & VM_WRITE_ACCESS;
	bool writable = !vma_private(v) && (v->prot & PROT_WRITE);
	const pte_t bits = pte_user(0, v->prot, false);
	/* Hardware that sets A tells later which neighbours were of use. */
	const pte_t around = software_sets_a ? bits : bits & ~PTE_A;
	pte_t *e = pt_entry(leaf, start);
	int err = 0;

	if (icache_stale(pagecache_gather(v->object, first, frames, n)) && (v->prot & PROT_EXEC))
		icache_ready(frames, n);
	leaf_lock(leaf);
	if (!frames[here] && !e[here])
		err = retry_object(f, NEED_PAGE);
	else if (write && frames[here] && !pt_writable_now(frames[here]))
		err = need_writable(f, frames[here]);
	/* Contents before the entries that make them reachable. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (uint32_t i = 0; i < n; i++) {
		struct frame *frame = frames[i];
		pte_t p = i == here ? bits : around;

		if (!frame)
			continue;
		/* Its identity again: truncate takes a frame out first and looks here then. */
		if (e[i] || frame->object != v->object || (i == here && err)) {
			frames[left++] = frame;
			continue;
		}
		if (writable && (i != here || write) && pt_writable_now(frame))
			p |= PTE_W | PTE_D;
		/* Our reference is the mapping's now. */
		__atomic_fetch_add(&frame->maps, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&e[i], p | pte_ppn(frame_pa(frame)), __ATOMIC_RELAXED);
		mapped++;
	}
	leaf->entries += mapped * PT_COUNT_OBJECT;
	leaf_unlock(leaf);
	while (left)
		frame_put(frames[--left]);
	vm_event(VM_FILE_FAULT);
	vm_event_add(VM_FAULT_AROUND, mapped);
	return err;
}

static int fault_object(struct fault *f, struct frame *leaf)
{
	struct object *o = f->vma->object;
	uint64_t index = vma_index(f->vma, f->va);
	struct frame *src;

	if (index >= DIV_ROUND_UP(o->size, PAGE_SIZE))
		return fail(f, SIGBUS, BUS_ADRERR);
	if (!vma_private(f->vma) || !(f->access & VM_WRITE_ACCESS))
		return map_around(f, leaf);
	/* A private copy of the file's page. */
	src = pagecache_find(o, index);
	if (!src || frame_has(src, FRAME_BUSY)) {
		if (src)
			frame_put(src);
		return retry_object(f, NEED_PAGE);
	}
	return copy_page(f, leaf, pt_entry(leaf, f->va), 0, src);
}

/* --- the common part --- */

/* The entry is valid, or PROT_NONE's. */
static int fault_present(struct fault *f, struct frame *leaf, pte_t was)
{
	pte_t *e = pt_entry(leaf, f->va);
	pte_t bits = PTE_A;

	if ((f->access & VM_WRITE_ACCESS) && !(was & PTE_W))
		return vma_private(f->vma) ? fault_cow(f, leaf, was)
					   : fault_shared_write(f, leaf, was);
	/* Hardware that leaves A and D to us, a stale translation, a thread that was faster. */
	if (!(was & PTE_A) && aspace_exclusive(f->as))
		software_sets_a = true;
	if (f->access & VM_WRITE_ACCESS)
		bits |= PTE_D;
	leaf_lock(leaf);
	if (unlikely(leaf->word & FRAME_HUGE))
		__atomic_fetch_or(pt_l1_entry(f->as, f->va), bits, __ATOMIC_RELAXED);
	else if (*e == was)
		*e = was | bits;
	leaf_unlock(leaf);
	tlb_flush_local(f->va);
	return 0;
}

/* May the area be grown down to the fault? With the stack's limit in between, and the gap. */
static __slow bool stack_reaches(struct aspace *as, struct vma *v, uaddr_t va)
{
	struct vma *below = v->prev;
	uint64_t size = v->end - va, limit = rlimit_get(RLIMIT_STACK);

	if (!(v->flags & VMA_GROWSDOWN) || size > limit || va < MMAP_MIN_ADDR)
		return false;
	if (below && (below->prot & 7) && !(below->flags & VMA_GROWSDOWN) &&
	    va - below->end < STACK_GAP)
		return false;
	size = (v->start - va) >> PAGE_SHIFT;
	return !aspace_may_grow(as, size, false) &&
	       !((v->flags & VMA_ACCOUNT) && commit_allowed(size));
}

static bool allowed(const struct vma *v, enum vm_access access)
{
	if (access & VM_WRITE_ACCESS)
		return v->prot & PROT_WRITE;
	if (access & VM_EXEC_ACCESS)
		return v->prot & PROT_EXEC;
	if (access & VM_SWAP_ACCESS)
		return true;
	/* W implies R; a page that is executable only is not readable. */
	return v->prot & (PROT_READ | PROT_WRITE);
}

/* One attempt, the aspace lock held as reader. 0, VM_RETRY with f->need set, or -errno. */
static int fault_once(struct fault *f)
{
	struct vma *v = vma_find(&f->as->areas, f->va);
	struct frame *leaf;
	pte_t e;

	f->vma = v;
	if (unlikely(!v))
		return fail(f, SIGSEGV, SEGV_MAPERR);
	if (unlikely(f->va < v->start)) {
		if (!stack_reaches(f->as, v, f->va))
			return fail(f, SIGSEGV, SEGV_MAPERR);
		return retry(f, NEED_STACK);
	}
	if (unlikely(!allowed(v, f->access)))
		return fail(f, SIGSEGV, SEGV_ACCERR);
	leaf = pt_leaf_create(f->as, f->va);
	if (unlikely(!leaf))
		return retry(f, NEED_TABLE);
	e = __atomic_load_n(pt_entry(leaf, f->va), __ATOMIC_RELAXED);
	if (pte_present(e))
		return fault_present(f, leaf, e);
	if (unlikely(e))
		return pte_is_swap(e) ? fault_swap(f, leaf, e) : 0;
	if (unlikely((f->access | v->flags) & VMA_UFFD_MISSING))
		return f->access & VM_SWAP_ACCESS ? 0 : fault_user(f, leaf, 0);
	return v->object ? fault_object(f, leaf) : fault_anon(f, leaf);
}

/* Grow the area above va down to it, as writer, everything checked again. */
static int grow_stack(struct fault *f)
{
	struct vma *v;
	int err = 0;

	rwlock_write(&f->as->lock);
	v = vma_find(&f->as->areas, f->va);
	if (!v || (f->va < v->start && !stack_reaches(f->as, v, f->va)))
		err = fail(f, SIGSEGV, SEGV_MAPERR);
	else if (f->va < v->start)
		aspace_area_resize(v, f->va, v->end);
	rwlock_write_unlock(&f->as->lock);
	return err;
}

static int settle_writable(struct fault *f)
{
	struct object *o = f->object;
	uint64_t pos = f->index << PAGE_SHIFT, size = o->size;
	struct frame *frame;
	int err = 0;

	if (pos >= size)
		return 0; /* the next attempt says SIGBUS */
	if (o->ops->write_pages)
		writeback_throttle();
	frame = pagecache_get(o, f->index, &err);
	if (!frame)
		return err;
	/* What is there already in tmpfs has its room. */
	if (o->ops->write_pages)
		err = object_make_writable(o, f->index, 0, MIN(PAGE_SIZE, size - pos));
	if (!err)
		pagecache_dirty(o, frame);
	frame_put(frame);
	return err;
}

/* An object could not deliver: SIGBUS, unless we are dying anyway. */
static int object_error(struct fault *f, int err)
{
	if (err == -EINTR || err == -ENOMEM)
		return err == -EINTR ? -ERESTARTNOINTR : -ENOMEM;
	return fail(f, SIGBUS, BUS_ADRERR);
}

/* Do what the attempt was short of, without any lock. 0: try again. */
static __slow int settle(struct fault *f)
{
	struct frame *frame;
	int err = 0;

	switch (f->need) {
	case NEED_FRAME:
		f->spare = frame_alloc_wait(0, 0);
		return f->spare ? 0 : -ENOMEM;
	case NEED_TABLE:
		/* Have one reclaimed, and compete for it again. */
		frame = frame_alloc_wait(0, 0);
		if (!frame)
			return -ENOMEM;
		frame_free(frame, 0);
		return 0;
	case NEED_PAGE:
		f->major = true;
		frame = pagecache_get(f->object, f->index, &err);
		if (frame)
			frame_put(frame);
		break;
	case NEED_SETTLED:
		err = frame_wait(f->frame, FRAME_BUSY | FRAME_WRITEBACK, WAIT_KILLABLE);
		frame_put(f->frame);
		return err ? -ERESTARTNOINTR : 0;
	case NEED_WRITABLE:
		err = settle_writable(f);
		break;
	case NEED_SWAP:
		if (f->held)
			err = frame_wait(f->held, FRAME_BUSY, WAIT_KILLABLE);
		else
			err = swap_in(f->slot, &f->held);
		f->major = true;
		return err ? object_error(f, err) : 0;
	case NEED_STACK:
		return grow_stack(f);
	case NEED_USER:
		return userfault_wait(&f->user);
	}
	object_put(f->object);
	if (f->file)
		file_put(f->file);
	return err ? object_error(f, err) : 0;
}

int vm_fault(struct aspace *as, uaddr_t va, enum vm_access access, int *signal, int *code)
{
	struct fault f; /* what is missing here, whoever returns VM_RETRY sets */
	int err;

	f.as = as;
	f.va = ALIGN_DOWN(va, PAGE_SIZE);
	f.access = access;
	f.signal = signal;
	f.code = code;
	f.spare = f.held = NULL;
	f.major = false;
	vm_event(VM_PGFAULT);
	for (;;) {
		struct frame *held = f.held;

		f.held = NULL;
		rwlock_read(&as->lock);
		err = fault_once(&f);
		rwlock_read_unlock(&as->lock);
		if (unlikely(held))
			frame_put(held);
		if (likely(err != VM_RETRY))
			break;
		err = settle(&f);
		if (err)
			break;
	}
	if (unlikely(f.held))
		frame_put(f.held);
	if (unlikely(f.spare))
		frame_free(f.spare, 0);
	if (unlikely(f.major)) {
		vm_event(VM_PGMAJFAULT);
		current()->majflt++;
	} else {
		current()->minflt++;
	}
	return err;
}
