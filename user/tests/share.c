/*
 * share: a family of processes that fork from each other and change what they have in common, in a
 * random order, each against a model of its own. After every step a debug kernel audits its memory
 * (tests/kernel/audit.h), so that states which last only while several share are looked at too.
 */
#include "ut.h"

#include <sys/mman.h>

#define PAGE	4096UL
#define PAGES	700	/* two page tables, so full that a fork shares rather than copies them */
#define FAMILY	6
#define STEPS	120

enum op { WRITE, READ, PROTECT, UNMAP, MAP, DISCARD, MOVE, FORK, EXIT, OPS };

struct order {
	enum op op;
	int first, count;
	int child;	/* FORK: its place in the family */
	unsigned char value;
};

/* What this process's memory must hold; a fork copies it with everything else. */
static struct {
	unsigned char value;
	bool mapped, readonly;
} model[PAGES];

static volatile unsigned char *const at = (void *)0x600000000UL;
static int orders[FAMILY][2], replies[2];

static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005UL + 1442695040888963407UL;
	return (uint32_t)(*state >> 33);
}

static void check(int first, int count)
{
	for (int i = first; i < first + count; i++)
		if (model[i].mapped && at[(size_t)i * PAGE] != model[i].value)
			FAIL("page %d holds %d, not %d", i, at[(size_t)i * PAGE], model[i].value);
}

static bool all_mapped(int first, int count)
{
	for (int i = first; i < first + count; i++)
		if (!model[i].mapped)
			return false;
	return true;
}

static void write_pages(const struct order *o)
{
	for (int i = o->first; i < o->first + o->count; i++)
		if (model[i].mapped && !model[i].readonly)
			at[(size_t)i * PAGE] = model[i].value = o->value;
}

static void map_pages(const struct order *o)
{
	unsigned char *start = (unsigned char *)at + (size_t)o->first * PAGE;

	CHECK(mmap(start, (size_t)o->count * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == start);
	for (int i = o->first; i < o->first + o->count; i++) {
		model[i].mapped = true;
		model[i].readonly = false;
		model[i].value = 0;
	}
}

/* Away and back; areas that differ cannot move in one. */
static void move_pages(const struct order *o)
{
	unsigned char *start = (unsigned char *)at + (size_t)o->first * PAGE;
	unsigned char *away = (unsigned char *)0x700000000UL + (size_t)o->value * PAGE;
	size_t size = (size_t)o->count * PAGE;

	if (!all_mapped(o->first, o->count) ||
	    mremap(start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, away) != away)
		return;
	for (int i = 0; i < o->count; i++)
		CHECK_EQ(away[(size_t)i * PAGE], model[o->first + i].value);
	CHECK(mremap(away, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, start) == start);
}

static void change(const struct order *o)
{
	unsigned char *start = (unsigned char *)at + (size_t)o->first * PAGE;
	size_t size = (size_t)o->count * PAGE;
	bool readonly = o->value % 2, whole = all_mapped(o->first, o->count);

	switch (o->op) {
	case PROTECT:
		if (!whole)
			return;
		CHECK_OK(mprotect(start, size, PROT_READ | (readonly ? 0 : PROT_WRITE)));
		for (int i = o->first; i < o->first + o->count; i++)
			model[i].readonly = readonly;
		return;
	case UNMAP:
		CHECK_OK(munmap(start, size));
		for (int i = o->first; i < o->first + o->count; i++)
			model[i].mapped = false;
		return;
	case DISCARD:
		if (!whole)
			return;
		CHECK_OK(madvise(start, size, MADV_DONTNEED));
		for (int i = o->first; i < o->first + o->count; i++)
			model[i].value = 0;
		return;
	default:
		return;
	}
}

/* One of the family: does as it is told until it is told to end. */
static void member(int me)
{
	struct order o;

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		CHECK_EQ(read(orders[me][0], &o, sizeof(o)), sizeof(o));
		switch (o.op) {
		case WRITE:
			write_pages(&o);
			break;
		case READ:
			check(o.first, o.count);
			break;
		case MAP:
			map_pages(&o);
			break;
		case MOVE:
			move_pages(&o);
			break;
		case FORK:
			if (child() == 0) {
				me = o.child;
				continue;
			}
			break;
		case EXIT:
			check(0, PAGES);
			write_full(replies[1], "x", 1);
			_exit(0);
		default:
			change(&o);
		}
		write_full(replies[1], "k", 1);
	}
}

static void audit(int step, const struct order *o)
{
	int fd = open("/proc/sys/debug/audit", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		FAIL("step %d, operation %d of pages %d+%d: the kernel's audit: %s", step, o->op,
		     o->first, o->count, strerror(errno));
	close(fd);
}

static char ask(int who, const struct order *o)
{
	char reply = 0;

	write_full(orders[who][1], o, sizeof(*o));
	CHECK_EQ(read(replies[0], &reply, 1), 1);
	return reply;
}

/* An operation on a few pages, or on many; forks often enough that there is a family. */
static struct order random_order(uint64_t *seed)
{
	static const enum op often[] = { WRITE, WRITE, WRITE, READ, READ, FORK, FORK, FORK, FORK,
					 PROTECT, UNMAP, MAP, DISCARD, MOVE, EXIT };
	struct order o = { .op = often[next_random(seed) % (sizeof(often) / sizeof(often[0]))] };

	o.first = (int)(next_random(seed) % PAGES);
	o.count = 1 + (int)(next_random(seed) % (next_random(seed) % 4 ? 5 : 300));
	if (o.count > PAGES - o.first)
		o.count = PAGES - o.first;
	o.value = (unsigned char)(next_random(seed) % 200 + 1);
	return o;
}

static void family(uint64_t seed)
{
	bool alive[FAMILY] = { true };
	struct order o = { .op = MAP, .count = PAGES };
	int count = 1;

	CHECK_OK(pipe(replies));
	for (int i = 0; i < FAMILY; i++)
		CHECK_OK(pipe(orders[i]));
	if (child() == 0)
		member(0);
	ask(0, &o);
	o = (struct order){ .op = WRITE, .count = PAGES, .value = 1 };
	ask(0, &o);
	for (int step = 0; step < STEPS; step++) {
		int who = (int)(next_random(&seed) % FAMILY);

		while (!alive[who])
			who = (who + 1) % FAMILY;
		o = random_order(&seed);
		if ((o.op == EXIT && count == 1) || (o.op == FORK && count == FAMILY))
			continue;
		while (o.op == FORK && alive[o.child])
			o.child++;
		ask(who, &o);
		if (o.op == FORK)
			alive[o.child] = true;
		if (o.op == EXIT)
			alive[who] = false;
		count += (o.op == FORK) - (o.op == EXIT);
		audit(step, &o);
	}
	for (int i = 0; i < FAMILY; i++)
		if (alive[i])
			CHECK_EQ(ask(i, &(struct order){ .op = EXIT }), 'x');
}

TEST(share, family_1, .seconds = 300)
{
	family(1);
}

TEST(share, family_2, .seconds = 300)
{
	family(2);
}

TEST(share, family_3, .seconds = 300)
{
	family(3);
}
