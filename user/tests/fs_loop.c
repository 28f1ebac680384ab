/*
 * fs: block devices as files: loop devices, sizes and other ioctls.
 */
#include <linux/fs.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

#include "user/tests/ut.h"

/* A free loop device, open; its name in buf. */
static int loop_open(char *buf, size_t size)
{
	int control = open("/dev/loop-control", O_RDWR);
	long n;

	if (control < 0)
		SKIP("no loop devices");
	n = CHECK_OK(ioctl(control, LOOP_CTL_GET_FREE));
	snprintf(buf, size, "/dev/loop%ld", n);
	CHECK_OK(close(control));
	return (int)CHECK_OK(open(buf, O_RDWR));
}

static int backing_file(size_t size)
{
	file_pattern("f", size, 1);
	return (int)CHECK_OK(open("f", O_RDWR));
}

#define DOOR "/proc/sys/debug/fail_block" /* of a debug kernel */

/* All transfers of the device fail, or none. */
static void device_fail(const char *device, bool fails)
{
	int fd = (int)CHECK_OK(open(DOOR, O_WRONLY));

	CHECK(dprintf(fd, "%s:%s", device + strlen("/dev/"), fails ? "1-1" : "0") > 0);
	CHECK_OK(close(fd));
}

static uint64_t device_size(int fd)
{
	uint64_t size;

	CHECK_OK(ioctl(fd, BLKGETSIZE64, &size));
	return size;
}

TEST(fs, loop_data, .root = true, .no_leak_check = true)
{
	char name[40];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(100 * 1024 + 100), sector;
	unsigned char buf[8192];
	unsigned long sectors;

	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	CHECK_EQ(device_size(loop), 100 * 1024);
	CHECK_OK(ioctl(loop, BLKGETSIZE, &sectors));
	CHECK_EQ(sectors, 200);
	CHECK_OK(ioctl(loop, BLKSSZGET, &sector));
	CHECK_EQ(sector, 512);
	CHECK_EQ(pread(loop, buf, sizeof(buf), 5000), sizeof(buf));
	pattern_check(buf, sizeof(buf), 1, 5000);
	memset(buf, 'x', 1000);
	CHECK_EQ(pwrite(loop, buf, 1000, 3000), 1000);
	CHECK_OK(fsync(loop));
	CHECK_EQ(pread(fd, buf, sizeof(buf), 0), sizeof(buf));
	pattern_check(buf, 3000, 1, 0);
	CHECK_EQ(buf[3000], 'x');
	CHECK_EQ(buf[3999], 'x');
	pattern_check(buf + 4000, 4192, 1, 4000);
	CHECK_EQ(lseek(loop, 0, SEEK_END), 100 * 1024);
	CHECK_ERR(write(loop, "x", 1), ENOSPC);
	CHECK_EQ(read(loop, buf, 1), 0);
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_ERR(ioctl(loop, LOOP_CLR_FD), ENXIO);
	CHECK_OK(close(loop));
}

TEST(fs, loop_status, .root = true, .no_leak_check = true)
{
	struct loop_config config = {
		.block_size = 1024, .info = {.lo_offset = 4096, .lo_sizelimit = 8192}};
	struct loop_info64 info;
	char name[40];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(64 * 1024), ro, sector;
	unsigned char buf[512];

	CHECK_ERR(ioctl(loop, LOOP_GET_STATUS64, &info), ENXIO);
	config.fd = 9999;
	CHECK_ERR(ioctl(loop, LOOP_CONFIGURE, &config), EBADF);
	CHECK_ERR(ioctl(loop, LOOP_SET_FD, 9999), EBADF);
	config.fd = (unsigned)fd;
	config.info.lo_flags = LO_FLAGS_READ_ONLY;
	strcpy((char *)config.info.lo_file_name, "some/name");
	CHECK_OK(ioctl(loop, LOOP_CONFIGURE, &config));
	CHECK_ERR(ioctl(loop, LOOP_CONFIGURE, &config), EBUSY);
	CHECK_OK(ioctl(loop, BLKSSZGET, &sector));
	CHECK_EQ(sector, 1024);
	CHECK_EQ(device_size(loop), 8192);
	CHECK_OK(ioctl(loop, BLKROGET, &ro));
	CHECK_EQ(ro, 1);
	CHECK_ERR(pwrite(loop, buf, 512, 0), EPERM);
	CHECK_EQ(pread(loop, buf, 512, 512), 512);
	pattern_check(buf, 512, 1, 4096 + 512);
	CHECK_OK(ioctl(loop, LOOP_GET_STATUS64, &info));
	CHECK_EQ(info.lo_offset, 4096);
	CHECK_EQ(info.lo_sizelimit, 8192);
	CHECK_EQ(info.lo_flags & LO_FLAGS_READ_ONLY, LO_FLAGS_READ_ONLY);
	CHECK_STR((char *)info.lo_file_name, "some/name");
	info.lo_offset = 8192;
	info.lo_sizelimit = 0;
	CHECK_OK(ioctl(loop, LOOP_SET_STATUS64, &info));
	CHECK_EQ(device_size(loop), 56 * 1024);
	CHECK_OK(ftruncate(fd, 128 * 1024));
	CHECK_EQ(device_size(loop), 56 * 1024);
	CHECK_OK(ioctl(loop, LOOP_SET_CAPACITY, 0));
	CHECK_EQ(device_size(loop), 120 * 1024);
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
}

/* BLKFLSBUF writes what is dirty, and forgets all that is cached. */
TEST(fs, loop_flush_cache, .root = true, .no_leak_check = true)
{
	int loop, fd = backing_file(64 * 1024);
	unsigned char buf[64 * 1024];
	char name[40];
	pid_t pid;

	loop = loop_open(name, sizeof(name));
	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	CHECK_EQ(pread(loop, buf, sizeof(buf), 0), sizeof(buf));
	memset(buf, 'x', 4096);
	CHECK_EQ(pwrite(loop, buf, 4096, 8192), 4096);
	CHECK_EQ(cached_pages(loop, 16), 16);
	CHECK_OK(ioctl(loop, BLKFLSBUF, 0));
	CHECK_EQ(cached_pages(loop, 16), 0);
	CHECK_EQ(pread(fd, buf + 4096, 4096, 8192), 4096);
	CHECK(memcmp(buf, buf + 4096, 4096) == 0);
	CHECK_EQ(pread(loop, buf + 4096, 4096, 8192), 4096);
	CHECK(memcmp(buf, buf + 4096, 4096) == 0);
	pid = child();
	if (!pid) {
		become_user();
		CHECK_ERR(ioctl(loop, BLKFLSBUF, 0), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
	CHECK_OK(close(fd));
}

/* A device that is to clear itself does so with its last descriptor. */
TEST(fs, loop_autoclear, .root = true, .no_leak_check = true)
{
	struct loop_config config = {.info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
	char name[40];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(64 * 1024), second;
	struct loop_info64 info;

	config.fd = (unsigned)fd;
	CHECK_OK(ioctl(loop, LOOP_CONFIGURE, &config));
	second = (int)CHECK_OK(open(name, O_RDWR));
	CHECK_OK(close(loop));
	CHECK_OK(ioctl(second, LOOP_GET_STATUS64, &info));
	CHECK_EQ(pwrite(second, "late", 4, 0), 4);
	CHECK_OK(close(second));
	loop = (int)CHECK_OK(open(name, O_RDONLY));
	CHECK_ERR(ioctl(loop, LOOP_GET_STATUS64, &info), ENXIO);
	CHECK_EQ(pread(fd, &info, 4, 0), 4);
	CHECK(!memcmp(&info, "late", 4));
	CHECK_ERR(ioctl(fd, LOOP_GET_STATUS64, &info), ENOTTY);
}

/* --- partitions --- */

#define TABLE 446 /* where a disk's first sector lists four */

/* Write the table of a disk of 512-byte sectors: `count` partitions of 64 sectors, one by one. */
static void table_write(int fd, int count)
{
	unsigned char sector[512] = {[440] = 0x39, [510] = 0x55, [511] = 0xaa};

	for (int i = 0; i < count; i++) {
		unsigned char *entry = sector + TABLE + 16 * i;

		entry[4] = 0x83;
		entry[8] = (unsigned char)(64 * (i + 1));
		entry[12] = 64;
	}
	CHECK_EQ(pwrite(fd, sector, sizeof(sector), 0), sizeof(sector));
}

static int config_set(int loop, int fd, unsigned flags)
{
	struct loop_config config = {.fd = (unsigned)fd, .info = {.lo_flags = flags}};

	return ioctl(loop, LOOP_CONFIGURE, &config);
}

static bool exists(const char *device, int part)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%sp%d", device, part);
	return stat(path, &st) == 0;
}

static int part_open(const char *device, int part)
{
	char path[64];

	snprintf(path, sizeof(path), "%sp%d", device, part);
	return open(path, O_RDWR);
}

TEST(fs, loop_partitions, .root = true, .no_leak_check = true)
{
	char name[40];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(128 * 1024), part;
	unsigned char buf[512];
	struct loop_info64 info;

	table_write(fd, 2);
	CHECK_OK(config_set(loop, fd, LO_FLAGS_PARTSCAN));
	CHECK_OK(ioctl(loop, LOOP_GET_STATUS64, &info));
	CHECK_EQ(info.lo_flags, LO_FLAGS_PARTSCAN);
	CHECK(exists(name, 1) && exists(name, 2) && !exists(name, 3));
	part = (int)CHECK_OK(part_open(name, 2));
	CHECK_EQ(device_size(part), 32 * 1024);
	CHECK_EQ(pread(part, buf, sizeof(buf), 1024), sizeof(buf));
	pattern_check(buf, sizeof(buf), 1, 64 * 1024 + 1024);
	CHECK_EQ(pwrite(part, "mark", 4, 512), 4);
	CHECK_OK(fsync(part));
	CHECK_EQ(pread(fd, buf, 4, 64 * 1024 + 512), 4);
	CHECK(!memcmp(buf, "mark", 4));
	/* Nothing changes under who has one open. */
	CHECK_ERR(ioctl(part, BLKRRPART), EINVAL);
	CHECK_ERR(ioctl(loop, BLKRRPART), EBUSY);
	CHECK_OK(close(part));
	table_write(loop, 1);
	CHECK_OK(ioctl(loop, BLKRRPART));
	CHECK(exists(name, 1) && !exists(name, 2));
	CHECK_ERR(part_open(name, 2), ENOENT);
	table_write(loop, 3);
	CHECK_OK(ioctl(loop, BLKRRPART));
	CHECK(exists(name, 2) && exists(name, 3));
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
	loop = (int)CHECK_OK(open(name, O_RDWR));
	CHECK(!exists(name, 1));
	CHECK_OK(close(loop));
}

/* Partitions are for those who ask; a device with one open stays until that is closed. */
TEST(fs, loop_partitions_asked, .root = true, .no_leak_check = true)
{
	char name[40];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(128 * 1024), part;
	struct loop_info64 info;

	table_write(fd, 1);
	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	CHECK(!exists(name, 1));
	CHECK_ERR(ioctl(loop, BLKRRPART), EINVAL);
	CHECK_OK(ioctl(loop, LOOP_GET_STATUS64, &info));
	info.lo_flags = LO_FLAGS_PARTSCAN;
	CHECK_OK(ioctl(loop, LOOP_SET_STATUS64, &info));
	CHECK(exists(name, 1));
	CHECK_OK(ioctl(loop, BLKRRPART));
	part = (int)CHECK_OK(part_open(name, 1));
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(ioctl(loop, LOOP_GET_STATUS64, &info));
	CHECK(info.lo_flags & LO_FLAGS_AUTOCLEAR);
	CHECK_EQ(pwrite(part, "late", 4, 0), 4);
	CHECK_OK(close(loop));
	CHECK_OK(close(part));
	loop = (int)CHECK_OK(open(name, O_RDONLY));
	CHECK_ERR(ioctl(loop, LOOP_GET_STATUS64, &info), ENXIO);
	CHECK_OK(close(loop));
	CHECK(!exists(name, 1));
	CHECK_EQ(pread(fd, &info, 4, 32 * 1024), 4);
	CHECK(!memcmp(&info, "late", 4));
}

/* What could not be written is an error of the next fsync of each open file, once. */
TEST(fs, loop_write_error, .root = true, .no_leak_check = true)
{
	char name[40];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(64 * 1024), second, late;
	char buf[512];

	if (access(DOOR, W_OK))
		SKIP("the kernel cannot be made to fail transfers");
	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	second = (int)CHECK_OK(open(name, O_RDWR));
	CHECK_EQ(pread(loop, buf, sizeof(buf), 8192), sizeof(buf));
	CHECK_EQ(pwrite(loop, "lost", 4, 8192), 4);
	device_fail(name, true);
	CHECK_ERR(fsync(loop), EIO);
	device_fail(name, false);
	late = (int)CHECK_OK(open(name, O_RDWR));
	CHECK_OK(fsync(late));
	CHECK_OK(fsync(loop));
	CHECK_ERR(fdatasync(second), EIO);
	CHECK_OK(fsync(second));
	CHECK_OK(close(late));
	CHECK_OK(close(second));
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
}

/* A volume whose blocks are smaller than what the device can write is none for it. */
TEST(fs, loop_small_blocks, .root = true, .no_leak_check = true)
{
	int disk = open("/dev/vdb", O_RDONLY), fd, loop;
	static char buf[65536];
	char name[40];
	ssize_t n;

	if (disk < 0 || pread(disk, buf, 2048, 0) != 2048 || buf[1080] != 0x53 || buf[1048])
		SKIP("no scratch disk with a volume of blocks of 1 KiB");
	fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	while ((n = read(disk, buf, sizeof(buf))) > 0)
		write_full(fd, buf, (size_t)n);
	CHECK_OK(close(disk));
	CHECK_OK(mkdir("m", 0700));
	loop = loop_open(name, sizeof(name));
	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	CHECK_OK(ioctl(loop, LOOP_SET_BLOCK_SIZE, 4096));
	CHECK_ERR(mount(name, "m", "ext2", MS_RDONLY, NULL), EINVAL);
	CHECK_OK(ioctl(loop, LOOP_SET_BLOCK_SIZE, 1024));
	CHECK_OK(mount(name, "m", "ext2", MS_RDONLY, NULL));
	CHECK_OK(umount("m"));
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
	CHECK_OK(close(fd));
}

/* --- the older structure, direct I/O, another file --- */

/* A file of the device's directory in /sys, or "" where there is none. */
static const char *sys_text(const char *device, const char *file)
{
	static char text[256];
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/block/%s/%s", device + strlen("/dev/"), file);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return "";
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n - 1 : 0] = '\0';
	CHECK_OK(close(fd));
	return text;
}

TEST(fs, loop_status_old, .root = true, .no_leak_check = true)
{
	struct loop_info info = {.lo_name = "f", .lo_flags = 0x1f}, got;
	char name[40];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(64 * 1024);

	CHECK_ERR(ioctl(loop, LOOP_GET_STATUS, &got), ENXIO);
	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	CHECK_STR(sys_text(name, "loop/autoclear"), "0");
	CHECK_STR(sys_text(name, "loop/partscan"), "0");
	/* Flags that cannot be set this way are no error. */
	CHECK_OK(ioctl(loop, LOOP_SET_STATUS, &info));
	CHECK_OK(ioctl(loop, LOOP_GET_STATUS, &got));
	CHECK_EQ(got.lo_flags, LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN);
	CHECK_STR(got.lo_name, "f");
	CHECK_STR(sys_text(name, "loop/autoclear"), "1");
	CHECK_STR(sys_text(name, "loop/partscan"), "1");
	memset(&info, 0, sizeof(info));
	info.lo_offset = 512;
	CHECK_OK(ioctl(loop, LOOP_SET_STATUS, &info));
	CHECK_OK(ioctl(loop, LOOP_GET_STATUS, &got));
	CHECK_EQ(got.lo_flags, LO_FLAGS_PARTSCAN);
	CHECK_EQ(got.lo_offset, 512);
	CHECK_STR(sys_text(name, "loop/offset"), "512");
	CHECK_EQ(device_size(loop), 63 * 1024 + 512);
	/* Nothing is encrypted any more. */
	info.lo_encrypt_type = 1;
	CHECK_OK(ioctl(loop, LOOP_SET_STATUS, &info));
	CHECK_ERR(ioctl(loop, LOOP_SET_STATUS, NULL), EFAULT);
	CHECK_ERR(ioctl(loop, LOOP_GET_STATUS, NULL), EINVAL);
	CHECK_ERR(ioctl(loop, LOOP_GET_STATUS64, NULL), EINVAL);
	CHECK_ERR(ioctl(loop, 0x4cff, NULL), EINVAL);
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
}

/* The path of the file with this name in the working directory. */
static const char *path_here(const char *name)
{
	static char path[PATH_MAX + 8];

	CHECK(getcwd(path, PATH_MAX) != NULL);
	strcat(strcat(path, "/"), name);
	return path;
}

TEST(fs, loop_change_file, .root = true, .no_leak_check = true)
{
	struct loop_config config = {.info = {.lo_flags = LO_FLAGS_READ_ONLY}};
	char name[40], buf[512];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(64 * 1024), other, small;

	CHECK_STR(sys_text(name, "loop/backing_file"), "");
	other = (int)CHECK_OK(open("other", O_RDWR | O_CREAT, 0600));
	CHECK_OK(ftruncate(other, 64 * 1024));
	CHECK_EQ(pwrite(other, "other", 5, 0), 5);
	small = (int)CHECK_OK(open("small", O_RDWR | O_CREAT, 0600));
	CHECK_OK(ftruncate(small, 32 * 1024));
	CHECK_ERR(ioctl(loop, LOOP_CHANGE_FD, other), ENXIO);
	config.fd = (unsigned)-1;
	CHECK_ERR(ioctl(loop, LOOP_CONFIGURE, &config), EBADF);
	config.fd = (unsigned)fd;
	CHECK_OK(ioctl(loop, LOOP_CONFIGURE, &config));
	CHECK_STR(sys_text(name, "ro"), "1");
	CHECK_STR(sys_text(name, "loop/backing_file"), path_here("f"));
	CHECK_ERR(write(loop, "x", 1), EPERM);
	CHECK_ERR(ioctl(loop, LOOP_CHANGE_FD, small), EINVAL);
	CHECK_ERR(ioctl(loop, LOOP_CHANGE_FD, -1), EBADF);
	CHECK_OK(ioctl(loop, LOOP_CHANGE_FD, other));
	CHECK_STR(sys_text(name, "loop/backing_file"), path_here("other"));
	CHECK_EQ(pread(loop, buf, sizeof(buf), 0), sizeof(buf));
	CHECK(!memcmp(buf, "other", 5));
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
	loop = (int)CHECK_OK(open(name, O_RDWR));
	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	CHECK_STR(sys_text(name, "ro"), "0");
	CHECK_ERR(ioctl(loop, LOOP_CHANGE_FD, other), EINVAL);
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
}

/* Loop devices stand on one another, but in no circle, and not on one that has no file. */
TEST(fs, loop_circle, .root = true, .no_leak_check = true)
{
	struct loop_config config = {.info = {.lo_flags = LO_FLAGS_READ_ONLY}};
	int fd = backing_file(64 * 1024), low, high;
	char name[2][40];

	config.fd = (unsigned)fd;
	low = loop_open(name[0], sizeof(name[0]));
	CHECK_ERR(ioctl(low, LOOP_SET_FD, low), EBADF);
	CHECK_OK(ioctl(low, LOOP_CONFIGURE, &config));
	high = loop_open(name[1], sizeof(name[1]));
	config.fd = (unsigned)low;
	CHECK_OK(ioctl(high, LOOP_CONFIGURE, &config));
	CHECK_ERR(ioctl(low, LOOP_CHANGE_FD, low), EBADF);
	CHECK_ERR(ioctl(low, LOOP_CHANGE_FD, high), EBADF);
	CHECK_OK(ioctl(high, LOOP_CLR_FD));
	CHECK_OK(close(high));
	CHECK_OK(ioctl(low, LOOP_CLR_FD));
	CHECK_OK(close(low));
	low = (int)CHECK_OK(open(name[0], O_RDWR));
	high = (int)CHECK_OK(open(name[1], O_RDWR));
	CHECK_ERR(ioctl(high, LOOP_SET_FD, low), EINVAL);
	CHECK_OK(close(high));
	CHECK_OK(close(low));
	CHECK_OK(close(fd));
}

TEST(fs, loop_direct, .root = true, .no_leak_check = true)
{
	struct loop_info64 info;
	char name[40], buf[8192];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(64 * 1024);

	CHECK_ERR(ioctl(loop, LOOP_SET_DIRECT_IO, 1), ENXIO);
	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	CHECK_STR(sys_text(name, "loop/dio"), "0");
	CHECK_OK(ioctl(loop, LOOP_SET_DIRECT_IO, 1));
	CHECK_STR(sys_text(name, "loop/dio"), "1");
	CHECK_OK(ioctl(loop, LOOP_GET_STATUS64, &info));
	CHECK_EQ(info.lo_flags, LO_FLAGS_DIRECT_IO);
	CHECK_EQ(pread(loop, buf, sizeof(buf), 4096), sizeof(buf));
	pattern_check((unsigned char *)buf, sizeof(buf), 1, 4096);
	memset(buf, 'd', sizeof(buf));
	CHECK_EQ(pwrite(loop, buf, sizeof(buf), 8192), sizeof(buf));
	CHECK_OK(fsync(loop));
	CHECK_EQ(pread(fd, buf, 1, 8192), 1);
	CHECK_EQ(buf[0], 'd');
	CHECK_OK(ioctl(loop, LOOP_SET_DIRECT_IO, 0));
	CHECK_STR(sys_text(name, "loop/dio"), "0");
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
}

/* --- what is asked of any block device --- */

TEST(fs, loop_set_readonly, .root = true, .no_leak_check = true)
{
	char name[40];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(64 * 1024), ro = 1;

	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	CHECK_ERR(ioctl(loop, BLKROSET, NULL), EFAULT);
	CHECK_OK(ioctl(loop, BLKROSET, &ro));
	ro = 0;
	CHECK_OK(ioctl(loop, BLKROGET, &ro));
	CHECK_EQ(ro, 1);
	CHECK_STR(sys_text(name, "ro"), "1");
	CHECK_ERR(write(loop, "x", 1), EPERM);
	ro = 0;
	CHECK_OK(ioctl(loop, BLKROSET, &ro));
	CHECK_OK(ioctl(loop, BLKROGET, &ro));
	CHECK_EQ(ro, 0);
	CHECK_EQ(write(loop, "x", 1), 1);
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
}

TEST(fs, loop_read_ahead, .root = true, .no_leak_check = true)
{
	char name[40], kb[24];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(64 * 1024);
	unsigned long was, now;

	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	CHECK_OK(ioctl(loop, BLKRAGET, &was));
	for (unsigned long n = 0; n <= 512; n += 64) {
		CHECK_OK(ioctl(loop, BLKRASET, n));
		CHECK_OK(ioctl(loop, BLKRAGET, &now));
		CHECK_EQ(now, n);
		snprintf(kb, sizeof(kb), "%lu", n / 2);
		CHECK_STR(sys_text(name, "queue/read_ahead_kb"), kb);
		CHECK_EQ(read(loop, kb, sizeof(kb)), sizeof(kb));
	}
	CHECK_OK(ioctl(loop, BLKRASET, was));
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
}

/* Sectors written, as /sys/block/NAME/stat counts them. */
static unsigned long sectors_written(const char *device)
{
	unsigned long n, ticks;

	CHECK_EQ(sscanf(sys_text(device, "stat"), "%*s %*s %*s %*s %*s %*s %lu %*s %*s %lu", &n,
			&ticks), 2);
	return n;
}

TEST(fs, loop_stat, .root = true, .no_leak_check = true)
{
	static char data[256 * 1024];
	char name[40];
	int loop = loop_open(name, sizeof(name)), fd = backing_file(sizeof(data));
	unsigned long was;

	CHECK_OK(ioctl(loop, LOOP_SET_FD, fd));
	was = sectors_written(name);
	CHECK_EQ(write(loop, data, sizeof(data)), sizeof(data));
	CHECK_OK(fsync(loop));
	CHECK_GE(sectors_written(name) - was, sizeof(data) / 512);
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
}
