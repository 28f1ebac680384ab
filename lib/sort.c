#include "lib/sort.h"

#include <stdint.h>

struct array {
	uint8_t *base;
	size_t size;
	int (*cmp)(const void *a, const void *b, void *arg);
	void *arg;
};

static inline uint8_t *at(const struct array *a, size_t i)
{
	return a->base + i * a->size;
}

static void swap(const struct array *a, size_t i, size_t j)
{
	uint8_t *p = at(a, i), *q = at(a, j);

	for (size_t n = a->size; n; n--, p++, q++) {
		uint8_t tmp = *p;

		*p = *q;
		*q = tmp;
	}
}

/* Lets element i sink in the heap of the first count elements, largest on top. */
static void sink(const struct array *a, size_t i, size_t count)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= count)
			return;
		if (child + 1 < count && a->cmp(at(a, child), at(a, child + 1), a->arg) < 0)
			child++;
		if (a->cmp(at(a, i), at(a, child), a->arg) >= 0)
			return;
		swap(a, i, child);
		i = child;
	}
}

void sort(void *base, size_t count, size_t size,
	  int (*cmp)(const void *a, const void *b, void *arg), void *arg)
{
	struct array a = {.base = base, .size = size, .cmp = cmp, .arg = arg};

	for (size_t i = count / 2; i-- > 0;)
		sink(&a, i, count);
	for (size_t last = count; last-- > 1;) {
		swap(&a, 0, last);
		sink(&a, 0, last);
	}
}
