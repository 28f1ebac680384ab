/*
 * The small library: strings, memory, output and input.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/fcntl.h"
#include "user/user.h"

static void check(int ok, const char *what)
{
	printf("%s: %s\n", what, ok ? "ok" : "WRONG");
}

static void strings(void)
{
	char a[16], b[] = "0123456789";

	check(strcpy(a, "abc") == a && strlen(a) == 3, "strcpy, strlen");
	check(strcmp(a, "abc") == 0 && strcmp(a, "abd") < 0 && strcmp("b", a) > 0, "strcmp");
	check(strchr(a, 'b') == a + 1 && strchr(a, 'x') == 0, "strchr");
	check(memset(a, 'z', 4) == a && memcmp(a, "zzzz", 4) == 0, "memset, memcmp");
	memmove(b + 2, b, 5);
	check(memcmp(b, "0101234789", 10) == 0, "memmove up");
	memmove(b, b + 2, 5);
	check(memcmp(b, "0123434789", 10) == 0, "memmove down");
	check(memcpy(a, b, 10) == a && memcmp(a, b, 10) == 0, "memcpy");
	check(atoi("42x") == 42 && atoi("x") == 0, "atoi");
}

static void memory(void)
{
	char *small[100], *big = malloc(1 << 20);
	int i, bad = 0;

	for (i = 0; i < 100; i++) {
		small[i] = malloc(i + 1);
		memset(small[i], i, i + 1);
	}
	memset(big, 200, 1 << 20);
	for (i = 0; i < 100; i++) {
		bad += small[i][0] != i || small[i][i] != i;
		free(small[i]);
	}
	free(big);
	check(!bad, "malloc, free");
}

static void output(void)
{
	printf("%d %u %x %c %s %%\n", -12, 12u, 0xab, 'c', "text");
	printf("%ld %lu %lx %lld\n", -1L, 1UL << 40, 0xfeedUL << 32, -5LL);
	printf("%p\n", (void *)0x1234);
	fprintf(1, "%s %d\n", "fprintf", 3);
}

static void input(void)
{
	char line[16];
	int fd = open("lines", O_CREATE | O_RDWR);

	fprintf(fd, "one\ntwo\n");
	close(fd);
	close(0);
	open("lines", O_RDONLY);
	gets(line, sizeof(line));
	check(strcmp(line, "one\n") == 0, "gets");
	gets(line, 3);
	check(strcmp(line, "tw") == 0, "gets, cut");
	gets(line, sizeof(line));
	gets(line, sizeof(line));
	check(line[0] == 0, "gets at the end");
	unlink("lines");
}

int main(void)
{
	strings();
	memory();
	output();
	input();
	exit(0);
}
