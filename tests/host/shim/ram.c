/* RAM, where the shim's layout.h says that the direct map and the core map are. */
#include "tests/host/shim/kernel.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "kernel/machine.h"
#include "kernel/mem/vmalloc.h"
#include "lib/page.h"
#include "mm/frame.h"
#include "mm/init.h"
#include "mm/percpu.h"

#define PHYS_MAX (16 * GiB) /* of what tests ask for */

struct machine machine = {.cmdline = ""};

void page_zero(void *page)
{
	memset(page, 0, PAGE_SIZE);
}

void page_copy(void *dst, const void *src)
{
	memcpy(dst, src, PAGE_SIZE);
}

void *vmalloc(size_t n)
{
	return calloc(1, n);
}

void vfree(void *p)
{
	free(p);
}

/* Fresh, zeroed and free until touched. */
static void map_at(uint64_t addr, uint64_t size)
{
	void *got = mmap((void *)addr, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	if (got == MAP_FAILED)
		fail_msg("cannot map %#lx bytes at %#lx", (unsigned long)size, (unsigned long)addr);
}

void host_ram_start(const struct host_ram *ram, unsigned ranges)
{
	static struct mm_hart hart;

	memset(&hart, 0, sizeof(hart));
	machine = (struct machine){.cmdline = ""};
	harts[0].percpu_mm = &hart;
	map_at(DIRECT_BASE, PHYS_MAX);
	map_at(FRAMES_BASE, PHYS_MAX / PAGE_SIZE * sizeof(struct frame));
	for (unsigned i = 0; i < ranges; i++) {
		machine.ram[i] = (struct phys_range){.base = ram[i].base, .size = ram[i].size};
		machine.ram_count++;
		frames_add(ram[i].base, ram[i].size / PAGE_SIZE);
	}
	frame_init();
	slab_init();
}
