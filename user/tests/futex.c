/* futex_waitv, futex_wait, futex_wake, futex_requeue: the successors of futex(2). */
#include "ut.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#define SYS_futex_wake	  454
#define SYS_futex_wait	  455
#define SYS_futex_requeue 456
#define U32	    2u
#define PRIVATE	    128u
#define ANY	    0xffffffffUL

static long waitv(const struct futex_waitv *v, unsigned int n, unsigned int flags,
		  const struct timespec *t, int clock)
{
	return syscall(SYS_futex_waitv, v, n, flags, t, clock);
}

static long wake(const void *addr, unsigned long mask, int n, unsigned int flags)
{
	return syscall(SYS_futex_wake, addr, mask, n, flags);
}

static long wait_for(const void *addr, unsigned long value, unsigned long mask, unsigned int flags,
		     const struct timespec *t, int clock)
{
	return syscall(SYS_futex_wait, addr, value, mask, flags, t, clock);
}

static long requeue(const struct futex_waitv *v, unsigned int flags, int nwake, int nmove)
{
	return syscall(SYS_futex_requeue, v, flags, nwake, nmove);
}

/* Words that children share. */
static uint32_t *shared_words(void)
{
	uint32_t *words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
			       0);

	CHECK(words != MAP_FAILED);
	return words;
}

static struct futex_waitv entry(const uint32_t *word, uint32_t value, uint32_t flags)
{
	return (struct futex_waitv){ .val = value, .uaddr = (uintptr_t)word, .flags = flags };
}

static const struct timespec past = { 0, 1 };

/* Wake n of those who wait for a word, or will soon. */
static void wake_all_of(const uint32_t *word, unsigned long mask, int n)
{
	for (int woken = 0; woken < n;)
		woken += (int)CHECK_OK(wake(word, mask, n - woken, U32));
}

/* A child that waits for one of n words which are 0, and exits with what it is told. */
static pid_t waits_for_any(const uint32_t *words, unsigned int n)
{
	pid_t pid = child();

	if (!pid) {
		struct futex_waitv v[FUTEX_WAITV_MAX];

		for (unsigned int i = 0; i < n; i++)
			v[i] = entry(&words[i], 0, U32);
		_exit((int)CHECK_OK(waitv(v, n, 0, NULL, 0)));
	}
	return pid;
}

TEST(futex, any_of_several)
{
	const int which[] = { 0, 1, 63, 127 };
	uint32_t *words = shared_words();

	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		pid_t pid = waits_for_any(words, FUTEX_WAITV_MAX);

		wake_all_of(&words[which[i]], ANY, 1);
		expect_exit(pid, which[i]);
		/* Nobody is left on any of them. */
		for (int at = 0; at < FUTEX_WAITV_MAX; at++)
			CHECK_EQ(wake(&words[at], ANY, 1, U32), 0);
	}
}

TEST(futex, waitv_looks_at_all)
{
	static uint32_t words[3] = { 1, 2, 3 };
	struct futex_waitv v[3];

	for (int i = 0; i < 3; i++)
		v[i] = entry(&words[i], words[i], U32 | PRIVATE);
	CHECK_ERR(waitv(v, 3, 0, &past, CLOCK_MONOTONIC), ETIMEDOUT);
	CHECK_ERR(waitv(v, 3, 0, &past, CLOCK_REALTIME), ETIMEDOUT);
	v[2].val = 4;
	CHECK_ERR(waitv(v, 3, 0, &past, CLOCK_MONOTONIC), EAGAIN);
	CHECK_ERR(waitv(v, 3, 0, NULL, 0), EAGAIN);
	v[0].val = 4;
	CHECK_ERR(waitv(v, 1, 0, NULL, 0), EAGAIN);
	/* The same word twice. */
	v[0] = v[1];
	CHECK_ERR(waitv(v, 2, 0, &past, CLOCK_MONOTONIC), ETIMEDOUT);
}

TEST(futex, waitv_errors)
{
	static uint32_t word;
	struct futex_waitv v[2] = { entry(&word, 1, U32), entry(&word, 1, U32) };
	struct timespec bad = { 0, 1000000000 };

	CHECK_ERR(waitv(v, 1, 1, NULL, 0), EINVAL);
	CHECK_ERR(waitv(v, 0, 0, NULL, 0), EINVAL);
	CHECK_ERR(waitv(v, FUTEX_WAITV_MAX + 1, 0, NULL, 0), EINVAL);
	CHECK_ERR(waitv(NULL, 1, 0, NULL, 0), EINVAL);
	CHECK_ERR(waitv((void *)8, 1, 0, NULL, 0), EFAULT);
	CHECK_ERR(waitv(v, 1, 0, &past, CLOCK_BOOTTIME), EINVAL);
	CHECK_ERR(waitv(v, 1, 0, &bad, CLOCK_MONOTONIC), EINVAL);
	CHECK_ERR(waitv(v, 1, 0, (void *)8, CLOCK_MONOTONIC), EFAULT);
	for (uint32_t flags = 0; flags < 512; flags++) {
		v[1].flags = flags;
		if ((flags & ~PRIVATE) != U32)
			CHECK_ERR(waitv(v, 2, 0, NULL, 0), EINVAL);
	}
	v[1] = entry(&word, 1, U32);
	v[1].__reserved = 1;
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EINVAL);
	v[1].__reserved = 0;
	v[1].val = 1ul << 32 | 1;
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EINVAL);
	v[1] = entry(&word, 1, U32);
	v[1].uaddr++;
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EINVAL);
	v[1].uaddr = 8;
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EFAULT);
	v[1].uaddr = 1ul << 63;
	CHECK_ERR(waitv(v, 2, 0, NULL, 0), EFAULT);
}

TEST(futex, woken_by_bits)
{
	uint32_t *word = shared_words();
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(wait_for(word, 0, 6, U32, NULL, 0));
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_EQ(wake(word, 9, 1, U32), 0);
	CHECK_EQ(wake(word, ANY, 0, U32), 0);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	wake_all_of(word, 4, 1);
	expect_exit(pid, 0);
	/* The old call and the new ones meet. */
	pid = child();
	if (!pid) {
		CHECK_OK(syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL));
		_exit(0);
	}
	wake_all_of(word, 1, 1);
	expect_exit(pid, 0);
	/* Private words are others. */
	pid = child();
	if (!pid) {
		CHECK_OK(wait_for(word, 0, ANY, U32, NULL, 0));
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_EQ(wake(word, ANY, 1, U32 | PRIVATE), 0);
	wake_all_of(word, ANY, 1);
	expect_exit(pid, 0);
}

TEST(futex, wait_errors)
{
	static uint32_t word;
	struct timespec bad = { 0, -1 };

	CHECK_ERR(wait_for(&word, 1, ANY, U32, NULL, 0), EAGAIN);
	CHECK_ERR(wait_for(&word, 0, ANY, U32 | PRIVATE, &past, CLOCK_MONOTONIC), ETIMEDOUT);
	CHECK_ERR(wait_for(&word, 0, ANY, U32 | PRIVATE, &past, CLOCK_REALTIME), ETIMEDOUT);
	CHECK_ERR(wait_for(&word, 0, ANY, U32, &past, CLOCK_TAI), EINVAL);
	CHECK_ERR(wait_for(&word, 0, ANY, U32, &bad, CLOCK_MONOTONIC), EINVAL);
	CHECK_ERR(wait_for(&word, 0, ANY, U32, (void *)8, CLOCK_MONOTONIC), EFAULT);
	CHECK_ERR(wait_for(&word, 0, 0, U32, NULL, 0), EINVAL);
	CHECK_ERR(wait_for(&word, 0, 1ul << 32, U32, NULL, 0), EINVAL);
	CHECK_ERR(wait_for(&word, 1ul << 32, ANY, U32, NULL, 0), EINVAL);
	CHECK_ERR(wait_for((char *)&word + 2, 0, ANY, U32, NULL, 0), EINVAL);
	CHECK_ERR(wait_for((void *)8, 0, ANY, U32, NULL, 0), EFAULT);
	CHECK_ERR(wake(&word, 0, 1, U32), EINVAL);
	CHECK_ERR(wake(&word, 1ul << 32, 1, U32), EINVAL);
	CHECK_ERR(wake((char *)&word + 1, ANY, 1, U32), EINVAL);
	CHECK_ERR(wake((void *)8, ANY, 1, U32), EFAULT);
	for (uint32_t flags = 0; flags < 512; flags++) {
		if ((flags & ~PRIVATE) == U32)
			continue;
		CHECK_ERR(wait_for(&word, 1, ANY, flags, NULL, 0), EINVAL);
		CHECK_ERR(wake(&word, ANY, 1, flags), EINVAL);
	}
}

TEST(futex, requeued)
{
	uint32_t *words = shared_words();
	struct futex_waitv v[2] = { entry(&words[0], 0, U32), entry(&words[1], 7, U32) };
	pid_t pid[3];
	int moved = 0;

	for (int i = 0; i < 3; i++) {
		pid[i] = child();
		if (!pid[i]) {
			CHECK_OK(wait_for(&words[0], 0, ANY, U32, NULL, 0));
			_exit(0);
		}
	}
	while (moved < 3)
		moved += (int)CHECK_OK(requeue(v, 0, 0, 3));
	CHECK_EQ(wake(&words[0], ANY, 3, U32), 0);
	wake_all_of(&words[1], ANY, 3);
	for (int i = 0; i < 3; i++)
		expect_exit(pid[i], 0);
}

/* Who waits for several words may find one of them moved. */
TEST(futex, one_of_several_requeued)
{
	uint32_t *words = shared_words();
	struct futex_waitv v[2] = { entry(&words[1], 0, U32), entry(&words[100], 0, U32) };
	pid_t pid = waits_for_any(words, 3);

	while (!CHECK_OK(requeue(v, 0, 0, 1)))
		;
	CHECK_EQ(wake(&words[1], ANY, 1, U32), 0);
	wake_all_of(&words[100], ANY, 1);
	expect_exit(pid, 1);
	pid = waits_for_any(words, 3);
	while (!CHECK_OK(requeue(v, 0, 0, 1)))
		;
	wake_all_of(&words[2], ANY, 1);
	expect_exit(pid, 2);
	CHECK_EQ(wake(&words[100], ANY, 1, U32), 0);
}

/* From a word to itself: as many are counted as wait, once each, and they stay. */
TEST(futex, requeued_to_itself)
{
	uint32_t *words = shared_words();
	struct futex_waitv v[2] = { entry(&words[0], 0, U32), entry(&words[0], 0, U32) };
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		pid[i] = child();
		if (!pid[i]) {
			CHECK_OK(wait_for(&words[0], 0, ANY, U32, NULL, 0));
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++)
		wait_state(pid[i], "S");
	CHECK_EQ(requeue(v, 0, 0, 2), 2);
	CHECK_EQ(requeue(v, 0, 0, INT_MAX), 3);
	CHECK_EQ(requeue(v, 0, 1, INT_MAX), 3);
	wake_all_of(&words[0], ANY, 2);
	for (int i = 0; i < 3; i++)
		expect_exit(pid[i], 0);
}

TEST(futex, requeue_errors)
{
	static uint32_t words[2];
	struct futex_waitv v[2] = { entry(&words[0], 0, U32), entry(&words[1], 0, U32) };

	CHECK_EQ(requeue(v, 0, 1, 1), 0);
	v[1].flags |= PRIVATE;
	CHECK_ERR(requeue(v, 0, 1, 1), EINVAL);
	v[0].flags |= PRIVATE;
	CHECK_EQ(requeue(v, 0, 1, 1), 0);
	v[0].flags = v[1].flags = U32;
	CHECK_ERR(requeue(v, 1, 1, 1), EINVAL);
	CHECK_ERR(requeue(NULL, 0, 1, 1), EINVAL);
	CHECK_ERR(requeue((void *)8, 0, 1, 1), EFAULT);
	CHECK_ERR(requeue(v, 0, -1, 1), EINVAL);
	CHECK_ERR(requeue(v, 0, 1, -1), EINVAL);
	v[0].val = 1;
	CHECK_ERR(requeue(v, 0, 1, 1), EAGAIN);
	v[0].val = 0;
	v[1].flags = 0;
	CHECK_ERR(requeue(v, 0, 1, 1), EINVAL);
	v[1] = entry(&words[1], 0, U32);
	v[1].uaddr = 8;
	CHECK_ERR(requeue(v, 0, 1, 1), EFAULT);
}

static void ignore(int sig)
{
	(void)sig;
}

/* A signal ends the wait, unless the handler's flags say that it goes on. */
TEST(futex, signals)
{
	uint32_t *words = shared_words();
	pid_t pid;

	on_signal(SIGUSR1, ignore, 0);
	pid = child();
	if (!pid) {
		struct futex_waitv v = entry(&words[0], 0, U32);

		CHECK_ERR(waitv(&v, 1, 0, NULL, 0), EINTR);
		__atomic_store_n(&words[2], 1, __ATOMIC_RELEASE);
		CHECK_ERR(wait_for(&words[0], 0, ANY, U32, NULL, 0), EINTR);
		__atomic_store_n(&words[2], 2, __ATOMIC_RELEASE);
		_exit(0);
	}
	wait_state(pid, "S");
	for (uint32_t n = 1; n <= 2; n++) {
		/* One that comes between the two waits would be lost: so again. */
		while (__atomic_load_n(&words[2], __ATOMIC_ACQUIRE) < n) {
			CHECK_OK(kill(pid, SIGUSR1));
			sched_yield();
		}
	}
	expect_exit(pid, 0);
	on_signal(SIGUSR1, ignore, SA_RESTART);
	pid = child();
	if (!pid) {
		struct futex_waitv v = entry(&words[0], 0, U32);

		CHECK_EQ(waitv(&v, 1, 0, NULL, 0), 0);
		CHECK_OK(wait_for(&words[0], 0, ANY, U32, NULL, 0));
		_exit(0);
	}
	for (int i = 0; i < 2; i++) {
		wait_state(pid, "S");
		CHECK_OK(kill(pid, SIGUSR1));
		wake_all_of(&words[0], ANY, 1);
	}
	expect_exit(pid, 0);
}
