/*
 * procfs: the mounts of a process's or thread's namespace, as its root sees them.
 */
#include "fs/mountns.h"
#include "fs/procfs/procfs.h"
#include "kernel/mem/slab.h"

/* line: room for seven paths. mount_mutex held. */
static void lines_show(struct proc_text *t, const struct ns *ns, const struct path *root, bool info,
		       char *line)
{
	struct mount *m;

	list_for_each_entry(m, &mounts, link) {
		const struct mount_ns *in = mount_ns_of(m);

		if (in && &in->ns == ns)
			proc_append(t, line, mount_show(m, root, info, line, 3 * PATH_MAX,
							line + 3 * PATH_MAX));
	}
}

static int show_mounts(struct proc_text *t, struct process *p, bool info)
{
	struct ns *ns = ns_of(p, t->tid, NS_MNT, false);
	struct path root;
	char *line;

	if (!ns)
		return -EINVAL; /* it has ended */
	if (proc_place(p, t->tid, true, &root)) {
		ns_put(ns);
		return -EINVAL;
	}
	line = kmalloc_wait(7 * PATH_MAX);
	if (line) {
		mutex_lock(&mount_mutex);
		lines_show(t, ns, &root, info, line);
		mutex_unlock(&mount_mutex);
	}
	path_put(&root);
	ns_put(ns);
	kfree(line);
	return line ? 0 : -ENOMEM;
}

int proc_show_mounts(struct proc_text *t, struct process *p)
{
	return show_mounts(t, p, false);
}

int proc_show_mountinfo(struct proc_text *t, struct process *p)
{
	return show_mounts(t, p, true);
}
