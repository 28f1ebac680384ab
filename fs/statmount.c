/*
 * statmount(2), listmount(2): what is known of a mount, and which there are. They go by numbers
 * that no other mount gets; those of mountinfo are the same without MOUNT_ID_UNIQUE.
 */
#include <stdatomic.h>

#include "fs/mountns.h"
#include "fs/propagate.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/fsmount.h"
#include "kernel/uapi/mount.h"
#include "kernel/uapi/statmount.h"
#include "lib/sort.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define TEXT_MAX      (2 * PATH_MAX + 512)
#define STRINGS                                                                                    \
	(STATMOUNT_MNT_ROOT | STATMOUNT_MNT_POINT | STATMOUNT_FS_TYPE | STATMOUNT_MNT_OPTS)

/* An answer while it is put together. */
struct answer {
	struct statmount st;
	struct mount *m;
	struct path root; /* who asks sees what is below; not referenced */
	size_t room; /* of the caller's buffer */
	char *text;  /* TEXT_MAX */
	size_t used; /* of it */
};

/* 0, -EFAULT, -E2BIG, -EINVAL, -ENOENT. */
static int request_get(struct mnt_id_req *r, uaddr_t user)
{
	uint32_t size;
	int err;

	if (copy_from_user(&size, user, sizeof(size)))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < MNT_ID_REQ_SIZE_VER0)
		return -EINVAL;
	err = copy_struct_from_user(r, sizeof(*r), user, size);
	if (err)
		return err;
	return r->spare || r->mnt_id <= MOUNT_ID_UNIQUE ? -EINVAL : 0;
}

/* The namespace that is asked about, or NULL. (mount_mutex) */
static struct mount_ns *namespace_get(const struct mnt_id_req *r)
{
	struct mount_ns *own = mount_ns_own();

	if (!r->mnt_ns_id || r->mnt_ns_id == own->ns.number)
		return own;
	return cred_capable(CAP_SYS_ADMIN) ? mount_ns_find(r->mnt_ns_id) : NULL;
}

/* What is reached in ns: below the running thread's root, or all. (mount_mutex) */
static struct path root_in(const struct mount_ns *ns, const struct path *root)
{
	return ns == mount_ns_own() ? *root : (struct path){ns->root, ns->root->root};
}

/* May the running thread know of p, where it reaches what is below root? */
static int reach_check(const struct path *p, const struct path *root)
{
	return mount_is_below(p, root) || cred_capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
}

/* --- statmount --- */

static uint64_t attributes_of(uint32_t flags)
{
	uint64_t attr = mount_flags_attributes(flags);

	return flags & MS_NOATIME ? attr & ~(uint64_t)MOUNT_ATTR_STRICTATIME : attr;
}

static void volume_show(struct answer *a)
{
	struct super_block *sb = a->m->sb;

	a->st.mask |= STATMOUNT_SB_BASIC;
	a->st.sb_dev_major = MAJOR(sb->dev);
	a->st.sb_dev_minor = MINOR(sb->dev);
	a->st.sb_magic = sb->type->magic;
	a->st.sb_flags = (atomic_load(&sb->readonly) ? MS_RDONLY : 0) |
			 (atomic_load(&sb->synchronous) ? MS_SYNCHRONOUS : 0);
}

/* MS_SHARED and its kind: all that it is. */
static uint32_t propagation_flags(const struct mount *m)
{
	uint32_t flags = (mount_is_shared(m) ? MS_SHARED : 0) | (m->master ? MS_SLAVE : 0) |
			 (m->unbindable ? MS_UNBINDABLE : 0);

	return flags ? flags : MS_PRIVATE;
}

static void mount_basic(struct answer *a, const struct propagation *p)
{
	const struct mount *m = a->m, *parent = m->parent ? m->parent : m;

	a->st.mask |= STATMOUNT_MNT_BASIC;
	a->st.mnt_id = MOUNT_ID_UNIQUE + m->id;
	a->st.mnt_parent_id = MOUNT_ID_UNIQUE + parent->id;
	a->st.mnt_id_old = m->id;
	a->st.mnt_parent_id_old = parent->id;
	a->st.mnt_attr = attributes_of(atomic_load(&m->flags));
	a->st.mnt_propagation = propagation_flags(m);
	a->st.mnt_peer_group = p->group;
	a->st.mnt_master = p->master;
}

/* A string, which begins where the offset says: 0, -EOVERFLOW. */
static int string_add(struct answer *a, uint32_t *offset, uint32_t mask, const char *s)
{
	size_t size = strlen(s) + 1;

	if (size > TEXT_MAX - a->used || sizeof(a->st) + a->used + size > a->room)
		return -EOVERFLOW;
	*offset = (uint32_t)a->used;
	memcpy(a->text + a->used, s, size);
	a->used += size;
	a->st.mask |= mask;
	return 0;
}

/* Its root in the volume, or where it stands. */
static int path_add(struct answer *a, bool point, char *buf)
{
	struct path p = {a->m, a->m->root};
	bool lost = false;
	char *s;

	s = point ? path_string_from(&p, &a->root, buf, PATH_MAX, &lost, false)
		  : dentry_string(a->m->root, buf, PATH_MAX);
	if (is_err(s))
		return (int)ptr_err(s);
	if (lost)
		s = buf + PATH_MAX - 1; /* "" */
	return point ? string_add(a, &a->st.mnt_point, STATMOUNT_MNT_POINT, s)
		     : string_add(a, &a->st.mnt_root, STATMOUNT_MNT_ROOT, s);
}

/* Those of the type alone. */
static int options_add(struct answer *a)
{
	struct super_block *sb = a->m->sb;
	char options[128];

	options[0] = '\0';
	if (sb->ops->show_options)
		sb->ops->show_options(sb, options, sizeof(options));
	return string_add(a, &a->st.mnt_opts, STATMOUNT_MNT_OPTS, options + (options[0] == ','));
}

static int strings_add(struct answer *a, uint64_t mask, char *buf)
{
	int err = 0;

	if (mask & STATMOUNT_FS_TYPE)
		err = string_add(a, &a->st.fs_type, STATMOUNT_FS_TYPE, a->m->sb->type->name);
	if (!err && (mask & STATMOUNT_MNT_ROOT))
		err = path_add(a, false, buf);
	if (!err && (mask & STATMOUNT_MNT_POINT))
		err = path_add(a, true, buf);
	if (!err && (mask & STATMOUNT_MNT_OPTS))
		err = options_add(a);
	return err;
}

/* (mount_mutex) */
static int answer_make(struct answer *a, const struct mount_ns *ns, uint64_t mask, char *buf)
{
	struct propagation p;

	propagation_get(a->m, &a->root, &p);
	if (mask & STATMOUNT_SB_BASIC)
		volume_show(a);
	if (mask & STATMOUNT_MNT_BASIC)
		mount_basic(a, &p);
	if (mask & STATMOUNT_PROPAGATE_FROM)
		a->st.propagate_from = p.source;
	a->st.mask |= mask & (STATMOUNT_PROPAGATE_FROM | STATMOUNT_MNT_NS_ID);
	if (mask & STATMOUNT_MNT_NS_ID)
		a->st.mnt_ns_id = ns->ns.number;
	return mask & STRINGS ? strings_add(a, mask, buf) : 0;
}

static int answer_find(struct answer *a, const struct mnt_id_req *r)
{
	const struct mount_ns *ns;
	struct path root, p;
	char *buf = NULL;
	int err = -ENOENT;

	if (r->param & STRINGS) {
		buf = kmalloc_wait(PATH_MAX);
		a->text = kmalloc_wait(TEXT_MAX);
		if (!buf || !a->text) {
			kfree(buf);
			return -ENOMEM;
		}
		/* What is not answered begins at 0: an empty string. */
		a->text[a->used++] = '\0';
	}
	fscontext_root(&root);
	mutex_lock(&mount_mutex);
	ns = namespace_get(r);
	a->m = ns ? mount_by_id(ns, r->mnt_id) : NULL;
	if (a->m) {
		p = (struct path){a->m, a->m->root};
		a->root = root_in(ns, &root);
		err = reach_check(&p, &a->root);
	}
	if (!err)
		err = answer_make(a, ns, r->param, buf);
	mutex_unlock(&mount_mutex);
	path_put(&root);
	kfree(buf);
	return err;
}

static int answer_put(struct answer *a, uaddr_t user)
{
	size_t n = MIN(a->room, sizeof(a->st));

	if (a->used && copy_to_user(user + n, a->text, a->used))
		return -EFAULT;
	a->st.size = (uint32_t)(n + a->used);
	return copy_to_user(user, &a->st, n);
}

SYSCALL4(statmount, uaddr_t, req, uaddr_t, user, size_t, size, uint32_t, flags)
{
	struct mnt_id_req r;
	struct answer *a;
	int err;

	if (flags)
		return -EINVAL;
	err = request_get(&r, req);
	if (err)
		return err;
	if ((r.param & STRINGS) && size <= sizeof(a->st))
		return -EOVERFLOW;
	a = kzalloc(sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->room = size;
	err = answer_find(a, &r);
	if (!err)
		err = answer_put(a, user);
	kfree(a->text);
	kfree(a);
	return err;
}

/* --- listmount --- */

static int id_compare(const void *a, const void *b, void *reverse)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	int order = x < y ? -1 : x > y;

	return reverse ? -order : order;
}

/* Those below top, but for itself, into ids, which has room. (mount_mutex) */
static size_t ids_collect(const struct path *top, uint64_t self, uint64_t *ids)
{
	struct mount *m;
	size_t n = 0;

	list_for_each_entry(m, &mounts, link) {
		struct path p = {m, m->root};

		if (mount_is_below(&p, top) && MOUNT_ID_UNIQUE + m->id != self)
			ids[n++] = MOUNT_ID_UNIQUE + m->id;
	}
	return n;
}

/* All of them in *out, in order, for kfree: how many, or -errno. */
static ssize64_t ids_get(const struct mnt_id_req *r, bool reverse, uint64_t **out)
{
	const struct mount_ns *ns;
	struct path root, from, top;
	struct mount *m;
	ssize64_t n = 0;
	int err;

	fscontext_root(&root);
	mutex_lock(&mount_mutex);
	ns = namespace_get(r);
	err = ns ? 0 : -ENOENT;
	if (ns)
		top = from = root_in(ns, &root);
	if (ns && r->mnt_id != LSMT_ROOT) {
		m = mount_by_id(ns, r->mnt_id);
		err = m ? 0 : -ENOENT;
		if (m)
			top = (struct path){m, m->root};
	}
	if (!err)
		err = reach_check(&top, &from);
	list_for_each_entry(m, &mounts, link)
		n++;
	*out = err ? NULL : kmalloc((size_t)n * sizeof(**out));
	if (*out)
		n = (ssize64_t)ids_collect(&top, r->mnt_id, *out);
	mutex_unlock(&mount_mutex);
	path_put(&root);
	if (!*out)
		return err ? err : -ENOMEM;
	sort(*out, (size_t)n, sizeof(**out), id_compare, reverse ? *out : NULL);
	return n;
}

SYSCALL4(listmount, uaddr_t, req, uaddr_t, user, size_t, room, uint32_t, flags)
{
	bool reverse = flags & LISTMOUNT_REVERSE;
	struct mnt_id_req r;
	ssize64_t n, from = 0;
	uint64_t *ids;
	int err;

	if (flags & ~LISTMOUNT_REVERSE)
		return -EINVAL;
	if (room > LISTMOUNT_MAX)
		return -EOVERFLOW;
	err = request_get(&r, req);
	if (!err && r.param && r.param <= MOUNT_ID_UNIQUE)
		err = -EINVAL;
	if (err)
		return err;
	n = ids_get(&r, reverse, &ids);
	if (n < 0)
		return n;
	while (r.param && from < n && (reverse ? ids[from] >= r.param : ids[from] <= r.param))
		from++;
	n = MIN(n - from, (ssize64_t)room);
	if (n && copy_to_user(user, ids + from, (size_t)n * sizeof(*ids)))
		n = -EFAULT;
	kfree(ids);
	return n;
}
