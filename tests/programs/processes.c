/*
 * popen, system, pipes between many processes, posix_spawn, exit statuses, process groups.
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Each of a chain of processes adds one to a number that goes through a pipe. */
static int chain(int length)
{
	int in, ends[2], value = 0, i;

	if (pipe(ends) != 0)
		return -1;
	in = ends[0];
	if (write(ends[1], &value, sizeof(value)) != sizeof(value))
		return -1;
	close(ends[1]);
	for (i = 0; i < length; i++) {
		if (pipe(ends) != 0)
			return -1;
		if (fork() == 0) {
			if (read(in, &value, sizeof(value)) != sizeof(value))
				_exit(1);
			value++;
			_exit(write(ends[1], &value, sizeof(value)) != sizeof(value));
		}
		close(in);
		close(ends[1]);
		in = ends[0];
	}
	if (read(in, &value, sizeof(value)) != sizeof(value))
		return -1;
	close(in);
	while (wait(NULL) > 0)
		;
	return value;
}

int main(void)
{
	char *arguments[] = { "sh", "-c", "exit 23", NULL };
	char line[64] = "";
	pid_t pid;
	FILE *f;
	int status;

	f = popen("echo from the shell", "r");
	if (!f || !fgets(line, sizeof(line), f))
		return 1;
	printf("popen: %sstatus %d\n", line, pclose(f));
	printf("system: %d\n", WEXITSTATUS(system("exit 9")));
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, arguments, environ) != 0)
		return 2;
	waitpid(pid, &status, 0);
	printf("spawn: %d\n", WEXITSTATUS(status));
	printf("no such program: %d\n", posix_spawn(&pid, "/none", NULL, NULL, arguments, environ));
	printf("chain: %d\n", chain(40));
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setsid();
		_exit(getpid() == getsid(0) && getpgrp() == getpid() ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	printf("session: %d\n", status);
	return 0;
}
