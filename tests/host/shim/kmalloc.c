/*
 * In place of kernel/mem/slab.c: every object is a block of the host's malloc, so that the address
 * sanitizer sees each byte too far and each use after free.
 */
#include "tests/host/shim/kmalloc.h"

#include "kernel/mem/slab.h"

struct kmem_cache {
	size_t size, align;
};

long host_alloc_count;
long host_alloc_fail_at = -1;

/* True when this allocation is the one that shall fail, or comes after it. */
static bool fails(void)
{
	if (host_alloc_fail_at < 0)
		return false;
	if (host_alloc_fail_at == 0)
		return true;
	host_alloc_fail_at--;
	return false;
}

void *kmalloc(size_t n)
{
	void *p;

	if (fails() || n > 4 * MiB)
		return NULL;
	p = aligned_alloc(16, ALIGN_UP(MAX(n, 1UL), 16UL));
	memset(p, 0xa7, n);
	host_alloc_count++;
	return p;
}

void *kzalloc(size_t n)
{
	void *p = kmalloc(n);

	return p ? memset(p, 0, n) : NULL;
}

void *kmalloc_wait(size_t n)
{
	return kmalloc(n);
}

void kfree(const void *p)
{
	if (p)
		host_alloc_count--;
	free((void *)(uintptr_t)p);
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size, size_t align)
{
	static struct kmem_cache caches[64];
	static unsigned used;

	(void)name;
	caches[used] = (struct kmem_cache){.size = size, .align = align};
	return &caches[used++];
}

void *kmem_cache_alloc(struct kmem_cache *c)
{
	void *p;

	if (fails())
		return NULL;
	p = aligned_alloc(MAX(c->align, 16UL), ALIGN_UP(c->size, MAX(c->align, 16UL)));
	memset(p, 0xa7, c->size);
	host_alloc_count++;
	return p;
}

void *kmem_cache_zalloc(struct kmem_cache *c)
{
	void *p = kmem_cache_alloc(c);

	return p ? memset(p, 0, c->size) : NULL;
}

void kmem_cache_free(struct kmem_cache *c, void *p)
{
	(void)c;
	kfree(p);
}
