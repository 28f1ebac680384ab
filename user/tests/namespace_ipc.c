/*
 * namespace: IPC namespaces: System V objects, POSIX queues and their limits; what goes with the
 * last one who is in there, and what stays with who came out of it.
 */
#include "ut.h"

#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

#define KEY 0x75746e73

static int own_ns(void)
{
	return (int)CHECK_OK(open("/proc/thread-self/ns/ipc", O_RDONLY));
}

/* Lines of a file. */
static int lines(const char *path)
{
	FILE *f = fopen(path, "r");
	int n = 0, c;

	CHECK(f);
	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	CHECK_EQ(fclose(f), 0);
	return n;
}

TEST(namespace, ipc_objects, .root = true)
{
	int outer = own_ns(), inner, q, s, m;
	struct { long type; char text[4]; } msg = {1, "abc"};

	q = (int)CHECK_OK(msgget(KEY, IPC_CREAT | 0600));
	s = (int)CHECK_OK(semget(KEY, 1, IPC_CREAT | 0600));
	m = (int)CHECK_OK(shmget(KEY, 4096, IPC_CREAT | 0600));
	CHECK_OK(msgsnd(q, &msg, 4, 0));
	CHECK_OK(unshare(CLONE_NEWIPC));
	inner = own_ns();
	CHECK_ERR(msgget(KEY, 0), ENOENT);
	CHECK_ERR(semget(KEY, 1, 0), ENOENT);
	CHECK_ERR(shmget(KEY, 4096, 0), ENOENT);
	CHECK_EQ(lines("/proc/sysvipc/msg"), 1);
	CHECK_EQ(lines("/proc/sysvipc/sem"), 1);
	CHECK_EQ(lines("/proc/sysvipc/shm"), 1);
	CHECK_ERR(msgctl(q, IPC_RMID, NULL), EINVAL);
	CHECK_ERR(semctl(s, 0, GETVAL), EINVAL);
	CHECK(shmat(m, NULL, 0) == (void *)-1 && errno == EINVAL);
	CHECK_EQ(msgget(KEY, IPC_CREAT | 0600), 0);
	CHECK_EQ(semget(KEY, 3, IPC_CREAT | 0600), 0);
	CHECK_EQ(shmget(KEY, 9000, IPC_CREAT | 0600), 0);
	CHECK_EQ(lines("/proc/sysvipc/msg"), 2);
	CHECK_EQ(lines("/proc/sysvipc/sem"), 2);
	CHECK_EQ(lines("/proc/sysvipc/shm"), 2);
	CHECK_OK(setns(outer, 0));
	CHECK_EQ(msgrcv(q, &msg, 4, 0, IPC_NOWAIT), 4);
	CHECK_EQ(semctl(s, 0, GETVAL), 0);
	CHECK_OK(msgctl(q, IPC_RMID, NULL));
	CHECK_OK(semctl(s, 0, IPC_RMID));
	CHECK_OK(shmctl(m, IPC_RMID, NULL));
	/* The other ones are there as long as somebody could come. */
	CHECK_OK(setns(inner, CLONE_NEWIPC));
	CHECK_EQ(msgget(KEY, 0), 0);
	CHECK_EQ(shmget(KEY, 9000, 0), 0);
	CHECK_OK(setns(outer, 0));
}

TEST(namespace, ipc_limits, .root = true)
{
	static const char *const files[] = {
		"/proc/sys/kernel/msgmax",	   "/proc/sys/kernel/msgmni",
		"/proc/sys/kernel/msgmnb",	   "/proc/sys/kernel/shmmni",
		"/proc/sys/kernel/sem",		   "/proc/sys/kernel/shmmax",
		"/proc/sys/fs/mqueue/queues_max",  "/proc/sys/fs/mqueue/msg_max",
		"/proc/sys/fs/mqueue/msgsize_max",
	};
	int outer = own_ns();
	long before;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		before = setting_get(files[i]);
		CHECK_OK(unshare(CLONE_NEWIPC));
		CHECK_EQ(setting_put_number(files[i], 200), 0);
		CHECK_EQ(setting_get(files[i]), 200);
		CHECK_OK(setns(outer, 0));
		CHECK_EQ(setting_get(files[i]), before);
	}
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_EQ(setting_put_number("/proc/sys/kernel/msgmni", 1), 0);
	CHECK_OK(msgget(IPC_PRIVATE, 0600));
	CHECK_ERR(msgget(IPC_PRIVATE, 0600), ENOSPC);
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_OK(msgget(IPC_PRIVATE, 0600));
	CHECK_OK(msgget(IPC_PRIVATE, 0600));
	CHECK_OK(setns(outer, 0));
}

/* An open file is about the namespace of who opened it. */
TEST(namespace, ipc_open_files, .root = true)
{
	int outer = own_ns(), objects, numbers, number;
	char text[4096] = "";

	objects = (int)CHECK_OK(open("/proc/sysvipc/sem", O_RDONLY));
	numbers = (int)CHECK_OK(open("/proc/sys/kernel/sem", O_RDWR));
	number = (int)CHECK_OK(open("/proc/sys/kernel/msgmax", O_RDWR));
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_OK(semget(KEY, 3, IPC_CREAT | 0600));
	CHECK(read(objects, text, sizeof(text) - 1) > 0);
	CHECK(!strstr(text, "\n1970564723")); /* KEY */
	CHECK_EQ(setting_put("/proc/sys/kernel/sem", "300"), 0);
	CHECK_EQ(setting_put_number("/proc/sys/kernel/msgmax", 300), 0);
	CHECK(read(numbers, text, sizeof(text) - 1) > 0);
	CHECK(atol(text) != 300);
	CHECK(read(number, text, sizeof(text) - 1) > 0);
	CHECK(atol(text) != 300);
	CHECK_OK(setns(outer, 0));
	CHECK(atol(text) == setting_get("/proc/sys/kernel/msgmax"));
}

/* What is attached stays, and still can be taken off. */
TEST(namespace, ipc_attached, .root = true)
{
	int outer = own_ns(), id;
	pid_t kid;
	char *at;

	CHECK_OK(unshare(CLONE_NEWIPC));
	id = (int)CHECK_OK(shmget(KEY, 8192, IPC_CREAT | 0600));
	at = shmat(id, NULL, 0);
	CHECK(at != (void *)-1);
	strcpy(at, "kept");
	CHECK_OK(setns(outer, 0));
	CHECK_ERR(shmget(KEY, 0, 0), ENOENT);
	CHECK(!strcmp(at, "kept"));
	at[4096] = 7;
	kid = child();
	if (!kid) {
		CHECK(!strcmp(at, "kept") && at[4096] == 7);
		_exit(0);
	}
	expect_exit(kid, 0);
	CHECK_OK(shmdt(at));
}

/* A set with one semaphore, which is 1 until the running process gives it back. */
static int set_taken(void)
{
	int id = (int)CHECK_OK(semget(IPC_PRIVATE, 1, 0600));
	struct sembuf op = {0, 1, SEM_UNDO};

	CHECK_OK(semop(id, &op, 1));
	CHECK_EQ(semctl(id, 0, GETVAL), 1);
	return id;
}

/* Who leaves gives back at once what was to be given back at the end. */
TEST(namespace, ipc_undo, .root = true)
{
	int outer = own_ns(), id = set_taken();
	struct sembuf op = {0, 1, SEM_UNDO};

	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_OK(setns(outer, 0));
	CHECK_EQ(semctl(id, 0, GETVAL), 0);
	CHECK_OK(semop(id, &op, 1));
	CHECK_OK(unshare(CLONE_NEWUTS));
	CHECK_EQ(semctl(id, 0, GETVAL), 1);
	/* Into the same one is out of it, too. */
	CHECK_OK(setns(outer, CLONE_NEWIPC));
	CHECK_EQ(semctl(id, 0, GETVAL), 0);
	CHECK_OK(semop(id, &op, 1));
	CHECK_OK(unshare(CLONE_NEWIPC | CLONE_SYSVSEM));
	CHECK_OK(setns(outer, 0));
	CHECK_EQ(semctl(id, 0, GETVAL), 0);
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

static void *leaves(void *arg)
{
	(void)arg;
	CHECK_OK(unshare(CLONE_NEWIPC));
	(void)set_taken();
	return NULL;
}

/* What threads share is given back by the last of them that was in there. */
TEST(namespace, ipc_undo_shared, .root = true)
{
	int outer = own_ns(), id = set_taken();
	pthread_t t;

	CHECK_EQ(pthread_create(&t, NULL, leaves, NULL), 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
	CHECK_EQ(semctl(id, 0, GETVAL), 1);
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_OK(setns(outer, 0));
	CHECK_EQ(semctl(id, 0, GETVAL), 0);
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

static void receives(void)
{
	struct { long type; char text[4]; } msg;

	CHECK_EQ(msgrcv((int)CHECK_OK(msgget(KEY, 0)), &msg, 4, 1, 0), 4);
	CHECK(!strcmp(msg.text, "abc"));
}

static void takes(void)
{
	struct sembuf op = {0, -1, SEM_UNDO};

	CHECK_OK(semop((int)CHECK_OK(semget(KEY, 1, 0)), &op, 1));
}

static pid_t in_child(void (*fn)(void))
{
	pid_t pid = child();

	if (!pid) {
		fn();
		_exit(0);
	}
	wait_state(pid, "S");
	return pid;
}

/* Who waits stays there: it hears of who comes back, and can be ended with all others gone. */
TEST(namespace, ipc_waiters, .root = true)
{
	struct { long type; char text[4]; } msg = {1, "abc"};
	int outer = own_ns(), inner, q, s;
	pid_t receiver, taker;

	CHECK_OK(unshare(CLONE_NEWIPC));
	inner = own_ns();
	q = (int)CHECK_OK(msgget(KEY, IPC_CREAT | 0600));
	s = (int)CHECK_OK(semget(KEY, 1, IPC_CREAT | 0600));
	receiver = in_child(receives);
	taker = in_child(takes);
	CHECK_OK(setns(outer, 0));
	CHECK_OK(setns(inner, 0));
	CHECK_OK(msgsnd(q, &msg, 4, 0));
	CHECK_OK(semctl(s, 0, SETVAL, 1));
	expect_exit(receiver, 0);
	expect_exit(taker, 0);
	receiver = in_child(receives);
	CHECK_OK(semctl(s, 0, SETVAL, 0));
	taker = in_child(takes);
	CHECK_OK(close(inner));
	CHECK_OK(setns(outer, 0));
	CHECK_OK(kill(taker, SIGKILL));
	expect_signal(taker, SIGKILL);
	CHECK_OK(kill(receiver, SIGKILL));
	expect_signal(receiver, SIGKILL);
}

TEST(namespace, ipc_mqueue, .root = true)
{
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};
	int outer = own_ns();
	char text[8];
	mqd_t q, other;

	q = mq_open("/ut-ns", O_CREAT | O_RDWR, 0600, &attr);
	CHECK_OK(q);
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_ERR(mq_open("/ut-ns", O_RDWR), ENOENT);
	CHECK_ERR(mq_unlink("/ut-ns"), ENOENT);
	other = mq_open("/ut-ns", O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	CHECK_OK(other);
	/* An open one is used from anywhere. */
	CHECK_OK(mq_send(q, "outer", 6, 0));
	CHECK_OK(mq_send(other, "inner", 6, 0));
	CHECK_OK(setns(outer, 0));
	CHECK_OK(mq_unlink("/ut-ns"));
	CHECK_EQ(mq_receive(q, text, 8, NULL), 6);
	CHECK(!strcmp(text, "outer"));
	CHECK_EQ(mq_receive(other, text, 8, NULL), 6);
	CHECK(!strcmp(text, "inner"));
	CHECK_OK(mq_close(q));
	CHECK_OK(mq_close(other));
}

/* Who asked to be told of a message is told wherever it is. */
TEST(namespace, ipc_mqueue_notice, .root = true)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};
	mqd_t q = mq_open("/ut-ns", O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	int outer = own_ns();

	CHECK_OK(q);
	signal_block(SIGUSR1);
	CHECK_OK(mq_notify(q, &event));
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_OK(mq_send(q, "x", 2, 0));
	CHECK_EQ(signal_await(SIGUSR1).si_code, SI_MESGQ);
	CHECK_OK(setns(outer, 0));
	CHECK_OK(mq_unlink("/ut-ns"));
}

static char stack[65536] __attribute__((aligned(16)));

static int makes_all(void *arg)
{
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};
	struct { long type; char text[4]; } msg = {1, "abc"};
	struct sembuf op = {0, 1, SEM_UNDO};
	char *at;
	int id;

	id = (int)CHECK_OK(msgget(KEY, IPC_CREAT | 0600));
	CHECK_OK(msgsnd(id, &msg, 4, 0));
	id = (int)CHECK_OK(semget(KEY, 5, IPC_CREAT | 0600));
	CHECK_OK(semop(id, &op, 1));
	at = shmat((int)CHECK_OK(shmget(KEY, 16384, IPC_CREAT | 0600)), NULL, 0);
	CHECK(at != (void *)-1);
	at[8192] = 1;
	CHECK_OK(mq_send(CHECK_OK(mq_open("/ut-ns", O_CREAT | O_RDWR, 0600, &attr)), "x", 2, 0));
	(void)arg;
	_exit(0);
}

/* All of it goes with the last one (the frame weighs memory). */
TEST(namespace, ipc_end, .root = true)
{
	pid_t pid;

	for (int i = 0; i < 30; i++) {
		pid = clone(makes_all, stack + sizeof(stack), CLONE_NEWIPC | SIGCHLD, NULL);
		expect_exit((pid_t)CHECK_OK(pid), 0);
	}
	CHECK_ERR(msgget(KEY, 0), ENOENT);
	CHECK_ERR(mq_open("/ut-ns", O_RDWR), ENOENT);
}

/* A place that it is bound to keeps it. */
TEST(namespace, ipc_bound, .root = true)
{
	int outer = own_ns(), fd;

	file_make("bound", "", 0);
	CHECK_OK(unshare(CLONE_NEWIPC));
	CHECK_OK(msgget(KEY, IPC_CREAT | 0600));
	CHECK_OK(shmget(KEY, 16384, IPC_CREAT | 0600));
	CHECK_OK(mq_close(CHECK_OK(mq_open("/ut-ns", O_CREAT | O_RDWR, 0600, NULL))));
	CHECK_OK(mount("/proc/self/ns/ipc", "bound", NULL, MS_BIND, NULL));
	CHECK_OK(setns(outer, 0));
	fd = (int)CHECK_OK(open("bound", O_RDONLY));
	CHECK_OK(setns(fd, CLONE_NEWIPC));
	CHECK_OK(close(fd));
	CHECK_EQ(msgget(KEY, 0), 0);
	CHECK_OK(setns(outer, 0));
	CHECK_OK(umount("bound"));
}

TEST(namespace, ipc_errors, .root = true)
{
	void *top = stack + sizeof(stack);
	int fd = own_ns();

	CHECK_ERR(clone(makes_all, top, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, NULL), EINVAL);
	CHECK_ERR(setns(fd, CLONE_NEWUTS), EINVAL);
	become_user();
	CHECK_ERR(unshare(CLONE_NEWIPC), EPERM);
	CHECK_ERR(setns(fd, 0), EPERM);
	CHECK_ERR(clone(makes_all, top, CLONE_NEWIPC | CLONE_SYSVSEM | SIGCHLD, NULL), EPERM);
}
