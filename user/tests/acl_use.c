/* acl: who may because of a list, and what is made under a default list. */
#include "acl.h"

#include <grp.h>
#include <limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

/* Become one in these groups, without powers; the last gid is 0, and none. */
static void become(uid_t uid, gid_t gid, gid_t other)
{
	CHECK_OK(setgroups(other != 0, &other));
	CHECK_OK(setresgid(gid, gid, gid));
	CHECK_OK(setresuid(uid, uid, uid));
}

/* Of reading, writing and executing all that f lets them, each asked for alone. */
static unsigned allowed(const char *f)
{
	unsigned bits = 0;

	for (unsigned bit = 1; bit < 8; bit <<= 1) {
		if (access(f, (int)bit) == 0)
			bits |= bit;
		else
			CHECK_EQ(errno, EACCES);
		CHECK_EQ(faccessat(AT_FDCWD, f, (int)bit, AT_EACCESS) == 0, (bits & bit) != 0);
	}
	return bits;
}

static void expect_allowed(uid_t uid, gid_t gid, gid_t other, unsigned bits)
{
	pid_t pid = child();
	int fd;

	if (!pid) {
		become(uid, gid, other);
		CHECK_EQ(allowed("f"), bits);
		fd = open("f", O_RDONLY);
		CHECK_EQ(fd >= 0, (bits & R_OK) != 0);
		fd = open("f", O_WRONLY);
		CHECK_EQ(fd >= 0, (bits & W_OK) != 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}

static void file(uid_t uid, gid_t gid, const char *list)
{
	CHECK_OK(chmod(".", 0755));
	file_owned("f", uid, gid, 0600);
	CHECK_OK(acl_set("f", ACL_ACCESS, list));
}

TEST(acl, users, .root = true)
{
	file(10, 20, "u::1 u:1000:6 u:1001:0 u:1002:7 g::7 m::6 o::7");
	expect_allowed(10, 10, 0, 1);
	expect_allowed(1000, 1000, 0, 6);
	expect_allowed(1001, 1001, 0, 0);
	expect_allowed(1002, 1002, 0, 6); /* the mask */
	expect_allowed(1003, 1003, 0, 7);
	/* A user's entry, and the owner's, before any group's. */
	expect_allowed(1001, 20, 0, 0);
	expect_allowed(10, 20, 0, 1);
}

TEST(acl, groups, .root = true)
{
	pid_t pid;

	file(10, 20, "u::7 g::4 g:50:2 g:51:7 g:52:0 m::6 o::7");
	expect_allowed(1000, 20, 0, 4);
	expect_allowed(1000, 50, 0, 2);
	expect_allowed(1000, 51, 0, 6);
	expect_allowed(1000, 52, 0, 0); /* not that of others */
	expect_allowed(1000, 1000, 50, 2);
	expect_allowed(1000, 52, 51, 6);
	expect_allowed(1000, 20, 50, 6); /* one here, one there, */
	pid = child();
	if (!pid) {
		become(1000, 20, 50);
		CHECK_ERR(open("f", O_RDWR), EACCES); /* but no group has both */
		CHECK_ERR(access("f", R_OK | W_OK), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
	expect_allowed(1000, 1000, 0, 7);
}

/* As long as the mask is empty the list is not asked, but the mode. */
TEST(acl, empty_mask, .root = true)
{
	file(10, 20, "u::7 u:1000:7 g::7 m::0 o::5");
	expect_allowed(1000, 1000, 0, 5);
	expect_allowed(1001, 20, 0, 0);
	expect_allowed(1001, 1001, 0, 5);
	CHECK_OK(chmod("f", 0740));
	expect_allowed(1000, 1000, 0, 4);
	expect_allowed(1001, 1001, 0, 0);
}

/* Who has power over files is not asked; but nobody executes what nobody may. */
TEST(acl, powers, .root = true)
{
	file(10, 20, "u::0 u:0:0 g::0 g:0:0 m::6 o::0");
	expect_allowed(0, 0, 0, 6);
	CHECK_OK(acl_set("f", ACL_ACCESS, "u::0 u:77:1 g::0 m::1 o::0"));
	expect_allowed(0, 0, 0, 7);
}

/* A change is one for those, too, that looked before. */
TEST(acl, changes, .root = true)
{
	file(10, 20, "u::7 u:1000:7 g::7 m::7 o::0");
	expect_allowed(1000, 1000, 0, 7);
	CHECK_OK(chmod("f", 0750));
	expect_allowed(1000, 1000, 0, 5);
	CHECK_OK(acl_set("f", ACL_ACCESS, "u::7 u:1000:4 g::7 m::7 o::0"));
	expect_allowed(1000, 1000, 0, 4);
	expect_allowed(1001, 20, 0, 7);
	CHECK_OK(removexattr("f", ACL_ACCESS));
	expect_allowed(1000, 1000, 0, 0);
	expect_allowed(1001, 20, 0, 7);
	CHECK_OK(acl_set("f", ACL_ACCESS, "u::7 u:1000:4 g::7 m::7 o::0"));
	CHECK_OK(acl_set("f", ACL_ACCESS, "u::7 g::2 o::4"));
	expect_allowed(1000, 1000, 0, 4);
	expect_allowed(1001, 20, 0, 2);
}

/* The way through a directory, which everybody's bits seem to open, and what is made there. */
TEST(acl, directories, .root = true)
{
	pid_t pid;

	CHECK_OK(chmod(".", 0755));
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(mkdir("d/e", 0755));
	file_make("d/f", "x", 1);
	CHECK_OK(chmod("d/f", 0666));
	CHECK_OK(access("d/e/..", F_OK));
	CHECK_OK(acl_set("d", ACL_ACCESS, "u::7 u:1000:6 u:1001:7 g::5 m::7 o::5"));
	pid = child();
	if (!pid) {
		become(1000, 1000, 0);
		CHECK_ERR(open("d/f", O_RDONLY), EACCES);
		CHECK_ERR(access("d/e", F_OK), EACCES);
		CHECK_ERR(access("d/e/none", F_OK), EACCES);
		CHECK_ERR(chdir("d"), EACCES);
		CHECK_ERR(mkdir("d/g", 0755), EACCES);
		CHECK_OK(open("d", O_RDONLY));
		_exit(0);
	}
	expect_exit(pid, 0);
	pid = child();
	if (!pid) {
		become(1001, 1001, 0);
		CHECK_OK(chdir("d/e"));
		CHECK_OK(mkdir("../g", 0755));
		CHECK_OK(rmdir("../g"));
		_exit(0);
	}
	expect_exit(pid, 0);
	pid = child();
	if (!pid) {
		become(1002, 1002, 0);
		CHECK_OK(access("d/e", F_OK));
		CHECK_ERR(mkdir("d/g", 0755), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

#define ENTRIES 8191 /* as many as a value of 64 KiB has */

static void groups_use(void)
{
	static gid_t groups[NGROUPS_MAX];

	for (unsigned i = 0; i < NGROUPS_MAX; i++)
		groups[i] = 1000000 - i;
	CHECK_OK(setgroups(NGROUPS_MAX, groups));
	CHECK_OK(setresgid(1000, 1000, 1000));
	CHECK_OK(setresuid(1000, 1000, 1000));
	CHECK_ERR(open("d/g", O_CREAT | O_WRONLY, 0600), EACCES);
	CHECK_OK(access("d/f", R_OK));
	CHECK_ERR(access("d/f", W_OK), EACCES);
	CHECK_OK(access("d/../d/../d/../d/../d/../d/../d/f", R_OK));
}

/* The entry that decides is the last but two, for one in all groups that may be. */
TEST(acl, longest, .root = true)
{
	static struct {
		struct posix_acl_xattr_header head;
		struct posix_acl_xattr_entry e[ENTRIES];
	} list = { .head = { POSIX_ACL_XATTR_VERSION } };

	list.e[0] = (struct posix_acl_xattr_entry){ ACL_USER_OBJ, 7, 0 };
	list.e[1] = (struct posix_acl_xattr_entry){ ACL_GROUP_OBJ, 0, 0 };
	for (unsigned i = 2; i < ENTRIES - 3; i++)
		list.e[i] = (struct posix_acl_xattr_entry){ ACL_GROUP, 7, 2000 + i };
	list.e[ENTRIES - 3] = (struct posix_acl_xattr_entry){ ACL_GROUP, 5, 1000000 };
	list.e[ENTRIES - 2] = (struct posix_acl_xattr_entry){ ACL_MASK, 7, 0 };
	list.e[ENTRIES - 1] = (struct posix_acl_xattr_entry){ ACL_OTHER, 0, 0 };
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(mkdir("d", 0700));
	file_make("d/f", "x", 1);
	CHECK_OK(chmod("d/f", 0644));
	if (setxattr("d", ACL_ACCESS, &list, sizeof(list), 0)) {
		CHECK_EQ(errno, ENOSPC);
		SKIP("no room for so long a list");
	}
	CHECK_EQ(run_child(groups_use), 0);
}

#define DEFAULT "u::7 u:1000:7 g::5 g:50:4 m::7 o::5"

TEST(acl, inherited, .root = true)
{
	char path[40];
	int fd;

	umask(077);
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(acl_set("d", ACL_DEFAULT, DEFAULT));
	CHECK_OK(open("d/f", O_CREAT | O_WRONLY, 0664));
	CHECK_EQ(mode_of("d/f"), 0664);
	acl_expect("d/f", ACL_ACCESS, "u::6 u:1000:7 g::5 g:50:4 m::6 o::4");
	CHECK_OK(open("d/g", O_CREAT | O_WRONLY, 0600));
	CHECK_EQ(mode_of("d/g"), 0600);
	acl_expect("d/g", ACL_ACCESS, "u::6 u:1000:7 g::5 g:50:4 m::0 o::0");
	CHECK_OK(mkdir("d/d", 01777));
	CHECK_EQ(mode_of("d/d"), 01775);
	acl_expect("d/d", ACL_ACCESS, "u::7 u:1000:7 g::5 g:50:4 m::7 o::5");
	acl_expect("d/d", ACL_DEFAULT, DEFAULT);
	CHECK_OK(mkfifo("d/d/p", 0622));
	CHECK_EQ(mode_of("d/d/p"), 0620);
	acl_expect("d/d/p", ACL_ACCESS, "u::6 u:1000:7 g::5 g:50:4 m::2 o::0");
	CHECK_OK(mknod("d/n", S_IFREG | 0755, 0));
	acl_expect("d/n", ACL_ACCESS, "u::7 u:1000:7 g::5 g:50:4 m::5 o::5");
	CHECK_OK(symlink("f", "d/s"));
	CHECK_EQ(llistxattr("d/s", NULL, 0), 0);
	fd = open("d", O_TMPFILE | O_RDWR, 0642);
	if (fd >= 0) {
		CHECK_EQ(fgetxattr(fd, ACL_ACCESS, NULL, 0), 4 + 8 * 6);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		CHECK_OK(linkat(AT_FDCWD, path, AT_FDCWD, "d/t", AT_SYMLINK_FOLLOW));
		acl_expect("d/t", ACL_ACCESS, "u::6 u:1000:7 g::5 g:50:4 m::4 o::0");
	}
}

/* With a list that says no more than a mode, one has the mode alone; the umask is not asked. */
TEST(acl, inherited_minimal)
{
	umask(077);
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(acl_set("d", ACL_DEFAULT, "u::7 g::6 o::4"));
	CHECK_OK(open("d/f", O_CREAT | O_WRONLY, 0666));
	CHECK_EQ(mode_of("d/f"), 0664);
	acl_expect("d/f", ACL_ACCESS, "");
	CHECK_OK(mkdir("d/d", 0777));
	CHECK_EQ(mode_of("d/d"), 0764);
	acl_expect("d/d", ACL_ACCESS, "");
	acl_expect("d/d", ACL_DEFAULT, "u::7 g::6 o::4");
	CHECK_OK(removexattr("d", ACL_DEFAULT));
	CHECK_OK(open("d/g", O_CREAT | O_WRONLY, 0666));
	CHECK_EQ(mode_of("d/g"), 0600);
	acl_expect("d/g", ACL_ACCESS, "");
	CHECK_OK(mkdir("d/e", 0777));
	CHECK_EQ(mode_of("d/e"), 0700);
	acl_expect("d/e", ACL_DEFAULT, "");
}

static void setgid_made(void)
{
	struct stat st;
	int fd;

	become(1000, 1000, 0);
	umask(010);
	fd = (int)CHECK_OK(open("d/f", O_CREAT | O_WRONLY, 02775));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode & S_ISGID, 0);
	CHECK_OK(mknod("d/n", S_IFREG | 02775, 0));
	CHECK_EQ(mode_of("d/n") & S_ISGID, 0);
	CHECK_OK(mkfifo("d/p", 02775));
	CHECK_EQ(mode_of("d/p") & S_ISGID, 0);
	fd = open("d", O_TMPFILE | O_RDWR, 02775);
	if (fd >= 0) {
		CHECK_OK(fstat(fd, &st));
		CHECK_EQ(st.st_mode & S_ISGID, 0);
	}
	/* Without group execute it never was one that runs as the group. */
	CHECK_OK(mknod("d/m", S_IFREG | 02765, 0));
	CHECK_EQ(mode_of("d/m") & S_ISGID, S_ISGID);
	CHECK_OK(mkdir("d/d", 0775));
	CHECK_EQ(mode_of("d/d") & S_ISGID, S_ISGID);
	CHECK_OK(unlink("d/f"));
	CHECK_OK(unlink("d/n"));
	CHECK_OK(unlink("d/p"));
	CHECK_OK(unlink("d/m"));
	CHECK_OK(rmdir("d/d"));
}

/* Whose group one is not in, for that one makes no set-id file, whatever umask or list leave. */
TEST(acl, setgid_made, .root = true)
{
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(chown("d", 0, 50));
	CHECK_OK(chmod("d", 02777));
	CHECK_EQ(run_child(setgid_made), 0);
	CHECK_OK(acl_set("d", ACL_DEFAULT, "u::7 g::6 o::7"));
	CHECK_EQ(run_child(setgid_made), 0);
	CHECK_OK(acl_set("d", ACL_DEFAULT, "u::7 u:1:7 g::7 m::6 o::7"));
	CHECK_EQ(run_child(setgid_made), 0);
}

/* A socket is made with the umask, whatever the list says. */
TEST(acl, inherited_socket)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "d/s" };
	int fd = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));

	umask(027);
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(acl_set("d", ACL_DEFAULT, "u::7 u:1000:7 g::7 m::7 o::7"));
	CHECK_OK(bind(fd, (struct sockaddr *)&name, sizeof(name)));
	CHECK_EQ(mode_of("d/s"), 0750);
	acl_expect("d/s", ACL_ACCESS, "u::7 u:1000:7 g::7 m::5 o::0");
}

static void make_as_user(void)
{
	become(1000, 1000, 0);
	CHECK_OK(open("d/f", O_CREAT | O_WRONLY, 0666));
	CHECK_ERR(open("d/f", O_RDONLY), EACCES);
	CHECK_ERR(open("d/f", O_WRONLY), EACCES);
}

/* Who makes a file has it open, whatever it inherits; others are asked at once. */
TEST(acl, inherited_acts, .root = true)
{
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(mkdir("d", 0777));
	CHECK_OK(chmod("d", 0777));
	CHECK_OK(acl_set("d", ACL_DEFAULT, "u::0 u:1001:6 g::0 m::6 o::0"));
	CHECK_EQ(run_child(make_as_user), 0);
	CHECK_OK(rename("d/f", "f"));
	expect_allowed(1001, 1001, 0, 6);
	expect_allowed(1002, 1002, 0, 0);
}
