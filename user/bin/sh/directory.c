#include "directory.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "var.h"

static char current[PATH_MAX] = "/";

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

void directory_init(void)
{
	const char *pwd = var_get("PWD");

	if (pwd && *pwd == '/' && strlen(pwd) < sizeof(current) && same_file(pwd, "."))
		strcpy(current, pwd);
	else if (!getcwd(current, sizeof(current)))
		strcpy(current, ".");
	var_set("PWD", current);
}

const char *directory_current(void)
{
	return current;
}

/* An absolute path without ".", ".." and doubled slashes, by its letters only. */
static char *path_normalize(const char *path)
{
	struct text text;

	text_init(&text, &scratch);
	if (*path != '/') {
		text_string(&text, current);
		text_char(&text, '/');
	}
	text_string(&text, path);
	path = arena_string(&scratch, text_finish(&text));
	text.len = 0;
	while (*path) {
		size_t len;

		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && path[0] == '.' && path[1] == '.') {
			while (text.len && text.data[--text.len] != '/')
				;
		} else if (len && !(len == 1 && *path == '.')) {
			text_char(&text, '/');
			text_bytes(&text, path, len);
		}
		path += len;
	}
	if (!text.len)
		text_char(&text, '/');
	text.data[text.len] = '\0';
	return text.data;
}

bool directory_change(const char *path, bool physical)
{
	char real[PATH_MAX];
	char *name = path_normalize(path);
	bool by_name = !physical && strlen(name) < sizeof(current) && chdir(name) == 0;

	if (!by_name) {
		if (chdir(path) < 0)
			return false;
		name = getcwd(real, sizeof(real)) ? real : "?";
	}
	var_set("OLDPWD", current);
	strcpy(current, name);
	var_set("PWD", current);
	return true;
}
