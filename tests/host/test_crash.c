/*
 * Crashes: a workload on a volume with a journal is recorded, each write and flush of the device,
 * for each kind of block, inode and sum in the journal. Then the disk is made as it might have been
 * found at any moment: all up to the last flush, and of what was written since, any part. e2fsck
 * recovers one copy, our mount another: both must be sound, hold what fsync had promised,
 * and rename must have been atomic.
 */
#include "tests/host/shim/kernel.h"
#include "tests/host/shim/disk.h"
#include "tests/host/shim/syscalls.h"

#include "fs/vfs.h"
#include "kernel/uapi/fcntl.h"
#include "kernel/uapi/posix_acl.h"
#include "kernel/uapi/stat.h"
#include "tests/host/saved.h"
#include "tests/host/tools.h"

#define SIZE	(10u << 20) /* of the disk: the largest volume */
#define FILES	12
#define POINTS	100 /* of all kinds together, or as many as XV39_CRASHES says */

/* The smallest volumes for the smallest journals: 1,024 blocks, so that the log wraps. */
static const struct kind {
	const char *options; /* of mke2fs */
	size_t size;
	const char *journal; /* how debugfs opens it, to choose its sums; NULL: it has none */
	const char *feature; /* of the journal then, as dumpe2fs calls it */
} kinds[] = {
	{"-b 1024 -I 128 -J size=1", 4 << 20, NULL, "(none)"},
	{"-b 1024 -I 256 -J size=1", 4 << 20, "jo -c", "journal_checksum"},
	{"-b 2048 -I 256 -J size=2 -O metadata_csum", 6 << 20, "jo -c -v 2", "journal_checksum_v2"},
	{"-b 4096 -I 256 -J size=4 -O metadata_csum", 10 << 20, "jo -c -v 3",
	 "journal_checksum_v3"},
};
static const struct kind *kind;

/* What happened to the disk, in order; a promise is where fsync of the n-th version returned. */
static struct event {
	enum { EV_WRITE, EV_FLUSH, EV_PROMISE } kind;
	uint64_t offset;
	uint32_t len;
	uint8_t *data; /* EV_PROMISE: offset is the version */
} *events;
static size_t count, room;
static uint8_t *before, *found;
static uint64_t seed = 11;
static unsigned version; /* the next one to be promised */

static struct event *event_add(int kind)
{
	if (count == room) {
		room = room * 2 + 1024;
		events = realloc(events, room * sizeof(*events));
		assert_non_null(events);
	}
	events[count] = (struct event){.kind = kind};
	return &events[count++];
}

static void record(uint64_t offset, const void *data, size_t len)
{
	struct event *e;

	if (!data) {
		event_add(EV_FLUSH);
		return;
	}
	e = event_add(EV_WRITE);
	e->offset = offset;
	e->len = (uint32_t)len;
	e->data = malloc(len);
	memcpy(e->data, data, len);
}

static unsigned pick(unsigned n)
{
	return (unsigned)(test_random(&seed) % n);
}

static uint64_t name_of(unsigned i)
{
	static char names[4][64];
	static unsigned turn;
	char *name = names[turn++ % 4];

	snprintf(name, 64, "/m/d%u/file%u%s", i % 3, i, i % 4 ? "" : "-with-a-rather-long-name");
	return (uint64_t)name;
}

static void write_file(unsigned i)
{
	size_t len = pick(pick(4) ? 3000 : 30000), at = pick(60000);
	long fd = sys_openat(AT_FDCWD, name_of(i), O_RDWR | O_CREAT, 0644);

	assert_true(fd >= 0);
	memset(BUFFER, 'a' + (int)i, len);
	assert_int_equal(sys_pwrite64((uint64_t)fd, (uint64_t)BUFFER, len, pick(3) ? 0 : at), len);
	if (!pick(4))
		assert_int_equal(sys_fsync((uint64_t)fd), 0);
	assert_int_equal(sys_close((uint64_t)fd), 0);
}

static void truncate_file(unsigned i)
{
	long fd = sys_openat(AT_FDCWD, name_of(i), O_RDWR, 0);

	if (fd < 0)
		return;
	assert_int_equal(sys_ftruncate((uint64_t)fd, pick(60000)), 0);
	sys_close((uint64_t)fd);
}

static void save(unsigned version)
{
	assert_int_equal(saved_write(version), 0);
	event_add(EV_PROMISE)->offset = version;
}

/* One entry more than a mode has, of classes that a mode says, too. */
static const struct list {
	uint32_t version;
	struct posix_acl_xattr_entry e[5];
} list_form = {
	POSIX_ACL_XATTR_VERSION, {{ACL_USER_OBJ, 0, 0}, {ACL_USER, 7, 77}, {ACL_GROUP_OBJ, 7, 0},
				  {ACL_MASK, 0, 0}, {ACL_OTHER, 0, 0}},
};
static const char list_name[] = "system.posix_acl_access";

/* /m/listed gets a list, or another mode with it, or loses all but the mode. */
static void change_list(void)
{
	struct list l = list_form;
	mode_t mode = pick(01000);
	long fd = sys_openat(AT_FDCWD, (uint64_t)"/m/listed", O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(sys_close((uint64_t)fd), 0);
	if (pick(2)) {
		assert_int_equal(sys_fchmodat(AT_FDCWD, (uint64_t)"/m/listed", mode), 0);
		return;
	}
	l.e[0].e_perm = mode >> 6;
	l.e[3].e_perm = mode >> 3 & 7;
	l.e[4].e_perm = mode & 7;
	memcpy(BUFFER, &l, sizeof(l));
	assert_int_equal(sys_lsetxattr((uint64_t)"/m/listed", (uint64_t)list_name, (uint64_t)BUFFER,
				       sizeof(l), 0), 0);
}

/* The list and the mode are of the same moment. */
static void check_list(void)
{
	long fd = sys_openat(AT_FDCWD, (uint64_t)"/m/listed", O_RDONLY, 0);
	struct list l;
	struct stat64 *st = (struct stat64 *)BUFFER;
	mode_t mode;

	if (fd < 0)
		return;
	assert_int_equal(sys_fstat((uint64_t)fd, (uint64_t)BUFFER), 0);
	mode = st->st_mode & 0777;
	assert_int_equal(sys_close((uint64_t)fd), 0);
	if (sys_lgetxattr((uint64_t)"/m/listed", (uint64_t)list_name, (uint64_t)BUFFER, 65536) < 0)
		return;
	memcpy(&l, BUFFER, sizeof(l));
	assert_int_equal(l.e[0].e_perm << 6 | l.e[3].e_perm << 3 | l.e[4].e_perm, mode);
}

static void make_directory(unsigned i)
{
	char name[40];

	snprintf(name, sizeof(name), "/m/d%u/sub%u", i % 3, i);
	if (sys_mkdirat(AT_FDCWD, (uint64_t)name, 0755))
		sys_unlinkat(AT_FDCWD, (uint64_t)name, AT_REMOVEDIR);
}

static void step(void)
{
	unsigned i = pick(FILES);
	char name[40];

	switch (pick(18)) {
	case 0 ... 4:
		write_file(i);
		break;
	case 5 ... 6:
		truncate_file(i);
		break;
	case 7 ... 8:
		sys_unlinkat(AT_FDCWD, name_of(i), 0);
		break;
	case 9:
		sys_renameat2(AT_FDCWD, name_of(i), AT_FDCWD, name_of(pick(FILES)), 0);
		break;
	case 10:
		sys_linkat(AT_FDCWD, name_of(i), AT_FDCWD, name_of(pick(FILES)), 0);
		break;
	case 11 ... 12:
		make_directory(i);
		break;
	case 13:
		snprintf(name, sizeof(name), "/m/d%u/link%u", i % 3, i);
		memset(BUFFER, 'x', 400);
		BUFFER[pick(2) ? 20 : 400] = 0;
		if (sys_symlinkat((uint64_t)BUFFER, AT_FDCWD, (uint64_t)name))
			sys_unlinkat(AT_FDCWD, (uint64_t)name, 0);
		break;
	case 14:
		save(version++);
		break;
	case 15 ... 16:
		change_list();
		break;
	default:
		if (!pick(4))
			assert_int_equal(super_sync_all(), 0);
		break;
	}
}

/* The disk as a crash behind event n may leave it in `found`; the last version promised. */
static unsigned crash_make(size_t n)
{
	size_t flushed = 0;
	unsigned promised = 0;

	memcpy(found, before, kind->size);
	for (size_t i = 0; i < n; i++) {
		if (events[i].kind == EV_FLUSH)
			flushed = i;
		if (events[i].kind == EV_PROMISE)
			promised = (unsigned)events[i].offset;
	}
	/* All, none or some of the rest; a torn one loses its end, in sectors. */
	unsigned some = pick(3);

	for (size_t i = 0; i < n; i++) {
		const struct event *e = &events[i];
		uint32_t len = e->len;

		if (e->kind != EV_WRITE || (i > flushed && (some == 0 || (some == 1 && pick(2)))))
			continue;
		if (i > flushed && some == 1 && !pick(4))
			len = pick(len / 512 + 1) * 512;
		memcpy(found + e->offset, e->data, len);
	}
	return promised;
}

static void complain(size_t n)
{
	image_store(found, kind->size, "../xv39-crashed.img");
	print_message("%s: crash behind event %zu of %zu\n", kind->feature, n, count);
	must(1);
}

static void crash_judge(size_t n)
{
	unsigned promised = crash_make(n);

	image_store(found, kind->size, "theirs");
	if (run("e2fsck -fy theirs; [ $? -le 1 ] && e2fsck -fn theirs"))
		complain(n);
	/* The replay alone must do: nothing else may be left to mend. */
	image_store(found, kind->size, "replayed");
	if (run("e2fsck -E journal_only -y replayed; e2fsck -fn replayed"))
		complain(n);
	memcpy(host_disk.platter, found, kind->size);
	assert_int_equal(disk_mount(0), 0);
	saved_check(promised);
	check_list();
	assert_int_equal(disk_umount(), 0);
	image_store(host_disk.platter, kind->size, "ours");
	if (run("e2fsck -fn ours"))
		complain(n);
}

/* An empty volume on the disk, and what it looks like in `before`. */
static void volume_make(void)
{
	must(run("rm -f image; mke2fs -q -t ext3 -N 128 %s image %zuK", kind->options,
		 kind->size / 1024));
	/* Only with metadata_csum does debugfs make journals of version 2 and 3. */
	if (kind->journal)
		must(run("printf '%s\\njc\\nfeature -metadata_csum\\n' | debugfs -w -f - image; "
			 "e2fsck -fy image; [ $? -le 1 ]", kind->journal));
	must(run("dumpe2fs -h image | grep 'Journal features: *%s$'", kind->feature));
	must(run("truncate -s %u image", SIZE));
	disk_load("image");
	memcpy(before, host_disk.platter, SIZE);
}

static void workload_record(void)
{
	char name[8];

	version = 1;
	host_disk.record = record;
	assert_int_equal(disk_mount(0), 0);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "/m/d%u", i);
		assert_int_equal(sys_mkdirat(AT_FDCWD, (uint64_t)name, 0755), 0);
	}
	for (unsigned n = 0; n < 2500; n++)
		step();
	assert_int_equal(disk_umount(), 0);
	host_disk.record = NULL;
	print_message("%s: %zu events\n", kind->feature, count);
}

static void events_free(void)
{
	while (count)
		free(events[--count].data);
}

static void test_crashes(void **state)
{
	unsigned points = getenv("XV39_CRASHES") ? (unsigned)atoi(getenv("XV39_CRASHES")) : POINTS;

	(void)state;
	for (kind = kinds; kind < kinds + ARRAY_SIZE(kinds); kind++) {
		volume_make();
		workload_record();
		for (unsigned n = 0; n < points / ARRAY_SIZE(kinds); n++)
			crash_judge(1 + pick((unsigned)count));
		crash_judge(count);
		events_free();
	}
	host_kernel_check();
}

static int group_setup(void **state)
{
	(void)state;
	before = malloc(SIZE);
	found = malloc(SIZE);
	disk_kernel_start(SIZE);
	return tools_begin();
}

static int group_teardown(void **state)
{
	(void)state;
	events_free();
	free(events);
	free(before);
	free(found);
	return tools_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crashes),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
