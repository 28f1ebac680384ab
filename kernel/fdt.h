#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A reader of flattened device trees (Devicetree Specification v0.4, chapters 2 and 5).
 *
 * The blob comes from firmware or a file and is not trusted: fdt_open() walks all of it once and
 * refuses it unless every token, offset and length lies inside its block and every node is closed.
 * After that the walk functions rely on the structure, but what properties *say* is still checked
 * by whoever reads them.  Nothing allocates, sleeps, takes a lock or writes to the blob, which
 * must stay mapped and unchanged.  Recursion does not occur.
 *
 * A node is named by the offset of its FDT_BEGIN_NODE token in the structure block; FDT_NONE
 * stands for no node and may be passed to every function, which then finds nothing.
 */

#define FDT_NONE      (-1)
#define FDT_DEPTH_MAX 32	 /* nested nodes; boards use about 8 */
#define FDT_SIZE_MAX  (2u << 20) /* of the blob in bytes; QEMU makes up to 1 MiB */
#define FDT_IRQ_CELLS 4		 /* of an interrupt specifier; the PLIC's has 1 */

struct fdt {
	const uint8_t *blob;	 /* aligned to 8 bytes */
	uint32_t size;		 /* of the whole blob in bytes: the header's totalsize */
	const uint8_t *structs;	 /* the structure block */
	uint32_t structs_size;	 /* in bytes, through FDT_END */
	const char *strings;	 /* the strings block */
	uint32_t strings_size;
	const uint8_t *reserves; /* the memory reservation block, up to its terminator */
	uint32_t reserve_count;
	uint32_t boot_hart;	 /* boot_cpuid_phys: as the header says */
};

/* An interrupt: who handles it, and the specifier in that controller's format. */
struct fdt_irq {
	int controller; /* node with the interrupt-controller property */
	uint32_t count; /* of cells: 1 to FDT_IRQ_CELLS */
	uint32_t cells[FDT_IRQ_CELLS];
};

/*
 * Checks the blob, of which at most max bytes may be read.  0, or -EINVAL with *why pointing at
 * a static sentence fragment such as "bad magic"; why may be NULL.
 */
int fdt_check(const void *blob, size_t max, const char **why);

/* The same, and fills *fdt on success. */
int fdt_open(struct fdt *fdt, const void *blob, size_t max, const char **why);

/* Entry `index` of the memory reservation block; false if there is none. */
bool fdt_reserve(const struct fdt *fdt, uint32_t index, uint64_t *addr, uint64_t *size);

/* Walking. */
int fdt_root(const struct fdt *fdt);
int fdt_first_child(const struct fdt *fdt, int node);
int fdt_next_sibling(const struct fdt *fdt, int node);
int fdt_parent(const struct fdt *fdt, int node); /* costs a walk from the root */

/* The node after `node` in the order of the blob (parents first); the root after FDT_NONE. */
int fdt_next(const struct fdt *fdt, int node);

/* The name with its unit address ("uart@10000000"); "" for the root and for FDT_NONE. */
const char *fdt_name(const struct fdt *fdt, int node);

#define fdt_for_each_child(fdt, child, node)                                                       \
	for ((child) = fdt_first_child(fdt, node); (child) != FDT_NONE;                            \
	     (child) = fdt_next_sibling(fdt, child))

/*
 * The node at path.  An absolute path may leave out unit addresses ("/soc/serial" finds the first
 * such node); a path that does not begin with '/' begins with an alias.  A ':' ends the path.
 */
int fdt_find_path(const struct fdt *fdt, const char *path);

/* The node that has the phandle (not 0 or ~0). */
int fdt_find_phandle(const struct fdt *fdt, uint32_t phandle);

/* The first node after `after` (FDT_NONE: of all) with the string in its compatible list,
 * whatever its status. */
int fdt_find_compatible(const struct fdt *fdt, int after, const char *compatible);
bool fdt_is_compatible(const struct fdt *fdt, int node, const char *compatible);

/* Whether status is absent, "okay" or "ok". */
bool fdt_enabled(const struct fdt *fdt, int node);

/*
 * A property's bytes, big-endian and aligned to 4, and their number in *len (len may be NULL);
 * NULL if the node has no such property.  An empty property gives a pointer and length 0.
 */
const void *fdt_prop(const struct fdt *fdt, int node, const char *name, uint32_t *len);
bool fdt_prop_present(const struct fdt *fdt, int node, const char *name);

/* Cell `index` of an array of cells; false if it is not there. */
bool fdt_prop_cell(const struct fdt *fdt, int node, const char *name, uint32_t index,
		   uint32_t *value);

/* A property of exactly one cell; *value stays as it was on false, here and below. */
bool fdt_prop_u32(const struct fdt *fdt, int node, const char *name, uint32_t *value);

/* A property of one or two cells. */
bool fdt_prop_u64(const struct fdt *fdt, int node, const char *name, uint64_t *value);

/* String `index` of a list of strings, or NULL if it is not there or not terminated. */
const char *fdt_prop_string(const struct fdt *fdt, int node, const char *name, uint32_t index);

/* Whether the list of strings has the string. */
bool fdt_prop_has_string(const struct fdt *fdt, int node, const char *name, const char *string);

/*
 * Range `index` of the node's reg property as a CPU address, translated through the ranges of all
 * buses above.  size may be NULL.  0, -ENOENT if there is no such range, -EINVAL if it is
 * malformed, wraps, or a bus on the way does not map it.
 */
int fdt_reg(const struct fdt *fdt, int node, uint32_t index, uint64_t *addr, uint64_t *size);

/* The same without translation: hart ids, addresses on a bus. */
int fdt_reg_raw(const struct fdt *fdt, int node, uint32_t index, uint64_t *addr, uint64_t *size);

/*
 * The interrupt of the node at *cursor, which is 0 at first and then moves on: entries of
 * interrupts-extended, or else of interrupts with the nearest interrupt-parent.  0; -ENOENT after
 * the last one; -EINVAL for an entry that is malformed.  After -EINVAL the cursor has moved past
 * the entry if its length is known (an empty one, phandle 0), else to the end.  Interrupt maps
 * (nexus nodes) are not followed: that is -EINVAL too.
 */
int fdt_irq_next(const struct fdt *fdt, int node, uint32_t *cursor, struct fdt_irq *irq);

/* The same for interrupt number `index`. */
int fdt_irq(const struct fdt *fdt, int node, uint32_t index, struct fdt_irq *irq);

/*
 * The console: the node that /chosen's stdout-path (or the older linux,stdout-path) names, and in
 * *options, if not NULL, what follows its ':' ("115200n8") or "".
 */
int fdt_stdout(const struct fdt *fdt, const char **options);
