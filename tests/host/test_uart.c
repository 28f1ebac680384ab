/*
 * drivers/uart/ns16550.c over a model of Synopsys' UART, to which things happen between any two
 * accesses to its registers.
 */
#include "tests/host/shim/kernel.h"

#include "drivers/mmio.h"
#include "drivers/uart/uart.h"
#include "lib/string.h"

extern const struct driver driver_ns16550;

#define BASE 0x10000000U

enum { DATA, IER, IIR, LCR, LSR = 5 };

#define IER_RX	    0x01U
#define IER_TX	    0x02U
#define IIR_NONE    0x01U
#define IIR_TX	    0x02U
#define IIR_TIMEOUT 0x0cU
#define LSR_DATA    0x01U
#define LSR_EMPTY   0x60U
#define NEVER	    1000U

static struct uart *uart;
static uint32_t ier, lcr;
static uint8_t received;      /* 0: nothing */
static bool timeout, tx_done; /* what it interrupts for */
static unsigned reads, comes_before; /* so many reads happen before a character comes */

static void come(void)
{
	received = 'c';
	timeout = true;
}

static uint32_t iir_now(void)
{
	if (timeout && ier & IER_RX)
		return IIR_TIMEOUT;
	return tx_done && ier & IER_TX ? IIR_TX : IIR_NONE;
}

static uint32_t data_take(void)
{
	uint32_t c = received;

	received = 0;
	timeout = false;
	return c;
}

static uintptr_t register_of(const volatile void *reg)
{
	return ((uintptr_t)reg - BASE) / 4;
}

uint64_t host_mmio_read(const volatile void *reg, unsigned size)
{
	uint32_t id = iir_now();

	assert_int_equal(size, 4);
	if (reads++ == comes_before) {
		come();
		id = iir_now();
	}
	switch (register_of(reg)) {
	case DATA:
		return data_take();
	case IER:
		return ier;
	case IIR:
		tx_done = tx_done && id != IIR_TX;
		return id;
	case LCR:
		return lcr;
	case LSR:
		return LSR_EMPTY | (received ? LSR_DATA : 0);
	default:
		return 0;
	}
}

void host_mmio_write(volatile void *reg, unsigned size, uint64_t v)
{
	assert_int_equal(size, 4);
	if (register_of(reg) == LCR)
		lcr = (uint32_t)v;
	if (register_of(reg) != IER)
		return;
	/* Nothing is on its way: who asks to be told of that is told at once. */
	tx_done |= v & ~ier & IER_TX;
	ier = (uint32_t)v;
}

volatile void *device_map(const struct fdt_device *d, uint32_t index, uint64_t min, uint64_t *len,
			  paddr_t *pa)
{
	(void)d;
	(void)index;
	(void)pa;
	*len = min;
	return (volatile void *)BASE;
}

int device_irq(const struct fdt_device *d, uint32_t index)
{
	(void)d;
	return (int)index;
}

uint32_t device_u32(const struct fdt_device *d, const char *property, uint32_t fallback)
{
	(void)d;
	if (strcmp(property, "reg-shift") == 0)
		return 2;
	return strcmp(property, "reg-io-width") == 0 ? 4 : fallback;
}

uint32_t uart_speed_hint(struct fdt_device *d)
{
	(void)d;
	return 115200;
}

uint32_t uart_clock(struct fdt_device *d)
{
	(void)d;
	return 24000000;
}

int uart_register(struct uart *u, struct fdt_device *d, uint32_t speed)
{
	(void)d;
	(void)speed;
	uart = u;
	return 0;
}

/* A character that comes before any of the accesses is received, and once. */
static void test_no_character_is_lost(void **state)
{
	(void)state;
	for (comes_before = 0; comes_before < 6; comes_before++) {
		unsigned got = 0;
		tty_char_t c;

		reads = 0;
		/* As the handler is called: again while there is something to interrupt for. */
		while (reads <= comes_before || iir_now() != IIR_NONE)
			for (; uart->ops->rx(uart, &c); got++)
				assert_int_equal(c, TTY_CHAR('c', LDISC_NORMAL));
		assert_int_equal(got, 1);
	}
}

/* A time-out without data would interrupt for ever. */
static void test_empty_timeout_ends(void **state)
{
	tty_char_t c;

	(void)state;
	timeout = true;
	assert_false(uart->ops->rx(uart, &c));
	assert_int_equal(iir_now(), IIR_NONE);
}

/* The transmitter was busy when it was asked, and is done before its interrupt is. */
static void test_no_transmitter_is_forgotten(void **state)
{
	(void)state;
	uart->ops->interrupts(uart, true, true);
	tx_done = true;
	uart->ops->interrupts(uart, true, true);
	assert_int_equal(iir_now(), IIR_TX);
	uart->ops->interrupts(uart, true, false);
	assert_int_equal(iir_now(), IIR_NONE);
}

static int setup(void **state)
{
	(void)state;
	received = 0;
	timeout = tx_done = false;
	reads = 0;
	comes_before = NEVER;
	uart->ops->interrupts(uart, true, false);
	return 0;
}

static int start(void **state)
{
	static struct fdt_device d = {.compatible = "snps,dw-apb-uart"};

	(void)state;
	comes_before = NEVER;
	return driver_ns16550.probe(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_no_character_is_lost, setup),
		cmocka_unit_test_setup(test_empty_timeout_ends, setup),
		cmocka_unit_test_setup(test_no_transmitter_is_forgotten, setup),
	};

	return cmocka_run_group_tests_name("uart", tests, start, NULL);
}
