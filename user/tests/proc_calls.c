/* proc: names of the machine, its end, personality, execveat, signals with data, caches. */
#include "ut.h"

#include <linux/reboot.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <time.h>
#include <sys/utsname.h>

static long reboot_call(unsigned int magic1, unsigned int magic2, unsigned int cmd, const void *arg)
{
	return syscall(SYS_reboot, magic1, magic2, cmd, arg);
}

TEST(proc, reboot_errors, .root = true)
{
	pid_t pid = child();

	if (!pid) {
		become_user();
		CHECK_ERR(reboot_call(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 1234, NULL), EPERM);
		CHECK_ERR(reboot_call(0, 0, 1234, NULL), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_ERR(reboot_call(0, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_RESTART, NULL), EINVAL);
	CHECK_ERR(reboot_call(LINUX_REBOOT_MAGIC1, 1, LINUX_REBOOT_CMD_RESTART, NULL), EINVAL);
	CHECK_ERR(reboot_call(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2A, 1234, NULL), EINVAL);
	CHECK_ERR(reboot_call(LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2C,
			      LINUX_REBOOT_CMD_RESTART2, (void *)8), EFAULT);
}

/* A name of 64 bytes fits, and one of none. */
static void names_are_set(long number, char *(*name_in)(struct utsname *))
{
	static char longest[66];
	struct utsname before, u;

	memset(longest, 'x', 65);
	CHECK_OK(uname(&before));
	CHECK_OK(syscall(number, "abcdef", 3));
	CHECK_OK(uname(&u));
	CHECK_STR(name_in(&u), "abc");
	CHECK_OK(syscall(number, longest, 64));
	CHECK_OK(uname(&u));
	CHECK_EQ(strlen(name_in(&u)), 64);
	CHECK_ERR(syscall(number, longest, 65), EINVAL);
	CHECK_ERR(syscall(number, longest, -1), EINVAL);
	CHECK_ERR(syscall(number, (void *)8, 3), EFAULT);
	CHECK_OK(syscall(number, "", 0));
	CHECK_OK(uname(&u));
	CHECK_STR(name_in(&u), "");
	CHECK_OK(syscall(number, name_in(&before), strlen(name_in(&before))));
}

static char *node_name(struct utsname *u)
{
	return u->nodename;
}

static char *domain_name(struct utsname *u)
{
	return u->domainname;
}

TEST(proc, sethostname, .root = true)
{
	names_are_set(SYS_sethostname, node_name);
}

TEST(proc, setdomainname, .root = true)
{
	pid_t pid = child();

	if (!pid) {
		become_user();
		CHECK_ERR(syscall(SYS_setdomainname, "x", 1), EPERM);
		CHECK_ERR(syscall(SYS_setdomainname, "x", -1), EPERM);
		_exit(0);
	}
	expect_exit(pid, 0);
	names_are_set(SYS_setdomainname, domain_name);
}

TEST(proc, personality)
{
	long before = CHECK_OK(syscall(SYS_personality, 0xffffffffu));
	pid_t pid;

	CHECK_EQ(syscall(SYS_personality, before | ADDR_NO_RANDOMIZE), before);
	CHECK_EQ(syscall(SYS_personality, 0xffffffffu), before | ADDR_NO_RANDOMIZE);
	pid = child();
	if (!pid) {
		CHECK_EQ(syscall(SYS_personality, before), before | ADDR_NO_RANDOMIZE);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(syscall(SYS_personality, before), before | ADDR_NO_RANDOMIZE);
}

/* For programs that take any first number but 2 for an error (setarch --uname-2.6). */
TEST(proc, personality_uname26)
{
	struct utsname was, u;
	int major, minor;

	CHECK_OK(uname(&was));
	CHECK_EQ(sscanf(was.release, "%d.%d", &major, &minor), 2);
	CHECK_OK(personality(UNAME26));
	CHECK_OK(uname(&u));
	CHECK_EQ(strncmp(u.release, "2.6.", 4), 0);
	CHECK_EQ(atoi(u.release + 4), minor + 60);
	CHECK_STR(strpbrk(u.release, "+-"), strpbrk(was.release, "+-"));
	CHECK_OK(personality(0));
	CHECK_OK(uname(&u));
	CHECK_STR(u.release, was.release);
}

/* What is left of a timeout is told, unless it is to stay as it is. */
TEST(proc, personality_sticky_timeouts)
{
	long before = CHECK_OK(syscall(SYS_personality, 0xffffffffu));
	struct timespec t = { 0, 1000000 };

	CHECK_OK(syscall(SYS_personality, before | STICKY_TIMEOUTS));
	CHECK_EQ(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &t, NULL), 0);
	CHECK_EQ(t.tv_nsec, 1000000);
	CHECK_EQ(syscall(SYS_ppoll, NULL, 0, &t, NULL, 0), 0);
	CHECK_EQ(t.tv_nsec, 1000000);
	CHECK_OK(syscall(SYS_personality, before));
	CHECK_EQ(syscall(SYS_ppoll, NULL, 0, &t, NULL, 0), 0);
	CHECK_EQ(t.tv_nsec, 0);
}

/* A wait without a timeout goes on after a stop. */
TEST(proc, personality_sticky_stopped)
{
	int status, p[2];
	pid_t pid;

	CHECK_OK(pipe(p));
	pid = child();
	if (!pid) {
		struct pollfd fd = { p[0], POLLIN, 0 };

		CHECK_OK(syscall(SYS_personality, STICKY_TIMEOUTS));
		CHECK_EQ(syscall(SYS_ppoll, &fd, 1, NULL, NULL, 0), 1);
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGSTOP));
	CHECK_EQ(waitpid(pid, &status, WUNTRACED), pid);
	CHECK_OK(kill(pid, SIGCONT));
	wait_state(pid, "S");
	CHECK_EQ(write(p[1], "x", 1), 1);
	expect_exit(pid, 0);
}

/* It is read by those who may look into the process. */
TEST(proc, personality_file, .root = true)
{
	long before = CHECK_OK(syscall(SYS_personality, 0xffffffffu));
	char name[64], text[32], want[32];
	struct stat st;
	pid_t pid;
	int fd;

	snprintf(name, sizeof(name), "/proc/%d/personality", getpid());
	CHECK_OK(stat(name, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0400);
	CHECK_OK(syscall(SYS_personality, before | ADDR_NO_RANDOMIZE));
	snprintf(want, sizeof(want), "%08lx\n", before | ADDR_NO_RANDOMIZE);
	file_text(name, text, sizeof(text));
	CHECK_STR(text, want);
	fd = (int)CHECK_OK(open(name, O_RDONLY));
	pid = child();
	if (!pid) {
		CHECK_EQ(read(fd, text, 5), 5);
		become_user();
		CHECK_ERR(pread(fd, text, 5, 0), EPERM);
		CHECK_ERR(open(name, O_RDONLY), EACCES);
		_exit(0);
	}
	expect_exit(pid, 0);
}

static void execs(int dir, const char *path, int flags)
{
	char *const argv[] = { "usertests", "--helper", "exit", "42", NULL };
	char *const env[] = { NULL };
	pid_t pid = child();

	if (!pid) {
		syscall(SYS_execveat, dir, path, argv, env, flags);
		_exit(errno);
	}
	expect_exit(pid, 42);
}

static long cannot_exec(int dir, const char *path, int flags)
{
	char *const argv[] = { "usertests", "--helper", "exit", "42", NULL };
	char *const env[] = { NULL };

	return syscall(SYS_execveat, dir, path, argv, env, flags);
}

TEST(proc, execveat)
{
	int fd = (int)CHECK_OK(open(self_path(), O_RDONLY | O_CLOEXEC)), dir, path_only;
	int root = (int)CHECK_OK(open("/", O_PATH | O_DIRECTORY));

	CHECK_OK(symlink(self_path(), "link"));
	dir = (int)CHECK_OK(open(".", O_RDONLY | O_DIRECTORY));
	path_only = (int)CHECK_OK(open(self_path(), O_PATH));
	execs(root, self_path() + 1, 0);
	execs(root, self_path() + 1, AT_SYMLINK_NOFOLLOW);
	execs(AT_FDCWD, "link", 0);
	execs(dir, "link", 0);
	execs(-1, self_path(), 0);
	execs(fd, "", AT_EMPTY_PATH);
	execs(path_only, "", AT_EMPTY_PATH);
	CHECK_ERR(cannot_exec(fd, "", 0), ENOENT);
	CHECK_ERR(cannot_exec(dir, "link", AT_SYMLINK_NOFOLLOW), ELOOP);
	CHECK_ERR(cannot_exec(dir, "link", 1), EINVAL);
	CHECK_ERR(cannot_exec(dir, "link", AT_EMPTY_PATH | 0x8000), EINVAL);
	CHECK_ERR(cannot_exec(-1, "link", 0), EBADF);
	CHECK_ERR(cannot_exec(fd, "link", 0), ENOTDIR);
	CHECK_ERR(cannot_exec(dir, "", AT_EMPTY_PATH), EACCES);
	CHECK_ERR(cannot_exec(dir, (void *)8, 0), EFAULT);
}

static long queue(pid_t group, pid_t tid, int sig, const siginfo_t *info)
{
	return syscall(SYS_rt_tgsigqueueinfo, group, tid, sig, info);
}

TEST(proc, rt_tgsigqueueinfo)
{
	siginfo_t info = { 0 }, got;
	pid_t me = getpid(), pid;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	info.si_code = SI_QUEUE;
	info.si_value.sival_int = 1234;
	CHECK_OK(queue(me, me, SIGRTMIN, &info));
	CHECK_EQ(sigwaitinfo(&set, &got), SIGRTMIN);
	CHECK_EQ(got.si_code, SI_QUEUE);
	CHECK_EQ(got.si_value.sival_int, 1234);
	CHECK_OK(queue(me, me, 0, &info));
	CHECK_ERR(queue(me, me, 65, &info), EINVAL);
	CHECK_ERR(queue(me, me, -1, &info), EINVAL);
	CHECK_ERR(queue(0, me, SIGRTMIN, &info), EINVAL);
	CHECK_ERR(queue(me, -1, SIGRTMIN, &info), EINVAL);
	CHECK_ERR(queue(me, me, SIGRTMIN, (void *)8), EFAULT);
	pid = child_pausing();
	/* A thread of that group it has to be, */
	CHECK_ERR(queue(me, pid, SIGRTMIN, &info), ESRCH);
	/* and what only the kernel says, nobody else may. */
	info.si_code = SI_USER;
	CHECK_ERR(queue(pid, pid, SIGTERM, &info), EPERM);
	info.si_code = SI_TKILL;
	CHECK_ERR(queue(pid, pid, SIGTERM, &info), EPERM);
	info.si_code = SI_QUEUE;
	CHECK_OK(queue(pid, pid, SIGTERM, &info));
	expect_signal(pid, SIGTERM);
	CHECK_ERR(queue(pid, pid, SIGTERM, &info), ESRCH);
}

TEST(proc, restart_syscall)
{
	/* Nothing is there to be gone on with. */
	CHECK_ERR(syscall(SYS_restart_syscall), EINTR);
}

TEST(proc, riscv_flush_icache)
{
	uint32_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(code != MAP_FAILED);
	code[1] = 0x00008067; /* ret */
	for (uint32_t n = 1; n < 100; n++) {
		code[0] = n << 20 | 0x513; /* li a0, n */
		CHECK_OK(syscall(SYS_riscv_flush_icache, code, code + 2, n & 1));
		CHECK_EQ(((int (*)(void))code)(), n);
	}
	CHECK_ERR(syscall(SYS_riscv_flush_icache, code, code + 2, 2), EINVAL);
	CHECK_OK(syscall(SYS_riscv_flush_icache, NULL, NULL, 0));
}
