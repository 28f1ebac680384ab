/* SiFive's SPI controller with a card in SPI mode: byte by byte (SD specification, chapter 7). */
#include "tests/host/mmc/model.h"

#include "drivers/mmc/sd_bits.h"
#include "drivers/mmc/spi_crc.h"
#include "lib/endian.h"

#define OUT_MAX 2048

static uint32_t csmode;
static uint8_t rx[8];
static unsigned rx_count;
static uint8_t frame[6];
static unsigned frame_at;
static uint8_t out[OUT_MAX];	 /* what the card sends next */
static unsigned out_count;
static uint8_t in[516];		 /* a block that it receives */
static unsigned in_at;
static bool crc_on, receiving, streaming;
static bool deaf;		 /* until it is selected anew */

static void send(const void *bytes, unsigned n)
{
	assert_true(out_count + n <= OUT_MAX);
	memcpy(out + out_count, bytes, n);
	out_count += n;
}

static void send_byte(uint8_t b)
{
	send(&b, 1);
}

static void send_block(const uint8_t *bytes, unsigned n, bool bad)
{
	uint8_t crc[2];

	store_be16(crc, (uint16_t)(spi_crc16(bytes, n) ^ (bad ? 1 : 0)));
	send("\xff\xff\xfe", 3);
	send(bytes, n);
	send(crc, 2);
}

/* The next block of a transfer from the card. */
static void send_data(uint32_t size)
{
	uint8_t block[512];

	if (!card_read(block, size)) {
		/* It says that it cannot, or nothing at all. */
		if (card.present)
			send_byte(0x08);
		streaming = false;
		return;
	}
	bool bad = size == 512 && fault_strikes(FAULT_DATA_CRC);

	if (size == 512 && fault_strikes(FAULT_SHORT)) {
		send("\xfe\x55", 2);
		streaming = false;
		return;
	}
	send_block(block, size, bad);
	streaming = card.state == CARD_DATA;
}

static uint8_t r1_of(bool answered, uint32_t status)
{
	return (uint8_t)((card.state == CARD_IDLE) | (answered ? 0 : 4) |
			 (status & (SD_STATUS_RANGE | SD_STATUS_ERROR) ? 0x40 : 0) |
			 (status & SD_STATUS_ADDRESS ? 0x20 : 0));
}

static void respond_data(uint32_t index, const uint32_t r[4])
{
	uint8_t bytes[16];

	if (index == SD_SEND_CSD || index == SD_SEND_CID) {
		for (int i = 0; i < 4; i++)
			store_be32(bytes + 4 * i, r[i]);
		send_block(bytes, 16, false);
	} else if (card.state == CARD_DATA) {
		send_data(index == SD_SWITCH_FUNC ? 64 : index == SD_APP_SEND_SCR ? 8 : 512);
	} else if (card.state == CARD_RCV) {
		receiving = true;
		in_at = 0;
	}
}

static void command(void)
{
	uint32_t index = frame[0] & 63, arg = load_be32(frame + 1), r[4];
	bool transfers = index == SD_READ || index == SD_READ_MULTIPLE || index == SD_WRITE ||
			 index == SD_WRITE_MULTIPLE;
	uint8_t bytes[4];

	out_count = 0;
	streaming = receiving = false;
	assert_int_equal(frame[5], spi_crc7(frame, 5) << 1 | 1);
	/* Each command finds the card selected, and a card once in SPI mode stays there. */
	if (transfers && fault_strikes(FAULT_NO_RESPONSE))
		return;
	bool answered = card_command(index, arg, r);

	if (!card.present)
		return;
	if (index == SD_STOP)
		send_byte(0x7e); /* the rest of a block */
	send_byte(0xff);
	if (transfers && fault_strikes(FAULT_RESPONSE_CRC)) {
		card_stop();
		send_byte(8);
		return;
	}
	/* In native mode a card that has nothing to stop is silent; here it says so. */
	send_byte(r1_of(answered, transfers ? r[0] : 0));
	if (!answered)
		return;
	if (index == SD_CRC_ON_OFF)
		crc_on = arg & 1;
	if (index == SD_GO_IDLE)
		crc_on = false;
	if (index == SD_SEND_IF_COND || index == SD_READ_OCR) {
		store_be32(bytes, r[0]);
		send(bytes, 4);
	}
	if (index == SD_SEND_STATUS)
		send_byte(r[0] & SD_STATUS_ERROR ? 4 : 0);
	if (transfers && fault_strikes(FAULT_SILENT)) {
		deaf = true;
		return;
	}
	if (!(r[0] & SD_STATUS_ERRORS && transfers))
		respond_data(index, r);
}

static void received(void)
{
	bool crc_bad = crc_on && load_be16(in + 513) != spi_crc16(in + 1, 512);

	receiving = card.multiple;
	in_at = 0;
	if (crc_bad || fault_strikes(FAULT_DATA_CRC))
		send_byte(0xeb);
	else if (card_write(in + 1, 512))
		send("\xe5\x00\x00", 3);
	else if (card.present)
		send_byte(0xed);
	receiving = receiving && card.present;
}

static void receive(uint8_t byte)
{
	if (in_at == 0 && byte == 0xfd) {
		receiving = false;
		card_stop();
		send("\xff\x00\x00", 3);
	} else if (in_at || byte == 0xfe || byte == 0xfc) {
		in[in_at++] = byte;
		if (in_at == 515)
			received();
	}
}

static uint8_t exchange(uint8_t byte)
{
	uint8_t answer = 0xff;

	if (csmode != 2 || deaf)
		return 0xff;
	if (card.busy && card.present && !out_count)
		answer = 0;
	if (out_count) {
		answer = out[0];
		memmove(out, out + 1, --out_count);
	} else if (streaming && frame_at == 0 && byte == 0xff) {
		send_data(512);
	}
	if (receiving)
		receive(byte);
	else if (frame_at || (byte & 0xc0) == 0x40)
		frame[frame_at++] = byte;
	if (frame_at == 6) {
		frame_at = 0;
		command();
	}
	return answer;
}

static uint64_t spi_read(uint32_t reg, unsigned size)
{
	uint8_t v;

	assert_int_equal(size, 4);
	if (reg != 0x4c)
		return 0;
	if (!rx_count)
		return 0x80000000;
	v = rx[0];
	memmove(rx, rx + 1, --rx_count);
	return v;
}

static void spi_write(uint32_t reg, unsigned size, uint64_t v)
{
	assert_int_equal(size, 4);
	if (reg == 0x18) {
		csmode = (uint32_t)v;
		deaf = false;
		frame_at = 0;
	} else if (reg == 0x48) {
		assert_true(rx_count < 8);
		rx[rx_count++] = exchange((uint8_t)v);
	}
}

static void spi_reset(void)
{
	rx_count = frame_at = out_count = 0;
	streaming = receiving = crc_on = false;
}

const struct model_regs spi_model = {
	.base = 0x10050000, .size = 0x1000, .read = spi_read, .write = spi_write,
	.reset = spi_reset,
};
