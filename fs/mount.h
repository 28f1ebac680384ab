/*
 * Mounts: what they are, and changing their tree, for the system calls and for shutdown.
 */
#pragma once

#include "fs/vfs.h"

/* In mount.flags: MNT_EXPIRE has found it unused, and nobody has walked into it since. */
#define MOUNT_EXPIRING (UINT32_C(1) << 31)

/* In mount.flags: it is read-only for the moment, until it is known whether it can stay so. */
#define MOUNT_HELD (UINT32_C(1) << 29)
/* In the flags of mount_make: -EBUSY if the volume is in use already. */
#define SUPER_EXCLUSIVE (UINT32_C(1) << 30)

/* What statmount(2) adds to a mount's id. */
#define MOUNT_ID_UNIQUE (UINT64_C(1) << 31)

/* Letters as in vfs.h; and: M  mount_mutex */
struct mount_ns;

struct mount {
	struct super_block *sb;	   /* c */
	struct dentry *root;	   /* c; referenced */
	struct mount *parent;	   /* m; referenced; NULL for the first of a tree */
	struct dentry *point;	   /* m; referenced; on parent, where nothing else stands */
	struct list_head children; /* m; those that stand on it */
	struct list_head sibling;  /* m; in its parent's children */
	_Atomic int refs;	   /* a; tree membership counts as one */
	_Atomic uint32_t writers;  /* a; changes under way by way of it */
	_Atomic uint32_t flags;	   /* a; MS_RDONLY, NOSUID, ...; MOUNT_EXPIRING */
	struct list_head link;	   /* m; mounts, in order of mounting; a copy being made: none */
	uint32_t id;		   /* c */
	struct hlist_head watches; /* n; fs/notify.h */
	char *source;		   /* c; as mount(2) was given it */
	struct mount_ns *ns;	   /* m; of which it is the root; NULL: of none */

	/* Who hears of what is mounted on whom: fs/propagate.h. All M. */
	uint32_t group;		   /* the number of its peer group; 0: it is not shared */
	struct list_head peers;	   /* the ring of its peer group; alone if it is not shared */
	struct mount *master;	   /* one of the group whose slave it is, or NULL */
	struct list_head slaves;   /* those whose master it is */
	struct list_head slave;	   /* in its master's slaves */
	bool unbindable;
	struct mount *copy;	   /* while something is propagated, or copied: what it gets */
	struct list_head may_go;   /* while something goes: what that may take along */
	uint8_t fate;		   /* the same: enum fate in propagate.c */
};

extern struct mutex mount_mutex;   /* RANK_MOUNT */
extern struct list_head mounts;	   /* m */

/*
 * More cannot be made (-ENOSPC): many steps through the tree look through all of them.
 * (/proc/sys/fs/mount-max)
 */
extern uint64_t mounts_max;

void mount_init(void);
/* m is all zeroes: it stands nowhere, and has nothing to do with others. */
void mount_alone(struct mount *m);

/*
 * A mount of type (bdev: the disk of one that needs it, else NULL) that stands nowhere; source is
 * what /proc/mounts shows, flags those of the volume. Referenced, or err_ptr. May sleep.
 */
struct mount *mount_make(const char *source, struct blockdev *bdev, struct fstype *type,
			 uint32_t flags, const char *options);
/* One more mount of the same volume, with that root; it stands nowhere. NULL: no memory. */
struct mount *mount_clone(struct mount *of, struct dentry *root);
/* mount_make, and onto at; NULL: as the root of everything. flags are the mount's, too. */
int mount_add(const char *source, struct blockdev *bdev, struct path *at, struct fstype *type,
	      uint32_t flags, const char *options);
/*
 * A copy of what is at the place, which stands nowhere; recursive: with all that is mounted below,
 * but for what is unbindable. Referenced, and as after mount_float; or err_ptr: -ENOMEM; -ENOSPC;
 * -EINVAL: the place is in no tree, or unbindable.
 */
struct mount *mount_copy(const struct path *what, bool recursive);
/* A tree of its own, that only those find who have it open (fsmount(2)), until mount_dissolve. */
void mount_float(struct mount *m);
/* Unless it has found a place meanwhile, nothing in it is mounted any more. May sleep. */
void mount_dissolve(struct mount *m);
/* A copy on top of at (MS_BIND). 0; as mount_copy; -ENOENT, -EINVAL: at is gone; -ENOTDIR. */
int mount_bind(const struct path *what, const struct path *at, bool recursive);
/*
 * The mount at what, with all that is mounted below, stands on at instead; beneath: under what is
 * mounted there. 0; -EINVAL: what is the root of no mount, or of everything, or stands on what is
 * shared, at is in no tree, or is shared and something in what is unbindable, or one is a directory
 * and the other is not; -ELOOP: at is in what; -ENOENT: at has been removed; -ENOMEM; -ENOSPC.
 */
int mount_move(const struct path *what, const struct path *at, bool beneath);
/*
 * pivot_root(2): new stands where the running thread's root does, and that on put; who had that
 * root, or was there, has the new one. 0; -EBUSY: new or put is on the root's mount; -EINVAL: new
 * or the root is no mount's, new is not below the root or put not below new, or one of them hears
 * of others; -ENOENT: one has been removed.
 */
int mount_pivot(const struct path *new, const struct path *put);
/*
 * The mount whose root is at the place, recursive: with all that is mounted below, loses the flags
 * clear and gets set, and is MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE from now on (0: as
 * before); all or none. 0; -EINVAL: it is no root, or in no tree, or in another namespace's;
 * -EBUSY: one that is to become read-only is written to.
 */
int mount_change(const struct path *at, uint32_t set, uint32_t clear, uint32_t propagation,
		 bool recursive);
/*
 * The mount at to is a peer and a slave of whom the one at from is (MOVE_MOUNT_SET_GROUP). 0;
 * -EINVAL: one is no root, or in no tree, both are not of one volume, from shows less of it, from
 * is neither shared nor a slave, or to is.
 */
int mount_join(const struct path *from, const struct path *to);
/* The one of MS_SHARED and its kind in flags of mount(2), beside MS_REC, MS_SILENT; -EINVAL. */
int propagation_kind(uint32_t flags);
/* The mount of ns that statmount(2) knows by that number, or NULL. mount_mutex held. */
struct mount *mount_by_id(const struct mount_ns *ns, uint64_t id);
/*
 * Is p top, or below it? A mount that stands where the mount below does not show it any more
 * counts, as on Linux, unless it is top's own that does not.
 */
bool mount_is_below(const struct path *p, const struct path *top);
/* From a place, referenced, to what is on top of all that is mounted there. */
void mount_cross(struct path *p);
/*
 * Something is mounted at d: in the running thread's namespace? Takes dcache_lock.
 */
bool mount_point_is_own(const struct dentry *d);
/* d has lost its name: what stands there, in other namespaces, is mounted no more. May sleep. */
void mount_point_gone(const struct dentry *d);
/* Flags of a mount as MOUNT_ATTR_*. */
uint64_t mount_flags_attributes(uint32_t flags);
/*
 * MNT_EXPIRE; the caller has the only reference: 0, it may go; -EAGAIN, if asked again; -EBUSY;
 * -EINVAL: another namespace's.
 */
int mount_expire(struct mount *m);
/*
 * Take m (a reference is consumed) out of the tree; lazy: whoever uses it, with all that is mounted
 * below. 0; -EBUSY in use; -EINVAL not mounted.
 */
int mount_remove(struct mount *m, bool lazy);
/*
 * The volume becomes as flags (MS_RDONLY, MS_SYNCHRONOUS), of those in mask, and options (NULL:
 * nothing is said of them) say. 0, -EBUSY, -EACCES (device is read-only), -EROFS, -EINVAL. Takes
 * mount_mutex.
 */
int super_change(struct super_block *sb, uint32_t flags, uint32_t mask, const char *options);
/*
 * One line for /proc/mounts (fstab(5)) or, with info, for /proc/PID/mountinfo (proc(5)); bytes, 0
 * if m cannot be seen from root. text: room for four paths, to work in. mount_mutex held.
 */
size_t mount_show(struct mount *m, const struct path *root, bool info, char *buf, size_t size,
		  char *text);
/* As path_string, seen from another root; NULL: from that of all. */
char *path_string_from(const struct path *p, const struct path *root, char *buf, size_t size,
		       bool *unreachable, bool mark);

/* The way to d from its volume's root, in buf; start of the string or err_ptr(-ENAMETOOLONG). */
char *dentry_string(const struct dentry *d, char *buf, size_t size);

/* What mount(2) and fsconfig(2) name: a type, NULL; */
struct fstype *mount_type(const char *name);
/* the disk whose device file is at the path: err_ptr(-ENOTBLK) when there is no disk there. */
struct blockdev *mount_device(const char *source);
