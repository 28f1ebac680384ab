/* Processes whose parent ends: the signal they asked for, and who their new parent is. */
#include "ut.h"

#include <pthread.h>
#include <sys/prctl.h>

static int death_signal(void)
{
	int sig = -1;

	CHECK_OK(prctl(PR_GET_PDEATHSIG, &sig));
	return sig;
}

static int subreaper(void)
{
	int on = -1;

	CHECK_OK(prctl(PR_GET_CHILD_SUBREAPER, &on));
	return on;
}

TEST(orphan, signal_is_kept, .root = true)
{
	CHECK_EQ(death_signal(), 0);
	CHECK_ERR(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
	CHECK_ERR(prctl(PR_SET_PDEATHSIG, -1), EINVAL);
	CHECK_ERR(prctl(PR_GET_PDEATHSIG, 8), EFAULT);
	CHECK_OK(prctl(PR_SET_PDEATHSIG, 64));
	CHECK_EQ(death_signal(), 64);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(death_signal(), 0);
		CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
		CHECK_OK(prctl(PR_SET_KEEPCAPS, 1));
		CHECK_EQ(death_signal(), SIGUSR1);
		CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
		CHECK_EQ(death_signal(), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(prctl(PR_SET_PDEATHSIG, 0));
	CHECK_EQ(death_signal(), 0);
}

/*
 * A child that has a child, and ends once that is ready; the pid of the latter. It runs fn, which
 * opens the gate when it is ready.
 */
static pid_t grandchild(void (*fn)(struct gate *ready))
{
	struct gate ready;
	int fd[2];
	pid_t pid;

	gate_make(&ready);
	CHECK_OK(pipe(fd));
	pid_t middle = child();
	if (middle == 0) {
		pid = child();
		if (pid == 0) {
			fn(&ready);
			_exit(0);
		}
		gate_pass(&ready);
		write_full(fd[1], &pid, sizeof(pid));
		_exit(0);
	}
	CHECK_EQ(read_full(fd[0], &pid, sizeof(pid)), sizeof(pid));
	expect_exit(middle, 0);
	return pid;
}

static void wait_for_usr1(struct gate *ready)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	gate_open(ready);
	CHECK_EQ(sigwait(&set, &sig), 0);
	_exit(7);
}

static void exec_pause(struct gate *ready)
{
	CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGKILL));
	gate_open(ready);
	exec_helper("pause", NULL);
}

static void stop(struct gate *ready)
{
	CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGCONT));
	gate_open(ready);
	raise(SIGSTOP);
	_exit(8);
}

TEST(orphan, signal_comes)
{
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	expect_exit(grandchild(wait_for_usr1), 7);
	expect_signal(grandchild(exec_pause), SIGKILL);
}

TEST(orphan, signal_continues)
{
	struct gate ready;
	int fd[2];
	pid_t pid;

	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	gate_make(&ready);
	CHECK_OK(pipe(fd));
	pid_t middle = child();
	if (middle == 0) {
		int status;

		pid = child();
		if (pid == 0)
			stop(&ready);
		CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
		CHECK(WIFSTOPPED(status));
		write_full(fd[1], &pid, sizeof(pid));
		_exit(0);
	}
	CHECK_EQ(read_full(fd[0], &pid, sizeof(pid)), sizeof(pid));
	expect_exit(middle, 0);
	expect_exit(pid, 8);
}

static void *fork_and_end(void *arg)
{
	struct gate ready;
	pid_t *pid = arg;

	gate_make(&ready);
	*pid = fork();
	if (*pid == 0)
		wait_for_usr1(&ready);
	gate_pass(&ready);
	gate_close(&ready);
	return NULL;
}

TEST(orphan, signal_by_end_of_thread)
{
	pthread_t thread;
	pid_t pid = -1;

	/* The parent is the thread that made it (prctl(2)). */
	CHECK_EQ(pthread_create(&thread, NULL, fork_and_end, &pid), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK(pid > 0);
	expect_exit(pid, 7);
}

static void wait_for_parent(struct gate *ready)
{
	pid_t parent = getppid();

	gate_open(ready);
	while (getppid() == parent)
		usleep(1000);
	CHECK_EQ(getppid(), getpgrp()); /* the test's first process */
	_exit(9);
}

TEST(orphan, subreaper)
{
	CHECK_EQ(subreaper(), 0);
	CHECK_ERR(prctl(PR_GET_CHILD_SUBREAPER, 8), EFAULT);
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 5));
	CHECK_EQ(subreaper(), 1);
	pid_t pid = child();
	if (pid == 0)
		_exit(subreaper());
	expect_exit(pid, 0);
	expect_exit(grandchild(wait_for_parent), 9);
}

static void end(struct gate *ready)
{
	gate_open(ready);
	_exit(10);
}

TEST(orphan, subreaper_of_zombie)
{
	siginfo_t info;

	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	expect_exit(grandchild(end), 10);
	/* Who ignores SIGCHLD need not wait for those either. */
	signal(SIGCHLD, SIG_IGN);
	if (child() == 0) {
		signal(SIGCHLD, SIG_DFL);
		pid_t pid = child();

		if (pid == 0)
			_exit(0);
		CHECK_OK(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
		_exit(0);
	}
	CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);
}

TEST(orphan, nearest_subreaper)
{
	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t inner = child();
	if (inner == 0) {
		pid_t me = getpid();

		CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
		pid_t middle = child();
		if (middle == 0) {
			if (child() == 0) {
				while (getppid() != me)
					if (getppid() == getpgrp())
						_exit(11);
				_exit(12);
			}
			_exit(0);
		}
		expect_exit(middle, 0);
		int status;
		CHECK_OK(wait(&status));
		_exit(WEXITSTATUS(status));
	}
	expect_exit(inner, 12);
}
