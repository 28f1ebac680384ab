/*
 * fs: files opened with O_DIRECT, O_SYNC and O_DSYNC.
 */
#include <sys/mman.h>
#include <sys/uio.h>

#include "user/tests/ut.h"

#define SIZE 65536

static unsigned char *buffer(void)
{
	unsigned char *p = mmap(NULL, SIZE + 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

TEST(fs, direct_alignment)
{
	unsigned char *p = buffer();
	struct iovec iov[2] = {{p, 4096}, {p + 8192, 100}};
	int fd;

	if (on_tmpfs())
		SKIP("files in memory need no alignment");
	file_pattern("f", SIZE, 1);
	fd = (int)CHECK_OK(open("f", O_RDWR | O_DIRECT));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_DIRECT, O_DIRECT);
	CHECK_ERR(pread(fd, p, 4096, 100), EINVAL);
	CHECK_ERR(pread(fd, p, 100, 0), EINVAL);
	CHECK_ERR(pread(fd, p + 1, 4096, 0), EINVAL);
	CHECK_ERR(pwrite(fd, p, 4096, 100), EINVAL);
	CHECK_ERR(pwrite(fd, p, 100, 0), EINVAL);
	CHECK_ERR(preadv(fd, iov, 2, 0), EINVAL);
	file_pattern_check("f", SIZE, 1);
	CHECK_OK(fcntl(fd, F_SETFL, 0));
	CHECK_EQ(pread(fd, p, 100, 100), 100);
}

TEST(fs, direct_data)
{
	unsigned char *p = buffer(), c;
	int fd, plain;

	file_pattern("f", SIZE, 1);
	fd = (int)CHECK_OK(open("f", O_RDWR | O_DIRECT));
	plain = (int)CHECK_OK(open("f", O_RDWR));
	CHECK_EQ(pread(fd, p, SIZE, 0), SIZE);
	pattern_check(p, SIZE, 1, 0);
	/* What the cache holds is seen, and what was written past it. */
	CHECK_EQ(pwrite(plain, "x", 1, 5000), 1);
	CHECK_EQ(pread(fd, p, 8192, 0), 8192);
	CHECK_EQ(p[5000], 'x');
	memset(p, 'd', 4096);
	CHECK_EQ(pwrite(fd, p, 4096, 8192), 4096);
	CHECK_EQ(pread(plain, &c, 1, 8192 + 4095), 1);
	CHECK_EQ(c, 'd');
	CHECK_EQ(pread(plain, &c, 1, 8192 + 4096), 1);
	CHECK_EQ(c, pattern_byte(1, 8192 + 4096));
	/* Beyond the end, and at it. */
	CHECK_EQ(pwrite(fd, p, 4096, SIZE + 8192), 4096);
	CHECK_EQ(lseek(fd, 0, SEEK_END), SIZE + 12288);
	CHECK_EQ(pread(plain, &c, 1, SIZE + 100), 1);
	CHECK_EQ(c, 0);
	CHECK_OK(ftruncate(plain, 1000));
	CHECK_EQ(pread(fd, p, 4096, 0), 1000);
	CHECK_EQ(pread(fd, p, 4096, 4096), 0);
}

/* A mapping of the file and direct writes agree in the end. */
TEST(fs, direct_mapping)
{
	unsigned char *p = buffer(), *map;
	int fd;

	file_pattern("f", SIZE, 1);
	fd = (int)CHECK_OK(open("f", O_RDWR | O_DIRECT));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	map[100] = 'm';
	CHECK_EQ(pread(fd, p, 4096, 0), 4096);
	CHECK_EQ(p[100], 'm');
	memset(p, 'w', 4096);
	CHECK_EQ(pwrite(fd, p, 4096, 0), 4096);
	CHECK_EQ(map[100], 'w');
	/* The source is a mapping of the target. */
	CHECK_EQ(pwrite(fd, map + 4096, 8192, 16384), 8192);
	pattern_check(map + 4096, 8192, 1, 4096);
	CHECK(!memcmp(map + 4096, map + 16384, 8192));
}

TEST(fs, fadvise_arguments)
{
	int fd, pipes[2];

	file_pattern("f", 4096, 1);
	fd = (int)CHECK_OK(open("f", O_RDWR));
	CHECK_OK(pipe(pipes));
	CHECK_EQ(posix_fadvise(-1, 0, 0, POSIX_FADV_NORMAL), EBADF);
	CHECK_EQ(posix_fadvise(pipes[0], 0, 0, POSIX_FADV_NORMAL), ESPIPE);
	CHECK_EQ(posix_fadvise(fd, 0, 0, 99), EINVAL);
	CHECK_EQ(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL), EINVAL);
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL), 0);
}

TEST(fs, sync_writes)
{
	static const int flags[] = {O_SYNC, O_DSYNC};

	for (int i = 0; i < 2; i++) {
		int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT | flags[i], 0600));
		struct iovec iov = {"data", 4};

		CHECK_EQ(fcntl(fd, F_GETFL) & O_SYNC, flags[i]);
		CHECK_EQ(write(fd, "hello", 5), 5);
		CHECK_EQ(pwritev2(fd, &iov, 1, 0, RWF_SYNC), 4);
		CHECK_EQ(pwritev2(fd, &iov, 1, 0, RWF_DSYNC), 4);
		CHECK_OK(fsync(fd));
		CHECK_OK(fdatasync(fd));
		CHECK_OK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE));
		CHECK_ERR(sync_file_range(fd, 0, 0, 8), EINVAL);
		CHECK_ERR(sync_file_range(fd, -1, 5, 0), EINVAL);
		CHECK_OK(close(fd));
	}
}
