/* Partition tables: right ones, damaged ones, and ones made to lead astray. */
#include "tests/host/test.h"

#include <errno.h>
#include <string.h>

#include "drivers/block/parttable.h"
#include "lib/crc.h"
#include "lib/endian.h"

#define SECTORS 4096

static uint8_t bytes[SECTORS * 512];
static uint8_t *image(uint64_t sector)
{
	return bytes + sector * 512;
}

static struct partition table[PARTITIONS_MAX];
static uint64_t bad_sector; /* reading it fails; 0: none */

static int image_read(struct partition_disk *d, uint64_t sector, void *buf)
{
	assert_true(sector < d->sectors);
	if (bad_sector && sector == bad_sector)
		return -EIO;
	memcpy(buf, image(sector), 512);
	return 0;
}

static struct partition_disk disk = {.sectors = SECTORS, .block_size = 512, .read = image_read};

static int start(void **state)
{
	(void)state;
	memset(bytes, 0, sizeof(bytes));
	bad_sector = 0;
	disk.sectors = SECTORS;
	disk.block_size = 512;
	return 0;
}

static void mbr_entry(uint32_t sector, int i, uint8_t type, uint32_t first, uint32_t n)
{
	uint8_t *e = image(sector) + 446 + 16 * i;

	e[4] = type;
	store_le32(e + 8, first);
	store_le32(e + 12, n);
	image(sector)[510] = 0x55;
	image(sector)[511] = 0xaa;
}

static void gpt_header(uint32_t lba, uint32_t entries, uint32_t unit)
{
	uint8_t *h = image(lba * unit);

	memset(h, 0, 512);
	memcpy(h, "EFI PART", 8);
	store_le32(h + 8, 0x10000);
	store_le32(h + 12, 92);
	store_le64(h + 24, lba);
	store_le64(h + 40, 34);
	store_le64(h + 48, SECTORS / unit - 34);
	store_le64(h + 72, entries);
	store_le32(h + 80, 128);
	store_le32(h + 84, 128);
	store_le32(h + 88, crc32(0, image(entries * unit), 128 * 128));
	store_le32(h + 16, crc32(0, h, 92));
}

static void gpt_entry(uint32_t entries, uint32_t i, uint64_t first, uint64_t last)
{
	uint8_t *e = image(entries) + 128 * i;

	memset(e, 0xab, 16);
	for (int b = 0; b < 16; b++)
		e[16 + b] = (uint8_t)(b * 0x11);
	store_le64(e + 32, first);
	store_le64(e + 40, last);
}

/* Both copies, with partitions 1 and 3. */
static void gpt_make(void)
{
	mbr_entry(0, 0, 0xee, 1, SECTORS - 1);
	for (int copy = 0; copy < 2; copy++) {
		uint32_t entries = copy ? SECTORS - 33 : 2;

		gpt_entry(entries, 0, 64, 127);
		gpt_entry(entries, 2, 1024, SECTORS - 34);
		gpt_header(copy ? SECTORS - 1 : 1, entries, 1);
	}
}

static void nothing_is_nothing(void **state)
{
	(void)state;
	assert_int_equal(partitions_parse(&disk, table), 0);
	/* The boot sector of a FAT file system: the signature, and code where entries would be. */
	memset(image(0) + 400, 0x37, 110);
	image(0)[510] = 0x55;
	image(0)[511] = 0xaa;
	assert_int_equal(partitions_parse(&disk, table), 0);
	disk.sectors = 1;
	assert_int_equal(partitions_parse(&disk, table), 0);
}

static void mbr_primaries(void **state)
{
	(void)state;
	store_le32(image(0) + 440, 0xdeadbeef);
	mbr_entry(0, 0, 0x83, 63, 100);
	mbr_entry(0, 2, 0x0c, 200, 300);
	image(0)[446] = 0x80;
	assert_int_equal(partitions_parse(&disk, table), 2);
	assert_int_equal(table[0].number, 1);
	assert_int_equal(table[0].start, 63);
	assert_int_equal(table[0].sectors, 100);
	assert_string_equal(table[0].uuid, "deadbeef-01");
	assert_int_equal(table[1].number, 3);
	assert_string_equal(table[1].uuid, "deadbeef-03");
	assert_null(disk.note);
}

static void mbr_is_cut_to_the_disk(void **state)
{
	(void)state;
	mbr_entry(0, 0, 0x83, 4000, UINT32_MAX);
	mbr_entry(0, 1, 0x83, SECTORS, 10);
	mbr_entry(0, 2, 0x83, 0, 10);
	assert_int_equal(partitions_parse(&disk, table), 1);
	assert_int_equal(table[0].sectors, SECTORS - 4000);
	assert_non_null(disk.note);
}

static void mbr_logicals(void **state)
{
	(void)state;
	mbr_entry(0, 0, 0x83, 100, 100);
	mbr_entry(0, 1, 0x05, 1000, 2000);
	mbr_entry(1000, 0, 0x83, 63, 100);
	mbr_entry(1000, 1, 0x05, 500, 500);
	mbr_entry(1500, 0, 0x82, 63, 200);
	assert_int_equal(partitions_parse(&disk, table), 4);
	assert_int_equal(table[1].number, 2);
	assert_int_equal(table[1].sectors, 2);
	assert_int_equal(table[2].number, 5);
	assert_int_equal(table[2].start, 1063);
	assert_int_equal(table[3].number, 6);
	assert_int_equal(table[3].start, 1563);
}

static void mbr_chains_that_turn_back_end(void **state)
{
	(void)state;
	mbr_entry(0, 0, 0x0f, 1000, 2000);
	mbr_entry(1000, 0, 0x83, 63, 10);
	mbr_entry(1000, 1, 0x05, 100, 500);
	mbr_entry(1100, 0, 0x83, 63, 10);
	mbr_entry(1100, 1, 0x05, 0, 500);
	assert_int_equal(partitions_parse(&disk, table), 3);
	/* And one that leads out of the extended partition or the disk. */
	mbr_entry(1100, 1, 0x05, 0xfffffff0, 500);
	assert_int_equal(partitions_parse(&disk, table), 3);
}

static void gpt_is_read(void **state)
{
	(void)state;
	gpt_make();
	assert_int_equal(partitions_parse(&disk, table), 2);
	assert_null(disk.note);
	assert_int_equal(table[0].number, 1);
	assert_int_equal(table[0].start, 64);
	assert_int_equal(table[0].sectors, 64);
	assert_string_equal(table[0].uuid, "33221100-5544-7766-8899-aabbccddeeff");
	assert_int_equal(table[1].number, 3);
	assert_int_equal(table[1].start + table[1].sectors, SECTORS - 33);
}

static void gpt_with_large_blocks(void **state)
{
	(void)state;
	disk.block_size = 4096;
	mbr_entry(0, 0, 0xee, 1, SECTORS / 8 - 1);
	gpt_entry(2 * 8, 0, 64, 127);
	gpt_header(1, 2, 8);
	assert_int_equal(partitions_parse(&disk, table), 1);
	assert_int_equal(table[0].start, 64 * 8);
	assert_int_equal(table[0].sectors, 64 * 8);
}

static void gpt_backup_takes_over(void **state)
{
	(void)state;
	gpt_make();
	image(1)[60] ^= 1; /* header */
	assert_int_equal(partitions_parse(&disk, table), 2);
	assert_non_null(disk.note);
	gpt_make();
	image(5)[7] ^= 1; /* entries */
	assert_int_equal(partitions_parse(&disk, table), 2);
	assert_non_null(disk.note);
	gpt_make();
	bad_sector = 3;
	assert_int_equal(partitions_parse(&disk, table), 2);
}

static void gpt_twice_damaged_is_none(void **state)
{
	(void)state;
	gpt_make();
	image(1)[60] ^= 1;
	image(SECTORS - 1)[60] ^= 1;
	assert_int_equal(partitions_parse(&disk, table), 0);
	assert_non_null(disk.note);
}

static void unreadable_disk_is_an_error(void **state)
{
	(void)state;
	disk.read = image_read;
	gpt_make();
	memset(image(1), 0, 512);
	bad_sector = SECTORS - 1;
	assert_int_equal(partitions_parse(&disk, table), -EIO);
}

static void gpt_lies_are_refused(void **state)
{
	static const struct {
		int offset;
		uint64_t value;
	} lies[] = {
		{12, 91},	 {12, 513},	   {24, 2},	     {40, SECTORS},
		{48, SECTORS},	 {48, UINT64_MAX}, {72, 0},	     {72, SECTORS},
		{72, SECTORS - 5}, {72, UINT64_MAX}, {80, 0},	     {80, UINT32_MAX},
		{84, 0},	 {84, 127},	   {84, 1024},	     {84, UINT32_MAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		start(NULL);
		gpt_make();
		uint8_t *h = image(1);
		bool word = lies[i].offset == 12 || lies[i].offset >= 80;

		memset(image(SECTORS - 1), 0, 512);
		if (word)
			store_le32(h + lies[i].offset, (uint32_t)lies[i].value);
		else
			store_le64(h + lies[i].offset, lies[i].value);
		store_le32(h + 16, 0);
		store_le32(h + 16, crc32(0, h, 92));
		assert_int_equal(partitions_parse(&disk, table), 0);
	}
}

static void gpt_entries_outside_are_left_out(void **state)
{
	(void)state;
	gpt_make();
	gpt_entry(2, 4, 100, 99);
	gpt_entry(2, 5, 10, 100);
	gpt_entry(2, 6, 100, UINT64_MAX);
	gpt_header(1, 2, 1);
	assert_int_equal(partitions_parse(&disk, table), 2);
	assert_non_null(disk.note);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_nothing, start),
		cmocka_unit_test_setup(mbr_primaries, start),
		cmocka_unit_test_setup(mbr_is_cut_to_the_disk, start),
		cmocka_unit_test_setup(mbr_logicals, start),
		cmocka_unit_test_setup(mbr_chains_that_turn_back_end, start),
		cmocka_unit_test_setup(gpt_is_read, start),
		cmocka_unit_test_setup(gpt_with_large_blocks, start),
		cmocka_unit_test_setup(gpt_backup_takes_over, start),
		cmocka_unit_test_setup(gpt_twice_damaged_is_none, start),
		cmocka_unit_test_setup(unreadable_disk_is_an_error, start),
		cmocka_unit_test_setup(gpt_lies_are_refused, start),
		cmocka_unit_test_setup(gpt_entries_outside_are_left_out, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
