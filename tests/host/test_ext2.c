/*
 * The file system calls, the page cache and the block layer, whole, on a volume that mke2fs made:
 * random calls against a model, then e2fsck and debugfs judge what is on the disk.
 */
#include "tests/host/shim/kernel.h"
#include "tests/host/shim/sleep.h"

#include <sys/mman.h>
#include <unistd.h>

#include "drivers/block.h"
#include "fs/file.h"
#include "fs/procfs/procfs.h"
#include "kernel/main.h"
#include "kernel/mem/kmap.h"
#include "kernel/uapi/fcntl.h"
#include "kernel/uapi/mount.h"
#include "mm/init.h"
#include "mm/reclaim.h"
#include "tests/host/files.h"

#define FILES	 24
#define FILE_MAX 300000
#define WRITE_MAX 40000

/* The buffer of read and write: a place that a program could have. */
#define BUFFER ((uint8_t *)0x10000000)

long sys_openat(int64_t, uint64_t, uint64_t, uint64_t);
long sys_close(uint64_t);
long sys_pread64(uint64_t, uint64_t, uint64_t, uint64_t);
long sys_pwrite64(uint64_t, uint64_t, uint64_t, uint64_t);
long sys_ftruncate(uint64_t, uint64_t);
long sys_fallocate(uint64_t, uint64_t, uint64_t, uint64_t);
long sys_unlinkat(int64_t, uint64_t, uint64_t);
long sys_mount(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
long sys_mkdirat(int64_t, uint64_t, uint64_t);
long sys_linkat(int64_t, uint64_t, int64_t, uint64_t, uint64_t);
long sys_symlinkat(uint64_t, int64_t, uint64_t);
long sys_renameat2(int64_t, uint64_t, int64_t, uint64_t, uint64_t);

static struct model {
	bool exists;
	size_t size;
	uint8_t data[FILE_MAX];
} files[FILES];

static uint8_t *platter;
static size_t platter_size;
static struct blockdev disk;
static struct request *queued;
static uint64_t seed = 5;
static const char *image = "disks/ext2.img";

static int disk_start(struct blockdev *d, struct request *r)
{
	(void)d;
	if (queued)
		return -EBUSY;
	queued = r;
	return 0;
}

static bool disk_work(void)
{
	struct request *r = queued;
	struct request_iter it;
	struct bio_vec v;
	uint8_t *at;

	if (!r)
		return false;
	queued = NULL;
	at = platter + r->sector * SECTOR_SIZE;
	request_iter_init(&it, r);
	while (r->op != BIO_FLUSH && request_iter_next(&it, &v)) {
		assert_true(at + v.len <= platter + platter_size);
		if (r->op == BIO_READ)
			memcpy(phys_to_virt(v.pa), at, v.len);
		else
			memcpy(at, phys_to_virt(v.pa), v.len);
		at += v.len;
	}
	block_complete(&disk, r, 0);
	return true;
}



static const struct blockdev_ops disk_ops = {.start = disk_start};

/* There is nothing of processes to see here. */
void procfs_register(void)
{
}

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
	snprintf(name, 64, "/d%u/file%u%s", i % 3, i, i % 5 ? "" : "-with-a-rather-long-name");
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
	char copy[] = "/tmp/xv39-ext2-XXXXXX", out[64], path[100];
	int fd = mkstemp(copy);

	assert_int_equal(write(fd, platter, platter_size), platter_size);
	close(fd);
	snprintf(path, sizeof(path), "PATH=$PATH:/sbin; e2fsck -fn %s 2>&1", copy);
	if (system(path))
		fail_msg("e2fsck is not content");
	for (unsigned i = 0; i < FILES; i++) {
		size_t size;
		uint8_t *data;
		char command[300];

		snprintf(out, sizeof(out), "%s.out", copy);
		snprintf(command, sizeof(command),
			 "PATH=$PATH:/sbin; rm -f %s; debugfs -R 'dump %s %s' %s 2>/dev/null", out,
			 (char *)name_of(i), out, copy);
		assert_int_equal(system(command), 0);
		data = file_load(out, &size);
		assert_int_equal(data != NULL && size != 0, files[i].exists && files[i].size);
		if (data)
			assert_memory_equal(data, files[i].data, files[i].size);
		free(data);
		unlink(out);
	}
	unlink(copy);
}

/* Read-only for a while: all of it is on the disk, and e2fsck agrees. */
static void remount(void)
{
	const uint64_t root = (uint64_t)"/", none = (uint64_t)"none";

	assert_int_equal(sys_mount(none, root, none, MS_REMOUNT | MS_RDONLY, 0), 0);
	assert_int_equal(sys_openat(AT_FDCWD, (uint64_t)"/new", O_RDWR | O_CREAT, 0644), -EROFS);
	judge();
	assert_int_equal(sys_mount(none, root, none, MS_REMOUNT, 0), 0);
}

static void test_random_calls(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		char name[8];

		snprintf(name, sizeof(name), "/d%u", i);
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
	static const struct host_ram ram[] = {{.base = 0x80000000, .size = 32 * MiB}};

	(void)state;
	host_kernel_start();
	host_idle = disk_work;
	assert_ptr_equal(mmap(BUFFER, 1 << 20, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 BUFFER);
	host_ram_start(ram, 1);
	vma_init();
	aspace_init();
	pagecache_init();
	host_thread.cred = cred_alloc(0);
	platter = file_load(file_beside(image), &platter_size);
	assert_non_null(platter);
	disk = (struct blockdev){.sectors = platter_size / SECTOR_SIZE, .ops = &disk_ops};
	disk.limits = (struct block_limits){
		.max_vecs = 32, .max_sectors = 256, .max_vec_bytes = 65536};
	assert_int_equal(blockdev_register(&disk, "vd"), 0);
	vfs_init();
	assert_int_equal(vfs_mount_root(), 0);
	host_thread.files = fdtable_create();
	host_thread.fs = fscontext_create();
	return 0;
}

/* As test_ext3 it has a journal. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_calls),
	};

	if (argc && strstr(argv[0], "ext3"))
		image = "disks/ext3.img";
	return cmocka_run_group_tests(tests, group_setup, NULL);
}
