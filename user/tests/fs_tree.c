/*
 * fs: trees of mounts: copies by open_tree and MS_REC, their attributes, how they go.
 */
#include <sys/statfs.h>

#include "user/tests/mountfd.h"
#include "user/tests/ut.h"

#define RECURSIVE 0x8000 /* AT_RECURSIVE */

static long attr_call(const struct mount_attr *a, size_t size)
{
	return syscall(SYS_mount_setattr, AT_FDCWD, "p", 0, a, size);
}

/* p, with p/in below it and p/in/deep below that, each with a file. */
static void tree_make(void)
{
	CHECK_OK(mkdir("p", 0755));
	CHECK_OK(mount("none", "p", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("p/in", 0755));
	CHECK_OK(mount("none", "p/in", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("p/in/deep", 0755));
	CHECK_OK(mount("none", "p/in/deep", "tmpfs", 0, NULL));
	file_make("p/f", "x", 1);
	file_make("p/in/f", "x", 1);
	file_make("p/in/deep/f", "x", 1);
	CHECK_OK(mkdir("to", 0755));
}

static void tree_end(void)
{
	CHECK_OK(umount2("p", MNT_DETACH));
	CHECK_ERR(access("p/f", F_OK), ENOENT);
	CHECK_OK(rmdir("p"));
}

TEST(fs, umount_detach_takes_all, .root = true)
{
	int f, in;

	tree_make();
	f = (int)CHECK_OK(open("p/f", O_RDWR));
	in = (int)CHECK_OK(open("p/in", O_PATH));
	CHECK_ERR(umount("p"), EBUSY);
	CHECK_ERR(umount("p/in"), EBUSY);
	tree_end();
	CHECK_EQ(write(f, "text", 4), 4);
	CHECK_OK(faccessat(in, "f", F_OK, 0));
	CHECK_ERR(faccessat(in, "deep/f", F_OK, 0), ENOENT);
	sync();
	CHECK_OK(close(f));
	CHECK_OK(close(in));
	sync();
}

/* Nobody finds it, two use it, and the last of them ends it. */
TEST(fs, umount_detach_two_of_one, .root = true)
{
	int f, g;

	CHECK_OK(mkdir("a", 0755));
	CHECK_OK(mkdir("b", 0755));
	CHECK_OK(mount("none", "a", "tmpfs", 0, NULL));
	file_make("a/f", "x", 1);
	CHECK_OK(mount("a", "b", NULL, MS_BIND, NULL));
	f = (int)CHECK_OK(open("a/f", O_RDWR));
	g = (int)CHECK_OK(open("b/f", O_RDWR));
	CHECK_OK(umount2("a", MNT_DETACH));
	CHECK_OK(umount2("b", MNT_DETACH));
	sync();
	CHECK_OK(close(f));
	sync();
	CHECK_EQ(write(g, "x", 1), 1);
	CHECK_OK(close(g));
	for (int i = 0; i < 8; i++) {
		CHECK_OK(mount("none", "a", "tmpfs", 0, NULL));
		sync();
		CHECK_OK(umount("a"));
	}
}

TEST(fs, bind_recursive, .root = true)
{
	tree_make();
	CHECK_OK(mount("p", "to", NULL, MS_BIND, NULL));
	CHECK_OK(access("to/f", F_OK));
	CHECK_ERR(access("to/in/f", F_OK), ENOENT);
	CHECK_OK(umount("to"));
	CHECK_OK(mount("p", "to", NULL, MS_BIND | MS_REC, NULL));
	CHECK_OK(access("to/in/deep/f", F_OK));
	CHECK_OK(umount("to/in/deep"));
	CHECK_ERR(access("to/in/deep/f", F_OK), ENOENT);
	CHECK_OK(access("p/in/deep/f", F_OK));
	CHECK_OK(umount2("to", MNT_DETACH));
	/* A part of it, and into itself. */
	CHECK_OK(mount("p/in", "to", NULL, MS_BIND | MS_REC, NULL));
	CHECK_OK(access("to/deep/f", F_OK));
	CHECK_OK(umount2("to", MNT_DETACH));
	CHECK_OK(mkdir("p/in/own", 0755));
	CHECK_OK(mount("p", "p/in/own", NULL, MS_BIND | MS_REC, NULL));
	CHECK_OK(access("p/in/own/in/deep/f", F_OK));
	CHECK_ERR(access("p/in/own/in/own/f", F_OK), ENOENT);
	CHECK_ERR(mount("p", "p/f", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERR(mount("p/f", "to", NULL, MS_BIND, NULL), ENOTDIR);
	tree_end();
	CHECK_OK(rmdir("to"));
}

static void doubles(void)
{
	int n = 0;

	/* Each time a copy of all there are is added; one that has no room leaves nothing. */
	while (mount("p", "p/in", NULL, MS_BIND | MS_REC, NULL) == 0)
		CHECK_GE(4, ++n);
	CHECK_EQ(errno, ENOSPC);
	CHECK_GE(n, 3);
	/* There is room for some more alone. */
	for (n = 0; mount("p", "to", NULL, MS_BIND, NULL) == 0; n++)
		CHECK_GE(40, n);
	CHECK_EQ(errno, ENOSPC);
	CHECK_ERR(mount("none", "to", "tmpfs", 0, NULL), ENOSPC);
	CHECK_GE(n, 1);
	for (; n; n--)
		CHECK_OK(umount("to"));
}

static int mounts_now(void)
{
	static char text[65536];
	int n = 0;

	file_text("/proc/self/mounts", text, sizeof(text));
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

TEST(fs, mount_max, .root = true)
{
	int before;

	tree_make();
	before = mounts_now();
	setting_with("/proc/sys/fs/mount-max", before + 60, doubles);
	tree_end();
	CHECK_EQ(mounts_now(), before - 3);
	CHECK_OK(rmdir("to"));
	CHECK_EQ(setting_put_number("/proc/sys/fs/mount-max", 0), EINVAL);
}

TEST(fs, open_tree_errors, .root = true)
{
	int fd;

	file_make("f", "x", 1);
	CHECK_OK(symlink("f", "l"));
	CHECK_ERR(open_tree(AT_FDCWD, ".", 2), EINVAL);
	CHECK_ERR(open_tree(AT_FDCWD, ".", RECURSIVE), EINVAL);
	CHECK_ERR(open_tree(AT_FDCWD, "none", OPEN_TREE_CLONE), ENOENT);
	CHECK_ERR(open_tree(AT_FDCWD, "", OPEN_TREE_CLONE), ENOENT);
	CHECK_ERR(open_tree(AT_FDCWD, NULL, OPEN_TREE_CLONE), EFAULT);
	CHECK_ERR(open_tree(500, "f", 0), EBADF);
	/* Without a copy it is as O_PATH. */
	fd = (int)CHECK_OK(open_tree(AT_FDCWD, "l", O_CLOEXEC));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	CHECK_ERR(move_to(fd, "f"), EINVAL);
	CHECK_OK(close(fd));
	fd = (int)CHECK_OK(open_tree(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT));
	CHECK_ERR(fchdir(fd), ENOTDIR);
	CHECK_OK(close(fd));
}

TEST(fs, open_tree_copies, .root = true)
{
	int one, all, deep;

	tree_make();
	one = (int)CHECK_OK(open_tree(AT_FDCWD, "p", OPEN_TREE_CLONE));
	all = (int)CHECK_OK(open_tree(AT_FDCWD, "p", OPEN_TREE_CLONE | RECURSIVE));
	CHECK_OK(faccessat(one, "f", F_OK, 0));
	CHECK_ERR(faccessat(one, "in/f", F_OK, 0), ENOENT);
	CHECK_OK(faccessat(all, "in/deep/f", F_OK, 0));
	/* Of a tree without a place there are no copies, and parts of it do not move. */
	CHECK_ERR(open_tree(all, "", OPEN_TREE_CLONE | AT_EMPTY_PATH), EINVAL);
	CHECK_ERR(move_mount(all, "in", AT_FDCWD, "to", 0), EINVAL);
	CHECK_OK(umount("p/in/deep"));
	CHECK_OK(faccessat(all, "in/deep/f", F_OK, 0));
	CHECK_OK(move_to(one, "to"));
	CHECK_OK(close(one));
	CHECK_OK(access("to/f", F_OK));
	CHECK_OK(umount("to"));
	CHECK_OK(move_to(all, "to"));
	CHECK_OK(close(all));
	CHECK_OK(access("to/in/deep/f", F_OK));
	CHECK_OK(umount2("to", MNT_DETACH));
	/* It goes as a whole, but for what is in use. */
	all = (int)CHECK_OK(open_tree(AT_FDCWD, "p", OPEN_TREE_CLONE | RECURSIVE));
	deep = (int)CHECK_OK(openat(all, "in", O_RDONLY | O_DIRECTORY));
	CHECK_OK(close(all));
	CHECK_OK(faccessat(deep, "f", F_OK, 0));
	CHECK_OK(close(deep));
	tree_end();
}

/* Of a file, and of a directory that is no root. */
TEST(fs, open_tree_places, .root = true)
{
	int fd;

	CHECK_OK(mkdir("d", 0755));
	file_make("d/f", "text", 4);
	file_make("g", "", 0);
	CHECK_OK(mkdir("to", 0755));
	fd = (int)CHECK_OK(open_tree(AT_FDCWD, "d/f", OPEN_TREE_CLONE));
	CHECK_ERR(move_to(fd, "to"), EINVAL);
	CHECK_OK(move_to(fd, "g"));
	CHECK_OK(close(fd));
	CHECK_ERR(unlink("g"), EBUSY);
	CHECK_OK(umount("g"));
	fd = (int)CHECK_OK(open_tree(AT_FDCWD, "d", OPEN_TREE_CLONE));
	CHECK_OK(move_to(fd, "to"));
	CHECK_OK(access("to/f", F_OK));
	CHECK_OK(close(fd));
	CHECK_OK(umount("to"));
}

TEST(fs, mount_setattr_errors, .root = true)
{
	struct mount_attr a[2] = {{0}};

	CHECK_OK(mkdir("p", 0755));
	CHECK_OK(mount("none", "p", "tmpfs", 0, NULL));
	file_make("p/f", "x", 1);
	CHECK_ERR(set_attr(AT_FDCWD, "p", 0x10, 1, 0), EINVAL);
	CHECK_ERR(attr_call(a, 31), EINVAL);
	CHECK_ERR(attr_call(a, 4097), E2BIG);
	CHECK_ERR(attr_call(NULL, sizeof(a[0])), EFAULT);
	a[1].attr_set = 1;
	CHECK_ERR(attr_call(a, sizeof(a)), E2BIG);
	a[1].attr_set = 0;
	CHECK_OK(attr_call(a, sizeof(a)));
	/* Nothing to do: nobody looks where. */
	CHECK_OK(set_attr(AT_FDCWD, "none", 0, 0, 0));
	CHECK_OK(set_attr(500, NULL, 0, 0, 0));
	CHECK_ERR(set_attr(AT_FDCWD, "none", 0, 1, 0), ENOENT);
	CHECK_ERR(set_attr(500, "p", 0, 1, 0), EBADF);
	CHECK_ERR(set_attr(AT_FDCWD, NULL, 0, 1, 0), EFAULT);
	CHECK_ERR(set_attr(AT_FDCWD, "", 0, 1, 0), ENOENT);
	CHECK_ERR(set_attr(AT_FDCWD, "p/f", 0, 1, 0), EINVAL);
	CHECK_ERR(set_attr(AT_FDCWD, "p", 0, 0x100, 0), EINVAL);
	CHECK_ERR(set_attr(AT_FDCWD, "p", 0, 0, 1ULL << 40), EINVAL);
	CHECK_ERR(set_attr(AT_FDCWD, "p", 0, MOUNT_ATTR_NOATIME, 0), EINVAL);
	CHECK_ERR(set_attr(AT_FDCWD, "p", 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NOATIME), EINVAL);
	CHECK_ERR(set_attr(AT_FDCWD, "p", 0, MOUNT_ATTR__ATIME, MOUNT_ATTR__ATIME), EINVAL);
	CHECK_ERR(set_attr(AT_FDCWD, "p", 0, 0, MOUNT_ATTR_IDMAP), EINVAL);
	a[0] = (struct mount_attr){.propagation = 1};
	CHECK_ERR(attr_call(a, sizeof(a[0])), EINVAL);
	a[0].propagation = MS_PRIVATE | MS_SLAVE;
	CHECK_ERR(attr_call(a, sizeof(a[0])), EINVAL);
	a[0].propagation = MS_PRIVATE;
	CHECK_OK(attr_call(a, sizeof(a[0])));
	a[0] = (struct mount_attr){.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = 500};
	CHECK_ERR(attr_call(a, sizeof(a[0])), EBADF);
	a[0].userns_fd = 1ULL << 32;
	CHECK_ERR(attr_call(a, sizeof(a[0])), EINVAL);
	a[0].userns_fd = (uint64_t)CHECK_OK(open("p/f", O_RDONLY));
	CHECK_ERR(attr_call(a, sizeof(a[0])), EINVAL);
	CHECK_OK(close((int)a[0].userns_fd));
	CHECK_OK(umount("p"));
}

static long flags_at(const char *path)
{
	struct statfs st;

	CHECK_OK(statfs(path, &st));
	return st.f_flags & ~0x20L; /* ST_VALID */
}

TEST(fs, mount_setattr, .root = true)
{
	static const struct {
		uint64_t attr;
		long flag;
	} each[] = {{MOUNT_ATTR_RDONLY, 1},	{MOUNT_ATTR_NOSUID, 2},
		    {MOUNT_ATTR_NODEV, 4},	{MOUNT_ATTR_NOEXEC, 8},
		    {MOUNT_ATTR_NODIRATIME, 2048}, {MOUNT_ATTR_NOSYMFOLLOW, 0x2000}};
	long before;

	CHECK_OK(mkdir("p", 0755));
	CHECK_OK(mount("none", "p", "tmpfs", 0, NULL));
	before = flags_at("p");
	CHECK_EQ(before, 4096);
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		CHECK_OK(set_attr(AT_FDCWD, "p", 0, each[i].attr, 0));
		CHECK_EQ(flags_at("p"), before | each[i].flag);
		CHECK_OK(set_attr(AT_FDCWD, "p", 0, 0, each[i].attr));
		CHECK_EQ(flags_at("p"), before);
	}
	/* What is both cleared and set is set. */
	CHECK_OK(set_attr(AT_FDCWD, "p", 0, MOUNT_ATTR_NODEV, MOUNT_ATTR_NODEV));
	CHECK_EQ(flags_at("p"), before | 4);
	CHECK_OK(set_attr(AT_FDCWD, "p", 0, MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME));
	CHECK_EQ(flags_at("p"), 4 | 1024);
	CHECK_OK(set_attr(AT_FDCWD, "p", 0, MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME));
	CHECK_EQ(flags_at("p"), 4);
	CHECK_OK(set_attr(AT_FDCWD, "p", 0, 0, MOUNT_ATTR__ATIME | MOUNT_ATTR_NODEV));
	CHECK_EQ(flags_at("p"), before);
	CHECK_OK(umount("p"));
}

/* Who writes to one of them keeps all of them writable. */
TEST(fs, mount_setattr_readonly, .root = true)
{
	int f;

	tree_make();
	CHECK_OK(mount("p/in", "to", NULL, MS_BIND, NULL));
	f = (int)CHECK_OK(open("to/f", O_WRONLY));
	/* By another way it is written to. */
	CHECK_OK(set_attr(AT_FDCWD, "p", RECURSIVE, MOUNT_ATTR_RDONLY, 0));
	CHECK_EQ(write(f, "x", 1), 1);
	CHECK_ERR(open("p/in/f", O_WRONLY), EROFS);
	CHECK_ERR(mkdir("p/in/deep/d", 0755), EROFS);
	CHECK_ERR(set_attr(AT_FDCWD, "to", 0, MOUNT_ATTR_RDONLY, 0), EBUSY);
	CHECK_ERR(mount(NULL, "to", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), EBUSY);
	CHECK_OK(close(f));
	CHECK_OK(set_attr(AT_FDCWD, "to", 0, MOUNT_ATTR_RDONLY, 0));
	CHECK_ERR(open("to/f", O_WRONLY), EROFS);
	CHECK_OK(set_attr(AT_FDCWD, "p", RECURSIVE, 0, MOUNT_ATTR_RDONLY));
	f = (int)CHECK_OK(open("p/in/f", O_WRONLY));
	CHECK_ERR(set_attr(AT_FDCWD, "p", RECURSIVE, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV, 0),
		  EBUSY);
	CHECK_EQ(flags_at("p"), 4096);
	CHECK_EQ(flags_at("p/in/deep"), 4096);
	CHECK_OK(mkdir("p/d", 0755));
	CHECK_OK(mkdir("p/in/deep/d", 0755));
	CHECK_OK(set_attr(AT_FDCWD, "p", 0, MOUNT_ATTR_RDONLY, 0));
	CHECK_ERR(mkdir("p/e", 0755), EROFS);
	CHECK_OK(mkdir("p/in/e", 0755));
	CHECK_OK(close(f));
	CHECK_OK(umount("to"));
	tree_end();
}

/* Before it has a place, and never on what has gone. */
TEST(fs, mount_setattr_of_descriptor, .root = true)
{
	int m = mount_new_tmpfs();

	CHECK_OK(mkdir("p", 0755));
	CHECK_OK(set_attr(m, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0));
	CHECK_ERR(mkdirat(m, "d", 0755), EROFS);
	CHECK_OK(move_to(m, "p"));
	CHECK_EQ(flags_at("p"), 4096 | 1);
	CHECK_OK(set_attr(m, "", AT_EMPTY_PATH, 0, MOUNT_ATTR_RDONLY));
	CHECK_OK(mkdir("p/d", 0755));
	CHECK_OK(umount2("p", MNT_DETACH));
	CHECK_ERR(set_attr(m, "", AT_EMPTY_PATH, MOUNT_ATTR_RDONLY, 0), EINVAL);
	CHECK_OK(close(m));
}

static void refused(void)
{
	int fd;

	become_user();
	CHECK_ERR(open_tree(500, NULL, OPEN_TREE_CLONE), EPERM);
	fd = (int)CHECK_OK(open_tree(AT_FDCWD, "/", 0));
	CHECK_ERR(set_attr(fd, "", AT_EMPTY_PATH, 0, 0), EPERM);
	CHECK_ERR(set_attr(fd, "", 1, 0, 0), EINVAL);
	CHECK_OK(close(fd));
	_exit(0);
}

TEST(fs, open_tree_power, .root = true)
{
	CHECK_EQ(run_child(refused), 0);
}
