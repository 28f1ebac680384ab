/*
 * What a volume is to be mounted with, put together step by step: fsopen(2), fsconfig(2).
 */
#pragma once

#include "fs/vfs.h"

/*
 * The volume that f, a descriptor of fsopen(2), has made, as a mount that stands nowhere; for
 * fsmount(2), once. Referenced, or err_ptr: -EINVAL: f is no such descriptor, or none was made;
 * -EBUSY: it was mounted already, or is one that fspick(2) found; -ENOMEM. May sleep.
 */
struct mount *fsconfig_mount(struct file *f);
