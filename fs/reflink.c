/*
 * Files that share blocks: no file system here has them, so that all there is to do is to tell who
 * asks for something wrong from who asks for something that only is not there.
 */
#include "fs/reflink.h"

#include <stdatomic.h>

#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "kernel/uapi/fcntl.h"
#include "kernel/uapi/fs.h"
#include "mm/usercopy.h"

static int both_regular(const struct inode *a, const struct inode *b)
{
	if (S_ISDIR(a->mode) || S_ISDIR(b->mode))
		return -EISDIR;
	return S_ISREG(a->mode) && S_ISREG(b->mode) ? 0 : -EINVAL;
}

static int clone_files(const struct file *from, struct file *to)
{
	int err;

	if (from->inode->sb != to->inode->sb)
		return -EXDEV;
	err = both_regular(from->inode, to->inode);
	if (err)
		return err;
	if (!(from->kind & FILE_READ) || !(to->kind & FILE_WRITE))
		return -EBADF;
	return atomic_load(&to->flags) & O_APPEND ? -EBADF : -EOPNOTSUPP;
}

static int clone_descriptor(int64_t fd, struct file *to)
{
	struct file *from = fd_get((int)fd);
	int err;

	if (!from)
		return -EBADF;
	err = clone_files(from, to);
	file_put(from);
	return err;
}

/* All of the request is read, as if it were carried out. */
static int dedupe_read(uaddr_t arg, struct file_dedupe_range *head)
{
	size_t size;
	void *all;
	int err = 0;

	if (copy_from_user(head, arg, sizeof(*head)))
		return -EFAULT;
	size = sizeof(*head) + head->dest_count * sizeof(struct file_dedupe_range_info);
	if (size > PAGE_SIZE)
		return -ENOMEM;
	all = kmalloc(PAGE_SIZE);
	if (!all)
		return -ENOMEM;
	if (copy_from_user(all, arg, size))
		err = -EFAULT;
	kfree(all);
	return err;
}

static int dedupe(const struct file *from, uaddr_t arg)
{
	struct file_dedupe_range head;
	int err = dedupe_read(arg, &head);

	if (err)
		return err;
	if (!(from->kind & FILE_READ) || head.reserved1 || head.reserved2)
		return -EINVAL;
	err = both_regular(from->inode, from->inode);
	return err ? err : -EOPNOTSUPP;
}

long reflink_ioctl(struct file *f, uint32_t cmd, uaddr_t arg)
{
	struct file_clone_range range = {.src_fd = (int)arg};

	if (cmd == FIDEDUPERANGE)
		return dedupe(f, arg);
	if (cmd == FICLONERANGE && copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	return clone_descriptor(range.src_fd, f);
}
