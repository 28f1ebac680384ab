/*
 * Directories and paths: opendir, nftw, glob, realpath, rename, access, symbolic links.
 */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int entries, folders, links;

static int count(const char *path, const struct stat *info, int type, struct FTW *place)
{
	(void)path;
	(void)info;
	(void)place;
	entries++;
	folders += type == FTW_D || type == FTW_DP;
	links += type == FTW_SL;
	return 0;
}

static int delete(const char *path, const struct stat *info, int type, struct FTW *place)
{
	(void)info;
	(void)type;
	(void)place;
	return remove(path);
}

static void make(void)
{
	char name[64];
	FILE *f;
	int i;

	mkdir("tree", 0755);
	mkdir("tree/sub", 0700);
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "tree/%s%d.txt", i % 2 ? "sub/odd" : "even", i);
		f = fopen(name, "w");
		if (!f || fprintf(f, "%d\n", i) < 0 || fclose(f) != 0) {
			perror(name);
			exit(1);
		}
	}
	if (symlink("sub/odd1.txt", "tree/link") != 0 || symlink("nowhere", "tree/broken") != 0) {
		perror("symlink");
		exit(1);
	}
}

int main(void)
{
	char path[PATH_MAX];
	struct dirent *entry;
	struct stat info;
	glob_t found;
	DIR *dir;
	int n = 0;

	make();
	dir = opendir("tree");
	while (dir && (entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	rewinddir(dir);
	printf("%d names, again %s\n", n, readdir(dir) ? "yes" : "no");
	closedir(dir);
	nftw("tree", count, 10, FTW_PHYS);
	printf("%d entries, %d folders, %d links\n", entries, folders, links);
	printf("glob %d, %zu names, first %s\n", glob("tree/sub/odd[12]*.txt", 0, NULL, &found),
	       found.gl_pathc, found.gl_pathv[0]);
	globfree(&found);
	printf("link leads to %s\n", strstr(realpath("tree/link", path), "/tree/"));
	printf("broken: %d %d\n", access("tree/broken", F_OK), errno == ENOENT);
	printf("rename %d\n", rename("tree/sub", "tree/moved"));
	printf("into itself %d %d\n", rename("tree", "tree/moved/x"), errno == EINVAL);
	stat("tree/moved", &info);
	printf("mode %o, links %lu\n", info.st_mode & 07777, (unsigned long)info.st_nlink);
	printf("rmdir %d %d\n", rmdir("tree"), errno == ENOTEMPTY);
	nftw("tree", delete, 10, FTW_PHYS | FTW_DEPTH);
	printf("gone %d\n", access("tree", F_OK) != 0);
	return 0;
}
