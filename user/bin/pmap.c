/* pmap: the areas of a process's memory. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lib/procmem.h"
#include "user/lib/tool.h"

static bool extended, quiet;

/* What stands behind the area; its last component is enough. */
static const char *mapping(const struct area *a)
{
	const char *slash = strrchr(a->name, '/');

	if (!a->name[0])
		return "  [ anon ]";
	if (strcmp(a->name, "[stack]") == 0)
		return "  [ stack ]";
	if (a->name[0] == '[')
		return "  [ anon ]";
	return slash ? slash + 1 : a->name;
}

static void mode_text(char mode[6], const struct area *a)
{
	snprintf(mode, 6, "%.3s%c-", a->perms, a->perms[3] == 's' ? 's' : '-');
}

static void area_print(const struct area *a)
{
	char mode[6];

	mode_text(mode, a);
	if (extended)
		printf("%016llx %7llu %7llu %7llu %s %s\n", (unsigned long long)a->start,
		       (unsigned long long)(a->end - a->start) / 1024, (unsigned long long)a->rss,
		       (unsigned long long)a->dirty, mode, mapping(a));
	else
		printf("%016llx %6lluK %s %s\n", (unsigned long long)a->start,
		       (unsigned long long)(a->end - a->start) / 1024, mode, mapping(a));
}

static bool process_print(int pid)
{
	struct area *list;
	uint64_t size = 0, rss = 0, dirty = 0;
	long n = areas_read(pid, &list);
	char *command;

	if (n < 0) {
		if (errno != ENOENT)
			warn("%d", pid);
		return false;
	}
	command = command_of(pid);
	printf("%d:   %s\n", pid, command);
	if (extended && !quiet)
		printf("Address           Kbytes     RSS   Dirty Mode  Mapping\n");
	for (long i = 0; i < n; i++) {
		area_print(&list[i]);
		size += (list[i].end - list[i].start) / 1024;
		rss += list[i].rss;
		dirty += list[i].dirty;
	}
	if (extended && !quiet)
		printf("---------------- ------- ------- ------- \ntotal kB         %7llu %7llu "
		       "%7llu\n", (unsigned long long)size, (unsigned long long)rss,
		       (unsigned long long)dirty);
	else if (!quiet)
		printf(" total %16lluK\n", (unsigned long long)size);
	areas_free(list, (size_t)n);
	free(command);
	return true;
}

static int pmap_main(int argc, char **argv)
{
	int c, status = 0;

	while ((c = getopt(argc, argv, "qx")) != -1) {
		if (c == '?')
			usage(1);
		extended |= c == 'x';
		quiet |= c == 'q';
	}
	if (!argv[optind])
		usage(1);
	for (; argv[optind]; optind++) {
		if (!process_print((int)number_parse(argv[optind])))
			status = 42;
	}
	return status;
}

TOOL("pmap", pmap_main, "[-qx] PID...");
