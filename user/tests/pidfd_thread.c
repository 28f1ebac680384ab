/* pidfd: descriptors of single threads (PIDFD_THREAD), also by clone. */
#include "userfault.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define THREAD		O_EXCL		/* PIDFD_THREAD */
#define P_PIDFD_	((idtype_t)3)
#define CLONE_PIDFD_	0x1000

enum { TO_THREAD = 1, TO_PROCESS = 2, TO_GROUP = 4 };

static int open_pidfd(pid_t pid, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int send_to(int fd, int sig, siginfo_t *info, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static int events_of(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

	CHECK_OK(poll(&p, 1, 0));
	return p.revents;
}

/* A thread that says who it is, and ends when told to. */
struct sleeper {
	pthread_t thread;
	pid_t tid;
	int begun, end; /* eventfds */
};

static void number_put(int fd)
{
	uint64_t one = 1;

	CHECK_EQ(write(fd, &one, 8), 8);
}

static void number_take(int fd)
{
	uint64_t n;

	while (read(fd, &n, 8) != 8)
		CHECK_EQ(errno, EINTR);
}

static void *sleep_till_told(void *arg)
{
	struct sleeper *s = arg;

	s->tid = gettid();
	number_put(s->begun);
	number_take(s->end);
	return NULL;
}

static void sleeper_begin(struct sleeper *s)
{
	s->begun = (int)CHECK_OK(eventfd(0, 0));
	s->end = (int)CHECK_OK(eventfd(0, 0));
	s->thread = thread_begin(sleep_till_told, s);
	number_take(s->begun);
}

/* Its thread has left its number: that is told even if nothing is asked for. */
static void hung_up(int fd)
{
	struct pollfd p = {.fd = fd};

	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLHUP);
	CHECK_EQ(events_of(fd), POLLIN | POLLHUP);
}

/* That may be before or after pthread_join returns. */
static void sleeper_end(struct sleeper *s, int fd)
{
	number_put(s->end);
	hung_up(fd);
	CHECK_EQ(pthread_join(s->thread, NULL), 0);
}

static void info_says(int fd, pid_t pid)
{
	char path[64], text[512], want[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file_text(path, text, sizeof(text));
	snprintf(want, sizeof(want), "\nPid:\t%d\n", pid);
	CHECK(strstr(text, want));
}

TEST(pidfd, thread_opens)
{
	struct sleeper s;
	int fd;

	sleeper_begin(&s);
	CHECK_ERR(open_pidfd(s.tid, 0), EINVAL);
	CHECK_ERR(open_pidfd(s.tid, THREAD | 1), EINVAL);
	CHECK_ERR(open_pidfd(0, THREAD), EINVAL);
	CHECK_ERR(open_pidfd(0x3fffffff, THREAD), ESRCH);
	fd = CHECK_OK(open_pidfd(s.tid, THREAD | O_NONBLOCK));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & ~O_LARGEFILE, O_RDWR | O_NONBLOCK | THREAD);
	info_says(fd, s.tid);
	CHECK_OK(fcntl(fd, F_SETFL, 0));
	CHECK_EQ(fcntl(fd, F_GETFL) & ~O_LARGEFILE, O_RDWR | THREAD);
	CHECK_EQ(events_of(fd), 0);
	sleeper_end(&s, fd);
	info_says(fd, -1);
	CHECK_ERR(send_to(fd, 0, NULL, 0), ESRCH);
	CHECK_ERR(send_to(fd, 0, NULL, TO_PROCESS), ESRCH);
	CHECK_OK(close(fd));
	fd = CHECK_OK(open_pidfd(getpid(), THREAD));
	CHECK_EQ(fcntl(fd, F_GETFL) & ~O_LARGEFILE, O_RDWR | THREAD);
	info_says(fd, getpid());
	CHECK_EQ(events_of(fd), 0);
	CHECK_OK(send_to(fd, 0, NULL, 0));
}

static volatile pid_t took;
static volatile int took_code;

static void note(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	took = gettid();
	took_code = info->si_code;
}

static void *signal_own_process(void *arg)
{
	siginfo_t info = {.si_signo = SIGUSR2, .si_code = SI_USER};
	int *fds = arg, own = (int)CHECK_OK(open_pidfd(gettid(), THREAD));

	/* What was made up may go only to the very one who sends it. */
	CHECK_ERR(send_to(fds[0], SIGUSR2, &info, 0), EPERM);
	CHECK_ERR(send_to(fds[1], SIGUSR2, &info, 0), EPERM);
	CHECK_OK(send_to(own, SIGUSR2, &info, TO_THREAD));
	CHECK_EQ(took, gettid());
	took = 0;
	CHECK_ERR(send_to(own, SIGUSR2, &info, TO_GROUP), EPERM);
	info.si_code = SI_TKILL;
	CHECK_OK(send_to(own, SIGUSR2, &info, 0));
	CHECK_EQ(took, gettid());
	return NULL;
}

TEST(pidfd, thread_takes_signals)
{
	struct sigaction act = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	int fds[3];
	struct sleeper s;
	pthread_t other;

	CHECK_OK(sigaction(SIGUSR1, &act, NULL));
	CHECK_OK(sigaction(SIGUSR2, &act, NULL));
	sleeper_begin(&s);
	fds[0] = (int)CHECK_OK(open_pidfd(getpid(), 0));
	fds[1] = (int)CHECK_OK(open_pidfd(getpid(), THREAD));
	fds[2] = (int)CHECK_OK(open_pidfd(s.tid, THREAD));
	CHECK_OK(send_to(fds[1], SIGUSR1, NULL, 0));
	CHECK_EQ(took, getpid());
	CHECK_EQ(took_code, SI_TKILL);
	CHECK_OK(send_to(fds[1], SIGUSR1, NULL, TO_PROCESS));
	CHECK_EQ(took_code, SI_USER);
	took = 0;
	CHECK_OK(send_to(fds[2], SIGUSR1, NULL, TO_PROCESS));
	while (!took)
		sched_yield();
	CHECK_EQ(took_code, SI_USER);
	took = 0;
	CHECK_OK(send_to(fds[2], SIGUSR1, NULL, 0));
	while (!took)
		sched_yield();
	CHECK_EQ(took, s.tid);
	CHECK_EQ(took_code, SI_TKILL);
	CHECK_ERR(send_to(fds[2], SIGUSR1, NULL, TO_GROUP), ESRCH);
	other = thread_begin(signal_own_process, fds);
	CHECK_EQ(pthread_join(other, NULL), 0);
	sleeper_end(&s, fds[2]);
}

/* The number names the group, too: who leads none has none. */
TEST(pidfd, group_is_the_one_it_leads)
{
	pid_t pid = child_pausing();
	int fd = CHECK_OK(open_pidfd(pid, 0));

	CHECK_ERR(send_to(fd, 0, NULL, TO_GROUP), ESRCH);
	CHECK_OK(setpgid(pid, pid));
	CHECK_OK(send_to(fd, SIGKILL, NULL, TO_GROUP));
	expect_signal(pid, SIGKILL);
}

TEST(pidfd, thread_is_no_process)
{
	int mine = CHECK_OK(eventfd(3, 0)), fd, first, copy;
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec page = {p, PAGE};
	siginfo_t info;
	struct sleeper s;
	uint64_t n;

	sleeper_begin(&s);
	fd = CHECK_OK(open_pidfd(s.tid, THREAD));
	first = CHECK_OK(open_pidfd(getpid(), THREAD));
	copy = (int)CHECK_OK(syscall(SYS_pidfd_getfd, fd, mine, 0));
	CHECK_EQ(read(copy, &n, 8), 8);
	CHECK_EQ(n, 3);
	CHECK_ERR(syscall(SYS_pidfd_getfd, fd, 199, 0), EBADF);
	CHECK_ERR(waitid(P_PIDFD_, fd, &info, WEXITED | WNOHANG | __WALL), ECHILD);
	CHECK_ERR(waitid(P_PIDFD_, first, &info, WEXITED | WNOHANG | __WALL), ECHILD);
	CHECK_ERR(syscall(SYS_process_mrelease, fd, 0), ESRCH);
	CHECK_ERR(syscall(SYS_process_mrelease, first, 0), EINVAL);
	CHECK_ERR(syscall(SYS_process_madvise, fd, &page, 1, 20, 0), ESRCH);
	CHECK_OK(syscall(SYS_process_madvise, first, &page, 1, 20, 0));
	sleeper_end(&s, fd);
	CHECK_ERR(syscall(SYS_pidfd_getfd, fd, mine, 0), ESRCH);
}

static void *outlive(void *arg)
{
	for (;;)
		pause();
	return arg;
}

/* The first thread ends, others do not: nothing is told, as one of them may take its place. */
TEST(pidfd, first_thread_ends)
{
	int fd, whole;
	siginfo_t info;
	pid_t pid;

	pid = child();
	if (!pid) {
		thread_begin(outlive, NULL);
		raise(SIGSTOP);
		syscall(SYS_exit, 0);
	}
	CHECK_OK(waitid(P_PID, (id_t)pid, &info, WSTOPPED));
	fd = (int)CHECK_OK(open_pidfd(pid, THREAD));
	whole = (int)CHECK_OK(open_pidfd(pid, 0));
	CHECK_EQ(events_of(fd), 0);
	CHECK_OK(kill(pid, SIGCONT));
	wait_state(pid, "Z");
	CHECK_EQ(events_of(fd), 0);
	CHECK_EQ(events_of(whole), 0);
	CHECK_OK(send_to(fd, SIGTERM, NULL, 0)); /* nobody takes it */
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED | WNOHANG));
	CHECK_EQ(info.si_pid, 0);
	CHECK_EQ(events_of(whole), 0);
	CHECK_OK(send_to(fd, SIGKILL, NULL, TO_PROCESS));
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED | WNOWAIT));
	CHECK_EQ(info.si_status, SIGKILL);
	CHECK_EQ(events_of(fd), POLLIN);
	CHECK_EQ(events_of(whole), POLLIN);
	CHECK_OK(send_to(fd, SIGTERM, NULL, 0));
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED));
	CHECK_EQ(events_of(fd), POLLIN | POLLHUP);
	CHECK_EQ(events_of(whole), POLLIN | POLLHUP);
	CHECK_ERR(send_to(fd, 0, NULL, 0), ESRCH);
}

static void *become_helper(void *arg)
{
	number_take(*(int *)arg);
	exec_helper("pause", "");
	return NULL;
}

/* Another thread than the first executes a program: it is the first from then on. */
TEST(pidfd, thread_executes)
{
	int *share = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int go = CHECK_OK(eventfd(0, 0)), ready = CHECK_OK(eventfd(0, 0)), first, other;
	pid_t pid = child();

	if (!pid) {
		char path[64];

		thread_begin(become_helper, &go);
		/* The other one is told by its task folder. */
		for (pid_t tid = getpid() + 1;; tid++) {
			snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
			if (!access(path, F_OK)) {
				*share = tid;
				break;
			}
		}
		number_put(ready);
		for (;;)
			pause();
	}
	number_take(ready);
	first = (int)CHECK_OK(open_pidfd(pid, THREAD));
	other = (int)CHECK_OK(open_pidfd(*share, THREAD));
	CHECK_EQ(events_of(first), 0);
	CHECK_EQ(events_of(other), 0);
	number_put(go);
	hung_up(other);
	CHECK_ERR(send_to(other, 0, NULL, 0), ESRCH);
	info_says(other, -1);
	CHECK_EQ(events_of(first), 0);
	CHECK_OK(send_to(first, 0, NULL, 0));
	CHECK_OK(send_to(first, SIGKILL, NULL, 0));
	expect_signal(pid, SIGKILL);
}

/* A tracer waits for the thread that a descriptor stands for. */
TEST(pidfd, traced_thread_is_waited_for)
{
	pid_t *tid = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int ready = CHECK_OK(eventfd(0, 0)), fd, first;
	siginfo_t info;
	pid_t pid = child();

	if (!pid) {
		struct sleeper s;

		sleeper_begin(&s);
		*tid = s.tid;
		number_put(ready);
		for (;;)
			pause();
	}
	number_take(ready);
	fd = (int)CHECK_OK(open_pidfd(*tid, THREAD));
	first = (int)CHECK_OK(open_pidfd(pid, THREAD | O_NONBLOCK));
	CHECK_ERR(waitid(P_PIDFD_, fd, &info, WEXITED | WNOHANG | __WALL), ECHILD);
	CHECK_OK(ptrace(PTRACE_SEIZE, *tid, NULL, NULL));
	info.si_pid = 1;
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED | WNOHANG | __WALL));
	CHECK_EQ(info.si_pid, 0);
	CHECK_OK(ptrace(PTRACE_INTERRUPT, *tid, NULL, NULL));
	CHECK_ERR(waitid(P_PIDFD_, first, &info, WEXITED | WSTOPPED), EAGAIN);
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED | WSTOPPED | __WALL));
	CHECK_EQ(info.si_pid, *tid);
	CHECK_EQ(info.si_code, CLD_TRAPPED);
	CHECK_OK(kill(pid, SIGKILL));
	CHECK_OK(waitid(P_PIDFD_, fd, &info, WEXITED | __WALL));
	CHECK_EQ(info.si_pid, *tid);
	CHECK_EQ(info.si_status, SIGKILL);
	CHECK_EQ(events_of(fd), POLLIN | POLLHUP);
	CHECK_ERR(waitid(P_PIDFD_, fd, &info, WEXITED | WNOHANG | __WALL), ECHILD);
	expect_signal(pid, SIGKILL);
}

static int clone_end;

static int cloned(void *arg)
{
	(void)arg;
	number_take(clone_end);
	return 0;
}

#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)

TEST(pidfd, clone_of_a_thread)
{
	static char stack[65536] __attribute__((aligned(16)));
	char *top = stack + sizeof(stack);
	int before = open_descriptors(), fd = -1;
	pid_t tid;

	clone_end = (int)CHECK_OK(eventfd(0, 0));
	CHECK_ERR(clone(cloned, top, THREAD_FLAGS | CLONE_PIDFD_ | 0x400000, NULL, &fd), EINVAL);
	CHECK_ERR(clone(cloned, top, THREAD_FLAGS | CLONE_PIDFD_, NULL, (void *)8), EFAULT);
	CHECK_EQ(open_descriptors(), before + 1);
	tid = (pid_t)CHECK_OK(clone(cloned, top, THREAD_FLAGS | CLONE_PIDFD_, NULL, &fd));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFL) & ~O_LARGEFILE, O_RDWR | THREAD);
	info_says(fd, tid);
	CHECK_EQ(events_of(fd), 0);
	number_put(clone_end);
	hung_up(fd);
}
