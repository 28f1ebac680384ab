/*
 * The system calls about time.
 */
#include "kernel/clocktimer.h"
#include "kernel/cpuclock.h"
#include "kernel/mem/slab.h"
#include "kernel/ntp.h"
#include "kernel/process.h"
#include "kernel/rusage.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uapi/time.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define ZONE_MAX (15 * 60) /* minutes from UTC */

/* A clock's time, or -EINVAL. Negative ids name the CPU clock of a process or thread. */
static int clock_read(int id, uint64_t *ns)
{
	struct usage u;

	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		*ns = time_realtime();
		return 0;
	case CLOCK_TAI:
		*ns = time_realtime() + ntp_tai_ns();
		return 0;
	case CLOCK_MONOTONIC_RAW:
		*ns = time_raw_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
		*ns = time_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		usage_of_process(current()->process, &u);
		*ns = u.utime + u.stime;
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = thread_cpu_time(current());
		return 0;
	default:
		return -EINVAL;
	}
}

/* clock_getcpuclockid(3): ~pid << 3 | kind, bit 2 for a thread; kind 2 is the run time. */
static int cpu_clock_read(int id, uint64_t *ns)
{
	pid_t pid = (pid_t)(~(uint32_t)id >> 3);
	struct process *p;
	struct thread *t;
	struct usage u;

	if ((id & 3) == 3)
		return -EINVAL;
	if (id & 4) {
		t = thread_find(pid ? pid : current()->tid);
		if (!t)
			return -EINVAL;
		if (t->process == current()->process)
			*ns = thread_cpu_time(t);
		pid = t->process == current()->process ? 0 : -EINVAL;
		thread_unfind(t);
		return pid;
	}
	p = process_find(pid ? pid : current()->process->pid);
	if (!p)
		return -EINVAL;
	usage_of_process(p, &u);
	process_put(p);
	*ns = u.utime + u.stime;
	return 0;
}

SYSCALL2(clock_gettime, int, id, uaddr_t, out)
{
	struct timespec64 ts;
	uint64_t ns;
	int err = id < 0 ? cpu_clock_read(id, &ns) : clock_read(id, &ns);

	if (err)
		return err;
	ts = ns_timespec(ns);
	return copy_to_user(out, &ts, sizeof(ts));
}

SYSCALL2(clock_getres, int, id, uaddr_t, out)
{
	struct timespec64 ts = {0, 1};
	uint64_t ns;
	int err = id < 0 ? cpu_clock_read(id, &ns) : clock_read(id, &ns);

	if (err)
		return err;
	return out ? copy_to_user(out, &ts, sizeof(ts)) : 0;
}

/* Who may sets CLOCK_REALTIME. */
static int set_clock(const struct timespec64 *ts)
{
	int err;

	if (!timespec_valid(ts))
		return -EINVAL;
	if (!cred_capable(CAP_SYS_TIME))
		return -EPERM;
	err = time_set_realtime(timespec_ns(ts));
	if (!err)
		ntp_clock_was_set();
	return err;
}

SYSCALL2(clock_settime, int, id, uaddr_t, in)
{
	struct timespec64 ts;
	uint64_t ns;

	if (id > CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&ts, in, sizeof(ts)))
		return -EFAULT;
	/* Nobody sets a CPU clock, but it has to be one. */
	if (id < 0)
		return cpu_clock_read(id, &ns) ? -EINVAL : -EPERM;
	return set_clock(&ts);
}

/* What settimeofday(2) was told last; the kernel itself knows UTC only. */
static struct timezone zone; /* one word, read and written at once */

SYSCALL2(gettimeofday, uaddr_t, tv, uaddr_t, tz)
{
	struct timeval64 v = ns_timeval(time_realtime());
	struct timezone z;

	__atomic_load(&zone, &z, __ATOMIC_RELAXED);
	if (tv && copy_to_user(tv, &v, sizeof(v)))
		return -EFAULT;
	if (tz && copy_to_user(tz, &z, sizeof(z)))
		return -EFAULT;
	return 0;
}

static int set_zone(const struct timezone *z)
{
	if (!cred_capable(CAP_SYS_TIME))
		return -EPERM;
	if (z->minutes_west < -ZONE_MAX || z->minutes_west > ZONE_MAX)
		return -EINVAL;
	__atomic_store(&zone, z, __ATOMIC_RELAXED);
	return 0;
}

SYSCALL2(settimeofday, uaddr_t, tv, uaddr_t, tz)
{
	struct timeval64 v;
	struct timespec64 ts;
	struct timezone z;
	int err = 0;

	if (tv && copy_from_user(&v, tv, sizeof(v)))
		return -EFAULT;
	if (tv && (v.tv_sec < 0 || v.tv_usec < 0 || v.tv_usec >= 1000000))
		return -EINVAL;
	if (tz && copy_from_user(&z, tz, sizeof(z)))
		return -EFAULT;
	if (tz || !tv)
		err = tz ? set_zone(&z) : cred_capable(CAP_SYS_TIME) ? 0 : -EPERM;
	if (err || !tv)
		return err;
	ts = (struct timespec64){v.tv_sec, v.tv_usec * 1000};
	return set_clock(&ts);
}

/* Sleep until the deadline. If a signal ends it early, *left gets what remains. */
static int sleep_until(uint64_t deadline, uint64_t *left)
{
	struct waitqueue never;
	uint64_t now;
	int err;

	waitqueue_init(&never);
	err = wait_event_deadline(&never, false, WAIT_INTERRUPTIBLE, deadline);
	if (err == -ETIMEDOUT)
		return 0;
	now = time_ns();
	*left = deadline > now ? deadline - now : 0;
	return *left ? err : 0;
}

static int report_left(uaddr_t uleft, uint64_t left)
{
	struct timespec64 ts = ns_timespec(left);

	return uleft && copy_to_user(uleft, &ts, sizeof(ts)) ? -EFAULT : 0;
}

/* After a stop and SIGCONT the sleep goes on to its old end (restart_syscall(2)). */
static long restart_sleep(struct restart_block *r)
{
	uint64_t left;
	int err = sleep_until(r->args[0], &left);

	if (!err)
		return 0;
	err = report_left(r->args[1], left);
	return err ? err : -ERESTART_RESTARTBLOCK;
}

static long sleep_relative(const struct timespec64 *ts, uaddr_t uleft)
{
	uint64_t deadline = time_add(time_ns(), timespec_ns(ts));
	struct restart_block *r = &current()->restart;

	r->func = restart_sleep;
	r->args[0] = deadline;
	r->args[1] = uleft;
	return restart_sleep(r);
}

SYSCALL0(restart_syscall)
{
	struct restart_block *r = &current()->restart;

	return r->func ? r->func(r) : -EINTR;
}

SYSCALL2(nanosleep, uaddr_t, in, uaddr_t, uleft)
{
	struct timespec64 ts;

	if (copy_from_user(&ts, in, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	return sleep_relative(&ts, uleft);
}

/* Sleep until a clock that may be set meanwhile has reached a time. */
static int sleep_wall(int clock, uint64_t until)
{
	struct wall_alarm alarm;
	struct waitqueue wait;
	int err;

	waitqueue_init(&wait);
	wall_alarm_set(&alarm, clock, until, &wait);
	err = wait_event(&wait, wall_alarm_over(&alarm), WAIT_INTERRUPTIBLE);
	wall_alarm_cancel(&alarm);
	return err;
}

struct cpu_sleep {
	struct cpu_alarm alarm;
	struct waitqueue wait;
	bool over;
};

static void cpu_sleep_over(struct cpu_alarm *a, uint64_t n)
{
	struct cpu_sleep *s = container_of(a, struct cpu_sleep, alarm);

	__atomic_store_n(&s->over, true, __ATOMIC_RELEASE);
	wake_all(&s->wait);
}

/* Sleep while others of the process use up CPU time. *left: what is missing. */
static int cpu_sleep(int clock, bool absolute, uint64_t ns, uint64_t *left)
{
	struct cpu_sleep s = {.over = !ns};
	uint64_t none;
	int err = cpu_alarm_init(&s.alarm, clock, cpu_sleep_over);

	if (err)
		return err;
	/* A thread that waited for its own time would wait for ever. */
	if (s.alarm.thread == current()) {
		cpu_alarm_destroy(&s.alarm);
		return -EINVAL;
	}
	waitqueue_init(&s.wait);
	cpu_alarm_set(&s.alarm, ns, 0, absolute, left, &none);
	err = wait_event(&s.wait, __atomic_load_n(&s.over, __ATOMIC_ACQUIRE), WAIT_INTERRUPTIBLE);
	cpu_alarm_set(&s.alarm, 0, 0, false, left, &none);
	cpu_alarm_destroy(&s.alarm);
	return err;
}

static long restart_sleep_cpu(struct restart_block *r)
{
	uint64_t left;
	long err = cpu_sleep((int)r->args[0], false, r->args[1], &left);

	if (err != -ERESTARTSYS)
		return err;
	r->args[1] = left;
	err = report_left(r->args[2], left);
	return err ? err : -ERESTART_RESTARTBLOCK;
}

static long sleep_cpu(int clock, bool absolute, uint64_t ns, uaddr_t uleft)
{
	struct restart_block *r = &current()->restart;
	uint64_t left;
	long err;

	if (absolute) {
		err = cpu_sleep(clock, true, ns, &left);
		return err == -ERESTARTSYS ? -ERESTARTNOHAND : err;
	}
	r->func = restart_sleep_cpu;
	r->args[0] = (uint64_t)clock;
	r->args[1] = ns;
	r->args[2] = uleft;
	return restart_sleep_cpu(r);
}

SYSCALL4(clock_nanosleep, int, id, int, flags, uaddr_t, in, uaddr_t, uleft)
{
	struct timespec64 ts;
	uint64_t left;
	int err;

	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		break;
	case CLOCK_PROCESS_CPUTIME_ID:
		break;
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		if (id >= 0)
			return -EINVAL;
	}
	if (copy_from_user(&ts, in, sizeof(ts)))
		return -EFAULT;
	if (!timespec_valid(&ts))
		return -EINVAL;
	if (id < 0 || id == CLOCK_PROCESS_CPUTIME_ID)
		return sleep_cpu(id, flags & TIMER_ABSTIME, timespec_ns(&ts), uleft);
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative(&ts, uleft);
	err = id == CLOCK_REALTIME || id == CLOCK_TAI ? sleep_wall(id, timespec_ns(&ts))
						      : sleep_until(timespec_ns(&ts), &left);
	return err ? -ERESTARTNOHAND : 0;
}

static void itimer_fired(struct timer *t)
{
	struct process *p = t->data;
	uint64_t interval = __atomic_load_n(&p->itimer_interval, __ATOMIC_RELAXED);

	signal_process(p, SIGALRM, NULL);
	/*
	 * Next from when it was due, so that late handling does not add up; but a hart must get
	 * to do something else between two, however short the interval.
	 */
	if (interval)
		timer_set(t, MAX(t->when + interval, time_ns() + TIMER_PERIOD_MIN));
}

/* itimer_lock held. */
static void itimer_get_locked(struct process *p, struct itimerval64 *v)
{
	uint64_t now = time_ns(), left = 0;
	struct timer *t = p->itimer_real;

	if (t && t->base && !rb_unlinked(&t->node))
		left = t->when > now ? t->when - now : NSEC_PER_USEC;
	v->it_value = ns_timeval(left);
	v->it_interval = ns_timeval(p->itimer_interval);
}

static void itimer_get(struct process *p, struct itimerval64 *v)
{
	uint64_t irq = spin_lock_irq(&p->itimer_lock);

	itimer_get_locked(p, v);
	spin_unlock_irq(&p->itimer_lock, irq);
}

/* Set (value is not NULL) and get a timer of CPU time; a remainder below 1 us counts as 1 us. */
static void cpu_itimer(struct process *p, int which, const uint64_t *value, uint64_t interval,
		       struct itimerval64 *old)
{
	uint64_t left, old_interval;

	cpu_timer_swap(p, which - ITIMER_VIRTUAL, value, interval, &left, &old_interval);
	old->it_value = ns_timeval(left ? MAX(left, NSEC_PER_USEC) : 0);
	old->it_interval = ns_timeval(old_interval);
}

static bool timeval_ns(const struct timeval64 *v, uint64_t *ns)
{
	if (v->tv_sec < 0 || v->tv_usec < 0 || v->tv_usec >= 1000000)
		return false;
	*ns = v->tv_sec >= INT64_MAX / (int64_t)NSEC_PER_SEC
		      ? INT64_MAX
		      : v->tv_sec * NSEC_PER_SEC + v->tv_usec * NSEC_PER_USEC;
	return true;
}

SYSCALL2(getitimer, int, which, uaddr_t, out)
{
	struct itimerval64 v;

	if (which == ITIMER_REAL)
		itimer_get(current()->process, &v);
	else if (which == ITIMER_VIRTUAL || which == ITIMER_PROF)
		cpu_itimer(current()->process, which, NULL, 0, &v);
	else
		return -EINVAL;
	return copy_to_user(out, &v, sizeof(v));
}

static int real_itimer_set(struct process *p, uint64_t value, uint64_t interval,
			   struct itimerval64 *old)
{
	struct timer *t = NULL;
	uint64_t irq;

	if (!p->itimer_real && value) {
		t = kmalloc(sizeof(*t));
		if (!t)
			return -ENOMEM;
		timer_init(t, itimer_fired, p);
	}
	irq = spin_lock_irq(&p->itimer_lock);
	if (!p->itimer_real) {
		p->itimer_real = t;
		t = NULL;
	}
	itimer_get_locked(p, old);
	if (p->itimer_real) {
		p->itimer_interval = 0;
		timer_cancel(p->itimer_real);
		p->itimer_interval = value ? interval : 0;
		if (value)
			timer_set(p->itimer_real, time_add(time_ns(), value));
	}
	spin_unlock_irq(&p->itimer_lock, irq);
	kfree(t); /* another thread was first */
	return 0;
}

SYSCALL3(setitimer, int, which, uaddr_t, in, uaddr_t, out)
{
	struct process *p = current()->process;
	struct itimerval64 v = {0}, old;
	uint64_t value, interval;
	int err = 0;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (in && copy_from_user(&v, in, sizeof(v)))
		return -EFAULT;
	if (!timeval_ns(&v.it_value, &value) || !timeval_ns(&v.it_interval, &interval))
		return -EINVAL;
	if (which == ITIMER_REAL)
		err = real_itimer_set(p, value, interval, &old);
	else
		cpu_itimer(p, which, &value, interval, &old);
	if (err)
		return err;
	return out ? copy_to_user(out, &old, sizeof(old)) : 0;
}
