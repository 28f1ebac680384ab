/* libFuzzer: a disk of any bytes; what is read beyond them is zero. */
#include <stdlib.h>
#include <string.h>

#include "drivers/block/parttable.h"

struct input {
	const uint8_t *data;
	size_t size;
};

static int input_read(struct partition_disk *d, uint64_t sector, void *buf)
{
	const struct input *in = d->data;

	if (sector >= d->sectors)
		abort();
	memset(buf, 0, 512);
	if (sector < in->size / 512)
		memcpy(buf, in->data + sector * 512, 512);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct partition table[PARTITIONS_MAX];
	struct input in = {.data = data, .size = size};
	struct partition_disk disk = {
		.sectors = 16384,
		.block_size = 512u << (size % 4),
		.read = input_read,
		.data = &in,
	};
	int n = partitions_parse(&disk, table);

	for (int i = 0; i < n; i++) {
		if (!table[i].sectors || table[i].start >= disk.sectors ||
		    table[i].sectors > disk.sectors - table[i].start || !table[i].number)
			abort();
	}
	return 0;
}
