/* open: every flag, descriptors and what they share, the errors of the path. */
#include "ut.h"

#include <sys/klog.h>
#include <sys/resource.h>

TEST(fs, open_create)
{
	struct stat st;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0640));

	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_uid, geteuid());
	CHECK_ERR(open("missing", O_RDWR), ENOENT);
	CHECK_ERR(open("missing/f", O_RDWR | O_CREAT, 0600), ENOENT);
	/* An existing file keeps its mode and its bytes. */
	CHECK_EQ(write(fd, "keep", 4), 4);
	int again = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0777));
	CHECK_OK(fstat(again, &st));
	CHECK_EQ(st.st_mode & 07777, 0640);
	CHECK_EQ(st.st_size, 4);
}

TEST(fs, open_excl)
{
	CHECK_OK(open("f", O_WRONLY | O_CREAT | O_EXCL, 0600));
	CHECK_ERR(open("f", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_OK(mkdir("d", 0700));
	CHECK_ERR(open("d", O_RDONLY | O_CREAT | O_EXCL, 0600), EEXIST);
	/* A symbolic link counts as existing, wherever it leads. */
	CHECK_OK(symlink("nowhere", "l"));
	CHECK_ERR(open("l", O_WRONLY | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_ERR(access("nowhere", F_OK), ENOENT);
}

TEST(fs, open_create_through_link)
{
	CHECK_OK(symlink("target", "l"));
	int fd = (int)CHECK_OK(open("l", O_WRONLY | O_CREAT, 0600));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_OK(access("target", F_OK));
}

TEST(fs, open_trunc)
{
	struct stat st;

	file_pattern("f", 10000, 1);
	CHECK_OK(open("f", O_RDWR));
	CHECK_OK(stat("f", &st));
	CHECK_EQ(st.st_size, 10000);
	CHECK_OK(open("f", O_WRONLY | O_TRUNC));
	CHECK_OK(stat("f", &st));
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_blocks, 0);
}

TEST(fs, open_append)
{
	char buf[16];
	int fd, other;

	file_make("f", "abc", 3);
	fd = (int)CHECK_OK(open("f", O_RDWR | O_APPEND));
	other = (int)CHECK_OK(open("f", O_WRONLY | O_APPEND));
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(write(fd, "def", 3), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(write(other, "ghi", 3), 3);
	CHECK_EQ(write(fd, "jkl", 3), 3);
	/* As in Linux, pwrite() on such a file appends as well. */
	CHECK_EQ(pwrite(fd, "mno", 3, 0), 3);
	CHECK_EQ(file_text("f", buf, sizeof(buf)), 15);
	CHECK_STR(buf, "abcdefghijklmno");
}

TEST(fs, open_access_mode)
{
	char c = 'x';
	int fd;

	file_make("f", "abc", 3);
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_ERR(write(fd, &c, 1), EBADF);
	CHECK_ERR(ftruncate(fd, 0), EINVAL);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	fd = (int)CHECK_OK(open("f", O_WRONLY));
	CHECK_ERR(read(fd, &c, 1), EBADF);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_WRONLY);
	CHECK_EQ(write(fd, &c, 1), 1);
}

TEST(fs, open_directory)
{
	char c;
	int fd;

	CHECK_OK(mkdir("d", 0700));
	file_make("f", "x", 1);
	CHECK_ERR(open("d", O_WRONLY), EISDIR);
	CHECK_ERR(open("d", O_RDWR), EISDIR);
	CHECK_ERR(open("d", O_RDONLY | O_CREAT, 0600), EISDIR);
	CHECK_ERR(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERR(open("missing", O_RDONLY | O_DIRECTORY), ENOENT);
	fd = (int)CHECK_OK(open("d", O_RDONLY | O_DIRECTORY));
	CHECK_ERR(read(fd, &c, 1), EISDIR);
	CHECK_ERR(write(fd, &c, 1), EBADF);
	CHECK_ERR(open("missing/", O_RDWR | O_CREAT, 0600), EISDIR);
	CHECK_ERR(open("f/", O_RDONLY), ENOTDIR);
	CHECK_OK(open("d/", O_RDONLY));
}

TEST(fs, open_nofollow)
{
	file_make("f", "x", 1);
	CHECK_OK(symlink("f", "l"));
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(symlink("d", "ld"));
	file_make("d/f", "y", 1);
	CHECK_ERR(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERR(open("ld", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
	/* Only the last component counts. */
	CHECK_OK(open("ld/f", O_RDONLY | O_NOFOLLOW));
	CHECK_OK(open("f", O_RDONLY | O_NOFOLLOW));
}

TEST(fs, open_cloexec_flag)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT | O_CLOEXEC, 0600));

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_OK(fcntl(fd, F_SETFD, 0));
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	int copy = (int)CHECK_OK(fcntl(fd, F_DUPFD_CLOEXEC, 50));
	CHECK_EQ(copy, 50);
	CHECK_EQ(fcntl(copy, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
}

TEST(fs, open_path_only)
{
	char c;
	struct stat st;
	int fd;

	file_make("f", "x", 1);
	fd = (int)CHECK_OK(open("f", O_PATH));
	CHECK_ERR(read(fd, &c, 1), EBADF);
	CHECK_ERR(fchmod(fd, 0600), EBADF);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 1);
}

TEST(fs, openat)
{
	int dir;

	CHECK_OK(mkdir("d", 0700));
	file_make("d/f", "abc", 3);
	dir = (int)CHECK_OK(open("d", O_RDONLY));
	CHECK_OK(openat(dir, "f", O_RDONLY));
	CHECK_OK(openat(dir, "../d/./f", O_RDONLY));
	CHECK_ERR(openat(dir, "g", O_RDONLY), ENOENT);
	CHECK_ERR(openat(dir, "", O_RDONLY), ENOENT);
	CHECK_ERR(openat(77, "f", O_RDONLY), EBADF);
	/* An absolute path does not look at the descriptor. */
	CHECK_OK(openat(77, "/", O_RDONLY));
	int plain = (int)CHECK_OK(open("d/f", O_RDONLY));
	CHECK_ERR(openat(plain, "f", O_RDONLY), ENOTDIR);
	CHECK_OK(openat(AT_FDCWD, "d/f", O_RDONLY));
}

TEST(fs, open_lowest_descriptor)
{
	int a = (int)CHECK_OK(open("/dev/null", O_RDONLY));
	int b = (int)CHECK_OK(open("/dev/null", O_RDONLY));

	CHECK_EQ(b, a + 1);
	CHECK_OK(close(a));
	CHECK_EQ(open("/dev/null", O_RDONLY), a);
	CHECK_OK(close(a));
	CHECK_EQ(dup(b), a);
}

TEST(fs, path_errors)
{
	static char name[5000];

	file_make("f", "x", 1);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
	CHECK_ERR(open("f/g", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("f/../f", O_RDONLY), ENOTDIR);
	memset(name, 'a', 256);
	CHECK_ERR(open(name, O_RDONLY), ENAMETOOLONG);
	CHECK_ERR(open(name, O_RDWR | O_CREAT, 0600), ENAMETOOLONG);
	name[255] = '\0';
	CHECK_OK(open(name, O_RDWR | O_CREAT, 0600));
	for (int i = 0; i < 4998; i++)
		name[i] = i % 2 ? '/' : '.';
	CHECK_ERR(open(name, O_RDONLY), ENAMETOOLONG);
	/* 4,095 characters are the longest path. */
	name[4095] = '\0';
	CHECK_OK(open(name, O_RDONLY));
	name[4095] = '/';
	name[4096] = '\0';
	CHECK_ERR(open(name, O_RDONLY), ENAMETOOLONG);
}

TEST(fs, path_dots_and_slashes)
{
	char buf[8];

	CHECK_OK(mkdir("a", 0700));
	CHECK_OK(mkdir("a/b", 0700));
	file_make("a/f", "deep", 4);
	CHECK_EQ(file_text("a/b/../f", buf, sizeof(buf)), 4);
	CHECK_EQ(file_text(".//a///b/.././/f", buf, sizeof(buf)), 4);
	CHECK_OK(access("/..", F_OK));
	CHECK_OK(access("/../../..", F_OK));
	CHECK_ERR(access("a/missing/../f", F_OK), ENOENT);
}

TEST(fs, symlink_loops)
{
	char name[16], target[16];

	CHECK_OK(symlink("b", "a"));
	CHECK_OK(symlink("a", "b"));
	CHECK_OK(symlink("self", "self"));
	CHECK_ERR(open("a", O_RDONLY), ELOOP);
	CHECK_ERR(open("self", O_RDONLY | O_CREAT, 0600), ELOOP);
	CHECK_ERR(open("self/x", O_RDONLY), ELOOP);
	/* Forty links in one walk are allowed, not more. */
	file_make("l0", "end", 3);
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		snprintf(target, sizeof(target), "l%d", i - 1);
		CHECK_OK(symlink(target, name));
	}
	CHECK_OK(open("l40", O_RDONLY));
	CHECK_ERR(open("l41", O_RDONLY), ELOOP);
}

TEST(fs, dup_shares_offset)
{
	char c;
	int fd, copy;

	file_make("f", "abcdef", 6);
	fd = (int)CHECK_OK(open("f", O_RDONLY | O_CLOEXEC));
	copy = (int)CHECK_OK(dup(fd));
	CHECK_EQ(fcntl(copy, F_GETFD), 0);
	CHECK_EQ(lseek(copy, 2, SEEK_SET), 2);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(c, 'c');
	CHECK_OK(close(fd));
	CHECK_EQ(read(copy, &c, 1), 1);
	CHECK_EQ(c, 'd');
}

TEST(fs, open_twice_own_offsets)
{
	char c;
	int a, b;

	file_make("f", "abcdef", 6);
	a = (int)CHECK_OK(open("f", O_RDONLY));
	b = (int)CHECK_OK(open("f", O_RDWR));
	CHECK_EQ(lseek(a, 3, SEEK_SET), 3);
	CHECK_EQ(write(b, "XYZW", 4), 4);
	CHECK_EQ(read(a, &c, 1), 1);
	CHECK_EQ(c, 'W');
}

TEST(fs, dup2_and_dup3)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	int other = (int)CHECK_OK(open("/dev/null", O_RDWR));

	CHECK_EQ(dup2(fd, fd), fd);
	CHECK_ERR(dup3(fd, fd, 0), EINVAL);
	CHECK_EQ(dup3(fd, 70, O_CLOEXEC), 70);
	CHECK_EQ(fcntl(70, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(dup3(fd, 71, O_APPEND), EINVAL);
	CHECK_ERR(dup2(99, 72), EBADF);
	CHECK_ERR(dup2(99, 99), EBADF);
	CHECK_ERR(dup2(fd, -1), EBADF);
	CHECK_ERR(dup2(fd, 1 << 30), EBADF);
	CHECK_ERR(dup(-1), EBADF);
	/* The old file at the target is closed. */
	CHECK_EQ(dup2(fd, other), other);
	CHECK_EQ(write(other, "abc", 3), 3);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 3);
}

TEST(fs, fcntl_commands)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT | O_APPEND, 0600));

	CHECK_EQ(fcntl(fd, F_DUPFD, 80), 80);
	CHECK_EQ(fcntl(fd, F_DUPFD, 80), 81);
	CHECK_ERR(fcntl(fd, F_DUPFD, -1), EINVAL);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_APPEND);
	CHECK_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	/* The access mode and creation flags cannot be changed. */
	CHECK_OK(fcntl(fd, F_SETFL, O_RDONLY | O_EXCL));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_ERR(fcntl(fd, 12345), EINVAL);
	CHECK_ERR(fcntl(1000, F_GETFL), EBADF);
}

TEST(fs, close_errors)
{
	int fd = (int)CHECK_OK(open("/dev/null", O_RDONLY));

	CHECK_OK(close(fd));
	CHECK_ERR(close(fd), EBADF);
	CHECK_ERR(close(-1), EBADF);
	CHECK_ERR(close(INT_MAX), EBADF);
}

TEST(fs, many_descriptors)
{
	struct rlimit limit;
	int fd, count = 0;

	CHECK_OK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = 500;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		count++;
	CHECK_EQ(errno, EMFILE);
	CHECK_GE(count, 490);
	for (fd = 10; fd < 500; fd += 2)
		if (fd != UT_REPORT_FD)
			CHECK_OK(close(fd));
	CHECK_EQ(open("/dev/null", O_RDONLY), 10);
}

TEST(fs, dev_null_zero_full)
{
	char buf[100];
	int fd = (int)CHECK_OK(open("/dev/null", O_RDWR));

	CHECK_EQ(write(fd, buf, sizeof(buf)), sizeof(buf));
	CHECK_EQ(read(fd, buf, sizeof(buf)), 0);
	fd = (int)CHECK_OK(open("/dev/zero", O_RDWR));
	memset(buf, 1, sizeof(buf));
	CHECK_EQ(read(fd, buf, sizeof(buf)), sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i++)
		CHECK_EQ(buf[i], 0);
	CHECK_EQ(write(fd, buf, sizeof(buf)), sizeof(buf));
	fd = (int)CHECK_OK(open("/dev/full", O_RDWR));
	memset(buf, 1, sizeof(buf));
	CHECK_EQ(read(fd, buf, sizeof(buf)), sizeof(buf));
	for (size_t i = 0; i < sizeof(buf); i++)
		CHECK_EQ(buf[i], 0);
	CHECK_ERR(write(fd, buf, 1), ENOSPC);
}

/* What is written to the kernel's log is in it, one message a read. */
TEST(fs, dev_kmsg, .root = true)
{
	static const char text[] = "written by a test\n";
	char line[8192];
	bool found = false;
	ssize_t n;
	int fd = open("/dev/kmsg", O_RDWR | O_NONBLOCK);

	if (fd < 0)
		SKIP("no /dev/kmsg");
	CHECK_EQ(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	while (!found && (n = read(fd, line, sizeof(line) - 1)) > 0) {
		line[n] = '\0';
		found = strchr(line, ';') && !strcmp(strchr(line, ';') + 1, text);
	}
	CHECK(found);
	while ((n = read(fd, line, sizeof(line))) > 0)
		;
	CHECK(n < 0 && errno == EAGAIN);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK(read(fd, line, sizeof(line)) > 0);
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 0);
	CHECK(read(fd, line, sizeof(line)) > 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 0);
	CHECK_ERR(read(fd, line, sizeof(line)), EAGAIN);
	CHECK_ERR(lseek(fd, 1, SEEK_SET), ESPIPE);
	CHECK_ERR(lseek(fd, 0, SEEK_CUR), EINVAL);
	memset(line, 'k', 1025);
	CHECK_EQ(write(fd, line, 1024), 1024);
	CHECK_ERR(write(fd, line, 1025), EINVAL);
	CHECK_ERR(write(fd, line, sizeof(line)), EINVAL);
	CHECK_OK(close(fd));
}

/* The ring by its call: syslog(2). */
TEST(fs, syslog, .root = true)
{
	static char buf[1 << 17];
	int fd = (int)CHECK_OK(open("/dev/kmsg", O_WRONLY)), size;

	CHECK(CHECK_OK(klogctl(10, NULL, 0)) >= 4096);
	CHECK_OK(klogctl(5, NULL, 0));
	CHECK_EQ(klogctl(3, buf, sizeof(buf)), 0);
	CHECK_OK(write(fd, "<4>one\n", 7));
	CHECK_OK(write(fd, "<4>two\n", 7));
	size = (int)CHECK_OK(klogctl(3, buf, sizeof(buf) - 1));
	buf[size] = '\0';
	CHECK(strstr(buf, "one\n") && strstr(buf, "two\n"));
	CHECK(klogctl(4, buf, sizeof(buf)) == size);
	CHECK_EQ(klogctl(3, buf, sizeof(buf)), 0);
	CHECK_ERR(klogctl(3, NULL, 10), EINVAL);
	CHECK_ERR(klogctl(3, buf, -1), EINVAL);
	CHECK_ERR(klogctl(8, NULL, 0), EINVAL);
	CHECK_ERR(klogctl(8, NULL, 9), EINVAL);
	CHECK_ERR(klogctl(11, buf, 10), EINVAL);
	become_user();
	CHECK_ERR(klogctl(5, NULL, 0), EPERM);
	CHECK_ERR(klogctl(2, buf, 10), EPERM);
}

TEST(fs, dev_seek)
{
	static const char *const names[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int fd = (int)CHECK_OK(open(names[i], O_RDONLY));

		CHECK_EQ(lseek(fd, 100, SEEK_SET), 0);
		CHECK_EQ(lseek(fd, -100, SEEK_END), 0);
		CHECK_EQ(lseek(fd, INT64_MIN, SEEK_SET), 0);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
		CHECK_ERR(lseek(fd, 0, 5), EINVAL);
		CHECK_OK(close(fd));
	}
}

TEST(fs, dev_random)
{
	unsigned char a[64], b[64];
	int fd = (int)CHECK_OK(open("/dev/urandom", O_RDONLY));

	CHECK_EQ(read(fd, a, sizeof(a)), sizeof(a));
	CHECK_EQ(read(fd, b, sizeof(b)), sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK_EQ(syscall(SYS_getrandom, a, sizeof(a), 0), sizeof(a));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK_ERR(syscall(SYS_getrandom, a, sizeof(a), 0x80), EINVAL);
}
