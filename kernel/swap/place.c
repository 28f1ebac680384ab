#include "kernel/swap/place.h"

#include "drivers/block.h"
#include "fs/vfs.h"
#include "kernel/mem/slab.h"
#include "kernel/mem/vmalloc.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/pagecache.h"

/* --- devices and files --- */

static int device_open(struct swap_place *p, dev_t dev)
{
	int err;

	p->bdev = blockdev_by_dev(dev);
	err = p->bdev ? blockdev_claim(p->bdev) : -EINVAL;
	if (err)
		return err;
	p->size = p->bdev->sectors / SECTORS_PER_PAGE;
	if (!p->bdev->readonly)
		return 0;
	blockdev_release(p->bdev);
	return -EROFS;
}

/* Open for writing: so its volume stays, and stays writable. */
static int file_open_for_swap(struct swap_place *p, const struct path *at)
{
	struct file *f = file_open_path(at, O_RDWR);

	if (is_err(f))
		return (int)ptr_err(f);
	p->file = f;
	p->bdev = f->inode->sb->bdev;
	p->size = inode_size(f->inode) >> PAGE_SHIFT;
	return 0;
}

static int place_open(struct swap_place *p, const struct path *at)
{
	const struct inode *inode = at->dentry->inode;

	if (S_ISBLK(inode->mode))
		return device_open(p, inode->rdev);
	if (S_ISREG(inode->mode))
		return file_open_for_swap(p, at);
	return S_ISDIR(inode->mode) ? -EISDIR : -EINVAL;
}

struct swap_place *swap_place_open(uaddr_t name)
{
	struct swap_place *p;
	struct path at;
	int err = path_lookup_user(AT_FDCWD, name, WALK_FOLLOW, &at);

	if (err)
		return err_ptr(err);
	p = kzalloc(sizeof(*p));
	err = p ? place_open(p, &at) : -ENOMEM;
	path_put(&at);
	if (!err)
		return p;
	kfree(p);
	return err_ptr(err);
}

void swap_place_close(struct swap_place *p)
{
	if (p->taken) {
		struct inode *inode = p->file->inode;

		mutex_lock(&inode->lock);
		atomic_fetch_and(&inode->state, ~INODE_SWAP);
		mutex_unlock(&inode->lock);
	}
	if (p->file)
		file_put(p->file);
	else
		blockdev_release(p->bdev);
	vfree(p->extent);
	kfree(p);
}

int swap_place_header(struct swap_place *p, void *page)
{
	ssize64_t n;

	if (!p->size)
		return -EINVAL;
	if (!p->file)
		return blockdev_transfer(p->bdev, BIO_READ, 0, page, PAGE_SIZE);
	n = file_read_at(p->file, page, PAGE_SIZE, 0);
	return n < 0 ? (int)n : n < (ssize64_t)PAGE_SIZE ? -EINVAL : 0;
}

bool swap_place_is(const struct swap_place *p, const struct path *at)
{
	const struct inode *inode = at->dentry->inode;

	return p->file ? p->file->inode == inode
		       : S_ISBLK(inode->mode) && p->bdev == blockdev_by_dev(inode->rdev);
}

void swap_place_name(const struct swap_place *p, char *buf, size_t size)
{
	char *text = p->file ? kmalloc(PATH_MAX) : NULL, *at;

	if (!p->file) {
		snprintf(buf, size, "/dev/%s", p->bdev->name);
		return;
	}
	at = text ? file_path(p->file, text, PATH_MAX) : NULL;
	path_escape(at && !is_err(at) ? at : "?", buf, size);
	kfree(text);
}

/* --- extents --- */

static bool extent_room(struct swap_place *p)
{
	uint32_t room = p->room ? 2 * p->room : PAGE_SIZE / sizeof(*p->extent);
	struct swap_extent *more = vmalloc(room * sizeof(*more));

	if (!more)
		return false;
	memcpy(more, p->extent, p->extents * sizeof(*more));
	vfree(p->extent);
	p->extent = more;
	p->room = room;
	return true;
}

/* So many pages more of the area, which begin with page `at` of the device. */
static int extent_add(struct swap_place *p, uint64_t at, uint64_t pages)
{
	if (p->extents == p->room && !extent_room(p))
		return -ENOMEM;
	if (pages > UINT32_MAX - p->pages)
		return -EFBIG;
	p->extent[p->extents++] = (struct swap_extent){p->pages, at * SECTORS_PER_PAGE};
	p->pages += (uint32_t)pages;
	return 0;
}

/* Blocks [at, at + n) of the device follow each other in the file, and no more do. */
static int run_add(struct swap_place *p, uint64_t at, uint64_t n, uint32_t shift)
{
	uint64_t first = (at + BIT(shift) - 1) >> shift, end = (at + n) >> shift;

	return first < end ? extent_add(p, first, end - first) : 0;
}

/* (inode->lock) */
static int extents_find(struct swap_place *p, struct inode *inode)
{
	uint32_t shift = PAGE_SHIFT - (uint32_t)ctz64(inode->sb->block_size), block;
	uint64_t end = p->size << shift, start = 0, n = 0, run;
	int err = 0;

	for (uint64_t at = 0; at < end && !err; at += run) {
		err = inode->ops->map(inode, at, end - at, &block, &run);
		if (!err && !block)
			err = -EINVAL;
		if (!err && block != start + n) {
			err = run_add(p, start, n, shift);
			start = block;
			n = 0;
		}
		n += run;
	}
	return err ? err : run_add(p, start, n, shift);
}

/* (inode->lock) */
static int file_take(struct swap_place *p, struct inode *inode)
{
	int err;

	if (!inode->ops->map)
		return -EINVAL;
	if (!inode->nlink)
		return -ENOENT;
	if (atomic_load(&inode->state) & INODE_SWAP)
		return -EBUSY;
	err = extents_find(p, inode);
	/* With the commit that says whose the blocks are, the journal has done with them. */
	if (!err)
		err = file_fsync(p->file, true);
	if (err)
		return err;
	p->taken = true;
	atomic_fetch_or(&inode->state, INODE_SWAP);
	/* What a mapping stored meanwhile is lost, but what was on its way before arrives now. */
	(void)pagecache_sync(&inode->object, 0, UINT64_MAX);
	return 0;
}

int swap_place_take(struct swap_place *p)
{
	struct inode *inode;
	int err;

	if (!p->file)
		return extent_add(p, 0, MIN(p->size, (uint64_t)UINT32_MAX));
	inode = p->file->inode;
	mutex_lock(&inode->lock);
	err = file_take(p, inode);
	mutex_unlock(&inode->lock);
	return err;
}

uint64_t swap_place_sector(const struct swap_place *p, uint32_t at, uint32_t *n)
{
	uint32_t low = 0, high = p->extents;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (p->extent[middle].first <= at)
			low = middle;
		else
			high = middle;
	}
	if (high < p->extents)
		*n = MIN(*n, p->extent[high].first - at);
	return p->extent[low].sector + (uint64_t)(at - p->extent[low].first) * SECTORS_PER_PAGE;
}
