/* fs: what statx tells that stat does not: alignment for O_DIRECT, attributes; without a name. */
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "user/tests/ut.h"

#define DIOALIGN	0x2000
#define SUBVOL		0x8000
#define WRITE_ATOMIC	0x10000
#define ATTR_AUTOMOUNT	0x1000ULL
#define ATTR_MOUNT_ROOT 0x2000ULL
#define ATTR_DAX	0x200000ULL

/* The first fields, and the last ones, by their places in the ABI. */
struct statx_now {
	uint32_t mask, blksize;
	uint64_t attributes;
	char pad1[0x38 - 0x10];
	uint64_t attributes_mask;
	char pad2[0x98 - 0x40];
	uint32_t mem_align, offset_align;
	uint64_t subvol;
	uint32_t atomic[3];
	char pad3[0x100 - 0xb4];
};

static struct statx_now look(const char *name, unsigned int mask)
{
	struct statx_now s;

	memset(&s, 0xff, sizeof(s));
	CHECK_OK(syscall(SYS_statx, AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, mask, &s));
	return s;
}

/* One that every machine has: QEMU's, or a board's card. */
static const char *disk(void)
{
	return access("/dev/vda", F_OK) == 0 ? "/dev/vda" : "/dev/mmcblk0";
}

static void aligned(const char *name, unsigned int want)
{
	struct statx_now s = look(name, DIOALIGN | STATX_SIZE);

	CHECK_EQ(s.mask & DIOALIGN, want ? DIOALIGN : 0);
	CHECK_EQ(s.mem_align, want);
	CHECK_EQ(s.offset_align, want);
	/* Who does not ask is not told. */
	s = look(name, STATX_BASIC_STATS);
	CHECK_EQ(s.mask & DIOALIGN, 0);
	CHECK_EQ(s.mem_align, 0);
	CHECK_EQ(s.offset_align, 0);
}

TEST(fs, statx_alignment)
{
	file_make("f", "x", 1);
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(symlink("f", "l"));
	CHECK_OK(mkfifo("p", 0600));
	aligned("f", on_tmpfs() ? 0 : 512);
	aligned("d", 0);
	aligned("l", 0);
	aligned("p", 0);
	aligned("/dev/null", 0);
	aligned("/proc/self/status", 0);
	aligned(disk(), 512);
}

TEST(fs, statx_alignment_of_a_device_that_is_not_there, .root = true)
{
	CHECK_OK(mknod("b", S_IFBLK | 0600, makedev(250, 77)));
	aligned("b", 0);
}

/* Neither has subvolumes, nor writes that are done or not done as a whole. */
TEST(fs, statx_what_there_is_not)
{
	const char *const names[] = {"f", ".", disk(), "/proc/self/status"};

	file_make("f", "x", 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct statx_now s = look(names[i], 0x7fffffff);

		CHECK_EQ(s.mask & (SUBVOL | WRITE_ATOMIC), 0);
		CHECK_EQ(s.subvol, 0);
		CHECK_EQ(s.atomic[0] | s.atomic[1] | s.atomic[2], 0);
		CHECK_EQ(s.mask & ~0x6fffu, 0);
	}
}

TEST(fs, statx_attributes_that_are_known)
{
	static const char *const names[] = {"f", ".", "/dev/null", "/proc/self/status"};
	const uint64_t all = ATTR_AUTOMOUNT | ATTR_MOUNT_ROOT | ATTR_DAX;

	file_make("f", "x", 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct statx_now s = look(names[i], 0);

		CHECK_EQ(s.attributes_mask & all, all);
		CHECK_EQ(s.attributes & all, 0);
		CHECK_EQ(s.attributes & ~s.attributes_mask, 0);
	}
}

static long statx_of(int fd, const char *name, int flags, struct statx *out)
{
	return syscall(SYS_statx, fd, name, flags, STATX_BASIC_STATS, out);
}

/* The name may lack altogether where the descriptor is meant, and nothing else is asked for. */
TEST(fs, stat_without_a_name)
{
	int fd, place, p[2];
	struct statx sx;
	struct stat st;

	file_make("f", "abc", 3);
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	place = (int)CHECK_OK(open("f", O_PATH));
	CHECK_OK(pipe(p));
	CHECK_OK(syscall(SYS_newfstatat, fd, NULL, &st, AT_EMPTY_PATH));
	CHECK_EQ(st.st_size, 3);
	CHECK_OK(statx_of(fd, NULL, AT_EMPTY_PATH, &sx));
	CHECK_EQ(sx.stx_ino, st.st_ino);
	CHECK_OK(statx_of(place, NULL, AT_EMPTY_PATH, &sx));
	CHECK_EQ(sx.stx_ino, st.st_ino);
	CHECK_OK(syscall(SYS_newfstatat, place, NULL, &st, AT_EMPTY_PATH));
	CHECK_EQ(sx.stx_ino, st.st_ino);
	CHECK_OK(syscall(SYS_newfstatat, p[0], NULL, &st, AT_EMPTY_PATH));
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_OK(statx_of(p[0], NULL, AT_EMPTY_PATH, &sx));
	CHECK(S_ISFIFO(sx.stx_mode));
	CHECK_ERR(syscall(SYS_newfstatat, fd, NULL, &st, 0), EFAULT);
	CHECK_ERR(syscall(SYS_newfstatat, AT_FDCWD, NULL, &st, AT_EMPTY_PATH), EFAULT);
	CHECK_ERR(syscall(SYS_newfstatat, fd, NULL, &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW),
		  EFAULT);
	CHECK_ERR(syscall(SYS_newfstatat, fd, NULL, (void *)8, AT_EMPTY_PATH), EFAULT);
	CHECK_ERR(syscall(SYS_newfstatat, 199, NULL, &st, AT_EMPTY_PATH), EBADF);
	CHECK_ERR(statx_of(fd, NULL, 0, &sx), EFAULT);
	CHECK_ERR(statx_of(AT_FDCWD, NULL, AT_EMPTY_PATH, &sx), EFAULT);
	CHECK_ERR(statx_of(fd, NULL, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, &sx), EFAULT);
	CHECK_ERR(statx_of(fd, NULL, AT_EMPTY_PATH, (void *)8), EFAULT);
	CHECK_ERR(statx_of(199, NULL, AT_EMPTY_PATH, &sx), EBADF);
	CHECK_ERR(syscall(SYS_statx, fd, NULL, AT_EMPTY_PATH, 0x80000000u, &sx), EINVAL);
}
