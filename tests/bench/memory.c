/* Page faults and the calls that change mappings.  Large pages are asked to stay away. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PAGES 2048
#define RW (PROT_READ | PROT_WRITE)

static char *anon_map(size_t pages, int prot)
{
	char *p = mmap(NULL, pages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	bench_need(p != MAP_FAILED, "mmap");
	madvise(p, pages * PAGE, MADV_NOHUGEPAGE);
	return p;
}

static struct sample anon_write_run(void)
{
	struct sample s = {0};
	char *p = anon_map(PAGES, RW);

	bench_begin();
	pages_write(p, PAGES);
	bench_end(&s, PAGES);
	munmap(p, PAGES * PAGE);
	return s;
}

static struct sample anon_read_run(void)
{
	struct sample s = {0};
	char *p = anon_map(PAGES, RW);

	bench_begin();
	pages_read(p, PAGES);
	bench_end(&s, PAGES);
	munmap(p, PAGES * PAGE);
	return s;
}

/*
 * The parent writes while a child holds every page (the copies), and after the child has written
 * every page, and so let go of the parent's, and is gone (the last holder).
 */
static struct sample cow_run(int child_holds)
{
	struct sample s = {0};
	char *p = anon_map(PAGES, RW);
	int hold[2], ready[2];
	char c = 0;
	pid_t pid;

	pages_write(p, PAGES);
	bench_need(pipe(hold) == 0 && pipe(ready) == 0, "pipe");
	pid = fork();
	bench_need(pid >= 0, "fork");
	if (pid == 0) {
		close(hold[1]);
		if (!child_holds)
			pages_write(p, PAGES);
		c = (char)write(ready[1], &c, 1);
		c = (char)read(hold[0], &c, 1);
		_exit(0);
	}
	bench_need(read(ready[0], &c, 1) == 1, "read");
	if (!child_holds) {
		close(hold[1]);
		waitpid(pid, NULL, 0);
	}
	bench_begin();
	pages_write(p, PAGES);
	bench_end(&s, PAGES);
	if (child_holds) {
		close(hold[1]);
		waitpid(pid, NULL, 0);
	}
	close(hold[0]);
	close(ready[0]);
	close(ready[1]);
	munmap(p, PAGES * PAGE);
	return s;
}

static struct sample cow_copy_run(void)
{
	return cow_run(1);
}

static struct sample cow_last_run(void)
{
	return cow_run(0);
}

static struct sample munmap_run(void)
{
	struct sample s = {0};
	char *p = anon_map(PAGES, RW);

	pages_write(p, PAGES);
	bench_begin();
	munmap(p, PAGES * PAGE);
	bench_end(&s, PAGES);
	return s;
}

/* One operation is 2 MiB: the first write to it, which makes a large page. */
static struct sample huge_fault_run(void)
{
	enum { OPS = 16 };
	const size_t span = 2ul << 20;
	struct sample s = {0};
	char *p = mmap(NULL, (OPS + 1) * span, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *first;

	bench_need(p != MAP_FAILED, "mmap");
	first = p + (-(size_t)p & (span - 1));
	madvise(first, OPS * span, MADV_HUGEPAGE);
	bench_begin();
	pages_write(first, OPS * span / PAGE);
	bench_end(&s, OPS);
	munmap(p, (OPS + 1) * span);
	return s;
}

static struct sample map_unmap(int touch)
{
	enum { OPS = 2000 };
	struct sample s = {0};

	bench_begin();
	for (int i = 0; i < OPS; i++) {
		char *p = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (touch)
			*(volatile char *)p = 1;
		munmap(p, PAGE);
	}
	bench_end(&s, OPS);
	return s;
}

static struct sample mmap_munmap_run(void)
{
	return map_unmap(0);
}

static struct sample mmap_touch_munmap_run(void)
{
	return map_unmap(1);
}

/* One operation is one call: every first one splits the area in three, every second merges it. */
static struct sample mprotect_run(void)
{
	enum { OPS = 2000 };
	struct sample s = {0};
	char *p = anon_map(12, RW);

	pages_write(p, 12);
	bench_begin();
	for (int i = 0; i < OPS / 2; i++) {
		mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ);
		mprotect(p + 4 * PAGE, 4 * PAGE, RW);
	}
	bench_end(&s, OPS);
	munmap(p, 12 * PAGE);
	return s;
}

#define AREAS 1000

/* 1,000 areas that cannot merge: every second page of a range is read-only. */
static char *areas_make(void)
{
	char *p = anon_map(AREAS, RW);

	for (size_t i = 0; i < AREAS; i += 2)
		bench_need(mprotect(p + i * PAGE, PAGE, PROT_READ) == 0, "mprotect");
	return p;
}

/* The new areas alternate as well, so each is one more. */
static struct sample mmap_1000_run(void)
{
	enum { OPS = 1000 };
	static char *made[OPS];
	struct sample s = {0};
	char *areas = areas_make();

	bench_begin();
	for (int i = 0; i < OPS; i++)
		made[i] = mmap(NULL, PAGE, i % 2 ? PROT_READ : RW, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);
	bench_end(&s, OPS);
	for (int i = 0; i < OPS; i++)
		bench_need(made[i] != MAP_FAILED && munmap(made[i], PAGE) == 0, "munmap");
	munmap(areas, AREAS * PAGE);
	return s;
}

static struct sample write_1000_run(void)
{
	struct sample s = {0};

	for (int round = 0; round < 2; round++) {
		char *areas = areas_make();

		bench_begin();
		for (size_t i = 1; i < AREAS; i += 2)
			*(volatile char *)(areas + i * PAGE) = 1;
		bench_end(&s, AREAS / 2);
		munmap(areas, AREAS * PAGE);
	}
	return s;
}

/* A file of so many pages whose name is gone, so that nothing is left behind. */
static int file_make(size_t pages)
{
	static char page[PAGE] = "page";
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "%s/bench.map", bench_folder);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	bench_need(fd >= 0, name);
	unlink(name);
	for (size_t i = 0; i < pages; i++)
		bench_need(write(fd, page, PAGE) == (ssize_t)PAGE, "write");
	return fd;
}

static struct sample file_read_run(void)
{
	struct sample s = {0};
	int fd = file_make(PAGES);
	char *p = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	bench_need(p != MAP_FAILED, "mmap");
	bench_begin();
	pages_read(p, PAGES);
	bench_end(&s, PAGES);
	munmap(p, PAGES * PAGE);
	close(fd);
	return s;
}

static struct sample file_private_run(void)
{
	struct sample s = {0};
	int fd = file_make(PAGES);
	char *p = mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE, fd, 0);

	bench_need(p != MAP_FAILED, "mmap");
	bench_begin();
	pages_write(p, PAGES);
	bench_end(&s, PAGES);
	munmap(p, PAGES * PAGE);
	close(fd);
	return s;
}

const struct row memory_rows[] = {
	{"anon_write_fault", anon_write_run},
	{"anon_read_fault", anon_read_run},
	{"cow_copy_fault", cow_copy_run},
	{"cow_last_holder_fault", cow_last_run},
	{"munmap_page", munmap_run},
	{"huge_write_2m", huge_fault_run},
	{"mmap_munmap", mmap_munmap_run},
	{"mmap_touch_munmap", mmap_touch_munmap_run},
	{"mprotect_split_merge", mprotect_run},
	{"mmap_1000_areas", mmap_1000_run},
	{"write_fault_1000_areas", write_1000_run},
	{"file_map_read_page", file_read_run},
	{"file_private_write_fault", file_private_run},
	{NULL, NULL},
};
