/*
 * Clock and reset lines by what the device tree says of them.
 */
#include "drivers/clk/clk.h"

#include "lib/string.h"

static LIST_HEAD(controllers);

void clk_controller_register(struct clk_controller *c)
{
	list_add_tail(&c->link, &controllers);
}

static struct clk_controller *controller_find(int node)
{
	struct clk_controller *c;

	list_for_each_entry(c, &controllers, link)
		if (c->node == node)
			return c;
	return NULL;
}

/* One entry of a list of phandles that have `cells` cells each behind them. */
struct line {
	int node;
	uint32_t cells, id;
};

/* The entry at cell *at, which moves on; false at the end or where it makes no sense. */
static bool line_next(const struct fdt_device *d, const char *list, const char *cells,
		      uint32_t *at, struct line *out)
{
	uint32_t phandle;

	if (!fdt_prop_cell(d->fdt, d->node, list, *at, &phandle))
		return false;
	*out = (struct line){.node = fdt_find_phandle(d->fdt, phandle)};
	if (out->node == FDT_NONE || !fdt_prop_u32(d->fdt, out->node, cells, &out->cells) ||
	    out->cells > 4)
		return false;
	if (out->cells && !fdt_prop_cell(d->fdt, d->node, list, *at + 1, &out->id))
		return false;
	*at += 1 + out->cells;
	return true;
}

/* The next entry whose controller is known; NULL: there is none. */
static struct clk_controller *controlled_next(const struct fdt_device *d, const char *list,
					      const char *cells, uint32_t *at, uint32_t *id)
{
	struct clk_controller *c;
	struct line l;

	while (line_next(d, list, cells, at, &l)) {
		c = controller_find(l.node);
		if (c && l.cells) {
			*id = l.id;
			return c;
		}
	}
	return NULL;
}

static struct clk_controller *clock_next(const struct fdt_device *d, uint32_t *at, uint32_t *id)
{
	return controlled_next(d, "clocks", "#clock-cells", at, id);
}

static struct clk_controller *reset_next(const struct fdt_device *d, uint32_t *at, uint32_t *id)
{
	return controlled_next(d, "resets", "#reset-cells", at, id);
}

int device_power_up(const struct fdt_device *d)
{
	struct clk_controller *c;
	uint32_t at, id;
	int err = 0;

	for (at = 0; !err && (c = clock_next(d, &at, &id)) != NULL;)
		err = c->enable ? c->enable(c, id) : 0;
	for (at = 0; !err && (c = reset_next(d, &at, &id)) != NULL;)
		err = c->release ? c->release(c, id) : 0;
	return err;
}

bool device_powered(const struct fdt_device *d)
{
	struct clk_controller *c;
	uint32_t at, id;

	for (at = 0; (c = clock_next(d, &at, &id)) != NULL;)
		if (!c->enabled(c, id))
			return false;
	for (at = 0; (c = reset_next(d, &at, &id)) != NULL;)
		if (!c->released(c, id))
			return false;
	return true;
}

/* The clock of the node that has the name. */
static bool clock_named(const struct fdt_device *d, const char *name, struct line *out)
{
	uint32_t at = 0;
	const char *found;

	for (uint32_t i = 0; line_next(d, "clocks", "#clock-cells", &at, out); i++) {
		found = fdt_prop_string(d->fdt, d->node, "clock-names", i);
		if (found && strcmp(found, name) == 0)
			return true;
	}
	return false;
}

uint32_t device_clock_rate(const struct fdt_device *d, const char *name, uint32_t fallback)
{
	struct line clock, l;
	uint32_t at = 0, rate;

	if (fdt_prop_u32(d->fdt, d->node, "clock-frequency", &rate) && rate)
		return rate;
	if (!clock_named(d, name, &clock))
		return fallback;
	if (fdt_prop_u32(d->fdt, clock.node, "clock-frequency", &rate) && rate)
		return rate;
	for (uint32_t i = 0; line_next(d, "assigned-clocks", "#clock-cells", &at, &l); i++)
		if (l.node == clock.node && l.id == clock.id &&
		    fdt_prop_cell(d->fdt, d->node, "assigned-clock-rates", i, &rate) && rate)
			return rate;
	return fallback;
}
