/*
 * Sockets, inside of fs/socket.
 *
 * Letters: s  socket_lock     r  read_lock     c  constant once the socket has a file
 */
#pragma once

#include "fs/vfs.h"
#include "kernel/async.h"
#include "kernel/uapi/netlink.h"
#include "kernel/uapi/socket.h"

#define SOCKET_BUFFER 212992 /* SO_SNDBUF at first, bytes */

/*
 * (/proc/sys/net/core) listen(2) takes no more than somaxconn; SO_RCVBUF and SO_SNDBUF, bytes as
 * they are asked for, are at most *mem_max, and at first, but for TCP, *mem_default.
 */
extern uint64_t somaxconn, rmem_default, rmem_max, wmem_default, wmem_max;
#define SNDBUF_MIN 4608u
#define RCVBUF_MIN (SNDBUF_MIN / 2)
#define SOCKET_QUEUE  10     /* packets that wait at a datagram socket before senders do */
#define STREAM_CHUNK  16384  /* a stream's packet at most */
#define JOIN_ROOM     1024   /* bytes of a packet that the next small writes join */
#define PACKET_COST   768    /* what a packet takes of a buffer besides its bytes */
#define UDP_MAX	      65507  /* bytes of a datagram: 64 KiB less the headers */

#define UNPRIVILEGED_PORT 1024 /* ports below need CAP_NET_BIND_SERVICE */

/* What user space calls an address, of len bytes; zero behind them. */
struct socket_name {
	uint32_t len;
	union {
		uint16_t family; /* AF_* */
		struct sockaddr_un un;
		struct sockaddr_in in;
		struct sockaddr_nl nl;
		uint8_t bytes[112]; /* as much as a family looks at, and a NUL */
	};
};

/* A socket's name; never changes. */
struct address {
	_Atomic int refs;
	struct socket_name name;
};

enum socket_state {
	SOCKET_UNCONNECTED,
	SOCKET_LISTENING,
	SOCKET_CONNECTING,   /* its listener has no room yet; peer is what it will accept */
	SOCKET_CONNECTED,
	SOCKET_DISCONNECTED, /* it was connected: both directions have ended */
};

/* What became of the last byte that was sent to a socket with MSG_OOB. */
enum urgent_state {
	URGENT_NONE,   /* there was none, or who reads is behind it */
	URGENT_UNREAD,
	URGENT_READ,   /* with MSG_OOB; its place is still the mark */
};

struct socket;
struct message;

/*
 * What differs between families: names, and the rules of connections. Functions with "locked" are
 * called with socket_lock held; the others may sleep. Errors are -errno.
 */
struct family {
	uint16_t number;	 /* AF_* */
	struct socket_name none; /* how a socket without a name is told */
	bool pairs;		 /* socketpair(2) */
	bool peers;		 /* who is connected to nobody has a peer: the nameless one */
	bool tells_connected;	 /* who connects hears of it by O_ASYNC */
	bool control;		 /* files and credentials go along; otherwise control is ignored */
	bool creds;		 /* who sent it is told: SO_PASSCRED */
	bool ports;		 /* several may share one: SO_REUSEPORT */
	bool peek_offset;	 /* MSG_PEEK may begin anywhere: SO_PEEK_OFF */
	/*
	 * An option that is not SOL_SOCKET's, len bytes at user: 0 or -errno. NULL: there is
	 * none of that kind (-EOPNOTSUPP).
	 */
	int (*option_set)(struct socket *s, int level, int name, uaddr_t user, uint32_t len);
	/* The same into value, of which room bytes are asked for: the option's size or -errno. */
	int (*option_get)(struct socket *s, int level, int name, uint64_t *value, uint32_t room);
	/* Make s what socket(2)'s arguments ask for. */
	int (*init)(struct socket *s, int type, int protocol);
	int (*bind)(struct socket *s, const struct socket_name *name);
	/* Give up the name, if there is one. */
	void (*unbind)(struct socket *s);
	/* Before listen(2): a name, if the family chooses one. Then whether it may listen. */
	int (*prepare_listen)(struct socket *s);
	int (*may_listen_locked)(const struct socket *s);
	int (*connect)(struct socket *s, const struct socket_name *name, bool nowait);
	/* Where a message goes, referenced; NULL: nowhere; or err_ptr. AF_INET: fills m->to. */
	struct socket *(*destination)(struct socket *s, struct message *m);
	/* A message that goes nowhere is the kernel's: bytes taken or -errno. NULL: it is not. */
	ssize64_t (*answer)(struct socket *s, struct message *m);
	/* Why nothing can be sent from s to to (NULL: nowhere): 0 if it can; -EAGAIN: not yet. */
	int (*refused_locked)(const struct socket *s, const struct socket *to);
	/* Is what s sends to to lost? Then s knows what there is to know. NULL: it never is. */
	bool (*lost_locked)(struct socket *s, struct socket *to);
	/* What reading finds when no data is there: 0: the end; -EAGAIN: wait. */
	int (*nothing_locked)(const struct socket *s);
	/* shutdown(2) for reading, writing; s's peer may be gone. */
	int (*shutdown_locked)(struct socket *s, bool rd, bool wr);
	/* s is being closed, its queue as it was; peer was its own, or NULL. */
	void (*closed_locked)(struct socket *s, struct socket *peer);
	/* s asked a listener that is closed now. */
	void (*dropped_locked)(struct socket *s);
};

extern const struct family unix_family, inet_family, netlink_family;

/* What recvmsg(2) tells of a datagram of AF_INET if it was asked to, in this order. */
enum {
	TELL_PKTINFO = 1, /* IP_PKTINFO: the interface, and whom it was for */
	TELL_TTL = 2,	  /* IP_RECVTTL */
	TELL_TOS = 4,	  /* IP_RECVTOS */
	TELL_TARGET = 8,  /* IP_RECVORIGDSTADDR: the whole name it was sent to */
};

/* What setsockopt(2) sets; a connection begins with its listener's where the family says so. */
struct socket_options {
	bool reuse, reuse_port, keepalive, broadcast, pass_creds, nodelay;
	/* Of these, and of priority and mark, nothing that leaves the machine would tell. */
	bool debug, dont_route, no_check;
	bool oob_inline;	  /* an urgent byte stays in its place */
	/* netlink: errors repeat no request; they may tell more, and there never is more. */
	bool cap_ack, ext_ack;
	bool linger;
	uint8_t stamp;		  /* how it is told when packets came: SO_TIMESTAMP*; 0: not */
	uint32_t priority, mark;
	uint32_t linger_time;	  /* seconds */
	uint32_t sndbuf, rcvbuf;
	uint32_t least;		  /* bytes that a stream's reader waits for: SO_RCVLOWAT */
	uint8_t tos, ttl;	  /* inet: of what is sent */
	uint8_t tells;		  /* inet: TELL_* */
	uint32_t keep_idle, keep_interval; /* tcp: seconds */
	uint32_t keep_count, user_timeout; /* tcp: probes; ms */
	int32_t peek_at;	  /* byte of the queue where MSG_PEEK begins; negative: the first */
	uint64_t read_timeout, write_timeout; /* ns; 0: none */
};

struct socket {
	_Atomic int refs;
	const struct family *family; /* c */
	int type, protocol;	  /* c; SOCK_*, IPPROTO_* */
	bool lossy;		  /* c; what finds nobody or no room is lost: nobody waits */
	uint32_t join_room;	  /* c; what its packets have space for at least, to be joined */
	uint32_t queue_max;	  /* c; packets that wait before senders do */
	enum socket_state state;  /* s */
	struct file *file;	  /* s; NULL before accept and after close; not referenced */
	bool dead;		  /* s; its file is gone */
	bool bound;		  /* s; others can find its name */
	bool asking;		  /* s; nobody was told yet what became of connect(2) */
	bool shut_read, shut_write; /* s */
	int error;		  /* s; told once: SO_ERROR */
	struct socket *peer;	  /* s; referenced. Datagrams: where they go */
	struct list_head clients; /* s; datagram sockets whose peer this is */
	struct list_head client_link; /* s */
	struct list_head queue;	  /* s; packets that came */
	uint64_t queued;	  /* s; bytes in them */
	uint32_t npackets;	  /* s */
	enum urgent_state urgent; /* s; tcp */
	uint8_t urgent_byte;	  /* s; and a copy of it */
	uint64_t urgent_at;	  /* s; bytes of the queue before it, while there is one */
	uint64_t in_flight;	  /* s; of SO_SNDBUF: what it sent and nobody has read */
	struct list_head pending; /* s; connections to accept */
	struct list_head waiting; /* s; those for which pending has no room */
	struct list_head pending_link; /* s; on either */
	uint32_t npending, backlog; /* s */
	struct address *address;  /* s; referenced; NULL: none */
	struct address *from;	  /* s; referenced: the one that receivers are told, or NULL */
	struct hlist_node name_link; /* s; among the sockets with names */
	struct path place;	  /* unix: of a name in the file system; referenced while bound */
	uint64_t groups;	  /* s; netlink: those it is a member of, from bit 0 on */
	uint32_t uid;		  /* inet: who made it */
	struct port *port;	  /* s; inet: see port.c; NULL: none */
	struct address *chosen;	  /* s; inet: as bind(2) left it, referenced, or NULL */
	struct address *remote;	  /* s; inet: where a datagram socket is connected to, or NULL */
	struct ucred creds;	  /* s; of who connected or listened */
	struct mutex read_lock;	  /* RANK_SOCKET_READ: packets leave under it */
	struct waitqueue readers, writers;
	struct waitqueue room;	  /* for another packet or connection */
	struct async_list async;
	bool short_write;	  /* s; somebody found no room, or poll(2) said so */
	struct socket_options opt; /* s */
	uint32_t inflight;	  /* s; times its file is in a packet */
	struct list_head all_link; /* s; all sockets */
	bool reached;		  /* s; by the search for garbage */
	struct list_head search_link; /* s */
};

/* What goes along with data. */
struct control {
	struct file **files;	  /* kmalloc'ed; referenced */
	uint32_t nfiles;
	struct ucred creds;
};

/* What else a datagram of AF_INET carries. */
struct datagram_facts {
	uint32_t ip;		  /* whom it was sent to, */
	uint16_t port;		  /* in the network's byte order */
	uint8_t ttl, tos;
};

struct packet {
	struct list_head link;	  /* s */
	struct socket *sender;	  /* referenced; charged for it; NULL: nobody is */
	struct address *from;	  /* referenced, or NULL */
	struct control control;	  /* files leave with the first byte */
	uint32_t room;		  /* c; bytes that data has space for */
	bool urgent;		  /* c; its last byte is, when it comes */
	size_t size;		  /* s; those that came: more may while it is the last one */
	size_t done;		  /* r; and those that were read */
	uint64_t stamp;		  /* ns of CLOCK_REALTIME when it came; 0: nobody asked then */
	struct datagram_facts facts; /* c; zero: it is none */
	char *data;
};

/* One call of send or receive. */
struct message {
	struct uio *u;
	int flags;		  /* MSG_* */
	uint32_t out_flags;	  /* of receiving */
	bool nowait;
	struct socket_name to;	  /* sending; len 0: none */
	struct address *from;	  /* received; referenced, or NULL */
	struct control control;
	uint64_t stamp;		  /* that of the last packet received, */
	struct datagram_facts facts; /* and its facts */
	bool have_creds;
};

/* Do its packets go along connections? */
static inline bool socket_connects(const struct socket *s)
{
	return s->type == SOCK_STREAM || s->type == SOCK_SEQPACKET;
}

/* Is there an urgent byte in s's queue that is read with MSG_OOB alone? socket_lock held. */
static inline bool socket_urgent_apart(const struct socket *s)
{
	return s->urgent && !s->opt.oob_inline;
}

/* For a call without a name, whose bytes are not cleared. */
static inline void message_init(struct message *m, struct uio *u, int flags, bool nowait)
{
	m->u = u;
	m->flags = flags;
	m->out_flags = 0;
	m->nowait = nowait;
	m->to.len = 0;
	m->from = NULL;
	m->control = (struct control){0};
	m->have_creds = false;
}

/* Connections, queues and names of all sockets; RANK_SOCKET. */
extern struct spinlock socket_lock;

/* --- socket.c --- */
struct socket *socket_alloc(const struct family *family); /* one reference; NULL: no memory */
struct socket *socket_get(struct socket *s);
void socket_put(struct socket *s); /* any context without socket_lock; does not sleep */
struct socket *socket_of(struct file *f); /* NULL: it is none */
struct ucred ucred_current(void);
/* An open file for s, whose reference it takes over; err_ptr leaves it to the caller. */
struct file *socket_file(struct socket *s, uint32_t flags);
uint64_t socket_deadline(uint64_t timeout); /* ns from now; 0: none */
/* What to say of a wait with that timeout that ended with err: signal(7), "Interruption". */
static inline int socket_waited(int err, uint64_t timeout)
{
	return err == -ETIMEDOUT ? -EAGAIN : err == -ERESTARTSYS && timeout ? -EINTR : err;
}
void sockets_init(void);

/* --- address.c --- */
struct address *address_alloc(const struct socket_name *name); /* NULL: no memory */
struct address *address_get(struct address *a); /* NULL is fine */
void address_put(struct address *a);
/* Read a name from user memory, as long as len says: 0 or -errno. Families check the rest. */
int name_read(struct socket_name *out, uaddr_t user, uint32_t len);
/* Tell s's name, or s's peer's, which may be gone if s was just accepted. 0 or -errno. */
int address_tell(struct socket *s, uaddr_t user, uaddr_t ulen);
int address_tell_peer(struct socket *s, bool accepted, uaddr_t user, uaddr_t ulen);
int name_write(const struct socket_name *name, uaddr_t user, uaddr_t ulen);

/* --- port.c: names of AF_INET sockets --- */
/*
 * Give s the name a, whose port is changed from 0 to a free one first. from: what receivers are
 * told, with the same port, or NULL. 0, -EINVAL: it has a name, -EADDRINUSE, -ENOMEM.
 */
int port_bind(struct socket *s, struct address *a, struct address *from);
void port_unbind(struct socket *s);
/* The same; returns what is to be kfree'd. socket_lock held. */
struct port *port_leave_locked(struct socket *s);
/* other was accepted at listener's port, which stays taken while either lives. socket_lock held. */
void port_share_locked(struct socket *other, struct socket *listener);
/* May s, which has a port, listen there? socket_lock held. */
bool port_may_listen_locked(const struct socket *s);
/* The socket with s's type that listens at, or receives for, to; NULL: none. socket_lock held. */
struct socket *port_find_locked(const struct sockaddr_in *to, const struct socket *s);

/* --- inet_options.c --- */
void inet_options_init(struct socket_options *o); /* what they are at first */
/* As of struct family. */
int inet_option_set(struct socket *s, int level, int name, uaddr_t user, uint32_t len);
int inet_option_get(struct socket *s, int level, int name, uint64_t *value, uint32_t room);

/* --- connect.c --- */
int socket_listen(struct socket *s, int backlog);
struct socket *socket_accept(struct socket *s, bool nowait); /* or err_ptr */
int socket_shutdown(struct socket *s, int how);
void socket_pair(struct socket *a, struct socket *b);
void socket_close(struct socket *s); /* its file is gone */
/* End s's connection, or its listening; what it has not read is lost. Sleeps. */
void socket_sever(struct socket *s, bool dead);
/* socket_lock held. peer NULL: none any more. Returns the old one for socket_put. */
struct socket *socket_set_peer(struct socket *s, struct socket *peer);
/*
 * s and other, a new socket, become one connection, which listener can accept once it has room.
 * Returns s's old peer for socket_put. socket_lock held.
 */
struct socket *socket_join(struct socket *s, struct socket *listener, struct socket *other);
void socket_wake(struct socket *s); /* all who wait for something of it */

/* --- transfer.c --- */
ssize64_t socket_send(struct socket *s, struct message *m);
ssize64_t socket_told(struct socket *s, ssize64_t ret); /* an error is told once: ret */
/* n bytes of p are in no queue any more: its sender has room for as many. socket_lock held. */
void packet_uncharge(struct packet *p, size_t n);
/* Free packets that are in no queue; their files are put, at once or by who is at it. Sleeps. */
void packets_free(struct list_head *list);
/* A packet of the kernel's own, with a copy of n bytes; NULL: no memory. */
struct packet *packet_own(const void *data, size_t n, struct address *from);
/*
 * p, which it takes over, goes into s's queue; is that too long, p is lost, and s's reader hears so
 * (ENOBUFS).
 */
void packet_deliver(struct socket *s, struct packet *p);
/* Is there room for more to send? socket_lock held. */
bool socket_has_room(const struct socket *s);
/* Is so much of it free that who asks (poll, O_ASYNC) is told? socket_lock held. */
static inline bool socket_writable(const struct socket *s)
{
	return s->in_flight * 4 <= s->opt.sndbuf;
}

/* --- receive.c --- */
ssize64_t socket_receive(struct socket *s, struct message *m);

/* --- control.c --- */
int control_read(struct control *c, uaddr_t user, uint64_t len);
void control_put(struct control *c);
/* Copies of the files' references; 0 or -ENOMEM. socket_lock held. */
int control_copy(struct control *to, const struct control *from);
/* What came to s, to user memory at control of *len bytes, which becomes what was written. */
int control_write(const struct socket *s, struct message *m, uaddr_t control, uint64_t *len);

/* --- garbage.c --- */
extern struct list_head all_sockets; /* s */
/* The files of c enter or leave a queue. socket_lock held. */
void inflight_add(const struct control *c, int n);
/* A socket was closed: those that only packets nobody can receive hold are emptied. Sleeps. */
void garbage_collect(void);

/* --- options.c --- */
long socket_ioctl(struct file *f, uint32_t cmd, uint64_t arg);
