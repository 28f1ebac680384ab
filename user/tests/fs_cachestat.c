/* cachestat: how much of a file is in memory, and in which state. */
#include "ut.h"

#include <sys/mman.h>

#define SYS_cachestat_ 451
#define PAGE	       4096u
#define PAGES	       16u

struct range {
	uint64_t off, len;
};

struct stat_of_cache {
	uint64_t cache, dirty, writeback, evicted, recent;
};

static long cachestat(int fd, const void *range, void *out, unsigned int flags)
{
	return syscall(SYS_cachestat_, fd, range, out, flags);
}

static struct stat_of_cache cached(int fd, uint64_t off, uint64_t len)
{
	struct range r = { off, len };
	struct stat_of_cache cs;

	memset(&cs, 0xff, sizeof(cs));
	CHECK_OK(cachestat(fd, &r, &cs, 0));
	return cs;
}

TEST(fs, cachestat_counts)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	struct stat_of_cache cs;

	CHECK_EQ(cached(fd, 0, 0).cache, 0);
	file_pattern("f", PAGES * PAGE, 1);
	cs = cached(fd, 0, 0);
	CHECK_EQ(cs.cache, PAGES);
	CHECK_EQ(cs.evicted, 0);
	CHECK_EQ(cs.recent, 0);
	/* A page counts that has a byte in the range. */
	CHECK_EQ(cached(fd, PAGE - 1, 2).cache, 2);
	CHECK_EQ(cached(fd, PAGE, PAGE).cache, 1);
	CHECK_EQ(cached(fd, 3, 1).cache, 1);
	CHECK_EQ(cached(fd, 5 * PAGE, 0).cache, PAGES - 5);
	CHECK_EQ(cached(fd, PAGES * PAGE, 0).cache, 0);
	CHECK_EQ(cached(fd, 0, 1ul << 40).cache, PAGES);
	CHECK_EQ(cached(fd, 1ul << 60, 1ul << 60).cache, 0);
	CHECK_EQ(cached(fd, UINT64_MAX, 0).cache, 0);
	/* Its end goes over the last number there is: to before its beginning. */
	CHECK_EQ(cached(fd, PAGE, UINT64_MAX).cache, 0);
	CHECK_OK(ftruncate(fd, 3 * PAGE));
	CHECK_EQ(cached(fd, 0, 0).cache, 3);
}

TEST(fs, cachestat_states)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	struct stat_of_cache cs;

	if (on_tmpfs()) {
		file_pattern("f", PAGES * PAGE, 1);
		cs = cached(fd, 0, 0);
		CHECK_EQ(cs.dirty + cs.writeback, 0);
		return;
	}
	file_pattern("f", PAGES * PAGE, 1);
	CHECK_OK(fsync(fd));
	cs = cached(fd, 0, 0);
	CHECK_EQ(cs.cache, PAGES);
	CHECK_EQ(cs.dirty + cs.writeback, 0);
	/* Unless they have been written meanwhile: then once more. */
	for (int i = 0; cs.dirty != 2; i++) {
		CHECK(i < 1000);
		CHECK_EQ(pwrite(fd, "x", 1, 2 * PAGE), 1);
		CHECK_EQ(pwrite(fd, "x", 1, 5 * PAGE), 1);
		cs = cached(fd, 0, 0);
		CHECK(cs.dirty + cs.writeback <= 2);
	}
	CHECK_OK(fsync(fd));
	CHECK_OK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	CHECK_EQ(cached(fd, 0, 0).cache, 0);
}

TEST(fs, cachestat_of_others)
{
	struct range r = { 0, 0 };
	struct stat_of_cache cs;
	int fd[2];

	CHECK_OK(pipe(fd));
	CHECK_EQ(cached(fd[0], 0, 0).cache, 0);
	CHECK_EQ(cached((int)CHECK_OK(open(".", O_RDONLY)), PAGE * PAGES, PAGE).dirty, 0);
	fd[0] = (int)CHECK_OK(memfd_create("m", 0));
	CHECK_EQ(pwrite(fd[0], "x", 1, 7 * PAGE), 1);
	CHECK_EQ(cached(fd[0], 0, 0).cache, 1);
	fd[1] = (int)CHECK_OK(open(".", O_PATH));
	CHECK_ERR(cachestat(fd[1], &r, &cs, 0), EBADF);
}

TEST(fs, cachestat_errors, .root = true)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0644));
	struct range r = { 0, 0 };
	struct stat_of_cache cs;
	pid_t pid;

	CHECK_ERR(cachestat(fd, &r, &cs, 1), EINVAL);
	CHECK_ERR(cachestat(-1, &r, &cs, 0), EBADF);
	CHECK_ERR(cachestat(fd, (void *)8, &cs, 0), EFAULT);
	CHECK_ERR(cachestat(fd, (void *)8, &cs, 1), EFAULT);
	CHECK_ERR(cachestat(fd, &r, (void *)8, 0), EFAULT);
	CHECK_OK(chmod(".", 0755));
	pid = child();
	if (!pid) {
		become_user();
		fd = (int)CHECK_OK(open("f", O_RDONLY));
		CHECK_ERR(cachestat(fd, &r, &cs, 0), EPERM);
		CHECK_ERR(cachestat(fd, &r, &cs, 1), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(chmod("f", 0666));
	pid = child();
	if (!pid) {
		become_user();
		fd = (int)CHECK_OK(open("f", O_RDONLY));
		CHECK_OK(cachestat(fd, &r, &cs, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
}
