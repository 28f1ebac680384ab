/*
 * procfs: what /proc/PID/fd and fdinfo show of a descriptor (proc_pid_fdinfo(5)).
 */
#include <stdatomic.h>

#include "fs/mount.h"
#include "fs/procfs/procfs.h"

static int show_fdinfo(struct proc_text *t, struct process *p)
{
	struct fdtable *files = proc_files(p);
	bool cloexec;
	struct file *f = files ? fdtable_file_cloexec(files, (uint32_t)t->fd, &cloexec) : NULL;

	fdtable_release(files);
	if (!f)
		return -ENOENT;
	proc_printf(t, "pos:\t%ld\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n", (long)f->pos,
		    atomic_load(&f->flags) | (cloexec ? O_CLOEXEC : 0), f->path.mnt->id,
		    (unsigned long)f->inode->ino);
	proc_show_file_locks(t, p, f);
	/* A mere place (O_PATH) has no operations. */
	if (f->ops && f->ops->show_info)
		f->ops->show_info(f, t);
	file_put(f);
	return 0;
}

const struct proc_entry proc_fd_link = {.name = "fd", .mode = S_IFLNK};
const struct proc_entry proc_fd_info = {
	.name = "fdinfo", .mode = S_IFREG | 0444, .show = show_fdinfo};
