/* nomem: sets of namespaces: who cannot have another keeps what it had; see nomem.c. */
#include "nomem.h"

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/utsname.h>

#define KEY 0x75746e73

static char stack[65536] __attribute__((aligned(16)));
static int outer, outer_ipc, outer_mounts, inner;

static int end_at_once(void *arg)
{
	(void)arg;
	_exit(0);
}

static long run_unshare(void)
{
	return unshare(CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | CLONE_FILES);
}

static long run_clone(void)
{
	int flags = CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS | SIGCHLD;

	return clone(end_at_once, stack + sizeof(stack), flags, NULL);
}

static long run_setns(void)
{
	return setns(inner, 0);
}

static long run_open(void)
{
	return open("/proc/self/ns/uts", O_RDONLY);
}

static long run_owner(void)
{
	return ioctl(outer, 0xb701); /* NS_GET_USERNS */
}

static void back(long result)
{
	CHECK_EQ(result, 0);
	CHECK_OK(setns(outer, 0));
	CHECK_OK(setns(outer_ipc, 0));
	CHECK_OK(setns(outer_mounts, 0));
}

static void reap(long result)
{
	expect_exit((pid_t)result, 0);
}

static void shut(long result)
{
	CHECK_OK(close((int)result));
}

static char mounts[64];

static void intact(void)
{
	struct utsname u;
	char name[64] = "";

	CHECK_OK(uname(&u));
	CHECK(strcmp(u.nodename, "ut-inner"));
	CHECK_OK(msgget(KEY, 0));
	CHECK_GE(readlink("/proc/self/ns/mnt", name, sizeof(name)), 0);
	CHECK(!strncmp(name, mounts, sizeof(name)));
}

TEST(nomem, namespace, .root = true, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{.name = "unshare", .run = run_unshare, .after = back, .intact = intact},
		{.name = "clone", .run = run_clone, .after = reap, .intact = intact},
		{.name = "setns", .run = run_setns, .after = back, .intact = intact},
		{.name = "open", .run = run_open, .after = shut, .intact = intact},
		{.name = "owner", .run = run_owner, .after = shut, .intact = intact},
	};
	int q;

	door_open();
	CHECK_GE(readlink("/proc/self/ns/mnt", mounts, sizeof(mounts)), 0);
	outer_mounts = (int)CHECK_OK(open("/proc/self/ns/mnt", O_RDONLY));
	outer = (int)CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));
	outer_ipc = (int)CHECK_OK(open("/proc/self/ns/ipc", O_RDONLY));
	q = (int)CHECK_OK(msgget(KEY, IPC_CREAT | 0600));
	CHECK_OK(unshare(CLONE_NEWUTS));
	CHECK_OK(sethostname("ut-inner", 8));
	inner = (int)CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));
	CHECK_OK(setns(outer, 0));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
	CHECK_OK(msgctl(q, IPC_RMID, NULL));
}
