#include "mm/aspace.h"

#include "fs/file.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/thread.h"
#include "kernel/uapi/resource.h"
#include "kernel/userfault.h"
#include "lib/ref.h"
#include "mm/areas.h"
#include "mm/commit.h"
#include "mm/init.h"
#include "mm/object.h"
#include "mm/pagetable.h"
#include "mm/tlb.h"

struct spinlock aspaces_lock = SPINLOCK_INIT("address spaces", RANK_QUEUE);
LIST_HEAD(aspaces);
uint64_t max_map_count = 65530;
static struct kmem_cache *aspace_cache;

#define MMAP_GAP (128 * MiB) /* for the stack, below USER_TOP; exec knows better */

bool aspace_exclusive(const struct aspace *as)
{
	int refs = as->refs;

	return refs == 0 || (refs == 1 && current()->aspace == as);
}

struct aspace *aspace_create(void)
{
	struct aspace *as = kmem_cache_zalloc(aspace_cache);

	if (!as)
		return NULL;
	as->refs = 1;
	rwlock_init(&as->lock, "aspace", RANK_ASPACE);
	spin_init(&as->l1_lock, "aspace l1", RANK_L1);
	as->mmap_top = USER_TOP - MMAP_GAP;
	if (pt_create(as)) {
		kmem_cache_free(aspace_cache, as);
		return NULL;
	}
	spin_lock(&aspaces_lock);
	list_add_tail(&as->link, &aspaces);
	spin_unlock(&aspaces_lock);
	return as;
}

struct aspace *aspace_get(struct aspace *as)
{
	as->refs++;
	return as;
}

bool aspace_try_get(struct aspace *as)
{
	return ref_try_get(&as->refs);
}

/*
 * While an area changes it is out of its object's set, and the object locked: whoever looks
 * through the object sees it as it was or as it will be.
 */
static void area_out(struct vma *v)
{
	if (!v->object)
		return;
	mutex_lock(&v->object->lock);
	object_remove_area(v->object, v);
}

static void area_in(struct vma *v)
{
	if (!v->object)
		return;
	object_add_area(v->object, v);
	mutex_unlock(&v->object->lock);
}

static inline bool is_data(uint32_t prot, uint32_t flags)
{
	return (prot & PROT_WRITE) && !(flags & (VMA_SHARED | VMA_STACK | VMA_GROWSDOWN));
}

/* Pages enter (n > 0) or leave the accounts. */
static inline void account(struct vma *v, int64_t pages)
{
	struct aspace *as = v->as;

	as->pages += pages;
	if (is_data(v->prot, v->flags))
		as->data_pages += pages;
	if (v->flags & VMA_LOCKED)
		as->locked_pages += pages;
	if (v->flags & VMA_ACCOUNT)
		commit_add(pages);
}

void aspace_adopt(struct aspace *as, struct vma *v)
{
	v->as = as;
	account(v, vma_pages(v));
	if (v->object) {
		mutex_lock(&v->object->lock);
		object_add_area(v->object, v);
		object_count_area(v->object, 1);
		mutex_unlock(&v->object->lock);
	}
}

void aspace_enter(struct aspace *as, struct vma *v)
{
	vma_insert(&as->areas, v);
	aspace_adopt(as, v);
}

void aspace_area_change(struct vma *v, uint32_t prot, uint32_t flags)
{
	int64_t pages = (int64_t)vma_pages(v);
	uint32_t differ = v->flags ^ flags;

	v->as->data_pages += pages * (is_data(prot, flags) - is_data(v->prot, v->flags));
	if (differ & VMA_LOCKED)
		v->as->locked_pages += flags & VMA_LOCKED ? pages : -pages;
	if (differ & VMA_ACCOUNT)
		commit_add(flags & VMA_ACCOUNT ? pages : -pages);
	area_out(v);
	v->prot = prot;
	v->flags = flags;
	area_in(v);
}

static void area_free(struct vma *v)
{
	if (v->object)
		object_put(v->object);
	if (v->file)
		file_put(v->file);
	vma_free(v);
}

inline struct vma *aspace_area_copy(const struct vma *v, uaddr_t start, uaddr_t end)
{
	struct vma *copy = vma_alloc();

	if (!copy)
		return NULL;
	copy->prot = v->prot;
	copy->flags = v->flags;
	if (v->flags & VMA_UFFD)
		copy->userfault = v->userfault;
	copy->start = start;
	copy->end = end;
	copy->as = v->as;
	copy->index = vma_index(v, start);
	copy->object = v->object ? object_get(v->object) : NULL;
	copy->file = v->file ? file_get(v->file) : NULL;
	return copy;
}

void aspace_area_resize(struct vma *v, uaddr_t start, uaddr_t end)
{
	int64_t more = ((int64_t)(end - start) - (int64_t)(v->end - v->start)) / (int64_t)PAGE_SIZE;

	area_out(v);
	v->index += ((int64_t)start - (int64_t)v->start) / (int64_t)PAGE_SIZE;
	vma_resize(&v->as->areas, v, start, end);
	area_in(v);
	account(v, more);
}

struct vma *aspace_split(struct vma *v, uaddr_t va)
{
	struct vma *upper = aspace_area_copy(v, va, v->end);

	if (!upper)
		return NULL;
	/* The part that is still the stack is the upper one, which holds sp. */
	v->flags &= ~VMA_STACK;
	area_out(v);
	vma_split(&v->as->areas, v, upper);
	if (v->object) {
		object_add_area(v->object, upper);
		object_count_area(v->object, 1);
	}
	area_in(v);
	return upper;
}

static void merge_two(struct vma *a, struct vma *b)
{
	area_out(a);
	if (a->object) {
		object_remove_area(a->object, b);
		object_count_area(a->object, -1);
	}
	a->flags |= b->flags & VMA_DIRTIED;
	vma_join(&a->as->areas, a, b);
	area_in(a);
	area_free(b);
}

void aspace_merge(struct aspace *as, uaddr_t start, uaddr_t end)
{
	aspace_merge_from(vma_find(&as->areas, start), end);
}

void aspace_merge_from(struct vma *v, uaddr_t end)
{
	struct vma *next;

	if (v && v->prev)
		v = v->prev;
	while (v && (next = v->next) && next->start <= end) {
		if (vma_mergeable(v, next))
			merge_two(v, next);
		else
			v = next;
	}
}

int aspace_may_grow(struct aspace *as, uint64_t pages, bool data)
{
	uint64_t bytes = pages << PAGE_SHIFT;

	if (!current()->process)
		return 0;
	if ((as->pages << PAGE_SHIFT) + bytes > rlimit_get(RLIMIT_AS))
		return -ENOMEM;
	if (data && (as->data_pages << PAGE_SHIFT) + bytes > rlimit_get(RLIMIT_DATA))
		return -ENOMEM;
	return 0;
}

uaddr_t aspace_hole(struct aspace *as, uaddr_t hint, size_t len, size_t align)
{
	hint = ALIGN_DOWN(hint, PAGE_SIZE);
	if (unlikely(hint >= MMAP_MIN_ADDR) && hint < USER_TOP && len <= USER_TOP - hint) {
		struct vma *v = vma_find(&as->areas, hint);

		if (!v || v->start >= hint + len)
			return hint;
	}
	hint = vma_hole(&as->areas, MMAP_MIN_ADDR, as->mmap_top, len, align);
	/* Then above, where the stack does not need it yet. */
	return hint ? hint : vma_hole(&as->areas, as->mmap_top, USER_TOP, len, align);
}

/* Is v what a mapping of anonymous memory would be? */
static bool anon_like(const struct vma *v, uint32_t prot, uint32_t flags)
{
	return v->prot == prot && !((v->flags ^ flags) & ~VMA_DIRTIED) && !v->object && !v->file &&
	       !(flags & VMA_STACK);
}

int aspace_map_locked(struct aspace *as, uaddr_t addr, size_t len, uint32_t prot, uint32_t flags,
		      struct object *o, struct file *file, uint64_t index)
{
	struct vma *next = vma_find(&as->areas, addr), *prev = vma_below(&as->areas, next), *v;
	uaddr_t end = addr + len;

	/* The usual: anonymous memory that continues what lies below or above. */
	if (!o && prev && prev->end == addr && anon_like(prev, prot, flags)) {
		aspace_area_resize(prev, prev->start, end);
		if (next && vma_mergeable(prev, next))
			merge_two(prev, next);
		return 0;
	}
	if (!o && next && next->start == end && anon_like(next, prot, flags)) {
		aspace_area_resize(next, addr, next->end);
		return 0;
	}
	v = vma_alloc();
	if (!v)
		return -ENOMEM;
	v->start = addr;
	v->end = end;
	v->prot = prot;
	v->flags = flags;
	v->object = o ? object_get(o) : NULL;
	v->file = file ? file_get(file) : NULL;
	v->index = index;
	vma_insert_below(&as->areas, next, v);
	aspace_adopt(as, v);
	if (o)
		aspace_merge_from(v, end);
	return 0;
}

/* Whoever comes through the object finds v no more. */
static void leave_object(struct vma *v)
{
	area_out(v);
	if (v->object) {
		object_count_area(v->object, -1);
		mutex_unlock(&v->object->lock);
	}
}

int aspace_unmap_locked(struct aspace *as, uaddr_t start, uaddr_t end, struct vma **dead)
{
	struct vma *v = vma_find(&as->areas, start), *next, *last, *before = *dead;
	struct tlb_batch batch;
	uaddr_t floor, ceiling;

	if (!v || v->start >= end)
		return 0;
	for (last = v; last && last->start < end; last = last->next)
		if (last->flags & VMA_SEALED)
			return -EPERM;
	/* A hole in the middle makes two areas of one. */
	if (v->start < start && v->end > end && as->areas.count >= max_map_count)
		return -ENOMEM;
	if (v->start < start && !(v = aspace_split(v, start)))
		return -ENOMEM;
	last = end <= v->end ? v : vma_find(&as->areas, end - 1);
	if (!last || last->start >= end)
		last = vma_below(&as->areas, last);
	if (end < last->end && !aspace_split(last, end))
		return -ENOMEM;
	aspace_own_span(v, last, &floor, &ceiling);
	if (pt_unshare(as, v->start, last->end, floor, ceiling))
		return -ENOMEM;
	for (; v && v->start < end; v = next) {
		next = v->next;
		account(v, -(int64_t)vma_pages(v));
		if (unlikely(v->flags & VMA_UFFD))
			userfault_wake(v->userfault, v->start, v->end);
		vma_remove(&as->areas, v);
		leave_object(v);
		v->next = *dead;
		*dead = v;
	}
	tlb_batch_begin(&batch, as, aspace_exclusive(as));
	/* Area by area: entries lie nowhere else. */
	for (struct vma *d = *dead; d != before; d = d->next)
		pt_unmap(as, d->start, d->end, &batch);
	if (ceiling - floor >= L1_SIZE)
		pt_free_leaves(as, floor, ceiling, &batch);
	tlb_batch_end(&batch);
	return 0;
}

void aspace_bury(struct vma *dead)
{
	while (dead) {
		struct vma *v = dead;

		dead = v->next;
		area_free(v);
	}
}

/* The most pages that were resident, as far as anyone looked: now, for one. */
static uint64_t aspace_destroy(struct aspace *as)
{
	struct vma *all = vma_first(&as->areas);
	int64_t promised = 0;
	uint64_t peak;

	tlb_leave(as);
	userfault_space_gone(as);
	spin_lock(&aspaces_lock);
	list_del(&as->link);
	spin_unlock(&aspaces_lock);
	/* Only those who come through an object are left: the set of areas goes as it is. */
	for (struct vma *v = all; v; v = v->next) {
		leave_object(v);
		promised += v->flags & VMA_ACCOUNT ? vma_pages(v) : 0;
	}
	commit_add(-promised);
	peak = pt_unmap_all(as, all);
	peak = MAX(peak, as->peak_rss);
	aspace_bury(all);
	pt_destroy(as);
	kmem_cache_free(aspace_cache, as);
	return peak;
}

bool aspace_put_last(struct aspace *as, uint64_t *peak_rss)
{
	if (!ref_put_last(&as->refs))
		return false;
	*peak_rss = aspace_destroy(as);
	return true;
}

void aspace_put(struct aspace *as)
{
	if (as && --as->refs == 0)
		aspace_destroy(as);
}

struct aspace *aspace_next(struct aspace *as)
{
	struct aspace *next, *found = NULL;

	spin_lock(&aspaces_lock);
	next = as ? list_next_entry(as, link) : list_first_entry(&aspaces, struct aspace, link);
	for (; &next->link != &aspaces && !found; next = list_next_entry(next, link))
		if (aspace_try_get(next))
			found = next;
	spin_unlock(&aspaces_lock);
	aspace_put(as);
	return found;
}

void aspace_set_layout(struct aspace *as, const struct exec_layout *l)
{
	rwlock_write(&as->lock);
	as->layout = *l;
	as->brk = l->start_brk;
	rwlock_write_unlock(&as->lock);
}

long aspace_map(struct aspace *as, uaddr_t addr, size_t len, int prot, int flags, struct object *o,
		struct file *file, uint64_t offset)
{
	struct vma *dead = NULL;
	uint32_t vflags = VMA_MAYWRITE | ((flags & MAP_TYPE) != MAP_PRIVATE ? VMA_SHARED : 0);
	long err = -ENOMEM;

	len = ALIGN_UP(len, PAGE_SIZE);
	if (!len || len > USER_TOP || addr > USER_TOP - len || (addr & ~PAGE_MASK))
		return -EINVAL;
	if (flags & MAP_GROWSDOWN)
		vflags |= VMA_STACK | VMA_GROWSDOWN;
	vflags |= commit_flag(prot, vflags);
	rwlock_write(&as->lock);
	if (!addr)
		addr = aspace_hole(as, 0, len, PAGE_SIZE);
	if (!addr || aspace_may_grow(as, len >> PAGE_SHIFT, false) ||
	    ((vflags & VMA_ACCOUNT) && commit_allowed(len >> PAGE_SHIFT)))
		goto out;
	err = aspace_unmap_locked(as, addr, addr + len, &dead);
	if (!err)
		err = aspace_map_locked(as, addr, len, prot & 7, vflags, o, file,
					offset >> PAGE_SHIFT);
out:
	rwlock_write_unlock(&as->lock);
	aspace_bury(dead);
	return err ? err : (long)addr;
}

int aspace_unmap(struct aspace *as, uaddr_t addr, size_t len)
{
	struct vma *dead = NULL;
	int err;

	rwlock_write(&as->lock);
	err = aspace_unmap_locked(as, addr, addr + len, &dead);
	rwlock_write_unlock(&as->lock);
	aspace_bury(dead);
	return err;
}

void aspace_init(void)
{
	aspace_cache = kmem_cache_create("aspace", sizeof(struct aspace), 16);
}
