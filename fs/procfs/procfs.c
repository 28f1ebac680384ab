/*
 * procfs: the tree. Inodes are made at lookup and live as long as their dentry; nothing is cached,
 * since processes come and go without asking.
 */
#include "fs/loop.h"
#include "fs/procfs/procfs.h"

#include <stdatomic.h>

#include "drivers/block.h"
#include "kernel/chardev.h"
#include "kernel/hart.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "kernel/uapi/dirent.h"
#include "kernel/uapi/statfs.h"
#include "lib/printf.h"
#include "lib/string.h"

#define FIRST_PID 1000 /* position of pid 0 in the root's listing */

/* --- links --- */

static ssize64_t proc_readlink(struct inode *inode, char *buf, size_t size)
{
	struct proc_inode *pi = proc_i(inode);

	if (pi->process && !proc_may_inspect(pi->process))
		return -EACCES;
	if (pi->fd >= 0)
		return proc_fd_name(pi->process, (uint32_t)pi->fd, buf, size);
	if (pi->entry->ns)
		return proc_ns_name(pi, buf, size);
	if (pi->entry->link_disk)
		return scnprintf(buf, size, "%s%s", pi->entry->link_disk, pi->disk->name);
	return pi->entry->readlink(pi->process, buf, size);
}

static int place_of(const struct proc_inode *pi, struct path *out)
{
	if (pi->fd >= 0)
		return proc_fd_follow(pi->process, (uint32_t)pi->fd, out);
	return pi->entry->ns ? proc_ns_follow(pi, out) : pi->entry->follow(pi->process, out);
}

static int proc_follow(struct inode *inode, struct path *out)
{
	const struct proc_inode *pi = proc_i(inode);
	int err = place_of(pi, out);

	/* Asked with the place in hand: the process may run another program by then. */
	if (proc_may_inspect(pi->process))
		return err;
	if (!err)
		path_put(out);
	return -EACCES;
}

/* Attributes of procfs do not change. */
static int proc_setattr(struct inode *inode, const struct iattr *attr)
{
	return attr->valid & (ATTR_MODE | ATTR_UID | ATTR_GID) ? -EPERM : 0;
}

/* A process has its own descriptors, and its threads' names, whosever they are said to be. */
static bool proc_excused(const struct inode *inode, int mask)
{
	const struct proc_inode *pi = container_of(inode, struct proc_inode, vfs);

	if (pi->process != current()->process)
		return false;
	return pi->entry->fds == &proc_fd_link ||
	       (pi->entry->store_name && pi->tid && !(mask & MAY_EXEC));
}

static const struct inode_ops text_iops = {.excused = proc_excused, .setattr = proc_setattr};
static const struct inode_ops link_iops = {.readlink = proc_readlink, .setattr = proc_setattr};
static const struct inode_ops jump_iops = {
	.readlink = proc_readlink, .follow = proc_follow, .setattr = proc_setattr};

/* --- directories --- */

static const struct inode_ops dir_iops;
static const struct object_ops no_pages = {.name = "proc"};
static const struct file_ops dir_fops;

/* Whose it is: root's, if nobody may look into the process, but for what all may see. */
static void owner_set(struct inode *inode, struct process *p)
{
	uint64_t irq = spin_lock_irq(&proc_lock);
	const struct cred *c = p->leader ? p->leader->cred : NULL;
	bool own = c && (p->dumpable || inode->mode == (S_IFDIR | 0555));

	inode->uid = own ? c->euid : 0;
	inode->gid = own ? c->egid : 0;
	spin_unlock_irq(&proc_lock, irq);
}

static uint64_t ino_of(const struct proc_entry *e, struct process *p, int64_t fd)
{
	uint64_t pid = p ? (uint64_t)p->pid : 0;

	if (fd >= 0)
		return pid << 32 | BIT(31) | (S_ISREG(e->mode) ? BIT(30) : 0) | (uint64_t)fd;
	return pid << 32 | ((uintptr_t)e & 0x7fffffff);
}

static struct inode *proc_inode_new(struct super_block *sb, const struct proc_entry *e,
				    struct process *p, int64_t fd, mode_t mode)
{
	struct proc_inode *pi = kzalloc(sizeof(*pi));
	struct inode *inode;

	if (!pi)
		return err_ptr(-ENOMEM);
	inode = &pi->vfs;
	inode_init(inode, sb, ino_of(e, p, fd), mode);
	inode->nlink = S_ISDIR(mode) ? 2 : 1;
	inode->atime = inode->mtime = inode->ctime = inode_now();
	pi->entry = e;
	pi->fd = fd;
	if (p) {
		process_get(p);
		pi->process = p;
		owner_set(inode, p);
	}
	if (S_ISDIR(mode)) {
		inode->ops = &dir_iops;
		inode->fops = &dir_fops;
	} else if (S_ISLNK(mode)) {
		inode->ops = fd >= 0 || e->follow || e->ns ? &jump_iops : &link_iops;
	} else {
		inode->ops = &text_iops;
		inode->fops = &proc_text_fops;
		object_init(&inode->object, &no_pages, inode, 0);
	}
	return inode;
}

static const struct proc_entry process_dir = {
	.name = "PID", .mode = S_IFDIR | 0555, .children = proc_process_entries};

struct process *proc_dir_process(const struct file *f)
{
	const struct proc_inode *pi = proc_i(f->inode);

	if (f->inode->fops != &dir_fops || pi->entry != &process_dir || pi->tid)
		return NULL;
	process_get(pi->process);
	return pi->process;
}

static const struct proc_entry root_dir = {
	.name = "/", .mode = S_IFDIR | 0555, .children = proc_root_entries};

/* A decimal number without leading zeros; -1 if it is none. */
static int64_t number(const char *name, size_t len)
{
	int64_t n = 0;

	if (!len || len > 9 || (name[0] == '0' && len > 1))
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

/* What e is of the descriptor; a link's permission bits say how it was opened. 0: it is closed. */
static mode_t fd_mode(const struct proc_entry *e, struct process *p, uint32_t fd)
{
	struct file *f = proc_fd_file(p, fd);
	mode_t mode = e->mode;

	if (!f)
		return 0;
	if (S_ISLNK(mode))
		mode |= (f->kind & FILE_READ ? 0500 : 0) | (f->kind & FILE_WRITE ? 0300 : 0);
	file_put(f);
	return mode;
}

static int fd_lookup(struct inode *dir, struct dentry *d, struct inode **out)
{
	struct proc_inode *pi = proc_i(dir);
	int64_t fd = number(d->name, d->name_len);
	mode_t mode;

	if (!proc_may_inspect(pi->process))
		return -EACCES;
	mode = fd >= 0 ? fd_mode(pi->entry->fds, pi->process, (uint32_t)fd) : 0;
	if (!mode)
		return 0;
	*out = proc_inode_new(dir->sb, pi->entry->fds, pi->process, fd, mode);
	return is_err(*out) ? (int)ptr_err(*out) : 0;
}

static int pid_lookup(struct inode *dir, struct dentry *d, struct inode **out)
{
	int64_t pid = number(d->name, d->name_len);
	struct process *p = pid > 0 ? process_find((pid_t)pid) : NULL;

	if (!p)
		return 0;
	*out = proc_inode_new(dir->sb, &process_dir, p, -1, process_dir.mode);
	process_put(p);
	return is_err(*out) ? (int)ptr_err(*out) : 0;
}

static const struct proc_entry task_dir = {
	.name = "TID", .mode = S_IFDIR | 0555, .children = proc_task_entries};

/* The inode numbers of what belongs to a thread differ from its process's. */
static uint64_t task_ino(uint64_t ino, pid_t tid)
{
	return BIT(63) | (uint64_t)tid << 32 | (uint32_t)ino;
}

static void task_set(struct inode *inode, pid_t tid)
{
	proc_i(inode)->tid = tid;
	inode->ino = task_ino(inode->ino, tid);
}

static int task_lookup(struct inode *dir, struct dentry *d, struct inode **out)
{
	struct process *p = proc_i(dir)->process;
	int64_t tid = number(d->name, d->name_len);

	if (tid <= 0 || proc_task_next(p, (pid_t)tid) != tid)
		return 0;
	*out = proc_inode_new(dir->sb, &task_dir, p, -1, task_dir.mode);
	if (is_err(*out))
		return (int)ptr_err(*out);
	task_set(*out, (pid_t)tid);
	return 0;
}

/* The inode numbers of what belongs to a disk differ from disk to disk. */
static void disk_set(struct inode *inode, struct blockdev *disk)
{
	proc_i(inode)->disk = disk;
	inode->ino |= (uint64_t)disk->dev << 31;
}

static const struct proc_entry *disk_entry(const struct proc_entry *dir, const struct blockdev *d)
{
	if (dir->disks == PROC_DISKS_LINKS)
		return &proc_disk_link;
	if (d->partno)
		return &proc_partition_dir;
	return is_loop(d) ? &proc_loop_dir : &proc_disk_dir;
}

/* What a disk is called in the directory: its name, or its number. The length. */
static size_t disk_name(const struct proc_entry *dir, const struct blockdev *d, char *buf,
			size_t size)
{
	if (dir->disks == PROC_DISKS_LINKS)
		return (size_t)scnprintf(buf, size, "%u:%u", MAJOR(d->dev), MINOR(d->dev));
	return (size_t)scnprintf(buf, size, "%s", d->name);
}

static bool disk_listed(const struct proc_entry *dir, const struct blockdev *d)
{
	return !d->partno || dir->disks != PROC_DISKS_WHOLE;
}

static int disk_lookup(struct inode *dir, struct dentry *d, struct inode **out)
{
	const struct proc_entry *e = proc_i(dir)->entry;
	const struct proc_entry *what;
	struct blockdev *disk = NULL;
	char name[24];

	while ((disk = blockdev_next(disk))) {
		if (disk_name(e, disk, name, sizeof(name)) != d->name_len ||
		    memcmp(name, d->name, d->name_len) || !disk_listed(e, disk))
			continue;
		what = disk_entry(e, disk);
		*out = proc_inode_new(dir->sb, what, NULL, -1, what->mode);
		if (is_err(*out))
			return (int)ptr_err(*out);
		disk_set(*out, disk);
		return 0;
	}
	return 0;
}

/* The inode numbers of what belongs to a hart differ from hart to hart. */
static uint64_t hart_ino(uint64_t ino, uint32_t hart)
{
	return BIT(62) | (uint64_t)hart << 32 | (uint32_t)ino;
}

static void hart_set(struct inode *inode, uint32_t hart)
{
	proc_i(inode)->hart = hart + 1;
	inode->ino = hart_ino(inode->ino, hart);
}

/* "cpu" and the number. */
static int hart_lookup(struct inode *dir, struct dentry *d, struct inode **out)
{
	int64_t hart = d->name_len > 3 && !memcmp(d->name, "cpu", 3) ?
		       number(d->name + 3, d->name_len - 3) : -1;

	if (hart < 0 || hart >= nharts)
		return 0;
	*out = proc_inode_new(dir->sb, &proc_hart_dir, NULL, -1, proc_hart_dir.mode);
	if (is_err(*out))
		return (int)ptr_err(*out);
	hart_set(*out, (uint32_t)hart);
	return 0;
}

static bool named(const struct proc_entry *e, const struct dentry *d)
{
	return e->name[0] == d->name[0] && strlen(e->name) == d->name_len &&
	       !memcmp(e->name, d->name, d->name_len);
}

static int proc_lookup(struct inode *dir, struct dentry *d, struct inode **out)
{
	struct proc_inode *pi = proc_i(dir);

	*out = NULL;
	if (pi->entry->fds)
		return fd_lookup(dir, d, out);
	if (pi->entry->tasks)
		return task_lookup(dir, d, out);
	if (pi->entry->disks)
		return disk_lookup(dir, d, out);
	for (const struct proc_entry *e = pi->entry->children; e->mode; e++) {
		if (named(e, d) && (pi->tid || !e->of_thread)) {
			*out = proc_inode_new(dir->sb, e, pi->process, -1, e->mode);
			if (!is_err(*out) && pi->disk)
				disk_set(*out, pi->disk);
			if (!is_err(*out) && pi->hart)
				hart_set(*out, pi->hart - 1);
			if (!is_err(*out) && pi->tid)
				task_set(*out, pi->tid);
			return is_err(*out) ? (int)ptr_err(*out) : 0;
		}
	}
	if (pi->entry->harts)
		return hart_lookup(dir, d, out);
	return pi->entry == &root_dir ? pid_lookup(dir, d, out) : 0;
}

/* Emit a number as a name at the position base + n. false: full. */
static bool emit_number(struct dir_context *ctx, uint64_t base, uint64_t n, uint64_t ino,
			unsigned type)
{
	char name[24];
	int len = snprintf(name, sizeof(name), "%lu", (unsigned long)n);

	if (!ctx->emit(ctx, name, (size_t)len, ino, type, base + n + 1))
		return false;
	ctx->pos = base + n + 1;
	return true;
}

static void fds_emit(struct process *p, const struct proc_entry *e, struct dir_context *ctx)
{
	struct fdtable *t = proc_files(p);
	bool room = true;

	while (t && room) {
		struct file *f;
		uint32_t fd = fdtable_next(t, (uint32_t)(ctx->pos - 2), &f);

		if (!f)
			break;
		file_put(f);
		room = emit_number(ctx, 2, fd, ino_of(e, p, fd), DT_OF_MODE(e->mode));
	}
	fdtable_release(t);
}

static void pids_emit(struct dir_context *ctx)
{
	bool room = true;

	while (room) {
		struct process *p = process_next((pid_t)(ctx->pos - FIRST_PID));

		if (!p)
			return;
		room = emit_number(ctx, FIRST_PID, (uint64_t)p->pid, ino_of(&process_dir, p, -1),
				   DT_DIR);
		process_put(p);
	}
}

static void tasks_emit(struct process *p, struct dir_context *ctx)
{
	uint64_t ino = ino_of(&task_dir, p, -1);
	bool room = true;
	pid_t tid;

	while (room && (tid = proc_task_next(p, (pid_t)(ctx->pos - 2))))
		room = emit_number(ctx, 2, (uint64_t)tid, task_ino(ino, tid), DT_DIR);
}

/* The position counts all that ever were, so that none is passed over when another goes. */
static void disks_emit(const struct proc_entry *dir, struct dir_context *ctx)
{
	struct blockdev *d = NULL;

	for (uint64_t at = 2; (d = blockdev_next_any(d)); at++) {
		const struct proc_entry *what = disk_entry(dir, d);
		uint64_t ino = ino_of(what, NULL, -1) | (uint64_t)d->dev << 31;
		char name[24];

		if (ctx->pos > at)
			continue;
		if (disk_listed(dir, d) && !d->gone &&
		    !ctx->emit(ctx, name, disk_name(dir, d, name, sizeof(name)), ino,
			       DT_OF_MODE(what->mode), at + 1))
			return;
		ctx->pos = at + 1;
	}
}

static void harts_emit(struct dir_context *ctx)
{
	uint64_t ino = ino_of(&proc_hart_dir, NULL, -1);

	while (ctx->pos - FIRST_PID < nharts) {
		uint32_t hart = (uint32_t)(ctx->pos - FIRST_PID);
		char name[16];
		int len = snprintf(name, sizeof(name), "%s%u", proc_hart_dir.name, hart);

		if (!ctx->emit(ctx, name, (size_t)len, hart_ino(ino, hart), DT_DIR, ctx->pos + 1))
			return;
		ctx->pos++;
	}
}

/* Any other directory is guarded by its mode. */
static int proc_opendir(struct inode *inode, struct file *f)
{
	const struct proc_inode *pi = proc_i(inode);

	return pi->entry->fds == &proc_fd_info && !proc_may_inspect(pi->process) ? -EACCES : 0;
}

static int proc_readdir(struct file *f, struct dir_context *ctx)
{
	struct proc_inode *pi = proc_i(f->inode);
	const struct proc_entry *e;

	if (pi->entry->fds && !proc_may_inspect(pi->process))
		return -EACCES;
	if (!dir_emit_dots(f, ctx))
		return 0;
	if (pi->entry->fds) {
		fds_emit(pi->process, pi->entry->fds, ctx);
		return 0;
	}
	if (pi->entry->tasks) {
		tasks_emit(pi->process, ctx);
		return 0;
	}
	if (pi->entry->disks) {
		disks_emit(pi->entry, ctx);
		return 0;
	}
	for (e = pi->entry->children; e->mode; e++) {
		uint64_t at = (uint64_t)(e - pi->entry->children) + 2;

		if (ctx->pos > at || (e->of_thread && !pi->tid))
			continue;
		if (!ctx->emit(ctx, e->name, strlen(e->name), ino_of(e, pi->process, -1),
			       DT_OF_MODE(e->mode), at + 1))
			return 0;
		ctx->pos = at + 1;
	}
	ctx->pos = MAX(ctx->pos, (uint64_t)FIRST_PID);
	if (pi->entry == &root_dir)
		pids_emit(ctx);
	if (pi->entry->harts)
		harts_emit(ctx);
	return 0;
}

static const struct inode_ops dir_iops = {
	.lookup = proc_lookup, .excused = proc_excused, .setattr = proc_setattr};
static const struct file_ops dir_fops = {.open = proc_opendir, .readdir = proc_readdir};

/* --- the volume --- */

static void proc_free(struct inode *inode)
{
	struct proc_inode *pi = proc_i(inode);

	if (pi->process)
		process_put(pi->process);
	kfree(pi);
}

/* A name of a process holds while the process is the one that has the number. */
static bool proc_revalidate(struct dentry *d)
{
	struct proc_inode *pi;
	struct process *p;

	if (!d->inode)
		return false;
	pi = proc_i(d->inode);
	if (!pi->process)
		return true;
	/* Somebody else may have looked it up, who is allowed to. */
	if (pi->fd >= 0 && !proc_may_inspect(pi->process))
		return false;
	if (pi->fd >= 0 && fd_mode(pi->entry, pi->process, (uint32_t)pi->fd) != d->inode->mode)
		return false;
	if (pi->tid && proc_task_next(pi->process, pi->tid) != pi->tid)
		return false;
	p = process_find(pi->process->pid);
	if (p)
		process_put(p);
	owner_set(d->inode, pi->process);
	return p == pi->process;
}

static const struct super_ops proc_super_ops = {
	.free = proc_free,
	.revalidate = proc_revalidate,
};

static int tree_mount(struct super_block *sb, const struct proc_entry *dir, struct inode **root)
{
	sb->ops = &proc_super_ops;
	sb->forget_names = true;
	*root = proc_inode_new(sb, dir, NULL, -1, dir->mode);
	return is_err(*root) ? (int)ptr_err(*root) : 0;
}

static int proc_mount(struct super_block *sb, const char *options, struct inode **root)
{
	return tree_mount(sb, &root_dir, root);
}

static int sysfs_mount(struct super_block *sb, const char *options, struct inode **root)
{
	static const struct proc_entry sysfs_dir = {
		.name = "/", .mode = S_IFDIR | 0555, .sized = true,
		.children = sysfs_root_entries};

	return tree_mount(sb, &sysfs_dir, root);
}

/* There are none. */
static int option_check(const char *option)
{
	return -EINVAL;
}

void procfs_register(void)
{
	static struct fstype proc = {
		.name = "proc", .single = true, .mount = proc_mount, .check_option = option_check,
		.magic = PROC_SUPER_MAGIC};
	static struct fstype sysfs = {
		.name = "sysfs", .single = true, .mount = sysfs_mount,
		.check_option = option_check, .magic = SYSFS_MAGIC};

	fstype_register(&proc);
	fstype_register(&sysfs);
}
