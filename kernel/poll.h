/*
 * poll(2): a file's poll operation says what is ready now and, through poll_add, which wait
 * queues tell of a change. pt is NULL when the caller only wants to know.
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
#define POLLWRNORM 0x100
#define POLLRDHUP 0x2000

struct poll_table;
void poll_add(struct poll_table *pt, struct waitqueue *wq);
