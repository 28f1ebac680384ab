/*
 * Modules of the kernel: there are none, and whatever is offered as one is not for this kernel.
 */
#include <stdatomic.h>

#include "fs/vfs.h"
#include "kernel/elf.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "mm/usercopy.h"

#define NAME_SIZE   56u /* of a module, with its end */
#define IMAGE_MAX   INT32_MAX
#define FINIT_FLAGS 3u /* MODULE_INIT_IGNORE_*; nothing is decompressed */

SYSCALL3(init_module, uaddr_t, image, uint64_t, len, uaddr_t, args)
{
	uint8_t part[256];

	(void)args;
	if (!cred_capable(CAP_SYS_MODULE))
		return -EPERM;
	if (len < sizeof(struct elf_header))
		return -ENOEXEC;
	if (len > IMAGE_MAX)
		return -ENOMEM;
	for (uint64_t at = 0; at < len; at += sizeof(part))
		if (copy_from_user(part, image + at, MIN(sizeof(part), len - at)))
			return -EFAULT;
	return -ENOEXEC;
}

SYSCALL3(finit_module, int, fd, uaddr_t, args, int, flags)
{
	struct file *f;
	int err = -ENOEXEC;

	(void)args;
	if (!cred_capable(CAP_SYS_MODULE))
		return -EPERM;
	if ((uint32_t)flags & ~FINIT_FLAGS)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (!(f->kind & FILE_READ))
		err = -EBADF;
	else if (!S_ISREG(f->inode->mode))
		err = -EINVAL;
	else if (atomic_load(&f->inode->writers) > 0)
		err = -ETXTBSY;
	else if (!file_size(f))
		err = -EINVAL;
	file_put(f);
	return err;
}

SYSCALL2(delete_module, uaddr_t, name, uint32_t, flags)
{
	char buf[NAME_SIZE];
	long n;

	(void)flags;
	if (!cred_capable(CAP_SYS_MODULE))
		return -EPERM;
	n = strncpy_from_user(buf, name, sizeof(buf));
	return n == -EFAULT ? -EFAULT : -ENOENT;
}
