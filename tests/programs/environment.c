/*
 * The environment, arguments, exit handlers, and a program that starts itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

static void last(void)
{
	puts("last");
}

static void before_last(void)
{
	puts("before last");
}

static int child(int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		printf("argument %d is <%s>\n", i, i ? argv[i] : "name");
	printf("COLOUR=%s SHAPE=%s EMPTY=<%s>\n", getenv("COLOUR"),
	       getenv("SHAPE") ? "set" : "not set", getenv("EMPTY"));
	return 5;
}

int main(int argc, char **argv)
{
	char *arguments[] = { argv[0], "child", "", "two words", "\xc3\xa4", NULL };
	int status;

	if (argc > 1)
		return child(argc, argv);
	atexit(last);
	atexit(before_last);
	setenv("COLOUR", "green", 1);
	setenv("COLOUR", "red", 0);
	setenv("SHAPE", "round", 1);
	setenv("EMPTY", "", 1);
	unsetenv("SHAPE");
	printf("page size %ld, auxv says %lu\n", sysconf(_SC_PAGESIZE), getauxval(AT_PAGESZ));
	if (!getauxval(AT_RANDOM) || getauxval(AT_ENTRY) == 0 || getauxval(AT_UID) != getuid())
		return 1;
	fflush(stdout);
	if (fork() == 0) {
		execv(argv[0], arguments);
		_exit(99);
	}
	wait(&status);
	printf("the child ended with %d\n", WEXITSTATUS(status));
	return 0;
}
