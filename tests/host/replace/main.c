/* Prints how many pages each algorithm brings in, trace by trace: replace [FRAMES]. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/host/replace/replace.h"

int main(int argc, char **argv)
{
	uint32_t frames = argc > 1 ? (uint32_t)atoi(argv[1]) : 13500;
	struct trace t;

	printf("%-11s", "");
	for (const struct algorithm *a = algorithms; a->name; a++)
		printf("%10s", a->name);
	printf("%10s\n", "blind");
	for (unsigned n = 0; (t = trace_make(n)).page; n++) {
		printf("%-11s", t.name);
		fflush(stdout);
		for (const struct algorithm *a = algorithms; a->name; a++)
			printf("%10lu", (unsigned long)replay_apart(a, &t, frames));
		if (t.blind > 0)
			printf("%10.0f", t.blind);
		printf("\n");
		free(t.page);
	}
	return 0;
}
