/*
 * procfs: the files of a process (proc(5)).
 */
#include <stdatomic.h>

#include "drivers/tty/tty.h"
#include "fs/procfs/procfs.h"
#include "kernel/mem/slab.h"
#include "kernel/ptrace.h"
#include "kernel/remote.h"
#include "kernel/rusage.h"
#include "kernel/sighand.h"
#include "kernel/sched.h"
#include "kernel/thread.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/aspace.h"

#define TICK (NSEC_PER_SEC / 100)

/* A moment of a process, taken under the locks. */
struct snapshot {
	char comm[16];
	char state;
	mode_t umask;
	pid_t tid, ppid, pgid, sid, tracer;
	uint32_t threads;
	uid_t uid[4];
	gid_t gid[4];
	capset_t caps[5];
	uint32_t ngroups;
	gid_t groups[32];
	int nice;
	struct sched_class class;
	uint32_t hart;
	sigset_t blocked, pending, shared, ignored, caught;
	struct usage usage, children;
};

static char state_of(struct process *p, struct thread *t)
{
	if (p->zombie)
		return 'Z';
	if (!t)
		return 'X';
	switch (atomic_load(&t->state)) {
	case THREAD_RUNNING:
		return 'R';
	case THREAD_STOPPED:
		return t->tracee && t->tracee->stopped ? 't' : 'T';
	case THREAD_DEAD:
		return 'Z';
	default:
		return t->wait_mode == WAIT_INTERRUPTIBLE ? 'S' : 'D';
	}
}

static void cred_take(struct snapshot *s, const struct cred *c)
{
	s->uid[0] = c->uid;
	s->uid[1] = c->euid;
	s->uid[2] = c->suid;
	s->uid[3] = c->fsuid;
	s->gid[0] = c->gid;
	s->gid[1] = c->egid;
	s->gid[2] = c->sgid;
	s->gid[3] = c->fsgid;
	s->caps[0] = c->inheritable;
	s->caps[1] = c->permitted;
	s->caps[2] = c->effective;
	s->caps[3] = c->bounding;
	s->caps[4] = c->ambient;
	s->ngroups = MIN(c->ngroups, (uint32_t)ARRAY_SIZE(s->groups));
	memcpy(s->groups, c->groups, s->ngroups * sizeof(gid_t));
}

static void signals_take(struct snapshot *s, struct process *p, struct thread *t)
{
	uint64_t irq = spin_lock_irq(&p->siglock);
	struct sighand *h = p->sighand;
	uint64_t irq2;

	s->threads = p->nthreads;
	s->shared = p->pending.set;
	s->children = p->dead_children;
	if (t) {
		s->blocked = t->blocked;
		s->pending = t->pending.set;
	}
	if (h) {
		irq2 = spin_lock_irq(&h->lock);
		for (int sig = 1; sig <= NSIG; sig++) {
			uint64_t handler = sighand_handler(p, sig);

			if (handler == SIG_IGN)
				s->ignored |= SIGMASK(sig);
			else if (handler != SIG_DFL)
				s->caught |= SIGMASK(sig);
		}
		spin_unlock_irq(&h->lock, irq2);
	}
	spin_unlock_irq(&p->siglock, irq);
}

/* All but times: of p, and its thread t, or NULL. proc_lock held. */
static void snapshot_locked(struct process *p, struct thread *t, struct snapshot *s)
{
	s->state = state_of(p, t);
	s->ppid = p->parent ? p->parent->pid : 0;
	s->pgid = p->pgid;
	s->sid = p->sid;
	if (t && t->tracee && t->tracee->tracer)
		s->tracer = t->tracee->tracer->pid;
	if (t) {
		strlcpy(s->comm, t->comm, sizeof(s->comm));
		s->nice = t->nice;
		s->class = t->class;
		s->hart = t->hart ? t->hart->index : 0;
		s->umask = t->fs ? atomic_load(&t->fs->umask) : 0;
		if (t->cred)
			cred_take(s, t->cred);
	}
	signals_take(s, p, t);
}

/* Of p; tid not 0: of that one of its threads. 0, or -ESRCH: it has ended. */
static int snapshot_take(struct process *p, pid_t tid, struct snapshot *s)
{
	struct thread *t = tid ? thread_find(tid) : NULL;
	uint64_t irq;

	memset(s, 0, sizeof(*s));
	s->tid = tid ? tid : p->pid;
	if (tid && !t)
		return -ESRCH;
	irq = spin_lock_irq(&proc_lock);
	snapshot_locked(p, t ? t : p->leader, s);
	spin_unlock_irq(&proc_lock, irq);
	if (!t) {
		usage_of_process(p, &s->usage);
		return 0;
	}
	usage_of_thread(t, &s->usage);
	thread_unfind(t);
	return 0;
}

/* tty_nr of proc(5): minor in bits 0..7 and 20..31, major in 8..15. */
static uint32_t tty_nr(dev_t dev)
{
	uint32_t major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & 0xfff00) << 12;
}

static int show_stat(struct proc_text *t, struct process *p)
{
	struct aspace *as = process_aspace(p);
	struct aspace_stats mem = {0};
	struct exec_layout l = {0};
	struct snapshot s;
	pid_t tpgid = -1;
	uint32_t tty = tty_nr(tty_number(p, &tpgid));
	int err, priority;
	bool may;

	err = snapshot_take(p, t->tid, &s);
	if (as) {
		aspace_stats(as, &mem);
		l = as->layout;
		aspace_put(as);
	}
	if (err)
		return err;
	/* Asked afterwards: a new program's places are seen together with its powers. */
	may = proc_may_inspect(p);
	if (!may)
		l = (struct exec_layout){.start_code = !!as, .end_code = !!as};
	priority = (int)class_priority(&s.class);
	proc_printf(t, "%d (%s) %c %d %d %d %d %d 0 %lu %lu %lu %lu ", s.tid, s.comm, s.state,
		    s.ppid, s.pgid, s.sid, (int)tty, tpgid, s.usage.minflt, s.children.minflt,
		    s.usage.majflt, s.children.majflt);
	proc_printf(t, "%lu %lu %lu %lu %d %d %u 0 %lu %lu %lu ", s.usage.utime / TICK,
		    s.usage.stime / TICK, s.children.utime / TICK, s.children.stime / TICK,
		    priority ? -1 - priority : 20 + s.nice, s.nice,
		    s.threads, p->start_time / TICK, mem.size * PAGE_SIZE,
		    mem.rss);
	proc_printf(t,
		    "18446744073709551615 %lu %lu %lu 0 0 %lu %lu %lu %lu 0 0 0 %d %u %u %u 0 0 0 ",
		    l.start_code, l.end_code, l.start_stack, s.pending | s.shared, s.blocked,
		    s.ignored, s.caught, p->exit_signal, s.hart, s.class.priority, s.class.policy);
	proc_printf(t, "%lu %lu %lu %lu %lu %lu %lu %d\n", l.start_data, l.end_data, l.start_brk,
		    l.arg_start, l.arg_end, l.env_start, l.env_end,
		    may && s.state == 'Z' ? p->exit_status : 0);
	return 0;
}

static const char *state_name(char c)
{
	switch (c) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'D':
		return "D (disk sleep)";
	case 'T':
		return "T (stopped)";
	case 't':
		return "t (tracing stop)";
	case 'Z':
		return "Z (zombie)";
	}
	return "X (dead)";
}

static void status_memory(struct proc_text *t, struct process *p)
{
	struct aspace *as = process_aspace(p);
	struct aspace_stats m;

	if (!as)
		return;
	aspace_stats(as, &m);
	aspace_put(as);
#define LINE(name, pages) \
	proc_printf(t, "%s:\t%8lu kB\n", name, (unsigned long)(pages) * (PAGE_SIZE / KiB))
	LINE("VmPeak", m.size);
	LINE("VmSize", m.size);
	LINE("VmLck", m.locked);
	LINE("VmSwap", m.swapped);
	LINE("VmHWM", MAX(m.peak_rss, m.rss));
	LINE("VmRSS", m.rss);
	LINE("RssAnon", m.rss - m.shared);
	LINE("RssFile", m.shared);
	LINE("VmData", m.data);
	LINE("VmStk", m.stack);
	LINE("VmExe", m.text);
#undef LINE
}

/* A name that may have a newline in it makes no line of its own. */
static void name_escaped(struct proc_text *t, const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			proc_append(t, "\\n", 2);
		else if (*s == '\\')
			proc_append(t, "\\\\", 2);
		else
			proc_append(t, s, 1);
	}
}

static int show_status(struct proc_text *t, struct process *p)
{
	struct snapshot s;
	int err = snapshot_take(p, t->tid, &s);

	if (err)
		return err;
	proc_printf(t, "Name:\t");
	name_escaped(t, s.comm);
	proc_printf(t, "\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\n",
		    s.umask, state_name(s.state), p->pid, s.tid, s.ppid);
	proc_printf(t, "TracerPid:\t%d\n", s.tracer);
	proc_printf(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", s.uid[0], s.uid[1],
		    s.uid[2], s.uid[3], s.gid[0], s.gid[1], s.gid[2], s.gid[3]);
	proc_printf(t, "Groups:\t");
	for (uint32_t i = 0; i < s.ngroups; i++)
		proc_printf(t, i ? " %u" : "%u", s.groups[i]);
	/* Threads of the kernel are not here. */
	proc_printf(t, " \nKthread:\t0\n");
	status_memory(t, p);
	proc_printf(t, "Threads:\t%u\nSigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n",
		    s.threads, s.pending, s.shared, s.blocked);
	proc_printf(t, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", s.ignored, s.caught);
	proc_printf(t, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\nCapBnd:\t%016lx\n",
		    s.caps[0], s.caps[1], s.caps[2], s.caps[3]);
	proc_printf(t, "CapAmb:\t%016lx\n", s.caps[4]);
	proc_printf(t, "NoNewPrivs:\t%d\n", p->no_new_privs);
	proc_printf(t, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		    s.usage.nvcsw, s.usage.nivcsw);
	return 0;
}

/* Whom the thread made, or got from one that ended; those too that wait to be waited for. */
static int show_children(struct proc_text *t, struct process *p)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	struct process *c;

	list_for_each_entry(c, &p->children, sibling)
		if (c->creator == t->tid)
			proc_printf(t, "%d ", c->pid);
	spin_unlock_irq(&proc_lock, irq);
	return 0;
}

static int show_statm(struct proc_text *t, struct process *p)
{
	struct aspace *as = process_aspace(p);
	struct aspace_stats m = {0};

	if (as) {
		aspace_stats(as, &m);
		aspace_put(as);
	}
	proc_printf(t, "%lu %lu %lu %lu 0 %lu 0\n", m.size, m.rss, m.shared, m.text, m.data);
	return 0;
}

static int show_comm(struct proc_text *t, struct process *p)
{
	struct snapshot s;
	int err = snapshot_take(p, t->tid, &s);

	if (err)
		return err;
	proc_printf(t, "%s\n", s.comm);
	return 0;
}

/* Threads name one another (pthread_setname_np(3)), other processes do not. */
static int store_comm(struct process *p, pid_t tid, const char *name)
{
	struct thread *t = thread_find(tid ? tid : p->pid);
	/* The number may be another's by now. */
	bool ours = t && t->process == p && current()->process == p;

	if (!t)
		return -ESRCH;
	if (ours)
		thread_set_name(t, name);
	thread_unfind(t);
	return ours ? 0 : -EINVAL;
}

/* What u wants from pos on of [start, end) of the process's memory; where that is gone, nothing. */
static ssize64_t memory_read(struct aspace *as, uaddr_t start, uaddr_t end, struct uio *u,
			     uint64_t pos)
{
	ssize64_t n = pos < end - start ? remote_move(as, start + pos, end - start - pos, u, 0) : 0;

	return n == -EIO ? 0 : n;
}

static ssize64_t read_cmdline(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos)
{
	struct aspace *as = process_aspace(p);
	ssize64_t n = 0;

	if (as) {
		const struct exec_layout *l = &as->layout;

		n = memory_read(as, l->arg_start, l->arg_end, u, pos);
		aspace_put(as);
	}
	return n;
}

static ssize64_t read_environ(struct proc_text *t, struct process *p, struct uio *u, uint64_t pos)
{
	struct aspace *as = proc_aspace(t, p);
	ssize64_t n = 0;

	if (as) {
		const struct exec_layout *l = &as->layout;

		n = memory_read(as, l->env_start, l->env_end, u, pos);
		aspace_put(as);
	}
	return n;
}

static int show_limits(struct proc_text *t, struct process *p)
{
	static const struct {
		const char *name, *unit;
	} limits[16] = {
		{"Max cpu time", "seconds"},	  {"Max file size", "bytes"},
		{"Max data size", "bytes"},	  {"Max stack size", "bytes"},
		{"Max core file size", "bytes"},  {"Max resident set", "bytes"},
		{"Max processes", "processes"},	  {"Max open files", "files"},
		{"Max locked memory", "bytes"},	  {"Max address space", "bytes"},
		{"Max file locks", "locks"},	  {"Max pending signals", "signals"},
		{"Max msgqueue size", "bytes"},	  {"Max nice priority", ""},
		{"Max realtime priority", ""},	  {"Max realtime timeout", "us"},
	};

	proc_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
		char text[2][24];
		uint64_t value[2];
		uint64_t irq = spin_lock_irq(&p->siglock);

		value[0] = p->rlimits[i].cur;
		value[1] = p->rlimits[i].max;
		spin_unlock_irq(&p->siglock, irq);
		for (int k = 0; k < 2; k++) {
			if (value[k] == UINT64_MAX)
				strlcpy(text[k], "unlimited", sizeof(text[k]));
			else
				snprintf(text[k], sizeof(text[k]), "%lu", value[k]);
		}
		proc_printf(t, "%-25s %-20s %-20s %-10s\n", limits[i].name, text[0], text[1],
			    limits[i].unit);
	}
	return 0;
}

static int show_personality(struct proc_text *t, struct process *p)
{
	if (!proc_may_inspect(p))
		return -EPERM;
	proc_printf(t, "%08x\n", p->personality);
	return 0;
}

/* --- links --- */

int proc_place(struct process *p, pid_t tid, bool root, struct path *out)
{
	struct thread *found = tid ? thread_find(tid) : NULL, *t;
	struct fscontext *fs;
	uint64_t irq;

	/* Without a reference: an exec would take us for one who can change it (shares_place). */
	spin_lock(&dcache_lock);
	irq = spin_lock_irq(&proc_lock);
	t = tid ? found : p->leader;
	fs = t && t->process == p ? t->fs : NULL;
	if (fs) {
		*out = root ? fs->root : fs->cwd;
		path_get(out);
	}
	spin_unlock_irq(&proc_lock, irq);
	spin_unlock(&dcache_lock);
	if (found)
		thread_unfind(found);
	return fs ? 0 : -ENOENT;
}

static int follow_cwd(struct process *p, struct path *out)
{
	return proc_place(p, 0, false, out);
}

static int follow_root(struct process *p, struct path *out)
{
	return proc_place(p, 0, true, out);
}

static int follow_exe(struct process *p, struct path *out)
{
	uint64_t irq = spin_lock_irq(&p->siglock);
	struct file *f = p->exe ? file_get(p->exe) : NULL;

	spin_unlock_irq(&p->siglock, irq);
	if (!f)
		return -ENOENT;
	*out = f->path;
	path_get(out);
	file_put(f);
	return 0;
}

/* The text of a link is the path of the place it leads to. */
static ssize64_t place_name(int err, struct path *at, char *buf, size_t size)
{
	ssize64_t ret;
	char *s;

	if (err)
		return err;
	s = path_string(at, buf, size, NULL, true);
	ret = is_err(s) ? ptr_err(s) : (ssize64_t)strlen(s);
	if (!is_err(s))
		memmove(buf, s, (size_t)ret + 1);
	path_put(at);
	return ret;
}

static ssize64_t link_cwd(struct process *p, char *buf, size_t size)
{
	struct path at;

	return place_name(proc_place(p, 0, false, &at), &at, buf, size);
}

static ssize64_t link_root(struct process *p, char *buf, size_t size)
{
	struct path at;

	return place_name(proc_place(p, 0, true, &at), &at, buf, size);
}

static ssize64_t link_exe(struct process *p, char *buf, size_t size)
{
	struct path at;

	return place_name(follow_exe(p, &at), &at, buf, size);
}

static int show_auxv(struct proc_text *t, struct process *p)
{
	struct auxv auxv;
	struct aspace *as = proc_aspace(t, p);

	if (as) {
		exec_auxv(&as->layout, &auxv);
		proc_append(t, (char *)&auxv, sizeof(auxv));
		aspace_put(as);
	}
	return 0;
}

/* Where in the kernel it waits is not told: what Linux says that knows no names there. */
static int show_wchan(struct proc_text *t, struct process *p)
{
	proc_append(t, "0", 1);
	return 0;
}

static bool may_see_slack(const struct process *p)
{
	return p == current()->process || cred_capable(CAP_SYS_NICE);
}

static int show_timerslack(struct proc_text *t, struct process *p)
{
	uint64_t irq, ns;

	if (!may_see_slack(p))
		return -EPERM;
	irq = spin_lock_irq(&proc_lock);
	ns = p->leader->timer_slack;
	spin_unlock_irq(&proc_lock, irq);
	proc_printf(t, "%lu\n", (unsigned long)ns);
	return 0;
}

static int store_timerslack(struct process *p, char *text, size_t len)
{
	uint64_t ns, irq;

	if (!may_see_slack(p))
		return -EPERM;
	if (!proc_number_parse(text, &ns))
		return -EINVAL;
	irq = spin_lock_irq(&proc_lock);
	timer_slack_set(p->leader, ns);
	spin_unlock_irq(&proc_lock, irq);
	return 0;
}

const struct proc_entry proc_process_entries[] = {
	{.name = "task", .mode = S_IFDIR | 0555, .tasks = true},
	{.name = "auxv", .mode = S_IFREG | 0400, .of_memory = true, .sized = true,
	 .show = show_auxv},
	{.name = "children", .mode = S_IFREG | 0444, .show = show_children, .of_thread = true},
	{.name = "cmdline", .mode = S_IFREG | 0444, .sized = true, .read = read_cmdline},
	{.name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .store_name = store_comm},
	{.name = "cwd", .mode = S_IFLNK | 0777, .readlink = link_cwd, .follow = follow_cwd},
	{.name = "environ", .mode = S_IFREG | 0400, .of_memory = true, .sized = true,
	 .read = read_environ},
	{.name = "exe", .mode = S_IFLNK | 0777, .readlink = link_exe, .follow = follow_exe},
	{.name = "fd", .mode = S_IFDIR | 0500, .fds = &proc_fd_link},
	{.name = "fdinfo", .mode = S_IFDIR | 0555, .fds = &proc_fd_info},
	{.name = "limits", .mode = S_IFREG | 0444, .show = show_limits},
	{.name = "maps", .mode = S_IFREG | 0444, .of_memory = true, .show = proc_show_maps,
	 .ioctl = proc_maps_ioctl},
	{.name = "mem", .mode = S_IFREG | 0600, .of_memory = true, .read = proc_read_mem,
	 .write = proc_write_mem},
	{.name = "mountinfo", .mode = S_IFREG | 0444, .show = proc_show_mountinfo},
	{.name = "mounts", .mode = S_IFREG | 0444, .show = proc_show_mounts},
	{.name = "ns", .mode = S_IFDIR | 0511, .children = proc_ns_entries},
	{.name = "oom_adj", .mode = S_IFREG | 0644, .sized = true, .show = proc_show_oom_adj,
	 .store = proc_store_oom_adj},
	{.name = "oom_score", .mode = S_IFREG | 0444, .show = proc_show_oom_score},
	{.name = "oom_score_adj", .mode = S_IFREG | 0644, .sized = true,
	 .show = proc_show_oom_score_adj, .store = proc_store_oom_score_adj},
	{.name = "pagemap", .mode = S_IFREG | 0400, .of_memory = true, .read = proc_read_pagemap},
	{.name = "personality", .mode = S_IFREG | 0400, .show = show_personality},
	{.name = "root", .mode = S_IFLNK | 0777, .readlink = link_root, .follow = follow_root},
	{.name = "smaps", .mode = S_IFREG | 0444, .of_memory = true, .show = proc_show_smaps},
	{.name = "smaps_rollup", .mode = S_IFREG | 0444, .of_memory = true,
	 .show = proc_show_smaps_rollup},
	{.name = "stat", .mode = S_IFREG | 0444, .show = show_stat},
	{.name = "statm", .mode = S_IFREG | 0444, .show = show_statm},
	{.name = "status", .mode = S_IFREG | 0444, .show = show_status},
	{.name = "timerslack_ns", .mode = S_IFREG | 0666, .show = show_timerslack,
	 .store = store_timerslack},
	{.name = "wchan", .mode = S_IFREG | 0444, .show = show_wchan},
	{.mode = 0},
};
