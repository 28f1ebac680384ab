/*
 * procfs: small files of /proc: what they say, and that no name makes a line of its own.
 */
#include "ut.h"

#include <elf.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static char text[65536];

TEST(procfs, name_is_one_line)
{
	CHECK_OK(prctl(PR_SET_NAME, "a\nPid:\t1\\b"));
	file_text("/proc/self/status", text, sizeof(text));
	CHECK_EQ(strncmp(text, "Name:\ta\\nPid:\t1\\\\b\nUmask:", 25), 0);
	file_text("/proc/self/comm", text, sizeof(text));
	CHECK_STR(text, "a\nPid:\t1\\b\n");
}

TEST(procfs, maps_name_is_one_line)
{
	int fd = (int)CHECK_OK(open("x\ny", O_RDWR | O_CREAT, 0600));

	CHECK_OK(ftruncate(fd, 4096));
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED);
	file_text("/proc/self/maps", text, sizeof(text));
	CHECK(strstr(text, "/x\\012y\n"));
	CHECK(!strstr(text, "x\ny"));
	CHECK_OK(unlink("x\ny"));
}

/* Where a program lies in memory is known only to who may look into it. */
TEST(procfs, stat_tells_no_places, .root = true)
{
	static const char format[] = "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
		"%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %lu %lu %*s %*s %*s %*s %*s %*s %*s "
		"%*s %*s %*s %*s %*s %*s %*s %*s %*s %lu %*s %*s %lu";
	unsigned long at[5];

	for (int user = 0; user < 2; user++) {
		if (user)
			become_user();
		file_text("/proc/1/stat", text, sizeof(text));
		CHECK_EQ(sscanf(text, format, &at[0], &at[1], &at[2], &at[3], &at[4]), 5);
		CHECK_EQ(at[0] == 1 && at[1] == 1, user);
		CHECK_EQ(!at[2] && !at[3] && !at[4], user);
	}
}

TEST(procfs, children)
{
	char path[64], want[64];
	pid_t one = child_pausing(), two = child_pausing();

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	file_text(path, text, sizeof(text));
	snprintf(want, sizeof(want), "%d %d ", one, two);
	CHECK_STR(text, want);
	CHECK_OK(kill(one, SIGKILL));
	expect_signal(one, SIGKILL);
	file_text(path, text, sizeof(text));
	snprintf(want, sizeof(want), "%d ", two);
	CHECK_STR(text, want);
	/* Until it is waited for it is one. */
	CHECK_OK(kill(two, SIGKILL));
	wait_state(two, "Z");
	file_text(path, text, sizeof(text));
	CHECK_STR(text, want);
	expect_signal(two, SIGKILL);
	file_text(path, text, sizeof(text));
	CHECK_STR(text, "");
	CHECK_ERR(open("/proc/self/children", O_RDONLY), ENOENT);
}

/* The first thread has a child, another one, which becomes a new program, has one more. */
static void *exec_with_child(void *pids)
{
	((volatile pid_t *)pids)[1] = child_pausing();
	exec_helper("pause", NULL);
	return NULL;
}

static void exec_with_children(volatile pid_t *pids)
{
	pthread_t t;

	pids[0] = child_pausing();
	CHECK_EQ(pthread_create(&t, NULL, exec_with_child, (void *)pids), 0);
	for (;;)
		pause();
}

TEST(procfs, children_after_exec)
{
	volatile pid_t *pids = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int one, two, end = 0;
	char path[64];
	pid_t pid;

	CHECK(pids != MAP_FAILED);
	pid = child();
	if (pid == 0)
		exec_with_children(pids);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	do
		file_text(path, text, sizeof(text));
	while (strcmp(text, "usertests") || strcmp(text + 10, "--helper"));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	/* Until the thread has taken the place of the first one. */
	do
		file_text(path, text, sizeof(text));
	while (!*text);
	CHECK_EQ(sscanf(text, "%d %d %n", &one, &two, &end), 2);
	CHECK_EQ(end, strlen(text));
	CHECK((one == pids[0] && two == pids[1]) || (one == pids[1] && two == pids[0]));
	CHECK_OK(kill(one, SIGKILL));
	CHECK_OK(kill(two, SIGKILL));
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
}

/* The number behind a name of smaps; the sum of all of them. */
static long sum_of(const char *name)
{
	long sum = 0;

	for (const char *at = text; (at = strstr(at, name)); at++)
		if (at == text || at[-1] == '\n')
			sum += strtol(at + strlen(name), NULL, 10);
	return sum;
}

static const char *const sizes[] = {"Rss:", "Private_Dirty:", "Anonymous:", "Locked:", "Swap:"};

static void smaps_sums(long sums[5])
{
	file_text("/proc/self/smaps", text, sizeof(text));
	for (int i = 0; i < 5; i++)
		sums[i] = sum_of(sizes[i]);
}

TEST(procfs, smaps_rollup)
{
	static char rollup[2048];
	char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long start, end;
	long sums[5], after[5], before;

	CHECK(p != MAP_FAILED);
	/* What it takes to read them is there before. */
	file_text("/proc/self/smaps_rollup", text, sizeof(text));
	before = sum_of("Rss:");
	memset(p, 1, 65536);
	/* Until nothing is taken out or brought in meanwhile. */
	do {
		smaps_sums(sums);
		file_text("/proc/self/smaps_rollup", rollup, sizeof(rollup));
		smaps_sums(after);
	} while (memcmp(sums, after, sizeof(sums)) != 0);
	strcpy(text, rollup);
	CHECK_EQ(sscanf(text, "%lx-%lx ---p 00000000 00:00 0 [rollup]", &start, &end), 2);
	CHECK(start < (unsigned long)p && end > (unsigned long)p);
	CHECK_EQ(strchr(text, '[') - text, 73);
	CHECK_GE(sum_of("Rss:"), before + 60);
	for (int i = 1; i < 5; i++)
		CHECK_EQ(sum_of(sizes[i]), sums[i]);
}

/* The auxiliary vector on this process's stack, behind its arguments and its environment. */
static Elf64_auxv_t *own_auxv(void)
{
	unsigned long at;
	char **p;

	file_text("/proc/self/stat", text, sizeof(text));
	CHECK_EQ(sscanf(strrchr(text, ')'), ") %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			"%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %lu", &at), 1);
	p = (char **)at + 1 + *(long *)at + 1;
	while (*p)
		p++;
	return (Elf64_auxv_t *)(p + 1);
}

/* ld.so, started with a program's name, makes its vector that program's: /proc keeps its own. */
TEST(procfs, auxv_is_that_of_exec)
{
	static char first[4096], then[4096];
	size_t size = file_text("/proc/self/auxv", first, sizeof(first));
	Elf64_auxv_t *own = own_auxv();
	pid_t pid;

	CHECK_EQ(size % sizeof(*own), 0);
	CHECK_EQ(memcmp(own, first, size), 0);
	for (Elf64_auxv_t *a = own; a->a_type != AT_NULL; a++)
		if (a->a_type == AT_ENTRY || a->a_type == AT_PHDR)
			a->a_un.a_val += 4096;
	CHECK_EQ(file_text("/proc/self/auxv", then, sizeof(then)), size);
	CHECK_EQ(memcmp(first, then, size), 0);
	pid = child();
	if (pid == 0) {
		CHECK_EQ(file_text("/proc/self/auxv", then, sizeof(then)), size);
		CHECK_EQ(memcmp(first, then, size), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* Where a file of /proc ends is not known until it was read: few can be told to go there. */
TEST(procfs, seek_from_the_end)
{
	static const char *const endless[] = {"self/mem", "self/pagemap", "self/maps", "self/stat",
		"self/fdinfo/0", "self/timerslack_ns", "self/comm", "mounts", "meminfo", NULL};
	static const char *const sized[] = {"self/cmdline", "self/environ", "self/auxv",
		"self/oom_score_adj", "sys/kernel/ostype", "sys/kernel/sem", NULL};

	CHECK_OK(chdir("/proc"));
	for (size_t i = 0; endless[i]; i++) {
		int fd = (int)CHECK_OK(open(endless[i], O_RDONLY));

		CHECK_EQ(lseek(fd, 5, SEEK_SET), 5);
		CHECK_EQ(lseek(fd, -3, SEEK_CUR), 2);
		CHECK_ERR(lseek(fd, 0, SEEK_END), EINVAL);
		CHECK_ERR(lseek(fd, 0, SEEK_DATA), EINVAL);
		CHECK_ERR(lseek(fd, 0, SEEK_HOLE), EINVAL);
		CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
		CHECK_OK(close(fd));
	}
	for (size_t i = 0; sized[i]; i++) {
		int fd = (int)CHECK_OK(open(sized[i], O_RDONLY));

		CHECK_EQ(lseek(fd, 7, SEEK_END), 7);
		CHECK_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
		CHECK_OK(close(fd));
	}
}

TEST(procfs, machine)
{
	file_text("/proc/devices", text, sizeof(text));
	CHECK_EQ(strncmp(text, "Character devices:\n  1 mem\n", 27), 0);
	CHECK(strstr(text, "\n  5 /dev/tty\n") && strstr(text, "\n136 pts\n"));
	CHECK(strstr(text, "\n\nBlock devices:\n"));
	file_text("/proc/zoneinfo", text, sizeof(text));
	CHECK_EQ(strncmp(text, "Node 0, zone ", 13), 0);
	CHECK(strstr(text, "\n  pages free ") && strstr(text, "\n        managed "));
}

TEST(procfs, sysrq_trigger_has_no_position, .root = true)
{
	int fd = (int)CHECK_OK(open("/proc/sysrq-trigger", O_WRONLY));

	CHECK_EQ(lseek(fd, 7, SEEK_SET), 0);
	CHECK_EQ(lseek(fd, -7, SEEK_CUR), 0);
	CHECK_EQ(lseek(fd, 7, SEEK_END), 0);
	CHECK_ERR(lseek(fd, 7, 99), EINVAL);
	CHECK_OK(close(fd));
}
