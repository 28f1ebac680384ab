/*
 * keyctl(2).
 */
#include "fs/vfs.h"
#include "kernel/keys/key.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/keyctl.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/usercopy.h"

/* --- what takes only numbers: keys_lock is held --- */

static long get_ring_id(int32_t id, bool create)
{
	struct key_ref r = keys_lookup(id, create ? KEYS_CREATE : 0, KEY_SEARCH);

	return is_err(r.key) ? ptr_err(r.key) : key_serial_put(r.key);
}

static long update(int32_t id, uint8_t *data, size_t len)
{
	struct key_ref r = keys_lookup(id, 0, KEY_WRITE);
	long err;

	if (is_err(r.key)) {
		kfree(data);
		return ptr_err(r.key);
	}
	if (r.key->type->ring || !key_payload_fits(r.key->type, data, len)) {
		err = r.key->type->ring ? -EOPNOTSUPP : -EINVAL;
		kfree(data);
	} else {
		err = key_set_data(r.key, data, (uint32_t)len);
	}
	key_put(r.key);
	return err;
}

static long revoke(int32_t id)
{
	struct key_ref r = keys_lookup(id, 0, KEY_WRITE);

	if (ptr_err(r.key) == -EACCES)
		r = keys_lookup(id, 0, KEY_SETATTR);
	if (is_err(r.key))
		return ptr_err(r.key);
	key_revoke(r.key);
	key_put(r.key);
	return 0;
}

static long chown_key(struct key *k, uid_t uid, gid_t gid)
{
	bool may = cred_capable(CAP_SYS_ADMIN);
	int err = 0;

	if (!may && uid != (uid_t)-1 && uid != k->uid)
		return -EACCES;
	if (!may && gid != (gid_t)-1 && gid != k->gid && !cred_in_group(current()->cred, gid))
		return -EACCES;
	if (uid != (uid_t)-1 && uid != k->uid)
		err = key_set_owner(k, uid);
	if (!err && gid != (gid_t)-1)
		k->gid = gid;
	return err;
}

static long chown(int32_t id, uid_t uid, gid_t gid)
{
	struct key_ref r;
	long err;

	if (uid == (uid_t)-1 && gid == (gid_t)-1)
		return 0;
	r = keys_lookup(id, KEYS_CREATE | KEYS_PARTIAL, KEY_SETATTR);
	if (is_err(r.key))
		return ptr_err(r.key);
	err = chown_key(r.key, uid, gid);
	key_put(r.key);
	return err;
}

static long set_perm(int32_t id, uint32_t perm)
{
	struct key_ref r;
	long err = -EACCES;

	if (perm & ~(KEY_POS(KEY_ALL) | KEY_USR(KEY_ALL) | KEY_GRP(KEY_ALL) | KEY_ALL))
		return -EINVAL;
	r = keys_lookup(id, KEYS_CREATE | KEYS_PARTIAL, KEY_SETATTR);
	if (is_err(r.key))
		return ptr_err(r.key);
	if (cred_capable(CAP_SYS_ADMIN) || r.key->uid == current()->cred->fsuid) {
		r.key->perm = perm;
		err = 0;
	}
	key_put(r.key);
	return err;
}

static long set_timeout(int32_t id, uint32_t seconds)
{
	struct key_ref r = keys_lookup(id, KEYS_CREATE | KEYS_PARTIAL, KEY_SETATTR);

	if (is_err(r.key))
		return ptr_err(r.key);
	r.key->expires = seconds ? key_now() + seconds : 0;
	key_put(r.key);
	return 0;
}

/* To *text, for kfree. */
static long describe(int32_t id, char **text)
{
	struct key_ref r = keys_lookup(id, KEYS_PARTIAL, KEY_VIEW);
	const struct key *k = r.key;
	long n;

	if (is_err(k))
		return ptr_err(k);
	n = (long)strlen(k->desc) + 64;
	*text = kmalloc(n);
	if (*text)
		n = snprintf(*text, n, "%s;%d;%d;%08x;%s", k->type->name, (int)k->uid,
			     (int)key_gid(k), k->perm, k->desc) + 1;
	else
		n = -ENOMEM;
	key_put(r.key);
	return n;
}

static long clear(int32_t id)
{
	struct key_ref r = keys_lookup(id, KEYS_CREATE, KEY_WRITE);
	long err = 0;

	if (is_err(r.key))
		return ptr_err(r.key);
	if (r.key->type->ring)
		ring_clear(r.key);
	else
		err = -ENOTDIR;
	key_put(r.key);
	return err;
}

static long link(int32_t id, int32_t ring_id)
{
	struct key_ref ring = keys_lookup(ring_id, KEYS_CREATE, KEY_WRITE), r;
	long err;

	if (is_err(ring.key))
		return ptr_err(ring.key);
	r = keys_lookup(id, KEYS_CREATE, KEY_LINK);
	err = is_err(r.key) ? ptr_err(r.key) : ring_link(ring.key, r.key);
	if (!is_err(r.key))
		key_put(r.key);
	key_put(ring.key);
	return err;
}

static long unlink(int32_t id, int32_t ring_id)
{
	struct key_ref ring = keys_lookup(ring_id, 0, KEY_WRITE), r;
	long err;

	if (is_err(ring.key))
		return ptr_err(ring.key);
	r = keys_lookup(id, KEYS_UNCHECKED, 0);
	err = is_err(r.key) ? ptr_err(r.key) : ring_unlink(ring.key, r.key);
	if (!is_err(r.key))
		key_put(r.key);
	key_put(ring.key);
	return err;
}

static long move_to(struct key *k, struct key *from, struct key *to, bool exclusive)
{
	long err;

	if (!from->type->ring || !to->type->ring)
		return -ENOTDIR;
	if (from == to)
		return 0;
	if (!ring_find(from, k->type, k->desc))
		return -ENOENT;
	if (exclusive && ring_find(to, k->type, k->desc))
		return -EEXIST;
	err = ring_link(to, k);
	return err ? err : ring_unlink(from, k);
}

static long move(int32_t id, int32_t from_id, int32_t to_id, uint32_t flags)
{
	struct key_ref r, from = {NULL, false}, to = {NULL, false};
	long err;

	if (flags & ~KEYCTL_MOVE_EXCL)
		return -EINVAL;
	r = keys_lookup(id, KEYS_CREATE, KEY_LINK);
	if (is_err(r.key))
		return ptr_err(r.key);
	from = keys_lookup(from_id, 0, KEY_WRITE);
	if (!is_err(from.key))
		to = keys_lookup(to_id, KEYS_CREATE, KEY_WRITE);
	if (is_err(from.key))
		err = ptr_err(from.key);
	else if (is_err(to.key))
		err = ptr_err(to.key);
	else
		err = move_to(r.key, from.key, to.key, flags & KEYCTL_MOVE_EXCL);
	key_put(r.key);
	if (!is_err(from.key))
		key_put(from.key);
	if (!is_err(to.key))
		key_put(to.key);
	return err;
}

static long search_in(struct key_ref ring, const struct key_match *m, struct key *dest)
{
	struct key *k = ring_search(ring, m);
	long err;

	if (is_err(k))
		return ptr_err(k) == -EAGAIN ? -ENOKEY : ptr_err(k);
	err = dest ? key_allows((struct key_ref){k, ring.possessed}, KEY_LINK) : 0;
	if (!err && dest)
		err = ring_link(dest, k);
	return err ? err : k->serial;
}

static long search(int32_t id, const char *name, const char *desc, int32_t dest_id)
{
	struct key_match m = {.type = key_type_find(name), .desc = desc};
	struct key_ref ring = keys_lookup(id, 0, KEY_SEARCH), dest = {NULL, false};
	long ret;

	if (is_err(ring.key))
		return ptr_err(ring.key);
	if (dest_id)
		dest = keys_lookup(dest_id, KEYS_CREATE, KEY_WRITE);
	if (is_err(dest.key)) {
		key_put(ring.key);
		return ptr_err(dest.key);
	}
	ret = m.type ? search_in(ring, &m, dest.key) : -ENOKEY;
	key_put(dest.key);
	key_put(ring.key);
	return ret;
}

/* The serials of a ring, or a payload, are n bytes. */
static void read_to(uint8_t *data, const struct key *k, size_t n)
{
	if (!k->type->ring)
		memcpy(data, k->data, n);
	for (uint32_t i = 0; k->type->ring && i < k->len; i++)
		memcpy(data + i * sizeof(uint32_t), &k->keys[i]->serial, sizeof(uint32_t));
}

/* To *data. What does not fit into size as a whole is not given, but how much it is. */
static long read_one(struct key_ref r, uint8_t **data, size_t size)
{
	const struct key *k = r.key;
	int err = k->error ? k->error : key_allows(r, KEY_READ);
	size_t n;

	/* Who can find it may read it, too. */
	if (err == -EACCES && r.possessed)
		err = 0;
	if (err)
		return err;
	if (!k->type->readable)
		return -EOPNOTSUPP;
	err = key_valid(k);
	if (err)
		return err;
	if (k->type->ring && size % sizeof(uint32_t))
		return -EINVAL;
	n = k->type->ring ? k->len * sizeof(uint32_t) : k->len;
	if (n && n <= size) {
		*data = kmalloc(n);
		if (!*data)
			return -ENOMEM;
		read_to(*data, k, n);
	}
	return (long)n;
}

static long read(int32_t id, uint8_t **data, size_t size)
{
	struct key_ref r = keys_lookup(id, KEYS_UNCHECKED, 0);
	long ret;

	if (is_err(r.key))
		return -ENOKEY;
	ret = read_one(r, data, size);
	key_put(r.key);
	return ret;
}

/* No security module says more. */
static long get_security(int32_t id)
{
	struct key_ref r = keys_lookup(id, KEYS_PARTIAL, KEY_VIEW);

	if (is_err(r.key))
		return ptr_err(r.key);
	key_put(r.key);
	return 1;
}

static long invalidate(int32_t id)
{
	struct key_ref r = keys_lookup(id, 0, KEY_SEARCH);

	if (is_err(r.key))
		return ptr_err(r.key);
	key_invalidate(r.key);
	key_put(r.key);
	return 0;
}

static struct key *persistent_of(uid_t uid)
{
	struct key_user *u = key_user_of(uid);
	char name[32];
	struct key *k;

	if (!u)
		return err_ptr(-ENOMEM);
	if (u->persistent && !key_valid(u->persistent))
		return u->persistent;
	snprintf(name, sizeof(name), "_persistent.%u", uid);
	k = key_create(&key_type_ring, name, uid, (gid_t)-1,
		       (KEY_POS(KEY_ALL) & ~KEY_POS(KEY_SETATTR)) | KEY_USR(KEY_VIEW | KEY_READ),
		       KEY_UNCOUNTED);
	if (!is_err(k))
		key_user_ring_set(u, &u->persistent, k);
	return k;
}

static long get_persistent(uid_t uid, int32_t dest_id)
{
	const struct cred *c = current()->cred;
	struct key_ref dest;
	struct key *k;
	long err;

	if (uid == (uid_t)-1)
		uid = c->uid;
	else if (uid != c->uid && uid != c->euid && !cred_capable(CAP_SETUID))
		return -EPERM;
	dest = keys_lookup(dest_id, KEYS_CREATE, KEY_WRITE);
	if (is_err(dest.key))
		return ptr_err(dest.key);
	k = dest.key->type->ring ? persistent_of(uid) : err_ptr(-ENOTDIR);
	err = is_err(k) ? ptr_err(k) : ring_link(dest.key, k);
	if (!err)
		k->expires = key_now() + keys_persistent_seconds;
	key_put(dest.key);
	return err ? err : k->serial;
}

/* The ring takes no more keys. None of our types knows a restriction by itself. */
static long restrict_ring(int32_t id, const char *type)
{
	struct key_ref r = keys_lookup(id, 0, KEY_SETATTR);
	long err = 0;

	if (is_err(r.key))
		return ptr_err(r.key);
	if (!r.key->type->ring)
		err = -ENOTDIR;
	else if (type)
		err = key_type_find(type) ? -ENOENT : -ENOKEY;
	else if (r.key->restricted)
		err = -EEXIST;
	else
		r.key->restricted = true;
	key_put(r.key);
	return err;
}

static long capabilities(uaddr_t out, size_t size)
{
	uint8_t caps[2] = {KEYCTL_CAPS0_CAPABILITIES | KEYCTL_CAPS0_PERSISTENT_KEYRINGS |
			   KEYCTL_CAPS0_INVALIDATE | KEYCTL_CAPS0_RESTRICT_KEYRING |
			   KEYCTL_CAPS0_MOVE};
	size_t n = MIN(size, sizeof(caps));

	if (copy_to_user(out, caps, n) || clear_user(out + n, size - n))
		return -EFAULT;
	return sizeof(caps);
}

/* --- those that take more than numbers --- */

static long keyctl_join(uaddr_t uname)
{
	char *name = uname ? key_string_get(uname, KEY_DESC_MAX) : NULL;
	long ret;

	if (is_err(name))
		return ptr_err(name);
	if (name && name[0] == '.') {
		kfree(name);
		return -EPERM;
	}
	mutex_lock(&keys_lock);
	ret = keys_join_session(name);
	mutex_unlock(&keys_lock);
	kfree(name);
	return ret;
}

static long keyctl_update(int32_t id, uaddr_t user, size_t len)
{
	uint8_t *data;
	long ret;

	if (len > PAGE_SIZE)
		return -EINVAL;
	data = key_payload_get(user, len);
	if (is_err(data))
		return ptr_err(data);
	mutex_lock(&keys_lock);
	ret = update(id, data, len);
	mutex_unlock(&keys_lock);
	return ret;
}

static long keyctl_search(int32_t id, uaddr_t utype, uaddr_t udesc, int32_t dest)
{
	char type[KEY_TYPE_MAX], *desc;
	long ret = key_name_get(type, utype, &desc, udesc);

	if (ret)
		return ret;
	mutex_lock(&keys_lock);
	ret = search(id, type, desc, dest);
	mutex_unlock(&keys_lock);
	kfree(desc);
	return ret;
}

static long keyctl_describe(int32_t id, uaddr_t out, size_t size)
{
	char *text = NULL;
	long ret;

	mutex_lock(&keys_lock);
	ret = describe(id, &text);
	mutex_unlock(&keys_lock);
	if (ret > 0 && out && size >= (size_t)ret && copy_to_user(out, text, ret))
		ret = -EFAULT;
	kfree(text);
	return ret;
}

static long keyctl_read(int32_t id, uaddr_t out, size_t size)
{
	uint8_t *data = NULL;
	long ret, n;

	mutex_lock(&keys_lock);
	ret = n = read(id, &data, out ? size : 0);
	mutex_unlock(&keys_lock);
	if (!data)
		return ret;
	if (copy_to_user(out, data, n))
		ret = -EFAULT;
	key_data_free(data, n);
	return ret;
}

static long keyctl_get_security(int32_t id, uaddr_t out, size_t size)
{
	long ret;

	mutex_lock(&keys_lock);
	ret = get_security(id);
	mutex_unlock(&keys_lock);
	return ret > 0 && out && size && copy_to_user(out, "", 1) ? -EFAULT : ret;
}

/* What is wrong with how a ring is to be restricted. To type: with what, if utype. */
static long restriction_get(char type[KEY_TYPE_MAX], uaddr_t utype, uaddr_t urestriction)
{
	char *restriction;
	long err;

	if (!utype != !urestriction)
		return -EINVAL;
	if (!utype)
		return 0;
	err = key_type_get(type, utype);
	if (err)
		return err;
	restriction = key_string_get(urestriction, PAGE_SIZE);
	if (is_err(restriction))
		return ptr_err(restriction);
	kfree(restriction);
	return 0;
}

static long keyctl_restrict(int32_t id, uaddr_t utype, uaddr_t urestriction)
{
	char type[KEY_TYPE_MAX];
	struct key_ref r;
	long ret = 0;

	/* Whether there is such a key comes first. */
	mutex_lock(&keys_lock);
	r = keys_lookup(id, 0, KEY_SETATTR);
	if (is_err(r.key))
		ret = ptr_err(r.key);
	else
		key_put(r.key);
	mutex_unlock(&keys_lock);
	if (!ret)
		ret = restriction_get(type, utype, urestriction);
	if (ret)
		return ret;
	mutex_lock(&keys_lock);
	ret = restrict_ring(id, utype ? type : NULL);
	mutex_unlock(&keys_lock);
	return ret;
}

/* -EOPNOTSUPP: it is none of them. */
static long keyctl_numbers(int op, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	switch (op) {
	case KEYCTL_GET_KEYRING_ID:
		return get_ring_id((int32_t)a, (int)b);
	case KEYCTL_REVOKE:
		return revoke((int32_t)a);
	case KEYCTL_CHOWN:
		return chown((int32_t)a, (uid_t)b, (gid_t)c);
	case KEYCTL_SETPERM:
		return set_perm((int32_t)a, (uint32_t)b);
	case KEYCTL_CLEAR:
		return clear((int32_t)a);
	case KEYCTL_LINK:
		return link((int32_t)a, (int32_t)b);
	case KEYCTL_UNLINK:
		return unlink((int32_t)a, (int32_t)b);
	case KEYCTL_SET_REQKEY_KEYRING:
		return keys_set_request((int)a);
	case KEYCTL_SET_TIMEOUT:
		return set_timeout((int32_t)a, (uint32_t)b);
	case KEYCTL_SESSION_TO_PARENT:
		return keys_session_to_parent();
	case KEYCTL_INVALIDATE:
		return invalidate((int32_t)a);
	case KEYCTL_GET_PERSISTENT:
		return get_persistent((uid_t)a, (int32_t)b);
	case KEYCTL_MOVE:
		return move((int32_t)a, (int32_t)b, (int32_t)c, (uint32_t)d);
	default:
		return -EOPNOTSUPP;
	}
}

SYSCALL5(keyctl, int, op, uint64_t, a, uint64_t, b, uint64_t, c, uint64_t, d)
{
	long ret;

	switch (op) {
	case KEYCTL_JOIN_SESSION_KEYRING:
		return keyctl_join(a);
	case KEYCTL_UPDATE:
		return keyctl_update((int32_t)a, b, c);
	case KEYCTL_DESCRIBE:
		return keyctl_describe((int32_t)a, b, (uint32_t)c);
	case KEYCTL_READ:
		return keyctl_read((int32_t)a, b, c);
	case KEYCTL_GET_SECURITY:
		return keyctl_get_security((int32_t)a, b, c);
	case KEYCTL_SEARCH:
		return keyctl_search((int32_t)a, b, c, (int32_t)d);
	case KEYCTL_CAPABILITIES:
		return capabilities(a, b);
	case KEYCTL_INSTANTIATE:
		return c > KEY_ADD_MAX ? -EINVAL : -EPERM;
	case KEYCTL_NEGATE:
	case KEYCTL_INSTANTIATE_IOV:
		return -EPERM; /* nobody is asked to make one */
	case KEYCTL_REJECT:
		/* With what those who ask are told. */
		return !c || c >= 4096 || (c >= 512 && c <= 516) ? -EINVAL : -EPERM;
	case KEYCTL_ASSUME_AUTHORITY:
		return (int32_t)a < 0 ? -EINVAL : a ? -ENOKEY : 0;
	case KEYCTL_RESTRICT_KEYRING:
		return keyctl_restrict((int32_t)a, b, c);
	default:
		break;
	}
	mutex_lock(&keys_lock);
	ret = keyctl_numbers(op, a, b, c, d);
	mutex_unlock(&keys_lock);
	return ret;
}
