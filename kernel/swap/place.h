/*
 * Where a swap area lies: a whole block device, or the blocks of a file, which nobody else changes
 * as long as it is one.
 */
#pragma once

#include "kernel/types.h"

#define SECTORS_PER_PAGE (PAGE_SIZE / 512)

struct blockdev;
struct file;
struct path;

/* Pages of the area, from `first` to the next extent's: one behind the other from `sector` on. */
struct swap_extent {
	uint32_t first;
	uint64_t sector;
};

struct swap_place {
	struct blockdev *bdev;
	struct file *file;	/* NULL: all of the device */
	uint64_t size;		/* pages of the device or file */
	uint32_t pages;		/* that an area there has: what the extents hold */
	uint32_t extents, room;
	struct swap_extent *extent; /* vmalloc'ed */
	bool taken;		/* the file's inode says that it is a swap area */
};

/*
 * What the user's path names: a device, claimed for the caller, or a file, open. err_ptr: of the
 * look-up and of opening it for writing; -EINVAL: something else; -EBUSY: the device is in use;
 * -EROFS; -ENOMEM. Sleeps.
 */
struct swap_place *swap_place_open(uaddr_t name);
/* Give it back. No lock held: the last use of a volume may end with it. Sleeps. */
void swap_place_close(struct swap_place *p);
/* The first page, which has the header, into kmalloc'ed memory. 0 or -errno. Sleeps. */
int swap_place_header(struct swap_place *p, void *page);
/*
 * Find the extents. Of a file all has reached the device then, and nobody can write to it, give it
 * blocks or take its names and blocks away until swap_place_close. As on Linux, pages are those
 * parts of runs of blocks that begin where a page of the device does; what is left over is not
 * used. 0; -EINVAL: it has holes, or no blocks on a device; -EBUSY: it is a swap area; -ENOENT: it
 * has no name any more; -EFBIG, -ENOMEM, or what writing gave. Sleeps.
 */
int swap_place_take(struct swap_place *p);
/* The sector of page `at` of the area; *n is cut to the pages that follow it there. Any context. */
uint64_t swap_place_sector(const struct swap_place *p, uint32_t at, uint32_t *n);
/* Is it what the path leads to? */
bool swap_place_is(const struct swap_place *p, const struct path *at);
/* Its name as the running thread sees it, in buf, escaped as /proc has it. */
void swap_place_name(const struct swap_place *p, char *buf, size_t size);
