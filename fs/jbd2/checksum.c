/*
 * The checksums of a journal. Which of them there are is a matter of its features.
 */
#include "fs/jbd2/internal.h"
#include "lib/crc.h"
#include "lib/string.h"

uint32_t journal_super_checksum(const struct jbd2_super *s)
{
	return crc32c_around(~0u, s, sizeof(*s), offsetof(struct jbd2_super, checksum), 4);
}

static uint32_t tail_sum(const struct journal *j, const void *block)
{
	return crc32c_around(j->csum_seed, block, j->block_size, j->block_size - JBD2_TAIL_SIZE,
			     4);
}

bool journal_tail_check(const struct journal *j, const void *block)
{
	const uint8_t *end = (const uint8_t *)block + j->block_size - JBD2_TAIL_SIZE;

	return !j->csum || load_be32(end) == tail_sum(j, block);
}

void journal_tail_set(const struct journal *j, void *block)
{
	uint8_t *end = (uint8_t *)block + j->block_size - JBD2_TAIL_SIZE;

	if (j->csum)
		store_be32(end, tail_sum(j, block));
}

static uint32_t commit_sum(const struct journal *j, const void *block)
{
	return crc32c_around(j->csum_seed, block, j->block_size,
			     offsetof(struct jbd2_commit, checksum), 4);
}

bool journal_commit_check(const struct journal *j, const void *block)
{
	const struct jbd2_commit *c = block;

	return !j->csum || be32_get(c->checksum[0]) == commit_sum(j, block);
}

void journal_commit_set(const struct journal *j, void *block)
{
	struct jbd2_commit *c = block;

	if (j->csum)
		c->checksum[0] = be32_of(commit_sum(j, block));
}

uint32_t journal_data_checksum(const struct journal *j, const void *data, uint32_t sequence)
{
	be32 seq = be32_of(sequence);
	uint32_t crc = crc32c(j->csum_seed, &seq, sizeof(seq));

	crc = crc32c(crc, data, j->block_size);
	return j->csum3 ? crc : crc & 0xffff;
}

uint32_t crc32_high_first(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	while (len--) {
		crc ^= (uint32_t)*p++ << 24;
		for (int bit = 0; bit < 8; bit++)
			crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7u : 0);
	}
	return crc;
}
