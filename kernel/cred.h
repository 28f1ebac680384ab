/*
 * Credentials (credentials(7)): the ids a thread acts for, and its share of root's powers
 * (capabilities(7)). cred.c has the calls about ids, capability.c those about powers.
 */
#pragma once

#include "kernel/types.h"
#include "kernel/uapi/capability.h"

struct process;

#define NGROUPS_MAX 65536 /* supplementary groups of a process */

/* A set of capabilities: bit n is capability n. */
typedef uint64_t capset_t;

#define CAP_BIT(cap) ((capset_t)1 << (cap))
#define CAPS_ALL     (CAP_BIT(CAP_LAST_CAP + 1) - 1)

/* Shared, immutable; changed by replacing. */
struct cred {
	_Atomic int refs;
	uid_t uid, euid, suid, fsuid;
	gid_t gid, egid, sgid, fsgid;
	uint32_t securebits;
	capset_t effective;   /* what it may do */
	capset_t permitted;   /* what it may make effective */
	capset_t inheritable; /* what a program with file capabilities would get, and ambient may */
	capset_t ambient;     /* what any program it executes gets */
	capset_t bounding;    /* root's powers end here */
	uint32_t ngroups;
	gid_t groups[]; /* supplementary, ascending */
};

/* All ids 0, no capabilities, one reference; NULL without memory. */
struct cred *cred_alloc(uint32_t ngroups);
const struct cred *cred_get(const struct cred *c);
void cred_put(const struct cred *c);
/*
 * Those of p's first thread, referenced: another process may replace its own at any moment. Takes
 * proc_lock.
 */
const struct cred *cred_of(struct process *p);
/* A copy of the running thread's, to change and hand to cred_commit; NULL without memory. */
struct cred *cred_copy(void);
/* May a process's memory hold what only the ids old may know, when it has c in their place? */
bool cred_hides(const struct cred *c, const struct cred *old);
/* The running thread's are c now; the reference goes along. Takes proc_lock. */
void cred_commit(struct cred *c);

static inline bool cred_has(const struct cred *c, int cap)
{
	return c->effective & CAP_BIT(cap);
}
/* Has the running thread this power? Kernel threads have all. */
bool cred_capable(int cap);
/* c got other user ids than old has: powers go and come as those of root do. */
void cred_uids_changed(struct cred *c, const struct cred *old);
/* The same for the file-system user id alone. */
void cred_fsuid_changed(struct cred *c, const struct cred *old);
/*
 * c, a copy of old with the effective ids that a program file gives, becomes what that program has:
 * saved and file-system ids, powers. limited: it may gain none, as a tracer or no_new_privs
 * forbids. True if libc must not trust the environment (AT_SECURE).
 */
bool cred_exec(struct cred *c, const struct cred *old, bool limited, bool no_new_privs);
/* The options of prctl(2) about capabilities; -EINVAL if it is none of them. */
long cred_prctl(int option, uint64_t arg2, uint64_t arg3, uint64_t arg4, uint64_t arg5);
