/*
 * adjtimex(2), clock_adjtime(2): what may be asked for, and by whom.
 */
#include "kernel/clocktimer.h"
#include "kernel/ntp.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uapi/timex.h"
#include "mm/usercopy.h"

#define TICK_MIN 9000 /* us: nobody's quartz is off by more than a tenth */
#define TICK_MAX 11000
#define FREQ_MAX (INT64_MAX / 65536000) /* more does not fit in ns << 32 */

static int64_t step_unit(const struct timex *t)
{
	return t->modes & ADJ_NANO ? 1 : NSEC_PER_USEC;
}

/* adjtime(3) sets, or reads, nothing but what is slewed; all else needs the privilege. */
static int may_adjust(const struct timex *t)
{
	if (t->modes & ADJ_ADJTIME) {
		if (!(t->modes & ADJ_OFFSET))
			return -EINVAL;
		return t->modes & ADJ_READONLY || cred_capable(CAP_SYS_TIME) ? 0 : -EPERM;
	}
	if (t->modes && !cred_capable(CAP_SYS_TIME))
		return -EPERM;
	return t->modes & ADJ_TICK && (t->tick < TICK_MIN || t->tick > TICK_MAX) ? -EINVAL : 0;
}

/* 0 or -errno; nothing has been changed. */
static int check(const struct timex *t)
{
	int err = may_adjust(t);

	if (!err && t->modes & ADJ_SETOFFSET) {
		if (!cred_capable(CAP_SYS_TIME))
			return -EPERM;
		if (t->time.tv_usec < 0 ||
		    t->time.tv_usec >= (int64_t)NSEC_PER_SEC / step_unit(t))
			return -EINVAL;
	}
	if (!err && t->modes & ADJ_FREQUENCY && (t->freq < -FREQ_MAX || t->freq > FREQ_MAX))
		return -EINVAL;
	return err;
}

/* ADJ_SETOFFSET: the sum of both fields, so that only the first is negative for a step back. */
static int step(const struct timex *t)
{
	int err = time_step_realtime(t->time.tv_sec,
				     (uint32_t)(t->time.tv_usec * step_unit(t)));

	if (!err)
		ntp_clock_was_set();
	return err;
}

static long adjust(uaddr_t user, struct timex *t)
{
	int err = check(t);

	if (!err && t->modes && t->modes != ADJ_OFFSET_SS_READ)
		err = ntp_start();
	if (!err && t->modes & ADJ_SETOFFSET)
		err = step(t);
	if (!err)
		err = ntp_adjust(t);
	if (err < 0)
		return err;
	return copy_to_user(user, t, sizeof(*t)) ? -EFAULT : err;
}

SYSCALL1(adjtimex, uaddr_t, user)
{
	struct timex t;

	return copy_from_user(&t, user, sizeof(t)) ? -EFAULT : adjust(user, &t);
}

/* A clock that is one, but is not adjusted; those of processes among them. */
static bool clock_exists(int id)
{
	return id < 0 ? (id & 3) != 3 : id <= CLOCK_TAI && id != CLOCK_TAI - 1;
}

SYSCALL2(clock_adjtime, int, id, uaddr_t, user)
{
	struct timex t;

	if (copy_from_user(&t, user, sizeof(t)))
		return -EFAULT;
	if (id == CLOCK_REALTIME)
		return adjust(user, &t);
	return clock_exists(id) ? -EOPNOTSUPP : -EINVAL;
}
