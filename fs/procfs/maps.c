/*
 * procfs: the areas of a process's memory.
 */
#include <stdatomic.h>

#include "fs/procfs/pages.h"
#include "fs/procfs/procfs.h"
#include "kernel/chardev.h"
#include "kernel/mem/slab.h"
#include "kernel/remote.h"
#include "kernel/thread.h"
#include "kernel/uapi/mman.h"
#include "lib/string.h"
#include "mm/aspace.h"

/* The name at the end of a line that begins at `at`; with a newline in it, it stays one line. */
static void name_show(struct proc_text *t, size_t at, const char *name)
{
	const char *end;

	do
		proc_append(t, " ", 1);
	while (!t->failed && t->len - at < 73);
	for (; (end = strchr(name, '\n')); name = end + 1) {
		proc_append(t, name, (size_t)(end - name));
		proc_append(t, "\\012", 4);
	}
	proc_append(t, name, strlen(name));
}

/* One line as in proc(5); page is a page of scratch memory. */
static void area_show(struct proc_text *t, const struct vma *v, const char *name, char *page)
{
	const struct inode *inode = v->file ? v->file->inode : NULL;
	size_t at = t->len;

	if (v->file) {
		name = file_path(v->file, page, PAGE_SIZE);
		if (is_err(name))
			name = "";
	}
	proc_printf(t, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu", v->start, v->end,
		    v->prot & PROT_READ ? 'r' : '-', v->prot & PROT_WRITE ? 'w' : '-',
		    v->prot & PROT_EXEC ? 'x' : '-', vma_private(v) ? 'p' : 's',
		    v->object ? v->index << PAGE_SHIFT : 0,
		    inode ? MAJOR(inode->sb->dev) : 0, inode ? MINOR(inode->sb->dev) : 0,
		    inode ? inode->ino : 0);
	if (*name)
		name_show(t, at, name);
	proc_append(t, "\n", 1);
}

#define LINE(name, pages) \
	proc_printf(t, "%-15s %8lu kB\n", name ":", (unsigned long)(pages) * (PAGE_SIZE / KiB))

static void size_show(struct proc_text *t, const struct vma_info *v)
{
	LINE("Size", vma_pages(&v->area));
	LINE("KernelPageSize", 1);
	LINE("MMUPageSize", 1);
}

static void pages_show(struct proc_text *t, const struct vma_info *v)
{
	LINE("Rss", v->rss);
	proc_printf(t, "%-15s %8lu kB\n", "Pss:", (unsigned long)v->pss);
	LINE("Shared_Clean", v->by_kind[1][0]);
	LINE("Shared_Dirty", v->by_kind[1][1]);
	LINE("Private_Clean", v->by_kind[0][0]);
	LINE("Private_Dirty", v->by_kind[0][1]);
	LINE("Referenced", v->referenced);
	LINE("Anonymous", v->anon);
	LINE("AnonHugePages", v->anon_huge);
	/* procps ends an area at this line. */
	LINE("Swap", v->swapped);
	LINE("Locked", v->locked);
}
#undef LINE

/* The line's words in the order of Linux's bits. */
static void flags_show(struct proc_text *t, const struct vma *v)
{
	static const struct {
		uint32_t flag;
		char name[4];
	} words[] = {
		{VMA_SHARED, "ms "}, {VMA_GROWSDOWN, "gd "},
		{VMA_UFFD_MISSING, "um "}, {VMA_UFFD_WP, "uw "},
		{VMA_LOCKED, "lo "}, {VMA_SEQUENTIAL, "sr "}, {VMA_RANDOM, "rr "},
		{VMA_DONTFORK, "dc "}, {VMA_LOCKONFAULT, "lf "}, {VMA_ACCOUNT, "ac "},
		{VMA_NORESERVE, "nr "}, {VMA_WIPEONFORK, "wf "}, {VMA_DONTDUMP, "dd "},
		{VMA_HUGEPAGE, "hg "}, {VMA_NOHUGEPAGE, "nh "}, {VMA_SEALED, "sl "},
	};
	bool may_write = v->flags & VMA_MAYWRITE;
	bool exec = !v->file || !(file_map_mode(v->file) & FILE_MAP_NOEXEC);

	proc_printf(t, "VmFlags: %s%s%s%smr %s%s", v->prot & PROT_READ ? "rd " : "",
		    v->prot & PROT_WRITE ? "wr " : "", v->prot & PROT_EXEC ? "ex " : "",
		    !vma_private(v) && may_write ? "sh " : "", may_write ? "mw " : "",
		    exec ? "me " : "");
	for (uint32_t i = 0; i < ARRAY_SIZE(words); i++)
		if (v->flags & words[i].flag)
			proc_append(t, words[i].name, 3);
	proc_append(t, "\n", 1);
}

/* What v has on top of what was found so far. */
static void areas_add(struct vma_info *sum, const struct vma_info *v)
{
	if (!sum->area.end)
		sum->area.start = v->area.start;
	sum->area.end = v->area.end;
	sum->rss += v->rss;
	sum->pss += v->pss;
	for (int i = 0; i < 4; i++)
		sum->by_kind[i / 2][i % 2] += v->by_kind[i / 2][i % 2];
	sum->referenced += v->referenced;
	sum->anon += v->anon;
	sum->anon_huge += v->anon_huge;
	sum->swapped += v->swapped;
	sum->locked += v->locked;
}

int proc_show_smaps_rollup(struct proc_text *t, struct process *p)
{
	struct vma_info sum = {0}, v;
	struct aspace *as = proc_aspace(t, p);

	if (!as)
		return -ESRCH;
	while (aspace_area_info(as, sum.area.end, true, &v)) {
		areas_add(&sum, &v);
		if (v.area.file)
			file_put(v.area.file);
	}
	aspace_put(as);
	area_show(t, &sum.area, "[rollup]", NULL);
	pages_show(t, &sum);
	return 0;
}

static int areas_show(struct proc_text *t, struct process *p, bool pages)
{
	struct aspace *as = proc_aspace(t, p);
	struct vma_info v;
	uint64_t at = 0;
	char *page;

	if (!as)
		return 0;
	page = kmalloc(PAGE_SIZE);
	while (page && aspace_area_info(as, at, pages, &v)) {
		area_show(t, &v.area, v.name, page);
		if (pages) {
			size_show(t, &v);
			pages_show(t, &v);
			flags_show(t, &v.area);
		}
		if (v.area.file)
			file_put(v.area.file);
		at = v.area.end;
	}
	aspace_put(as);
	if (!page)
		return -ENOMEM;
	kfree(page);
	return 0;
}

int proc_show_maps(struct proc_text *t, struct process *p)
{
	return areas_show(t, p, false);
}

int proc_show_smaps(struct proc_text *t, struct process *p)
{
	return areas_show(t, p, true);
}
