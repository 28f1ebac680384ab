/*
 * drivers/mmc/ over models of the controllers: identification, transfers against a copy, and what
 * happens when things go wrong. Each test runs with each controller in each of its ways.
 */
#include "tests/host/mmc/rig.h"

#include "drivers/mmc/sd_bits.h"
#include "lib/endian.h"
#include "mm/frame.h"

static uint64_t seed = 9;
static uint8_t copy[CARD_SECTORS][512];

static const struct rig_config *config;

static int setup(void **state)
{
	(void)state;
	rig_reset();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_kernel_check();
	return 0;
}

#define FOR_ALL_CONFIGS                                                                            \
	for (config = rig_configs; config < rig_configs + rig_config_count && !setup(NULL);        \
	     config++)

static void probe(void)
{
	int err = rig_probe(config);

	if (err)
		fail_msg("%s: error %d", config->name, -err);
	assert_non_null(rig_disk);
	if (config->descriptors && !*config->descriptors)
		fail_msg("%s: no DMA", config->name);
	memcpy(copy, card.store, sizeof(copy));
}

/* Pages of either range of RAM, handed back after each transfer. */
static struct frame *get_page(bool high)
{
	struct frame *f[64];
	unsigned n = 0;

	/* The buddy lists decide, unless told: take pages until one lies where it should. */
	if (!high)
		return frame_alloc(0, FRAME_DMA32);
	do
		f[n++] = frame_alloc(0, 0);
	while (f[n - 1] && frame_pa(f[n - 1]) < 4 * GiB && n < ARRAY_SIZE(f));
	assert_non_null(f[n - 1]);
	struct frame *found = f[--n];

	while (n)
		frame_free(f[--n], 0);
	return found;
}

#define PAGES_MAX 24

/* Transfer `sectors` from `sector` on, in pieces of random sizes; the bio's status. */
static int transfer(enum bio_op op, uint32_t sector, uint32_t sectors, bool high)
{
	struct frame *page[PAGES_MAX];
	struct bio_vec vec[PAGES_MAX];
	struct bio b;
	uint32_t n = 0, at = sector;

	bio_init(&b, &rig_disk->disk, op, sector);
	for (; at < sector + sectors; n++) {
		uint32_t take = 1 + test_random(&seed) % 8;

		assert_true(n < PAGES_MAX);
		if (n >= PAGES_MAX - 16)
			take = 8;
		take = MIN(take, sector + sectors - at);
		page[n] = get_page(high);
		vec[n] = (struct bio_vec){frame_pa(page[n]), take * 512};
		if (op == BIO_WRITE) {
			for (uint32_t i = 0; i < take * 512; i++)
				copy[at + i / 512][i % 512] = (uint8_t)test_random(&seed);
			memcpy(frame_data(page[n]), copy[at], take * 512);
		} else {
			memset(frame_data(page[n]), 0xee, PAGE_SIZE);
		}
		at += take;
	}
	b.vec = vec;
	b.nvec = n;
	int err = bio_submit_wait(&b);

	for (uint32_t i = 0, s = sector; i < n; s += vec[i++].len / 512) {
		if (op == BIO_READ && !err)
			assert_memory_equal(frame_data(page[i]), copy[s], vec[i].len);
		frame_free(page[i], 0);
	}
	if (op == BIO_WRITE && !err)
		assert_memory_equal(card.store, copy, sizeof(copy));
	return err;
}

static void check_transfers(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		uint32_t sectors = 1 + test_random(&seed) % 60;
		uint32_t sector = (uint32_t)(test_random(&seed) % (CARD_SECTORS - sectors));
		enum bio_op op = i & 1 ? BIO_READ : BIO_WRITE;

		if (transfer(op, sector, sectors, test_random(&seed) & 1))
			fail_msg("%s: operation %d failed", config->name, op);
	}
}

static void test_identify(void **state)
{
	(void)state;
	FOR_ALL_CONFIGS {
		card_insert(true);
		probe();
		const struct sd_card *c = &rig_disk->card;

		assert_true(c->high_capacity);
		assert_int_equal(c->csd.sectors, CARD_SECTORS);
		assert_int_equal(rig_disk->disk.sectors, CARD_SECTORS);
		assert_string_equal(c->cid.product, "SU16G");
		assert_int_equal(c->cid.serial, 0x12345678);
		assert_int_equal(c->scr.version, 300);
		if (card.spi) {
			assert_in_range(c->host->hz, 15000000, 20000000);
		} else {
			assert_int_equal(card.width, 4);
			assert_int_equal(c->high_speed, card.high_speed);
			assert_int_equal(c->high_speed, config->model != &dw_polled_model);
			assert_in_range(c->host->hz, 25000000, 50000000);
		}
	}
}

static void test_transfers(void **state)
{
	(void)state;
	FOR_ALL_CONFIGS {
		card_insert(true);
		probe();
		check_transfers(40);
		if (rig_disk->card.errors)
			fail_msg("%s: %u errors", config->name, rig_disk->card.errors);
		assert_int_equal(bio_submit_wait(&(struct bio){.dev = &rig_disk->disk,
							       .op = BIO_FLUSH}), 0);
	}
}

/* Sectors of a small card are addressed in bytes; an old one does not know CMD8. */
static void test_small_card(void **state)
{
	(void)state;
	FOR_ALL_CONFIGS {
		card_insert(false);
		card.version2 = false;
		card.refuses_crc = true;
		probe();
		assert_false(rig_disk->card.high_capacity);
		assert_int_equal(rig_disk->disk.sectors, CARD_SECTORS);
		check_transfers(10);
		assert_int_equal(transfer(BIO_READ, CARD_SECTORS - 2, 2, false), 0);
	}
}

/* Errors on the way: two of them are repaired, wherever they come; one that stays is no disk. */
static void test_identify_again(void **state)
{
	(void)state;
	FOR_ALL_CONFIGS {
		for (unsigned skip = 0; skip < 3; skip++) {
			rig_reset();
			card_insert(true);
			fault = (struct model_fault){FAULT_REGISTER, skip, 2, 0};
			probe();
			assert_int_equal(fault.struck > 0, skip == 0 || rig_disk->card.high_speed);
			fault.kind = FAULT_NONE;
			check_transfers(4);
			assert_int_equal(rig_disk->card.errors, 0);
		}
		rig_reset();
		card_insert(true);
		fault = (struct model_fault){FAULT_REGISTER, 0, UINT32_MAX, 0};
		int err = rig_probe(config);

		if (!err || err == -ENODEV || fault.struck != MMC_TRIES)
			fail_msg("%s: error %d, %u faults", config->name, -err, fault.struck);
		assert_null(rig_disk);
	}
}

static void test_no_card(void **state)
{
	(void)state;
	FOR_ALL_CONFIGS {
		assert_int_equal(rig_probe(config), -ENODEV);
		assert_null(rig_disk);
		/* One that answers to the first commands, and is something else. */
		rig_reset();
		card_insert(true);
		card.is_sd = card.version2 = false;
		assert_int_equal(rig_probe(config), -ENODEV);
		assert_null(rig_disk);
	}
}

static void test_strange_card(void **state)
{
	(void)state;
	FOR_ALL_CONFIGS {
		card_insert(true);
		card.csd[0] |= 0xc0000000; /* a structure of a version to come */
		assert_int_equal(rig_probe(config), -EOPNOTSUPP);
		assert_null(rig_disk);
	}
}

static const enum fault passing[] = {FAULT_NO_RESPONSE, FAULT_RESPONSE_CRC, FAULT_STATUS,
				     FAULT_NO_DATA,	FAULT_DATA_CRC,	    FAULT_SHORT,
				     FAULT_SILENT,	FAULT_BUSY,	    FAULT_DESCRIPTOR};

/* Errors that pass are repaired, and nobody but the log knows. */
static void test_passing_faults(void **state)
{
	(void)state;
	FOR_ALL_CONFIGS {
		card_insert(true);
		probe();
		for (unsigned i = 0; i < ARRAY_SIZE(passing); i++) {
			for (unsigned n = 0; n < 8; n++) {
				enum bio_op op = n & 1 ? BIO_READ : BIO_WRITE;
				unsigned errors = rig_disk->card.errors;
				int err;

				fault = (struct model_fault){passing[i], n / 4, 1 + n / 2 % 2, 0};
				err = transfer(op, 100 * n, n % 3 ? 20 : 1, n & 2);
				if (err)
					fail_msg("%s: fault %d, operation %d: %d", config->name,
						 passing[i], op, err);
				assert_int_equal(rig_disk->card.errors > errors,
						 fault.struck > 0);
			}
		}
		fault.kind = FAULT_NONE;
		check_transfers(4);
		assert_int_equal(rig_disk->card.errors > 0, 1);
	}
}

/* Errors that stay are the caller's, after so many tries; what comes later works again. */
static void test_lasting_faults(void **state)
{
	(void)state;
	FOR_ALL_CONFIGS {
		card_insert(true);
		probe();
		for (unsigned i = 0; i < ARRAY_SIZE(passing); i++) {
			unsigned before = card.transfers;

			fault = (struct model_fault){passing[i], 0, UINT32_MAX, 0};
			int err = transfer(BIO_READ, 8, 8, false);

			if (!fault.struck) {
				assert_int_equal(err, 0);
				continue;
			}
			if (err != -EIO)
				fail_msg("%s: fault %d: %d", config->name, passing[i], err);
			assert_true(card.transfers - before <= 3);
			fault.kind = FAULT_NONE;
			assert_int_equal(transfer(BIO_READ, 8, 8, false), 0);
		}
		assert_false(rig_disk->card.removed);
	}
}

static void test_removed(void **state)
{
	(void)state;
	FOR_ALL_CONFIGS {
		for (unsigned n = 0; n < 4; n++) {
			rig_reset();
			card_insert(true);
			probe();
			fault = (struct model_fault){FAULT_REMOVED, n & 2 ? 3 : 0, 1, 0};
			assert_int_equal(transfer(n & 1 ? BIO_READ : BIO_WRITE, 64, 16, false),
					 -EIO);
			assert_true(rig_disk->card.removed);
			/* It does not come back, nor does another one in its place. */
			card_insert(true);
			card.cid[2] ^= 1;
			unsigned resets = card.resets;

			assert_int_equal(transfer(BIO_READ, 0, 1, false), -EIO);
			assert_int_equal(card.resets, resets);
		}
	}
}

/* Out for a moment and in again, the same card: the transfer is done. Another card: it is not. */
static void test_changed(void **state)
{
	(void)state;
	FOR_ALL_CONFIGS {
		card_insert(true);
		probe();
		card.state = CARD_IDLE;
		card.rca = 0;
		assert_int_equal(transfer(BIO_READ, 0, 4, false), 0);
		card.state = CARD_IDLE;
		card.rca = 0;
		card.cid[3] ^= 0x100;
		assert_int_equal(transfer(BIO_READ, 0, 4, false), -EIO);
		assert_true(rig_disk->card.removed);
	}
}

/* Registers of cards and what is known of them, or computed by hand from the specification. */
static void test_registers(void **state)
{
	static const uint32_t csd_2gb[4] = {0x007f0032, 0x5b5a83d5, 0x6dbfff80, 0x16800000};
	static const uint32_t csd_16gb[4] = {0x400e0032, 0x5b590000, 0x76b27f80, 0x0a404000};
	static const uint32_t cid[4] = {0x03534453, 0x55303247, 0x809bca12, 0xe700b5a7};
	static const uint8_t scr[8] = {0x02, 0x35, 0x84, 0x03};
	struct sd_csd c;
	struct sd_cid i;
	struct sd_scr s;
	uint32_t bad[4];

	(void)state;
	assert_int_equal(sd_csd_decode(csd_2gb, &c), 0);
	assert_int_equal(c.sectors, (0xf55 + 1) * 512 * 2);
	assert_int_equal(c.hz, 25000000);
	assert_int_equal(sd_csd_decode(csd_16gb, &c), 0);
	assert_int_equal(c.sectors, (0x76b2 + 1) * 1024);
	assert_false(c.readonly);
	memcpy(bad, csd_16gb, sizeof(bad));
	bad[3] |= 1 << 12;
	assert_int_equal(sd_csd_decode(bad, &c), 0);
	assert_true(c.readonly);
	bad[0] = 0xc00e0032;
	assert_int_equal(sd_csd_decode(bad, &c), -EINVAL);
	bad[0] = 0x400e0007; /* no such unit */
	assert_int_equal(sd_csd_decode(bad, &c), -EINVAL);
	memcpy(bad, csd_2gb, sizeof(bad));
	bad[1] = (bad[1] & ~0xf0000u) | 0xc0000;
	assert_int_equal(sd_csd_decode(bad, &c), -EINVAL);
	sd_cid_decode(cid, &i);
	assert_string_equal(i.product, "SU02G");
	assert_string_equal(i.oem, "SD");
	assert_int_equal(i.manufacturer, 3);
	assert_int_equal(i.revision, 80);
	assert_int_equal(i.serial, 0x9bca12e7);
	assert_int_equal(i.year, 2011);
	assert_int_equal(i.month, 5);
	assert_int_equal(sd_scr_decode(scr, &s), 0);
	assert_int_equal(s.version, 400);
	assert_true(s.has_4bit && s.has_switch);
	assert_int_equal(sd_scr_decode((const uint8_t[8]){0x00, 0x01}, &s), 0);
	assert_int_equal(s.version, 100);
	assert_false(s.has_4bit || s.has_switch);
	assert_int_equal(sd_scr_decode((const uint8_t[8]){0x10, 0x05}, &s), -EINVAL);
}

extern const struct driver driver_jh7110_crg, driver_ccache;

/* The clocks and the reset line that the tree names, and nothing else. */
static void test_clocks(void **state)
{
	(void)state;
	*rig_register(0x13020300) = UINT32_MAX;
	*rig_register(0x13020310) = 2;
	assert_int_equal(rig_probe_node("/soc/clock-controller@13020000", &driver_jh7110_crg), 0);
	config = &rig_configs[1];
	card_insert(true);
	probe();
	assert_int_equal(*rig_register(0x13020170), 0x80000000);
	assert_int_equal(*rig_register(0x13020178), 0x80000008);
	assert_int_equal(*rig_register(0x13020300), 0xfffffffd);
	assert_int_equal(rig_disk->card.host->max_hz, 49500000);
	/* A line that stays asserted is an error, not a hang. */
	*rig_register(0x13020310) = 0;
	rig_disk = NULL;
	assert_int_equal(rig_probe(config), -ETIMEDOUT);
	*rig_register(0x13020310) = 2;
}

/* Last: it stays so. Data and descriptors reach the device through the cache's register only. */
static void test_incoherent(void **state)
{
	(void)state;
	config = &rig_configs[2];
	card_insert(true);
	probe();
	assert_int_equal(rig_flushed, 0);
	assert_int_equal(rig_probe_node("/soc/cache-controller@2010000", &driver_ccache), 0);
	assert_int_equal(transfer(BIO_WRITE, 16, 8, false), 0);
	assert_true(rig_flushed >= 8 * 512 / 64 + 1);
	unsigned before = rig_flushed;

	assert_int_equal(transfer(BIO_READ, 16, 8, false), 0);
	/* Before, and again after the device wrote. */
	assert_true(rig_flushed - before >= 2 * 8 * 512 / 64 + 1);
}

static int group_setup(void **state)
{
	(void)state;
	rig_start();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(registers),	TEST(identify),		TEST(transfers),
		TEST(small_card),	TEST(no_card),		TEST(strange_card),
		TEST(passing_faults),	TEST(lasting_faults),	TEST(removed),
		TEST(changed),		TEST(identify_again),	TEST(clocks),
		TEST(incoherent),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}
