/*
 * adjtimex(2), clock_adjtime(2): what there is to read of a clock that nobody disciplines. It runs
 * as the machine's timer does; clock_settime(2) is the way to change it.
 */
#include "kernel/process.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uapi/timex.h"
#include "mm/usercopy.h"

/* Linux's numbers of a clock that was never told anything. */
static long adjust(uaddr_t user, struct timex *t)
{
	if ((t->modes & ADJ_ADJTIME) && !(t->modes & ADJ_OFFSET))
		return -EINVAL;
	if (t->modes && t->modes != ADJ_OFFSET_SS_READ)
		return cred_capable(CAP_SYS_TIME) ? -EINVAL : -EPERM;
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
