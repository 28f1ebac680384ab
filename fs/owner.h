/*
 * Whom an open file tells of what happens to it, by a signal: F_SETOWN, F_SETSIG of fcntl(2).
 */
#pragma once

#include "fs/vfs.h"

/* The commands of fcntl(2) about owners. What was asked for, 0, -errno; -ENOTTY: none of them. */
long owner_fcntl(struct file *f, int cmd, uint64_t arg);
/* f has none any more. */
void owner_clear(struct file *f);
/* The running process owns f, unless somebody does. 0 or -ENOMEM. */
int owner_default(struct file *f);
/*
 * Send the owner, if whoever set it may signal it, SIGIO or what F_SETSIG says, which comes with
 * fd and POLL_MSG. Spin locks up to RANK_FILES may be held.
 */
void owner_signal(struct file *f, int fd);
/* Send the owner, if whoever set it may signal it, SIGURG. Spin locks up to RANK_SOCKET held. */
void owner_urge(struct file *f);
/*
 * O_ASYNC of f, which was called fd, becomes on: from then the list that ops->async names knows f.
 * 0, -ENOMEM, or -ENOTTY: its kind has none.
 */
int async_set(struct file *f, int fd, bool on);
