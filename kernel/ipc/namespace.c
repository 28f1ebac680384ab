/*
 * IPC namespaces: their life.
 */
#include "fs/tmpfs/shm.h"
#include "kernel/ipc/ipc.h"
#include "kernel/ipc/mqueue.h"
#include "kernel/ipc/msg.h"
#include "kernel/ipc/sem.h"
#include "kernel/mem/slab.h"

struct ipc_namespace ipc_first = {.ns = {1, NS_IPC, NS_FIRST_IPC}};

/* Empty, with the limits that a machine starts with. */
static void setup(struct ipc_namespace *ns)
{
	shm_setup(ns);
	sem_setup(ns);
	msg_setup(ns);
	mq_limits_setup(ns);
}

struct ns *ipc_ns_copy(const struct ns *old, struct fscontext *fs)
{
	struct ipc_namespace *ns = kzalloc(sizeof(*ns));

	if (!ns)
		return err_ptr(-ENOMEM);
	ns_init(&ns->ns, NS_IPC);
	setup(ns);
	return &ns->ns;
}

/* Nobody is in it, waits in it, or has a part of it open. */
void ipc_ns_free(struct ns *n)
{
	struct ipc_namespace *ns = container_of(n, struct ipc_namespace, ns);

	shm_remove_all(ns);
	sem_remove_all(ns);
	msg_remove_all(ns);
	mq_unlink_all(ns);
	kfree(ns->shm.table.slots);
	kfree(ns->sem.table.slots);
	kfree(ns->msg.table.slots);
	kfree(ns);
}

void ipc_init(void)
{
	setup(&ipc_first);
	mq_init();
}
