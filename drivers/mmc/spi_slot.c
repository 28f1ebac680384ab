/*
 * An SD card on an SPI bus (specification, chapter 7): what the other controllers do in hardware,
 * frames, check sums, tokens, busy, is done here. Everything is polled.
 */
#include "drivers/mmc/mmc.h"

#include "drivers/mmc/sd_bits.h"
#include "drivers/mmc/spi_crc.h"
#include "drivers/spi/spi.h"
#include "kernel/mem/kmap.h"
#include "kernel/mem/slab.h"
#include "kernel/time.h"
#include "lib/bits.h"
#include "lib/endian.h"
#include "lib/string.h"

/* R1 (7.3.2.1). */
#define R1_ILLEGAL (1U << 2)
#define R1_CRC	   (1U << 3)
#define R1_ERASE   (1U << 4)
#define R1_ADDRESS (1U << 5)
#define R1_PARAM   (1U << 6)
#define R1_NONE	   (1U << 7) /* not a response yet */

/* Data tokens (7.3.3). */
#define TOKEN_START	    0xfe
#define TOKEN_WRITE_START   0xfc /* of one block of several */
#define TOKEN_STOP	    0xfd
#define RESPONSE_MASK	    0x1f
#define RESPONSE_ACCEPTED   0x05
#define RESPONSE_CRC	    0x0b

#define RESPONSE_BYTES 16			/* N_CR is 8 at most, and one of filling */
#define TOKEN_NS       (500 * NSEC_PER_MSEC)	/* a card needs 100 ms at most to begin */
#define BUSY_NS	       NSEC_PER_SEC		/* and 500 ms to write */
#define SPIN_BYTES     64U			/* then others may run */
#define SPIN_PAUSE_NS  (100 * NSEC_PER_USEC)

struct spi_slot {
	struct mmc_host host;
	struct spi_bus *bus;
	uint32_t cs;
	bool crc; /* the card checks and sends check sums of data */
};

static int slot_send(struct spi_slot *s, const uint8_t *bytes, size_t len)
{
	return s->bus->ops->transfer(s->bus, bytes, NULL, len);
}

static int slot_receive(struct spi_slot *s, uint8_t *bytes, size_t len)
{
	return s->bus->ops->transfer(s->bus, NULL, bytes, len);
}

/* Read bytes until one is `equal` or, with equal false, is not `value`; it goes to *byte. */
static int slot_poll(struct spi_slot *s, uint8_t value, bool equal, uint64_t ns, uint8_t *byte)
{
	uint64_t deadline = time_ns() + ns;

	for (uint32_t n = 1;; n++) {
		int err = slot_receive(s, byte, 1);

		if (err)
			return err;
		if ((*byte == value) == equal)
			return 0;
		if (n % SPIN_BYTES)
			continue;
		if (time_ns() > deadline)
			return -ETIMEDOUT;
		sleep_ns(SPIN_PAUSE_NS);
	}
}

static int slot_wait_idle(struct spi_slot *s)
{
	uint8_t byte;

	return slot_poll(s, 0xff, true, BUSY_NS, &byte);
}

/* The frame of a command, and the first byte of its response. */
static int slot_frame(struct spi_slot *s, const struct mmc_command *cmd, uint8_t *r1)
{
	uint8_t frame[6] = {(uint8_t)(0x40 | cmd->index)};
	int err;

	store_be32(frame + 1, cmd->arg);
	frame[5] = (uint8_t)(spi_crc7(frame, 5) << 1 | 1);
	err = slot_send(s, frame, sizeof(frame));
	/* A byte of a block that was being read may follow (7.2.3). */
	if (!err && cmd->index == SD_STOP)
		err = slot_receive(s, r1, 1);
	for (int i = 0; i < RESPONSE_BYTES && !err; i++) {
		err = slot_receive(s, r1, 1);
		if (!err && !(*r1 & R1_NONE))
			return 0;
	}
	return err ? err : -ETIMEDOUT;
}

/* The bits of R1, and of the second byte of CMD13's response, where the native status has them. */
static uint32_t status_of(uint8_t r1, uint8_t second)
{
	uint32_t status = 0;

	if (r1 & R1_ERASE || second & BIT(6))
		status |= SD_STATUS_ERASE;
	if (r1 & R1_ADDRESS)
		status |= SD_STATUS_ADDRESS;
	if (r1 & R1_PARAM || second & BIT(7))
		status |= SD_STATUS_RANGE;
	if (second & BIT(2))
		status |= SD_STATUS_ERROR;
	if (second & BIT(3))
		status |= SD_STATUS_CC;
	if (second & BIT(4))
		status |= SD_STATUS_ECC;
	if (second & BIT(5))
		status |= SD_STATUS_WP;
	/* It answered while not busy, so it is ready, unless somebody put it in anew. */
	return status | SD_STATUS_READY | (r1 & SD_SPI_IDLE ? 0 : SD_STATE_TRAN << 9);
}

/* What follows the first byte, by command. */
static int slot_response(struct spi_slot *s, struct mmc_command *cmd, uint8_t r1)
{
	uint8_t bytes[4] = {0};
	int err = 0;

	cmd->response[1] = r1;
	/* The native way to refuse a command is silence. */
	if (r1 & R1_ILLEGAL)
		return -ETIMEDOUT;
	if (r1 & R1_CRC)
		return -EILSEQ;
	if (cmd->type == MMC_RESP_R3 || cmd->type == MMC_RESP_R7) {
		err = slot_receive(s, bytes, 4);
		cmd->response[0] = load_be32(bytes);
		return err;
	}
	if (cmd->index == SD_SEND_STATUS)
		err = slot_receive(s, bytes, 1);
	cmd->response[0] = status_of(r1, bytes[0]);
	if (!err && cmd->type == MMC_RESP_R1B)
		err = slot_wait_idle(s);
	return err;
}

static int slot_read_block(struct spi_slot *s, uint8_t *to, uint32_t size)
{
	uint8_t token, crc[2];
	int err = slot_poll(s, 0xff, false, TOKEN_NS, &token);

	if (err)
		return err;
	/* Other tokens tell of errors. */
	if (token != TOKEN_START)
		return -EIO;
	err = slot_receive(s, to, size);
	if (!err)
		err = slot_receive(s, crc, 2);
	if (!err && s->crc && spi_crc16(to, size) != load_be16(crc))
		err = -EILSEQ;
	return err;
}

static int slot_write_block(struct spi_slot *s, const uint8_t *from, uint32_t size, uint8_t token)
{
	uint8_t head[2] = {0xff, token}, crc[2], response;
	int err = slot_send(s, head, 2);

	if (!err)
		err = slot_send(s, from, size);
	store_be16(crc, spi_crc16(from, size));
	if (!err)
		err = slot_send(s, crc, 2);
	if (!err)
		err = slot_receive(s, &response, 1);
	if (err)
		return err;
	response &= RESPONSE_MASK;
	if (response == RESPONSE_CRC)
		return -EILSEQ;
	return response == RESPONSE_ACCEPTED ? slot_wait_idle(s) : -EIO;
}

/* The blocks of a transfer; they lie in pieces of memory that are whole blocks. */
static int slot_data(struct spi_slot *s, const struct mmc_data *data)
{
	uint8_t token = data->blocks > 1 ? TOKEN_WRITE_START : TOKEN_START, stop[2];
	int err = 0;

	for (uint32_t i = 0; i < data->nvec && !err; i++) {
		uint8_t *p = phys_to_virt(data->vecs[i].pa);

		for (uint32_t at = 0; at < data->vecs[i].len && !err; at += data->block_size)
			err = data->write ? slot_write_block(s, p + at, data->block_size, token)
					  : slot_read_block(s, p + at, data->block_size);
	}
	if (!data->write || data->blocks == 1)
		return err;
	/* After an error, too: the card would take what follows for data. */
	stop[0] = TOKEN_STOP;
	stop[1] = 0xff;
	int stop_err = slot_send(s, stop, 2);

	if (!stop_err)
		stop_err = slot_wait_idle(s);
	return err ? err : stop_err;
}

/* CID and CSD come as a block of data. */
static int slot_register(struct spi_slot *s, struct mmc_command *cmd)
{
	uint8_t bytes[16];
	int err = slot_read_block(s, bytes, sizeof(bytes));

	for (int i = 0; i < 4 && !err; i++)
		cmd->response[i] = load_be32(bytes + 4 * i);
	return err;
}

static int slot_exchange(struct spi_slot *s, struct mmc_command *cmd)
{
	uint8_t r1;
	/* These two interrupt the card, whatever it is at. */
	bool now = cmd->index == SD_STOP || cmd->index == SD_GO_IDLE;
	int err = now ? 0 : slot_wait_idle(s);

	if (!err)
		err = slot_frame(s, cmd, &r1);
	if (!err)
		err = slot_response(s, cmd, r1);
	if (!err && cmd->type == MMC_RESP_R2)
		err = slot_register(s, cmd);
	/* A card that complains sends no data. */
	if (!err && cmd->data && !(cmd->response[0] & SD_STATUS_ERRORS))
		err = slot_data(s, cmd->data);
	if (!err && cmd->index == SD_CRC_ON_OFF)
		s->crc = cmd->arg & 1;
	return err;
}

static int slot_request(struct mmc_host *h, struct mmc_command *cmd)
{
	struct spi_slot *s = h->driver;
	int err;

	s->bus->ops->select(s->bus, s->cs, true);
	err = slot_exchange(s, cmd);
	s->bus->ops->select(s->bus, s->cs, false);
	/* The card lets go of its line with the next clock. */
	slot_send(s, NULL, 1);
	return err;
}

static int slot_set_clock(struct mmc_host *h, uint32_t hz)
{
	struct spi_slot *s = h->driver;

	h->hz = hz ? s->bus->ops->set_clock(s->bus, hz) : 0;
	return 0;
}

static int slot_reset(struct mmc_host *h)
{
	struct spi_slot *s = h->driver;

	s->crc = false;
	s->bus->ops->set_clock(s->bus, 400000);
	s->bus->ops->select(s->bus, s->cs, false);
	/* At least 74 clocks with the card not selected take it to SPI mode (6.4.1.1). */
	return slot_send(s, NULL, 10);
}

static const struct mmc_host_ops slot_ops = {
	.request = slot_request,
	.set_clock = slot_set_clock,
	.reset = slot_reset,
};

static int slot_probe(struct fdt_device *d)
{
	struct spi_bus *bus = spi_bus_find(fdt_parent(d->fdt, d->node));
	uint32_t hz = device_u32(d, "spi-max-frequency", 20000000);
	struct spi_slot *s;
	uint64_t cs;
	int err;

	hz = MIN(hz, 25000000U);
	if (!bus)
		return -ENODEV;
	if (fdt_reg_raw(d->fdt, d->node, 0, &cs, NULL) || cs > 31)
		return -EINVAL;
	s = kzalloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->bus = bus;
	s->cs = (uint32_t)cs;
	s->host = (struct mmc_host){
		.ops = &slot_ops,
		.driver = s,
		.spi = true,
		.max_hz = hz,
	};
	mmc_host_read_tree(&s->host, d);
	err = mmc_host_add(&s->host);
	if (err)
		kfree(s);
	return err;
}

static const char *const slot_compatible[] = {"mmc-spi-slot", NULL};

DRIVER(spi_slot) = {
	.name = "mmc-spi-slot",
	.compatible = slot_compatible,
	.phase = DRIVER_NORMAL,
	.probe = slot_probe,
};
