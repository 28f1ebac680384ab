/* time: adjtimex, clock_adjtime: what is told, who may change it, what the clock makes of it. */
#include "ut.h"

#include <sys/timex.h>
#include <time.h>

static void reads(long (*call)(struct timex *))
{
	struct timespec before, after;
	struct timex t = { .tick = 1 };

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &before));
	CHECK_OK(call(&t));
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &after));
	CHECK_GE(t.time.tv_sec, before.tv_sec);
	CHECK_GE(after.tv_sec, t.time.tv_sec);
	CHECK_EQ(t.tick, 10000);
	CHECK_EQ(t.precision, 1);
	CHECK_EQ(t.tolerance, 500 << 16);
	CHECK_GE(t.maxerror, 1);
	CHECK_GE(t.esterror, 1);
	/* What is left of adjtime(3). */
	t = (struct timex){ .modes = ADJ_OFFSET_SS_READ, .offset = 5 };
	CHECK_OK(call(&t));
	CHECK_EQ(t.offset, 0);
}

static long realtime(struct timex *t)
{
	return syscall(SYS_clock_adjtime, CLOCK_REALTIME, t);
}

static long all(struct timex *t)
{
	return syscall(SYS_adjtimex, t);
}

TEST(time, adjtimex_reads)
{
	reads(all);
	reads(realtime);
}

TEST(time, adjtimex_errors, .root = true)
{
	const clockid_t others[] = { CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,
				     CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID,
				     CLOCK_REALTIME_COARSE, -6 };
	struct timex t = { 0 };
	pid_t pid = child();

	if (!pid) {
		const unsigned int modes[] = { ADJ_OFFSET, ADJ_FREQUENCY, ADJ_STATUS, ADJ_TICK,
					       ADJ_SETOFFSET, ADJ_TAI, ADJ_OFFSET_SINGLESHOT };

		become_user();
		for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
			t.modes = modes[i];
			CHECK_ERR(all(&t), EPERM);
			CHECK_ERR(realtime(&t), EPERM);
		}
		/* The bits of adjtime(3) alone mean nothing, whoever asks. */
		t.modes = 0x8000;
		CHECK_ERR(all(&t), EINVAL);
		t.modes = 0xa000;
		CHECK_ERR(realtime(&t), EINVAL);
		t.modes = 0;
		CHECK_OK(all(&t));
		_exit(0);
	}
	expect_exit(pid, 0);
	t = (struct timex){ .modes = ADJ_TICK, .tick = 100 };
	CHECK_ERR(all(&t), EINVAL);
	CHECK_ERR(all((void *)8), EFAULT);
	CHECK_ERR(syscall(SYS_clock_adjtime, CLOCK_REALTIME, (void *)8), EFAULT);
	CHECK_ERR(syscall(SYS_clock_adjtime, 1000, (void *)8), EFAULT);
	t.modes = 0;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK_ERR(syscall(SYS_clock_adjtime, others[i], &t), EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_clock_adjtime, 10, &t), EINVAL);
	CHECK_ERR(syscall(SYS_clock_adjtime, 12, &t), EINVAL);
	CHECK_ERR(syscall(SYS_clock_adjtime, 1000, &t), EINVAL);
}

/* --- what changes the clock --- */

#define BILLION	   1000000000l
#define ERROR_MAX  16000000
#define NORMAL	   10000

static long adjust(struct timex t, struct timex *result)
{
	long state = CHECK_OK(all(&t));

	if (result)
		*result = t;
	return state;
}

/* As the machine was booted; but for what the clock has become. */
static void put_back(void)
{
	adjust((struct timex){ .modes = ADJ_STATUS | ADJ_NANO, .status = STA_PLL }, NULL);
	adjust((struct timex){ .modes = ADJ_STATUS | ADJ_OFFSET | ADJ_TIMECONST, .status = STA_PLL,
			       .constant = 2 }, NULL);
	adjust((struct timex){ .modes = ADJ_STATUS | ADJ_FREQUENCY | ADJ_TICK | ADJ_MAXERROR |
					ADJ_ESTERROR | ADJ_TAI | ADJ_MICRO,
			       .status = STA_UNSYNC, .tick = NORMAL, .maxerror = ERROR_MAX,
			       .esterror = ERROR_MAX }, NULL);
	adjust((struct timex){ .modes = ADJ_OFFSET_SINGLESHOT }, NULL);
}

/* Whatever becomes of body, the clock runs on as it did before. */
static void adjusts(void (*body)(void))
{
	int status = run_child(body);

	put_back();
	CHECK_EQ(status, 0);
}

static long read_ns(clockid_t clock)
{
	struct timespec ts;

	CHECK_OK(clock_gettime(clock, &ts));
	return ts.tv_sec * BILLION + ts.tv_nsec;
}

/* A clock and the raw one, read at one time but for `apart` ns. */
struct pair {
	long raw, other;
};

static struct pair pair_read(clockid_t other, long apart)
{
	struct pair p;

	do {
		p.raw = read_ns(CLOCK_MONOTONIC_RAW);
		p.other = read_ns(other);
	} while (read_ns(CLOCK_MONOTONIC_RAW) - p.raw > apart);
	return p;
}

/* Of a million ns of the raw clock, how many more the other one counts. */
static long faster_ppm(clockid_t other, long apart, long during)
{
	struct pair begin = pair_read(other, apart), end;
	long raw;

	do {
		usleep(20000);
		end = pair_read(other, apart);
		raw = end.raw - begin.raw;
	} while (raw < during);
	return (end.other - begin.other - raw) * 1000 / (raw / 1000);
}

static void settings(void)
{
	struct timex t;

	adjust((struct timex){ .modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR,
			       .status = 0xffff, .maxerror = ERROR_MAX + 1, .esterror = -1 }, &t);
	CHECK_EQ(t.status, STA_UNSYNC | (0xffff & ~STA_RONLY));
	CHECK_EQ(t.maxerror, ERROR_MAX);
	CHECK_EQ(t.esterror, 0);
	/* STA_PLL goes, and with it all others for a moment. */
	CHECK_EQ(adjust((struct timex){ .modes = ADJ_STATUS | ADJ_MAXERROR, .status = 0,
					.maxerror = 5 }, &t), TIME_OK);
	CHECK_EQ(t.status, 0);
	CHECK_GE(t.maxerror, 5);
	CHECK_EQ(adjust((struct timex){ .modes = ADJ_STATUS, .status = STA_UNSYNC }, NULL),
		 TIME_ERROR);
	/* Times in nanoseconds; the constant is another one then. */
	adjust((struct timex){ .modes = ADJ_TIMECONST | ADJ_MICRO, .constant = 3 }, &t);
	CHECK_EQ(t.constant, 7);
	CHECK_EQ(t.status & STA_NANO, 0);
	adjust((struct timex){ .modes = ADJ_TIMECONST, .constant = 100 }, &t);
	CHECK_EQ(t.constant, 10);
	adjust((struct timex){ .modes = ADJ_TIMECONST | ADJ_NANO, .constant = 3 }, &t);
	CHECK_EQ(t.constant, 3);
	CHECK_EQ(t.status & STA_NANO, STA_NANO);
	adjust((struct timex){ .modes = ADJ_TIMECONST, .constant = -1 }, &t);
	CHECK_EQ(t.constant, 0);
	adjust((struct timex){ .modes = ADJ_FREQUENCY, .freq = 600 << 16 }, &t);
	CHECK_EQ(t.freq, 500 << 16);
	adjust((struct timex){ .modes = ADJ_FREQUENCY, .freq = -12345678 }, &t);
	CHECK_EQ(t.freq, -12345678);
	CHECK_EQ(t.tick, NORMAL);
}

TEST(time, adjtimex_settings, .root = true)
{
	adjusts(settings);
}

static void limits(void)
{
	static const long freqs[] = { LONG_MAX, LONG_MIN, LONG_MAX / 65536000 + 1,
				      LONG_MIN / 65536000 - 1 };
	struct timex t;

	for (size_t i = 0; i < sizeof(freqs) / sizeof(freqs[0]); i++) {
		t = (struct timex){ .modes = ADJ_FREQUENCY, .freq = freqs[i] };
		CHECK_ERR(all(&t), EINVAL);
	}
	adjust((struct timex){ .modes = ADJ_FREQUENCY, .freq = LONG_MIN / 65536000 }, &t);
	CHECK_EQ(t.freq, -(500 << 16));
	for (long tick = 8999; tick <= 11001; tick += 2002) {
		t = (struct timex){ .modes = ADJ_TICK, .tick = tick };
		CHECK_ERR(all(&t), EINVAL);
	}
	/* Not one part of it is done when another is refused. */
	t = (struct timex){ .modes = ADJ_TICK | ADJ_TAI, .tick = 8999, .constant = 7 };
	CHECK_ERR(all(&t), EINVAL);
	adjust((struct timex){ 0 }, &t);
	CHECK_EQ(t.tai, 0);
	/* Alone they say nothing, unknown ones too. */
	adjust((struct timex){ .modes = 0x0040 }, NULL);
}

TEST(time, adjtimex_limits, .root = true)
{
	adjusts(limits);
}

static void runs_faster(void)
{
	static const clockid_t clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };
	struct timex t;
	long ppm;

	adjust((struct timex){ .modes = ADJ_TICK, .tick = 11000 }, &t);
	CHECK_EQ(t.tick, 11000);
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		ppm = faster_ppm(clocks[i], BILLION / 1000, BILLION / 5);
		CHECK_GE(ppm, 80000);
		CHECK_GE(120000, ppm);
	}
	adjust((struct timex){ .modes = ADJ_TICK, .tick = 9000 }, NULL);
	ppm = faster_ppm(CLOCK_MONOTONIC, BILLION / 1000, BILLION / 5);
	CHECK_GE(-80000, ppm);
	CHECK_GE(ppm, -120000);
	adjust((struct timex){ .modes = ADJ_TICK | ADJ_FREQUENCY, .tick = NORMAL,
			       .freq = 500 << 16 }, NULL);
	ppm = faster_ppm(CLOCK_MONOTONIC, BILLION / 10000, BILLION);
	CHECK_GE(ppm, 300);
	CHECK_GE(700, ppm);
}

TEST(time, adjtimex_rate, .root = true)
{
	adjusts(runs_faster);
}

/* Sleeps end by the clock that has been made faster, and never before. */
static void sleeps_by_it(void)
{
	struct timespec ts = { 0, BILLION / 10 };
	long end;

	for (int tick = 9000; tick <= 11000; tick += 1000) {
		adjust((struct timex){ .modes = ADJ_TICK, .tick = tick }, NULL);
		end = read_ns(CLOCK_MONOTONIC) + ts.tv_nsec;
		CHECK_OK(nanosleep(&ts, NULL));
		CHECK_GE(read_ns(CLOCK_MONOTONIC), end);
	}
}

TEST(time, adjtimex_sleep, .root = true)
{
	adjusts(sleeps_by_it);
}

static void never_back(void)
{
	long last = read_ns(CLOCK_MONOTONIC), now;
	pid_t pid = child();

	if (!pid) {
		for (int i = 0; i < 500; i++)
			adjust((struct timex){ .modes = ADJ_TICK, .tick = i % 2 ? 9000 : 11000 },
			       NULL);
		_exit(0);
	}
	do {
		now = read_ns(CLOCK_MONOTONIC);
		CHECK_GE(now, last);
		last = now;
	} while (!waitpid(pid, NULL, WNOHANG));
}

TEST(time, adjtimex_never_back, .root = true)
{
	adjusts(never_back);
}

/* What adjtime(3) has left to do, in us. */
static long slew_left(void)
{
	struct timex t;

	adjust((struct timex){ .modes = ADJ_OFFSET_SS_READ, .offset = 77 }, &t);
	return t.offset;
}

static void slews(void)
{
	struct pair begin = pair_read(CLOCK_MONOTONIC, BILLION / 10000), end;
	struct timex t;
	long by;

	adjust((struct timex){ .modes = ADJ_OFFSET_SINGLESHOT, .offset = 1000 }, &t);
	CHECK_EQ(t.offset, 0);
	while (slew_left())
		usleep(50000);
	/* The last part of it takes a second. */
	sleep(2);
	end = pair_read(CLOCK_MONOTONIC, BILLION / 10000);
	by = end.other - begin.other - (end.raw - begin.raw);
	/* On a busy machine a second of it may begin late. */
	CHECK_GE(by, 500000);
	CHECK_GE(2000000, by);
	/* Another one takes its place, and it is told what was left. */
	adjust((struct timex){ .modes = ADJ_OFFSET_SINGLESHOT, .offset = -BILLION }, NULL);
	adjust((struct timex){ .modes = ADJ_OFFSET_SINGLESHOT, .offset = 5 * BILLION }, &t);
	CHECK_GE(0, t.offset);
	CHECK_GE(t.offset, -BILLION);
	CHECK_GE(slew_left(), 4 * BILLION);
	/* Who sets the clock has settled it. */
	adjust((struct timex){ .modes = ADJ_SETOFFSET }, &t);
	CHECK_EQ(slew_left(), 0);
	CHECK_EQ(t.maxerror, ERROR_MAX);
}

TEST(time, adjtimex_slew, .root = true)
{
	adjusts(slews);
}

static void phase_locked(void)
{
	struct timex t;
	long before;

	/* Nobody listens. */
	adjust((struct timex){ .modes = ADJ_OFFSET | ADJ_NANO, .offset = 5000000 }, &t);
	CHECK_EQ(t.offset, 0);
	adjust((struct timex){ .modes = ADJ_STATUS | ADJ_MICRO, .status = STA_PLL }, NULL);
	adjust((struct timex){ .modes = ADJ_OFFSET, .offset = -5000 }, &t);
	CHECK_EQ(t.offset, -5000);
	adjust((struct timex){ .modes = ADJ_OFFSET | ADJ_NANO, .offset = 2 * BILLION }, &t);
	CHECK_EQ(t.offset, BILLION / 2);
	adjust((struct timex){ .modes = ADJ_OFFSET | ADJ_TIMECONST, .offset = -4000000 }, &t);
	before = t.offset;
	CHECK_EQ(before, -4000000);
	/* A quarter of it each second. */
	while (adjust((struct timex){ 0 }, &t), t.offset < -2000000) {
		CHECK_GE(t.offset, before);
		before = t.offset;
		usleep(50000);
	}
	CHECK_GE(0, t.offset);
}

TEST(time, adjtimex_offset, .root = true)
{
	adjusts(phase_locked);
}

static void tai_moves(void)
{
	static const long bad[] = { -1, 100001, LONG_MAX };
	struct timespec until;
	struct timex t;
	pid_t pid;

	adjust((struct timex){ .modes = ADJ_TAI, .constant = 37 }, &t);
	CHECK_EQ(t.tai, 37);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		adjust((struct timex){ .modes = ADJ_TAI, .constant = bad[i] }, &t);
		CHECK_EQ(t.tai, 37);
	}
	CHECK_GE(read_ns(CLOCK_TAI), read_ns(CLOCK_REALTIME) + 36 * BILLION);
	/* Who waits for a time of that clock is told that it was set. */
	CHECK_OK(clock_gettime(CLOCK_TAI, &until));
	until.tv_sec += 50000;
	pid = child();
	if (!pid) {
		CHECK_EQ(clock_nanosleep(CLOCK_TAI, TIMER_ABSTIME, &until, NULL), 0);
		_exit(0);
	}
	wait_state(pid, "S");
	adjust((struct timex){ .modes = ADJ_TAI, .constant = 100000 }, NULL);
	expect_exit(pid, 0);
}

TEST(time, adjtimex_tai, .root = true)
{
	adjusts(tai_moves);
}
