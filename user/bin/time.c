/* time, timeout, nohup: run a command, and measure, limit or detach it. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "user/lib/tool.h"

_Noreturn static void command_exec(char **argv)
{
	int status;

	execvp(argv[0], argv);
	status = errno == ENOENT ? 127 : 126;
	warn("failed to run command '%s'", argv[0]);
	_exit(status);
}

static int exit_status(int word)
{
	return WIFSIGNALED(word) ? 128 + WTERMSIG(word) : WEXITSTATUS(word);
}

static void time_print(const char *name, double seconds, bool posix)
{
	if (posix)
		fprintf(stderr, "%s %.2f\n", name, seconds);
	else
		fprintf(stderr, "%s\t%ldm%.3fs\n", name, (long)seconds / 60,
			seconds - (double)((long)seconds / 60 * 60));
}

static double timeval_seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int time_main(int argc, char **argv)
{
	struct timespec start, end;
	struct rusage use;
	bool posix = false;
	int c, word;
	pid_t pid;

	while ((c = getopt(argc, argv, "+p")) != -1) {
		if (c != 'p')
			usage(1);
		posix = true;
	}
	if (!argv[optind])
		usage(1);
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0)
		command_exec(argv + optind);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	if (wait4(pid, &word, 0, &use) < 0)
		err(1, "wait4");
	clock_gettime(CLOCK_MONOTONIC, &end);
	if (!posix)
		fputc('\n', stderr);
	time_print("real", (double)(end.tv_sec - start.tv_sec) +
		   (double)(end.tv_nsec - start.tv_nsec) / 1e9, posix);
	time_print("user", timeval_seconds(use.ru_utime), posix);
	time_print("sys", timeval_seconds(use.ru_stime), posix);
	return exit_status(word);
}

/* Waits until the command or its time ends; true if the command did. */
static bool wait_until(pid_t pid, double seconds, const sigset_t *child, int *word)
{
	struct timespec now, end, left;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &end);
	if (seconds > 1e9)
		seconds = 1e9;
	end.tv_sec += (time_t)seconds;
	end.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
	for (;;) {
		r = waitpid(pid, word, WNOHANG);
		if (r < 0)
			err(125, "waitpid");
		if (r == pid)
			return true;
		clock_gettime(CLOCK_MONOTONIC, &now);
		left.tv_sec = end.tv_sec - now.tv_sec;
		left.tv_nsec = end.tv_nsec - now.tv_nsec;
		while (left.tv_nsec < 0) {
			left.tv_sec--;
			left.tv_nsec += 1000000000;
		}
		while (left.tv_nsec >= 1000000000) {
			left.tv_sec++;
			left.tv_nsec -= 1000000000;
		}
		if (left.tv_sec < 0)
			return false;
		sigtimedwait(child, NULL, &left);
	}
}

static int signal_option(const char *text)
{
	int number = signal_number(text);

	if (number < 0)
		errx(125, "%s: invalid signal", text);
	return number;
}

static int timeout_main(int argc, char **argv)
{
	double limit, grace = -1;
	int c, word = 0, number = SIGTERM;
	bool keep_status = false;
	sigset_t child;
	pid_t pid;

	while ((c = getopt(argc, argv, "+s:k:p")) != -1) {
		if (c == 's')
			number = signal_option(optarg);
		else if (c == 'k')
			grace = duration_parse(optarg);
		else if (c == 'p')
			keep_status = true;
		else
			usage(125);
	}
	argv += optind;
	if (!argv[0] || !argv[1])
		usage(125);
	limit = duration_parse(argv[0]);
	/* Blocked, so that an end between the look and the wait is not missed. */
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	pid = fork();
	if (pid < 0)
		err(125, "fork");
	if (pid == 0) {
		sigprocmask(SIG_UNBLOCK, &child, NULL);
		command_exec(argv + 1);
	}
	if (wait_until(pid, limit > 0 ? limit : 1e9, &child, &word))
		return exit_status(word);
	kill(pid, number);
	kill(pid, SIGCONT);
	if (grace >= 0 && !wait_until(pid, grace, &child, &word)) {
		kill(pid, SIGKILL);
		number = SIGKILL;
		grace = -1;
	}
	if (grace < 0 && waitpid(pid, &word, 0) < 0)
		err(125, "waitpid");
	if (number == SIGKILL)
		return 128 + SIGKILL;
	return keep_status ? exit_status(word) : 124;
}

static int nohup_main(int argc, char **argv)
{
	const char *path = "nohup.out";
	int fd;

	if (argc < 2)
		usage(125);
	if (isatty(0) && (fd = open("/dev/null", O_WRONLY)) >= 0) {
		dup2(fd, 0);	/* reading fails rather than waits */
		close(fd);
	}
	if (isatty(1)) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (fd < 0)
			err(125, "%s", path);
		warnx("appending output to '%s'", path);
		dup2(fd, 1);
		close(fd);
	}
	if (isatty(2))
		dup2(1, 2);
	signal(SIGHUP, SIG_IGN);
	command_exec(argv + 1);
}

TOOL("time", time_main, "[-p] COMMAND [ARG]...");
TOOL("timeout", timeout_main, "[-p] [-k DURATION] [-s SIGNAL] DURATION COMMAND [ARG]...");
TOOL("nohup", nohup_main, "COMMAND [ARG]...");
