/* time: adjtimex, clock_adjtime: reading, and who may not change. */
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
