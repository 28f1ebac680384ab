#include "jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "joblist.h"
#include "mem.h"
#include "redirect.h"
#include "shell.h"
#include "terminal.h"
#include "trap.h"

bool jobs_monitor(bool on)
{
	if (on && !terminal_acquire()) {
		shell_error("no job control: standard input is not our terminal");
		return false;
	}
	if (on)
		shell.options |= OPTION_MONITOR;
	else
		shell.options &= ~OPTION_MONITOR;
	if (!on)
		terminal_release();
	trap_refresh();
	return true;
}

/* In a new child: its process group, the terminal, the signals. */
static void child_enter(struct job *job, enum job_mode mode)
{
	bool grouped = option_on(OPTION_MONITOR) && mode != JOB_INTERNAL;

	if (grouped) {
		pid_t group = job->group ? job->group : getpid();

		setpgid(0, group);
		/* Before SIGTTOU gets its default back: we are not in the foreground yet. */
		if (mode == JOB_FOREGROUND)
			terminal_give(group);
	}
	shell.interactive = false;
	shell.forked = true;
	shell.options &= ~(OPTION_MONITOR | OPTION_INTERACTIVE);
	shell.loops = 0;
	joblist_forget();
	trap_child();
	if (mode == JOB_BACKGROUND && !grouped) {
		int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			redirect_move(fd, STDIN_FILENO);
		trap_set(SIGINT, "");
		trap_set(SIGQUIT, "");
	}
}

pid_t job_fork(struct job *job, enum job_mode mode)
{
	sigset_t all, before;
	pid_t pid;

	fflush(stdout);
	/* A signal for the child must not be lost while it still ignores what the shell does. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		child_enter(job, mode);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		shell_error("cannot fork: %s", strerror(errno));
	if (pid <= 0)
		return pid;
	if (option_on(OPTION_MONITOR) && mode != JOB_INTERNAL) {
		if (!job->group)
			job->group = pid;
		/* The child does the same; whoever is first wins, the other may fail. */
		setpgid(pid, job->group);
	}
	if (job)
		job_add(job, pid);
	return pid;
}

/* Take in one change of a child; false if there was none or a signal came first. */
static bool child_reap(int flags)
{
	pid_t pid;
	int status;

	if (option_on(OPTION_MONITOR))
		flags |= WUNTRACED | WCONTINUED;
	pid = waitpid(-1, &status, flags);
	if (pid <= 0)
		return pid < 0 && errno == EINTR;
	joblist_update(pid, status);
	return true;
}

/* Tell a person that a foreground job died of a signal. */
static void death_report(const struct job *job)
{
	int status = job->count ? job->processes[job->count - 1].status : 0;
	int signal;

	if (shell.forked || !WIFSIGNALED(status))
		return;
	signal = WTERMSIG(status);
	fflush(stdout);
	if (signal == SIGINT && shell.interactive)
		fputc('\n', stderr);
	if (signal != SIGINT && signal != SIGPIPE)
		fprintf(stderr, "%s%s\n", strsignal(signal),
			WCOREDUMP(status) ? " (core dumped)" : "");
}

static bool died_of_interrupt(const struct job *job)
{
	int status = job->count ? job->processes[job->count - 1].status : 0;

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGINT;
}

int job_wait(struct job *job)
{
	bool owned_terminal = job->group != 0;
	int status;

	while (job_state(job) == JOB_RUNNING)
		if (!child_reap(0))
			job_lost(job);
	status = job_status(job);
	if (job_state(job) == JOB_STOPPED) {
		if (owned_terminal) {
			job->modes_saved = terminal_save(&job->modes);
			terminal_take(true);
		}
		job_number(job);
		job->notified = true;
		fprintf(stderr, "\n");
		job_print(stderr, job, false);
		return status;
	}
	death_report(job);
	if (owned_terminal)
		terminal_take(died_of_interrupt(job) || status > 128);
	/* ctrl-C at a foreground job ends what the person typed, not only that job. */
	if (shell.interactive && died_of_interrupt(job))
		shell_abort(130);
	job_free(job);
	return status;
}

void job_announce(struct job *job)
{
	if (!job->count) {
		job_free(job);
		return;
	}
	job_number(job);
	if (shell.interactive)
		fprintf(stderr, "[%d] %d\n", job->number, (int)job->processes[0].pid);
}

void jobs_refresh(void)
{
	while (child_reap(WNOHANG))
		;
}

void jobs_notify(void)
{
	struct job *job, *next;

	jobs_refresh();
	for (job = joblist_first(); job; job = next) {
		next = job->next;
		if (!job->number || job->notified || job_state(job) == JOB_RUNNING)
			continue;
		if (shell.interactive)
			job_print(stderr, job, false);
		job->notified = true;
		if (job_state(job) == JOB_DONE && shell.interactive)
			job_free(job);
	}
}

bool jobs_stopped(void)
{
	for (struct job *job = joblist_first(); job; job = job->next)
		if (job_state(job) == JOB_STOPPED)
			return true;
	return false;
}

pid_t job_group(const struct job *job)
{
	if (job->group)
		return -job->group;
	return job->count ? job->processes[job->count - 1].pid : 0;
}

int job_foreground(struct job *job)
{
	printf("%s\n", job->text);
	fflush(stdout);
	if (job->group) {
		terminal_give(job->group);
		if (job->modes_saved)
			terminal_load(&job->modes);
	}
	job_continue(job);
	kill(job_group(job), SIGCONT);
	return job_wait(job);
}

int job_background(struct job *job)
{
	job_continue(job);
	printf("[%d] %s &\n", job->number, job->text);
	return kill(job_group(job), SIGCONT) < 0;
}

/*
 * Sleep until a child changes or a signal with a trap comes. All signals are blocked
 * while we look, so that none can slip in between the look and the sleep.
 */
static int child_await(void)
{
	sigset_t all, before;
	int signal = 0;
	pid_t pid;
	int status;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	for (;;) {
		int flags = option_on(OPTION_MONITOR) ? WNOHANG | WUNTRACED | WCONTINUED : WNOHANG;

		pid = waitpid(-1, &status, flags);
		if (pid > 0)
			joblist_update(pid, status);
		if (pid != 0)
			break;
		signal = trap_pending();
		if (signal)
			break;
		sigsuspend(&before);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (signal)
		return 128 + signal;
	return pid > 0 ? 0 : -1;
}

int job_await(struct job *job)
{
	int status;

	while (job_state(job) == JOB_RUNNING) {
		int outcome = child_await();

		if (outcome > 0)
			return outcome;
		if (outcome < 0)
			job_lost(job);
	}
	status = job_status(job);
	if (job_state(job) == JOB_DONE)
		job_free(job);
	return status;
}

int jobs_await_all(void)
{
	struct job *job, *next;
	int outcome = 0;

	for (;;) {
		bool running = false;

		for (job = joblist_first(); job; job = job->next)
			running |= job_state(job) == JOB_RUNNING;
		if (!running)
			break;
		outcome = child_await();
		if (outcome != 0)
			break;
	}
	if (outcome > 0)
		return outcome;
	for (job = joblist_first(); job; job = next) {
		next = job->next;
		if (job_state(job) != JOB_STOPPED)
			job_free(job);
	}
	return 0;
}
