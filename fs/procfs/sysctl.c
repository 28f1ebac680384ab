/*
 * procfs: /proc/sys, the kernel's switches and limits (proc_sys(5)).
 */
#include "fs/event/aio.h"
#include "fs/locks.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/procfs/procfs.h"
#include "fs/protected.h"
#include "fs/pipe.h"
#include "fs/super.h"
#include "fs/tmpfs/shm.h"
#include "kernel/acct.h"
#include "kernel/coredump.h"
#include "kernel/ipc/mqueue.h"
#include "kernel/ipc/msg.h"
#include "kernel/ipc/sem.h"
#include "kernel/pid.h"
#include "kernel/printk.h"
#include "kernel/process.h"
#include "kernel/random.h"
#include "kernel/rusage.h"
#include "kernel/sched.h"
#include "kernel/swap/swappiness.h"
#include "kernel/userfault.h"
#include "kernel/thread.h"
#include "kernel/utsname.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/commit.h"
#include "mm/frame.h"
#include "mm/reclaim.h"
#include "mm/writeback.h"

static const struct proc_string ostype = {.line = &uts_sysname};
static const struct proc_string osrelease = {.line = &uts_release};
static const struct proc_string hostname = {.own = uts_nodename};
static const struct proc_string domainname = {.own = uts_domainname};

/* No program is run for one. */
static bool pattern_allowed(const char *s)
{
	return *s && *s != '|';
}

static const struct proc_string pattern = {.line = &core_pattern, .allowed = pattern_allowed};
static const struct proc_number core_pid = {&core_uses_pid, 0, 1, NULL};

static int show_cap_last_cap(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%d\n", CAP_LAST_CAP);
	return 0;
}

static int show_ngroups_max(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%d\n", NGROUPS_MAX);
	return 0;
}

static int show_rt_period(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%d\n", RT_PERIOD_US);
	return 0;
}

/* Nothing that Linux would call a taint can come about. */
static int show_tainted(struct proc_text *t, struct process *p)
{
	proc_printf(t, "0\n");
	return 0;
}

static int show_pid_max(struct proc_text *t, struct process *p)
{
	proc_printf(t, "32768\n");
	return 0;
}

static int show_entropy(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%u\n", random_entropy());
	return 0;
}

static int show_poolsize(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%u\n", RANDOM_POOL_BITS);
	return 0;
}

/* A random UUID (RFC 4122, version 4). */
static void uuid_print(struct proc_text *t, const uint8_t *r)
{
	proc_printf(t, "%02x%02x%02x%02x-%02x%02x-4%x%02x-%x%x%02x-", r[0], r[1], r[2], r[3], r[4],
		    r[5], r[6] & 15, r[7], 8 | (r[8] & 3), r[8] >> 4, r[9]);
	proc_printf(t, "%02x%02x%02x%02x%02x%02x\n", r[10], r[11], r[12], r[13], r[14], r[15]);
}

static int show_uuid(struct proc_text *t, struct process *p)
{
	uint8_t r[16];

	random_bytes(r, sizeof(r));
	uuid_print(t, r);
	return 0;
}

static int show_boot_id(struct proc_text *t, struct process *p)
{
	static struct spinlock lock = SPINLOCK_INIT("boot id", RANK_FILES);
	static uint8_t id[16];
	static bool made;
	uint8_t fresh[16];

	random_bytes(fresh, sizeof(fresh));
	spin_lock(&lock);
	if (!made)
		memcpy(id, fresh, sizeof(id));
	made = true;
	spin_unlock(&lock);
	uuid_print(t, id);
	return 0;
}

static const struct proc_number msgmax = {&ipc_first.msg.max, 0, INT32_MAX, NULL};
static const struct proc_number msgmnb = {&ipc_first.msg.mnb, 0, INT32_MAX, NULL};
static const struct proc_number msgmni = {&ipc_first.msg.mni, 0, IPC_SLOTS, NULL};
static const struct proc_number shmmax = {&ipc_first.shm.max, 0, UINT64_MAX, NULL};
static const struct proc_number shmall = {&ipc_first.shm.all, 0, UINT64_MAX, NULL};
static const struct proc_number shmmni = {&ipc_first.shm.mni, 0, IPC_SLOTS, NULL};
static const struct proc_number msg_next = {&ipc_first.msg.table.next_id, 0, INT32_MAX, NULL};
static const struct proc_number sem_next = {&ipc_first.sem.table.next_id, 0, INT32_MAX, NULL};
static const struct proc_number shm_next = {&ipc_first.shm.table.next_id, 0, INT32_MAX, NULL};
static const struct proc_number threads = {&thread_limit, 1, 0x3fffffff, NULL};

static const struct proc_number restricted = {&dmesg_restrict, 0, 1, NULL};
static const struct proc_number randomize = {&randomize_va_space, 0, INT32_MAX, NULL};

static void rr_slice_changed(void)
{
	if (!rr_slice_ms)
		rr_slice_ms = RR_SLICE_DEFAULT_MS;
}

static const struct proc_number rr_slice = {&rr_slice_ms, 0, INT32_MAX, rr_slice_changed};
static const struct proc_number rt_runtime = {
	&rt_runtime_us, -1ul, RT_PERIOD_US, NULL};

/* --- /proc/sys/vm --- */

static int store_drop_caches(struct process *p, char *text, size_t len)
{
	uint64_t what;

	if (!proc_number_parse(text, &what) || what < 1 || what > 4)
		return -EINVAL;
	/* 4 only keeps Linux from reporting it. */
	if (what < 4)
		reclaim_caches(what & 1, what & 2);
	return 0;
}

static int show_min_free(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%lu\n", (unsigned long)frames_min * (PAGE_SIZE / KiB));
	return 0;
}

static int store_min_free(struct process *p, char *text, size_t len)
{
	uint64_t kib;

	if (!proc_number_parse(text, &kib) || !frames_set_min(kib / (PAGE_SIZE / KiB)))
		return -EINVAL;
	return 0;
}

static void dirty_changed(void)
{
	writeback_retime();
	flusher_retime();
}

static const struct proc_number background = {&dirty_background_ratio, 0, 100, dirty_changed};
static const struct proc_number dirty = {&dirty_ratio, 0, 100, dirty_changed};
static const struct proc_number expire = {
	&dirty_expire_centisecs, 0, INT32_MAX, dirty_changed};
static const struct proc_number interval = {
	&dirty_writeback_centisecs, 0, INT32_MAX, dirty_changed};
static const struct proc_number map_count = {&max_map_count, 0, INT32_MAX, NULL};

/* The one that was set last counts. */
static void ratio_changed(void)
{
	overcommit_kbytes = 0;
}

static void kbytes_changed(void)
{
	overcommit_ratio = 0;
}

static const struct proc_number overcommit = {&overcommit_memory, 0, OVERCOMMIT_NEVER, NULL};
static const struct proc_number commit_ratio = {&overcommit_ratio, 0, INT32_MAX, ratio_changed};
static const struct proc_number commit_kbytes = {
	&overcommit_kbytes, 0, UINT64_MAX, kbytes_changed};
static const struct proc_number admin_reserve = {&admin_reserve_kbytes, 0, UINT64_MAX, NULL};
static const struct proc_number user_reserve = {&user_reserve_kbytes, 0, UINT64_MAX, NULL};

static const struct proc_number swap_gladly = {&swappiness, 0, SWAPPINESS_MAX, NULL};

/* It is what it is. */
static uint64_t min_addr = MMAP_MIN_ADDR;
static const struct proc_number mmap_min = {&min_addr, MMAP_MIN_ADDR, MMAP_MIN_ADDR, NULL};

static const struct proc_number unprivileged = {&userfault_unprivileged, 0, 1, NULL};

static const struct proc_entry vm_entries[] = {
	{.name = "admin_reserve_kbytes", .mode = S_IFREG | 0644, .number = &admin_reserve},
	{.name = "dirty_background_ratio", .mode = S_IFREG | 0644, .number = &background},
	{.name = "dirty_expire_centisecs", .mode = S_IFREG | 0644, .number = &expire},
	{.name = "dirty_ratio", .mode = S_IFREG | 0644, .number = &dirty},
	{.name = "dirty_writeback_centisecs", .mode = S_IFREG | 0644, .number = &interval},
	{.name = "drop_caches", .mode = S_IFREG | 0200, .store = store_drop_caches},
	{.name = "max_map_count", .mode = S_IFREG | 0644, .number = &map_count},
	{.name = "min_free_kbytes", .mode = S_IFREG | 0644, .show = show_min_free,
	 .store = store_min_free},
	{.name = "mmap_min_addr", .mode = S_IFREG | 0644, .number = &mmap_min},
	{.name = "overcommit_kbytes", .mode = S_IFREG | 0644, .number = &commit_kbytes},
	{.name = "overcommit_memory", .mode = S_IFREG | 0644, .number = &overcommit},
	{.name = "overcommit_ratio", .mode = S_IFREG | 0644, .number = &commit_ratio},
	{.name = "swappiness", .mode = S_IFREG | 0644, .number = &swap_gladly},
	{.name = "unprivileged_userfaultfd", .mode = S_IFREG | 0644, .number = &unprivileged},
	{.name = "user_reserve_kbytes", .mode = S_IFREG | 0644, .number = &user_reserve},
	{.mode = 0},
};

static const struct proc_entry random_entries[] = {
	{.name = "boot_id", .mode = S_IFREG | 0444, .show = show_boot_id},
	{.name = "entropy_avail", .mode = S_IFREG | 0444, .show = show_entropy},
	{.name = "poolsize", .mode = S_IFREG | 0444, .show = show_poolsize},
	{.name = "uuid", .mode = S_IFREG | 0444, .show = show_uuid},
	{.mode = 0},
};

static const struct proc_number aio_max = {&aio_nr_max, 0, INT64_MAX, NULL};
static const struct proc_number aio_now = {&aio_nr, 0, INT64_MAX, NULL};
static const struct proc_number inotify_events = {&inotify_max_events, 0, INT32_MAX, NULL};
static const struct proc_number inotify_instances = {&inotify_max_instances, 0, INT32_MAX, NULL};
static const struct proc_number inotify_watches = {&inotify_max_watches, 0, INT32_MAX, NULL};

static const struct proc_number fanotify_events = {&fanotify_max_events, 0, INT32_MAX, NULL};
static const struct proc_number fanotify_sets = {&fanotify_max_groups, 0, INT32_MAX, NULL};
static const struct proc_number fanotify_marks = {&fanotify_max_marks, 0, INT32_MAX, NULL};

static const struct proc_entry fanotify_entries[] = {
	{.name = "max_queued_events", .mode = S_IFREG | 0644, .number = &fanotify_events},
	{.name = "max_user_groups", .mode = S_IFREG | 0644, .number = &fanotify_sets},
	{.name = "max_user_marks", .mode = S_IFREG | 0644, .number = &fanotify_marks},
	{.mode = 0},
};

static const struct proc_entry inotify_entries[] = {
	{.name = "max_queued_events", .mode = S_IFREG | 0644, .number = &inotify_events},
	{.name = "max_user_instances", .mode = S_IFREG | 0644, .number = &inotify_instances},
	{.name = "max_user_watches", .mode = S_IFREG | 0644, .number = &inotify_watches},
	{.mode = 0},
};

static const struct proc_number mq_queues = {&ipc_first.mq.queues_max, 0, INT32_MAX, NULL};
static const struct proc_number mq_msg = {&ipc_first.mq.msg_max, 1, MQ_MSG_HARD_MAX, NULL};
static const struct proc_number mq_msg_def = {&ipc_first.mq.msg_default, 1, MQ_MSG_HARD_MAX, NULL};
static const struct proc_number mq_size = {
	&ipc_first.mq.msgsize_max, MQ_MSGSIZE_MIN, MQ_MSGSIZE_HARD_MAX, NULL};
static const struct proc_number mq_size_def = {
	&ipc_first.mq.msgsize_default, MQ_MSGSIZE_MIN, MQ_MSGSIZE_HARD_MAX, NULL};

static const struct proc_entry mqueue_entries[] = {
	{.name = "msg_default", .mode = S_IFREG | 0644, .number = &mq_msg_def, .ipc = true},
	{.name = "msg_max", .mode = S_IFREG | 0644, .number = &mq_msg, .ipc = true},
	{.name = "msgsize_default", .mode = S_IFREG | 0644, .number = &mq_size_def, .ipc = true},
	{.name = "msgsize_max", .mode = S_IFREG | 0644, .number = &mq_size, .ipc = true},
	{.name = "queues_max", .mode = S_IFREG | 0644, .number = &mq_queues, .ipc = true},
	{.mode = 0},
};

static int show_pipe_size(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%lu\n", (unsigned long)pipe_max_size);
	return 0;
}

/* No pipe is ever asked about a size that is not rounded yet. */
static int store_pipe_size(struct process *p, char *text, size_t len)
{
	uint64_t size;

	if (!proc_number_parse(text, &size) || !size || size > 1UL << 31)
		return -EINVAL;
	pipe_max_size = MAX(roundup_pow2(size), PAGE_SIZE);
	return 0;
}

static const struct proc_number pipe_soft = {&pipe_pages_soft, 0, UINT64_MAX, NULL};
static const struct proc_number pipe_hard = {&pipe_pages_hard, 0, UINT64_MAX, NULL};
static const struct proc_number mount_max = {&mounts_max, 1, INT32_MAX, NULL};
static const struct proc_number open_max = {&nr_open, 64, NR_OPEN_MAX, NULL};

static const struct proc_number files_max = {&file_max, 0, INT64_MAX, file_max_changed};

static int show_file_nr(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%lu\t0\t%lu\n", (unsigned long)file_count(), (unsigned long)file_max);
	return 0;
}

/* None is kept that nobody uses. */
static int show_inode_nr(struct proc_text *t, struct process *p)
{
	proc_printf(t, "%lu\t0\n", (unsigned long)inode_count());
	return 0;
}

static const struct proc_number fifos = {&protected_fifos, 0, 2, NULL};
static const struct proc_number hardlinks = {&protected_hardlinks, 0, 1, NULL};
static const struct proc_number regular = {&protected_regular, 0, 2, NULL};
static const struct proc_number symlinks = {&protected_symlinks, 0, 1, NULL};

static const struct proc_number lease_time = {&lease_break_seconds, 0, INT32_MAX, NULL};
static const struct proc_number dir_notify = {&dir_notify_enable, 0, 1, NULL};
static const struct proc_number leases = {&leases_enable, 0, 1, NULL};

static const struct proc_entry fs_entries[] = {
	{.name = "aio-max-nr", .mode = S_IFREG | 0644, .number = &aio_max},
	{.name = "aio-nr", .mode = S_IFREG | 0444, .number = &aio_now},
	{.name = "dir-notify-enable", .mode = S_IFREG | 0644, .number = &dir_notify},
	{.name = "fanotify", .mode = S_IFDIR | 0555, .children = fanotify_entries},
	{.name = "file-max", .mode = S_IFREG | 0644, .number = &files_max},
	{.name = "file-nr", .mode = S_IFREG | 0444, .show = show_file_nr},
	{.name = "inode-nr", .mode = S_IFREG | 0444, .show = show_inode_nr},
	{.name = "inotify", .mode = S_IFDIR | 0555, .children = inotify_entries},
	{.name = "lease-break-time", .mode = S_IFREG | 0644, .number = &lease_time},
	{.name = "leases-enable", .mode = S_IFREG | 0644, .number = &leases},
	{.name = "mount-max", .mode = S_IFREG | 0644, .number = &mount_max},
	{.name = "mqueue", .mode = S_IFDIR | 0555, .children = mqueue_entries},
	{.name = "nr_open", .mode = S_IFREG | 0644, .number = &open_max},
	{.name = "pipe-max-size", .mode = S_IFREG | 0644, .show = show_pipe_size,
	 .store = store_pipe_size},
	{.name = "pipe-user-pages-hard", .mode = S_IFREG | 0644, .number = &pipe_hard},
	{.name = "pipe-user-pages-soft", .mode = S_IFREG | 0644, .number = &pipe_soft},
	{.name = "protected_fifos", .mode = S_IFREG | 0644, .number = &fifos},
	{.name = "protected_hardlinks", .mode = S_IFREG | 0644, .number = &hardlinks},
	{.name = "protected_regular", .mode = S_IFREG | 0644, .number = &regular},
	{.name = "protected_symlinks", .mode = S_IFREG | 0644, .number = &symlinks},
	{.mode = 0},
};

static int show_acct(struct proc_text *t, struct process *p)
{
	proc_numbers_print(t, acct_limits, ACCT_LIMITS);
	return 0;
}

static int store_acct(struct process *p, char *text, size_t len)
{
	return proc_numbers_parse(text, acct_limits, ACCT_LIMITS) ? 0 : -EINVAL;
}

static const struct proc_entry kernel_entries[] = {
	{.name = "acct", .mode = S_IFREG | 0644, .show = show_acct, .store = store_acct},
	{.name = "cap_last_cap", .mode = S_IFREG | 0444, .show = show_cap_last_cap},
	{.name = "core_pattern", .mode = S_IFREG | 0644, .string = &pattern},
	{.name = "core_uses_pid", .mode = S_IFREG | 0644, .number = &core_pid},
	{.name = "dmesg_restrict", .mode = S_IFREG | 0644, .number = &restricted, .admin = true},
	{.name = "domainname", .mode = S_IFREG | 0644, .string = &domainname},
	{.name = "hostname", .mode = S_IFREG | 0644, .string = &hostname},
	{.name = "keys", .mode = S_IFDIR | 0555, .children = proc_sys_keys_entries},
	{.name = "msg_next_id", .mode = S_IFREG | 0644, .number = &msg_next, .ipc = true},
	{.name = "msgmax", .mode = S_IFREG | 0644, .number = &msgmax, .ipc = true},
	{.name = "msgmnb", .mode = S_IFREG | 0644, .number = &msgmnb, .ipc = true},
	{.name = "msgmni", .mode = S_IFREG | 0644, .number = &msgmni, .ipc = true},
	{.name = "ngroups_max", .mode = S_IFREG | 0444, .show = show_ngroups_max},
	{.name = "ostype", .mode = S_IFREG | 0444, .string = &ostype},
	{.name = "osrelease", .mode = S_IFREG | 0444, .string = &osrelease},
	{.name = "pid_max", .mode = S_IFREG | 0444, .show = show_pid_max},
	{.name = "random", .mode = S_IFDIR | 0555, .children = random_entries},
	{.name = "randomize_va_space", .mode = S_IFREG | 0644, .number = &randomize},
	{.name = "sched_rr_timeslice_ms", .mode = S_IFREG | 0644, .number = &rr_slice},
	{.name = "sched_rt_period_us", .mode = S_IFREG | 0444, .show = show_rt_period},
	{.name = "sched_rt_runtime_us", .mode = S_IFREG | 0644, .number = &rt_runtime},
	{.name = "sem", .mode = S_IFREG | 0644, .show = proc_show_sem_limits,
	 .store_ipc = proc_store_sem_limits, .ipc = true},
	{.name = "sem_next_id", .mode = S_IFREG | 0644, .number = &sem_next, .ipc = true},
	{.name = "shm_next_id", .mode = S_IFREG | 0644, .number = &shm_next, .ipc = true},
	{.name = "shmall", .mode = S_IFREG | 0644, .number = &shmall, .ipc = true},
	{.name = "shmmax", .mode = S_IFREG | 0644, .number = &shmmax, .ipc = true},
	{.name = "shmmni", .mode = S_IFREG | 0644, .number = &shmmni, .ipc = true},
	{.name = "tainted", .mode = S_IFREG | 0444, .show = show_tainted},
	{.name = "threads-max", .mode = S_IFREG | 0644, .number = &threads},
	{.mode = 0},
};

const struct proc_entry proc_sys_entries[] = {
#if DEBUG
	{.name = "debug", .mode = S_IFDIR | 0555, .children = proc_debug_entries},
#endif
	{.name = "fs", .mode = S_IFDIR | 0555, .children = fs_entries},
	{.name = "kernel", .mode = S_IFDIR | 0555, .children = kernel_entries},
	{.name = "net", .mode = S_IFDIR | 0555, .children = proc_sys_net_entries},
	{.name = "vm", .mode = S_IFDIR | 0555, .children = vm_entries},
	{.mode = 0},
};
