/*
 * Messages about devices: a line that says what happened to which, and then what there is to know
 * of it, KEY=VALUE, each ended by a NUL.
 */
#include "fs/socket/uevent.h"

#include <stdatomic.h>

#include "drivers/block.h"
#include "fs/socket/netlink.h"
#include "kernel/chardev.h"
#include "lib/printf.h"

void uevent_disk_changed(const struct blockdev *d, const char *why)
{
	static _Atomic uint64_t number;
	char text[256];
	int n = snprintf(text, sizeof(text),
			 "change@/devices/virtual/block/%s\nACTION=change\n"
			 "DEVPATH=/devices/virtual/block/%s\nSUBSYSTEM=block\n%s%s"
			 "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\nDEVTYPE=disk\nSEQNUM=%lu\n",
			 d->name, d->name, why, *why ? "\n" : "", (unsigned)MAJOR(d->dev),
			 (unsigned)MINOR(d->dev), d->name, atomic_fetch_add(&number, 1) + 1);

	for (int i = 0; i < n; i++)
		if (text[i] == '\n')
			text[i] = '\0';
	netlink_tell(text, (size_t)n);
}
