/* sigaction and its flags, masks, pending signals, waiting for signals. */
#include "ut.h"

#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t hits, last, order[8], depth, deepest;
static volatile siginfo_t seen;
static volatile uintptr_t handler_sp;

static void count(int sig)
{
	if (hits < 8)
		order[hits] = sig;
	hits++;
	last = sig;
}

static void info_handler(int sig, siginfo_t *info, void *context)
{
	(void)context;
	hits++;
	last = sig;
	seen = *info;
}

static void on_info(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = info_handler, .sa_flags = SA_SIGINFO | flags };

	CHECK_OK(sigaction(sig, &sa, NULL));
}

static void set_blocked(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK_OK(sigprocmask(how, &set, NULL));
}

TEST(signal, handler_runs)
{
	on_signal(SIGUSR1, count, 0);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(hits, 1);
	CHECK_EQ(last, SIGUSR1);
	/* It stays installed. */
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(hits, 2);
}

TEST(signal, sigaction_returns_old)
{
	struct sigaction sa = { .sa_handler = count, .sa_flags = SA_RESTART | SA_NODEFER }, old;

	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGHUP);
	CHECK_OK(sigaction(SIGUSR1, &sa, &old));
	CHECK(old.sa_handler == SIG_DFL);
	CHECK_OK(sigaction(SIGUSR1, NULL, &old));
	CHECK(old.sa_handler == count);
	CHECK_EQ(old.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO), SA_RESTART | SA_NODEFER);
	CHECK_EQ(sigismember(&old.sa_mask, SIGHUP), 1);
	CHECK_EQ(sigismember(&old.sa_mask, SIGUSR2), 0);
}

TEST(signal, sigaction_errors)
{
	/* The kernel's struct: handler, flags, mask. */
	struct { void *handler; unsigned long flags, mask; } ka = { 0 };

	CHECK_ERR(syscall(SYS_rt_sigaction, 0, &ka, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, 65, &ka, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, -1, &ka, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGKILL, &ka, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGSTOP, &ka, NULL, 8), EINVAL);
	CHECK_OK(syscall(SYS_rt_sigaction, SIGKILL, NULL, &ka, 8));
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, &ka, NULL, 16), EINVAL);
	CHECK_OK(syscall(SYS_rt_sigaction, 64, &ka, NULL, 8));
}

TEST(signal, resethand)
{
	struct sigaction old;

	on_signal(SIGUSR1, count, SA_RESETHAND);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(hits, 1);
	CHECK_OK(sigaction(SIGUSR1, NULL, &old));
	CHECK(old.sa_handler == SIG_DFL);
}

static void nest(int sig)
{
	if (++depth > deepest)
		deepest = depth;
	if (++hits < 3)
		CHECK_OK(kill(getpid(), sig));
	depth--;
}

TEST(signal, deferred_in_its_handler)
{
	on_signal(SIGUSR1, nest, 0);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(hits, 3);
	CHECK_EQ(deepest, 1);
}

TEST(signal, nodefer_nests)
{
	on_signal(SIGUSR1, nest, SA_NODEFER);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(hits, 3);
	CHECK_EQ(deepest, 3);
}

static void raise_usr2(int sig)
{
	count(sig);
	CHECK_OK(kill(getpid(), SIGUSR2));
	CHECK_EQ(last, SIGUSR1);
}

TEST(signal, handler_mask)
{
	struct sigaction sa = { .sa_handler = raise_usr2 };
	sigset_t now;

	sigaddset(&sa.sa_mask, SIGUSR2);
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	on_signal(SIGUSR2, count, 0);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(hits, 2);
	CHECK_EQ(last, SIGUSR2);
	/* The mask is back. */
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGUSR1) + sigismember(&now, SIGUSR2), 0);
}

TEST(signal, siginfo_kill)
{
	pid_t self = getpid();

	on_info(SIGUSR1, 0);
	CHECK_OK(kill(self, SIGUSR1));
	CHECK_EQ(seen.si_signo, SIGUSR1);
	CHECK_EQ(seen.si_code, SI_USER);
	CHECK_EQ(seen.si_pid, self);
	CHECK_EQ(seen.si_uid, getuid());
	CHECK_OK(syscall(SYS_tgkill, self, self, SIGUSR1));
	CHECK_EQ(seen.si_code, SI_TKILL);
	CHECK_EQ(seen.si_pid, self);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_OK(kill(self, SIGUSR1));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(seen.si_pid, pid);
}

TEST(signal, siginfo_sigqueue)
{
	union sigval value = { .sival_int = 4711 };

	on_info(SIGUSR1, 0);
	CHECK_OK(sigqueue(getpid(), SIGUSR1, value));
	CHECK_EQ(seen.si_code, SI_QUEUE);
	CHECK_EQ(seen.si_value.sival_int, 4711);
	CHECK_EQ(seen.si_pid, getpid());
}

TEST(signal, procmask)
{
	sigset_t set, old;

	on_signal(SIGUSR1, count, 0);
	set_blocked(SIG_BLOCK, SIGUSR1);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(hits, 0);
	CHECK_OK(sigpending(&set));
	CHECK_EQ(sigismember(&set, SIGUSR1), 1);
	CHECK_EQ(sigismember(&set, SIGUSR2), 0);
	set_blocked(SIG_BLOCK, SIGUSR2);
	sigemptyset(&set);
	CHECK_OK(sigprocmask(SIG_SETMASK, &set, &old));
	CHECK_EQ(hits, 1);
	CHECK_EQ(sigismember(&old, SIGUSR1) + sigismember(&old, SIGUSR2), 2);
	CHECK_ERR(sigprocmask(77, &set, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 4), EINVAL);
	/* A bad "how" matters only when there is a set. */
	CHECK_OK(sigprocmask(77, NULL, &old));
}

TEST(signal, kill_and_stop_cannot_be_blocked)
{
	sigset_t set;

	sigfillset(&set);
	CHECK_OK(sigprocmask(SIG_SETMASK, &set, NULL));
	CHECK_OK(sigprocmask(SIG_SETMASK, NULL, &set));
	CHECK_EQ(sigismember(&set, SIGKILL), 0);
	CHECK_EQ(sigismember(&set, SIGSTOP), 0);
	CHECK_EQ(sigismember(&set, SIGTERM), 1);
	pid_t pid = child();
	if (pid == 0)
		for (;;)
			pause();
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(signal, standard_signals_merge)
{
	on_signal(SIGUSR1, count, 0);
	set_blocked(SIG_BLOCK, SIGUSR1);
	for (int i = 0; i < 5; i++)
		CHECK_OK(kill(getpid(), SIGUSR1));
	set_blocked(SIG_UNBLOCK, SIGUSR1);
	CHECK_EQ(hits, 1);
}

TEST(signal, realtime_signals_queue)
{
	union sigval value;

	on_info(SIGRTMIN + 1, 0);
	set_blocked(SIG_BLOCK, SIGRTMIN + 1);
	for (int i = 0; i < 5; i++) {
		value.sival_int = i;
		CHECK_OK(sigqueue(getpid(), SIGRTMIN + 1, value));
	}
	set_blocked(SIG_UNBLOCK, SIGRTMIN + 1);
	CHECK_EQ(hits, 5);
	CHECK_EQ(seen.si_value.sival_int, 4);
}

TEST(signal, ignored_signal_is_dropped)
{
	sigset_t set;

	signal(SIGUSR1, SIG_IGN);
	set_blocked(SIG_BLOCK, SIGUSR1);
	CHECK_OK(raise(SIGUSR1));
	/* Blocked and ignored: Linux keeps it pending, for sigwait. */
	CHECK_OK(sigpending(&set));
	CHECK_EQ(sigismember(&set, SIGUSR1), 1);
	set_blocked(SIG_UNBLOCK, SIGUSR1);
	CHECK_OK(sigpending(&set));
	CHECK_EQ(sigismember(&set, SIGUSR1), 0);
	/* Setting it to ignored discards what is pending. */
	signal(SIGUSR1, SIG_DFL);
	set_blocked(SIG_BLOCK, SIGUSR1);
	CHECK_OK(raise(SIGUSR1));
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR1, SIG_DFL);
	set_blocked(SIG_UNBLOCK, SIGUSR1);
}

TEST(signal, sigsuspend)
{
	sigset_t none, now;

	on_signal(SIGUSR1, count, SA_RESTART);
	set_blocked(SIG_BLOCK, SIGUSR1);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(hits, 0);
	sigemptyset(&none);
	CHECK_ERR(sigsuspend(&none), EINTR);
	CHECK_EQ(hits, 1);
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGUSR1), 1);
	CHECK_ERR(syscall(SYS_rt_sigsuspend, &none, 4), EINVAL);
}

TEST(signal, sigsuspend_waits)
{
	sigset_t none;

	on_signal(SIGUSR1, count, 0);
	set_blocked(SIG_BLOCK, SIGUSR1);
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		CHECK_OK(kill(self, SIGUSR1));
		_exit(0);
	}
	sigemptyset(&none);
	CHECK_ERR(sigsuspend(&none), EINTR);
	CHECK_EQ(hits, 1);
	expect_exit(pid, 0);
}

TEST(signal, sigtimedwait)
{
	struct timespec zero = { 0 }, bad = { 0, -1 }, some = { 0, 20000000 };
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_ERR(sigtimedwait(&set, &info, &zero), EAGAIN);
	uint64_t start = now_ns();
	CHECK_ERR(sigtimedwait(&set, &info, &some), EAGAIN);
	CHECK_GE(now_ns() - start, 20000000);
	CHECK_ERR(sigtimedwait(&set, &info, &bad), EINVAL);
	CHECK_OK(kill(getpid(), SIGUSR1));
	CHECK_EQ(sigtimedwait(&set, &info, &zero), SIGUSR1);
	CHECK_EQ(info.si_signo, SIGUSR1);
	CHECK_EQ(info.si_code, SI_USER);
	CHECK_ERR(sigtimedwait(&set, &info, &zero), EAGAIN);
}

TEST(signal, sigtimedwait_interrupted)
{
	sigset_t set;

	on_signal(SIGUSR2, count, SA_RESTART);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	pid_t self = getpid(), pid = child();
	if (pid == 0) {
		wait_state(self, "S");
		CHECK_OK(kill(self, SIGUSR2));
		_exit(0);
	}
	CHECK_ERR(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8), EINTR);
	CHECK_EQ(hits, 1);
	expect_exit(pid, 0);
}

static void record_sp(int sig)
{
	(void)sig;
	handler_sp = (uintptr_t)__builtin_frame_address(0);
	hits++;
}

TEST(signal, sigaltstack)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) }, old;

	CHECK_OK(sigaltstack(NULL, &old));
	CHECK_EQ(old.ss_flags, SS_DISABLE);
	CHECK_OK(sigaltstack(&ss, NULL));
	on_signal(SIGUSR1, record_sp, SA_ONSTACK);
	CHECK_OK(raise(SIGUSR1));
	CHECK(handler_sp >= (uintptr_t)stack && handler_sp < (uintptr_t)stack + sizeof(stack));
	on_signal(SIGUSR1, record_sp, 0);
	CHECK_OK(raise(SIGUSR1));
	CHECK(handler_sp < (uintptr_t)stack || handler_sp >= (uintptr_t)stack + sizeof(stack));
	ss.ss_flags = SS_DISABLE;
	CHECK_OK(sigaltstack(&ss, &old));
	CHECK(old.ss_sp == stack && old.ss_size == sizeof(stack));
	on_signal(SIGUSR1, record_sp, SA_ONSTACK);
	CHECK_OK(raise(SIGUSR1));
	CHECK(handler_sp < (uintptr_t)stack || handler_sp >= (uintptr_t)stack + sizeof(stack));
	CHECK_EQ(hits, 3);
}

static void change_stack(int sig)
{
	static char other[65536];
	stack_t ss = { .ss_sp = other, .ss_size = sizeof(other) }, old;

	(void)sig;
	CHECK_OK(sigaltstack(NULL, &old));
	CHECK_EQ(old.ss_flags, SS_ONSTACK);
	CHECK_ERR(sigaltstack(&ss, NULL), EPERM);
	hits++;
}

TEST(signal, sigaltstack_errors)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = 100 };

	CHECK_ERR(sigaltstack(&ss, NULL), ENOMEM);
	ss.ss_size = sizeof(stack);
	ss.ss_flags = 0x77;
	CHECK_ERR(sigaltstack(&ss, NULL), EINVAL);
	ss.ss_flags = 0;
	CHECK_OK(sigaltstack(&ss, NULL));
	on_signal(SIGUSR1, change_stack, SA_ONSTACK);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(hits, 1);
}

TEST(signal, lowest_number_first)
{
	sigset_t set;

	on_signal(SIGUSR1, count, 0);
	on_signal(SIGUSR2, count, 0);
	on_signal(SIGTERM, count, 0);
	sigfillset(&set);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(kill(getpid(), SIGTERM));
	CHECK_OK(kill(getpid(), SIGUSR2));
	CHECK_OK(kill(getpid(), SIGUSR1));
	CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	/* Taken in order of number: the last one taken has the outermost frame and runs first. */
	CHECK_EQ(hits, 3);
	CHECK_EQ(order[0], SIGTERM);
	CHECK_EQ(order[1], SIGUSR2);
	CHECK_EQ(order[2], SIGUSR1);
}

static void block_in_context(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	sigaddset(&uc->uc_sigmask, SIGHUP);
	sigdelset(&uc->uc_sigmask, SIGUSR2);
}

TEST(signal, context_mask_is_restored)
{
	struct sigaction sa = { .sa_sigaction = block_in_context, .sa_flags = SA_SIGINFO };
	sigset_t now;

	set_blocked(SIG_BLOCK, SIGUSR2);
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	CHECK_OK(raise(SIGUSR1));
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGHUP), 1);
	CHECK_EQ(sigismember(&now, SIGUSR2), 0);
}

TEST(signal, storm)
{
	pid_t self = getpid(), pids[3];

	on_signal(SIGUSR1, count, SA_RESTART);
	for (int i = 0; i < 3; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			for (int j = 0; j < 500; j++)
				CHECK_OK(kill(self, SIGUSR1));
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++)
		expect_exit(pids[i], 0);
	CHECK(hits > 0 && hits <= 1500);
}
