/*
 * fs: FICLONE, FICLONERANGE, FIDEDUPERANGE, where no file system shares blocks between files: what
 * is wrong is told from what is only not possible.
 */
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "user/tests/ut.h"

TEST(fs, clone_refused)
{
	int a, b, reader, writer, appender, dir, place, other, p[2];

	file_make("a", "hello", 5);
	file_make("b", "", 0);
	a = (int)CHECK_OK(open("a", O_RDWR));
	b = (int)CHECK_OK(open("b", O_RDWR));
	reader = (int)CHECK_OK(open("a", O_RDONLY));
	writer = (int)CHECK_OK(open("b", O_WRONLY));
	appender = (int)CHECK_OK(open("b", O_WRONLY | O_APPEND));
	dir = (int)CHECK_OK(open(".", O_RDONLY));
	place = (int)CHECK_OK(open("a", O_PATH));
	other = (int)CHECK_OK(open("/dev/null", O_RDWR));
	CHECK_OK(pipe(p));
	CHECK_ERR(ioctl(b, FICLONE, a), EOPNOTSUPP);
	CHECK_ERR(ioctl(b, FICLONE, b), EOPNOTSUPP);
	CHECK_ERR(ioctl(b, FICLONE, 999), EBADF);
	CHECK_ERR(ioctl(b, FICLONE, place), EBADF);
	CHECK_ERR(ioctl(place, FICLONE, b), EBADF);
	CHECK_ERR(ioctl(reader, FICLONE, b), EBADF);
	CHECK_ERR(ioctl(b, FICLONE, writer), EBADF);
	CHECK_ERR(ioctl(appender, FICLONE, a), EBADF);
	CHECK_ERR(ioctl(dir, FICLONE, a), EISDIR);
	CHECK_ERR(ioctl(b, FICLONE, dir), EISDIR);
	CHECK_ERR(ioctl(b, FICLONE, p[0]), EXDEV);
	CHECK_ERR(ioctl(p[1], FICLONE, 999), EBADF);
	CHECK_ERR(ioctl(b, FICLONE, other), EXDEV);
	CHECK_ERR(ioctl(p[1], FICLONE, p[0]), EINVAL);
}

TEST(fs, clone_range_refused)
{
	struct file_clone_range range;
	int a, b;

	file_make("a", "hello", 5);
	a = (int)CHECK_OK(open("a", O_RDWR));
	b = (int)CHECK_OK(open("b", O_RDWR | O_CREAT, 0600));
	range = (struct file_clone_range){.src_fd = a};
	CHECK_ERR(ioctl(b, FICLONERANGE, &range), EOPNOTSUPP);
	CHECK_ERR(ioctl(b, FICLONERANGE, 8), EFAULT);
	range.src_fd = 999;
	CHECK_ERR(ioctl(b, FICLONERANGE, &range), EBADF);
}

TEST(fs, dedupe_refused)
{
	union {
		struct file_dedupe_range head;
		char bytes[sizeof(struct file_dedupe_range) +
			   sizeof(struct file_dedupe_range_info)];
	} r = {.head = {.src_length = 5, .dest_count = 1}};
	int a, writer, dir, null;

	file_make("a", "hello", 5);
	a = (int)CHECK_OK(open("a", O_RDWR));
	writer = (int)CHECK_OK(open("a", O_WRONLY));
	dir = (int)CHECK_OK(open(".", O_RDONLY));
	null = (int)CHECK_OK(open("/dev/null", O_RDWR));
	r.head.info[0].dest_fd = a;
	CHECK_ERR(ioctl(a, FIDEDUPERANGE, &r), EOPNOTSUPP);
	CHECK_ERR(ioctl(a, FIDEDUPERANGE, 8), EFAULT);
	CHECK_ERR(ioctl(writer, FIDEDUPERANGE, &r), EINVAL);
	CHECK_ERR(ioctl(dir, FIDEDUPERANGE, &r), EISDIR);
	CHECK_ERR(ioctl(null, FIDEDUPERANGE, &r), EINVAL);
	r.head.dest_count = 5000;
	CHECK_ERR(ioctl(a, FIDEDUPERANGE, &r), ENOMEM);
	r.head.dest_count = 0;
	CHECK_ERR(ioctl(a, FIDEDUPERANGE, &r), EOPNOTSUPP);
	r.head.reserved1 = 1;
	CHECK_ERR(ioctl(a, FIDEDUPERANGE, &r), EINVAL);
}
