/*
 * Names of sockets, whatever their family: from user memory and to it.
 */
#include <stdatomic.h>

#include "fs/socket/socket.h"
#include "kernel/mem/slab.h"
#include "lib/string.h"
#include "mm/usercopy.h"

struct address *address_alloc(const struct socket_name *name)
{
	struct address *a = kzalloc(sizeof(*a));

	if (!a)
		return NULL;
	a->refs = 1;
	a->name = *name;
	return a;
}

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

int name_read(struct socket_name *out, uaddr_t user, uint32_t len)
{
	memset(out, 0, sizeof(*out));
	if (len > SOCKADDR_MAX)
		return -EINVAL;
	out->len = len;
	return copy_from_user(out->bytes, user, MIN(len, sizeof(out->bytes))) ? -EFAULT : 0;
}

int name_write(const struct socket_name *name, uaddr_t user, uaddr_t ulen)
{
	uint32_t room;

	if (get_user_u32(&room, ulen))
		return -EFAULT;
	if ((int32_t)room < 0)
		return -EINVAL;
	if (copy_to_user(user, name->bytes, MIN(room, name->len)))
		return -EFAULT;
	return put_user_u32(ulen, name->len);
}

int address_tell(struct socket *s, uaddr_t user, uaddr_t ulen)
{
	struct address *a;
	int err;

	spin_lock(&socket_lock);
	a = address_get(s->address);
	spin_unlock(&socket_lock);
	err = name_write(a ? &a->name : &s->family->none, user, ulen);
	address_put(a);
	return err;
}

int address_tell_peer(struct socket *s, bool accepted, uaddr_t user, uaddr_t ulen)
{
	struct address *a = NULL;
	bool known;
	int err;

	spin_lock(&socket_lock);
	known = (s->peer || s->remote) && (accepted || s->state == SOCKET_CONNECTED);
	if (known)
		a = address_get(s->peer ? s->peer->address : s->remote);
	spin_unlock(&socket_lock);
	if (!known && !s->family->peers)
		return -ENOTCONN;
	err = name_write(a ? &a->name : &s->family->none, user, ulen);
	address_put(a);
	return err;
}
