/* The simulator of page replacement: traces, and the algorithms they are replayed through. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct trace {
	const char *name;
	uint32_t *page;	 /* one for each access */
	size_t length, room;
	uint32_t pages;	 /* numbers are below this */
	size_t end;	 /* of a first program: before this access its pages are free; or 0 */
	double blind;	 /* what to expect of who knows the odds, but no future; or 0 */
};

/* The n-th trace, made anew; page NULL when there is none. Free page when done. */
struct trace trace_make(unsigned n);

/*
 * Replay t with `frames` of memory: how many pages were brought in that had been there before.
 * First touches are not counted.
 */
struct algorithm {
	const char *name;
	uint64_t (*replay)(const struct trace *t, uint32_t frames);
};
extern const struct algorithm algorithms[]; /* up to one without a name; the first is the floor */
/* In a process of its own, since the kernel's policy is made to start once. Fails fatally. */
uint64_t replay_apart(const struct algorithm *a, const struct trace *t, uint32_t frames);

uint64_t replay_ours(const struct trace *t, uint32_t frames);
uint64_t replay_opt(const struct trace *t, uint32_t frames);
uint64_t replay_clockpro(const struct trace *t, uint32_t frames);
uint64_t replay_lirs(const struct trace *t, uint32_t frames);

/* For the algorithms: lists of pages by number, linked through arrays; zeroed memory. */
struct list {
	uint32_t head, tail, length;
};
struct links {
	uint32_t *next, *prev;
};
#define NOBODY UINT32_MAX
#define LIST_EMPTY (struct list){NOBODY, NOBODY, 0}
void list_append(struct links *l, struct list *q, uint32_t page);
void list_take(struct links *l, struct list *q, uint32_t page);
void *zeroed(size_t n, size_t size);
