/* System V semaphores: semget(2), semctl(2), semop(2) by one process; see sem_wait.c. */
#include "sem.h"

TEST(sem, get)
{
	key_t key = test_key(1);
	int a, id = (int)CHECK_OK(semget(key, 3, IPC_CREAT | IPC_EXCL | 0600));

	CHECK_EQ(semget(key, 0, 0), id);
	CHECK_EQ(semget(key, 3, IPC_CREAT | 0600), id);
	CHECK_ERR(semget(key, 4, 0600), EINVAL);
	CHECK_ERR(semget(key, 4, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_ERR(semget(key, -1, 0600), EINVAL);
	CHECK_ERR(semget(key, 32001, 0600), EINVAL);
	sem_drop(id);
	CHECK_ERR(semget(key, 1, 0600), ENOENT);
	CHECK_ERR(semget(key, 0, IPC_CREAT | 0600), EINVAL);
	CHECK_ERR(semget(IPC_PRIVATE, 0, 0600), EINVAL);
	/* A number is not given out again at once; the old one means nothing. */
	a = sem_new(1);
	CHECK(a != id);
	CHECK_ERR(semctl(id, 0, IPC_RMID), EINVAL);
	CHECK_ERR(sem_do(id, 0, 1, 0), EINVAL);
	sem_drop(a);
}

TEST(sem, largest_set, .mem_mib = 64)
{
	int a = sem_new(32000);

	CHECK_EQ(sem_status(a).sem_nsems, 32000);
	CHECK_OK(sem_do(a, 31999, 1, 0));
	CHECK_EQ(sem_get(a, 31999), 1);
	sem_drop(a);
}

TEST(sem, stat)
{
	key_t key = test_key(2);
	time_t before = time(NULL);
	int id = (int)CHECK_OK(semget(key, 2, IPC_CREAT | 0640));
	struct semid_ds ds = sem_status(id);

	CHECK_EQ(ds.sem_perm.__key, key);
	CHECK_EQ(ds.sem_perm.mode, 0640);
	CHECK_EQ(ds.sem_perm.uid, geteuid());
	CHECK_EQ(ds.sem_perm.cuid, geteuid());
	CHECK_EQ(ds.sem_perm.gid, getegid());
	CHECK_EQ(ds.sem_nsems, 2);
	CHECK_EQ(ds.sem_otime, 0);
	CHECK_GE(ds.sem_ctime + 1, before);
	CHECK_EQ(sem_get(id, 0), 0);
	CHECK_EQ(semctl(id, 0, GETPID), 0);
	CHECK_OK(sem_do(id, 1, 0, 0));
	CHECK_GE(sem_status(id).sem_otime + 1, before);
	CHECK_EQ(semctl(id, 0, GETPID), 0);
	CHECK_EQ(semctl(id, 1, GETPID), getpid());
	CHECK_ERR(semctl(id, 0, IPC_STAT, (union semun){.buf = (void *)8}), EFAULT);
	CHECK_ERR(semctl(-1, 0, IPC_STAT, (union semun){.buf = &ds}), EINVAL);
	CHECK_ERR(semctl(id, 0, 99), EINVAL);
	CHECK_ERR(semctl(id, 0, -1), EINVAL);
	ds.sem_perm.mode = 07604;
	CHECK_OK(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}));
	CHECK_EQ(sem_status(id).sem_perm.mode, 0604);
	ds.sem_perm.gid = (gid_t)-1;
	CHECK_ERR(semctl(id, 0, IPC_SET, (union semun){.buf = &ds}), EINVAL);
	CHECK_ERR(semctl(id, 0, IPC_SET, (union semun){.buf = (void *)8}), EFAULT);
	sem_drop(id);
	CHECK_ERR(semctl(id, 0, IPC_RMID), EINVAL);
}

TEST(sem, info)
{
	int a = sem_new(5), b = sem_new(7), highest, id = -1;
	struct seminfo limits, used;
	struct semid_ds ds;

	highest = (int)CHECK_OK(semctl(0, 0, IPC_INFO, (union semun){.info = &limits}));
	CHECK_EQ(limits.semvmx, 32767);
	CHECK_EQ(limits.semaem, 32767);
	CHECK_EQ(limits.semmsl, 32000);
	CHECK_EQ(limits.semmns, 1024000000);
	CHECK_EQ(limits.semmnu, limits.semmns);
	CHECK_EQ(limits.semmap, limits.semmns);
	CHECK_EQ(limits.semopm, 500);
	CHECK_EQ(limits.semume, 500);
	CHECK_EQ(limits.semmni, 32000);
	CHECK_EQ(limits.semusz, 20);
	CHECK_EQ(semctl(0, 0, SEM_INFO, (union semun){.info = &used}), highest);
	CHECK_GE(used.semusz, 2);
	CHECK_GE(used.semaem, 12);
	CHECK_ERR(semctl(0, 0, IPC_INFO, (union semun){.info = (void *)8}), EFAULT);
	/* Every set is met by its place. */
	for (int i = 0; i <= highest; i++) {
		int r = semctl(i, 0, SEM_STAT, (union semun){.buf = &ds});

		if (r == b)
			id = semctl(i, 0, SEM_STAT_ANY, (union semun){.buf = &ds});
	}
	CHECK_EQ(id, b);
	CHECK_ERR(semctl(32767, 0, SEM_STAT, (union semun){.buf = &ds}), EINVAL);
	sem_drop(a);
	sem_drop(b);
}

TEST(sem, values)
{
	unsigned short v[3] = {1, 32767, 3}, w[3];
	int id = sem_new(3);
	struct semid_ds ds;

	CHECK_OK(semctl(id, 0, SETALL, (union semun){.array = v}));
	CHECK_OK(semctl(id, 99, GETALL, (union semun){.array = w}));
	CHECK(!memcmp(v, w, sizeof(v)));
	for (int i = 0; i < 3; i++)
		CHECK_EQ(semctl(id, i, GETPID), getpid());
	v[2] = 32768;
	CHECK_ERR(semctl(id, 0, SETALL, (union semun){.array = v}), ERANGE);
	CHECK_EQ(sem_get(id, 2), 3);
	CHECK_ERR(semctl(id, 0, SETALL, (union semun){.array = (void *)8}), EFAULT);
	CHECK_ERR(semctl(id, 0, GETALL, (union semun){.array = (void *)8}), EFAULT);
	sem_set(id, 0, 32767);
	CHECK_ERR(semctl(id, 0, SETVAL, (union semun){.val = 32768}), ERANGE);
	CHECK_ERR(semctl(id, 0, SETVAL, (union semun){.val = -1}), ERANGE);
	CHECK_ERR(semctl(id, 3, SETVAL, (union semun){.val = 0}), EINVAL);
	CHECK_ERR(semctl(id, -1, SETVAL, (union semun){.val = 0}), EINVAL);
	CHECK_ERR(semctl(id, 3, GETVAL), EINVAL);
	CHECK_ERR(semctl(id, -1, GETPID), EINVAL);
	CHECK_ERR(semctl(id, 3, GETNCNT), EINVAL);
	CHECK_ERR(semctl(id, 3, GETZCNT), EINVAL);
	ds = sem_status(id);
	CHECK_EQ(ds.sem_otime, 0);
	sem_drop(id);
	CHECK_ERR(semctl(id, 0, GETALL, (union semun){.array = w}), EINVAL);
}

TEST(sem, op_errors)
{
	struct sembuf many[501];
	int id = sem_new(2);

	memset(many, 0, sizeof(many));
	CHECK_OK(semop(id, many, 500));
	CHECK_ERR(semop(id, many, 501), E2BIG);
	CHECK_ERR(semop(id, many, 0), EINVAL);
	CHECK_ERR(semop(-1, many, 1), EINVAL);
	CHECK_ERR(syscall(SYS_semtimedop, id, 8L, 1L, NULL), EFAULT);
	CHECK_ERR(sem_do(id, 2, 1, 0), EFBIG);
	CHECK_ERR(sem_do(id, 65535, 0, 0), EFBIG);
	CHECK_ERR(sem_do(id, 0, -1, IPC_NOWAIT), EAGAIN);
	CHECK_OK(sem_do(id, 0, 32767, 0));
	CHECK_ERR(sem_do(id, 0, 1, 0), ERANGE);
	CHECK_ERR(sem_do(id, 0, 0, IPC_NOWAIT), EAGAIN);
	CHECK_OK(sem_do(id, 0, -32767, 0));
	CHECK_OK(sem_do(id, 0, 0, 0));
	sem_drop(id);
}

/* All or nothing, whatever the order; one semaphore may be named more than once. */
TEST(sem, op_atomic)
{
	struct sembuf last_blocks[] = {{0, 1, 0}, {1, 5, 0}, {0, -2, IPC_NOWAIT}};
	struct sembuf last_large[] = {{0, 1, 0}, {1, 32767, 0}, {1, 1, 0}};
	struct sembuf first_blocks[] = {{0, -1, IPC_NOWAIT}, {0, 1, 0}};
	struct sembuf both[] = {{0, 0, 0}, {0, 3, 0}, {0, -1, 0}, {1, 1, 0}};
	int id = sem_new(2);

	CHECK_ERR(semop(id, last_blocks, 3), EAGAIN);
	CHECK_ERR(semop(id, last_large, 3), ERANGE);
	CHECK_ERR(semop(id, first_blocks, 2), EAGAIN);
	CHECK_EQ(sem_get(id, 0), 0);
	CHECK_EQ(sem_get(id, 1), 0);
	CHECK_EQ(semctl(id, 1, GETPID), 0);
	CHECK_EQ(sem_status(id).sem_otime, 0);
	CHECK_OK(semop(id, both, 4));
	CHECK_EQ(sem_get(id, 0), 2);
	CHECK_EQ(sem_get(id, 1), 1);
	sem_drop(id);
}

TEST(sem, timeout)
{
	struct sembuf down = {0, -1, 0}, up = {0, 1, 0};
	struct timespec bad = {0, 1000000000}, none = {0, 0}, some = {0, 20000000};
	int id = sem_new(1);
	uint64_t start = now_ns();

	CHECK_ERR(semtimedop(id, &down, 1, &bad), EINVAL);
	bad = (struct timespec){-1, 0};
	CHECK_ERR(semtimedop(id, &up, 1, &bad), EINVAL);
	CHECK_ERR(syscall(SYS_semtimedop, id, &up, 1L, 8L), EFAULT);
	CHECK_EQ(sem_get(id, 0), 0);
	CHECK_ERR(semtimedop(id, &down, 1, &none), EAGAIN);
	CHECK_ERR(semtimedop(id, &down, 1, &some), EAGAIN);
	CHECK_GE(now_ns() - start, 20000000);
	CHECK_EQ(semctl(id, 0, GETNCNT), 0);
	CHECK_OK(semtimedop(id, &up, 1, &none));
	CHECK_OK(semtimedop(id, &down, 1, &some));
	sem_drop(id);
}

static int others;
static key_t others_key;

static void as_other_user(void)
{
	unsigned short v[2] = {0, 0};
	struct semid_ds ds;

	become_user();
	CHECK_ERR(semctl(others, 0, IPC_STAT, (union semun){.buf = &ds}), EACCES);
	CHECK_ERR(semctl(others, 0, GETVAL), EACCES);
	CHECK_ERR(semctl(others, 0, GETALL, (union semun){.array = v}), EACCES);
	CHECK_ERR(semctl(others, 0, SETALL, (union semun){.array = v}), EACCES);
	CHECK_ERR(semctl(others, 0, SETVAL, (union semun){.val = 1}), EACCES);
	CHECK_ERR(semctl(others, 9, SETVAL, (union semun){.val = 1}), EINVAL);
	CHECK_ERR(semctl(others, 9, GETVAL), EACCES);
	CHECK_ERR(semctl(others, 0, IPC_RMID), EPERM);
	CHECK_ERR(sem_do(others, 0, 1, 0), EACCES);
	CHECK_ERR(sem_do(others, 0, 0, 0), EACCES);
	CHECK_ERR(sem_do(others, 2, 0, 0), EFBIG);
	CHECK_ERR(semget(others_key, 0, 0400), EACCES);
	CHECK_EQ(semget(others_key, 0, 0), others);
}

static void may_read(void)
{
	become_user();
	CHECK_EQ(sem_get(others, 0), 0);
	CHECK_OK(sem_do(others, 0, 0, 0));
	CHECK_ERR(sem_do(others, 0, 1, 0), EACCES);
	CHECK_ERR(semctl(others, 0, SETVAL, (union semun){.val = 1}), EACCES);
}

static void may_alter(void)
{
	become_user();
	CHECK_OK(sem_do(others, 0, 1, 0));
	CHECK_ERR(sem_do(others, 1, 0, 0), EACCES);
	CHECK_ERR(semctl(others, 0, GETVAL), EACCES);
	sem_set(others, 0, 0);
}

static void is_owner(void)
{
	become_user();
	sem_drop(others);
}

TEST(sem, permission, .root = true)
{
	struct semid_ds ds;

	others_key = test_key(3);
	others = (int)CHECK_OK(semget(others_key, 2, IPC_CREAT | 0600));
	CHECK_EQ(run_child(as_other_user), 0);
	ds = sem_status(others);
	ds.sem_perm.mode = 0604;
	CHECK_OK(semctl(others, 0, IPC_SET, (union semun){.buf = &ds}));
	CHECK_EQ(run_child(may_read), 0);
	ds.sem_perm.mode = 0602;
	CHECK_OK(semctl(others, 0, IPC_SET, (union semun){.buf = &ds}));
	CHECK_EQ(run_child(may_alter), 0);
	ds.sem_perm.uid = 1000;
	CHECK_OK(semctl(others, 0, IPC_SET, (union semun){.buf = &ds}));
	CHECK_EQ(run_child(is_owner), 0);
}

TEST(sem, proc)
{
	int id = sem_new(3), semid, key;
	char line[256];
	FILE *f = fopen("/proc/sysvipc/sem", "r");
	unsigned long nsems, otime, ctime;
	unsigned int mode, uid;
	bool found = false;

	CHECK(f != NULL);
	CHECK(fgets(line, sizeof(line), f) != NULL);
	CHECK_STR(line, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime"
			"      ctime\n");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%d %d %o %lu %u %*u %*u %*u %lu %lu", &key, &semid, &mode,
			   &nsems, &uid, &otime, &ctime) != 7 || semid != id)
			continue;
		found = true;
		CHECK_EQ(key, 0);
		CHECK_EQ(mode, 0600);
		CHECK_EQ(nsems, 3);
		CHECK_EQ(uid, geteuid());
		CHECK_EQ(otime, 0);
		CHECK_EQ(ctime, sem_status(id).sem_ctime);
	}
	fclose(f);
	CHECK(found);
	sem_drop(id);
}

TEST(sem, limits, .root = true)
{
	const char *path = "/proc/sys/kernel/sem";
	struct sembuf two[2] = {{0, 1, 0}, {0, 1, 0}};
	struct seminfo used;
	char text[64], limits[64];
	int id;

	file_text(path, text, sizeof(text));
	CHECK_STR(text, "32000\t1024000000\t500\t32000\n");
	/* Others may have left some. */
	CHECK_OK(semctl(0, 0, SEM_INFO, (union semun){.info = &used}));
	snprintf(limits, sizeof(limits), "4\t%d\t1\t32000\n", used.semaem + 6);
	CHECK_EQ(setting_put(path, limits), 0);
	file_text(path, text, sizeof(text));
	CHECK_STR(text, limits);
	CHECK_ERR(semget(IPC_PRIVATE, 5, 0600), EINVAL);
	id = sem_new(4);
	CHECK_ERR(semget(IPC_PRIVATE, 3, 0600), ENOSPC);
	CHECK_ERR(semop(id, two, 2), E2BIG);
	sem_drop(id);
	CHECK_EQ(setting_put(path, "32000 1024000000 500 0"), 0);
	CHECK_ERR(semget(IPC_PRIVATE, 1, 0600), ENOSPC);
	CHECK_EQ(setting_put(path, "32000\t1024000000\t500\t32000\n"), 0);
}
