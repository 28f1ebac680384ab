/* An SD card, on the level of commands and blocks. */
#include "tests/host/mmc/model.h"

#include "drivers/mmc/sd_bits.h"

struct model_card card;
struct model_fault fault;

bool fault_strikes(enum fault kind)
{
	if (fault.kind != kind || !fault.strikes)
		return false;
	if (fault.skip) {
		fault.skip--;
		return false;
	}
	fault.strikes--;
	fault.struck++;
	return true;
}

void card_insert(bool high_capacity)
{
	/* 32 MiB either way: version 1 counts (C_SIZE + 1) << (MULT + 2), version 2 in 1024s. */
	static const uint32_t csd1[4] = {0x002e0032, 0x5b598000 | 0x1ff >> 2,
					 0x3u << 30 | 2u << 15 | 0x7f80, 0x0a400001};
	static const uint32_t csd2[4] = {0x400e0032, 0x5b590000, 7u << 16 | 0x7f80, 0x0a400001};

	card = (struct model_card){
		.present = true, .version2 = true, .is_sd = true, .high_capacity = high_capacity,
		.cid = {0x03534453, 0x55313647, 0x80123456, 0x78015301},
	};
	memcpy(card.csd, high_capacity ? csd2 : csd1, sizeof(card.csd));
	for (unsigned i = 0; i < CARD_SECTORS; i++)
		memset(card.store[i], (int)(i * 7 + 1), 512);
}

static uint32_t take_status(void)
{
	uint32_t s = card.errors | (uint32_t)card.state << 9;

	card.errors = 0;
	if (!card.busy && card.state != CARD_PRG)
		s |= SD_STATUS_READY;
	return s | (card.app ? 1u << 5 : 0);
}

static bool op_cond(uint32_t arg, uint32_t *resp)
{
	if (!card.is_sd)
		return false;
	*resp = 0x00ff8000;
	/* A large card waits for a host that knows of such. */
	if ((!card.high_capacity || arg & SD_OCR_HIGH_CAPACITY) && card.opcond_polls++ >= 2) {
		*resp |= SD_OCR_READY | (card.high_capacity ? SD_OCR_HIGH_CAPACITY : 0);
		card.state = card.spi ? CARD_TRAN : CARD_READY;
	}
	return true;
}

static void send_register(const uint8_t *bytes, size_t len)
{
	memcpy(card.reg_buf, bytes, len);
	card.registers = card.reg_buf;
	card.state = CARD_DATA;
}

static bool app_command(uint32_t index, uint32_t arg, uint32_t *resp)
{
	static const uint8_t scr[8] = {0x02, 0x35, 0x80};

	if (index == SD_APP_OP_COND)
		return op_cond(arg, resp);
	*resp = take_status();
	if (card.state != CARD_TRAN)
		return false;
	if (index == SD_APP_SEND_SCR)
		send_register(scr, sizeof(scr));
	else if (index == SD_APP_SET_WIDTH)
		card.width = arg == 2 ? 4 : 1;
	else
		return false;
	return true;
}

static bool switch_function(uint32_t arg, uint32_t *resp)
{
	uint8_t status[64] = {0};

	if (card.state != CARD_TRAN)
		return false;
	*resp = take_status();
	status[13] = 3;
	status[16] = 1;
	card.high_speed |= arg == SD_SWITCH_SET;
	send_register(status, sizeof(status));
	return true;
}

static bool transfer(uint32_t index, uint32_t arg, uint32_t *resp)
{
	if (card.state != CARD_TRAN)
		return false;
	card.transfers++;
	card.sector = card.high_capacity ? arg : arg / 512;
	if ((!card.high_capacity && arg % 512) || card.sector >= CARD_SECTORS)
		card.errors |= SD_STATUS_RANGE;
	if (fault_strikes(FAULT_STATUS))
		card.errors |= SD_STATUS_ERROR;
	bool failed = card.errors;

	*resp = take_status();
	if (failed)
		return true;
	card.multiple = index == SD_READ_MULTIPLE || index == SD_WRITE_MULTIPLE;
	card.state = index == SD_READ || index == SD_READ_MULTIPLE ? CARD_DATA : CARD_RCV;
	return true;
}

static void go_idle(void)
{
	card.state = CARD_IDLE;
	card.app = card.busy = card.high_speed = false;
	card.errors = card.rca = card.opcond_polls = 0;
	card.width = 1;
	card.registers = NULL;
	card.resets++;
}

static bool status(uint32_t *resp)
{
	if (card.state == CARD_PRG && !card.busy && card.prg_polls-- == 0)
		card.state = CARD_TRAN;
	*resp = take_status();
	return true;
}

/* CID, address, CSD, selection: a state each. */
static bool identity(uint32_t index, uint32_t arg, uint32_t resp[4])
{
	static const enum card_state from[] = {[2] = CARD_READY, [3] = CARD_IDENT, [7] = CARD_STBY,
					       [9] = CARD_STBY, [10] = CARD_TRAN};

	if (card.state != (card.spi ? CARD_TRAN : from[index]))
		return false;
	if (index == SD_ALL_SEND_CID || index == SD_SEND_CID) {
		memcpy(resp, card.cid, sizeof(card.cid));
		card.state = card.spi ? CARD_TRAN : CARD_IDENT;
	} else if (index == SD_SEND_RCA) {
		resp[0] = card.rca = 0x12340000;
		card.state = CARD_STBY;
	} else if (index == SD_SEND_CSD) {
		memcpy(resp, card.csd, sizeof(card.csd));
	} else if (arg == card.rca) {
		resp[0] = take_status();
		card.state = CARD_TRAN;
	}
	return true;
}

bool card_command(uint32_t index, uint32_t arg, uint32_t resp[4])
{
	bool app = card.app;

	memset(resp, 0, 4 * sizeof(*resp));
	card.app = false;
	if (!card.present)
		return false;
	if (app && index != SD_APP_CMD)
		return app_command(index, arg, resp);
	switch (index) {
	case SD_GO_IDLE:
		go_idle();
		return true;
	case SD_SEND_IF_COND:
		resp[0] = arg & 0xfff;
		return card.version2 && card.state == CARD_IDLE;
	case SD_APP_CMD:
		card.app = true;
		resp[0] = take_status();
		return true;
	case SD_ALL_SEND_CID:
	case SD_SEND_RCA:
	case SD_SELECT:
	case SD_SEND_CSD:
	case SD_SEND_CID:
		return identity(index, arg, resp);
	case SD_SET_BLOCKLEN:
		resp[0] = take_status();
		return arg == 512;
	case SD_SWITCH_FUNC:
		return switch_function(arg, resp);
	case SD_SEND_STATUS:
		return status(resp);
	case SD_STOP:
		resp[0] = take_status();
		app = card.state == CARD_DATA || card.state == CARD_RCV;
		card_stop();
		return app;
	case SD_READ:
	case SD_READ_MULTIPLE:
	case SD_WRITE:
	case SD_WRITE_MULTIPLE:
		return transfer(index, arg, resp);
	case SD_READ_OCR:
		resp[0] = 0x80ff8000 | (card.high_capacity ? SD_OCR_HIGH_CAPACITY : 0);
		return card.spi;
	case SD_CRC_ON_OFF:
		return card.spi && !card.refuses_crc;
	default:
		return false;
	}
}

void card_stop(void)
{
	card.registers = NULL;
	if (card.state == CARD_RCV) {
		/* In SPI mode its line says that it is busy. */
		card.state = card.spi ? CARD_TRAN : CARD_PRG;
		card.prg_polls = 2;
		if (fault_strikes(FAULT_BUSY))
			card.busy = true;
	} else if (card.state == CARD_DATA) {
		card.state = CARD_TRAN;
	}
}

static bool data_fault(void)
{
	if (fault_strikes(FAULT_REMOVED))
		card.present = false;
	return !card.present || fault_strikes(FAULT_NO_DATA);
}

bool card_read(uint8_t *buf, uint32_t size)
{
	if (card.state != CARD_DATA || !card.present)
		return false;
	if (card.registers) {
		if (fault_strikes(FAULT_REGISTER))
			return false;
		memcpy(buf, card.registers, size);
		card_stop();
		return true;
	}
	if (data_fault() || card.sector >= CARD_SECTORS)
		return false;
	memcpy(buf, card.store[card.sector++], size);
	if (!card.multiple)
		card_stop();
	return true;
}

bool card_write(const uint8_t *buf, uint32_t size)
{
	if (card.state != CARD_RCV || data_fault() || card.sector >= CARD_SECTORS)
		return false;
	memcpy(card.store[card.sector++], buf, size);
	if (!card.multiple)
		card_stop();
	return true;
}
