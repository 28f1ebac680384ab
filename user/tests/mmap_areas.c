/* What areas are and do: protection, splitting, merging, mremap, limits, locks, advice. */
#include "vmlib.h"

#include <sys/resource.h>

TEST(mmap, prot_none)
{
	char *p = map_rw(3 * PAGE);

	tag_pages(p, 3, 4);
	CHECK_OK(mprotect(p + PAGE, PAGE, PROT_NONE));
	CHECK_NO_READ(p + PAGE);
	CHECK_NO_WRITE(p + 2 * PAGE - 1);
	CHECK_OK(mprotect(p + PAGE, PAGE, RO));
	check_tags(p, 3, 4);
	CHECK_NO_WRITE(p + PAGE);
}

TEST(mmap, write_implies_read)
{
	char *p = map_anon(PAGE, PROT_WRITE, MAP_PRIVATE);

	CHECK_READS(p);
	*(volatile char *)p = 5;
	CHECK_EQ(*(volatile char *)p, 5);
	p = map_anon(PAGE, PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
	CHECK_READS(p);
	CHECK_WRITES(p);
}

TEST(mmap, execute_only)
{
	static const unsigned int code[] = { 0x03700513, 0x00008067 };	/* li a0, 55; ret */
	char *p = map_rw(PAGE);
	int fd[2];

	memcpy(p, code, sizeof(code));
	CHECK_OK(mprotect(p, PAGE, PROT_EXEC));
	__builtin___clear_cache(p, p + sizeof(code));
	CHECK_EQ(((int (*)(void))(uintptr_t)p)(), 55);
	CHECK_NO_READ(p);
	CHECK_NO_WRITE(p);
	CHECK_OK(pipe(fd));
	CHECK_ERR(write(fd[1], p, 8), EFAULT);
}

TEST(mmap, areas_merge)
{
	char *p = map_rw(9 * PAGE);
	uintptr_t start, end;
	char perms[5];

	CHECK_OK(mprotect(p + 3 * PAGE, 3 * PAGE, RO));
	CHECK_OK(mprotect(p, PAGE, PROT_NONE));
	CHECK(maps_find(p + 4 * PAGE, &start, &end, perms));
	CHECK(start == (uintptr_t)p + 3 * PAGE && end == (uintptr_t)p + 6 * PAGE);
	CHECK_STR(perms, "r--p");
	CHECK_EQ(maps_count(p, p + 9 * PAGE), 4);
	CHECK_OK(mprotect(p, 9 * PAGE, RW));
	CHECK_EQ(maps_count(p, p + 9 * PAGE), 1);
	/* A page put back into its hole is one with its neighbours again. */
	CHECK_OK(munmap(p + 4 * PAGE, PAGE));
	CHECK_EQ(maps_count(p, p + 9 * PAGE), 2);
	map_at(p + 4 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	CHECK_EQ(maps_count(p, p + 9 * PAGE), 1);
}

TEST(mmap, file_areas_merge)
{
	int fd = pattern_file("f", 8 * PAGE, 3);
	char *p = map_at(NULL, 8 * PAGE, RO, MAP_SHARED, fd, 0);

	CHECK_OK(munmap(p + 2 * PAGE, 2 * PAGE));
	CHECK_EQ(maps_count(p, p + 8 * PAGE), 2);
	/* The same pages of the file close the hole, others do not. */
	map_at(p + 2 * PAGE, 2 * PAGE, RO, MAP_SHARED | MAP_FIXED, fd, PAGE);
	CHECK_EQ(maps_count(p, p + 8 * PAGE), 3);
	map_at(p + 2 * PAGE, 2 * PAGE, RO, MAP_SHARED | MAP_FIXED, fd, 2 * PAGE);
	CHECK_EQ(maps_count(p, p + 8 * PAGE), 1);
	pattern_check(p, 8 * PAGE, 3, 0);
}

TEST(mmap, populate)
{
	unsigned char in[16];
	char *p = map_anon(16 * PAGE, RW, MAP_PRIVATE | MAP_POPULATE);

	CHECK_OK(mincore(p, 16 * PAGE, in));
	for (int i = 0; i < 16; i++)
		CHECK_EQ(in[i] & 1, 1);
	check_zero(p, 16 * PAGE);
	/* What cannot be populated is no error. */
	map_anon(PAGE, PROT_NONE, MAP_PRIVATE | MAP_POPULATE);
	int fd = pattern_file("f", PAGE + 1, 2);
	p = map_at(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	pattern_check(p, PAGE + 1, 2, 0);
	CHECK_BUS(p + 2 * PAGE);
}

TEST(mmap, locked)
{
	unsigned char in[4];
	char *p = map_anon(4 * PAGE, RW, MAP_PRIVATE | MAP_LOCKED);

	CHECK_OK(mincore(p, 4 * PAGE, in));
	CHECK(in[0] & in[1] & in[2] & in[3] & 1);
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_OK(munlock(p, 4 * PAGE));
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
}

TEST(mmap, noreserve_100_gib)
{
	size_t size = 100ul << 30;
	char *p = map_anon(size, RW, MAP_PRIVATE | MAP_NORESERVE);
	long resident;

	/* Without large pages, which the judge would make of each touched one. */
	CHECK_OK(madvise(p, size, MADV_NOHUGEPAGE));
	resident = statm_pages(1);
	for (size_t i = 0; i < 10; i++)
		p[i * (10ul << 30) + 12345] = (char)(i + 1);
	for (size_t i = 0; i < 10; i++)
		CHECK_EQ(p[i * (10ul << 30) + 12345], i + 1);
	CHECK(statm_pages(1) <= resident + 300);
	CHECK_GE(statm_pages(0), (long)(size / PAGE));
	CHECK_OK(munmap(p, size));
	CHECK_MAPERR(p);
}

TEST(mmap, grows_down)
{
	char *room = map_anon(600 * PAGE, PROT_NONE, MAP_PRIVATE), *p = room + 590 * PAGE;

	CHECK_OK(munmap(room, 600 * PAGE));
	map_at(p, 2 * PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	CHECK_WRITES(p - PAGE);
	CHECK_WRITES(p - 100 * PAGE);
	check_zero(p - 100 * PAGE, 100 * PAGE);
	CHECK_MAPERR(p + 2 * PAGE);
}

TEST(mmap, grows_down_not_into_gap)
{
	/* 256 pages of distance to what lies below, unless that may not be touched anyway. */
	char *room = map_anon(900 * PAGE, PROT_NONE, MAP_PRIVATE), *p = room + 800 * PAGE;

	CHECK_OK(munmap(room, 900 * PAGE));
	map_at(p, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);
	map_at(p - 300 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	CHECK_WRITES(p - 30 * PAGE);
	CHECK_EQ(touch(p - 60 * PAGE, true), SEGV_MAPERR);
	CHECK_OK(mprotect(p - 300 * PAGE, PAGE, PROT_NONE));
	CHECK_WRITES(p - 60 * PAGE);
	CHECK_WRITES(p - 290 * PAGE);
}

TEST(mmap, mprotect_grows_down)
{
	char *p = map_at(ARENA, 8 * PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1, 0);

	CHECK_OK(mprotect(p + 4 * PAGE, PAGE, RO | PROT_GROWSDOWN));
	CHECK_NO_WRITE(p);
	CHECK_NO_WRITE(p + 4 * PAGE);
	CHECK_WRITES(p + 5 * PAGE);
}

TEST(mmap, mremap_in_place)
{
	char *p = map_at(ARENA, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0);

	tag_pages(p, 4, 2);
	CHECK(mremap(p, 4 * PAGE, 8 * PAGE, 0) == p);
	check_tags(p, 4, 2);
	check_zero(p + 4 * PAGE, 4 * PAGE);
	CHECK(mremap(p, 8 * PAGE, 2 * PAGE, 0) == p);
	check_tags(p, 2, 2);
	CHECK_MAPERR(p + 2 * PAGE);
	CHECK(mremap(p, PAGE + 1, 2 * PAGE, 0) == p);
}

TEST(mmap, mremap_moves)
{
	char *p = map_at(ARENA, 5 * PAGE, RW, ANON | MAP_FIXED, -1, 0), *q;

	tag_pages(p, 5, 2);
	CHECK_OK(munmap(p + 4 * PAGE, PAGE));
	map_at(p + 4 * PAGE, PAGE, RO, ANON_SHARED | MAP_FIXED, -1, 0);
	q = mremap(p, 4 * PAGE, 100 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p);
	check_tags(q, 4, 2);
	check_zero(q + 4 * PAGE, 96 * PAGE);
	CHECK_MAPERR(p);
	CHECK_READS(p + 4 * PAGE);
}

TEST(mmap, mremap_fixed_replaces)
{
	char *p = map_rw(4 * PAGE), *q = map_rw(8 * PAGE);

	tag_pages(p, 4, 2);
	tag_pages(q, 8, 3);
	CHECK(mremap(p, 4 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q + 2 * PAGE) ==
	      q + 2 * PAGE);
	check_tags(q, 2, 3);
	check_tags(q + 2 * PAGE, 3, 2);
	CHECK_EQ(*(uint64_t *)(q + 5 * PAGE), (3ul << 32) + 5);
	CHECK_MAPERR(p);
	CHECK_MAPERR(p + 3 * PAGE);
}

TEST(mmap, mremap_doubles_shared)
{
	char *p = map_anon(2 * PAGE, RW, MAP_SHARED), *q;

	tag_pages(p, 2, 6);
	q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p);
	check_tags(q, 2, 6);
	tag_pages(q, 2, 7);
	check_tags(p, 2, 7);
}

TEST(mmap, mremap_keeps_sharing)
{
	/* Moved and in the child: still the same pages. */
	char *p = map_anon(2 * PAGE, RW, MAP_SHARED), *q = map_rw(2 * PAGE);
	pid_t pid;

	tag_pages(p, 2, 6);
	CHECK(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
	pid = child();
	if (pid == 0) {
		check_tags(q, 2, 6);
		CHECK(mremap(q, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, ARENA) == ARENA);
		tag_pages(ARENA, 2, 8);
		_exit(0);
	}
	expect_exit(pid, 0);
	check_tags(q, 2, 8);
}

TEST(mmap, mremap_file_keeps_dirty)
{
	int fd = pattern_file("f", 4 * PAGE, 1);
	char *p = map_at(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0), *q;

	pattern_fill(p, 4 * PAGE, 2, 0);
	q = mremap(p, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, ARENA);
	CHECK(q == ARENA);
	pattern_check(q, 2 * PAGE, 2, 0);
	CHECK_OK(msync(q, 2 * PAGE, MS_SYNC));
	CHECK_OK(munmap(q, 2 * PAGE));
	file_pattern_check("f", 4 * PAGE, 2);
}

TEST(mmap, mremap_dontunmap)
{
	char *p = map_rw(4 * PAGE), *q;

	tag_pages(p, 4, 5);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	CHECK(q != MAP_FAILED && q != p);
	check_tags(q, 4, 5);
	check_zero(p, 4 * PAGE);
	tag_pages(p, 4, 6);
	check_tags(q, 4, 5);
}

TEST(mmap, shared_grows_to_bus_error)
{
	/* Shared anonymous memory has the size it was made with. */
	char *p = map_at(ARENA, 2 * PAGE, RW, ANON_SHARED | MAP_FIXED, -1, 0);

	CHECK(mremap(p, 2 * PAGE, 4 * PAGE, 0) == p);
	CHECK_WRITES(p + PAGE);
	CHECK_BUS(p + 2 * PAGE);
}

TEST(mmap, limit_as)
{
	struct rlimit limit;
	char *p;

	limit.rlim_cur = limit.rlim_max = (rlim_t)(statm_pages(0) + 64) * PAGE;
	CHECK_OK(setrlimit(RLIMIT_AS, &limit));
	p = map_anon(40 * PAGE, PROT_NONE, MAP_PRIVATE);
	CHECK_ERR(mmap(NULL, 40 * PAGE, RO, ANON, -1, 0), ENOMEM);
	CHECK_ERR(mremap(p, 40 * PAGE, 80 * PAGE, MREMAP_MAYMOVE), ENOMEM);
	CHECK_OK(munmap(p, 40 * PAGE));
	p = map_anon(40 * PAGE, RO, MAP_SHARED);
	/* Replacing costs nothing more. */
	map_at(p, 40 * PAGE, RO, ANON | MAP_FIXED, -1, 0);
}

TEST(mmap, limit_data)
{
	char text[4096], *line;
	struct rlimit limit;
	char *p;

	file_text("/proc/self/status", text, sizeof(text));
	line = strstr(text, "VmData:");
	if (line == NULL)
		SKIP("no VmData in /proc/self/status");
	limit.rlim_cur = limit.rlim_max = (rlim_t)strtol(line + 7, NULL, 10) * 1024 + 64 * PAGE;
	CHECK_OK(setrlimit(RLIMIT_DATA, &limit));
	p = map_rw(40 * PAGE);
	CHECK_ERR(mmap(NULL, 40 * PAGE, RW, ANON, -1, 0), ENOMEM);
	/* Only what is private and may be written to counts. */
	CHECK_OK((long)mmap(NULL, 40 * PAGE, RO, ANON, -1, 0));
	CHECK_OK((long)mmap(NULL, 40 * PAGE, RW, ANON_SHARED, -1, 0));
	CHECK_OK(mprotect(p, 40 * PAGE, RO));
	CHECK_OK((long)mmap(NULL, 40 * PAGE, RW, ANON, -1, 0));
}

TEST(mmap, limit_memlock, .root = true)
{
	struct rlimit limit = { 8 * PAGE, 8 * PAGE };
	pid_t pid = child();

	if (pid == 0) {
		char *p = map_rw(16 * PAGE);

		CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &limit));
		become_user();
		CHECK_OK(mlock(p, 6 * PAGE));
		CHECK_ERR(mlock(p + 6 * PAGE, 4 * PAGE), ENOMEM);
		/* What is locked already is not counted again. */
		CHECK_OK(mlock(p, 8 * PAGE));
		CHECK_ERR(mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0), EAGAIN);
		CHECK_ERR(mlockall(MCL_CURRENT), ENOMEM);
		CHECK_OK(munlock(p, 2 * PAGE));
		CHECK_OK((long)mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0));
		limit.rlim_cur = 0;
		CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &limit));
		CHECK_ERR(mlock(p + 12 * PAGE, PAGE), EPERM);
		CHECK_ERR(mmap(NULL, PAGE, RW, ANON | MAP_LOCKED, -1, 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(mmap, mlockall_future, .root = true)
{
	unsigned char in[4];
	char *p;

	CHECK_OK(mlockall(MCL_FUTURE));
	p = map_rw(4 * PAGE);
	CHECK_OK(mincore(p, 4 * PAGE, in));
	CHECK(in[0] & in[1] & in[2] & in[3] & 1);
	CHECK_OK(mlockall(MCL_FUTURE | MCL_ONFAULT));
	p = map_rw(4 * PAGE);
	CHECK_OK(mincore(p, 4 * PAGE, in));
	CHECK_EQ(in[1] & 1, 0);
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_OK(munlockall());
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
	p = map_rw(4 * PAGE);
	CHECK_OK(mincore(p, 4 * PAGE, in));
	CHECK_EQ(in[1] & 1, 0);
}

TEST(mmap, mlock_is_not_inherited, .root = true)
{
	char *p = map_rw(4 * PAGE);
	pid_t pid;

	CHECK_OK(mlock(p, 4 * PAGE));
	pid = child();
	if (pid == 0) {
		CHECK_OK(madvise(p, 4 * PAGE, MADV_DONTNEED));
		check_zero(p, 4 * PAGE);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(mmap, area_count_limit, .seconds = 120, .mem_mib = 32)
{
	/* Every other page protected: each pair is two areas, up to vm.max_map_count of them. */
	size_t n = 66000;
	char *p = map_anon(n * PAGE, RO, MAP_PRIVATE | MAP_NORESERVE);
	size_t i = 0;

	while (i < n && mprotect(p + i * PAGE, PAGE, PROT_NONE) == 0)
		i += 2;
	CHECK(i < n);
	CHECK_EQ(errno, ENOMEM);
	CHECK_GE(i, 65000);
	/* The last one or two go to mmap. */
	for (int more = 0; mmap(NULL, PAGE, RO, ANON_SHARED, -1, 0) != MAP_FAILED; more++)
		CHECK(more < 3);
	CHECK_EQ(errno, ENOMEM);
	/* A hole in the middle of an area would be one more; at its end it is not. */
	CHECK_ERR(munmap(p + (i + 3) * PAGE, PAGE), ENOMEM);
	CHECK(mremap(p + (i + 3) * PAGE, 2 * PAGE, PAGE, 0) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	CHECK_READS(p + (i + 3) * PAGE);
	CHECK_READS(p + (i + 4) * PAGE);
	CHECK_OK(munmap(p + (n - 1) * PAGE, PAGE));
	CHECK_OK(munmap(p, i * PAGE));
	CHECK_OK(munmap(p + (i + 3) * PAGE, PAGE));
	CHECK_OK(munmap(p, n * PAGE));
}

static void page_at(char *p)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

	CHECK(mmap(p, PAGE, PROT_READ | PROT_WRITE, flags, -1, 0) == p);
}

/* An area that a child has with pages in it is its parent's, too: what the child adds is not. */
TEST(mmap, areas_of_a_child_are_not_joined_to)
{
	char *p = map_rw(12 * PAGE), *touched = p + 3 * PAGE, *clean = p + 9 * PAGE;
	pid_t pid;

	CHECK_OK(munmap(p, 12 * PAGE));
	page_at(touched);
	page_at(clean);
	*touched = 't';
	pid = child();
	if (!pid) {
		page_at(touched + PAGE);
		page_at(touched - PAGE);
		CHECK_EQ(maps_count(p, clean), 3);
		/* What is new joins what is new. */
		page_at(touched + 2 * PAGE);
		CHECK_EQ(maps_count(p, clean), 3);
		/* Nothing of the parent's is in the other. */
		page_at(clean + PAGE);
		CHECK_EQ(maps_count(clean, clean + 2 * PAGE), 1);
		_exit(0);
	}
	expect_exit(pid, 0);
	/* The parent's is as it was. */
	page_at(touched + PAGE);
	CHECK_EQ(maps_count(p, clean), 1);
}

TEST(mmap, areas_of_a_child_are_one_again)
{
	char *p = map_rw(4 * PAGE);
	pid_t pid;

	memset(p, 'p', 4 * PAGE);
	pid = child();
	if (!pid) {
		CHECK_OK(mprotect(p + PAGE, PAGE, PROT_READ));
		CHECK(maps_count(p, p + 4 * PAGE) >= 3);
		CHECK_OK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
		CHECK_EQ(maps_count(p, p + 4 * PAGE), 1);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(mmap, areas_of_a_child_heap)
{
	char *end = sbrk(0), *p;
	pid_t pid;

	p = (char *)(((uintptr_t)end + PAGE - 1) & -PAGE);
	CHECK_OK(brk(p + PAGE));
	*p = 'h';
	pid = child();
	if (!pid) {
		CHECK_OK(brk(p + 2 * PAGE));
		p[PAGE] = 'n';
		CHECK_EQ(maps_count(p, p + 2 * PAGE), 2);
		CHECK_OK(brk(p + 3 * PAGE));
		CHECK_EQ(maps_count(p, p + 3 * PAGE), 2);
		CHECK_OK(brk(p));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(brk(end));
}
