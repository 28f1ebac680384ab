/*
 * Hostile journals: bytes of the log of a sound image are overwritten as the input says, with or
 * without checksums, then the volume is mounted (which recovers it) and unmounted. Every call comes
 * back, whatever is on the disk.
 */
#include "tests/host/shim/kernel.h"
#include "tests/host/shim/disk.h"

#include "fs/jbd2/internal.h"
#include "fs/vfs.h"
#include "lib/crc.h"
#include "tests/host/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static uint8_t *sound;
static size_t log_at; /* where the journal lies in the image, in one piece */

/* Sums that are right again, so that what is behind them is reached. */
static void mend(void)
{
	struct jbd2_super *s = (void *)(host_disk.platter + log_at);
	struct super_block sb = {.block_size = 1024};
	struct journal j = {.sb = &sb, .block_size = 1024, .csum = true, .csum3 = true};

	s->checksum_type = JBD2_CRC32C;
	s->checksum = be32_of(journal_super_checksum(s));
	j.csum_seed = crc32c(~0u, s->uuid, sizeof(s->uuid));
	for (unsigned n = 1; n < 64; n++) {
		uint8_t *block = host_disk.platter + log_at + n * 1024;
		uint32_t type = load_be32(block + 4);

		if (load_be32(block) != JBD2_MAGIC)
			continue;
		if (type == JBD2_COMMIT)
			journal_commit_set(&j, block);
		else
			journal_tail_set(&j, block);
	}
}

/*
 * The first byte says whether sums are mended. Then records: a block of the log (1), an offset in
 * it (1, in words), four bytes to put there.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	memcpy(host_disk.platter, sound, host_disk.size);
	for (const uint8_t *p = data + 1; size >= 7; p += 6, size -= 6)
		memcpy(host_disk.platter + log_at + (p[0] & 63) * 1024 + p[1] * 4, p + 2, 4);
	if (size && (data[0] & 1))
		mend();
	if (disk_mount(0))
		return 0;
	if (disk_umount())
		__builtin_trap();
	return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	size_t size;

	(void)argc;
	(void)argv;
	sound = file_load(file_beside("../disks/fuzz-jbd2.img"), &size);
	if (!sound)
		abort();
	disk_kernel_start(size);
	for (log_at = 0; log_at < size; log_at += 1024)
		if (load_be32(sound + log_at) == JBD2_MAGIC &&
		    load_be32(sound + log_at + 4) == JBD2_SUPER_V2)
			return 0;
	abort();
}
