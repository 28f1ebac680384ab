/* System calls, pipes, fork, exec and signals. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static struct sample getppid_run(void)
{
	enum { OPS = 20000 };
	struct sample s = {0};

	bench_begin();
	for (int i = 0; i < OPS; i++)
		syscall(SYS_getppid);
	bench_end(&s, OPS);
	return s;
}

/* A byte there and back, through two pipes. */
static struct sample pipe_run(void)
{
	enum { OPS = 2000 };
	struct sample s = {0};
	int there[2], back[2];
	char c = 'x';
	pid_t pid;

	bench_need(pipe(there) == 0 && pipe(back) == 0, "pipe");
	pid = fork();
	if (pid == 0) {
		close(there[1]);
		while (read(there[0], &c, 1) == 1)
			bench_need(write(back[1], &c, 1) == 1, "write");
		_exit(0);
	}
	close(there[0]);
	for (int i = 0; i < 10; i++)
		bench_need(write(there[1], &c, 1) == 1 && read(back[0], &c, 1) == 1, "pipe");
	bench_begin();
	for (int i = 0; i < OPS; i++)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			bench_need(0, "pipe");
	bench_end(&s, OPS);
	close(there[1]);
	close(back[0]);
	close(back[1]);
	waitpid(pid, NULL, 0);
	return s;
}

static void forks(struct sample *s, int ops)
{
	bench_begin();
	for (int i = 0; i < ops; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0 || waitpid(pid, NULL, 0) != pid)
			bench_need(0, "fork");
	}
	bench_end(s, (uint64_t)ops);
}

static struct sample fork_run(void)
{
	struct sample s = {0};

	forks(&s, 1000);
	return s;
}

/* With so many bytes of touched anonymous memory in one area. */
static struct sample fork_resident(size_t bytes, int advice)
{
	struct sample s = {0};
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bench_need(p != MAP_FAILED, "mmap");
	madvise(p, bytes, advice);
	pages_write(p, bytes / PAGE);
	forks(&s, 2);
	s = (struct sample){0};
	forks(&s, 20);
	munmap(p, bytes);
	return s;
}

static struct sample fork_64m_run(void)
{
	return fork_resident(64ul << 20, MADV_NOHUGEPAGE);
}

static struct sample fork_256m_run(void)
{
	return fork_resident(256ul << 20, MADV_NOHUGEPAGE);
}

static struct sample fork_64m_huge_run(void)
{
	return fork_resident(64ul << 20, MADV_HUGEPAGE);
}

static struct sample exec_by(pid_t (*start)(void))
{
	enum { OPS = 1000 };
	struct sample s = {0};
	int status;

	bench_begin();
	for (int i = 0; i < OPS; i++) {
		pid_t pid = start();

		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			bench_need(0, "exec");
	}
	bench_end(&s, OPS);
	return s;
}

/* The program that is executed is this one, told to return from main at once. */
static pid_t start_fork(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		execl(bench_self, bench_self, "-x", NULL);
		_exit(127);
	}
	return pid;
}

static pid_t start_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0) {
		execl(bench_self, bench_self, "-x", NULL);
		_exit(127);
	}
	return pid;
}

static struct sample fork_exec_run(void)
{
	return exec_by(start_fork);
}

static struct sample vfork_exec_run(void)
{
	return exec_by(start_vfork);
}

static char *guarded;

static void segv_handler(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if ((char *)info->si_addr != guarded)
		_exit(1);
	mprotect(guarded, PAGE, PROT_READ | PROT_WRITE);
}

/* What a garbage collector does to an area's first page: protect, be told of a write, unprotect. */
static struct sample mprotect_segv_run(void)
{
	enum { OPS = 1000 };
	struct sample s = {0};
	struct sigaction sa = {.sa_sigaction = segv_handler, .sa_flags = SA_SIGINFO};
	char *area;

	sigaction(SIGSEGV, &sa, NULL);
	area = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bench_need(area != MAP_FAILED, "mmap");
	pages_write(area, 3);
	guarded = area;
	bench_begin();
	for (int i = 0; i < OPS; i++) {
		mprotect(guarded, PAGE, PROT_READ);
		*(volatile char *)guarded = 1;
	}
	bench_end(&s, OPS);
	munmap(area, 3 * PAGE);
	return s;
}

const struct row process_rows[] = {
	{"getppid", getppid_run},
	{"pipe_round_trip", pipe_run},
	{"fork_exit_wait", fork_run},
	{"fork_exec_exit_wait", fork_exec_run},
	{"vfork_exec_exit_wait", vfork_exec_run},
	{"mprotect_segv_mprotect", mprotect_segv_run},
	{"fork_64m", fork_64m_run},
	{"fork_256m", fork_256m_run},
	{"fork_64m_huge", fork_64m_huge_run},
	{NULL, NULL},
};
