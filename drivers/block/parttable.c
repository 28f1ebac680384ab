#include "drivers/block/parttable.h"

#include "kernel/uapi/errno.h"
#include "lib/bits.h"
#include "lib/crc.h"
#include "lib/endian.h"
#include "lib/printf.h"
#include "lib/string.h"

#define SECTOR 512

/* MBR: four entries of 16 bytes, then the signature. */
#define MBR_SERIAL    440
#define MBR_ENTRIES   446
#define MBR_SIGNATURE 510
#define MBR_GPT	      0xee
#define LOGICAL_MAX   60 /* in an extended partition; the chain may be damaged */

/* GPT header, at LBA 1 and at the last one. */
#define GPT_SIGNATURE	0
#define GPT_HEADER_SIZE 12
#define GPT_HEADER_CRC	16
#define GPT_MY_LBA	24
#define GPT_FIRST_LBA	40
#define GPT_LAST_LBA	48
#define GPT_ENTRIES_LBA 72
#define GPT_ENTRY_COUNT 80
#define GPT_ENTRY_SIZE	84
#define GPT_ENTRIES_CRC 88
#define GPT_HEADER_MIN	92

#define GPT_ENTRIES_MAX 1024 /* 128 is usual */

struct mbr_entry {
	uint8_t status, type;
	uint32_t start, sectors;
};

struct gpt {
	uint64_t first, last; /* usable LBAs */
	uint64_t entries;     /* LBA */
	uint32_t count, entry_size, entries_crc;
};

static struct mbr_entry mbr_entry(const uint8_t *sector, int i)
{
	const uint8_t *e = sector + MBR_ENTRIES + 16 * i;

	return (struct mbr_entry){e[0], e[4], load_le32(e + 8), load_le32(e + 12)};
}

/* A boot sector of a FAT file system carries the signature too, but no sensible entries. */
static bool mbr_valid(const uint8_t *sector)
{
	if (sector[MBR_SIGNATURE] != 0x55 || sector[MBR_SIGNATURE + 1] != 0xaa)
		return false;
	for (int i = 0; i < 4; i++)
		if (mbr_entry(sector, i).status & 0x7f)
			return false;
	return true;
}

static bool mbr_is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0f || type == 0x85;
}

/* A partition that begins on the disk is cut at its end; others are left out. */
static int mbr_add(struct partition_disk *d, struct partition *table, int n, uint32_t number,
		   uint64_t start, uint64_t sectors, uint32_t serial)
{
	if (n == PARTITIONS_MAX || !sectors)
		return n;
	if (!start || start >= d->sectors) {
		d->note = "a partition lies outside of the disk";
		return n;
	}
	if (sectors > d->sectors - start) {
		d->note = "a partition ends behind the disk";
		sectors = d->sectors - start;
	}
	struct partition *p = &table[n];

	p->number = number;
	p->start = start;
	p->sectors = sectors;
	snprintf(p->uuid, sizeof(p->uuid), "%08x-%02x", serial, number);
	return n + 1;
}

/*
 * Each extended boot record describes one logical partition, relative to itself, and where the
 * next record is, relative to the first.
 */
static int mbr_logical(struct partition_disk *d, struct partition *table, int n,
		       struct mbr_entry ext, uint32_t serial, uint64_t unit)
{
	uint8_t sector[SECTOR];
	uint64_t base = ext.start * unit, at = base, limit = base + ext.sectors * unit;

	for (uint32_t i = 0; i < LOGICAL_MAX; i++) {
		uint64_t next = 0;

		if (at < base || at >= limit || at >= d->sectors)
			break;
		int err = d->read(d, at, sector);

		if (err)
			return err;
		if (!mbr_valid(sector))
			break;
		for (int e = 0; e < 2; e++) {
			struct mbr_entry m = mbr_entry(sector, e);

			if (!m.sectors)
				continue;
			if (mbr_is_extended(m.type))
				next = base + m.start * unit;
			else if (m.type)
				n = mbr_add(d, table, n, 5 + i, at + m.start * unit,
					    m.sectors * unit, serial);
		}
		/* Onwards only: a chain that turns back would never end. */
		if (next <= at)
			break;
		at = next;
	}
	return n;
}

static int mbr_parse(struct partition_disk *d, const uint8_t *sector, struct partition *table)
{
	uint64_t unit = d->block_size / SECTOR;
	uint32_t serial = load_le32(sector + MBR_SERIAL);
	struct mbr_entry extended = {0};
	int n = 0;

	for (int i = 0; i < 4; i++) {
		struct mbr_entry e = mbr_entry(sector, i);

		if (!e.type || !e.sectors || e.type == MBR_GPT)
			continue;
		if (mbr_is_extended(e.type)) {
			/* Its first sectors are for boot loaders: Linux shows two of them. */
			if (!extended.type)
				extended = e;
			n = mbr_add(d, table, n, (uint32_t)i + 1, e.start * unit,
				    MIN(e.sectors * unit, UINT64_C(2)), serial);
			continue;
		}
		n = mbr_add(d, table, n, (uint32_t)i + 1, e.start * unit, e.sectors * unit, serial);
	}
	if (extended.type)
		n = mbr_logical(d, table, n, extended, serial, unit);
	return n;
}

/* The header at lba, checked: 1, 0 if it is no good, or -errno. */
static int gpt_header(struct partition_disk *d, uint64_t lba, struct gpt *g)
{
	uint8_t h[SECTOR];
	uint64_t unit = d->block_size / SECTOR, last_lba = d->sectors / unit - 1;
	int err = d->read(d, lba * unit, h);

	if (err)
		return err;
	uint32_t size = load_le32(h + GPT_HEADER_SIZE), crc = load_le32(h + GPT_HEADER_CRC);

	if (memcmp(h + GPT_SIGNATURE, "EFI PART", 8) != 0 || size < GPT_HEADER_MIN || size > SECTOR)
		return 0;
	store_le32(h + GPT_HEADER_CRC, 0);
	if (crc32(0, h, size) != crc || load_le64(h + GPT_MY_LBA) != lba)
		return 0;
	*g = (struct gpt){
		.first = load_le64(h + GPT_FIRST_LBA),
		.last = load_le64(h + GPT_LAST_LBA),
		.entries = load_le64(h + GPT_ENTRIES_LBA),
		.count = load_le32(h + GPT_ENTRY_COUNT),
		.entry_size = load_le32(h + GPT_ENTRY_SIZE),
		.entries_crc = load_le32(h + GPT_ENTRIES_CRC),
	};
	if (g->entry_size < 128 || g->entry_size > SECTOR || !is_power_of_2(g->entry_size) ||
	    !g->count || g->count > GPT_ENTRIES_MAX)
		return 0;
	uint64_t blocks = DIV_ROUND_UP((uint64_t)g->count * g->entry_size, d->block_size);

	if (g->first < 2 || g->first > g->last || g->last > last_lba || g->entries < 2 ||
	    g->entries > last_lba || blocks > last_lba - g->entries + 1)
		return 0;
	return 1;
}

/*
 * The printed form has its first three groups in little-endian order (RFC 4122, appendix of UEFI).
 */
static void guid_print(char out[37], const uint8_t *g)
{
	snprintf(out, 37, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", load_le32(g),
		 load_le16(g + 4), load_le16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14],
		 g[15]);
}

static bool guid_is_zero(const uint8_t *g)
{
	return !(load_le64(g) | load_le64(g + 8));
}

static int gpt_add(struct partition_disk *d, const struct gpt *g, const uint8_t *entry,
		   uint32_t number, struct partition *table, int n)
{
	uint64_t unit = d->block_size / SECTOR;
	uint64_t first = load_le64(entry + 32), last = load_le64(entry + 40);

	if (guid_is_zero(entry) || n == PARTITIONS_MAX)
		return n;
	if (first > last || first < g->first || last > g->last) {
		d->note = "a partition lies outside of the usable blocks";
		return n;
	}
	table[n].number = number;
	table[n].start = first * unit;
	table[n].sectors = (last - first + 1) * unit;
	guid_print(table[n].uuid, entry + 16);
	return n + 1;
}

/* The entries of a checked header: their count, -EBADMSG if the sum is wrong, or -errno. */
static int gpt_entries(struct partition_disk *d, const struct gpt *g, struct partition *table)
{
	uint8_t sector[SECTOR];
	uint64_t base = g->entries * (d->block_size / SECTOR);
	uint32_t bytes = g->count * g->entry_size, crc = 0, number = 1;
	int n = 0;

	for (uint32_t at = 0; at < bytes; at += SECTOR) {
		uint32_t len = MIN(bytes - at, (uint32_t)SECTOR);
		int err = d->read(d, base + at / SECTOR, sector);

		if (err)
			return err;
		crc = crc32(crc, sector, len);
		for (uint32_t e = 0; e < len; e += g->entry_size)
			n = gpt_add(d, g, sector + e, number++, table, n);
	}
	return crc == g->entries_crc ? n : -EBADMSG;
}

static int gpt_parse(struct partition_disk *d, struct partition *table)
{
	uint64_t unit = d->block_size / SECTOR;
	uint64_t places[2] = {1, d->sectors / unit - 1};
	int err = 0;

	for (int i = 0; i < 2; i++) {
		struct gpt g = {0};

		d->note = NULL;
		int n = gpt_header(d, places[i], &g);

		if (n > 0)
			n = gpt_entries(d, &g, table);
		else if (n == 0)
			n = -EBADMSG;
		if (n >= 0) {
			if (i)
				d->note = "the primary GPT is damaged: using the backup";
			return n;
		}
		/* Unreadable or wrong: the other copy may be good. */
		err = n;
	}
	d->note = "both copies of the GPT are damaged";
	return err == -EBADMSG ? 0 : err;
}

int partitions_parse(struct partition_disk *d, struct partition *table)
{
	uint8_t sector[SECTOR];
	uint64_t unit = d->block_size / SECTOR;

	d->note = NULL;
	if (!unit || !is_power_of_2(unit) || unit > 8 || d->sectors < 4 * unit)
		return 0;
	int err = d->read(d, 0, sector);

	if (err)
		return err;
	if (!mbr_valid(sector))
		return 0;
	/* A protective MBR has one entry that covers the disk, of a type nothing else has. */
	for (int i = 0; i < 4; i++)
		if (mbr_entry(sector, i).type == MBR_GPT)
			return gpt_parse(d, table);
	return mbr_parse(d, sector, table);
}
