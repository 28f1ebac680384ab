/* Clocks and sleeps.  Nothing here asserts that something was fast. */
#include "ut.h"

#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	CHECK_OK(clock_gettime(clock, &ts));
	CHECK(ts.tv_nsec >= 0 && ts.tv_nsec < 1000000000);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

TEST(time, monotonic_never_goes_back)
{
	static const clockid_t clocks[] = {
		CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME, CLOCK_MONOTONIC_COARSE,
	};

	for (size_t c = 0; c < sizeof(clocks) / sizeof(clocks[0]); c++) {
		uint64_t last = clock_ns(clocks[c]);

		for (int i = 0; i < 20000; i++) {
			uint64_t now = clock_ns(clocks[c]);

			CHECK_GE(now, last);
			last = now;
		}
	}
}

TEST(time, monotonic_across_processes)
{
	/* Whatever hart reads it, the clock is one. */
	int there[2], back[2];
	uint64_t t;

	CHECK_OK(pipe(there));
	CHECK_OK(pipe(back));
	pid_t pid = child();
	if (pid == 0) {
		close(there[1]);
		while (read(there[0], &t, 8) == 8) {
			uint64_t now = now_ns();
			CHECK_GE(now, t);
			CHECK_EQ(write(back[1], &now, 8), 8);
		}
		_exit(0);
	}
	for (int i = 0; i < 500; i++) {
		t = now_ns();
		CHECK_EQ(write(there[1], &t, 8), 8);
		CHECK_EQ(read(back[0], &t, 8), 8);
		CHECK_GE(now_ns(), t);
	}
	close(there[1]);
	expect_exit(pid, 0);
}

TEST(time, realtime)
{
	struct timeval tv;
	time_t now = time(NULL);

	/* The machine has a clock that knows the date: after 2024. */
	CHECK_GE(now, 1704067200);
	CHECK_OK(gettimeofday(&tv, NULL));
	CHECK(tv.tv_sec >= now - 1 && tv.tv_usec >= 0 && tv.tv_usec < 1000000);
	CHECK_GE(clock_ns(CLOCK_REALTIME) / 1000000000 + 1, now);
	CHECK_GE(clock_ns(CLOCK_REALTIME_COARSE) / 1000000000 + 1, now);
}

TEST(time, resolution)
{
	struct timespec res;
	uint64_t a = clock_ns(CLOCK_MONOTONIC), b;

	CHECK_OK(clock_getres(CLOCK_MONOTONIC, &res));
	CHECK_EQ(res.tv_sec, 0);
	CHECK_EQ(res.tv_nsec, 1);
	CHECK_OK(clock_getres(CLOCK_REALTIME, NULL));
	/* Not a tick: two readings differ by less than a millisecond some time. */
	for (int i = 0; i < 10000; i++) {
		b = clock_ns(CLOCK_MONOTONIC);
		if (b != a && b - a < 1000000)
			return;
		a = b;
	}
	FAIL("the clock moves in steps of a millisecond or more");
}

TEST(time, clock_errors)
{
	struct timespec ts;

	CHECK_ERR(syscall(SYS_clock_gettime, 12345, &ts), EINVAL);
	CHECK_ERR(syscall(SYS_clock_getres, 12345, &ts), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, 12345, 0, &ts, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL), EOPNOTSUPP);
}

TEST(time, tai)
{
	struct timespec ts = { 1, 0 };
	uint64_t before = clock_ns(CLOCK_REALTIME), tai = clock_ns(CLOCK_TAI);
	timer_t timer;

	/* Ahead of UTC by the leap seconds that the kernel was told of. */
	CHECK_GE(tai, before);
	CHECK_GE(clock_ns(CLOCK_REALTIME) + 100000000000u, tai);
	CHECK_OK(clock_getres(CLOCK_TAI, NULL));
	CHECK_EQ(clock_nanosleep(CLOCK_TAI, TIMER_ABSTIME, &ts, NULL), 0);
	CHECK_OK(timer_create(CLOCK_TAI, NULL, &timer));
	CHECK_OK(timer_delete(timer));
	CHECK_ERR(timerfd_create(CLOCK_TAI, 0), EINVAL);
	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_TAI, &ts), EINVAL);
}

TEST(time, cpu_clocks)
{
	uint64_t process = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	uint64_t thread = clock_ns(CLOCK_THREAD_CPUTIME_ID), now;
	struct timespec nap = { 0, 200000000 };

	while ((now = clock_ns(CLOCK_PROCESS_CPUTIME_ID)) < process + 50000000)
		continue;
	CHECK_GE(clock_ns(CLOCK_THREAD_CPUTIME_ID), thread + 40000000);
	/*
	 * The time asleep is not used.  A host that lets the whole machine wait adds to both
	 * clocks alike, or to the first alone.
	 */
	now = now_ns();
	process = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	CHECK_OK(nanosleep(&nap, NULL));
	process = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - process;
	CHECK_GE(now_ns() - now, process + 150000000);
}

TEST(time, cpu_clock_of_other_process)
{
	clockid_t clock;
	struct gate gate;
	pid_t pid;

	gate_make(&gate);
	pid = child();
	if (pid == 0) {
		while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < 40000000)
			continue;
		gate_open(&gate);
		for (;;)
			pause();
	}
	gate_pass(&gate);
	CHECK_EQ(clock_getcpuclockid(pid, &clock), 0);
	CHECK_GE(clock_ns(clock), 40000000);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(time, nanosleep)
{
	static const long naps[] = { 0, 1, 1000, 100000, 1000000, 25000000 };

	for (size_t i = 0; i < sizeof(naps) / sizeof(naps[0]); i++) {
		struct timespec ts = { 0, naps[i] };
		uint64_t start = now_ns();

		CHECK_OK(nanosleep(&ts, NULL));
		CHECK_GE(now_ns() - start, naps[i]);
	}
}

TEST(time, nanosleep_errors)
{
	struct timespec bad = { 0, 1000000000 };

	CHECK_ERR(nanosleep(&bad, NULL), EINVAL);
	bad.tv_nsec = -1;
	CHECK_ERR(nanosleep(&bad, NULL), EINVAL);
	bad.tv_nsec = 0;
	bad.tv_sec = -1;
	CHECK_ERR(nanosleep(&bad, NULL), EINVAL);
}

TEST(time, clock_nanosleep_absolute)
{
	struct timespec ts;
	uint64_t target = now_ns() + 30000000;

	ts.tv_sec = (time_t)(target / 1000000000);
	ts.tv_nsec = (long)(target % 1000000000);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
	CHECK_GE(now_ns(), target);
	/* In the past: at once. */
	ts.tv_sec = 0;
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &ts));
	target = now_ns() + 20000000;
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &ts, NULL), 0);
	CHECK_GE(now_ns() + 1000000, target);
}

static void nothing(int sig)
{
	(void)sig;
}

TEST(time, clock_nanosleep_interrupted)
{
	struct timespec ask = { 500, 0 }, left = { 7, 7 };

	on_signal(SIGUSR1, nothing, 0);
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		CHECK_OK(kill(self, SIGUSR1));
		wait_state(self, "S");
		CHECK_OK(kill(self, SIGUSR1));
		_exit(0);
	}
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ask, &left), EINTR);
	CHECK(left.tv_sec < 500 && left.tv_sec > 400);
	/* An absolute sleep has no remainder to tell. */
	left.tv_sec = 7;
	CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &ask));
	ask.tv_sec += 500;
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ask, &left), EINTR);
	CHECK_EQ(left.tv_sec, 7);
	expect_exit(pid, 0);
}

TEST(time, many_sleepers)
{
	/* Forty sleepers with different ends wake in a legal order: none before its time. */
	pid_t pids[40];

	for (int i = 0; i < 40; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			struct timespec ts = { 0, (40 - i) * 2000000L };
			uint64_t start = now_ns();

			CHECK_OK(nanosleep(&ts, NULL));
			CHECK_GE(now_ns() - start, ts.tv_nsec);
			_exit(0);
		}
	}
	for (int i = 0; i < 40; i++)
		expect_exit(pids[i], 0);
}

TEST(time, settime_needs_root, .root = true)
{
	struct timespec ts;
	struct timeval tv = { 1, 0 };
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(clock_gettime(CLOCK_REALTIME, &ts));
		become_user();
		CHECK_ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, &ts), EPERM);
		CHECK_ERR(syscall(SYS_settimeofday, &tv, NULL), EPERM);
		CHECK_ERR(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &ts), EINVAL);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(time, fair_share)
{
	/* Busy processes must not starve one another: each makes progress. */
	pid_t pids[6];
	struct gate done;
	char c;

	gate_make(&done);
	for (int i = 0; i < 6; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			while (clock_ns(CLOCK_PROCESS_CPUTIME_ID) < 50000000)
				continue;
			gate_open(&done);
			for (;;)
				__asm__ volatile("" ::: "memory");
		}
	}
	for (int i = 0; i < 6; i++)
		CHECK_EQ(read(done.fd[0], &c, 1), 1);
	for (int i = 0; i < 6; i++) {
		CHECK_OK(kill(pids[i], SIGKILL));
		expect_signal(pids[i], SIGKILL);
	}
}
