/*
 * Opening, copying, naming files; memory that never fails.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/tool.h"

#define COPY_BUFFER	65536

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		err(2, "malloc");
	return p;
}

void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		err(2, "realloc");
	return p;
}

char *xstrdup(const char *s)
{
	char *p = strdup(s);

	if (!p)
		err(2, "strdup");
	return p;
}

FILE *input_open(const char *path)
{
	FILE *f;

	if (!path || strcmp(path, "-") == 0)
		return stdin;
	f = fopen(path, "re");
	if (!f)
		warn("%s", path);
	return f;
}

void input_close(FILE *f)
{
	if (f && f != stdin)
		fclose(f);
}

bool input_failed(FILE *f, const char *path)
{
	if (!ferror(f))
		return false;
	warn("%s", path ? path : "-");
	clearerr(f);
	return true;
}

bool write_all(int fd, const void *buf, size_t n)
{
	const char *p = buf;
	ssize_t done;

	while (n > 0) {
		done = write(fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

int fd_copy(int in, int out)
{
	static char buf[COPY_BUFFER];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!write_all(out, buf, (size_t)n))
			return -2;
	}
	return 0;
}

char *path_base(const char *path)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/'; start--)
		;
	if (start == end && end > 0)	/* the root directory */
		start = end - 1;
	return strndup(path + start, end - start);
}

char *path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);
	char *base = path_base(name), *path;

	if (asprintf(&path, "%s%s%s", dir, len && dir[len - 1] == '/' ? "" : "/", base) < 0)
		err(2, "malloc");
	free(base);
	return path;
}

bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool ask(const char *fmt, ...)
{
	va_list ap;
	int first, c;

	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	first = c = getchar();
	while (c != '\n' && c != EOF)
		c = getchar();
	return first == 'y' || first == 'Y';
}
