/* Extended attributes where a file system has none, as that of /proc. */
#include "ut.h"

#include <sys/xattr.h>

#define NONE "/proc/self/limits"

TEST(xattr, unsupported, .root = true)
{
	char buf[16];
	int fd = CHECK_OK(open(NONE, O_RDONLY));

	CHECK_ERR(getxattr(NONE, "user.a", buf, sizeof(buf)), EOPNOTSUPP);
	CHECK_ERR(lgetxattr(NONE, "security.selinux", buf, 0), EOPNOTSUPP);
	CHECK_ERR(fgetxattr(fd, "trusted.a", buf, sizeof(buf)), EOPNOTSUPP);
	CHECK_ERR(getxattr(NONE, "system.posix_acl_access", buf, sizeof(buf)), EOPNOTSUPP);
	CHECK_ERR(setxattr(NONE, "user.a", "v", 1, 0), EOPNOTSUPP);
	CHECK_ERR(lsetxattr(NONE, "user.a", "v", 1, XATTR_CREATE), EOPNOTSUPP);
	CHECK_ERR(fsetxattr(fd, "user.a", "v", 1, XATTR_REPLACE), EOPNOTSUPP);
	CHECK_ERR(removexattr(NONE, "user.a"), EOPNOTSUPP);
	CHECK_ERR(lremovexattr(NONE, "user.a"), EOPNOTSUPP);
	CHECK_ERR(fremovexattr(fd, "user.a"), EOPNOTSUPP);
	CHECK_EQ(listxattr(NONE, buf, sizeof(buf)), 0);
	CHECK_EQ(llistxattr(NONE, NULL, 0), 0);
	CHECK_EQ(flistxattr(fd, buf, sizeof(buf)), 0);
}

TEST(xattr, errors)
{
	char name[300], buf[16];

	memset(name, 'a', sizeof(name) - 1);
	memcpy(name, "user.", 5);
	name[sizeof(name) - 1] = 0;
	CHECK_ERR(getxattr("none", "user.a", buf, sizeof(buf)), ENOENT);
	CHECK_ERR(fgetxattr(-1, "user.a", buf, sizeof(buf)), EBADF);
	CHECK_ERR(getxattr(NONE, "", buf, sizeof(buf)), ERANGE);
	CHECK_ERR(getxattr(NONE, name, buf, sizeof(buf)), ERANGE);
	CHECK_ERR(getxattr(NONE, (char *)8, buf, sizeof(buf)), EFAULT);
	CHECK_ERR(setxattr(NONE, "user.a", "v", 1, 4), EINVAL);
	CHECK_ERR(syscall(SYS_setxattr, NONE, "user.a", buf, 65537, 0), E2BIG);
	CHECK_ERR(syscall(SYS_setxattr, "none", "user.a", 8, 1, 0), EFAULT);
	CHECK_ERR(setxattr("none", "user.a", "v", 1, 0), ENOENT);
	CHECK_ERR(fsetxattr(-1, "user.a", "v", 1, 0), EBADF);
	CHECK_ERR(removexattr("none", "user.a"), ENOENT);
	CHECK_ERR(listxattr("none", buf, sizeof(buf)), ENOENT);
	CHECK_ERR(flistxattr(-1, buf, sizeof(buf)), EBADF);
}

TEST(xattr, permission, .root = true)
{
	char buf[16];

	CHECK_OK(mkfifo("p", 0666));
	CHECK_ERR(setxattr("p", "user.a", "v", 1, 0), EPERM);
	CHECK_ERR(getxattr("p", "user.a", buf, sizeof(buf)), ENODATA);
	become_user();
	CHECK_ERR(getxattr(NONE, "trusted.a", buf, sizeof(buf)), ENODATA);
	CHECK_ERR(setxattr(NONE, "trusted.a", "v", 1, 0), EPERM);
	CHECK_ERR(setxattr("/proc/version", "user.a", "v", 1, 0), EACCES);
}
