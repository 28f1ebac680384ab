/*
 * The part of Linux's riscv64 system-call interface that ulib and init stand on. Numbers from the
 * generic table (include/uapi/asm-generic/unistd.h of Linux), the rest from the man pages of
 * sections 2 and 4.
 */
#ifndef ULIB_LINUX_H
#define ULIB_LINUX_H

#include "kernel/types.h"

#define SYS_getcwd		17
#define SYS_dup			23
#define SYS_dup3		24
#define SYS_fcntl		25
#define SYS_ioctl		29
#define SYS_mknodat		33
#define SYS_mkdirat		34
#define SYS_unlinkat		35
#define SYS_symlinkat		36
#define SYS_linkat		37
#define SYS_mount		40
#define SYS_chdir		49
#define SYS_openat		56
#define SYS_close		57
#define SYS_pipe2		59
#define SYS_getdents64		61
#define SYS_lseek		62
#define SYS_read		63
#define SYS_write		64
#define SYS_newfstatat		79
#define SYS_fstat		80
#define SYS_swapon		224
#define SYS_sync		81
#define SYS_exit_group		94
#define SYS_nanosleep		101
#define SYS_setitimer		103
#define SYS_clock_gettime	113
#define SYS_syslog		116
#define SYS_kill		129
#define SYS_rt_sigaction	134
#define SYS_setsid		157
#define SYS_getpid		172
#define SYS_sysinfo		179
#define SYS_brk			214
#define SYS_munmap		215
#define SYS_clone		220
#define SYS_execve		221
#define SYS_mmap		222
#define SYS_madvise		233
#define SYS_wait4		260

#define EINTR		4
#define EBADF		9
#define ECHILD		10
#define EBUSY		16
#define EEXIST		17
#define ENODEV		19
#define EISDIR		21
#define EROFS		30
#define ELOOP		40

#define AT_FDCWD	(-100)
#define AT_REMOVEDIR	0x200
#define O_PATH		010000000
#define SEEK_SET	0
#define F_GETFD		1
#define SIGKILL		9
#define SIGCHLD		17
#define SIGPROF		27
#define ITIMER_PROF	2
#define CLOCK_MONOTONIC	1
#define CLOCK_BOOTTIME	7
#define MADV_POPULATE_WRITE	23

#define S_IFMT		0170000
#define S_IFIFO		0010000
#define S_IFCHR		0020000
#define S_IFDIR		0040000
#define S_IFREG		0100000
#define S_IFLNK		0120000

#define TIOCSCTTY	0x540e
#define TCGETS		0x5401
#define TCSETSW		0x5403
#define OPOST		1

struct linux_stat {
	uint64 st_dev;
	uint64 st_ino;
	uint st_mode;
	uint st_nlink;
	uint st_uid;
	uint st_gid;
	uint64 st_rdev;
	uint64 pad1;
	long st_size;
	int st_blksize;
	int pad2;
	long st_blocks;
	long st_times[6];	/* access, modification, change: seconds, nanoseconds */
	uint pad3[2];
};
_Static_assert(sizeof(struct linux_stat) == 128, "struct stat of riscv64");

struct linux_dirent64 {
	uint64 d_ino;
	long d_off;		/* where lseek() finds the entry after this one */
	ushort d_reclen;
	uchar d_type;
	char d_name[];
};

struct linux_timespec {
	long tv_sec;
	long tv_nsec;
};

struct linux_itimerval {
	struct {
		long tv_sec;
		long tv_usec;
	} interval, value;
};

struct linux_sigaction {
	void (*handler)(void);
	uint64 flags;
	uint64 mask;
};

struct linux_sysinfo {
	long uptime;
	uint64 loads[3];
	uint64 totalram, freeram, sharedram, bufferram;	/* in units of mem_unit bytes */
	uint64 totalswap, freeswap;
	ushort procs;
	uint64 totalhigh, freehigh;
	uint mem_unit;
};
_Static_assert(sizeof(struct linux_sysinfo) == 112, "struct sysinfo of riscv64");

struct linux_termios {
	uint c_iflag;
	uint c_oflag;
	uint c_cflag;
	uint c_lflag;
	uchar c_line;
	uchar c_cc[19];
};
_Static_assert(sizeof(struct linux_termios) == 36, "struct termios of the kernel");

/* The kernel's answer as it is: negative errno on failure. Unused arguments may be left out. */
long syscall(long number, ...);

extern char **environ;

/* Where an alarm's signal enters (ulib/alarm.S). */
void alarm_entry(void);

#endif
