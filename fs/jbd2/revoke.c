/*
 * Revoked blocks, while a log is recovered: a block of metadata that was freed and may since hold a
 * file's data must not get its old copy back.
 */
#include "fs/jbd2/internal.h"
#include "kernel/mem/slab.h"
#include "lib/hash.h"
#include "lib/string.h"

struct revoke {
	struct revoke *next;
	uint64_t block;
	uint32_t sequence;
};

#define BUCKETS_BITS 10

int revoke_init(struct revoke_table *t)
{
	t->mask = (1u << BUCKETS_BITS) - 1;
	t->count = 0;
	t->buckets = kzalloc(sizeof(*t->buckets) << BUCKETS_BITS);
	return t->buckets ? 0 : -ENOMEM;
}

static struct revoke **bucket(const struct revoke_table *t, uint64_t block)
{
	return &t->buckets[hash_u64(block, 32) & t->mask];
}

static struct revoke *find(const struct revoke_table *t, uint64_t block)
{
	struct revoke *r = *bucket(t, block);

	while (r && r->block != block)
		r = r->next;
	return r;
}

int revoke_add(struct revoke_table *t, uint64_t block, uint32_t sequence)
{
	struct revoke *r = find(t, block), **head = bucket(t, block);

	if (r) {
		if (tid_after(sequence, r->sequence))
			r->sequence = sequence;
		return 0;
	}
	r = kmalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	*r = (struct revoke){.next = *head, .block = block, .sequence = sequence};
	*head = r;
	t->count++;
	return 0;
}

bool revoke_test(const struct revoke_table *t, uint64_t block, uint32_t sequence)
{
	const struct revoke *r = find(t, block);

	return r && !tid_after(sequence, r->sequence);
}

void revoke_free(struct revoke_table *t)
{
	for (uint32_t i = 0; t->buckets && i <= t->mask; i++) {
		struct revoke *r = t->buckets[i];

		while (r) {
			struct revoke *next = r->next;

			kfree(r);
			r = next;
		}
	}
	kfree(t->buckets);
	t->buckets = NULL;
}
