/*
 * Job control: which session a terminal controls, and which of its process groups may use it
 * (credentials(7), ioctl_tty(2), POSIX chapter 11.1).
 */
#include "drivers/tty/tty_impl.h"

#include "kernel/pid.h"
#include "kernel/process.h"
#include "kernel/signal.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/usercopy.h"

struct tty *tty_current(void)
{
	struct process *p = current()->process;

	if (!p)
		return NULL;
	uint64_t was = spin_lock_irq(&proc_lock);
	struct tty *t = p->tty ? tty_get(p->tty) : NULL;

	spin_unlock_irq(&proc_lock, was);
	return t;
}

dev_t tty_number(struct process *p, pid_t *pgrp)
{
	uint64_t was = spin_lock_irq(&proc_lock);
	struct tty *t = p->tty;

	*pgrp = t ? t->pgrp : -1;
	spin_unlock_irq(&proc_lock, was);
	return t ? t->chardev.dev : 0;
}

int tty_check_background(struct tty *t, int sig)
{
	struct process *p = current()->process;

	if (!p)
		return 0;
	uint64_t was = spin_lock_irq(&proc_lock);
	bool background = p->tty == t && t->pgrp && p->pgid != t->pgrp;
	bool orphaned = background && pgrp_orphaned(p->pgid);
	pid_t pgid = p->pgid;

	spin_unlock_irq(&proc_lock, was);
	if (!background)
		return 0;
	if (signal_ignored(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (orphaned)
		return -EIO;
	signal_pgrp(pgid, sig, NULL);
	return -ERESTARTSYS;
}

/*
 * p, a session leader without a terminal, gets t, which controls no session, or not any more. The
 * session has one reference, however many processes it has.
 */
static void attach_locked(struct tty *t, struct process *p)
{
	if (!t->sid)
		tty_get(t);
	t->sid = p->sid;
	t->pgrp = p->pgid;
	p->tty = t;
}

void tty_open_controlling(struct tty *t)
{
	struct process *p = current()->process;

	if (!p)
		return;
	uint64_t was = spin_lock_irq(&proc_lock);

	if (p->pid == p->sid && !p->tty && !t->sid)
		attach_locked(t, p);
	spin_unlock_irq(&proc_lock, was);
}

static void detach_one(struct process *p, void *t)
{
	if (p->tty == t)
		p->tty = NULL;
}

/* No process has t any more: all at once, or a child born meanwhile would keep it. */
static void detach_all_locked(struct tty *t)
{
	process_for_each_locked(detach_one, t);
}

/* The terminal gives up its session; its foreground group is told. */
static void tty_disassociate(struct tty *t)
{
	uint64_t was = spin_lock_irq(&proc_lock);
	pid_t pgrp = t->pgrp, sid = t->sid;

	t->pgrp = t->sid = 0;
	if (sid)
		detach_all_locked(t);
	spin_unlock_irq(&proc_lock, was);
	if (sid)
		tty_put(t);
	if (!pgrp)
		return;
	signal_pgrp(pgrp, SIGHUP, NULL);
	signal_pgrp(pgrp, SIGCONT, NULL);
}

void tty_hangup(struct tty *t)
{
	uint64_t was = spin_lock_irq(&proc_lock);
	pid_t sid = t->sid;

	spin_unlock_irq(&proc_lock, was);
	struct process *leader = sid ? process_find(sid) : NULL;

	t->hangups++;
	mutex_lock(&t->lock);
	ldisc_flush_input(&t->ldisc);
	t->ldisc.stopped = t->held = false;
	uint32_t signals = tty_settle_locked(t);

	mutex_unlock(&t->lock);
	(void)signals; /* of a session that is gone */
	if (leader) {
		signal_process(leader, SIGHUP, NULL);
		signal_process(leader, SIGCONT, NULL);
		process_put(leader);
	}
	tty_disassociate(t);
	async_end(&t->async);
	wake_all(&t->read_wait);
	wake_all(&t->write_wait);
}

SYSCALL0(vhangup)
{
	struct tty *t;

	if (!cred_capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	t = tty_current();
	if (t) {
		tty_hangup(t);
		tty_put(t);
	}
	return 0;
}

void tty_session_exit(struct process *p)
{
	uint64_t was = spin_lock_irq(&proc_lock);
	struct tty *t = p->pid == p->sid ? p->tty : NULL;

	if (t && t->sid != p->sid)
		t = NULL;
	if (t)
		tty_get(t);
	spin_unlock_irq(&proc_lock, was);
	if (!t)
		return;
	tty_hangup(t);
	tty_put(t);
}

static long set_controlling(struct tty *t, uint64_t steal)
{
	struct process *p = current()->process;
	bool privileged = cred_capable(CAP_SYS_ADMIN);
	long err = 0;
	uint64_t was = spin_lock_irq(&proc_lock);

	if (p->pid == p->sid && p->tty == t && t->sid == p->sid)
		goto out;
	err = -EPERM;
	if (p->pid != p->sid || p->tty)
		goto out;
	if (t->sid) {
		if (steal != 1 || !privileged)
			goto out;
		detach_all_locked(t);
	}
	err = 0;
	attach_locked(t, p);
out:
	spin_unlock_irq(&proc_lock, was);
	return err;
}

static long give_up_controlling(struct tty *t)
{
	struct process *p = current()->process;
	uint64_t was = spin_lock_irq(&proc_lock);
	bool ours = p->tty == t, leader = p->pid == p->sid;

	if (ours && !leader)
		p->tty = NULL;
	spin_unlock_irq(&proc_lock, was);
	if (!ours)
		return -ENOTTY;
	if (leader)
		tty_disassociate(t);
	return 0;
}

static void note_session(struct process *p, void *arg)
{
	*(pid_t *)arg = p->sid;
}

static long set_foreground(struct tty *t, uaddr_t arg)
{
	struct process *p = current()->process;
	uint32_t word;
	long err = tty_check_background(t, SIGTTOU);

	if (err)
		return err == -EIO ? -ENOTTY : err;
	uint64_t was = spin_lock_irq(&proc_lock);
	bool ours = p->tty == t && t->sid == p->sid;

	spin_unlock_irq(&proc_lock, was);
	if (!ours)
		return -ENOTTY;
	if (get_user_u32(&word, arg))
		return -EFAULT;
	if ((pid_t)word < 0)
		return -EINVAL;
	pid_t sid = 0;

	was = spin_lock_irq(&proc_lock);
	err = -ESRCH;
	if (pgrp_for_each((pid_t)word, note_session, &sid))
		err = sid == p->sid ? 0 : -EPERM;
	if (!err)
		t->pgrp = (pid_t)word;
	spin_unlock_irq(&proc_lock, was);
	return err;
}

long tty_job_ioctl(struct tty_file *f, uint32_t cmd, uint64_t arg)
{
	struct tty *t = f->tty;
	struct process *p = current()->process;

	if (cmd != TIOCGPGRP && cmd != TIOCSPGRP && cmd != TIOCGSID && cmd != TIOCSCTTY &&
	    cmd != TIOCNOTTY)
		return -ENOIOCTL_TTY;
	if (!p)
		return -ENOTTY;
	if (cmd == TIOCSCTTY)
		return set_controlling(t, arg);
	if (cmd == TIOCNOTTY)
		return give_up_controlling(t);
	if (cmd == TIOCSPGRP)
		return set_foreground(t, arg);
	uint64_t was = spin_lock_irq(&proc_lock);
	bool ours = p->tty == t || f->master;
	pid_t value = cmd == TIOCGSID ? t->sid : t->pgrp;

	spin_unlock_irq(&proc_lock, was);
	if (!ours || (cmd == TIOCGSID && !value))
		return -ENOTTY;
	return put_user_u32(arg, (uint32_t)value);
}
