/*
 * fs: mounts that move (MS_MOVE), and those that go when nobody uses them (MNT_EXPIRE).
 */
#include <sys/mount.h>

#include "user/tests/ut.h"

/* A volume of its own on the new directory, with a file in it. */
static void volume_make(const char *dir, const char *file)
{
	CHECK_OK(mkdir(dir, 0755));
	CHECK_OK(mount("none", dir, "tmpfs", 0, "size=64k"));
	file_make(file, "x", 1);
}

static int move(const char *from, const char *to)
{
	return mount(from, to, NULL, MS_MOVE, NULL);
}

TEST(fs, mount_move, .root = true)
{
	int fd;

	volume_make("a", "a/f");
	volume_make("a/in", "a/in/g");
	CHECK_OK(mkdir("b", 0755));
	file_make("b/under", "x", 1);
	CHECK_OK(chdir("a"));
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	/* Nobody need stop using it; what stands on it comes along. */
	CHECK_OK(move("../a", "../b"));
	CHECK_OK(access("f", F_OK));
	CHECK_OK(access("in/g", F_OK));
	CHECK_OK(chdir("../b"));
	CHECK_OK(access("in/g", F_OK));
	CHECK_OK(chdir(".."));
	CHECK_OK(close(fd));
	CHECK_ERR(access("a/f", F_OK), ENOENT);
	CHECK_ERR(access("b/under", F_OK), ENOENT);
	CHECK_OK(rmdir("a"));
	CHECK_ERR(rmdir("b"), EBUSY);
	CHECK_OK(umount("b/in"));
	CHECK_OK(umount("b"));
	CHECK_OK(access("b/under", F_OK));
}

TEST(fs, mount_move_refused, .root = true)
{
	volume_make("a", "a/f");
	CHECK_OK(mkdir("a/d", 0755));
	volume_make("a/in", "a/in/g");
	CHECK_OK(mkdir("b", 0755));
	file_make("file", "x", 1);
	CHECK_ERR(move("b", "a/d"), EINVAL);
	CHECK_ERR(move("a/d", "b"), EINVAL);
	CHECK_ERR(move("a", "file"), EINVAL);
	CHECK_ERR(move("/", "b"), EINVAL);
	CHECK_ERR(move("a", "a/d"), ELOOP);
	CHECK_ERR(move("a", "a"), ELOOP);
	CHECK_ERR(move("a", "a/in"), ELOOP);
	CHECK_ERR(move("none", "b"), ENOENT);
	CHECK_ERR(move("a", "none"), ENOENT);
	CHECK_ERR(move(NULL, "b"), EINVAL);
	CHECK_ERR(move("", "b"), EINVAL);
	CHECK_OK(access("a/in/g", F_OK));
	/* On top of another, and away from there again. */
	CHECK_OK(move("a/in", "a/d"));
	CHECK_OK(move("a/d", "a"));
	CHECK_OK(access("a/g", F_OK));
	CHECK_ERR(access("a/f", F_OK), ENOENT);
	CHECK_OK(move("a", "b"));
	CHECK_OK(access("a/f", F_OK));
	CHECK_OK(access("b/g", F_OK));
	CHECK_OK(umount("a"));
	CHECK_OK(umount("b"));
}

TEST(fs, umount_expire, .root = true)
{
	int fd;

	volume_make("m", "m/f");
	CHECK_ERR(umount2("m", MNT_EXPIRE | MNT_FORCE), EINVAL);
	CHECK_ERR(umount2("m", MNT_EXPIRE | MNT_DETACH), EINVAL);
	CHECK_ERR(umount2("m/f", MNT_EXPIRE), EINVAL);
	CHECK_ERR(umount2(".", MNT_EXPIRE), EINVAL);
	CHECK_ERR(umount2("none", MNT_EXPIRE), ENOENT);
	CHECK_ERR(umount2("/", MNT_EXPIRE), EINVAL);
	fd = (int)CHECK_OK(open("m/f", O_RDONLY));
	CHECK_ERR(umount2("m", MNT_EXPIRE), EBUSY);
	CHECK_ERR(umount2("m", MNT_EXPIRE), EBUSY);
	CHECK_OK(close(fd));
	CHECK_ERR(umount2("m", MNT_EXPIRE), EAGAIN);
	/* It has been used: that begins anew. */
	CHECK_OK(close((int)CHECK_OK(open("m/f", O_RDONLY))));
	CHECK_ERR(umount2("m", MNT_EXPIRE), EAGAIN);
	CHECK_OK(access("m/f", F_OK));
	CHECK_ERR(umount2("m", MNT_EXPIRE), EAGAIN);
	CHECK_OK(umount2("m", MNT_EXPIRE));
	CHECK_ERR(access("m/f", F_OK), ENOENT);
	CHECK_ERR(umount2("m", MNT_EXPIRE), EINVAL);
}
