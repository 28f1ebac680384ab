/*
 * signalfd(2): signals, blocked otherwise, are read. What is there belongs to who asks, not to who
 * made the descriptor.
 */
#include "fs/event/event.h"
#include "fs/procfs/procfs.h"
#include "kernel/mem/slab.h"
#include "kernel/sighand.h"
#include "kernel/syscall.h"
#include "kernel/uapi/event.h"
#include "lib/string.h"
#include "mm/usercopy.h"

struct signalfd {
	_Atomic sigset_t mask;
};

static int signalfd_take(sigset_t mask, struct siginfo *info)
{
	struct thread *t = current();
	uint64_t irq = spin_lock_irq(&t->process->siglock);
	int sig = signal_dequeue(t, ~mask, info);

	if (sig)
		signal_recalc(t);
	spin_unlock_irq(&t->process->siglock, irq);
	return sig;
}

/* The parts that belong to the way the signal was sent. */
static void fill_by_code(struct signalfd_siginfo *out, const struct siginfo *info)
{
	bool fault = info->si_code > 0 && info->si_code < SI_KERNEL;

	if (fault && (SIG_SYNC_MASK & SIGMASK(info->si_signo))) {
		out->ssi_addr = info->si_addr;
		return;
	}
	if (info->si_code == SI_TIMER) {
		out->ssi_tid = (uint32_t)info->si_timerid;
		out->ssi_overrun = (uint32_t)info->si_overrun;
		out->ssi_ptr = info->si_timer_value.sival_ptr;
		out->ssi_int = info->si_timer_value.sival_int;
		return;
	}
	out->ssi_pid = (uint32_t)info->si_pid;
	out->ssi_uid = info->si_uid;
	if (fault && info->si_signo == SIGCHLD) {
		out->ssi_status = info->si_status;
		out->ssi_utime = (uint64_t)info->si_utime;
		out->ssi_stime = (uint64_t)info->si_stime;
	} else if (info->si_code < 0) {
		out->ssi_ptr = info->si_value.sival_ptr;
		out->ssi_int = info->si_value.sival_int;
	}
}

static ssize64_t signalfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct signalfd *s = f->data;
	struct signalfd_siginfo out;
	struct siginfo info;
	ssize64_t done = 0;
	int sig, err = 0;

	if (u->resid < sizeof(out))
		return -EINVAL;
	while (u->resid >= sizeof(out)) {
		sig = signalfd_take(s->mask, &info);
		if (!sig && (done || u->nowait))
			break;
		if (!sig)
			err = wait_event(signal_waitqueue(current()->process),
					 (sig = signalfd_take(s->mask, &info)) != 0,
					 WAIT_INTERRUPTIBLE);
		if (err)
			return err;
		memset(&out, 0, sizeof(out));
		out.ssi_signo = (uint32_t)sig;
		out.ssi_errno = info.si_errno;
		out.ssi_code = info.si_code;
		fill_by_code(&out, &info);
		if (uio_copy_to(u, &out, sizeof(out)) != sizeof(out))
			return done ? done : -EFAULT;
		done += (ssize64_t)sizeof(out);
	}
	return done ? done : -EAGAIN;
}

static uint32_t signalfd_poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->data;
	struct thread *t = current();

	/* The kernel's thread that asks for IOCB_CMD_POLL has no signals, as on Linux. */
	if (!t->process)
		return 0;
	poll_add(pt, signal_waitqueue(t->process), POLLIN);
	return (t->pending.set | t->process->pending.set) & s->mask ? POLLIN : 0;
}

static void signalfd_release(struct file *f)
{
	kfree(f->data);
}

static void signalfd_show(struct file *f, struct proc_text *t)
{
	struct signalfd *s = f->data;

	proc_printf(t, "sigmask:\t%016lx\n", (unsigned long)s->mask);
}

static const struct file_ops signalfd_fops = {
	.show_info = signalfd_show,
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
};

static long signalfd_make(sigset_t mask, uint32_t flags)
{
	struct signalfd *s = kzalloc(sizeof(*s));
	int fd;

	if (!s)
		return -ENOMEM;
	s->mask = mask;
	fd = file_anonymous_fd("anon_inode:[signalfd]", O_RDWR | flags, &signalfd_fops, s);
	if (fd < 0)
		kfree(s);
	return fd;
}

SYSCALL4(signalfd4, int, fd, uaddr_t, umask, size_t, size, uint32_t, flags)
{
	struct signalfd *s;
	struct file *f;
	sigset_t mask;
	long ret = fd;

	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, umask, sizeof(mask)))
		return -EFAULT;
	if (flags & ~(uint32_t)(SFD_CLOEXEC | SFD_NONBLOCK))
		return -EINVAL;
	mask &= ~SIG_UNBLOCKABLE;
	if (fd == -1)
		return signalfd_make(mask, flags);
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (f->ops == &signalfd_fops) {
		s = f->data;
		s->mask = mask;
		wake_all(signal_waitqueue(current()->process));
	} else {
		ret = -EINVAL;
	}
	file_put(f);
	return ret;
}
