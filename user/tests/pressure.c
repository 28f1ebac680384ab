/*
 * /proc/pressure: what was waited for is counted, in the right file.
 */
#include "swap.h"

#include <sched.h>

#define MS 1000L	/* in us, as totals are */

struct pressure {
	double avg[3];
	long total;
};

static void text_of(const char *what, char *text, size_t size)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/pressure/%s", what);
	fd = open(path, O_RDONLY);
	/* Linux may have it off, or not at all. */
	if (fd < 0 && (errno == EOPNOTSUPP || errno == ENOENT))
		SKIP("pressure is not counted");
	CHECK_OK(fd);
	text[read_full(fd, text, size - 1)] = '\0';
	close(fd);
}

/* degree: "some" or "full" */
static struct pressure parse(const char *text, const char *degree)
{
	const char *line = strstr(text, degree);
	struct pressure p;

	CHECK(line != NULL);
	CHECK_EQ(sscanf(line + 4, " avg10=%lf avg60=%lf avg300=%lf total=%ld\n", &p.avg[0],
			&p.avg[1], &p.avg[2], &p.total), 4);
	return p;
}

static struct pressure pressure(const char *what, const char *degree)
{
	char text[512];

	text_of(what, text, sizeof(text));
	return parse(text, degree);
}

static long total(const char *what)
{
	return pressure(what, "some").total;
}

static long now_us(void)
{
	return (long)(now_ns() / 1000);
}

static int print(char *text, size_t size, const char *degree, const struct pressure *p)
{
	return snprintf(text, size, "%s avg10=%.2f avg60=%.2f avg300=%.2f total=%ld\n", degree,
			p->avg[0], p->avg[1], p->avg[2], p->total);
}

TEST(pressure, format)
{
	static const char *const names[] = {"cpu", "io", "memory"};
	char text[512], again[512];

	for (unsigned i = 0; i < 3; i++) {
		struct pressure some, full;
		size_t n;

		text_of(names[i], text, sizeof(text));
		some = parse(text, "some");
		full = parse(text, "full");
		n = (size_t)print(again, sizeof(again), "some", &some);
		print(again + n, sizeof(again) - n, "full", &full);
		CHECK_STR(text, again);
		for (unsigned a = 0; a < 3; a++) {
			CHECK(some.avg[a] >= 0 && some.avg[a] <= 100);
			CHECK(full.avg[a] >= 0 && full.avg[a] <= 100);
		}
	}
	CHECK_EQ(pressure("cpu", "full").total, 0);
}

TEST(pressure, errors, .root = true)
{
	int fd = open("/proc/pressure/memory", O_RDWR);

	skip_elsewhere();
	CHECK_OK(fd);
	CHECK_ERR(write(fd, "some 150000 1000000", 20), EOPNOTSUPP);
	close(fd);
}

static void on_hart(int n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(n, &set);
	CHECK_OK(sched_setaffinity(0, sizeof(set), &set));
}

static void spin(long us)
{
	long end = now_us() + us;

	while (now_us() < end)
		;
}

/* Two that want the same processor: at any time one of them waits. */
TEST(pressure, cpu)
{
	long before, began, grown, passed;
	pid_t other;

	on_hart(0);
	before = total("cpu");
	began = now_us();
	other = child();
	spin(500 * MS);
	if (!other)
		_exit(0);
	expect_exit(other, 0);
	grown = total("cpu") - before;
	passed = now_us() - began;
	CHECK_GE(grown, 200 * MS);
	CHECK_GE(passed + 50 * MS, grown);
	CHECK(pressure("cpu", "some").avg[0] >= 0);
}

/* The average follows within a few periods of 2 s, and falls again. */
TEST(pressure, average, .seconds = 300)
{
	pid_t other;
	double top;

	on_hart(0);
	other = child();
	while (!other || pressure("cpu", "some").avg[0] < 20)
		;
	kill(other, SIGKILL);
	expect_signal(other, SIGKILL);
	top = pressure("cpu", "some").avg[0];
	while (pressure("cpu", "some").avg[0] > top * 0.7)
		usleep(100000);
	CHECK(pressure("cpu", "some").avg[2] > 0);
}

/* Reads that go to the device. */
TEST(pressure, io, .root = true)
{
	static char buf[1 << 16] __attribute__((aligned(4096)));
	long began = now_us(), before = total("io"), grown;
	int fd = open("/dev/vdc", O_RDONLY | O_DIRECT);

	if (fd < 0)
		SKIP("no disk to read");
	for (int i = 0; i < 64; i++)
		CHECK_EQ(pread(fd, buf, sizeof(buf), (off_t)(i * sizeof(buf))), sizeof(buf));
	close(fd);
	grown = total("io") - before;
	CHECK_GE(grown, 1);
	CHECK_GE(now_us() - began + 50 * MS, grown);
}

static unsigned touch_all(char *p, size_t size)
{
	unsigned sum = 0;

	for (size_t i = 0; i < size; i += PAGE)
		sum += (unsigned)p[i]++;
	return sum;
}

/* More pages in use than there is memory. */
TEST(pressure, memory, .root = true, .seconds = 600, .no_leak_check = true)
{
	size_t size = ((size_t)number_in("/proc/meminfo", "MemFree") << 10) + (8 << 20);
	char before[512], after[512], *p;
	long began, some, full, passed;
	bool ours;

	if (number_in("/proc/meminfo", "MemTotal") > 256 << 10)
		SKIP("memory is too large to fill");
	began = now_us();
	text_of("memory", before, sizeof(before));
	ours = swap_begin();
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0);
	CHECK(p != MAP_FAILED);
	touch_all(p, size);
	touch_all(p, size);
	text_of("memory", after, sizeof(after));
	passed = now_us() - began;
	CHECK_OK(munmap(p, size));
	swap_end(ours);
	some = parse(after, "some").total - parse(before, "some").total;
	full = parse(after, "full").total - parse(before, "full").total;
	CHECK_GE(some, 1 * MS);
	CHECK_GE(passed + 50 * MS, some);
	CHECK_GE(full, 1);
	CHECK_GE(some + 50 * MS, full);
}

/* Where nothing is short, nothing is counted for memory but what others do, and they end. */
TEST(pressure, none)
{
	long stalled = LONG_MAX;

	for (int i = 0; i < 8 && stalled >= 25 * MS; i++) {
		long began = now_us(), before = total("memory");

		spin(50 * MS);
		stalled = total("memory") - before;
		CHECK_GE(now_us() - began, stalled);
	}
	CHECK(stalled < 25 * MS);
}
