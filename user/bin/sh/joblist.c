#include "joblist.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "jobs.h"
#include "mem.h"
#include "shell.h"

enum { FINISHED_MAX = 256 };	/* jobs of a script that ended and were never waited for */

static struct job *jobs;
static struct job *jobs_of_parent;	/* at the fork of a child that has none of its own yet */

struct job *joblist_first(void)
{
	return jobs;
}

void joblist_forget(void)
{
	if (jobs)
		jobs_of_parent = jobs;
	jobs = NULL;
}

static void job_unlink(struct job *job)
{
	struct job **link = &jobs;

	while (*link && *link != job)
		link = &(*link)->next;
	if (*link)
		*link = job->next;
}

void job_free(struct job *job)
{
	job_unlink(job);
	free(job->processes);
	free(job->text);
	free(job);
}

/* Forget the oldest ended jobs when nobody ever waits for them. */
static void joblist_prune(void)
{
	struct job *oldest = NULL;
	int finished = 0;

	for (struct job *job = jobs; job; job = job->next) {
		if (job_state(job) == JOB_DONE && job->number) {
			oldest = job;
			finished++;
		}
	}
	if (finished > FINISHED_MAX)
		job_free(oldest);
}

struct job *job_new(const char *text, int count)
{
	struct job *job = heap_alloc(sizeof(*job));

	joblist_prune();
	memset(job, 0, sizeof(*job));
	job->processes = heap_alloc(count * sizeof(*job->processes));
	job->text = heap_string(text);
	job->next = jobs;
	jobs = job;
	return job;
}

void job_add(struct job *job, pid_t pid)
{
	struct process *process = &job->processes[job->count++];

	process->pid = pid;
	process->state = JOB_RUNNING;
	process->status = 0;
}

enum job_state job_state(const struct job *job)
{
	enum job_state state = JOB_DONE;

	for (int i = 0; i < job->count; i++) {
		if (job->processes[i].state == JOB_RUNNING)
			return JOB_RUNNING;
		if (job->processes[i].state == JOB_STOPPED)
			state = JOB_STOPPED;
	}
	return state;
}

static int exit_status(int status)
{
	if (WIFSTOPPED(status))
		return 128 + WSTOPSIG(status);
	if (WIFSIGNALED(status))
		return 128 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

int job_status(const struct job *job)
{
	int status = 2;

	for (int i = 0; i < job->count; i++) {
		int one = exit_status(job->processes[i].status);

		if (i == 0 || one || !option_on(OPTION_PIPEFAIL))
			status = one;
	}
	return status;
}

void job_number(struct job *job)
{
	int highest = 0;

	for (struct job *other = jobs; other; other = other->next)
		if (other->number > highest)
			highest = other->number;
	if (!job->number)
		job->number = highest + 1;
	job_unlink(job);
	job->next = jobs;
	jobs = job;
}

void job_continue(struct job *job)
{
	for (int i = 0; i < job->count; i++)
		if (job->processes[i].state == JOB_STOPPED)
			job->processes[i].state = JOB_RUNNING;
	job->notified = false;
}

void job_lost(struct job *job)
{
	for (int i = 0; i < job->count; i++)
		if (job->processes[i].state == JOB_RUNNING)
			job->processes[i].state = JOB_DONE;
}

void joblist_update(pid_t pid, int status)
{
	for (struct job *job = jobs; job; job = job->next) {
		for (int i = 0; i < job->count; i++) {
			struct process *process = &job->processes[i];

			if (process->pid != pid || process->state == JOB_DONE)
				continue;
			if (WIFCONTINUED(status)) {
				process->state = JOB_RUNNING;
				return;
			}
			process->status = status;
			process->state = WIFSTOPPED(status) ? JOB_STOPPED : JOB_DONE;
			job->notified = false;
			return;
		}
	}
}

static void state_text(const struct job *job, char *text, size_t room)
{
	int status = job->count ? job->processes[job->count - 1].status : 0;

	if (job_state(job) == JOB_RUNNING)
		snprintf(text, room, "Running");
	else if (job_state(job) == JOB_STOPPED)
		snprintf(text, room, "Stopped");
	else if (WIFSIGNALED(status))
		snprintf(text, room, "%s", strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		snprintf(text, room, "Done(%d)", WEXITSTATUS(status));
	else
		snprintf(text, room, "Done");
}

/* '+' for the current job, '-' for the one before it. */
static char job_rank(const struct job *job)
{
	const char *rank = "+- ";

	for (const struct job *other = jobs; other && other != job; other = other->next)
		if (other->number && rank[0] != ' ')
			rank++;
	return rank[0];
}

void job_print(FILE *file, const struct job *job, bool ids)
{
	char state[40];

	state_text(job, state, sizeof(state));
	fprintf(file, "[%d]%c  ", job->number, job_rank(job));
	if (ids)
		fprintf(file, "%d ", (int)job->processes[0].pid);
	fprintf(file, "%-23s %s%s\n", state, job->text,
		job_state(job) == JOB_RUNNING ? " &" : "");
}

/* Only the listed jobs have been told about; those that ended are forgotten. */
void jobs_print(struct job *only, bool ids, bool groups)
{
	struct job *listed = jobs ? jobs : jobs_of_parent;
	struct job *job, *next;
	int highest = 0;

	for (job = listed; job; job = job->next)
		if (job->number > highest)
			highest = job->number;
	for (int number = 1; number <= highest; number++) {
		for (job = listed; job; job = next) {
			next = job->next;
			if (job->number != number || (only && job != only))
				continue;
			if (groups)
				printf("%d\n", (int)job->processes[0].pid);
			else
				job_print(stdout, job, ids);
			job->notified = true;
			if (job_state(job) == JOB_DONE && !groups && listed == jobs)
				job_free(job);
		}
	}
}

static bool job_matches(const struct job *job, const char *name)
{
	if (isdigit((unsigned char)*name))
		return job->number == atoi(name);
	if (*name == '?')
		return strstr(job->text, name + 1) != NULL;
	return strncmp(job->text, name, strlen(name)) == 0;
}

static struct job *job_by_process(pid_t pid)
{
	for (struct job *job = jobs; job; job = job->next)
		for (int i = 0; i < job->count; i++)
			if (job->processes[i].pid == pid)
				return job;
	return NULL;
}

struct job *job_find(const char *name)
{
	struct job *job = NULL;
	int rank = -1;

	if (name && *name != '%') {
		job = job_by_process(atoi(name));
	} else if (!name || !name[1] || strcmp(name, "%%") == 0 || strcmp(name, "%+") == 0) {
		rank = 0;
	} else if (strcmp(name, "%-") == 0) {
		rank = 1;
	} else {
		for (job = jobs; job; job = job->next)
			if (job->number && job_matches(job, name + 1))
				break;
	}
	for (struct job *other = jobs; other && rank >= 0; other = other->next)
		if (other->number && rank-- == 0)
			job = other;
	if (!job)
		shell_error("%s: no such job", name ? name : "current");
	return job;
}
