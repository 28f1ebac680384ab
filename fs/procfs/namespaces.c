/*
 * procfs: /proc/PID/ns, links to the namespaces of a process or a thread.
 */
#include "fs/nsfs.h"
#include "fs/procfs/procfs.h"
#include "kernel/namespace.h"
#include "lib/printf.h"

static struct ns *find(const struct proc_inode *pi)
{
	const struct proc_entry *e = pi->entry;
	enum ns_kind kind = (enum ns_kind)(e->ns - ns_types);

	return ns_of(pi->process, pi->tid, kind, e->for_children);
}

ssize64_t proc_ns_name(const struct proc_inode *pi, char *buf, size_t size)
{
	struct ns *ns = find(pi);
	ssize64_t n;

	if (!ns)
		return -ENOENT;
	n = scnprintf(buf, size, "%s:[%lu]", pi->entry->ns->name, (unsigned long)ns->number);
	ns_put(ns);
	return n;
}

int proc_ns_follow(const struct proc_inode *pi, struct path *out)
{
	struct ns *ns = find(pi);

	return ns ? nsfs_path(ns, out) : -ENOENT;
}

#define LINK(link, kind) .name = link, .mode = S_IFLNK | 0777, .ns = &ns_types[kind]

const struct proc_entry proc_ns_entries[] = {
	{LINK("cgroup", NS_CGROUP)},
	{LINK("ipc", NS_IPC)},
	{LINK("mnt", NS_MNT)},
	{LINK("net", NS_NET)},
	{LINK("pid", NS_PID)},
	{LINK("pid_for_children", NS_PID), .for_children = true},
	{LINK("time", NS_TIME)},
	{LINK("time_for_children", NS_TIME), .for_children = true},
	{LINK("user", NS_USER)},
	{LINK("uts", NS_UTS)},
	{.mode = 0},
};
