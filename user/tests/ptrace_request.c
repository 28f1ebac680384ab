/* ptrace: what is asked of a tracee holds until the request is over, however long it takes. */
#include "userfault.h"

#include <elf.h>
#include <pthread.h>
#include <sys/ptrace.h>
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
