/*
 * What programs that care for devices hear of them: messages of NETLINK_KOBJECT_UEVENT (udev(7)).
 */
#pragma once

#include "kernel/types.h"

struct blockdev;

/* Something else is behind the disk d, which is no hardware; why: one line more, or "". Sleeps. */
void uevent_disk_changed(const struct blockdev *d, const char *why);
