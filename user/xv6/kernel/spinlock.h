/* A lock of xv6's kernel: programs name this header before kernel/file.h and use nothing of it. */
#ifndef XV6_KERNEL_SPINLOCK_H
#define XV6_KERNEL_SPINLOCK_H

struct spinlock;

#endif
