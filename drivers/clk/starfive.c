/*
 * The clock and reset generators of StarFive's JH7110 and JH7100: a register for each clock, a bit
 * for each reset line, numbered as in the device trees. U-Boot leaves on what it has used; on the
 * JH7110 this is for the rest. The JH7100's are only looked at: its dividers have no known rates.
 */
#include "drivers/clk/clk.h"

#include "drivers/mmio.h"
#include "kernel/mem/slab.h"
#include "kernel/time.h"

#define CLOCK_ON     (1U << 31)
#define CLOCK_DIVIDE 0xfU /* of the cards' clocks; 0: stopped */
#define SDIO0_CARD   93U
#define SDIO1_CARD   94U
#define CARD_DIVISOR 8U	  /* of 400 MHz: what the trees ask for */
#define RELEASE_NS   (10 * NSEC_PER_MSEC)

struct crg_layout {
	uint32_t clocks, resets; /* how many of them */
	uint32_t assert, status; /* registers of the reset lines; status bit set: released */
	bool settable;
};

/* One chip has all in one block, the other in two. */
static const struct crg_layout jh7110_syscrg = {190, 126, 0x2f8, 0x308, true};
static const struct crg_layout jh7100_clkgen = {186, 0, 0, 0, false};
static const struct crg_layout jh7100_reset = {0, 114, 0, 0x10, false};

struct crg {
	struct clk_controller clk;
	volatile uint8_t *regs;
	const struct crg_layout *layout;
};

static bool crg_enabled(struct clk_controller *c, uint32_t id)
{
	struct crg *crg = (struct crg *)c;

	return id < crg->layout->clocks && mmio_read32(crg->regs + 4 * id) & CLOCK_ON;
}

static bool crg_released(struct clk_controller *c, uint32_t id)
{
	struct crg *crg = (struct crg *)c;

	return id < crg->layout->resets &&
	       mmio_read32(crg->regs + crg->layout->status + id / 32 * 4) & 1U << id % 32;
}

static int crg_enable(struct clk_controller *c, uint32_t id)
{
	struct crg *crg = (struct crg *)c;
	uint32_t value;

	if (id >= crg->layout->clocks)
		return -EINVAL;
	value = mmio_read32(crg->regs + 4 * id);
	if ((id == SDIO0_CARD || id == SDIO1_CARD) && !(value & CLOCK_DIVIDE))
		value |= CARD_DIVISOR;
	mmio_write32(crg->regs + 4 * id, value | CLOCK_ON);
	return 0;
}

static int crg_release(struct clk_controller *c, uint32_t id)
{
	struct crg *crg = (struct crg *)c;
	uint64_t deadline = time_ns() + RELEASE_NS;
	volatile uint8_t *reg;

	if (id >= crg->layout->resets)
		return -EINVAL;
	reg = crg->regs + crg->layout->assert + id / 32 * 4;
	mmio_write32(reg, mmio_read32(reg) & ~(1U << id % 32));
	while (!crg_released(c, id))
		if (time_ns() > deadline)
			return -ETIMEDOUT;
	return 0;
}

static int crg_probe(struct fdt_device *d, const struct crg_layout *layout)
{
	struct crg *crg = kzalloc(sizeof(*crg));

	if (!crg)
		return -ENOMEM;
	crg->layout = layout;
	crg->regs = device_map(d, 0, MAX(layout->clocks * 4, layout->status + 16), NULL, NULL);
	if (!crg->regs) {
		kfree(crg);
		return -EINVAL;
	}
	crg->clk = (struct clk_controller){
		.node = d->node,
		.enable = layout->settable ? crg_enable : NULL,
		.release = layout->settable ? crg_release : NULL,
		.enabled = crg_enabled,
		.released = crg_released,
	};
	clk_controller_register(&crg->clk);
	return 0;
}

static int jh7110_crg_probe(struct fdt_device *d)
{
	return crg_probe(d, &jh7110_syscrg);
}

static int jh7100_clkgen_probe(struct fdt_device *d)
{
	return crg_probe(d, &jh7100_clkgen);
}

static int jh7100_reset_probe(struct fdt_device *d)
{
	return crg_probe(d, &jh7100_reset);
}

static const char *const jh7110_crg_compatible[] = {"starfive,jh7110-syscrg", NULL};
static const char *const jh7100_clkgen_compatible[] = {"starfive,jh7100-clkgen", NULL};
static const char *const jh7100_reset_compatible[] = {"starfive,jh7100-reset", NULL};

/* All of them before whatever hangs on them. */
DRIVER(jh7110_crg) = {
	.name = "jh7110-crg",
	.compatible = jh7110_crg_compatible,
	.phase = DRIVER_IRQCHIP,
	.probe = jh7110_crg_probe,
};
DRIVER(jh7100_clkgen) = {
	.name = "jh7100-clkgen",
	.compatible = jh7100_clkgen_compatible,
	.phase = DRIVER_IRQCHIP,
	.probe = jh7100_clkgen_probe,
};
DRIVER(jh7100_reset) = {
	.name = "jh7100-reset",
	.compatible = jh7100_reset_compatible,
	.phase = DRIVER_IRQCHIP,
	.probe = jh7100_reset_probe,
};
