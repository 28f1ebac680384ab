/* Locks that lend priority: FUTEX_LOCK_PI and what goes with it. */
#include "schedule.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif
#define WAITERS 0x80000000u
#define DIED	0x40000000u

static const struct timespec past = { 0, 1 };

/* What processes share. */
static struct shared {
	volatile uint32_t word, second, gate, flag;
	volatile int order[8], n;
} *s;

static void share(void)
{
	s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK((void *)s != MAP_FAILED);
}

static long fut(volatile uint32_t *word, int op, long value, const void *t)
{
	return syscall(SYS_futex, word, op, value, t, NULL, 0);
}

static long lock(volatile uint32_t *word)
{
	return fut(word, FUTEX_LOCK_PI, 0, NULL);
}

static long unlock(volatile uint32_t *word)
{
	return fut(word, FUTEX_UNLOCK_PI, 0, NULL);
}

static long wait_requeue(volatile uint32_t *word, uint32_t value, const struct timespec *t,
			 volatile uint32_t *to)
{
	return syscall(SYS_futex, word, FUTEX_WAIT_REQUEUE_PI, value, t, to, 0);
}

static long requeue(volatile uint32_t *word, int wake, long move, volatile uint32_t *to,
		    uint32_t value)
{
	return syscall(SYS_futex, word, FUTEX_CMP_REQUEUE_PI, wake, move, to, value);
}

static uint32_t self(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

/* A child that waits for a lock that somebody has, and has reached that. */
static void expect_waits(pid_t pid, volatile uint32_t *word)
{
	while (!(*word & WAITERS))
		sched_yield();
	wait_state(pid, "S");
}

/* A child that waits for the lock, unlocks it and exits with what the word was. */
static pid_t waiter(volatile uint32_t *word)
{
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(lock(word));
		CHECK_EQ(*word & FUTEX_TID_MASK, self());
		CHECK_OK(unlock(word));
		_exit(0);
	}
	expect_waits(pid, word);
	return pid;
}

TEST(futex, pi_word_has_the_owner)
{
	uint32_t word = 0;

	CHECK_OK(lock(&word));
	CHECK_EQ(word, self());
	CHECK_ERR(lock(&word), EDEADLK);
	CHECK_ERR(fut(&word, FUTEX_TRYLOCK_PI, 0, NULL), EDEADLK);
	CHECK_OK(unlock(&word));
	CHECK_EQ(word, 0);
	CHECK_ERR(unlock(&word), EPERM);
	CHECK_OK(fut(&word, FUTEX_TRYLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL));
	CHECK_EQ(word, self());
	CHECK_OK(fut(&word, FUTEX_UNLOCK_PI | FUTEX_PRIVATE_FLAG, 0, NULL));
	/* That the last owner died is for the next one to see. */
	word = DIED;
	CHECK_OK(lock(&word));
	CHECK_EQ(word, DIED | self());
	CHECK_OK(unlock(&word));
	CHECK_EQ(word, 0);
}

TEST(futex, pi_errors)
{
	uint32_t *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct timespec bad = { 0, 1000000000 };
	uint32_t word = 0;
	pid_t pid = child();

	if (!pid)
		_exit(0);
	expect_exit(pid, 0);
	CHECK(page != MAP_FAILED);
	CHECK_ERR(lock((uint32_t *)((char *)&word + 1)), EINVAL);
	CHECK_ERR(unlock((uint32_t *)((char *)&word + 1)), EPERM);
	CHECK_ERR(lock(NULL), EFAULT);
	CHECK_ERR(unlock(NULL), EFAULT);
	CHECK_ERR(lock(page), EFAULT);
	CHECK_ERR(fut(&word, FUTEX_LOCK_PI, 0, &bad), EINVAL);
	CHECK_ERR(fut(&word, FUTEX_LOCK_PI, 0, (void *)8), EFAULT);
	CHECK_ERR(fut(&word, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, NULL), ENOSYS);
	CHECK_ERR(fut(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, NULL), ENOSYS);
	/* Nobody has this number. */
	word = (uint32_t)pid;
	CHECK_ERR(lock(&word), ESRCH);
	word = (uint32_t)pid;
	CHECK_ERR(fut(&word, FUTEX_TRYLOCK_PI, 0, NULL), ESRCH);
	word = (uint32_t)pid;
	CHECK_ERR(unlock(&word), EPERM);
}

TEST(futex, pi_times_out)
{
	struct timespec t;
	uint32_t word = (uint32_t)getppid();

	CHECK_ERR(fut(&word, FUTEX_TRYLOCK_PI, 0, NULL), EAGAIN);
	CHECK_EQ(word, WAITERS | (uint32_t)getppid());
	CHECK_ERR(fut(&word, FUTEX_LOCK_PI, 0, &past), ETIMEDOUT);
	CHECK_ERR(fut(&word, FUTEX_LOCK_PI2, 0, &past), ETIMEDOUT);
	/* A time of CLOCK_REALTIME, of which CLOCK_MONOTONIC is far. */
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &t));
	t.tv_nsec = t.tv_nsec / 2 + 400000000;
	CHECK_ERR(fut(&word, FUTEX_LOCK_PI, 0, &t), ETIMEDOUT);
	CHECK_ERR(fut(&word, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &t), ETIMEDOUT);
	CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &t));
	t.tv_sec++;
	CHECK_ERR(fut(&word, FUTEX_LOCK_PI2, 0, &t), ETIMEDOUT);
	CHECK_EQ(word, WAITERS | (uint32_t)getppid());
}

TEST(futex, pi_is_handed_over)
{
	pid_t pid;

	share();
	CHECK_OK(lock(&s->word));
	pid = waiter(&s->word);
	/* A lock that is waited for is nothing that can be woken. */
	CHECK_ERR(fut(&s->word, FUTEX_WAKE, 1, NULL), EINVAL);
	CHECK_OK(unlock(&s->word));
	expect_exit(pid, 0);
	CHECK_EQ(s->word & ~WAITERS, 0);
}

static void nothing(int sig)
{
	(void)sig;
}

/* Whatever a handler's flags say: the wait goes on. */
TEST(futex, pi_wait_outlives_a_handler)
{
	pid_t pid;

	share();
	on_signal(SIGUSR1, nothing, 0);
	CHECK_OK(lock(&s->word));
	pid = waiter(&s->word);
	for (int i = 0; i < 5; i++) {
		CHECK_OK(kill(pid, SIGUSR1));
		wait_state(pid, "S");
	}
	CHECK_OK(unlock(&s->word));
	expect_exit(pid, 0);
}

/* Take the lock, until the parent waits for it. */
static void own_until_waited_for(void)
{
	CHECK_OK(lock(&s->word));
	s->flag = 1;
	while (!(s->word & WAITERS))
		sched_yield();
	wait_state(getppid(), "S");
}

/* Who waits when the owner dies owns the lock, and is told. */
TEST(futex, pi_owner_dies)
{
	pid_t pid;

	share();
	pid = child();
	if (!pid) {
		own_until_waited_for();
		_exit(0);
	}
	while (!s->flag)
		sched_yield();
	CHECK_OK(lock(&s->word));
	CHECK_EQ(s->word, WAITERS | DIED | self());
	CHECK_OK(unlock(&s->word));
	CHECK_EQ(s->word, 0);
	expect_exit(pid, 0);
}

/* So does a program that is replaced. */
TEST(futex, pi_owner_runs_another_program)
{
	pid_t pid;

	share();
	pid = child();
	if (!pid) {
		own_until_waited_for();
		exec_helper("exit", "0");
	}
	while (!s->flag)
		sched_yield();
	CHECK_OK(lock(&s->word));
	CHECK_EQ(s->word & ~WAITERS, DIED | self());
	CHECK_OK(unlock(&s->word));
	expect_exit(pid, 0);
}

/* Two who wait for one another would do so for ever. */
TEST(futex, pi_deadlock)
{
	pid_t pid;

	share();
	CHECK_OK(lock(&s->word));
	pid = child();
	if (!pid) {
		CHECK_OK(lock(&s->second));
		CHECK_OK(lock(&s->word));
		CHECK_OK(unlock(&s->second));
		_exit(0);
	}
	expect_waits(pid, &s->word);
	CHECK_ERR(lock(&s->second), EDEADLK);
	CHECK_OK(unlock(&s->word));
	CHECK_OK(lock(&s->second));
	expect_exit(pid, 0);
}

/* The kernel and the word do not agree about who the owner is. */
TEST(futex, pi_word_is_forged)
{
	uint32_t was;
	pid_t pid;

	share();
	CHECK_OK(lock(&s->word));
	pid = waiter(&s->word);
	was = s->word;
	s->word = WAITERS | (uint32_t)getppid();
	CHECK_ERR(fut(&s->word, FUTEX_LOCK_PI, 0, &past), EINVAL);
	CHECK_ERR(unlock(&s->word), EPERM);
	s->word = was;
	CHECK_OK(unlock(&s->word));
	expect_exit(pid, 0);
}

/* Who waits for the word as such is not one who waits for the lock. */
TEST(futex, pi_of_a_word_that_is_waited_for)
{
	pid_t pid;

	share();
	s->word = self();
	pid = child();
	if (!pid) {
		CHECK_OK(fut(&s->word, FUTEX_WAIT, s->word, NULL));
		_exit(0);
	}
	wait_state(pid, "S");
	while (syscall(SYS_futex, &s->word, FUTEX_CMP_REQUEUE, 0, 1, &s->word, self()) != 1)
		sched_yield();
	CHECK_ERR(unlock(&s->word), EINVAL);
	s->word = (uint32_t)getppid();
	CHECK_ERR(lock(&s->word), EINVAL);
	CHECK_EQ(fut(&s->word, FUTEX_WAKE, 1, NULL), 1);
	expect_exit(pid, 0);
}

/* By priority, then as they came. */
TEST(futex, pi_most_urgent_first, .root = true)
{
	static const int priority[] = { 1, 5, 5, 9, 0 }, want[] = { 3, 1, 2, 0, 4 };
	pid_t kids[5];

	share();
	CHECK_OK(lock(&s->word));
	for (int i = 0; i < 5; i++) {
		kids[i] = child();
		if (!kids[i]) {
			if (priority[i])
				CHECK_OK(set(0, SCHED_FIFO, priority[i]));
			s->flag = (uint32_t)i + 1;
			CHECK_OK(lock(&s->word));
			s->order[s->n++] = i;
			CHECK_OK(unlock(&s->word));
			_exit(0);
		}
		while (s->flag != (uint32_t)i + 1)
			sched_yield();
		expect_waits(kids[i], &s->word);
	}
	CHECK_OK(unlock(&s->word));
	for (int i = 0; i < 5; i++)
		expect_exit(kids[i], 0);
	for (int i = 0; i < 5; i++)
		CHECK_EQ(s->order[i], want[i]);
}

/* The 18th field of /proc/PID/stat: by what it is scheduled; below 0 as a real-time thread. */
static long priority_of(pid_t pid)
{
	char name[64], text[1024];
	long value;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	file_text(name, text, sizeof(text));
	CHECK_EQ(sscanf(strrchr(text, ')'),
			") %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld",
			&value), 1);
	return value;
}

static pid_t urgent_waiter(volatile uint32_t *word, volatile uint32_t *first, int priority)
{
	pid_t pid = child();

	if (!pid) {
		if (first)
			CHECK_OK(lock(first));
		CHECK_OK(set(0, SCHED_FIFO, priority));
		CHECK_OK(lock(word));
		_exit(0);
	}
	expect_waits(pid, word);
	return pid;
}

static pid_t child_of_priority(long priority)
{
	pid_t pid = child();

	if (!pid) {
		CHECK_EQ(priority_of(getpid()), priority);
		_exit(0);
	}
	return pid;
}

/* What is lent is seen, goes along a chain, follows who waits, and is no property of its own. */
TEST(futex, pi_priority_is_lent, .root = true)
{
	struct sched_param p;
	pid_t one, two;

	share();
	CHECK_OK(lock(&s->word));
	one = urgent_waiter(&s->word, &s->second, 10);
	CHECK_EQ(priority_of(getpid()), -11);
	two = urgent_waiter(&s->second, NULL, 20);
	CHECK_EQ(priority_of(getpid()), -21);
	CHECK_EQ(priority_of(one), -21);
	CHECK_EQ(sched_getscheduler(0), SCHED_OTHER);
	CHECK_OK(sched_getparam(0, &p));
	CHECK_EQ(p.sched_priority, 0);
	/* A child begins with what was set. */
	expect_exit(child_of_priority(20), 0);
	CHECK_OK(set(two, SCHED_FIFO, 30));
	CHECK_EQ(priority_of(getpid()), -31);
	CHECK_OK(set(0, SCHED_FIFO, 40));
	CHECK_EQ(priority_of(getpid()), -41);
	CHECK_OK(set(0, SCHED_OTHER, 0));
	CHECK_EQ(priority_of(getpid()), -31);
	CHECK_OK(kill(two, SIGKILL));
	expect_signal(two, SIGKILL);
	CHECK_EQ(priority_of(getpid()), -11);
	CHECK_OK(unlock(&s->word));
	CHECK_EQ(priority_of(getpid()), 20);
	expect_exit(one, 0);
}

/* Holds a lock, takes another, and gives back both when it is told to. */
static pid_t holder(volatile uint32_t *held, volatile uint32_t *also, int priority)
{
	pid_t pid = child();

	if (pid) {
		wait_state(pid, "S");
		return pid;
	}
	CHECK_OK(set(0, SCHED_FIFO, priority));
	CHECK_OK(lock(held));
	if (also)
		CHECK_OK(lock(also));
	else
		fut(&s->gate, FUTEX_WAIT, 0, NULL);
	if (also)
		CHECK_OK(unlock(also));
	CHECK_OK(unlock(held));
	_exit(0);
}

/*
 * On one processor: one of priority 10 has a lock that one of 30 waits for, through one of 15 if
 * chained. One of 20 runs until that is over; so it would never be without lending.
 */
static void inversion(bool chained)
{
	pid_t low, between = 0, urgent, middle;

	share();
	one_processor();
	CHECK_OK(set(0, SCHED_FIFO, 50));
	low = holder(&s->word, NULL, 10);
	if (chained)
		between = holder(&s->second, &s->word, 15);
	middle = child();
	if (!middle) {
		CHECK_OK(set(0, SCHED_FIFO, 20));
		while (!s->flag)
			;
		_exit(0);
	}
	urgent = child();
	if (!urgent) {
		volatile uint32_t *word = chained ? &s->second : &s->word;

		CHECK_OK(set(0, SCHED_FIFO, 30));
		CHECK_OK(lock(word));
		s->flag = 1;
		CHECK_OK(unlock(word));
		_exit(0);
	}
	wait_state(urgent, "S");
	/* Now the lock's owner could run, but for the one of 20. */
	s->gate = 1;
	CHECK_EQ(fut(&s->gate, FUTEX_WAKE, 1, NULL), 1);
	expect_exit(urgent, 0);
	expect_exit(middle, 0);
	expect_exit(low, 0);
	if (chained)
		expect_exit(between, 0);
}

TEST(futex, pi_ends_an_inversion, .root = true)
{
	inversion(false);
}

TEST(futex, pi_ends_a_chained_inversion, .root = true)
{
	inversion(true);
}

TEST(futex, pi_requeue_errors)
{
	uint32_t a = 0, b = 0;

	CHECK_ERR(wait_requeue(&a, 0, NULL, &a), EINVAL);
	CHECK_ERR(wait_requeue(&a, 1, NULL, &b), EAGAIN);
	CHECK_ERR(wait_requeue(&a, 0, &past, &b), ETIMEDOUT);
	CHECK_ERR(wait_requeue(&a, 0, &past, NULL), EFAULT);
	CHECK_ERR(requeue(&a, 0, 0, &b, 0), EINVAL);
	CHECK_ERR(requeue(&a, 2, 0, &b, 0), EINVAL);
	CHECK_ERR(requeue(&a, 1, -1, &b, 0), EINVAL);
	CHECK_ERR(requeue(&a, 1, 0, &a, 0), EINVAL);
	CHECK_ERR(requeue(&a, 1, 0, &b, 1), EAGAIN);
	CHECK_EQ(requeue(&a, 1, 5, &b, 0), 0);
	CHECK_EQ(b, 0);
}

static pid_t requeue_waiter(volatile uint32_t *word, volatile uint32_t *to)
{
	pid_t pid = child();

	if (!pid) {
		__atomic_fetch_add(&s->flag, 1, __ATOMIC_RELAXED);
		CHECK_OK(wait_requeue(word, 0, NULL, to));
		CHECK_EQ(*to & FUTEX_TID_MASK, self());
		s->n++;
		CHECK_OK(unlock(to));
		_exit(0);
	}
	return pid;
}

/* The first gets a lock that is free, the others wait for it. */
TEST(futex, pi_requeued_get_the_lock)
{
	pid_t kids[3];
	int moved = 0;

	share();
	for (int i = 0; i < 3; i++)
		kids[i] = requeue_waiter(&s->gate, &s->word);
	while (s->flag < 3)
		sched_yield();
	for (int i = 0; i < 3; i++)
		wait_state(kids[i], "S");
	/* They can only be requeued, and only to the lock that they named. */
	CHECK_ERR(fut(&s->gate, FUTEX_WAKE, 1, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_futex, &s->gate, FUTEX_CMP_REQUEUE, 0, 1, &s->word, 0), EINVAL);
	CHECK_ERR(requeue(&s->gate, 1, 1, &s->second, 0), EINVAL);
	CHECK_OK(lock(&s->word));
	CHECK_EQ(requeue(&s->gate, 1, 0, &s->word, 0), 1);
	CHECK_EQ(s->n, 0);
	CHECK_EQ(s->word, WAITERS | self());
	CHECK_OK(unlock(&s->word));
	while (moved < 2)
		moved += (int)CHECK_OK(requeue(&s->gate, 1, 10, &s->word, 0));
	CHECK_EQ(moved, 2);
	for (int i = 0; i < 3; i++)
		expect_exit(kids[i], 0);
	CHECK_EQ(s->n, 3);
	CHECK_EQ(s->word & ~WAITERS, 0);
}

/* A handler ends the wait for the second lock, as the first word is not waited for any more. */
TEST(futex, pi_requeued_and_interrupted)
{
	pid_t pid;

	share();
	on_signal(SIGUSR1, nothing, SA_RESTART);
	CHECK_OK(lock(&s->word));
	pid = child();
	if (!pid) {
		CHECK_ERR(wait_requeue(&s->gate, 0, NULL, &s->word), EAGAIN);
		_exit(0);
	}
	wait_state(pid, "S");
	while (requeue(&s->gate, 1, 0, &s->word, 0) != 1)
		sched_yield();
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGUSR1));
	expect_exit(pid, 0);
	CHECK_OK(unlock(&s->word));
}

static pthread_mutex_t mutex;
static volatile int sum;

static void *adds(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		CHECK_EQ(pthread_mutex_lock(&mutex), 0);
		sum++;
		CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	}
	return arg;
}

static void *dies_with_it(void *arg)
{
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	sum = 1;
	return arg;
}

static void mutex_make(bool robust)
{
	pthread_mutexattr_t a;

	CHECK_EQ(pthread_mutexattr_init(&a), 0);
	CHECK_EQ(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT), 0);
	if (robust)
		CHECK_EQ(pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST), 0);
	CHECK_EQ(pthread_mutex_init(&mutex, &a), 0);
}

/* The C library's mutexes stand on it. */
TEST(futex, pi_mutex_of_pthreads)
{
	pthread_t t[4];

	mutex_make(false);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, adds, NULL), 0);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
	CHECK_EQ(sum, 8000);
	CHECK_EQ(pthread_mutex_destroy(&mutex), 0);
}

TEST(futex, pi_robust_mutex_of_pthreads)
{
	pthread_t t;

	mutex_make(true);
	CHECK_EQ(pthread_create(&t, NULL, dies_with_it, NULL), 0);
	while (!sum)
		sched_yield();
	CHECK_EQ(pthread_mutex_lock(&mutex), EOWNERDEAD);
	CHECK_EQ(pthread_mutex_consistent(&mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_EQ(pthread_mutex_lock(&mutex), 0);
	CHECK_EQ(pthread_mutex_unlock(&mutex), 0);
	CHECK_EQ(pthread_mutex_destroy(&mutex), 0);
}
