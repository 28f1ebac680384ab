/*
 * Swap of what processes share: anonymous memory, memfd, tmpfs, System V segments. What their files
 * say about themselves does not hang on where the pages are.
 */
#include "swap.h"

#include <signal.h>
#include <sys/ipc.h>
#include <sys/shm.h>

static unsigned resident(char *p, unsigned pages)
{
	unsigned char in[PAGES];
	unsigned n = 0;

	CHECK_OK(mincore(p, pages * PAGE, in));
	for (unsigned i = 0; i < pages; i++)
		n += in[i] & 1;
	return n;
}

/* Out with all of it, until nothing is left: what is being written goes when that is done. */
static void all_out(char *p, unsigned pages)
{
	for (unsigned ms = 0; resident(p, pages); ms++) {
		CHECK(ms < 60000);
		CHECK_OK(madvise(p, pages * PAGE, MADV_PAGEOUT));
		usleep(1000);
	}
}

static char *map_fd(int fd, unsigned pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static int memfd_new(unsigned pages)
{
	int fd = (int)CHECK_OK(memfd_create("swapped", 0));

	CHECK_OK(ftruncate(fd, pages * (off_t)PAGE));
	return fd;
}

static long count(const char *name)
{
	return number_in("/proc/vmstat", name);
}

/* Two processes find what either has written, wherever it was meanwhile. */
static void share(char *p)
{
	pid_t child;

	swap_fill(p, 1);
	all_out(p, PAGES);
	child = (pid_t)CHECK_OK(fork());
	if (!child) {
		swap_check(p, 1);
		for (unsigned i = 0; i < PAGES; i += 2)
			page_fill(p, i, 2);
		all_out(p, PAGES);
		_exit(0);
	}
	expect_exit(child, 0);
	for (unsigned i = 0; i < PAGES; i++)
		page_check(p, i, i % 2 ? 1 : 2);
	swap_fill(p, 3);
	all_out(p, PAGES);
	swap_check(p, 3);
	CHECK_OK(munmap(p, PAGES * PAGE));
}

TEST(swap, shared_anonymous, .root = true)
{
	long out;
	bool ours;

	skip_elsewhere();
	swap_past_zswap();
	ours = swap_begin();
	out = count("pswpout");
	share(swap_pages(MAP_SHARED));
	CHECK_GE(count("pswpout"), out + 2 * PAGES);
	swap_end(ours);
}

TEST(swap, shared_memfd, .root = true)
{
	skip_elsewhere();

	bool ours = swap_begin();
	int fd = memfd_new(PAGES);

	share(map_fd(fd, PAGES));
	close(fd);
	swap_end(ours);
}

#define SYS_cachestat_ 451

TEST(swap, shared_cachestat, .root = true)
{
	skip_elsewhere();

	bool ours = swap_begin();
	int fd = memfd_new(PAGES);
	char *p = map_fd(fd, PAGES);
	const uint64_t all[2] = { 0, 0 }, some[2] = { PAGE - 1, 2 };
	struct {
		uint64_t cache, dirty, writeback, evicted, recent;
	} cs;

	swap_fill(p, 1);
	CHECK_OK(syscall(SYS_cachestat_, fd, all, &cs, 0));
	CHECK_EQ(cs.cache, PAGES);
	CHECK_EQ(cs.evicted, 0);
	all_out(p, PAGES);
	CHECK_OK(syscall(SYS_cachestat_, fd, all, &cs, 0));
	CHECK_EQ(cs.cache, 0);
	CHECK_EQ(cs.evicted, PAGES);
	CHECK_OK(syscall(SYS_cachestat_, fd, some, &cs, 0));
	CHECK_EQ(cs.evicted, 2);
	swap_check(p, 1);
	CHECK_OK(syscall(SYS_cachestat_, fd, all, &cs, 0));
	CHECK_EQ(cs.cache, PAGES);
	CHECK_OK(munmap(p, PAGES * PAGE));
	close(fd);
	swap_end(ours);
}

TEST(swap, shared_tmpfs, .root = true)
{
	skip_elsewhere();

	bool ours = swap_begin();
	int fd = (int)CHECK_OK(open("/dev/shm/ut-swap", O_CREAT | O_RDWR, 0600));

	CHECK_OK(unlink("/dev/shm/ut-swap"));
	CHECK_OK(ftruncate(fd, PAGES * (off_t)PAGE));
	share(map_fd(fd, PAGES));
	close(fd);
	swap_end(ours);
}

TEST(swap, shared_segment, .root = true)
{
	skip_elsewhere();

	bool ours = swap_begin();
	int id = (int)CHECK_OK(shmget(IPC_PRIVATE, PAGES * PAGE - 100, 0600));
	char *p = shmat(id, NULL, 0);
	struct shm_info info;

	CHECK(p != (void *)-1);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	/* The last page is whole, whatever was asked for. */
	share(p);
	p = swap_pages(MAP_SHARED);
	CHECK_OK(munmap(p, PAGES * PAGE));
	id = (int)CHECK_OK(shmget(IPC_PRIVATE, PAGES * PAGE, 0600));
	p = shmat(id, NULL, 0);
	swap_fill(p, 1);
	all_out(p, PAGES);
	CHECK_OK(shmctl(0, SHM_INFO, (void *)&info));
	CHECK_GE(info.shm_swp, PAGES);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_OK(shmdt(p));
	swap_end(ours);
}

/* Read pages keep their slots: they go without being written. */
TEST(swap, shared_clean_copy, .root = true)
{
	skip_elsewhere();
	swap_past_zswap();

	bool ours = swap_begin();
	char *p = swap_pages(MAP_SHARED);
	long out;

	swap_fill(p, 1);
	all_out(p, PAGES);
	swap_check(p, 1);
	CHECK_EQ(resident(p, PAGES), PAGES);
	out = count("pswpout");
	all_out(p, PAGES);
	CHECK(count("pswpout") < out + PAGES / 2);
	/* Nor is what holds zeros. */
	memset(p, 0, PAGES * PAGE);
	out = count("pswpout");
	all_out(p, PAGES);
	CHECK(count("pswpout") < out + PAGES / 2);
	for (unsigned i = 0; i < PAGES * PAGE; i++)
		CHECK_EQ(p[i], 0);
	CHECK_OK(munmap(p, PAGES * PAGE));
	swap_end(ours);
}

static long blocks(int fd)
{
	struct stat st;

	CHECK_OK(fstat(fd, &st));
	return st.st_blocks;
}

static void is_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK_EQ(p[i], 0);
}

/* A page of data at 0, 2, 4, ...: the file knows, and read(2) and write(2) find it. */
TEST(swap, shared_file_knows, .root = true)
{
	skip_elsewhere();

	bool ours = swap_begin();
	int fd = memfd_new(20);
	char *p = map_fd(fd, 20), buf[PAGE];
	long shmem;

	for (unsigned i = 0; i < 10; i++) {
		page_fill(buf, 0, i);
		CHECK_EQ(pwrite(fd, buf, PAGE, 2 * i * (off_t)PAGE), PAGE);
	}
	shmem = number_in("/proc/meminfo", "Shmem");
	all_out(p, 20);
	CHECK(number_in("/proc/meminfo", "Shmem") <= shmem - 40);
	CHECK_EQ(blocks(fd), 10 * (PAGE / 512));
	for (unsigned i = 0; i < 10; i++) {
		CHECK_EQ(lseek(fd, 2 * i * (off_t)PAGE, SEEK_DATA), 2 * i * (off_t)PAGE);
		CHECK_EQ(lseek(fd, 2 * i * (off_t)PAGE, SEEK_HOLE), (2 * i + 1) * (off_t)PAGE);
		CHECK_EQ(lseek(fd, (2 * i + 1) * (off_t)PAGE, SEEK_HOLE),
			 (2 * i + 1) * (off_t)PAGE);
	}
	CHECK_EQ(resident(p, 20), 0);
	/* A part of a page that is out; all of one. */
	CHECK_EQ(pwrite(fd, "x", 1, 100), 1);
	CHECK_EQ(pread(fd, buf, PAGE, 0), PAGE);
	page_check(buf, 0, 0);
	CHECK_EQ(buf[100], 'x');
	page_fill(buf, 0, 77);
	CHECK_EQ(pwrite(fd, buf, PAGE, 2 * PAGE), PAGE);
	all_out(p, 20);
	page_check(p + 2 * PAGE, 0, 77);
	page_check(p + 4 * PAGE, 0, 2);
	/* Holes: whole pages, and parts of those around. */
	all_out(p, 20);
	CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4 * PAGE + 1,
			   4 * PAGE));
	CHECK_EQ(blocks(fd), 9 * (PAGE / 512));
	CHECK_EQ(lseek(fd, 5 * PAGE, SEEK_DATA), 8 * PAGE);
	CHECK_EQ(p[4 * PAGE], 2);
	is_zero(p + 4 * PAGE + 1, 4 * PAGE);
	/* Truncated in the middle of what is out, and grown again. */
	page_fill(p + 10 * PAGE, 0, 1);
	all_out(p, 20);
	CHECK_OK(ftruncate(fd, 10 * PAGE + 4));
	CHECK_EQ(blocks(fd), 8 * (PAGE / 512));
	memset(p + 10 * PAGE + 4, 1, PAGE - 4);
	CHECK_OK(ftruncate(fd, 20 * PAGE));
	CHECK_EQ(*(unsigned *)(void *)(p + 10 * PAGE), 1);
	is_zero(p + 10 * PAGE + 4, 10 * PAGE - 4);
	CHECK_OK(munmap(p, 20 * PAGE));
	close(fd);
	swap_end(ours);
}

/* The Swap of the area at p, in KiB. */
static long smaps_swap(char *p)
{
	FILE *f = fopen("/proc/self/smaps", "r");
	char line[300], start[32];
	long kib = -1;
	bool here = false;

	CHECK(f != NULL);
	snprintf(start, sizeof(start), "%08lx-", (unsigned long)p);
	while (kib < 0 && fgets(line, sizeof(line), f)) {
		if (strchr(line, '-') && !strchr(line, ':'))
			here = false;
		if (!strncmp(line, start, strlen(start)))
			here = true;
		else if (here && !strncmp(line, "Swap:", 5))
			kib = atol(line + 5);
	}
	fclose(f);
	return kib;
}

TEST(swap, shared_smaps, .root = true)
{
	skip_elsewhere();

	bool ours = swap_begin();
	char *p = swap_pages(MAP_SHARED);

	swap_fill(p, 1);
	CHECK_EQ(smaps_swap(p), 0);
	all_out(p, PAGES);
	CHECK_EQ(smaps_swap(p), PAGES * 4);
	swap_check(p, 1);
	CHECK_EQ(smaps_swap(p), 0);
	CHECK_OK(munmap(p, PAGES * PAGE));
	swap_end(ours);
}

TEST(swap, shared_locked_stays, .root = true)
{
	skip_elsewhere();

	bool ours = swap_begin();
	int id = (int)CHECK_OK(shmget(IPC_PRIVATE, PAGES * PAGE, 0600));
	char *p = shmat(id, NULL, 0), *q = swap_pages(MAP_SHARED);

	CHECK_OK(shmctl(id, SHM_LOCK, NULL));
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	swap_fill(p, 1);
	swap_fill(q, 1);
	CHECK_OK(mlock(q, PAGES * PAGE));
	for (unsigned i = 0; i < 3; i++)
		CHECK_OK(madvise(p, PAGES * PAGE, MADV_PAGEOUT));
	CHECK_EQ(resident(p, PAGES), PAGES);
	CHECK_OK(shmctl(id, SHM_UNLOCK, NULL));
	all_out(p, PAGES);
	swap_check(p, 1);
	CHECK_ERR(madvise(q, PAGES * PAGE, MADV_PAGEOUT), EINVAL);
	CHECK_EQ(resident(q, PAGES), PAGES);
	CHECK_OK(munlock(q, PAGES * PAGE));
	all_out(q, PAGES);
	swap_check(q, 1);
	CHECK_OK(shmdt(p));
	CHECK_OK(munmap(q, PAGES * PAGE));
	swap_end(ours);
}

TEST(swap, shared_off_brings_all_back, .root = true)
{
	skip_elsewhere();
	swap_past_zswap();

	char *p = swap_pages(MAP_SHARED), *q;
	int fd = memfd_new(PAGES);
	pid_t child;

	if (!swap_begin())
		SKIP(DEVICE " is on for all");
	q = map_fd(fd, PAGES);
	swap_fill(p, 1);
	swap_fill(q, 2);
	all_out(p, PAGES);
	all_out(q, PAGES);
	child = (pid_t)CHECK_OK(fork());
	if (!child) {
		for (unsigned r = 0; r < 20; r++)
			swap_check(p, 1);
		_exit(0);
	}
	CHECK_OK(swapoff(DEVICE));
	CHECK_EQ(resident(p, PAGES), PAGES);
	CHECK_EQ(resident(q, PAGES), PAGES);
	expect_exit(child, 0);
	swap_check(p, 1);
	swap_check(q, 2);
	/* On again, they can go again. */
	CHECK_OK(swapon(DEVICE, 0));
	all_out(p, PAGES);
	swap_check(p, 1);
	CHECK_OK(munmap(p, PAGES * PAGE));
	CHECK_OK(munmap(q, PAGES * PAGE));
	close(fd);
	CHECK_OK(swapoff(DEVICE));
}

/* All of memory is filled, several times: that takes its time where there is much. */
static void skip_large_memory(void)
{
	skip_elsewhere();
	skip_memory_above(256);
}

/* Locks memory, until the process ends, so that some 16 MiB are free: they are filled sooner. */
static void leave_little(void)
{
	long size = (number_in("/proc/meminfo", "MemFree") - (16 << 10)) << 10;

	if (size > 0)
		CHECK(mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) != MAP_FAILED);
}

/* All memory that is free and an eighth of what swap has. */
static unsigned many_pages(void)
{
	return (unsigned)(number_in("/proc/meminfo", "MemFree") +
			  number_in("/proc/meminfo", "SwapFree") / 8) / 4;
}

TEST(swap, shared_more_than_memory, .root = true, .seconds = 600)
{
	swap_past_zswap();
	skip_large_memory();

	bool ours = swap_begin();

	leave_little();

	unsigned pages = many_pages();
	long scanned, freed;
	pid_t child;
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	scanned = count("pgscan_anon");
	freed = count("pgsteal_anon");
	for (unsigned i = 0; i < pages; i++)
		page_fill(p, i, 1);
	child = (pid_t)CHECK_OK(fork());
	for (unsigned i = 0; i < pages; i++)
		if (i % 2 == !child)
			page_check(p, i, 1);
	for (unsigned i = 0; i < pages; i++)
		if (i % 2 == !child)
			page_fill(p, i, 2);
	if (!child)
		_exit(0);
	expect_exit(child, 0);
	for (unsigned i = 0; i < pages; i++)
		page_check(p, i, 2);
	scanned = count("pgscan_anon") - scanned;
	freed = count("pgsteal_anon") - freed;
	/*
	 * 2.7 to 4.3; up to 52 where the device below hardly gets on, as what is on its way there
	 * is looked at again and again. A scan that goes on and on is thousands.
	 */
	if (scanned > 6 * freed + 1000)
		fprintf(stderr, "%ld scanned, %ld freed\n", scanned, freed);
	CHECK(scanned <= 400 * freed + 1000);
	CHECK_OK(munmap(p, pages * PAGE));
	swap_end(ours);
}

/* What a mapping has made stays writable, however much the volume holds. */
TEST(swap, shared_stored_again, .root = true, .seconds = 600)
{
	skip_large_memory();

	bool ours = swap_begin();
	unsigned pages = (unsigned)number_in("/proc/meminfo", "MemTotal") / 4 * 5 / 8;
	int fd = (int)CHECK_OK(memfd_create("large", 0));
	char *p;

	CHECK_OK(ftruncate(fd, (off_t)pages * PAGE));
	p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (unsigned i = 0; i < pages; i++)
		page_fill(p, i, 1);
	CHECK_OK(madvise(p, pages * PAGE, MADV_PAGEOUT));
	for (unsigned i = 0; i < pages; i++)
		page_check(p, i, 1);
	for (unsigned i = 0; i < pages; i++)
		page_fill(p, i, 2);
	for (unsigned i = 0; i < pages; i++)
		page_check(p, i, 2);
	CHECK_OK(munmap(p, pages * PAGE));
	CHECK_OK(close(fd));
	swap_end(ours);
}

/* More than memory and swap: somebody is killed, and nothing hangs. */
TEST(swap, shared_fills_all, .root = true, .seconds = 600)
{
	skip_elsewhere();
	skip_memory_above(64); /* with swap full, each page is looked at often */

	bool ours = swap_begin();
	unsigned pages = (unsigned)(number_in("/proc/meminfo", "MemTotal") +
				    number_in("/proc/meminfo", "SwapTotal")) / 4;
	pid_t child = (pid_t)CHECK_OK(fork());

	if (!child) {
		char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		CHECK(p != MAP_FAILED);
		for (unsigned i = 0; i < pages; i++)
			page_fill(p, i, 1);
		_exit(0);
	}
	expect_signal(child, SIGKILL);
	/* Who reclaims may have the object a moment longer; until it ends, not all may fit. */
	while (ours && swapoff(DEVICE) < 0)
		CHECK_EQ(errno, ENOMEM);
}

TEST(swap, shared_unreadable, .root = true, .mem_mib = 64)
{
	skip_elsewhere();

	int fd = memfd_new(PAGES);
	char *p = map_fd(fd, PAGES), c;
	pid_t child;

	swap_begin_failing();
	swap_fill(p, 1);
	all_out(p, PAGES);
	swap_fail("vdc:1-1");
	child = (pid_t)CHECK_OK(fork());
	if (!child) {
		page_check(p, 5, 1);
		_exit(0);
	}
	expect_signal(child, SIGBUS);
	CHECK_ERR(pread(fd, &c, 1, 7 * PAGE), EIO);
	CHECK_ERR(pwrite(fd, "x", 1, 7 * PAGE), EIO);
	CHECK_ERR(swapoff(DEVICE), EIO);
	swap_fail("vdc:0");
	swap_check(p, 1);
	CHECK_OK(munmap(p, PAGES * PAGE));
	close(fd);
	CHECK_OK(swapoff(DEVICE));
}

TEST(swap, shared_unwritten, .root = true, .mem_mib = 64)
{
	skip_elsewhere();

	char *p = swap_pages(MAP_SHARED);
	long size = swap_begin_failing();

	swap_fill(p, 1);
	swap_fail("vdc:3");
	all_out(p, PAGES);
	swap_fail("vdc:0");
	CHECK(number_in("/proc/meminfo", "SwapTotal") < size);
	swap_check(p, 1);
	CHECK_OK(swapoff(DEVICE));
	CHECK_OK(swapon(DEVICE, 0));
	CHECK_EQ(number_in("/proc/meminfo", "SwapTotal"), size);
	CHECK_OK(munmap(p, PAGES * PAGE));
	CHECK_OK(swapoff(DEVICE));
}
