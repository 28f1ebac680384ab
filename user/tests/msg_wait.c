/* System V message queues: who waits, wake-ups, removal, signals. */
#include "msg.h"

/* A child that receives one message and exits with its size, or 100 + the call's errno. */
static pid_t receiver(int id, long type, size_t size, int flags)
{
	pid_t pid = child();
	struct text t;
	long n;

	if (pid)
		return pid;
	n = msgrcv(id, &t, size, type, flags);
	_exit(n < 0 ? 100 + errno : (int)n);
}

static pid_t sender(int id, long type, size_t size)
{
	pid_t pid = child();

	if (!pid)
		_exit(msg_send(id, type, size, 0) ? 100 + errno : 0);
	return pid;
}

TEST(msg, wait_receive)
{
	int id = msg_new();
	pid_t a = receiver(id, 5, 100, 0), b = receiver(id, -3, 100, 0), c;

	wait_state(a, "S");
	wait_state(b, "S");
	CHECK_OK(msg_send(id, 4, 4, 0));
	CHECK_EQ(msg_status(id).msg_qnum, 1);
	CHECK_OK(msg_send(id, 3, 3, 0));
	expect_exit(b, 3);
	CHECK_EQ(msg_status(id).msg_lrpid, b);
	CHECK_OK(msg_send(id, 5, 5, 0));
	expect_exit(a, 5);
	CHECK_EQ(msg_status(id).msg_qnum, 1);
	c = receiver(id, 4, 100, MSG_EXCEPT);
	wait_state(c, "S");
	CHECK_OK(msg_send(id, 4, 4, 0));
	CHECK_OK(msg_send(id, 6, 6, 0));
	expect_exit(c, 6);
	CHECK_EQ(msg_status(id).msg_qnum, 2);
	msg_drop(id);
}

/* One that is too large ends the wait of who has no room, and stays. */
TEST(msg, wait_receive_size)
{
	int id = msg_new();
	pid_t a = receiver(id, 0, 9, 0), b;

	wait_state(a, "S");
	CHECK_OK(msg_send(id, 1, 10, 0));
	expect_exit(a, 100 + E2BIG);
	CHECK_EQ(msg_status(id).msg_qnum, 1);
	msg_expect(id, 0, 0, 1, 10);
	a = receiver(id, 0, 9, 0);
	wait_state(a, "S");
	b = receiver(id, 0, 9, MSG_NOERROR);
	wait_state(b, "S");
	CHECK_OK(msg_send(id, 1, 10, 0));
	expect_exit(a, 100 + E2BIG);
	expect_exit(b, 9);
	CHECK_EQ(msg_status(id).msg_qnum, 0);
	msg_drop(id);
}

TEST(msg, wait_send, .root = true)
{
	int id = msg_new();
	struct msqid_ds ds;
	pid_t a, b;

	CHECK_OK(msg_send(id, 1, 8192, 0));
	CHECK_OK(msg_send(id, 2, 8192, 0));
	a = sender(id, 3, 8192);
	wait_state(a, "S");
	CHECK_EQ(msg_status(id).msg_qnum, 2);
	msg_expect(id, 1, 0, 1, 8192);
	expect_exit(a, 0);
	CHECK_EQ(msg_status(id).msg_lspid, a);
	b = sender(id, 4, 10);
	wait_state(b, "S");
	/* More room by IPC_SET will do as well. */
	ds = msg_status(id);
	CHECK_EQ(ds.msg_qnum, 2);
	ds.msg_qbytes = 20000;
	CHECK_OK(msgctl(id, IPC_SET, &ds));
	expect_exit(b, 0);
	CHECK_EQ(msg_status(id).msg_qnum, 3);
	msg_expect(id, 4, 0, 4, 10);
	msg_drop(id);
}

TEST(msg, wait_removed)
{
	int id = msg_new();
	pid_t kids[8];

	for (int i = 0; i < 4; i++) {
		kids[i] = receiver(id, 7, 100, 0);
		wait_state(kids[i], "S");
	}
	CHECK_OK(msg_send(id, 1, 8192, 0));
	CHECK_OK(msg_send(id, 2, 8192, 0));
	for (int i = 4; i < 8; i++) {
		kids[i] = sender(id, 3, 1);
		wait_state(kids[i], "S");
	}
	msg_drop(id);
	for (int i = 0; i < 8; i++)
		expect_exit(kids[i], 100 + EIDRM);
}

static void handler(int sig)
{
	(void)sig;
}

/* Not even SA_RESTART begins the call again; a stop does not end it. */
TEST(msg, wait_signal)
{
	int id = msg_new();
	pid_t pid;

	on_signal(SIGUSR1, handler, SA_RESTART);
	pid = receiver(id, 0, 100, 0);
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGSTOP));
	wait_state(pid, "T");
	CHECK_OK(kill(pid, SIGCONT));
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGUSR1));
	expect_exit(pid, 100 + EINTR);
	CHECK_OK(msg_send(id, 1, 8192, 0));
	CHECK_OK(msg_send(id, 1, 8192, 0));
	pid = sender(id, 1, 1);
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGUSR1));
	expect_exit(pid, 100 + EINTR);
	pid = sender(id, 1, 1);
	wait_state(pid, "S");
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	msg_expect(id, 0, 0, 1, 8192);
	CHECK_EQ(msg_status(id).msg_qnum, 1);
	msg_drop(id);
}

#define PAIRS  6
#define ROUNDS 300

static void send_all(int id, int k)
{
	struct text t;

	for (int i = 0; i < ROUNDS; i++) {
		t.type = k + 1;
		memset(t.text, i, sizeof(t.text));
		memcpy(t.text, &i, sizeof(i));
		CHECK_OK(msgsnd(id, &t, 4 + (size_t)(i * 37 % 2000), 0));
	}
	_exit(0);
}

static void receive_all(int id, int k)
{
	struct text t;

	for (int i = 0; i < ROUNDS; i++) {
		int size = 4 + i * 37 % 2000, n;

		CHECK_EQ(msgrcv(id, &t, sizeof(t.text), k + 1, 0), size);
		memcpy(&n, t.text, sizeof(n));
		CHECK_EQ(n, i);
		for (int at = 4; at < size; at++)
			CHECK_EQ(t.text[at], (char)i);
	}
	_exit(0);
}

/* Each type keeps its order; a full queue holds up everybody for a while. */
TEST(msg, many)
{
	int id = msg_new();
	pid_t kids[2 * PAIRS];

	for (int k = 0; k < 2 * PAIRS; k++) {
		kids[k] = child();
		if (!kids[k] && k & 1)
			send_all(id, k / 2);
		else if (!kids[k])
			receive_all(id, k / 2);
	}
	for (int k = 0; k < 2 * PAIRS; k++)
		expect_exit(kids[k], 0);
	CHECK_EQ(msg_status(id).msg_qnum, 0);
	CHECK_EQ(msg_status(id).msg_cbytes, 0);
	msg_drop(id);
}
