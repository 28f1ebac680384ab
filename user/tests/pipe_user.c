/*
 * pipe: what the pipes of one user may hold, all together. The user is one that no other test is,
 * and has none.
 */
#include "user/tests/ut.h"

#define SOFT "/proc/sys/fs/pipe-user-pages-soft"
#define HARD "/proc/sys/fs/pipe-user-pages-hard"
#define MAX  "/proc/sys/fs/pipe-max-size"
#define PAGE 4096

static long pages_of(int fd)
{
	return CHECK_OK(fcntl(fd, F_GETPIPE_SZ)) / PAGE;
}

static void become(void)
{
	CHECK_OK(setresgid(4321, 4321, 4321));
	CHECK_OK(setresuid(4321, 4321, 4321));
}

static void soft_limit(void)
{
	int a[2], b[2], c[2];

	become();
	CHECK_OK(pipe(a));
	CHECK_OK(pipe(b));
	CHECK_EQ(pages_of(a[0]), 16);
	CHECK_EQ(pages_of(b[0]), 16);
	/* The third does not fit: it is small. */
	CHECK_OK(pipe(c));
	CHECK_EQ(pages_of(c[0]), 2);
	CHECK_ERR(fcntl(c[0], F_SETPIPE_SZ, 4 * PAGE), EPERM);
	CHECK_EQ(pages_of(c[0]), 2);
	/* Who gives something back may take it elsewhere. */
	CHECK_EQ(fcntl(a[0], F_SETPIPE_SZ, 8 * PAGE), 8 * PAGE);
	CHECK_EQ(fcntl(c[0], F_SETPIPE_SZ, 8 * PAGE), 8 * PAGE);
	CHECK_ERR(fcntl(c[0], F_SETPIPE_SZ, 16 * PAGE), EPERM);
	CHECK_OK(close(a[0]));
	CHECK_OK(close(a[1]));
	CHECK_EQ(fcntl(c[0], F_SETPIPE_SZ, 16 * PAGE), 16 * PAGE);
}

TEST(pipe, user_soft_limit, .root = true)
{
	CHECK_EQ(setting_get(SOFT), 16384);
	setting_with(SOFT, 32, soft_limit);
}

static void hard_limit(void)
{
	int a[2], b[2];

	become();
	CHECK_OK(pipe(a));
	CHECK_EQ(pages_of(a[0]), 16);
	CHECK_ERR(pipe(b), ENFILE);
	CHECK_OK(mkfifo("fifo", 0600));
	CHECK_ERR(open("fifo", O_RDWR), ENOMEM);
	CHECK_ERR(fcntl(a[0], F_SETPIPE_SZ, 32 * PAGE), EPERM);
	CHECK_EQ(fcntl(a[0], F_SETPIPE_SZ, 4 * PAGE), 4 * PAGE);
	CHECK_ERR(pipe(b), ENFILE);
	CHECK_OK(close(a[0]));
	CHECK_OK(close(a[1]));
	CHECK_OK(pipe(b));
}

TEST(pipe, user_hard_limit, .root = true)
{
	CHECK_EQ(setting_get(HARD), 0);
	CHECK_OK(chmod(".", 0777));
	setting_with(HARD, 18, hard_limit);
}

static void root_pipe(void)
{
	int a[2];

	CHECK_OK(pipe(a));
	CHECK_EQ(pages_of(a[0]), 16);
	CHECK_EQ(fcntl(a[0], F_SETPIPE_SZ, 32 * PAGE), 32 * PAGE);
}

static void small_pipe(void)
{
	int a[2];

	become();
	CHECK_OK(pipe(a));
	CHECK_EQ(pages_of(a[0]), 2);
}

/* Root is not limited; no user's pipe is larger at first than he might make it. */
TEST(pipe, user_powers, .root = true)
{
	setting_with(SOFT, 1, root_pipe);
	setting_with(HARD, 1, root_pipe);
	setting_with(MAX, 2 * PAGE, root_pipe);
	setting_with(MAX, 2 * PAGE, small_pipe);
}
