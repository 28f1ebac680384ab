/* What mm/ and fs/ ask of the rest of the kernel: no limits, no other processes or harts. */
#include "tests/host/shim/kernel.h"

#include "fs/event/event.h"
#include "fs/notify.h"
#include "fs/socket/uevent.h"
#include "fs/tmpfs/tmpfs.h"
#include "kernel/hart.h"
#include "kernel/keys/key.h"
#include "kernel/namespace.h"
#include "kernel/pid.h"
#include "kernel/random.h"
#include "kernel/userfault.h"
#include "kernel/sbi.h"
#include "kernel/signal.h"
#include "kernel/trap.h"

struct process *init_process;
struct spinlock proc_lock = SPINLOCK_INIT("processes", RANK_PROC);

uint64_t random_below(uint64_t limit)
{
	(void)limit;
	return 0;
}

void hart_call(hartmask_t mask, void (*func)(void *), void *arg)
{
	(void)mask;
	(void)func;
	(void)arg;
	fail_msg("there is no other hart");
}

void sbi_remote_sfence(uint64_t harts_mask, uint64_t va, uint64_t len)
{
	(void)va;
	(void)len;
	assert_int_equal(harts_mask, 0);
}

void sbi_remote_sfence_asid(uint64_t harts_mask, uint64_t va, uint64_t len, uint64_t asid)
{
	(void)va;
	(void)len;
	(void)asid;
	assert_int_equal(harts_mask, 0);
}

void sbi_remote_fence_i(uint64_t harts_mask)
{
	assert_int_equal(harts_mask, 0);
}

/* Kernel threads never run: their work is done when a test asks for it. */
struct thread *kthread_create(const char *name, void (*func)(void *), void *arg)
{
	static struct thread idle;

	(void)name;
	(void)func;
	(void)arg;
	return &idle;
}

struct thread *thread_find(pid_t tid)
{
	(void)tid;
	return NULL;
}

void keys_ids_changed(struct thread *t)
{
	(void)t;
}

bool threads_beyond_limit(uid_t uid)
{
	(void)uid;
	return false;
}

void thread_unfind(struct thread *t)
{
	(void)t;
}

bool thread_gone(const struct thread *t)
{
	(void)t;
	return true;
}

struct process *process_find(pid_t pid)
{
	return NULL;
}

bool process_gone(struct process *p)
{
	return true;
}

struct process *process_find_locked(pid_t pid)
{
	(void)pid;
	return NULL;
}

void thread_start(struct thread *t)
{
	(void)t;
}

/* No program has registers here: a fork finds nothing that will be touched at once. */
struct trapframe *thread_trapframe(struct thread *t)
{
	static struct trapframe none;

	(void)t;
	return &none;
}

struct process *process_next(pid_t pid)
{
	(void)pid;
	return NULL;
}

uint32_t pgrp_for_each(pid_t pgid, void (*func)(struct process *p, void *arg), void *arg)
{
	return 0;
}

struct aspace *process_aspace(struct process *p)
{
	(void)p;
	return NULL;
}

struct aspace *process_aspace_locked(struct process *p)
{
	(void)p;
	return NULL;
}

void process_get(struct process *p)
{
	(void)p;
}

void process_put(struct process *p)
{
	(void)p;
}

/* Nobody waits with another mask, no descriptor is watched, and there are no terminals. */
void signal_mask_after_wait(bool interrupted)
{
	(void)interrupted;
}

void epoll_init(void)
{
}

void userfaultfd_init(void)
{
}

void inotify_init(void)
{
}

void inotify_event_locked(struct notify_watch *w, const struct notify_event *e,
			  struct list_head *dead)
{
	(void)w;
	(void)e;
	(void)dead;
}

void inotify_end_locked(struct notify_watch *w, struct list_head *dead)
{
	(void)w;
	(void)dead;
}

void fanotify_limits(void)
{
}

bool fanotify_asks(void)
{
	return false;
}

int fanotify_ask(const struct path *p, uint32_t mask)
{
	(void)p;
	(void)mask;
	return 0;
}

void fanotify_hear_locked(const struct fan_news *n)
{
	(void)n;
}

void fanotify_end_locked(struct notify_watch *w, struct list_head *dead)
{
	(void)w;
	(void)dead;
}

bool userfault_post(const struct vma *v, uaddr_t va, uint32_t access, bool wp,
		    struct userfault_wait *w)
{
	(void)v;
	(void)va;
	(void)access;
	(void)wp;
	(void)w;
	return false;
}

void userfault_cancel(struct userfault_wait *w)
{
	(void)w;
}

int userfault_wait(struct userfault_wait *w)
{
	(void)w;
	return 0;
}

void userfault_wake(struct userfault *u, uaddr_t start, uaddr_t end)
{
	(void)u;
	(void)start;
	(void)end;
}

void userfault_space_gone(const struct aspace *as)
{
	(void)as;
}

void devpts_register(void)
{
}

void sockets_init(void)
{
}

void uevent_disk_changed(const struct blockdev *d, const char *why)
{
	(void)d;
	(void)why;
}

void epoll_file_released(struct file *f)
{
	(void)f;
}

int signal_process(struct process *p, int sig, const struct siginfo *info)
{
	(void)p;
	(void)sig;
	(void)info;
	return -ESRCH;
}

int signal_process_locked(struct process *p, int sig, const struct siginfo *info)
{
	return signal_process(p, sig, info);
}

/* No namespaces: nobody asks for a file of one. */
const struct ns_type ns_types[NS_KINDS];

void ns_init(struct ns *ns, enum ns_kind kind)
{
	(void)kind;
	ns->refs = 1;
}

void ns_put(struct ns *ns)
{
	(void)ns;
}

struct ns *ns_of(struct process *p, pid_t tid, enum ns_kind kind, bool for_children)
{
	(void)p, (void)tid, (void)kind, (void)for_children;
	return NULL;
}
