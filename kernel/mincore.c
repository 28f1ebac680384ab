/*
 * mincore(2): which pages of a range are in memory.
 */
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "mm/aspace.h"
#include "mm/pagecache.h"
#include "mm/pagetable.h"
#include "mm/usercopy.h"

/* One byte for each page of the area from addr: is it in memory? (a) */
static void mincore_area(struct vma *v, uaddr_t addr, uint8_t *vec, size_t n)
{
	for (size_t i = 0; i < n; i++, addr += PAGE_SIZE) {
		struct frame *leaf = pt_lock_leaf(v->as, addr), *f = NULL;

		vec[i] = leaf && pte_resident(*pt_entry(leaf, addr));
		if (leaf)
			pt_unlock(leaf);
		if (!vec[i] && v->object)
			f = pagecache_find(v->object, vma_index(v, addr));
		if (f) {
			vec[i] = !frame_has(f, FRAME_BUSY);
			frame_put(f);
		}
	}
}

SYSCALL3(mincore, uaddr_t, addr, size_t, len, uaddr_t, vec)
{
	struct aspace *as = current()->aspace;
	size_t pages = DIV_ROUND_UP(len, PAGE_SIZE);
	uint8_t part[256];

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr > USER_TOP || len > USER_TOP - addr)
		return -ENOMEM;
	if (vec > USER_TOP || pages > USER_TOP - vec)
		return -EFAULT;
	while (pages) {
		struct vma *v;
		size_t n = 0;

		rwlock_read(&as->lock);
		v = vma_at(&as->areas, addr);
		if (v) {
			n = MIN(pages, (v->end - addr) >> PAGE_SHIFT);
			n = MIN(n, sizeof(part));
			mincore_area(v, addr, part, n);
		}
		rwlock_read_unlock(&as->lock);
		if (!v)
			return -ENOMEM;
		if (copy_to_user(vec, part, n))
			return -EFAULT;
		vec += n;
		addr += n * PAGE_SIZE;
		pages -= n;
	}
	return 0;
}
