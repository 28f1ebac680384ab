/*
 * POSIX access lists: their three forms (as an attribute of user space, as one of a volume, in
 * memory), what they and the mode say of each other, and who may.
 */
#include "fs/acl.h"

#include <stdatomic.h>

#include "fs/xattr.h"
#include "kernel/mem/slab.h"
#include "kernel/spinlock.h"
#include "kernel/thread.h"
#include "kernel/uapi/posix_acl.h"
#include "lib/string.h"
#include "mm/usercopy.h"

/*
 * In the order of acl(5), in which entries are: the owner's is the first, others' the last, and
 * before that the one that the group's bits of a mode stand for: the mask, or without any the
 * owning group's. What is an inode's does not change.
 */
struct acl {
	_Atomic uint32_t refs;
	uint32_t n;
	struct posix_acl_xattr_entry e[];
};

/* inode->acl, for those who do not hold inode->lock. */
static struct spinlock acl_lock = SPINLOCK_INIT("access lists", RANK_ACL);

static struct acl *acl_alloc(size_t n)
{
	struct acl *a = kmalloc(sizeof(*a) + n * sizeof(a->e[0]));

	if (!a)
		return NULL;
	a->refs = 1;
	a->n = (uint32_t)n;
	return a;
}

void acl_put(struct acl *a)
{
	if (a && !is_err(a) && atomic_fetch_sub(&a->refs, 1) == 1)
		kfree(a);
}

static bool is_named(unsigned tag)
{
	return tag == ACL_USER || tag == ACL_GROUP;
}

/* --- the forms --- */

/* Owner, users, owning group, groups, mask, others, each where and as often as it may be. */
static bool acl_valid(const struct acl *a)
{
	static const uint8_t before[] = { /* what may stand in front of an entry */
		[ACL_USER_OBJ] = 0,
		[ACL_USER] = ACL_USER_OBJ | ACL_USER,
		[ACL_GROUP_OBJ] = ACL_USER_OBJ | ACL_USER,
		[ACL_GROUP] = ACL_GROUP_OBJ | ACL_GROUP,
		[ACL_MASK] = ACL_GROUP_OBJ | ACL_GROUP,
		[ACL_OTHER] = ACL_GROUP_OBJ | ACL_GROUP | ACL_MASK,
	};
	unsigned seen = 0, last = 0;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct posix_acl_xattr_entry *e = &a->e[i];

		if (e->e_perm & ~(ACL_READ | ACL_WRITE | ACL_EXECUTE))
			return false;
		if (i ? !(before[e->e_tag] & last) : e->e_tag != ACL_USER_OBJ)
			return false;
		last = e->e_tag;
		seen |= last;
	}
	return last == ACL_OTHER && ((seen & ACL_MASK) || !(seen & (ACL_USER | ACL_GROUP)));
}

/* Is it an entry at all? Unnamed ones get the id that user space is shown. */
static bool entry_known(struct posix_acl_xattr_entry *e)
{
	switch (e->e_tag) {
	case ACL_USER:
	case ACL_GROUP:
		return e->e_id != (uint32_t)ACL_UNDEFINED_ID;
	case ACL_USER_OBJ:
	case ACL_GROUP_OBJ:
	case ACL_MASK:
	case ACL_OTHER:
		e->e_id = (uint32_t)ACL_UNDEFINED_ID;
		return true;
	}
	return false;
}

/* The list of a user's value; NULL if that is empty. 0, -EINVAL, -EOPNOTSUPP, -ENOMEM. */
static int from_user_value(const char *value, size_t size, struct acl **out)
{
	struct posix_acl_xattr_header h;
	struct acl *a;

	*out = NULL;
	if (!size)
		return 0;
	if (size < sizeof(h))
		return -EINVAL;
	memcpy(&h, value, sizeof(h));
	size -= sizeof(h);
	if (h.a_version != POSIX_ACL_XATTR_VERSION)
		return -EOPNOTSUPP;
	if (size % sizeof(a->e[0]))
		return -EINVAL;
	if (!size)
		return 0;
	a = acl_alloc(size / sizeof(a->e[0]));
	if (!a)
		return -ENOMEM;
	memcpy(a->e, value + sizeof(h), size);
	for (uint32_t i = 0; i < a->n; i++) {
		if (!entry_known(&a->e[i])) {
			kfree(a);
			return -EINVAL;
		}
	}
	*out = a;
	return 0;
}

static size_t stored_size(const struct posix_acl_xattr_entry *e)
{
	return is_named(e->e_tag) ? sizeof(*e) : offsetof(struct posix_acl_xattr_entry, e_id);
}

#define STORED_VERSION 1u

/* The list of a volume's attribute; NULL if that is empty. 0, -EINVAL, -ENOMEM. */
static int from_stored(const struct xattr *x, struct acl **out)
{
	const size_t least = offsetof(struct posix_acl_xattr_entry, e_id);
	const char *p = xattr_value(x), *end = p + x->size;
	uint32_t version;
	struct acl *a;

	*out = NULL;
	if (!x->size)
		return 0;
	if (x->size < sizeof(version))
		return -EINVAL;
	memcpy(&version, p, sizeof(version));
	p += sizeof(version);
	if (version != STORED_VERSION)
		return -EINVAL;
	if (p == end)
		return 0;
	a = acl_alloc((size_t)(end - p) / least);
	if (!a)
		return -ENOMEM;
	for (a->n = 0; (size_t)(end - p) >= least; a->n++) {
		struct posix_acl_xattr_entry *e = &a->e[a->n];

		memcpy(e, p, least);
		if ((size_t)(end - p) < stored_size(e))
			break;
		memcpy(e, p, stored_size(e));
		if (!entry_known(e))
			break;
		p += stored_size(e);
	}
	if (p != end || !acl_valid(a)) {
		kfree(a);
		return -EINVAL;
	}
	*out = a;
	return 0;
}

/* One more attribute in the list: 0 or -ENOMEM. */
static int to_stored(const struct acl *a, unsigned index, struct list_head *list)
{
	const uint32_t version = STORED_VERSION;
	size_t size = sizeof(version);
	struct xattr *x;
	char *p;

	for (uint32_t i = 0; i < a->n; i++)
		size += stored_size(&a->e[i]);
	x = xattr_add(list, index, "", 0, size);
	if (!x)
		return -ENOMEM;
	p = xattr_value(x);
	memcpy(p, &version, sizeof(version));
	p += sizeof(version);
	for (uint32_t i = 0; i < a->n; i++) {
		memcpy(p, &a->e[i], stored_size(&a->e[i]));
		p += stored_size(&a->e[i]);
	}
	return 0;
}

static struct xattr *stored_find(const struct list_head *list, unsigned index)
{
	return xattrs_find(list, index, "", 0);
}

/* --- lists and modes --- */

/* The three that a mode knows become as it says. */
static void classes_set(struct acl *a, mode_t mode)
{
	a->e[0].e_perm = mode >> 6 & 7;
	a->e[a->n - 2].e_perm = mode >> 3 & 7;
	a->e[a->n - 1].e_perm = mode & 7;
}

static mode_t mode_of(const struct acl *a)
{
	return (mode_t)(a->e[0].e_perm << 6 | a->e[a->n - 2].e_perm << 3 |
			a->e[a->n - 1].e_perm);
}

/* Does it say no more than the mode that it means? */
static bool is_minimal(const struct acl *a)
{
	return a->n == 3; /* it is valid: owner, group, others */
}

/* --- what an inode has --- */

/*
 * It has the list a, or, NULL, none, or err_ptr one that cannot be read. The access list it keeps.
 * Returns what is nobody's then. inode->lock held.
 */
static struct acl *list_install(struct inode *inode, unsigned index, struct acl *a)
{
	uint32_t bit = index == XATTR_ACL_ACCESS ? INODE_ACL : INODE_ACL_DEFAULT;
	struct acl *rest = a;

	spin_lock(&acl_lock);
	if (index == XATTR_ACL_ACCESS) {
		rest = inode->acl;
		inode->acl = a;
	}
	if (a)
		atomic_fetch_or(&inode->state, bit);
	else
		atomic_fetch_and(&inode->state, ~bit);
	spin_unlock(&acl_lock);
	return rest;
}

static int list_learn(struct inode *inode, unsigned index, const struct list_head *xattrs)
{
	const struct xattr *x = stored_find(xattrs, index);
	struct acl *a = NULL;
	int err = x ? from_stored(x, &a) : 0;

	if (err == -ENOMEM)
		return err;
	acl_put(list_install(inode, index, err ? err_ptr(err) : a));
	return 0;
}

int acl_learn(struct inode *inode, const struct list_head *xattrs)
{
	int err = list_learn(inode, XATTR_ACL_ACCESS, xattrs);

	return err ? err : list_learn(inode, XATTR_ACL_DEFAULT, xattrs);
}

void acl_unreadable(struct inode *inode, int err)
{
	acl_put(list_install(inode, XATTR_ACL_ACCESS, err_ptr(err)));
	if (S_ISDIR(inode->mode))
		(void)list_install(inode, XATTR_ACL_DEFAULT, err_ptr(err));
}

/* In one change of the volume: what index is becomes a, or nothing, and the mode that. */
static int list_write(struct inode *inode, unsigned index, const struct acl *a, mode_t mode)
{
	struct list_head list;
	struct xattr *old;
	int err;

	list_init(&list);
	err = inode->ops->xattrs_load(inode, &list);
	old = err ? NULL : stored_find(&list, index);
	if (old)
		xattr_free(old);
	if (!err && a)
		err = to_stored(a, index, &list);
	if (!err)
		err = inode->ops->xattrs_store(inode, &list, mode);
	xattrs_free(&list);
	return err;
}

/* Who walks looks at a mode and for a list under dcache_lock: now nobody has one of before. */
static void walkers_pass(void)
{
	spin_lock(&dcache_lock);
	spin_unlock(&dcache_lock);
}

/* The list, or none, becomes the inode's, and mode its mode. a is taken over. */
static int list_store(struct inode *inode, unsigned index, struct acl *a, mode_t mode)
{
	bool first = index == XATTR_ACL_ACCESS && a;
	struct acl *rest = a;
	int err;

	/* Without its list, a mode would give the group what others' entries have. */
	if (first)
		rest = list_install(inode, index, a);
	walkers_pass();
	err = list_write(inode, index, a, mode);
	walkers_pass();
	if (err && first)
		rest = list_install(inode, index, rest);
	else if (!err && !first)
		rest = list_install(inode, index, a);
	acl_put(rest);
	return err;
}

/* --- the calls --- */

static bool has_lists(const struct inode *inode)
{
	return inode->sb->posix_acl && !S_ISLNK(inode->mode) && inode->ops &&
	       inode->ops->xattrs_load;
}

/* May the running thread set a, or take the list away? In the order in which Linux asks. */
static int may_set(const struct inode *inode, unsigned index, const struct acl *a)
{
	if (inode_has(inode, INODE_IMMUTABLE | INODE_APPEND))
		return -EPERM;
	if (!has_lists(inode))
		return -EOPNOTSUPP;
	/* What a file never has may be taken from it, by anybody. */
	if (index == XATTR_ACL_DEFAULT && !S_ISDIR(inode->mode))
		return a ? -EACCES : 0;
	if (!inode_owner_or_capable(inode))
		return -EPERM;
	return !a || acl_valid(a) ? 0 : -EINVAL;
}

/* a is taken over. */
static int list_set(struct inode *inode, unsigned index, struct acl *a)
{
	mode_t mode = inode->mode;

	if (index == XATTR_ACL_ACCESS && a) {
		mode = (mode & ~(mode_t)0777) | mode_of(a);
		if (!cred_capable(CAP_FSETID) && !cred_in_group(current()->cred, inode->gid))
			mode &= ~(mode_t)S_ISGID;
		if (is_minimal(a)) {
			kfree(a);
			a = NULL;
		}
	}
	return list_store(inode, index, a, mode);
}

int acl_set(struct inode *inode, unsigned index, const void *value, size_t size)
{
	struct acl *a = NULL;
	int err = value ? from_user_value(value, size, &a) : 0;

	if (!err)
		err = may_set(inode, index, a);
	if (err) {
		kfree(a);
		return err;
	}
	return index == XATTR_ACL_DEFAULT && !S_ISDIR(inode->mode) ? 0
								   : list_set(inode, index, a);
}

static int list_get(struct inode *inode, unsigned index, struct acl **out)
{
	struct list_head list;
	struct xattr *x;
	int err = xattrs_load(inode, &list);

	x = err ? NULL : stored_find(&list, index);
	if (!err)
		err = x ? from_stored(x, out) : -ENODATA;
	xattrs_free(&list);
	return err || *out ? err : -ENODATA;
}

long acl_get(struct inode *inode, unsigned index, uaddr_t value, size_t size)
{
	const struct posix_acl_xattr_header h = {.a_version = POSIX_ACL_XATTR_VERSION};
	struct acl *a = NULL;
	int err = has_lists(inode) ? list_get(inode, index, &a) : -EOPNOTSUPP;
	size_t bytes;
	long n;

	if (err)
		return err;
	bytes = a->n * sizeof(a->e[0]);
	n = (long)(sizeof(h) + bytes);
	if (size && size < (size_t)n)
		n = -ERANGE;
	else if (size && (copy_to_user(value, &h, sizeof(h)) ||
			  copy_to_user(value + sizeof(h), a->e, bytes)))
		n = -EFAULT;
	kfree(a);
	return n;
}

int acl_chmod(struct inode *inode, mode_t mode)
{
	const struct acl *old = inode->acl;
	struct acl *a;

	if (!((mode ^ inode->mode) & 0777))
		return 0;
	if (is_err(old))
		return (int)ptr_err(old);
	a = acl_alloc(old->n);
	if (!a)
		return -ENOMEM;
	memcpy(a->e, old->e, old->n * sizeof(old->e[0]));
	classes_set(a, mode);
	return list_store(inode, XATTR_ACL_ACCESS, a, (inode->mode & S_IFMT) | (mode & 07777));
}

/* --- who may --- */

/* The algorithm of acl(5), for who is not the owner. */
static bool list_permits(const struct acl *a, gid_t owning, const struct cred *c, unsigned want)
{
	const struct posix_acl_xattr_entry *e = &a->e[a->n - 2];
	unsigned most = e->e_tag == ACL_MASK ? e->e_perm : 7;
	bool member = false;

	for (e = a->e; e->e_tag != ACL_OTHER; e++) {
		if (e->e_tag == ACL_USER && e->e_id == c->fsuid)
			return !(want & ~(e->e_perm & most));
		if (e->e_tag != ACL_GROUP_OBJ && e->e_tag != ACL_GROUP)
			continue;
		if (!cred_in_group(c, e->e_tag == ACL_GROUP ? e->e_id : owning))
			continue;
		member = true;
		/* Of all groups one is enough, but it alone has to be. */
		if (!(want & ~(e->e_perm & most)))
			return true;
	}
	return !member && !(want & ~(unsigned)e->e_perm);
}

int acl_permission(const struct inode *inode, const struct cred *c, int mask)
{
	unsigned want = (unsigned)mask & 7;
	struct acl *a = NULL;
	mode_t mode;
	bool permits;

	spin_lock(&acl_lock);
	mode = inode->mode;
	/* As on Linux a list with an empty mask is not asked, be it damaged. */
	if (mode & 0070)
		a = inode->acl;
	if (a && !is_err(a))
		atomic_fetch_add(&a->refs, 1);
	spin_unlock(&acl_lock);
	if (is_err(a))
		return (int)ptr_err(a);
	if (a)
		permits = list_permits(a, inode->gid, c, want);
	else
		permits = !(want & ~(cred_in_group(c, inode->gid) ? mode >> 3 : mode));
	acl_put(a);
	return permits ? 0 : -EACCES;
}

/* --- what is made --- */

void acl_umask(mode_t *mode)
{
	const struct fscontext *fs = current()->fs;

	if (fs)
		*mode &= ~atomic_load_explicit(&fs->umask, memory_order_relaxed);
}

void acl_setgid(const struct inode *dir, mode_t *mode)
{
	if ((*mode & 0010) && (dir->mode & S_ISGID) && !S_ISDIR(*mode) &&
	    !cred_capable(CAP_FSETID) && !cred_in_group(current()->cred, dir->gid))
		*mode &= ~(mode_t)S_ISGID;
}

/* The list of what is made, from dir's default list a, which is changed: 0 or -ENOMEM. */
static int list_inherit(struct acl *a, mode_t *mode, struct list_head *xattrs)
{
	classes_set(a, *mode & mode_of(a));
	*mode = (*mode & ~(mode_t)0777) | mode_of(a);
	return is_minimal(a) ? 0 : to_stored(a, XATTR_ACL_ACCESS, xattrs);
}

int acl_inherit_default(struct inode *dir, mode_t *mode, struct list_head *xattrs)
{
	struct list_head list;
	struct acl *a = NULL;
	struct xattr *x;
	int err;

	list_init(&list);
	err = dir->ops->xattrs_load(dir, &list);
	x = err ? NULL : stored_find(&list, XATTR_ACL_DEFAULT);
	if (x)
		err = from_stored(x, &a);
	if (a)
		err = list_inherit(a, mode, xattrs);
	else if (!err)
		acl_umask(mode);
	if (a && !err && S_ISDIR(*mode))
		list_move_tail(&x->link, xattrs);
	acl_put(a);
	xattrs_free(&list);
	return err;
}
