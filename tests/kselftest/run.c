/*
 * Runs the programs of a suite one after the other, on whichever kernel it is started.
 *
 *   run LIST [FIRST [COUNT]]
 *
 * COUNT lines of LIST (without it: all that follow) are run from line FIRST on, 0 at the start.
 * Each is "SECONDS FOLDER PROGRAM [ARGUMENT...]". A program runs in its folder, in a session of its
 * own, without input; what it leaves behind, and itself after so many seconds, is
 * killed. Before its output stands "== FOLDER/PROGRAM ARGUMENT...", after it "== exit STATUS".
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMED_OUT 124

/* The parent of a process; -1: it is gone. */
static int parent_of(const char *pid)
{
	char path[300], line[256];
	int parent = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	file = fopen(path, "r");
	while (file != NULL && parent < 0 && fgets(line, sizeof(line), file) != NULL)
		if (strncmp(line, "PPid:", 5) == 0)
			parent = atoi(line + 5);
	if (file != NULL)
		fclose(file);
	return parent;
}

/* Kills all children, orphans that came here among them; whether there were any. */
static int children_kill(void)
{
	int found = 0;
	DIR *dir = opendir("/proc");

	for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
		if (!isdigit(entry->d_name[0]) || parent_of(entry->d_name) != getpid())
			continue;
		found = 1;
		kill(atoi(entry->d_name), SIGKILL);
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

static void program_exec(char **words)
{
	int null = open("/dev/null", O_RDONLY);
	char path[300];

	setsid();
	dup2(null, 0);
	if (null > 0)
		close(null);
	if (chdir(words[1]) != 0)
		_exit(127);
	snprintf(path, sizeof(path), "./%s", words[2]);
	words[2] = path;
	execv(path, words + 2);
	perror(path);
	_exit(127);
}

/* Waits for the program, at most so long; its status as a shell has it. */
static int program_wait(pid_t pid, int seconds)
{
	int status = 0;
	pid_t timer = fork(), ended = 0;

	if (timer == 0) {
		sleep(seconds);
		_exit(0);
	}
	while (ended != pid && ended != timer)
		ended = wait(&status);
	do
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
	while (children_kill());
	if (ended == timer)
		return TIMED_OUT;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void line_run(char *line)
{
	char *words[32];
	int count = 0, status;
	pid_t pid;

	for (char *at = line; count < 31 && (words[count] = strtok(at, " \n")) != NULL; at = NULL)
		count++;
	words[count] = NULL;
	if (count < 3)
		return;
	dprintf(1, "== %s", words[1]);
	for (int i = 2; i < count; i++)
		dprintf(1, i == 2 ? "/%s" : " %s", words[i]);
	dprintf(1, "\n");
	pid = fork();
	if (pid == 0)
		program_exec(words);
	status = program_wait(pid, atoi(words[0]));
	dprintf(1, "\n== exit %d\n", status);
}

int main(int argc, char **argv)
{
	char line[1024];
	FILE *list = argc >= 2 ? fopen(argv[1], "re") : NULL;
	long first = argc > 2 ? atol(argv[2]) : 0, count = argc > 3 ? atol(argv[3]) : LONG_MAX;

	if (list == NULL || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
		perror("run");
		return 2;
	}
	signal(SIGTTOU, SIG_IGN);
	while (count > 0 && fgets(line, sizeof(line), list) != NULL) {
		if (first-- > 0)
			continue;
		line_run(line);
		count--;
	}
	return 0;
}
