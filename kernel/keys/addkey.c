/*
 * add_key(2), request_key(2), and what they take from user memory.
 */
#include "kernel/keys/key.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define NEGATIVE_SECONDS 60

char *key_string_get(uaddr_t user, size_t size)
{
	char *s = kmalloc(size);
	ssize64_t n;

	if (!s)
		return err_ptr(-ENOMEM);
	n = strncpy_from_user(s, user, size);
	if (n >= 0)
		return s;
	kfree(s);
	return err_ptr(n == -ENAMETOOLONG ? -EINVAL : n);
}

int key_type_get(char type[KEY_TYPE_MAX], uaddr_t user)
{
	ssize64_t n = strncpy_from_user(type, user, KEY_TYPE_MAX);

	if (n == -EFAULT)
		return -EFAULT;
	if (n <= 0)
		return -EINVAL;
	return type[0] == '.' ? -EPERM : 0;
}

int key_name_get(char type[KEY_TYPE_MAX], uaddr_t utype, char **desc, uaddr_t udesc)
{
	int err = key_type_get(type, utype);

	if (err)
		return err;
	*desc = key_string_get(udesc, KEY_DESC_MAX);
	return is_err(*desc) ? (int)ptr_err(*desc) : 0;
}

uint8_t *key_payload_get(uaddr_t user, size_t len)
{
	uint8_t *data;

	if (!len || len > KEY_PAYLOAD_MAX)
		return NULL;
	data = kmalloc_wait(len);
	if (!data)
		return err_ptr(-ENOMEM);
	if (!copy_from_user(data, user, len))
		return data;
	kfree(data);
	return err_ptr(-EFAULT);
}

bool key_payload_fits(const struct key_type *type, const uint8_t *data, size_t len)
{
	return type->ring ? !len : data && len <= KEY_PAYLOAD_MAX;
}

static bool desc_fits(const struct key_type *type, const char *desc)
{
	const char *colon = strchr(desc, ':');

	return !type->colon || (colon && colon != desc);
}

static uint32_t default_perm(const struct key_type *type)
{
	uint32_t may = KEY_VIEW | KEY_SEARCH | KEY_LINK | KEY_SETATTR | KEY_WRITE;

	return KEY_POS(may | (type->readable ? KEY_READ : 0)) | KEY_USR(KEY_VIEW);
}

long key_serial_put(struct key *k)
{
	long serial = k->serial;

	key_put(k);
	return serial;
}

/* data goes along. */
static long add_new(struct key *ring, const struct key_type *type, const char *desc,
		    uint8_t *data, uint32_t len)
{
	const struct cred *c = current()->cred;
	struct key *k = key_create(type, desc, c->fsuid, c->fsgid, default_perm(type),
				   KEY_COUNTED);
	int err;

	if (is_err(k)) {
		kfree(data);
		return ptr_err(k);
	}
	err = type->ring ? 0 : key_set_data(k, data, len);
	if (!err)
		err = ring_link(ring, k);
	if (!err)
		return key_serial_put(k);
	key_put(k);
	return err;
}

static long add_to(struct key_ref ring, const struct key_type *type, const char *desc,
		   uint8_t *data, size_t len)
{
	struct key *k = NULL;
	long err = 0;

	if (!ring.key->type->ring)
		err = -ENOTDIR;
	else if (!desc_fits(type, desc) || !key_payload_fits(type, data, len))
		err = -EINVAL;
	else if (ring.key->restricted)
		err = -EPERM;
	if (!err && !type->ring)
		k = ring_find(ring.key, type, desc);
	if (k)
		err = key_allows((struct key_ref){k, ring.possessed}, KEY_WRITE);
	if (err) {
		kfree(data);
		return err;
	}
	/* What has been revoked makes place for another. */
	if (!k || k->revoked || k->invalid)
		return add_new(ring.key, type, desc, data, (uint32_t)len);
	err = key_set_data(k, data, (uint32_t)len);
	return err ? err : k->serial;
}

static long add_locked(const char *name, const char *desc, uint8_t *data, size_t len, int32_t id)
{
	const struct key_type *type;
	struct key_ref ring;
	long ret;

	ring = keys_lookup(id, KEYS_CREATE, KEY_WRITE);
	if (is_err(ring.key)) {
		kfree(data);
		return ptr_err(ring.key);
	}
	type = key_type_find(name);
	if (!type || !desc) {
		kfree(data);
		ret = !type ? -ENODEV : -EINVAL;
	} else {
		ret = add_to(ring, type, desc, data, len);
	}
	key_put(ring.key);
	return ret;
}

SYSCALL5(add_key, uaddr_t, utype, uaddr_t, udesc, uaddr_t, payload, size_t, len, int32_t, id)
{
	char type[KEY_TYPE_MAX], *desc = NULL;
	uint8_t *data;
	long ret;

	if (len > KEY_ADD_MAX)
		return -EINVAL;
	ret = key_type_get(type, utype);
	if (ret)
		return ret;
	if (udesc) {
		desc = key_string_get(udesc, KEY_DESC_MAX);
		if (is_err(desc))
			return ptr_err(desc);
		if (desc[0] == '.' && !strncmp(type, "keyring", 7)) {
			kfree(desc);
			return -EPERM;
		}
		if (!desc[0]) {
			kfree(desc);
			desc = NULL;
		}
	}
	data = key_payload_get(payload, len);
	if (is_err(data)) {
		kfree(desc);
		return ptr_err(data);
	}
	mutex_lock(&keys_lock);
	keys_collect();
	ret = add_locked(type, desc, data, len, id);
	mutex_unlock(&keys_lock);
	kfree(desc);
	return ret;
}

/* Nobody makes it: for some time, who asks is told so at once. */
static long negate(const struct key_type *type, const char *desc, struct key *dest)
{
	const struct cred *c = current()->cred;
	struct key *ring = dest ? key_get(dest) : keys_request_ring(), *k;
	long err = 0;

	if (is_err(ring))
		return ptr_err(ring);
	k = key_create(type, desc, c->fsuid, c->fsgid, default_perm(type), KEY_COUNTED);
	if (is_err(k)) {
		err = ptr_err(k);
	} else {
		k->error = -ENOKEY;
		k->expires = key_now() + NEGATIVE_SECONDS;
		err = ring_link(ring, k);
		key_put(k);
	}
	key_put(ring);
	return err;
}

static long request_from(const char *name, const char *desc, bool make, struct key *dest)
{
	struct key_match m = {.type = key_type_find(name), .desc = desc, .skip_expired = true};
	struct key_ref r;
	long err;

	if (!m.type)
		return -ENOKEY;
	r = keys_search(&m);
	if (!is_err(r.key)) {
		err = dest ? key_allows(r, KEY_LINK) : 0;
		if (!err && dest)
			err = ring_link(dest, r.key);
		return err ? err : r.key->serial;
	}
	if (ptr_err(r.key) != -EAGAIN)
		return ptr_err(r.key);
	if (!make)
		return -ENOKEY;
	if (m.type->ring)
		return -EPERM;
	if (!desc_fits(m.type, desc))
		return -EINVAL;
	err = negate(m.type, desc, dest);
	return err ? err : -ENOKEY;
}

static long request_locked(const char *type, const char *desc, bool make, int32_t id)
{
	struct key_ref dest = {NULL, false};
	long ret;

	if (id) {
		dest = keys_lookup(id, KEYS_CREATE, KEY_WRITE);
		if (is_err(dest.key))
			return ptr_err(dest.key);
	}
	ret = request_from(type, desc, make, dest.key);
	key_put(dest.key);
	return ret;
}

SYSCALL4(request_key, uaddr_t, utype, uaddr_t, udesc, uaddr_t, info, int32_t, id)
{
	char type[KEY_TYPE_MAX], *desc, *callout = NULL;
	long ret = key_name_get(type, utype, &desc, udesc);

	if (ret)
		return ret;
	if (info) {
		callout = key_string_get(info, PAGE_SIZE);
		if (is_err(callout)) {
			kfree(desc);
			return ptr_err(callout);
		}
	}
	mutex_lock(&keys_lock);
	keys_collect();
	ret = request_locked(type, desc, callout, id);
	mutex_unlock(&keys_lock);
	kfree(callout);
	kfree(desc);
	return ret;
}
