/*
 * Terminals: a line discipline (ldisc.h), a line (a driver: serial, or the master of a
 * pseudo-terminal), and the session whose controlling terminal it is.
 *
 * Lock letters: L lock (sleeping), P proc_lock, - written once.
 */
#pragma once

#include "drivers/tty/ldisc.h"
#include "kernel/async.h"
#include "kernel/chardev.h"
#include "kernel/mutex.h"

struct process;
struct tty;

/* A byte as a line delivers it: the value, and enum ldisc_flag above. */
typedef uint16_t tty_char_t;
#define TTY_CHAR(c, flag) ((tty_char_t)((c) | (flag) << 8))

/* What a line does. Called with tty->lock held; none may sleep for long. */
struct tty_ops {
	/* Take up to n received bytes out of the line's buffer. What stays there waits. */
	uint32_t (*read)(struct tty *t, tty_char_t *buf, uint32_t n);
	/* Queue bytes to be sent; n is at most what write_room said. */
	void (*write)(struct tty *t, const uint8_t *s, uint32_t n);
	uint32_t (*write_room)(struct tty *t);
	uint32_t (*pending)(struct tty *t);	 /* queued and not yet sent */
	void (*flush_output)(struct tty *t);	 /* forget what is queued */
	void (*hold)(struct tty *t, bool on);	 /* send nothing for now */
	void (*send_now)(struct tty *t, uint8_t c); /* ahead of everything, even on hold */
	/* New settings: change in *new what the line cannot do. May be NULL. */
	void (*set_termios)(struct tty *t, struct termios2 *new_termios);
	void (*send_break)(struct tty *t);	 /* a quarter of a second; may be NULL */
	void (*flushed_input)(struct tty *t);	 /* input was forgotten; may be NULL */
	/* May it be opened: 0 or -errno; and its last open file is closed. Both may be NULL. */
	int (*open)(struct tty *t);
	void (*close)(struct tty *t);
	/* The last reference is gone. NULL: it stays for ever. No lock held. */
	void (*free)(struct tty *t);
};

struct tty {
	const char *name;		/* - "ttyS0" */
	const struct tty_ops *ops;	/* - */
	void *driver;			/* - */
	struct mutex lock;		/* RANK_TTY */
	struct ldisc ldisc;		/* L */
	struct winsize winsize;		/* L */
	bool held;			/* L: by TCXONC */
	bool exclusive;			/* L: TIOCEXCL */
	bool reading, writing;		/* L: one reader, one writer at a time */
	bool gone;			/* L: nobody is at the other end any more */
	uint32_t opens;			/* L */
	_Atomic uint32_t blocked;       /* the discipline has no room: input waits in the line */
	_Atomic uint32_t work;		/* the tty thread is to look at it */
	_Atomic uint32_t hangups;	/* an open remembers how many there were */
	_Atomic uint32_t refs;		/* open files, a session, the other end */
	struct waitqueue read_wait, write_wait;
	struct async_list async;
	_Atomic uint32_t short_write;	/* somebody of async found too little room */
	pid_t pgrp, sid;		/* P: foreground group, session; 0: none */
	struct chardev chardev;		/* - */
	struct tty *next;		/* - list of all */
};

/* Make a terminal of a line, with one reference; t is zeroed. It has no name in /dev yet. */
void tty_init(struct tty *t, const char *name, dev_t dev, const struct tty_ops *ops,
	      void *driver);
struct tty *tty_get(struct tty *t);
void tty_put(struct tty *t); /* may free it */
/*
 * Make a terminal of a line and a device node for it. t is zeroed and stays for ever. May sleep.
 */
int tty_register(struct tty *t, const char *name, dev_t dev, const struct tty_ops *ops,
		 void *driver);
/* /dev/console is this terminal. */
void tty_set_console(struct tty *t);

/* The line has received something; any context. */
void tty_input_ready(struct tty *t);
/* The line can take output again, or has sent all; any context. */
void tty_output_ready(struct tty *t);

/* --- job control (job.c) --- */
/* A session leader exits: its terminal hangs up. From exit, no lock held. May sleep. */
void tty_session_exit(struct process *p);
/* The terminal goes away from its session: SIGHUP, and I/O by what is open ends. May sleep. */
void tty_hangup(struct tty *t);
/* Device number of p's controlling terminal, 0 for none, and its foreground group: /proc stat. */
dev_t tty_number(struct process *p, pid_t *pgrp);
