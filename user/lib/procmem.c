#include "procmem.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

bool counters_read(struct counters *c, const char *path)
{
	char *text = file_slurp(path, NULL), *line, *rest = text;
	size_t room = 0;

	if (!text)
		return false;
	free(c->list);
	*c = (struct counters){ 0 };
	while ((line = strsep(&rest, "\n")) && *line) {
		char *end = line + strcspn(line, ": \t");

		if (c->n == room) {
			room = room ? 2 * room : 64;
			c->list = xrealloc(c->list, room * sizeof(*c->list));
		}
		snprintf(c->list[c->n].name, sizeof(c->list->name), "%.*s", (int)(end - line),
			 line);
		c->list[c->n++].value = strtoull(end + strspn(end, ": \t"), NULL, 10);
	}
	free(text);
	return true;
}

uint64_t counter_get(const struct counters *c, const char *name)
{
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->list[i].name, name) == 0)
			return c->list[i].value;
	}
	return 0;
}

/* --- processes --- */

static char *slurp_of(int pid, const char *name, size_t *len)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	return file_slurp(path, len);
}

bool proc_read(int pid, struct proc_mem *p)
{
	char *stat = slurp_of(pid, "stat", NULL), *statm = slurp_of(pid, "statm", NULL);
	char *open = stat ? strchr(stat, '(') : NULL, *close = stat ? strrchr(stat, ')') : NULL;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
	unsigned long minflt, majflt, size, rss, shared;
	bool ok = false;

	*p = (struct proc_mem){ .pid = pid };
	if (open && close && statm &&
	    sscanf(close + 1, " %c %*d %*d %*d %*d %*d %*u %lu %*u %lu", &p->state, &minflt,
		   &majflt) == 3 && sscanf(statm, "%lu %lu %lu", &size, &rss, &shared) == 3) {
		snprintf(p->comm, sizeof(p->comm), "%.*s", (int)(close - open - 1), open + 1);
		p->minflt = minflt;
		p->majflt = majflt;
		p->size = size * page;
		p->rss = rss * page;
		p->shared = shared * page;
		ok = true;
	}
	free(stat);
	free(statm);
	return ok;
}

static int by_pid(const void *a, const void *b)
{
	const struct proc_mem *p = a, *q = b;

	return (p->pid > q->pid) - (p->pid < q->pid);
}

size_t procs_read(struct proc_mem **list)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	size_t n = 0, room = 0;

	*list = NULL;
	while (dir && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		if (n == room) {
			room = room ? 2 * room : 32;
			*list = xrealloc(*list, room * sizeof(**list));
		}
		n += proc_read(atoi(e->d_name), *list + n);
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(*list, n, sizeof(**list), by_pid);
	return n;
}

char *command_of(int pid)
{
	size_t len = 0;
	char *text = slurp_of(pid, "cmdline", &len);
	struct proc_mem p;

	if (text && len) {
		for (size_t i = 0; i + 1 < len; i++) {
			if (!isprint((unsigned char)text[i]))
				text[i] = ' ';
		}
		return text;
	}
	free(text);
	if (asprintf(&text, "[%s]", proc_read(pid, &p) ? p.comm : "?") < 0)
		err(1, "malloc");
	return text;
}

/* --- areas --- */

/* "00010000-00012000 r-xp 00000000 fe:00 12  /bin/sh" */
static bool area_parse(struct area *a, const char *line)
{
	int at = 0;

	*a = (struct area){ 0 };
	if (sscanf(line, "%lx-%lx %4s %lx %x:%x %lu %n", (unsigned long *)&a->start,
		   (unsigned long *)&a->end, a->perms, (unsigned long *)&a->offset, &a->major,
		   &a->minor, (unsigned long *)&a->inode, &at) != 7)
		return false;
	a->name = xstrdup(line + at);
	return true;
}

/* "Rss:   12 kB" */
static void number_add(struct area *a, const char *line)
{
	static const struct {
		const char *name;
		size_t at;
	} fields[] = {
		{ "Rss:", offsetof(struct area, rss) },
		{ "Pss:", offsetof(struct area, pss) },
		{ "Shared_Dirty:", offsetof(struct area, dirty) },
		{ "Private_Dirty:", offsetof(struct area, dirty) },
		{ "Anonymous:", offsetof(struct area, anon) },
		{ "Locked:", offsetof(struct area, locked) },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		size_t len = strlen(fields[i].name);

		if (strncmp(line, fields[i].name, len) == 0)
			*(uint64_t *)((char *)a + fields[i].at) += strtoull(line + len, NULL, 10);
	}
}

long areas_read(int pid, struct area **list)
{
	char *text = slurp_of(pid, "smaps", NULL), *rest = text, *line;
	size_t n = 0, room = 0;

	*list = NULL;
	if (!text)
		return -1;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (!isdigit((unsigned char)*line) && !islower((unsigned char)*line)) {
			if (n)
				number_add(*list + n - 1, line);
			continue;
		}
		if (n == room) {
			room = room ? 2 * room : 32;
			*list = xrealloc(*list, room * sizeof(**list));
		}
		n += area_parse(*list + n, line);
	}
	free(text);
	return (long)n;
}

void areas_free(struct area *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].name);
	free(list);
}
