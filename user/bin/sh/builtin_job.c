/* Builtins about processes: jobs, fg, bg, wait, kill. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "builtin.h"
#include "jobs.h"
#include "shell.h"
#include "trap.h"

int builtin_jobs(int argc, char **argv)
{
	bool ids = false, groups = false;
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (strcmp(argv[i], "-l") == 0)
			ids = true;
		else if (strcmp(argv[i], "-p") == 0)
			groups = true;
		else {
			shell_error("jobs: illegal option %s", argv[i]);
			return 2;
		}
	}
	jobs_refresh();
	if (i == argc)
		jobs_print(NULL, ids, groups);
	for (; i < argc; i++) {
		struct job *job = job_find(argv[i]);

		if (!job)
			return 1;
		jobs_print(job, ids, groups);
	}
	return 0;
}

int builtin_fg(int argc, char **argv)
{
	struct job *job;

	if (!option_on(OPTION_MONITOR)) {
		shell_error("fg: no job control");
		return 2;
	}
	jobs_refresh();
	job = job_find(argc > 1 ? argv[1] : NULL);
	return job ? job_foreground(job) : 1;
}

int builtin_bg(int argc, char **argv)
{
	int status = 0;

	if (!option_on(OPTION_MONITOR)) {
		shell_error("bg: no job control");
		return 2;
	}
	jobs_refresh();
	for (int i = 1; i == 1 || i < argc; i++) {
		struct job *job = job_find(i < argc ? argv[i] : NULL);

		if (!job || job_background(job))
			status = 1;
	}
	return status;
}

int builtin_wait(int argc, char **argv)
{
	int status = 0;

	if (argc == 1)
		return jobs_await_all();
	for (int i = 1; i < argc; i++) {
		struct job *job;

		if (argv[i][0] != '%' && builtin_number("wait", argv[i], INT_MAX) < 0)
			return 2;
		job = job_find(argv[i]);
		status = job ? job_await(job) : 127;
	}
	return status;
}

static int signals_list(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		int signal = trap_signal_number(argv[i]);

		/* A status above 128 names the signal that a process died of. */
		if (signal < 0 && atoi(argv[i]) > 128 && atoi(argv[i]) < 128 + NSIG)
			signal = atoi(argv[i]) - 128;
		if (signal <= 0) {
			shell_error("kill: %s: bad signal", argv[i]);
			return 2;
		}
		if (strspn(argv[i], "0123456789") == strlen(argv[i]))
			printf("%s\n", trap_signal_name(signal));
		else
			printf("%d\n", signal);
	}
	for (int i = 1; argc == 2 && i < 32; i++)
		printf("%s%c", trap_signal_name(i), i % 8 && i < 31 ? ' ' : '\n');
	return 0;
}

static int target_signal(const char *target, int signal)
{
	pid_t pid;

	if (*target == '%') {
		struct job *job = job_find(target);

		if (!job)
			return 1;
		pid = job_group(job);
	} else {
		char *end;

		pid = strtol(target, &end, 10);
		if (end == target || *end) {
			shell_error("kill: %s: bad process id", target);
			return 2;
		}
	}
	if (kill(pid, signal) < 0) {
		shell_error("kill: %s: %s", target, strerror(errno));
		return 1;
	}
	/* A stopped job would not notice until it is continued. */
	if (*target == '%' && (signal == SIGTERM || signal == SIGHUP))
		kill(pid, SIGCONT);
	return 0;
}

int builtin_kill(int argc, char **argv)
{
	int signal = SIGTERM;
	int i = 1;
	int status = 0;

	if (argc > 1 && strcmp(argv[1], "-l") == 0)
		return signals_list(argc, argv);
	if (argc > 2 && strcmp(argv[1], "-s") == 0) {
		signal = trap_signal_number(argv[2]);
		i = 3;
	} else if (argc > 1 && argv[1][0] == '-' && strcmp(argv[1], "--") != 0) {
		signal = trap_signal_number(argv[1] + 1);
		i = 2;
	}
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	if (signal < 0 || i >= argc) {
		shell_error(signal < 0 ? "kill: bad signal"
				       : "kill: usage: kill [-signal] process...");
		return 2;
	}
	for (; i < argc; i++)
		if (target_signal(argv[i], signal))
			status = 1;
	return status;
}
