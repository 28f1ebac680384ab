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
