#include "tests/host/files.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const char *file_beside(const char *name)
{
	static char path[4200];
	char self[4000];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len < 0 ? 0 : len] = '\0';
	snprintf(path, sizeof(path), "%s/%s", dirname(self), name);
	return path;
}

uint8_t *file_load(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	long end;

	*size = 0;
	if (!file)
		return NULL;
	fseek(file, 0, SEEK_END);
	end = ftell(file);
	rewind(file);
	data = malloc(end > 0 ? (size_t)end : 1);
	*size = fread(data, 1, (size_t)end, file);
	fclose(file);
	return data;
}
