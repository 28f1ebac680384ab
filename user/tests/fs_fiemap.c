/*
 * fs: where files lie on their device: FS_IOC_FIEMAP, FIBMAP, FIGETBSZ. File systems without a
 * device have no such places.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "user/tests/ut.h"

#define MANY 256
#define KIB  1024ULL

struct map {
	struct fiemap head;
	struct fiemap_extent e[MANY];
};

/* Ask for [start, start + length) with room for `room` extents: 0 or the errno. */
static int map_try(int fd, struct map *m, uint64_t start, uint64_t length, uint32_t flags,
		   uint32_t room)
{
	memset(m, 0x5a, sizeof(*m));
	m->head = (struct fiemap){.fm_start = start, .fm_length = length, .fm_flags = flags,
				  .fm_mapped_extents = 77, .fm_extent_count = room};
	return ioctl(fd, FS_IOC_FIEMAP, m) ? errno : 0;
}

static uint32_t map_get(int fd, struct map *m, uint64_t start, uint64_t length, uint32_t room)
{
	CHECK_EQ(map_try(fd, m, start, length, 0, room), 0);
	CHECK_EQ(m->head.fm_start, start);
	CHECK_EQ(m->head.fm_length, length);
	CHECK_EQ(m->head.fm_flags, 0);
	CHECK_EQ(m->head.fm_extent_count, room);
	return m->head.fm_mapped_extents;
}

/* A file whose bytes [0, 64 KiB) and [1 MiB, 1 MiB + 64 KiB) are on the device. */
static int file_with_hole(const char *name)
{
	static char data[64 * KIB];
	int fd = (int)CHECK_OK(open(name, O_CREAT | O_RDWR, 0644));

	memset(data, 'x', sizeof(data));
	CHECK_EQ(pwrite(fd, data, sizeof(data), 0), sizeof(data));
	CHECK_EQ(pwrite(fd, data, sizeof(data), 1024 * KIB), sizeof(data));
	CHECK_OK(ftruncate(fd, 2048 * KIB));
	CHECK_OK(fsync(fd));
	return fd;
}

/* The extents of m lie one behind the other in [from, to) and leave nothing out. */
static uint32_t check_cover(const struct map *m, uint32_t i, uint64_t from, uint64_t to)
{
	while (from < to) {
		CHECK(i < m->head.fm_mapped_extents);
		CHECK_EQ(m->e[i].fe_logical, from);
		CHECK_GE(m->e[i].fe_length, 1);
		CHECK(m->e[i].fe_physical);
		CHECK_EQ(m->e[i].fe_reserved64[0] | m->e[i].fe_reserved64[1], 0);
		CHECK_EQ(m->e[i].fe_reserved[0] | m->e[i].fe_reserved[2], 0);
		from += m->e[i++].fe_length;
	}
	CHECK_EQ(from, to);
	return i;
}

/* Only the last says that it is; those of a block map have been put together. */
static void check_flags(int fd, const struct map *m, uint32_t n)
{
	uint32_t want = FIEMAP_EXTENT_MERGED;
	int flags = 0;

	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags) && (flags & FS_EXTENT_FL))
		want = 0;
	for (uint32_t i = 0; i < n; i++)
		CHECK_EQ(m->e[i].fe_flags, want | (i + 1 == n ? FIEMAP_EXTENT_LAST : 0));
}

static int place_of(int fd, int block)
{
	CHECK_OK(ioctl(fd, FIBMAP, &block));
	return block;
}

TEST(fs, fiemap)
{
	int fd = file_with_hole("f"), size;
	static struct map m;
	uint32_t n, i;

	CHECK_OK(ioctl(fd, FIGETBSZ, &size));
	if (on_tmpfs()) {
		CHECK_EQ(size, 4096);
		CHECK_EQ(map_try(fd, &m, 0, UINT64_MAX, 0, MANY), EOPNOTSUPP);
		return;
	}
	n = map_get(fd, &m, 0, UINT64_MAX, MANY);
	i = check_cover(&m, 0, 0, 64 * KIB);
	CHECK_EQ(check_cover(&m, i, 1024 * KIB, 1088 * KIB), n);
	check_flags(fd, &m, n);
	/* No more than there is room for; without room they are counted. */
	CHECK_EQ(map_get(fd, &m, 0, UINT64_MAX, 0), n);
	CHECK_EQ(m.e[0].fe_length, 0x5a5a5a5a5a5a5a5a);
	CHECK_EQ(map_get(fd, &m, 0, UINT64_MAX, 1), 1);
	CHECK_EQ(m.e[0].fe_flags & FIEMAP_EXTENT_LAST, 0);
	CHECK_EQ(m.e[1].fe_length, 0x5a5a5a5a5a5a5a5a);
	/* Whole blocks of what is asked for, and the last of those is the last. */
	CHECK_EQ(map_get(fd, &m, 1024 * KIB + (uint64_t)size + 10, 1, MANY), 1);
	CHECK_EQ(m.e[0].fe_logical, 1024 * KIB + (uint64_t)size);
	CHECK_EQ(m.e[0].fe_length, size);
	check_flags(fd, &m, 1);
	CHECK_EQ(map_get(fd, &m, 64 * KIB, 960 * KIB, MANY), 0);
	CHECK_EQ(map_get(fd, &m, 1088 * KIB, UINT64_MAX, MANY), 0);
	CHECK_EQ(map_get(fd, &m, 1ULL << 33, UINT64_MAX, MANY), 0);
	CHECK_EQ(map_try(fd, &m, 0, UINT64_MAX, FIEMAP_FLAG_SYNC, MANY), 0);
	CHECK_EQ(m.head.fm_mapped_extents, n);
	CHECK_EQ(m.head.fm_flags, FIEMAP_FLAG_SYNC);
	CHECK_OK(close(fd));
	fd = (int)CHECK_OK(open(".", O_RDONLY));
	CHECK_GE(map_get(fd, &m, 0, UINT64_MAX, MANY), 1);
	CHECK_OK(close(fd));
}

TEST(fs, fiemap_arguments)
{
	int end[2], fd = file_with_hole("f"), none;
	static struct map m;

	CHECK_OK(pipe(end));
	CHECK_EQ(map_try(end[0], &m, 0, UINT64_MAX, 0, MANY), EOPNOTSUPP);
	none = (int)CHECK_OK(open("/dev/null", O_RDONLY));
	CHECK_EQ(map_try(none, &m, 0, UINT64_MAX, 0, MANY), EOPNOTSUPP);
	CHECK_OK(close(none));
	CHECK_EQ(map_try(999, &m, 0, UINT64_MAX, 0, MANY), EBADF);
	if (on_tmpfs())
		return;
	CHECK_EQ(map_try(fd, &m, 0, 0, 0, MANY), EINVAL);
	CHECK_EQ(map_try(fd, &m, UINT64_MAX, 1, 0, MANY), EFBIG);
	CHECK_EQ(map_try(fd, &m, 0, UINT64_MAX, 0, UINT32_MAX / 56 + 1), EINVAL);
	/* Of the flags, those that are not known come back. */
	CHECK_EQ(map_try(fd, &m, 0, UINT64_MAX, FIEMAP_FLAG_SYNC | 0x40000000, MANY), EBADR);
	CHECK_EQ(m.head.fm_flags, 0x40000000);
	CHECK_EQ(m.head.fm_mapped_extents, 0);
	CHECK_ERR(ioctl(fd, FS_IOC_FIEMAP, (void *)8), EFAULT);
	CHECK_OK(close(fd));
}

TEST(fs, fibmap, .root = true)
{
	int fd = file_with_hole("f"), size, block = 0, dir;
	static struct map m;
	pid_t pid;

	CHECK_OK(ioctl(fd, FIGETBSZ, &size));
	dir = (int)CHECK_OK(open(".", O_RDONLY));
	CHECK_ERR(ioctl(dir, FIBMAP, &block), ENOTTY);
	CHECK_ERR(ioctl(fd, FIBMAP, (void *)8), EFAULT);
	block = -1;
	CHECK_ERR(ioctl(fd, FIBMAP, &block), EINVAL);
	pid = child();
	if (!pid) {
		become_user();
		block = 0;
		CHECK_ERR(ioctl(fd, FIBMAP, &block), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
	if (on_tmpfs()) {
		block = 1;
		CHECK_ERR(ioctl(fd, FIBMAP, &block), EINVAL);
		CHECK_EQ(block, 0);
		return;
	}
	for (uint32_t i = 0, n = map_get(fd, &m, 0, UINT64_MAX, MANY); i < n; i++)
		for (uint64_t at = 0; at < m.e[i].fe_length; at += (uint64_t)size)
			CHECK_EQ(place_of(fd, (int)((m.e[i].fe_logical + at) / (uint64_t)size)),
				 (m.e[i].fe_physical + at) / (uint64_t)size);
	CHECK_EQ(place_of(fd, (int)(512 * KIB) / size), 0);
	CHECK_EQ(place_of(fd, (int)(2048 * KIB) / size), 0);
	CHECK_EQ(place_of(fd, INT_MAX), 0);
	CHECK_OK(close(fd));
	CHECK_OK(close(dir));
}
