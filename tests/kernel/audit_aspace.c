/*
 * The audit of address spaces: areas, accounts and page tables of each agree. Host tests have it
 * too.
 */
#include "mm/areas.h"
#include "mm/aspace.h"
#include "mm/object.h"
#include "mm/commit.h"
#include "mm/pagetable.h"
#include "tests/kernel/audit.h"

/* Does the entry at va give no more than its area does, and show the area's page? */
static bool entry_fits(const struct vma *v, uaddr_t va, pte_t p)
{
	const struct frame *f;

	if (pte_is_swap(p))
		return vma_private(v);
	if (!pte_resident(p))
		return true;
	if (pte_present(p) && !(v->prot & (PROT_READ | PROT_WRITE | PROT_EXEC)))
		return false;
	if ((pte_writable(p) && !(v->prot & PROT_WRITE)) ||
	    (pte_present(p) && (p & PTE_X) && !(v->prot & PROT_EXEC)))
		return false;
	if (pte_special(p))
		return vma_private(v);
	f = pte_frame(p);
	if (frame_type(f) == FRAME_ANON)
		return vma_private(v);
	return frame_type(f) == FRAME_OBJECT && v->object && f->object == v->object &&
	       f->index == vma_index(v, va) && !(vma_private(v) && pte_writable(p));
}

/* The table for va, of as or detached. */
static void audit_leaf(struct aspace *as, struct frame *leaf, uaddr_t va)
{
	struct vma *v = vma_find(&as->areas, va);
	const pte_t *e = frame_data(leaf);
	uint32_t counts = 0;

	/* Asked before the table is locked: the way to that of a megapage takes l1_lock. */
	if (leaf->base != va >> L1_SHIFT || leaf->owner != (pt_leaf(as, va) ? as : NULL))
		audit_complain("space %p: table %u at %lx has base %x, owner %p", as,
			       frame_pfn(leaf), va, leaf->base, leaf->owner);
	leaf_lock(leaf);
	for (unsigned i = 0; i < PT_ENTRIES; i++, va += PAGE_SIZE) {
		if (v && va >= v->end)
			v = v->next;
		if (!e[i])
			continue;
		if (!v || va < v->start)
			audit_complain("space %p: entry %lx at %lx, where no area is", as, e[i],
				       va);
		else if (!entry_fits(v, va, e[i]))
			audit_complain("space %p: entry %lx at %lx, area %lx-%lx prot %x flags %x",
				       as, e[i], va, v->start, v->end, v->prot, v->flags);
		if (pte_resident(e[i]) && !pte_special(e[i]))
			counts += pt_count_of(pte_frame(e[i]));
		else if (pte_is_swap(e[i]))
			counts += PT_COUNT_SWAP;
	}
	leaf_unlock(leaf);
	if (counts != leaf->entries)
		audit_complain("space %p: table %u counts %x, has %x", as, frame_pfn(leaf),
			       leaf->entries, counts);
}

/* Whoever comes through the object must find the area. */
static void audit_object_area(struct vma *v)
{
	uint64_t last = v->index + vma_pages(v) - 1;
	struct vma *other;

	mutex_lock(&v->object->lock);
	other = object_area_first(v->object, v->index, last);
	while (other && other != v)
		other = object_area_next(other, v->index, last);
	mutex_unlock(&v->object->lock);
	if (!other)
		audit_complain("area %lx-%lx is not in the tree of its %s object", v->start, v->end,
			       v->object->ops->name);
}

static void audit_accounts(struct aspace *as)
{
	uint64_t pages = 0, data = 0, locked = 0;

	vma_tree_check(&as->areas);
	for (struct vma *v = vma_first(&as->areas); v; v = v->next) {
		if (v->as != as)
			audit_complain("space %p: area %lx-%lx of %p", as, v->start, v->end, v->as);
		/* Whether what was once writable is still promised depends on its past. */
		if ((commit_flag(v->prot, v->flags) & ~v->flags) ||
		    ((v->flags & VMA_ACCOUNT) && (v->flags & (VMA_SHARED | VMA_NORESERVE))))
			audit_complain("space %p: area %lx-%lx prot %x flags %x: promised?", as,
				       v->start, v->end, v->prot, v->flags);
		pages += vma_pages(v);
		if (vma_private(v) && (v->prot & PROT_WRITE) &&
		    !(v->flags & (VMA_STACK | VMA_GROWSDOWN)))
			data += vma_pages(v);
		if (v->object)
			audit_object_area(v);
		if (v->flags & VMA_LOCKED)
			locked += vma_pages(v);
	}
	if (pages != as->pages || data != as->data_pages || locked != as->locked_pages)
		audit_complain("space %p: %lu pages, %lu data, %lu locked; counted %lu %lu %lu", as,
			       pages, data, locked, as->pages, as->data_pages, as->locked_pages);
}

void aspace_check(struct aspace *as)
{
	uaddr_t va = 0;
	struct frame *leaf;

	rwlock_write(&as->lock);
	audit_accounts(as);
	for (; (leaf = pt_leaf_next(as, &va, USER_TOP)); va += L1_SIZE)
		audit_leaf(as, leaf, va);
	rwlock_write_unlock(&as->lock);
}

/* The space behind prev that is not on its way out, referenced; prev's reference is dropped. */
static struct aspace *aspace_behind(struct aspace *prev)
{
	struct list_head *link;
	struct aspace *as = NULL;

	spin_lock(&aspaces_lock);
	for (link = prev ? prev->link.next : aspaces.next; link != &aspaces; link = link->next) {
		as = list_entry(link, struct aspace, link);
		if (aspace_try_get(as))
			break;
		as = NULL;
	}
	spin_unlock(&aspaces_lock);
	aspace_put(prev);
	return as;
}

void audit_aspaces(void)
{
	struct aspace *as = NULL;

	while ((as = aspace_behind(as)))
		aspace_check(as);
}
