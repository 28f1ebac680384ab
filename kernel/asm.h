/*
 * Numbers that assembly and what is inlined below thread.h need: offsets in structures, asserted
 * where these are known (thread.c, boot.h), and how many harts there may be.
 */
#pragma once

#define MAX_HARTS	     64
#define SECONDARY_BOOT_HART  24 /* offset in struct secondary_boot */
#define SECONDARY_BOOT_SIZE  32

#define TF_PC 0
#define TF_RA 8
#define TF_SP 16
#define TF_GP 24
#define TF_TP 32
#define TF_T0 40
#define TF_T1 48
#define TF_T2 56
#define TF_S0 64
#define TF_S1 72
#define TF_A0 80
#define TF_A1 88
#define TF_A2 96
#define TF_A3 104
#define TF_A4 112
#define TF_A5 120
#define TF_A6 128
#define TF_A7 136
#define TF_S2 144
#define TF_S3 152
#define TF_S4 160
#define TF_S5 168
#define TF_S6 176
#define TF_S7 184
#define TF_S8 192
#define TF_S9 200
#define TF_S10 208
#define TF_S11 216
#define TF_T3 224
#define TF_T4 232
#define TF_T5 240
#define TF_T6 248
#define TF_STATUS 256
#define TF_CAUSE 264
#define TF_BADADDR 272
#define TF_ORIG_A0 280
#define TF_SIZE 288

#define THREAD_KSTACK_FRAME 0
#define THREAD_USER_SP 8
#define THREAD_WORK 16
#define THREAD_PREEMPT_COUNT 20
#define THREAD_HART 24
#define THREAD_CONTEXT 32

#define HART_EMERGENCY_STACK 0

#define CONTEXT_RA 0
#define CONTEXT_SP 8
#define CONTEXT_S0 16
#define CONTEXT_GP 112

#define WORK_RESCHED_BIT 2
#define WORK_FULLFRAME_BIT 4

#define SYSCALL_COUNT 464
