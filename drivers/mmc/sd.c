/*
 * The SD protocol: commands, and the way from power-on to a card that is ready for transfers
 * (specification, sections 4.2 and 7.2.1).
 */
#include "drivers/mmc/mmc.h"

#include "drivers/mmc/sd_bits.h"
#include "kernel/mem/kmap.h"
#include "kernel/printk.h"
#include "kernel/time.h"
#include "lib/bits.h"
#include "lib/string.h"

#define INIT_NS	   (2 * NSEC_PER_SEC)	/* of ACMD41; the specification says one */
#define INIT_POLL  (10 * NSEC_PER_MSEC)
#define READY_NS   (2 * NSEC_PER_SEC)	/* programming a block takes 500 ms at most */
#define READY_POLL (200 * NSEC_PER_USEC)
#define SILENT_MAX 3			/* status commands without an answer */
#define IDENT_HZ   400000U
#define DEFAULT_HZ 25000000U
#define HIGH_HZ	   50000000U
#define CHECK_ARG  0x1aaU		/* CMD8: 3.3 V and a pattern to echo */

uint64_t mmc_data_timeout(const struct mmc_host *h, const struct mmc_data *data)
{
	uint64_t bits = (uint64_t)data->blocks * data->block_size * 8 / MAX(h->width, 1U);

	/* Twice the time on the wire, and a card may think for half a second. */
	return NSEC_PER_SEC + 2 * bits * NSEC_PER_SEC / MAX(h->hz, 100000U);
}

static int request(struct sd_card *c, struct mmc_command *cmd)
{
	if (c->host->ops->present && !c->host->ops->present(c->host))
		return -ENOMEDIUM;
	return c->host->ops->request(c->host, cmd);
}

static bool has_status(enum mmc_response type)
{
	return type == MMC_RESP_R1 || type == MMC_RESP_R1B;
}

int sd_command(struct sd_card *c, uint32_t index, uint32_t arg, enum mmc_response type,
	       uint32_t *response)
{
	struct mmc_command cmd = {.index = index, .arg = arg, .type = type};
	int err = request(c, &cmd);

	if (!err && has_status(type) && cmd.response[0] & SD_STATUS_ERRORS)
		err = -EIO;
	if (response)
		memcpy(response, cmd.response, sizeof(cmd.response));
	return err;
}

/* The prefix of an application command. What it says of the command before is not its error. */
static int app_prefix(struct sd_card *c)
{
	struct mmc_command cmd = {.index = SD_APP_CMD, .arg = c->rca, .type = MMC_RESP_R1};
	int err = request(c, &cmd);

	if (!err && cmd.response[0] & SD_STATUS_ERRORS &
	    ~(SD_STATUS_ILLEGAL | SD_STATUS_COM_CRC))
		err = -EIO;
	return err;
}

static int app_command(struct sd_card *c, uint32_t index, uint32_t arg, enum mmc_response type,
		       uint32_t *response)
{
	int err = app_prefix(c);

	return err ? err : sd_command(c, index, arg, type, response);
}

/* Read a register of `size` bytes that comes as data, to c->buf. */
static int read_register(struct sd_card *c, uint32_t index, uint32_t arg, uint32_t size, bool app)
{
	struct bio_vec vec = {virt_to_phys(c->buf), size};
	struct mmc_data data = {.vecs = &vec, .nvec = 1, .block_size = size, .blocks = 1};
	struct mmc_command cmd = {.index = index, .arg = arg, .type = MMC_RESP_R1, .data = &data};
	int err = app ? app_prefix(c) : 0;

	if (!err)
		err = request(c, &cmd);
	if (!err && cmd.response[0] & SD_STATUS_ERRORS)
		err = -EIO;
	return err;
}

int sd_wait_ready(struct sd_card *c)
{
	uint64_t deadline = time_ns() + READY_NS;
	uint32_t r[4], silent = 0;

	for (;;) {
		int err = sd_command(c, SD_SEND_STATUS, c->rca, MMC_RESP_R1, r);

		if (err == -EIO || err == -ENOMEDIUM)
			return err;
		silent = err ? silent + 1 : 0;
		if (silent == SILENT_MAX)
			return -ETIMEDOUT;
		if (!err && r[0] & SD_STATUS_READY && SD_STATUS_STATE(r[0]) == SD_STATE_TRAN)
			return 0;
		if (time_ns() > deadline)
			return -ETIMEDOUT;
		sleep_ns(READY_POLL);
	}
}

/* Idle state, and which kind of card it is: of version 2 or above, or older. */
static int go_idle(struct sd_card *c, bool *version2)
{
	uint32_t r[4];
	int err = -ETIMEDOUT;

	c->rca = 0;
	/* In SPI mode a card may need several to notice that it is meant. */
	for (int i = 0; i < 5 && err; i++) {
		err = sd_command(c, SD_GO_IDLE, 0,
				 c->host->spi ? MMC_RESP_R1 : MMC_RESP_NONE, r);
		/* A line that is held low is no response. */
		if (!err && c->host->spi && r[1] != SD_SPI_IDLE)
			err = -ETIMEDOUT;
	}
	if (err)
		return err == -EIO ? -EIO : -ENOMEDIUM;
	err = sd_command(c, SD_SEND_IF_COND, CHECK_ARG, MMC_RESP_R7, r);
	*version2 = !err;
	if (!err && (r[0] & 0xfff) != CHECK_ARG)
		return -EOPNOTSUPP;
	/* An old card does not know the command, and stays silent. */
	return err == -ETIMEDOUT ? 0 : err;
}

/* Until the card has powered up; its answer tells how it wants to be addressed. */
static int power_up(struct sd_card *c, bool version2)
{
	uint64_t deadline = time_ns() + INIT_NS;
	uint32_t arg = (c->host->spi ? 0 : SD_OCR_3V3) | (version2 ? SD_OCR_HIGH_CAPACITY : 0);
	uint32_t r[4] = {0};

	for (;;) {
		int err = app_command(c, SD_APP_OP_COND, arg,
				      c->host->spi ? MMC_RESP_R1 : MMC_RESP_R3, r);

		/* Silence: no card, or no SD card, unless it has answered before. */
		if (err)
			return err == -ETIMEDOUT && !version2 ? -ENOMEDIUM : err;
		if (c->host->spi ? !(r[1] & SD_SPI_IDLE) : r[0] & SD_OCR_READY)
			break;
		if (time_ns() > deadline)
			return -ETIMEDOUT;
		sleep_ns(INIT_POLL);
	}
	if (c->host->spi) {
		int err = sd_command(c, SD_READ_OCR, 0, MMC_RESP_R3, r);

		if (err)
			return err;
	}
	c->high_capacity = version2 && r[0] & SD_OCR_HIGH_CAPACITY;
	return 0;
}

/* CID and CSD, and in native mode an address and the transfer state. */
static int read_identity(struct sd_card *c)
{
	uint32_t csd[4], r[4];
	int err;

	err = sd_command(c, c->host->spi ? SD_SEND_CID : SD_ALL_SEND_CID, 0, MMC_RESP_R2,
			 c->raw_cid);
	if (err)
		return err;
	if (!c->host->spi) {
		err = sd_command(c, SD_SEND_RCA, 0, MMC_RESP_R6, r);
		if (err)
			return err;
		c->rca = r[0] & 0xffff0000;
	}
	err = sd_command(c, SD_SEND_CSD, c->rca, MMC_RESP_R2, csd);
	if (!err && !c->host->spi)
		err = sd_command(c, SD_SELECT, c->rca, MMC_RESP_R1B, NULL);
	if (!err && !c->high_capacity)
		err = sd_command(c, SD_SET_BLOCKLEN, MMC_BLOCK, MMC_RESP_R1, NULL);
	if (err)
		return err;
	sd_cid_decode(c->raw_cid, &c->cid);
	if (sd_csd_decode(csd, &c->csd))
		return -EOPNOTSUPP;
	/* A card that was switched to high speed says 50 MHz until it is switched back. */
	c->csd.hz = MIN(c->csd.hz, DEFAULT_HZ);
	return 0;
}

/* Timing of up to 50 MHz, if both sides have it (specification, section 4.3.10). */
static int switch_high_speed(struct sd_card *c)
{
	int err;

	c->high_speed = false;
	if (!c->host->can_high_speed || !c->scr.has_switch ||
	    !(c->csd.classes & SD_CLASS_SWITCH))
		return 0;
	err = read_register(c, SD_SWITCH_FUNC, SD_SWITCH_CHECK, 64, false);
	if (err || !(c->buf[13] & 2))
		return err;
	err = read_register(c, SD_SWITCH_FUNC, SD_SWITCH_SET, 64, false);
	c->high_speed = !err && (c->buf[16] & 15) == 1;
	return err;
}

static int go_fast(struct sd_card *c)
{
	struct mmc_host *h = c->host;
	int err = read_register(c, SD_APP_SEND_SCR, 0, 8, true);

	if (err)
		return err;
	if (sd_scr_decode(c->buf, &c->scr))
		return -EOPNOTSUPP;
	if (!h->spi && h->can_4bit && c->scr.has_4bit) {
		err = app_command(c, SD_APP_SET_WIDTH, 2, MMC_RESP_R1, NULL);
		if (err)
			return err;
		h->ops->set_width(h, 4);
		h->width = 4;
	}
	err = switch_high_speed(c);
	if (err)
		return err;
	if (c->high_speed && h->ops->set_timing)
		h->ops->set_timing(h, true);
	uint32_t hz = c->high_speed ? HIGH_HZ : c->csd.hz;

	hz = MIN(hz, h->max_hz);
	return h->ops->set_clock(h, MIN(hz, c->max_hz));
}

static int identify_once(struct sd_card *c)
{
	struct mmc_host *h = c->host;
	bool version2;
	int err;

	err = h->ops->reset(h);
	if (err)
		return err;
	h->width = 1;
	if (h->ops->set_timing)
		h->ops->set_timing(h, false);
	err = h->ops->set_clock(h, MIN(IDENT_HZ, h->max_hz));
	if (err)
		return err;
	/* 74 clocks and the ramp of the supply (section 6.4.1). */
	sleep_ns(2 * NSEC_PER_MSEC);
	err = go_idle(c, &version2);
	if (err)
		return err;
	/* A card that refuses check sums goes without; the host sees the refusal, too. */
	if (h->spi)
		sd_command(c, SD_CRC_ON_OFF, 1, MMC_RESP_R1, NULL);
	err = power_up(c, version2);
	if (!err)
		err = read_identity(c);
	/* Identification is over, and with it the limit of 400 kHz. */
	if (!err)
		err = h->ops->set_clock(h, MIN(c->csd.hz, h->max_hz));
	if (!err)
		err = go_fast(c);
	return err;
}

int sd_identify(struct sd_card *c)
{
	int err = 0;

	for (int i = 0; i < MMC_TRIES; i++) {
		err = identify_once(c);
		if (!err || err == -ENOMEDIUM || err == -EOPNOTSUPP)
			return err;
		pr_warn("%s: identifying the card: error %d, try %d of %d\n", c->host->name, -err,
			i + 1, MMC_TRIES);
	}
	return err;
}
