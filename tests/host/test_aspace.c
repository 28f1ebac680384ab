/*
 * Address spaces, page tables, page faults and the page cache together, against a model that says
 * what memory must hold: random mappings, accesses, forks, exits, truncation and reclaim over a
 * window of pages that lies across the borders of leaf tables.
 */
#include "tests/host/shim/one_file.h"
#include "tests/host/shim/mmu.h"
#include "tests/host/shim/sleep.h"

#include "kernel/uapi/mman.h"
#include "mm/aspace.h"
#include "mm/init.h"
#include "mm/object.h"
#include "mm/pagecache.h"
#include "mm/pagetable.h"
#include "mm/reclaim.h"
#include "mm/tlb.h"
#include "tests/kernel/audit.h"

#define PAGES	   48
#define BASE	   (GiB - 21 * PAGE_SIZE) /* across the border of an L1 table */
#define SPACES	   4
#define FILE_PAGES 40
#define SHARED_MAX 400

long sys_mmap(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
long sys_munmap(uint64_t, uint64_t);
long sys_mprotect(uint64_t, uint64_t, uint64_t);
long sys_mremap(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
long sys_madvise(uint64_t, uint64_t, uint64_t);

/* What a page of a space must be. */
struct page {
	bool mapped, shared, own; /* own: private, and written to or anonymous */
	uint8_t prot;
	int object; /* index into contents; -1: anonymous */
	unsigned index;
	uint64_t value;
};

static struct space {
	struct aspace *as;
	struct page pages[PAGES];
} spaces[SPACES];

static uint64_t contents[SHARED_MAX][PAGES]; /* of objects; 0 is the file */
static int objects_used;
static unsigned file_pages;
static uint64_t seed = 1;

static unsigned pick(unsigned n)
{
	return (unsigned)(test_random(&seed) % n);
}

/* The words of a page of the file that the file system has; the first and the last count. */
static uint64_t *stored(unsigned index)
{
	return (uint64_t *)host_store[index];
}

static uaddr_t va_of(unsigned page)
{
	return BASE + page * PAGE_SIZE;
}

/* One access to a page and what must come of it. */
static void touch(struct space *s, unsigned page, bool write)
{
	struct page *p = &s->pages[page];
	enum vm_access access = write ? VM_WRITE_ACCESS : VM_READ_ACCESS;
	uint64_t *place, want;
	int code = 0, got, expected = 0, expected_code = 0;

	if (!p->mapped)
		expected = -SIGSEGV, expected_code = SEGV_MAPERR;
	else if (!(p->prot & (write ? PROT_WRITE : PROT_READ | PROT_WRITE)))
		expected = -SIGSEGV, expected_code = SEGV_ACCERR;
	else if (p->object == 0 && !p->own && p->index >= file_pages)
		expected = -SIGBUS, expected_code = BUS_ADRERR;
	got = host_access(s->as, va_of(page), access, (uint8_t **)&place, &code);
	assert_int_equal(got, expected);
	if (expected) {
		assert_int_equal(code, expected_code);
		return;
	}
	want = p->own || p->object < 0 ? p->value : contents[p->object][p->index];
	assert_int_equal(place[0], want);
	assert_int_equal(place[511], want);
	if (!write)
		return;
	place[0] = place[511] = test_random(&seed);
	if (p->shared) {
		contents[p->object][p->index] = place[0];
	} else {
		p->own = true;
		p->value = place[0];
	}
}

/* A range of pages. */
static void pick_range(unsigned *first, unsigned *end)
{
	*first = pick(PAGES);
	*end = *first + 1 + pick(pick(4) ? 6 : PAGES);
	if (*end > PAGES)
		*end = PAGES;
}

static void map(struct space *s)
{
	bool shared = pick(2), of_file = pick(2);
	unsigned first, end, offset = pick(FILE_PAGES);
	uint8_t prot = (uint8_t)pick(4) * (pick(8) != 0);
	int flags = MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE) | (of_file ? 0 : MAP_ANONYMOUS);
	int object = -1;

	if (!of_file && shared && objects_used == SHARED_MAX)
		return;
	pick_range(&first, &end);
	if (!of_file)
		offset = 0;
	if (!of_file && shared)
		object = objects_used++;
	if (of_file)
		object = 0;
	if (pick(4) == 0)
		flags |= MAP_POPULATE;
	host_thread.aspace = s->as;
	assert_int_equal(sys_mmap(va_of(first), (end - first) * PAGE_SIZE, prot, (uint64_t)flags,
				  of_file ? HOST_FD : (uint64_t)-1, offset * PAGE_SIZE),
			 va_of(first));
	for (unsigned i = first; i < end; i++)
		s->pages[i] = (struct page){.mapped = true,
					    .shared = shared,
					    .prot = prot,
					    .object = object,
					    .index = offset + i - first};
	/* Populating a private writable area copies its pages at once, as Linux does. */
	for (unsigned i = first; i < end && (flags & MAP_POPULATE) && of_file && !shared; i++) {
		struct page *p = &s->pages[i];

		if (!(prot & PROT_WRITE) || p->index >= file_pages)
			break;
		p->own = true;
		p->value = contents[0][p->index];
	}
}

static void unmap(struct space *s)
{
	unsigned first, end;

	pick_range(&first, &end);
	host_thread.aspace = s->as;
	assert_int_equal(sys_munmap(va_of(first), (end - first) * PAGE_SIZE), 0);
	memset(&s->pages[first], 0, (end - first) * sizeof(struct page));
}

static void protect(struct space *s)
{
	unsigned first, end;
	uint8_t prot = (uint8_t)pick(4);

	pick_range(&first, &end);
	for (unsigned i = first; i < end; i++)
		if (!s->pages[i].mapped)
			end = i;
	if (first == end)
		return;
	host_thread.aspace = s->as;
	assert_int_equal(sys_mprotect(va_of(first), (end - first) * PAGE_SIZE, prot), 0);
	for (unsigned i = first; i < end; i++)
		s->pages[i].prot = prot;
}

/* Forgets private contents: anonymous pages are zero again, file pages are the file's. */
static void dontneed(struct space *s)
{
	unsigned first, end;

	pick_range(&first, &end);
	for (unsigned i = first; i < end; i++)
		if (!s->pages[i].mapped)
			end = i;
	if (first == end)
		return;
	host_thread.aspace = s->as;
	assert_int_equal(sys_madvise(va_of(first), (end - first) * PAGE_SIZE, MADV_DONTNEED), 0);
	for (unsigned i = first; i < end; i++) {
		s->pages[i].own = false;
		s->pages[i].value = 0;
	}
}

/* Moves a range to another place in the window; only what lies in one area can be moved. */
static void move(struct space *s)
{
	unsigned first, end, len, to;
	struct page moved[PAGES];
	long got;

	pick_range(&first, &end);
	for (unsigned i = first; i < end; i++)
		if (!s->pages[i].mapped)
			end = i;
	len = end - first;
	to = pick(PAGES - len + 1);
	if (!len || (to < end && first < to + len))
		return;
	host_thread.aspace = s->as;
	got = sys_mremap(va_of(first), len * PAGE_SIZE, len * PAGE_SIZE,
			 MREMAP_MAYMOVE | MREMAP_FIXED, va_of(to));
	memcpy(moved, &s->pages[first], len * sizeof(struct page));
	/* Linux makes room first, too, and then finds that it cannot move. */
	memset(&s->pages[to], 0, len * sizeof(struct page));
	if (got == -EFAULT)
		return;
	assert_int_equal(got, va_of(to));
	memset(&s->pages[first], 0, len * sizeof(struct page));
	memcpy(&s->pages[to], moved, len * sizeof(struct page));
}

static void fork_space(struct space *s)
{
	struct space *child = &spaces[pick(SPACES)];

	if (child->as)
		return;
	assert_int_equal(aspace_fork(s->as, 0, &child->as), 0);
	memcpy(child->pages, s->pages, sizeof(s->pages));
}

static void exit_space(struct space *s)
{
	unsigned alive = 0;

	for (unsigned i = 0; i < SPACES; i++)
		alive += spaces[i].as != NULL;
	if (alive == 1)
		return;
	aspace_put(s->as);
	memset(s, 0, sizeof(*s));
}

static void truncate_file(void)
{
	unsigned pages = pick(FILE_PAGES + 1);

	assert_int_equal(host_file_truncate(pages), 0);
	for (unsigned i = pages; i < FILE_PAGES; i++)
		contents[0][i] = 0;
	file_pages = pages;
	/* Private copies beyond the end go too. */
	for (unsigned n = 0; n < SPACES; n++) {
		for (unsigned i = 0; i < PAGES; i++) {
			struct page *p = &spaces[n].pages[i];

			if (p->mapped && p->object == 0 && p->index >= pages)
				p->own = false;
		}
	}
}

static void sync_file(void)
{
	assert_int_equal(pagecache_sync(&host_object, 0, OBJECT_INDEX_MAX), 0);
	for (unsigned i = 0; i < file_pages; i++)
		assert_int_equal(*stored(i), contents[0][i]);
}

/* No change of the file is lost: it is in the cache, or in the store. */
static void expect_file(void)
{
	for (unsigned i = 0; i < file_pages; i++) {
		struct frame *f = pagecache_find(&host_object, i);
		uint64_t value = f ? *(uint64_t *)frame_data(f) : *stored(i);

		assert_int_equal(value, contents[0][i]);
		if (f && !frame_has(f, FRAME_DIRTY))
			assert_int_equal(value, *stored(i));
		if (f)
			frame_put(f);
	}
}

static void step(void)
{
	static struct space *s = &spaces[0];

	/* Mostly the one that ran before, so that its translations are still cached. */
	while (!s->as || pick(6) == 0)
		s = &spaces[pick(SPACES)];
	switch (pick(40)) {
	case 0 ... 3:
		map(s);
		break;
	case 4:
		unmap(s);
		break;
	case 5 ... 6:
		protect(s);
		break;
	case 7:
		fork_space(s);
		break;
	case 8:
		if (pick(3) == 0)
			exit_space(s);
		break;
	case 9:
		if (pick(3) == 0)
			truncate_file();
		break;
	case 10:
		sync_file();
		break;
	case 12:
		dontneed(s);
		break;
	case 13:
		move(s);
		break;
	case 11:
		reclaim_frames(pick(20), pick(2));
		break;
	default:
		touch(s, pick(PAGES), pick(2));
		break;
	}
}

/* Is the table that `e` lies in one of the ring of leaf? */
static bool in_ring(struct frame *leaf, pte_t *e)
{
	struct frame *t = leaf;

	do {
		if (frame_of(e) == t)
			return true;
		t = FRAMES + t->next;
	} while (t != leaf);
	return false;
}

/* The entry that an ANON frame names maps it, at the same index in a table of the same ring. */
static void check_words(struct aspace *as)
{
	struct frame *leaf;
	uaddr_t va = 0;

	for (; (leaf = pt_leaf_next(as, &va, USER_TOP)); va += L1_SIZE) {
		for (unsigned i = 0; i < PT_ENTRIES; i++) {
			pte_t p = *((pte_t *)frame_data(leaf) + i);
			struct frame *f = pte_frame(p);

			if (!pte_resident(p) || pte_special(p) || frame_type(f) != FRAME_ANON)
				continue;
			assert_true(in_ring(leaf, f->pte));
			assert_ptr_equal(pte_frame(*f->pte), f);
			assert_int_equal(((uintptr_t)f->pte & (PAGE_SIZE - 1)) / sizeof(p), i);
		}
	}
}

/* One life of a few spaces, then everything is gone. */
static void episode(unsigned steps)
{
	memset(contents, 0, sizeof(contents));
	objects_used = 1;
	file_pages = FILE_PAGES;
	host_file_start(FILE_PAGES);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		stored(i)[0] = stored(i)[511] = contents[0][i] = test_random(&seed);
	spaces[0].as = aspace_create();
	assert_non_null(spaces[0].as);
	for (unsigned n = 0; n < steps; n++) {
		step();
		expect_file();
		for (unsigned i = 0; n % 16 == 0 && i < SPACES; i++)
			if (spaces[i].as) {
				aspace_check(spaces[i].as);
				check_words(spaces[i].as);
			}
	}
	/* Everything once more, page by page. */
	for (unsigned n = 0; n < SPACES; n++) {
		for (unsigned i = 0; spaces[n].as && i < PAGES; i++)
			touch(&spaces[n], i, false);
		aspace_put(spaces[n].as);
		spaces[n] = (struct space){0};
	}
	sync_file();
	host_file_end();
	host_expect_empty();
}

static void run(unsigned asid_bits, bool svade)
{
	host_kernel_start();
	host_mmu_start(asid_bits, svade);
	tlb_init();
	for (unsigned i = 0; i < 100; i++) {
		/* Forks that copy leaf tables, and forks that share them. */
		fork_sparse = i % 3 ? 0 : 64;
		episode(600);
	}
	assert_true(host_tlb_hits > 100);
}

static void test_asids(void **state)
{
	(void)state;
	run(16, false);
}

static void test_no_asids(void **state)
{
	(void)state;
	run(0, false);
}

/* Three identifiers for four spaces: generations begin all the time. */
static void test_few_asids(void **state)
{
	(void)state;
	run(2, false);
}

static void test_svade(void **state)
{
	(void)state;
	run(16, true);
}

/* Takes all frames but n; they are chained through their first words. */
static void **take_all_but(unsigned n)
{
	void **list = NULL;
	struct frame *f;

	while ((f = frame_alloc(0, 0))) {
		*(void **)frame_data(f) = list;
		list = frame_data(f);
	}
	for (; n && list; n--) {
		void **next = *list;

		frame_free(frame_of(list), 0);
		list = next;
	}
	return list;
}

static void give_all_back(void **list)
{
	while (list) {
		void **next = *list;

		frame_free(frame_of(list), 0);
		list = next;
	}
}

/* fork with n frames left, for every n until it works: the parent stays as it was. */
static void test_fork_no_memory(void **state)
{
	int err = -ENOMEM, code;
	struct aspace *as, *child;
	uint8_t *place;
	unsigned n = 0;

	(void)state;
	host_kernel_start();
	host_mmu_start(16, false);
	tlb_init();
	as = aspace_create();
	for (unsigned i = 0; i < 6; i++) {
		uaddr_t va = GiB / 2 + i * 4 * MiB;

		/* Each with a leaf table of its own. */
		assert_int_equal(aspace_map(as, va, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE, NULL, NULL, 0),
				 va);
		assert_int_equal(host_access(as, va, VM_WRITE_ACCESS, &place, &code), 0);
		*place = (uint8_t)(i + 1);
	}
	for (; err; n++) {
		void **list = take_all_but(n);

		err = aspace_fork(as, 0, &child);
		give_all_back(list);
		assert_true(!err || err == -ENOMEM);
		aspace_check(as);
	}
	assert_true(n > 5);
	for (unsigned i = 0; i < 6; i++) {
		uaddr_t va = GiB / 2 + i * 4 * MiB;

		assert_int_equal(host_access(child, va, VM_READ_ACCESS, &place, &code), 0);
		assert_int_equal(*place, i + 1);
		assert_int_equal(host_access(as, va, VM_WRITE_ACCESS, &place, &code), 0);
		assert_int_equal(*place, i + 1);
	}
	aspace_put(child);
	aspace_put(as);
	host_expect_empty();
}

/* A hart that is about to run what another one's fence.i has not reached yet. */
static struct aspace *late;
static unsigned fences;

static void execute(struct aspace *as)
{
	uint8_t *place;
	int code;

	assert_int_equal(host_access(as, BASE, VM_EXEC_ACCESS, &place, &code), 0);
}

void host_fence_i(void)
{
	static struct thread other;
	struct aspace *as = late;

	fences++;
	late = NULL;
	if (!as)
		return;
	other.hart = &harts[0];
	host_current = &other;
	execute(as);
	host_current = &host_thread;
}

/* New code is fenced once, and nobody runs it before that fence has come to an end. */
static void test_fence_i(void **state)
{
	struct aspace *as[3];

	(void)state;
	host_kernel_start();
	host_mmu_start(16, true);
	tlb_init();
	host_file_start(2);
	for (int i = 0; i < 3; i++) {
		as[i] = aspace_create();
		assert_int_equal(aspace_map(as[i], BASE, 2 * PAGE_SIZE, PROT_READ | PROT_EXEC,
					    MAP_PRIVATE, &host_object, NULL, 0),
				 BASE);
	}
	fences = 0;
	late = as[1];
	execute(as[0]);
	assert_int_equal(fences, 2);
	execute(as[2]);
	assert_int_equal(fences, 2);
	for (int i = 0; i < 3; i++)
		aspace_put(as[i]);
	host_file_end();
	host_expect_empty();
}

static int group_setup(void **state)
{
	static const struct host_ram ram[] = {{.base = 0x80000000, .size = 32 * MiB}};

	(void)state;
	host_kernel_start();
	host_ram_start(ram, 1);
	zero_page_pa = frame_pa(frame_alloc(0, FRAME_ZEROED));
	vma_init();
	aspace_init();
	pagecache_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_asids),
		cmocka_unit_test(test_no_asids),
		cmocka_unit_test(test_few_asids),
		cmocka_unit_test(test_svade),
		cmocka_unit_test(test_fork_no_memory),
		cmocka_unit_test(test_fence_i),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
