/* ptrace: a tracer gets no powers by what it traces. */
#include "ut.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#define STOPPED(sig, event) (((sig) | (event) << 8) << 8 | 0x7f)

/* Its output is the ids of who runs it. */
static void exec_suid(const int out[2])
{
	CHECK_OK(dup2(out[1], 1));
	execl("./suid", "usertests", "--helper", "ids", NULL);
	_exit(9);
}

/* What it said: the effective user. */
static int euid_said(const int out[2])
{
	char text[256] = "";
	int euid = -1;

	CHECK(read(out[0], text, sizeof(text) - 1) > 0);
	CHECK_EQ(sscanf(text, "%*d %*d %*d %d", &euid), 1);
	return euid;
}

static void become_traceable_user(void)
{
	become_user();
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
}

/*
 * A tracer's powers are those that it had when it began: one without any that has run a set-id
 * program since must not leave what it traces with root's.
 */
TEST(ptrace, powers_are_those_at_attach, .root = true)
{
	struct gate ready, go;
	int out[2];

	self_copy("suid", 04755);
	CHECK_OK(chmod(".", 0755));
	for (int powers = 0; powers < 2; powers++) {
		CHECK_OK(pipe(out));
		gate_make(&ready);
		gate_make(&go);
		pid_t pid = child();
		if (!pid) {
			become_traceable_user();
			gate_open(&ready);
			gate_pass(&go);
			exec_suid(out);
		}
		gate_pass(&ready);
		CHECK_OK(setresgid(1000, 1000, 0));
		CHECK_OK(setresuid(1000, powers ? 0 : 1000, 0));
		CHECK_OK(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
		CHECK_OK(setresuid(0, powers ? 1000 : 0, 0));
		gate_open(&go);
		CHECK_EQ(euid_said(out), powers ? 0 : 1000);
		expect_exit(pid, 0);
		CHECK_OK(setresuid(0, 0, 0));
		CHECK_OK(setresgid(0, 0, 0));
		gate_close(&ready);
		gate_close(&go);
	}
}

/* Who has powers is not traced by a parent that has not. */
TEST(ptrace, traceme_of_the_powerful, .root = true)
{
	pid_t parent = child();

	if (!parent) {
		struct gate go;

		gate_make(&go);
		pid_t pid = child();
		if (!pid) {
			gate_pass(&go);
			CHECK_ERR(ptrace(PTRACE_TRACEME, 0, NULL, NULL), EPERM);
			become_user();
			CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
			_exit(0);
		}
		become_user();
		gate_open(&go);
		expect_exit(pid, 0);
		_exit(0);
	}
	expect_exit(parent, 0);
}

static void *tell_tid(void *tids)
{
	pid_t tid = gettid();

	write_full(*(int *)tids, &tid, sizeof(tid));
	for (;;)
		pause();
	return NULL;
}

/*
 * While a program gets its powers nobody begins to trace it. Its exec waits for another thread,
 * which stands still at its end.
 */
TEST(ptrace, attach_during_exec, .root = true)
{
	int out[2], tids[2], status;
	struct gate go;
	pid_t tid, pid, user;
	pthread_t thread;

	self_copy("suid", 04755);
	CHECK_OK(chmod(".", 0755));
	CHECK_OK(pipe(out));
	CHECK_OK(pipe(tids));
	gate_make(&go);
	pid = child();
	if (!pid) {
		become_traceable_user();
		CHECK_EQ(pthread_create(&thread, NULL, tell_tid, &tids[1]), 0);
		gate_pass(&go);
		exec_suid(out);
	}
	CHECK_EQ(read_full(tids[0], &tid, sizeof(tid)), sizeof(tid));
	CHECK_OK(ptrace(PTRACE_SEIZE, tid, NULL, (void *)PTRACE_O_TRACEEXIT));
	gate_open(&go);
	CHECK_EQ(waitpid(tid, &status, __WALL), tid);
	CHECK_EQ(status, STOPPED(SIGTRAP, PTRACE_EVENT_EXIT));
	user = child();
	if (!user) {
		become_user();
		CHECK_ERR(ptrace(PTRACE_SEIZE, pid, NULL, NULL), EPERM);
		_exit(0);
	}
	wait_state(user, "SZ");
	CHECK_OK(ptrace(PTRACE_CONT, tid, NULL, NULL));
	CHECK_EQ(waitpid(tid, &status, __WALL), tid);
	CHECK_EQ(euid_said(out), 0);
	expect_exit(pid, 0);
	expect_exit(user, 0);
}
