/*
 * Character devices as open files.
 */
#include <stdatomic.h>

#include "fs/vfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"

int chardev_file_open(struct file *f, struct chardev *dev)
{
	struct chardev_file *cf = kzalloc(sizeof(*cf));
	int err = 0;

	if (!cf)
		return -ENOMEM;
	cf->file = f;
	cf->dev = dev;
	cf->flags = f->flags;
	if (dev->ops->open)
		err = dev->ops->open(cf);
	if (err) {
		kfree(cf);
		return err;
	}
	f->data = cf;
	if (dev->ops->seek)
		f->kind |= FILE_SEEK;
	return 0;
}

static int chardev_open(struct inode *inode, struct file *f)
{
	struct chardev *dev = chardev_find(inode->rdev);

	return dev ? chardev_file_open(f, dev) : -ENXIO;
}

static void chardev_release(struct file *f)
{
	struct chardev_file *cf = f->data;

	if (cf->dev->ops->release)
		cf->dev->ops->release(cf);
	kfree(cf);
}

static struct chardev_file *chardev_of(struct file *f)
{
	struct chardev_file *cf = f->data;

	cf->flags = atomic_load(&f->flags);
	return cf;
}

static ssize64_t chardev_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct chardev_file *cf = chardev_of(f);

	return cf->dev->ops->read ? cf->dev->ops->read(cf, u, pos) : -EINVAL;
}

static ssize64_t chardev_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct chardev_file *cf = chardev_of(f);

	return cf->dev->ops->write ? cf->dev->ops->write(cf, u, pos) : -EINVAL;
}

static int64_t chardev_seek(struct file *f, int64_t offset, int whence)
{
	struct chardev_file *cf = chardev_of(f);

	return whence < 0 || whence > SEEK_HOLE ? -EINVAL : cf->dev->ops->seek(cf, offset, whence);
}

static long chardev_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	struct chardev_file *cf = chardev_of(f);

	return cf->dev->ops->ioctl ? cf->dev->ops->ioctl(cf, cmd, arg) : -ENOTTY;
}

static uint32_t chardev_poll(struct file *f, struct poll_table *pt)
{
	struct chardev_file *cf = chardev_of(f);

	if (!cf->dev->ops->poll)
		return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	return cf->dev->ops->poll(cf, pt);
}

static struct async_list *chardev_async(struct file *f)
{
	struct chardev_file *cf = f->data;

	return cf->dev->ops->async ? cf->dev->ops->async(cf) : NULL;
}

const struct file_ops chardev_fops = {
	.open = chardev_open,
	.release = chardev_release,
	.read = chardev_read,
	.write = chardev_write,
	.seek = chardev_seek,
	.ioctl = chardev_ioctl,
	.poll = chardev_poll,
	.async = chardev_async,
};

struct chardev *file_chardev(struct file *f)
{
	return f->ops == &chardev_fops ? ((struct chardev_file *)f->data)->dev : NULL;
}
