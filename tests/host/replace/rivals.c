/* What ours is measured against: the floor, and algorithms that see each access. */
#include "tests/host/replace/replace.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

void *zeroed(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		abort();
	return p;
}

void list_append(struct links *l, struct list *q, uint32_t page)
{
	l->next[page] = NOBODY;
	l->prev[page] = q->tail;
	if (q->tail != NOBODY)
		l->next[q->tail] = page;
	else
		q->head = page;
	q->tail = page;
	q->length++;
}

void list_take(struct links *l, struct list *q, uint32_t page)
{
	if (l->prev[page] != NOBODY)
		l->next[l->prev[page]] = l->next[page];
	else
		q->head = l->next[page];
	if (l->next[page] != NOBODY)
		l->prev[l->next[page]] = l->prev[page];
	else
		q->tail = l->prev[page];
	q->length--;
}

/* --- FIFO, CLOCK and LRU: one queue, and what a hit does to it --- */

enum on_hit { STAYS, MARKED, TO_THE_END };

static uint64_t one_queue(const struct trace *t, uint32_t frames, enum on_hit hit)
{
	struct links l = {zeroed(t->pages, 4), zeroed(t->pages, 4)};
	uint8_t *here = zeroed(t->pages, 1), *known = zeroed(t->pages, 1),
		*mark = zeroed(t->pages, 1);
	struct list q = LIST_EMPTY;
	uint64_t in = 0;

	for (size_t i = 0; i < t->length; i++) {
		uint32_t p = t->page[i], v;

		if (here[p]) {
			mark[p] = hit == MARKED;
			if (hit != TO_THE_END)
				continue;
			list_take(&l, &q, p);
			list_append(&l, &q, p);
			continue;
		}
		while (q.length == frames) {
			v = q.head;
			list_take(&l, &q, v);
			here[v] = mark[v];
			mark[v] = 0;
			if (here[v])
				list_append(&l, &q, v);
		}
		list_append(&l, &q, p);
		in += known[p];
		here[p] = known[p] = 1;
	}
	free(l.next);
	free(l.prev);
	free(here);
	free(known);
	free(mark);
	return in;
}

static uint64_t replay_fifo(const struct trace *t, uint32_t frames)
{
	return one_queue(t, frames, STAYS);
}

static uint64_t replay_clock(const struct trace *t, uint32_t frames)
{
	return one_queue(t, frames, MARKED);
}

static uint64_t replay_lru(const struct trace *t, uint32_t frames)
{
	return one_queue(t, frames, TO_THE_END);
}

/* --- S3-FIFO (Yang et al., SOSP 2023): a small queue, a main one, ghosts of the small one --- */

enum { OUT, SMALL, LARGE, GHOST };

struct s3 {
	struct links l;
	struct list q[4];
	uint8_t *where, *count;
	uint32_t frames;
};

static void s3_move(struct s3 *s, uint32_t page, unsigned to)
{
	if (s->where[page] != OUT)
		list_take(&s->l, &s->q[s->where[page]], page);
	s->where[page] = (uint8_t)to;
	if (to != OUT)
		list_append(&s->l, &s->q[to], page);
}

static void s3_evict(struct s3 *s)
{
	for (;;) {
		unsigned from = s->q[SMALL].length >= s->frames / 10 || !s->q[LARGE].length ? SMALL
											    : LARGE;
		uint32_t v = s->q[from].head;

		if (from == LARGE && !s->count[v]) {
			s3_move(s, v, OUT);
			return;
		}
		if (from == SMALL && s->count[v] < 2) {
			s3_move(s, v, GHOST);
			if (s->q[GHOST].length > s->frames - s->frames / 10)
				s3_move(s, s->q[GHOST].head, OUT);
			return;
		}
		s->count[v] -= from == LARGE;
		if (from == SMALL)
			s->count[v] = 0;
		s3_move(s, v, LARGE);
	}
}

static uint64_t replay_s3fifo(const struct trace *t, uint32_t frames)
{
	struct s3 s = {.l = {zeroed(t->pages, 4), zeroed(t->pages, 4)},
		       .q = {LIST_EMPTY, LIST_EMPTY, LIST_EMPTY, LIST_EMPTY},
		       .where = zeroed(t->pages, 1),
		       .count = zeroed(t->pages, 1),
		       .frames = frames};
	uint8_t *known = zeroed(t->pages, 1);
	uint64_t in = 0;

	for (size_t i = 0; i < t->length; i++) {
		uint32_t p = t->page[i];

		if (s.where[p] == SMALL || s.where[p] == LARGE) {
			s.count[p] += s.count[p] < 3;
			continue;
		}
		in += known[p];
		known[p] = 1;
		s.count[p] = 0;
		/* Evicting may push p itself out of the ghosts. */
		unsigned to = s.where[p] == GHOST ? LARGE : SMALL;

		if (s.q[SMALL].length + s.q[LARGE].length == frames)
			s3_evict(&s);
		s3_move(&s, p, to);
	}
	free(s.l.next);
	free(s.l.prev);
	free(s.where);
	free(s.count);
	free(known);
	return in;
}

/* --- OPT (Belady): the page goes that is used last; a heap by next use with stale entries --- */

struct later {
	size_t next;
	uint32_t page;
};

static void heap_push(struct later *h, size_t *n, struct later x)
{
	size_t i = (*n)++;

	for (; i && h[(i - 1) / 2].next < x.next; i = (i - 1) / 2)
		h[i] = h[(i - 1) / 2];
	h[i] = x;
}

static struct later heap_pop(struct later *h, size_t *n)
{
	struct later top = h[0], x = h[--*n];
	size_t i = 0, c;

	for (; (c = 2 * i + 1) < *n; i = c) {
		if (c + 1 < *n && h[c + 1].next > h[c].next)
			c++;
		if (h[c].next <= x.next)
			break;
		h[i] = h[c];
	}
	h[i] = x;
	return top;
}

uint64_t replay_opt(const struct trace *t, uint32_t frames)
{
	size_t *next = zeroed(t->length, sizeof(*next)), *at = zeroed(t->pages, sizeof(*at)), n = 0;
	struct later *heap = zeroed(t->length + 1, sizeof(*heap));
	uint8_t *here = zeroed(t->pages, 1), *known = zeroed(t->pages, 1);
	uint32_t used = 0;
	uint64_t in = 0;

	for (uint32_t p = 0; p < t->pages; p++)
		at[p] = SIZE_MAX;
	for (size_t i = t->length; i--;) {
		next[i] = at[t->page[i]];
		at[t->page[i]] = i;
	}
	for (size_t i = 0; i < t->length; i++) {
		uint32_t p = t->page[i];

		if (!here[p] && used++ >= frames) {
			struct later v;

			do
				v = heap_pop(heap, &n);
			while (!here[v.page] || at[v.page] != v.next);
			here[v.page] = 0;
		}
		in += !here[p] && known[p];
		here[p] = known[p] = 1;
		at[p] = next[i];
		heap_push(heap, &n, (struct later){next[i], p});
	}
	free(next);
	free(at);
	free(heap);
	free(here);
	free(known);
	return in;
}

const struct algorithm algorithms[] = {
	{"OPT", replay_opt},   {"FIFO", replay_fifo},	    {"CLOCK", replay_clock},
	{"LRU", replay_lru},   {"CLOCK-Pro", replay_clockpro}, {"S3-FIFO", replay_s3fifo},
	{"LIRS", replay_lirs}, {"ours", replay_ours},	    {NULL, NULL},
};

uint64_t replay_apart(const struct algorithm *a, const struct trace *t, uint32_t frames)
{
	uint64_t in = 0;
	int fd[2], status;
	pid_t child;

	if (pipe(fd) || (child = fork()) < 0)
		abort();
	if (!child) {
		in = a->replay(t, frames);
		_exit(write(fd[1], &in, sizeof(in)) != sizeof(in));
	}
	close(fd[1]);
	if (read(fd[0], &in, sizeof(in)) != sizeof(in) || waitpid(child, &status, 0) != child ||
	    status) {
		fprintf(stderr, "replace: %s failed at %s\n", a->name, t->name);
		exit(1);
	}
	close(fd[0]);
	return in;
}
