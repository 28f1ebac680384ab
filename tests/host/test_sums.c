/*
 * Checksums of metadata (metadata_csum): volumes of mke2fs are read whole; then one byte of one
 * structure is changed, such that nothing but its checksum tells, and it must be refused.
 */
#include "tests/host/shim/kernel.h"
#include "tests/host/shim/disk.h"
#include "tests/host/shim/syscalls.h"

#include "kernel/uapi/fcntl.h"
#include "tests/host/tools.h"

#define SIZE  (4u << 20)
#define BLOCK 1024
#define NAMES 400 /* in the directory with an index */

static uint8_t *sound;

/* A volume "image": a directory with an index, one without, a file with a tree of extents. */
static void image_make(const char *options, const char *then)
{
	must(run("rm -rf tree image; mkdir -p tree/many tree/few; echo text > tree/few/file; "
		 "for i in $(seq %u); do echo $i > tree/many/a-name-of-some-length-$i; done; "
		 "for i in 0 2 4 6 8 10; do "
		 "echo $i | dd of=tree/holes bs=4096 seek=$i conv=notrunc; done; "
		 "mke2fs -q -t ext4 -b %u -N 512 -O ^has_journal,metadata_csum%s -d tree "
		 "image %uK; "
		 "e2fsck -fyD image; [ $? -le 1 ]; %s",
		 NAMES, BLOCK, options, SIZE / 1024, then));
	must(run("debugfs -R 'stat /many' image | grep 'Flags: 0x81000'; "
		 "debugfs -R 'stat /holes' image | grep ETB0"));
	disk_load("image");
	memcpy(sound, host_disk.platter, SIZE);
}

/* A file's bytes in BUFFER, and how many; or all names of a directory; or -errno. */
static long read_file(const char *path)
{
	long fd = sys_openat(AT_FDCWD, (uint64_t)path, O_RDONLY, 0), n;

	if (fd < 0)
		return fd;
	n = sys_pread64((uint64_t)fd, (uint64_t)BUFFER, 100000, 0);
	if (n == -EISDIR) {
		do
			n = sys_getdents64((uint64_t)fd, (uint64_t)BUFFER, 4096);
		while (n > 0);
	}
	sys_close((uint64_t)fd);
	return n;
}

/* Every name and every byte. */
static void read_all(void)
{
	assert_int_equal(disk_mount(0), 0);
	for (unsigned i = 1; i <= NAMES; i++) {
		char path[60];

		snprintf(path, sizeof(path), "/m/many/a-name-of-some-length-%u", i);
		assert_true(read_file(path) > 0);
		assert_int_equal(strtoul((char *)BUFFER, NULL, 10), i);
	}
	assert_int_equal(read_file("/m/many/missing"), -ENOENT);
	assert_int_equal(read_file("/m/few/file"), 5);
	assert_true(read_file("/m/holes") > 40000);
	assert_int_equal(disk_umount(), 0);
}

static size_t inode_at(const char *path)
{
	unsigned long block = number_of("debugfs -R 'imap %s' image 2>/dev/null | "
					"sed -n 's/.*at block \\([0-9]*\\).*/\\1/p'", path);

	return block * BLOCK + number_of("debugfs -R 'imap %s' image 2>/dev/null | "
					 "sed -n 's/.*offset //p'", path);
}

static size_t block_at(const char *path, unsigned n)
{
	return number_of("debugfs -R 'bmap %s %u' image 2>/dev/null", path, n) * BLOCK;
}

/* With the byte changed the volume is refused, or else the file is. */
static void refused(size_t at, const char *path)
{
	long err;

	memcpy(host_disk.platter, sound, SIZE);
	host_disk.platter[at] ^= 0x40;
	err = disk_mount(0);
	if (path) {
		assert_int_equal(err, 0);
		/* Each time, not only the first. */
		assert_int_equal(read_file(path), -EBADMSG);
		err = read_file(path);
		assert_int_equal(disk_umount(), 0);
	}
	assert_int_equal(err, -EBADMSG);
}

static void try_all(const char *options, const char *then)
{
	image_make(options, then);
	read_all();
	refused(1024 + 120, NULL);		  /* the superblock: the volume's name */
	refused((size_t)2 * BLOCK + 28, NULL);	  /* group 0: its inodes never used */
	refused(inode_at("/few/file") + 8, "/m/few/file"); /* atime */
	refused(inode_at("/few") + 8, "/m/few/file");
	refused(block_at("/few", 0) + 7, "/m/few/file"); /* the kind of "." */
	refused(block_at("/many", 0) + 10, "/m/many/a-name-of-some-length-7"); /* padding */
	refused(block_at("/many", 3) + 7, "/m/many");
	refused(number_of("debugfs -R 'stat /holes' image 2>/dev/null | "
			  "sed -n 's/.*ETB0):\\([0-9]*\\).*/\\1/p'") * BLOCK + 8, "/m/holes");
}

static void test_wide(void **state)
{
	(void)state;
	try_all(",64bit", "true");
}

static void test_narrow(void **state)
{
	(void)state;
	try_all(",^64bit -I 128", "true");
}

/* The uuid changed afterwards: the sums begin with what it was. */
static void test_seed(void **state)
{
	(void)state;
	try_all(",64bit,metadata_csum_seed", "tune2fs -U 11111111-2222-3333-4444-555555555555 "
		"image; debugfs -R stats image | grep 11111111");
}

static int group_setup(void **state)
{
	(void)state;
	sound = malloc(SIZE);
	disk_kernel_start(SIZE);
	return tools_begin();
}

static int group_teardown(void **state)
{
	(void)state;
	free(sound);
	return tools_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_seed),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
