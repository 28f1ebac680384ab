/*
 * Damaged volumes: the first byte of the input chooses a sound image, bytes of it are overwritten
 * as the rest says, then the volume is mounted, walked, changed and unmounted. Whatever is on the
 * disk, every call comes back.
 */
#include "tests/host/shim/kernel.h"
#include "tests/host/shim/disk.h"
#include "tests/host/shim/syscalls.h"

#include "kernel/uapi/dirent.h"
#include "kernel/uapi/fcntl.h"
#include "tests/host/files.h"

#define NAMES_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* An ext2 volume and an ext4 one, of the same size. */
static uint8_t *sound[2];

/* Paths found by the walk, below /m. */
static char names[NAMES_MAX][300];
static unsigned count;

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
	static const char *const lists[] = {"system.posix_acl_access", "system.posix_acl_default"};
	long fd = sys_openat(AT_FDCWD, (uint64_t)name, O_RDWR | O_NONBLOCK, 0);

	sys_readlinkat(AT_FDCWD, (uint64_t)name, (uint64_t)BUFFER, 4096);
	list_directory(name);
	sys_llistxattr((uint64_t)name, (uint64_t)BUFFER, 65536);
	sys_lgetxattr((uint64_t)name, (uint64_t)"user.short", (uint64_t)BUFFER, 65536);
	sys_lsetxattr((uint64_t)name, (uint64_t)"user.new", (uint64_t)BUFFER, 300, 0);
	for (unsigned i = 0; i < 2; i++) {
		long n = sys_lgetxattr((uint64_t)name, (uint64_t)lists[i], (uint64_t)BUFFER, 65536);

		sys_lsetxattr((uint64_t)name, (uint64_t)lists[!i], (uint64_t)BUFFER,
			      n > 0 ? (uint64_t)n : 300, 0);
	}
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
			at = (at | (size_t)(data[2] >> 1) << 16) % (host_disk.size - 1);
		host_disk.platter[at] = data[3];
		host_disk.platter[at + 1] = data[4];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	memcpy(host_disk.platter, sound[data[0] & 1], host_disk.size);
	damage(data + 1, size - 1);
	if (disk_mount(0))
		return 0;
	use_volume();
	if (disk_umount())
		__builtin_trap();
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	size_t size, size4;

	(void)argc;
	(void)argv;
	sound[0] = file_load(file_beside("../disks/fuzz-ext2.img"), &size);
	sound[1] = file_load(file_beside("../disks/fuzz-ext4.img"), &size4);
	if (!sound[0] || !sound[1] || size != size4)
		abort();
	disk_kernel_start(size);
	return 0;
}
