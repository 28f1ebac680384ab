/*
 * Namespaces (namespaces(7)): what threads see of a kind of names. Each thread has a set with one
 * of each kind; the set never changes once a thread has it, and threads share it until one asks
 * for another: clone(2), unshare(2), setns(2). Of most kinds there is only the first namespace.
 *
 * A thread reads its own pointer to the set without a lock, and changes it under proc_lock: others
 * look at it under that. Sets and namespaces are counted by atomics, and freed with no lock held.
 * fs/nsfs.h has namespaces as files; /proc/PID/ns has the links to those.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/types.h"

struct fscontext;
struct pidfd_target;
struct process;
struct thread;

enum ns_kind { NS_CGROUP, NS_IPC, NS_MNT, NS_NET, NS_PID, NS_TIME, NS_USER, NS_UTS, NS_KINDS };

/* The beginning of every namespace. (c) constant */
struct ns {
	_Atomic int refs;
	enum ns_kind kind; /* (c) */
	uint64_t number;   /* (c) of its file, as Linux numbers them */
};

struct ns_type {
	const char *name; /* its files are called "NAME:[NUMBER]" */
	uint32_t flag;	  /* CLONE_NEW* */
	/*
	 * A new one like old, referenced once, or err_ptr. fs: of who is to have it, and of nobody
	 * else; NULL if it is of a kind to which that does not matter. May sleep.
	 */
	struct ns *(*copy)(const struct ns *old, struct fscontext *fs); /* NULL: there is one */
	void (*free)(struct ns *ns); /* nobody has it any more; may sleep */
};
extern const struct ns_type ns_types[NS_KINDS];

#define NS_FIRST_IPC 4026531839 /* numbers of first namespaces: programs know some of them */
#define NS_FIRST_UTS 4026531838
#define NS_FIRST_MNT 4026531841

struct ns_set {
	_Atomic int refs;
	struct ns *of[NS_KINDS]; /* (c) referenced */
};

/* All flags of namespaces. */
#define CLONE_NAMESPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME)

/* The set of the first process: one reference. */
struct ns_set *ns_set_first(void);
static inline struct ns_set *ns_set_get(struct ns_set *s)
{
	__atomic_add_fetch((int *)&s->refs, 1, __ATOMIC_RELAXED);
	return s;
}
void ns_set_put(struct ns_set *s); /* may sleep */
/*
 * One like the running thread's, but with new namespaces of the kinds in flags (CLONE_NEW*), for
 * who may make some. fs: of who will have it, and of nobody else; its places change with
 * CLONE_NEWNS. err_ptr: -EPERM, -EINVAL (a kind of which there is only one), -ENOMEM, -ENOSPC.
 */
struct ns_set *ns_set_new(uint64_t flags, struct fscontext *fs);
/*
 * The running thread has the set s from now on, and s's reference. What semaphores are to be given
 * back when it ends is settled first if ipc.
 */
void ns_set_enter(struct ns_set *s, bool ipc);

/* A new one's beginning: its number is no other's, ever. */
void ns_init(struct ns *ns, enum ns_kind kind);
static inline struct ns *ns_get(struct ns *ns)
{
	__atomic_add_fetch((int *)&ns->refs, 1, __ATOMIC_RELAXED);
	return ns;
}
void ns_put(struct ns *ns); /* may sleep */
/*
 * That of the thread tid of p (0: its first), referenced; NULL: it has ended. Takes proc_lock. What
 * its children will have is asked for with for_children.
 */
struct ns *ns_of(struct process *p, pid_t tid, enum ns_kind kind, bool for_children);
