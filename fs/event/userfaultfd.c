/*
 * userfaultfd(2): a descriptor that tells of page faults, and whose ioctls resolve them. The work
 * is in kernel/userfault.h; here is what programs say and hear.
 */
#include "fs/event/event.h"
#include "fs/vfs.h"
#include "kernel/chardev.h"
#include "kernel/printk.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/userfaultfd.h"
#include "kernel/userfault.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

#define FEATURES                                                                                   \
	(UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_SIGBUS | UFFD_FEATURE_THREAD_ID |           \
	 UFFD_FEATURE_MOVE)
/* What an ioctl's number is as a bit of uffdio_api.ioctls and its like. */
#define IOCTL_BIT(cmd) (1UL << ((cmd) & 0x3f))

/* --- reading --- */

static ssize64_t userfault_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct userfault *uf = f->data;
	ssize64_t done = 0;
	int err;

	(void)pos;
	if (!userfault_started(uf))
		return -EINVAL;
	for (;;) {
		struct uffd_msg msg = {.event = UFFD_EVENT_PAGEFAULT};

		if (u->resid < sizeof(msg))
			return done ? done : -EINVAL;
		if (userfault_take(uf, &msg.pagefault.flags, &msg.pagefault.address,
				   &msg.pagefault.ptid)) {
			if (uio_copy_to(u, &msg, sizeof(msg)) != sizeof(msg))
				return done ? done : -EFAULT;
			done += sizeof(msg);
			continue;
		}
		if (done)
			return done;
		if (u->nowait)
			return -EAGAIN;
		err = wait_event(&uf->readers, userfault_any(uf), WAIT_INTERRUPTIBLE);
		if (err)
			return err;
	}
}

static uint32_t userfault_poll(struct file *f, struct poll_table *pt)
{
	struct userfault *uf = f->data;

	/* A fault may be resolved before it is read: who polls must not block then. */
	if (!userfault_started(uf) || !(f->flags & O_NONBLOCK))
		return POLLERR;
	poll_add(pt, &uf->readers, POLLIN);
	return userfault_any(uf) ? POLLIN : 0;
}

static void userfault_release(struct file *f)
{
	userfault_destroy(f->data);
}

/* --- ioctls --- */

struct span {
	uaddr_t start, end;
};

/* Of whole pages that a program can have. 0, -EINVAL. */
static int span_of(uaddr_t start, uint64_t len, struct span *s)
{
	*s = (struct span){start, start + len};
	if ((start | len) & ~PAGE_MASK || !len)
		return -EINVAL;
	return start >= MMAP_MIN_ADDR && start < USER_TOP && len <= USER_TOP - start ? 0 : -EINVAL;
}

/* 0, -EFAULT, -EINVAL. */
static int span_get(uaddr_t arg, struct span *s)
{
	struct uffdio_range r;

	if (copy_from_user(&r, arg, sizeof(r)))
		return -EFAULT;
	return span_of(r.start, r.len, s);
}

#define MODE_AT offsetof(struct uffdio_writeprotect, mode)
_Static_assert(offsetof(struct uffdio_register, mode) == MODE_AT, "begins alike");
_Static_assert(offsetof(struct uffdio_zeropage, mode) == MODE_AT, "begins alike");
_Static_assert(offsetof(struct uffdio_continue, mode) == MODE_AT, "begins alike");

/* A range, and a mode of some of the bits known: four ioctls begin so. 0, -EFAULT, -EINVAL. */
static int span_and_mode_get(uaddr_t arg, uint64_t known, struct span *s, uint64_t *mode)
{
	struct uffdio_writeprotect begin;

	if (copy_from_user(&begin, arg, sizeof(begin)))
		return -EFAULT;
	*mode = begin.mode;
	return begin.mode & ~known ? -EINVAL : span_of(begin.range.start, begin.range.len, s);
}

static long do_api(struct userfault *uf, uaddr_t arg)
{
	struct uffdio_api api;
	int err = -EINVAL;

	if (copy_from_user(&api, arg, sizeof(api)))
		return -EFAULT;
	if (api.api == UFFD_API && !(api.features & ~(uint64_t)FEATURES))
		err = userfault_start(uf, api.features);
	api = (struct uffdio_api){0};
	if (!err)
		api = (struct uffdio_api){
			.api = UFFD_API,
			.features = FEATURES,
			.ioctls = IOCTL_BIT(UFFDIO_API) | IOCTL_BIT(UFFDIO_REGISTER) |
				  IOCTL_BIT(UFFDIO_UNREGISTER),
		};
	return copy_to_user(arg, &api, sizeof(api)) ? -EFAULT : err;
}

static long do_register(struct userfault *uf, struct aspace *as, uaddr_t arg)
{
	uint64_t ioctls = IOCTL_BIT(UFFDIO_WAKE) | IOCTL_BIT(UFFDIO_COPY) |
			  IOCTL_BIT(UFFDIO_ZEROPAGE) | IOCTL_BIT(UFFDIO_MOVE);
	struct span s;
	uint32_t flags;
	uint64_t mode;
	int err = span_and_mode_get(arg, UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
				    &s, &mode);

	if (!err && !mode)
		err = -EINVAL;
	if (err)
		return err;
	flags = (mode & UFFDIO_REGISTER_MODE_MISSING ? VMA_UFFD_MISSING : 0) |
		(mode & UFFDIO_REGISTER_MODE_WP ? VMA_UFFD_WP : 0);
	err = userfault_register(uf, as, s.start, s.end, flags);
	if (err)
		return err;
	if (mode & UFFDIO_REGISTER_MODE_WP)
		ioctls |= IOCTL_BIT(UFFDIO_WRITEPROTECT);
	return put_user_u64(arg + offsetof(struct uffdio_register, ioctls), ioctls);
}

static long do_unregister(struct userfault *uf, struct aspace *as, uaddr_t arg)
{
	struct span s;
	int err = span_get(arg, &s);

	if (!err)
		err = userfault_register(uf, as, s.start, s.end, 0);
	if (!err)
		userfault_wake(uf, s.start, s.end);
	return err;
}

static long do_wake(struct userfault *uf, uaddr_t arg)
{
	struct span s;
	int err = span_get(arg, &s);

	if (!err)
		userfault_wake(uf, s.start, s.end);
	return err;
}

/*
 * Pages were brought, n bytes of the span, or n is -errno: tell the program at out, and those who
 * wait. -EAGAIN: some, but not all.
 */
static long filled(struct userfault *uf, struct span s, int64_t n, uaddr_t out, bool wake)
{
	if (put_user_u64(out, (uint64_t)n))
		return -EFAULT;
	if (n < 0)
		return n;
	if (wake)
		userfault_wake(uf, s.start, s.start + (uint64_t)n);
	return s.start + (uint64_t)n < s.end ? -EAGAIN : 0;
}

static long do_copy(struct userfault *uf, struct aspace *as, uaddr_t arg)
{
	struct uffdio_copy c;
	struct span s;
	int64_t n;

	if (copy_from_user(&c, arg, offsetof(struct uffdio_copy, copy)))
		return -EFAULT;
	if (span_of(c.dst, c.len, &s) || c.src + c.len < c.src ||
	    (c.mode & ~(uint64_t)(UFFDIO_COPY_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP)))
		return -EINVAL;
	n = userfault_fill(as, s.start, s.end, &c.src, c.mode & UFFDIO_COPY_MODE_WP);
	return filled(uf, s, n, arg + offsetof(struct uffdio_copy, copy),
		      !(c.mode & UFFDIO_COPY_MODE_DONTWAKE));
}

/* Only the program itself may say that its pages go elsewhere. */
static long do_move(struct userfault *uf, struct aspace *as, uaddr_t arg)
{
	const uint64_t quiet = UFFDIO_MOVE_MODE_DONTWAKE, holes = UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES;
	struct uffdio_move m;
	struct span to, from;
	int64_t n;

	if (copy_from_user(&m, arg, offsetof(struct uffdio_move, move)))
		return -EFAULT;
	if (as != current()->aspace || span_of(m.dst, m.len, &to) || span_of(m.src, m.len, &from) ||
	    (m.mode & ~(quiet | holes)))
		return -EINVAL;
	n = userfault_move(uf, as, to.start, to.end, from.start, m.mode & holes);
	return filled(uf, to, n, arg + offsetof(struct uffdio_move, move), !(m.mode & quiet));
}

static long do_zeropage(struct userfault *uf, struct aspace *as, uaddr_t arg)
{
	struct span s;
	uint64_t mode;
	int64_t n;
	int err = span_and_mode_get(arg, UFFDIO_ZEROPAGE_MODE_DONTWAKE, &s, &mode);

	if (err)
		return err;
	n = userfault_fill(as, s.start, s.end, NULL, false);
	return filled(uf, s, n, arg + offsetof(struct uffdio_zeropage, zeropage),
		      !(mode & UFFDIO_ZEROPAGE_MODE_DONTWAKE));
}

static long do_writeprotect(struct userfault *uf, struct aspace *as, uaddr_t arg)
{
	const uint64_t wp = UFFDIO_WRITEPROTECT_MODE_WP, quiet = UFFDIO_WRITEPROTECT_MODE_DONTWAKE;
	struct span s;
	uint64_t mode;
	int err = span_and_mode_get(arg, wp | quiet, &s, &mode);

	if (!err && mode == (wp | quiet))
		err = -EINVAL;
	if (!err)
		err = userfault_protect(as, s.start, s.end, mode & wp);
	if (!err && !mode)
		userfault_wake(uf, s.start, s.end);
	return err;
}

/* Pages that an object has already: of no area that can be registered here. */
static long do_continue(struct userfault *uf, struct aspace *as, uaddr_t arg)
{
	struct span s;
	uint64_t mode;
	int err = span_and_mode_get(arg, UFFDIO_CONTINUE_MODE_DONTWAKE, &s, &mode);

	if (err)
		return err;
	err = userfault_covers(as, s.start, s.end) ? -EINVAL : -ENOENT;
	return filled(uf, s, err, arg + offsetof(struct uffdio_continue, mapped), false);
}

static long userfault_ioctl(struct file *f, uint32_t cmd, uint64_t arg)
{
	static const struct {
		uint32_t cmd;
		long (*func)(struct userfault *uf, struct aspace *as, uaddr_t arg);
	} calls[] = {
		{UFFDIO_REGISTER, do_register},	    {UFFDIO_UNREGISTER, do_unregister},
		{UFFDIO_COPY, do_copy},		    {UFFDIO_ZEROPAGE, do_zeropage},
		{UFFDIO_WRITEPROTECT, do_writeprotect}, {UFFDIO_CONTINUE, do_continue},
		{UFFDIO_MOVE, do_move},
	};
	struct userfault *uf = f->data;
	struct aspace *as;
	long err;

	if (cmd == UFFDIO_API)
		return do_api(uf, arg);
	if (!userfault_started(uf))
		return -EINVAL;
	if (cmd == UFFDIO_WAKE)
		return do_wake(uf, arg);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (cmd != calls[i].cmd)
			continue;
		as = userfault_space(uf);
		if (!as)
			return cmd == UFFDIO_REGISTER || cmd == UFFDIO_UNREGISTER ? -ENOMEM
										  : -ESRCH;
		err = calls[i].func(uf, as, arg);
		aspace_put(as);
		return err;
	}
	return -EINVAL;
}

static const struct file_ops userfault_fops = {
	.read = userfault_read,
	.poll = userfault_poll,
	.ioctl = userfault_ioctl,
	.release = userfault_release,
};

/* A new descriptor, or -EINVAL, -ENOMEM, -EMFILE. */
static int userfault_open(uint32_t flags)
{
	bool user_only = flags & UFFD_USER_MODE_ONLY;
	struct userfault *uf;
	int fd;

	if (flags & ~(uint32_t)(UFFD_USER_MODE_ONLY | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	uf = userfault_create(user_only);
	if (!uf)
		return -ENOMEM;
	fd = file_anonymous_fd("anon_inode:[userfaultfd]",
			       O_RDONLY | (flags & ~(uint32_t)UFFD_USER_MODE_ONLY), &userfault_fops,
			       uf);
	if (fd < 0)
		userfault_destroy(uf);
	return fd;
}

SYSCALL1(userfaultfd, uint32_t, flags)
{
	/* Who can stop the kernel in the midst of a copy can win races in it. */
	if (!(flags & UFFD_USER_MODE_ONLY) && !userfault_unprivileged &&
	    !cred_capable(CAP_SYS_PTRACE))
		return -EPERM;
	return userfault_open(flags);
}

/* Whoever may open the device may have descriptors of it. */
static long device_ioctl(struct chardev_file *f, uint32_t cmd, uint64_t arg)
{
	(void)f;
	if (cmd != USERFAULTFD_IOC_NEW)
		return -EINVAL;
	return arg > UINT32_MAX ? -EINVAL : userfault_open((uint32_t)arg);
}

void userfaultfd_init(void)
{
	static const struct chardev_ops ops = {.ioctl = device_ioctl};
	static struct chardev device = {
		.name = "userfaultfd", .dev = MKDEV(10, 126), .mode = 0600, .ops = &ops};

	if (chardev_register(&device))
		pr_warn("userfaultfd: number taken\n");
}
