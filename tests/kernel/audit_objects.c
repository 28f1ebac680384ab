/*
 * The audit of what is not a page table: the trees of memory objects, slabs, vmalloc.
 */
#include "kernel/machine.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/vmalloc.h"
#include "lib/string.h"
#include "mm/object.h"
#include "mm/pagecache.h"
#include "mm/percpu.h"
#include "tests/kernel/audit.h"

/* All frames of an object, once: when its first one comes by. */
static void audit_object(struct object *o, const struct frame *first)
{
	uint64_t index = 0, n = 0;
	struct frame *f = radix_next(&o->frames, &index, OBJECT_INDEX_MAX);

	if (f != first)
		return;
	for (; f; f = radix_next(&o->frames, &index, OBJECT_INDEX_MAX)) {
		struct audit_found *is = audit_found(f, "object's tree");

		n++;
		if (is)
			is->refs++;
		if (frame_type(f) != FRAME_OBJECT || f->object != o || f->index != index)
			audit_complain("frame %u, type %u, is at %lu of a %s object, says %u",
				       frame_pfn(f), frame_type(f), index, o->ops->name, f->index);
		if (o->ops->write_pages &&
		    radix_tag_get(&o->frames, index, RADIX_TAG_DIRTY) != frame_has(f, FRAME_DIRTY))
			audit_complain("frame %u and its %s object differ in whether it is dirty",
				       frame_pfn(f), o->ops->name);
		index++;
	}
	if (n != o->nr_frames)
		audit_complain("%s object counts %lu frames, has %lu", o->ops->name, o->nr_frames,
			       n);
}

static void each_frame(void (*func)(const struct frame *f))
{
	for (unsigned i = 0; i < machine.ram_count; i++) {
		const struct frame *f = frame_of_pa(machine.ram[i].base);
		const struct frame *end = f + (machine.ram[i].size >> PAGE_SHIFT);

		for (; f < end; f++)
			func(f);
	}
}

static void audit_object_frame(const struct frame *f)
{
	struct object *o = f->object;

	if (frame_type(f) != FRAME_OBJECT || !o)
		return;
	if (radix_lookup(&o->frames, f->index) != f)
		audit_complain("frame %u is not at %u of its %s object", frame_pfn(f), f->index,
			       o->ops->name);
	else
		audit_object(o, f);
}

void audit_objects(void)
{
	each_frame(audit_object_frame);
}

/* --- slabs --- */

static struct slab_sum {
	const struct kmem_cache *cache;
	const char *name;
	uint64_t slabs, used;
	uint32_t size, per_slab;
} sums[SLAB_CACHES_MAX];
static uint32_t nr_sums;

/* Nobody has written to a free object, behind what links it (kernel/mem/slab.c fills them). */
static void audit_untouched(const struct slab_sum *s, const void *object)
{
	const uint8_t *p = object;

	for (uint32_t i = sizeof(void *); i < s->size; i++) {
		if (p[i] == 0xa3)
			continue;
		audit_complain("%s: byte %u of free object %p is %x", s->name, i, object, p[i]);
		return;
	}
}

/* The free objects of a slab, and those in use, are all there are. */
static void audit_slab(const struct frame *f)
{
	const char *page = frame_data(f);
	struct slab_sum *s = sums;
	uint32_t free = 0, at;

	if (frame_type(f) != FRAME_SLAB)
		return;
	while (s < sums + nr_sums && s->cache != f->cache)
		s++;
	if (s == sums + nr_sums || !s->per_slab) {
		audit_complain("slab %u is of no cache", frame_pfn(f));
		return;
	}
	s->slabs++;
	s->used += f->slab_used;
	for (at = f->slab_free; at && free <= s->per_slab; free++) {
		if (at > PAGE_SIZE || (at - 1) % s->size) {
			audit_complain("slab %u: its list of free objects has %u", frame_pfn(f),
				       at);
			return;
		}
		audit_untouched(s, page + at - 1);
		at = *(const uint16_t *)(page + at - 1);
	}
	if (free + f->slab_used != s->per_slab)
		audit_complain("slab %u: %u of %u objects free, %u in use", frame_pfn(f), free,
			       s->per_slab, f->slab_used);
}

/* What harts hold apart counts as handed out. */
static uint64_t held_by_harts(uint32_t id)
{
	const struct slab_sum *s = &sums[id];
	uint64_t sum = 0;

	for (uint32_t i = 0; i < nharts; i++) {
		const struct mm_hart *h = harts[i].percpu_mm;
		uint32_t n = 0;

		if (!h)
			continue;
		for (void *p = h->slab[id].free; p && n <= h->slab[id].count;
		     p = *(void **)p, n++) {
			if (frame_type(frame_of(p)) != FRAME_SLAB || frame_of(p)->cache != s->cache)
				audit_complain("hart %u holds %p, not of %s", i, p, s->name);
			audit_untouched(s, p);
		}
		if (n != h->slab[id].count)
			audit_complain("hart %u: %u objects of %s, %u counted", i, n, s->name,
				       h->slab[id].count);
		sum += n;
	}
	return sum;
}

void audit_slabs(void)
{
	struct kmem_cache *c = NULL;
	struct slab_stats stats;

	nr_sums = 0;
	while ((c = kmem_cache_next(c, &stats)))
		sums[nr_sums++] = (struct slab_sum){
			.cache = c,
			.name = stats.name,
			.size = stats.object_size,
			.per_slab = PAGE_SIZE / stats.object_size,
		};
	each_frame(audit_slab);
	nr_sums = 0;
	while ((c = kmem_cache_next(c, &stats))) {
		const struct slab_sum *s = &sums[nr_sums];
		uint64_t held = held_by_harts(nr_sums++);

		if (s->slabs != stats.pages || s->used != stats.active_objects + held)
			audit_complain("cache %s: %lu slabs, %lu objects; found %lu and %lu",
				       stats.name, stats.pages, stats.active_objects + held,
				       s->slabs, s->used);
	}
}
