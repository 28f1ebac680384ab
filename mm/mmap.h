/*
 * Shared by the memory system calls.
 */
#pragma once

#include "kernel/types.h"

struct aspace;
struct file;
struct object;

/* What of a range lies in one area, for those who go through areas with the lock released. */
struct vma_span {
	uaddr_t start, end;
	uint32_t prot, flags;
	struct object *object;	/* referenced, or NULL */
	struct file *file;	/* referenced, or NULL */
	uint64_t index;		/* in the object, of start */
};
/* The first of [at, end); false: no more areas. Takes the aspace lock. Sleeps, both of them. */
bool span_get(struct aspace *as, uaddr_t at, uaddr_t end, struct vma_span *s);
void span_put(struct vma_span *s);
/*
 * Fault in what can be of [start, end), private writable areas for writing; holes are skipped. 0 or
 * the first error, which MAP_POPULATE does not tell: -EFAULT. Takes the aspace lock; may sleep.
 */
int populate(struct aspace *as, uaddr_t start, uaddr_t end);
/* The same, stopping at the first page that cannot be: 0 or -errno. write: for writing. */
int populate_strict(struct aspace *as, uaddr_t start, uaddr_t end, bool write);
/*
 * As mmap(2) of all of a file from its start: len bytes, not 0, at addr (page aligned; 0 without
 * MAP_FIXED*: anywhere). The address, or -errno. May sleep.
 */
long mmap_file(struct file *file, uaddr_t addr, size_t len, uint32_t prot, int flags);
/* madvise(2) of any address space. 0 or -errno. May sleep. */
long madvise_of(struct aspace *as, uaddr_t start, size_t len, int what);
/*
 * mprotect(2) area by area, up to the first hole or the first that may not: as the file behind it
 * says, or for one of the flags `held` (VMA_SEALED, or 0). 0, -EACCES, -EPERM, -ENOMEM. (a writer)
 */
int protect_locked(struct aspace *as, uaddr_t start, uaddr_t end, uint32_t prot, uint32_t held);
/* May the process lock `pages` more? 0, -EPERM (no right at all), -EAGAIN. (aspace lock) */
int mlock_allowed(struct aspace *as, uint64_t pages);
/* Pages of [start, end) that lie in areas with all these VMA_* flags. (a) */
uint64_t pages_in(struct aspace *as, uaddr_t start, uaddr_t end, uint32_t flags);
