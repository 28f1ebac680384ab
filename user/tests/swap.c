/*
 * Swap: pages go to a device and come back with what was in them, whoever shares them.
 *
 * /dev/vdc is a swap area of mkswap with the label ut-swap (scripts/usertests makes it); without
 * it they make do with swap that is on, and without that they are skipped.  MADV_PAGEOUT sends out
 * just the pages a test wants out.
 */
#include "swap.h"

#include <mntent.h>
#include <sched.h>

#define DOOR  "/proc/sys/debug/fail_block"
#define ZSWAP "/sys/module/zswap/parameters/enabled"

static void area_read(char *header)
{
	int fd = open(DEVICE, O_RDWR);

	if (fd < 0)
		SKIP("no swap device " DEVICE);
	CHECK_EQ(pread(fd, header, PAGE, 0), PAGE);
	close(fd);
	if (memcmp(header + 4086, "SWAPSPACE2", 10) || strcmp(header + 1052, "ut-swap"))
		SKIP(DEVICE " is no swap area with the label ut-swap");
}

static void area_write(const char *header)
{
	int fd = (int)CHECK_OK(open(DEVICE, O_RDWR));

	CHECK_EQ(pwrite(fd, header, PAGE, 0), PAGE);
	CHECK_OK(fsync(fd));
	close(fd);
}

bool swap_begin(void)
{
	char header[PAGE];

	if (access(DEVICE, F_OK) && number_in("/proc/meminfo", "SwapTotal") > 0)
		return false;
	area_read(header);
	/* A test that failed may have left it failing. */
	if (!access(DOOR, W_OK))
		swap_fail("vdc:0");
	if (swapon(DEVICE, 0) == 0)
		return true;
	CHECK_EQ(errno, EBUSY);
	return false;
}

void swap_end(bool ours)
{
	if (!ours)
		return;
	/* A process that has ended lets go of all once nobody looks for victims in it any more. */
	while (number_in("/proc/meminfo", "SwapTotal") - number_in("/proc/meminfo", "SwapFree") >
	       number_in("/proc/meminfo", "MemFree"))
		sched_yield();
	CHECK_OK(swapoff(DEVICE));
}

void swap_past_zswap(void)
{
	char was[16];
	int status;
	pid_t pid;

	if (access(ZSWAP, W_OK))
		return;
	file_text(ZSWAP, was, sizeof(was));
	if (was[0] == 'N')
		return;
	CHECK_EQ(setting_put(ZSWAP, "N"), 0);
	pid = child();
	if (!pid)
		return;
	status = status_of(pid);
	CHECK_EQ(setting_put(ZSWAP, was), 0);
	if (!WIFEXITED(status))
		FAIL("the test ended with status 0x%x", status);
	_exit(WEXITSTATUS(status));
}

long swap_begin_failing(void)
{
	if (access(DOOR, W_OK))
		SKIP("the kernel cannot be made to fail transfers");
	swap_past_zswap();
	if (!swap_begin())
		SKIP(DEVICE " is on for all");
	return number_in("/proc/meminfo", "SwapTotal");
}

void swap_fail(const char *which)
{
	int fd = (int)CHECK_OK(open(DOOR, O_WRONLY));

	CHECK_EQ(write(fd, which, strlen(which)), (ssize_t)strlen(which));
	close(fd);
}

long number_in(const char *path, const char *name)
{
	FILE *f = fopen(path, "r");
	char line[200];
	size_t len = strlen(name);
	long value = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) && (line[len] == ':' || line[len] == ' '))
			value = atol(line + len + 1);
	fclose(f);
	return value;
}

char *swap_pages(int flags)
{
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

void page_fill(char *p, unsigned i, unsigned r)
{
	unsigned *w = (unsigned *)(void *)(p + (size_t)i * PAGE);

	w[0] = i * 7 + r;
	w[PAGE / 4 - 1] = ~i + r;
}

void page_check(const char *p, unsigned i, unsigned r)
{
	const unsigned *w = (const unsigned *)(const void *)(p + (size_t)i * PAGE);

	CHECK_EQ(w[0], i * 7 + r);
	CHECK_EQ(w[PAGE / 4 - 1], ~i + r);
}

void swap_fill(char *p, unsigned r)
{
	for (unsigned i = 0; i < PAGES; i++)
		page_fill(p, i, r);
}

void swap_check(const char *p, unsigned r)
{
	for (unsigned i = 0; i < PAGES; i++)
		page_check(p, i, r);
}

static unsigned resident(char *p)
{
	unsigned char in[PAGES];
	unsigned n = 0;

	CHECK_OK(mincore(p, PAGES * PAGE, in));
	for (unsigned i = 0; i < PAGES; i++)
		n += in[i] & 1;
	return n;
}

void swap_out(char *p)
{
	CHECK_OK(madvise(p, PAGES * PAGE, MADV_PAGEOUT));
}

TEST(swap, out_and_in, .root = true)
{
	long out, in;
	bool ours;
	char *p;

	swap_past_zswap();
	ours = swap_begin();
	out = number_in("/proc/vmstat", "pswpout");
	in = number_in("/proc/vmstat", "pswpin");
	p = swap_pages(MAP_PRIVATE);
	swap_fill(p, 1);
	swap_out(p);
	/* Not mincore: what has just gone may still be in memory, too. */
	CHECK_GE(number_in("/proc/self/status", "VmSwap"), PAGES * 3 / 4 * 4);
	CHECK_GE(number_in("/proc/vmstat", "pswpout"), out + PAGES);
	swap_check(p, 1);
	/* Read pages keep their slots: they go without being written. */
	out = number_in("/proc/vmstat", "pswpout");
	swap_out(p);
	CHECK(number_in("/proc/vmstat", "pswpout") < out + PAGES / 2);
	swap_check(p, 1);
	swap_fill(p, 2);
	swap_out(p);
	swap_check(p, 2);
	CHECK_GE(number_in("/proc/vmstat", "pswpin"), in);
	CHECK_OK(munmap(p, PAGES * PAGE));
	swap_end(ours);
}

/* Requests that the first swap area's device has written; none of its is under way any more. */
static long requests(void)
{
	char line[200], device[32] = "", name[32];
	long writes = -1, n, busy;
	FILE *f = fopen("/proc/swaps", "r");

	CHECK(f != NULL && fgets(line, sizeof(line), f));
	CHECK_EQ(fscanf(f, "/dev/%31s", device), 1);
	fclose(f);
	do {
		f = fopen("/proc/diskstats", "r");
		CHECK(f != NULL);
		while (fgets(line, sizeof(line), f))
			if (sscanf(line, "%*u %*u %31s %*u %*u %*u %*u %ld %*u %*u %*u %ld", name,
				   &n, &busy) == 3 &&
			    !strcmp(name, device))
				writes = busy ? -1 : n;
		fclose(f);
	} while (writes < 0 && !sched_yield());
	return writes;
}

/* Every other page has been written to, the others are clean, when all goes. */
static void out_half_dirty(struct gate *ready, struct gate *go)
{
	char *p = swap_pages(MAP_PRIVATE);

	swap_fill(p, 1);
	swap_out(p);
	swap_check(p, 1);
	for (unsigned i = 0; i < PAGES; i += 2)
		page_fill(p, i, 2);
	gate_open(ready);
	gate_pass(go);
	swap_out(p);
	for (unsigned i = 0; i < PAGES; i++)
		page_check(p, i, i % 2 ? 1 : 2);
	_exit(0);
}

TEST(swap, written_together, .root = true)
{
	enum { WRITERS = 2 };
	struct gate ready, go;
	pid_t pid[WRITERS];
	long before, out;
	bool ours;

	skip_elsewhere();
	swap_past_zswap();
	ours = swap_begin();
	gate_make(&ready);
	gate_make(&go);
	for (unsigned i = 0; i < WRITERS; i++) {
		pid[i] = child();
		if (!pid[i])
			out_half_dirty(&ready, &go);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		gate_pass(&ready);
	before = requests();
	out = number_in("/proc/vmstat", "pswpout");
	for (unsigned i = 0; i < WRITERS; i++)
		gate_open(&go);
	for (unsigned i = 0; i < WRITERS; i++)
		expect_exit(pid[i], 0);
	out = number_in("/proc/vmstat", "pswpout") - out;
	CHECK_GE(out, PAGES / 2);
	CHECK_GE(out / 8, requests() - before);
	swap_end(ours);
}

TEST(swap, zeros_are_not_written, .root = true)
{
	swap_past_zswap();

	bool ours = swap_begin();
	char *p = swap_pages(MAP_PRIVATE);
	long out;

	swap_fill(p, 1);
	memset(p, 0, PAGES * PAGE);
	out = number_in("/proc/vmstat", "pswpout");
	swap_out(p);
	CHECK(number_in("/proc/vmstat", "pswpout") < out + PAGES / 2);
	for (unsigned i = 0; i < PAGES * PAGE; i++)
		CHECK_EQ(p[i], 0);
	swap_fill(p, 3);
	swap_check(p, 3);
	swap_end(ours);
}

/* Parent and children find the same pages, wherever they are, until they write. */
TEST(swap, shared_by_fork, .root = true)
{
	bool ours = swap_begin();
	char *p = swap_pages(MAP_PRIVATE);
	pid_t child[3];

	swap_fill(p, 1);
	for (unsigned c = 0; c < 3; c++) {
		if (c == 1)
			swap_out(p);
		child[c] = (pid_t)CHECK_OK(fork());
		if (child[c])
			continue;
		if (c == 2)
			swap_out(p);
		for (unsigned i = c; i < PAGES; i += 3)
			page_fill(p, i, 10 + c);
		swap_out(p);
		for (unsigned i = 0; i < PAGES; i++)
			page_check(p, i, i % 3 == c ? 10 + c : 1);
		_exit(0);
	}
	swap_out(p);
	swap_check(p, 1);
	for (unsigned i = 0; i < PAGES; i += 2)
		page_fill(p, i, 5);
	swap_out(p);
	for (unsigned c = 0; c < 3; c++)
		expect_exit(child[c], 0);
	for (unsigned i = 0; i < PAGES; i++)
		page_check(p, i, i % 2 ? 1 : 5);
	swap_end(ours);
}

TEST(swap, areas_change_while_out, .root = true)
{
	bool ours = swap_begin();
	char *p = swap_pages(MAP_PRIVATE), *q = swap_pages(MAP_PRIVATE);
	pid_t child;

	swap_fill(p, 1);
	child = (pid_t)CHECK_OK(fork());
	if (!child) {
		swap_out(p);
		swap_check(p, 1);
		_exit(0);
	}
	swap_out(p);
	/* Moved, with pages that the child has too. */
	CHECK(mremap(p, PAGES * PAGE, PAGES * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
	swap_out(q);
	CHECK_OK(mprotect(q, PAGES * PAGE, PROT_NONE));
	swap_out(q);
	CHECK_OK(mprotect(q, PAGES * PAGE, PROT_READ));
	swap_check(q, 1);
	CHECK_OK(mprotect(q, PAGES * PAGE, PROT_READ | PROT_WRITE));
	swap_out(q);
	CHECK_OK(madvise(q, 100 * PAGE, MADV_DONTNEED));
	CHECK_OK(munmap(q + 100 * PAGE, 100 * PAGE));
	for (unsigned i = 0; i < 100; i++)
		CHECK_EQ(q[i * PAGE], 0);
	for (unsigned i = 200; i < PAGES; i++)
		page_check(q, i, 1);
	CHECK_OK(madvise(q + 200 * PAGE, (PAGES - 200) * PAGE, MADV_PAGEOUT));
	CHECK_OK(madvise(q + 200 * PAGE, (PAGES - 200) * PAGE, MADV_WILLNEED));
	for (unsigned i = 200; i < PAGES; i++)
		page_check(q, i, 1);
	expect_exit(child, 0);
	swap_end(ours);
}

TEST(swap, locked_stays, .root = true)
{
	bool ours = swap_begin();
	char *p = swap_pages(MAP_PRIVATE);

	swap_fill(p, 1);
	swap_out(p);
	CHECK_OK(mlock(p, PAGES * PAGE));
	CHECK_EQ(resident(p), PAGES);
	CHECK_ERR(madvise(p, PAGES * PAGE, MADV_PAGEOUT), EINVAL);
	CHECK_OK(munlock(p, PAGES * PAGE));
	swap_out(p);
	swap_check(p, 1);
	swap_end(ours);
}

/* Somebody uses a little more memory than there is. */
static void press(void)
{
	size_t size = (size_t)number_in("/proc/meminfo", "MemAvailable") * 1024 * 9 / 8;
	pid_t pid = child();
	char *p;

	if (pid) {
		expect_exit(pid, 0);
		return;
	}
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	CHECK(p != MAP_FAILED);
	for (unsigned i = 0; i < size / PAGE; i++)
		page_fill(p, i, 1);
	for (unsigned i = 0; i < size / PAGE; i++)
		page_check(p, i, 1);
	_exit(0);
}

/* What is locked is looked at once at most by whoever looks for pages that can go. */
TEST(swap, locked_is_not_tried, .root = true)
{
	long scanned, freed;
	size_t size;
	bool ours;

	skip_elsewhere();
	skip_memory_above(512);
	/* Who looks on another one often comes while the space is in use, and looks again. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		SKIP("for one processor");
	swap_past_zswap();
	ours = swap_begin();
	size = (size_t)number_in("/proc/meminfo", "MemAvailable") * 1024 / 8 * 5;
	CHECK(mmap(NULL, size, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0) != MAP_FAILED);
	scanned = number_in("/proc/vmstat", "pgscan_anon");
	freed = number_in("/proc/vmstat", "pgsteal_anon");
	for (int i = 0; i < 4; i++)
		press();
	scanned = number_in("/proc/vmstat", "pgscan_anon") - scanned;
	freed = number_in("/proc/vmstat", "pgsteal_anon") - freed;
	CHECK_GE(freed, 1000);
	/* A few of the others were used, and are looked at again. */
	CHECK_GE((long)(size / PAGE) / 8 * 9, scanned - freed);
	CHECK_OK(munlockall());
	swap_end(ours);
}

/* What was looked at while it was locked can go when it is not, though nobody uses it again. */
TEST(swap, unlocked_goes_again, .root = true)
{
	bool ours;
	char *p;

	skip_elsewhere();
	skip_memory_above(512);
	swap_past_zswap();
	ours = swap_begin();
	p = swap_pages(MAP_PRIVATE);
	swap_fill(p, 1);
	press();
	swap_check(p, 1);
	CHECK_OK(mlock(p, PAGES * PAGE));
	press();
	press();
	CHECK_EQ(resident(p), PAGES);
	CHECK_OK(munlock(p, PAGES * PAGE));
	press();
	press();
	press();
	CHECK_GE(PAGES / 2, resident(p));
	swap_check(p, 1);
	swap_end(ours);
}

TEST(swap, off_brings_all_back, .root = true)
{
	char header[PAGE], *p = swap_pages(MAP_PRIVATE);
	pid_t child;
	int fd[2];

	swap_past_zswap();
	if (!swap_begin())
		SKIP(DEVICE " is on for all");
	area_read(header);
	CHECK_OK(pipe(fd));
	swap_fill(p, 1);
	CHECK_OK(mprotect(p, 10 * PAGE, PROT_NONE));
	swap_out(p);
	child = (pid_t)CHECK_OK(fork());
	if (!child) {
		char c;

		close(fd[1]);
		CHECK_EQ(read(fd[0], &c, 1), 0);
		for (unsigned i = 10; i < PAGES; i++)
			page_check(p, i, 1);
		_exit(0);
	}
	CHECK_OK(swapoff(DEVICE));
	CHECK_ERR(swapoff(DEVICE), EINVAL);
	CHECK_EQ(resident(p), PAGES);
	CHECK_OK(mprotect(p, 10 * PAGE, PROT_READ));
	swap_check(p, 1);
	close(fd[1]);
	expect_exit(child, 0);
	/* Now that it is off, its header can be spoilt. */
	header[4086] = 'x';
	area_write(header);
	CHECK_ERR(swapon(DEVICE, 0), EINVAL);
	header[4086] = 'S';
	header[1024] = 2;
	area_write(header);
	CHECK_ERR(swapon(DEVICE, 0), EINVAL);
	header[1024] = 1;
	*(unsigned *)(void *)(header + 1028) += 1 << 20;
	area_write(header);
	CHECK_ERR(swapon(DEVICE, 0), EINVAL);
	*(unsigned *)(void *)(header + 1028) -= 1 << 20;
	*(unsigned *)(void *)(header + 1032) = 2;
	*(unsigned *)(void *)(header + 1536) = 7;
	*(unsigned *)(void *)(header + 1540) = 70;
	area_write(header);
	CHECK_OK(swapon(DEVICE, 0));
	CHECK_EQ(number_in("/proc/meminfo", "SwapTotal"),
		 4 * (*(unsigned *)(void *)(header + 1028) - 2));
	swap_out(p);
	swap_check(p, 1);
	CHECK_OK(swapoff(DEVICE));
	*(unsigned *)(void *)(header + 1032) = 0;
	area_write(header);
}

/* Twice the memory there is, by several processes that share some of it. */
TEST(swap, more_than_memory, .root = true, .seconds = 600)
{
	long total = number_in("/proc/meminfo", "MemTotal") / 4, out;
	unsigned pages = (unsigned)total * 5 / 4;
	pid_t child[2];
	bool ours;
	char *p;

	swap_past_zswap();
	ours = swap_begin();
	if (total * 4 > number_in("/proc/meminfo", "SwapFree")) {
		swap_end(ours);
		SKIP("less swap than memory");
	}
	out = number_in("/proc/vmstat", "pswpout");
	p = mmap(NULL, (size_t)pages * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	for (unsigned i = 0; i < pages; i++)
		page_fill(p, i, 1);
	for (unsigned c = 0; c < 2; c++) {
		child[c] = (pid_t)CHECK_OK(fork());
		if (child[c])
			continue;
		for (unsigned i = c; i < pages; i += 8)
			page_fill(p, i, 2 + c);
		for (unsigned i = 0; i < pages; i++)
			page_check(p, i, i % 8 == c ? 2 + c : 1);
		_exit(0);
	}
	for (unsigned i = 0; i < pages; i++)
		page_check(p, i, 1);
	for (unsigned c = 0; c < 2; c++)
		expect_exit(child[c], 0);
	CHECK_GE(number_in("/proc/vmstat", "pswpout"), out + total / 4);
	CHECK_OK(munmap(p, (size_t)pages * PAGE));
	swap_end(ours);
}

static void refuses_mounted(void)
{
	FILE *f = setmntent("/proc/mounts", "r");
	struct mntent *m;

	CHECK(f != NULL);
	do
		m = getmntent(f);
	while (m && strncmp(m->mnt_fsname, "/dev/", 5));
	if (m)
		CHECK_ERR(swapon(m->mnt_fsname, 0), EBUSY);
	endmntent(f);
}

TEST(swap, refuses, .root = true)
{
	int fd = (int)CHECK_OK(open("f", O_CREAT | O_RDWR, 0644));
	pid_t child;

	close(fd);
	CHECK_ERR(swapon("f", 0), EINVAL);
	CHECK_ERR(swapon("nothing", 0), ENOENT);
	CHECK_ERR(swapon("f", 0x100000), EINVAL);
	CHECK_ERR(swapoff("f"), EINVAL);
	refuses_mounted();
	child = (pid_t)CHECK_OK(fork());
	if (!child) {
		CHECK_OK(setuid(1000));
		CHECK_ERR(swapon(DEVICE, 0), EPERM);
		CHECK_ERR(swapoff(DEVICE), EPERM);
		_exit(0);
	}
	expect_exit(child, 0);
}
