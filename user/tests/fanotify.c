/*
 * fanotify: what groups hear because of which marks, questions and their answers.
 */
#include "fanotify.h"

TEST(fanotify, init_args, .root = true)
{
	CHECK_ERR(fanotify_init(0xc, O_RDONLY), EINVAL);
	CHECK_ERR(fanotify_init(0x80000000, O_RDONLY), EINVAL);
	CHECK_ERR(fanotify_init(0, O_ACCMODE), EINVAL);
	CHECK_ERR(fanotify_init(0, O_CREAT), EINVAL);
	CHECK_ERR(fanotify_init(0, O_DIRECTORY), EINVAL);
	CHECK_ERR(fanotify_init(FAN_REPORT_NAME, O_RDONLY), EINVAL);
	CHECK_ERR(fanotify_init(FAN_CLASS_CONTENT | FAN_REPORT_FID, O_RDONLY), EINVAL);
	int g = (int)CHECK_OK(fanotify_init(FAN_CLASS_PRE_CONTENT | FAN_CLOEXEC,
					    O_RDWR | O_APPEND | O_NOATIME | O_DSYNC | O_CLOEXEC));
	CHECK_EQ(fcntl(g, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(g, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	CHECK_OK(close(g));
}

TEST(fanotify, mark_args, .root = true)
{
	int g = group(FAN_CLASS_NOTIF), c = group(FAN_CLASS_CONTENT), p[2];

	file_make("f", "abc", 3);
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(pipe(p));
	CHECK_ERR(MARK(g, 0, FAN_OPEN, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_REMOVE, FAN_OPEN, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD, 0, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_REMOVE, 0, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD, FAN_Q_OVERFLOW, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD, 1ull << 32, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | 0x800, FAN_OPEN, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | 0x110, FAN_OPEN, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_FLUSH | FAN_MARK_ONLYDIR, 0, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD, FAN_CREATE, "d"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD, FAN_ATTRIB, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD, FAN_OPEN_PERM, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_REMOVE, FAN_OPEN_PERM, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_EVICTABLE, FAN_OPEN, "f"),
		  EINVAL);
	CHECK_ERR(MARK(999, FAN_MARK_ADD, FAN_OPEN, "f"), EBADF);
	CHECK_ERR(MARK(p[0], FAN_MARK_ADD, FAN_OPEN, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD, FAN_OPEN, "none"), ENOENT);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, "f"), ENOTDIR);
	CHECK_ERR(fanotify_mark(g, FAN_MARK_ADD, FAN_OPEN, 999, NULL), EBADF);
	CHECK_ERR(fanotify_mark(g, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN, p[0], NULL),
		  ENOTDIR);
	CHECK_ERR(fanotify_mark(g, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, p[0], NULL), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_REMOVE, FAN_OPEN, "f"), ENOENT);
	CHECK_ERR(MARK(c, FAN_MARK_ADD, FAN_OPEN_PERM, "/proc/self/status"), EINVAL);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN, "f"));
	CHECK_ERR(MARK(g, FAN_MARK_REMOVE | FAN_MARK_MOUNT, FAN_OPEN, "f"), ENOENT);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_EVICTABLE, FAN_OPEN, "f"), EEXIST);
	CHECK_OK(MARK(g, FAN_MARK_REMOVE, FAN_OPEN, "f"));
	CHECK_ERR(MARK(g, FAN_MARK_REMOVE, FAN_OPEN, "f"), ENOENT);
	CHECK_OK(MARK(g, FAN_MARK_FLUSH, 0, "none"));
	/* Ignored the new way. */
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK, FAN_OPEN, "f"),
		  EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, "d"), EISDIR);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_IGNORE | FAN_MARK_MOUNT, FAN_OPEN, "f"), EINVAL);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN | FAN_ONDIR, "f"), ENOTDIR);
	CHECK_OK(MARK(g, FAN_MARK_ADD | FAN_MARK_IGNORE_SURV, FAN_OPEN, "f"));
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "f"), EEXIST);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_IGNORE, FAN_OPEN, "f"), EEXIST);
	for (int i = 0; i < 2; i++)
		CHECK_OK(close(p[i]));
	CHECK_OK(close(g));
	CHECK_OK(close(c));
}

TEST(fanotify, uses_of_a_file, .root = true)
{
	int g = group(FAN_CLASS_NOTIF), fd, own = -1, n;
	struct stat a, b;
	char c;

	file_make("f", "abc", 3);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE, "f"));
	fd = (int)CHECK_OK(open("f", O_RDWR));
	CHECK_EQ(next(g, &own), FAN_OPEN);
	CHECK_OK(fstat(fd, &a));
	CHECK_OK(fstat(own, &b));
	CHECK(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	CHECK_EQ(fcntl(own, F_GETFL) & O_ACCMODE, O_RDONLY);
	/* Nobody hears of what is done with that one. */
	CHECK_EQ(read(own, &c, 1), 1);
	CHECK_OK(close(own));
	CHECK_EQ(heard(g), 0);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(heard(g), FAN_ACCESS);
	CHECK_EQ(read(fd, &c, 0), 0);
	CHECK_EQ(heard(g), 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_OK(close(fd));
	/* One event says both. */
	CHECK_OK(ioctl(g, FIONREAD, &n));
	CHECK_EQ(n, sizeof(struct fanotify_event_metadata));
	CHECK_EQ(heard(g), FAN_MODIFY | FAN_CLOSE_WRITE);
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard(g), FAN_OPEN | FAN_CLOSE_NOWRITE);
	CHECK_OK(MARK(g, FAN_MARK_REMOVE, FAN_OPEN | FAN_CLOSE, "f"));
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard(g), 0);
	/* Names are not its business; with the last one the mark goes. */
	CHECK_OK(rename("f", "h"));
	CHECK_OK(unlink("h"));
	CHECK_EQ(heard(g), 0);
	CHECK_ERR(read(g, &c, 1), EAGAIN);
	CHECK_OK(close(g));
}

TEST(fanotify, directories, .root = true)
{
	int g = group(FAN_CLASS_NOTIF);
	uint64_t each = FAN_OPEN | FAN_CLOSE;

	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(mkdir("d/sub", 0700));
	file_make("d/f", "abc", 3);
	file_make("d/sub/f", "abc", 3);
	CHECK_OK(MARK(g, FAN_MARK_ADD, each, "d"));
	file_open_close("d", O_RDONLY);
	file_open_close("d/f", O_RDONLY);
	CHECK_EQ(heard(g), 0);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_ONDIR, "d"));
	file_open_close("d", O_RDONLY);
	CHECK_EQ(heard(g), FAN_OPEN | FAN_CLOSE_NOWRITE);
	file_open_close("d/f", O_RDONLY);
	CHECK_EQ(heard(g), 0);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_EVENT_ON_CHILD, "d"));
	file_open_close("d/f", O_RDONLY);
	CHECK_EQ(heard(g), FAN_OPEN | FAN_CLOSE_NOWRITE);
	file_open_close("d/sub", O_RDONLY);
	CHECK_EQ(heard(g), FAN_OPEN | FAN_CLOSE_NOWRITE);
	file_open_close("d/sub/f", O_RDONLY);
	CHECK_EQ(heard(g), 0);
	CHECK_OK(MARK(g, FAN_MARK_REMOVE, FAN_ONDIR, "d"));
	file_open_close("d/sub", O_RDONLY);
	file_open_close("d", O_RDONLY);
	CHECK_EQ(heard(g), 0);
	CHECK_OK(close(g));
}

/* Events of others on the mount, the volume, are nobody's business here. */
static uint64_t heard_of_us(int g)
{
	struct fanotify_event_metadata m;
	uint64_t mask = 0;

	while (read(g, &m, sizeof(m)) == sizeof(m)) {
		if (m.fd >= 0)
			CHECK_OK(close(m.fd));
		if (m.pid == getpid())
			mask |= m.mask;
	}
	CHECK_EQ(errno, EAGAIN);
	return mask;
}

static void check_wide(unsigned type)
{
	int g = group(FAN_CLASS_NOTIF);

	CHECK_OK(MARK(g, FAN_MARK_ADD | type, FAN_OPEN | FAN_CLOSE_NOWRITE, "."));
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard_of_us(g), FAN_OPEN | FAN_CLOSE_NOWRITE);
	file_open_close("d", O_RDONLY);
	CHECK_EQ(heard_of_us(g), 0);
	/* An inode's mark beside it adds to it, or takes away. */
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_CLOSE_WRITE, "f"));
	file_open_close("f", O_WRONLY);
	CHECK_EQ(heard_of_us(g), FAN_OPEN | FAN_CLOSE_WRITE);
	CHECK_OK(MARK(g, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK, FAN_OPEN, "f"));
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard_of_us(g), FAN_CLOSE_NOWRITE);
	CHECK_OK(MARK(g, FAN_MARK_FLUSH | type, 0, "."));
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard_of_us(g), 0);
	file_open_close("f", O_WRONLY);
	CHECK_EQ(heard_of_us(g), FAN_CLOSE_WRITE);
	CHECK_OK(close(g));
}

TEST(fanotify, mounts_and_volumes, .root = true)
{
	file_make("f", "abc", 3);
	CHECK_OK(mkdir("d", 0700));
	check_wide(FAN_MARK_MOUNT);
	check_wide(FAN_MARK_FILESYSTEM);
}

/* Groups with marks in several places: what one ignores, or heard before, is nothing to another. */
TEST(fanotify, each_by_its_marks, .root = true)
{
	const unsigned ignore = FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY;
	int one = group(0), mount = group(0), volume = group(0), other = group(0);

	file_make("f", "abc", 3);
	file_make("g", "abc", 3);
	CHECK_OK(MARK(one, FAN_MARK_ADD, FAN_OPEN, "f"));
	CHECK_OK(MARK(one, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE | FAN_EVENT_ON_CHILD, "."));
	CHECK_OK(MARK(mount, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, "."));
	CHECK_OK(MARK(mount, FAN_MARK_ADD | ignore, FAN_OPEN, "f"));
	CHECK_OK(MARK(volume, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, "."));
	CHECK_OK(MARK(other, FAN_MARK_ADD, FAN_CLOSE, "g"));
	for (int i = 0; i < 2; i++) {
		file_open_close("f", O_RDONLY);
		CHECK_EQ(heard_of_us(one), FAN_OPEN | FAN_CLOSE_NOWRITE);
		CHECK_EQ(heard_of_us(mount), 0);
		CHECK_EQ(heard_of_us(volume), FAN_OPEN);
		CHECK_EQ(heard_of_us(other), 0);
		file_open_close("g", O_RDONLY);
		CHECK_EQ(heard_of_us(one), FAN_OPEN | FAN_CLOSE_NOWRITE);
		CHECK_EQ(heard_of_us(mount), FAN_OPEN);
		CHECK_EQ(heard_of_us(volume), FAN_OPEN);
		CHECK_EQ(heard_of_us(other), FAN_CLOSE_NOWRITE);
	}
	CHECK_OK(close(one));
	CHECK_OK(close(volume));
	file_open_close("g", O_RDONLY);
	CHECK_EQ(heard_of_us(mount), FAN_OPEN);
	CHECK_EQ(heard_of_us(other), FAN_CLOSE_NOWRITE);
	CHECK_OK(close(mount));
	CHECK_OK(close(other));
}

TEST(fanotify, ignored, .root = true)
{
	int g = group(FAN_CLASS_NOTIF), fd;
	unsigned ignore = FAN_MARK_ADD | FAN_MARK_IGNORED_MASK;

	file_make("f", "abc", 3);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN | FAN_MODIFY, "f"));
	CHECK_OK(MARK(g, ignore, FAN_OPEN, "f"));
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard(g), 0);
	/* Until it is changed. */
	fd = (int)CHECK_OK(open("f", O_WRONLY));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(heard(g), FAN_MODIFY);
	/* And while it is open for writing there is nothing to ignore. */
	CHECK_OK(MARK(g, ignore, FAN_OPEN, "f"));
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard(g), FAN_OPEN);
	CHECK_OK(close(fd));
	CHECK_OK(MARK(g, ignore, FAN_OPEN, "f"));
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard(g), 0);
	CHECK_OK(truncate("f", 1));
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard(g), FAN_OPEN);
	/* But for those that survive. */
	CHECK_OK(MARK(g, ignore | FAN_MARK_IGNORED_SURV_MODIFY, FAN_OPEN | FAN_MODIFY, "f"));
	fd = (int)CHECK_OK(open("f", O_WRONLY));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_OK(close(fd));
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard(g), 0);
	CHECK_OK(MARK(g, FAN_MARK_REMOVE | FAN_MARK_IGNORED_MASK, FAN_OPEN, "f"));
	file_open_close("f", O_RDONLY);
	CHECK_EQ(heard(g), FAN_OPEN);
	CHECK_OK(close(g));
}

/* What a directory's mark ignores it ignores of what is in it, too, if it hears of that. */
TEST(fanotify, ignored_in_directory, .root = true)
{
	unsigned ignore = FAN_MARK_ADD | FAN_MARK_IGNORED_MASK;
	int g = group(FAN_CLASS_NOTIF);

	CHECK_OK(mkdir("d", 0700));
	file_make("d/f", "abc", 3);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN, "d/f"));
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_CLOSE, "d"));
	CHECK_OK(MARK(g, ignore, FAN_OPEN, "d"));
	file_open_close("d/f", O_RDONLY);
	CHECK_EQ(heard(g), FAN_OPEN);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_CLOSE | FAN_EVENT_ON_CHILD, "d"));
	file_open_close("d/f", O_RDONLY);
	CHECK_EQ(heard(g), FAN_CLOSE_NOWRITE);
	CHECK_EQ(heard(g), 0);
	CHECK_OK(close(g));
}

/* --- questions --- */

/* Wait for one; its descriptor. */
static int question(int g, uint64_t mask)
{
	struct pollfd p = {.fd = g, .events = POLLIN};
	int fd;

	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(next(g, &fd), mask);
	CHECK_GE(fd, 0);
	return fd;
}

static void answer(int g, int fd, unsigned what)
{
	struct fanotify_response r = {.fd = fd, .response = what};

	CHECK_EQ(write(g, &r, sizeof(r)), sizeof(r));
	CHECK_OK(close(fd));
}

static pid_t opener(int error)
{
	pid_t pid = child();
	int fd;

	if (pid)
		return pid;
	fd = open("f", O_RDONLY);
	if (error) {
		CHECK_EQ(fd, -1);
		CHECK_EQ(errno, error);
	} else {
		CHECK_OK(fd);
	}
	_exit(0);
}

TEST(fanotify, open_is_asked, .root = true)
{
	int g = group(FAN_CLASS_CONTENT), fd;
	struct fanotify_response r = {.fd = 1000, .response = FAN_ALLOW};
	pid_t pid;

	file_make("f", "abc", 3);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN_PERM, "f"));
	pid = opener(0);
	fd = question(g, FAN_OPEN_PERM);
	CHECK_EQ(waitpid(pid, NULL, WNOHANG), 0);
	/* What is no answer. */
	CHECK_ERR(write(g, &r, sizeof(r) - 1), EINVAL);
	CHECK_ERR(write(g, &r, sizeof(r)), ENOENT);
	r.fd = -1;
	CHECK_ERR(write(g, &r, sizeof(r)), EINVAL);
	r.fd = fd;
	r.response = 3;
	CHECK_ERR(write(g, &r, sizeof(r)), EINVAL);
	answer(g, fd, FAN_ALLOW);
	expect_exit(pid, 0);
	pid = opener(EPERM);
	answer(g, question(g, FAN_OPEN_PERM), FAN_DENY);
	expect_exit(pid, 0);
	CHECK_EQ(heard(g), 0);
	CHECK_OK(close(g));
	file_open_close("f", O_RDONLY);
}

TEST(fanotify, read_is_asked, .root = true)
{
	int g, fd, before;
	pid_t pid;
	char c;

	CHECK_OK(mkdir("d", 0700));
	file_make("d/f", "abc", 3);
	before = (int)CHECK_OK(open("d/f", O_RDONLY));
	g = group(FAN_CLASS_PRE_CONTENT);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_ACCESS_PERM | FAN_ACCESS | FAN_EVENT_ON_CHILD, "d"));
	/* What was open before there was anybody to ask goes on. */
	CHECK_EQ(read(before, &c, 1), 1);
	CHECK_EQ(heard(g), FAN_ACCESS);
	fd = (int)CHECK_OK(open("d/f", O_RDONLY));
	for (int deny = 0; deny < 2; deny++) {
		pid = child();
		if (!pid) {
			if (deny)
				CHECK_ERR(pread(fd, &c, 1, 0), EPERM);
			else
				CHECK_EQ(pread(fd, &c, 1, 0), 1);
			_exit(0);
		}
		answer(g, question(g, FAN_ACCESS_PERM), deny ? FAN_DENY : FAN_ALLOW);
		expect_exit(pid, 0);
		CHECK_EQ(heard(g), deny ? 0 : FAN_ACCESS);
	}
	CHECK_OK(close(fd));
	CHECK_OK(close(before));
	CHECK_OK(close(g));
}

TEST(fanotify, end_of_a_group_allows, .root = true)
{
	int g = group(FAN_CLASS_CONTENT), fd;
	pid_t one, two;

	file_make("f", "abc", 3);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN_PERM, "f"));
	one = child();
	if (!one) {
		CHECK_OK(close(g));
		file_open_close("f", O_RDONLY);
		_exit(0);
	}
	fd = question(g, FAN_OPEN_PERM);
	two = child();
	if (!two) {
		CHECK_OK(close(g));
		file_open_close("f", O_RDONLY);
		_exit(0);
	}
	wait_state(two, "SD");
	CHECK_OK(close(g));
	expect_exit(one, 0);
	expect_exit(two, 0);
	CHECK_OK(close(fd));
}

TEST(fanotify, asker_is_killed, .root = true)
{
	int g = group(FAN_CLASS_CONTENT), fd, n = 1;
	struct fanotify_response r = {.response = FAN_ALLOW};
	struct pollfd p = {.fd = g, .events = POLLIN};
	pid_t pid;

	file_make("f", "abc", 3);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN_PERM, "f"));
	pid = opener(0);
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_OK(ioctl(g, FIONREAD, &n));
	CHECK_EQ(n, 0);
	pid = opener(0);
	fd = question(g, FAN_OPEN_PERM);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	r.fd = fd;
	/* The question stays, though nobody minds the answer; one is enough. */
	CHECK_EQ(write(g, &r, sizeof(r)), sizeof(r));
	CHECK_ERR(write(g, &r, sizeof(r)), ENOENT);
	CHECK_OK(close(fd));
	pid = opener(0);
	fd = question(g, FAN_OPEN_PERM);
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_OK(close(fd));
	CHECK_OK(close(g));
}

/* PRE_CONTENT before CONTENT, whichever came first; who is denied does not come to the next. */
TEST(fanotify, classes_in_order, .root = true)
{
	int late = group(FAN_CLASS_CONTENT), first = group(FAN_CLASS_PRE_CONTENT);
	pid_t pid;

	file_make("f", "abc", 3);
	CHECK_OK(MARK(late, FAN_MARK_ADD, FAN_OPEN_PERM, "f"));
	CHECK_OK(MARK(first, FAN_MARK_ADD, FAN_OPEN_PERM, "f"));
	pid = opener(0);
	int fd = question(first, FAN_OPEN_PERM);

	CHECK_EQ(heard(late), 0);
	answer(first, fd, FAN_ALLOW);
	answer(late, question(late, FAN_OPEN_PERM), FAN_ALLOW);
	expect_exit(pid, 0);
	pid = opener(EPERM);
	answer(first, question(first, FAN_OPEN_PERM), FAN_DENY);
	expect_exit(pid, 0);
	CHECK_EQ(heard(late), 0);
	CHECK_OK(close(first));
	CHECK_OK(close(late));
}

TEST(fanotify, programs, .root = true)
{
	int g = group(FAN_CLASS_CONTENT), fd;
	pid_t pid;

	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN_EXEC | FAN_OPEN_EXEC_PERM, self_path()));
	file_open_close(self_path(), O_RDONLY);
	CHECK_EQ(heard(g), 0);
	pid = child();
	if (!pid)
		exec_helper("exit", "42");
	fd = question(g, FAN_OPEN_EXEC_PERM);
	answer(g, fd, FAN_ALLOW);
	expect_exit(pid, 42);
	CHECK_EQ(heard(g), FAN_OPEN_EXEC);
	pid = child();
	if (!pid) {
		exec_helper("exit", "42");
		CHECK_EQ(errno, EPERM);
		_exit(0);
	}
	answer(g, question(g, FAN_OPEN_EXEC_PERM), FAN_DENY);
	expect_exit(pid, 0);
	CHECK_OK(close(g));
}
