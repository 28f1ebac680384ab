/*
 * procfs: the kinds of devices there are, by major number; the one zone of memory.
 */
#include "drivers/block.h"
#include "drivers/tty/pty.h"
#include "fs/procfs/meminfo.h"
#include "fs/procfs/procfs.h"
#include "kernel/chardev.h"
#include "mm/frame.h"

/* As Linux calls them; of those with a slash one name belongs to one device. */
static const struct kind {
	uint32_t major;
	const char *name;
	int minor; /* -1: any */
} chars[] = {
	{1, "mem", -1},		{4, "ttyS", -1},       {5, "/dev/tty", 0},
	{5, "/dev/console", 1}, {5, "/dev/ptmx", 2},   {10, "misc", -1},
	{PTY_MAJOR, "pts", -1},
}, blocks[] = {
	{7, "loop", -1}, {179, "mmc", -1}, {254, "virtblk", -1}, {259, "blkext", -1},
};

static bool is_kind(const struct kind *k, dev_t dev)
{
	return k->major == MAJOR(dev) && (k->minor < 0 || (uint32_t)k->minor == MINOR(dev));
}

static bool char_exists(const struct kind *k)
{
	struct chardev *c = NULL;

	while ((c = chardev_next(c)))
		if (is_kind(k, c->dev))
			return true;
	/* Those come and go with /dev/ptmx. */
	return k->major == PTY_MAJOR;
}

static bool block_exists(const struct kind *k)
{
	struct blockdev *d = NULL;

	while ((d = blockdev_next(d)))
		if (is_kind(k, d->dev))
			return true;
	return false;
}

int proc_show_devices(struct proc_text *t, struct process *p)
{
	proc_printf(t, "Character devices:\n");
	for (size_t i = 0; i < ARRAY_SIZE(chars); i++)
		if (char_exists(&chars[i]))
			proc_printf(t, "%3u %s\n", chars[i].major, chars[i].name);
	proc_printf(t, "\nBlock devices:\n");
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		if (block_exists(&blocks[i]))
			proc_printf(t, "%3u %s\n", blocks[i].major, blocks[i].name);
	return 0;
}

int proc_show_zoneinfo(struct proc_text *t, struct process *p)
{
	struct meminfo m;

	meminfo_get(&m);
	proc_printf(t, "Node 0, zone   Normal\n  pages free     %lu\n",
		    (unsigned long)m.free * KiB / PAGE_SIZE);
	proc_printf(t, "        min      %lu\n        low      %lu\n        high     %lu\n",
		    (unsigned long)frames_min, (unsigned long)frames_low,
		    (unsigned long)frames_high);
	proc_printf(t, "        managed  %lu\n", (unsigned long)frames_total);
	return 0;
}
