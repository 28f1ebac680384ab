/*
 * Address spaces, seen from a kernel thread that puts one on and uses user copies in it.
 */
#include "kernel/mem/slab.h"
#include "kernel/riscv.h"
#include "kernel/rusage.h"
#include "kernel/selftest.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/object.h"
#include "mm/pagecache.h"
#include "mm/pagetable.h"
#include "mm/usercopy.h"
#include "tests/kernel/audit.h"
#include "tests/kernel/wear.h"

#define BASE 0x10000000UL

static struct aspace *wear_new(void)
{
	struct aspace *as = aspace_create();

	selftest_check(as != NULL);
	wear(as);
	return as;
}

static void take_off(struct aspace *as)
{
	wear(NULL);
	aspace_put(as);
	frame_audit();
	selftest_check(!memory_audit());
}

static long map_anon(struct aspace *as, uaddr_t at, size_t pages)
{
	return aspace_map(as, at, pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, NULL, NULL, 0);
}

static uint64_t rss(struct aspace *as)
{
	struct aspace_stats s;

	aspace_stats(as, &s);
	return s.rss;
}

SELFTEST(mm_anonymous_memory_is_lazy_and_zero)
{
	struct aspace *as = wear_new();
	uint64_t v = 1;

	selftest_check(map_anon(as, BASE, 1024) == BASE);
	selftest_check(rss(as) == 0);
	selftest_check(!get_user_u64(&v, BASE + 5001) && v == 0);
	selftest_check(!get_user_u64(&v, BASE + 8) && v == 0);
	selftest_check(rss(as) == 0);
	selftest_check(!put_user_u64(BASE + 8, 77));
	selftest_check(!get_user_u64(&v, BASE + 8) && v == 77);
	selftest_check(rss(as) == 1);
	selftest_check(!aspace_unmap(as, BASE, 1024 * PAGE_SIZE));
	selftest_check(rss(as) == 0);
	selftest_check(get_user_u64(&v, BASE + 8) == -EFAULT);
	take_off(as);
}

SELFTEST(mm_copies_stop_at_the_very_byte)
{
	struct aspace *as = wear_new();
	static uint8_t from[96], to[96];

	for (unsigned i = 0; i < sizeof(from); i++)
		from[i] = i + 1;
	selftest_check(map_anon(as, BASE, 1) == BASE);
	for (unsigned in = 0; in < 90; in++) {
		for (unsigned align = 0; align < 8; align++) {
			uaddr_t at = BASE + PAGE_SIZE - in;
			unsigned n = 88;
			size_t left = copy_to_user_partial(at, from + align, n);

			selftest_check(left == (in < n ? n - in : 0));
			memset(to, 0, sizeof(to));
			left = copy_from_user_partial(to + align, at, n);
			selftest_check(left == (in < n ? n - in : 0));
			selftest_check(!memcmp(to + align, from + align, MIN(in, n)));
			left = copy_from_user_nofault(to, BASE + PAGE_SIZE, 8);
			selftest_check(left == 8);
		}
		selftest_check(clear_user(BASE + PAGE_SIZE - in, in + 1) == -EFAULT);
		selftest_check(!clear_user(BASE + PAGE_SIZE - in, in));
	}
	selftest_check(copy_to_user(USER_TOP - 8, from, 16) == -EFAULT);
	selftest_check(copy_to_user(DIRECT_BASE, from, 16) == -EFAULT);
	selftest_check(copy_to_user(BASE, from, ~0UL) == -EFAULT);
	take_off(as);
}

SELFTEST(mm_copies_touch_nothing_else)
{
	struct aspace *as = wear_new();
	static uint8_t from[512], to[512];

	memset(from, 0xee, sizeof(from));
	selftest_check(map_anon(as, BASE, 1) == BASE);
	for (unsigned n = 0; n < 300; n++) {
		for (unsigned align = 8; align < 16; align++) {
			selftest_check(!copy_to_user(BASE, from, sizeof(from)));
			selftest_check(!clear_user(BASE + align, n));
			selftest_check(!copy_from_user(to, BASE, sizeof(to)));
			for (unsigned i = 0; i < sizeof(to); i++)
				if (to[i] != (i >= align && i < align + n ? 0 : 0xee))
					selftest_fail(__FILE__, __LINE__, "a byte is wrong");
			selftest_check(!copy_to_user(BASE + align, from + (n & 7), n));
			selftest_check(!copy_from_user(to, BASE, sizeof(to)));
			selftest_check(!memcmp(to, from, sizeof(to)));
		}
	}
	take_off(as);
}

SELFTEST(mm_strings_end_where_they_should)
{
	struct aspace *as = wear_new();
	char buf[16];

	selftest_check(map_anon(as, BASE, 1) == BASE);
	selftest_check(!copy_to_user(BASE + PAGE_SIZE - 5, "abcd", 5));
	selftest_check(strncpy_from_user(buf, BASE + PAGE_SIZE - 5, 16) == 4 &&
		       !strcmp(buf, "abcd"));
	selftest_check(strncpy_from_user(buf, BASE + PAGE_SIZE - 5, 5) == 4);
	selftest_check(strncpy_from_user(buf, BASE + PAGE_SIZE - 5, 4) == -ENAMETOOLONG);
	selftest_check(!copy_to_user(BASE + PAGE_SIZE - 5, "abcde", 5));
	selftest_check(strncpy_from_user(buf, BASE + PAGE_SIZE - 5, 16) == -EFAULT);
	selftest_check(strncpy_from_user(buf, USER_TOP + 1, 16) == -EFAULT);
	take_off(as);
}

SELFTEST(mm_cmpxchg_tells_what_was_there)
{
	struct aspace *as = wear_new();
	uint32_t old;

	selftest_check(map_anon(as, BASE, 1) == BASE);
	selftest_check(!cmpxchg_user_u32(BASE, 0, 0x80000001, &old) && old == 0);
	selftest_check(!cmpxchg_user_u32(BASE, 0x80000001, 5, &old) && old == 0x80000001);
	selftest_check(!cmpxchg_user_u32(BASE, 0, 9, &old) && old == 5);
	selftest_check(cmpxchg_user_u32(BASE + PAGE_SIZE, 0, 9, &old) == -EFAULT);
	take_off(as);
}

SELFTEST(mm_fork_copies_on_write)
{
	struct aspace *a = wear_new(), *b, *c;
	uint64_t v, free = frames_free();

	selftest_check(map_anon(a, BASE, 600) == BASE);
	for (unsigned i = 0; i < 600; i++)
		selftest_check(!put_user_u64(BASE + i * PAGE_SIZE, i));
	selftest_check(!aspace_fork(a, 0, &b));
	selftest_check(!aspace_fork(b, 0, &c));
	selftest_check(rss(b) == 600 && rss(c) == 600);
	for (unsigned i = 0; i < 600; i += 2)
		selftest_check(!put_user_u64(BASE + i * PAGE_SIZE, 1000 + i));
	wear(b);
	for (unsigned i = 0; i < 600; i += 3)
		selftest_check(!put_user_u64(BASE + i * PAGE_SIZE, 2000 + i));
	wear(c);
	for (unsigned i = 0; i < 600; i++)
		selftest_check(!get_user_u64(&v, BASE + i * PAGE_SIZE) && v == i);
	wear(b);
	for (unsigned i = 0; i < 600; i++)
		selftest_check(!get_user_u64(&v, BASE + i * PAGE_SIZE) &&
			       v == (i % 3 ? i : 2000 + i));
	selftest_check(!memory_audit());
	wear(a);
	aspace_put(b);
	aspace_put(c);
	for (unsigned i = 0; i < 600; i++) {
		selftest_check(!get_user_u64(&v, BASE + i * PAGE_SIZE) &&
			       v == (i % 2 ? i : 1000 + i));
		selftest_check(!put_user_u64(BASE + i * PAGE_SIZE, i));
	}
	take_off(a);
	selftest_check(frames_free() + 64 > free);
}

/* --- a file that is a function of its offset --- */

static _Atomic uint32_t reads, writes;
static uint8_t written[64];

static int fake_read(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t *p = frame_data(frames[i]);

		for (unsigned k = 0; k < PAGE_SIZE / 8; k++)
			p[k] = (index + i) * PAGE_SIZE + k * 8 < o->size ? index + i + 1 : 0;
	}
	reads += n;
	return 0;
}

static int fake_write(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (index + i < sizeof(written))
			written[index + i] = *(uint8_t *)frame_data(frames[i]);
	writes += n;
	return 0;
}

static const struct object_ops fake_ops = {
	.name = "fake", .read_pages = fake_read, .write_pages = fake_write};

static void fake_file(struct object *o, uint64_t pages)
{
	reads = writes = 0;
	memset(written, 0, sizeof(written));
	object_init(o, &fake_ops, NULL, pages * PAGE_SIZE);
}

SELFTEST(mm_file_pages_are_read_once_and_shared)
{
	static struct object o;
	struct aspace *as = wear_new();
	uint64_t v;

	fake_file(&o, 40);
	selftest_check(aspace_map(as, BASE, 48 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, &o,
				  NULL, 0) == BASE);
	selftest_check(aspace_map(as, 2 * BASE, 48 * PAGE_SIZE, PROT_READ, MAP_SHARED, &o, NULL,
				  0) == 2 * BASE);
	for (unsigned i = 0; i < 40; i++) {
		selftest_check(!get_user_u64(&v, BASE + i * PAGE_SIZE) && v == i + 1);
		selftest_check(!get_user_u64(&v, 2 * BASE + i * PAGE_SIZE) && v == i + 1);
	}
	selftest_check(reads == 40);
	selftest_check(get_user_u64(&v, BASE + 40 * PAGE_SIZE) == -EFAULT);
	selftest_check(put_user_u64(2 * BASE, 1) == -EFAULT);
	selftest_check(!put_user_u64(BASE + PAGE_SIZE, 99));
	selftest_check(!get_user_u64(&v, 2 * BASE + PAGE_SIZE) && v == 2);
	selftest_check(!pagecache_truncate(&o, PAGE_SIZE));
	selftest_check(get_user_u64(&v, BASE + PAGE_SIZE) == -EFAULT);
	selftest_check(!get_user_u64(&v, BASE) && v == 1);
	take_off(as);
	selftest_check(writes == 0);
	object_destroy(&o);
}

SELFTEST(mm_shared_writes_reach_the_file)
{
	static struct object o;
	struct aspace *as = wear_new();
	uint64_t v;

	fake_file(&o, 8);
	selftest_check(aspace_map(as, BASE, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, &o,
				  NULL, 0) == BASE);
	selftest_check(!put_user_u64(BASE + 3 * PAGE_SIZE, 0x55));
	selftest_check(pagecache_nr_dirty >= 1);
	selftest_check(!pagecache_sync(&o, 0, 7) && writes == 1 && written[3] == 0x55);
	selftest_check(!pagecache_sync(&o, 0, 7) && writes == 1);
	/* Write-back took the permission away: the next write is seen again. */
	selftest_check(!put_user_u64(BASE + 3 * PAGE_SIZE, 0x66));
	selftest_check(!pagecache_sync(&o, 0, 7) && writes == 2 && written[3] == 0x66);
	selftest_check(!get_user_u64(&v, BASE + 3 * PAGE_SIZE) && v == 0x66);
	take_off(as);
	object_destroy(&o);
}

SELFTEST(mm_memory_of_a_fork_that_shares_is_one)
{
	struct object *o = shm_object_create(4 * PAGE_SIZE, true);
	struct aspace *a = wear_new(), *b;
	uint64_t v;

	selftest_check(aspace_map(a, BASE, 4 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, o,
				  NULL, 0) == BASE);
	object_put(o);
	selftest_check(!put_user_u64(BASE, 1));
	selftest_check(!aspace_fork(a, 0, &b));
	wear(b);
	selftest_check(!get_user_u64(&v, BASE) && v == 1);
	selftest_check(!put_user_u64(BASE + PAGE_SIZE, 2));
	wear(a);
	selftest_check(!get_user_u64(&v, BASE + PAGE_SIZE) && v == 2);
	aspace_put(b);
	take_off(a);
}
