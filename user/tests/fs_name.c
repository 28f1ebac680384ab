/* Names: link, symlink, readlink, unlink, rename, mkdir, rmdir, mknod. */
#include "ut.h"

#include <sys/sysmacros.h>

static ino_t inode_of(const char *name)
{
	struct stat st;

	CHECK_OK(lstat(name, &st));
	return st.st_ino;
}

static nlink_t links_of(const char *name)
{
	struct stat st;

	CHECK_OK(lstat(name, &st));
	return st.st_nlink;
}

static int rename2(const char *from, const char *to, unsigned int flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

TEST(fs, link)
{
	char buf[8];

	file_make("a", "abc", 3);
	CHECK_OK(link("a", "b"));
	CHECK_EQ(inode_of("a"), inode_of("b"));
	CHECK_EQ(links_of("a"), 2);
	file_make("b", "changed", 7);
	CHECK_EQ(file_text("a", buf, sizeof(buf)), 7);
	CHECK_OK(unlink("a"));
	CHECK_EQ(links_of("b"), 1);
	CHECK_EQ(file_text("b", buf, sizeof(buf)), 7);
}

TEST(fs, link_errors)
{
	file_make("a", "abc", 3);
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(symlink("a", "l"));
	CHECK_ERR(link("a", "a"), EEXIST);
	CHECK_ERR(link("a", "l"), EEXIST);
	CHECK_ERR(link("a", "d"), EEXIST);
	CHECK_ERR(link("missing", "b"), ENOENT);
	CHECK_ERR(link("a", "missing/b"), ENOENT);
	CHECK_ERR(link("a", ""), ENOENT);
	CHECK_ERR(link("d", "e"), EPERM);
	CHECK_ERR(link("a/x", "b"), ENOTDIR);
	CHECK_ERR(linkat(AT_FDCWD, "a", AT_FDCWD, "b", 0x4000), EINVAL);
	/* Without a flag, the link itself is linked. */
	CHECK_OK(link("l", "m"));
	CHECK_EQ(inode_of("m"), inode_of("l"));
	CHECK_OK(linkat(AT_FDCWD, "l", AT_FDCWD, "n", AT_SYMLINK_FOLLOW));
	CHECK_EQ(inode_of("n"), inode_of("a"));
}

TEST(fs, unlink_errors)
{
	CHECK_OK(mkdir("d", 0700));
	file_make("f", "x", 1);
	CHECK_ERR(unlink("missing"), ENOENT);
	CHECK_ERR(unlink("d"), EISDIR);
	CHECK_ERR(unlink(""), ENOENT);
	CHECK_ERR(unlink("f/x"), ENOTDIR);
	CHECK_ERR(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
	CHECK_ERR(unlinkat(AT_FDCWD, "f", 0x4), EINVAL);
	CHECK_ERR(unlink("f/"), ENOTDIR);
	CHECK_OK(symlink("d", "l"));
	CHECK_OK(unlink("l"));
	CHECK_OK(access("d", F_OK));
}

TEST(fs, symlink_and_readlink)
{
	char buf[64];
	struct stat st;

	CHECK_OK(symlink("some/where", "l"));
	memset(buf, '#', sizeof(buf));
	CHECK_EQ(readlink("l", buf, sizeof(buf)), 10);
	CHECK(memcmp(buf, "some/where#", 11) == 0);
	CHECK_EQ(readlink("l", buf, 4), 4);
	CHECK_OK(lstat("l", &st));
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(st.st_size, 10);
	CHECK_EQ(st.st_mode & 0777, 0777);
	CHECK_ERR(stat("l", &st), ENOENT);
	file_make("f", "x", 1);
	CHECK_ERR(readlink("f", buf, sizeof(buf)), EINVAL);
	CHECK_ERR(readlink("missing", buf, sizeof(buf)), ENOENT);
	CHECK_ERR(readlink("l", buf, 0), EINVAL);
	CHECK_ERR(symlink("x", "l"), EEXIST);
	CHECK_ERR(symlink("", "empty"), ENOENT);
	CHECK_ERR(symlink("x", "missing/l"), ENOENT);
}

TEST(fs, symlink_long_target)
{
	/* Short targets stand in the inode, long ones in a block. */
	static char target[4096], buf[4096];

	for (size_t len = 50; len < 70; len++) {
		memset(target, 't', len);
		target[len] = '\0';
		CHECK_OK(symlink(target, "l"));
		CHECK_EQ(readlink("l", buf, sizeof(buf)), len);
		CHECK(memcmp(buf, target, len) == 0);
		CHECK_OK(unlink("l"));
	}
	memset(target, 't', 1000);
	CHECK_OK(symlink(target, "l"));
	CHECK_EQ(readlink("l", buf, sizeof(buf)), 1000);
	memset(target, 't', 4095);
	CHECK_ERR(open(target, O_RDONLY), ENAMETOOLONG);
}

TEST(fs, symlink_in_the_middle)
{
	char cwd[PATH_MAX], buf[8];

	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(mkdir("d/e", 0700));
	file_make("d/e/f", "deep", 4);
	CHECK_OK(symlink("d/e", "short"));
	CHECK_EQ(file_text("short/f", buf, sizeof(buf)), 4);
	/* ".." after a link leads to the parent of the target. */
	CHECK_OK(access("short/../e/f", F_OK));
	CHECK(getcwd(cwd, sizeof(cwd) - 8) != NULL);
	strcat(cwd, "/d");
	CHECK_OK(symlink(cwd, "absolute"));
	CHECK_EQ(file_text("absolute/e/f", buf, sizeof(buf)), 4);
	CHECK_OK(symlink("..", "d/up"));
	CHECK_EQ(file_text("d/up/d/up/d/e/f", buf, sizeof(buf)), 4);
}

TEST(fs, rename_file)
{
	char buf[8];

	file_make("a", "one", 3);
	ino_t ino = inode_of("a");
	CHECK_OK(rename("a", "b"));
	CHECK_ERR(access("a", F_OK), ENOENT);
	CHECK_EQ(inode_of("b"), ino);
	file_make("c", "two", 3);
	CHECK_OK(rename("b", "c"));
	CHECK_EQ(inode_of("c"), ino);
	CHECK_EQ(file_text("c", buf, sizeof(buf)), 3);
	CHECK_STR(buf, "one");
	CHECK_OK(rename("c", "c"));
	CHECK_OK(link("c", "d"));
	/* Two names of one file: nothing happens. */
	CHECK_OK(rename("c", "d"));
	CHECK_OK(access("c", F_OK));
	CHECK_OK(access("d", F_OK));
}

TEST(fs, rename_keeps_open_target)
{
	char buf[8];
	int fd;

	file_make("old", "old", 3);
	file_make("new", "new", 3);
	fd = (int)CHECK_OK(open("new", O_RDONLY));
	CHECK_OK(rename("old", "new"));
	CHECK_EQ(read(fd, buf, sizeof(buf)), 3);
	CHECK(memcmp(buf, "new", 3) == 0);
	struct stat st;
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_nlink, 0);
}

TEST(fs, rename_directory)
{
	CHECK_OK(mkdir("a", 0700));
	CHECK_OK(mkdir("a/sub", 0700));
	file_make("a/sub/f", "x", 1);
	CHECK_OK(mkdir("target", 0700));
	nlink_t parent = links_of(".");
	CHECK_OK(rename("a", "b"));
	CHECK_OK(access("b/sub/f", F_OK));
	CHECK_EQ(links_of("."), parent);
	/* Over an empty directory. */
	CHECK_OK(rename("b", "target"));
	CHECK_OK(access("target/sub/f", F_OK));
	CHECK_EQ(links_of("."), parent - 1);
	/* Into another parent: ".." moves with it. */
	CHECK_OK(mkdir("p", 0700));
	CHECK_OK(rename("target/sub", "p/moved"));
	CHECK_EQ(inode_of("p/moved/.."), inode_of("p"));
	CHECK_EQ(links_of("target"), 2);
	CHECK_EQ(links_of("p"), 3);
}

TEST(fs, rename_errors)
{
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(mkdir("d/sub", 0700));
	CHECK_OK(mkdir("full", 0700));
	CHECK_OK(mkdir("full/x", 0700));
	file_make("f", "x", 1);
	CHECK_ERR(rename("missing", "y"), ENOENT);
	CHECK_ERR(rename("f", "missing/y"), ENOENT);
	CHECK_ERR(rename("f", ""), ENOENT);
	CHECK_ERR(rename("f", "d"), EISDIR);
	CHECK_ERR(rename("d", "f"), ENOTDIR);
	CHECK_ERR(rename("d", "full"), ENOTEMPTY);
	CHECK_ERR(rename("d", "d/sub/inside"), EINVAL);
	CHECK_ERR(rename("d", "d/inside"), EINVAL);
	CHECK_ERR(rename("d/sub", "d"), ENOTEMPTY);
	CHECK_ERR(rename("f", "f/x"), ENOTDIR);
	CHECK_ERR(rename("d/.", "y"), EBUSY);
	CHECK_ERR(rename("f", "d/.."), EBUSY);
	CHECK_ERR(rename("f", "g/"), ENOTDIR);
	CHECK_OK(access("f", F_OK));
	CHECK_OK(access("d/sub", F_OK));
}

TEST(fs, renameat2_noreplace)
{
	file_make("a", "aaa", 3);
	file_make("b", "bbb", 3);
	CHECK_ERR(rename2("a", "b", 1), EEXIST);
	CHECK_OK(access("a", F_OK));
	CHECK_OK(rename2("a", "c", 1));
	CHECK_OK(access("c", F_OK));
	CHECK_ERR(rename2("c", "d", 0x80), EINVAL);
	CHECK_ERR(rename2("c", "b", 1 | 2), EINVAL);
}

TEST(fs, renameat2_exchange)
{
	file_make("a", "aaa", 3);
	CHECK_OK(mkdir("d", 0700));
	ino_t a = inode_of("a"), d = inode_of("d");
	if (rename2("a", "d", 2) < 0) {
		/* A file system need not know it, but then nothing has changed. */
		CHECK_EQ(errno, EINVAL);
		CHECK_EQ(inode_of("a"), a);
		SKIP("the file system has no RENAME_EXCHANGE");
	}
	CHECK_EQ(inode_of("a"), d);
	CHECK_EQ(inode_of("d"), a);
	CHECK_ERR(rename2("a", "missing", 2), ENOENT);
}

/* A device that is none stands at the old name: it cannot be opened, but it is there. */
static void check_whiteout(const char *name)
{
	struct stat st;

	CHECK_OK(lstat(name, &st));
	CHECK_EQ(st.st_mode, S_IFCHR);
	CHECK_EQ(st.st_rdev, 0);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_uid, geteuid());
	CHECK_ERR(unlinkat(AT_FDCWD, name, AT_REMOVEDIR), ENOTDIR);
}

TEST(fs, renameat2_whiteout)
{
	char buf[8];

	file_make("a", "aaa", 3);
	file_make("b", "bbb", 3);
	ino_t a = inode_of("a");
	CHECK_ERR(rename2("a", "b", 4 | 2), EINVAL);
	CHECK_ERR(rename2("a", "b", 4 | 1), EEXIST);
	CHECK_ERR(rename2("none", "b", 4), ENOENT);
	CHECK_ERR(access("none", F_OK), ENOENT);
	CHECK_OK(rename2("a", "b", 4));
	check_whiteout("a");
	CHECK_EQ(inode_of("b"), a);
	CHECK_EQ(file_text("b", buf, sizeof(buf)), 3);
	CHECK_STR(buf, "aaa");
	CHECK_OK(rename2("b", "c", 4 | 1));
	check_whiteout("b");
	CHECK_EQ(inode_of("c"), a);
	/* It is a file like others: replaced, renamed, removed. */
	CHECK_OK(rename2("c", "a", 0));
	CHECK_EQ(inode_of("a"), a);
	CHECK_OK(rename2("b", "moved", 4));
	check_whiteout("moved");
	check_whiteout("b");
	CHECK_OK(unlink("moved"));
	CHECK_OK(unlink("b"));
	/* Two names of one file: nothing is done. */
	CHECK_OK(link("a", "twin"));
	CHECK_OK(rename2("a", "twin", 4));
	CHECK_EQ(inode_of("a"), a);
	CHECK_EQ(links_of("a"), 2);
}

TEST(fs, renameat2_whiteout_directory)
{
	CHECK_OK(mkdir("from", 0700));
	CHECK_OK(mkdir("to", 0700));
	CHECK_OK(mkdir("from/d", 0700));
	CHECK_OK(mkdir("to/empty", 0700));
	file_make("from/d/f", "x", 1);
	CHECK_ERR(rename2("from", "from/d/below", 4), EINVAL);
	CHECK_OK(rename2("from/d", "to/empty", 4));
	check_whiteout("from/d");
	CHECK_OK(access("to/empty/f", F_OK));
	CHECK_EQ(links_of("from"), 2);
	CHECK_EQ(links_of("to"), 3);
	CHECK_ERR(rename2("to", "from", 4), ENOTEMPTY);
	CHECK_ERR(rmdir("from"), ENOTEMPTY);
	CHECK_OK(unlink("from/d"));
	CHECK_OK(rmdir("from"));
}

/* Neither to make one nor to leave one is a privilege: there is nothing to open. */
static void as_user(void)
{
	become_user();
	file_make("d/f", "x", 1);
	CHECK_OK(rename2("d/f", "d/g", 4));
	check_whiteout("d/f");
	CHECK_OK(unlink("d/f"));
	_exit(0);
}

TEST(fs, renameat2_whiteout_user, .root = true)
{
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(chown("d", 1000, 1000));
	CHECK_EQ(run_child(as_user), 0);
}

TEST(fs, mkdir_and_rmdir)
{
	struct stat st;
	nlink_t before = links_of(".");

	CHECK_OK(mkdir("d", 0751));
	CHECK_OK(stat("d", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 0751);
	CHECK_EQ(st.st_nlink, 2);
	CHECK_EQ(links_of("."), before + 1);
	CHECK_EQ(inode_of("d/."), inode_of("d"));
	CHECK_EQ(inode_of("d/.."), inode_of("."));
	CHECK_OK(rmdir("d"));
	CHECK_EQ(links_of("."), before);
	CHECK_ERR(stat("d", &st), ENOENT);
	CHECK_OK(mkdir("slash/", 0700));
	CHECK_OK(rmdir("slash/"));
}

TEST(fs, mkdir_errors)
{
	file_make("f", "x", 1);
	CHECK_OK(symlink("nowhere", "l"));
	CHECK_ERR(mkdir("f", 0700), EEXIST);
	CHECK_ERR(mkdir("l", 0700), EEXIST);
	CHECK_ERR(mkdir(".", 0700), EEXIST);
	CHECK_ERR(mkdir("/", 0700), EEXIST);
	CHECK_ERR(mkdir("f/d", 0700), ENOTDIR);
	CHECK_ERR(mkdir("missing/d", 0700), ENOENT);
	CHECK_ERR(mkdir("", 0700), ENOENT);
}

TEST(fs, rmdir_errors)
{
	CHECK_OK(mkdir("d", 0700));
	file_make("d/f", "x", 1);
	CHECK_ERR(rmdir("d"), ENOTEMPTY);
	CHECK_ERR(rmdir("d/f"), ENOTDIR);
	CHECK_ERR(rmdir("missing"), ENOENT);
	CHECK_ERR(rmdir("d/."), EINVAL);
	CHECK_ERR(rmdir("d/.."), ENOTEMPTY);
	CHECK_ERR(rmdir("/"), EBUSY);
	CHECK_OK(symlink("d", "l"));
	CHECK_ERR(rmdir("l"), ENOTDIR);
}

TEST(fs, removed_cwd)
{
	char buf[PATH_MAX];

	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(chdir("d"));
	CHECK_OK(rmdir("../d"));
	CHECK_ERR(syscall(SYS_getcwd, buf, sizeof(buf)), ENOENT);
	CHECK_ERR(open("f", O_RDWR | O_CREAT, 0600), ENOENT);
	CHECK_ERR(mkdir("x", 0700), ENOENT);
	CHECK_OK(access(".", F_OK));
	CHECK_OK(chdir(".."));
	CHECK(getcwd(buf, sizeof(buf)) != NULL);
}

TEST(fs, chdir_and_getcwd)
{
	char a[PATH_MAX], b[PATH_MAX];
	int fd;

	CHECK(getcwd(a, sizeof(a)) != NULL);
	CHECK_EQ(syscall(SYS_getcwd, b, sizeof(b)), strlen(a) + 1);
	CHECK_ERR(syscall(SYS_getcwd, b, strlen(a)), ERANGE);
	CHECK_OK(syscall(SYS_getcwd, b, strlen(a) + 1));
	CHECK_OK(mkdir("d", 0700));
	fd = (int)CHECK_OK(open(".", O_RDONLY));
	CHECK_OK(chdir("d"));
	CHECK(getcwd(b, sizeof(b)) != NULL);
	strcat(a, "/d");
	CHECK_STR(b, a);
	CHECK_OK(fchdir(fd));
	CHECK_OK(access("d", F_OK));
	/* The current directory follows a rename. */
	CHECK_OK(chdir("d"));
	CHECK_OK(rename("../d", "../e"));
	CHECK(getcwd(b, sizeof(b)) != NULL);
	a[strlen(a) - 1] = 'e';
	CHECK_STR(b, a);
	file_make("plain", "x", 1);
	CHECK_ERR(chdir("plain"), ENOTDIR);
	CHECK_ERR(chdir("missing"), ENOENT);
	CHECK_ERR(chdir(""), ENOENT);
	CHECK_ERR(fchdir(999), EBADF);
	fd = (int)CHECK_OK(open("plain", O_RDONLY));
	CHECK_ERR(fchdir(fd), ENOTDIR);
}

TEST(fs, deep_tree)
{
	char cwd[PATH_MAX], text[PATH_MAX];

	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	for (int i = 0; i < 60; i++) {
		CHECK_OK(mkdir("directory-name", 0700));
		CHECK_OK(chdir("directory-name"));
	}
	CHECK(getcwd(text, sizeof(text)) != NULL);
	CHECK_EQ(strlen(text), strlen(cwd) + 60 * 15);
	for (int i = 0; i < 60; i++) {
		CHECK_OK(chdir(".."));
		CHECK_OK(rmdir("directory-name"));
	}
	CHECK(getcwd(text, sizeof(text)) != NULL);
	CHECK_STR(text, cwd);
}

TEST(fs, mknod, .root = true)
{
	struct stat st;

	CHECK_OK(mknod("fifo", S_IFIFO | 0640, 0));
	CHECK_OK(stat("fifo", &st));
	CHECK_EQ(st.st_mode, S_IFIFO | 0640);
	CHECK_OK(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	CHECK_OK(stat("null", &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(st.st_rdev, makedev(1, 3));
	int fd = (int)CHECK_OK(open("null", O_RDWR));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_OK(mknod("plain", S_IFREG | 0600, 0));
	CHECK_OK(mknod("also-plain", 0600, 0));
	CHECK_OK(stat("also-plain", &st));
	CHECK(S_ISREG(st.st_mode));
	CHECK_ERR(mknod("plain", S_IFIFO | 0600, 0), EEXIST);
	CHECK_ERR(mknod("dir", S_IFDIR | 0700, 0), EPERM);
	CHECK_ERR(mknod("odd", S_IFMT | 0700, 0), EINVAL);
	CHECK_OK(mknod("nodev", S_IFCHR | 0600, makedev(240, 77)));
	CHECK_ERR(open("nodev", O_RDWR), ENXIO);
}

TEST(fs, names_with_odd_bytes)
{
	static const char *const names[] = { " ", "a b", "\t\n", "\xff\xfe", "...", "-x", "*?[" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		file_make(names[i], names[i], strlen(names[i]));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char buf[16];

		CHECK_EQ(file_text(names[i], buf, sizeof(buf)), strlen(names[i]));
		CHECK_OK(unlink(names[i]));
	}
}
