/*
 * Small things in memory, by slot: what zswap.c made of pages. A slot's is there until the slot is
 * free, or something else is put there. Who has the slot sees to it that nobody else writes to it.
 */
#pragma once

#include "kernel/types.h"

struct frame;
struct swap_area;

/* How much of memory it may take, in percent. */
extern uint64_t zpool_max_percent;
/* Frames that it takes, and things in it. */
extern _Atomic uint64_t zpool_frames, zpool_things;

/* No more would fit, or only a little: guesses. */
bool zpool_full(void);
bool zpool_short(void);
/* It is far from that: what is not worth others' room may have some. */
bool zpool_roomy(void);
/* A frame for what leads to more that are free, or NULL. Never sleeps. */
struct frame *zpool_frame(void) __must_check;
/*
 * Instead of what the slot had; bytes are aligned to words, and a single word is there for nothing,
 * with few exceptions. False: no memory, and it has nothing. Never sleeps.
 */
bool zpool_put(uint32_t slot, const void *bytes, size_t n) __must_check;
/*
 * What the slot has; up to max bytes, at least a word, at `to`, which is aligned to words. How
 * many; 0: nothing.
 */
size_t zpool_get(uint32_t slot, void *to, size_t max);
/* It has nothing any more. Any context. */
void zpool_drop(uint32_t slot);
/* It has nothing because there is no room, if it had anything. Then: is it so? */
void zpool_miss(uint32_t slot);
bool zpool_missed(uint32_t slot);
/* For audits: does slot `at` of a have something? */
bool zpool_has(const struct swap_area *a, uint32_t at);
/* Does that take memory? */
bool zpool_has_chunks(const struct swap_area *a, uint32_t at);
