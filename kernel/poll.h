/*
 * Readiness, for poll(2), select(2) and epoll(7): a file's poll operation says what is ready now
 * and, through poll_add, which wait queues tell of a change. pt is NULL when the caller only wants
 * to know.
 */
#pragma once

#include "kernel/wait.h"

#define POLLIN 0x001
#define POLLPRI 0x002
#define POLLOUT 0x004
#define POLLERR 0x008
#define POLLHUP 0x010
#define POLLNVAL 0x020
#define POLLRDNORM 0x040
#define POLLRDBAND 0x080
#define POLLWRNORM 0x100
#define POLLWRBAND 0x200
#define POLLMSG 0x400
#define POLLRDHUP 0x2000

/* Whoever asks: embedded in what it keeps about the files it waits for. */
struct poll_table {
	/* Queue a waiter of its own on wq, which lives as long as the file that is being asked. */
	void (*add)(struct poll_table *pt, struct waitqueue *wq);
	uint32_t events; /* that matter to it: POLLERR and POLLHUP always do */
};

/* wq is woken whenever one of these events may have come about. */
static inline void poll_add(struct poll_table *pt, struct waitqueue *wq, uint32_t events)
{
	if (pt && (pt->events & events))
		pt->add(pt, wq);
}
