/*
 * The 16550 family, as the datasheets of its makers have it, and Synopsys' version of it, the
 * DesignWare APB UART, which adds a busy state.
 */
#include "drivers/uart/uart.h"

#include "drivers/mmio.h"
#include "kernel/mem/slab.h"
#include "lib/string.h"

#define REG_DATA 0 /* receive, transmit; divisor low with LCR_DLAB */
#define REG_IER	 1 /* divisor high with LCR_DLAB */
#define REG_IIR	 2 /* read */
#define REG_FCR	 2 /* write */
#define REG_LCR	 3
#define REG_MCR	 4
#define REG_LSR	 5
#define REG_USR	 31 /* DesignWare */

#define IER_RX	 0x01
#define IER_TX	 0x02
#define IER_LINE 0x04

#define IIR_NONE    0x01
#define IIR_ID	    0x0f
#define IIR_TX	    0x02 /* reading it ends it */
#define IIR_BUSY    0x07 /* DesignWare: LCR was written while a character was on its way */
#define IIR_TIMEOUT 0x0c
#define IIR_FIFO    0xc0

#define FCR_ENABLE  0x01
#define FCR_TRIGGER 0x80 /* half of 16 */

#define LCR_DLAB   0x80
#define LCR_BREAK  0x40
#define LCR_EVEN   0x10
#define LCR_PARITY 0x08
#define LCR_STOP2  0x04

#define MCR_DTR	 0x01
#define MCR_RTS	 0x02
#define MCR_OUT2 0x08 /* lets the interrupt out, on machines that descend from the PC */

#define LSR_DATA   0x01
#define LSR_PARITY 0x04
#define LSR_FRAME  0x08
#define LSR_BREAK  0x10
#define LSR_ANY	   (LSR_DATA | LSR_BREAK)
#define LSR_THRE   0x20
#define LSR_TEMT   0x40

struct ns16550 {
	struct uart uart;
	uint32_t shift, width; /* distance of registers (log2) and of one access, bytes */
	uint32_t fifo;	       /* depth of the transmit FIFO; 1: none */
	bool designware;
	uint8_t ier;
};

static uint32_t reg_read(const struct ns16550 *n, uint32_t reg)
{
	const volatile uint8_t *p = n->uart.regs + (reg << n->shift);

	switch (n->width) {
	case 4:
		return mmio_read32(p) & 0xff;
	case 2:
		return mmio_read16(p) & 0xff;
	default:
		return mmio_read8(p);
	}
}

static void reg_write(const struct ns16550 *n, uint32_t reg, uint32_t value)
{
	volatile uint8_t *p = n->uart.regs + (reg << n->shift);

	switch (n->width) {
	case 4:
		mmio_write32(p, value);
		break;
	case 2:
		mmio_write16(p, (uint16_t)value);
		break;
	default:
		mmio_write8(p, (uint8_t)value);
	}
}

/*
 * What the line has for us. DesignWare can have a time-out pending without data, which only a read
 * ends; but the character that a time-out is for may have come since the status was read.
 */
static uint32_t rx_status(const struct ns16550 *n)
{
	uint32_t lsr = reg_read(n, REG_LSR);

	if (lsr & LSR_ANY || !n->designware || (reg_read(n, REG_IIR) & IIR_ID) != IIR_TIMEOUT)
		return lsr;
	lsr = reg_read(n, REG_LSR);
	if (!(lsr & LSR_ANY))
		reg_read(n, REG_DATA);
	return lsr;
}

static bool ns16550_rx(struct uart *u, tty_char_t *c)
{
	struct ns16550 *n = u->chip;
	uint32_t lsr = rx_status(n);
	enum ldisc_flag flag = LDISC_NORMAL;

	if (!(lsr & LSR_ANY))
		return false;
	if (lsr & LSR_BREAK)
		flag = LDISC_BREAK;
	else if (lsr & LSR_PARITY)
		flag = LDISC_PARITY;
	else if (lsr & LSR_FRAME)
		flag = LDISC_FRAME;
	*c = TTY_CHAR(reg_read(n, REG_DATA), flag);
	return true;
}

static uint32_t ns16550_tx_room(struct uart *u)
{
	struct ns16550 *n = u->chip;

	/* The bit says that the whole FIFO is empty. */
	return reg_read(n, REG_LSR) & LSR_THRE ? n->fifo : 0;
}

static void ns16550_tx(struct uart *u, uint8_t c)
{
	reg_write(u->chip, REG_DATA, c);
}

static bool ns16550_tx_idle(struct uart *u)
{
	return reg_read(u->chip, REG_LSR) & LSR_TEMT;
}

static void ns16550_interrupts(struct uart *u, bool rx, bool tx)
{
	struct ns16550 *n = u->chip;
	uint8_t ier = (uint8_t)((rx ? IER_RX | IER_LINE : 0) | (tx ? IER_TX : 0));
	uint32_t id = n->designware ? reg_read(n, REG_IIR) & IIR_ID : IIR_NONE;

	/* Reading it tells DesignWare that its busy interrupt was seen. */
	if (id == IIR_BUSY)
		reg_read(n, REG_USR);
	/* It ends the transmitter's interrupt, too: off, and who wants it has it again. */
	if (id == IIR_TX) {
		n->ier &= (uint8_t)~IER_TX;
		reg_write(n, REG_IER, n->ier);
	}
	if (ier != n->ier)
		reg_write(n, REG_IER, ier);
	n->ier = ier;
}

/* DesignWare ignores this register while it is busy: try until it sticks, within bounds. */
static void write_lcr(struct ns16550 *n, uint32_t value)
{
	for (int i = 0; i < 1000; i++) {
		reg_write(n, REG_LCR, value);
		if (reg_read(n, REG_LCR) == value)
			return;
		reg_read(n, REG_DATA);
		reg_read(n, REG_USR);
	}
}

static uint32_t read_divisor(struct ns16550 *n)
{
	uint32_t lcr = reg_read(n, REG_LCR);

	write_lcr(n, lcr | LCR_DLAB);
	uint32_t divisor = reg_read(n, REG_DATA) | reg_read(n, REG_IER) << 8;

	write_lcr(n, lcr & ~(uint32_t)LCR_DLAB);
	return divisor;
}

static void ns16550_set_line(struct uart *u, struct termios2 *t)
{
	struct ns16550 *n = u->chip;
	uint64_t speed = t->c_ospeed, divisor = (u->clock + 8 * speed) / (16 * speed);
	uint32_t lcr = (t->c_cflag & CSIZE) >> 4;

	divisor = MIN(MAX(divisor, UINT64_C(1)), UINT64_C(0xffff));
	if (t->c_cflag & CSTOPB)
		lcr |= LCR_STOP2;
	if (t->c_cflag & PARENB)
		lcr |= LCR_PARITY | (t->c_cflag & PARODD ? 0 : LCR_EVEN);
	for (int i = 0; i < 1000000 && !ns16550_tx_idle(u); i++)
		cpu_relax();
	write_lcr(n, lcr | LCR_DLAB);
	reg_write(n, REG_DATA, (uint32_t)divisor & 0xff);
	reg_write(n, REG_IER, (uint32_t)divisor >> 8);
	write_lcr(n, lcr);
}

static void ns16550_set_break(struct uart *u, bool on)
{
	struct ns16550 *n = u->chip;
	uint32_t lcr = reg_read(n, REG_LCR) & ~(uint32_t)LCR_BREAK;

	write_lcr(n, on ? lcr | LCR_BREAK : lcr);
}

static const struct uart_ops ns16550_ops = {
	.rx = ns16550_rx,
	.tx_room = ns16550_tx_room,
	.tx = ns16550_tx,
	.tx_idle = ns16550_tx_idle,
	.interrupts = ns16550_interrupts,
	.set_line = ns16550_set_line,
	.set_break = ns16550_set_break,
};

/* Interrupts off, FIFO on; speed and format stay as the firmware left them. */
static uint32_t ns16550_start(struct ns16550 *n, struct fdt_device *d)
{
	uint32_t speed = uart_speed_hint(d);

	reg_write(n, REG_IER, 0);
	reg_write(n, REG_FCR, FCR_ENABLE | FCR_TRIGGER);
	n->fifo = 1;
	if ((reg_read(n, REG_IIR) & IIR_FIFO) == IIR_FIFO)
		n->fifo = device_u32(d, "fifo-size", 16);
	if (!n->fifo || n->fifo > 256)
		n->fifo = 16;
	uint32_t divisor = read_divisor(n);

	reg_write(n, REG_MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
	if (!speed && divisor && n->uart.clock)
		speed = n->uart.clock / 16 / divisor;
	return speed;
}

static int ns16550_probe(struct fdt_device *d)
{
	struct ns16550 *n = kzalloc(sizeof(*n));
	uint64_t len;

	if (!n)
		return -ENOMEM;
	uint32_t offset = device_u32(d, "reg-offset", 0);

	n->shift = device_u32(d, "reg-shift", 0);
	n->width = device_u32(d, "reg-io-width", 1);
	n->designware = strcmp(d->compatible, "snps,dw-apb-uart") == 0;
	if (n->shift > 4 || (n->width != 1 && n->width != 2 && n->width != 4) ||
	    offset % n->width || n->width > 1u << n->shift)
		goto invalid;
	uint32_t last = n->designware ? REG_USR : REG_LSR;

	n->uart.regs = device_map(d, 0, offset + ((last + 1ul) << n->shift), &len, NULL);
	if (!n->uart.regs)
		goto invalid;
	n->uart.regs += offset;
	n->uart.ops = &ns16550_ops;
	n->uart.chip = n;
	n->uart.clock = uart_clock(d);
	n->uart.irq = device_irq(d, 0);
	/* What follows may have users at once: n is not freed any more. */
	return uart_register(&n->uart, d, ns16550_start(n, d));
invalid:
	kfree(n);
	return -EINVAL;
}

static const char *const ns16550_compatible[] = {
	"ns16550a", "ns16550", "ns16750", "snps,dw-apb-uart", NULL,
};

DRIVER(ns16550) = {
	.name = "ns16550",
	.compatible = ns16550_compatible,
	.phase = DRIVER_CONSOLE,
	.probe = ns16550_probe,
};
