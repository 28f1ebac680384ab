/* LIRS (Jiang and Zhang, SIGMETRICS 2002) and CLOCK-Pro (the same, USENIX 2005). */
#include "tests/host/replace/replace.h"

#include <stdlib.h>

#define COLD_SHARE 100 /* of memory is for pages with a long interval: one in so many */

struct lirs {
	struct links s, q;	/* the stack, its oldest at the head; the queue of cold residents */
	struct list stack, queue;
	uint8_t *in_stack, *hot, *here, *known;
	uint32_t hots, residents, frames;
};

/* The oldest in the stack is a hot one, always. */
static void lirs_prune(struct lirs *l)
{
	while (l->stack.length && !l->hot[l->stack.head]) {
		l->in_stack[l->stack.head] = 0;
		list_take(&l->s, &l->stack, l->stack.head);
	}
}

static void lirs_stack_top(struct lirs *l, uint32_t page)
{
	if (l->in_stack[page])
		list_take(&l->s, &l->stack, page);
	list_append(&l->s, &l->stack, page);
	l->in_stack[page] = 1;
}

/* The oldest hot page becomes the youngest cold one. */
static void lirs_demote(struct lirs *l)
{
	uint32_t v = l->stack.head;

	l->hot[v] = 0;
	l->hots--;
	list_append(&l->q, &l->queue, v);
	lirs_prune(l);
}

static void lirs_hit(struct lirs *l, uint32_t p)
{
	if (l->hot[p]) {
		lirs_stack_top(l, p);
		lirs_prune(l);
		return;
	}
	list_take(&l->q, &l->queue, p);
	if (l->in_stack[p]) {
		lirs_stack_top(l, p);
		l->hot[p] = 1;
		l->hots++;
		lirs_demote(l);
	} else {
		lirs_stack_top(l, p);
		list_append(&l->q, &l->queue, p);
	}
}

static void lirs_miss(struct lirs *l, uint32_t p)
{
	uint32_t hot_room = l->frames - l->frames / COLD_SHARE;

	if (l->residents == l->frames) {
		uint32_t v = l->queue.head;

		list_take(&l->q, &l->queue, v);
		l->here[v] = 0;
		l->residents--;
	}
	l->residents++;
	l->here[p] = 1;
	if (l->hots < hot_room || l->in_stack[p]) {
		lirs_stack_top(l, p);
		l->hot[p] = 1;
		if (++l->hots > hot_room)
			lirs_demote(l);
		return;
	}
	lirs_stack_top(l, p);
	list_append(&l->q, &l->queue, p);
}

uint64_t replay_lirs(const struct trace *t, uint32_t frames)
{
	struct lirs l = {.s = {zeroed(t->pages, 4), zeroed(t->pages, 4)},
			 .q = {zeroed(t->pages, 4), zeroed(t->pages, 4)},
			 .stack = LIST_EMPTY,
			 .queue = LIST_EMPTY,
			 .in_stack = zeroed(t->pages, 1),
			 .hot = zeroed(t->pages, 1),
			 .here = zeroed(t->pages, 1),
			 .known = zeroed(t->pages, 1),
			 .frames = frames};
	uint64_t in = 0;

	for (size_t i = 0; i < t->length; i++) {
		uint32_t p = t->page[i];

		if (l.here[p]) {
			lirs_hit(&l, p);
			continue;
		}
		in += l.known[p];
		l.known[p] = 1;
		lirs_miss(&l, p);
	}
	free(l.s.next);
	free(l.s.prev);
	free(l.q.next);
	free(l.q.prev);
	free(l.in_stack);
	free(l.hot);
	free(l.here);
	free(l.known);
	return in;
}

/* --- CLOCK-Pro: one ring of hot pages, cold ones, and cold ones that went but are on test --- */

enum { NOWHERE, HOT, COLD, WENT };

struct clockpro {
	struct links l; /* a ring; hands name a page each, new ones enter behind hand_hot */
	uint8_t *kind, *used, *test;
	uint32_t count[4], ring, frames, cold_room;
	uint32_t hand_hot, hand_cold, hand_test;
};

static void ring_insert(struct clockpro *c, uint32_t p, unsigned kind)
{
	c->kind[p] = (uint8_t)kind;
	c->count[kind]++;
	if (!c->ring++) {
		c->l.next[p] = c->l.prev[p] = p;
		c->hand_hot = c->hand_cold = c->hand_test = p;
		return;
	}
	c->l.next[p] = c->hand_hot;
	c->l.prev[p] = c->l.prev[c->hand_hot];
	c->l.next[c->l.prev[p]] = p;
	c->l.prev[c->hand_hot] = p;
}

static void ring_remove(struct clockpro *c, uint32_t p)
{
	uint32_t *hands[] = {&c->hand_hot, &c->hand_cold, &c->hand_test};

	for (unsigned i = 0; i < 3; i++)
		if (*hands[i] == p)
			*hands[i] = c->l.next[p];
	c->l.next[c->l.prev[p]] = c->l.next[p];
	c->l.prev[c->l.next[p]] = c->l.prev[p];
	c->count[c->kind[p]]--;
	c->kind[p] = NOWHERE;
	c->ring--;
}

static void set_kind(struct clockpro *c, uint32_t p, unsigned kind)
{
	c->count[c->kind[p]]--;
	c->kind[p] = (uint8_t)kind;
	c->count[kind]++;
}

/* The test of a cold page ends without its having been used. */
static void test_ends(struct clockpro *c, uint32_t p)
{
	c->test[p] = 0;
	if (c->cold_room > 1)
		c->cold_room--;
	if (c->kind[p] == WENT)
		ring_remove(c, p);
}

static void run_hand_hot(struct clockpro *c)
{
	for (;;) {
		uint32_t p = c->hand_hot;

		c->hand_hot = c->l.next[p];
		if (c->kind[p] == HOT && !c->used[p]) {
			set_kind(c, p, COLD);
			return;
		}
		if (c->kind[p] == HOT)
			c->used[p] = 0;
		else if (c->test[p])
			test_ends(c, p);
	}
}

static void run_hand_test(struct clockpro *c)
{
	while (c->count[WENT] > c->frames) {
		uint32_t p = c->hand_test;

		c->hand_test = c->l.next[p];
		if (c->test[p])
			test_ends(c, p);
	}
}

static void make_hot(struct clockpro *c, uint32_t p)
{
	ring_remove(c, p);
	ring_insert(c, p, HOT);
	while (c->count[HOT] > c->frames - c->cold_room)
		run_hand_hot(c);
}

static void clockpro_evict(struct clockpro *c)
{
	for (;;) {
		uint32_t p = c->hand_cold;

		if (!c->count[COLD]) {
			run_hand_hot(c);
			continue;
		}
		c->hand_cold = c->l.next[p];
		if (c->kind[p] != COLD)
			continue;
		if (!c->used[p]) {
			if (c->test[p])
				set_kind(c, p, WENT);
			else
				ring_remove(c, p);
			run_hand_test(c);
			return;
		}
		c->used[p] = 0;
		if (c->test[p]) {
			c->test[p] = 0;
			c->cold_room += c->cold_room < c->frames - 1;
			make_hot(c, p);
		} else {
			ring_remove(c, p);
			ring_insert(c, p, COLD);
			c->test[p] = 1;
		}
	}
}

uint64_t replay_clockpro(const struct trace *t, uint32_t frames)
{
	struct clockpro c = {.l = {zeroed(t->pages, 4), zeroed(t->pages, 4)},
			     .kind = zeroed(t->pages, 1),
			     .used = zeroed(t->pages, 1),
			     .test = zeroed(t->pages, 1),
			     .frames = frames,
			     .cold_room = frames / COLD_SHARE};
	uint8_t *known = zeroed(t->pages, 1);
	uint64_t in = 0;

	for (size_t i = 0; i < t->length; i++) {
		uint32_t p = t->page[i];

		if (c.kind[p] == HOT || c.kind[p] == COLD) {
			c.used[p] = 1;
			continue;
		}
		in += known[p];
		known[p] = 1;
		if (c.count[HOT] + c.count[COLD] == frames)
			clockpro_evict(&c);
		if (c.kind[p] == WENT) {
			c.cold_room += c.cold_room < frames - 1;
			c.test[p] = 0;
			make_hot(&c, p);
		} else if (c.count[HOT] < frames - c.cold_room) {
			ring_insert(&c, p, HOT);
		} else {
			ring_insert(&c, p, COLD);
			c.test[p] = 1;
		}
		c.used[p] = 0;
	}
	free(c.l.next);
	free(c.l.prev);
	free(c.kind);
	free(c.used);
	free(c.test);
	free(known);
	return in;
}
