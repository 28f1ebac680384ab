/*
 * ppoll(2), pselect6(2): structures of the Linux ABI. The POLL* bits are in kernel/poll.h.
 */
#pragma once

#include <stdint.h>

struct pollfd {
	int32_t fd;
	int16_t events;
	int16_t revents;
};

struct timespec64 {
	int64_t tv_sec;
	int64_t tv_nsec;
};

#define FD_SETSIZE_WORDS 16 /* what glibc's fd_set has; the call takes more */
