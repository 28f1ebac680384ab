/*
 * What the rows of the benchmark share: how a sample is taken and how time is counted.
 *
 * Under QEMU's `-icount shift=0` one nanosecond of CLOCK_MONOTONIC is one instruction, so the
 * "time" between bench_begin() and bench_end() is a count of instructions.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#define PAGE 4096ul

/* One sample: how many operations ran and how many instructions they took together. */
struct sample {
	uint64_t ops;
	uint64_t ns;
};

/*
 * One row of the table.  run() takes one sample of at least 1,000 operations, or of fewer that
 * are long; main() throws the first away and reports the median of the next five.
 */
struct row {
	const char *name;
	struct sample (*run)(void);
};

extern const struct row process_rows[], memory_rows[], file_rows[], program_rows[];

/* The folder that the file rows work in; the paths below are built from it. */
extern const char *bench_folder;
/* The path of this program, for the rows that execute it with the argument -x. */
extern char bench_self[];

/*
 * The measured stretch.  bench_begin() opens it; bench_end(s, ops) closes it and adds what it
 * took, less the cost of the two calls, to *s.  A sample may consist of several stretches.
 * scripts/hotspots finds the stretches by the addresses of these two functions.
 */
void bench_begin(void);
void bench_end(struct sample *s, uint64_t ops);

/* What `bench -p` prints, see parallel.c; the program's exit status. */
int bench_parallel(void);

/* Ends the program with a message when a call that must work did not. */
void bench_need(int ok, const char *what);

/* One read, or one write, to each page of the range, which the compiler leaves in. */
static inline void pages_read(volatile char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		(void)p[i * PAGE];
}

static inline void pages_write(volatile char *p, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
}

#endif
