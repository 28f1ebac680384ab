/*
 * Keyrings: keys that hold others.
 */
#include "kernel/keys/key.h"
#include "kernel/mem/slab.h"
#include "lib/string.h"

#define LINK_BYTES 4 /* of the quota, for each key in a ring */

static bool is(const struct key *k, const struct key_type *type, const char *desc)
{
	return k->type == type && !strcmp(k->desc, desc);
}

struct key *ring_find(struct key *ring, const struct key_type *type, const char *desc)
{
	for (uint32_t i = 0; i < ring->len; i++)
		if (is(ring->keys[i], type, desc))
			return ring->keys[i];
	return NULL;
}

/* --- searching --- */

/* Rings to be looked into, nearer ones first. */
struct walk {
	struct key *first, *last;
	uint64_t number;
};

static void walk_add(struct walk *w, struct key *ring, uint32_t depth, bool possessed)
{
	if (ring->seen == w->number)
		return;
	ring->seen = w->number;
	ring->depth = depth;
	ring->possessed = possessed;
	ring->next = NULL;
	if (w->last)
		w->last->next = ring;
	else
		w->first = ring;
	w->last = ring;
}

static struct key *walk_next(struct walk *w)
{
	struct key *ring = w->first;

	if (!ring)
		return NULL;
	w->first = ring->next;
	if (!w->first)
		w->last = NULL;
	return ring;
}

static struct walk walk_begin(void)
{
	static uint64_t number;

	number++;
	return (struct walk){.number = number};
}

/* Is k what is looked for? 0; -EAGAIN no; else why it cannot be had. */
static int match(const struct key_match *m, struct key *k, bool possessed)
{
	int err;

	if (m->key)
		return m->key != k ? -EAGAIN : key_allows((struct key_ref){k, possessed},
							  KEY_SEARCH);
	if (!is(k, m->type, m->desc))
		return -EAGAIN;
	err = key_valid(k);
	if (err == -ENOKEY || (err == -EKEYEXPIRED && m->skip_expired))
		return -EAGAIN;
	if (!err)
		err = key_allows((struct key_ref){k, possessed}, KEY_SEARCH);
	return err ? err : k->error;
}

static struct key *search_one(struct key *ring, const struct key_match *m, struct walk *w,
			      int *result)
{
	for (uint32_t i = 0; i < ring->len; i++) {
		struct key *k = ring->keys[i];
		struct key_ref r = {k, ring->possessed};
		int err = match(m, k, ring->possessed);

		if (!err)
			return k;
		if (err != -EAGAIN)
			*result = err;
		if (k->type->ring && !k->revoked && !k->invalid && ring->depth < KEY_DEPTH_MAX &&
		    !key_allows(r, KEY_SEARCH))
			walk_add(w, k, ring->depth + 1, ring->possessed);
	}
	return NULL;
}

struct key *ring_search(struct key_ref top, const struct key_match *m)
{
	struct walk w = walk_begin();
	struct key *ring, *k;
	int result = -EAGAIN;

	if (!top.key->type->ring)
		return err_ptr(-ENOTDIR);
	if (key_allows(top, KEY_SEARCH))
		return err_ptr(-EACCES);
	/* It may be what is looked for itself. */
	result = match(m, top.key, top.possessed);
	if (result != -EAGAIN)
		return result ? err_ptr(result) : top.key;
	if (top.key->revoked || top.key->invalid)
		return err_ptr(-EAGAIN);
	walk_add(&w, top.key, 0, top.possessed);
	while ((ring = walk_next(&w)) != NULL) {
		k = search_one(ring, m, &w, &result);
		if (k)
			return k;
	}
	return err_ptr(result);
}

/* Would ring be in itself with k in it? -EDEADLK; -ELOOP if k is too deep to tell; 0. */
static int cycle(const struct key *ring, struct key *k)
{
	struct walk w = walk_begin();
	struct key *r;

	if (!k->type->ring)
		return 0;
	walk_add(&w, k, 0, false);
	while ((r = walk_next(&w)) != NULL) {
		if (r == ring)
			return -EDEADLK;
		if (r->depth > KEY_DEPTH_MAX)
			return -ELOOP;
		for (uint32_t i = 0; i < r->len; i++)
			if (r->keys[i]->type->ring)
				walk_add(&w, r->keys[i], r->depth + 1, false);
	}
	return 0;
}

/* --- changing --- */

static int make_room(struct key *ring)
{
	uint32_t room = MAX(ring->room * 2, 4U);
	struct key **keys;

	if (ring->len < ring->room)
		return 0;
	keys = kmalloc(room * sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	if (ring->len)
		memcpy(keys, ring->keys, ring->len * sizeof(*keys));
	kfree(ring->keys);
	ring->keys = keys;
	ring->room = room;
	return 0;
}

static int ring_add(struct key *ring, struct key *k)
{
	int err = make_room(ring);

	if (!err)
		err = key_reserve(ring, (uint64_t)(ring->len + 1) * LINK_BYTES);
	if (!err)
		ring->keys[ring->len++] = key_get(k);
	return err;
}

int ring_link(struct key *ring, struct key *k)
{
	struct key *old;
	int err;

	if (!ring->type->ring)
		return -ENOTDIR;
	if (ring->revoked || ring->invalid)
		return -EKEYREVOKED;
	if (ring->restricted)
		return -EPERM;
	err = cycle(ring, k);
	if (err)
		return err;
	old = ring_find(ring, k->type, k->desc);
	if (!old)
		return ring_add(ring, k);
	for (uint32_t i = 0; i < ring->len; i++)
		if (ring->keys[i] == old)
			ring->keys[i] = key_get(k);
	key_put(old);
	return 0;
}

int ring_unlink(struct key *ring, const struct key *k)
{
	struct key *found;
	uint32_t i = 0;

	if (!ring->type->ring)
		return -ENOTDIR;
	found = ring_find(ring, k->type, k->desc);
	if (!found)
		return -ENOENT;
	while (ring->keys[i] != found)
		i++;
	ring->len--;
	memmove(&ring->keys[i], &ring->keys[i + 1], (ring->len - i) * sizeof(ring->keys[0]));
	key_reserve(ring, (uint64_t)ring->len * LINK_BYTES);
	key_put(found);
	return 0;
}

void ring_clear(struct key *ring)
{
	while (ring->len)
		key_put(ring->keys[--ring->len]);
	key_reserve(ring, 0);
}

void ring_collect(struct key *ring, uint64_t expired)
{
	for (uint32_t i = ring->len; i-- > 0;)
		if (ring->keys[i]->expires && ring->keys[i]->expires <= expired)
			ring_unlink(ring, ring->keys[i]);
}
