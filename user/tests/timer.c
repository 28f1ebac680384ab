/* POSIX timers, interval timers of CPU time, sleeps on CPU clocks. */
#include "ut.h"

#include <pthread.h>
#include <sys/time.h>
#include <time.h>

#define SECOND 1000000000L
#define sigev_tid _sigev_un._tid

static struct itimerspec in_ns(long first, long period)
{
	return (struct itimerspec){ { period / SECOND, period % SECOND },
				    { first / SECOND, first % SECOND } };
}

/* The kernel's own calls: libc keeps other numbers. */
static int make(int clock, int notify, int sig, int value)
{
	struct sigevent e = { .sigev_notify = notify, .sigev_signo = sig,
			      .sigev_value.sival_int = value };
	int id = -1;

	e.sigev_tid = (int)syscall(SYS_gettid);
	CHECK_OK(syscall(SYS_timer_create, clock, &e, &id));
	return id;
}

static void set(int id, long first, long period)
{
	struct itimerspec t = in_ns(first, period);

	CHECK_OK(syscall(SYS_timer_settime, id, 0, &t, NULL));
}

static sigset_t block(int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	CHECK_OK(sigprocmask(SIG_BLOCK, &s, NULL));
	return s;
}

static siginfo_t take(const sigset_t *s)
{
	struct timespec limit = { 60, 0 };
	siginfo_t info;

	CHECK_OK(sigtimedwait(s, &info, &limit));
	return info;
}

TEST(timer, once)
{
	sigset_t s = block(SIGUSR1);
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 42);
	uint64_t start = now_ns();
	struct itimerspec now;
	siginfo_t info;

	set(id, 20000000, 0);
	info = take(&s);
	CHECK_GE(now_ns() - start, 20000000);
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_value.sival_int, 42);
	CHECK_EQ(info.si_timerid, id);
	CHECK_EQ(info.si_overrun, 0);
	CHECK_OK(syscall(SYS_timer_gettime, id, &now));
	CHECK_EQ(now.it_value.tv_sec | now.it_value.tv_nsec, 0);
	CHECK_OK(syscall(SYS_timer_delete, id));
	CHECK_ERR(syscall(SYS_timer_delete, id), EINVAL);
}

TEST(timer, overrun)
{
	sigset_t s = block(SIGRTMIN);
	int id = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGRTMIN, 1);
	uint64_t start = now_ns();
	struct timespec nap = { 0, 50000000 };
	siginfo_t info;
	int n;

	set(id, 1000000, 1000000);
	CHECK_OK(nanosleep(&nap, NULL));
	info = take(&s);
	CHECK_GE(info.si_overrun, 40);
	CHECK_GE((now_ns() - start) / 1000000, info.si_overrun);
	n = (int)CHECK_OK(syscall(SYS_timer_getoverrun, id));
	CHECK_EQ(n, info.si_overrun);
	/* It goes on. */
	take(&s);
	set(id, 0, 0);
	CHECK_EQ(syscall(SYS_timer_getoverrun, id), 0);
}

TEST(timer, two_of_one_signal)
{
	sigset_t s = block(SIGALRM);
	int a = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 1);
	int b = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGALRM, 2);
	int sum;

	/* A standard signal, and yet neither is lost. */
	set(a, 1, 0);
	set(b, 1, 0);
	sum = take(&s).si_value.sival_int;
	CHECK_EQ(sum + take(&s).si_value.sival_int, 3);
}

TEST(timer, settings)
{
	int id = make(CLOCK_BOOTTIME, SIGEV_SIGNAL, SIGUSR1, 0);
	struct itimerspec t = in_ns(0, 0), now;

	set(id, 500 * SECOND, 3 * SECOND);
	CHECK_OK(syscall(SYS_timer_settime, id, 0, &t, &now));
	CHECK(now.it_value.tv_sec > 400 && now.it_value.tv_sec <= 500);
	CHECK_EQ(now.it_interval.tv_sec, 3);
	CHECK_OK(syscall(SYS_timer_gettime, id, &now));
	CHECK_EQ(now.it_value.tv_sec, 0);
	/* Nobody is told, but it runs: the next time lies within the period. */
	id = make(CLOCK_BOOTTIME, SIGEV_NONE, 0, 0);
	set(id, 1000000, 200 * SECOND);
	do
		CHECK_OK(syscall(SYS_timer_gettime, id, &now));
	while (now.it_value.tv_sec == 0);
	CHECK(now.it_value.tv_sec >= 100 && now.it_value.tv_sec <= 200);
}

TEST(timer, absolute)
{
	sigset_t s = block(SIGUSR2);
	int id = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR2, 0);
	struct itimerspec t = in_ns(0, 0);
	struct timespec now;

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &t.it_value));
	t.it_value.tv_sec++;
	CHECK_OK(syscall(SYS_timer_settime, id, TIMER_ABSTIME, &t, NULL));
	take(&s);
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &now));
	CHECK(now.tv_sec > t.it_value.tv_sec ||
	      (now.tv_sec == t.it_value.tv_sec && now.tv_nsec >= t.it_value.tv_nsec));
}

static void *sleeper(void *arg)
{
	sigset_t *s = arg;
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL | SIGEV_THREAD_ID, SIGUSR1, 7);

	set(id, 5000000, 0);
	CHECK_EQ(take(s).si_value.sival_int, 7);
	return NULL;
}

TEST(timer, thread_id)
{
	sigset_t s = block(SIGUSR1), pending;
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL | SIGEV_THREAD_ID,
			      .sigev_signo = SIGUSR1 };
	pthread_t t;
	int id;

	CHECK_EQ(pthread_create(&t, NULL, sleeper, &s), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_OK(sigpending(&pending));
	CHECK_EQ(sigismember(&pending, SIGUSR1), 0);
	/* Only threads of this process. */
	e.sigev_tid = 1;
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &id), EINVAL);
}

TEST(timer, cpu_clocks)
{
	sigset_t s = block(SIGUSR1), pending;
	static const int clocks[] = { CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };

	for (int i = 0; i < 2; i++) {
		int id = make(clocks[i], SIGEV_SIGNAL, SIGUSR1, i);
		struct timespec from, now;

		CHECK_OK(clock_gettime(clocks[i], &from));
		set(id, 30000000, 0);
		do
			CHECK_OK(sigpending(&pending));
		while (!sigismember(&pending, SIGUSR1));
		CHECK_OK(clock_gettime(clocks[i], &now));
		CHECK_GE((now.tv_sec - from.tv_sec) * SECOND + now.tv_nsec - from.tv_nsec,
			 30000000);
		CHECK_EQ(take(&s).si_value.sival_int, i);
		CHECK_OK(syscall(SYS_timer_delete, id));
	}
}

TEST(timer, errors)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0), other;
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
	struct itimerspec bad = in_ns(SECOND, 0);

	bad.it_value.tv_nsec = SECOND;
	CHECK_ERR(syscall(SYS_timer_create, 12345, NULL, &other), EINVAL);
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC_COARSE, NULL, &other), EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &other), EINVAL);
	e.sigev_notify = 99;
	e.sigev_signo = SIGUSR1;
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, &e, &other), EINVAL);
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, 8, &other), EFAULT);
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, 8), EFAULT);
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, &bad, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, NULL, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_settime, id, 0, 8, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_timer_settime, 77, 0, &bad, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_gettime, 77, &bad), EINVAL);
	CHECK_ERR(syscall(SYS_timer_gettime, id, 8), EFAULT);
	CHECK_ERR(syscall(SYS_timer_getoverrun, 77), EINVAL);
}

TEST(timer, not_inherited)
{
	sigset_t s = block(SIGUSR1);
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0), status;
	struct itimerspec now;
	char number[16];
	pid_t pid;

	set(id, 500 * SECOND, 0);
	pid = child();
	if (pid == 0) {
		CHECK_ERR(syscall(SYS_timer_gettime, id, &now), EINVAL);
		/* Gone at exec. */
		id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGKILL, 0);
		set(id, 500 * SECOND, 0);
		snprintf(number, sizeof(number), "%d", id);
		exec_helper("timer", number);
	}
	status = status_of(pid);
	CHECK_EQ(WEXITSTATUS(status), EINVAL);
	CHECK_OK(syscall(SYS_timer_gettime, id, &now));
	CHECK(now.it_value.tv_sec > 300);
	(void)s;
}

static volatile sig_atomic_t caught;

static void catch(int sig)
{
	caught = sig;
}

TEST(timer, itimers_of_cpu_time)
{
	static const int which[] = { ITIMER_VIRTUAL, ITIMER_PROF };
	static const int sigs[] = { SIGVTALRM, SIGPROF };

	for (int i = 0; i < 2; i++) {
		struct itimerval v = { { 0, 0 }, { 0, 30000 } }, now;

		caught = 0;
		on_signal(sigs[i], catch, 0);
		CHECK_OK(setitimer(which[i], &v, NULL));
		while (!caught)
			continue;
		CHECK_EQ(caught, sigs[i]);
		CHECK_OK(getitimer(which[i], &now));
		CHECK_EQ(now.it_value.tv_sec | now.it_value.tv_usec, 0);
	}
}

TEST(timer, itimer_that_is_off_has_no_interval)
{
	struct itimerval v = { { 5, 0 }, { 100, 0 } };

	CHECK_OK(setitimer(ITIMER_REAL, &v, NULL));
	v.it_value.tv_sec = 0;
	CHECK_OK(setitimer(ITIMER_REAL, &v, NULL));
	CHECK_OK(getitimer(ITIMER_REAL, &v));
	CHECK_EQ(v.it_value.tv_sec | v.it_value.tv_usec, 0);
	CHECK_EQ(v.it_interval.tv_sec | v.it_interval.tv_usec, 0);
}

static volatile bool enough;

static void *spin(void *arg)
{
	(void)arg;
	while (!enough)
		continue;
	return NULL;
}

TEST(timer, sleep_on_cpu_clock)
{
	struct timespec nap = { 0, 50000000 }, zero = { 0 }, from, now;
	clockid_t own;
	pthread_t t;

	CHECK_OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from));
	CHECK_EQ(pthread_create(&t, NULL, spin, NULL), 0);
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &nap, NULL), 0);
	CHECK_OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now));
	CHECK_GE((now.tv_sec - from.tv_sec) * SECOND + now.tv_nsec - from.tv_nsec, 50000000);
	/* In the past: at once. */
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &from, NULL), 0);
	enough = true;
	CHECK_EQ(pthread_join(t, NULL), 0);
	/* No thread is left whose tick would find that the time has come. */
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &from, NULL), 0);
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &zero, NULL), 0);
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &zero, NULL), 0);
	/* Its own time does not pass while it sleeps. */
	CHECK_EQ(pthread_getcpuclockid(pthread_self(), &own), 0);
	CHECK_ERR(syscall(SYS_clock_nanosleep, own, 0, &nap, NULL), EINVAL);
}

static pthread_t spinner;
static volatile int expired;

static void expire(int sig)
{
	(void)sig;
	CHECK(pthread_equal(pthread_self(), spinner));
	expired++;
}

static void *time_use(void *arg)
{
	struct itimerspec often = { { 0, 1000000 }, { 0, 1000000 } };
	timer_t id;

	(void)arg;
	spinner = pthread_self();
	wait_state(getpid(), "S");
	CHECK_OK(timer_create(CLOCK_PROCESS_CPUTIME_ID, NULL, &id));
	CHECK_OK(timer_settime(id, 0, &often, NULL));
	while (expired < 10)
		continue;
	CHECK_OK(timer_delete(id));
	return NULL;
}

/* A timer of the process's time signals who uses it up, and wakes nobody else. */
TEST(timer, signals_who_runs)
{
	pthread_t t;

	on_signal(SIGALRM, expire, 0);
	CHECK_EQ(pthread_create(&t, NULL, time_use, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
}
