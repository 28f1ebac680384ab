/*
 * What the kernel knows of the vDSO's page: vdso.ld puts things there.
 */
#pragma once

#define VDSO_SIGRETURN	  0x480
#define VDSO_HWPROBE	  0x600 /* pairs of riscv_hwprobe(2) by key, and one for unknown keys */
#define VDSO_HWPROBE_KEYS 9
