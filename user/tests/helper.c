/* What usertests does when a test executes it again: "usertests --helper NAME ARG...". */
#include "acl.h"

#include <linux/capability.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>

extern char **environ;

/* Exit with the code that the argument names. */
static int helper_exit(int argc, char **argv)
{
	return argc > 1 ? atoi(argv[1]) : 0;
}

/* Print every argument in brackets. */
static int helper_args(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("[%s]", argv[i]);
	printf("\n");
	return 0;
}

/* Print the number and the total length of the arguments after the name. */
static int helper_count(int argc, char **argv)
{
	size_t bytes = 0;

	for (int i = 1; i < argc; i++)
		bytes += strlen(argv[i]);
	printf("%d %zu\n", argc - 1, bytes);
	return 0;
}

/* Does the file hold the strings, each with its NUL, and end behind them? */
static bool holds(const char *file, char **strings)
{
	int fd = (int)CHECK_OK(open(file, O_RDONLY));
	static char buf[1 << 17];
	off_t at = 0;
	char c;

	for (; *strings; strings++) {
		size_t n = strlen(*strings) + 1;

		/* In two pieces, so that reads begin and end anywhere. */
		CHECK_EQ(pread(fd, buf, n / 2, at), n / 2);
		CHECK_EQ(pread(fd, buf + n / 2, n - n / 2, at + (off_t)(n / 2)), n - n / 2);
		if (memcmp(buf, *strings, n))
			return false;
		at += (off_t)n;
	}
	return pread(fd, &c, 1, at) == 0 && pread(fd, &c, 1, at + 100000) == 0 &&
	       close(fd) == 0;
}

/* Exit with 0 if /proc shows all arguments and the environment. */
static int helper_proc_args(int argc, char **argv)
{
	(void)argc;
	return !holds("/proc/self/cmdline", argv - 2) || !holds("/proc/self/environ", environ);
}

static int helper_env(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (char **p = environ; *p; p++)
		printf("{%s}", *p);
	printf("\n");
	return 0;
}

/* Exit with 1 when an allocation has failed, says the file of nomem.c in the argument, else 0. */
static int helper_disarm(int argc, char **argv)
{
	char text[32] = "";
	unsigned int failed;

	if (argc < 2 || pread(atoi(argv[1]), text, sizeof(text) - 1, 0) < 0 ||
	    sscanf(text, "%*u %u", &failed) != 1)
		return 2;
	return (int)failed;
}

/* Exit with 0 when the descriptor in the argument is open. */
static int helper_isopen(int argc, char **argv)
{
	return argc > 1 && fcntl(atoi(argv[1]), F_GETFD) >= 0 ? 0 : 1;
}

/* Print the dispositions of USR1, USR2 and HUP, and what is blocked and pending. */
static int helper_signals(int argc, char **argv)
{
	static const int list[] = { SIGUSR1, SIGUSR2, SIGHUP };
	struct sigaction sa;
	sigset_t blocked, pending;

	(void)argc;
	(void)argv;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	sigpending(&pending);
	for (int i = 0; i < 3; i++) {
		sigaction(list[i], NULL, &sa);
		printf("%s%s%s ", sa.sa_handler == SIG_IGN ? "ign" :
		       sa.sa_handler == SIG_DFL ? "dfl" : "???",
		       sigismember(&blocked, list[i]) ? "+blocked" : "",
		       sigismember(&pending, list[i]) ? "+pending" : "");
	}
	printf("\n");
	return 0;
}

/* Print "PID PPID PGID EUID CWD". */
static int helper_ids(int argc, char **argv)
{
	char cwd[PATH_MAX] = "";

	(void)argc;
	(void)argv;
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return 1;
	printf("%d %d %d %d %s\n", (int)getpid(), (int)getppid(), (int)getpgrp(),
	       (int)geteuid(), cwd);
	return 0;
}

/* Print the personality and the soft limit of the stack, and whether core dumps are allowed. */
static int helper_inherited(int argc, char **argv)
{
	struct rlimit stack;
	int death;

	(void)argc;
	(void)argv;
	if (getrlimit(RLIMIT_STACK, &stack) || prctl(PR_GET_PDEATHSIG, &death))
		return 1;
	printf("%x %llx %d %d\n", personality(0xffffffff), (unsigned long long)stack.rlim_cur,
	       prctl(PR_GET_DUMPABLE), death);
	return 0;
}

/* Exit with 0 if the descriptors, of files in /proc, show and change nothing of this program. */
static int helper_foreign(int argc, char **argv)
{
	static volatile char byte = 'a';
	char c = 'b';

	for (int i = 1; i < argc; i++) {
		int fd = atoi(argv[i]);

		if (read(fd, &c, 1) || pread(fd, &c, 1, (off_t)&byte) > 0)
			return 1;
		if (pwrite(fd, &c, 1, (off_t)&byte) > 0 || byte != 'a')
			return 2;
	}
	return argc < 2;
}

/* Wait for a signal for ever. */
/* A function that lies on the stack: 7 if it runs. */
static int helper_run_on_stack(int argc, char **argv)
{
	volatile uint32_t code[2] = { 0x00700513, 0x00008067 }; /* li a0, 7; ret */

	(void)argc;
	(void)argv;
	__builtin___clear_cache((char *)code, (char *)(code + 2));
	return ((int (*)(void))(uintptr_t)code)();
}

static int helper_pause(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (;;)
		pause();
	return 0;
}

static void sync_print(int fd)
{
	printf("%s ", fsync(fd) ? strerrorname_np(errno) : "ok");
}

/*
 * What fsync says, twice for each of two descriptors, once a write could not reach the disk; then
 * of two opened after an error that nobody was told of, the second when the first has been.
 */
static int helper_errors(int argc, char **argv)
{
	char data[4096] = "lost";
	int fd[2];

	for (int i = 0; i < 2; i++) {
		fd[i] = argc > 1 ? open(argv[1], O_RDWR) : -1;
		if (fd[i] < 0)
			return 1;
	}
	if (pwrite(fd[0], data, sizeof(data), 0) != sizeof(data))
		return 1;
	for (int i = 0; i < 4; i++)
		sync_print(fd[i / 2]);
	if (pwrite(fd[0], data, sizeof(data), 0) != sizeof(data))
		return 1;
	sync();
	for (int i = 0; i < 2; i++) {
		close(fd[i]);
		fd[i] = open(argv[1], O_RDONLY);
		if (fd[i] < 0)
			return 1;
		sync_print(fd[i]);
		sync_print(fd[i]);
	}
	printf("\n");
	return 0;
}

/* Exit with 1 if large pages are disabled for the process. */
static int helper_thp_disabled(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0);
}

/* Exit with what timer_gettime(2) of a timer of that number says: an errno, or 0. */
static int helper_timer(int argc, char **argv)
{
	struct itimerspec now;

	if (argc < 2)
		return 1;
	return syscall(SYS_timer_gettime, atoi(argv[1]), &now) ? errno : 0;
}

/* Exit with 0 when "PERMITTED EFFECTIVE SECURE" of the process are what the argument says. */
static int helper_caps(int argc, char **argv)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];
	char have[64];

	if (syscall(SYS_capget, &h, d))
		return 1;
	snprintf(have, sizeof(have), "%llx %llx %lu",
		 d[0].permitted | (unsigned long long)d[1].permitted << 32,
		 d[0].effective | (unsigned long long)d[1].effective << 32, getauxval(AT_SECURE));
	if (argc > 1 && !strcmp(argv[1], have))
		return 0;
	printf("%s\n", have);
	return 1;
}

/* xattr PATH NAME [VALUE]: show an extended attribute, or set it. */
static int helper_xattr(int argc, char **argv)
{
	char buf[4096];
	ssize_t n;

	if (argc == 4)
		return setxattr(argv[1], argv[2], argv[3], strlen(argv[3]), 0) ? errno : 0;
	n = argc == 3 ? getxattr(argv[1], argv[2], buf, sizeof(buf)) : -1;
	if (n < 0)
		return 1;
	printf("%.*s\n", (int)n, buf);
	return 0;
}

/* acl PATH NAME [LIST]: show an access list, or set it (acl.h). */
static int helper_acl(int argc, char **argv)
{
	char value[ACL_BYTES], text[2 * ACL_BYTES];
	ssize_t n;

	if (argc == 4)
		return acl_set(argv[1], argv[2], argv[3]) ? errno : 0;
	n = argc == 3 ? getxattr(argv[1], argv[2], value, sizeof(value)) : -1;
	if (n < 0)
		return 1;
	acl_text(text, sizeof(text), value, (size_t)n);
	printf("%s\n", text);
	return 0;
}

/* Exit with 42 when nothing is registered for barriers. */
static int helper_membarrier(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return syscall(SYS_membarrier, 8, 0, 0) == -1 && errno == EPERM ? 42 : 1;
}

/* Print the extents of a file: first byte, place, length, flags. */
static int helper_fiemap(int argc, char **argv)
{
	struct { struct fiemap head; struct fiemap_extent e; } m = {.head.fm_length = UINT64_MAX};
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;

	m.head.fm_extent_count = 1;
	do {
		if (ioctl(fd, FS_IOC_FIEMAP, &m))
			return 1;
		if (!m.head.fm_mapped_extents)
			break;
		printf("%llu %llu %llu %#x\n", m.e.fe_logical, m.e.fe_physical, m.e.fe_length,
		       m.e.fe_flags);
		m.head.fm_start = m.e.fe_logical + m.e.fe_length;
	} while (!(m.e.fe_flags & FIEMAP_EXTENT_LAST));
	return 0;
}

int helper_main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} helpers[] = {
		{ "exit", helper_exit }, { "args", helper_args }, { "count", helper_count },
		{ "proc_args", helper_proc_args },
		{ "env", helper_env }, { "isopen", helper_isopen }, { "signals", helper_signals },
		{ "inherited", helper_inherited }, { "foreign", helper_foreign },
		{ "ids", helper_ids }, { "pause", helper_pause }, { "disarm", helper_disarm },
		{ "run-on-stack", helper_run_on_stack },
		{ "errors", helper_errors }, { "thp-disabled", helper_thp_disabled },
		{ "timer", helper_timer }, { "caps", helper_caps }, { "xattr", helper_xattr },
		{ "acl", helper_acl },
		{ "membarrier", helper_membarrier }, { "fiemap", helper_fiemap },
	};

	for (size_t i = 0; i < sizeof(helpers) / sizeof(helpers[0]); i++)
		if (strcmp(argv[0], helpers[i].name) == 0)
			return helpers[i].run(argc, argv);
	/* As the interpreter of a script ("#!usertests --helper") the name is the script's. */
	if (strchr(argv[0], '/') || strchr(argv[0], '.'))
		return helper_args(argc, argv);
	return 127;
}
