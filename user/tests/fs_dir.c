/* Directories: getdents64 at every size, while they change, and from several processes. */
#include "ut.h"

#include <dirent.h>

struct dirent64_raw {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

/* Create n empty files "f0" ... in the current directory. */
static void files_make(int n)
{
	char name[16];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		int fd = (int)CHECK_OK(open(name, O_WRONLY | O_CREAT | O_EXCL, 0644));
		CHECK_OK(close(fd));
	}
}

/* Count how often each "fN" is listed; the number of other names but . and .. */
static int names_count(int *seen, int n)
{
	struct dirent *entry;
	int others = 0, index;
	DIR *dir = opendir(".");

	CHECK(dir != NULL);
	memset(seen, 0, (size_t)n * sizeof(int));
	while ((entry = readdir(dir)) != NULL) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (sscanf(entry->d_name, "f%d", &index) == 1 && index < n)
			seen[index]++;
		else
			others++;
	}
	closedir(dir);
	return others;
}

TEST(fs, getdents_entries)
{
	char buf[1024];
	unsigned int dots = 0, file = 0, sub = 0, link = 0;
	int fd;
	long n;

	file_make("file", "x", 1);
	CHECK_OK(mkdir("sub", 0700));
	CHECK_OK(symlink("x", "link"));
	fd = (int)CHECK_OK(open(".", O_RDONLY | O_DIRECTORY));
	while ((n = CHECK_OK(syscall(SYS_getdents64, fd, buf, sizeof(buf)))) > 0) {
		for (long at = 0; at < n;) {
			struct dirent64_raw *d = (struct dirent64_raw *)(buf + at);
			struct stat st;

			CHECK_EQ(d->d_reclen % 8, 0);
			CHECK(d->d_reclen >= 19 + strlen(d->d_name) + 1);
			if (d->d_name[0] != '.') {
				CHECK_OK(lstat(d->d_name, &st));
				CHECK_EQ(d->d_ino, st.st_ino);
			}
			dots += d->d_name[0] == '.' && d->d_type == DT_DIR;
			file += !strcmp(d->d_name, "file") && d->d_type == DT_REG;
			sub += !strcmp(d->d_name, "sub") && d->d_type == DT_DIR;
			link += !strcmp(d->d_name, "link") && d->d_type == DT_LNK;
			at += d->d_reclen;
		}
	}
	CHECK(dots == 2 && file == 1 && sub == 1 && link == 1);
	CHECK_EQ(syscall(SYS_getdents64, fd, buf, sizeof(buf)), 0);
}

TEST(fs, getdents_errors)
{
	char buf[1024];
	int fd;

	file_make("f", "x", 1);
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_ERR(syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOTDIR);
	CHECK_ERR(syscall(SYS_getdents64, 999, buf, sizeof(buf)), EBADF);
	fd = (int)CHECK_OK(open(".", O_RDONLY));
	/* Too small for even one entry. */
	CHECK_ERR(syscall(SYS_getdents64, fd, buf, 8), EINVAL);
	CHECK_ERR(syscall(SYS_getdents64, fd, buf, 0), EINVAL);
	CHECK_OK(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
}

TEST(fs, getdents_removed_directory)
{
	char buf[256];
	int fd;

	CHECK_OK(mkdir("d", 0700));
	fd = (int)CHECK_OK(open("d", O_RDONLY));
	CHECK_OK(rmdir("d"));
	CHECK_ERR(syscall(SYS_getdents64, fd, buf, sizeof(buf)), ENOENT);
}

TEST(fs, getdents_small_buffer)
{
	/* Many calls with a small buffer list every name once. */
	static int seen[100];
	char buf[64];
	int fd, index;
	long n;

	files_make(100);
	fd = (int)CHECK_OK(open(".", O_RDONLY));
	while ((n = CHECK_OK(syscall(SYS_getdents64, fd, buf, sizeof(buf)))) > 0)
		for (long at = 0; at < n; at += ((struct dirent64_raw *)(buf + at))->d_reclen)
			if (sscanf(((struct dirent64_raw *)(buf + at))->d_name, "f%d", &index) == 1)
				seen[index]++;
	for (int i = 0; i < 100; i++)
		CHECK_EQ(seen[i], 1);
}

TEST(fs, getdents_rewind_and_seek)
{
	struct dirent *entry;
	char third[256];
	DIR *dir;

	files_make(20);
	dir = opendir(".");
	CHECK(dir != NULL);
	CHECK(readdir(dir) && readdir(dir));
	long where = telldir(dir);
	entry = readdir(dir);
	CHECK(entry != NULL);
	strcpy(third, entry->d_name);
	while (readdir(dir))
		continue;
	seekdir(dir, where);
	entry = readdir(dir);
	CHECK(entry != NULL);
	CHECK_STR(entry->d_name, third);
	rewinddir(dir);
	int count = 0;
	while (readdir(dir))
		count++;
	CHECK_EQ(count, 22);
	closedir(dir);
}

TEST(fs, getdents_while_removing)
{
	/* Removing what was listed must not hide what was not. */
	struct dirent *entry;
	int removed = 0;
	DIR *dir;

	files_make(300);
	dir = opendir(".");
	CHECK(dir != NULL);
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] == 'f') {
			CHECK_OK(unlink(entry->d_name));
			removed++;
		}
	closedir(dir);
	CHECK_EQ(removed, 300);
}

TEST(fs, getdents_while_creating)
{
	/* Names that stay are listed exactly once, whatever comes and goes beside them. */
	static int seen[150];
	struct dirent *entry;
	char name[16];
	int index, made = 0;
	DIR *dir;

	files_make(150);
	dir = opendir(".");
	CHECK(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		if (made < 500) {
			snprintf(name, sizeof(name), "new%d", made++);
			file_make(name, "", 0);
		}
		if (sscanf(entry->d_name, "f%d", &index) == 1)
			seen[index]++;
	}
	closedir(dir);
	for (int i = 0; i < 150; i++)
		CHECK_EQ(seen[i], 1);
}

TEST(fs, directory_2000_entries)
{
	static int seen[2000];
	char name[16];

	files_make(2000);
	CHECK_EQ(names_count(seen, 2000), 0);
	for (int i = 0; i < 2000; i++)
		CHECK_EQ(seen[i], 1);
	for (int i = 0; i < 2000; i += 3) {
		snprintf(name, sizeof(name), "f%d", i);
		CHECK_OK(unlink(name));
	}
	CHECK_EQ(names_count(seen, 2000), 0);
	for (int i = 0; i < 2000; i++)
		CHECK_EQ(seen[i], i % 3 != 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		if (i % 3)
			CHECK_OK(unlink(name));
		else
			CHECK_ERR(unlink(name), ENOENT);
	}
	CHECK_EQ(names_count(seen, 2000), 0);
}

TEST(fs, directory_long_names)
{
	/* Names of all lengths, so that entries meet every block border. */
	static char name[256];

	for (int round = 0; round < 2; round++)
		for (size_t len = 1; len <= 255; len++) {
			memset(name, 'x', len);
			name[len] = '\0';
			if (round == 0)
				file_make(name, name, len);
			else
				CHECK_OK(unlink(name));
		}
	CHECK_OK(mkdir("../ut-empty", 0700));
	CHECK_OK(rmdir("../ut-empty"));
}

TEST(fs, directory_slots_are_reused)
{
	/* Creating and removing one name for ever does not grow the directory. */
	struct stat before, after;

	files_make(5);
	CHECK_OK(stat(".", &before));
	for (int i = 0; i < 1000; i++) {
		file_make("again", "", 0);
		CHECK_OK(unlink("again"));
	}
	CHECK_OK(stat(".", &after));
	CHECK_EQ(after.st_size, before.st_size);
}

TEST(fs, concurrent_creates)
{
	static int seen[400];
	char name[16];
	pid_t pids[4];

	for (int w = 0; w < 4; w++) {
		pids[w] = child();
		if (pids[w] == 0) {
			for (int i = 0; i < 100; i++) {
				snprintf(name, sizeof(name), "f%d", w * 100 + i);
				file_make(name, name, strlen(name));
			}
			_exit(0);
		}
	}
	for (int w = 0; w < 4; w++)
		expect_exit(pids[w], 0);
	CHECK_EQ(names_count(seen, 400), 0);
	for (int i = 0; i < 400; i++)
		CHECK_EQ(seen[i], 1);
}

TEST(fs, concurrent_exclusive_create)
{
	/* Of many who create one name with O_EXCL, one wins: every time. */
	char name[16];
	pid_t pids[6];
	int winners = 0;

	for (int w = 0; w < 6; w++) {
		pids[w] = child();
		if (pids[w] == 0) {
			int won = 0;

			for (int i = 0; i < 40; i++) {
				snprintf(name, sizeof(name), "f%d", i);
				int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
				if (fd >= 0)
					won++;
				else
					CHECK_EQ(errno, EEXIST);
				close(fd);
			}
			_exit(won);
		}
	}
	for (int w = 0; w < 6; w++)
		winners += WEXITSTATUS(status_of(pids[w]));
	CHECK_EQ(winners, 40);
}

TEST(fs, concurrent_create_and_remove)
{
	pid_t pids[4];
	struct stat st;

	CHECK_OK(stat(".", &st));
	nlink_t links = st.st_nlink;
	for (int w = 0; w < 4; w++) {
		pids[w] = child();
		if (pids[w] == 0) {
			for (int i = 0; i < 150; i++) {
				int fd = open("shared", O_RDWR | O_CREAT, 0600);
				if (fd < 0)
					CHECK_EQ(errno, ENOENT);
				close(fd);
				if (unlink("shared") < 0)
					CHECK_EQ(errno, ENOENT);
				if (mkdir("dir", 0700) < 0)
					CHECK_EQ(errno, EEXIST);
				if (rmdir("dir") < 0)
					CHECK_EQ(errno, ENOENT);
			}
			_exit(0);
		}
	}
	for (int w = 0; w < 4; w++)
		expect_exit(pids[w], 0);
	unlink("shared");
	rmdir("dir");
	CHECK_OK(stat(".", &st));
	CHECK_EQ(st.st_nlink, links);
}

TEST(fs, concurrent_renames)
{
	/* Renames across two directories both ways: no deadlock, no name lost. */
	pid_t pids[4];

	CHECK_OK(mkdir("a", 0700));
	CHECK_OK(mkdir("b", 0700));
	for (int w = 0; w < 4; w++) {
		pids[w] = child();
		if (pids[w] == 0) {
			char from[16], to[16];

			snprintf(from, sizeof(from), "a/n%d", w);
			snprintf(to, sizeof(to), "b/n%d", w);
			file_make(from, "x", 1);
			for (int i = 0; i < 150; i++) {
				CHECK_OK(rename(from, to));
				CHECK_OK(rename(to, from));
			}
			CHECK_OK(unlink(from));
			_exit(0);
		}
	}
	for (int w = 0; w < 4; w++)
		expect_exit(pids[w], 0);
	CHECK_OK(rmdir("a"));
	CHECK_OK(rmdir("b"));
}

TEST(fs, concurrent_directory_renames)
{
	/* Two directories that want to move into each other: at most one may, no loop arises. */
	pid_t pids[2];

	CHECK_OK(mkdir("a", 0700));
	CHECK_OK(mkdir("b", 0700));
	for (int w = 0; w < 2; w++) {
		pids[w] = child();
		if (pids[w] == 0) {
			for (int i = 0; i < 200; i++) {
				const char *from = w ? "a" : "b", *to = w ? "b/a" : "a/b";

				if (rename(from, to) == 0)
					CHECK_OK(rename(to, from));
				else if (errno != ENOENT)
					CHECK_EQ(errno, EINVAL);
			}
			_exit(0);
		}
	}
	expect_exit(pids[0], 0);
	expect_exit(pids[1], 0);
	CHECK_OK(rmdir("a"));
	CHECK_OK(rmdir("b"));
}
