/*
 * What the rest of fs/ knows of descriptors for events, and what they share.
 */
#pragma once

#include "fs/vfs.h"

/* The last reference to f is gone: nobody watches it any more. May sleep. */
void epoll_file_released(struct file *f);

void epoll_init(void);
void inotify_init(void);
void userfaultfd_init(void);
/* Limits for one user id, but the second for an instance: inotify(7), /proc interfaces. */
extern uint64_t inotify_max_instances, inotify_max_events, inotify_max_watches;

/* The same of fanotify(7). */
void fanotify_limits(void);
extern uint64_t fanotify_max_groups, fanotify_max_events, fanotify_max_marks;

/* In fs/poll.c. A relative time-out in user memory to a deadline: 0 at once, UINT64_MAX never. */
int poll_deadline_get(uaddr_t user, uint64_t *deadline);
/* What is left of that time goes back to user memory, as Linux does. */
void poll_deadline_put(uaddr_t user, uint64_t deadline);
/*
 * The signal mask at user (0: none) holds while the call waits; then signal_mask_after_wait.
 * 0, -EINVAL or -EFAULT.
 */
int poll_mask_apply(uaddr_t user, uint64_t size);
/*
 * For kcmp(2): the file that the epoll instance f watches as descriptor fd, the nth of them from 0,
 * as they stand in its tree; not referenced, only to be compared. err_ptr: -EINVAL if f is no such
 * instance, -ENOENT. May sleep.
 */
struct file *epoll_target(struct file *f, int fd, uint32_t nth);
