/*
 * E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), in its linear-space form:
 * search from both ends for a point in the middle of a shortest path, then do each half.
 */
#include <limits.h>
#include <stdlib.h>

#include "user/lib/diffcore.h"
#include "user/lib/tool.h"

struct search {
	struct sequence *a, *b;
	long *forward, *backward;	/* furthest x on each diagonal x - y */
};

struct box {
	long a0, a1, b0, b1;		/* the parts that are compared, ends excluded */
};

struct range {
	long low, high;			/* diagonals reached so far */
};

/*
 * Widens the range by one diagonal on each side for the next round. Where the box ends it shrinks
 * instead, which keeps the parity. The fence beyond is a value that no path would come from.
 */
static void range_widen(struct range *r, const struct box *k, long *reach, long fence)
{
	if (r->low > k->a0 - k->b1)
		reach[--r->low - 1] = fence;
	else
		r->low++;
	if (r->high < k->a1 - k->b0)
		reach[++r->high + 1] = fence;
	else
		r->high--;
}

/*
 * A point on a shortest path, at neither corner. Neither side of the box is empty, its first items
 * differ and so do its last ones.
 */
static long middle_find(const struct search *s, const struct box *k, long *my)
{
	long *f = s->forward, *b = s->backward, d, x;
	long down = k->a0 - k->b0, up = k->a1 - k->b1;	/* diagonals of the corners */
	struct range fr = { down, down }, br = { up, up };
	bool odd = (up - down) & 1;

	f[down] = k->a0;
	b[up] = k->a1;
	for (;;) {
		range_widen(&fr, k, f, -1);
		for (d = fr.high; d >= fr.low; d -= 2) {
			x = f[d - 1] < f[d + 1] ? f[d + 1] : f[d - 1] + 1;
			while (x < k->a1 && x - d < k->b1 && s->a->item[x] == s->b->item[x - d])
				x++;
			f[d] = x;
			if (odd && d >= br.low && d <= br.high && b[d] <= x) {
				*my = x - d;
				return x;
			}
		}
		range_widen(&br, k, b, LONG_MAX);
		for (d = br.high; d >= br.low; d -= 2) {
			x = b[d - 1] < b[d + 1] ? b[d - 1] : b[d + 1] - 1;
			while (x > k->a0 && x - d > k->b0 &&
			       s->a->item[x - 1] == s->b->item[x - d - 1])
				x--;
			b[d] = x;
			if (!odd && d >= fr.low && d <= fr.high && x <= f[d]) {
				*my = x - d;
				return x;
			}
		}
	}
}

static void box_compare(const struct search *s, struct box k)
{
	long x, y;

	while (k.a0 < k.a1 && k.b0 < k.b1 && s->a->item[k.a0] == s->b->item[k.b0]) {
		k.a0++;
		k.b0++;
	}
	while (k.a0 < k.a1 && k.b0 < k.b1 && s->a->item[k.a1 - 1] == s->b->item[k.b1 - 1]) {
		k.a1--;
		k.b1--;
	}
	if (k.a0 == k.a1 || k.b0 == k.b1) {
		while (k.a0 < k.a1)
			s->a->changed[k.a0++] = true;
		while (k.b0 < k.b1)
			s->b->changed[k.b0++] = true;
		return;
	}
	x = middle_find(s, &k, &y);
	box_compare(s, (struct box){ k.a0, x, k.b0, y });
	box_compare(s, (struct box){ x, k.a1, y, k.b1 });
}

/* Of equal places for a run of changes, the last one is what people expect to see. */
static void changes_settle(struct sequence *s, const struct sequence *other)
{
	long i = 0, start, j = 0;

	for (;;) {
		for (; i < s->n && !s->changed[i]; i++, j++) {
			while (other->changed[j])
				j++;
		}
		if (i == s->n)
			return;
		for (start = i; i < s->n && s->changed[i]; i++)
			;
		/* Not past a change on the other side: the two belong together. */
		while (i < s->n && !other->changed[j] && s->item[start] == s->item[i]) {
			s->changed[start++] = false;
			s->changed[i++] = true;
			j++;
			while (i < s->n && s->changed[i])
				i++;
		}
	}
}

void sequences_compare(struct sequence *a, struct sequence *b)
{
	size_t room = (size_t)(a->n + b->n + 3);
	long *reach = xmalloc(2 * room * sizeof(*reach));
	struct search s = { a, b, reach + b->n + 1, reach + room + b->n + 1 };

	box_compare(&s, (struct box){ 0, a->n, 0, b->n });
	free(reach);
	changes_settle(a, b);
	changes_settle(b, a);
}
