/*
 * Which page goes when memory is short. Knows frames, and of their use only what the kernel sees:
 * that a page came in, that it had been here before, and, now and then, which ones were touched.
 * Compiles into the simulator of tests/host/replace as it is.
 */
#pragma once

#include "mm/frame.h"

/*
 * What is remembered of a page that went, for when it comes back: how long ago it was used last.
 * 0: nothing. Fits POLICY_SHADOW_BITS.
 */
#define POLICY_SHADOW_BITS 11

/* What policy_shadow said of the oldest page that is kept compressed, if others are not. */
extern uint32_t policy_tier;
/* f, on no queue, came in; shadow: what policy_shadow said when it went. */
void policy_enter(struct frame *f, uint32_t shadow);
/* The same, of one that is to go next: it stood in a queue until it had to be written. */
void policy_enter_next(struct frame *f);
/*
 * f, mapped, is not wanted any more: if it is queued or ANON, it goes before all that are, unless
 * it is used again.
 */
void policy_cold(struct frame *f);
/* f is on its way out, or is not to be chosen. Nothing happens if it is on no queue. */
void policy_leave(struct frame *f);
/* f is to go now, as a victim: policy_shadow, policy_return or policy_forget come next. */
void policy_take(struct frame *f);
/*
 * The page to go, off its queue and held (page_hold, which fills in `with`); the caller makes it go
 * or returns it. NULL: none to be had now.
 */
struct frame *policy_victim(void **with);
uint32_t policy_shadow(const struct frame *f);
/* A victim stays after all, as if it had been used just now. */
void policy_return(struct frame *f);
/* A page that went will not come back. */
void policy_forget(uint32_t shadow);
/*
 * When policy_due says so: clear the accessed bits of all page tables, tell of each page that had
 * one (private ones that are on no queue enter so), then policy_epoch.
 */
bool policy_due(void);
void policy_used(struct frame *const *frames, uint32_t n);

/*
 * f, mapped, was used in a way that no accessed bit will tell: it was copied. Mostly without a
 * lock: once in an epoch is enough.
 */
void policy_copied(struct frame *f);
void policy_epoch(void);
/* Pages in the queues. */
uint64_t policy_pages(void);

/* --- asked of the kernel, with the policy's lock held --- */

/* Was f used since the last harvest, as far as can be seen without a lock? */
bool page_accessed(struct frame *f);
/* Keep f from being freed, and *with if it needs anything else. False: it is about to go. */
bool page_hold(struct frame *f, void **with);
