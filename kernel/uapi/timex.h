/*
 * adjtimex(2), clock_adjtime(2): numbers of the Linux riscv64 ABI.
 */
#pragma once

#include "kernel/uapi/time.h"

#define ADJ_OFFSET	   0x0001
#define ADJ_FREQUENCY	   0x0002
#define ADJ_MAXERROR	   0x0004
#define ADJ_ESTERROR	   0x0008
#define ADJ_STATUS	   0x0010
#define ADJ_TIMECONST	   0x0020
#define ADJ_TAI		   0x0080
#define ADJ_SETOFFSET	   0x0100 /* time is added to the clock */
#define ADJ_MICRO	   0x1000
#define ADJ_NANO	   0x2000 /* with nanoseconds in it */
#define ADJ_TICK	   0x4000
#define ADJ_ADJTIME	   0x8000 /* adjtime(3): with ADJ_OFFSET only */
#define ADJ_READONLY	   0x2000 /* of adjtime(3) */
#define ADJ_OFFSET_SS_READ (ADJ_ADJTIME | ADJ_READONLY | ADJ_OFFSET)

#define STA_PLL	     0x0001 /* ADJ_OFFSET is heard */
#define STA_FLL	     0x0008 /* the frequency follows offsets told rarely, too */
#define STA_INS	     0x0010 /* a leap second ends the day */
#define STA_DEL	     0x0020 /* the day is a second shorter */
#define STA_UNSYNC   0x0040
#define STA_FREQHOLD 0x0080
#define STA_CLOCKERR 0x1000
#define STA_NANO     0x2000
#define STA_MODE     0x4000 /* the frequency was last set by that rule */
#define STA_RONLY    0xff00

enum { TIME_OK, TIME_INS, TIME_DEL, TIME_OOP, TIME_WAIT, TIME_ERROR };

struct timex {
	uint32_t modes; /* ADJ_*: what is to be changed */
	int64_t offset;	/* still to go: microseconds, or nanoseconds with STA_NANO */
	int64_t freq, maxerror, esterror;
	int32_t status; /* STA_* */
	int64_t constant, precision, tolerance;
	struct timeval64 time; /* microseconds, or nanoseconds with STA_NANO */
	int64_t tick; /* microseconds */
	int64_t ppsfreq, jitter;
	int32_t shift;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai;
	int32_t unused[11];
};
