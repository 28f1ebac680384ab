/*
 * sysfs: the few files below /sys that Linux programs look for, in Linux's formats. The tree is
 * made as procfs's is; a directory of disks has one folder for each that there is.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/loop.h"
#include "fs/procfs/procfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/swap/zpool.h"
#include "kernel/swap/zswap.h"
#include "kernel/uapi/loop.h"
#include "lib/page.h"
#include "lib/string.h"
#include "mm/thp.h"

static const struct proc_entry system_entries[] = {
	{.name = "cpu", .mode = S_IFDIR | 0755, .children = proc_cpu_entries,
	 .harts = true},
	{.name = "node", .mode = S_IFDIR | 0755, .children = proc_node_entries},
	{.mode = 0},
};

static const struct proc_entry devices_entries[] = {
	{.name = "system", .mode = S_IFDIR | 0755, .children = system_entries},
	{.mode = 0},
};

/* --- disks --- */

static int show_dev(struct proc_text *t, const struct blockdev *d)
{
	proc_printf(t, "%u:%u\n", MAJOR(d->dev), MINOR(d->dev));
	return 0;
}

static int show_size(struct proc_text *t, const struct blockdev *d)
{
	proc_printf(t, "%lu\n", (unsigned long)d->sectors);
	return 0;
}

static int show_start(struct proc_text *t, const struct blockdev *d)
{
	proc_printf(t, "%lu\n", (unsigned long)d->start);
	return 0;
}

static int show_partition(struct proc_text *t, const struct blockdev *d)
{
	proc_printf(t, "%u\n", d->partno);
	return 0;
}

static int show_ro(struct proc_text *t, const struct blockdev *d)
{
	proc_printf(t, "%d\n", d->readonly != 0);
	return 0;
}

static int show_zero(struct proc_text *t, const struct blockdev *d)
{
	(void)d;
	proc_printf(t, "0\n");
	return 0;
}

static int show_block_size(struct proc_text *t, const struct blockdev *d)
{
	proc_printf(t, "%u\n", d->block_size);
	return 0;
}

static int show_request_kb(struct proc_text *t, const struct blockdev *d)
{
	proc_printf(t, "%u\n", d->limits.max_sectors / 2);
	return 0;
}

static int show_ahead_kb(struct proc_text *t, const struct blockdev *d)
{
	proc_printf(t, "%u\n", d->ahead / 2);
	return 0;
}

/* As a line of /proc/diskstats; what is under way, and for how long, is not counted. */
static int show_stat(struct proc_text *t, const struct blockdev *d)
{
	proc_show_disk_stats(t, d);
	return 0;
}

static const struct proc_entry queue_entries[] = {
	{.name = "hw_sector_size", .mode = S_IFREG | 0444, .show_disk = show_block_size},
	{.name = "logical_block_size", .mode = S_IFREG | 0444, .show_disk = show_block_size},
	{.name = "max_sectors_kb", .mode = S_IFREG | 0444, .show_disk = show_request_kb},
	{.name = "physical_block_size", .mode = S_IFREG | 0444, .show_disk = show_block_size},
	{.name = "read_ahead_kb", .mode = S_IFREG | 0444, .show_disk = show_ahead_kb},
	{.name = "rotational", .mode = S_IFREG | 0444, .show_disk = show_zero},
	{.mode = 0},
};

/* --- what a loop device is attached to; ENOENT: nothing --- */

static int show_loop_flag(struct proc_text *t, const struct blockdev *d, uint32_t flag)
{
	struct loop_facts facts;
	int err = loop_facts(d, &facts);

	if (!err)
		proc_printf(t, "%d\n", (facts.flags & flag) != 0);
	return err;
}

static int show_loop_autoclear(struct proc_text *t, const struct blockdev *d)
{
	return show_loop_flag(t, d, LO_FLAGS_AUTOCLEAR);
}

static int show_loop_dio(struct proc_text *t, const struct blockdev *d)
{
	return show_loop_flag(t, d, LO_FLAGS_DIRECT_IO);
}

static int show_loop_partscan(struct proc_text *t, const struct blockdev *d)
{
	return show_loop_flag(t, d, LO_FLAGS_PARTSCAN);
}

static int show_loop_file(struct proc_text *t, const struct blockdev *d)
{
	char *buf = kmalloc(PATH_MAX), *name;

	if (!buf)
		return -ENOMEM;
	name = loop_file_name(d, buf, PATH_MAX);
	if (!is_err(name))
		proc_printf(t, "%s\n", name);
	kfree(buf);
	return is_err(name) ? (int)ptr_err(name) : 0;
}

static int show_loop_offset(struct proc_text *t, const struct blockdev *d)
{
	struct loop_facts facts;
	int err = loop_facts(d, &facts);

	if (!err)
		proc_printf(t, "%lu\n", (unsigned long)facts.offset);
	return err;
}

static int show_loop_limit(struct proc_text *t, const struct blockdev *d)
{
	struct loop_facts facts;
	int err = loop_facts(d, &facts);

	if (!err)
		proc_printf(t, "%lu\n", (unsigned long)facts.limit);
	return err;
}

static const struct proc_entry loop_entries[] = {
	{.name = "autoclear", .mode = S_IFREG | 0444, .show_disk = show_loop_autoclear},
	{.name = "backing_file", .mode = S_IFREG | 0444, .show_disk = show_loop_file},
	{.name = "dio", .mode = S_IFREG | 0444, .show_disk = show_loop_dio},
	{.name = "offset", .mode = S_IFREG | 0444, .show_disk = show_loop_offset},
	{.name = "partscan", .mode = S_IFREG | 0444, .show_disk = show_loop_partscan},
	{.name = "sizelimit", .mode = S_IFREG | 0444, .show_disk = show_loop_limit},
	{.mode = 0},
};

/* Of a loop device; any other disk has what stands behind the first. */
static const struct proc_entry disk_entries[] = {
	{.name = "loop", .mode = S_IFDIR | 0755, .children = loop_entries},
	{.name = "dev", .mode = S_IFREG | 0444, .show_disk = show_dev},
	{.name = "queue", .mode = S_IFDIR | 0755, .children = queue_entries},
	{.name = "removable", .mode = S_IFREG | 0444, .show_disk = show_zero},
	{.name = "ro", .mode = S_IFREG | 0444, .show_disk = show_ro},
	{.name = "size", .mode = S_IFREG | 0444, .show_disk = show_size},
	{.name = "stat", .mode = S_IFREG | 0444, .show_disk = show_stat},
	{.mode = 0},
};

static const struct proc_entry partition_entries[] = {
	{.name = "dev", .mode = S_IFREG | 0444, .show_disk = show_dev},
	{.name = "partition", .mode = S_IFREG | 0444, .show_disk = show_partition},
	{.name = "ro", .mode = S_IFREG | 0444, .show_disk = show_ro},
	{.name = "size", .mode = S_IFREG | 0444, .show_disk = show_size},
	{.name = "start", .mode = S_IFREG | 0444, .show_disk = show_start},
	{.name = "stat", .mode = S_IFREG | 0444, .show_disk = show_stat},
	{.mode = 0},
};

const struct proc_entry proc_disk_dir = {
	.name = "disk", .mode = S_IFDIR | 0755, .children = disk_entries + 1};
const struct proc_entry proc_loop_dir = {
	.name = "loop", .mode = S_IFDIR | 0755, .children = disk_entries};
const struct proc_entry proc_partition_dir = {
	.name = "partition", .mode = S_IFDIR | 0755, .children = partition_entries};

const struct proc_entry proc_disk_link = {
	.name = "link", .mode = S_IFLNK | 0777, .link_disk = "../../class/block/"};

static const struct proc_entry numbers_entries[] = {
	{.name = "block", .mode = S_IFDIR | 0755, .disks = PROC_DISKS_LINKS},
	{.mode = 0},
};

static const struct proc_entry class_entries[] = {
	{.name = "block", .mode = S_IFDIR | 0755, .disks = PROC_DISKS_ALL},
	{.mode = 0},
};

/* --- memory --- */

static int show_thp(struct proc_text *t, struct process *p)
{
	static const char *const texts[] = {
		[THP_NEVER] = "always madvise [never]\n",
		[THP_MADVISE] = "always [madvise] never\n",
		[THP_ALWAYS] = "[always] madvise never\n",
	};
	const char *text = texts[atomic_load(&thp_mode)];

	(void)p;
	proc_append(t, text, strlen(text));
	return 0;
}

static int store_thp(struct process *p, char *text, size_t len)
{
	static const char *const words[] = {
		[THP_NEVER] = "never", [THP_MADVISE] = "madvise", [THP_ALWAYS] = "always"};

	(void)p;
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	for (uint32_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(text, words[i])) {
			atomic_store(&thp_mode, i);
			return 0;
		}
	}
	return -EINVAL;
}

static int show_huge_size(struct proc_text *t, struct process *p)
{
	(void)p;
	proc_printf(t, "%lu\n", (unsigned long)(2 * MiB));
	return 0;
}

static const struct proc_entry thp_entries[] = {
	{.name = "enabled", .mode = S_IFREG | 0644, .show = show_thp, .store = store_thp},
	{.name = "hpage_pmd_size", .mode = S_IFREG | 0444, .show = show_huge_size},
	{.mode = 0},
};

static const struct proc_entry mm_entries[] = {
	{.name = "transparent_hugepage", .mode = S_IFDIR | 0755, .children = thp_entries},
	{.mode = 0},
};

static const struct proc_entry kernel_entries[] = {
	{.name = "mm", .mode = S_IFDIR | 0755, .children = mm_entries},
	{.mode = 0},
};

/* --- parameters of what are modules on Linux --- */

static int show_zswap(struct proc_text *t, struct process *p)
{
	(void)p;
	proc_append(t, zswap_enabled ? "Y\n" : "N\n", 2);
	return 0;
}

/* As kstrtobool() reads it: the first letter, or of "on" and "off" the second, says it. */
static int store_zswap(struct process *p, char *text, size_t len)
{
	bool word = *text == 'o' || *text == 'O';
	char c = text[word];

	(void)p;
	(void)len;
	if (!c || !strchr(word ? "nNfF" : "yYtT1nNfF0", c))
		return -EINVAL;
	zswap_enabled = strchr(word ? "nN" : "yYtT1", c);
	return 0;
}

static const struct proc_number zswap_percent = {&zpool_max_percent, 0, UINT32_MAX, NULL};

static const struct proc_entry zswap_entries[] = {
	{.name = "enabled", .mode = S_IFREG | 0644, .show = show_zswap, .store = store_zswap},
	{.name = "max_pool_percent", .mode = S_IFREG | 0644, .number = &zswap_percent},
	{.mode = 0},
};

static const struct proc_entry zswap_dir_entries[] = {
	{.name = "parameters", .mode = S_IFDIR | 0755, .children = zswap_entries},
	{.mode = 0},
};

static const struct proc_entry module_entries[] = {
	{.name = "zswap", .mode = S_IFDIR | 0755, .children = zswap_dir_entries},
	{.mode = 0},
};

const struct proc_entry sysfs_root_entries[] = {
	{.name = "block", .mode = S_IFDIR | 0755, .disks = PROC_DISKS_WHOLE},
	{.name = "class", .mode = S_IFDIR | 0755, .children = class_entries},
	{.name = "dev", .mode = S_IFDIR | 0755, .children = numbers_entries},
	{.name = "devices", .mode = S_IFDIR | 0755, .children = devices_entries},
	{.name = "kernel", .mode = S_IFDIR | 0755, .children = kernel_entries},
	{.name = "module", .mode = S_IFDIR | 0755, .children = module_entries},
	{.mode = 0},
};
