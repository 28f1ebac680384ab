/*
 * ELF programs: checking their headers, mapping their segments. All that the file says is checked
 * before anything is mapped.
 */
#include "kernel/loader.h"

#include "fs/file.h"
#include "kernel/layout.h"
#include "kernel/signal.h"
#include "kernel/uapi/elfcore.h"
#include "kernel/uapi/mman.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/usercopy.h"

#define BUILD_ID_PHDRS 256
#define NOTES_MAX      65536 /* bytes of a segment that are looked at */

static int check_header(const struct elf_header *h)
{
	static const uint8_t ident[7] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

	if (memcmp(h->ident, ident, sizeof(ident)) || h->machine != EM_RISCV)
		return -ENOEXEC;
	if (h->type != ET_EXEC && h->type != ET_DYN)
		return -ENOEXEC;
	if (h->phentsize != sizeof(struct elf_phdr) || !h->phnum || h->phnum > ELF_PHDRS_MAX)
		return -ENOEXEC;
	return 0;
}

/* One PT_LOAD segment: within the user half, file offset congruent to the address. */
static int check_load(const struct elf_phdr *p, uint64_t file_bytes)
{
	if (p->filesz > p->memsz || p->memsz > USER_TOP || p->vaddr > USER_TOP - p->memsz)
		return -ENOEXEC;
	if ((p->vaddr ^ p->offset) & (PAGE_SIZE - 1))
		return -ENOEXEC;
	/* A file that ends before its segment would only fault later; say it now. */
	if (p->offset > file_bytes || p->filesz > file_bytes - p->offset)
		return -ENOEXEC;
	return 0;
}

static int read_interp(struct elf_image *e, const struct elf_phdr *p)
{
	ssize64_t n;

	if (p->filesz < 2 || p->filesz > ELF_INTERP_MAX)
		return -ENOEXEC;
	n = file_read_at(e->file, e->interp, p->filesz, p->offset);
	if (n < 0)
		return n;
	if ((uint64_t)n != p->filesz || e->interp[n - 1])
		return -ENOEXEC;
	return 0;
}

int elf_read(struct elf_image *e, struct file *f, const void *head, size_t n)
{
	size_t size;
	ssize64_t got;
	int err;

	if (n < sizeof(e->header))
		return -ENOEXEC;
	memcpy(&e->header, head, sizeof(e->header));
	e->file = f;
	e->low = UINT64_MAX;
	e->high = 0;
	e->interp[0] = 0;
	e->exec_stack = false;
	err = check_header(&e->header);
	if (err)
		return err;
	size = e->header.phnum * sizeof(struct elf_phdr);
	got = file_read_at(f, e->phdrs, size, e->header.phoff);
	if (got < 0)
		return got;
	if ((size_t)got != size)
		return -ENOEXEC;
	for (int i = 0; i < e->header.phnum && !err; i++) {
		const struct elf_phdr *p = &e->phdrs[i];

		if (p->type == PT_INTERP && !e->interp[0]) {
			err = read_interp(e, p);
		} else if (p->type == PT_GNU_STACK) {
			e->exec_stack = p->flags & PF_X;
		} else if (p->type == PT_LOAD && p->memsz) {
			err = check_load(p, file_size(f));
			e->low = MIN(e->low, ALIGN_DOWN(p->vaddr, PAGE_SIZE));
			e->high = MAX(e->high, ALIGN_UP(p->vaddr + p->memsz, PAGE_SIZE));
		}
	}
	if (!err && e->high <= e->low)
		err = -ENOEXEC;
	return err;
}

static int segment_prot(const struct elf_phdr *p)
{
	return (p->flags & PF_R ? PROT_READ : 0) | (p->flags & PF_W ? PROT_WRITE : 0) |
	       (p->flags & PF_X ? PROT_EXEC : 0);
}

/* Bytes between the end of the file's part and the end of its page: zeros in memory. */
static int clear_tail(uaddr_t from, int prot)
{
	size_t n = ALIGN_UP(from, PAGE_SIZE) - from;

	if (!n || !(prot & PROT_WRITE))
		return 0;
	return clear_user(from, n);
}

static int map_segment(struct elf_image *e, const struct elf_phdr *p, struct aspace *as)
{
	uaddr_t start = e->bias + ALIGN_DOWN(p->vaddr, PAGE_SIZE);
	uaddr_t file_end = e->bias + p->vaddr + p->filesz;
	uaddr_t mem_end = e->bias + p->vaddr + p->memsz;
	uaddr_t anon = start;
	int prot = segment_prot(p);
	long at;

	if (p->filesz) {
		anon = ALIGN_UP(file_end, PAGE_SIZE);
		at = aspace_map(as, start, anon - start, prot, MAP_PRIVATE | MAP_FIXED,
				file_object(e->file), e->file, ALIGN_DOWN(p->offset, PAGE_SIZE));
		if (at < 0)
			return at;
	}
	if (ALIGN_UP(mem_end, PAGE_SIZE) > anon) {
		at = aspace_map(as, anon, ALIGN_UP(mem_end, PAGE_SIZE) - anon, prot,
				MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, NULL, NULL, 0);
		if (at < 0)
			return at;
	}
	return p->filesz && p->memsz > p->filesz ? clear_tail(file_end, prot) : 0;
}

int elf_map(struct elf_image *e, struct aspace *as)
{
	int err = 0;

	if (e->bias + e->low < MMAP_MIN_ADDR || e->bias + e->high > USER_TOP)
		return -ENOMEM;
	for (int i = 0; i < e->header.phnum && !err; i++)
		if (e->phdrs[i].type == PT_LOAD && e->phdrs[i].memsz)
			err = map_segment(e, &e->phdrs[i], as);
	return err;
}

uaddr_t elf_phdrs_address(const struct elf_image *e)
{
	for (int i = 0; i < e->header.phnum; i++) {
		const struct elf_phdr *p = &e->phdrs[i];

		if (p->type == PT_LOAD && e->header.phoff >= p->offset &&
		    e->header.phoff - p->offset < p->filesz)
			return e->bias + p->vaddr + (e->header.phoff - p->offset);
	}
	return 0;
}

/* Are there n bytes at pos, now in buf? */
static bool read_all(struct file *f, void *buf, size_t n, uint64_t pos)
{
	return file_read_at(f, buf, n, pos) == (ssize64_t)n;
}

/* Among the notes of one segment: its length, -EINVAL, -EINTR. */
static int build_id_in(struct file *f, const struct elf_phdr *p, uint8_t *id)
{
	uint64_t at = p->offset, end = at + MIN(p->filesz, (uint64_t)NOTES_MAX);
	struct {
		struct elf_note note;
		char name[4];
	} n;

	while (at + sizeof(n) <= end && read_all(f, &n, sizeof(n), at)) {
		uint64_t desc = at + sizeof(n.note) + ALIGN_UP((uint64_t)n.note.namesz, 4);

		if (n.note.type == NT_GNU_BUILD_ID && n.note.namesz == sizeof(n.name) &&
		    !memcmp(n.name, "GNU", sizeof(n.name)) && n.note.descsz &&
		    n.note.descsz <= ELF_BUILD_ID_MAX) {
			memset(id, 0, ELF_BUILD_ID_MAX);
			return read_all(f, id, n.note.descsz, desc) ? (int)n.note.descsz : -EINVAL;
		}
		at = desc + ALIGN_UP((uint64_t)n.note.descsz, 4);
		if (signal_fatal_pending())
			return -EINTR;
	}
	return -EINVAL;
}

int elf_build_id(struct file *f, uint8_t id[ELF_BUILD_ID_MAX])
{
	static const uint8_t ident[5] = {0x7f, 'E', 'L', 'F', 2};
	struct elf_header h;
	struct elf_phdr p;
	int n = -EINVAL;

	if (!file_object(f) || !read_all(f, &h, sizeof(h), 0) ||
	    memcmp(h.ident, ident, sizeof(ident)) || (h.type != ET_EXEC && h.type != ET_DYN))
		return -EINVAL;
	for (uint32_t i = 0; i < h.phnum && i < BUILD_ID_PHDRS && n == -EINVAL; i++) {
		if (!read_all(f, &p, sizeof(p), h.phoff + i * sizeof(p)))
			return -EINVAL;
		if (p.type == PT_NOTE)
			n = build_id_in(f, &p, id);
	}
	return n;
}
