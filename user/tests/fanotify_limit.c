/*
 * fanotify: limits, who may, what fdinfo says.
 */
#include "fanotify.h"

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
