/* Registers over a handler, faults as signals, handlers that leave by longjmp. */
#include "ut.h"

#include <math.h>
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t hits;
static volatile siginfo_t seen;
static sigjmp_buf back;
static volatile uintptr_t seen_pc, nowhere = 8;

static void clobber(int sig)
{
	(void)sig;
	/* Every register the C code may touch, floating point too. */
	__asm__ volatile(
		"li t0, -1\n li t1, -2\n li t2, -3\n li t3, -4\n li t4, -5\n"
		"li t5, -6\n li t6, -7\n"
		"li a2, -8\n li a3, -9\n li a4, -10\n li a5, -11\n li a6, -12\n"
		"fcvt.d.l ft0, t0\n fcvt.d.l ft1, t0\n fcvt.d.l fa0, t0\n fcvt.d.l fa7, t0\n"
		"fcvt.d.l ft11, t0\n"
		::: "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a2", "a3", "a4", "a5", "a6",
		"ft0", "ft1", "fa0", "fa7", "ft11");
	hits++;
}

/*
 * Put a value into each caller-saved register, spin until a handler has run, and
 * count the registers that hold something else then.
 */
static long spin_until_hit(volatile sig_atomic_t *flag)
{
	long wrong;

	__asm__ volatile(
		"li t0, 101\n li t1, 102\n li t3, 104\n li t4, 105\n li t5, 106\n li t6, 107\n"
		"li a2, 108\n li a3, 109\n li a4, 110\n li a5, 111\n li a6, 112\n li a7, 113\n"
		"fcvt.d.l ft0, t0\n fcvt.d.l ft1, t1\n fcvt.d.l fa0, t3\n fcvt.d.l fa7, t4\n"
		"fcvt.d.l ft11, t5\n"
		"1: lw t2, 0(%[flag])\n"
		"beqz t2, 1b\n"
		"li %[wrong], 0\n"
		"addi t0, t0, -101\n snez t0, t0\n add %[wrong], %[wrong], t0\n"
		"addi t1, t1, -102\n snez t1, t1\n add %[wrong], %[wrong], t1\n"
		"addi t3, t3, -104\n snez t3, t3\n add %[wrong], %[wrong], t3\n"
		"addi t4, t4, -105\n snez t4, t4\n add %[wrong], %[wrong], t4\n"
		"addi t5, t5, -106\n snez t5, t5\n add %[wrong], %[wrong], t5\n"
		"addi t6, t6, -107\n snez t6, t6\n add %[wrong], %[wrong], t6\n"
		"addi a2, a2, -108\n snez a2, a2\n add %[wrong], %[wrong], a2\n"
		"addi a3, a3, -109\n snez a3, a3\n add %[wrong], %[wrong], a3\n"
		"addi a4, a4, -110\n snez a4, a4\n add %[wrong], %[wrong], a4\n"
		"addi a5, a5, -111\n snez a5, a5\n add %[wrong], %[wrong], a5\n"
		"addi a6, a6, -112\n snez a6, a6\n add %[wrong], %[wrong], a6\n"
		"addi a7, a7, -113\n snez a7, a7\n add %[wrong], %[wrong], a7\n"
		"fcvt.l.d t0, ft0\n addi t0, t0, -101\n snez t0, t0\n add %[wrong], %[wrong], t0\n"
		"fcvt.l.d t0, ft1\n addi t0, t0, -102\n snez t0, t0\n add %[wrong], %[wrong], t0\n"
		"fcvt.l.d t0, fa0\n addi t0, t0, -104\n snez t0, t0\n add %[wrong], %[wrong], t0\n"
		"fcvt.l.d t0, fa7\n addi t0, t0, -105\n snez t0, t0\n add %[wrong], %[wrong], t0\n"
		"fcvt.l.d t0, ft11\n addi t0, t0, -106\n snez t0, t0\n add %[wrong], %[wrong], t0\n"
		: [wrong] "=&r" (wrong)
		: [flag] "r" (flag)
		: "memory", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a2", "a3", "a4", "a5", "a6",
		  "a7", "ft0", "ft1", "fa0", "fa7", "ft11");
	return wrong;
}

TEST(signal, registers_survive_handler)
{
	struct itimerval it = { { 0, 0 }, { 0, 5000 } };

	on_signal(SIGALRM, clobber, 0);
	for (int i = 0; i < 20; i++) {
		hits = 0;
		CHECK_OK(setitimer(ITIMER_REAL, &it, NULL));
		CHECK_EQ(spin_until_hit(&hits), 0);
	}
}

static void set_rounding(int sig)
{
	unsigned long fcsr = 0x60 | 0x1f;

	(void)sig;
	__asm__ volatile("fscsr %0" :: "r" (fcsr));
	hits++;
}

TEST(signal, fcsr_survives_handler)
{
	unsigned long fcsr = 0x20, now;

	on_signal(SIGUSR1, set_rounding, 0);
	__asm__ volatile("fscsr %0" :: "r" (fcsr));
	CHECK_OK(kill(getpid(), SIGUSR1));
	__asm__ volatile("frcsr %0" : "=r" (now));
	CHECK_EQ(hits, 1);
	CHECK_EQ(now, 0x20);
}

static void edit_context(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	hits++;
	seen_pc = uc->uc_mcontext.__gregs[REG_PC];
	/* Skip the ebreak that brought us here, and change a0 and fs0. */
	uc->uc_mcontext.__gregs[REG_PC] += 2;
	uc->uc_mcontext.__gregs[REG_A0] = 4242;
	uc->uc_mcontext.__fpregs.__d.__f[8] = 0x4045000000000000u;	/* 42.0 */
}

TEST(signal, context_can_be_edited)
{
	struct sigaction sa = { .sa_sigaction = edit_context, .sa_flags = SA_SIGINFO };
	long value;
	double number;

	CHECK_OK(sigaction(SIGTRAP, &sa, NULL));
	__asm__ volatile(
		"li a0, 1\n fmv.d.x fs0, zero\n c.ebreak\n mv %0, a0\n fmv.d %1, fs0\n"
		: "=r" (value), "=f" (number) :: "a0", "fs0", "memory");
	CHECK_EQ(hits, 1);
	CHECK_EQ(value, 4242);
	CHECK(number == 42.0);
	CHECK(seen_pc != 0);
}

static void jump_back(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	seen = *info;
	hits++;
	siglongjmp(back, 1);
}

static void on_fault(int sig)
{
	struct sigaction sa = { .sa_sigaction = jump_back, .sa_flags = SA_SIGINFO };

	CHECK_OK(sigaction(sig, &sa, NULL));
}

#define ALL_FLOATS(X) \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) \
	X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) \
	X(31)

static void next_floats(int sig, siginfo_t *info, void *context)
{
	union __riscv_mc_fp_state *fp = &((ucontext_t *)context)->uc_mcontext.__fpregs;

	(void)info;
	CHECK_EQ(sig, SIGUSR1);
	for (int i = 0; i < 32; i++) {
		CHECK_EQ(fp->__d.__f[i], 1000 + i);
		fp->__d.__f[i] = 2000 + i;
	}
	CHECK_EQ(fp->__d.__fcsr, 0x41);
	fp->__d.__fcsr = 0x22;
	hits++;
}

TEST(signal, frame_has_all_floats)
{
	struct sigaction sa = { .sa_sigaction = next_floats, .sa_flags = SA_SIGINFO };
	unsigned long f[33];

	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	for (int i = 0; i < 32; i++)
		f[i] = 1000 + i;
	f[32] = 0x41;
#define LOAD(n) "fmv.d.x f" #n ", t0\n addi t0, t0, 1\n"
#define STORE(n) "fsd f" #n ", 8*" #n "(t1)\n"
#define SAVED(n) "f" #n,
	__asm__ volatile("mv t1, %0\n ld t0, 256(t1)\n fscsr t0\n ld t0, 0(t1)\n"
			 ALL_FLOATS(LOAD)
			 "mv a0, %1\n li a1, 10\n li a7, 129\n ecall\n"
			 ALL_FLOATS(STORE)
			 "frcsr t0\n sd t0, 256(t1)\n"
			 :: "r" (f), "r" ((long)getpid())
			 : ALL_FLOATS(SAVED) "t0", "t1", "a0", "a1", "a7", "memory");
	CHECK_EQ(hits, 1);
	for (int i = 0; i < 32; i++)
		CHECK_EQ(f[i], 2000 + i);
	CHECK_EQ(f[32], 0x22);
}

TEST(signal, segv_unmapped)
{
	volatile char *volatile where = (char *)0x10;

	on_fault(SIGSEGV);
	for (int i = 1; i <= 5; i++) {
		if (sigsetjmp(back, 1) == 0) {
			if (i & 1)
				*where = 1;
			else
				(void)*where;
			FAIL("no fault at %p", (const void *)where);
		}
		CHECK_EQ(hits, i);
		CHECK_EQ(seen.si_signo, SIGSEGV);
		CHECK_EQ(seen.si_code, SEGV_MAPERR);
		CHECK_EQ((uintptr_t)seen.si_addr, 0x10);
	}
}

TEST(signal, segv_kernel_address)
{
	static const uintptr_t list[] = {
		0xffffffffffffff00u, 0xffffffc000000000u, 0xffffffff80000000u, 0x8000000000000000u,
		0x4000000000u, 0x0000800000000000u,
	};

	on_fault(SIGSEGV);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		if (sigsetjmp(back, 1) == 0) {
			*(volatile char *volatile)list[i] = 1;
			FAIL("no fault at %p", (void *)list[i]);
		}
		CHECK_EQ((uintptr_t)seen.si_addr, list[i]);
		CHECK_EQ(hits, i + 1);
	}
}

TEST(signal, segv_read_only)
{
	/* Its own text may be read and not written. */
	volatile char *volatile where = (char *)(uintptr_t)jump_back;

	on_fault(SIGSEGV);
	if (sigsetjmp(back, 1) == 0) {
		(void)*where;
		*where = 1;
		FAIL("text is writable");
	}
	CHECK_EQ(seen.si_code, SEGV_ACCERR);
	CHECK_EQ((uintptr_t)seen.si_addr, (uintptr_t)where);
}

TEST(signal, segv_not_executable)
{
	static int data[4] = { 0x00008067, 0, 0, 0 };
	void (*volatile run)(void) = (void (*)(void))(uintptr_t)data;

	on_fault(SIGSEGV);
	if (sigsetjmp(back, 1) == 0) {
		run();
		FAIL("data is executable");
	}
	CHECK_EQ(seen.si_code, SEGV_ACCERR);
	CHECK_EQ((uintptr_t)seen.si_addr, (uintptr_t)data);
}

TEST(signal, illegal_instruction)
{
	on_fault(SIGILL);
	if (sigsetjmp(back, 1) == 0) {
		__asm__ volatile("unimp");
		FAIL("the instruction is not illegal");
	}
	CHECK_EQ(seen.si_signo, SIGILL);
	/* Privileged instructions and registers as well. */
	if (sigsetjmp(back, 1) == 0) {
		__asm__ volatile("csrr t0, 0x180" ::: "t0");
		FAIL("satp is readable");
	}
	if (sigsetjmp(back, 1) == 0) {
		__asm__ volatile("sret");
		FAIL("sret works");
	}
	CHECK_EQ(hits, 3);
}

TEST(signal, breakpoint)
{
	on_fault(SIGTRAP);
	if (sigsetjmp(back, 1) == 0) {
		__asm__ volatile("ebreak");
		FAIL("ebreak does nothing");
	}
	CHECK_EQ(seen.si_signo, SIGTRAP);
	CHECK_EQ(seen.si_code, TRAP_BRKPT);
}

TEST(signal, fault_while_blocked_kills)
{
	pid_t pid = child();

	if (pid == 0) {
		sigset_t set;

		on_fault(SIGSEGV);
		sigemptyset(&set);
		sigaddset(&set, SIGSEGV);
		CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
		*(volatile char *)nowhere = 1;
		_exit(1);
	}
	expect_signal(pid, SIGSEGV);
}

TEST(signal, fault_while_ignored_kills)
{
	pid_t pid = child();

	if (pid == 0) {
		signal(SIGSEGV, SIG_IGN);
		*(volatile char *)nowhere = 1;
		_exit(1);
	}
	expect_signal(pid, SIGSEGV);
}

TEST(signal, no_stack_for_handler_kills)
{
	pid_t pid = child();

	if (pid == 0) {
		on_fault(SIGUSR1);
		/* The frame would go to an unmapped place. */
		__asm__ volatile("li sp, 4096\n li a7, 172\n ecall\n"
				 "li a1, 10\n li a7, 129\n ecall\n"
				 ::: "a0", "a1", "a7", "memory");
		_exit(1);
	}
	expect_signal(pid, SIGSEGV);
}

static sigset_t seen_mask;

static void note_mask(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	seen_mask = ((ucontext_t *)context)->uc_sigmask;
	hits++;
}

/* sigsuspend's mask is over, and the one before it back, when a handler found no room. */
TEST(signal, mask_after_a_handler_without_room)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = note_mask, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	sigset_t none, both, now;
	long ret;

	sigemptyset(&none);
	sigemptyset(&both);
	sigaddset(&both, SIGUSR1);
	sigaddset(&both, SIGUSR2);
	CHECK_OK(sigaltstack(&ss, NULL));
	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
	on_signal(SIGUSR1, clobber, 0);
	CHECK_OK(sigprocmask(SIG_BLOCK, &both, NULL));
	CHECK_OK(raise(SIGUSR1));
	hits = 0;
	__asm__ volatile("mv a0, %1\n li a1, 8\n li a7, 133\n mv s1, sp\n li sp, 4096\n ecall\n"
			 "mv sp, s1\n mv %0, a0\n"
			 : "=r" (ret) : "r" (&none) : "a0", "a1", "a7", "s1", "memory");
	CHECK_EQ(ret, -EINTR);
	CHECK_EQ(hits, 1);
	CHECK(sigismember(&seen_mask, SIGUSR2));
	CHECK_OK(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK(sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2));
}

TEST(signal, no_frame_reaches_into_the_kernel)
{
	/* Where sp is, for a frame to be written below it, and for one to be read above it. */
	static const unsigned long bad[] = {
		0, 16, 1088, 1UL << 38, (1UL << 38) + 64, (1UL << 38) + 1088, 1UL << 63, -16UL,
		-4096UL, 0xffffffff80200000UL, 0xffffffc086000440UL,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pid_t pid = child();

		if (pid == 0) {
			on_signal(SIGUSR1, clobber, 0);
			__asm__ volatile("mv sp, %0\n mv a0, %1\n li a1, 10\n li a7, 129\n ecall\n"
					 "li a0, 1\n li a7, 94\n ecall\n"
					 :: "r" (bad[i]), "r" ((long)getpid()) : "memory");
		}
		expect_signal(pid, SIGSEGV);
		pid = child();
		if (pid == 0)
			__asm__ volatile("mv sp, %0\n li a7, 139\n ecall\n"
					 "li a0, 1\n li a7, 94\n ecall\n"
					 :: "r" (bad[i] & ~15UL) : "memory");
		expect_signal(pid, SIGSEGV);
	}
}

TEST(signal, overflow_handled_on_altstack)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = jump_back, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	uintptr_t sp;

	CHECK_OK(sigaltstack(&ss, NULL));
	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
	for (int i = 1; i <= 3; i++) {
		if (sigsetjmp(back, 1) == 0) {
			/* A stack pointer that leads nowhere, and a push. */
			__asm__ volatile("mv %0, sp\n li t0, 4096\n mv sp, t0\n"
					 "sd zero, -8(sp)\n mv sp, %0\n"
					 : "=&r" (sp) :: "t0", "memory");
			FAIL("no fault");
		}
		CHECK_EQ(hits, i);
		CHECK_EQ((uintptr_t)seen.si_addr, 4088);
	}
}

static volatile greg_t registers[32];

/* What the handler sees; it returns with sp from s1. */
static void note_registers(int sig, siginfo_t *info, void *context)
{
	greg_t *now = ((ucontext_t *)context)->uc_mcontext.__gregs;

	(void)sig;
	seen = *info;
	for (int i = 0; i < 32; i++)
		registers[i] = now[i];
	now[REG_SP] = now[REG_S1];
	hits++;
}

/* rt_sigreturn with sp at `at`; *behind: where the call ends. s2-s11 are 2002-2011, t0 is 2005. */
static void return_from(uintptr_t at, unsigned long *behind)
{
	__asm__ volatile(
		"mv t0, %0\n mv t1, %1\n addi sp, sp, -16\n sd s0, 0(sp)\n mv s1, sp\n"
		"li s0, 2000\n li s2, 2002\n li s3, 2003\n li s4, 2004\n li s5, 2005\n"
		"li s6, 2006\n li s7, 2007\n li s8, 2008\n li s9, 2009\n li s10, 2010\n"
		"li s11, 2011\n lla a7, 1f\n sd a7, 0(t1)\n mv sp, t0\n li t0, 2005\n"
		"li a0, 77\n li a7, 139\n ecall\n1: ld s0, 0(sp)\n addi sp, sp, 16\n"
		:: "r" (at), "r" (behind)
		: "a0", "a7", "t0", "t1", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9",
		  "s10", "s11", "memory");
}

/* What cannot be read changes no register: the handler sees those of the call. */
TEST(signal, bad_frame_is_handled)
{
	static char stack[65536];
	stack_t ss = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_sigaction = note_registers,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* The last is mapped up to the registers. */
	const uintptr_t bad[] = { 4096, -4096UL, 1UL << 38, (uintptr_t)page + 4096,
				  (uintptr_t)page + 4096 - 304 };
	unsigned long behind = 0;

	CHECK(page != MAP_FAILED);
	CHECK_OK(munmap(page + 4096, 4096));
	CHECK_OK(sigaltstack(&ss, NULL));
	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		return_from(bad[i], &behind);
		CHECK_EQ(hits, (long)i + 1);
		CHECK_EQ(seen.si_code, SI_KERNEL);
		CHECK_EQ((uintptr_t)seen.si_addr, 0);
		CHECK_EQ(registers[REG_PC], behind);
		CHECK_EQ(registers[REG_SP], bad[i]);
		CHECK_EQ(registers[REG_S0], 2000);
		for (int s = 2; s <= 11; s++)
			CHECK_EQ(registers[REG_S2 + s - 2], 2000 + s);
		CHECK_EQ(registers[5], 2005);
		CHECK_EQ(registers[REG_A0], 0);
		CHECK_EQ(registers[REG_A0 + 7], 139);
	}
}

static void add_extension(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	uc->uc_mcontext.__gregs[REG_S2] = 4242;
	uc->uc_mcontext.__fpregs.__q.__glibc_reserved[0] = 1;
}

/* An unknown extension is refused when the registers are those of the frame. */
TEST(signal, bad_extension_is_handled)
{
	struct sigaction sa = { .sa_sigaction = note_registers, .sa_flags = SA_SIGINFO };
	unsigned long behind = 0;
	long value;

	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
	sa.sa_sigaction = add_extension;
	CHECK_OK(sigaction(SIGUSR1, &sa, NULL));
	__asm__ volatile("mv a0, %1\n lla a1, 1f\n sd a1, 0(%2)\n mv s1, sp\n li s2, 7\n"
			 "li a1, 10\n li a7, 129\n ecall\n1: mv %0, s2\n"
			 : "=r" (value) : "r" ((long)getpid()), "r" (&behind)
			 : "a0", "a1", "a7", "s1", "s2", "memory");
	CHECK_EQ(hits, 1);
	CHECK_EQ(value, 4242);
	CHECK_EQ(seen.si_code, SI_KERNEL);
	CHECK_EQ(registers[REG_PC], behind);
	CHECK_EQ(registers[REG_S2], 4242);
	CHECK_EQ(registers[REG_A0], 0);
}

TEST(signal, forged_sigreturn)
{
	/* A frame that was never written: the process dies or is refused, the kernel does not. */
	pid_t pid = child();

	if (pid == 0) {
		syscall(SYS_rt_sigreturn);
		_exit(0);
	}
	int status = status_of(pid);
	CHECK(WIFSIGNALED(status) || WIFEXITED(status));
	pid = child();
	if (pid == 0) {
		__asm__ volatile("li sp, -4096\n li a7, 139\n ecall\n" ::: "a7", "memory");
		_exit(1);
	}
	expect_signal(pid, SIGSEGV);
}

TEST(signal, misaligned_frame_is_fine)
{
	/* The kernel aligns the frame to 16 bytes whatever sp was. */
	pid_t pid = child();

	if (pid == 0) {
		on_signal(SIGUSR1, clobber, 0);
		__asm__ volatile("addi sp, sp, -520\n mv a0, %0\n li a1, 10\n li a7, 129\n ecall\n"
				 "addi sp, sp, 520\n"
				 :: "r" ((long)getpid()) : "a0", "a1", "a7", "memory");
		CHECK_EQ(hits, 1);
		_exit(0);
	}
	expect_exit(pid, 0);
}
