/*
 * Address spaces: what threads of a process share. Created empty for exec, copied by fork,
 * destroyed with the last reference.
 */
#pragma once

#include "kernel/types.h"

struct aspace;
struct object;
struct thread;
struct file;

/* NULL when there is no memory. Holds one reference. */
struct aspace *aspace_create(void);
struct aspace *aspace_get(struct aspace *as);
void aspace_put(struct aspace *as); /* may sleep: the last one tears it down */
/* A copy-on-write copy of src in *dst: 0, -ENOMEM (nothing changed). May sleep. */
int aspace_fork(struct aspace *src, struct aspace **dst);
/* Switch this hart to as (NULL: the kernel's own table). Interrupts off. From schedule(). */
void aspace_activate(struct aspace *as);

/* exec lays out a new space with these; as is not yet anyone's. */
struct exec_layout {
	uaddr_t start_code, end_code, start_data, end_data;
	uaddr_t start_brk;
	uaddr_t start_stack;	    /* sp handed to the program */
	uaddr_t arg_start, arg_end, env_start, env_end;
	uaddr_t vdso;		    /* where the vDSO page is mapped */
};
void aspace_set_layout(struct aspace *as, const struct exec_layout *l);
const struct exec_layout *aspace_layout(struct aspace *as);

/*
 * Map [addr, addr+len) in as: pages of o from byte offset (page aligned), or anonymous memory
 * when o is NULL. prot PROT_*, flags MAP_* (uapi/mman.h): MAP_FIXED semantics are always used,
 * addr 0 lets the kernel choose. file (may be NULL) is referenced and kept for /proc/PID/maps.
 * The address, or -errno. Takes the aspace lock as writer. May sleep.
 */
long aspace_map(struct aspace *as, uaddr_t addr, size_t len, int prot, int flags, struct object *o,
		struct file *file, uint64_t offset);
int aspace_unmap(struct aspace *as, uaddr_t addr, size_t len);

/* Numbers for /proc, getrusage, and the OOM score: pages. */
struct aspace_stats {
	uint64_t size, rss, shared, text, data, locked, peak_rss, stack;
};
void aspace_stats(struct aspace *as, struct aspace_stats *out);
