/*
 * SD cards: the interface between the protocol (sd.c, sd_io.c) and what moves its commands over
 * wires (dw_mmc.c, sdhci.c, spi_slot.c), and the card as the protocol knows it.
 *
 * Numbers of commands, bits and registers: SD Physical Layer Simplified Specification 9.10.
 *
 * One thread at a time uses a host and its card: the probe, then the disk's thread.
 */
#pragma once

#include "drivers/block.h"
#include "drivers/driver.h"
#include "kernel/types.h"

#define MMC_BLOCK      512U
#define MMC_VECS_MAX   128U
#define MMC_BLOCKS_MAX 1024U
#define MMC_VEC_BYTES  (64 * 1024U)
#define MMC_TRIES      3 /* of a transfer, and of identifying the card */

/* What a command is answered with (section 4.9; in SPI mode 7.3.2). */
enum mmc_response {
	MMC_RESP_NONE,
	MMC_RESP_R1,  /* card status */
	MMC_RESP_R1B, /* the same, and the card may be busy after it */
	MMC_RESP_R2,  /* 128 bits: CID or CSD */
	MMC_RESP_R3,  /* OCR, without a check sum */
	MMC_RESP_R6,  /* RCA */
	MMC_RESP_R7,  /* what CMD8 sent */
};

/* Blocks that go with a command, from or to memory. */
struct mmc_data {
	const struct bio_vec *vecs;
	uint32_t nvec;	     /* at most MMC_VECS_MAX */
	uint32_t block_size; /* bytes: 8, 64 or 512; the vecs hold blocks * block_size */
	uint32_t blocks;     /* at most MMC_BLOCKS_MAX */
	bool write;
};

struct mmc_command {
	uint32_t index; /* 0 to 63 */
	uint32_t arg;
	enum mmc_response type;
	struct mmc_data *data; /* or NULL */
	/*
	 * Out. [0] is the word of a short response; of R2 the four words, highest first. In SPI
	 * mode status is given in the bits of R1, and [1] is the response byte as it came.
	 */
	uint32_t response[4];
};

struct mmc_host;

struct mmc_host_ops {
	/*
	 * Send the command, move its data, wait for both. Sleeps, within bounds. 0 when all of it
	 * arrived (what the card says in its response is not looked at), -ETIMEDOUT: no response
	 * or no data in time, -EILSEQ: a check sum was wrong, -EIO: anything else. After an error
	 * nothing is under way any more and memory belongs to the caller.
	 */
	int (*request)(struct mmc_host *h, struct mmc_command *cmd);
	/* Clock of at most hz (0: off); what it came to goes to h->hz. 0 or -ETIMEDOUT. */
	int (*set_clock)(struct mmc_host *h, uint32_t hz);
	void (*set_width)(struct mmc_host *h, uint32_t bits); /* 1 or 4 */
	void (*set_timing)(struct mmc_host *h, bool high_speed);
	/* To a known state, with power on, one bit wide. 0 or -errno. Sleeps. */
	int (*reset)(struct mmc_host *h);
	/* Whether a card is there, where the controller can tell; NULL: it cannot. */
	bool (*present)(struct mmc_host *h);
};

struct mmc_host {
	const struct mmc_host_ops *ops;
	const char *name; /* the node's, for messages */
	void *driver;
	bool spi;	  /* SPI mode: section 7 */
	bool can_4bit, can_high_speed;
	uint32_t max_hz;
	uint32_t max_blocks; /* of a transfer; 0: MMC_BLOCKS_MAX */
	/* as set now */
	uint32_t hz;
	uint32_t width;	  /* bits */
};

/* Registers of a card, decoded (chapter 5). */
struct sd_csd {
	uint64_t sectors;	/* of 512 bytes */
	uint32_t hz;		/* without high speed */
	uint32_t classes;	/* of commands: BIT(10): switch */
	bool readonly;
};
struct sd_cid {
	uint8_t manufacturer;
	char oem[3], product[6]; /* NUL-terminated, printable */
	uint8_t revision;	 /* two decimal digits */
	uint32_t serial;
	uint32_t year, month;
};
struct sd_scr {
	uint32_t version; /* times 100: 100, 110, 200, 300, 400 */
	bool has_4bit;
	bool has_switch;  /* CMD6 */
};

struct sd_card {
	struct mmc_host *host;
	bool high_capacity; /* sectors are addressed, not bytes */
	bool high_speed;
	bool removed;	    /* for good: it did not come back when it was asked to */
	uint32_t rca;	    /* address, in the upper half */
	uint32_t raw_cid[4];
	uint32_t max_hz;    /* lowered when there are errors */
	uint32_t errors;    /* transfers that had to be repeated or failed */
	struct sd_csd csd;
	struct sd_cid cid;
	struct sd_scr scr;
	uint8_t *buf;	    /* MMC_BLOCK bytes that a device may write to */
};

/* sd_regs.c: pure. Four words, the highest first. 0, or -EINVAL for what cannot be. */
int sd_csd_decode(const uint32_t raw[4], struct sd_csd *csd);
void sd_cid_decode(const uint32_t raw[4], struct sd_cid *cid);
int sd_scr_decode(const uint8_t raw[8], struct sd_scr *scr);

/* sd.c: commands. They sleep. What the card complains about in an R1 becomes -EIO. */
int sd_command(struct sd_card *c, uint32_t index, uint32_t arg, enum mmc_response type,
	       uint32_t *response);
/*
 * From power-on to ready for transfers, with all registers read; repeated within bounds when it
 * fails on the way. -ENOMEDIUM: no card answers. -EOPNOTSUPP: it is none of ours. Other -errno: it
 * failed each time.
 */
int sd_identify(struct sd_card *c);
/*
 * A status command until the card is ready for the next transfer, and 0; -ETIMEDOUT when it is
 * silent or busy for too long, -EIO if it says that the last one failed.
 */
int sd_wait_ready(struct sd_card *c);

/* sd_io.c */
struct sd_io {
	bool write;
	uint64_t sector;
	uint32_t sectors; /* at most MMC_BLOCKS_MAX; the vecs hold as many */
	const struct bio_vec *vecs;
	uint32_t nvec;
};
/*
 * Transfer, repeated within bounds when it fails; written data is on the card afterwards. 0, -EIO,
 * or -ENOMEDIUM once the card is gone. Sleeps.
 */
int sd_transfer(struct sd_card *c, const struct sd_io *io);

/* disk.c: look for a card, and make a disk of it. 0; -ENODEV: there is none. Sleeps. */
int mmc_host_add(struct mmc_host *h);
/* What the tree says of every host: max-frequency, bus-width, cap-sd-highspeed. */
void mmc_host_read_tree(struct mmc_host *h, struct fdt_device *d);

/* Generous time for a data phase at the present clock, ns. */
uint64_t mmc_data_timeout(const struct mmc_host *h, const struct mmc_data *data);
