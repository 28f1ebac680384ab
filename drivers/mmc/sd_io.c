/*
 * Reading and writing a card, and what is done when that fails: an error is tried again, slower
 * the last time; a card that does not answer is identified anew; one that is not the same any
 * more, or none, is gone for good, since somebody else's data may be on what comes next.
 */
#include "drivers/mmc/mmc.h"

#include "drivers/mmc/sd_bits.h"
#include "kernel/printk.h"
#include "lib/string.h"

static int transfer_once(struct sd_card *c, const struct sd_io *io)
{
	bool multiple = io->sectors > 1;
	struct mmc_data data = {
		.vecs = io->vecs,
		.nvec = io->nvec,
		.block_size = MMC_BLOCK,
		.blocks = io->sectors,
		.write = io->write,
	};
	struct mmc_command cmd = {
		.index = (io->write ? SD_WRITE : SD_READ) + multiple,
		.arg = (uint32_t)(c->high_capacity ? io->sector : io->sector * MMC_BLOCK),
		.type = MMC_RESP_R1,
		.data = &data,
	};
	int err;

	if (c->host->ops->present && !c->host->ops->present(c->host))
		return -ENOMEDIUM;
	err = c->host->ops->request(c->host, &cmd);
	if (!err && cmd.response[0] & SD_STATUS_ERRORS)
		err = -EIO;
	if (err)
		return err;
	/* In SPI mode a token ends writing, and the host has sent it. */
	if (multiple && !(c->host->spi && io->write)) {
		err = sd_command(c, SD_STOP, 0, MMC_RESP_R1B, NULL);
		if (err)
			return err;
	}
	/* The card tells of errors while it programs only when it is asked. */
	return io->write ? sd_wait_ready(c) : 0;
}

/* The same card, ready again: 0; otherwise it is gone. */
static int revive(struct sd_card *c)
{
	uint32_t cid[4];
	int err;

	memcpy(cid, c->raw_cid, sizeof(cid));
	err = sd_identify(c);
	if (!err && memcmp(cid, c->raw_cid, sizeof(cid)) == 0)
		return 0;
	memcpy(c->raw_cid, cid, sizeof(cid));
	c->removed = true;
	pr_err("%s: the card is gone\n", c->host->name);
	return -ENOMEDIUM;
}

/* After a failed transfer: the card in its transfer state, 0; or -ENOMEDIUM. */
static int recover(struct sd_card *c)
{
	/* It may still be sending or receiving. Otherwise the command is illegal, which is fine. */
	sd_command(c, SD_STOP, 0, MMC_RESP_R1B, NULL);
	/* The first status shows old errors and clears them. */
	sd_command(c, SD_SEND_STATUS, c->rca, MMC_RESP_R1, NULL);
	return sd_wait_ready(c) ? revive(c) : 0;
}

static void slow_down(struct sd_card *c)
{
	if (c->host->hz < 2000000)
		return;
	c->max_hz = c->host->hz / 2;
	pr_warn("%s: errors; the clock goes down to %u kHz\n", c->host->name, c->max_hz / 1000);
	c->host->ops->set_clock(c->host, c->max_hz);
}

int sd_transfer(struct sd_card *c, const struct sd_io *io)
{
	int err;

	for (int i = 0; i < MMC_TRIES; i++) {
		if (c->removed)
			return -ENOMEDIUM;
		err = transfer_once(c, io);
		if (!err)
			return 0;
		c->errors++;
		pr_warn("%s: %s sector %lu: error %d, try %d of %d\n", c->host->name,
			io->write ? "writing" : "reading", (unsigned long)io->sector, -err, i + 1,
			MMC_TRIES);
		err = recover(c);
		if (err)
			return err;
		if (i == MMC_TRIES - 2)
			slow_down(c);
	}
	return -EIO;
}
