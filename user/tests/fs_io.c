/* Reading, writing, seeking, truncating; holes, big files, concurrent use. */
#include "ut.h"

#include <sys/uio.h>

TEST(fs, read_write)
{
	char buf[16];
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(write(fd, "0123456789", 10), 10);
	CHECK_EQ(read(fd, buf, 5), 0);
	CHECK_EQ(lseek(fd, 2, SEEK_SET), 2);
	CHECK_EQ(read(fd, buf, 3), 3);
	CHECK(memcmp(buf, "234", 3) == 0);
	CHECK_EQ(write(fd, "ab", 2), 2);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 10);
	CHECK(memcmp(buf, "01234ab789", 10) == 0);
	CHECK_EQ(read(fd, buf, 0), 0);
	CHECK_EQ(write(fd, buf, 0), 0);
}

TEST(fs, lseek)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(write(fd, "0123456789", 10), 10);
	CHECK_EQ(lseek(fd, -3, SEEK_END), 7);
	CHECK_EQ(lseek(fd, -2, SEEK_CUR), 5);
	CHECK_EQ(lseek(fd, 100, SEEK_END), 110);
	CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERR(lseek(fd, -111, SEEK_CUR), EINVAL);
	CHECK_ERR(lseek(fd, -11, SEEK_END), EINVAL);
	CHECK_ERR(lseek(fd, 0, 99), EINVAL);
	CHECK_ERR(lseek(fd, 0, -1), EINVAL);
	/* None of the failures moved it. */
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 110);
	CHECK_ERR(lseek(999, 0, SEEK_SET), EBADF);
}

TEST(fs, seek_data_hole)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(pwrite(fd, "x", 1, 65536), 1);
	/* A file system without holes may call everything data. */
	off_t data = lseek(fd, 0, SEEK_DATA);
	CHECK(data == 0 || data == 65536);
	CHECK_EQ(lseek(fd, 65536, SEEK_DATA), 65536);
	CHECK_EQ(lseek(fd, 65536, SEEK_HOLE), 65537);
	CHECK_ERR(lseek(fd, 65537, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, 65538, SEEK_HOLE), ENXIO);
}

TEST(fs, sparse)
{
	static char buf[8192];
	struct stat st;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(pwrite(fd, "end", 3, 1000000), 3);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 1000003);
	CHECK(st.st_blocks * 512 < 100000);
	memset(buf, 1, sizeof(buf));
	CHECK_EQ(pread(fd, buf, sizeof(buf), 500000), sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i++)
		CHECK_EQ(buf[i], 0);
	CHECK_EQ(pread(fd, buf, sizeof(buf), 999999), 4);
	CHECK(memcmp(buf, "\0end", 4) == 0);
	/* Filling part of the hole leaves the rest zero. */
	CHECK_EQ(pwrite(fd, "mid", 3, 500000), 3);
	CHECK_EQ(pread(fd, buf, 5, 499999), 5);
	CHECK(memcmp(buf, "\0mid", 5) == 0);
}

TEST(fs, pread_pwrite)
{
	char buf[8];
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(pwrite(fd, "0123456789", 10, 0), 10);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	CHECK_EQ(pread(fd, buf, 4, 8), 2);
	CHECK_EQ(pread(fd, buf, 4, 10), 0);
	CHECK_EQ(pread(fd, buf, 4, 1000000), 0);
	CHECK_ERR(pread(fd, buf, 4, -1), EINVAL);
	CHECK_ERR(pwrite(fd, buf, 4, -1), EINVAL);
	CHECK_ERR(pread(fd, buf, 4, LLONG_MIN), EINVAL);
	CHECK_ERR(pwrite(fd, buf, 4, LLONG_MAX), EINVAL);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(fs, readv_writev)
{
	char a[4], b[4];
	struct iovec out[2] = { { "abcd", 4 }, { "efgh", 4 } }, in[2] = { { a, 4 }, { b, 4 } };
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(writev(fd, out, 2), 8);
	CHECK_EQ(pwritev(fd, out, 1, 6), 4);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 8);
	CHECK_EQ(lseek(fd, 1, SEEK_SET), 1);
	CHECK_EQ(readv(fd, in, 2), 8);
	CHECK(memcmp(a, "bcde", 4) == 0 && memcmp(b, "fabc", 4) == 0);
	CHECK_EQ(preadv(fd, in, 2, 9), 1);
	CHECK_EQ(a[0], 'd');
}

TEST(fs, ftruncate)
{
	char buf[16];
	struct stat st;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(write(fd, "0123456789", 10), 10);
	CHECK_OK(ftruncate(fd, 4));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
	CHECK_OK(ftruncate(fd, 8));
	/* What was cut off must not come back. */
	CHECK_EQ(pread(fd, buf, 16, 0), 8);
	CHECK(memcmp(buf, "0123\0\0\0\0", 8) == 0);
	CHECK_EQ(write(fd, "z", 1), 1);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 11);
	CHECK_ERR(ftruncate(fd, -1), EINVAL);
	CHECK_ERR(ftruncate(999, 0), EBADF);
	CHECK_OK(truncate("f", 2));
	CHECK_ERR(truncate("f", -1), EINVAL);
	CHECK_ERR(truncate("missing", 0), ENOENT);
	CHECK_ERR(truncate(".", 0), EISDIR);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 2);
}

TEST(fs, truncate_frees_blocks)
{
	struct stat st;

	file_pattern("f", 600000, 4);
	CHECK_OK(stat("f", &st));
	CHECK_GE(st.st_blocks, 600000 / 512);
	CHECK_OK(truncate("f", 5000));
	CHECK_OK(stat("f", &st));
	CHECK(st.st_blocks <= 24);
	file_pattern_check("f", 5000, 4);
	CHECK_OK(truncate("f", 0));
	CHECK_OK(stat("f", &st));
	CHECK_EQ(st.st_blocks, 0);
}

TEST(fs, truncate_at_odd_sizes)
{
	static const off_t sizes[] = { 70001, 4097, 4096, 4095, 1025, 1024, 1023, 1, 0 };
	static char buf[4096];

	file_pattern("f", 70001, 9);
	int fd = (int)CHECK_OK(open("f", O_RDWR));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CHECK_OK(ftruncate(fd, sizes[i]));
		file_pattern_check("f", (size_t)sizes[i], 9);
		CHECK_OK(ftruncate(fd, sizes[i] + 3000));
		CHECK_EQ(pread(fd, buf, 4096, sizes[i]), 3000);
		for (int j = 0; j < 3000; j++)
			CHECK_EQ(buf[j], 0);
	}
}

TEST(fs, unlink_while_open)
{
	char buf[8];
	struct stat st;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(write(fd, "alive", 5), 5);
	CHECK_OK(unlink("f"));
	CHECK_ERR(access("f", F_OK), ENOENT);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(pread(fd, buf, 8, 0), 5);
	CHECK_EQ(write(fd, "more", 4), 4);
	/* A new file of the same name is another file. */
	file_make("f", "new", 3);
	CHECK_EQ(pread(fd, buf, 8, 0), 8);
	CHECK(memcmp(buf, "alivemor", 8) == 0);
}

TEST(fs, size_1_mib)
{
	file_pattern("f", 1 << 20, 7);
	file_pattern_check("f", 1 << 20, 7);
}

TEST(fs, size_needs_double_indirect, .mem_mib = 32)
{
	/* Beyond 12 direct and 256 (or 1,024) indirect blocks. */
	file_pattern("f", 6 << 20, 8);
	file_pattern_check("f", 6 << 20, 8);
	CHECK_OK(unlink("f"));
}

TEST(fs, size_far_offset)
{
	/* In the triple-indirect range of 1 KiB blocks. */
	char buf[4];
	off_t far = (off_t)200 << 20;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(pwrite(fd, "far", 4, far), 4);
	CHECK_EQ(pwrite(fd, "mid", 4, far / 2), 4);
	CHECK_EQ(pread(fd, buf, 4, far), 4);
	CHECK_STR(buf, "far");
	CHECK_EQ(pread(fd, buf, 4, far / 2), 4);
	CHECK_STR(buf, "mid");
	CHECK_EQ(pread(fd, buf, 4, far - 4096), 4);
	CHECK_EQ(buf[0] | buf[1] | buf[2] | buf[3], 0);
	CHECK_OK(ftruncate(fd, far / 2 + 4));
	CHECK_EQ(pread(fd, buf, 4, far / 2), 4);
	CHECK_STR(buf, "mid");
}

TEST(fs, random_offsets)
{
	/* Against a model in memory. */
	static unsigned char model[200000], buf[200000];
	uint32_t x = 12345;
	size_t size = 0;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	for (int i = 0; i < 400; i++) {
		x = x * 1664525 + 1013904223;
		size_t at = (x >> 8) % 190000, len = (x >> 20) % 5000 + 1;

		if (i % 10 == 9) {
			CHECK_OK(ftruncate(fd, (off_t)at));
			if (at < size)
				memset(model + at, 0, size - at);
			size = at;
			continue;
		}
		pattern_fill(model + at, len, (unsigned int)i, at);
		CHECK_EQ(pwrite(fd, model + at, len, (off_t)at), len);
		if (at + len > size)
			size = at + len;
	}
	CHECK_EQ(pread(fd, buf, sizeof(buf), 0), size);
	CHECK(memcmp(buf, model, size) == 0);
}

TEST(fs, sync_calls)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(write(fd, "data", 4), 4);
	CHECK_OK(fsync(fd));
	CHECK_OK(fdatasync(fd));
	sync();
	CHECK_ERR(fsync(999), EBADF);
	CHECK_ERR(fdatasync(-1), EBADF);
}

TEST(fs, concurrent_appends)
{
	/* Each append is atomic: no record is lost or torn. */
	static char record[64], all[4 * 200 * 64 + 1];
	pid_t pids[4];
	int counts[4] = { 0 };

	file_make("f", "", 0);
	for (int w = 0; w < 4; w++) {
		pids[w] = child();
		if (pids[w] == 0) {
			int fd = (int)CHECK_OK(open("f", O_WRONLY | O_APPEND));
			memset(record, 'a' + w, sizeof(record));
			for (int i = 0; i < 200; i++)
				CHECK_EQ(write(fd, record, sizeof(record)), sizeof(record));
			_exit(0);
		}
	}
	for (int w = 0; w < 4; w++)
		expect_exit(pids[w], 0);
	CHECK_EQ(file_text("f", all, sizeof(all)), sizeof(all) - 1);
	for (size_t at = 0; at < sizeof(all) - 1; at += 64) {
		for (int i = 1; i < 64; i++)
			CHECK_EQ(all[at + (size_t)i], all[at]);
		counts[all[at] - 'a']++;
	}
	for (int w = 0; w < 4; w++)
		CHECK_EQ(counts[w], 200);
}

TEST(fs, concurrent_shared_offset)
{
	/* write() through one shared open file moves its offset atomically. */
	static char all[4 * 300 * 8 + 1];
	pid_t pids[4];
	int fd = (int)CHECK_OK(open("f", O_WRONLY | O_CREAT, 0644));

	for (int w = 0; w < 4; w++) {
		pids[w] = child();
		if (pids[w] == 0) {
			char record[8];

			memset(record, 'a' + w, sizeof(record));
			for (int i = 0; i < 300; i++)
				CHECK_EQ(write(fd, record, 8), 8);
			_exit(0);
		}
	}
	for (int w = 0; w < 4; w++)
		expect_exit(pids[w], 0);
	CHECK_EQ(file_text("f", all, sizeof(all)), sizeof(all) - 1);
}

TEST(fs, concurrent_writers_own_files)
{
	pid_t pids[6];
	char name[16];

	for (int w = 0; w < 6; w++) {
		pids[w] = child();
		if (pids[w] == 0) {
			snprintf(name, sizeof(name), "f%d", w);
			for (int i = 0; i < 3; i++) {
				file_pattern(name, 100000, (unsigned int)(w * 10 + i));
				file_pattern_check(name, 100000, (unsigned int)(w * 10 + i));
			}
			_exit(0);
		}
	}
	for (int w = 0; w < 6; w++)
		expect_exit(pids[w], 0);
	for (int w = 0; w < 6; w++) {
		snprintf(name, sizeof(name), "f%d", w);
		file_pattern_check(name, 100000, (unsigned int)(w * 10 + 2));
	}
}

TEST(fs, read_unaligned)
{
	/* read() into a buffer that straddles pages, at every alignment around the border. */
	static unsigned char buf[3 * 4096] __attribute__((aligned(4096)));

	file_pattern("f", 9000, 2);
	int fd = (int)CHECK_OK(open("f", O_RDONLY));
	for (size_t skew = 4080; skew < 4112; skew++) {
		memset(buf, 0xee, sizeof(buf));
		CHECK_EQ(pread(fd, buf + skew, 5000, 1000), 5000);
		pattern_check(buf + skew, 5000, 2, 1000);
		CHECK_EQ(buf[skew - 1], 0xee);
		CHECK_EQ(buf[skew + 5000], 0xee);
	}
}
