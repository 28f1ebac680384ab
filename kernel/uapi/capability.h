/*
 * Capabilities (capabilities(7), capget(2)): numbers and structures of the Linux ABI.
 */
#pragma once

#include <stdint.h>

#define CAP_CHOWN	       0
#define CAP_DAC_OVERRIDE       1
#define CAP_DAC_READ_SEARCH    2
#define CAP_FOWNER	       3
#define CAP_FSETID	       4
#define CAP_KILL	       5
#define CAP_SETGID	       6
#define CAP_SETUID	       7
#define CAP_SETPCAP	       8
#define CAP_LINUX_IMMUTABLE    9
#define CAP_NET_BIND_SERVICE   10
#define CAP_NET_ADMIN	       12
#define CAP_NET_RAW	       13
#define CAP_IPC_LOCK	       14
#define CAP_IPC_OWNER	       15
#define CAP_SYS_MODULE	       16
#define CAP_SYS_RAWIO	       17
#define CAP_SYS_CHROOT	       18
#define CAP_SYS_PTRACE	       19
#define CAP_SYS_PACCT	       20
#define CAP_SYS_ADMIN	       21
#define CAP_SYS_BOOT	       22
#define CAP_SYS_NICE	       23
#define CAP_SYS_RESOURCE       24
#define CAP_SYS_TIME	       25
#define CAP_SYS_TTY_CONFIG     26
#define CAP_MKNOD	       27
#define CAP_LEASE	       28
#define CAP_MAC_OVERRIDE       32
#define CAP_SYSLOG	       34
#define CAP_WAKE_ALARM	       35
#define CAP_CHECKPOINT_RESTORE 40
#define CAP_LAST_CAP	       CAP_CHECKPOINT_RESTORE

/* What a header says; the first has one word for each set, the others two. */
#define _LINUX_CAPABILITY_VERSION_1 0x19980330
#define _LINUX_CAPABILITY_VERSION_2 0x20071026
#define _LINUX_CAPABILITY_VERSION_3 0x20080522

struct cap_header {
	uint32_t version;
	int32_t pid;
};

struct cap_data {
	uint32_t effective, permitted, inheritable;
};

/* Each is followed by the bit that locks it. */
#define SECBIT_NOROOT		    (1U << 0)
#define SECBIT_NO_SETUID_FIXUP	    (1U << 2)
#define SECBIT_KEEP_CAPS	    (1U << 4)
#define SECBIT_KEEP_CAPS_LOCKED	    (1U << 5)
#define SECBIT_NO_CAP_AMBIENT_RAISE (1U << 6)
