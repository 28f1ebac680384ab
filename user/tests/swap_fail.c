/*
 * Swap on a disk that fails: /proc/sys/debug/fail_block of a debug kernel makes every n-th transfer
 * an error. Whose page cannot be read gets SIGBUS, what cannot be written goes elsewhere.
 */
#include "swap.h"

#include <setjmp.h>
#include <signal.h>

#define TOTAL number_in("/proc/meminfo", "SwapTotal")

static sigjmp_buf again;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(again, 1);
}

static void check_page(const char *p, unsigned i, unsigned r)
{
	sigsetjmp(again, 1);
	page_check(p, i, r);
}

/* What was not read comes the next time. */
static void check_stubborn(const char *p, unsigned r)
{
	signal(SIGBUS, on_bus);
	for (unsigned i = 0; i < PAGES; i++)
		check_page(p, i, r);
	signal(SIGBUS, SIG_DFL);
}

/*
 * Page i leaves memory for good: it is written, and nobody has the frame any more. Or the area has
 * been given up.
 */
static void out_wait(char *p, unsigned i)
{
	unsigned char in = 1;

	for (unsigned ms = 0; (in & 1) && TOTAL; ms++) {
		CHECK(ms < 60000);
		CHECK_OK(madvise(p + (size_t)i * PAGE, PAGE, MADV_PAGEOUT));
		usleep(1000);
		CHECK_OK(mincore(p + (size_t)i * PAGE, PAGE, &in));
	}
}

static void total_falls(long below)
{
	for (unsigned ms = 0; TOTAL >= below; ms++) {
		CHECK(ms < 60000);
		usleep(1000);
	}
}

TEST(swap, unreadable_page_is_sigbus, .root = true, .mem_mib = 64)
{
	char *p = swap_pages(MAP_PRIVATE);
	int fd[2];
	pid_t child;

	swap_begin_failing();
	CHECK_OK(pipe(fd));
	swap_fill(p, 1);
	swap_out(p);
	out_wait(p, 5);
	swap_fail("vdc:1-1");
	child = (pid_t)CHECK_OK(fork());
	if (!child) {
		page_check(p, 5, 1);
		_exit(0);
	}
	expect_signal(child, SIGBUS);
	CHECK_ERR(write(fd[1], p + 5 * PAGE, 1), EFAULT);
	CHECK_ERR(swapoff(DEVICE), EIO);
	swap_fail("vdc:0");
	swap_check(p, 1);
	CHECK_OK(swapoff(DEVICE));
}

TEST(swap, unwritten_page_goes_elsewhere, .root = true, .mem_mib = 64)
{
	char *p = swap_pages(MAP_PRIVATE);
	long size = swap_begin_failing();
	struct gate gate;
	pid_t child;

	gate_make(&gate);
	swap_fill(p, 1);
	child = (pid_t)CHECK_OK(fork());
	if (!child) {
		gate_pass(&gate);
		swap_check(p, 1);
		_exit(0);
	}
	swap_fail("vdc:3");
	swap_out(p);
	/* Nobody touches them, but their slots are given up. */
	total_falls(size);
	swap_fail("vdc:0");
	swap_out(p);
	CHECK_GE(number_in("/proc/self/status", "VmSwap"), PAGES * 3 / 4 * 4);
	out_wait(p, 5);
	swap_check(p, 1);
	gate_open(&gate);
	expect_exit(child, 0);
	CHECK_OK(swapoff(DEVICE));
	CHECK_OK(swapon(DEVICE, 0));
	CHECK_EQ(TOTAL, size);
	CHECK_OK(swapoff(DEVICE));
}

TEST(swap, lost_device_hangs_nobody, .root = true, .mem_mib = 64)
{
	char *p = swap_pages(MAP_PRIVATE), *q = swap_pages(MAP_PRIVATE);
	long size = swap_begin_failing();
	pid_t child;

	swap_fill(q, 2);
	swap_out(q);
	out_wait(q, 5);
	swap_fill(p, 1);
	swap_fail("vdc:1-1");
	/* After some failures in a row nothing more is sent there. */
	for (unsigned round = 0; TOTAL; round++) {
		CHECK(round < 1000);
		swap_out(p);
		swap_check(p, 1);
	}
	child = (pid_t)CHECK_OK(fork());
	if (!child) {
		swap_check(p, 1);
		swap_fill(p, 3);
		swap_out(p);
		swap_check(p, 3);
		page_check(q, 5, 2);
		_exit(0);
	}
	expect_signal(child, SIGBUS);
	swap_check(p, 1);
	CHECK_ERR(swapoff(DEVICE), EIO);
	CHECK_OK(munmap(q, PAGES * PAGE));
	CHECK_OK(swapoff(DEVICE));
	swap_fail("vdc:0");
	CHECK_OK(swapon(DEVICE, 0));
	CHECK_EQ(TOTAL, size);
	CHECK_OK(swapoff(DEVICE));
}

/* A family that writes, sends out and reads. */
static void family_run(char *p, unsigned n)
{
	pid_t child[3];

	for (unsigned c = 0; c < 3; c++) {
		child[c] = (pid_t)CHECK_OK(fork());
		if (child[c])
			continue;
		swap_out(p);
		check_stubborn(p, n);
		swap_fill(p, 10 + c);
		swap_out(p);
		check_stubborn(p, 10 + c);
		_exit(0);
	}
	swap_out(p);
	out_wait(p, 5);
	check_stubborn(p, n);
	for (unsigned c = 0; c < 3; c++)
		expect_exit(child[c], 0);
}

/*
 * While every n-th transfer fails, for several n. If it is always the writes among them, as when
 * reads take turns with them, the area is given up: each n begins with one that is not.
 */
TEST(swap, every_nth_transfer_fails, .root = true, .mem_mib = 64, .seconds = 600)
{
	static const char *const every[] = {"vdc:2", "vdc:3", "vdc:7", "vdc:50"};
	char *p = swap_pages(MAP_PRIVATE);

	for (unsigned n = 0; n < sizeof(every) / sizeof(*every); n++) {
		swap_begin_failing();
		swap_fill(p, n);
		swap_fail(every[n]);
		family_run(p, n);
		swap_fail("vdc:0");
		check_stubborn(p, n);
		CHECK_OK(swapoff(DEVICE));
	}
}
