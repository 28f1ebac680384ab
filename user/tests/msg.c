/* System V message queues: msgget(2), msgctl(2), msgop(2) by one process; see msg_wait.c. */
#include "msg.h"

#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

TEST(msg, get)
{
	key_t key = test_key(1);
	int id = (int)CHECK_OK(msgget(key, IPC_CREAT | IPC_EXCL | 0600)), other;

	CHECK_EQ(msgget(key, 0), id);
	CHECK_EQ(msgget(key, IPC_CREAT | 0600), id);
	CHECK_ERR(msgget(key, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	msg_drop(id);
	CHECK_ERR(msgget(key, 0600), ENOENT);
	other = msg_new();
	CHECK(other != id);
	CHECK_ERR(msgctl(id, IPC_RMID, NULL), EINVAL);
	CHECK_ERR(msg_send(id, 1, 1, 0), EINVAL);
	msg_drop(other);
}

TEST(msg, stat)
{
	key_t key = test_key(2);
	time_t before = time(NULL);
	int id = (int)CHECK_OK(msgget(key, IPC_CREAT | 0640));
	struct msqid_ds ds = msg_status(id);

	CHECK_EQ(ds.msg_perm.__key, key);
	CHECK_EQ(ds.msg_perm.mode, 0640);
	CHECK_EQ(ds.msg_perm.cuid, geteuid());
	CHECK_EQ(ds.msg_qnum, 0);
	CHECK_EQ(ds.msg_qbytes, 16384);
	CHECK_EQ(ds.msg_lspid, 0);
	CHECK_EQ(ds.msg_lrpid, 0);
	CHECK_EQ(ds.msg_stime, 0);
	CHECK_EQ(ds.msg_rtime, 0);
	CHECK_GE(ds.msg_ctime + 1, before);
	CHECK_OK(msg_send(id, 7, 100, 0));
	ds = msg_status(id);
	CHECK_EQ(ds.msg_qnum, 1);
	CHECK_EQ(ds.msg_cbytes, 100);
	CHECK_EQ(ds.msg_lspid, getpid());
	CHECK_GE(ds.msg_stime + 1, before);
	msg_expect(id, 0, 0, 7, 100);
	ds = msg_status(id);
	CHECK_EQ(ds.msg_qnum, 0);
	CHECK_EQ(ds.msg_cbytes, 0);
	CHECK_EQ(ds.msg_lrpid, getpid());
	CHECK_GE(ds.msg_rtime + 1, before);
	CHECK_ERR(msgctl(id, IPC_STAT, (void *)8), EFAULT);
	CHECK_ERR(msgctl(-1, IPC_STAT, &ds), EINVAL);
	CHECK_ERR(msgctl(id, 99, &ds), EINVAL);
	CHECK_ERR(msgctl(id, -1, &ds), EINVAL);
	ds.msg_perm.mode = 07604;
	ds.msg_qbytes = 10;
	CHECK_OK(msgctl(id, IPC_SET, &ds));
	CHECK_EQ(msg_status(id).msg_perm.mode, 0604);
	CHECK_EQ(msg_status(id).msg_qbytes, 10);
	CHECK_ERR(msg_send(id, 1, 11, IPC_NOWAIT), EAGAIN);
	CHECK_OK(msg_send(id, 1, 10, IPC_NOWAIT));
	ds.msg_perm.uid = (uid_t)-1;
	CHECK_ERR(msgctl(id, IPC_SET, &ds), EINVAL);
	CHECK_ERR(msgctl(id, IPC_SET, (void *)8), EFAULT);
	msg_drop(id);
}

TEST(msg, info)
{
	int a = msg_new(), b = msg_new(), highest, id = -1;
	struct msginfo limits, used;
	struct msqid_ds ds;

	CHECK_OK(msg_send(a, 1, 10, 0));
	highest = (int)CHECK_OK(msgctl(0, IPC_INFO, (struct msqid_ds *)&limits));
	CHECK_EQ(limits.msgmax, 8192);
	CHECK_EQ(limits.msgmnb, 16384);
	CHECK_EQ(limits.msgmni, 32000);
	CHECK_EQ(limits.msgpool, 512000);
	CHECK_EQ(limits.msgmap, 16384);
	CHECK_EQ(limits.msgssz, 16);
	CHECK_EQ(limits.msgtql, 16384);
	CHECK_EQ(limits.msgseg, 65535);
	CHECK_EQ(msgctl(0, MSG_INFO, (struct msqid_ds *)&used), highest);
	CHECK_GE(used.msgpool, 2);
	CHECK_GE(used.msgmap, 1);
	CHECK_GE(used.msgtql, 10);
	for (int i = 0; i <= highest; i++)
		if (msgctl(i, MSG_STAT, &ds) == b)
			id = msgctl(i, MSG_STAT_ANY, &ds);
	CHECK_EQ(id, b);
	CHECK_ERR(msgctl(32767, MSG_STAT, &ds), EINVAL);
	msg_drop(a);
	msg_drop(b);
}

TEST(msg, send_errors)
{
	struct text t = {.type = 1};
	int id = msg_new();

	CHECK_ERR(msgsnd(id, &t, 8193, 0), EINVAL);
	CHECK_ERR(msgsnd(id, &t, (size_t)-1, 0), EINVAL);
	CHECK_ERR(msgsnd(-1, &t, 1, 0), EINVAL);
	t.type = 0;
	CHECK_ERR(msgsnd(id, &t, 1, 0), EINVAL);
	t.type = -1;
	CHECK_ERR(msgsnd(id, &t, 1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_msgsnd, id, 8L, 1L, 0), EFAULT);
	CHECK_OK(msg_send(id, 1, 8192, IPC_NOWAIT));
	CHECK_OK(msg_send(id, LONG_MAX, 8192, IPC_NOWAIT));
	CHECK_OK(msg_send(id, 3, 0, IPC_NOWAIT));	/* it takes no bytes */
	CHECK_ERR(msg_send(id, 3, 1, IPC_NOWAIT), EAGAIN);
	msg_expect(id, 0, 0, 1, 8192);
	msg_expect(id, 0, 0, LONG_MAX, 8192);
	msg_expect(id, 0, 0, 3, 0);
	msg_drop(id);
}

/* So many messages as bytes are the limit of those without any. */
TEST(msg, send_empty)
{
	int id = msg_new(), n = 0;
	struct msqid_ds ds = msg_status(id);

	ds.msg_qbytes = 20;
	CHECK_OK(msgctl(id, IPC_SET, &ds));
	while (!msg_send(id, 1, 0, IPC_NOWAIT))
		n++;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(n, 20);
	msg_drop(id);
}

TEST(msg, receive_types)
{
	static const long types[] = {5, 3, 9, 3, 5, 1, 9};
	int id = msg_new();

	for (size_t i = 0; i < 7; i++)
		CHECK_OK(msg_send(id, types[i], i + 1, 0));
	msg_expect(id, 0, 0, 5, 1);
	msg_expect(id, 9, 0, 9, 3);
	msg_expect(id, -4, 0, 1, 6);
	msg_expect(id, -4, 0, 3, 2);
	msg_expect(id, 3, MSG_EXCEPT, 5, 5);
	msg_expect(id, -3, MSG_EXCEPT, 3, 4);	/* a negative type knows no exception */
	CHECK_ERR(msgrcv(id, &(struct text){0}, 10, -8, IPC_NOWAIT), ENOMSG);
	CHECK_ERR(msgrcv(id, &(struct text){0}, 10, 9, IPC_NOWAIT | MSG_EXCEPT), ENOMSG);
	CHECK_ERR(msgrcv(id, &(struct text){0}, 10, 8, IPC_NOWAIT), ENOMSG);
	msg_expect(id, LONG_MIN, 0, 9, 7);
	CHECK_ERR(msgrcv(id, &(struct text){0}, 10, 0, IPC_NOWAIT), ENOMSG);
	msg_drop(id);
}

TEST(msg, receive_size)
{
	struct text t;
	int id = msg_new();

	CHECK_OK(msg_send(id, 2, 100, 0));
	CHECK_ERR(msgrcv(id, &t, 99, 0, 0), E2BIG);
	CHECK_EQ(msg_status(id).msg_qnum, 1);
	memset(&t, 0x55, sizeof(t));
	CHECK_EQ(msgrcv(id, &t, 99, 0, MSG_NOERROR), 99);
	CHECK_EQ(t.text[98], 2);
	CHECK_EQ(t.text[99], 0x55);
	CHECK_EQ(msg_status(id).msg_qnum, 0);
	CHECK_EQ(msg_status(id).msg_cbytes, 0);
	CHECK_ERR(msgrcv(id, &t, (size_t)-1, 0, 0), EINVAL);
	CHECK_ERR(msgrcv(-1, &t, 1, 0, 0), EINVAL);
	/* What could not be delivered is lost. */
	CHECK_OK(msg_send(id, 2, 100, 0));
	CHECK_ERR(syscall(SYS_msgrcv, id, 8L, 100L, 0L, 0), EFAULT);
	CHECK_EQ(msg_status(id).msg_qnum, 0);
	msg_drop(id);
}

TEST(msg, copy)
{
	struct text t;
	int id = msg_new();

	for (int i = 1; i < 4; i++)
		CHECK_OK(msg_send(id, 10 * i, (size_t)i, 0));
	for (int i = 1; i < 4; i++)
		msg_expect(id, i - 1, MSG_COPY, 10 * i, (size_t)i);
	CHECK_EQ(msg_status(id).msg_qnum, 3);
	CHECK_EQ(msg_status(id).msg_lrpid, 0);
	CHECK_ERR(msgrcv(id, &t, 10, 3, MSG_COPY | IPC_NOWAIT), ENOMSG);
	CHECK_ERR(msgrcv(id, &t, 10, -1, MSG_COPY | IPC_NOWAIT), ENOMSG);
	CHECK_ERR(msgrcv(id, &t, 10, 0, MSG_COPY), EINVAL);
	CHECK_ERR(msgrcv(id, &t, 10, 0, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
	CHECK_ERR(msgrcv(id, &t, 2, 2, MSG_COPY | IPC_NOWAIT), E2BIG);
	CHECK_ERR(msgrcv(id, &t, 2, 2, MSG_COPY | MSG_NOERROR | IPC_NOWAIT), EINVAL);
	msg_drop(id);
}

static int others;
static key_t others_key;

static void as_other_user(void)
{
	struct msqid_ds ds;
	struct text t;

	become_user();
	CHECK_ERR(msgctl(others, IPC_STAT, &ds), EACCES);
	CHECK_ERR(msgctl(others, IPC_SET, &ds), EPERM);
	CHECK_ERR(msgctl(others, IPC_RMID, NULL), EPERM);
	CHECK_ERR(msg_send(others, 1, 1, 0), EACCES);
	CHECK_ERR(msgrcv(others, &t, 1, 0, 0), EACCES);
	CHECK_ERR(msgget(others_key, 0400), EACCES);
	CHECK_EQ(msgget(others_key, 0), others);
}

/* Whoever it belongs to may not exceed msgmnb. */
static void is_owner(void)
{
	struct msqid_ds ds;

	become_user();
	ds = msg_status(others);
	ds.msg_qbytes = 16385;
	CHECK_ERR(msgctl(others, IPC_SET, &ds), EPERM);
	ds.msg_qbytes = 16384;
	CHECK_OK(msgctl(others, IPC_SET, &ds));
	msg_drop(others);
}

TEST(msg, permission, .root = true)
{
	struct msqid_ds ds;

	others_key = test_key(3);
	others = (int)CHECK_OK(msgget(others_key, IPC_CREAT | 0600));
	CHECK_EQ(run_child(as_other_user), 0);
	ds = msg_status(others);
	ds.msg_qbytes = 16385;
	ds.msg_perm.uid = 1000;
	CHECK_OK(msgctl(others, IPC_SET, &ds));
	CHECK_EQ(run_child(is_owner), 0);
}

TEST(msg, proc)
{
	int id = msg_new(), msqid, key, lspid, lrpid;
	unsigned long bytes, n;
	unsigned int mode;
	bool found = false;
	char line[256];
	FILE *f;

	CHECK_OK(msg_send(id, 1, 33, 0));
	f = fopen("/proc/sysvipc/msg", "r");
	CHECK(f != NULL);
	CHECK(fgets(line, sizeof(line), f) != NULL);
	CHECK_STR(line, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid"
			"  cuid  cgid      stime      rtime      ctime\n");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%d %d %o %lu %lu %d %d", &key, &msqid, &mode, &bytes, &n, &lspid,
			   &lrpid) != 7 || msqid != id)
			continue;
		found = true;
		CHECK_EQ(mode, 0600);
		CHECK_EQ(bytes, 33);
		CHECK_EQ(n, 1);
		CHECK_EQ(lspid, getpid());
		CHECK_EQ(lrpid, 0);
	}
	fclose(f);
	CHECK(found);
	msg_drop(id);
}

TEST(msg, limits, .root = true)
{
	int id;

	CHECK_EQ(setting_put("/proc/sys/kernel/msgmax", "10"), 0);
	CHECK_EQ(setting_put("/proc/sys/kernel/msgmnb", "15"), 0);
	id = msg_new();
	CHECK_EQ(msg_status(id).msg_qbytes, 15);
	CHECK_ERR(msg_send(id, 1, 11, 0), EINVAL);
	CHECK_OK(msg_send(id, 1, 10, IPC_NOWAIT));
	CHECK_ERR(msg_send(id, 1, 6, IPC_NOWAIT), EAGAIN);
	msg_drop(id);
	CHECK_EQ(setting_put("/proc/sys/kernel/msgmni", "0"), 0);
	CHECK_ERR(msgget(IPC_PRIVATE, 0600), ENOSPC);
	CHECK_EQ(setting_put("/proc/sys/kernel/msgmni", "32000"), 0);
	CHECK_EQ(setting_put("/proc/sys/kernel/msgmax", "8192"), 0);
	CHECK_EQ(setting_put("/proc/sys/kernel/msgmnb", "16384"), 0);
}
