/*
 * nomem: calls on memory that is shared with a forked child, page tables and all. A call that needs
 * tables of its own may fail for lack of them; neither side may notice otherwise. See nomem.c.
 */
#include "nomem.h"

#include <sys/mman.h>

#define PAGES 300UL	/* so many that tables are rather shared than copied */
#define FIRST 100UL	/* what the calls are about: [FIRST, LAST) */
#define LAST  120UL

static volatile unsigned char *const at = (void *)0x600000000UL;
static struct gate gate;
static pid_t holder;

static unsigned char value(size_t page)
{
	return (unsigned char)(page % 251 + 1);
}

static void check_pages(size_t first, size_t last)
{
	for (size_t i = first; i < last; i++)
		CHECK_EQ(at[i * PAGE], value(i));
}

/* Touched memory, and a child that has it too until the gate opens. */
static void share(void)
{
	CHECK(mmap((void *)at, PAGES * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
	for (size_t i = 0; i < PAGES; i++)
		at[i * PAGE] = value(i);
	gate_make(&gate);
	holder = child();
	if (holder == 0) {
		gate_pass(&gate);
		check_pages(0, PAGES);
		_exit(0);
	}
}

static void unshare(void)
{
	check_pages(0, FIRST);
	check_pages(LAST, PAGES);
	/* All of it can be written, and the child does not see that. */
	for (size_t i = 0; i < FIRST; i++)
		at[i * PAGE]++;
	gate_open(&gate);
	expect_exit(holder, 0);
	gate_close(&gate);
	CHECK_OK(munmap((void *)at, PAGES * PAGE));
}

static unsigned char *part(void)
{
	return (unsigned char *)at + FIRST * PAGE;
}

/* What failed has changed nothing. */
static long unchanged(long result)
{
	int error = errno;

	if (result < 0) {
		check_pages(FIRST, LAST);
		for (size_t i = FIRST; i < LAST; i++)
			at[i * PAGE] = value(i);
	}
	errno = error;
	return result;
}

static long run_mprotect(void)
{
	return unchanged(mprotect(part(), (LAST - FIRST) * PAGE, PROT_READ));
}

static long run_munmap(void)
{
	return unchanged(munmap(part(), (LAST - FIRST) * PAGE));
}

static long run_mremap(void)
{
	void *to = (void *)0x700000000UL;
	void *p = mremap(part(), (LAST - FIRST) * PAGE, (LAST - FIRST) * PAGE,
			 MREMAP_MAYMOVE | MREMAP_FIXED, to);

	if (p == MAP_FAILED)
		return unchanged(-1);
	for (size_t i = FIRST; i < LAST; i++)
		CHECK_EQ(((unsigned char *)p)[(i - FIRST) * PAGE], value(i));
	return munmap(to, (LAST - FIRST) * PAGE);
}

static long run_mlock(void)
{
	return mlock(part(), (LAST - FIRST) * PAGE);
}

static long run_wipeonfork(void)
{
	return unchanged(madvise(part(), (LAST - FIRST) * PAGE, MADV_WIPEONFORK));
}

static long run_touch(void)
{
	check_pages(0, PAGES);
	at[FIRST * PAGE] = value(FIRST);
	return unchanged(madvise(part(), (LAST - FIRST) * PAGE, MADV_DONTNEED));
}

static long run_fork(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		check_pages(0, PAGES);
		_exit(0);
	}
	return pid;
}

static void after_fork(long pid)
{
	expect_exit((pid_t)pid, 0);
}

TEST(nomem, shared, .seconds = 300)
{
	static const struct failing_call calls[] = {
#define CALL(call) { .name = #call, .before = share, .run = run_##call, .intact = unshare }
		CALL(mprotect), CALL(munmap), CALL(mremap), CALL(mlock), CALL(wipeonfork),
		CALL(touch),
		{ .name = "fork", .before = share, .run = run_fork, .after = after_fork,
		  .intact = unshare },
	};

	door_open();
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
}
