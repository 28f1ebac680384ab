#pragma once

#include "tests/host/shim/kernel.h"

#include "drivers/block.h"

/*
 * A disk in memory, vda: platter is what it holds, size bytes of it. host_idle must be
 * disk_work, or call it. The size is fixed by disk_register; the contents may be replaced while
 * nothing of it is mounted.
 */
struct host_disk {
	uint8_t *platter;
	size_t size;
	struct blockdev dev;
	/* Called before each write and flush (data is NULL), when not NULL. */
	void (*record)(uint64_t offset, const void *data, size_t len);
	/*
	 * The n-th read, or write or flush, from now on fails with -EIO, and all behind it if
	 * fail_stays; 0: none does.
	 */
	uint64_t fail_read, fail_write;
	bool fail_stays;
	uint64_t failed; /* how many have */
};
extern struct host_disk host_disk;

void disk_register(size_t size);
/* Complete one request. */
bool disk_work(void);
/*
 * A kernel with 32 MiB of RAM, the disk, a tmpfs as the root with /m and /dev in it, and the
 * memory BUFFER of syscalls.h. For the start of a program.
 */
void disk_kernel_start(size_t size);
/* Mount the disk on /m, as if it had just been plugged in; and unmount it. 0 or -errno. */
long disk_mount(unsigned long flags);
long disk_umount(void);
