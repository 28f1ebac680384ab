/*
 * RAM: frames, slabs, vmalloc, kernel stacks.
 */
#include "kernel/mem/kmap.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/vmalloc.h"
#include "kernel/selftest.h"
#include "kernel/thread.h"
#include "kernel/wait.h"
#include "lib/string.h"
#include "mm/frame.h"

#define STORM_THREADS 8
#define STORM_ROUNDS  3000
#define STORM_HELD    64

static _Atomic uint32_t storm_left, storm_errors;
static struct waitqueue storm_wait = WAITQUEUE_INIT(storm_wait);

static void run_storm(void (*func)(void *))
{
	storm_left = STORM_THREADS;
	storm_errors = 0;
	for (uint64_t i = 0; i < STORM_THREADS; i++) {
		struct thread *t = kthread_create("storm", func, (void *)(i + 1));

		selftest_check(t != NULL);
		if (t)
			thread_start(t);
		else
			storm_left--;
	}
	wait_event(&storm_wait, storm_left == 0, WAIT_UNINTERRUPTIBLE);
	selftest_check(storm_errors == 0);
}

static void storm_end(void)
{
	if (--storm_left == 0)
		wake_all(&storm_wait);
}

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005UL + 1442695040888963407UL;
	return *state >> 33;
}

/* Each block carries its owner's mark: two owners of one frame would notice. */
static void frame_storm(void *arg)
{
	struct {
		struct frame *f;
		unsigned order;
	} held[STORM_HELD] = {0};
	uint64_t seed = (uint64_t)arg, mark = (uint64_t)arg << 32;

	for (unsigned i = 0; i < STORM_ROUNDS; i++) {
		unsigned at = next_random(&seed) % STORM_HELD;

		if (held[at].f) {
			uint64_t *p = frame_data(held[at].f);

			if (*p != (mark | at))
				storm_errors++;
			*p = 0;
			frame_free(held[at].f, held[at].order);
			held[at].f = NULL;
			continue;
		}
		held[at].order = next_random(&seed) % 8 ? 0 : next_random(&seed) % 5;
		held[at].f = frame_alloc(held[at].order, FRAME_ZEROED);
		if (held[at].f) {
			uint64_t *p = frame_data(held[at].f);

			for (unsigned k = 0; k < PAGE_SIZE / 8; k++)
				if (p[k])
					storm_errors++;
			*p = mark | at;
		}
	}
	for (unsigned at = 0; at < STORM_HELD; at++)
		if (held[at].f)
			frame_free(held[at].f, held[at].order);
	storm_end();
}

SELFTEST(mm_frames_survive_a_storm_on_all_harts)
{
	uint64_t before = frames_free();

	run_storm(frame_storm);
	frame_audit();
	/* Thread records and stacks may stay in caches, and free lists in harts. */
	selftest_check(frames_free() + 256 > before);
}

SELFTEST(mm_blocks_are_contiguous_aligned_and_merge_again)
{
	for (unsigned order = 0; order <= FRAME_ORDER_MAX; order++) {
		struct frame *f = frame_alloc(order, 0);

		if (!f)
			continue; /* a small machine */
		selftest_check(IS_ALIGNED(frame_pa(f), PAGE_SIZE << order));
		memset(frame_data(f), 0x11, PAGE_SIZE << order);
		frame_free(f, order);
		frame_audit();
	}
	selftest_check(!frame_alloc(FRAME_ORDER_MAX + 1, 0));
}

static void slab_storm(void *arg)
{
	static const uint16_t sizes[] = {1,   16,  17,   40,   64,   100, 200,
					 300, 600, 1500, 2048, 2049, 9000};
	struct {
		uint8_t *p;
		size_t n;
	} held[STORM_HELD] = {0};
	uint64_t seed = (uint64_t)arg;

	for (unsigned i = 0; i < STORM_ROUNDS; i++) {
		unsigned at = next_random(&seed) % STORM_HELD;

		if (held[at].p) {
			for (size_t k = 0; k < held[at].n; k++)
				if (held[at].p[k] != (uint8_t)((uint64_t)arg + at))
					storm_errors++;
			kfree(held[at].p);
			held[at].p = NULL;
			continue;
		}
		held[at].n = sizes[next_random(&seed) % ARRAY_SIZE(sizes)];
		held[at].p = kmalloc(held[at].n);
		if (held[at].p)
			memset(held[at].p, (uint8_t)((uint64_t)arg + at), held[at].n);
	}
	for (unsigned at = 0; at < STORM_HELD; at++)
		kfree(held[at].p);
	storm_end();
}

SELFTEST(mm_slabs_survive_a_storm_on_all_harts)
{
	run_storm(slab_storm);
	frame_audit();
}

SELFTEST(mm_kmalloc_aligns)
{
	for (size_t n = 1; n <= 8192; n = n * 3 / 2 + 1) {
		void *p = kmalloc(n), *q = kmalloc(roundup_pow2(n));

		selftest_check(IS_ALIGNED((uintptr_t)p, 16));
		selftest_check(IS_ALIGNED((uintptr_t)q, MIN(roundup_pow2(n), PAGE_SIZE)));
		kfree(p);
		kfree(q);
	}
	kfree(NULL);
}

SELFTEST(mm_vmalloc_has_guards_and_gives_back)
{
	uint64_t before = frames_free();
	char *a = vmalloc(5 * PAGE_SIZE), *b = vmalloc(1);

	selftest_check(a && b);
	for (size_t i = 0; i < 5 * PAGE_SIZE; i++)
		selftest_check(!a[i]);
	memset(a, 1, 5 * PAGE_SIZE);
	selftest_check(kunmap_page((vaddr_t)a - PAGE_SIZE) == 0);
	selftest_check(kunmap_page((vaddr_t)a + 5 * PAGE_SIZE) == 0);
	vfree(a);
	vfree(b);
	vfree(NULL);
	selftest_check(frames_free() + 8 > before);
	selftest_check(!vmalloc(1UL << 40));
}

SELFTEST(mm_kernel_stacks_have_guards)
{
	char *s = kstack_alloc();

	selftest_check(s && IS_ALIGNED((vaddr_t)s, 2UL * KSTACK_SIZE));
	s[0] = s[KSTACK_SIZE - 1] = 1;
	for (vaddr_t va = (vaddr_t)s - KSTACK_SIZE; va < (vaddr_t)s; va += PAGE_SIZE)
		selftest_check(kunmap_page(va) == 0);
	kstack_free(s);
}

SELFTEST(mm_a_fault_where_all_is_well_is_spurious)
{
	char *p = vmalloc(PAGE_SIZE);

	selftest_check(p != NULL);
	selftest_check(kmap_fault_spurious((vaddr_t)p, false, false));
	selftest_check(kmap_fault_spurious((vaddr_t)p, true, false));
	selftest_check(!kmap_fault_spurious((vaddr_t)p, false, true));
	selftest_check(!kmap_fault_spurious((vaddr_t)p + PAGE_SIZE, false, false));
	selftest_check(!kmap_fault_spurious((vaddr_t)frame_data(FRAMES), true, false));
	vfree(p);
	selftest_check(!kmap_fault_spurious((vaddr_t)p, false, false));
}

/* Of a kernel table that maps pages of PAGE_SIZE << 9 * level. */
static bool writable_and_executable(const pte_t *table, unsigned level)
{
	for (unsigned i = level == 2 ? PT_ENTRIES / 2 : 0; i < PT_ENTRIES; i++) {
		bool bad = (table[i] & (PTE_W | PTE_X)) == (PTE_W | PTE_X);

		if (level && pte_is_table(table[i]))
			bad = writable_and_executable(phys_to_virt(pte_pa(table[i])), level - 1);
		if (bad)
			return true;
	}
	return false;
}

SELFTEST(mm_no_page_is_writable_and_executable)
{
	selftest_check(!writable_and_executable(kernel_root, 2));
}
