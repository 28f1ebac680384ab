/* kernel/machine.c, isa.c and cmdline.c. */
#include "tests/host/test.h"

#include <string.h>

#include "kernel/machine.h"
#include "kernel/uapi/errno.h"
#include "lib/bits.h"
#include "tests/host/fdt_make.h"
#include "tests/host/files.h"

#define IMAGE	   0x80200000
#define IMAGE_END  0x80400000
#define BLOB_PHYS  0x87000000

static uint8_t *blob; /* machine points into it */

static void load(const char *name, uint64_t blob_phys, uint64_t image, uint64_t image_end)
{
	const char *why = "?";
	char path[64];
	size_t size;

	snprintf(path, sizeof(path), "dtb/%s.dtb", name);
	free(blob);
	blob = file_load(file_beside(path), &size);
	assert_non_null(blob);
	if (machine_init(blob, blob_phys, size, image, image_end, &why))
		fail_msg("%s", why);
	assert_string_equal(machine.notes, "");
}

static int unload(void **state)
{
	(void)state;
	free(blob);
	blob = NULL;
	return 0;
}

static void expect_range(const struct phys_range *range, uint64_t base, uint64_t end)
{
	assert_int_equal(range->base, base);
	assert_int_equal(range->base + range->size, end);
}

static void test_virt(void **state)
{
	(void)state;
	load("virt", BLOB_PHYS, IMAGE, IMAGE_END);
	assert_string_equal(machine.model, "riscv-virtio,qemu");
	assert_int_equal(machine.ram_count, 1);
	expect_range(&machine.ram[0], 0x80000000, 0x88000000);
	assert_int_equal(machine.reserved_count, 2);
	expect_range(&machine.reserved[0], 0x80000000, IMAGE_END);
	expect_range(&machine.reserved[1], BLOB_PHYS, BLOB_PHYS + 0x1000);
	assert_int_equal(machine.hart_count, 4);
	assert_int_equal(machine.harts[3].hartid, 3);
	assert_int_equal(machine.harts[3].mmu, MMU_SV57);
	assert_int_equal(machine.harts[3].cbom_block, 64);
	assert_int_equal(machine_hart_find(2), 2);
	assert_int_equal(machine_hart_find(4), -1);
	assert_int_equal(machine.timebase_hz, 10000000);
	assert_int_equal(machine.initrd.size, 0);
	assert_int_equal(machine.rng_seed_len, 8);
	assert_int_equal(machine.rng_seed[1], 0x23);
}

static void test_isa(void **state)
{
	const uint64_t base = BIT(ISA_I) | BIT(ISA_M) | BIT(ISA_A);
	const uint64_t fdc = BIT(ISA_F) | BIT(ISA_D) | BIT(ISA_C);

	(void)state;
	load("virt", BLOB_PHYS, IMAGE, IMAGE_END);
	assert_int_equal(machine.isa, base | fdc | BIT(ISA_ZICBOM) | BIT(ISA_ZICBOZ) |
					      BIT(ISA_ZIHINTPAUSE) | BIT(ISA_ZBA) | BIT(ISA_ZBB) |
					      BIT(ISA_ZBS) | BIT(ISA_SSTC));
	assert_true(machine_has(ISA_SSTC));
	assert_false(machine_has(ISA_SVPBMT));
	load("visionfive2", 0x4ff00000, 0x40200000, 0x40400000);
	assert_int_equal(machine.isa,
			 base | fdc | BIT(ISA_ZBA) | BIT(ISA_ZBB) | BIT(ISA_ZICNTR));
	load("icicle", 0x8ff00000, IMAGE, IMAGE_END);
	assert_int_equal(machine.isa, base | fdc);
	load("unleashed", 0x8ff00000, IMAGE, IMAGE_END);
	assert_int_equal(machine.harts[0].isa, base | fdc | BIT(ISA_ZICBOM) | BIT(ISA_SVPBMT));
	assert_int_equal(machine.harts[1].isa, base | fdc);
	assert_int_equal(machine.isa, base | fdc); /* what all have */
}

static void test_visionfive2(void **state)
{
	(void)state;
	load("visionfive2", 0x46000000, 0x40200000, 0x40400000);
	assert_int_equal(machine.ram_count, 1);
	expect_range(&machine.ram[0], 0x40000000, 0x140000000);
	assert_int_equal(machine.reserved_count, 3);
	expect_range(&machine.reserved[0], 0x40000000, 0x40400000); /* firmware, hole, image */
	expect_range(&machine.reserved[1], 0x46000000, 0x46010000);
	expect_range(&machine.reserved[2], 0x48000000, 0x48101000);
	expect_range(&machine.initrd, 0x48000000, 0x48100800);
	assert_int_equal(machine.hart_count, 4);
	assert_int_equal(machine.harts[0].hartid, 1);
	assert_int_equal(machine_hart_find(0), -1);
	assert_int_equal(machine_hart_find(4), 3);
	assert_int_equal(machine.timebase_hz, 4000000);
	assert_string_equal(machine.cmdline, "");
	assert_null(machine.rng_seed);
}

static void test_ram_ranges(void **state)
{
	(void)state;
	load("icicle", 0x8ff00000, IMAGE, IMAGE_END);
	assert_int_equal(machine.ram_count, 2); /* sorted; the disabled one left out */
	expect_range(&machine.ram[0], 0x80000000, 0xc0000000);
	expect_range(&machine.ram[1], 0x1040000000, 0x1080000000);
	assert_int_equal(machine.hart_count, 4);
	load("unleashed", 0x8ff00000, IMAGE, IMAGE_END);
	assert_int_equal(machine.ram_count, 2); /* merged; whole pages; the sliver left out */
	expect_range(&machine.ram[0], 0x80000000, 0xa0000000);
	expect_range(&machine.ram[1], 0xb0001000, 0xb0010000);
	assert_int_equal(machine.timebase_hz, 1000000);
	assert_string_equal(machine.model, "unknown");
}

static void test_real_qemu(void **state)
{
	(void)state;
	load("qemu-virt-64", 0xbfe00000, IMAGE, IMAGE_END);
	assert_int_equal(machine.hart_count, 64);
	assert_int_equal(machine_hart_find(63) >= 0, 1);
	assert_int_equal(machine.ram[0].size, UINT64_C(4) << 30);
	load("qemu-sifive_u", 0x87e00000, IMAGE, IMAGE_END);
	assert_int_equal(machine.hart_count, 4);
	assert_int_equal(machine_hart_find(0), -1);
}

static void test_cmdline(void **state)
{
	char buf[32];
	uint64_t n = 1;

	(void)state;
	load("virt", BLOB_PHYS, IMAGE, IMAGE_END);
	assert_true(cmdline_has("quiet"));
	assert_true(cmdline_has("root"));
	assert_false(cmdline_has("qui"));
	assert_false(cmdline_has("/dev/vda"));
	assert_int_equal(cmdline_get("root", buf, sizeof(buf)), 8);
	assert_string_equal(buf, "/dev/vda");
	assert_int_equal(cmdline_get("init", buf, sizeof(buf)), 10); /* the last one */
	assert_string_equal(buf, "/sbin/init");
	assert_int_equal(cmdline_get("run", buf, sizeof(buf)), 7);
	assert_int_equal(cmdline_get("quiet", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(cmdline_get("none", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(cmdline_get("root", buf, 8), -ENAMETOOLONG);
	assert_string_equal(buf, "");
	assert_int_equal(cmdline_get("root", buf, 9), 8);
	assert_true(cmdline_number("loglevel", &n));
	assert_int_equal(n, 7);
	assert_true(cmdline_number("mem", &n));
	assert_int_equal(n, 16 << 20);
	assert_true(cmdline_number("size", &n));
	assert_int_equal(n, 65536);
	assert_false(cmdline_number("root", &n));
	assert_false(cmdline_number("quiet", &n));
	assert_int_equal(n, 65536);
}

static void test_bad_numbers(void **state)
{
	static const char *const bad[] = {"",	  "x",	 "0x",	 "12z", "5KK", "-1",
					  "1 2x", "0xg", "99999999999999999999", "17179869184G"};
	uint64_t n;

	char line[64];

	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.cmdline = line;
	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(line, sizeof(line), "a n=%s", bad[i]);
		if (strchr(bad[i], ' '))
			assert_true(cmdline_number("n", &n));
		else
			assert_false(cmdline_number("n", &n));
	}
	snprintf(line, sizeof(line), "  n=18446744073709551615\t");
	assert_true(cmdline_number("n", &n));
	assert_int_equal(n, UINT64_MAX);
}

/* What a made tree consists of; each test changes one thing. */
struct recipe {
	unsigned harts;
	unsigned hart_step; /* 0: all have the same id */
	unsigned ram;	    /* ranges of 1 MiB, 2 MiB apart, after the first of 16 MiB */
	uint64_t ram_base;
	uint64_t ram_size;
	unsigned reserves; /* single pages, two apart, in the second 8 MiB */
	bool backwards;	   /* reserves in descending order */
	uint32_t timebase;
	uint32_t reserved_cells; /* of a reg in /reserved-memory; 4 is right */
	const char *bootargs;
	uint64_t initrd, initrd_end;
};

static const struct recipe plain = {.harts = 1,
				    .hart_step = 1,
				    .ram_base = 0x80000000,
				    .ram_size = 16 << 20,
				    .timebase = 1};

static struct fdt_make make;

static void make_range(uint64_t base, uint64_t size)
{
	char name[32];

	snprintf(name, sizeof(name), "memory@%lx", (unsigned long)base);
	fdt_make_begin(&make, name);
	fdt_make_string(&make, "device_type", "memory");
	fdt_make_cells(&make, "reg", 4, (uint32_t)(base >> 32), (uint32_t)base,
		       (uint32_t)(size >> 32), (uint32_t)size);
	fdt_make_end(&make);
}

static void make_harts(const struct recipe *r)
{
	fdt_make_begin(&make, "cpus");
	fdt_make_cells(&make, "#address-cells", 1, 1);
	fdt_make_cells(&make, "#size-cells", 1, 0);
	fdt_make_cells(&make, "timebase-frequency", 1, r->timebase);
	for (unsigned i = 0; i < r->harts; i++) {
		fdt_make_begin(&make, "cpu");
		fdt_make_string(&make, "device_type", "cpu");
		fdt_make_string(&make, "mmu-type", "riscv,sv39");
		fdt_make_cells(&make, "reg", 1, i * r->hart_step);
		fdt_make_end(&make);
	}
	fdt_make_end(&make);
}

static uint32_t make_machine(const struct recipe *r)
{
	fdt_make_start(&make);
	for (unsigned i = 0; i < r->reserves; i++) {
		unsigned n = r->backwards ? r->reserves - 1 - i : i;

		fdt_make_reserve(&make, 0x80800000 + n * 0x2000, 0x1000);
	}
	fdt_make_begin(&make, "");
	fdt_make_cells(&make, "#address-cells", 1, 2);
	fdt_make_cells(&make, "#size-cells", 1, 2);
	fdt_make_begin(&make, "chosen");
	if (r->bootargs)
		fdt_make_string(&make, "bootargs", r->bootargs);
	fdt_make_cells(&make, "linux,initrd-start", 2, (uint32_t)(r->initrd >> 32),
		       (uint32_t)r->initrd);
	fdt_make_cells(&make, "linux,initrd-end", 2, (uint32_t)(r->initrd_end >> 32),
		       (uint32_t)r->initrd_end);
	fdt_make_end(&make);
	make_range(r->ram_base, r->ram_size);
	for (unsigned i = 0; i < r->ram; i++)
		make_range(0x90000000 + i * (2 << 20), 1 << 20);
	make_harts(r);
	fdt_make_begin(&make, "reserved-memory");
	fdt_make_cells(&make, "#address-cells", 1, 2);
	fdt_make_cells(&make, "#size-cells", 1, 2);
	fdt_make_begin(&make, "a");
	if (r->reserved_cells)
		fdt_make_cells(&make, "reg", r->reserved_cells, 0, 0x80600000, 0, 0x800, 0);
	fdt_make_end(&make);
	fdt_make_end(&make);
	fdt_make_end(&make);
	return fdt_make_finish(&make);
}

static int start(const struct recipe *r, const char **why)
{
	uint32_t size = make_machine(r);

	return machine_init(make.blob, 0x80500000, size, IMAGE, IMAGE_END, why);
}

static void expect_refused(const struct recipe *r, const char *want)
{
	const char *why = "";

	assert_int_equal(start(r, &why), -EINVAL);
	assert_string_equal(why, want);
}

static void test_refused(void **state)
{
	struct recipe r = plain;

	(void)state;
	assert_int_equal(start(&r, NULL), 0);
	r = plain, r.harts = 0;
	expect_refused(&r, "no usable hart");
	r = plain, r.harts = 2, r.hart_step = 0;
	expect_refused(&r, "two harts with one id");
	r = plain, r.timebase = 0;
	expect_refused(&r, "no timebase-frequency");
	r = plain, r.ram_size = 0;
	expect_refused(&r, "no RAM");
	r = plain, r.ram_size = UINT64_MAX;
	expect_refused(&r, "malformed RAM range");
	r = plain, r.ram_size = UINT64_C(1) << 60;
	expect_refused(&r, "RAM beyond the physical address space");
	r = plain, r.ram_base = 0x100000000;
	expect_refused(&r, "the kernel lies outside of RAM");
	r = plain, r.ram_size = 0x300000; /* too small for the image */
	expect_refused(&r, "the kernel lies outside of RAM");
	r = plain, r.reserves = 40;
	expect_refused(&r, "too many reserved ranges");
	r = plain, r.reserved_cells = 5;
	expect_refused(&r, "malformed reserved range");
	assert_int_equal(machine_init("no tree", 0, 8, 0, 1, NULL), -EINVAL);
}

static void test_reserved_ranges(void **state)
{
	struct recipe r = plain;

	(void)state;
	r.reserves = 20;
	r.backwards = true;
	r.reserved_cells = 4;
	assert_int_equal(start(&r, NULL), 0);
	assert_int_equal(machine.reserved_count, 20 + 3);
	expect_range(&machine.reserved[1], 0x80500000, 0x80501000);
	expect_range(&machine.reserved[2], 0x80600000, 0x80601000);
	for (unsigned i = 0; i < 20; i++)
		expect_range(&machine.reserved[3 + i], 0x80800000 + i * 0x2000,
			     0x80801000 + i * 0x2000);
}

/* More than fits is left out with a note. */
static void test_limits(void **state)
{
	struct recipe r = plain;

	(void)state;
	r.ram = 20;
	r.harts = 70;
	assert_int_equal(start(&r, NULL), 0);
	assert_int_equal(machine.ram_count, MACHINE_RAM_MAX);
	assert_int_equal(machine.hart_count, MACHINE_HARTS_MAX);
	assert_non_null(strstr(machine.notes, "RAM at 0x91e00000 ignored: more than 16 ranges\n"));
	assert_non_null(strstr(machine.notes, "hart 64 ignored: more than 64 harts\n"));
}

static void test_long_cmdline(void **state)
{
	static char args[60000];
	struct recipe r = plain;

	(void)state;
	memset(args, 'x', sizeof(args) - 1);
	memcpy(args + sizeof(args) - 6, " word", 6);
	r.bootargs = args;
	assert_int_equal(start(&r, NULL), 0);
	assert_string_equal(machine.cmdline, args);
	assert_true(cmdline_has("word"));
}

static void test_initrd(void **state)
{
	struct recipe r = plain;

	(void)state;
	r.initrd = 0x80a00010;
	r.initrd_end = 0x80a00020;
	assert_int_equal(start(&r, NULL), 0);
	expect_range(&machine.initrd, 0x80a00010, 0x80a00020);
	expect_range(&machine.reserved[2], 0x80a00000, 0x80a01000);
	r.initrd_end = r.initrd - 1;
	assert_int_equal(start(&r, NULL), 0);
	assert_int_equal(machine.initrd.size, 0);
	assert_non_null(strstr(machine.notes, "initrd ignored"));
	r.initrd_end = UINT64_MAX;
	assert_int_equal(start(&r, NULL), 0);
	assert_int_equal(machine.initrd.size, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_virt, unload),
		cmocka_unit_test_teardown(test_isa, unload),
		cmocka_unit_test_teardown(test_visionfive2, unload),
		cmocka_unit_test_teardown(test_ram_ranges, unload),
		cmocka_unit_test_teardown(test_real_qemu, unload),
		cmocka_unit_test_teardown(test_cmdline, unload),
		cmocka_unit_test(test_bad_numbers),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_reserved_ranges),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_long_cmdline),
		cmocka_unit_test(test_initrd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
