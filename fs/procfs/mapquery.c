/*
 * procfs: the area at an address, without the text of all (PROCMAP_QUERY on /proc/PID/maps).
 */
#include "fs/procfs/pages.h"
#include "fs/procfs/procfs.h"
#include "kernel/chardev.h"
#include "kernel/loader.h"
#include "kernel/mem/slab.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/uapi/mman.h"
#include "kernel/uapi/procmap.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

#define OF_AREA                                                                                    \
	(PROCMAP_QUERY_VMA_READABLE | PROCMAP_QUERY_VMA_WRITABLE | PROCMAP_QUERY_VMA_EXECUTABLE |  \
	 PROCMAP_QUERY_VMA_SHARED)
#define ALL_FLAGS (OF_AREA | PROCMAP_QUERY_COVERING_OR_NEXT_VMA | PROCMAP_QUERY_FILE_BACKED_VMA)

/* 0, -EFAULT, -E2BIG or -EINVAL. */
static int query_get(struct procmap_query *q, uaddr_t user)
{
	uint64_t size;
	int err;

	if (get_user_u64(&size, user))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < offsetof(struct procmap_query, vma_start))
		return -EINVAL;
	err = copy_struct_from_user(q, sizeof(*q), user, size);
	if (err)
		return err;
	q->size = size;
	if ((q->query_flags & ~(uint64_t)ALL_FLAGS) || !q->vma_name_size != !q->vma_name_addr ||
	    !q->build_id_size != !q->build_id_addr)
		return -EINVAL;
	return 0;
}

static uint64_t flags_of(const struct vma *v)
{
	return (v->prot & PROT_READ ? PROCMAP_QUERY_VMA_READABLE : 0) |
	       (v->prot & PROT_WRITE ? PROCMAP_QUERY_VMA_WRITABLE : 0) |
	       (v->prot & PROT_EXEC ? PROCMAP_QUERY_VMA_EXECUTABLE : 0) |
	       (vma_private(v) ? 0 : PROCMAP_QUERY_VMA_SHARED);
}

/* The area that is meant, with a reference to its file: 0, -ENOENT; -EINTR in a long search. */
static int area_find(struct aspace *as, const struct procmap_query *q, struct vma_info *v)
{
	uint64_t at = q->query_addr, want = q->query_flags & OF_AREA;

	for (; aspace_area_info(as, at, false, v); at = v->area.end) {
		bool fits = (flags_of(&v->area) & want) == want &&
			    (v->area.file || !(q->query_flags & PROCMAP_QUERY_FILE_BACKED_VMA));
		bool next = q->query_flags & PROCMAP_QUERY_COVERING_OR_NEXT_VMA;

		if (fits && (next || v->area.start <= at))
			return 0;
		if (v->area.file)
			file_put(v->area.file);
		if (!next)
			return -ENOENT;
		if (signal_fatal_pending())
			return -EINTR;
	}
	return -ENOENT;
}

static void area_tell(struct procmap_query *q, const struct vma *v)
{
	const struct inode *inode = v->file ? v->file->inode : NULL;

	q->vma_start = v->start;
	q->vma_end = v->end;
	q->vma_flags = flags_of(v);
	q->vma_page_size = PAGE_SIZE;
	q->vma_offset = inode ? v->index << PAGE_SHIFT : 0;
	q->inode = inode ? inode->ino : 0;
	q->dev_major = inode ? MAJOR(inode->sb->dev) : 0;
	q->dev_minor = inode ? MINOR(inode->sb->dev) : 0;
}

/* What is behind the pointers: who asks for it says how much there is room for. 0 or -errno. */
static int name_put(struct procmap_query *q, const struct vma_info *v, char *page)
{
	const char *name = v->area.file ? file_path(v->area.file, page, PAGE_SIZE) : v->name;
	size_t n;

	if (!q->vma_name_size)
		return 0;
	if (is_err(name))
		return (int)ptr_err(name);
	n = *name ? strlen(name) + 1 : 0;
	if (n > q->vma_name_size)
		return -ENAMETOOLONG;
	q->vma_name_size = (uint32_t)n;
	return copy_to_user(q->vma_name_addr, name, n);
}

static int build_id_put(struct procmap_query *q, const struct vma_info *v)
{
	uint8_t id[ELF_BUILD_ID_MAX];
	int n;

	if (!q->build_id_size)
		return 0;
	n = v->area.file ? elf_build_id(v->area.file, id) : 0;
	if (n > 0 && (uint32_t)n > q->build_id_size)
		return -ENAMETOOLONG;
	q->build_id_size = n > 0 ? (uint32_t)n : 0;
	return copy_to_user(q->build_id_addr, id, q->build_id_size);
}

static int answer(struct procmap_query *q, const struct vma_info *v)
{
	char *page = kmalloc(PAGE_SIZE);
	int err;

	if (!page)
		return -ENOMEM;
	area_tell(q, &v->area);
	err = name_put(q, v, page);
	kfree(page);
	return err ? err : build_id_put(q, v);
}

long proc_maps_ioctl(struct proc_text *t, struct process *p, uint32_t cmd, uaddr_t user)
{
	struct procmap_query q;
	struct aspace *as;
	struct vma_info v;
	int err;

	if (cmd != PROCMAP_QUERY)
		return -ENOTTY;
	err = query_get(&q, user);
	if (err)
		return err;
	as = proc_aspace(t, p);
	if (!as)
		return -ESRCH;
	err = area_find(as, &q, &v);
	aspace_put(as);
	if (err)
		return err;
	err = answer(&q, &v);
	if (v.area.file)
		file_put(v.area.file);
	return err ? err : copy_to_user(user, &q, MIN(sizeof(q), q.size));
}
