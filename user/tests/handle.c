/* handle: name_to_handle_at, open_by_handle_at: a file without its name. */
#include "ut.h"

#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID AT_REMOVEDIR
#endif
#ifndef AT_HANDLE_MNT_ID_UNIQUE
#define AT_HANDLE_MNT_ID_UNIQUE 1
#endif
#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x4000
#endif

#define ROOM MAX_HANDLE_SZ

struct any_handle {
	struct file_handle head;
	unsigned char bytes[ROOM + 8];
};

static int handle_of(int dirfd, const char *name, int flags, struct any_handle *h, int *mount)
{
	memset(h, 0, sizeof(*h));
	h->head.handle_bytes = ROOM;
	return name_to_handle_at(dirfd, name, &h->head, mount, flags);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* What name leads to, or a link there itself, is opened again by a handle. */
static int opened_again(int root, const char *name, int open_flags)
{
	struct any_handle h;
	struct stat want, found;
	int mount, fd;

	CHECK_OK(handle_of(AT_FDCWD, name, 0, &h, &mount));
	CHECK_OK(lstat(name, &want));
	fd = CHECK_OK(open_by_handle_at(root, &h.head, open_flags));
	CHECK_OK(fstat(fd, &found));
	CHECK(same_file(&want, &found));
	return fd;
}

TEST(handle, opens, .root = true)
{
	int root = CHECK_OK(open(".", O_RDONLY)), fd;
	char buf[8] = "";

	file_make("a", "hello", 5);
	CHECK_OK(symlink("a", "link"));
	CHECK_OK(mkdir("dir", 0700));
	CHECK_OK(mkdir("dir/below", 0700));
	CHECK_OK(mkfifo("fifo", 0600));
	fd = opened_again(root, "a", O_RDWR);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 5);
	CHECK_STR(buf, "hello");
	CHECK_EQ(write(fd, "!", 1), 1);
	close(fd);
	fd = opened_again(AT_FDCWD, "a", O_RDONLY | O_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 6);
	close(fd);
	close(opened_again(root, "fifo", O_RDONLY | O_NONBLOCK));
	close(opened_again(root, "link", O_PATH));
	fd = opened_again(root, "dir", O_RDONLY | O_DIRECTORY);
	CHECK_OK(faccessat(fd, "below", F_OK, 0));
	close(fd);
	fd = opened_again(root, "dir/below", O_RDONLY);
	CHECK_OK(faccessat(fd, "../../a", F_OK, 0));
	/* Where it stands in the tree is known. */
	CHECK_OK(fchdir(fd));
	CHECK_OK(chdir("../.."));
	CHECK_OK(access("a", F_OK));
	close(fd);
	CHECK_OK(truncate("a", 3));
	close(opened_again(root, "a", O_WRONLY | O_TRUNC));
	fd = opened_again(root, "a", O_RDONLY);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 0);
	CHECK_ERR(write(fd, "x", 1), EBADF);
}

TEST(handle, names, .root = true)
{
	struct any_handle a, b, link;
	int fd, mount, other;
	uint64_t unique = 0;
	struct statx x;

	file_make("a", "", 0);
	CHECK_OK(symlink("a", "link"));
	CHECK_OK(handle_of(AT_FDCWD, "a", 0, &a, &mount));
	CHECK_EQ(a.head.handle_type, 1);
	CHECK(a.head.handle_bytes == 8 || a.head.handle_bytes == 12);
	CHECK_OK(handle_of(AT_FDCWD, "link", 0, &link, &other));
	CHECK(memcmp(&a, &link, sizeof(a)));
	CHECK_OK(handle_of(AT_FDCWD, "link", AT_SYMLINK_FOLLOW, &b, &other));
	CHECK(!memcmp(&a, &b, sizeof(a)));
	CHECK_EQ(mount, other);
	fd = CHECK_OK(open("a", O_PATH));
	CHECK_OK(handle_of(fd, "", AT_EMPTY_PATH, &b, &other));
	CHECK(!memcmp(&a, &b, sizeof(a)));
	CHECK_ERR(handle_of(fd, "", 0, &b, &other), ENOENT);
	/* A mount's number that no other one gets is the one that statx tells. */
	CHECK_OK(statx(AT_FDCWD, "a", 0, STATX_MNT_ID_UNIQUE, &x));
	CHECK_OK(handle_of(AT_FDCWD, "a", AT_HANDLE_MNT_ID_UNIQUE, &b, (int *)&unique));
	CHECK(!(x.stx_mask & STATX_MNT_ID_UNIQUE) || x.stx_mnt_id == unique);
	CHECK(unique > INT_MAX);
	/* The same file, whatever it is called. */
	CHECK_OK(rename("a", "c"));
	CHECK_OK(handle_of(AT_FDCWD, "c", AT_HANDLE_FID, &b, &other));
	CHECK(!memcmp(&a, &b, sizeof(a)));
}

TEST(handle, overflow)
{
	struct any_handle h;
	unsigned int need;
	int mount = -1;

	file_make("a", "", 0);
	CHECK_OK(handle_of(AT_FDCWD, "a", 0, &h, &mount));
	need = h.head.handle_bytes;
	for (unsigned int room = 0; room < need; room++) {
		memset(&h, 0x55, sizeof(h));
		h.head.handle_bytes = room;
		mount = -1;
		CHECK_ERR(name_to_handle_at(AT_FDCWD, "a", &h.head, &mount, 0), EOVERFLOW);
		CHECK_EQ(h.head.handle_bytes, need);
		CHECK_EQ(h.head.handle_type, 0xff);
		CHECK_EQ(h.bytes[0], 0x55);
		CHECK_GE(mount, 0);
	}
	h.head.handle_bytes = need;
	CHECK_OK(name_to_handle_at(AT_FDCWD, "a", &h.head, &mount, 0));
	h.head.handle_bytes = ROOM + 1;
	CHECK_ERR(name_to_handle_at(AT_FDCWD, "a", &h.head, &mount, 0), EINVAL);
}

TEST(handle, name_errors)
{
	struct any_handle h;
	int mount;

	file_make("a", "", 0);
	CHECK_ERR(handle_of(AT_FDCWD, "a", 0x8000, &h, &mount), EINVAL);
	CHECK_ERR(handle_of(AT_FDCWD, "a", AT_SYMLINK_NOFOLLOW, &h, &mount), EINVAL);
	CHECK_ERR(handle_of(AT_FDCWD, "none", 0, &h, &mount), ENOENT);
	CHECK_ERR(handle_of(AT_FDCWD, "a/b", 0, &h, &mount), ENOTDIR);
	CHECK_ERR(handle_of(-1, "a", 0, &h, &mount), EBADF);
	CHECK_ERR(name_to_handle_at(AT_FDCWD, (char *)8, &h.head, &mount, 0), EFAULT);
	CHECK_ERR(name_to_handle_at(AT_FDCWD, "a", (void *)8, &mount, 0), EFAULT);
	h.head.handle_bytes = ROOM;
	CHECK_ERR(name_to_handle_at(AT_FDCWD, "a", &h.head, (void *)8, 0), EFAULT);
	/* The kind of volume is looked at before the handle. */
	CHECK_ERR(name_to_handle_at(AT_FDCWD, "/proc/self", (void *)8, &mount, 0), EOPNOTSUPP);
	/* For comparing there is one everywhere. */
	CHECK_OK(handle_of(AT_FDCWD, "/proc/version", AT_HANDLE_FID, &h, &mount));
	CHECK_EQ(h.head.handle_type, 0x81);
	CHECK_EQ(h.head.handle_bytes, 12);
}

TEST(handle, open_errors, .root = true)
{
	int root = CHECK_OK(open(".", O_RDONLY)), place = CHECK_OK(open(".", O_PATH)), mount;
	struct any_handle h, bad;
	pid_t pid;

	file_make("a", "", 0);
	CHECK_OK(symlink("a", "link"));
	CHECK_OK(handle_of(AT_FDCWD, "a", 0, &h, &mount));
	CHECK_ERR(open_by_handle_at(-1, &h.head, O_RDONLY), EBADF);
	CHECK_ERR(open_by_handle_at(place, &h.head, O_RDONLY), EBADF);
	CHECK_ERR(open_by_handle_at(root, (void *)8, O_RDONLY), EFAULT);
	CHECK_ERR(open_by_handle_at(root, &h.head, O_RDONLY | O_DIRECTORY), ENOTDIR);
	bad = h;
	bad.head.handle_bytes = 0;
	CHECK_ERR(open_by_handle_at(root, &bad.head, O_RDONLY), EINVAL);
	bad.head.handle_bytes = ROOM + 1;
	CHECK_ERR(open_by_handle_at(root, &bad.head, O_RDONLY), EINVAL);
	bad.head.handle_bytes = 4;
	CHECK_ERR(open_by_handle_at(root, &bad.head, O_RDONLY), ESTALE);
	bad = h;
	bad.head.handle_type = 0x7f;
	if (!on_tmpfs())
		CHECK_ERR(open_by_handle_at(root, &bad.head, O_RDONLY), ESTALE);
	CHECK_OK(handle_of(AT_FDCWD, "link", 0, &bad, &mount));
	CHECK_ERR(open_by_handle_at(root, &bad.head, O_RDONLY), ELOOP);
	/* Whose volume has none. */
	CHECK_OK(handle_of(AT_FDCWD, "/proc/version", AT_HANDLE_FID, &bad, &mount));
	place = CHECK_OK(open("/proc", O_RDONLY));
	CHECK_ERR(open_by_handle_at(place, &bad.head, O_RDONLY), ESTALE);
	pid = child();
	if (!pid) {
		become_user();
		CHECK_ERR(open_by_handle_at(root, &h.head, O_RDONLY), EPERM);
		CHECK_ERR(open_by_handle_at(root, (void *)8, O_RDONLY), EPERM);
		CHECK_ERR(open_by_handle_at(-1, &h.head, O_RDONLY), EBADF);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(handle, stale, .root = true)
{
	int root = CHECK_OK(open(".", O_RDONLY)), mount;
	struct any_handle file, dir, other;

	file_make("a", "x", 1);
	CHECK_OK(mkdir("dir", 0700));
	CHECK_OK(handle_of(AT_FDCWD, "a", 0, &file, &mount));
	CHECK_OK(handle_of(AT_FDCWD, "dir", 0, &dir, &mount));
	/* Another generation of the same number. */
	for (unsigned int i = 0; i < file.head.handle_bytes; i++) {
		other = file;
		other.bytes[i] ^= 0x40;
		CHECK_ERR(open_by_handle_at(root, &other.head, O_RDONLY), ESTALE);
	}
	CHECK_OK(unlink("a"));
	CHECK_OK(rmdir("dir"));
	CHECK_ERR(open_by_handle_at(root, &file.head, O_RDONLY), ESTALE);
	CHECK_ERR(open_by_handle_at(root, &dir.head, O_RDONLY), ESTALE);
	/* Who gets the number is another one. */
	for (int i = 0; i < 20; i++) {
		file_make("b", "y", 1);
		CHECK_ERR(open_by_handle_at(root, &file.head, O_RDONLY), ESTALE);
		CHECK_OK(unlink("b"));
	}
}

/* Nothing of the files is in memory: they are found on the disk, a directory with its place. */
TEST(handle, not_in_memory, .root = true)
{
	struct any_handle file, dir;
	int root, fd, mount_id;
	char buf[4];

	if (on_tmpfs())
		SKIP("tmpfs forgets its files");
	CHECK_OK(mkdir("outer", 0700));
	CHECK_OK(mkdir("outer/inner", 0700));
	file_make("outer/inner/a", "deep", 4);
	CHECK_OK(handle_of(AT_FDCWD, "outer/inner/a", 0, &file, &mount_id));
	CHECK_OK(handle_of(AT_FDCWD, "outer/inner", 0, &dir, &mount_id));
	sync();
	file_make("/proc/sys/vm/drop_caches", "3", 1);
	root = CHECK_OK(open(".", O_RDONLY));
	fd = CHECK_OK(open_by_handle_at(root, &dir.head, O_RDONLY));
	CHECK_OK(faccessat(fd, "../inner/a", F_OK, 0));
	close(fd);
	fd = CHECK_OK(open_by_handle_at(root, &file.head, O_RDWR));
	CHECK_EQ(write(fd, "Deep", 4), 4);
	close(fd);
	fd = CHECK_OK(open("outer/inner/a", O_RDONLY));
	CHECK_EQ(read(fd, buf, 4), 4);
	CHECK(!memcmp(buf, "Deep", 4));
}
