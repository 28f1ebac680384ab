/*
 * riscv_hwprobe(2) (Linux's riscv/hwprobe.rst): numbers and structures of the Linux ABI.
 */
#pragma once

#include <stdint.h>

#define RISCV_HWPROBE_KEY_MVENDORID	       0
#define RISCV_HWPROBE_KEY_MARCHID	       1
#define RISCV_HWPROBE_KEY_MIMPID	       2
#define RISCV_HWPROBE_KEY_BASE_BEHAVIOR	       3
#define RISCV_HWPROBE_KEY_IMA_EXT_0	       4
#define RISCV_HWPROBE_KEY_CPUPERF_0	       5
#define RISCV_HWPROBE_KEY_HIGHEST_VIRT_ADDRESS 7
#define RISCV_HWPROBE_KEY_TIME_CSR_FREQ	       8

#define RISCV_HWPROBE_BASE_BEHAVIOR_IMA (1 << 0)

#define RISCV_HWPROBE_IMA_FD  (1 << 0)
#define RISCV_HWPROBE_IMA_C   (1 << 1)
#define RISCV_HWPROBE_EXT_ZBA (1 << 3)
#define RISCV_HWPROBE_EXT_ZBB (1 << 4)
#define RISCV_HWPROBE_EXT_ZBS (1 << 5)

#define RISCV_HWPROBE_MISALIGNED_UNKNOWN (0 << 0)

#define RISCV_HWPROBE_WHICH_CPUS (1 << 0)

struct riscv_hwprobe {
	int64_t key; /* -1 in the answer: not known */
	uint64_t value;
};
