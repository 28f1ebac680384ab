/*
 * Files, directories and devices, and the limits that tests of a file system go by.
 */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "kernel/spinlock.h"
#include "kernel/sleeplock.h"
#include "kernel/fs.h"
#include "kernel/file.h"
#include "kernel/fcntl.h"
#include "kernel/param.h"
#include "user/user.h"

static char block[BSIZE];

static void check(int ok, const char *what)
{
	printf("%s: %s\n", what, ok ? "ok" : "WRONG");
}

static void contents(void)
{
	int fd = open("a", O_CREATE | O_RDWR), again;
	struct stat st;
	char c;

	check(fd >= 0 && write(fd, "hello", 5) == 5, "create, write");
	check(fstat(fd, &st) == 0 && st.type == T_FILE && st.nlink == 1 && st.size == 5, "fstat");
	again = dup(fd);
	check(again > fd && write(again, "!", 1) == 1 && close(again) == 0, "dup shares the place");
	check(close(fd) == 0 && close(fd) == -1, "close");
	fd = open("a", O_RDONLY);
	check(read(fd, block, sizeof(block)) == 6 && read(fd, block, 1) == 0, "read to the end");
	check(write(fd, "x", 1) == -1, "write what is open for reading");
	close(fd);
	fd = open("a", O_WRONLY | O_TRUNC);
	check(read(fd, &c, 1) == -1 && fstat(fd, &st) == 0 && st.size == 0, "truncate");
	close(fd);
	check(open("no/such", O_RDONLY) == -1, "open nothing");
}

static void names(void)
{
	struct dirent de;
	struct stat st;
	int fd, seen = 0;

	check(link("a", "b") == 0 && stat("b", &st) == 0 && st.nlink == 2, "link");
	check(unlink("a") == 0 && stat("a", &st) == -1, "unlink");
	check(mkdir("d") == 0 && mkdir("d") == -1 && chdir("d") == 0, "mkdir, chdir");
	check(link("../b", "a name that is long") == 0, "a long name");
	fd = open(".", O_RDONLY);
	while (read(fd, &de, sizeof(de)) == sizeof(de)) {
		seen++;
		if (de.name[0] == 'a')
			check(de.inum && memcmp(de.name, "a name that is", DIRSIZ) == 0,
			      "a name cut to DIRSIZ");
	}
	check(fstat(fd, &st) == 0 && st.type == T_DIR && seen == 3, "read a directory");
	close(fd);
	check(unlink("../d") == -1, "a directory that is not empty stays");
	check(unlink("a name that is long") == 0 && chdir("..") == 0 && unlink("d") == 0,
	      "unlink a directory");
}

static void devices(void)
{
	struct stat st;
	int fd;

	check(mknod("console", CONSOLE, 0) == 0 && stat("console", &st) == 0 &&
	      st.type == T_DEVICE, "mknod");
	fd = open("console", O_RDWR);
	check(fd >= 0 && write(fd, "to the console\n", 15) == 15, "write to it");
	close(fd);
	unlink("console");
}

static void biggest(void)
{
	int fd = open("big", O_CREATE | O_RDWR), i;
	uint n = 0;

	for (i = 0; i < (int)MAXFILE; i++)
		n += write(fd, block, sizeof(block)) == sizeof(block);
	check(n == MAXFILE && n * BSIZE <= (uint64)FSSIZE * BSIZE, "MAXFILE blocks");
	close(fd);
	unlink("big");
	for (i = 0; i < NINODE + 10; i++) {
		char name[] = { 'n', '0' + i / 10, '0' + i % 10, 0 };

		close(open(name, O_CREATE | O_WRONLY));
		n -= unlink(name) == 0;
	}
	check(n == MAXFILE - NINODE - 10, "more than NINODE files");
}

int main(void)
{
	contents();
	names();
	devices();
	biggest();
	unlink("b");
	exit(0);
}
