/*
 * thread: names of threads that others set, and the way from a thread to its own folder in /proc.
 */
#include "ut.h"

#include <pthread.h>

static struct gate done;

static void *waits(void *tid)
{
	char link[64] = "", want[64], text[64];

	CHECK_OK(readlink("/proc/thread-self", link, sizeof(link) - 1));
	snprintf(want, sizeof(want), "%d/task/%d", getpid(), gettid());
	CHECK_STR(link, want);
	file_text("/proc/thread-self/stat", text, sizeof(text));
	CHECK_EQ(atoi(text), gettid());
	__atomic_store_n((pid_t *)tid, gettid(), __ATOMIC_SEQ_CST);
	gate_pass(&done);
	return NULL;
}

/* The bytes come to be the name; errno or 0. */
static int name_set(const char *file, const char *name, size_t n)
{
	int fd = (int)CHECK_OK(open(file, O_WRONLY)), err = 0;
	ssize_t got = write(fd, name, n);

	if (got < 0)
		err = errno;
	else
		CHECK_EQ(got, n);
	CHECK_OK(close(fd));
	return err;
}

static void expect_name(const char *file, const char *name)
{
	char text[64];

	file_text(file, text, sizeof(text));
	CHECK_STR(text, name);
}

TEST(thread, named_by_others, .root = true)
{
	char file[64], name[32];
	pid_t tid = 0, pid;
	pthread_t t;

	gate_make(&done);
	CHECK_EQ(pthread_create(&t, NULL, waits, &tid), 0);
	while (!__atomic_load_n(&tid, __ATOMIC_SEQ_CST))
		usleep(500);
	snprintf(file, sizeof(file), "/proc/self/task/%d/comm", tid);
	CHECK_EQ(name_set(file, "worker", 6), 0);
	expect_name(file, "worker\n");
	expect_name("/proc/self/comm", "usertests\n");
	CHECK_EQ(pthread_getname_np(t, name, sizeof(name)), 0);
	CHECK_STR(name, "worker");
	CHECK_EQ(pthread_setname_np(t, "other"), 0);
	expect_name(file, "other\n");
	CHECK_EQ(name_set("/proc/self/comm", "a name that is too long", 23), 0);
	expect_name("/proc/self/comm", "a name that is \n");
	CHECK_EQ(name_set("/proc/self/comm", "cut\0off", 7), 0);
	expect_name("/proc/self/comm", "cut\n");
	CHECK_EQ(name_set("/proc/self/comm", "with\n", 5), 0);
	expect_name("/proc/self/comm", "with\n\n");
	/* Only by threads of its own process. */
	snprintf(file, sizeof(file), "/proc/%d/comm", getpid());
	pid = child();
	if (!pid) {
		CHECK_EQ(name_set(file, "no", 2), EINVAL);
		become_user();
		CHECK_ERR(open(file, O_WRONLY), EACCES);
		/* Its own, as a thread's, though all that is said to be root's now. */
		CHECK_ERR(access("/proc/self/comm", W_OK), EACCES);
		CHECK_OK(access("/proc/thread-self/comm", W_OK));
		CHECK_ERR(access("/proc/thread-self/comm", X_OK), EACCES);
		CHECK_EQ(name_set("/proc/thread-self/comm", "mine", 4), 0);
		expect_name("/proc/self/comm", "mine\n");
		_exit(0);
	}
	expect_exit(pid, 0);
	gate_open(&done);
	CHECK_EQ(pthread_join(t, NULL), 0);
}
