#include "drivers/uart/uart.h"

#include "kernel/panic.h"
#include "kernel/random.h"
#include "kernel/riscv.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "kernel/trap.h"
#include "lib/printf.h"
#include "lib/string.h"

#define MAJOR_TTYS  4
#define MINOR_TTYS  64
#define UARTS_MAX   8
#define WAKE_AT	    (UART_TX / 2)		/* writers wait until so little is queued */
#define TX_SPINS    1000000			/* polls for a stuck transmitter: then drop */
#define BREAK_NS    (250 * NSEC_PER_MSEC)

static uint32_t uart_numbers; /* bit n: ttySn is taken; boot only */
static bool have_console;

static uint32_t rx_used(const struct uart *u)
{
	return u->rx_head - u->rx_tail;
}

static uint32_t tx_used(const struct uart *u)
{
	return u->tx_head - u->tx_tail;
}

static void update_interrupts_locked(struct uart *u)
{
	u->tx_on = u->urgent || (!u->held && tx_used(u));
	u->ops->interrupts(u, !u->rx_full, u->tx_on);
}

/* As much as the chip takes; then an interrupt tells when it takes more. */
static void transmit_locked(struct uart *u)
{
	uint32_t room;

	while ((u->urgent || (!u->held && tx_used(u))) && (room = u->ops->tx_room(u))) {
		if (u->urgent) {
			u->ops->tx(u, u->urgent);
			u->urgent = 0;
			room--;
		}
		while (room-- > 0 && !u->held && tx_used(u))
			u->ops->tx(u, u->tx[u->tx_tail++ % UART_TX]);
	}
}

static bool receive_locked(struct uart *u)
{
	bool any = false;
	tty_char_t c;

	while (rx_used(u) < UART_RX && u->ops->rx(u, &c)) {
		u->rx[u->rx_head++ % UART_RX] = c;
		any = true;
	}
	/* What does not fit stays in the chip, which holds the other side up if it can. */
	u->rx_full = rx_used(u) == UART_RX;
	return any;
}

void uart_interrupt(struct uart *u)
{
	uint64_t was = spin_lock_irq(&u->lock);
	bool sending = tx_used(u) != 0;
	bool received = receive_locked(u);

	transmit_locked(u);
	update_interrupts_locked(u);
	bool wake = sending && tx_used(u) <= WAKE_AT;
	spin_unlock_irq(&u->lock, was);
	if (received) {
		random_add_event((uint32_t)u->irq);
		tty_input_ready(&u->tty);
	}
	if (wake)
		tty_output_ready(&u->tty);
}

/* --- the terminal's side --- */

static uint32_t line_read(struct tty *t, tty_char_t *buf, uint32_t n)
{
	struct uart *u = t->driver;
	uint64_t was = spin_lock_irq(&u->lock);
	uint32_t got = 0;

	while (got < n && rx_used(u))
		buf[got++] = u->rx[u->rx_tail++ % UART_RX];
	if (u->rx_full && rx_used(u) <= UART_RX / 2) {
		u->rx_full = false;
		update_interrupts_locked(u);
	}
	spin_unlock_irq(&u->lock, was);
	return got;
}

static void line_write(struct tty *t, const uint8_t *s, uint32_t n)
{
	struct uart *u = t->driver;
	uint64_t was = spin_lock_irq(&u->lock);

	for (uint32_t i = 0; i < n && tx_used(u) < UART_TX; i++)
		u->tx[u->tx_head++ % UART_TX] = s[i];
	transmit_locked(u);
	update_interrupts_locked(u);
	spin_unlock_irq(&u->lock, was);
}

static uint32_t line_write_room(struct tty *t)
{
	return UART_TX - tx_used(t->driver);
}

static uint32_t line_pending(struct tty *t)
{
	return tx_used(t->driver);
}

static void line_flush_output(struct tty *t)
{
	struct uart *u = t->driver;
	uint64_t was = spin_lock_irq(&u->lock);

	u->tx_tail = u->tx_head;
	update_interrupts_locked(u);
	spin_unlock_irq(&u->lock, was);
	tty_output_ready(t);
}

static void line_hold(struct tty *t, bool on)
{
	struct uart *u = t->driver;

	if (u->held == on)
		return;
	uint64_t was = spin_lock_irq(&u->lock);

	u->held = on;
	transmit_locked(u);
	update_interrupts_locked(u);
	spin_unlock_irq(&u->lock, was);
}

static void line_send_now(struct tty *t, uint8_t c)
{
	struct uart *u = t->driver;
	uint64_t was = spin_lock_irq(&u->lock);

	u->urgent = c;
	transmit_locked(u);
	update_interrupts_locked(u);
	spin_unlock_irq(&u->lock, was);
}

/* Without a way to set it, the line stays as it is, and says so. */
static void line_set_termios(struct tty *t, struct termios2 *new_termios)
{
	struct uart *u = t->driver;
	const struct termios2 *old = &t->ldisc.termios;
	const uint32_t frame = CSIZE | CSTOPB | PARENB | PARODD;
	bool same = new_termios->c_ospeed == old->c_ospeed &&
		    !((new_termios->c_cflag ^ old->c_cflag) & frame);

	if (same)
		return;
	if (!u->ops->set_line || !u->clock || !new_termios->c_ospeed) {
		new_termios->c_cflag = (new_termios->c_cflag & ~frame) | (old->c_cflag & frame);
		new_termios->c_ispeed = new_termios->c_ospeed = old->c_ospeed;
		return;
	}
	uint64_t was = spin_lock_irq(&u->lock);

	u->ops->set_line(u, new_termios);
	spin_unlock_irq(&u->lock, was);
}

static void line_send_break(struct tty *t)
{
	struct uart *u = t->driver;

	if (!u->ops->set_break)
		return;
	for (int on = 1; on >= 0; on--) {
		uint64_t was = spin_lock_irq(&u->lock);

		u->ops->set_break(u, on);
		spin_unlock_irq(&u->lock, was);
		if (on)
			sleep_ns(BREAK_NS);
	}
}

static const struct tty_ops uart_tty_ops = {
	.read = line_read,
	.write = line_write,
	.write_room = line_write_room,
	.pending = line_pending,
	.flush_output = line_flush_output,
	.hold = line_hold,
	.send_now = line_send_now,
	.set_termios = line_set_termios,
	.send_break = line_send_break,
};

/* --- the kernel's console: polled, so that the last words of a dying kernel come out --- */

static void put_polled(struct uart *u, uint8_t c)
{
	for (uint32_t i = 0; i < TX_SPINS && !u->ops->tx_room(u); i++)
		cpu_relax();
	u->ops->tx(u, c);
}

static void uart_console_write(struct console *c, const char *s, size_t n)
{
	struct uart *u = c->data;
	uint64_t was = 0;
	/* A hart that was stopped in the middle of it may hold the lock for ever. */
	bool locked = !panicking;

	if (locked)
		was = spin_lock_irq(&u->lock);
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\n')
			put_polled(u, '\r');
		put_polled(u, (uint8_t)s[i]);
	}
	if (locked)
		spin_unlock_irq(&u->lock, was);
	else
		for (uint32_t i = 0; i < TX_SPINS && !u->ops->tx_idle(u); i++)
			cpu_relax();
}

/* --- registration --- */

uint32_t uart_speed_hint(struct fdt_device *d)
{
	const char *options;
	uint32_t speed = device_u32(d, "current-speed", 0);

	if (!speed && fdt_stdout(d->fdt, &options) == d->node)
		for (; *options >= '0' && *options <= '9' && speed < 100000000; options++)
			speed = speed * 10 + (uint32_t)(*options - '0');
	return speed;
}

uint32_t uart_clock(struct fdt_device *d)
{
	uint32_t hz = device_u32(d, "clock-frequency", 0), phandle;

	if (hz || !fdt_prop_cell(d->fdt, d->node, "clocks", 0, &phandle))
		return hz;
	int clock = fdt_find_phandle(d->fdt, phandle);

	return fdt_prop_u32(d->fdt, clock, "clock-frequency", &hz) ? hz : 0;
}

/* Its number among the tree's aliases (serial0 ...), or the first that no alias claims. */
static int uart_number(struct fdt_device *d)
{
	int unclaimed = -1;

	for (int n = 0; n < UARTS_MAX; n++) {
		char alias[12];

		snprintf(alias, sizeof(alias), "serial%d", n);
		int node = fdt_find_path(d->fdt, alias);

		if (uart_numbers & 1u << n)
			continue;
		if (node == d->node)
			return n;
		if (node == FDT_NONE && unclaimed < 0)
			unclaimed = n;
	}
	return unclaimed;
}

static void uart_irq_handler(void *arg)
{
	uart_interrupt(arg);
}

static void become_console(struct uart *u)
{
	have_console = true;
	u->console = (struct console){
		.name = u->name, .write = uart_console_write, .data = u};
	console_register(&u->console);
	tty_set_console(&u->tty);
}

int uart_register(struct uart *u, struct fdt_device *d, uint32_t speed)
{
	int number = uart_number(d), stdout_node = fdt_stdout(d->fdt, NULL);

	if (number < 0)
		return -ENOSPC;
	spin_init(&u->lock, "uart", RANK_NONE);
	snprintf(u->name, sizeof(u->name), "ttyS%d", number);
	int err = tty_register(&u->tty, u->name, MKDEV(MAJOR_TTYS, MINOR_TTYS + (uint32_t)number),
			       &uart_tty_ops, u);

	if (err)
		return err;
	uart_numbers |= 1u << number;
	if (speed)
		u->tty.ldisc.termios.c_ispeed = u->tty.ldisc.termios.c_ospeed = speed;
	if (stdout_node == d->node || (stdout_node == FDT_NONE && !have_console))
		become_console(u);
	if (u->irq >= 0)
		err = irq_register((uint32_t)u->irq, u->name, uart_irq_handler, u);
	if (u->irq < 0 || err)
		pr_warn("%s: %s: no interrupt (%d): output only\n", d->name, u->name,
			err ? err : u->irq);
	pr_info("%s: %s at %s, %u baud\n", u->name, d->compatible, d->name, speed);
	uint64_t was = spin_lock_irq(&u->lock);

	update_interrupts_locked(u);
	spin_unlock_irq(&u->lock, was);
	return 0;
}
