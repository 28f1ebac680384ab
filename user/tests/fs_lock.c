/*
 * fs: locks of processes (fcntl), of open files (OFD) and of whole files (flock), and who waits for
 * whom.
 */
#include <sched.h>
#include <sys/file.h>

#include "user/tests/ut.h"

static struct flock range(short type, off_t from, off_t len)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = len};
}

static int lock(int fd, int command, short type, off_t from, off_t len)
{
	struct flock l = range(type, from, len);

	return fcntl(fd, command, &l);
}

static int file_open(void)
{
	return (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
}

TEST(fs, lock_conflict)
{
	int fd = file_open();
	struct flock l = range(F_WRLCK, 5, 2);
	pid_t pid;

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 20, 10));
	pid = child();
	if (!pid) {
		CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, 9, 1), EAGAIN);
		CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 10, 10));
		CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 25, 100));
		CHECK_ERR(lock(fd, F_SETLK, F_WRLCK, 29, 1), EAGAIN);
		CHECK_OK(fcntl(fd, F_GETLK, &l));
		CHECK_EQ(l.l_type, F_WRLCK);
		CHECK_EQ(l.l_start, 0);
		CHECK_EQ(l.l_len, 10);
		CHECK_EQ(l.l_pid, getppid());
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* A clone that fails has closed nothing of its parent. */
TEST(fs, lock_outlives_failed_clone)
{
	int fd = file_open();
	pid_t pid;

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	CHECK_ERR(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, (void *)8, NULL, NULL), EFAULT);
	pid = child();
	if (!pid) {
		CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, 9, 1), EAGAIN);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* The middle of a lock is given back: two are left. */
TEST(fs, lock_split)
{
	int fd = file_open();
	pid_t pid;

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 30));
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 10, 10));
	CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 22, 2));
	pid = child();
	if (!pid) {
		CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 10, 10));
		CHECK_ERR(lock(fd, F_SETLK, F_WRLCK, 9, 1), EAGAIN);
		CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, 21, 1), EAGAIN);
		CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 22, 2));
		CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, 24, 0), EAGAIN);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* Any descriptor that a process closes takes its locks along; an open file's stay. */
TEST(fs, lock_close)
{
	int fd = file_open(), ofd = file_open(), third = file_open();

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	CHECK_OK(lock(ofd, F_OFD_SETLK, F_WRLCK, 10, 10));
	CHECK_OK(close(third));
	third = file_open();
	CHECK_OK(lock(third, F_OFD_SETLK, F_WRLCK, 0, 10));
	CHECK_ERR(lock(third, F_OFD_SETLK, F_WRLCK, 10, 1), EAGAIN);
	CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, 0, 1), EAGAIN);
	CHECK_OK(close(ofd));
	CHECK_OK(lock(third, F_OFD_SETLK, F_WRLCK, 10, 1));
}

/* An open file's lock goes with its last descriptor, wherever that is. */
TEST(fs, lock_ofd_shared)
{
	int fd = file_open(), other = file_open();
	struct gate go, done;
	pid_t pid;

	gate_make(&go);
	gate_make(&done);
	CHECK_OK(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0));
	pid = child();
	if (!pid) {
		CHECK_OK(lock(fd, F_OFD_SETLK, F_WRLCK, 5, 5));
		gate_pass(&go);
		CHECK_OK(close(fd));
		gate_open(&done);
		_exit(0);
	}
	CHECK_OK(close(fd));
	CHECK_ERR(lock(other, F_OFD_SETLK, F_RDLCK, 0, 1), EAGAIN);
	gate_open(&go);
	gate_pass(&done);
	CHECK_OK(lock(other, F_OFD_SETLK, F_RDLCK, 0, 1));
	expect_exit(pid, 0);
}

TEST(fs, lock_wait)
{
	int fd = file_open();
	struct gate held, go;
	pid_t pid;

	gate_make(&held);
	gate_make(&go);
	pid = child();
	if (!pid) {
		CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 1));
		gate_open(&held);
		gate_pass(&go);
		CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
		_exit(0);
	}
	gate_pass(&held);
	gate_open(&go);
	CHECK_OK(lock(fd, F_SETLKW, F_RDLCK, 0, 1));
	CHECK_EQ(pread(fd, (char[1]){0}, 1, 0), 1);
	expect_exit(pid, 0);
}

static void nothing(int sig)
{
	(void)sig;
}

TEST(fs, lock_wait_interrupted)
{
	int fd = file_open();
	pid_t pid;

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 1));
	CHECK_OK(flock(fd, LOCK_EX));
	on_signal(SIGUSR1, nothing, 0);
	for (int kind = 0; kind < 3; kind++) {
		int status;

		pid = child();
		if (!pid) {
			int own = file_open();

			if (kind == 0)
				CHECK_ERR(lock(own, F_SETLKW, F_WRLCK, 0, 1), EINTR);
			else if (kind == 1)
				CHECK_ERR(lock(own, F_OFD_SETLKW, F_WRLCK, 0, 1), EINTR);
			else
				CHECK_ERR(flock(own, LOCK_SH), EINTR);
			_exit(0);
		}
		/* One that came before it waits is lost: again, until it has ended. */
		while (!waitpid(pid, &status, WNOHANG)) {
			wait_state(pid, "SZ");
			kill(pid, SIGUSR1);
		}
		CHECK_EQ(status, 0);
	}
}

/* Each of a ring of processes holds one byte and waits for the next one's. */
static void ring(int members)
{
	struct gate held, go;
	int fd = file_open(), deadlocks = 0;
	pid_t pid[8];

	gate_make(&held);
	gate_make(&go);
	for (int i = 0; i < members; i++) {
		pid[i] = child();
		if (!pid[i]) {
			int err;

			CHECK_OK(lock(fd, F_SETLK, F_WRLCK, i, 1));
			gate_open(&held);
			gate_pass(&go);
			err = lock(fd, F_SETLKW, F_WRLCK, (i + 1) % members, 1) ? errno : 0;
			CHECK(!err || err == EDEADLK);
			_exit(err ? 1 : 0);
		}
	}
	for (int i = 0; i < members; i++)
		gate_pass(&held);
	for (int i = 0; i < members; i++)
		gate_open(&go);
	for (int i = 0; i < members; i++) {
		int status = status_of(pid[i]);

		CHECK(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		deadlocks += WEXITSTATUS(status);
	}
	CHECK_EQ(deadlocks, 1);
	CHECK_OK(close(fd));
}

TEST(fs, lock_deadlock)
{
	ring(2);
	ring(3);
	ring(7);
}

/* Two that pass a pair of locks to and fro in the same order never deadlock. */
TEST(fs, lock_no_false_deadlock)
{
	int fd = file_open();
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		pid[i] = child();
		if (!pid[i]) {
			for (int turn = 0; turn < 300; turn++) {
				CHECK_OK(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
				CHECK_OK(lock(fd, F_SETLKW, F_WRLCK, 1, 1));
				CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 0, 1));
				CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 1, 1));
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++)
		expect_exit(pid[i], 0);
}

TEST(fs, flock_kinds)
{
	int a = file_open(), b = file_open();

	CHECK_OK(flock(a, LOCK_SH));
	CHECK_OK(flock(b, LOCK_SH | LOCK_NB));
	CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_OK(flock(a, LOCK_UN));
	CHECK_OK(flock(b, LOCK_EX | LOCK_NB));
	CHECK_ERR(flock(a, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_OK(lock(a, F_SETLK, F_WRLCK, 0, 0));
	CHECK_OK(close(b));
	CHECK_OK(flock(a, LOCK_EX | LOCK_NB));
	CHECK_ERR(flock(a, 0), EINVAL);
	CHECK_ERR(flock(-1, LOCK_EX), EBADF);
}

TEST(fs, lock_arguments)
{
	int fd = file_open(), ro = (int)CHECK_OK(open("f", O_RDONLY));
	int wo = (int)CHECK_OK(open("f", O_WRONLY));
	struct flock l = range(F_WRLCK, 0, 1);

	CHECK_ERR(lock(ro, F_SETLK, F_WRLCK, 0, 1), EBADF);
	CHECK_ERR(lock(wo, F_SETLK, F_RDLCK, 0, 1), EBADF);
	CHECK_ERR(lock(fd, F_SETLK, 7, 0, 1), EINVAL);
	CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, -1, 1), EINVAL);
	CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, 5, -6), EINVAL);
	CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 5, -5));
	CHECK_ERR(lock(fd, F_SETLK, F_RDLCK, INT64_MAX, 2), EOVERFLOW);
	l.l_whence = 9;
	CHECK_ERR(fcntl(fd, F_SETLK, &l), EINVAL);
	l = range(F_WRLCK, 0, 1);
	l.l_pid = 5;
	CHECK_ERR(fcntl(fd, F_OFD_SETLK, &l), EINVAL);
}

/* A descriptor that is only a place ends no locks. */
TEST(fs, lock_place_closed)
{
	struct flock own = {.l_type = F_WRLCK};
	int fd = CHECK_OK(open("f", O_CREAT | O_RDWR, 0600)), status;
	pid_t pid;

	CHECK_OK(fcntl(fd, F_SETLK, &own));
	CHECK_OK(close(CHECK_OK(open("f", O_PATH))));
	pid = child();
	if (!pid) {
		CHECK_OK(fcntl(fd, F_GETLK, &own));
		_exit(own.l_type == F_WRLCK ? 3 : 4);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(WEXITSTATUS(status), 3);
}
