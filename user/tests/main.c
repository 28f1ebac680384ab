/* usertests: runs named tests, each in a process of its own, and counts. */
#include "ut.h"

#include <dirent.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <termios.h>

#include "leak.h"

/* The linker collects what TEST declares. */
extern const struct ut_test *const __start_ut_tests[];
extern const struct ut_test *const __stop_ut_tests[];

/* Orphans have this long to end after their test. */
#define STRAYS_NS	30000000000u

enum verdict { PASSED, FAILED, SKIPPED };

static bool verbose;
static bool hunt_leaks;
static bool weigh_memory = true;
static const char *base_dir = "/tmp";
static const struct ut_test **tests;
static pid_t running;
static volatile sig_atomic_t timed_out;

static void watchdog(int sig)
{
	(void)sig;
	timed_out = 1;
}

/* Ticks every second after the first shot, so that a shot before waitpid() sleeps is not lost. */
static void watchdog_set(unsigned int seconds)
{
	struct itimerval it = { .it_value.tv_sec = seconds, .it_interval.tv_sec = seconds ? 1 : 0 };

	if (seconds)
		timed_out = 0;
	setitimer(ITIMER_REAL, &it, NULL);
}

/* What may not be changed cannot be removed, nor what is in it; a test that failed leaves such. */
static void flags_drop(int fd)
{
	unsigned int flags;

	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return;
	if (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)) {
		flags &= ~(unsigned int)(FS_IMMUTABLE_FL | FS_APPEND_FL);
		ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
}

static void file_remove(const char *name)
{
	int fd;

	if (!unlink(name))
		return;
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
	flags_drop(fd);
	if (fd >= 0)
		close(fd);
	unlink(name);
}

static void tree_remove(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	char name[PATH_MAX];

	if (dir == NULL) {
		chmod(path, 0700);
		dir = opendir(path);
	}
	if (dir)
		flags_drop(dirfd(dir));
	while (dir && (entry = readdir(dir)) != NULL) {
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (lstat(name, &st) == 0 && S_ISDIR(st.st_mode))
			tree_remove(name);
		else
			file_remove(name);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

/* Waits for the first process of a test; when time is up, notes what hangs and ends it. */
static int test_wait(const struct ut_test *test, char *hung, size_t size)
{
	int status = 0;

	watchdog_set(test->seconds > UT_SECONDS ? test->seconds : UT_SECONDS);
	while (waitpid(running, &status, 0) < 0 && errno == EINTR) {
		if (!timed_out)
			continue;
		if (*hung == '\0')
			group_states(running, hung, size);
		kill(-running, SIGKILL);
		kill(running, SIGKILL);
	}
	watchdog_set(0);
	return status;
}

/* The first process of a test. */
static void test_process(const struct ut_test *test, const char *dir, int report)
{
	setpgid(0, 0);
	for (int sig = 1; sig < 32; sig++)
		signal(sig, SIG_DFL);
	if (dup2(report, UT_REPORT_FD) < 0 || chdir(dir) < 0) {
		dprintf(2, "usertests: cannot prepare %s: %s\n", test->name, strerror(errno));
		_exit(UT_EXIT_FAIL);
	}
	if (report != UT_REPORT_FD)
		close(report);
	umask(022);
	test->run();
	_exit(0);
}

/*
 * Whether processes of the test's group outlive it; they are killed.  One that was
 * orphaned may be dead already and wait for init to notice: that takes its time.
 */
static bool strays_remain(pid_t group, bool failed)
{
	uint64_t start = now_ns(), waited;
	bool late = false;

	while ((waited = now_ns() - start) < 2 * STRAYS_NS) {
		if (kill(-group, 0) < 0)
			return late;
		late |= waited > STRAYS_NS;
		if (late || failed)
			kill(-group, SIGKILL);
		usleep(1000);
	}
	return true;
}

static enum verdict judge(int status, const char *text, const char *hung, char *reason,
			  size_t size)
{
	if (*hung)
		snprintf(reason, size, "killed by the watchdog:%s%s%s", hung,
			 *text ? " after: " : "", *text ? text + 1 : "");
	else if (WIFSIGNALED(status))
		snprintf(reason, size, "died of signal %d%s%s", WTERMSIG(status),
			 *text ? " after: " : "", *text ? text + 1 : "");
	else if (WEXITSTATUS(status) == UT_EXIT_SKIP && *text == 'S')
		return snprintf(reason, size, "%s", text + 1), SKIPPED;
	else if (*text != '\0')
		snprintf(reason, size, "%s", text + 1);
	else if (WEXITSTATUS(status) != 0)
		snprintf(reason, size, "exit code %d", WEXITSTATUS(status));
	else
		return PASSED;
	return FAILED;
}

static enum verdict test_once(const struct ut_test *test, char *reason, size_t size)
{
	static unsigned int number;
	char dir[256], text[1024] = "", hung[200] = "";
	int status, report[2];
	bool strays;

	snprintf(dir, sizeof(dir), "%s/ut.%d.%u", base_dir, (int)getpid(), number++);
	tree_remove(dir);
	if (mkdir(dir, 0777) < 0 || chmod(dir, 0777) < 0 || pipe2(report, O_NONBLOCK) < 0) {
		snprintf(reason, size, "cannot prepare %s: %s", dir, strerror(errno));
		return FAILED;
	}
	fcntl(report[1], F_SETFL, 0);
	fflush(stdout);
	running = fork();
	if (running == 0) {
		close(report[0]);
		test_process(test, dir, report[1]);
	}
	close(report[1]);
	setpgid(running, running);
	status = running < 0 ? UT_EXIT_FAIL << 8 : test_wait(test, hung, sizeof(hung));
	strays = running > 0 && strays_remain(running, status != 0);
	if (read(report[0], text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(report[0]);
	tree_remove(dir);

	enum verdict verdict = judge(status, text, hung, reason, size);
	if (verdict == PASSED && strays)
		return snprintf(reason, size, "left processes behind"), FAILED;
	if (verdict == PASSED && access(dir, F_OK) == 0)
		return snprintf(reason, size, "left files that cannot be removed"), FAILED;
	return verdict;
}

/* Run again what seems to leak: memory that a first run takes for good is a cache. */
static enum verdict test_leaks(const struct ut_test *test, long before, char *reason, size_t size)
{
	struct leak leak;

	if (test->no_leak_check || !weigh_memory || before < 0)
		return PASSED;
	leak_start(&leak, before);
	if (!leak_suspected(&leak, memory_kib(), hunt_leaks))
		return PASSED;
	leak_begin(&leak, memory_settled_kib());
	while (leak_running(&leak)) {
		if (test_once(test, reason, size) != PASSED)
			return FAILED;
		leak_sample(&leak, memory_settled_kib());
	}
	if (!leak_found(&leak))
		return PASSED;
	snprintf(reason, size, "leaks memory: %ld KiB in each run", leak_per_run(&leak));
	return FAILED;
}

/* A debug kernel sums up all of its memory after each test: tests/kernel/audit.h there. */
static enum verdict test_audit(char *reason, size_t size)
{
	int fd = open("/proc/sys/debug/audit", O_WRONLY | O_CLOEXEC);
	ssize_t done;

	if (fd < 0)
		return PASSED;
	done = write(fd, "1", 1);
	if (done != 1)
		snprintf(reason, size, "the kernel's audit, see its messages: %s", strerror(errno));
	close(fd);
	return done == 1 ? PASSED : FAILED;
}

static bool test_fits(const struct ut_test *test, char *reason, size_t size)
{
	struct sysinfo info;

	if (test->root && geteuid() != 0) {
		snprintf(reason, size, "needs root");
		return false;
	}
	if (test->mem_mib == 0 || sysinfo(&info) < 0)
		return true;
	/* The firmware and the kernel image are missing from the total: allow for an eighth. */
	unsigned long mib = info.totalram * (unsigned long)info.mem_unit >> 20;
	if (mib + test->mem_mib / 8 >= test->mem_mib)
		return true;
	snprintf(reason, size, "needs %u MiB of memory", test->mem_mib);
	return false;
}

static enum verdict test_run(const struct ut_test *test)
{
	static const char *const words[] = { "ok", "FAIL", "skipped" };
	char reason[1400] = "";
	enum verdict verdict = SKIPPED;
	long before = memory_kib();
	uint64_t start = now_ns();

	printf("test %s ... ", test->name);
	fflush(stdout);
	if (test_fits(test, reason, sizeof(reason))) {
		verdict = test_once(test, reason, sizeof(reason));
		if (verdict == PASSED)
			verdict = test_leaks(test, before, reason, sizeof(reason));
		if (verdict == PASSED)
			verdict = test_audit(reason, sizeof(reason));
	}
	printf("%s%s%s", words[verdict], *reason && verdict != PASSED ? ": " : "",
	       verdict != PASSED ? reason : "");
	if (verbose)
		printf(" (%llu ms, %+ld KiB)", (unsigned long long)((now_ns() - start) / 1000000),
		       before < 0 ? 0 : memory_kib() - before);
	printf("\n");
	fflush(stdout);
	return verdict;
}

static bool test_wanted(const struct ut_test *test, char **names)
{
	if (*names == NULL)
		return true;
	for (; *names; names++)
		if (!strcmp(*names, test->name) || !strcmp(*names, test->group))
			return true;
	return false;
}

static int test_order(const void *a, const void *b)
{
	const struct ut_test *x = *(const struct ut_test *const *)a;
	const struct ut_test *y = *(const struct ut_test *const *)b;
	int order = strcmp(x->file, y->file);

	return order ? order : x->line - y->line;
}

/* The tests in the order of the source, ended by NULL: the linker's order is any. */
static void tests_sort(void)
{
	size_t count = (size_t)(__stop_ut_tests - __start_ut_tests);

	tests = calloc(count + 1, sizeof(*tests));
	if (tests == NULL)
		abort();
	memcpy(tests, __start_ut_tests, count * sizeof(*tests));
	qsort(tests, count, sizeof(*tests), test_order);
}

static int names_known(char **names)
{
	int bad = 0;

	for (; *names; names++) {
		char *one[2] = { *names, NULL };
		bool known = false;

		for (const struct ut_test **t = tests; *t; t++)
			known |= test_wanted(*t, one);
		if (!known) {
			fprintf(stderr, "usertests: no test or group \"%s\"\n", *names);
			bad++;
		}
	}
	return bad == 0;
}

/* Saves the terminal's foreground group and modes, or sets them again; it is not kept open. */
static void terminal_keep(bool restore)
{
	static struct termios modes;
	static pid_t foreground = -1;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	if (!restore) {
		foreground = tcgetattr(fd, &modes) == 0 ? tcgetpgrp(fd) : -1;
	} else if (foreground > 0) {
		tcsetpgrp(fd, foreground);
		tcsetattr(fd, TCSANOW, &modes);
	}
	close(fd);
}

static int run_all(char **names)
{
	unsigned int counts[3] = { 0 };

	on_signal(SIGALRM, watchdog, 0);
	/* A test that took the terminal may leave us in the background. */
	signal(SIGTTOU, SIG_IGN);
	terminal_keep(false);
	for (const struct ut_test **t = tests; *t; t++) {
		if (!test_wanted(*t, names))
			continue;
		counts[test_run(*t)]++;
		terminal_keep(true);
	}
	printf("%u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED],
	       counts[SKIPPED]);
	return counts[FAILED] != 0;
}

/* Arguments NAME=VALUE are for the tests, in the environment; the others close up. */
static void settings_take(char **args)
{
	char **to = args;

	for (; *args; args++) {
		if (strchr(*args, '='))
			putenv(*args);
		else
			*to++ = *args;
	}
	*to = NULL;
}

int main(int argc, char **argv)
{
	int option;

	if (argc >= 3 && strcmp(argv[1], "--helper") == 0)
		return helper_main(argc - 2, argv + 2);
	tests_sort();
	while ((option = getopt(argc, argv, "d:lLMv")) != -1) {
		switch (option) {
		case 'd':
			base_dir = optarg;
			break;
		case 'l':
			for (const struct ut_test **t = tests; *t; t++)
				if (test_wanted(*t, argv + optind))
					puts((*t)->name);
			return 0;
		case 'L':
			hunt_leaks = true;
			break;
		case 'M':
			weigh_memory = false;
			break;
		case 'v':
			verbose = true;
			break;
		default:
			fprintf(stderr, "usage: usertests [-lLMv] [-d DIR] "
				"[NAME|GROUP|SETTING=VALUE]...\n");
			return 2;
		}
	}
	settings_take(argv + optind);
	if (!names_known(argv + optind))
		return 2;
	return run_all(argv + optind);
}
