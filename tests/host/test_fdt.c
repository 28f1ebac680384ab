/* kernel/fdt.c and fdt_bus.c on trees made by dtc, trees made wrong, and trees of real boards. */
#include "tests/host/test.h"

#include <dirent.h>
#include <string.h>

#include "kernel/fdt.h"
#include "kernel/uapi/errno.h"
#include "lib/endian.h"
#include "tests/host/fdt_make.h"
#include "tests/host/fdt_visit.h"
#include "tests/host/files.h"

static struct fdt fdt;
static uint8_t *blob;
static size_t blob_size;

static void load(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "dtb/%s.dtb", name);
	free(blob);
	blob = file_load(file_beside(path), &blob_size);
	assert_non_null(blob);
	assert_int_equal(fdt_open(&fdt, blob, blob_size, NULL), 0);
}

static int unload(void **state)
{
	(void)state;
	free(blob);
	blob = NULL;
	return 0;
}

static void test_walk(void **state)
{
	int root, node, count = 0;

	(void)state;
	load("virt");
	root = fdt_root(&fdt);
	assert_string_equal(fdt_name(&fdt, root), "");
	assert_int_equal(fdt_parent(&fdt, root), FDT_NONE);
	assert_int_equal(fdt_next_sibling(&fdt, root), FDT_NONE);
	node = fdt_first_child(&fdt, root);
	assert_string_equal(fdt_name(&fdt, node), "chosen");
	assert_int_equal(fdt_parent(&fdt, node), root);
	assert_int_equal(fdt_first_child(&fdt, node), FDT_NONE);
	node = fdt_next_sibling(&fdt, node);
	assert_string_equal(fdt_name(&fdt, node), "memory@80000000");
	fdt_for_each_child(&fdt, node, fdt_find_path(&fdt, "/cpus"))
		count++;
	assert_int_equal(count, 4);
	count = 0;
	for (node = fdt_next(&fdt, FDT_NONE); node != FDT_NONE; node = fdt_next(&fdt, node))
		count++;
	assert_int_equal(count, 1 + 1 + 1 + 1 + 8 + 1 + 5);
	assert_int_equal(fdt_next(&fdt, fdt_find_path(&fdt, "/cpus/cpu@3/interrupt-controller")),
			 fdt_find_path(&fdt, "/soc"));
}

static void test_none(void **state)
{
	struct fdt_irq irq;
	uint32_t cursor = 0;
	uint64_t addr;

	(void)state;
	load("virt");
	assert_int_equal(fdt_first_child(&fdt, FDT_NONE), FDT_NONE);
	assert_int_equal(fdt_next_sibling(&fdt, FDT_NONE), FDT_NONE);
	assert_int_equal(fdt_parent(&fdt, FDT_NONE), FDT_NONE);
	assert_string_equal(fdt_name(&fdt, FDT_NONE), "");
	assert_null(fdt_prop(&fdt, FDT_NONE, "reg", NULL));
	assert_false(fdt_enabled(&fdt, FDT_NONE));
	assert_int_equal(fdt_reg(&fdt, FDT_NONE, 0, &addr, NULL), -ENOENT);
	assert_int_equal(fdt_irq_next(&fdt, FDT_NONE, &cursor, &irq), -ENOENT);
}

static void test_paths(void **state)
{
	int uart;

	(void)state;
	load("visionfive2");
	uart = fdt_find_path(&fdt, "/soc/serial@10000000");
	assert_int_not_equal(uart, FDT_NONE);
	assert_int_equal(fdt_find_path(&fdt, "/"), fdt_root(&fdt));
	assert_int_equal(fdt_find_path(&fdt, "//soc//serial@10000000/"), uart);
	assert_int_equal(fdt_find_path(&fdt, "/soc/serial"), uart);
	assert_int_equal(fdt_find_path(&fdt, "/soc/serial@10000000:115200"), uart);
	assert_int_equal(fdt_find_path(&fdt, "serial0"), uart);
	assert_int_equal(fdt_find_path(&fdt, "serial0:9600"), uart);
	assert_int_equal(fdt_find_path(&fdt, "mmc1"), fdt_find_path(&fdt, "/soc/mmc"));
	assert_int_equal(fdt_find_path(&fdt, "/soc/serial@1000000"), FDT_NONE);
	assert_int_equal(fdt_find_path(&fdt, "/soc/serial@10000000/x"), FDT_NONE);
	assert_int_equal(fdt_find_path(&fdt, "/so"), FDT_NONE);
	assert_int_equal(fdt_find_path(&fdt, "serial"), FDT_NONE);
	assert_int_equal(fdt_find_path(&fdt, "serial00"), FDT_NONE);
	assert_int_equal(fdt_find_path(&fdt, ""), FDT_NONE);
	assert_int_equal(fdt_find_path(&fdt, ":"), FDT_NONE);
	/* A component with a unit address must match as a whole. */
	assert_int_equal(fdt_find_path(&fdt, "/soc/serial@"), FDT_NONE);
}

static void test_find(void **state)
{
	int first, second;
	uint32_t phandle;

	(void)state;
	load("virt");
	first = fdt_find_compatible(&fdt, FDT_NONE, "virtio,mmio");
	assert_string_equal(fdt_name(&fdt, first), "virtio_mmio@10008000");
	second = fdt_find_compatible(&fdt, first, "virtio,mmio");
	assert_string_equal(fdt_name(&fdt, second), "virtio_mmio@10007000");
	assert_int_equal(fdt_find_compatible(&fdt, second, "virtio,mmio"), FDT_NONE);
	assert_int_equal(fdt_find_compatible(&fdt, FDT_NONE, "virtio"), FDT_NONE);
	first = fdt_find_compatible(&fdt, FDT_NONE, "riscv,plic0");
	assert_true(fdt_is_compatible(&fdt, first, "sifive,plic-1.0.0"));
	assert_false(fdt_is_compatible(&fdt, first, "sifive,plic"));
	assert_true(fdt_prop_u32(&fdt, first, "phandle", &phandle));
	assert_int_equal(fdt_find_phandle(&fdt, phandle), first);
	assert_int_equal(fdt_find_phandle(&fdt, 0), FDT_NONE);
	assert_int_equal(fdt_find_phandle(&fdt, ~0u), FDT_NONE);
	assert_int_equal(fdt_find_phandle(&fdt, 12345), FDT_NONE);
}

static void test_properties(void **state)
{
	uint32_t cell = 77, len;
	uint64_t wide = 77;
	int test, plic;

	(void)state;
	load("virt");
	test = fdt_find_path(&fdt, "/soc/test");
	plic = fdt_find_path(&fdt, "/soc/plic");
	assert_string_equal(fdt_prop_string(&fdt, test, "compatible", 0), "sifive,test1");
	assert_string_equal(fdt_prop_string(&fdt, test, "compatible", 2), "syscon");
	assert_null(fdt_prop_string(&fdt, test, "compatible", 3));
	assert_null(fdt_prop_string(&fdt, test, "none", 0));
	assert_null(fdt_prop_string(&fdt, plic, "interrupt-controller", 0));
	assert_true(fdt_prop_present(&fdt, plic, "interrupt-controller"));
	assert_false(fdt_prop_present(&fdt, plic, "interrupt-controlle"));
	assert_non_null(fdt_prop(&fdt, plic, "interrupt-controller", &len));
	assert_int_equal(len, 0);
	assert_true(fdt_prop_cell(&fdt, plic, "interrupts-extended", 3, &cell));
	assert_int_equal(cell, 9);
	assert_false(fdt_prop_cell(&fdt, plic, "interrupts-extended", 16, &cell));
	assert_true(fdt_prop_u32(&fdt, plic, "riscv,ndev", &cell));
	assert_int_equal(cell, 96);
	assert_false(fdt_prop_u32(&fdt, plic, "reg", &cell));
	assert_int_equal(cell, 96);
	assert_true(fdt_prop_u64(&fdt, plic, "riscv,ndev", &wide));
	assert_int_equal(wide, 96);
	assert_false(fdt_prop_u64(&fdt, plic, "reg", &wide));
	load("visionfive2");
	assert_true(fdt_prop_u64(&fdt, fdt_find_path(&fdt, "/chosen"), "linux,initrd-end", &wide));
	assert_int_equal(wide, 0x48100800);
	assert_true(fdt_enabled(&fdt, fdt_find_path(&fdt, "serial0")));
	assert_true(fdt_enabled(&fdt, fdt_find_path(&fdt, "mmc1")));
	assert_false(fdt_enabled(&fdt, fdt_find_path(&fdt, "/soc/serial@10010000")));
	assert_false(fdt_enabled(&fdt, fdt_find_path(&fdt, "/cpus/cpu@0")));
}

static void test_reserve(void **state)
{
	uint64_t addr, size;

	(void)state;
	load("visionfive2");
	assert_true(fdt_reserve(&fdt, 0, &addr, &size));
	assert_int_equal(addr, 0x46000000);
	assert_int_equal(size, 0x10000);
	assert_false(fdt_reserve(&fdt, 1, &addr, &size));
}

static void test_reg(void **state)
{
	uint64_t addr, size;
	int mmc;

	(void)state;
	load("virt");
	assert_int_equal(fdt_reg(&fdt, fdt_find_path(&fdt, "/soc/serial"), 0, &addr, &size), 0);
	assert_int_equal(addr, 0x10000000);
	assert_int_equal(size, 0x100);
	assert_int_equal(fdt_reg(&fdt, fdt_find_path(&fdt, "/soc/serial"), 1, &addr, &size),
			 -ENOENT);
	assert_int_equal(fdt_reg(&fdt, fdt_find_path(&fdt, "/chosen"), 0, &addr, &size), -ENOENT);
	/* The harts' bus has no ranges: an id is no address. */
	assert_int_equal(fdt_reg(&fdt, fdt_find_path(&fdt, "/cpus/cpu@2"), 0, &addr, &size),
			 -EINVAL);
	assert_int_equal(fdt_reg_raw(&fdt, fdt_find_path(&fdt, "/cpus/cpu@2"), 0, &addr, &size), 0);
	assert_int_equal(addr, 2);
	assert_int_equal(size, 0);

	load("icicle");
	assert_int_equal(fdt_reg(&fdt, fdt_find_path(&fdt, "serial1"), 0, &addr, &size), 0);
	assert_int_equal(addr, 0x20100000);
	assert_int_equal(size, 0x400);
	assert_int_equal(fdt_reg_raw(&fdt, fdt_find_path(&fdt, "serial1"), 0, &addr, &size), 0);
	assert_int_equal(addr, 0x100000);
	mmc = fdt_find_path(&fdt, "/soc/bus/mmc");
	assert_int_equal(fdt_reg(&fdt, mmc, 1, &addr, &size), 0);
	assert_int_equal(addr, UINT64_C(0x1000000800));
	assert_int_equal(fdt_reg(&fdt, mmc, 2, &addr, &size), -EINVAL); /* in no window */
	assert_int_equal(fdt_reg(&fdt, mmc, 3, &addr, &size), -EINVAL); /* half in one */
	assert_int_equal(fdt_reg(&fdt, mmc, 4, &addr, &size), -ENOENT);
}

static void expect_irq(const char *path, uint32_t index, const char *controller, uint32_t cell)
{
	struct fdt_irq irq;

	assert_int_equal(fdt_irq(&fdt, fdt_find_path(&fdt, path), index, &irq), 0);
	assert_int_equal(irq.controller, fdt_find_path(&fdt, controller));
	assert_int_equal(irq.count, 1);
	assert_int_equal(irq.cells[0], cell);
}

static void test_irq(void **state)
{
	struct fdt_irq irq;

	(void)state;
	load("virt");
	expect_irq("/soc/serial", 0, "/soc/plic", 10);
	expect_irq("/soc/plic", 0, "/cpus/cpu@0/interrupt-controller", 11);
	expect_irq("/soc/plic", 7, "/cpus/cpu@3/interrupt-controller", 9);
	assert_int_equal(fdt_irq(&fdt, fdt_find_path(&fdt, "/soc/plic"), 8, &irq), -ENOENT);
	assert_int_equal(fdt_irq(&fdt, fdt_find_path(&fdt, "/soc/serial"), 1, &irq), -ENOENT);
	assert_int_equal(fdt_irq(&fdt, fdt_find_path(&fdt, "/soc/test"), 0, &irq), -ENOENT);
	load("visionfive2");
	expect_irq("serial0", 0, "/soc/interrupt-controller", 32); /* interrupt-parent of /soc */
	expect_irq("/soc/interrupt-controller", 2, "/cpus/cpu@1/interrupt-controller", 9);
	load("icicle");
	/* The second entry is empty; the third counts nevertheless. */
	expect_irq("/soc/clint", 0, "/cpus/cpu@0/interrupt-controller", 3);
	assert_int_equal(fdt_irq(&fdt, fdt_find_path(&fdt, "/soc/clint"), 1, &irq), -EINVAL);
	expect_irq("/soc/clint", 2, "/cpus/cpu@1/interrupt-controller", 7);
	load("unleashed");
	expect_irq("/soc/interrupt-controller", 1, "/cpus/cpu@1/interrupt-controller", ~0u);
	expect_irq("/soc/interrupt-controller/serial-behind-plic", 0, "/soc/interrupt-controller",
		   5);
	assert_int_equal(fdt_irq(&fdt, fdt_find_path(&fdt, "/soc/device-on-map"), 0, &irq),
			 -EINVAL);
	assert_int_equal(fdt_irq(&fdt, fdt_find_path(&fdt, "/soc/ring1"), 0, &irq), -EINVAL);
}

static void test_stdout(void **state)
{
	const char *options;

	(void)state;
	load("virt");
	assert_int_equal(fdt_stdout(&fdt, &options), fdt_find_path(&fdt, "/soc/serial"));
	assert_string_equal(options, "");
	load("visionfive2");
	assert_int_equal(fdt_stdout(&fdt, &options), fdt_find_path(&fdt, "serial0"));
	assert_string_equal(options, "115200n8");
	load("unleashed");
	assert_int_equal(fdt_stdout(&fdt, NULL), fdt_find_path(&fdt, "/soc/serial@10010000"));
}

static struct fdt_make make;

static void expect_refused(const char *want)
{
	uint32_t size = fdt_make_finish(&make);
	const char *why = "";

	assert_int_equal(fdt_check(make.blob, size, &why), -EINVAL);
	assert_string_equal(why, want);
	fdt_make_start(&make);
}

static void test_refuse_structure(void **state)
{
	(void)state;
	fdt_make_start(&make);
	expect_refused("early end of the structure block"); /* no root */
	fdt_make_begin(&make, "");
	expect_refused("early end of the structure block"); /* not closed */
	fdt_make_begin(&make, "");
	fdt_make_end(&make);
	fdt_make_end(&make);
	expect_refused("node ended twice");
	fdt_make_begin(&make, "");
	fdt_make_end(&make);
	fdt_make_begin(&make, "");
	fdt_make_end(&make);
	expect_refused("two root nodes");
	fdt_make_string(&make, "a", "b");
	fdt_make_begin(&make, "");
	fdt_make_end(&make);
	expect_refused("property outside of the head of a node");
	fdt_make_begin(&make, "");
	fdt_make_begin(&make, "a");
	fdt_make_end(&make);
	fdt_make_string(&make, "a", "b");
	fdt_make_end(&make);
	expect_refused("property outside of the head of a node");
	fdt_make_begin(&make, "");
	fdt_make_token(&make, 5);
	fdt_make_end(&make);
	expect_refused("bad token, or one beyond its block");
	for (int i = 0; i <= FDT_DEPTH_MAX; i++)
		fdt_make_begin(&make, "x");
	for (int i = 0; i <= FDT_DEPTH_MAX; i++)
		fdt_make_end(&make);
	expect_refused("nodes nested too deep");
}

static void test_accept_odd(void **state)
{
	uint32_t size;
	int node;

	(void)state;
	fdt_make_start(&make);
	fdt_make_token(&make, 4); /* NOPs wherever they may stand */
	fdt_make_begin(&make, "");
	fdt_make_token(&make, 4);
	fdt_make_string(&make, "a", "b");
	fdt_make_token(&make, 4);
	for (int i = 1; i < FDT_DEPTH_MAX; i++)
		fdt_make_begin(&make, "x");
	for (int i = 1; i < FDT_DEPTH_MAX; i++)
		fdt_make_end(&make);
	fdt_make_token(&make, 4);
	fdt_make_begin(&make, "y");
	fdt_make_end(&make);
	fdt_make_token(&make, 4);
	fdt_make_end(&make);
	fdt_make_token(&make, 4);
	size = fdt_make_finish(&make);
	assert_int_equal(fdt_open(&fdt, make.blob, size, NULL), 0);
	assert_string_equal(fdt_prop_string(&fdt, fdt_root(&fdt), "a", 0), "b");
	node = fdt_next_sibling(&fdt, fdt_first_child(&fdt, fdt_root(&fdt)));
	assert_string_equal(fdt_name(&fdt, node), "y");
	assert_int_equal(fdt_parent(&fdt, node), fdt_root(&fdt));
	assert_int_equal(fdt_visit(make.blob, size), FDT_DEPTH_MAX + 1);
}

/* Each header field set to values that lie. */
static void test_refuse_header(void **state)
{
	static const uint32_t lies[] = {0, 1, 39, 41, 0x7fffffff, 0xfffffff0, 0xffffffff};
	uint8_t *copy;
	const char *why;

	(void)state;
	load("virt");
	copy = aligned_alloc(8, (blob_size + 7) & ~(size_t)7);
	for (uint32_t field = 0; field < 40; field += 4) {
		for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
			memcpy(copy, blob, blob_size);
			store_be32(copy + field, lies[i]);
			if (field == 12 && lies[i] == 41)
				continue; /* within bounds: other names, but harmless */
			if (field == 28 || (field == 20 && lies[i] > 17) ||
			    (field == 24 && lies[i] <= 17)) {
				assert_int_equal(fdt_check(copy, blob_size, NULL), 0);
				continue;
			}
			why = NULL;
			assert_int_equal(fdt_check(copy, blob_size, &why), -EINVAL);
			assert_non_null(why);
		}
	}
	memcpy(copy, blob, blob_size - 4);
	assert_int_equal(fdt_check(copy + 4, blob_size - 4, &why), -EINVAL);
	assert_string_equal(why, "not aligned to 8 bytes");
	free(copy);
}

static void test_truncated(void **state)
{
	(void)state;
	load("icicle");
	for (size_t size = 0; size < blob_size; size++)
		assert_int_equal(fdt_visit(blob, size), -1);
	assert_true(fdt_visit(blob, blob_size) > 0);
	/* The header may claim less than there is: then blocks stick out. */
	for (size_t size = 40; size < blob_size; size += 4) {
		store_be32(blob + 4, (uint32_t)size);
		assert_int_equal(fdt_visit(blob, blob_size), -1);
	}
}

/* Flipped bytes: refused or consistent, never out of bounds. */
static void test_damaged(void **state)
{
	static const char *const names[] = {"virt", "visionfive2", "icicle", "unleashed"};
	uint64_t seed = 17;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		uint8_t *copy;

		if (i % 100 == 0)
			load(names[i / 100 % 4]);
		copy = malloc(blob_size);
		memcpy(copy, blob, blob_size);
		for (int n = i % 3; n >= 0; n--)
			copy[test_random(&seed) % blob_size] = (uint8_t)test_random(&seed);
		fdt_visit(copy, blob_size);
		free(copy);
	}
}

static void test_number_limits(void **state)
{
	uint64_t addr, size;
	uint32_t len;

	(void)state;
	fdt_make_start(&make);
	fdt_make_begin(&make, "");
	fdt_make_cells(&make, "#address-cells", 1, 3);
	fdt_make_cells(&make, "#size-cells", 1, 2);
	fdt_make_begin(&make, "a");
	fdt_make_cells(&make, "reg", 15, 0, 0, 1, 0, 2, /* fine */
		       1, 0, 1, 0, 2,			    /* 96 bits */
		       0, ~0u, ~0u - 1, 0, 3);		    /* wraps */
	fdt_make_end(&make);
	fdt_make_begin(&make, "b");
	fdt_make_cells(&make, "reg", 6, 0, 0, 1, 0, 2, 0); /* a cell too many */
	fdt_make_cells(&make, "#address-cells", 1, 5);
	fdt_make_begin(&make, "c");
	fdt_make_cells(&make, "reg", 1, 0);
	fdt_make_end(&make);
	fdt_make_end(&make);
	fdt_make_end(&make);
	len = fdt_make_finish(&make);
	assert_int_equal(fdt_open(&fdt, make.blob, len, NULL), 0);
	assert_int_equal(fdt_reg(&fdt, fdt_find_path(&fdt, "/a"), 0, &addr, &size), 0);
	assert_int_equal(addr, 1);
	assert_int_equal(size, 2);
	assert_int_equal(fdt_reg(&fdt, fdt_find_path(&fdt, "/a"), 1, &addr, &size), -EINVAL);
	assert_int_equal(fdt_reg(&fdt, fdt_find_path(&fdt, "/a"), 2, &addr, &size), -EINVAL);
	assert_int_equal(fdt_reg(&fdt, fdt_find_path(&fdt, "/b"), 0, &addr, &size), -EINVAL);
	assert_int_equal(fdt_reg(&fdt, fdt_find_path(&fdt, "/b/c"), 0, &addr, &size), -EINVAL);
}

/* Every tree in a folder is accepted and yields nodes. */
static unsigned visit_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned count = 0;

	while (dir && (entry = readdir(dir))) {
		size_t len = strlen(entry->d_name), size;
		char path[600];
		uint8_t *data;

		if (len < 4 || strcmp(entry->d_name + len - 4, ".dtb") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		data = file_load(path, &size);
		if (fdt_visit(data, size) <= 0)
			fail_msg("%s refused", path);
		free(data);
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

static void test_built_trees(void **state)
{
	(void)state;
	assert_true(visit_folder(file_beside("dtb")) >= 4);
}

/* Trees of real boards, where somebody has put some; they are not ours to keep. */
static void test_board_trees(void **state)
{
	const char *folder = getenv("XV39_BOARD_DTBS");

	(void)state;
	if (!visit_folder(folder ? folder : "../shared/dtb"))
		skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_walk, unload),
		cmocka_unit_test_teardown(test_none, unload),
		cmocka_unit_test_teardown(test_paths, unload),
		cmocka_unit_test_teardown(test_find, unload),
		cmocka_unit_test_teardown(test_properties, unload),
		cmocka_unit_test_teardown(test_reserve, unload),
		cmocka_unit_test_teardown(test_reg, unload),
		cmocka_unit_test_teardown(test_irq, unload),
		cmocka_unit_test_teardown(test_stdout, unload),
		cmocka_unit_test(test_refuse_structure),
		cmocka_unit_test(test_accept_odd),
		cmocka_unit_test_teardown(test_refuse_header, unload),
		cmocka_unit_test_teardown(test_truncated, unload),
		cmocka_unit_test_teardown(test_damaged, unload),
		cmocka_unit_test(test_number_limits),
		cmocka_unit_test(test_built_trees),
		cmocka_unit_test(test_board_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
