/*
 * F_NOTIFY of fcntl(2): the owner of an open directory is signalled when something happens to it or
 * to what is in it. Its watch is one of fs/notify.h that belongs to the open file.
 */
#include "fs/locks.h"
#include "fs/notify.h"
#include "fs/owner.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"

uint64_t dir_notify_enable = 1;

/* What inotify(7) calls the events of fcntl(2). */
static uint32_t mask_of(uint32_t dn)
{
	static const struct {
		uint32_t dn, in;
	} same[] = {
		{DN_ACCESS, IN_ACCESS},
		{DN_MODIFY, IN_MODIFY},
		{DN_CREATE, IN_CREATE | IN_MOVED_TO},
		{DN_DELETE, IN_DELETE | IN_MOVED_FROM},
		{DN_RENAME, IN_MOVED_FROM},
		{DN_ATTRIB, IN_ATTRIB},
	};
	uint32_t mask = 0;

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		if (dn & same[i].dn)
			mask |= same[i].in;
	return mask;
}

void dnotify_event_locked(struct notify_watch *w, struct list_head *dead)
{
	owner_signal(w->owner, w->number);
	if (w->mask & IN_ONESHOT)
		notify_drop_locked(w, dead);
}

void dnotify_release(struct file *f, const void *process)
{
	struct notify_watch *w;
	LIST_HEAD(dead);

	spin_lock(&notify_lock);
	w = notify_find_locked(f, &f->inode->watches);
	if (w && (!process || w->process == process))
		notify_drop_locked(w, &dead);
	spin_unlock(&notify_lock);
	notify_free(&dead);
}

/* What is asked for comes on top of what was: once only if both are. */
static void enter(struct file *f, int fd, uint32_t mask, struct notify_watch **fresh)
{
	struct notify_watch *w;

	spin_lock(&notify_lock);
	w = notify_find_locked(f, &f->inode->watches);
	if (w) {
		w->mask = ((w->mask | mask) & ~IN_ONESHOT) | (w->mask & mask & IN_ONESHOT);
		w->number = fd;
		w->process = current()->process;
	} else {
		w = *fresh;
		*fresh = NULL;
		*w = (struct notify_watch){.on = &f->inode->watches,
					   .inode = inode_get(f->inode), .owner = f,
					   .directory = true, .process = current()->process,
					   .mask = mask, .number = fd};
		list_init(&w->link);
		notify_add_locked(w);
	}
	spin_unlock(&notify_lock);
}

long dnotify_set(struct file *f, int fd, uint32_t dn)
{
	uint32_t mask = mask_of(dn) | (dn & DN_MULTISHOT ? 0 : IN_ONESHOT);
	struct notify_watch *fresh;
	int err;

	if (!dir_notify_enable)
		return -EINVAL;
	if (!(dn & ~DN_MULTISHOT)) {
		dnotify_release(f, current()->process);
		return 0;
	}
	if (!S_ISDIR(f->inode->mode))
		return -ENOTDIR;
	fresh = kmalloc(sizeof(*fresh));
	err = fresh ? owner_default(f) : -ENOMEM;
	if (!err) {
		atomic_store(&f->flocked, true);
		enter(f, fd, mask, &fresh);
	}
	kfree(fresh);
	return err;
}
