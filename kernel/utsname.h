/*
 * What uname(2) says: the names of the machine, of which each UTS namespace has its own.
 */
#pragma once

#include "kernel/line.h"
#include "kernel/namespace.h"

struct utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};

struct uts_namespace {
	struct ns ns;
	struct utsname name; /* (uts_lock) the node and the domain; the rest is constant */
};

extern struct uts_namespace uts_first;
struct ns *uts_copy(const struct ns *old, struct fscontext *fs);
void uts_free(struct ns *ns);

/* Those of its names that are the same everywhere. */
extern const struct line uts_sysname, uts_release;
/* Those that can be set: the running thread's, as long as it stays in its namespace. */
struct line uts_nodename(void);
struct line uts_domainname(void);
