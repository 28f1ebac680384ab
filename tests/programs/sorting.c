/*
 * qsort, bsearch, tsearch and the hash table of the C library.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT	20000

static int compare_int(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int walked;

static void walk(const void *node, VISIT visit, int depth)
{
	(void)node;
	(void)depth;
	if (visit == postorder || visit == leaf)
		walked++;
}

int main(void)
{
	static int number[COUNT];
	char *word[] = { "pear", "apple", "fig", "orange", "date", "cherry" };
	int i, key = 777777 % 100003;
	void *root = NULL;

	for (i = 0; i < COUNT; i++)
		number[i] = (int)((long)i * 777777 % 100003);
	qsort(number, COUNT, sizeof(number[0]), compare_int);
	for (i = 1; i < COUNT; i++) {
		if (number[i - 1] >= number[i])
			return 1;
	}
	if (!bsearch(&key, number, COUNT, sizeof(number[0]), compare_int))
		return 2;
	qsort(word, 6, sizeof(word[0]), compare_text);
	for (i = 0; i < 6; i++)
		printf("%s%c", word[i], i < 5 ? ' ' : '\n');
	for (i = 0; i < COUNT; i++)
		tsearch(&number[COUNT - 1 - i], &root, compare_int);
	twalk(root, walk);
	printf("%d numbers, the middle is %d, %d nodes\n", COUNT, number[COUNT / 2], walked);
	if (!hcreate(100))
		return 3;
	for (i = 0; i < 6; i++)
		hsearch((ENTRY){ .key = word[i], .data = word[5 - i] }, ENTER);
	printf("fig -> %s\n", (char *)hsearch((ENTRY){ .key = "fig" }, FIND)->data);
	hdestroy();
	return 0;
}
