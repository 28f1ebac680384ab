/* fork, vfork and clone: what the child gets, shares and does not get. */
#include "ut.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>

static volatile int shared_word;

/* The raw call: glibc's clone() wants a function; argument order is riscv's. */
static long sys_clone(unsigned long flags, void *stack, int *ptid, int *ctid)
{
	return syscall(SYS_clone, flags, stack, ptid, NULL, ctid);
}

TEST(proc, fork_pids)
{
	pid_t self = getpid(), pid = child();

	if (pid == 0) {
		CHECK_EQ(getppid(), self);
		CHECK(getpid() != self);
		_exit(getpid() & 0x7f);
	}
	CHECK(pid > 0 && pid != self);
	CHECK_EQ(getpid(), self);
	expect_exit(pid, pid & 0x7f);
}

/* A sibling that a program makes for its parent is its parent's child like the program itself. */
TEST(proc, clone_parent_signal)
{
	sigset_t pending;
	pid_t maker;
	int tell[2];
	long born;

	signal_block(SIGUSR1);
	CHECK_OK(pipe(tell));
	maker = child();
	if (maker == 0) {
		born = CHECK_OK(sys_clone(CLONE_PARENT | SIGUSR1, NULL, NULL, NULL));
		if (born == 0)
			_exit(3);
		write_full(tell[1], &born, sizeof(born));
		_exit(0);
	}
	CHECK_EQ(read_full(tell[0], &born, sizeof(born)), sizeof(born));
	expect_exit((pid_t)born, 3);
	expect_exit(maker, 0);
	CHECK_OK(sigpending(&pending));
	CHECK_EQ(sigismember(&pending, SIGUSR1), 0);
}

/* The signals that are pending for a process, once there are any. */
static unsigned long pending_of(pid_t pid)
{
	unsigned long pending = 0;
	char path[64], text[4096];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	while (!pending) {
		file_text(path, text, sizeof(text));
		line = strstr(text, "ShdPnd:");
		CHECK(line && sscanf(line, "ShdPnd: %lx", &pending) == 1);
		sched_yield();
	}
	return pending;
}

/* What a program wants to be sent at its child's end is not sent to the one that comes after it. */
TEST(proc, clone_signal_ends_at_exec)
{
	struct gate end;
	char none;
	int tell[2];
	pid_t pid;
	long born;

	CHECK_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	CHECK_OK(pipe2(tell, O_CLOEXEC));
	gate_make(&end);
	pid = child();
	if (pid == 0) {
		signal_block(SIGUSR1);
		signal_block(SIGCHLD);
		born = CHECK_OK(sys_clone(SIGUSR1, NULL, NULL, NULL));
		if (born == 0) {
			CHECK_OK(close(tell[1]));
			gate_pass(&end);
			_exit(0);
		}
		write_full(tell[1], &born, sizeof(born));
		exec_helper("pause", NULL);
		_exit(1);
	}
	CHECK_OK(close(tell[1]));
	CHECK_EQ(read_full(tell[0], &born, sizeof(born)), sizeof(born));
	/* exec has closed the other end. */
	CHECK_EQ(read_full(tell[0], &none, 1), 0);
	gate_open(&end);
	CHECK_EQ(pending_of(pid), 1ul << (SIGCHLD - 1));
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	expect_exit((pid_t)born, 0);
}

TEST(proc, fork_copies_memory)
{
	static int global = 1;
	int local = 2, *heap = malloc(sizeof(int));
	struct gate gate;
	pid_t pid;

	gate_make(&gate);
	*heap = 3;
	pid = child();
	if (pid == 0) {
		gate_pass(&gate);
		CHECK_EQ(global + local + *heap, 6);
		global = local = *heap = 100;
		_exit(0);
	}
	global = 10;
	local = 20;
	*heap = 30;
	gate_open(&gate);
	pid_t second = child();
	if (second == 0) {
		CHECK_EQ(global + local + *heap, 60);
		_exit(0);
	}
	*heap = 31;
	/* The first child took its copy before the parent's writes: it must see the old values. */
	int status = status_of(pid);
	CHECK_EQ(status, 0);
	expect_exit(second, 0);
	CHECK_EQ(global + local + *heap, 61);
	free(heap);
}

TEST(proc, fork_shares_offset)
{
	char c;
	int fd;

	file_make("f", "abcdef", 6);
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(read(fd, &c, 1), 1);
		CHECK_EQ(c, 'a');
		CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(c, 'd');
}

TEST(proc, fork_own_descriptor_table)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(close(fd));
		CHECK_OK(dup2(1, fd + 1));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(fcntl(fd, F_GETFD));
	CHECK_ERR(fcntl(fd + 1, F_GETFD), EBADF);
}

TEST(proc, fork_own_cwd_and_umask)
{
	CHECK_OK(mkdir("d", 0755));
	umask(027);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(umask(077), 027);
		CHECK_OK(chdir("d"));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(umask(022), 027);
	CHECK_OK(access("d", F_OK));
}

TEST(proc, fork_drops_pending_and_timers)
{
	struct itimerval it = { .it_value.tv_sec = 1000 }, now;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(raise(SIGUSR1));
	CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
	pid_t pid = child();
	if (pid == 0) {
		CHECK_OK(sigpending(&set));
		CHECK_EQ(sigismember(&set, SIGUSR1), 0);
		CHECK_OK(getitimer(ITIMER_REAL, &now));
		CHECK_EQ(now.it_value.tv_sec, 0);
		CHECK_EQ(now.it_value.tv_usec, 0);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(sigpending(&set));
	CHECK_EQ(sigismember(&set, SIGUSR1), 1);
	CHECK_OK(getitimer(ITIMER_REAL, &now));
	CHECK(now.it_value.tv_sec > 0);
}

static volatile sig_atomic_t handled;

static void count_signal(int sig)
{
	(void)sig;
	handled++;
}

TEST(proc, fork_keeps_handlers_and_mask)
{
	sigset_t set;

	on_signal(SIGUSR1, count_signal, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	pid_t pid = child();
	if (pid == 0) {
		CHECK_OK(raise(SIGUSR1));
		CHECK_EQ(handled, 1);
		CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &set));
		CHECK_EQ(sigismember(&set, SIGUSR2), 1);
		/* Blocked: the default action must not happen. */
		CHECK_OK(raise(SIGUSR2));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(handled, 0);
}

TEST(proc, fork_three_generations)
{
	static int value = 1;
	pid_t pid = child();

	if (pid == 0) {
		value = 2;
		pid_t grandchild = child();
		if (grandchild == 0) {
			CHECK_EQ(value, 2);
			value = 3;
			pid_t last = child();
			if (last == 0) {
				CHECK_EQ(value, 3);
				value = 4;
				_exit(value);
			}
			expect_exit(last, 4);
			_exit(value);
		}
		expect_exit(grandchild, 3);
		_exit(value);
	}
	expect_exit(pid, 2);
	CHECK_EQ(value, 1);
}

TEST(proc, vfork_shares_memory)
{
	/* The parent sleeps until the child is done: it must see the child's write. */
	pid_t pid = vfork();

	if (pid == 0) {
		struct timespec ts = { .tv_nsec = 20000000 };

		nanosleep(&ts, NULL);
		shared_word = 77;
		_exit(5);
	}
	CHECK_EQ(shared_word, 77);
	expect_exit(pid, 5);
}

/* Nothing but SIGKILL ends the wait for who runs on one's memory: D in /proc/PID/stat. */
TEST(proc, vfork_parent_state)
{
	struct gate gate;
	pid_t pid, own;

	gate_make(&gate);
	pid = child();
	if (!pid) {
		own = vfork();
		if (!own) {
			gate_pass(&gate);
			_exit(0);
		}
		expect_exit(own, 0);
		_exit(0);
	}
	wait_state(pid, "D");
	gate_open(&gate);
	expect_exit(pid, 0);
}

TEST(proc, vfork_exec)
{
	pid_t pid = vfork();

	if (pid == 0) {
		exec_helper("exit", "42");
		_exit(1);
	}
	CHECK(pid > 0);
	expect_exit(pid, 42);
}

TEST(proc, vfork_killed_child)
{
	pid_t pid = vfork();

	if (pid == 0) {
		kill(getpid(), SIGKILL);
		_exit(1);
	}
	expect_signal(pid, SIGKILL);
}

TEST(proc, clone_settid)
{
	int parent_tid = -1;
	static int child_tid = -1;
	long pid = CHECK_OK(sys_clone(SIGCHLD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID, NULL,
				      &parent_tid, &child_tid));

	if (pid == 0) {
		CHECK_EQ(child_tid, syscall(SYS_gettid));
		_exit(0);
	}
	CHECK_EQ(parent_tid, pid);
	CHECK_EQ(child_tid, -1);
	expect_exit((pid_t)pid, 0);
}

TEST(proc, clone_files_shares_table)
{
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	long pid = CHECK_OK(sys_clone(SIGCHLD | CLONE_FILES, NULL, NULL, NULL));

	if (pid == 0) {
		syscall(SYS_close, fd);
		syscall(SYS_dup3, 1, 60, 0);
		_exit(0);
	}
	expect_exit((pid_t)pid, 0);
	CHECK_ERR(fcntl(fd, F_GETFD), EBADF);
	CHECK_OK(fcntl(60, F_GETFD));
}

TEST(proc, clone_fs_shares_cwd_and_umask)
{
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(mkdir("d/inner", 0755));
	long pid = CHECK_OK(sys_clone(SIGCHLD | CLONE_FS, NULL, NULL, NULL));
	if (pid == 0) {
		CHECK_OK(chdir("d"));
		umask(0137);
		_exit(0);
	}
	expect_exit((pid_t)pid, 0);
	CHECK_OK(access("inner", F_OK));
	CHECK_EQ(umask(022), 0137);
}

static int clone_vm_body(void *arg)
{
	shared_word = *(int *)arg;
	return 9;
}

TEST(proc, clone_vm_shares_memory)
{
	static char stack[65536] __attribute__((aligned(16)));
	int value = 1234;
	int pid = (int)CHECK_OK(clone(clone_vm_body, stack + sizeof(stack),
				      CLONE_VM | SIGCHLD, &value));

	expect_exit(pid, 9);
	CHECK_EQ(shared_word, 1234);
}

TEST(proc, clone_bad_flags)
{
	CHECK_ERR(sys_clone(CLONE_SIGHAND | SIGCHLD, NULL, NULL, NULL), EINVAL);
	CHECK_ERR(sys_clone(CLONE_THREAD | SIGCHLD, NULL, NULL, NULL), EINVAL);
	CHECK_ERR(sys_clone(CLONE_THREAD | CLONE_SIGHAND, NULL, NULL, NULL), EINVAL);
	CHECK_ERR(sys_clone(CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL, NULL, NULL), EINVAL);
	CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);
}

TEST(proc, clone_without_exit_signal)
{
	long pid = CHECK_OK(sys_clone(0, NULL, NULL, NULL));
	int status;

	if (pid == 0)
		_exit(3);
	/* A "clone child" is invisible to a plain wait. */
	CHECK_ERR(wait4((pid_t)pid, &status, 0, NULL), ECHILD);
	CHECK_EQ(wait4((pid_t)pid, &status, __WCLONE, NULL), pid);
	CHECK_EQ(status, 3 << 8);
}

TEST(proc, clone_other_exit_signal)
{
	on_signal(SIGUSR1, count_signal, 0);
	long pid = CHECK_OK(sys_clone(SIGUSR1, NULL, NULL, NULL));
	int status;
	if (pid == 0)
		_exit(4);
	pid_t got;
	do {
		got = wait4((pid_t)pid, &status, __WALL, NULL);
	} while (got < 0 && errno == EINTR);
	CHECK_EQ(got, pid);
	CHECK_EQ(status, 4 << 8);
	CHECK_EQ(handled, 1);
}

TEST(proc, clone_parent_makes_sibling)
{
	struct gate gate;
	pid_t middle;

	gate_make(&gate);
	middle = child();
	if (middle == 0) {
		long pid = CHECK_OK(sys_clone(CLONE_PARENT | SIGCHLD, NULL, NULL, NULL));

		if (pid == 0)
			_exit(6);
		CHECK_ERR(waitpid((pid_t)pid, NULL, 0), ECHILD);
		CHECK_EQ(write(gate.fd[1], &pid, sizeof(pid)), sizeof(pid));
		_exit(0);
	}
	long sibling;
	CHECK_EQ(read(gate.fd[0], &sibling, sizeof(sibling)), sizeof(sibling));
	expect_exit(middle, 0);
	expect_exit((pid_t)sibling, 6);
}

static void children_hold(int count)
{
	struct gate gate;
	pid_t *pids = calloc((size_t)count, sizeof(pid_t));
	char c;

	gate_make(&gate);
	for (int i = 0; i < count; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			close(gate.fd[1]);
			/* End of file comes when the parent closes: all are alive until then. */
			CHECK_EQ(read(gate.fd[0], &c, 1), 0);
			_exit(i & 0xff);
		}
	}
	close(gate.fd[1]);
	for (int i = 0; i < count; i++)
		expect_exit(pids[i], i & 0xff);
	CHECK_ERR(wait(NULL), ECHILD);
	free(pids);
}

TEST(proc, children_100_at_once)
{
	children_hold(100);
}

TEST(proc, children_1000_at_once, .mem_mib = 128, .seconds = 600)
{
	children_hold(1000);
}

/* The word of CLONE_CHILD_CLEARTID is for others in the same space: who is alone leaves it. */
TEST(proc, clear_tid_alone)
{
	int *word = mmap(NULL, sizeof(*word), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			 -1, 0);

	CHECK(word != MAP_FAILED);
	for (unsigned long flags = 0; flags <= CLONE_VM; flags += CLONE_VM) {
		*word = 5;
		long pid = CHECK_OK(sys_clone(flags | (flags ? CLONE_VFORK : 0) |
					      CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, word));
		if (pid == 0)
			_exit(0);
		expect_exit((pid_t)pid, 0);
		CHECK_EQ(*word, flags ? 0 : 5);
	}
}

/* What a process had in memory at its end is in its usage: shared, and another's as well. */
TEST(proc, maxrss_at_the_end)
{
	const size_t size = 8 << 20;
	struct rusage usage;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 1, size);
	for (unsigned long flags = 0; flags <= CLONE_VM; flags += CLONE_VM) {
		long pid = CHECK_OK(sys_clone(flags | (flags ? CLONE_VFORK : 0) | SIGCHLD, NULL,
					      NULL, NULL));
		if (pid == 0)
			_exit(0);
		CHECK_EQ(wait4((pid_t)pid, NULL, 0, &usage), pid);
		CHECK_GE(usage.ru_maxrss, size >> 10);
		CHECK(usage.ru_maxrss < 3 * (long)size >> 10);
	}
}

TEST(proc, fork_sequence_500)
{
	for (int i = 0; i < 500; i++) {
		pid_t pid = child();

		if (pid == 0)
			_exit(i & 0x7f);
		expect_exit(pid, i & 0x7f);
	}
}

TEST(proc, fork_storm)
{
	pid_t pids[8];

	for (int i = 0; i < 8; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			for (int j = 0; j < 40; j++) {
				pid_t a = child();
				if (a == 0)
					_exit(1);
				pid_t b = child();
				if (b == 0)
					_exit(2);
				expect_exit(b, 2);
				expect_exit(a, 1);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++)
		expect_exit(pids[i], 0);
}

/* Number of leaves of the tree of processes below this one. */
static int tree_grow(int depth)
{
	pid_t pids[2];

	if (depth == 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		pids[i] = child();
		if (pids[i] == 0)
			_exit(tree_grow(depth - 1));
	}
	expect_exit(pids[0], 1 << (depth - 1));
	expect_exit(pids[1], 1 << (depth - 1));
	return 1 << depth;
}

TEST(proc, fork_tree, .mem_mib = 32)
{
	CHECK_EQ(tree_grow(6), 64);
}

TEST(proc, fork_limit_nproc, .root = true)
{
	struct rlimit limit = { 4, 4 };
	pid_t pid = child();

	if (pid == 0) {
		become_user();
		CHECK_OK(setrlimit(RLIMIT_NPROC, &limit));
		int made = 0;
		for (; made < 10; made++) {
			pid_t one = fork();
			if (one == 0)
				pause();
			if (one < 0)
				break;
		}
		/* This process counts as well. */
		CHECK_EQ(errno, EAGAIN);
		CHECK_EQ(made, 3);
		signal(SIGTERM, SIG_IGN);
		CHECK_OK(kill(-1, SIGTERM));
		while (made-- > 0)
			CHECK_OK(wait(NULL));
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* "processes" of /proc/stat counts all that were ever made. */
static unsigned long forks(void)
{
	char line[512];
	unsigned long n = 0;
	FILE *f = fopen("/proc/stat", "r");

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		sscanf(line, "processes %lu", &n);
	fclose(f);
	return n;
}

TEST(proc, stat_forks)
{
	unsigned long before = forks();

	for (int i = 0; i < 5; i++) {
		pid_t pid = child();

		if (!pid)
			_exit(0);
		expect_exit(pid, 0);
	}
	CHECK_GE(forks(), before + 5);
}
