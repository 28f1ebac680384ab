/* User-level paging: pages that are moved to where one is missing. */
#include "userfault.h"
#include "swap.h"

/* Newer than some headers. */
#ifndef UFFDIO_MOVE
#define _UFFDIO_MOVE			 5
#define UFFD_FEATURE_MOVE		 (1 << 16)
#define UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES 2
struct uffdio_move {
	uint64_t dst, src, len, mode;
	int64_t move;
};
#define UFFDIO_MOVE _IOWR(UFFDIO, _UFFDIO_MOVE, struct uffdio_move)
#endif

static int move(int fd, void *to, const void *from, size_t size, uint64_t mode, long *done)
{
	struct uffdio_move m = { .dst = (uintptr_t)to, .src = (uintptr_t)from, .len = size,
				 .mode = mode };
	int err = ioctl(fd, UFFDIO_MOVE, &m);

	if (done)
		*done = (long)m.move;
	return err;
}

static bool resident(char *p)
{
	unsigned char there;

	CHECK_OK(mincore(p, PAGE, &there));
	return there & 1;
}

TEST(userfault, move_serves_a_fault)
{
	int fd = uffd_open(O_CLOEXEC, UFFD_FEATURE_MOVE);
	char *p = map_rw(PAGE), *from = map_rw(PAGE);
	struct uffdio_register r = { .range = { (uintptr_t)p, PAGE }, .mode = MISSING };
	pthread_t t;
	long done;

	CHECK_OK(ioctl(fd, UFFDIO_REGISTER, &r));
	CHECK(r.ioctls & 1 << _UFFDIO_MOVE);
	t = thread_begin(uffd_read_byte, p + 15);
	CHECK_EQ((uintptr_t)uffd_fault(fd, NULL) & -PAGE, p);
	memset(from, 'X', PAGE);
	CHECK_OK(move(fd, p, from, PAGE, 0, &done));
	CHECK_EQ(done, PAGE);
	CHECK_EQ(thread_result(t), 'X');
	/* It is the program's to write to, and where it was there is nothing. */
	p[0] = 'y';
	CHECK(!resident(from));
	CHECK_EQ(from[15], 0);
	CHECK_EQ(p[PAGE - 1], 'X');
}

TEST(userfault, move_many)
{
	enum { COUNT = 600 };
	int fd = uffd_open(0, UFFD_FEATURE_MOVE);
	char *p = map_rw(COUNT * PAGE), *from = map_rw(COUNT * PAGE);
	long done;

	CHECK_OK(uffd_register(fd, p, COUNT * PAGE, MISSING));
	for (int i = 0; i < COUNT; i++)
		if (i != 500)
			memset(from + i * PAGE, i, PAGE);
	/* Up to the hole; then over it. */
	CHECK_ERR(move(fd, p, from, COUNT * PAGE, 0, &done), EAGAIN);
	CHECK_EQ(done, 500 * PAGE);
	CHECK_ERR(move(fd, p + done, from + done, PAGE, 0, &done), ENOENT);
	CHECK_EQ(done, -ENOENT);
	CHECK_OK(move(fd, p + 500 * PAGE, from + 500 * PAGE, (COUNT - 500) * PAGE,
		      UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES, &done));
	CHECK_EQ(done, (COUNT - 500) * PAGE);
	CHECK(!resident(p + 500 * PAGE));
	CHECK_OK(uffd_zero(fd, p + 500 * PAGE, PAGE, 0));
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(p[i * PAGE + 9], (char)(i == 500 ? 0 : i));
}

TEST(userfault, move_of_zeros)
{
	int fd = uffd_open(0, UFFD_FEATURE_MOVE);
	char *p = map_rw(PAGE), *from = map_rw(PAGE);

	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	CHECK_EQ(*(volatile char *)from, 0);
	CHECK_OK(move(fd, p, from, PAGE, 0, NULL));
	CHECK_EQ(p[5], 0);
	p[5] = 'a';
	CHECK_EQ(from[5], 0);
}

TEST(userfault, move_errors)
{
	int fd = uffd_open(0, UFFD_FEATURE_MOVE), other = uffd_open(0, UFFD_FEATURE_MOVE);
	char *p = map_rw(4 * PAGE), *from = map_rw(4 * PAGE), *shared, *gone = map_rw(PAGE);
	struct uffdio_move m = { .dst = (uintptr_t)p, .src = (uintptr_t)from };
	long done;

	CHECK_OK(munmap(gone, PAGE));
	CHECK_OK(uffd_register(fd, p, 2 * PAGE, MISSING));
	memset(from, 'f', 4 * PAGE);
	CHECK_ERR(move(fd, p + 1, from, PAGE, 0, &done), EINVAL);
	CHECK_EQ(done, 0);
	CHECK_ERR(move(fd, p, from + 1, PAGE, 0, NULL), EINVAL);
	CHECK_ERR(move(fd, p, from, PAGE + 1, 0, NULL), EINVAL);
	CHECK_ERR(move(fd, p, from, 0, 0, NULL), EINVAL);
	CHECK_ERR(move(fd, p, from, PAGE, 4, NULL), EINVAL);
	CHECK_ERR(ioctl(fd, UFFDIO_MOVE, 8), EFAULT);
	CHECK_ERR(ioctl(fd, UFFDIO_MOVE, &m), EINVAL);
	/* Areas that are not there, not registered, another's, too short, of another kind. */
	CHECK_ERR(move(fd, p, gone, PAGE, UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES, &done), ENOENT);
	CHECK_EQ(done, -ENOENT);
	CHECK_ERR(move(fd, gone, from, PAGE, 0, NULL), ENOENT);
	CHECK_ERR(move(fd, p + 2 * PAGE, from, PAGE, 0, NULL), EINVAL);
	CHECK_ERR(move(other, p, from, PAGE, 0, NULL), EINVAL);
	CHECK_ERR(move(fd, p, from, 3 * PAGE, 0, &done), EINVAL);
	CHECK_EQ(done, -EINVAL);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	*shared = 's';
	CHECK_ERR(move(fd, p, shared, PAGE, 0, NULL), EINVAL);
	CHECK_OK(mprotect(from + PAGE, PAGE, PROT_READ));
	CHECK_ERR(move(fd, p, from + PAGE, PAGE, 0, NULL), EINVAL);
	CHECK_OK(mlock(from + 2 * PAGE, PAGE));
	CHECK_ERR(move(fd, p, from + 2 * PAGE, PAGE, 0, NULL), EINVAL);
	CHECK_OK(move(fd, p, from, PAGE, 0, NULL));
	/* There is one already. */
	CHECK_ERR(move(fd, p, from + 3 * PAGE, PAGE, 0, &done), EEXIST);
	CHECK_EQ(done, -EEXIST);
	CHECK_EQ(from[3 * PAGE], 'f');
}

/* What a child still has, too, stays where it is; and its own pages are not the descriptor's. */
TEST(userfault, move_of_what_a_child_has)
{
	int fd = uffd_open(0, UFFD_FEATURE_MOVE);
	char *p = map_rw(2 * PAGE), *from = map_rw(2 * PAGE);
	struct gate g;
	pid_t pid;
	long done;

	gate_make(&g);
	CHECK_OK(uffd_register(fd, p, 2 * PAGE, MISSING));
	memset(from, 'f', 2 * PAGE);
	pid = child();
	if (!pid) {
		CHECK_ERR(move(fd, p, from, PAGE, 0, NULL), EINVAL);
		gate_pass(&g);
		CHECK_EQ(from[0], 'f');
		CHECK_EQ(from[PAGE], 'f');
		_exit(0);
	}
	CHECK_ERR(move(fd, p, from, PAGE, 0, &done), EBUSY);
	CHECK_EQ(done, -EBUSY);
	/* A page of its own again. */
	from[PAGE] = 'g';
	CHECK_OK(move(fd, p + PAGE, from + PAGE, PAGE, 0, NULL));
	CHECK_EQ(p[PAGE], 'g');
	gate_open(&g);
	expect_exit(pid, 0);
	from[0] = 'h';
	CHECK_OK(move(fd, p, from, PAGE, 0, NULL));
	CHECK_EQ(p[0], 'h');
}

/* What fork left in common as a whole is another's as well, from either side. */
static void move_of_shared(size_t pages, bool huge)
{
	const size_t size = pages * PAGE, room = 4u << 20;
	int fd = uffd_open(0, UFFD_FEATURE_MOVE);
	char *p = map_rw(PAGE), *area = map_rw(room), *from;
	struct gate g, tried;
	pid_t pid;

	from = (char *)(((uintptr_t)area + (room / 2 - 1)) & -(room / 2));
	if (huge)
		CHECK_OK(madvise(area, room, MADV_HUGEPAGE));
	CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
	memset(from, 'f', size);
	gate_make(&g);
	gate_make(&tried);
	pid = child();
	if (!pid) {
		fd = uffd_open(0, UFFD_FEATURE_MOVE);
		p = map_rw(PAGE);
		CHECK_OK(uffd_register(fd, p, PAGE, MISSING));
		CHECK_ERR(move(fd, p, from + 3 * PAGE, PAGE, 0, NULL), EBUSY);
		gate_open(&tried);
		gate_pass(&g);
		/* It is ours alone, by a store. */
		from[3 * PAGE + 7] = 'f';
		CHECK_OK(move(fd, p, from + 3 * PAGE, PAGE, 0, NULL));
		CHECK_EQ(p[7], 'f');
		_exit(0);
	}
	gate_pass(&tried);
	CHECK_ERR(move(fd, p, from + 5 * PAGE, PAGE, 0, NULL), EBUSY);
	for (size_t i = 0; i < pages; i++)
		CHECK_EQ(from[i * PAGE], 'f');
	CHECK_OK(munmap(area, room));
	gate_open(&g);
	expect_exit(pid, 0);
}

TEST(userfault, move_of_shared_tables)
{
	move_of_shared(100, false);
}

TEST(userfault, move_of_shared_huge)
{
	move_of_shared(512, true);
}

/* What is swapped out comes first. */
TEST(userfault, move_of_swapped, .root = true)
{
	enum { COUNT = 64 };
	int fd = uffd_open(0, UFFD_FEATURE_MOVE);
	char *p = map_rw(COUNT * PAGE), *from = map_rw(COUNT * PAGE);

	bool ours = swap_begin();

	CHECK_OK(uffd_register(fd, p, COUNT * PAGE, MISSING));
	for (int i = 0; i < COUNT; i++)
		memset(from + i * PAGE, i + 1, PAGE);
	CHECK_OK(madvise(from, COUNT * PAGE, MADV_PAGEOUT));
	CHECK_OK(move(fd, p, from, COUNT * PAGE, 0, NULL));
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(p[i * PAGE + 77], (char)(i + 1));
	swap_end(ours);
}
