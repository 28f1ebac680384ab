/* What a process may ask about itself and the machine; resource limits. */
#include "ut.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <time.h>

TEST(proc, uname)
{
	struct utsname u;
	int major = 0, minor = 0;

	CHECK_OK(uname(&u));
	CHECK_STR(u.machine, "riscv64");
	CHECK(u.sysname[0] && u.nodename[0] && u.version[0]);
	CHECK_EQ(sscanf(u.release, "%d.%d", &major, &minor), 2);
	CHECK(major >= 4);
}

TEST(proc, sysinfo)
{
	struct sysinfo a, b;

	memset(&a, 0, sizeof(a));
	CHECK_OK(sysinfo(&a));
	CHECK(a.totalram > 0 && a.freeram > 0 && a.freeram <= a.totalram);
	CHECK(a.mem_unit >= 1);
	CHECK((uint64_t)a.totalram * a.mem_unit >= 4u << 20);
	CHECK(a.procs >= 2);
	CHECK(a.freeswap <= a.totalswap);
	CHECK_OK(sysinfo(&b));
	CHECK_GE(b.uptime, a.uptime);
}

static volatile unsigned int sink;

/* Use the processor until this clock has moved on by so many nanoseconds. */
static void burn(clockid_t clock, long ns)
{
	struct timespec a, b;

	CHECK_OK(clock_gettime(clock, &a));
	do {
		for (int i = 0; i < 10000; i++)
			sink += (unsigned int)i;
		CHECK_OK(clock_gettime(clock, &b));
	} while ((b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec < ns);
}

TEST(proc, times)
{
	struct tms a, b;
	clock_t before = times(&a);

	CHECK_EQ(sysconf(_SC_CLK_TCK), 100);
	burn(CLOCK_PROCESS_CPUTIME_ID, 100000000);
	pid_t pid = child();
	if (pid == 0) {
		burn(CLOCK_PROCESS_CPUTIME_ID, 100000000);
		_exit(0);
	}
	expect_exit(pid, 0);
	/* Linux tells the time in ticks, which may be late; the watchdog bounds the loop. */
	while (times(&b) < before + 20)
		continue;
	CHECK_GE(b.tms_utime + b.tms_stime, a.tms_utime + a.tms_stime + 5);
	CHECK_GE(b.tms_cutime + b.tms_cstime, 5);
	CHECK_EQ(a.tms_cutime + a.tms_cstime, 0);
}

static long usage_us(int who)
{
	struct rusage ru;

	CHECK_OK(getrusage(who, &ru));
	return (ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 + ru.ru_utime.tv_usec +
		ru.ru_stime.tv_usec;
}

TEST(proc, getrusage)
{
	struct rusage ru;
	long before = usage_us(RUSAGE_SELF);

	burn(CLOCK_PROCESS_CPUTIME_ID, 60000000);
	CHECK_GE(usage_us(RUSAGE_SELF), before + 30000);
	CHECK_GE(usage_us(RUSAGE_THREAD), 30000);
	CHECK_EQ(usage_us(RUSAGE_CHILDREN), 0);
	pid_t pid = child();
	if (pid == 0) {
		burn(CLOCK_PROCESS_CPUTIME_ID, 60000000);
		_exit(0);
	}
	/* Not before it has been waited for. */
	wait_state(pid, "Z");
	CHECK_EQ(usage_us(RUSAGE_CHILDREN), 0);
	expect_exit(pid, 0);
	CHECK_GE(usage_us(RUSAGE_CHILDREN), 30000);
	CHECK_OK(getrusage(RUSAGE_SELF, &ru));
	CHECK(ru.ru_maxrss > 0);
	CHECK(ru.ru_minflt > 0);
	CHECK_ERR(getrusage(5, &ru), EINVAL);
}

TEST(proc, rlimit_get_set)
{
	struct rlimit limit, old;

	for (int i = 0; i < 16; i++) {
		CHECK_OK(getrlimit((__rlimit_resource_t)i, &limit));
		CHECK(limit.rlim_cur <= limit.rlim_max);
	}
	CHECK_ERR(syscall(SYS_prlimit64, 0, 16, NULL, &limit), EINVAL);
	CHECK_ERR(syscall(SYS_prlimit64, 0, -1, NULL, &limit), EINVAL);
	limit.rlim_cur = 20;
	limit.rlim_max = 10;
	CHECK_ERR(setrlimit(RLIMIT_CORE, &limit), EINVAL);
	limit.rlim_max = 30;
	CHECK_OK(prlimit(0, RLIMIT_CORE, &limit, &old));
	CHECK_OK(prlimit(0, RLIMIT_CORE, NULL, &old));
	CHECK_EQ(old.rlim_cur, 20);
	CHECK_EQ(old.rlim_max, 30);
	CHECK_ERR(prlimit(0x3fffff, RLIMIT_CORE, NULL, &old), ESRCH);
}

TEST(proc, rlimit_other_process)
{
	struct rlimit limit = { 11, 12 }, got;
	pid_t pid = child();

	if (pid == 0)
		for (;;)
			pause();
	CHECK_OK(prlimit(pid, RLIMIT_CORE, &limit, NULL));
	CHECK_OK(prlimit(pid, RLIMIT_CORE, NULL, &got));
	CHECK_EQ(got.rlim_cur, 11);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(proc, rlimit_raise_needs_root, .root = true)
{
	struct rlimit limit = { 5, 5 };
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(setrlimit(RLIMIT_CORE, &limit));
		limit.rlim_max = 6;
		CHECK_OK(setrlimit(RLIMIT_CORE, &limit));
		become_user();
		limit.rlim_max = 7;
		CHECK_ERR(setrlimit(RLIMIT_CORE, &limit), EPERM);
		CHECK_ERR(prlimit(getppid(), RLIMIT_CORE, NULL, &limit), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(proc, rlimit_inherited)
{
	struct rlimit limit = { 123, 456 }, got;

	CHECK_OK(setrlimit(RLIMIT_CORE, &limit));
	pid_t pid = child();
	if (pid == 0) {
		CHECK_OK(getrlimit(RLIMIT_CORE, &got));
		CHECK_EQ(got.rlim_cur, 123);
		CHECK_EQ(got.rlim_max, 456);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(proc, rlimit_nofile)
{
	struct rlimit limit = { 20, 1024 };
	int fd, last = -1;

	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(last, 19);
	CHECK_ERR(dup(0), EMFILE);
	CHECK_ERR(dup2(0, 20), EBADF);
	CHECK_ERR(fcntl(0, F_DUPFD, 20), EINVAL);
	CHECK_ERR(fcntl(0, F_DUPFD, 5), EMFILE);
	int pipefd[2];
	CHECK_ERR(pipe(pipefd), EMFILE);
	CHECK_OK(close(10));
	CHECK_ERR(pipe(pipefd), EMFILE);
	/* The failed pipe must not have kept the one free slot. */
	CHECK_EQ(open("/dev/null", O_RDONLY), 10);
	/* Descriptors beyond a lowered limit stay usable. */
	CHECK_OK(fcntl(UT_REPORT_FD, F_GETFD));
}

static volatile sig_atomic_t got_signal;

static void note(int sig)
{
	got_signal = sig;
}

TEST(proc, rlimit_fsize)
{
	struct rlimit limit = { 10, 100 };
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_OK(setrlimit(RLIMIT_FSIZE, &limit));
	on_signal(SIGXFSZ, note, 0);
	CHECK_EQ(write(fd, "0123456", 7), 7);
	CHECK_EQ(write(fd, "0123456", 7), 3);
	CHECK_EQ(got_signal, 0);
	CHECK_ERR(write(fd, "x", 1), EFBIG);
	CHECK_EQ(got_signal, SIGXFSZ);
	got_signal = 0;
	CHECK_ERR(ftruncate(fd, 11), EFBIG);
	CHECK_EQ(got_signal, SIGXFSZ);
	CHECK_OK(ftruncate(fd, 10));
	got_signal = 0;
	if (fallocate(fd, 0, 5, 5) < 0 && errno == EOPNOTSUPP)
		return;
	CHECK_ERR(fallocate(fd, 0, 5, 6), EFBIG);
	CHECK_EQ(got_signal, SIGXFSZ);
	CHECK_OK(fallocate(fd, 0, 5, 5));
}

TEST(proc, rlimit_cpu)
{
	struct rlimit limit = { 1, 1000 };
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(setrlimit(RLIMIT_CPU, &limit));
		for (;;)
			sink++;
	}
	expect_signal(pid, SIGXCPU);
}

static void count_signal(int sig)
{
	(void)sig;
	got_signal++;
}

static void become_real_time(rlim_t soft, rlim_t hard)
{
	const struct sched_param p = { .sched_priority = 1 };
	struct rlimit limit = { soft, hard };

	on_signal(SIGXCPU, count_signal, 0);
	got_signal = 0;
	CHECK_OK(setrlimit(RLIMIT_RTTIME, &limit));
	CHECK_OK(sched_setscheduler(0, SCHED_FIFO, &p));
}

/* Run for so many milliseconds of this thread's own time. */
static void use_up(long ms)
{
	struct timespec begin, now;

	CHECK_OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin));
	do
		CHECK_OK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
	while ((now.tv_sec - begin.tv_sec) * 1000 + (now.tv_nsec - begin.tv_nsec) / 1000000 < ms);
}

TEST(proc, rlimit_rttime, .root = true)
{
	volatile int *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(seen != MAP_FAILED);
	pid = child();
	if (pid == 0) {
		struct rlimit limit;

		become_real_time(50000, 1300000);
		while (got_signal < 2)
			sched_yield();
		CHECK_OK(getrlimit(RLIMIT_RTTIME, &limit));
		CHECK_EQ(limit.rlim_cur, 2050000);
		CHECK_EQ(limit.rlim_max, 1300000);
		*seen = got_signal;
		for (;;)
			sink++;
	}
	expect_signal(pid, SIGKILL);
	CHECK_EQ(*seen, 2);
}

TEST(proc, rlimit_rttime_of_who_sleeps, .root = true)
{
	const struct timespec moment = { 0, 2000000 };
	pid_t pid = child();

	if (pid == 0) {
		become_real_time(200000, 300000);
		for (int i = 0; i < 20; i++) {
			use_up(30);
			CHECK_OK(nanosleep(&moment, NULL));
		}
		_exit(got_signal);
	}
	expect_exit(pid, 0);
}

TEST(proc, priorities)
{
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
	CHECK_OK(setpriority(PRIO_PROCESS, 0, 5));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
	CHECK_OK(setpriority(PRIO_PROCESS, 0, 100));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
	CHECK_ERR(getpriority(3, 0), EINVAL);
	CHECK_ERR(getpriority(PRIO_PROCESS, 0x3fffff), ESRCH);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
		_exit(0);
	}
	expect_exit(pid, 0);
}

static void *thread_gets_nice(void *arg)
{
	CHECK_OK(setpriority(PRIO_PROCESS, 0, 7));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 7);
	*(int *)arg = getpriority(PRIO_PROCESS, (id_t)getpid());
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)gettid()), 7);
	CHECK_EQ(getpriority(PRIO_PGRP, 0), 0);
	CHECK_OK(setpriority(PRIO_PROCESS, (id_t)getpid(), 9));
	/* The best of all threads counts; and all are set. */
	CHECK_EQ(getpriority(PRIO_PGRP, 0), 7);
	CHECK_OK(setpriority(PRIO_PGRP, 0, 11));
	CHECK_EQ(getpriority(PRIO_PROCESS, (id_t)gettid()), 11);
	return NULL;
}

/* Nice values are of threads: setpriority(2), C library/kernel differences. */
TEST(proc, priority_of_a_thread)
{
	pthread_t thread;
	int leaders = -1;

	CHECK_OK(setpgid(0, 0));
	CHECK_EQ(pthread_create(&thread, NULL, thread_gets_nice, &leaders), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(leaders, 0);
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 11);
}

TEST(proc, priority_within_rlimit_nice, .root = true)
{
	struct rlimit limit = { 25, 25 };
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(setrlimit(RLIMIT_NICE, &limit));
		CHECK_OK(setpriority(PRIO_PROCESS, 0, 10));
		become_user();
		CHECK_OK(setpriority(PRIO_PROCESS, 0, -5));
		CHECK_ERR(setpriority(PRIO_PROCESS, 0, -6), EACCES);
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), -5);
		CHECK_EQ(getpriority(PRIO_USER, 0), -5);
		CHECK_OK(setpriority(PRIO_USER, 1000, 3));
		CHECK_EQ(getpriority(PRIO_PROCESS, 0), 3);
		CHECK_ERR(setpriority(PRIO_PROCESS, getppid(), 3), EPERM);
		CHECK_ERR(getpriority(PRIO_USER, 54321), ESRCH);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(proc, getcpu_and_yield)
{
	unsigned int cpu = 12345, node = 12345;

	CHECK_OK(syscall(SYS_getcpu, &cpu, &node, NULL));
	CHECK(cpu < 4096);
	CHECK_EQ(node, 0);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(syscall(SYS_sched_yield), 0);
}

TEST(proc, unknown_calls)
{
	CHECK_ERR(syscall(9999), ENOSYS);
	CHECK_ERR(syscall(-1), ENOSYS);
	CHECK_ERR(syscall(0x7fffffff), ENOSYS);
	CHECK_ERR(syscall(0x100000000), ENOSYS);
	/* A hole in the generic table. */
	CHECK_ERR(syscall(245), ENOSYS);
}
