/*
 * fanotify: limits, who may, what fdinfo says.
 */
#include "fanotify.h"
#include "leak.h"

#define FAN "/proc/sys/fs/fanotify/"

static void open_six(void)
{
	char name[16];

	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "%d", i);
		file_open_close(name, O_RDONLY);
	}
}

static void fill_queue(void)
{
	int g = group(FAN_CLASS_NOTIF);
	int fd;

	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD, "."));
	open_six();
	for (int i = 0; i < 4; i++)
		CHECK_EQ(heard(g), FAN_OPEN);
	CHECK_EQ(next(g, &fd), FAN_Q_OVERFLOW);
	CHECK_EQ(fd, FAN_NOFD);
	CHECK_EQ(heard(g), 0);
	CHECK_OK(close(g));
	g = group(FAN_UNLIMITED_QUEUE);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN | FAN_EVENT_ON_CHILD, "."));
	open_six();
	for (int i = 0; i < 6; i++)
		CHECK_EQ(heard(g), FAN_OPEN);
	CHECK_EQ(heard(g), 0);
	CHECK_OK(close(g));
}

static void too_many_groups(void)
{
	int one = group(0), two = group(0);

	CHECK_ERR(fanotify_init(0, O_RDONLY), EMFILE);
	CHECK_OK(close(one));
	one = group(0);
	CHECK_OK(close(one));
	CHECK_OK(close(two));
}

static void too_many_marks(void)
{
	int g = group(0), any = group(FAN_UNLIMITED_MARKS);

	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN, "0"));
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN, "1"));
	CHECK_ERR(MARK(g, FAN_MARK_ADD, FAN_OPEN, "2"), ENOSPC);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_CLOSE, "1"));
	CHECK_OK(MARK(any, FAN_MARK_ADD, FAN_OPEN, "0"));
	CHECK_OK(MARK(g, FAN_MARK_FLUSH, 0, "."));
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN, "2"));
	CHECK_OK(close(g));
	CHECK_OK(close(any));
}

TEST(fanotify, limits, .root = true)
{
	char name[16];

	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "%d", i);
		file_make(name, "a", 1);
	}
	CHECK_EQ(setting_get(FAN "max_user_groups"), 128);
	setting_with(FAN "max_queued_events", 4, fill_queue);
	setting_with(FAN "max_user_groups", 2, too_many_groups);
	setting_with(FAN "max_user_marks", 2, too_many_marks);
}

enum { QUEUES = 128, MOVES = 300 };

static int names_group(void)
{
	int g = group(FAN_REPORT_DFID_NAME);

	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_MOVED_TO, "."));
	return g;
}

/* The number of events in g's queue; the last is an overflow if there are fewer than were moves. */
static int drain(int g)
{
	char buf[65536] __attribute__((aligned(8)));
	struct fanotify_event_metadata *m = NULL;
	ssize_t n;
	int seen = 0;

	while ((n = read(g, buf, sizeof(buf))) > 0) {
		for (ssize_t i = 0; i < n; i += m->event_len, seen++)
			m = (void *)(buf + i);
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK(seen == MOVES || (m && m->mask == FAN_Q_OVERFLOW));
	return seen;
}

static void long_name(char name[NAME_MAX + 1], int i)
{
	memset(name, 'n', NAME_MAX);
	snprintf(name + NAME_MAX - 8, 9, "%08d", i);
}

/* Without powers: many queues of one user together keep no more than a part of memory. */
static void fill_queues(void)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 1];
	int g[QUEUES];
	long before;

	become_user();
	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(chdir("d"));
	for (int i = 0; i < QUEUES; i++)
		g[i] = names_group();
	long_name(from, 0);
	file_make(from, "", 0);
	before = memory_kib();
	for (int i = 1; i <= MOVES; i++) {
		long_name(to, i);
		CHECK_OK(rename(from, to));
		memcpy(from, to, sizeof(from));
	}
	CHECK(before - memory_kib() < before / 8);
	for (int i = 0; i < QUEUES; i++) {
		if (i % 2)
			CHECK(drain(g[i]) > 0);
		CHECK_OK(close(g[i]));
	}
	/* What was read, or was never read, makes room again. */
	g[0] = names_group();
	for (int i = 0; i < MOVES; i++) {
		long_name(to, i);
		CHECK_OK(rename(from, to));
		memcpy(from, to, sizeof(from));
	}
	CHECK_EQ(drain(g[0]), MOVES);
	CHECK_OK(close(g[0]));
	CHECK_OK(unlink(to));
	CHECK_OK(chdir(".."));
	CHECK_OK(rmdir("d"));
}

TEST(fanotify, queues_of_a_user, .root = true)
{
	CHECK_OK(chmod(".", 0777));
	CHECK_EQ(run_child(fill_queues), 0);
}

static void as_user(void)
{
	int g = (int)CHECK_OK(fanotify_init(0, O_RDONLY));

	become_user();
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, "."), EPERM);
	CHECK_ERR(MARK(g, FAN_MARK_FLUSH | FAN_MARK_FILESYSTEM, 0, "."), EPERM);
	CHECK_ERR(fanotify_init(FAN_CLASS_CONTENT | FAN_REPORT_FID, O_RDONLY), EPERM);
	CHECK_ERR(fanotify_init(0, O_RDONLY), EPERM);
	CHECK_ERR(fanotify_init(FAN_CLASS_CONTENT, O_RDONLY), EPERM);
	CHECK_ERR(fanotify_init(0x80000000, O_RDONLY), EPERM);
	/* FAN_ENABLE_AUDIT, FAN_REPORT_FD_ERROR, and what is unknown for everybody. */
	CHECK_ERR(fanotify_init(FAN_REPORT_FID | 0x40, O_RDONLY), EPERM);
	CHECK_ERR(fanotify_init(FAN_REPORT_FID | 0x2000, O_RDONLY), EPERM);
	CHECK_ERR(fanotify_init(FAN_REPORT_FID | 0x80000000, O_RDONLY), EINVAL);
}

TEST(fanotify, not_for_all, .root = true)
{
	CHECK_EQ(run_child(as_user), 0);
}

TEST(fanotify, info, .root = true)
{
	int g = (int)CHECK_OK(fanotify_init(FAN_CLASS_CONTENT | FAN_REPORT_TID, O_RDWR));
	char path[64], text[4096], want[256];
	struct stat st;

	file_make("f", "a", 1);
	CHECK_OK(stat("f", &st));
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE, "f"));
	CHECK_OK(MARK(g, FAN_MARK_ADD | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY,
		      FAN_MODIFY, "f"));
	CHECK_OK(MARK(g, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN_PERM, "f"));
	CHECK_OK(MARK(g, FAN_MARK_REMOVE | FAN_MARK_MOUNT, FAN_OPEN_PERM, "f"));
	CHECK_OK(MARK(g, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN_EXEC, "f"));
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", g);
	file_text(path, text, sizeof(text));
	CHECK(strstr(text, "\nfanotify flags:104 event-flags:8002\n"));
	snprintf(want, sizeof(want), "\nfanotify ino:%lx sdev:", (unsigned long)st.st_ino);
	CHECK(strstr(text, want));
	CHECK(strstr(text, " mflags:40 mask:38 ignored_mask:2 "));
	CHECK(!strstr(text, "fanotify mnt_id:"));
	CHECK(strstr(text, " mflags:0 mask:1000 ignored_mask:0\n"));
	CHECK_OK(close(g));
}
