/*
 * The audit as a whole: stopping the machine, the sums, the verdict on each frame.
 *
 * Sums are exact only when nobody changes anything meanwhile. So an interrupt collects all harts;
 * the last one to arrive does the work while the others spin. If one of them was interrupted with
 * preemption off, it may have been in the middle of a change under a spin lock: everybody goes on
 * and it is tried again. What threads that are not running are in the middle of (a frame allocated
 * but not yet mapped) is not seen by that; it makes sums differ for a moment, and is why only a
 * mistake that stays is one.
 */
#include "tests/kernel/audit.h"

#include "kernel/machine.h"
#include "kernel/mem/kmap.h"
#include "kernel/mem/vmalloc.h"
#include "kernel/printk.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/object.h"
#include "mm/pagecache.h"
#include "mm/percpu.h"
#include "mm/policy.h"

#define COMPLAINTS 12
#define TRIES	   200
#define PAUSE	   (10 * NSEC_PER_MSEC)

static _Atomic bool running; /* one audit at a time */
static struct audit_found *found; /* one for each frame of RAM, range by range; kept */
static char complaints[COMPLAINTS][120];
static _Atomic uint32_t nr_complaints;

void audit_complain(const char *fmt, ...)
{
	uint32_t n = nr_complaints++;
	va_list ap;

	if (n >= COMPLAINTS)
		return;
	va_start(ap, fmt);
	vsnprintf(complaints[n], sizeof(complaints[n]), fmt, ap);
	va_end(ap);
}

struct audit_found *audit_found(const struct frame *f, const char *who)
{
	uint64_t at = 0;

	for (unsigned i = 0; i < machine.ram_count; i++) {
		uint64_t offset = frame_pa(f) - machine.ram[i].base;

		if (offset < machine.ram[i].size)
			return found + at + (offset >> PAGE_SHIFT);
		at += machine.ram[i].size >> PAGE_SHIFT;
	}
	audit_complain("%s: frame %u is no RAM", who, frame_pfn(f));
	return NULL;
}

static size_t found_size(void)
{
	uint64_t frames = 0;

	for (unsigned i = 0; i < machine.ram_count; i++)
		frames += machine.ram[i].size >> PAGE_SHIFT;
	return frames * sizeof(*found);
}

static const char *const type_names[FRAME_TYPES] = {"reserved",	  "free", "kernel", "slab",
						    "page table", "anon", "object"};

/*
 * Metadata blocks that a mounted volume keeps at hand have one more reference (fs/ext2/ext2.h), and
 * those that its journal has to bring to their places another (fs/jbd2/internal.h).
 */
static uint32_t held_by_volume(const struct frame *f)
{
	const struct object *o = f->object;

	return o && !strcmp(o->ops->name, "metadata") ? 2 : 0;
}

static void judge(const struct frame *f)
{
	const struct audit_found *is = audit_found(f, "core map");
	enum frame_type type = frame_type(f);
	uint32_t refs = f->refs, maps = f->maps;
	bool right;

	switch (type) {
	case FRAME_RESERVED:
		return;
	case FRAME_FREE:
		right = !refs && !is->refs;
		break;
	case FRAME_KERNEL:
	case FRAME_SLAB:
		right = refs == 1 && is->refs <= 1 && !is->maps;
		break;
	case FRAME_ANON:
		right = maps && maps == is->maps && refs == is->refs;
		break;
	case FRAME_OBJECT:
		right = maps == is->maps && refs >= is->refs &&
			refs <= is->refs + held_by_volume(f);
		break;
	default:
		right = refs == is->refs && refs;
		maps = 0;
	}
	if (!right)
		audit_complain("%s frame %u: %u references, %u maps; found %u and %u",
			       type < FRAME_TYPES ? type_names[type] : "strange", frame_pfn(f),
			       refs, maps, is->refs, is->maps);
}

/* Is every free frame in a block or in the cache of a hart, and in one only? */
static void audit_free(const struct frame *f, const struct frame *end)
{
	while (f < end) {
		unsigned order = (f->word & FRAME_ORDER_MASK) >> FRAME_ORDER_SHIFT;

		if (frame_type(f) != FRAME_FREE || frame_has(f, FRAME_CACHED)) {
			f++;
			continue;
		}
		if (f->word != (FRAME_FREE | FRAME_QUEUED | order << FRAME_ORDER_SHIFT)) {
			audit_complain("free frame %u is in no block", frame_pfn(f));
			f++;
			continue;
		}
		for (uint32_t i = 1; i < 1u << order; i++)
			if (f[i].word != FRAME_FREE)
				audit_complain("frame %u is not free as its block is",
					       frame_pfn(f + i));
		f += 1UL << order;
	}
}

static void audit_zeroed(const struct frame *f)
{
	const uint64_t *p = frame_data(f);

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*p); i++) {
		if (!p[i])
			continue;
		audit_complain("frame %u, free and zeroed, has %lx at %lu", frame_pfn(f), p[i],
			       i * sizeof(*p));
		return;
	}
}

static void audit_caches(uint64_t cached)
{
	struct frame_blocks blocks;

	frame_blocks(&blocks);
	cached -= blocks.loose;
	for (uint32_t i = 0; i < nharts; i++) {
		const struct mm_hart *h = harts[i].percpu_mm;

		for (uint32_t n = 0; h && n < h->nr_frames + h->nr_zeroed; n++) {
			const struct frame *f = n < h->nr_frames ? h->frames[n]
								 : h->zeroed[n - h->nr_frames];

			cached--;
			if (f->word != (FRAME_FREE | FRAME_CACHED))
				audit_complain("frame %u in the cache of hart %u is not free",
					       frame_pfn(f), i);
			if (n >= h->nr_frames)
				audit_zeroed(f);
		}
	}
	if (cached)
		audit_complain("%ld free frames are in no hart's cache, nor loose", (long)cached);
}

static void audit_frames(void)
{
	uint64_t by_flag[3] = {0}, cached = 0;

	for (unsigned i = 0; i < machine.ram_count; i++) {
		const struct frame *f = frame_of_pa(machine.ram[i].base);
		const struct frame *end = f + (machine.ram[i].size >> PAGE_SHIFT);

		audit_free(f, end);
		for (; f < end; f++) {
			judge(f);
			cached += f->word == (FRAME_FREE | FRAME_CACHED);
			if (frame_type(f) == FRAME_OBJECT || frame_type(f) == FRAME_ANON)
				by_flag[1] += frame_has(f, FRAME_QUEUED);
			if (frame_type(f) != FRAME_OBJECT)
				continue;
			by_flag[0] += f->object != NULL;
			by_flag[2] += f->object && f->object->ops->write_pages &&
				      frame_has(f, FRAME_DIRTY);
		}
	}
	audit_caches(cached);
	if (by_flag[0] != pagecache_nr_frames || by_flag[1] != policy_pages() ||
	    by_flag[2] != pagecache_nr_dirty)
		audit_complain("%lu frames in objects, %lu queued, %lu dirty; counted %lu %lu %lu",
			       by_flag[0], by_flag[1], by_flag[2], (uint64_t)pagecache_nr_frames,
			       policy_pages(), (uint64_t)pagecache_nr_dirty);
}

/* Of one attempt. */
static struct {
	uint32_t by;		   /* the hart that asked, which waits in hart_call */
	uint32_t expected;	   /* other harts */
	_Atomic uint32_t arrived;
	_Atomic bool over;
	bool busy; /* one was interrupted where its hands were full */
} stop;

static void audit_stopped(void)
{
	uint64_t pages;

	memset(found, 0, found_size());
	audit_tables();
	audit_objects();
	audit_slabs();
	audit_swap();
	pages = audit_vmalloc_pages();
	if (pages != vmalloc_pages + kstack_pages)
		audit_complain("%lu pages of vmalloc counted, %lu mapped",
			       vmalloc_pages + kstack_pages, pages);
	audit_frames();
}

/* On each of the other harts, in an interrupt. */
static void arrive(void *unused)
{
	if (++stop.arrived < stop.expected) {
		while (!stop.over)
			cpu_relax();
		return;
	}
	for (uint32_t i = 0; i < nharts; i++)
		if (i != stop.by && harts[i].online && harts[i].current->preempt_count)
			stop.busy = true;
	if (!stop.busy)
		audit_stopped();
	stop.over = true;
}

/* One attempt; false if a hart was not where it could be audited. */
static bool stop_and_audit(void)
{
	uint64_t irq;

	preempt_disable();
	memset(&stop, 0, sizeof(stop));
	stop.by = this_hart()->index;
	for (uint32_t i = 0; i < nharts; i++)
		stop.expected += harts[i].online && i != stop.by;
	if (stop.expected) {
		hart_call(~0UL, arrive, NULL);
	} else {
		irq = irq_save();
		audit_stopped();
		irq_restore(irq);
	}
	preempt_enable();
	return !stop.busy;
}

/* At the highest level: init turns the others off while it runs a command. */
static void print_complaints(void)
{
	uint32_t n = nr_complaints;

	for (uint32_t i = 0; i < MIN(n, (uint32_t)COMPLAINTS); i++)
		printk(LOG_EMERG, "audit: %s\n", complaints[i]);
	if (n > COMPLAINTS)
		printk(LOG_EMERG, "audit: and %u more\n", n - COMPLAINTS);
}

int audit_once(void)
{
	bool done;

	if (__atomic_exchange_n((bool *)&running, true, __ATOMIC_ACQUIRE))
		return -EBUSY;
	if (!found)
		found = vmalloc(found_size());
	nr_complaints = 0;
	frame_audit();
	done = found && stop_and_audit();
	audit_aspaces();
	running = false;
	if (!found)
		return -ENOMEM;
	return done ? (int)nr_complaints : -EAGAIN;
}

int memory_audit(void)
{
	int wrong = -EAGAIN;

	for (unsigned try = 0; wrong && try < TRIES; try++) {
		if (try)
			sleep_ns(PAUSE);
		wrong = audit_once();
	}
	if (wrong > 0)
		print_complaints();
	else if (wrong)
		printk(LOG_EMERG, "audit: could not be made: %d\n", wrong);
	return wrong > 0 ? -EUCLEAN : wrong;
}
