#include "glob.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool glob_match(const char *pattern, const char *string)
{
	return fnmatch(pattern, string, 0) == 0;
}

/* Does the component contain an active pattern character? */
static bool component_active(const char *component)
{
	for (const char *p = component; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (strchr("*?[", *p))
			return true;
	}
	return false;
}

static char *path_join(const char *folder, const char *name)
{
	struct text text;

	text_init(&text, &scratch);
	text_string(&text, folder);
	text_string(&text, name);
	return text_finish(&text);
}

static char *unescape(const char *component)
{
	struct text text;

	text_init(&text, &scratch);
	for (const char *p = component; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		text_char(&text, *p);
	}
	return text_finish(&text);
}

static void walk(char *folder, const char *pattern, struct list *list);

static void walk_folder(char *folder, const char *component, const char *rest, struct list *list)
{
	DIR *dir = opendir(*folder ? folder : ".");
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (name[0] == '.' && (component[0] != '.' || !name[1] ||
				       (name[1] == '.' && !name[2])))
			continue;
		if (!glob_match(component, name))
			continue;
		if (*rest)
			walk(path_join(folder, name), rest, list);
		else
			list_add(list, path_join(folder, name));
	}
	closedir(dir);
}

/* `folder` is matched already and ends with a slash if anything follows. */
static void walk(char *folder, const char *pattern, struct list *list)
{
	size_t slashes = strspn(pattern, "/");
	const char *component, *rest;
	struct stat st;

	folder = path_join(folder, arena_copy(&scratch, pattern, slashes));
	pattern += slashes;
	rest = pattern + strcspn(pattern, "/");
	component = arena_copy(&scratch, pattern, rest - pattern);
	if (component_active(component)) {
		walk_folder(folder, component, rest, list);
		return;
	}
	folder = path_join(folder, unescape(component));
	if (*rest)
		walk(folder, rest, list);
	else if (lstat(folder, &st) == 0)
		list_add(list, folder);
}

static int name_compare(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

bool glob_files(const char *pattern, struct list *list)
{
	size_t before = list->count;

	walk(arena_string(&scratch, ""), pattern, list);
	qsort(list->items + before, list->count - before, sizeof(char *), name_compare);
	return list->count > before;
}
