/* drivers/block/parttable.c on tables that sfdisk wrote, and on damaged ones. */
#include "tests/host/test.h"

#include <string.h>

#include "drivers/block/parttable.h"
#include "kernel/uapi/errno.h"
#include "lib/bits.h"
#include "lib/crc.h"
#include "lib/endian.h"
#include "tests/host/files.h"

static uint8_t *image;
static size_t image_size;
static uint64_t bad_sector; /* reading it fails; 0: none does */
static struct partition table[PARTITIONS_MAX];
static struct partition_disk disk;

static int image_read(struct partition_disk *d, uint64_t sector, void *buf)
{
	(void)d;
	if (sector >= image_size / 512)
		fail_msg("read of sector %lu beyond the disk", (unsigned long)sector);
	if (bad_sector && sector == bad_sector)
		return -EIO;
	memcpy(buf, image + sector * 512, 512);
	return 0;
}

static void load(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "disks/%s.img", name);
	free(image);
	image = file_load(file_beside(path), &image_size);
	assert_non_null(image);
	bad_sector = 0;
	disk = (struct partition_disk){
		.sectors = image_size / 512, .block_size = 512, .read = image_read};
}

static int unload(void **state)
{
	(void)state;
	free(image);
	image = NULL;
	return 0;
}

static void expect(int i, uint32_t number, uint64_t start, uint64_t sectors, const char *uuid)
{
	assert_int_equal(table[i].number, number);
	assert_int_equal(table[i].start, start);
	assert_int_equal(table[i].sectors, sectors);
	assert_string_equal(table[i].uuid, uuid);
}

static void expect_gpt(void)
{
	assert_int_equal(partitions_parse(&disk, table), 3);
	expect(0, 1, 34, 30, "01234567-89ab-cdef-0123-456789abcdef");
	expect(1, 2, 2048, 2048, "11111111-2222-3333-4444-555555555555");
	expect(2, 5, 4096, 4000, "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee");
}

static void test_gpt(void **state)
{
	(void)state;
	load("gpt");
	expect_gpt();
	assert_null(disk.note);
}

/* Any byte of the primary header or its entries is wrong: the backup counts, with a note. */
static void test_gpt_backup(void **state)
{
	static const unsigned spots[] = {512, 512 + 16, 512 + 24, 512 + 80, 1024, 1024 + 40, 2000};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(spots); i++) {
		load("gpt");
		image[spots[i]] ^= 1;
		expect_gpt();
		assert_string_equal(disk.note, "the primary GPT is damaged: using the backup");
	}
	load("gpt");
	bad_sector = 1;
	expect_gpt();
	assert_non_null(disk.note);
	image[image_size - 512] ^= 1;
	assert_int_equal(partitions_parse(&disk, table), 0);
	assert_string_equal(disk.note, "both copies of the GPT are damaged");
	load("gpt");
	bad_sector = 1;
	memset(image + image_size - 512, 0, 512);
	disk.sectors--; /* the backup is not where it should be */
	assert_int_equal(partitions_parse(&disk, table), 0);
}

/* Writes a header that is right but for one field. */
static void gpt_set(unsigned offset, uint64_t value, unsigned bytes)
{
	uint8_t *h = image + 512;

	if (bytes == 8)
		store_le64(h + offset, value);
	else
		store_le32(h + offset, (uint32_t)value);
	store_le32(h + 16, 0);
	store_le32(h + 16, crc32(0, h, MIN(load_le32(h + 12), 512u)));
}

static void test_gpt_lies(void **state)
{
	static const struct {
		unsigned offset, bytes;
		uint64_t value;
	} lies[] = {
		{12, 4, 0},	     {12, 4, 513},	  {24, 8, 2},	      {40, 8, UINT64_MAX},
		{48, 8, UINT64_MAX}, {48, 8, 1u << 20},	  {72, 8, 0},	      {72, 8, UINT64_MAX},
		{72, 8, 16000},	     {80, 4, 0},	  {80, 4, UINT32_MAX}, {84, 4, 0},
		{84, 4, 64},	     {84, 4, 1024},	  {84, 4, 129},	      {84, 4, UINT32_MAX},
	};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(lies); i++) {
		load("gpt");
		gpt_set(lies[i].offset, lies[i].value, lies[i].bytes);
		expect_gpt();
		assert_non_null(disk.note);
	}
}

/* A partition outside of the usable blocks is left out; its neighbours stay. */
static void test_gpt_bad_entry(void **state)
{
	static const uint64_t wrong[][2] = {
		{4000, 2048}, {0, 100}, {2048, UINT64_MAX}, {UINT64_MAX, UINT64_MAX}, {33, 40}};

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		load("gpt");
		store_le64(image + 1024 + 128 + 32, wrong[i][0]);
		store_le64(image + 1024 + 128 + 40, wrong[i][1]);
		gpt_set(88, crc32(0, image + 1024, 128 * 128), 4);
		assert_int_equal(partitions_parse(&disk, table), 2);
		assert_int_equal(table[1].number, 5);
		assert_string_equal(disk.note, "a partition lies outside of the usable blocks");
	}
}

static void test_mbr(void **state)
{
	(void)state;
	load("mbr");
	assert_int_equal(partitions_parse(&disk, table), 5);
	expect(0, 1, 2048, 1024, "12345678-01");
	expect(1, 2, 4096, 2, "12345678-02"); /* the extended one */
	expect(2, 4, 16000, 384, "12345678-04");
	expect(3, 5, 6144, 1000, "12345678-05");
	expect(4, 6, 12288, 1000, "12345678-06");
	assert_null(disk.note);
}

static void test_mbr_damaged(void **state)
{
	(void)state;
	load("mbr");
	store_le32(image + 446 + 8, 1u << 30); /* begins behind the disk */
	assert_int_equal(partitions_parse(&disk, table), 4);
	assert_non_null(disk.note);
	load("mbr");
	store_le32(image + 446 + 48 + 12, UINT32_MAX); /* ends behind it */
	assert_int_equal(partitions_parse(&disk, table), 5);
	expect(2, 4, 16000, 16384 - 16000, "12345678-04");
	assert_non_null(disk.note);
	load("mbr");
	store_le32(image + 4096 * 512 + 446 + 16 + 8, 0); /* the chain bites its tail */
	assert_int_equal(partitions_parse(&disk, table), 4);
	load("mbr");
	bad_sector = 4096;
	assert_int_equal(partitions_parse(&disk, table), -EIO);
	load("mbr");
	image[510] = 0;
	assert_int_equal(partitions_parse(&disk, table), 0);
	bad_sector = 0;
}

static void test_no_table(void **state)
{
	(void)state;
	load("gpt");
	memset(image, 0, 512);
	assert_int_equal(partitions_parse(&disk, table), 0);
	assert_null(disk.note);
	memset(image, 0xff, 512);
	assert_int_equal(partitions_parse(&disk, table), 0);
	load("mbr");
	for (uint64_t sectors = 0; sectors < 40; sectors++) {
		disk.sectors = sectors;
		assert_true(partitions_parse(&disk, table) <= 5);
	}
	disk.sectors = 16384;
	disk.block_size = 0;
	assert_int_equal(partitions_parse(&disk, table), 0);
	disk.block_size = 8192;
	assert_int_equal(partitions_parse(&disk, table), 0);
}

/* What the interface promises, for any contents. */
static void test_damaged(void **state)
{
	uint64_t seed = 12;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		int n;

		if (round % 20 == 0)
			load(round % 40 ? "gpt" : "mbr");
		for (int i = 0; i < 3; i++)
			image[test_random(&seed) % 2048] = (uint8_t)test_random(&seed);
		image[510] = 0x55;
		image[511] = 0xaa;
		n = partitions_parse(&disk, table);
		assert_true(n >= 0 && n <= PARTITIONS_MAX);
		for (int i = 0; i < n; i++) {
			assert_true(table[i].sectors && table[i].start < disk.sectors);
			assert_true(table[i].sectors <= disk.sectors - table[i].start);
			assert_true(!i || table[i - 1].number < table[i].number);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_gpt, unload),
		cmocka_unit_test_teardown(test_gpt_backup, unload),
		cmocka_unit_test_teardown(test_gpt_lies, unload),
		cmocka_unit_test_teardown(test_gpt_bad_entry, unload),
		cmocka_unit_test_teardown(test_mbr, unload),
		cmocka_unit_test_teardown(test_mbr_damaged, unload),
		cmocka_unit_test_teardown(test_no_table, unload),
		cmocka_unit_test_teardown(test_damaged, unload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
