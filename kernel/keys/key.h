/*
 * Keys and keyrings (keyrings(7)): what is kept for users and their programs, who may do what with
 * it, and where it is found. One lock, keys_lock, guards all of it; a key lives as long as it is
 * referenced, which is counted under that lock.
 */
#pragma once

#include "kernel/mutex.h"
#include "kernel/types.h"
#include "lib/list.h"
#include "lib/rbtree.h"

#define KEY_DESC_MAX	4096 /* with its NUL */
#define KEY_PAYLOAD_MAX 32767
#define KEY_ADD_MAX	(1024 * 1024 - 1) /* of any type of Linux's */
#define KEY_TYPE_MAX	32   /* of its name, with its NUL */
#define KEY_DEPTH_MAX	6    /* keyrings within keyrings that are looked into */

struct cred;
struct thread;

/* What may be done with a key: bits of each of four groups, possessor, owner, group, others. */
#define KEY_VIEW    0x01u
#define KEY_READ    0x02u
#define KEY_WRITE   0x04u
#define KEY_SEARCH  0x08u
#define KEY_LINK    0x10u
#define KEY_SETATTR 0x20u
#define KEY_ALL	    0x3fu
#define KEY_POS(x)  ((x) << 24)
#define KEY_USR(x)  ((x) << 16)
#define KEY_GRP(x)  ((x) << 8)

struct key_type {
	const char *name;
	bool ring, readable;
	bool colon; /* descriptions are PREFIX:NAME */
};
extern const struct key_type key_type_ring, key_type_user, key_type_logon;
/* The type with this name, NULL. */
const struct key_type *key_type_find(const char *name);

/* What the keys of a user are counted for. */
struct key_user {
	struct list_head link;
	uid_t uid;
	uint32_t refs;		    /* keys, counted ones or not, and the three rings */
	uint32_t keys, counted;	    /* counted: for the quota, as are its */
	uint64_t bytes;
	struct key *ring, *session; /* _uid.UID, _uid_ses.UID; or NULL */
	struct key *persistent;	    /* keyctl_get_persistent(3), or NULL */
};

struct key {
	struct rb_node node;	/* in the order of serials */
	uint32_t refs;
	int32_t serial;
	const struct key_type *type;
	char *desc;
	uid_t uid;
	gid_t gid;
	uint32_t perm;
	struct key_user *user;
	bool counted;		/* for its user's quota: so many bytes */
	uint32_t quota;
	bool revoked, invalid;
	int error;		/* 0, or what those get who find it: it says that there is none */
	uint64_t expires;	/* second of time_ns(), 0: never */
	uint32_t len;		/* of data, or keys of a ring */
	uint8_t *data;
	struct key **keys;	/* each referenced */
	uint32_t room;		/* of keys */
	bool restricted;	/* nothing more is linked */
	/* a search that goes on: the next ring to look into, which search, how deep */
	struct key *next;
	uint64_t seen;
	uint32_t depth;
	bool possessed;
};

extern struct mutex keys_lock;

/* A key as somebody reached it. */
struct key_ref {
	struct key *key;
	bool possessed;
};

/* --- key.c; keys_lock is held by all that follows --- */

struct key_user *key_user_find(uid_t uid); /* NULL if there is none */
struct key_user *key_user_of(uid_t uid); /* it is made then; NULL without memory */
void key_user_put(struct key_user *u);
/*
 * u's ring at place, one of its own three, is this one, whose reference goes along; or NULL: none.
 * It is u's still when its owner is another.
 */
void key_user_ring_set(struct key_user *u, struct key **place, struct key *ring);
void key_users_visit(void (*visit)(const struct key_user *u, void *arg), void *arg);
/*
 * A key of the running thread's user with one reference and no payload. quota: -EDQUOT when there
 * are enough, KEY_OVERRUN: but it is counted, KEY_UNCOUNTED: it is not. err_ptr.
 */
enum key_quota { KEY_COUNTED, KEY_OVERRUN, KEY_UNCOUNTED };
struct key *key_create(const struct key_type *type, const char *desc, uid_t uid, gid_t gid,
		       uint32_t perm, enum key_quota quota);
/* Its group as it is told: that of nobody if it has none. */
static inline gid_t key_gid(const struct key *k)
{
	return k->gid == (gid_t)-1 ? 65534 : k->gid;
}
struct key *key_get(struct key *k);
void key_put(struct key *k); /* NULL is fine */
/* Its payload takes n bytes of the quota from now on. 0, -EDQUOT. */
int key_reserve(struct key *k, uint64_t n);
/* kfree for n bytes of a payload: nobody finds them in what memory is used for next. */
void key_data_free(uint8_t *data, size_t n);
/* The user's key, which has len bytes at data now; data goes along, or is freed. 0, -EDQUOT. */
int key_set_data(struct key *k, uint8_t *data, uint32_t len);
/* Another owner. 0, -EDQUOT, -ENOMEM. */
int key_set_owner(struct key *k, uid_t uid);
/* 0; -ENOKEY, -EKEYREVOKED, -EKEYEXPIRED. */
int key_valid(const struct key *k);
/* The same, and what it says itself. */
int key_usable(const struct key *k);
uint64_t key_now(void); /* in seconds */
/* May the running thread do that? 0, -EACCES. */
int key_allows(struct key_ref r, uint32_t what);
struct key *key_by_serial(int32_t serial); /* referenced, NULL */
/* The first with a serial of at least that. */
struct key *key_from_serial(int32_t serial);
/* Gone at once, out of all keyrings. */
void key_invalidate(struct key *k);
void key_revoke(struct key *k);
extern uint64_t keys_max, keys_bytes_max, keys_root_max, keys_root_bytes_max;
extern uint64_t keys_persistent_seconds, keys_gc_delay;
/*
 * What expired that many seconds ago, or up to twice as many, is in no keyring any more. Only where
 * nobody relies on a ring that has no reference.
 */
void keys_collect(void);
uint64_t key_max_of(uid_t uid);
uint64_t key_bytes_max_of(uid_t uid);

/* --- keyring.c: the same --- */

/* The key of that type and description that the ring itself has, or NULL. */
struct key *ring_find(struct key *ring, const struct key_type *type, const char *desc);
/*
 * k is in ring, instead of what has its type and description. 0, -ENOTDIR, -EPERM, -EDEADLK,
 * -ELOOP, -EDQUOT, -ENOMEM, -EKEYREVOKED.
 */
int ring_link(struct key *ring, struct key *k);
/* What has k's type and description is not in ring any more. 0, -ENOTDIR, -ENOENT. */
int ring_unlink(struct key *ring, const struct key *k);
void ring_clear(struct key *ring);
/* What expired at that second or before goes. */
void ring_collect(struct key *ring, uint64_t expired);
/* What is looked for. */
struct key_match {
	const struct key_type *type;
	const char *desc;
	const struct key *key; /* this one; NULL: by type and desc, and only if it is usable */
	bool skip_expired;
};
/*
 * Look into top, and the rings within. The key, not referenced; err_ptr: -EAGAIN it is not there,
 * or why not: -EACCES, -ENOTDIR, what key_usable says.
 */
struct key *ring_search(struct key_ref top, const struct key_match *m);

/* --- lookup.c: the same --- */

/* In the running thread's own rings. The same errors. */
struct key_ref keys_search(const struct key_match *m);
#define KEYS_CREATE  1 /* a special ring that is not there is made */
#define KEYS_PARTIAL 2 /* one that says that there is none will do */
#define KEYS_UNCHECKED 4 /* nothing is asked of it */
/*
 * The key with this serial, or the special ring (KEY_SPEC_*), referenced; may it be used so? In
 * .key an err_ptr: -ENOKEY, -EINVAL, -EACCES, what key_usable says, -ENOMEM, -EDQUOT.
 */
struct key_ref keys_lookup(int32_t id, int flags, uint32_t what);
/*
 * The session's ring is another: the one with this name, or a new one. Its serial, 0 if it is the
 * session's already, -errno.
 */
long keys_join_session(const char *name);
/* The parent's session has the same ring. 0, -EPERM, what keys_lookup says of the ring. */
long keys_session_to_parent(void);
/* Where request_key puts what it makes: KEYCTL_SET_REQKEY_KEYRING. */
long keys_set_request(int where);
/* Referenced, and it may be written to; err_ptr: -EACCES, -ENOMEM, -EDQUOT. */
struct key *keys_request_ring(void);

/* --- addkey.c; without the lock, but for the last two --- */

/* A string of at most size bytes with its NUL, for kfree; err_ptr: -EFAULT, -EINVAL, -ENOMEM. */
char *key_string_get(uaddr_t user, size_t size);
/* A name of a type that programs may use. 0, -EFAULT, -EINVAL, -EPERM. */
int key_type_get(char type[KEY_TYPE_MAX], uaddr_t user);
/* The same and a description, for kfree; also -ENOMEM. */
int key_name_get(char type[KEY_TYPE_MAX], uaddr_t utype, char **desc, uaddr_t udesc);
/* The bytes of a new key, for kfree; NULL: none; err_ptr. More than any type takes: none, too. */
uint8_t *key_payload_get(uaddr_t user, size_t len);
bool key_payload_fits(const struct key_type *type, const uint8_t *data, size_t len);
/* The serial of k, which goes. */
long key_serial_put(struct key *k);

/* --- keys of threads; without the lock --- */

void keys_fork(struct thread *t, bool thread); /* t is the running one's child, or thread */
void keys_exec(struct thread *t);
void keys_exit(struct thread *t);
/* The running thread's file-system ids are others: they own its ring. */
void keys_ids_changed(struct thread *t);
void keys_init(void);
