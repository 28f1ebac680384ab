/* ioprio_set, ioprio_get: what was set is got, by whom, for whom, and the errors. */
#include "ut.h"

#include <linux/ioprio.h>
#include <pthread.h>
#include <sys/resource.h>

#define BE(level)   IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, level)
#define RT(level)   IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, level)
#define IDLE        IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0)

static int set(int which, int who, int prio)
{
	return (int)syscall(SYS_ioprio_set, which, who, prio);
}

static int get(int which, int who)
{
	return (int)syscall(SYS_ioprio_get, which, who);
}

TEST(ioprio, set_is_got)
{
	pid_t pid;

	/* Nothing was set. */
	CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), 0);
	for (int level = 0; level < 8; level++) {
		CHECK_OK(set(IOPRIO_WHO_PROCESS, 0, BE(level)));
		CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), BE(level));
		CHECK_EQ(get(IOPRIO_WHO_PROCESS, getpid()), BE(level));
	}
	CHECK_OK(set(IOPRIO_WHO_PROCESS, getpid(), IDLE));
	CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), IDLE);
	CHECK_OK(set(IOPRIO_WHO_PROCESS, 0, BE(6)));
	/* Children begin with it, and then have their own. */
	pid = child();
	if (!pid) {
		CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), BE(6));
		CHECK_OK(set(IOPRIO_WHO_PROCESS, 0, BE(7)));
		CHECK_EQ(get(IOPRIO_WHO_PROCESS, getppid()), BE(6));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(set(IOPRIO_WHO_PROCESS, 0, 0));
	CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), 0);
}

static void *thread_sets(void *arg)
{
	CHECK_OK(set(IOPRIO_WHO_PROCESS, 0, BE(1)));
	*(int *)arg = get(IOPRIO_WHO_PROCESS, 0);
	return NULL;
}

TEST(ioprio, is_of_a_thread)
{
	pthread_t thread;
	int its = 0;

	CHECK_OK(set(IOPRIO_WHO_PROCESS, 0, BE(5)));
	CHECK_EQ(pthread_create(&thread, NULL, thread_sets, &its), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(its, BE(1));
	CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), BE(5));
}

TEST(ioprio, of_a_group)
{
	pid_t pid = child_pausing();

	CHECK_OK(set(IOPRIO_WHO_PGRP, 0, BE(3)));
	CHECK_EQ(get(IOPRIO_WHO_PROCESS, pid), BE(3));
	CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), BE(3));
	CHECK_OK(set(IOPRIO_WHO_PROCESS, pid, IDLE));
	/* The best of them all; a process that has set nothing counts by its nice value. */
	CHECK_EQ(get(IOPRIO_WHO_PGRP, getpgrp()), BE(3));
	CHECK_OK(set(IOPRIO_WHO_PROCESS, pid, BE(2)));
	CHECK_EQ(get(IOPRIO_WHO_PGRP, 0), BE(2));
	CHECK_OK(set(IOPRIO_WHO_PGRP, 0, 0));
	CHECK_EQ(get(IOPRIO_WHO_PGRP, 0), BE(4));
	CHECK_OK(setpriority(PRIO_PROCESS, 0, 10));
	CHECK_OK(setpriority(PRIO_PROCESS, (id_t)pid, 19));
	CHECK_EQ(get(IOPRIO_WHO_PGRP, 0), BE(6));
	CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), 0);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(ioprio, of_a_user, .root = true)
{
	pid_t pid = child();

	if (!pid) {
		become_user();
		CHECK_OK(set(IOPRIO_WHO_USER, 1000, BE(7)));
		CHECK_EQ(get(IOPRIO_WHO_USER, 0), BE(7));
		CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), BE(7));
		/* Others' may be looked at, not changed; and real time is root's to give. */
		CHECK_OK(get(IOPRIO_WHO_PROCESS, getppid()));
		CHECK_ERR(set(IOPRIO_WHO_PROCESS, getppid(), BE(7)), EPERM);
		CHECK_ERR(set(IOPRIO_WHO_PROCESS, 0, RT(0)), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(set(IOPRIO_WHO_PROCESS, 0, RT(0)));
	CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), RT(0));
	CHECK_ERR(get(IOPRIO_WHO_USER, 54321), ESRCH);
	CHECK_ERR(set(IOPRIO_WHO_USER, 54321, BE(1)), ESRCH);
}

TEST(ioprio, errors)
{
	pid_t pid = child();

	if (!pid)
		_exit(0);
	expect_exit(pid, 0);
	CHECK_ERR(get(0, 0), EINVAL);
	CHECK_ERR(get(4, 0), EINVAL);
	CHECK_ERR(set(0, 0, BE(0)), EINVAL);
	CHECK_ERR(set(4, 0, BE(0)), EINVAL);
	/* The class is looked at first. */
	CHECK_ERR(set(IOPRIO_WHO_PROCESS, pid, IOPRIO_PRIO_VALUE(4, 0)), EINVAL);
	CHECK_ERR(set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(7, 0)), EINVAL);
	CHECK_ERR(set(IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 1)), EINVAL);
	CHECK_ERR(get(IOPRIO_WHO_PROCESS, pid), ESRCH);
	CHECK_ERR(set(IOPRIO_WHO_PROCESS, pid, BE(0)), ESRCH);
	CHECK_ERR(get(IOPRIO_WHO_PGRP, pid), ESRCH);
	CHECK_ERR(set(IOPRIO_WHO_PGRP, pid, BE(0)), ESRCH);
	CHECK_EQ(get(IOPRIO_WHO_PROCESS, 0), 0);
}
