/* inotify: what is told of which change, in which order, and what ends a watch. */
#include "leak.h"
#include "ut.h"

#include <poll.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>

/* The events that wait, as text: "wd:mask[:name][~cookie]", the cookie as 1, 2 ... by first use. */
static const char *events(int fd)
{
	static char text[8192];
	char buf[16384] __attribute__((aligned(8)));
	uint32_t cookies[16];
	size_t ncookies = 0, at = 0, k;
	ssize_t n = read(fd, buf, sizeof(buf));

	text[0] = 0;
	if (n < 0)
		CHECK_EQ(errno, EAGAIN);
	for (ssize_t i = 0; i < n;) {
		struct inotify_event *e = (void *)(buf + i);

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%d:%x", i ? " " : "",
				       e->wd, e->mask);
		CHECK_EQ(e->len % sizeof(*e), 0);
		if (e->len)
			at += (size_t)snprintf(text + at, sizeof(text) - at, ":%s", e->name);
		if (e->cookie) {
			for (k = 0; k < ncookies && cookies[k] != e->cookie; k++)
				continue;
			if (k == ncookies)
				cookies[ncookies++] = e->cookie;
			at += (size_t)snprintf(text + at, sizeof(text) - at, "~%zu", k + 1);
		}
		i += (ssize_t)(sizeof(*e) + e->len);
	}
	return text;
}

static int instance(void)
{
	return (int)CHECK_OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
}

TEST(inotify, arguments)
{
	int fd, file;

	CHECK_ERR(inotify_init1(1), EINVAL);
	fd = CHECK_OK(inotify_init1(0));
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDONLY);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_OK(close(fd));
	fd = instance();
	CHECK_EQ(fcntl(fd, F_GETFL), O_RDONLY | O_NONBLOCK);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	file_make("f", "", 0);
	CHECK_OK(symlink("f", "link"));
	file = CHECK_OK(open("f", O_RDWR));
	CHECK_ERR(inotify_add_watch(fd, "f", 0), EINVAL);
	CHECK_ERR(inotify_add_watch(fd, "f", 0x1000), EINVAL);
	CHECK_ERR(inotify_add_watch(file, "f", IN_OPEN), EINVAL);
	CHECK_ERR(inotify_add_watch(-1, "f", IN_OPEN), EBADF);
	CHECK_ERR(inotify_add_watch(fd, "none", IN_OPEN), ENOENT);
	CHECK_ERR(inotify_add_watch(fd, "f", IN_OPEN | IN_ONLYDIR), ENOTDIR);
	CHECK_ERR(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE), EINVAL);
	CHECK_ERR(inotify_add_watch(fd, (char *)8, IN_OPEN), EFAULT);
	CHECK_EQ(inotify_add_watch(fd, "f", IN_OPEN), 1);
	CHECK_EQ(inotify_add_watch(fd, "link", IN_OPEN), 1);
	CHECK_EQ(inotify_add_watch(fd, "link", IN_OPEN | IN_DONT_FOLLOW), 2);
	CHECK_ERR(inotify_add_watch(fd, "f", IN_OPEN | IN_MASK_CREATE), EEXIST);
	CHECK_ERR(inotify_rm_watch(fd, 3), EINVAL);
	CHECK_ERR(inotify_rm_watch(file, 1), EINVAL);
	CHECK_ERR(inotify_rm_watch(-1, 1), EBADF);
	CHECK_ERR(write(fd, "x", 1), EBADF);
	CHECK_ERR(read(fd, &file, 4), EAGAIN);
	CHECK_OK(inotify_rm_watch(fd, 1));
	CHECK_ERR(inotify_rm_watch(fd, 1), EINVAL);
	CHECK_ERR(read(fd, &file, 4), EINVAL); /* smaller than the event */
	CHECK_STR(events(fd), "1:8000");
	CHECK_EQ(inotify_add_watch(fd, "f", IN_OPEN), 3);
}

TEST(inotify, permission, .root = true)
{
	int fd = instance();

	file_make("f", "", 0);
	CHECK_OK(chmod("f", 0300));
	CHECK_OK(chmod(".", 0777));
	become_user();
	CHECK_ERR(inotify_add_watch(fd, "f", IN_OPEN), EACCES);
}

TEST(inotify, use_of_a_file)
{
	int fd = instance(), file;
	char c;

	file_make("f", "text", 4);
	CHECK_EQ(inotify_add_watch(fd, "f", IN_ALL_EVENTS), 1);
	file = CHECK_OK(open("f", O_RDONLY));
	CHECK_STR(events(fd), "1:20");
	CHECK_EQ(read(file, &c, 1), 1);
	CHECK_EQ(read(file, &c, 1), 1);
	CHECK_STR(events(fd), "1:1"); /* the same twice is said once */
	CHECK_EQ(pread(file, &c, 1, 100), 0);
	CHECK_OK(close(file));
	CHECK_STR(events(fd), "1:10");
	file = CHECK_OK(open("f", O_WRONLY | O_TRUNC));
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_OK(ftruncate(file, 100));
	CHECK_OK(fchmod(file, 0640));
	CHECK_OK(close(file));
	CHECK_STR(events(fd), "1:20 1:2 1:4 1:8");
	file = CHECK_OK(open("f", O_PATH));
	CHECK_OK(close(file));
	CHECK_STR(events(fd), "");
	CHECK_OK(truncate("f", 5));
	CHECK_OK(chmod("f", 0600));
	CHECK_STR(events(fd), "1:2 1:4");
	CHECK_OK(utimensat(AT_FDCWD, "f", NULL, 0));
	CHECK_OK(link("f", "g"));
	CHECK_STR(events(fd), "1:4");
	CHECK_OK(unlink("g"));
	CHECK_STR(events(fd), "1:4");
}

TEST(inotify, names_in_a_directory)
{
	int fd = instance(), file;

	CHECK_OK(mkdir("d", 0700));
	CHECK_EQ(inotify_add_watch(fd, "d", IN_ALL_EVENTS & ~IN_ACCESS), 1);
	file = CHECK_OK(open("d/f", O_CREAT | O_RDWR, 0600));
	CHECK_STR(events(fd), "1:100:f 1:20:f");
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_OK(close(file));
	CHECK_STR(events(fd), "1:2:f 1:8:f");
	CHECK_OK(chmod("d/f", 0700));
	CHECK_OK(symlink("f", "d/s"));
	CHECK_OK(mkfifo("d/p", 0600));
	CHECK_OK(mkdir("d/sub", 0700));
	CHECK_OK(link("d/f", "d/g"));
	CHECK_STR(events(fd), "1:4:f 1:100:s 1:100:p 1:40000100:sub 1:100:g");
	CHECK_OK(chmod("d/sub", 0500));
	CHECK_OK(chmod("d", 0755));
	CHECK_STR(events(fd), "1:40000004:sub 1:40000004");
	CHECK_OK(rmdir("d/sub"));
	CHECK_OK(unlink("d/s"));
	CHECK_OK(unlink("d/p"));
	CHECK_OK(unlink("d/f"));
	CHECK_OK(unlink("d/g"));
	CHECK_STR(events(fd), "1:40000200:sub 1:200:s 1:200:p 1:200:f 1:200:g");
	file = CHECK_OK(open("d", O_RDONLY | O_DIRECTORY));
	CHECK_OK(close(file));
	CHECK_STR(events(fd), "1:40000020 1:40000010");
}

TEST(inotify, moves)
{
	int fd = instance();

	CHECK_OK(mkdir("a", 0700));
	CHECK_OK(mkdir("b", 0700));
	file_make("a/x", "", 0);
	file_make("b/old", "", 0);
	CHECK_EQ(inotify_add_watch(fd, "a", IN_MOVE | IN_DELETE), 1);
	CHECK_EQ(inotify_add_watch(fd, "b", IN_MOVE | IN_DELETE), 2);
	CHECK_EQ(inotify_add_watch(fd, "a/x", IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB), 3);
	CHECK_EQ(inotify_add_watch(fd, "b/old", IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB), 4);
	CHECK_OK(rename("a/x", "b/y"));
	CHECK_STR(events(fd), "1:40:x~1 2:80:y~1 3:800");
	CHECK_OK(rename("b/y", "b/old"));
	CHECK_STR(events(fd), "2:40:y~1 2:80:old~1 4:4 3:800 4:400 4:8000");
	file_make("a/e", "", 0);
	CHECK_OK(syscall(SYS_renameat2, AT_FDCWD, "a/e", AT_FDCWD, "b/old", 2 /* EXCHANGE */));
	CHECK_STR(events(fd), "1:40:e~1 2:80:old~1 2:40:old~2 1:80:e~2 3:800");
	CHECK_OK(mkdir("a/dir", 0700));
	CHECK_OK(rename("a/dir", "elsewhere"));
	CHECK_STR(events(fd), "1:40000040:dir~1");
}

TEST(inotify, end_of_the_file)
{
	int fd = instance(), file;

	file_make("f", "", 0);
	CHECK_EQ(inotify_add_watch(fd, "f", IN_DELETE_SELF | IN_ATTRIB | IN_CLOSE), 1);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_DELETE), 2);
	file = CHECK_OK(open("f", O_RDONLY));
	CHECK_OK(unlink("f"));
	CHECK_STR(events(fd), "1:4 2:200:f");
	CHECK_OK(close(file)); /* only now it is gone */
	CHECK_STR(events(fd), "1:10 1:400 1:8000");
	CHECK_ERR(inotify_rm_watch(fd, 1), EINVAL);
	file_make("f", "", 0);
	CHECK_EQ(inotify_add_watch(fd, "f", IN_DELETE_SELF | IN_ATTRIB), 3);
	CHECK_OK(unlink("f"));
	CHECK_STR(events(fd), "3:4 3:400 3:8000 2:200:f");
	CHECK_OK(mkdir("d", 0700));
	CHECK_EQ(inotify_add_watch(fd, "d", IN_DELETE_SELF), 4);
	CHECK_OK(rmdir("d"));
	CHECK_STR(events(fd), "4:400 4:8000 2:40000200:d");
}

TEST(inotify, unlinked_children)
{
	int fd = instance(), file;

	CHECK_EQ(inotify_add_watch(fd, ".", IN_MODIFY), 1);
	file = CHECK_OK(open("f", O_CREAT | O_RDWR, 0600));
	CHECK_OK(unlink("f"));
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_STR(events(fd), "1:2:f");
	CHECK_EQ(inotify_add_watch(fd, ".", IN_MODIFY | IN_EXCL_UNLINK), 1);
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_STR(events(fd), "");
}

TEST(inotify, masks)
{
	int fd = instance();

	file_make("f", "", 0);
	CHECK_EQ(inotify_add_watch(fd, "f", IN_OPEN), 1);
	CHECK_EQ(inotify_add_watch(fd, "f", IN_ATTRIB), 1);
	file_make("f", "", 0);
	CHECK_STR(events(fd), "");
	CHECK_EQ(inotify_add_watch(fd, "f", IN_CLOSE_WRITE | IN_MASK_ADD), 1);
	file_make("f", "", 0);
	CHECK_OK(chmod("f", 0600));
	CHECK_STR(events(fd), "1:8 1:4");
	CHECK_EQ(inotify_add_watch(fd, "f", IN_ATTRIB | IN_ONESHOT), 1);
	CHECK_OK(chmod("f", 0600));
	CHECK_OK(chmod("f", 0600));
	CHECK_STR(events(fd), "1:4 1:8000");
	CHECK_EQ(inotify_add_watch(fd, "f", IN_ATTRIB), 2);
}

TEST(inotify, readiness)
{
	int fd = instance(), bytes;
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT };
	char small[32];

	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE), 1);
	file_make("f", "", 0);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_OK(ioctl(fd, FIONREAD, &bytes));
	CHECK_EQ(bytes, 32);
	CHECK_OK(unlink("f"));
	file_make("a-name-of-more-than-sixteen", "", 0);
	CHECK_OK(ioctl(fd, FIONREAD, &bytes));
	CHECK_EQ(bytes, 32 + 32 + 48);
	CHECK_EQ(read(fd, small, sizeof(small)), 32);
	CHECK_EQ(read(fd, small, sizeof(small)), 32);
	CHECK_ERR(read(fd, small, sizeof(small)), EINVAL);
	CHECK_STR(events(fd), "1:100:a-name-of-more-than-sixteen");
	CHECK_EQ(poll(&p, 1, 0), 0);
}

TEST(inotify, blocking_read)
{
	int fd = CHECK_OK(inotify_init1(0));

	CHECK_EQ(inotify_add_watch(fd, ".", IN_CREATE), 1);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_STR(events(fd), "1:100:f");
		_exit(0);
	}
	wait_state(pid, "S");
	file_make("f", "", 0);
	expect_exit(pid, 0);
}

static uint64_t limit(const char *name)
{
	char path[80], text[32];

	snprintf(path, sizeof(path), "/proc/sys/fs/inotify/%s", name);
	file_text(path, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

TEST(inotify, overflow)
{
	int fd = instance();
	uint64_t max = limit("max_queued_events"), seen = 0;
	char buf[65536] __attribute__((aligned(8)));
	struct inotify_event *e = NULL;
	ssize_t n;

	file_make("f", "", 0);
	CHECK_EQ(inotify_add_watch(fd, "f", IN_ATTRIB | IN_OPEN), 1);
	for (uint64_t i = 0; i < max / 2 + 10; i++) {
		CHECK_OK(chmod("f", 0600));
		CHECK_OK(close((int)CHECK_OK(open("f", O_RDONLY))));
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i += (ssize_t)(sizeof(*e) + e->len)) {
			e = (void *)(buf + i);
			seen++;
			CHECK(e->wd == 1 || seen == max + 1);
		}
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(seen, max + 1);
	CHECK_EQ(e->wd, -1);
	CHECK_EQ(e->mask, IN_Q_OVERFLOW);
	CHECK_OK(chmod("f", 0600));
	CHECK_STR(events(fd), "1:4");
}

enum { QUEUES = 128, MANY = 400 };

/* The number of events, of which there were MANY unless the last is an overflow. */
static int drain(int fd)
{
	char buf[65536] __attribute__((aligned(8)));
	struct inotify_event *e = NULL;
	ssize_t n;
	int seen = 0;

	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i += (ssize_t)(sizeof(*e) + e->len), seen++)
			e = (void *)(buf + i);
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK(seen == MANY || (e && e->mask == IN_Q_OVERFLOW));
	return seen;
}

/* Two long names take turns: no event repeats the one before. */
static void change_names(void)
{
	char name[2][NAME_MAX + 1] = {0};

	memset(name[0], 'a', NAME_MAX);
	memset(name[1], 'b', NAME_MAX);
	file_make(name[0], "", 0);
	file_make(name[1], "", 0);
	for (int i = 0; i < MANY; i++)
		CHECK_OK(chmod(name[i % 2], 0600));
	CHECK_OK(unlink(name[0]));
	CHECK_OK(unlink(name[1]));
}

/* Without powers: many queues of one user together keep no more than a part of memory. */
static void fill_queues(void)
{
	int fd[QUEUES];
	long before;

	become_user();
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(chdir("d"));
	for (int i = 0; i < QUEUES; i++) {
		fd[i] = instance();
		CHECK_EQ(inotify_add_watch(fd[i], ".", IN_ATTRIB), 1);
	}
	before = memory_kib();
	change_names();
	CHECK(before - memory_kib() < before / 8);
	for (int i = 0; i < QUEUES; i++) {
		if (i % 2)
			CHECK(drain(fd[i]) > 0);
		CHECK_OK(close(fd[i]));
	}
	/* What was read, or was never read, makes room again. */
	fd[0] = instance();
	CHECK_EQ(inotify_add_watch(fd[0], ".", IN_ATTRIB), 1);
	change_names();
	CHECK_EQ(drain(fd[0]), MANY);
	CHECK_OK(close(fd[0]));
	CHECK_OK(chdir(".."));
	CHECK_OK(rmdir("d"));
}

TEST(inotify, queues_of_a_user, .root = true, .mem_mib = 32)
{
	CHECK_OK(chmod(".", 0777));
	CHECK_EQ(run_child(fill_queues), 0);
}

TEST(inotify, limits, .root = true)
{
	uint64_t max = limit("max_user_instances");
	struct rlimit files = { max + 100, max + 100 };

	CHECK(limit("max_user_watches") >= 1024);
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &files));
	CHECK_OK(setresuid(1999, 1999, 1999));
	for (uint64_t i = 0; i < max; i++)
		CHECK_OK(inotify_init1(0));
	CHECK_ERR(inotify_init1(0), EMFILE);
}

TEST(inotify, unmount, .root = true)
{
	int fd = instance();

	CHECK_OK(mkdir("m", 0700));
	CHECK_OK(mount("none", "m", "tmpfs", 0, NULL));
	file_make("m/f", "", 0);
	CHECK_EQ(inotify_add_watch(fd, "m/f", IN_OPEN), 1);
	CHECK_OK(umount("m"));
	CHECK_STR(events(fd), "1:2000 1:8000");
}

static volatile bool done;

static void *change(void *arg)
{
	(void)arg;
	while (!done) {
		file_make("f", "x", 1);
		CHECK_OK(rename("f", "g"));
		CHECK_OK(unlink("g"));
	}
	return NULL;
}

TEST(inotify, race)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, change, NULL), 0);
	for (int i = 0; i < 300; i++) {
		int fd = instance(), wd;

		CHECK_OK(inotify_add_watch(fd, ".", IN_ALL_EVENTS));
		wd = inotify_add_watch(fd, "f", IN_ALL_EVENTS | (i % 2 ? IN_ONESHOT : 0));
		events(fd);
		if (wd > 0)
			inotify_rm_watch(fd, wd);
		CHECK_OK(close(fd));
	}
	done = true;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}
