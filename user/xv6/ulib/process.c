/*
 * Processes, memory and time for xv6 programs, each call in terms of Linux's.
 */
#include "ulib/linux.h"
#include "user/user.h"

#define TICK_NSEC	100000000L	/* xv6 counts time in tenths of a second */
#define PAGE		4096UL

char **environ;

/* Cuts the kernel's negative errno down to the -1 that xv6 knows. */
static int result(long r)
{
	return r < 0 ? -1 : (int)r;
}

/* Linux makes processes with clone(): no sharing, and SIGCHLD to the parent at the end. */
int fork(void)
{
	return result(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
}

int exit(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

/* Linux keeps 8 bits of an exit status; as in xv6, exit(-1) and being killed both read as -1. */
int wait(int *status)
{
	int word = 0;
	long pid;

	do {
		pid = syscall(SYS_wait4, -1, &word, 0, 0);
	} while (pid == -EINTR);
	if (pid < 0)
		return -1;
	if (status)
		*status = (word & 0x7f) ? -1 : (signed char)(word >> 8);
	return (int)pid;
}

int kill(int pid)
{
	if (pid <= 0)	/* for Linux these name groups of processes */
		return -1;
	return result(syscall(SYS_kill, pid, SIGKILL));
}

int exec(const char *path, char **argv)
{
	return result(syscall(SYS_execve, path, argv, environ));
}

int getpid(void)
{
	return (int)syscall(SYS_getpid);
}

int sleep(int ticks)
{
	struct linux_timespec t;

	if (ticks < 0)
		ticks = 0;
	t.tv_sec = ticks / 10;
	t.tv_nsec = ticks % 10 * TICK_NSEC;
	return result(syscall(SYS_nanosleep, &t, 0));
}

int pause(int ticks)
{
	return sleep(ticks);
}

int uptime(void)
{
	struct linux_timespec t;

	if (syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &t) < 0 &&
	    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t) < 0)
		return -1;
	return (int)(t.tv_sec * 10 + t.tv_nsec / TICK_NSEC);
}

/*
 * Moves the end of the data segment. Linux's brk() takes and returns an address, and answers with
 * the old end when it cannot move. Its memory comes at the first touch; an eager request asks for
 * the pages at once, so that a full memory is noticed here, and nothing has changed then.
 */
char *sys_sbrk(int bytes, int how)
{
	uint64 old = (uint64)syscall(SYS_brk, 0);
	uint64 end = old + bytes;

	if (bytes == 0)
		return (char *)old;
	if ((uint64)syscall(SYS_brk, end) != end)
		return SBRK_ERROR;
	if (how == SBRK_EAGER && bytes > 0) {
		uint64 first = old & ~(PAGE - 1);

		if (syscall(SYS_madvise, first, end - first, MADV_POPULATE_WRITE) < 0) {
			syscall(SYS_brk, old);
			return SBRK_ERROR;
		}
	}
	return (char *)old;
}

char *sbrk(int bytes)
{
	return sys_sbrk(bytes, SBRK_EAGER);
}

char *sbrklazy(int bytes)
{
	return sys_sbrk(bytes, SBRK_LAZY);
}
