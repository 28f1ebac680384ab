/*
 * /proc/sys/vm: each switch does what it says. Those that need files on a disk are of the group
 * that is run on one too.
 */
#include "ut.h"

#include <sys/mman.h>
#include <sys/vfs.h>

#define PAGE	4096
#define VM	"/proc/sys/vm/"

static unsigned long field(const char *file, const char *name)
{
	char line[128];
	size_t n = strlen(name);
	unsigned long value = 0;
	FILE *f = fopen(file, "r");

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, name, n) == 0 && strchr(" :", line[n]))
			value = strtoul(line + n + 1, NULL, 10);
	fclose(f);
	return value;
}

/* The tests of the page cache need files that do not live in it alone. */
static void need_disk(void)
{
	if (on_tmpfs())
		SKIP("the folder is in memory");
}

TEST(mem, sysctl_errors, .root = true)
{
	static const char *const names[] = {
		VM "dirty_ratio", VM "dirty_background_ratio", VM "dirty_expire_centisecs",
		VM "max_map_count", VM "min_free_kbytes", VM "swappiness",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		long was = setting_get(names[i]);

		CHECK_EQ(setting_put(names[i], "x\n"), EINVAL);
		CHECK_EQ(setting_put(names[i], "-5\n"), EINVAL);
		CHECK_EQ(setting_get(names[i]), was);
		CHECK_EQ(setting_put_number(names[i], was), 0);
		CHECK_EQ(setting_get(names[i]), was);
	}
	CHECK_EQ(setting_put(VM "dirty_ratio", "101\n"), EINVAL);
	CHECK_EQ(setting_put(VM "swappiness", "201\n"), EINVAL);
	CHECK_EQ(setting_put(VM "drop_caches", "0\n"), EINVAL);
	CHECK_EQ(setting_put(VM "drop_caches", "9\n"), EINVAL);
}

static void try_to_set(void)
{
	become_user();
	CHECK_ERR(open(VM "dirty_ratio", O_WRONLY), EACCES);
	CHECK_ERR(open(VM "drop_caches", O_WRONLY), EACCES);
	setting_get(VM "max_map_count");
}

TEST(mem, sysctl_user, .root = true)
{
	CHECK_EQ(run_child(try_to_set), 0);
}

TEST(mem, max_map_count, .root = true)
{
	long was = setting_get(VM "max_map_count");
	int made = 0, err = 0;

	CHECK_EQ(setting_put_number(VM "max_map_count", 100), 0);
	/* No two of these are alike to their neighbours, so none merge. */
	while (made < 200) {
		void *p = mmap(NULL, PAGE, made & 1 ? PROT_READ : PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED) {
			err = errno;
			break;
		}
		made++;
	}
	CHECK_EQ(setting_put_number(VM "max_map_count", was), 0);
	CHECK_EQ(err, ENOMEM);
	CHECK_GE(made, 50);
	CHECK(made < 100);
	CHECK(mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

TEST(mem, min_free, .root = true)
{
	long was = setting_get(VM "min_free_kbytes");

	CHECK_EQ(setting_put_number(VM "min_free_kbytes", was + 1024), 0);
	CHECK_EQ(setting_get(VM "min_free_kbytes"), was + 1024);
	CHECK_EQ(setting_put_number(VM "min_free_kbytes", was), 0);
	CHECK_EQ(setting_get(VM "min_free_kbytes"), was);
}

TEST(fs, drop_caches, .root = true, .no_leak_check = true)
{
	enum { PAGES = 512 };
	int fd;

	need_disk();
	file_pattern("big", PAGES * PAGE, 3);
	fd = (int)CHECK_OK(open("big", O_RDWR));
	CHECK_OK(fsync(fd));
	CHECK_EQ(cached_pages(fd, PAGES), PAGES);
	CHECK_EQ(setting_put(VM "drop_caches", "1\n"), 0);
	CHECK_EQ(cached_pages(fd, PAGES), 0);
	file_pattern_check("big", PAGES * PAGE, 3);
	CHECK_EQ(cached_pages(fd, PAGES), PAGES);
	/* What is not written yet cannot go. */
	CHECK_EQ(pwrite(fd, "x", 1, 0), 1);
	CHECK_EQ(setting_put(VM "drop_caches", "3\n"), 0);
	CHECK_EQ(setting_put(VM "drop_caches", "2\n"), 0);
	CHECK_OK(close(fd));
}

static unsigned long cached(void)
{
	return field("/proc/meminfo", "Cached") + field("/proc/meminfo", "Buffers");
}

static const char *dir_name(int i)
{
	static char name[16];

	snprintf(name, sizeof(name), "d%d", i);
	return name;
}

/* Blocks that a journal has written are no more than a cache once they are in their places. */
TEST(fs, drop_caches_metadata, .root = true, .no_leak_check = true)
{
	enum { DIRS = 256 };
	unsigned long before;
	struct statfs st;

	need_disk();
	CHECK_OK(statfs(".", &st));
	for (int i = 0; i < DIRS; i++)
		CHECK_OK(mkdir(dir_name(i), 0700));
	sync();
	before = cached();
	CHECK_EQ(setting_put(VM "drop_caches", "3\n"), 0);
	CHECK_GE(before - DIRS / 2 * st.f_bsize / 1024, cached());
	for (int i = 0; i < DIRS; i++)
		CHECK_OK(rmdir(dir_name(i)));
}

/* Wait until nothing is dirty; a minute means that nobody writes. */
static void wait_clean(void)
{
	uint64_t end = now_ns() + 60000000000ULL;

	while (field("/proc/vmstat", "nr_dirty") || field("/proc/vmstat", "nr_writeback")) {
		if (now_ns() > end)
			FAIL("%lu pages are still dirty", field("/proc/vmstat", "nr_dirty"));
		usleep(10000);
	}
}

TEST(fs, dirty_times, .root = true, .no_leak_check = true, .seconds = 180)
{
	long expire = setting_get(VM "dirty_expire_centisecs");
	long interval = setting_get(VM "dirty_writeback_centisecs"), dirty;
	int fd;

	need_disk();
	sync();
	CHECK_EQ(setting_put_number(VM "dirty_expire_centisecs", 100), 0);
	CHECK_EQ(setting_put_number(VM "dirty_writeback_centisecs", 10), 0);
	file_pattern("f", 16 * PAGE, 1);
	/* Old enough after a second: goes by itself. */
	wait_clean();
	/* Nobody looks any more: what is dirty stays so, though it is old. */
	CHECK_EQ(setting_put_number(VM "dirty_writeback_centisecs", 0), 0);
	fd = (int)CHECK_OK(open("f", O_RDWR));
	for (int i = 0; i < 16; i++)
		CHECK_EQ(pwrite(fd, "y", 1, i * PAGE), 1);
	sleep(3);
	dirty = field("/proc/vmstat", "nr_dirty");
	CHECK_EQ(setting_put_number(VM "dirty_writeback_centisecs", 10), 0);
	wait_clean();
	CHECK_EQ(setting_put_number(VM "dirty_expire_centisecs", expire), 0);
	CHECK_EQ(setting_put_number(VM "dirty_writeback_centisecs", interval), 0);
	CHECK_GE(dirty, 16);
}

/* Who writes faster than the disk waits for it: memory does not fill with what is to be written. */
TEST(fs, dirty_ratio, .root = true, .no_leak_check = true, .mem_mib = 64)
{
	enum { MIB = 24 };
	long was = setting_get(VM "dirty_ratio");
	static char buf[1 << 16];
	unsigned long most = 0;
	int fd;

	need_disk();
	sync();
	CHECK_EQ(setting_put_number(VM "dirty_ratio", 1), 0);
	fd = (int)CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	for (int i = 0; i < MIB << 20; i += (int)sizeof(buf)) {
		unsigned long dirty;

		write_full(fd, buf, sizeof(buf));
		dirty = field("/proc/vmstat", "nr_dirty");
		most = dirty > most ? dirty : most;
	}
	CHECK_EQ(setting_put_number(VM "dirty_ratio", was), 0);
	CHECK_OK(close(fd));
	CHECK_GE((MIB << 20) / PAGE / 2, most);
}
