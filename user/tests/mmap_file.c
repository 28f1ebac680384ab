/* Mapped files: one page in memory for read, write and mmap; tails, ends, truncation, sharing. */
#include "vmlib.h"

/*
 * Bytes behind the end of the file that a mapping left in its last page are gone when it grows.
 * The judge's tmpfs forgets that, its file systems on disks do not.
 */
static bool tail_is_kept(void)
{
	return on_tmpfs();
}

TEST(mmap, file_is_read)
{
	int fd = pattern_file("f", 20 * PAGE + 100, 1);
	char *p = map_at(NULL, 21 * PAGE, RO, MAP_SHARED, fd, 0);

	CHECK_OK(close(fd));
	CHECK_OK(unlink("f"));
	pattern_check(p, 20 * PAGE + 100, 1, 0);
	check_zero(p + 20 * PAGE + 100, PAGE - 100);
}

TEST(mmap, file_tail)
{
	int fd = pattern_file("f", PAGE + 100, 1);
	char *p = map_at(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0), buf[200];

	check_zero(p + PAGE + 100, PAGE - 100);
	memset(p + PAGE + 90, 'x', 50);
	CHECK_OK(msync(p, 2 * PAGE, MS_SYNC));
	CHECK_EQ(lseek(fd, 0, SEEK_END), PAGE + 100);
	CHECK_OK(ftruncate(fd, PAGE + 200));
	CHECK_EQ(pread(fd, buf, 200, PAGE), 200);
	CHECK(buf[90] == 'x' && buf[99] == 'x');
	if (tail_is_kept())
		return;
	check_zero(buf + 100, 100);
	check_zero(p + PAGE + 100, 100);
}

TEST(mmap, file_beyond_end)
{
	int fd = pattern_file("f", PAGE + 1, 1);
	char *p = map_at(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = map_at(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);

	CHECK_WRITES(p + 2 * PAGE - 1);
	CHECK_BUS(p + 2 * PAGE);
	CHECK_BUS(q + 2 * PAGE);
	CHECK_EQ(touch(p + 4 * PAGE - 1, true), TOUCH_BUS + BUS_ADRERR);
	CHECK_EQ(touch(q + 3 * PAGE, true), TOUCH_BUS + BUS_ADRERR);
	/* An offset behind the end can be mapped all the same. */
	p = map_at(NULL, PAGE, RO, MAP_SHARED, fd, 10 * PAGE);
	CHECK_BUS(p);
}

TEST(mmap, file_empty)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	char *p = map_at(NULL, PAGE, RW, MAP_SHARED, fd, 0);

	CHECK_BUS(p);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(*(volatile char *)p, 'x');
	CHECK_EQ(*(volatile char *)(p + 1), 0);
}

TEST(mmap, truncate_under_shared)
{
	int fd = pattern_file("f", 4 * PAGE, 1);
	char *p = map_at(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);

	pattern_fill(p, 4 * PAGE, 2, 0);
	CHECK_OK(ftruncate(fd, PAGE + 10));
	CHECK_READS(p + PAGE);
	CHECK_BUS(p + 2 * PAGE);
	CHECK_BUS(p + 3 * PAGE);
	check_zero(p + PAGE + 10, PAGE - 10);
	CHECK_OK(ftruncate(fd, 4 * PAGE));
	pattern_check(p, PAGE + 10, 2, 0);
	check_zero(p + PAGE + 10, 3 * PAGE - 10);
}

TEST(mmap, truncate_under_private)
{
	/* Private copies go with the file's pages. */
	int fd = pattern_file("f", 4 * PAGE, 1);
	char *p = map_at(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);

	memset(p, 'p', 4 * PAGE);
	CHECK_OK(ftruncate(fd, PAGE));
	CHECK_EQ(p[PAGE - 1], 'p');
	CHECK_BUS(p + PAGE);
	CHECK_OK(ftruncate(fd, 4 * PAGE));
	check_zero(p + PAGE, 3 * PAGE);
	CHECK_EQ(p[0], 'p');
}

TEST(mmap, truncate_in_other_process)
{
	int fd = pattern_file("f", 8 * PAGE, 1);
	char *p = map_at(NULL, 8 * PAGE, RW, MAP_SHARED, fd, 0);
	pid_t pid;

	pattern_fill(p, 8 * PAGE, 2, 0);
	pid = child();
	if (pid == 0) {
		CHECK_OK(truncate("f", 2 * PAGE));
		CHECK_BUS(p + 2 * PAGE);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_BUS(p + 2 * PAGE);
	pattern_check(p, 2 * PAGE, 2, 0);
}

TEST(mmap, open_truncates_under_mapping)
{
	int fd = pattern_file("f", 2 * PAGE, 1);
	char *p = map_at(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	CHECK_WRITES(p);
	CHECK_OK(close((int)CHECK_OK(open("f", O_WRONLY | O_TRUNC))));
	CHECK_BUS(p);
	CHECK_EQ(pwrite(fd, "new", 3, 0), 3);
	CHECK_EQ(memcmp(p, "new", 4), 0);
}

TEST(mmap, file_grows_under_mapping)
{
	int fd = pattern_file("f", 100, 1);
	char *p = map_at(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);

	CHECK_BUS(p + PAGE);
	CHECK_EQ(pwrite(fd, "end", 3, 2 * PAGE + 5), 3);
	CHECK_EQ(memcmp(p + 2 * PAGE + 5, "end", 3), 0);
	check_zero(p + 100, 2 * PAGE - 95);
	pattern_check(p, 100, 1, 0);
}

TEST(mmap, private_never_reaches_file)
{
	int fd = pattern_file("f", 3 * PAGE, 1);
	char *p = map_at(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);

	memset(p, 0xee, 2 * PAGE);
	CHECK_OK(msync(p, 3 * PAGE, MS_SYNC));
	CHECK_OK(fsync(fd));
	file_pattern_check("f", 3 * PAGE, 1);
	CHECK_OK(munmap(p, 3 * PAGE));
	sync();
	file_pattern_check("f", 3 * PAGE, 1);
}

TEST(mmap, private_sees_file_until_written)
{
	int fd = pattern_file("f", 2 * PAGE, 1);
	char *p = map_at(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 0);

	CHECK_READS(p);
	p[PAGE] = 'm';
	CHECK_EQ(pwrite(fd, "ab", 2, 0), 2);
	CHECK_EQ(pwrite(fd, "cd", 2, PAGE), 2);
	CHECK_EQ(p[0], 'a');
	CHECK_EQ(p[PAGE], 'm');
}

TEST(mmap, shared_is_the_page_of_read_and_write)
{
	int fd = pattern_file("f", 4 * PAGE, 1);
	char *p = map_at(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0), buf[16];

	for (int i = 0; i < 100; i++) {
		off_t at = i * 163;
		char c = (char)i;

		CHECK_EQ(pwrite(fd, &c, 1, at), 1);
		CHECK_EQ(*(volatile char *)(p + at), c);
		*(volatile char *)(p + at) = (char)(c + 1);
		CHECK_EQ(pread(fd, buf, 1, at), 1);
		CHECK_EQ(buf[0], (char)(c + 1));
	}
}

TEST(mmap, shared_reaches_file)
{
	int fd = pattern_file("f", 6 * PAGE, 1);
	char *p = map_at(NULL, 6 * PAGE, RW, MAP_SHARED, fd, 0);

	pattern_fill(p, 2 * PAGE, 2, 0);
	CHECK_OK(msync(p, 2 * PAGE, MS_SYNC));
	pattern_fill(p + 2 * PAGE, 2 * PAGE, 2, 2 * PAGE);
	CHECK_OK(fsync(fd));
	/* After write-back the pages can be written to again, and are dirty again. */
	pattern_fill(p, 6 * PAGE, 3, 0);
	CHECK_OK(munmap(p, 6 * PAGE));
	CHECK_OK(close(fd));
	sync();
	file_pattern_check("f", 6 * PAGE, 3);
}

TEST(mmap, shared_between_processes)
{
	int fd = pattern_file("f", 2 * PAGE, 1);
	volatile int *p = (volatile int *)map_at(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	struct gate go, done;
	pid_t pid;

	gate_make(&go);
	gate_make(&done);
	pid = child();
	if (pid == 0) {
		/* A mapping of its own, besides the one that it inherited. */
		volatile int *q = (volatile int *)map_at(NULL, PAGE, RW, MAP_SHARED, fd, 0);

		for (int i = 0; i < 20; i++) {
			gate_pass(&go);
			CHECK_EQ(q[5], i);
			CHECK_EQ(p[5], i);
			q[6] = i + 100;
			gate_open(&done);
		}
		_exit(0);
	}
	for (int i = 0; i < 20; i++) {
		p[5] = i;
		gate_open(&go);
		gate_pass(&done);
		CHECK_EQ(p[6], i + 100);
	}
	expect_exit(pid, 0);
}

TEST(mmap, partial_munmap_of_shared_file)
{
	size_t size = 5 * PAGE + 123;
	int fd = pattern_file("f", size, 1);
	char *p = map_at(NULL, 6 * PAGE, RW, MAP_SHARED, fd, 0);

	pattern_fill(p, size, 2, 0);
	memset(p + size, 'T', PAGE - 123);
	CHECK_OK(munmap(p + PAGE, 2 * PAGE));
	CHECK_OK(munmap(p + 5 * PAGE, PAGE));
	CHECK_OK(munmap(p, PAGE));
	pattern_check(p + 3 * PAGE, 2 * PAGE, 2, 3 * PAGE);
	CHECK_MAPERR(p + 5 * PAGE);
	sync();
	file_pattern_check("f", size, 2);
	CHECK_OK(munmap(p, 6 * PAGE));
	file_pattern_check("f", size, 2);
	if (tail_is_kept())
		return;
	CHECK_OK(ftruncate(fd, (off_t)(6 * PAGE)));
	p = map_at(NULL, PAGE, RO, MAP_SHARED, fd, 5 * PAGE);
	check_zero(p + 123, PAGE - 123);
}

TEST(mmap, write_from_mapping_of_same_page)
{
	/* The page that is written is the one that is read: must end, and must be right. */
	int fd = pattern_file("f", 3 * PAGE, 1);
	char *p = map_at(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0), before[256];

	memcpy(before, p + 1000, 256);
	CHECK_EQ(pwrite(fd, p + 1000, 256, 2000), 256);
	CHECK_EQ(memcmp(p + 2000, before, 256), 0);
	CHECK_EQ(pwrite(fd, p, PAGE, 0), PAGE);
	pattern_check(p, 1000, 1, 0);
	/* Not yet touched, and over three pages. */
	CHECK_OK(munmap(p, 3 * PAGE));
	p = map_at(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK_EQ(pwrite(fd, p, 3 * PAGE, 0), 3 * PAGE);
	pattern_check(p, 1000, 1, 0);
	pattern_check(p + PAGE, 2 * PAGE, 1, PAGE);
}

TEST(mmap, read_into_mapping_of_same_page)
{
	int fd = pattern_file("f", 3 * PAGE, 1);
	char *p = map_at(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);

	CHECK_EQ(pread(fd, p, 3 * PAGE, 0), 3 * PAGE);
	pattern_check(p, 3 * PAGE, 1, 0);
	CHECK_EQ(pread(fd, p + PAGE, PAGE, 0), PAGE);
	pattern_check(p + PAGE, PAGE, 1, 0);
	char *q = map_at(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 0);
	CHECK_EQ(pread(fd, q, 3 * PAGE, 0), 3 * PAGE);
	pattern_check(q, PAGE, 1, 0);
	pattern_check(p + 2 * PAGE, PAGE, 1, 2 * PAGE);
}

TEST(mmap, append_from_own_mapping)
{
	int fd = pattern_file("f", PAGE + 10, 1);
	char *p = map_at(NULL, 4 * PAGE, RO, MAP_SHARED, fd, 0);

	/* The end moves while the last page is read from. */
	CHECK_EQ(pwrite(fd, p, PAGE + 10, PAGE + 10), PAGE + 10);
	pattern_check(p, PAGE + 10, 1, 0);
	pattern_check(p + PAGE + 10, PAGE + 10, 1, 0);
	/* From beyond the end nothing can be read. */
	CHECK_ERR(pwrite(fd, p + 3 * PAGE, 10, 0), EFAULT);
}

TEST(mmap, unlinked_file)
{
	int fd = pattern_file("f", 4 * PAGE, 1);
	char *p = map_at(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);

	CHECK_OK(unlink("f"));
	CHECK_OK(close(fd));
	pattern_fill(p, 4 * PAGE, 2, 0);
	pattern_check(p, 4 * PAGE, 2, 0);
	CHECK_OK(msync(p, 4 * PAGE, MS_SYNC));
}

TEST(mmap, two_mappings_of_one_file)
{
	int fd = pattern_file("f", 4 * PAGE, 1);
	char *p = map_at(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	char *q = map_at(NULL, 2 * PAGE, RO, MAP_SHARED, fd, 2 * PAGE);
	char *r = map_at(NULL, 2 * PAGE, RW, MAP_PRIVATE, fd, 2 * PAGE);

	CHECK_READS(q);
	CHECK_READS(r + PAGE);
	pattern_fill(p, 4 * PAGE, 2, 0);
	pattern_check(q, 2 * PAGE, 2, 2 * PAGE);
	pattern_check(r, 2 * PAGE, 2, 2 * PAGE);
	r[0] ^= 1;
	pattern_check(p, 4 * PAGE, 2, 0);
}

TEST(mmap, file_sparse)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	char *p, c = 1;

	CHECK_OK(ftruncate(fd, 100 * PAGE));
	p = map_at(NULL, 100 * PAGE, RW, MAP_SHARED, fd, 0);
	check_zero(p + 40 * PAGE, 2 * PAGE);
	p[50 * PAGE] = 'h';
	CHECK_OK(msync(p, 100 * PAGE, MS_SYNC));
	CHECK_EQ(pread(fd, &c, 1, 49 * PAGE), 1);
	CHECK_EQ(c, 0);
	CHECK_EQ(pread(fd, &c, 1, 50 * PAGE), 1);
	CHECK_EQ(c, 'h');
}

TEST(mmap, fork_shares_file)
{
	int fd = pattern_file("f", 4 * PAGE, 1);
	char *s = map_at(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	char *p = map_at(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	pid_t pid;

	p[0] = 'P';
	pid = child();
	if (pid == 0) {
		CHECK_EQ(p[0], 'P');
		pattern_fill(s, 4 * PAGE, 2, 0);
		p[PAGE] = 'C';
		_exit(0);
	}
	expect_exit(pid, 0);
	pattern_check(s, 4 * PAGE, 2, 0);
	CHECK_EQ(p[0], 'P');
	pattern_check(p + PAGE, 3 * PAGE, 2, PAGE);
}

TEST(mmap, dev_zero)
{
	int fd = CHECK_OK(open("/dev/zero", O_RDWR)), status;
	char *mine = map_at(NULL, 3 * PAGE, RW, MAP_PRIVATE, fd, 5 * PAGE);
	char *ours = map_at(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	char *others = map_at(NULL, 3 * PAGE, RW, MAP_SHARED, fd, 0);
	pid_t pid;

	check_zero(mine, 3 * PAGE);
	check_zero(ours, 3 * PAGE);
	mine[PAGE] = ours[PAGE] = 'a';
	CHECK_OK(munmap(mine, PAGE));
	CHECK_EQ(mine[PAGE], 'a');
	pid = CHECK_OK(fork());
	if (!pid) {
		mine[PAGE] = ours[PAGE] = 'b';
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(mine[PAGE] == 'a' && ours[PAGE] == 'b');
	check_zero(others, 3 * PAGE);
	CHECK_OK(close(fd));
}
