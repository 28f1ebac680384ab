/* Extended attributes: of files, and where a file system has none, as that of /proc. */
#include "ut.h"

#include <sys/inotify.h>
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

static void set(const char *path, const char *name, const char *value)
{
	CHECK_OK(setxattr(path, name, value, strlen(value), 0));
}

static void expect(const char *path, const char *name, const char *value)
{
	char buf[256];

	memset(buf, 'x', sizeof(buf));
	CHECK_EQ(getxattr(path, name, buf, sizeof(buf)), strlen(value));
	CHECK(!memcmp(buf, value, strlen(value)));
	CHECK_EQ(buf[strlen(value)], 'x');
}

/* Is the name in the list of the path's? */
static bool listed(const char *path, const char *name)
{
	char buf[4096];
	ssize_t n = CHECK_OK(listxattr(path, buf, sizeof(buf)));

	for (char *p = buf; p < buf + n; p += strlen(p) + 1)
		if (!strcmp(p, name))
			return true;
	return false;
}

TEST(xattr, set_get_list_remove)
{
	char buf[64];
	int fd = CHECK_OK(open("f", O_CREAT | O_RDWR, 0600));

	CHECK_EQ(listxattr("f", NULL, 0), 0);
	CHECK_ERR(getxattr("f", "user.a", buf, sizeof(buf)), ENODATA);
	CHECK_ERR(removexattr("f", "user.a"), ENODATA);
	set("f", "user.a", "one");
	set("f", "user.bb", "");
	CHECK_OK(fsetxattr(fd, "user.c", "a\0b", 3, 0));
	expect("f", "user.a", "one");
	expect("f", "user.bb", "");
	CHECK_EQ(fgetxattr(fd, "user.c", buf, 3), 3);
	CHECK(!memcmp(buf, "a\0b", 3));
	CHECK_EQ(listxattr("f", NULL, 0), 7 + 8 + 7);
	CHECK_EQ(flistxattr(fd, buf, 22), 22);
	CHECK_ERR(flistxattr(fd, buf, 21), ERANGE);
	CHECK(listed("f", "user.a") && listed("f", "user.bb") && listed("f", "user.c"));
	CHECK_OK(lremovexattr("f", "user.bb"));
	CHECK(!listed("f", "user.bb"));
	CHECK_ERR(getxattr("f", "user.bb", buf, 1), ENODATA);
	set("f", "user.a", "another and longer one");
	expect("f", "user.a", "another and longer one");
	CHECK_OK(fremovexattr(fd, "user.a"));
	CHECK_OK(fremovexattr(fd, "user.c"));
	CHECK_EQ(listxattr("f", buf, sizeof(buf)), 0);
}

TEST(xattr, flags)
{
	CHECK_OK(mkdir("d", 0700));
	CHECK_ERR(setxattr("d", "user.a", "v", 1, XATTR_REPLACE), ENODATA);
	CHECK_OK(setxattr("d", "user.a", "v", 1, XATTR_CREATE));
	CHECK_ERR(setxattr("d", "user.a", "w", 1, XATTR_CREATE), EEXIST);
	expect("d", "user.a", "v");
	CHECK_OK(setxattr("d", "user.a", "w", 1, XATTR_REPLACE));
	expect("d", "user.a", "w");
}

TEST(xattr, sizes_and_names)
{
	char name[300], buf[16];

	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[255] = 0;
	CHECK_OK(close(CHECK_OK(open("f", O_CREAT | O_RDWR, 0600))));
	set("f", name, "12345");
	CHECK(listed("f", name));
	CHECK_EQ(getxattr("f", name, NULL, 0), 5);
	CHECK_EQ(getxattr("f", name, (char *)8, 0), 5);
	CHECK_ERR(getxattr("f", name, buf, 4), ERANGE);
	CHECK_ERR(syscall(SYS_getxattr, "f", name, 8, 5), EFAULT);
	CHECK_ERR(setxattr("f", "user.", "v", 1, 0), EINVAL);
	CHECK_ERR(getxattr("f", "user.", buf, 1), EINVAL);
	CHECK_ERR(setxattr("f", "user", "v", 1, 0), EOPNOTSUPP);
	CHECK_ERR(setxattr("f", "other.a", "v", 1, 0), EOPNOTSUPP);
	CHECK_ERR(getxattr("f", "other.a", buf, 1), EOPNOTSUPP);
}

/* A file has all, or says that there is no more room; and gives it back. */
TEST(xattr, many, .root = true)
{
	char name[32], value[16];
	int n;

	CHECK_OK(close(CHECK_OK(open("f", O_CREAT | O_RDWR, 0600))));
	for (n = 0; n < 300; n++) {
		snprintf(name, sizeof(name), "user.%d", n * 7 % 300);
		snprintf(value, sizeof(value), "value %d", n);
		if (setxattr("f", name, value, strlen(value), 0) < 0)
			break;
	}
	CHECK(n == 300 || errno == ENOSPC);
	CHECK(n > 20);
	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "user.%d", i * 7 % 300);
		snprintf(value, sizeof(value), "value %d", i);
		expect("f", name, value);
		CHECK_OK(removexattr("f", name));
	}
	CHECK_EQ(listxattr("f", NULL, 0), 0);
}

TEST(xattr, prefixes, .root = true)
{
	char buf[16];
	pid_t pid;

	CHECK_OK(close(CHECK_OK(open("f", O_CREAT | O_RDWR, 0644))));
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(symlink("f", "s"));
	set("f", "trusted.t", "1");
	set("f", "security.s", "2");
	set("f", "user.u", "3");
	CHECK_OK(lsetxattr("s", "trusted.link", "4", 1, 0));
	CHECK_ERR(lsetxattr("s", "user.link", "4", 1, 0), EPERM);
	CHECK_EQ(lgetxattr("s", "trusted.link", buf, 1), 1);
	CHECK_ERR(getxattr("s", "trusted.link", buf, 1), ENODATA);
	CHECK_EQ(getxattr("s", "trusted.t", buf, 1), 1);
	CHECK(listed("f", "trusted.t") && listed("f", "security.s") && listed("f", "user.u"));
	pid = child();
	if (!pid) {
		become_user();
		CHECK(!listed("f", "trusted.t"));
		CHECK(listed("f", "security.s") && listed("f", "user.u"));
		CHECK_ERR(getxattr("f", "trusted.t", buf, 1), ENODATA);
		expect("f", "security.s", "2");
		expect("f", "user.u", "3");
		CHECK_ERR(setxattr("f", "security.s", "x", 1, 0), EPERM);
		CHECK_ERR(setxattr("f", "user.u", "x", 1, 0), EACCES);
		CHECK_ERR(removexattr("f", "user.u"), EACCES);
		CHECK_ERR(removexattr("f", "trusted.t"), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(chmod("f", 0200));
	pid = child();
	if (!pid) {
		become_user();
		CHECK_ERR(getxattr("f", "user.u", buf, 1), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* They belong to the file, not to its name; the ctime tells of a change, and so does inotify. */
TEST(xattr, follow_the_file)
{
	struct inotify_event event;
	struct stat before, after;
	int fd = CHECK_OK(inotify_init());

	CHECK_OK(close(CHECK_OK(open("f", O_CREAT | O_RDWR, 0600))));
	CHECK_OK(stat("f", &before));
	CHECK_OK(inotify_add_watch(fd, "f", IN_ATTRIB));
	set("f", "user.a", "v");
	CHECK_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	CHECK_EQ(event.mask, IN_ATTRIB);
	CHECK_OK(stat("f", &after));
	CHECK(after.st_ctim.tv_sec > before.st_ctim.tv_sec ||
	      after.st_ctim.tv_nsec >= before.st_ctim.tv_nsec);
	CHECK_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	CHECK_OK(link("f", "g"));
	CHECK_OK(rename("f", "h"));
	expect("g", "user.a", "v");
	set("g", "user.a", "w");
	expect("h", "user.a", "w");
	CHECK_OK(unlink("g"));
	CHECK_OK(unlink("h"));
	CHECK_OK(close(CHECK_OK(open("g", O_CREAT | O_RDWR, 0600))));
	CHECK_EQ(listxattr("g", NULL, 0), 0);
}
