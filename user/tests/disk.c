/*
 * A whole small volume: full disk, no inodes left, read-only, mounted again.
 *
 * The volume is /dev/vdb, an ext2 file system of a few MiB that holds a file named
 * ut-scratch (scripts/usertests and scripts/linux-tests make it); without it these
 * tests are skipped, so that nobody's data is touched.
 */
#include "disk.h"
#include "ut.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#define SCRATCH "/dev/vdb"

void scratch_mount(unsigned long flags)
{
	mkdir("m", 0755);
	if (access(SCRATCH, F_OK) != 0)
		SKIP("no scratch disk " SCRATCH);
	CHECK_OK(mount(SCRATCH, "m", "ext2", flags, NULL));
	if (access("m/ut-scratch", F_OK) != 0) {
		CHECK_OK(umount2("m", 0));
		SKIP(SCRATCH " holds no file ut-scratch");
	}
}

void scratch_unmount(void)
{
	CHECK_OK(umount2("m", 0));
	CHECK_ERR(access("m/ut-scratch", F_OK), ENOENT);
}

/* Free blocks once everything is written. */
static long blocks_free(void)
{
	struct statfs st;

	sync();
	CHECK_OK(statfs("m", &st));
	return (long)st.f_bfree;
}

/* Does the device, read past the cache, hold these bytes at a multiple of 512? */
static bool device_holds(const char *want, size_t size)
{
	int fd = (int)CHECK_OK(open(SCRATCH, O_RDONLY | O_DIRECT));
	char *buf = aligned_alloc(4096, 2 << 20);
	bool found = false;
	ssize_t n;

	CHECK(buf);
	n = CHECK_OK(read(fd, buf, 2 << 20));
	for (ssize_t i = 0; !found && i + 512 <= n; i += 512)
		found = !memcmp(buf + i, want, size);
	free(buf);
	CHECK_OK(close(fd));
	return found;
}

/* A write by this mount is over when its bytes are on the device. */
TEST(disk, sync_mount, .root = true)
{
	char text[64];
	int fd;

	snprintf(text, sizeof(text), "sync mount %d %lld", getpid(), (long long)now_ns());
	scratch_mount(MS_SYNCHRONOUS);
	fd = (int)CHECK_OK(open("m/f", O_WRONLY | O_CREAT, 0600));
	CHECK_EQ(write(fd, text, sizeof(text)), sizeof(text));
	CHECK(device_holds(text, strlen(text)));
	CHECK_OK(close(fd));
	CHECK_OK(unlink("m/f"));
	scratch_unmount();
}

TEST(disk, contents_survive_unmount, .root = true)
{
	struct stat a, b;

	scratch_mount(0);
	file_pattern("m/f", 300000, 1);
	CHECK_OK(mkdir("m/d", 0751));
	CHECK_OK(symlink("target", "m/l"));
	CHECK_OK(stat("m/f", &a));
	scratch_unmount();
	scratch_mount(0);
	file_pattern_check("m/f", 300000, 1);
	CHECK_OK(stat("m/f", &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(a.st_mtime, b.st_mtime);
	CHECK_OK(stat("m/d", &b));
	CHECK_EQ(b.st_mode, S_IFDIR | 0751);
	CHECK_OK(unlink("m/f"));
	CHECK_OK(rmdir("m/d"));
	CHECK_OK(unlink("m/l"));
	scratch_unmount();
}

TEST(disk, full, .root = true)
{
	static char block[4096];
	size_t written = 0;
	ssize_t n;

	scratch_mount(0);
	long before = blocks_free();
	file_make("m/kept", "kept", 4);
	int fd = (int)CHECK_OK(open("m/big", O_RDWR | O_CREAT, 0600));
	for (;;) {
		pattern_fill(block, sizeof(block), 5, written);
		n = write(fd, block, sizeof(block));
		if (n < 0)
			break;
		CHECK_GE(n, 1);
		written += (size_t)n;
	}
	CHECK_EQ(errno, ENOSPC);
	CHECK_GE(written, 500000);
	CHECK_ERR(write(fd, block, sizeof(block)), ENOSPC);
	CHECK_OK(fsync(fd));
	CHECK_OK(close(fd));
	/* What was taken is there; what is old is unharmed; rewriting needs no space. */
	file_pattern_check("m/big", written, 5);
	fd = (int)CHECK_OK(open("m/big", O_RDWR));
	CHECK_EQ(pwrite(fd, block, 4096, 4096), 4096);
	CHECK_OK(close(fd));
	CHECK_OK(unlink("m/big"));
	CHECK_OK(unlink("m/kept"));
	CHECK_GE(blocks_free(), before - 8);
	file_pattern("m/again", 400000, 2);
	file_pattern_check("m/again", 400000, 2);
	CHECK_OK(unlink("m/again"));
	scratch_unmount();
}

/* How many of the pages mapped at p are in memory. */
static unsigned resident(void *p, unsigned pages)
{
	unsigned char in[64];
	unsigned n = 0;

	CHECK_OK(mincore(p, (size_t)pages * 4096, in));
	while (pages--)
		n += in[pages] & 1;
	return n;
}

/* What is not needed any more leaves memory. */
TEST(disk, advice, .root = true)
{
	enum { PAGES = 16 };
	void *p;
	int fd;

	scratch_mount(0);
	file_pattern("m/f", PAGES * 4096, 1);
	fd = (int)CHECK_OK(open("m/f", O_RDWR));
	p = mmap(NULL, PAGES * 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_OK(fsync(fd));
	CHECK_EQ(resident(p, PAGES), PAGES);
	CHECK_EQ(posix_fadvise(fd, 4096, 4 * 4096, POSIX_FADV_DONTNEED), 0);
	CHECK_EQ(resident(p, PAGES), PAGES - 4);
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	CHECK_EQ(resident(p, PAGES), 0);
	file_pattern_check("m/f", PAGES * 4096, 1);
	CHECK_OK(munmap(p, PAGES * 4096));
	CHECK_OK(close(fd));
	CHECK_OK(unlink("m/f"));
	scratch_unmount();
}

static int user_fd;

/* As another user, until there is no room: then 0. */
static void fill_as_user(void)
{
	static char block[4096];

	become_user();
	while (write(user_fd, block, sizeof(block)) > 0)
		;
	CHECK_EQ(errno, ENOSPC);
}

TEST(disk, reserved_for_root, .root = true)
{
	static char block[4096];
	struct statfs st;
	int fd;

	scratch_mount(0);
	CHECK_OK(statfs("m", &st));
	CHECK_GE(st.f_bfree - st.f_bavail, 20);
	user_fd = (int)CHECK_OK(open("m/user", O_RDWR | O_CREAT, 0666));
	fd = (int)CHECK_OK(open("m/root", O_RDWR | O_CREAT, 0600));
	CHECK_EQ(run_child(fill_as_user), 0);
	CHECK_OK(fsync(user_fd));
	CHECK_OK(statfs("m", &st));
	CHECK(st.f_bavail < 8);
	CHECK_GE(st.f_bfree, 20);
	CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	CHECK_OK(fsync(fd));
	CHECK_OK(close(fd));
	CHECK_OK(close(user_fd));
	CHECK_OK(unlink("m/user"));
	CHECK_OK(unlink("m/root"));
	scratch_unmount();
}

/* The n-th further name of m/f: some hundred to a directory. */
static int link_make(int n)
{
	char name[32];

	snprintf(name, sizeof(name), "m/d/%d", n / 1024);
	if (n % 1024 == 0)
		CHECK_OK(mkdir(name, 0700));
	snprintf(name, sizeof(name), "m/d/%d/%d", n / 1024, n % 1024);
	return link("m/f", name);
}

static void link_remove(int n)
{
	char name[32];

	snprintf(name, sizeof(name), "m/d/%d/%d", n / 1024, n % 1024);
	if (unlink(name) < 0)
		CHECK_EQ(errno, ENOENT);
	snprintf(name, sizeof(name), "m/d/%d", n / 1024);
	if (n % 1024 == 1023)
		CHECK_OK(rmdir(name));
}

/* ext2 keeps 32,000 names of a file, ext4 some more. */
TEST(disk, too_many_links, .root = true)
{
	struct stat st;
	int made = 0;

	scratch_mount(0);
	CHECK_OK(mkdir("m/d", 0700));
	file_make("m/f", "x", 1);
	while (link_make(made) == 0)
		made++;
	CHECK_EQ(errno, EMLINK);
	CHECK_GE(made, 31999);
	CHECK_OK(stat("m/f", &st));
	CHECK_EQ(st.st_nlink, made + 1);
	CHECK_ERR(link("m/f", "m/more"), EMLINK);
	CHECK_OK(unlink("m/d/0/7"));
	CHECK_OK(rename("m/f", "m/g"));
	CHECK_OK(link("m/g", "m/more"));
	CHECK_ERR(link("m/more", "m/d/0/7"), EMLINK);
	scratch_unmount();
	scratch_mount(0);
	CHECK_OK(stat("m/more", &st));
	CHECK_EQ(st.st_nlink, made + 1);
	for (int n = 0; n <= (made | 1023); n++)
		link_remove(n);
	CHECK_OK(rmdir("m/d"));
	CHECK_OK(stat("m/more", &st));
	CHECK_EQ(st.st_nlink, 2);
	CHECK_OK(unlink("m/more"));
	CHECK_OK(unlink("m/g"));
	scratch_unmount();
}

TEST(disk, full_of_directories, .root = true)
{
	char name[32];
	int made = 0, error;

	scratch_mount(0);
	for (;; made++) {
		snprintf(name, sizeof(name), "m/d%d", made);
		if (mkdir(name, 0700) < 0)
			break;
	}
	error = errno;
	CHECK_EQ(error, ENOSPC);
	CHECK_GE(made, 20);
	/* The one that failed has left no name. */
	CHECK_ERR(access(name, F_OK), ENOENT);
	while (made-- > 0) {
		snprintf(name, sizeof(name), "m/d%d", made);
		CHECK_OK(rmdir(name));
	}
	scratch_unmount();
}

TEST(disk, no_inodes_left, .root = true)
{
	struct statfs st;
	char name[32];
	int made = 0;

	scratch_mount(0);
	for (;; made++) {
		snprintf(name, sizeof(name), "m/f%d", made);
		int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
		if (fd < 0)
			break;
		CHECK_OK(close(fd));
	}
	CHECK_EQ(errno, ENOSPC);
	CHECK_OK(statfs("m", &st));
	CHECK_EQ(st.f_ffree, 0);
	CHECK_ERR(symlink("x", name), ENOSPC);
	while (made-- > 0) {
		snprintf(name, sizeof(name), "m/f%d", made);
		CHECK_OK(unlink(name));
	}
	CHECK_OK(statfs("m", &st));
	CHECK_GE(st.f_ffree, 20);
	scratch_unmount();
}

TEST(disk, read_only, .root = true)
{
	struct stat st;

	scratch_mount(MS_RDONLY);
	CHECK_ERR(open("m/new", O_WRONLY | O_CREAT, 0600), EROFS);
	CHECK_ERR(open("m/ut-scratch", O_RDWR), EROFS);
	CHECK_OK(open("m/ut-scratch", O_RDONLY));
	CHECK_ERR(mkdir("m/d", 0700), EROFS);
	CHECK_ERR(unlink("m/ut-scratch"), EROFS);
	CHECK_ERR(rename("m/ut-scratch", "m/x"), EROFS);
	CHECK_ERR(symlink("x", "m/l"), EROFS);
	CHECK_ERR(link("m/ut-scratch", "m/l"), EROFS);
	CHECK_ERR(chmod("m/ut-scratch", 0777), EROFS);
	CHECK_ERR(truncate("m/ut-scratch", 0), EROFS);
	CHECK_ERR(utimensat(AT_FDCWD, "m/ut-scratch", NULL, 0), EROFS);
	CHECK_ERR(access("m/ut-scratch", W_OK), EROFS);
	CHECK_OK(stat("m/ut-scratch", &st));
	CHECK_ERR(umount2("m", 0), EBUSY);
	for (int fd = 3; fd < 20; fd++)
		close(fd);
	scratch_unmount();
}

TEST(disk, busy, .root = true)
{
	scratch_mount(0);
	int fd = (int)CHECK_OK(open("m/ut-scratch", O_RDONLY));
	CHECK_ERR(umount2("m", 0), EBUSY);
	CHECK_OK(close(fd));
	CHECK_OK(chdir("m"));
	CHECK_ERR(umount2("../m", 0), EBUSY);
	CHECK_OK(chdir(".."));
	/* Across the border of a volume. */
	file_make("here", "x", 1);
	CHECK_ERR(rename("here", "m/there"), EXDEV);
	CHECK_ERR(link("here", "m/there"), EXDEV);
	scratch_unmount();
}

TEST(disk, detach_while_busy, .root = true)
{
	char buf[16];

	scratch_mount(0);
	file_make("m/open", "still here", 10);
	int fd = (int)CHECK_OK(open("m/open", O_RDWR));
	CHECK_OK(umount2("m", MNT_DETACH));
	CHECK_ERR(access("m/open", F_OK), ENOENT);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 10);
	CHECK_EQ(write(fd, "!", 1), 1);
	CHECK_OK(close(fd));
	scratch_mount(0);
	CHECK_EQ(file_text("m/open", buf, sizeof(buf)), 11);
	CHECK_OK(unlink("m/open"));
	scratch_unmount();
}
