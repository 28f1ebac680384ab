/*
 * Files and directories for xv6 programs, each call in terms of Linux's.
 */
#include "kernel/fcntl.h"
#include "kernel/file.h"
#include "kernel/fs.h"
#include "kernel/stat.h"
#include "ulib/linux.h"
#include "user/user.h"

static int result(long r)
{
	return r < 0 ? -1 : (int)r;
}

/* The lab's O_NOFOLLOW opens the symbolic link itself; Linux does that with O_PATH only. */
int open(const char *path, int flags)
{
	long r = syscall(SYS_openat, AT_FDCWD, path, flags, 0666);

	if (r == -ELOOP && flags & O_NOFOLLOW)
		r = syscall(SYS_openat, AT_FDCWD, path, O_PATH | O_NOFOLLOW, 0);
	return result(r);
}

int close(int fd)
{
	return result(syscall(SYS_close, fd));
}

/*
 * One directory entry in xv6's form, 0 at the end. The position of the descriptor is the only
 * state: Linux hands out as many entries as fit, so take the first and seek to the second.
 */
static int dirent_read(int fd, void *buf, int n)
{
	char raw[512] __attribute__((aligned(8)));
	const struct linux_dirent64 *d = (const void *)raw;
	struct dirent out;
	long got;
	int i;

	if (n < (int)sizeof(out))
		return -1;
	got = syscall(SYS_getdents64, fd, raw, sizeof(raw));
	if (got <= 0)
		return result(got);
	if (syscall(SYS_lseek, fd, d->d_off, SEEK_SET) < 0)
		return -1;
	memset(&out, 0, sizeof(out));
	out.inum = (ushort)d->d_ino;
	if (out.inum == 0)	/* to an xv6 program that is a free slot */
		out.inum = 1;
	for (i = 0; i < DIRSIZ && d->d_name[i]; i++)
		out.name[i] = d->d_name[i];
	memcpy(buf, &out, sizeof(out));
	return sizeof(out);
}

int read(int fd, void *buf, int n)
{
	long r = syscall(SYS_read, fd, buf, n);

	if (r == -EISDIR)
		return dirent_read(fd, buf, n);
	return result(r);
}

int write(int fd, const void *buf, int n)
{
	return result(syscall(SYS_write, fd, buf, n));
}

int pipe(int fds[2])
{
	return result(syscall(SYS_pipe2, fds, 0));
}

int dup(int fd)
{
	return result(syscall(SYS_dup, fd));
}

static short type_of(uint mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return T_DIR;
	case S_IFREG:
		return T_FILE;
	case S_IFLNK:
		return T_SYMLINK;
	default:
		return T_DEVICE;
	}
}

static void stat_convert(struct stat *st, const struct linux_stat *from)
{
	st->dev = (int)from->st_dev;
	st->ino = (uint)from->st_ino;
	st->type = type_of(from->st_mode);
	st->nlink = (short)from->st_nlink;
	st->size = from->st_size;
}

int fstat(int fd, struct stat *st)
{
	struct linux_stat l;

	if (syscall(SYS_fstat, fd, &l) < 0)
		return -1;
	stat_convert(st, &l);
	return 0;
}

int stat(const char *path, struct stat *st)
{
	struct linux_stat l;

	if (syscall(SYS_newfstatat, AT_FDCWD, path, &l, 0) < 0)
		return -1;
	stat_convert(st, &l);
	return 0;
}

int mknod(const char *path, short major, short minor)
{
	uint dev = (uint)(ushort)major << 8 | (uchar)minor;

	if (major == CONSOLE && minor == 0)	/* Linux's console is 5:1 */
		dev = 5 << 8 | 1;
	return result(syscall(SYS_mknodat, AT_FDCWD, path, S_IFCHR | 0666, dev));
}

int mkdir(const char *path)
{
	return result(syscall(SYS_mkdirat, AT_FDCWD, path, 0777));
}

int chdir(const char *path)
{
	return result(syscall(SYS_chdir, path));
}

int link(const char *from, const char *to)
{
	return result(syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int unlink(const char *path)
{
	long r = syscall(SYS_unlinkat, AT_FDCWD, path, 0);

	if (r == -EISDIR)
		r = syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
	return result(r);
}
