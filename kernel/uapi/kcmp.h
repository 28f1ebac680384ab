/*
 * kcmp(2): what of two processes is compared, in the numbers of the Linux ABI.
 */
#pragma once

#include "kernel/types.h"

#define KCMP_FILE      0
#define KCMP_VM	       1
#define KCMP_FILES     2
#define KCMP_FS	       3
#define KCMP_SIGHAND   4
#define KCMP_IO	       5
#define KCMP_SYSVSEM   6
#define KCMP_EPOLL_TFD 7

/* For KCMP_EPOLL_TFD: of the epoll descriptor efd, the toff-th target that was added as tfd. */
struct kcmp_epoll_slot {
	uint32_t efd;
	uint32_t tfd;
	uint32_t toff;
};
