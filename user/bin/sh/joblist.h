/* The table of jobs: what is known about each, without doing anything to processes. */
#ifndef SH_JOBLIST_H
#define SH_JOBLIST_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <termios.h>

enum job_state {
	JOB_RUNNING,
	JOB_STOPPED,
	JOB_DONE,
};

struct process {
	pid_t pid;
	enum job_state state;
	int status;		/* as from wait(2) */
};

struct job {
	struct job *next;	/* the current job is first */
	int number;		/* 0: in the foreground and never stopped */
	pid_t group;		/* 0: without job control */
	struct process *processes;
	int count;		/* of processes forked so far */
	bool notified;		/* the person was told about its state */
	bool modes_saved;
	struct termios modes;	/* of the terminal when it was stopped */
	char *text;
};

/* The list of jobs, the current one first; NULL if there is none. */
struct job *joblist_first(void);

/* In a forked child: the jobs are the parent's; it can only list them, as in kill $(jobs -p). */
void joblist_forget(void);

/* A process changed; statuses of processes that are not ours are ignored. */
void joblist_update(pid_t pid, int status);

void job_add(struct job *job, pid_t pid);
void job_free(struct job *job);

/* Number a job and make it the current one. */
void job_number(struct job *job);

enum job_state job_state(const struct job *job);
int job_status(const struct job *job);

/* Its processes run again, or cannot be waited for any more. */
void job_continue(struct job *job);
void job_lost(struct job *job);

/* One line for people. */
void job_print(FILE *file, const struct job *job, bool ids);

#endif
