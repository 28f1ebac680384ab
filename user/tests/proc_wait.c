/* wait4 and waitid: every option, every status; zombies, orphans, SIGCHLD. */
#include "ut.h"

#include <sys/resource.h>
#include <time.h>

TEST(proc, wait_exit_codes)
{
	static const int codes[] = { 0, 1, 2, 127, 128, 200, 255, 256, 259, -1 };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		pid_t pid = child();

		if (pid == 0)
			_exit(codes[i]);
		int status = status_of(pid);
		CHECK_EQ(status, (codes[i] & 0xff) << 8);
	}
}

TEST(proc, wait_signal_status)
{
	static const int sigs[] = { SIGKILL, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE, SIGALRM, SIGINT };

	for (size_t i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		pid_t pid = child();

		if (pid == 0)
			for (;;)
				pause();
		CHECK_OK(kill(pid, sigs[i]));
		int status = status_of(pid);
		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), sigs[i]);
		CHECK_EQ(WCOREDUMP(status), 0);
	}
}

TEST(proc, wait_no_children)
{
	int status;

	CHECK_ERR(wait(&status), ECHILD);
	CHECK_ERR(waitpid(-1, &status, WNOHANG), ECHILD);
	CHECK_ERR(waitpid(1, &status, 0), ECHILD);
	CHECK_ERR(waitpid(getpid(), &status, 0), ECHILD);
	CHECK_ERR(waitpid(0, &status, 0), ECHILD);
	CHECK_ERR(waitpid(-12345, &status, 0), ECHILD);
	CHECK_ERR(waitid(P_ALL, 0, NULL, WEXITED), ECHILD);
}

TEST(proc, wait_bad_options)
{
	siginfo_t info;

	CHECK_ERR(waitpid(-1, NULL, 0x1000), EINVAL);
	CHECK_ERR(waitpid(-1, NULL, WEXITED), EINVAL);
	CHECK_ERR(waitid(P_ALL, 0, &info, 0), EINVAL);
	CHECK_ERR(waitid(P_ALL, 0, &info, WNOHANG), EINVAL);
	CHECK_ERR(waitid(P_ALL, 0, &info, WEXITED | 0x10000), EINVAL);
	CHECK_ERR(waitid((idtype_t)77, 0, &info, WEXITED), EINVAL);
	CHECK_ERR(waitid(P_PID, 0, &info, WEXITED), EINVAL);
	CHECK_ERR(waitid(P_PID, (id_t)-1, &info, WEXITED), EINVAL);
	CHECK_ERR(waitpid(INT_MIN, NULL, 0), ESRCH);
}

TEST(proc, wait_nohang)
{
	struct gate gate;
	int status = 0x1234;

	gate_make(&gate);
	pid_t pid = child();
	if (pid == 0) {
		gate_pass(&gate);
		_exit(3);
	}
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	CHECK_EQ(waitpid(-1, &status, WNOHANG), 0);
	CHECK_EQ(status, 0x1234);
	gate_open(&gate);
	wait_state(pid, "Z");
	CHECK_EQ(waitpid(-1, &status, WNOHANG), pid);
	CHECK_EQ(status, 3 << 8);
	CHECK_ERR(waitpid(-1, &status, WNOHANG), ECHILD);
}

TEST(proc, wait_chosen_child_first)
{
	pid_t first = child();
	if (first == 0)
		_exit(1);
	pid_t second = child();
	if (second == 0)
		_exit(2);
	expect_exit(second, 2);
	expect_exit(first, 1);
}

TEST(proc, wait_process_group)
{
	int status;
	pid_t own = child();
	if (own == 0)
		_exit(1);
	pid_t other = child();
	if (other == 0) {
		setpgid(0, 0);
		_exit(2);
	}
	setpgid(other, other);
	CHECK_EQ(waitpid(-other, &status, 0), other);
	CHECK_EQ(status, 2 << 8);
	CHECK_EQ(waitpid(0, &status, 0), own);
	CHECK_EQ(status, 1 << 8);
}

TEST(proc, wait_stopped_and_continued)
{
	int status;
	pid_t pid = child();

	if (pid == 0)
		for (;;)
			pause();
	CHECK_OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	/* Reported once. */
	CHECK_EQ(waitpid(pid, &status, WUNTRACED | WNOHANG), 0);
	CHECK_OK(kill(pid, SIGCONT));
	CHECK_EQ(waitpid(pid, &status, WCONTINUED), pid);
	CHECK(WIFCONTINUED(status));
	CHECK_EQ(waitpid(pid, &status, WCONTINUED | WNOHANG), 0);
	CHECK_OK(kill(pid, SIGTSTP));
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_EQ(WSTOPSIG(status), SIGTSTP);
	/* Without WUNTRACED a stop is not reported; SIGKILL ends even a stopped process. */
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(proc, wait_rusage)
{
	struct rusage ru;
	int status;
	pid_t pid = child();

	if (pid == 0) {
		uint64_t end;
		struct timespec ts;

		do {
			CHECK_OK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts));
			end = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
		} while (end < 50000000);
		_exit(0);
	}
	memset(&ru, 0xff, sizeof(ru));
	CHECK_EQ(wait4(pid, &status, 0, &ru), pid);
	CHECK_GE((ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 + ru.ru_utime.tv_usec +
		 ru.ru_stime.tv_usec, 20000);
	CHECK_EQ(ru.ru_nswap, 0);
}

TEST(proc, waitid_exited)
{
	siginfo_t info;
	pid_t pid = child();

	if (pid == 0)
		_exit(0x1ff);
	memset(&info, 0xff, sizeof(info));
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED), 0);
	CHECK_EQ(info.si_signo, SIGCHLD);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_errno, 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_uid, getuid());
	CHECK_EQ(info.si_status, 0xff);
}

TEST(proc, waitid_killed)
{
	siginfo_t info;
	pid_t pid = child();

	if (pid == 0)
		for (;;)
			pause();
	CHECK_OK(kill(pid, SIGTERM));
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED), 0);
	CHECK_EQ(info.si_code, CLD_KILLED);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_status, SIGTERM);
}

TEST(proc, waitid_stopped_continued)
{
	siginfo_t info;
	pid_t pid = child();

	if (pid == 0)
		for (;;)
			pause();
	CHECK_OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT), 0);
	CHECK_EQ(info.si_code, CLD_STOPPED);
	CHECK_EQ(info.si_status, SIGSTOP);
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WSTOPPED), 0);
	CHECK_OK(kill(pid, SIGCONT));
	CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WCONTINUED), 0);
	CHECK_EQ(info.si_code, CLD_CONTINUED);
	CHECK_EQ(info.si_status, SIGCONT);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(proc, waitid_nowait_keeps_zombie)
{
	siginfo_t info;
	pid_t pid = child();

	if (pid == 0)
		_exit(11);
	for (int i = 0; i < 3; i++) {
		info.si_pid = 0;
		CHECK_EQ(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
		CHECK_EQ(info.si_pid, pid);
	}
	expect_exit(pid, 11);
	CHECK_ERR(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), ECHILD);
}

TEST(proc, waitid_nohang_nothing)
{
	struct gate gate;
	siginfo_t info;

	gate_make(&gate);
	pid_t pid = child();
	if (pid == 0) {
		gate_pass(&gate);
		_exit(0);
	}
	memset(&info, 0xff, sizeof(info));
	CHECK_EQ(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_EQ(info.si_signo, 0);
	gate_open(&gate);
	expect_exit(pid, 0);
}

TEST(proc, waitid_group)
{
	siginfo_t info;
	pid_t pid = child();

	if (pid == 0) {
		setpgid(0, 0);
		_exit(1);
	}
	setpgid(pid, pid);
	CHECK_EQ(waitid(P_PGID, (id_t)pid, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, pid);
	CHECK_ERR(waitid(P_PGID, 0, &info, WEXITED), ECHILD);
}

static volatile sig_atomic_t caught;

static void catch(int sig)
{
	caught = sig;
}

TEST(proc, wait_interrupted)
{
	struct gate gate;

	gate_make(&gate);
	on_signal(SIGUSR1, catch, 0);
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		CHECK_OK(kill(self, SIGUSR1));
		gate_pass(&gate);
		_exit(0);
	}
	CHECK_ERR(waitpid(pid, NULL, 0), EINTR);
	CHECK_EQ(caught, SIGUSR1);
	gate_open(&gate);
	expect_exit(pid, 0);
}

TEST(proc, wait_restarted)
{
	on_signal(SIGUSR1, catch, SA_RESTART);
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		CHECK_OK(kill(self, SIGUSR1));
		_exit(8);
	}
	int status;
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 8 << 8);
	CHECK_EQ(caught, SIGUSR1);
}

TEST(proc, wait_sigchld_ignored)
{
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 5; i++)
		if (child() == 0)
			_exit(i);
	/* No zombies: wait sleeps until the last one is gone. */
	CHECK_ERR(wait(NULL), ECHILD);
}

TEST(proc, wait_nocldwait)
{
	on_signal(SIGCHLD, catch, SA_NOCLDWAIT);
	pid_t pid = child();
	if (pid == 0)
		_exit(1);
	pid_t got;
	do {
		got = waitpid(pid, NULL, 0);
	} while (got < 0 && errno == EINTR);
	CHECK_EQ(got, -1);
	CHECK_EQ(errno, ECHILD);
}

TEST(proc, wait_zombie_keeps_pid)
{
	pid_t pid = child();

	if (pid == 0)
		_exit(0);
	wait_state(pid, "Z");
	CHECK_OK(kill(pid, 0));
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(getpgid(pid), getpgrp());
	for (int i = 0; i < 100; i++) {
		pid_t other = child();
		if (other == 0)
			_exit(0);
		CHECK(other != pid);
		expect_exit(other, 0);
	}
	expect_exit(pid, 0);
	CHECK_ERR(kill(pid, 0), ESRCH);
}

TEST(proc, wait_300_zombies, .mem_mib = 32)
{
	static pid_t pids[300];

	for (int i = 0; i < 300; i++) {
		pids[i] = child();
		if (pids[i] == 0)
			_exit(i % 100);
	}
	for (int i = 299; i >= 0; i--)
		expect_exit(pids[i], i % 100);
	CHECK_ERR(wait(NULL), ECHILD);
}

TEST(proc, wait_pids_differ)
{
	static pid_t pids[200];

	for (int i = 0; i < 200; i++) {
		pids[i] = child();
		if (pids[i] == 0)
			_exit(0);
		for (int j = 0; j < i; j++)
			CHECK(pids[i] != pids[j]);
	}
	for (int i = 0; i < 200; i++)
		expect_exit(pids[i], 0);
}

TEST(proc, orphan_gets_new_parent)
{
	struct gate gate, done;

	gate_make(&gate);
	gate_make(&done);
	pid_t middle = child();
	if (middle == 0) {
		if (child() == 0) {
			gate_pass(&gate);
			CHECK_EQ(getppid(), 1);
			gate_open(&done);
		}
		_exit(0);
	}
	expect_exit(middle, 0);
	gate_open(&gate);
	/* The orphan is not ours. */
	CHECK_ERR(wait(NULL), ECHILD);
	gate_pass(&done);
}

TEST(proc, orphan_zombies_are_reaped)
{
	pid_t dead;
	int fd[2];

	CHECK_OK(pipe(fd));
	pid_t middle = child();
	if (middle == 0) {
		pid_t pid = child();

		if (pid == 0)
			_exit(0);
		wait_state(pid, "Z");
		CHECK_EQ(write(fd[1], &pid, sizeof(pid)), sizeof(pid));
		_exit(0);
	}
	CHECK_EQ(read(fd[0], &dead, sizeof(dead)), sizeof(dead));
	expect_exit(middle, 0);
	/* The first process takes it; the watchdog bounds the loop. */
	while (kill(dead, 0) == 0)
		usleep(1000);
	CHECK_EQ(errno, ESRCH);
}

TEST(proc, orphaned_stopped_group_gets_hup)
{
	/* When a group becomes orphaned, its stopped members get SIGHUP and SIGCONT. */
	int fd[2];
	char c;

	CHECK_OK(pipe(fd));
	pid_t middle = child();
	if (middle == 0) {
		close(fd[0]);
		setpgid(0, 0);
		pid_t pid = child();
		if (pid == 0)
			for (;;)
				pause();
		CHECK_OK(kill(pid, SIGSTOP));
		CHECK_EQ(waitpid(pid, NULL, WUNTRACED), pid);
		_exit(0);
	}
	close(fd[1]);
	expect_exit(middle, 0);
	/* The grandchild dies of SIGHUP, which closes the last writer. */
	CHECK_EQ(read(fd[0], &c, 1), 0);
}

TEST(proc, exit_group_from_child_of_thread)
{
	/* exit_group's code, not a thread's, is what the parent sees. */
	pid_t pid = child();

	if (pid == 0)
		syscall(SYS_exit_group, 17);
	expect_exit(pid, 17);
	pid = child();
	if (pid == 0)
		syscall(SYS_exit, 18);
	expect_exit(pid, 18);
}

TEST(proc, exit_closes_descriptors)
{
	int fd[2];
	char c;

	CHECK_OK(pipe(fd));
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(write(fd[1], "x", 1), 1);
		_exit(0);
	}
	close(fd[1]);
	CHECK_EQ(read(fd[0], &c, 1), 1);
	CHECK_EQ(read(fd[0], &c, 1), 0);
	expect_exit(pid, 0);
}

TEST(proc, sigchld_siginfo)
{
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	pid_t pid = child();
	if (pid == 0)
		_exit(21);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK_EQ(info.si_pid, pid);
	CHECK_EQ(info.si_code, CLD_EXITED);
	CHECK_EQ(info.si_status, 21);
	CHECK_EQ(info.si_uid, getuid());
	expect_exit(pid, 21);
}

TEST(proc, sigchld_on_stop_and_nocldstop)
{
	sigset_t set;
	siginfo_t info;
	struct timespec zero = { 0 };

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	pid_t pid = child();
	if (pid == 0)
		for (;;)
			pause();
	CHECK_OK(kill(pid, SIGSTOP));
	CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK_EQ(info.si_code, CLD_STOPPED);
	CHECK_EQ(info.si_status, SIGSTOP);
	CHECK_OK(kill(pid, SIGCONT));
	CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK_EQ(info.si_code, CLD_CONTINUED);
	on_signal(SIGCHLD, catch, SA_NOCLDSTOP);
	CHECK_OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, NULL, WUNTRACED), pid);
	CHECK_ERR(sigtimedwait(&set, &info, &zero), EAGAIN);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK_EQ(info.si_code, CLD_KILLED);
}
