/*
 * Clocks and timers of the Linux riscv64 ABI (clock_gettime(2), setitimer(2)).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/uapi/resource.h"

#define CLOCK_REALTIME 0
#define CLOCK_MONOTONIC 1
#define CLOCK_PROCESS_CPUTIME_ID 2
#define CLOCK_THREAD_CPUTIME_ID 3
#define CLOCK_MONOTONIC_RAW 4
#define CLOCK_REALTIME_COARSE 5
#define CLOCK_MONOTONIC_COARSE 6
#define CLOCK_BOOTTIME 7
#define CLOCK_REALTIME_ALARM 8
#define CLOCK_BOOTTIME_ALARM 9
#define CLOCK_TAI 11
#define TIMER_ABSTIME 1

#define ITIMER_REAL 0
#define ITIMER_VIRTUAL 1
#define ITIMER_PROF 2

struct timespec64 {
	int64_t tv_sec, tv_nsec;
};

struct timezone {
	int32_t minutes_west, dst;
};

struct itimerspec64 {
	struct timespec64 it_interval, it_value;
};

struct itimerval64 {
	struct timeval64 it_interval, it_value;
};

static inline bool timespec_valid(const struct timespec64 *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

/* Nanoseconds, no more than fit in 63 bits (292 years). */
static inline uint64_t timespec_ns(const struct timespec64 *t)
{
	if (t->tv_sec >= INT64_MAX / 1000000000)
		return INT64_MAX;
	return (uint64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static inline struct timespec64 ns_timespec(uint64_t ns)
{
	return (struct timespec64){ns / 1000000000, ns % 1000000000};
}

static inline struct timeval64 ns_timeval(uint64_t ns)
{
	return (struct timeval64){ns / 1000000000, ns % 1000000000 / 1000};
}

/* A deadline that does not wrap; UINT64_MAX would mean none. */
static inline uint64_t time_add(uint64_t now, uint64_t ns)
{
	return now + ns < now || now + ns == UINT64_MAX ? UINT64_MAX - 1 : now + ns;
}
