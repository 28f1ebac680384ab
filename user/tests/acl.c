/* acl: access lists: what is one, who sets it, what it and the mode say of each other. */
#include "acl.h"

#include <linux/fs.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/xattr.h>

#define LONG "u::6 u:1000:6 u:2000:4 g::4 g:50:7 m::6 o::0"

static void file(const char *name, mode_t mode)
{
	CHECK_OK(close(CHECK_OK(open(name, O_CREAT | O_RDWR, 0600))));
	CHECK_OK(chmod(name, mode));
}

TEST(acl, set_and_get)
{
	char value[ACL_BYTES];
	size_t size = acl_value(value, LONG);
	struct inotify_event event;
	int fd = CHECK_OK(inotify_init()), f;

	file("f", 0604);
	acl_expect("f", ACL_ACCESS, "");
	CHECK_OK(inotify_add_watch(fd, "f", IN_ATTRIB));
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
	CHECK_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	CHECK_EQ(event.mask, IN_ATTRIB);
	acl_expect("f", ACL_ACCESS, LONG);
	CHECK_EQ(mode_of("f"), 0660);
	CHECK_ERR(getxattr("f", ACL_ACCESS, value, size - 1), ERANGE);
	CHECK_ERR(syscall(SYS_getxattr, "f", ACL_ACCESS, 8, size), EFAULT);
	f = CHECK_OK(open("f", O_RDWR));
	CHECK_OK(fsetxattr(f, ACL_ACCESS, value, acl_value(value, "u::7 g::0 g:9:1 m::1 o::2"), 0));
	CHECK_EQ(fgetxattr(f, ACL_ACCESS, value, sizeof(value)), 4 + 8 * 5);
	CHECK_EQ(mode_of("f"), 0712);
	CHECK_OK(fremovexattr(f, ACL_ACCESS));
	acl_expect("f", ACL_ACCESS, "");
	CHECK_OK(setxattr("f", "user.a", "b", 1, 0));
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
	CHECK_EQ(getxattr("f", "user.a", value, 1), 1);
	CHECK_OK(removexattr("f", "user.a"));
	acl_expect("f", ACL_ACCESS, LONG);
}

/* What a mode can say is said by it alone. */
TEST(acl, minimal)
{
	file("f", 0600);
	CHECK_OK(acl_set("f", ACL_ACCESS, "u::7 g::5 o::1"));
	acl_expect("f", ACL_ACCESS, "");
	CHECK_EQ(mode_of("f"), 0751);
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
	CHECK_OK(acl_set("f", ACL_ACCESS, "u::6 g::4 o::0"));
	acl_expect("f", ACL_ACCESS, "");
	CHECK_EQ(mode_of("f"), 0640);
	/* A mask is more than that. */
	CHECK_OK(acl_set("f", ACL_ACCESS, "u::6 g::7 m::5 o::0"));
	acl_expect("f", ACL_ACCESS, "u::6 g::7 m::5 o::0");
	CHECK_EQ(mode_of("f"), 0650);
}

TEST(acl, remove)
{
	char value[ACL_BYTES];

	file("f", 0600);
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
	CHECK_OK(removexattr("f", ACL_ACCESS));
	acl_expect("f", ACL_ACCESS, "");
	CHECK_EQ(mode_of("f"), 0660);
	CHECK_OK(removexattr("f", ACL_ACCESS));
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
	CHECK_OK(setxattr("f", ACL_ACCESS, "", 0, 0));
	acl_expect("f", ACL_ACCESS, "");
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
	CHECK_EQ(acl_value(value, ""), 4);
	CHECK_OK(setxattr("f", ACL_ACCESS, value, 4, 0));
	acl_expect("f", ACL_ACCESS, "");
}

TEST(acl, malformed)
{
	static const char *const bad[] = {
		"u::6", "u::6 g::4", "g::4 o::0", "u::6 o::0", "o::0 g::4 u::6", "u::6 o::0 g::4",
		"u::6 g::4 o::0 o::0", "u::6 u::6 g::4 o::0", "u::6 g::4 g::4 o::0",
		"u::6 u:1:4 g::4 o::0", "u::6 g::4 g:1:4 o::0", "u::6 g::4 m::4 m::4 o::0",
		"u::6 g::4 o::0 m::4", "u::6 m::4 g::4 o::0", "u::6 g::4 u:1:4 m::4 o::0",
		"u:1:4 u::6 g::4 m::4 o::0", "u::6 g:1:4 g::4 m::4 o::0",
		"u::6 g::4 m::4 g:1:4 o::0",
		"u::10 g::4 o::0", "u::6 g::4 o::20", "u::6 u:4294967295:4 g::4 m::4 o::0",
		"u::6 g::4 g:4294967295:4 m::4 o::0",
	};
	char value[ACL_BYTES];
	size_t size;

	file("f", 0640);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (acl_set("f", ACL_ACCESS, bad[i]) != -1 || errno != EINVAL)
			FAIL("%s is a list", bad[i]);
	size = acl_value(value, LONG);
	CHECK_ERR(setxattr("f", ACL_ACCESS, value, size - 1, 0), EINVAL);
	CHECK_ERR(setxattr("f", ACL_ACCESS, value, 3, 0), EINVAL);
	CHECK_ERR(setxattr("f", ACL_ACCESS, value, 8, 0), EINVAL);
	CHECK_ERR(setxattr("f", ACL_ACCESS, value, size, 4), EINVAL);
	value[4] = 3; /* of the first tag */
	CHECK_ERR(setxattr("f", ACL_ACCESS, value, size, 0), EINVAL);
	value[0] = 1; /* of the version */
	CHECK_ERR(setxattr("f", ACL_ACCESS, value, size, 0), EOPNOTSUPP);
	CHECK_EQ(mode_of("f"), 0640);
	acl_expect("f", ACL_ACCESS, "");
}

/* Named entries stand in any order, and more than once; the ids of others are nobody's. */
TEST(acl, well_formed)
{
	const char *any = "u::6 u:9:4 u:7:5 u:9:0 g::4 g:3:1 g:2:1 g:3:2 m::7 o::0";
	char value[ACL_BYTES];
	size_t size;

	file("f", 0640);
	CHECK_OK(acl_set("f", ACL_ACCESS, any));
	acl_expect("f", ACL_ACCESS, any);
	size = acl_value(value, LONG);
	memset(value + 8, 1, 4);
	CHECK_OK(setxattr("f", ACL_ACCESS, value, size, 0));
	acl_expect("f", ACL_ACCESS, LONG);
	/* Whether it was there is not asked. */
	size = acl_value(value, any);
	CHECK_OK(setxattr("f", ACL_ACCESS, value, size, XATTR_CREATE));
	CHECK_OK(removexattr("f", ACL_ACCESS));
	CHECK_OK(setxattr("f", ACL_ACCESS, value, size, XATTR_REPLACE));
	acl_expect("f", ACL_ACCESS, any);
}

TEST(acl, default_list)
{
	file("f", 0640);
	CHECK_ERR(acl_set("f", ACL_DEFAULT, LONG), EACCES);
	CHECK_OK(removexattr("f", ACL_DEFAULT));
	acl_expect("f", ACL_DEFAULT, "");
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(acl_set("d", ACL_DEFAULT, LONG));
	acl_expect("d", ACL_DEFAULT, LONG);
	acl_expect("d", ACL_ACCESS, "");
	CHECK_EQ(mode_of("d"), 0700);
	CHECK_ERR(acl_set("d", ACL_DEFAULT, "u::6"), EINVAL);
	CHECK_OK(acl_set("d", ACL_ACCESS, "u::7 u:9:1 g::0 m::1 o::0"));
	CHECK_OK(acl_set("d", ACL_DEFAULT, "u::7 g::5 o::4"));
	acl_expect("d", ACL_DEFAULT, "u::7 g::5 o::4");
	CHECK_OK(chmod("d", 0700));
	acl_expect("d", ACL_DEFAULT, "u::7 g::5 o::4");
	CHECK_OK(removexattr("d", ACL_DEFAULT));
	CHECK_OK(removexattr("d", ACL_DEFAULT));
	acl_expect("d", ACL_DEFAULT, "");
	acl_expect("d", ACL_ACCESS, "u::7 u:9:1 g::0 m::0 o::0");
}

/* Where there are none, and under names that are none. */
TEST(acl, unsupported, .root = true)
{
	char value[ACL_BYTES];
	size_t size = acl_value(value, LONG);

	CHECK_ERR(acl_set("/proc/version", ACL_ACCESS, LONG), EOPNOTSUPP);
	CHECK_ERR(acl_set("/proc/version", ACL_ACCESS, "u::6"), EOPNOTSUPP);
	CHECK_ERR(setxattr("/proc/version", ACL_ACCESS, value, size - 1, 0), EINVAL);
	CHECK_ERR(getxattr("/proc", ACL_DEFAULT, value, sizeof(value)), EOPNOTSUPP);
	CHECK_ERR(removexattr("/proc", ACL_DEFAULT), EOPNOTSUPP);
	CHECK_OK(symlink("f", "s"));
	CHECK_ERR(lsetxattr("s", ACL_ACCESS, value, size, 0), EOPNOTSUPP);
	CHECK_ERR(lgetxattr("s", ACL_ACCESS, value, sizeof(value)), EOPNOTSUPP);
	CHECK_ERR(lremovexattr("s", ACL_ACCESS), EOPNOTSUPP);
	file("f", 0600);
	CHECK_ERR(acl_set("f", ACL_ACCESS "s", LONG), EOPNOTSUPP);
	CHECK_ERR(getxattr("f", "system.other", value, 1), EOPNOTSUPP);
	CHECK_OK(acl_set("s", ACL_ACCESS, LONG));
	acl_expect("f", ACL_ACCESS, LONG);
	if (access("/dev/pts/ptmx", F_OK) == 0)
		CHECK_ERR(acl_set("/dev/pts/ptmx", ACL_ACCESS, LONG), EOPNOTSUPP);
	CHECK_OK(mkfifo("p", 0600));
	CHECK_OK(acl_set("p", ACL_ACCESS, LONG));
	CHECK_EQ(mode_of("p"), 0660);
}

static void not_the_owner(void)
{
	become_user();
	CHECK_ERR(acl_set("f", ACL_ACCESS, LONG), EPERM);
	CHECK_ERR(acl_set("f", ACL_ACCESS, "u::6"), EPERM);
	CHECK_ERR(removexattr("f", ACL_ACCESS), EPERM);
	CHECK_ERR(acl_set("f", ACL_DEFAULT, LONG), EACCES);
	CHECK_OK(removexattr("f", ACL_DEFAULT));
	CHECK_ERR(acl_set("d", ACL_DEFAULT, LONG), EPERM);
	acl_expect("f", ACL_ACCESS, LONG);
}

static void the_owner(void)
{
	become_user();
	CHECK_OK(acl_set("f", ACL_ACCESS, "u::0 u:1000:7 g::7 m::7 o::7"));
	CHECK_ERR(open("f", O_RDONLY), EACCES);
	CHECK_OK(removexattr("f", ACL_ACCESS));
}

TEST(acl, who_sets, .root = true)
{
	file("f", 0600);
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(mkdir("d", 0777));
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
	CHECK_EQ(run_child(not_the_owner), 0);
	CHECK_OK(chown("f", 1000, 1000));
	CHECK_EQ(run_child(the_owner), 0);
}

static void flag_set(const char *name, int flag)
{
	int fd = CHECK_OK(open(name, O_RDONLY)), flags;

	CHECK_OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	flags = (flags & ~(FS_IMMUTABLE_FL | FS_APPEND_FL)) | flag;
	CHECK_OK(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	CHECK_OK(close(fd));
}

TEST(acl, of_fixed_files, .root = true)
{
	static const int flags[] = { FS_IMMUTABLE_FL, FS_APPEND_FL };

	file("f", 0600);
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
	for (size_t i = 0; i < 2; i++) {
		flag_set("f", flags[i]);
		CHECK_ERR(acl_set("f", ACL_ACCESS, "u::6 g::4 o::0"), EPERM);
		CHECK_ERR(removexattr("f", ACL_ACCESS), EPERM);
		CHECK_ERR(chmod("f", 0600), EPERM);
		acl_expect("f", ACL_ACCESS, LONG);
		flag_set("f", 0);
	}
}

static void set_as_user(void)
{
	become_user();
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
}

/* A group that one is not in is not given away with the bits. */
TEST(acl, set_group_id, .root = true)
{
	CHECK_OK(chmod(".", 0755));
	file_owned("f", 1000, 5, 02755);
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
	CHECK_EQ(mode_of("f"), 02660);
	CHECK_EQ(run_child(set_as_user), 0);
	CHECK_EQ(mode_of("f"), 0660);
	CHECK_OK(chown("f", 1000, 1000));
	CHECK_OK(chmod("f", 06755));
	CHECK_EQ(run_child(set_as_user), 0);
	CHECK_EQ(mode_of("f"), 06660);
}

/* The group's bits are the mask. */
TEST(acl, chmod)
{
	int fd;

	file("f", 0600);
	CHECK_OK(acl_set("f", ACL_ACCESS, "u::6 u:1000:7 g::4 m::6 o::0"));
	CHECK_OK(chmod("f", 0751));
	acl_expect("f", ACL_ACCESS, "u::7 u:1000:7 g::4 m::5 o::1");
	CHECK_EQ(mode_of("f"), 0751);
	fd = CHECK_OK(open("f", O_RDONLY));
	CHECK_OK(fchmod(fd, 0604));
	acl_expect("f", ACL_ACCESS, "u::6 u:1000:7 g::4 m::0 o::4");
	CHECK_OK(chmod("f", 04604));
	CHECK_EQ(mode_of("f"), 04604);
	acl_expect("f", ACL_ACCESS, "u::6 u:1000:7 g::4 m::0 o::4");
}

/* It is the file's, not its name's. */
TEST(acl, stays_with_the_file)
{
	file("f", 0600);
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(acl_set("d", ACL_DEFAULT, "u::7 u:7:7 g::7 m::7 o::7"));
	CHECK_OK(acl_set("f", ACL_ACCESS, LONG));
	CHECK_OK(link("f", "d/g"));
	CHECK_OK(rename("f", "d/h"));
	acl_expect("d/g", ACL_ACCESS, LONG);
	acl_expect("d/h", ACL_ACCESS, LONG);
	file("f", 0600);
	CHECK_OK(rename("f", "d/h"));
	acl_expect("d/h", ACL_ACCESS, "");
}

/* As many as the file system has room for. */
TEST(acl, many_entries)
{
	char text[2 * ACL_BYTES], value[ACL_BYTES];
	size_t n = (size_t)sprintf(text, "u::6");
	int done;

	for (unsigned i = 0; i < 400; i++)
		n += (size_t)sprintf(text + n, " u:%u:%u", 1000 + i, i % 8);
	sprintf(text + n, " g::4 m::7 o::0");
	file("f", 0600);
	done = acl_set("f", ACL_ACCESS, text);
	if (!done)
		acl_expect("f", ACL_ACCESS, text);
	else
		CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(mode_of("f"), done ? 0600 : 0670);
	CHECK_EQ(getxattr("f", ACL_ACCESS, value, sizeof(value)) > 0, !done);
}

TEST(acl, seal_of_execution)
{
	char value[ACL_BYTES];
	int fd = (int)CHECK_OK(memfd_create("x", 8 /* MFD_NOEXEC_SEAL */));

	CHECK_OK(fsetxattr(fd, ACL_ACCESS, value,
			   acl_value(value, "u::6 u:1:6 g::6 m::6 o::6"), 0));
	CHECK_ERR(fchmod(fd, 0777), EPERM);
	CHECK_OK(fchmod(fd, 0640));
	CHECK_OK(close(fd));
}
