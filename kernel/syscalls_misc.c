/*
 * System calls about the system as a whole: numbers, messages, the end.
 */
#include "fs/procfs/meminfo.h"
#include "kernel/machine.h"
#include "kernel/machine_stop.h"
#include "kernel/main.h"
#include "kernel/mem/slab.h"
#include "kernel/panic.h"
#include "kernel/printk.h"
#include "kernel/process.h"
#include "kernel/riscv.h"
#include "kernel/sbi.h"
#include "kernel/syscall.h"
#include "kernel/time.h"
#include "kernel/wait.h"
#include "mm/usercopy.h"

struct sysinfo {
	int64_t uptime;
	uint64_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit;
};

SYSCALL1(sysinfo, uaddr_t, out)
{
	struct sysinfo s = {0};
	struct meminfo m;

	meminfo_get(&m);
	loadavg_get(s.loads);
	s.uptime = time_ns() / NSEC_PER_SEC;
	s.totalram = m.total * KiB;
	s.freeram = m.free * KiB;
	s.sharedram = m.shmem * KiB;
	s.bufferram = m.buffers * KiB;
	s.totalswap = m.swap_total * KiB;
	s.freeswap = m.swap_free * KiB;
	s.procs = thread_count();
	s.mem_unit = 1;
	return copy_to_user(out, &s, sizeof(s));
}

/* reboot(2) magic numbers. */
#define REBOOT_MAGIC1 0xfee1dead
#define REBOOT_RESTART 0x01234567
#define REBOOT_HALT 0xcdef0123
#define REBOOT_POWER_OFF 0x4321fedc
#define REBOOT_RESTART2 0xa1b2c3d4
#define REBOOT_CAD_ON 0x89abcdef
#define REBOOT_CAD_OFF 0

static bool reboot_magic2(uint32_t m)
{
	return m == 672274793 || m == 85072278 || m == 369367448 || m == 537993216;
}

SYSCALL4(reboot, uint32_t, magic1, uint32_t, magic2, uint32_t, cmd, uaddr_t, arg)
{
	char command[256];

	if (!cred_capable(CAP_SYS_BOOT))
		return -EPERM;
	if (magic1 != REBOOT_MAGIC1 || !reboot_magic2(magic2))
		return -EINVAL;
	switch (cmd) {
	case REBOOT_RESTART2:
		if (strncpy_from_user(command, arg, sizeof(command)) == -EFAULT)
			return -EFAULT;
		/* fall through */
	case REBOOT_RESTART:
		vfs_shutdown();
		machine_restart();
	case REBOOT_POWER_OFF:
		vfs_shutdown();
		machine_poweroff(0);
	case REBOOT_HALT:
		vfs_shutdown();
		pr_info("halted\n");
		machine_halt();
	default:
		return -EINVAL;
	}
}

enum {
	SYSLOG_CLOSE,
	SYSLOG_OPEN,
	SYSLOG_READ,
	SYSLOG_READ_ALL,
	SYSLOG_READ_CLEAR,
	SYSLOG_CLEAR,
	SYSLOG_CONSOLE_OFF,
	SYSLOG_CONSOLE_ON,
	SYSLOG_CONSOLE_LEVEL,
	SYSLOG_SIZE_UNREAD,
	SYSLOG_SIZE_BUFFER,
};

#define SYSLOG_BUFFER (64 * KiB)

static uint64_t syslog_read_seq;
static int syslog_saved_level = -1;

/* Records from *seq on to user memory, as many as fit; advances *seq. */
static long syslog_copy(uaddr_t buf, int len, uint64_t *seq)
{
	char line[640];
	long done = 0;
	size_t n;

	for (uint64_t next = *seq; (n = printk_read(&next, line, sizeof(line))); *seq = next) {
		if (done + (long)n > len)
			break;
		if (copy_to_user(buf + done, line, n))
			return done ? done : -EFAULT;
		done += n;
	}
	return done;
}

static long syslog_wait_read(uaddr_t buf, int len)
{
	int err = wait_event(&printk_wait, printk_next_seq() > syslog_read_seq,
			     WAIT_INTERRUPTIBLE);

	return err ? err : syslog_copy(buf, len, &syslog_read_seq);
}

/* The last records that fit, as SYSLOG_READ_ALL gives them. */
static long syslog_read_all(uaddr_t buf, int len)
{
	uint64_t start = printk_clear_seq, seq;
	char line[640];
	long total = 0;
	size_t n;

	for (seq = start; (n = printk_read(&seq, line, sizeof(line)));)
		total += n;
	for (seq = start; total > len && (n = printk_read(&seq, line, sizeof(line))); start = seq)
		total -= n;
	return syslog_copy(buf, len, &start);
}

static long syslog_unread(void)
{
	char line[640];
	long total = 0;
	size_t n;

	for (uint64_t seq = syslog_read_seq; (n = printk_read(&seq, line, sizeof(line)));)
		total += n;
	return total;
}

SYSCALL3(syslog, int, type, uaddr_t, buf, int, len)
{
	long n;

	if ((dmesg_restrict || (type != SYSLOG_READ_ALL && type != SYSLOG_SIZE_BUFFER)) &&
	    !cred_capable(CAP_SYSLOG))
		return -EPERM;
	switch (type) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		if (!buf || len < 0)
			return -EINVAL;
		if (!len)
			return 0;
		if (type == SYSLOG_READ)
			return syslog_wait_read(buf, len);
		n = syslog_read_all(buf, len);
		if (type == SYSLOG_READ_CLEAR)
			printk_clear_seq = printk_next_seq();
		return n;
	case SYSLOG_CLEAR:
		printk_clear_seq = printk_next_seq();
		return 0;
	case SYSLOG_CONSOLE_OFF:
		if (syslog_saved_level < 0)
			syslog_saved_level = console_loglevel;
		console_loglevel = 1;
		return 0;
	case SYSLOG_CONSOLE_ON:
		if (syslog_saved_level >= 0)
			console_loglevel = syslog_saved_level;
		syslog_saved_level = -1;
		return 0;
	case SYSLOG_CONSOLE_LEVEL:
		if (len < 1 || len > 8)
			return -EINVAL;
		console_loglevel = len;
		syslog_saved_level = -1;
		return 0;
	case SYSLOG_SIZE_UNREAD:
		return syslog_unread();
	case SYSLOG_SIZE_BUFFER:
		return SYSLOG_BUFFER;
	default:
		return -EINVAL;
	}
}

SYSCALL1(personality, uint32_t, persona)
{
	struct process *p = current()->process;
	uint32_t old = p->personality;

	if (persona != 0xffffffff)
		p->personality = persona;
	return old;
}

static void fence_here(void *unused)
{
	(void)unused;
	fence_i();
}

/* Instruction caches need not see stores: after writing code, every hart fences (riscv). */
SYSCALL3(riscv_flush_icache, uaddr_t, start, uaddr_t, end, uint64_t, flags)
{
	(void)start;
	(void)end;
	if (flags & ~1UL)
		return -EINVAL;
	fence_i();
	/* Even for the calling thread alone: it may move to another hart. */
	if (nharts > 1)
		hart_call(~0UL, fence_here, NULL);
	return 0;
}
