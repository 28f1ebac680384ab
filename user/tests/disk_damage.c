/*
 * disk: damaged attributes, on a copy of the scratch volume. They cost who does not own the file
 * his access to it, and nobody anything else.
 */
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "acl.h"
#include "disk.h"

#define BLOCK 1024
#define MAGIC 0xea020000u /* a block of attributes begins with that */

/* So many that Linux has no room for them in an inode, but puts them into a block, too. */
#define MANY	 " u:1000:6 u:1:7 u:2:7 u:3:7 u:4:7 u:5:7 u:6:7 u:7:7 u:8:7 u:9:7 u:10:7 u:11:7"
#define LIST	 "u::6" MANY " g::4 m::6 o::4"
#define DIR_LIST "u::7" MANY " g::7 m::7 o::7"

static int image, loop;

static void copy_mount(void)
{
	int control = open("/dev/loop-control", O_RDWR);
	char name[40];

	if (control < 0)
		SKIP("no loop devices");
	snprintf(name, sizeof(name), "/dev/loop%ld",
		 (long)CHECK_OK(ioctl(control, LOOP_CTL_GET_FREE)));
	CHECK_OK(close(control));
	loop = (int)CHECK_OK(open(name, O_RDWR));
	CHECK_OK(ioctl(loop, LOOP_SET_FD, image));
	CHECK_OK(mount(name, "m", "ext2", 0, NULL));
}

static void copy_unmount(void)
{
	CHECK_OK(umount2("m", 0));
	CHECK_OK(ioctl(loop, LOOP_CLR_FD));
	CHECK_OK(close(loop));
}

/* m/f, m/d and m/d/x, each but x with a list, and m/s without. */
static void files_make(void)
{
	CHECK_OK(chmod("m", 0777));
	file_owned("m/f", 500, 20, 0664);
	CHECK_OK(acl_set("m/f", ACL_ACCESS, LIST));
	CHECK_OK(mkdir("m/s", 0777));
	CHECK_OK(mkdir("m/d", 0777));
	file_owned("m/d/x", 500, 20, 0664);
	CHECK_OK(chown("m/d", 500, 20));
	CHECK_OK(acl_set("m/d", ACL_ACCESS, DIR_LIST));
	CHECK_OK(acl_set("m/d", ACL_DEFAULT, DIR_LIST));
}

static void copy_make(void)
{
	static char bytes[1 << 16];
	ssize_t n;
	int fd;

	CHECK_OK(chmod(".", 0755));
	scratch_mount(0);
	scratch_unmount();
	fd = (int)CHECK_OK(open("/dev/vdb", O_RDONLY));
	image = (int)CHECK_OK(open("image", O_RDWR | O_CREAT, 0600));
	while ((n = CHECK_OK(read(fd, bytes, sizeof(bytes)))))
		write_full(image, bytes, (size_t)n);
	CHECK_OK(close(fd));
	copy_mount();
	files_make();
}

/* Another magic number. */
static void head_damage(uint32_t *block)
{
	block[0]++;
}

/* Lists of another version. They are values of attributes, which begin with it. */
static void lists_damage(uint32_t *block)
{
	for (size_t i = 8; i + 1 < BLOCK / sizeof(*block); i++)
		if (block[i] == 1 && (block[i + 1] & 0xffff) == 1)
			block[i]++;
}

/* Lists without entries. */
static void lists_empty(uint32_t *block)
{
	for (size_t i = 8; i < BLOCK / sizeof(*block); i++)
		if ((block[i] & 0xffff) == 0x0200 || (block[i] & 0xffff) == 0x0300)
			block[i + 2] = 4;
}

/* All blocks of attributes of the volume, which is mounted, and is again. */
static void damage(void (*func)(uint32_t *block))
{
	uint32_t block[BLOCK / sizeof(uint32_t)];
	int found = 0;

	copy_unmount();
	for (off_t at = 0; pread(image, block, BLOCK, at) == BLOCK; at += BLOCK) {
		if (block[0] != MAGIC)
			continue;
		func(block);
		CHECK_EQ(pwrite(image, block, BLOCK, at), BLOCK);
		found++;
	}
	CHECK_GE(found, 2);
	copy_mount();
}

static int wrong; /* the error that damage makes */

static void by_owner(void)
{
	char value[ACL_BYTES];
	int fd;

	CHECK_OK(setresuid(500, 500, 500));
	fd = (int)CHECK_OK(open("m/f", O_RDWR));
	CHECK_OK(close(fd));
	CHECK_ERR(access("m/f", X_OK), EACCES);
	CHECK_OK(access("m/d/x", F_OK));
	CHECK_ERR(getxattr("m/f", ACL_ACCESS, value, sizeof(value)), wrong);
	CHECK_ERR(open("m/d/new", O_CREAT | O_RDWR, 0666), wrong);
}

static void by_other(void)
{
	become_user();
	CHECK_ERR(open("m/f", O_RDONLY), wrong);
	CHECK_ERR(access("m/f", R_OK), wrong);
	CHECK_ERR(access("m/d/x", F_OK), wrong);
	CHECK_ERR(chdir("m/d"), wrong);
}

/* What is without attributes, or needs none, goes on, and so does the volume. */
static void rest_goes_on(void)
{
	CHECK_EQ(mode_of("m/f"), 0664);
	file_make("m/s/new", "x", 1);
	sync();
	CHECK_OK(rename("m/f", "m/s/f"));
	CHECK_OK(unlink("m/s/f"));
	CHECK_OK(unlink("m/s/new"));
}

TEST(disk, damaged_attributes, .root = true, .no_leak_check = true)
{
	wrong = EUCLEAN;
	copy_make();
	damage(head_damage);
	CHECK_EQ(run_child(by_owner), 0);
	CHECK_EQ(run_child(by_other), 0);
	CHECK_ERR(acl_set("m/f", ACL_ACCESS, LIST), wrong);
	rest_goes_on();
	copy_unmount();
	copy_mount();
	CHECK_ERR(access("m/f", F_OK), ENOENT);
	CHECK_OK(mkdir("m/e", 0777));
	copy_unmount();
}

/* A list can be mended: another one in its place is sound. */
TEST(disk, damaged_lists, .root = true, .no_leak_check = true)
{
	wrong = EINVAL;
	copy_make();
	damage(lists_damage);
	CHECK_EQ(run_child(by_owner), 0);
	CHECK_EQ(run_child(by_other), 0);
	CHECK_OK(acl_set("m/f", ACL_ACCESS, LIST));
	acl_expect("m/f", ACL_ACCESS, LIST);
	CHECK_OK(removexattr("m/d", ACL_ACCESS));
	CHECK_OK(removexattr("m/d", ACL_DEFAULT));
	CHECK_OK(mkdir("m/d/e", 0700));
	rest_goes_on();
	copy_unmount();
}

static void in_root(void)
{
	become_user();
	CHECK_ERR(access("m/f", F_OK), wrong);
	CHECK_ERR(chdir("m"), wrong);
}

/* Of the root directory, too, it is only others that are refused. */
static void root_damaged(void (*func)(uint32_t *block))
{
	copy_make();
	CHECK_OK(acl_set("m", ACL_ACCESS, DIR_LIST));
	damage(func);
	CHECK_EQ(run_child(in_root), 0);
	rest_goes_on();
	copy_unmount();
}

TEST(disk, damaged_root, .root = true, .no_leak_check = true)
{
	wrong = EUCLEAN;
	root_damaged(head_damage);
}

TEST(disk, damaged_root_list, .root = true, .no_leak_check = true)
{
	wrong = EINVAL;
	root_damaged(lists_damage);
}

static void without_lists(void)
{
	become_user();
	CHECK_OK(access("m/f", R_OK));
	CHECK_ERR(access("m/f", W_OK), EACCES);
	CHECK_OK(access("m/d/x", F_OK));
}

/* No entries are no list. */
TEST(disk, empty_lists, .root = true, .no_leak_check = true)
{
	copy_make();
	damage(lists_empty);
	CHECK_EQ(run_child(without_lists), 0);
	CHECK_ERR(getxattr("m/f", ACL_ACCESS, NULL, 0), ENODATA);
	CHECK_ERR(getxattr("m/d", ACL_DEFAULT, NULL, 0), ENODATA);
	umask(022);
	file_make("m/d/y", "x", 1);
	CHECK_EQ(mode_of("m/d/y") & 022, 0);
	CHECK_OK(mkdir("m/d/e", 0777));
	CHECK_EQ(mode_of("m/d/e"), 0755);
	copy_unmount();
}
