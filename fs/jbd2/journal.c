/*
 * A journal's superblock, and where its blocks lie.
 */
#include "fs/vfs.h"
#include "fs/jbd2/internal.h"
#include "kernel/printk.h"
#include "lib/crc.h"
#include "lib/string.h"
#include "kernel/mem/kmap.h"
#include "kernel/mem/slab.h"

#define INCOMPAT_KNOWN                                                                             \
	(JBD2_INCOMPAT_REVOKE | JBD2_INCOMPAT_64BIT | JBD2_INCOMPAT_ASYNC_COMMIT |                 \
	 JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3)

uint64_t journal_map(const struct journal *j, uint32_t n, uint32_t *run)
{
	const struct journal_extent *e = j->extents;

	while (n >= e->count) {
		n -= e->count;
		e++;
	}
	if (run)
		*run = e->count - n;
	return e->block + n;
}

int journal_transfer(struct journal *j, enum bio_op op, uint32_t n, void *buf)
{
	uint32_t sectors = j->block_size >> SECTOR_SHIFT;

	return blockdev_transfer(j->sb->bdev, op, journal_map(j, n, NULL) * sectors, buf,
				 j->block_size);
}

/* Write j->super and see it on stable storage. */
static int super_store(struct journal *j)
{
	uint64_t sector = journal_map(j, 0, NULL) * (j->block_size >> SECTOR_SHIFT);
	struct bio b;

	if (j->csum)
		j->super->checksum = be32_of(journal_super_checksum(j->super));
	bio_init(&b, j->sb->bdev, BIO_WRITE, sector);
	b.flags = BIO_PREFLUSH | BIO_FUA;
	b.vec[0] = (struct bio_vec){virt_to_phys(j->super), j->block_size};
	b.nvec = 1;
	return bio_submit_wait(&b);
}

int journal_super_write(struct journal *j, uint32_t start, uint32_t sequence)
{
	j->super->start = be32_of(start);
	j->super->sequence = be32_of(sequence);
	return super_store(j);
}

bool journal_pending(const struct journal *j)
{
	return be32_get(j->super->start) != 0;
}

uint32_t journal_error(const struct journal *j)
{
	return be32_get(j->super->error);
}

int journal_set_error(struct journal *j, int err)
{
	j->super->error = be32_of((uint32_t)-err);
	return super_store(j);
}

int journal_clear_error(struct journal *j)
{
	return journal_set_error(j, 0);
}

/* What the features mean for tags and sums. -EINVAL if one of them is not understood. */
static int features_load(struct journal *j)
{
	const struct jbd2_super *s = j->super;
	uint32_t incompat = be32_get(s->feature_incompat), bad, ro;

	j->tag_size = 8;
	/* Version 1 has no features: what stands there means nothing. */
	if (be32_get(s->header.type) == JBD2_SUPER_V1)
		return 0;
	bad = incompat & ~(uint32_t)INCOMPAT_KNOWN;
	ro = be32_get(s->feature_ro_compat);
	if (bad | ro) {
		pr_err("journal of %s: features not understood:%s (%x, ro %x)\n",
		       j->sb->bdev->name, bad & JBD2_INCOMPAT_FAST_COMMIT ? " fast_commit" : "",
		       bad, ro);
		return -EINVAL;
	}
	j->wide = incompat & JBD2_INCOMPAT_64BIT;
	j->csum3 = incompat & JBD2_INCOMPAT_CSUM_V3;
	j->csum = j->csum3 || (incompat & JBD2_INCOMPAT_CSUM_V2);
	j->csum_commit = !j->csum && (be32_get(s->feature_compat) & JBD2_COMPAT_CHECKSUM);
	if (j->csum3)
		j->tag_size = JBD2_TAG_V3_SIZE;
	else
		j->tag_size += (j->wide ? 4 : 0) + (j->csum ? 2 : 0);
	j->csum_seed = crc32c(~0u, s->uuid, sizeof(s->uuid));
	return 0;
}

/* A reason not to believe the superblock, or NULL. blocks: how many the journal has. */
static const char *super_check(const struct journal *j, uint64_t blocks)
{
	const struct jbd2_super *s = j->super;
	uint32_t type = be32_get(s->header.type), incompat = be32_get(s->feature_incompat);
	uint32_t first = be32_get(s->first), len = be32_get(s->maxlen), start = be32_get(s->start);

	if (be32_get(s->header.magic) != JBD2_MAGIC ||
	    (type != JBD2_SUPER_V1 && type != JBD2_SUPER_V2))
		return "no superblock";
	if (be32_get(s->block_size) != j->block_size)
		return "its blocks are not the volume's";
	if (len > blocks || first < 1 || first >= len || len - first < 8)
		return "impossible length";
	if (start && (start < first || start >= len))
		return "it begins outside of itself";
	if (type == JBD2_SUPER_V2 && (incompat & (JBD2_INCOMPAT_CSUM_V2 | JBD2_INCOMPAT_CSUM_V3))) {
		if (s->checksum_type != JBD2_CRC32C)
			return "unknown kind of checksum";
		if (be32_get(s->checksum) != journal_super_checksum(s))
			return "wrong checksum of the superblock";
	}
	return NULL;
}

static int super_load(struct journal *j, uint64_t blocks)
{
	int err = journal_transfer(j, BIO_READ, 0, j->super);
	const char *why;

	if (err) {
		pr_err("journal of %s: cannot be read: error %d\n", j->sb->bdev->name, -err);
		return err;
	}
	why = super_check(j, blocks);
	if (why) {
		pr_err("journal of %s: damaged: %s\n", j->sb->bdev->name, why);
		return -EUCLEAN;
	}
	j->first = be32_get(j->super->first);
	j->end = be32_get(j->super->maxlen);
	j->sequence = be32_get(j->super->sequence);
	return features_load(j);
}

int journal_open(struct super_block *sb, const struct journal_extent *extents, uint32_t n,
		 struct journal **out)
{
	struct journal *j = kzalloc(sizeof(*j));
	uint64_t blocks = 0;
	int err = -ENOMEM;

	*out = NULL;
	if (!j)
		return -ENOMEM;
	j->sb = sb;
	j->block_size = sb->block_size;
	j->super = kmalloc(j->block_size);
	j->extents = kmalloc(n * sizeof(*extents));
	if (!j->super || !j->extents)
		goto fail;
	memcpy(j->extents, extents, n * sizeof(*extents));
	j->nr_extents = n;
	for (uint32_t i = 0; i < n; i++)
		blocks += extents[i].count;
	err = super_load(j, blocks);
	if (err)
		goto fail;
	*out = j;
	return 0;
fail:
	journal_close(j);
	return err;
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	journal_end(j);
	kfree(j->extents);
	kfree(j->super);
	kfree(j);
}
