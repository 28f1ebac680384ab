/*
 * mount(2), umount2(2), pivot_root(2), and the text of /proc/mounts.
 */
#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/mountns.h"
#include "fs/propagate.h"
#include "fs/vfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define PER_MOUNT                                                                                  \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME |               \
	 MS_STRICTATIME | MS_NOSYMFOLLOW)
#define PER_VOLUME  (MS_RDONLY | MS_SYNCHRONOUS)
#define ATIME_KINDS (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)
#define PROPAGATION (MS_PRIVATE | MS_SLAVE | MS_SHARED | MS_UNBINDABLE)
#define ACCEPTED                                                                                   \
	(PER_MOUNT | PER_VOLUME | MS_REMOUNT | MS_BIND | MS_MOVE | MS_REC | MS_SILENT |            \
	 MS_RELATIME | PROPAGATION)

static int remount(struct path *at, uint32_t flags, const char *options)
{
	struct mount *m = at->mnt;
	int err = mount_change(at, 0, 0, 0, false); /* may it be? */

	if (err)
		return err;
	/* Access times stay as they were unless something is said about them. */
	if (!(flags & ATIME_KINDS))
		flags |= atomic_load(&m->flags) & ATIME_KINDS;
	/* With MS_BIND only this mount changes, else the volume does too. */
	if (!(flags & MS_BIND))
		err = super_change(m->sb, flags, PER_VOLUME, options);
	return err ? err : mount_change(at, flags & PER_MOUNT, PER_MOUNT, 0, false);
}

struct fstype *mount_type(const char *name)
{
	return fstype_find(!strcmp(name, "ext3") || !strcmp(name, "ext4") ? "ext2" : name);
}

struct blockdev *mount_device(const char *source)
{
	struct blockdev *bdev = err_ptr(-ENOTBLK);
	struct inode *inode;
	struct path p;
	int err = path_lookup(AT_FDCWD, source, WALK_FOLLOW, &p);

	if (err)
		return err_ptr(err);
	inode = p.dentry->inode;
	if (S_ISBLK(inode->mode) && (atomic_load(&p.mnt->flags) & MS_NODEV))
		bdev = err_ptr(-EACCES);
	else if (S_ISBLK(inode->mode)) {
		bdev = blockdev_by_dev(inode->rdev);
		if (!bdev)
			bdev = err_ptr(-ENXIO);
	}
	path_put(&p);
	return bdev;
}

static int mount_new(const char *source, struct path *at, const char *type, uint32_t flags,
		     const char *options)
{
	struct fstype *t = mount_type(type);
	struct blockdev *bdev = NULL;

	if (!t)
		return -ENODEV;
	if (t->needs_device) {
		bdev = mount_device(source);
		if (is_err(bdev))
			return (int)ptr_err(bdev);
	}
	if (!S_ISDIR(at->dentry->inode->mode))
		return -ENOTDIR;
	return mount_add(source, bdev, at, t, flags & (PER_MOUNT | PER_VOLUME), options);
}

/* MS_BIND, or else MS_MOVE. */
static int mount_other(const char *source, struct path *at, uint32_t flags)
{
	struct path what;
	int err;

	if (!(flags & MS_BIND) && !*source)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, source, WALK_FOLLOW, &what);
	if (err)
		return err;
	err = flags & MS_BIND ? mount_bind(&what, at, flags & MS_REC)
			      : mount_move(&what, at, false);
	path_put(&what);
	return err;
}

int propagation_kind(uint32_t flags)
{
	uint32_t kind = flags & ~(uint32_t)(MS_REC | MS_SILENT);

	if (!kind || (kind & ~(uint32_t)PROPAGATION) || (kind & (kind - 1)))
		return -EINVAL;
	return (int)kind;
}

static int propagation_change(const struct path *at, uint32_t flags)
{
	int kind = propagation_kind(flags);

	return kind < 0 ? kind : mount_change(at, 0, 0, (uint32_t)kind, flags & MS_REC);
}

static int mount_perform(const char *source, const char *target, const char *type, uint32_t flags,
		    const char *options)
{
	struct path at;
	int err = path_lookup(AT_FDCWD, target, WALK_FOLLOW, &at);

	if (err)
		return err;
	if (flags & MS_REMOUNT)
		err = remount(&at, flags, options);
	else if (flags & MS_BIND)
		err = mount_other(source, &at, flags);
	else if (flags & PROPAGATION)
		err = propagation_change(&at, flags);
	else if (flags & MS_MOVE)
		err = mount_other(source, &at, flags);
	else if (!type)
		err = -EINVAL;
	else
		err = mount_new(source, &at, type, flags, options);
	path_put(&at);
	return err;
}

/* A string argument of mount(2), which may be absent. */
static int string_get(struct pathname *p, uaddr_t user)
{
	if (user)
		return pathname_get(p, user);
	p->inline_buf[0] = '\0';
	p->s = p->inline_buf;
	return 0;
}

/* At most a page of options; shorter if the rest cannot be read. */
static int options_get(struct pathname *p, uaddr_t user)
{
	int err = string_get(p, user);

	return err == -ENAMETOOLONG ? -EINVAL : err;
}

SYSCALL5(mount, uaddr_t, source, uaddr_t, target, uaddr_t, type, uint64_t, flags, uaddr_t, data)
{
	struct pathname s, t, k, o;
	int err;

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(uint64_t)MS_MGC_MSK;
	if (flags & ~(uint64_t)ACCEPTED)
		return -EINVAL;
	if (flags & MS_STRICTATIME)
		flags &= ~(uint64_t)MS_NOATIME;
	err = pathname_get(&t, target);
	if (err)
		return err;
	err = string_get(&s, source);
	if (err)
		goto out_target;
	err = string_get(&k, type);
	if (err)
		goto out_source;
	err = options_get(&o, data);
	if (err)
		goto out_type;
	err = mount_perform(s.s, t.s, type ? k.s : NULL, (uint32_t)flags, o.s);
	pathname_put(&o);
out_type:
	pathname_put(&k);
out_source:
	pathname_put(&s);
out_target:
	pathname_put(&t);
	return err;
}

SYSCALL2(umount2, uaddr_t, target, int, flags)
{
	unsigned walk = WALK_QUIET | (flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW);
	struct mount *m;
	struct path p;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup_user(AT_FDCWD, target, walk, &p);
	if (err)
		return err;
	mount_cross(&p);
	m = p.mnt;
	if (p.dentry != m->root || ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH))))
		err = -EINVAL;
	else if (!m->parent)
		err = m == mount_ns_own()->root && !(flags & MNT_EXPIRE) ? -EBUSY : -EINVAL;
	if (err) {
		path_put(&p);
		return err;
	}
	mount_get(m);
	path_put(&p);
	err = flags & MNT_EXPIRE ? mount_expire(m) : 0;
	if (!err)
		return mount_remove(m, flags & MNT_DETACH);
	mount_put(m);
	return err;
}

SYSCALL2(pivot_root, uaddr_t, new_root, uaddr_t, put_old)
{
	const unsigned walk = WALK_FOLLOW | WALK_DIRECTORY;
	struct path new, put;
	int err;

	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup_user(AT_FDCWD, new_root, walk, &new);
	if (err)
		return err;
	err = path_lookup_user(AT_FDCWD, put_old, walk, &put);
	if (!err) {
		err = mount_pivot(&new, &put);
		path_put(&put);
	}
	path_put(&new);
	return err;
}

static void options_show(struct mount *m, char *buf, size_t size)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} names[] = {
		{MS_NOSUID, ",nosuid"},	  {MS_NODEV, ",nodev"},
		{MS_NOEXEC, ",noexec"},	  {MS_NOATIME, ",noatime"},
		{MS_NODIRATIME, ",nodiratime"}, {MS_NOSYMFOLLOW, ",nosymfollow"},
	};
	uint32_t flags = atomic_load(&m->flags);
	bool ro = (flags & MS_RDONLY) || atomic_load(&m->sb->readonly);

	strlcpy(buf, ro ? "ro" : "rw", size);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (flags & names[i].flag)
			strlcat(buf, names[i].text, size);
	}
	if (!(flags & (MS_NOATIME | MS_STRICTATIME)))
		strlcat(buf, ",relatime", size);
}

static void super_options_show(struct super_block *sb, char *buf, size_t size)
{
	if (sb->ops->show_options)
		sb->ops->show_options(sb, buf, size);
}

/*
 * The part of a line of mountinfo that mounts has not: numbers, and the root in the file system.
 * text has room for two paths.
 */
static size_t numbers_show(struct mount *m, char *text, char *buf, size_t size)
{
	const char *root = dentry_string(m->root, text, PATH_MAX);

	path_escape(is_err(root) ? "" : root, text + PATH_MAX, PATH_MAX);
	return (size_t)scnprintf(buf, size, "%u %u %u:%u %s ", m->id,
				 m->parent ? m->parent->id : 0, MAJOR(m->sb->dev),
				 MINOR(m->sb->dev), text + PATH_MAX);
}

/* The optional fields of a line of mountinfo, each with a blank before it. */
static void groups_show(const struct mount *m, const struct path *root, char *buf, size_t size)
{
	struct propagation p;
	size_t n = 0;

	propagation_get(m, root, &p);
	buf[0] = '\0';
	if (p.group)
		n += (size_t)scnprintf(buf, size, " shared:%u", p.group);
	if (p.master)
		n += (size_t)scnprintf(buf + n, size - n, " master:%u", p.master);
	if (p.source && p.source != p.master)
		n += (size_t)scnprintf(buf + n, size - n, " propagate_from:%u", p.source);
	if (m->unbindable)
		scnprintf(buf + n, size - n, " unbindable");
}

size_t mount_show(struct mount *m, const struct path *root, bool info, char *buf, size_t size,
		  char *text)
{
	struct path p = {m, m->root};
	char options[128], super[64], source[128], groups[96], *at;
	const char *type = m->sb->type->name;
	bool lost;
	size_t n = 0;

	at = path_string_from(&p, root, text, PATH_MAX, &lost, false);
	if (!is_err(at) && !lost) {
		if (info)
			n = numbers_show(m, text + 2 * PATH_MAX, buf, size);
		path_escape(at, text + PATH_MAX, PATH_MAX);
		path_escape(*m->source ? m->source : "none", source, sizeof(source));
		options_show(m, options, sizeof(options));
		strlcpy(super, atomic_load(&m->sb->readonly) ? "ro" : "rw", sizeof(super));
		if (atomic_load(&m->sb->synchronous))
			strlcat(super, ",sync", sizeof(super));
		super_options_show(m->sb, super, sizeof(super));
		if (info) {
			groups_show(m, root, groups, sizeof(groups));
			n += (size_t)scnprintf(buf + n, size - n, "%s %s%s - %s %s %s\n",
					       text + PATH_MAX, options, groups, type, source,
					       super);
		} else {
			/* Behind the mount's own, without what it has said already. */
			n = (size_t)scnprintf(buf, size, "%s %s %s %s%s 0 0\n", source,
					      text + PATH_MAX, type, options, super + 2);
		}
	}
	return n;
}
