/*
 * The frame of usertests: how a test is declared, and the checks it makes.
 *
 *	TEST(pipe, wrap, .mem_mib = 32, .root = true)
 *	{
 *		...
 *		CHECK_EQ(read(fd, buf, 10), 10);
 *	}
 *
 * declares the test "pipe_wrap" of the group "pipe"; nothing else needs to know it.
 * The body runs in a process of its own, in a process group of its own and in an
 * empty directory that is removed afterwards.  The first check that fails, in the
 * test or in any process that it forks, is the reason that is reported; it ends
 * the process it stands in.  A test returns to pass.
 */
#ifndef USER_TESTS_UT_H
#define USER_TESTS_UT_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a test is and needs; everything after run is optional. */
struct ut_test {
	const char *group;	/* what stands before the first '_' of the name */
	const char *name;	/* GROUP_NAME */
	const char *file;
	int line;
	void (*run)(void);
	unsigned int mem_mib;	/* skipped on a machine with less memory, in MiB */
	unsigned int seconds;	/* watchdog, where UT_SECONDS are too few */
	bool root;		/* skipped unless the effective uid is 0 */
	bool no_leak_check;	/* changes what the system caches for good */
};

/*
 * A test that lives longer is killed and has failed.  Long enough for eight emulated harts on
 * a busy host that has two: the slowest test takes 12 seconds there.
 */
#define UT_SECONDS	180
#define UT_REPORT_FD	200	/* open in every process of a test: reasons go there */
#define UT_EXIT_FAIL	99	/* status of a process whose check failed */
#define UT_EXIT_SKIP	98	/* status of a test that called SKIP */

#define TEST(g, n, ...)								\
	static void ut_##g##_##n(void);						\
	static const struct ut_test ut_desc_##g##_##n = {			\
		.group = #g, .name = #g "_" #n, .file = __FILE__, .line = __LINE__, \
		.run = ut_##g##_##n, __VA_ARGS__				\
	};									\
	static const struct ut_test *const ut_ptr_##g##_##n			\
		__attribute__((section("ut_tests"), used)) = &ut_desc_##g##_##n; \
	static void ut_##g##_##n(void)

/* Report the reason and end the process: the test has failed. */
void ut_fail(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));
/* The test cannot run here: report why and end.  Only in the test's first process. */
void ut_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

#define SKIP(...)	ut_skip(__VA_ARGS__)
#define FAIL(...)	ut_fail(__FILE__, __LINE__, __VA_ARGS__)

#define CHECK(cond) do {							\
	if (!(cond))								\
		ut_fail(__FILE__, __LINE__, "%s is false", #cond);		\
} while (0)

/* a == b as signed 64-bit numbers; both values are shown. */
#define CHECK_EQ(a, b) do {							\
	long long a_ = (long long)(a), b_ = (long long)(b);			\
	if (a_ != b_)								\
		ut_fail(__FILE__, __LINE__, "%s is %lld, not %s (%lld)", #a, a_, #b, b_); \
} while (0)

#define CHECK_GE(a, b) do {							\
	long long a_ = (long long)(a), b_ = (long long)(b);			\
	if (a_ < b_)								\
		ut_fail(__FILE__, __LINE__, "%s is %lld, less than %s (%lld)", #a, a_, #b, b_); \
} while (0)

#define CHECK_STR(a, b) do {							\
	const char *a_ = (a), *b_ = (b);					\
	if (strcmp(a_, b_) != 0)						\
		ut_fail(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #a, a_, b_); \
} while (0)

/* The call succeeds (is not negative); the value is the call's. */
#define CHECK_OK(call) __extension__({						\
	long r_ = (long)(call);							\
	if (r_ < 0)								\
		ut_fail(__FILE__, __LINE__, "%s is %ld: %s", #call, r_, strerrorname_np(errno)); \
	r_;									\
})

/* The call fails with -1 and this errno. */
#define CHECK_ERR(call, want) do {						\
	errno = 0;								\
	long r_ = (long)(call);							\
	if (r_ != -1)								\
		ut_fail(__FILE__, __LINE__, "%s is %ld, not %s", #call, r_, #want); \
	if (errno != (want))							\
		ut_fail(__FILE__, __LINE__, "%s: %s, not %s", #call,		\
			strerrorname_np(errno), #want);				\
} while (0)

/* util.c: what tests share.  All of them fail the test when something goes wrong. */

/* fork(); a check on its result included. */
pid_t child(void);
/* A child that does nothing but wait for signals. */
pid_t child_pausing(void);
/* Wait for exactly this child; its wait status. */
int status_of(pid_t pid);
/* Wait for this child, which must exit with this code. */
void expect_exit(pid_t pid, int code);
/* Wait for this child, which must die of this signal. */
void expect_signal(pid_t pid, int sig);
/* Run fn in a child; its wait status. */
int run_child(void (*fn)(void));
/* Return when /proc says that the process is in one of these states ("S", "TZ" ...). */
void wait_state(pid_t pid, const char *states);
/* The processes of a group and the letters of their states, as text. */
void group_states(pid_t group, char *text, size_t size);
/* Whether /proc/PID/stat exists on this system. */
bool have_proc(void);

/* A gate lets one process wait for another: every pass consumes one opening. */
struct gate {
	int fd[2];
};
void gate_make(struct gate *gate);
void gate_open(struct gate *gate);
void gate_pass(struct gate *gate);
void gate_close(struct gate *gate);

/* Create or replace a file with these bytes. */
void file_make(const char *name, const void *data, size_t size);
/* The same with one byte, for root: whose it is, and all bits of its mode. */
void file_owned(const char *name, uid_t uid, gid_t gid, mode_t mode);
/* All bits of the mode of what has this name, a link too, but for its kind. */
mode_t mode_of(const char *name);
/* Is the test's folder in memory? */
bool on_tmpfs(void);
/* Read at most size - 1 bytes and end them with NUL; the number of bytes. */
size_t file_text(const char *name, char *buf, size_t size);
/* Block it; wait for it, blocked; is it pending? */
void signal_block(int sig);
siginfo_t signal_await(int sig);
bool signal_pending(int sig);
/* Only one processor for this process and its children. */
void one_processor(void);
/* It can be opened so; mode 0600 if that makes it. */
void file_open_close(const char *name, int flags);
/* A switch of the kernel's, by its file: its number; 0 or errno of a write. */
long setting_get(const char *path);
int setting_put(const char *path, const char *text);
int setting_put_number(const char *path, long value);
/* Run fn in a child with the switch so; it is as it was then. */
void setting_with(const char *path, long value, void (*fn)(void));
/* A file of size bytes whose byte at offset i is pattern_byte(seed, i). */
void file_pattern(const char *name, size_t size, unsigned int seed);
unsigned char pattern_byte(unsigned int seed, uint64_t offset);
void pattern_fill(void *buf, size_t size, unsigned int seed, uint64_t offset);
void pattern_check(const void *buf, size_t size, unsigned int seed, uint64_t offset);
/* The whole file has this size and pattern. */
void file_pattern_check(const char *name, size_t size, unsigned int seed);
/* Read until size bytes or end of file; the number of bytes. */
size_t read_full(int fd, void *buf, size_t size);
/* A child writes size bytes to fd[0] in one call, we read all of them from fd[1], and the end. */
void expect_carried(int fd[2], size_t size);
/* How many of the first so many pages of the file are in memory; at most 1024. */
int cached_pages(int fd, size_t pages);
void write_full(int fd, const void *buf, size_t size);

/* The absolute path of this program, to run as a helper with exec. */
const char *self_path(void);
/* A copy of this program. */
void self_copy(const char *name, mode_t mode);
/* execve(self_path(), {"usertests", "--helper", name, arg...}); returns only on failure. */
void exec_helper(const char *name, const char *arg);
/* Become uid and gid 1000 without other groups, for good. */
void become_user(void);
/* Install a handler with these flags. */
void on_signal(int sig, void (*handler)(int), int flags);
/* Monotonic time in nanoseconds. */
uint64_t now_ns(void);
/* Number of descriptors that are open in this process. */
int open_descriptors(void);

/* helper.c: what the program does as "usertests --helper NAME ARG..."; the exit status. */
int helper_main(int argc, char **argv);

#endif
