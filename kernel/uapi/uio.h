/*
 * readv(2), writev(2): limits of the Linux ABI. struct iovec64 is in kernel/uio.h.
 */
#pragma once

#define IOV_MAX 1024
/* The most that one call moves; more is cut to it. */
#define RW_COUNT_MAX 0x7ffff000UL
