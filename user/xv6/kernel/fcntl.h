/* Flags of open(), with the values that the system call takes (Linux riscv64). */
#ifndef XV6_KERNEL_FCNTL_H
#define XV6_KERNEL_FCNTL_H

#define O_RDONLY	0
#define O_WRONLY	01
#define O_RDWR		02
#define O_CREATE	0100
#define O_TRUNC		01000
#define O_APPEND	02000
#define O_NOFOLLOW	0400000

/* mmap() of the course's lab of that name. */
#define PROT_NONE	0
#define PROT_READ	1
#define PROT_WRITE	2
#define PROT_EXEC	4
#define MAP_SHARED	1
#define MAP_PRIVATE	2

#endif
