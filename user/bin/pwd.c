/* pwd: the working directory; -L as the shell got there, -P without symbolic links. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

/* $PWD, if it is an absolute path of this directory without "." and ".." in it. */
static const char *logical_path(void)
{
	const char *path = getenv("PWD"), *p;
	struct stat here, there;

	if (!path || path[0] != '/' || stat(".", &here) < 0 || stat(path, &there) < 0 ||
	    here.st_ino != there.st_ino || here.st_dev != there.st_dev)
		return NULL;
	for (p = path; (p = strstr(p, "/.")) != NULL; p += 2) {
		if (p[2] == 0 || p[2] == '/' || (p[2] == '.' && (p[3] == 0 || p[3] == '/')))
			return NULL;
	}
	return path;
}

static int pwd_main(int argc, char **argv)
{
	const char *path = NULL;
	bool logical = false;
	int c;

	while ((c = getopt(argc, argv, "LP")) != -1) {
		if (c == '?')
			usage(1);
		logical = c == 'L';
	}
	if (logical)
		path = logical_path();
	if (!path)
		path = getcwd(NULL, 0);
	if (!path)
		err(1, "getcwd");
	puts(path);
	return 0;
}

TOOL("pwd", pwd_main, "[-LP]");
