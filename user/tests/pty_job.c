/* Pseudo-terminals: sessions, keys that send signals, hang-ups. */
#include "pty.h"

#include <sys/ioctl.h>
#include <termios.h>

static volatile sig_atomic_t got[NSIG];

static void note(int sig)
{
	got[sig]++;
}

/* In a child: a session of its own with the pair's terminal. */
static void session_begin(struct pty_pair *p)
{
	CHECK_OK(setsid());
	CHECK_OK(ioctl(p->slave, TIOCSCTTY, 0));
}

TEST(pty, master_closed_hangs_up)
{
	struct gate gate;
	struct pty_pair p;

	gate_make(&gate);
	pty_pair_open(&p);
	pid_t pid = child();
	if (pid == 0) {
		sigset_t set, old;

		close(p.master);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_BLOCK, &set, &old);
		on_signal(SIGHUP, note, 0);
		session_begin(&p);
		gate_open(&gate);
		while (!got[SIGHUP])
			sigsuspend(&old);
		/* The terminal will not be ours any more; while it is, it is dead or nearly so. */
		while (open("/dev/tty", O_RDWR) >= 0 || errno == EIO)
			usleep(1000);
		CHECK_EQ(errno, ENXIO);
		_exit(0);
	}
	gate_pass(&gate);
	close(p.slave);
	close(p.master);
	expect_exit(pid, 0);
}

TEST(pty, session)
{
	struct stat st, tty;
	struct pty_pair p;

	pty_pair_open(&p);
	CHECK_OK(fstat(p.slave, &st));
	pid_t pid = child();
	if (pid == 0) {
		int pgrp = -1;

		session_begin(&p);
		int fd = (int)CHECK_OK(open("/dev/tty", O_RDWR));
		CHECK_OK(fstat(fd, &tty));
		write_full(fd, "t", 1);
		CHECK_EQ(tcgetpgrp(p.slave), getpid());
		CHECK_EQ(tcgetsid(p.slave), getpid());
		/* The master sees the same, though it is nobody's terminal. */
		CHECK_OK(ioctl(p.master, TIOCGPGRP, &pgrp));
		CHECK_EQ(pgrp, getpid());
		signal(SIGHUP, SIG_IGN);
		CHECK_OK(ioctl(p.slave, TIOCNOTTY));
		CHECK_ERR(tcgetpgrp(p.slave), ENOTTY);
		_exit(0);
	}
	pty_expect_text(p.master, "t");
	expect_exit(pid, 0);
	/* Without a session: no group for others, and the master is told 0. */
	CHECK_ERR(tcgetpgrp(p.slave), ENOTTY);
	int pgrp = -1;
	CHECK_OK(ioctl(p.master, TIOCGPGRP, &pgrp));
	CHECK_EQ(pgrp, 0);
}

TEST(pty, open_takes_terminal)
{
	struct pty_pair p;

	p.master = pty_master_open(p.name);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_OK(setsid());
		int fd = (int)CHECK_OK(open(p.name, O_RDWR | O_NOCTTY));
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		close(fd);
		fd = (int)CHECK_OK(open(p.name, O_RDWR));
		CHECK_EQ(tcgetsid(fd), getpid());
		CHECK_OK(open("/dev/tty", O_RDWR));
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* A child that is the session's leader and waits for sig; the gate opens when it does. */
static pid_t waiter(struct pty_pair *p, struct gate *gate, int sig)
{
	pid_t pid = child();

	if (pid == 0) {
		sigset_t set, old;

		sigemptyset(&set);
		sigaddset(&set, sig);
		sigprocmask(SIG_BLOCK, &set, &old);
		on_signal(sig, note, 0);
		session_begin(p);
		gate_open(gate);
		while (!got[sig])
			sigsuspend(&old);
		_exit(0);
	}
	gate_pass(gate);
	return pid;
}

TEST(pty, keys_send_signals)
{
	static const struct {
		const char *key;
		int sig;
	} keys[] = {{"\003", SIGINT}, {"\034", SIGQUIT}, {"\032", SIGTSTP}};
	struct gate gate;
	struct pty_pair p;

	gate_make(&gate);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		pty_pair_open(&p);
		pid_t pid = waiter(&p, &gate, keys[i].sig);
		write_full(p.master, keys[i].key, 1);
		expect_exit(pid, 0);
		close(p.master);
		close(p.slave);
	}
}

TEST(pty, master_sends_signal)
{
	struct gate gate;
	struct pty_pair p;

	gate_make(&gate);
	pty_pair_open(&p);
	pid_t pid = waiter(&p, &gate, SIGINT);
	CHECK_ERR(ioctl(p.master, TIOCSIG, SIGKILL), EINVAL);
	CHECK_OK(ioctl(p.master, TIOCSIG, SIGINT));
	expect_exit(pid, 0);
}

TEST(pty, window_size)
{
	struct winsize ws = {.ws_row = 33, .ws_col = 101};
	struct gate gate;
	struct pty_pair p;

	gate_make(&gate);
	pty_pair_open(&p);
	pid_t pid = waiter(&p, &gate, SIGWINCH);
	CHECK_OK(ioctl(p.master, TIOCSWINSZ, &ws));
	expect_exit(pid, 0);
	memset(&ws, 0, sizeof(ws));
	pid = child();
	if (pid == 0) {
		/* The leader's death hung up what was open before. */
		int fd = (int)CHECK_OK(open(p.name, O_RDWR | O_NOCTTY));

		CHECK_OK(ioctl(fd, TIOCGWINSZ, &ws));
		CHECK_EQ(ws.ws_row, 33);
		CHECK_EQ(ws.ws_col, 101);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(ioctl(p.master, TIOCGWINSZ, &ws));
	CHECK_EQ(ws.ws_col, 101);
}

TEST(pty, background_read_stops)
{
	struct pty_pair p;

	pty_pair_open(&p);
	pid_t pid = child();
	if (pid == 0) {
		int status;

		session_begin(&p);
		pid_t reader = child();
		if (reader == 0) {
			char c;

			setpgid(0, 0);
			signal(SIGTTIN, SIG_DFL);
			_exit(read(p.slave, &c, 1) == 1 && c == 'k' ? 7 : 1);
		}
		setpgid(reader, reader);
		CHECK_EQ(waitpid(reader, &status, WUNTRACED), reader);
		CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTTIN);
		signal(SIGTTOU, SIG_IGN);
		CHECK_OK(tcsetpgrp(p.slave, reader));
		write_full(p.master, "k\r", 2);
		CHECK_OK(kill(-reader, SIGCONT));
		expect_exit(reader, 7);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* What vhangup leaves of the terminal of a session. */
static void hang_up(struct pty_pair *p)
{
	char c;

	close(p->master);
	session_begin(p);
	on_signal(SIGHUP, note, 0);
	on_signal(SIGCONT, note, 0);
	CHECK_OK(syscall(SYS_vhangup));
	CHECK_EQ(got[SIGHUP], 1);
	CHECK_EQ(got[SIGCONT], 1);
	CHECK_EQ(read(p->slave, &c, 1), 0);
	CHECK_ERR(write(p->slave, "x", 1), EIO);
	CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
	/* There is none any more: nothing to do. */
	CHECK_OK(syscall(SYS_vhangup));
	CHECK_EQ(got[SIGHUP], 1);
}

TEST(pty, vhangup, .root = true)
{
	struct pty_pair p;
	pid_t pid;

	pty_pair_open(&p);
	pid = child();
	if (pid == 0) {
		hang_up(&p);
		_exit(0);
	}
	expect_exit(pid, 0);
	pid = child();
	if (pid == 0) {
		become_user();
		CHECK_ERR(syscall(SYS_vhangup), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
}
