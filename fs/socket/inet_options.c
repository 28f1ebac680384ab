/*
 * setsockopt(2) and getsockopt(2) of ip(7) and tcp(7): what datagrams carry besides their bytes,
 * who is told of it, and how a connection is kept alive, which within the machine it always is.
 */
#include "fs/socket/socket.h"
#include "kernel/uapi/errno.h"
#include "mm/usercopy.h"

#define TTL_DEFAULT 64

/* What recvmsg(2) is to tell of a datagram: the option's bit; 0: it is another one. */
static uint8_t tell_of(int name)
{
	switch (name) {
	case IP_PKTINFO:
		return TELL_PKTINFO;
	case IP_RECVTTL:
		return TELL_TTL;
	case IP_RECVTOS:
		return TELL_TOS;
	case IP_RECVORIGDSTADDR:
		return TELL_TARGET;
	}
	return 0;
}

/* A number of tcp(7), in seconds, probes or milliseconds, and its limits; NULL: another option. */
static uint32_t *number_of(struct socket *s, int name, uint32_t *least, uint32_t *most)
{
	*least = 1;
	*most = 32767;
	switch (name) {
	case TCP_KEEPIDLE:
		return &s->opt.keep_idle;
	case TCP_KEEPINTVL:
		return &s->opt.keep_interval;
	case TCP_KEEPCNT:
		*most = 127;
		return &s->opt.keep_count;
	case TCP_USER_TIMEOUT:
		*least = 0;
		*most = INT32_MAX;
		return &s->opt.user_timeout;
	}
	return NULL;
}

void inet_options_init(struct socket_options *o)
{
	o->ttl = TTL_DEFAULT;
	o->keep_idle = 7200;
	o->keep_interval = 75;
	o->keep_count = 9;
}

static bool ip_known(int name)
{
	return name == IP_TOS || name == IP_TTL || tell_of(name);
}

/* -1: the default. */
static int ttl_set(struct socket *s, int32_t value)
{
	if (value != -1 && (value < 1 || value > UINT8_MAX))
		return -EINVAL;
	s->opt.ttl = value == -1 ? TTL_DEFAULT : (uint8_t)value;
	return 0;
}

/* A byte does for each of them; none is 0. */
static int ip_set(struct socket *s, int name, uaddr_t user, uint32_t len)
{
	uint32_t value = 0;
	uint8_t bit = tell_of(name);

	if (!ip_known(name))
		return -ENOPROTOOPT;
	if (copy_from_user(&value, user, len < sizeof(value) ? MIN(len, 1u) : sizeof(value)))
		return -EFAULT;
	if (name == IP_TTL)
		return len ? ttl_set(s, (int32_t)value) : -EINVAL;
	spin_lock(&socket_lock);
	/* The last two bits are for TCP itself to set. */
	if (name == IP_TOS)
		s->opt.tos = (uint8_t)(s->type == SOCK_STREAM ? value & ~3u : value);
	else
		s->opt.tells = value ? s->opt.tells | bit : s->opt.tells & ~bit;
	spin_unlock(&socket_lock);
	return 0;
}

static int tcp_set(struct socket *s, int name, uaddr_t user, uint32_t len)
{
	uint32_t value, least, most, *number = number_of(s, name, &least, &most);

	if (len < sizeof(value))
		return -EINVAL;
	if (get_user_u32(&value, user))
		return -EFAULT;
	if (name == TCP_NODELAY) {
		s->opt.nodelay = value;
		return 0;
	}
	if (!number)
		return -ENOPROTOOPT;
	if (value < least || value > most)
		return -EINVAL;
	*number = value;
	return 0;
}

int inet_option_set(struct socket *s, int level, int name, uaddr_t user, uint32_t len)
{
	if (level == IPPROTO_IP)
		return ip_set(s, name, user, len);
	return level == s->protocol && level == IPPROTO_TCP ? tcp_set(s, name, user, len)
							    : -ENOPROTOOPT;
}

static int ip_get(const struct socket *s, int name, uint64_t *value)
{
	if (!ip_known(name))
		return -ENOPROTOOPT;
	*value = name == IP_TOS ? s->opt.tos :
		 name == IP_TTL ? s->opt.ttl : (s->opt.tells & tell_of(name)) != 0;
	return sizeof(uint32_t);
}

int inet_option_get(struct socket *s, int level, int name, uint64_t *value, uint32_t room)
{
	uint32_t least, most, *number = number_of(s, name, &least, &most);

	if (level == IPPROTO_IP)
		return ip_get(s, name, value);
	if (level != s->protocol)
		return -EOPNOTSUPP;
	if (level != IPPROTO_TCP || (name != TCP_NODELAY && !number))
		return -ENOPROTOOPT;
	*value = number ? *number : s->opt.nodelay;
	return sizeof(uint32_t);
}
