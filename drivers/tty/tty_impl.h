/*
 * Shared by the files of drivers/tty.
 */
#pragma once

#include "drivers/tty/tty.h"

#define O_NONBLOCK_FLAG 0x800U
#define O_NOCTTY_FLAG	0x100U
#define O_ACCMODE_FLAG	3U

/* One open of a terminal. */
struct tty_file {
	struct tty *tty;
	uint32_t hangups; /* of the terminal when it was opened */
	bool console;	  /* through /dev/console: hang-ups do not end it */
	bool master;	  /* the other end of a pseudo-terminal, nor that */
};

static inline bool tty_file_hung(const struct tty_file *f)
{
	return !f->console && !f->master && f->hangups != f->tty->hangups;
}

extern const struct chardev_ops tty_chardev_ops;
extern struct tty *tty_console;

long tty_ioctl(struct chardev_file *f, uint32_t cmd, uint64_t arg);
/* Bytes from the line into the discipline, as far as it has room, and echo out. May sleep. */
void tty_receive(struct tty *t);

/* Carry out what the discipline asked for; lock held; returns signals for tty_signal. */
uint32_t tty_settle_locked(struct tty *t);
/* Input was forgotten: who reads a pseudo-terminal in packet mode is told. Lock held. */
void tty_flushed_input(struct tty *t);
/* Send signals (1 << number) to the foreground group; no lock held. */
void tty_signal(struct tty *t, uint32_t signals);
/* Sleep until all output is sent: 0 or -ERESTARTSYS, -EIO after a hang-up. */
int tty_drain(struct tty_file *f);

/* --- job.c --- */
/*
 * May the running process, if it is in the background, go on? 0; -EIO; or -ERESTARTSYS after
 * sig (SIGTTIN, SIGTTOU) went to its group.
 */
int tty_check_background(struct tty *t, int sig);
/* open(2) without O_NOCTTY by a session leader that has no terminal. */
void tty_open_controlling(struct tty *t);
/*
 * The job-control ioctls; -ENOIOCTL_TTY when cmd is none of them. The master of a pseudo-terminal
 * may ask for the groups of a session that is not its own.
 */
#define ENOIOCTL_TTY 515
long tty_job_ioctl(struct tty_file *f, uint32_t cmd, uint64_t arg);
/* The terminal of the running process, referenced, or NULL. */
struct tty *tty_current(void);
