/*
 * The calls of NUMA memory policies on a machine of one node: what was set is told, what nodes may
 * be named, where pages are.
 */
#include "ut.h"

#include <linux/mempolicy.h>
#include <pthread.h>
#include <sys/mman.h>

#define PAGE  4096ul
#define NODES 4ul /* that a mask may name at most; only the first one is there */

static long set_policy(int mode, unsigned long mask, unsigned long max)
{
	return syscall(SYS_set_mempolicy, mode, max ? &mask : NULL, max);
}

static int policy(void)
{
	int mode = -1;

	CHECK_OK(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0));
	return mode;
}

static unsigned long policy_nodes(const void *at)
{
	unsigned long mask = ~0ul;

	CHECK_OK(syscall(SYS_get_mempolicy, NULL, &mask, 64, at, at ? MPOL_F_ADDR : 0));
	return mask;
}

static int policy_at(const void *at)
{
	int mode = -1;

	CHECK_OK(syscall(SYS_get_mempolicy, &mode, NULL, 0, at, MPOL_F_ADDR));
	return mode;
}

static long bind_to(const void *at, size_t len, int mode, unsigned long mask, unsigned flags)
{
	return syscall(SYS_mbind, at, len, mode, &mask, 64, flags);
}

TEST(numa, policy_is_told)
{
	static const struct {
		int mode;
		unsigned long mask;
		int is;
		unsigned long nodes;
	} t[] = {
		{MPOL_BIND, 1, MPOL_BIND, 1},
		{MPOL_INTERLEAVE, 1, MPOL_INTERLEAVE, 1},
		{MPOL_PREFERRED, 1, MPOL_PREFERRED, 1},
		{MPOL_PREFERRED, 0, MPOL_LOCAL, 0},
		{MPOL_LOCAL, 0, MPOL_LOCAL, 0},
		{MPOL_PREFERRED_MANY, 1, MPOL_PREFERRED_MANY, 1},
		{6 /* MPOL_WEIGHTED_INTERLEAVE */, 1, 6, 1},
		/* What is not there is left out, unless the mask is to be kept. */
		{MPOL_BIND, 3, MPOL_BIND, 1},
		{MPOL_BIND | MPOL_F_STATIC_NODES, 3, MPOL_BIND | MPOL_F_STATIC_NODES, 3},
		{MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES, 2,
		 MPOL_INTERLEAVE | MPOL_F_RELATIVE_NODES, 2},
		{MPOL_BIND | MPOL_F_NUMA_BALANCING, 1, MPOL_BIND | MPOL_F_NUMA_BALANCING, 1},
		{MPOL_DEFAULT, 0, MPOL_DEFAULT, 0},
	};

	CHECK_EQ(policy(), MPOL_DEFAULT);
	CHECK_EQ(policy_nodes(NULL), 0);
	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		CHECK_OK(set_policy(t[i].mode, t[i].mask, 64));
		CHECK_EQ(policy(), t[i].is);
		CHECK_EQ(policy_nodes(NULL), t[i].nodes);
	}
}

TEST(numa, policy_errors)
{
	unsigned long big[512 + 2] = {1};

	CHECK_ERR(set_policy(7, 1, 64), EINVAL);
	CHECK_ERR(set_policy(-1, 1, 64), EINVAL);
	CHECK_ERR(set_policy(MPOL_BIND | MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES, 1, 64),
		  EINVAL);
	CHECK_ERR(set_policy(MPOL_INTERLEAVE | MPOL_F_NUMA_BALANCING, 1, 64), EINVAL);
	CHECK_ERR(set_policy(MPOL_DEFAULT, 1, 64), EINVAL);
	CHECK_ERR(set_policy(MPOL_LOCAL, 1, 64), EINVAL);
	CHECK_ERR(set_policy(MPOL_LOCAL | MPOL_F_STATIC_NODES, 0, 64), EINVAL);
	CHECK_ERR(set_policy(MPOL_PREFERRED | MPOL_F_STATIC_NODES, 0, 64), EINVAL);
	CHECK_ERR(set_policy(MPOL_BIND, 0, 64), EINVAL);
	CHECK_ERR(set_policy(MPOL_BIND, 0, 0), EINVAL);
	CHECK_ERR(set_policy(MPOL_BIND, 2, 64), EINVAL);
	CHECK_ERR(set_policy(MPOL_BIND, 1ul << NODES, 64), EINVAL);
	/* The highest number is one less than it says. */
	CHECK_ERR(set_policy(MPOL_BIND, 1, 1), EINVAL);
	CHECK_OK(set_policy(MPOL_BIND, ~0ul, 2));
	CHECK_OK(set_policy(MPOL_BIND, ~0ul, NODES + 1));
	CHECK_ERR(set_policy(MPOL_BIND, ~0ul, NODES + 2), EINVAL);
	CHECK_ERR(syscall(SYS_set_mempolicy, MPOL_BIND, big, 0), EINVAL);
	CHECK_OK(syscall(SYS_set_mempolicy, MPOL_BIND, big, 4096 * 8 + 1));
	CHECK_ERR(syscall(SYS_set_mempolicy, MPOL_BIND, big, 4096 * 8 + 2), EINVAL);
	CHECK_ERR(syscall(SYS_set_mempolicy, MPOL_BIND, (void *)8, 64), EFAULT);
	big[511] = 1;
	CHECK_ERR(syscall(SYS_set_mempolicy, MPOL_BIND, big, 4096 * 8 + 1), EINVAL);
	CHECK_EQ(policy(), MPOL_BIND);
	CHECK_OK(set_policy(MPOL_DEFAULT, 0, 0));
}

TEST(numa, get_errors)
{
	unsigned long mask[3] = {~0ul, ~0ul, ~0ul};
	int mode;

	CHECK_ERR(syscall(SYS_get_mempolicy, &mode, mask, 0, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_get_mempolicy, &mode, NULL, 0, &mode, 0), EINVAL);
	CHECK_ERR(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, MPOL_F_NODE), EINVAL);
	CHECK_ERR(syscall(SYS_get_mempolicy, &mode, NULL, 0, (void *)8, MPOL_F_ADDR), EFAULT);
	CHECK_ERR(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL,
			  MPOL_F_MEMS_ALLOWED | MPOL_F_NODE), EINVAL);
	CHECK_ERR(syscall(SYS_get_mempolicy, (void *)8, NULL, 0, NULL, 0), EFAULT);
	CHECK_ERR(syscall(SYS_get_mempolicy, NULL, (void *)8, 64, NULL, 0), EFAULT);
	CHECK_OK(syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 0));
	/* The rest of a longer mask is cleared, and nothing behind it. */
	mode = -1;
	CHECK_OK(syscall(SYS_get_mempolicy, &mode, mask, 128, NULL, MPOL_F_MEMS_ALLOWED));
	CHECK_EQ(mode, 0);
	CHECK_EQ(mask[0], 1);
	CHECK_EQ(mask[1], 0);
	CHECK_EQ(mask[2], ~0ul);
	mask[0] = ~0ul;
	CHECK_OK(syscall(SYS_get_mempolicy, NULL, mask, 1, NULL, MPOL_F_MEMS_ALLOWED));
	CHECK_EQ(mask[0], ~0ul);
	CHECK_ERR(syscall(SYS_get_mempolicy, NULL, mask, 4096 * 8 + 64 + 1, NULL, 0), EINVAL);
	/* Which node a thread interleaves to next. */
	CHECK_OK(set_policy(MPOL_INTERLEAVE, 1, 64));
	CHECK_OK(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, MPOL_F_NODE));
	CHECK_EQ(mode, 0);
	CHECK_OK(set_policy(MPOL_DEFAULT, 0, 0));
}

static void *thread_policy(void *arg)
{
	*(int *)arg = policy();
	CHECK_OK(set_policy(MPOL_LOCAL, 0, 64));
	return NULL;
}

TEST(numa, policy_is_of_a_thread)
{
	pthread_t thread;
	int was = -1;
	pid_t pid;

	CHECK_OK(set_policy(MPOL_BIND, 1, 64));
	CHECK_EQ(pthread_create(&thread, NULL, thread_policy, &was), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(was, MPOL_BIND);
	CHECK_EQ(policy(), MPOL_BIND);
	pid = child();
	if (!pid) {
		CHECK_EQ(policy(), MPOL_BIND);
		CHECK_EQ(policy_nodes(NULL), 1);
		CHECK_OK(set_policy(MPOL_DEFAULT, 0, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(policy(), MPOL_BIND);
	CHECK_OK(set_policy(MPOL_DEFAULT, 0, 0));
}

TEST(numa, mbind_splits_areas)
{
	char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int node = -1;
	pid_t pid;

	CHECK(p != MAP_FAILED);
	CHECK_EQ(policy_at(p), MPOL_DEFAULT);
	/* An area without one does not have its thread's. */
	CHECK_OK(set_policy(MPOL_LOCAL, 0, 64));
	CHECK_EQ(policy_at(p), MPOL_DEFAULT);
	CHECK_OK(set_policy(MPOL_DEFAULT, 0, 0));
	CHECK_OK(bind_to(p + 2 * PAGE, 3 * PAGE - 5, MPOL_BIND | MPOL_F_STATIC_NODES, 3, 0));
	CHECK_EQ(policy_at(p + PAGE), MPOL_DEFAULT);
	CHECK_EQ(policy_at(p + 2 * PAGE), MPOL_BIND | MPOL_F_STATIC_NODES);
	CHECK_EQ(policy_nodes(p + 5 * PAGE - 1), 3);
	CHECK_EQ(policy_at(p + 5 * PAGE), MPOL_DEFAULT);
	CHECK_OK(bind_to(p, 8 * PAGE, MPOL_PREFERRED, 1, MPOL_MF_STRICT | MPOL_MF_MOVE));
	for (int i = 0; i < 8; i++) {
		CHECK_EQ(policy_at(p + i * PAGE), MPOL_PREFERRED);
		CHECK_EQ(policy_nodes(p + i * PAGE), 1);
	}
	/* Where a page is: it comes in for that. */
	CHECK_OK(syscall(SYS_get_mempolicy, &node, NULL, 0, p, MPOL_F_ADDR | MPOL_F_NODE));
	CHECK_EQ(node, 0);
	p[0] = 1;
	pid = child();
	if (!pid) {
		CHECK_EQ(policy_at(p), MPOL_PREFERRED);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(bind_to(p, 8 * PAGE, MPOL_DEFAULT, 0, 0));
	CHECK_EQ(policy_at(p + 7 * PAGE), MPOL_DEFAULT);
	CHECK_OK(munmap(p, 8 * PAGE));
}

TEST(numa, mbind_errors)
{
	char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK_OK(munmap(p + 3 * PAGE, PAGE));
	CHECK_ERR(bind_to(p, PAGE, 7, 1, 0), EINVAL);
	CHECK_ERR(bind_to(p, PAGE, MPOL_BIND, 0, 0), EINVAL);
	CHECK_ERR(bind_to(p, PAGE, MPOL_BIND, 2, 0), EINVAL);
	CHECK_ERR(bind_to(p, PAGE, MPOL_BIND, 1, 8), EINVAL);
	CHECK_ERR(bind_to(p + 1, PAGE, MPOL_BIND, 1, 0), EINVAL);
	CHECK_ERR(bind_to(p, ~0ul - PAGE, MPOL_BIND, 1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mbind, p, PAGE, MPOL_BIND, (void *)8, 64, 0), EFAULT);
	CHECK_OK(bind_to(p, 0, MPOL_BIND, 1, 0));
	CHECK_EQ(policy_at(p), MPOL_DEFAULT);
	/* A hole anywhere, unless it is for the default; all a hole, even then. */
	CHECK_ERR(bind_to(p + PAGE, 4 * PAGE, MPOL_BIND, 1, 0), EFAULT);
	CHECK_ERR(bind_to(p + 3 * PAGE, 2 * PAGE, MPOL_BIND, 1, 0), EFAULT);
	CHECK_ERR(bind_to(p + PAGE, 3 * PAGE, MPOL_BIND, 1, 0), EFAULT);
	CHECK_EQ(policy_at(p + PAGE), MPOL_DEFAULT);
	CHECK_OK(bind_to(p, 3 * PAGE, MPOL_BIND, 1, 0));
	CHECK_OK(bind_to(p + PAGE, 4 * PAGE, MPOL_DEFAULT, 0, 0));
	CHECK_EQ(policy_at(p), MPOL_BIND);
	CHECK_EQ(policy_at(p + PAGE), MPOL_DEFAULT);
	CHECK_ERR(bind_to(p + 3 * PAGE, PAGE, MPOL_DEFAULT, 0, 0), EFAULT);
}

TEST(numa, mbind_moves_all_with_powers, .root = true)
{
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *page = p;
	int status = -1;
	pid_t pid;

	CHECK(p != MAP_FAILED);
	p[0] = 1;
	CHECK_OK(bind_to(p, PAGE, MPOL_BIND, 1, MPOL_MF_MOVE_ALL));
	CHECK_OK(syscall(SYS_move_pages, 0, 1, &page, NULL, &status, MPOL_MF_MOVE_ALL));
	pid = child();
	if (!pid) {
		CHECK_OK(setuid(1000));
		CHECK_ERR(bind_to(p, PAGE, MPOL_BIND, 1, MPOL_MF_MOVE_ALL), EPERM);
		CHECK_ERR(syscall(SYS_move_pages, 0, 1, &page, NULL, &status, MPOL_MF_MOVE_ALL),
			  EPERM);
		CHECK_ERR(syscall(SYS_move_pages, 1, 1, &page, NULL, &status, 0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(numa, where_pages_are)
{
	char *p = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *page[6];
	int status[6], node[6] = {0};

	CHECK(p != MAP_FAILED);
	CHECK_OK(munmap(p + 5 * PAGE, PAGE));
	for (int i = 0; i < 6; i++) {
		page[i] = p + i * PAGE;
		status[i] = 99;
	}
	p[0] = 1;
	(void)*(volatile char *)(p + PAGE);
	p[2 * PAGE] = 1;
	CHECK_OK(mprotect(p + 2 * PAGE, PAGE, PROT_NONE));
	for (int i = 0; i < 2; i++) {
		CHECK_OK(syscall(SYS_move_pages, 0, 6, page, i ? node : NULL, status,
				 i ? MPOL_MF_MOVE : 0));
		CHECK_EQ(status[0], 0);
		CHECK_EQ(status[1], -EFAULT);
		CHECK_EQ(status[2], 0);
		CHECK_EQ(status[3], -ENOENT);
		CHECK_EQ(status[4], -ENOENT);
		CHECK_EQ(status[5], -EFAULT);
	}
	status[1] = 99;
	CHECK_OK(syscall(SYS_move_pages, getpid(), 1, page, NULL, status, 0));
	CHECK_EQ(status[1], 99);
}

TEST(numa, move_pages_errors)
{
	static char at[PAGE];
	void *page = at;
	int status = 99, node = 1;

	at[0] = 1;
	CHECK_ERR(syscall(SYS_move_pages, 0, 1, &page, NULL, &status, 1), EINVAL);
	CHECK_ERR(syscall(SYS_move_pages, 0, 1, &page, NULL, &status, 8), EINVAL);
	CHECK_ERR(syscall(SYS_move_pages, 0, 1, &page, &node, &status, MPOL_MF_MOVE), ENODEV);
	node = -1;
	CHECK_ERR(syscall(SYS_move_pages, 0, 1, &page, &node, &status, MPOL_MF_MOVE), ENODEV);
	CHECK_ERR(syscall(SYS_move_pages, 0, 1, (void *)8, NULL, &status, 0), EFAULT);
	CHECK_ERR(syscall(SYS_move_pages, 0, 1, &page, NULL, (void *)8, 0), EFAULT);
	CHECK_ERR(syscall(SYS_move_pages, 0, 1, &page, (void *)8, &status, 0), EFAULT);
	CHECK_ERR(syscall(SYS_move_pages, 999999, 1, &page, NULL, &status, 0), ESRCH);
	CHECK_ERR(syscall(SYS_move_pages, -1, 1, &page, NULL, &status, 0), ESRCH);
	CHECK_OK(syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0));
	CHECK_EQ(status, 99);
}

TEST(numa, migrate_pages)
{
	unsigned long one = 1, two = 2, none = 0, beyond = 1ul << NODES;

	CHECK_OK(syscall(SYS_migrate_pages, 0, 64, &one, &one));
	CHECK_OK(syscall(SYS_migrate_pages, getpid(), 64, &two, &one));
	CHECK_ERR(syscall(SYS_migrate_pages, 0, 64, &one, &none), EINVAL);
	CHECK_ERR(syscall(SYS_migrate_pages, 0, 64, &beyond, &one), EINVAL);
	CHECK_ERR(syscall(SYS_migrate_pages, 0, 64, (void *)8, &one), EFAULT);
	CHECK_ERR(syscall(SYS_migrate_pages, 0, 64, &one, (void *)8), EFAULT);
	CHECK_ERR(syscall(SYS_migrate_pages, 999999, 64, &one, &one), ESRCH);
}

TEST(numa, migrate_pages_powers, .root = true)
{
	unsigned long one = 1, two = 2;
	pid_t pid;

	/* To a node that is not there: with powers it is left out first. */
	CHECK_ERR(syscall(SYS_migrate_pages, 0, 64, &one, &two), EINVAL);
	pid = child();
	if (!pid) {
		CHECK_OK(setuid(1000));
		CHECK_ERR(syscall(SYS_migrate_pages, 0, 64, &one, &two), EPERM);
		CHECK_ERR(syscall(SYS_migrate_pages, 1, 64, &one, &one), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

static void expect_file(const char *path, const char *text)
{
	char got[64];

	file_text(path, got, sizeof(got));
	CHECK_STR(got, text);
}

/* lscpu and numactl look there. */
TEST(numa, node_in_sys)
{
	expect_file("/sys/devices/system/node/online", "0\n");
	expect_file("/sys/devices/system/node/possible", "0\n");
	expect_file("/sys/devices/system/node/has_cpu", "0\n");
	expect_file("/sys/devices/system/node/has_memory", "0\n");
	expect_file("/sys/devices/system/node/has_normal_memory", "0\n");
	expect_file("/sys/devices/system/node/node0/distance", "10\n");
}
