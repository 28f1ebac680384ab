/* mm/frame.c and kernel/mem/slab.c: RAM with holes handed out, given back, and run out of. */
#include "tests/host/shim/kernel.h"

#include "kernel/machine.h"
#include "kernel/mem/slab.h"
#include "lib/bits.h"
#include "mm/frame.h"

/* Odd sizes, a range from address 0, one beyond 4 GiB. */
static const struct host_ram ram[] = {
	{.base = 0, .size = 600 * KiB},
	{.base = 0x80003000, .size = 40 * MiB - 0x5000},
	{.base = 0x100000000, .size = 8 * MiB},
};

static uint64_t free_before;

static int group_setup(void **state)
{
	(void)state;
	host_kernel_start();
	host_ram_start(ram, ARRAY_SIZE(ram));
	return 0;
}

static int setup(void **state)
{
	(void)state;
	free_before = frames_free();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	frame_audit();
	assert_int_equal(frames_free(), free_before);
	host_kernel_check();
	return 0;
}

static bool in_ram(const struct frame *f, unsigned order)
{
	uint64_t pa = frame_pa(f), end = pa + (PAGE_SIZE << order);

	for (unsigned i = 0; i < ARRAY_SIZE(ram); i++) {
		if (pa >= MAX(ram[i].base, 1UL) && end <= ram[i].base + ram[i].size)
			return true;
	}
	return false;
}

static void test_total(void **state)
{
	uint64_t pages = 0;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(ram); i++)
		pages += ram[i].size / PAGE_SIZE;
	assert_int_equal(frames_total, pages - 1); /* page 0 ends lists */
	assert_true(machine_is_ram(0x80003000));
	assert_false(machine_is_ram(0x80002fff));
	assert_true(machine_is_ram(0x80003000 + ram[1].size - 1));
	assert_false(machine_is_ram(0x80003000 + ram[1].size));
	assert_true(frames_min && frames_min < frames_low && frames_low < frames_high);
}

/* To the last frame, and all come back. */
static void test_exhaust(void **state)
{
	struct frame **held = calloc(frames_total + 1, sizeof(*held));
	uint64_t n = 0, normal;

	(void)state;
	while ((held[n] = frame_alloc(0, 0)))
		n++;
	normal = n;
	assert_true(frames_free() <= frames_min + 64);
	while ((held[n] = frame_alloc(0, FRAME_RESERVE)))
		n++;
	assert_true(n > normal);
	assert_int_equal(n, free_before);
	assert_null(frame_alloc(0, FRAME_ZEROED | FRAME_RESERVE));
	assert_null(frame_alloc(3, FRAME_RESERVE));
	for (uint64_t i = 0; i < n; i++) {
		assert_true(in_ram(held[i], 0));
		*(uint64_t *)frame_data(held[i]) = i; /* each its own */
	}
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(*(uint64_t *)frame_data(held[i]), i);
	for (uint64_t i = 0; i < n; i++)
		frame_free(held[i * 7919 % n], 0); /* 7919 is a prime larger than any factor */
	free(held);
}

struct block {
	struct frame *f;
	unsigned order;
	uint64_t mark;
};

static void block_mark(const struct block *b, uint64_t mark)
{
	for (unsigned i = 0; i < 1u << b->order; i++)
		*(uint64_t *)frame_data(b->f + i) = mark + i;
}

static void block_check(const struct block *b)
{
	for (unsigned i = 0; i < 1u << b->order; i++) {
		assert_int_equal(*(uint64_t *)frame_data(b->f + i), b->mark + i);
		assert_int_equal(b->f[i].refs, 1);
		assert_int_equal(frame_type(b->f + i), FRAME_KERNEL);
	}
}

/* All orders in a random order; blocks never overlap, and are whole and aligned. */
static void test_orders(void **state)
{
	static struct block blocks[200];
	uint64_t seed = 4;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct block *b = &blocks[test_random(&seed) % ARRAY_SIZE(blocks)];

		if (b->f) {
			block_check(b);
			frame_free(b->f, b->order);
			b->f = NULL;
			continue;
		}
		b->order = test_random(&seed) % (round % 50 ? 5 : FRAME_ORDER_MAX + 1);
		b->f = frame_alloc(b->order, 0);
		if (!b->f)
			continue;
		assert_true(in_ram(b->f, b->order));
		assert_true(IS_ALIGNED(frame_pa(b->f), PAGE_SIZE << b->order));
		b->mark = test_random(&seed);
		block_mark(b, b->mark);
		if (round % 1000 == 0)
			frame_audit();
	}
	for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
		if (!blocks[i].f)
			continue;
		block_check(&blocks[i]);
		frame_free(blocks[i].f, blocks[i].order);
	}
	assert_null(frame_alloc(FRAME_ORDER_MAX + 1, 0));
}

/*
 * What is freed merges again: as many large blocks as at first.  Early in the program, since the
 * frames that a hart's cache holds keep their neighbours from merging.
 */
static void test_merge(void **state)
{
	struct frame *large[16], **small = calloc(frames_total + 1, sizeof(*small));
	unsigned first = 0, again = 0;
	uint64_t n = 0;

	(void)state;
	while (first < 16 && (large[first] = frame_alloc(FRAME_ORDER_MAX, 0)))
		first++;
	for (unsigned i = 0; i < first; i++)
		frame_free(large[i], FRAME_ORDER_MAX);
	assert_true(first >= 8);
	while ((small[n] = frame_alloc(1, 0)))
		n++;
	for (uint64_t i = 0; i < n; i++)
		frame_free(small[(i * 7919 + 5) % n], 1);
	while (again < 16 && (large[again] = frame_alloc(FRAME_ORDER_MAX, 0)))
		again++;
	for (unsigned i = 0; i < again; i++)
		frame_free(large[i], FRAME_ORDER_MAX);
	assert_int_equal(again, first);
	free(small);
}

static bool is_zero(const struct frame *f, unsigned order)
{
	const uint8_t *p = frame_data(f);

	for (size_t i = 0; i < PAGE_SIZE << order; i++) {
		if (p[i])
			return false;
	}
	return true;
}

static void test_zeroed(void **state)
{
	struct frame *f[40];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++) {
		f[i] = frame_alloc(0, 0);
		memset(frame_data(f[i]), 0xff, PAGE_SIZE);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++) {
		if (i % 2) {
			frame_free(f[i], 0);
			continue;
		}
		memset(frame_data(f[i]), 0, PAGE_SIZE);
		frame_free_zeroed(f[i]);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++) {
		f[i] = frame_alloc(0, FRAME_ZEROED);
		assert_true(is_zero(f[i], 0));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++)
		frame_free(f[i], 0);
	f[0] = frame_alloc(2, FRAME_ZEROED);
	assert_true(is_zero(f[0], 2));
	frame_free(f[0], 2);
}

static void test_dma32(void **state)
{
	struct frame **held = calloc(frames_total + 1, sizeof(*held));
	uint64_t n = 0;

	(void)state;
	while ((held[n] = frame_alloc(n % 3, FRAME_DMA32 | FRAME_RESERVE))) {
		assert_true(frame_pa(held[n]) + (PAGE_SIZE << n % 3) <= 4 * GiB);
		n++;
	}
	assert_true(frames_free() >= ram[2].size / PAGE_SIZE);
	while (n--)
		frame_free(held[n], n % 3);
	free(held);
}

static void free_twice(void *f)
{
	frame_free(f, 0);
}

static void test_references(void **state)
{
	struct frame *f = frame_alloc(0, 0);

	(void)state;
	assert_int_equal(f->refs, 1);
	frame_get(f);
	frame_put(f);
	assert_int_equal(f->refs, 1);
	f->counts += FRAME_MAP_ONE;
	f->counts += FRAME_MAP_ONE;
	frame_put(f);
	frame_unmap(f);
	assert_int_equal(f->maps, 1);
	assert_int_equal(f->refs, 1);
	frame_unmap(f); /* the last one */
	assert_int_equal(frame_type(f), FRAME_FREE);
	assert_non_null(host_catch_panic(free_twice, f));
}

static struct frame *wait_hook(unsigned order, unsigned flags)
{
	(void)order;
	(void)flags;
	return FRAMES + 77;
}

static void test_wait(void **state)
{
	struct frame *f = frame_alloc_wait(0, 0);

	(void)state;
	assert_non_null(f);
	frame_free(f, 0);
	assert_null(frame_alloc_wait(FRAME_ORDER_MAX + 1, 0));
	frame_alloc_wait_hook = wait_hook;
	assert_ptr_equal(frame_alloc_wait(FRAME_ORDER_MAX + 1, 0), FRAMES + 77);
	frame_alloc_wait_hook = NULL;
}

struct object {
	uint8_t *p;
	size_t size;
	uint8_t fill;
};

static void object_free(struct object *o)
{
	for (size_t i = 0; i < o->size; i++)
		assert_int_equal(o->p[i], o->fill);
	kfree(o->p);
	o->p = NULL;
}

/* Objects keep what is written to all of their bytes. */
static void test_kmalloc(void **state)
{
	static struct object objects[2000];
	uint64_t seed = 6, left;

	(void)state;
	for (int round = 0; round < 50000; round++) {
		struct object *o = &objects[test_random(&seed) % ARRAY_SIZE(objects)];

		if (o->p) {
			object_free(o);
			continue;
		}
		o->size = test_random(&seed) % (round % 100 ? 600 : 20000);
		o->fill = (uint8_t)test_random(&seed);
		o->p = round % 2 ? kmalloc(o->size) : kzalloc(o->size);
		assert_non_null(o->p);
		assert_true(IS_ALIGNED((uintptr_t)o->p, 16));
		for (size_t i = 0; i < o->size && !(round % 2); i++)
			assert_int_equal(o->p[i], 0);
		memset(o->p, o->fill, o->size);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++) {
		if (objects[i].p)
			object_free(&objects[i]);
	}
	/* Caches keep a few slabs; a leak would be hundreds. */
	left = free_before - frames_free();
	assert_true(left < 12 * 4);
	free_before = frames_free();
	kfree(NULL);
}

static void test_kmalloc_sizes(void **state)
{
	(void)state;
	for (size_t n = 0; n < 5000; n++) {
		uint8_t *a = kmalloc(n), *b = kmalloc(n);

		assert_true(a + n <= b || b + n <= a);
		memset(a, 1, n);
		memset(b, 2, n);
		assert_true(!n || a[n - 1] == 1);
		kfree(a);
		kfree(b);
	}
	assert_null(kmalloc((PAGE_SIZE << FRAME_ORDER_MAX) + 1));
	assert_null(kmalloc(SIZE_MAX));
	assert_null(kzalloc(SIZE_MAX));
	free_before = frames_free();
}

static void test_kmalloc_exhaust(void **state)
{
	void *list = NULL, **p;
	unsigned n = 0;

	(void)state;
	while ((p = kmalloc(2048))) {
		*p = list;
		list = p;
		n++;
	}
	assert_true(n * 2048 > 40 * MiB);
	assert_null(kzalloc(2048));
	while (list) {
		p = list;
		list = *p;
		kfree(p);
	}
	free_before = frames_free();
	assert_true(free_before * PAGE_SIZE > 40 * MiB);
}

static void test_cache(void **state)
{
	struct kmem_cache *cache = kmem_cache_create("thing", 72, 64);
	struct slab_stats stats;
	char *p[200];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		p[i] = i % 2 ? kmem_cache_alloc(cache) : kmem_cache_zalloc(cache);
		assert_true(IS_ALIGNED((uintptr_t)p[i], 64));
		memset(p[i], (int)i, 72);
	}
	for (unsigned i = 0; i < 200; i++)
		assert_int_equal(p[i][71], (char)i);
	for (struct kmem_cache *c = NULL; (c = kmem_cache_next(c, &stats));)
		if (c == cache)
			break;
	assert_string_equal(stats.name, "thing");
	assert_int_equal(stats.active_objects, 200);
	for (unsigned i = 0; i < 200; i++)
		kmem_cache_free(cache, p[i]);
	free_before = frames_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_total, setup, teardown),
		cmocka_unit_test_setup_teardown(test_merge, setup, teardown),
		cmocka_unit_test_setup_teardown(test_exhaust, setup, teardown),
		cmocka_unit_test_setup_teardown(test_orders, setup, teardown),
		cmocka_unit_test_setup_teardown(test_zeroed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dma32, setup, teardown),
		cmocka_unit_test_setup_teardown(test_references, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kmalloc, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kmalloc_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kmalloc_exhaust, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cache, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
