/* df: free space of the mounted file systems. */
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "user/lib/tool.h"

static struct {
	bool human, all, type, inodes, posix;
	uint64_t unit;
	bool ok;
} df;

static const char *amount(char buf[SIZE_TEXT], uint64_t n, uint64_t size)
{
	if (df.inodes)
		snprintf(buf, SIZE_TEXT, "%llu", (unsigned long long)n);
	else if (df.human)
		size_human(buf, n * size);
	else
		snprintf(buf, SIZE_TEXT, "%llu",
			 (unsigned long long)((n * size + df.unit - 1) / df.unit));
	return buf;
}

static void title_print(void)
{
	printf("%-15s ", "Filesystem");
	if (df.type)
		printf("%-8s ", "Type");
	printf("%10s %10s %10s %4s Mounted on\n", df.inodes ? "Inodes" : df.human ? "Size" :
	       df.unit == 1 << 20 ? "1M-blocks" : df.posix ? "1024-blocks" : "1K-blocks",
	       df.inodes ? "IUsed" : "Used", df.inodes ? "IFree" : df.human ? "Avail" : "Available",
	       df.inodes ? "IUse%" : df.posix ? "Capacity" : "Use%");
}

static void mount_print(const struct mntent *m)
{
	char all_text[SIZE_TEXT], used_text[SIZE_TEXT], free_text[SIZE_TEXT];
	uint64_t all, used, avail;
	struct statvfs s;

	if (statvfs(m->mnt_dir, &s) < 0) {
		warn("%s", m->mnt_dir);
		df.ok = false;
		return;
	}
	all = df.inodes ? s.f_files : s.f_blocks;
	used = all - (df.inodes ? s.f_ffree : s.f_bfree);
	avail = df.inodes ? s.f_ffree : s.f_bavail;
	printf("%-15s ", m->mnt_fsname);
	if (df.type)
		printf("%-8s ", m->mnt_type);
	printf("%10s %10s %10s ", amount(all_text, all, s.f_frsize),
	       amount(used_text, used, s.f_frsize), amount(free_text, avail, s.f_frsize));
	/* Of what an ordinary user could have, rounded up. */
	if (used + avail)
		printf("%3llu%%", (unsigned long long)((used * 100 + used + avail - 1) /
						       (used + avail)));
	else
		printf("%4s", "-");
	printf(" %s\n", m->mnt_dir);
}

/* The mount that a path lies in: the last one on its device. */
static void path_print(const char *path)
{
	FILE *f = setmntent("/proc/mounts", "r");
	struct mntent *m, found;
	struct stat st, mounted;
	bool any = false;

	if (!f)
		err(1, "/proc/mounts");
	if (stat(path, &st) < 0) {
		warn("%s", path);
		df.ok = false;
		endmntent(f);
		return;
	}
	while ((m = getmntent(f)) != NULL) {
		if (stat(m->mnt_dir, &mounted) < 0 || mounted.st_dev != st.st_dev)
			continue;
		if (any) {
			free(found.mnt_fsname);
			free(found.mnt_dir);
			free(found.mnt_type);
		}
		any = true;
		found.mnt_fsname = xstrdup(m->mnt_fsname);
		found.mnt_dir = xstrdup(m->mnt_dir);
		found.mnt_type = xstrdup(m->mnt_type);
	}
	endmntent(f);
	if (any) {
		mount_print(&found);
		return;
	}
	warnx("%s: no mount found", path);
	df.ok = false;
}

static void all_print(void)
{
	FILE *f = setmntent("/proc/mounts", "r");
	struct mntent *m;
	struct statvfs s;

	if (!f)
		err(1, "/proc/mounts");
	while ((m = getmntent(f)) != NULL) {
		if (df.all || (statvfs(m->mnt_dir, &s) == 0 && s.f_blocks))
			mount_print(m);
	}
	endmntent(f);
}

static int df_main(int argc, char **argv)
{
	int c;

	df.unit = 1024;
	df.ok = true;
	while ((c = getopt(argc, argv, "hkmaTiP")) != -1) {
		if (c == '?')
			usage(1);
		df.human |= c == 'h';
		df.all |= c == 'a';
		df.type |= c == 'T';
		df.inodes |= c == 'i';
		df.posix |= c == 'P';
		if (c == 'k' || c == 'm')
			df.unit = c == 'k' ? 1024 : 1 << 20;
	}
	title_print();
	if (!argv[optind])
		all_print();
	for (argv += optind; *argv; argv++)
		path_print(*argv);
	return !df.ok;
}

TOOL("df", df_main, "[-ahikmTP] [FILE]...");
