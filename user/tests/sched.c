/* Scheduling classes: what is set is got, who may. What it means is in sched_order.c. */
#include "schedule.h"

#include <sys/resource.h>
#include <time.h>

#define RESET SCHED_RESET_ON_FORK

/* glibc's headers may have none, or one that lacks the last two. */
struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
};

static int priority_of(pid_t pid)
{
	struct sched_param p;

	CHECK_OK(sched_getparam(pid, &p));
	return p.sched_priority;
}

static int attr_set(struct attr *a)
{
	return (int)syscall(SYS_sched_setattr, 0, a, 0);
}

static struct attr attr_of(pid_t pid)
{
	struct attr a;

	CHECK_OK(syscall(SYS_sched_getattr, pid, &a, sizeof(a), 0));
	return a;
}

/* Field n, counted from 1, of /proc/PID/stat. */
static long stat_field(pid_t pid, int n)
{
	char path[32], text[1024], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	(void)file_text(path, text, sizeof(text));
	at = strrchr(text, ')') + 2;
	for (int i = 3; i < n; i++)
		at = strchr(at, ' ') + 1;
	return strtol(at, NULL, 10);
}

TEST(sched, set_is_got, .root = true)
{
	static const int fair[] = {SCHED_BATCH, SCHED_IDLE, SCHED_OTHER};

	CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
	for (int policy = SCHED_FIFO; policy <= SCHED_RR; policy++) {
		CHECK_OK(set(0, policy, 7));
		CHECK_EQ(sched_getscheduler(getpid()), policy);
		CHECK_EQ(priority_of(0), 7);
		CHECK_EQ(stat_field(getpid(), 18), -8);
		CHECK_EQ(stat_field(getpid(), 40), 7);
		CHECK_EQ(stat_field(getpid(), 41), policy);
		CHECK_OK(sched_setparam(0, &(struct sched_param){.sched_priority = 99}));
		CHECK_EQ(priority_of(getpid()), 99);
		CHECK_ERR(sched_setparam(0, &(struct sched_param){.sched_priority = 0}), EINVAL);
		CHECK_ERR(set(0, policy, 0), EINVAL);
		CHECK_ERR(set(0, policy, 100), EINVAL);
		CHECK_ERR(set(0, policy, -1), EINVAL);
		CHECK_EQ(sched_get_priority_min(policy), 1);
		CHECK_EQ(sched_get_priority_max(policy), 99);
	}
	for (int i = 0; i < 3; i++) {
		CHECK_OK(set(0, fair[i], 0));
		CHECK_EQ(sched_getscheduler(0), fair[i]);
		CHECK_EQ(priority_of(0), 0);
		CHECK_EQ(stat_field(getpid(), 18), 20);
		CHECK_EQ(stat_field(getpid(), 41), fair[i]);
		CHECK_ERR(set(0, fair[i], 1), EINVAL);
		CHECK_EQ(sched_get_priority_min(fair[i]), 0);
		CHECK_EQ(sched_get_priority_max(fair[i]), 0);
	}
	CHECK_EQ(sched_get_priority_max(SCHED_DEADLINE), 0);
	CHECK_ERR(sched_get_priority_max(4), EINVAL);
	CHECK_ERR(sched_get_priority_min(-1), EINVAL);
}

TEST(sched, bad_arguments)
{
	struct sched_param p = {0};
	struct timespec t;

	CHECK_ERR(sched_setscheduler(0, 4, &p), EINVAL);
	CHECK_ERR(sched_setscheduler(0, -1, &p), EINVAL);
	CHECK_ERR(sched_setscheduler(0, SCHED_DEADLINE, &p), EINVAL);
	CHECK_ERR(sched_setscheduler(-1, SCHED_OTHER, &p), EINVAL);
	CHECK_ERR(sched_setscheduler(99999999, SCHED_OTHER, &p), ESRCH);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, 8), EFAULT);
	CHECK_ERR(syscall(SYS_sched_setparam, 0, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setparam, 0, 8), EFAULT);
	CHECK_ERR(sched_setparam(-1, &p), EINVAL);
	CHECK_ERR(sched_setparam(99999999, &p), ESRCH);
	CHECK_ERR(sched_getscheduler(-1), EINVAL);
	CHECK_ERR(sched_getscheduler(99999999), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getparam, 0, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getparam, 0, 8), EFAULT);
	CHECK_ERR(sched_getparam(-1, &p), EINVAL);
	CHECK_ERR(sched_getparam(99999999, &p), ESRCH);
	CHECK_ERR(sched_rr_get_interval(-1, &t), EINVAL);
	CHECK_ERR(sched_rr_get_interval(99999999, &t), ESRCH);
	CHECK_ERR(syscall(SYS_sched_rr_get_interval, 0, 8), EFAULT);
}

TEST(sched, interval, .root = true)
{
	struct timespec t;

	CHECK_OK(sched_rr_get_interval(0, &t));
	CHECK_EQ(t.tv_sec, 0);
	CHECK_OK(set(0, SCHED_RR, 1));
	CHECK_OK(sched_rr_get_interval(0, &t));
	CHECK_EQ(t.tv_sec, 0);
	CHECK_EQ(t.tv_nsec, 100000000);
	CHECK_OK(set(0, SCHED_FIFO, 1));
	CHECK_OK(sched_rr_get_interval(getpid(), &t));
	CHECK_EQ(t.tv_nsec, 0);
}

TEST(sched, attr, .root = true)
{
	struct attr a = {.size = sizeof(a), .policy = SCHED_FIFO, .priority = 5}, got;
	char large[200] = {0};

	CHECK_OK(attr_set(&a));
	CHECK_EQ(sched_getscheduler(0), SCHED_FIFO);
	got = attr_of(0);
	CHECK_EQ(got.size, sizeof(a));
	CHECK_EQ(got.policy, SCHED_FIFO);
	CHECK_EQ(got.priority, 5);
	CHECK_EQ(got.flags, 0);
	/* What is kept is not looked at; with the parameters, the policy is kept. */
	a = (struct attr){.size = sizeof(a), .policy = SCHED_RR, .flags = 0x11, .priority = 77};
	CHECK_OK(attr_set(&a));
	CHECK_EQ(sched_getscheduler(0), SCHED_FIFO | RESET);
	CHECK_EQ(priority_of(0), 5);
	a = (struct attr){.size = sizeof(a), .policy = SCHED_OTHER, .flags = 8, .priority = 6};
	CHECK_OK(attr_set(&a));
	CHECK_EQ(sched_getscheduler(0), SCHED_FIFO | RESET);
	CHECK_EQ(priority_of(0), 6);
	a = (struct attr){.size = sizeof(a), .policy = SCHED_OTHER, .flags = 0x10};
	CHECK_ERR(attr_set(&a), EINVAL);
	/* With the nice value, which is cut. */
	a = (struct attr){.size = 48, .policy = SCHED_BATCH, .nice = 5};
	CHECK_OK(attr_set(&a));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
	got = attr_of(getpid());
	CHECK_EQ(got.nice, 5);
	CHECK_EQ(got.policy, SCHED_BATCH);
	a.nice = 100;
	CHECK_OK(attr_set(&a));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
	/* sched_setscheduler lets it be. */
	CHECK_OK(set(0, SCHED_OTHER, 0));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);

	a = (struct attr){.size = 47, .policy = SCHED_OTHER};
	CHECK_ERR(attr_set(&a), E2BIG);
	CHECK_GE(a.size, 48);
	a = (struct attr){.size = 0, .policy = SCHED_OTHER};
	CHECK_OK(attr_set(&a));
	a = (struct attr){.size = sizeof(large), .policy = SCHED_OTHER};
	memcpy(large, &a, sizeof(a));
	CHECK_OK(attr_set((struct attr *)large));
	large[199] = 1;
	CHECK_ERR(attr_set((struct attr *)large), E2BIG);
	a = (struct attr){.size = sizeof(a), .policy = SCHED_OTHER, .flags = 1UL << 40};
	CHECK_ERR(attr_set(&a), EINVAL);
	a = (struct attr){.size = sizeof(a), .policy = (uint32_t)-1};
	CHECK_ERR(attr_set(&a), EINVAL);
	a = (struct attr){.size = sizeof(a), .policy = SCHED_DEADLINE};
	CHECK_ERR(attr_set(&a), EINVAL);
	a = (struct attr){.size = sizeof(a), .policy = SCHED_OTHER, .priority = 1};
	CHECK_ERR(attr_set(&a), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, NULL, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setattr, 0, 8, 0), EFAULT);
	CHECK_ERR(syscall(SYS_sched_setattr, -1, &a, 0), EINVAL);
	a.priority = 0;
	CHECK_ERR(syscall(SYS_sched_setattr, 0, &a, 1), EINVAL);
	CHECK_ERR(syscall(SYS_sched_setattr, 99999999, &a, 0), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, NULL, 56, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, 8, 56, 0), EFAULT);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &a, 47, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &a, 4097, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &a, 56, 1), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, -1, &a, 56, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 99999999, &a, 56, 0), ESRCH);
	CHECK_OK(syscall(SYS_sched_getattr, 0, &a, 48, 0));
	CHECK_EQ(a.size, 48);
}

TEST(sched, inherited, .root = true)
{
	pid_t pid;

	CHECK_OK(set(0, SCHED_RR, 3));
	pid = child();
	if (!pid) {
		CHECK_EQ(sched_getscheduler(0), SCHED_RR);
		CHECK_EQ(priority_of(0), 3);
		exec_helper("pause", "");
		_exit(1);
	}
	wait_state(pid, "S");
	CHECK_EQ(sched_getscheduler(pid), SCHED_RR);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	/* Or not. */
	CHECK_OK(set(0, SCHED_RR | RESET, 3));
	CHECK_EQ(sched_getscheduler(0), SCHED_RR | RESET);
	CHECK_EQ(attr_of(0).flags, 1);
	pid = child();
	if (!pid) {
		CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
		CHECK_EQ(priority_of(0), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(set(0, SCHED_BATCH | RESET, 0));
	CHECK_OK(setpriority(PRIO_PROCESS, 0, -5));
	pid = child();
	if (!pid) {
		CHECK_EQ(sched_getscheduler(0), SCHED_BATCH);
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* --- who may --- */

static void rtprio_set(rlim_t n)
{
	struct rlimit limit = {.rlim_cur = n, .rlim_max = n};

	CHECK_OK(setrlimit(RLIMIT_RTPRIO, &limit));
}

static void user_tries(pid_t other)
{
	rtprio_set(0);
	become_user();
	CHECK_ERR(set(0, SCHED_FIFO, 1), EPERM);
	CHECK_ERR(set(0, SCHED_RR, 1), EPERM);
	CHECK_ERR(set(other, SCHED_BATCH, 0), EPERM);
	CHECK_EQ(sched_getscheduler(other), SCHED_OTHER);
	CHECK_OK(set(0, SCHED_BATCH, 0));
	CHECK_OK(set(0, SCHED_OTHER, 0));
	/* Back from SCHED_IDLE goes who may be so nice. */
	CHECK_OK(set(0, SCHED_IDLE, 0));
	CHECK_ERR(set(0, SCHED_OTHER, 0), EPERM);
	CHECK_OK(set(0, SCHED_IDLE | RESET, 0));
	CHECK_ERR(set(0, SCHED_IDLE, 0), EPERM);
	CHECK_ERR(attr_set(&(struct attr){.size = 48, .policy = SCHED_BATCH, .nice = -1}), EPERM);
}

TEST(sched, permissions, .root = true)
{
	pid_t other = child_pausing(), pid = child();

	if (!pid) {
		user_tries(other);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(set(other, SCHED_FIFO, 9));
	CHECK_EQ(sched_getscheduler(other), SCHED_FIFO);
	CHECK_OK(kill(other, SIGKILL));
	expect_signal(other, SIGKILL);
}

TEST(sched, permissions_rlimit, .root = true)
{
	rtprio_set(10);
	become_user();
	CHECK_OK(set(0, SCHED_FIFO, 10));
	CHECK_ERR(set(0, SCHED_FIFO, 11), EPERM);
	CHECK_OK(set(0, SCHED_RR, 4));
	/* What it has it keeps, whatever the limit is now. */
	rtprio_set(2);
	CHECK_OK(set(0, SCHED_RR, 4));
	CHECK_ERR(set(0, SCHED_RR, 5), EPERM);
	CHECK_OK(set(0, SCHED_FIFO, 2));
	CHECK_OK(set(0, SCHED_RR, 1));
	rtprio_set(0);
	CHECK_ERR(set(0, SCHED_FIFO, 1), EPERM);
	CHECK_OK(set(0, SCHED_OTHER, 0));
	CHECK_ERR(set(0, SCHED_RR, 1), EPERM);
}
