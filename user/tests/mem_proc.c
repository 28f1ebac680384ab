/* Looking at memory: pagemap, kpagecount, kpageflags, vmstat, buddyinfo, slabinfo, meminfo. */
#include "ut.h"

#include <sys/mman.h>

#define PAGE	4096
#define PRESENT	(1ULL << 63)
#define IS_FILE	(1ULL << 61)
#define ALONE	(1ULL << 56)
#define PFN	((1ULL << 55) - 1)

/* Bits of /proc/kpageflags. */
#define KPF_SLAB	(1ULL << 7)
#define KPF_MMAP	(1ULL << 11)
#define KPF_ANON	(1ULL << 12)
#define KPF_NOPAGE	(1ULL << 20)

static char *anon(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	CHECK(p != MAP_FAILED);
	CHECK_OK(madvise(p, pages * PAGE, MADV_NOHUGEPAGE));
	return p;
}

static uint64_t word_at(const char *path, uint64_t n)
{
	int fd = (int)CHECK_OK(open(path, O_RDONLY));
	uint64_t word;

	CHECK_EQ(pread(fd, &word, sizeof(word), (off_t)(n * sizeof(word))), sizeof(word));
	CHECK_OK(close(fd));
	return word;
}

static uint64_t pagemap(const void *p)
{
	return word_at("/proc/self/pagemap", (uintptr_t)p / PAGE);
}

TEST(mem, pagemap_states)
{
	char *p = anon(8);

	CHECK_EQ(pagemap(p), 0);
	p[PAGE] = 1;
	CHECK_EQ(pagemap(p), 0);
	CHECK_EQ(pagemap(p + PAGE) & ~PFN, PRESENT | ALONE);
	/* Read before it was written to: the page of zeros is nobody's. */
	CHECK_EQ(*(volatile char *)(p + 2 * PAGE), 0);
	CHECK_EQ(pagemap(p + 2 * PAGE) & ~PFN, PRESENT);
	CHECK_OK(mprotect(p, 8 * PAGE, PROT_NONE));
	CHECK_EQ(pagemap(p + PAGE) & ~PFN, PRESENT | ALONE);
	CHECK_OK(mprotect(p, 8 * PAGE, PROT_READ));
	CHECK_OK(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	CHECK_EQ(pagemap(p + PAGE), 0);
	CHECK_OK(munmap(p, 8 * PAGE));
	CHECK_EQ(pagemap(p + 2 * PAGE), 0);
}

TEST(mem, pagemap_file)
{
	int fd = (int)CHECK_OK(memfd_create("x", 0));
	char *p, *q;

	CHECK_OK(ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	q = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED && q != MAP_FAILED);
	p[0] = p[PAGE] = 1;
	CHECK_EQ(pagemap(p) & ~PFN, PRESENT | IS_FILE | ALONE);
	CHECK_EQ(*(volatile char *)q, 1);
	CHECK_EQ(pagemap(q) & ~PFN, PRESENT | IS_FILE);
	CHECK_EQ(pagemap(p) & ~PFN, PRESENT | IS_FILE);
	q[0] = 2;	/* a copy: not the file's any more */
	CHECK_EQ(pagemap(q) & ~PFN, PRESENT | ALONE);
	CHECK_EQ(pagemap(p) & ~PFN, PRESENT | IS_FILE | ALONE);
}

TEST(mem, pagemap_fork)
{
	char *p = anon(4);
	struct gate go, done;
	pid_t pid;

	p[0] = p[PAGE] = 1;
	gate_make(&go);
	gate_make(&done);
	pid = child();
	if (!pid) {
		CHECK_EQ(pagemap(p + PAGE) & ~PFN, PRESENT);
		p[0] = 2;
		CHECK_EQ(pagemap(p) & ~PFN, PRESENT | ALONE);
		gate_open(&done);
		gate_pass(&go);
		_exit(0);
	}
	gate_pass(&done);
	CHECK_EQ(*(volatile char *)(p + PAGE), 1);
	CHECK_EQ(pagemap(p + PAGE) & ~PFN, PRESENT);
	CHECK_EQ(*(volatile char *)p, 1);
	CHECK_EQ(pagemap(p) & ~PFN, PRESENT | ALONE);
	gate_open(&go);
	expect_exit(pid, 0);
	CHECK_EQ(pagemap(p + PAGE) & ~PFN, PRESENT | ALONE);
}

/* The same where a fork shares whole page tables: every page has two users, and then one. */
TEST(mem, pagemap_fork_large, .root = true)
{
	enum { PAGES = 3 * 512 };
	char *p = anon(PAGES);
	struct gate go, done;
	pid_t pid;

	memset(p, 1, (size_t)PAGES * PAGE);
	gate_make(&go);
	gate_make(&done);
	pid = child();
	if (!pid) {
		for (int i = 0; i < PAGES; i += 100)
			CHECK_EQ(pagemap(p + i * PAGE) & ~PFN, PRESENT);
		gate_open(&done);
		gate_pass(&go);
		_exit(0);
	}
	gate_pass(&done);
	for (int i = 0; i < PAGES; i += 100) {
		CHECK_EQ(pagemap(p + i * PAGE) & ~PFN, PRESENT);
		CHECK_EQ(word_at("/proc/kpagecount", pagemap(p + i * PAGE) & PFN), 2);
	}
	gate_open(&go);
	expect_exit(pid, 0);
	for (int i = 0; i < PAGES; i += 100) {
		CHECK_EQ(pagemap(p + i * PAGE) & ~PFN, PRESENT | ALONE);
		CHECK_EQ(word_at("/proc/kpagecount", pagemap(p + i * PAGE) & PFN), 1);
	}
}

/* Many entries in one reading, over the borders of page tables. */
TEST(mem, pagemap_range)
{
	enum { PAGES = 2048 };
	char *p = anon(PAGES);
	int fd = (int)CHECK_OK(open("/proc/self/pagemap", O_RDONLY));
	static uint64_t words[PAGES];

	for (int i = 0; i < PAGES; i += 3)
		p[(size_t)i * PAGE] = 1;
	CHECK_EQ(pread(fd, words, sizeof(words), (off_t)((uintptr_t)p / PAGE * 8)),
		 sizeof(words));
	for (int i = 0; i < PAGES; i++)
		CHECK_EQ(words[i] >> 63, i % 3 == 0);
}

TEST(mem, pagemap_errors)
{
	int fd = (int)CHECK_OK(open("/proc/self/pagemap", O_RDONLY));
	uint64_t word;

	CHECK_ERR(pread(fd, &word, 7, 0), EINVAL);
	CHECK_ERR(pread(fd, &word, 8, 4), EINVAL);
	CHECK_EQ(pread(fd, &word, 0, 0), 0);
	CHECK_ERR(syscall(SYS_pread64, fd, 8UL, 8UL, 0UL), EFAULT);
	CHECK_EQ(pread(fd, &word, 8, (off_t)(1ULL << 47)), 0);
	CHECK_EQ(pread(fd, &word, 8, 0), 8);
	CHECK_EQ(word, 0);
}

TEST(mem, pagemap_pfn, .root = true)
{
	char *p = anon(2);
	uint64_t first, flags;
	struct gate go, done;
	pid_t pid;

	p[0] = p[PAGE] = 1;
	first = pagemap(p) & PFN;
	CHECK(first != 0);
	CHECK(first != (pagemap(p + PAGE) & PFN));
	CHECK_EQ(word_at("/proc/kpagecount", first), 1);
	flags = word_at("/proc/kpageflags", first);
	CHECK_EQ(flags & (KPF_ANON | KPF_MMAP | KPF_SLAB | KPF_NOPAGE), KPF_ANON | KPF_MMAP);
	gate_make(&go);
	gate_make(&done);
	pid = child();
	if (!pid) {
		CHECK_EQ(*(volatile char *)p, 1);
		CHECK_EQ(pagemap(p) & PFN, first);
		gate_open(&done);
		gate_pass(&go);
		_exit(0);
	}
	gate_pass(&done);
	CHECK_EQ(word_at("/proc/kpagecount", first), 2);
	gate_open(&go);
	expect_exit(pid, 0);
	CHECK_EQ(word_at("/proc/kpagecount", first), 1);
	CHECK_EQ(word_at("/proc/kpageflags", 0), KPF_NOPAGE);
}

static void hidden_from_user(void)
{
	char *p = anon(1);
	int fd;

	become_user();
	p[0] = 1;
	fd = open("/proc/self/pagemap", O_RDONLY);
	if (fd < 0)
		_exit(0);	/* a process that changed its ids may not even look */
	CHECK_OK(close(fd));
	CHECK_EQ(pagemap(p), PRESENT | ALONE);
}

TEST(mem, pagemap_hidden, .root = true)
{
	CHECK_EQ(run_child(hidden_from_user), 0);
}

TEST(mem, kpage_errors, .root = true)
{
	static const char *const paths[] = { "/proc/kpagecount", "/proc/kpageflags" };
	uint64_t word;

	for (int i = 0; i < 2; i++) {
		int fd = (int)CHECK_OK(open(paths[i], O_RDONLY));

		CHECK_ERR(pread(fd, &word, 7, 0), EINVAL);
		CHECK_ERR(pread(fd, &word, 8, 4), EINVAL);
		CHECK_EQ(pread(fd, &word, 8, 1LL << 50), 0);
		CHECK_OK(close(fd));
	}
}

/* The number behind a name at the start of a line; the name must be there. */
static unsigned long vmstat(const char *name)
{
	char line[128];
	size_t n = strlen(name);
	FILE *f = fopen("/proc/vmstat", "r");

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, name, n) == 0 && line[n] == ' ') {
			fclose(f);
			return strtoul(line + n, NULL, 10);
		}
	}
	FAIL("no %s in /proc/vmstat", name);
}

TEST(mem, vmstat_names)
{
	static const char *const names[] = {
		"nr_free_pages", "nr_anon_pages", "nr_mapped", "nr_file_pages", "nr_dirty",
		"nr_writeback", "nr_slab_reclaimable", "nr_slab_unreclaimable",
		"nr_page_table_pages", "nr_kernel_stack", "nr_shmem", "pgpgin", "pgpgout",
		"pgmajfault", "pgscan_file", "pgsteal_file", "oom_kill",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		vmstat(names[i]);
	CHECK(vmstat("nr_free_pages") > 0);
	CHECK(vmstat("nr_page_table_pages") > 0);
	CHECK(vmstat("nr_kernel_stack") > 0);
}

TEST(mem, vmstat_counts)
{
	unsigned long faults = vmstat("pgfault"), freed = vmstat("pgfree");
	char *p = anon(200);

	for (int i = 0; i < 200; i++)
		p[i * PAGE] = 1;
	CHECK_GE(vmstat("pgfault"), faults + 200);
	CHECK_OK(munmap(p, 200 * PAGE));
	CHECK_GE(vmstat("pgfree"), freed + 150);
}

TEST(mem, buddyinfo)
{
	unsigned long n, sum = 0, total = (unsigned long)sysconf(_SC_PHYS_PAGES);
	char line[256], zone[32];
	FILE *f = fopen("/proc/buddyinfo", "r");
	int node, at, step;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		CHECK_EQ(sscanf(line, "Node %d, zone %31s%n", &node, zone, &at), 2);
		for (int order = 0; order <= 10; order++) {
			CHECK_EQ(sscanf(line + at, "%lu%n", &n, &step), 1);
			at += step;
			sum += n << order;
		}
	}
	fclose(f);
	CHECK(sum > 0 && sum <= total);
}

TEST(mem, slabinfo, .root = true)
{
	unsigned long active, num, size, per, pages, a, b, c, slabs, all;
	char line[256], name[64];
	FILE *f = fopen("/proc/slabinfo", "r");
	int rows = 0;

	CHECK(f != NULL);
	CHECK(fgets(line, sizeof(line), f) != NULL);
	CHECK_STR(line, "slabinfo - version: 2.1\n");
	CHECK(fgets(line, sizeof(line), f) != NULL);
	CHECK(strncmp(line, "# name            <active_objs> <num_objs> <objsize>", 52) == 0);
	while (fgets(line, sizeof(line), f)) {
		CHECK_EQ(sscanf(line, "%63s %lu %lu %lu %lu %lu : tunables %lu %lu %lu : "
				"slabdata %lu %lu", name, &active, &num, &size, &per, &pages, &a,
				&b, &c, &slabs, &all), 11);
		CHECK(active <= num);
		CHECK(per * size <= pages * PAGE);
		rows++;
	}
	fclose(f);
	CHECK(rows > 5);
}

/* The words of VmFlags of the area at p. */
static void flags_of(const void *p, char *words, size_t size)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long start, end;
	bool here = false;
	char line[512];

	CHECK(file != NULL);
	words[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= (uintptr_t)p && (uintptr_t)p < end;
		else if (here && strncmp(line, "VmFlags: ", 9) == 0)
			snprintf(words, size, "%.*s", (int)strcspn(line + 9, "\n"), line + 9);
	}
	CHECK_EQ(fclose(file), 0);
}

static void flags_are(const void *p, const char *want)
{
	char words[128];

	flags_of(p, words, sizeof(words));
	CHECK_STR(words, want);
}

TEST(mem, smaps_flags)
{
	int fd = (int)CHECK_OK(open("/proc/self/exe", O_RDONLY));
	char *p = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED && shared != MAP_FAILED);
	flags_are(shared, "rd mr me ms ");
	flags_are(p, "mr mw me ");
	CHECK_OK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE));
	flags_are(p + PAGE, "rd wr mr mw me ac ");
	CHECK_OK(mlock(p + PAGE, PAGE));
	flags_are(p + PAGE, "rd wr mr mw me lo ac ");
	CHECK_OK(syscall(SYS_mlock2, p + PAGE, (size_t)PAGE, 1));
	flags_are(p + PAGE, "rd wr mr mw me lo lf ac ");
	CHECK_OK(madvise(p + 3 * PAGE, PAGE, MADV_DONTFORK));
	CHECK_OK(madvise(p + 3 * PAGE, PAGE, MADV_DONTDUMP));
	flags_are(p + 3 * PAGE, "mr mw me dc dd ");
	CHECK_OK(madvise(p + 5 * PAGE, PAGE, MADV_WIPEONFORK));
	CHECK_OK(madvise(p + 5 * PAGE, PAGE, MADV_SEQUENTIAL));
	CHECK_OK(madvise(p + 5 * PAGE, PAGE, MADV_NOHUGEPAGE));
	flags_are(p + 5 * PAGE, "mr mw me sr wf nh ");
	CHECK_OK(close(fd));
}

/* Small files that programs of all kinds look at. */
TEST(mem, small_files)
{
	char text[4096];
	unsigned long min;
	void *p;

	file_text("/proc/sys/vm/mmap_min_addr", text, sizeof(text));
	min = strtoul(text, NULL, 10);
	CHECK_GE(min, PAGE);
	p = mmap((void *)min, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		 -1, 0);
	/* The program itself may be there. */
	CHECK((uintptr_t)p == min || errno == EEXIST);
	CHECK_EQ(file_text("/proc/self/wchan", text, sizeof(text)), 1);
	CHECK_STR(text, "0");
	file_text("/proc/self/status", text, sizeof(text));
	CHECK(strstr(text, "\nKthread:\t0\n") != NULL);
}
