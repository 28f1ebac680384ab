/*
 * Extended attributes (xattr(7)): names, permissions and the calls. A file system gives and takes
 * all attributes of an inode at once; what changes one is done here, to the list.
 *
 * Of system.* there are the access lists (fs/acl.h). security.capability cannot be set, since exec
 * would not look at it.
 */
#include "fs/xattr.h"

#include <stdatomic.h>

#include "fs/acl.h"
#include "fs/notify.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "kernel/thread.h"
#include "kernel/uapi/xattr.h"
#include "lib/string.h"
#include "mm/usercopy.h"

static const struct prefix {
	const char *text;
	size_t len;
	unsigned index;
} prefixes[] = {
	{"user.", 5, XATTR_USER},
	{"trusted.", 8, XATTR_TRUSTED},
	{"security.", 9, XATTR_SECURITY},
	{"system.posix_acl_access", 23, XATTR_ACL_ACCESS},
	{"system.posix_acl_default", 24, XATTR_ACL_DEFAULT},
};

/* An attribute that a call is about. */
struct request {
	char name[XATTR_NAME_MAX + 1];
	const struct prefix *prefix; /* NULL: none that we know */
	const char *rest;	     /* of the name, behind the prefix */
	char *value;		     /* to set; NULL: to remove */
	uint32_t size;
	int flags;
};

struct xattr *xattr_add(struct list_head *list, unsigned index, const char *name, size_t name_len,
			size_t size)
{
	struct xattr *x = kmalloc(sizeof(*x) + name_len + size);

	if (!x)
		return NULL;
	x->index = (uint8_t)index;
	x->name_len = (uint8_t)name_len;
	x->size = (uint32_t)size;
	memcpy(x->name, name, name_len);
	list_add_tail(&x->link, list);
	return x;
}

void xattr_free(struct xattr *x)
{
	list_del(&x->link);
	kfree(x);
}

void xattrs_free(struct list_head *list)
{
	while (!list_empty(list))
		xattr_free(list_first_entry(list, struct xattr, link));
}

struct xattr *xattrs_find(const struct list_head *list, unsigned index, const char *name,
			  size_t name_len)
{
	struct xattr *x;

	list_for_each_entry(x, list, link)
		if (x->index == index && x->name_len == name_len &&
		    !memcmp(x->name, name, name_len))
			return x;
	return NULL;
}

int xattrs_load(struct inode *inode, struct list_head *list)
{
	int err;

	list_init(list);
	mutex_lock(&inode->lock);
	err = inode->ops->xattrs_load(inode, list);
	mutex_unlock(&inode->lock);
	return err;
}

/* The name of an access list is all prefix. */
static bool is_acl(const struct prefix *p)
{
	return p && (p->index == XATTR_ACL_ACCESS || p->index == XATTR_ACL_DEFAULT);
}

/* 0; -EFAULT, -ERANGE: the name is empty or too long. */
static int name_get(struct request *r, uaddr_t user)
{
	ssize64_t n = strncpy_from_user(r->name, user, sizeof(r->name));

	if (n == -EFAULT)
		return -EFAULT;
	if (n <= 0 || n > XATTR_NAME_MAX)
		return -ERANGE;
	r->prefix = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(r->name, prefixes[i].text, prefixes[i].len))
			r->prefix = &prefixes[i];
	r->rest = r->prefix ? r->name + r->prefix->len : "";
	if (is_acl(r->prefix) && *r->rest)
		r->prefix = NULL;
	return 0;
}

/* The name and value of setxattr(2). 0, then r->value is the caller's to free. */
static int value_get(struct request *r, uaddr_t name, uaddr_t value, uint64_t size, int flags)
{
	int err;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = name_get(r, name);
	if (err)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	r->value = kmalloc(MAX(size, 1ul));
	if (!r->value)
		return -ENOMEM;
	r->size = (uint32_t)size;
	r->flags = flags;
	if (!copy_from_user(r->value, value, size))
		return 0;
	kfree(r->value);
	return -EFAULT;
}

/* May the running thread? What it may not even ask for does not exist. */
static int may(struct inode *inode, const struct request *r, int mask)
{
	unsigned index = r->prefix ? r->prefix->index : 0;
	int none = mask & MAY_WRITE ? -EPERM : -ENODATA;

	if ((mask & MAY_WRITE) && inode_has(inode, INODE_IMMUTABLE | INODE_APPEND))
		return -EPERM;
	if (index == XATTR_TRUSTED && !cred_capable(CAP_SYS_ADMIN))
		return none;
	if (index == XATTR_SECURITY && (mask & MAY_WRITE) && !cred_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (index == XATTR_USER) {
		if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
			return none;
		if ((mask & MAY_WRITE) && (inode->mode & S_ISVTX) && S_ISDIR(inode->mode) &&
		    !inode_owner_or_capable(inode))
			return -EPERM;
	}
	if (index == XATTR_SECURITY || !strncmp(r->name, "system.", 7))
		return 0;
	return inode_permission(inode, mask);
}

static bool inode_has_any(const struct inode *inode)
{
	return inode->ops && inode->ops->xattrs_load;
}

/* Are there such attributes? */
static int offered(struct inode *inode, const struct request *r, bool set)
{
	if (!r->prefix || !inode_has_any(inode))
		return -EOPNOTSUPP;
	if (set && !strcmp(r->name, "security.capability"))
		return -EOPNOTSUPP;
	return *r->rest ? 0 : -EINVAL;
}

static struct xattr *find(const struct list_head *list, const struct request *r)
{
	return xattrs_find(list, r->prefix->index, r->rest, strlen(r->rest));
}

static int list_change(struct list_head *list, const struct request *r)
{
	struct xattr *old = find(list, r), *x;

	if (!old && (!r->value || (r->flags & XATTR_REPLACE)))
		return -ENODATA;
	if (old && r->value && (r->flags & XATTR_CREATE))
		return -EEXIST;
	if (r->value) {
		x = xattr_add(list, r->prefix->index, r->rest, strlen(r->rest), r->size);
		if (!x)
			return -ENOMEM;
		memcpy(xattr_value(x), r->value, r->size);
	}
	if (old)
		xattr_free(old);
	return 0;
}

static int change_locked(struct inode *inode, const struct request *r)
{
	struct list_head list;
	int err;

	if (is_acl(r->prefix))
		return acl_set(inode, r->prefix->index, r->value, r->size);
	err = may(inode, r, MAY_WRITE);
	if (!err)
		err = offered(inode, r, r->value != NULL);
	if (err)
		return err;
	list_init(&list);
	err = inode->ops->xattrs_load(inode, &list);
	if (!err)
		err = list_change(&list, r);
	if (!err)
		err = inode->ops->xattrs_store(inode, &list, inode->mode);
	xattrs_free(&list);
	return err;
}

static int change(struct path *p, const struct request *r)
{
	struct inode *inode = p->dentry->inode;
	int err = mount_write_begin(p->mnt);

	if (err)
		return err;
	mutex_lock(&inode->lock);
	err = change_locked(inode, r);
	mutex_unlock(&inode->lock);
	if (!err)
		notify_place(p->dentry, IN_ATTRIB);
	mount_write_end(p->mnt);
	return err;
}

/* getxattr(2): the value's size; what it is only if there is room for a byte. */
static long get(struct inode *inode, const struct request *r, uaddr_t value, uint64_t size)
{
	struct list_head list;
	struct xattr *x;
	int err;
	long n;

	if (is_acl(r->prefix))
		return acl_get(inode, r->prefix->index, value, size);
	err = may(inode, r, MAY_READ);
	if (!err)
		err = offered(inode, r, false);
	if (err)
		return err;
	n = xattrs_load(inode, &list);
	x = n ? NULL : find(&list, r);
	if (!n)
		n = x ? (long)x->size : -ENODATA;
	if (x && size && x->size > size)
		n = -ERANGE;
	else if (x && size && copy_to_user(value, xattr_value(x), x->size))
		n = -EFAULT;
	xattrs_free(&list);
	return n;
}

/* Its prefix; NULL: it is not shown to the running thread. */
static const struct prefix *shown(const struct xattr *x)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (prefixes[i].index == x->index)
			return x->index != XATTR_TRUSTED || cred_capable(CAP_SYS_ADMIN) ?
				       &prefixes[i] : NULL;
	return NULL;
}

static size_t list_length(const struct list_head *list)
{
	const struct xattr *x;
	size_t n = 0;

	list_for_each_entry(x, list, link) {
		const struct prefix *p = shown(x);

		n += p ? p->len + x->name_len + 1 : 0;
	}
	return n;
}

static int names_put(const struct list_head *list, uaddr_t to)
{
	const struct xattr *x;

	list_for_each_entry(x, list, link) {
		const struct prefix *p = shown(x);

		if (!p)
			continue;
		if (copy_to_user(to, p->text, p->len) ||
		    copy_to_user(to + p->len, x->name, x->name_len) ||
		    copy_to_user(to + p->len + x->name_len, "", 1))
			return -EFAULT;
		to += p->len + x->name_len + 1;
	}
	return 0;
}

/* listxattr(2): the length of all names, each with its NUL. */
static long names(struct inode *inode, uaddr_t to, uint64_t size)
{
	struct list_head list;
	long n;

	if (!inode_has_any(inode))
		return 0;
	n = xattrs_load(inode, &list);
	if (!n) {
		n = (long)list_length(&list);
		if (n > XATTR_LIST_MAX && size >= XATTR_LIST_MAX)
			n = -E2BIG;
		else if (size && (uint64_t)n > size)
			n = -ERANGE;
		else if (size && names_put(&list, to))
			n = -EFAULT;
	}
	xattrs_free(&list);
	return n;
}

static int at_path(uaddr_t path, unsigned walk, struct path *p)
{
	return path_lookup_user(AT_FDCWD, path, walk, p);
}

static int at_fd(int fd, struct path *p)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	*p = *path_get(&f->path);
	file_put(f);
	return 0;
}

/* What follows takes p over, unless err says that there is none. */

static long set_at(int err, struct path *p, struct request *r)
{
	if (!err) {
		err = change(p, r);
		path_put(p);
	}
	kfree(r->value);
	return err;
}

static long get_at(int err, struct path *p, uaddr_t name, uaddr_t value, uint64_t size)
{
	struct request r;
	long n = err;

	if (err)
		return err;
	n = name_get(&r, name);
	if (!n)
		n = get(p->dentry->inode, &r, value, size);
	path_put(p);
	return n;
}

static long remove_at(int err, struct path *p, uaddr_t name)
{
	struct request r = {.value = NULL};

	if (err)
		return err;
	err = name_get(&r, name);
	if (!err)
		err = change(p, &r);
	path_put(p);
	return err;
}

static long list_at(int err, struct path *p, uaddr_t to, uint64_t size)
{
	long n = err;

	if (!err) {
		n = names(p->dentry->inode, to, size);
		path_put(p);
	}
	return n;
}

SYSCALL5(setxattr, uaddr_t, path, uaddr_t, uname, uaddr_t, value, uint64_t, size, int, flags)
{
	struct request r;
	int err = value_get(&r, uname, value, size, flags);
	struct path p;

	return err ? err : set_at(at_path(path, WALK_FOLLOW, &p), &p, &r);
}

SYSCALL5(lsetxattr, uaddr_t, path, uaddr_t, uname, uaddr_t, value, uint64_t, size, int, flags)
{
	struct request r;
	int err = value_get(&r, uname, value, size, flags);
	struct path p;

	return err ? err : set_at(at_path(path, 0, &p), &p, &r);
}

SYSCALL5(fsetxattr, int, fd, uaddr_t, uname, uaddr_t, value, uint64_t, size, int, flags)
{
	struct request r;
	int err = value_get(&r, uname, value, size, flags);
	struct path p;

	return err ? err : set_at(at_fd(fd, &p), &p, &r);
}

SYSCALL4(getxattr, uaddr_t, path, uaddr_t, uname, uaddr_t, value, uint64_t, size)
{
	struct path p;

	return get_at(at_path(path, WALK_FOLLOW, &p), &p, uname, value, size);
}

SYSCALL3(listxattr, uaddr_t, path, uaddr_t, list, uint64_t, size)
{
	struct path p;

	return list_at(at_path(path, WALK_FOLLOW, &p), &p, list, size);
}

SYSCALL2(removexattr, uaddr_t, path, uaddr_t, uname)
{
	struct path p;

	return remove_at(at_path(path, WALK_FOLLOW, &p), &p, uname);
}

SYSCALL4(lgetxattr, uaddr_t, path, uaddr_t, uname, uaddr_t, value, uint64_t, size)
{
	struct path p;

	return get_at(at_path(path, 0, &p), &p, uname, value, size);
}

SYSCALL3(llistxattr, uaddr_t, path, uaddr_t, list, uint64_t, size)
{
	struct path p;

	return list_at(at_path(path, 0, &p), &p, list, size);
}

SYSCALL2(lremovexattr, uaddr_t, path, uaddr_t, uname)
{
	struct path p;

	return remove_at(at_path(path, 0, &p), &p, uname);
}

SYSCALL4(fgetxattr, int, fd, uaddr_t, uname, uaddr_t, value, uint64_t, size)
{
	struct path p;

	return get_at(at_fd(fd, &p), &p, uname, value, size);
}

SYSCALL3(flistxattr, int, fd, uaddr_t, list, uint64_t, size)
{
	struct path p;

	return list_at(at_fd(fd, &p), &p, list, size);
}

SYSCALL2(fremovexattr, int, fd, uaddr_t, uname)
{
	struct path p;

	return remove_at(at_fd(fd, &p), &p, uname);
}
