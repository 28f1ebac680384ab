/*
 * Reading ELF files and laying them out in an address space: elf.c, for exec.c.
 */
#pragma once

#include "kernel/elf.h"
#include "kernel/types.h"

struct aspace;
struct file;

#define ELF_PHDRS_MAX 64
#define ELF_INTERP_MAX 256

/* A program whose headers were read and found sound. */
struct elf_image {
	struct file *file;
	struct elf_header header;
	struct elf_phdr phdrs[ELF_PHDRS_MAX];
	uint64_t low, high;	/* page-aligned span of its PT_LOAD segments, as linked */
	bool exec_stack;	/* PT_GNU_STACK wants its stack executable */
	char interp[ELF_INTERP_MAX]; /* path of PT_INTERP; "" when there is none */
	uint64_t bias;		/* added to linked addresses; set by elf_map */
};

/*
 * Read the headers of f, whose first bytes are head. 0; -ENOEXEC: not an ELF program for us;
 * -EINVAL, -ENOMEM, -EIO. Nothing is mapped.
 */
int elf_read(struct elf_image *e, struct file *f, const void *head, size_t n);
/*
 * Map the segments at e->bias (chosen by the caller) into as, and clear the rest of their last
 * pages. as must be the running thread's active space. 0 or -errno.
 */
int elf_map(struct elf_image *e, struct aspace *as);
#define ELF_BUILD_ID_MAX 20
/*
 * The number that the linker gave f's contents (NT_GNU_BUILD_ID), rest zeros: its length. -EINVAL:
 * f has none, or is no ELF file; -EIO, -EINTR. Sleeps.
 */
int elf_build_id(struct file *f, uint8_t id[ELF_BUILD_ID_MAX]);
/* Address of the program headers in memory, for AT_PHDR; 0 when no segment holds them. */
uaddr_t elf_phdrs_address(const struct elf_image *e);
