/*
 * Swap in a file of the scratch volume, whose blocks of 1 KiB lie as mke2fs and the file system
 * put them: a page goes where four of them follow each other and begin where a page does.
 */
#include "disk.h"
#include "swap.h"

#include <setjmp.h>
#include <sys/mount.h>

#define FILE_PAGES 256
#define OUT	   80 /* pages that are sent out */
#define FIRST	   (SWAP_FLAG_PREFER | 1000)
#define BLOCK	   1024

/* An area of mkswap's in a file. */
static void area_make(const char *path, unsigned pages, unsigned last_page, unsigned bad)
{
	static char page[PAGE];
	int fd = (int)CHECK_OK(open(path, O_RDWR | O_CREAT, 0600));

	memset(page, 0, sizeof(page));
	*(unsigned *)(void *)(page + 1024) = 1;
	*(unsigned *)(void *)(page + 1028) = last_page;
	*(unsigned *)(void *)(page + 1032) = bad;
	*(unsigned *)(void *)(page + 1536) = 3;
	memcpy(page + 4086, "SWAPSPACE2", 10);
	write_full(fd, page, PAGE);
	memset(page, 0x5a, sizeof(page));
	for (unsigned i = 1; i < pages; i++)
		write_full(fd, page, PAGE);
	CHECK_OK(close(fd));
}

/* KiB that /proc/swaps shows of the file, all or used; -1: it is not on. */
static long area_shown(const char *name, bool used)
{
	char line[512], path[PATH_MAX], *at;
	FILE *f = fopen("/proc/swaps", "r");
	long all = -1, in_use = -1;

	CHECK(f != NULL);
	CHECK(realpath(name, path) != NULL);
	while (all < 0 && fgets(line, sizeof(line), f)) {
		at = line + strlen(path);
		if (strncmp(line, path, strlen(path)) || *at != ' ')
			continue;
		CHECK_EQ(sscanf(at, " file %ld %ld", &all, &in_use), 2);
	}
	fclose(f);
	return used ? in_use : all;
}

static char *pages_new(unsigned r)
{
	char *p = mmap(NULL, OUT * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);

	CHECK(p != MAP_FAILED);
	for (unsigned i = 0; i < OUT; i++)
		page_fill(p, i, r);
	return p;
}

static void pages_check(const char *p, unsigned r)
{
	for (unsigned i = 0; i < OUT; i++)
		page_check(p, i, r);
}

/* What goes to the file comes back, and it is all the file's that is written. */
static void exercise(const char *name)
{
	char *p = pages_new(1);

	CHECK_OK(madvise(p, OUT * PAGE, MADV_PAGEOUT));
	CHECK_GE(area_shown(name, true), OUT * 4 * 3 / 4);
	pages_check(p, 1);
	for (unsigned i = 0; i < OUT; i++)
		page_fill(p, i, 2);
	CHECK_OK(madvise(p, OUT * PAGE, MADV_PAGEOUT));
	CHECK_OK(swapoff(name));
	CHECK_EQ(area_shown(name, false), -1);
	pages_check(p, 2);
	CHECK_OK(munmap(p, OUT * PAGE));
}

/* After a fresh mount: nothing was swapped over what tells where the file's blocks are. */
static void blocks_kept(void)
{
	int fd;

	scratch_unmount();
	scratch_mount(0);
	fd = (int)CHECK_OK(open("m/s", O_RDONLY));
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), FILE_PAGES * PAGE);
	CHECK_OK(close(fd));
}

TEST(swap, file_out_and_in, .root = true)
{
	swap_past_zswap();
	scratch_mount(0);
	file_pattern("m/before", 100000, 1);
	area_make("m/s", FILE_PAGES, FILE_PAGES - 1, 0);
	file_pattern("m/behind", 100000, 2);
	for (unsigned round = 0; round < 2; round++) {
		CHECK_OK(swapon("m/s", FIRST));
		/* All but what index blocks leave unaligned. */
		CHECK_GE(area_shown("m/s", false), (FILE_PAGES - 20) * 4);
		CHECK(area_shown("m/s", false) < FILE_PAGES * 4);
		exercise("m/s");
	}
	CHECK_ERR(swapoff("m/s"), EINVAL);
	blocks_kept();
	file_pattern_check("m/before", 100000, 1);
	file_pattern_check("m/behind", 100000, 2);
	CHECK_OK(unlink("m/before"));
	CHECK_OK(unlink("m/behind"));
	CHECK_OK(unlink("m/s"));
	scratch_unmount();
}

/* All blocks of the volume, of which every `period`-th `hole` become free again. */
static void fragment(unsigned hole, unsigned period)
{
	static char block[64 * BLOCK];
	int fd = (int)CHECK_OK(open("m/full", O_RDWR | O_CREAT, 0600));
	off_t end;

	while (write(fd, block, sizeof(block)) > 0)
		;
	CHECK_EQ(errno, ENOSPC);
	CHECK_OK(fsync(fd));
	end = CHECK_OK(lseek(fd, 0, SEEK_END)) / BLOCK * BLOCK;
	for (off_t at = 0; at + hole * BLOCK <= end; at += period * BLOCK)
		CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
				   hole * BLOCK));
	CHECK_OK(fsync(fd));
	CHECK_OK(close(fd));
	sync();
}

/* A run of six blocks has a whole page where a page begins within its first three, or not. */
TEST(swap, file_in_pieces, .root = true)
{
	swap_past_zswap();
	scratch_mount(0);
	fragment(6, 9);
	area_make("m/s", FILE_PAGES, FILE_PAGES - 1, 0);
	CHECK_OK(swapon("m/s", FIRST));
	CHECK_GE(area_shown("m/s", false), OUT * 4);
	CHECK(area_shown("m/s", false) < FILE_PAGES * 4 * 3 / 4);
	exercise("m/s");
	blocks_kept();
	CHECK_OK(unlink("m/s"));
	CHECK_OK(unlink("m/full"));
	/* No page at all. */
	fragment(1, 3);
	area_make("m/s", 16, 15, 0);
	CHECK_ERR(swapon("m/s", FIRST), EINVAL);
	CHECK_OK(unlink("m/s"));
	CHECK_OK(unlink("m/full"));
	scratch_unmount();
}

static void calls_refused(int fd, int other)
{
	off_t from = 0, to = 0;
	char c = 0;

	CHECK_ERR(write(fd, &c, 1), ETXTBSY);
	CHECK_ERR(pwrite(fd, &c, 1, FILE_PAGES * PAGE + 5000), ETXTBSY);
	CHECK_ERR(ftruncate(fd, 0), ETXTBSY);
	CHECK_ERR(ftruncate(fd, FILE_PAGES * PAGE), ETXTBSY);
	CHECK_ERR(truncate("m/s", 100), ETXTBSY);
	CHECK_ERR(open("m/s", O_RDWR | O_TRUNC), ETXTBSY);
	CHECK_ERR(fallocate(fd, 0, 0, PAGE), ETXTBSY);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), ETXTBSY);
	CHECK_ERR(copy_file_range(other, &from, fd, &to, 10, 0), ETXTBSY);
	CHECK_ERR(copy_file_range(fd, &from, other, &to, 10, 0), ETXTBSY);
	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, ETXTBSY);
	CHECK_ERR(unlink("m/s"), EPERM);
	CHECK_ERR(rename("m/s", "m/t"), EPERM);
	CHECK_ERR(rename("m/other", "m/s"), EPERM);
	CHECK_ERR(syscall(SYS_renameat2, AT_FDCWD, "m/other", AT_FDCWD, "m/s", 2), EPERM);
	CHECK_ERR(execl("m/s", "m/s", NULL), EACCES);
	CHECK_OK(chmod("m/s", 0700));
	CHECK_ERR(execl("m/s", "m/s", NULL), ETXTBSY);
	CHECK_ERR(swapon("m/s", FIRST), EBUSY);
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	CHECK_ERR(umount2("m", 0), EBUSY);
}

/* What neither gives the area's blocks to others nor writes to them. */
static void calls_allowed(int fd)
{
	char c = 0, *p;

	CHECK_OK(pread(fd, &c, 1, 4095));
	CHECK_EQ(c, '2');
	CHECK_OK(link("m/s", "m/l"));
	CHECK_ERR(unlink("m/l"), EPERM);
	CHECK_OK(ftruncate(fd, (FILE_PAGES + 1) * PAGE));
	CHECK_OK(chmod("m/s", 0600));
	CHECK_OK(fsync(fd));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	p[0] = 1;
	CHECK_OK(munmap(p, PAGE));
}

TEST(swap, file_is_left_alone, .root = true)
{
	int fd, other;
	char *p;

	swap_past_zswap();
	scratch_mount(0);
	area_make("m/s", FILE_PAGES, FILE_PAGES - 1, 0);
	fd = (int)CHECK_OK(open("m/s", O_RDWR));
	file_pattern("m/other", 10000, 1);
	other = (int)CHECK_OK(open("m/other", O_RDWR));
	p = pages_new(1);
	CHECK_OK(swapon("m/s", FIRST));
	CHECK_OK(madvise(p, OUT * PAGE, MADV_PAGEOUT));
	calls_refused(fd, other);
	calls_allowed(fd);
	pages_check(p, 1);
	CHECK_OK(swapoff("m/l"));
	/* It is a file like any other. */
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_OK(ftruncate(fd, 0));
	CHECK_OK(close(fd));
	CHECK_OK(close(other));
	CHECK_OK(unlink("m/l"));
	CHECK_OK(unlink("m/s"));
	CHECK_OK(unlink("m/other"));
	scratch_unmount();
}

static sigjmp_buf again;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(again, 1);
}

/* A mapping from before may not store into the area any more. */
TEST(swap, file_has_no_writers, .root = true)
{
	char *p, *map;
	int fd;

	swap_past_zswap();
	scratch_mount(0);
	area_make("m/s", FILE_PAGES, FILE_PAGES - 1, 0);
	fd = (int)CHECK_OK(open("m/s", O_RDWR));
	map = mmap(NULL, FILE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	map[5 * PAGE] = 1;
	CHECK_OK(swapon("m/s", FIRST));
	p = pages_new(1);
	CHECK_OK(madvise(p, OUT * PAGE, MADV_PAGEOUT));
	signal(SIGBUS, on_bus);
	for (volatile unsigned i = 0; i < FILE_PAGES; i++) {
		if (sigsetjmp(again, 1))
			continue;
		map[i * PAGE] = 1;
		FAIL("page %u of a swap file is written", i);
	}
	CHECK_OK(msync(map, FILE_PAGES * PAGE, MS_SYNC));
	pages_check(p, 1);
	CHECK_OK(swapoff("m/s"));
	map[5 * PAGE] = 2;
	CHECK_OK(munmap(map, FILE_PAGES * PAGE));
	CHECK_OK(close(fd));
	CHECK_OK(unlink("m/s"));
	scratch_unmount();
}

TEST(swap, file_refused, .root = true)
{
	int fd;

	scratch_mount(0);
	CHECK_OK(mkdir("m/d", 0700));
	CHECK_ERR(swapon("m/d", 0), EISDIR);
	CHECK_OK(mkfifo("m/fifo", 0600));
	CHECK_ERR(swapon("m/fifo", 0), EINVAL);
	CHECK_ERR(swapon("/dev/null", 0), EINVAL);
	/* Holes, less than the header says, bad pages, no header. */
	area_make("m/s", FILE_PAGES, FILE_PAGES - 1, 0);
	CHECK_OK(truncate("m/s", (FILE_PAGES - 1) * PAGE));
	CHECK_ERR(swapon("m/s", 0), EINVAL);
	CHECK_OK(truncate("m/s", FILE_PAGES * PAGE));
	CHECK_ERR(swapon("m/s", 0), EINVAL);
	CHECK_OK(unlink("m/s"));
	area_make("m/s", FILE_PAGES, FILE_PAGES - 1, 0);
	fd = (int)CHECK_OK(open("m/s", O_RDWR));
	CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 9 * PAGE, BLOCK));
	CHECK_ERR(swapon("m/s", 0), EINVAL);
	CHECK_EQ(pwrite(fd, "x", 1, 9 * PAGE), 1);
	CHECK_OK(swapon("m/s", FIRST));
	CHECK_OK(swapoff("m/s"));
	CHECK_EQ(pwrite(fd, "\1", 1, 1032), 1);
	CHECK_ERR(swapon("m/s", 0), EINVAL);
	CHECK_EQ(pwrite(fd, "\0x", 2, 1032), 2);
	CHECK_EQ(pwrite(fd, "x", 1, 4086), 1);
	CHECK_ERR(swapon("m/s", 0), EINVAL);
	/* As it was refused, it is a file like any other. */
	CHECK_OK(close(fd));
	CHECK_OK(unlink("m/s"));
	CHECK_OK(unlink("m/fifo"));
	CHECK_OK(rmdir("m/d"));
	area_make("m/s", 16, 15, 0);
	scratch_unmount();
	scratch_mount(MS_RDONLY);
	CHECK_ERR(swapon("m/s", 0), EROFS);
	scratch_unmount();
	scratch_mount(0);
	CHECK_OK(unlink("m/s"));
	scratch_unmount();
	/* Files in memory would only move it. */
	mkdir("t", 0700);
	CHECK_OK(mount("tmpfs", "t", "tmpfs", 0, NULL));
	area_make("t/s", 16, 15, 0);
	CHECK_ERR(swapon("t/s", 0), EINVAL);
	CHECK_OK(umount2("t", 0));
}
