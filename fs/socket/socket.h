/*
 * Sockets of the family AF_UNIX, inside of fs/socket.
 *
 * Letters: s  socket_lock     r  read_lock     c  constant once the socket has a file
 */
#pragma once

#include "fs/vfs.h"
#include "kernel/uapi/socket.h"

#define SOCKET_BUFFER 212992 /* SO_SNDBUF at first, bytes */
#define SOCKET_QUEUE  10     /* packets that wait at a datagram socket before senders do */
#define STREAM_CHUNK  16384  /* a stream's packet */

/* A socket's name; never changes. */
struct address {
	_Atomic int refs;
	uint32_t len;
	struct sockaddr_un name;
};

enum socket_state { SOCKET_UNCONNECTED, SOCKET_LISTENING, SOCKET_CONNECTED, SOCKET_DISCONNECTED };

struct socket {
	_Atomic int refs;
	int type;		  /* c; SOCK_* */
	enum socket_state state;  /* s; of streams and packet sequences */
	struct file *file;	  /* s; NULL before accept and after close; not referenced */
	bool dead;		  /* s; its file is gone */
	bool bound;		  /* s; on a list of names */
	bool shut_read, shut_write; /* s */
	int error;		  /* s; told once: SO_ERROR */
	struct socket *peer;	  /* s; referenced. Datagrams: where they go */
	struct list_head clients; /* s; datagram sockets whose peer this is */
	struct list_head client_link; /* s */
	struct list_head queue;	  /* s; packets that came */
	uint64_t queued;	  /* s; bytes in them */
	uint32_t npackets;	  /* s */
	uint64_t in_flight;	  /* s; bytes it sent that nobody has read */
	struct list_head pending; /* s; connections to accept */
	struct list_head pending_link; /* s */
	uint32_t npending, backlog; /* s */
	struct address *address;  /* s; referenced; NULL: none. Set once */
	struct path place;	  /* of a name in the file system; referenced while bound */
	struct list_head name_link; /* s; on the list of names */
	struct ucred creds;	  /* s; of who connected or listened */
	struct mutex read_lock;	  /* RANK_SOCKET_READ: packets leave under it */
	struct waitqueue readers, writers;
	struct waitqueue room;	  /* for another packet or connection */
	bool pass_creds, reuse, keepalive; /* s */
	uint32_t sndbuf, rcvbuf;  /* s */
	uint64_t read_timeout, write_timeout; /* s; ns; 0: none */
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

struct packet {
	struct list_head link;	  /* s */
	struct socket *sender;	  /* referenced; charged for it */
	struct address *from;	  /* referenced, or NULL */
	struct control control;	  /* files leave with the first byte */
	size_t size, done;	  /* r; bytes, and those that were read */
	char *data;
};

/* One call of send or receive. */
struct message {
	struct uio *u;
	int flags;		  /* MSG_* */
	uint32_t out_flags;	  /* of receiving */
	bool nowait;
	bool wants_control;	  /* receiving: files can be delivered */
	struct sockaddr_un to;	  /* sending; to_len 0: none */
	uint32_t to_len;
	struct address *from;	  /* received; referenced, or NULL */
	struct control control;
	bool have_creds;
};

/* Connections, queues and names of all sockets; RANK_SOCKET. */
extern struct spinlock socket_lock;

/* --- socket.c --- */
struct socket *socket_alloc(int type); /* one reference; NULL: no memory */
struct socket *socket_get(struct socket *s);
void socket_put(struct socket *s); /* any context without socket_lock; does not sleep */
struct socket *socket_of(struct file *f); /* NULL: it is none */
struct ucred ucred_current(void);
/* An open file for s, whose reference it takes over; err_ptr leaves it to the caller. */
struct file *socket_file(struct socket *s, uint32_t flags);
uint64_t socket_deadline(uint64_t timeout); /* ns from now; 0: none */
void sockets_init(void);

/* --- address.c --- */
struct address *address_get(struct address *a); /* NULL is fine */
void address_put(struct address *a);
/* Read a name from user memory: its length, or -errno. */
int address_read(struct sockaddr_un *out, uaddr_t user, uint32_t len);
/* Tell a name (NULL: none) as accept(2) does. 0 or -errno. */
int address_write(const struct address *a, uaddr_t user, uaddr_t ulen);
int socket_bind(struct socket *s, const struct sockaddr_un *name, uint32_t len);
void socket_unbind(struct socket *s);
/* The socket of that name and type, referenced, or err_ptr. May sleep. */
struct socket *socket_find(const struct sockaddr_un *name, uint32_t len, int type);

/* --- connect.c --- */
int socket_listen(struct socket *s, int backlog);
int socket_connect(struct socket *s, const struct sockaddr_un *name, uint32_t len, bool nowait);
struct socket *socket_accept(struct socket *s, bool nowait); /* or err_ptr */
int socket_shutdown(struct socket *s, int how);
void socket_pair(struct socket *a, struct socket *b);
void socket_close(struct socket *s); /* its file is gone */
/* socket_lock held. peer NULL: none any more. Returns the old one for socket_put. */
struct socket *socket_set_peer(struct socket *s, struct socket *peer);

/* --- transfer.c --- */
ssize64_t socket_send(struct socket *s, struct message *m);
ssize64_t socket_receive(struct socket *s, struct message *m);
/* Free packets that are in no queue; their files are put, at once or by who is at it. Sleeps. */
void packets_free(struct list_head *list);
/* Is there room for more to send? socket_lock held. */
bool socket_has_room(const struct socket *s);

/* --- control.c --- */
int control_read(struct control *c, uaddr_t user, uint64_t len);
void control_put(struct control *c);
/* Copies of the files' references; 0 or -ENOMEM. socket_lock held. */
int control_copy(struct control *to, const struct control *from);
/* What came, to user memory at control of *len bytes, which becomes what was written. */
int control_write(struct message *m, uaddr_t control, uint64_t *len, bool creds);

/* --- garbage.c --- */
extern struct list_head all_sockets; /* s */
/* The files of c enter or leave a queue. socket_lock held. */
void inflight_add(const struct control *c, int n);
/* A socket was closed: those that only packets nobody can receive hold are emptied. Sleeps. */
void garbage_collect(void);

/* --- options.c --- */
long socket_ioctl(struct file *f, uint32_t cmd, uint64_t arg);
