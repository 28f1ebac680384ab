/*
 * SiFive's UART (FU540-C000 manual, chapter 13). Eight characters deep each way.
 */
#include "drivers/uart/uart.h"

#include "drivers/mmio.h"
#include "kernel/mem/slab.h"

#define REG_TXDATA 0x00 /* bit 31: full */
#define REG_RXDATA 0x04 /* bit 31: empty; reading takes the character */
#define REG_TXCTRL 0x08 /* bit 0: on, bit 1: two stop bits, from bit 16: watermark */
#define REG_RXCTRL 0x0c
#define REG_IE	   0x10 /* bit 0: transmit below the watermark, bit 1: receive above it */
#define REG_IP	   0x14
#define REG_DIV	   0x18 /* clock / (divisor + 1) */

#define DATA_BLOCKED 0x80000000U
#define CTRL_ON	     1U
#define CTRL_STOP2   2U
#define CTRL_MARK_1  (1U << 16)
#define IE_TX	     1U
#define IE_RX	     2U

static bool sifive_rx(struct uart *u, tty_char_t *c)
{
	uint32_t v = mmio_read32(u->regs + REG_RXDATA);

	if (v & DATA_BLOCKED)
		return false;
	*c = TTY_CHAR(v & 0xff, LDISC_NORMAL);
	return true;
}

static uint32_t sifive_tx_room(struct uart *u)
{
	return mmio_read32(u->regs + REG_TXDATA) & DATA_BLOCKED ? 0 : 1;
}

static void sifive_tx(struct uart *u, uint8_t c)
{
	mmio_write32(u->regs + REG_TXDATA, c);
}

static bool sifive_tx_idle(struct uart *u)
{
	/* Below a watermark of one: the FIFO is empty. */
	return mmio_read32(u->regs + REG_IP) & IE_TX;
}

static void sifive_interrupts(struct uart *u, bool rx, bool tx)
{
	mmio_write32(u->regs + REG_IE, (rx ? IE_RX : 0) | (tx ? IE_TX : 0));
}

static void sifive_set_line(struct uart *u, struct termios2 *t)
{
	/* Eight bits and no parity is all there is. */
	t->c_cflag = (t->c_cflag & ~(uint32_t)(CSIZE | PARENB | PARODD)) | CS8;
	mmio_write32(u->regs + REG_DIV, MAX(u->clock / t->c_ospeed, 1u) - 1);
	mmio_write32(u->regs + REG_TXCTRL,
		     CTRL_ON | CTRL_MARK_1 | (t->c_cflag & CSTOPB ? CTRL_STOP2 : 0));
}

static const struct uart_ops sifive_ops = {
	.rx = sifive_rx,
	.tx_room = sifive_tx_room,
	.tx = sifive_tx,
	.tx_idle = sifive_tx_idle,
	.interrupts = sifive_interrupts,
	.set_line = sifive_set_line,
};

static int sifive_uart_probe(struct fdt_device *d)
{
	struct uart *u = kzalloc(sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->regs = device_map(d, 0, REG_DIV + 4, NULL, NULL);
	if (!u->regs) {
		kfree(u);
		return -EINVAL;
	}
	u->ops = &sifive_ops;
	u->chip = u;
	u->clock = uart_clock(d);
	u->irq = device_irq(d, 0);
	mmio_write32(u->regs + REG_IE, 0);
	mmio_write32(u->regs + REG_TXCTRL, CTRL_ON | CTRL_MARK_1);
	mmio_write32(u->regs + REG_RXCTRL, CTRL_ON); /* watermark 0: one character interrupts */
	return uart_register(u, d, uart_speed_hint(d));
}

static const char *const sifive_uart_compatible[] = {"sifive,uart0", NULL};

DRIVER(sifive_uart) = {
	.name = "sifive-uart",
	.compatible = sifive_uart_compatible,
	.phase = DRIVER_CONSOLE,
	.probe = sifive_uart_probe,
};
