/*
 * Everything an xv6 program can call: the system calls, each a few lines over Linux's in ulib/,
 * and the small library. Unless said otherwise a call returns -1 when it fails.
 */
#ifndef XV6_USER_USER_H
#define XV6_USER_USER_H

#include "kernel/types.h"

struct stat;
struct sysinfo;

#define SBRK_ERROR	((char *)-1)
#define SBRK_EAGER	1
#define SBRK_LAZY	2

/* Processes (ulib/process.c). */
int fork(void);
int exit(int status) __attribute__((noreturn));
int wait(int *status);		/* the status given to exit(), or -1 if killed by a signal */
int kill(int pid);		/* always fatal: SIGKILL */
int exec(const char *path, char **argv);
int getpid(void);
int sleep(int ticks);		/* a tick is a tenth of a second */
int pause(int ticks);		/* the newer name of sleep() */
int uptime(void);		/* ticks since boot */
char *sbrk(int bytes);		/* the old end, or SBRK_ERROR; the new memory is present */
char *sbrklazy(int bytes);	/* the same, but the first touch brings each page */
char *sys_sbrk(int bytes, int how);

/* Files (ulib/files.c). read() of a directory gives struct dirent of kernel/fs.h. */
int open(const char *path, int flags);
int close(int fd);
int read(int fd, void *buf, int n);
int write(int fd, const void *buf, int n);
int pipe(int fds[2]);
int dup(int fd);
int fstat(int fd, struct stat *st);
int stat(const char *path, struct stat *st);
int mknod(const char *path, short major, short minor);
int mkdir(const char *path);
int chdir(const char *path);
int link(const char *from, const char *to);
int unlink(const char *path);	/* an empty directory, too */

/* What the course's labs add (ulib/labs.c). */
int symlink(const char *target, const char *path);
void *mmap(void *addr, uint64 len, int prot, int flags, int fd, uint64 offset);
int munmap(void *addr, uint64 len);
int sysinfo(struct sysinfo *info);
int trace(int mask);		/* always -1: there is nothing in the kernel that would print */
int sigalarm(int ticks, void (*handler)(void));	/* ticks of processor time; 0 ends it */
int sigreturn(void);		/* the end of such a handler; does not come back */

/* ulib/printf.c: %d %i %u %x %p %s %c %%, with l and ll; width and zero padding for numbers. */
void fprintf(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ulib/string.c and ulib/input.c. */
char *strcpy(char *to, const char *from);
char *strchr(const char *s, char c);
int strcmp(const char *a, const char *b);
uint strlen(const char *s);
void *memset(void *to, int c, uint n);
void *memmove(void *to, const void *from, int n);
void *memcpy(void *to, const void *from, uint n);
int memcmp(const void *a, const void *b, uint n);
int atoi(const char *s);
char *gets(char *buf, int max);	/* a line of standard input, or "" at the end */

/* ulib/malloc.c: NULL when there is no memory. */
void *malloc(uint n);
void free(void *p);

#endif
