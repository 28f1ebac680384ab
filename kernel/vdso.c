/*
 * The page of code that every program has: a shared library in which signal handlers return, and
 * that answers what needs no call.
 */
#include "kernel/vdso.h"

#include "kernel/boot.h"
#include "kernel/hwprobe.h"
#include "kernel/uapi/mman.h"
#include "kernel/vdso/layout.h"
#include "lib/string.h"
#include "mm/aspace.h"
#include "mm/object.h"
#include "mm/pagecache.h"

static void page_fill(char *page)
{
	struct riscv_hwprobe *pairs = (struct riscv_hwprobe *)(page + VDSO_HWPROBE);

	memcpy(page, _vdso_start, PAGE_SIZE);
	hwprobe_all(pairs, VDSO_HWPROBE_KEYS);
	pairs[VDSO_HWPROBE_KEYS].key = -1;
}

/* The page cache holds a copy: the kernel's own page is never mapped into user space. */
static int vdso_read(struct object *o, uint64_t index, struct frame **frames, uint32_t n)
{
	(void)o;
	for (uint32_t i = 0; i < n; i++) {
		if (index + i == 0)
			page_fill(frame_data(frames[i]));
		else
			memset(frame_data(frames[i]), 0, PAGE_SIZE);
	}
	return 0;
}

static const struct object_ops vdso_ops = {.name = "vdso", .read_pages = vdso_read};

static struct object *vdso_object(void)
{
	static struct object object;
	static uint32_t ready;

	/* First called by the first exec, alone. */
	if (!ready) {
		object_init(&object, &vdso_ops, NULL, PAGE_SIZE);
		ready = 1;
	}
	return &object;
}

int vdso_map(struct aspace *as, uaddr_t *at)
{
	long addr = aspace_map(as, 0, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, vdso_object(),
			       NULL, 0);

	if (addr < 0)
		return addr;
	*at = addr;
	return 0;
}

uaddr_t vdso_sigreturn(struct aspace *as)
{
	return as->layout.vdso + VDSO_SIGRETURN;
}
