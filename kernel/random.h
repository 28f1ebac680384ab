/*
 * Random numbers: one pool of 256 secret bits that everything unpredictable is mixed into, and a
 * generator (ChaCha20 with fast key erasure) that stretches it. /dev/random, /dev/urandom and
 * getrandom(2) behave as in Linux 5.18 and later: the first blocks until the pool has once been
 * given 256 bits, the second never, and afterwards they are the same.
 */
#pragma once

#include "kernel/types.h"

/* n unpredictable bytes, whether or not the pool is seeded. Any context, any lock below RANDOM. */
void random_bytes(void *buf, size_t n);
uint32_t random_u32(void);
uint64_t random_u64(void);
/* Uniform in [0, limit); limit is not 0. */
uint64_t random_below(uint64_t limit);

/*
 * Mix n bytes in and count them as `bits` bits that an adversary cannot know. Any context, but no
 * lock of rank WAITQ or above: it may wake who waits for the pool.
 */
void random_add(const void *data, size_t n, uint32_t bits);
/* Mix in the moment of an event such as an interrupt or a key press. Any context, cheap. */
void random_add_event(uint32_t what);

/* Has the pool had 256 bits? */
bool random_ready(void);
/* Sleep until it has, gathering timing jitter if nothing else comes. 0 or -ERESTARTSYS. */
int random_wait_ready(void);
/* Bits the pool has been given, at most 256: /proc/sys/kernel/random/entropy_avail. */
uint32_t random_entropy(void);
#define RANDOM_POOL_BITS 256U /* /proc/sys/kernel/random/poolsize */

struct poll_table;
void random_poll_add(struct poll_table *pt); /* told when the pool becomes ready */

/* Ask the source for more if it has been a while. No lock held; does not sleep. */
void random_refresh(void);

/* A device that can be asked for more; request is called with no lock held, must not sleep. */
struct random_source {
	void (*request)(struct random_source *s);
	void *data;
};
/* s stays the caller's, for ever. One source at a time: a later one takes the place. */
void random_source_register(struct random_source *s);

/* Seed from the device tree's rng-seed; before anything else here, but after machine_init. */
void random_init(void);
/* Register /dev/random and /dev/urandom. */
void random_dev_init(void);
