/*
 * modules: what is no module of this kernel is not loaded, and what is not loaded cannot go.
 */
#include "user/tests/ut.h"

static char image[4096];

static long load(const void *data, unsigned long len)
{
	return syscall(SYS_init_module, data, len, "");
}

static long load_file(int fd, int flags)
{
	return syscall(SYS_finit_module, fd, "", flags);
}

TEST(modules, load, .root = true)
{
	CHECK_ERR(load(NULL, 0), ENOEXEC);
	CHECK_ERR(load(image, 63), ENOEXEC);
	CHECK_ERR(load(NULL, 100), EFAULT);
	CHECK_ERR(load(image, sizeof(image)), ENOEXEC);
	CHECK_ERR(load(image, 1L << 40), ENOMEM);
	CHECK_OK(setuid(1000));
	CHECK_ERR(load(image, sizeof(image)), EPERM);
}

TEST(modules, load_file, .root = true)
{
	int fd = (int)CHECK_OK(open("m", O_CREAT | O_RDWR, 0600)), p[2];

	CHECK_ERR(load_file(-1, 0), EBADF);
	CHECK_ERR(load_file(-1, 8), EINVAL);
	CHECK_ERR(load_file(fd, 0), ETXTBSY);
	CHECK_OK(close(fd));
	fd = (int)CHECK_OK(open("m", O_RDONLY));
	CHECK_ERR(load_file(fd, 0), EINVAL);
	file_make("m", image, sizeof(image));
	CHECK_ERR(load_file(fd, 0), ENOEXEC);
	CHECK_ERR(load_file(fd, 3), ENOEXEC);
	CHECK_ERR(load_file((int)CHECK_OK(open("m", O_WRONLY)), 0), EBADF);
	CHECK_OK(pipe(p));
	CHECK_ERR(load_file(p[0], 0), EINVAL);
	CHECK_ERR(load_file((int)CHECK_OK(open(".", O_RDONLY)), 0), EINVAL);
	CHECK_OK(setuid(1000));
	CHECK_ERR(load_file(-1, 0), EPERM);
}

TEST(modules, unload, .root = true)
{
	static char name[300];

	memset(name, 'a', sizeof(name) - 1);
	CHECK_ERR(syscall(SYS_delete_module, "nobody", 0), ENOENT);
	CHECK_ERR(syscall(SYS_delete_module, "", 0), ENOENT);
	CHECK_ERR(syscall(SYS_delete_module, name, 0), ENOENT);
	CHECK_ERR(syscall(SYS_delete_module, NULL, 0), EFAULT);
	CHECK_OK(setuid(1000));
	CHECK_ERR(syscall(SYS_delete_module, "nobody", 0), EPERM);
}
