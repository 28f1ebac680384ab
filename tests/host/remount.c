/*
 * remount IMAGE...: each volume is mounted by the kernel's own sources, which recovers its journal,
 * and unmounted. Exit status 1, with the image named, if that fails. Images may have any size up to
 * that of the first.
 */
#include "tests/host/shim/kernel.h"
#include "tests/host/shim/disk.h"

#include "tests/host/files.h"

static int remount(const char *path)
{
	size_t size;
	uint8_t *data = file_load(path, &size);
	FILE *f;
	long err;

	if (!data || size > host_disk.size) {
		free(data);
		return -EINVAL;
	}
	memcpy(host_disk.platter, data, size);
	free(data);
	err = disk_mount(0);
	if (!err)
		err = disk_umount();
	f = err ? NULL : fopen(path, "w");
	if (!f)
		return err ? (int)err : -EIO;
	err = fwrite(host_disk.platter, 1, size, f) == size ? 0 : -EIO;
	return fclose(f) ? -EIO : (int)err;
}

int main(int argc, char **argv)
{
	size_t size;

	if (argc < 2)
		return 2;
	free(file_load(argv[1], &size));
	disk_kernel_start(size);
	for (int i = 1; i < argc; i++) {
		int err = remount(argv[i]);

		if (err) {
			printf("%s: error %d\n", argv[i], -err);
			return 1;
		}
	}
	return 0;
}
