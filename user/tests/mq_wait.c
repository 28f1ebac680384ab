/* POSIX message queues: who waits, until when, who is told, signals. */
#include "mq.h"

#include <sched.h>
#include <time.h>

/* A child that receives one message and exits with its size, or 100 + the call's errno. */
static pid_t receiver(mqd_t q)
{
	char text[MQ_SIZE];
	pid_t pid = child();
	ssize_t n;

	if (pid)
		return pid;
	n = mq_receive(q, text, sizeof(text), NULL);
	_exit(n < 0 ? 100 + errno : (int)n);
}

static pid_t sender(mqd_t q, size_t n, unsigned int priority)
{
	pid_t pid = child();

	if (!pid)
		_exit(mq_put(q, n, priority) ? 100 + errno : 0);
	return pid;
}

TEST(mq, wait_receive)
{
	mqd_t q = mq_new(2, 0);
	pid_t a = receiver(q), b;

	wait_state(a, "S");
	b = receiver(q);
	wait_state(b, "S");
	/* It goes to who waits longest, and never is in the queue. */
	CHECK_OK(mq_put(q, 7, 1));
	CHECK_EQ(mq_count(q), 0);
	expect_exit(a, 7);
	CHECK_OK(mq_put(q, 8, 1));
	expect_exit(b, 8);
	CHECK_EQ(mq_count(q), 0);
	mq_drop(q);
}

TEST(mq, wait_send)
{
	mqd_t q = mq_new(2, 0);
	pid_t a, b;

	CHECK_OK(mq_put(q, 1, 1));
	CHECK_OK(mq_put(q, 2, 1));
	a = sender(q, 3, 9);
	wait_state(a, "S");
	b = sender(q, 4, 1);
	wait_state(b, "S");
	mq_expect(q, 1, 1);
	expect_exit(a, 0);
	CHECK_EQ(mq_count(q), 2);
	mq_expect(q, 3, 9);
	expect_exit(b, 0);
	mq_expect(q, 2, 1);
	mq_expect(q, 4, 1);
	CHECK_EQ(mq_count(q), 0);
	mq_drop(q);
}

static struct timespec in_ms(long ms)
{
	struct timespec t;

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &t));
	t.tv_nsec += ms * 1000000;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

static bool passed(const struct timespec *until)
{
	struct timespec now;

	CHECK_OK(clock_gettime(CLOCK_REALTIME, &now));
	return now.tv_sec > until->tv_sec ||
	       (now.tv_sec == until->tv_sec && now.tv_nsec >= until->tv_nsec);
}

TEST(mq, timeout)
{
	struct timespec until, past = {0, 0}, bad = {0, 1000000000}, negative = {-1, 0};
	mqd_t q = mq_new(1, 0);
	char text[MQ_SIZE];

	until = in_ms(30);
	CHECK_ERR(mq_timedreceive(q, text, sizeof(text), NULL, &until), ETIMEDOUT);
	CHECK(passed(&until));
	CHECK_ERR(mq_timedreceive(q, text, sizeof(text), NULL, &past), ETIMEDOUT);
	CHECK_ERR(mq_timedreceive(q, text, sizeof(text), NULL, &bad), EINVAL);
	CHECK_ERR(mq_timedreceive(q, text, sizeof(text), NULL, &negative), EINVAL);
	/* What need not wait does not look at the time, but at its form. */
	CHECK_OK(mq_timedsend(q, "abc", 3, 1, &past));
	CHECK_ERR(mq_timedsend(q, "abc", 3, 1, &past), ETIMEDOUT);
	until = in_ms(30);
	CHECK_ERR(mq_timedsend(q, "abc", 3, 1, &until), ETIMEDOUT);
	CHECK(passed(&until));
	CHECK_EQ(mq_timedreceive(q, text, sizeof(text), NULL, &past), 3);
	CHECK_ERR(mq_timedsend(q, "abc", 3, 1, &bad), EINVAL);
	CHECK_EQ(mq_count(q), 0);
	mq_drop(q);
}

/* The time is one of a clock that can be set while somebody waits for it. */
TEST(mq, timeout_clock_set, .root = true)
{
	struct timespec until, now, back;
	mqd_t q = mq_new(1, 0);
	char text[MQ_SIZE];
	pid_t pid;
	int status;

	until = in_ms(3600 * 1000);
	pid = child();
	if (!pid) {
		CHECK_ERR(mq_timedreceive(q, text, sizeof(text), NULL, &until), ETIMEDOUT);
		_exit(0);
	}
	wait_state(pid, "S");
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &now));
	now.tv_sec += 3601;
	CHECK_OK(clock_settime(CLOCK_REALTIME, &now));
	status = status_of(pid);
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &back));
	back.tv_sec -= 3601;
	CHECK_OK(clock_settime(CLOCK_REALTIME, &back));
	CHECK_EQ(status, 0);
	mq_drop(q);
}

static volatile sig_atomic_t got_signal, got_code, got_value, got_pid, got_uid;

static void told(int sig, siginfo_t *info, void *context)
{
	(void)context;
	got_signal = sig;
	got_code = info->si_code;
	got_value = info->si_value.sival_int;
	got_pid = info->si_pid;
	got_uid = (sig_atomic_t)info->si_uid;
}

static void handler(int sig)
{
	(void)sig;
}

TEST(mq, wait_signal)
{
	mqd_t q = mq_new(1, 0);
	pid_t pid;

	on_signal(SIGUSR1, handler, 0);
	on_signal(SIGUSR2, handler, SA_RESTART);
	pid = receiver(q);
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGUSR2));
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGUSR1));
	expect_exit(pid, 100 + EINTR);
	pid = receiver(q);
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_OK(mq_put(q, 2, 0));
	CHECK_EQ(mq_count(q), 1);
	pid = sender(q, 1, 0);
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGUSR1));
	expect_exit(pid, 100 + EINTR);
	pid = sender(q, 1, 0);
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	mq_expect(q, 2, 0);
	CHECK_EQ(mq_count(q), 0);
	mq_drop(q);
}

/* --- mq_notify --- */

static struct sigevent usr1(void)
{
	struct sigevent e = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct sigaction action = {.sa_sigaction = told, .sa_flags = SA_SIGINFO};

	e.sigev_value.sival_int = 4711;
	CHECK_OK(sigaction(SIGUSR1, &action, NULL));
	got_signal = 0;
	return e;
}

TEST(mq, notify)
{
	mqd_t q = mq_new(4, 0);
	struct sigevent e = usr1();
	pid_t pid;

	CHECK_OK(mq_notify(q, &e));
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_EQ(got_signal, SIGUSR1);
	CHECK_EQ(got_code, SI_MESGQ);
	CHECK_EQ(got_value, 4711);
	CHECK_EQ(got_pid, getpid());
	CHECK_EQ(got_uid, (int)getuid());
	/* Once, and only when it was empty. */
	got_signal = 0;
	CHECK_OK(mq_notify(q, &e));
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_EQ(got_signal, 0);
	mq_expect(q, 1, 0);
	mq_expect(q, 1, 0);
	CHECK_EQ(got_signal, 0);
	/* Who waits for a message comes first. */
	pid = receiver(q);
	wait_state(pid, "S");
	CHECK_OK(mq_put(q, 3, 0));
	expect_exit(pid, 3);
	CHECK_EQ(got_signal, 0);
	pid = sender(q, 1, 0);
	expect_exit(pid, 0);
	CHECK_EQ(got_signal, SIGUSR1);
	CHECK_EQ(got_pid, pid);
	got_signal = 0;
	mq_expect(q, 1, 0);
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_EQ(got_signal, 0);
	mq_drop(q);
}

TEST(mq, notify_one)
{
	struct sigevent e = usr1(), none = {.sigev_notify = SIGEV_NONE}, bad = e;
	mqd_t q = mq_new(4, 0), other;
	pid_t pid;

	bad.sigev_notify = 99;
	CHECK_ERR(mq_notify(q, &bad), EINVAL);
	bad.sigev_notify = SIGEV_THREAD_ID;
	CHECK_ERR(mq_notify(q, &bad), EINVAL);
	bad.sigev_notify = SIGEV_SIGNAL;
	bad.sigev_signo = 65;
	CHECK_ERR(mq_notify(q, &bad), EINVAL);
	bad.sigev_signo = -1;
	CHECK_ERR(mq_notify(q, &bad), EINVAL);
	CHECK_OK(mq_notify(q, &none));
	CHECK_ERR(mq_notify(q, &e), EBUSY);
	pid = child();
	if (!pid) {
		CHECK_ERR(mq_notify(q, &e), EBUSY);
		/* Another's it does not take away, nor does a close here. */
		CHECK_OK(mq_notify(q, NULL));
		CHECK_OK(mq_close(q));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_ERR(mq_notify(q, &e), EBUSY);
	/* SIGEV_NONE ends like any other. */
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_OK(mq_notify(q, &e));
	CHECK_OK(mq_notify(q, NULL));
	mq_expect(q, 1, 0);
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_EQ(got_signal, 0);
	mq_expect(q, 1, 0);
	/* Any close of the queue by its process ends it. */
	CHECK_OK(mq_notify(q, &e));
	other = (mqd_t)CHECK_OK(mq_open(mq_name(0), O_RDONLY));
	CHECK_OK(mq_close(other));
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_EQ(got_signal, 0);
	/* And so does the end of the process. */
	pid = child();
	if (!pid) {
		CHECK_OK(mq_notify(q, &e));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(mq_notify(q, &none));
	mq_drop(q);
}

/* Another program of the process is not told, even if the descriptor stays. */
TEST(mq, notify_exec)
{
	mqd_t q = mq_new(4, 0);
	struct sigevent e = usr1();
	struct gate gate;
	pid_t pid;
	char end;

	gate_make(&gate);
	pid = child();
	if (!pid) {
		CHECK_OK(fcntl(q, F_SETFD, 0));
		CHECK_OK(mq_notify(q, &e));
		exec_helper("pause", "");
		_exit(1);
	}
	/* The gate's ends close with the exec. */
	CHECK_OK(close(gate.fd[1]));
	CHECK_EQ(read(gate.fd[0], &end, 1), 0);
	CHECK_OK(close(gate.fd[0]));
	wait_state(pid, "S");
	CHECK_ERR(mq_notify(q, &e), EBUSY);
	CHECK_OK(mq_put(q, 1, 0));
	CHECK_OK(mq_notify(q, &e));
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGTERM));
	expect_signal(pid, SIGTERM);
	mq_drop(q);
}

#define PAIRS  4
#define ROUNDS 300

/* Many senders and receivers at once: every message comes once, and each sender's in order. */
TEST(mq, many)
{
	mqd_t q = mq_new(3, 0);
	uint32_t next[PAIRS] = {0}, m[2];
	pid_t kids[PAIRS];

	for (uint32_t k = 0; k < PAIRS; k++) {
		kids[k] = child();
		if (kids[k])
			continue;
		for (uint32_t i = 0; i < ROUNDS; i++) {
			m[0] = k;
			m[1] = i;
			CHECK_OK(mq_send(q, (char *)m, sizeof(m), 0));
		}
		_exit(0);
	}
	for (int i = 0; i < PAIRS * ROUNDS; i++) {
		char text[MQ_SIZE];

		CHECK_EQ(mq_receive(q, text, sizeof(text), NULL), sizeof(m));
		memcpy(m, text, sizeof(m));
		CHECK(m[0] < PAIRS);
		CHECK_EQ(m[1], next[m[0]]);
		next[m[0]]++;
	}
	for (int k = 0; k < PAIRS; k++)
		expect_exit(kids[k], 0);
	CHECK_EQ(mq_count(q), 0);
	mq_drop(q);
}

/* Who asked to be told, and ended before its descriptors, is forgotten with the queue. */
TEST(mq, notify_and_exit_with_shared_files)
{
	for (int i = 0; i < 100; i++) {
		mqd_t q = mq_new(1, 0);
		struct sigevent event = {.sigev_notify = SIGEV_NONE};
		long pid = CHECK_OK(syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, NULL, NULL, NULL));

		if (!pid) {
			CHECK_OK(mq_notify(q, &event));
			_exit(0);
		}
		expect_exit((pid_t)pid, 0);
		mq_drop(q);
	}
}
