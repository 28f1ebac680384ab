/* Floating-point state belongs to its process: over switches, fork, exec and signals. */
#include "ut.h"

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
