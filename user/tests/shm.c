/* System V shared memory: shmget(2), shmop(2), shmctl(2). */
#include "ut.h"

#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <time.h>

#include "shm.h"

TEST(shm, get_private)
{
	int a = shm_new(PAGE), b = shm_new(PAGE);

	CHECK(a != b);
	shm_drop(a);
	CHECK_ERR(shmctl(a, IPC_STAT, &(struct shmid_ds){ 0 }), EINVAL);
	CHECK_ERR(shmat(a, NULL, 0) == (void *)-1 ? -1 : 0, EINVAL);
	shm_drop(b);
}

TEST(shm, get_key)
{
	key_t key = test_key(1);
	int id = (int)CHECK_OK(shmget(key, 3 * PAGE, IPC_CREAT | IPC_EXCL | 0600));

	CHECK_EQ(shmget(key, 0, 0), id);
	CHECK_EQ(shmget(key, 3 * PAGE, 0600), id);
	CHECK_EQ(shmget(key, PAGE, IPC_CREAT | 0600), id);
	CHECK_ERR(shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	CHECK_ERR(shmget(key, 3 * PAGE + 1, 0600), EINVAL);
	CHECK_ERR(shmget(key, 100 * PAGE, IPC_CREAT | IPC_EXCL), EEXIST);
	shm_drop(id);
	CHECK_ERR(shmget(key, PAGE, 0600), ENOENT);
}

TEST(shm, get_errors)
{
	CHECK_ERR(shmget(IPC_PRIVATE, 0, 0600), EINVAL);
	CHECK_ERR(shmget(IPC_PRIVATE, SIZE_MAX, 0600), EINVAL);
	CHECK_ERR(shmget(test_key(2), 0, IPC_CREAT | 0600), EINVAL);
	CHECK_ERR(shmget(test_key(2), PAGE, 0600), ENOENT);
	/* More than the machine has, and nothing said about it. */
	CHECK_ERR(shmget(IPC_PRIVATE, 1UL << 40, 0600), ENOMEM);
	shm_drop((int)CHECK_OK(shmget(IPC_PRIVATE, 1UL << 40, SHM_NORESERVE | 0600)));
}

/* A number is not given out again at once. */
TEST(shm, id_reuse)
{
	int first = shm_new(PAGE), second;

	shm_drop(first);
	second = shm_new(PAGE);
	CHECK(first != second);
	CHECK_ERR(shmctl(first, IPC_RMID, NULL), EINVAL);
	shm_drop(second);
}

TEST(shm, stat)
{
	key_t key = test_key(3);
	int id = (int)CHECK_OK(shmget(key, 5000, IPC_CREAT | 0640));
	time_t before = time(NULL);
	struct shmid_ds ds = shm_stat(id);
	char *p;

	CHECK_EQ(ds.shm_perm.__key, key);
	CHECK_EQ(ds.shm_perm.mode, 0640);
	CHECK_EQ(ds.shm_perm.uid, geteuid());
	CHECK_EQ(ds.shm_perm.cuid, geteuid());
	CHECK_EQ(ds.shm_perm.gid, getegid());
	CHECK_EQ(ds.shm_segsz, 5000);
	CHECK_EQ(ds.shm_nattch, 0);
	CHECK_EQ(ds.shm_cpid, getpid());
	CHECK_EQ(ds.shm_lpid, 0);
	CHECK_EQ(ds.shm_atime, 0);
	CHECK_EQ(ds.shm_dtime, 0);
	CHECK_GE(ds.shm_ctime + 1, before - 1);
	p = shm_map(id);
	ds = shm_stat(id);
	CHECK_EQ(ds.shm_nattch, 1);
	CHECK_EQ(ds.shm_lpid, getpid());
	CHECK_GE(ds.shm_atime + 1, before);
	CHECK_EQ(ds.shm_dtime, 0);
	CHECK_OK(shmdt(p));
	ds = shm_stat(id);
	CHECK_EQ(ds.shm_nattch, 0);
	CHECK_GE(ds.shm_dtime + 1, before);
	CHECK_ERR(shmctl(id, IPC_STAT, (struct shmid_ds *)8), EFAULT);
	CHECK_ERR(shmctl(-1, IPC_STAT, &ds), EINVAL);
	CHECK_ERR(shmctl(id, -1, &ds), EINVAL);
	CHECK_ERR(shmctl(id, 99, &ds), EINVAL);
	shm_drop(id);
}

TEST(shm, set)
{
	int id = shm_new(PAGE);
	struct shmid_ds ds = shm_stat(id);

	ds.shm_perm.mode = 07644;
	CHECK_OK(shmctl(id, IPC_SET, &ds));
	CHECK_EQ(shm_stat(id).shm_perm.mode, 0644);
	ds.shm_perm.uid = (uid_t)-1;
	CHECK_ERR(shmctl(id, IPC_SET, &ds), EINVAL);
	CHECK_ERR(shmctl(id, IPC_SET, (struct shmid_ds *)8), EFAULT);
	shm_drop(id);
}

TEST(shm, set_owner, .root = true)
{
	int id = shm_new(PAGE);
	struct shmid_ds ds = shm_stat(id);

	ds.shm_perm.uid = 1000;
	ds.shm_perm.gid = 77;
	CHECK_OK(shmctl(id, IPC_SET, &ds));
	ds = shm_stat(id);
	CHECK_EQ(ds.shm_perm.uid, 1000);
	CHECK_EQ(ds.shm_perm.gid, 77);
	CHECK_EQ(ds.shm_perm.cuid, 0);
	CHECK_EQ(ds.shm_perm.cgid, getegid());
	become_user();
	shm_drop(id);	/* it is ours now */
}

static int others;
static key_t others_key;

static void as_other_user(void)
{
	struct shmid_ds ds;

	become_user();
	CHECK_ERR(shmctl(others, IPC_STAT, &ds), EACCES);
	CHECK_ERR(shmctl(others, IPC_RMID, NULL), EPERM);
	CHECK_ERR(shmctl(others, IPC_SET, &ds), EPERM);
	CHECK_ERR(shmctl(others, SHM_LOCK, NULL), EPERM);
	CHECK(shmat(others, NULL, SHM_RDONLY) == (void *)-1 && errno == EACCES);
	CHECK_ERR(shmget(others_key, PAGE, 0400), EACCES);
	CHECK_EQ(shmget(others_key, PAGE, 0), others);
}

static void may_read_only(void)
{
	char *p;

	become_user();
	CHECK(shmat(others, NULL, 0) == (void *)-1 && errno == EACCES);
	CHECK(shmat(others, NULL, SHM_RDONLY | SHM_EXEC) == (void *)-1 && errno == EACCES);
	p = shmat(others, NULL, SHM_RDONLY);
	CHECK(p != (void *)-1);
	CHECK_ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_OK(shmdt(p));
}

TEST(shm, permission, .root = true)
{
	struct shmid_ds ds;

	others_key = test_key(4);
	others = (int)CHECK_OK(shmget(others_key, PAGE, IPC_CREAT | 0600));
	CHECK_EQ(run_child(as_other_user), 0);
	ds = shm_stat(others);
	ds.shm_perm.mode = 0604;
	CHECK_OK(shmctl(others, IPC_SET, &ds));
	CHECK_EQ(run_child(may_read_only), 0);
	shm_drop(others);
}

TEST(shm, share)
{
	int id = shm_new(3 * PAGE);
	char *a = shm_map(id), *b = shm_map(id);
	pid_t pid;

	CHECK(a != b);
	CHECK_EQ(shm_stat(id).shm_nattch, 2);
	for (int i = 0; i < 3 * PAGE; i++)
		CHECK_EQ(a[i], 0);
	a[PAGE] = 5;
	CHECK_EQ(b[PAGE], 5);
	pid = child();
	if (!pid) {
		a[2 * PAGE] = 6;
		CHECK_EQ(b[PAGE], 5);
		_exit(0);
	}
	expect_exit(pid, 0);
	CHECK_EQ(b[2 * PAGE], 6);
	CHECK_OK(shmdt(a));
	CHECK_EQ(b[2 * PAGE], 6);
	CHECK_OK(shmdt(b));
	/* What was written stays without anyone attached. */
	a = shm_map(id);
	CHECK_EQ(a[2 * PAGE], 6);
	CHECK_OK(shmdt(a));
	shm_drop(id);
}

TEST(shm, attach_address)
{
	int id = shm_new(2 * PAGE);
	char *room = mmap(NULL, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p;

	CHECK(room != MAP_FAILED);
	/* Taken, unaligned, and what SHM_REMAP and SHM_RND make of that. */
	attach_err(id, room, 0, EINVAL);
	attach_err(id, room + 15 * PAGE, 0, EINVAL);
	attach_err(id, NULL, SHM_REMAP, EINVAL);
	attach_err(id, (char *)8, SHM_REMAP | SHM_RND, EINVAL);
	attach_err(-1, NULL, 0, EINVAL);
	p = shmat(id, room + 2 * PAGE, SHM_REMAP);
	CHECK(p == room + 2 * PAGE);
	p[0] = 1;
	CHECK_OK(munmap(room, 16 * PAGE));
	CHECK_EQ(shm_stat(id).shm_nattch, 0);
	attach_err(id, room + 100, 0, EINVAL);
	p = shmat(id, room + 100, SHM_RND);
	CHECK(p == room);
	CHECK_EQ(p[0], 1);
	attach_err(id, room + PAGE, 0, EINVAL);
	CHECK_OK(shmdt(p));
	attach_err(id, (void *)(UINTPTR_MAX - PAGE + 1), 0, EINVAL);
	attach_err(id, (void *)(1UL << 62), 0, ENOMEM);
	shm_drop(id);
}

TEST(shm, attach_readonly)
{
	int id = shm_new(PAGE);
	char *p = shmat(id, NULL, SHM_RDONLY);
	pid_t pid;

	CHECK(p != (void *)-1);
	pid = child();
	if (!pid) {
		p[0] = 1;
		_exit(0);
	}
	expect_signal(pid, SIGSEGV);
	CHECK_ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_OK(shmdt(p));
	shm_drop(id);
}

TEST(shm, attach_exec)
{
	static const uint32_t ret_42[] = { 0x02a00513, 0x00008067 };	/* li a0, 42; ret */
	int id = (int)CHECK_OK(shmget(IPC_PRIVATE, PAGE, 0700));
	void *p = shmat(id, NULL, SHM_EXEC);

	CHECK(p != (void *)-1);
	memcpy(p, ret_42, sizeof(ret_42));
	__builtin___clear_cache(p, (char *)p + sizeof(ret_42));
	CHECK_EQ(((int (*)(void))p)(), 42);
	CHECK_OK(shmdt(p));
	shm_drop(id);
}

TEST(shm, whole_pages)
{
	int id = shm_new(PAGE + 1);
	char *p = shm_map(id);

	p[2 * PAGE - 1] = 1;	/* whole pages are there */
	CHECK_OK(shmdt(p));
	shm_drop(id);
}

TEST(shm, detach_errors)
{
	int id = shm_new(2 * PAGE);
	char *p = shm_map(id);
	char *anon = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK_ERR(shmdt(p + 1), EINVAL);
	CHECK_ERR(shmdt(p + PAGE), EINVAL);
	CHECK_ERR(shmdt(anon), EINVAL);
	CHECK_ERR(shmdt(NULL), EINVAL);
	CHECK_OK(shmdt(p));
	CHECK_ERR(shmdt(p), EINVAL);
	shm_drop(id);
}

TEST(shm, limits_info)
{
	struct shminfo info;
	struct shm_info sum, after;
	struct shmid_ds ds;
	int id, highest, found = 0;
	char *p;

	CHECK_GE(shmctl(0, IPC_INFO, (struct shmid_ds *)&info), 0);
	CHECK_EQ(info.shmmin, 1);
	CHECK_EQ(info.shmmni, 4096);
	CHECK_EQ(info.shmseg, 4096);
	CHECK_EQ(info.shmmax, number_of("/proc/sys/kernel/shmmax"));
	CHECK_EQ(info.shmall, number_of("/proc/sys/kernel/shmall"));
	CHECK_GE(shmctl(0, SHM_INFO, (struct shmid_ds *)&sum), 0);
	id = shm_new(10 * PAGE);
	p = shm_map(id);
	p[0] = p[5 * PAGE] = 1;
	highest = (int)CHECK_OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&after));
	CHECK_EQ(after.used_ids, sum.used_ids + 1);
	CHECK_EQ(after.shm_tot, sum.shm_tot + 10);
	CHECK_EQ(after.shm_rss, sum.shm_rss + 2);
	for (int i = 0; i <= highest; i++) {
		if (shmctl(i, SHM_STAT, &ds) == id) {
			found++;
			CHECK_EQ(ds.shm_segsz, 10 * PAGE);
			CHECK_EQ(shmctl(i, SHM_STAT_ANY, &ds), id);
			CHECK_EQ(ds.shm_nattch, 1);
		}
	}
	CHECK_EQ(found, 1);
	CHECK_ERR(shmctl(30000, SHM_STAT, &ds), EINVAL);
	CHECK_OK(shmdt(p));
	shm_drop(id);
}

TEST(shm, lock)
{
	int id = shm_new(PAGE);

	CHECK_OK(shmctl(id, SHM_LOCK, NULL));
	CHECK_EQ(shm_stat(id).shm_perm.mode & 07000, SHM_LOCKED);
	CHECK_OK(shmctl(id, SHM_LOCK, NULL));
	CHECK_OK(shmctl(id, SHM_UNLOCK, NULL));
	CHECK_EQ(shm_stat(id).shm_perm.mode & 07000, 0);
	CHECK_ERR(shmctl(-1, SHM_LOCK, NULL), EINVAL);
	shm_drop(id);
}

static void lock_limited(void)
{
	struct rlimit limit = { PAGE, PAGE };
	int small, big;

	become_user();
	small = shm_new(PAGE);
	big = shm_new(2 * PAGE);
	CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &limit));
	CHECK_OK(shmctl(small, SHM_LOCK, NULL));
	CHECK_OK(shmctl(small, SHM_UNLOCK, NULL));
	CHECK_ERR(shmctl(big, SHM_LOCK, NULL), ENOMEM);
	limit.rlim_cur = 0;
	CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &limit));
	CHECK_ERR(shmctl(small, SHM_LOCK, NULL), EPERM);
	shm_drop(small);
	shm_drop(big);
}

TEST(shm, lock_limit, .root = true)
{
	CHECK_EQ(run_child(lock_limited), 0);
}

TEST(shm, hugetlb)
{
	CHECK(shmget(IPC_PRIVATE, 2 << 20, (int)(SHM_HUGETLB | 33u << 26 | 0600)) == -1);
}

static void set_number(const char *path, const char *text)
{
	int fd = (int)CHECK_OK(open(path, O_WRONLY));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	CHECK_OK(close(fd));
}

TEST(shm, sysctl, .root = true)
{
	const char *const max = "/proc/sys/kernel/shmmax", *const all = "/proc/sys/kernel/shmall";
	const char *const mni = "/proc/sys/kernel/shmmni";
	struct shm_info sum;
	char old[64], text[64];
	int id;

	file_text(max, old, sizeof(old));
	set_number(max, "8192\n");
	id = shm_new(2 * PAGE);
	CHECK_ERR(shmget(IPC_PRIVATE, 2 * PAGE + 1, 0600), EINVAL);
	set_number(max, old);
	CHECK_OK(shmctl(0, SHM_INFO, (struct shmid_ds *)&sum));
	file_text(all, old, sizeof(old));
	snprintf(text, sizeof(text), "%lu", sum.shm_tot + 1);
	set_number(all, text);
	CHECK_ERR(shmget(IPC_PRIVATE, PAGE + 1, 0600), ENOSPC);
	shm_drop((int)CHECK_OK(shmget(IPC_PRIVATE, PAGE, 0600)));
	set_number(all, old);
	snprintf(text, sizeof(text), "%d", sum.used_ids);
	set_number(mni, text);
	CHECK_ERR(shmget(IPC_PRIVATE, PAGE, 0600), ENOSPC);
	set_number(mni, "4096");
	shm_drop(id);
}
