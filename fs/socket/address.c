/*
 * Names of sockets: places in the file system, and the abstract ones that begin with a zero byte.
 */
#include <stdatomic.h>

#include "fs/socket/socket.h"
#include "kernel/mem/slab.h"
#include "kernel/thread.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define NAME_OFFSET offsetof(struct sockaddr_un, sun_path)

static LIST_HEAD(names); /* (socket_lock) bound sockets */

struct address *address_get(struct address *a)
{
	if (a)
		atomic_fetch_add(&a->refs, 1);
	return a;
}

void address_put(struct address *a)
{
	if (a && atomic_fetch_sub(&a->refs, 1) == 1)
		kfree(a);
}

int address_read(struct sockaddr_un *out, uaddr_t user, uint32_t len)
{
	memset(out, 0, sizeof(*out));
	if (len < NAME_OFFSET || len > sizeof(*out))
		return -EINVAL;
	if (copy_from_user(out, user, len))
		return -EFAULT;
	return (int)len;
}

int address_write(const struct address *a, uaddr_t user, uaddr_t ulen)
{
	struct sockaddr_un none = {.sun_family = AF_UNIX};
	uint32_t room, len = a ? a->len : NAME_OFFSET;

	if (get_user_u32(&room, ulen))
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	if (copy_to_user(user, a ? &a->name : &none, MIN(room, len)))
		return -EFAULT;
	return put_user_u32(ulen, len);
}

static bool is_abstract(const struct sockaddr_un *name, uint32_t len)
{
	return len > NAME_OFFSET && !name->sun_path[0];
}

static struct socket *abstract_find_locked(const struct sockaddr_un *name, uint32_t len, int type)
{
	struct socket *s;

	list_for_each_entry(s, &names, name_link)
		if (!s->place.dentry && s->address->len == len && (!type || s->type == type) &&
		    !memcmp(&s->address->name, name, len))
			return s;
	return NULL;
}

/* Give s a name: 0, -EADDRINUSE, or -EINVAL if it has one. place: to keep, or NULL. */
static int publish(struct socket *s, struct address *a, const struct path *place)
{
	int err = 0;

	spin_lock(&socket_lock);
	if (s->address) {
		err = -EINVAL;
	} else if (!place && abstract_find_locked(&a->name, a->len, s->type)) {
		err = -EADDRINUSE;
	} else {
		s->address = address_get(a);
		s->bound = true;
		if (place)
			s->place = *place;
		list_add(&s->name_link, &names);
	}
	spin_unlock(&socket_lock);
	return err;
}

static int bind_path(struct socket *s, struct address *a)
{
	mode_t mode = S_IFSOCK | (0777 & ~atomic_load(&current()->fs->umask));
	char path[UNIX_PATH_MAX + 1];
	struct path place;
	int err;

	memset(path, 0, sizeof(path));
	memcpy(path, a->name.sun_path, a->len - NAME_OFFSET);
	a->len = (uint32_t)(NAME_OFFSET + strlen(path) + 1);
	err = vfs_mknod(AT_FDCWD, path, mode, 0);
	if (err)
		return err == -EEXIST ? -EADDRINUSE : err;
	err = path_lookup(AT_FDCWD, path, 0, &place);
	if (err)
		return err;
	err = publish(s, a, &place);
	if (err)
		path_put(&place);
	return err;
}

/* A name that the kernel chooses: five digits, abstract (unix(7)). */
static int bind_auto(struct socket *s, struct address *a)
{
	static _Atomic uint32_t next;
	int err = -EADDRINUSE;

	a->len = NAME_OFFSET + 6;
	for (uint32_t tries = 0; err == -EADDRINUSE && tries < 1U << 20; tries++) {
		char digits[8];

		snprintf(digits, sizeof(digits), "%05x", atomic_fetch_add(&next, 1) & 0xfffff);
		memcpy(a->name.sun_path + 1, digits, 5);
		err = publish(s, a, NULL);
	}
	return err;
}

int socket_bind(struct socket *s, const struct sockaddr_un *name, uint32_t len)
{
	struct address *a;
	int err;

	if (name->sun_family != AF_UNIX)
		return -EINVAL;
	if (s->address)
		return len == NAME_OFFSET ? 0 : -EINVAL;
	a = kzalloc(sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->refs = 1;
	a->len = len;
	a->name = *name;
	if (len == NAME_OFFSET)
		err = bind_auto(s, a);
	else if (is_abstract(name, len))
		err = publish(s, a, NULL);
	else
		err = bind_path(s, a);
	address_put(a);
	return err;
}

void socket_unbind(struct socket *s)
{
	struct path place = {0};

	spin_lock(&socket_lock);
	if (s->bound) {
		list_del(&s->name_link);
		place = s->place;
		s->place.dentry = NULL;
		s->bound = false;
	}
	spin_unlock(&socket_lock);
	if (place.dentry)
		path_put(&place);
}

static struct socket *place_find(const struct path *p)
{
	struct socket *s, *found = NULL;

	spin_lock(&socket_lock);
	list_for_each_entry(s, &names, name_link)
		if (s->place.dentry && s->place.dentry->inode == p->dentry->inode)
			found = s;
	if (found)
		(void)socket_get(found);
	spin_unlock(&socket_lock);
	return found;
}

static struct socket *find_path(const struct sockaddr_un *name, uint32_t len)
{
	char path[UNIX_PATH_MAX + 1];
	struct socket *s = NULL;
	struct path place;
	int err;

	memset(path, 0, sizeof(path));
	memcpy(path, name->sun_path, len - NAME_OFFSET);
	err = path_lookup(AT_FDCWD, path, WALK_FOLLOW, &place);
	if (err)
		return err_ptr(err);
	err = inode_permission(place.dentry->inode, MAY_WRITE);
	if (!err && S_ISSOCK(place.dentry->inode->mode))
		s = place_find(&place);
	path_put(&place);
	if (err)
		return err_ptr(err);
	return s ? s : err_ptr(-ECONNREFUSED);
}

struct socket *socket_find(const struct sockaddr_un *name, uint32_t len, int type)
{
	struct socket *s;

	if (name->sun_family != AF_UNIX || len <= NAME_OFFSET)
		return err_ptr(-EINVAL);
	if (is_abstract(name, len)) {
		spin_lock(&socket_lock);
		s = abstract_find_locked(name, len, type);
		if (s)
			(void)socket_get(s);
		spin_unlock(&socket_lock);
		return s ? s : err_ptr(-ECONNREFUSED);
	}
	s = find_path(name, len);
	if (is_err(s) || s->type == type)
		return s;
	socket_put(s);
	return err_ptr(-EPROTOTYPE);
}
