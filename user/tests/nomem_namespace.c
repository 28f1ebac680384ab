/* nomem: sets of namespaces: who cannot have another keeps what it had; see nomem.c. */
#include "nomem.h"

#include <sched.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

static char stack[65536] __attribute__((aligned(16)));
static int outer, inner;

static int end_at_once(void *arg)
{
	(void)arg;
	_exit(0);
}

static long run_unshare(void)
{
	return unshare(CLONE_NEWUTS | CLONE_FS | CLONE_FILES);
}

static long run_clone(void)
{
	return clone(end_at_once, stack + sizeof(stack), CLONE_NEWUTS | SIGCHLD, NULL);
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
}

static void reap(long result)
{
	expect_exit((pid_t)result, 0);
}

static void shut(long result)
{
	CHECK_OK(close((int)result));
}

static void intact(void)
{
	struct utsname u;

	CHECK_OK(uname(&u));
	CHECK(strcmp(u.nodename, "ut-inner"));
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

	door_open();
	outer = (int)CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));
	CHECK_OK(unshare(CLONE_NEWUTS));
	CHECK_OK(sethostname("ut-inner", 8));
	inner = (int)CHECK_OK(open("/proc/self/ns/uts", O_RDONLY));
	CHECK_OK(setns(outer, 0));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
}
