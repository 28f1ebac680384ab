/*
 * fs: corners of calls, each with the answer that the judge gave: errors by kind of file, set-id
 * bits, times, arguments at the ends of their ranges.
 */
#include <linux/stat.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "user/tests/ut.h"

#ifndef F_CREATED_QUERY
#define F_CREATED_QUERY 1028
#endif
#ifndef F_DUPFD_QUERY
#define F_DUPFD_QUERY 1027
#endif

/* A name with a slash behind is a directory's: no file is made so, nor opened. */
TEST(fs, open_makes_no_directory)
{
	file_make("f", "x", 1);
	CHECK_OK(mkfifo("p", 0644));
	CHECK_OK(mkdir("d", 0755));
	CHECK_ERR(open("f/", O_RDWR | O_CREAT, 0644), EISDIR);
	CHECK_ERR(open("p/", O_RDWR | O_CREAT, 0644), EISDIR);
	CHECK_ERR(open("d/", O_RDWR | O_CREAT, 0644), EISDIR);
	CHECK_ERR(open("new/", O_RDWR | O_CREAT, 0644), EISDIR);
	CHECK_ERR(open("f/", O_RDWR), ENOTDIR);
	CHECK_ERR(open("f/x", O_RDWR | O_CREAT, 0644), ENOTDIR);
	CHECK_ERR(open("new/", O_RDWR), ENOENT);
}

TEST(fs, open_special_refuses)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "s"};
	int s = (int)CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));

	CHECK_OK(bind(s, (struct sockaddr *)&name, sizeof(name)));
	CHECK_ERR(open("s", O_RDONLY | O_DIRECT), ENXIO);
	CHECK_ERR(open("s", O_RDONLY), ENXIO);
	CHECK_OK(mkfifo("p", 0644));
	CHECK_ERR(open("p", O_ACCMODE | O_NONBLOCK), EINVAL);
	CHECK_ERR(open("p", O_RDONLY | O_NONBLOCK | O_DIRECT), EINVAL);
}

static void mknod_body(void)
{
	struct stat st;

	become_user();
	/* First the directory, then the privilege. */
	CHECK_ERR(mknod("closed/n", S_IFCHR | 0600, makedev(1, 3)), EACCES);
	CHECK_ERR(mknod("closed/n", S_IFBLK | 0600, 0), EACCES);
	CHECK_ERR(mknod("closed", S_IFBLK | 0600, 0), EEXIST);
	CHECK_ERR(mknod("n", S_IFCHR | 0600, makedev(1, 3)), EPERM);
	CHECK_ERR(mknod("n", S_IFBLK | 0600, 0), EPERM);
	/* What hides a name in a layered file system. */
	CHECK_OK(mknod("n", S_IFCHR | 0600, 0));
	CHECK_OK(lstat("n", &st));
	CHECK(S_ISCHR(st.st_mode) && !st.st_rdev);
	CHECK_ERR(open("n", O_RDONLY), ENXIO);
}

TEST(fs, mknod_by_user, .root = true)
{
	CHECK_OK(mkdir("closed", 0755));
	CHECK_EQ(run_child(mknod_body), 0);
}

TEST(fs, lseek_overflow)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0644)), p[2];

	CHECK_OK(ftruncate(fd, 100));
	CHECK_OK(lseek(fd, 10, SEEK_SET));
	CHECK_ERR(lseek(fd, INT64_MAX, SEEK_CUR), EINVAL);
	CHECK_ERR(lseek(fd, INT64_MAX, SEEK_END), EINVAL);
	CHECK_ERR(lseek(fd, -11, SEEK_CUR), EINVAL);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10);
	CHECK_OK(pipe(p));
	CHECK_ERR(lseek(p[0], 0, 99), EINVAL);
	CHECK_ERR(lseek(p[0], 0, SEEK_SET), ESPIPE);
}

/* Makes "f" so, has chown(2) change nothing, and says what mode is left. */
static mode_t chown_nothing(uid_t uid, gid_t gid, mode_t mode)
{
	file_owned("f", uid, gid, mode);
	CHECK_OK(chown("f", (uid_t)-1, (gid_t)-1));
	return mode_of("f");
}

static void chown_body(void)
{
	become_user();
	CHECK_ERR(chown("others", (uid_t)-1, (gid_t)-1), EPERM);
	CHECK_OK(chown("plain", (uid_t)-1, (gid_t)-1));
	CHECK_OK(chown("own", (uid_t)-1, (gid_t)-1));
	CHECK_EQ(mode_of("own"), 0711);
	/* Not a member of the file's group: that bit goes, too. */
	CHECK_OK(chown("locking", (uid_t)-1, (gid_t)-1));
	CHECK_EQ(mode_of("locking"), 0707);
}

TEST(fs, chown_without_change, .root = true)
{
	static const struct {
		const char *name;
		uid_t uid;
		mode_t mode;
	} files[] = {{"others", 0, 04755}, {"plain", 0, 0755}, {"own", 1000, 06711},
		     {"locking", 1000, 02707}};

	CHECK_EQ(chown_nothing(0, 0, 07777), 01777);
	CHECK_EQ(chown_nothing(0, 0, 02777), 0777);
	CHECK_EQ(chown_nothing(5, 5, 02707), 02707);
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(chmod("d", 06755));
	CHECK_OK(chown("d", 5, 5));
	CHECK_EQ(mode_of("d"), 06755);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		file_owned(files[i].name, files[i].uid, 0, files[i].mode);
	CHECK_EQ(run_child(chown_body), 0);
}

static void setid_body(void)
{
	int fd;

	become_user();
	fd = (int)CHECK_OK(open("not-member", O_RDWR));
	CHECK_EQ(write(fd, "", 0), 0);
	CHECK_EQ(mode_of("not-member"), 02666);
	CHECK_EQ(write(fd, "y", 1), 1);
	CHECK_EQ(mode_of("not-member"), 0666);
	CHECK_EQ(write((int)CHECK_OK(open("member", O_RDWR)), "y", 1), 1);
	CHECK_EQ(mode_of("member"), 02666);
	CHECK_OK(fallocate((int)CHECK_OK(open("punched", O_RDWR)), 3, 0, 5));
	CHECK_EQ(mode_of("punched"), 0666);
}

TEST(fs, write_takes_setgid, .root = true)
{
	file_owned("not-member", 0, 0, 02666);
	file_owned("member", 0, 1000, 02666);
	file_make("punched", "0123456789", 10);
	CHECK_OK(chmod("punched", 04666));
	CHECK_EQ(run_child(setid_body), 0);
}

TEST(fs, utimensat_omit_both)
{
	const struct timespec t[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};

	CHECK_OK(utimensat(AT_FDCWD, "missing", t, 0));
	CHECK_OK(utimensat(99, "missing", t, 0));
	CHECK_OK(utimensat(AT_FDCWD, "missing", t, 8));
	CHECK_ERR(utimensat(AT_FDCWD, "missing", NULL, 0), ENOENT);
}

/* A time that the disk cannot keep becomes the nearest one that it can. */
TEST(fs, utimensat_before_1901)
{
	const struct timespec t[2] = {{INT32_MIN, 0}, {INT32_MIN - 1L, 5}};
	struct stat st;

	file_make("f", "x", 1);
	CHECK_OK(utimensat(AT_FDCWD, "f", t, 0));
	CHECK_OK(stat("f", &st));
	CHECK_EQ(st.st_atim.tv_sec, INT32_MIN);
	CHECK_EQ(st.st_mtim.tv_sec, on_tmpfs() ? INT32_MIN - 1L : INT32_MIN);
	CHECK_EQ(st.st_mtim.tv_nsec, on_tmpfs() ? 5 : 0);
}

static struct timespec time_old(const char *name)
{
	const struct timespec old[2] = {{1000, 0}, {2000, 0}};
	struct stat st;

	CHECK_OK(utimensat(AT_FDCWD, name, old, 0));
	CHECK_OK(stat(name, &st));
	return st.st_ctim;
}

TEST(fs, read_of_nothing_leaves_atime)
{
	struct stat st;
	char c;
	int fd;

	file_make("f", "x", 1);
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	time_old("f");
	CHECK_EQ(read(fd, &c, 0), 0);
	CHECK_OK(fstat(fd, &st));
	if (!on_tmpfs()) /* Linux's does not look at the number of bytes */
		CHECK_EQ(st.st_atim.tv_sec, 1000);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_OK(fstat(fd, &st));
	CHECK(st.st_atim.tv_sec != 1000);
}

/* A store through a shared mapping changes the file: msync(2) at the latest shows it. */
TEST(fs, mapping_moves_mtime)
{
	struct stat st;
	char *map;
	int fd;

	if (on_tmpfs())
		SKIP("of files on a disk");
	file_make("f", "0123", 4);
	fd = (int)CHECK_OK(open("f", O_RDWR));
	CHECK_OK(fsync(fd));
	map = mmap(NULL, 4, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	time_old("f");
	CHECK_EQ(*(volatile char *)map, '0');
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mtim.tv_sec, 2000);
	*(volatile char *)map = 'x';
	CHECK_OK(msync(map, 4, MS_SYNC));
	CHECK_OK(fstat(fd, &st));
	CHECK(st.st_mtim.tv_sec != 2000);
	/* Clean again: the next store counts anew. */
	time_old("f");
	*(volatile char *)map = 'y';
	CHECK_OK(msync(map, 4, MS_SYNC));
	CHECK_OK(fstat(fd, &st));
	CHECK(st.st_mtim.tv_sec != 2000);
}

TEST(fs, statx_mount_root)
{
	struct statx st;

	CHECK_OK(statx(AT_FDCWD, "/proc", 0, STATX_BASIC_STATS, &st));
	CHECK(st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT);
	CHECK(st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	CHECK_OK(statx(AT_FDCWD, "/proc/self", 0, STATX_BASIC_STATS, &st));
	CHECK(!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT));
}

TEST(fs, ranges_of_advice)
{
	int dir = (int)CHECK_OK(open(".", O_RDONLY)), fd;

	file_make("f", "x", 1);
	fd = (int)CHECK_OK(open("f", O_RDWR));
	CHECK_OK(sync_file_range(dir, 0, 1, 7));
	CHECK_EQ(posix_fadvise(fd, -1, 0, POSIX_FADV_WILLNEED), 0);
	CHECK_EQ(posix_fadvise(fd, 0, -1, POSIX_FADV_WILLNEED), EINVAL);
	CHECK_OK(readahead(fd, -1, 100));
	CHECK_OK(readahead((int)CHECK_OK(open("/proc/self/stat", O_RDONLY)), 0, 100));
	CHECK_ERR(readahead(dir, 0, 100), EINVAL);
	CHECK_ERR(readahead((int)CHECK_OK(open("f", O_WRONLY)), 0, 1), EBADF);
}

static ssize_t copy_range(int in, off_t from, int out, off_t to, size_t n)
{
	return copy_file_range(in, &from, out, &to, n, 0);
}

TEST(fs, copy_range_ends)
{
	int fd, out, dir = (int)CHECK_OK(open(".", O_RDONLY));
	char text[100];

	memset(text, 'x', sizeof(text));
	file_make("f", text, sizeof(text));
	fd = (int)CHECK_OK(open("f", O_RDWR));
	out = (int)CHECK_OK(open("out", O_RDWR | O_CREAT, 0644));
	CHECK_ERR(copy_range(fd, -1, out, 0, 10), EOVERFLOW);
	CHECK_ERR(copy_range(fd, 0, out, -1, 10), EOVERFLOW);
	CHECK_ERR(copy_range(fd, 10, out, 0, SIZE_MAX), EOVERFLOW);
	CHECK_ERR(copy_range(fd, 0, out, INT64_MAX, 10), EFBIG);
	CHECK_ERR(copy_range(fd, 0, dir, 0, 10), EISDIR);
	CHECK_ERR(copy_range(fd, 0, fd, 99, 1000), EINVAL);
	/* What is asked for ends with the file: so the two do not overlap. */
	CHECK_EQ(copy_range(fd, 99, fd, 100, 500), 1);
	CHECK_EQ(copy_range(fd, 1000, out, 0, 10), 0);
	CHECK_EQ(copy_range(fd, INT64_MAX, out, 0, 10), 0);
	CHECK_EQ(copy_range(fd, 0, out, 0, 1 << 20), 101);
}

TEST(fs, sendfile_ends)
{
	int fd, out = (int)CHECK_OK(open("out", O_RDWR | O_CREAT, 0644)), p[2];
	off_t at = 0;

	file_make("f", "0123456789", 10);
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_OK(pipe(p));
	CHECK_ERR(sendfile(out, fd, &at, SIZE_MAX), EINVAL);
	at = INT64_MAX;
	CHECK_ERR(sendfile(out, fd, &at, 5), EINVAL);
	at = -1;
	CHECK_ERR(sendfile(out, fd, &at, 5), EINVAL);
	at = 0;
	CHECK_ERR(sendfile(out, p[0], &at, 1), ESPIPE);
	CHECK_ERR(sendfile(out, (int)CHECK_OK(open(".", O_RDONLY)), NULL, 5), EINVAL);
	CHECK_EQ(sendfile(out, fd, &at, 100), 10);
	CHECK_EQ(at, 10);
}

static void linkat_body(void)
{
	int fd;

	become_user();
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_OK(linkat(fd, "", AT_FDCWD, "own", AT_EMPTY_PATH));
	CHECK_ERR(linkat(200, "", AT_FDCWD, "not", AT_EMPTY_PATH), ENOENT);
	CHECK_ERR(linkat(99, "", AT_FDCWD, "not", AT_EMPTY_PATH), EBADF);
}

/* Who opened a file may give it a name, who was handed it may not. */
TEST(fs, linkat_of_own_file, .root = true)
{
	file_owned("f", 0, 0, 0666);
	/* UT_REPORT_FD, 200, was opened by root. */
	CHECK_EQ(run_child(linkat_body), 0);
}

static int ofd_lock(int fd, int cmd, struct flock *l, short type, off_t start, off_t len)
{
	*l = (struct flock){.l_type = type, .l_start = start, .l_len = len};
	return fcntl(fd, cmd, l);
}

/* What an open file itself has locked. */
TEST(fs, lock_ofd_own)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0644));
	int other = (int)CHECK_OK(open("f", O_RDWR));
	struct flock l;

	CHECK_OK(ofd_lock(fd, F_OFD_SETLK, &l, F_WRLCK, 10, 20));
	CHECK_OK(ofd_lock(fd, F_OFD_GETLK, &l, F_UNLCK, 0, 0));
	CHECK_EQ(l.l_type, F_WRLCK);
	CHECK_EQ(l.l_start, 10);
	CHECK_EQ(l.l_len, 20);
	CHECK_EQ(l.l_pid, -1);
	CHECK_OK(ofd_lock(fd, F_OFD_GETLK, &l, F_UNLCK, 0, 10));
	CHECK_EQ(l.l_type, F_UNLCK);
	CHECK_OK(ofd_lock(other, F_OFD_GETLK, &l, F_UNLCK, 0, 0));
	CHECK_EQ(l.l_type, F_UNLCK);
	CHECK_ERR(ofd_lock(fd, F_GETLK, &l, F_UNLCK, 0, 0), EINVAL);
}

/* To ask for the other kind is to let go of the one there was, even if it is refused. */
TEST(fs, flock_conversion)
{
	int a = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0644));
	int b = (int)CHECK_OK(open("f", O_RDWR));

	CHECK_OK(flock(a, LOCK_SH));
	CHECK_OK(flock(b, LOCK_SH));
	CHECK_ERR(flock(a, LOCK_EX | LOCK_NB), EAGAIN);
	CHECK_OK(flock(b, LOCK_EX | LOCK_NB));
	CHECK_ERR(flock(a, LOCK_SH | LOCK_NB), EAGAIN);
	CHECK_OK(flock(b, LOCK_SH | LOCK_NB));
	CHECK_OK(flock(a, LOCK_SH | LOCK_NB));
}

TEST(fs, same_open_file)
{
	int fd = (int)CHECK_OK(open(".", O_RDONLY)), copy = (int)CHECK_OK(dup(fd));
	int other = (int)CHECK_OK(open(".", O_RDONLY));

	CHECK_EQ(fcntl(fd, F_DUPFD_QUERY, copy), 1);
	CHECK_EQ(fcntl(fd, F_DUPFD_QUERY, fd), 1);
	CHECK_EQ(fcntl(fd, F_DUPFD_QUERY, other), 0);
	CHECK_ERR(fcntl(fd, F_DUPFD_QUERY, 99), EBADF);
}

/* What is being run is not cut, however it is opened. */
TEST(fs, truncate_of_running)
{
	int in = (int)CHECK_OK(open(self_path(), O_RDONLY)), out;
	struct stat st, after;
	pid_t pid;

	CHECK_OK(fstat(in, &st));
	out = (int)CHECK_OK(open("prog", O_WRONLY | O_CREAT, 0755));
	for (off_t left = st.st_size; left;)
		left -= CHECK_OK(sendfile(out, in, NULL, (size_t)left));
	CHECK_OK(close(out));
	pid = child();
	if (pid == 0) {
		CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		execl("prog", "prog", "-l", "nothing", (char *)NULL);
		_exit(UT_EXIT_FAIL);
	}
	CHECK(WIFSTOPPED(status_of(pid)));
	CHECK_ERR(open("prog", O_RDONLY | O_TRUNC), ETXTBSY);
	CHECK_ERR(open("prog", O_WRONLY | O_TRUNC), ETXTBSY);
	CHECK_ERR(open("prog", O_WRONLY), ETXTBSY);
	CHECK_ERR(truncate("prog", 0), ETXTBSY);
	CHECK_OK(stat("prog", &after));
	CHECK_EQ(after.st_size, st.st_size);
	CHECK_OK(ptrace(PTRACE_CONT, pid, NULL, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_OK(close((int)CHECK_OK(open("prog", O_RDONLY | O_TRUNC))));
}

static unsigned long mount_flags(void)
{
	struct statfs st;

	CHECK_OK(statfs("m", &st));
	return (unsigned long)st.f_flags &
	       (ST_RDONLY | ST_NOATIME | ST_NODIRATIME | ST_RELATIME | 0x2000);
}

static void remount(unsigned long flags)
{
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | flags, NULL));
}

TEST(fs, mount_atime_flags, .root = true)
{
	CHECK_OK(mkdir("m", 0755));
	CHECK_ERR(mount("none", "m", NULL, 0, NULL), EINVAL);
	CHECK_OK(mount("none", "m", "tmpfs", MS_NOATIME | MS_STRICTATIME, NULL));
	CHECK_EQ(mount_flags(), 0);
	/* A remount leaves them as they are, unless it names one. */
	remount(MS_NOATIME);
	remount(MS_RDONLY);
	CHECK_EQ(mount_flags(), ST_RDONLY | ST_NOATIME);
	remount(MS_RELATIME);
	CHECK_EQ(mount_flags(), ST_RELATIME);
	remount(MS_STRICTATIME | 256 /* MS_NOSYMFOLLOW */);
	CHECK_EQ(mount_flags(), 0x2000);
	CHECK_OK(mount(NULL, "m", NULL, MS_PRIVATE | MS_REC, NULL));
	CHECK_ERR(mount(NULL, "m", NULL, MS_PRIVATE | MS_SLAVE, NULL), EINVAL);
	CHECK_ERR(mount(NULL, "m", NULL, MS_UNBINDABLE | MS_NODEV, NULL), EINVAL);
	CHECK_OK(umount("m"));
}

/* Did this open make the file? */
TEST(fs, created_query)
{
	int fd = (int)CHECK_OK(open("f", O_RDONLY | O_CREAT, 0600)), again, dir;

	again = (int)CHECK_OK(open("f", O_RDONLY | O_CREAT, 0600));
	CHECK_EQ(fcntl(fd, F_CREATED_QUERY), 1);
	CHECK_EQ(fcntl(dup(fd), F_CREATED_QUERY), 1);
	CHECK_EQ(fcntl(again, F_CREATED_QUERY), 0);
	dir = (int)CHECK_OK(open(".", O_PATH));
	CHECK_EQ(fcntl(dir, F_CREATED_QUERY), 0);
	CHECK_ERR(fcntl(99, F_CREATED_QUERY), EBADF);
}
