/* dispatch: system calls that are left to a SIGSYS handler. */
#include "ut.h"

#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <ucontext.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#endif
#define GET_CONFIG	0x4211
#define SET_CONFIG	0x4210
#define NOT_A_CALL	0xdead
#define ARCH_RISCV64	0xc00000f3U

static volatile char selector;
static siginfo_t seen;
static volatile int handled;

static long dispatch(long mode, unsigned long start, unsigned long len, volatile void *at)
{
	return prctl(PR_SET_SYSCALL_USER_DISPATCH, mode, start, len, at);
}

/* The call's result is what the handler puts into a0; its own calls are let through. */
static void emulate(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	selector = 0;
	seen = *info;
	handled++;
	uc->uc_mcontext.__gregs[REG_A0] += 1;
}

static void handle(void)
{
	struct sigaction act = { .sa_sigaction = emulate, .sa_flags = SA_SIGINFO };

	CHECK_OK(sigaction(SIGSYS, &act, NULL));
}

TEST(dispatch, emulated)
{
	handle();
	CHECK_OK(dispatch(1, 0, 0, &selector));
	CHECK_ERR(syscall(NOT_A_CALL, 41), ENOSYS);
	CHECK_EQ(handled, 0);
	selector = 1;
	CHECK_EQ(syscall(NOT_A_CALL, 41), 42);
	CHECK_EQ(handled, 1);
	CHECK_EQ(seen.si_code, 2);
	CHECK_EQ(seen.si_errno, 0);
	CHECK_EQ(seen.si_syscall, NOT_A_CALL);
	CHECK_EQ(seen.si_arch, ARCH_RISCV64);
	/* Calls that come from an address in the range are made; others are not. */
	CHECK_OK(dispatch(1, 0, ~0UL, &selector));
	selector = 1;
	CHECK_EQ(getppid() > 0, 1);
	selector = 0;
	CHECK_OK(dispatch(1, (unsigned long)seen.si_call_addr, 1, &selector));
	selector = 1;
	CHECK_ERR(syscall(NOT_A_CALL, 1), ENOSYS);
	selector = 0;
	CHECK_OK(dispatch(0, 0, 0, NULL));
	selector = 1;
	CHECK_ERR(syscall(NOT_A_CALL, 1), ENOSYS);
	CHECK_EQ(handled, 1);
}

TEST(dispatch, errors)
{
	CHECK_ERR(dispatch(-1, 0, 0, &selector), EINVAL);
	CHECK_ERR(dispatch(2, 0, 0, &selector), EINVAL);
	CHECK_ERR(dispatch(0, 1, 0, NULL), EINVAL);
	CHECK_ERR(dispatch(0, 0, 1, NULL), EINVAL);
	CHECK_ERR(dispatch(0, 0, 0, &selector), EINVAL);
	CHECK_ERR(dispatch(1, 1, 0, &selector), EINVAL);
	CHECK_ERR(dispatch(1, ~0UL, 1, &selector), EINVAL);
	CHECK_ERR(dispatch(1, 1, ~0UL, &selector), EINVAL);
	CHECK_ERR(dispatch(1, 0, 1, (void *)~0UL), EFAULT);
	CHECK_OK(dispatch(0, 0, 0, NULL));
}

/* How a process ends whose next call is dispatched so, and that has a handler. */
static void ends(unsigned char value, volatile void *at, int sig)
{
	pid_t pid = child();

	if (!pid) {
		handle();
		CHECK_OK(dispatch(1, 0, 0, at));
		selector = (char)value;
		getppid();
		_exit(0);
	}
	expect_signal(pid, sig);
}

TEST(dispatch, bad_selector)
{
	ends(2, &selector, SIGSYS);
	ends(255, &selector, SIGSYS);
	ends(0, (void *)64, SIGSEGV);
}

TEST(dispatch, not_inherited)
{
	pid_t pid;

	handle();
	CHECK_OK(dispatch(1, 0, 0, &selector));
	pid = child();
	if (!pid) {
		selector = 1;
		getppid();
		_exit(handled);
	}
	selector = 0;
	expect_exit(pid, 0);
	/* A program that is executed has none: its calls would kill it. */
	pid = child();
	if (!pid) {
		CHECK_OK(dispatch(1, 0, 0, &selector));
		exec_helper("exit", "42");
	}
	expect_exit(pid, 42);
}

TEST(dispatch, by_tracer)
{
	struct { uint64_t mode, selector, offset, len; } c = { 1, (uintptr_t)&selector, 0, 0 }, now;
	pid_t pid = child();

	if (!pid) {
		handle();
		CHECK_OK(ptrace(PTRACE_TRACEME, 0, 0, 0));
		raise(SIGSTOP);
		selector = 1;
		CHECK_EQ(syscall(NOT_A_CALL, 41), 42);
		_exit(7);
	}
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_ERR(ptrace(SET_CONFIG, pid, sizeof(c) - 1, &c), EINVAL);
	CHECK_ERR(ptrace(GET_CONFIG, pid, sizeof(c) + 1, &now), EINVAL);
	CHECK_OK(ptrace(GET_CONFIG, pid, sizeof(now), &now));
	CHECK_EQ(now.mode, 0);
	CHECK_OK(ptrace(SET_CONFIG, pid, sizeof(c), &c));
	CHECK_OK(ptrace(GET_CONFIG, pid, sizeof(now), &now));
	CHECK_EQ(memcmp(&c, &now, sizeof(c)), 0);
	c.mode = 3;
	CHECK_ERR(ptrace(SET_CONFIG, pid, sizeof(c), &c), EINVAL);
	CHECK_OK(ptrace(PTRACE_DETACH, pid, 0, 0));
	expect_exit(pid, 7);
}
