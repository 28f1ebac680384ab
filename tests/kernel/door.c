/*
 * /proc/sys/debug: the door for tests in user space to what only a debug kernel has.
 */
#include "drivers/block/queue.h"
#include "fs/procfs/procfs.h"
#include "kernel/uapi/errno.h"
#include "tests/kernel/audit.h"
#include "tests/kernel/inject.h"

static int store_audit(struct process *p, char *text, size_t len)
{
	return memory_audit();
}

static int show_fail_alloc(struct proc_text *t, struct process *p)
{
	uint32_t count;
	bool failed;

	inject_disarm(&count, &failed);
	proc_printf(t, "%u %u\n", count, failed);
	return 0;
}

static int store_fail_alloc(struct process *p, char *text, size_t len)
{
	uint32_t n = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		n = n * 10 + (uint32_t)(*text - '0');
	inject_arm(n);
	return 0;
}

static int store_fail_block(struct process *p, char *text, size_t len)
{
	for (struct blockdev *d = blockdev_next(NULL); d; d = blockdev_next(d))
		if (d->queue && block_queue_fail(d->queue, text))
			return 0;
	return -ENODEV;
}

const struct proc_entry proc_debug_entries[] = {
	{.name = "audit", .mode = S_IFREG | 0200, .store = store_audit},
	{.name = "fail_alloc", .mode = S_IFREG | 0600, .show = show_fail_alloc,
	 .store = store_fail_alloc},
	{.name = "fail_block", .mode = S_IFREG | 0200, .store = store_fail_block},
	{.mode = 0},
};
