/*
 * fs: flags of files, as chattr(1) sets them: immutable, append-only, without access times; who
 * may, what each of them forbids. What has no such flags says ENOTTY.
 */
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "ut.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

#define FORBIDDING (FS_IMMUTABLE_FL | FS_APPEND_FL)

static unsigned flags_of(const char *path)
{
	int fd = (int)CHECK_OK(open(path, O_RDONLY | O_NONBLOCK)), flags = -1;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0)
		SKIP("no flags on this file system");
	CHECK_OK(close(fd));
	return (unsigned)flags;
}

/* Of those that this test knows. */
static unsigned known_of(const char *path)
{
	return flags_of(path) & (FORBIDDING | FS_NODUMP_FL | FS_NOATIME_FL);
}

/* The errno of setting them, or 0. What a file system has of its own stays. */
static int flags_try(const char *path, unsigned flags)
{
	unsigned all = (flags_of(path) & ~known_of(path)) | flags;
	int fd = (int)CHECK_OK(open(path, O_RDONLY)), err;

	err = ioctl(fd, FS_IOC_SETFLAGS, &all) ? errno : 0;
	CHECK_OK(close(fd));
	return err;
}

static void flags_set(const char *path, unsigned flags)
{
	CHECK_EQ(flags_try(path, flags), 0);
	CHECK_EQ(known_of(path), flags);
}

static uint64_t attributes_of(const char *path, uint64_t *mask)
{
	struct statx st;

	CHECK_OK(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &st));
	*mask = st.stx_attributes_mask;
	return st.stx_attributes;
}

TEST(fs, flags_get_set, .root = true)
{
	const uint64_t all = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND | STATX_ATTR_NODUMP;
	unsigned bad = FS_NODUMP_FL;
	uint64_t mask;
	int fd;

	file_make("f", "x", 1);
	CHECK_EQ(known_of("f"), 0);
	flags_set("f", FS_NODUMP_FL | FS_NOATIME_FL);
	CHECK_EQ(attributes_of("f", &mask) & all, STATX_ATTR_NODUMP);
	CHECK_EQ(mask & all, all);
	flags_set("f", FORBIDDING);
	CHECK_EQ(attributes_of("f", &mask) & all, STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND);
	flags_set("f", 0);
	CHECK_EQ(attributes_of("f", &mask) & all, 0);
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_ERR(ioctl(fd, FS_IOC_GETFLAGS, (void *)8), EFAULT);
	CHECK_ERR(ioctl(fd, FS_IOC_SETFLAGS, (void *)8), EFAULT);
	CHECK_ERR(ioctl(999, FS_IOC_GETFLAGS, &bad), EBADF);
	/* Reserved for the library of ext2. */
	bad = 0x80000000u;
	CHECK_ERR(ioctl(fd, FS_IOC_SETFLAGS, &bad), EOPNOTSUPP);
	CHECK_EQ(known_of("f"), 0);
	CHECK_OK(close(fd));
}

TEST(fs, flags_nowhere, .root = true)
{
	int end[2], flags = 0, fd = (int)CHECK_OK(open("/dev/null", O_RDONLY));

	CHECK_OK(pipe(end));
	CHECK_ERR(ioctl(fd, FS_IOC_GETFLAGS, &flags), ENOTTY);
	CHECK_ERR(ioctl(end[0], FS_IOC_GETFLAGS, &flags), ENOTTY);
	CHECK_ERR(ioctl(end[0], FS_IOC_SETFLAGS, &flags), ENOTTY);
	CHECK_OK(mkfifo("p", 0600));
	CHECK_OK(close(fd));
	fd = (int)CHECK_OK(open("p", O_RDWR));
	CHECK_ERR(ioctl(fd, FS_IOC_GETFLAGS, &flags), ENOTTY);
	CHECK_OK(close(fd));
	fd = (int)CHECK_OK(open(".", O_PATH));
	CHECK_ERR(ioctl(fd, FS_IOC_GETFLAGS, &flags), EBADF);
	CHECK_OK(close(fd));
}

/* The owner may set what forbids nothing; nobody else may set any. */
TEST(fs, flags_whose, .root = true)
{
	pid_t pid;

	file_make("own", "x", 1);
	file_make("other", "x", 1);
	CHECK_OK(chown("own", 1000, 1000));
	CHECK_EQ(known_of("own"), 0);
	pid = child();
	if (!pid) {
		become_user();
		CHECK_EQ(flags_try("other", FS_NODUMP_FL), EPERM);
		CHECK_EQ(flags_try("own", FS_IMMUTABLE_FL), EPERM);
		CHECK_EQ(flags_try("own", FS_APPEND_FL), EPERM);
		flags_set("own", FS_NODUMP_FL);
		_exit(0);
	}
	expect_exit(pid, 0);
	flags_set("own", FS_APPEND_FL);
	pid = child();
	if (!pid) {
		become_user();
		CHECK_EQ(flags_try("own", 0), EPERM);
		flags_set("own", FS_APPEND_FL | FS_NODUMP_FL);
		_exit(0);
	}
	expect_exit(pid, 0);
	flags_set("own", 0);
}

/* What a flag that forbids leaves to nobody, be the file immutable or append-only. */
static void forbidden_to_all(const char *f)
{
	static const struct timespec zero[2], omit[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
	char buf[4];

	CHECK_ERR(open(f, O_WRONLY), EPERM);
	CHECK_ERR(open(f, O_RDWR), EPERM);
	CHECK_ERR(open(f, O_RDONLY | O_TRUNC), EPERM);
	CHECK_ERR(open(f, O_WRONLY | O_APPEND | O_TRUNC), EPERM);
	CHECK_ERR(truncate(f, 0), EPERM);
	CHECK_ERR(truncate(f, 100), EPERM);
	CHECK_ERR(unlink(f), EPERM);
	CHECK_ERR(rename(f, "g"), EPERM);
	CHECK_ERR(rename("victim", f), EPERM);
	CHECK_ERR(link(f, "g"), EPERM);
	CHECK_ERR(chmod(f, 0777), EPERM);
	CHECK_ERR(chown(f, 1, 1), EPERM);
	CHECK_ERR(utimensat(AT_FDCWD, f, zero, 0), EPERM);
	CHECK_ERR(utimensat(AT_FDCWD, f, omit, 0), EPERM);
	CHECK_ERR(setxattr(f, "user.a", "v", 1, 0), EPERM);
	CHECK_ERR(removexattr(f, "user.a"), EPERM);
	CHECK_ERR(setxattr(f, "trusted.a", "v", 1, 0), EPERM);
	CHECK_ERR(getxattr(f, "user.a", buf, sizeof(buf)), ENODATA);
	CHECK_EQ(file_text(f, buf, sizeof(buf)), 3);
	CHECK_ERR(access("g", F_OK), ENOENT);
}

TEST(fs, flags_immutable, .root = true)
{
	int fd, from, before;

	file_make("f", "abc", 3);
	file_make("victim", "v", 1);
	before = (int)CHECK_OK(open("f", O_RDWR));
	from = (int)CHECK_OK(open("victim", O_RDONLY));
	flags_set("f", FS_IMMUTABLE_FL);
	CHECK_ERR(copy_file_range(from, NULL, before, NULL, 1, 0), EPERM);
	CHECK_OK(close(from));
	CHECK_OK(close(before));
	forbidden_to_all("f");
	CHECK_ERR(open("f", O_WRONLY | O_APPEND), EPERM);
	CHECK_ERR(open("f", O_CREAT | O_RDWR, 0600), EPERM);
	CHECK_ERR(utimensat(AT_FDCWD, "f", NULL, 0), EPERM);
	CHECK_ERR(access("f", W_OK), EPERM);
	CHECK_OK(access("f", R_OK));
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	CHECK_ERR(fchmod(fd, 0600), EPERM);
	CHECK_OK(close(fd));
	flags_set("f", 0);
	CHECK_OK(truncate("f", 0));
	CHECK_OK(unlink("f"));
}

TEST(fs, flags_append, .root = true)
{
	int fd, ro, flags;
	struct iovec v = {"e", 1};
	void *p;

	file_make("f", "abc", 3);
	file_make("victim", "v", 1);
	flags_set("f", FS_APPEND_FL);
	forbidden_to_all("f");
	CHECK_OK(access("f", W_OK));
	CHECK_OK(utimensat(AT_FDCWD, "f", NULL, 0));
	fd = (int)CHECK_OK(open("f", O_RDWR | O_APPEND));
	CHECK_EQ(write(fd, "d", 1), 1);
	CHECK_EQ(pwritev2(fd, &v, 1, 0, 0), 1);
	CHECK_ERR(ftruncate(fd, 0), EPERM);
	CHECK_ERR(ftruncate(fd, 100), EPERM);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1), EPERM);
	CHECK_ERR(pwritev2(fd, &v, 1, 0, RWF_NOAPPEND), EPERM);
	/* It stays a file that is added to. */
	flags = (int)CHECK_OK(fcntl(fd, F_GETFL));
	CHECK_ERR(fcntl(fd, F_SETFL, flags & ~O_APPEND), EPERM);
	CHECK_OK(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
	ro = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_ERR(fcntl(ro, F_SETFL, O_APPEND), EPERM);
	/* Who could write to a mapping would not add. */
	CHECK_ERR(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
	CHECK_ERR(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0), EACCES);
	CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 0);
	CHECK(p != MAP_FAILED);
	CHECK(!memcmp(p, "abcde", 5));
	CHECK_ERR(mprotect(p, 4096, PROT_READ | PROT_WRITE), EACCES);
	CHECK_OK(close(fd));
	CHECK_OK(close(ro));
	flags_set("f", 0);
}

TEST(fs, flags_directory, .root = true)
{
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(mkdir("d/sub", 0755));
	file_make("d/f", "x", 1);
	file_make("f", "x", 1);
	flags_set("d", FS_IMMUTABLE_FL);
	CHECK_ERR(open("d/new", O_CREAT | O_RDWR, 0600), EPERM);
	CHECK_ERR(mkdir("d/new", 0700), EPERM);
	CHECK_ERR(symlink("x", "d/new"), EPERM);
	CHECK_ERR(mkfifo("d/new", 0600), EPERM);
	CHECK_ERR(link("f", "d/new"), EPERM);
	CHECK_ERR(rename("f", "d/new"), EPERM);
	CHECK_ERR(rename("d/f", "new"), EPERM);
	CHECK_ERR(unlink("d/f"), EPERM);
	CHECK_ERR(rmdir("d/sub"), EPERM);
	CHECK_ERR(rmdir("d"), EPERM);
	CHECK_ERR(rename("d", "e"), EPERM);
	CHECK_ERR(open("d", O_TMPFILE | O_RDWR, 0600), EPERM);
	CHECK_ERR(chmod("d", 0700), EPERM);
	/* What is in it is not. */
	file_make("d/f", "xy", 2);
	file_make("d/sub/new", "x", 1);
	flags_set("d", FS_APPEND_FL);
	file_make("d/new", "x", 1);
	CHECK_OK(mkdir("d/dir", 0700));
	CHECK_OK(rename("f", "d/moved"));
	CHECK_ERR(unlink("d/new"), EPERM);
	CHECK_ERR(rmdir("d/dir"), EPERM);
	CHECK_ERR(rename("d/new", "d/newer"), EPERM);
	CHECK_ERR(rename("d/new", "new"), EPERM);
	CHECK_ERR(rename("d/new", "d/f"), EPERM);
	CHECK_ERR(chmod("d", 0700), EPERM);
	flags_set("d", 0);
	/* Below it these two are not had. */
	CHECK_EQ(known_of("d/dir"), 0);
	CHECK_EQ(known_of("d/new"), 0);
}

TEST(fs, flags_inherited, .root = true)
{
	const unsigned both = FS_NODUMP_FL | FS_NOATIME_FL;

	CHECK_OK(mkdir("d", 0755));
	flags_set("d", both);
	file_make("d/f", "x", 1);
	CHECK_OK(mkdir("d/dir", 0755));
	CHECK_EQ(known_of("d/f"), both);
	CHECK_EQ(known_of("d/dir"), both);
	CHECK_OK(rename("d/f", "f"));
	CHECK_EQ(known_of("f"), both);
}

static int64_t atime_of(const char *path)
{
	struct stat st;

	CHECK_OK(stat(path, &st));
	return st.st_atim.tv_sec;
}

TEST(fs, flags_noatime, .root = true)
{
	static const struct timespec old[2] = {{1000, 0}, {2000, 0}};
	char buf[4];

	file_make("f", "x", 1);
	flags_set("f", FS_NOATIME_FL);
	CHECK_OK(utimensat(AT_FDCWD, "f", old, 0));
	CHECK_EQ(file_text("f", buf, sizeof(buf)), 1);
	CHECK_EQ(atime_of("f"), 1000);
	flags_set("f", 0);
	CHECK_EQ(file_text("f", buf, sizeof(buf)), 1);
	CHECK(atime_of("f") > 2000);
}

/* The same for one open directory. */
TEST(fs, noatime_of_a_directory)
{
	static const struct timespec old[2] = {{1000, 0}, {2000, 0}};
	char buf[1024];

	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(utimensat(AT_FDCWD, "d", old, 0));
	for (int i = 0; i < 2; i++) {
		int fd = (int)CHECK_OK(open("d", O_DIRECTORY | (i ? 0 : O_NOATIME)));

		CHECK(syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0);
		CHECK_OK(close(fd));
		CHECK(i ? atime_of("d") > 2000 : atime_of("d") == 1000);
	}
}

/* The same flags by their other name. */
TEST(fs, flags_fsxattr, .root = true)
{
	struct fsxattr x;
	int fd;

	file_make("f", "x", 1);
	CHECK_EQ(known_of("f"), 0);
	fd = (int)CHECK_OK(open("f", O_RDWR));
	CHECK_ERR(ioctl(fd, FS_IOC_FSGETXATTR, (void *)8), EFAULT);
	CHECK_ERR(ioctl(fd, FS_IOC_FSSETXATTR, (void *)8), EFAULT);
	CHECK_OK(ioctl(fd, FS_IOC_FSGETXATTR, &x));
	CHECK_EQ(x.fsx_xflags, 0);
	CHECK_EQ(x.fsx_projid, 0);
	x.fsx_xflags = FS_XFLAG_APPEND | FS_XFLAG_NODUMP;
	CHECK_OK(ioctl(fd, FS_IOC_FSSETXATTR, &x));
	CHECK_EQ(known_of("f"), FS_APPEND_FL | FS_NODUMP_FL);
	CHECK_ERR(open("f", O_RDWR), EPERM);
	x.fsx_projid = 7;
	CHECK_ERR(ioctl(fd, FS_IOC_FSSETXATTR, &x), EOPNOTSUPP);
	CHECK_OK(ioctl(fd, FS_IOC_FSGETXATTR, &x));
	CHECK_EQ(x.fsx_xflags, FS_XFLAG_APPEND | FS_XFLAG_NODUMP);
	x.fsx_xflags = 0;
	CHECK_OK(ioctl(fd, FS_IOC_FSSETXATTR, &x));
	CHECK_EQ(known_of("f"), 0);
	CHECK_OK(close(fd));
}
