/*
 * fs: what mounts are asked for: options of tmpfs.
 */
#include <sys/mount.h>

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
