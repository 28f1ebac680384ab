/*
 * The calls that the course's labs add to xv6, each in terms of Linux's.
 */
#include "kernel/sysinfo.h"
#include "ulib/linux.h"
#include "user/user.h"

#define TICK_USEC	100000L		/* a tick is a tenth of a second */

void *mmap(void *addr, uint64 len, int prot, int flags, int fd, uint64 offset)
{
	long r = syscall(SYS_mmap, addr, len, prot, flags, fd, offset);

	return r < 0 ? (void *)-1 : (void *)r;
}

int munmap(void *addr, uint64 len)
{
	return syscall(SYS_munmap, addr, len) < 0 ? -1 : 0;
}

int symlink(const char *target, const char *path)
{
	return syscall(SYS_symlinkat, target, AT_FDCWD, path) < 0 ? -1 : 0;
}

int sysinfo(struct sysinfo *info)
{
	struct linux_sysinfo l;

	if (syscall(SYS_sysinfo, &l) < 0)
		return -1;
	info->freemem = l.freeram * l.mem_unit;
	info->nproc = l.procs;
	return 0;
}

int trace(int mask)
{
	(void)mask;
	return -1;
}

/* Where the signal's frame lies, which is what sigreturn() goes back to (ulib/alarm.S). */
void *alarm_frame;
void (*alarm_handler)(void);

int sigalarm(int ticks, void (*handler)(void))
{
	struct linux_sigaction act = { .handler = alarm_entry };
	struct linux_itimerval t;

	if (ticks < 0)
		return -1;
	t.interval.tv_sec = ticks / 10;
	t.interval.tv_usec = ticks % 10 * TICK_USEC;
	t.value = t.interval;
	alarm_handler = handler;
	if (syscall(SYS_rt_sigaction, SIGPROF, &act, 0, sizeof(act.mask)) < 0)
		return -1;
	return syscall(SYS_setitimer, ITIMER_PROF, &t, 0) < 0 ? -1 : 0;
}
