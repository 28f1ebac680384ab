/*
 * What the tests of virtual memory share: mappings, accesses that may fault, page contents, what
 * /proc says, threads, and the environment of the model (model.h) in a process.
 */
#ifndef USER_TESTS_VMLIB_H
#define USER_TESTS_VMLIB_H

#include "ut.h"

#include <pthread.h>
#include <sys/mman.h>

#include "model.h"

#define PAGE	4096ul
#define SPAN	(2ul << 20)		/* what one leaf table maps */
#define RO	PROT_READ
#define RW	(PROT_READ | PROT_WRITE)
#define RX	(PROT_READ | PROT_EXEC)
#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)
#define ANON_SHARED (MAP_SHARED | MAP_ANONYMOUS)

/* Far from where the system puts things: fixed mappings hit nothing there. */
#define ARENA	((char *)0x1000000000ul)

/* mmap; fails the test when it fails. */
char *map_at(void *addr, size_t size, int prot, int flags, int fd, off_t offset);
char *map_anon(size_t size, int prot, int flags);
char *map_rw(size_t size);
/* A file of this many pages of pattern `seed`, open for reading and writing. */
int pattern_file(const char *name, size_t size, unsigned int seed);

/* What touch() returns besides 0 and the si_code of a SIGSEGV. */
#define TOUCH_BUS 0x100
/* Read (and write back) one byte: 0, the code of the SIGSEGV, or TOUCH_BUS + that of the SIGBUS. */
int touch(volatile void *where, bool write);
#define CHECK_READS(p)	CHECK_EQ(touch(p, false), 0)
#define CHECK_WRITES(p)	CHECK_EQ(touch(p, true), 0)
#define CHECK_MAPERR(p)	CHECK_EQ(touch(p, false), SEGV_MAPERR)
#define CHECK_NO_READ(p)	CHECK_EQ(touch(p, false), SEGV_ACCERR)
#define CHECK_NO_WRITE(p) CHECK_EQ(touch(p, true), SEGV_ACCERR)
#define CHECK_BUS(p)	CHECK_EQ(touch(p, false), TOUCH_BUS + BUS_ADRERR)

/* Give each page contents that tell it from all others, and see whether they are there. */
void tag_pages(char *p, size_t pages, uint64_t tag);
void check_tags(const char *p, size_t pages, uint64_t tag);
void check_zero(const char *p, size_t size);

/* From /proc/self/statm: pages that are mapped (field 0) or resident (1). */
long statm_pages(int field);
/* The line of /proc/self/maps that holds the address: its range and "rw-p"; false if none. */
bool maps_find(const void *where, uintptr_t *start, uintptr_t *end, char perms[5]);
/* Areas in [start, end) of /proc/self/maps. */
int maps_count(const void *start, const void *end);

pthread_t thread_begin(void *(*fn)(void *), void *arg);
void thread_join(pthread_t t);

/* The model's environment in a process. Each thread that uses it needs one of its own. */
struct vm_context {
	int file;		/* the file that is mapped */
	int pipe[2];		/* for copies by the kernel */
	uint64_t seed;		/* of pick() */
	uint64_t first_seed;	/* shown on failure */
};
extern const struct model_env vm_env;
/* A model of `pages` pages at base, with a file of this name. */
void vm_model(struct model *m, struct model_world *world, struct vm_context *context, char *base,
	      unsigned int pages, const char *file);
struct model_world *vm_world(void);

#endif
