/* A lock of xv6's kernel: programs name this header before kernel/file.h and use nothing of it. */
#ifndef XV6_KERNEL_SLEEPLOCK_H
#define XV6_KERNEL_SLEEPLOCK_H

struct sleeplock;

#endif
