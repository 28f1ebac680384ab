/* Floating-point state belongs to its process: over switches, fork, exec and signals. */
#include "ut.h"

#include <elf.h>
#include <fenv.h>
#include <math.h>
#include <sched.h>

/* Load all 32 registers with seed + number, give the processor away often, compare. */
static long registers_check(long seed, int rounds)
{
	double in[32], out[32];

	for (int i = 0; i < 32; i++)
		in[i] = (double)(seed * 1000 + i) + 0.25;
	for (int r = 0; r < rounds; r++) {
		__asm__ volatile(
			"fld f0, 0(%0)\n fld f1, 8(%0)\n fld f2, 16(%0)\n fld f3, 24(%0)\n"
			"fld f4, 32(%0)\n fld f5, 40(%0)\n fld f6, 48(%0)\n fld f7, 56(%0)\n"
			"fld f8, 64(%0)\n fld f9, 72(%0)\n fld f10, 80(%0)\n fld f11, 88(%0)\n"
			"fld f12, 96(%0)\n fld f13, 104(%0)\n fld f14, 112(%0)\n fld f15, 120(%0)\n"
			"fld f16, 128(%0)\n fld f17, 136(%0)\n"
			"fld f18, 144(%0)\n fld f19, 152(%0)\n"
			"fld f20, 160(%0)\n fld f21, 168(%0)\n"
			"fld f22, 176(%0)\n fld f23, 184(%0)\n"
			"fld f24, 192(%0)\n fld f25, 200(%0)\n"
			"fld f26, 208(%0)\n fld f27, 216(%0)\n"
			"fld f28, 224(%0)\n fld f29, 232(%0)\n"
			"fld f30, 240(%0)\n fld f31, 248(%0)\n"
			/* sched_yield: a system call keeps every floating-point register. */
			"li a7, 124\n ecall\n"
			"fsd f0, 0(%1)\n fsd f1, 8(%1)\n fsd f2, 16(%1)\n fsd f3, 24(%1)\n"
			"fsd f4, 32(%1)\n fsd f5, 40(%1)\n fsd f6, 48(%1)\n fsd f7, 56(%1)\n"
			"fsd f8, 64(%1)\n fsd f9, 72(%1)\n fsd f10, 80(%1)\n fsd f11, 88(%1)\n"
			"fsd f12, 96(%1)\n fsd f13, 104(%1)\n fsd f14, 112(%1)\n fsd f15, 120(%1)\n"
			"fsd f16, 128(%1)\n fsd f17, 136(%1)\n"
			"fsd f18, 144(%1)\n fsd f19, 152(%1)\n"
			"fsd f20, 160(%1)\n fsd f21, 168(%1)\n"
			"fsd f22, 176(%1)\n fsd f23, 184(%1)\n"
			"fsd f24, 192(%1)\n fsd f25, 200(%1)\n"
			"fsd f26, 208(%1)\n fsd f27, 216(%1)\n"
			"fsd f28, 224(%1)\n fsd f29, 232(%1)\n"
			"fsd f30, 240(%1)\n fsd f31, 248(%1)\n"
			:: "r" (in), "r" (out)
			: "a0", "a7", "memory", "f0", "f1", "f2", "f3", "f4", "f5", "f6", "f7",
			  "f8", "f9", "f10", "f11", "f12", "f13", "f14", "f15", "f16", "f17",
			  "f18", "f19", "f20", "f21", "f22", "f23", "f24", "f25", "f26", "f27",
			  "f28", "f29", "f30", "f31");
		if (memcmp(in, out, sizeof(in)) != 0)
			return r + 1;
	}
	return 0;
}

TEST(fpu, registers_survive_switches)
{
	pid_t pids[6];

	for (int i = 0; i < 6; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			CHECK_EQ(registers_check(i + 1, 1500), 0);
			_exit(0);
		}
	}
	for (int i = 0; i < 6; i++)
		expect_exit(pids[i], 0);
}

TEST(fpu, preempted_computation)
{
	/* Processes that compute without system calls get the right sum whoever runs between. */
	pid_t pids[6];

	for (int i = 0; i < 6; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			volatile double step = 0.5 + i;
			double sum = 0;

			for (int j = 0; j < 3000000; j++)
				sum += step;
			CHECK(sum == 3000000 * (0.5 + i));
			_exit(0);
		}
	}
	for (int i = 0; i < 6; i++)
		expect_exit(pids[i], 0);
}

TEST(fpu, fork_copies_state)
{
	double value = 0;
	unsigned long fcsr = 0x40, now = 0;
	long pid;

	/* The raw call, so that nothing touches the registers in between. */
	__asm__ volatile(
		"fscsr %[fcsr]\n li t0, 77\n fcvt.d.l fs3, t0\n"
		"li a0, 17\n li a1, 0\n li a2, 0\n li a3, 0\n li a4, 0\n li a7, 220\n ecall\n"
		"mv %[pid], a0\n fmv.d %[value], fs3\n frcsr %[now]\n"
		: [pid] "=r" (pid), [value] "=f" (value), [now] "=r" (now)
		: [fcsr] "r" (fcsr)
		: "t0", "a0", "a1", "a2", "a3", "a4", "a7", "fs3", "memory");
	__asm__ volatile("fscsr zero");
	if (pid == 0)
		_exit(value == 77.0 && now == 0x40 ? 0 : 1);
	CHECK(pid > 0);
	CHECK(value == 77.0);
	CHECK_EQ(now, 0x40);
	expect_exit((pid_t)pid, 0);
}

TEST(fpu, rounding_mode_is_private)
{
	volatile double one = 1.0, three = 3.0;
	double nearest = one / three;
	struct gate gate;

	gate_make(&gate);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(fesetround(FE_UPWARD), 0);
		for (int i = 0; i < 200; i++) {
			sched_yield();
			CHECK(one / three > nearest);
		}
		gate_open(&gate);
		_exit(0);
	}
	for (int i = 0; i < 200; i++) {
		CHECK(one / three == nearest);
		sched_yield();
	}
	gate_pass(&gate);
	expect_exit(pid, 0);
}

TEST(fpu, flags_accumulate)
{
	volatile double zero = 0.0, one = 1.0, result;

	CHECK_EQ(feclearexcept(FE_ALL_EXCEPT), 0);
	result = one / zero;
	CHECK(isinf(result));
	CHECK_EQ(fetestexcept(FE_DIVBYZERO), FE_DIVBYZERO);
	sched_yield();
	CHECK_EQ(fetestexcept(FE_ALL_EXCEPT), FE_DIVBYZERO);
	result = zero / zero;
	CHECK(isnan(result));
	CHECK_EQ(fetestexcept(FE_INVALID), FE_INVALID);
}

TEST(fpu, child_does_not_leak_to_parent)
{
	/* A process that uses no floating point before must start from zero, not from another's. */
	double value = 1;

	pid_t pid = child();
	if (pid == 0)
		_exit(registers_check(123, 3) != 0);
	expect_exit(pid, 0);
	pid = child();
	if (pid == 0) {
		__asm__ volatile("fmv.d %0, f27" : "=f" (value));
		/* 123,027.25 would be the other child's. */
		_exit(value == 123027.25);
	}
	expect_exit(pid, 0);
}

#define ALL(X) \
	X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) \
	X(16) X(17) X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27) X(28) X(29) X(30) \
	X(31)
#define CHECKED(n) "fmv.x.d t0, f" #n "\n bne t0, t1, 5f\n addi t1, t1, 1\n"

/*
 * A whole program, since what starts others uses the FPU: a handler of SIGUSR1 leaves in the frame
 * 100 for f0, 101 for f1 and so on, 0x41 for fcsr, and a child has them, too. Exits with 0, or 1.
 */
__asm__(".pushsection .rodata\n .balign 8\n fpu_program:\n"
	".option push\n .option norelax\n"
	"addi sp, sp, -32\n lla t0, 3f\n sd t0, 0(sp)\n li t0, 4\n sd t0, 8(sp)\n"
	"sd zero, 16(sp)\n"
	"li a0, 10\n mv a1, sp\n li a2, 0\n li a3, 8\n li a7, 134\n ecall\n"
	"li a7, 172\n ecall\n li a1, 10\n li a7, 129\n ecall\n"
	"li a0, 17\n li a1, 0\n li a2, 0\n li a3, 0\n li a4, 0\n li a7, 220\n ecall\n"
	"mv s0, a0\n li t1, 100\n" ALL(CHECKED)
	"frcsr t0\n li t1, 0x41\n bne t0, t1, 5f\n beqz s0, 4f\n"
	"mv a0, s0\n mv a1, sp\n li a2, 0\n li a3, 0\n li a7, 260\n ecall\n"
	"lw a0, 0(sp)\n snez a0, a0\n li a7, 94\n ecall\n"
	"3: addi t0, a2, 432\n addi t2, t0, 256\n li t1, 100\n"
	"1: sd t1, 0(t0)\n addi t1, t1, 1\n addi t0, t0, 8\n bne t0, t2, 1b\n"
	"li t1, 0x41\n sw t1, 0(t2)\n ret\n"
	"4: li a0, 0\n li a7, 94\n ecall\n"
	"5: li a0, 1\n li a7, 94\n ecall\n"
	"fpu_program_end:\n .option pop\n .popsection\n");
extern const char fpu_program[], fpu_program_end[];

TEST(fpu, frame_of_who_has_none)
{
	const uint64_t at = 0x10000, size = (uint64_t)(fpu_program_end - fpu_program);
	struct { Elf64_Ehdr head; Elf64_Phdr load; } elf = {
		{ .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		  .e_type = ET_EXEC, .e_machine = EM_RISCV, .e_version = EV_CURRENT,
		  .e_entry = at + sizeof(elf), .e_phoff = sizeof(Elf64_Ehdr),
		  .e_ehsize = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 },
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = at,
		  .p_filesz = sizeof(elf) + size, .p_memsz = sizeof(elf) + size,
		  .p_align = 4096 },
	};
	int fd = (int)CHECK_OK(open("fpu", O_CREAT | O_WRONLY, 0700));
	pid_t pid;

	CHECK_EQ(write(fd, &elf, sizeof(elf)), (long)sizeof(elf));
	CHECK_EQ(write(fd, fpu_program, size), (long)size);
	CHECK_OK(close(fd));
	pid = child();
	if (pid == 0) {
		execl("./fpu", "fpu", NULL);
		_exit(2);
	}
	expect_exit(pid, 0);
}
