/* Threads as pthreads use them: clone, futex, TLS, exit, signals to threads. */
#include "ut.h"

#include <dirent.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

static __thread int tls_word = 5;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static volatile int counter, turn;

static pthread_t thread_start(void *(*fn)(void *), void *arg)
{
	pthread_t t;
	int error = pthread_create(&t, NULL, fn, arg);

	if (error)
		FAIL("pthread_create: %s", strerrorname_np(error));
	return t;
}

static void *thread_end(pthread_t t)
{
	void *result = NULL;

	CHECK_EQ(pthread_join(t, &result), 0);
	return result;
}

static void *return_square(void *arg)
{
	long n = (long)arg;

	return (void *)(n * n);
}

TEST(thread, create_and_join)
{
	for (long i = 0; i < 50; i++)
		CHECK_EQ((long)thread_end(thread_start(return_square, (void *)i)), i * i);
}

TEST(thread, many_at_once)
{
	pthread_t t[40];

	for (long i = 0; i < 40; i++)
		t[i] = thread_start(return_square, (void *)i);
	for (long i = 0; i < 40; i++)
		CHECK_EQ((long)thread_end(t[i]), i * i);
}

static void *tell_ids(void *arg)
{
	pid_t *ids = arg;

	ids[0] = getpid();
	ids[1] = (pid_t)syscall(SYS_gettid);
	ids[2] = getppid();
	return NULL;
}

TEST(thread, ids)
{
	pid_t ids[3];

	thread_end(thread_start(tell_ids, ids));
	CHECK_EQ(ids[0], getpid());
	CHECK(ids[1] != getpid());
	CHECK_EQ(ids[2], getppid());
}

static void *check_tls(void *arg)
{
	CHECK_EQ(tls_word, 5);
	tls_word = (int)(long)arg;
	for (int i = 0; i < 100; i++) {
		sched_yield();
		CHECK_EQ(tls_word, (long)arg);
	}
	return NULL;
}

TEST(thread, local_storage)
{
	pthread_t t[4];

	for (long i = 0; i < 4; i++)
		t[i] = thread_start(check_tls, (void *)(i + 100));
	for (int i = 0; i < 4; i++)
		thread_end(t[i]);
	CHECK_EQ(tls_word, 5);
}

static void *add_under_mutex(void *arg)
{
	for (int i = 0; i < 5000; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

TEST(thread, mutex)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		t[i] = thread_start(add_under_mutex, NULL);
	for (int i = 0; i < 4; i++)
		thread_end(t[i]);
	CHECK_EQ(counter, 20000);
}

static void *add_atomically(void *arg)
{
	for (int i = 0; i < 20000; i++)
		__atomic_fetch_add(&counter, 1, __ATOMIC_RELAXED);
	return arg;
}

TEST(thread, atomics)
{
	pthread_t t[4];

	for (int i = 0; i < 4; i++)
		t[i] = thread_start(add_atomically, NULL);
	for (int i = 0; i < 4; i++)
		thread_end(t[i]);
	CHECK_EQ(counter, 80000);
}

static void *take_turns(void *arg)
{
	int me = (int)(long)arg;

	for (int i = 0; i < 300; i++) {
		pthread_mutex_lock(&mutex);
		while (turn != me)
			pthread_cond_wait(&cond, &mutex);
		turn = 1 - me;
		counter++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

TEST(thread, condition_variable)
{
	pthread_t a = thread_start(take_turns, (void *)0), b = thread_start(take_turns, (void *)1);

	thread_end(a);
	thread_end(b);
	CHECK_EQ(counter, 600);
}

TEST(thread, condition_times_out)
{
	struct timespec ts;

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &ts));
	ts.tv_nsec += 20000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_nsec -= 1000000000;
		ts.tv_sec++;
	}
	pthread_mutex_lock(&mutex);
	CHECK_EQ(pthread_cond_timedwait(&cond, &mutex, &ts), ETIMEDOUT);
	pthread_mutex_unlock(&mutex);
}

static sem_t semaphore;

static void *wait_semaphore(void *arg)
{
	for (int i = 0; i < 100; i++)
		sem_wait(&semaphore);
	return arg;
}

TEST(thread, semaphore)
{
	pthread_t t;

	CHECK_OK(sem_init(&semaphore, 0, 0));
	t = thread_start(wait_semaphore, NULL);
	for (int i = 0; i < 100; i++)
		CHECK_OK(sem_post(&semaphore));
	thread_end(t);
	CHECK_ERR(sem_trywait(&semaphore), EAGAIN);
}

static pthread_barrier_t barrier;

static void *through_barrier(void *arg)
{
	for (int i = 0; i < 30; i++) {
		pthread_barrier_wait(&barrier);
		__atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
		pthread_barrier_wait(&barrier);
		CHECK_EQ(counter, 4 * (i + 1));
	}
	return arg;
}

TEST(thread, barrier)
{
	pthread_t t[4];

	CHECK_EQ(pthread_barrier_init(&barrier, NULL, 4), 0);
	for (int i = 0; i < 4; i++)
		t[i] = thread_start(through_barrier, NULL);
	for (int i = 0; i < 4; i++)
		thread_end(t[i]);
}

static long futex(volatile int *word, int op, int value, const struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

TEST(thread, futex_errors)
{
	static int words[2];
	struct timespec ts = { 0, 10000000 };

	CHECK_ERR(futex(words, FUTEX_WAIT, 1, NULL), EAGAIN);
	CHECK_ERR(futex(words, FUTEX_WAIT_PRIVATE, 0, &ts), ETIMEDOUT);
	CHECK_EQ(futex(words, FUTEX_WAKE, 10, NULL), 0);
	CHECK_ERR(futex((int *)((char *)words + 1), FUTEX_WAIT, 0, NULL), EINVAL);
	CHECK_ERR(futex((int *)((char *)words + 1), FUTEX_WAKE, 1, NULL), EINVAL);
	CHECK_ERR(futex(NULL, FUTEX_WAIT, 0, NULL), EFAULT);
	CHECK_ERR(futex((int *)0xffffffc000000000u, FUTEX_WAIT, 0, NULL), EFAULT);
	CHECK_ERR(futex(words, 99, 0, NULL), ENOSYS);
	ts.tv_nsec = -1;
	CHECK_ERR(futex(words, FUTEX_WAIT, 0, &ts), EINVAL);
}

static void *shared_word(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		FAIL("mmap: %s", strerrorname_np(errno));
	return p;
}

TEST(thread, futex_between_processes)
{
	volatile int *word = shared_word();
	pid_t pid = child();

	if (pid == 0) {
		while (*word == 0)
			futex(word, FUTEX_WAIT, 0, NULL);
		_exit(*word);
	}
	wait_state(pid, "S");
	*word = 42;
	CHECK_EQ(futex(word, FUTEX_WAKE, 1, NULL), 1);
	expect_exit(pid, 42);
}

static void *exit_thread_late(void *arg)
{
	struct timespec ts = { 0, 20000000 };

	nanosleep(&ts, NULL);
	_exit((int)(long)arg);
	return NULL;
}

TEST(thread, exit_group_from_thread)
{
	pid_t pid = child();

	if (pid == 0) {
		thread_start(exit_thread_late, (void *)33);
		for (;;)
			pause();
	}
	expect_exit(pid, 33);
}

static void *spin_forever(void *arg)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
	return arg;
}

static void *sleep_forever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

TEST(thread, exit_ends_all)
{
	/* Threads that run, sleep and wait on a futex all go with the process. */
	pid_t pid = child();

	if (pid == 0) {
		thread_start(spin_forever, NULL);
		thread_start(sleep_forever, NULL);
		pthread_mutex_lock(&mutex);
		thread_start(add_under_mutex, NULL);
		_exit(12);
	}
	expect_exit(pid, 12);
}

TEST(thread, fatal_signal_ends_all)
{
	pid_t pid = child();

	if (pid == 0) {
		thread_start(spin_forever, NULL);
		thread_start(sleep_forever, NULL);
		for (;;)
			pause();
	}
	CHECK_OK(kill(pid, SIGTERM));
	expect_signal(pid, SIGTERM);
}

static void *exec_from_thread(void *arg)
{
	exec_helper("exit", "44");
	_exit(1);
	return arg;
}

TEST(thread, exec_from_thread)
{
	/* The other threads end; the new program has the process's pid. */
	pid_t pid = child();

	if (pid == 0) {
		thread_start(spin_forever, NULL);
		thread_start(exec_from_thread, NULL);
		for (;;)
			pause();
	}
	expect_exit(pid, 44);
}

static void *fork_from_thread(void *arg)
{
	pid_t pid = child();

	if (pid == 0) {
		/* Only this thread lives on in the child. */
		CHECK_EQ(syscall(SYS_gettid), getpid());
		_exit(21);
	}
	expect_exit(pid, 21);
	return arg;
}

TEST(thread, fork_from_thread)
{
	pthread_t busy = thread_start(add_atomically, NULL);

	for (int i = 0; i < 10; i++)
		thread_end(thread_start(fork_from_thread, NULL));
	thread_end(busy);
	CHECK_EQ(counter, 20000);
}

static void *leader_exits_first(void *arg)
{
	struct timespec ts = { 0, 20000000 };

	nanosleep(&ts, NULL);
	_exit((int)(long)arg);
	return NULL;
}

TEST(thread, leader_exits_first)
{
	/* The process lives on until its last thread ends. */
	pid_t pid = child();

	if (pid == 0) {
		thread_start(leader_exits_first, (void *)9);
		syscall(SYS_exit, 1);
	}
	expect_exit(pid, 9);
}

static volatile sig_atomic_t signal_tid;

static void note_tid(int sig)
{
	(void)sig;
	signal_tid = (int)syscall(SYS_gettid);
}

static void *wait_for_signal(void *arg)
{
	*(volatile int *)arg = (int)syscall(SYS_gettid);
	while (signal_tid == 0)
		sched_yield();
	return NULL;
}

TEST(thread, signal_to_one_thread)
{
	volatile int tid = 0;
	pthread_t t;

	on_signal(SIGUSR1, note_tid, 0);
	t = thread_start(wait_for_signal, (void *)&tid);
	while (tid == 0)
		sched_yield();
	CHECK_OK(syscall(SYS_tgkill, getpid(), tid, SIGUSR1));
	thread_end(t);
	CHECK_EQ(signal_tid, tid);
}

TEST(thread, signal_finds_unblocked_thread)
{
	volatile int tid = 0;
	sigset_t set;
	pthread_t t;

	on_signal(SIGUSR1, note_tid, 0);
	t = thread_start(wait_for_signal, (void *)&tid);
	while (tid == 0)
		sched_yield();
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_EQ(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_OK(kill(getpid(), SIGUSR1));
	thread_end(t);
	CHECK_EQ(signal_tid, tid);
}

static void *use_shared_things(void *arg)
{
	/* Descriptors and the working directory belong to the process. */
	CHECK_EQ(open("f", O_RDWR | O_CREAT, 0600), *(int *)arg);
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(chdir("d"));
	return NULL;
}

TEST(thread, shares_files_and_cwd)
{
	int next = (int)CHECK_OK(dup(0));

	CHECK_OK(close(next));
	thread_end(thread_start(use_shared_things, &next));
	CHECK_OK(fcntl(next, F_GETFD));
	CHECK_OK(access("../f", F_OK));
}

static void *use_stack(void *arg)
{
	volatile char big[100000];

	for (size_t i = 0; i < sizeof(big); i += 512)
		big[i] = (char)(i >> 9);
	for (size_t i = 0; i < sizeof(big); i += 512)
		CHECK_EQ(big[i], (char)(i >> 9));
	return arg;
}

TEST(thread, stacks)
{
	pthread_t t[8];

	for (int i = 0; i < 8; i++)
		t[i] = thread_start(use_stack, NULL);
	for (int i = 0; i < 8; i++)
		thread_end(t[i]);
}

static void *detached_done(void *arg)
{
	sem_post(arg);
	return NULL;
}

TEST(thread, detached_leave_nothing)
{
	CHECK_OK(sem_init(&semaphore, 0, 0));
	for (int i = 0; i < 100; i++) {
		CHECK_EQ(pthread_detach(thread_start(detached_done, &semaphore)), 0);
		while (sem_wait(&semaphore) < 0)
			CHECK_EQ(errno, EINTR);
	}
}

static pid_t tid_of_named;

static void *named(void *gates)
{
	struct gate *gate = gates;

	CHECK_OK(prctl(PR_SET_NAME, "named"));
	tid_of_named = gettid();
	gate_open(&gate[0]);
	gate_pass(&gate[1]);
	return NULL;
}

static int tasks_listed(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *e;
	int n = 0;

	CHECK(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.' && (atoi(e->d_name) == getpid() ||
					     atoi(e->d_name) == tid_of_named);
	CHECK_OK(closedir(dir));
	return n;
}

TEST(thread, proc_task)
{
	char path[64], text[2048], want[64];
	struct gate gate[2];
	pthread_t t;

	gate_make(&gate[0]);
	gate_make(&gate[1]);
	CHECK_EQ(tasks_listed(), 1);
	CHECK_EQ(pthread_create(&t, NULL, named, gate), 0);
	gate_pass(&gate[0]);
	CHECK_EQ(tasks_listed(), 2);
	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid_of_named);
	file_text(path, text, sizeof(text));
	CHECK_STR(text, "named\n");
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid_of_named);
	file_text(path, text, sizeof(text));
	snprintf(want, sizeof(want), "\nTgid:\t%d\n", getpid());
	CHECK(strstr(text, want));
	snprintf(want, sizeof(want), "\nPid:\t%d\n", tid_of_named);
	CHECK(strstr(text, want));
	CHECK(strstr(text, "\nThreads:\t2\n"));
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid_of_named);
	file_text(path, text, sizeof(text));
	snprintf(want, sizeof(want), "%d (named) ", tid_of_named);
	CHECK(!strncmp(text, want, strlen(want)));
	/* A thread has no threads of its own, and another's is not ours. */
	snprintf(path, sizeof(path), "/proc/self/task/%d/task", tid_of_named);
	CHECK_ERR(access(path, F_OK), ENOENT);
	snprintf(path, sizeof(path), "/proc/self/task/%d", getppid());
	CHECK_ERR(access(path, F_OK), ENOENT);
	gate_open(&gate[1]);
	CHECK_EQ(pthread_join(t, NULL), 0);
	/* The kernel is done with it a little later. */
	while (tasks_listed() != 1)
		sched_yield();
}
