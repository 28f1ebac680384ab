/*
 * adjtimex(2), clock_adjtime(2): what there is to read of a clock that nobody disciplines. It runs
 * as the machine's timer does; only steps change it, here as by clock_settime(2).
 */
#include "kernel/clocktimer.h"
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uapi/timex.h"
#include "mm/usercopy.h"

/* ADJ_SETOFFSET: the sum of both fields, so that only the first is negative for a step back. */
static int step(const struct timex *t)
{
	int64_t unit = t->modes & ADJ_NANO ? 1 : NSEC_PER_USEC, part = t->time.tv_usec;
	int err;

	if (part < 0 || part >= (int64_t)NSEC_PER_SEC / unit)
		return -EINVAL;
	err = time_step_realtime(t->time.tv_sec, (uint32_t)(part * unit));
	if (!err)
		clock_was_set();
	return err;
}

/* What is asked for, if it can be done. */
static int change(const struct timex *t)
{
	bool steps = t->modes & ADJ_SETOFFSET && !(t->modes & ~(ADJ_SETOFFSET | ADJ_NANO));

	if ((t->modes & ADJ_ADJTIME) && !(t->modes & ADJ_OFFSET))
		return -EINVAL;
	if (!t->modes || t->modes == ADJ_OFFSET_SS_READ)
		return 0;
	if (!cred_capable(CAP_SYS_TIME))
		return -EPERM;
	return steps ? step(t) : -EINVAL;
}

/* Linux's numbers of a clock that was never told anything. */
static long adjust(uaddr_t user, struct timex *t)
{
	int err = change(t);

	if (err)
		return err;
	*t = (struct timex){
		.modes = t->modes,
		.maxerror = 16000000,
		.esterror = 16000000,
		.status = STA_UNSYNC,
		.constant = 2,
		.precision = 1,
		.tolerance = 500 << 16,
		.time = ns_timeval(time_realtime()),
		.tick = 10000,
	};
	return copy_to_user(user, t, sizeof(*t)) ? -EFAULT : TIME_ERROR;
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
