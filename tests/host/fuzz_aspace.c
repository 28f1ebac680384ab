/*
 * Address spaces, areas, page tables and faults under any sequence of calls: the bytes choose the
 * operations of the model that usertests runs too (user/tests/model.h), in four spaces that fork
 * one another, with reclaim and write-back in between.
 */
#include "tests/host/shim/one_file.h"
#include "tests/host/shim/mmu.h"
#include "tests/host/shim/sleep.h"

#include "mm/aspace.h"
#include "mm/init.h"
#include "mm/object.h"
#include "mm/pagecache.h"
#include "mm/pagetable.h"
#include "mm/reclaim.h"
#include "mm/tlb.h"
#include "tests/kernel/audit.h"
#include "user/tests/model.h"

#define SPACES 4
/* Across the border of leaf tables, and of an L1 table; the longer one holds a large page. */
#define BASE   (GiB - 90 * PAGE_SIZE)
#define PAGES  165
#define MORE_PAGES 640
_Static_assert(MODEL_FILE_MAX <= HOST_FILE_MAX, "the model's file fits");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
long sys_mmap(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
long sys_munmap(uint64_t, uint64_t);
long sys_mprotect(uint64_t, uint64_t, uint64_t);
long sys_mremap(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
long sys_madvise(uint64_t, uint64_t, uint64_t);
long sys_mlock(uint64_t, uint64_t);
long sys_munlock(uint64_t, uint64_t);

static struct space {
	struct aspace *as;
	struct model model;
} spaces[SPACES];

static struct model_world world;
static const uint8_t *input, *input_end;

/* --- the environment of the model --- */

static void enter(struct model *m)
{
	host_thread.aspace = ((struct space *)m->context)->as;
}

static long env_mmap(struct model *m, uintptr_t addr, size_t len, int prot, int flags, bool of_file,
		     uint64_t offset)
{
	enter(m);
	return sys_mmap(addr, len, (uint64_t)prot, (uint64_t)flags,
			of_file ? HOST_FD : (uint64_t)-1, offset);
}

static long env_munmap(struct model *m, uintptr_t addr, size_t len)
{
	enter(m);
	return sys_munmap(addr, len);
}

static long env_mprotect(struct model *m, uintptr_t addr, size_t len, int prot)
{
	enter(m);
	return sys_mprotect(addr, len, (uint64_t)prot);
}

static long env_mremap(struct model *m, uintptr_t addr, size_t len, size_t new_len, int flags,
		       uintptr_t to)
{
	enter(m);
	return sys_mremap(addr, len, new_len, (uint64_t)flags, to);
}

static long env_madvise(struct model *m, uintptr_t addr, size_t len, int advice)
{
	enter(m);
	return sys_madvise(addr, len, (uint64_t)advice);
}

static long env_mlock(struct model *m, uintptr_t addr, size_t len, bool lock)
{
	enter(m);
	return lock ? sys_mlock(addr, len) : sys_munlock(addr, len);
}

static long env_truncate(struct model *m, uint32_t pages)
{
	(void)m;
	return host_file_truncate(pages);
}

static int env_access(struct model *m, uintptr_t addr, bool write, uint32_t *word)
{
	uint8_t *place;
	int code = 0;
	int got = host_access(((struct space *)m->context)->as, addr,
			      write ? VM_WRITE_ACCESS : VM_READ_ACCESS, &place, &code);

	if (got == -SIGBUS)
		return ACCESS_BUS;
	if (got)
		return code == SEGV_MAPERR ? ACCESS_MAPERR : ACCESS_ACCERR;
	if (write)
		memcpy(place, word, sizeof(*word));
	else
		memcpy(word, place, sizeof(*word));
	return ACCESS_OK;
}

/* Two bytes of the input, or zero when it is at its end. */
static uint32_t draw(void)
{
	uint32_t value = 0;

	for (int i = 0; i < 2 && input < input_end; i++)
		value = value << 8 | *input++;
	return value;
}

static uint32_t env_pick(struct model *m, uint32_t n)
{
	(void)m;
	return draw() % n;
}

__attribute__((noreturn, format(printf, 2, 3)))
static void env_fail(struct model *m, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "space %d: ", (int)((struct space *)m->context - spaces));
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	abort();
}

static const struct model_env env = {
	.mmap = env_mmap, .munmap = env_munmap, .mprotect = env_mprotect, .mremap = env_mremap,
	.madvise = env_madvise, .mlock = env_mlock, .truncate = env_truncate,
	.access = env_access, .pick = env_pick, .fail = env_fail,
};

/* --- spaces --- */

static void space_fork(struct space *s, struct space *into)
{
	if (into->as)
		return;
	assert_int_equal(aspace_fork(s->as, 0, &into->as), 0);
	into->model = s->model;
	into->model.context = into;
	model_forked(&into->model);
}

static void space_exit(struct space *s)
{
	unsigned alive = 0;

	for (unsigned i = 0; i < SPACES; i++)
		alive += spaces[i].as != NULL;
	if (alive == 1)
		return;
	aspace_put(s->as);
	s->as = NULL;
}

/* As reclaim looks whether large pages are in use: the next access sets A again, or faults. */
static void age(struct aspace *as)
{
	uaddr_t va = 0;
	pte_t *l1;

	for (; (l1 = pt_l1_next(as, &va, USER_TOP)); va += L1_SIZE)
		if (pte_is_mega(*l1))
			*l1 &= ~PTE_A;
	tlb_flush(as, 0, USER_TOP);
}

static void step(void)
{
	uint32_t what = draw();
	struct space *s = &spaces[what % SPACES];

	if (!s->as)
		return;
	switch (what / SPACES % 16) {
	case 0:
		space_fork(s, &spaces[draw() % SPACES]);
		break;
	case 1:
		space_exit(s);
		break;
	case 2:
		reclaim_frames(draw() % 32, draw() & 1);
		age(s->as);
		break;
	case 3:
		assert_int_equal(pagecache_sync(&host_object, 0, OBJECT_INDEX_MAX), 0);
		break;
	case 4:
		model_check(&s->model);
		break;
	default:
		model_step(&s->model);
	}
}

static void setup(void)
{
	static const struct host_ram ram[] = {{.base = 0x80000000, .size = 32 * MiB}};

	host_kernel_start();
	host_ram_start(ram, 1);
	zero_page_pa = frame_pa(frame_alloc(0, FRAME_ZEROED));
	vma_init();
	aspace_init();
	pagecache_init();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready)
		setup();
	ready = true;
	input = data;
	input_end = data + size;
	host_kernel_start();
	host_mmu_start(draw() & 1 ? 16 : 0, draw() & 1);
	fork_sparse = draw() & 1 ? 0 : 64;
	tlb_init();
	host_file_start(MODEL_FILE_MAX / 2);
	spaces[0] = (struct space){.as = aspace_create()};
	assert_non_null(spaces[0].as);
	spaces[0].model.base = BASE;
	spaces[0].model.pages = draw() & 1 ? MORE_PAGES : PAGES;
	spaces[0].model.context = &spaces[0];
	model_start(&spaces[0].model, &env, &world);
	/* Tables with enough in them to be shared by fork. */
	model_map(&spaces[0].model, 0, spaces[0].model.pages, MODEL_ANON, PROT_READ | PROT_WRITE, 0,
		  0);
	if (draw() & 1)
		model_advise(&spaces[0].model, 0, spaces[0].model.pages, MADV_HUGEPAGE);
	model_fill(&spaces[0].model, 0, spaces[0].model.pages);
	while (input < input_end)
		step();
	for (unsigned i = 0; i < SPACES; i++) {
		if (!spaces[i].as)
			continue;
		aspace_check(spaces[i].as);
		model_check(&spaces[i].model);
		aspace_put(spaces[i].as);
		spaces[i].as = NULL;
	}
	host_file_end();
	host_expect_empty();
	return 0;
}
