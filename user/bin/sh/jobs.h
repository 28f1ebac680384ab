/* Child processes: pipelines as jobs, process groups, the terminal, waiting. */
#ifndef SH_JOBS_H
#define SH_JOBS_H

#include <stdbool.h>
#include <sys/types.h>

struct job;

enum job_mode {
	JOB_FOREGROUND,		/* gets the terminal */
	JOB_BACKGROUND,		/* does not; without job control it cannot be interrupted */
	JOB_INTERNAL,		/* stays in the group of the shell, like $(...) */
};

/* Turn job control on or off; false, with a message, if there is no terminal for it. */
bool jobs_monitor(bool on);

/* Make a job of up to `count` processes, with its text for people. */
struct job *job_new(const char *text, int count);

/*
 * Fork a process of a job (NULL: one that nobody waits for). Returns as fork(2) does,
 * with a message on failure; in the child everything about signals, groups and the
 * terminal is done.
 */
pid_t job_fork(struct job *job, enum job_mode mode);

/* Wait until a foreground job ends or stops; returns its status. The job may be freed. */
int job_wait(struct job *job);

/* Give a background job its number and, in an interactive shell, tell it. */
void job_announce(struct job *job);

/* Tell about background jobs that ended or stopped, and forget the ended ones. */
void jobs_notify(void);

/* Take in what happened to children meanwhile, without waiting. */
void jobs_refresh(void);

/* Are there stopped jobs? */
bool jobs_stopped(void);

/*
 * A job by "%n", "%%", "%+", "%-", "%prefix", "%?part" or the id of a process; NULL,
 * with a message if `name` is not NULL, if there is none. NULL means the current job.
 */
struct job *job_find(const char *name);

/* What the builtins do. All return a status. */
int job_foreground(struct job *job);
int job_background(struct job *job);
int job_await(struct job *job);		/* 128 + n when interrupted by signal n */
int jobs_await_all(void);
pid_t job_group(const struct job *job);	/* what to signal: -group, or a process */
void jobs_print(struct job *only, bool ids, bool groups);

#endif
