/*
 * Start and end: file systems registered, the root found and mounted; everything written back.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/nsfs.h"
#include "fs/event/event.h"
#include "fs/ext2/ext2.h"
#include "fs/jbd2/jbd2.h"
#include "fs/loop.h"
#include "fs/mount.h"
#include "fs/procfs/procfs.h"
#include "fs/socket/socket.h"
#include "fs/super.h"
#include "fs/tmpfs/tmpfs.h"
#include "fs/vfs.h"
#include "kernel/machine.h"
#include "kernel/main.h"
#include "kernel/printk.h"
#include "kernel/uapi/mount.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/pagecache.h"

void vfs_init(void)
{
	dcache_init();
	icache_init();
	file_init();
	super_init();
	mount_init();
	pipe_init();
	anonymous_init();
	nsfs_init();
	epoll_init();
	inotify_init();
	fanotify_limits();
	sockets_init();
	memdev_init();
	loop_init();
	userfaultfd_init();
	journal_init();
	ext2_register();
	memfd_init();
	tmpfs_register();
	devfs_register();
	devpts_register();
	procfs_register();
	flusher_start();
	readahead_start();
}

static int mount_at(const char *type, const char *where, uint32_t flags, const char *options)
{
	struct path p;
	int err = path_lookup(AT_FDCWD, where, WALK_FOLLOW | WALK_DIRECTORY, &p);

	if (!err) {
		err = mount_add(type, NULL, &p, fstype_find(type), flags, options);
		path_put(&p);
	}
	if (err)
		pr_warn("cannot mount %s on %s: error %d\n", type, where, -err);
	return err;
}

/* root= in the form of a path under /dev. */
static bool root_name(char *buf, size_t size)
{
	struct blockdev *d;

	if (cmdline_get("root", buf, size) > 0)
		return true;
	d = blockdev_next(NULL);
	if (!d)
		return false;
	snprintf(buf, size, "/dev/%s", d->name);
	return true;
}

int vfs_mount_root(void)
{
	uint32_t flags = cmdline_has("ro") ? MS_RDONLY : 0;
	char name[128], options[128];
	struct blockdev *bdev;
	int err;

	if (!root_name(name, sizeof(name))) {
		pr_err("no disk to mount as the root\n");
		return -ENODEV;
	}
	bdev = blockdev_find(name);
	if (!bdev) {
		pr_err("root=%s: there is no such disk\n", name);
		return -ENODEV;
	}
	if (cmdline_get("rootflags", options, sizeof(options)) < 0) {
		if (cmdline_has("rootflags"))
			pr_warn("rootflags=: too long, or nothing: ignored\n");
		options[0] = '\0';
	}
	err = mount_add(name, bdev, NULL, fstype_find("ext2"), flags, options);
	if (err) {
		pr_err("root=%s: cannot mount it: error %d\n", name, -err);
		return err;
	}
	/* Without these a root can still be looked at, so a missing directory is only a warning. */
	(void)mount_at("devtmpfs", "/dev", MS_NOSUID, "");
	(void)mount_at("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "gid=5,mode=620");
	(void)mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
	return 0;
}

/* Write it out for the last time and mark it clean. */
static int super_stop(struct super_block *sb)
{
	int err;

	if (!sb->bdev || atomic_exchange(&sb->readonly, true))
		return 0;
	super_drop_unlinked(sb);
	err = super_sync(sb);
	if (!err && sb->ops->remount)
		err = sb->ops->remount(sb, true);
	return err;
}

void vfs_shutdown(void)
{
	sync_everything();
	/* Programs are gone, or stopped for good: what is still open does not matter any more. */
	(void)super_for_each(super_stop);
	super_wait_ended();
}
