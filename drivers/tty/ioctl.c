/*
 * The ioctls of terminals (ioctl_tty(2)).
 */
#include "drivers/tty/tty_impl.h"

#include "kernel/signal.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/usercopy.h"

/* Speeds of c_cflag: code and bits a second. */
static const struct {
	uint32_t code, speed;
} speeds[] = {
	{0, 0},		  {1, 50},	    {2, 75},	      {3, 110},		{4, 134},
	{5, 150},	  {6, 200},	    {7, 300},	      {8, 600},		{9, 1200},
	{10, 1800},	  {11, 2400},	    {12, 4800},	      {13, 9600},	{14, 19200},
	{15, 38400},	  {0x1001, 57600},  {0x1002, 115200}, {0x1003, 230400}, {0x1004, 460800},
	{0x1005, 500000}, {0x1006, 576000}, {0x1007, 921600}, {0x1008, 1000000},
	{0x1009, 1152000}, {0x100a, 1500000}, {0x100b, 2000000}, {0x100c, 2500000},
	{0x100d, 3000000}, {0x100e, 3500000}, {0x100f, 4000000},
};

static void speed_from_code(struct termios2 *t)
{
	uint32_t code = t->c_cflag & CBAUD;

	for (uint32_t i = 0; i < ARRAY_SIZE(speeds) && code != BOTHER; i++)
		if (speeds[i].code == code)
			t->c_ispeed = t->c_ospeed = speeds[i].speed;
}

static void code_from_speed(struct termios2 *t)
{
	uint32_t code = BOTHER;

	for (uint32_t i = 0; i < ARRAY_SIZE(speeds); i++)
		if (speeds[i].speed == t->c_ospeed)
			code = speeds[i].code;
	t->c_cflag = (t->c_cflag & ~(uint32_t)CBAUD) | code;
}

static long get_termios(struct tty *t, uaddr_t arg, size_t size)
{
	struct termios2 copy;

	mutex_lock(&t->lock);
	copy = t->ldisc.termios;
	mutex_unlock(&t->lock);
	/* struct termios is what termios2 begins with. */
	return copy_to_user(arg, &copy, size);
}

static long get_termio(struct tty *t, uaddr_t arg)
{
	struct termio old = {0};
	const struct termios2 *now = &t->ldisc.termios;

	mutex_lock(&t->lock);
	old.c_iflag = (uint16_t)now->c_iflag;
	old.c_oflag = (uint16_t)now->c_oflag;
	old.c_cflag = (uint16_t)now->c_cflag;
	old.c_lflag = (uint16_t)now->c_lflag;
	old.c_line = now->c_line;
	memcpy(old.c_cc, now->c_cc, NCC);
	mutex_unlock(&t->lock);
	return copy_to_user(arg, &old, sizeof(old));
}

/* What the old form does not have stays. */
static int termio_from_user(struct termios2 *now, uaddr_t arg)
{
	struct termio old;

	if (copy_from_user(&old, arg, sizeof(old)))
		return -EFAULT;
	now->c_iflag = (now->c_iflag & 0xffff0000) | old.c_iflag;
	now->c_oflag = (now->c_oflag & 0xffff0000) | old.c_oflag;
	now->c_cflag = (now->c_cflag & 0xffff0000) | old.c_cflag;
	now->c_lflag = (now->c_lflag & 0xffff0000) | old.c_lflag;
	memcpy(now->c_cc, old.c_cc, NCC);
	return 0;
}

/* size: of the form that arg has; wait: until output is sent (TCSETSW); flush: and forget input. */
static long set_termios(struct tty_file *f, uaddr_t arg, size_t size, bool wait, bool flush)
{
	struct tty *t = f->tty;
	struct termios2 new_termios;
	uint32_t signals;
	int err = wait ? tty_drain(f) : 0;

	if (err)
		return err;
	mutex_lock(&t->lock);
	new_termios = t->ldisc.termios;
	mutex_unlock(&t->lock);
	if (size == sizeof(struct termio) ? termio_from_user(&new_termios, arg)
					  : copy_from_user(&new_termios, arg, size))
		return -EFAULT;
	if (size != sizeof(struct termios2) || (new_termios.c_cflag & CBAUD) != BOTHER)
		speed_from_code(&new_termios);
	mutex_lock(&t->lock);
	if (t->ops->set_termios)
		t->ops->set_termios(t, &new_termios);
	code_from_speed(&new_termios);
	new_termios.c_line = 0;
	if (flush) {
		ldisc_flush_input(&t->ldisc);
		tty_flushed_input(t);
	}
	ldisc_set_termios(&t->ldisc, &new_termios);
	signals = tty_settle_locked(t);
	mutex_unlock(&t->lock);
	if (signals)
		tty_signal(t, signals);
	tty_receive(t);
	wake_all(&t->read_wait); /* who waits for a line may now want bytes */
	return 0;
}

static long flush_queues(struct tty *t, uint64_t which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&t->lock);
	if (which != TCOFLUSH) {
		tty_char_t drop[64];

		ldisc_flush_input(&t->ldisc);
		while (t->ops->read(t, drop, ARRAY_SIZE(drop)))
			;
		tty_flushed_input(t);
	}
	if (which != TCIFLUSH) {
		t->ldisc.echo_tail = t->ldisc.echo_head;
		t->ops->flush_output(t);
	}
	tty_settle_locked(t);
	mutex_unlock(&t->lock);
	wake_all(&t->write_wait);
	return 0;
}

static long flow_control(struct tty *t, uint64_t what)
{
	long err = 0;

	mutex_lock(&t->lock);
	const uint8_t *cc = t->ldisc.termios.c_cc;

	switch (what) {
	case TCOOFF:
	case TCOON:
		t->held = what == TCOOFF;
		break;
	case TCIOFF:
		t->ldisc.send = cc[VSTOP];
		break;
	case TCION:
		t->ldisc.send = cc[VSTART];
		break;
	default:
		err = -EINVAL;
	}
	tty_settle_locked(t);
	mutex_unlock(&t->lock);
	return err;
}

static long send_break(struct tty_file *f, uint64_t arg, bool posix)
{
	struct tty *t = f->tty;
	int err = tty_drain(f);

	/* TCSBRK with a value is how tcdrain(3) is made. */
	if (err || (!posix && arg))
		return err;
	if (!t->ops->send_break)
		return -EINVAL;
	mutex_lock(&t->lock);
	t->ops->send_break(t);
	mutex_unlock(&t->lock);
	return 0;
}

static long get_winsize(struct tty *t, uaddr_t arg)
{
	struct winsize w;

	mutex_lock(&t->lock);
	w = t->winsize;
	mutex_unlock(&t->lock);
	return copy_to_user(arg, &w, sizeof(w));
}

static long set_winsize(struct tty *t, uaddr_t arg)
{
	struct winsize w;

	if (copy_from_user(&w, arg, sizeof(w)))
		return -EFAULT;
	mutex_lock(&t->lock);
	bool changed = memcmp(&w, &t->winsize, sizeof(w)) != 0;

	t->winsize = w;
	mutex_unlock(&t->lock);
	if (changed)
		tty_signal(t, 1u << SIGWINCH);
	return 0;
}

static long set_exclusive(struct tty *t, bool on)
{
	mutex_lock(&t->lock);
	t->exclusive = on;
	mutex_unlock(&t->lock);
	return 0;
}

static long set_discipline(uaddr_t arg)
{
	uint32_t which;

	if (get_user_u32(&which, arg))
		return -EFAULT;
	return which ? -EINVAL : 0; /* N_TTY is the only one */
}

/* Those that a process in the background is stopped for. */
static bool changes_terminal(uint32_t cmd)
{
	switch (cmd) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
	case TCFLSH:
	case TIOCSETD:
		return true;
	default:
		return false;
	}
}

static long tty_line_ioctl(struct tty_file *f, uint32_t cmd, uint64_t arg)
{
	struct tty *t = f->tty;

	switch (cmd) {
	case TCSBRK:
	case TCSBRKP:
		return send_break(f, arg, cmd == TCSBRKP);
	case TCXONC:
		return flow_control(t, arg);
	case TCFLSH:
		return flush_queues(t, arg);
	case TIOCGWINSZ:
		return get_winsize(t, arg);
	case TIOCSWINSZ:
		return set_winsize(t, arg);
	case FIONREAD:
		return put_user_u32(arg, ldisc_available(&t->ldisc));
	case TIOCOUTQ:
		return put_user_u32(arg, t->ops->pending(t));
	case TIOCEXCL:
	case TIOCNXCL:
		return set_exclusive(t, cmd == TIOCEXCL);
	case TIOCGEXCL:
		return put_user_u32(arg, t->exclusive);
	case TIOCGETD:
		return put_user_u32(arg, 0);
	case TIOCSETD:
		return set_discipline(arg);
	case TIOCGDEV:
		return put_user_u32(arg, MAJOR(t->chardev.dev) << 8 | MINOR(t->chardev.dev));
	case TIOCSTI:
		/* Typing for others is how sandboxes were left; Linux has it off as well. */
		return -EIO;
	case TIOCVHANGUP:
		if (!cred_capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(t);
		return 0;
	default:
		return -ENOTTY;
	}
}

long tty_ioctl(struct chardev_file *cf, uint32_t cmd, uint64_t arg)
{
	struct tty_file *f = cf->data;

	if (tty_file_hung(f))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	if (changes_terminal(cmd)) {
		int err = tty_check_background(f->tty, SIGTTOU);

		if (err)
			return err;
	}
	switch (cmd) {
	case TCGETS:
		return get_termios(f->tty, arg, sizeof(struct termios));
	case TCGETS2:
		return get_termios(f->tty, arg, sizeof(struct termios2));
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_termios(f, arg, sizeof(struct termios), cmd != TCSETS, cmd == TCSETSF);
	case TCSETS2:
	case TCSETSW2:
	case TCSETSF2:
		return set_termios(f, arg, sizeof(struct termios2), cmd != TCSETS2,
				   cmd == TCSETSF2);
	case TCGETA:
		return get_termio(f->tty, arg);
	case TCSETA:
	case TCSETAW:
	case TCSETAF:
		return set_termios(f, arg, sizeof(struct termio), cmd != TCSETA, cmd == TCSETAF);
	}
	long err = tty_job_ioctl(f, cmd, arg);

	return err == -ENOIOCTL_TTY ? tty_line_ioctl(f, cmd, arg) : err;
}
