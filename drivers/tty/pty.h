/*
 * Pseudo-terminals (pty(7)): a terminal whose line is a program, which has the other end open, the
 * master. Names and numbers are devpts's (fs/tmpfs/devpts.c), which also opens the masters.
 */
#pragma once

#include "drivers/tty/tty.h"

#define PTY_MAJOR  136 /* of the terminals; the minor number is the one in /dev/pts */
#define PTMX_MAJOR 5
#define PTMX_MINOR 2

struct pty;

/*
 * A locked pair, whose terminal has this number; the master's reference. NULL: no memory.
 * pty_close gives it back and hangs the terminal up: no more opens. May sleep.
 */
struct pty *pty_create(uint32_t number);
void pty_close(struct pty *p);
struct tty *pty_terminal(struct pty *p);

/* The master's system calls; the results are those of struct chardev_ops. */
ssize64_t pty_read(struct pty *p, struct uio *u, bool nonblock);
ssize64_t pty_write(struct pty *p, struct uio *u, bool nonblock);
long pty_ioctl(struct pty *p, uint32_t cmd, uint64_t arg);
uint32_t pty_poll(struct pty *p, struct poll_table *pt);
struct async_list *pty_async(struct pty *p);
