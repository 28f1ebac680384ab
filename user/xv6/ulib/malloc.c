/*
 * malloc on sbrk(): one list of free blocks in order of address, first fit, neighbours joined
 * when they meet. A block's size stands in front of it.
 */
#include "user/user.h"

#define GROW		65536UL	/* least number of bytes to ask of sbrk() */
#define ALIGN(n)	(((n) + 15UL) & ~15UL)

struct block {
	uint64 size;		/* bytes, this header included; a multiple of 16 */
	struct block *next;	/* only while free: the next free block above */
};
_Static_assert(sizeof(struct block) == 16, "what malloc returns is aligned to 16");

static struct block *free_list;

static int touches(const struct block *low, const struct block *high)
{
	return (const char *)low + low->size == (const char *)high;
}

void free(void *p)
{
	struct block *b, *below = 0, *above = free_list;

	if (!p)
		return;
	b = (struct block *)p - 1;
	while (above && above < b) {
		below = above;
		above = above->next;
	}
	b->next = above;
	if (above && touches(b, above)) {
		b->size += above->size;
		b->next = above->next;
	}
	if (!below) {
		free_list = b;
	} else if (touches(below, b)) {
		below->size += b->size;
		below->next = b->next;
	} else {
		below->next = b;
	}
}

/* Adds at least size bytes to the free list. The program may itself have moved the end. */
static int grow(uint64 size)
{
	uint64 misfit = -(uint64)sbrklazy(0) & 15;
	uint64 want = size < GROW ? GROW : size;
	struct block *b;
	char *p;

	p = sbrklazy((int)(want + misfit));
	if (p == SBRK_ERROR) {
		want = size;
		p = sbrklazy((int)(want + misfit));
	}
	if (p == SBRK_ERROR)
		return -1;
	b = (struct block *)(p + misfit);
	b->size = want;
	free(b + 1);
	return 0;
}

/* Takes size bytes from the upper end of the first free block that has them. */
static struct block *take(uint64 size)
{
	struct block **link, *b, *part;

	for (link = &free_list; (b = *link) != 0; link = &b->next) {
		if (b->size < size)
			continue;
		if (b->size - size < 2 * sizeof(*b)) {
			*link = b->next;
			return b;
		}
		b->size -= size;
		part = (struct block *)((char *)b + b->size);
		part->size = size;
		return part;
	}
	return 0;
}

void *malloc(uint n)
{
	uint64 size = ALIGN((uint64)n + sizeof(struct block));
	struct block *b;

	if (size > 0x7fff0000)	/* more than sbrk()'s int can say */
		return 0;
	b = take(size);
	if (!b && grow(size) == 0)
		b = take(size);
	return b ? b + 1 : 0;
}
