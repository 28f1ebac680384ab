/* Debian's programs, found by their names in PATH: user code and kernel together. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

static void program_run(char *const argv[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(127);
	}
	bench_need(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, argv[0]);
}

static struct sample true_run(void)
{
	enum { OPS = 100 };
	char *argv[] = {"true", NULL};
	struct sample s = {0};

	bench_begin();
	for (int i = 0; i < OPS; i++)
		program_run(argv);
	bench_end(&s, OPS);
	return s;
}

static struct sample gcc_run(void)
{
	static const char text[] = "#include <stdio.h>\n"
				   "int main(void) { printf(\"hello\\n\"); return 0; }\n";
	char *argv[] = {"gcc", "hello.c", "-o", "hello", NULL};
	struct sample s = {0};
	int fd;

	bench_need(chdir(bench_folder) == 0, bench_folder);
	fd = open("hello.c", O_WRONLY | O_CREAT | O_TRUNC, 0644);
	bench_need(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "hello.c");
	close(fd);
	bench_begin();
	program_run(argv);
	bench_end(&s, 1);
	return s;
}

const struct row program_rows[] = {
	{"fork_exec_wait_true", true_run},
	{"gcc_hello", gcc_run},
	{NULL, NULL},
};
