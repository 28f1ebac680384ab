/*
 * pivot: pivot_root(2): another root, for all who have the old one.
 *
 * What is the root of a test may be the first root of all, of which there is none above: so they
 * begin with one of their own.
 */
#include <sys/statfs.h>

#include "user/tests/subtree.h"

static int pivot(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

/* The tmpfs r, with the tmpfs r/n, in which there is a directory put; a file in each. */
static void roots_make(void)
{
	volume_at("r");
	CHECK_OK(mkdir("r/proc", 0755));
	CHECK_OK(mount("none", "r/proc", "proc", 0, NULL));
	file_make("r/old", "x", 1);
	volume_at("r/n");
	file_make("r/n/new", "x", 1);
	CHECK_OK(mkdir("r/n/put", 0755));
}

static void enter(void)
{
	CHECK_OK(chroot("r"));
	CHECK_OK(chdir("/"));
}

static void roots_end(void)
{
	CHECK_OK(umount2("r", MNT_DETACH));
	CHECK_OK(rmdir("r"));
}

/* Run fn in a child whose root is r. */
static void in_root(void (*fn)(void))
{
	pid_t pid;

	roots_make();
	pid = child();
	if (pid == 0) {
		enter();
		fn();
		_exit(0);
	}
	expect_exit(pid, 0);
	roots_end();
}

static void exchange(void)
{
	char cwd[64];

	CHECK_OK(pivot("/n", "/n/put"));
	CHECK_OK(access("/new", F_OK));
	CHECK_OK(access("/put/old", F_OK));
	CHECK_OK(access("/put/proc/self", F_OK));
	CHECK_ERR(access("/old", F_OK), ENOENT);
	/* Who was at the old root is at the new one. */
	CHECK_OK(access("new", F_OK));
	CHECK(getcwd(cwd, sizeof(cwd)));
	CHECK_STR(cwd, "/");
	CHECK_OK(access("../new", F_OK));
	/* Nothing of the old one is in use any more. */
	CHECK_OK(umount("/put/proc"));
	CHECK_OK(umount("/put"));
	CHECK_OK(rmdir("/put"));
}

TEST(pivot, exchange, .root = true)
{
	in_root(exchange);
}

static void there_and_back(void)
{
	CHECK_OK(pivot("/n", "/n/put"));
	CHECK_OK(mkdir("/put/back", 0755));
	CHECK_OK(pivot("/put", "/put/n"));
	CHECK_OK(access("/old", F_OK));
	CHECK_OK(access("/n/new", F_OK));
	CHECK_OK(access("/proc/self", F_OK));
	CHECK_OK(rmdir("/back"));
}

TEST(pivot, there_and_back, .root = true)
{
	in_root(there_and_back);
}

/* The old root on top of the new one, from where it can go. */
static void on_itself(void)
{
	CHECK_OK(chdir("/n"));
	CHECK_OK(pivot(".", "."));
	CHECK_OK(umount2(".", MNT_DETACH));
	CHECK_OK(access("/new", F_OK));
	CHECK_ERR(access("/old", F_OK), ENOENT);
}

TEST(pivot, on_itself, .root = true)
{
	in_root(on_itself);
}

static void others(void)
{
	struct gate begun, end;
	pid_t at_root, deep;

	gate_make(&begun);
	gate_make(&end);
	at_root = child();
	if (at_root == 0) {
		gate_open(&begun);
		gate_pass(&end);
		CHECK_OK(access("/new", F_OK));
		CHECK_OK(access("new", F_OK));
		_exit(0);
	}
	deep = child();
	if (deep == 0) {
		CHECK_OK(chroot("d"));
		gate_open(&begun);
		gate_pass(&end);
		/* Its root is elsewhere, and stays; where it is, was the root. */
		CHECK_ERR(access("/new", F_OK), ENOENT);
		CHECK_OK(access("new", F_OK));
		_exit(0);
	}
	gate_pass(&begun);
	gate_pass(&begun);
	CHECK_OK(pivot("n", "n/put"));
	gate_open(&end);
	gate_open(&end);
	expect_exit(at_root, 0);
	expect_exit(deep, 0);
}

TEST(pivot, others, .root = true)
{
	in_root(others);
}

static void errors(void)
{
	CHECK_ERR(pivot("/none", "/n/put"), ENOENT);
	CHECK_ERR(pivot("/n", "/n/none"), ENOENT);
	CHECK_ERR(pivot("", "/n/put"), ENOENT);
	CHECK_ERR(pivot("/old", "/n/put"), ENOTDIR);
	CHECK_ERR(pivot("/n", "/n/new"), ENOTDIR);
	CHECK_ERR(pivot(NULL, "/n/put"), EFAULT);
	CHECK_ERR(pivot("/n", NULL), EFAULT);
	/* On the root's own mount. */
	CHECK_ERR(pivot("/", "/n/put"), EBUSY);
	CHECK_ERR(pivot("/d", "/n/put"), EBUSY);
	CHECK_ERR(pivot("/n", "/d"), EBUSY);
	CHECK_ERR(pivot("/n", "/"), EBUSY);
	CHECK_ERR(pivot("/", "/"), EBUSY);
	/* No root of a mount; not below it. */
	CHECK_ERR(pivot("/n/put", "/n/put"), EINVAL);
	CHECK_ERR(pivot("/n/put", "/n/d"), EINVAL);
	volume_at("/d");
	CHECK_ERR(pivot("/n", "/d"), EINVAL);
	CHECK_ERR(pivot("/n", "/d/d"), EINVAL);
	/* The root is no root of a mount. */
	CHECK_OK(mkdir("/e", 0755));
	CHECK_OK(mkdir("/e/n", 0755));
	volume_at("/e/n");
	CHECK_OK(chroot("/e"));
	CHECK_ERR(pivot("/n", "/n/d"), EINVAL);
}

TEST(pivot, errors, .root = true)
{
	in_root(errors);
}

static void shared(void)
{
	kind_set("/", MS_SHARED);
	CHECK_ERR(pivot("/n", "/n/put"), EINVAL);
	kind_set("/", MS_PRIVATE);
	kind_set("/n", MS_SHARED);
	CHECK_ERR(pivot("/n", "/n/put"), EINVAL);
	/* What is mounted there is private. */
	volume_at("/n/put");
	CHECK_ERR(pivot("/n", "/n/put"), EINVAL);
	kind_set("/n/put", MS_SLAVE);
	CHECK_OK(mkdir("/n/proc", 0755));
	CHECK_OK(mount("none", "/n/proc", "proc", 0, NULL));
	CHECK_OK(pivot("/n", "/n/put"));
	CHECK_OK(access("/put/old", F_OK));
	kind_check("/", MS_SHARED);
}

TEST(pivot, shared, .root = true)
{
	in_root(shared);
}

/* What the root stands on is shared. */
TEST(pivot, shared_below, .root = true)
{
	pid_t pid;

	volume_at("s");
	kind_set("s", MS_SHARED);
	CHECK_OK(chdir("s"));
	roots_make();
	kind_set("r", MS_PRIVATE | MS_REC);
	pid = child();
	if (pid == 0) {
		enter();
		CHECK_ERR(pivot("/n", "/n/put"), EINVAL);
		_exit(0);
	}
	expect_exit(pid, 0);
	roots_end();
	CHECK_OK(chdir(".."));
	CHECK_OK(umount("s"));
}

static void moved_away(void)
{
	CHECK_OK(chdir("/n"));
	CHECK_OK(umount2("/n", MNT_DETACH));
	CHECK_ERR(pivot(".", "put"), ENOENT);
	CHECK_ERR(pivot(".", "/d"), EINVAL);
	CHECK_OK(mkdir("gone", 0755));
	CHECK_OK(chdir("gone"));
	CHECK_OK(rmdir("../gone"));
	CHECK_ERR(pivot("/d", "."), ENOENT);
}

TEST(pivot, moved_away, .root = true)
{
	in_root(moved_away);
}

static void refused(void)
{
	CHECK_OK(chmod("/", 0755));
	become_user();
	CHECK_ERR(pivot("/n", "/n/put"), EPERM);
	CHECK_ERR(pivot(NULL, NULL), EPERM);
}

TEST(pivot, power, .root = true)
{
	in_root(refused);
}

/* The root of everything, and back: nobody else need know. */
TEST(pivot, first_root, .root = true)
{
	char here[PATH_MAX], new_root[PATH_MAX + 8], put[PATH_MAX + 16], back[PATH_MAX + 16];

	CHECK(getcwd(here, sizeof(here)));
	volume_at("n");
	CHECK_OK(mkdir("n/put", 0755));
	file_make("n/new", "x", 1);
	snprintf(new_root, sizeof(new_root), "%s/n", here);
	snprintf(put, sizeof(put), "%s/n/put", here);
	snprintf(back, sizeof(back), "/put%s/n", here);
	if (pivot(new_root, put) != 0) {
		CHECK_EQ(errno, EINVAL);
		CHECK_OK(umount("n"));
		SKIP("below the root there is no other");
	}
	CHECK_EQ(access("/new", F_OK), 0);
	CHECK_OK(pivot("/put", back));
	CHECK_OK(access("/proc/self", F_OK));
	CHECK_OK(access("n/new", F_OK));
	CHECK_OK(umount("n"));
}

static void exchanges(int n)
{
	while (n--) {
		CHECK_OK(pivot("/n", "/n/put"));
		CHECK_OK(pivot("/put", "/put/n"));
	}
	_exit(0);
}

/* Whoever begins meanwhile, or looks, has one root or the other. */
static void at_once(void)
{
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		pid[i] = child();
		if (pid[i] == 0 && i == 0)
			exchanges(100);
		if (pid[i] != 0)
			continue;
		for (int j = 0; j < 30; j++) {
			pid_t one = child();

			if (one == 0) {
				CHECK_OK(access("/d", F_OK));
				CHECK_OK(access("d", F_OK));
				_exit(0);
			}
			expect_exit(one, 0);
		}
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		expect_exit(pid[i], 0);
	CHECK_OK(access("/old", F_OK));
	CHECK_OK(access("old", F_OK));
}

TEST(pivot, at_once, .root = true)
{
	in_root(at_once);
}
