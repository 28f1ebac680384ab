#include "tests/host/shim/disk.h"

#include "tests/host/shim/sleep.h"
#include "tests/host/shim/syscalls.h"

#include <sys/mman.h>

#include "fs/file.h"
#include "fs/mount.h"
#include "fs/procfs/procfs.h"
#include "kernel/main.h"
#include "kernel/mem/kmap.h"
#include "kernel/uapi/fcntl.h"
#include "mm/init.h"
#include "mm/pagecache.h"

struct host_disk host_disk;
static struct request *queued;

/* There is nothing of processes to see here. */
void procfs_register(void)
{
}

static int disk_start(struct blockdev *d, struct request *r)
{
	(void)d;
	if (queued)
		return -EBUSY;
	queued = r;
	return 0;
}

static const struct blockdev_ops disk_ops = {.start = disk_start};

/* Is this the one that is to fail, or behind it? */
static bool fails(struct host_disk *d, uint64_t *countdown)
{
	if (!*countdown || --*countdown)
		return false;
	d->failed++;
	*countdown = d->fail_stays;
	return true;
}

static int transfer(struct request *r)
{
	struct host_disk *d = &host_disk;
	uint64_t at = r->sector * SECTOR_SIZE;
	struct request_iter it;
	struct bio_vec v;

	if (fails(d, r->op == BIO_READ ? &d->fail_read : &d->fail_write))
		return -EIO;
	request_iter_init(&it, r);
	while (r->op != BIO_FLUSH && request_iter_next(&it, &v)) {
		if (at + v.len > d->size)
			__builtin_trap();
		if (r->op == BIO_READ) {
			memcpy(phys_to_virt(v.pa), d->platter + at, v.len);
		} else {
			if (d->record)
				d->record(at, phys_to_virt(v.pa), v.len);
			memcpy(d->platter + at, phys_to_virt(v.pa), v.len);
		}
		at += v.len;
	}
	if (r->op == BIO_FLUSH && d->record)
		d->record(0, NULL, 0);
	return 0;
}

bool disk_work(void)
{
	struct request *r = queued;

	if (!r)
		return false;
	queued = NULL;
	block_complete(&host_disk.dev, r, transfer(r));
	return true;
}

void disk_register(size_t size)
{
	host_disk.size = size;
	host_disk.platter = calloc(1, size);
	host_disk.dev = (struct blockdev){
		.sectors = size / SECTOR_SIZE, .ops = &disk_ops, .has_flush = true};
	host_disk.dev.limits = (struct block_limits){
		.max_vecs = 32, .max_sectors = 256, .max_vec_bytes = 65536};
	if (!host_disk.platter || blockdev_register(&host_disk.dev, "vd"))
		abort();
}

void disk_kernel_start(size_t size)
{
	static const struct host_ram ram[] = {{.base = 0x80000000, .size = 32 * MiB}};
	struct cred *root;

	host_kernel_start();
	host_idle = disk_work;
	if (mmap(BUFFER, BUFFER_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != BUFFER)
		abort();
	host_ram_start(ram, 1);
	vma_init();
	aspace_init();
	pagecache_init();
	root = cred_alloc(0);
	root->effective = root->permitted = CAPS_ALL;
	host_thread.cred = root;
	disk_register(size);
	vfs_init();
	if (mount_add("root", NULL, NULL, fstype_find("tmpfs"), 0, ""))
		abort();
	host_thread.files = fdtable_create();
	host_thread.fs = fscontext_create();
	if (sys_mkdirat(AT_FDCWD, (uint64_t)"/m", 0755) ||
	    sys_mkdirat(AT_FDCWD, (uint64_t)"/dev", 0755) ||
	    sys_mount((uint64_t)"dev", (uint64_t)"/dev", (uint64_t)"devtmpfs", 0, 0))
		abort();
}

long disk_mount(unsigned long flags)
{
	/* What is cached was another disk's. */
	pagecache_invalidate(&host_disk.dev.object, 0, UINT32_MAX);
	return sys_mount((uint64_t)"/dev/vda", (uint64_t)"/m", (uint64_t)"ext2", flags, 0);
}

long disk_umount(void)
{
	return sys_umount2((uint64_t)"/m", 0);
}
