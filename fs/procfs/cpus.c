/*
 * /sys/devices/system/cpu: the harts, and how they hang together: one thread to a core, and all
 * cores in one package; /sys/devices/system/node: the one node, which has them and all memory.
 */
#include "fs/procfs/meminfo.h"
#include "fs/procfs/procfs.h"
#include "kernel/hart.h"

static hartmask_t all_harts(void)
{
	return nharts == MAX_HARTS ? ~(hartmask_t)0 : BIT(nharts) - 1;
}

/* Hexadecimal, as wide as the machine has harts, with a comma between words of 32. */
static void print_mask(struct proc_text *t, hartmask_t mask)
{
	int digits = (int)(nharts + 3) / 4;

	if (digits > 8)
		proc_printf(t, "%0*x,%08x\n", digits - 8, (uint32_t)(mask >> 32), (uint32_t)mask);
	else
		proc_printf(t, "%0*x\n", digits, (uint32_t)mask);
}

static int show_all(struct proc_text *t, struct process *p)
{
	unsigned last = nharts - 1;

	(void)p;
	proc_printf(t, last ? "0-%u\n" : "%u\n", last);
	return 0;
}

static int show_none(struct proc_text *t, struct process *p)
{
	(void)p;
	proc_printf(t, "\n");
	return 0;
}

static int show_kernel_max(struct proc_text *t, struct process *p)
{
	(void)p;
	proc_printf(t, "%u\n", MAX_HARTS - 1);
	return 0;
}

static int show_core(struct proc_text *t, uint32_t hart)
{
	proc_printf(t, "%u\n", hart);
	return 0;
}

static int show_core_mask(struct proc_text *t, uint32_t hart)
{
	print_mask(t, BIT(hart));
	return 0;
}

static int show_package(struct proc_text *t, uint32_t hart)
{
	(void)hart;
	proc_printf(t, "0\n");
	return 0;
}

static int show_package_mask(struct proc_text *t, uint32_t hart)
{
	(void)hart;
	print_mask(t, all_harts());
	return 0;
}

static int show_package_list(struct proc_text *t, uint32_t hart)
{
	(void)hart;
	return show_all(t, NULL);
}

static const struct proc_entry topology_entries[] = {
	{.name = "core_cpus", .mode = S_IFREG | 0444, .show_hart = show_core_mask},
	{.name = "core_cpus_list", .mode = S_IFREG | 0444, .show_hart = show_core},
	{.name = "core_id", .mode = S_IFREG | 0444, .show_hart = show_core},
	{.name = "core_siblings", .mode = S_IFREG | 0444, .show_hart = show_package_mask},
	{.name = "core_siblings_list", .mode = S_IFREG | 0444, .show_hart = show_package_list},
	{.name = "package_cpus", .mode = S_IFREG | 0444, .show_hart = show_package_mask},
	{.name = "package_cpus_list", .mode = S_IFREG | 0444, .show_hart = show_package_list},
	{.name = "physical_package_id", .mode = S_IFREG | 0444, .show_hart = show_package},
	{.name = "thread_siblings", .mode = S_IFREG | 0444, .show_hart = show_core_mask},
	{.name = "thread_siblings_list", .mode = S_IFREG | 0444, .show_hart = show_core},
	{.mode = 0},
};

static const struct proc_entry hart_entries[] = {
	{.name = "topology", .mode = S_IFDIR | 0755, .children = topology_entries},
	{.mode = 0},
};

const struct proc_entry proc_hart_dir = {
	.name = "cpu", .mode = S_IFDIR | 0755, .children = hart_entries};

const struct proc_entry proc_cpu_entries[] = {
	{.name = "isolated", .mode = S_IFREG | 0444, .show = show_none},
	{.name = "kernel_max", .mode = S_IFREG | 0444, .show = show_kernel_max},
	{.name = "offline", .mode = S_IFREG | 0444, .show = show_none},
	{.name = "online", .mode = S_IFREG | 0444, .show = show_all},
	{.name = "possible", .mode = S_IFREG | 0444, .show = show_all},
	{.name = "present", .mode = S_IFREG | 0444, .show = show_all},
	{.mode = 0},
};

/* --- /sys/devices/system/node --- */

static int show_first(struct proc_text *t, struct process *p)
{
	(void)p;
	proc_printf(t, "0\n");
	return 0;
}

static int show_node_mask(struct proc_text *t, struct process *p)
{
	(void)p;
	print_mask(t, all_harts());
	return 0;
}

static int show_distance(struct proc_text *t, struct process *p)
{
	(void)p;
	proc_printf(t, "10\n");
	return 0;
}

static int show_node_memory(struct proc_text *t, struct process *p)
{
	struct meminfo m;

	(void)p;
	meminfo_get(&m);
	proc_printf(t, "Node 0 MemTotal:       %8lu kB\n", m.total);
	proc_printf(t, "Node 0 MemFree:        %8lu kB\n", m.free);
	proc_printf(t, "Node 0 MemUsed:        %8lu kB\n", m.total - m.free);
	return 0;
}

static const struct proc_entry node_dir_entries[] = {
	{.name = "cpulist", .mode = S_IFREG | 0444, .show = show_all},
	{.name = "cpumap", .mode = S_IFREG | 0444, .show = show_node_mask},
	{.name = "distance", .mode = S_IFREG | 0444, .show = show_distance},
	{.name = "meminfo", .mode = S_IFREG | 0444, .show = show_node_memory},
	{.mode = 0},
};

const struct proc_entry proc_node_entries[] = {
	{.name = "has_cpu", .mode = S_IFREG | 0444, .show = show_first},
	{.name = "has_memory", .mode = S_IFREG | 0444, .show = show_first},
	{.name = "has_normal_memory", .mode = S_IFREG | 0444, .show = show_first},
	{.name = "node0", .mode = S_IFDIR | 0755, .children = node_dir_entries},
	{.name = "online", .mode = S_IFREG | 0444, .show = show_first},
	{.name = "possible", .mode = S_IFREG | 0444, .show = show_first},
	{.mode = 0},
};
