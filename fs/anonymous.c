/*
 * Open files without a name or a place: eventfd, epoll and the like. They share one inode, which
 * says nothing about them.
 */
#include "fs/mount.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/uapi/statfs.h"

static struct mount *anonymous_mount;
static struct inode *the_inode;

struct file *file_anonymous(const char *name, uint32_t flags, const struct file_ops *ops,
			    void *data)
{
	struct path p = {.mnt = anonymous_mount};
	struct file *f;

	p.dentry = dentry_anonymous(anonymous_mount->sb, name, inode_get(the_inode));
	if (!p.dentry) {
		inode_put(the_inode);
		return err_ptr(-ENOMEM);
	}
	f = file_alloc(&p, flags & ~(uint32_t)O_CLOEXEC, (flags + 1) & (FILE_READ | FILE_WRITE),
		       ops); /* O_RDONLY, O_WRONLY, O_RDWR are 0, 1, 2 */
	dentry_put(p.dentry);
	if (!is_err(f))
		f->data = data;
	return f;
}

int file_anonymous_fd(const char *name, uint32_t flags, const struct file_ops *ops, void *data)
{
	struct file *f = file_anonymous(name, flags, ops, data);
	int fd;

	if (is_err(f))
		return (int)ptr_err(f);
	fd = fd_install(f, 0, flags & O_CLOEXEC);
	if (fd < 0)
		file_free(f);
	return fd;
}

static void anonymous_free(struct inode *inode)
{
	/* Its first reference stays. */
}

static const struct super_ops anonymous_ops = {.free = anonymous_free};

void anonymous_init(void)
{
	anonymous_mount = super_internal("anon_inodefs", ANON_INODE_FS_MAGIC, &anonymous_ops);
	the_inode = kzalloc(sizeof(*the_inode));
	assert_always(the_inode);
	inode_init(the_inode, anonymous_mount->sb, 1, 0600);
	the_inode->nlink = 1;
}
