/* Pseudo-terminals: devpts, the two ends, packet mode, what a close does. */
#include "pty.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <termios.h>

int pty_master_open(char name[32])
{
	int fd = (int)CHECK_OK(open("/dev/ptmx", O_RDWR | O_NOCTTY)), off = 0;

	CHECK_OK(ioctl(fd, TIOCSPTLCK, &off));
	CHECK_EQ(ptsname_r(fd, name, 32), 0);
	return fd;
}

void pty_pair_open(struct pty_pair *p)
{
	p->master = pty_master_open(p->name);
	p->slave = (int)CHECK_OK(open(p->name, O_RDWR | O_NOCTTY));
}

static void make_raw(int fd)
{
	struct termios tio;

	CHECK_OK(tcgetattr(fd, &tio));
	cfmakeraw(&tio);
	CHECK_OK(tcsetattr(fd, TCSANOW, &tio));
}

int pty_wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	CHECK_EQ(poll(&p, 1, 60000), 1);
	return p.revents;
}

/* Read exactly this, which may come in pieces. */
void pty_expect_text(int fd, const char *want)
{
	char buf[256];
	size_t size = strlen(want);

	CHECK(size < sizeof(buf));
	buf[read_full(fd, buf, size)] = '\0';
	CHECK_STR(buf, want);
}

TEST(pty, names)
{
	struct stat st, at;
	struct pty_pair p;
	unsigned int number;
	char want[32];

	p.master = (int)CHECK_OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	CHECK_OK(ioctl(p.master, TIOCGPTN, &number));
	snprintf(want, sizeof(want), "/dev/pts/%u", number);
	CHECK_EQ(ptsname_r(p.master, p.name, sizeof(p.name)), 0);
	CHECK_STR(p.name, want);
	CHECK_OK(stat(p.name, &st));
	CHECK(S_ISCHR(st.st_mode));
	CHECK_EQ(major(st.st_rdev), 136);
	CHECK_EQ(minor(st.st_rdev), number);
	CHECK_EQ(st.st_uid, geteuid());
	CHECK_OK(fstat(p.master, &at));
	CHECK_EQ(major(at.st_rdev), 5);
	CHECK_EQ(minor(at.st_rdev), 2);
	CHECK_EQ(isatty(p.master), 1);
	/* Another pair has another number; one that was given back is used again. */
	int other = (int)CHECK_OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	unsigned int second;

	CHECK_OK(ioctl(other, TIOCGPTN, &second));
	CHECK(second != number);
	close(p.master);
	CHECK_ERR(stat(p.name, &st), ENOENT);
	p.master = (int)CHECK_OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	CHECK_OK(ioctl(p.master, TIOCGPTN, &second));
	CHECK_EQ(second, number);
	CHECK_OK(stat(p.name, &st));
}

TEST(pty, locked_until_unlocked)
{
	int master = (int)CHECK_OK(open("/dev/ptmx", O_RDWR | O_NOCTTY)), lock = -1;
	char name[32];

	CHECK_EQ(ptsname_r(master, name, sizeof(name)), 0);
	CHECK_ERR(open(name, O_RDWR | O_NOCTTY), EIO);
	CHECK_OK(ioctl(master, TIOCGPTLCK, &lock));
	CHECK_EQ(lock, 1);
	lock = 0;
	CHECK_OK(ioctl(master, TIOCSPTLCK, &lock));
	int slave = (int)CHECK_OK(open(name, O_RDWR | O_NOCTTY));
	lock = 1;
	CHECK_OK(ioctl(master, TIOCSPTLCK, &lock));
	CHECK_ERR(open(name, O_RDWR | O_NOCTTY), EIO);
	CHECK_EQ(isatty(slave), 1);
	CHECK_ERR(ioctl(master, TIOCSPTLCK, NULL), EFAULT);
	CHECK_ERR(ioctl(slave, TIOCSPTLCK, &lock), ENOTTY);
	CHECK_ERR(ioctl(slave, TIOCGPTN, &lock), ENOTTY);
}

TEST(pty, peer_without_name)
{
	char name[32], link[64], path[32];
	int master = pty_master_open(name);
	int fd = (int)CHECK_OK(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t n = CHECK_OK(readlink(path, link, sizeof(link) - 1));
	link[n] = '\0';
	CHECK_STR(link, name);
	make_raw(fd);
	write_full(fd, "x", 1);
	pty_expect_text(master, "x");
}

TEST(pty, both_ways)
{
	struct pty_pair p;

	pty_pair_open(&p);
	/* A line is echoed, its end as two bytes, and read with its end. */
	write_full(p.master, "hello\r", 6);
	pty_expect_text(p.slave, "hello\n");
	pty_expect_text(p.master, "hello\r\n");
	write_full(p.slave, "a\nb", 3);
	pty_expect_text(p.master, "a\r\nb");
	/* The end-of-file key. */
	char c;
	write_full(p.master, "\004", 1);
	CHECK_EQ(read(p.slave, &c, 1), 0);
	/* Erase. */
	write_full(p.master, "abc\177d\r", 6);
	pty_expect_text(p.slave, "abd\n");
}

TEST(pty, settings_are_the_terminals)
{
	struct termios a, b;
	struct pty_pair p;

	pty_pair_open(&p);
	CHECK_OK(tcgetattr(p.slave, &a));
	CHECK_EQ(a.c_iflag & (ICRNL | IXON), ICRNL | IXON);
	CHECK_EQ(a.c_lflag & (ICANON | ECHO | ISIG | IEXTEN), ICANON | ECHO | ISIG | IEXTEN);
	CHECK_EQ(cfgetospeed(&a), B38400);
	a.c_lflag &= ~(tcflag_t)ECHO;
	CHECK_OK(tcsetattr(p.master, TCSANOW, &a));
	CHECK_OK(tcgetattr(p.slave, &b));
	CHECK_EQ(b.c_lflag & ECHO, 0);
	CHECK_OK(tcgetattr(p.master, &b));
	CHECK_EQ(b.c_lflag & (ECHO | ICANON), ICANON);
	/* Another pair begins anew. */
	close(p.slave);
	close(p.master);
	pty_pair_open(&p);
	CHECK_OK(tcgetattr(p.slave, &b));
	CHECK_EQ(b.c_lflag & ECHO, ECHO);
}

/* The old form of the settings, of 16 bits each: ioctl_tty(2). */
TEST(pty, termio)
{
	struct termios before, after;
	struct termio old;
	struct pty_pair p;

	pty_pair_open(&p);
	CHECK_OK(tcgetattr(p.slave, &before));
	CHECK_OK(ioctl(p.slave, TCGETA, &old));
	CHECK_EQ(old.c_lflag, before.c_lflag & 0xffff);
	CHECK_EQ(old.c_cc[VINTR], before.c_cc[VINTR]);
	old.c_lflag &= (unsigned short)~ECHO;
	old.c_cc[VINTR] = 'x';
	CHECK_OK(ioctl(p.slave, TCSETA, &old));
	CHECK_OK(tcgetattr(p.slave, &after));
	CHECK_EQ(after.c_lflag, before.c_lflag & ~(tcflag_t)ECHO);
	CHECK_EQ(after.c_cc[VINTR], 'x');
	CHECK_EQ(after.c_cc[VSUSP], before.c_cc[VSUSP]);
	old.c_lflag |= ECHO;
	CHECK_OK(ioctl(p.master, TCSETAF, &old));
	CHECK_OK(tcgetattr(p.slave, &after));
	CHECK_EQ(after.c_lflag, before.c_lflag);
	CHECK_ERR(ioctl(p.slave, TCGETA, 8), EFAULT);
	CHECK_ERR(ioctl(p.slave, TCSETAW, 8), EFAULT);
}

TEST(pty, nonblocking)
{
	struct pty_pair p;
	char c, block[4096];
	int n = 0;

	pty_pair_open(&p);
	make_raw(p.slave);
	CHECK_OK(fcntl(p.master, F_SETFL, O_RDWR | O_NONBLOCK));
	CHECK_OK(fcntl(p.slave, F_SETFL, O_RDWR | O_NONBLOCK));
	CHECK_ERR(read(p.master, &c, 1), EAGAIN);
	CHECK_ERR(read(p.slave, &c, 1), EAGAIN);
	/* Each way takes some, and then no more. */
	memset(block, 'x', sizeof(block));
	while (write(p.slave, block, sizeof(block)) > 0)
		CHECK(++n < 1000);
	CHECK_EQ(errno, EAGAIN);
	for (n = 0; write(p.master, block, sizeof(block)) > 0;)
		CHECK(++n < 1000);
	CHECK_EQ(errno, EAGAIN);
	CHECK(pty_wait_for(p.master, POLLIN) & POLLIN);
	CHECK(pty_wait_for(p.slave, POLLIN) & POLLIN);
}

/* More than any buffer holds, each way, while the other side reads. */
TEST(pty, much_data)
{
	const size_t size = 200000;
	unsigned char *buf = malloc(size);
	struct pty_pair p;

	CHECK(buf);
	pty_pair_open(&p);
	make_raw(p.slave);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(read_full(p.slave, buf, size), size);
		pattern_check(buf, size, 1, 0);
		pattern_fill(buf, size, 2, 0);
		write_full(p.slave, buf, size);
		_exit(0);
	}
	pattern_fill(buf, size, 1, 0);
	write_full(p.master, buf, size);
	CHECK_EQ(read_full(p.master, buf, size), size);
	pattern_check(buf, size, 2, 0);
	expect_exit(pid, 0);
	free(buf);
}

TEST(pty, slave_closed)
{
	struct pty_pair p;
	char c;

	p.master = pty_master_open(p.name);
	/* Before the first open there is nothing to wait for, but no end either. */
	struct pollfd pfd = {.fd = p.master, .events = POLLIN | POLLOUT};
	CHECK_EQ(poll(&pfd, 1, 0), 1);
	CHECK_EQ(pfd.revents, POLLOUT);
	p.slave = (int)CHECK_OK(open(p.name, O_RDWR | O_NOCTTY));
	int again = dup(p.slave);
	write_full(p.slave, "last", 4);
	close(p.slave);
	CHECK_EQ(pty_wait_for(p.master, POLLIN | POLLHUP) & POLLHUP, 0);
	close(again);
	/* What was sent is read first. */
	pty_expect_text(p.master, "last");
	CHECK_EQ(pty_wait_for(p.master, POLLIN), POLLHUP);
	CHECK_ERR(read(p.master, &c, 1), EIO);
	/* Opened again, it goes on. */
	p.slave = (int)CHECK_OK(open(p.name, O_RDWR | O_NOCTTY));
	CHECK_EQ(poll(&pfd, 1, 0), 1);
	CHECK_EQ(pfd.revents, POLLOUT);
	write_full(p.slave, "new", 3);
	pty_expect_text(p.master, "new");
}

/* Who waits for something to read at one end is told when the other is closed. */
static void close_wakes(int closed, int reader)
{
	pid_t pid = child();

	if (pid == 0) {
		char c;

		close(closed);
		CHECK_ERR(read(reader, &c, 1), EIO);
		_exit(0);
	}
	wait_state(pid, "S");
	close(closed);
	expect_exit(pid, 0);
}

TEST(pty, slave_closed_wakes_master)
{
	struct pty_pair p;

	pty_pair_open(&p);
	close_wakes(p.slave, p.master);
}

TEST(pty, master_closed)
{
	struct termios tio;
	struct pty_pair p;
	char c;

	pty_pair_open(&p);
	write_full(p.master, "lost\r", 5);
	close(p.master);
	CHECK_EQ(pty_wait_for(p.slave, POLLIN) & (POLLHUP | POLLERR), POLLHUP | POLLERR);
	CHECK_EQ(read(p.slave, &c, 1), 0);
	CHECK_ERR(write(p.slave, "x", 1), EIO);
	CHECK_ERR(tcgetattr(p.slave, &tio), EIO);
	CHECK_ERR(open(p.name, O_RDWR | O_NOCTTY), ENOENT);
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p.slave);
	CHECK_ERR(open(path, O_RDWR | O_NOCTTY), EIO);
}

TEST(pty, master_closed_wakes_slave)
{
	struct pty_pair p;

	pty_pair_open(&p);
	close_wakes(p.master, p.slave);
}

static int packet_byte(int master)
{
	unsigned char buf[64];

	pty_wait_for(master, POLLIN);
	CHECK_EQ(read(master, buf, sizeof(buf)), 1);
	return buf[0];
}

TEST(pty, packet_mode)
{
	struct pty_pair p;
	char buf[16];
	int on = 1, is = -1;

	pty_pair_open(&p);
	CHECK_OK(ioctl(p.master, TIOCGPKT, &is));
	CHECK_EQ(is, 0);
	CHECK_OK(ioctl(p.master, TIOCPKT, &on));
	CHECK_OK(ioctl(p.master, TIOCGPKT, &is));
	CHECK_EQ(is, 1);
	CHECK_ERR(ioctl(p.slave, TIOCPKT, &on), ENOTTY);
	write_full(p.slave, "data", 4);
	CHECK_EQ(pty_wait_for(p.master, POLLIN | POLLPRI), POLLIN);
	CHECK_EQ(read(p.master, buf, sizeof(buf)), 5);
	CHECK_EQ(memcmp(buf, "\0data", 5), 0);
	CHECK_OK(tcflush(p.slave, TCIFLUSH));
	CHECK_EQ(pty_wait_for(p.master, POLLIN | POLLPRI), POLLIN | POLLPRI);
	CHECK_EQ(packet_byte(p.master), TIOCPKT_FLUSHREAD);
	CHECK_OK(tcflush(p.slave, TCOFLUSH));
	CHECK_EQ(packet_byte(p.master), TIOCPKT_FLUSHWRITE);
	CHECK_OK(tcflow(p.slave, TCOOFF));
	CHECK_EQ(packet_byte(p.master), TIOCPKT_STOP);
	CHECK_OK(tcflow(p.slave, TCOON));
	CHECK_EQ(packet_byte(p.master), TIOCPKT_START);
	on = 0;
	CHECK_OK(ioctl(p.master, TIOCPKT, &on));
	write_full(p.slave, "d", 1);
	pty_expect_text(p.master, "d");
}

TEST(pty, packet_mode_flow_keys)
{
	struct termios tio;
	struct pty_pair p;
	int on = 1;

	pty_pair_open(&p);
	CHECK_OK(ioctl(p.master, TIOCPKT, &on));
	CHECK_OK(tcgetattr(p.slave, &tio));
	tio.c_iflag &= ~(tcflag_t)IXON;
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &tio));
	CHECK_EQ(packet_byte(p.master), TIOCPKT_NOSTOP);
	tio.c_iflag |= IXON;
	CHECK_OK(tcsetattr(p.slave, TCSANOW, &tio));
	CHECK_EQ(packet_byte(p.master), TIOCPKT_DOSTOP);
}

TEST(pty, stop_key_holds_output)
{
	struct pollfd pfd;
	struct pty_pair p;
	char c;

	pty_pair_open(&p);
	write_full(p.master, "\023", 1);
	pid_t pid = child();
	if (pid == 0) {
		write_full(p.slave, "held", 4);
		_exit(0);
	}
	/* Linux may not have looked at the key yet: only that it all comes is certain. */
	write_full(p.master, "\021", 1);
	pty_expect_text(p.master, "held");
	expect_exit(pid, 0);
	CHECK_OK(tcflow(p.slave, TCOOFF));
	pfd = (struct pollfd){.fd = p.slave, .events = POLLOUT};
	CHECK_EQ(poll(&pfd, 1, 0), 0);
	CHECK_OK(fcntl(p.slave, F_SETFL, O_RDWR | O_NONBLOCK));
	CHECK_ERR(write(p.slave, "x", 1), EAGAIN);
	CHECK_OK(tcflow(p.slave, TCOON));
	write_full(p.slave, "y", 1);
	CHECK_EQ(read(p.master, &c, 1), 1);
	CHECK_EQ(c, 'y');
}

TEST(pty, queued_counts)
{
	struct pty_pair p;
	int n = -1;

	pty_pair_open(&p);
	make_raw(p.slave);
	write_full(p.slave, "abc", 3);
	pty_wait_for(p.master, POLLIN);
	CHECK_OK(ioctl(p.master, FIONREAD, &n));
	CHECK_EQ(n, 3);
	write_full(p.master, "de", 2);
	pty_wait_for(p.slave, POLLIN);
	CHECK_OK(ioctl(p.slave, FIONREAD, &n));
	CHECK_EQ(n, 2);
	CHECK_OK(ioctl(p.slave, TIOCOUTQ, &n));
	CHECK_EQ(n, 0);
	CHECK_OK(tcflush(p.slave, TCIFLUSH));
	CHECK_OK(ioctl(p.slave, FIONREAD, &n));
	CHECK_EQ(n, 0);
	CHECK_OK(tcdrain(p.slave));
}

TEST(pty, bad_buffers)
{
	struct pty_pair p;

	pty_pair_open(&p);
	make_raw(p.slave);
	write_full(p.slave, "abc", 3);
	pty_wait_for(p.master, POLLIN);
	CHECK_ERR(syscall(SYS_read, p.master, (void *)8, 3), EFAULT);
	CHECK_ERR(syscall(SYS_write, p.master, (void *)8, 3), EFAULT);
	CHECK_ERR(ioctl(p.master, TIOCGPTN, (void *)8), EFAULT);
	CHECK_ERR(ioctl(p.master, TIOCPKT, (void *)8), EFAULT);
	CHECK_ERR(ioctl(p.master, 0x5499, 0), ENOTTY);
	CHECK_ERR(lseek(p.master, 0, SEEK_SET), ESPIPE);
	CHECK_EQ(read(p.master, NULL, 0), 0);
}

/* Each mount has terminals of its own, by its own options; programs cannot change the names. */
TEST(pty, own_mount, .root = true)
{
	unsigned int number = 77;
	struct stat st;
	int off = 0;

	CHECK_OK(mkdir("pts", 0755));
	CHECK_ERR(mount("x", "pts", "devpts", 0, "nonsense=1"), EINVAL);
	CHECK_OK(mount("x", "pts", "devpts", 0, "ptmxmode=666,mode=612,gid=77,max=2"));
	CHECK_OK(stat("pts/ptmx", &st));
	CHECK_EQ(st.st_mode, S_IFCHR | 0666);
	int a = (int)CHECK_OK(open("pts/ptmx", O_RDWR | O_NOCTTY));
	CHECK_OK(ioctl(a, TIOCGPTN, &number));
	CHECK_EQ(number, 0);
	CHECK_OK(stat("pts/0", &st));
	CHECK_EQ(st.st_mode, S_IFCHR | 0612);
	CHECK_EQ(st.st_gid, 77);
	CHECK_EQ(st.st_rdev, makedev(136, 0));
	CHECK_OK(ioctl(a, TIOCSPTLCK, &off));
	int slave = (int)CHECK_OK(open("pts/0", O_RDWR | O_NOCTTY));
	write_full(slave, "own", 3);
	pty_expect_text(a, "own");
	int b = (int)CHECK_OK(open("pts/ptmx", O_RDWR | O_NOCTTY));
	CHECK_ERR(open("pts/ptmx", O_RDWR | O_NOCTTY), ENOSPC);
	CHECK_ERR(unlink("pts/0"), EPERM);
	CHECK_ERR(mkdir("pts/d", 0755), EPERM);
	close(a);
	close(b);
	close(slave);
	CHECK_OK(umount("pts"));
	/* A ptmx with no volume beside it. */
	CHECK_OK(mknod("ptmx", S_IFCHR | 0600, makedev(5, 2)));
	CHECK_ERR(open("ptmx", O_RDWR | O_NOCTTY), ENODEV);
}

/* Terminals made and dropped in the middle of things. */
TEST(pty, churn)
{
	for (int i = 0; i < 100; i++) {
		struct pty_pair p;

		pty_pair_open(&p);
		pid_t pid = child();
		if (pid == 0) {
			setsid();
			ioctl(p.slave, TIOCSCTTY, 0);
			write_full(p.slave, "x", 1);
			_exit(0);
		}
		if (i & 1)
			close(p.slave);
		if (i & 2) {
			close(p.master);
			status_of(pid);
		} else {
			pty_expect_text(p.master, "x");
			expect_exit(pid, 0);
			close(p.master);
		}
		if (!(i & 1))
			close(p.slave);
	}
}
