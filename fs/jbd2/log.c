/*
 * A transaction on its way into the log: revoke records, descriptors with the copies they name,
 * flush, commit block, flush.
 */
#include "fs/jbd2/internal.h"
#include "fs/vfs.h"
#include "kernel/mem/kmap.h"
#include "kernel/time.h"
#include "lib/string.h"
#include "mm/frame.h"

/* Send what has been gathered. flags: of the bio. */
static void log_flush(struct journal *j, uint32_t flags)
{
	struct log_writer *w = &j->log;
	struct bio b;
	int err;

	if (w->count) {
		bio_init(&b, j->sb->bdev, BIO_WRITE,
			 w->block * (j->block_size >> SECTOR_SHIFT));
		b.flags = flags;
		b.vec = w->vec;
		b.nvec = w->count;
		err = bio_submit_wait(&b);
		if (!w->err)
			w->err = err;
	}
	w->count = w->used = 0;
}

/* The next block of the log is this one; its memory stays as it is until log_flush. */
static void log_put(struct journal *j, void *data)
{
	struct log_writer *w = &j->log;
	uint64_t block = journal_map(j, j->head, NULL);

	if (w->count == LOG_BATCH || (w->count && w->block + w->count != block))
		log_flush(j, 0);
	if (!w->count)
		w->block = block;
	w->vec[w->count++] = (struct bio_vec){virt_to_phys(data), j->block_size};
	if (j->csum_commit)
		w->crc = crc32_high_first(w->crc, data, j->block_size);
	spin_lock(&j->lock);
	j->head = j->head + 1 < j->end ? j->head + 1 : j->first;
	spin_unlock(&j->lock);
}

/* A block to make something up in, all zeros but for its header if type is not 0. */
static void *scratch(struct journal *j, uint32_t type, uint32_t tid)
{
	struct log_writer *w = &j->log;
	struct jbd2_header *h;

	if (w->used == LOG_SCRATCH)
		log_flush(j, 0);
	h = w->scratch[w->used++];
	memset(h, 0, j->block_size);
	if (type)
		*h = (struct jbd2_header){be32_of(JBD2_MAGIC), be32_of(type), be32_of(tid)};
	return h;
}

static bool must_escape(const void *data)
{
	return load_be32(data) == JBD2_MAGIC;
}

/* A copy as it stands in the log. A block that looks like one of the log's own is changed. */
static void *copy_of(struct journal *j, struct jblock *b)
{
	void *data = frame_data(b->frame), *copy;

	if (likely(!must_escape(data)))
		return data;
	copy = scratch(j, 0, 0);
	memcpy(copy, data, j->block_size);
	memset(copy, 0, 4);
	return copy;
}

static uint32_t copy_checksum(struct journal *j, struct jblock *b, uint32_t tid)
{
	uint32_t sum, used = j->log.used;

	if (!j->csum)
		return 0;
	sum = journal_data_checksum(j, copy_of(j, b), tid);
	/* The copy is made again when it is its turn. */
	j->log.used = used;
	return sum;
}

static struct jblock *next_copy(struct transaction *tx, struct jblock *b)
{
	struct list_head *at = b ? b->tx_link.next : tx->blocks.next;

	for (; at != &tx->blocks; at = at->next) {
		b = list_entry(at, struct jblock, tx_link);
		if (!b->freed)
			return b;
	}
	return NULL;
}

/* Escaped copies must find room beside it: it is not in the log before its tags are. */
static void *descriptor_begin(struct journal *j, struct transaction *tx)
{
	if (j->log.used > LOG_SCRATCH - 2)
		log_flush(j, 0);
	return scratch(j, JBD2_DESCRIPTOR, tx->tid);
}

/* One descriptor block and its copies, from `from` on: the first that has no room any more. */
static struct jblock *descriptor_write(struct journal *j, struct transaction *tx,
				       struct jblock *from)
{
	void *block = descriptor_begin(j, tx);
	uint32_t at = sizeof(struct jbd2_header), last = at;
	struct jblock *b, *end;

	for (end = from; end; end = next_copy(tx, end)) {
		struct tag t = {.block = end->block, .flags = at == last ? 0 : JBD2_TAG_SAME_UUID};
		uint32_t start = at;

		if (must_escape(frame_data(end->frame)))
			t.flags |= JBD2_TAG_ESCAPED;
		t.checksum = copy_checksum(j, end, tx->tid);
		if (!tag_store(j, block, &at, &t))
			break;
		last = start;
	}
	tag_end(j, block, last);
	journal_tail_set(j, block);
	log_put(j, block);
	for (b = from; b != end; b = next_copy(tx, b))
		log_put(j, copy_of(j, b));
	return end;
}

static void revokes_write(struct journal *j, struct transaction *tx)
{
	uint32_t size = j->wide ? 8 : 4, used = 0;
	uint32_t max = j->block_size - (j->csum ? JBD2_TAIL_SIZE : 0);
	struct jbd2_revoke *v = NULL;
	struct jblock *b;

	list_for_each_entry(b, &tx->blocks, tx_link) {
		if (!b->freed)
			continue;
		if (v && used + size > max) {
			v->used = be32_of(used);
			journal_tail_set(j, v);
			log_put(j, v);
			v = NULL;
		}
		if (!v) {
			v = scratch(j, JBD2_REVOKE, tx->tid);
			used = sizeof(*v);
		}
		if (j->wide)
			store_be64((uint8_t *)v + used, b->block);
		else
			store_be32((uint8_t *)v + used, (uint32_t)b->block);
		used += size;
	}
	if (v) {
		v->used = be32_of(used);
		journal_tail_set(j, v);
		log_put(j, v);
	}
}

static void commit_write(struct journal *j, struct transaction *tx)
{
	struct jbd2_commit *c;
	uint64_t now = time_realtime();

	/* All before it has been handed to the device; its own flags see that it stays in order. */
	log_flush(j, 0);
	if (j->log.err)
		return;
	c = scratch(j, JBD2_COMMIT, tx->tid);
	c->commit_sec = be64_of(now / NSEC_PER_SEC);
	c->commit_nsec = be32_of((uint32_t)(now % NSEC_PER_SEC));
	if (j->csum_commit) {
		c->checksum_type = JBD2_CRC32;
		c->checksum_size = 4;
		c->checksum[0] = be32_of(j->log.crc);
	}
	journal_commit_set(j, c);
	log_put(j, c);
	log_flush(j, BIO_PREFLUSH | BIO_FUA);
}

int log_write(struct journal *j, struct transaction *tx)
{
	struct jblock *b = next_copy(tx, NULL);

	j->log.err = 0;
	revokes_write(j, tx);
	/* COMPAT_CHECKSUM is of what follows: who recovers it does not count revoke blocks. */
	j->log.crc = ~0u;
	while (b)
		b = descriptor_write(j, tx, b);
	commit_write(j, tx);
	return j->log.err;
}
