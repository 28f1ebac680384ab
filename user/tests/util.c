/* What tests share: children, gates, files with known contents. */
#include "ut.h"

#include <dirent.h>
#include <grp.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <time.h>

static void report(char kind, const char *where, const char *format, va_list args)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%c%s", kind, where);

	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	/* One write: reasons of several processes do not mix. */
	if (write(UT_REPORT_FD, text, strlen(text) + 1) < 0)
		dprintf(2, "usertests: %s\n", text);
}

void ut_fail(const char *file, int line, const char *format, ...)
{
	char where[96];
	const char *base = strrchr(file, '/');
	va_list args;

	snprintf(where, sizeof(where), "%s:%d: ", base ? base + 1 : file, line);
	va_start(args, format);
	report('F', where, format, args);
	va_end(args);
	_exit(UT_EXIT_FAIL);
}

void ut_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report('S', "", format, args);
	va_end(args);
	_exit(UT_EXIT_SKIP);
}

pid_t child(void)
{
	return (pid_t)CHECK_OK(fork());
}

pid_t child_pausing(void)
{
	pid_t pid = child();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

int status_of(pid_t pid)
{
	int status = 0;
	pid_t got;

	do {
		got = waitpid(pid, &status, 0);
	} while (got < 0 && errno == EINTR);
	if (got != pid)
		FAIL("waitpid(%d) is %d: %s", (int)pid, (int)got, strerrorname_np(errno));
	return status;
}

void expect_exit(pid_t pid, int code)
{
	int status = status_of(pid);

	if (!WIFEXITED(status) || WEXITSTATUS(status) != code)
		FAIL("child ended with status 0x%x, not with exit code %d", status, code);
}

void expect_signal(pid_t pid, int sig)
{
	int status = status_of(pid);

	if (!WIFSIGNALED(status) || WTERMSIG(status) != sig)
		FAIL("child ended with status 0x%x, not of signal %d", status, sig);
}

int run_child(void (*fn)(void))
{
	pid_t pid = child();

	if (pid == 0) {
		fn();
		_exit(0);
	}
	return status_of(pid);
}

bool have_proc(void)
{
	return access("/proc/self/stat", R_OK) == 0;
}

/* The state letter of a process, or 0 when it is gone. */
static char state_of(pid_t pid)
{
	char path[40], text[512];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The name in parentheses may hold anything: the last one ends it. */
	char *p = strrchr(text, ')');
	return p && p[1] == ' ' ? p[2] : 0;
}

void group_states(pid_t group, char *text, size_t size)
{
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	size_t at = (size_t)snprintf(text, size, " group %d:", (int)group);

	while (dir && (entry = readdir(dir)) != NULL) {
		pid_t pid = atoi(entry->d_name);
		char state = pid > 0 && getpgid(pid) == group ? state_of(pid) : 0;

		if (state && at < size)
			at += (size_t)snprintf(text + at, size - at, " %d is %c", (int)pid, state);
	}
	if (dir)
		closedir(dir);
}

void wait_state(pid_t pid, const char *states)
{
	if (!have_proc())
		SKIP("no /proc/self/stat");
	for (;;) {
		char state = state_of(pid);

		if (state == 0)
			FAIL("process %d is gone while waiting for state %s", (int)pid, states);
		if (strchr(states, state))
			return;
		usleep(500);
	}
}

void gate_make(struct gate *gate)
{
	CHECK_OK(pipe2(gate->fd, O_CLOEXEC));
}

void gate_open(struct gate *gate)
{
	CHECK_EQ(write(gate->fd[1], "g", 1), 1);
}

void gate_pass(struct gate *gate)
{
	char c;
	ssize_t n;

	do {
		n = read(gate->fd[0], &c, 1);
	} while (n < 0 && errno == EINTR);
	CHECK_EQ(n, 1);
}

void gate_close(struct gate *gate)
{
	close(gate->fd[0]);
	close(gate->fd[1]);
}

void file_make(const char *name, const void *data, size_t size)
{
	int fd = (int)CHECK_OK(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	write_full(fd, data, size);
	CHECK_OK(close(fd));
}

void file_owned(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	file_make(name, "x", 1);
	/* In this order: a new owner takes set-id bits away. */
	CHECK_OK(chown(name, uid, gid));
	CHECK_OK(chmod(name, mode));
}

mode_t mode_of(const char *name)
{
	struct stat st;

	CHECK_OK(lstat(name, &st));
	return st.st_mode & 07777;
}

bool on_tmpfs(void)
{
	struct statfs st;

	CHECK_OK(statfs(".", &st));
	return st.f_type == TMPFS_MAGIC;
}

size_t file_text(const char *name, char *buf, size_t size)
{
	int fd = (int)CHECK_OK(open(name, O_RDONLY));
	size_t n = read_full(fd, buf, size - 1);

	buf[n] = '\0';
	CHECK_OK(close(fd));
	return n;
}

void signal_block(int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
}

siginfo_t signal_await(int sig)
{
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	CHECK_EQ(sigwaitinfo(&set, &info), sig);
	return info;
}

bool signal_pending(int sig)
{
	sigset_t set;

	CHECK_OK(sigpending(&set));
	return sigismember(&set, sig);
}

void one_processor(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	CHECK_OK(sched_setaffinity(0, sizeof(set), &set));
}

void file_open_close(const char *name, int flags)
{
	CHECK_OK(close((int)CHECK_OK(open(name, flags, 0600))));
}

long setting_get(const char *path)
{
	char text[64];

	CHECK(file_text(path, text, sizeof(text)) > 0);
	return strtol(text, NULL, 10);
}

int setting_put(const char *path, const char *text)
{
	int fd = (int)CHECK_OK(open(path, O_WRONLY));
	int err = write(fd, text, strlen(text)) < 0 ? errno : 0;

	CHECK_OK(close(fd));
	return err;
}

int setting_put_number(const char *path, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld\n", value);
	return setting_put(path, text);
}

void setting_with(const char *path, long value, void (*fn)(void))
{
	long was = setting_get(path);
	int status;

	CHECK_EQ(setting_put_number(path, value), 0);
	status = run_child(fn);
	CHECK_EQ(setting_put_number(path, was), 0);
	CHECK_EQ(status, 0);
}

unsigned char pattern_byte(unsigned int seed, uint64_t offset)
{
	uint64_t x = (offset >> 3) * 0x9e3779b97f4a7c15u + seed * 0x2545f491u;

	x ^= x >> 29;
	return (unsigned char)(x >> ((offset & 7) * 8));
}

void pattern_fill(void *buf, size_t size, unsigned int seed, uint64_t offset)
{
	unsigned char *p = buf;

	for (size_t i = 0; i < size; i++)
		p[i] = pattern_byte(seed, offset + i);
}

void pattern_check(const void *buf, size_t size, unsigned int seed, uint64_t offset)
{
	const unsigned char *p = buf;

	for (size_t i = 0; i < size; i++)
		if (p[i] != pattern_byte(seed, offset + i))
			FAIL("byte %llu is 0x%02x, not 0x%02x", (unsigned long long)(offset + i),
			     p[i], pattern_byte(seed, offset + i));
}

void file_pattern(const char *name, size_t size, unsigned int seed)
{
	static unsigned char buf[16384];
	int fd = (int)CHECK_OK(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644));

	for (size_t at = 0; at < size;) {
		size_t n = size - at < sizeof(buf) ? size - at : sizeof(buf);

		pattern_fill(buf, n, seed, at);
		write_full(fd, buf, n);
		at += n;
	}
	CHECK_OK(close(fd));
}

void file_pattern_check(const char *name, size_t size, unsigned int seed)
{
	static unsigned char buf[16384];
	int fd = (int)CHECK_OK(open(name, O_RDONLY));
	size_t at = 0, n;

	while ((n = read_full(fd, buf, sizeof(buf))) > 0) {
		pattern_check(buf, n, seed, at);
		at += n;
	}
	CHECK_EQ(at, size);
	CHECK_OK(close(fd));
}

size_t read_full(int fd, void *buf, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = read(fd, (char *)buf + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (CHECK_OK(n) == 0)
			break;
		at += (size_t)n;
	}
	return at;
}

void write_full(int fd, const void *buf, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = write(fd, (const char *)buf + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		CHECK_GE(n, 1);
		at += (size_t)n;
	}
}

static char self[PATH_MAX];

/* Must run before the first chdir: AT_EXECFN may be relative. */
__attribute__((constructor)) static void self_path_find(void)
{
	const char *name = (const char *)getauxval(AT_EXECFN);

	if (name == NULL || realpath(name, self) == NULL)
		self[0] = '\0';
}

const char *self_path(void)
{
	CHECK(self[0] == '/');
	return self;
}

void exec_helper(const char *name, const char *arg)
{
	execl(self_path(), "usertests", "--helper", name, arg, (char *)NULL);
}

void self_copy(const char *name, mode_t mode)
{
	static char buf[65536];
	int in = (int)CHECK_OK(open(self_path(), O_RDONLY));
	int out = (int)CHECK_OK(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755));
	size_t n;

	while ((n = read_full(in, buf, sizeof(buf))) > 0)
		write_full(out, buf, n);
	CHECK_OK(close(in));
	CHECK_OK(close(out));
	CHECK_OK(chmod(name, mode));
}

void become_user(void)
{
	CHECK_OK(setgroups(0, NULL));
	CHECK_OK(setresgid(1000, 1000, 1000));
	CHECK_OK(setresuid(1000, 1000, 1000));
}

void on_signal(int sig, void (*handler)(int), int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags };

	CHECK_OK(sigaction(sig, &sa, NULL));
}

uint64_t now_ns(void)
{
	struct timespec ts;

	CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &ts));
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			count++;
	return count;
}

void expect_carried(int fd[2], size_t size)
{
	char *buf = malloc(size);
	pid_t pid;

	CHECK(buf != NULL);
	pattern_fill(buf, size, 3, 0);
	pid = child();
	if (pid == 0) {
		CHECK_OK(close(fd[1]));
		CHECK_EQ(write(fd[0], buf, size), size);
		_exit(0);
	}
	CHECK_OK(close(fd[0]));
	memset(buf, 0, size);
	CHECK_EQ(recv(fd[1], buf, size, MSG_WAITALL), size);
	pattern_check(buf, size, 3, 0);
	CHECK_EQ(read(fd[1], buf, 1), 0);
	expect_exit(pid, 0);
	free(buf);
}

int cached_pages(int fd, size_t pages)
{
	unsigned char in[1024];
	int n = 0;
	char *p = mmap(NULL, pages * 4096, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED && pages <= sizeof(in));
	CHECK_OK(mincore(p, pages * 4096, in));
	for (size_t i = 0; i < pages; i++)
		n += in[i] & 1;
	CHECK_OK(munmap(p, pages * 4096));
	return n;
}
