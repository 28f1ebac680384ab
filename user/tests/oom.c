/*
 * oom: who dies when memory is out, and what a process may say about it.
 */
#include "swap.h"

#define PIECE	     (1 << 20)
#define MAJOR_FAULTS number_in("/proc/vmstat", "pgmajfault")

static void take(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 1, size);
}

/*
 * Who takes all dies, and soon: with hardly a page left, of its own program too, it makes no step
 * forward that is worth the reading.
 */
TEST(oom, soon, .root = true, .mem_mib = 64, .seconds = 600, .no_leak_check = true)
{
	long before = MAJOR_FAULTS;
	pid_t hog = child();

	if (!hog)
		for (;;)
			take(PIECE);
	expect_signal(hog, SIGKILL);
	CHECK(MAJOR_FAULTS < before + 4096);
}
