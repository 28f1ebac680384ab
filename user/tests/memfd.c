/* memfd_create(2) and the seals of fcntl(2). */
#include "ut.h"

#include <sys/mman.h>
#include <sys/vfs.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	8u
#define MFD_EXEC	16u
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC	32
#endif

#define PAGE 4096

static int memfd(const char *name, unsigned int flags)
{
	return (int)CHECK_OK(memfd_create(name, flags));
}

/* A file that may be sealed, of four pages with a pattern. */
static int sealable(void)
{
	static char page[PAGE];
	int fd = memfd("t", MFD_ALLOW_SEALING);

	for (int i = 0; i < 4; i++) {
		pattern_fill(page, PAGE, 1, (uint64_t)i * PAGE);
		write_full(fd, page, PAGE);
	}
	return fd;
}

static char *map(int fd, int prot, int flags)
{
	char *p = mmap(NULL, 4 * PAGE, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* mmap that must fail. */
static void map_err(int fd, int prot, int flags, int want)
{
	errno = 0;
	CHECK(mmap(NULL, 4 * PAGE, prot, flags, fd, 0) == MAP_FAILED);
	CHECK_EQ(errno, want);
}

TEST(memfd, args)
{
	char name[300];

	memset(name, 'x', sizeof(name));
	name[249] = '\0';
	CHECK_OK(close(memfd(name, 0)));
	name[249] = 'x';
	name[250] = '\0';
	CHECK_ERR(memfd_create(name, 0), EINVAL);
	CHECK_ERR(memfd_create((char *)8, 0), EFAULT);
	CHECK_ERR(memfd_create("x", 0x20), EINVAL);
	CHECK_ERR(memfd_create("x", 0x80000000u), EINVAL);
	CHECK_ERR(memfd_create("x", MFD_EXEC | MFD_NOEXEC_SEAL), EINVAL);
	CHECK_ERR(memfd_create((char *)8, 0x20), EINVAL);
	CHECK_OK(close(memfd("", MFD_EXEC)));
}

TEST(memfd, stat)
{
	int fd = memfd("with a/slash", 0);
	struct stat st;
	struct statfs fs;

	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode, S_IFREG | 0777);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_uid, geteuid());
	CHECK_OK(fstatfs(fd, &fs));
	CHECK_EQ(fs.f_type, 0x01021994);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_OK(close(fd));
	fd = memfd("x", MFD_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
}

TEST(memfd, names)
{
	char path[64], text[256];
	int fd = memfd("some name", 0), other;
	char *p;
	FILE *maps;
	bool found = false;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = CHECK_OK(readlink(path, text, sizeof(text) - 1));
	text[n] = '\0';
	CHECK_STR(text, "/memfd:some name (deleted)");
	CHECK_OK(ftruncate(fd, 4 * PAGE));
	p = map(fd, PROT_READ, MAP_SHARED);
	maps = fopen("/proc/self/maps", "r");
	CHECK(maps != NULL);
	while (fgets(text, sizeof(text), maps))
		if (strtoul(text, NULL, 16) == (unsigned long)p)
			found = strstr(text, "/memfd:some name (deleted)\n") != NULL;
	fclose(maps);
	CHECK(found);
	/* The link opens the very file, with a position of its own. */
	CHECK_EQ(write(fd, "abc", 3), 3);
	other = (int)CHECK_OK(open(path, O_RDONLY));
	CHECK_EQ(read(other, text, 3), 3);
	CHECK(memcmp(text, "abc", 3) == 0);
	CHECK_ERR(fcntl(other, F_ADD_SEALS, F_SEAL_GROW), EPERM);
}

TEST(memfd, contents)
{
	int fd = memfd("t", 0);
	char *a, *b, byte;

	CHECK_OK(ftruncate(fd, 4 * PAGE));
	a = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	b = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	a[5] = 1;
	CHECK_EQ(b[5], 1);
	b[6] = 2;
	CHECK_EQ(a[6], 0);
	CHECK_EQ(pread(fd, &byte, 1, 5), 1);
	CHECK_EQ(byte, 1);
	CHECK_EQ(pwrite(fd, "z", 1, 3 * PAGE), 1);
	CHECK_EQ(a[3 * PAGE], 'z');
}

/* Touching a page takes that page, not its neighbours. */
TEST(memfd, sparse)
{
	int fd = memfd("t", 0);
	struct stat st;
	char *p;

	CHECK_OK(ftruncate(fd, 256 * PAGE));
	p = mmap(NULL, 256 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	p[0] = p[100 * PAGE] = 1;
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 16);
}

TEST(memfd, survives_close)
{
	int fd = sealable();
	char *p = map(fd, PROT_READ, MAP_SHARED);
	pid_t pid;

	CHECK_OK(close(fd));
	pattern_check(p, 4 * PAGE, 1, 0);
	pid = child();
	if (!pid) {
		pattern_check(p, 4 * PAGE, 1, 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(memfd, seals_start)
{
	int fd = memfd("x", 0);

	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	fd = memfd("x", MFD_ALLOW_SEALING);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, 0x40), EINVAL);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, 0));
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
}

TEST(memfd, seals_other_files)
{
	int fd[2], null = (int)CHECK_OK(open("/dev/null", O_RDWR));

	CHECK_OK(pipe(fd));
	CHECK_ERR(fcntl(fd[0], F_GET_SEALS), EINVAL);
	CHECK_ERR(fcntl(fd[1], F_ADD_SEALS, F_SEAL_WRITE), EINVAL);
	CHECK_ERR(fcntl(null, F_GET_SEALS), EINVAL);
	CHECK_ERR(fcntl(-1, F_GET_SEALS), EBADF);
}

TEST(memfd, seal_size)
{
	int fd = sealable();
	static char pages[PAGE];

	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	CHECK_ERR(ftruncate(fd, 4 * PAGE - 1), EPERM);
	CHECK_OK(ftruncate(fd, 4 * PAGE));
	CHECK_OK(ftruncate(fd, 4 * PAGE + 100));
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	CHECK_ERR(ftruncate(fd, 4 * PAGE + 101), EPERM);
	CHECK_ERR(posix_fallocate(fd, 0, 5 * PAGE) ? (errno = EPERM, -1) : 0, EPERM);
	CHECK_ERR(pwrite(fd, pages, PAGE, 3 * PAGE + 101), EPERM);
	CHECK_EQ(pwrite(fd, pages, PAGE, 3 * PAGE + 100), PAGE);
	CHECK_ERR(pwrite(fd, pages, 101, 4 * PAGE), EPERM);
	CHECK_EQ(pwrite(fd, pages, 100, 4 * PAGE), 100);
	CHECK_ERR(pwrite(fd, pages, 1, 4 * PAGE + 100), EPERM);
}

TEST(memfd, seal_write)
{
	int fd = sealable();
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), *q;

	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	/* One that could be made writable counts as one that is. */
	CHECK_OK(mprotect(p, 4 * PAGE, PROT_READ));
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK_EQ(pwrite(fd, "a", 1, 0), 1);
	CHECK_OK(munmap(p, 4 * PAGE));
	q = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	CHECK_ERR(pwrite(fd, "b", 1, 0), EPERM);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
	map_err(fd, PROT_READ | PROT_WRITE, MAP_SHARED, EPERM);
	q[0] = 'c';	/* a copy of one's own may be written to */
	CHECK_EQ(q[0], 'c');
	CHECK_OK(munmap(q, 4 * PAGE));
	q = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	CHECK_EQ(q[0], 'a');
	CHECK_OK(ftruncate(fd, PAGE));	/* the size is another seal's business */
}

/* A fork's copy of a mapping counts too, and goes with the child. */
TEST(memfd, seal_write_fork)
{
	int fd = sealable();
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	struct gate gate;
	pid_t pid;

	gate_make(&gate);
	pid = child();
	if (!pid) {
		gate_pass(&gate);
		_exit(0);
	}
	CHECK_OK(munmap(p, 4 * PAGE));
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	gate_open(&gate);
	expect_exit(pid, 0);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
}

TEST(memfd, seal_write_readonly_map)
{
	int fd = sealable();
	char *p;

	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		SKIP("this kernel maps no write-sealed file MAP_SHARED at all");
	pattern_check(p, PAGE, 1, 0);
	CHECK_ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
}

TEST(memfd, seal_future_write)
{
	int fd = sealable();
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), *q;

	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	p[0] = 'n';	/* who has it may go on */
	CHECK_ERR(pwrite(fd, "b", 1, 0), EPERM);
	map_err(fd, PROT_READ | PROT_WRITE, MAP_SHARED, EPERM);
	q = map(fd, PROT_READ, MAP_SHARED);
	CHECK_EQ(q[0], 'n');
	CHECK_ERR(mprotect(q, 4 * PAGE, PROT_READ | PROT_WRITE), EACCES);
	CHECK_OK(mprotect(p, 4 * PAGE, PROT_READ));
	CHECK_OK(mprotect(p, 4 * PAGE, PROT_READ | PROT_WRITE));
	p[1] = 'm';
	CHECK_EQ(q[1], 'm');
}

TEST(memfd, seal_exec)
{
	int fd = memfd("x", MFD_NOEXEC_SEAL);
	struct stat st;

	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_mode & 07777, 0666);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_EXEC);
	CHECK_ERR(fchmod(fd, 0777), EPERM);
	CHECK_OK(fchmod(fd, 0644));
	CHECK_EQ(write(fd, "x", 1), 1);
	fd = memfd("x", MFD_EXEC | MFD_ALLOW_SEALING);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_EXEC));
	/* What can be run is sealed against everything with it. */
	CHECK_EQ(fcntl(fd, F_GET_SEALS),
		 F_SEAL_EXEC | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE);
	CHECK_ERR(write(fd, "x", 1), EPERM);
	CHECK_ERR(fchmod(fd, 0644), EPERM);
}

TEST(memfd, execute)
{
	int self = (int)CHECK_OK(open(self_path(), O_RDONLY)), fd = memfd("prog", MFD_CLOEXEC);
	char *const argv[] = { "usertests", "--helper", "exit", "7", NULL };
	char *const none[] = { NULL };
	char path[64];
	static char buf[65536];
	ssize_t n;
	pid_t pid;
	int ro;

	while ((n = CHECK_OK(read(self, buf, sizeof(buf)))) > 0)
		write_full(fd, buf, (size_t)n);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = (int)CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
	CHECK_OK(close(fd));
	pid = child();
	if (!pid) {
		fexecve(ro, argv, none);
		FAIL("fexecve: %s", strerrorname_np(errno));
	}
	expect_exit(pid, 7);
}

/* SIGBUS beyond the new end, zeros when it grows again. */
TEST(memfd, truncate_mapped)
{
	int fd = sealable();
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	pid_t pid;

	CHECK_OK(ftruncate(fd, PAGE + 10));
	CHECK_EQ(p[PAGE + 10], 0);
	pid = child();
	if (!pid) {
		p[2 * PAGE] = 1;
		_exit(0);
	}
	expect_signal(pid, SIGBUS);
	CHECK_OK(ftruncate(fd, 4 * PAGE));
	CHECK_EQ(p[2 * PAGE], 0);
	pattern_check(p, PAGE + 10, 1, 0);
}

TEST(memfd, punch_hole)
{
	int fd = sealable();
	char *p = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
	char *q = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	const int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	struct stat st;

	q[PAGE] = 'q';
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE), EOPNOTSUPP);
	CHECK_OK(fallocate(fd, mode, 100, 2 * PAGE + 100));
	pattern_check(p, 100, 1, 0);
	for (int i = 100; i < 2 * PAGE + 200; i++)
		CHECK_EQ(p[i], 0);
	pattern_check(p + 2 * PAGE + 200, 2 * PAGE - 200, 1, 2 * PAGE + 200);
	CHECK_EQ(q[PAGE], 'q');	/* a private copy stays */
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 4 * PAGE);
	CHECK_OK(fallocate(fd, mode, 3 * PAGE, 100 * PAGE));
	CHECK_EQ(p[3 * PAGE], 0);
	CHECK_OK(fstat(fd, &st));
	CHECK_EQ(st.st_size, 4 * PAGE);
}
