/*
 * fs: where a file has space and where it has not; files without a name.
 */
#include <linux/falloc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/time.h>

#include "user/tests/ut.h"

#define BLOCK 4096 /* no file system here has larger ones */

static int file_open(const char *name, size_t size)
{
	if (size)
		file_pattern(name, size, 1);
	return (int)CHECK_OK(open(name, O_RDWR | O_CREAT, 0644));
}

/* Bytes [from, to) are zeros, all others up to size the pattern. */
static void hole_check(int fd, size_t size, size_t from, size_t to)
{
	unsigned char *buf = malloc(size + 1);

	CHECK_EQ(pread(fd, buf, size + 1, 0), size);
	for (size_t i = from; i < to && i < size; i++)
		CHECK_EQ(buf[i], 0);
	pattern_check(buf, from, 1, 0);
	if (to < size)
		pattern_check(buf + to, size - to, 1, to);
	free(buf);
}

static void punch(int fd, off_t from, off_t len)
{
	CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from, len));
}

TEST(fs, fallocate_modes)
{
	int fd = file_open("f", 3 * BLOCK), ro = (int)CHECK_OK(open("f", O_RDONLY)), p[2];
	int dir = (int)CHECK_OK(open(".", O_RDONLY));
	const int keep = FALLOC_FL_KEEP_SIZE, hole = FALLOC_FL_PUNCH_HOLE;

	CHECK_ERR(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERR(fallocate(fd, 0, -1, 10), EINVAL);
	CHECK_ERR(fallocate(fd, 0, 0, -10), EINVAL);
	CHECK_ERR(fallocate(fd, 0x4000, 0, 10), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, hole, 0, 10), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, hole | keep | FALLOC_FL_ZERO_RANGE, 0, 10), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | keep, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_INSERT_RANGE | keep, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | hole, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, BLOCK), EOPNOTSUPP);
	CHECK_ERR(fallocate(ro, 0, 0, 10), EBADF);
	CHECK_ERR(fallocate(-1, 0, 0, 10), EBADF);
	CHECK_ERR(fallocate(dir, 0, 0, 10), EBADF);
	CHECK_OK(pipe(p));
	CHECK_ERR(fallocate(p[1], 0, 0, 10), ESPIPE);
	if (!on_tmpfs())
		CHECK_ERR(fallocate(fd, 0, INT64_MAX - 5, 3), EFBIG);
	hole_check(fd, 3 * BLOCK, 0, 0);
}

/* A block map cannot tell blocks that are not written yet: ext2 and ext3 refuse. */
TEST(fs, fallocate_space)
{
	int fd = file_open("f", 0);
	struct stat st;

	if (!on_tmpfs()) {
		CHECK_ERR(fallocate(fd, 0, 0, 10000), EOPNOTSUPP);
		CHECK_ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10000), EOPNOTSUPP);
		return;
	}
	CHECK_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10000));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_blocks, 3 * BLOCK / 512);
	CHECK_OK(fallocate(fd, 0, 0, 10000));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 10000);
	CHECK_EQ(st.st_blocks, 3 * BLOCK / 512);
	CHECK_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 5 * BLOCK, 1));
	CHECK_OK(ftruncate(fd, 8 * BLOCK));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 4 * BLOCK / 512);
	CHECK_OK(ftruncate(fd, 1));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, BLOCK / 512);
	/* What lies behind the end goes though the size stays. */
	CHECK_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 3 * BLOCK));
	CHECK_OK(ftruncate(fd, 1));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, BLOCK / 512);
}

/* A tmpfs of 16 pages with two open files: what is there when it is mounted tells what there is. */
static void small_mount(int *a, int *b)
{
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", 0, "size=64k"));
	*a = (int)CHECK_OK(open("m/a", O_RDWR | O_CREAT, 0644));
	*b = (int)CHECK_OK(open("m/b", O_RDWR | O_CREAT, 0644));
}

static void small_umount(int a, int b)
{
	CHECK_OK(close(a));
	CHECK_OK(close(b));
	CHECK_OK(umount("m"));
	CHECK_OK(rmdir("m"));
}

TEST(fs, fallocate_reserves, .root = true)
{
	int a, b;

	small_mount(&a, &b);
	file_make("m/c", "x", 1);
	CHECK_ERR(fallocate(a, 0, 0, 17 * BLOCK), ENOSPC);
	CHECK_ERR(fallocate(a, 0, 0, 16 * BLOCK), ENOSPC);
	CHECK_OK(fallocate(a, 0, 0, 10 * BLOCK));
	CHECK_OK(fallocate(a, 0, 0, 10 * BLOCK));
	CHECK_ERR(fallocate(b, FALLOC_FL_KEEP_SIZE, 0, 6 * BLOCK), ENOSPC);
	CHECK_OK(fallocate(b, FALLOC_FL_KEEP_SIZE, 0, 5 * BLOCK));
	CHECK_ERR(pwrite(b, "x", 1, 5 * BLOCK), ENOSPC);
	/* What was promised is there. */
	for (off_t at = 0; at < 10 * BLOCK; at += BLOCK)
		CHECK_EQ(pwrite(a, "x", 1, at), 1);
	punch(a, 0, BLOCK);
	CHECK_EQ(pwrite(b, "x", 1, 5 * BLOCK), 1);
	small_umount(a, b);
}

static void on_alarm(int sig)
{
	(void)sig;
}

TEST(fs, fallocate_interrupted)
{
	enum { SIZE = 512 * BLOCK, TRIES = 2000 };
	const struct itimerval often = {{0, 700}, {0, 700}}, never = {{0, 0}, {0, 0}};
	int fd = (int)CHECK_OK(memfd_create("m", 0)), broken = 0;
	struct stat st;

	CHECK(signal(SIGALRM, on_alarm) != SIG_ERR);
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
	for (int i = 0; i < TRIES && broken < 5; i++) {
		if (!fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, SIZE)) {
			punch(fd, 0, SIZE);
			continue;
		}
		CHECK_EQ(errno, EINTR);
		broken++;
		CHECK_OK(fstat(fd, &st));
		CHECK_EQ(st.st_blocks, 0);
	}
	CHECK_OK(setitimer(ITIMER_REAL, &never, NULL));
}

/* What a full volume refuses takes no room: what is there can still be written. */
TEST(fs, full_refuses_part, .root = true)
{
	int a, b;

	small_mount(&a, &b);
	CHECK_EQ(pwrite(b, "x", 1, 0), 1);
	CHECK_OK(ftruncate(b, 100 * BLOCK));
	for (off_t at = 0; pwrite(a, "x", 1, at) == 1; at += BLOCK)
		;
	CHECK_EQ(errno, ENOSPC);
	for (off_t at = 1; at < 10; at++)
		CHECK_ERR(pwrite(b, "x", 1, at * BLOCK + 1), ENOSPC);
	CHECK_EQ(pwrite(a, "y", 1, 1), 1);
	CHECK_EQ(pwrite(b, "y", 1, 1), 1);
	small_umount(a, b);
}

TEST(fs, punch_whole_blocks)
{
	int fd = file_open("f", 40 * BLOCK);
	struct stat before, after;

	CHECK_OK(fsync(fd));
	CHECK_OK(fstat(fd, &before));
	punch(fd, 5 * BLOCK, 20 * BLOCK);
	CHECK_OK(fstat(fd, &after));
	CHECK_EQ(after.st_size, 40 * BLOCK);
	CHECK_GE(before.st_blocks - after.st_blocks, 20 * BLOCK / 512);
	CHECK_EQ(lseek(fd, 5 * BLOCK, SEEK_HOLE), 5 * BLOCK);
	CHECK_EQ(lseek(fd, 5 * BLOCK, SEEK_DATA), 25 * BLOCK);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 5 * BLOCK);
	CHECK_EQ(lseek(fd, 25 * BLOCK, SEEK_HOLE), 40 * BLOCK);
	CHECK_ERR(lseek(fd, 40 * BLOCK, SEEK_DATA), ENXIO);
	hole_check(fd, 40 * BLOCK, 5 * BLOCK, 25 * BLOCK);
}

TEST(fs, punch_parts_of_blocks)
{
	static const struct {
		off_t from, len;
	} holes[] = {{0, 1}, {1, 4094}, {4095, 2}, {100, 9000}, {4096, 4096}, {1024, 2048},
		     {11000, 2000}, {12000, 5000}, {12200, 90}, {3000, 100}};
	const size_t size = 3 * BLOCK + 100;

	for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
		int fd = file_open("f", size);
		off_t to = holes[i].from + holes[i].len;

		if (i & 1)
			CHECK_OK(fsync(fd));
		punch(fd, holes[i].from, holes[i].len);
		hole_check(fd, size, (size_t)holes[i].from, (size_t)to);
		CHECK_OK(fsync(fd));
		hole_check(fd, size, (size_t)holes[i].from, (size_t)to);
		CHECK_OK(close(fd));
		CHECK_OK(unlink("f"));
	}
}

TEST(fs, punch_beyond_the_end)
{
	int fd = file_open("f", 10000);
	unsigned char c = 1;
	struct stat st;

	punch(fd, 20000, 5000);
	hole_check(fd, 10000, 10000, 10000);
	punch(fd, 9000, 100000);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 10000);
	hole_check(fd, 10000, 9000, 10000);
	CHECK_OK(ftruncate(fd, 12000));
	CHECK_EQ(pread(fd, &c, 1, 11999), 1);
	CHECK_EQ(c, 0);
}

TEST(fs, punch_then_write)
{
	int fd = file_open("f", 20 * BLOCK);
	unsigned char buf[BLOCK];

	punch(fd, 0, 20 * BLOCK);
	pattern_fill(buf, BLOCK, 1, 7 * BLOCK);
	CHECK_EQ(pwrite(fd, buf, BLOCK, 7 * BLOCK), BLOCK);
	CHECK_OK(fsync(fd));
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 7 * BLOCK);
	CHECK_EQ(lseek(fd, 7 * BLOCK, SEEK_HOLE), 8 * BLOCK);
	CHECK_EQ(pread(fd, buf, BLOCK, 7 * BLOCK), BLOCK);
	pattern_check(buf, BLOCK, 1, 7 * BLOCK);
	CHECK_EQ(pread(fd, buf, BLOCK, 6 * BLOCK), BLOCK);
	CHECK(!memcmp(buf, (char[BLOCK]){0}, BLOCK));
}

/* A shared mapping sees the hole, and what it stores there afterwards is the file's. */
TEST(fs, punch_under_a_mapping)
{
	int fd = file_open("f", 4 * BLOCK);
	unsigned char *map, c;

	map = mmap(NULL, 4 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	for (int i = 0; i < 4; i++)
		map[i * BLOCK] = 1;
	punch(fd, BLOCK - 100, 2 * BLOCK + 200);
	CHECK_EQ(map[BLOCK - 101], pattern_byte(1, BLOCK - 101));
	for (int i = BLOCK - 100; i < 3 * BLOCK + 100; i++)
		CHECK_EQ(map[i], 0);
	CHECK_EQ(map[3 * BLOCK + 100], pattern_byte(1, 3 * BLOCK + 100));
	map[2 * BLOCK] = 77;
	map[3 * BLOCK] = 78;
	CHECK_OK(msync(map, 4 * BLOCK, MS_SYNC));
	CHECK_OK(munmap(map, 4 * BLOCK));
	CHECK_EQ(pread(fd, &c, 1, 2 * BLOCK), 1);
	CHECK_EQ(c, 77);
	CHECK_EQ(pread(fd, &c, 1, 3 * BLOCK), 1);
	CHECK_EQ(c, 78);
}

/* Holes in the part of a file that indirect and double indirect blocks lead to. */
TEST(fs, punch_far_out)
{
	const off_t places[] = {11 * BLOCK, 12 * BLOCK, 1000 * BLOCK, 1036 * BLOCK, 1100 * BLOCK,
				2100000L * BLOCK};
	const int count = sizeof(places) / sizeof(places[0]);
	int fd = file_open("f", 0);
	char buf[BLOCK];
	struct stat st;

	memset(buf, 'x', sizeof(buf));
	for (int i = 0; i < count; i++)
		CHECK_EQ(pwrite(fd, buf, BLOCK, places[i]), BLOCK);
	for (int i = 0; i < count; i++) {
		CHECK_EQ(lseek(fd, 0, SEEK_DATA), places[i]);
		punch(fd, places[i], BLOCK);
	}
	CHECK_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
	CHECK_OK(fsync(fd));
	CHECK_OK(fstat(fd, &st));
	/* Linux keeps some of the blocks that led to them. */
	CHECK(st.st_blocks <= 2 * BLOCK / 512);
	CHECK_EQ(st.st_size, places[count - 1] + BLOCK);
}

TEST(fs, seek_in_sparse_file)
{
	int fd = file_open("f", 0);
	off_t hole;

	CHECK_OK(ftruncate(fd, 100 * BLOCK));
	CHECK_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
	CHECK_EQ(lseek(fd, 5, SEEK_HOLE), 5);
	CHECK_EQ(pwrite(fd, "x", 1, 50 * BLOCK + 10), 1);
	CHECK_EQ(lseek(fd, 3, SEEK_DATA), 50 * BLOCK);
	CHECK_EQ(lseek(fd, 50 * BLOCK + 5, SEEK_DATA), 50 * BLOCK + 5);
	hole = lseek(fd, 50 * BLOCK, SEEK_HOLE);
	CHECK(hole > 50 * BLOCK + 10 && hole <= 51 * BLOCK);
	CHECK_ERR(lseek(fd, -1, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, 100 * BLOCK, SEEK_HOLE), ENXIO);
}

/* --- files without a name --- */

TEST(fs, tmpfile_life)
{
	int fd = (int)CHECK_OK(open(".", O_TMPFILE | O_RDWR, 0640));
	char path[40], buf[10] = "";
	struct stat st;

	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(write(fd, "hello", 5), 5);
	CHECK_OK(fsync(fd));
	CHECK_EQ(pread(fd, buf, 9, 0), 5);
	CHECK_STR(buf, "hello");
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_TMPFILE), O_RDWR | O_TMPFILE);
	/* Nobody can see one, so the directory is empty. */
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(open("d", O_TMPFILE | O_WRONLY, 0600));
	CHECK_OK(rmdir("d"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_OK(linkat(AT_FDCWD, path, AT_FDCWD, "name", AT_SYMLINK_FOLLOW));
	CHECK_OK(stat("name", &st));
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_size, 5);
	CHECK_ERR(linkat(AT_FDCWD, path, AT_FDCWD, "name", AT_SYMLINK_FOLLOW), EEXIST);
	CHECK_OK(linkat(AT_FDCWD, path, AT_FDCWD, "second", AT_SYMLINK_FOLLOW));
	CHECK_OK(close(fd));
	CHECK_EQ(file_text("second", buf, sizeof(buf)), 5);
	CHECK_STR(buf, "hello");
}

TEST(fs, tmpfile_refused)
{
	char path[40];
	int fd;

	CHECK_ERR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	CHECK_ERR(open(".", O_TMPFILE | O_RDWR | O_CREAT, 0600), EINVAL);
	CHECK_ERR(open("none", O_TMPFILE | O_RDWR, 0600), ENOENT);
	file_make("file", "", 0);
	CHECK_ERR(open("file", O_TMPFILE | O_RDWR, 0600), ENOTDIR);
	/* With O_EXCL it never gets a name; nor does one that had one. */
	fd = (int)CHECK_OK(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERR(linkat(AT_FDCWD, path, AT_FDCWD, "name", AT_SYMLINK_FOLLOW), ENOENT);
	fd = (int)CHECK_OK(open("file", O_RDWR));
	CHECK_OK(unlink("file"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERR(linkat(AT_FDCWD, path, AT_FDCWD, "name", AT_SYMLINK_FOLLOW), ENOENT);
}

TEST(fs, tmpfile_permission, .root = true)
{
	CHECK_OK(mkdir("closed", 0755));
	CHECK_OK(chmod(".", 0755));
	become_user();
	CHECK_ERR(open("closed", O_TMPFILE | O_RDWR, 0600), EACCES);
}
