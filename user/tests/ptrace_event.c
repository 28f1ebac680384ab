/* ptrace: attaching to others, group stops, events, threads, the end of tracer and tracee. */
#include "ut.h"

#include <pthread.h>
#include <sys/ptrace.h>

#include <linux/ptrace.h>

#define STOPPED(sig, event) (((sig) | (event) << 8) << 8 | 0x7f)

static int next_stop(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	return status;
}

static void go(pid_t pid, int request, int sig)
{
	CHECK_OK(ptrace(request, pid, NULL, (void *)(long)sig));
}

static unsigned long message(pid_t pid)
{
	unsigned long value;

	CHECK_OK(ptrace(PTRACE_GETEVENTMSG, pid, NULL, &value));
	return value;
}

/* A child that waits for signals. */
static pid_t sleeper(void)
{
	pid_t pid = child();

	if (pid == 0)
		for (;;)
			pause();
	wait_state(pid, "S");
	return pid;
}

static void end(pid_t pid)
{
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(next_stop(pid), SIGKILL);
}

TEST(ptrace, attach)
{
	pid_t pid = sleeper();

	CHECK_OK(ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	CHECK_EQ(next_stop(pid), STOPPED(SIGSTOP, 0));
	CHECK_OK(ptrace(PTRACE_DETACH, pid, NULL, NULL));
	wait_state(pid, "S");
	/* With a signal. */
	CHECK_OK(ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	CHECK_EQ(next_stop(pid), STOPPED(SIGSTOP, 0));
	CHECK_OK(ptrace(PTRACE_DETACH, pid, NULL, (void *)SIGTERM));
	CHECK_EQ(next_stop(pid), SIGTERM);
}

TEST(ptrace, seize_and_interrupt)
{
	siginfo_t info;
	int status;
	pid_t pid = sleeper();

	CHECK_OK(ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD));
	CHECK_EQ(waitpid(pid, &status, WNOHANG | __WALL), 0);
	CHECK_ERR(ptrace(PTRACE_CONT, pid, NULL, NULL), ESRCH);
	CHECK_OK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_STOP));
	CHECK_OK(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info));
	CHECK_EQ(info.si_code, SIGTRAP | PTRACE_EVENT_STOP << 8);
	/* The call that was interrupted goes on as if nothing had been. */
	go(pid, PTRACE_CONT, 0);
	wait_state(pid, "S");
	CHECK_OK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_STOP));
	end(pid);
}

TEST(ptrace, group_stop)
{
	siginfo_t info;
	int status;
	pid_t pid = sleeper();

	/* First the signal, then the stop that it causes. */
	CHECK_OK(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	CHECK_OK(kill(pid, SIGTSTP));
	CHECK_EQ(next_stop(pid), STOPPED(SIGTSTP, 0));
	CHECK_OK(kill(pid, SIGSTOP));
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGSTOP, 0));
	go(pid, PTRACE_CONT, SIGSTOP);
	CHECK_EQ(next_stop(pid), STOPPED(SIGSTOP, PTRACE_EVENT_STOP));
	CHECK_OK(ptrace(PTRACE_LISTEN, pid, NULL, NULL));
	CHECK_ERR(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info), ESRCH);
	CHECK_EQ(waitpid(pid, &status, WNOHANG | __WALL), 0);
	/* Going on is news too. */
	CHECK_OK(kill(pid, SIGCONT));
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_STOP));
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGCONT, 0));
	end(pid);
}

TEST(ptrace, group_stop_of_attached)
{
	siginfo_t info;
	pid_t pid = sleeper();

	CHECK_OK(ptrace(PTRACE_ATTACH, pid, NULL, NULL));
	CHECK_EQ(next_stop(pid), STOPPED(SIGSTOP, 0));
	CHECK_OK(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info));
	go(pid, PTRACE_CONT, SIGSTOP);
	CHECK_EQ(next_stop(pid), STOPPED(SIGSTOP, 0));
	CHECK_ERR(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info), EINVAL);
	end(pid);
}

/* A child that is stopped, traced with these options, and then does fn. */
static pid_t tracee(void (*fn)(void), long options)
{
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		fn();
		_exit(0);
	}
	CHECK_EQ(next_stop(pid), STOPPED(SIGSTOP, 0));
	CHECK_OK(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)options));
	return pid;
}

static void fork_one(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(3);
	_exit(status_of(pid) == 3 << 8 ? 4 : 5);
}

TEST(ptrace, fork_event)
{
	pid_t pid = tracee(fork_one, PTRACE_O_TRACEFORK | PTRACE_O_TRACECLONE);

	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_FORK));
	pid_t born = (pid_t)message(pid);
	CHECK(born > 0 && born != pid);
	CHECK_EQ(next_stop(born), STOPPED(SIGSTOP, 0));
	go(pid, PTRACE_CONT, 0);
	go(born, PTRACE_CONT, 0);
	/* Its tracer hears of its end, and so does its parent. */
	CHECK_EQ(next_stop(born), 3 << 8);
	int status = next_stop(pid);
	if (status == STOPPED(SIGCHLD, 0)) {
		go(pid, PTRACE_CONT, SIGCHLD);
		status = next_stop(pid);
	}
	CHECK_EQ(status, 4 << 8);
}

static void vfork_one(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(3);
	_exit(4);
}

TEST(ptrace, vfork_events)
{
	pid_t pid = tracee(vfork_one, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE);

	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_VFORK));
	pid_t born = (pid_t)message(pid);
	CHECK_EQ(next_stop(born), STOPPED(SIGSTOP, 0));
	go(pid, PTRACE_CONT, 0);
	go(born, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(born), 3 << 8);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_VFORK_DONE));
	CHECK_EQ(message(pid), born);
	end(pid);
}

static void exec_exit(void)
{
	exec_helper("exit", "42");
}

TEST(ptrace, exec_and_exit_events)
{
	pid_t pid = tracee(exec_exit, PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT);

	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_EXEC));
	CHECK_EQ(message(pid), pid);
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_EXIT));
	CHECK_EQ(message(pid), 42 << 8);
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 42 << 8);
}

TEST(ptrace, exec_traps)
{
	pid_t pid = tracee(exec_exit, 0);

	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, 0));
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 42 << 8);
}

static void *thread_main(void *unused)
{
	return unused;
}

static void thread_one(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_main, NULL))
		_exit(1);
	pthread_join(thread, NULL);
	_exit(6);
}

TEST(ptrace, threads)
{
	pid_t pid = tracee(thread_one, PTRACE_O_TRACECLONE);

	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_CLONE));
	pid_t born = (pid_t)message(pid);
	CHECK_EQ(next_stop(born), STOPPED(SIGSTOP, 0));
	go(born, PTRACE_CONT, 0);
	go(pid, PTRACE_CONT, 0);
	/* Joined it may be before its last step, which the end of all then takes. */
	int status = next_stop(born);
	CHECK(status == 0 || status == 6 << 8);
	CHECK_EQ(next_stop(pid), 6 << 8);
}

static void no_more_news(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	while (sigtimedwait(&set, NULL, &(struct timespec){0}) == SIGCHLD)
		;
}

/* News of a stop may come when wait has told of it already. */
static void expect_news(pid_t pid, int code, int status)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	do
		CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	while (info.si_code == CLD_TRAPPED);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_code, code);
	CHECK_EQ(info.si_status, status);
}

/* A tracee that fn makes a thread in, both stopped: the thread, and no news left. */
static pid_t two_threads(void (*fn)(void), pid_t *leader)
{
	sigset_t set;
	pid_t born;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	*leader = tracee(fn, PTRACE_O_TRACECLONE);
	go(*leader, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(*leader), STOPPED(SIGTRAP, PTRACE_EVENT_CLONE));
	born = (pid_t)message(*leader);
	CHECK_EQ(next_stop(born), STOPPED(SIGSTOP, 0));
	no_more_news();
	return born;
}

static void leader_waits(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_main, NULL))
		_exit(1);
	for (;;)
		pause();
}

/* The tracer may sleep in sigsuspend until it hears of a thread's end. */
TEST(ptrace, end_of_thread_is_told)
{
	pid_t pid, born = two_threads(leader_waits, &pid);

	go(pid, PTRACE_CONT, 0);
	go(born, PTRACE_CONT, 0);
	expect_news(born, CLD_EXITED, 0);
	CHECK_EQ(next_stop(born), 0);
	end(pid);
}

static void *wait_for_ever(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void leader_leaves(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_ever, NULL))
		_exit(1);
	syscall(SYS_exit, 3);
}

/* Of a first thread, too; but it is waited for when the others have ended. */
TEST(ptrace, end_of_first_thread_is_told)
{
	int status;
	pid_t pid, born = two_threads(leader_leaves, &pid);

	go(pid, PTRACE_CONT, 0);
	expect_news(pid, CLD_EXITED, 3);
	CHECK_EQ(waitpid(pid, &status, WNOHANG | __WALL), 0);
	CHECK_OK(syscall(SYS_tgkill, pid, born, SIGKILL));
	CHECK_EQ(next_stop(born), SIGKILL);
	CHECK_EQ(next_stop(pid), SIGKILL);
}

static void *exec_now(void *unused)
{
	exec_helper("exit", "5");
	return unused;
}

/* The first thread, which is traced, goes when another one takes its place: nobody traces that. */
TEST(ptrace, exec_of_other_thread)
{
	pthread_t thread;
	int status;
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
		pthread_create(&thread, NULL, exec_now, NULL);
		for (;;)
			pause();
	}
	expect_exit(pid, 5);
	CHECK_ERR(waitpid(-1, &status, __WALL | WNOHANG), ECHILD);
}

static void leader_ends_all(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, wait_for_ever, NULL))
		_exit(1);
	_exit(7);
}

/* The end of a process comes after those of its threads. */
TEST(ptrace, end_of_process_is_last)
{
	siginfo_t info;
	int status;
	pid_t pid, born = two_threads(leader_ends_all, &pid);

	go(pid, PTRACE_CONT, 0);
	CHECK_OK(waitid(P_PID, (id_t)born, &info, WEXITED | WNOWAIT | __WALL));
	wait_state(pid, "Z");
	no_more_news();
	CHECK_EQ(waitpid(pid, &status, WNOHANG | __WALL), 0);
	CHECK_EQ(next_stop(born), 7 << 8);
	expect_news(pid, CLD_EXITED, 7);
	CHECK_EQ(next_stop(pid), 7 << 8);
}

/* A tracer's end is as good as if it had waited. */
TEST(ptrace, end_waits_for_no_dead_tracer)
{
	struct gate gate;
	int fd[2];
	pid_t born;

	gate_make(&gate);
	CHECK_OK(pipe(fd));
	pid_t pid = child();
	if (pid == 0) {
		gate_pass(&gate);
		leader_ends_all();
	}
	pid_t tracer = child();
	if (tracer == 0) {
		CHECK_OK(ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACECLONE));
		gate_open(&gate);
		CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_CLONE));
		born = (pid_t)message(pid);
		CHECK_EQ(next_stop(born), STOPPED(SIGTRAP, PTRACE_EVENT_STOP));
		go(born, PTRACE_CONT, 0);
		go(pid, PTRACE_CONT, 0);
		wait_state(pid, "Z");
		write_full(fd[1], "e", 1);
		for (;;)
			pause();
	}
	char c;
	int status;
	CHECK_EQ(read(fd[0], &c, 1), 1);
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	CHECK_OK(kill(tracer, SIGKILL));
	CHECK_EQ(next_stop(tracer), SIGKILL);
	CHECK_EQ(next_stop(pid), 7 << 8);
	close(fd[0]);
	close(fd[1]);
}

/* A tracer that ends lets its tracees go, or takes them along. */
static void tracer_ends(long options, bool lives)
{
	struct gate gate;
	int fd[2];
	char c;

	gate_make(&gate);
	CHECK_OK(pipe(fd));
	pid_t pid = child();
	if (pid == 0) {
		close(fd[0]);
		gate_pass(&gate);
		write_full(fd[1], "l", 1);
		_exit(9);
	}
	close(fd[1]);
	pid_t tracer = child();
	if (tracer == 0) {
		CHECK_OK(ptrace(PTRACE_SEIZE, pid, NULL, (void *)options));
		CHECK_OK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
		CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_STOP));
		_exit(0);
	}
	expect_exit(tracer, 0);
	gate_open(&gate);
	CHECK_EQ(read(fd[0], &c, 1), lives);
	CHECK_EQ(next_stop(pid), lives ? 9 << 8 : SIGKILL);
	close(fd[0]);
}

TEST(ptrace, tracer_ends)
{
	tracer_ends(0, true);
	tracer_ends(PTRACE_O_EXITKILL, false);
}

/* Killed in a stop that nobody ends. */
TEST(ptrace, killed_in_stop)
{
	pid_t pid = tracee(fork_one, PTRACE_O_TRACEEXIT);

	CHECK_OK(kill(pid, SIGKILL));
	int status = next_stop(pid);
	if (status == STOPPED(SIGTRAP, PTRACE_EVENT_EXIT)) {
		go(pid, PTRACE_CONT, 0);
		status = next_stop(pid);
	}
	CHECK_EQ(status, SIGKILL);
}
