/*
 * Fork over leaf tables full of everything: a window of three tables with areas of each kind, and
 * operations that a parent, a child or a grandchild does to it while the others look on.
 */
#ifndef USER_TESTS_FORK_LAYOUT_H
#define USER_TESTS_FORK_LAYOUT_H

#include "crew.h"

/* The window starts 200 pages below the border of a 2 MiB span. */
#define LAYOUT_PAGES	812
#define LAYOUT_BASE	(ARENA + 4 * SPAN - 200 * PAGE)
#define TABLE_B		200	/* first page of the table in the middle, which is full */
#define TABLE_C		712

/* Where things lie, in pages: first and number. */
#define AT_ANON		0, 150
#define AT_SHARED	150, 30
#define AT_BORDER	180, 120	/* private anonymous, over the border of A and B */
#define AT_NONE		300, 40		/* PROT_NONE, with contents */
#define AT_FILE		340, 30		/* private, every other page written to */
#define AT_FILE_SHARED	380, 30
#define AT_RO		420, 30		/* anonymous, read-only, with contents */
#define AT_HOLE		450, 20
#define AT_ZERO		470, 50		/* read only, never written to */
#define AT_SPARSE	520, 80		/* every other page written to */
#define AT_SHARED_TOO	600, 60
#define AT_LAST		660, 100	/* over the border of B and C */
#define AT_END_FILE	760, 32		/* private, untouched */

void layout_build(struct model *m, struct model_world *world, struct vm_context *context);
/* Write to what can be written to, all over the window. */
void layout_scribble(struct model *m, uint64_t arg);
void layout_check(struct model *m, uint64_t arg);
/*
 * Build it; fork a child, a grandchild and a child of that; one of them (each in its turn) does op,
 * all check, write, and check again while they exit, in changing order.
 */
void layout_try(crew_fn op);

#define FORK_TEST(name)							\
	static void op_##name(struct model *m, uint64_t run);		\
	TEST(fork, name, .mem_mib = 32, .seconds = 180)			\
	{								\
		layout_try(op_##name);					\
	}								\
	static void op_##name(struct model *m, __attribute__((unused)) uint64_t run)

#endif
