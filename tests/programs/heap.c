/*
 * malloc, realloc, calloc, aligned allocations: contents survive, blocks do not overlap, and
 * what is freed can be had again.
 */
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCKS	500

static unsigned char *block[BLOCKS];
static size_t length[BLOCKS];
static unsigned int seed = 12345;

static unsigned int next_random(void)
{
	seed = seed * 1103515245 + 12345;
	return seed >> 8;
}

static void check(int i)
{
	size_t n;

	for (n = 0; n < length[i]; n++) {
		if (block[i][n] != (unsigned char)i) {
			printf("block %d is damaged at %zu\n", i, n);
			exit(1);
		}
	}
}

static void resize(int i, size_t size)
{
	unsigned char *p = realloc(block[i], size);

	if (!p) {
		perror("realloc");
		exit(1);
	}
	block[i] = p;
	if (size < length[i])
		length[i] = size;
	check(i);
	memset(p, i, size);
	length[i] = size;
}

int main(void)
{
	unsigned char *p;
	size_t n;
	int round;

	for (round = 0; round < 20000; round++) {
		int i = (int)(next_random() % BLOCKS);

		check(i);
		if (next_random() % 4 == 0) {
			free(block[i]);
			block[i] = NULL;
			length[i] = 0;
		} else {
			resize(i, 1 + next_random() % (round % 100 == 0 ? 300000 : 2000));
		}
	}
	for (round = 0; round < BLOCKS; round++) {
		check(round);
		free(block[round]);
	}
	p = calloc(1000, 1000);
	for (n = 0; p && n < 1000000; n++) {
		if (p[n])
			return 2;
	}
	free(p);
	if (posix_memalign((void **)&p, 65536, 100) != 0 || (uintptr_t)p % 65536)
		return 3;
	free(p);
	p = malloc((size_t)1 << 46);
	printf("%s\n", p ? "more than there is was given" : "too much is refused");
	malloc_trim(0);
	puts("heap is right");
	return 0;
}
