/*
 * sysctl: what is in /proc/sys/kernel and /proc/sys/fs acts. Those of memory are in mem_sysctl.c,
 * those of queues with their calls.
 */
#include "ut.h"

#include <grp.h>
#include <linux/random.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/utsname.h>
#include <time.h>

#define KERNEL "/proc/sys/kernel/"
#define FS     "/proc/sys/fs/"

TEST(sysctl, facts)
{
	gid_t *groups = calloc(65537, sizeof(*groups));

	/* Debian's kernel notes that somebody has used fanotify's permission events. */
	CHECK_EQ(setting_get(KERNEL "tainted") & ~(1L << 16), 0);
	CHECK_EQ(setting_get(KERNEL "ngroups_max"), 65536);
	CHECK_EQ(setting_get(KERNEL "sched_rt_period_us"), 1000000);
	CHECK_GE(setting_get(KERNEL "pid_max"), 32768);
	if (geteuid() == 0)
		CHECK_ERR(setgroups(65537, groups), EINVAL);
	free(groups);
}

/* No more threads than this, root's neither. */
TEST(sysctl, threads_max, .root = true)
{
	long was = setting_get(KERNEL "threads-max");
	pid_t kids[24], pid;
	int n = 0, err = 0;

	CHECK_GE(was, 256);
	CHECK_EQ(setting_put(KERNEL "threads-max", "0\n"), EINVAL);
	CHECK_EQ(setting_put(KERNEL "threads-max", "-18446744073709551596\n"), EINVAL);
	CHECK_EQ(setting_put(KERNEL "threads-max", "20\n"), 0);
	CHECK_EQ(setting_get(KERNEL "threads-max"), 20);
	while (n < 24) {
		pid = fork();
		if (pid == 0) {
			pause();
			_exit(0);
		}
		if (pid < 0) {
			err = errno;
			break;
		}
		kids[n++] = pid;
	}
	CHECK_EQ(setting_put_number(KERNEL "threads-max", was), 0);
	for (int i = 0; i < n; i++) {
		CHECK_OK(kill(kids[i], SIGKILL));
		expect_signal(kids[i], SIGKILL);
	}
	CHECK_EQ(err, EAGAIN);
}

static int new_queue(void)
{
	return (int)CHECK_OK(msgget(IPC_PRIVATE, 0600));
}

static void end_queue(int id)
{
	CHECK_OK(msgctl(id, IPC_RMID, NULL));
}

static int new_segment(void)
{
	return (int)CHECK_OK(shmget(IPC_PRIVATE, 4096, 0600));
}

static void end_segment(int id)
{
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
}

static int new_semaphore(void)
{
	return (int)CHECK_OK(semget(IPC_PRIVATE, 1, 0600));
}

static void end_semaphore(int id)
{
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

/* The next object has the id that is asked for, or one with the next slot that is free. */
static void next_id(const char *path, int (*make)(void), void (*end)(int))
{
	int first = make(), want = first + 5, got;

	CHECK_EQ(setting_get(path), -1);
	CHECK_EQ(setting_put(path, "-1\n"), EINVAL);
	CHECK_EQ(setting_put(path, "2147483648\n"), EINVAL);
	CHECK_EQ(setting_put_number(path, want), 0);
	CHECK_EQ(setting_get(path), want);
	got = make();
	CHECK_EQ(got, want);
	CHECK_EQ(setting_get(path), -1);
	end(got);
	/* Taken: not that one. */
	CHECK_EQ(setting_put_number(path, first), 0);
	got = make();
	CHECK(got != first);
	end(got);
	/* Far off, and with a sequence number of its own. */
	CHECK_EQ(setting_put_number(path, 77 * 32768 + 3000), 0);
	got = make();
	CHECK_EQ(got, 77 * 32768 + 3000);
	end(got);
	end(first);
	end(make());
}

TEST(sysctl, next_ids, .root = true)
{
	next_id(KERNEL "msg_next_id", new_queue, end_queue);
	next_id(KERNEL "shm_next_id", new_segment, end_segment);
	next_id(KERNEL "sem_next_id", new_semaphore, end_semaphore);
}

TEST(sysctl, domainname, .root = true)
{
	struct utsname u;
	char was[80], text[80];

	file_text(KERNEL "domainname", was, sizeof(was));
	CHECK_EQ(setting_put(KERNEL "domainname", "example\n"), 0);
	CHECK_OK(uname(&u));
	file_text(KERNEL "domainname", text, sizeof(text));
	CHECK_EQ(setting_put(KERNEL "domainname", was), 0);
	CHECK_STR(u.domainname, "example");
	CHECK_STR(text, "example\n");
}

/* The other name is set, by the call and by the file in turn, until it is killed. */
static void rename_host(void)
{
	char one[64], other[65] = "";

	memset(one, 'a', sizeof(one));
	memset(other, 'b', 64);
	for (;;) {
		CHECK_OK(sethostname(one, sizeof(one)));
		CHECK_EQ(setting_put(KERNEL "hostname", other), 0);
	}
}

/* Who reads a name while it is set sees one that it was set to. */
static void look_at_host(void)
{
	struct utsname u;
	char text[80];

	for (int i = 0; i < 5000; i++) {
		CHECK_OK(uname(&u));
		if (strspn(u.nodename, "a") != 64)
			CHECK_EQ(strspn(u.nodename, "b"), 64);
		file_text(KERNEL "hostname", text, sizeof(text));
		if (strspn(text, "a") != 64)
			CHECK_EQ(strspn(text, "b"), 64);
	}
}

TEST(sysctl, hostname_is_whole, .root = true)
{
	struct utsname u, was;
	int status = -1;
	pid_t pid;

	CHECK_OK(uname(&was));
	CHECK_OK(sethostname("b", 1));
	pid = child();
	if (!pid)
		rename_host();
	do
		CHECK_OK(uname(&u));
	while (!strcmp(u.nodename, "b") && waitpid(pid, NULL, WNOHANG) == 0);
	if (strcmp(u.nodename, "b"))
		status = run_child(look_at_host);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_OK(sethostname(was.nodename, strlen(was.nodename)));
	CHECK_EQ(status, 0);
}

TEST(sysctl, rr_timeslice, .root = true)
{
	struct sched_param p = {.sched_priority = 1};
	struct timespec t;
	long was = setting_get(KERNEL "sched_rr_timeslice_ms");

	CHECK_EQ(was, 100);
	CHECK_OK(sched_setscheduler(0, SCHED_RR, &p));
	CHECK_EQ(setting_put(KERNEL "sched_rr_timeslice_ms", "40\n"), 0);
	CHECK_EQ(setting_get(KERNEL "sched_rr_timeslice_ms"), 40);
	CHECK_OK(sched_rr_get_interval(0, &t));
	CHECK_EQ(setting_put(KERNEL "sched_rr_timeslice_ms", "0\n"), 0);
	CHECK_EQ(t.tv_nsec, 40000000);
	CHECK_EQ(setting_get(KERNEL "sched_rr_timeslice_ms"), was);
	CHECK_EQ(setting_put(KERNEL "sched_rt_runtime_us", "-2\n"), EINVAL);
	CHECK_EQ(setting_put(KERNEL "sched_rt_runtime_us", "1000001\n"), EINVAL);
}

/* Without CAP_SYS_RESOURCE a pipe grows so far. */
TEST(sysctl, pipe_max_size, .root = true)
{
	long was = setting_get(FS "pipe-max-size");
	int fd[2];
	pid_t pid;

	CHECK_EQ(was, 1048576);
	CHECK_EQ(setting_put(FS "pipe-max-size", "100\n"), 0);
	CHECK_EQ(setting_get(FS "pipe-max-size"), 4096);
	CHECK_EQ(setting_put(FS "pipe-max-size", "100000\n"), 0);
	CHECK_EQ(setting_get(FS "pipe-max-size"), 131072);
	CHECK_OK(pipe(fd));
	pid = child();
	if (!pid) {
		CHECK_OK(setuid(1));
		CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ, 131072), 131072);
		CHECK_ERR(fcntl(fd[0], F_SETPIPE_SZ, 131073), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(fcntl(fd[0], F_SETPIPE_SZ, 262144), 262144);
	CHECK_EQ(setting_put_number(FS "pipe-max-size", was), 0);
	CHECK_OK(close(fd[0]));
	CHECK_OK(close(fd[1]));
}

TEST(sysctl, nr_open, .root = true)
{
	struct rlimit l;
	long was = setting_get(FS "nr_open");

	CHECK_GE(was, 65536);
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &l));
	CHECK_EQ(setting_put_number(FS "nr_open", 4096), 0);
	l.rlim_cur = l.rlim_max = 4097;
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &l), EPERM);
	l.rlim_cur = l.rlim_max = 4096;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &l));
	CHECK_EQ(setting_put_number(FS "nr_open", was), 0);
	CHECK_EQ(setting_put(FS "nr_open", "1\n"), EINVAL);
}

/* What the pool of random numbers holds, and has been given. */
TEST(sysctl, random_pool)
{
	int fd = (int)CHECK_OK(open("/dev/urandom", O_RDONLY)), bits;
	char c;

	CHECK_EQ(getrandom(&c, 1, 0), 1);
	CHECK_EQ(setting_get(KERNEL "random/poolsize"), 256);
	CHECK_OK(ioctl(fd, RNDGETENTCNT, &bits));
	CHECK_EQ(setting_get(KERNEL "random/entropy_avail"), bits);
	CHECK_EQ(bits, 256);
	CHECK_OK(close(fd));
}

static void dies(void)
{
	struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};

	CHECK_OK(setrlimit(RLIMIT_CORE, &l));
	CHECK_OK(raise(SIGQUIT));
}

/* Core files are named as is said there. */
TEST(sysctl, core_pattern, .root = true)
{
	char was[160], name[64];
	pid_t pid;

	file_text(KERNEL "core_pattern", was, sizeof(was));
	CHECK_EQ(setting_put(KERNEL "core_pattern", "dump.%p.%s.%u%%%e-%Z\n"), 0);
	pid = child();
	if (!pid)
		dies();
	CHECK(WCOREDUMP(status_of(pid)));
	snprintf(name, sizeof(name), "dump.%d.%d.0%%usertests-", pid, SIGQUIT);
	CHECK_OK(unlink(name));
	CHECK_EQ(setting_put(KERNEL "core_pattern", "other"), 0);
	CHECK_EQ(setting_put(KERNEL "core_uses_pid", "1\n"), 0);
	pid = child();
	if (!pid)
		dies();
	CHECK(WCOREDUMP(status_of(pid)));
	CHECK_EQ(setting_put(KERNEL "core_uses_pid", "0\n"), 0);
	CHECK_EQ(setting_put(KERNEL "core_pattern", was), 0);
	snprintf(name, sizeof(name), "other.%d", pid);
	CHECK_OK(unlink(name));
}
