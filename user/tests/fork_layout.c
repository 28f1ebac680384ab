/* A window of memory with everything in it, and processes that share it by fork. */
#include "fork_layout.h"

void layout_build(struct model *m, struct model_world *world, struct vm_context *context)
{
	vm_model(m, world, context, LAYOUT_BASE, LAYOUT_PAGES, "file");
	for (unsigned int i = 0; i < MODEL_FILE_MAX / 2; i++) {
		/* The file's contents come through a mapping, since the model knows those. */
		model_map(m, 0, 1, MODEL_FILE_SHARED, RW, 0, i);
		model_write(m, 0);
	}
	model_map(m, AT_ANON, MODEL_ANON, RW, 0, 0);
	model_map(m, AT_SHARED, MODEL_SHARED, RW, 0, 0);
	model_map(m, AT_BORDER, MODEL_ANON, RW, 0, 0);
	model_map(m, AT_NONE, MODEL_ANON, RW, 0, 0);
	model_map(m, AT_FILE, MODEL_FILE, RW, 0, 0);
	model_map(m, AT_FILE_SHARED, MODEL_FILE_SHARED, RW, 0, 0);
	model_map(m, AT_RO, MODEL_ANON, RW, 0, 0);
	model_map(m, AT_ZERO, MODEL_ANON, RW, 0, 0);
	model_map(m, AT_SPARSE, MODEL_ANON, RW, 0, 0);
	model_map(m, AT_SHARED_TOO, MODEL_SHARED, RW, 0, 0);
	model_map(m, AT_LAST, MODEL_ANON, RW, 0, 0);
	model_map(m, AT_END_FILE, MODEL_FILE, RW, 0, 0);
	model_fill(m, 0, 340);
	for (unsigned int i = 340; i < 370; i += 2)
		model_write(m, i);
	model_fill(m, 380, 70);
	for (unsigned int i = 520; i < 600; i += 2)
		model_write(m, i);
	model_fill(m, 600, 160);
	model_protect(m, AT_NONE, PROT_NONE);
	model_protect(m, AT_RO, RO);
	model_check(m);
}

void layout_check(struct model *m, uint64_t arg)
{
	(void)arg;
	model_check(m);
}

void layout_scribble(struct model *m, uint64_t arg)
{
	/* A page here and there: most of each table is still as fork left it. */
	for (unsigned int i = (unsigned int)arg % 7; i < m->pages; i += 7)
		model_fill(m, i, 1);
}

/* The orders in which three can leave. */
static const unsigned char exits[6][3] = {
	{ 0, 1, 2 }, { 2, 1, 0 }, { 1, 0, 2 }, { 0, 2, 1 }, { 2, 0, 1 }, { 1, 2, 0 },
};

static void layout_run(struct model *m, crew_fn op, unsigned int run)
{
	crew_start(m);
	crew_fork(0, 1);
	crew_fork(1, 2);
	/* In every other run each already has some tables of its own. */
	if (run >= 3)
		crew_all(layout_scribble, run);
	crew_call((int)run % 3, op, run);
	crew_all(layout_check, 0);
	/* The first of all, too: it may hold the last share of a table that the others copied. */
	layout_scribble(m, run + 2);
	crew_all(layout_check, 0);
	crew_all(layout_scribble, run + 1);
	for (int i = 0; i < 3; i++) {
		if (run & 1)
			crew_kill(exits[run][i]);
		else
			crew_exit(exits[run][i]);
		crew_all(layout_check, 0);
	}
	model_check(m);
}

void layout_try(crew_fn op)
{
	static struct model m;
	static struct vm_context context;

	layout_build(&m, vm_world(), &context);
	for (unsigned int run = 0; run < 6; run++)
		layout_run(&m, op, run);
	/* The first of all is the last one now, and may have what it likes. */
	model_fill(&m, 0, m.pages);
	op(&m, 6);
	model_check(&m);
}
