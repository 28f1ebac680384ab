/*
 * sysfs: the few files below /sys that Linux programs look for, in Linux's formats. The tree is
 * made as procfs's is; a directory of disks has one folder for each that there is.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/procfs/procfs.h"
#include "kernel/chardev.h"
#include "kernel/swap/zpool.h"
#include "kernel/swap/zswap.h"
#include "lib/page.h"
#include "lib/string.h"
#include "mm/thp.h"

static const struct proc_entry system_entries[] = {
	{.name = "cpu", .mode = S_IFDIR | 0755, .children = proc_cpu_entries,
	 .harts = true},
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
	proc_printf(t, "%d\n", d->readonly);
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

static const struct proc_entry queue_entries[] = {
	{.name = "hw_sector_size", .mode = S_IFREG | 0444, .show_disk = show_block_size},
	{.name = "logical_block_size", .mode = S_IFREG | 0444, .show_disk = show_block_size},
	{.name = "max_sectors_kb", .mode = S_IFREG | 0444, .show_disk = show_request_kb},
	{.name = "physical_block_size", .mode = S_IFREG | 0444, .show_disk = show_block_size},
	{.name = "rotational", .mode = S_IFREG | 0444, .show_disk = show_zero},
	{.mode = 0},
};

static const struct proc_entry disk_entries[] = {
	{.name = "dev", .mode = S_IFREG | 0444, .show_disk = show_dev},
	{.name = "queue", .mode = S_IFDIR | 0755, .children = queue_entries},
	{.name = "removable", .mode = S_IFREG | 0444, .show_disk = show_zero},
	{.name = "ro", .mode = S_IFREG | 0444, .show_disk = show_ro},
	{.name = "size", .mode = S_IFREG | 0444, .show_disk = show_size},
	{.mode = 0},
};

static const struct proc_entry partition_entries[] = {
	{.name = "dev", .mode = S_IFREG | 0444, .show_disk = show_dev},
	{.name = "partition", .mode = S_IFREG | 0444, .show_disk = show_partition},
	{.name = "ro", .mode = S_IFREG | 0444, .show_disk = show_ro},
	{.name = "size", .mode = S_IFREG | 0444, .show_disk = show_size},
	{.name = "start", .mode = S_IFREG | 0444, .show_disk = show_start},
	{.mode = 0},
};

const struct proc_entry proc_disk_dir = {
	.name = "disk", .mode = S_IFDIR | 0755, .children = disk_entries};
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
