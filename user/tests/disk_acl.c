/* disk: access lists on a volume: they stay over a mount, and there are no mounts without. */
#include <sys/mount.h>
#include <sys/xattr.h>

#include "acl.h"
#include "disk.h"

#define LIST	"u::7 u:1000:4 g::5 g:50:1 m::7 o::5"
#define DEFAULT "u::7 g::5 g:50:6 m::4 o::1"

static void lists_make(void)
{
	CHECK_OK(chmod("m", 0755));
	file_owned("m/f", 10, 20, 0600);
	CHECK_OK(acl_set("m/f", ACL_ACCESS, LIST));
	CHECK_OK(mkdir("m/d", 0755));
	CHECK_OK(chmod("m/d", 0777));
	CHECK_OK(acl_set("m/d", ACL_DEFAULT, DEFAULT));
}

static void lists_drop(void)
{
	CHECK_OK(unlink("m/f"));
	CHECK_OK(rmdir("m/d"));
}

static void user_may_read(void)
{
	become_user();
	CHECK_OK(access("m/f", R_OK));
	CHECK_ERR(access("m/f", X_OK), EACCES);
}

/* A volume without lists is none that Linux would mount. */
TEST(disk, acl_option, .root = true)
{
	scratch_mount(0);
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT, "acl"));
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT, "noacl"), EINVAL);
	scratch_unmount();
	CHECK_ERR(mount("/dev/vdb", "m", "ext2", 0, "noacl"), EINVAL);
	CHECK_OK(mount("/dev/vdb", "m", "ext2", 0, "acl"));
	scratch_unmount();
}

TEST(disk, acl_stays, .root = true)
{
	CHECK_OK(chmod(".", 0755));
	scratch_mount(0);
	lists_make();
	CHECK_OK(setxattr("m/f", "user.a", "b", 1, 0));
	CHECK_OK(mkdir("m/d/e", 0700));
	scratch_unmount();
	scratch_mount(0);
	CHECK_EQ(run_child(user_may_read), 0);
	acl_expect("m/f", ACL_ACCESS, LIST);
	acl_expect("m/d", ACL_DEFAULT, DEFAULT);
	acl_expect("m/d/e", ACL_DEFAULT, DEFAULT);
	acl_expect("m/d/e", ACL_ACCESS, "u::7 g::5 g:50:6 m::0 o::0");
	CHECK_OK(chmod("m/f", 0775));
	CHECK_OK(rmdir("m/d/e"));
	CHECK_OK(removexattr("m/f", "user.a"));
	scratch_unmount();
	scratch_mount(0);
	CHECK_OK(mkdir("m/d/e", 0777));
	acl_expect("m/f", ACL_ACCESS, LIST);
	acl_expect("m/d/e", ACL_ACCESS, DEFAULT);
	CHECK_OK(rmdir("m/d/e"));
	CHECK_OK(removexattr("m/f", ACL_ACCESS));
	CHECK_OK(removexattr("m/d", ACL_DEFAULT));
	scratch_unmount();
	scratch_mount(0);
	acl_expect("m/f", ACL_ACCESS, "");
	acl_expect("m/d", ACL_DEFAULT, "");
	lists_drop();
	scratch_unmount();
}

/* Their blocks come back with the files, and a full volume loses no list. */
TEST(disk, acl_full, .root = true)
{
	char name[32];
	int n, error = 0;

	scratch_mount(0);
	lists_make();
	for (n = 0; n < 4000 && !error; n++) {
		snprintf(name, sizeof(name), "m/d/%d", n);
		if (mkdir(name, 0777))
			error = errno;
	}
	CHECK_EQ(error, ENOSPC);
	CHECK_ERR(access(name, F_OK), ENOENT);
	acl_expect("m/f", ACL_ACCESS, LIST);
	for (int i = 0; i < n - 1; i++) {
		snprintf(name, sizeof(name), "m/d/%d", i);
		acl_expect(name, ACL_ACCESS, DEFAULT);
		acl_expect(name, ACL_DEFAULT, DEFAULT);
		CHECK_OK(rmdir(name));
	}
	CHECK_OK(mkdir("m/d/e", 0777));
	CHECK_OK(rmdir("m/d/e"));
	lists_drop();
	scratch_unmount();
}
