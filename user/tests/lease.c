/*
 * lease: leases on files (F_SETLEASE), whom an open file signals (F_SETOWN, F_SETSIG), and of what
 * in a directory (F_NOTIFY).
 */
#include "ut.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

#define BREAK_TIME "/proc/sys/fs/lease-break-time"

static int file_with(int flags)
{
	return (int)CHECK_OK(open("f", flags | O_CREAT, 0666));
}

TEST(lease, arguments)
{
	int fd, p[2];

	close(file_with(O_RDWR));
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	CHECK_ERR(fcntl(fd, F_SETLEASE, F_UNLCK), EAGAIN);
	CHECK_ERR(fcntl(fd, F_SETLEASE, 3), EINVAL);
	CHECK_ERR(fcntl(fd, F_SETLEASE, -1), EINVAL);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_WRLCK));
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_WRLCK);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	CHECK_OK(pipe(p));
	CHECK_ERR(fcntl(p[0], F_SETLEASE, F_RDLCK), EINVAL);
	CHECK_ERR(fcntl(99, F_SETLEASE, F_RDLCK), EBADF);
	fd = (int)CHECK_OK(open("f", O_PATH));
	CHECK_ERR(fcntl(fd, F_SETLEASE, F_RDLCK), EBADF);
	CHECK_ERR(fcntl(fd, F_GETLEASE), EBADF);
}

/* One is not had while others have the file open in its way. */
TEST(lease, beside_open_files)
{
	int w = file_with(O_RDWR), r, r2;

	CHECK_ERR(fcntl(w, F_SETLEASE, F_RDLCK), EAGAIN);
	CHECK_OK(fcntl(w, F_SETLEASE, F_WRLCK));
	CHECK_OK(fcntl(w, F_SETLEASE, F_UNLCK));
	r = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_ERR(fcntl(r, F_SETLEASE, F_RDLCK), EAGAIN);
	CHECK_ERR(fcntl(w, F_SETLEASE, F_WRLCK), EAGAIN);
	CHECK_OK(close(w));
	CHECK_OK(fcntl(r, F_SETLEASE, F_WRLCK));
	CHECK_OK(fcntl(r, F_SETLEASE, F_RDLCK));
	r2 = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_OK(fcntl(r2, F_SETLEASE, F_RDLCK));
	CHECK_ERR(fcntl(r, F_SETLEASE, F_WRLCK), EAGAIN);
	CHECK_EQ(fcntl(r, F_GETLEASE), F_RDLCK);
	/* One goes with its open file, not with a descriptor of it. */
	CHECK_OK(close(dup(r2)));
	CHECK_EQ(fcntl(r2, F_GETLEASE), F_RDLCK);
	CHECK_OK(close(r2));
	CHECK_OK(fcntl(r, F_SETLEASE, F_WRLCK));
}

TEST(lease, needs_the_owner, .root = true)
{
	int fd;
	pid_t pid;

	close(file_with(O_RDWR));
	CHECK_OK(chmod("f", 0666));
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	pid = child();
	if (!pid) {
		CHECK_OK(setuid(1));
		CHECK_ERR(fcntl(fd, F_SETLEASE, F_RDLCK), EACCES);
		CHECK_ERR(fcntl(fd, F_SETLEASE, F_UNLCK), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(chown("f", 1, 1));
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
}

/* Who opens the file waits until the holder, who hears of it, gives way. */
static void breaks(int lease, int how, int give)
{
	int fd;
	pid_t pid;
	siginfo_t info;

	close(file_with(O_RDWR));
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	signal_block(SIGIO);
	signal_block(SIGRTMIN);
	CHECK_OK(fcntl(fd, F_SETLEASE, lease));
	CHECK_EQ(fcntl(fd, F_GETOWN), getpid());
	CHECK_ERR(open("f", how | O_NONBLOCK), EAGAIN);
	info = signal_await(SIGIO);
	CHECK_EQ(info.si_code, SI_KERNEL);
	CHECK_EQ(fcntl(fd, F_GETLEASE), how == O_RDONLY ? F_RDLCK : F_UNLCK);
	/* It is said once. */
	pid = child();
	if (!pid) {
		CHECK_OK(open("f", how));
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK(!signal_pending(SIGIO));
	CHECK_OK(fcntl(fd, F_SETLEASE, give));
	expect_exit(pid, 0);
	/* With F_SETSIG it says what it is about. */
	if (give == F_UNLCK)
		CHECK_EQ(fcntl(fd, F_GETOWN), 0);
	CHECK_OK(fcntl(fd, F_SETSIG, SIGRTMIN));
	CHECK_OK(fcntl(fd, F_SETLEASE, lease));
	CHECK_ERR(open("f", how | O_NONBLOCK), EAGAIN);
	info = signal_await(SIGRTMIN);
	CHECK_EQ(info.si_fd, fd);
	CHECK_EQ(info.si_code, POLL_MSG);
	CHECK_EQ(info.si_band, POLLIN | POLLRDNORM | POLLMSG);
	CHECK_OK(close(fd));
	CHECK_OK(close((int)CHECK_OK(open("f", how))));
}

TEST(lease, read_is_broken)
{
	breaks(F_RDLCK, O_WRONLY, F_UNLCK);
}

TEST(lease, write_is_broken)
{
	breaks(F_WRLCK, O_RDWR, F_UNLCK);
}

TEST(lease, write_is_lowered)
{
	breaks(F_WRLCK, O_RDONLY, F_RDLCK);
}

TEST(lease, truncate_breaks)
{
	int fd;
	pid_t pid;

	close(file_with(O_RDWR));
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	signal_block(SIGIO);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	pid = child();
	if (!pid) {
		CHECK_OK(truncate("f", 10));
		_exit(0);
	}
	(void)signal_await(SIGIO);
	wait_state(pid, "S");
	CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	expect_exit(pid, 0);
}

/* The wait is interrupted by a signal, and ends when the time is over. */
TEST(lease, time_is_over, .root = true)
{
	char was[32];
	int fd, out;
	pid_t pid;

	file_text(BREAK_TIME, was, sizeof(was));
	out = (int)CHECK_OK(open(BREAK_TIME, O_WRONLY));
	CHECK_OK(write(out, "2", 1));
	close(file_with(O_RDWR));
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	signal_block(SIGIO);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_WRLCK));
	CHECK_OK(close((int)CHECK_OK(open("f", O_RDONLY))));
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_RDLCK);
	CHECK_OK(truncate("f", 10));
	CHECK_EQ(fcntl(fd, F_GETLEASE), F_UNLCK);
	CHECK_ERR(fcntl(fd, F_SETLEASE, F_UNLCK), EAGAIN);
	CHECK_OK(pwrite(out, was, strlen(was), 0));
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	pid = child();
	if (!pid) {
		(void)open("f", O_WRONLY);
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGTERM));
	expect_signal(pid, SIGTERM);
}

TEST(lease, owners)
{
	struct f_owner_ex o = {F_OWNER_PGRP, getpgrp()};
	int p[2];
	pid_t pid;

	CHECK_OK(pipe(p));
	CHECK_EQ(fcntl(p[0], F_GETOWN), 0);
	CHECK_OK(fcntl(p[0], F_GETOWN_EX, &o));
	CHECK_EQ(o.pid, 0);
	CHECK_OK(fcntl(p[0], F_SETOWN, getpid()));
	CHECK_EQ(fcntl(p[0], F_GETOWN), getpid());
	CHECK_OK(fcntl(p[0], F_GETOWN_EX, &o));
	CHECK_EQ(o.type, F_OWNER_PID);
	CHECK_EQ(o.pid, getpid());
	CHECK_OK(fcntl(p[0], F_SETOWN, -getpgrp()));
	CHECK_OK(fcntl(p[0], F_GETOWN_EX, &o));
	CHECK_EQ(o.type, F_OWNER_PGRP);
	CHECK_EQ(o.pid, getpgrp());
	o = (struct f_owner_ex){F_OWNER_TID, gettid()};
	CHECK_OK(fcntl(p[0], F_SETOWN_EX, &o));
	CHECK_EQ(fcntl(p[0], F_GETOWN), gettid());
	CHECK_ERR(fcntl(p[0], F_SETOWN, 99999999), ESRCH);
	CHECK_ERR(fcntl(p[0], F_SETOWN, -99999999), ESRCH);
	CHECK_ERR(fcntl(p[0], F_SETOWN, INT_MIN), EINVAL);
	o = (struct f_owner_ex){3, getpid()};
	CHECK_ERR(fcntl(p[0], F_SETOWN_EX, &o), EINVAL);
	o = (struct f_owner_ex){F_OWNER_PID, 99999999};
	CHECK_ERR(fcntl(p[0], F_SETOWN_EX, &o), ESRCH);
	CHECK_ERR(fcntl(p[0], F_SETOWN_EX, (void *)8), EFAULT);
	CHECK_ERR(fcntl(p[0], F_GETOWN_EX, (void *)8), EFAULT);
	CHECK_EQ(fcntl(p[0], F_GETSIG), 0);
	CHECK_OK(fcntl(p[0], F_SETSIG, SIGUSR1));
	CHECK_EQ(fcntl(p[0], F_GETSIG), SIGUSR1);
	CHECK_EQ(fcntl(p[1], F_GETSIG), 0);
	CHECK_ERR(fcntl(p[0], F_SETSIG, 65), EINVAL);
	CHECK_ERR(fcntl(p[0], F_SETSIG, -1), EINVAL);
	pid = child();
	if (!pid)
		_exit(0);
	CHECK_OK(fcntl(p[0], F_SETOWN, pid));
	expect_exit(pid, 0);
	CHECK_EQ(fcntl(p[0], F_GETOWN), 0);
	CHECK_OK(fcntl(p[0], F_SETOWN, 0));
	CHECK_EQ(fcntl(p[0], F_GETOWN), 0);
}

static void *own_pipe(void *fd)
{
	struct f_owner_ex o = {F_OWNER_TID, gettid()};

	CHECK_OK(fcntl(*(int *)fd, F_SETOWN_EX, &o));
	CHECK_EQ(fcntl(*(int *)fd, F_GETOWN), gettid());
	return NULL;
}

/* A group, a thread that has gone is nobody. */
TEST(lease, owners_go)
{
	struct f_owner_ex o;
	pthread_t other;
	int p[2];
	pid_t pid;

	CHECK_OK(pipe(p));
	pid = child_pausing();
	CHECK_OK(setpgid(pid, pid));
	CHECK_OK(fcntl(p[0], F_SETOWN, -pid));
	CHECK_EQ(fcntl(p[0], F_GETOWN), -pid);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_EQ(fcntl(p[0], F_GETOWN), 0);
	CHECK_OK(fcntl(p[0], F_GETOWN_EX, &o));
	CHECK_EQ(o.type, F_OWNER_PGRP);
	CHECK_EQ(o.pid, 0);
	CHECK_EQ(pthread_create(&other, NULL, own_pipe, p), 0);
	CHECK_EQ(pthread_join(other, NULL), 0);
	/* Who joins it may be a little faster than its end. */
	while (fcntl(p[0], F_GETOWN))
		usleep(500);
	CHECK_OK(fcntl(p[0], F_GETOWN_EX, &o));
	CHECK_EQ(o.type, F_OWNER_TID);
	CHECK_EQ(o.pid, 0);
}

/* --- F_NOTIFY: what happens in an open directory --- */

static int directory_watched(unsigned int what)
{
	int fd;

	CHECK_OK(mkdir("d", 0755));
	close((int)CHECK_OK(open("d/f", O_RDWR | O_CREAT, 0644)));
	fd = (int)CHECK_OK(open("d", O_RDONLY));
	signal_block(SIGIO);
	signal_block(SIGRTMIN);
	CHECK_OK(fcntl(fd, F_SETSIG, SIGRTMIN));
	CHECK_OK(fcntl(fd, F_NOTIFY, what));
	CHECK_EQ(fcntl(fd, F_GETOWN), getpid());
	return fd;
}

static void heard(int fd)
{
	siginfo_t info = signal_await(SIGRTMIN);

	CHECK_EQ(info.si_fd, fd);
	CHECK_EQ(info.si_code, POLL_MSG);
	CHECK_EQ(info.si_band, POLLIN | POLLRDNORM | POLLMSG);
	CHECK(!signal_pending(SIGRTMIN));
}

TEST(lease, notify_arguments)
{
	int fd = file_with(O_RDWR), d = directory_watched(DN_CREATE | DN_MULTISHOT);

	CHECK_ERR(fcntl(fd, F_NOTIFY, DN_CREATE), ENOTDIR);
	CHECK_OK(fcntl(fd, F_NOTIFY, 0));
	CHECK_ERR(fcntl(99, F_NOTIFY, DN_CREATE), EBADF);
	/* None: no more. */
	CHECK_OK(fcntl(d, F_NOTIFY, 0));
	close((int)CHECK_OK(open("d/g", O_RDWR | O_CREAT, 0644)));
	CHECK(!signal_pending(SIGRTMIN));
}

TEST(lease, notify_events)
{
	char byte = 0;
	int d = directory_watched(DN_MODIFY | DN_MULTISHOT), fd;

	fd = (int)CHECK_OK(open("d/f", O_RDWR));
	CHECK_EQ(read(fd, &byte, 1), 0);
	CHECK(!signal_pending(SIGRTMIN));
	CHECK_EQ(write(fd, "x", 1), 1);
	heard(d);
	CHECK_EQ(write(fd, "x", 1), 1);
	heard(d);
	/* What is asked for next comes on top. */
	CHECK_OK(fcntl(d, F_NOTIFY, DN_ATTRIB));
	CHECK_OK(fchmod(fd, 0600));
	heard(d);
	CHECK_OK(fcntl(d, F_NOTIFY, DN_ACCESS));
	CHECK_EQ(pread(fd, &byte, 1, 0), 1);
	heard(d);
	CHECK_EQ(write(fd, "x", 1), 1);
	heard(d);
	close((int)CHECK_OK(open("d/g", O_RDWR | O_CREAT, 0644)));
	CHECK(!signal_pending(SIGRTMIN));
	/* Of what is done to the directory itself, too. */
	CHECK_OK(chmod("d", 0700));
	heard(d);
	CHECK_OK(close(d));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK(!signal_pending(SIGRTMIN));
	CHECK_OK(close(fd));
}

TEST(lease, notify_names)
{
	int d = directory_watched(DN_CREATE | DN_MULTISHOT);

	CHECK_OK(mkdir("d/sub", 0755));
	heard(d);
	CHECK_OK(rmdir("d/sub"));
	CHECK(!signal_pending(SIGRTMIN));
	CHECK_OK(fcntl(d, F_NOTIFY, DN_DELETE));
	CHECK_OK(unlink("d/f"));
	heard(d);
	CHECK_OK(fcntl(d, F_NOTIFY, 0));
	CHECK_OK(fcntl(d, F_NOTIFY, DN_RENAME | DN_MULTISHOT));
	close((int)CHECK_OK(open("d/a", O_RDWR | O_CREAT, 0644)));
	CHECK_OK(unlink("d/a"));
	CHECK(!signal_pending(SIGRTMIN));
	close((int)CHECK_OK(open("d/a", O_RDWR | O_CREAT, 0644)));
	CHECK_OK(rename("d/a", "d/b"));
	heard(d);
}

/* Without DN_MULTISHOT it is said once. */
TEST(lease, notify_once)
{
	int d = directory_watched(DN_CREATE);

	CHECK_OK(mkdir("d/one", 0755));
	heard(d);
	CHECK_OK(mkdir("d/two", 0755));
	CHECK(!signal_pending(SIGRTMIN));
	CHECK_OK(fcntl(d, F_SETSIG, 0));
	CHECK_OK(fcntl(d, F_NOTIFY, DN_DELETE));
	CHECK_OK(rmdir("d/two"));
	CHECK_EQ(signal_await(SIGIO).si_code, SI_KERNEL);
	CHECK_OK(fcntl(d, F_NOTIFY, DN_DELETE));
}

/* A process that closes a descriptor of the directory wants no more of it; another's go on. */
TEST(lease, notify_ends_at_close)
{
	int d = directory_watched(DN_CREATE | DN_MULTISHOT), copy;
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(close(d));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(mkdir("d/one", 0755));
	heard(d);
	copy = (int)CHECK_OK(dup(d));
	CHECK_OK(close(d));
	CHECK_OK(mkdir("d/two", 0755));
	CHECK(!signal_pending(SIGRTMIN));
	CHECK_OK(close(copy));
}

/* All of a group hear of it. */
TEST(lease, group_hears)
{
	pid_t pid = child();
	int d;

	if (!pid) {
		CHECK_OK(setpgid(0, 0));
		d = directory_watched(DN_CREATE | DN_MULTISHOT);
		pid = child();
		if (pid)
			CHECK_OK(fcntl(d, F_SETOWN, -getpid()));
		if (pid)
			CHECK_OK(mkdir("d/one", 0755));
		heard(d);
		if (pid)
			expect_exit(pid, 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* Who has a lease already, and asks for one by another descriptor, hears of that. */
TEST(lease, descriptor_is_the_last)
{
	int fd, other;

	close(file_with(O_RDWR));
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	other = (int)CHECK_OK(dup(fd));
	signal_block(SIGRTMIN);
	CHECK_OK(fcntl(fd, F_SETSIG, SIGRTMIN));
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	CHECK_OK(fcntl(other, F_SETLEASE, F_RDLCK));
	CHECK_ERR(open("f", O_WRONLY | O_NONBLOCK), EAGAIN);
	CHECK_EQ(signal_await(SIGRTMIN).si_fd, other);
}

static void *lease_switch(void *arg)
{
	int fd = *(int *)arg;

	for (int i = 0; i < 2000; i++) {
		(void)fcntl(fd, F_SETLEASE, F_RDLCK);
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	}
	return NULL;
}

/* Giving up takes the owner away, which another thread may be looking at. */
TEST(lease, owner_comes_and_goes)
{
	pthread_t other;
	int fd;

	close(file_with(O_RDWR));
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_EQ(pthread_create(&other, NULL, lease_switch, &fd), 0);
	for (int i = 0; i < 2000; i++)
		CHECK_OK(fcntl(fd, F_SETOWN, getpid()));
	CHECK_EQ(pthread_join(other, NULL), 0);
}
