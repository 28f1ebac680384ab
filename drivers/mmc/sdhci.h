/*
 * Inside of drivers/mmc: a standard host controller, its registers and bits (SD Host Controller
 * Simplified Specification 4.20, chapter 2).
 */
#pragma once

#include "drivers/mmc/mmc_dma.h"
#include "drivers/mmc/sd_bits.h"
#include "kernel/wait.h"
#include "lib/endian.h"

#define CDNS_EMMC      0x18
#define CDNS_EMMC_MODE 7U
#define CDNS_STANDARD  0x200

#define SDHCI_SDMA_ADDR	 0x00
#define SDHCI_BLOCK_SIZE 0x04 /* 16 bits, and above them the count of blocks */
#define SDHCI_ARGUMENT	 0x08
#define SDHCI_MODE	 0x0c /* 16 bits, and above them the command */
#define SDHCI_RESPONSE	 0x10
#define SDHCI_BUFFER	 0x20
#define SDHCI_PRESENT	 0x24
#define SDHCI_CONTROL	 0x28 /* 8 bits */
#define SDHCI_POWER	 0x29 /* 8 bits */
#define SDHCI_CLOCK	 0x2c /* 16 bits */
#define SDHCI_TIMEOUT	 0x2e /* 8 bits */
#define SDHCI_RESET	 0x2f /* 8 bits */
#define SDHCI_INT_STATUS 0x30
#define SDHCI_INT_ENABLE 0x34
#define SDHCI_INT_SIGNAL 0x38
#define SDHCI_CAPS	 0x40
#define SDHCI_ADMA_ADDR	 0x58
#define SDHCI_SIZE	 0x100

#define SDMA_BOUNDARY 0x7000U /* 512 KiB */

#define MODE_DMA	 0x01U
#define MODE_BLOCK_COUNT 0x02U
#define MODE_READ	 0x10U
#define MODE_MULTIPLE	 0x20U

#define COMMAND_136	0x01U
#define COMMAND_48	0x02U
#define COMMAND_48_BUSY 0x03U
#define COMMAND_CRC	0x08U
#define COMMAND_INDEX	0x10U
#define COMMAND_DATA	0x20U
#define COMMAND_ABORT	0xc0U

#define PRESENT_CMD_INHIBIT  0x00000001U
#define PRESENT_DATA_INHIBIT 0x00000002U
#define PRESENT_CARD	     0x00010000U
#define PRESENT_STABLE	     0x00020000U

#define CONTROL_4BIT	   0x02U
#define CONTROL_HIGH_SPEED 0x04U
#define CONTROL_DMA	   0x18U
#define CONTROL_ADMA32	   0x10U
#define CONTROL_ADMA64	   0x18U
#define POWER_ON	   0x01U
#define POWER_3V3	   0x0eU
#define CLOCK_INTERNAL	   0x01U
#define CLOCK_STABLE	   0x02U
#define CLOCK_CARD	   0x04U
#define TIMEOUT_MAX	   0x0eU
#define RESET_ALL	   0x01U
#define RESET_CMD	   0x02U
#define RESET_DATA	   0x04U

#define SDHCI_INT_COMMAND     0x00000001U
#define SDHCI_INT_TRANSFER    0x00000002U
#define SDHCI_INT_DMA	      0x00000008U
#define SDHCI_INT_WRITE_READY 0x00000010U
#define SDHCI_INT_READ_READY  0x00000020U
#define SDHCI_INT_USED	      0x0000003bU
#define SDHCI_INT_ERRORS      0x03ff0000U /* the ones of the specification, without "any" (15) */
#define SDHCI_ERR_TIMEOUTS    0x00110000U
#define SDHCI_ERR_CRCS	      0x006e0000U /* check sums, end bits, a wrong index */

#define CAPS_ADMA2	(1U << 19)
#define CAPS_HIGH_SPEED (1U << 21)
#define CAPS_SDMA	(1U << 22)
#define CAPS_64BIT	(1U << 28)

#define ADMA_VALID    0x01U
#define ADMA_END      0x02U
#define ADMA_TRANSFER 0x20U

struct sdhci {
	struct mmc_host host;
	volatile uint8_t *regs;
	int irq;		/* negative: none, registers are polled */
	uint32_t base_hz;
	bool always_there;	/* the tree says that detection does not work or is not needed */
	enum { SDHCI_PIO, SDHCI_SDMA, SDHCI_ADMA32, SDHCI_ADMA64 } mode;
	struct mmc_dma dma;
	bool by_dma;		/* (the disk's thread) the transfer under way */
	uint8_t *table;		/* of ADMA descriptors: a page */
	dma_addr_t table_addr;
	struct spinlock lock;	/* RANK_DRIVER: seen */
	uint32_t seen;		/* (lock) bits of SDHCI_INT_STATUS that were acknowledged */
	struct waitqueue wait;	/* for them */
};

/* With s->regs set: read the capabilities and get ready for mmc_host_add. 0 or -errno. Sleeps. */
int sdhci_init(struct sdhci *s, struct fdt_device *d);
/* Undo it. */
void sdhci_stop(struct sdhci *s);
