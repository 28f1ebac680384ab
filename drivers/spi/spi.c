/*
 * The list of SPI buses.
 */
#include "drivers/spi/spi.h"

static LIST_HEAD(buses);

void spi_bus_register(struct spi_bus *b)
{
	list_add_tail(&b->link, &buses);
}

struct spi_bus *spi_bus_find(int node)
{
	struct spi_bus *b;

	list_for_each_entry(b, &buses, link)
		if (b->node == node)
			return b;
	return NULL;
}
