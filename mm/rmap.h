/*
 * From pages of an object to the entries that map them, through the object's areas. Take
 * the object's lock; may sleep.
 */
#pragma once

#include "kernel/types.h"

struct frame;
struct object;

/*
 * Take pages [first, last] out of all page tables; with `private` also the private copies that
 * processes made of them (truncate does, punching a hole does not).
 */
void rmap_unmap(struct object *o, uint64_t first, uint64_t last, bool private);
/* Make all shared entries of [first, last] read-only, so that the next write faults. */
void rmap_wrprotect(struct object *o, uint64_t first, uint64_t last);
/*
 * Has any entry that maps f been used? Clears their A bits. Then, if it has not, all entries are
 * removed: true. False: used, or the caller has the object's lock. May sleep.
 */
bool rmap_try_unmap(struct frame *f);
