/*
 * System V message queues (msgget(2), msgop(2), msgctl(2)): numbers and structures of the Linux
 * riscv64 ABI.
 */
#pragma once

#include "kernel/uapi/ipc.h"

#define MSG_NOERROR 010000 /* msgrcv: cut off what is too long */
#define MSG_EXCEPT  020000 /* any type but this */
#define MSG_COPY    040000 /* the message at a place, which stays */

#define MSG_STAT     11
#define MSG_INFO     12
#define MSG_STAT_ANY 13

struct msqid64_ds {
	struct ipc64_perm msg_perm;
	int64_t msg_stime, msg_rtime, msg_ctime;
	uint64_t msg_cbytes, msg_qnum, msg_qbytes;
	int32_t msg_lspid, msg_lrpid;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct msqid64_ds) == 120, "Linux riscv64 struct msqid64_ds");

struct msginfo {
	int32_t msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
	uint16_t msgseg;
};
