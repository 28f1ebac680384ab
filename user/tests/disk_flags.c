/*
 * disk: flags of files on a volume: they stay over a mount, as does the time of birth, and what is
 * immutable there is so to who had it open before.
 */
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "disk.h"
#include "ut.h"

static void flags_set(const char *path, unsigned flags)
{
	int fd = (int)CHECK_OK(open(path, O_RDONLY)), all;

	CHECK_OK(ioctl(fd, FS_IOC_GETFLAGS, &all));
	all = (int)(((unsigned)all & ~(FS_IMMUTABLE_FL | FS_APPEND_FL)) | flags);
	CHECK_OK(ioctl(fd, FS_IOC_SETFLAGS, &all));
	CHECK_OK(close(fd));
}

TEST(disk, flags_stay, .root = true)
{
	scratch_mount(0);
	file_make("m/fixed", "abc", 3);
	file_make("m/log", "abc", 3);
	CHECK_OK(mkdir("m/d", 0755));
	flags_set("m/fixed", FS_IMMUTABLE_FL);
	flags_set("m/log", FS_APPEND_FL);
	flags_set("m/d", FS_IMMUTABLE_FL);
	scratch_unmount();
	scratch_mount(0);
	CHECK_ERR(open("m/fixed", O_RDWR), EPERM);
	CHECK_ERR(unlink("m/fixed"), EPERM);
	CHECK_ERR(open("m/log", O_RDWR), EPERM);
	CHECK_OK(close((int)CHECK_OK(open("m/log", O_RDWR | O_APPEND))));
	CHECK_ERR(mkdir("m/d/new", 0700), EPERM);
	flags_set("m/fixed", 0);
	flags_set("m/log", 0);
	flags_set("m/d", 0);
	CHECK_OK(unlink("m/fixed"));
	CHECK_OK(unlink("m/log"));
	CHECK_OK(rmdir("m/d"));
	scratch_unmount();
}

static struct statx_timestamp birth_of(const char *path)
{
	struct statx sx;

	CHECK_OK(statx(AT_FDCWD, path, 0, STATX_BTIME, &sx));
	if (!(sx.stx_mask & STATX_BTIME))
		FAIL("%s has no time of birth", path);
	return sx.stx_btime;
}

/* When a file was made, not when it was changed or written back. */
TEST(disk, birth_stays, .root = true)
{
	struct statx_timestamp was, is;

	scratch_mount(0);
	file_make("m/f", "abc", 3);
	was = birth_of("m/f");
	sync();
	CHECK_OK(chmod("m/f", 0600));
	scratch_unmount();
	scratch_mount(0);
	is = birth_of("m/f");
	CHECK_EQ(is.tv_sec, was.tv_sec);
	CHECK_EQ(is.tv_nsec, was.tv_nsec);
	CHECK_OK(unlink("m/f"));
	scratch_unmount();
}

static char *mapped;

static void store(void)
{
	*(volatile char *)mapped = 'x';
}

TEST(disk, flags_of_open_file, .root = true)
{
	struct stat st;
	int fd, status;

	scratch_mount(0);
	file_make("m/f", "abc", 3);
	CHECK_OK(chmod("m/f", 04755));
	fd = (int)CHECK_OK(open("m/f", O_RDWR));
	mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(mapped != MAP_FAILED);
	mapped[0] = 'A';
	CHECK_EQ(pwrite(fd, "B", 1, 1), 1);
	flags_set("m/f", FS_IMMUTABLE_FL);
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERR(pwrite(fd, "x", 1, 3), EPERM);
	CHECK_ERR(pwrite(fd, "x", 1, 100000), EPERM);
	CHECK_ERR(ftruncate(fd, 0), EPERM);
	CHECK_ERR(ftruncate(fd, 3), EPERM);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1), EPERM);
	CHECK_ERR(fchown(fd, (uid_t)-1, (gid_t)-1), EPERM);
	status = run_child(store);
	CHECK(WIFSIGNALED(status));
	CHECK_EQ(WTERMSIG(status), SIGBUS);
	CHECK(!memcmp(mapped, "ABc", 3));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 3);
	flags_set("m/f", 0);
	CHECK_EQ(pwrite(fd, "C", 1, 2), 1);
	mapped[0] = 'D';
	CHECK(!memcmp(mapped, "DBC", 3));
	/* To what it is only added to, who had it open before may still write anywhere. */
	flags_set("m/f", FS_APPEND_FL);
	CHECK_EQ(pwrite(fd, "E", 1, 0), 1);
	CHECK_ERR(ftruncate(fd, 0), EPERM);
	CHECK_ERR(fcntl(fd, F_SETFL, O_APPEND), EPERM);
	flags_set("m/f", 0);
	CHECK_OK(munmap(mapped, 4096));
	CHECK_OK(close(fd));
	CHECK_OK(unlink("m/f"));
	scratch_unmount();
}
