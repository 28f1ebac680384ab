/*
 * fs: volumes that are put together step by step: fsopen, fsconfig, fsmount, fspick, move_mount.
 */
#include <linux/mount.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/uio.h>

#include "user/tests/mountfd.h"
#include "user/tests/ut.h"

#define CREATE_EXCL 8

static int set(int fd, const char *key, const char *value)
{
	return value ? fsconfig(fd, FSCONFIG_SET_STRING, key, value, 0)
		     : fsconfig(fd, FSCONFIG_SET_FLAG, key, NULL, 0);
}

static int command(int fd, unsigned int what)
{
	return fsconfig(fd, what, NULL, NULL, 0);
}

/* The next message of the descriptor; it is in the way of none behind it. */
static void check_message(int fd, const char *want)
{
	char text[256];
	ssize_t n = CHECK_OK(read(fd, text, sizeof(text) - 1));

	text[n] = '\0';
	CHECK_STR(text, want);
}

TEST(fs, fsopen_errors, .root = true)
{
	char *name = malloc(5000);
	int fd;

	CHECK_ERR(fsopen("tmpfs", 2), EINVAL);
	CHECK_ERR(fsopen("nosuchfs", 0), ENODEV);
	CHECK_ERR(fsopen("", 0), ENODEV);
	CHECK_ERR(fsopen(NULL, 0), EFAULT);
	memset(name, 'x', 4999);
	name[4999] = '\0';
	CHECK_ERR(fsopen(name, 0), EINVAL);
	free(name);
	fd = (int)CHECK_OK(fsopen("tmpfs", 0));
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_ERR(write(fd, "x", 1), EINVAL);
	CHECK_ERR(lseek(fd, 0, SEEK_CUR), ESPIPE);
	CHECK_OK(close(fd));
	fd = (int)CHECK_OK(fsopen("tmpfs", FSOPEN_CLOEXEC));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_OK(close(fd));
}

/* Which arguments a command has is looked at before the descriptor. */
TEST(fs, fsconfig_arguments, .root = true)
{
	int fd = (int)CHECK_OK(fsopen("tmpfs", 0)), file;

	CHECK_ERR(fsconfig(-1, FSCONFIG_SET_FLAG, "ro", NULL, 0), EINVAL);
	CHECK_ERR(fsconfig(500, 100, "ro", NULL, 0), EOPNOTSUPP);
	CHECK_ERR(fsconfig(500, FSCONFIG_SET_FLAG, "ro", NULL, 0), EBADF);
	CHECK_ERR(fsconfig(500, FSCONFIG_SET_FLAG, "ro", "x", 0), EINVAL);
	file = (int)CHECK_OK(open(".", O_RDONLY));
	CHECK_ERR(fsconfig(file, FSCONFIG_SET_FLAG, "ro", NULL, 0), EINVAL);
	CHECK_ERR(fsmount(file, 0, 0), EINVAL);
	CHECK_OK(close(file));
	file = (int)CHECK_OK(open(".", O_PATH));
	CHECK_ERR(fsconfig(file, FSCONFIG_SET_FLAG, "ro", NULL, 0), EBADF);
	CHECK_OK(close(file));
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_FLAG, NULL, NULL, 0), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_FLAG, "ro", NULL, 1), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_STRING, NULL, "x", 0), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_STRING, "mode", NULL, 0), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_STRING, "mode", "700", 1), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_BINARY, "mode", "700", 0), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_BINARY, "mode", "700", (1 << 20) + 1), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_BINARY, "mode", (char *)8, 4), EFAULT);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_PATH, "mode", ".", -1), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_PATH, "mode", "", AT_FDCWD), ENOENT);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_PATH_EMPTY, "mode", NULL, 0), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_FD, "mode", NULL, -1), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_FD, "mode", NULL, 500), EBADF);
	CHECK_ERR(fsconfig(fd, FSCONFIG_CMD_CREATE, "mode", NULL, 0), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 1), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_FLAG, (char *)8, NULL, 0), EFAULT);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_STRING, "mode", (char *)8, 0), EFAULT);
	CHECK_OK(close(fd));
}

TEST(fs, fsconfig_parameters, .root = true)
{
	int fd = (int)CHECK_OK(fsopen("tmpfs", 0));
	char text[300];

	CHECK_ERR(read(fd, text, sizeof(text)), ENODATA);
	CHECK_ERR(set(fd, "nosuch", "1"), EINVAL);
	CHECK_ERR(set(fd, "nosuch", NULL), EINVAL);
	CHECK_ERR(set(fd, "", "1"), EINVAL);
	CHECK_ERR(set(fd, "", NULL), EINVAL);
	CHECK_ERR(set(fd, "size", "1x"), EINVAL);
	CHECK_ERR(set(fd, "mode", NULL), EINVAL);
	CHECK_ERR(set(fd, "mode", "9"), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_BINARY, "mode", "700", 4), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_PATH, "mode", ".", AT_FDCWD), EINVAL);
	CHECK_ERR(fsconfig(fd, FSCONFIG_SET_FD, "source", NULL, fd), EINVAL);
	CHECK_ERR(set(fd, "source", NULL), EINVAL);
	CHECK_OK(set(fd, "source", "one"));
	CHECK_ERR(set(fd, "source", "two"), EINVAL);
	memset(text, 'x', sizeof(text));
	text[256] = '\0';
	CHECK_ERR(set(fd, "source", text), EINVAL);
	CHECK_ERR(set(fd, text, NULL), EINVAL);
	/* Of those that every volume has, it does not matter how they are said. */
	CHECK_OK(set(fd, "ro", "no"));
	CHECK_OK(set(fd, "rw", NULL));
	CHECK_OK(set(fd, "async", NULL));
	CHECK_OK(fsconfig(fd, FSCONFIG_SET_PATH, "sync", ".", AT_FDCWD));
	CHECK_OK(fsconfig(fd, FSCONFIG_SET_PATH_EMPTY, "sync", "", AT_FDCWD));
	CHECK_OK(fsconfig(fd, FSCONFIG_SET_FD, "sync", NULL, fd));
	CHECK_OK(fsconfig(fd, FSCONFIG_SET_BINARY, "sync", "x", 1));
	CHECK_OK(close(fd));
}

TEST(fs, fsconfig_messages, .root = true)
{
	int fd = (int)CHECK_OK(fsopen("tmpfs", 0));
	char text[64];

	CHECK_ERR(set(fd, "nosuch", "1"), EINVAL);
	CHECK_ERR(set(fd, "source", NULL), EINVAL);
	check_message(fd, "e tmpfs: Unknown parameter 'nosuch'\n");
	check_message(fd, "e Non-string source\n");
	CHECK_ERR(read(fd, text, 8), ENODATA);
	/* What is too long for who reads waits for another. */
	CHECK_ERR(set(fd, "nosuch", "1"), EINVAL);
	CHECK_ERR(read(fd, text, 8), EMSGSIZE);
	check_message(fd, "e tmpfs: Unknown parameter 'nosuch'\n");
	CHECK_ERR(read(fd, text, 8), ENODATA);
	CHECK_ERR(set(fd, "nosuch", "1"), EINVAL);
	CHECK_ERR(syscall(SYS_read, fd, 8, 100), EFAULT);
	CHECK_ERR(read(fd, text, 8), ENODATA);
	/* There is room for eight. */
	CHECK_ERR(set(fd, "first", "1"), EINVAL);
	for (char key[] = "a"; *key <= 'h'; ++*key)
		CHECK_ERR(set(fd, key, NULL), EINVAL);
	check_message(fd, "e tmpfs: Unknown parameter 'a'\n");
	CHECK_OK(close(fd));
}

TEST(fs, fsconfig_phases, .root = true)
{
	int fd = (int)CHECK_OK(fsopen("tmpfs", 0)), m;

	CHECK_OK(mkdir("m", 0755));
	CHECK_ERR(fsmount(fd, 0, 0), EINVAL);
	CHECK_ERR(command(fd, FSCONFIG_CMD_RECONFIGURE), EBUSY);
	CHECK_OK(command(fd, FSCONFIG_CMD_CREATE));
	CHECK_ERR(set(fd, "ro", NULL), EBUSY);
	CHECK_ERR(command(fd, FSCONFIG_CMD_CREATE), EBUSY);
	CHECK_ERR(command(fd, FSCONFIG_CMD_RECONFIGURE), EBUSY);
	m = (int)CHECK_OK(fsmount(fd, 0, 0));
	CHECK_ERR(fsmount(fd, 0, 0), EBUSY);
	CHECK_ERR(command(fd, FSCONFIG_CMD_CREATE), EBUSY);
	/* From now on it is as if fspick had found it. */
	CHECK_OK(move_to(m, "m"));
	file_make("m/f", "x", 1);
	CHECK_OK(set(fd, "ro", NULL));
	CHECK_OK(command(fd, FSCONFIG_CMD_RECONFIGURE));
	CHECK_ERR(open("m/g", O_WRONLY | O_CREAT, 0600), EROFS);
	CHECK_OK(set(fd, "rw", NULL));
	CHECK_OK(command(fd, FSCONFIG_CMD_RECONFIGURE));
	file_make("m/g", "x", 1);
	CHECK_OK(close(m));
	CHECK_OK(close(fd));
	CHECK_OK(umount("m"));
	/* One that has failed is of no use any more. */
	fd = (int)CHECK_OK(fsopen("ext4", 0));
	CHECK_ERR(command(fd, FSCONFIG_CMD_CREATE), EINVAL);
	CHECK_ERR(set(fd, "ro", NULL), EBUSY);
	CHECK_ERR(command(fd, FSCONFIG_CMD_CREATE), EBUSY);
	CHECK_ERR(fsmount(fd, 0, 0), EINVAL);
	CHECK_OK(close(fd));
}

static int ext4_from(const char *source)
{
	int fd = (int)CHECK_OK(fsopen("ext4", 0)), err;

	CHECK_OK(set(fd, "source", source));
	err = command(fd, FSCONFIG_CMD_CREATE);
	CHECK_OK(close(fd));
	return err;
}

TEST(fs, fsconfig_sources, .root = true)
{
	file_make("f", "x", 1);
	CHECK_ERR(ext4_from("nosuch"), ENOENT);
	CHECK_ERR(ext4_from("f"), ENOTBLK);
	CHECK_ERR(ext4_from("/dev/null"), ENOTBLK);
}

/* The volume is there while anybody has the context. */
TEST(fs, fsmount_tmpfs, .root = true)
{
	int fd = (int)CHECK_OK(fsopen("tmpfs", 0)), m, f;
	struct statfs st;
	struct stat s;

	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(set(fd, "size", "40k"));
	CHECK_OK(set(fd, "mode", "0750"));
	CHECK_OK(set(fd, "uid", "12"));
	CHECK_OK(command(fd, CREATE_EXCL));
	CHECK_ERR(fsmount(fd, 2, 0), EINVAL);
	CHECK_ERR(fsmount(fd, 0, MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME), EINVAL);
	CHECK_ERR(fsmount(fd, 0, 0x40), EINVAL);
	CHECK_ERR(fsmount(fd, 0, MOUNT_ATTR_IDMAP), EINVAL);
	CHECK_ERR(fsmount(-1, 0, 0), EBADF);
	m = (int)CHECK_OK(fsmount(fd, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
					MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOATIME |
					MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW));
	CHECK_OK(close(fd));
	CHECK_EQ(fcntl(m, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(m, F_GETFL) & O_PATH, O_PATH);
	CHECK_ERR(read(m, &s, 1), EBADF);
	/* It can be used though it has no place. */
	f = (int)CHECK_OK(openat(m, "f", O_RDWR | O_CREAT, 0600));
	CHECK_EQ(write(f, "text", 4), 4);
	CHECK_OK(close(f));
	CHECK_OK(move_to(m, "m"));
	CHECK_OK(stat("m", &s));
	CHECK_EQ(s.st_mode, S_IFDIR | 0750);
	CHECK_EQ(s.st_uid, 12);
	CHECK_OK(stat("m/f", &s));
	CHECK_EQ(s.st_size, 4);
	CHECK_OK(statfs("m", &st));
	CHECK_EQ(st.f_blocks, 10);
	CHECK_EQ(st.f_flags & (2 | 4 | 8 | 1024 | 2048 | 4096 | 0x2000 | 1),
		 2 | 4 | 8 | 1024 | 2048 | 0x2000);
	/* It has a place: closing the descriptor changes nothing. */
	CHECK_OK(close(m));
	CHECK_OK(access("m/f", F_OK));
	CHECK_OK(umount("m"));
}

/* A tree without a place goes with its descriptor, but for what is still open in it. */
TEST(fs, fsmount_dies_with_its_descriptor, .root = true)
{
	int m = mount_new_tmpfs(), twin, f;
	char path[64];

	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mkdirat(m, "d", 0755));
	f = (int)CHECK_OK(openat(m, "f", O_RDWR | O_CREAT, 0600));
	twin = (int)CHECK_OK(dup(m));
	CHECK_OK(close(m));
	CHECK_OK(mkdirat(twin, "e", 0755));
	/* Nothing is mounted on it, or moved away from it but as a whole. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/d", twin);
	CHECK_ERR(mount("none", path, "tmpfs", 0, NULL), EINVAL);
	CHECK_ERR(move_mount(twin, "d", AT_FDCWD, "m", 0), EINVAL);
	CHECK_ERR(move_mount(twin, "", AT_FDCWD, "m", 0), ENOENT);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", twin);
	CHECK_ERR(umount2(path, MNT_DETACH), EINVAL);
	CHECK_ERR(mount(path, "m", NULL, MS_BIND, NULL), EINVAL);
	m = (int)CHECK_OK(open(path, O_PATH));
	CHECK_OK(close(twin));
	CHECK_EQ(write(f, "x", 1), 1);
	CHECK_ERR(move_to(m, "m"), EINVAL);
	CHECK_OK(mkdirat(m, "g", 0755));
	CHECK_OK(close(m));
	CHECK_OK(close(f));
}

TEST(fs, fsmount_moved_and_gone, .root = true)
{
	int m = mount_new_tmpfs(), n = mount_new_tmpfs();

	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mkdirat(m, "d", 0755));
	CHECK_OK(move_to(m, "m"));
	/* One place it has, and may be moved from there. */
	CHECK_OK(move_mount(n, "", m, "d", MOVE_MOUNT_F_EMPTY_PATH));
	CHECK_ERR(move_mount(m, "", n, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
		  ELOOP);
	CHECK_OK(mkdirat(n, "e", 0755));
	CHECK_OK(access("m/d/e", F_OK));
	CHECK_OK(umount2("m", MNT_DETACH));
	CHECK_ERR(access("m/d", F_OK), ENOENT);
	CHECK_ERR(move_to(m, "m"), EINVAL);
	CHECK_ERR(move_to(n, "m"), EINVAL);
	CHECK_OK(close(m));
	CHECK_OK(close(n));
	CHECK_OK(rmdir("m"));
}

TEST(fs, move_mount_errors, .root = true)
{
	int m = mount_new_tmpfs();

	CHECK_OK(mkdir("m", 0755));
	file_make("f", "x", 1);
	CHECK_OK(symlink("m", "l"));
	CHECK_ERR(move_mount(m, "", AT_FDCWD, "m", 0x400), EINVAL);
	CHECK_ERR(move_mount(m, "", AT_FDCWD, "m", 0x8), EINVAL);
	CHECK_ERR(move_mount(m, "", AT_FDCWD, "m", 0x304), EINVAL);
	CHECK_ERR(move_mount(m, "", AT_FDCWD, "m", 0x104), EINVAL);
	CHECK_ERR(move_mount(m, NULL, AT_FDCWD, "m", 4), EFAULT);
	CHECK_ERR(move_mount(m, "", AT_FDCWD, NULL, 4), EFAULT);
	CHECK_ERR(move_mount(500, "", AT_FDCWD, "m", 4), EBADF);
	CHECK_ERR(move_mount(m, "", 500, "m", 4), EBADF);
	CHECK_ERR(move_mount(m, "", AT_FDCWD, "none", 4), ENOENT);
	CHECK_ERR(move_mount(m, "", AT_FDCWD, "", 4), ENOENT);
	CHECK_ERR(move_mount(m, "", AT_FDCWD, "f", 4), EINVAL);
	CHECK_ERR(move_mount(m, "", AT_FDCWD, "l", 4), EINVAL);
	CHECK_ERR(move_mount(AT_FDCWD, "m", AT_FDCWD, ".", 0), EINVAL);
	CHECK_OK(move_mount(m, "", AT_FDCWD, "l", 4 | MOVE_MOUNT_T_SYMLINKS));
	CHECK_ERR(move_mount(AT_FDCWD, "l", AT_FDCWD, "m", 0), EINVAL);
	CHECK_ERR(move_mount(AT_FDCWD, "l", AT_FDCWD, "m", MOVE_MOUNT_F_SYMLINKS), ELOOP);
	CHECK_OK(close(m));
	CHECK_OK(umount("m"));
}

/* Both on the same place: what was there stays on top. */
TEST(fs, move_mount_beneath, .root = true)
{
	int m = mount_new_tmpfs();

	CHECK_OK(mkdir("p", 0755));
	CHECK_OK(mount("none", "p", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("p/m", 0755));
	CHECK_ERR(move_mount(m, "", AT_FDCWD, "p/m", 4 | 0x200), EINVAL);
	CHECK_OK(mount("none", "p/m", "tmpfs", 0, NULL));
	file_make("p/m/top", "x", 1);
	CHECK_OK(mkdirat(m, "below", 0755));
	CHECK_OK(move_mount(m, "", AT_FDCWD, "p/m", 4 | 0x200));
	CHECK_OK(access("p/m/top", F_OK));
	CHECK_ERR(access("p/m/below", F_OK), ENOENT);
	/* What something stands on does not go below another. */
	CHECK_ERR(move_mount(m, "", AT_FDCWD, "p", 4 | 0x200), EINVAL);
	CHECK_OK(umount("p/m"));
	CHECK_ERR(access("p/m/top", F_OK), ENOENT);
	CHECK_OK(access("p/m/below", F_OK));
	CHECK_OK(close(m));
	CHECK_OK(umount("p/m"));
	CHECK_OK(umount("p"));
}

TEST(fs, fspick, .root = true)
{
	int fd;

	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", MS_NOEXEC, NULL));
	file_make("m/f", "x", 1);
	CHECK_OK(symlink("m", "l"));
	CHECK_ERR(fspick(AT_FDCWD, "m", 16), EINVAL);
	CHECK_ERR(fspick(AT_FDCWD, "m/f", 0), EINVAL);
	CHECK_ERR(fspick(AT_FDCWD, "none", 0), ENOENT);
	CHECK_ERR(fspick(AT_FDCWD, "", 0), ENOENT);
	CHECK_ERR(fspick(500, "m", 0), EBADF);
	CHECK_ERR(fspick(AT_FDCWD, NULL, 0), EFAULT);
	CHECK_ERR(fspick(AT_FDCWD, "l", FSPICK_SYMLINK_NOFOLLOW), EINVAL);
	fd = (int)CHECK_OK(fspick(AT_FDCWD, "l", FSPICK_CLOEXEC | FSPICK_NO_AUTOMOUNT));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(command(fd, FSCONFIG_CMD_CREATE), EBUSY);
	CHECK_ERR(fsmount(fd, 0, 0), EBUSY);
	CHECK_ERR(set(fd, "nosuch", "x"), EINVAL);
	CHECK_OK(set(fd, "sync", "false"));
	CHECK_OK(set(fd, "ro", NULL));
	CHECK_OK(access("m/f", W_OK));
	CHECK_OK(command(fd, FSCONFIG_CMD_RECONFIGURE));
	CHECK_ERR(open("m/f", O_WRONLY), EROFS);
	/* It was the volume that was picked: who mounts it may go. */
	CHECK_OK(umount("m"));
	CHECK_OK(set(fd, "rw", NULL));
	CHECK_OK(command(fd, FSCONFIG_CMD_RECONFIGURE));
	CHECK_OK(close(fd));
	CHECK_ERR(access("m/f", F_OK), ENOENT);
}

TEST(fs, fspick_busy, .root = true)
{
	int fd, f;

	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	f = (int)CHECK_OK(open("m/f", O_WRONLY | O_CREAT, 0600));
	fd = (int)CHECK_OK(fspick(AT_FDCWD, "m", 0));
	CHECK_OK(set(fd, "ro", NULL));
	CHECK_ERR(command(fd, FSCONFIG_CMD_RECONFIGURE), EBUSY);
	CHECK_ERR(set(fd, "ro", NULL), EBUSY);
	CHECK_ERR(command(fd, FSCONFIG_CMD_RECONFIGURE), EBUSY);
	CHECK_EQ(write(f, "x", 1), 1);
	CHECK_OK(close(f));
	CHECK_OK(close(fd));
	CHECK_OK(umount("m"));
}

static void refused(void)
{
	become_user();
	CHECK_ERR(fsopen("nosuch", 100), EPERM);
	CHECK_ERR(fspick(500, NULL, 100), EPERM);
	CHECK_ERR(fsmount(500, 100, 100), EPERM);
	CHECK_ERR(move_mount(500, NULL, 500, NULL, 0x1000), EPERM);
	CHECK_ERR(fsconfig(500, FSCONFIG_CMD_CREATE, NULL, NULL, 0), EBADF);
	CHECK_OK(set(20, "ro", NULL));
	CHECK_ERR(command(20, FSCONFIG_CMD_CREATE), EPERM);
	_exit(0);
}

TEST(fs, fsopen_power, .root = true)
{
	int fd = (int)CHECK_OK(fsopen("tmpfs", 0));

	CHECK_OK(dup2(fd, 20));
	CHECK_OK(close(fd));
	CHECK_EQ(run_child(refused), 0);
	CHECK_OK(command(20, FSCONFIG_CMD_CREATE));
	CHECK_OK(close(20));
}

static void send_descriptor(int to, int fd)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {"x", 1};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
			   .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	CHECK_EQ(sendmsg(to, &m, 0), 1);
}

/* One that is on its way in a message goes with it, by whatever way that ends. */
TEST(fs, fsmount_in_message, .root = true)
{
	int pair[2], m;
	char c;

	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	for (int i = 0; i < 4; i++) {
		m = mount_new_tmpfs();
		send_descriptor(pair[0], m);
		CHECK_OK(close(m));
		if (i % 2)
			CHECK_EQ(read(pair[1], &c, 1), 1);
	}
	CHECK_OK(close(pair[0]));
	CHECK_OK(close(pair[1]));
}
