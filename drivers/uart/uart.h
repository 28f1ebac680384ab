/*
 * What all UARTs share: rings between the interrupt handler and the terminal, the kernel console,
 * names. A chip driver brings the registers.
 *
 * Lock letters: U lock, - written once.
 */
#pragma once

#include "drivers/driver.h"
#include "drivers/tty/tty.h"
#include "kernel/printk.h"

#define UART_RX 1024 /* powers of two */
#define UART_TX 4096

struct uart;

/* All called with uart->lock held, interrupts off; in a panic without it. */
struct uart_ops {
	/* A received character with its enum ldisc_flag; false when there is none. */
	bool (*rx)(struct uart *u, tty_char_t *c);
	uint32_t (*tx_room)(struct uart *u); /* characters that tx takes right now */
	void (*tx)(struct uart *u, uint8_t c);
	bool (*tx_idle)(struct uart *u);     /* the last bit has left */
	/* Which interrupts to have. */
	void (*interrupts)(struct uart *u, bool rx, bool tx);
	void (*set_line)(struct uart *u, struct termios2 *t); /* may be NULL */
	void (*set_break)(struct uart *u, bool on);	      /* may be NULL */
};

struct uart {
	const struct uart_ops *ops; /* - */
	volatile uint8_t *regs;	    /* - */
	uint32_t clock;		    /* - Hz; 0: unknown, speeds cannot be set */
	int irq;		    /* - or negative: none */
	void *chip;		    /* - */

	struct spinlock lock;	    /* RANK_NONE: printk may come with any lock held */
	bool held;		    /* U: send nothing but urgent */
	bool rx_full;		    /* U: receive interrupt off until the ring has room */
	bool tx_on;		    /* U: transmit interrupt on */
	uint8_t urgent;		    /* U: to be sent first; 0: none */
	uint32_t rx_head, rx_tail;  /* U: free-running */
	uint32_t tx_head, tx_tail;  /* U */
	tty_char_t rx[UART_RX];	    /* U */
	uint8_t tx[UART_TX];	    /* U */

	char name[8];		    /* - ttyS0 */
	struct tty tty;
	struct console console;
};

/*
 * Register a UART whose chip is initialised, interrupts off: terminal ttySn, and the kernel's
 * console if the tree says so. u is zeroed but for ops, regs, clock, irq, chip. speed: bits a
 * second as found, 0 unknown. 0 or -errno. May sleep.
 */
int uart_register(struct uart *u, struct fdt_device *d, uint32_t speed);
/* The chip interrupted; interrupt context. */
void uart_interrupt(struct uart *u);
/* current-speed, or what follows the console's name in stdout-path, or 0. */
uint32_t uart_speed_hint(struct fdt_device *d);
/* clock-frequency, or that of the fixed clock the node refers to, or 0. */
uint32_t uart_clock(struct fdt_device *d);
