/*
 * A model of what memory must hold: for each page of a window, is it mapped, with what protection,
 * from what, and with which contents.  Each operation is done for real through the environment,
 * its result is checked, and the model follows.
 *
 * Nothing in here knows whether it runs in a process (vmlib.c, crew.c) or against the kernel's own
 * sources on the host (tests/host/fuzz_aspace.c).
 */
#ifndef USER_TESTS_MODEL_H
#define USER_TESTS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_PAGE	4096u
#define MODEL_PAGES	832	/* the largest window */
#define MODEL_FILE_MAX	64	/* pages that the file may have */
#define MODEL_LARGE	512u	/* pages of a large page */
#define MODEL_COLLAPSE	25	/* MADV_COLLAPSE, which older headers lack */
#define MODEL_OBJECTS	512
#define MODEL_CELLS	12000

enum model_kind { MODEL_HOLE, MODEL_ANON, MODEL_SHARED, MODEL_FILE, MODEL_FILE_SHARED };

/* What an access comes to. */
enum { ACCESS_OK, ACCESS_MAPERR, ACCESS_ACCERR, ACCESS_BUS };

enum {
	PAGE_OWN = 1,		/* private: written to, the contents are value[] */
	PAGE_WIPE = 2,		/* MADV_WIPEONFORK */
	PAGE_DONTFORK = 4,
	PAGE_LOCKED = 8,
};

/* Contents of a page are its first and its last word. */
struct model_page {
	uint8_t kind, prot, flags;
	uint16_t object, index;	/* of SHARED and files */
	uint32_t cut;		/* PAGE_OWN of a file: how often that page had been truncated */
	uint32_t value[2];
};

struct model_cell {
	uint32_t value[2];
	uint32_t cut;
};

/* What the spaces share. Object 0 is the file. */
struct model_world {
	uint32_t objects, cells;	/* used */
	struct {
		uint32_t first, pages;
	} object[MODEL_OBJECTS];
	struct model_cell cell[MODEL_CELLS];
};

struct model;

/* How to do it; calls return -errno. */
struct model_env {
	long (*mmap)(struct model *m, uintptr_t addr, size_t len, int prot, int flags, bool file,
		     uint64_t offset);
	long (*munmap)(struct model *m, uintptr_t addr, size_t len);
	long (*mprotect)(struct model *m, uintptr_t addr, size_t len, int prot);
	long (*mremap)(struct model *m, uintptr_t addr, size_t len, size_t new_len, int flags,
		       uintptr_t to);
	long (*madvise)(struct model *m, uintptr_t addr, size_t len, int advice);
	long (*mlock)(struct model *m, uintptr_t addr, size_t len, bool lock);
	long (*truncate)(struct model *m, uint32_t pages);
	/* Read or write a word: ACCESS_*. */
	int (*access)(struct model *m, uintptr_t addr, bool write, uint32_t *word);
	/* Copy by the kernel, to addr (in) or from it: bytes or -errno.  NULL: cannot be done. */
	long (*copy)(struct model *m, uintptr_t addr, void *buf, size_t len, bool in);
	/* A number below n. */
	uint32_t (*pick)(struct model *m, uint32_t n);
	__attribute__((noreturn, format(printf, 2, 3)))
	void (*fail)(struct model *m, const char *format, ...);
};

struct model {
	const struct model_env *env;
	struct model_world *world;
	void *context;		/* the environment's */
	uintptr_t base;
	unsigned int pages;	/* size of the window */
	uint32_t next;		/* the contents of the next write */
	struct model_page page[MODEL_PAGES];
};

/* An empty window; the file has MODEL_FILE_MAX / 2 pages of zero. */
void model_start(struct model *m, const struct model_env *env, struct model_world *world);
/* m is a copy of the parent's: what the child has. */
void model_forked(struct model *m);

/* Ranges are in pages from the start of the window. */
void model_map(struct model *m, unsigned int at, unsigned int n, enum model_kind kind, int prot,
	       int flags, unsigned int offset);
void model_unmap(struct model *m, unsigned int at, unsigned int n);
void model_protect(struct model *m, unsigned int at, unsigned int n, int prot);
/* mremap with MAYMOVE|FIXED and flags; whether it was done (only one area can be moved). */
bool model_move(struct model *m, unsigned int at, unsigned int n, unsigned int to, int flags);
/* mremap in place; whether it was done. */
bool model_resize(struct model *m, unsigned int at, unsigned int n, unsigned int new_n);
void model_advise(struct model *m, unsigned int at, unsigned int n, int advice);
/* The range must be mapped and accessible. */
void model_lock(struct model *m, unsigned int at, unsigned int n, bool lock);
void model_truncate(struct model *m, unsigned int pages);
void model_read(struct model *m, unsigned int at);
void model_write(struct model *m, unsigned int at);
/* Write to every page of the range that may be written to. */
void model_fill(struct model *m, unsigned int at, unsigned int n);
/* The last word of page at - 1 and the first of page at, copied by the kernel. */
void model_copy(struct model *m, unsigned int at, bool in);
/* All contents; pages that may not be read must fault (some of them are tried). */
void model_check(struct model *m);
/* Would a read (write) of the page fault?  ACCESS_*. */
int model_expect(const struct model *m, unsigned int at, bool write);
/* One operation at random. */
void model_step(struct model *m);

#endif
