/*
 * Flattened device trees made piece by piece, so that tests can make wrong ones.  Nothing is
 * checked: what is asked for is written.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define FDT_MAKE_MAX 65536

struct fdt_make {
	uint8_t structs[FDT_MAKE_MAX];
	uint32_t structs_size;
	char strings[4096];
	uint32_t strings_size;
	uint8_t reserves[1024];
	uint32_t reserves_size;
	uint8_t blob[2 * FDT_MAKE_MAX] __attribute__((aligned(8)));
};

/* Empties it. */
void fdt_make_start(struct fdt_make *m);

void fdt_make_reserve(struct fdt_make *m, uint64_t addr, uint64_t size);
void fdt_make_token(struct fdt_make *m, uint32_t token);
void fdt_make_begin(struct fdt_make *m, const char *name);
void fdt_make_end(struct fdt_make *m);
void fdt_make_prop(struct fdt_make *m, const char *name, const void *data, uint32_t len);
void fdt_make_string(struct fdt_make *m, const char *name, const char *value);
/* A property of `count` cells. */
void fdt_make_cells(struct fdt_make *m, const char *name, unsigned count, ...);

/* Puts the blocks together; returns the size of m->blob. */
uint32_t fdt_make_finish(struct fdt_make *m);
