/*
 * The tags of descriptor blocks, which name the blocks whose copies follow.
 */
#include "fs/jbd2/internal.h"
#include "lib/string.h"

/* Where tags must end: a checksum may follow. */
static uint32_t tags_end(const struct journal *j)
{
	return j->block_size - (j->csum ? JBD2_TAIL_SIZE : 0);
}

bool tag_load(const struct journal *j, const void *block, uint32_t *at, struct tag *t)
{
	const uint8_t *p = (const uint8_t *)block + *at;

	if (*at + j->tag_size > tags_end(j))
		return false;
	t->block = load_be32(p);
	if (j->csum3) {
		t->flags = load_be32(p + 4);
		t->checksum = load_be32(p + 12);
	} else {
		t->checksum = load_be16(p + 4);
		t->flags = load_be16(p + 6);
	}
	if (j->wide)
		t->block |= (uint64_t)load_be32(p + 8) << 32;
	*at += j->tag_size;
	if (!(t->flags & JBD2_TAG_SAME_UUID))
		*at += JBD2_UUID_SIZE;
	return *at <= tags_end(j);
}

bool tag_store(const struct journal *j, void *block, uint32_t *at, const struct tag *t)
{
	uint8_t *p = (uint8_t *)block + *at;
	uint32_t size = j->tag_size + (t->flags & JBD2_TAG_SAME_UUID ? 0 : JBD2_UUID_SIZE);

	if (*at + size > tags_end(j))
		return false;
	store_be32(p, (uint32_t)t->block);
	if (j->csum3) {
		store_be32(p + 4, t->flags);
		store_be32(p + 12, t->checksum);
	} else {
		store_be16(p + 4, (uint16_t)t->checksum);
		store_be16(p + 6, (uint16_t)t->flags);
	}
	if (j->wide)
		store_be32(p + 8, (uint32_t)(t->block >> 32));
	if (!(t->flags & JBD2_TAG_SAME_UUID))
		memcpy(p + j->tag_size, j->super->uuid, JBD2_UUID_SIZE);
	*at += size;
	return true;
}

void tag_end(const struct journal *j, void *block, uint32_t last)
{
	uint8_t *p = (uint8_t *)block + last;

	if (j->csum3)
		store_be32(p + 4, load_be32(p + 4) | JBD2_TAG_LAST);
	else
		store_be16(p + 6, load_be16(p + 6) | JBD2_TAG_LAST);
}
