/*
 * Files without a name: memfd_create(2), and the ground System V shared memory stands on. They are
 * of a tmpfs that is mounted nowhere.
 */
#include "fs/mount.h"
#include "fs/tmpfs/tmpfs.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/syscall.h"
#include "kernel/uapi/mman.h"
#include "kernel/uapi/statfs.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define NAME_LEN_MAX (NAME_MAX - 6) /* with "memfd:" in front it is a file's name */

static struct mount *nowhere;

int tmpfs_file_new(const char *name, mode_t mode, struct path *out)
{
	struct inode *inode = tmpfs_inode_new(nowhere->sb, NULL, S_IFREG | mode, 0);
	struct dentry *d;

	if (is_err(inode))
		return (int)ptr_err(inode);
	d = dentry_anonymous(nowhere->sb, name, inode);
	if (!d) {
		inode_put(inode);
		return -ENOMEM;
	}
	*out = (struct path){.mnt = mount_get(nowhere), .dentry = d};
	return 0;
}

/* Make the file and open it. */
static struct file *memfd_open(const char *name, uint32_t flags)
{
	bool sealing = flags & (MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	bool noexec = flags & MFD_NOEXEC_SEAL;
	struct tmpfs_inode *ti;
	struct path p;
	struct file *f;
	int err = tmpfs_file_new(name, noexec ? 0666 : 0777, &p);

	if (err)
		return err_ptr(err);
	ti = tmpfs_i(p.dentry->inode);
	ti->seals = (sealing ? 0 : F_SEAL_SEAL) | (noexec ? F_SEAL_EXEC : 0);
	f = file_open_path(&p, O_RDWR | O_LARGEFILE);
	path_put(&p);
	return f;
}

SYSCALL2(memfd_create, uaddr_t, user_name, uint32_t, flags)
{
	static const char form[] = "/memfd:%s (deleted)";
	char name[NAME_LEN_MAX + 1];
	char shown[sizeof(name) + sizeof(form)];
	struct file *f;
	ssize64_t n;

	if (flags & ~(uint32_t)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL;
	if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	n = strncpy_from_user(name, user_name, sizeof(name));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	snprintf(shown, sizeof(shown), form, name);
	f = memfd_open(shown, flags);
	if (is_err(f))
		return ptr_err(f);
	return fd_install_or_put(f, flags & MFD_CLOEXEC);
}

void memfd_init(void)
{
	struct tmpfs *fs = kzalloc(sizeof(*fs));

	assert_always(fs);
	nowhere = super_internal("tmpfs", TMPFS_MAGIC, &tmpfs_super_ops);
	tmpfs_setup(fs);
	nowhere->sb->data = fs;
	nowhere->sb->max_size = TMPFS_SIZE_MAX;
	nowhere->sb->posix_acl = true;
}
