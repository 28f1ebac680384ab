/* Takes memory in blocks of many sizes, fills and checks each, gives all back; twice. */
#include "kernel/types.h"
#include "kernel/stat.h"
#include "user/user.h"

#define BLOCKS	200

static char *blocks[BLOCKS];

static int size_of(int i)
{
	return 1 + i * i % 6007;
}

static int round_trip(void)
{
	int i, j;

	for (i = 0; i < BLOCKS; i++) {
		blocks[i] = malloc(size_of(i));
		if (!blocks[i])
			return -1;
		memset(blocks[i], i, size_of(i));
	}
	for (i = 0; i < BLOCKS; i++) {
		for (j = 0; j < size_of(i); j++) {
			if (blocks[i][j] != (char)i)
				return -1;
		}
	}
	for (i = 0; i < BLOCKS; i += 2)
		free(blocks[i]);
	for (i = 1; i < BLOCKS; i += 2)
		free(blocks[i]);
	return 0;
}

int main(void)
{
	char *end;

	if (round_trip() < 0) {
		printf("memfill: first round failed\n");
		exit(1);
	}
	end = sbrk(0);
	if (round_trip() < 0 || sbrk(0) != end) {
		printf("memfill: second round failed\n");
		exit(1);
	}
	printf("memfill: ok\n");
	exit(0);
}
