#include "ast.h"

#include <stdlib.h>
#include <string.h>

struct program *program_new(void)
{
	struct program *program = heap_alloc(sizeof(*program));

	memset(program, 0, sizeof(*program));
	program->references = 1;
	return program;
}

void program_hold(struct program *program)
{
	program->references++;
}

void program_drop(struct program *program)
{
	if (--program->references)
		return;
	arena_free(&program->arena);
	free(program);
}
