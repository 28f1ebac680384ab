/* The controlling terminal: termios, window size, process groups, errors. */
#include "ut.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>

/* The controlling terminal, with this process group in the foreground. */
static int tty_take(void)
{
	int fd = open("/dev/tty", O_RDWR);

	if (fd < 0)
		SKIP("no controlling terminal");
	signal(SIGTTOU, SIG_IGN);
	CHECK_OK(tcsetpgrp(fd, getpgrp()));
	return fd;
}

TEST(tty, dev_tty)
{
	struct stat st;
	int fd = tty_take();

	CHECK_EQ(isatty(fd), 1);
	CHECK_OK(fstat(fd, &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_ERR(lseek(fd, 0, SEEK_SET), ESPIPE);
}

TEST(tty, termios_get_set)
{
	struct termios old, tio, now;
	int fd = tty_take();

	CHECK_OK(tcgetattr(fd, &old));
	tio = old;
	cfmakeraw(&tio);
	tio.c_cc[VMIN] = 7;
	tio.c_cc[VTIME] = 3;
	CHECK_OK(tcsetattr(fd, TCSANOW, &tio));
	CHECK_OK(tcgetattr(fd, &now));
	CHECK_EQ(now.c_lflag & (ICANON | ECHO | ISIG), 0);
	CHECK_EQ(now.c_oflag & OPOST, 0);
	CHECK_EQ(now.c_cc[VMIN], 7);
	CHECK_EQ(now.c_cc[VTIME], 3);
	CHECK_OK(tcsetattr(fd, TCSADRAIN, &old));
	CHECK_OK(tcgetattr(fd, &now));
	CHECK_EQ(now.c_lflag, old.c_lflag);
	CHECK_EQ(now.c_oflag, old.c_oflag);
	CHECK_EQ(now.c_iflag, old.c_iflag);
	CHECK_OK(tcsetattr(fd, TCSAFLUSH, &old));
	CHECK_OK(tcflush(fd, TCIFLUSH));
	CHECK_ERR(ioctl(fd, TCFLSH, 77), EINVAL);
}

TEST(tty, window_size)
{
	struct winsize old, ws = { .ws_row = 33, .ws_col = 101 };
	int fd = tty_take();

	CHECK_OK(ioctl(fd, TIOCGWINSZ, &old));
	CHECK_OK(ioctl(fd, TIOCSWINSZ, &ws));
	memset(&ws, 0, sizeof(ws));
	CHECK_OK(ioctl(fd, TIOCGWINSZ, &ws));
	CHECK_EQ(ws.ws_row, 33);
	CHECK_EQ(ws.ws_col, 101);
	CHECK_OK(ioctl(fd, TIOCSWINSZ, &old));
}

static volatile sig_atomic_t got;

static void note(int sig)
{
	got = sig;
}

TEST(tty, window_size_signal)
{
	struct winsize old, ws;
	int fd = tty_take();

	on_signal(SIGWINCH, note, 0);
	CHECK_OK(ioctl(fd, TIOCGWINSZ, &old));
	ws = old;
	CHECK_OK(ioctl(fd, TIOCSWINSZ, &ws));
	CHECK_EQ(got, 0);
	ws.ws_row = (unsigned short)(old.ws_row + 1);
	CHECK_OK(ioctl(fd, TIOCSWINSZ, &ws));
	CHECK_EQ(got, SIGWINCH);
	CHECK_OK(ioctl(fd, TIOCSWINSZ, &old));
}

TEST(tty, process_groups)
{
	int fd = tty_take();

	CHECK_EQ(tcgetpgrp(fd), getpgrp());
	CHECK_EQ(tcgetsid(fd), getsid(0));
	pid_t pid = child();
	if (pid == 0)
		for (;;)
			pause();
	CHECK_OK(setpgid(pid, pid));
	CHECK_OK(tcsetpgrp(fd, pid));
	CHECK_EQ(tcgetpgrp(fd), pid);
	CHECK_OK(tcsetpgrp(fd, getpgrp()));
	CHECK_ERR(tcsetpgrp(fd, -1), EINVAL);
	CHECK_ERR(tcsetpgrp(fd, 0x3fffff), ESRCH);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(tty, foreground_group_of_other_session)
{
	struct gate gate;
	int fd = tty_take();

	gate_make(&gate);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_OK(setsid());
		CHECK_ERR(tcsetpgrp(fd, getpgrp()), ENOTTY);
		CHECK_ERR(tcgetpgrp(fd), ENOTTY);
		gate_open(&gate);
		for (;;)
			pause();
	}
	gate_pass(&gate);
	CHECK_ERR(tcsetpgrp(fd, pid), EPERM);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(tty, background_read_stops)
{
	int status, fd = tty_take();
	pid_t pid = child();

	if (pid == 0) {
		char c;

		setpgid(0, 0);
		signal(SIGTTIN, SIG_DFL);
		if (read(fd, &c, 1) < 0)
			_exit(1);
		_exit(2);
	}
	setpgid(pid, pid);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGTTIN);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	/* Who ignores the signal gets an error instead. */
	pid = child();
	if (pid == 0) {
		char c;

		setpgid(0, 0);
		signal(SIGTTIN, SIG_IGN);
		CHECK_ERR(read(fd, &c, 1), EIO);
		_exit(0);
	}
	setpgid(pid, pid);
	expect_exit(pid, 0);
}

TEST(tty, background_change_stops)
{
	struct termios tio;
	int status, fd = tty_take();

	CHECK_OK(tcgetattr(fd, &tio));
	pid_t pid = child();
	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_DFL);
		tcsetattr(fd, TCSANOW, &tio);
		_exit(1);
	}
	setpgid(pid, pid);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGTTOU);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(tty, background_write_with_tostop)
{
	struct termios old, tio;
	int status, fd = tty_take();

	CHECK_OK(tcgetattr(fd, &old));
	tio = old;
	tio.c_lflag |= TOSTOP;
	CHECK_OK(tcsetattr(fd, TCSANOW, &tio));
	pid_t pid = child();
	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_DFL);
		if (write(fd, "", 1) < 0)
			_exit(1);
		_exit(2);
	}
	setpgid(pid, pid);
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_OK(tcsetattr(fd, TCSANOW, &old));
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGTTOU);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(tty, nonblocking_read)
{
	struct pollfd p = { .events = POLLIN | POLLOUT };
	char c;
	int fd = tty_take();

	CHECK_OK(tcflush(fd, TCIFLUSH));
	/* A new open file: O_NONBLOCK must not stick to the shell's. */
	p.fd = (int)CHECK_OK(open("/dev/tty", O_RDWR | O_NONBLOCK));
	CHECK_ERR(read(p.fd, &c, 1), EAGAIN);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	int queued = -1;
	CHECK_OK(ioctl(fd, FIONREAD, &queued));
	CHECK_EQ(queued, 0);
}

/*
 * Linux counts VTIME in ticks, and so must who measures it: on a host that lets a processor
 * wait, ticks come late, and the exact clock finds the time between them too short.
 */
static uint64_t coarse_ns(void)
{
	struct timespec ts;

	CHECK_OK(clock_gettime(CLOCK_MONOTONIC_COARSE, &ts));
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

TEST(tty, raw_read_times_out)
{
	struct termios old, tio;
	char c;
	int fd = tty_take();

	CHECK_OK(tcgetattr(fd, &old));
	tio = old;
	tio.c_lflag &= ~(tcflag_t)ICANON;
	tio.c_cc[VMIN] = 0;
	tio.c_cc[VTIME] = 2;
	CHECK_OK(tcsetattr(fd, TCSAFLUSH, &tio));
	uint64_t start = coarse_ns();
	ssize_t n = read(fd, &c, 1);
	uint64_t end = coarse_ns();
	tio.c_cc[VTIME] = 0;
	CHECK_OK(tcsetattr(fd, TCSANOW, &tio));
	ssize_t at_once = read(fd, &c, 1);
	CHECK_OK(tcsetattr(fd, TCSANOW, &old));
	CHECK_EQ(n, 0);
	CHECK_GE(end - start, 150000000);
	CHECK_EQ(at_once, 0);
}

TEST(tty, errors_on_other_files)
{
	struct termios tio;
	struct winsize ws;
	int file = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600)), fd[2];

	CHECK_OK(pipe(fd));
	CHECK_ERR(tcgetattr(file, &tio), ENOTTY);
	CHECK_ERR(tcgetattr(fd[0], &tio), ENOTTY);
	CHECK_ERR(ioctl(file, TIOCGWINSZ, &ws), ENOTTY);
	CHECK_ERR(tcgetpgrp(file), ENOTTY);
	CHECK_ERR(ioctl(file, 0x12345678, 0), ENOTTY);
	CHECK_ERR(tcgetattr(999, &tio), EBADF);
	int null = (int)CHECK_OK(open("/dev/null", O_RDWR));
	CHECK_ERR(tcgetattr(null, &tio), ENOTTY);
}

TEST(tty, unknown_ioctl)
{
	int fd = tty_take();

	CHECK_ERR(ioctl(fd, 0x5499, 0), ENOTTY);
}
