/*
 * prctl: what threads say of themselves: timer slack, timing, broken memory, where their ids go.
 */
#include "ut.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define SLACK_FILE "/proc/self/timerslack_ns"

static long slack_told(void)
{
	char text[32];

	file_text(SLACK_FILE, text, sizeof(text));
	return strtol(text, NULL, 10);
}

static void slack_is(long want)
{
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), want);
	CHECK_EQ(slack_told(), want);
}

static void slack_write(const char *text)
{
	int fd = (int)CHECK_OK(open(SLACK_FILE, O_WRONLY));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	CHECK_OK(close(fd));
}

TEST(prctl, timer_slack)
{
	long first = CHECK_OK(prctl(PR_GET_TIMERSLACK));
	pid_t pid;
	int fd;

	CHECK_EQ(first, 50000);
	slack_is(first);
	CHECK_OK(prctl(PR_SET_TIMERSLACK, 1UL));
	slack_is(1);
	CHECK_OK(prctl(PR_SET_TIMERSLACK, (unsigned long)INT_MAX));
	slack_is(INT_MAX);
	CHECK_OK(prctl(PR_SET_TIMERSLACK, 0UL));
	slack_is(first);
	CHECK_OK(prctl(PR_SET_TIMERSLACK, LONG_MAX));
	CHECK_EQ(slack_told(), LONG_MAX);
	/* A child's own is what its creator has. */
	CHECK_OK(prctl(PR_SET_TIMERSLACK, 70000UL));
	pid = child();
	if (!pid) {
		slack_is(70000);
		CHECK_OK(prctl(PR_SET_TIMERSLACK, 3UL));
		CHECK_OK(prctl(PR_SET_TIMERSLACK, 0UL));
		slack_is(70000);
		_exit(0);
	}
	expect_exit(pid, 0);
	slack_write("123");
	slack_is(123);
	slack_write("0");
	slack_is(first);
	fd = (int)CHECK_OK(open(SLACK_FILE, O_WRONLY));
	CHECK_ERR(write(fd, "x", 1), EINVAL);
}

static void *slack_of_thread(void *arg)
{
	(void)arg;
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 60000);
	CHECK_OK(prctl(PR_SET_TIMERSLACK, 5UL));
	CHECK_EQ(prctl(PR_GET_TIMERSLACK), 5);
	return NULL;
}

/* Each thread has one; the file in /proc is about the first. */
TEST(prctl, timer_slack_of_thread)
{
	pthread_t other;

	CHECK_OK(prctl(PR_SET_TIMERSLACK, 60000UL));
	CHECK_EQ(pthread_create(&other, NULL, slack_of_thread, NULL), 0);
	CHECK_EQ(pthread_join(other, NULL), 0);
	slack_is(60000);
}

TEST(prctl, timer_slack_of_others, .root = true)
{
	pid_t first = child_pausing(), pid;
	char name[64], text[32];

	snprintf(name, sizeof(name), "/proc/%d/timerslack_ns", first);
	file_text(name, text, sizeof(text));
	CHECK_STR(text, "50000\n");
	pid = child();
	if (!pid) {
		int fd;

		become_user();
		fd = (int)CHECK_OK(open(name, O_RDWR));
		CHECK_ERR(read(fd, text, sizeof(text)), EPERM);
		CHECK_ERR(write(fd, "1", 1), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(kill(first, SIGKILL));
	expect_signal(first, SIGKILL);
}

/* Real-time threads have none. */
TEST(prctl, timer_slack_real_time, .root = true)
{
	struct sched_param p = {.sched_priority = 1};

	CHECK_OK(sched_setscheduler(0, SCHED_FIFO, &p));
	slack_is(0);
	CHECK_OK(prctl(PR_SET_TIMERSLACK, 70000UL));
	slack_is(0);
	p.sched_priority = 0;
	CHECK_OK(sched_setscheduler(0, SCHED_OTHER, &p));
	slack_is(50000);
}

TEST(prctl, timing)
{
	CHECK_EQ(prctl(PR_GET_TIMING), PR_TIMING_STATISTICAL);
	CHECK_OK(prctl(PR_SET_TIMING, (long)PR_TIMING_STATISTICAL));
	CHECK_ERR(prctl(PR_SET_TIMING, (long)PR_TIMING_TIMESTAMP), EINVAL);
	CHECK_ERR(prctl(PR_SET_TIMING, 999L), EINVAL);
}

static long mce(long how, long policy, long rest)
{
	return prctl(PR_MCE_KILL, how, policy, rest, 0L);
}

static long mce_now(void)
{
	return CHECK_OK(prctl(PR_MCE_KILL_GET, 0L, 0L, 0L, 0L));
}

TEST(prctl, broken_memory)
{
	pid_t pid;

	CHECK_EQ(mce_now(), PR_MCE_KILL_DEFAULT);
	CHECK_OK(mce(PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0));
	CHECK_EQ(mce_now(), PR_MCE_KILL_EARLY);
	CHECK_OK(mce(PR_MCE_KILL_SET, PR_MCE_KILL_LATE, 0));
	CHECK_EQ(mce_now(), PR_MCE_KILL_LATE);
	pid = child();
	if (!pid)
		_exit((int)mce_now() + 10);
	expect_exit(pid, PR_MCE_KILL_LATE + 10);
	CHECK_OK(mce(PR_MCE_KILL_SET, PR_MCE_KILL_DEFAULT, 0));
	CHECK_EQ(mce_now(), PR_MCE_KILL_DEFAULT);
	CHECK_OK(mce(PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0));
	CHECK_OK(mce(PR_MCE_KILL_CLEAR, 0, 0));
	CHECK_EQ(mce_now(), PR_MCE_KILL_DEFAULT);
	CHECK_ERR(mce(PR_MCE_KILL_CLEAR, 1, 0), EINVAL);
	CHECK_ERR(mce(PR_MCE_KILL_SET, 3, 0), EINVAL);
	CHECK_ERR(mce(2, 0, 0), EINVAL);
	CHECK_ERR(mce(PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 1), EINVAL);
	CHECK_ERR(prctl(PR_MCE_KILL_GET, 1L, 0L, 0L, 0L), EINVAL);
}

TEST(prctl, tid_address)
{
	int *where = NULL, mine;

	CHECK_EQ(syscall(SYS_set_tid_address, &mine), getpid());
	CHECK_OK(prctl(PR_GET_TID_ADDRESS, &where));
	CHECK(where == &mine);
	CHECK_ERR(prctl(PR_GET_TID_ADDRESS, 8L), EFAULT);
	CHECK_EQ(syscall(SYS_set_tid_address, NULL), getpid());
}

TEST(prctl, unknown)
{
	CHECK_ERR(prctl(999), EINVAL);
	CHECK_ERR(prctl(-1), EINVAL);
	CHECK_ERR(prctl(PR_SET_PDEATHSIG, 999L), EINVAL);
	CHECK_ERR(prctl(PR_SET_DUMPABLE, 2L), EINVAL);
	CHECK_ERR(prctl(PR_SET_NAME, 8L), EFAULT);
}

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_GET_MDWE 66
#endif
#define EXEC_GAIN  1UL
#define NO_INHERIT 2UL

static long mdwe_set(unsigned long bits)
{
	return prctl(PR_SET_MDWE, bits, 0L, 0L, 0L);
}

static long mdwe_get(void)
{
	return prctl(PR_GET_MDWE, 0L, 0L, 0L, 0L);
}

/* Memory that was writable: is it refused to be executable? */
static void gain_is_refused(bool refused)
{
	char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *q;

	CHECK(p != MAP_FAILED);
	q = mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_EQ(q == MAP_FAILED && errno == EACCES, refused);
	if (!refused) {
		CHECK_OK(munmap(q, 4096));
		CHECK_OK(mprotect(p, 4096, PROT_READ | PROT_EXEC));
	} else {
		CHECK_ERR(mprotect(p, 4096, PROT_READ | PROT_EXEC), EACCES);
		CHECK_ERR(mprotect(p, 4096, PROT_WRITE | PROT_EXEC), EACCES);
	}
	CHECK_OK(mprotect(p, 4096, PROT_READ | PROT_WRITE));
	CHECK_OK(munmap(p, 4096));
	/* What is executable from the start may be. */
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	CHECK_OK(mprotect(p, 4096, PROT_EXEC));
	CHECK_OK(munmap(p, 4096));
}

/* A process that sets first, then may or may not set other bits. */
static void mdwe_once(unsigned long bits, unsigned long other)
{
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(mdwe_set(bits));
		CHECK_EQ(mdwe_get(), bits);
		CHECK_OK(mdwe_set(bits));
		CHECK_ERR(mdwe_set(0), EPERM);
		CHECK_ERR(mdwe_set(other), EPERM);
		gain_is_refused(true);
		/* Forks have it, unless they are not to. */
		pid = child();
		if (!pid) {
			CHECK_EQ(mdwe_get(), bits & NO_INHERIT ? 0 : bits);
			gain_is_refused(!(bits & NO_INHERIT));
			_exit(0);
		}
		expect_exit(pid, 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(prctl, mdwe)
{
	CHECK_EQ(mdwe_get(), 0);
	CHECK_OK(mdwe_set(0));
	CHECK_ERR(mdwe_set(4), EINVAL);
	CHECK_ERR(mdwe_set(NO_INHERIT), EINVAL);
	CHECK_ERR(prctl(PR_SET_MDWE, EXEC_GAIN, 1L, 0L, 0L), EINVAL);
	CHECK_ERR(prctl(PR_GET_MDWE, 0L, 0L, 0L, 1L), EINVAL);
	gain_is_refused(false);
	mdwe_once(EXEC_GAIN, EXEC_GAIN | NO_INHERIT);
	mdwe_once(EXEC_GAIN | NO_INHERIT, EXEC_GAIN);
}
