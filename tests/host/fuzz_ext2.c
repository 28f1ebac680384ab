/*
 * Damaged volumes: the first byte of the input chooses a sound image, bytes of it are overwritten
 * as the rest says, then the volume is mounted, walked, changed and unmounted. Whatever is on the
 * disk, every call comes back.
 */
#include "tests/host/shim/kernel.h"
#include "tests/host/shim/sleep.h"

#include <sys/mman.h>
#include <unistd.h>

#include "drivers/block.h"
#include "fs/file.h"
#include "fs/mount.h"
#include "fs/procfs/procfs.h"
#include "kernel/main.h"
#include "kernel/mem/kmap.h"
#include "kernel/uapi/dirent.h"
#include "kernel/uapi/fcntl.h"
#include "mm/init.h"
#include "mm/pagecache.h"
#include "tests/host/files.h"

#define BUFFER	    ((uint8_t *)0x10000000)
#define BUFFER_SIZE (1 << 20)
#define NAMES_MAX   200

long sys_openat(int64_t, uint64_t, uint64_t, uint64_t);
long sys_close(uint64_t);
long sys_pread64(uint64_t, uint64_t, uint64_t, uint64_t);
long sys_pwrite64(uint64_t, uint64_t, uint64_t, uint64_t);
long sys_ftruncate(uint64_t, uint64_t);
long sys_fallocate(uint64_t, uint64_t, uint64_t, uint64_t);
long sys_unlinkat(int64_t, uint64_t, uint64_t);
long sys_mkdirat(int64_t, uint64_t, uint64_t);
long sys_linkat(int64_t, uint64_t, int64_t, uint64_t, uint64_t);
long sys_symlinkat(uint64_t, int64_t, uint64_t);
long sys_renameat2(int64_t, uint64_t, int64_t, uint64_t, uint64_t);
long sys_getdents64(uint64_t, uint64_t, uint64_t);
long sys_readlinkat(int64_t, uint64_t, uint64_t, uint64_t);
long sys_mount(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);
long sys_umount2(uint64_t, uint64_t);
long sys_lseek(uint64_t, uint64_t, uint64_t);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* An ext2 volume and an ext4 one, of the same size. */
static uint8_t *sound[2], *platter;
static size_t platter_size;
static struct blockdev disk;
static struct request *queued;

/* Paths found by the walk, below /m. */
static char names[NAMES_MAX][300];
static unsigned count;

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

static bool disk_work(void)
{
	struct request *r = queued;
	struct request_iter it;
	struct bio_vec v;
	uint8_t *at;

	if (!r)
		return false;
	queued = NULL;
	at = platter + r->sector * SECTOR_SIZE;
	request_iter_init(&it, r);
	while (r->op != BIO_FLUSH && request_iter_next(&it, &v)) {
		if (at + v.len > platter + platter_size)
			__builtin_trap();
		if (r->op == BIO_READ)
			memcpy(phys_to_virt(v.pa), at, v.len);
		else
			memcpy(at, phys_to_virt(v.pa), v.len);
		at += v.len;
	}
	block_complete(&disk, r, 0);
	return true;
}

static const struct blockdev_ops disk_ops = {.start = disk_start};

/* Add the names in the directory dir to the list. */
static void list_directory(const char *dir)
{
	long fd = sys_openat(AT_FDCWD, (uint64_t)dir, O_RDONLY | O_DIRECTORY, 0), n;

	if (fd < 0)
		return;
	for (int turn = 0; turn < 50; turn++) {
		n = sys_getdents64((uint64_t)fd, (uint64_t)BUFFER, 4096);
		for (long at = 0; at < n;) {
			struct dirent64 *d = (struct dirent64 *)(BUFFER + at);

			at += d->d_reclen;
			if (d->d_name[0] == '.' || count == NAMES_MAX)
				continue;
			snprintf(names[count++], sizeof(names[0]), "%.40s/%.255s", dir, d->d_name);
		}
		if (n <= 0)
			break;
	}
	sys_close((uint64_t)fd);
}

static void look_at(const char *name)
{
	long fd = sys_openat(AT_FDCWD, (uint64_t)name, O_RDWR | O_NONBLOCK, 0);

	sys_readlinkat(AT_FDCWD, (uint64_t)name, (uint64_t)BUFFER, 4096);
	list_directory(name);
	if (fd < 0)
		return;
	sys_pread64((uint64_t)fd, (uint64_t)BUFFER, 100000, 0);
	for (long at = 0; at >= 0 && at < 4 << 20; at++)
		at = sys_lseek((uint64_t)fd, (uint64_t)at, at & 1 ? SEEK_DATA : SEEK_HOLE);
	sys_pwrite64((uint64_t)fd, (uint64_t)BUFFER, 5000, 300000);
	sys_fallocate((uint64_t)fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 3000, 70000);
	sys_ftruncate((uint64_t)fd, 20000);
	sys_close((uint64_t)fd);
}

static void change(const char *name)
{
	sys_linkat(AT_FDCWD, (uint64_t)name, AT_FDCWD, (uint64_t)"/m/link", 0);
	sys_renameat2(AT_FDCWD, (uint64_t)name, AT_FDCWD, (uint64_t)"/m/moved", 0);
	sys_unlinkat(AT_FDCWD, (uint64_t)name, 0);
	sys_unlinkat(AT_FDCWD, (uint64_t)name, AT_REMOVEDIR);
}

static void use_volume(void)
{
	count = 0;
	list_directory("/m");
	for (unsigned i = 0; i < count; i++)
		look_at(names[i]);
	for (unsigned i = 0; i < 20; i++) {
		char name[300];
		long fd;

		snprintf(name, sizeof(name), "/m/new-file-with-a-long-name-%u", i);
		fd = sys_openat(AT_FDCWD, (uint64_t)name, O_RDWR | O_CREAT, 0644);
		if (fd < 0)
			break;
		sys_pwrite64((uint64_t)fd, (uint64_t)BUFFER, 3000, i * 3000);
		sys_close((uint64_t)fd);
	}
	sys_mkdirat(AT_FDCWD, (uint64_t)"/m/newdir", 0755);
	sys_symlinkat((uint64_t)"target", AT_FDCWD, (uint64_t)"/m/newlink");
	for (unsigned i = 0; i < count; i++)
		change(names[i]);
}

/*
 * Records of an offset (3 bytes) and what to put there (2 bytes). Half of them fall on the first
 * blocks, where most of the metadata is.
 */
static void damage(const uint8_t *data, size_t size)
{
	for (; size >= 5; data += 5, size -= 5) {
		size_t at = data[0] | data[1] << 8;

		if (data[2] & 1)
			at = (at | (size_t)(data[2] >> 1) << 16) % (platter_size - 1);
		platter[at] = data[3];
		platter[at + 1] = data[4];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	memcpy(platter, sound[data[0] & 1], platter_size);
	damage(data + 1, size - 1);
	/* As if it had just been plugged in: what is cached was another disk's. */
	pagecache_invalidate(&disk.object, 0, UINT32_MAX);
	if (sys_mount((uint64_t)"/dev/vda", (uint64_t)"/m", (uint64_t)"ext2", 0, 0))
		return 0;
	use_volume();
	if (sys_umount2((uint64_t)"/m", 0))
		__builtin_trap();
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const struct host_ram ram[] = {{.base = 0x80000000, .size = 32 * MiB}};
	size_t size;

	(void)argc;
	(void)argv;
	host_kernel_start();
	host_idle = disk_work;
	if (mmap(BUFFER, BUFFER_SIZE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != BUFFER)
		abort();
	host_ram_start(ram, 1);
	vma_init();
	aspace_init();
	pagecache_init();
	host_thread.cred = cred_alloc(0);
	sound[1] = file_load(file_beside("../disks/fuzz-ext4.img"), &platter_size);
	sound[0] = file_load(file_beside("../disks/fuzz-ext2.img"), &size);
	platter = malloc(platter_size);
	if (!sound[0] || !sound[1] || size != platter_size || !platter)
		abort();
	memcpy(platter, sound[0], platter_size);
	disk = (struct blockdev){.sectors = platter_size / SECTOR_SIZE, .ops = &disk_ops};
	disk.limits = (struct block_limits){
		.max_vecs = 32, .max_sectors = 256, .max_vec_bytes = 65536};
	if (blockdev_register(&disk, "vd"))
		abort();
	vfs_init();
	if (mount_add("root", NULL, NULL, fstype_find("tmpfs"), 0, ""))
		abort();
	host_thread.files = fdtable_create();
	host_thread.fs = fscontext_create();
	if (sys_mkdirat(AT_FDCWD, (uint64_t)"/m", 0755) ||
	    sys_mkdirat(AT_FDCWD, (uint64_t)"/dev", 0755) ||
	    sys_mount((uint64_t)"dev", (uint64_t)"/dev", (uint64_t)"devtmpfs", 0, 0))
		abort();
	return 0;
}
