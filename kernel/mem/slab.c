#include "kernel/mem/slab.h"

#include "kernel/panic.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/init.h"
#include "mm/inject.h"
#include "mm/percpu.h"

/*
 * A slab is one frame cut into objects of one size. Its free objects are linked by offset + 1 in
 * their first half-word, the list's head being in the frame record; a hart holds some of
 * them apart, linked by address, and needs no lock for those.
 */
struct kmem_cache {
	const char *name;
	uint32_t size, per_slab;
	uint32_t id;		    /* index into mm_hart.slab */
	uint32_t hart_max;	    /* objects a hart may hold */
	struct spinlock lock;	    /* RANK_SLAB, interrupts off */
	struct frame_list partial;  /* (lock) slabs with a free object */
	uint64_t slabs, handed_out; /* (lock) handed_out: to harts and users */
	uint32_t empty;		    /* (lock) slabs without any object in use */
	uint64_t limit;		    /* of handed_out; kmem_cache_limit */
};

static struct kmem_cache caches[SLAB_CACHES_MAX];
static _Atomic uint32_t nr_caches;
static struct spinlock caches_lock = SPINLOCK_INIT("slab caches", RANK_SLAB);

/* kmalloc's sizes, and which one serves a size in units of 16 bytes. */
static const uint16_t sizes[] = {16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048};
#define KMALLOC_MAX 2048
static uint8_t size_class[KMALLOC_MAX / 16 + 1];

static void cache_setup(struct kmem_cache *c, uint32_t id, const char *name, size_t size)
{
	c->name = name;
	c->size = size;
	c->per_slab = PAGE_SIZE / size;
	c->id = id;
	c->hart_max = MAX(4UL, MIN(PAGE_SIZE / size, 32UL));
	c->limit = UINT64_MAX;
	spin_init(&c->lock, name, RANK_SLAB);
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align)
{
	uint32_t id;

	size = ALIGN_UP(MAX(size, sizeof(void *)), MAX(align, 16UL));
	assert_always(size <= KMALLOC_MAX);
	spin_lock(&caches_lock);
	id = nr_caches;
	assert_always(id < SLAB_CACHES_MAX);
	cache_setup(&caches[id], id, name, size);
	nr_caches = id + 1;
	spin_unlock(&caches_lock);
	return &caches[id];
}

/* (c->lock) */
static struct frame *slab_grow(struct kmem_cache *c)
{
	struct frame *f = frame_alloc(0, 0);
	char *page;

	if (!f)
		return NULL;
	page = frame_data(f);
#if DEBUG
	memset(page, 0xa3, PAGE_SIZE); /* as what was freed: the audit looks */
#endif
	for (uint32_t i = 0; i < c->per_slab; i++)
		*(uint16_t *)(page + i * c->size) =
			i + 1 < c->per_slab ? (i + 1) * c->size + 1 : 0;
	frame_set_type(f, FRAME_SLAB);
	f->cache = c;
	f->slab_free = 1;
	f->slab_used = 0;
	c->slabs++;
	c->empty++;
	frame_list_push(&c->partial, f);
	return f;
}

/* (c->lock) How many more objects there may be, if the limit counts. */
static uint32_t room(const struct kmem_cache *c, bool past_limit)
{
	if (past_limit)
		return UINT32_MAX;
	if (c->handed_out >= c->limit)
		return 0;
	return (uint32_t)MIN(c->limit - c->handed_out, (uint64_t)UINT32_MAX);
}

/* Give the hart half of what it may hold. Interrupts are off. */
static void hart_refill(struct kmem_cache *c, struct slab_hart *h, bool past_limit)
{
	uint32_t want = (c->hart_max + 1) / 2 - h->count;

	spin_lock(&c->lock);
	want = MIN(want, room(c, past_limit));
	while (want) {
		struct frame *f = c->partial.n ? FRAMES + c->partial.first : slab_grow(c);
		char *object;
		uint32_t at, n = 0;

		if (!f)
			break;
		for (at = f->slab_free; at && n < want; n++) {
			object = (char *)frame_data(f) + at - 1;
			at = *(uint16_t *)object;
			*(void **)object = h->free;
			h->free = object;
		}
		if (!f->slab_used)
			c->empty--;
		f->slab_used += n;
		f->slab_free = at;
		if (!at)
			frame_list_remove(&c->partial, f);
		h->count += n;
		c->handed_out += n;
		want -= n;
	}
	spin_unlock(&c->lock);
}

/* (c->lock) An object returns to its slab; a slab that is empty goes if there is a spare one. */
static void slab_return(struct kmem_cache *c, char *object)
{
	struct frame *f = frame_of(object);

	if (!f->slab_free)
		frame_list_push(&c->partial, f);
	*(uint16_t *)object = f->slab_free;
	f->slab_free = (uint32_t)(object - (char *)frame_data(f)) + 1;
	c->handed_out--;
	if (--f->slab_used)
		return;
	if (c->empty) {
		frame_list_remove(&c->partial, f);
		c->slabs--;
		frame_free(f, 0);
	} else {
		c->empty++;
	}
}

static __slow void hart_drain(struct kmem_cache *c, struct slab_hart *h, uint32_t keep)
{
	spin_lock(&c->lock);
	while (h->count > keep) {
		char *object = h->free;

		h->free = *(void **)object;
		h->count--;
		slab_return(c, object);
	}
	spin_unlock(&c->lock);
}

static __slow void free_drained(struct kmem_cache *c, struct slab_hart *h, uint64_t irq)
{
	hart_drain(c, h, c->hart_max / 2);
	irq_restore(irq);
}

/* The first of the hart's own objects, if there is one. Interrupts are off; back to irq. */
static inline void *hart_take(struct kmem_cache *c, struct slab_hart *h, uint64_t irq)
{
	void *object = alloc_fails() ? NULL : h->free;

	if (likely(object)) {
		h->free = *(void **)object;
		h->count--;
	}
	irq_restore(irq);
#if DEBUG
	if (object)
		memset(object, 0xa7, c->size);
#endif
	return object;
}

/* Out of line, like what frees: so the usual way is a leaf function without a stack frame. */
static __slow void *alloc_refilled(struct kmem_cache *c, struct slab_hart *h, uint64_t irq)
{
	hart_refill(c, h, false);
	return hart_take(c, h, irq);
}

void *kmem_cache_alloc_past_limit(struct kmem_cache *c)
{
	uint64_t irq = irq_save();
	struct slab_hart *h = &mm_hart()->slab[c->id];

	if (!h->free)
		hart_refill(c, h, true);
	return hart_take(c, h, irq);
}

void kmem_cache_limit(struct kmem_cache *c, uint64_t limit)
{
	__atomic_store_n(&c->limit, limit, __ATOMIC_RELAXED);
}

bool kmem_cache_full(const struct kmem_cache *c)
{
	/* What the hart has at hand it can give all the same. */
	return c->handed_out >= c->limit && !mm_hart()->slab[c->id].free;
}

void *kmem_cache_alloc(struct kmem_cache *c)
{
	uint64_t irq = irq_save();
	struct slab_hart *h = &mm_hart()->slab[c->id];

	return likely(h->free) ? hart_take(c, h, irq) : alloc_refilled(c, h, irq);
}

void *kmem_cache_zalloc(struct kmem_cache *c)
{
	void *object = kmem_cache_alloc(c);

	return object ? memset(object, 0, c->size) : NULL;
}

void kmem_cache_free(struct kmem_cache *c, void *p)
{
	uint64_t irq;
	struct slab_hart *h;

	assert(frame_type(frame_of(p)) == FRAME_SLAB && frame_of(p)->cache == c);
	assert(((uintptr_t)p & (PAGE_SIZE - 1)) % c->size == 0);
#if DEBUG
	memset(p, 0xa3, c->size);
#endif
	irq = irq_save();
	h = &mm_hart()->slab[c->id];
	*(void **)p = h->free;
	h->free = p;
	if (unlikely(++h->count > c->hart_max))
		free_drained(c, h, irq);
	else
		irq_restore(irq);
}

static unsigned size_order(size_t n)
{
	unsigned order = 0;

	while (PAGE_SIZE << order < n)
		order++;
	return order;
}

void *kmalloc(size_t n)
{
	struct frame *f;

	if (likely(n <= KMALLOC_MAX))
		return kmem_cache_alloc(&caches[size_class[(n + 15) / 16]]);
	if (n > PAGE_SIZE << FRAME_ORDER_MAX)
		return NULL;
	f = frame_alloc(size_order(n), 0);
	return f ? frame_data(f) : NULL;
}

void *kzalloc(size_t n)
{
	void *p = kmalloc(n);

	return p ? memset(p, 0, n) : NULL;
}

void *kmalloc_wait(size_t n)
{
	struct frame *f;

	for (;;) {
		void *p = kmalloc(n);

		if (p || n > PAGE_SIZE << FRAME_ORDER_MAX)
			return p;
		/* Have a frame of that order reclaimed, give it back, and compete for it again. */
		f = frame_alloc_wait(size_order(n), 0);
		if (!f)
			return NULL;
		frame_free(f, size_order(n));
	}
}

void kfree(const void *p)
{
	struct frame *f;

	if (!p)
		return;
	f = frame_of(p);
	if (likely(frame_type(f) == FRAME_SLAB)) {
		kmem_cache_free(f->cache, (void *)(uintptr_t)p);
		return;
	}
	assert(frame_type(f) == FRAME_KERNEL && IS_ALIGNED((uintptr_t)p, PAGE_SIZE));
	frame_free(f, (f->word & FRAME_ORDER_MASK) >> FRAME_ORDER_SHIFT);
}

void kmem_cache_stats(const struct kmem_cache *c, struct slab_stats *out)
{
	out->name = c->name;
	out->object_size = c->size;
	out->pages = c->slabs;
	out->total_objects = c->slabs * c->per_slab;
	out->active_objects = c->handed_out;
	for (uint32_t i = 0; i < nharts; i++) {
		const struct mm_hart *h = harts[i].percpu_mm;

		if (h)
			out->active_objects -= MIN(out->active_objects, h->slab[c->id].count);
	}
}

struct kmem_cache *kmem_cache_next(struct kmem_cache *prev, struct slab_stats *out)
{
	struct kmem_cache *c = prev ? prev + 1 : caches;

	if (c >= caches + nr_caches)
		return NULL;
	kmem_cache_stats(c, out);
	return c;
}

void slab_init(void)
{
	static char names[ARRAY_SIZE(sizes)][16];
	uint32_t class = 0;

	for (uint32_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(names[i], sizeof(names[i]), "kmalloc-%u", sizes[i]);
		cache_setup(&caches[i], i, names[i], sizes[i]);
	}
	nr_caches = ARRAY_SIZE(sizes);
	for (uint32_t n = 0; n < ARRAY_SIZE(size_class); n++) {
		if (n * 16 > sizes[class])
			class++;
		size_class[n] = class;
	}
}

/* --- shrinkers --- */

static struct shrinker *shrinkers; /* registered at boot, read without a lock */
static struct spinlock shrinkers_lock = SPINLOCK_INIT("shrinkers", RANK_SLAB);

void shrinker_register(struct shrinker *s)
{
	spin_lock(&shrinkers_lock);
	s->next = shrinkers;
	__atomic_store_n(&shrinkers, s, __ATOMIC_RELEASE);
	spin_unlock(&shrinkers_lock);
}

uint64_t shrinkers_run(uint64_t n)
{
	uint64_t freed = 0;

	for (struct shrinker *s = shrinkers; s; s = s->next) {
		uint64_t count = s->count(s);

		if (count)
			freed += s->scan(s, MAX(count / 4, MIN(count, n)));
	}
	return freed;
}
