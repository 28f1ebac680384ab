/*
 * SPI buses: a controller driver registers one, drivers of what is connected find it as the bus
 * that their node lies on. One thread at a time uses a bus.
 */
#pragma once

#include "kernel/types.h"
#include "lib/list.h"

struct spi_bus;

struct spi_ops {
	/*
	 * Send len bytes and receive as many, mode 0, eight bits, high bit first. tx NULL sends
	 * ones, rx NULL drops what comes. 0, or -ETIMEDOUT when the controller does not move.
	 */
	int (*transfer)(struct spi_bus *b, const uint8_t *tx, uint8_t *rx, size_t len);
	/* Hold chip select `cs` active, or let it go. */
	void (*select)(struct spi_bus *b, uint32_t cs, bool active);
	/* Clock of at most hz; what it came to. */
	uint32_t (*set_clock)(struct spi_bus *b, uint32_t hz);
};

struct spi_bus {
	const struct spi_ops *ops;
	int node; /* in the tree */
	void *driver;
	struct list_head link; /* of all; written while drivers probe, by one thread */
};

void spi_bus_register(struct spi_bus *b);
/* The bus of the node, or NULL. */
struct spi_bus *spi_bus_find(int node);
