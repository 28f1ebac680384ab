/*
 * The file system calls, the page cache and the block layer, whole, on a volume that mke2fs made:
 * random calls against a model, then e2fsck and debugfs judge what is on the disk.
 */
#include "tests/host/shim/kernel.h"
#include "tests/host/shim/disk.h"
#include "tests/host/shim/syscalls.h"

#include <unistd.h>

#include "kernel/main.h"
#include "kernel/uapi/fcntl.h"
#include "kernel/uapi/mount.h"
#include "mm/reclaim.h"
#include "tests/host/files.h"
#include "tests/host/tools.h"

#define FILES	 24
#define FILE_MAX 300000
#define WRITE_MAX 40000

static struct model {
	bool exists;
	size_t size;
	uint8_t data[FILE_MAX];
} files[FILES];

static uint64_t seed = 5;
static const char *image = "disks/ext2.img";

static unsigned pick(unsigned n)
{
	return (unsigned)(test_random(&seed) % n);
}

static uint64_t name_of(unsigned i)
{
	static char names[4][64];
	static unsigned turn;
	char *name = names[turn++ % 4];

	/* A few directories, some long names. */
	snprintf(name, 64, "/m/d%u/file%u%s", i % 3, i, i % 5 ? "" : "-with-a-rather-long-name");
	return (uint64_t)name;
}

static int open_file(unsigned i)
{
	long fd = sys_openat(AT_FDCWD, name_of(i), O_RDWR, 0);

	assert_int_equal(fd < 0, !files[i].exists);
	return (int)fd;
}

static void write_file(unsigned i)
{
	uint8_t *buf = BUFFER;
	struct model *m = &files[i];
	size_t len = pick(pick(4) ? 3000 : WRITE_MAX), at = pick(FILE_MAX - WRITE_MAX);
	long fd = sys_openat(AT_FDCWD, name_of(i), O_RDWR | O_CREAT, 0644), got;

	assert_true(fd >= 0);
	if (!m->exists) {
		m->exists = true;
		m->size = 0;
		memset(m->data, 0, sizeof(m->data));
	}
	if (pick(3))
		at = m->size < at ? m->size : at;
	for (size_t n = 0; n < len; n++)
		buf[n] = (uint8_t)test_random(&seed);
	got = sys_pwrite64((uint64_t)fd, (uint64_t)buf, len, at);
	assert_int_equal(got, len);
	memcpy(m->data + at, buf, len);
	if (len && at + len > m->size)
		m->size = at + len;
	assert_int_equal(sys_close((uint64_t)fd), 0);
}

static void read_file(unsigned i)
{
	uint8_t *buf = BUFFER;
	int fd = open_file(i);

	if (fd < 0)
		return;
	assert_int_equal(sys_pread64((uint64_t)fd, (uint64_t)buf, FILE_MAX + 10, 0), files[i].size);
	assert_memory_equal(buf, files[i].data, files[i].size);
	assert_int_equal(sys_close((uint64_t)fd), 0);
}

static void truncate_file(unsigned i)
{
	size_t size = pick(FILE_MAX);
	int fd = open_file(i);

	if (fd < 0)
		return;
	assert_int_equal(sys_ftruncate((uint64_t)fd, size), 0);
	if (size < files[i].size)
		memset(files[i].data + size, 0, files[i].size - size);
	files[i].size = size;
	assert_int_equal(sys_close((uint64_t)fd), 0);
}

static void punch_file(unsigned i)
{
	size_t from = pick(FILE_MAX), to = from + 1 + pick(pick(2) ? 5000 : 100000);
	int fd = open_file(i), mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (fd < 0)
		return;
	assert_int_equal(sys_fallocate((uint64_t)fd, (uint64_t)mode, from, to - from), 0);
	to = to < files[i].size ? to : files[i].size;
	if (from < to)
		memset(files[i].data + from, 0, to - from);
	assert_int_equal(sys_close((uint64_t)fd), 0);
}

static void rename_file(unsigned i, unsigned to)
{
	long err = sys_renameat2(AT_FDCWD, name_of(i), AT_FDCWD, name_of(to), 0);

	assert_int_equal(err, files[i].exists ? 0 : -ENOENT);
	if (err || i == to)
		return;
	files[to] = files[i];
	files[i].exists = false;
}

static void step(void)
{
	unsigned i = pick(FILES);

	switch (pick(13)) {
	case 0 ... 3:
		write_file(i);
		break;
	case 4:
		truncate_file(i);
		break;
	case 5 ... 6:
		assert_int_equal(sys_unlinkat(AT_FDCWD, name_of(i), 0),
				 files[i].exists ? 0 : -ENOENT);
		files[i].exists = false;
		break;
	case 7:
		rename_file(i, pick(FILES));
		break;
	case 8:
		punch_file(i);
		break;
	case 9:
		reclaim_frames(pick(200), false);
		break;
	default:
		read_file(i);
		break;
	}
}

/* The volume as it lies on the disk, in a file for the tools. */
static void judge(void)
{
	image_store(host_disk.platter, host_disk.size, "image");
	must(run("e2fsck -fn image"));
	for (unsigned i = 0; i < FILES; i++) {
		size_t size;
		uint8_t *data;

		/* As debugfs names it: without the /m in front. */
		must(run("rm -f out; debugfs -R 'dump %s out' image", (char *)name_of(i) + 2));
		data = file_load(tool_path("out"), &size);
		assert_int_equal(data != NULL && size != 0, files[i].exists && files[i].size);
		if (data)
			assert_memory_equal(data, files[i].data, files[i].size);
		free(data);
	}
}

/* Read-only for a while: all of it is on the disk, and e2fsck agrees. */
static void remount(void)
{
	const uint64_t root = (uint64_t)"/m", none = (uint64_t)"none";

	assert_int_equal(sys_mount(none, root, none, MS_REMOUNT | MS_RDONLY, 0), 0);
	assert_int_equal(sys_openat(AT_FDCWD, (uint64_t)"/m/new", O_RDWR | O_CREAT, 0644), -EROFS);
	judge();
	assert_int_equal(sys_mount(none, root, none, MS_REMOUNT, 0), 0);
}

static void test_random_calls(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		char name[8];

		snprintf(name, sizeof(name), "/m/d%u", i);
		assert_int_equal(sys_mkdirat(AT_FDCWD, (uint64_t)name, 0755), 0);
		assert_int_equal(sys_mkdirat(AT_FDCWD, (uint64_t)name, 0755), -EEXIST);
	}
	for (unsigned n = 0; n < 6000; n++) {
		step();
		if (n % 1500 == 1499)
			remount();
	}
	for (unsigned i = 0; i < FILES; i++)
		read_file(i);
	vfs_shutdown();
	judge();
	host_kernel_check();
}

static int group_setup(void **state)
{
	size_t size;
	uint8_t *data = file_load(file_beside(image), &size);

	(void)state;
	assert_non_null(data);
	disk_kernel_start(size);
	memcpy(host_disk.platter, data, size);
	free(data);
	assert_int_equal(disk_mount(0), 0);
	return tools_begin();
}

static int group_teardown(void **state)
{
	(void)state;
	return tools_end();
}

/* As test_ext3 it has a journal. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_calls),
	};

	if (argc && strstr(argv[0], "ext3"))
		image = "disks/ext3.img";
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
