/*
 * fs: what mounts are asked for: options of tmpfs, and when reading moves a file's access time.
 */
#include <dirent.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <time.h>

#include "user/tests/ut.h"

/* --- options of tmpfs --- */

static int volume(const char *options)
{
	return mount("none", "m", "tmpfs", 0, options);
}

static void check_root(const char *options, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;

	CHECK_OK(volume(options));
	CHECK_OK(stat("m", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | mode);
	CHECK_EQ(st.st_uid, uid);
	CHECK_EQ(st.st_gid, gid);
	CHECK_OK(umount("m"));
}

/* As statfs shows it, in blocks of 4 KiB. */
static void check_size(const char *options, uint64_t blocks)
{
	struct statfs st;

	CHECK_OK(volume(options));
	CHECK_OK(statfs("m", &st));
	CHECK_EQ(st.f_bsize, 4096);
	CHECK_EQ(st.f_blocks, blocks);
	CHECK_OK(umount("m"));
}

TEST(fs, tmpfs_size, .root = true)
{
	struct statfs st;
	uint64_t half;

	CHECK_OK(mkdir("m", 0700));
	check_size("size=1", 1);
	check_size("size=4097", 2);
	check_size("size=0x10000", 16);
	check_size("size=40k", 10);
	check_size("size=3M", 3 << 8);
	check_size("size=2g", 2ULL << 18);
	check_size("size=1t", 1ULL << 28);
	check_size("size=3T", 3ULL << 28);
	check_size("size=1p", 1ULL << 38);
	check_size("size=1E", 1ULL << 48);
	check_size("nr_blocks=2k", 2048);
	CHECK_OK(volume("size=50%"));
	CHECK_OK(statfs("m", &st));
	CHECK_OK(umount("m"));
	half = st.f_blocks;
	CHECK_OK(volume("size=100%"));
	CHECK_OK(statfs("m", &st));
	CHECK_OK(umount("m"));
	CHECK_EQ((st.f_blocks + 1) / 2, half);
	CHECK_ERR(volume("size=1x"), EINVAL);
	CHECK_ERR(volume("size=1kk"), EINVAL);
}

static void make_in_m(void)
{
	become_user();
	CHECK_OK(mkdir("m/d", 0755));
	_exit(0);
}

TEST(fs, tmpfs_options, .root = true)
{
	static const char *const refused[] = {
		"mode=", "mode=8", "mode=7x", "mode=0x7", "mode=40000000000", "uid=", "uid=-1",
		"uid=me", "uid=4294967295", "uid=4294967296", "gid=1 ", "gid=4294967295", "hue=3",
		"mode", "mode=700;uid=1",
	};

	CHECK_OK(mkdir("m", 0700));
	check_root(NULL, 01777, 0, 0);
	check_root("", 01777, 0, 0);
	check_root("mode=700", 0700, 0, 0);
	check_root("mode=0", 0, 0, 0);
	check_root("size=1m,mode=750,uid=12,gid=34", 0750, 12, 34);
	check_root("gid=0x10,uid=010,,mode=02711,", 02711, 8, 16);
	check_root("mode=123456", 03456, 0, 0);
	check_root("uid=1,uid=4294967294", 01777, (uid_t)-2, 0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (volume(refused[i]) == 0)
			FAIL("\"%s\" is taken", refused[i]);
		CHECK_EQ(errno, EINVAL);
	}
	CHECK_OK(volume("mode=700,uid=1000,gid=1000"));
	CHECK_OK(chmod(".", 0755));
	CHECK_EQ(run_child(make_in_m), 0);
	CHECK_OK(umount("m"));
}

/* --- access times --- */

#define DAY (24 * 3600)
#define OLD 1000000000 /* seconds: in the past, on any clock */

/* The file's access and modification times are these seconds from now on. */
static void times_set(const char *name, time_t atime, time_t mtime)
{
	struct timespec ts[2] = {{.tv_sec = atime}, {.tv_sec = mtime}};

	CHECK_OK(utimensat(AT_FDCWD, name, ts, AT_SYMLINK_NOFOLLOW));
}

static time_t atime_of(const char *name)
{
	struct stat st;

	CHECK_OK(lstat(name, &st));
	return st.st_atim.tv_sec;
}

static void file_read(const char *name, int flags, size_t size)
{
	int fd = (int)CHECK_OK(open(name, O_RDONLY | flags));
	char buf[16];

	CHECK_OK(read(fd, buf, size));
	CHECK_OK(close(fd));
}

static void list(const char *name)
{
	DIR *dir = opendir(name);

	CHECK(dir);
	while (readdir(dir))
		;
	CHECK_OK(closedir(dir));
}

/* Who has read since the last change, and not long ago, changes nothing by reading again. */
TEST(fs, relatime)
{
	time_t now = time(NULL);
	struct stat before, after;

	file_make("f", "text", 4);
	times_set("f", OLD, OLD - 10);
	CHECK_OK(stat("f", &before));
	file_read("f", O_NOATIME, 4);
	CHECK_EQ(atime_of("f"), OLD);
	/* Older than the change of its times. */
	file_read("f", 0, 4);
	CHECK_OK(stat("f", &after));
	CHECK_GE(after.st_atim.tv_sec, now - 1);
	CHECK_EQ(after.st_mtim.tv_sec, OLD - 10);
	CHECK_EQ(after.st_ctim.tv_sec, before.st_ctim.tv_sec);
	CHECK_EQ(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
	/* Behind both, and less than a day ago. */
	times_set("f", now + DAY, OLD);
	file_read("f", 0, 4);
	CHECK_EQ(atime_of("f"), now + DAY);
	/* Not behind the contents. */
	times_set("f", now + DAY, now + DAY);
	file_read("f", 0, 4);
	CHECK(atime_of("f") < now + DAY);
	times_set("f", now + DAY, now + 2 * DAY);
	file_read("f", 0, 4);
	CHECK(atime_of("f") < now + DAY);
}

TEST(fs, relatime_kinds)
{
	time_t now = time(NULL);
	char buf[16];

	CHECK_OK(mkdir("d", 0755));
	times_set("d", OLD, OLD);
	list("d");
	CHECK_GE(atime_of("d"), now - 1);
	CHECK_OK(symlink("d", "l"));
	times_set("l", OLD, OLD);
	CHECK_OK(readlink("l", buf, sizeof(buf)));
	CHECK_GE(atime_of("l"), now - 1);
	times_set("l", OLD, OLD);
	CHECK_OK(access("l/.", F_OK));
	CHECK_GE(atime_of("l"), now - 1);
	/* At the end there is nothing to read, but it was tried. */
	file_make("e", "", 0);
	times_set("e", OLD, OLD);
	file_read("e", 0, 4);
	CHECK_GE(atime_of("e"), now - 1);
}

/* A day later the next read counts: the clock goes on for that, and back. */
static void read_tomorrow(void)
{
	struct timespec now, later;
	time_t found;

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &now));
	later = now;
	later.tv_sec += DAY + 100;
	CHECK_OK(clock_settime(CLOCK_REALTIME, &later));
	file_read("f", 0, 4);
	found = atime_of("f");
	later.tv_sec = now.tv_sec;
	CHECK_OK(clock_settime(CLOCK_REALTIME, &later));
	CHECK_GE(found, now.tv_sec + DAY + 100);
}

TEST(fs, relatime_day, .root = true)
{
	time_t soon = time(NULL) + 50;

	file_make("f", "text", 4);
	times_set("f", soon, OLD);
	file_read("f", 0, 4);
	CHECK_EQ(atime_of("f"), soon);
	read_tomorrow();
}

static void mount_with(unsigned long flags, void (*check)(void))
{
	CHECK_OK(mount("none", "m", "tmpfs", flags, NULL));
	file_make("m/f", "text", 4);
	CHECK_OK(mkdir("m/d", 0755));
	check();
	CHECK_OK(umount("m"));
}

static void check_noatime(void)
{
	times_set("m/f", OLD, OLD);
	times_set("m/d", OLD, OLD);
	file_read("m/f", 0, 4);
	list("m/d");
	CHECK_EQ(atime_of("m/f"), OLD);
	CHECK_EQ(atime_of("m/d"), OLD);
}

static void check_nodiratime(void)
{
	times_set("m/f", OLD, OLD);
	times_set("m/d", OLD, OLD);
	file_read("m/f", 0, 4);
	list("m/d");
	CHECK(atime_of("m/f") != OLD);
	CHECK_EQ(atime_of("m/d"), OLD);
}

static void check_strict(void)
{
	time_t later = time(NULL) + DAY;

	times_set("m/f", later, OLD);
	times_set("m/d", later, OLD);
	file_read("m/f", 0, 4);
	list("m/d");
	CHECK(atime_of("m/f") < later);
	CHECK(atime_of("m/d") < later);
}

TEST(fs, atime_mounts, .root = true)
{
	CHECK_OK(mkdir("m", 0755));
	mount_with(MS_NOATIME, check_noatime);
	mount_with(MS_NODIRATIME, check_nodiratime);
	mount_with(MS_STRICTATIME, check_strict);
	CHECK_OK(mount("none", "m", "tmpfs", MS_STRICTATIME, NULL));
	file_make("m/f", "text", 4);
	CHECK_OK(mkdir("m/d", 0755));
	CHECK_OK(mount("none", "m", NULL, MS_REMOUNT | MS_NOATIME, NULL));
	check_noatime();
	CHECK_OK(umount("m"));
}
