/* What /proc says of memory: counters of the machine, processes, areas of a process. */
#ifndef LIB_PROCMEM_H
#define LIB_PROCMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lines of a name and a number, as in /proc/meminfo (then in KiB) and /proc/vmstat. */
struct counters {
	size_t n;
	struct counter {
		char name[32];
		uint64_t value;
	} *list;
};

/* What was read before into c is replaced. False with errno. */
bool counters_read(struct counters *c, const char *path);
/* 0 if there is none of that name. */
uint64_t counter_get(const struct counters *c, const char *name);

struct proc_mem {
	int pid;
	char comm[32];
	char state;
	uint64_t minflt, majflt;	/* so far */
	uint64_t size, rss, shared;	/* KiB */
};

/* All processes, ascending by pid; *list is in fresh memory. */
size_t procs_read(struct proc_mem **list);
/* One of them. False if there is none of that number. */
bool proc_read(int pid, struct proc_mem *p);

struct area {
	uint64_t start, end, offset;
	char perms[5];			/* "rw-p" */
	unsigned int major, minor;
	uint64_t inode;
	uint64_t rss, pss, dirty, anon, locked; /* KiB */
	char *name;
};

/* The areas of a process, ascending; *list is in fresh memory. -1 with errno. */
long areas_read(int pid, struct area **list);
void areas_free(struct area *list, size_t n);
/* Its command line with blanks between, or [NAME]; in fresh memory. */
char *command_of(int pid);

#endif
