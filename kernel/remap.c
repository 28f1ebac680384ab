/*
 * remap_file_pages(2): other pages of the same object behind part of a shared mapping. As in Linux
 * that makes areas of their own, where there was once a table of single pages.
 */
#include "fs/file.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "mm/aspace.h"
#include "mm/mmap.h"
#include "mm/object.h"

/* Where an area ends, another like it begins? */
static bool goes_on(const struct vma *v)
{
	const struct vma *next = v->next;

	return next && next->start == v->end && next->object == v->object &&
	       next->file == v->file && next->prot == v->prot && next->flags == v->flags;
}

/*
 * The shared area that holds start; NULL: none, or not all up to end is of its kind. One that may
 * never be written to does not count as shared in Linux. (a)
 */
static struct vma *shared_area(struct aspace *as, uaddr_t start, uaddr_t end)
{
	struct vma *v = vma_at(&as->areas, start), *last = v;

	if (!v || !(v->flags & VMA_SHARED) || !(v->flags & VMA_MAYWRITE) || !v->object)
		return NULL;
	while (last->end < end && goes_on(last))
		last = last->next;
	return last->end >= end ? v : NULL;
}

/*
 * May the object still be mapped so? What seals or flags of the file forbid since it was mapped
 * first is forbidden here, too. Announced by the caller, as mmap(2) does it. 0, -EPERM, -EACCES.
 */
static int check_again(const struct object *o, struct file *f, uint32_t prot, uint32_t *flags)
{
	if (f && (file_map_mode(f) & FILE_MAP_GROW))
		return -EACCES;
	if (!o->write_sealed)
		return 0;
	*flags &= ~VMA_MAYWRITE;
	return prot & PROT_WRITE ? -EPERM : 0;
}

/* *filled: its pages are to be there at once. 0 or -errno; only -ENOMEM may leave a hole. */
static int remap(struct aspace *as, uaddr_t start, uaddr_t end, uint64_t index, bool *filled)
{
	struct vma *v, *dead = NULL;
	struct object *object;
	struct file *file;
	uint32_t prot, flags;
	int err;

	rwlock_write(&as->lock);
	v = shared_area(as, start, end);
	if (!v || as->areas.count + 2 > max_map_count) {
		rwlock_write_unlock(&as->lock);
		return v ? -ENOMEM : -EINVAL;
	}
	object = object_get(v->object);
	file = v->file ? file_get(v->file) : NULL;
	prot = v->prot;
	flags = v->flags & (VMA_SHARED | VMA_MAYWRITE | VMA_LOCKED | VMA_NORESERVE | VMA_ACCOUNT);
	object->nr_mapping++;
	err = check_again(object, file, prot, &flags);
	if (!err)
		err = aspace_unmap_locked(as, start, end, &dead);
	if (!err)
		err = aspace_map_locked(as, start, end - start, prot, flags, object, file, index);
	object->nr_mapping--;
	rwlock_write_unlock(&as->lock);
	aspace_bury(dead);
	object_put(object);
	if (file)
		file_put(file);
	*filled |= flags & VMA_LOCKED;
	return err;
}

SYSCALL5(remap_file_pages, uaddr_t, start, uint64_t, size, uint64_t, prot, uint64_t, index,
	 uint64_t, flags)
{
	struct aspace *as = current()->aspace;
	bool filled = !(flags & MAP_NONBLOCK);
	uaddr_t end;
	int err;

	start &= PAGE_MASK;
	size &= PAGE_MASK;
	end = start + size;
	if (prot || end <= start || index + (size >> PAGE_SHIFT) < index)
		return -EINVAL;
	if (index > (INT64_MAX - size) >> PAGE_SHIFT)
		return -EOVERFLOW;
	err = remap(as, start, end, index, &filled);
	if (!err && filled)
		(void)populate(as, start, end);
	return err;
}
