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
#include "kernel/uapi/stat.h"
#include "kernel/uapi/statfs.h"
#include "mm/pagecache.h"
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

#define TURNS	12
#define GROWERS 4 /* of them; the others stop at: */
#define SOME	130 /* blocks */

/* Blocks of the volume that are free (also in *left), or that the files have. */
static uint64_t turns_blocks(const long *fds, uint64_t *left)
{
	struct statfs64 *fs = (struct statfs64 *)BUFFER;
	struct stat64 *st = (struct stat64 *)BUFFER;
	uint64_t n;

	assert_int_equal(sys_fstatfs((uint64_t)fds[0], (uint64_t)fs), 0);
	n = *left = fs->f_bfree;
	for (unsigned i = 0; i < TURNS; i++) {
		assert_int_equal(sys_fstat((uint64_t)fds[i], (uint64_t)st), 0);
		n += (uint64_t)st->st_blocks / 2;
	}
	return n;
}

/* Block `at` of file i, to or from it. */
static long turn_move(long fd, unsigned i, uint64_t at, bool out)
{
	uint8_t *buf = BUFFER;
	long n;

	if (!out)
		memset(buf, 0, 1024);
	for (unsigned k = 0; k < 1024 && out; k++)
		buf[k] = (uint8_t)(k + 7 * at + 31 * i);
	n = out ? sys_pwrite64((uint64_t)fd, (uint64_t)buf, 1024, at * 1024)
		: sys_pread64((uint64_t)fd, (uint64_t)buf, 1024, at * 1024);
	for (unsigned k = 0; k < 1024 && n == 1024; k++)
		assert_int_equal(buf[k], (uint8_t)(k + 7 * at + 31 * i));
	return n;
}

/* Between blocks that are appended: an end that moves back, a block written again, a commit. */
static void turn_disturb(const long *fds, uint64_t at)
{
	if (at % 300 == 200)
		assert_int_equal(sys_ftruncate((uint64_t)fds[1], (at + 1) * 1024 - 7), 0);
	if (at % 300 == 201)
		assert_int_equal(turn_move(fds[1], 1, at - 1, true), 1024);
	if (at == 90)
		assert_int_equal(sys_fsync((uint64_t)fds[2]), 0);
	/* Data alone, as the flusher does, which is not here. */
	if (at % 100 == 99)
		assert_int_equal(pagecache_sync_all(), 0);
}

/* Files that grow at the same time: each block is free or a file's, and in the end all are used. */
static void test_growing_in_turn(void **state)
{
	uint64_t all, left, rounds = 0;
	char names[TURNS][16];
	long fds[TURNS], n = 1024;

	(void)state;
	for (unsigned i = 0; i < TURNS; i++) {
		snprintf(names[i], sizeof(names[i]), "/m/turn%u", i);
		fds[i] = sys_openat(AT_FDCWD, (uint64_t)names[i], O_RDWR | O_CREAT, 0644);
		assert_true(fds[i] >= 0);
	}
	all = turns_blocks(fds, &left);
	for (; n == 1024; rounds++) {
		for (unsigned i = 0; i < (rounds < SOME ? TURNS : GROWERS) && n == 1024; i++)
			n = turn_move(fds[i], i, rounds, true);
		if (n == 1024)
			turn_disturb(fds, rounds);
		if (rounds % 32 == 5)
			assert_int_equal(turns_blocks(fds, &left), all);
	}
	assert_int_equal(n, -ENOSPC);
	assert_int_equal(turns_blocks(fds, &left), all);
	assert_true(rounds > 1000 && left < 4);
	for (unsigned i = 0; i < TURNS; i++) {
		for (uint64_t at = 0; at + 1 < (i < GROWERS ? rounds : SOME); at++)
			assert_int_equal(turn_move(fds[i], i, at, false), 1024);
		assert_int_equal(sys_close((uint64_t)fds[i]), 0);
	}
	remount();
	for (unsigned i = 0; i < TURNS; i++)
		assert_int_equal(sys_unlinkat(AT_FDCWD, (uint64_t)names[i], 0), 0);
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
		cmocka_unit_test(test_growing_in_turn),
		cmocka_unit_test(test_random_calls),
	};

	if (argc && strstr(argv[0], "ext3"))
		image = "disks/ext3.img";
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
