/*
 * Signal numbers and structures of the Linux riscv64 ABI (signal(7), sigaction(2)).
 */
#pragma once

#include <stdint.h>

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGBUS 7
#define SIGFPE 8
#define SIGKILL 9
#define SIGUSR1 10
#define SIGSEGV 11
#define SIGUSR2 12
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGSTKFLT 16
#define SIGCHLD 17
#define SIGCONT 18
#define SIGSTOP 19
#define SIGTSTP 20
#define SIGTTIN 21
#define SIGTTOU 22
#define SIGURG 23
#define SIGXCPU 24
#define SIGXFSZ 25
#define SIGVTALRM 26
#define SIGPROF 27
#define SIGWINCH 28
#define SIGIO 29
#define SIGPWR 30
#define SIGSYS 31
#define SYS_USER_DISPATCH 2 /* si_code */
#define SIGRTMIN 32
#define NSIG 64

typedef uint64_t sigset_t; /* bit n-1: signal n */
#define SIGMASK(sig) (1UL << ((sig)-1))

#define SIG_DFL 0UL
#define SIG_IGN 1UL
#define SIG_ERR (~0UL)

#define SA_NOCLDSTOP 0x00000001
#define SA_NOCLDWAIT 0x00000002
#define SA_SIGINFO 0x00000004
#define SA_UNSUPPORTED 0x00000400
#define SA_EXPOSE_TAGBITS 0x00000800
#define SA_RESTORER 0x04000000
#define SA_ONSTACK 0x08000000
#define SA_RESTART 0x10000000
#define SA_NODEFER 0x40000000
#define SA_RESETHAND 0x80000000

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2

#define SS_ONSTACK 1
#define SS_DISABLE 2
#define SS_AUTODISARM (1U << 31)
#define MINSIGSTKSZ 2048

/* rt_sigaction(2) on riscv64: no restorer, the vDSO returns. */
struct sigaction {
	uint64_t handler;
	uint64_t flags;
	sigset_t mask;
};

struct sigaltstack {
	uint64_t sp;
	int32_t flags;
	uint32_t pad;
	uint64_t size;
};

/* si_code */
#define SI_USER 0
#define SI_KERNEL 0x80
#define SI_QUEUE (-1)
#define SI_TIMER (-2)
#define SI_MESGQ (-3)
#define SI_ASYNCIO (-4)
#define SI_SIGIO (-5)
#define SI_TKILL (-6)
#define ILL_ILLOPC 1
#define FPE_INTDIV 1
#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define BUS_OBJERR 3
#define TRAP_BRKPT 1
#define CLD_EXITED 1
#define CLD_KILLED 2
#define CLD_DUMPED 3
#define CLD_TRAPPED 4
#define CLD_STOPPED 5
#define CLD_CONTINUED 6

union sigval {
	int32_t sival_int;
	uint64_t sival_ptr;
};

/* sigevent(3) */
#define SIGEV_SIGNAL	0
#define SIGEV_NONE	1
#define SIGEV_THREAD	2
#define SIGEV_THREAD_ID 4

struct sigevent64 {
	union sigval value;
	int32_t signo, notify;
	int32_t tid;
	int32_t pad[11];
};
_Static_assert(sizeof(struct sigevent64) == 64, "sigevent is 64 bytes in the ABI");

struct siginfo {
	int32_t si_signo;
	int32_t si_errno;
	int32_t si_code;
	int32_t pad0;
	union {
		struct {
			int32_t si_pid;
			uint32_t si_uid;
			union {
				union sigval si_value;
				struct {
					int32_t si_status;
					int64_t si_utime, si_stime; /* clock ticks */
				};
			};
		};
		struct {
			int32_t si_timerid, si_overrun;
			union sigval si_timer_value;
		};
		struct {
			uint64_t si_addr;
		};
		struct {
			uint64_t si_call_addr;
			int32_t si_syscall;
			uint32_t si_arch;
		};
		struct {
			int64_t si_band;
			int32_t si_fd;
		};
		uint8_t pad[112];
	};
};
_Static_assert(sizeof(struct siginfo) == 128, "siginfo is 128 bytes in the ABI");
