/*
 * /proc/sys/vm/swappiness: whether private pages that nobody uses go to swap before those of files
 * that are read once.
 */
#include "swap.h"

#define SWAPPINESS "/proc/sys/vm/swappiness"
#define DISK	   "/dev/vda"
#define LEFT	   (16l << 10) /* KiB for the test and for files */
#define READ	   (48l << 20)

static void swappiness_set(const char *value)
{
	int fd = (int)CHECK_OK(open(SWAPPINESS, O_WRONLY));

	CHECK_EQ(write(fd, value, strlen(value)), (ssize_t)strlen(value));
	CHECK_OK(close(fd));
}

/* KiB that are too much: files' pages go first while there are more than are kept free. */
static long memory_spare(void)
{
	char text[32];

	file_text("/proc/sys/vm/min_free_kbytes", text, sizeof(text));
	return number_in("/proc/meminfo", "MemAvailable") - LEFT - 3 * atol(text);
}

/* Leave little besides. */
static void memory_lock(void)
{
	long more = memory_spare();
	void *p;

	/* What swap itself takes came since this was looked at. */
	more = more < 0 ? 0 : more;
	p = mmap(NULL, (size_t)more << 10, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		 -1, 0);
	CHECK(p != MAP_FAILED);
	CHECK_OK(mlock(p, (size_t)more << 10));
}

/* How many pages go to swap while files are read, PAGES of which nobody uses? */
static long out_while_reading(const char *value)
{
	static char buffer[64 << 10];
	char *p = swap_pages(MAP_PRIVATE);
	int fd = (int)CHECK_OK(open(DISK, O_RDONLY));
	long before;

	swap_fill(p, 1);
	swappiness_set(value);
	CHECK_OK(madvise(p, PAGES * PAGE, MADV_COLD));
	before = number_in("/proc/vmstat", "pswpout");
	for (long n = 0; n < READ; n += (long)sizeof(buffer))
		CHECK_EQ(read(fd, buffer, sizeof(buffer)), (ssize_t)sizeof(buffer));
	before = number_in("/proc/vmstat", "pswpout") - before;
	swappiness_set("60");
	swap_check(p, 1);
	CHECK_OK(munmap(p, PAGES * PAGE));
	CHECK_OK(close(fd));
	return before;
}

static void read_with_little_memory(void)
{
	memory_lock();
	/* Of what was chosen before, some may be counted late. */
	CHECK_GE(PAGES / 4, out_while_reading("0"));
	CHECK_GE(out_while_reading("60"), PAGES / 2);
}

TEST(swap, not_instead_of_files, .root = true, .seconds = 300)
{
	int status;
	bool ours;

	skip_elsewhere();
	skip_memory_above(512);
	if (access(DISK, R_OK))
		SKIP("no " DISK);
	if (memory_spare() < 0)
		SKIP("too little memory");
	swap_past_zswap();
	ours = swap_begin();
	status = run_child(read_with_little_memory);
	swappiness_set("60");
	swap_end(ours);
	CHECK_EQ(status, 0);
}
