/*
 * POSIX message queues (mq_overview(7)): numbers and structures of the Linux riscv64 ABI.
 */
#pragma once

#include <stdint.h>

#define MQ_PRIO_MAX 32768 /* priorities are below it */

/* What the socket of a SIGEV_THREAD is told: the cookie, its last byte being one of these. */
#define NOTIFY_COOKIE_LEN 32
#define NOTIFY_WOKENUP	  1
#define NOTIFY_REMOVED	  2

struct mq_attr {
	int64_t mq_flags; /* O_NONBLOCK, of the open file */
	int64_t mq_maxmsg, mq_msgsize;
	int64_t mq_curmsgs;
	int64_t reserved[4];
};
_Static_assert(sizeof(struct mq_attr) == 64, "Linux riscv64 struct mq_attr");
