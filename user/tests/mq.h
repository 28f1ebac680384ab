/* What the tests of POSIX message queues share. */
#ifndef USER_TESTS_MQ_H
#define USER_TESTS_MQ_H

#include <mqueue.h>

#include "ut.h"

#define MQ_SIZE 64	/* of a message of mq_new */

/* A name that no other test uses at the time; n tells several of one test apart. */
static inline const char *mq_name(int n)
{
	static char names[4][32];

	snprintf(names[n], sizeof(names[n]), "/ut-%d-%d", getpgrp(), n);
	return names[n];
}

/* A new queue of so many messages under mq_name(0), open for both. */
static inline mqd_t mq_new(long messages, int flags)
{
	struct mq_attr attr = {.mq_maxmsg = messages, .mq_msgsize = MQ_SIZE};

	return (mqd_t)CHECK_OK(mq_open(mq_name(0), O_RDWR | O_CREAT | O_EXCL | flags, 0600, &attr));
}

static inline void mq_drop(mqd_t q)
{
	CHECK_OK(mq_close(q));
	CHECK_OK(mq_unlink(mq_name(0)));
}

static inline long mq_count(mqd_t q)
{
	struct mq_attr attr;

	CHECK_OK(mq_getattr(q, &attr));
	return attr.mq_curmsgs;
}

/* Send n bytes, each of them the low byte of the priority. */
static inline int mq_put(mqd_t q, size_t n, unsigned int priority)
{
	char text[2 * MQ_SIZE];

	memset(text, (int)priority, sizeof(text));
	return mq_send(q, text, n, priority);
}

/* Receive one that must be of this size and priority. */
static inline void mq_expect(mqd_t q, size_t n, unsigned int priority)
{
	unsigned int got;
	char text[MQ_SIZE];

	CHECK_EQ(mq_receive(q, text, sizeof(text), &got), n);
	CHECK_EQ(got, priority);
	for (size_t i = 0; i < n; i++)
		CHECK_EQ(text[i], (char)priority);
}

#endif
