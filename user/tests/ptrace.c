/* ptrace: attaching, stops, registers and memory, events, what the tracer's end does. */
#include "ut.h"

#include <elf.h>
#include <sys/ptrace.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <linux/ptrace.h>

#define STOPPED(sig, event) (((sig) | (event) << 8) << 8 | 0x7f)

/* The status of the tracee's next stop or end. */
static int next_stop(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	return status;
}

static void traced_by_parent(void)
{
	CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	CHECK_OK(raise(SIGSTOP));
}

/* A child that runs fn traced, and is at its first stop. */
static pid_t tracee(void (*fn)(void))
{
	pid_t pid = child();

	if (pid == 0) {
		traced_by_parent();
		fn();
		_exit(0);
	}
	CHECK_EQ(next_stop(pid), STOPPED(SIGSTOP, 0));
	return pid;
}

static void go(pid_t pid, int request, int sig)
{
	CHECK_OK(ptrace(request, pid, NULL, (void *)(long)sig));
}

static void regs_get(pid_t pid, uint64_t regs[32])
{
	struct iovec iov = {regs, 32 * sizeof(uint64_t)};

	CHECK_OK(ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &iov));
	CHECK_EQ(iov.iov_len, 32 * sizeof(uint64_t));
}

static void regs_set(pid_t pid, uint64_t regs[32])
{
	struct iovec iov = {regs, 32 * sizeof(uint64_t)};

	CHECK_OK(ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &iov));
}

enum { PC = 0, SP = 2, S1 = 9, A0 = 10, A7 = 17 };

static void nothing(void)
{
}

TEST(ptrace, traceme)
{
	pid_t pid = tracee(nothing);
	siginfo_t info;
	char path[64], text[2048];

	CHECK_OK(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info));
	CHECK_EQ(info.si_signo, SIGSTOP);
	CHECK_EQ(info.si_code, SI_TKILL);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	file_text(path, text, sizeof(text));
	CHECK(strstr(text, "t (tracing stop)"));
	snprintf(path, sizeof(path), "TracerPid:\t%d\n", getpid());
	CHECK(strstr(text, path));
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 0);
	CHECK_ERR(ptrace(PTRACE_CONT, pid, NULL, NULL), ESRCH);
}

static void raise_usr1(void)
{
	raise(SIGUSR1);
}

TEST(ptrace, signals_are_seen_first)
{
	pid_t pid = tracee(raise_usr1);

	/* Taken away. */
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGUSR1, 0));
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 0);
	/* Let through. */
	pid = tracee(raise_usr1);
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGUSR1, 0));
	go(pid, PTRACE_CONT, SIGUSR1);
	CHECK_EQ(next_stop(pid), SIGUSR1);
	/* Another in its place. */
	pid = tracee(raise_usr1);
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGUSR1, 0));
	go(pid, PTRACE_CONT, SIGTERM);
	CHECK_EQ(next_stop(pid), SIGTERM);
	/* SIGKILL is nobody's to see. */
	pid = tracee(raise_usr1);
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_EQ(next_stop(pid), SIGKILL);
}

static void ignored_signals(void)
{
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	raise(SIGCHLD);
}

TEST(ptrace, ignored_signals_are_seen)
{
	pid_t pid = tracee(ignored_signals);

	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGUSR1, 0));
	go(pid, PTRACE_CONT, SIGUSR1);
	CHECK_EQ(next_stop(pid), STOPPED(SIGCHLD, 0));
	go(pid, PTRACE_CONT, SIGCHLD);
	CHECK_EQ(next_stop(pid), 0);
}

static void call_ids(void)
{
	syscall(SYS_getppid, 11, 12, 13, 14, 15, 16);
	_exit(syscall(SYS_getpgid, 0) == 4242 ? 7 : 1);
}

TEST(ptrace, system_calls)
{
	struct ptrace_syscall_info info;
	uint64_t regs[32];
	pid_t pid = tracee(call_ids);

	CHECK_OK(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD));
	/* The call that the first stop came out of may have its end before it. */
	do {
		go(pid, PTRACE_SYSCALL, 0);
		CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP | 0x80, 0));
		CHECK_EQ(ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info),
			 info.op == PTRACE_SYSCALL_INFO_ENTRY ? 80 : 33);
	} while (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_getppid);
	CHECK_EQ(info.arch, 0xc00000f3);
	for (int i = 0; i < 6; i++)
		CHECK_EQ(info.entry.args[i], 11 + i);
	regs_get(pid, regs);
	CHECK_EQ(regs[PC], info.instruction_pointer);
	CHECK_EQ(regs[SP], info.stack_pointer);
	CHECK_EQ(regs[A7], SYS_getppid);
	go(pid, PTRACE_SYSCALL, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP | 0x80, 0));
	CHECK_EQ(ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info), 33);
	CHECK_EQ(info.op, PTRACE_SYSCALL_INFO_EXIT);
	CHECK_EQ(info.exit.rval, getpid());
	CHECK_EQ(info.exit.is_error, 0);
	/* A result of our own. */
	go(pid, PTRACE_SYSCALL, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP | 0x80, 0));
	regs_get(pid, regs);
	CHECK_EQ(regs[A7], SYS_getpgid);
	go(pid, PTRACE_SYSCALL, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP | 0x80, 0));
	regs_get(pid, regs);
	CHECK_EQ(regs[A0], getpgrp());
	regs[A0] = 4242;
	regs_set(pid, regs);
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 7 << 8);
}

static void skipped_call(void)
{
	_exit(syscall(SYS_kill, getpid(), SIGKILL) == 5 ? 3 : 4);
}

TEST(ptrace, system_call_left_out)
{
	uint64_t regs[32];
	pid_t pid = tracee(skipped_call);

	do {
		go(pid, PTRACE_SYSCALL, 0);
		CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, 0));
		regs_get(pid, regs);
	} while (regs[A7] != SYS_kill);
	regs[A7] = (uint64_t)-1;
	regs_set(pid, regs);
	go(pid, PTRACE_SYSCALL, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, 0));
	regs_get(pid, regs);
	regs[A0] = 5;
	regs_set(pid, regs);
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 3 << 8);
}

static void leave(void)
{
	_exit(7);
}

/* A call that was interrupted is about to be made again: that is what the registers say. */
TEST(ptrace, interrupted_call_is_left)
{
	uint64_t regs[32];
	pid_t pid = child_pausing();

	wait_state(pid, "S");
	CHECK_OK(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	CHECK_OK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, PTRACE_EVENT_STOP));
	regs_get(pid, regs);
	CHECK_EQ((uint32_t)ptrace(PTRACE_PEEKTEXT, pid, (void *)regs[PC], NULL), 0x73); /* ecall */
	regs[PC] = (uint64_t)leave;
	regs_set(pid, regs);
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 7 << 8);
}

static volatile long word = 0x1122334455667788;
static const long constant_word = 99;
static const volatile long *constant = &constant_word;

static void use_word(void)
{
	raise(SIGUSR1);
	_exit(word == 5 && *constant == 6 ? 8 : 9);
}

TEST(ptrace, memory)
{
	pid_t pid = tracee(use_word);

	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGUSR1, 0));
	errno = 0;
	CHECK_EQ(ptrace(PTRACE_PEEKDATA, pid, &word, NULL), 0x1122334455667788);
	CHECK_EQ(errno, 0);
	CHECK_OK(ptrace(PTRACE_POKEDATA, pid, &word, (void *)5));
	/* What the program itself cannot write. */
	CHECK_OK(ptrace(PTRACE_POKEDATA, pid, constant, (void *)6));
	CHECK_EQ(*constant, 99);
	CHECK_ERR(ptrace(PTRACE_PEEKDATA, pid, (void *)8, NULL), EIO);
	CHECK_ERR(ptrace(PTRACE_POKEDATA, pid, (void *)8, NULL), EIO);
	CHECK_ERR(ptrace(PTRACE_PEEKUSER, pid, NULL, NULL), EIO);
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 8 << 8);
}

/* Not inlined, so that its first instruction can be replaced. */
static __attribute__((noinline)) int target(int x)
{
	__asm__ volatile("");
	return x + 1;
}

static void call_target(void)
{
	_exit(target(1) + target(2));
}

TEST(ptrace, breakpoint)
{
	uint64_t regs[32];
	siginfo_t info;
	long old;
	pid_t pid = tracee(call_target);

	/* The code runs first, so that a cache of instructions knows the old ones. */
	CHECK_EQ(target(1), 2);
	errno = 0;
	old = ptrace(PTRACE_PEEKTEXT, pid, target, NULL);
	CHECK_EQ(errno, 0);
	CHECK_OK(ptrace(PTRACE_POKETEXT, pid, target, (void *)((old & ~0xffffL) | 0x9002)));
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, 0));
	CHECK_OK(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info));
	CHECK_EQ(info.si_code, TRAP_BRKPT);
	regs_get(pid, regs);
	CHECK_EQ(regs[PC], (uint64_t)target);
	CHECK_EQ(regs[A0], 1);
	CHECK_OK(ptrace(PTRACE_POKETEXT, pid, target, (void *)old));
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 5 << 8);
	CHECK_EQ(target(1), 2);
}

static void check_registers(void)
{
	register long s1 __asm__("s1") = 77;
	double d = 1.5;

	__asm__ volatile("fmv.d fs1, %0" : : "f"(d) : "fs1");
	__asm__ volatile("ebreak" : "+r"(s1));
	__asm__ volatile("fmv.d %0, fs1" : "=f"(d));
	_exit(s1 == 78 && d == 2.5 ? 6 : 7);
}

TEST(ptrace, registers)
{
	uint64_t regs[32], f[33];
	struct iovec iov = {f, sizeof(f)};
	double value;
	pid_t pid = tracee(check_registers);

	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), STOPPED(SIGTRAP, 0));
	regs_get(pid, regs);
	CHECK_EQ(regs[S1], 77);
	regs[S1] = 78;
	uint16_t half = (uint16_t)ptrace(PTRACE_PEEKTEXT, pid, (void *)regs[PC], NULL);
	regs[PC] += (half & 3) == 3 ? 4 : 2;
	regs_set(pid, regs);
	CHECK_OK(ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRFPREG, &iov));
	CHECK_EQ(iov.iov_len, sizeof(f));
	memcpy(&value, &f[9], 8);
	CHECK(value == 1.5);
	value = 2.5;
	memcpy(&f[9], &value, 8);
	CHECK_OK(ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRFPREG, &iov));
	/* A shorter buffer gets what fits. */
	iov = (struct iovec){regs, 16};
	CHECK_OK(ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &iov));
	CHECK_EQ(iov.iov_len, 16);
	iov.iov_len = 12;
	CHECK_ERR(ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &iov), EINVAL);
	CHECK_ERR(ptrace(PTRACE_GETREGSET, pid, (void *)0x7777, &iov), EINVAL);
	CHECK_ERR(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), EIO);
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 6 << 8);
}

TEST(ptrace, signal_mask)
{
	uint64_t mask = 0;
	pid_t pid = tracee(raise_usr1);

	CHECK_ERR(ptrace(PTRACE_GETSIGMASK, pid, (void *)4, &mask), EINVAL);
	CHECK_OK(ptrace(PTRACE_GETSIGMASK, pid, (void *)8, &mask));
	mask |= 1ull << (SIGUSR1 - 1);
	CHECK_OK(ptrace(PTRACE_SETSIGMASK, pid, (void *)8, &mask));
	go(pid, PTRACE_CONT, 0);
	CHECK_EQ(next_stop(pid), 0);
}

TEST(ptrace, wrong_requests, .root = true)
{
	pid_t pid = tracee(nothing), other = child();

	if (other == 0)
		for (;;)
			pause();
	CHECK_ERR(ptrace(PTRACE_CONT, other, NULL, NULL), ESRCH);
	CHECK_ERR(ptrace(PTRACE_ATTACH, 0x3fffff, NULL, NULL), ESRCH);
	CHECK_ERR(ptrace(PTRACE_ATTACH, getpid(), NULL, NULL), EPERM);
	CHECK_ERR(ptrace(PTRACE_ATTACH, pid, NULL, NULL), EPERM);
	CHECK_ERR(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)0x40000000), EINVAL);
	CHECK_ERR(ptrace(PTRACE_CONT, pid, NULL, (void *)100), EIO);
	CHECK_ERR(ptrace(0x7654, pid, NULL, NULL), EIO);
	CHECK_ERR(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL), EIO);
	CHECK_ERR(ptrace(PTRACE_LISTEN, pid, NULL, NULL), EIO);
	CHECK_ERR(ptrace(PTRACE_SEIZE, other, (void *)1, NULL), EIO);
	CHECK_ERR(ptrace(PTRACE_GETSIGINFO, pid, NULL, (void *)8), EFAULT);
	pid_t user = child();
	if (user == 0) {
		become_user();
		CHECK_ERR(ptrace(PTRACE_ATTACH, other, NULL, NULL), EPERM);
		CHECK_ERR(ptrace(PTRACE_SEIZE, other, NULL, NULL), EPERM);
		_exit(0);
	}
	expect_exit(user, 0);
	CHECK_OK(ptrace(PTRACE_KILL, pid, NULL, NULL));
	CHECK_EQ(next_stop(pid), SIGKILL);
	CHECK_OK(kill(other, SIGKILL));
	CHECK_EQ(next_stop(other), SIGKILL);
}
