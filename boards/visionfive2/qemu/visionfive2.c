/*
 * StarFive VisionFive 2: the JH7110, its memory, two slots for SD cards, EEPROM, power controller.
 *
 * Without -kernel it starts as the board does: the ROM looks for firmware on the card in the slot
 * (-drive if=sd). With -kernel, -dtb (the board's tree) and OpenSBI it starts the kernel at once.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"

#include "hw/boards.h"
#include "hw/char/serial-mm.h"
#include "hw/intc/riscv_aclint.h"
#include "hw/intc/sifive_plic.h"
#include "hw/loader.h"
#include "hw/misc/unimp.h"
#include "hw/nvram/eeprom_at24c.h"
#include "hw/qdev-clock.h"
#include "hw/qdev-properties.h"
#include "hw/riscv/boot.h"
#include "hw/riscv/riscv_hart.h"
#include "hw/watchdog/cmsdk-apb-watchdog.h"
#include "qapi/error.h"
#include "qemu/bswap.h"
#include "qemu/error-report.h"
#include "qemu/units.h"
#include "system/block-backend.h"
#include "system/blockdev.h"
#include "system/device_tree.h"
#include "system/system.h"

#include "jh7110.h"

#define CLINT_BASE   0x02000000
#define LIM_BASE     0x08000000 /* the L2 cache as memory: the firmware's first stage */
#define LIM_SIZE     (2 * MiB)
#define PLIC_BASE    0x0c000000
#define PLIC_SIZE    0x04000000
#define PLIC_SOURCES 137
#define UART_CLOCK   24000000
#define TIMEBASE     4000000
#define I2C5_BASE    0x12050000
#define I2C5_IRQ     50
#define WDOG_BASE    0x13070000
#define EMMC_BASE    0x16010000
#define EMMC_IRQ     74
#define SLOT_BASE    0x16020000
#define SLOT_IRQ     75
#define ROM_BASE     0x2a000000
#define ROM_SIZE     (32 * KiB)
#define RAM_BASE     0x40000000
#define PCIE_BASE    0x900000000

#define HARTS        5
#define BOOT_SD      1
#define EEPROM_SIZE  256

#define TYPE_VISIONFIVE2 MACHINE_TYPE_NAME("visionfive2")
OBJECT_DECLARE_SIMPLE_TYPE(VisionFive2, VISIONFIVE2)

struct VisionFive2 {
	MachineState parent;
	RISCVHartArrayState monitor; /* hart 0 */
	RISCVHartArrayState cores;   /* harts 1 to 4 */
	MemoryRegion lim;
	MemoryRegion rom;
	SDBus *slot;
};

static const struct {
	hwaddr base;
	int irq;
} uarts[] = {
	{ 0x10000000, 32 }, { 0x10010000, 33 }, { 0x10020000, 34 },
	{ 0x12000000, 45 }, { 0x12010000, 46 }, { 0x12020000, 47 },
};

static const struct {
	hwaddr base;
	const char *type;
} banks[] = {
	{ 0x10230000, TYPE_JH7110_STGCRG },
	{ 0x10240000, TYPE_JH7110_REGS }, /* stg-syscon */
	{ 0x13010000, TYPE_JH7110_QSPI },
	{ 0x13020000, TYPE_JH7110_SYSCRG },
	{ 0x13030000, TYPE_JH7110_SYS_SYSCON },
	{ 0x13040000, TYPE_JH7110_SYS_PINCTRL },
	{ 0x15700000, TYPE_JH7110_DMC },
	{ 0x17000000, TYPE_JH7110_AONCRG },
	{ 0x17010000, TYPE_JH7110_REGS }, /* aon-syscon */
	{ 0x17020000, TYPE_JH7110_AON_PINCTRL },
	{ 0x17030000, TYPE_JH7110_PMU },
};

static void create_harts(VisionFive2 *s, const char *name, RISCVHartArrayState *harts,
			 const char *type, uint32_t first, uint32_t n)
{
	object_initialize_child(OBJECT(s), name, harts, TYPE_RISCV_HART_ARRAY);
	qdev_prop_set_string(DEVICE(harts), "cpu-type", type);
	qdev_prop_set_uint32(DEVICE(harts), "hartid-base", first);
	qdev_prop_set_uint32(DEVICE(harts), "num-harts", n);
	qdev_prop_set_uint64(DEVICE(harts), "resetvec", ROM_BASE);
	sysbus_realize(SYS_BUS_DEVICE(harts), &error_fatal);
	for (uint32_t i = 0; i < n; i++) {
		jh7110_core_complete(&harts->harts[i]);
	}
}

/* Cores, what interrupts them, and the time, which they cannot read without machine mode. */
static DeviceState *create_core_complex(VisionFive2 *s)
{
	char contexts[] = "M,MS,MS,MS,MS";

	jh7110_csrs_init();
	create_harts(s, "monitor", &s->monitor, TYPE_JH7110_S7, 0, 1);
	create_harts(s, "cores", &s->cores, TYPE_JH7110_U74, 1, HARTS - 1);
	riscv_aclint_swi_create(CLINT_BASE, 0, HARTS, false);
	riscv_aclint_mtimer_create(CLINT_BASE + RISCV_ACLINT_SWI_SIZE,
				   RISCV_ACLINT_DEFAULT_MTIMER_SIZE, 0, HARTS,
				   RISCV_ACLINT_DEFAULT_MTIMECMP, RISCV_ACLINT_DEFAULT_MTIME,
				   TIMEBASE, false);
	return sifive_plic_create(PLIC_BASE, contexts, HARTS, 0, PLIC_SOURCES, 7, 0, 0x1000, 0x2000,
				  0x80, 0x200000, 0x1000, PLIC_SIZE);
}

static SDBus *create_slot(DeviceState *plic, const char *name, hwaddr base, int irq, int drive)
{
	DeviceState *host = qdev_new(TYPE_DW_MSHC);
	DriveInfo *info = drive_get(IF_SD, 0, drive);
	DeviceState *card;
	BusState *bus;

	object_property_add_child(OBJECT(current_machine), name, OBJECT(host));
	sysbus_realize_and_unref(SYS_BUS_DEVICE(host), &error_fatal);
	sysbus_mmio_map(SYS_BUS_DEVICE(host), 0, base);
	sysbus_connect_irq(SYS_BUS_DEVICE(host), 0, qdev_get_gpio_in(plic, irq));
	bus = qdev_get_child_bus(host, "sd-bus");
	if (info) {
		card = qdev_new(TYPE_SD_CARD);
		qdev_prop_set_drive_err(card, "drive", blk_by_legacy_dinfo(info), &error_fatal);
		qdev_realize_and_unref(card, bus, &error_fatal);
	}
	return SD_BUS(bus);
}

/* What the factory writes: which board, how much memory, addresses for the network. */
static void fill_eeprom(uint8_t *rom, uint64_t ram_size)
{
	g_autofree char *serial = g_strdup_printf("VF7110B1-2253-D%03" PRIu64 "E000-00000001",
						  ram_size / GiB);
	static const uint8_t macs[] = { 0x6c, 0xcf, 0x39, 0, 0, 1, 0x6c, 0xcf, 0x39, 0, 0, 2 };
	uint8_t *maker = rom + 12, *board = maker + 96;

	memcpy(rom, "SFVF", 4);
	rom[4] = 2;                            /* version of the format */
	stw_le_p(rom + 6, 2);                  /* two atoms */
	stl_le_p(rom + 8, 12 + 96 + 28);       /* bytes */
	stw_le_p(maker, 1);
	stw_le_p(maker + 2, 1);
	stl_le_p(maker + 4, 88);
	maker[28] = maker[29] = 32;            /* maximum lengths of the two names */
	strncpy((char *)maker + 30, "StarFive Technology Co., Ltd.", 32);
	strncpy((char *)maker + 62, serial, 32);
	stw_le_p(board, 4);
	stw_le_p(board + 2, 2);
	stl_le_p(board + 4, 20);
	stw_le_p(board + 8, 2);
	board[10] = 0xb2;
	board[11] = 'A';
	memcpy(board + 12, macs, sizeof(macs));
}

static void create_i2c(DeviceState *plic, uint64_t ram_size)
{
	DeviceState *i2c = sysbus_create_simple(TYPE_DW_I2C, I2C5_BASE,
						qdev_get_gpio_in(plic, I2C5_IRQ));
	I2CBus *bus = I2C_BUS(qdev_get_child_bus(i2c, "i2c"));
	uint8_t rom[EEPROM_SIZE] = { 0 };

	i2c_slave_create_simple(bus, TYPE_AXP15060, 0x36);
	fill_eeprom(rom, ram_size);
	at24c_eeprom_init_rom(bus, 0x50, EEPROM_SIZE, rom, EEPROM_SIZE);
}

/* One like Arm's SP805, which QEMU has; its interrupt is of no use to software that stops it. */
static void create_watchdog(void)
{
	DeviceState *watchdog = qdev_new(TYPE_CMSDK_APB_WATCHDOG);
	Clock *clock = clock_new(OBJECT(watchdog), "crystal");

	clock_set_hz(clock, UART_CLOCK);
	qdev_connect_clock_in(watchdog, "WDOGCLK", clock);
	sysbus_realize_and_unref(SYS_BUS_DEVICE(watchdog), &error_fatal);
	sysbus_mmio_map(SYS_BUS_DEVICE(watchdog), 0, WDOG_BASE);
}

static void create_devices(VisionFive2 *s, DeviceState *plic)
{
	/* Below everything: registers that software writes and nobody needs. */
	create_unimplemented_device("jh7110", 0, RAM_BASE);
	create_unimplemented_device("jh7110-pcie", PCIE_BASE, 4 * GiB);
	for (int i = 0; i < ARRAY_SIZE(uarts); i++) {
		serial_mm_init(get_system_memory(), uarts[i].base, 2,
			       qdev_get_gpio_in(plic, uarts[i].irq),
			       UART_CLOCK / 16, serial_hd(i), DEVICE_LITTLE_ENDIAN);
	}
	create_i2c(plic, MACHINE(s)->ram_size);
	create_watchdog();
	s->slot = create_slot(plic, "slot", SLOT_BASE, SLOT_IRQ, 0);
	create_slot(plic, "emmc", EMMC_BASE, EMMC_IRQ, 1);
	for (int i = 0; i < ARRAY_SIZE(banks); i++) {
		DeviceState *dev = sysbus_create_simple(banks[i].type, banks[i].base, NULL);
		JH7110Regs *bank = JH7110_REGS(dev);

		bank->slot = s->slot;
		bank->boot_mode = BOOT_SD;
	}
}

#define SECTOR       512
#define SPL_SIZE_AT  0x288 /* in the header that the ROM wants before the first stage */
#define SPL_START_AT 0x28c

static void card_read(BlockBackend *card, uint64_t at, void *buffer, uint64_t bytes)
{
	if (blk_pread(card, at, bytes, buffer, 0) < 0) {
		error_report("the ROM cannot read the card at %" PRIu64, at);
		exit(1);
	}
}

/* Where the card's GPT has a partition of the type for the first stage; 0: nowhere. */
static uint64_t find_first_stage(BlockBackend *card)
{
	static const uint8_t type[16] = {
		0x53, 0xb3, 0x54, 0x2e, 0x71, 0x12, 0x42, 0x48,
		0x80, 0x6f, 0xe4, 0x36, 0xd6, 0xaf, 0x69, 0x85,
	};
	uint8_t sector[SECTOR], entry[128];
	uint64_t table;

	card_read(card, SECTOR, sector, SECTOR);
	if (memcmp(sector, "EFI PART", 8)) {
		return 0;
	}
	table = ldq_le_p(sector + 72) * SECTOR;
	for (int i = 0; i < 128; i++) {
		card_read(card, table + i * sizeof(entry), entry, sizeof(entry));
		if (!memcmp(entry, type, sizeof(type))) {
			return ldq_le_p(entry + 32) * SECTOR;
		}
	}
	return 0;
}

/* What the ROM does: the first stage from the card to the L2 cache; its address. */
static hwaddr load_first_stage(void)
{
	DriveInfo *info = drive_get(IF_SD, 0, 0);
	BlockBackend *card = info ? blk_by_legacy_dinfo(info) : NULL;
	g_autofree uint8_t *buffer = g_malloc(LIM_SIZE);
	uint64_t at = card ? find_first_stage(card) : 0;
	uint32_t start, size;

	if (!at) {
		error_report("neither -kernel and -dtb nor a card with firmware (-drive if=sd)");
		exit(1);
	}
	card_read(card, at, buffer, SECTOR * 2);
	size = ldl_le_p(buffer + SPL_SIZE_AT);
	start = ldl_le_p(buffer + SPL_START_AT);
	if (size > LIM_SIZE / 2 || start > SECTOR * 2) {
		error_report("the card's first stage has no header that the ROM knows");
		exit(1);
	}
	card_read(card, at + start, buffer, size);
	rom_add_blob_fixed("jh7110.spl", buffer, size, LIM_BASE);
	return LIM_BASE;
}

/* The board's tree, with the memory that there is. */
static void load_tree(MachineState *machine)
{
	int size;

	if (!machine->dtb) {
		error_report("-kernel needs the board's device tree (-dtb)");
		exit(1);
	}
	machine->fdt = load_device_tree(machine->dtb, &size);
	if (!machine->fdt) {
		error_report("cannot load the device tree '%s'", machine->dtb);
		exit(1);
	}
	qemu_fdt_setprop_sized_cells(machine->fdt, "/memory@40000000", "reg",
				     2, RAM_BASE, 2, machine->ram_size);
}

static void boot(VisionFive2 *s)
{
	MachineState *machine = MACHINE(s);
	hwaddr start = RAM_BASE, end, tree = 0, entry = 0;
	RISCVBootInfo info;

	if (machine->kernel_filename) {
		load_tree(machine);
		end = riscv_find_and_load_firmware(machine, RISCV64_BIOS_BIN, &start, NULL);
		riscv_boot_info_init(&info, &s->cores);
		end = riscv_calc_kernel_start_addr(&info, end);
		riscv_load_kernel(machine, &info, end, true, NULL);
		entry = info.image_low_addr;
		tree = riscv_compute_fdt_addr(RAM_BASE, machine->ram_size, machine, &info);
		riscv_load_fdt(tree, machine->fdt);
	} else {
		start = load_first_stage();
	}
	riscv_setup_rom_reset_vec(machine, &s->cores, start, ROM_BASE, ROM_SIZE, entry, tree);
}

static void visionfive2_init(MachineState *machine)
{
	VisionFive2 *s = VISIONFIVE2(machine);
	MemoryRegion *memory = get_system_memory();

	create_devices(s, create_core_complex(s));
	memory_region_init_ram(&s->lim, NULL, "jh7110.lim", LIM_SIZE, &error_fatal);
	memory_region_init_rom(&s->rom, NULL, "jh7110.rom", ROM_SIZE, &error_fatal);
	memory_region_add_subregion(memory, LIM_BASE, &s->lim);
	memory_region_add_subregion(memory, ROM_BASE, &s->rom);
	memory_region_add_subregion(memory, RAM_BASE, machine->ram);
	boot(s);
}

static void visionfive2_class_init(ObjectClass *oc, void *data)
{
	MachineClass *mc = MACHINE_CLASS(oc);

	mc->desc = "StarFive VisionFive 2 (JH7110)";
	mc->init = visionfive2_init;
	mc->min_cpus = mc->default_cpus = mc->max_cpus = HARTS;
	mc->default_cpu_type = TYPE_JH7110_U74;
	mc->default_ram_id = "visionfive2.ram";
	mc->default_ram_size = 2 * GiB;
	mc->block_default_type = IF_SD;
}

static const TypeInfo visionfive2_types[] = {
	{
		.name = TYPE_VISIONFIVE2,
		.parent = TYPE_MACHINE,
		.instance_size = sizeof(VisionFive2),
		.class_init = visionfive2_class_init,
	},
};

DEFINE_TYPES(visionfive2_types)
