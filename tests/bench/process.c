/* System calls, pipes, sockets, fork, exec and signals. */
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
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

/* A byte to another process, which has the ends of peer, and back. Closes them all. */
static struct sample round_trip(const int mine[2], const int peer[2])
{
	enum { OPS = 2000, SETTLE = 10 };
	struct sample s = {0};
	char c = 'x';
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		close(mine[1]);
		close(mine[0]);
		while (read(peer[0], &c, 1) == 1)
			bench_need(write(peer[1], &c, 1) == 1, "write");
		_exit(0);
	}
	close(peer[0]);
	close(peer[1]);
	for (int i = 0; i < SETTLE; i++)
		bench_need(write(mine[1], &c, 1) == 1 && read(mine[0], &c, 1) == 1, "write");
	bench_begin();
	for (int i = 0; i < OPS; i++)
		if (write(mine[1], &c, 1) != 1 || read(mine[0], &c, 1) != 1)
			bench_need(0, "write");
	bench_end(&s, OPS);
	close(mine[1]);
	close(mine[0]);
	waitpid(pid, NULL, 0);
	return s;
}

static struct sample pipe_run(void)
{
	int there[2], back[2];

	bench_need(pipe(there) == 0 && pipe(back) == 0, "pipe");
	return round_trip((int[]){back[0], there[1]}, (int[]){there[0], back[1]});
}

/* Both directions of a socket: round_trip closes it twice, which does no harm. */
static struct sample socket_run(void)
{
	int fd[2];

	bench_need(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0, "socketpair");
	return round_trip((int[]){fd[0], fd[0]}, (int[]){fd[1], fd[1]});
}

/* A socket that listens at a port of 127.0.0.1, and its name. */
static int tcp_listener(struct sockaddr_in *name)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(*name);

	*name = (struct sockaddr_in){.sin_family = AF_INET,
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	bench_need(fd >= 0 && bind(fd, (struct sockaddr *)name, len) == 0 && listen(fd, 1) == 0 &&
		   getsockname(fd, (struct sockaddr *)name, &len) == 0, "listen");
	return fd;
}

static void tcp_pair(int listener, const struct sockaddr_in *name, int fd[2])
{
	fd[0] = socket(AF_INET, SOCK_STREAM, 0);
	bench_need(connect(fd[0], (const struct sockaddr *)name, sizeof(*name)) == 0, "connect");
	fd[1] = accept(listener, NULL, NULL);
	bench_need(fd[1] >= 0, "accept");
}

static struct sample tcp_run(void)
{
	struct sockaddr_in name;
	int listener = tcp_listener(&name), fd[2];

	tcp_pair(listener, &name, fd);
	close(listener);
	return round_trip((int[]){fd[0], fd[0]}, (int[]){fd[1], fd[1]});
}

/* A connection made, accepted and closed. */
static struct sample tcp_connect_run(void)
{
	enum { OPS = 1000 };
	struct sockaddr_in name;
	int listener = tcp_listener(&name), fd[2];
	struct sample s = {0};

	bench_begin();
	for (int i = 0; i < OPS; i++) {
		tcp_pair(listener, &name, fd);
		close(fd[0]);
		close(fd[1]);
	}
	bench_end(&s, OPS);
	close(listener);
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
	{"socket_round_trip", socket_run},
	{"tcp_round_trip", tcp_run},
	{"tcp_connect_accept_close", tcp_connect_run},
	{"fork_exit_wait", fork_run},
	{"fork_exec_exit_wait", fork_exec_run},
	{"vfork_exec_exit_wait", vfork_exec_run},
	{"mprotect_segv_mprotect", mprotect_segv_run},
	{"fork_64m", fork_64m_run},
	{"fork_256m", fork_256m_run},
	{"fork_64m_huge", fork_64m_huge_run},
	{NULL, NULL},
};
