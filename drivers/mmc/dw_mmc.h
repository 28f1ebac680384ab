/*
 * Inside of drivers/mmc: Synopsys' DesignWare mobile storage host, its registers and bits.
 */
#pragma once

#include "drivers/mmc/mmc_dma.h"
#include "drivers/mmc/sd_bits.h"
#include "kernel/wait.h"

#define DW_CTRL	    0x00
#define DW_PWREN    0x04
#define DW_CLKDIV   0x08
#define DW_CLKSRC   0x0c
#define DW_CLKENA   0x10
#define DW_TMOUT    0x14
#define DW_CTYPE    0x18
#define DW_BLKSIZ   0x1c
#define DW_BYTCNT   0x20
#define DW_INTMASK  0x24
#define DW_CMDARG   0x28
#define DW_CMD	    0x2c
#define DW_RESP0    0x30
#define DW_RINTSTS  0x44
#define DW_STATUS   0x48
#define DW_FIFOTH   0x4c
#define DW_HCON	    0x70
#define DW_BMOD	    0x80
#define DW_PLDMND   0x84
#define DW_DBADDR   0x88
/* With 64-bit descriptors the upper half of the address comes in between. */
#define DW_IDSTS    0x8c
#define DW_IDINTEN  0x90
#define DW_DBADDRU  0x8c
#define DW_IDSTS64  0x90
#define DW_IDINTEN64 0x94
#define DW_FIFO	    0x200
#define DW_SIZE	    0x204

#define CTRL_RESETS  0x7U /* controller, FIFO, DMA: they clear themselves */
#define CTRL_FIFO    0x2U
#define CTRL_INT     0x10U
#define CTRL_DMA     0x20U
#define CTRL_IDMAC   0x2000000U

#define CMD_RESP     (1U << 6)
#define CMD_LONG     (1U << 7)
#define CMD_CRC	     (1U << 8)
#define CMD_DATA     (1U << 9)
#define CMD_WRITE    (1U << 10)
#define CMD_PRV_WAIT (1U << 13) /* begin when the card is not busy */
#define CMD_STOP     (1U << 14)
#define CMD_INIT     (1U << 15)
#define CMD_UPD_CLK  (1U << 21)
#define CMD_USE_HOLD (1U << 29)
#define CMD_START    (1U << 31) /* clears itself when the command was taken */

#define INT_RE	  (1U << 1)
#define INT_CDONE (1U << 2)
#define INT_DTO	  (1U << 3)
#define INT_TXDR  (1U << 4)
#define INT_RXDR  (1U << 5)
#define INT_RCRC  (1U << 6)
#define INT_DCRC  (1U << 7)
#define INT_RTO	  (1U << 8)
#define INT_DRTO  (1U << 9)
#define INT_HTO	  (1U << 10)
#define INT_FRUN  (1U << 11)
#define INT_HLE	  (1U << 12)
#define INT_SBE	  (1U << 13)
#define INT_EBE	  (1U << 15)
#define INT_ALL	  0xffffU
#define INT_COMMAND_ERRORS (INT_RE | INT_RCRC | INT_RTO | INT_HLE)
#define INT_DATA_ERRORS	   (INT_DCRC | INT_DRTO | INT_HTO | INT_FRUN | INT_SBE | INT_EBE)

/* The DMA's own status; kept above the other one. */
#define DMA_SENT     0x001U
#define DMA_RECEIVED 0x002U
#define DMA_ERRORS   0x034U /* bus, descriptor not ours to use, summary of the card's */
#define DMA_SUMMARIES 0x300U /* must be let through for the others to be */
#define DMA_ALL	     0x337U
#define DMA_SHIFT    16

#define STATUS_FULL	(1U << 3)
#define STATUS_BUSY	(1U << 9)
#define STATUS_COUNT(v) ((v) >> 17 & 0x1fff)

#define HCON_64BIT     (1U << 27)
#define HCON_DMA(v)    ((v) >> 16 & 3)	/* 0: internal */
#define BMOD_RESET     0x01U
#define BMOD_FIXED     0x02U
#define BMOD_ENABLE    0x80U

#define DES_LAST  (1U << 2)
#define DES_FIRST (1U << 3)
#define DES_CHAIN (1U << 4)
#define DES_OWN	  (1U << 31)
#define DES_BYTES 4096U
#define DES_ORDER 1 /* pages: a descriptor of 32 bytes for each 4 KiB and for each piece */

struct dw_mmc {
	struct mmc_host host;
	volatile uint8_t *regs;
	int irq;	   /* negative: none, registers are polled */
	uint32_t clock_hz; /* what the divider divides */
	uint32_t fifo;	   /* words */
	bool idmac, wide;  /* by DMA; with 64-bit descriptors */
	bool first;	   /* the next command is the first since power-on */
	struct mmc_dma dma;
	bool by_dma;	   /* (the disk's thread) the transfer under way */
	uint32_t *table;   /* of descriptors */
	dma_addr_t table_addr;
	struct waitqueue wait; /* for fired */
	bool fired;	   /* set by the handler: a status that the mask let through */
};

/* With regs and clock_hz set: get ready for mmc_host_add. 0 or -errno. Sleeps. */
int dw_mmc_init(struct dw_mmc *s, struct fdt_device *d);
/* Undo it. */
void dw_mmc_stop(struct dw_mmc *s);
