/*
 * A machine of one hart with controllers of cards: probes a driver by the device tree, and carries
 * out what its disk is asked to do.
 */
#pragma once

#include "tests/host/mmc/model.h"

#include "drivers/block.h"
#include "drivers/mmc/disk.h"

/* A controller as it may be built. */
struct rig_config {
	const char *name;
	const char *path; /* in the tree */
	const struct model_regs *model;
	const struct driver *driver;
	uint32_t feature; /* dw_hcon or sdhci_caps */
	unsigned *descriptors; /* counts that it uses DMA; NULL: it must not */
};
extern const struct rig_config rig_configs[];
extern const unsigned rig_config_count;

extern struct mmc_disk *rig_disk; /* what the last probe made, or NULL */
extern unsigned rig_flushed;	  /* lines that were written to the cache's register */

/* Once in a program. */
void rig_start(void);
/* Everything as after a reset, no card, no disk. */
void rig_reset(void);
/* Probe the driver of c. Its error. */
int rig_probe(const struct rig_config *c);
int rig_probe_node(const char *path, const struct driver *drv);
/* The register of a device that has no model. */
uint32_t *rig_register(uint64_t pa);
