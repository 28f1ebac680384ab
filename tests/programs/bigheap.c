/*
 * malloc beyond brk: blocks that come from mmap, realloc that moves them, calloc's zeroes,
 * aligned memory, many threads that allocate at once.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *worker(void *arg)
{
	unsigned int x = (unsigned int)(uintptr_t)arg;
	char *p[64] = { NULL };
	size_t sizes[64] = { 0 };
	long bad = 0;

	for (int i = 0; i < 3000; i++) {
		x = x * 1103515245 + 12345;
		unsigned int slot = (x >> 16) % 64;
		size_t size = (x >> 8) % 3000 + 1;

		for (size_t j = 0; j < sizes[slot]; j += 97)
			bad += p[slot][j] != (char)slot;
		p[slot] = realloc(p[slot], size);
		if (!p[slot])
			return (void *)-1;
		sizes[slot] = size;
		memset(p[slot], (int)slot, size);
	}
	for (int i = 0; i < 64; i++)
		free(p[i]);
	return (void *)bad;
}

int main(void)
{
	pthread_t threads[4];
	long bad = 0;
	char *p = malloc(300000), *old;
	void *aligned;

	memset(p, 'm', 300000);
	for (size_t size = 600000; size <= 2400000; size *= 2) {
		old = p;
		p = realloc(p, size);
		if (!p)
			return 1;
		(void)old;
		for (size_t i = 0; i < 300000; i += 1000)
			bad += p[i] != 'm';
	}
	free(p);
	p = calloc(1000, 1000);
	for (size_t i = 0; i < 1000000; i += 500)
		bad += p[i] != 0;
	free(p);
	printf("big blocks: %ld bad bytes\n", bad);
	for (size_t align = 16; align <= 65536; align *= 4) {
		if (posix_memalign(&aligned, align, 100) != 0)
			return 2;
		printf("aligned to %zu: %d\n", align, (uintptr_t)aligned % align == 0);
		free(aligned);
	}
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, worker, (void *)(uintptr_t)(i + 1)) != 0)
			return 3;
	bad = 0;
	for (int i = 0; i < 4; i++) {
		void *result;

		pthread_join(threads[i], &result);
		bad += (long)result;
	}
	printf("threads: %ld bad bytes\n", bad);
	printf("too much: %d\n", malloc((size_t)1 << 62) == NULL);
	return 0;
}
