/* true, false: do nothing, and report it. */
#include "user/lib/tool.h"

static int true_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 0;
}

static int false_main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return 1;
}

TOOL("true", true_main, "");
TOOL("false", false_main, "");
