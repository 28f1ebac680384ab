/* Identities: pids, groups, sessions, users; kill and who may send what. */
#include "ut.h"

#include <grp.h>
#include <pthread.h>
#include <sys/prctl.h>

TEST(proc, id_family)
{
	CHECK(getpid() > 1);
	CHECK(getppid() >= 1);
	CHECK_EQ(syscall(SYS_gettid), getpid());
	CHECK_EQ(getpgrp(), getpid());
	CHECK_EQ(getpgid(0), getpgrp());
	CHECK_EQ(getpgid(getpid()), getpgrp());
	CHECK_EQ(getsid(0), getsid(getpid()));
	CHECK_ERR(getpgid(-1), ESRCH);
	CHECK_ERR(getpgid(0x3fffff), ESRCH);
	CHECK_ERR(getsid(-1), ESRCH);
	CHECK_ERR(getsid(0x3fffff), ESRCH);
}

TEST(proc, setpgid_moves)
{
	pid_t first = child();
	if (first == 0)
		for (;;)
			pause();
	pid_t second = child();
	if (second == 0)
		for (;;)
			pause();
	CHECK_EQ(getpgid(first), getpgrp());
	CHECK_OK(setpgid(first, 0));
	CHECK_EQ(getpgid(first), first);
	CHECK_OK(setpgid(second, first));
	CHECK_EQ(getpgid(second), first);
	CHECK_OK(setpgid(second, getpgrp()));
	CHECK_EQ(getpgid(second), getpgrp());
	CHECK_OK(kill(first, SIGKILL));
	CHECK_OK(kill(second, SIGKILL));
	expect_signal(first, SIGKILL);
	expect_signal(second, SIGKILL);
}

TEST(proc, setpgid_errors)
{
	struct gate gate;

	gate_make(&gate);
	CHECK_ERR(setpgid(0, -1), EINVAL);
	CHECK_ERR(setpgid(-1, 0), EINVAL);
	CHECK_ERR(setpgid(1, 0), ESRCH);
	CHECK_ERR(setpgid(0x3fffff, 0), ESRCH);
	/* Only groups of the own session. */
	CHECK_ERR(setpgid(0, 0x3fffff), EPERM);
	pid_t leader = child();
	if (leader == 0) {
		CHECK_EQ(setsid(), getpid());
		CHECK_ERR(setpgid(0, 0), EPERM);
		gate_open(&gate);
		for (;;)
			pause();
	}
	gate_pass(&gate);
	CHECK_ERR(setpgid(leader, leader), EPERM);
	CHECK_ERR(setpgid(0, leader), EPERM);
	CHECK_OK(kill(leader, SIGKILL));
	expect_signal(leader, SIGKILL);
}

TEST(proc, setpgid_after_exec)
{
	int fd[2];
	char c;

	CHECK_OK(pipe2(fd, O_CLOEXEC));
	pid_t pid = child();
	if (pid == 0) {
		exec_helper("pause", NULL);
		_exit(1);
	}
	/* The exec closes the last writer. */
	close(fd[1]);
	CHECK_EQ(read(fd[0], &c, 1), 0);
	CHECK_ERR(setpgid(pid, pid), EACCES);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(proc, setsid)
{
	/* A group leader may not; a member may, and leads group and session then. */
	CHECK_ERR(setsid(), EPERM);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(setsid(), getpid());
		CHECK_EQ(getsid(0), getpid());
		CHECK_EQ(getpgrp(), getpid());
		CHECK_ERR(setsid(), EPERM);
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(proc, group_survives_leader)
{
	struct gate gate, go;

	gate_make(&gate);
	gate_make(&go);
	pid_t leader = child();
	if (leader == 0) {
		setpgid(0, 0);
		if (child() == 0) {
			gate_open(&gate);
			gate_pass(&go);
			_exit(0);
		}
		_exit(0);
	}
	expect_exit(leader, 0);
	gate_pass(&gate);
	CHECK_OK(kill(-leader, 0));
	gate_open(&go);
	while (kill(-leader, 0) == 0)
		usleep(1000);
	CHECK_EQ(errno, ESRCH);
}

TEST(proc, uid_change, .root = true)
{
	uid_t r, e, s;
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(setresuid(1, 2, 3));
		CHECK_OK(getresuid(&r, &e, &s));
		CHECK(r == 1 && e == 2 && s == 3);
		CHECK_EQ(getuid(), 1);
		CHECK_EQ(geteuid(), 2);
		/* Without privilege: only to one of the three. */
		CHECK_OK(syscall(SYS_setresuid, -1, 3, -1));
		CHECK_ERR(syscall(SYS_setresuid, -1, 0, -1), EPERM);
		CHECK_ERR(syscall(SYS_setuid, 0), EPERM);
		CHECK_OK(syscall(SYS_setuid, 1));
		CHECK_EQ(geteuid(), 1);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(proc, gid_change, .root = true)
{
	gid_t r, e, s, groups[4] = { 9, 7, 8, 10 };
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(setgroups(3, groups));
		CHECK_EQ(getgroups(0, NULL), 3);
		CHECK_EQ(getgroups(4, groups), 3);
		CHECK_ERR(getgroups(2, groups), EINVAL);
		CHECK_GE(groups[1], groups[0]); /* in order, whatever they were set in */
		CHECK_GE(groups[2], groups[1]);
		CHECK_ERR(syscall(SYS_getgroups, -1, groups), EINVAL);
		CHECK_OK(setresgid(4, 5, 6));
		CHECK_OK(getresgid(&r, &e, &s));
		CHECK(r == 4 && e == 5 && s == 6);
		CHECK_OK(setresuid(1000, 1000, 1000));
		CHECK_ERR(setgroups(1, groups), EPERM);
		CHECK_ERR(setgid(0), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(proc, kill_errors)
{
	CHECK_OK(kill(getpid(), 0));
	CHECK_ERR(kill(0x3fffff, 0), ESRCH);
	CHECK_ERR(kill(-0x3fffff, SIGTERM), ESRCH);
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(getpid(), -1), EINVAL);
	CHECK_ERR(kill(INT_MIN, SIGTERM), ESRCH);
	CHECK_ERR(syscall(SYS_tkill, 0, SIGTERM), EINVAL);
	CHECK_ERR(syscall(SYS_tkill, 0x3fffff, SIGTERM), ESRCH);
	CHECK_ERR(syscall(SYS_tgkill, getpid(), -1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_tgkill, 1, getpid(), 0), ESRCH);
	CHECK_OK(syscall(SYS_tgkill, getpid(), getpid(), 0));
}

TEST(proc, kill_permission, .root = true)
{
	struct gate gate;

	gate_make(&gate);
	pid_t root = child();
	if (root == 0)
		for (;;)
			pause();
	pid_t user = child();
	if (user == 0) {
		become_user();
		CHECK_ERR(kill(root, SIGTERM), EPERM);
		CHECK_ERR(kill(root, 0), EPERM);
		CHECK_ERR(kill(1, SIGKILL), EPERM);
		/* SIGCONT may cross users within a session. */
		CHECK_OK(kill(root, SIGCONT));
		gate_open(&gate);
		for (;;)
			pause();
	}
	gate_pass(&gate);
	CHECK_OK(kill(user, SIGUSR1));
	expect_signal(user, SIGUSR1);
	CHECK_OK(kill(root, SIGKILL));
	expect_signal(root, SIGKILL);
}

static volatile sig_atomic_t hits;

static void hit(int sig)
{
	(void)sig;
	hits++;
}

TEST(proc, kill_own_group)
{
	struct gate gate;
	pid_t pids[3];

	gate_make(&gate);
	on_signal(SIGUSR1, hit, 0);
	for (int i = 0; i < 3; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			signal(SIGUSR1, SIG_DFL);
			gate_open(&gate);
			for (;;)
				pause();
		}
	}
	for (int i = 0; i < 3; i++)
		gate_pass(&gate);
	CHECK_OK(kill(0, SIGUSR1));
	CHECK_EQ(hits, 1);
	for (int i = 0; i < 3; i++)
		expect_signal(pids[i], SIGUSR1);
}

TEST(proc, kill_other_group)
{
	pid_t pids[3];

	for (int i = 0; i < 3; i++) {
		pids[i] = child();
		if (pids[i] == 0)
			for (;;)
				pause();
		CHECK_OK(setpgid(pids[i], pids[0]));
	}
	CHECK_OK(kill(-pids[0], SIGTERM));
	for (int i = 0; i < 3; i++)
		expect_signal(pids[i], SIGTERM);
	CHECK_ERR(kill(-pids[0], SIGTERM), ESRCH);
}

TEST(proc, kill_everybody_as_user, .root = true)
{
	/* -1 reaches all processes of the user but the caller (and never the first process). */
	pid_t root = child();
	if (root == 0)
		for (;;)
			pause();
	pid_t caller = child();
	if (caller == 0) {
		pid_t pids[2];

		CHECK_OK(setresuid(1999, 1999, 1999));
		for (int i = 0; i < 2; i++) {
			pids[i] = child();
			if (pids[i] == 0)
				for (;;)
					pause();
		}
		CHECK_OK(kill(-1, SIGTERM));
		expect_signal(pids[0], SIGTERM);
		expect_signal(pids[1], SIGTERM);
		/* Nobody is left; that it may not send to the others is no error here. */
		CHECK_OK(kill(-1, SIGTERM));
		_exit(0);
	}
	expect_exit(caller, 0);
	CHECK_EQ(waitpid(root, NULL, WNOHANG), 0);
	CHECK_OK(kill(root, SIGKILL));
	expect_signal(root, SIGKILL);
}

TEST(proc, kill_init_is_ignored, .root = true)
{
	CHECK_OK(kill(1, SIGKILL));
	CHECK_OK(kill(1, SIGSTOP));
	CHECK_OK(kill(1, 0));
}

static void *kill_by_tid(void *arg)
{
	CHECK(gettid() != getpid());
	CHECK_OK(kill(gettid(), 0));
	CHECK_OK(kill(gettid(), SIGUSR1));
	return arg;
}

/* A thread's number stands for its process. */
TEST(proc, kill_thread_number)
{
	pthread_t t;

	on_signal(SIGUSR1, hit, 0);
	CHECK_EQ(pthread_create(&t, NULL, kill_by_tid, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_EQ(hits, 1);
}

/* Nothing of the longer name is behind the end of the shorter one. */
TEST(proc, name_is_cleared)
{
	char name[16], want[16] = "short";

	CHECK_OK(prctl(PR_SET_NAME, "a long name, 15"));
	CHECK_OK(prctl(PR_SET_NAME, want));
	CHECK_OK(prctl(PR_GET_NAME, name));
	CHECK(!memcmp(name, want, sizeof(name)));
}

TEST(proc, kill_self_is_prompt)
{
	on_signal(SIGUSR1, hit, 0);
	for (int i = 1; i <= 100; i++) {
		/* Delivered before kill returns, when nothing blocks it. */
		CHECK_OK(kill(getpid(), SIGUSR1));
		CHECK_EQ(hits, i);
	}
}

TEST(proc, kill_busy_process)
{
	/* A process that makes no system call still dies. */
	pid_t pid = child();

	if (pid == 0)
		for (;;)
			__asm__ volatile("" ::: "memory");
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(proc, kill_stress)
{
	/* Children that fork, write and wait are killed at arbitrary points. */
	for (int i = 0; i < 60; i++) {
		pid_t pid = child();

		if (pid == 0) {
			for (;;) {
				pid_t inner = fork();
				if (inner == 0)
					_exit(0);
				if (inner > 0)
					waitpid(inner, NULL, 0);
				int fd = open("f", O_RDWR | O_CREAT, 0600);
				if (write(fd, "data", 4) != 4)
					_exit(1);
				close(fd);
			}
		}
		for (volatile int spin = 0; spin < i * 5000; spin++)
			continue;
		CHECK_OK(kill(pid, SIGKILL));
		expect_signal(pid, SIGKILL);
	}
}
