/*
 * pidfd_open(2), pidfd_send_signal(2): flags of the Linux riscv64 ABI.
 */
#pragma once

#define PIDFD_NONBLOCK 04000
#define PIDFD_THREAD   0200 /* O_EXCL: F_GETFL tells of it */

#define PIDFD_SIGNAL_THREAD	   (1U << 0)
#define PIDFD_SIGNAL_THREAD_GROUP  (1U << 1)
#define PIDFD_SIGNAL_PROCESS_GROUP (1U << 2)
