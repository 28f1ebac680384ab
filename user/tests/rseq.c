/* rseq: areas that say where a thread runs, and sequences that are begun anew. */
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>

#include "user/tests/ut.h"

#define SIGNATURE 0x52534551
#define UNREGISTER 1
#ifndef RSEQ_SIG
#define RSEQ_SIG 0xf1401073 /* the C library's, where it has one */
#endif

static struct rseq area, other;

static long rseq(void *p, unsigned int len, int flags, unsigned int sig)
{
	return syscall(SYS_rseq, p, len, flags, sig);
}

/* The C library may have registered an area of its own. */
static void library_lets_go(void)
{
	if (__rseq_size)
		CHECK_OK(rseq((char *)__builtin_thread_pointer() + __rseq_offset, sizeof(area),
			      UNREGISTER, RSEQ_SIG));
}

static void area_register(void)
{
	library_lets_go();
	CHECK_OK(rseq(&area, sizeof(area), 0, SIGNATURE));
}

TEST(rseq, errors)
{
	char *p = (char *)&area;

	library_lets_go();
	CHECK_ERR(rseq(&area, sizeof(area), 2, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&area, sizeof(area), UNREGISTER | 2, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&area, sizeof(area) - 1, 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(p + 8, sizeof(area), 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq((void *)-4096L, sizeof(area), 0, SIGNATURE), EFAULT);
	CHECK_ERR(rseq(&area, sizeof(area), UNREGISTER, SIGNATURE), EINVAL);
	CHECK_OK(rseq(&area, sizeof(area), 0, SIGNATURE));
	CHECK_ERR(rseq(&area, sizeof(area), 0, SIGNATURE), EBUSY);
	CHECK_ERR(rseq(&area, sizeof(area), 0, SIGNATURE + 1), EPERM);
	CHECK_ERR(rseq(&area, 2 * sizeof(area), 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&other, sizeof(area), 0, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&other, sizeof(area), UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&area, 2 * sizeof(area), UNREGISTER, SIGNATURE), EINVAL);
	CHECK_ERR(rseq(&area, sizeof(area), UNREGISTER, SIGNATURE + 1), EPERM);
	CHECK_OK(rseq(&area, sizeof(area), UNREGISTER, SIGNATURE));
	CHECK_ERR(rseq(&area, sizeof(area), UNREGISTER, SIGNATURE), EINVAL);
	CHECK_EQ(area.cpu_id, (unsigned int)RSEQ_CPU_ID_UNINITIALIZED);
	CHECK_EQ(area.cpu_id_start, 0);
}

TEST(rseq, auxiliary_vector)
{
	CHECK_GE(getauxval(27), 28); /* AT_RSEQ_FEATURE_SIZE: up to mm_cid */
	CHECK_EQ(getauxval(28), 32); /* AT_RSEQ_ALIGN */
}

static void here_check(void)
{
	volatile struct rseq *p = &area;

	CHECK_EQ(p->cpu_id, sched_getcpu());
	CHECK_EQ(p->cpu_id_start, p->cpu_id);
}

/* On each processor in turn, in whatever way it comes there. */
TEST(rseq, says_where)
{
	cpu_set_t all, one;
	pid_t pid;

	CHECK_OK(sched_getaffinity(0, sizeof(all), &all));
	area_register();
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		CHECK_OK(sched_setaffinity(0, sizeof(one), &one));
		CHECK_EQ(sched_getcpu(), cpu);
		here_check();
		pid = child();
		if (!pid) {
			here_check();
			CHECK_OK(sched_setaffinity(0, sizeof(all), &all));
			CHECK_ERR(rseq(&area, sizeof(area), 0, SIGNATURE), EBUSY);
			_exit(0);
		}
		expect_exit(pid, 0);
	}
}

static int thread_has_none(void *unused)
{
	(void)unused;
	return rseq(&other, sizeof(other), 0, SIGNATURE) ? errno : 0;
}

/* Who shares the memory begins without. */
TEST(rseq, not_of_threads)
{
	static char stack[65536] __attribute__((aligned(16)));

	area_register();
	expect_exit((pid_t)CHECK_OK(clone(thread_has_none, stack + sizeof(stack),
					  CLONE_VM | CLONE_VFORK | SIGCHLD, NULL)), 0);
}

/*
 * A sequence that stores cs and ends when *go is set: 0. Behind it, what aborts it: 1.
 */
int rseq_spin(void *cs_field, const void *cs, volatile int *go);
extern char rseq_spin_begin[], rseq_spin_end[], rseq_spin_abort[];
__asm__(".pushsection .text\n"
	"	.option push\n"
	"	.option norvc\n"
	"	.balign 4\n"
	"	.globl rseq_spin, rseq_spin_begin, rseq_spin_end, rseq_spin_abort\n"
	"rseq_spin:\n"
	"	sd a1, (a0)\n"
	"rseq_spin_begin:\n"
	"	lw a3, (a2)\n"
	"	beqz a3, rseq_spin_begin\n"
	"rseq_spin_end:\n"
	"	li a0, 0\n"
	"	ret\n"
	"	.word 0x52534551\n"
	"rseq_spin_abort:\n"
	"	li a0, 1\n"
	"	ret\n"
	"	.option pop\n"
	"	.popsection\n");

static struct rseq_cs spin_cs;
static volatile int go;

static int spin(void)
{
	spin_cs.start_ip = (uintptr_t)rseq_spin_begin;
	spin_cs.post_commit_offset = (uintptr_t)(rseq_spin_end - rseq_spin_begin);
	spin_cs.abort_ip = (uintptr_t)rseq_spin_abort;
	return rseq_spin(&area.rseq_cs, &spin_cs, &go);
}

static volatile uint64_t found_pc, found_cs;

static void look(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	found_pc = uc->uc_mcontext.__gregs[REG_PC];
	found_cs = area.rseq_cs;
}

/* The handler's frame already leads to the handler of the abort. */
TEST(rseq, signal_aborts)
{
	struct sigaction act = {.sa_sigaction = look, .sa_flags = SA_SIGINFO};

	CHECK_OK(sigaction(SIGALRM, &act, NULL));
	area_register();
	CHECK_OK(ualarm(20000, 20000));
	/* Now and then another thread came first. */
	do {
		found_pc = 0;
		CHECK_EQ(spin(), 1);
	} while (!found_pc);
	CHECK_EQ(found_pc, (uintptr_t)rseq_spin_abort);
	CHECK_EQ(found_cs, 0);
	CHECK_EQ(area.rseq_cs, 0);
	CHECK_OK(ualarm(0, 0));
}

/* Nothing but another's turn ends it. */
TEST(rseq, preemption_aborts)
{
	pid_t pid;

	one_processor();
	area_register();
	pid = child();
	if (!pid)
		for (;;)
			;
	CHECK_EQ(spin(), 1);
	CHECK_EQ(area.rseq_cs, 0);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	go = 1; /* and left alone it comes to its end */
	while (spin())
		;
}

static void nothing(int sig)
{
	(void)sig;
}

/* Each look finds what is wrong; a timer sees to it that there is one. */
static void looks_come(void)
{
	on_signal(SIGALRM, nothing, 0);
	CHECK_OK(ualarm(20000, 20000));
}

static void spin_until_it_ends(void)
{
	looks_come();
	spin();
	ut_fail(__FILE__, __LINE__, "a bad sequence was taken for a good one");
}

static void wrong_signature(void)
{
	library_lets_go();
	CHECK_OK(rseq(&area, sizeof(area), 0, SIGNATURE + 1));
	spin_until_it_ends();
}

static void wrong_version(void)
{
	area_register();
	spin_cs.version = 1;
	spin_until_it_ends();
}

static void flags_of_old(void)
{
	area_register();
	spin_cs.flags = 1; /* RSEQ_CS_FLAG_NO_RESTART_ON_PREEMPT */
	spin_until_it_ends();
}

static void sequence_at(uint64_t address)
{
	area_register();
	area.rseq_cs = address;
	looks_come();
	for (;;)
		;
}

static void sequence_nowhere(void)
{
	sequence_at(4096);
}

static void sequence_in_the_kernel(void)
{
	sequence_at(-4096UL);
}

static void area_gone(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	library_lets_go();
	CHECK_OK(rseq(p, sizeof(area), 0, SIGNATURE));
	CHECK_OK(munmap(p, 4096));
	looks_come();
	for (;;)
		;
}

TEST(rseq, what_is_bad_is_fatal)
{
	static void (*const bad[])(void) = {
		wrong_signature, wrong_version, flags_of_old, sequence_nowhere,
		sequence_in_the_kernel, area_gone,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pid_t pid = child();

		if (!pid)
			bad[i]();
		expect_signal(pid, SIGSEGV);
	}
}
