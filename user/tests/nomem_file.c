/* nomem: names, contents and shared memory; see nomem.c. */
#include "nomem.h"
#include "mq.h"

#include <dirent.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <time.h>

static long run_mkdir(void)
{
	return mkdir("folder", 0700);
}

static void drop_folder(void)
{
	rmdir("folder");
}

static long run_symlink(void)
{
	return symlink("a name that is long enough to need memory of its own, or so one hopes",
		       "link");
}

static void drop_link(void)
{
	unlink("link");
}

static void make_old(void)
{
	file_make("old", "text", 4);
}

static long run_rename(void)
{
	return rename("old", "renamed");
}

/* One of the two names is there, with the contents. */
static void check_rename(void)
{
	char text[8] = "";

	if (access("old", F_OK) == 0)
		CHECK_OK(rename("old", "renamed"));
	file_text("renamed", text, sizeof(text));
	CHECK_STR(text, "text");
	CHECK_OK(unlink("renamed"));
}

static long run_link(void)
{
	return link("f", "second");
}

static void drop_second(void)
{
	unlink("second");
}

static long run_list(void)
{
	DIR *dir = opendir("/proc");
	bool ended = false;

	if (!dir)
		return -1;
	errno = 0;
	while (readdir(dir))
		continue;
	ended = errno == 0;
	closedir(dir);
	errno = ENOMEM;
	return ended ? 0 : -1;
}

/* A write stops early, or fails before its first byte; what it wrote is there. */
static long run_write(void)
{
	static char data[5 * PAGE];
	int fd = open("written", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct stat st;
	long done;
	int error;

	if (fd < 0)
		return -1;
	done = write(fd, data, sizeof(data));
	error = errno;
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, done < 0 ? 0 : done);
	close(fd);
	errno = error;
	return done;
}

static void drop_written(void)
{
	unlink("written");
}

TEST(nomem, name, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{ .name = "mkdir", .run = run_mkdir, .intact = drop_folder },
		{ .name = "symlink", .run = run_symlink, .intact = drop_link },
		{ .name = "rename", .before = make_old, .run = run_rename,
		  .intact = check_rename, .may_need_none = true },
		{ .name = "link", .run = run_link, .intact = drop_second,
		  .may_need_none = true },
		{ .name = "readdir", .run = run_list },
		{ .name = "write", .run = run_write, .intact = drop_written },
	};

	door_open();
	file_pattern("f", 5 * PAGE, 1);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
}

/* --- shared memory --- */

static int id;

static long run_shmget(void)
{
	return shmget(IPC_PRIVATE, 5 * PAGE, 0600);
}

static void after_shmget(long segment)
{
	CHECK_OK(shmctl((int)segment, IPC_RMID, NULL));
}

static long run_shmat(void)
{
	void *p = shmat(id, NULL, 0);

	return p == (void *)-1 ? -1 : (long)p;
}

static void after_shmat(long p)
{
	*(volatile char *)p = 1;
	CHECK_OK(shmdt((void *)p));
}

static long run_shmdt(void)
{
	void *p = shmat(id, NULL, 0);
	long result;

	if (p == (void *)-1)
		return -1;
	result = shmdt(p);
	if (result < 0)
		*(volatile char *)p = 1;	/* it is there still */
	return result;
}

TEST(nomem, shm, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{ .name = "shmget", .run = run_shmget, .after = after_shmget },
		{ .name = "shmat", .run = run_shmat, .after = after_shmat },
		{ .name = "shmdt", .run = run_shmdt },
	};

	door_open();
	id = CHECK_OK(shmget(IPC_PRIVATE, 5 * PAGE, 0600));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
	after_shmget(id);
}

/* --- message queues --- */

static mqd_t queue;

static long run_mq_open(void)
{
	return mq_open(mq_name(1), O_RDWR | O_CREAT, 0600, NULL);
}

static void after_mq_open(long made)
{
	CHECK_OK(mq_unlink(mq_name(1)));
	CHECK_OK(mq_close((mqd_t)made));
}

static long run_mq_send(void)
{
	return mq_put(queue, 20, 3);
}

static void after_mq_send(long result)
{
	(void)result;
	mq_expect(queue, 20, 3);
}

static void mq_empty(void)
{
	CHECK_EQ(mq_count(queue), 0);
}

TEST(nomem, mq, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{ .name = "mq_open", .run = run_mq_open, .after = after_mq_open },
		{ .name = "mq_send", .run = run_mq_send, .after = after_mq_send,
		  .intact = mq_empty },
	};

	door_open();
	queue = mq_new(2, O_NONBLOCK);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
	mq_drop(queue);
}

/* --- the rest of a process --- */

static long run_spawn(void)
{
	char *argv[] = { "usertests", "--helper", "exit", "0", NULL };
	pid_t pid;
	int error = posix_spawn(&pid, self_path(), NULL, NULL, argv, NULL);

	errno = error;
	return error ? -1 : pid;
}

/* Past exec's point of no return the child may have been killed, or its start-up given up. */
static void after_spawn(long pid)
{
	(void)status_of((pid_t)pid);
}

static long run_sigqueue(void)
{
	return sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 });
}

static void after_sigqueue(long result)
{
	sigset_t set;

	(void)result;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigtimedwait(&set, NULL, &(struct timespec){ 0 }), SIGRTMIN);
}

TEST(nomem, process, .seconds = 300)
{
	static const struct failing_call calls[] = {
		{ .name = "posix_spawn", .run = run_spawn, .after = after_spawn },
		{ .name = "sigqueue", .run = run_sigqueue, .after = after_sigqueue },
	};
	sigset_t set;

	door_open();
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		fail_all(&calls[i]);
}
