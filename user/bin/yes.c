/* yes: the same line until nobody reads it any more. */
#include <stdlib.h>

#include "user/lib/tool.h"

static int yes_main(int argc, char **argv)
{
	int i;

	do {
		for (i = 1; i < argc; i++)
			printf(i > 1 ? " %s" : "%s", argv[i]);
		if (argc < 2)
			putchar('y');
	} while (putchar('\n') != EOF);
	return 1;
}

TOOL("yes", yes_main, "[STRING]...");
