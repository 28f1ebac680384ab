/*
 * fs: statmount and listmount, and the numbers they go by.
 */
#include <linux/stat.h>
#include <sys/sysmacros.h>

#include "user/tests/mountfd.h"
#include "user/tests/ut.h"

#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif

#define OFFSET	 (1ULL << 31) /* no mount has this number, or a lower one */
#define ALL_ROOT UINT64_MAX
#define REVERSE	 1

enum { SB_BASIC = 1, MNT_BASIC = 2, FROM = 4, ROOT = 8, POINT = 16, TYPE = 32, NS = 64 };

struct request {
	uint32_t size, spare;
	uint64_t mnt_id, param, ns_id;
};

struct answer {
	uint32_t size, mnt_opts;
	uint64_t mask;
	uint32_t dev_major, dev_minor;
	uint64_t magic;
	uint32_t sb_flags, fs_type;
	uint64_t mnt_id, parent_id;
	uint32_t mnt_id_old, parent_id_old;
	uint64_t attr, propagation, peer_group, master, from;
	uint32_t mnt_root, mnt_point;
	uint64_t ns_id, spare[49];
	char str[4096];
};

static long statmount(uint64_t id, uint64_t mask, void *buf, size_t size)
{
	struct request r = {.size = 24, .mnt_id = id, .param = mask};

	return syscall(SYS_statmount, &r, buf, size, 0);
}

static long listmount(uint64_t id, uint64_t after, uint64_t *ids, size_t n, unsigned int flags)
{
	struct request r = {.size = 24, .mnt_id = id, .param = after};

	return syscall(SYS_listmount, &r, ids, n, flags);
}

static uint64_t id_of(const char *path, unsigned int kind)
{
	struct statx st;

	CHECK_OK(syscall(SYS_statx, AT_FDCWD, path, 0, kind, &st));
	CHECK_EQ(st.stx_mask & 0x5000, kind);
	return st.stx_mnt_id;
}

#define UNIQUE(path) id_of(path, 0x4000)

TEST(fs, statmount_ids, .root = true)
{
	struct statx st;

	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK(UNIQUE("m") > OFFSET);
	CHECK(UNIQUE("m") != UNIQUE("."));
	CHECK_EQ(UNIQUE("m/."), UNIQUE("m"));
	/* Of both, the one that no other mount will have. */
	CHECK_OK(syscall(SYS_statx, AT_FDCWD, "m", 0, 0x5000, &st));
	CHECK_EQ(st.stx_mask & 0x5000, 0x4000);
	CHECK_EQ(st.stx_mnt_id, UNIQUE("m"));
	CHECK(id_of("m", 0x1000) < OFFSET);
	CHECK_OK(umount("m"));
}

TEST(fs, statmount_errors, .root = true)
{
	struct request r = {.size = 24, .mnt_id = UNIQUE("/")};
	struct answer a;

	CHECK_ERR(syscall(SYS_statmount, &r, &a, 512, 1), EINVAL);
	CHECK_ERR(syscall(SYS_statmount, NULL, &a, 512, 0), EFAULT);
	r.size = 23;
	CHECK_ERR(syscall(SYS_statmount, &r, &a, 512, 0), EINVAL);
	r.size = 4097;
	CHECK_ERR(syscall(SYS_statmount, &r, &a, 512, 0), E2BIG);
	r.size = 24;
	r.spare = 1;
	CHECK_ERR(syscall(SYS_statmount, &r, &a, 512, 0), EINVAL);
	r = (struct request){.size = 32, .mnt_id = UNIQUE("/"), .ns_id = UINT64_MAX};
	CHECK_ERR(syscall(SYS_statmount, &r, &a, 512, 0), ENOENT);
	CHECK_ERR(statmount(0, 0, &a, 512), EINVAL);
	CHECK_ERR(statmount(OFFSET, 0, &a, 512), EINVAL);
	CHECK_ERR(statmount(id_of("/", 0x1000), 0, &a, 512), EINVAL);
	CHECK_ERR(statmount(UINT64_MAX - 1, 0, &a, 512), ENOENT);
	CHECK_ERR(statmount(UNIQUE("/"), 0, NULL, 512), EFAULT);
	CHECK_ERR(statmount(UNIQUE("/"), TYPE, &a, 512), EOVERFLOW);
	CHECK_ERR(statmount(UNIQUE("/"), ROOT, &a, 512 + 1), EOVERFLOW);
	CHECK_ERR(statmount(UNIQUE("/"), POINT, &a, 100), EOVERFLOW);
	/* As much as there is room for. */
	memset(&a, 0x55, sizeof(a));
	CHECK_OK(statmount(UNIQUE("/"), 0, &a, 16));
	CHECK_EQ(a.size, 16);
	CHECK_EQ(a.mask, 0);
	CHECK_EQ(a.dev_major, 0x55555555);
	CHECK_OK(statmount(UNIQUE("/"), 0, NULL, 0));
	/* What is not known is not answered. */
	CHECK_OK(statmount(UNIQUE("/"), SB_BASIC | 1ULL << 40, &a, sizeof(a)));
	CHECK_EQ(a.mask, SB_BASIC);
	CHECK_EQ(a.size, 512);
}

TEST(fs, statmount_basic, .root = true)
{
	struct answer a;
	struct stat st;

	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NOEXEC | MS_NOATIME, NULL));
	CHECK_OK(mount(NULL, "m", NULL, MS_PRIVATE, NULL));
	CHECK_OK(stat("m", &st));
	memset(&a, 0x55, sizeof(a));
	CHECK_OK(statmount(UNIQUE("m"), SB_BASIC | MNT_BASIC | FROM, &a, 512));
	CHECK_EQ(a.size, 512);
	CHECK_EQ(a.mask, SB_BASIC | MNT_BASIC | FROM);
	CHECK_EQ(a.dev_major, major(st.st_dev));
	CHECK_EQ(a.dev_minor, minor(st.st_dev));
	CHECK_EQ(a.magic, 0x01021994);
	CHECK_EQ(a.sb_flags, MS_RDONLY);
	CHECK_EQ(a.mnt_id, UNIQUE("m"));
	CHECK_EQ(a.parent_id, UNIQUE("."));
	CHECK_EQ(a.mnt_id_old, id_of("m", 0x1000));
	CHECK_EQ(a.parent_id_old, id_of(".", 0x1000));
	CHECK_EQ(a.attr, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC |
				 MOUNT_ATTR_NOATIME);
	CHECK_EQ(a.propagation, MS_PRIVATE);
	CHECK_EQ(a.peer_group, 0);
	CHECK_EQ(a.master, 0);
	CHECK_EQ(a.from, 0);
	CHECK_EQ(a.fs_type, 0);
	CHECK_EQ(a.ns_id, 0);
	CHECK_OK(statmount(UNIQUE("m"), NS, &a, 512));
	CHECK_EQ(a.mask, NS);
	CHECK(a.ns_id != 0);
	CHECK_OK(umount("m"));
	CHECK_OK(mount("none", "m", "tmpfs", MS_STRICTATIME | MS_SYNCHRONOUS, NULL));
	CHECK_OK(statmount(UNIQUE("m"), SB_BASIC | MNT_BASIC, &a, 512));
	CHECK_EQ(a.attr, MOUNT_ATTR_STRICTATIME);
	CHECK_EQ(a.sb_flags, MS_SYNCHRONOUS);
	CHECK_OK(umount("m"));
}

TEST(fs, statmount_propagation, .root = true)
{
	struct answer a, b;

	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mkdir("n", 0755));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	CHECK_OK(mount(NULL, "m", NULL, MS_SHARED, NULL));
	CHECK_OK(mount("m", "n", NULL, MS_BIND, NULL));
	CHECK_OK(mount(NULL, "n", NULL, MS_SLAVE, NULL));
	CHECK_OK(statmount(UNIQUE("m"), MNT_BASIC | FROM, &a, 512));
	CHECK_EQ(a.propagation, MS_SHARED);
	CHECK(a.peer_group != 0);
	CHECK_EQ(a.master, 0);
	CHECK_EQ(a.from, 0);
	CHECK_OK(statmount(UNIQUE("n"), MNT_BASIC | FROM, &b, 512));
	CHECK_EQ(b.propagation, MS_SLAVE);
	CHECK_EQ(b.peer_group, 0);
	CHECK_EQ(b.master, a.peer_group);
	CHECK_EQ(b.from, a.peer_group);
	CHECK_OK(mount(NULL, "n", NULL, MS_SHARED, NULL));
	CHECK_OK(statmount(UNIQUE("n"), MNT_BASIC, &b, 512));
	CHECK_EQ(b.propagation, MS_SHARED | MS_SLAVE);
	CHECK(b.peer_group != 0 && b.peer_group != b.master);
	CHECK_OK(mount(NULL, "n", NULL, MS_UNBINDABLE, NULL));
	CHECK_OK(statmount(UNIQUE("n"), MNT_BASIC | FROM, &b, 512));
	CHECK_EQ(b.propagation, MS_UNBINDABLE);
	CHECK_EQ(b.master, 0);
	CHECK_EQ(b.from, 0);
	CHECK_OK(umount("n"));
	CHECK_OK(umount("m"));
}

TEST(fs, statmount_strings, .root = true)
{
	char cwd[1024], want[1100];
	struct answer a;

	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_OK(mkdir("p", 0755));
	CHECK_OK(mkdir("to here", 0755));
	CHECK_OK(mount("none", "p", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("p/a b", 0755));
	CHECK_OK(mkdir("p/a b/c", 0755));
	CHECK_OK(mount("p/a b/c", "to here", NULL, MS_BIND, NULL));
	CHECK_OK(statmount(UNIQUE("to here"), TYPE | ROOT | POINT, &a, sizeof(a)));
	CHECK_EQ(a.mask, TYPE | ROOT | POINT);
	CHECK_STR(a.str + a.fs_type, "tmpfs");
	CHECK_STR(a.str + a.mnt_root, "/a b/c");
	snprintf(want, sizeof(want), "%s/to here", cwd);
	CHECK_STR(a.str + a.mnt_point, want);
	CHECK_EQ(a.size, 512 + 1 + 6 + 7 + strlen(want) + 1);
	CHECK_STR(a.str + a.mnt_opts, "");
	CHECK_OK(statmount(UNIQUE("p"), ROOT, &a, sizeof(a)));
	CHECK_STR(a.str + a.mnt_root, "/");
	/* All of it, and one byte less. */
	CHECK_OK(statmount(UNIQUE("p"), TYPE, &a, 512 + 7));
	CHECK_STR(a.str + a.fs_type, "tmpfs");
	CHECK_ERR(statmount(UNIQUE("p"), TYPE, &a, 512 + 6), EOVERFLOW);
	CHECK_OK(umount("to here"));
	CHECK_OK(umount("p"));
}

/* The root of a bind mount is in mountinfo, too. */
TEST(fs, mountinfo_root, .root = true)
{
	char *text = malloc(65536), line[128];

	CHECK_OK(mkdir("p", 0755));
	CHECK_OK(mkdir("to", 0755));
	CHECK_OK(mount("none", "p", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("p/a b", 0755));
	CHECK_OK(mount("p/a b", "to", NULL, MS_BIND, NULL));
	file_text("/proc/self/mountinfo", text, 65536);
	snprintf(line, sizeof(line), "\n%d %d ", (int)id_of("to", 0x1000), (int)id_of(".", 0x1000));
	CHECK(strstr(text, line));
	CHECK(strstr(strstr(text, line), " /a\\040b /"));
	free(text);
	CHECK_OK(umount("to"));
	CHECK_OK(umount("p"));
}

static void three_make(uint64_t id[3])
{
	CHECK_OK(mkdir("p", 0755));
	CHECK_OK(mount("none", "p", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("p/a", 0755));
	CHECK_OK(mkdir("p/b", 0755));
	CHECK_OK(mount("none", "p/a", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("p/a/in", 0755));
	CHECK_OK(mount("none", "p/b", "tmpfs", 0, NULL));
	CHECK_OK(mount("none", "p/a/in", "tmpfs", 0, NULL));
	id[0] = UNIQUE("p/a");
	id[1] = UNIQUE("p/b");
	id[2] = UNIQUE("p/a/in");
}

TEST(fs, listmount, .root = true)
{
	uint64_t id[3], got[8] = {0}, top;
	int m;

	three_make(id);
	top = UNIQUE("p");
	/* All below it, in the order in which they were made. */
	CHECK_EQ(listmount(top, 0, got, 8, 0), 3);
	CHECK_EQ(memcmp(got, id, sizeof(id)), 0);
	CHECK_EQ(listmount(id[0], 0, got, 8, 0), 1);
	CHECK_EQ(got[0], id[2]);
	CHECK_EQ(listmount(id[1], 0, got, 8, 0), 0);
	CHECK_EQ(listmount(top, 0, got, 8, REVERSE), 3);
	CHECK_EQ(got[0], id[2]);
	CHECK_EQ(got[2], id[0]);
	/* In pieces, behind one that need not be there. */
	CHECK_EQ(listmount(top, 0, got, 2, 0), 2);
	CHECK_EQ(listmount(top, got[1], got, 2, 0), 1);
	CHECK_EQ(got[0], id[2]);
	CHECK_EQ(listmount(top, id[2], got, 2, 0), 0);
	CHECK_EQ(listmount(top, id[2], got, 1, REVERSE), 1);
	CHECK_EQ(got[0], id[1]);
	CHECK_EQ(listmount(top, OFFSET + 1, got, 8, 0), 3);
	/* Those without a place are not among them. */
	m = mount_new_tmpfs();
	CHECK_EQ(listmount(top, 0, got, 8, 0), 3);
	CHECK_OK(close(m));
	CHECK_OK(umount2("p", MNT_DETACH));
	CHECK_ERR(listmount(top, 0, got, 8, 0), ENOENT);
}

/* A copy of a directory has what stands in it, and nothing of what stands beside it. */
TEST(fs, listmount_of_part, .root = true)
{
	uint64_t id[3], got[8];

	three_make(id);
	CHECK_OK(mkdir("p/d", 0755));
	CHECK_OK(mkdir("p/d/in", 0755));
	CHECK_OK(mount("none", "p/d/in", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("to", 0755));
	CHECK_OK(mount("p/d", "to", NULL, MS_BIND | MS_REC, NULL));
	CHECK_EQ(listmount(UNIQUE("to"), 0, got, 8, 0), 1);
	CHECK_EQ(got[0], UNIQUE("to/in"));
	CHECK_OK(umount2("to", MNT_DETACH));
	CHECK_OK(umount2("p", MNT_DETACH));
}

/* A mount point that is no longer below the root of the mount that it is in. */
TEST(fs, listmount_of_escaped, .root = true)
{
	uint64_t got[1024], id, found = 0;
	long n;

	CHECK_OK(mkdir("p", 0755));
	CHECK_OK(mount("none", "p", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("p/s", 0755));
	CHECK_OK(mkdir("p/s/b", 0755));
	CHECK_OK(mkdir("p/s/b/c", 0755));
	CHECK_OK(mkdir("p/s/b/c/d", 0755));
	CHECK_OK(mkdir("p/x", 0755));
	CHECK_OK(mount("p/s/b", "p/x", NULL, MS_BIND, NULL));
	CHECK_OK(mount("none", "p/x/c/d", "tmpfs", 0, NULL));
	id = UNIQUE("p/x/c/d");
	CHECK_OK(rename("p/s/b/c", "p/s/c"));
	n = listmount(ALL_ROOT, 0, got, 1024, 0);
	for (long i = 0; i < n; i++)
		found += got[i] == id;
	CHECK_EQ(found, 1);
	CHECK_EQ(listmount(UNIQUE("p/x"), 0, got, 8, 0), 0);
	CHECK_OK(umount2("p", MNT_DETACH));
}

TEST(fs, listmount_errors, .root = true)
{
	struct request r = {.size = 24, .mnt_id = ALL_ROOT};
	uint64_t got[1024];

	CHECK_ERR(listmount(ALL_ROOT, 0, got, 4, 2), EINVAL);
	CHECK_ERR(listmount(ALL_ROOT, 0, got, 1000001, 0), EOVERFLOW);
	CHECK_ERR(syscall(SYS_listmount, NULL, got, 4, 0), EFAULT);
	CHECK_ERR(listmount(ALL_ROOT, 0, NULL, 4, 0), EFAULT);
	CHECK_EQ(listmount(ALL_ROOT, 0, NULL, 0, 0), 0);
	CHECK_ERR(listmount(ALL_ROOT, 1, got, 4, 0), EINVAL);
	CHECK_ERR(listmount(ALL_ROOT, OFFSET, got, 4, 0), EINVAL);
	CHECK_ERR(listmount(0, 0, got, 4, 0), EINVAL);
	CHECK_ERR(listmount(OFFSET, 0, got, 4, 0), EINVAL);
	CHECK_ERR(listmount(ALL_ROOT - 1, 0, got, 4, 0), ENOENT);
	r.spare = 1;
	CHECK_ERR(syscall(SYS_listmount, &r, got, 4, 0), EINVAL);
	r.spare = 0;
	r.size = 0;
	CHECK_ERR(syscall(SYS_listmount, &r, got, 4, 0), EINVAL);
	CHECK_GE(listmount(ALL_ROOT, 0, got, 1024, 0), 1);
}

static uint64_t outer, inner;

static void in_jail(void)
{
	struct answer a;
	uint64_t got[8];

	CHECK_OK(chroot("p/a"));
	CHECK_OK(chdir("/"));
	/* root may know of what its own root does not show, but has no name for it. */
	CHECK_OK(statmount(outer, POINT | TYPE, &a, sizeof(a)));
	CHECK_EQ(a.mask, POINT | TYPE);
	CHECK_STR(a.str + a.mnt_point, "");
	CHECK_OK(statmount(inner, POINT, &a, sizeof(a)));
	CHECK_STR(a.str + a.mnt_point, "/in");
	CHECK_EQ(listmount(outer, 0, got, 8, 0), 3);
	CHECK_EQ(listmount(ALL_ROOT, 0, got, 8, 0), 2);
	become_user();
	CHECK_ERR(statmount(outer, 0, &a, sizeof(a)), EPERM);
	CHECK_ERR(listmount(outer, 0, got, 8, 0), EPERM);
	CHECK_OK(statmount(inner, POINT, &a, sizeof(a)));
	CHECK_EQ(listmount(ALL_ROOT, 0, got, 8, 0), 2);
	_exit(0);
}

TEST(fs, statmount_outside_of_root, .root = true)
{
	uint64_t id[3];

	three_make(id);
	outer = UNIQUE("p");
	inner = id[2];
	CHECK_EQ(run_child(in_jail), 0);
	CHECK_OK(umount2("p", MNT_DETACH));
}
