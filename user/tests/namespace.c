/*
 * namespace: namespaces (namespaces(7)): links and files of them, who may make and enter one; names
 * of the machine.
 */
#include "ut.h"

#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define GET_USERNS    0xb701
#define GET_PARENT    0xb702
#define GET_NSTYPE    0xb703
#define GET_OWNER_UID 0xb704
#define NSFS	      0x6e736673

static const struct kind {
	const char *link, *name;
	int flag;
} kinds[] = {
	{"cgroup", "cgroup", CLONE_NEWCGROUP}, {"ipc", "ipc", CLONE_NEWIPC},
	{"mnt", "mnt", CLONE_NEWNS},	       {"net", "net", CLONE_NEWNET},
	{"pid", "pid", CLONE_NEWPID},	       {"pid_for_children", "pid", CLONE_NEWPID},
	{"time", "time", CLONE_NEWTIME},       {"time_for_children", "time", CLONE_NEWTIME},
	{"user", "user", CLONE_NEWUSER},       {"uts", "uts", CLONE_NEWUTS},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static int ns_open(const char *of, const char *kind)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%s/ns/%s", of, kind);
	return open(path, O_RDONLY);
}

static unsigned long number_of(const char *of, const char *kind)
{
	int fd = (int)CHECK_OK(ns_open(of, kind));
	struct stat st;

	CHECK_OK(fstat(fd, &st));
	CHECK_OK(close(fd));
	return st.st_ino;
}

static int pidfd_of(pid_t pid)
{
	return (int)CHECK_OK(syscall(SYS_pidfd_open, pid, 0));
}

static void name_is(const char *name)
{
	char line[80] = "";
	struct utsname u;
	int fd = (int)CHECK_OK(open("/proc/sys/kernel/hostname", O_RDONLY));

	CHECK_OK(uname(&u));
	CHECK(!strcmp(u.nodename, name));
	CHECK_EQ(read(fd, line, sizeof(line) - 1), (long)strlen(name) + 1);
	CHECK(!strncmp(line, name, strlen(name)));
	CHECK_OK(close(fd));
}

TEST(namespace, links)
{
	char path[64], text[64], wanted[64], again[80];
	struct stat st, other;
	struct statfs fs;
	ssize_t n;
	int fd;

	CHECK_OK(stat("/proc/self/ns", &st));
	CHECK_EQ(st.st_mode, S_IFDIR | 0511);
	CHECK_OK(stat("/proc/self/ns/uts", &other));
	for (size_t i = 0; i < KINDS; i++) {
		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", kinds[i].link);
		CHECK_OK(lstat(path, &st));
		CHECK_EQ(st.st_mode, S_IFLNK | 0777);
		fd = (int)CHECK_OK(open(path, O_RDONLY));
		CHECK_OK(fstat(fd, &st));
		CHECK_EQ(st.st_mode, S_IFREG | 0444);
		CHECK_EQ(st.st_nlink, 1);
		CHECK_EQ(st.st_size, 0);
		CHECK_EQ(st.st_dev, other.st_dev);
		CHECK_OK(fstatfs(fd, &fs));
		CHECK_EQ(fs.f_type, NSFS);
		(void)snprintf(wanted, sizeof(wanted), "%s:[%lu]", kinds[i].name,
			       (unsigned long)st.st_ino);
		n = CHECK_OK(readlink(path, text, sizeof(text) - 1));
		text[n] = 0;
		CHECK(!strcmp(text, wanted));
		(void)snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
		n = CHECK_OK(readlink(again, text, sizeof(text) - 1));
		text[n] = 0;
		CHECK(!strcmp(text, wanted));
		CHECK_ERR(read(fd, text, 1), EINVAL);
		CHECK_EQ(ioctl(fd, GET_NSTYPE), kinds[i].flag);
		CHECK_ERR(ioctl(fd, 0x5401, text), ENOTTY);
		CHECK_OK(close(fd));
	}
	CHECK_ERR(open("/proc/self/ns/other", O_RDONLY), ENOENT);
	CHECK_ERR(unlink("/proc/self/ns/uts"), EPERM);
	CHECK_EQ(number_of("self", "uts"), number_of("thread-self", "uts"));
}

TEST(namespace, relations)
{
	uid_t owner = 77;
	int fd, user;
	struct stat st;

	for (size_t i = 0; i < KINDS; i++) {
		fd = (int)CHECK_OK(ns_open("self", kinds[i].link));
		if (kinds[i].flag == CLONE_NEWUSER) {
			CHECK_ERR(ioctl(fd, GET_USERNS), EPERM);
			CHECK_OK(ioctl(fd, GET_OWNER_UID, &owner));
			CHECK_ERR(ioctl(fd, GET_OWNER_UID, 8), EFAULT);
			CHECK_EQ(owner, 0);
		} else {
			user = (int)CHECK_OK(ioctl(fd, GET_USERNS));
			CHECK_OK(fstat(user, &st));
			CHECK_EQ(st.st_ino, number_of("self", "user"));
			CHECK_EQ(fcntl(user, F_GETFD), FD_CLOEXEC);
			CHECK_OK(close(user));
			CHECK_ERR(ioctl(fd, GET_OWNER_UID, &owner), EINVAL);
		}
		CHECK_ERR(ioctl(fd, GET_PARENT),
			  kinds[i].flag & (CLONE_NEWUSER | CLONE_NEWPID) ? EPERM : EINVAL);
		CHECK_OK(close(fd));
	}
}

TEST(namespace, of_others, .root = true)
{
	struct gate ready, done;
	char pid[16], task[64];
	pid_t kid;

	gate_make(&ready);
	gate_make(&done);
	kid = child();
	if (!kid) {
		CHECK_OK(unshare(CLONE_NEWUTS));
		gate_open(&ready);
		gate_pass(&done);
		_exit(0);
	}
	(void)snprintf(pid, sizeof(pid), "%d", kid);
	(void)snprintf(task, sizeof(task), "%d/task/%d", kid, kid);
	gate_pass(&ready);
	CHECK(number_of(pid, "uts") != number_of("self", "uts"));
	CHECK_EQ(number_of(pid, "uts"), number_of(task, "uts"));
	CHECK_EQ(number_of(pid, "ipc"), number_of("self", "ipc"));
	gate_open(&done);
	wait_state(kid, "Z");
	CHECK_ERR(ns_open(pid, "uts"), ENOENT);
	CHECK_ERR(ns_open(pid, "mnt"), ENOENT);
	CHECK_ERR(ns_open(pid, "pid_for_children"), ENOENT);
	CHECK_OK(close((int)CHECK_OK(ns_open(pid, "user"))));
	CHECK_OK(close((int)CHECK_OK(ns_open(pid, "pid"))));
	expect_exit(kid, 0);
}

/* Others may not see where a process stands. */
TEST(namespace, hidden, .root = true)
{
	char text[64];

	become_user();
	CHECK_ERR(ns_open("1", "uts"), EACCES);
	CHECK_ERR(readlink("/proc/1/ns/uts", text, sizeof(text)), EACCES);
	CHECK_OK(close((int)CHECK_OK(ns_open("self", "uts"))));
}

TEST(namespace, uts, .root = true)
{
	struct utsname before, u;
	pid_t kid;

	CHECK_OK(uname(&before));
	kid = child();
	if (!kid) {
		unsigned long old = number_of("self", "uts");
		int fd;

		CHECK_OK(unshare(CLONE_NEWUTS));
		CHECK(number_of("self", "uts") != old);
		name_is(before.nodename);
		CHECK_OK(sethostname("ut-inner", 8));
		CHECK_OK(setdomainname("ut-domain", 9));
		name_is("ut-inner");
		CHECK_OK(uname(&u));
		CHECK(!strcmp(u.domainname, "ut-domain"));
		CHECK(!strcmp(u.release, before.release));
		fd = (int)CHECK_OK(open("/proc/sys/kernel/hostname", O_WRONLY));
		CHECK_EQ(write(fd, "ut-written\n", 11), 11);
		name_is("ut-written");
		_exit(0);
	}
	expect_exit(kid, 0);
	CHECK_OK(uname(&u));
	CHECK(!memcmp(&u, &before, sizeof(u)));
	name_is(before.nodename);
}

static char stack[65536] __attribute__((aligned(16)));

static int renamed(void *arg)
{
	pid_t pid;

	name_is(arg);
	CHECK_OK(sethostname("ut-clone", 8));
	name_is("ut-clone");
	pid = child();
	if (!pid) {
		name_is("ut-clone");
		_exit(0);
	}
	expect_exit(pid, 0);
	_exit(0);
}

TEST(namespace, clone, .root = true)
{
	struct utsname before;
	pid_t pid;

	CHECK_OK(uname(&before));
	pid = clone(renamed, stack + sizeof(stack), CLONE_NEWUTS | SIGCHLD, before.nodename);
	expect_exit((pid_t)CHECK_OK(pid), 0);
	name_is(before.nodename);
	pid = clone(renamed, stack + sizeof(stack), CLONE_NEWUTS | CLONE_VM | CLONE_VFORK | SIGCHLD,
		    before.nodename);
	expect_exit((pid_t)CHECK_OK(pid), 0);
	name_is(before.nodename);
}

static void *renames(void *arg)
{
	CHECK_OK(unshare(CLONE_NEWUTS));
	CHECK_OK(sethostname("ut-thread", 9));
	name_is("ut-thread");
	CHECK(number_of("thread-self", "uts") != number_of("self", "uts"));
	return arg;
}

/* A thread alone goes elsewhere. */
TEST(namespace, thread, .root = true)
{
	struct utsname before;
	pthread_t t;

	CHECK_OK(uname(&before));
	CHECK_EQ(pthread_create(&t, NULL, renames, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	name_is(before.nodename);
}

/* The one that the test began in, and another one with the name ut-inner. */
static void two_names(int *outer, int *inner)
{
	*outer = (int)CHECK_OK(ns_open("self", "uts"));
	CHECK_OK(unshare(CLONE_NEWUTS));
	*inner = (int)CHECK_OK(ns_open("self", "uts"));
	CHECK_OK(sethostname("ut-inner", 8));
}

TEST(namespace, setns, .root = true)
{
	struct utsname before;
	int outer, inner, moved;

	CHECK_OK(uname(&before));
	two_names(&outer, &inner);
	CHECK_OK(setns(outer, 0));
	name_is(before.nodename);
	/* Kept by the descriptor alone. */
	CHECK_OK(setns(inner, CLONE_NEWUTS));
	name_is("ut-inner");
	CHECK_OK(setns(inner, 0));
	moved = (int)CHECK_OK(dup(inner));
	CHECK_OK(close(inner));
	CHECK_OK(setns(outer, CLONE_NEWUTS));
	CHECK_OK(setns(moved, 0));
	name_is("ut-inner");
	CHECK_OK(setns(outer, 0));
}

TEST(namespace, setns_errors, .root = true)
{
	int fd = (int)CHECK_OK(ns_open("self", "uts")), null, path, user;

	null = (int)CHECK_OK(open("/dev/null", O_RDONLY));
	path = (int)CHECK_OK(open("/proc/self/ns/uts", O_PATH));
	user = (int)CHECK_OK(ns_open("self", "user"));
	CHECK_ERR(setns(-1, 0), EBADF);
	CHECK_ERR(setns(path, 0), EBADF);
	CHECK_ERR(setns(null, 0), EINVAL);
	CHECK_ERR(setns(null, CLONE_NEWUTS), EINVAL);
	CHECK_ERR(setns(fd, CLONE_NEWIPC), EINVAL);
	CHECK_ERR(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC), EINVAL);
	CHECK_ERR(setns(fd, 1), EINVAL);
	CHECK_ERR(setns(user, 0), EINVAL);
	become_user();
	CHECK_ERR(setns(fd, 0), EPERM);
	CHECK_ERR(setns(fd, CLONE_NEWIPC), EINVAL);
	CHECK_ERR(unshare(CLONE_NEWUTS), EPERM);
	CHECK_ERR(clone(renamed, stack + sizeof(stack), CLONE_NEWUTS | SIGCHLD, NULL), EPERM);
	CHECK_ERR(clone(renamed, stack + sizeof(stack), CLONE_NEWPID | SIGCHLD, NULL), EPERM);
}

/* Of a process: those of the kinds that are asked for. */
TEST(namespace, setns_pidfd, .root = true)
{
	struct gate ready, done;
	struct utsname before;
	pid_t kid;
	int fd, outer;

	CHECK_OK(uname(&before));
	outer = (int)CHECK_OK(ns_open("self", "uts"));
	gate_make(&ready);
	gate_make(&done);
	kid = child();
	if (!kid) {
		CHECK_OK(unshare(CLONE_NEWUTS));
		CHECK_OK(sethostname("ut-child", 8));
		gate_open(&ready);
		gate_pass(&done);
		_exit(0);
	}
	gate_pass(&ready);
	fd = pidfd_of(kid);
	CHECK_ERR(setns(fd, 0), EINVAL);
	CHECK_ERR(setns(fd, CLONE_NEWUTS | CLONE_VM), EINVAL);
	CHECK_ERR(setns(fd, CLONE_NEWUTS | CLONE_NEWUSER), EINVAL);
	name_is(before.nodename);
	CHECK_OK(setns(fd, CLONE_NEWIPC | CLONE_NEWNET));
	name_is(before.nodename);
	CHECK_OK(setns(fd, CLONE_NEWUTS | CLONE_NEWIPC));
	name_is("ut-child");
	CHECK_OK(setns(outer, 0));
	gate_open(&done);
	wait_state(kid, "Z");
	CHECK_ERR(setns(fd, CLONE_NEWUTS), ESRCH);
	expect_exit(kid, 0);
	CHECK_ERR(setns(fd, CLONE_NEWUTS), ESRCH);
	CHECK_ERR(setns(fd, 0), EINVAL);
	become_user();
	fd = pidfd_of(1);
	CHECK_ERR(setns(fd, CLONE_NEWUTS), EPERM);
}

static void *enters(void *arg)
{
	const int *fd = arg;

	CHECK_ERR(setns(fd[0], 0), EUSERS);
	CHECK_ERR(setns(fd[1], 0), EINVAL);
	CHECK_OK(setns(fd[2], 0));
	return NULL;
}

/* Where one stands already one may go, but for what threads have in common. */
TEST(namespace, setns_same, .root = true)
{
	static const char *const others[] = {"cgroup", "ipc", "net", "pid", "time", "uts"};
	pthread_t t;
	char cwd[64];
	pid_t kid;
	int fd[3];

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		fd[0] = (int)CHECK_OK(ns_open("self", others[i]));
		CHECK_OK(setns(fd[0], 0));
		CHECK_OK(close(fd[0]));
	}
	CHECK_OK(chdir("/proc"));
	fd[0] = (int)CHECK_OK(ns_open("self", "time"));
	fd[1] = (int)CHECK_OK(ns_open("self", "mnt"));
	fd[2] = (int)CHECK_OK(ns_open("self", "uts"));
	CHECK_EQ(pthread_create(&t, NULL, enters, fd), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	/* The thread may share the place a while longer than it can be waited for. */
	kid = child();
	if (!kid) {
		CHECK_OK(setns(fd[1], 0));
		CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"));
		_exit(0);
	}
	expect_exit(kid, 0);
}

static int with_memory(void *arg)
{
	CHECK_ERR(setns(*(int *)arg, 0), EUSERS);
	_exit(0);
}

/* Who has its memory with another process is no better than a thread. */
TEST(namespace, setns_time_alone, .root = true)
{
	int fd = (int)CHECK_OK(ns_open("self", "time"));

	CHECK_OK(setns(fd, 0));
	expect_exit((pid_t)CHECK_OK(clone(with_memory, stack + sizeof(stack),
					  CLONE_VM | CLONE_VFORK | SIGCHLD, &fd)), 0);
	expect_exit((pid_t)CHECK_OK(clone(with_memory, stack + sizeof(stack),
					  CLONE_VM | SIGCHLD, &fd)), 0);
}

static int enters_with_places(void *arg)
{
	const int *fd = arg;
	char cwd[64];

	CHECK_OK(chdir("/proc"));
	CHECK_ERR(setns(*fd, CLONE_NEWNS), EINVAL);
	CHECK_ERR(setns(*fd, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWUSER), EINVAL);
	CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/proc"));
	CHECK_OK(setns(*fd, CLONE_NEWNS | CLONE_NEWUTS));
	CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"));
	_exit(0);
}

/* Places in common forbid to enter a namespace of mounts alone. */
TEST(namespace, setns_shared_places, .root = true)
{
	int fd = pidfd_of(getpid());
	pid_t kid = child();
	char cwd[64];

	if (!kid) {
		expect_exit((pid_t)CHECK_OK(clone(enters_with_places, stack + sizeof(stack),
						  CLONE_FS | SIGCHLD, &fd)), 0);
		CHECK(getcwd(cwd, sizeof(cwd)) && !strcmp(cwd, "/"));
		_exit(0);
	}
	expect_exit(kid, 0);
}

static struct gate over;
static volatile pid_t other_tid;

/* A thread that has become user 1000 alone, in a place of its own. */
static void *becomes_other(void *arg)
{
	other_tid = (pid_t)syscall(SYS_gettid);
	CHECK_OK(unshare(CLONE_NEWUTS));
	CHECK_OK(sethostname("ut-thread", 9));
	CHECK_OK(syscall(SYS_setresgid, 1000, 1000, 1000));
	CHECK_OK(syscall(SYS_setresuid, 1000, 1000, 1000));
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	CHECK_EQ(write(*(int *)arg, (const void *)&other_tid, sizeof(pid_t)), sizeof(pid_t));
	gate_pass(&over);
	return NULL;
}

/* A descriptor of a thread is asked about that thread, not about its process's first one. */
TEST(namespace, setns_of_thread, .root = true)
{
	struct utsname before;
	int fd[2], outer = (int)CHECK_OK(ns_open("self", "uts")), first, second;
	pid_t kid, tid;
	pthread_t t;

	CHECK_OK(uname(&before));
	CHECK_OK(pipe(fd));
	gate_make(&over);
	kid = child();
	if (!kid) {
		CHECK_EQ(pthread_create(&t, NULL, becomes_other, &fd[1]), 0);
		CHECK_EQ(pthread_join(t, NULL), 0);
		_exit(0);
	}
	CHECK_EQ(read(fd[0], &tid, sizeof(tid)), sizeof(tid));
	first = pidfd_of(kid);
	second = (int)CHECK_OK(syscall(SYS_pidfd_open, tid, O_EXCL));
	CHECK_OK(setns(first, CLONE_NEWUTS));
	name_is(before.nodename);
	CHECK_OK(setns(second, CLONE_NEWUTS));
	name_is("ut-thread");
	CHECK_OK(setns(outer, 0));
	become_user();
	CHECK_ERR(setns(first, CLONE_NEWUSER), EPERM);
	CHECK_ERR(setns(second, CLONE_NEWUSER), EINVAL);
	gate_open(&over);
	expect_exit(kid, 0);
}

/* Is there a line of mountinfo with both? */
static bool mounted(const char *root, const char *type)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[512];
	bool found = false;

	CHECK(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, root) && strstr(line, type);
	CHECK_EQ(fclose(f), 0);
	return found;
}

/* A file that one is mounted on keeps it, and leads to it. */
TEST(namespace, bound, .root = true)
{
	struct utsname before;
	int outer = (int)CHECK_OK(ns_open("self", "uts")), fd;
	struct statfs fs;
	struct stat st;
	char root[64];
	pid_t kid;

	CHECK_OK(uname(&before));
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(close((int)CHECK_OK(creat("uts", 0600))));
	CHECK_OK(close((int)CHECK_OK(creat("again", 0600))));
	CHECK_ERR(mount("/proc/self/ns/uts", "d", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_ERR(mount("/proc/self/ns/mnt", "uts", NULL, MS_BIND, NULL), EINVAL);
	kid = child();
	if (!kid) {
		CHECK_OK(unshare(CLONE_NEWUTS));
		CHECK_OK(sethostname("ut-bound", 8));
		CHECK_OK(mount("/proc/self/ns/uts", "uts", NULL, MS_BIND, NULL));
		_exit(0);
	}
	expect_exit(kid, 0);
	fd = (int)CHECK_OK(open("uts", O_RDONLY));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0444);
	CHECK_OK(fstatfs(fd, &fs));
	CHECK_EQ(fs.f_type, NSFS);
	(void)snprintf(root, sizeof(root), " uts:[%lu] ", (unsigned long)st.st_ino);
	CHECK(mounted(root, " rw") && mounted(root, " - nsfs nsfs rw\n"));
	CHECK_OK(setns(fd, CLONE_NEWUTS));
	name_is("ut-bound");
	CHECK_EQ(number_of("self", "uts"), st.st_ino);
	CHECK_OK(setns(outer, 0));
	CHECK_ERR(umount("uts"), EBUSY);
	CHECK_OK(close(fd));
	CHECK_OK(mount("uts", "again", NULL, MS_BIND, NULL));
	CHECK_OK(umount("uts"));
	CHECK(mounted(root, " - nsfs nsfs rw\n"));
	fd = (int)CHECK_OK(open("again", O_RDONLY));
	CHECK_OK(setns(fd, 0));
	name_is("ut-bound");
	CHECK_OK(setns(outer, 0));
	CHECK_OK(close(fd));
	CHECK_OK(umount("again"));
	CHECK(!mounted(root, "nsfs"));
	name_is(before.nodename);
}

/* Many that come and go, by several processes at once. */
TEST(namespace, come_and_go, .root = true)
{
	pid_t kids[4];

	for (int i = 0; i < 4; i++) {
		kids[i] = child();
		if (kids[i])
			continue;
		for (int k = 0; k < 100; k++) {
			int outer, inner;

			two_names(&outer, &inner);
			CHECK_OK(setns(outer, 0));
			CHECK_OK(close(outer));
			CHECK_OK(close(inner));
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		expect_exit(kids[i], 0);
}
