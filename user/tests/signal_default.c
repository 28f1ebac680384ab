/* Default actions, stop and continue, interrupted and restarted calls, timers. */
#include "ut.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t hits, last;

static void count(int sig)
{
	hits++;
	last = sig;
}

TEST(signal, default_terminates)
{
	static const int sigs[] = {
		SIGHUP, SIGINT, SIGKILL, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGSTKFLT,
		SIGVTALRM, SIGPROF, SIGIO, SIGPWR, 34, 64,
	};

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		pid_t pid = child_pausing();

		CHECK_OK(kill(pid, sigs[i]));
		expect_signal(pid, sigs[i]);
	}
}

TEST(signal, default_core_kind_terminates)
{
	static const int sigs[] = {
		SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ,
		SIGSYS,
	};
	struct rlimit none = { 0, 0 };

	CHECK_OK(setrlimit(RLIMIT_CORE, &none));
	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		pid_t pid = child_pausing();

		CHECK_OK(kill(pid, sigs[i]));
		expect_signal(pid, sigs[i]);
	}
}

TEST(signal, default_ignored)
{
	static const int sigs[] = { SIGCHLD, SIGURG, SIGWINCH, SIGCONT };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		pid_t pid = child_pausing();

		CHECK_OK(kill(pid, sigs[i]));
		CHECK_OK(kill(pid, SIGTERM));
		expect_signal(pid, SIGTERM);
	}
}

TEST(signal, default_stops)
{
	static const int sigs[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };
	int status;

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		pid_t pid = child_pausing();

		CHECK_OK(kill(pid, sigs[i]));
		CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
		CHECK(WIFSTOPPED(status));
		CHECK_EQ(WSTOPSIG(status), sigs[i]);
		CHECK_OK(kill(pid, SIGCONT));
		CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
		CHECK_OK(kill(pid, SIGKILL));
		expect_signal(pid, SIGKILL);
	}
}

TEST(signal, orphaned_group_does_not_stop)
{
	/* In a group without a parent in the session, the terminal's stop signals do nothing. */
	pid_t pid = child();

	if (pid == 0) {
		setsid();
		CHECK_OK(raise(SIGTSTP));
		CHECK_OK(raise(SIGTTIN));
		_exit(7);
	}
	expect_exit(pid, 7);
}

TEST(signal, stopped_process_keeps_signals)
{
	int fd[2], status;
	char c;

	CHECK_OK(pipe(fd));
	pid_t pid = child();
	if (pid == 0) {
		on_signal(SIGUSR1, count, 0);
		CHECK_OK(raise(SIGSTOP));
		/* The handler ran when the process was continued. */
		CHECK_EQ(hits, 1);
		CHECK_EQ(write(fd[1], "x", 1), 1);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_OK(kill(pid, SIGUSR1));
	CHECK_OK(fcntl(fd[0], F_SETFL, O_NONBLOCK));
	CHECK_ERR(read(fd[0], &c, 1), EAGAIN);
	CHECK_OK(kill(pid, SIGCONT));
	expect_exit(pid, 0);
	CHECK_EQ(read(fd[0], &c, 1), 1);
}

TEST(signal, cont_discards_stop)
{
	sigset_t set;
	int status;
	pid_t pid = child();

	if (pid == 0) {
		sigemptyset(&set);
		sigaddset(&set, SIGTSTP);
		CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
		CHECK_OK(raise(SIGTSTP));
		CHECK_OK(raise(SIGCONT));
		CHECK_OK(sigpending(&set));
		CHECK_EQ(sigismember(&set, SIGTSTP), 0);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_EQ(status, 0);
}

TEST(signal, cont_handler_runs)
{
	int status;
	pid_t pid = child();

	if (pid == 0) {
		on_signal(SIGCONT, count, 0);
		CHECK_OK(raise(SIGSTOP));
		CHECK_EQ(hits, 1);
		_exit(3);
	}
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_OK(kill(pid, SIGCONT));
	expect_exit(pid, 3);
}

TEST(signal, stop_during_sleep)
{
	/* Stopping and continuing neither ends nor restarts a pipe read from the program's view. */
	int fd[2], status;
	char c = 0;

	CHECK_OK(pipe(fd));
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(read(fd[0], &c, 1), 1);
		_exit(c);
	}
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_OK(kill(pid, SIGCONT));
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	c = 9;
	CHECK_EQ(write(fd[1], &c, 1), 1);
	expect_exit(pid, 9);
}

TEST(signal, stop_continue_many)
{
	int status;
	pid_t pid = child();

	if (pid == 0)
		for (;;)
			__asm__ volatile("" ::: "memory");
	for (int i = 0; i < 50; i++) {
		CHECK_OK(kill(pid, SIGSTOP));
		CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
		CHECK(WIFSTOPPED(status));
		CHECK_OK(kill(pid, SIGCONT));
		CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
		CHECK(WIFCONTINUED(status));
	}
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

/* Fork a helper that signals this process as soon as it sleeps. */
static pid_t signal_when_asleep(int sig)
{
	pid_t self = getpid(), pid = child();

	if (pid == 0) {
		wait_state(self, "S");
		CHECK_OK(kill(self, sig));
		_exit(0);
	}
	return pid;
}

TEST(signal, eintr_pause)
{
	on_signal(SIGUSR1, count, SA_RESTART);
	pid_t pid = signal_when_asleep(SIGUSR1);
	CHECK_ERR(pause(), EINTR);
	CHECK_EQ(hits, 1);
	expect_exit(pid, 0);
}

TEST(signal, eintr_nanosleep_remainder)
{
	struct timespec ask = { 1000, 0 }, left = { 0, 0 };

	on_signal(SIGUSR1, count, SA_RESTART);
	pid_t pid = signal_when_asleep(SIGUSR1);
	CHECK_ERR(nanosleep(&ask, &left), EINTR);
	CHECK(left.tv_sec > 900 && left.tv_sec < 1000);
	CHECK_EQ(hits, 1);
	expect_exit(pid, 0);
}

TEST(signal, restart_read)
{
	int fd[2];
	char c;

	CHECK_OK(pipe(fd));
	on_signal(SIGUSR1, count, SA_RESTART);
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		CHECK_OK(kill(self, SIGUSR1));
		/* Only a reader that waits again gets it. */
		wait_state(self, "S");
		CHECK_EQ(write(fd[1], "r", 1), 1);
		_exit(0);
	}
	CHECK_EQ(read(fd[0], &c, 1), 1);
	CHECK_EQ(hits, 1);
	expect_exit(pid, 0);
}

TEST(signal, ignored_does_not_interrupt)
{
	int fd[2];
	char c;

	CHECK_OK(pipe(fd));
	signal(SIGUSR1, SIG_IGN);
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		CHECK_OK(kill(self, SIGUSR1));
		CHECK_OK(kill(self, SIGWINCH));
		wait_state(self, "S");
		CHECK_EQ(write(fd[1], "r", 1), 1);
		_exit(0);
	}
	CHECK_EQ(read(fd[0], &c, 1), 1);
	expect_exit(pid, 0);
}

TEST(signal, alarm)
{
	sigset_t set, open;

	on_signal(SIGALRM, count, 0);
	CHECK_EQ(alarm(1000), 0);
	unsigned int left = alarm(0);
	CHECK(left >= 800 && left <= 1000);
	/* Blocked until it is waited for: it must not come before. */
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, &open));
	CHECK_EQ(alarm(1), 0);
	CHECK_ERR(sigsuspend(&open), EINTR);
	CHECK_EQ(last, SIGALRM);
	CHECK_EQ(alarm(0), 0);
}

TEST(signal, setitimer_real)
{
	struct itimerval it = { { 0, 5000 }, { 0, 5000 } }, old, bad = { { 0, 0 }, { 0, 1000000 } };

	on_signal(SIGALRM, count, SA_RESTART);
	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
	while (hits < 5)
		pause();
	CHECK_OK(getitimer(ITIMER_REAL, &old));
	CHECK_EQ(old.it_interval.tv_usec, 5000);
	CHECK(old.it_value.tv_sec == 0 && old.it_value.tv_usec <= 5000);
	memset(&it, 0, sizeof(it));
	CHECK_OK(setitimer(ITIMER_REAL, &it, &old));
	CHECK_EQ(old.it_interval.tv_usec, 5000);
	CHECK_ERR(setitimer(ITIMER_REAL, &bad, NULL), EINVAL);
	CHECK_ERR(setitimer((__itimer_which_t)3, &it, NULL), EINVAL);
	CHECK_ERR(getitimer((__itimer_which_t)-1, &it), EINVAL);
}

TEST(signal, setitimer_virtual_and_prof)
{
	struct itimerval it = { { 0, 0 }, { 0, 20000 } };

	on_signal(SIGVTALRM, count, 0);
	on_signal(SIGPROF, count, 0);
	CHECK_OK(setitimer(ITIMER_VIRTUAL, &it, NULL));
	while (hits == 0)
		__asm__ volatile("" ::: "memory");
	CHECK_EQ(last, SIGVTALRM);
	CHECK_OK(setitimer(ITIMER_PROF, &it, NULL));
	while (hits == 1)
		__asm__ volatile("" ::: "memory");
	CHECK_EQ(last, SIGPROF);
}

TEST(signal, timer_interrupts_loop)
{
	/* A handler runs while the program computes, without any system call. */
	struct itimerval it = { { 0, 0 }, { 0, 10000 } };

	on_signal(SIGALRM, count, 0);
	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
	while (hits == 0)
		__asm__ volatile("" ::: "memory");
	CHECK_EQ(hits, 1);
}
