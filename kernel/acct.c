/*
 * Process accounting (acct(2), acct(5)): records of version 3.
 */
#include "kernel/acct.h"

#include "drivers/tty/tty.h"
#include "fs/vfs.h"
#include "kernel/mutex.h"
#include "kernel/process.h"
#include "kernel/rusage.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/uapi/acct.h"
#include "kernel/uapi/statfs.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define TICK (NSEC_PER_SEC / 100) /* in which times are told */

uint64_t acct_limits[ACCT_LIMITS] = {4, 2, 30};

static struct {
	struct mutex lock;
	struct file *file;  /* (lock) NULL: nothing is recorded */
	bool active;	    /* (lock) there is room */
	uint64_t look_at;   /* (lock) when to look at that again; time_ns() */
} acct;

void acct_init(void)
{
	mutex_init(&acct.lock, "acct", RANK_IPC);
}

/* comp_t: 13 bits and three of an exponent of 8. */
static uint16_t compressed(uint64_t n)
{
	uint16_t exponent = 0;
	bool up = false;

	while (n > 0x1fff) {
		up = n & 4;
		n >>= 3;
		exponent++;
	}
	if (up && ++n > 0x1fff) {
		n >>= 3;
		exponent++;
	}
	return exponent > 7 ? UINT16_MAX : (uint16_t)(exponent << 13 | n);
}

/* The bits of n as a float of IEEE 754, what does not fit being cut off. */
static uint32_t float_bits(uint64_t n)
{
	uint32_t exponent = 127 + 63;

	if (!n)
		return 0;
	for (; !(n >> 63); n <<= 1)
		exponent--;
	return exponent << 23 | ((uint32_t)(n >> 40) & 0x7fffff);
}

static uint8_t flags_of(const struct process *p)
{
	uint8_t flags = p->execs ? 0 : AFORK;

	if (p->exit_status & 0x7f)
		flags |= AXSIG;
	return p->exit_status & 0x80 ? flags | ACORE : flags;
}

static void record_make(struct acct_v3 *a, struct process *p, struct thread *t)
{
	uint64_t elapsed = time_ns() - p->start_time, irq;
	struct aspace_stats mem;
	struct usage u;
	pid_t pgrp;
	dev_t tty = tty_number(p, &pgrp);

	usage_of_process(p, &u);
	aspace_stats(t->aspace, &mem);
	*a = (struct acct_v3){
		.ac_flag = flags_of(p),
		.ac_version = 3,
		.ac_tty = (uint16_t)(MAJOR(tty) << 8 | (MINOR(tty) & 0xff)),
		.ac_exitcode = (uint32_t)p->exit_status,
		.ac_uid = t->cred->uid,
		.ac_gid = t->cred->gid,
		.ac_pid = (uint32_t)p->pid,
		.ac_btime = (uint32_t)((time_realtime() - elapsed) / NSEC_PER_SEC),
		.ac_etime = float_bits(elapsed / TICK),
		.ac_utime = compressed(u.utime / TICK),
		.ac_stime = compressed(u.stime / TICK),
		.ac_mem = compressed(mem.size * (PAGE_SIZE / KiB)),
		.ac_minflt = compressed(u.minflt),
		.ac_majflt = compressed(u.majflt),
	};
	memcpy(a->ac_comm, t->comm, sizeof(a->ac_comm));
	irq = spin_lock_irq(&proc_lock);
	a->ac_ppid = p->parent ? (uint32_t)p->parent->pid : 0;
	spin_unlock_irq(&proc_lock, irq);
}

/* Is there room on the volume? (lock) */
static bool has_room(void)
{
	struct super_block *sb = acct.file->inode->sb;
	struct statfs64 st = {0};
	uint64_t now = time_ns();

	if (now < acct.look_at)
		return acct.active;
	acct.look_at = now + acct_limits[ACCT_INTERVAL] * NSEC_PER_SEC;
	if (!sb->ops->statfs || sb->ops->statfs(sb, &st))
		return acct.active;
	if (acct.active)
		acct.active = st.f_bavail > st.f_blocks * acct_limits[ACCT_SUSPEND] / 100;
	else
		acct.active = st.f_bavail >= st.f_blocks * acct_limits[ACCT_RESUME] / 100;
	return acct.active;
}

bool acct_begin(struct acct_v3 *record, struct process *p, struct thread *t)
{
	if (likely(!__atomic_load_n(&acct.file, __ATOMIC_RELAXED)))
		return false;
	record_make(record, p, t);
	return true;
}

void acct_end(struct acct_v3 *record, struct process *p, struct thread *t)
{
	uint64_t pos = 0;
	struct uio u;

	/* Neither what ends it nor its own limit keeps the record from being written whole. */
	__atomic_and_fetch(&t->work, ~(uint32_t)WORK_SIGNAL, __ATOMIC_RELAXED);
	p->rlimits[RLIMIT_FSIZE].cur = RLIM_INFINITY;
	t->unthrottled = true;
	uio_init_kernel(&u, record, sizeof(*record));
	u.append = UIO_APPEND;
	mutex_lock(&acct.lock);
	/* One that cannot be written is lost. */
	if (acct.file && has_room())
		(void)file_write(acct.file, &u, &pos);
	mutex_unlock(&acct.lock);
}

/* NULL: nothing is recorded any more. */
static void acct_to(struct file *f)
{
	struct file *old;

	mutex_lock(&acct.lock);
	old = acct.file;
	__atomic_store_n(&acct.file, f, __ATOMIC_RELAXED);
	acct.active = false;
	acct.look_at = 0;
	mutex_unlock(&acct.lock);
	if (old)
		file_put(old);
}

SYSCALL1(acct, uaddr_t, name)
{
	struct pathname path;
	struct file *f;
	int err;

	if (!cred_capable(CAP_SYS_PACCT))
		return -EPERM;
	if (!name) {
		acct_to(NULL);
		return 0;
	}
	err = pathname_get(&path, name);
	if (err)
		return err;
	f = file_open(path.s, O_WRONLY | O_APPEND | O_LARGEFILE, 0);
	pathname_put(&path);
	if (is_err(f))
		return ptr_err(f);
	if (!file_object(f)) {
		file_put(f);
		return -EACCES;
	}
	acct_to(f);
	return 0;
}
