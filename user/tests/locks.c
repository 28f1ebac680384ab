/*
 * locks: /proc/locks: whose locks and leases there are on a file, and who waits for them.
 */
#include <sys/file.h>
#include <sys/sysmacros.h>

#include "user/tests/ut.h"

#define LINES 16

/* The file's name in /proc/locks. */
static const char *file_key(int fd)
{
	static char key[64];
	struct stat st;

	CHECK_OK(fstat(fd, &st));
	snprintf(key, sizeof(key), "%02x:%02x:%lu ", major(st.st_dev), minor(st.st_dev),
		 (unsigned long)st.st_ino);
	return key;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Does the line begin a new number, as it must? What is behind that. */
static char *numbered(char *line, int *number)
{
	int n, len = 0;

	CHECK_EQ(sscanf(line, "%d: %n", &n, &len), 1);
	CHECK(len > 0);
	line = strchr(line, ':') + 2;
	CHECK_EQ(n, *number + !strstr(line, "-> "));
	*number = n;
	return line;
}

/*
 * What /proc/locks says of fd's file, without numbers: each lock, with those that wait for it
 * behind it, in the order of the alphabet, since that of the locks is nobody's promise.
 */
static const char *locks_of(int fd)
{
	static char all[16384], locks[LINES][512], out[LINES * 512], *order[LINES];
	char *line, *next, *text;
	const char *key = file_key(fd);
	int number = 0, n = 0;
	bool mine = false;

	file_text("/proc/locks", all, sizeof(all));
	for (line = all; *line; line = next) {
		next = strchr(line, '\n');
		CHECK(next);
		*next++ = '\0';
		text = numbered(line, &number);
		if (!strstr(text, "-> ")) {
			mine = strstr(text, key);
			if (mine)
				locks[order[n] = locks[n], n++][0] = '\0';
		}
		if (mine) {
			strcat(locks[n - 1], text);
			strcat(locks[n - 1], "\n");
		}
		CHECK(n < LINES);
	}
	qsort(order, (size_t)n, sizeof(order[0]), compare);
	out[0] = '\0';
	for (int i = 0; i < n; i++)
		strcat(out, order[i]);
	return out;
}

/* The file has exactly these locks: in the text, %k is its name and %p the number of pid. */
static void expect(int fd, const char *text, const pid_t *pid)
{
	char want[2048] = "";

	for (; *text; text++) {
		size_t at = strlen(want), room = sizeof(want) - at;

		if (text[0] == '%' && text[1] == 'k')
			snprintf(want + at, room, "%.*s", (int)strcspn(file_key(fd), " "),
				 file_key(fd));
		else if (text[0] == '%' && text[1] == 'p')
			snprintf(want + at, room, "%d", *pid++);
		else
			snprintf(want + at, room, "%c", *text);
		text += *text == '%';
	}
	CHECK_STR(locks_of(fd), want);
}

#define EXPECT(fd, text, ...) expect(fd, text, (const pid_t[]){__VA_ARGS__, 0})

/* That n wait, for sleeping may be something else. */
static void wait_waiters(int fd, int n)
{
	for (int found = 0; found < n; usleep(500)) {
		found = 0;
		for (const char *at = locks_of(fd); (at = strstr(at, "-> ")); at++)
			found++;
	}
}

static int lock(int fd, int command, short type, off_t from, off_t len)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = from, .l_len = len};

	return fcntl(fd, command, &l);
}

static int file_open(void)
{
	return (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
}

TEST(locks, on_bytes)
{
	int fd = file_open(), other = file_open();

	EXPECT(fd, "", 0);
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	EXPECT(fd, "POSIX  ADVISORY  WRITE %p %k 0 9\n", getpid());
	CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 100, 0));
	CHECK_OK(lock(other, F_OFD_SETLK, F_RDLCK, 200, 1));
	CHECK_OK(lock(other, F_OFD_SETLK, F_WRLCK, 50, 1));
	EXPECT(fd,
	       "OFDLCK ADVISORY  READ -1 %k 200 200\n"
	       "OFDLCK ADVISORY  WRITE -1 %k 50 50\n"
	       "POSIX  ADVISORY  READ %p %k 100 EOF\n"
	       "POSIX  ADVISORY  WRITE %p %k 0 9\n",
	       getpid(), getpid());
	CHECK_OK(lock(other, F_OFD_SETLK, F_UNLCK, 0, 0));
	CHECK_OK(close(other));
	EXPECT(fd, "", 0);
}

/* Of a whole file: whoever of a family set it last for their open file. */
TEST(locks, on_files)
{
	int fd = file_open(), other = file_open();
	char names[2][16];
	struct gate has, done;
	bool first;
	pid_t pid;

	gate_make(&has);
	gate_make(&done);
	CHECK_OK(flock(fd, LOCK_SH));
	pid = child();
	if (!pid) {
		CHECK_OK(flock(other, LOCK_SH));
		gate_open(&has);
		gate_pass(&done);
		_exit(0);
	}
	gate_pass(&has);
	snprintf(names[0], sizeof(names[0]), "%d", getpid());
	snprintf(names[1], sizeof(names[1]), "%d", pid);
	first = strcmp(names[0], names[1]) < 0;
	EXPECT(fd,
	       "FLOCK  ADVISORY  READ %p %k 0 EOF\n"
	       "FLOCK  ADVISORY  READ %p %k 0 EOF\n",
	       first ? getpid() : pid, first ? pid : getpid());
	gate_open(&done);
	expect_exit(pid, 0);
	CHECK_OK(close(other));
	CHECK_OK(flock(fd, LOCK_EX));
	EXPECT(fd, "FLOCK  ADVISORY  WRITE %p %k 0 EOF\n", getpid());
	CHECK_OK(flock(fd, LOCK_UN));
	EXPECT(fd, "", 0);
}

/* What touches, of one kind and owner, is one lock; who asks is told of all of it. */
TEST(locks, are_joined)
{
	struct flock l = {.l_type = F_RDLCK, .l_start = 12, .l_len = 1};
	int fd = file_open();
	pid_t pid;

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 20, 10));
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 10, 10));
	EXPECT(fd, "POSIX  ADVISORY  WRITE %p %k 0 29\n", getpid());
	pid = child();
	if (!pid) {
		CHECK_OK(fcntl(fd, F_GETLK, &l));
		CHECK_EQ(l.l_type, F_WRLCK);
		CHECK_EQ(l.l_start, 0);
		CHECK_EQ(l.l_len, 30);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 5, 10));
	EXPECT(fd, "POSIX  ADVISORY  WRITE %p %k 0 29\n", getpid());
	CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 10, 10));
	EXPECT(fd,
	       "POSIX  ADVISORY  READ %p %k 10 19\n"
	       "POSIX  ADVISORY  WRITE %p %k 0 9\n"
	       "POSIX  ADVISORY  WRITE %p %k 20 29\n",
	       getpid(), getpid(), getpid());
	CHECK_OK(lock(fd, F_SETLK, F_RDLCK, 20, 0));
	CHECK_OK(lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
	EXPECT(fd,
	       "POSIX  ADVISORY  READ %p %k 10 EOF\n"
	       "POSIX  ADVISORY  WRITE %p %k 0 9\n",
	       getpid(), getpid());
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	EXPECT(fd, "", 0);
}

/* A child that waits for [from, from + len) of f as the n-th. */
static pid_t waiter(int fd, int n, short type, off_t from, off_t len)
{
	pid_t pid = child();

	if (!pid) {
		CHECK_OK(lock(file_open(), F_SETLKW, type, from, len));
		_exit(0);
	}
	wait_waiters(fd, n);
	return pid;
}

/* Who comes later, and cannot have it together with one that came before, waits for that one. */
TEST(locks, who_waits)
{
	int fd = file_open();
	pid_t pid[4];

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	pid[0] = waiter(fd, 1, F_RDLCK, 0, 5);
	pid[1] = waiter(fd, 2, F_RDLCK, 3, 5);
	EXPECT(fd,
	       "POSIX  ADVISORY  WRITE %p %k 0 9\n"
	       "-> POSIX  ADVISORY  READ %p %k 0 4\n"
	       "-> POSIX  ADVISORY  READ %p %k 3 7\n",
	       getpid(), pid[0], pid[1]);
	pid[2] = waiter(fd, 3, F_WRLCK, 0, 1);
	pid[3] = waiter(fd, 4, F_WRLCK, 8, 0);
	EXPECT(fd,
	       "POSIX  ADVISORY  WRITE %p %k 0 9\n"
	       "-> POSIX  ADVISORY  READ %p %k 0 4\n"
	       " -> POSIX  ADVISORY  WRITE %p %k 0 0\n"
	       "-> POSIX  ADVISORY  READ %p %k 3 7\n"
	       "-> POSIX  ADVISORY  WRITE %p %k 8 EOF\n",
	       getpid(), pid[0], pid[2], pid[1], pid[3]);
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	for (int i = 0; i < 4; i++)
		expect_exit(pid[i], 0);
	EXPECT(fd, "", 0);
}

TEST(locks, who_waits_for_files)
{
	int fd = file_open(), own;
	pid_t pid[2];

	CHECK_OK(flock(fd, LOCK_SH));
	CHECK_OK(lock(fd, F_OFD_SETLK, F_WRLCK, 7, 1));
	for (int i = 0; i < 2; i++) {
		pid[i] = child();
		if (!pid[i]) {
			own = file_open();
			CHECK_OK(i ? lock(own, F_OFD_SETLKW, F_RDLCK, 7, 3) : flock(own, LOCK_EX));
			_exit(0);
		}
		wait_waiters(fd, i + 1);
	}
	EXPECT(fd,
	       "FLOCK  ADVISORY  READ %p %k 0 EOF\n"
	       "-> FLOCK  ADVISORY  WRITE %p %k 0 EOF\n"
	       "OFDLCK ADVISORY  WRITE -1 %k 7 7\n"
	       "-> OFDLCK ADVISORY  READ -1 %k 7 9\n",
	       getpid(), pid[0]);
	CHECK_OK(flock(fd, LOCK_UN));
	CHECK_OK(lock(fd, F_OFD_SETLK, F_UNLCK, 0, 0));
	expect_exit(pid[0], 0);
	expect_exit(pid[1], 0);
}

/* Who waits and is killed is not shown any more. */
TEST(locks, waiter_is_killed)
{
	int fd = file_open();
	pid_t pid;

	CHECK_OK(lock(fd, F_SETLK, F_WRLCK, 0, 10));
	pid = waiter(fd, 1, F_WRLCK, 0, 0);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	EXPECT(fd, "POSIX  ADVISORY  WRITE %p %k 0 9\n", getpid());
}

TEST(locks, leases)
{
	sigset_t set;
	pid_t pid[2];
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(close(file_open()));
	fd = (int)CHECK_OK(open("f", O_RDONLY));
	CHECK_OK(fcntl(fd, F_SETLEASE, F_WRLCK));
	EXPECT(fd, "LEASE  ACTIVE    WRITE %p %k 0 EOF\n", getpid());
	CHECK_ERR(open("f", O_RDONLY | O_NONBLOCK), EAGAIN);
	EXPECT(fd, "LEASE  BREAKING  READ %p %k 0 EOF\n", getpid());
	for (int i = 0; i < 2; i++) {
		pid[i] = child();
		if (!pid[i]) {
			CHECK_OK(open("f", i ? O_RDWR : O_RDONLY));
			_exit(0);
		}
		wait_waiters(fd, i + 1);
	}
	EXPECT(fd,
	       "LEASE  BREAKING  UNLCK %p %k 0 EOF\n"
	       "-> LEASE  BREAKER   READ %p <none>:0 0 EOF\n"
	       " -> LEASE  BREAKER   WRITE %p <none>:0 0 EOF\n",
	       getpid(), pid[0], pid[1]);
	CHECK_OK(fcntl(fd, F_SETLEASE, F_UNLCK));
	expect_exit(pid[0], 0);
	expect_exit(pid[1], 0);
	EXPECT(fd, "", 0);
}

/* How many lines of what is read by so much at a time are of the file; all are whole. */
static int count_lines(int fd, size_t by)
{
	char text[8192], *line, *end;
	const char *key = file_key(fd);
	int from = (int)CHECK_OK(open("/proc/locks", O_RDONLY)), n = 0;
	size_t len = 0;
	ssize_t got;

	while ((got = CHECK_OK(read(from, text + len, by))) > 0) {
		len += (size_t)got;
		text[len] = '\0';
		for (line = text; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			CHECK(strstr(line, "ADVISORY") || strstr(line, "LEASE"));
			n += !!strstr(line, key);
		}
		len -= (size_t)(line - text);
		memmove(text, line, len);
	}
	CHECK_EQ(len, 0);
	CHECK_EQ(pread(from, text, 10, 1 << 30), 0);
	CHECK_EQ(pread(from, text, 2, 0), 2);
	CHECK(!memcmp(text, "1:", 2));
	CHECK_OK(close(from));
	return n;
}

/* As many as may be: they are shown piece by piece, and each is there once. */
TEST(locks, are_many)
{
	int fd = file_open(), other;
	pid_t pid[3];

	for (int i = 0; i < 1000; i++)
		CHECK_OK(lock(fd, F_SETLK, F_RDLCK, i * 2, 1));
	for (int i = 0; i < 200; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%d", i);
		other = (int)CHECK_OK(open(name, O_RDWR | O_CREAT, 0600));
		CHECK_OK(flock(other, LOCK_EX));
	}
	CHECK_EQ(count_lines(fd, 4000), 1000);
	CHECK_EQ(count_lines(fd, 7), 1000);
	for (int i = 0; i < 3; i++) {
		pid[i] = child();
		if (!pid[i]) {
			CHECK_OK(lock(file_open(), F_SETLKW, F_WRLCK, 998, 1));
			_exit(0);
		}
	}
	while (count_lines(fd, 4000) < 1003)
		usleep(500);
	CHECK_EQ(count_lines(other, 100), 1);
	/* Whoever goes, those who stood behind that one go on waiting. */
	CHECK_OK(kill(pid[0], SIGKILL));
	expect_signal(pid[0], SIGKILL);
	while (count_lines(fd, 4000) < 1002)
		usleep(500);
	CHECK_EQ(count_lines(fd, 99), 1002);
	CHECK_OK(lock(fd, F_SETLK, F_UNLCK, 0, 0));
	expect_exit(pid[1], 0);
	expect_exit(pid[2], 0);
	CHECK_EQ(count_lines(fd, 4000), 0);
}
