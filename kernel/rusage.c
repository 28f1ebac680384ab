/*
 * getrusage(2), times(2), and resource limits.
 */
#include "kernel/rusage.h"

#include "kernel/process.h"
#include "kernel/sched.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uapi/time.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/pagetable.h"
#include "mm/usercopy.h"

#define NSEC_PER_CLOCK_TICK (NSEC_PER_SEC / 100)

uint64_t nr_open = NR_OPEN_MAX;

static void add_thread(struct usage *u, struct thread *t)
{
	uint64_t user, system;

	thread_cpu_times(t, &user, &system);
	u->utime += user;
	u->stime += system;
	u->minflt += t->minflt;
	u->majflt += t->majflt;
	u->nvcsw += t->nvcsw;
	u->nivcsw += t->nivcsw;
}

void usage_of_thread(struct thread *t, struct usage *out)
{
	*out = (struct usage){0};
	add_thread(out, t);
}

static void add(struct usage *to, const struct usage *u)
{
	to->utime += u->utime;
	to->stime += u->stime;
	to->minflt += u->minflt;
	to->majflt += u->majflt;
	to->nvcsw += u->nvcsw;
	to->nivcsw += u->nivcsw;
}

void usage_of_process_locked(struct process *p, struct usage *out)
{
	struct thread *t;

	*out = p->dead_threads;
	list_for_each_entry(t, &p->threads, process_link)
		add_thread(out, t);
}

void usage_of_process(struct process *p, struct usage *out)
{
	uint64_t irq = spin_lock_irq(&p->siglock);

	usage_of_process_locked(p, out);
	spin_unlock_irq(&p->siglock, irq);
}

static uint64_t cpu_timer_clock(struct process *p, int which)
{
	struct usage u;

	usage_of_process_locked(p, &u);
	return which ? u.utime + u.stime : u.utime;
}

void cpu_timer_swap(struct process *p, int which, const uint64_t *value, uint64_t new_interval,
		    uint64_t *left, uint64_t *interval)
{
	struct cpu_timer *timer = &p->cpu_timers[which];
	uint64_t irq = spin_lock_irq(&p->siglock);
	uint64_t now = cpu_timer_clock(p, which);

	*left = 0;
	if (timer->expires)
		*left = timer->expires > now ? timer->expires - now : 1;
	*interval = timer->interval;
	if (value) {
		timer->expires = *value ? now + *value : 0;
		timer->interval = new_interval;
	}
	spin_unlock_irq(&p->siglock, irq);
}

void cpu_timers_check(struct thread *t)
{
	static const int sigs[] = {SIGVTALRM, SIGPROF};
	struct process *p = t->process;

	for (int i = 0; i < 2; i++) {
		struct cpu_timer *timer = &p->cpu_timers[i];
		bool due = false;
		uint64_t irq, now;

		if (likely(!__atomic_load_n(&timer->expires, __ATOMIC_RELAXED)))
			continue;
		irq = spin_lock_irq(&p->siglock);
		now = cpu_timer_clock(p, i);
		if (timer->expires && now >= timer->expires) {
			due = true;
			timer->expires = timer->interval ? now + timer->interval : 0;
		}
		spin_unlock_irq(&p->siglock, irq);
		if (due)
			signal_process(p, sigs[i], NULL);
	}
}

/*
 * RLIMIT_CPU (setrlimit(2)): SIGXCPU at the soft limit and every second after it, SIGKILL at the
 * hard one. From the timer tick of a running thread, so at a tick's precision.
 */
void rlimit_cpu_check(struct thread *t)
{
	struct process *p = t->process;
	uint64_t soft = p->rlimits[RLIMIT_CPU].cur, seconds;
	struct usage u;

	if (likely(soft == RLIM_INFINITY))
		return;
	usage_of_process(p, &u);
	seconds = (u.utime + u.stime) / NSEC_PER_SEC;
	if (seconds >= p->rlimits[RLIMIT_CPU].max) {
		signal_process(p, SIGKILL, NULL);
	} else if (seconds >= soft && seconds > p->cpu_warned) {
		p->cpu_warned = seconds;
		signal_process(p, SIGXCPU, NULL);
	}
}

/*
 * RLIMIT_RTTIME: so many microseconds may a real-time thread run without sleeping. Each SIGXCPU
 * puts the soft limit a second further. As in Linux a tick counts for one however late it comes: a
 * machine that stood still is not the thread's fault.
 */
void rlimit_rt_check(struct thread *t)
{
	struct rlimit64 *limit = &t->process->rlimits[RLIMIT_RTTIME];
	uint64_t now, irq, soft = limit->cur;

	if (likely(soft == RLIM_INFINITY) || !thread_is_rt(t))
		return;
	if (t->rt_sleeps != t->nvcsw)
		t->rt_used = 0;
	t->rt_sleeps = t->nvcsw;
	now = thread_cpu_time(t);
	t->rt_used += MIN(now - t->rt_seen, TICK_NS);
	t->rt_seen = now;
	if (t->rt_used / NSEC_PER_USEC >= limit->max) {
		signal_process(t->process, SIGKILL, NULL);
	} else if (t->rt_used / NSEC_PER_USEC >= soft) {
		irq = spin_lock_irq(&t->process->siglock);
		/* Unless it was set meanwhile. */
		if (limit->cur == soft)
			limit->cur = soft + 1000000;
		spin_unlock_irq(&t->process->siglock, irq);
		signal_process(t->process, SIGXCPU, NULL);
	}
}

static void to_rusage(const struct usage *u, uint64_t maxrss, struct rusage *out)
{
	memset(out, 0, sizeof(*out));
	out->ru_utime = ns_timeval(u->utime);
	out->ru_stime = ns_timeval(u->stime);
	out->ru_maxrss = maxrss * (PAGE_SIZE / KiB);
	out->ru_minflt = u->minflt;
	out->ru_majflt = u->majflt;
	out->ru_nvcsw = u->nvcsw;
	out->ru_nivcsw = u->nivcsw;
}

void rusage_of_process(struct process *p, struct rusage *out)
{
	struct usage u;

	usage_of_process(p, &u);
	add(&u, &p->dead_children);
	to_rusage(&u, MAX(p->maxrss, p->children_maxrss), out);
}

/* What is resident, and the most that ever was. (a) */
static void count_resident(struct aspace *as, struct aspace_stats *out)
{
	uint64_t anon;

	pt_count_pages(vma_first(&as->areas), &anon, &out->shared, &out->swapped);
	out->rss = anon + out->shared;
	if (out->rss > as->peak_rss)
		as->peak_rss = out->rss;
	out->peak_rss = as->peak_rss;
}

uint64_t aspace_peak_rss(struct aspace *as)
{
	struct aspace_stats s;

	rwlock_read(&as->lock);
	count_resident(as, &s);
	rwlock_read_unlock(&as->lock);
	return s.peak_rss;
}

void aspace_stats(struct aspace *as, struct aspace_stats *out)
{
	memset(out, 0, sizeof(*out));
	rwlock_read(&as->lock);
	count_resident(as, out);
	out->size = as->pages;
	out->locked = as->locked_pages;
	out->data = as->data_pages;
	for (struct vma *v = vma_first(&as->areas); v; v = v->next) {
		if (v->flags & VMA_GROWSDOWN)
			out->stack += vma_pages(v);
		else if ((v->prot & PROT_EXEC) && !(v->prot & PROT_WRITE))
			out->text += vma_pages(v);
	}
	rwlock_read_unlock(&as->lock);
}

SYSCALL2(getrusage, int, who, uaddr_t, out)
{
	struct process *p = current()->process;
	struct usage u = {0};
	struct rusage r;
	uint64_t maxrss = MAX(p->maxrss, aspace_peak_rss(current()->aspace));

	switch (who) {
	case RUSAGE_SELF:
		usage_of_process(p, &u);
		break;
	case RUSAGE_CHILDREN:
		u = p->dead_children;
		maxrss = p->children_maxrss;
		break;
	case RUSAGE_THREAD:
		usage_of_thread(current(), &u);
		break;
	default:
		return -EINVAL;
	}
	to_rusage(&u, maxrss, &r);
	return copy_to_user(out, &r, sizeof(r));
}

SYSCALL1(times, uaddr_t, out)
{
	struct process *p = current()->process;
	struct usage u;
	int64_t tms[4];

	if (out) {
		usage_of_process(p, &u);
		tms[0] = u.utime / NSEC_PER_CLOCK_TICK;
		tms[1] = u.stime / NSEC_PER_CLOCK_TICK;
		tms[2] = p->dead_children.utime / NSEC_PER_CLOCK_TICK;
		tms[3] = p->dead_children.stime / NSEC_PER_CLOCK_TICK;
		if (copy_to_user(out, tms, sizeof(tms)))
			return -EFAULT;
	}
	return time_ns() / NSEC_PER_CLOCK_TICK;
}

static int set_limit(struct process *p, int which, const struct rlimit64 *l)
{
	uint64_t irq;
	int err = 0;

	if (l->cur > l->max)
		return -EINVAL;
	if (which == RLIMIT_NOFILE && l->max > nr_open)
		return -EPERM;
	irq = spin_lock_irq(&p->siglock);
	if (l->max > p->rlimits[which].max && !cred_capable(CAP_SYS_RESOURCE))
		err = -EPERM;
	else
		p->rlimits[which] = *l;
	spin_unlock_irq(&p->siglock, irq);
	return err;
}

static bool may_change_limits(struct process *p)
{
	const struct cred *me = current()->cred, *c;
	bool same;

	if (p == current()->process || cred_capable(CAP_SYS_RESOURCE))
		return true;
	c = cred_of(p);
	same = me->uid == c->uid && me->uid == c->euid && me->uid == c->suid &&
	       me->gid == c->gid && me->gid == c->egid && me->gid == c->sgid;
	cred_put(c);
	return same;
}

SYSCALL4(prlimit64, pid_t, pid, uint32_t, which, uaddr_t, new, uaddr_t, old)
{
	struct process *p;
	struct rlimit64 l, was;
	int err = 0;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	if (new && copy_from_user(&l, new, sizeof(l)))
		return -EFAULT;
	p = process_find(pid ? pid : current()->process->pid);
	if (!p)
		return -ESRCH;
	if (!may_change_limits(p)) {
		err = -EPERM;
	} else {
		was = p->rlimits[which];
		if (new)
			err = set_limit(p, which, &l);
	}
	process_put(p);
	if (!err && old && copy_to_user(old, &was, sizeof(was)))
		err = -EFAULT;
	return err;
}

SYSCALL2(getrlimit, uint32_t, which, uaddr_t, out)
{
	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	return copy_to_user(out, &current()->process->rlimits[which], sizeof(struct rlimit64));
}

SYSCALL2(setrlimit, uint32_t, which, uaddr_t, in)
{
	struct rlimit64 l;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	if (copy_from_user(&l, in, sizeof(l)))
		return -EFAULT;
	return set_limit(current()->process, which, &l);
}
