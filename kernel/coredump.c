/*
 * Core files.
 *
 * The thread that dies first turns the process into one that exits; the others come to
 * coredump_join and wait. Then it writes: headers, notes, and of each area what the program may
 * have changed, as Linux does with its default filter. WORK_SIGNAL is off meanwhile, so that it can
 * wait for the disk; a SIGKILL sets it, which ends the writing.
 */
#include "kernel/coredump.h"

#include "fs/procfs/pages.h"
#include "fs/vfs.h"
#include "kernel/corenotes.h"
#include "kernel/elf.h"
#include "kernel/mem/slab.h"
#include "kernel/process.h"
#include "kernel/remote.h"
#include "kernel/sighand.h"
#include "kernel/time.h"
#include "kernel/uapi/fcntl.h"
#include "kernel/uapi/mman.h"
#include "kernel/uapi/resource.h"
#include "kernel/utsname.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/aspace.h"

#define MAX_AREAS 65534U /* the number of program headers has 16 bits, 0xffff is special */

struct dump {
	struct file *file;
	uint64_t limit;
	uint64_t end; /* bytes of the file so far */
	struct core_areas areas;
	char page[PAGE_SIZE];
	uint64_t entries[PAGE_SIZE / sizeof(uint64_t)]; /* of the pagemap */
};

/* --- the threads --- */

/* Has everybody else stopped, or gone too far to be waited for? */
static bool others_here(struct process *p)
{
	uint64_t irq = spin_lock_irq(&p->siglock);
	struct thread *t;
	bool here = true;

	list_for_each_entry(t, &p->threads, process_link)
		here = here && (t == p->dumper || t->core_state != CORE_RUNS);
	spin_unlock_irq(&p->siglock, irq);
	return here;
}

static void state_set(struct process *p, enum core_state state)
{
	uint64_t irq = spin_lock_irq(&p->siglock);

	current()->core_state = state;
	spin_unlock_irq(&p->siglock, irq);
	wake_all(&p->exec_wait);
}

void coredump_join(void)
{
	struct process *p = current()->process;

	if (!p->dumper)
		return;
	thread_fpu_sync(current());
	state_set(p, CORE_WAITS);
	(void)wait_event(&p->exec_wait, !__atomic_load_n(&p->dumper, __ATOMIC_ACQUIRE),
			 WAIT_UNINTERRUPTIBLE);
}

void coredump_pass(void)
{
	state_set(current()->process, CORE_PAST);
}

/* False: the process ends already, for another reason. */
static bool dump_begin(struct process *p, int sig)
{
	struct thread *t = current();
	uint64_t irq = spin_lock_irq(&p->siglock);
	bool first = !p->exiting;

	if (first) {
		p->dumper = t;
		signal_begin_exit(p, sig);
		__atomic_and_fetch(&t->work, ~(uint32_t)WORK_SIGNAL, __ATOMIC_RELAXED);
	}
	spin_unlock_irq(&p->siglock, irq);
	return first;
}

static void dump_end(struct process *p, bool dumped)
{
	uint64_t irq = spin_lock_irq(&p->siglock);

	if (dumped)
		p->exit_status |= 0x80;
	__atomic_store_n(&p->dumper, NULL, __ATOMIC_RELEASE);
	spin_unlock_irq(&p->siglock, irq);
	wake_all(&p->exec_wait);
}

/* --- what of an area is written --- */

/* Does a file's area begin with the headers of a program? They tell which one it was. */
static bool has_elf_header(struct aspace *as, const struct vma *v)
{
	static const char magic[4] = {0x7f, 'E', 'L', 'F'};
	char head[sizeof(magic)];

	return v->file && !v->index && (v->prot & PROT_READ) &&
	       remote_read_forced(as, v->start, head, sizeof(head)) == sizeof(head) &&
	       !memcmp(head, magic, sizeof(magic));
}

static uint64_t bytes_of(struct aspace *as, const struct vma *v)
{
	uint64_t all = v->end - v->start;

	if (v->flags & VMA_DONTDUMP)
		return 0;
	if (v->start == as->layout.vdso)
		return all;
	if (!vma_private(v))
		return v->file && v->file->inode->nlink ? 0 : all;
	if (v->flags & VMA_DIRTIED)
		return all;
	return has_elf_header(as, v) ? PAGE_SIZE : 0;
}

static bool areas_take(struct aspace *as, struct core_areas *out)
{
	uint32_t max = MIN(as->areas.count + 1, MAX_AREAS);
	struct vma_info v;
	uaddr_t at = 0;

	out->list = kmalloc_wait(max * sizeof(*out->list));
	while (out->list && aspace_area_info(as, at, false, &v)) {
		if (out->n == max) {
			if (v.area.file)
				file_put(v.area.file);
			return false;
		}
		out->list[out->n++] = (struct core_area){
			.start = v.area.start, .end = v.area.end, .prot = v.area.prot,
			.index = v.area.index, .file = v.area.file,
			.bytes = bytes_of(as, &v.area), .sparse = !v.area.object,
		};
		at = v.area.end;
	}
	return out->list;
}

static void areas_drop(struct core_areas *areas)
{
	for (uint32_t i = 0; i < areas->n; i++)
		if (areas->list[i].file)
			file_put(areas->list[i].file);
	kfree(areas->list);
}

/* --- the file --- */

static bool write_at(struct dump *d, const void *buf, size_t n, uint64_t at)
{
	if (at + n > d->limit || signal_fatal_pending() ||
	    file_write_at(d->file, buf, n, at) != (ssize64_t)n)
		return false;
	d->end = MAX(d->end, at + n);
	return true;
}

static struct elf_phdr phdr_of(const struct core_area *a, uint64_t at)
{
	return (struct elf_phdr){
		.type = PT_LOAD, .offset = at, .vaddr = a->start, .filesz = a->bytes,
		.flags = (a->prot & PROT_READ ? PF_R : 0) | (a->prot & PROT_WRITE ? PF_W : 0) |
			 (a->prot & PROT_EXEC ? PF_X : 0),
		.memsz = a->end - a->start, .align = PAGE_SIZE,
	};
}

/* All that comes before the memory, which begins at *data. */
static bool write_headers(struct dump *d, const struct notes *notes, uint64_t *data)
{
	uint32_t n = d->areas.n + 1;
	uint64_t at = sizeof(struct elf_header), notes_at = at + n * sizeof(struct elf_phdr);
	struct elf_header head = {
		.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1}, .type = ET_CORE, .machine = EM_RISCV,
		.version = 1, .phoff = at, .ehsize = sizeof(head),
		.phentsize = sizeof(struct elf_phdr), .phnum = (uint16_t)n,
	};
	struct elf_phdr ph = {.type = PT_NOTE, .offset = notes_at, .filesz = notes->len};
	uint64_t memory = ALIGN_UP(notes_at + notes->len, PAGE_SIZE);

	*data = memory;
	if (!write_at(d, &head, sizeof(head), 0) || !write_at(d, &ph, sizeof(ph), at))
		return false;
	for (uint32_t i = 0; i < d->areas.n; i++) {
		ph = phdr_of(&d->areas.list[i], memory);
		memory += d->areas.list[i].bytes;
		at += sizeof(ph);
		if (!write_at(d, &ph, sizeof(ph), at))
			return false;
	}
	return write_at(d, notes->data, notes->len, notes_at);
}

/* One area, at `at`. What was never there, or cannot be read, stays a hole. */
static bool write_area(struct dump *d, struct aspace *as, const struct core_area *a, uint64_t at)
{
	const uint64_t batch = ARRAY_SIZE(d->entries);

	for (uint64_t i = 0; i < a->bytes >> PAGE_SHIFT; i++) {
		uaddr_t va = a->start + (i << PAGE_SHIFT);

		if (a->sparse && i % batch == 0)
			aspace_pagemap(as, va, d->entries,
				       MIN(batch, (a->bytes >> PAGE_SHIFT) - i));
		if (signal_fatal_pending())
			return false;
		if (a->sparse && !d->entries[i % batch])
			continue;
		if (remote_read_forced(as, va, d->page, PAGE_SIZE) == PAGE_SIZE &&
		    !write_at(d, d->page, PAGE_SIZE, at + (i << PAGE_SHIFT)))
			return false;
	}
	return true;
}

/* The file is as long as its headers say even where it ends with a hole. */
static bool write_end(struct dump *d, uint64_t end)
{
	return d->end >= end || write_at(d, "", 1, end - 1);
}

static void write_all(struct dump *d, struct aspace *as, const struct notes *notes)
{
	uint64_t at;

	if (!write_headers(d, notes, &at))
		return;
	for (uint32_t i = 0; i < d->areas.n; i++) {
		if (!write_area(d, as, &d->areas.list[i], at))
			return;
		at += d->areas.list[i].bytes;
	}
	(void)write_end(d, at);
}

#define CORE_PATTERN_SIZE 128

static struct spinlock pattern_lock = SPINLOCK_INIT("core pattern", RANK_FILES);
static char pattern_text[CORE_PATTERN_SIZE] = "core"; /* (pattern_lock) */

const struct line core_pattern = {pattern_text, sizeof(pattern_text), &pattern_lock};
uint64_t core_uses_pid;

static void nodename_part(char *out, size_t size)
{
	struct line node = uts_nodename();
	char name[sizeof(uts_first.name.nodename)];

	line_get(&node, name);
	strlcpy(out, name, size);
}

/* What stands for %what in a pattern, into out; nothing for one that is not known. */
static void name_part(char what, int sig, char *out, size_t size)
{
	struct thread *t = current();

	out[0] = '\0';
	if (what == '%')
		strlcpy(out, "%", size);
	else if (what == 'p' || what == 'P')
		snprintf(out, size, "%d", t->process->pid);
	else if (what == 'i' || what == 'I')
		snprintf(out, size, "%d", t->tid);
	else if (what == 'u')
		snprintf(out, size, "%u", t->cred->uid);
	else if (what == 'g')
		snprintf(out, size, "%u", t->cred->gid);
	else if (what == 's')
		snprintf(out, size, "%d", sig);
	else if (what == 't')
		snprintf(out, size, "%lu", (unsigned long)(time_realtime() / NSEC_PER_SEC));
	else if (what == 'h')
		nodename_part(out, size);
	else if (what == 'e')
		strlcpy(out, t->comm, size);
	/* A name of a machine or a program makes no folders. */
	for (char *c = out; *c; c++)
		*c = *c == '/' ? '!' : *c;
}

/* The name of the core file, by core_pattern(5). */
static void name_make(char *name, size_t size, int sig)
{
	char pattern[CORE_PATTERN_SIZE], part[80];
	bool pid = false;
	size_t n = 0;

	line_get(&core_pattern, pattern);
	for (const char *c = pattern; *c; c++) {
		part[0] = *c;
		part[1] = '\0';
		if (*c == '%') {
			if (!*++c)
				break;
			pid |= *c == 'p';
			name_part(*c, sig, part, sizeof(part));
		}
		n += strlcpy(name + n, part, size - n);
		if (n >= size)
			return;
	}
	if (core_uses_pid && !pid)
		snprintf(name + n, size - n, ".%d", current()->process->pid);
}

/* A file of its own: what has the name is not written to, whoever's it is. */
static struct file *file_make(int sig)
{
	char name[256];

	name_make(name, sizeof(name), sig);
	(void)vfs_unlink(AT_FDCWD, name, false);
	return file_open(name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_LARGEFILE, 0600);
}

/* Was there a file begun? What does not fit into it is left out. */
static bool dump_write(struct dump *d, const struct siginfo *info)
{
	struct aspace *as = current()->aspace;
	struct notes notes = {0};
	bool ok = areas_take(as, &d->areas) && notes_make(&notes, info, &d->areas);

	if (ok) {
		d->file = file_make(info->si_signo);
		ok = !is_err(d->file);
	}
	if (ok) {
		write_all(d, as, &notes);
		file_put(d->file);
	}
	kfree(notes.data);
	areas_drop(&d->areas);
	return ok;
}

static bool wanted(struct process *p, int sig)
{
	return (SIG_CORE_MASK & SIGMASK(sig)) && p->dumpable &&
	       rlimit_get(RLIMIT_CORE) >= PAGE_SIZE;
}

void process_die(const struct siginfo *info)
{
	struct process *p = current()->process;
	int sig = info->si_signo;
	struct dump *d;

	if (wanted(p, sig) && dump_begin(p, sig)) {
		d = kmalloc_wait(sizeof(*d));
		if (d)
			*d = (struct dump){.limit = rlimit_get(RLIMIT_CORE)};
		dump_end(p, d && !wait_event(&p->exec_wait, others_here(p), WAIT_KILLABLE) &&
				    dump_write(d, info));
		kfree(d);
	}
	coredump_join();
	process_exit_group(sig);
}
