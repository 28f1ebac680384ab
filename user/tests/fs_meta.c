/* What is known about files: stat, statx, times, statfs; mounts. */
#include "ut.h"

#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <time.h>

TEST(fs, stat_kinds)
{
	struct stat st;

	CHECK_OK(stat("/", &st));
	CHECK(S_ISDIR(st.st_mode));
	CHECK_OK(stat("/dev/null", &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_rdev, makedev(1, 3));
	CHECK_OK(stat(".", &st));
	CHECK(S_ISDIR(st.st_mode));
	CHECK_EQ(st.st_nlink, 2);
	CHECK(st.st_blksize >= 512);
	CHECK(st.st_ino != 0);
}

TEST(fs, fstatat)
{
	struct stat a, b;
	int dir;

	CHECK_OK(mkdir("d", 0700));
	file_make("d/f", "abc", 3);
	dir = (int)CHECK_OK(open("d", O_RDONLY));
	CHECK_OK(fstatat(dir, "f", &a, 0));
	CHECK_OK(stat("d/f", &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(a.st_dev, b.st_dev);
	CHECK_OK(fstatat(dir, "", &a, AT_EMPTY_PATH));
	CHECK(S_ISDIR(a.st_mode));
	CHECK_ERR(fstatat(dir, "", &a, 0), ENOENT);
	CHECK_ERR(fstatat(dir, "f", &a, 0x40000000), EINVAL);
	CHECK_ERR(fstatat(999, "f", &a, 0), EBADF);
	CHECK_OK(symlink("f", "d/l"));
	CHECK_OK(fstatat(dir, "l", &a, AT_SYMLINK_NOFOLLOW));
	CHECK(S_ISLNK(a.st_mode));
}

TEST(fs, statx_agrees_with_stat)
{
	struct statx sx;
	struct stat st;

	file_pattern("f", 12345, 1);
	CHECK_OK(chmod("f", 0640));
	memset(&sx, 0xff, sizeof(sx));
	CHECK_OK(syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &sx));
	CHECK_OK(stat("f", &st));
	CHECK_EQ(sx.stx_mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	CHECK_EQ(sx.stx_mode, st.st_mode);
	CHECK_EQ(sx.stx_size, 12345);
	CHECK_EQ(sx.stx_ino, st.st_ino);
	CHECK_EQ(sx.stx_nlink, st.st_nlink);
	CHECK_EQ(sx.stx_uid, st.st_uid);
	CHECK_EQ(sx.stx_blocks, st.st_blocks);
	CHECK_EQ(sx.stx_blksize, st.st_blksize);
	CHECK_EQ(sx.stx_mtime.tv_sec, st.st_mtim.tv_sec);
	CHECK_EQ(sx.stx_mtime.tv_nsec, st.st_mtim.tv_nsec);
	CHECK_EQ(makedev(sx.stx_dev_major, sx.stx_dev_minor), st.st_dev);
	CHECK_ERR(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000u, &sx), EINVAL);
	CHECK_ERR(syscall(SYS_statx, AT_FDCWD, "f", 0x40000000, STATX_SIZE, &sx), EINVAL);
	CHECK_ERR(syscall(SYS_statx, AT_FDCWD, "missing", 0, STATX_SIZE, &sx), ENOENT);
	CHECK_OK(syscall(SYS_statx, AT_FDCWD, "/dev/null", 0, STATX_BASIC_STATS, &sx));
	CHECK(sx.stx_rdev_major == 1 && sx.stx_rdev_minor == 3);
}

/* When the thing itself was made, where that is known: the seconds, -1 if not. */
static int64_t birth_of(const char *path, unsigned mask)
{
	struct statx sx;

	CHECK_OK(syscall(SYS_statx, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, mask, &sx));
	if (!(sx.stx_mask & STATX_BTIME))
		return -1;
	CHECK(sx.stx_btime.tv_nsec < 1000000000);
	return sx.stx_btime.tv_sec;
}

TEST(fs, statx_birth)
{
	const struct timespec old[2] = {{1000, 0}, {2000, 0}};
	struct timespec before, after;
	int64_t birth;

	CHECK_OK(clock_gettime(CLOCK_REALTIME_COARSE, &before));
	file_make("f", "x", 1);
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &after));
	birth = birth_of("f", STATX_BTIME);
	if (birth < 0)
		SKIP("nobody knows here when a file was made");
	CHECK(birth >= before.tv_sec && birth <= after.tv_sec);
	CHECK_OK(utimensat(AT_FDCWD, "f", old, 0));
	CHECK_OK(rename("f", "g"));
	CHECK_EQ(birth_of("g", STATX_BASIC_STATS | STATX_BTIME), birth);
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(symlink("g", "l"));
	CHECK_OK(mkfifo("p", 0600));
	CHECK_GE(birth_of("d", STATX_BTIME), birth);
	CHECK_GE(birth_of("l", STATX_BTIME), birth);
	CHECK_GE(birth_of("p", STATX_BTIME), birth);
	/* It is told to who asks, if there is one to tell. */
	CHECK_EQ(birth_of("g", STATX_BASIC_STATS), -1);
	CHECK_EQ(birth_of("/proc/self/limits", STATX_BTIME), -1);
}

TEST(fs, utimensat)
{
	struct timespec ts[2] = { { 1000000000, 123000000 }, { 1500000000, 456000000 } };
	struct stat st;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_OK(utimensat(AT_FDCWD, "f", ts, 0));
	CHECK_OK(stat("f", &st));
	CHECK_EQ(st.st_atim.tv_sec, 1000000000);
	CHECK_EQ(st.st_mtim.tv_sec, 1500000000);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_sec = 1600000000;
	CHECK_OK(futimens(fd, ts));
	CHECK_OK(stat("f", &st));
	CHECK_EQ(st.st_atim.tv_sec, 1000000000);
	CHECK_EQ(st.st_mtim.tv_sec, 1600000000);
	ts[0].tv_nsec = ts[1].tv_nsec = UTIME_NOW;
	time_t now = time(NULL);
	CHECK_OK(utimensat(AT_FDCWD, "f", ts, 0));
	CHECK_OK(stat("f", &st));
	CHECK_GE(st.st_atim.tv_sec, now - 1);
	CHECK_GE(st.st_mtim.tv_sec, now - 1);
	CHECK_OK(utimensat(AT_FDCWD, "f", NULL, 0));
	ts[0].tv_nsec = 1000000000;
	CHECK_ERR(utimensat(AT_FDCWD, "f", ts, 0), EINVAL);
	CHECK_ERR(utimensat(AT_FDCWD, "missing", NULL, 0), ENOENT);
	CHECK_ERR(utimensat(AT_FDCWD, "f", NULL, 0x8000), EINVAL);
	CHECK_ERR(syscall(SYS_utimensat, 999, NULL, NULL, 0), EBADF);
}

TEST(fs, utimensat_symlink)
{
	struct timespec ts[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	struct stat st;

	file_make("f", "x", 1);
	CHECK_OK(symlink("f", "l"));
	CHECK_OK(utimensat(AT_FDCWD, "l", ts, AT_SYMLINK_NOFOLLOW));
	CHECK_OK(lstat("l", &st));
	CHECK_EQ(st.st_mtim.tv_sec, 1000000000);
	CHECK_OK(stat("l", &st));
	CHECK(st.st_mtim.tv_sec != 1000000000);
}

TEST(fs, utimensat_permission, .root = true)
{
	struct timespec ts[2] = { { 1, 0 }, { 1, 0 } };

	file_make("root", "x", 1);
	file_make("writable", "x", 1);
	CHECK_OK(chmod("writable", 0666));
	pid_t pid = child();
	if (pid == 0) {
		become_user();
		CHECK_ERR(utimensat(AT_FDCWD, "root", NULL, 0), EACCES);
		CHECK_ERR(utimensat(AT_FDCWD, "root", ts, 0), EPERM);
		/* Who may write may set "now", only the owner anything else. */
		CHECK_OK(utimensat(AT_FDCWD, "writable", NULL, 0));
		CHECK_ERR(utimensat(AT_FDCWD, "writable", ts, 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(fs, times_move)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct stat st, dir;
	char c;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_OK(futimens(fd, old));
	CHECK_EQ(pwrite(fd, "y", 1, 0), 1);
	CHECK_OK(fstat(fd, &st));
	CHECK(st.st_mtim.tv_sec > 1000);
	CHECK(st.st_ctim.tv_sec > 1000);
	CHECK_OK(futimens(fd, old));
	CHECK_EQ(pread(fd, &c, 1, 0), 1);
	CHECK_OK(chmod("f", 0640));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mtim.tv_sec, 1000);
	CHECK_OK(ftruncate(fd, 0));
	CHECK_OK(fstat(fd, &st));
	CHECK(st.st_mtim.tv_sec > 1000);
	CHECK_OK(utimensat(AT_FDCWD, ".", old, 0));
	file_make("new", "", 0);
	CHECK_OK(stat(".", &dir));
	CHECK(dir.st_mtim.tv_sec > 1000);
	CHECK_OK(utimensat(AT_FDCWD, ".", old, 0));
	CHECK_OK(unlink("new"));
	CHECK_OK(stat(".", &dir));
	CHECK(dir.st_mtim.tv_sec > 1000);
}

TEST(fs, statfs)
{
	struct statfs a, b;
	int fd = (int)CHECK_OK(open(".", O_RDONLY));

	CHECK_OK(statfs(".", &a));
	CHECK_OK(fstatfs(fd, &b));
	CHECK_EQ(a.f_type, b.f_type);
	CHECK(a.f_bsize >= 512);
	CHECK(a.f_namelen == 255);
	CHECK(a.f_bfree <= a.f_blocks && a.f_bavail <= a.f_bfree && a.f_ffree <= a.f_files);
	CHECK(a.f_blocks > 0);
	CHECK_ERR(statfs("missing", &a), ENOENT);
	CHECK_ERR(fstatfs(999, &a), EBADF);
}

TEST(fs, statfs_counts_blocks)
{
	struct statfs a, b;

	CHECK_OK(statfs(".", &a));
	file_pattern("f", 400000, 1);
	sync();
	CHECK_OK(statfs(".", &b));
	CHECK_GE((long)(a.f_bfree - b.f_bfree) * (long)a.f_bsize, 390000);
	CHECK_OK(unlink("f"));
}

TEST(fs, mount_errors, .root = true)
{
	CHECK_OK(mkdir("m", 0700));
	file_make("f", "x", 1);
	CHECK_ERR(mount("none", "m", "nosuchfs", 0, NULL), ENODEV);
	CHECK_ERR(mount("missing", "m", "ext2", 0, NULL), ENOENT);
	CHECK_ERR(mount("f", "m", "ext2", 0, NULL), ENOTBLK);
	CHECK_ERR(mount("none", "missing", "proc", 0, NULL), ENOENT);
	CHECK_ERR(mount("none", "f", "proc", 0, NULL), ENOTDIR);
	CHECK_ERR(umount2("m", 0), EINVAL);
	CHECK_ERR(umount2("missing", 0), ENOENT);
	CHECK_ERR(umount2("m", 0x100), EINVAL);
	pid_t pid = child();
	if (pid == 0) {
		become_user();
		CHECK_ERR(mount("none", "m", "proc", 0, NULL), EPERM);
		CHECK_ERR(umount2("/", 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(fs, mount_proc, .root = true)
{
	struct stat before, inside;

	CHECK_OK(mkdir("m", 0700));
	file_make("m/hidden", "x", 1);
	CHECK_OK(stat("m", &before));
	CHECK_OK(mount("none", "m", "proc", 0, NULL));
	CHECK_OK(access("m/self/stat", R_OK));
	CHECK_ERR(access("m/hidden", F_OK), ENOENT);
	CHECK_OK(stat("m", &inside));
	CHECK(inside.st_dev != before.st_dev);
	/* Above the root of the mount is the directory that holds it. */
	CHECK_OK(access("m/../m/self/stat", R_OK));
	CHECK_ERR(rename("m/self", "x"), EXDEV);
	CHECK_ERR(rmdir("m"), EBUSY);
	CHECK_ERR(rename("m", "n"), EBUSY);
	int fd = (int)CHECK_OK(open("m/self/stat", O_RDONLY));
	CHECK_ERR(umount2("m", 0), EBUSY);
	CHECK_OK(close(fd));
	CHECK_OK(umount2("m", 0));
	CHECK_OK(access("m/hidden", F_OK));
}
