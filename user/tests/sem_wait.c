/* System V semaphores: who waits, wake-ups, removal, signals, SEM_UNDO. */
#include "sem.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

/* A child that does one operation and exits with 0, or with the call's errno. */
static pid_t waiter(int id, int num, int op, int flags)
{
	pid_t pid = child();

	if (!pid)
		_exit(sem_do(id, num, op, flags) ? errno : 0);
	return pid;
}

TEST(sem, wait_down)
{
	int id = sem_new(2);
	pid_t a = waiter(id, 0, -1, 0), b;

	sem_await(id, 0, GETNCNT, 1);
	CHECK_EQ(semctl(id, 0, GETZCNT), 0);
	CHECK_EQ(semctl(id, 1, GETNCNT), 0);
	wait_state(a, "S");
	b = waiter(id, 0, -2, 0);
	sem_await(id, 0, GETNCNT, 2);
	/* Enough for the first only, then for the second only. */
	CHECK_OK(sem_do(id, 0, 1, 0));
	CHECK_EQ(semctl(id, 0, GETPID), a);
	expect_exit(a, 0);
	CHECK_EQ(sem_get(id, 0), 0);
	CHECK_OK(sem_do(id, 0, 1, 0));
	CHECK_EQ(sem_get(id, 0), 1);
	CHECK_EQ(semctl(id, 0, GETNCNT), 1);
	sem_set(id, 0, 5);
	expect_exit(b, 0);
	CHECK_EQ(sem_get(id, 0), 3);
	sem_drop(id);
}

TEST(sem, wait_zero)
{
	unsigned short zeros[2] = {0, 0};
	int id = sem_new(2);
	pid_t a, b;

	sem_set(id, 0, 1);
	a = waiter(id, 0, 0, 0);
	b = waiter(id, 0, 0, 0);
	sem_await(id, 0, GETZCNT, 2);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	CHECK_OK(sem_do(id, 0, 1, 0));
	CHECK_EQ(semctl(id, 0, GETZCNT), 2);
	CHECK_OK(sem_do(id, 0, -2, 0));
	expect_exit(a, 0);
	expect_exit(b, 0);
	CHECK_GE(sem_status(id).sem_otime, 1);
	sem_set(id, 0, 1);
	a = waiter(id, 0, 0, 0);
	sem_await(id, 0, GETZCNT, 1);
	CHECK_OK(semctl(id, 0, SETALL, (union semun){.array = zeros}));
	expect_exit(a, 0);
	sem_drop(id);
}

/* What one waiter does lets another go on, back and forth. */
TEST(sem, wait_chain)
{
	int id = sem_new(4);
	pid_t kids[3];

	for (int i = 0; i < 3; i++) {
		struct sembuf pass[2] = {{(unsigned short)(3 - i), 1, 0},
					 {(unsigned short)(2 - i), -1, 0}};

		kids[i] = child();
		if (!kids[i])
			_exit(semop(id, pass, 2) ? errno : 0);
		sem_await(id, 2 - i, GETNCNT, 1);
	}
	CHECK_OK(sem_do(id, 0, 1, 0));
	for (int i = 0; i < 3; i++)
		expect_exit(kids[i], 0);
	CHECK_EQ(sem_get(id, 3), 1);
	CHECK_EQ(sem_get(id, 0), 0);
	sem_drop(id);
}

/* A waiter counts where it cannot go on; an operation of its that may not wait ends the call. */
TEST(sem, wait_blocking)
{
	struct sembuf ops[2] = {{0, -1, 0}, {1, -1, IPC_NOWAIT}};
	struct sembuf over[2] = {{0, -1, 0}, {1, 32767, 0}};
	int id = sem_new(2);
	pid_t pid = child();

	if (!pid)
		_exit(semop(id, ops, 2) ? errno : 0);
	sem_await(id, 0, GETNCNT, 1);
	CHECK_EQ(semctl(id, 1, GETNCNT), 0);
	CHECK_OK(sem_do(id, 0, 1, 0));
	expect_exit(pid, EAGAIN);
	CHECK_EQ(sem_get(id, 0), 1);
	sem_set(id, 0, 0);
	pid = child();
	if (!pid)
		_exit(semop(id, over, 2) ? errno : 0);
	sem_await(id, 0, GETNCNT, 1);
	sem_set(id, 1, 1);
	CHECK_EQ(semctl(id, 0, GETNCNT), 1);
	sem_set(id, 0, 1);
	expect_exit(pid, ERANGE);
	CHECK_EQ(sem_get(id, 0), 1);
	sem_drop(id);
}

TEST(sem, wait_removed)
{
	int id = sem_new(1);
	pid_t kids[8];

	for (int i = 0; i < 8; i++)
		kids[i] = waiter(id, 0, -1 - i, i & 1 ? SEM_UNDO : 0);
	sem_await(id, 0, GETNCNT, 8);
	sem_drop(id);
	for (int i = 0; i < 8; i++)
		expect_exit(kids[i], EIDRM);
}

static void handler(int sig)
{
	(void)sig;
}

static pid_t restarting(int id, const struct timespec *timeout)
{
	struct sembuf down = {0, -1, 0};
	pid_t pid = child();

	if (pid)
		return pid;
	on_signal(SIGUSR1, handler, SA_RESTART);
	_exit(semtimedop(id, &down, 1, timeout) ? errno : 0);
}

/* Not even SA_RESTART begins the call again. */
TEST(sem, wait_signal)
{
	struct timespec hour = {3600, 0};
	int id = sem_new(1);
	pid_t pid = restarting(id, NULL);

	sem_await(id, 0, GETNCNT, 1);
	CHECK_OK(kill(pid, SIGUSR1));
	expect_exit(pid, EINTR);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	pid = restarting(id, &hour);
	sem_await(id, 0, GETNCNT, 1);
	CHECK_OK(kill(pid, SIGUSR1));
	expect_exit(pid, EINTR);
	pid = waiter(id, 0, -1, 0);
	sem_await(id, 0, GETNCNT, 1);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	sem_drop(id);
}

/* --- SEM_UNDO --- */

TEST(sem, undo_exit)
{
	int id = sem_new(2);
	pid_t pid, taker;

	sem_set(id, 0, 3);
	pid = child();
	if (!pid) {
		CHECK_OK(sem_do(id, 0, -2, SEM_UNDO));
		CHECK_OK(sem_do(id, 0, 1, 0));
		CHECK_OK(sem_do(id, 1, 4, SEM_UNDO));
		CHECK_EQ(sem_get(id, 0), 2);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(sem_get(id, 0), 4);
	CHECK_EQ(sem_get(id, 1), 0);
	CHECK_EQ(semctl(id, 0, GETPID), pid);
	/* However it ends, and whoever waits for it goes on. */
	pid = child();
	if (!pid) {
		CHECK_OK(sem_do(id, 0, -4, SEM_UNDO));
		for (;;)
			pause();
	}
	while (sem_get(id, 0))
		usleep(1000);
	taker = waiter(id, 0, -3, 0);
	sem_await(id, 0, GETNCNT, 1);
	CHECK_OK(kill(pid, SIGKILL));
	expect_exit(taker, 0);
	expect_signal(pid, SIGKILL);
	CHECK_EQ(sem_get(id, 0), 1);
	sem_drop(id);
}

/* The result of an undo stays in the range of values. */
TEST(sem, undo_range)
{
	int id = sem_new(1), i;
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(sem_do(id, 0, 5, SEM_UNDO));
		CHECK_OK(sem_do(id, 0, -3, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(sem_get(id, 0), 0);
	sem_set(id, 0, 5);
	pid = child();
	if (!pid) {
		CHECK_OK(sem_do(id, 0, -5, SEM_UNDO));
		CHECK_OK(sem_do(id, 0, 32767, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(sem_get(id, 0), 32767);
	/* What is to be undone has a range too: -32768..32767. */
	pid = child();
	if (!pid) {
		CHECK_OK(sem_do(id, 0, -32767, SEM_UNDO));
		CHECK_OK(sem_do(id, 0, 1, 0));
		CHECK_ERR(sem_do(id, 0, -1, SEM_UNDO), ERANGE);
		CHECK_EQ(sem_get(id, 0), 1);
		sem_set(id, 0, 0);	/* forgets it */
		for (i = 0; i < 2; i++) {
			CHECK_OK(sem_do(id, 0, 16384, SEM_UNDO));
			CHECK_OK(sem_do(id, 0, -16384, 0));
		}
		CHECK_ERR(sem_do(id, 0, 1, SEM_UNDO), ERANGE);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(sem_get(id, 0), 0);
	sem_drop(id);
}

static void undo_then(int id, union semun arg, int cmd)
{
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(sem_do(id, 0, 2, SEM_UNDO));
		CHECK_OK(sem_do(id, 1, 2, SEM_UNDO));
		CHECK_OK(semctl(id, 0, cmd, arg));
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* Setting a value forgets what was to be undone for it, removal does so for all. */
TEST(sem, undo_set)
{
	unsigned short sevens[2] = {7, 7};
	int id = sem_new(2);

	undo_then(id, (union semun){.val = 7}, SETVAL);
	CHECK_EQ(sem_get(id, 0), 7);
	CHECK_EQ(sem_get(id, 1), 0);
	undo_then(id, (union semun){.array = sevens}, SETALL);
	CHECK_EQ(sem_get(id, 0), 7);
	CHECK_EQ(sem_get(id, 1), 7);
	undo_then(id, (union semun){.val = 0}, IPC_RMID);
}

/* fork does not hand them on, exec keeps them. */
TEST(sem, undo_fork_exec)
{
	int id = sem_new(1);
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(sem_do(id, 0, 3, SEM_UNDO));
		pid = child();
		if (!pid)
			_exit(0);
		expect_exit(pid, 0);
		CHECK_EQ(sem_get(id, 0), 3);
		exec_helper("exit", "42");
		_exit(1);
	}
	expect_exit(pid, 42);
	CHECK_EQ(sem_get(id, 0), 0);
	CHECK_EQ(semctl(id, 0, GETPID), pid);
	sem_drop(id);
}

static int thread_id;

static void *adds_two(void *arg)
{
	CHECK_OK(sem_do(thread_id, 0, 2, SEM_UNDO));
	return arg;
}

/* Threads share theirs: the last one's end counts. */
TEST(sem, undo_threads)
{
	pthread_t thread;
	pid_t pid;

	thread_id = sem_new(1);
	pid = child();
	if (!pid) {
		CHECK_EQ(pthread_create(&thread, NULL, adds_two, NULL), 0);
		CHECK_EQ(pthread_join(thread, NULL), 0);
		CHECK_EQ(sem_get(thread_id, 0), 2);
		CHECK_OK(sem_do(thread_id, 0, -2, SEM_UNDO));
		CHECK_OK(sem_do(thread_id, 0, 1, 0));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(sem_get(thread_id, 0), 1);
	sem_drop(thread_id);
}

/* A process made with CLONE_SYSVSEM shares them as well. */
TEST(sem, undo_clone)
{
	int id = sem_new(1);
	pid_t pid = child();

	if (!pid) {
		long kid = CHECK_OK(syscall(SYS_clone, CLONE_SYSVSEM | SIGCHLD, 0, 0, 0, 0));

		if (!kid) {
			CHECK_OK(sem_do(id, 0, 2, SEM_UNDO));
			_exit(0);
		}
		expect_exit((pid_t)kid, 0);
		CHECK_EQ(sem_get(id, 0), 2);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(sem_get(id, 0), 0);
	sem_drop(id);
}

/* --- many --- */

#define KIDS   12
#define ROUNDS 400

/* A semaphore of 1 is a lock, whatever the number of harts, and with or without undo. */
TEST(sem, many_lock)
{
	volatile long *count = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int id = sem_new(1);
	pid_t kids[KIDS];

	CHECK(count != MAP_FAILED);
	sem_set(id, 0, 1);
	for (int k = 0; k < KIDS; k++) {
		kids[k] = child();
		if (kids[k])
			continue;
		for (int i = 0; i < ROUNDS; i++) {
			CHECK_OK(sem_do(id, 0, -1, k & 1 ? SEM_UNDO : 0));
			count[0]++;
			if (i % 7 == 0)
				sched_yield();
			count[1]++;
			CHECK_EQ(count[0], count[1]);
			CHECK_OK(sem_do(id, 0, 1, k & 1 ? SEM_UNDO : 0));
		}
		_exit(0);
	}
	for (int k = 0; k < KIDS; k++)
		expect_exit(kids[k], 0);
	CHECK_EQ(count[0], KIDS * ROUNDS);
	CHECK_EQ(sem_get(id, 0), 1);
	sem_drop(id);
}

/* Philosophers take two forks at once; some die with them in hand. */
TEST(sem, many_die)
{
	unsigned short ones[KIDS];
	int id = sem_new(KIDS);
	pid_t kids[KIDS];

	for (int k = 0; k < KIDS; k++)
		ones[k] = 1;
	CHECK_OK(semctl(id, 0, SETALL, (union semun){.array = ones}));
	for (int k = 0; k < KIDS; k++) {
		struct sembuf take[2] = {{(unsigned short)k, -1, SEM_UNDO},
					 {(unsigned short)((k + 1) % KIDS), -1, SEM_UNDO}};
		struct sembuf give[2] = {{(unsigned short)k, 1, SEM_UNDO},
					 {(unsigned short)((k + 1) % KIDS), 1, SEM_UNDO}};

		kids[k] = child();
		if (kids[k])
			continue;
		for (int i = 0; i < ROUNDS; i++) {
			CHECK_OK(semop(id, take, 2));
			if (i == ROUNDS / 2 && k % 3 == 0)
				raise(SIGKILL);
			CHECK_OK(semop(id, give, 2));
		}
		_exit(0);
	}
	for (int k = 0; k < KIDS; k++) {
		if (k % 3)
			expect_exit(kids[k], 0);
		else
			expect_signal(kids[k], SIGKILL);
	}
	for (int k = 0; k < KIDS; k++)
		CHECK_EQ(sem_get(id, k), 1);
	sem_drop(id);
}

static pid_t remover(key_t key)
{
	pid_t pid = child();
	int id;

	while (!pid) {
		id = semget(key, 0, 0);
		if (id >= 0)
			(void)semctl(id, 0, IPC_RMID);
		sched_yield();
	}
	return pid;
}

/* Sets come and go while others use them. */
TEST(sem, many_removed)
{
	key_t key = test_key(5);
	pid_t kids[KIDS], removing = remover(key);
	int id;

	for (int k = 0; k < KIDS; k++) {
		kids[k] = child();
		if (kids[k])
			continue;
		for (int i = 0; i < ROUNDS; i++) {
			id = (int)CHECK_OK(semget(key, 2, IPC_CREAT | 0600));
			if (sem_do(id, 0, k & 1 ? 1 : -1, SEM_UNDO) < 0)
				CHECK(errno == EIDRM || errno == EINVAL);
		}
		_exit(0);
	}
	for (int k = 0; k < KIDS; k++)
		expect_exit(kids[k], 0);
	CHECK_OK(kill(removing, SIGKILL));
	expect_signal(removing, SIGKILL);
	id = semget(key, 0, 0);
	if (id >= 0)
		sem_drop(id);
}
