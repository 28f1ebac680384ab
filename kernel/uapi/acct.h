/*
 * A record of acct(5), version 3.
 */
#pragma once

#include <stdint.h>

/* ac_flag */
#define AFORK 0x01 /* it did not exec */
#define ACORE 0x08 /* it left a core file */
#define AXSIG 0x10 /* it died of a signal */

struct acct_v3 {
	uint8_t ac_flag, ac_version;
	uint16_t ac_tty;
	uint32_t ac_exitcode; /* as wait(2) gives it */
	uint32_t ac_uid, ac_gid, ac_pid, ac_ppid;
	uint32_t ac_btime;    /* when it began, s since 1970 */
	uint32_t ac_etime;    /* for how long it was there: a float, 1/100 s */
	uint16_t ac_utime, ac_stime, ac_mem, ac_io, ac_rw, ac_minflt, ac_majflt, ac_swaps;
	char ac_comm[16];
};
_Static_assert(sizeof(struct acct_v3) == 64, "acct(5)");
