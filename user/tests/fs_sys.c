/*
 * fs: what programs look for below /sys.
 */
#include <dirent.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "user/tests/ut.h"

#define THP "/sys/kernel/mm/transparent_hugepage/enabled"

static void sys_check(void)
{
	struct statfs st;

	if (statfs("/sys", &st) || st.f_type != 0x62656572)
		SKIP("/sys is not mounted");
}

TEST(fs, sys_cpus)
{
	static const char *const names[] = {"online", "possible", "present"};
	char path[64], text[64], wanted[64];
	long n = sysconf(_SC_NPROCESSORS_CONF);

	sys_check();
	snprintf(wanted, sizeof(wanted), n == 1 ? "0\n" : "0-%ld\n", n - 1);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", names[i]);
		file_text(path, text, sizeof(text));
		CHECK_STR(text, wanted);
	}
	CHECK_EQ(n, sysconf(_SC_NPROCESSORS_ONLN));
}

static void topology_text(long cpu, const char *name, char *text, size_t size)
{
	char path[100];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%ld/topology/%s", cpu, name);
	file_text(path, text, size);
}

static void topology_check(long cpu, const char *name, const char *wanted)
{
	char text[64];

	topology_text(cpu, name, text, sizeof(text));
	CHECK_STR(text, wanted);
}

/* A mask is as wide as there are processors. */
static void mask_check(long cpu, const char *name, unsigned long wanted)
{
	size_t width = (size_t)(sysconf(_SC_NPROCESSORS_CONF) + 3) / 4;
	char text[64];

	topology_text(cpu, name, text, sizeof(text));
	CHECK_EQ(strlen(text), width + 1);
	CHECK_EQ(strtoul(text, NULL, 16), wanted);
}

/* One thread to a core; the lists and masks of a core, and of all in its package. */
TEST(fs, sys_topology)
{
	long n = sysconf(_SC_NPROCESSORS_CONF);
	char one[64], all[24];
	struct dirent *entry;
	int found = 0;
	DIR *d;

	sys_check();
	snprintf(all, sizeof(all), n == 1 ? "0\n" : "0-%ld\n", n - 1);
	for (long cpu = 0; cpu < n && cpu < 32; cpu++) {
		snprintf(one, sizeof(one), "%ld\n", cpu);
		topology_check(cpu, "core_id", one);
		topology_check(cpu, "core_cpus_list", one);
		topology_check(cpu, "thread_siblings_list", one);
		topology_check(cpu, "physical_package_id", "0\n");
		topology_check(cpu, "package_cpus_list", all);
		topology_check(cpu, "core_siblings_list", all);
		if (n > 32)
			continue;
		mask_check(cpu, "core_cpus", 1ul << cpu);
		mask_check(cpu, "thread_siblings", 1ul << cpu);
		mask_check(cpu, "package_cpus", (1ul << n) - 1);
		mask_check(cpu, "core_siblings", (1ul << n) - 1);
	}
	d = opendir("/sys/devices/system/cpu");
	CHECK(d != NULL);
	while ((entry = readdir(d)))
		found += !strncmp(entry->d_name, "cpu", 3) &&
			 strspn(entry->d_name + 3, "0123456789");
	CHECK_OK(closedir(d));
	CHECK_EQ(found, n);
	snprintf(one, sizeof(one), "/sys/devices/system/cpu/cpu%ld", n);
	CHECK_ERR(open(one, O_RDONLY), ENOENT);
	CHECK_ERR(open("/sys/devices/system/cpu/cpu", O_RDONLY), ENOENT);
	CHECK_ERR(open("/sys/devices/system/cpu/cpu00", O_RDONLY), ENOENT);
}

static unsigned long number_of(const char *dir, const char *name, const char *file)
{
	char path[400], text[32];

	snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
	file_text(path, text, sizeof(text));
	return strtoul(text, NULL, 10);
}

static int disks_check(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	int count = 0;

	CHECK(d != NULL);
	while ((entry = readdir(d))) {
		char path[300], text[32], wanted[32];
		struct stat st;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		if (stat(path, &st))
			continue;
		count++;
		CHECK(S_ISBLK(st.st_mode));
		snprintf(wanted, sizeof(wanted), "%u:%u\n", major(st.st_rdev), minor(st.st_rdev));
		snprintf(path, sizeof(path), "%s/%s/dev", dir, entry->d_name);
		file_text(path, text, sizeof(text));
		CHECK_STR(text, wanted);
		if (!geteuid()) {
			unsigned long sectors;
			int fd;

			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			fd = (int)CHECK_OK(open(path, O_RDONLY));
			CHECK_OK(ioctl(fd, BLKGETSIZE, &sectors));
			CHECK_EQ(number_of(dir, entry->d_name, "size"), sectors);
			CHECK_OK(close(fd));
		}
	}
	closedir(d);
	return count;
}

TEST(fs, sys_block)
{
	sys_check();
	CHECK_GE(disks_check("/sys/class/block"), disks_check("/sys/block"));
	CHECK_ERR(open("/sys/block/none", O_RDONLY), ENOENT);
	CHECK_ERR(mkdir("/sys/block/none", 0700), EPERM);
}

/* A device's number leads to its folder. */
TEST(fs, sys_dev_block)
{
	DIR *d;
	struct dirent *entry;
	int count = 0;

	sys_check();
	d = opendir("/sys/dev/block");
	CHECK(d != NULL);
	while ((entry = readdir(d))) {
		char path[300], target[300], text[32];
		ssize_t len;

		if (entry->d_name[0] == '.')
			continue;
		count++;
		CHECK_EQ(entry->d_type, DT_LNK);
		snprintf(path, sizeof(path), "/sys/dev/block/%s", entry->d_name);
		len = CHECK_OK(readlink(path, target, sizeof(target) - 1));
		target[len] = '\0';
		CHECK(!strncmp(target, "../../", 6));
		snprintf(path, sizeof(path), "/sys/class/block/%s/dev", strrchr(target, '/') + 1);
		file_text(path, text, sizeof(text));
		CHECK_EQ(strlen(text), strlen(entry->d_name) + 1);
		CHECK(!strncmp(text, entry->d_name, strlen(entry->d_name)));
		snprintf(path, sizeof(path), "/sys/dev/block/%s/size", entry->d_name);
		CHECK_OK(access(path, F_OK));
	}
	closedir(d);
	CHECK_GE(count, disks_check("/sys/class/block"));
	CHECK_ERR(readlink("/sys/dev/block/0:0", (char[8]){0}, 8), ENOENT);
}

TEST(fs, sys_huge_pages, .root = true)
{
	char text[64], *begin, *end;
	int fd;

	sys_check();
	if (access(THP, F_OK))
		SKIP("no large pages");
	file_text(THP, text, sizeof(text));
	begin = strchr(text, '[');
	end = strchr(text, ']');
	CHECK(begin && end && begin < end);
	CHECK(strstr(text, "always") && strstr(text, "madvise") && strstr(text, "never"));
	fd = (int)CHECK_OK(open(THP, O_RDWR));
	CHECK_ERR(write(fd, "sometimes", 9), EINVAL);
	/* What it is may be set again. */
	CHECK_EQ(write(fd, begin + 1, (size_t)(end - begin - 1)), end - begin - 1);
	CHECK_EQ(number_of("/sys/kernel/mm", "transparent_hugepage", "hpage_pmd_size"), 2 << 20);
}
