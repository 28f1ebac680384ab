/*
 * oom: who dies when memory is out, and what a process may say about it.
 */
#include "swap.h"

#include <sched.h>
#include <sys/param.h>
#include <sys/prctl.h>

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
TEST(oom, soon, .root = true, .seconds = 600, .no_leak_check = true)
{
	long before = MAJOR_FAULTS;
	pid_t hog = child();

	if (!hog)
		for (;;)
			take(PIECE);
	expect_signal(hog, SIGKILL);
	CHECK(MAJOR_FAULTS < before + 4096);
}

static int adj_write(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = (int)CHECK_OK(open(path, O_WRONLY));
	err = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return err;
}

static int adj_read(pid_t pid, const char *name)
{
	char path[64], text[32];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	CHECK(file_text(path, text, sizeof(text)) > 1);
	return atoi(text);
}

static void adj_set(pid_t pid, const char *text)
{
	CHECK_EQ(adj_write(pid, "oom_score_adj", text), 0);
}

TEST(oom, score_adj_texts, .root = true)
{
	static const struct {
		const char *text;
		int err, value;
	} lines[] = {
		{"0", 0, 0}, {"1000\n", 0, 1000}, {"-999", 0, -999}, {"-1000", 0, -1000},
		{" 17 \n", 0, 17}, {"+5", 0, 5}, {"0x10", 0, 16}, {"-0X1f", 0, -31},
		{"010", 0, 8}, {"1001", EINVAL, 8}, {"-1001", EINVAL, 8},
		{"x", EINVAL, 8}, {"-", EINVAL, 8}, {"\n", EINVAL, 8}, {"7x", EINVAL, 8},
		{"7 8", EINVAL, 8}, {"08", EINVAL, 8}, {"0x", EINVAL, 8}, {"- 7", EINVAL, 8},
		{"--7", EINVAL, 8}, {"2147483648", ERANGE, 8}, {"-99999999999", ERANGE, 8},
		{"1234567890123", ERANGE, 8}, {"3", 0, 3},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		CHECK_EQ(adj_write(getpid(), "oom_score_adj", lines[i].text), lines[i].err);
		CHECK_EQ(adj_read(getpid(), "oom_score_adj"), lines[i].value);
	}
}

/* The older file, from -16 to 15; -17 is never. */
TEST(oom, adj, .root = true)
{
	adj_set(getpid(), "500");
	CHECK_EQ(adj_read(getpid(), "oom_adj"), 8);
	adj_set(getpid(), "1000");
	CHECK_EQ(adj_read(getpid(), "oom_adj"), 15);
	adj_set(getpid(), "-1000");
	CHECK_EQ(adj_read(getpid(), "oom_adj"), -17);
	CHECK_EQ(adj_write(getpid(), "oom_adj", "15"), 0);
	CHECK_EQ(adj_read(getpid(), "oom_score_adj"), 1000);
	CHECK_EQ(adj_write(getpid(), "oom_adj", "-17"), 0);
	CHECK_EQ(adj_read(getpid(), "oom_score_adj"), -1000);
	CHECK_EQ(adj_write(getpid(), "oom_adj", "-3"), 0);
	CHECK_EQ(adj_read(getpid(), "oom_score_adj"), -176);
	CHECK_EQ(adj_write(getpid(), "oom_adj", "16"), EINVAL);
	CHECK_EQ(adj_write(getpid(), "oom_adj", "-18"), EINVAL);
}

/* A user comes back to what root said last, and no further. */
TEST(oom, score_adj_lowered_by_root, .root = true)
{
	pid_t user;

	adj_set(getpid(), "300");
	user = child();
	if (!user) {
		pid_t own = getpid();

		become_user();
		CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
		CHECK_EQ(adj_read(own, "oom_score_adj"), 300);
		CHECK_EQ(adj_write(own, "oom_score_adj", "299"), EACCES);
		adj_set(own, "700");
		adj_set(own, "300");
		adj_set(own, "400");
		CHECK_EQ(adj_write(own, "oom_score_adj", "299"), EACCES);
		CHECK_EQ(adj_write(own, "oom_score_adj", "-1000"), EACCES);
		CHECK_EQ(adj_write(own, "oom_score_adj", "1001"), EINVAL);
		CHECK_EQ(adj_write(own, "oom_adj", "5"), EACCES);
		CHECK_EQ(adj_write(own, "oom_adj", "8"), 0);
		CHECK_EQ(adj_read(own, "oom_score_adj"), 470);
		user = child();
		if (user)
			expect_exit(user, 0);
		else
			CHECK_EQ(adj_write(getpid(), "oom_score_adj", "299"), EACCES);
		adj_set(getpid(), "300");
		_exit(0);
	}
	expect_exit(user, 0);
}

static int read_own(void *seen)
{
	struct gate *gate = seen;

	gate_pass(gate);
	_exit(adj_read(getpid(), "oom_score_adj") != 250);
}

/* Those that share memory die together: what is said of one holds for all. */
TEST(oom, score_adj_of_shared_memory, .root = true)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct gate gate;
	pid_t sharer, own;

	gate_make(&gate);
	adj_set(getpid(), "100");
	sharer = (pid_t)CHECK_OK(clone(read_own, stack + sizeof(stack), CLONE_VM | SIGCHLD, &gate));
	own = child();
	if (!own) {
		gate_pass(&gate);
		_exit(adj_read(getpid(), "oom_score_adj") != 100);
	}
	CHECK_EQ(adj_read(sharer, "oom_score_adj"), 100);
	adj_set(getpid(), "250");
	gate_open(&gate);
	gate_open(&gate);
	expect_exit(sharer, 0);
	expect_exit(own, 0);
	/* A child of vfork speaks for itself alone. */
	own = vfork();
	if (!own) {
		adj_set(getpid(), "400");
		_exit(0);
	}
	CHECK(own > 0);
	expect_exit(own, 0);
	CHECK_EQ(adj_read(getpid(), "oom_score_adj"), 250);
}

static long memory_pages(void)
{
	return (number_in("/proc/meminfo", "MemTotal") + number_in("/proc/meminfo", "SwapTotal")) /
	       4;
}

/* The score is what would be freed, in thousandths of memory and swap, and the adjustment. */
TEST(oom, score, .root = true)
{
	long total = memory_pages(), piece = 64 * PAGE, most;
	int before, after;

	adj_set(getpid(), "0");
	before = adj_read(getpid(), "oom_score");
	CHECK(before >= 666 && before < 720);
	while (adj_read(getpid(), "oom_score") == before && piece < total * (long)PAGE / 50) {
		take((size_t)piece);
		piece *= 2;
	}
	after = adj_read(getpid(), "oom_score");
	CHECK(after > before && after < before + 100);
	adj_set(getpid(), "1000");
	/* A thousandth is a whole number of pages. */
	most = 666 * (total / 1000 * 1000) / total;
	CHECK_GE(adj_read(getpid(), "oom_score"), after + most - 20);
	CHECK(adj_read(getpid(), "oom_score") <= after + most + 20);
	adj_set(getpid(), "-999");
	CHECK(adj_read(getpid(), "oom_score") <= after - most + 20);
	adj_set(getpid(), "-1000");
	CHECK_EQ(adj_read(getpid(), "oom_score"), 0);
	CHECK_EQ(adj_read(1, "oom_score"), 0);
}

/* A child that holds so much, and waits; gate: it does. */
static pid_t holder(size_t size, const char *adj, struct gate *gate)
{
	pid_t pid = child();

	if (pid) {
		gate_pass(gate);
		return pid;
	}
	adj_set(getpid(), adj);
	take(size);
	gate_open(gate);
	for (;;)
		pause();
}

/* How near to the end of memory one gets, and what happens there, is each kernel's own matter. */
void skip_elsewhere(void)
{
	if (number_in("/proc/vmstat", "xv39_cow_copied") < 0)
		SKIP("only for xv39");
}

void skip_memory_above(long mib)
{
	if (number_in("/proc/meminfo", "MemTotal") > mib << 10)
		SKIP("the machine has more than %ld MiB of memory", mib);
}

static pid_t hog_start(void)
{
	pid_t hog = child();

	if (!hog)
		for (;;)
			take(PIECE);
	return hog;
}

/* Who holds most of memory and is not to be killed lives; who takes the rest dies. */
TEST(oom, spares, .root = true, .seconds = 600, .no_leak_check = true)
{
	size_t half = (size_t)number_in("/proc/meminfo", "MemAvailable") * 1024 / 8 * 5;
	struct gate gate;
	pid_t spared, hog;

	skip_memory_above(1024);
	gate_make(&gate);
	spared = holder(half, "-1000", &gate);
	hog = hog_start();
	expect_signal(hog, SIGKILL);
	CHECK_OK(kill(spared, 0));
	CHECK_EQ(waitpid(spared, NULL, WNOHANG), 0);
	CHECK_OK(kill(spared, SIGTERM));
	expect_signal(spared, SIGTERM);
}

/* Who says so dies first, however little it has. */
TEST(oom, volunteers, .root = true, .seconds = 600, .no_leak_check = true)
{
	struct gate gate;
	pid_t volunteer, hog;

	skip_memory_above(1024);
	gate_make(&gate);
	volunteer = holder(4 * PIECE, "1000", &gate);
	hog = hog_start();
	expect_signal(volunteer, SIGKILL);
	expect_signal(hog, SIGKILL);
}

static void take_but(long kib)
{
	while (number_in("/proc/meminfo", "MemAvailable") > kib)
		take(PIECE / 4);
}

/* What is read once needs no room to stay in: nobody dies for it. */
TEST(oom, reading_kills_nobody, .root = true, .seconds = 600, .no_leak_check = true)
{
	long kills = number_in("/proc/vmstat", "oom_kill");
	int fd = open("/dev/vda", O_RDONLY);
	static char buf[65536];

	skip_elsewhere();
	if (fd < 0)
		SKIP("no disk");
	/* A share of memory stays with files, which there is more than what is left here. */
	skip_memory_above(256);
	take_but(3072);
	for (int i = 0; i < 512 && read(fd, buf, sizeof(buf)) > 0; i++)
		;
	close(fd);
	CHECK_EQ(number_in("/proc/vmstat", "oom_kill"), kills);
}

/*
 * Takes what is left page by page, and between two of them needs all of a program. Where the
 * program has no room at all beside what is left, each page costs a whole reading: it begins there
 * with little.
 */
static void crawl(void)
{
	int fd = (int)CHECK_OK(open(self_path(), O_RDONLY));
	size_t size = (size_t)CHECK_OK(lseek(fd, 0, SEEK_END)), i;
	long left = number_in("/proc/meminfo", "MemTotal") / 32;
	volatile char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	CHECK(p != MAP_FAILED);
	CHECK_OK(madvise((char *)p, size, MADV_RANDOM));
	take_but(MAX(1024, MIN(left, 4096)));
	for (;;) {
		take(PAGE);
		for (i = 0; i < size; i += PAGE)
			(void)p[i];
	}
}

/* It frees as much as it reads, and does not get on. Linux goes on with that for long. */
TEST(oom, thrashing, .root = true, .seconds = 600, .no_leak_check = true)
{
	long before = MAJOR_FAULTS;
	pid_t hog;

	skip_elsewhere();
	skip_memory_above(1024);
	hog = child();
	if (!hog)
		crawl();
	expect_signal(hog, SIGKILL);
	CHECK(MAJOR_FAULTS < before + 65536);
}
