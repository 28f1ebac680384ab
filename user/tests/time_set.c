/* time: setting the clock: who may, to what, and that whoever waits for a time of it follows. */
#include "ut.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

#define HOUR		3600
#define DAY		(24 * HOUR)
#define FUTURE_MAX	8277292036	/* 63 bits of nanoseconds, and 30 years */
#define MILLION		1000000
#define BILLION		1000000000l

static long set_clock(clockid_t clock, time_t sec, long nsec)
{
	struct timespec ts = { sec, nsec };

	return syscall(SYS_clock_settime, clock, &ts);
}

static long step_clock(unsigned int modes, long sec, long part)
{
	struct timex t = { .modes = ADJ_SETOFFSET | modes, .time = { sec, part } };

	return syscall(SYS_clock_adjtime, CLOCK_REALTIME, &t);
}

static long clock_ns(clockid_t clock)
{
	struct timespec ts;

	CHECK_OK(clock_gettime(clock, &ts));
	return ts.tv_sec * BILLION + ts.tv_nsec;
}

/*
 * By how many ns the wall clock is ahead of the other: only setting it changes that. They are read
 * one after the other, once more if the machine stood still meanwhile.
 */
static long ahead_ns(void)
{
	long mono, real;

	do {
		mono = clock_ns(CLOCK_MONOTONIC);
		real = clock_ns(CLOCK_REALTIME);
	} while (clock_ns(CLOCK_MONOTONIC) - mono > BILLION / 10);
	return real - mono;
}

/* In seconds. */
static long ahead(void)
{
	return ahead_ns() / BILLION;
}

/* It is what it should be, but for `late` and what rounding makes of it. */
static void check_ahead_late(long found, long want, long late)
{
	CHECK_GE(found, want - late - 2);
	CHECK_GE(want + 2, found);
}

static void check_ahead(long want)
{
	check_ahead_late(ahead(), want, 0);
}

/* What sets the clock, in a process of its own: whatever becomes of it, the clock is put back. */
static void clock_moves(void (*body)(void))
{
	long was = ahead_ns(), back;
	int status = run_child(body);

	back = was - ahead_ns();
	if (labs(back) > BILLION / 100) {
		long sec = back / BILLION - (back % BILLION < 0);

		CHECK_OK(step_clock(ADJ_NANO, sec, back - sec * BILLION));
	}
	CHECK_EQ(status, 0);
}

TEST(time, set_errors, .root = true)
{
	static const clockid_t unset[] = { CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID,
		CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
		CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_REALTIME_ALARM, CLOCK_BOOTTIME_ALARM,
		10, CLOCK_TAI, 16, 1000 };
	clockid_t own, gone;
	pid_t pid = child();
	long now = ahead();

	if (!pid)
		_exit(0);
	CHECK_EQ(clock_getcpuclockid(0, &own), 0);
	gone = ~pid << 3 | 2;
	expect_exit(pid, 0);
	for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++)
		CHECK_ERR(set_clock(unset[i], time(NULL), 0), EINVAL);
	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_MONOTONIC, 8), EINVAL);
	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, 8), EFAULT);
	CHECK_ERR(syscall(SYS_clock_settime, CLOCK_REALTIME, NULL), EFAULT);
	/* A CPU clock is set by nobody. */
	CHECK_ERR(set_clock(own, 1, 0), EPERM);
	CHECK_ERR(set_clock(~getpid() << 3 | 2, 1, 0), EPERM);
	CHECK_ERR(set_clock(gone, 1, 0), EINVAL);
	CHECK_ERR(set_clock(CLOCK_REALTIME, -1, 0), EINVAL);
	CHECK_ERR(set_clock(CLOCK_REALTIME, time(NULL), -1), EINVAL);
	CHECK_ERR(set_clock(CLOCK_REALTIME, time(NULL), 1000000000), EINVAL);
	/* The machine was not started before 1970, nor may nanoseconds run over soon. */
	CHECK_ERR(set_clock(CLOCK_REALTIME, 0, 0), EINVAL);
	CHECK_ERR(set_clock(CLOCK_REALTIME, FUTURE_MAX, 0), EINVAL);
	CHECK_ERR(set_clock(CLOCK_REALTIME, LONG_MAX, 0), EINVAL);
	check_ahead(now);
}

static void set_far(void)
{
	CHECK_OK(set_clock(CLOCK_REALTIME, FUTURE_MAX - 1, 999999999));
	CHECK_GE(time(NULL), FUTURE_MAX - 1);
}

TEST(time, set_far, .root = true)
{
	long now = ahead();

	clock_moves(set_far);
	check_ahead(now);
}

static void set_by_day(void)
{
	struct timeval tv = { 0 }, bad[] = { { -1, 0 }, { 1, -1 }, { 1, MILLION + 1 },
					     { 1, LONG_MAX } };
	struct timezone old, zone = { 60, 1 }, found, far = { 15 * 60 + 1, 0 };
	long now = ahead(), begin = clock_ns(CLOCK_MONOTONIC), then, late, back;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(syscall(SYS_settimeofday, &bad[i], NULL), EINVAL);
	CHECK_ERR(syscall(SYS_settimeofday, 8, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_settimeofday, NULL, 8), EFAULT);
	CHECK_OK(syscall(SYS_settimeofday, NULL, NULL));
	tv.tv_sec = time(NULL) + HOUR;
	CHECK_OK(syscall(SYS_settimeofday, &tv, NULL));
	then = ahead();
	CHECK_OK(syscall(SYS_gettimeofday, &tv, &old));
	/* Both at once, so that the clock is not taken for local time and set. */
	tv.tv_sec -= HOUR;
	CHECK_OK(syscall(SYS_settimeofday, &tv, &zone));
	CHECK_OK(syscall(SYS_gettimeofday, NULL, &found));
	CHECK_OK(syscall(SYS_settimeofday, NULL, &old));
	back = ahead();
	/* What was read is set some time later. */
	late = (clock_ns(CLOCK_MONOTONIC) - begin) / BILLION + 1;
	check_ahead_late(then, now + HOUR, late);
	check_ahead_late(back, now, late);
	CHECK_EQ(found.tz_minuteswest, 60);
	CHECK_EQ(found.tz_dsttime, 1);
	CHECK_ERR(syscall(SYS_settimeofday, NULL, &far), EINVAL);
	far.tz_minuteswest = -far.tz_minuteswest;
	CHECK_ERR(syscall(SYS_settimeofday, NULL, &far), EINVAL);
	become_user();
	CHECK_ERR(syscall(SYS_settimeofday, &bad[0], NULL), EINVAL);
	CHECK_ERR(syscall(SYS_settimeofday, NULL, &far), EPERM);
	CHECK_ERR(syscall(SYS_settimeofday, NULL, NULL), EPERM);
}

TEST(time, set_by_day, .root = true)
{
	clock_moves(set_by_day);
}

static void steps(void)
{
	static const long bad[][2] = { { 0, -1 }, { 0, MILLION }, { 5, LONG_MIN } };
	long now = ahead(), forth, back;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_ERR(step_clock(0, bad[i][0], bad[i][1]), EINVAL);
	CHECK_ERR(step_clock(ADJ_NANO, 0, 1000 * MILLION), EINVAL);
	CHECK_ERR(step_clock(0, LONG_MIN, 0), EINVAL);
	CHECK_ERR(step_clock(0, LONG_MAX, MILLION - 1), EINVAL);
	CHECK_ERR(step_clock(0, -time(NULL) - 2, 0), EINVAL);
	check_ahead(now);
	CHECK_OK(step_clock(0, 3 * HOUR, MILLION - 1));
	forth = ahead();
	CHECK_OK(step_clock(0, -2 * HOUR, 1));
	back = ahead();
	check_ahead_late(forth, now + 3 * HOUR + 1, 0);
	check_ahead_late(back, now + HOUR + 1, 0);
}

TEST(time, adjtimex_steps, .root = true)
{
	clock_moves(steps);
}

static int set_status(int status, struct timex *t)
{
	*t = (struct timex){ .modes = ADJ_STATUS, .status = status };
	return CHECK_OK(syscall(SYS_adjtimex, t));
}

/* Two seconds before the end of a day, which has another one. */
static void announce(void)
{
	struct timex t;

	set_status(STA_PLL, &t);
	CHECK_OK(set_clock(CLOCK_REALTIME, (time(NULL) / DAY + 1) * DAY - 2, 0));
	set_status(STA_INS, &t); /* and no STA_PLL: what was announced before is forgotten */
}

static void leaps(void)
{
	struct timex t = { 0 };
	long before;
	int tai = (CHECK_OK(syscall(SYS_adjtimex, &t)), t.tai);

	do {
		announce();
		before = ahead_ns();
		/* A machine that stands still meanwhile begins the day without it. */
		do {
			usleep(10000);
			t.modes = 0;
			CHECK_OK(syscall(SYS_adjtimex, &t));
		} while (t.time.tv_sec % DAY > DAY / 2);
		usleep(1500000);
		t.modes = 0;
		CHECK_OK(syscall(SYS_adjtimex, &t));
	} while (t.tai == tai);
	CHECK_EQ(t.tai, tai + 1);
	CHECK_GE(before - ahead_ns(), BILLION * 8 / 10);
	CHECK_GE(BILLION * 12 / 10, before - ahead_ns());
}

TEST(time, leap_second, .root = true)
{
	struct timex t = { 0 };
	int tai = (CHECK_OK(syscall(SYS_adjtimex, &t)), t.tai), status = t.status;

	clock_moves(leaps);
	set_status(STA_PLL, &t);
	set_status(status, &t);
	t = (struct timex){ .modes = ADJ_TAI, .constant = tai };
	CHECK_OK(syscall(SYS_adjtimex, &t));
}

/* --- who waits for a time of the clock --- */

static struct timespec in_an_hour(void)
{
	struct timespec ts;

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &ts));
	ts.tv_sec += HOUR;
	return ts;
}

static void sleeps(void)
{
	struct timespec until = in_an_hour();

	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL), 0);
}

static void waits_for_word(void)
{
	struct timespec until = in_an_hour();
	int word = 0;

	CHECK_ERR(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &until,
			  NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
}

static void waits_for_words(void)
{
	struct timespec until = in_an_hour();
	static int word;
	struct { uint64_t value, address; uint32_t flags, none; } v = {
		.address = (uintptr_t)&word, .flags = 2 };

	CHECK_ERR(syscall(449, &v, 1, 0, &until, CLOCK_REALTIME), ETIMEDOUT);
}

static void waits_for_signal(void)
{
	struct itimerspec t = { .it_value = in_an_hour() };
	sigset_t set;
	timer_t timer;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(timer_create(CLOCK_REALTIME, NULL, &timer));
	CHECK_OK(timer_settime(timer, TIMER_ABSTIME, &t, NULL));
	CHECK_EQ(sigwait(&set, &sig), 0);
}

static void wakes_who_waits(void)
{
	void (*const waits[])(void) = { sleeps, waits_for_word, waits_for_words,
					waits_for_signal };
	enum { N = sizeof(waits) / sizeof(waits[0]) };
	pid_t pids[N];

	for (int i = 0; i < N; i++) {
		pids[i] = child();
		if (!pids[i]) {
			waits[i]();
			_exit(0);
		}
		wait_state(pids[i], "S");
	}
	CHECK_OK(step_clock(0, HOUR + 1, 0));
	for (int i = 0; i < N; i++)
		expect_exit(pids[i], 0);
}

TEST(time, set_wakes_who_waits, .root = true)
{
	clock_moves(wakes_who_waits);
}

static void back_lets_wait(void)
{
	struct timespec until;
	int word = 0;
	pid_t pid;

	/* What a waiter waits for moves away with the clock: a wake-up still ends it. */
	CHECK_OK(step_clock(0, HOUR, 0));
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &until));
	until.tv_sec += 1;
	CHECK_OK(step_clock(0, -HOUR, 0));
	pid = child();
	if (!pid) {
		CHECK_ERR(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0,
				  &until, NULL, FUTEX_BITSET_MATCH_ANY), ETIMEDOUT);
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_OK(step_clock(0, HOUR + 1, 0));
	expect_exit(pid, 0);
}

TEST(time, set_back_lets_wait, .root = true)
{
	clock_moves(back_lets_wait);
}
