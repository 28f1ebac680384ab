/*
 * Kernel messages: a ring that dmesg and /dev/kmsg read, and the console.
 * Any context, interrupts and spin locks included. A message ends with a newline.
 */
#pragma once

#include <stdarg.h>
#include "kernel/types.h"

enum loglevel {
	LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG
};

void printk(enum loglevel level, const char *fmt, ...) __printf(2, 3);
void vprintk(enum loglevel level, const char *fmt, va_list ap);

#define pr_err(...)  printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...) printk(LOG_WARNING, __VA_ARGS__)
#define pr_info(...) printk(LOG_INFO, __VA_ARGS__)
#if DEBUG
#define pr_debug(...) printk(LOG_DEBUG, __VA_ARGS__)
#else
#define pr_debug(...)                                                                              \
	do {                                                                                       \
		if (0)                                                                             \
			printk(LOG_DEBUG, __VA_ARGS__);                                            \
	} while (0)
#endif

/*
 * Where messages go besides the ring: set by the UART driver once it runs; the SBI console until
 * then. write must not sleep, may be called with interrupts off, and in a panic without locks.
 */
struct console {
	const char *name;
	void (*write)(struct console *c, const char *s, size_t n);
	void *data;
};
void console_register(struct console *c);
/* Messages of a level below this reach the console (syslog(2), `loglevel=`, `quiet`). */
extern int console_loglevel;
/* Not 0: no message is read without CAP_SYSLOG. (dmesg_restrict) */
extern uint64_t dmesg_restrict;

/*
 * Ring access for syslog(2) and /dev/kmsg. Copies the record with sequence number *seq or the
 * oldest one after it to buf as "<level>[secs.usecs] text\n"; sets *seq to the one behind it.
 * Returns its length, or 0 when there is none yet.
 */
size_t printk_read(uint64_t *seq, char *buf, size_t size);
uint64_t printk_next_seq(void); /* the number that the next record will have */
extern _Atomic uint64_t printk_clear_seq; /* the next one at the last SYSLOG_ACTION_CLEAR */
struct waitqueue;
extern struct waitqueue printk_wait;
