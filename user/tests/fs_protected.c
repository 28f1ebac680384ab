/*
 * fs: what is not followed, linked or opened in a directory for all, like /tmp: the switches
 * /proc/sys/fs/protected_*; and how many files may be open.
 */
#include "inet.h"
#include "ut.h"

#include <sys/resource.h>
#include <sys/sysmacros.h>

#define FS "/proc/sys/fs/"

/* A directory for all with what uid 1001 and root have laid there. */
static void make_sticky(mode_t mode)
{
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(mkdir("d", 0700));
	file_owned("target", 0, 0, 0666);
	file_owned("d/theirs", 1001, 1001, 0666);
	file_owned("d/roots", 0, 0, 0666);
	CHECK_OK(symlink("../target", "d/link"));
	CHECK_OK(lchown("d/link", 1001, 1001));
	CHECK_OK(symlink("../target", "d/rootlink"));
	CHECK_OK(symlink("..", "d/up"));
	CHECK_OK(lchown("d/up", 1001, 1001));
	CHECK_OK(mkfifo("d/fifo", 0666));
	CHECK_OK(chmod("d/fifo", 0666));
	CHECK_OK(chown("d/fifo", 1001, 1001));
	CHECK_OK(mknod("d/null", S_IFCHR | 0666, makedev(1, 3)));
	CHECK_OK(chmod("d/null", 0666));
	CHECK_OK(chown("d/null", 1001, 1001));
	CHECK_OK(chown("d", 0, 1000));
	CHECK_OK(chmod("d", mode));
}

static void follows_none(void)
{
	struct stat st;

	/* Root may no more than others. */
	CHECK_ERR(open("d/link", O_RDONLY), EACCES);
	become_user();
	CHECK_ERR(open("d/link", O_RDONLY), EACCES);
	CHECK_ERR(open("d/link", O_WRONLY | O_CREAT, 0600), EACCES);
	CHECK_ERR(stat("d/link", &st), EACCES);
	CHECK_ERR(truncate("d/link", 0), EACCES);
	CHECK_ERR(open("d/up", O_RDONLY), EACCES);
	CHECK_OK(lstat("d/link", &st));
	/* The directory's owner has laid this one; a link on the way is not the last. */
	file_open_close("d/rootlink", O_RDONLY);
	file_open_close("d/up/target", O_RDONLY);
	CHECK_OK(symlink("../target", "d/mine"));
	file_open_close("d/mine", O_RDONLY | O_CREAT);
	CHECK_OK(unlink("d/mine"));
}

static void follows_all(void)
{
	file_open_close("d/link", O_RDONLY);
	become_user();
	file_open_close("d/link", O_RDONLY | O_CREAT);
	file_open_close("d/up", O_RDONLY);
}

TEST(fs, protected_symlinks, .root = true)
{
	make_sticky(01777);
	setting_with(FS "protected_symlinks", 1, follows_none);
	setting_with(FS "protected_symlinks", 0, follows_all);
	CHECK_OK(chmod("d", 0777));
	setting_with(FS "protected_symlinks", 1, follows_all);
	CHECK_OK(chmod("d", 01775));
	setting_with(FS "protected_symlinks", 1, follows_all);
	CHECK_EQ(setting_put_number(FS "protected_symlinks", 2), EINVAL);
}

static void links_few(void)
{
	become_user();
	CHECK_OK(link("write", "d/a"));
	CHECK_OK(link("mine", "d/b"));
	CHECK_ERR(link("read", "d/c"), EPERM);
	CHECK_ERR(link("setuid", "d/c"), EPERM);
	CHECK_ERR(link("setgid", "d/c"), EPERM);
	CHECK_ERR(link("d/link", "d/c"), EPERM);
	CHECK_ERR(link("d/fifo", "d/c"), EPERM);
	CHECK_ERR(link("d", "d/c"), EPERM);
	/* Said before who may write to the directory is asked. */
	CHECK_ERR(link("read", "closed/c"), EPERM);
	CHECK_ERR(link("write", "closed/c"), EACCES);
	CHECK_ERR(link("read", "d/a"), EEXIST);
	CHECK_OK(unlink("d/a"));
	CHECK_OK(unlink("d/b"));
}

static void links_all(void)
{
	become_user();
	CHECK_OK(link("read", "d/c"));
	CHECK_OK(unlink("d/c"));
	CHECK_OK(link("setuid", "d/c"));
	CHECK_OK(unlink("d/c"));
	CHECK_ERR(link("d", "d/c"), EPERM);
	CHECK_ERR(link("read", "closed/c"), EACCES);
}

TEST(fs, protected_hardlinks, .root = true)
{
	make_sticky(0777);
	file_owned("write", 0, 0, 0666);
	file_owned("read", 0, 0, 0644);
	file_owned("setuid", 0, 0, 04666);
	file_owned("setgid", 0, 0, 02676);
	file_owned("mine", 1000, 1000, 04755);
	CHECK_OK(mkdir("closed", 0755));
	setting_with(FS "protected_hardlinks", 1, links_few);
	setting_with(FS "protected_hardlinks", 0, links_all);
}

static void opens_all(void)
{
	become_user();
	file_open_close("d/theirs", O_RDWR | O_CREAT);
	file_open_close("d/roots", O_RDWR | O_CREAT);
	file_open_close("d/fifo", O_RDWR | O_CREAT);
	file_open_close("d/theirs", O_RDWR | O_CREAT | O_TRUNC);
}

/* There is no switch for devices. */
static void no_device(void)
{
	CHECK_ERR(open("d/null", O_RDWR | O_CREAT, 0600), EACCES);
	become_user();
	CHECK_ERR(open("d/null", O_RDWR | O_CREAT, 0600), EACCES);
	file_open_close("d/null", O_RDWR);
}

static void no_file(void)
{
	CHECK_ERR(open("d/theirs", O_RDWR | O_CREAT, 0600), EACCES);
	become_user();
	CHECK_ERR(open("d/theirs", O_RDWR | O_CREAT, 0600), EACCES);
	CHECK_ERR(open("d/theirs", O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST);
	CHECK_ERR(open("d", O_RDONLY | O_CREAT, 0600), EISDIR);
	file_open_close("d/theirs", O_RDWR | O_TRUNC);
	file_open_close("d/roots", O_RDWR | O_CREAT);
	file_open_close("d/fifo", O_RDWR | O_CREAT);
	file_open_close("d/mine", O_RDWR | O_CREAT);
	file_open_close("d/mine", O_RDWR | O_CREAT);
	CHECK_OK(unlink("d/mine"));
}

static void no_fifo(void)
{
	become_user();
	CHECK_ERR(open("d/fifo", O_RDWR | O_CREAT, 0600), EACCES);
	file_open_close("d/fifo", O_RDWR);
	file_open_close("d/theirs", O_RDWR | O_CREAT);
}

TEST(fs, protected_regular, .root = true)
{
	make_sticky(01777);
	setting_with(FS "protected_regular", 0, no_device);
	setting_with(FS "protected_regular", 0, opens_all);
	setting_with(FS "protected_regular", 1, no_file);
	setting_with(FS "protected_regular", 2, no_file);
	setting_with(FS "protected_fifos", 1, no_fifo);
	/* A group's directory counts from 2 on. */
	CHECK_OK(chmod("d", 01770));
	setting_with(FS "protected_regular", 1, opens_all);
	setting_with(FS "protected_regular", 2, no_file);
	setting_with(FS "protected_fifos", 1, opens_all);
	setting_with(FS "protected_fifos", 2, no_fifo);
	CHECK_EQ(setting_put_number(FS "protected_regular", 3), EINVAL);
}

static void opens_few(void)
{
	struct rlimit l = {2100, 2100};
	int server = inet_server(SOCK_STREAM, 1), client = inet_socket(SOCK_STREAM), fds[2], n;

	CHECK_OK(inet_connect(client, LOOPBACK, inet_port(server)));
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &l));
	for (int i = 0; i < 300; i++)
		CHECK_OK(open("/dev/null", O_RDONLY));
	become_user();
	/* Each processor may have some at hand; of those of others we know nothing. */
	one_processor();
	for (n = 0; n < 1000 && open("/dev/null", O_RDONLY) >= 0; n++)
		;
	CHECK_EQ(errno, ENFILE);
	CHECK(n < 1000);
	/* What cannot be opened is not made. */
	CHECK_ERR(open("new", O_RDWR | O_CREAT, 0600), ENFILE);
	CHECK_ERR(access("new", F_OK), ENOENT);
	/* And no connection is lost. */
	CHECK_ERR(accept(server, NULL, NULL), ENFILE);
	CHECK_OK(close_range(10, 2000, 0));
	CHECK_OK(accept(server, NULL, NULL));
	for (n = 0; n < 400 && pipe(fds) == 0; n++)
		;
	CHECK_EQ(errno, ENFILE);
	CHECK(n < 400);
}

TEST(fs, file_max, .root = true)
{
	char text[64];
	long nr, none, max;

	file_text(FS "file-nr", text, sizeof(text));
	CHECK_EQ(sscanf(text, "%ld\t%ld\t%ld\n", &nr, &none, &max), 3);
	CHECK_EQ(none, 0);
	CHECK_EQ(max, setting_get(FS "file-max"));
	CHECK_GE(max, 8192);
	CHECK_GE(setting_get(FS "inode-nr"), 1);
	CHECK_OK(chmod(".", 0777));
	setting_with(FS "file-max", nr + 100, opens_few);
	CHECK_EQ(setting_get(FS "file-max"), max);
}
