/*
 * fs: random calls on files against a model in memory; many processes in one directory.
 */
#include <linux/falloc.h>
#include <sys/mman.h>

#include "user/tests/ut.h"

#define NAMES	8
#define SIZE_MAX_ (300 * 1024)
#define LEN_MAX	20000

/* A file has up to NAMES names; names of one file lead to one content. */
struct content {
	int names;
	size_t size;
	unsigned char *data; /* SIZE_MAX_ bytes, zeros beyond size */
};

static struct content *names[NAMES];
static uint64_t state;

static unsigned pick(unsigned n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % n;
}

static const char *name_of(unsigned i)
{
	static char text[4][40];
	static unsigned turn;
	char *s = text[turn++ % 4];

	snprintf(s, sizeof(text[0]), "d%u/name%u", i % 2, i);
	return s;
}

static void content_put(struct content *c)
{
	if (c && !--c->names) {
		free(c->data);
		free(c);
	}
}

static struct content *content_of(unsigned i)
{
	if (!names[i]) {
		names[i] = calloc(1, sizeof(*names[i]));
		names[i]->data = calloc(1, SIZE_MAX_);
		names[i]->names = 1;
	}
	return names[i];
}

static void size_set(struct content *c, size_t size)
{
	if (size < c->size)
		memset(c->data + size, 0, c->size - size);
	c->size = size;
}

static void do_write(unsigned i)
{
	static unsigned char buf[LEN_MAX];
	bool append = pick(4) == 0;
	int fd = (int)CHECK_OK(open(name_of(i), O_RDWR | O_CREAT | (append ? O_APPEND : 0), 0600));
	struct content *c = content_of(i);
	size_t at = append ? c->size : pick(SIZE_MAX_ - LEN_MAX), len = 1 + pick(LEN_MAX - 1);

	if (at + len > SIZE_MAX_)
		len = SIZE_MAX_ - at;
	for (size_t n = 0; n < len; n++)
		buf[n] = (unsigned char)(state >> (n % 24)) ^ (unsigned char)n;
	if (len && append)
		CHECK_EQ(write(fd, buf, len), len);
	else
		CHECK_EQ(pwrite(fd, buf, len, (off_t)at), len);
	memcpy(c->data + at, buf, len);
	if (len && at + len > c->size)
		c->size = at + len;
	if (pick(8) == 0)
		CHECK_OK(fsync(fd));
	CHECK_OK(close(fd));
}

static void do_map(unsigned i)
{
	struct content *c = names[i];
	unsigned char *map;
	size_t at;
	int fd;

	if (!c || !c->size)
		return;
	fd = (int)CHECK_OK(open(name_of(i), O_RDWR));
	map = mmap(NULL, c->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	at = pick((unsigned)c->size);
	CHECK_EQ(map[at], c->data[at]);
	map[at] = c->data[at] = (unsigned char)state;
	CHECK_OK(munmap(map, c->size));
	CHECK_OK(close(fd));
}

static void do_cut(unsigned i)
{
	struct content *c = names[i];
	size_t size = pick(SIZE_MAX_), to;
	int fd;

	if (!c) {
		CHECK_ERR(truncate(name_of(i), 5), ENOENT);
		return;
	}
	if (pick(2)) {
		CHECK_OK(truncate(name_of(i), (off_t)size));
		size_set(c, size);
		return;
	}
	fd = (int)CHECK_OK(open(name_of(i), O_RDWR));
	to = size + 1 + pick(50000);
	CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)size,
			   (off_t)(to - size)));
	if (to > c->size)
		to = c->size;
	if (size < to)
		memset(c->data + size, 0, to - size);
	CHECK_OK(close(fd));
}

static void do_name(unsigned i, unsigned to)
{
	switch (pick(4)) {
	case 0:
		if (!names[i]) {
			CHECK_ERR(unlink(name_of(i)), ENOENT);
			break;
		}
		CHECK_OK(unlink(name_of(i)));
		content_put(names[i]);
		names[i] = NULL;
		break;
	case 1:
		if (!names[i] || names[to]) {
			CHECK_ERR(link(name_of(i), name_of(to)), names[i] ? EEXIST : ENOENT);
			break;
		}
		CHECK_OK(link(name_of(i), name_of(to)));
		names[to] = names[i];
		names[i]->names++;
		break;
	case 2:
		if (!names[i]) {
			CHECK_ERR(rename(name_of(i), name_of(to)), ENOENT);
			break;
		}
		CHECK_OK(rename(name_of(i), name_of(to)));
		if (names[i] == names[to])
			break;
		content_put(names[to]);
		names[to] = names[i];
		names[i] = NULL;
		break;
	default:
		if (!names[i] || !names[to]) {
			CHECK_ERR(renameat2(AT_FDCWD, name_of(i), AT_FDCWD, name_of(to),
					    RENAME_EXCHANGE), ENOENT);
			break;
		}
		CHECK_OK(renameat2(AT_FDCWD, name_of(i), AT_FDCWD, name_of(to), RENAME_EXCHANGE));
		struct content *c = names[i];

		names[i] = names[to];
		names[to] = c;
	}
}

static void do_check(unsigned i)
{
	static unsigned char buf[SIZE_MAX_ + 1];
	struct content *c = names[i];
	struct stat st;
	int fd;

	if (!c) {
		CHECK_ERR(stat(name_of(i), &st), ENOENT);
		return;
	}
	fd = (int)CHECK_OK(open(name_of(i), O_RDONLY));
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, c->size);
	CHECK_EQ(st.st_nlink, c->names);
	CHECK_EQ(read_full(fd, buf, sizeof(buf)), c->size);
	CHECK(!memcmp(buf, c->data, c->size));
	CHECK_OK(close(fd));
}

TEST(fs, random_calls)
{
	CHECK_OK(mkdir("d0", 0755));
	CHECK_OK(mkdir("d1", 0755));
	for (state = 7; state < 10; state++) {
		uint64_t seed = state;

		for (int turn = 0; turn < 500; turn++) {
			unsigned i = pick(NAMES), what = pick(12);

			if (what < 4)
				do_write(i);
			else if (what < 5)
				do_map(i);
			else if (what < 7)
				do_cut(i);
			else if (what < 9)
				do_name(i, pick(NAMES));
			else
				do_check(i);
		}
		for (unsigned i = 0; i < NAMES; i++)
			do_check(i);
		state = seed;
	}
	for (unsigned i = 0; i < NAMES; i++)
		content_put(names[i]);
}

/* Names that only one process uses are its own; those that all fight for are somebody's. */
static void crowd(int self)
{
	char own[40], moved[40];

	for (int turn = 0; turn < 60; turn++) {
		int fd;

		snprintf(own, sizeof(own), "own-%d-%d", self, turn);
		snprintf(moved, sizeof(moved), "moved-%d-%d", self, turn);
		file_make(own, own, strlen(own));
		CHECK_OK(rename(own, moved));
		CHECK_ERR(access(own, F_OK), ENOENT);
		CHECK(!link(moved, "shared") || errno == EEXIST);
		fd = open("shared", O_RDONLY);
		CHECK(fd >= 0 || errno == ENOENT);
		if (fd >= 0) {
			char text[40] = "";

			CHECK(read(fd, text, sizeof(text) - 1) > 0);
			CHECK(!strncmp(text, "own-", 4));
			CHECK_OK(close(fd));
		}
		CHECK(!unlink("shared") || errno == ENOENT);
		CHECK(!mkdir("dir", 0700) || errno == EEXIST);
		CHECK(!rmdir("dir") || errno == ENOENT);
		if (turn % 3)
			CHECK_OK(unlink(moved));
	}
	_exit(0);
}

TEST(fs, many_processes_in_a_directory)
{
	pid_t pid[8];

	for (int i = 0; i < 8; i++) {
		pid[i] = child();
		if (!pid[i])
			crowd(i);
	}
	for (int i = 0; i < 8; i++)
		expect_exit(pid[i], 0);
	for (int i = 0; i < 8; i++) {
		for (int turn = 0; turn < 60; turn++) {
			char name[40];

			snprintf(name, sizeof(name), "moved-%d-%d", i, turn);
			CHECK_EQ(access(name, F_OK), turn % 3 ? -1 : 0);
		}
	}
	CHECK_ERR(access("shared", F_OK), ENOENT);
	CHECK_ERR(access("dir", F_OK), ENOENT);
}
