/*
 * fdinfo: /proc/PID/fdinfo: what it says of each kind of descriptor, and to whom.
 */
#include <dirent.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <time.h>

#include "user/tests/ut.h"

/* What fdinfo says of our descriptor; and behind the lines that all kinds have. */
static const char *info(int fd)
{
	static char text[4096];
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	file_text(name, text, sizeof(text));
	return text;
}

static const char *own_lines(int fd)
{
	const char *text = strstr(info(fd), "\nino:\t");

	CHECK(text);
	text = strchr(text + 1, '\n');
	CHECK(text);
	return text + 1;
}

static int file_open(int flags)
{
	return (int)CHECK_OK(open("f", flags | O_CREAT, 0600));
}

/* The first lines are what fcntl, lseek and statx say. */
static void check_common(int fd, off_t pos)
{
	unsigned flags = (unsigned)CHECK_OK(fcntl(fd, F_GETFL));
	char want[256];
	struct statx st;

	if (CHECK_OK(fcntl(fd, F_GETFD)))
		flags |= O_CLOEXEC;
	CHECK_OK(statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &st));
	snprintf(want, sizeof(want), "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%lu\n", (long)pos,
		 flags, (int)st.stx_mnt_id, (unsigned long)st.stx_ino);
	CHECK_EQ(strncmp(info(fd), want, strlen(want)), 0);
}

TEST(fdinfo, of_files)
{
	int fd = file_open(O_RDWR | O_APPEND | O_CLOEXEC), p[2];

	CHECK_EQ(write(fd, "hello", 5), 5);
	check_common(fd, 5);
	CHECK_STR(own_lines(fd), "");
	CHECK_OK(fcntl(fd, F_SETFD, 0));
	CHECK_OK(fcntl(fd, F_SETFL, O_NONBLOCK));
	CHECK_EQ(lseek(fd, 1L << 32, SEEK_SET), 1L << 32);
	check_common(fd, 1L << 32);
	fd = (int)CHECK_OK(open(".", O_PATH));
	check_common(fd, 0);
	fd = (int)CHECK_OK(open("/dev/null", O_WRONLY));
	check_common(fd, 0);
	CHECK_OK(pipe2(p, O_CLOEXEC | O_NONBLOCK));
	CHECK_EQ(write(p[1], "hello", 5), 5);
	check_common(p[0], 0);
	check_common(p[1], 0);
	CHECK_STR(own_lines(p[0]), "");
}

/* Those of the process by this open file, and of the open file. */
TEST(fdinfo, of_locks)
{
	int fd = file_open(O_RDWR), other = file_open(O_RDWR);
	struct flock l = {.l_type = F_WRLCK, .l_start = 3, .l_len = 4};
	char want[512], key[128];
	struct stat st;

	CHECK_OK(fstat(fd, &st));
	snprintf(key, sizeof(key), "%02x:%02x:%lu", major(st.st_dev), minor(st.st_dev),
		 (unsigned long)st.st_ino);
	CHECK_OK(fcntl(fd, F_SETLK, &l));
	l.l_start = 10;
	CHECK_OK(fcntl(fd, F_OFD_SETLK, &l));
	l.l_start = 20;
	CHECK_OK(fcntl(other, F_SETLK, &l));
	l.l_start = 30;
	l.l_type = F_RDLCK;
	l.l_len = 0;
	CHECK_OK(fcntl(other, F_OFD_SETLK, &l));
	CHECK_OK(flock(fd, LOCK_EX));
	snprintf(want, sizeof(want), "lock:\t1: FLOCK  ADVISORY  WRITE %d %s 0 EOF\n", getpid(),
		 key);
	CHECK_EQ(strncmp(own_lines(fd), want, strlen(want)), 0);
	snprintf(want, sizeof(want), ": POSIX  ADVISORY  WRITE %d %s 3 6\n", getpid(), key);
	CHECK(strstr(own_lines(fd), want));
	snprintf(want, sizeof(want), ": OFDLCK ADVISORY  WRITE -1 %s 10 13\n", key);
	CHECK(strstr(own_lines(fd), want));
	CHECK(strstr(own_lines(fd), "\nlock:\t3: "));
	CHECK(!strstr(own_lines(fd), "lock:\t4: "));
	snprintf(want, sizeof(want), ": POSIX  ADVISORY  WRITE %d %s 20 23\n", getpid(), key);
	CHECK(strstr(own_lines(other), want));
	snprintf(want, sizeof(want), ": OFDLCK ADVISORY  READ -1 %s 30 EOF\n", key);
	CHECK(strstr(own_lines(other), want));
	CHECK(!strstr(own_lines(other), "lock:\t3: "));
	CHECK_OK(close(fd));
	CHECK_OK(close(other));
	fd = file_open(O_RDONLY);
	CHECK_STR(own_lines(fd), "");
	CHECK_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	snprintf(want, sizeof(want), "lock:\t1: LEASE  ACTIVE    READ %d %s 0 EOF\n", getpid(),
		 key);
	CHECK_STR(own_lines(fd), want);
}

TEST(fdinfo, of_eventfd)
{
	int fd = (int)CHECK_OK(eventfd(0x1f, EFD_NONBLOCK));
	int other = (int)CHECK_OK(eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC));
	int id, id2, semaphore;
	unsigned long count;

	check_common(fd, 0);
	check_common(other, 0);
	CHECK_EQ(sscanf(own_lines(fd),
			"eventfd-count: %lx\neventfd-id: %d\neventfd-semaphore: %d\n", &count, &id,
			&semaphore), 3);
	CHECK_EQ(strncmp(own_lines(fd), "eventfd-count:               1f\n", 32), 0);
	CHECK_EQ(count, 0x1f);
	CHECK_EQ(semaphore, 0);
	CHECK_EQ(sscanf(own_lines(other),
			"eventfd-count: %lx\neventfd-id: %d\neventfd-semaphore: %d\n", &count, &id2,
			&semaphore), 3);
	CHECK_EQ(count, 0);
	CHECK_EQ(semaphore, 1);
	CHECK(id != id2);
}

TEST(fdinfo, of_epoll)
{
	int ep = (int)CHECK_OK(epoll_create1(EPOLL_CLOEXEC)), p[2];
	struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u64 = 0x123456789abc};
	char want[512];
	struct stat st;

	CHECK_STR(own_lines(ep), "");
	CHECK_OK(pipe(p));
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
	check_common(ep, 0);
	CHECK_OK(fstat(p[0], &st));
	snprintf(want, sizeof(want),
		 "tfd: %8d events: %8x data: %16lx  pos:0 ino:%lx sdev:%x\n", p[0],
		 EPOLLIN | EPOLLET | EPOLLERR | EPOLLHUP, 0x123456789abcUL,
		 (unsigned long)st.st_ino, major(st.st_dev) << 20 | minor(st.st_dev));
	CHECK_STR(own_lines(ep), want);
	e = (struct epoll_event){.events = EPOLLOUT};
	CHECK_OK(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &e));
	snprintf(want, sizeof(want), "tfd: %8d events: %8x data: %16x  pos:0 ", p[1],
		 EPOLLOUT | EPOLLERR | EPOLLHUP, 0);
	CHECK(strstr(own_lines(ep), want));
	CHECK_OK(close(p[0]));
	CHECK_EQ(strncmp(own_lines(ep), want, strlen(want)), 0);
}

TEST(fdinfo, of_inotify)
{
	int fd = (int)CHECK_OK(inotify_init1(IN_NONBLOCK)), wd;
	char want[512];
	struct stat st;

	CHECK_STR(own_lines(fd), "");
	wd = (int)CHECK_OK(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE | IN_ONESHOT));
	CHECK_OK(stat(".", &st));
	snprintf(want, sizeof(want), "inotify wd:%x ino:%lx sdev:%x mask:%x ignored_mask:0 ",
		 (unsigned)wd, (unsigned long)st.st_ino,
		 major(st.st_dev) << 20 | minor(st.st_dev), IN_CREATE | IN_DELETE | IN_ONESHOT);
	check_common(fd, 0);
	CHECK_EQ(strncmp(own_lines(fd), want, strlen(want)), 0);
	CHECK_OK(inotify_rm_watch(fd, wd));
	CHECK_STR(own_lines(fd), "");
}

TEST(fdinfo, of_signalfd)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMAX);
	sigaddset(&set, SIGKILL);
	fd = (int)CHECK_OK(signalfd(-1, &set, 0));
	check_common(fd, 0);
	CHECK_STR(own_lines(fd), "sigmask:\t8000000000000200\n");
}

TEST(fdinfo, of_timerfd)
{
	struct itimerspec t = {.it_value = {1000, 0}, .it_interval = {7, 500}};
	int fd = (int)CHECK_OK(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK));
	long s, ns;
	int n = 0;

	check_common(fd, 0);
	CHECK_STR(own_lines(fd), "clockid: 7\nticks: 0\nsettime flags: 00\nit_value: (0, 0)\n"
				 "it_interval: (0, 0)\n");
	CHECK_OK(timerfd_settime(fd, 0, &t, NULL));
	CHECK_EQ(sscanf(own_lines(fd),
			"clockid: 7\nticks: 0\nsettime flags: 00\nit_value: (%ld, %ld)\n"
			"it_interval: (7, 500)\n%n", &s, &ns, &n), 2);
	CHECK_EQ((size_t)n, strlen(own_lines(fd)));
	CHECK(s > 0 && s <= 1000 && ns >= 0 && ns < 1000000000);
	fd = (int)CHECK_OK(timerfd_create(CLOCK_REALTIME, 0));
	/* Over long since: once. */
	t = (struct itimerspec){.it_value = {1, 0}};
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL));
	while (!strstr(own_lines(fd), "ticks: 1\n"))
		sched_yield();
	CHECK_STR(own_lines(fd), "clockid: 0\nticks: 1\nsettime flags: 03\nit_value: (0, 0)\n"
				 "it_interval: (0, 0)\n");
}

TEST(fdinfo, of_pidfd)
{
	pid_t pid = child_pausing();
	int fd = (int)CHECK_OK(syscall(SYS_pidfd_open, pid, 0));
	char want[64];

	check_common(fd, 0);
	snprintf(want, sizeof(want), "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
	CHECK_STR(own_lines(fd), want);
	CHECK_OK(kill(pid, SIGKILL));
	wait_state(pid, "Z");
	CHECK_STR(own_lines(fd), want);
	expect_signal(pid, SIGKILL);
	CHECK_STR(own_lines(fd), "Pid:\t-1\nNSpid:\t-1\n");
}

/* The names are the open descriptors; one that is closed has nothing any more. */
TEST(fdinfo, names)
{
	int fd = file_open(O_RDWR), at;
	struct dirent *e;
	struct stat st;
	bool seen = false;
	char name[64], c;
	DIR *d;

	d = opendir("/proc/self/fdinfo");
	CHECK(d);
	while ((e = readdir(d)) != NULL) {
		if (atoi(e->d_name) == fd && e->d_name[0] != '.')
			seen = e->d_type == DT_REG;
	}
	CHECK(seen);
	CHECK_OK(closedir(d));
	CHECK_OK(stat("/proc/self/fdinfo", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 0555);
	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", fd);
	CHECK_OK(stat(name, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0444);
	CHECK_ERR(open("/proc/self/fdinfo/0x1", O_RDONLY), ENOENT);
	at = (int)CHECK_OK(open(name, O_RDONLY));
	CHECK_EQ(read(at, &c, 1), 1);
	CHECK_OK(close(fd));
	CHECK_ERR(pread(at, &c, 1, 0), ENOENT);
	CHECK_ERR(open(name, O_RDONLY), ENOENT);
}

/* Another's are only for who may look into that one. */
TEST(fdinfo, of_others, .root = true)
{
	int fd = file_open(O_RDWR), at;
	char dir[64], name[80], c;
	struct stat st;
	pid_t pid;

	snprintf(dir, sizeof(dir), "/proc/%d/fdinfo", getpid());
	snprintf(name, sizeof(name), "%s/%d", dir, fd);
	at = (int)CHECK_OK(open(name, O_RDONLY));
	pid = child();
	if (!pid) {
		CHECK_OK(close(fd));
		CHECK_OK(stat(name, &st));
		become_user();
		CHECK_OK(stat(dir, &st));
		CHECK_ERR(open(dir, O_RDONLY | O_DIRECTORY), EACCES);
		CHECK_ERR(open(name, O_RDONLY), EACCES);
		CHECK_ERR(stat(name, &st), EACCES);
		/* Who was let in reads on. */
		CHECK_EQ(pread(at, &c, 1, 0), 1);
		_exit(0);
	}
	expect_exit(pid, 0);
}

static void expect_owner(const char *name, uid_t uid)
{
	struct stat st;

	CHECK_OK(stat(name, &st));
	CHECK_EQ(st.st_uid, uid);
	CHECK_EQ(st.st_gid, uid);
}

/* Who was let in is asked again at an open: the process may be another program by then. */
TEST(fdinfo, is_asked_at_open, .root = true)
{
	char name[64], again[64], c;
	struct gate shut;
	int at, open_fd;
	pid_t pid;

	gate_make(&shut);
	become_user();
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	pid = child();
	if (!pid) {
		gate_pass(&shut);
		CHECK_OK(prctl(PR_SET_DUMPABLE, 0));
		raise(SIGSTOP);
		pause();
	}
	snprintf(name, sizeof(name), "/proc/%d/fdinfo/0", pid);
	at = (int)CHECK_OK(open(name, O_PATH));
	open_fd = (int)CHECK_OK(open(name, O_RDONLY));
	snprintf(again, sizeof(again), "/proc/self/fd/%d", at);
	CHECK_OK(close((int)CHECK_OK(open(again, O_RDONLY))));
	gate_open(&shut);
	wait_state(pid, "T");
	CHECK_ERR(open(again, O_RDONLY), EACCES);
	CHECK_EQ(pread(open_fd, &c, 1, 0), 1);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

/* A process that has changed its ids is not to be looked into, but by itself. */
TEST(fdinfo, own_stay_own, .root = true)
{
	char name[64], link[64];
	int fd = file_open(O_RDWR), dir;
	pid_t parent = getpid(), pid = child();

	if (pid) {
		expect_exit(pid, 0);
		return;
	}
	CHECK_OK(fchmod(fd, 0666));
	dir = (int)CHECK_OK(open("/proc/self/fd", O_PATH));
	become_user();
	expect_owner("/proc/self", 1000);
	expect_owner("/proc/self/", 1000);
	expect_owner("/proc/self/task", 1000);
	expect_owner("/proc/self/fdinfo", 1000);
	expect_owner("/proc/self/fd", 0);
	expect_owner("/proc/self/status", 0);
	CHECK_OK(access("/proc/self/fd", R_OK | W_OK | X_OK));
	CHECK_OK(close((int)CHECK_OK(open("/proc/self/fd", O_RDONLY))));
	CHECK_GE(open_descriptors(), 3);
	snprintf(name, sizeof(name), "%d", fd);
	CHECK_OK(readlinkat(dir, name, link, sizeof(link)));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK_OK(readlink(name, link, sizeof(link)));
	CHECK_OK(close((int)CHECK_OK(open(name, O_RDONLY))));
	CHECK_ERR(open("/proc/self/environ", O_RDONLY), EACCES);
	snprintf(name, sizeof(name), "/proc/%d/fd", parent);
	CHECK_ERR(open(name, O_RDONLY), EACCES);
	snprintf(name, sizeof(name), "/proc/%d/fd", getpid());
	pid = child();
	if (!pid) {
		CHECK_ERR(open(name, O_RDONLY), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	expect_owner("/proc/self/fd", 1000);
	expect_owner("/proc/self/status", 1000);
	_exit(0);
}
