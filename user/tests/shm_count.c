/*
 * System V shared memory: who counts as attached, and when a removed segment goes. In each way that
 * an attachment can come or go.
 */
#include "shm.h"

#include <sched.h>
#include <sys/mman.h>

static unsigned long attached(int id)
{
	return shm_stat(id).shm_nattch;
}

/* The segment is gone: its number means nothing any more. */
static void check_gone(int id)
{
	struct shmid_ds ds;

	CHECK_ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
}

TEST(shm, count_fork)
{
	int id = shm_new(PAGE);
	char *p = shm_map(id);
	struct gate gate;
	pid_t kids[5];

	gate_make(&gate);
	for (int i = 0; i < 5; i++) {
		kids[i] = child();
		if (!kids[i]) {
			gate_pass(&gate);
			if (i & 1)
				CHECK_OK(shmdt(p));
			_exit(0);
		}
	}
	CHECK_EQ(attached(id), 6);
	for (int i = 0; i < 5; i++)
		gate_open(&gate);
	for (int i = 0; i < 5; i++)
		expect_exit(kids[i], 0);
	CHECK_EQ(attached(id), 1);
	CHECK_OK(shmdt(p));
	CHECK_EQ(attached(id), 0);
	CHECK_EQ(shm_stat(id).shm_lpid, getpid());
	shm_drop(id);
}

TEST(shm, count_last_pid)
{
	int id = shm_new(PAGE);
	pid_t pid;

	shm_map(id);
	pid = child();
	if (!pid)
		_exit(0);
	expect_exit(pid, 0);
	CHECK_EQ(shm_stat(id).shm_lpid, pid);
	CHECK(shm_stat(id).shm_dtime != 0);
	shm_drop(id);
}

TEST(shm, count_exec)
{
	int id = shm_new(PAGE), go[2], done[2];
	char byte;
	pid_t pid;

	shm_map(id);
	CHECK_OK(pipe(go));
	CHECK_OK(pipe2(done, O_CLOEXEC));
	pid = child();
	if (!pid) {
		close(go[1]);
		dup2(go[0], 0);
		exec_helper("exit", "3");
		FAIL("exec: %s", strerrorname_np(errno));
	}
	close(done[1]);
	/* The pipe ends as exec succeeds. */
	CHECK_EQ(read(done[0], &byte, 1), 0);
	expect_exit(pid, 3);
	CHECK_EQ(attached(id), 1);
	shm_drop(id);
}

TEST(shm, count_killed)
{
	int id = shm_new(PAGE);
	pid_t pid = child();

	if (!pid) {
		shm_map(id);
		shm_map(id);
		pause();
		_exit(1);
	}
	wait_state(pid, "S");
	while (attached(id) != 2)
		sched_yield();
	CHECK_OK(kill(pid, SIGKILL));
	expect_signal(pid, SIGKILL);
	CHECK_EQ(attached(id), 0);
	shm_drop(id);
}

/* A hole in the middle makes two attachments of one; shmdt still removes all. */
TEST(shm, count_split)
{
	int id = shm_new(8 * PAGE);
	char *p = shm_map(id);

	CHECK_OK(munmap(p + 3 * PAGE, 2 * PAGE));
	CHECK_EQ(attached(id), 2);
	CHECK_OK(munmap(p + 7 * PAGE, PAGE));
	CHECK_EQ(attached(id), 2);
	p[2 * PAGE] = p[5 * PAGE] = 1;
	CHECK_OK(shmdt(p));
	CHECK_EQ(attached(id), 0);
	/* Without its beginning it can be found all the same. */
	p = shm_map(id);
	CHECK_EQ(p[5 * PAGE], 1);
	CHECK_OK(munmap(p, PAGE));
	CHECK_EQ(attached(id), 1);
	CHECK_OK(shmdt(p));
	CHECK_EQ(attached(id), 0);
	p = shm_map(id);
	CHECK_OK(munmap(p, 8 * PAGE));
	CHECK_EQ(attached(id), 0);
	shm_drop(id);
}

TEST(shm, count_mprotect)
{
	int id = shm_new(8 * PAGE);
	char *p = shm_map(id);

	CHECK_OK(mprotect(p + 2 * PAGE, 2 * PAGE, PROT_READ));
	CHECK_EQ(attached(id), 3);
	CHECK_OK(shmdt(p));
	CHECK_EQ(attached(id), 0);
	shm_drop(id);
}

TEST(shm, count_mremap)
{
	int id = shm_new(4 * PAGE);
	char *p = shm_map(id), *q;

	p[PAGE] = 7;
	q = mremap(p, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	CHECK_EQ(q[PAGE], 7);
	CHECK_EQ(attached(id), 1);
	CHECK_OK(munmap(q, 8 * PAGE));
	CHECK_EQ(attached(id), 0);
	shm_drop(id);
}

/* Only what belongs to the attachment goes, whatever lies between its parts. */
TEST(shm, count_detach_other)
{
	int a = shm_new(4 * PAGE), b = shm_new(PAGE);
	char *p = shm_map(a), *q;

	CHECK_OK(munmap(p + PAGE, PAGE));
	q = shmat(b, p + PAGE, 0);
	CHECK(q == p + PAGE);
	q[0] = 9;
	CHECK_OK(shmdt(p));
	CHECK_EQ(attached(a), 0);
	CHECK_EQ(attached(b), 1);
	CHECK_EQ(q[0], 9);
	CHECK_OK(shmdt(q));
	shm_drop(a);
	shm_drop(b);
}

TEST(shm, remove_attached)
{
	key_t key = test_key(1);
	int id = (int)CHECK_OK(shmget(key, PAGE, IPC_CREAT | 0600)), other;
	char *p = shm_map(id), *q;
	pid_t pid;

	p[0] = 3;
	shm_drop(id);
	CHECK_EQ(shm_stat(id).shm_perm.mode, 0600 | SHM_DEST);
	CHECK_EQ(shm_stat(id).shm_perm.__key, IPC_PRIVATE);
	/* The key is free again; the number still works for who knows it. */
	CHECK_ERR(shmget(key, PAGE, 0), ENOENT);
	other = (int)CHECK_OK(shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600));
	CHECK(other != id);
	q = shm_map(id);
	CHECK_EQ(q[0], 3);
	shm_drop(id);	/* once more is once enough */
	CHECK_OK(shmdt(q));
	pid = child();
	if (!pid) {
		CHECK_EQ(p[0], 3);
		CHECK_OK(shmdt(p));
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(attached(id), 1);
	CHECK_OK(shmdt(p));
	check_gone(id);
	shm_drop(other);
}

TEST(shm, remove_then_exit)
{
	int id = shm_new(64 * PAGE);
	pid_t pid = child();

	if (!pid) {
		char *p = shm_map(id);

		memset(p, 1, 64 * PAGE);
		shm_drop(id);
		_exit(0);
	}
	expect_exit(pid, 0);
	check_gone(id);
}

/* Why a call failed: the segment was removed meanwhile, before the call or while it ran. */
static void check_removed(void)
{
	CHECK(errno == EINVAL || errno == EIDRM);
}

/* Everybody makes, attaches and removes at once. */
TEST(shm, storm)
{
	enum { KIDS = 8, ROUNDS = 60 };
	key_t key = test_key(2);
	pid_t kids[KIDS];
	int id;

	for (int k = 0; k < KIDS; k++) {
		kids[k] = child();
		if (kids[k])
			continue;
		for (int i = 0; i < ROUNDS; i++) {
			char *p;

			id = (int)CHECK_OK(shmget(key, 4 * PAGE, IPC_CREAT | 0600));
			p = shmat(id, NULL, 0);
			if (p == (char *)-1) {
				check_removed();
				continue;
			}
			p[k * 64] = (char)k;
			CHECK_EQ(p[k * 64], k);
			if (i % 3 == k % 3 && shmctl(id, IPC_RMID, NULL) < 0)
				check_removed();
			CHECK_OK(shmdt(p));
		}
		_exit(0);
	}
	for (int k = 0; k < KIDS; k++)
		expect_exit(kids[k], 0);
	id = shmget(key, 0, 0);
	if (id >= 0)
		shm_drop(id);
}

TEST(shm, proc)
{
	int id = shm_new(3 * PAGE);
	char *p = shm_map(id), line[512], want[64];
	FILE *f = fopen("/proc/sysvipc/shm", "r");
	unsigned long size, n, rss;
	int key, shmid, cpid, lpid;
	unsigned int mode;
	bool found = false;

	p[0] = 1;
	CHECK(f != NULL);
	CHECK(fgets(line, sizeof(line), f) != NULL);
	CHECK(strstr(line, "key      shmid perms") != NULL);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%d %d %o %lu %d %d %lu %*u %*u %*u %*u %*u %*u %*u %lu", &key,
			   &shmid, &mode, &size, &cpid, &lpid, &n, &rss) != 8 || shmid != id)
			continue;
		found = true;
		CHECK_EQ(key, 0);
		CHECK_EQ(mode, 0600);
		CHECK_EQ(size, 3 * PAGE);
		CHECK_EQ(cpid, getpid());
		CHECK_EQ(n, 1);
		CHECK_EQ(rss, PAGE);
	}
	fclose(f);
	CHECK(found);
	snprintf(want, sizeof(want), "/SYSV00000000 (deleted)\n");
	found = false;
	f = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), f)) {
		unsigned long inode;

		if (strtoul(line, NULL, 16) != (unsigned long)p)
			continue;
		CHECK_EQ(sscanf(line, "%*s %*s %*s %*s %lu", &inode), 1);
		CHECK_EQ(inode, id);
		found = strstr(line, want) != NULL;
	}
	fclose(f);
	CHECK(found);
	CHECK_OK(shmdt(p));
	shm_drop(id);
}
