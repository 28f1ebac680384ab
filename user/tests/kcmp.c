/* kcmp: what two processes share. */
#include "ut.h"

#include <linux/ioprio.h>
#include <linux/kcmp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/sem.h>

static long cmp(pid_t a, pid_t b, int kind, unsigned long x, unsigned long y)
{
	return syscall(SYS_kcmp, a, b, kind, x, y);
}

/* A child of clone with these flags, which ends when the gate opens. */
static pid_t sharing(unsigned long flags, struct gate *gate)
{
	pid_t pid = (pid_t)CHECK_OK(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0));

	if (!pid) {
		gate_pass(gate);
		_exit(0);
	}
	return pid;
}

static void shared_is_equal(unsigned long flags, int kind)
{
	struct gate gate;
	pid_t pid;

	gate_make(&gate);
	pid = sharing(flags, &gate);
	CHECK_EQ(cmp(getpid(), pid, kind, 0, 0), 0);
	CHECK_EQ(cmp(pid, getpid(), kind, 0, 0), 0);
	gate_open(&gate);
	expect_exit(pid, 0);
	gate_close(&gate);
}

/* One of two comes before the other, from both sides. */
static void check_order(long there, long back)
{
	CHECK(there == 1 || there == 2);
	CHECK_EQ(there + back, 3);
}

TEST(kcmp, parts_of_a_process)
{
	const int kinds[] = { KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_VM };
	pid_t pid = child_pausing(), me = getpid();

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		CHECK_EQ(cmp(me, me, kinds[i], 0, 0), 0);
		check_order(cmp(me, pid, kinds[i], 0, 0), cmp(pid, me, kinds[i], 0, 0));
	}
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	shared_is_equal(CLONE_FILES, KCMP_FILES);
	shared_is_equal(CLONE_FS, KCMP_FS);
}

TEST(kcmp, undone_semaphores)
{
	int id = (int)CHECK_OK(semget(IPC_PRIVATE, 1, 0600));
	struct sembuf up = { 0, 1, SEM_UNDO };
	pid_t pid;

	/* Nobody has anything. */
	shared_is_equal(0, KCMP_SYSVSEM);
	CHECK_OK(semop(id, &up, 1));
	shared_is_equal(CLONE_SYSVSEM, KCMP_SYSVSEM);
	pid = child_pausing();
	check_order(cmp(getpid(), pid, KCMP_SYSVSEM, 0, 0), cmp(pid, getpid(), KCMP_SYSVSEM, 0, 0));
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

TEST(kcmp, priority_of_io)
{
	pid_t pid;

	shared_is_equal(0, KCMP_IO);
	CHECK_OK(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(2, 3)));
	CHECK_EQ(cmp(getpid(), getpid(), KCMP_IO, 0, 0), 0);
	pid = child_pausing();
	check_order(cmp(getpid(), pid, KCMP_IO, 0, 0), cmp(pid, getpid(), KCMP_IO, 0, 0));
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(kcmp, open_files)
{
	unsigned long a, b, c;
	pid_t me = getpid(), pid;

	file_make("f", "x", 1);
	a = (unsigned long)CHECK_OK(open("f", O_RDONLY));
	b = (unsigned long)CHECK_OK(dup((int)a));
	c = (unsigned long)CHECK_OK(open("f", O_RDONLY));
	CHECK_EQ(cmp(me, me, KCMP_FILE, a, a), 0);
	CHECK_EQ(cmp(me, me, KCMP_FILE, a, b), 0);
	check_order(cmp(me, me, KCMP_FILE, a, c), cmp(me, me, KCMP_FILE, c, a));
	pid = child_pausing();
	CHECK_EQ(cmp(me, pid, KCMP_FILE, a, b), 0);
	CHECK_ERR(cmp(me, pid, KCMP_FILE, a, 199), EBADF);
	CHECK_ERR(cmp(me, pid, KCMP_FILE, 199, a), EBADF);
	CHECK_ERR(cmp(me, pid, KCMP_FILE, a, UINT32_MAX), EBADF);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(kcmp, targets_of_epoll)
{
	int ep = (int)CHECK_OK(epoll_create1(0)), fd[2], other[2];
	struct epoll_event e = { .events = EPOLLIN };
	struct kcmp_epoll_slot slot;
	pid_t me = getpid();
	unsigned long at = (unsigned long)&slot;

	CHECK_OK(pipe(fd));
	CHECK_OK(pipe(other));
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &e));
	slot = (struct kcmp_epoll_slot){ (uint32_t)ep, (uint32_t)fd[0], 0 };
	CHECK_EQ(cmp(me, me, KCMP_EPOLL_TFD, (unsigned long)fd[0], at), 0);
	CHECK_GE(cmp(me, me, KCMP_EPOLL_TFD, (unsigned long)fd[1], at), 1);
	slot.toff = 1;
	CHECK_ERR(cmp(me, me, KCMP_EPOLL_TFD, (unsigned long)fd[0], at), ENOENT);
	/* Another file as the same descriptor: the first one stays, and is one of two. */
	CHECK_OK(dup2(fd[0], 100));
	CHECK_OK(dup2(other[0], fd[0]));
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, fd[0], &e));
	slot.toff = 0;
	CHECK_EQ((cmp(me, me, KCMP_EPOLL_TFD, 100, at) == 0) +
		 (cmp(me, me, KCMP_EPOLL_TFD, (unsigned long)other[0], at) == 0), 1);
	slot.tfd = (uint32_t)fd[1];
	CHECK_ERR(cmp(me, me, KCMP_EPOLL_TFD, (unsigned long)fd[0], at), ENOENT);
	slot.efd = (uint32_t)fd[1];
	CHECK_ERR(cmp(me, me, KCMP_EPOLL_TFD, (unsigned long)fd[0], at), EINVAL);
	slot.efd = 199;
	CHECK_ERR(cmp(me, me, KCMP_EPOLL_TFD, (unsigned long)fd[0], at), EBADF);
	slot.efd = (uint32_t)ep;
	CHECK_ERR(cmp(me, me, KCMP_EPOLL_TFD, 199, at), EBADF);
	CHECK_ERR(cmp(me, me, KCMP_EPOLL_TFD, (unsigned long)fd[0], 8), EFAULT);
}

TEST(kcmp, errors, .root = true)
{
	pid_t me = getpid(), pid = child();

	if (!pid)
		_exit(0);
	expect_exit(pid, 0);
	CHECK_ERR(cmp(me, pid, KCMP_VM, 0, 0), ESRCH);
	CHECK_ERR(cmp(pid, me, KCMP_VM, 0, 0), ESRCH);
	CHECK_ERR(cmp(0, 0, KCMP_VM, 0, 0), ESRCH);
	CHECK_ERR(cmp(-1, me, KCMP_VM, 0, 0), ESRCH);
	CHECK_ERR(cmp(me, me, KCMP_EPOLL_TFD + 1, 0, 0), EINVAL);
	CHECK_ERR(cmp(me, me, -1, 0, 0), EINVAL);
	pid = child();
	if (!pid) {
		become_user();
		CHECK_ERR(cmp(getpid(), getppid(), KCMP_VM, 0, 0), EPERM);
		CHECK_ERR(cmp(getppid(), getpid(), KCMP_VM, 0, 0), EPERM);
		CHECK_ERR(cmp(getpid(), getppid(), 100, 0, 0), EPERM);
		CHECK_EQ(cmp(getpid(), getpid(), KCMP_VM, 0, 0), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}
