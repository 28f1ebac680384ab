/*
 * Recovery of journals that debugfs wrote, with each kind of tag and checksum: what e2fsck makes
 * of the same image is what we must make of it, and e2fsck must be content afterwards.
 */
#include "tests/host/shim/kernel.h"
#include "tests/host/shim/disk.h"

#include "lib/endian.h"
#include "tests/host/files.h"
#include "tests/host/tools.h"

#define SIZE (12u << 20)
#define MAGIC_FILE "\xc0\x3b\x39\x98"

/* A volume "image" with two files of known blocks: 2000..2009 and 2100..2109. */
static void image_make(unsigned block_size, const char *options)
{
	must(run("rm -rf image ref; mke2fs -q -b %u -N 64 %s image %uK",
		 block_size, options, SIZE / 1024));
	must(run("head -c %u /dev/zero | tr '\\0' a > a; head -c %u /dev/zero | tr '\\0' b > b; "
		 "(printf '" MAGIC_FILE "'; head -c %u /dev/zero | tr '\\0' c) > c; "
		 "debugfs -w -R 'write a file' image",
		 10 * block_size, 10 * block_size, 10 * block_size - 4));
}

/* The n-th block of the file. */
static unsigned file_block(unsigned n)
{
	return (unsigned)number_of("debugfs -R 'bmap file %u' image 2>/dev/null", n);
}

/* Mount, unmount, and compare with what e2fsck makes of it. */
static void compare(void)
{
	must(run("cp image ref; e2fsck -fy ref; s=$?; [ $s -le 1 ]"));
	disk_load("image");
	assert_int_equal(disk_mount(0), 0);
	assert_int_equal(disk_umount(), 0);
	image_store(host_disk.platter, SIZE, "image");
	must(run("e2fsck -fn image"));
	must(run("dumpe2fs -h image | grep -c needs_recovery | grep 0"));
	must(run("for i in image ref; do debugfs -R 'dump file out' $i && mv out $i.out; done; "
		 "cmp image.out ref.out"));
	host_kernel_check();
}

struct kind {
	unsigned block_size;
	const char *options, *open;
};

static void recover_kind(const struct kind *k)
{
	unsigned first, fifth;

	image_make(k->block_size, k->options);
	first = file_block(0);
	fifth = file_block(4);
	must(run("printf '%s\\njw -b %u,%u b\\njw -b %u c\\njc\\nq\\n' | debugfs -w -f - image",
		 k->open, first, fifth, first));
	must(run("dumpe2fs -h image | grep needs_recovery"));
	compare();
	must(run("head -c 4 image.out > head; printf '" MAGIC_FILE "' | cmp - head"));
	/* The next one begins where this one ended. */
	must(run("printf '%s\\njw -b %u a\\njc\\nq\\n' | debugfs -w -f - image", k->open, fifth));
	compare();
}

static void test_kinds(void **state)
{
	static const struct kind kinds[] = {
		{1024, "-j -J size=1", "jo"},
		{4096, "-j -J size=4", "jo"},
		{2048, "-j -J size=2 -O ^sparse_super,^resize_inode", "jo"},
		{1024, "-j -J size=1", "jo -c"}, /* a sum in the commit block */
		{1024, "-t ext4 -O ^metadata_csum,^64bit", "jo"},
		{1024, "-t ext4 -O metadata_csum,^64bit", "jo -c -v 2"},
		{4096, "-t ext4 -O metadata_csum,^64bit", "jo -c -v 3"},
		{1024, "-t ext4 -O metadata_csum,64bit", "jo -c -v 2"},
		{1024, "-t ext4 -O metadata_csum,64bit", "jo -c -v 3"},
		{4096, "-t ext4 -O ^metadata_csum,64bit", "jo"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		recover_kind(&kinds[i]);
}

/* A block that is revoked later keeps what it has; one that is logged after that does not. */
static void test_revoked(void **state)
{
	(void)state;
	image_make(1024, "-j -J size=1");
	must(run("printf 'jo\\njw -b %u,%u b\\njw -r %u,%u\\njw -b %u c\\njc\\nq\\n' | "
		 "debugfs -w -f - image",
		 file_block(0), file_block(3), file_block(0), file_block(3), file_block(3)));
	compare();
	must(run("head -c 3072 image.out | cmp -n 3072 - a; "
		 "tail -c +3073 image.out | cmp -n 4 - c"));
}

/* What has no commit block never happened. */
static void test_not_committed(void **state)
{
	(void)state;
	image_make(1024, "-j -J size=1");
	must(run("printf 'jo\\njw -b %u b\\njw -b %u -c c\\njc\\nq\\n' | debugfs -w -f - image",
		 file_block(0), file_block(1)));
	compare();
	must(run("tail -c +1025 image.out | cmp -n 1024 - a"));
}

/* tune2fs adds a journal to a volume that is in use by nobody. */
static void test_added_later(void **state)
{
	(void)state;
	image_make(1024, "");
	must(run("tune2fs -j -J size=1 image"));
	must(run("printf 'jo\\njw -b %u b\\njc\\nq\\n' | debugfs -w -f - image", file_block(7)));
	compare();
}

/* Where block n of the journal lies in the image. */
static size_t journal_block(unsigned n)
{
	return number_of("debugfs -R 'bmap <8> %u' image 2>/dev/null", n) * 1024;
}

/* A wrong sum in what was committed: nothing is written, and the volume is not mounted. */
static void test_damaged(void **state)
{
	static uint8_t before[SIZE];

	(void)state;
	for (unsigned n = 1; n <= 2; n++) {
		image_make(1024, "-t ext4 -O metadata_csum");
		must(run("printf 'jo -c -v 3\\njw -b %u b\\njw -b %u c\\njc\\nq\\n' | "
			 "debugfs -w -f - image",
			 file_block(0), file_block(1)));
		disk_load("image");
		host_disk.platter[journal_block(n) + 500] ^= 1;
		memcpy(before, host_disk.platter, SIZE);
		assert_int_equal(disk_mount(0), -EUCLEAN);
		assert_memory_equal(host_disk.platter, before, SIZE);
	}
	/* The commit block itself: it ends the log, and what was before it counts. */
	image_make(1024, "-t ext4 -O metadata_csum");
	must(run("printf 'jo -c -v 3\\njw -b %u b\\njw -b %u c\\njc\\nq\\n' | "
		 "debugfs -w -f - image",
		 file_block(0), file_block(1)));
	disk_load("image");
	host_disk.platter[journal_block(14) + 500] ^= 1;
	image_store(host_disk.platter, SIZE, "image");
	compare();
}

/* A superblock of the journal that cannot be: refused while the log is needed. */
static void test_bad_superblock(void **state)
{
	size_t at;

	(void)state;
	image_make(1024, "-j -J size=1");
	must(run("printf 'jo\\njw -b %u b\\njc\\nq\\n' | debugfs -w -f - image", file_block(0)));
	at = journal_block(0);
	for (unsigned field = 0; field < 7; field++) {
		disk_load("image");
		store_be32(host_disk.platter + at + 4 * field, 0x7fffffff);
		if (field == 2 || field == 6) /* type and sequence */
			continue;
		assert_int_equal(disk_mount(0), -EUCLEAN);
	}
	disk_load("image");
	store_be32(host_disk.platter + at + 0x28, 0x20);
	assert_int_equal(disk_mount(0), -EINVAL);
}

/* One orphan without a name, one that was to be cut short: freed and cut at mount. */
static void test_orphans(void **state)
{
	(void)state;
	image_make(1024, "-j -J size=1");
	must(run("debugfs -w -R 'write b cut' image"));
	must(run("printf 'unlink file\nsif <12> links_count 0\nsif <12> dtime 13\n"
		 "sif <13> size 1500\nssv last_orphan 12\nq\n' | debugfs -w -f - image"));
	disk_load("image");
	assert_int_equal(disk_mount(0), 0);
	assert_int_equal(disk_umount(), 0);
	image_store(host_disk.platter, SIZE, "image");
	must(run("e2fsck -fn image"));
	must(run("debugfs -R 'testi <12>' image | grep 'not in use'"));
	must(run("debugfs -R 'dump cut out' image; cmp -n 1500 b out && "
		 "[ $(wc -c < out) = 1500 ]"));
	must(run("debugfs -R 'stat cut' image | grep 'Blockcount: 4'"));
	host_kernel_check();
}

static int group_setup(void **state)
{
	(void)state;
	disk_kernel_start(SIZE);
	return tools_begin();
}

static int group_teardown(void **state)
{
	(void)state;
	return tools_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),	      cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_not_committed), cmocka_unit_test(test_added_later),
		cmocka_unit_test(test_damaged),	      cmocka_unit_test(test_bad_superblock),
		cmocka_unit_test(test_orphans),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
