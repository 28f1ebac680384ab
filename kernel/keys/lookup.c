/*
 * The keyrings of threads, processes, sessions and users, and how keys are named by serials.
 */
#include "kernel/keys/key.h"
#include "kernel/thread.h"
#include "kernel/uapi/errno.h"
#include "kernel/uapi/keyctl.h"
#include "lib/printf.h"
#include "lib/string.h"

#define RING_PERM (KEY_POS(KEY_ALL) | KEY_USR(KEY_VIEW))

/* A ring of the running thread's user. */
static struct key *own_ring(const char *name, uint32_t perm, enum key_quota quota)
{
	const struct cred *c = current()->cred;

	return key_create(&key_type_ring, name, c->fsuid, c->fsgid, perm, quota);
}

/* --- of users --- */

/* u's ring at place; if there is none, or it has been invalidated, a new one. err_ptr. */
static struct key *user_ring(struct key_user *u, struct key **place, const char *format)
{
	struct key *ring = *place;
	char name[32];

	if (ring && !ring->invalid)
		return ring;
	key_user_ring_set(u, place, NULL);
	snprintf(name, sizeof(name), format, u->uid);
	ring = key_create(&key_type_ring, name, u->uid, (gid_t)-1,
			  (KEY_POS(KEY_ALL) & ~KEY_POS(KEY_SETATTR)) | KEY_USR(KEY_ALL),
			  KEY_COUNTED);
	if (!is_err(ring))
		key_user_ring_set(u, place, ring);
	return ring;
}

static int user_rings_make(struct key_user *u)
{
	struct key *ring = user_ring(u, &u->ring, "_uid.%u"), *session;
	bool had = u->session && !u->session->invalid;
	int err;

	if (is_err(ring))
		return (int)ptr_err(ring);
	session = user_ring(u, &u->session, "_uid_ses.%u");
	if (is_err(session))
		return (int)ptr_err(session);
	err = had ? 0 : ring_link(session, ring);
	if (err)
		key_user_ring_set(u, &u->session, NULL);
	return err;
}

/* Both rings of the running thread's user are there. 0, -ENOMEM, -EDQUOT. */
static int user_rings(struct key_user **user)
{
	struct key_user *u = key_user_of(current()->cred->uid);
	int err;

	if (!u)
		return -ENOMEM;
	u->refs++;
	err = user_rings_make(u);
	*user = u;
	key_user_put(u);
	return err;
}

/* --- of threads, processes, sessions --- */

/* The ring at place, made if there is none and create. Not referenced; err_ptr. */
static struct key *place_ring(struct key **place, const char *name, bool create)
{
	struct key *ring = *place;

	if (ring)
		return ring;
	if (!create)
		return err_ptr(-ENOKEY);
	ring = own_ring(name, RING_PERM, KEY_OVERRUN);
	if (!is_err(ring))
		*place = ring;
	return ring;
}

static void session_set(struct thread *t, struct key *ring)
{
	struct key *old = t->keys.session;

	t->keys.session = key_get(ring);
	key_put(old);
}

static struct key *session_new(const char *name)
{
	uint32_t perm = KEY_POS(KEY_ALL) | KEY_USR(KEY_VIEW | KEY_READ);

	if (name)
		return own_ring(name, perm | KEY_USR(KEY_LINK), KEY_COUNTED);
	return own_ring("_ses", perm, current()->keys.session ? KEY_COUNTED : KEY_OVERRUN);
}

/* A ring with this name that the running thread may search, referenced; NULL. */
static struct key *ring_by_name(const char *name)
{
	struct key *k;

	for (k = key_from_serial(0); k; k = key_from_serial(k->serial + 1))
		if (k->type->ring && !k->revoked && !strcmp(k->desc, name) &&
		    !key_allows((struct key_ref){k, false}, KEY_SEARCH))
			return key_get(k);
	return NULL;
}

long keys_join_session(const char *name)
{
	struct key *ring = name ? ring_by_name(name) : NULL;
	long serial;

	if (!ring)
		ring = session_new(name);
	if (is_err(ring))
		return ptr_err(ring);
	serial = ring == current()->keys.session ? 0 : ring->serial;
	session_set(current(), ring);
	key_put(ring);
	return serial;
}

static bool of_user(const struct key *ring)
{
	return ring == ring->user->ring || ring == ring->user->session;
}

/* Who has none has the user's; to be changed, it gets one of its own. */
static struct key *session_ring(bool create)
{
	struct thread *t = current();
	struct key_user *u;
	long err;

	if (t->keys.session && !(create && of_user(t->keys.session)))
		return t->keys.session;
	err = create ? keys_join_session(NULL) : user_rings(&u);
	if (err < 0)
		return err_ptr(err);
	if (!create)
		session_set(t, u->session);
	return t->keys.session;
}

static struct key *special_ring(int32_t id, bool create)
{
	struct thread *t = current();
	struct key_user *u;
	int err;

	switch (id) {
	case KEY_SPEC_THREAD_KEYRING:
		return place_ring(&t->keys.thread, "_tid", create);
	case KEY_SPEC_PROCESS_KEYRING:
		return place_ring(&t->keys.process, "_pid", create);
	case KEY_SPEC_SESSION_KEYRING:
		return session_ring(create);
	case KEY_SPEC_USER_KEYRING:
	case KEY_SPEC_USER_SESSION_KEYRING:
		err = user_rings(&u);
		if (err)
			return err_ptr(err);
		return id == KEY_SPEC_USER_KEYRING ? u->ring : u->session;
	case KEY_SPEC_REQKEY_AUTH_KEY:
	case KEY_SPEC_REQUESTOR_KEYRING:
		return err_ptr(-ENOKEY); /* nobody is asked to make a key */
	default:
		return err_ptr(-EINVAL);
	}
}

/* --- finding --- */

struct key_ref keys_search(const struct key_match *m)
{
	struct thread *t = current();
	struct key *const rings[] = {t->keys.thread, t->keys.process, t->keys.session};
	struct key *k, *none = NULL, *error = err_ptr(-EAGAIN);
	struct key_user *u;

	for (int i = 0; i < 3; i++) {
		struct key *ring = rings[i];

		if (!ring && i == 2) {
			u = key_user_find(t->cred->uid);
			ring = u ? u->session : NULL;
		}
		if (!ring)
			continue;
		k = ring_search((struct key_ref){ring, true}, m);
		if (!is_err(k))
			return (struct key_ref){k, true};
		if (ptr_err(k) == -ENOKEY || (ptr_err(k) == -EAGAIN && !none))
			none = k;
		else if (ptr_err(k) != -EAGAIN)
			error = k;
	}
	return (struct key_ref){none ? none : error, false};
}

static struct key_ref find(int32_t id, int flags)
{
	struct key_match m = {.key = NULL};
	struct key *k;

	if (id < 0) {
		k = special_ring(id, flags & KEYS_CREATE);
		if (!is_err(k))
			key_get(k);
		return (struct key_ref){k, true};
	}
	if (!id)
		return (struct key_ref){err_ptr(-EINVAL), false};
	k = key_by_serial(id);
	if (!k)
		return (struct key_ref){err_ptr(-ENOKEY), false};
	m.key = k;
	return (struct key_ref){k, !is_err(keys_search(&m).key)};
}

struct key_ref keys_lookup(int32_t id, int flags, uint32_t what)
{
	struct key_ref r = find(id, flags);
	int err;

	if (is_err(r.key) || (flags & KEYS_UNCHECKED))
		return r;
	err = flags & KEYS_PARTIAL ? key_valid(r.key) : key_usable(r.key);
	if (!err)
		err = key_allows(r, what);
	if (err) {
		key_put(r.key);
		r.key = err_ptr(err);
	}
	return r;
}

long keys_set_request(int where)
{
	struct thread *t = current();
	int was = t->keys.request;
	struct key *ring = NULL;

	switch (where) {
	case KEY_REQKEY_DEFL_THREAD_KEYRING:
		ring = special_ring(KEY_SPEC_THREAD_KEYRING, true);
		break;
	case KEY_REQKEY_DEFL_PROCESS_KEYRING:
		ring = special_ring(KEY_SPEC_PROCESS_KEYRING, true);
		break;
	case KEY_REQKEY_DEFL_DEFAULT:
	case KEY_REQKEY_DEFL_SESSION_KEYRING:
	case KEY_REQKEY_DEFL_USER_KEYRING:
	case KEY_REQKEY_DEFL_USER_SESSION_KEYRING:
	case KEY_REQKEY_DEFL_REQUESTOR_KEYRING:
		break;
	case KEY_REQKEY_DEFL_NO_CHANGE:
		return was;
	default:
		return -EINVAL;
	}
	if (ring && is_err(ring))
		return ptr_err(ring);
	t->keys.request = where;
	return was;
}

/* The ring that is set, or the nearest one after it that there is. Not referenced; err_ptr. */
static struct key *request_ring(const struct thread *t)
{
	struct key *const own[] = {t->keys.thread, t->keys.process, t->keys.session};
	int where = t->keys.request;

	if (where == KEY_REQKEY_DEFL_USER_KEYRING)
		return special_ring(KEY_SPEC_USER_KEYRING, false);
	if (where == KEY_REQKEY_DEFL_DEFAULT || where == KEY_REQKEY_DEFL_REQUESTOR_KEYRING)
		where = KEY_REQKEY_DEFL_THREAD_KEYRING;
	for (; where <= KEY_REQKEY_DEFL_SESSION_KEYRING; where++)
		if (own[where - KEY_REQKEY_DEFL_THREAD_KEYRING])
			return own[where - KEY_REQKEY_DEFL_THREAD_KEYRING];
	return special_ring(KEY_SPEC_USER_SESSION_KEYRING, false);
}

struct key *keys_request_ring(void)
{
	struct key *ring = request_ring(current());
	int err;

	if (is_err(ring))
		return ring;
	err = key_allows((struct key_ref){ring, true}, KEY_WRITE);
	return err ? err_ptr(err) : key_get(ring);
}

/*
 * May the parent, locked, have this ring? It is one with the running thread, and one thread. If its
 * first thread has ended and another goes on, or that one has not come to its end yet, it is not.
 */
static int parent_may(struct process *parent, const struct key *ring)
{
	const struct cred *a = current()->cred, *b;
	const struct thread *t = parent->leader;

	if (parent->pid <= 1 || parent->zombie || parent->nthreads != 1 ||
	    parent->threads.next != &t->process_link || parent->threads.prev != &t->process_link)
		return -EPERM;
	if (t->keys.session == ring)
		return 0;
	b = t->cred;
	return a->euid == b->uid && a->euid == b->euid && a->euid == b->suid &&
	       a->egid == b->gid && a->egid == b->egid && a->egid == b->sgid &&
	       (!t->keys.session || t->keys.session->uid == a->euid) &&
	       ring->uid == a->euid ? 0 : -EPERM;
}

long keys_session_to_parent(void)
{
	struct key_ref mine = keys_lookup(KEY_SPEC_SESSION_KEYRING, 0, KEY_LINK);
	struct key *old = NULL;
	struct process *parent;
	uint64_t irq;
	long err = -EPERM;

	if (is_err(mine.key))
		return ptr_err(mine.key);
	irq = spin_lock_irq(&proc_lock);
	parent = current()->process->parent;
	if (parent) {
		/* So it has not come to keys_exit yet. */
		spin_lock(&parent->siglock);
		err = parent_may(parent, mine.key);
		if (!err) {
			old = parent->leader->keys.session;
			parent->leader->keys.session = key_get(mine.key);
		}
		spin_unlock(&parent->siglock);
	}
	spin_unlock_irq(&proc_lock, irq);
	key_put(old);
	key_put(mine.key);
	return err;
}

/* --- lives of threads --- */

static void ring_drop(struct key **place)
{
	key_put(*place);
	*place = NULL;
}

void keys_fork(struct thread *t, bool thread)
{
	const struct thread *me = current();

	t->keys.request = me->keys.request;
	if (!me->keys.process && !me->keys.session)
		return;
	mutex_lock(&keys_lock);
	if (thread && me->keys.process)
		t->keys.process = key_get(me->keys.process);
	if (me->keys.session)
		t->keys.session = key_get(me->keys.session);
	mutex_unlock(&keys_lock);
}

void keys_exec(struct thread *t)
{
	if (!t->keys.thread && !t->keys.process)
		return;
	mutex_lock(&keys_lock);
	ring_drop(&t->keys.thread);
	ring_drop(&t->keys.process);
	mutex_unlock(&keys_lock);
}

void keys_exit(struct thread *t)
{
	if (!t->keys.thread && !t->keys.process && !t->keys.session)
		return;
	mutex_lock(&keys_lock);
	ring_drop(&t->keys.thread);
	ring_drop(&t->keys.process);
	ring_drop(&t->keys.session);
	mutex_unlock(&keys_lock);
}

void keys_ids_changed(struct thread *t)
{
	if (!t->keys.thread)
		return;
	mutex_lock(&keys_lock);
	t->keys.thread->uid = t->cred->fsuid;
	t->keys.thread->gid = t->cred->fsgid;
	mutex_unlock(&keys_lock);
}
