/*
 * procfs: files about the machine and the kernel as a whole.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/procfs/procfs.h"
#include "fs/super.h"
#include "kernel/hart.h"
#include "kernel/machine.h"
#include "kernel/machine_stop.h"
#include "kernel/main.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/swap/swapon.h"
#include "kernel/thread.h"
#include "kernel/utsname.h"
#include "lib/printf.h"
#include "lib/string.h"

#define TICK (NSEC_PER_SEC / 100) /* of the times in /proc/stat */

static void isa_string(uint64_t isa, char *buf, size_t size)
{
	static const char single[] = "imafdcv";
	static const struct {
		enum isa_extension bit;
		const char *name;
	} names[] = {
		{ISA_ZICBOM, "_zicbom"}, {ISA_ZICBOZ, "_zicboz"}, {ISA_ZICNTR, "_zicntr"},
		{ISA_ZIHINTPAUSE, "_zihintpause"}, {ISA_ZBA, "_zba"}, {ISA_ZBB, "_zbb"},
		{ISA_ZBS, "_zbs"}, {ISA_SSTC, "_sstc"}, {ISA_SVINVAL, "_svinval"},
		{ISA_SVNAPOT, "_svnapot"}, {ISA_SVPBMT, "_svpbmt"},
	};
	size_t at = strlcpy(buf, "rv64", size);

	for (unsigned i = 0; i < sizeof(single) - 1 && at + 1 < size; i++) {
		if (isa >> i & 1)
			buf[at++] = single[i];
	}
	buf[at] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (isa >> names[i].bit & 1)
			strlcat(buf, names[i].name, size);
	}
}

static int show_cpuinfo(struct proc_text *t, struct process *p)
{
	char isa[128];

	for (uint32_t i = 0; i < nharts; i++) {
		int at = machine_hart_find(harts[i].hartid);

		isa_string(at >= 0 ? machine.harts[at].isa : machine.isa, isa, sizeof(isa));
		proc_printf(t, "processor\t: %u\nhart\t\t: %u\nisa\t\t: %s\nmmu\t\t: sv39\n", i,
			    harts[i].hartid, isa);
		proc_printf(t, "uarch\t\t: %s\n\n", machine.model);
	}
	return 0;
}

static uint64_t idle_total(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < nharts; i++)
		sum += hart_idle_time(&harts[i]);
	return sum;
}

static int show_uptime(struct proc_text *t, struct process *p)
{
	uint64_t up = time_ns() / TICK, idle = idle_total() / TICK;

	proc_printf(t, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
	return 0;
}

static int show_version(struct proc_text *t, struct process *p)
{
	const struct utsname *u = &uts_first.name;

	proc_printf(t, "%s version %s (%s) %s\n", u->sysname, u->release,
		    "riscv64-unknown-elf-gcc " __VERSION__, u->version);
	return 0;
}

static int show_cmdline(struct proc_text *t, struct process *p)
{
	proc_append(t, machine.cmdline, strlen(machine.cmdline));
	proc_append(t, "\n", 1);
	return 0;
}

static uint32_t running_count(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < nharts; i++)
		n += harts[i].nr_running;
	return n;
}

static int show_stat(struct proc_text *t, struct process *p)
{
	uint64_t user = 0, system = 0, irqs = 0, switches = 0;
	uint64_t booted = (time_realtime() - time_ns()) / NSEC_PER_SEC;

	for (uint32_t i = 0; i < nharts; i++) {
		user += harts[i].busy_user;
		system += harts[i].busy_system;
		irqs += harts[i].irq_count;
		switches += harts[i].switches;
	}
	proc_printf(t, "cpu  %lu 0 %lu %lu 0 0 0 0 0 0\n", user / TICK, system / TICK,
		    idle_total() / TICK);
	for (uint32_t i = 0; i < nharts; i++)
		proc_printf(t, "cpu%u %lu 0 %lu %lu 0 0 0 0 0 0\n", i, harts[i].busy_user / TICK,
			    harts[i].busy_system / TICK, hart_idle_time(&harts[i]) / TICK);
	proc_printf(t, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %lu\n", irqs, switches, booted,
		    (unsigned long)fork_count());
	proc_printf(t, "procs_running %u\nprocs_blocked 0\n", running_count());
	return 0;
}

static int show_loadavg(struct proc_text *t, struct process *p)
{
	uint64_t load[3];

	loadavg_get(load);
	for (int i = 0; i < 3; i++)
		proc_printf(t, "%lu.%02lu ", load[i] >> 16, ((load[i] & 0xffff) * 100) >> 16);
	proc_printf(t, "%u/%u %d\n", running_count(), thread_count(),
		    current()->process ? current()->process->pid : 0);
	return 0;
}

static int show_filesystems(struct proc_text *t, struct process *p)
{
	for (struct fstype *fs = fstype_next(NULL); fs; fs = fstype_next(fs))
		proc_printf(t, "%s\t%s\n", fs->needs_device ? "" : "nodev", fs->name);
	return 0;
}


static int show_partitions(struct proc_text *t, struct process *p)
{
	proc_printf(t, "major minor  #blocks  name\n\n");
	for (struct blockdev *b = blockdev_next(NULL); b; b = blockdev_next(b))
		proc_printf(t, "%4u  %7u %10lu %s\n", b->dev >> 20, b->dev & 0xfffff,
			    (unsigned long)(b->sectors / 2), b->name);
	return 0;
}

static int show_swaps(struct proc_text *t, struct process *p)
{
	struct swap_line line;

	proc_printf(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	for (uint32_t n = 0; swap_line_next(n, &line); n = line.number + 1)
		proc_printf(t, "%-39s %s\t%lu\t%s%lu\t%s%d\n", line.name,
			    line.file ? "file\t" : "partition", line.size * 4,
			    line.size * 4 < 10000000 ? "\t" : "", line.used * 4,
			    line.used * 4 < 10000000 ? "\t" : "", line.priority);
	return 0;
}

void proc_show_disk_stats(struct proc_text *t, const struct blockdev *b)
{
	static const enum bio_op order[] = {BIO_READ, BIO_WRITE};
	uint64_t ns = b->stats.ns[BIO_READ] + b->stats.ns[BIO_WRITE];

	for (int i = 0; i < 2; i++)
		proc_printf(t, " %lu %lu %lu %lu", (unsigned long)b->stats.ios[order[i]],
			    (unsigned long)b->stats.merges[order[i]],
			    (unsigned long)b->stats.sectors[order[i]],
			    (unsigned long)(b->stats.ns[order[i]] / NSEC_PER_MSEC));
	/* Requests that overlap count twice. */
	proc_printf(t, " 0 %lu 0\n", (unsigned long)DIV_ROUND_UP(ns, NSEC_PER_MSEC));
}

static int show_diskstats(struct proc_text *t, struct process *p)
{
	for (struct blockdev *b = blockdev_next(NULL); b; b = blockdev_next(b)) {
		proc_printf(t, "%4u %7u %s", b->dev >> 20, b->dev & 0xfffff, b->name);
		proc_show_disk_stats(t, b);
	}
	return 0;
}

static int store_sysrq(struct process *p, char *text, size_t len)
{
	switch (text[0]) {
	case 'c':
		panic("asked for through sysrq-trigger");
	case 'b':
		machine_restart();
	case 'o':
		vfs_shutdown();
		machine_poweroff(0);
	case 's':
		sync_everything();
		return 0;
	}
	return 0;
}

static ssize64_t link_self(struct process *p, char *buf, size_t size)
{
	if (!current()->process)
		return -ENOENT;
	return snprintf(buf, size, "%d", current()->process->pid);
}

static ssize64_t link_thread_self(struct process *p, char *buf, size_t size)
{
	if (!current()->process)
		return -ENOENT;
	return snprintf(buf, size, "%d/task/%d", current()->process->pid, current()->tid);
}

static ssize64_t link_mounts(struct process *p, char *buf, size_t size)
{
	return (ssize64_t)strlcpy(buf, "self/mounts", size);
}

static const struct proc_entry sysvipc_entries[] = {
	{.name = "msg", .mode = S_IFREG | 0444, .show = proc_show_msg, .ipc = true},
	{.name = "sem", .mode = S_IFREG | 0444, .show = proc_show_sem, .ipc = true},
	{.name = "shm", .mode = S_IFREG | 0444, .show = proc_show_shm, .ipc = true},
	{.mode = 0},
};

const struct proc_entry proc_root_entries[] = {
	{.name = "self", .mode = S_IFLNK | 0777, .readlink = link_self},
	{.name = "buddyinfo", .mode = S_IFREG | 0444, .show = proc_show_buddyinfo},
	{.name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline},
	{.name = "cpuinfo", .mode = S_IFREG | 0444, .show = show_cpuinfo},
	{.name = "devices", .mode = S_IFREG | 0444, .show = proc_show_devices},
	{.name = "diskstats", .mode = S_IFREG | 0444, .show = show_diskstats},
	{.name = "filesystems", .mode = S_IFREG | 0444, .show = show_filesystems},
	{.name = "key-users", .mode = S_IFREG | 0444, .show = proc_show_key_users},
	{.name = "keys", .mode = S_IFREG | 0444, .show = proc_show_keys},
	{.name = "kpagecount", .mode = S_IFREG | 0400, .read = proc_read_kpagecount},
	{.name = "kpageflags", .mode = S_IFREG | 0400, .read = proc_read_kpageflags},
	{.name = "loadavg", .mode = S_IFREG | 0444, .show = show_loadavg},
	{.name = "locks", .mode = S_IFREG | 0444, .more = proc_more_locks},
	{.name = "meminfo", .mode = S_IFREG | 0444, .show = proc_show_meminfo},
	{.name = "mounts", .mode = S_IFLNK | 0777, .readlink = link_mounts},
	{.name = "net", .mode = S_IFDIR | 0555, .children = proc_net_entries},
	{.name = "partitions", .mode = S_IFREG | 0444, .show = show_partitions},
	{.name = "pressure", .mode = S_IFDIR | 0555, .children = proc_pressure_entries},
	{.name = "slabinfo", .mode = S_IFREG | 0400, .show = proc_show_slabinfo},
	{.name = "stat", .mode = S_IFREG | 0444, .show = show_stat},
	{.name = "swaps", .mode = S_IFREG | 0444, .show = show_swaps},
	{.name = "sys", .mode = S_IFDIR | 0555, .sized = true, .children = proc_sys_entries},
	{.name = "sysrq-trigger", .mode = S_IFREG | 0200, .store = store_sysrq, .unmoved = true},
	{.name = "sysvipc", .mode = S_IFDIR | 0555, .children = sysvipc_entries},
	{.name = "thread-self", .mode = S_IFLNK | 0777, .readlink = link_thread_self},
	{.name = "uptime", .mode = S_IFREG | 0444, .show = show_uptime},
	{.name = "version", .mode = S_IFREG | 0444, .show = show_version},
	{.name = "vmstat", .mode = S_IFREG | 0444, .show = proc_show_vmstat},
	{.name = "zoneinfo", .mode = S_IFREG | 0444, .show = proc_show_zoneinfo},
	{.mode = 0},
};

