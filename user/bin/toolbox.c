/*
 * main() of the program that holds all tools.
 */
#include <stdlib.h>
#include <string.h>

#include "user/lib/tool.h"

/* The linker names the ends of the section that TOOL() fills. */
extern const struct tool __start_tools[], __stop_tools[];

const struct tool *tool_current;

void usage(int status)
{
	fprintf(stderr, "usage: %s %s\n", tool_current->name, tool_current->usage);
	exit(status);
}

static const struct tool *tool_find(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const struct tool *t;

	for (t = __start_tools; t < __stop_tools; t++) {
		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

/* Output that could not be written must not pass for success. */
static int finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		warn("write error");
		return status ? status : 1;
	}
	return status;
}

int main(int argc, char **argv)
{
	const struct tool *t;

	tool_current = argc > 0 ? tool_find(argv[0]) : NULL;
	if (!tool_current && argc > 1) {	/* toolbox NAME ARGUMENT... */
		argv++;
		argc--;
		program_invocation_short_name = argv[0];
		tool_current = tool_find(argv[0]);
	}
	if (!tool_current) {
		for (t = __start_tools; t < __stop_tools; t++)
			puts(t->name);
		return finish(argc > 1 ? 127 : 0);
	}
	if (argc == 2 && strcmp(argv[1], "--help") == 0 && tool_current->usage[0]) {
		printf("usage: %s %s\n", tool_current->name, tool_current->usage);
		return finish(0);
	}
	return finish(tool_current->main(argc, argv));
}
