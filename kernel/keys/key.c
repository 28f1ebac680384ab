/*
 * Keys: types, users and their quotas, permissions, lives.
 */
#include "kernel/keys/key.h"

#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/random.h"
#include "kernel/thread.h"
#include "kernel/time.h"
#include "lib/string.h"

struct mutex keys_lock;
static struct rb_root serials = RB_ROOT_INIT;
static struct list_head users = LIST_INIT(users);

uint64_t keys_max = 200, keys_bytes_max = 20000;
uint64_t keys_root_max = 1000000, keys_root_bytes_max = 25000000;
uint64_t keys_persistent_seconds = 3 * 24 * 3600;
uint64_t keys_gc_delay = 5 * 60;

const struct key_type key_type_ring = {.name = "keyring", .ring = true, .readable = true};
const struct key_type key_type_user = {.name = "user", .readable = true};
const struct key_type key_type_logon = {.name = "logon", .colon = true};

const struct key_type *key_type_find(const char *name)
{
	static const struct key_type *const types[] = {&key_type_ring, &key_type_user,
						       &key_type_logon};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i]->name, name))
			return types[i];
	return NULL;
}

void keys_init(void)
{
	mutex_init(&keys_lock, "keys", RANK_KEYS);
}

uint64_t key_now(void)
{
	return time_ns() / NSEC_PER_SEC;
}

/* --- users --- */

uint64_t key_max_of(uid_t uid)
{
	return uid ? keys_max : keys_root_max;
}

uint64_t key_bytes_max_of(uid_t uid)
{
	return uid ? keys_bytes_max : keys_root_bytes_max;
}

struct key_user *key_user_find(uid_t uid)
{
	struct key_user *u;

	list_for_each_entry(u, &users, link)
		if (u->uid == uid)
			return u;
	return NULL;
}

struct key_user *key_user_of(uid_t uid)
{
	struct key_user *u = key_user_find(uid);

	if (u)
		return u;
	u = kzalloc(sizeof(*u));
	if (!u)
		return NULL;
	u->uid = uid;
	list_add_tail(&u->link, &users);
	return u;
}

void key_users_visit(void (*visit)(const struct key_user *u, void *arg), void *arg)
{
	struct key_user *u;

	list_for_each_entry(u, &users, link)
		if (u->refs)
			visit(u, arg);
}

void key_user_put(struct key_user *u)
{
	if (--u->refs)
		return;
	list_del(&u->link);
	kfree(u);
}

void key_user_ring_set(struct key_user *u, struct key **place, struct key *ring)
{
	struct key *old = *place;

	*place = ring;
	if (ring)
		u->refs++;
	key_put(old);
	if (old)
		key_user_put(u);
}

/* k's user has one key of so many bytes more. */
static int user_charge(struct key_user *u, uint64_t bytes, enum key_quota quota)
{
	if (quota == KEY_COUNTED && (u->counted + 1 > key_max_of(u->uid) ||
				     u->bytes + bytes > key_bytes_max_of(u->uid)))
		return -EDQUOT;
	u->refs++;
	u->keys++;
	if (quota != KEY_UNCOUNTED) {
		u->counted++;
		u->bytes += bytes;
	}
	return 0;
}

static void user_discharge(struct key_user *u, const struct key *k)
{
	u->keys--;
	if (k->counted) {
		u->counted--;
		u->bytes -= k->quota;
	}
	key_user_put(u);
}

int key_reserve(struct key *k, uint64_t n)
{
	uint64_t now = strlen(k->desc) + 1 + n;

	if (!k->counted)
		return 0;
	if (now > k->quota &&
	    k->user->bytes + now - k->quota > key_bytes_max_of(k->user->uid))
		return -EDQUOT;
	k->user->bytes += now - k->quota;
	k->quota = (uint32_t)now;
	return 0;
}

int key_set_owner(struct key *k, uid_t uid)
{
	struct key_user *u = key_user_of(uid);
	int err;

	if (!u)
		return -ENOMEM;
	u->refs++;
	err = user_charge(u, k->quota, k->counted ? KEY_COUNTED : KEY_UNCOUNTED);
	if (!err) {
		user_discharge(k->user, k);
		k->user = u;
		k->uid = uid;
	}
	key_user_put(u);
	return err;
}

/* --- a key --- */

static void serial_insert(struct key *k)
{
	struct rb_node **link, *parent;

again:
	random_bytes((uint8_t *)&k->serial, sizeof(k->serial));
	k->serial &= INT32_MAX;
	if (k->serial < 3 || k->serial == INT32_MAX)
		goto again;
	link = &serials.node;
	parent = NULL;
	while (*link) {
		const struct key *other = rb_entry(*link, struct key, node);

		parent = *link;
		if (other->serial == k->serial)
			goto again;
		link = k->serial < other->serial ? &parent->left : &parent->right;
	}
	rb_insert(&serials, &k->node, parent, link, NULL);
}

struct key *key_from_serial(int32_t serial)
{
	struct rb_node *n = serials.node;
	struct key *best = NULL;

	while (n) {
		struct key *k = rb_entry(n, struct key, node);

		if (k->serial >= serial)
			best = k;
		n = k->serial >= serial ? n->left : n->right;
	}
	return best;
}

struct key *key_by_serial(int32_t serial)
{
	struct key *k = key_from_serial(serial);

	return k && k->serial == serial && !k->invalid ? key_get(k) : NULL;
}

struct key *key_create(const struct key_type *type, const char *desc, uid_t uid, gid_t gid,
		       uint32_t perm, enum key_quota quota)
{
	struct key *k = kzalloc(sizeof(*k));
	size_t size = strlen(desc) + 1;
	struct key_user *u = key_user_of(uid);
	char *copy = kmalloc(size);
	int err = -ENOMEM;

	if (u)
		u->refs++;
	if (k && u && copy)
		err = user_charge(u, size, quota);
	if (u)
		key_user_put(u);
	if (err) {
		kfree(k);
		kfree(copy);
		return err_ptr(err);
	}
	memcpy(copy, desc, size);
	*k = (struct key){.refs = 1, .type = type, .desc = copy, .uid = uid, .gid = gid,
			  .perm = perm, .user = u, .counted = quota != KEY_UNCOUNTED,
			  .quota = (uint32_t)size};
	serial_insert(k);
	return k;
}

struct key *key_get(struct key *k)
{
	k->refs++;
	return k;
}

/* A ring within a ring within a ring ... goes one after the other. */
void key_put(struct key *k)
{
	struct key *dead = NULL;

	if (k && !--k->refs) {
		k->next = NULL;
		dead = k;
	}
	while (dead) {
		k = dead;
		dead = k->next;
		for (uint32_t i = 0; k->type->ring && i < k->len; i++) {
			if (--k->keys[i]->refs)
				continue;
			k->keys[i]->next = dead;
			dead = k->keys[i];
		}
		rb_erase(&serials, &k->node, NULL);
		user_discharge(k->user, k);
		kfree(k->keys);
		key_data_free(k->data, k->len);
		kfree(k->desc);
		kfree(k);
	}
}

void key_data_free(uint8_t *data, size_t n)
{
	if (data)
		memset(data, 0, n);
	kfree(data);
}

int key_set_data(struct key *k, uint8_t *data, uint32_t len)
{
	int err = key_reserve(k, len);

	if (err) {
		key_data_free(data, len);
		return err;
	}
	key_data_free(k->data, k->len);
	k->data = data;
	k->len = len;
	k->error = 0;
	k->expires = 0;
	return 0;
}

int key_valid(const struct key *k)
{
	if (k->invalid)
		return -ENOKEY;
	if (k->revoked)
		return -EKEYREVOKED;
	return k->expires && key_now() >= k->expires ? -EKEYEXPIRED : 0;
}

int key_usable(const struct key *k)
{
	return k->error ? k->error : key_valid(k);
}

int key_allows(struct key_ref r, uint32_t what)
{
	const struct cred *c = current()->cred;
	const struct key *k = r.key;
	uint32_t has = k->perm;

	if (k->uid == c->fsuid)
		has = k->perm >> 16;
	else if (k->gid != (gid_t)-1 && (k->perm & KEY_GRP(KEY_ALL)) &&
		 cred_in_group(c, k->gid))
		has = k->perm >> 8;
	if (r.possessed)
		has |= k->perm >> 24;
	return (has & what) == what ? 0 : -EACCES;
}

void key_revoke(struct key *k)
{
	k->revoked = true;
	if (k->type->ring)
		ring_clear(k);
	key_data_free(k->data, k->len);
	k->data = NULL;
	if (!k->type->ring)
		k->len = 0;
	key_reserve(k, 0);
}

void keys_collect(void)
{
	static uint64_t last;
	uint64_t now = key_now();
	int32_t serial = 0;
	struct key *k;

	if (now - last < keys_gc_delay || now < keys_gc_delay)
		return;
	last = now;
	while ((k = key_from_serial(serial)) != NULL) {
		key_get(k);
		serial = k->serial + 1;
		if (k->type->ring)
			ring_collect(k, now - keys_gc_delay);
		key_put(k);
	}
}

void key_invalidate(struct key *k)
{
	struct key *ring;

	k->invalid = true;
	for (ring = key_from_serial(0); ring; ring = key_from_serial(ring->serial + 1))
		if (ring->type->ring && ring_find(ring, k->type, k->desc) == k)
			ring_unlink(ring, k);
}
