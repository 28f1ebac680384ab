/*
 * readv(2), writev(2): limits of the Linux ABI. struct iovec64 is in kernel/uio.h.
 */
#pragma once

#define IOV_MAX 1024
/* The most that one call moves; more is cut to it. */
#define RW_COUNT_MAX 0x7ffff000UL

/* splice(2) and its relatives. MOVE, MORE and GIFT only say what would be good. */
#define SPLICE_F_MOVE	  1
#define SPLICE_F_NONBLOCK 2
#define SPLICE_F_MORE	  4
#define SPLICE_F_GIFT	  8
#define SPLICE_F_ALL	  15
