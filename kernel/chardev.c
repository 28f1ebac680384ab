/*
 * The character devices that drivers registered.
 */
#include "kernel/chardev.h"

#include "kernel/spinlock.h"

static struct spinlock lock = SPINLOCK_INIT("character devices", RANK_FILES);
static LIST_HEAD(devices); /* (lock) never taken off again */

static struct chardev *find_locked(dev_t dev)
{
	struct chardev *c;

	list_for_each_entry(c, &devices, link) {
		if (c->dev == dev)
			return c;
	}
	return NULL;
}

int chardev_register(struct chardev *c)
{
	int err = 0;

	spin_lock(&lock);
	if (find_locked(c->dev))
		err = -EEXIST;
	else
		list_add_tail(&c->link, &devices);
	spin_unlock(&lock);
	return err;
}

struct chardev *chardev_find(dev_t dev)
{
	struct chardev *c;

	spin_lock(&lock);
	c = find_locked(dev);
	spin_unlock(&lock);
	return c;
}

struct chardev *chardev_next(struct chardev *prev)
{
	struct list_head *at;

	spin_lock(&lock);
	at = prev ? prev->link.next : devices.next;
	spin_unlock(&lock);
	return at == &devices ? NULL : list_entry(at, struct chardev, link);
}

int64_t chardev_seek_start(struct chardev_file *f, int64_t offset, int whence)
{
	(void)f;
	(void)offset;
	(void)whence;
	return 0;
}
