/*
 * msgctl(2).
 */
#include "kernel/ipc/msg.h"
#include "kernel/cred.h"
#include "kernel/syscall.h"
#include "lib/string.h"
#include "mm/usercopy.h"

static long info(int cmd, uaddr_t buf)
{
	struct ipc_namespace *ns = ipc_own();
	struct ipc_table *t = &ns->msg.table;
	struct msginfo i;
	uint32_t highest;

	memset(&i, 0, sizeof(i)); /* what lies between its fields, too */
	i.msgmni = (int32_t)ns->msg.mni;
	i.msgmax = (int32_t)ns->msg.max;
	i.msgmnb = (int32_t)ns->msg.mnb;
	/* These mean nothing, and are as on Linux. */
	i.msgpool = 512000;
	i.msgmap = i.msgtql = 16384;
	i.msgssz = 16;
	i.msgseg = UINT16_MAX;
	spin_lock(&t->lock);
	highest = ipc_highest_locked(t);
	if (cmd == MSG_INFO) {
		i.msgpool = (int32_t)t->used;
		i.msgmap = (int32_t)ns->msg.messages;
		i.msgtql = (int32_t)ns->msg.bytes;
	}
	spin_unlock(&t->lock);
	return copy_to_user(buf, &i, sizeof(i)) ? -EFAULT : (long)highest;
}

static long stat(int id, enum ipc_how how, uaddr_t buf)
{
	struct msqid64_ds ds;
	long ret = msg_stat(ipc_own(), id, how, &ds);

	return ret >= 0 && copy_to_user(buf, &ds, sizeof(ds)) ? -EFAULT : ret;
}

static int set_locked(struct msg_queue *q, const struct msqid64_ds *ds)
{
	int err;

	if (ds->msg_qbytes > q->perm.table->ns->msg.mnb && !cred_capable(CAP_SYS_RESOURCE))
		return -EPERM;
	err = ipc_perm_set_locked(&q->perm, &ds->msg_perm);
	if (err)
		return err;
	q->max_bytes = ds->msg_qbytes;
	q->ctime = ipc_now();
	msg_wake_all_locked(q);
	return 0;
}

/* IPC_SET with ds, IPC_RMID without. */
static long change(int id, const struct msqid64_ds *ds)
{
	struct ipc_table *t = &ipc_own()->msg.table;
	struct ipc_perm *p;
	long ret = 0;

	spin_lock(&t->lock);
	p = ipc_owned_locked(t, id);
	if (is_err(p))
		ret = ptr_err(p);
	else if (ds)
		ret = set_locked(msg_of_perm(p), ds);
	else
		msg_remove_locked(msg_of_perm(p));
	spin_unlock(&t->lock);
	return ret;
}

SYSCALL3(msgctl, int, id, int, cmd, uaddr_t, buf)
{
	struct msqid64_ds ds;

	if (id < 0 || cmd < 0)
		return -EINVAL;
	switch (cmd) {
	case IPC_INFO:
	case MSG_INFO:
		return info(cmd, buf);
	case IPC_STAT:
		return stat(id, IPC_BY_ID, buf);
	case MSG_STAT:
		return stat(id, IPC_BY_SLOT, buf);
	case MSG_STAT_ANY:
		return stat(id, IPC_BY_SLOT_ANY, buf);
	case IPC_SET:
		return copy_from_user(&ds, buf, sizeof(ds)) ? -EFAULT : change(id, &ds);
	case IPC_RMID:
		return change(id, NULL);
	}
	return -EINVAL;
}
