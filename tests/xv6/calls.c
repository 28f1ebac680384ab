/*
 * Processes, memory and time: what fork, exit, wait, kill, exec, pipe and the rest promise.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/param.h"
#include "kernel/memlayout.h"
#include "kernel/riscv.h"
#include "kernel/syscall.h"
#include "user/user.h"

static void check(int ok, const char *what)
{
	printf("%s: %s\n", what, ok ? "ok" : "WRONG");
}

static void processes(void)
{
	int status = 0, pid = fork();

	if (pid == 0)
		exit(7);
	check(pid > 0 && wait(&status) == pid && status == 7, "fork, exit, wait");
	check(wait(0) == -1, "wait without a child");

	pid = fork();
	if (pid == 0) {
		for (;;)
			pause(1);
	}
	check(kill(pid) == 0 && wait(&status) == pid && status == -1, "kill");
	check(kill(-1) == -1 && kill(pid) == -1, "kill nobody");
	check(getpid() > 0, "getpid");
}

static void programs(char *self)
{
	char *args[] = { self, "child", "a b", 0 };
	int fds[2], status = -1, n, got = 0;
	char text[32];

	check(exec("no such program", args) == -1, "exec nothing");
	check(pipe(fds) == 0, "pipe");
	if (fork() == 0) {
		close(1);
		dup(fds[1]);
		close(fds[0]);
		close(fds[1]);
		exec(self, args);
		exit(1);
	}
	close(fds[1]);
	while ((n = read(fds[0], text + got, sizeof(text) - 1 - got)) > 0)
		got += n;
	text[got] = 0;
	close(fds[0]);
	wait(&status);
	check(status == 0 && strcmp(text, "child has 3, a b\n") == 0, "exec with arguments");
}

static void memory(void)
{
	char *end = sbrk(0), *p = sbrk(2 * PGSIZE);
	int status;

	check(p == end && sbrk(0) == end + 2 * PGSIZE, "sbrk grows");
	p[0] = p[2 * PGSIZE - 1] = 1;
	check(sbrk(-2 * PGSIZE) == end + 2 * PGSIZE && sbrk(0) == end, "sbrk shrinks");
	p = sbrklazy(64 * PGSIZE);
	check(p == end && p[63 * PGSIZE] == 0, "sbrklazy");
	check(sys_sbrk(-64 * PGSIZE, SBRK_LAZY) == end + 64 * PGSIZE, "sys_sbrk");
	check(sys_sbrk(PGSIZE, SBRK_EAGER) == end, "sys_sbrk, eager");
	check(sbrk(0x7ffff000) == SBRK_ERROR && sbrk(0) == end + PGSIZE, "sbrk of too much");

	if (fork() == 0) {
		*(volatile char *)KERNBASE = 1;
		exit(0);
	}
	wait(&status);
	check(status == -1, "the kernel's address");
	if (fork() == 0) {
		*(volatile char *)MAXVA = 1;
		exit(0);
	}
	wait(&status);
	check(status == -1, "beyond the last address");
	check(r_sp() > (uint64)end && r_sp() < MAXVA, "the stack pointer");
}

static void times(void)
{
	int start = uptime();

	check(start >= 0 && sleep(2) == 0 && pause(1) == 0, "sleep, pause");
	check(uptime() - start >= 3, "uptime");
}

int main(int argc, char *argv[])
{
	if (argc > 1) {
		printf("%s has %d, %s\n", argv[1], argc, argv[2]);
		exit(0);
	}
	processes();
	programs(argv[0]);
	memory();
	times();
	check(NPROC >= 16 && NOFILE >= 16 && MAXARG >= 16 && SYS_write == 16, "limits");
	return 0;
}
