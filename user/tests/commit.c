/*
 * What memory is promised (Committed_AS), and what is refused in each mode of overcommit_memory.
 * Counts are exact: nothing else runs, and nothing here allocates between two looks.
 */
#include "vmlib.h"

#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/vfs.h>

#define VM	  "/proc/sys/vm/"
#define NORESERVE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
#define MIB	  (1ul << 20)

/* A line of /proc/meminfo, in pages. */
static long level(const char *name)
{
	static char text[8192];
	char *line;

	CHECK(file_text("/proc/meminfo", text, sizeof(text)) > 0);
	line = strstr(text, name);
	CHECK(line != NULL);
	return strtol(line + strlen(name), NULL, 10) / 4;
}

static long committed(void)
{
	return level("Committed_AS:");
}

static long all_memory(void)
{
	return level("MemTotal:") + level("SwapTotal:");
}

/* How much more is promised than at the last look. */
static long more(void)
{
	static long seen;
	long was = seen;

	seen = committed();
	return seen - was;
}

/* The stack has grown as far as it will. */
static void __attribute__((noinline)) settle(void)
{
	volatile char deep[64 * 1024];

	deep[0] = deep[sizeof(deep) - 1] = 1;
	more();
	more();
}

TEST(commit, private)
{
	char *p, *q;

	settle();
	p = map_rw(100 * PAGE);
	CHECK_EQ(more(), 100);
	CHECK_OK(munmap(p + 20 * PAGE, 40 * PAGE));
	CHECK_EQ(more(), -40);
	tag_pages(p, 20, 1);
	CHECK_EQ(more(), 0);
	CHECK_OK(madvise(p, 20 * PAGE, MADV_DONTNEED));
	CHECK_EQ(more(), 0);
	/* What is replaced does not count twice. */
	map_at(p, 100 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	CHECK_EQ(more(), 40);
	map_at(p, 50 * PAGE, RO, ANON | MAP_FIXED, -1, 0);
	CHECK_EQ(more(), -50);
	CHECK_OK(munmap(p, 100 * PAGE));
	CHECK_EQ(more(), -50);
	/* What cannot be written to, or was not to be reserved, is not counted. */
	p = map_anon(100 * PAGE, RO, MAP_PRIVATE);
	q = map_anon(100 * PAGE, PROT_NONE, MAP_PRIVATE);
	CHECK_EQ(more(), 0);
	CHECK_OK(munmap(p, 100 * PAGE));
	CHECK_OK(munmap(q, 100 * PAGE));
	p = map_at(NULL, 100 * PAGE, RW, NORESERVE, -1, 0);
	tag_pages(p, 10, 2);
	CHECK_OK(mprotect(p, 50 * PAGE, RO));
	CHECK_OK(mprotect(p, 50 * PAGE, RW));
	CHECK_OK(munmap(p, 100 * PAGE));
	CHECK_EQ(more(), 0);
}

TEST(commit, protect)
{
	char *p;

	settle();
	p = map_anon(100 * PAGE, RO, MAP_PRIVATE);
	touch(p, false);
	CHECK_OK(mprotect(p + 10 * PAGE, 30 * PAGE, RW));
	CHECK_EQ(more(), 30);
	/* Nothing was ever written: it can be taken back. */
	CHECK_OK(mprotect(p + 10 * PAGE, 20 * PAGE, PROT_NONE));
	CHECK_EQ(more(), -20);
	CHECK_OK(mprotect(p + 10 * PAGE, 20 * PAGE, RW));
	CHECK_EQ(more(), 20);
	/* An area that has had a page of its own stays promised. */
	tag_pages(p + 10 * PAGE, 1, 1);
	CHECK_OK(mprotect(p + 10 * PAGE, 30 * PAGE, RO));
	CHECK_EQ(more(), 0);
	CHECK_OK(mprotect(p, 100 * PAGE, RW));
	CHECK_EQ(more(), 70);
	CHECK_OK(munmap(p, 100 * PAGE));
	CHECK_EQ(more(), -100);
}

TEST(commit, file)
{
	int fd = pattern_file("f", 20 * PAGE, 1);
	char *p, *q;

	settle();
	p = map_at(NULL, 20 * PAGE, RW, MAP_PRIVATE, fd, 0);
	CHECK_EQ(more(), 20);
	q = map_at(NULL, 20 * PAGE, RO, MAP_PRIVATE, fd, 0);
	CHECK_EQ(more(), 0);
	CHECK_OK(mprotect(q, 5 * PAGE, RW));
	CHECK_EQ(more(), 5);
	/* Copies are not looked for: a file's area stays promised. */
	CHECK_OK(mprotect(q, 5 * PAGE, RO));
	CHECK_EQ(more(), 0);
	CHECK_OK(munmap(q, 20 * PAGE));
	CHECK_EQ(more(), -5);
	CHECK_OK(munmap(p, 20 * PAGE));
	CHECK_EQ(more(), -20);
	p = map_at(NULL, 20 * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK_EQ(more(), 0);
	CHECK_OK(munmap(p, 20 * PAGE));
	CHECK_EQ(more(), 0);
	CHECK_OK(close(fd));
}

TEST(commit, remap)
{
	char *p, *q;

	settle();
	p = map_rw(40 * PAGE);
	tag_pages(p, 40, 1);
	CHECK_EQ(more(), 40);
	p = mremap(p, 40 * PAGE, 100 * PAGE, MREMAP_MAYMOVE);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(more(), 60);
	CHECK(mremap(p, 100 * PAGE, 30 * PAGE, 0) == p);
	CHECK_EQ(more(), -70);
	q = mremap(p, 30 * PAGE, 30 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, ARENA);
	CHECK(q == ARENA);
	CHECK_EQ(more(), 0);
	p = mremap(q, 30 * PAGE, 30 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	CHECK(p != MAP_FAILED);
	CHECK_EQ(more(), 30);
	CHECK_OK(munmap(p, 30 * PAGE));
	CHECK_OK(munmap(q, 30 * PAGE));
	CHECK_EQ(more(), -60);
}

TEST(commit, heap)
{
	char *p = sbrk(0);

	settle();
	CHECK_OK(brk(p + 50 * PAGE));
	CHECK_EQ(more(), 50);
	CHECK_OK(brk(p + 10 * PAGE));
	CHECK_EQ(more(), -40);
	CHECK_OK(brk(p));
	CHECK_EQ(more(), -10);
}

TEST(commit, shared)
{
	char *p;

	settle();
	/* All of it at once, whatever its protection... */
	p = map_anon(60 * PAGE, RO, MAP_SHARED);
	CHECK_EQ(more(), 60);
	touch(p, false);
	CHECK_OK(mprotect(p, 60 * PAGE, RW));
	tag_pages(p, 60, 1);
	CHECK_EQ(more(), 0);
	CHECK_OK(munmap(p, 30 * PAGE));
	CHECK_EQ(more(), 0);
	CHECK_OK(munmap(p + 30 * PAGE, 30 * PAGE));
	CHECK_EQ(more(), -60);
	/* ... or page by page. */
	p = map_anon(60 * PAGE, RW, MAP_SHARED | MAP_NORESERVE);
	CHECK_EQ(more(), 0);
	tag_pages(p, 20, 1);
	CHECK_EQ(more(), 20);
	CHECK_OK(madvise(p, 5 * PAGE, MADV_REMOVE));
	CHECK_EQ(more(), -5);
	CHECK_OK(munmap(p, 60 * PAGE));
	CHECK_EQ(more(), -15);
}

TEST(commit, segment)
{
	char *p;
	int id;

	settle();
	id = (int)CHECK_OK(shmget(IPC_PRIVATE, 30 * PAGE - 1, 0600));
	CHECK_EQ(more(), 30);
	p = shmat(id, NULL, 0);
	CHECK(p != (char *)-1);
	tag_pages(p, 30, 1);
	CHECK_EQ(more(), 0);
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_EQ(more(), 0);
	CHECK_OK(shmdt(p));
	CHECK_EQ(more(), -30);
	id = (int)CHECK_OK(shmget(IPC_PRIVATE, 30 * PAGE, SHM_NORESERVE | 0600));
	p = shmat(id, NULL, 0);
	CHECK(p != (char *)-1);
	CHECK_EQ(more(), 0);
	tag_pages(p, 7, 1);
	CHECK_EQ(more(), 7);
	CHECK_OK(shmdt(p));
	CHECK_OK(shmctl(id, IPC_RMID, NULL));
	CHECK_EQ(more(), -7);
}

TEST(commit, memfd)
{
	static char page[PAGE];
	int fd = (int)CHECK_OK(memfd_create("t", 0));

	settle();
	CHECK_OK(ftruncate(fd, 100 * PAGE));
	CHECK_EQ(more(), 0);
	for (int i = 0; i < 9; i++)
		CHECK_EQ(pwrite(fd, page, PAGE, (off_t)(i * 5 * PAGE)), PAGE);
	CHECK_EQ(more(), 9);
	CHECK_OK(ftruncate(fd, 11 * PAGE));
	CHECK_EQ(more(), -6);
	CHECK_OK(close(fd));
	CHECK_EQ(more(), -3);
}

/* How much is promised to a child, until it ends. */
static long forked(void)
{
	struct gate go;
	long all;
	pid_t pid;

	gate_make(&go);
	more();
	pid = child();
	if (!pid) {
		gate_pass(&go);
		_exit(0);
	}
	all = more();
	gate_open(&go);
	expect_exit(pid, 0);
	CHECK_EQ(more(), -all);
	return all;
}

TEST(commit, fork)
{
	char *p, *q;
	long all;

	settle();
	all = forked();
	p = map_rw(100 * PAGE);
	q = map_anon(50 * PAGE, RO, MAP_PRIVATE);
	CHECK_EQ(forked(), all + 100);
	CHECK_OK(madvise(p, 10 * PAGE, MADV_DONTFORK));
	CHECK_EQ(forked(), all + 90);
	CHECK_OK(munmap(p, 100 * PAGE));
	CHECK_OK(munmap(q, 50 * PAGE));
	CHECK_EQ(forked(), all);
}

/* --- what is refused --- */

static bool maps(size_t size, int prot, int flags)
{
	void *p;

	errno = 0;
	p = mmap(NULL, size, prot, flags, -1, 0);
	if (p == MAP_FAILED) {
		CHECK_EQ(errno, ENOMEM);
		return false;
	}
	CHECK_OK(munmap(p, size));
	return true;
}

TEST(commit, guess)
{
	size_t much = ((size_t)all_memory() + 256) * PAGE;
	char *p;

	if (setting_get(VM "overcommit_memory"))
		SKIP("another mode is set");
	CHECK(!maps(much, RW, ANON));
	CHECK(!maps(much, RO, ANON_SHARED));
	CHECK(maps(much, RW, NORESERVE));
	CHECK(maps(much, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE));
	CHECK(maps(much, RO, ANON));
	CHECK(maps(much - MIB - PAGE, RW, ANON));
	p = map_anon(much, PROT_NONE, MAP_PRIVATE);
	CHECK_ERR(mprotect(p, much, RW), ENOMEM);
	CHECK_OK(mprotect(p, PAGE, RW));
	CHECK_OK(munmap(p, much));
	p = map_rw(PAGE);
	CHECK(mremap(p, PAGE, much + PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	CHECK_ERR(brk((char *)sbrk(0) + much), ENOMEM);
	CHECK_ERR(shmget(IPC_PRIVATE, much, 0600), ENOMEM);
}

/* Let so many pages more be promised, to anyone. */
static void allow(long pages)
{
	CHECK_EQ(setting_put_number(VM "admin_reserve_kbytes", 0), 0);
	CHECK_EQ(setting_put_number(VM "user_reserve_kbytes", 0), 0);
	CHECK_EQ(setting_put_number(VM "overcommit_kbytes",
				    (committed() - level("SwapTotal:") + pages) * 4), 0);
}

#define ROOM 1024 /* pages; a little less than this is asked for, since Linux counts in batches */

static long mode_wanted;
static void (*run_wanted)(void);

static void run_in_mode(void)
{
	long swap = level("SwapTotal:");

	/* All of swap may be promised besides: it is, to us, so that the rest is what counts. */
	if (swap)
		map_anon((size_t)swap * PAGE, RW, MAP_SHARED);
	/* Before the mode: the default leaves no room on a small machine. */
	allow(ROOM);
	CHECK_EQ(setting_put_number(VM "overcommit_memory", mode_wanted), 0);
	run_wanted();
}

/* Run fn in a child with this mode and room for ROOM pages; then all is as it was. */
static void with_mode(long mode, void (*fn)(void))
{
	static const char *const names[] = {
		VM "overcommit_memory", VM "admin_reserve_kbytes", VM "user_reserve_kbytes",
		VM "overcommit_ratio", VM "overcommit_kbytes",
	};
	long was[5];
	int status;

	for (int i = 0; i < 5; i++)
		was[i] = setting_get(names[i]);
	mode_wanted = mode;
	run_wanted = fn;
	status = run_child(run_in_mode);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(setting_put_number(names[i], was[i]), 0);
	CHECK_EQ(setting_put_number(was[4] ? names[4] : names[3], was[4] ? was[4] : was[3]), 0);
	CHECK_EQ(status, 0);
}

static void check_always(void)
{
	size_t much = ((size_t)all_memory() + 256) * PAGE;

	CHECK(maps(much, RW, ANON));
	CHECK(maps(2 * much, RO, ANON_SHARED));
}

TEST(commit, always, .root = true)
{
	with_mode(1, check_always);
}

static void check_never(void)
{
	size_t fits = ROOM / 4 * PAGE, much = 4 * ROOM * PAGE;
	char *p;

	CHECK(maps(fits, RW, ANON));
	CHECK(!maps(much, RW, ANON));
	CHECK(!maps(much, RW, NORESERVE));
	CHECK(!maps(much, RW, ANON_SHARED));
	CHECK(!maps(much, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE));
	CHECK(maps(much, RO, ANON));
	p = map_anon(much, PROT_NONE, MAP_PRIVATE);
	CHECK_ERR(mprotect(p, much, RW), ENOMEM);
	CHECK_OK(mprotect(p, fits, RW));
	CHECK(mremap(p, fits, much, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK_EQ(errno, ENOMEM);
	/* In the place of what is promised already there is room, and for nothing more. */
	map_at(p, fits, RW, ANON | MAP_FIXED, -1, 0);
	CHECK_OK(munmap(p, much));
	CHECK_ERR(brk((char *)sbrk(0) + much), ENOMEM);
	CHECK_ERR(shmget(IPC_PRIVATE, much, 0600), ENOMEM);
	CHECK_ERR(shmget(IPC_PRIVATE, much, SHM_NORESERVE | 0600), ENOMEM);
}

TEST(commit, never, .root = true)
{
	with_mode(2, check_never);
}

static void check_fork(void)
{
	char *p;

	/* Less room than for this, and more than for all else that the program has. */
	allow(64 * ROOM);
	p = map_rw(32 * ROOM * PAGE);
	allow(16 * ROOM);
	CHECK_ERR(fork(), ENOMEM);
	CHECK_OK(madvise(p, 32 * ROOM * PAGE, MADV_DONTFORK));
	allow(16 * ROOM);
	expect_exit(child() ?: (_exit(0), 0), 0);
}

TEST(commit, never_fork, .root = true)
{
	with_mode(2, check_fork);
}

/* A file in memory is promised as it is filled. */
static void check_file(void)
{
	static char part[64 * 1024];
	int fd = (int)CHECK_OK(memfd_create("t", 0));
	ssize_t n = 0;

	for (int i = 0; i < 128 && n >= 0; i++)
		n = write(fd, part, sizeof(part));
	CHECK_EQ(n, -1);
	CHECK_EQ(errno, ENOSPC);
	CHECK_OK(ftruncate(fd, 0));
	CHECK_EQ(write(fd, part, sizeof(part)), sizeof(part));
	CHECK_OK(close(fd));
}

TEST(commit, never_file, .root = true, .mem_mib = 32)
{
	with_mode(2, check_file);
}

/* What is kept back from users, and from a process by what it has mapped. */
static void check_reserves(void)
{
	size_t fits = ROOM / 4 * PAGE;

	CHECK_EQ(setting_put_number(VM "admin_reserve_kbytes", 16 * ROOM), 0);
	CHECK(maps(fits, RW, ANON));
	CHECK_EQ(setting_put_number(VM "user_reserve_kbytes", 1 << 20), 0);
	map_anon(64ul * ROOM * PAGE, PROT_NONE, MAP_PRIVATE);
	CHECK(!maps(fits, RW, ANON));
	CHECK_EQ(setting_put_number(VM "user_reserve_kbytes", 0), 0);
	CHECK(maps(fits, RW, ANON));
	become_user();
	CHECK(!maps(fits, RW, ANON));
}

TEST(commit, never_reserves, .root = true)
{
	with_mode(2, check_reserves);
}

/* --- the switches --- */

static void check_limit(void)
{
	long total = level("MemTotal:"), swap = level("SwapTotal:");

	CHECK_EQ(setting_put_number(VM "overcommit_ratio", 30), 0);
	CHECK_EQ(setting_get(VM "overcommit_kbytes"), 0);
	CHECK_EQ(level("CommitLimit:"), total * 30 / 100 + swap);
	CHECK_EQ(setting_put_number(VM "overcommit_kbytes", 4321), 0);
	CHECK_EQ(setting_get(VM "overcommit_ratio"), 0);
	CHECK_EQ(level("CommitLimit:"), 4321 / 4 + swap);
	CHECK_EQ(setting_put_number(VM "overcommit_ratio", 50), 0);
	CHECK_EQ(setting_get(VM "overcommit_kbytes"), 0);
	CHECK_EQ(setting_put_number(VM "overcommit_memory", 3), EINVAL);
	CHECK_EQ(setting_put_number(VM "overcommit_memory", -1), EINVAL);
	CHECK_EQ(setting_get(VM "overcommit_memory"), 0);
}

TEST(commit, limit, .root = true)
{
	with_mode(0, check_limit);
}

/* --- files in memory --- */

static int volume(const char *options)
{
	return mount("none", "m", "tmpfs", 0, options);
}

/* As many pages as the volume says it has; 0 as many as there are. */
static void check_volume(const char *options, long pages)
{
	struct statfs fs;

	CHECK_OK(volume(options));
	CHECK_OK(statfs("m", &fs));
	CHECK_EQ(fs.f_blocks, pages);
	CHECK_OK(umount("m"));
}

TEST(commit, volume_size, .root = true)
{
	static char page[PAGE];
	long total = level("MemTotal:");
	int fd;

	CHECK_OK(mkdir("m", 0700));
	check_volume("size=64k", 16);
	check_volume("size=2M,nr_blocks=5", 5);
	check_volume("nr_blocks=5,size=4097", 2);
	check_volume("size=10%", (total * (long)PAGE / 10 + (long)PAGE - 1) / (long)PAGE);
	check_volume("size=0", 0);
	check_volume(NULL, total / 2);
	CHECK_ERR(volume("size="), EINVAL);
	CHECK_ERR(volume("size=12x"), EINVAL);
	CHECK_ERR(volume("sighs=12"), EINVAL);
	CHECK_OK(volume("size=64k"));
	fd = (int)CHECK_OK(open("m/f", O_RDWR | O_CREAT, 0600));
	for (int i = 0; i < 16; i++)
		CHECK_EQ(write(fd, page, PAGE), PAGE);
	CHECK_ERR(write(fd, page, PAGE), ENOSPC);
	CHECK_OK(ftruncate(fd, 3 * PAGE));
	CHECK_EQ(pwrite(fd, page, PAGE, 100 * PAGE), PAGE);
	CHECK_OK(close(fd));
	CHECK_OK(umount("m"));
}
