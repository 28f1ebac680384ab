/*
 * fanotify: events that tell of files by handles and names (FAN_REPORT_FID and the like), of names
 * that come and go, of inodes; groups of users without power; pidfds.
 */
#include "fanotify.h"

#include <sys/mount.h>
#include <stdarg.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x1000
#define FAN_RENAME	      0x10000000
#endif
#define OLD_DFID_NAME 10
#define NEW_DFID_NAME 12

#define ALL_NAMES (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO)
#define ALL_SELF  (FAN_ATTRIB | FAN_DELETE_SELF | FAN_MOVE_SELF)

/* --- files that are known by their handles --- */

static struct {
	char name[8];
	struct file_handle head;
	unsigned char bytes[MAX_HANDLE_SZ];
} known[4];
static int nknown;

static void remember(const char *path, const char *name)
{
	int mount;

	snprintf(known[nknown].name, sizeof(known[nknown].name), "%s", name);
	known[nknown].head.handle_bytes = MAX_HANDLE_SZ;
	CHECK_OK(name_to_handle_at(AT_FDCWD, path, &known[nknown].head, &mount, 0));
	nknown++;
}

static const char *who(const struct file_handle *h)
{
	for (int i = 0; i < nknown; i++)
		if (h->handle_bytes == known[i].head.handle_bytes &&
		    h->handle_type == known[i].head.handle_type &&
		    !memcmp(h->f_handle, known[i].head.f_handle, h->handle_bytes))
			return known[i].name;
	return "?";
}

/* --- events as text --- */

static char said[1024];

static void say(const char *format, ...)
{
	size_t len = strlen(said);
	va_list ap;

	va_start(ap, format);
	vsnprintf(said + len, sizeof(said) - len, format, ap);
	va_end(ap);
}

static void say_mask(uint64_t mask)
{
	static const struct {
		uint64_t bit;
		const char *name;
	} names[] = {
		{ FAN_ACCESS, "access" }, { FAN_MODIFY, "modify" }, { FAN_ATTRIB, "attrib" },
		{ FAN_CLOSE_WRITE, "written" }, { FAN_CLOSE_NOWRITE, "closed" },
		{ FAN_OPEN, "open" }, { FAN_MOVED_FROM, "from" }, { FAN_MOVED_TO, "to" },
		{ FAN_CREATE, "create" }, { FAN_DELETE, "delete" },
		{ FAN_DELETE_SELF, "gone" }, { FAN_MOVE_SELF, "moved" },
		{ FAN_RENAME, "rename" }, { FAN_ONDIR, "DIR" }, { FAN_Q_OVERFLOW, "lost" },
	};
	const char *between = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (mask & names[i].bit) {
			say("%s%s", between, names[i].name);
			between = "+";
			mask &= ~names[i].bit;
		}
	CHECK_EQ(mask, 0);
}

static void say_record(const struct fanotify_event_info_header *h, const char *volume)
{
	const struct fanotify_event_info_fid *f = (const void *)h;
	const struct file_handle *handle = (const void *)f->handle;
	size_t used = sizeof(*f) + sizeof(*handle) + handle->handle_bytes;
	const char *name = (const char *)handle->f_handle + handle->handle_bytes;
	struct statfs st;

	CHECK_OK(statfs(volume, &st));
	CHECK_EQ(memcmp(&f->fsid, &st.f_fsid, sizeof(f->fsid)), 0);
	switch (h->info_type) {
	case FAN_EVENT_INFO_TYPE_FID:
		say(" file %s", who(handle));
		break;
	case FAN_EVENT_INFO_TYPE_DFID:
		say(" dir %s", who(handle));
		break;
	default:
		say(" %s%s/%s", h->info_type == FAN_EVENT_INFO_TYPE_DFID_NAME ? "name " :
		    h->info_type == OLD_DFID_NAME ? "old " :
		    h->info_type == NEW_DFID_NAME ? "new " : "?", who(handle), name);
		used += strlen(name) + 1;
	}
	CHECK_EQ(h->len, (used + 3) / 4 * 4);
	CHECK_EQ(h->pad, 0);
}

/* What the group has heard since it was asked last, of a volume. */
static const char *news(int g, const char *volume)
{
	static char buf[4096] __attribute__((aligned(8)));
	struct fanotify_event_metadata *m = (void *)buf;
	ssize_t n = read(g, buf, sizeof(buf));

	said[0] = '\0';
	if (n < 0)
		CHECK_EQ(errno, EAGAIN);
	for (; n > 0 && FAN_EVENT_OK(m, n); m = FAN_EVENT_NEXT(m, n)) {
		size_t at = m->metadata_len;

		CHECK_EQ(m->fd, FAN_NOFD);
		CHECK_EQ(m->pid, getpid());
		say("%s", said[0] ? "; " : "");
		say_mask(m->mask);
		while (at < m->event_len) {
			struct fanotify_event_info_header *h = (void *)((char *)m + at);

			say_record(h, volume);
			at += h->len;
		}
		CHECK_EQ(at, m->event_len);
	}
	CHECK(n <= 0);
	return said;
}

/* --- what happens --- */

static void make_file(void)
{
	file_make("m/d/n", "abc", 3);
	remember("m/d/n", "n");
}

static void make_dir(void)
{
	CHECK_OK(mkdir("m/d/s", 0700));
}

static void use_dir(void)
{
	file_open_close("m/d", O_RDONLY);
}

static void use_file(void)
{
	file_open_close("m/d/f", O_RDONLY);
}

static void change_file(void)
{
	CHECK_OK(chmod("m/d/f", 0640));
}

static void change_dir(void)
{
	CHECK_OK(chmod("m/d", 0750));
}

static void cut(void)
{
	CHECK_OK(truncate("m/d/f", 1));
}

static void rename_here(void)
{
	CHECK_OK(rename("m/d/n", "m/d/o"));
}

static void rename_away(void)
{
	CHECK_OK(rename("m/d/o", "m/e/p"));
}

static void rename_back(void)
{
	CHECK_OK(rename("m/e/p", "m/d/n"));
}

static void rename_dir(void)
{
	CHECK_OK(rename("m/d/s", "m/d/t"));
}

static void link_file(void)
{
	CHECK_OK(link("m/d/f", "m/d/l"));
}

static void unlink_link(void)
{
	CHECK_OK(unlink("m/d/l"));
}

static void unlink_new(void)
{
	CHECK_OK(unlink("m/d/n"));
}

static void remove_dir(void)
{
	CHECK_OK(rmdir("m/d/t"));
}

static void unlink_last(void)
{
	CHECK_OK(unlink("m/d/f"));
}

static void remove_watched(void)
{
	CHECK_OK(rmdir("m/d"));
}

static void (*const steps[])(void) = {
	make_file, make_dir, use_dir, use_file, change_file, change_dir, cut, rename_here,
	rename_away, rename_back, rename_dir, link_file, unlink_link, unlink_new, remove_dir,
	unlink_last, remove_watched,
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static void volume_make(void)
{
	CHECK_OK(mkdir("m", 0700));
	CHECK_OK(mount("none", "m", "tmpfs", 0, ""));
	CHECK_OK(mkdir("m/d", 0700));
	CHECK_OK(mkdir("m/e", 0700));
	file_make("m/d/f", "abc", 3);
	nknown = 0;
	remember("m/d", "d");
	remember("m/e", "e");
	remember("m/d/f", "f");
}

/* A group with these flags, and a mark on name, hears this of each step. */
static void check_steps(unsigned flags, unsigned type, uint64_t mask, const char *name,
			const char *const want[STEPS])
{
	int g;

	volume_make();
	g = group(flags);
	CHECK_OK(MARK(g, FAN_MARK_ADD | type, mask, name));
	for (size_t i = 0; i < STEPS; i++) {
		steps[i]();
		CHECK_STR(news(g, "m"), want[i]);
	}
	CHECK_OK(close(g));
	CHECK_OK(umount("m"));
}

#define ON_FILE (ALL_SELF | FAN_OPEN | FAN_CLOSE | FAN_MODIFY)
#define ON_DIRS (ON_FILE | ALL_NAMES | FAN_ONDIR | FAN_EVENT_ON_CHILD)

TEST(fanotify, files_by_handle, .root = true)
{
	static const char *const want[STEPS] = {
		"create file d; modify+written+open file n",
		"create+DIR file d",
		"closed+open+DIR file d",
		"closed+open file f",
		"attrib file f",
		"attrib+DIR file d",
		"modify file f",
		"from+to file d",
		"from file d",
		"to file d",
		"from+to+DIR file d",
		"create file d",
		"delete file d",
		"delete file d",
		"delete+DIR file d",
		"delete file d",
		"gone+DIR file d",
	};

	check_steps(FAN_REPORT_FID, 0, ON_DIRS, "m/d", want);
}

/* The kernel calls a file's directory a file, if it is asked for nothing else. */
TEST(fanotify, directories_by_handle, .root = true)
{
	static const char *const want[STEPS] = {
		"modify+written+open+create dir d",
		"create+DIR dir d",
		"closed+open+DIR dir d",
		"closed+open file d",
		"attrib file d",
		"attrib+DIR dir d",
		"modify file d",
		"from+to dir d",
		"from dir d",
		"to dir d",
		"from+to+DIR dir d",
		"create dir d",
		"delete dir d",
		"delete dir d",
		"delete+DIR dir d",
		"delete dir d",
		"gone+DIR dir d",
	};

	check_steps(FAN_REPORT_DIR_FID, 0, ON_DIRS, "m/d", want);
}

TEST(fanotify, all_by_handle, .root = true)
{
	static const char *const want[STEPS] = {
		"modify+written+open+create name d/n file n",
		"create+DIR name d/s file ?",
		"closed+open+DIR name d/.",
		"closed+open name d/f file f",
		"attrib name d/f file f",
		"attrib+DIR name d/.",
		"modify name d/f file f",
		"rename old d/n new d/o file n; from name d/n file n; to name d/o file n",
		"rename old d/o file n; from name d/o file n",
		"rename new d/n file n; to name d/n file n",
		"rename+DIR old d/s new d/t file ?; from+DIR name d/s file ?; "
		"to+DIR name d/t file ?",
		"create name d/l file f",
		"delete name d/l file f",
		"delete name d/n file n",
		"delete+DIR name d/t file ?",
		"delete name d/f file f",
		"gone+DIR name d/.",
	};

	check_steps(FAN_REPORT_FID | FAN_REPORT_DFID_NAME | FAN_REPORT_TARGET_FID, 0,
		    ON_DIRS | FAN_RENAME, "m/d", want);
}

TEST(fanotify, one_file_by_handle, .root = true)
{
	static const char *const want[STEPS] = {
		"",
		"",
		"",
		"closed+open name d/f file f",
		"attrib name d/f file f",
		"",
		"modify name d/f file f",
		"",
		"",
		"",
		"",
		"attrib file f",
		"attrib file f",
		"",
		"",
		"attrib+gone file f",
		"",
	};

	check_steps(FAN_REPORT_FID | FAN_REPORT_DFID_NAME | FAN_REPORT_TARGET_FID, 0, ON_FILE,
		    "m/d/f", want);
}

TEST(fanotify, volume_by_name, .root = true)
{
	static const char *const want[STEPS] = {
		"modify+written+open+create name d/n",
		"create+DIR name d/s",
		"closed+open+DIR name d/.",
		"closed+open name d/f",
		"attrib name d/f",
		"attrib+DIR name d/.",
		"modify name d/f",
		"rename old d/n new d/o; from name d/n; to name d/o",
		"rename old d/o new e/p; from name d/o; to name e/p",
		"rename old e/p new d/n; from name e/p; to name d/n",
		"rename+DIR old d/s new d/t; from+DIR name d/s; to+DIR name d/t; "
		"moved+DIR name ?/.",
		"create name d/l",
		"delete name d/l",
		"delete name d/n",
		"gone+DIR name ?/.; delete+DIR name d/t",
		"delete name d/f",
		"gone+DIR name d/.; delete+DIR name ?/d",
	};

	check_steps(FAN_REPORT_DFID_NAME, FAN_MARK_FILESYSTEM, ON_DIRS | FAN_RENAME, "m", want);
}

/* --- arguments --- */

TEST(fanotify, handle_args, .root = true)
{
	const unsigned name = FAN_REPORT_DIR_FID | FAN_REPORT_NAME;
	int fid = group(FAN_REPORT_FID), all, fd = group(0);

	CHECK_ERR(fanotify_init(FAN_REPORT_NAME | FAN_REPORT_FID, O_RDONLY), EINVAL);
	CHECK_ERR(fanotify_init(FAN_REPORT_TARGET_FID | name, O_RDONLY), EINVAL);
	CHECK_ERR(fanotify_init(FAN_REPORT_TARGET_FID | FAN_REPORT_FID, O_RDONLY), EINVAL);
	CHECK_ERR(fanotify_init(FAN_CLASS_PRE_CONTENT | name, O_RDONLY), EINVAL);
	CHECK_ERR(fanotify_init(FAN_REPORT_PIDFD | FAN_REPORT_TID, O_RDONLY), EINVAL);
	all = group(FAN_REPORT_FID | name | FAN_REPORT_TARGET_FID);
	file_make("f", "abc", 3);
	CHECK_OK(mkdir("d", 0700));
	CHECK_ERR(MARK(fd, FAN_MARK_ADD, FAN_DELETE_SELF, "f"), EINVAL);
	CHECK_ERR(MARK(fid, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_CREATE, "d"), EINVAL);
	CHECK_ERR(MARK(fid, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_ATTRIB, "d"), EINVAL);
	CHECK_ERR(MARK(fid, FAN_MARK_ADD, FAN_RENAME, "d"), EINVAL);
	CHECK_ERR(MARK(fid, FAN_MARK_ADD, FAN_OPEN_PERM, "d"), EINVAL);
	/* What only directories have; the older groups may ask it of files. */
	CHECK_OK(MARK(fid, FAN_MARK_ADD, FAN_CREATE | FAN_ONDIR, "f"));
	CHECK_ERR(MARK(all, FAN_MARK_ADD, FAN_CREATE, "f"), ENOTDIR);
	CHECK_ERR(MARK(all, FAN_MARK_ADD, FAN_OPEN | FAN_ONDIR, "f"), ENOTDIR);
	CHECK_ERR(MARK(all, FAN_MARK_ADD, FAN_RENAME, "f"), ENOTDIR);
	CHECK_OK(MARK(all, FAN_MARK_ADD, FAN_RENAME | FAN_ONDIR, "d"));
	/* A volume's files must be found by their handles. */
	CHECK_ERR(MARK(fid, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, "/proc"), EOPNOTSUPP);
	CHECK_OK(MARK(fid, FAN_MARK_ADD, FAN_OPEN, "/proc/self/status"));
	CHECK_OK(close(fid));
	CHECK_OK(close(all));
	CHECK_OK(close(fd));
}

TEST(fanotify, handle_needs_room, .root = true)
{
	int g = group(FAN_REPORT_FID | FAN_REPORT_DFID_NAME);
	char buf[256];
	ssize_t n;

	CHECK_OK(mkdir("d", 0700));
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_CREATE, "d"));
	file_make("d/one", "", 0);
	file_make("d/three", "", 0);
	CHECK_ERR(read(g, buf, sizeof(struct fanotify_event_metadata)), EINVAL);
	n = CHECK_OK(read(g, buf, 80));
	CHECK_EQ(((struct fanotify_event_metadata *)buf)->event_len, n);
	CHECK_STR(buf + n - 4, "one");
	n = CHECK_OK(read(g, buf, sizeof(buf)));
	CHECK_STR(buf + n - 8, "three");
	CHECK_OK(close(g));
}

/* --- who has no power --- */

/* Of a file of its own that another process uses it hears, but not of the process. */
TEST(fanotify, without_power, .root = true)
{
	struct fanotify_event_metadata m[8];
	int g, status;
	pid_t pid;

	become_user();
	file_make("f", "abc", 3);
	CHECK_ERR(fanotify_init(0, O_RDONLY), EPERM);
	CHECK_ERR(fanotify_init(FAN_REPORT_FID | FAN_UNLIMITED_QUEUE, O_RDONLY), EPERM);
	CHECK_ERR(fanotify_init(FAN_REPORT_FID | FAN_UNLIMITED_MARKS, O_RDONLY), EPERM);
	CHECK_ERR(fanotify_init(FAN_REPORT_FID | FAN_REPORT_TID, O_RDONLY), EPERM);
	CHECK_ERR(fanotify_init(FAN_REPORT_FID | FAN_REPORT_PIDFD, O_RDONLY), EPERM);
	CHECK_ERR(fanotify_init(FAN_REPORT_FID | FAN_CLASS_CONTENT, O_RDONLY), EPERM);
	g = group(FAN_REPORT_FID);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN, "."), EPERM);
	CHECK_ERR(MARK(g, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, "."), EPERM);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN, "f"));
	pid = child();
	if (pid == 0) {
		file_open_close("f", O_RDONLY);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(read(g, m, sizeof(m)) > (ssize_t)sizeof(m[0]));
	CHECK_EQ(m[0].pid, 0);
	file_open_close("f", O_RDONLY);
	CHECK(read(g, m, sizeof(m)) > (ssize_t)sizeof(m[0]));
	CHECK_EQ(m[0].pid, getpid());
	CHECK_OK(close(g));
}

/* --- processes --- */

static int pidfd_of_next(int g, pid_t pid)
{
	struct {
		struct fanotify_event_metadata m;
		struct fanotify_event_info_pidfd info;
	} e;

	CHECK_EQ(read(g, &e, sizeof(e)), sizeof(e));
	CHECK_EQ(e.m.event_len, sizeof(e));
	CHECK_EQ(e.m.pid, pid);
	CHECK_EQ(e.info.hdr.info_type, FAN_EVENT_INFO_TYPE_PIDFD);
	CHECK_EQ(e.info.hdr.len, sizeof(e.info));
	if (e.m.fd >= 0)
		CHECK_OK(close(e.m.fd));
	return e.info.pidfd;
}

/* A descriptor stands for who did it, as long as that has not been waited for. */
TEST(fanotify, pidfds, .root = true)
{
	int g = group(FAN_REPORT_PIDFD), fd;
	siginfo_t info;
	pid_t pid;

	file_make("f", "abc", 3);
	CHECK_OK(MARK(g, FAN_MARK_ADD, FAN_OPEN, "f"));
	for (int waited = 0; waited < 2; waited++) {
		pid = child();
		if (pid == 0) {
			file_open_close("f", O_RDONLY);
			_exit(7);
		}
		CHECK_OK(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
		if (waited)
			expect_exit(pid, 7);
		fd = pidfd_of_next(g, pid);
		if (waited) {
			CHECK_EQ(fd, FAN_NOPIDFD);
			continue;
		}
		CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
		CHECK_OK(waitid(P_PIDFD, fd, &info, WEXITED));
		CHECK_EQ(info.si_pid, pid);
		CHECK_OK(close(fd));
	}
	CHECK_OK(close(g));
}
