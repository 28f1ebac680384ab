/*
 * How programs get random numbers: getrandom(2), /dev/random and /dev/urandom (random(4)).
 */
#include "kernel/async.h"
#include "kernel/chardev.h"
#include "kernel/random.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define GRND_NONBLOCK 1U
#define GRND_RANDOM   2U
#define GRND_INSECURE 4U

#define RNDGETENTCNT   0x80045200U
#define RNDADDTOENTCNT 0x40045201U
#define RNDADDENTROPY  0x40085203U
#define RNDZAPENTCNT   0x5204U
#define RNDCLEARPOOL   0x5206U
#define RNDRESEEDCRNG  0x5207U

#define CHUNK 256U
#define O_NONBLOCK_FLAG 0x800U

/*
 * Fill the transfer. Signals are looked at after each page, so that a huge request can be
 * interrupted but one of up to a page (in practice all) is never cut short.
 */
static ssize64_t random_fill(struct uio *u)
{
	uint8_t chunk[CHUNK];
	uint64_t total = 0;

	random_refresh();
	while (u->resid) {
		size_t want = MIN(u->resid, sizeof(chunk));

		random_bytes(chunk, want);
		size_t moved = uio_copy_to(u, chunk, want);

		total += moved;
		if (moved < want)
			break;
		if (total % PAGE_SIZE == 0 && signal_pending())
			break;
	}
	memset(chunk, 0, sizeof(chunk));
	if (!total && u->resid)
		return -EFAULT;
	return (ssize64_t)total;
}

static ssize64_t random_read(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	(void)pos;
	if (!u->resid)
		return 0;
	if (!random_ready()) {
		if (f->flags & O_NONBLOCK_FLAG)
			return -EAGAIN;
		int err = random_wait_ready();

		if (err)
			return err;
	}
	return random_fill(u);
}

static ssize64_t urandom_read(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	(void)f;
	(void)pos;
	return random_fill(u);
}

/* What is written is mixed in, and not trusted. */
static ssize64_t random_write(struct chardev_file *f, struct uio *u, uint64_t *pos)
{
	uint8_t chunk[CHUNK];
	uint64_t total = 0;

	(void)f;
	(void)pos;
	while (u->resid) {
		size_t want = MIN(u->resid, sizeof(chunk));
		size_t moved = uio_copy_from(u, chunk, want);

		random_add(chunk, moved, 0);
		total += moved;
		if (moved < want)
			return total ? (ssize64_t)total : -EFAULT;
		if (total % PAGE_SIZE == 0 && signal_pending())
			break;
	}
	return (ssize64_t)total;
}

/* struct rand_pool_info: bits, number of bytes, bytes. */
static long random_add_entropy(uaddr_t arg)
{
	uint32_t bits, size;
	uint8_t chunk[CHUNK];

	if (get_user_u32(&bits, arg) || get_user_u32(&size, arg + 4))
		return -EFAULT;
	if ((int32_t)bits < 0 || (int32_t)size < 0)
		return -EINVAL;
	for (uint64_t at = 0; at < size;) {
		size_t now = MIN(size - at, sizeof(chunk));

		if (copy_from_user(chunk, arg + 8 + at, now))
			return -EFAULT;
		at += now;
		random_add(chunk, now, at == size ? bits : 0);
	}
	return 0;
}

static long random_ioctl(struct chardev_file *f, uint32_t cmd, uint64_t arg)
{
	uint32_t bits;

	(void)f;
	if (cmd == RNDGETENTCNT)
		return put_user_u32(arg, random_entropy());
	if (cmd != RNDADDTOENTCNT && cmd != RNDADDENTROPY && cmd != RNDZAPENTCNT &&
	    cmd != RNDCLEARPOOL && cmd != RNDRESEEDCRNG)
		return -EINVAL;
	if (!cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	switch (cmd) {
	case RNDADDTOENTCNT:
		if (get_user_u32(&bits, arg))
			return -EFAULT;
		if ((int32_t)bits < 0)
			return -EINVAL;
		random_add(NULL, 0, bits);
		return 0;
	case RNDADDENTROPY:
		return random_add_entropy(arg);
	case RNDRESEEDCRNG:
		/* Every output already comes from a key that all input so far went into. */
		return random_ready() ? 0 : -ENODATA;
	default:
		/* As in Linux: the counter is only a history, there is nothing to take back. */
		return 0;
	}
}

static uint32_t random_poll(struct chardev_file *f, struct poll_table *pt)
{
	(void)f;
	random_poll_add(pt);
	return POLLOUT | POLLWRNORM | (random_ready() ? POLLIN | POLLRDNORM : 0);
}

/* Nobody is told of anything: what could change is over once there are programs. */
static struct async_list *random_async(struct chardev_file *f)
{
	static struct async_list none = {.files = LIST_INIT(none.files)};

	(void)f;
	return &none;
}

static const struct chardev_ops random_ops = {
	.read = random_read,
	.write = random_write,
	.ioctl = random_ioctl,
	.seek = chardev_seek_start,
	.async = random_async,
	.poll = random_poll,
};

static const struct chardev_ops urandom_ops = {
	.read = urandom_read,
	.write = random_write,
	.ioctl = random_ioctl,
	.seek = chardev_seek_start,
	.async = random_async,
};

static struct chardev random_dev = {
	.name = "random",
	.dev = MKDEV(1, 8),
	.mode = 0666,
	.ops = &random_ops,
};

static struct chardev urandom_dev = {
	.name = "urandom",
	.dev = MKDEV(1, 9),
	.mode = 0666,
	.ops = &urandom_ops,
};

void random_dev_init(void)
{
	chardev_register(&random_dev);
	chardev_register(&urandom_dev);
}

SYSCALL3(getrandom, uaddr_t, buf, size_t, n, unsigned int, flags)
{
	struct uio u;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	/* Asking for the best and for the worst at once makes no sense. */
	if ((flags & (GRND_INSECURE | GRND_RANDOM)) == (GRND_INSECURE | GRND_RANDOM))
		return -EINVAL;
	if (!random_ready() && !(flags & GRND_INSECURE)) {
		if (flags & GRND_NONBLOCK)
			return -EAGAIN;
		int err = random_wait_ready();

		if (err)
			return err;
	}
	uio_init_user(&u, buf, MIN(n, (size_t)INT32_MAX & PAGE_MASK));
	return random_fill(&u);
}
