/*
 * procfs: /proc/pressure, in the format of Linux (Documentation/accounting/psi.rst).
 */
#include "fs/procfs/procfs.h"
#include "kernel/psi.h"

static int show(struct proc_text *t, enum psi_resource r)
{
	static const unsigned seconds[] = {10, 60, 300};
	static const char *const degrees[] = {"some", "full"};
	struct psi_values v[2];

	psi_read(r, v);
	for (unsigned d = 0; d < ARRAY_SIZE(v); d++) {
		proc_printf(t, "%s", degrees[d]);
		for (unsigned i = 0; i < ARRAY_SIZE(seconds); i++)
			proc_printf(t, " avg%u=%u.%02u", seconds[i], v[d].avg[i] / 100,
				    v[d].avg[i] % 100);
		proc_printf(t, " total=%lu\n", (unsigned long)v[d].total);
	}
	return 0;
}

static int show_cpu(struct proc_text *t, struct process *p)
{
	return show(t, PSI_CPU);
}

static int show_io(struct proc_text *t, struct process *p)
{
	return show(t, PSI_IO);
}

static int show_memory(struct proc_text *t, struct process *p)
{
	return show(t, PSI_MEMORY);
}

/* A trigger, to be polled. There are none. */
static int store_trigger(struct process *p, char *text, size_t len)
{
	return -EOPNOTSUPP;
}

const struct proc_entry proc_pressure_entries[] = {
	{.name = "cpu", .mode = S_IFREG | 0666, .show = show_cpu, .store = store_trigger},
	{.name = "io", .mode = S_IFREG | 0666, .show = show_io, .store = store_trigger},
	{.name = "memory", .mode = S_IFREG | 0666, .show = show_memory, .store = store_trigger},
	{.mode = 0},
};
