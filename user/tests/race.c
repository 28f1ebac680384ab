/*
 * Calls that meet each other: threads and processes that set, signal, end and make the same things
 * at the same time. A kernel that loses such a race panics, hangs or answers wrongly here.
 */
#include "ut.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static void nothing(int sig)
{
	(void)sig;
}

static pthread_t race_start(void *(*fn)(void *), void *arg)
{
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, fn, arg), 0);
	return t;
}

static void *set_timers(void *arg)
{
	struct itimerval v = { .it_value.tv_usec = 1 };

	/* A number, not a time: where signals take long, the first thread does nothing else. */
	for (int i = 0; i < 1000; i++) {
		v.it_value.tv_usec = 1 + i % 300;
		v.it_interval.tv_usec = i & 1 ? 500 : 0;
		setitimer(ITIMER_REAL, &v, NULL);
	}
	return arg;
}

TEST(race, setitimer_in_threads)
{
	pthread_t t[3];

	on_signal(SIGALRM, nothing, SA_RESTART);
	for (int i = 0; i < 3; i++)
		t[i] = race_start(set_timers, NULL);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

static struct gate ticks;

static void tick(int sig)
{
	(void)sig;
	gate_open(&ticks);
}

/*
 * A timer that is due again at once leaves its process able to run its handler and to be killed.
 * Not more: where a handler takes longer than the interval, Linux runs nothing but handlers.
 */
TEST(race, setitimer_shortest_interval)
{
	struct itimerval v = { { 0, 1 }, { 0, 1 } };
	pid_t pid;

	gate_make(&ticks);
	pid = child();
	if (pid == 0) {
		on_signal(SIGALRM, tick, SA_RESTART);
		CHECK_OK(setitimer(ITIMER_REAL, &v, NULL));
		for (;;)
			;
	}
	for (int i = 0; i < 500; i++)
		gate_pass(&ticks);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

/* A process is found by its number while it is being made, and while it ends. */
TEST(race, signal_newborn)
{
	pid_t self = getpid(), killer = child();

	if (killer == 0) {
		for (;;)
			for (pid_t pid = self + 1; pid < self + 400; pid++)
				if (pid != getpid()) {
					kill(pid, 0);
					kill(pid, SIGCHLD);
					getpgid(pid);
					syscall(SYS_sched_getaffinity, pid, 0, NULL);
				}
	}
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		CHECK_OK(pid);
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
	}
	CHECK_OK(kill(killer, SIGKILL));
	expect_signal(killer, SIGKILL);
}

static void *fork_on(void *arg)
{
	/* Enough to be caught at it; not so many that memory runs out before the kill comes. */
	for (int n = 0; n < 100; n++)
		if (fork() == 0)
			pause();
	pause();
	return arg;
}

/* A group that is killed while it forks leaves nobody behind. */
TEST(race, kill_forking_group)
{
	for (int i = 0; i < 20; i++) {
		pid_t pid = child();

		if (pid == 0) {
			setpgid(0, 0);
			race_start(fork_on, NULL);
			for (int n = 0; n < 3; n++)
				if (fork() == 0)
					pause();
			kill(0, SIGKILL);
			pause();
		}
		expect_signal(pid, SIGKILL);
		/*
		 * Orphans become init's, which waits for them: then the group is gone.  The
		 * watchdog bounds the loop.
		 */
		while (kill(-pid, 0) == 0 || errno == EPERM)
			usleep(1000);
	}
}

/* Cleared by the kernel when the thread that named it by set_tid_address has begun to end. */
static volatile int alive;

static void *exit_after_first(void *arg)
{
	while (alive)
		sched_yield();
	syscall(SYS_exit, 9);
	return arg;
}

static void *exit_before_first(void *arg)
{
	syscall(SYS_set_tid_address, &alive);
	syscall(SYS_exit, 9);
	return arg;
}

/* The status of the thread that ends last is the process's. */
TEST(race, status_of_last_thread)
{
	pid_t pid = child();

	if (pid == 0) {
		alive = 1;
		syscall(SYS_set_tid_address, &alive);
		race_start(exit_after_first, NULL);
		syscall(SYS_exit, 4);
	}
	expect_exit(pid, 9);
	pid = child();
	if (pid == 0) {
		alive = 1;
		race_start(exit_before_first, NULL);
		while (alive)
			sched_yield();
		syscall(SYS_exit, 4);
	}
	expect_exit(pid, 4);
}

static void *exec_exit(void *arg)
{
	exec_helper("exit", arg);
	return NULL;
}

/* A thread execs while the first one ends on its own. */
TEST(race, exec_while_first_thread_ends)
{
	for (int i = 0; i < 60; i++) {
		pid_t pid = child();

		if (pid == 0) {
			race_start(exec_exit, "3");
			for (volatile int n = 0; n < i * 500; n++)
				;
			syscall(SYS_exit, 3);
		}
		expect_exit(pid, 3);
	}
}

/* Whoever has waited for a child has been told of its end as well. */
TEST(race, sigchld_before_wait_returns)
{
	struct timespec now = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	on_signal(SIGCHLD, nothing, 0);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < 300; i++) {
		pid_t pid = fork(), got;

		if (pid == 0)
			_exit(0);
		CHECK_OK(pid);
		while ((got = waitpid(pid, NULL, WNOHANG)) == 0)
			;
		CHECK_EQ(got, pid);
		CHECK_EQ(sigtimedwait(&set, NULL, &now), SIGCHLD);
	}
}

static void *yield_on(void *arg)
{
	for (;;)
		sched_yield();
	return arg;
}

/* Stop and continue in any order: a stop that nothing follows is seen and stays. */
TEST(race, stop_and_continue)
{
	pid_t pid = child();
	int status;

	if (pid == 0) {
		race_start(yield_on, NULL);
		race_start(yield_on, NULL);
		yield_on(NULL);
	}
	for (int i = 0; i < 100; i++) {
		for (int n = i % 4; n > 0; n--) {
			CHECK_OK(kill(pid, n & 1 ? SIGSTOP : SIGTSTP));
			CHECK_OK(kill(pid, SIGCONT));
		}
		CHECK_OK(kill(pid, SIGSTOP));
		do
			CHECK_EQ(waitpid(pid, &status, WUNTRACED | WCONTINUED), pid);
		while (WIFCONTINUED(status));
		CHECK(WIFSTOPPED(status));
		CHECK_OK(kill(pid, SIGCONT));
		CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
		CHECK(WIFCONTINUED(status));
	}
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

/* SIGCONT is never lost to a stop that was sent before it. */
TEST(race, continue_after_stop)
{
	int fd[2];
	pid_t pid;
	char c;

	CHECK_OK(pipe(fd));
	pid = child();
	if (pid == 0)
		for (;;)
			if (write(fd[1], "x", 1) != 1)
				_exit(0);
	close(fd[1]);
	for (int i = 0; i < 500; i++) {
		CHECK_OK(kill(pid, SIGSTOP));
		CHECK_OK(kill(pid, SIGCONT));
		for (int n = 0; n < 200; n++)
			CHECK_EQ(read(fd[0], &c, 1), 1);
	}
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

/* Looking at a process's ids and actions while exec replaces them. */
TEST(race, inspect_during_exec)
{
	pid_t pid, killer = child();

	if (killer == 0) {
		for (;;)
			for (pid = getppid() + 1; pid < getppid() + 500; pid++)
				if (pid != getpid())
					kill(pid, SIGCONT);
	}
	for (int i = 0; i < 60; i++) {
		pid = child();
		if (pid == 0) {
			race_start(exec_exit, "7");
			pause();
		}
		expect_exit(pid, 7);
	}
	CHECK_OK(kill(killer, SIGKILL));
	expect_signal(killer, SIGKILL);
}

static void check_cpu(int cpu)
{
	unsigned int now;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK_OK(sched_setaffinity(0, sizeof(set), &set));
	CHECK_OK(syscall(SYS_getcpu, &now, NULL, NULL));
	CHECK_EQ((int)now, cpu);
}

/* Who may no longer run on a hart has left it when the call returns. */
TEST(race, setaffinity_moves_at_once)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	for (int i = 0; i < 200; i++)
		check_cpu(i % cpus);
}

struct watched {
	atomic_int wanted, seen; /* processors: what was asked for, where it was then */
};

static void watch_self(struct watched *w)
{
	for (;;) {
		int wanted = atomic_load(&w->wanted);
		unsigned int now;

		CHECK_OK(syscall(SYS_getcpu, &now, NULL, NULL));
		if (wanted >= 0) {
			atomic_store(&w->wanted, -1);
			atomic_store(&w->seen, (int)now);
		}
	}
}

/* The same for another one, which runs, or waits to run. */
TEST(race, setaffinity_moves_others)
{
	struct watched *w = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
				 0);
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pid_t pid[3];
	int n;

	CHECK(w != MAP_FAILED);
	for (n = 0; n < 3; n++) {
		w[n].wanted = w[n].seen = -1;
		pid[n] = child();
		if (!pid[n])
			watch_self(&w[n]);
	}
	for (int i = 0; i < 300; i++) {
		cpu_set_t set;

		n = i % 3;
		CPU_ZERO(&set);
		CPU_SET(i % cpus, &set);
		CHECK_OK(sched_setaffinity(pid[n], sizeof(set), &set));
		atomic_store(&w[n].seen, -1);
		atomic_store(&w[n].wanted, i % (int)cpus);
		while (atomic_load(&w[n].seen) < 0)
			sched_yield();
		CHECK_EQ(atomic_load(&w[n].seen), i % cpus);
	}
	for (n = 0; n < 3; n++) {
		CHECK_OK(kill(pid[n], SIGKILL));
		expect_signal(pid[n], SIGKILL);
	}
}

static struct { struct { void *next; } head; long offset; void *pending; } robust;
static struct { void *next; } robust_entry;

/* exec ends the program that holds a robust mutex: the waiter learns that the owner died. */
TEST(race, robust_mutex_of_exec)
{
	volatile int *word = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				  -1, 0);
	pid_t pid;

	CHECK(word != MAP_FAILED);
	pid = child();
	if (pid == 0) {
		*word = getpid();
		robust_entry.next = &robust.head;
		robust.head.next = &robust_entry;
		robust.offset = (char *)word - (char *)&robust_entry;
		CHECK_OK(syscall(SYS_set_robust_list, &robust, sizeof(robust)));
		exec_helper("exit", "0");
	}
	expect_exit(pid, 0);
	CHECK_EQ(*word & 0x40000000, 0x40000000);
}

/* RLIMIT_SIGPENDING bounds what is queued; kill(2) goes on, as its signals carry nothing. */
TEST(race, sigpending_limit)
{
	struct rlimit limit = { 5, 5 };
	union sigval v = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(setrlimit(RLIMIT_SIGPENDING, &limit));
	for (int i = 0; i < 5; i++)
		CHECK_OK(sigqueue(getpid(), SIGRTMIN, v));
	CHECK_ERR(sigqueue(getpid(), SIGRTMIN, v), EAGAIN);
	CHECK_OK(kill(getpid(), SIGRTMIN));
	CHECK_EQ(sigwaitinfo(&set, NULL), SIGRTMIN);
	CHECK_OK(sigqueue(getpid(), SIGRTMIN, v));
	CHECK_ERR(sigqueue(getpid(), SIGRTMIN, v), EAGAIN);
}

#define WORDS 2000

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Whoever asks, in pieces of whatever size: no random number is given out twice. */
TEST(race, random_numbers_differ)
{
	uint64_t *words = mmap(NULL, 4 * WORDS * sizeof(*words), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[4];

	CHECK(words != MAP_FAILED);
	for (int i = 0; i < 4; i++) {
		pid[i] = child();
		if (pid[i] == 0) {
			for (size_t n = 0, size; n < WORDS; n += size) {
				size = n % 23 + 1 < WORDS - n ? n % 23 + 1 : WORDS - n;
				CHECK_EQ(syscall(SYS_getrandom, words + i * WORDS + n, size * 8, 0),
					 size * 8);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		expect_exit(pid[i], 0);
	qsort(words, 4 * WORDS, sizeof(*words), by_value);
	for (int i = 1; i < 4 * WORDS; i++)
		CHECK(words[i] != words[i - 1]);
}
