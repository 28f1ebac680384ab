/*
 * ptrace: what is asked of a tracee holds until the request is over, however long it takes; what
 * waits for it, and its area of rseq(2).
 */
#include "userfault.h"

#include <elf.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/rseq.h>
#include <sys/uio.h>

static struct {
	pid_t tracee;
	int uffd;
	char *page; /* that the request sleeps on */
} slow;

static struct iovec on_page;

/* As the kernel has them: what is read is stored at data. */
static const struct {
	long request;
	void *addr, *data; /* NULL: the page */
} slow_requests[] = {
	{PTRACE_SETSIGINFO, NULL, NULL},
	{PTRACE_GETSIGINFO, NULL, NULL},
	{PTRACE_SETREGSET, (void *)NT_PRSTATUS, &on_page},
	{PTRACE_GETREGSET, (void *)NT_PRFPREG, &on_page},
	{PTRACE_SETREGSET, (void *)NT_PRFPREG, &on_page},
	{PTRACE_SETSIGMASK, (void *)8, NULL},
	{PTRACE_PEEKDATA, &slow, NULL},
	{PTRACE_GETEVENTMSG, NULL, NULL},
};

static void slow_page(void)
{
	slow.uffd = uffd_open(O_CLOEXEC, 0);
	slow.page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(slow.page != MAP_FAILED);
	CHECK_OK(uffd_register(slow.uffd, slow.page, PAGE, MISSING));
	on_page = (struct iovec){slow.page, 64};
}

static void stopped_tracee(pid_t pid)
{
	int status;

	slow.tracee = pid;
	CHECK_OK(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	CHECK_OK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	CHECK_EQ(waitpid(pid, &status, __WALL), pid);
	CHECK(WIFSTOPPED(status));
}

/* It must sleep on the page, while `meanwhile` is done by another thread; its result. */
static long request_slowly(unsigned n, void *(*meanwhile)(void *))
{
	pthread_t thread = thread_begin(meanwhile, NULL);
	void *data = slow_requests[n].data ? slow_requests[n].data : slow.page;
	long ret = syscall(SYS_ptrace, slow_requests[n].request, slow.tracee,
			   slow_requests[n].addr, data);

	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_OK(madvise(slow.page, PAGE, MADV_DONTNEED));
	return ret;
}

static void *kill_tracee(void *unused)
{
	uffd_fault(slow.uffd, NULL);
	CHECK_OK(kill(slow.tracee, SIGKILL));
	CHECK_EQ(waitpid(slow.tracee, NULL, __WALL | WNOHANG), 0);
	CHECK_OK(uffd_zero(slow.uffd, slow.page, PAGE, 0));
	return unused;
}

/* No child of its tracer: nothing would be left of it for the request. */
TEST(ptrace, request_outlasts_kill, .root = true)
{
	int said[2], status;

	slow_page();
	CHECK_OK(pipe(said));
	for (unsigned n = 0; n < sizeof(slow_requests) / sizeof(slow_requests[0]); n++) {
		pid_t parent = child(), pid;

		if (!parent) {
			pid = child_pausing();
			write_full(said[1], &pid, sizeof(pid));
			waitpid(pid, NULL, 0);
			_exit(0);
		}
		CHECK_EQ(read_full(said[0], &pid, sizeof(pid)), sizeof(pid));
		stopped_tracee(pid);
		CHECK_OK(request_slowly(n, kill_tracee));
		CHECK_EQ(waitpid(pid, &status, __WALL), pid);
		CHECK_EQ(status, SIGKILL);
		expect_exit(parent, 0);
	}
}

static void *let_tracee_go(void *unused)
{
	uffd_fault(slow.uffd, NULL);
	CHECK_ERR(ptrace(PTRACE_DETACH, slow.tracee, NULL, NULL), ESRCH);
	CHECK_ERR(ptrace(PTRACE_CONT, slow.tracee, NULL, NULL), ESRCH);
	CHECK_OK(uffd_zero(slow.uffd, slow.page, PAGE, 0));
	return unused;
}

/* What it is let go for may be a program with more powers, which the request must not reach. */
TEST(ptrace, request_is_the_only_one, .root = true)
{
	int status;

	slow_page();
	stopped_tracee(child_pausing());
	for (unsigned n = 0; n < sizeof(slow_requests) / sizeof(slow_requests[0]); n++)
		CHECK_OK(request_slowly(n, let_tracee_go));
	CHECK_OK(kill(slow.tracee, SIGKILL));
	CHECK_EQ(waitpid(slow.tracee, &status, __WALL), slow.tracee);
	CHECK_EQ(status, SIGKILL);
}

#define NSIGNALS	5

/* Blocked: each by its value, the last one for the process. */
static pid_t with_signals(void)
{
	siginfo_t info = {.si_code = SI_QUEUE};
	sigset_t all;
	pid_t pid = child();
	int status;

	if (!pid) {
		sigfillset(&all);
		CHECK_OK(sigprocmask(SIG_SETMASK, &all, NULL));
		for (int i = 0; i < NSIGNALS; i++) {
			info.si_value.sival_int = i;
			CHECK_OK(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(),
					 SIGRTMIN + i % 2, &info));
		}
		CHECK_OK(kill(getpid(), SIGUSR1));
		info.si_value.sival_int = NSIGNALS;
		CHECK_OK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR2, &info));
		for (;;)
			pause();
	}
	wait_state(pid, "S");
	CHECK_OK(ptrace(PTRACE_SEIZE, pid, NULL, NULL));
	CHECK_OK(ptrace(PTRACE_INTERRUPT, pid, NULL, NULL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return pid;
}

static long peek_signals(pid_t pid, uint64_t off, uint32_t flags, int32_t nr, void *out)
{
	struct { uint64_t off; uint32_t flags; int32_t nr; } args = {off, flags, nr};

	return ptrace(PTRACE_PEEKSIGINFO, pid, &args, out);
}

static void kill_traced(pid_t pid)
{
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

TEST(ptrace, peeks_at_signals)
{
	siginfo_t info[NSIGNALS + 1];
	pid_t pid = with_signals();

	/* Twice: they stay. */
	for (int n = 0; n < 2; n++) {
		memset(info, 0, sizeof(info));
		CHECK_EQ(peek_signals(pid, 0, 0, NSIGNALS + 1, info), NSIGNALS);
		for (int i = 0; i < NSIGNALS; i++) {
			CHECK_EQ(info[i].si_signo, SIGRTMIN + i % 2);
			CHECK_EQ(info[i].si_code, SI_QUEUE);
			CHECK_EQ(info[i].si_value.sival_int, i);
		}
		CHECK_EQ(info[NSIGNALS].si_signo, 0);
	}
	CHECK_EQ(peek_signals(pid, 3, 0, 1, info), 1);
	CHECK_EQ(info[0].si_value.sival_int, 3);
	CHECK_EQ(info[1].si_value.sival_int, 1);
	CHECK_EQ(peek_signals(pid, NSIGNALS, 0, 1, info), 0);
	CHECK_EQ(peek_signals(pid, -1, 0, 1, info), 0);
	CHECK_EQ(peek_signals(pid, 0, 0, 0, NULL), 0);
	CHECK_EQ(peek_signals(pid, 0, PTRACE_PEEKSIGINFO_SHARED, 3, info), 2);
	CHECK_EQ(info[0].si_signo, SIGUSR1);
	CHECK_EQ(info[0].si_pid, pid);
	CHECK_EQ(info[1].si_signo, SIGUSR2);
	CHECK_EQ(info[1].si_value.sival_int, NSIGNALS);
	kill_traced(pid);
}

TEST(ptrace, peeks_at_signals_errors)
{
	char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid = with_signals();
	siginfo_t info;

	CHECK(p != MAP_FAILED);
	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK_ERR(peek_signals(pid, 0, 2, 1, &info), EINVAL);
	CHECK_ERR(peek_signals(pid, 0, 0, -1, &info), EINVAL);
	CHECK_ERR(peek_signals(pid, 0, 0, 1, (void *)8), EFAULT);
	CHECK_ERR(ptrace(PTRACE_PEEKSIGINFO, pid, (void *)8, &info), EFAULT);
	/* What there is no room for is not told of, nor is it an error. */
	CHECK_EQ(peek_signals(pid, 0, 0, 3, p + PAGE - 2 * sizeof(info)), 2);
	kill_traced(pid);
}

static void area_is(pid_t pid, void *area, uint32_t len, uint32_t sig)
{
	struct { uint64_t area; uint32_t len, sig, flags, pad; } c;

	memset(&c, 1, sizeof(c));
	CHECK_EQ(ptrace(0x420f, pid, (void *)100L, &c), sizeof(c));
	CHECK_EQ(c.area, (uintptr_t)area);
	CHECK_EQ(c.len, len);
	CHECK_EQ(c.sig, sig);
	CHECK_EQ(c.flags, 0);
	memset(&c, 1, sizeof(c));
	CHECK_EQ(ptrace(0x420f, pid, (void *)8L, &c), sizeof(c));
	CHECK_EQ(c.area, (uintptr_t)area);
	CHECK_EQ(c.len, 0x01010101);
	CHECK_ERR(ptrace(0x420f, pid, (void *)8L, NULL), EFAULT);
}

TEST(ptrace, area_of_rseq)
{
	static struct rseq area;
	char *lib = (char *)__builtin_thread_pointer() + __rseq_offset;
	pid_t pid = child();

	if (!pid) {
		if (__rseq_size)
			CHECK_OK(syscall(SYS_rseq, lib, sizeof(area), 1, 0xf1401073));
		CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(SIGSTOP);
		CHECK_OK(syscall(SYS_rseq, &area, sizeof(area), 0, 0x12345678));
		raise(SIGSTOP);
		CHECK_OK(syscall(SYS_rseq, &area, sizeof(area), 1, 0x12345678));
		raise(SIGSTOP);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	area_is(pid, NULL, 0, 0);
	CHECK_OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	area_is(pid, &area, sizeof(area), 0x12345678);
	CHECK_OK(ptrace(PTRACE_CONT, pid, NULL, NULL));
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	area_is(pid, NULL, 0, 0);
	kill_traced(pid);
}

static volatile int told;

static void tell(int sig, siginfo_t *info, void *context)
{
	(void)context;
	told = sig == SIGUSR1 && info->si_signo == SIGUSR1;
}

/* The child raises sig, of which its tracer says another number: how it ends. */
static int renumbered(int sig, int number)
{
	struct sigaction sa = {.sa_sigaction = tell, .sa_flags = SA_SIGINFO | SA_RESETHAND};
	siginfo_t info;
	int status;
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
		CHECK_OK(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
		raise(sig);
		CHECK_OK(sigaction(SIGUSR1, NULL, &sa));
		_exit(told && sa.sa_handler == SIG_DFL ? 0 : 1);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSTOPPED(status));
	CHECK_OK(ptrace(PTRACE_GETSIGINFO, pid, NULL, &info));
	info.si_signo = number;
	CHECK_OK(ptrace(PTRACE_SETSIGINFO, pid, NULL, &info));
	CHECK_OK(ptrace(PTRACE_CONT, pid, NULL, (void *)(long)sig));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return status;
}

TEST(ptrace, number_of_info_is_the_signals)
{
	static const int numbers[] = {0, -1, SIGUSR2, 65, 200, 0x100, 0x7f,
				      0x7fffffff, -0x7fffffff};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int status = renumbered(SIGUSR1, numbers[i]);

		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), 0);
		status = renumbered(SIGTERM, numbers[i]);
		CHECK(WIFSIGNALED(status));
		CHECK_EQ(WTERMSIG(status), SIGTERM);
	}
}
