/* nomem: access lists; see nomem.c. */
#include "acl.h"
#include "nomem.h"

#include <sys/xattr.h>

#define LIST  "u::6 u:1000:6 g::4 m::6 o::0"
#define OTHER "u::7 g::5 g:50:7 g:51:0 m::5 o::1"

static long run_set(void)
{
	return acl_set("f", ACL_ACCESS, OTHER);
}

static void list_restore(long result)
{
	(void)result;
	CHECK_OK(acl_set("f", ACL_ACCESS, LIST));
}

/* The list and the mode change together, or not at all. */
static void check_list(void)
{
	acl_expect("f", ACL_ACCESS, LIST);
	CHECK_EQ(mode_of("f"), 0660);
}

static long run_get(void)
{
	char value[ACL_BYTES];

	return getxattr("f", ACL_ACCESS, value, sizeof(value));
}

static long run_chmod(void)
{
	return chmod("f", 0751);
}

static void check_chmod(void)
{
	bool done = mode_of("f") == 0751;

	acl_expect("f", ACL_ACCESS, done ? "u::7 u:1000:6 g::4 m::5 o::1" : LIST);
	CHECK_EQ(mode_of("f"), done ? 0751 : 0660);
	if (done)
		CHECK_OK(acl_set("f", ACL_ACCESS, LIST));
}

static long run_mkdir(void)
{
	return mkdir("d/e", 0770);
}

static long run_open(void)
{
	int fd = open("d/e", O_CREAT | O_EXCL | O_RDWR, 0660);

	return fd < 0 ? fd : close(fd);
}

/* What is made has its list, or is not made. */
static void check_made(void)
{
	struct stat st;

	if (lstat("d/e", &st))
		return;
	acl_expect("d/e", ACL_ACCESS, S_ISDIR(st.st_mode) ? "u::7 u:1000:7 g::5 m::7 o::0"
							   : "u::6 u:1000:7 g::5 m::6 o::0");
	CHECK_OK(S_ISDIR(st.st_mode) ? rmdir("d/e") : unlink("d/e"));
}

TEST(nomem, acl, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{ .name = "setxattr of a list", .run = run_set, .after = list_restore,
		  .intact = check_list },
		{ .name = "getxattr of a list", .run = run_get, .intact = check_list },
		{ .name = "chmod with a list", .run = run_chmod, .intact = check_chmod },
		{ .name = "mkdir with a list", .run = run_mkdir, .intact = check_made },
		{ .name = "open with a list", .run = run_open, .intact = check_made },
	};

	door_open();
	file_make("f", "x", 1);
	CHECK_OK(acl_set("f", ACL_ACCESS, LIST));
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(acl_set("d", ACL_DEFAULT, "u::7 u:1000:7 g::5 m::7 o::7"));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
}
