/*
 * What the System V calls have in common (sysvipc(7)): numbers and structures of the Linux riscv64
 * ABI.
 */
#pragma once

#include <stdint.h>

#define IPC_PRIVATE 0
#define IPC_CREAT   01000
#define IPC_EXCL    02000
#define IPC_NOWAIT  04000

#define IPC_RMID 0
#define IPC_SET	 1
#define IPC_STAT 2
#define IPC_INFO 3

struct ipc64_perm {
	int32_t key;
	uint32_t uid, gid, cuid, cgid, mode;
	uint16_t seq, pad;
	uint64_t unused[2];
};
_Static_assert(sizeof(struct ipc64_perm) == 48, "Linux riscv64 struct ipc64_perm");
