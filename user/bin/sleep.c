/* sleep: waits. */
#include "user/lib/tool.h"

static int sleep_main(int argc, char **argv)
{
	double total = 0;
	int i;

	if (argc < 2)
		usage(1);
	for (i = 1; i < argc; i++)
		total += duration_parse(argv[i]);
	duration_sleep(total);
	return 0;
}

TOOL("sleep", sleep_main, "NUMBER[smhd]...");
