/*
 * ioprio_set(2), ioprio_get(2): numbers of the Linux riscv64 ABI.
 */
#pragma once

#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_CLASS_MASK  7
#define IOPRIO_LEVEL_MASK  7

#define IOPRIO_CLASS_NONE 0
#define IOPRIO_CLASS_RT	  1
#define IOPRIO_CLASS_BE	  2
#define IOPRIO_CLASS_IDLE 3

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_WHO_PGRP	   2
#define IOPRIO_WHO_USER	   3
