/*
 * /proc/sys/debug: the door for tests in user space to what only a debug kernel has.
 */
#include "fs/procfs/procfs.h"
#include "tests/kernel/audit.h"

static int store_audit(struct process *p, char *text, size_t len)
{
	return memory_audit();
}

const struct proc_entry proc_debug_entries[] = {
	{.name = "audit", .mode = S_IFREG | 0200, .store = store_audit},
	{.mode = 0},
};
