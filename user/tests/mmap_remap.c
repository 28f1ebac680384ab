/* mmap: remap_file_pages, other pages of what is mapped. */
#include "ut.h"

#include <sys/mman.h>

#define PAGE	4096L
#define N	6

static int remap(void *p, size_t size, int prot, size_t page, int flags)
{
	return (int)syscall(SYS_remap_file_pages, p, size, prot, page, flags);
}

static void *mapped(int prot, int flags, int fd)
{
	void *p = mmap(NULL, N * PAGE, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* A file whose pages begin with 'a', 'b' ... */
static int lettered(void)
{
	int fd = (int)CHECK_OK(open("letters", O_RDWR | O_CREAT | O_TRUNC, 0600));
	char page[PAGE] = "";

	for (int i = 0; i < N; i++) {
		page[0] = (char)('a' + i);
		write_full(fd, page, sizeof(page));
	}
	return fd;
}

/* The first letters of the pages are these. */
static void letters_expect(const char *p, const char *want)
{
	char found[N + 1] = "";

	for (int i = 0; i < N; i++)
		found[i] = p[i * PAGE];
	CHECK_STR(found, want);
}

TEST(mmap, remap_pages_of_a_file)
{
	int fd = lettered();
	char *p = mapped(PROT_READ | PROT_WRITE, MAP_SHARED, fd), c;

	for (int i = 0; i < N; i++)
		CHECK_OK(remap(p + i * PAGE, PAGE, 0, (size_t)(N - 1 - i), 0));
	letters_expect(p, "fedcba");
	*p = 'F';
	CHECK_EQ(pread(fd, &c, 1, (N - 1) * PAGE), 1);
	CHECK_EQ(c, 'F');
	/* The same page twice, several areas at once, and addresses cut down to pages. */
	CHECK_OK(remap(p + 3 * PAGE, PAGE, 0, N - 1, MAP_NONBLOCK));
	letters_expect(p, "FedFba");
	p[3 * PAGE] = 'f';
	CHECK_OK(remap(p + 5, 4 * PAGE + 4095, 0, 1, 0));
	letters_expect(p, "bcdeba");
	CHECK_OK(munmap(p, N * PAGE));
	CHECK_EQ(pread(fd, &c, 1, (N - 1) * PAGE), 1);
	CHECK_EQ(c, 'f');
}

TEST(mmap, remap_pages_of_shared_memory)
{
	char *p = mapped(PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1);
	pid_t pid;

	for (int i = 0; i < N; i++)
		p[i * PAGE] = (char)('a' + i);
	pid = child();
	if (!pid) {
		CHECK_OK(remap(p, 2 * PAGE, 0, 4, 0));
		letters_expect(p, "efcdef");
		p[0] = 'E';
		_exit(0);
	}
	expect_exit(pid, 0);
	letters_expect(p, "abcdEf");
}

TEST(mmap, remap_pages_keeps_protection)
{
	int fd = lettered();
	char *p = mapped(PROT_READ, MAP_SHARED, fd);
	pid_t pid;

	CHECK_OK(remap(p, PAGE, 0, 3, 0));
	letters_expect(p, "dbcdef");
	pid = child();
	if (!pid) {
		*p = 'x';
		_exit(0);
	}
	expect_signal(pid, SIGSEGV);
	/* Nor is there anything behind the end of the file. */
	CHECK_OK(remap(p + PAGE, PAGE, 0, 100, 0));
	pid = child();
	if (!pid)
		_exit(p[PAGE]);
	expect_signal(pid, SIGBUS);
	/* Of a file that is not open for writing nothing is shared, strictly. */
	fd = (int)CHECK_OK(open("letters", O_RDONLY));
	CHECK_ERR(remap(mapped(PROT_READ, MAP_SHARED, fd), PAGE, 0, 3, 0), EINVAL);
}

/* What was sealed since it was mapped gets no new places to be written to. */
TEST(mmap, remap_pages_of_sealed_memory)
{
	int fd = (int)CHECK_OK(memfd_create("sealed", MFD_ALLOW_SEALING));
	char *p, *q;

	CHECK_OK(ftruncate(fd, N * PAGE));
	p = mapped(PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	q = mapped(PROT_READ, MAP_SHARED, fd);
	CHECK_OK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	CHECK_ERR(remap(p, PAGE, 0, 3, 0), EPERM);
	CHECK_OK(remap(q, PAGE, 0, 3, 0));
	CHECK_ERR(mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
	p[3 * PAGE] = 'x';
	CHECK_EQ(q[0], 'x');
}

TEST(mmap, remap_pages_errors)
{
	int fd = lettered(), rw = PROT_READ | PROT_WRITE;
	char *p = mapped(rw, MAP_SHARED, fd), *own = mapped(rw, MAP_PRIVATE, fd);
	char *anon = mapped(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	CHECK_ERR(remap(p, PAGE, PROT_READ, 0, 0), EINVAL);
	CHECK_ERR(remap(p, 0, 0, 0, 0), EINVAL);
	CHECK_ERR(remap(p, PAGE - 1, 0, 0, 0), EINVAL);
	CHECK_ERR(remap(p, -(size_t)p, 0, 0, 0), EINVAL);
	CHECK_ERR(remap(p, PAGE, 0, SIZE_MAX, 0), EINVAL);
	CHECK_ERR(remap(p, PAGE, 0, 1UL << 51, 0), EOVERFLOW);
	CHECK_ERR(remap(own, PAGE, 0, 0, 0), EINVAL);
	CHECK_ERR(remap(anon, PAGE, 0, 0, 0), EINVAL);
	CHECK_ERR(remap(NULL, PAGE, 0, 0, 0), EINVAL);
	/* All of it has to be there, and of one kind. */
	CHECK_OK(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	CHECK_ERR(remap(p, 3 * PAGE, 0, 0, 0), EINVAL);
	CHECK_OK(mprotect(p + 2 * PAGE, PAGE, rw));
	CHECK_OK(munmap(p + 4 * PAGE, PAGE));
	CHECK_ERR(remap(p, 5 * PAGE, 0, 0, 0), EINVAL);
	CHECK_OK(remap(p, 4 * PAGE, 0, 1, 0));
	CHECK_EQ(p[0], 'b');
}
