/* Faults: the right signal, code and address; handlers that mend; addresses that are nobody's. */
#include "vmlib.h"

#include <sys/resource.h>
#include <ucontext.h>

static volatile siginfo_t seen;
static char *volatile mend_at;
static volatile size_t mend_size;
static volatile int mended;

TEST(vmfault, maperr)
{
	char *p = map_rw(3 * PAGE);

	CHECK_OK(munmap(p + PAGE, PAGE));
	CHECK_EQ(touch(p + PAGE, false), SEGV_MAPERR);
	CHECK_EQ(touch(p + PAGE + 4095, true), SEGV_MAPERR);
	CHECK_EQ(touch(NULL, false), SEGV_MAPERR);
	CHECK_EQ(touch((char *)8, true), SEGV_MAPERR);
	CHECK_EQ(touch(ARENA, true), SEGV_MAPERR);
}

TEST(vmfault, accerr)
{
	char *p = map_anon(PAGE, RO, MAP_PRIVATE), *q = map_anon(PAGE, PROT_NONE, MAP_PRIVATE);

	CHECK_EQ(touch(p + 17, true), SEGV_ACCERR);
	CHECK_READS(p);
	CHECK_EQ(touch(p + 17, true), SEGV_ACCERR);
	CHECK_EQ(touch(q, false), SEGV_ACCERR);
	CHECK_EQ(touch(q + 4095, true), SEGV_ACCERR);
	/* The program's own text. */
	CHECK_EQ(touch((void *)(uintptr_t)pattern_byte, true), SEGV_ACCERR);
}

TEST(vmfault, bus)
{
	int fd = pattern_file("f", PAGE, 1);
	char *p = map_at(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	CHECK_EQ(touch(p + PAGE + 5, false), TOUCH_BUS + BUS_ADRERR);
	CHECK_EQ(touch(p + 2 * PAGE - 1, true), TOUCH_BUS + BUS_ADRERR);
	CHECK_OK(ftruncate(fd, 2 * PAGE));
	CHECK_WRITES(p + PAGE);
}

TEST(vmfault, unhandled_kills)
{
	char *none = map_anon(PAGE, PROT_NONE, MAP_PRIVATE);
	int fd = pattern_file("f", 1, 1);
	char *p = map_at(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	pid_t pid = child();

	if (pid == 0) {
		*(volatile char *)none = 1;
		_exit(0);
	}
	expect_signal(pid, SIGSEGV);
	pid = child();
	if (pid == 0) {
		p[PAGE] = 1;
		_exit(0);
	}
	expect_signal(pid, SIGBUS);
}

TEST(vmfault, kernel_addresses)
{
	static const uintptr_t list[] = {
		0x4000000000, 0x4000000000 - 1, 0xffffffc000000000, 0xffffffd600000000,
		0xffffffff80200000, 0xfffffffffffff000, 0xffffffffffffffff,
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		CHECK(touch((void *)list[i], false) != 0);
		CHECK(touch((void *)list[i], true) != 0);
	}
}

TEST(vmfault, non_canonical_addresses)
{
	/* Bits 63 to 39 must all be bit 38: si_addr still shows what was asked for. */
	for (int bit = 39; bit < 63; bit++) {
		CHECK(touch((void *)(1ul << bit), false) != 0);
		CHECK(touch((void *)(~0xffful & ~(1ul << bit)), true) != 0);
	}
}

TEST(vmfault, non_canonical_alias)
{
	/* Bits that translation ignores must not lead to what is mapped without them. */
	char *p = map_rw(PAGE);

	p[0] = 7;
	CHECK(touch((char *)((uintptr_t)p | 1ul << 39), false) != 0);
	CHECK(touch((char *)((uintptr_t)p | 1ul << 55), true) != 0);
	CHECK(touch((char *)((uintptr_t)p | 1ul << 63), false) != 0);
	CHECK_EQ(p[0], 7);
}

static void jump_to(uintptr_t where)
{
	((void (*)(void))where)();
}

TEST(vmfault, execution)
{
	static const uintptr_t list[] = { 0, 8, 0x4000000000, 0xffffffff80200000, 1ul << 45 };
	uintptr_t none = (uintptr_t)map_rw(PAGE);

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]) + 1; i++) {
		pid_t pid = child();

		if (pid == 0) {
			jump_to(i ? list[i - 1] : none);
			_exit(0);
		}
		expect_signal(pid, SIGSEGV);
	}
}

/* A load over the border of two pages, byte by byte or whole. */
TEST(vmfault, misaligned_over_border)
{
	char *p = map_rw(2 * PAGE);

	memset(p, 1, 2 * PAGE);
	CHECK_OK(mprotect(p + PAGE, PAGE, PROT_NONE));
	pid_t pid = child();
	if (pid == 0) {
		volatile uint64_t *q = (volatile uint64_t *)(p + PAGE - 3);
		uint64_t value = *q;

		_exit(value != 0);
	}
	expect_signal(pid, SIGSEGV);
}

static void mend(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	seen = *info;
	mended++;
	if (mprotect(mend_at, mend_size, RW) < 0)
		_exit(77);
}

static void mend_with(int flags)
{
	struct sigaction sa = { .sa_sigaction = mend, .sa_flags = SA_SIGINFO | flags };

	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
}

TEST(vmfault, handler_mends)
{
	volatile char *p = map_anon(8 * PAGE, PROT_NONE, MAP_PRIVATE);

	mend_with(0);
	for (size_t i = 0; i < 8; i++) {
		mend_at = (char *)p + i * PAGE;
		mend_size = PAGE;
		p[i * PAGE + 11] = (char)(i + 1);
		CHECK_EQ(mended, i + 1);
		CHECK_EQ((uintptr_t)seen.si_addr, (uintptr_t)p + i * PAGE + 11);
		CHECK_EQ(seen.si_code, SEGV_ACCERR);
	}
	for (size_t i = 0; i < 8; i++)
		CHECK_EQ(p[i * PAGE + 11], i + 1);
}

TEST(vmfault, handler_mends_on_alternate_stack)
{
	stack_t ss = { .ss_sp = map_rw(64 << 10), .ss_size = 64 << 10 };
	volatile char *p = map_anon(4 * PAGE, RO, MAP_PRIVATE);

	CHECK_OK(sigaltstack(&ss, NULL));
	mend_with(SA_ONSTACK);
	mend_at = (char *)p;
	mend_size = 4 * PAGE;
	CHECK_EQ(p[PAGE], 0);
	p[PAGE] = 1;
	CHECK_EQ(mended, 1);
	p[2 * PAGE] = 2;
	CHECK_EQ(mended, 1);
	CHECK_EQ(p[PAGE] + p[2 * PAGE], 3);
}

TEST(vmfault, handler_mends_copied_page)
{
	/* Shared after fork and protected: mprotect must not give the page itself back. */
	char *p = map_rw(2 * PAGE);
	pid_t pid;

	tag_pages(p, 2, 1);
	CHECK_OK(mprotect(p, 2 * PAGE, RO));
	mend_with(0);
	mend_at = p;
	mend_size = 2 * PAGE;
	pid = child();
	if (pid == 0) {
		tag_pages(p, 2, 2);
		CHECK_EQ(mended, 1);
		check_tags(p, 2, 2);
		_exit(0);
	}
	expect_exit(pid, 0);
	check_tags(p, 2, 1);
	tag_pages(p, 2, 3);
	CHECK_EQ(mended, 1);
	check_tags(p, 2, 3);
}

static void map_it(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	mended++;
	map_at((void *)((uintptr_t)info->si_addr & -PAGE), PAGE, RW, ANON | MAP_FIXED, -1, 0);
}

TEST(vmfault, handler_maps)
{
	struct sigaction sa = { .sa_sigaction = map_it, .sa_flags = SA_SIGINFO };
	volatile char *p = (volatile char *)ARENA;

	CHECK_OK(sigaction(SIGSEGV, &sa, NULL));
	for (size_t i = 0; i < 10; i++)
		p[i * SPAN + 5] = (char)i;
	for (size_t i = 0; i < 10; i++)
		CHECK_EQ(p[i * SPAN + 5], i);
	CHECK_EQ(mended, 10);
}

static void grow_file(int sig, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	mended++;
	if (sig != SIGBUS || truncate("f", (off_t)mend_size) < 0)
		_exit(77);
}

TEST(vmfault, handler_grows_file)
{
	struct sigaction sa = { .sa_sigaction = grow_file, .sa_flags = SA_SIGINFO };
	int fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	volatile char *p = map_at(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	mend_size = 2 * PAGE;
	CHECK_OK(sigaction(SIGBUS, &sa, NULL));
	p[PAGE] = 9;
	CHECK_EQ(mended, 1);
	CHECK_EQ(p[PAGE], 9);
}

TEST(vmfault, write_protection_as_barrier)
{
	/* What collectors do: protect, fault, unprotect, many times. */
	volatile char *p = map_rw(16 * PAGE);

	memset((char *)p, 1, 16 * PAGE);
	mend_with(0);
	for (int round = 0; round < 20; round++) {
		size_t i = (size_t)round * 5 % 16;

		CHECK_OK(mprotect((char *)p, 16 * PAGE, RO));
		mend_at = (char *)p + i * PAGE;
		mend_size = PAGE;
		p[i * PAGE] = (char)round;
		CHECK_EQ(mended, round + 1);
		CHECK_EQ(p[i * PAGE], (char)round);
	}
}

TEST(vmfault, stack_overflow_on_alternate_stack)
{
	struct rlimit limit = { 256 << 10, 256 << 10 };
	pid_t pid = child();

	if (pid == 0) {
		char *p;

		CHECK_OK(setrlimit(RLIMIT_STACK, &limit));
		p = (char *)((uintptr_t)&pid & -PAGE);
		CHECK(touch(p - (512 << 10), true) == SEGV_MAPERR);
		CHECK_EQ(touch(p - (64 << 10), true), 0);
		_exit(0);
	}
	expect_exit(pid, 0);
}

/* --- copies by the kernel --- */

/* Every alignment of a buffer of 24 bytes around the end of the first of two pages. */
static void copies_around(char *border, bool readable_behind, bool writable_behind)
{
	char buf[24], back[24];
	int fd[2];

	CHECK_OK(pipe2(fd, O_NONBLOCK));
	for (int before = 0; before <= 24; before++) {
		char *p = border - before;
		ssize_t n = write(fd[1], p, 24), got;

		if (before == 24 || readable_behind)
			CHECK_EQ(n, 24);
		else if (n != before || before == 0)
			CHECK(n == -1 && errno == EFAULT);
		while (read(fd[0], back, sizeof(back)) > 0)
			continue;
		memset(buf, before + 1, sizeof(buf));
		CHECK_EQ(write(fd[1], buf, 24), 24);
		got = read(fd[0], p, 24);
		if (before == 24 || writable_behind) {
			CHECK_EQ(got, 24);
			CHECK_EQ(memcmp(p, buf, 24), 0);
		} else if (got != before || before == 0) {
			CHECK(got == -1 && errno == EFAULT);
		}
		while (read(fd[0], back, sizeof(back)) > 0)
			continue;
	}
	gate_close(&(struct gate){ { fd[0], fd[1] } });
}

TEST(vmfault, copies_over_border)
{
	char *p = map_rw(2 * PAGE);

	copies_around(p + PAGE, true, true);
	CHECK_OK(mprotect(p + PAGE, PAGE, RW | PROT_EXEC));
	copies_around(p + PAGE, true, true);
	CHECK_OK(mprotect(p + PAGE, PAGE, RO));
	copies_around(p + PAGE, true, false);
	CHECK_OK(mprotect(p + PAGE, PAGE, PROT_NONE));
	copies_around(p + PAGE, false, false);
	CHECK_OK(munmap(p + PAGE, PAGE));
	copies_around(p + PAGE, false, false);
}

TEST(vmfault, copies_over_border_of_table)
{
	char *p = map_at(ARENA + SPAN - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0);

	copies_around(p + PAGE, true, true);
	pid_t pid = child();
	if (pid == 0) {
		copies_around(p + PAGE, true, true);
		CHECK_OK(munmap(p + PAGE, PAGE));
		copies_around(p + PAGE, false, false);
		_exit(0);
	}
	expect_exit(pid, 0);
	copies_around(p + PAGE, true, true);
}

TEST(vmfault, copies_to_file_end)
{
	int fd = pattern_file("f", PAGE, 1);
	char *p = map_at(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);

	copies_around(p + PAGE, false, false);
}

TEST(vmfault, copy_stops_at_hole)
{
	/* A file: what lies before the hole arrives, or nothing does; nothing else changes. */
	char *p = map_rw(4 * PAGE);
	int fd = pattern_file("f", 3 * PAGE, 1);
	ssize_t n;

	memset(p, 0, 4 * PAGE);
	CHECK_OK(munmap(p + PAGE, PAGE));
	n = read(fd, p, 3 * PAGE);
	CHECK(n == (ssize_t)PAGE || (n == -1 && errno == EFAULT));
	if (n > 0)
		pattern_check(p, PAGE, 1, 0);
	check_zero(p + 2 * PAGE, 2 * PAGE);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), n > 0 ? n : 0);
	CHECK_ERR(pwrite(fd, p + PAGE, 100, 0), EFAULT);
}

TEST(vmfault, copy_wraps)
{
	int fd = (int)CHECK_OK(open("/dev/zero", O_RDONLY));
	char *volatile p = map_rw(PAGE);

	CHECK_ERR(syscall(SYS_read, fd, -16L, 32), EFAULT);
	CHECK_ERR(syscall(SYS_read, fd, 0x3ffffffff0, 64), EFAULT);
	CHECK_ERR(syscall(SYS_read, fd, 0x4000000000, 1), EFAULT);
	CHECK_ERR(syscall(SYS_read, fd, 0xffffffd600000000, 8), EFAULT);
	CHECK_ERR(read(fd, (char *)((uintptr_t)p | 1ul << 45), 8), EFAULT);
	CHECK_ERR(syscall(SYS_read, fd, 8, 8), EFAULT);
}

TEST(vmfault, copy_of_string_to_end_of_area)
{
	char *p = map_rw(2 * PAGE);

	CHECK_OK(munmap(p + PAGE, PAGE));
	strcpy(p + PAGE - 2, ".");
	CHECK_OK(access(p + PAGE - 2, F_OK));
	p[PAGE - 1] = 'x';
	CHECK_ERR(access(p + PAGE - 2, F_OK), EFAULT);
}

TEST(vmfault, copy_grows_stack)
{
	/* The kernel writes where the stack has not been yet. */
	int fd = pattern_file("f", 4 * PAGE, 1);
	char *p = (char *)((uintptr_t)&fd & -PAGE) - 100 * PAGE;

	CHECK_EQ(read(fd, p, 4 * PAGE), 4 * PAGE);
	pattern_check(p, 4 * PAGE, 1, 0);
}
