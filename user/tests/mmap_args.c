/* mmap, munmap, mprotect, mremap, msync, madvise, mincore, mlock, brk: arguments and errno. */
#include "vmlib.h"

#include <sys/resource.h>

#define BAD_FLAGS 0x02000000
#define KERNEL	((void *)0xffffffc000000000ul)
#define TOP	((char *)0x4000000000ul)	/* user addresses end here */

static long raw_mmap(void *addr, size_t len, int prot, int flags, int fd, long offset)
{
	return syscall(SYS_mmap, addr, len, prot, flags, fd, offset);
}

/* Two pages, a hole of one, two pages. */
static char *with_hole(void)
{
	char *p = map_rw(5 * PAGE);

	tag_pages(p, 5, 1);
	CHECK_OK(munmap(p + 2 * PAGE, PAGE));
	return p;
}

TEST(mmap, length)
{
	CHECK_ERR(raw_mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
	CHECK_ERR(raw_mmap(NULL, (size_t)-1, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERR(raw_mmap(NULL, (size_t)-PAGE, RW, ANON, -1, 0), ENOMEM);
	CHECK_ERR(raw_mmap(NULL, 1ul << 40, RW, ANON | MAP_NORESERVE, -1, 0), ENOMEM);
	CHECK_ERR(raw_mmap(NULL, (size_t)TOP, RW, ANON | MAP_NORESERVE, -1, 0), ENOMEM);
	/* Rounded up to pages. */
	char *p = map_anon(PAGE + 1, RW, MAP_PRIVATE);
	CHECK_WRITES(p + 2 * PAGE - 1);
	CHECK_OK(munmap(p, PAGE + 1));
	CHECK_MAPERR(p + PAGE);
}

TEST(mmap, types)
{
	int fd = pattern_file("f", PAGE, 1);

	CHECK_ERR(raw_mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(raw_mmap(NULL, PAGE, RW, 0, fd, 0), EINVAL);
	CHECK_ERR(raw_mmap(NULL, PAGE, RW, 4, fd, 0), EINVAL);
	/* MAP_SHARED_VALIDATE is a type of its own; it knows its flags. */
	CHECK_OK(raw_mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE, fd, 0));
	CHECK_ERR(raw_mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | BAD_FLAGS, fd, 0), EOPNOTSUPP);
	CHECK_ERR(raw_mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0), EOPNOTSUPP);
	CHECK_ERR(raw_mmap(ARENA, PAGE, RW, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, fd, 0),
		  EOPNOTSUPP);
	/* Of the sizes of huge pages, it knows the bits of two. */
	for (int bit = 26; bit < 31; bit++)
		CHECK_OK(raw_mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | 1 << bit, fd, 0));
	CHECK_ERR(raw_mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | INT_MIN, fd, 0), EOPNOTSUPP);
	CHECK_OK(raw_mmap(NULL, PAGE, RW, MAP_SHARED | BAD_FLAGS, fd, 0));
	CHECK_OK(raw_mmap(NULL, PAGE, RW, ANON | BAD_FLAGS, -1, 0));
}

TEST(mmap, descriptor)
{
	int fd[2], dir = (int)CHECK_OK(open(".", O_RDONLY));

	CHECK_OK(pipe(fd));
	CHECK_ERR(raw_mmap(NULL, PAGE, RO, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERR(raw_mmap(NULL, PAGE, RO, MAP_PRIVATE, 1000, 0), EBADF);
	CHECK_ERR(raw_mmap(NULL, PAGE, RO, MAP_PRIVATE, dir, 0), ENODEV);
	CHECK_ERR(raw_mmap(NULL, PAGE, RO, MAP_PRIVATE, fd[0], 0), ENODEV);
	/* With MAP_ANONYMOUS it is not looked at. */
	CHECK_OK(raw_mmap(NULL, PAGE, RO, ANON, 1000, 0));
}

TEST(mmap, access_mode)
{
	int ro, wo;

	file_pattern("f", PAGE, 1);
	ro = (int)CHECK_OK(open("f", O_RDONLY));
	wo = (int)CHECK_OK(open("f", O_WRONLY));
	CHECK_ERR(raw_mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0), EACCES);
	CHECK_ERR(raw_mmap(NULL, PAGE, RO, MAP_SHARED, wo, 0), EACCES);
	CHECK_ERR(raw_mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, wo, 0), EACCES);
	CHECK_ERR(raw_mmap(NULL, PAGE, RO, MAP_PRIVATE, wo, 0), EACCES);
	CHECK_OK(raw_mmap(NULL, PAGE, RW, MAP_PRIVATE, ro, 0));
	char *p = (char *)CHECK_OK(raw_mmap(NULL, PAGE, RO, MAP_SHARED, ro, 0));
	CHECK_ERR(mprotect(p, PAGE, RW), EACCES);
	CHECK_OK(mprotect(p, PAGE, RX));
	CHECK_OK(mprotect(p, PAGE, PROT_NONE));
}

TEST(mmap, offset)
{
	int fd = pattern_file("f", 3 * PAGE, 1);

	CHECK_ERR(raw_mmap(NULL, PAGE, RO, MAP_PRIVATE, fd, 1), EINVAL);
	CHECK_ERR(raw_mmap(NULL, PAGE, RO, MAP_PRIVATE, fd, PAGE + 2048), EINVAL);
	CHECK_ERR(raw_mmap(NULL, PAGE, RO, ANON, -1, 1), EINVAL);
	CHECK_ERR(raw_mmap(NULL, 2 * PAGE, RO, MAP_PRIVATE, fd, -4096L), EOVERFLOW);
	char *p = map_at(NULL, PAGE, RO, MAP_PRIVATE, fd, 2 * PAGE);
	pattern_check(p, PAGE, 1, 2 * PAGE);
}

TEST(mmap, fixed_address)
{
	char *p = map_rw(2 * PAGE);
	int fixed = ANON | MAP_FIXED;

	CHECK_ERR(raw_mmap(p + 1, PAGE, RW, fixed, -1, 0), EINVAL);
	CHECK_ERR(raw_mmap(TOP, PAGE, RW, fixed, -1, 0), ENOMEM);
	CHECK_ERR(raw_mmap(TOP - PAGE, 2 * PAGE, RW, fixed, -1, 0), ENOMEM);
	CHECK_ERR(raw_mmap(KERNEL, PAGE, RW, fixed, -1, 0), ENOMEM);
	CHECK_ERR(raw_mmap((void *)-PAGE, PAGE, RW, fixed, -1, 0), ENOMEM);
	CHECK_ERR(raw_mmap(TOP, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), ENOMEM);
	tag_pages(p, 2, 1);
	CHECK(map_at(p, PAGE, RW, fixed, -1, 0) == p);
	check_zero(p, PAGE);
	CHECK_EQ(*(uint64_t *)(p + PAGE), (1ul << 32) + 1);
}

TEST(mmap, fixed_noreplace)
{
	char *p = map_rw(4 * PAGE);
	int flags = ANON | MAP_FIXED_NOREPLACE;

	tag_pages(p, 4, 9);
	CHECK_ERR(raw_mmap(p, PAGE, RW, flags, -1, 0), EEXIST);
	CHECK_ERR(raw_mmap(p - PAGE, 2 * PAGE, RW, flags, -1, 0), EEXIST);
	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK_ERR(raw_mmap(p + PAGE, 2 * PAGE, RW, flags, -1, 0), EEXIST);
	CHECK_ERR(raw_mmap(p, 4 * PAGE, RW, flags, -1, 0), EEXIST);
	check_tags(p, 1, 9);
	CHECK_MAPERR(p + PAGE);
	CHECK_EQ(raw_mmap(p + PAGE, PAGE, RW, flags, -1, 0), (long)(p + PAGE));
	CHECK_ERR(raw_mmap(p + 1, PAGE, RW, flags, -1, 0), EINVAL);
}

TEST(mmap, hint)
{
	char *p = map_rw(16 * PAGE);

	CHECK_OK(munmap(p + 4 * PAGE, 4 * PAGE));
	/* A free one is taken, rounded to its page; one in use is not. */
	CHECK_EQ(raw_mmap(p + 5 * PAGE + 77, PAGE, RW, ANON, -1, 0), (long)(p + 5 * PAGE));
	CHECK(raw_mmap(p + 4 * PAGE, 3 * PAGE, RW, ANON, -1, 0) != (long)(p + 4 * PAGE));
	CHECK(raw_mmap(p, PAGE, RW, ANON, -1, 0) != (long)p);
	/* One that is no address of ours is no error. */
	CHECK_OK(raw_mmap(KERNEL, PAGE, RW, ANON, -1, 0));
	CHECK_OK(raw_mmap(TOP - PAGE, 4 * PAGE, RW, ANON, -1, 0));
	CHECK_OK(raw_mmap((void *)8, PAGE, RW, ANON, -1, 0));
}

TEST(mmap, low_addresses)
{
	/* As a user, nothing is mapped at NULL. */
	pid_t pid = child();

	if (pid == 0) {
		if (geteuid() == 0)
			become_user();
		CHECK_ERR(raw_mmap(NULL, PAGE, RW, ANON | MAP_FIXED, -1, 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(mmap, munmap_args)
{
	char *p = map_rw(4 * PAGE);

	CHECK_ERR(munmap(p, 0), EINVAL);
	CHECK_ERR(munmap(p + 1, PAGE), EINVAL);
	CHECK_ERR(munmap(p, (size_t)-1), EINVAL);
	CHECK_ERR(munmap(p, (size_t)-PAGE), EINVAL);
	CHECK_ERR(munmap(TOP, PAGE), EINVAL);
	CHECK_ERR(munmap(TOP - PAGE, 2 * PAGE), EINVAL);
	CHECK_ERR(munmap(KERNEL, PAGE), EINVAL);
	CHECK_ERR(munmap((void *)-PAGE, PAGE), EINVAL);
	CHECK_OK(munmap(p + PAGE, 1));
	CHECK_MAPERR(p + PAGE);
	CHECK_OK(munmap(p, 4 * PAGE));
	CHECK_OK(munmap(p, 4 * PAGE));
}

TEST(mmap, mprotect_args)
{
	char *p = with_hole();

	CHECK_ERR(mprotect(p + 1, PAGE, RO), EINVAL);
	CHECK_ERR(mprotect(p, PAGE, 0x10), EINVAL);
	CHECK_ERR(mprotect(p, PAGE, -1), EINVAL);
	CHECK_OK(mprotect(p, 0, RO));
	CHECK_ERR(mprotect(p + 1, 0, RO), EINVAL);
	CHECK_ERR(mprotect(p + 2 * PAGE, PAGE, RO), ENOMEM);
	CHECK_ERR(mprotect(p + 2 * PAGE, 2 * PAGE, RO), ENOMEM);
	CHECK_WRITES(p + 3 * PAGE);
	CHECK_ERR(mprotect(p + PAGE, 3 * PAGE, RO), ENOMEM);
	CHECK_NO_WRITE(p + PAGE);
	CHECK_WRITES(p + 3 * PAGE);
	CHECK_ERR(mprotect(p, (size_t)-PAGE, RO), ENOMEM);
	CHECK_ERR(mprotect(KERNEL, PAGE, RO), ENOMEM);
	CHECK_ERR(mprotect(TOP, PAGE, RO), ENOMEM);
	CHECK_ERR(mprotect(p, PAGE, RO | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
	CHECK_ERR(mprotect(p, PAGE, RO | PROT_GROWSDOWN), EINVAL);
}

static long raw_mremap(void *p, size_t len, size_t new_len, int flags, void *to)
{
	return syscall(SYS_mremap, p, len, new_len, flags, to);
}

TEST(mmap, mremap_args)
{
	char *p = with_hole(), *q = map_rw(8 * PAGE);
	int move = MREMAP_MAYMOVE, fixed = MREMAP_MAYMOVE | MREMAP_FIXED;

	CHECK_ERR(raw_mremap(p, PAGE, PAGE, 8, q), EINVAL);
	CHECK_ERR(raw_mremap(p, PAGE, PAGE, MREMAP_FIXED, q), EINVAL);
	CHECK_ERR(raw_mremap(p, PAGE, PAGE, MREMAP_DONTUNMAP, q), EINVAL);
	CHECK_ERR(raw_mremap(p, PAGE, 2 * PAGE, move | MREMAP_DONTUNMAP, q), EINVAL);
	CHECK_ERR(raw_mremap(p + 1, PAGE, PAGE, move, NULL), EINVAL);
	CHECK_ERR(raw_mremap(p, PAGE, 0, move, NULL), EINVAL);
	CHECK_ERR(raw_mremap(p, PAGE, PAGE, fixed, q + 1), EINVAL);
	CHECK_ERR(raw_mremap(p, PAGE, PAGE, fixed, KERNEL), EINVAL);
	CHECK_ERR(raw_mremap(p, PAGE, 2 * PAGE, fixed, TOP - PAGE), EINVAL);
	CHECK_ERR(raw_mremap(q, 2 * PAGE, 2 * PAGE, fixed, q + PAGE), EINVAL);
	CHECK_ERR(raw_mremap(q, 2 * PAGE, 2 * PAGE, fixed, q), EINVAL);
	/* Old addresses: a hole, over a hole, nothing of ours. */
	CHECK_ERR(raw_mremap(p + 2 * PAGE, PAGE, PAGE, move, NULL), EFAULT);
	CHECK_ERR(raw_mremap(p, 5 * PAGE, 6 * PAGE, move, NULL), EFAULT);
	CHECK_ERR(raw_mremap(KERNEL, PAGE, PAGE, move, NULL), EFAULT);
	CHECK_ERR(raw_mremap(NULL, PAGE, PAGE, move, NULL), EFAULT);
	/* A private mapping cannot be doubled. */
	CHECK_ERR(raw_mremap(p, 0, PAGE, move, NULL), EINVAL);
	CHECK_ERR(raw_mremap(p, PAGE, 1ul << 40, move, NULL), ENOMEM);
	/* In place, with somebody behind it. */
	CHECK_ERR(raw_mremap(p, PAGE, 2 * PAGE, 0, NULL), ENOMEM);
	check_tags(p, 2, 1);
}

TEST(mmap, msync_args)
{
	char *p = with_hole(), *f;
	int fd = pattern_file("f", 2 * PAGE, 1);

	f = map_at(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK_OK(msync(f, 2 * PAGE, MS_SYNC));
	CHECK_OK(msync(f, 2 * PAGE, MS_ASYNC));
	CHECK_OK(msync(f, 2 * PAGE, MS_ASYNC | MS_INVALIDATE));
	CHECK_OK(msync(f, 2 * PAGE, 0));
	CHECK_OK(msync(f, 0, MS_SYNC));
	CHECK_OK(msync(p, PAGE, MS_SYNC));
	CHECK_ERR(msync(f, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERR(msync(f, PAGE, 8), EINVAL);
	CHECK_ERR(msync(f + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERR(msync(p, 5 * PAGE, MS_SYNC), ENOMEM);
	CHECK_ERR(msync(p + 2 * PAGE, PAGE, MS_SYNC), ENOMEM);
	CHECK_ERR(msync(f, (size_t)-PAGE, MS_SYNC), ENOMEM);
	CHECK_ERR(msync(KERNEL, PAGE, MS_SYNC), ENOMEM);
	CHECK_OK(mlock(f, PAGE));
	CHECK_ERR(msync(f, 2 * PAGE, MS_SYNC | MS_INVALIDATE), EBUSY);
}

TEST(mmap, madvise_args)
{
	char *p = with_hole();

	CHECK_ERR(madvise(p + 1, PAGE, MADV_NORMAL), EINVAL);
	CHECK_ERR(madvise(p, PAGE, 5), EINVAL);
	CHECK_ERR(madvise(p, PAGE, 1000), EINVAL);
	CHECK_ERR(madvise(p, PAGE, -1), EINVAL);
	CHECK_ERR(madvise(p, (size_t)-1, MADV_NORMAL), EINVAL);
	CHECK_ERR(madvise((void *)-PAGE, 2 * PAGE, MADV_NORMAL), EINVAL);
	CHECK_OK(madvise(p, 0, MADV_DONTNEED));
	CHECK_ERR(madvise(p, 0, 1000), EINVAL);
	CHECK_ERR(madvise(KERNEL, PAGE, MADV_NORMAL), ENOMEM);
	/* Over a hole the rest is done all the same. */
	CHECK_ERR(madvise(p, 5 * PAGE, MADV_DONTNEED), ENOMEM);
	check_zero(p, 2 * PAGE);
	check_zero(p + 3 * PAGE, 2 * PAGE);
	CHECK_ERR(madvise(p + 2 * PAGE, PAGE, MADV_POPULATE_READ), ENOMEM);
	CHECK_ERR(madvise(p, 5 * PAGE, MADV_POPULATE_WRITE), ENOMEM);
}

TEST(mmap, madvise_wrong_kind)
{
	int fd = pattern_file("f", PAGE, 1);
	char *file = map_at(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	char *shared = map_anon(PAGE, RW, MAP_SHARED), *locked = map_rw(PAGE);
	char *ro = map_anon(PAGE, RO, MAP_PRIVATE), *none = map_anon(PAGE, PROT_NONE, MAP_PRIVATE);

	CHECK_ERR(madvise(file, PAGE, MADV_WIPEONFORK), EINVAL);
	CHECK_ERR(madvise(shared, PAGE, MADV_WIPEONFORK), EINVAL);
	CHECK_ERR(madvise(file, PAGE, MADV_FREE), EINVAL);
	CHECK_ERR(madvise(shared, PAGE, MADV_FREE), EINVAL);
	CHECK_OK(mlock(locked, PAGE));
	CHECK_ERR(madvise(locked, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERR(madvise(locked, PAGE, MADV_FREE), EINVAL);
	CHECK_OK(madvise(locked, PAGE, MADV_DONTNEED_LOCKED));
	CHECK_ERR(madvise(locked, PAGE, MADV_REMOVE), EINVAL);
	CHECK_ERR(madvise(ro, PAGE, MADV_POPULATE_WRITE), EINVAL);
	CHECK_ERR(madvise(none, PAGE, MADV_POPULATE_READ), EINVAL);
	CHECK_OK(madvise(ro, PAGE, MADV_POPULATE_READ));
	CHECK_OK(mprotect(none, PAGE, PROT_WRITE));
	CHECK_ERR(madvise(none, PAGE, MADV_POPULATE_READ), EINVAL);
	CHECK_OK(madvise(none, PAGE, MADV_POPULATE_WRITE));
}

TEST(mmap, mincore_args)
{
	char *none = map_anon(PAGE, PROT_NONE, MAP_PRIVATE), *p = with_hole();
	unsigned char in[8];

	memset(in, 0x55, sizeof(in));
	CHECK_OK(mincore(p, 2 * PAGE, in));
	CHECK(in[0] == 1 && in[1] == 1 && in[2] == 0x55);
	CHECK_OK(mincore(p, 1, in));
	CHECK_OK(mincore(p, 0, in));
	CHECK_ERR(mincore(p + 1, PAGE, in), EINVAL);
	CHECK_ERR(mincore(p, 5 * PAGE, in), ENOMEM);
	CHECK_ERR(mincore(p + 2 * PAGE, PAGE, in), ENOMEM);
	CHECK_ERR(mincore(KERNEL, PAGE, in), ENOMEM);
	CHECK_ERR(mincore(p, (size_t)-PAGE, in), ENOMEM);
	CHECK_ERR(mincore(p, PAGE, NULL), EFAULT);
	CHECK_ERR(mincore(p, PAGE, (unsigned char *)none), EFAULT);
	CHECK_ERR(mincore(p, PAGE, KERNEL), EFAULT);
	p = map_rw(4 * PAGE);
	p[PAGE] = 1;
	CHECK_OK(mincore(p, 4 * PAGE, in));
	CHECK(in[0] == 0 && in[1] == 1 && in[2] == 0 && in[3] == 0);
}

TEST(mmap, mlock_args, .root = true)
{
	char *p = with_hole();

	CHECK_OK(mlock(p + 100, PAGE));
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERR(madvise(p + PAGE, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_OK(munlock(p + 100, PAGE));
	CHECK_OK(madvise(p, PAGE, MADV_DONTNEED));
	CHECK_OK(mlock(p, 0));
	CHECK_ERR(mlock(p, 5 * PAGE), ENOMEM);
	CHECK_ERR(mlock(p + 2 * PAGE, PAGE), ENOMEM);
	CHECK_ERR(munlock(p, 5 * PAGE), ENOMEM);
	CHECK_ERR(mlock(p, (size_t)-PAGE), EINVAL);
	CHECK_ERR(mlock(KERNEL, PAGE), ENOMEM);
	CHECK_ERR(mlock2(p, PAGE, 2), EINVAL);
	CHECK_OK(mlock2(p, PAGE, MLOCK_ONFAULT));
	CHECK_ERR(mlockall(0), EINVAL);
	CHECK_ERR(mlockall(8), EINVAL);
	CHECK_ERR(mlockall(MCL_ONFAULT), EINVAL);
	CHECK_OK(munlockall());
}

TEST(mmap, mlock_without_access, .root = true)
{
	/* It cannot be brought in, which is said; locked it is all the same. */
	char *p = map_anon(2 * PAGE, PROT_NONE, MAP_PRIVATE);

	CHECK_ERR(mlock(p, 2 * PAGE), ENOMEM);
	CHECK_OK(mprotect(p, 2 * PAGE, RW));
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
}

TEST(mmap, brk_args)
{
	char *end = (char *)syscall(SYS_brk, 0), *other;

	CHECK_EQ(syscall(SYS_brk, 1), (long)end);
	CHECK_EQ(syscall(SYS_brk, -1), (long)end);
	CHECK_EQ(syscall(SYS_brk, TOP), (long)end);
	CHECK_EQ(syscall(SYS_brk, KERNEL), (long)end);
	CHECK_EQ(syscall(SYS_brk, end + 3 * PAGE + 5), (long)(end + 3 * PAGE + 5));
	CHECK_WRITES(end + 3 * PAGE + 4);
	CHECK_EQ(syscall(SYS_brk, end), (long)end);
	/* Not into what is mapped behind it, nor right up to it. */
	other = (char *)(((uintptr_t)end + 64 * PAGE) & -PAGE);
	map_at(other, PAGE, RW, ANON | MAP_FIXED, -1, 0);
	CHECK_EQ(syscall(SYS_brk, other + 1), (long)end);
	CHECK_EQ(syscall(SYS_brk, other), (long)end);
	CHECK_EQ(syscall(SYS_brk, other - PAGE), (long)(other - PAGE));
	CHECK_EQ(syscall(SYS_brk, end), (long)end);
}
