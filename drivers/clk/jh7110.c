/*
 * The system clock and reset generator of the JH7110: a register for each clock, a bit for each
 * reset line. U-Boot leaves on what it has used; this is for the rest.
 */
#include "drivers/clk/clk.h"

#include "drivers/mmio.h"
#include "kernel/mem/slab.h"
#include "kernel/time.h"

#define CLOCKS	     190U
#define CLOCK_ON     (1U << 31)
#define CLOCK_DIVIDE 0xfU /* of the cards' clocks; 0: stopped */
#define SDIO0_CARD   93U
#define SDIO1_CARD   94U
#define CARD_DIVISOR 8U	  /* of 400 MHz: what the trees ask for */

#define RESETS	     126U
#define RESET_ASSERT 0x2f8
#define RESET_STATUS 0x308 /* bit set: released */
#define RELEASE_NS   (10 * NSEC_PER_MSEC)

struct jh7110_crg {
	struct clk_controller clk;
	volatile uint8_t *regs;
};

static int jh7110_enable(struct clk_controller *c, uint32_t id)
{
	struct jh7110_crg *crg = (struct jh7110_crg *)c;
	uint32_t value;

	if (id >= CLOCKS)
		return -EINVAL;
	value = mmio_read32(crg->regs + 4 * id);
	if ((id == SDIO0_CARD || id == SDIO1_CARD) && !(value & CLOCK_DIVIDE))
		value |= CARD_DIVISOR;
	mmio_write32(crg->regs + 4 * id, value | CLOCK_ON);
	return 0;
}

static int jh7110_release(struct clk_controller *c, uint32_t id)
{
	struct jh7110_crg *crg = (struct jh7110_crg *)c;
	uint32_t word = id / 32 * 4, bit = 1U << id % 32;
	uint64_t deadline = time_ns() + RELEASE_NS;

	if (id >= RESETS)
		return -EINVAL;
	mmio_write32(crg->regs + RESET_ASSERT + word,
		     mmio_read32(crg->regs + RESET_ASSERT + word) & ~bit);
	while (!(mmio_read32(crg->regs + RESET_STATUS + word) & bit))
		if (time_ns() > deadline)
			return -ETIMEDOUT;
	return 0;
}

static int jh7110_crg_probe(struct fdt_device *d)
{
	struct jh7110_crg *crg = kzalloc(sizeof(*crg));

	if (!crg)
		return -ENOMEM;
	crg->regs = device_map(d, 0, RESET_STATUS + 16, NULL, NULL);
	if (!crg->regs) {
		kfree(crg);
		return -EINVAL;
	}
	crg->clk = (struct clk_controller){
		.node = d->node, .enable = jh7110_enable, .release = jh7110_release};
	clk_controller_register(&crg->clk);
	return 0;
}

static const char *const jh7110_crg_compatible[] = {"starfive,jh7110-syscrg", NULL};

DRIVER(jh7110_crg) = {
	.name = "jh7110-crg",
	.compatible = jh7110_crg_compatible,
	.phase = DRIVER_IRQCHIP, /* before whatever hangs on it */
	.probe = jh7110_crg_probe,
};
