/*
 * Notes of an ELF core file as Linux writes them on riscv64 (core(5), elf(5)).
 */
#pragma once

#include <stdint.h>

#include "kernel/uapi/resource.h"

#define NT_PRSTATUS 1
#define NT_PRFPREG  2
#define NT_PRPSINFO 3
#define NT_GNU_BUILD_ID 3 /* of the name GNU */
#define NT_AUXV	    6
#define NT_SIGINFO  0x53494749
#define NT_FILE	    0x46494c45

struct elf_note {
	uint32_t namesz, descsz, type;
};

struct elf_siginfo {
	int32_t si_signo, si_code, si_errno;
};

/* NT_PRSTATUS, one for each thread; the first is the one that died. */
struct elf_prstatus {
	struct elf_siginfo pr_info;
	int16_t pr_cursig;
	uint64_t pr_sigpend, pr_sighold;
	int32_t pr_pid, pr_ppid, pr_pgrp, pr_sid;
	struct timeval64 pr_utime, pr_stime, pr_cutime, pr_cstime;
	uint64_t pr_reg[32]; /* pc, x1 to x31 */
	int32_t pr_fpvalid;
};

struct elf_prpsinfo {
	int8_t pr_state, pr_sname, pr_zomb, pr_nice;
	uint64_t pr_flag;
	uint32_t pr_uid, pr_gid;
	int32_t pr_pid, pr_ppid, pr_pgrp, pr_sid;
	char pr_fname[16], pr_psargs[80];
};
_Static_assert(sizeof(struct elf_prstatus) == 376 && sizeof(struct elf_prpsinfo) == 136,
	       "sizes in the ABI");
