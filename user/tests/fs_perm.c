/* Permissions: what uid 1000 may do, chmod, chown, umask, access, sticky and setgid bits. */
#include "ut.h"

/* Run the rest of the test in a child as uid 1000; true in the child. */
static bool as_user(pid_t *pid)
{
	*pid = child();
	if (*pid == 0)
		become_user();
	return *pid == 0;
}

TEST(fs, umask)
{
	CHECK_EQ(umask(027), 022);
	CHECK_OK(open("f", O_RDWR | O_CREAT, 0666));
	CHECK_EQ(mode_of("f"), 0640);
	CHECK_OK(mkdir("d", 0777));
	CHECK_EQ(mode_of("d"), 0750);
	CHECK_OK(mkfifo("p", 0666));
	CHECK_EQ(mode_of("p"), 0640);
	/* Only the permission bits count, and chmod does not look at it. */
	CHECK_EQ(umask(07777), 027);
	CHECK_EQ(umask(022), 0777);
	CHECK_OK(chmod("f", 0666));
	CHECK_EQ(mode_of("f"), 0666);
}

TEST(fs, chmod)
{
	struct stat st;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_OK(chmod("f", 07751));
	CHECK_EQ(mode_of("f"), 07751);
	CHECK_OK(fchmod(fd, 0123));
	CHECK_EQ(mode_of("f"), 0123);
	/* File type bits in the argument are ignored. */
	CHECK_OK(fchmod(fd, S_IFDIR | 0600));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0600);
	CHECK_ERR(chmod("missing", 0600), ENOENT);
	CHECK_ERR(fchmod(999, 0600), EBADF);
	CHECK_OK(symlink("f", "l"));
	CHECK_OK(chmod("l", 0444));
	CHECK_EQ(mode_of("f"), 0444);
}

TEST(fs, chown, .root = true)
{
	struct stat st;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0755));

	CHECK_OK(fchown(fd, 123, 456));
	CHECK_OK(fstat(fd, &st));
	CHECK(st.st_uid == 123 && st.st_gid == 456);
	CHECK_OK(chown("f", (uid_t)-1, 7));
	CHECK_OK(stat("f", &st));
	CHECK(st.st_uid == 123 && st.st_gid == 7);
	CHECK_OK(symlink("f", "l"));
	CHECK_OK(lchown("l", 9, 9));
	CHECK_OK(stat("f", &st));
	CHECK_EQ(st.st_uid, 123);
	CHECK_OK(lstat("l", &st));
	CHECK_EQ(st.st_uid, 9);
	/* 32 bits are kept. */
	CHECK_OK(chown("f", 100000, 200000));
	CHECK_OK(stat("f", &st));
	CHECK(st.st_uid == 100000 && st.st_gid == 200000);
	CHECK_ERR(chown("missing", 0, 0), ENOENT);
}

TEST(fs, chown_clears_setuid, .root = true)
{
	file_make("f", "x", 1);
	CHECK_OK(chmod("f", 06755));
	CHECK_OK(chown("f", 1, 1));
	CHECK_EQ(mode_of("f"), 0755);
}

TEST(fs, user_file_permissions, .root = true)
{
	pid_t pid;
	char c;

	file_owned("owner-only", 0, 0, 0600);
	file_owned("read", 0, 0, 0604);
	file_owned("group", 0, 1000, 0060);
	/* The group's bits, not the others', count for a member. */
	file_owned("group-denied", 0, 1000, 0606);
	file_owned("own-denied", 1000, 0, 0066);
	if (as_user(&pid)) {
		CHECK_ERR(open("owner-only", O_RDONLY), EACCES);
		CHECK_ERR(open("read", O_WRONLY), EACCES);
		CHECK_ERR(open("read", O_RDWR), EACCES);
		CHECK_ERR(open("read", O_RDONLY | O_TRUNC), EACCES);
		CHECK_EQ(read((int)CHECK_OK(open("read", O_RDONLY)), &c, 1), 1);
		CHECK_OK(open("group", O_RDWR));
		CHECK_ERR(open("group-denied", O_RDONLY), EACCES);
		CHECK_ERR(open("own-denied", O_RDONLY), EACCES);
		CHECK_ERR(truncate("read", 0), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
	/* Root is not stopped by any of it. */
	CHECK_OK(open("own-denied", O_RDWR));
}

TEST(fs, user_directory_permissions, .root = true)
{
	pid_t pid;

	CHECK_OK(mkdir("noexec", 0755));
	file_make("noexec/f", "x", 1);
	CHECK_OK(chmod("noexec", 0744));
	CHECK_OK(mkdir("nowrite", 0755));
	file_owned("nowrite/f", 0, 0, 0666);
	CHECK_OK(mkdir("noread", 0711));
	file_make("noread/f", "x", 1);
	CHECK_OK(mkdir("open", 0777));
	CHECK_OK(chmod("open", 0777));
	if (as_user(&pid)) {
		CHECK_ERR(open("noexec/f", O_RDONLY), EACCES);
		CHECK_ERR(chdir("noexec"), EACCES);
		CHECK_OK(open("noexec", O_RDONLY));
		CHECK_ERR(open("nowrite/g", O_WRONLY | O_CREAT, 0600), EACCES);
		CHECK_ERR(unlink("nowrite/f"), EACCES);
		CHECK_ERR(mkdir("nowrite/d", 0700), EACCES);
		CHECK_ERR(rename("nowrite/f", "open/f"), EACCES);
		CHECK_ERR(symlink("x", "nowrite/l"), EACCES);
		CHECK_ERR(link("nowrite/f", "nowrite/g"), EACCES);
		CHECK_OK(open("nowrite/f", O_RDWR));
		CHECK_ERR(open("noread", O_RDONLY), EACCES);
		CHECK_OK(open("noread/f", O_RDONLY));
		file_make("open/mine", "x", 1);
		CHECK_OK(unlink("open/mine"));
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(fs, user_may_not_change_others, .root = true)
{
	pid_t pid;
	int fd;

	file_owned("root", 0, 0, 0666);
	fd = (int)CHECK_OK(open("root", O_RDWR));
	if (as_user(&pid)) {
		CHECK_ERR(chmod("root", 0777), EPERM);
		CHECK_ERR(fchmod(fd, 0777), EPERM);
		CHECK_ERR(chown("root", 1000, 1000), EPERM);
		CHECK_ERR(fchown(fd, (uid_t)-1, 1000), EPERM);
		file_make("mine", "x", 1);
		CHECK_OK(chmod("mine", 0700));
		CHECK_ERR(chown("mine", 0, (gid_t)-1), EPERM);
		CHECK_ERR(chown("mine", (uid_t)-1, 0), EPERM);
		CHECK_OK(chown("mine", 1000, 1000));
		CHECK_ERR(mknod("dev", S_IFCHR | 0666, 0x103), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(fs, user_new_file_ids, .root = true)
{
	struct stat st;
	pid_t pid;

	CHECK_OK(mkdir("sgid", 0777));
	CHECK_OK(chown("sgid", 0, 55));
	CHECK_OK(chmod("sgid", 02777));
	if (as_user(&pid)) {
		file_make("mine", "x", 1);
		CHECK_OK(stat("mine", &st));
		CHECK(st.st_uid == 1000 && st.st_gid == 1000);
		/* A set-group-ID directory hands its group on, and to directories the bit too. */
		file_make("sgid/f", "x", 1);
		CHECK_OK(stat("sgid/f", &st));
		CHECK(st.st_uid == 1000 && st.st_gid == 55);
		CHECK_OK(mkdir("sgid/d", 0755));
		CHECK_OK(stat("sgid/d", &st));
		CHECK_EQ(st.st_gid, 55);
		CHECK_EQ(st.st_mode & 07777, 02755);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(fs, sticky_directory, .root = true)
{
	pid_t pid;

	CHECK_OK(mkdir("t", 0777));
	CHECK_OK(chmod("t", 01777));
	file_owned("t/root", 0, 0, 0666);
	if (as_user(&pid)) {
		CHECK_ERR(unlink("t/root"), EPERM);
		CHECK_ERR(rename("t/root", "t/other"), EPERM);
		file_make("t/mine", "x", 1);
		CHECK_ERR(rename("t/mine", "t/root"), EPERM);
		CHECK_OK(unlink("t/mine"));
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(fs, write_clears_setuid, .root = true)
{
	pid_t pid;

	file_owned("f", 0, 0, 06777);
	if (as_user(&pid)) {
		int fd = (int)CHECK_OK(open("f", O_WRONLY));
		CHECK_EQ(write(fd, "y", 1), 1);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(mode_of("f"), 0777);
}

TEST(fs, access)
{
	file_make("f", "x", 1);
	CHECK_OK(chmod("f", 0600));
	CHECK_OK(access("f", F_OK));
	CHECK_OK(access("f", R_OK | W_OK));
	/* Even root needs one x bit. */
	if (geteuid() == 0)
		CHECK_ERR(access("f", X_OK), EACCES);
	CHECK_ERR(access("f", 8), EINVAL);
	CHECK_ERR(access("missing", F_OK), ENOENT);
	CHECK_ERR(access("f/x", F_OK), ENOTDIR);
	CHECK_ERR(syscall(SYS_faccessat, 999, "f", F_OK), EBADF);
	CHECK_OK(symlink("nowhere", "l"));
	CHECK_ERR(access("l", F_OK), ENOENT);
}

TEST(fs, access_uses_real_ids, .root = true)
{
	pid_t pid;

	file_owned("root", 0, 0, 0600);
	pid = child();
	if (pid == 0) {
		CHECK_OK(setresuid(1000, 0, 0));
		CHECK_OK(open("root", O_RDONLY));
		CHECK_ERR(access("root", R_OK), EACCES);
		CHECK_OK(faccessat(AT_FDCWD, "root", R_OK, AT_EACCESS));
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(fs, open_checks_once, .root = true)
{
	/* A descriptor keeps its rights after chmod and after the uid is dropped. */
	char c;
	pid_t pid;
	int fd;

	file_make("f", "x", 1);
	fd = (int)CHECK_OK(open("f", O_RDWR));
	CHECK_OK(chmod("f", 0));
	if (as_user(&pid)) {
		CHECK_EQ(pread(fd, &c, 1, 0), 1);
		CHECK_EQ(write(fd, "y", 1), 1);
		CHECK_ERR(open("f", O_RDONLY), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}
