/*
 * nsfs: files that stand for namespaces. Each way to one makes another inode with the same number.
 */
#include "fs/nsfs.h"

#include "fs/file.h"
#include "fs/mount.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/namespace.h"
#include "kernel/thread.h"
#include "kernel/uapi/mount.h"
#include "kernel/uapi/nsfs.h"
#include "kernel/uapi/statfs.h"
#include "lib/printf.h"
#include "mm/usercopy.h"

struct nsfs_inode {
	struct inode vfs;
	struct ns *ns; /* referenced */
};

static struct mount *nsfs_mount;

static struct ns *ns_of_inode(struct inode *inode)
{
	return container_of(inode, struct nsfs_inode, vfs)->ns;
}

/* A new descriptor of ns, whose reference goes along. */
static int nsfs_fd(struct ns *ns)
{
	struct path p;
	struct file *f;
	int err = nsfs_path(ns, &p);

	if (err)
		return err;
	f = file_open_path(&p, O_RDONLY);
	path_put(&p);
	return is_err(f) ? (int)ptr_err(f) : fd_install_or_put(f, true);
}

/* The first user namespace owns all, itself nobody: whoever asks stands in it. */
static long owner_open(const struct ns *ns)
{
	struct ns *owner;

	if (ns->kind == NS_USER)
		return -EPERM;
	owner = ns_of(current()->process, 0, NS_USER, false);
	return owner ? nsfs_fd(owner) : -EPERM;
}

static long nsfs_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	const struct ns *ns = ns_of_inode(f->inode);

	switch (cmd) {
	case NS_GET_USERNS:
		return owner_open(ns);
	case NS_GET_PARENT:
		return ns->kind == NS_USER || ns->kind == NS_PID ? -EPERM : -EINVAL;
	case NS_GET_NSTYPE:
		return ns_types[ns->kind].flag;
	case NS_GET_OWNER_UID:
		return ns->kind == NS_USER ? put_user_u32(arg, 0) : -EINVAL;
	case NS_GET_MNTNS_ID:
		return ns->kind == NS_MNT ? put_user_u64(arg, ns->number) : -EINVAL;
	}
	return -ENOTTY;
}

static const struct file_ops nsfs_fops = {.ioctl = nsfs_ioctl};
static const struct inode_ops nsfs_iops = {.setattr = NULL};
static const struct object_ops no_pages = {.name = "nsfs"};

struct ns *nsfs_of_file(const struct file *f)
{
	return f->ops == &nsfs_fops ? ns_of_inode(f->inode) : NULL;
}

bool nsfs_may_bind(const struct path *p)
{
	return p->dentry->sb == nsfs_mount->sb && ns_of_inode(p->dentry->inode)->kind != NS_MNT;
}

int nsfs_path(struct ns *ns, struct path *out)
{
	struct nsfs_inode *ni = kzalloc(sizeof(*ni));
	struct inode *inode = ni ? &ni->vfs : NULL;
	struct dentry *d;
	char name[32];

	if (!ni) {
		ns_put(ns);
		return -ENOMEM;
	}
	ni->ns = ns;
	inode_init(inode, nsfs_mount->sb, ns->number, S_IFREG | 0444);
	object_init(&inode->object, &no_pages, inode, 0);
	inode->nlink = 1;
	inode->atime = inode->mtime = inode->ctime = inode_now();
	inode->ops = &nsfs_iops;
	inode->fops = &nsfs_fops;
	snprintf(name, sizeof(name), "%s:[%lu]", ns_types[ns->kind].name,
		 (unsigned long)ns->number);
	d = dentry_anonymous(nsfs_mount->sb, name, inode);
	if (!d) {
		inode_put(inode);
		return -ENOMEM;
	}
	*out = (struct path){.mnt = mount_get(nsfs_mount), .dentry = d};
	return 0;
}

static void nsfs_free(struct inode *inode)
{
	ns_put(ns_of_inode(inode));
	kfree(container_of(inode, struct nsfs_inode, vfs));
}

static const struct super_ops nsfs_ops = {.free = nsfs_free};

void nsfs_init(void)
{
	nsfs_mount = super_internal("nsfs", NSFS_MAGIC, &nsfs_ops);
	nsfs_mount->flags = MS_STRICTATIME; /* as those that are bound have it */
}
