/* execve: whose ids and powers a program gets, and who may look at it then. */
#include "ut.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

/* Its output is the ids of who runs it. */
static void exec_ids(const char *path, int out)
{
	CHECK_OK(dup2(out, 1));
	execl(path, "usertests", "--helper", "ids", NULL);
	_exit(9);
}

/* What it said: the effective user. */
static int euid_said(int in)
{
	char text[256] = "";
	int euid = -1;

	CHECK(read(in, text, sizeof(text) - 1) > 0);
	CHECK_EQ(sscanf(text, "%*d %*d %*d %d", &euid), 1);
	return euid;
}

/* Ends with two files of its own to close: its end of the pipe first, then much memory. */
static void *ends_slowly(void *arg)
{
	int *ends = arg, memory;

	CHECK_OK(unshare(CLONE_FILES));
	CHECK_OK(dup2(ends[1], 0));
	CHECK_OK(close(ends[1]));
	memory = (int)CHECK_OK(memfd_create("slow", 0));
	CHECK_EQ(posix_fallocate(memory, 0, 32 << 20), 0);
	CHECK_EQ(write(0, "x", 1), 1);
	return NULL;
}

/* A thread that is about to end still has the directory in common with its own process alone. */
TEST(proc, exec_setuid_as_thread_ends, .root = true, .mem_mib = 64)
{
	self_copy("suid", 04755);
	CHECK_OK(chmod(".", 0755));
	become_user();
	for (int round = 0; round < 5; round++) {
		int out[2];
		pid_t pid;

		CHECK_OK(pipe(out));
		pid = child();
		if (!pid) {
			int ends[2];
			pthread_t thread;
			char c;

			CHECK_OK(pipe(ends));
			CHECK_EQ(pthread_create(&thread, NULL, ends_slowly, ends), 0);
			CHECK_EQ(read(ends[0], &c, 1), 1);
			CHECK_OK(close(ends[1]));
			CHECK_EQ(read(ends[0], &c, 1), 0);
			exec_ids("./suid", out[1]);
		}
		CHECK_EQ(euid_said(out[0]), 0);
		expect_exit(pid, 0);
		CHECK_OK(close(out[0]));
		CHECK_OK(close(out[1]));
	}
}

/*
 * The program says whether others with its ids may look at its memory. If not, it hears nothing of
 * its parent's end either.
 */
static int dumpable_said(const char *path)
{
	char text[256] = "";
	int out[2], dumpable = -1, death = -1;
	pid_t pid;

	CHECK_OK(pipe(out));
	pid = child();
	if (!pid) {
		CHECK_OK(dup2(out[1], 1));
		CHECK_OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
		execl(path, "usertests", "--helper", "inherited", NULL);
		_exit(9);
	}
	expect_exit(pid, 0);
	CHECK(read(out[0], text, sizeof(text) - 1) > 0);
	CHECK_EQ(sscanf(text, "%*x %*x %d %d", &dumpable, &death), 2);
	CHECK_EQ(death, dumpable ? SIGUSR1 : 0);
	CHECK_OK(close(out[0]));
	CHECK_OK(close(out[1]));
	return dumpable;
}

/* Also a program whose ids are equal has descriptors and powers from one that had others. */
TEST(proc, exec_hides_what_others_had, .root = true)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	pid_t pid;

	self_copy("plain", 0755);
	self_copy("as1000", 0755);
	CHECK_OK(chown("as1000", 1000, -1));
	CHECK_OK(chmod("as1000", 04755));
	CHECK_OK(chmod(".", 0755));
	CHECK_EQ(dumpable_said("./plain"), 1);
	pid = child();
	if (!pid) {
		CHECK_OK(setresuid(1000, 1001, 1001));
		CHECK_EQ(dumpable_said("./plain"), 0);
		CHECK_EQ(dumpable_said("./as1000"), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
	/* Root gets a power back. */
	CHECK_OK(syscall(SYS_capget, &h, caps));
	caps[0].permitted &= ~(1U << CAP_KILL);
	caps[0].effective &= ~(1U << CAP_KILL);
	CHECK_OK(syscall(SYS_capset, &h, caps));
	CHECK_EQ(dumpable_said("./plain"), 0);
}

/* Who shares its directory gains no powers, but root may change to any id. */
TEST(proc, exec_setuid_of_root_shares, .root = true)
{
	self_copy("nobody", 0755);
	CHECK_OK(chown("nobody", 65534, -1));
	CHECK_OK(chmod("nobody", 04755));
	CHECK_OK(chmod(".", 0755));
	for (int shares = 0; shares < 2; shares++) {
		int out[2];
		pid_t pid;

		CHECK_OK(pipe(out));
		pid = (pid_t)CHECK_OK(syscall(SYS_clone, (shares ? CLONE_FS : 0) | SIGCHLD, 0, 0,
					      0, 0));
		if (!pid)
			exec_ids("./nobody", out[1]);
		expect_exit(pid, 0);
		CHECK_EQ(euid_said(out[0]), 65534);
		CHECK_OK(close(out[0]));
		CHECK_OK(close(out[1]));
	}
}

/* A set-id program that gets no powers, as it is traced, does not trust its environment either. */
TEST(proc, exec_setuid_traced_is_secure, .root = true)
{
	pid_t user;

	self_copy("suid", 04755);
	CHECK_OK(chmod(".", 0755));
	user = child();
	if (!user) {
		pid_t pid;

		become_user();
		CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
		pid = child();
		if (!pid) {
			CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
			execl("./suid", "usertests", "--helper", "caps", "0 0 1", NULL);
			_exit(9);
		}
		int status = status_of(pid);
		CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
		CHECK_OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
		expect_exit(pid, 0);
		_exit(0);
	}
	expect_exit(user, 0);
}

/* A new user id with too many processes keeps from exec, until there was room for one more. */
TEST(proc, exec_beyond_nproc_after_fork, .root = true)
{
	struct rlimit limit;
	struct gate gate;
	pid_t other, pid;

	gate_make(&gate);
	CHECK_OK(getrlimit(RLIMIT_NPROC, &limit));
	other = child();
	if (!other) {
		CHECK_OK(setuid(3456));
		gate_open(&gate);
		pause();
	}
	gate_pass(&gate);
	limit.rlim_cur = 0;
	CHECK_OK(setrlimit(RLIMIT_NPROC, &limit));
	CHECK_OK(setuid(3456));
	CHECK_ERR(execl("./none", "none", NULL), EAGAIN);
	limit.rlim_cur = 10;
	CHECK_OK(setrlimit(RLIMIT_NPROC, &limit));
	pid = child();
	if (!pid)
		_exit(0);
	expect_exit(pid, 0);
	limit.rlim_cur = 0;
	CHECK_OK(setrlimit(RLIMIT_NPROC, &limit));
	CHECK_ERR(execl("./none", "none", NULL), ENOENT);
	CHECK_OK(kill(other, SIGKILL));
	expect_signal(other, SIGKILL);
}
