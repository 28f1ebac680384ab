/*
 * Devices that fail: for each n, the n-th read or write of a workload fails, alone or with all that
 * follow. Calls may say so; the volume is sound afterwards, or is read-only and has said so once;
 * and what fsync had promised is there.
 */
#include "tests/host/shim/kernel.h"
#include "tests/host/shim/disk.h"
#include "tests/host/shim/syscalls.h"

#include "fs/vfs.h"
#include "kernel/printk.h"
#include "kernel/uapi/fcntl.h"
#include "mm/reclaim.h"
#include "tests/host/saved.h"
#include "tests/host/tools.h"

#define SIZE	 (4u << 20)
#define VERSIONS 4

static uint8_t *before;
static bool journalled;
static unsigned promised, refused, said, complaints;

static void message(int level, const char *text)
{
	if (getenv("HOST_PRINTK"))
		fputs(text, stderr);
	complaints += level <= LOG_ERR;
	said += strstr(text, "read-only from now on") != NULL;
}

static long note(long result)
{
	assert_true(result > -4096);
	refused += result < 0;
	return result;
}

static uint64_t name_of(const char *what, unsigned i)
{
	static char name[2][60];
	static unsigned turn;
	char *p = name[turn++ % 2];

	snprintf(p, sizeof(name[0]), "/m/%s%u", what, i);
	return (uint64_t)p;
}

/* Long enough to need indirect blocks, with a hole. */
static void write_file(unsigned i)
{
	long fd = note(sys_openat(AT_FDCWD, name_of("d/file", i), O_RDWR | O_CREAT, 0644));

	if (fd < 0)
		return;
	memset(BUFFER, 'a' + (int)i, 40000);
	note(sys_pwrite64((uint64_t)fd, (uint64_t)BUFFER, 40000, 0));
	note(sys_pwrite64((uint64_t)fd, (uint64_t)BUFFER, 3000, 400000));
	if (i & 1)
		note(sys_fsync((uint64_t)fd));
	sys_close((uint64_t)fd);
}

static void change_file(unsigned i)
{
	long fd = note(sys_openat(AT_FDCWD, name_of("d/file", i), O_RDWR, 0));

	if (fd < 0)
		return;
	note(sys_pread64((uint64_t)fd, (uint64_t)BUFFER, 50000, 0));
	note(sys_ftruncate((uint64_t)fd, 5000));
	note(sys_fallocate((uint64_t)fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 3000));
	sys_close((uint64_t)fd);
}

static void workload(void)
{
	note(sys_mkdirat(AT_FDCWD, (uint64_t)"/m/d", 0755));
	for (unsigned i = 0; i < VERSIONS; i++) {
		write_file(i);
		if (!note(saved_write(i + 1)))
			promised = i + 1;
		note(sys_linkat(AT_FDCWD, name_of("d/file", i), AT_FDCWD, name_of("link", i), 0));
		if (i)
			change_file(i - 1);
		memset(BUFFER, 'x', 300);
		BUFFER[i & 1 ? 20 : 300] = '\0';
		note(sys_symlinkat((uint64_t)BUFFER, AT_FDCWD, name_of("d/symlink", i)));
		note(sys_mkdirat(AT_FDCWD, name_of("sub", i), 0755));
		if (i == 2)
			note(super_sync_all());
		/* What is not in use is read again. */
		reclaim_caches(true, true);
		if (i > 1)
			note(sys_unlinkat(AT_FDCWD, name_of("d/file", i - 2), 0));
	}
	note(sys_renameat2(AT_FDCWD, (uint64_t)"/m/d", AT_FDCWD, (uint64_t)"/m/sub1/d", 0));
	note(sys_unlinkat(AT_FDCWD, name_of("sub", 2), AT_REMOVEDIR));
}

/* The disk behind the workload, in a file, is sound; a journalled one for us too. */
static void judge(void)
{
	image_store(host_disk.platter, SIZE, "theirs");
	if (journalled) {
		/* What the journal has must do, for us as well. */
		must(run("cp theirs replayed; e2fsck -E journal_only -y replayed; "
			 "e2fsck -fn replayed"));
		assert_int_equal(disk_mount(0), 0);
		saved_check(promised);
		assert_int_equal(disk_umount(), 0);
		image_store(host_disk.platter, SIZE, "ours");
		must(run("e2fsck -fn ours"));
		return;
	}
	/* One that has said so may be mended, if it knows that it must be. */
	if (said)
		must(run("dumpe2fs -h theirs | grep 'state:.*error'; e2fsck -fy theirs; "
			 "[ $? -le 1 ]"));
	must(run("e2fsck -fn theirs"));
	disk_load("theirs");
	assert_int_equal(disk_mount(0), 0);
	/* Without a journal a name may go with what could not be written. */
	saved_check(said ? 0 : promised);
	assert_int_equal(disk_umount(), 0);
}

/* One run, the countdown set to n; false: there were not so many. */
static bool try(uint64_t *countdown, uint64_t n, bool stays)
{
	bool failed;

	memcpy(host_disk.platter, before, SIZE);
	promised = refused = said = complaints = 0;
	host_disk.failed = 0;
	host_disk.fail_stays = stays;
	*countdown = n;
	host_printk = message;
	if (!note(disk_mount(0))) {
		workload();
		assert_int_equal(disk_umount(), 0);
	}
	host_printk = NULL;
	failed = host_disk.failed;
	*countdown = 0;
	if (getenv("HOST_PRINTK"))
		print_message("fault %lu: %u calls refused\n", n, refused);
	if (said > 1)
		fail_msg("said %u times", said);
	judge();
	host_kernel_check();
	return failed;
}

static void try_all(uint64_t *countdown, bool stays)
{
	uint64_t n = 1;

	while (try(countdown, n, stays))
		n++;
	print_message("%lu times\n", n - 1);
	/* The last one met no error. */
	assert_int_equal(refused, 0);
	assert_int_equal(complaints, 0);
	assert_int_equal(promised, VERSIONS);
	assert_true(n > 15);
}

static void test_writes(void **state)
{
	(void)state;
	try_all(&host_disk.fail_write, false);
	try_all(&host_disk.fail_write, true);
}

static void test_reads(void **state)
{
	(void)state;
	try_all(&host_disk.fail_read, false);
	try_all(&host_disk.fail_read, true);
}

static int volume_make(const char *options)
{
	must(run("rm -f image; mke2fs -q -b 1024 -N 128 %s image %uK", options, SIZE / 1024));
	disk_load("image");
	memcpy(before, host_disk.platter, SIZE);
	return 0;
}

static int plain_setup(void **state)
{
	(void)state;
	journalled = false;
	return volume_make("-t ext2");
}

static int journal_setup(void **state)
{
	(void)state;
	journalled = true;
	return volume_make("-t ext3 -J size=1");
}

static int group_setup(void **state)
{
	(void)state;
	before = malloc(SIZE);
	disk_kernel_start(SIZE);
	return tools_begin();
}

static int group_teardown(void **state)
{
	(void)state;
	free(before);
	return tools_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{"journal_writes", test_writes, journal_setup, NULL, NULL},
		{"journal_reads", test_reads, journal_setup, NULL, NULL},
		{"plain_writes", test_writes, plain_setup, NULL, NULL},
		{"plain_reads", test_reads, plain_setup, NULL, NULL},
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
