/* mm/vma.c against an array that says for each page which area holds it. */
#include "tests/host/shim/kmalloc.h"

#include "kernel/layout.h"
#include "mm/init.h"
#include "mm/vma.h"
#include "tests/kernel/audit.h"

#define BASE  0x10000UL
#define PAGES 600

static struct vma_tree tree;
static struct vma *owner[PAGES];

static uaddr_t va_of(unsigned page)
{
	return BASE + page * PAGE_SIZE;
}

static int setup(void **state)
{
	(void)state;
	host_kernel_start();
	tree = (struct vma_tree){0};
	memset(owner, 0, sizeof(owner));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	while (vma_first(&tree)) {
		struct vma *v = vma_first(&tree);

		vma_remove(&tree, v);
		vma_free(v);
	}
	assert_int_equal(tree.count, 0);
	assert_int_equal(host_alloc_count, 0);
	host_kernel_check();
	return 0;
}

static void own(unsigned first, unsigned end, struct vma *v)
{
	while (first < end)
		owner[first++] = v;
}

static struct vma *insert(unsigned first, unsigned end)
{
	struct vma *v = vma_alloc();

	v->start = va_of(first);
	v->end = va_of(end);
	vma_insert(&tree, v);
	own(first, end, v);
	return v;
}

static unsigned page_of(uaddr_t va)
{
	return (unsigned)((va - BASE) / PAGE_SIZE);
}

/* What vma_hole should say: by trying every place from the top. */
static uaddr_t hole_by_hand(unsigned low, unsigned high, unsigned len, unsigned align)
{
	for (unsigned at = high; at-- > low;) {
		unsigned n = 0;

		if (at + len > high || va_of(at) % (align * PAGE_SIZE))
			continue;
		while (n < len && !owner[at + n])
			n++;
		if (n == len)
			return va_of(at);
	}
	return 0;
}

static void expect_holes(uint64_t *seed)
{
	unsigned low = test_random(seed) % PAGES, high = low + test_random(seed) % (PAGES - low);
	unsigned len = 1 + test_random(seed) % (test_random(seed) % 2 ? 4 : 60);
	unsigned align = 1u << test_random(seed) % 5;

	/* As mmap asks: what the search remembers of the last one helps, or misleads. */
	if (test_random(seed) % 2) {
		high = PAGES;
		align = 1;
	}
	assert_int_equal(vma_hole(&tree, va_of(low), va_of(high), len * PAGE_SIZE,
				  align * PAGE_SIZE),
			 hole_by_hand(low, high, len, align));
}

static void expect_finds(uint64_t *seed)
{
	unsigned page = test_random(seed) % PAGES, above = page;
	uaddr_t va = va_of(page) + test_random(seed) % PAGE_SIZE;

	while (above < PAGES && !owner[above])
		above++;
	assert_ptr_equal(vma_at(&tree, va), owner[page]);
	assert_ptr_equal(vma_find(&tree, va), above < PAGES ? owner[above] : NULL);
}

static void expect_neighbours(struct vma *v)
{
	unsigned before = page_of(v->start), after = page_of(v->end);

	while (before > 0 && !owner[before - 1])
		before--;
	while (after < PAGES && !owner[after])
		after++;
	assert_ptr_equal(v->prev, before ? owner[before - 1] : NULL);
	assert_ptr_equal(v->next, after < PAGES ? owner[after] : NULL);
}

/* Moves the ends of v as far as there is room, by chance. */
static void resize(struct vma *v, uint64_t *seed)
{
	unsigned first = page_of(v->start), end = page_of(v->end);
	unsigned low = first, high = end;

	while (low > 0 && !owner[low - 1])
		low--;
	while (high < PAGES && !owner[high])
		high++;
	own(first, end, NULL);
	first = low + test_random(seed) % (high - low);
	end = first + 1 + test_random(seed) % (high - first);
	own(first, end, v);
	vma_resize(&tree, v, va_of(first), va_of(end));
}

static void test_random_areas(void **state)
{
	uint64_t seed = 8;

	(void)state;
	for (int round = 0; round < 60000; round++) {
		unsigned page = test_random(&seed) % PAGES, end = page;
		struct vma *v = owner[page];

		if (v && round % 3 == 0) {
			resize(v, &seed);
		} else if (v) {
			expect_neighbours(v);
			own(page_of(v->start), page_of(v->end), NULL);
			vma_remove(&tree, v);
			vma_free(v);
		} else if (round / 4000 % 2 == 0) { /* in between, fewer and fewer */
			unsigned most = 1 + test_random(&seed) % 12;

			while (end < PAGES && !owner[end] && end - page < most)
				end++;
			insert(page, end);
		}
		expect_finds(&seed);
		expect_holes(&seed);
		if (round % 64 == 0)
			vma_tree_check(&tree);
	}
}

static void test_empty(void **state)
{
	(void)state;
	assert_null(vma_find(&tree, 0));
	assert_null(vma_at(&tree, UINT64_MAX));
	assert_null(vma_first(&tree));
	assert_int_equal(vma_hole(&tree, BASE, BASE + 4 * PAGE_SIZE, 4 * PAGE_SIZE, PAGE_SIZE),
			 BASE);
	assert_int_equal(vma_hole(&tree, BASE, BASE + 4 * PAGE_SIZE, 5 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(vma_hole(&tree, BASE, BASE, PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(vma_hole(&tree, BASE + 1, BASE, PAGE_SIZE, PAGE_SIZE), 0);
	assert_int_equal(vma_hole(&tree, BASE, USER_TOP, USER_TOP, PAGE_SIZE), 0);
}

/* The hint of the last lookup must not outlive its area, nor hide a smaller one. */
static void test_hint(void **state)
{
	struct vma *v = insert(10, 20);

	(void)state;
	assert_ptr_equal(vma_at(&tree, va_of(15)), v);
	own(10, 20, NULL);
	vma_remove(&tree, v);
	vma_free(v);
	assert_null(vma_at(&tree, va_of(15)));
	v = insert(10, 20);
	assert_ptr_equal(vma_at(&tree, va_of(19)), v);
	vma_resize(&tree, v, va_of(10), va_of(15));
	assert_null(vma_at(&tree, va_of(15)));
	assert_null(vma_at(&tree, va_of(9)));
}

static void insert_overlapping(void *arg)
{
	struct vma *v = arg;

	vma_insert(&tree, v);
}

static void test_overlap_is_caught(void **state)
{
	struct vma *v = vma_alloc();

	(void)state;
	insert(10, 20);
	v->start = va_of(19);
	v->end = va_of(21);
	assert_non_null(host_catch_panic(insert_overlapping, v));
	vma_free(v);
}

/* Two areas that touch, alike in all that decides merging. */
static void alike(struct vma *a, struct vma *b)
{
	*a = (struct vma){.start = va_of(1), .end = va_of(3), .prot = 3, .index = 7};
	*b = (struct vma){.start = va_of(3), .end = va_of(4), .prot = 3, .index = 9};
}

static void test_mergeable(void **state)
{
	struct object *o = (struct object *)&tree, *p = (struct object *)&owner;
	struct vma a, b;

	(void)state;
	alike(&a, &b);
	assert_true(vma_mergeable(&a, &b));
	assert_false(vma_mergeable(&b, &a));
	b.index = 100; /* does not matter without an object */
	assert_true(vma_mergeable(&a, &b));
	alike(&a, &b);
	b.prot = 1;
	assert_false(vma_mergeable(&a, &b));
	alike(&a, &b);
	b.flags = VMA_LOCKED;
	assert_false(vma_mergeable(&a, &b));
	alike(&a, &b);
	b.start += PAGE_SIZE;
	assert_false(vma_mergeable(&a, &b));
	alike(&a, &b);
	a.object = b.object = o;
	assert_true(vma_mergeable(&a, &b));
	b.index++;
	assert_false(vma_mergeable(&a, &b));
	b.index--;
	b.object = p;
	assert_false(vma_mergeable(&a, &b));
	alike(&a, &b);
	b.file = (struct file *)&owner;
	assert_false(vma_mergeable(&a, &b));
}

static void test_no_memory(void **state)
{
	(void)state;
	host_alloc_fail_at = 0;
	assert_null(vma_alloc());
	host_alloc_fail_at = -1;
}

static int group_setup(void **state)
{
	(void)state;
	host_kernel_start();
	vma_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hint, setup, teardown),
		cmocka_unit_test_setup_teardown(test_random_areas, setup, teardown),
		cmocka_unit_test_setup_teardown(test_overlap_is_caught, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mergeable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
