/*
 * Models of an SD card and of the controllers that it can be put into, as their specifications
 * have them, and errors to order.
 */
#pragma once

#include "tests/host/shim/kernel.h"

#define CARD_SECTORS 8192U

enum fault {
	FAULT_NONE,
	FAULT_NO_RESPONSE,
	FAULT_RESPONSE_CRC,
	FAULT_STATUS,	   /* the card says "error" */
	FAULT_NO_DATA,	   /* it never sends, or never takes, the block */
	FAULT_DATA_CRC,
	FAULT_SHORT,	   /* the controller ends the transfer early */
	FAULT_SILENT,	   /* no interrupt comes, for ever */
	FAULT_BUSY,	   /* after writing the card stays busy, until it is reset */
	FAULT_REMOVED,	   /* somebody pulls it while data moves */
	FAULT_DESCRIPTOR,  /* the DMA does not like its descriptors */
	FAULT_REGISTER,	   /* it never sends a register that comes as data */
};

/*
 * What goes wrong: in transfers, but for FAULT_REGISTER; after `skip` of the chances, `strikes`
 * times.
 */
extern struct model_fault {
	enum fault kind;
	unsigned skip, strikes, struck;
} fault;
bool fault_strikes(enum fault kind);

enum card_state { CARD_IDLE, CARD_READY, CARD_IDENT, CARD_STBY, CARD_TRAN, CARD_DATA, CARD_RCV,
		  CARD_PRG };

extern struct model_card {
	bool present, version2, high_capacity, spi, is_sd, refuses_crc;
	enum card_state state;
	bool app, busy;
	unsigned opcond_polls, prg_polls;
	uint32_t errors;	/* status bits, until read */
	uint32_t rca, width;
	bool high_speed;
	const uint8_t *registers; /* being sent, or NULL */
	uint8_t reg_buf[64];
	uint32_t sector;	/* next of a transfer */
	bool multiple;
	uint32_t cid[4], csd[4];
	unsigned resets, transfers;
	uint8_t store[CARD_SECTORS][512];
} card;

/* A card of version 2, more than 2 GB or not, in state idle. */
void card_insert(bool high_capacity);
/* What the card answers; false: nothing. resp[0], or four words of R2. */
bool card_command(uint32_t index, uint32_t arg, uint32_t resp[4]);
/* One block from or to the card; false: it has none to send, or does not want one. */
bool card_read(uint8_t *buf, uint32_t size);
bool card_write(const uint8_t *buf, uint32_t size);
void card_stop(void);

/* Controllers: registers, and whether an interrupt is due (its handler is called then). */
struct model_regs {
	uint64_t base, size;
	uint64_t (*read)(uint32_t reg, unsigned size);
	void (*write)(uint32_t reg, unsigned size, uint64_t v);
	bool (*interrupt)(void);
	uint32_t irq;
	void (*reset)(void);
};
extern const struct model_regs dw_model, dw_polled_model, sdhci_model, spi_model;
extern uint32_t dw_hcon, sdhci_caps; /* what they have; set before a driver probes */
extern unsigned dw_descriptors, sdhci_descriptors; /* that were carried out */
