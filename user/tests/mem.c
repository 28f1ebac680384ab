/* Memory as a libc needs it: brk, anonymous mmap, mprotect, copies by fork, stack, faults. */
#include "ut.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096

static sigjmp_buf back;
static volatile siginfo_t seen;

static void jump_back(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	seen = *info;
	siglongjmp(back, 1);
}

/* Touch one byte; 0, or the si_code of the SIGSEGV that it raises at this address. */
static int touch(volatile void *where, bool write)
{
	struct sigaction sa = { .sa_sigaction = jump_back, .sa_flags = SA_SIGINFO };
	volatile char *p = where;

	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
	if (sigsetjmp(back, 1) != 0) {
		CHECK_EQ((uintptr_t)seen.si_addr, (uintptr_t)where);
		return seen.si_code;
	}
	char value = *p;
	if (write)
		*p = value;
	return 0;
}

static char *map(size_t size, int prot, int flags)
{
	void *p = mmap(NULL, size, prot, flags | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		FAIL("mmap of %zu bytes: %s", size, strerrorname_np(errno));
	return p;
}

static char *map_rw(size_t size)
{
	return map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE);
}

TEST(mem, brk)
{
	char *old = (char *)syscall(SYS_brk, 0), *new;

	CHECK(old != NULL);
	new = (char *)syscall(SYS_brk, old + 5 * PAGE + 123);
	CHECK(new == old + 5 * PAGE + 123);
	for (char *p = old; p < new; p++)
		CHECK_EQ(*p, 0);
	memset(old, 0x5a, (size_t)(new - old));
	CHECK(syscall(SYS_brk, 0) == (long)new);
	CHECK(syscall(SYS_brk, old) == (long)old);
	/* What was given back is zero when it returns. */
	new = (char *)syscall(SYS_brk, old + 5 * PAGE);
	for (char *p = old + PAGE; p < new; p += 64)
		CHECK_EQ(*p, 0);
}

TEST(mem, brk_refuses)
{
	long old = syscall(SYS_brk, 0);

	CHECK_EQ(syscall(SYS_brk, 1), old);
	CHECK_EQ(syscall(SYS_brk, -4096L), old);
	CHECK_EQ(syscall(SYS_brk, 0x7fffffffffffL), old);
}

TEST(mem, brk_limit)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };
	long old = syscall(SYS_brk, 0);

	CHECK_OK(setrlimit(RLIMIT_DATA, &limit));
	CHECK_EQ(syscall(SYS_brk, old + (4 << 20)), old);
}

TEST(mem, malloc_sizes)
{
	static void *p[200];

	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < 200; i++) {
			size_t size = 1 + (i * i * 7) % 30000;
			p[i] = malloc(size);
			CHECK(p[i] != NULL);
			memset(p[i], (int)i, size);
		}
		for (size_t i = 0; i < 200; i++) {
			CHECK_EQ(*(unsigned char *)p[i], i & 0xff);
			free(p[i]);
		}
	}
	/* Beyond the threshold malloc maps. */
	char *big = malloc(4 << 20);
	CHECK(big != NULL);
	big[0] = big[(4 << 20) - 1] = 1;
	free(big);
}

TEST(mem, mmap_is_zero)
{
	char *p = map_rw(64 * PAGE);

	for (size_t i = 0; i < 64 * PAGE; i += 8)
		CHECK_EQ(*(uint64_t *)(p + i), 0);
	memset(p, 0xff, 64 * PAGE);
	CHECK_OK(munmap(p, 64 * PAGE));
	p = map_rw(64 * PAGE);
	for (size_t i = 0; i < 64 * PAGE; i += 8)
		CHECK_EQ(*(uint64_t *)(p + i), 0);
}

TEST(mem, mmap_errors)
{
	int rw = PROT_READ | PROT_WRITE, anon = MAP_PRIVATE | MAP_ANONYMOUS;
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));

	CHECK_ERR(mmap(NULL, 0, rw, anon, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, rw, MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_mmap, NULL, PAGE, rw, anon, -1, 1), EINVAL);
	CHECK_ERR(mmap((void *)1, PAGE, rw, anon | MAP_FIXED, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, rw, MAP_PRIVATE, -1, 0), EBADF);
	CHECK_ERR(mmap(NULL, (size_t)-1, rw, anon, -1, 0), ENOMEM);
	CHECK_ERR(mmap(NULL, (size_t)1 << 40, rw, anon, -1, 0), ENOMEM);
	CHECK_ERR(mmap((void *)0xffffffc000000000u, PAGE, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
	CHECK_ERR(mmap((void *)0x8000000000u, PAGE, rw, anon | MAP_FIXED, -1, 0), ENOMEM);
	CHECK_OK(close(fd));
}

TEST(mem, mmap_hint_and_fixed)
{
	char *p = map_rw(16 * PAGE);

	p[4 * PAGE] = 7;
	/* A hint in use is moved away, MAP_FIXED replaces. */
	char *q = mmap(p, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q != MAP_FAILED && q != p);
	q = mmap(p + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(q == p + 4 * PAGE);
	CHECK_EQ(*q, 0);
	CHECK_OK(munmap(p + 8 * PAGE, PAGE));
	q = mmap(p + 8 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(q == p + 8 * PAGE);
}

TEST(mem, munmap)
{
	char *p = map_rw(10 * PAGE);

	memset(p, 1, 10 * PAGE);
	CHECK_OK(munmap(p + 3 * PAGE, 2 * PAGE));
	CHECK_EQ(touch(p + 2 * PAGE, true), 0);
	CHECK_EQ(touch(p + 3 * PAGE, false), SEGV_MAPERR);
	CHECK_EQ(touch(p + 4 * PAGE + 4095, true), SEGV_MAPERR);
	CHECK_EQ(touch(p + 5 * PAGE, true), 0);
	/* A hole is no error; the length is rounded up. */
	CHECK_OK(munmap(p, 9 * PAGE + 1));
	CHECK_EQ(touch(p + 9 * PAGE, false), SEGV_MAPERR);
	CHECK_OK(munmap(p, 10 * PAGE));
	CHECK_ERR(munmap(p, 0), EINVAL);
	CHECK_ERR(munmap(p + 1, PAGE), EINVAL);
	CHECK_ERR(munmap((void *)0xffffffc000000000u, PAGE), EINVAL);
	CHECK_ERR(munmap(p, (size_t)-PAGE), EINVAL);
}

TEST(mem, mprotect)
{
	char *p = map_rw(8 * PAGE);

	memset(p, 9, 8 * PAGE);
	CHECK_OK(mprotect(p + 2 * PAGE, 2 * PAGE, PROT_READ));
	CHECK_EQ(touch(p + 2 * PAGE, false), 0);
	CHECK_EQ(touch(p + 2 * PAGE, true), SEGV_ACCERR);
	CHECK_EQ(touch(p + 4 * PAGE, true), 0);
	CHECK_OK(mprotect(p + 3 * PAGE, PAGE, PROT_NONE));
	CHECK_EQ(touch(p + 3 * PAGE, false), SEGV_ACCERR);
	CHECK_OK(mprotect(p, 8 * PAGE, PROT_READ | PROT_WRITE));
	for (size_t i = 0; i < 8 * PAGE; i++)
		CHECK_EQ(p[i], 9);
	CHECK_EQ(touch(p + 3 * PAGE, true), 0);
}

TEST(mem, mprotect_errors)
{
	char *p = map_rw(4 * PAGE);

	CHECK_ERR(mprotect(p + 1, PAGE, PROT_READ), EINVAL);
	CHECK_ERR(mprotect(p, PAGE, 0x100), EINVAL);
	CHECK_OK(mprotect(p, 0, PROT_READ));
	CHECK_OK(munmap(p + 2 * PAGE, PAGE));
	/* Up to the hole it has happened. */
	CHECK_ERR(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM);
	CHECK_EQ(touch(p, true), SEGV_ACCERR);
	CHECK_ERR(mprotect((void *)0xffffffc000000000u, PAGE, PROT_READ), ENOMEM);
	CHECK_ERR(mprotect(p, (size_t)-PAGE, PROT_READ), ENOMEM);
}

TEST(mem, prot_none_costs_nothing_to_reserve)
{
	char *p = map(256 << 20, PROT_NONE, MAP_PRIVATE | MAP_NORESERVE);

	CHECK_EQ(touch(p + (100 << 20), false), SEGV_ACCERR);
	CHECK_OK(mprotect(p + (100 << 20), PAGE, PROT_READ | PROT_WRITE));
	CHECK_EQ(touch(p + (100 << 20), true), 0);
	CHECK_OK(munmap(p, 256 << 20));
}

TEST(mem, lazy_is_sparse)
{
	/* 64 MiB are mapped on any machine, as long as few pages are touched. */
	char *p = map(64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE);

	for (size_t i = 0; i < 64; i++) {
		CHECK_EQ(p[i << 20], 0);
		p[i << 20] = (char)i;
	}
	for (size_t i = 0; i < 64; i++)
		CHECK_EQ(p[i << 20], (char)i);
}

TEST(mem, executable)
{
	/* li a0, 55; ret */
	static const unsigned int code[] = { 0x03700513, 0x00008067 };
	char *p = map_rw(PAGE);

	memcpy(p, code, sizeof(code));
	__builtin___clear_cache(p, p + sizeof(code));
	CHECK_OK(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	CHECK_EQ(((int (*)(void))(uintptr_t)p)(), 55);
	CHECK_EQ(touch(p, true), SEGV_ACCERR);
}

TEST(mem, copy_on_write)
{
	char *p = map_rw(32 * PAGE);
	pid_t pids[8];

	memset(p, 'P', 32 * PAGE);
	for (int i = 0; i < 8; i++) {
		pids[i] = child();
		if (pids[i] == 0) {
			for (size_t j = 0; j < 32; j++) {
				CHECK_EQ(p[j * PAGE], 'P');
				p[j * PAGE] = (char)i;
				CHECK_EQ(p[j * PAGE + 1], 'P');
			}
			for (size_t j = 0; j < 32; j++)
				CHECK_EQ(p[j * PAGE], i);
			_exit(0);
		}
	}
	for (size_t j = 0; j < 32; j++)
		p[j * PAGE + 2] = 'Q';
	for (int i = 0; i < 8; i++)
		expect_exit(pids[i], 0);
	for (size_t j = 0; j < 32; j++)
		CHECK(p[j * PAGE] == 'P' && p[j * PAGE + 1] == 'P' && p[j * PAGE + 2] == 'Q');
}

TEST(mem, copy_on_write_by_kernel)
{
	/* read() into a page that is shared after fork must copy it first. */
	char *p = map_rw(4 * PAGE);
	int fd = (int)CHECK_OK(open("/dev/zero", O_RDONLY));

	memset(p, 'x', 4 * PAGE);
	pid_t pid = child();
	if (pid == 0) {
		CHECK_EQ(read(fd, p + 100, 3 * PAGE), 3 * PAGE);
		CHECK(p[99] == 'x' && p[100] == 0);
		CHECK(p[3 * PAGE + 99] == 0 && p[3 * PAGE + 100] == 'x');
		_exit(0);
	}
	expect_exit(pid, 0);
	for (size_t i = 0; i < 4 * PAGE; i++)
		CHECK_EQ(p[i], 'x');
}

TEST(mem, shared_anonymous)
{
	volatile int *p = (volatile int *)map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	pid_t pid = child();

	if (pid == 0) {
		p[0] = 1;
		while (p[1024] == 0)
			continue;
		_exit(p[1024]);
	}
	while (p[0] == 0)
		continue;
	p[1024] = 6;
	expect_exit(pid, 6);
}

/* Use so many KiB of stack. */
static int stack_use(int kib)
{
	volatile char block[1024];

	block[0] = (char)kib;
	block[1023] = 1;
	return kib <= 1 ? block[1023] : stack_use(kib - 1) + block[1023];
}

TEST(mem, stack_grows)
{
	CHECK_GE(stack_use(4000), 1000);
}

TEST(mem, stack_limit)
{
	struct rlimit limit = { 1 << 20, 1 << 20 };
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(setrlimit(RLIMIT_STACK, &limit));
		_exit(stack_use(3000) > 0);
	}
	expect_signal(pid, SIGSEGV);
}

TEST(mem, syscall_buffers_across_areas)
{
	/* A buffer that runs from one mapping into another, and into a hole. */
	char *p = map_rw(4 * PAGE);
	int fd[2];

	CHECK_OK(mprotect(p + PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	CHECK_OK(munmap(p + 2 * PAGE, PAGE));
	CHECK_OK(pipe(fd));
	memset(p, 'a', 2 * PAGE);
	CHECK_EQ(write(fd[1], p + 100, 2 * PAGE - 200), 2 * PAGE - 200);
	memset(p, 'b', 2 * PAGE);
	CHECK_EQ(read(fd[0], p + 100, 2 * PAGE - 200), 2 * PAGE - 200);
	CHECK(p[99] == 'b' && p[100] == 'a');
	CHECK(p[2 * PAGE - 101] == 'a' && p[2 * PAGE - 100] == 'b');
}

/* Allocate and never free; whether there was memory. */
static bool malloc_for_good(size_t size)
{
	static void *volatile last;

	last = malloc(size);
	return last != NULL;
}

TEST(mem, exhaustion_is_survived, .mem_mib = 64, .no_leak_check = true)
{
	/* A limit on the address space: malloc says no, nothing breaks. */
	struct rlimit limit = { 32 << 20, 32 << 20 };
	int blocks = 0;
	pid_t pid = child();

	if (pid == 0) {
		CHECK_OK(setrlimit(RLIMIT_AS, &limit));
		while (malloc_for_good(1 << 20))
			blocks++;
		CHECK_EQ(errno, ENOMEM);
		CHECK(blocks > 10 && blocks < 33);
		_exit(0);
	}
	expect_exit(pid, 0);
}

TEST(mem, fork_with_much_memory, .mem_mib = 64)
{
	char *p = map_rw(8 << 20);

	for (size_t i = 0; i < 8u << 20; i += PAGE)
		*(size_t *)(p + i) = i;
	for (int round = 0; round < 5; round++) {
		pid_t pid = child();
		if (pid == 0) {
			for (size_t i = 0; i < 8u << 20; i += PAGE)
				CHECK_EQ(*(size_t *)(p + i), i);
			_exit(0);
		}
		expect_exit(pid, 0);
	}
}
