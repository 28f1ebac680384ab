/* Operations on files, in bench_folder: once on tmpfs and once on the disk. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

enum { OPS = 1000 };

static char page[PAGE] = "page";

/* A path of three parts below bench_folder, a file or a missing name. */
static const char *path_of(const char *name)
{
	static char paths[4][160];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/bench.d", bench_folder);
	mkdir(path, 0700);
	snprintf(path, sizeof(paths[0]), "%s/bench.d/%s", bench_folder, name);
	return path;
}

static int file_open(const char *name, int flags)
{
	int fd = open(path_of(name), O_RDWR | O_CREAT | O_TRUNC | flags, 0600);

	bench_need(fd >= 0, name);
	return fd;
}

static void file_remove(int fd, const char *name)
{
	close(fd);
	unlink(path_of(name));
}

static struct sample write_run(void)
{
	struct sample s = {0};
	int fd = file_open("write", 0);

	bench_begin();
	for (int i = 0; i < OPS; i++)
		if (write(fd, page, PAGE) != (ssize_t)PAGE)
			bench_need(0, "write");
	bench_end(&s, OPS);
	file_remove(fd, "write");
	return s;
}

static struct sample pread_run(void)
{
	struct sample s = {0};
	int fd = file_open("read", 0);

	for (int i = 0; i < 64; i++)
		bench_need(write(fd, page, PAGE) == (ssize_t)PAGE, "write");
	bench_begin();
	for (int i = 0; i < OPS; i++)
		if (pread(fd, page, PAGE, (i % 64) * (off_t)PAGE) != (ssize_t)PAGE)
			bench_need(0, "pread");
	bench_end(&s, OPS);
	file_remove(fd, "read");
	return s;
}

static struct sample append_run(void)
{
	struct sample s = {0};
	int fd = file_open("append", O_APPEND);

	bench_begin();
	for (int i = 0; i < OPS; i++)
		if (write(fd, page, 100) != 100)
			bench_need(0, "write");
	bench_end(&s, OPS);
	file_remove(fd, "append");
	return s;
}

static struct sample open_close_run(void)
{
	struct sample s = {0};
	int fd = file_open("open", 0);
	const char *path = path_of("open");

	bench_begin();
	for (int i = 0; i < OPS; i++)
		close(open(path, O_RDONLY));
	bench_end(&s, OPS);
	file_remove(fd, "open");
	return s;
}

static struct sample stats(const char *name)
{
	struct sample s = {0};
	const char *path = path_of(name);
	struct stat st;

	bench_begin();
	for (int i = 0; i < OPS; i++)
		stat(path, &st);
	bench_end(&s, OPS);
	return s;
}

static struct sample stat_run(void)
{
	int fd = file_open("stat", 0);
	struct sample s = stats("stat");

	file_remove(fd, "stat");
	return s;
}

static struct sample stat_missing_run(void)
{
	return stats("missing");
}

static struct sample create_unlink_run(void)
{
	struct sample s = {0};
	const char *path = path_of("create");

	bench_begin();
	for (int i = 0; i < OPS; i++) {
		int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

		if (fd < 0 || close(fd) != 0 || unlink(path) != 0)
			bench_need(0, "create");
	}
	bench_end(&s, OPS);
	return s;
}

/* There and back again, two operations each round. */
static struct sample rename_run(void)
{
	struct sample s = {0};
	int fd = file_open("here", 0);
	const char *here = path_of("here"), *there = path_of("there");

	bench_begin();
	for (int i = 0; i < OPS / 2; i++)
		if (rename(here, there) != 0 || rename(there, here) != 0)
			bench_need(0, "rename");
	bench_end(&s, OPS);
	file_remove(fd, "here");
	return s;
}

static struct sample mkdir_rmdir_run(void)
{
	struct sample s = {0};
	const char *path = path_of("folder");

	bench_begin();
	for (int i = 0; i < OPS; i++)
		if (mkdir(path, 0700) != 0 || rmdir(path) != 0)
			bench_need(0, "mkdir");
	bench_end(&s, OPS);
	return s;
}

/* A folder of 500 names, read twice in buffers of 32 KiB. */
static struct sample getdents_run(void)
{
	enum { NAMES = 500 };
	static char buffer[32768];
	struct sample s = {0};
	char name[64];
	int fd;

	bench_need(mkdir(path_of("many"), 0700) == 0, "mkdir");
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "many/file%03d", i);
		close(file_open(name, 0));
	}
	fd = open(path_of("many"), O_RDONLY | O_DIRECTORY);
	bench_need(fd >= 0, "open");
	for (int round = 0; round < 2; round++) {
		bench_begin();
		while (syscall(SYS_getdents64, fd, buffer, sizeof(buffer)) > 0)
			continue;
		bench_end(&s, NAMES + 2);
		lseek(fd, 0, SEEK_SET);
	}
	close(fd);
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "many/file%03d", i);
		unlink(path_of(name));
	}
	rmdir(path_of("many"));
	return s;
}

const struct row file_rows[] = {
	{"file_write_new_page", write_run},
	{"file_pread_page", pread_run},
	{"file_append_100", append_run},
	{"file_open_close", open_close_run},
	{"file_stat", stat_run},
	{"file_stat_missing", stat_missing_run},
	{"file_create_close_unlink", create_unlink_run},
	{"file_rename", rename_run},
	{"file_mkdir_rmdir", mkdir_rmdir_run},
	{"file_getdents_entry", getdents_run},
	{NULL, NULL},
};
