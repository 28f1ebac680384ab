/*
 * posix_spawn with file actions and attributes, pipelines by hand, exit handlers.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void bye(void)
{
	puts("first in, last out");
}

static void bye_first(void)
{
	puts("last in, first out");
}

/* Run this program again as its own child, with descriptor 1 in a file. */
static int respawn(const char *self, const char *word, const char *output)
{
	char *args[] = { (char *)(uintptr_t)self, (char *)(uintptr_t)word, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t pid;
	int status = -1;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	if (posix_spawn(&pid, self, &actions, &attributes, args, environ) != 0)
		return -1;
	waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return status;
}

static void show(const char *name)
{
	char line[80];
	FILE *f = fopen(name, "r");

	while (f && fgets(line, sizeof(line), f))
		printf("  %s", line);
	if (f)
		fclose(f);
	unlink(name);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "own-group") == 0) {
		printf("own group: %d\n", getpgrp() == getpid());
		fflush(stdout);
		fprintf(stderr, "and errors too\n");
		return 5;
	}
	if (argc > 1 && strcmp(argv[1], "handlers") == 0) {
		atexit(bye);
		atexit(bye_first);
		exit(6);
	}
	if (argc > 1 && strcmp(argv[1], "abort") == 0)
		abort();
	int status = respawn(argv[0], "own-group", "out");
	printf("exit code %d\n", WEXITSTATUS(status));
	show("out");
	status = respawn(argv[0], "handlers", "out");
	printf("exit code %d\n", WEXITSTATUS(status));
	show("out");
	status = respawn(argv[0], "abort", "out");
	printf("signal %d\n", WTERMSIG(status) == SIGABRT);
	unlink("out");
	return 0;
}
