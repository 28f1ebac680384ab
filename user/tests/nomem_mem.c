/* nomem: areas, faults, and files; see nomem.c. */
#include "nomem.h"

#include <poll.h>
#include <sys/mman.h>

/* --- areas --- */

static long run_mmap(void)
{
	void *p = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : (long)p;
}

static void after_mmap(long p)
{
	CHECK_OK(munmap((void *)p, 5 * PAGE));
}

static long run_mmap_shared(void)
{
	void *p = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? -1 : (long)p;
}

static long run_mmap_populate(void)
{
	void *p = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return p == MAP_FAILED ? -1 : (long)p;
}

static int file;

static long run_mmap_file(void)
{
	void *p = mmap(NULL, 5 * PAGE, PROT_READ, MAP_SHARED, file, 0);

	return p == MAP_FAILED ? -1 : (long)p;
}

TEST(nomem, mmap, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{ .name = "mmap", .run = run_mmap, .after = after_mmap },
		{ .name = "mmap shared", .run = run_mmap_shared, .after = after_mmap },
		{ .name = "mmap populate", .run = run_mmap_populate, .after = after_mmap },
		{ .name = "mmap file", .run = run_mmap_file, .after = after_mmap },
	};

	door_open();
	file_pattern("f", 5 * PAGE, 1);
	file = CHECK_OK(open("f", O_RDWR | O_CLOEXEC));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
}

/* The middle of the memory, mapped over, protected, unmapped, locked, moved: it is split. */
static unsigned char *middle;
#define MIDDLE 10

static void middle_make(void)
{
	middle = mmap(NULL, MIDDLE * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	CHECK(middle != MAP_FAILED);
	memset(middle, 7, MIDDLE * PAGE);
}

static void middle_drop(void)
{
	CHECK_OK(munmap(middle, MIDDLE * PAGE));
}

/* If the call failed, all of it is as before; else the caller has looked. */
static void middle_check(long result)
{
	if (result < 0)
		for (size_t i = 0; i < MIDDLE; i++)
			CHECK_EQ(++middle[i * PAGE], 8);
}

static long run_mprotect(void)
{
	long result = mprotect(middle + 3 * PAGE, 4 * PAGE, PROT_READ);
	int error = errno;

	middle_check(result);
	errno = error;
	return result;
}

static long run_munmap(void)
{
	long result = munmap(middle + 3 * PAGE, 4 * PAGE);
	int error = errno;

	middle_check(result);
	errno = error;
	return result;
}

static long run_fixed(void)
{
	void *p = mmap(middle + 3 * PAGE, 4 * PAGE, PROT_READ,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int error = errno;

	/* Like Linux it may have made room before it fails: only what lies around is promised. */
	CHECK_EQ(middle[0], 7);
	CHECK_EQ(middle[8 * PAGE], 7);
	errno = error;
	return p == MAP_FAILED ? -1 : 0;
}

static long run_mlock(void)
{
	return mlock(middle + 3 * PAGE, 4 * PAGE);
}

static long run_dontneed(void)
{
	return madvise(middle + 3 * PAGE, 4 * PAGE, MADV_DONTNEED);
}

static long run_dontfork(void)
{
	return madvise(middle + 3 * PAGE, 4 * PAGE, MADV_DONTFORK);
}

static long run_mremap(void)
{
	static const unsigned long to = 0x300000000UL;
	void *p = mremap(middle + 3 * PAGE, 4 * PAGE, 6 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			 (void *)to);
	int error = errno;

	if (p == MAP_FAILED) {
		middle_check(-1);
		errno = error;
		return -1;
	}
	CHECK_EQ(*(unsigned char *)to, 7);
	CHECK_EQ(*(unsigned char *)(to + 5 * PAGE), 0);
	return munmap(p, 6 * PAGE);
}

static void middle_after(void)
{
	middle_drop();
	memory_intact();
}

TEST(nomem, split, .seconds = 300)
{
	static const struct failing_call calls[] = {
#define SPLIT(call) \
		{ .name = #call, .before = middle_make, .run = run_##call, .intact = middle_after }
		SPLIT(mprotect), SPLIT(munmap), SPLIT(fixed), SPLIT(mlock), SPLIT(dontneed),
		SPLIT(dontfork),
	};

	door_open();
	memory_make();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
}

TEST(nomem, mremap, .seconds = 300)
{
	static const struct failing_call call = { .name = "mremap", .before = middle_make,
					  .run = run_mremap, .intact = middle_after };

	door_open();
	memory_make();
	fail_all(&call);
}

static long run_brk(void)
{
	char *p = sbrk(3 * (long)PAGE);

	if (p == (void *)-1)
		return -1;
	p[2 * PAGE] = 1;
	return 0;
}

static void after_brk(long result)
{
	(void)result;
	CHECK(sbrk(-3 * (long)PAGE) != (void *)-1);
}

TEST(nomem, brk, .seconds = 300)
{
	static const struct failing_call call = {
		.name = "brk", .run = run_brk, .after = after_brk };

	door_open();
	fail_all(&call);
}

/* --- faults, and user copies that fault: memory that waits is waited for --- */

static long run_faults(void)
{
	/* Far apart, so that each needs page tables. */
	const unsigned long at = 0x400000000UL;
	volatile unsigned char *p = mmap((void *)at, 3UL << 30, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE,
					 -1, 0);

	if (p == MAP_FAILED)
		return -1;
	for (unsigned long i = 0; i < 3; i++) {
		CHECK_EQ(p[i << 30], 0);	/* the zero page */
		p[i << 30] = 1;			/* a copy of it */
		p[(i << 30) + (2UL << 20)] = 2;
		CHECK_EQ(p[i << 30] + p[(i << 30) + (2UL << 20)], 3);
	}
	return munmap((void *)at, 3UL << 30);
}

static void after_faults(long result)
{
	(void)result;
	munmap((void *)0x400000000UL, 3UL << 30);
}

static void drop_faults(void)
{
	after_faults(0);
}

static long run_file_faults(void)
{
	unsigned char *p = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	unsigned char *q = mmap(NULL, 5 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	bool both = p != MAP_FAILED && q != MAP_FAILED;

	if (both) {
		CHECK_EQ(p[0], pattern_byte(1, 0));
		p[PAGE] = 0;
		q[2 * PAGE] = pattern_byte(1, 2 * PAGE);
		pattern_check(q, 5 * PAGE, 1, 0);
	}
	/* Whole areas go without any memory. */
	if (p != MAP_FAILED)
		CHECK_OK(munmap(p, 5 * PAGE));
	if (q != MAP_FAILED)
		CHECK_OK(munmap(q, 5 * PAGE));
	if (!both)
		errno = ENOMEM;
	return both ? 0 : -1;
}

static int ends[2];

/* A copy into memory that is not there yet comes to its end all the same. */
static long run_copy(void)
{
	unsigned char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool made = p != MAP_FAILED;

	if (made) {
		CHECK_EQ(pread(file, p, 2 * PAGE + 5, 3), 2 * PAGE + 5);
		pattern_check(p, 2 * PAGE + 5, 1, 3);
		CHECK_OK(munmap(p, 3 * PAGE));
	}
	errno = ENOMEM;
	return made ? 0 : -1;
}

TEST(nomem, fault, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{ .name = "faults", .run = run_faults, .after = after_faults,
		  .intact = drop_faults },
		{ .name = "faults of files", .run = run_file_faults },
		{ .name = "user copies", .run = run_copy },
	};

	door_open();
	file_pattern("f", 5 * PAGE, 1);
	file = CHECK_OK(open("f", O_RDWR | O_CLOEXEC));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
}

/* --- files --- */

static long run_pipe(void)
{
	return pipe(ends);
}

static void after_pipe(long result)
{
	(void)result;
	close(ends[0]);
	close(ends[1]);
}

static long run_open(void)
{
	return open("f", O_RDWR);
}

static long run_create(void)
{
	return open("new", O_RDWR | O_CREAT, 0600);
}

static void after_open(long fd)
{
	close((int)fd);
}

static void drop_new(void)
{
	unlink("new");
}

static long run_dup(void)
{
	return fcntl(file, F_DUPFD, 500);	/* the table grows */
}

static long run_stat(void)
{
	struct stat st;

	return stat("/proc/self/status", &st);
}

static long run_poll(void)
{
	struct pollfd fds[40];

	for (int i = 0; i < 40; i++)
		fds[i] = (struct pollfd){ .fd = file, .events = POLLIN };
	return poll(fds, 40, 0);
}

static long run_write_pipe(void)
{
	static char data[3 * PAGE];
	long done;

	if (pipe(ends) < 0)
		return -1;
	done = write(ends[1], data, sizeof(data));
	after_pipe(0);
	return done;
}

static long run_memfd(void)
{
	return memfd_create("nomem", MFD_CLOEXEC);
}

TEST(nomem, file, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{ .name = "pipe", .run = run_pipe, .after = after_pipe },
		{ .name = "open", .run = run_open, .after = after_open },
		{ .name = "create", .run = run_create, .after = after_open, .intact = drop_new },
		{ .name = "dup", .run = run_dup, .after = after_open },
		{ .name = "stat", .run = run_stat },
		{ .name = "poll", .run = run_poll },
		{ .name = "write to a pipe", .run = run_write_pipe },
		{ .name = "memfd_create", .run = run_memfd, .after = after_open },
	};

	door_open();
	file_pattern("f", 5 * PAGE, 1);
	file = CHECK_OK(open("f", O_RDWR | O_CLOEXEC));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
	file_pattern_check("f", 5 * PAGE, 1);
}
