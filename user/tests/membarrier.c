/* membarrier: who must register, what is remembered, and that memory is ordered. */
#include "ut.h"

#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define GET_REGISTRATIONS 512
#define REGISTRATIONS	  (MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED |		\
			   MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |		\
			   MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE)

static long barrier(int command, unsigned int flags)
{
	return syscall(SYS_membarrier, command, flags, 0);
}

static long registered(void)
{
	return CHECK_OK(barrier(GET_REGISTRATIONS, 0)) & REGISTRATIONS;
}

TEST(membarrier, commands)
{
	long all = CHECK_OK(barrier(MEMBARRIER_CMD_QUERY, 0));
	long want = REGISTRATIONS | MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
		    MEMBARRIER_CMD_PRIVATE_EXPEDITED |
		    MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE | GET_REGISTRATIONS;

	CHECK_EQ(all & want, want);
	CHECK_OK(barrier(MEMBARRIER_CMD_GLOBAL, 0));
	CHECK_OK(barrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0));
}

TEST(membarrier, errors)
{
	CHECK_ERR(barrier(MEMBARRIER_CMD_QUERY, 1), EINVAL);
	CHECK_ERR(barrier(MEMBARRIER_CMD_GLOBAL, 1), EINVAL);
	CHECK_ERR(barrier(GET_REGISTRATIONS, 2), EINVAL);
	CHECK_ERR(barrier(3, 0), EINVAL);
	CHECK_ERR(barrier(1024, 0), EINVAL);
	CHECK_ERR(barrier(-1, 0), EINVAL);
}

TEST(membarrier, private_after_registration)
{
	CHECK_EQ(registered(), 0);
	CHECK_ERR(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0), EPERM);
	CHECK_ERR(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0), EPERM);
	CHECK_OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	CHECK_OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	CHECK_EQ(registered(), MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
	CHECK_OK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
	CHECK_ERR(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0), EPERM);
	CHECK_OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	CHECK_OK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	CHECK_OK(barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0));
	CHECK_EQ(registered(), REGISTRATIONS);
}

/* Instructions are not had without memory, as far as the list goes; but the call asks for more. */
TEST(membarrier, instructions_alone)
{
	CHECK_OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	CHECK_EQ(registered(), MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
				       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE);
	CHECK_OK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	CHECK_ERR(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0), EPERM);
}

TEST(membarrier, fork_keeps_exec_drops)
{
	pid_t pid;

	CHECK_OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	pid = child();
	if (!pid) {
		CHECK_EQ(registered(), MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
		CHECK_OK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0));
		exec_helper("membarrier", NULL);
		_exit(1);
	}
	expect_exit(pid, 42);
}

#define ROUNDS 400

static atomic_int round_of[2];
static volatile int stored[2][64]; /* each on lines of its own */
static volatile int seen[2];

/* Both have come to this round. */
static void meet(int me, int n)
{
	atomic_store(&round_of[me], n);
	while (atomic_load(&round_of[!me]) < n)
		sched_yield();
}

/* This side only keeps the compiler from changing the order. */
static void *cheap_side(void *unused)
{
	for (int n = 1; n <= ROUNDS; n++) {
		meet(0, 3 * n);
		stored[0][0] = n;
		__asm__ volatile("" ::: "memory");
		seen[0] = stored[1][0];
		meet(0, 3 * n + 1);
		meet(0, 3 * n + 2);
	}
	return unused;
}

/* Of two that store and then load what the other stores, one at least sees it. */
static void orders_memory(int command)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, cheap_side, NULL), 0);
	for (int n = 1; n <= ROUNDS; n++) {
		meet(1, 3 * n);
		stored[1][0] = n;
		CHECK_OK(barrier(command, 0));
		seen[1] = stored[0][0];
		meet(1, 3 * n + 1);
		if (seen[0] != n && seen[1] != n)
			FAIL("round %d: neither side saw the other's store", n);
		meet(1, 3 * n + 2);
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(membarrier, orders_private)
{
	CHECK_OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0));
	orders_memory(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

TEST(membarrier, orders_global)
{
	CHECK_OK(barrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0));
	orders_memory(MEMBARRIER_CMD_GLOBAL_EXPEDITED);
}

static uint32_t *code;

/* Runs what the other side wrote, without a fence of its own. */
static void *runs_code(void *unused)
{
	for (int n = 1; n <= ROUNDS; n++) {
		meet(0, 2 * n);
		CHECK_EQ(((int (*)(void))code)(), n);
		meet(0, 2 * n + 1);
	}
	return unused;
}

TEST(membarrier, orders_instructions)
{
	pthread_t thread;

	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0);
	CHECK(code != MAP_FAILED);
	CHECK_OK(barrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0));
	CHECK_EQ(pthread_create(&thread, NULL, runs_code, NULL), 0);
	code[1] = 0x00008067; /* ret */
	for (int n = 1; n <= ROUNDS; n++) {
		code[0] = (uint32_t)n << 20 | 0x513; /* li a0, n */
		CHECK_OK(barrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0));
		meet(1, 2 * n);
		meet(1, 2 * n + 1);
	}
	CHECK_EQ(pthread_join(thread, NULL), 0);
}
