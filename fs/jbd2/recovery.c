/*
 * Recovery: what the log holds of whole transactions is written to its places.
 *
 * Three walks along the log. SCAN finds the last transaction that has its commit block, and looks
 * at every checksum before anything is written. REVOKE collects what must not be written. REPLAY
 * writes. A transaction without a commit block, or with one whose sum is wrong, never happened; a
 * wrong sum within one that was committed is damage, and the volume is not touched.
 */
#include "fs/jbd2/internal.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/printk.h"
#include "lib/string.h"

enum walk { SCAN, REVOKE, REPLAY };

struct recovery {
	struct journal *j;
	struct revoke_table revoked;
	uint64_t volume_blocks;
	uint8_t *block, *copy;	/* a descriptor; what it describes */
	uint32_t at;		/* next block of the log */
	uint32_t left;		/* blocks of the log that the walk may still visit */
	uint32_t end;		/* the first transaction that is not whole */
	uint32_t crc;		/* SCAN: COMPAT_CHECKSUM of the transaction so far */
	const char *damage;	/* SCAN: in the transaction under way; matters if it is whole */
	uint32_t written, skipped;
};

/* The next block of the log into buf; NULL: only step over it. -ENODATA: all round the log. */
static int next_block(struct recovery *r, void *buf)
{
	uint32_t at = r->at;

	if (!r->left)
		return -ENODATA;
	r->left--;
	r->at = at + 1 < r->j->end ? at + 1 : r->j->first;
	return buf ? journal_transfer(r->j, BIO_READ, at, buf) : 0;
}

static int replay_block(struct recovery *r, const struct tag *t, uint32_t sequence)
{
	uint32_t sectors = r->j->block_size >> SECTOR_SHIFT;

	if (revoke_test(&r->revoked, t->block, sequence)) {
		r->skipped++;
		return 0;
	}
	if (t->flags & JBD2_TAG_ESCAPED)
		store_be32(r->copy, JBD2_MAGIC);
	r->written++;
	return blockdev_transfer(r->j->sb->bdev, BIO_WRITE, t->block * sectors, r->copy,
				 r->j->block_size);
}

/* One copy behind a descriptor block. */
static int walk_copy(struct recovery *r, enum walk walk, const struct tag *t, uint32_t sequence)
{
	const struct journal *j = r->j;
	bool look = walk == REPLAY || (walk == SCAN && (j->csum || j->csum_commit));
	int err = next_block(r, look ? r->copy : NULL);

	if (err || walk == REVOKE)
		return err;
	if (walk == REPLAY)
		return replay_block(r, t, sequence);
	if (t->block >= r->volume_blocks)
		r->damage = "a block beyond the end of the volume";
	else if (j->csum && journal_data_checksum(j, r->copy, sequence) != t->checksum)
		r->damage = "wrong checksum of a block";
	if (j->csum_commit)
		r->crc = crc32_high_first(r->crc, r->copy, j->block_size);
	return 0;
}

static int walk_descriptor(struct recovery *r, enum walk walk, uint32_t sequence)
{
	uint32_t at = sizeof(struct jbd2_header);
	struct tag t;
	int err = 0;

	if (walk == SCAN && !journal_tail_check(r->j, r->block))
		r->damage = "wrong checksum of a descriptor";
	if (walk == SCAN && r->j->csum_commit)
		r->crc = crc32_high_first(r->crc, r->block, r->j->block_size);
	while (!err && tag_load(r->j, r->block, &at, &t)) {
		err = walk_copy(r, walk, &t, sequence);
		if (t.flags & JBD2_TAG_LAST)
			break;
	}
	return err;
}

static int walk_revoke(struct recovery *r, enum walk walk, uint32_t sequence)
{
	const struct jbd2_revoke *v = (const void *)r->block;
	uint32_t size = r->j->wide ? 8 : 4, used = be32_get(v->used);
	uint32_t max = r->j->block_size - (r->j->csum ? JBD2_TAIL_SIZE : 0);
	int err = 0;

	if (walk == SCAN) {
		if (!journal_tail_check(r->j, r->block))
			r->damage = "wrong checksum of a revoke block";
		else if (used > max)
			r->damage = "impossible revoke block";
	}
	if (walk != REVOKE)
		return 0;
	for (uint32_t at = sizeof(*v); at + size <= used && !err; at += size) {
		const uint8_t *p = r->block + at;

		err = revoke_add(&r->revoked, size == 8 ? load_be64(p) : load_be32(p), sequence);
	}
	return err;
}

/* SCAN only: 0; -ENODATA: not whole, the log ends before it; -EUCLEAN. */
static int walk_commit(struct recovery *r)
{
	const struct jbd2_commit *c = (const void *)r->block;
	bool crc = r->j->csum_commit && c->checksum_type == JBD2_CRC32 && c->checksum_size == 4;

	if (!journal_commit_check(r->j, r->block))
		return -ENODATA;
	if (crc && be32_get(c->checksum[0]) != r->crc)
		return -ENODATA;
	if (r->damage)
		return -EUCLEAN;
	r->crc = ~0u;
	return 0;
}

/* The block in r->block belongs to transaction *sequence. 0 to go on. */
static int walk_block(struct recovery *r, enum walk walk, uint32_t *sequence)
{
	const struct jbd2_header *h = (const void *)r->block;
	int err;

	if (be32_get(h->magic) != JBD2_MAGIC || be32_get(h->sequence) != *sequence)
		return -ENODATA;
	switch (be32_get(h->type)) {
	case JBD2_DESCRIPTOR:
		return walk_descriptor(r, walk, *sequence);
	case JBD2_REVOKE:
		return walk_revoke(r, walk, *sequence);
	case JBD2_COMMIT:
		err = walk == SCAN ? walk_commit(r) : 0;
		if (!err)
			++*sequence;
		return err;
	default:
		return -ENODATA;
	}
}

static int walk_log(struct recovery *r, enum walk walk)
{
	uint32_t sequence = be32_get(r->j->super->sequence);
	int err = 0;

	r->at = be32_get(r->j->super->start);
	r->left = r->j->end - r->j->first;
	r->crc = ~0u;
	r->damage = NULL;
	while (!err && (walk == SCAN || sequence != r->end)) {
		err = next_block(r, r->block);
		if (!err)
			err = walk_block(r, walk, &sequence);
	}
	if (walk == SCAN)
		r->end = sequence;
	return err == -ENODATA ? 0 : err;
}

static int recover(struct recovery *r)
{
	struct journal *j = r->j;
	uint32_t first = be32_get(j->super->sequence);
	int err = walk_log(r, SCAN);

	if (!err)
		err = walk_log(r, REVOKE);
	if (!err)
		err = walk_log(r, REPLAY);
	/* It flushes before it writes: the log is needed until all is in its place. */
	if (!err)
		err = journal_super_write(j, 0, r->end + 1);
	if (err)
		return err;
	j->sequence = r->end + 1;
	pr_info("journal of %s: %u transactions recovered, %u blocks written, %u revoked\n",
		j->sb->bdev->name, r->end - first, r->written, r->skipped);
	return 0;
}

int journal_recover(struct journal *j, uint64_t volume_blocks)
{
	struct recovery r = {.j = j, .volume_blocks = volume_blocks};
	int err = -ENOMEM;

	if (!journal_pending(j))
		return 0;
	r.block = kmalloc(j->block_size);
	r.copy = kmalloc(j->block_size);
	if (r.block && r.copy)
		err = revoke_init(&r.revoked);
	if (!err)
		err = recover(&r);
	if (err)
		pr_err("journal of %s: not recovered: %s (%d)\n", j->sb->bdev->name,
		       r.damage ? r.damage : "error", -err);
	revoke_free(&r.revoked);
	kfree(r.copy);
	kfree(r.block);
	return err;
}
