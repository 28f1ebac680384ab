/* What the tests of System V message queues share. */
#ifndef USER_TESTS_MSG_H
#define USER_TESTS_MSG_H

#include <sys/msg.h>
#include <time.h>

#include "ipc.h"

struct text {
	long type;
	char text[8192];
};

static inline int msg_new(void)
{
	return (int)CHECK_OK(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
}

static inline void msg_drop(int id)
{
	CHECK_OK(msgctl(id, IPC_RMID, NULL));
}

static inline struct msqid_ds msg_status(int id)
{
	struct msqid_ds ds;

	CHECK_OK(msgctl(id, IPC_STAT, &ds));
	return ds;
}

/* Send size bytes, each of them the low byte of the type. */
static inline int msg_send(int id, long type, size_t size, int flags)
{
	struct text t = {.type = type};

	memset(t.text, (int)type, sizeof(t.text));
	return msgsnd(id, &t, size, flags);
}

/* Receive one that must have this type and size. */
static inline void msg_expect(int id, long wanted, int flags, long type, size_t size)
{
	struct text t;

	CHECK_EQ(msgrcv(id, &t, sizeof(t.text), wanted, flags | IPC_NOWAIT), size);
	CHECK_EQ(t.type, type);
	for (size_t i = 0; i < size; i++)
		CHECK_EQ(t.text[i], (char)type);
}

#endif
