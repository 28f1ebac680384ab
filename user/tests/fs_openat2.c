/* openat2: the size of its argument, flags that open ignores, and each way to limit a path. */
#include "ut.h"

#include <linux/openat2.h>
#include <sys/mount.h>

static long openat2_sized(int dir, const char *path, const void *how, size_t size)
{
	return syscall(SYS_openat2, dir, path, how, size);
}

static int openat2_at(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = flags,
		.mode = flags & O_CREAT ? 0600 : 0,
		.resolve = resolve,
	};

	return (int)openat2_sized(dir, path, &how, sizeof(how));
}

/* What fd is of, and fd closed. */
static ino_t inode_of(int fd)
{
	struct stat st;

	CHECK_OK(fd);
	CHECK_OK(fstat(fd, &st));
	CHECK_OK(close(fd));
	return st.st_ino;
}

static ino_t inode_at(const char *path)
{
	struct stat st;

	CHECK_OK(stat(path, &st));
	return st.st_ino;
}

TEST(fs, openat2_opens)
{
	struct open_how how = {.flags = O_RDWR | O_CREAT | O_CLOEXEC, .mode = 0666};
	struct stat st;
	int fd, dir;

	umask(027);
	CHECK_OK(mkdir("d", 0700));
	dir = (int)CHECK_OK(open("d", O_PATH));
	fd = (int)CHECK_OK(openat2_sized(dir, "f", &how, sizeof(how)));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0640);
	CHECK_EQ(inode_at("d/f"), st.st_ino);
	CHECK_EQ(inode_of(openat2_at(AT_FDCWD, "d/f", O_RDONLY, 0)), st.st_ino);
	how = (struct open_how){.flags = O_TMPFILE | O_WRONLY, .mode = 0600};
	CHECK_OK(openat2_sized(dir, ".", &how, sizeof(how)));
	CHECK_ERR(openat2_at(dir, "missing", O_RDONLY, 0), ENOENT);
	CHECK_ERR(openat2_at(-1, "f", O_RDONLY, 0), EBADF);
	CHECK_ERR(openat2_at(-1, "f", O_RDONLY, RESOLVE_NO_XDEV), EBADF);
	CHECK_ERR(openat2_at(fd, "f", O_RDONLY, RESOLVE_NO_XDEV), ENOTDIR);
	CHECK_ERR(openat2_at(dir, "", O_RDONLY, RESOLVE_NO_XDEV), ENOENT);
}

TEST(fs, openat2_size)
{
	struct {
		struct open_how how;
		uint64_t more[600];
	} big = {.how = {.flags = O_RDONLY}};
	const void *bad = (void *)-4096;

	file_make("f", "x", 1);
	CHECK_ERR(openat2_sized(AT_FDCWD, "f", &big, 0), EINVAL);
	CHECK_ERR(openat2_sized(AT_FDCWD, "f", &big, sizeof(big.how) - 1), EINVAL);
	CHECK_OK(openat2_sized(AT_FDCWD, "f", &big, sizeof(big.how)));
	/* What it does not know may be there, as long as it is zero. */
	CHECK_OK(openat2_sized(AT_FDCWD, "f", &big, sizeof(big.how) + 1));
	CHECK_OK(openat2_sized(AT_FDCWD, "f", &big, 4096));
	CHECK_ERR(openat2_sized(AT_FDCWD, "f", &big, 4097), E2BIG);
	((char *)big.more)[4] = 1;
	CHECK_OK(openat2_sized(AT_FDCWD, "f", &big, sizeof(big.how) + 4));
	CHECK_ERR(openat2_sized(AT_FDCWD, "f", &big, sizeof(big.how) + 5), E2BIG);
	CHECK_ERR(openat2_sized(AT_FDCWD, "f", bad, sizeof(big.how)), EFAULT);
	CHECK_ERR(openat2_sized(AT_FDCWD, bad, &big, sizeof(big.how)), EFAULT);
	CHECK_ERR(openat2_sized(AT_FDCWD, bad, &big, 8), EINVAL);
}

TEST(fs, openat2_flags)
{
	struct open_how how = {.flags = O_RDONLY, .mode = 0600};

	file_make("f", "x", 1);
	/* open takes what it does not know for nothing. */
	CHECK_OK(open("f", 1 << 30 | O_RDONLY));
	CHECK_ERR(openat2_at(AT_FDCWD, "f", 1 << 30, 0), EINVAL);
	CHECK_ERR(openat2_at(AT_FDCWD, "f", 1ULL << 32, 0), EINVAL);
	CHECK_ERR(openat2_at(AT_FDCWD, "f", O_RDONLY, 0x40), EINVAL);
	CHECK_ERR(openat2_at(AT_FDCWD, "f", O_RDONLY, 1ULL << 63), EINVAL);
	CHECK_ERR(openat2_at(AT_FDCWD, "f", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT), EINVAL);
	CHECK_ERR(openat2_sized(AT_FDCWD, "f", &how, sizeof(how)), EINVAL);
	how.flags = O_RDWR | O_CREAT;
	how.mode = 010600;
	CHECK_ERR(openat2_sized(AT_FDCWD, "f", &how, sizeof(how)), EINVAL);
	how.mode = 0600;
	CHECK_OK(openat2_sized(AT_FDCWD, "f", &how, sizeof(how)));
	CHECK_OK(open("f", O_PATH | O_WRONLY));
	CHECK_ERR(openat2_at(AT_FDCWD, "f", O_PATH | O_WRONLY, 0), EINVAL);
	CHECK_OK(openat2_at(AT_FDCWD, "f", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0));
	CHECK_ERR(openat2_at(AT_FDCWD, ".", O_RDWR | (O_TMPFILE & ~O_DIRECTORY), 0), EINVAL);
	CHECK_ERR(openat2_at(AT_FDCWD, ".", O_RDONLY | O_TMPFILE, 0), EINVAL);
	CHECK_ERR(openat2_at(AT_FDCWD, "d", O_CREAT | O_DIRECTORY, 0), EINVAL);
}

/* d/in, d/sub/deep; links: d/l -> in, d/up -> .., d/sub/back -> ../in, d/abs -> /in */
static int make_tree(void)
{
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(mkdir("d/sub", 0700));
	file_make("out", "out", 3);
	file_make("d/in", "in", 2);
	file_make("d/sub/deep", "deep", 4);
	CHECK_OK(symlink("in", "d/l"));
	CHECK_OK(symlink("..", "d/up"));
	CHECK_OK(symlink("../in", "d/sub/back"));
	CHECK_OK(symlink("/in", "d/abs"));
	CHECK_OK(symlink("/new", "d/new_link"));
	return (int)CHECK_OK(open("d", O_PATH | O_DIRECTORY));
}

TEST(fs, openat2_no_symlinks)
{
	int d = make_tree();

	CHECK_OK(openat2_at(d, "in", O_RDONLY, RESOLVE_NO_SYMLINKS));
	CHECK_OK(openat2_at(d, "sub/../../out", O_RDONLY, RESOLVE_NO_SYMLINKS));
	CHECK_ERR(openat2_at(d, "l", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
	CHECK_ERR(openat2_at(d, "up/out", O_RDONLY, RESOLVE_NO_SYMLINKS), ELOOP);
	CHECK_ERR(openat2_at(d, "new_link", O_RDWR | O_CREAT, RESOLVE_NO_SYMLINKS), ELOOP);
	/* A link that is not followed is a place as any other. */
	CHECK_OK(openat2_at(d, "l", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS));
	CHECK_ERR(openat2_at(d, "l", O_RDONLY | O_NOFOLLOW, RESOLVE_NO_SYMLINKS), ELOOP);
	CHECK_ERR(openat2_at(AT_FDCWD, "/proc/self/fd/0", O_PATH, RESOLVE_NO_SYMLINKS), ELOOP);
}

TEST(fs, openat2_no_magiclinks)
{
	char name[64];
	int d = make_tree(), in = (int)CHECK_OK(openat(d, "in", O_RDONLY));

	if (!have_proc())
		SKIP("no /proc");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", in);
	CHECK_EQ(inode_of(openat2_at(d, name, O_RDONLY, 0)), inode_at("d/in"));
	CHECK_ERR(openat2_at(d, name, O_RDONLY, RESOLVE_NO_MAGICLINKS), ELOOP);
	CHECK_OK(openat2_at(d, name, O_PATH | O_NOFOLLOW, RESOLVE_NO_MAGICLINKS));
	CHECK_ERR(openat2_at(d, "/proc/self/cwd/out", O_RDONLY, RESOLVE_NO_MAGICLINKS), ELOOP);
	/* /proc/self is a link of the usual kind. */
	CHECK_OK(openat2_at(d, "/proc/self/stat", O_RDONLY, RESOLVE_NO_MAGICLINKS));
	CHECK_OK(openat2_at(d, "l", O_RDONLY, RESOLVE_NO_MAGICLINKS));
}

TEST(fs, openat2_beneath)
{
	char name[64];
	int d = make_tree(), proc;

	CHECK_EQ(inode_of(openat2_at(d, "in", O_RDONLY, RESOLVE_BENEATH)), inode_at("d/in"));
	CHECK_EQ(inode_of(openat2_at(d, "sub/../in", O_RDONLY, RESOLVE_BENEATH)),
		 inode_at("d/in"));
	CHECK_EQ(inode_of(openat2_at(d, "sub/back", O_RDONLY, RESOLVE_BENEATH)),
		 inode_at("d/in"));
	CHECK_EQ(inode_of(openat2_at(d, "sub/..", O_RDONLY, RESOLVE_BENEATH)), inode_at("d"));
	CHECK_ERR(openat2_at(d, "..", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(openat2_at(d, "../d/in", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(openat2_at(d, "up/out", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(openat2_at(d, "sub/../../out", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(openat2_at(d, "abs", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(openat2_at(d, "/", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(openat2_at(-1, "/", O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(openat2_at(d, "up/new", O_RDWR | O_CREAT, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(openat2_at(d, "../new", O_RDWR | O_CREAT | O_EXCL, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(openat2_at(d, "new_link", O_RDWR | O_CREAT, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(access("new", F_OK), ENOENT);
	CHECK_OK(openat2_at(d, "sub/../new", O_RDWR | O_CREAT | O_EXCL, RESOLVE_BENEATH));
	CHECK_OK(access("d/new", F_OK));
	/* The working directory is a place to stay beneath as well. */
	CHECK_OK(openat2_at(AT_FDCWD, "d/../out", O_RDONLY, RESOLVE_BENEATH));
	CHECK_ERR(openat2_at(AT_FDCWD, "d/../..", O_PATH, RESOLVE_BENEATH), EXDEV);
	if (!have_proc())
		return;
	proc = (int)CHECK_OK(open("/proc/self/fd", O_PATH));
	snprintf(name, sizeof(name), "%d", d);
	CHECK_ERR(openat2_at(proc, name, O_RDONLY, RESOLVE_BENEATH), EXDEV);
	CHECK_ERR(openat2_at(proc, name, O_RDONLY, RESOLVE_IN_ROOT), EXDEV);
}

TEST(fs, openat2_in_root)
{
	int d = make_tree();
	ino_t in = inode_at("d/in");

	CHECK_EQ(inode_of(openat2_at(d, "/in", O_RDONLY, RESOLVE_IN_ROOT)), in);
	CHECK_EQ(inode_of(openat2_at(d, "abs", O_RDONLY, RESOLVE_IN_ROOT)), in);
	CHECK_EQ(inode_of(openat2_at(d, "../../in", O_RDONLY, RESOLVE_IN_ROOT)), in);
	CHECK_EQ(inode_of(openat2_at(d, "up/up/../sub/back", O_RDONLY, RESOLVE_IN_ROOT)), in);
	CHECK_EQ(inode_of(openat2_at(d, "/", O_RDONLY, RESOLVE_IN_ROOT)), inode_at("d"));
	CHECK_EQ(inode_of(openat2_at(d, "..", O_RDONLY, RESOLVE_IN_ROOT)), inode_at("d"));
	CHECK_ERR(openat2_at(d, "../out", O_RDONLY, RESOLVE_IN_ROOT), ENOENT);
	CHECK_ERR(openat2_at(-1, "/", O_RDONLY, RESOLVE_IN_ROOT), EBADF);
	/* What is made through an absolute link lies below the root, too. */
	CHECK_OK(openat2_at(d, "new_link", O_RDWR | O_CREAT, RESOLVE_IN_ROOT));
	CHECK_OK(access("d/new", F_OK));
	CHECK_OK(openat2_at(d, "/../sub/other", O_RDWR | O_CREAT | O_EXCL, RESOLVE_IN_ROOT));
	CHECK_OK(access("d/sub/other", F_OK));
}

TEST(fs, openat2_no_xdev, .root = true)
{
	int d = make_tree(), sub;

	CHECK_OK(mount("none", "d/sub", "tmpfs", 0, NULL));
	file_make("d/sub/f", "f", 1);
	CHECK_OK(symlink("/", "d/sub/root"));
	sub = (int)CHECK_OK(open("d/sub", O_PATH));
	inode_of(openat2_at(d, "sub/f", O_RDONLY, RESOLVE_BENEATH));
	CHECK_OK(openat2_at(d, "sub/../in", O_RDONLY, RESOLVE_BENEATH));
	CHECK_OK(openat2_at(d, "in", O_RDONLY, RESOLVE_NO_XDEV));
	inode_of(openat2_at(sub, "f", O_RDONLY, RESOLVE_NO_XDEV));
	inode_of(openat2_at(sub, "/", O_RDONLY, RESOLVE_NO_XDEV));
	CHECK_ERR(openat2_at(d, "sub/f", O_RDONLY, RESOLVE_NO_XDEV), EXDEV);
	CHECK_ERR(openat2_at(d, "sub", O_RDONLY, RESOLVE_NO_XDEV), EXDEV);
	CHECK_ERR(openat2_at(d, "sub/new", O_RDWR | O_CREAT | O_EXCL, RESOLVE_NO_XDEV), EXDEV);
	CHECK_ERR(openat2_at(sub, "../in", O_RDONLY, RESOLVE_NO_XDEV), EXDEV);
	CHECK_ERR(openat2_at(sub, "..", O_RDONLY, RESOLVE_NO_XDEV), EXDEV);
	CHECK_ERR(openat2_at(sub, "root", O_RDONLY, RESOLVE_NO_XDEV), EXDEV);
	CHECK_OK(close(sub));
	CHECK_OK(umount("d/sub"));
	CHECK_OK(openat2_at(d, "sub/deep", O_RDONLY, RESOLVE_NO_XDEV));
}

TEST(fs, openat2_cached)
{
	int d = make_tree();

	/* What was just made is in the cache. */
	CHECK_OK(openat2_at(d, "in", O_RDONLY, RESOLVE_CACHED));
	CHECK_OK(openat2_at(d, "sub/deep", O_RDONLY, RESOLVE_CACHED | RESOLVE_BENEATH));
	CHECK_ERR(openat2_at(d, "never_asked_for", O_RDONLY, RESOLVE_CACHED), EAGAIN);
	CHECK_ERR(openat2_at(d, "in", O_RDWR | O_TRUNC, RESOLVE_CACHED), EAGAIN);
	CHECK_ERR(openat2_at(d, "in", O_RDWR | O_CREAT, RESOLVE_CACHED), EAGAIN);
}

/* A directory that is taken away while a path leads through it is no way out. */
TEST(fs, openat2_beneath_renames)
{
	int d = make_tree();
	pid_t pid;

	CHECK_OK(symlink(".", "d/sub/here"));
	pid = child();
	if (!pid) {
		for (;;) {
			CHECK_OK(rename("d/sub", "moved"));
			CHECK_OK(rename("moved", "d/sub"));
		}
	}
	for (int i = 0; i < 20000; i++) {
		CHECK_EQ(openat2_at(d, "sub/here/../out", O_RDONLY, RESOLVE_BENEATH), -1);
		if (errno != ENOENT && errno != EAGAIN && errno != EXDEV)
			FAIL("%s", strerrorname_np(errno));
	}
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}
