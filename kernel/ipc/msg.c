/*
 * System V message queues: msgget(2), msgsnd(2), msgrcv(2). A message goes straight to who waits
 * for one like it; who takes one out lets in those who wait for room, in the order in which they
 * came.
 */
#include "kernel/ipc/msg.h"

#include "kernel/mem/slab.h"
#include "kernel/syscall.h"
#include "lib/string.h"
#include "mm/reclaim.h"
#include "mm/usercopy.h"

/* A sender or a receiver. */
struct msg_waiter {
	struct ipc_waiter wait;
	struct message *msg; /* (t) to be sent; or what was received */
	pid_t pid;
	/* What a receiver wants. */
	enum { TYPE_ANY, TYPE_IS, TYPE_IS_NOT, TYPE_UP_TO, TYPE_PLACE } how;
	int64_t type;
	size_t size;
	bool cut; /* a larger one will do: MSG_NOERROR */
};

static long queue_new(struct ipc_table *t, int32_t key, uint64_t size, int flags)
{
	struct msg_queue *q;
	int ret = ipc_reserve(t);

	if (ret)
		return ret;
	q = ipc_alloc(sizeof(*q));
	if (!q)
		return -ENOMEM;
	ipc_perm_init(t, &q->perm, key, flags);
	q->ctime = ipc_now();
	q->max_bytes = t->ns->msg.mnb;
	list_init(&q->messages);
	list_init(&q->senders);
	list_init(&q->receivers);
	spin_lock(&t->lock);
	ipc_enter_locked(t, &q->perm);
	ret = q->perm.id;
	spin_unlock(&t->lock);
	return ret;
}

SYSCALL2(msgget, int, key, int, flags)
{
	return ipc_get(&ipc_own()->msg.table, key, 0, flags);
}

/* --- messages in a queue --- */

static struct message *message_new(int64_t type, size_t size)
{
	struct message *m;

	reclaim_ahead();
	m = ipc_alloc(sizeof(*m) + size);
	if (m) {
		list_init(&m->link);
		m->type = type;
		m->size = size;
	}
	return m;
}

static void message_free(struct message *m)
{
	ipc_free(m, sizeof(*m) + m->size);
}

static struct ipc_namespace *ns_of_queue(const struct msg_queue *q)
{
	return q->perm.table->ns;
}

static void message_out(struct msg_queue *q, struct message *m)
{
	list_del(&m->link);
	q->bytes -= m->size;
	q->nmessages--;
	ns_of_queue(q)->msg.bytes -= m->size;
	ns_of_queue(q)->msg.messages--;
}

static bool fits(const struct msg_queue *q, const struct message *m)
{
	return q->bytes + m->size <= q->max_bytes && q->nmessages < q->max_bytes;
}

static bool wants(const struct msg_waiter *w, const struct message *m)
{
	switch (w->how) {
	case TYPE_IS:
		return m->type == w->type;
	case TYPE_IS_NOT:
		return m->type != w->type;
	case TYPE_UP_TO:
		return m->type <= w->type;
	default:
		return w->how == TYPE_ANY;
	}
}

static struct message *at_place(struct msg_queue *q, int64_t place)
{
	struct message *m;

	list_for_each_entry(m, &q->messages, link)
		if (!place--)
			return m;
	return NULL;
}

/* The oldest that w wants; of TYPE_UP_TO the oldest of the lowest type. */
static struct message *find(struct msg_queue *q, const struct msg_waiter *w)
{
	struct message *m, *best = NULL;

	if (w->how == TYPE_PLACE)
		return at_place(q, w->type);
	list_for_each_entry(m, &q->messages, link) {
		if (!wants(w, m) || (best && m->type >= best->type))
			continue;
		best = m;
		if (w->how != TYPE_UP_TO)
			break;
	}
	return best;
}

/* --- sending --- */

/* Give it to who waits for it. Those it is too large for go on without it. (t) */
static bool hand_over(struct msg_queue *q, struct message *m)
{
	struct msg_waiter *w, *next;

	list_for_each_entry_safe(w, next, &q->receivers, wait.link) {
		if (!wants(w, m))
			continue;
		if (m->size > w->size && !w->cut) {
			ipc_waiter_done(&w->wait, -E2BIG);
			continue;
		}
		w->msg = m;
		q->lrpid = w->pid;
		q->rtime = ipc_now();
		ipc_waiter_done(&w->wait, 0);
		return true;
	}
	return false;
}

static void put(struct msg_queue *q, struct message *m, pid_t pid)
{
	q->lspid = pid;
	q->stime = ipc_now();
	if (hand_over(q, m))
		return;
	list_add_tail(&m->link, &q->messages);
	q->bytes += m->size;
	q->nmessages++;
	ns_of_queue(q)->msg.bytes += m->size;
	ns_of_queue(q)->msg.messages++;
}

/* There is more room: let in those who wait for it. (t) */
static void let_in(struct msg_queue *q)
{
	struct msg_waiter *w, *next;

	list_for_each_entry_safe(w, next, &q->senders, wait.link) {
		if (!fits(q, w->msg))
			continue;
		put(q, w->msg, w->pid);
		ipc_waiter_done(&w->wait, 0);
	}
}

/* 0, -errno or IPC_WAITS. (t) */
static int send_try(int id, struct msg_waiter *w, int flags)
{
	struct ipc_perm *p = ipc_allowed_locked(&ipc_own()->msg.table, id, 0222);
	struct msg_queue *q;

	if (is_err(p))
		return (int)ptr_err(p);
	q = msg_of_perm(p);
	if (fits(q, w->msg)) {
		put(q, w->msg, w->pid);
		return 0;
	}
	if (flags & IPC_NOWAIT)
		return -EAGAIN;
	list_add_tail(&w->wait.link, &q->senders);
	return IPC_WAITS;
}

/* The one or the other until it is done: 0 or -errno. */
static int do_or_wait(int (*try)(int id, struct msg_waiter *w, int flags), int id,
		      struct msg_waiter *w, int flags)
{
	struct spinlock *lock = &ipc_own()->msg.table.lock;
	bool waited = false;
	int status;

	w->pid = ipc_pid();
	for (;; waited = true) {
		ipc_waiter_init(&w->wait);
		spin_lock(lock);
		status = w->wait.status = try(id, w, flags);
		spin_unlock(lock);
		/* It was there when it began to wait. */
		if (status != IPC_WAITS)
			return waited && status == -EINVAL ? -EIDRM : status;
		status = ipc_wait(lock, &w->wait, UINT64_MAX);
		if (status != IPC_AGAIN)
			return status == -ERESTARTSYS ? -ERESTARTNOHAND : status;
	}
}

SYSCALL4(msgsnd, int, id, uaddr_t, umsg, size_t, size, int, flags)
{
	struct msg_waiter w = {.size = size};
	int64_t type;
	int ret;

	if (get_user_u64((uint64_t *)&type, umsg))
		return -EFAULT;
	if (size > ipc_own()->msg.max || id < 0 || type < 1)
		return -EINVAL;
	w.msg = message_new(type, size);
	if (!w.msg)
		return -ENOMEM;
	if (copy_from_user(w.msg->text, umsg + sizeof(type), size))
		ret = -EFAULT;
	else
		ret = do_or_wait(send_try, id, &w, flags);
	/* Sent, it is the queue's or a receiver's, who may have freed it. */
	if (ret)
		message_free(w.msg);
	return ret;
}

/* --- receiving --- */

/* Take m, or make w->msg a copy of it (MSG_COPY). (t) */
static int take(struct msg_queue *q, struct message *m, struct msg_waiter *w)
{
	if (w->size < m->size && !w->cut)
		return -E2BIG;
	if (w->how == TYPE_PLACE) {
		if (m->size > w->msg->size)
			return -EINVAL;
		w->msg->type = m->type;
		memcpy(w->msg->text, m->text, m->size);
		w->size = m->size;
		return 0;
	}
	message_out(q, m);
	w->msg = m;
	q->lrpid = w->pid;
	q->rtime = ipc_now();
	let_in(q);
	return 0;
}

/* 0, -errno or IPC_WAITS. (t) */
static int receive_try(int id, struct msg_waiter *w, int flags)
{
	struct ipc_perm *p = ipc_allowed_locked(&ipc_own()->msg.table, id, 0444);
	struct msg_queue *q;
	struct message *m;

	if (is_err(p))
		return (int)ptr_err(p);
	q = msg_of_perm(p);
	m = find(q, w);
	if (m)
		return take(q, m, w);
	if (flags & IPC_NOWAIT)
		return -ENOMSG;
	list_add_tail(&w->wait.link, &q->receivers);
	return IPC_WAITS;
}

/* What msgrcv's type and flags ask for. 0, -EINVAL, -ENOMEM. */
static int receive_decode(struct msg_waiter *w, int64_t type, int flags)
{
	w->type = type < 0 ? (type == INT64_MIN ? INT64_MAX : -type) : type;
	w->how = type < 0 ? TYPE_UP_TO : flags & MSG_EXCEPT ? TYPE_IS_NOT : TYPE_IS;
	w->cut = flags & MSG_NOERROR;
	if (!type)
		w->how = TYPE_ANY;
	if (!(flags & MSG_COPY))
		return 0;
	if ((flags & MSG_EXCEPT) || !(flags & IPC_NOWAIT))
		return -EINVAL;
	w->how = TYPE_PLACE;
	w->type = type;
	w->msg = message_new(1, MIN(w->size, ipc_own()->msg.max));
	return w->msg ? 0 : -ENOMEM;
}

SYSCALL5(msgrcv, int, id, uaddr_t, umsg, size_t, size, int64_t, type, int, flags)
{
	struct msg_waiter w = {.size = size};
	long ret;

	if (id < 0 || (int64_t)size < 0)
		return -EINVAL;
	ret = receive_decode(&w, type, flags);
	if (!ret)
		ret = do_or_wait(receive_try, id, &w, flags);
	if (!ret) {
		size = MIN(w.size, w.msg->size);
		ret = (long)size;
		if (put_user_u64(umsg, (uint64_t)w.msg->type) ||
		    copy_to_user(umsg + sizeof(uint64_t), w.msg->text, size))
			ret = -EFAULT;
	}
	if (w.msg)
		message_free(w.msg);
	return ret;
}

/* --- queues as a whole --- */

static void wake_all_with(struct msg_queue *q, int status)
{
	struct ipc_waiter *w, *next;

	list_for_each_entry_safe(w, next, &q->senders, link)
		ipc_waiter_done(w, status);
	list_for_each_entry_safe(w, next, &q->receivers, link)
		ipc_waiter_done(w, status);
}

void msg_wake_all_locked(struct msg_queue *q)
{
	wake_all_with(q, IPC_AGAIN);
}

void msg_remove_locked(struct msg_queue *q)
{
	struct message *m, *next;

	wake_all_with(q, -EIDRM);
	list_for_each_entry_safe(m, next, &q->messages, link) {
		message_out(q, m);
		message_free(m);
	}
	ipc_leave_locked(q->perm.table, &q->perm);
	ipc_free(q, sizeof(*q));
}

long msg_stat(struct ipc_namespace *ns, int32_t id, enum ipc_how how, struct msqid64_ds *out)
{
	struct ipc_table *t = &ns->msg.table;
	struct ipc_perm *p;
	struct msg_queue *q;
	long ret;

	memset(out, 0, sizeof(*out));
	spin_lock(&t->lock);
	p = ipc_asked_locked(t, id, how);
	if (is_err(p)) {
		ret = ptr_err(p);
	} else {
		q = msg_of_perm(p);
		ipc_perm_stat_locked(p, &out->msg_perm);
		out->msg_stime = q->stime;
		out->msg_rtime = q->rtime;
		out->msg_ctime = q->ctime;
		out->msg_cbytes = q->bytes;
		out->msg_qnum = q->nmessages;
		out->msg_qbytes = q->max_bytes;
		out->msg_lspid = q->lspid;
		out->msg_lrpid = q->lrpid;
		ret = how == IPC_BY_ID ? 0 : p->id;
	}
	spin_unlock(&t->lock);
	return ret;
}

void msg_setup(struct ipc_namespace *ns)
{
	ns->msg.max = 8192;
	ns->msg.mnb = 16384;
	ns->msg.mni = 32000;
	ns->msg.table.make = queue_new;
	ipc_table_init(&ns->msg.table, ns, "msg", &ns->msg.mni);
}

void msg_remove_all(struct ipc_namespace *ns)
{
	struct ipc_table *t = &ns->msg.table;

	for (uint32_t i = 0; i < t->nslots; i++) {
		spin_lock(&t->lock);
		if (t->slots[i])
			msg_remove_locked(msg_of_perm(t->slots[i]));
		spin_unlock(&t->lock);
	}
}
