/*
 * Kernel memory of any size. Small requests come from per-size slabs with a cache per hart, large
 * ones straight from the frame allocator (physically contiguous up to 4 MiB).
 */
#pragma once

#include "kernel/types.h"

/*
 * n bytes, aligned to 16 (to n when n is a power of two up to a page). NULL when there is no
 * memory. Never sleeps, any context. Debug kernels fill it with junk.
 */
void *kmalloc(size_t n) __must_check;
void *kzalloc(size_t n) __must_check;
/* As kmalloc, but waits for reclaim first: only with no lock held. */
void *kmalloc_wait(size_t n) __must_check;
void kfree(const void *p); /* NULL is fine */

/* A cache of objects of one size, for the many and hot: threads, inodes, vmas. */
struct kmem_cache;
struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align);
void *kmem_cache_alloc(struct kmem_cache *c) __must_check;
void *kmem_cache_zalloc(struct kmem_cache *c) __must_check;
void kmem_cache_free(struct kmem_cache *c, void *p);
/*
 * From about so many objects on, those that harts keep at hand counted, kmem_cache_alloc gives NULL
 * and the cache is full. Who must not fail for that goes past the limit.
 */
void kmem_cache_limit(struct kmem_cache *c, uint64_t limit);
bool kmem_cache_full(const struct kmem_cache *c);
void *kmem_cache_alloc_past_limit(struct kmem_cache *c) __must_check;

/*
 * Caches that can give memory back when it is short. count: objects that could go now; scan: free
 * up to n of them, returns how many went. Called with no lock held, may not wait for memory.
 */
struct shrinker {
	const char *name;
	uint64_t (*count)(struct shrinker *s);
	uint64_t (*scan)(struct shrinker *s, uint64_t n);
	struct shrinker *next;
};
void shrinker_register(struct shrinker *s);
/* Have each free a quarter of what it has, or n if that is more. How many went. May sleep. */
uint64_t shrinkers_run(uint64_t n);

/* For /proc/slabinfo and meminfo: the cache behind prev (NULL: the first). */
struct slab_stats {
	const char *name;
	size_t object_size;
	uint64_t active_objects, total_objects, pages;
};
void kmem_cache_stats(const struct kmem_cache *c, struct slab_stats *out);
struct kmem_cache *kmem_cache_next(struct kmem_cache *prev, struct slab_stats *out);
