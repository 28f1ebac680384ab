/*
 * What goes along with data (cmsg(3)): descriptors, credentials, and when it came.
 */
#include "fs/socket/interface.h"
#include "fs/socket/socket.h"
#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/time.h"
#include "kernel/syscall.h"
#include "kernel/uapi/time.h"
#include "lib/string.h"
#include "mm/usercopy.h"

#define CONTROL_MAX 20480

void control_put(struct control *c)
{
	for (uint32_t i = 0; i < c->nfiles; i++)
		file_put(c->files[i]);
	kfree(c->files);
	c->files = NULL;
	c->nfiles = 0;
}

int control_copy(struct control *to, const struct control *from)
{
	to->files = kmalloc(from->nfiles * sizeof(*to->files));
	if (!to->files)
		return -ENOMEM;
	for (uint32_t i = 0; i < from->nfiles; i++)
		to->files[i] = file_get(from->files[i]);
	to->nfiles = from->nfiles;
	return 0;
}

static int read_rights(struct control *c, const int32_t *fds, uint64_t n)
{
	struct file **files;

	if (c->nfiles + n > SCM_MAX_FD)
		return -EINVAL;
	if (!n)
		return 0;
	files = kmalloc((c->nfiles + n) * sizeof(*files));
	if (!files)
		return -ENOMEM;
	if (c->nfiles)
		memcpy(files, c->files, c->nfiles * sizeof(*files));
	kfree(c->files);
	c->files = files;
	for (uint64_t i = 0; i < n; i++) {
		struct file *f = fd_get_any(fds[i]);

		if (!f)
			return -EBADF;
		c->files[c->nfiles++] = f;
	}
	return 0;
}

/* One may only claim to be oneself, unless one has the power to become another (unix(7)). */
static int check_creds(const struct ucred *u)
{
	const struct cred *me = current()->cred;
	bool pid = u->pid == current()->process->pid;
	bool uid = u->uid == me->uid || u->uid == me->euid || u->uid == me->suid;
	bool gid = u->gid == me->gid || u->gid == me->egid || u->gid == me->sgid;

	return (pid || cred_has(me, CAP_SYS_ADMIN)) && (uid || cred_has(me, CAP_SETUID)) &&
	       (gid || cred_has(me, CAP_SETGID)) ? 0 : -EPERM;
}

static int read_one(struct control *c, const struct cmsghdr64 *h, const void *data, bool *creds)
{
	uint64_t len = h->len - sizeof(*h);

	if (h->level != SOL_SOCKET)
		return 0;
	switch (h->type) {
	case SCM_RIGHTS:
		return read_rights(c, data, len / sizeof(int32_t));
	case SCM_CREDENTIALS:
		if (len != sizeof(c->creds))
			return -EINVAL;
		memcpy(&c->creds, data, sizeof(c->creds));
		*creds = true;
		return check_creds(&c->creds);
	default:
		return -EINVAL;
	}
}

/* Returns 1 when credentials were among it, 0, or -errno with c to be put. */
int control_read(struct control *c, uaddr_t user, uint64_t len)
{
	struct cmsghdr64 h;
	bool creds = false;
	uint64_t at = 0;
	char *buf;
	int err = 0;

	if (len > CONTROL_MAX)
		return -ENOBUFS;
	if (!len)
		return 0;
	buf = kmalloc(len);
	if (!buf)
		return -ENOMEM;
	if (copy_from_user(buf, user, len))
		err = -EFAULT;
	while (!err && at + sizeof(h) <= len) {
		memcpy(&h, buf + at, sizeof(h));
		if (h.len < sizeof(h) || h.len > len - at)
			err = -EINVAL;
		else
			err = read_one(c, &h, buf + at + sizeof(h), &creds);
		at += CMSG_ALIGN(h.len);
	}
	kfree(buf);
	return err ? err : creds;
}

/* Where in user memory the next piece goes. */
struct place {
	uaddr_t at;
	uint64_t left;
};

/* The head of a piece with len bytes, and their place; how many fit, or -EFAULT. */
static int64_t put_piece(struct message *m, struct place *p, int level, int type, const void *data,
			 uint64_t len)
{
	struct cmsghdr64 h = {.len = sizeof(h) + len, .level = level, .type = type};
	uint64_t space;

	if (p->left < sizeof(h)) {
		m->out_flags |= MSG_CTRUNC;
		return 0;
	}
	if (p->left < h.len) {
		m->out_flags |= MSG_CTRUNC;
		h.len = p->left;
	}
	if (copy_to_user(p->at, &h, sizeof(h)) ||
	    copy_to_user(p->at + sizeof(h), data, h.len - sizeof(h)))
		return -EFAULT;
	space = MIN(CMSG_ALIGN(h.len), p->left);
	p->at += space;
	p->left -= space;
	return (int64_t)(h.len - sizeof(h));
}

/* Descriptors for the files: as many as there is room for. */
static int put_rights(struct message *m, struct place *p)
{
	uint64_t room = p->left > sizeof(struct cmsghdr64)
				? (p->left - sizeof(struct cmsghdr64)) / sizeof(int32_t)
				: 0;
	uint32_t n = (uint32_t)MIN((uint64_t)m->control.nfiles, room), done = 0;
	int32_t fds[SCM_MAX_FD];

	while (done < n) {
		struct file *f = file_get(m->control.files[done]);
		int fd = fd_install(f, 0, m->flags & MSG_CMSG_CLOEXEC);

		if (fd < 0) {
			file_put(f);
			break;
		}
		fds[done++] = fd;
	}
	if (done < m->control.nfiles)
		m->out_flags |= MSG_CTRUNC;
	if (done && put_piece(m, p, SOL_SOCKET, SCM_RIGHTS, fds, done * sizeof(fds[0])) < 0) {
		while (done)
			(void)fd_close(fds[--done]);
		return -EFAULT;
	}
	return 0;
}

/* When it came, which streams of AF_UNIX and AF_NETLINK do not tell. */
static int64_t put_stamp(const struct socket *s, struct message *m, struct place *p)
{
	bool stream = s->type == SOCK_STREAM;
	uint64_t t = m->stamp;
	struct timespec64 ts;
	struct timeval64 tv;

	if (!m->have_creds || s->family == &netlink_family || (stream && s->family == &unix_family))
		return 0;
	if (!t && stream)
		return 0;
	/* It was there before anybody asked for it. */
	if (!t)
		t = time_realtime();
	ts = ns_timespec(t);
	tv = ns_timeval(t);
	if (s->opt.stamp == SO_TIMESTAMPNS || s->opt.stamp == SO_TIMESTAMPNS_NEW)
		return put_piece(m, p, SOL_SOCKET, s->opt.stamp, &ts, sizeof(ts));
	return put_piece(m, p, SOL_SOCKET, s->opt.stamp, &tv, sizeof(tv));
}

/* What a datagram of AF_INET carried besides its bytes. */
static int64_t put_facts(const struct socket *s, struct message *m, struct place *p)
{
	const struct datagram_facts *f = &m->facts;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = f->port, .sin_addr = f->ip};
	struct in_pktinfo info = {LO_INDEX, f->ip, f->ip};
	uint32_t ttl = f->ttl;
	int64_t n = 0;

	if (s->opt.tells & TELL_PKTINFO)
		n = put_piece(m, p, IPPROTO_IP, IP_PKTINFO, &info, sizeof(info));
	if (n >= 0 && (s->opt.tells & TELL_TTL))
		n = put_piece(m, p, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
	if (n >= 0 && (s->opt.tells & TELL_TOS))
		n = put_piece(m, p, IPPROTO_IP, IP_TOS, &f->tos, sizeof(f->tos));
	if (n >= 0 && (s->opt.tells & TELL_TARGET))
		n = put_piece(m, p, IPPROTO_IP, IP_RECVORIGDSTADDR, &to, sizeof(to));
	return n;
}

int control_write(const struct socket *s, struct message *m, uaddr_t control, uint64_t *len)
{
	struct place p = {control, *len};
	int64_t n = 0;
	int err = 0;

	if (s->opt.stamp)
		n = put_stamp(s, m, &p);
	if (n >= 0 && s->opt.pass_creds && s->family->creds && m->have_creds)
		n = put_piece(m, &p, SOL_SOCKET, SCM_CREDENTIALS, &m->control.creds,
			      sizeof(m->control.creds));
	if (n >= 0 && s->lossy && s->opt.tells && m->have_creds)
		n = put_facts(s, m, &p);
	if (n < 0)
		return (int)n;
	if (m->control.nfiles)
		err = put_rights(m, &p);
	*len = p.at - control;
	return err;
}
