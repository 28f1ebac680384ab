/*
 * A tree of folders made, walked with nftw, sorted with scandir, searched and removed.
 */
#define _XOPEN_SOURCE 700
#include <dirent.h>
#include <ftw.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int folders, files, links;
static long bytes;

static int visit(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)path;
	(void)where;
	folders += kind == FTW_D;
	links += kind == FTW_SL;
	if (kind == FTW_F) {
		files++;
		bytes += (long)st->st_size;
	}
	return 0;
}

static int erase(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static void grow(const char *path, int depth)
{
	char name[256];

	if (mkdir(path, 0755) != 0)
		exit(1);
	for (int i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s/file%d", path, i);
		FILE *f = fopen(name, "w");

		if (!f)
			exit(2);
		fprintf(f, "%0*d", (depth + 1) * (i + 1) * 10, 0);
		fclose(f);
	}
	snprintf(name, sizeof(name), "%s/link", path);
	if (symlink("file0", name) != 0)
		exit(3);
	for (int i = 0; depth && i < 2; i++) {
		snprintf(name, sizeof(name), "%s/sub%d", path, i);
		grow(name, depth - 1);
	}
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

int main(void)
{
	static const char *const words[] = { "pear", "apple", "fig", "apple", "plum", "fig" };
	struct dirent **list;
	void *tree = NULL;
	int n, distinct = 0;

	grow("tree", 3);
	if (nftw("tree", visit, 8, FTW_PHYS) != 0)
		return 4;
	printf("%d folders, %d files, %d links, %ld bytes\n", folders, files, links, bytes);
	n = scandir("tree/sub1", &list, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		printf("%s ", list[i]->d_name);
		free(list[i]);
	}
	puts("");
	free(list);
	if (nftw("tree", erase, 8, FTW_PHYS | FTW_DEPTH) != 0)
		return 5;
	printf("gone: %d\n", access("tree", F_OK) != 0);
	for (int i = 0; i < 6; i++) {
		distinct += tfind(words[i], &tree, by_text) == NULL;
		tsearch(words[i], &tree, by_text);
	}
	printf("%d words\n", distinct);
	return 0;
}
