/*
 * adjtimex(2), clock_adjtime(2): numbers of the Linux riscv64 ABI.
 */
#pragma once

#include "kernel/uapi/time.h"

#define ADJ_OFFSET	   0x0001
#define ADJ_SETOFFSET	   0x0100 /* time is added to the clock */
#define ADJ_NANO	   0x2000 /* with nanoseconds in it */
#define ADJ_ADJTIME	   0x8000
#define ADJ_OFFSET_SS_READ 0xa001
#define STA_UNSYNC	   0x0040
#define TIME_ERROR	   5

struct timex {
	uint32_t modes; /* ADJ_*: what is to be changed */
	int64_t offset;	/* microseconds still to go */
	int64_t freq, maxerror, esterror;
	int32_t status; /* STA_* */
	int64_t constant, precision, tolerance;
	struct timeval64 time;
	int64_t tick; /* microseconds */
	int64_t ppsfreq, jitter;
	int32_t shift;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai;
	int32_t unused[11];
};
