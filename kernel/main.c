/*
 * Start-up, in order.
 */
#include "kernel/main.h"

#include "drivers/block.h"
#include "drivers/driver.h"
#include "fs/file.h"
#include "kernel/boot.h"
#include "kernel/clocktimer.h"
#include "kernel/errata.h"
#include "kernel/hart.h"
#include "kernel/ipc/ipc.h"
#include "kernel/machine.h"
#include "kernel/machine_stop.h"
#include "kernel/mem/kmap.h"
#include "kernel/ntp.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/process.h"
#include "kernel/psi.h"
#include "kernel/random.h"
#include "kernel/riscv.h"
#include "kernel/sbi.h"
#include "kernel/selftest.h"
#include "kernel/swap/swapon.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "kernel/trap.h"

void kernel_main(uint64_t hartid, paddr_t fdt) __noreturn;

static void log_machine(void)
{
	uint64_t ram = 0;
	char *line = machine.notes, *end;

	for (unsigned i = 0; i < machine.ram_count; i++)
		ram += machine.ram[i].size;
	pr_info("xv39 on %s: %lu MiB RAM in %u range%s, %u harts, timebase %lu Hz\n", machine.model,
		ram / MiB, machine.ram_count, machine.ram_count == 1 ? "" : "s", nharts,
		machine.timebase_hz);
	pr_info("command line: %s\n", machine.cmdline);
	for (; *line; line = end + 1) {
		for (end = line; *end && *end != '\n'; end++)
			;
		pr_warn("device tree: %.*s\n", (int)(end - line), line);
		if (!*end)
			break;
	}
}

static void set_loglevel(void)
{
	uint64_t level;

	if (cmdline_has("quiet"))
		console_loglevel = LOG_ERR;
	if (cmdline_number("loglevel", &level) && level <= LOG_DEBUG + 1)
		console_loglevel = level;
}

/* The first thread: everything that may sleep. */
static void start_system(void *unused)
{
	(void)unused;
	drivers_probe(DRIVER_IRQCHIP);
	irq_init_hart();
	drivers_probe(DRIVER_CONSOLE);
	harts_start();
	psi_init();
	mm_start();
	drivers_probe(DRIVER_EARLY);
	drivers_probe(DRIVER_NORMAL);
	random_init();
	partitions_scan();
	swapon_init();
	vfs_init();
	ipc_init();
#if DEBUG
	if (cmdline_has("selftest"))
		machine_poweroff(selftest_run() ? 1 : 0);
#endif
	if (vfs_mount_root())
		machine_poweroff(102);
	process_start_init();
}

void kernel_main(uint64_t hartid, paddr_t fdt)
{
	const char *why = "?";
	struct thread *first;

	harts[0].hartid = hartid;
	trap_init_hart();
	sbi_init();
	if (fdt >= DIRECT_SIZE - 2 * MiB || (fdt & 7))
		machine_refuse("the device tree lies where it cannot be read");
	if (machine_init(phys_to_virt(fdt), fdt, 2 * MiB, image_to_phys(_kernel_start),
			 image_to_phys(_kernel_end), &why))
		machine_refuse(why);
	time_init(machine.timebase_hz);
	set_loglevel();
	harts_init(hartid);
	sched_init_hart(&harts[0], &boot_thread);
	log_machine();
	errata_init();
	mm_init(&machine);
	hart_init_this();
	clock_timers_init();
	ntp_init();
	aio_poll_init();
	signals_init();
	threads_init();
	first = kthread_create("start", start_system, NULL);
	if (!first)
		panic("no memory for the first thread");
	thread_start(first);
	irq_enable();
	idle_loop();
}
