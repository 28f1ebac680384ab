/*
 * Reading the small text files of /proc.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

char *file_slurp(const char *path, size_t *len)
{
	size_t used = 0, size = 4096;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text;
	ssize_t n;

	if (fd < 0)
		return NULL;
	text = xmalloc(size);
	while ((n = read(fd, text + used, size - used - 1)) > 0) {
		used += (size_t)n;
		if (size - used < 2) {
			size *= 2;
			text = xrealloc(text, size);
		}
	}
	close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[used] = 0;
	if (len)
		*len = used;
	return text;
}

uint64_t meminfo_bytes(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; text && *text; text = strchr(text, '\n')) {
		if (*text == '\n')
			text++;
		if (strncmp(text, name, len) == 0 && text[len] == ':')
			return strtoull(text + len + 1, NULL, 10) * 1024;
	}
	return 0;
}
