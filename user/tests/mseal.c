/* mseal: what is sealed stays where and as it is. */
#include "ut.h"

#include <sys/mman.h>

#define SYS_mseal_ 462
#define PAGE	   4096ul

static long seal(const void *p, size_t len, unsigned long flags)
{
	return syscall(SYS_mseal_, p, len, flags);
}

/* Six pages: a hole's worth of room on either side of four, the middle two of which are sealed. */
static char *some_sealed(int prot)
{
	char *p = mmap(NULL, 6 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	p += PAGE;
	CHECK_OK(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE));
	for (int i = 0; i < 4; i++)
		p[(size_t)i * PAGE] = (char)('a' + i);
	CHECK_OK(mprotect(p, 4 * PAGE, prot));
	CHECK_OK(seal(p + PAGE, 2 * PAGE, 0));
	return p;
}

static void all_there(const char *p)
{
	for (int i = 0; i < 4; i++)
		CHECK_EQ(p[(size_t)i * PAGE], 'a' + i);
}

TEST(mseal, is_not_unmapped)
{
	char *p = some_sealed(PROT_READ);

	CHECK_ERR(munmap(p, 4 * PAGE), EPERM);
	CHECK_ERR(munmap(p + PAGE, PAGE), EPERM);
	CHECK_ERR(munmap(p + 2 * PAGE, 2 * PAGE), EPERM);
	CHECK_ERR(mmap(p, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		  EPERM);
	CHECK_ERR(mmap(p + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		  EPERM);
	all_there(p);
	CHECK_OK(munmap(p, PAGE));
	CHECK_OK(munmap(p + 3 * PAGE, PAGE));
	CHECK_EQ(p[PAGE], 'b');
}

TEST(mseal, is_not_protected)
{
	char *p = some_sealed(PROT_READ);

	CHECK_ERR(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE), EPERM);
	CHECK_ERR(mprotect(p + PAGE, PAGE, PROT_NONE), EPERM);
	/* Even to what it is. */
	CHECK_ERR(mprotect(p + 2 * PAGE, PAGE, PROT_READ), EPERM);
	all_there(p);
	/* Area by area: what comes before it is changed. */
	CHECK_ERR(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE), EPERM);
	p[0] = 'a';
	all_there(p);
}

TEST(mseal, is_not_moved)
{
	char *p = some_sealed(PROT_READ | PROT_WRITE);

	CHECK_ERR(mremap(p + PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EPERM);
	CHECK_ERR(mremap(p + PAGE, 2 * PAGE, PAGE, MREMAP_MAYMOVE), EPERM);
	CHECK_ERR(mremap(p + PAGE, PAGE, PAGE, 0), EPERM);
	CHECK_ERR(mremap(p + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP), EPERM);
	CHECK_ERR(mremap(p + PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p - PAGE), EPERM);
	/* Nor does it go because what comes before it shrinks. */
	CHECK_ERR(mremap(p, 3 * PAGE, PAGE, 0), EPERM);
	CHECK_ERR(mremap(p, 3 * PAGE, PAGE, MREMAP_MAYMOVE), EPERM);
	/* Nor does anything come in its place. */
	CHECK_ERR(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 2 * PAGE), EPERM);
	all_there(p);
	/* But it is written to, locked, and asked for. */
	p[PAGE] = 'b';
	CHECK_OK(mlock(p + PAGE, PAGE));
	CHECK_OK(munlock(p + PAGE, PAGE));
	CHECK_OK(madvise(p + PAGE, 2 * PAGE, MADV_WILLNEED));
	all_there(p);
}

TEST(mseal, advice)
{
	const int lose[] = { MADV_DONTNEED, MADV_FREE, MADV_DONTFORK, MADV_WIPEONFORK,
			     MADV_REMOVE, 24 };
	char *p = some_sealed(PROT_READ);
	int fd;

	/* What the program could not do by writing. */
	for (size_t i = 0; i < sizeof(lose) / sizeof(lose[0]); i++)
		CHECK_ERR(madvise(p + PAGE, PAGE, lose[i]), EPERM);
	CHECK_OK(madvise(p + PAGE, PAGE, MADV_DONTDUMP));
	all_there(p);
	p = some_sealed(PROT_READ | PROT_WRITE);
	CHECK_OK(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	CHECK_EQ(p[PAGE], 0);
	CHECK_EQ(p[2 * PAGE], 'c');
	/* A file can be read again. */
	file_make("f", "xyz", 3);
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_OK(seal(p, PAGE, 0));
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
	CHECK_EQ(p[0], 'x');
	CHECK_ERR(munmap(p, PAGE), EPERM);
}

/* Who debugs a program reaches what is sealed as well, and leaves it as it was. */
TEST(mseal, debuggers_write)
{
	const int prots[] = { PROT_READ, PROT_NONE, PROT_READ | PROT_EXEC };
	int fd = (int)CHECK_OK(open("/proc/self/mem", O_RDWR));

	for (size_t i = 0; i < sizeof(prots) / sizeof(prots[0]); i++) {
		char *p = some_sealed(prots[i]), c = 0;

		CHECK_EQ(pwrite(fd, "W", 1, (off_t)(p + PAGE)), 1);
		CHECK_EQ(pread(fd, &c, 1, (off_t)(p + PAGE)), 1);
		CHECK_EQ(c, 'W');
		CHECK_EQ(pread(fd, &c, 1, (off_t)(p + 2 * PAGE)), 1);
		CHECK_EQ(c, 'c');
		CHECK_ERR(mprotect(p + PAGE, PAGE, PROT_READ), EPERM);
		CHECK_ERR(munmap(p + PAGE, PAGE), EPERM);
		/* Into its own memory, the kernel writes no more than before. */
		CHECK_ERR(pread(fd, p + PAGE, 1, (off_t)(uintptr_t)&fd), EFAULT);
	}
}

TEST(mseal, twice_and_in_children)
{
	char *p = some_sealed(PROT_READ);
	pid_t pid;

	CHECK_OK(seal(p + PAGE, PAGE, 0));
	CHECK_OK(seal(p, 4 * PAGE, 0));
	CHECK_ERR(munmap(p, PAGE), EPERM);
	pid = child();
	if (!pid) {
		CHECK_ERR(munmap(p, PAGE), EPERM);
		CHECK_ERR(mprotect(p, PAGE, PROT_NONE), EPERM);
		all_there(p);
		exec_helper("exit", "7");
	}
	expect_exit(pid, 7);
}

TEST(mseal, end_of_the_heap)
{
	char *end = (char *)syscall(SYS_brk, 0), *top = (char *)(((uintptr_t)end + 4095) & ~4095ul);

	CHECK_EQ(syscall(SYS_brk, top + 2 * PAGE), (long)(top + 2 * PAGE));
	CHECK_OK(seal(top + PAGE, PAGE, 0));
	CHECK_EQ(syscall(SYS_brk, top), (long)(top + 2 * PAGE));
	CHECK_EQ(syscall(SYS_brk, top + 3 * PAGE), (long)(top + 3 * PAGE));
	CHECK_EQ(syscall(SYS_brk, top + 2 * PAGE), (long)(top + 2 * PAGE));
}

TEST(mseal, errors)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK_ERR(seal(p, PAGE, 1), EINVAL);
	CHECK_ERR(seal(p + 1, PAGE, 0), EINVAL);
	CHECK_ERR(seal(p, SIZE_MAX, 0), EINVAL);
	CHECK_ERR(seal(p, SIZE_MAX & ~4095ul, 0), EINVAL);
	CHECK_OK(seal(p, 0, 0));
	CHECK_OK(munmap(p + 2 * PAGE, PAGE));
	CHECK_ERR(seal(p, 4 * PAGE, 0), ENOMEM);
	CHECK_ERR(seal(p + 2 * PAGE, PAGE, 0), ENOMEM);
	CHECK_ERR(seal((void *)(1ul << 62), PAGE, 0), ENOMEM);
	/* Nothing is sealed by that. */
	CHECK_OK(mprotect(p, 2 * PAGE, PROT_NONE));
	CHECK_OK(munmap(p, 4 * PAGE));
}
