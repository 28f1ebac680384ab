/*
 * unshare: unshare(2) of what threads and processes have in common; what cannot be given up.
 */
#include "ut.h"

#include <pthread.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/sem.h>

static char stack[65536] __attribute__((aligned(16)));

/* A child that shares what flags say, and runs fn. */
static void with_clone(int flags, int (*fn)(void *), void *arg)
{
	expect_exit((pid_t)CHECK_OK(clone(fn, stack + sizeof(stack), flags | SIGCHLD, arg)), 0);
}

static int files_given_up(void *arg)
{
	int fd = *(int *)arg;

	CHECK_OK(unshare(CLONE_FILES));
	CHECK_OK(close(fd));
	CHECK_OK(open("/dev/null", O_RDONLY));
	_exit(0);
}

static int files_kept(void *arg)
{
	CHECK_OK(unshare(0));
	CHECK_OK(close(*(int *)arg));
	_exit(0);
}

TEST(unshare, files)
{
	int fd = (int)CHECK_OK(open("/dev/zero", O_RDONLY)), before = open_descriptors();
	char byte;

	CHECK_OK(unshare(CLONE_FILES));
	with_clone(CLONE_FILES, files_given_up, &fd);
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK_EQ(open_descriptors(), before);
	with_clone(CLONE_FILES, files_kept, &fd);
	CHECK_ERR(read(fd, &byte, 1), EBADF);
}

static int place_given_up(void *arg)
{
	CHECK_OK(unshare(CLONE_FS));
	CHECK_OK(chdir("d"));
	(void)umask(077);
	(void)arg;
	_exit(0);
}

static int place_kept(void *arg)
{
	CHECK_OK(unshare(CLONE_FILES));
	CHECK_OK(chdir("d"));
	(void)umask(077);
	(void)arg;
	_exit(0);
}

TEST(unshare, place)
{
	CHECK_OK(mkdir("d", 0700));
	(void)umask(022);
	with_clone(CLONE_FS, place_given_up, NULL);
	CHECK_OK(access("d", F_OK));
	CHECK_EQ(umask(022), 022);
	with_clone(CLONE_FS, place_kept, NULL);
	CHECK_EQ(umask(022), 077);
	CHECK_ERR(access("d", F_OK), ENOENT);
	CHECK_OK(chdir(".."));
}

static void *thread_apart(void *arg)
{
	CHECK_OK(unshare(CLONE_FILES | CLONE_FS));
	CHECK_OK(close(*(int *)arg));
	CHECK_OK(chdir("/"));
	return NULL;
}

TEST(unshare, thread)
{
	int fd = (int)CHECK_OK(open("/dev/zero", O_RDONLY));
	pthread_t other;
	char byte, cwd[256];

	CHECK_EQ(pthread_create(&other, NULL, thread_apart, &fd), 0);
	CHECK_EQ(pthread_join(other, NULL), 0);
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK(getcwd(cwd, sizeof(cwd)) && cwd[1]);
}

/* What it would have undone at its end is undone now. */
TEST(unshare, semaphores)
{
	struct sembuf up = {.sem_op = 3, .sem_flg = SEM_UNDO};
	int id = (int)CHECK_OK(semget(IPC_PRIVATE, 1, 0600));

	CHECK_OK(semop(id, &up, 1));
	CHECK_OK(unshare(CLONE_FS | CLONE_FILES));
	CHECK_EQ(semctl(id, 0, GETVAL), 3);
	CHECK_OK(unshare(CLONE_SYSVSEM));
	CHECK_EQ(semctl(id, 0, GETVAL), 0);
	CHECK_OK(semop(id, &up, 1));
	CHECK_OK(unshare(CLONE_SYSVSEM));
	CHECK_EQ(semctl(id, 0, GETVAL), 0);
	CHECK_OK(semctl(id, 0, IPC_RMID));
}

static void *refused(void *arg)
{
	(void)arg;
	CHECK_ERR(unshare(CLONE_THREAD), EINVAL);
	CHECK_ERR(unshare(CLONE_SIGHAND), EINVAL);
	CHECK_ERR(unshare(CLONE_VM), EINVAL);
	CHECK_ERR(unshare(CLONE_FS | CLONE_VM), EINVAL);
	return NULL;
}

static int memory_refused(void *arg)
{
	(void)arg;
	CHECK_OK(unshare(CLONE_SIGHAND | CLONE_THREAD));
	CHECK_ERR(unshare(CLONE_VM), EINVAL);
	_exit(0);
}

static int handlers_refused(void *arg)
{
	(void)arg;
	CHECK_OK(unshare(CLONE_THREAD));
	CHECK_ERR(unshare(CLONE_SIGHAND), EINVAL);
	CHECK_ERR(unshare(CLONE_VM), EINVAL);
	_exit(0);
}

/* Threads, handlers and memory: only if there is nothing to be given up. */
TEST(unshare, in_common_for_good)
{
	pthread_t other;

	CHECK_OK(unshare(CLONE_THREAD));
	CHECK_OK(unshare(CLONE_SIGHAND));
	CHECK_OK(unshare(CLONE_VM));
	CHECK_OK(unshare(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES));
	CHECK_EQ(pthread_create(&other, NULL, refused, NULL), 0);
	CHECK_EQ(pthread_join(other, NULL), 0);
	with_clone(CLONE_VM, memory_refused, NULL);
	with_clone(CLONE_VM | CLONE_SIGHAND, handlers_refused, NULL);
}

static volatile sig_atomic_t handled;

static void handle(int sig)
{
	(void)sig;
	handled++;
}

static int other_program(void *arg)
{
	(void)arg;
	exec_helper("exit", "0");
	_exit(1);
}

/* The handlers that a program loses are its own. */
TEST(unshare, handlers_by_exec)
{
	on_signal(SIGUSR1, handle, 0);
	with_clone(CLONE_VM | CLONE_SIGHAND, other_program, NULL);
	with_clone(CLONE_VM, other_program, NULL);
	CHECK_OK(raise(SIGUSR1));
	CHECK_EQ(handled, 1);
}

TEST(unshare, errors, .root = true)
{
	CHECK_ERR(unshare(-1), EINVAL);
	CHECK_ERR(unshare(CLONE_VFORK), EINVAL);
	CHECK_ERR(unshare(CLONE_PARENT), EINVAL);
	CHECK_ERR(unshare(CLONE_SETTLS | CLONE_FS), EINVAL);
	CHECK_ERR(unshare(0xff), EINVAL);
	become_user();
	CHECK_ERR(unshare(CLONE_NEWNS), EPERM);
	CHECK_ERR(unshare(CLONE_NEWUTS | CLONE_FS), EPERM);
	CHECK_ERR(unshare(CLONE_NEWIPC), EPERM);
	CHECK_ERR(unshare(CLONE_NEWPID), EPERM);
	CHECK_ERR(unshare(CLONE_NEWNET), EPERM);
	CHECK_ERR(unshare(CLONE_NEWCGROUP), EPERM);
}
